#include "process/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/backtesters.h"
#include "process/command.h"
#include "process/errand.h"
#include "process/lock.h"
#include "process/upgrade.h"
#include "process/worker.h"

enum {
    TICK_NS = 50000000,
    BUSY_TICK_NS = 2000000, /* while new workers get ready */
    PORT_TRIES = 20,        /* one second */
    CHECK_LIMIT_MS = 60000,
    NAMES_BYTES_MAX = 4096,
};

struct master {
    struct fleet fleet;
    struct reload reload;
    struct upgrade upgrade;
    struct backtesters backtesters;
    struct errands errands;
    struct restore restore;
    int lock_fd;
};

/*
 * Our own sockets share the port by SO_REUSEPORT, so a foreign owner shows only without it. A
 * process that is dying gives up our lock a moment before its sockets.
 */
static bool port_is_free(const char *address, int port, const char *setting, struct error *err)
{
    for (int tries = 0; !http_port_probe(address, port, err); tries++) {
        if (err->code != ERROR_CONFLICT) {
            return false;
        }
        if (tries == PORT_TRIES) {
            return fail(err, ERROR_CONFLICT,
                        "port %d is taken by another program; stop it or set %s to a free one",
                        port, setting);
        }
        (void)nanosleep(&(struct timespec){0, TICK_NS}, NULL);
    }
    return true;
}

static bool bind_sockets(struct master *m, const struct config *config, struct error *err)
{
    return port_is_free(config->api_address, (int)config->api_port, "api_port (make run PORT=...)",
                        err) &&
           port_is_free(config->ops_address, (int)config->ops_port,
                        "ops_port (make run OPS_PORT=...)", err) &&
           fleet_bind(&m->fleet, config, err);
}

/* ---- two ways to begin ----------------------------------------------------------------------- */

static int check_files(void *ctx)
{
    struct error err;
    return worker_check(ctx, &err) ? 0 : command_fail(&err);
}

/* OpenSSL and the rule parser must not run in the master: a child tries the files. */
static bool check_in_child(const struct config *config, struct error *err)
{
    struct trial trial = {.fd = -1};
    struct config copy = *config;
    trial_start(&trial, check_files, &copy, CHECK_LIMIT_MS);
    trial_wait(&trial);
    bool ok = trial.state == TRIAL_PASSED;
    *err = trial.why;
    trial_end(&trial);
    return ok;
}

/* The first generation, with a snapshot of what was checked. */
static struct generation *prepare_first(struct master *m, const struct config *config,
                                        struct error *err)
{
    struct generation *first = fleet_next(&m->fleet);
    CHECK(first != NULL);
    first->config = *config;
    bool ok = snapshot_take(&first->files, &first->config, err);
    config_finish(&first->config);
    return ok ? first : NULL;
}

static bool begin_anew(struct master *m, const struct config *config, int *status,
                       struct error *err)
{
    struct uuid instance_id;
    struct uuid boot_id = uuid_new();
    if (!lock_take(config->state_folder, &m->lock_fd, &instance_id, err)) {
        return false;
    }
    if (!check_in_child(config, err)) {
        *status = WORKER_CONFIG_EXIT;
        return false;
    }
    if (!fleet_open(&m->fleet, config, &boot_id, &instance_id, err) ||
        !bind_sockets(m, config, err)) {
        return false;
    }
    log_info("master", "starting", LOG_INT("workers", m->fleet.seat_count),
             LOG_INT("api_port", config->api_port), LOG_INT("ops_port", config->ops_port));
    m->restore.config = config;
    restore_start(&m->restore);
    if (m->fleet.seat_count == 0) {
        return true;
    }
    struct generation *first = prepare_first(m, config, err);
    if (first != NULL) {
        fleet_start(&m->fleet, first);
    }
    return first != NULL;
}

/*
 * What of the configuration on the disk follows at an upgrade at once: what workers cannot change
 * by themselves. When it cannot be read the reload says so; until then nothing follows.
 */
static void follow(const struct program *program, struct config *kept, unsigned seat_count)
{
    static struct config named;
    struct error ignored;
    struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    if (program_read_config(program, &named, &ignored)) {
        config_keep(&named, kept, CONFIG_UPGRADE, &names);
        config_keep(kept, &named, CONFIG_RELOAD, &names);
    }
    buf_release(&names);
    if (config_worker_count(kept) != seat_count) {
        kept->workers = seat_count; /* other cores than then */
    }
    config_finish(kept);
}

/*
 * We are the program after: the workers of the one before serve, under its settings and files, until
 * ours are ready. Nothing on the disk can fail us here; the reload that follows judges it.
 */
static bool take_over(struct master *m, const struct handover *handover, struct error *err)
{
    struct config kept = handover->kept;
    follow(m->reload.program, &kept, handover->seat_count);
    m->lock_fd = handover->lock_fd;
    CHECK(fcntl(m->lock_fd, F_SETFD, FD_CLOEXEC) == 0);
    if (!fleet_open(&m->fleet, &kept, &handover->boot_id, &handover->instance_id, err)) {
        return false;
    }
    struct generation *first = fleet_next(&m->fleet);
    CHECK(first != NULL);
    first->config = kept;
    snapshot_adopt(&first->files, handover->file, &first->config);
    snapshot_let_go(&first->files, false);
    config_finish(&first->config);
    fleet_adopt(&m->fleet, handover, first);
    log_info("master", "took over", LOG_CSTR("version", TURNPIKE_VERSION),
             LOG_INT("workers", (int64_t)handover->member_count));
    m->reload.kind = "upgrade";
    reload_ask(&m->reload);
    return true;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void stop(struct master *m)
{
    reload_cancel(&m->reload);
    upgrade_cancel(&m->upgrade);
    backtesters_stop(&m->backtesters);
    errands_stop(&m->errands);
    fleet_stop(&m->fleet);
}

static void reap(struct master *m)
{
    int status = 0;
    pid_t pid;
    bool refused;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (restore_reap(&m->restore, pid, status, &refused)) {
            m->fleet.failed = m->fleet.failed || refused;
        } else if (!fleet_reap(&m->fleet, pid, status) && !reload_reap(&m->reload, pid, status) &&
                   !backtesters_reap(&m->backtesters, pid, status) &&
                   !errands_reap(&m->errands, pid, status)) {
            (void)upgrade_reap(&m->upgrade, pid, status);
        }
    }
}

static void obey(struct master *m, int signal_number)
{
    bool is_stopping = m->fleet.stop_us != 0;
    if (signal_number == SIGTERM || signal_number == SIGINT) {
        stop(m);
    } else if (signal_number == SIGHUP && !is_stopping) {
        reload_ask(&m->reload);
    } else if (signal_number == SIGUSR2 && !is_stopping) {
        upgrade_ask(&m->upgrade);
    }
}

/* Workers that we cannot see say that they live. */
static void hear(struct master *m)
{
    static const struct timespec no_wait = {0, 0};
    sigset_t answers;
    siginfo_t info;
    sigemptyset(&answers);
    sigaddset(&answers, WORKER_SIGNAL_PROBE);
    while (sigtimedwait(&answers, &info, &no_wait) > 0) {
        fleet_hear(&m->fleet, info.si_pid);
    }
}

static bool errands_are_gone(const struct master *m)
{
    return backtesters_are_gone(&m->backtesters) && errands_are_all_gone(&m->errands);
}

/* The next program knows workers, but no errands: they leave before it comes. */
static void tick_changes(struct master *m)
{
    bool may_begin = m->reload.state == RELOAD_IDLE;
    if (upgrade_is_busy(&m->upgrade)) {
        backtesters_stop(&m->backtesters);
        errands_stop(&m->errands);
    } else {
        backtesters_resume(&m->backtesters);
        errands_resume(&m->errands);
    }
    /* The next program believes that the ledger is complete. */
    bool is_open = atomic_load(&m->fleet.shared->restore_state) == RESTORE_OPEN;
    upgrade_tick(&m->upgrade, may_begin && is_open && errands_are_gone(m));
    if (!upgrade_is_busy(&m->upgrade) || !may_begin) {
        reload_tick(&m->reload);
    }
}

static bool is_over(const struct master *m)
{
    return m->fleet.stop_us != 0 && fleet_is_empty(&m->fleet) && errands_are_gone(m);
}

static int run_workers(struct master *m, const sigset_t *signals)
{
    while (!is_over(m)) {
        hear(m);
        fleet_tick(&m->fleet);
        if (m->fleet.stop_us == 0) {
            tick_changes(m);
        }
        backtesters_tick(&m->backtesters);
        errands_tick(&m->errands);
        if (m->fleet.stop_us == 0) {
            restore_tick(&m->restore);
        }
        bool is_busy = reload_is_busy(&m->reload) || upgrade_is_busy(&m->upgrade);
        struct timespec wait = {0, is_busy ? BUSY_TICK_NS : TICK_NS};
        obey(m, sigtimedwait(signals, NULL, &wait));
        reap(m);
        if (m->fleet.failed && m->fleet.stop_us == 0) {
            stop(m);
        }
    }
    log_info("master", "stopped");
    return m->fleet.failed ? WORKER_CONFIG_EXIT : 0;
}

int master_run(const struct program *program, const struct config *config, enum restore_wish wish,
               const struct handover *before)
{
    static struct master m = {.lock_fd = -1};
    struct error err;
    sigset_t signals;
    int status = 1;
    /* Until the loop waits for them: neither lost nor deadly, the less so while we take over. */
    sigemptyset(&signals);
    sigaddset(&signals, WORKER_SIGNAL_PROBE);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR2);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    m.reload = (struct reload){.program = program, .fleet = &m.fleet, .kind = "reload"};
    m.backtesters.fleet = &m.fleet;
    errands_init(&m.errands, &m.fleet);
    m.restore = (struct restore){.fleet = &m.fleet, .wish = wish};
    m.upgrade = (struct upgrade){.program = program, .fleet = &m.fleet, .image = {.fd = -1}};
    if (!(before != NULL ? take_over(&m, before, &err) : begin_anew(&m, config, &status, &err))) {
        (void)command_fail(&err);
        return status;
    }
    if (m.fleet.seat_count == 0) {
        return restore_wait(&m.restore) ? fleet_run_foreground(&m.fleet, config)
                                        : WORKER_CONFIG_EXIT;
    }
    m.upgrade.lock_fd = m.lock_fd;
    sigdelset(&signals, WORKER_SIGNAL_PROBE); /* stays blocked: hear() looks */
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    return run_workers(&m, &signals);
}
