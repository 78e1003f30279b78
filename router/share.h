/*
 * share.h - how many decisions went to an account in the last five minutes, in shared memory.
 *
 * An account belongs to one merchant, so its share of the merchant's decisions is its count by the
 * sum over the merchant's accounts. Buckets of ten seconds, each one word: a decision is counted
 * once and forgotten after 290 to 300 seconds. Approximate only in that, and in that the accounts
 * are not read at one moment. Beyond four billion decisions in ten seconds it would be wrong.
 */
#ifndef ROUTER_SHARE_H
#define ROUTER_SHARE_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    SHARE_BUCKET_COUNT = 32,
    SHARE_BUCKET_S = 10,
    SHARE_WINDOW_S = 300,
};

struct share { /* all zero: empty */
    _Atomic uint64_t bucket[SHARE_BUCKET_COUNT];
};

/* A decision put the account first. */
void share_add(struct share *share, int64_t now_us);
uint32_t share_read(const struct share *share, int64_t now_us);
/* `own` of `all`, rounded down; 0 when there was none at all. */
uint32_t share_per_million(uint64_t own, uint64_t all);

#endif
