/*
 * finder.h - numbers found again by what they stand for: a hash table of indices into an array of
 * the owner's, who compares. For tables of millions that are only added to.
 */
#ifndef LEDGER_FINDER_H
#define LEDGER_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct finder_slot {
    uint32_t hash;
    uint32_t next; /* index + 1; 0: free */
};

struct finder {               /* all zero: empty */
    struct finder_slot *slot; /* owned */
    size_t mask;
    size_t count;
};

/* Whether `index` stands for `key`. */
typedef bool (*finder_same_fn)(const void *owner, uint32_t index, const void *key);

/* False: it is not there. */
bool finder_find(const struct finder *finder, uint64_t hash, finder_same_fn is_same,
                 const void *owner, const void *key, uint32_t *index);
/* It is not there yet. */
void finder_add(struct finder *finder, uint64_t hash, uint32_t index);
void finder_release(struct finder *finder);

#endif
