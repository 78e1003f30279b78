/*
 * errand.h - a child of the master that runs while it is wanted: the sealer (seal_errand.h), the reporter
 * (report_errand.h).
 *
 *     NONE --it is wanted--> RUNNING --another configuration serves--> told to stop --> NONE
 *      ^                        |
 *      +---- after a pause -----+ it died
 */
#ifndef PROCESS_ERRAND_H
#define PROCESS_ERRAND_H

#include "process/fleet.h"

struct errand_kind {
    const char *name; /* as ps shows it */
    bool (*is_wanted)(const struct config *config);
    int (*run)(const struct config *config); /* in the child; its exit status */
};

extern const struct errand_kind errand_sealer;
extern const struct errand_kind errand_reporter;

struct errand_seat {
    const struct errand_kind *kind; /* borrowed */
    struct fleet *fleet;            /* borrowed */
    pid_t pid;                      /* 0: none */
    unsigned generation_number;     /* whose configuration it has */
    int64_t restart_at_us;          /* monotonic */
    int64_t pause_ms;               /* grows while it dies */
    int64_t kill_us;                /* 0: it was not told to stop */
    bool is_stopping;               /* none is started */
};

/* Start it when it is wanted, kill it when it was told to stop and does not. */
void errand_tick(struct errand_seat *seat);
/* True when the child was it. */
bool errand_reap(struct errand_seat *seat, pid_t pid, int status);
/* It ends what it does, and none is started until errand_resume. */
void errand_stop(struct errand_seat *seat);
void errand_resume(struct errand_seat *seat);
bool errand_is_gone(const struct errand_seat *seat);

#endif
