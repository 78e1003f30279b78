#include "process/errand.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/report_errand.h"
#include "process/seal_errand.h"

enum {
    STOP_MS = 3000, /* for a seal, and its anchor */
    PAUSE_MIN_MS = 500,
    PAUSE_MAX_MS = 60000,
};

static bool is_sealed(const struct config *config)
{
    return config->seal_key_file[0] != '\0';
}

static bool has_reports(const struct config *config)
{
    return config->reports_file[0] != '\0';
}

const struct errand_kind errand_sealer = {"sealer", is_sealed, seal_errand_run};
const struct errand_kind errand_reporter = {"reporter", has_reports, report_errand_run};

static void pause_seat(struct errand_seat *seat)
{
    seat->pause_ms = seat->pause_ms == 0 ? PAUSE_MIN_MS : seat->pause_ms * 2;
    if (seat->pause_ms > PAUSE_MAX_MS)
        seat->pause_ms = PAUSE_MAX_MS;
    seat->restart_at_us = clock_mono_us() + seat->pause_ms * CLOCK_MS_US;
}

static void start(struct errand_seat *seat, const struct generation *serving)
{
    pid_t master_pid = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        fleet_become_errand(seat->fleet, &serving->config, seat->kind->name, master_pid);
        exit(seat->kind->run(&serving->config));
    }
    if (pid < 0) {
        log_error("master", "cannot fork an errand", LOG_CSTR("errand", seat->kind->name),
                  LOG_CSTR("error", strerror(errno)));
        pause_seat(seat);
        return;
    }
    seat->pid = pid;
    seat->kill_us = 0;
    seat->generation_number = serving->number;
}

static void tell_to_stop(struct errand_seat *seat)
{
    if (seat->pid == 0 || seat->kill_us != 0)
        return;
    seat->kill_us = clock_mono_us() + STOP_MS * CLOCK_MS_US;
    (void)kill(seat->pid, SIGTERM);
}

void errand_tick(struct errand_seat *seat)
{
    int64_t now_us = clock_mono_us();
    const struct generation *serving = fleet_serving(seat->fleet);
    if (seat->pid != 0 && seat->kill_us != 0 && now_us > seat->kill_us)
        (void)kill(seat->pid, SIGKILL);
    if (serving == NULL || seat->is_stopping)
        return;
    if (seat->pid != 0 && seat->generation_number != serving->number)
        tell_to_stop(seat);
    else if (seat->pid == 0 && seat->kind->is_wanted(&serving->config) &&
             now_us >= seat->restart_at_us)
        start(seat, serving);
}

bool errand_reap(struct errand_seat *seat, pid_t pid, int status)
{
    if (pid != seat->pid || pid == 0)
        return false;
    seat->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        seat->pause_ms = 0;
        return true;
    }
    pause_seat(seat);
    log_warn("master", "an errand died", LOG_CSTR("errand", seat->kind->name),
             LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
    return true;
}

void errand_stop(struct errand_seat *seat)
{
    seat->is_stopping = true;
    tell_to_stop(seat);
}

void errand_resume(struct errand_seat *seat)
{
    seat->is_stopping = false;
}

bool errand_is_gone(const struct errand_seat *seat)
{
    return seat->pid == 0;
}
