/*
 * lock.h - the state folder: one gateway at a time, who it is, and what became of a reload.
 *
 *     lock        held by the master and its workers: whoever gets it knows that every process of
 *                 the earlier run is gone; says the master's process id
 *     instance    the gateway's id in the ledger, made once
 *     reload      what became of the last reload or upgrade, for `turnpike reload`
 */
#ifndef PROCESS_LOCK_H
#define PROCESS_LOCK_H

#include <sys/types.h>

#include "base/id.h"
#include "base/str.h"

/*
 * Take the lock, write our process id into it, and read the id of the folder, which is made at the
 * first call. ERROR_CONFLICT when another gateway holds the lock.
 */
bool lock_take(const char *state_folder, int *lock_fd, struct uuid *instance_id,
               struct error *err) MUST_USE;
/* The master that holds the lock. ERROR_NOT_FOUND: no gateway runs on this folder. */
bool lock_holder(const char *state_folder, pid_t *pid, struct error *err) MUST_USE;

struct lock_outcome {
    int64_t asked_us; /* wall clock: later requests are not answered by this */
    bool done;
    char text[512];
};
/* Best effort: a full disk must not stop a reload. */
void lock_write_outcome(const char *state_folder, const struct lock_outcome *outcome);
/* False: there is none yet. */
bool lock_read_outcome(const char *state_folder, struct lock_outcome *outcome);

#endif
