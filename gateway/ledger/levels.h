/*
 * levels.h - service levels of provider accounts over a span of time, from the ledger alone.
 *
 * Attempts belong to the time in their id, which is when they were begun. An attempt was answered
 * when its first outcome came with HTTP 1xx to 4xx but 429; availability is the share of the
 * minutes with attempts that had an answered one. Latency is that of first answers. Unknown are
 * attempts whose first outcome was unknown, also when it was found out later.
 *
 *     days that are over ---- rolled up, a few rows each ----| today ---- read from its attempts --->
 *
 * A day that is over is rolled up (levels_roll), and again when it has got more rows: within ten
 * minutes for a week, then within six hours for 70 days; what comes later than that is not looked for.
 * Everything is exact but latencies, which are within 1 % (migration 20261122000023).
 */
#ifndef LEDGER_LEVELS_H
#define LEDGER_LEVELS_H

#include "ledger/store.h"

struct level_row { /* of one account; strings in the arena */
    struct uuid merchant_id;
    struct uuid account_id;
    struct str provider;
    struct str account; /* its name; empty: it is gone */
    int64_t attempts;
    int64_t approved; /* by what is known last */
    int64_t declined;
    int64_t failed;
    int64_t unknown;
    int64_t still_unknown;
    int64_t minutes_asked;
    int64_t minutes_answered;
    int64_t p50_us, p95_us, p99_us; /* -1: nothing was answered */
};

struct level_cost { /* of one account and currency */
    struct uuid merchant_id;
    struct uuid account_id;
    char currency[4];
    int64_t expected_minor; /* foreseen for what was approved */
    int64_t booked_minor;
};

struct levels { /* in the arena */
    struct level_row *rows;
    size_t row_count;
    struct level_cost *costs;
    size_t cost_count;
};

typedef void (*levels_fn)(void *ctx, enum store_find found, const struct levels *levels,
                          const struct error *why);
/* Of attempts begun from from_us to to_us (wall clock, whole days). merchant_id zero: of all
 * merchants. */
void levels_read(struct store *store, const struct uuid *merchant_id, int64_t from_us,
                 int64_t to_us, struct arena *arena, levels_fn done, void *ctx);
/* Roll up one day (an hour, when the day has more than attempts_max), or look whether up to `checks`
 * of them have changed since, on the connection for what is large. Count above 0: it is worth asking again at once. */
void levels_roll(struct store *store, int64_t now_us, unsigned checks, unsigned attempts_max,
                 store_count_fn done, void *ctx);

#endif
