#include "process/shared.h"

void shared_count(struct shared *shared, unsigned *serving, unsigned *draining)
{
    *serving = 0;
    *draining = 0;
    for (size_t i = 0; i < SHM_SLOT_MAX; i++) {
        const struct shared_slot *slot = &shared->slot[i];
        if (atomic_load(&slot->pid) == 0) {
            continue;
        }
        if (atomic_load(&slot->is_retired) != 0) {
            (*draining)++;
        } else if (atomic_load(&slot->is_ready) != 0) {
            (*serving)++;
        }
    }
}

bool shared_add_dead(struct shared *shared, const struct uuid *writer_id)
{
    for (size_t i = 0; i < SHARED_DEAD_MAX; i++) {
        struct shared_dead *dead = &shared->dead[i];
        if (atomic_load(&dead->state) == DEAD_FREE) {
            dead->writer_id = *writer_id;
            atomic_store(&dead->state, DEAD_WAITING);
            return true;
        }
    }
    return false;
}

struct shared_dead *shared_take_dead(struct shared *shared, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX);
    for (size_t i = 0; i < SHARED_DEAD_MAX; i++) {
        int expected = DEAD_WAITING;
        if (atomic_compare_exchange_strong(&shared->dead[i].state, &expected,
                                           DEAD_TAKEN + (int)slot)) {
            return &shared->dead[i];
        }
    }
    return NULL;
}

void shared_return_dead(struct shared *shared, unsigned slot)
{
    for (size_t i = 0; i < SHARED_DEAD_MAX; i++) {
        int expected = DEAD_TAKEN + (int)slot;
        (void)atomic_compare_exchange_strong(&shared->dead[i].state, &expected, DEAD_WAITING);
    }
}

void shared_dead_done(struct shared_dead *dead, bool reported)
{
    CHECK(atomic_load(&dead->state) >= DEAD_TAKEN);
    atomic_store(&dead->state, reported ? DEAD_FREE : DEAD_WAITING);
}

bool shared_writer_is_alive(void *ctx, const struct uuid *writer_id)
{
    struct shared *shared = ctx;
    for (size_t i = 0; i < SHM_SLOT_MAX; i++) {
        if (atomic_load(&shared->slot[i].pid) != 0 &&
            uuid_eq(&shared->slot[i].writer_id, writer_id)) {
            return true;
        }
    }
    return false;
}
