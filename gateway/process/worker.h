/*
 * worker.h - one worker: everything that serves, wired together, after the fork.
 */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include "process/config.h"
#include "process/shared.h"

struct worker_start {
    const struct config *config;
    struct shared *shared;
    struct health *health;
    unsigned slot; /* 0: foreground */
    int api_fd;
    int ops_fd;
};

/*
 * Serve until SIGTERM or SIGINT, then drain and return 0. Returns WORKER_CONFIG_EXIT with one
 * logged line when certificates, secrets or rules are unusable: starting again would not help.
 */
enum {
    WORKER_CONFIG_EXIT = 78,
};
int worker_run(const struct worker_start *start);

/* Load certificates, secrets and rules as a worker would, and release them: `turnpike check`. */
bool worker_check(const struct config *config, struct error *err) MUST_USE;

#endif
