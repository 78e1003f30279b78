#include "base/json_pool.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

enum {
    CLASS_STEP = 16,
    CLASS_COUNT = POOL_SIZE_MAX / CLASS_STEP,
    CLASS_MALLOC = CLASS_COUNT, /* too large for a class */
    SLAB_SIZE = 65536,
#ifdef __SANITIZE_ADDRESS__
    POOLED_MAX = 0,
#else
    POOLED_MAX = POOL_SIZE_MAX,
#endif
};

/* Before each value: which list it goes back to. While it is there, its first bytes are the link. */
struct item {
    alignas(max_align_t) size_t class;
    alignas(max_align_t) char data[];
};

static _Thread_local struct item *free_items[CLASS_COUNT];

static struct item **next_of(struct item *item)
{
    return (struct item **)(void *)item->data;
}

static void put(struct item *item)
{
    *next_of(item) = free_items[item->class];
    free_items[item->class] = item;
}

static void add_slab(size_t class)
{
    const size_t size = sizeof(struct item) + (class + 1) * CLASS_STEP;
    char *slab = malloc(SLAB_SIZE);
    CHECK(slab != NULL);
    for (size_t at = 0; at + size <= SLAB_SIZE; at += size) {
        struct item *item = (struct item *)(void *)(slab + at);
        item->class = class;
        put(item);
    }
}

void *json_pool_take(size_t size)
{
    struct item *item = NULL;
    if (size > POOLED_MAX) {
        CHECK(size <= SIZE_MAX - sizeof(*item));
        item = malloc(sizeof(*item) + size);
        CHECK(item != NULL);
        item->class = CLASS_MALLOC;
        return item->data;
    }
    const size_t class = size == 0 ? 0 : (size - 1) / CLASS_STEP;
    if (free_items[class] == NULL)
        add_slab(class);
    item = free_items[class];
    free_items[class] = *next_of(item);
    return item->data;
}

void json_pool_free(void *at)
{
    if (at == NULL)
        return;
    struct item *item = (struct item *)(void *)((char *)at - offsetof(struct item, data));
    CHECK(item->class <= CLASS_MALLOC);
    if (item->class == CLASS_MALLOC)
        free(item);
    else
        put(item);
}

void json_pool_use(void)
{
    json_set_alloc_funcs(json_pool_take, json_pool_free);
}
