#include "router/window.h"

#include "base/clock.h"

enum {
    COUNT_BITS = 20,
    COUNT_MASK = (1 << COUNT_BITS) - 1,
    SECOND_MASK = (1 << 24) - 1,
};

static uint64_t second_of(int64_t now_us)
{
    return (uint64_t)(now_us / CLOCK_SECOND_US) & SECOND_MASK;
}

void window_add(struct window *window, bool is_failure, int64_t now_us)
{
    uint64_t second = second_of(now_us);
    _Atomic uint64_t *bucket = &window->bucket[second % WINDOW_BUCKET_COUNT];
    uint64_t old = atomic_load_explicit(bucket, memory_order_relaxed);
    uint64_t fresh = 0;
    do {
        fresh = old >> (2 * COUNT_BITS) == second ? old : second << (2 * COUNT_BITS);
        if (((fresh >> COUNT_BITS) & COUNT_MASK) == COUNT_MASK) {
            return; /* A million calls in a second are sample enough. */
        }
        fresh += (UINT64_C(1) << COUNT_BITS) + is_failure;
    } while (!atomic_compare_exchange_weak(bucket, &old, fresh));
}

void window_read(struct window *window, int64_t window_ms, int64_t now_us, uint32_t *calls,
                 uint32_t *failures)
{
    *calls = 0;
    *failures = 0;
    int64_t now_s = now_us / CLOCK_SECOND_US;
    for (int64_t age = 0; age * 1000 < window_ms && age <= now_s; age++) {
        uint64_t second = (uint64_t)(now_s - age) & SECOND_MASK;
        uint64_t bucket = atomic_load_explicit(&window->bucket[second % WINDOW_BUCKET_COUNT],
                                               memory_order_relaxed);
        if (bucket >> (2 * COUNT_BITS) == second) {
            *calls += (uint32_t)(bucket >> COUNT_BITS) & COUNT_MASK;
            *failures += (uint32_t)bucket & COUNT_MASK;
        }
    }
}

void window_clear(struct window *window)
{
    for (size_t i = 0; i < WINDOW_BUCKET_COUNT; i++) {
        atomic_store_explicit(&window->bucket[i], 0, memory_order_relaxed);
    }
}
