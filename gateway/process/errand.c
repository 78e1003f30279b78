#include "process/errand.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/export_errand.h"
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

static bool has_exports(const struct config *config)
{
    return config->exports_folder[0] != '\0';
}

static const struct errand_kind kinds[ERRAND_COUNT] = {
    {"sealer", is_sealed, seal_errand_run},
    {"reporter", has_reports, report_errand_run},
    {"exporter", has_exports, export_errand_run},
};

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

static void tick(struct errand_seat *seat)
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

static bool reap(struct errand_seat *seat, pid_t pid, int status)
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

void errands_init(struct errands *errands, struct fleet *fleet)
{
    for (size_t i = 0; i < ERRAND_COUNT; i++)
        errands->seats[i] = (struct errand_seat){.kind = &kinds[i], .fleet = fleet};
}

void errands_tick(struct errands *errands)
{
    for (size_t i = 0; i < ERRAND_COUNT; i++)
        tick(&errands->seats[i]);
}

bool errands_reap(struct errands *errands, pid_t pid, int status)
{
    for (size_t i = 0; i < ERRAND_COUNT; i++) {
        if (reap(&errands->seats[i], pid, status))
            return true;
    }
    return false;
}

void errands_stop(struct errands *errands)
{
    for (size_t i = 0; i < ERRAND_COUNT; i++) {
        errands->seats[i].is_stopping = true;
        tell_to_stop(&errands->seats[i]);
    }
}

void errands_resume(struct errands *errands)
{
    for (size_t i = 0; i < ERRAND_COUNT; i++)
        errands->seats[i].is_stopping = false;
}

bool errands_are_all_gone(const struct errands *errands)
{
    for (size_t i = 0; i < ERRAND_COUNT; i++) {
        if (errands->seats[i].pid != 0)
            return false;
    }
    return true;
}
