#include "process/sealer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/seal_errand.h"

enum {
    STOP_MS = 3000, /* a seal, and its anchor */
    PAUSE_MIN_MS = 500,
    PAUSE_MAX_MS = 60000,
};

static void pause_seat(struct sealer *sealer)
{
    sealer->pause_ms = sealer->pause_ms == 0 ? PAUSE_MIN_MS : sealer->pause_ms * 2;
    if (sealer->pause_ms > PAUSE_MAX_MS)
        sealer->pause_ms = PAUSE_MAX_MS;
    sealer->restart_at_us = clock_mono_us() + sealer->pause_ms * CLOCK_MS_US;
}

static void start(struct sealer *sealer, const struct generation *serving)
{
    pid_t master_pid = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        fleet_become_errand(sealer->fleet, &serving->config, "sealer", master_pid);
        exit(seal_errand_run(&serving->config));
    }
    if (pid < 0) {
        log_error("master", "cannot fork the sealer", LOG_CSTR("error", strerror(errno)));
        pause_seat(sealer);
        return;
    }
    sealer->pid = pid;
    sealer->kill_us = 0;
    sealer->generation_number = serving->number;
}

static void tell_to_stop(struct sealer *sealer)
{
    if (sealer->pid == 0 || sealer->kill_us != 0)
        return;
    sealer->kill_us = clock_mono_us() + STOP_MS * CLOCK_MS_US;
    (void)kill(sealer->pid, SIGTERM);
}

void sealer_tick(struct sealer *sealer)
{
    int64_t now_us = clock_mono_us();
    const struct generation *serving = fleet_serving(sealer->fleet);
    if (sealer->pid != 0 && sealer->kill_us != 0 && now_us > sealer->kill_us)
        (void)kill(sealer->pid, SIGKILL);
    if (serving == NULL || sealer->is_stopping)
        return;
    if (sealer->pid != 0 && sealer->generation_number != serving->number)
        tell_to_stop(sealer);
    else if (sealer->pid == 0 && serving->config.seal_key_file[0] != '\0' &&
             now_us >= sealer->restart_at_us)
        start(sealer, serving);
}

bool sealer_reap(struct sealer *sealer, pid_t pid, int status)
{
    if (pid != sealer->pid || pid == 0)
        return false;
    sealer->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        sealer->pause_ms = 0;
        return true;
    }
    pause_seat(sealer);
    log_warn("master", "the sealer died",
             LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    return true;
}

void sealer_stop(struct sealer *sealer)
{
    sealer->is_stopping = true;
    tell_to_stop(sealer);
}

void sealer_resume(struct sealer *sealer)
{
    sealer->is_stopping = false;
}

bool sealer_is_gone(const struct sealer *sealer)
{
    return sealer->pid == 0;
}
