/*
 * worker.h - one worker: everything that serves, wired together, after the fork.
 */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include "process/shared.h"
#include "process/snapshot.h"

struct worker_start {
    const struct config *config;
    struct snapshot *files; /* what config names; closed once loaded. NULL: the files themselves */
    struct shared *shared;
    struct health *health;
    struct admission_shared *admission;
    unsigned slot; /* 0: foreground */
    unsigned generation;
    int api_fd;
    int ops_fd;
};

/*
 * Connect, then accept on the sockets (is_ready), until SIGTERM (in the foreground SIGINT, too). Then accept no more,
 * answer what is in hand and one more request of each open connection with Connection: close, close
 * the connections that stay idle for drain_idle_ms, and return 0 when none is left, or when drain_ms
 * are over: payments still waiting are then settled by others. Idle connections are closed at once
 * when the whole gateway stops, or when the signal comes twice. Returns WORKER_CONFIG_EXIT with one
 * logged line when certificates, secrets or rules are unusable: starting again would not help.
 */
enum {
    WORKER_CONFIG_EXIT = 78,
};
int worker_run(const struct worker_start *start);

/* Load certificates, secrets and rules as a worker would, and release them: `turnpike check`. */
bool worker_check(const struct config *config, struct error *err) MUST_USE;

#endif
