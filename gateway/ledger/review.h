/*
 * review.h - what a person must look at: cases, and attempts whose outcome is not known yet.
 *
 *     opened with the close that could not go on (store.h: txn.review)
 *        |
 *        +--> open -------- a person decides (txn.verdict), or proof comes (txn.proof) ----+
 *        |    ^    |                                                                       v
 *        |    |    | once more (txn.verdict)                                           resolved
 *        |    |    v                                                                       ^
 *        +--> reversing --claim (lease)--> refund or void --> it worked (txn.verdict) ------+
 *               (given up: review_put_back)
 *
 * A late success of a payment begins as `reversing`: nobody needs to be asked for that. Every end is
 * one statement that names the state and the epoch it expects, in the commit that holds what else
 * follows from it; who comes second ends STORE_FENCED.
 */
#ifndef LEDGER_REVIEW_H
#define LEDGER_REVIEW_H

#include "ledger/store.h"

struct review_view { /* strings in the arena of the read */
    struct uuid merchant_id;
    struct uuid review_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid account_id;
    struct str payment_kind; /* "payment", "payout", ... */
    bool livemode;
    enum review_kind kind;
    enum review_state state;
    enum operation operation;
    struct str provider;
    int64_t amount_minor;
    char currency[4];
    int64_t answered_minor; /* -1: nothing else than was sent */
    char answered_currency[4];
    struct str reference;
    struct str detail;
    int64_t opened_us;
    int64_t resolved_us; /* 0: not yet */
    struct uuid resolved_by;
    struct uuid reversal_id;
    struct str outcome;
    struct str reason;
    struct str evidence;
    int64_t epoch;
    int32_t tries;
    int64_t next_us;
};

/* ---- reads ----------------------------------------------------------------------------------- */

struct review_filter {
    struct uuid merchant_id; /* zero: every merchant's */
    enum review_state state; /* REVIEW_STATE_NONE: any */
    enum review_kind kind;   /* REVIEW_NONE: any */
    struct str provider;     /* empty: any */
    struct uuid after;       /* cursor: older than this id; zero: from the newest */
    unsigned limit;          /* 1..STORE_LIST_MAX */
};
typedef void (*review_list_fn)(void *ctx, enum store_find found, const struct review_view *reviews,
                               size_t count, bool has_more, const struct error *why);
/* Newest first. Of every merchant: one index probe for each. */
void review_list(struct store *store, const struct review_filter *filter, struct arena *arena,
                 review_list_fn done, void *ctx);
/* One case by its id, in a list of one; merchant_id zero: whosever it is. */
void review_load(struct store *store, const struct uuid *merchant_id, const struct uuid *review_id,
                 struct arena *arena, review_list_fn done, void *ctx);

struct review_tally {
    int64_t open;
    int64_t reversing;
    int64_t oldest_us; /* of both; 0: none */
};
typedef void (*review_tally_fn)(void *ctx, enum store_find found, const struct review_tally *tally,
                                const struct error *why);
void review_count(struct store *store, review_tally_fn done, void *ctx);

struct unresolved_view { /* an attempt that waits for proof */
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid account_id;
    struct str payment_kind;
    bool livemode;
    struct str provider;
    enum operation operation;
    int64_t amount_minor;
    char currency[4];
    enum outcome outcome; /* newest: UNKNOWN, PENDING, ...; NONE: adopted, nothing was recorded */
    struct str reason;    /* of the last look */
    int64_t since_us;
    int64_t next_us;
    int64_t lease_us; /* someone looks at it until then at most */
    int32_t tries;
    bool is_canceled;
};
struct unresolved_filter {
    struct uuid merchant_id; /* zero: every merchant's */
    struct str provider;     /* empty: any */
    struct uuid after;       /* cursor: attempts younger than this id; zero: from the oldest */
    unsigned limit;          /* 1..STORE_LIST_MAX */
};
typedef void (*unresolved_list_fn)(void *ctx, enum store_find found,
                                   const struct unresolved_view *attempts, size_t count,
                                   bool has_more, const struct error *why);
/* Oldest attempt first. */
void unresolved_list(struct store *store, const struct unresolved_filter *filter,
                     struct arena *arena, unresolved_list_fn done, void *ctx);

/* ---- the queue of reversals ------------------------------------------------------------------ */

struct review_claim {
    struct uuid merchant_id;
    struct uuid review_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    enum operation operation;
    int64_t amount_minor;
    int64_t epoch;
    int32_t tries; /* reversals that surely did not work: the next one is number tries + 1 */
    int32_t waits;
    int64_t opened_us;
};
typedef void (*review_claim_fn)(void *ctx, enum store_find found, const struct review_claim *claims,
                                size_t count, const struct error *why);
/* Claim what is due, longest due first; results live in arena. */
void review_claim_start(struct store *store, unsigned limit, int64_t now_us, int64_t lease_ms,
                        struct arena *arena, review_claim_fn done, void *ctx);

struct review_end { /* a claim ends without success */
    struct uuid merchant_id;
    struct uuid review_id;
    int64_t epoch;
    bool gives_up; /* a person must look: open, as reversal_failed */
    int64_t next_us;
    int32_t tries;
    int32_t waits;
    struct uuid reversal_id; /* zero: as it was */
    struct str detail;
};
/* Count 0: another has it, or it is resolved. */
void review_put_back(struct store *store, const struct review_end *end, store_count_fn done,
                     void *ctx);

/* The idempotency key of a reversal: begins with a character that no client's key can have. */
enum {
    REVIEW_KEY_SIZE = 64,
};
struct str review_key(const struct uuid *attempt_id, int32_t number, char out[REVIEW_KEY_SIZE]);

#endif
