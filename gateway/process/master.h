/*
 * master.h - the thin master: sockets, shared segment, workers; no event loop, no TLS, no database.
 *
 *     lock state folder -> check files in a child -> bind one socket per slot -> fork workers
 *        -> wait: dead worker:    report it, start another on the same sockets
 *                 silent worker:  SIGKILL
 *                 SIGTERM/SIGINT: drain all, then leave
 *
 * Workers die with the master (PDEATHSIG) and hold its lock file too: whoever gets the lock knows
 * that every process of the earlier run is gone.
 */
#ifndef PROCESS_MASTER_H
#define PROCESS_MASTER_H

#include "process/config.h"

/* Serve until told to stop. Returns the exit status; errors stand on stderr, one line with the
 * remedy. */
int master_run(const struct config *config);

/* The id of the state folder, made at the first call. ERROR_CONFLICT when another gateway holds its
 * lock. */
bool master_lock(const char *state_folder, int *lock_fd, struct uuid *instance_id,
                 struct error *err) MUST_USE;

#endif
