#include "providers/origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct origin *origins_find(struct link *table, const char *base_url)
{
    for (struct link *item = table->next; item != table; item = item->next) {
        struct origin *origin = LIST_OWNER(item, struct origin, link);
        if (strcmp(origin->base_url, base_url) == 0)
            return origin;
    }
    const size_t size = strlen(base_url) + 1;
    struct origin *origin = calloc(1, sizeof(*origin) + size);
    CHECK(origin != NULL);
    memcpy(origin->base_url, base_url, size);
    list_init(&origin->held);
    list_add_first(table, &origin->link);
    return origin;
}

void origins_free(struct link *table)
{
    while (!list_is_empty(table))
        free(LIST_OWNER(list_take_first(table), struct origin, link));
}

void origin_move(struct origin *origin, enum origin_stage from, enum origin_stage to)
{
    if (from != ORIGIN_NONE) {
        CHECK(origin->count[from] > 0);
        origin->count[from]--;
    }
    if (to != ORIGIN_NONE)
        origin->count[to]++;
}

bool origin_has_room(const struct origin *origin)
{
    const size_t opening = origin->count[ORIGIN_OPENING];
    const size_t used = opening + origin->count[ORIGIN_LEFT];
    const size_t kept = origin->open_count > used ? origin->open_count - used : 0;
    const size_t growth = origin->open_count / ORIGIN_GROWTH;
    const size_t most = growth > ORIGIN_CONNECTS ? growth : ORIGIN_CONNECTS;

    return origin->count[ORIGIN_PENDING] + opening < kept + most;
}
