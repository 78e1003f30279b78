/*
 * table.h - a hash table from borrowed strings to borrowed objects: open addressing, grows by
 * doubling. The key must live as long as its entry, usually inside the object.
 */
#ifndef SANDBOX_TABLE_H
#define SANDBOX_TABLE_H

#include "base/str.h"

struct table_slot {
    struct str key;
    size_t hash; /* of the key: growing touches no object */
    void *value; /* borrowed; NULL: the slot is free */
};

struct table {
    struct table_slot *slots; /* owned; NULL until the first put */
    size_t capacity;          /* power of two */
    size_t count;
};

void table_init(struct table *table);
void table_release(struct table *table);
void *table_find(const struct table *table, struct str key);      /* NULL when absent */
void table_put(struct table *table, struct str key, void *value); /* replaces */
void table_remove(struct table *table, struct str key);           /* absent is fine */

#endif
