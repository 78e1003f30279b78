#include "router/names.h"

enum {
    CAPACITY_FIRST = 64,
};

void names_init(struct names *names, struct mix_seed seed)
{
    *names = (struct names){.seed = seed};
}

/* The entry of `name`, or the free one where it belongs. */
static struct names_entry *locate(const struct names *names, struct str name)
{
    size_t at = mix_bytes(&names->seed, name.at, name.len) & (names->capacity - 1);
    while (names->entry[at].name.at != NULL && !str_eq(names->entry[at].name, name)) {
        at = (at + 1) & (names->capacity - 1);
    }
    return &names->entry[at];
}

uint32_t names_find(const struct names *names, struct str name)
{
    if (names->count == 0 || name.at == NULL) {
        return NAMES_NONE;
    }
    const struct names_entry *entry = locate(names, name);
    return entry->name.at == NULL ? NAMES_NONE : entry->value;
}

void names_add(struct names *names, struct arena *arena, struct str name, uint32_t value)
{
    CHECK(name.at != NULL);
    if (names->count * 2 >= names->capacity) {
        struct names old = *names;
        names->capacity = old.capacity == 0 ? CAPACITY_FIRST : old.capacity * 2;
        names->entry = ARENA_ARRAY(arena, struct names_entry, names->capacity);
        for (size_t i = 0; i < old.capacity; i++) {
            if (old.entry[i].name.at != NULL) {
                *locate(names, old.entry[i].name) = old.entry[i];
            }
        }
    }
    struct names_entry *entry = locate(names, name);
    CHECK(entry->name.at == NULL);
    *entry = (struct names_entry){name, value};
    names->count++;
}
