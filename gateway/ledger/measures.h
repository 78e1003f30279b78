/*
 * measures.h - how payments proceed: completion, cycle time, errors by step, and what is stuck, from
 * the ledger alone. What each figure counts is written in docs/process.md; migration 20261123000065
 * computes them, for finance, the API, the metrics and the page alike.
 *
 *     hours that are over ---- rolled up, some rows each ----| the last ---- read from the rows ---->
 */
#ifndef LEDGER_MEASURES_H
#define LEDGER_MEASURES_H

#include "ledger/store.h"

enum {
    MEASURE_TIME_ACTIVE,
    MEASURE_TIME_WAITING,
    MEASURE_TIME_CYCLE,
    MEASURE_TIME_COUNT,
    MEASURE_STUCK_MAX = 100, /* of each merchant and place */
};

struct measure_row { /* of one kind of process, or one step; strings in the arena */
    bool is_step;
    struct str name;
    int64_t begun, ended;
    int64_t completed, declined, failed, canceled; /* of processes; 0 of steps */
    int64_t errors;                                /* of steps; 0 of processes */
    int64_t rate_per_million; /* completed, or errors, of ended; -1: none has ended */
    struct {
        int64_t p50_us, p95_us, p99_us; /* -1: none */
    } times[MEASURE_TIME_COUNT];        /* of processes that have ended */
};

struct measure_stuck { /* strings in the arena */
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct str place; /* provider, recovery or review */
    int64_t since_us;
    struct str provider;
    struct str kind;
    struct str reason;
};

struct measures { /* in the arena */
    struct measure_row *rows;
    size_t row_count;
    struct measure_stuck *stuck; /* now, whenever it began */
    size_t stuck_count;
};

typedef void (*measures_fn)(void *ctx, enum store_find found, const struct measures *measures,
                            const struct error *why);
/* Of what began from from_us to to_us, whole hours (wall clock). merchant_id zero: of all. */
void measures_read(struct store *store, const struct uuid *merchant_id, int64_t from_us,
                   int64_t to_us, int64_t now_us, struct arena *arena, measures_fn done, void *ctx);
/* Roll up an hour that is over, or up to `most` that were open, on the connection for what is large.
 * Count above 0: it is worth asking again at once. */
void measures_roll(struct store *store, int64_t now_us, unsigned most, store_count_fn done,
                   void *ctx);

#endif
