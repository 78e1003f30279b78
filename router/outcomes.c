#include "router/outcomes.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

enum {
    COUNT_BITS = 20,
    COUNT_MASK = (1 << COUNT_BITS) - 1,
    STAMP_MASK = (1 << 24) - 1,
    KEY_FREE = 0,
    KEY_MOVING = 1,
    CLAIM_TRIES = 4,
};

static_assert((int)OUTCOMES_ENTRY_MAX % (int)OUTCOMES_SET == 0, "whole sets");
static_assert((int)OUTCOMES_BUCKET_COUNT > (int)OUTCOMES_MINUTE_MAX, "a bucket outlives the hour");

static uint64_t usable_key(uint64_t key)
{
    return key <= KEY_MOVING ? key + 2 : key;
}

static size_t set_of(uint64_t key)
{
    return (key >> 20) % (OUTCOMES_ENTRY_MAX / OUTCOMES_SET) * OUTCOMES_SET;
}

static uint64_t stamp_of(int64_t now_us)
{
    return (uint64_t)(now_us / (60 * CLOCK_SECOND_US)) & STAMP_MASK;
}

static size_t find(const struct outcomes_table *table, uint64_t key)
{
    size_t set = set_of(key);
    for (size_t i = set; i < set + OUTCOMES_SET; i++) {
        if (atomic_load_explicit(&table->key[i], memory_order_acquire) == key) {
            return i;
        }
    }
    return OUTCOMES_ENTRY_MAX;
}

/* A free place of the set, or the one not counted for longest. */
static size_t pick(const struct outcomes_table *table, uint64_t key, uint64_t *old_key)
{
    size_t set = set_of(key);
    size_t picked = OUTCOMES_ENTRY_MAX;
    int64_t oldest_us = INT64_MAX;
    for (size_t i = set; i < set + OUTCOMES_SET; i++) {
        uint64_t found = atomic_load_explicit(&table->key[i], memory_order_relaxed);
        int64_t used_us = atomic_load_explicit(&table->entry[i].used_us, memory_order_relaxed);
        if (found == KEY_FREE) {
            *old_key = found;
            return i;
        }
        if (found != KEY_MOVING && used_us < oldest_us) {
            oldest_us = used_us;
            picked = i;
            *old_key = found;
        }
    }
    return picked;
}

/*
 * The place of a key, made if need be; OUTCOMES_ENTRY_MAX when others are just taking all. Two
 * processes may give one key two places of its set at once: the first one counts, the other ages.
 */
static size_t claim(struct outcomes_table *table, uint64_t key, int64_t now_us)
{
    size_t at = find(table, key);
    for (int tries = 0; at == OUTCOMES_ENTRY_MAX && tries < CLAIM_TRIES; tries++) {
        uint64_t old_key = 0;
        size_t place = pick(table, key, &old_key);
        if (place < OUTCOMES_ENTRY_MAX &&
            atomic_compare_exchange_strong(&table->key[place], &old_key, KEY_MOVING)) {
            memset(&table->entry[place], 0, sizeof(table->entry[place]));
            atomic_store_explicit(&table->entry[place].used_us, now_us, memory_order_relaxed);
            atomic_store_explicit(&table->key[place], key, memory_order_release);
        }
        at = find(table, key);
    }
    return at;
}

void outcomes_add(struct outcomes_table *table, uint64_t given_key, enum outcomes_kind kind,
                  int64_t now_us)
{
    CHECK((unsigned)kind < OUTCOMES_KIND_COUNT);
    size_t at = claim(table, usable_key(given_key), now_us);
    if (at == OUTCOMES_ENTRY_MAX) {
        return; /* One call is not counted: nothing depends on the last one. */
    }
    struct outcomes *entry = &table->entry[at];
    uint64_t stamp = stamp_of(now_us);
    unsigned shift = kind % 2 * COUNT_BITS;
    _Atomic uint64_t *word = &entry->bucket[stamp % OUTCOMES_BUCKET_COUNT][kind / 2];
    uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
    uint64_t fresh = 0;
    atomic_store_explicit(&entry->used_us, now_us, memory_order_relaxed);
    do {
        fresh = old >> (2 * COUNT_BITS) == stamp ? old : stamp << (2 * COUNT_BITS);
        if ((fresh >> shift & COUNT_MASK) == COUNT_MASK) {
            return;
        }
        fresh += UINT64_C(1) << shift;
    } while (!atomic_compare_exchange_weak(word, &old, fresh));
}

void outcomes_read(const struct outcomes_table *table, uint64_t given_key, unsigned minutes,
                   int64_t now_us, struct outcomes_counts *counts)
{
    *counts = (struct outcomes_counts){{0}};
    CHECK(minutes <= OUTCOMES_MINUTE_MAX);
    size_t at = find(table, usable_key(given_key));
    if (at == OUTCOMES_ENTRY_MAX) {
        return;
    }
    const struct outcomes *entry = &table->entry[at];
    uint64_t now = stamp_of(now_us);
    for (unsigned age = 0; age < minutes; age++) {
        uint64_t stamp = (now - age) & STAMP_MASK;
        const _Atomic uint64_t *word = entry->bucket[stamp % OUTCOMES_BUCKET_COUNT];
        for (size_t pair = 0; pair < OUTCOMES_KIND_COUNT / 2; pair++) {
            uint64_t value = atomic_load_explicit(&word[pair], memory_order_relaxed);
            if (value >> (2 * COUNT_BITS) == stamp) {
                counts->count[2 * pair] += (uint32_t)value & COUNT_MASK;
                counts->count[2 * pair + 1] += (uint32_t)(value >> COUNT_BITS) & COUNT_MASK;
            }
        }
    }
}

uint32_t outcomes_sum(const struct outcomes_counts *counts)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < OUTCOMES_KIND_COUNT; i++) {
        sum += counts->count[i];
    }
    return sum;
}
