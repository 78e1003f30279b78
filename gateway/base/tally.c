#include "base/tally.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/mix.h"
#include "base/rng.h"

/*
 * A place changes hands in three steps: it is marked as moving, by its mover's slot, so that nobody
 * joins; the mover looks around; then it gets its new tag, or its old one back. Two races matter.
 *
 * One joins a place while another takes it over. Who joins adds to its share first and looks at the
 * tag afterwards, who takes over marks first and looks at the count afterwards: at least one of
 * both sees the other and steps back.
 *
 * Two take over two places for the same key. Each looks for the other after it has marked its own:
 * at least one sees the other, and the one in the lower slot goes first.
 *
 * What a process was moving when it was killed is freed with its shares.
 */
enum {
    TAG_FREE = 0,
    TAG_MOVING = 1,                        /* by slot 0; the next by slot 1, and so on */
    TAG_FIRST = TAG_MOVING + SHM_SLOT_MAX, /* of a key */
    PROBE_MAX = 16,                        /* places where a key may be */
    JOIN_TRIES = 64,
    YIELDS_MAX = 32, /* of one join to those who move places: preempted, or dead for a moment */
};

struct tally_entry {
    _Alignas(64) atomic_ullong tag;
    atomic_int share[SHM_SLOT_MAX];
};

struct tally {
    struct mix_seed seed;
    size_t mask;
    struct tally_entry entry[];
};

size_t tally_size(size_t entry_count)
{
    return sizeof(struct tally) + entry_count * sizeof(struct tally_entry) + 64;
}

struct tally *tally_open(struct shm *shm, size_t entry_count)
{
    CHECK(entry_count >= PROBE_MAX && (entry_count & (entry_count - 1)) == 0);
    struct tally *tally = shm_carve(shm, tally_size(entry_count) - 64);
    rng_fill(&tally->seed, sizeof(tally->seed));
    tally->mask = entry_count - 1;
    return tally;
}

int64_t tally_count(const struct tally_entry *entry)
{
    int64_t count = 0;
    for (size_t i = 0; i < SHM_SLOT_MAX; i++)
        count += atomic_load(&entry->share[i]);
    return count;
}

static uint64_t tag_of(const struct tally *tally, const struct uuid *key)
{
    uint64_t tag = mix_bytes(&tally->seed, key->byte, sizeof(key->byte));
    return tag < TAG_FIRST ? tag + TAG_FIRST : tag;
}

static bool is_mark(uint64_t tag)
{
    return tag != TAG_FREE && tag < TAG_FIRST;
}

/* The key's entry, or one that it may take over; NULL: all are in use. */
static struct tally_entry *find(struct tally *tally, uint64_t tag, bool *is_moving)
{
    struct tally_entry *place = NULL;
    *is_moving = false;
    for (size_t i = 0; i < PROBE_MAX; i++) {
        struct tally_entry *entry = &tally->entry[(tag + i) & tally->mask];
        unsigned long long seen = atomic_load(&entry->tag);
        if (seen == tag)
            return entry;
        if (is_mark(seen))
            *is_moving = true;
        else if (place == NULL && tally_count(entry) == 0)
            place = entry;
    }
    return place;
}

enum around {
    AROUND_NOBODY = 0,
    AROUND_LATER, /* somebody moves a place who comes after us */
    AROUND_FIRST, /* ... who goes first, or the key has a place by now */
};

static enum around look_around(struct tally *tally, const struct tally_entry *own, uint64_t tag,
                               unsigned slot)
{
    enum around around = AROUND_NOBODY;
    for (size_t i = 0; i < PROBE_MAX; i++) {
        const struct tally_entry *entry = &tally->entry[(tag + i) & tally->mask];
        unsigned long long seen = atomic_load(&entry->tag);
        if (entry == own)
            continue;
        if (seen == tag || (is_mark(seen) && seen < TAG_MOVING + slot))
            return AROUND_FIRST;
        if (is_mark(seen))
            around = AROUND_LATER;
    }
    return around;
}

/* Let a process that moves a place go on; false: that was tried often enough. */
static bool yield_to_mover(unsigned *yields)
{
    if (*yields >= YIELDS_MAX)
        return false;
    ++*yields;
    (void)sched_yield();
    return true;
}

static bool take_over(struct tally *tally, struct tally_entry *entry, uint64_t tag, unsigned slot,
                      unsigned *yields)
{
    unsigned long long seen = atomic_load(&entry->tag);
    if (is_mark(seen) || !atomic_compare_exchange_strong(&entry->tag, &seen, TAG_MOVING + slot))
        return false;
    enum around around = AROUND_LATER;
    do {
        around = tally_count(entry) == 0 ? look_around(tally, entry, tag, slot) : AROUND_FIRST;
    } while (around == AROUND_LATER && yield_to_mover(yields));
    atomic_store(&entry->tag, around == AROUND_FIRST ? seen : tag);
    return around != AROUND_FIRST;
}

/* What find says when nothing moves, or after patience with what does. */
static struct tally_entry *find_calmly(struct tally *tally, uint64_t tag, unsigned *yields)
{
    bool is_moving = true;
    struct tally_entry *entry = NULL;
    do {
        entry = find(tally, tag, &is_moving);
        if (entry != NULL && atomic_load(&entry->tag) == tag)
            return entry;
    } while (is_moving && yield_to_mover(yields));
    return entry;
}

struct tally_entry *tally_join(struct tally *tally, const struct uuid *key, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    uint64_t tag = tag_of(tally, key);
    unsigned yields = 0;
    for (unsigned tries = 0; tries < JOIN_TRIES; tries++) {
        struct tally_entry *entry = find_calmly(tally, tag, &yields);
        if (entry == NULL)
            return NULL;
        if (atomic_load(&entry->tag) != tag && !take_over(tally, entry, tag, slot, &yields))
            continue;
        atomic_fetch_add(&entry->share[slot], 1);
        if (atomic_load(&entry->tag) == tag)
            return entry;
        atomic_fetch_sub(&entry->share[slot], 1);
    }
    return NULL;
}

void tally_add(struct tally_entry *entry, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    CHECK(atomic_fetch_add_explicit(&entry->share[slot], 1, memory_order_relaxed) > 0);
}

void tally_remove(struct tally_entry *entry, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    CHECK(atomic_fetch_sub(&entry->share[slot], 1) > 0);
}

void tally_forget_slot(struct tally *tally, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    for (size_t i = 0; i <= tally->mask; i++) {
        struct tally_entry *entry = &tally->entry[i];
        unsigned long long tag = atomic_load(&entry->tag);
        if (tag != TAG_FREE)
            atomic_store(&entry->share[slot], 0);
        if (tag == TAG_MOVING + slot)
            atomic_store(&entry->tag, TAG_FREE);
    }
}
