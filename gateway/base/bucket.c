#include "base/bucket.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/mix.h"
#include "base/rng.h"

enum {
    GROUP = 8,       /* places where a key may be: two cache lines */
    CLAIM_TRIES = 4, /* others were first, each time */
};
#define SECOND_NS INT64_C(1000000000)

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "needs lock-free atomics");
static_assert(BUCKET_BURST_MAX < INT64_MAX / SECOND_NS / 2, "a window fits");
static_assert(SECOND_NS % BUCKET_RATE_MAX == 0, "a token takes at least one unit of time");

struct slot {
    atomic_ullong tag;       /* 0: free; else whose it is */
    atomic_llong full_at_ns; /* monotonic */
};

struct bucket_table {
    struct mix_seed seed;
    size_t mask; /* of groups */
    atomic_llong shared_count;
    _Alignas(64) struct slot slot[];
};

size_t bucket_size(size_t slot_count)
{
    return sizeof(struct bucket_table) + slot_count * sizeof(struct slot) + 64;
}

struct bucket_table *bucket_open(struct shm *shm, size_t slot_count)
{
    CHECK(slot_count >= GROUP && (slot_count & (slot_count - 1)) == 0);
    struct bucket_table *table = shm_carve(shm, bucket_size(slot_count) - 64);
    rng_fill(&table->seed, sizeof(table->seed));
    table->mask = slot_count / GROUP - 1;
    return table;
}

static int64_t read_full_at(const struct slot *slot)
{
    return atomic_load_explicit(&slot->full_at_ns, memory_order_relaxed);
}

/* Where a key goes that has no place: a free one or a full bucket's, else the nearest to full. */
static struct slot *find_place(struct slot *group, int64_t now_ns)
{
    struct slot *best = &group[0];
    for (size_t i = 0; i < GROUP; i++) {
        bool is_free = atomic_load_explicit(&group[i].tag, memory_order_relaxed) == 0;
        if (is_free || read_full_at(&group[i]) <= now_ns)
            return &group[i];
        if (read_full_at(&group[i]) < read_full_at(best))
            best = &group[i];
    }
    return best;
}

/*
 * The key's slot; NULL when it has none and `claims` is false. Only the tag is written: what debt
 * there is goes with the place. Whoever loses the place to another between this and its use adds at
 * most one token to the other's debt.
 */
static struct slot *find(struct bucket_table *table, const struct uuid *key, int64_t now_ns,
                         bool claims)
{
    unsigned long long tag = mix_bytes(&table->seed, key->byte, sizeof(key->byte));
    struct slot *group = &table->slot[(tag & table->mask) * GROUP];
    struct slot *place = NULL;
    for (unsigned tries = 0; tries < CLAIM_TRIES; tries++) {
        for (size_t i = 0; i < GROUP; i++) {
            if (atomic_load_explicit(&group[i].tag, memory_order_relaxed) == tag)
                return &group[i];
        }
        if (!claims)
            return NULL;
        place = find_place(group, now_ns);
        unsigned long long old = atomic_load_explicit(&place->tag, memory_order_relaxed);
        bool is_shared = old != 0 && read_full_at(place) > now_ns;
        if (atomic_compare_exchange_strong_explicit(&place->tag, &old, tag, memory_order_relaxed,
                                                    memory_order_relaxed)) {
            if (is_shared)
                atomic_fetch_add_explicit(&table->shared_count, 1, memory_order_relaxed);
            return place;
        }
    }
    return place; /* in a storm of new keys: whoever's it is by now */
}

struct meter { /* a limit in time */
    int64_t token_ns;
    int64_t window_ns;
};

static struct meter meter_of(const struct bucket_limit *limit)
{
    int64_t rate = limit->rate < BUCKET_RATE_MAX ? limit->rate : BUCKET_RATE_MAX;
    int64_t burst = limit->burst < BUCKET_BURST_MAX ? limit->burst : BUCKET_BURST_MAX;
    int64_t token_ns = SECOND_NS / rate;
    return (struct meter){token_ns, token_ns * (burst > 0 ? burst : 1)};
}

/* A debt beyond the window is of an older, larger limit, or of a clock that went back. */
static int64_t debt_of(int64_t full_at_ns, int64_t now_ns)
{
    return full_at_ns > now_ns ? full_at_ns - now_ns : 0;
}

/* To whole microseconds, upwards: who waits so long does not come too early. */
static int64_t to_us(int64_t ns)
{
    return (ns + 999) / 1000;
}

static void tell(struct bucket_state *state, int64_t debt_ns, const struct meter *meter)
{
    int64_t room_ns = meter->window_ns - debt_ns;
    state->remaining = room_ns / meter->token_ns;
    state->wait_us = room_ns >= meter->token_ns ? 0 : to_us(meter->token_ns - room_ns);
    state->reset_us = to_us(debt_ns);
}

static bool use(struct bucket_table *table, const struct uuid *key,
                const struct bucket_limit *limit, int64_t now_us, struct bucket_state *state,
                bool takes)
{
    if (limit->rate <= 0) {
        *state = (struct bucket_state){.remaining = INT64_MAX};
        return true;
    }
    int64_t now_ns = now_us * 1000;
    struct meter meter = meter_of(limit);
    struct slot *slot = find(table, key, now_ns, takes);
    long long seen = slot != NULL ? read_full_at(slot) : 0;
    for (;;) {
        int64_t debt_ns = debt_of(seen, now_ns);
        bool is_beyond = debt_ns > meter.window_ns;
        int64_t kept_ns = is_beyond ? meter.window_ns : debt_ns;
        tell(state, kept_ns, &meter);
        bool has_token = state->remaining > 0;
        if (!takes || (!has_token && !is_beyond))
            return has_token;
        kept_ns += has_token ? meter.token_ns : 0;
        if (atomic_compare_exchange_weak_explicit(&slot->full_at_ns, &seen, now_ns + kept_ns,
                                                  memory_order_relaxed, memory_order_relaxed)) {
            tell(state, kept_ns, &meter);
            return has_token;
        }
    }
}

bool bucket_take(struct bucket_table *table, const struct uuid *key,
                 const struct bucket_limit *limit, int64_t now_us, struct bucket_state *state)
{
    return use(table, key, limit, now_us, state, true);
}

bool bucket_look(struct bucket_table *table, const struct uuid *key,
                 const struct bucket_limit *limit, int64_t now_us, struct bucket_state *state)
{
    return use(table, key, limit, now_us, state, false);
}

void bucket_give_back(struct bucket_table *table, const struct uuid *key,
                      const struct bucket_limit *limit, int64_t now_us)
{
    if (limit->rate <= 0)
        return;
    int64_t now_ns = now_us * 1000;
    struct meter meter = meter_of(limit);
    struct slot *slot = find(table, key, now_ns, false);
    long long seen = slot != NULL ? read_full_at(slot) : 0;
    while (seen > now_ns) { /* else it is full, or its place was given away */
        int64_t kept_ns = debt_of(seen, now_ns) - meter.token_ns;
        if (atomic_compare_exchange_weak_explicit(&slot->full_at_ns, &seen,
                                                  now_ns + (kept_ns > 0 ? kept_ns : 0),
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
    }
}

int64_t bucket_shared_count(const struct bucket_table *table)
{
    return atomic_load_explicit(&table->shared_count, memory_order_relaxed);
}
