/*
 * names.h - what names stand for in a rule file: found in constant time, so that a file of many
 * rules is read in linear time.
 */
#ifndef ROUTER_NAMES_H
#define ROUTER_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mix.h"
#include "base/str.h"

#define NAMES_NONE UINT32_C(0xFFFFFFFF)

struct names_entry {
    struct str name; /* borrowed; at NULL: free */
    uint32_t value;
};

struct names {
    struct mix_seed seed;
    struct names_entry *entry; /* in the arena that names_add is given */
    size_t capacity;           /* a power of two */
    size_t count;
};

/* The names come from a stranger, so the seed shall depend on something that they cannot choose
 * together with them, such as a digest of the whole text. */
void names_init(struct names *names, struct mix_seed seed);
/* NAMES_NONE when there is no such name. */
uint32_t names_find(const struct names *names, struct str name);
/* A name that is not there yet; not empty. */
void names_add(struct names *names, struct arena *arena, struct str name, uint32_t value);

#endif
