#include "ledger/finder.h"

#include <stdlib.h>

#include "base/error.h"

enum {
    SLOTS_FIRST = 1024,
};

bool finder_find(const struct finder *finder, uint64_t hash, finder_same_fn is_same,
                 const void *owner, const void *key, uint32_t *index)
{
    if (finder->slot == NULL)
        return false;
    uint32_t small = (uint32_t)(hash >> 32);
    for (size_t at = small & finder->mask;; at = (at + 1) & finder->mask) {
        const struct finder_slot *slot = &finder->slot[at];
        if (slot->next == 0)
            return false;
        if (slot->hash == small && is_same(owner, slot->next - 1, key)) {
            *index = slot->next - 1;
            return true;
        }
    }
}

static void put(struct finder *finder, struct finder_slot entry)
{
    size_t at = entry.hash & finder->mask;
    while (finder->slot[at].next != 0)
        at = (at + 1) & finder->mask;
    finder->slot[at] = entry;
}

static void grow(struct finder *finder)
{
    struct finder old = *finder;
    size_t size = old.slot == NULL ? SLOTS_FIRST : (old.mask + 1) * 2;
    finder->slot = calloc(size, sizeof(*finder->slot));
    CHECK(finder->slot != NULL);
    finder->mask = size - 1;
    for (size_t i = 0; old.slot != NULL && i <= old.mask; i++) {
        if (old.slot[i].next != 0)
            put(finder, old.slot[i]);
    }
    free(old.slot);
}

void finder_add(struct finder *finder, uint64_t hash, uint32_t index)
{
    if (finder->slot == NULL || finder->count * 2 > finder->mask)
        grow(finder);
    put(finder, (struct finder_slot){(uint32_t)(hash >> 32), index + 1});
    finder->count++;
}

void finder_release(struct finder *finder)
{
    free(finder->slot);
    *finder = (struct finder){0};
}
