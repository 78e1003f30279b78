/*
 * sealer.h - the master's child that seals transfers (seal_errand.h), while seal_key_file is set.
 *
 *     NONE --it is wanted--> RUNNING --another configuration serves--> told to stop --> NONE
 *      ^                        |
 *      +---- after a pause -----+ it died
 */
#ifndef PROCESS_SEALER_H
#define PROCESS_SEALER_H

#include "process/fleet.h"

struct sealer {
    struct fleet *fleet;        /* borrowed */
    pid_t pid;                  /* 0: none */
    unsigned generation_number; /* whose configuration it has */
    int64_t restart_at_us;      /* monotonic */
    int64_t pause_ms;           /* grows while it dies */
    int64_t kill_us;            /* 0: it was not told to stop */
    bool is_stopping;           /* none is started */
};

/* Start it when it is wanted, kill it when it was told to stop and does not. */
void sealer_tick(struct sealer *sealer);
/* True when the child was it. */
bool sealer_reap(struct sealer *sealer, pid_t pid, int status);
/* It ends what it does, and none is started until sealer_resume. */
void sealer_stop(struct sealer *sealer);
void sealer_resume(struct sealer *sealer);
bool sealer_is_gone(const struct sealer *sealer);

#endif
