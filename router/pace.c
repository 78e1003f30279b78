#include "router/pace.h"

#include "base/clock.h"

enum {
    RECENT_HALF_LIFE_S = 30,
    LEARN_EVERY_S = 10,
    LEARN_PART = 16,
    LEARN_SLOW_S = 600, /* what lasts so long is usual */
    FAST_CALLS_MAX = 10,
    P95 = 95,
};

static int64_t read_p95(struct pace *pace, int64_t now_us, uint64_t *weight)
{
    return latency_read_within(&pace->recent, RECENT_HALF_LIFE_S, P95, now_us, weight);
}

int64_t pace_bound_us(const struct pace *pace, const struct pace_config *config)
{
    int64_t bound_us = config->bound_ms * CLOCK_MS_US;
    int64_t floor_us = config->floor_ms * CLOCK_MS_US;
    int64_t usual_us = pace_usual_us(pace);
    if (usual_us == 0) {
        return bound_us;
    }
    int64_t multiple_us = usual_us * config->percent / 100;
    multiple_us = multiple_us < floor_us ? floor_us : multiple_us;
    return multiple_us < bound_us ? multiple_us : bound_us;
}

static void learn(struct pace *pace, int64_t p95_us, int64_t now_us)
{
    int64_t slow_us = atomic_load(&pace->slow_us);
    if (slow_us != 0 && now_us - slow_us < LEARN_SLOW_S * CLOCK_SECOND_US) {
        return;
    }
    int64_t learned_us = atomic_load_explicit(&pace->learned_us, memory_order_relaxed);
    if (now_us - learned_us < LEARN_EVERY_S * CLOCK_SECOND_US ||
        !atomic_compare_exchange_strong(&pace->learned_us, &learned_us, now_us)) {
        return;
    }
    int64_t usual_us = pace_usual_us(pace);
    int64_t next_us = usual_us == 0 ? p95_us : usual_us + (p95_us - usual_us) / LEARN_PART;
    atomic_store_explicit(&pace->usual_us, next_us > 0 ? next_us : 1, memory_order_relaxed);
}

static enum pace_move judge_slow(struct pace *pace, const struct pace_config *config,
                                 int64_t slow_us, int64_t latency_us, unsigned relapses,
                                 int64_t now_us)
{
    if (now_us - latency_us < slow_us) {
        return PACE_STAYS; /* it was sent before: no news */
    }
    if (latency_us > pace_bound_us(pace, config) / 2) {
        atomic_store(&pace->fast_in_row, 0);
        return PACE_STAYS;
    }
    uint32_t wanted = config->fast_calls << (relapses < 4 ? relapses : 4);
    uint32_t most = config->fast_calls > FAST_CALLS_MAX ? config->fast_calls : FAST_CALLS_MAX;
    wanted = wanted < most ? wanted : most;
    if (atomic_fetch_add(&pace->fast_in_row, 1) + 1 < wanted ||
        !atomic_compare_exchange_strong(&pace->slow_us, &slow_us, 0)) {
        return PACE_STAYS;
    }
    latency_clear(&pace->recent);
    atomic_store(&pace->cleared_us, now_us);
    return PACE_RECOVERED;
}

enum pace_move pace_add(struct pace *pace, const struct pace_config *config, int64_t latency_us,
                        unsigned relapses, int64_t now_us)
{
    int64_t slow_us = atomic_load(&pace->slow_us);
    int64_t sent_us = now_us - latency_us;
    if (slow_us == 0 && sent_us < atomic_load_explicit(&pace->cleared_us, memory_order_relaxed)) {
        return PACE_STAYS; /* a straggler of the brown-out that is over */
    }
    latency_add_within(&pace->recent, RECENT_HALF_LIFE_S, latency_us, now_us);
    uint64_t weight = 0;
    int64_t p95_us = read_p95(pace, now_us, &weight);
    if (slow_us != 0) {
        learn(pace, p95_us, now_us);
        return judge_slow(pace, config, slow_us, latency_us, relapses, now_us);
    }
    if (weight < (uint64_t)config->calls_min * LATENCY_WEIGHT) {
        return PACE_STAYS;
    }
    if (p95_us <= pace_bound_us(pace, config)) {
        learn(pace, p95_us, now_us);
        return PACE_STAYS;
    }
    if (!atomic_compare_exchange_strong(&pace->slow_us, &slow_us, now_us)) {
        return PACE_STAYS;
    }
    atomic_store(&pace->fast_in_row, 0);
    atomic_store(&pace->probe_us, now_us);
    return PACE_BECAME_SLOW;
}

bool pace_is_slow(const struct pace *pace)
{
    return atomic_load_explicit(&pace->slow_us, memory_order_relaxed) != 0;
}

bool pace_may_probe(const struct pace *pace, const struct pace_config *config, int64_t now_us)
{
    int64_t probe_us = atomic_load_explicit(&pace->probe_us, memory_order_relaxed);
    return now_us - probe_us >= config->probe_ms * CLOCK_MS_US;
}

bool pace_take_probe(struct pace *pace, const struct pace_config *config, int64_t now_us)
{
    int64_t probe_us = atomic_load(&pace->probe_us);
    return now_us - probe_us >= config->probe_ms * CLOCK_MS_US &&
           atomic_compare_exchange_strong(&pace->probe_us, &probe_us, now_us);
}

int64_t pace_usual_us(const struct pace *pace)
{
    return atomic_load_explicit(&pace->usual_us, memory_order_relaxed);
}

int64_t pace_recent_us(struct pace *pace, int64_t now_us)
{
    uint64_t weight = 0;
    return read_p95(pace, now_us, &weight);
}
