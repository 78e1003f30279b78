/*
 * minutes.h - how provider accounts did, minute by minute: what charts over time are drawn from.
 *
 * Each host writes a row a minute for each account that had payments or calls; reading sums hosts
 * and minutes to intervals.
 */
#ifndef LEDGER_MINUTES_H
#define LEDGER_MINUTES_H

#include "ledger/directory.h"

enum {
    MINUTES_ROW_MAX = 1024, /* of one write */
    MINUTES_KEPT_DAYS = 31,
    MINUTES_POINT_MAX = 1500, /* of one series */
};

struct minute_row { /* the string is borrowed */
    struct uuid account_id;
    int64_t approved, declined, failed, unknown;
    int64_t p50_us, p95_us, p99_us; /* 0: not known */
    struct str state;               /* "closed", "half_open", "open" */
    bool slow;
};

/*
 * Write what this host saw in the minute that began at start_us (wall clock). The number of rows:
 * accounts that the directory does not know are left out, and so is what was written before.
 */
void minutes_put(struct store *store, const struct uuid *host_id, int64_t start_us,
                 const struct minute_row *rows, size_t count, store_count_fn done, void *ctx);
/* Forget what is older than MINUTES_KEPT_DAYS; the number of rows. */
void minutes_sweep(struct store *store, store_count_fn done, void *ctx);

struct minutes_point {
    int64_t start_us; /* wall clock, a multiple of the step */
    int64_t approved, declined, failed, unknown;
    int64_t p50_us, p95_us,
        p99_us; /* means of the minutes' own, weighted by payments; 0: not known */
    int64_t open_minutes, slow_minutes; /* of host and minute */
};
typedef void (*minutes_fn)(void *ctx, enum store_find found, const struct minutes_point *points,
                           size_t count, const struct error *why);
/*
 * Of one account of the merchant, from from_us to to_us (exclusive), oldest first; intervals of
 * step_us without rows are left out. At most MINUTES_POINT_MAX. Points live in arena.
 */
void minutes_read(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *account_id, int64_t from_us, int64_t to_us, int64_t step_us,
                  struct arena *arena, minutes_fn done, void *ctx);

#endif
