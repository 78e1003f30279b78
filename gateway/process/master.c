#include "process/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "process/worker.h"

enum {
    SHM_BYTES = 64 << 20,
    TICK_NS = 50000000,
    START_GRACE_MS = 20000, /* a worker that is still starting is not silent */
    QUICK_DEATH_MS = 2000,
    RESTART_PAUSE_MAX_MS = 5000,
    KILL_AFTER_DRAIN_MS = 2000,
    PORT_TRIES = 20, /* one second */
};

struct slot_watch {
    int api_fd;
    int ops_fd;
    int64_t started_us;
    int64_t restart_at_us; /* 0: now */
    int64_t pause_ms;      /* grows while the worker dies at once */
};

struct master {
    const struct config *config;
    struct shm shm;
    struct shared *shared;
    struct health *health;
    int lock_fd;
    unsigned worker_count;
    struct slot_watch watch[SHM_SLOT_MAX]; /* by slot; slot 0 serves the foreground */
    int64_t drain_until_us;                /* 0: not draining */
    bool failed;
};

static int complain(const struct error *err)
{
    (void)fprintf(stderr, "turnpike: %s\n", err->text);
    return 1;
}

/* ---- lock and instance ----------------------------------------------------------------------- */

static bool read_or_make_instance(const char *folder, struct uuid *id, struct error *err)
{
    char path[CONFIG_TEXT_MAX + 32];
    char text[UUID_TEXT_SIZE + 1] = "";
    (void)snprintf(path, sizeof(path), "%s/instance", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, text, UUID_TEXT_SIZE - 1);
        (void)close(fd);
        if (got == UUID_TEXT_SIZE - 1 && uuid_parse((struct str){text, (size_t)got}, id, err)) {
            return true;
        }
    }
    /* Absent, or torn by a full disk: nothing of an earlier run runs (we hold the lock), so a new
     * id only delays the takeover of its attempts until its heartbeat is old. */
    *id = uuid_new();
    struct str made = uuid_format(id, text);
    char temporary[CONFIG_TEXT_MAX + 40];
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, made.at, made.len) == (ssize_t)made.len && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return (ok && rename(temporary, path) == 0) ||
           fail(err, ERROR_IO, "cannot write %s: %s; free some space or fix the folder's rights",
                path, strerror(errno));
}

bool master_lock(const char *state_folder, int *lock_fd, struct uuid *instance_id,
                 struct error *err)
{
    char path[CONFIG_TEXT_MAX + 32];
    if (mkdir(state_folder, 0700) != 0 && errno != EEXIST) {
        return fail(err, ERROR_IO, "state_folder: cannot make %s: %s", state_folder,
                    strerror(errno));
    }
    (void)snprintf(path, sizeof(path), "%s/lock", state_folder);
    *lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock_fd < 0) {
        return fail(err, ERROR_IO, "state_folder: cannot open %s: %s", path, strerror(errno));
    }
    /* Workers of a master that was just killed need a moment to die. */
    for (int tries = 0; flock(*lock_fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == 40) {
            (void)close(*lock_fd);
            *lock_fd = -1;
            return fail(err, ERROR_CONFLICT,
                        "another gateway runs on state_folder %s; stop it first, or give this one "
                        "its own",
                        state_folder);
        }
        (void)nanosleep(&(struct timespec){0, TICK_NS}, NULL);
    }
    return read_or_make_instance(state_folder, instance_id, err);
}

/* ---- sockets --------------------------------------------------------------------------------- */

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

static bool bind_sockets(struct master *m, struct error *err)
{
    const struct config *config = m->config;
    if (!port_is_free(config->api_address, (int)config->api_port, "api_port (make run PORT=...)",
                      err) ||
        !port_is_free(config->ops_address, (int)config->ops_port,
                      "ops_port (make run OPS_PORT=...)", err)) {
        return false;
    }
    unsigned first = m->worker_count == 0 ? 0 : 1;
    for (unsigned slot = first; slot <= m->worker_count; slot++) {
        if (!http_listen(config->api_address, (int)config->api_port, &m->watch[slot].api_fd, err) ||
            !http_listen(config->ops_address, (int)config->ops_port, &m->watch[slot].ops_fd, err)) {
            return false;
        }
    }
    return true;
}

/* ---- workers --------------------------------------------------------------------------------- */

static void claim_slot(struct master *m, unsigned slot)
{
    struct shared_slot *shared = &m->shared->slot[slot];
    shared->writer_id = uuid_new();
    atomic_store(&shared->is_ready, 0);
    atomic_store(&shared->heartbeat_us, clock_mono_us() + START_GRACE_MS * CLOCK_MS_US);
}

static struct worker_start worker_of(const struct master *m, unsigned slot)
{
    return (struct worker_start){
        .config = m->config,
        .shared = m->shared,
        .health = m->health,
        .slot = slot,
        .api_fd = m->watch[slot].api_fd,
        .ops_fd = m->watch[slot].ops_fd,
    };
}

static void become_worker(struct master *m, unsigned slot, pid_t master_pid)
{
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master_pid) {
        _exit(0); /* the master died before PDEATHSIG was set */
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (unsigned other = 1; other <= m->worker_count; other++) {
        if (other != slot) {
            (void)close(m->watch[other].api_fd);
            (void)close(m->watch[other].ops_fd);
        }
    }
    struct worker_start start = worker_of(m, slot);
    exit(worker_run(&start));
}

static void start_worker(struct master *m, unsigned slot)
{
    pid_t master_pid = getpid();
    claim_slot(m, slot);
    m->watch[slot].started_us = clock_mono_us();
    m->watch[slot].restart_at_us = 0;
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(m, slot, master_pid);
    }
    if (pid < 0) {
        log_error("master", "cannot fork a worker", LOG_CSTR("error", strerror(errno)));
        m->watch[slot].restart_at_us = clock_mono_us() + RESTART_PAUSE_MAX_MS * CLOCK_MS_US;
        return;
    }
    atomic_store(&m->shared->slot[slot].pid, pid);
}

static unsigned slot_of(const struct master *m, pid_t pid)
{
    for (unsigned slot = 1; slot <= m->worker_count; slot++) {
        if (atomic_load(&m->shared->slot[slot].pid) == pid) {
            return slot;
        }
    }
    return 0;
}

static void plan_restart(struct master *m, unsigned slot)
{
    struct slot_watch *watch = &m->watch[slot];
    int64_t now = clock_mono_us();
    bool quick = now - watch->started_us < QUICK_DEATH_MS * CLOCK_MS_US;
    watch->pause_ms = !quick ? 0 : watch->pause_ms == 0 ? 100 : watch->pause_ms * 2;
    if (watch->pause_ms > RESTART_PAUSE_MAX_MS) {
        watch->pause_ms = RESTART_PAUSE_MAX_MS;
    }
    watch->restart_at_us = now + watch->pause_ms * CLOCK_MS_US;
}

static void reap(struct master *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned slot = slot_of(m, pid);
        if (slot == 0) {
            continue;
        }
        struct shared_slot *shared = &m->shared->slot[slot];
        atomic_store(&shared->pid, 0);
        atomic_store(&shared->is_ready, 0);
        health_forget_slot(m->health, slot);
        metrics_forget_slot(slot);
        shared_return_dead(m->shared, slot);
        if (!shared_add_dead(m->shared, &shared->writer_id)) {
            log_error("master",
                      "too many dead workers unreported; the next start will report them");
        }
        bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CONFIG_EXIT) {
            m->failed = true;
        }
        if (m->drain_until_us == 0 && !m->failed) {
            log_warn("master", "a worker is gone; starting another", LOG_INT("slot", slot),
                     LOG_INT("pid", pid),
                     LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0));
            metrics_count(METRIC_WORKER_RESTARTS, 1,
                          WIFSIGNALED(status) ? STR("signal") : STR("exit"));
        } else if (!clean) {
            log_warn("master", "a worker did not end cleanly", LOG_INT("slot", slot));
        }
        plan_restart(m, slot);
    }
}

static void watch_workers(struct master *m)
{
    int64_t now = clock_mono_us();
    for (unsigned slot = 1; slot <= m->worker_count; slot++) {
        struct shared_slot *shared = &m->shared->slot[slot];
        pid_t pid = atomic_load(&shared->pid);
        if (pid == 0) {
            if (m->drain_until_us == 0 && now >= m->watch[slot].restart_at_us) {
                start_worker(m, slot);
            }
            continue;
        }
        int64_t silent_us = now - atomic_load(&shared->heartbeat_us);
        if (silent_us > m->config->heartbeat_late_ms * CLOCK_MS_US) {
            log_error("master", "a worker is silent; killing it", LOG_INT("slot", slot),
                      LOG_INT("pid", pid), LOG_INT("silent_ms", silent_us / CLOCK_MS_US));
            atomic_store(&shared->heartbeat_us, now); /* once is enough */
            (void)kill(pid, SIGKILL);
        }
    }
}

static bool any_worker_runs(const struct master *m)
{
    for (unsigned slot = 1; slot <= m->worker_count; slot++) {
        if (atomic_load(&m->shared->slot[slot].pid) != 0) {
            return true;
        }
    }
    return false;
}

static void signal_workers(const struct master *m, int signal_number)
{
    for (unsigned slot = 1; slot <= m->worker_count; slot++) {
        pid_t pid = atomic_load(&m->shared->slot[slot].pid);
        if (pid != 0) {
            (void)kill(pid, signal_number);
        }
    }
}

static void start_draining(struct master *m)
{
    if (m->drain_until_us != 0) {
        signal_workers(m, SIGKILL); /* asked twice */
        return;
    }
    log_info("master", "draining", LOG_INT("workers", m->worker_count));
    atomic_store(&m->shared->is_draining, 1);
    m->drain_until_us = clock_mono_us() + (m->config->drain_ms + KILL_AFTER_DRAIN_MS) * CLOCK_MS_US;
    signal_workers(m, SIGTERM);
}

/* ---- start and loop -------------------------------------------------------------------------- */

/* OpenSSL and the rule parser must not run in the master: a child tries the files. */
static bool check_in_child(const struct config *config)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct error err;
        bool ok = worker_check(config, &err);
        _exit(ok ? 0 : complain(&err));
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool open_shared(struct master *m, struct error *err)
{
    if (!shm_open_segment(&m->shm, SHM_BYTES, err)) {
        return false;
    }
    m->shared = shm_carve(&m->shm, sizeof(*m->shared));
    metrics_open(&m->shm);
    m->health = health_open(&m->shm, &m->config->health);
    m->shared->boot_id = uuid_new();
    metrics_set(metrics_find(METRIC_BUILD_INFO,
                             &(struct str){TURNPIKE_VERSION, sizeof(TURNPIKE_VERSION) - 1}, 1),
                1);
    return true;
}

static int run_foreground(struct master *m)
{
    claim_slot(m, 0);
    atomic_store(&m->shared->slot[0].pid, getpid());
    struct worker_start start = worker_of(m, 0);
    return worker_run(&start);
}

static int run_workers(struct master *m)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    while (m->drain_until_us == 0 || any_worker_runs(m)) {
        watch_workers(m);
        int got = sigtimedwait(&signals, NULL, &(struct timespec){0, TICK_NS});
        if (got == SIGTERM || got == SIGINT) {
            start_draining(m);
        } else if (got == SIGHUP) {
            log_warn("master", "SIGHUP is not acted upon; restart to load a new configuration");
        }
        reap(m);
        if (m->failed && m->drain_until_us == 0) {
            start_draining(m);
        }
        if (m->drain_until_us != 0 && clock_mono_us() > m->drain_until_us) {
            signal_workers(m, SIGKILL);
        }
    }
    log_info("master", "stopped");
    return m->failed ? WORKER_CONFIG_EXIT : 0;
}

int master_run(const struct config *config)
{
    struct master m = {.config = config, .lock_fd = -1};
    struct error err;
    struct uuid instance_id;
    m.worker_count = config_worker_count(config);
    CHECK(m.worker_count < SHM_SLOT_MAX);
    if (!master_lock(config->state_folder, &m.lock_fd, &instance_id, &err)) {
        return complain(&err);
    }
    if (!check_in_child(config)) {
        return WORKER_CONFIG_EXIT;
    }
    if (!open_shared(&m, &err) || !bind_sockets(&m, &err)) {
        return complain(&err);
    }
    m.shared->instance_id = instance_id;
    log_info("master", "starting", LOG_INT("workers", m.worker_count),
             LOG_INT("api_port", config->api_port), LOG_INT("ops_port", config->ops_port));
    return m.worker_count == 0 ? run_foreground(&m) : run_workers(&m);
}
