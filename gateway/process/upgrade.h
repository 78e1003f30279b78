/*
 * upgrade.h - the master becomes the program that now lies where it was started from (SIGUSR2).
 *
 *     SIGUSR2 -> a child runs the new program's `check` with our arguments and our handover
 *                  | it fails: refused, nothing has changed
 *                  v
 *             execve in place: same process id, children, lock and listening sockets
 *                  v
 *             the new program adopts the old workers with the settings and files in force, then
 *             reloads: starts its own on the same sockets, and drains the old ones when they are
 *             ready. When that is refused (the configuration was changed since the check), it
 *             goes on with the old workers and settings
 *
 * No socket is ever closed and no queue lost. The process id stays, so that supervisors see
 * nothing. The shared segment is made anew: counters start at zero, breakers closed.
 */
#ifndef PROCESS_UPGRADE_H
#define PROCESS_UPGRADE_H

#include "process/image.h"
#include "process/reload.h"

struct upgrade {
    const struct program *program; /* borrowed */
    struct fleet *fleet;           /* borrowed */
    int lock_fd;
    bool is_asked;
    int64_t began_us;   /* wall clock */
    struct image image; /* from the check to its end */
    struct trial trial;
};

void upgrade_ask(struct upgrade *upgrade);
/* may_begin: no reload is under way. Does not return when the new program takes over. */
void upgrade_tick(struct upgrade *upgrade, bool may_begin);
bool upgrade_is_busy(const struct upgrade *upgrade);
bool upgrade_reap(struct upgrade *upgrade, pid_t pid, int status);
void upgrade_cancel(struct upgrade *upgrade);

/* In the new program: false when there is no master before us. *err only when `failed`. */
bool upgrade_find_handover(struct handover *handover, bool *failed, struct error *err);

#endif
