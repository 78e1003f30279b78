/*
 * bucket.h - token buckets by key in the shared segment: so many a second, so many at once.
 *
 *                 full_at - now = debt           window = burst / rate
 *     now |------------------------------|.............|
 *         |<-- tokens that were taken -->|<- tokens ->|     taking one moves full_at by 1 / rate
 *
 * A bucket is one word: the moment at which it will be full again (the generic cell rate
 * algorithm). Nothing fills it but time, taking is one compare-and-swap, a refusal writes nothing.
 * Rate and burst are given with each call, so that a changed limit holds at once for every worker.
 * Time is the monotonic clock's, which no step of the wall clock moves; if it went back all the
 * same, a bucket would be empty at worst, and not for longer than its window.
 *
 * The table has a fixed size. A bucket that is full again is like one that never was, so its place
 * goes to the next key without anything being lost. When all eight places where a key may be are in
 * use, the key takes the place of the one that is nearest to full, together with its debt: beyond
 * the size of the table keys share buckets, and the rate of all together stays bounded.
 *
 * The table lives with the master: workers come and go, the buckets stay. After a start of the
 * gateway every bucket is full: a restart must not refuse honest clients, and gives the others one
 * burst.
 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/shm.h"

enum {
    BUCKET_RATE_MAX = 1000000,
    BUCKET_BURST_MAX = 10000000,
};

struct bucket_limit {
    int64_t rate;  /* tokens a second, up to BUCKET_RATE_MAX; 0: no limit */
    int64_t burst; /* tokens of a full bucket, up to BUCKET_BURST_MAX; 0 is taken for 1 */
};

struct bucket_state {
    int64_t remaining; /* tokens; INT64_MAX without a limit */
    int64_t wait_us;   /* until there is a token; 0: there is one */
    int64_t reset_us;  /* until it is full */
};

struct bucket_table;

/* Bytes that bucket_open carves. slot_count: a power of two, 8 at least. */
size_t bucket_size(size_t slot_count);
struct bucket_table *bucket_open(struct shm *shm, size_t slot_count);
/* Take one token, if there is one. *state tells how it is afterwards. now_us: monotonic. */
bool bucket_take(struct bucket_table *table, const struct uuid *key,
                 const struct bucket_limit *limit, int64_t now_us, struct bucket_state *state);
/* The same without taking it. */
bool bucket_look(struct bucket_table *table, const struct uuid *key,
                 const struct bucket_limit *limit, int64_t now_us, struct bucket_state *state);
/* A token that was taken turned out not to be due. Never more than a full bucket comes of it. */
void bucket_give_back(struct bucket_table *table, const struct uuid *key,
                      const struct bucket_limit *limit, int64_t now_us);
/* How often a key took the place of one that was not full: the table is too small. */
int64_t bucket_shared_count(const struct bucket_table *table);

#endif
