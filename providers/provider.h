/*
 * provider.h - what a payment provider is to the gateway: a table of pure functions.
 *
 * An adapter has no state and does no I/O. It is asked again and again what to do next:
 *
 *     next(call, facts) -> SEND request ... (committed, then sent by the engine) ... judge(answer)
 *          -> facts (a list id, an order id: committed before the next send that needs them)
 *          -> next(call, facts) -> SEND ...            (Payoneer Checkout: list, then charge)
 *          -> outcome: approved, pending, declined, failed, unknown
 *
 * OAuth tokens are not sends: the engine fetches them by build_token/judge_token and puts them into
 * the request's Authorization header itself, so that a stored request never holds a credential.
 *
 * What a transport error means is not the adapter's business: if the request left and no whole
 * answer came, the outcome is unknown (design section 4).
 */
#ifndef PROVIDERS_PROVIDER_H
#define PROVIDERS_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "base/money.h"
#include "base/terms.h"

enum {
    PROVIDER_FACT_MAX = 8,
    PROVIDER_HEADER_MAX = 8,
    PROVIDER_REASON_MAX = 64,
    PROVIDER_SETTING_MAX = 16,
    PROVIDER_PATH_MAX = 1024,
    PROVIDER_SETTLE_MS_MAX = 24 * 3600 * 1000,
    PROVIDER_WEBHOOK_SECRET_MAX = 2,
    PROVIDER_EVENT_ID_MAX = 128,
    PROVIDER_EVENT_TYPE_MAX = 64,
    PROVIDER_HINT_REFERENCE_MAX = 4,
};

/* How the provider answers the same key again (capability `replay`). */
enum provider_replay {
    PROVIDER_REPLAY_NONE = 0,     /* would charge again: never repeat */
    PROVIDER_REPLAY_FIRST_ANSWER, /* the stored first answer */
    PROVIDER_REPLAY_LATEST_STATE, /* the current state of the same object (PayPal) */
    PROVIDER_REPLAY_DUPLICATE,    /* a "duplicate" error: refused, so safe, but says no outcome */
};

struct provider_capability {
    struct str currency_codes; /* "AUD BRL CAD ..." ; empty: every ISO 4217 currency */
    uint32_t operations;       /* bit set: 1u << OPERATION_SALE ... */
    enum provider_replay replay;
    int64_t key_lifetime_ms; /* how long a key protects a repeat; 0: for ever */
    int64_t action_ms;       /* a payer who must act has so long; 0: it is not said */
    bool waits_for_us;       /* ... and then nothing moves before our next send */
    int64_t settle_ms; /* after this long an answer to the same key or "not found" may end it */
    bool lookup_by_reference; /* can be asked by our attempt id or by a fact we hold */
    int64_t amount_max_minor; /* 0: no own limit */
    bool asks_payer;          /* a wallet without a token is approved at the provider's own page */
    int64_t hold_ms;          /* an authorization is held so long; 0: nobody says */
};

struct webhook_key; /* certificate.h: the public key of a certificate that was checked */

/* One account of one merchant at the provider. Owned by the merchant cache; borrowed in a call. */
struct provider_account {
    struct uuid merchant_id;
    struct uuid account_id;
    const struct provider *provider;
    char base_url[256];     /* "https://api-m.paypal.com", no slash at the end */
    char ca_file[256];      /* empty: the system's trust store */
    struct str user;        /* client id, or merchant code */
    struct secret password; /* client secret, or API key */
    struct secret webhook_secret[PROVIDER_WEBHOOK_SECRET_MAX]; /* signs its webhooks: the new one,
                               and the one before while it may still be used; may be empty */
    const json_t *settings; /* account settings by name (division, program_id, ...); may be NULL */
};

/*
 * How long an effect may still come after its send was lost: the account's setting "settle_ms",
 * else what the adapter assumes. Too short a time ends payments that are charged afterwards.
 */
int64_t provider_settle_ms(const struct provider_account *account);

/*
 * Who receives a payout. Checked by the API (country, e-mail, IBAN and BIC forms); any string may be
 * empty. Personal data: kept sealed, erased with the payment's details.
 */
struct provider_beneficiary {
    struct str type; /* "individual" | "business" */
    struct str first_name;
    struct str last_name;
    struct str business_name;
    struct str email;
    struct str phone;   /* E.164: "+4915112345678" */
    struct str country; /* ISO 3166-1 alpha-2 */
    struct str account_holder;
    struct str bank_country;
    struct str iban; /* without spaces, capitals */
    struct str bic;
    struct str account_number; /* where there is no IBAN */
    struct str routing_code;   /* ABA, sort code, IFSC, ... */
};

/* What an attempt is to achieve; the same from its first send to its last lookup. */
struct provider_call {
    enum operation operation;
    const struct provider_account *account;
    struct str attempt_ref;  /* "att_...": our reference and idempotency key at the provider */
    struct str payment_ref;  /* "pay_...": invoice number where there is one */
    struct str merchant_ref; /* the merchant's own reference; may be empty */
    int64_t amount_minor;
    const struct currency *currency;
    struct str method_type;  /* "card", "wallet" */
    struct str token;        /* the provider's token for the payment method; payout: its payee id */
    struct str country;      /* payer's, ISO 3166-1 alpha-2; may be empty */
    struct str customer_ref; /* may be empty */
    struct str description;  /* may be empty */
    struct str return_url;   /* where a payer who must act comes back to; may be empty */
    struct str cancel_url;   /* ... who does not want to act */
    uint8_t send_number;     /* next: of the send that is built; 1 is the first */
    struct str parent_ref;   /* capture, void, refund: the provider's id of what it acts on */
    struct str held_ref;     /* authorize, looked up once approved: the provider's id of the
                                authorization that is in force now; empty: not known */
    bool is_superseded;      /* ... and that is another than it was approved with */
    bool is_last;            /* capture: what is held beyond it is let go */
    const struct provider_beneficiary *beneficiary; /* payout; NULL else */
};

/* Short things an answer taught us, by name; kept as one JSON object in the ledger. */
struct provider_fact {
    struct str name;
    struct str value;
};
struct provider_facts {
    struct provider_fact fact[PROVIDER_FACT_MAX];
    size_t count;
};
struct str provider_fact_find(const struct provider_facts *facts,
                              struct str name); /* empty: none */
/* Set or replace; borrowed strings; a ninth name is a bug. */
void provider_fact_set(struct provider_facts *facts, struct str name, struct str value);
bool provider_facts_parse(struct str json, struct arena *arena, struct provider_facts *facts,
                          struct error *err) MUST_USE;
void provider_facts_print(const struct provider_facts *facts, struct buf *out);

/* The network's advice code, of a decline (decline.h). */
#define PROVIDER_FACT_ADVICE  "network_advice"
#define PROVIDER_FACT_NETWORK "network" /* of the card, likewise: "visa", "mastercard", ... */

enum provider_step {
    PROVIDER_STEP_NONE = 0,
    PROVIDER_STEP_CHARGE,  /* "charge": the send that moves the money (any operation) */
    PROVIDER_STEP_SESSION, /* "session": prepares, moves nothing (Payoneer list) */
    PROVIDER_STEP_LOOKUP,  /* "lookup": asks what happened */
    PROVIDER_STEP_CANCEL,  /* "cancel" */
    PROVIDER_STEP_PROBE,   /* "probe": harmless call of `accounts test` */
    PROVIDER_STEP_COUNT,
};
const char *provider_step_name(enum provider_step step);
enum provider_step provider_step_find(struct str name);

struct provider_header {
    struct str name;
    struct str value;
};

/* A request without credentials: exactly what is stored before it is sent. */
struct provider_request {
    enum provider_step step;
    bool moves_money;
    const char *sent_as; /* a literal: what it is to the gateway, for crash points; not stored */
    struct str method;   /* "POST" */
    struct str path;     /* "/v2/checkout/orders", begins with '/' */
    struct provider_header header[PROVIDER_HEADER_MAX];
    size_t header_count;
    bool has_body;
    struct str body;
    struct str key;  /* what protects a repeat of this send (idempotency key, one-use session);
                        empty: repeating it could act twice, never do it */
    bool basic_auth; /* a token request: user and password instead of the token; never stored */
};
/* To and from the bytes that are stored (encrypted) with the send. unpack(pack(x)) == x. */
void provider_request_pack(const struct provider_request *request, struct buf *out);
bool provider_request_unpack(struct str packed, struct arena *arena,
                             struct provider_request *request, struct error *err) MUST_USE;

struct provider_answer {
    int status; /* HTTP */
    struct str content_type;
    struct str body;
    struct str debug_id;    /* the provider's own request id for support */
    int64_t retry_after_ms; /* -1: none given */
};

/* What an answer means. */
struct provider_judgement {
    enum outcome outcome;             /* OUTCOME_NONE: go on with the next send */
    char code[PROVIDER_REASON_MAX];   /* the provider's own code, "INSTRUMENT_DECLINED", "0500"; may
                                         be "" */
    char reason[PROVIDER_REASON_MAX]; /* ours, stable: "insufficient_funds", "do_not_honor",
                                         "provider_error" */
    struct str
        reference; /* the provider's id of the money movement (capture, authorization, charge) */
    bool has_amount;
    int64_t amount_minor; /* as the provider states it; a mismatch is never success */
    char currency[4];
    bool has_fee;
    int64_t fee_minor;           /* the fee the provider states for this payment, in `currency` */
    struct provider_facts facts; /* new facts only */
    struct str action_url;       /* requires_action: where the payer must go */
    bool not_found;              /* a lookup found nothing (proof only after settle_ms) */
    bool duplicate;              /* the key or session was used before: look up */
    bool in_progress; /* the provider is still at work on this very request: no fault of its own */
    int64_t hold_ends_us; /* an authorization: held until then, wall clock; 0: it does not say */
    bool is_inert;        /* PENDING, REQUIRES_ACTION: no money moves before our next send */
    bool may_continue;    /* ... and next() builds it now: the payer has approved */
    bool may_send_again; /* FAILED for a passing reason (token expired): one more send may follow */
};

/*
 * Payees: some providers want people to register with them before they can be paid. Asking where a
 * payee registers, or how far that is, moves no money: nothing of it is stored, and it may be asked
 * again and again (payee.h).
 */
enum provider_payee_question {
    PROVIDER_PAYEE_LINK = 0, /* where does this payee register? */
    PROVIDER_PAYEE_STATUS,   /* can this payee be paid? */
};

enum provider_payee_state {
    PROVIDER_PAYEE_UNKNOWN = 0, /* "unknown": the provider uses a word we do not know */
    PROVIDER_PAYEE_PENDING,     /* "pending": began to register, or is being checked */
    PROVIDER_PAYEE_ACTIVE,      /* "active": can be paid */
    PROVIDER_PAYEE_INACTIVE,    /* "inactive": cannot be paid any more */
    PROVIDER_PAYEE_STATE_COUNT,
};
const char *provider_payee_state_name(enum provider_payee_state state);

struct provider_payee_ask { /* strings borrowed */
    enum provider_payee_question question;
    const struct provider_account *account;
    struct str payee_id;     /* the merchant's own id of the payee: what a payout names */
    struct str redirect_url; /* link: where the payee is sent afterwards; may be empty */
    struct str session_ref;  /* link: ours, comes back in the provider's notices; may be empty */
    const struct provider_beneficiary *beneficiary; /* link: fills the form in; may be NULL */
};

struct provider_payee {
    enum provider_payee_state state;
    struct str link;         /* PROVIDER_PAYEE_LINK: "https://..." */
    struct str provider_ref; /* the provider's own id of the payee's account; may be empty */
    struct str currency; /* in which the payee is paid out, as the provider says; may be empty */
};

/*
 * Webhooks: what a provider sends us by itself. It is a hint, and never booked: it says which attempt
 * to look up now. Two questions, both pure:
 *
 *     verify_webhook(account, webhook, key) -> GENUINE                        -> parse_webhook -> hint
 *            ^                                 FORGED, STALE, MALFORMED       nothing is stored
 *            '------- key ------- certificate <- NEEDS_KEY, certificate_url
 *
 * The certificate is fetched and checked by certificate.h; whose it may be is decided here, before
 * anything is fetched.
 */
struct provider_webhook { /* as it came; borrowed */
    struct str url;       /* as the provider called it: "https://host/webhooks/...?event=Cancel" */
    struct str query;     /* after '?', not decoded; empty: none */
    const struct provider_header *headers;
    size_t header_count;
    struct str body; /* raw bytes */
    int64_t now_us;  /* wall clock */
};

enum provider_verdict {
    PROVIDER_WEBHOOK_FORGED = 0, /* not signed as it should be, or not by the provider */
    PROVIDER_WEBHOOK_GENUINE,
    PROVIDER_WEBHOOK_MALFORMED,  /* what a signature consists of is missing or unreadable */
    PROVIDER_WEBHOOK_STALE,      /* signed for another time */
    PROVIDER_WEBHOOK_NEEDS_KEY,  /* ask again with the key of certificate_url */
    PROVIDER_WEBHOOK_NOT_SET_UP, /* the account takes none: a setting or a secret is missing */
    PROVIDER_VERDICT_COUNT,
};
const char *provider_verdict_name(enum provider_verdict verdict); /* "forged", ... */

struct provider_check {
    enum provider_verdict verdict;
    const char *reason;         /* for the log; a literal; "" when genuine */
    char certificate_url[256];  /* NEEDS_KEY: https, its host is one that may be asked */
    char certificate_name[128]; /* a name the certificate must have; ".paypal.com": one below it */
};

/* What a webhook is about. Strings live in the arena; empty: it does not say. */
struct provider_hint {
    struct str event_id;    /* the same for each repeat; never empty */
    struct str event_type;  /* the provider's word for it */
    struct str attempt_ref; /* ours, "att_...", as the provider tells it back */
    struct str payment_ref; /* ours, "pay_..." */
    struct str reference[PROVIDER_HINT_REFERENCE_MAX]; /* the provider's ids of what it is about */
    size_t reference_count;
    enum outcome outcome; /* what it says became of it; OUTCOME_NONE: ask in any case */
    unsigned operations;  /* of which of ours it says so; bit set: 1u << OPERATION_SALE ... */
    int64_t happened_us;  /* 0: it does not say */
    bool is_irrelevant;   /* about nothing that we look up */
};

enum provider_next {
    PROVIDER_NEXT_SEND = 0,
    PROVIDER_NEXT_REFUSE, /* cannot be expressed for this provider: the attempt FAILED, *err says
                             why */
};

struct provider {
    const char *name;    /* "paypal", "paypal_payouts" */
    const char *family;  /* "paypal": whose tokens and payee ids it takes */
    const char *title;   /* "PayPal" */
    const char *version; /* of the adapter; stored with each send */
    struct provider_capability capability;

    /* The next send of this call, given the facts so far. Strings live in arena. */
    enum provider_next (*next)(const struct provider_call *call, const struct provider_facts *facts,
                               struct arena *arena, struct provider_request *request,
                               struct error *err);
    /*
     * What the whole answer to a send of `step` means. Never fails: unreadable is OUTCOME_UNKNOWN.
     * A session that fails for whatever reason is FAILED (it moves nothing). A lookup or cancel
     * that fails is UNKNOWN: it says nothing about the payment. A probe is APPROVED when the
     * provider took our credentials, and needs no call (NULL). OUTCOME_NONE: new facts, ask next
     * (after a lookup: look up again). Strings live in arena.
     */
    void (*judge)(const struct provider_call *call, enum provider_step step,
                  const struct provider_answer *answer, struct arena *arena,
                  struct provider_judgement *judgement);
    /* Ask what happened; false when this provider offers no lookup with the facts we hold. */
    bool (*build_lookup)(const struct provider_call *call, const struct provider_facts *facts,
                         struct arena *arena, struct provider_request *request);
    /* Cancel the attempt by key or by fact; false when the provider has no such call. May be NULL.
     */
    bool (*build_cancel)(const struct provider_call *call, const struct provider_facts *facts,
                         struct arena *arena, struct provider_request *request);
    /* A harmless real call with the account's credentials. */
    bool (*build_probe)(const struct provider_account *account, struct arena *arena,
                        struct provider_request *request);

    /*
     * Payee services; both NULL where payees need not register. The request has the step SESSION
     * and moves nothing. ERROR_INVALID: cannot be asked like this.
     */
    bool (*build_payee)(const struct provider_payee_ask *ask, struct arena *arena,
                        struct provider_request *request, struct error *err);
    /*
     * What the whole answer says. Else ERROR_NOT_FOUND: no such payee; ERROR_INVALID: the provider
     * refused what was asked; ERROR_DENIED: our credentials, or the account's rights; ERROR_BUSY:
     * too often; ERROR_UNAVAILABLE: anything that says nothing. Strings live in arena.
     */
    bool (*judge_payee)(const struct provider_payee_ask *ask, const struct provider_answer *answer,
                        struct arena *arena, struct provider_payee *payee, struct error *err);

    /* Bearer tokens: NULL means HTTP Basic with user and password on every request. */
    void (*build_token)(const struct provider_account *account, struct arena *arena,
                        struct provider_request *request);
    /* "https://host" that gives tokens, in out (of the size of base_url). NULL: the base_url. */
    void (*find_token_url)(const struct provider_account *account, char out[256]);
    /* token is wiped by the engine; false: refused, *err says why without the secret. */
    bool (*judge_token)(const struct provider_answer *answer, struct secret *token,
                        int64_t *lifetime_ms, struct error *err);
    /* Checked when an account is made: settings known, complete, of the right form. */
    bool (*check_account)(const struct provider_account *account, struct error *err);

    /*
     * Did the provider send this, for this account, now? key: of certificate_url, checked; NULL
     * where none is known yet, or where none is needed. Both NULL: no webhooks are taken.
     */
    void (*verify_webhook)(const struct provider_account *account,
                           const struct provider_webhook *webhook, const struct webhook_key *key,
                           struct provider_check *check);
    /*
     * What a genuine webhook is about. ERROR_INVALID: it cannot be read (and says nothing, whatever
     * it was). Strings live in arena.
     */
    bool (*parse_webhook)(const struct provider_account *account,
                          const struct provider_webhook *webhook, struct arena *arena,
                          struct provider_hint *hint, struct error *err);
};

/* registry.c: every provider that is compiled in. */
const struct provider *provider_find(struct str name); /* NULL when unknown */
const struct provider *const *provider_all(size_t *count);
bool provider_takes_currency(const struct provider *provider, const struct currency *currency);

#endif
