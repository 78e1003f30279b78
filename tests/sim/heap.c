#include "sim.h"

#include <stdlib.h>
#include <string.h>

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
        size_t parent = (at - 1) / 2;
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
        size_t child = at * 2 + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(&heap->item[child + 1], &heap->item[child]))
            child++;
        if (!is_before(&heap->item[child], &last))
            break;
        heap->item[at] = heap->item[child];
        at = child;
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

void *vec_get(const struct vec *vec, uint32_t index)
{
    CHECK(index < vec->count);
    return (char *)vec->item + index * vec->size;
}
