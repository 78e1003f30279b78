/*
 * master.h - the thin master: sockets, shared segment, workers; no event loop, no TLS, no database.
 *
 *     lock state folder -> check files in a child -> bind one socket pair per seat -> start workers
 *        -> wait: dead worker:    report it, start another on the same sockets     (fleet.h)
 *                 silent worker:  SIGKILL
 *                 SIGHUP:         next configuration, next generation of workers   (reload.h)
 *                 SIGUSR2:        next program in this process                     (upgrade.h)
 *                 SIGTERM/SIGINT: drain all, then leave
 *
 * Workers die with the master (PDEATHSIG) and hold its lock file too: whoever gets the lock knows
 * that every process of the earlier run is gone.
 */
#ifndef PROCESS_MASTER_H
#define PROCESS_MASTER_H

#include "process/reload.h"
#include "process/restore.h"

/* Serve until told to stop. Returns the exit status; errors stand on stderr, one line with the
 * remedy. config is what program_read_config gave. Not NULL, `before` is the master whose place we
 * take: then its settings count, not config, until the first reload. wish: what the operator says of a
 * database that was restored (restore.h). */
int master_run(const struct program *program, const struct config *config, enum restore_wish wish,
               const struct handover *before);

#endif
