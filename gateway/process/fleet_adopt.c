#include "process/fleet_internal.h"

#include <fcntl.h>

#include "base/clock.h"

void fleet_describe(const struct fleet *fleet, struct handover *handover)
{
    int64_t now_us = clock_mono_us();
    handover->boot_id = fleet->shared->boot_id;
    handover->instance_id = fleet->shared->instance_id;
    handover->generation = fleet->last_number;
    handover->seat_count = fleet->seat_count;
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        handover->seat[seat].api_fd = fleet->seat[seat].api_fd;
        handover->seat[seat].ops_fd = fleet->seat[seat].ops_fd;
    }
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        const struct member *member = &fleet->member[slot];
        pid_t pid = atomic_load(&fleet_slot(fleet, slot)->pid);
        /* A trial has its own copy of the members, and the master reaps beside it. */
        if (member->generation == NULL || pid == 0) {
            continue;
        }
        int64_t left_ms = (member->generation->until_us - now_us) / CLOCK_MS_US;
        bool drains = member->generation->state == GENERATION_DRAINING;
        handover->member[handover->member_count++] = (struct handover_member){
            .pid = pid,
            .seat = member->seat,
            .writer_id = fleet_slot(fleet, slot)->writer_id,
            .drain_left_ms = !drains       ? -1
                             : left_ms > 0 ? left_ms
                                           : 0,
        };
    }
    for (size_t i = 0; i < SHARED_DEAD_MAX; i++) {
        if (atomic_load(&fleet->shared->dead[i].state) != DEAD_FREE) {
            handover->dead[handover->dead_count++] = fleet->shared->dead[i].writer_id;
        }
    }
}

static void set_inherit(int fd, bool inherit)
{
    CHECK(fcntl(fd, F_SETFD, inherit ? 0 : FD_CLOEXEC) == 0);
}

void fleet_let_go(const struct fleet *fleet, bool inherit)
{
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        set_inherit(fleet->seat[seat].api_fd, inherit);
        set_inherit(fleet->seat[seat].ops_fd, inherit);
    }
}

static void adopt_member(struct fleet *fleet, const struct handover_member *from,
                         struct generation *generation)
{
    unsigned slot = fleet_find_free_slot(fleet);
    CHECK(slot != 0);
    struct shared_slot *shared = fleet_slot(fleet, slot);
    fleet_claim_slot(fleet, slot);
    shared->writer_id = from->writer_id;
    atomic_store(&shared->is_ready, 1);
    atomic_store(&shared->is_retired, generation->state == GENERATION_DRAINING);
    atomic_store(&shared->pid, from->pid);
    fleet->member[slot] = (struct member){
        .generation = generation,
        .seat = from->seat,
        .is_adopted = true,
        .started_us = clock_mono_us(),
    };
}

/* All that drain, as one: until the last of them must be gone. */
static struct generation *adopt_draining(struct fleet *fleet, const struct handover *handover)
{
    int64_t left_ms = -1;
    for (size_t i = 0; i < handover->member_count; i++) {
        int64_t of_this = handover->member[i].drain_left_ms;
        left_ms = of_this > left_ms ? of_this : left_ms;
    }
    if (left_ms < 0) {
        return NULL;
    }
    struct generation *draining = fleet_next(fleet);
    CHECK(draining != NULL);
    fleet_enter(fleet, draining, GENERATION_DRAINING, clock_mono_us() + left_ms * CLOCK_MS_US);
    return draining;
}

void fleet_adopt(struct fleet *fleet, const struct handover *handover,
                 struct generation *generation)
{
    CHECK(fleet->seat_count == handover->seat_count && generation->state == GENERATION_NONE);
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        fleet->seat[seat].api_fd = handover->seat[seat].api_fd;
        fleet->seat[seat].ops_fd = handover->seat[seat].ops_fd;
    }
    fleet_let_go(fleet, false);
    fleet->has_served = true;
    fleet->last_number = handover->generation;
    generation->number = handover->generation;
    fleet_enter(fleet, generation, GENERATION_SERVING, 0);
    struct generation *draining = adopt_draining(fleet, handover);
    fleet->last_number = handover->generation;
    for (size_t i = 0; i < handover->member_count; i++) {
        const struct handover_member *from = &handover->member[i];
        adopt_member(fleet, from, from->drain_left_ms < 0 ? generation : draining);
    }
    for (size_t i = 0; i < handover->dead_count; i++) {
        CHECK(shared_add_dead(fleet->shared, &handover->dead[i]));
    }
}
