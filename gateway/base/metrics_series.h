/*
 * metrics_series.h - the table of series in the shared segment, for metrics*.c alone.
 *
 * A slot is claimed by writing its hash (never 0) with compare-and-swap, and is from then on this
 * series: the hash is its identity. The claimer writes the labels behind, then sets is_published;
 * whoever finds the slot claimed but unpublished writes the same labels again, so that a process
 * that dies in between leaves nothing half done. Slots are never given back.
 *
 * What processes add to a gauge is kept apart by worker slot, and added up by whoever reads: so a
 * worker that was killed can be taken out, exactly.
 */
#ifndef BASE_METRICS_SERIES_H
#define BASE_METRICS_SERIES_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/metrics.h"

enum {
    METRICS_VALUE_MAX = 64, /* a label value with its terminator */
};

struct metrics_series {
    atomic_ullong hash;
    atomic_uint is_published;
    uint32_t metric;
    uint32_t is_gauge;
    char value[METRICS_LABEL_MAX][METRICS_VALUE_MAX];
    atomic_llong sum; /* counter: the value; gauge: what was set; histogram: sum in its unit */
    union {
        /* histogram: each its own count, not cumulated; +Inf last */
        atomic_llong bucket[METRICS_BUCKET_COUNT + 1];
        atomic_llong share[SHM_SLOT_MAX]; /* gauge: added by the processes of each worker slot */
    };
};

/* Upper bounds of the buckets: microseconds for families in seconds, else plain counts. */
extern const int64_t metrics_bounds_us[METRICS_BUCKET_COUNT];
extern const int64_t metrics_bounds[METRICS_BUCKET_COUNT];

bool metrics_is_seconds(enum metric metric);
/* The slot, or NULL when nothing is published there. index < METRICS_SERIES_MAX. */
const struct metrics_series *metrics_slot(size_t index);

#endif
