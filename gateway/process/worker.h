/*
 * worker.h - one worker: everything that serves, wired together, after the fork.
 */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include <signal.h>

#include "process/shared.h"
#include "process/snapshot.h"

/* A seat's listening sockets (fleet.h). */
struct door {
    int api_fd;
    int ops_fd;
};

struct worker_start {
    const struct config *config;
    struct snapshot *files; /* what config names; closed once loaded. NULL: the files themselves */
    struct shared *shared;
    struct health *health;
    struct volume_table *volumes;
    struct admission_shared *admission;
    unsigned slot; /* 0: foreground */
    unsigned generation;
    unsigned seat; /* 0: foreground; the worker serves door[seat] */
    unsigned seat_count;
    struct door door[SHM_SLOT_MAX]; /* of all seats: orphaned ones are served as well */
};

/*
 * What a master tells a worker that it cannot tell by the shared segment, because that is another
 * program's: part of the handover (handover.h), as SIGTERM is.
 */
#define WORKER_SIGNAL_PROBE SIGRTMIN       /* do you live? The worker's loop sends it back */
#define WORKER_SIGNAL_STOP  (SIGRTMIN + 1) /* SIGTERM, and the whole gateway stops */

/*
 * Connect, then accept on the sockets (is_ready), until SIGTERM (in the foreground SIGINT, too) or
 * WORKER_SIGNAL_STOP. Then accept no more, answer what is in hand and one more request of each open
 * connection with Connection: close, close the connections that stay idle for drain_idle_ms, and
 * return 0 when none is left, or when drain_ms are over: payments still waiting are then settled by
 * others. When the whole gateway stops, what waits in the sockets' queues is accepted before, and
 * idle connections are closed at once (the latter also when a signal comes twice). Returns
 * WORKER_CONFIG_EXIT with one logged line when certificates, secrets or rules are unusable: starting
 * again would not help.
 */
enum {
    WORKER_CONFIG_EXIT = 78,
};
int worker_run(const struct worker_start *start);

/* Load certificates, secrets and rules as a worker would, and release them: `turnpike check`. */
bool worker_check(const struct config *config, struct error *err) MUST_USE;

#endif
