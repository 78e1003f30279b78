#include "router/share.h"

#include <assert.h>

#include "base/clock.h"

static_assert((int)SHARE_BUCKET_COUNT > (int)SHARE_WINDOW_S / (int)SHARE_BUCKET_S,
              "one is filling");

static uint32_t stamp_of(int64_t now_us)
{
    return (uint32_t)(now_us / (SHARE_BUCKET_S * CLOCK_SECOND_US));
}

void share_add(struct share *share, int64_t now_us)
{
    uint32_t stamp = stamp_of(now_us);
    _Atomic uint64_t *bucket = &share->bucket[stamp % SHARE_BUCKET_COUNT];
    uint64_t old = atomic_load_explicit(bucket, memory_order_relaxed);
    uint64_t fresh = 0;
    do {
        fresh = (old >> 32 == stamp ? old : (uint64_t)stamp << 32) + 1;
    } while (!atomic_compare_exchange_weak(bucket, &old, fresh));
}

uint32_t share_read(const struct share *share, int64_t now_us)
{
    uint64_t sum = 0;
    uint32_t stamp = stamp_of(now_us);
    for (uint32_t age = 0; age < SHARE_WINDOW_S / SHARE_BUCKET_S; age++) {
        uint32_t wanted = stamp - age;
        uint64_t bucket =
            atomic_load_explicit(&share->bucket[wanted % SHARE_BUCKET_COUNT], memory_order_relaxed);
        sum += bucket >> 32 == wanted ? (uint32_t)bucket : 0;
    }
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

uint32_t share_per_million(uint64_t own, uint64_t all)
{
    return all == 0 ? 0 : (uint32_t)(own * 1000000 / all);
}
