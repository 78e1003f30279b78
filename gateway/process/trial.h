/*
 * trial.h - a child process that tries what the master must not do itself (parse certificates and
 * rules, run another program), and says in one line why it does not work.
 *
 *     IDLE --trial_start--> RUNNING --the child ended well------------> PASSED
 *       ^                      |                                          |
 *       |                      +--it said why not, died, or took too long-+--> FAILED
 *       +--------------------------trial_end------------------------------+------+
 */
#ifndef PROCESS_TRIAL_H
#define PROCESS_TRIAL_H

#include <sys/types.h>

#include "base/error.h"

enum trial_state {
    TRIAL_IDLE = 0,
    TRIAL_RUNNING,
    TRIAL_PASSED,
    TRIAL_FAILED,
};

struct trial {
    enum trial_state state;
    pid_t pid;
    int fd;           /* owned; what the child says */
    int64_t until_us; /* monotonic */
    int64_t limit_ms;
    struct error why; /* FAILED */
};

/* In the child: returns its exit status; the last line it writes to stdout or stderr is the why. */
typedef int (*trial_fn)(void *ctx);

/* Only when IDLE. When nothing can be started the trial has FAILED. */
void trial_start(struct trial *trial, trial_fn fn, void *ctx, int64_t limit_ms);
/* A child was reaped: true when it was this trial's. */
bool trial_reap(struct trial *trial, pid_t pid, int status);
/* Kill it when it takes too long; its end is told by trial_reap. */
void trial_tick(struct trial *trial, int64_t now_us);
/* Wait for the end of it, when there is nothing else to do. */
void trial_wait(struct trial *trial);
void trial_end(struct trial *trial); /* IDLE again; a running one is killed */

#endif
