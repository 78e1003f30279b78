/*
 * payment.h - what the API asks of the payment module (the driver binds the core to store, engine,
 * loop).
 */
#ifndef PAYMENT_PAYMENT_H
#define PAYMENT_PAYMENT_H

#include "base/loop.h"
#include "base/message.h"
#include "ledger/store.h"
#include "payment/admission.h"
#include "payment/merchant.h"
#include "payment/orchestrate.h"
#include "payment/ruling.h"
#include "providers/engine.h"
#include "router/router.h"

struct payments;

struct payments_config {
    struct orchestrate_limits limits;
    size_t in_flight_max;        /* 4,096 payments in this worker's hands; beyond it 503 */
    int64_t resolve_interval_ms; /* 1,000: how often unresolved attempts are claimed */
    unsigned resolve_batch;      /* 256 of them in hand */
    int64_t dead_after_ms;       /* writers of other hosts without heartbeat */
    int64_t reverse_wait_ms;     /* 1,000: before a reversal is asked after; doubled to a minute */
    int64_t reverse_retry_ms;    /* 5,000: before another one; doubled to an hour */
    unsigned reverse_try_max;    /* 8 of one late success */
};
extern const struct payments_config payments_config_default;

struct payments_parts { /* all borrowed, alive as long as the module */
    struct loop *loop;
    struct store *store;
    struct engine *engine;
    struct merchants *merchants;
    struct health *health;
    struct rule_set *rules;        /* for merchants that come without: no rulebook was given */
    struct rulebook *rulebook;     /* NULL: nothing is counted for canaries */
    const struct rates *rates;     /* NULL: none */
    struct volumes *volumes;       /* NULL: every month's volume is 0 */
    struct admission *admission;   /* NULL: nothing is limited but in_flight_max */
    const uint8_t *seal_key;       /* AEAD_KEY_SIZE: request bodies and tokens at rest */
    const uint8_t *token_hash_key; /* 32 bytes */
    struct uuid writer_id;
    /* Is this writer's process alive (shared segment)? Decides between 409 and 202 for a taken key.
     */
    bool (*writer_is_alive)(void *ctx, const struct uuid *writer_id);
    void *writer_ctx;
};

struct payments *payments_new(const struct payments_config *config,
                              const struct payments_parts *parts);
/*
 * Claim no unresolved attempts any more; true once nothing is in hand. What a client still asks for
 * is done: whoever drains sees to it that no new clients come.
 */
bool payments_drain(struct payments *payments);
size_t payments_in_flight(const struct payments *payments);
/* For work that no client waits for: nothing presses, and half of the room is free. */
bool payments_has_room(const struct payments *payments);
void payments_free(struct payments **payments);

enum {
    PAYMENT_TOKEN_MAX = 8,
    PAYMENT_URL_MAX = 1024,
};

struct payment_token {
    struct str provider; /* "paypal" */
    struct str token;
};

struct payment_request { /* validated by the API; strings borrowed during the call only */
    struct str key;
    uint8_t fingerprint[32];
    int64_t amount_minor;
    const struct currency *currency;
    bool is_payout;         /* money goes out: tokens are payee ids, beneficiary is set */
    bool capture_automatic; /* payments */
    struct uuid
        payment_id; /* zero: one is made; else known before (a row of a batch, an approval) */
    const struct provider_beneficiary *beneficiary; /* payouts; borrowed like the strings */
    struct str reference;
    struct str method_type;
    struct str card_brand; /* hints for routing rules: each may be empty */
    struct str card_country;
    struct str card_bin;     /* 6 to 8 digits */
    struct str test_outcome; /* method "test": "approved", ... ; test merchants only */
    struct payment_token token[PAYMENT_TOKEN_MAX];
    size_t token_count;
    bool asks_payer; /* no tokens: the payer approves at the provider's page */
    struct str country;
    struct str customer_id;
    struct str description;
    struct str return_url; /* https: where the payer is sent after acting; may be empty */
    struct str cancel_url; /* ... after refusing to */
    struct str customer_json;
    struct str metadata_json;
    struct route_pair metadata[ROUTE_METADATA_MAX];
    size_t metadata_count;
    struct str routing_json;
    struct str only[ROUTE_CANDIDATE_MAX];
    size_t only_count;
    struct str never[ROUTE_CANDIDATE_MAX];
    size_t never_count;
    const char *request_id; /* for logs */
    bool is_repeat; /* admitted under overload to be answered from the ledger: opens nothing */
};

struct payment_reply {       /* borrowed during done */
    int status;              /* 201, 202: body; else problem */
    struct str content_type; /* "application/json" */
    struct str body;
    struct str location;
    bool replayed;        /* Idempotent-Replayed: true */
    enum message problem; /* MESSAGE_NONE unless status >= 400 */
    struct str problem_detail;
    struct str problem_payment; /* "pay_..." where one is named; may be empty */
    int retry_after_s;          /* 0: none; NO_ROUTE: an account that would do is disabled */
};
typedef void (*payment_done_fn)(void *ctx, const struct payment_reply *reply);

/*
 * Create and process. done exactly once, within limits.answer_us, never before this returns. The
 * merchant is borrowed until done (merchants_hold). What is refused costs nothing: no row is
 * written for it.
 */
void payment_create_start(struct payments *payments, struct merchant *merchant,
                          const struct payment_request *request, payment_done_fn done, void *ctx);

struct payment_operate_request { /* validated by the API; strings borrowed during the call only */
    struct str key;
    uint8_t fingerprint[32];
    enum operation operation; /* CAPTURE, VOID, REFUND */
    struct uuid payment_id;   /* what it acts on */
    int64_t amount_minor;     /* 0: all that is left; VOID: 0 */
    bool is_last;             /* CAPTURE: what is held beyond it is let go */
    struct uuid capture_id;   /* refund: of this capture; zero: of one that has enough left */
    struct str reference;
    struct str reason; /* shown to the payer where the provider can; may be empty */
    struct str metadata_json;
    struct uuid given_id; /* zero: one is made */
    /*
     * A reversal, by the gateway alone: takes this attempt's approval back, whatever the payment's
     * status is. VOID or REFUND, of its whole amount. Zero: no reversal.
     */
    struct uuid attempt_id;
    const char *request_id; /* for logs */
    bool is_repeat;         /* as in payment_request */
};

/*
 * Capture, void or refund: an operation, a row of its own with its own key (docs/payments.md). done
 * exactly once, within limits.answer_us, never before this returns; the merchant is borrowed until
 * done. 201 its final state, 202 its outcome is not known yet; 404 no such payment of this merchant;
 * 409 the payment's state or what is left of it forbids it (nothing was written or sent).
 */
void payment_operate_start(struct payments *payments, struct merchant *merchant,
                           const struct payment_operate_request *request, payment_done_fn done,
                           void *ctx);

/*
 * The merchant wants a payout back. done exactly once, within limits.answer_us, never before this
 * returns; the merchant is borrowed until done (merchants_hold):
 *
 *     202  noted durably: the provider is asked at once, and again until it says how the payout
 *          ended. Only its word makes it "canceled"; it may be paid all the same.
 *     200  it is canceled, or has ended in that moment: the body says how
 *     404  no such payout of this merchant
 *     409  it has ended, a person looks at it, or its provider cannot cancel; with retry_after_s: it
 *          is being sent at this moment, or its provider has not said yet whether it has it
 *     503  nothing was noted; outcome_pending: perhaps it was
 *
 * Body: the payout. Asking again changes nothing.
 */
void payout_cancel_start(struct payments *payments, struct merchant *merchant,
                         const struct uuid *payment_id, payment_done_fn done, void *ctx);

/* What a person says of a case in the review queue: ruling.h. */
const char *payment_ruling_name(enum payment_ruling ruling);
enum payment_ruling payment_ruling_find(struct str name); /* RULING_NONE when unknown */

struct payment_decide {      /* strings borrowed during the call only */
    struct uuid merchant_id; /* zero: whosever it is */
    struct uuid review_id;
    enum payment_ruling ruling;
    int64_t amount_minor; /* charged: what moved; 0: as sent */
    struct str reference; /* charged: the provider's id of the money movement; may be empty */
    struct str reason;
    struct str evidence; /* may be empty */
    struct uuid key_id;  /* who */
    struct str role;
};
/*
 * NONE: decided, and all that follows is in the books. NOT_FOUND; INVALID_MEMBER: the ruling does
 * not fit; CONFLICT: decided before, or something has moved at this moment; UNAVAILABLE: nothing
 * was done; OUTCOME_PENDING: perhaps it was: look again.
 */
typedef void (*payment_decided_fn)(void *ctx, enum message problem, struct str detail);
/*
 * Decide a case: done exactly once, within limits.answer_us, never before this returns. Who decides
 * it, when, why and on what evidence is written into an event of the payment, with what follows
 * from it, in one commit; of two who decide at once, or of one and a late proof, one wins.
 */
void payment_decide_start(struct payments *payments, const struct payment_decide *decide,
                          payment_decided_fn done, void *ctx);

/*
 * As payout_cancel_start, for a payment. 200 also when it was authorized and has been voided; 409 when it is paid
 * (refund it). What is found to have been charged after a cancel was noted is given back by itself. operator_key: whose
 * key it was; NULL: the merchant's own.
 */
void payment_cancel_start(struct payments *payments, struct merchant *merchant,
                          const struct uuid *payment_id, const struct uuid *operator_key,
                          payment_done_fn done, void *ctx);

/* One look at the rule set's decision for a request, nothing sent or written (GET /v1/providers
 * uses it). */
void payments_use_rules(struct payments *payments, struct rule_set *rules); /* reload */

#endif
