#include "process/fleet_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "process/worker.h"

enum {
    START_GRACE_MS = 20000, /* a worker that is still starting is not silent */
    QUICK_DEATH_MS = 2000,
    LOOP_DEATHS = 3, /* so many quick deaths in a row are a crash loop */
    RESTART_PAUSE_MIN_MS = 100,
    RESTART_PAUSE_MAX_MS = 5000,
    RESTART_PAUSE_ALONE_MS =
        50, /* when no other serves: a worker that did, and died, is worth more */
};

struct shared_slot *fleet_slot(const struct fleet *fleet, unsigned slot)
{
    return &fleet->shared->slot[slot];
}

unsigned fleet_find_free_slot(const struct fleet *fleet)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == NULL) {
            return slot;
        }
    }
    return 0;
}

void fleet_claim_slot(struct fleet *fleet, unsigned slot)
{
    struct shared_slot *shared = fleet_slot(fleet, slot);
    shared->writer_id = uuid_new();
    atomic_store(&shared->is_ready, 0);
    atomic_store(&shared->is_retired, 0);
    atomic_store(&shared->heartbeat_us, clock_mono_us() + START_GRACE_MS * CLOCK_MS_US);
}

/* Of secrets a worker has its own generation's; they are closed when they are loaded. */
static void close_what_is_others(struct fleet *fleet, const struct generation *generation)
{
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        if (&fleet->generation[i] != generation) {
            snapshot_release(&fleet->generation[i].files);
        }
    }
}

static void close_sockets(const struct fleet *fleet)
{
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        (void)close(fleet->seat[seat].api_fd);
        (void)close(fleet->seat[seat].ops_fd);
    }
}

void fleet_become_errand(const struct fleet *fleet, const struct config *config, const char *name,
                         pid_t master_pid)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master_pid) {
        _exit(0); /* the master died before PDEATHSIG was set */
    }
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_NAME, name);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    close_sockets(fleet);
    enum log_level level = LOG_INFO;
    if (log_level_parse(str_of(config->log_level), &level)) {
        log_start(STDERR_FILENO, level);
    }
}

static void become_worker(struct fleet *fleet, struct generation *generation, unsigned slot,
                          unsigned seat, pid_t master_pid)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master_pid) {
        _exit(0); /* the master died before PDEATHSIG was set */
    }
    (void)signal(SIGHUP, SIG_IGN); /* for the master alone, even when a terminal signals all */
    (void)signal(SIGUSR2, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(WORKER_SIGNAL_PROBE, SIG_IGN); /* until our loop can answer */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    close_what_is_others(fleet, generation);
    enum log_level level = LOG_INFO;
    if (log_level_parse(str_of(generation->config.log_level), &level)) {
        log_start(STDERR_FILENO, level);
    }
    struct worker_start start = {
        .config = &generation->config,
        .files = &generation->files,
        .shared = fleet->shared,
        .health = fleet->health,
        .volumes = fleet->volumes,
        .admission = fleet->admission,
        .slot = slot,
        .generation = generation->number,
        .seat = seat,
        .seat_count = fleet->seat_count,
    };
    for (unsigned each = 1; each <= fleet->seat_count; each++) {
        start.door[each] = (struct door){fleet->seat[each].api_fd, fleet->seat[each].ops_fd};
    }
    exit(worker_run(&start));
}

static void put_off(struct seat *seat, int64_t until_us)
{
    seat->restart_at_us = until_us;
    seat->restart_alone_at_us = until_us;
}

bool fleet_start_worker(struct fleet *fleet, struct generation *generation, unsigned seat)
{
    unsigned slot = fleet_find_free_slot(fleet);
    pid_t master_pid = getpid();
    int64_t now_us = clock_mono_us();
    if (slot == 0) { /* many workers, and three generations of them: until some have left */
        put_off(&fleet->seat[seat], now_us + RESTART_PAUSE_MIN_MS * CLOCK_MS_US);
        return false;
    }
    fleet_claim_slot(fleet, slot);
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(fleet, generation, slot, seat, master_pid);
    }
    if (pid < 0) {
        log_error("master", "cannot fork a worker", LOG_CSTR("error", strerror(errno)));
        put_off(&fleet->seat[seat], now_us + RESTART_PAUSE_MAX_MS * CLOCK_MS_US);
        return false;
    }
    CRASH_AT("worker_forked");
    fleet->member[slot] =
        (struct member){.generation = generation, .seat = seat, .started_us = now_us};
    atomic_store(&fleet_slot(fleet, slot)->pid, pid);
    return true;
}

/* ---- crash loops ----------------------------------------------------------------------------- */

static void publish_crash_loops(struct fleet *fleet)
{
    unsigned count = 0;
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        count += fleet->seat[seat].quick_deaths >= LOOP_DEATHS;
    }
    atomic_store(&fleet->shared->crash_looping, count);
}

static void plan_restart(struct fleet *fleet, const struct member *dead, bool has_served)
{
    struct seat *seat = &fleet->seat[dead->seat];
    int64_t now_us = clock_mono_us();
    bool quick = now_us - dead->started_us < QUICK_DEATH_MS * CLOCK_MS_US;
    seat->quick_deaths = quick ? seat->quick_deaths + 1 : 0;
    if (seat->quick_deaths < LOOP_DEATHS) { /* whoever kills one or two does no harm to the next */
        seat->pause_ms = 0;
    } else if (seat->pause_ms == 0) {
        seat->pause_ms = RESTART_PAUSE_MIN_MS;
    } else if (seat->pause_ms < RESTART_PAUSE_MAX_MS) {
        int64_t twice_ms = seat->pause_ms * 2;
        seat->pause_ms = twice_ms < RESTART_PAUSE_MAX_MS ? twice_ms : RESTART_PAUSE_MAX_MS;
    }
    atomic_store(&fleet->shared->is_orphaned[dead->seat], 1);
    int64_t alone_ms = has_served && seat->pause_ms > 0 ? RESTART_PAUSE_ALONE_MS : seat->pause_ms;
    seat->restart_at_us = now_us + seat->pause_ms * CLOCK_MS_US;
    seat->restart_alone_at_us = now_us + alone_ms * CLOCK_MS_US;
    if (seat->quick_deaths == LOOP_DEATHS) {
        log_error("master", "workers die again and again; starting them ever more slowly",
                  LOG_INT("seat", dead->seat));
    }
    publish_crash_loops(fleet);
}

void fleet_note_long_life(struct fleet *fleet, const struct member *member, int64_t now_us)
{
    struct seat *seat = &fleet->seat[member->seat];
    if (seat->quick_deaths > 0 && member->generation->state == GENERATION_SERVING &&
        now_us - member->started_us > QUICK_DEATH_MS * CLOCK_MS_US) {
        seat->quick_deaths = 0;
        seat->pause_ms = 0;
        publish_crash_loops(fleet);
    }
}

void fleet_forget_crashes(struct fleet *fleet)
{
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        fleet->seat[seat].restart_at_us = 0;
        fleet->seat[seat].restart_alone_at_us = 0;
        fleet->seat[seat].pause_ms = 0;
        fleet->seat[seat].quick_deaths = 0;
    }
    publish_crash_loops(fleet);
}

/* ---- the end of a worker --------------------------------------------------------------------- */

static void forget_slot(struct fleet *fleet, unsigned slot)
{
    struct shared_slot *shared = fleet_slot(fleet, slot);
    atomic_store(&shared->pid, 0);
    atomic_store(&shared->is_ready, 0);
    health_forget_slot(fleet->health, slot);
    admission_forget_slot(fleet->admission, slot);
    metrics_forget_slot(slot);
    shared_return_dead(fleet->shared, slot);
    if (!shared_add_dead(fleet->shared, &shared->writer_id)) {
        log_error("master", "too many dead workers unreported; the next start will report them");
    }
    fleet->member[slot] = (struct member){.generation = NULL};
}

static void note_death(struct fleet *fleet, const struct member *dead, bool has_served, pid_t pid,
                       int status)
{
    int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool unusable = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CONFIG_EXIT;
    if (fleet->stop_us != 0 || dead->generation->state == GENERATION_DRAINING) {
        if (!clean) {
            log_warn("master", "a worker did not end cleanly", LOG_INT("worker_pid", pid),
                     LOG_INT("signal", signal_number));
        }
    } else if (dead->generation->state == GENERATION_STARTING) {
        log_error("master", "a new worker died before it was ready; the old ones go on",
                  LOG_INT("worker_pid", pid), LOG_INT("signal", signal_number));
        fleet_retire(fleet, dead->generation);
    } else if (unusable && !fleet->has_served) {
        fleet->failed = true;
    } else {
        log_warn("master", "a worker is gone; starting another", LOG_INT("seat", dead->seat),
                 LOG_INT("worker_pid", pid), LOG_INT("signal", signal_number));
        metrics_count(METRIC_WORKER_RESTARTS, 1, WIFSIGNALED(status) ? STR("signal") : STR("exit"));
        plan_restart(fleet, dead, has_served);
    }
}

bool fleet_reap(struct fleet *fleet, pid_t pid, int status)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        struct member dead = fleet->member[slot];
        if (dead.generation != NULL && atomic_load(&fleet_slot(fleet, slot)->pid) == pid) {
            CRASH_AT("worker_reaped");
            bool has_served = atomic_load(&fleet_slot(fleet, slot)->is_ready) != 0;
            forget_slot(fleet, slot);
            note_death(fleet, &dead, has_served, pid, status);
            return true;
        }
    }
    return false;
}

/* ---- without workers ------------------------------------------------------------------------- */

int fleet_run_foreground(struct fleet *fleet, const struct config *config)
{
    fleet_claim_slot(fleet, 0);
    atomic_store(&fleet_slot(fleet, 0)->pid, getpid());
    struct worker_start start = {
        .config = config,
        .shared = fleet->shared,
        .health = fleet->health,
        .volumes = fleet->volumes,
        .admission = fleet->admission,
        .generation = 1,
        .door = {{fleet->seat[0].api_fd, fleet->seat[0].ops_fd}},
    };
    return worker_run(&start);
}
