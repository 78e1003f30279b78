/*
 * latency.h - how long a provider takes to answer: a small histogram in shared memory that forgets.
 *
 * Any process adds, any reads; every count is one atomic. Counts are halved each minute (or
 * after another half-life), so that a quantile speaks of the last few minutes and an answer is
 * forgotten after about six.
 */
#ifndef ROUTER_LATENCY_H
#define ROUTER_LATENCY_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    LATENCY_BUCKET_COUNT = 20, /* 1 ms to 30 s, and beyond */
};

struct latency {                                  /* all zero: empty */
    _Atomic uint32_t count[LATENCY_BUCKET_COUNT]; /* 64 for a fresh answer, halved each minute */
    _Atomic int64_t halved_us;
};

enum {
    LATENCY_HALF_LIFE_S = 60,
    LATENCY_WEIGHT = 64, /* of a fresh answer */
};

void latency_add(struct latency *latency, int64_t latency_us, int64_t now_us);
/* The same with another half-life, which is to be the same at each call for one histogram. */
void latency_add_within(struct latency *latency, int half_life_s, int64_t latency_us,
                        int64_t now_us);
/* One quantile under that half-life, and how much it rests on: LATENCY_WEIGHT per fresh answer. */
int64_t latency_read_within(struct latency *latency, int half_life_s, unsigned per_cent,
                            int64_t now_us, uint64_t *weight);
void latency_clear(struct latency *latency);
/* The quantile of each entry of per_cent, by linear interpolation in a bucket; 0 when empty. */
void latency_read(struct latency *latency, int64_t now_us, const unsigned *per_cent,
                  int64_t *out_us, unsigned count);

#endif
