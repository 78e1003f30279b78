/*
 * hooks.h - merchants' webhook endpoints, and what is told to them: rows of hook_endpoints,
 * hook_secrets, hook_deliveries and hook_tries.
 *
 *     an event is written --same transaction--> waiting --claim--> sending --end--> delivered
 *                                  |  ^             ^                 |-----------> failed
 *       (endpoint is disabled)     |  |             '---- next try ---'
 *                                  v  '--- replay, of whatever is over
 *                               skipped
 *
 * A delivery is one event for one endpoint: that pair is its name, so none exists twice. It is
 * claimed by lease, by whichever worker of whichever gateway comes first; its epoch fences who comes
 * late. What is told may be told twice, and is never left out.
 *
 * Order: an event is claimed only when no earlier one of its payment is waiting or being sent to the
 * same endpoint. One that has failed for good or was skipped stands in nobody's way.
 *
 * An endpoint that fails again and again is tried by one delivery at a time, so that the dead leave
 * room to the living; with its first success all that waits for it is due.
 *
 * All times are parameters: a test drives 76 hours in a second.
 */
#ifndef LEDGER_HOOKS_H
#define LEDGER_HOOKS_H

#include "ledger/store.h"

enum {
    HOOK_ENDPOINT_MAX = 16,     /* of one merchant */
    HOOK_SECRET_MAX = 4,        /* valid at a time, of one endpoint */
    HOOK_SECRET_SIZE = 64,      /* v1: 32 bytes, v1a: a seed of 32 bytes */
    HOOK_PUBLIC_KEY_SIZE = 32,  /* Ed25519 */
    HOOK_TYPE_MAX = 64,         /* bytes of one event type */
    HOOK_REPLAY_MAX = 10000,    /* deliveries of one request */
    HOOK_FAILING_COUNT = 5,     /* failures in a row: one try at a time from then on */
    HOOK_SWEEP_MAX = 500,       /* deliveries skipped at a time, of one endpoint */
    HOOK_DELIVERY_ID_SIZE = 64, /* "dlv_" + 26 + 26 + NUL, rounded up */
};

enum hook_state {
    HOOK_NONE = 0,
    HOOK_WAITING,
    HOOK_SENDING,
    HOOK_DELIVERED,
    HOOK_FAILED,
    HOOK_SKIPPED,
    HOOK_STATE_COUNT,
};
const char *hook_state_name(enum hook_state state);
enum hook_state hook_state_find(struct str name); /* HOOK_NONE when unknown */

/* The name of a delivery: event and endpoint together. */
struct str hook_delivery_id(const struct uuid *endpoint_id, const struct uuid *event_id,
                            char out[HOOK_DELIVERY_ID_SIZE]);
bool hook_delivery_parse(struct str text, struct uuid *endpoint_id, struct uuid *event_id) MUST_USE;

/* ---- endpoints ------------------------------------------------------------------------------- */

struct hook_secret {
    struct uuid secret_id;
    int64_t created_us;
    int64_t expires_us; /* 0: until it is replaced */
    uint8_t public_key[HOOK_PUBLIC_KEY_SIZE];
    struct str sealed; /* not read back by lists */
};

struct hook_endpoint { /* strings borrowed, or in the arena of a read */
    struct uuid merchant_id;
    struct uuid endpoint_id;
    int64_t created_us;
    struct str url;
    struct str description;
    struct str event_types; /* separated by spaces; '*' stands for any text */
    bool livemode;
    int64_t disabled_us;        /* 0: it is not */
    struct str disabled_reason; /* "merchant", "gone" */
    int64_t failing_us;         /* 0: its last try succeeded */
    int32_t failure_count;
    int64_t resume_us;
    struct hook_secret secrets[HOOK_SECRET_MAX]; /* newest first; of a read */
    size_t secret_count;
};
typedef void (*hook_endpoints_fn)(void *ctx, enum store_find found,
                                  const struct hook_endpoint *endpoints, size_t count,
                                  const struct error *why);

/* The merchant's, oldest first; deleted ones are absent. */
void hooks_list(struct store *store, const struct uuid *merchant_id, int64_t now_us,
                struct arena *arena, hook_endpoints_fn done, void *ctx);
void hooks_load(struct store *store, const struct uuid *merchant_id, const struct uuid *endpoint_id,
                int64_t now_us, struct arena *arena, hook_endpoints_fn done, void *ctx);
/* With its first secret. Count 0: the merchant has HOOK_ENDPOINT_MAX. */
void hooks_create(struct store *store, const struct hook_endpoint *endpoint,
                  const struct hook_secret *secret, store_count_fn done, void *ctx);

struct hook_change { /* what is not named stays */
    struct uuid merchant_id;
    struct uuid endpoint_id;
    bool has_url, has_description, has_event_types, has_enabled;
    struct str url;
    struct str description;
    struct str event_types;
    bool enabled;
};
/* Count 0: there is no such endpoint. The same of all that follow. */
void hooks_update(struct store *store, const struct hook_change *change, int64_t now_us,
                  store_count_fn done, void *ctx);
void hooks_delete(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, int64_t now_us, store_count_fn done, void *ctx);
/* The others are valid until until_us. Count 0: or HOOK_SECRET_MAX are valid already. */
void hooks_rotate(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, const struct hook_secret *secret,
                  int64_t until_us, store_count_fn done, void *ctx);

/* ---- deliveries ------------------------------------------------------------------------------ */

struct hook_try {
    int32_t number;
    int64_t created_us; /* when it ended */
    int64_t elapsed_us;
    int32_t status; /* 0: no answer */
    struct str error;
};
struct hook_delivery {
    struct uuid endpoint_id;
    struct uuid event_id;
    struct uuid payment_id;
    int64_t created_us;
    int64_t next_us;
    int64_t done_us;
    int32_t try_count;
    int32_t round_try_count;
    int32_t last_status;
    enum hook_state state;
    struct str type;
    struct str last_error;
    const struct hook_try *tries; /* by number; the newest 50 */
    size_t try_row_count;
};
typedef void (*hook_deliveries_fn)(void *ctx, enum store_find found,
                                   const struct hook_delivery *deliveries, size_t count,
                                   bool has_more, const struct error *why);
struct hook_filter { /* newest first */
    struct uuid merchant_id;
    struct uuid endpoint_id;
    int64_t from_us, to_us; /* of the event, from included, to excluded; 0: open */
    enum hook_state state;  /* HOOK_NONE: any */
    struct str type;        /* empty: any */
    struct uuid after;      /* cursor: events older than this; zero: from the newest */
    unsigned limit;         /* 1..100 */
};
void hooks_deliveries(struct store *store, const struct hook_filter *filter, struct arena *arena,
                      hook_deliveries_fn done, void *ctx);
void hooks_delivery(struct store *store, const struct uuid *merchant_id,
                    const struct uuid *endpoint_id, const struct uuid *event_id,
                    struct arena *arena, hook_deliveries_fn done, void *ctx);
/* Count 0: there is no such endpoint, or it is disabled. */
void hooks_ping(struct store *store, const struct uuid *merchant_id, const struct uuid *endpoint_id,
                const struct uuid *event_id, struct str type, int64_t now_us, store_count_fn done,
                void *ctx);
/* A new round. Count 0: no such delivery, its endpoint is disabled, or it is being sent now. */
void hooks_replay(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, const struct uuid *event_id, int64_t now_us,
                  store_count_fn done, void *ctx);
/*
 * The same of all events from from_us to to_us, oldest first, whose deliveries are in `state`
 * (HOOK_NONE: failed or skipped). Counts them; HOOK_REPLAY_MAX: there may be more.
 */
void hooks_replay_range(struct store *store, const struct uuid *merchant_id,
                        const struct uuid *endpoint_id, int64_t from_us, int64_t to_us,
                        enum hook_state state, int64_t now_us, store_count_fn done, void *ctx);

/* ---- sending --------------------------------------------------------------------------------- */

struct hook_sealed { /* one of the secrets that sign */
    struct uuid secret_id;
    struct str sealed;
};
struct hook_claim { /* strings in the arena that was given */
    struct uuid merchant_id;
    struct uuid endpoint_id;
    struct uuid event_id;
    struct uuid payment_id;
    int64_t created_us;
    int64_t epoch;
    int32_t try_number;       /* ever */
    int32_t round_try_number; /* in the schedule: 1.. */
    struct str type;
    struct str url;
    bool livemode;
    int32_t failure_count;                       /* of the endpoint, before this try */
    struct hook_sealed secrets[HOOK_SECRET_MAX]; /* newest first */
    size_t secret_count;
};
typedef void (*hook_claim_fn)(void *ctx, enum store_find found, const struct hook_claim *claims,
                              size_t count, const struct error *why);
struct hook_wanted {
    int64_t now_us;
    int64_t lease_ms;
    unsigned limit;        /* deliveries claimed now */
    unsigned endpoint_max; /* of one endpoint in the hands of all workers: about */
};
/* Claim due deliveries; endpoints take turns. */
void hooks_claim(struct store *store, const struct hook_wanted *wanted, struct arena *arena,
                 hook_claim_fn done, void *ctx);

struct hook_report { /* what a report.ready tells; strings in the arena that was given */
    int64_t from_us, to_us;
    int64_t made_us;
    int64_t rows;
    int64_t bytes;
    uint8_t sha256[32];
    struct str name;
    struct str period;
    struct str what;
    struct str file;
};
typedef void (*hook_report_fn)(void *ctx, enum store_find found, const struct hook_report *report,
                               const struct error *why);
/* Which report an event tells of. */
void hooks_report(struct store *store, const struct uuid *merchant_id, const struct uuid *event_id,
                  struct arena *arena, hook_report_fn done, void *ctx);

struct hook_end { /* how a try ended; of another epoch: nothing changes */
    struct uuid merchant_id;
    struct uuid endpoint_id;
    struct uuid event_id;
    int64_t epoch;
    enum hook_state state; /* WAITING: again at next_us; DELIVERED; FAILED */
    int64_t next_us;
    int32_t status; /* 0: no answer */
    struct str error;
    int64_t elapsed_us;
    bool does_not_count; /* it was our doing: the schedule does not go on */
};
void hooks_end(struct store *store, const struct hook_end *ends, size_t count, int64_t now_us,
               store_count_fn done, void *ctx);
struct hook_health { /* what a try says of its endpoint */
    struct uuid merchant_id;
    struct uuid endpoint_id;
    struct str url; /* that was called: of another one than it has by now it says nothing */
    bool succeeded;
    bool is_gone;      /* it wants no more: disabled */
    int64_t resume_us; /* not to be called before; 0: at any time */
};
void hooks_health(struct store *store, const struct hook_health *health, int64_t now_us,
                  store_count_fn done, void *ctx);
/* What waits for endpoints that are disabled or deleted is skipped. */
void hooks_sweep(struct store *store, int64_t now_us, store_count_fn done, void *ctx);
/* Waiting and in hand, 10,000 at most of each endpoint, and the time of the oldest event; 0, 0: none. */
void hooks_backlog(struct store *store, store_backlog_fn done, void *ctx);

#endif
