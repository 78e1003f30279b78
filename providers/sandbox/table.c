#include "providers/sandbox/table.h"

#include <stdlib.h>
#include <string.h>

static size_t hash_of(struct str key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < key.len; i++) {
        h = (h ^ (uint8_t)key.at[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(h ^ (h >> 29));
}

/* The slot that holds key, or the free one where it belongs. There is always a free slot. */
static struct table_slot *probe(const struct table *table, struct str key, size_t hash)
{
    size_t at = hash & (table->capacity - 1);
    while (table->slots[at].value &&
           !(table->slots[at].hash == hash && str_eq(table->slots[at].key, key))) {
        at = (at + 1) & (table->capacity - 1);
    }
    return &table->slots[at];
}

/* Where an entry belongs whose key is in no slot. */
static struct table_slot *free_slot(const struct table *table, size_t hash)
{
    size_t at = hash & (table->capacity - 1);
    while (table->slots[at].value) {
        at = (at + 1) & (table->capacity - 1);
    }
    return &table->slots[at];
}

static void grow(struct table *table)
{
    struct table old = *table;
    table->capacity = old.capacity ? old.capacity * 2 : 64;
    table->slots = calloc(table->capacity, sizeof(*table->slots));
    CHECK(table->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value) {
            *free_slot(table, old.slots[i].hash) = old.slots[i];
        }
    }
    free(old.slots);
}

void table_init(struct table *table)
{
    memset(table, 0, sizeof(*table));
}

void table_release(struct table *table)
{
    free(table->slots);
    table_init(table);
}

void *table_find(const struct table *table, struct str key)
{
    return table->capacity ? probe(table, key, hash_of(key))->value : NULL;
}

void table_put(struct table *table, struct str key, void *value)
{
    CHECK(value);
    if ((table->count + 1) * 10 > table->capacity * 7) {
        grow(table);
    }
    size_t hash = hash_of(key);
    struct table_slot *slot = probe(table, key, hash);
    table->count += slot->value ? 0 : 1;
    *slot = (struct table_slot){.key = key, .hash = hash, .value = value};
}

void table_remove(struct table *table, struct str key)
{
    struct table_slot *slot = table->capacity ? probe(table, key, hash_of(key)) : NULL;
    if (!slot || !slot->value) {
        return;
    }
    size_t mask = table->capacity - 1;
    size_t hole = (size_t)(slot - table->slots);
    /* Backward shift: what probed past the hole moves into it, so that no tombstones are needed. */
    for (size_t at = (hole + 1) & mask; table->slots[at].value; at = (at + 1) & mask) {
        size_t home = table->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    memset(&table->slots[hole], 0, sizeof(table->slots[hole]));
    table->count--;
}
