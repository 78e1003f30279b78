#include "process/backtesters.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/backtest_errand.h"

enum {
    STOP_MS = 3000, /* to put back what it has */
    PAUSE_MIN_MS = 500,
    PAUSE_MAX_MS = 60000,
};

static void become_backtester(const struct fleet *fleet, const struct config *config,
                              const struct backtester *seat, pid_t master_pid)
{
    fleet_become_errand(fleet, config, "backtester", master_pid);
    const struct backtest_errand errand = {
        .config = config,
        .runner_id = seat->runner_id,
        .dead_id = seat->dead_id,
    };
    exit(backtest_errand_run(&errand));
}

static void pause_seat(struct backtester *seat)
{
    seat->pause_ms = seat->pause_ms == 0 ? PAUSE_MIN_MS : seat->pause_ms * 2;
    if (seat->pause_ms > PAUSE_MAX_MS)
        seat->pause_ms = PAUSE_MAX_MS;
    seat->restart_at_us = clock_mono_us() + seat->pause_ms * CLOCK_MS_US;
}

static void start(struct backtesters *backtesters, struct backtester *seat,
                  const struct config *config)
{
    pid_t master_pid = getpid();
    seat->runner_id = uuid_new();
    pid_t pid = fork();
    if (pid == 0)
        become_backtester(backtesters->fleet, config, seat, master_pid);
    if (pid < 0) {
        log_error("master", "cannot fork a backtester", LOG_CSTR("error", strerror(errno)));
        pause_seat(seat);
        return;
    }
    seat->pid = pid;
}

static void kill_all(const struct backtesters *backtesters, int signal_number)
{
    for (size_t i = 0; i < BACKTESTERS_MAX; i++) {
        if (backtesters->seat[i].pid != 0)
            (void)kill(backtesters->seat[i].pid, signal_number);
    }
}

void backtesters_tick(struct backtesters *backtesters)
{
    int64_t now_us = clock_mono_us();
    const struct generation *serving = fleet_serving(backtesters->fleet);
    if (backtesters->kill_us != 0) {
        if (now_us > backtesters->kill_us)
            kill_all(backtesters, SIGKILL);
        return;
    }
    if (serving == NULL)
        return;
    bool is_wanted = atomic_exchange(&backtesters->fleet->shared->backtests_due, 0) != 0;
    for (int64_t i = 0; i < serving->config.backtest_at_once_max; i++) {
        struct backtester *seat = &backtesters->seat[i];
        bool is_heir = !uuid_is_zero(&seat->dead_id);
        if (seat->pid == 0 && (is_wanted || is_heir) && now_us >= seat->restart_at_us)
            start(backtesters, seat, &serving->config);
    }
}

bool backtesters_reap(struct backtesters *backtesters, pid_t pid, int status)
{
    for (size_t i = 0; i < BACKTESTERS_MAX; i++) {
        struct backtester *seat = &backtesters->seat[i];
        if (seat->pid != pid)
            continue;
        seat->pid = 0;
        bool has_ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (has_ended_well) {
            seat->dead_id = (struct uuid){{0}};
            seat->pause_ms = 0;
        } else {
            seat->dead_id = seat->runner_id;
            pause_seat(seat);
            log_warn("master", "a backtester died",
                     LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
        }
        return true;
    }
    return false;
}

void backtesters_stop(struct backtesters *backtesters)
{
    if (backtesters->kill_us != 0)
        return;
    backtesters->kill_us = clock_mono_us() + STOP_MS * CLOCK_MS_US;
    kill_all(backtesters, SIGTERM);
}

void backtesters_resume(struct backtesters *backtesters)
{
    backtesters->kill_us = 0;
}

bool backtesters_are_gone(const struct backtesters *backtesters)
{
    bool is_gone = true;
    for (size_t i = 0; i < BACKTESTERS_MAX; i++)
        is_gone = is_gone && backtesters->seat[i].pid == 0;
    return is_gone;
}
