#include "sim.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHILDREN = 4, /* flatter than two: fewer cache lines on the way down */
};

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at < b->at || (a->at == b->at && a->seq < b->seq);
}

void heap_push(struct heap *heap, struct sim_event event)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 1024 : heap->capacity * 2;
        heap->item = realloc(heap->item, heap->capacity * sizeof(*heap->item));
        CHECK(heap->item != NULL);
    }
    event.seq = heap->seq++;
    size_t at = heap->count++;
    while (at > 0) {
        size_t parent = (at - 1) / CHILDREN;
        if (!is_before(&event, &heap->item[parent]))
            break;
        heap->item[at] = heap->item[parent];
        at = parent;
    }
    heap->item[at] = event;
}

bool heap_pop(struct heap *heap, struct sim_event *event)
{
    if (heap->count == 0)
        return false;
    *event = heap->item[0];
    struct sim_event last = heap->item[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = at * CHILDREN + 1;
        if (child >= heap->count)
            break;
        size_t end = child + CHILDREN < heap->count ? child + CHILDREN : heap->count;
        size_t least = child;
        for (size_t i = child + 1; i < end; i++)
            if (is_before(&heap->item[i], &heap->item[least]))
                least = i;
        if (!is_before(&heap->item[least], &last))
            break;
        heap->item[at] = heap->item[least];
        at = least;
    }
    if (heap->count > 0)
        heap->item[at] = last;
    return true;
}

uint32_t vec_add(struct vec *vec)
{
    if (vec->count == vec->capacity) {
        vec->capacity = vec->capacity == 0 ? 256 : vec->capacity * 2;
        vec->item = realloc(vec->item, vec->capacity * vec->size);
        CHECK(vec->item != NULL);
    }
    memset((char *)vec->item + vec->count * vec->size, 0, vec->size);
    return vec->count++;
}
