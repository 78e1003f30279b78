/*
 * latency.h - how long a provider takes to answer: a small histogram in shared memory that forgets.
 *
 * Any process adds, any reads; every count is one atomic. Counts are halved each minute, so that a
 * quantile speaks of the last few minutes and an answer is forgotten after about six.
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

void latency_add(struct latency *latency, int64_t latency_us, int64_t now_us);
/* The quantile of each entry of per_cent, by linear interpolation in a bucket; 0 when empty. */
void latency_read(struct latency *latency, int64_t now_us, const unsigned *per_cent,
                  int64_t *out_us, unsigned count);

#endif
