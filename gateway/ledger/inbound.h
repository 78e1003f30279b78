/*
 * inbound.h - webhooks that came in: rows of inbound_events, each once, and what becomes of them.
 *
 *     store -> waiting --claim, apply--> applied    its attempt is due for a look at the provider
 *                 ^  |                   ignored    about nothing that is looked up
 *                 |  |                   dead       tried often enough; ignored, if it names nothing of ours
 *                 '--' later: the attempt is in somebody's hands, or not known (yet)
 *
 * An event is claimed by a lease and applied by one statement, which names the claim's epoch: two
 * gateways cannot apply one twice, and what a dead one had claimed is due again. Applying makes an
 * attempt due in `unresolved`, or puts it there again when it is final and the event says otherwise.
 * Whoever holds an attempt at that moment may have asked the provider before the event happened: the
 * event then waits until it is put back, so that no look is missed.
 *
 * How an attempt is found: by its own id, which providers tell back, then by the payment's id; where
 * neither comes back, by the provider's id among what waits in the account's lane. There is no index
 * of providers' ids: they come in no order, and one would be read and written all over for each
 * payment, for the sake of events that name nothing of ours.
 */
#ifndef LEDGER_INBOUND_H
#define LEDGER_INBOUND_H

#include "ledger/store.h"

enum {
    INBOUND_EVENT_ID_MAX = 128,
    INBOUND_CLAIM_MAX = 256,
    INBOUND_LANE_MAX = 1000, /* attempts of a lane among which a provider's id is looked for */
    INBOUND_CRASH_MAX = 20,  /* claims that came to no end */
};

enum inbound_state {
    INBOUND_WAITING = 0,
    INBOUND_APPLIED,
    INBOUND_IGNORED,
    INBOUND_DEAD,
    INBOUND_STATE_COUNT,
};
const char *inbound_state_name(enum inbound_state state);

struct inbound_event { /* strings borrowed until done */
    struct uuid merchant_id;
    struct uuid account_id;
    struct uuid attempt_id; /* zero: not named */
    struct uuid payment_id; /* zero: not named */
    int64_t received_us;
    int64_t happened_us; /* 0: not said */
    struct str event_id;
    struct str provider;
    struct str event_type;
    enum outcome says;
    unsigned operations;      /* bit set */
    struct str provider_ids;  /* a line each */
    enum inbound_state state; /* WAITING, IGNORED, DEAD */
    struct str reason;
    struct str body_sealed;
};

/* Whose account it is. ABSENT: nobody's. */
typedef void (*inbound_account_fn)(void *ctx, enum store_find found, const struct uuid *merchant_id,
                                   const struct error *why);
void inbound_account_start(struct store *store, const struct uuid *account_id,
                           inbound_account_fn done, void *ctx);

/*
 * Keep it. Count 1: it is new; 0: it was kept before. FAILED: it may be kept or not; the same again
 * tells.
 */
void inbound_store_start(struct store *store, const struct inbound_event *event,
                         store_count_fn done, void *ctx);

struct inbound_claim { /* event_id in the arena that was given */
    struct uuid merchant_id;
    struct uuid account_id;
    int64_t epoch;
    struct str event_id;
};
typedef void (*inbound_claim_fn)(void *ctx, enum store_find found,
                                 const struct inbound_claim *claims, size_t count,
                                 const struct error *why);
/*
 * Claim at most `limit` that are due, of one account at most account_limit; an account that has less
 * comes first. What was claimed INBOUND_CRASH_MAX times more than it came to an end is dead instead.
 */
void inbound_claim_start(struct store *store, unsigned limit, unsigned account_limit,
                         int64_t now_us, int64_t lease_ms, struct arena *arena,
                         inbound_claim_fn done, void *ctx);

struct inbound_pace {
    int64_t now_us;
    int64_t soon_ms;      /* an attempt in somebody's hands: look again after this */
    int64_t retry_ms;     /* nothing known by that name: first pause, doubled each time ... */
    int64_t retry_max_ms; /* ... up to this */
    int32_t tries_max;    /* then it is dead */
    int64_t alert_ms;     /* who waits for so long is counted as `late` */
};
struct inbound_tally { /* of the claims that were given */
    int64_t applied;   /* looks made due, attempts put back, or nothing new said */
    int64_t rechecked; /* of them: final attempts put back */
    int64_t waiting;   /* put off */
    int64_t dead;
    int64_t late; /* of those put off: nothing is known by their name, for long */
};
typedef void (*inbound_apply_fn)(void *ctx, enum store_find found,
                                 const struct inbound_tally *tally, const struct error *why);
/* All of them, or none: FAILED, and none is changed. Of another epoch: left alone, and not counted. */
void inbound_apply_start(struct store *store, const struct inbound_claim *claims, size_t count,
                         const struct inbound_pace *pace, inbound_apply_fn done, void *ctx);
/* It could not be applied: put it off, or let it be dead. Counts those that are. */
void inbound_fail_start(struct store *store, const struct inbound_claim *claim,
                        const struct inbound_pace *pace, store_count_fn done, void *ctx);
/* How many wait, and since when the oldest does; 0, 0: none. */
void inbound_backlog_start(struct store *store, store_backlog_fn done, void *ctx);

#endif
