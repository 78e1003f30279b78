/*
 * metrics.h - counters, gauges and histograms in the shared segment, printed as Prometheus text or
 * as OpenMetrics.
 *
 * One table declares every family (name, type, help, label names): docs and code share it. The end
 * of its name is its unit: what is kept of a family in _seconds (_total) is microseconds, of one in _ratio
 * millionths, and either is printed as seconds or a share; anything else is a count. A series
 * is found by family and label values once, and kept as a handle by whoever updates it often;
 * updates are one relaxed atomic add. Label values are of low cardinality (provider, outcome,
 * route): never a merchant, an id or an amount. A gauge is either set (one truth for all) or added
 * to and held (each worker its share, taken out when the worker is gone). When the series table is
 * full, updates go to a hidden series and turnpike_metrics_dropped_total counts them.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/shm.h"
#include "base/str.h"

enum metric {
    METRIC_NONE = 0,
    METRIC_HTTP_REQUESTS,    /* counter: route, method, code */
    METRIC_HTTP_SECONDS,     /* histogram: route */
    METRIC_HTTP_CONNECTIONS, /* gauge: listener */
    METRIC_HTTP_REFUSED,     /* counter: reason */
    METRIC_PAYMENTS,         /* counter: status, currency */
    METRIC_PAYOUTS,          /* counter: status, currency */
    METRIC_OPERATIONS,       /* counter: operation, status, currency */
    METRIC_ATTEMPTS,         /* counter: provider, outcome, reason */
    METRIC_ATTEMPT_SECONDS,  /* histogram: provider, operation */
    METRIC_FAILOVERS,        /* counter: from, to, reason */
    METRIC_PROVIDER_HEALTHY, /* gauge: provider, account (1 healthy, 0 not) */
    METRIC_CIRCUIT_STATE,    /* gauge: provider, account (0 closed, 1 half open, 2 open) */
    METRIC_PROVIDER_SLOW,
    METRIC_PROVIDER_HELD,
    METRIC_PROVIDER_SUCCESS,
    METRIC_SHADOW_DECISIONS,          /* counter: result (same, different) */
    METRIC_CANARIES_STOPPED,          /* counter: reason (success, cost) */
    METRIC_RULE_SETS_BROKEN,          /* counter */
    METRIC_ROUTING_DECISIONS,         /* counter: rule, provider */
    METRIC_IDEMPOTENCY_REPLAYS,       /* counter */
    METRIC_IDEMPOTENCY_CONFLICTS,     /* counter: reason */
    METRIC_UNRESOLVED,                /* gauge: attempts waiting for proof */
    METRIC_UNRESOLVED_OLDEST_SECONDS, /* gauge */
    METRIC_REVIEWS,                   /* gauge: state */
    METRIC_REVIEWS_OLDEST_SECONDS,    /* gauge */
    METRIC_DUPLICATES_REVERSED,       /* counter: result */
    METRIC_RESOLVED,                  /* counter: outcome */
    METRIC_ORDERS,                    /* counter: result */
    METRIC_ORDERS_WAITING,            /* gauge: payouts that wait for their turn */
    METRIC_ORDERS_OLDEST_SECONDS,     /* gauge */
    METRIC_WEBHOOKS_RECEIVED,         /* counter: provider, result */
    METRIC_INBOUND_EVENTS,            /* counter: result */
    METRIC_INBOUND_WAITING,           /* gauge: webhooks that wait to be applied */
    METRIC_INBOUND_OLDEST_SECONDS,    /* gauge */
    METRIC_HOOK_TRIES,                /* counter: outcome */
    METRIC_HOOK_SECONDS,              /* histogram */
    METRIC_HOOK_REFUSED,              /* counter */
    METRIC_HOOKS_IN_FLIGHT,           /* gauge */
    METRIC_HOOKS_WAITING,             /* gauge */
    METRIC_HOOKS_OLDEST_SECONDS,      /* gauge */
    METRIC_WRITES_SUSPECT,            /* counter: write */
    METRIC_JOURNAL_FAILURES,          /* counter */
    METRIC_RESTORE_LEFT,              /* gauge */
    METRIC_DB_BATCHES,                /* counter: result */
    METRIC_DB_BATCH_ROWS,             /* histogram: transactions in a batch */
    METRIC_DB_BATCH_SECONDS,          /* histogram */
    METRIC_DB_CONNECTED,              /* gauge: workers that can write the ledger */
    METRIC_DB_RECONNECTS,             /* counter */
    METRIC_LOOP_LAG_SECONDS,          /* histogram */
    METRIC_IN_FLIGHT,                 /* gauge: payments in workers' hands */
    METRIC_IN_FLIGHT_LIMIT,           /* gauge: payments that workers would take in hand */
    METRIC_READS_IN_FLIGHT,           /* gauge */
    METRIC_PROVIDER_IN_FLIGHT,        /* gauge: provider */
    METRIC_REFUSED,                   /* counter: reason */
    METRIC_LEDGER_WRITE_SECONDS,      /* histogram */
    METRIC_ACCEPT_PAUSES,             /* counter */
    METRIC_BUCKETS_SHARED,            /* counter */
    METRIC_WORKER_RESTARTS,           /* counter: reason */
    METRIC_WORKERS,                   /* gauge: state (starting, serving, draining) */
    METRIC_GENERATION,                /* gauge */
    METRIC_RELOADS,                   /* counter: kind, result */
    METRIC_PROCESS_COUNT,             /* gauge: kind, result */
    METRIC_PROCESS_COMPLETION,        /* gauge: kind; millionths */
    METRIC_PROCESS_TIME,              /* gauge: kind, part, percentile; microseconds */
    METRIC_PROCESS_ERRORS,            /* gauge: step; millionths */
    METRIC_PROCESS_STUCK,             /* gauge: place */
    METRIC_EVENT_STREAMS,             /* gauge: open streams of events */
    METRIC_PROCESS_CPU,               /* counter: microseconds, of all workers */
    METRIC_PROCESS_RESIDENT,          /* gauge: of all workers, as the next three */
    METRIC_PROCESS_VIRTUAL,           /* gauge */
    METRIC_PROCESS_OPEN_FDS,          /* gauge */
    METRIC_PROCESS_MAX_FDS,           /* gauge */
    METRIC_PROCESS_START,             /* gauge: microseconds of the wall clock */
    METRIC_LOG_DROPPED,               /* counter */
    METRIC_METRICS_DROPPED,           /* counter */
    METRIC_BUILD_INFO,                /* gauge: version */
    METRIC_COUNT,
};

enum {
    METRICS_LABEL_MAX = 3,
    METRICS_SERIES_MAX = 4096,
    METRICS_BUCKET_COUNT = 18, /* 0.5 ms .. 60 s for _seconds; 1 .. 1024 for rows */
};

struct metrics_series; /* in shared memory */

/* Bytes that metrics_open carves. */
size_t metrics_shm_size(void);
/* Carve and attach: in the master before the fork (or in a foreground process, or a test). */
void metrics_open(struct shm *shm);
bool metrics_is_open(void);
/* Find or make; never NULL. Values beyond the family's label count are a bug. */
struct metrics_series *metrics_find(enum metric metric, const struct str *values, size_t count);
void metrics_add(struct metrics_series *series, int64_t delta);  /* counter, gauge */
void metrics_set(struct metrics_series *series, int64_t value);  /* gauge */
void metrics_hold(struct metrics_series *series, int64_t value); /* gauge: this worker's share */
void metrics_set_slot(unsigned slot); /* of this process; 0 before the first call */
/* The process of this worker slot is gone, and with it what it had added to gauges and held. */
void metrics_forget_slot(unsigned slot);
void metrics_observe_us(struct metrics_series *series, int64_t us); /* histogram of seconds */
void metrics_observe(struct metrics_series *series, int64_t value); /* histogram of counts */
int64_t metrics_value(const struct metrics_series *series); /* counter, gauge: in the kept unit */
/* Every series of a family, with its first label's value, in no order. */
typedef void (*metrics_each_fn)(void *ctx, struct str label, const struct metrics_series *series);
void metrics_each(enum metric metric, metrics_each_fn fn, void *ctx);
/* Of a histogram of seconds: the upper bound of the bucket in which so many percent are; -1: none. */
int64_t metrics_quantile_us(const struct metrics_series *series, int percent);

/* metrics_count(METRIC_ATTEMPTS, 1, STR("paypal"), STR("approved"), STR("ok")); no-op when not open
 */
#define metrics_count(metric, ...) METRICS_COUNT((metric), __VA_ARGS__, STR_NONE)
/* The value at the end is not counted: it keeps the list from being empty, as ISO C demands. */
#define METRICS_COUNT(metric, delta, ...)                                                          \
    metrics_count_values((metric), (delta), (const struct str[]){__VA_ARGS__},                     \
                         ARRAY_LEN(((const struct str[]){__VA_ARGS__})) - 1)
void metrics_count_values(enum metric metric, int64_t delta, const struct str *values,
                          size_t count);
enum metrics_format {
    METRICS_TEXT,        /* Prometheus text, 0.0.4 */
    METRICS_OPENMETRICS, /* OpenMetrics 1.0.0: families of counters without _total, an end */
    METRICS_FORMAT_COUNT,
};

/* The whole page, families in the table's order. Names and labels are the same in either format. */
void metrics_print(enum metrics_format format, struct buf *out);

struct metrics_family {
    const char *name; /* with unit and _total */
    const char *type; /* counter, gauge, histogram */
    const char *help;
    const char *labels[METRICS_LABEL_MAX];
};
const struct metrics_family *metrics_family(enum metric metric);

#endif
