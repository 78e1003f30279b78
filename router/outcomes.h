/*
 * outcomes.h - what became of the payments, per account, operation and currency, over the last
 * hour; in shared memory, any process writing.
 *
 *     key (account, operation, currency)   what routing by success asks first
 *     key (account, operation, any)        when that pair has too few
 *     key (account, any, any)              when even that has too few, and for boards
 *
 * Sixty buckets of a minute. A bucket is two words, each with its minute (24 bits) and two counts
 * (20 bits), so that a count always belongs to its minute and none is lost or counted twice;
 * beyond a million in a minute no more are counted.
 *
 * Bounded: OUTCOMES_ENTRY_MAX keys in sets of eight. A key that finds its set full takes the place
 * of the one not counted for longest. A writer that was just about to count there counts for the
 * new owner: at most one call of each process.
 */
#ifndef ROUTER_OUTCOMES_H
#define ROUTER_OUTCOMES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OUTCOMES_ENTRY_MAX = 4096,
    OUTCOMES_SET = 8,
    OUTCOMES_MINUTE_MAX = 60,
    OUTCOMES_BUCKET_COUNT = 64, /* more than an hour has minutes */
};

enum outcomes_kind {
    OUTCOMES_APPROVED = 0,
    OUTCOMES_DECLINED,
    OUTCOMES_UNKNOWN, /* no answer, or none that says anything */
    OUTCOMES_FAILED,  /* surely did nothing */
    OUTCOMES_KIND_COUNT,
};

struct outcomes {
    _Atomic int64_t used_us;
    _Atomic uint64_t bucket[OUTCOMES_BUCKET_COUNT][OUTCOMES_KIND_COUNT / 2];
};

struct outcomes_table { /* all zero: empty */
    _Atomic uint64_t key[OUTCOMES_ENTRY_MAX];
    struct outcomes entry[OUTCOMES_ENTRY_MAX];
};

struct outcomes_counts {
    uint32_t count[OUTCOMES_KIND_COUNT];
};

/* Any mix of bits; equal keys share their counts. */
void outcomes_add(struct outcomes_table *table, uint64_t key, enum outcomes_kind kind,
                  int64_t now_us);
/* Counts of the last `minutes` (at most OUTCOMES_MINUTE_MAX), the minute under way included. */
void outcomes_read(const struct outcomes_table *table, uint64_t key, unsigned minutes,
                   int64_t now_us, struct outcomes_counts *counts);
uint32_t outcomes_sum(const struct outcomes_counts *counts);

#endif
