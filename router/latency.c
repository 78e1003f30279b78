#include "router/latency.h"

#include "base/clock.h"

enum {
    HALVINGS_MAX = 31,
};

static const int64_t bound_us[LATENCY_BUCKET_COUNT] = {
    1000,   2000,   5000,   10000,  20000,   35000,   50000,   75000,    100000,   150000,
    200000, 300000, 500000, 750000, 1000000, 2000000, 5000000, 10000000, 30000000, 60000000,
};

static void decay(struct latency *latency, int half_life_s, int64_t now_us)
{
    int64_t halved_us = atomic_load_explicit(&latency->halved_us, memory_order_relaxed);
    int64_t halvings = (now_us - halved_us) / (half_life_s * CLOCK_SECOND_US);
    if (halvings <= 0) {
        return;
    }
    int64_t until_us = halved_us + halvings * half_life_s * CLOCK_SECOND_US;
    if (!atomic_compare_exchange_strong(&latency->halved_us, &halved_us, until_us)) {
        return; /* Another process does it. */
    }
    unsigned shift = halvings > HALVINGS_MAX ? HALVINGS_MAX : (unsigned)halvings;
    for (unsigned i = 0; i < LATENCY_BUCKET_COUNT; i++) {
        uint32_t count = atomic_load_explicit(&latency->count[i], memory_order_relaxed);
        atomic_fetch_sub_explicit(&latency->count[i], count - (count >> shift),
                                  memory_order_relaxed);
    }
}

void latency_add_within(struct latency *latency, int half_life_s, int64_t latency_us,
                        int64_t now_us)
{
    decay(latency, half_life_s, now_us);
    unsigned i = 0;
    while (i < LATENCY_BUCKET_COUNT - 1 && latency_us > bound_us[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&latency->count[i], LATENCY_WEIGHT, memory_order_relaxed);
}

void latency_add(struct latency *latency, int64_t latency_us, int64_t now_us)
{
    latency_add_within(latency, LATENCY_HALF_LIFE_S, latency_us, now_us);
}

static int64_t quantile(const uint32_t *count, uint64_t total, unsigned per_cent)
{
    uint64_t wanted = (total * per_cent + 99) / 100;
    uint64_t before = 0;
    for (unsigned i = 0; i < LATENCY_BUCKET_COUNT; i++) {
        if (count[i] > 0 && before + count[i] >= wanted) {
            int64_t low = i == 0 ? 0 : bound_us[i - 1];
            return low + (int64_t)((uint64_t)(bound_us[i] - low) * (wanted - before) / count[i]);
        }
        before += count[i];
    }
    return bound_us[LATENCY_BUCKET_COUNT - 1];
}

/* The sum of the counts, copied out. */
static uint64_t load(struct latency *latency, int half_life_s, int64_t now_us,
                     uint32_t count[LATENCY_BUCKET_COUNT])
{
    uint64_t total = 0;
    decay(latency, half_life_s, now_us);
    for (unsigned i = 0; i < LATENCY_BUCKET_COUNT; i++) {
        count[i] = atomic_load_explicit(&latency->count[i], memory_order_relaxed);
        total += count[i];
    }
    return total;
}

void latency_read(struct latency *latency, int64_t now_us, const unsigned *per_cent,
                  int64_t *out_us, unsigned quantile_count)
{
    uint32_t count[LATENCY_BUCKET_COUNT];
    uint64_t total = load(latency, LATENCY_HALF_LIFE_S, now_us, count);
    for (unsigned i = 0; i < quantile_count; i++) {
        out_us[i] = total == 0 ? 0 : quantile(count, total, per_cent[i]);
    }
}

int64_t latency_read_within(struct latency *latency, int half_life_s, unsigned per_cent,
                            int64_t now_us, uint64_t *weight)
{
    uint32_t count[LATENCY_BUCKET_COUNT];
    *weight = load(latency, half_life_s, now_us, count);
    return *weight == 0 ? 0 : quantile(count, *weight, per_cent);
}

void latency_clear(struct latency *latency)
{
    for (unsigned i = 0; i < LATENCY_BUCKET_COUNT; i++) {
        atomic_store_explicit(&latency->count[i], 0, memory_order_relaxed);
    }
}
