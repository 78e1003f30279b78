/*
 * errand.h - a child of the master that runs while it is wanted: the sealer (seal_errand.h), the reporter
 * (report_errand.h), the exporter (export_errand.h).
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

enum {
    ERRAND_COUNT = 3,
};

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

struct errands { /* one of each kind */
    struct errand_seat seats[ERRAND_COUNT];
};

void errands_init(struct errands *errands, struct fleet *fleet);
/* Start those that are wanted, kill those that were told to stop and do not. */
void errands_tick(struct errands *errands);
/* True when the child was one of them. */
bool errands_reap(struct errands *errands, pid_t pid, int status);
/* They end what they do, and none is started until errands_resume. */
void errands_stop(struct errands *errands);
void errands_resume(struct errands *errands);
bool errands_are_all_gone(const struct errands *errands);

#endif
