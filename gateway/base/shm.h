/*
 * shm.h - the one shared segment: anonymous shared memory made by the master before it forks.
 *
 * Modules carve their tables out of it at boot, in a fixed order, and then use C11 atomics on them.
 * Nothing in it is truth (that is PostgreSQL): it holds counters, health, heartbeats and rate
 * limits, and may be lost with the master.
 */
#ifndef BASE_SHM_H
#define BASE_SHM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    /* Processes at a time: slot 0 is the master or a foreground process; workers of the old
     * configuration and of the new are there together during a reload. */
    SHM_SLOT_MAX = 128,
};

struct shm {
    char *at; /* mapped */
    size_t size;
    size_t used;
};

bool shm_open_segment(struct shm *shm, size_t size, struct error *err) MUST_USE;
void shm_close(struct shm *shm);
/* Zeroed, cache-line aligned, until shm_close; CHECKs that the segment is large enough. */
void *shm_carve(struct shm *shm, size_t size);

#endif
