/*
 * backtesters.h - the master's children that compute backtests (backtest_errand.h): none while nothing
 * is asked for, at most backtest_at_once_max at a time.
 *
 *     NONE --a worker has seen that something is due--> RUNNING --has found nothing more--> NONE
 *      ^                                                  |
 *      +---- after a pause, with the name of the dead ----+ it died
 *
 * Workers say so in the shared segment: they take backtests in, and look now and then for what others
 * left (backtest_watch.h). The master itself never talks to the database.
 */
#ifndef PROCESS_BACKTESTERS_H
#define PROCESS_BACKTESTERS_H

#include "process/fleet.h"

enum {
    BACKTESTERS_MAX = CONFIG_BACKTESTS_MAX,
};

struct backtester {
    pid_t pid;             /* 0: none */
    struct uuid runner_id; /* of it, or of the last one */
    struct uuid dead_id;   /* zero: the last one ended well */
    int64_t restart_at_us; /* monotonic */
    int64_t pause_ms;      /* grows while they die */
};

struct backtesters {
    struct fleet *fleet; /* borrowed */
    struct backtester seat[BACKTESTERS_MAX];
    int64_t kill_us; /* 0: not stopping */
};

/* Start those that are wanted; kill those that were told to stop and do not. */
void backtesters_tick(struct backtesters *backtesters);
/* True when the child was one of them. */
bool backtesters_reap(struct backtesters *backtesters, pid_t pid, int status);
/* They put back what they have, and none is started until backtesters_resume. */
void backtesters_stop(struct backtesters *backtesters);
void backtesters_resume(struct backtesters *backtesters);
bool backtesters_are_gone(const struct backtesters *backtesters);

#endif
