#include "router/trail.h"

void trail_add(struct trail *trail, struct str text, int64_t length_us, int64_t at_us)
{
    uint64_t number = atomic_fetch_add_explicit(&trail->count, 1, memory_order_relaxed);
    struct trail_place *place = &trail->place[number % TRAIL_MAX];
    shared_text_write(&place->text, text);
    atomic_store_explicit(&place->length_us, length_us, memory_order_relaxed);
    atomic_store_explicit(&place->at_us, at_us, memory_order_release);
}

size_t trail_read(const struct trail *trail, struct trail_event out[TRAIL_MAX])
{
    size_t found = 0;
    uint64_t count = atomic_load_explicit(&trail->count, memory_order_relaxed);
    for (uint64_t back = 1; back <= TRAIL_MAX && back <= count; back++) {
        const struct trail_place *place = &trail->place[(count - back) % TRAIL_MAX];
        struct trail_event *event = &out[found];
        event->at_us = atomic_load_explicit(&place->at_us, memory_order_acquire);
        event->length_us = atomic_load_explicit(&place->length_us, memory_order_relaxed);
        shared_text_read(&place->text, event->text);
        found += event->at_us != 0;
    }
    return found;
}

void trail_copy(struct trail *to, const struct trail *from)
{
    struct trail_event event[TRAIL_MAX];
    size_t count = trail_read(from, event);
    trail_clear(to);
    for (size_t i = count; i > 0; i--) {
        trail_add(to, str_of(event[i - 1].text), event[i - 1].length_us, event[i - 1].at_us);
    }
}

void trail_clear(struct trail *trail)
{
    atomic_store_explicit(&trail->count, 0, memory_order_relaxed);
    for (size_t i = 0; i < TRAIL_MAX; i++) {
        atomic_store_explicit(&trail->place[i].at_us, 0, memory_order_relaxed);
    }
}
