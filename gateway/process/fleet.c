#include "process/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/worker.h"

enum {
    SHM_BYTES = 64 << 20,
    START_GRACE_MS = 20000, /* a worker that is still starting is not silent */
    QUICK_DEATH_MS = 2000,
    LOOP_DEATHS = 3, /* so many quick deaths in a row are a crash loop */
    RESTART_PAUSE_MIN_MS = 100,
    RESTART_PAUSE_MAX_MS = 5000,
    KILL_AFTER_DRAIN_MS = 2000,
};

/* ---- opening --------------------------------------------------------------------------------- */

bool fleet_open(struct fleet *fleet, const struct config *config, const struct uuid *boot_id,
                const struct uuid *instance_id, struct error *err)
{
    static const struct str words[] = {
        [GENERATION_STARTING] = STR_INIT("starting"),
        [GENERATION_SERVING] = STR_INIT("serving"),
        [GENERATION_DRAINING] = STR_INIT("draining"),
    };
    fleet->seat_count = config_worker_count(config);
    CHECK(fleet->seat_count < SHM_SLOT_MAX / 2);
    if (!shm_open_segment(&fleet->shm, SHM_BYTES, err)) {
        return false;
    }
    fleet->shared = shm_carve(&fleet->shm, sizeof(*fleet->shared));
    metrics_open(&fleet->shm);
    fleet->health = health_open(&fleet->shm, &config->health);
    fleet->shared->boot_id = *boot_id;
    fleet->shared->instance_id = *instance_id;
    atomic_store(&fleet->shared->worker_count, fleet->seat_count);
    metrics_set(metrics_find(METRIC_BUILD_INFO, &STR(TURNPIKE_VERSION), 1), 1);
    fleet->number = metrics_find(METRIC_GENERATION, NULL, 0);
    for (int state = GENERATION_STARTING; state <= GENERATION_DRAINING; state++) {
        fleet->count[state] = metrics_find(METRIC_WORKERS, &words[state], 1);
    }
    return true;
}

bool fleet_bind(struct fleet *fleet, const struct config *config, struct error *err)
{
    unsigned first = fleet->seat_count == 0 ? 0 : 1;
    for (unsigned i = first; i <= fleet->seat_count; i++) {
        struct seat *seat = &fleet->seat[i];
        if (!http_listen(config->api_address, (int)config->api_port, &seat->api_fd, err) ||
            !http_listen(config->ops_address, (int)config->ops_port, &seat->ops_fd, err)) {
            return false;
        }
    }
    return true;
}

static struct shared_slot *slot_of(const struct fleet *fleet, unsigned slot)
{
    return &fleet->shared->slot[slot];
}

static unsigned find_free_slot(const struct fleet *fleet)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == NULL) {
            return slot;
        }
    }
    return 0;
}

static unsigned count_free_slots(const struct fleet *fleet)
{
    unsigned count = 0;
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        count += fleet->member[slot].generation == NULL;
    }
    return count;
}

static unsigned count_members(const struct fleet *fleet, const struct generation *generation)
{
    unsigned count = 0;
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        count += fleet->member[slot].generation == generation;
    }
    return count;
}

static unsigned count_generations(const struct fleet *fleet, enum generation_state state)
{
    unsigned count = 0;
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        count += fleet->generation[i].state == state;
    }
    return count;
}

/* ---- generations ----------------------------------------------------------------------------- */

/* The one function that moves a generation. */
static void enter(struct fleet *fleet, struct generation *generation, enum generation_state state,
                  int64_t until_us)
{
    generation->state = state;
    generation->until_us = until_us;
    if (state == GENERATION_SERVING) {
        atomic_store(&fleet->shared->generation, generation->number);
        metrics_set(fleet->number, generation->number);
    } else if (state == GENERATION_NONE) {
        snapshot_release(&generation->files);
    }
}

struct generation *fleet_serving(struct fleet *fleet)
{
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        if (fleet->generation[i].state == GENERATION_SERVING) {
            return &fleet->generation[i];
        }
    }
    return NULL;
}

bool fleet_is_starting(const struct fleet *fleet)
{
    return count_generations(fleet, GENERATION_STARTING) > 0;
}

static void signal_members(const struct fleet *fleet, const struct generation *generation,
                           int signal_number)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == generation) {
            (void)kill(atomic_load(&slot_of(fleet, slot)->pid), signal_number);
        }
    }
}

/* Those that never served have nothing to finish. */
static void retire(struct fleet *fleet, struct generation *generation)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == generation) {
            struct shared_slot *shared = slot_of(fleet, slot);
            bool has_served = atomic_load(&shared->is_ready) != 0;
            atomic_store(&shared->is_retired, 1);
            (void)kill(atomic_load(&shared->pid), has_served ? SIGTERM : SIGKILL);
        }
    }
    int64_t limit_ms = generation->config.drain_ms + KILL_AFTER_DRAIN_MS;
    enter(fleet, generation, GENERATION_DRAINING, clock_mono_us() + limit_ms * CLOCK_MS_US);
}

struct generation *fleet_next(struct fleet *fleet)
{
    struct generation *free_one = NULL;
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        struct generation *generation = &fleet->generation[i];
        if (generation->state == GENERATION_NONE) {
            free_one = generation;
        }
    }
    if (count_generations(fleet, GENERATION_DRAINING) < FLEET_DRAINING_MAX &&
        count_free_slots(fleet) > fleet->seat_count && free_one != NULL) {
        memset(free_one, 0, sizeof(*free_one));
        free_one->number = ++fleet->last_number;
        return free_one;
    }
    return NULL;
}

void fleet_abandon(struct generation *generation)
{
    CHECK(generation->state == GENERATION_NONE);
    snapshot_release(&generation->files);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void claim_slot(struct fleet *fleet, unsigned slot)
{
    struct shared_slot *shared = slot_of(fleet, slot);
    shared->writer_id = uuid_new();
    atomic_store(&shared->is_ready, 0);
    atomic_store(&shared->is_retired, 0);
    atomic_store(&shared->heartbeat_us, clock_mono_us() + START_GRACE_MS * CLOCK_MS_US);
}

/* Of sockets its own, of secrets its own generation's; they are closed when they are loaded. */
static void close_what_is_others(struct fleet *fleet, const struct generation *generation,
                                 unsigned seat)
{
    for (unsigned other = 1; other <= fleet->seat_count; other++) {
        if (other != seat) {
            (void)close(fleet->seat[other].api_fd);
            (void)close(fleet->seat[other].ops_fd);
        }
    }
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        if (&fleet->generation[i] != generation) {
            snapshot_release(&fleet->generation[i].files);
        }
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
    (void)signal(SIGHUP, SIG_IGN); /* for the master alone, even when all are signalled */
    (void)signal(SIGUSR2, SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    close_what_is_others(fleet, generation, seat);
    enum log_level level = LOG_INFO;
    if (log_level_parse(str_of(generation->config.log_level), &level)) {
        log_start(STDERR_FILENO, level);
    }
    struct worker_start start = {
        .config = &generation->config,
        .files = &generation->files,
        .shared = fleet->shared,
        .health = fleet->health,
        .slot = slot,
        .generation = generation->number,
        .api_fd = fleet->seat[seat].api_fd,
        .ops_fd = fleet->seat[seat].ops_fd,
    };
    exit(worker_run(&start));
}

static bool start_worker(struct fleet *fleet, struct generation *generation, unsigned seat)
{
    unsigned slot = find_free_slot(fleet);
    pid_t master_pid = getpid();
    int64_t now_us = clock_mono_us();
    CHECK(slot != 0);
    claim_slot(fleet, slot);
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(fleet, generation, slot, seat, master_pid);
    }
    if (pid < 0) {
        log_error("master", "cannot fork a worker", LOG_CSTR("error", strerror(errno)));
        fleet->seat[seat].restart_at_us = now_us + RESTART_PAUSE_MAX_MS * CLOCK_MS_US;
        return false;
    }
    fleet->member[slot] =
        (struct member){.generation = generation, .seat = seat, .started_us = now_us};
    atomic_store(&slot_of(fleet, slot)->pid, pid);
    return true;
}

void fleet_start(struct fleet *fleet, struct generation *generation)
{
    CHECK(generation->state == GENERATION_NONE);
    if (fleet_serving(fleet) == NULL) {
        enter(fleet, generation, GENERATION_SERVING, 0); /* the tick fills its seats */
        return;
    }
    enter(fleet, generation, GENERATION_STARTING, clock_mono_us() + START_GRACE_MS * CLOCK_MS_US);
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        if (!start_worker(fleet, generation, seat)) {
            retire(fleet, generation);
            return;
        }
    }
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

static void plan_restart(struct fleet *fleet, const struct member *dead)
{
    struct seat *seat = &fleet->seat[dead->seat];
    int64_t now_us = clock_mono_us();
    bool quick = now_us - dead->started_us < QUICK_DEATH_MS * CLOCK_MS_US;
    seat->quick_deaths = quick ? seat->quick_deaths + 1 : 0;
    seat->pause_ms = !quick ? 0 : seat->pause_ms == 0 ? RESTART_PAUSE_MIN_MS : seat->pause_ms * 2;
    if (seat->pause_ms > RESTART_PAUSE_MAX_MS) {
        seat->pause_ms = RESTART_PAUSE_MAX_MS;
    }
    seat->restart_at_us = now_us + seat->pause_ms * CLOCK_MS_US;
    if (seat->quick_deaths == LOOP_DEATHS) {
        log_error("master", "workers die again and again; starting them ever more slowly",
                  LOG_INT("seat", dead->seat));
    }
    publish_crash_loops(fleet);
}

/* Whoever has lived for a while ends the loop. */
static void note_long_life(struct fleet *fleet, const struct member *member, int64_t now_us)
{
    struct seat *seat = &fleet->seat[member->seat];
    if (seat->quick_deaths > 0 && member->generation->state == GENERATION_SERVING &&
        now_us - member->started_us > QUICK_DEATH_MS * CLOCK_MS_US) {
        seat->quick_deaths = 0;
        seat->pause_ms = 0;
        publish_crash_loops(fleet);
    }
}

/* ---- watching -------------------------------------------------------------------------------- */

static void watch_heartbeats(struct fleet *fleet, int64_t now_us)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        const struct member *member = &fleet->member[slot];
        if (member->generation == NULL || member->is_adopted) {
            continue;
        }
        note_long_life(fleet, member, now_us);
        struct shared_slot *shared = slot_of(fleet, slot);
        pid_t pid = atomic_load(&shared->pid);
        int64_t silent_us = now_us - atomic_load(&shared->heartbeat_us);
        if (silent_us > member->generation->config.heartbeat_late_ms * CLOCK_MS_US) {
            log_error("master", "a worker is silent; killing it", LOG_INT("slot", slot),
                      LOG_INT("pid", pid), LOG_INT("silent_ms", silent_us / CLOCK_MS_US));
            atomic_store(&shared->heartbeat_us, now_us); /* once is enough */
            (void)kill(pid, SIGKILL);
        }
    }
}

static bool has_worker(const struct fleet *fleet, const struct generation *generation,
                       unsigned seat)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == generation && fleet->member[slot].seat == seat) {
            return true;
        }
    }
    return false;
}

static void fill_seats(struct fleet *fleet, int64_t now_us)
{
    struct generation *serving = fleet_serving(fleet);
    for (unsigned seat = 1; serving != NULL && seat <= fleet->seat_count; seat++) {
        if (now_us >= fleet->seat[seat].restart_at_us && !has_worker(fleet, serving, seat)) {
            (void)start_worker(fleet, serving, seat);
        }
    }
}

static bool all_are_ready(const struct fleet *fleet, const struct generation *generation)
{
    unsigned ready = 0;
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        ready += fleet->member[slot].generation == generation &&
                 atomic_load(&slot_of(fleet, slot)->is_ready) != 0;
    }
    return ready == fleet->seat_count;
}

static void promote(struct fleet *fleet, struct generation *generation)
{
    struct generation *old = fleet_serving(fleet);
    CHECK(old != NULL);
    enter(fleet, generation, GENERATION_SERVING, 0);
    retire(fleet, old);
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        fleet->seat[seat].restart_at_us = 0;
        fleet->seat[seat].pause_ms = 0;
        fleet->seat[seat].quick_deaths = 0;
    }
    publish_crash_loops(fleet);
}

static void move_generation(struct fleet *fleet, struct generation *generation, int64_t now_us)
{
    switch (generation->state) {
    case GENERATION_STARTING:
        if (all_are_ready(fleet, generation)) {
            promote(fleet, generation);
        } else if (now_us > generation->until_us) {
            log_error("master", "new workers are not ready in time; the old ones go on");
            retire(fleet, generation);
        }
        return;
    case GENERATION_DRAINING:
        if (count_members(fleet, generation) == 0) {
            enter(fleet, generation, GENERATION_NONE, 0);
        } else if (now_us > generation->until_us) {
            signal_members(fleet, generation, SIGKILL);
        }
        return;
    case GENERATION_NONE:
    case GENERATION_SERVING:
        return;
    }
}

static void publish_counts(struct fleet *fleet)
{
    int64_t counts[GENERATION_DRAINING + 1] = {0};
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation != NULL) {
            counts[fleet->member[slot].generation->state]++;
            fleet->has_served |= atomic_load(&slot_of(fleet, slot)->is_ready) != 0;
        }
    }
    for (int state = GENERATION_STARTING; state <= GENERATION_DRAINING; state++) {
        metrics_set(fleet->count[state], counts[state]);
    }
}

void fleet_tick(struct fleet *fleet)
{
    int64_t now_us = clock_mono_us();
    watch_heartbeats(fleet, now_us);
    if (fleet->stop_us != 0) {
        for (size_t i = 0; now_us > fleet->stop_us && i < FLEET_GENERATION_MAX; i++) {
            signal_members(fleet, &fleet->generation[i], SIGKILL);
        }
        return;
    }
    fill_seats(fleet, now_us);
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        move_generation(fleet, &fleet->generation[i], now_us);
    }
    publish_counts(fleet);
}

/* ---- the end of a worker --------------------------------------------------------------------- */

static void forget_slot(struct fleet *fleet, unsigned slot)
{
    struct shared_slot *shared = slot_of(fleet, slot);
    atomic_store(&shared->pid, 0);
    atomic_store(&shared->is_ready, 0);
    health_forget_slot(fleet->health, slot);
    metrics_forget_slot(slot);
    shared_return_dead(fleet->shared, slot);
    if (!shared_add_dead(fleet->shared, &shared->writer_id)) {
        log_error("master", "too many dead workers unreported; the next start will report them");
    }
    fleet->member[slot] = (struct member){.generation = NULL};
}

static void note_death(struct fleet *fleet, const struct member *dead, pid_t pid, int status)
{
    int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool unusable = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_CONFIG_EXIT;
    if (fleet->stop_us != 0 || dead->generation->state == GENERATION_DRAINING) {
        if (!clean) {
            log_warn("master", "a worker did not end cleanly", LOG_INT("pid", pid),
                     LOG_INT("signal", signal_number));
        }
    } else if (dead->generation->state == GENERATION_STARTING) {
        log_error("master", "a new worker died before it was ready; the old ones go on",
                  LOG_INT("pid", pid), LOG_INT("signal", signal_number));
        retire(fleet, dead->generation);
    } else if (unusable && !fleet->has_served) {
        fleet->failed = true;
    } else {
        log_warn("master", "a worker is gone; starting another", LOG_INT("seat", dead->seat),
                 LOG_INT("pid", pid), LOG_INT("signal", signal_number));
        metrics_count(METRIC_WORKER_RESTARTS, 1, WIFSIGNALED(status) ? STR("signal") : STR("exit"));
        plan_restart(fleet, dead);
    }
}

bool fleet_reap(struct fleet *fleet, pid_t pid, int status)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        struct member dead = fleet->member[slot];
        if (dead.generation != NULL && atomic_load(&slot_of(fleet, slot)->pid) == pid) {
            forget_slot(fleet, slot);
            note_death(fleet, &dead, pid, status);
            return true;
        }
    }
    return false;
}

void fleet_stop(struct fleet *fleet)
{
    int64_t longest_ms = 0;
    bool is_again = fleet->stop_us != 0;
    atomic_store(&fleet->shared->is_draining, 1);
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        struct generation *generation = &fleet->generation[i];
        if (generation->state != GENERATION_NONE && generation->config.drain_ms > longest_ms) {
            longest_ms = generation->config.drain_ms;
        }
        signal_members(fleet, generation, is_again ? SIGKILL : SIGTERM);
    }
    if (!is_again) {
        log_info("master", "draining", LOG_INT("workers", fleet->seat_count));
        fleet->stop_us = clock_mono_us() + (longest_ms + KILL_AFTER_DRAIN_MS) * CLOCK_MS_US;
    }
}

bool fleet_is_empty(const struct fleet *fleet)
{
    return count_free_slots(fleet) == SHM_SLOT_MAX - 1;
}

/* ---- from program to program ----------------------------------------------------------------- */

void fleet_describe(const struct fleet *fleet, struct handover *handover)
{
    int64_t now_us = clock_mono_us();
    handover->boot_id = fleet->shared->boot_id;
    handover->generation = fleet->last_number;
    handover->seat_count = fleet->seat_count;
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        handover->seat[seat].api_fd = fleet->seat[seat].api_fd;
        handover->seat[seat].ops_fd = fleet->seat[seat].ops_fd;
    }
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        const struct member *member = &fleet->member[slot];
        if (member->generation == NULL) {
            continue;
        }
        int64_t left_ms = (member->generation->until_us - now_us) / CLOCK_MS_US;
        bool drains = member->generation->state == GENERATION_DRAINING;
        handover->member[handover->member_count++] = (struct handover_member){
            .pid = atomic_load(&slot_of(fleet, slot)->pid),
            .seat = member->seat,
            .writer_id = slot_of(fleet, slot)->writer_id,
            .drain_left_ms = !drains       ? -1
                             : left_ms > 0 ? left_ms
                                           : 0,
        };
    }
    for (size_t i = 0; i < SHARED_DEAD_MAX; i++) {
        if (atomic_load(&fleet->shared->dead[i].state) != DEAD_FREE) {
            handover->dead[handover->dead_count++] = fleet->shared->dead[i].writer_id;
        }
    }
}

static void set_inherit(int fd, bool inherit)
{
    CHECK(fcntl(fd, F_SETFD, inherit ? 0 : FD_CLOEXEC) == 0);
}

void fleet_let_go(const struct fleet *fleet, bool inherit)
{
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        set_inherit(fleet->seat[seat].api_fd, inherit);
        set_inherit(fleet->seat[seat].ops_fd, inherit);
    }
}

static void adopt_member(struct fleet *fleet, const struct handover_member *from,
                         struct generation *generation)
{
    unsigned slot = find_free_slot(fleet);
    CHECK(slot != 0);
    struct shared_slot *shared = slot_of(fleet, slot);
    claim_slot(fleet, slot);
    shared->writer_id = from->writer_id;
    atomic_store(&shared->is_ready, 1);
    atomic_store(&shared->is_retired, generation->state == GENERATION_DRAINING);
    atomic_store(&shared->pid, from->pid);
    fleet->member[slot] = (struct member){
        .generation = generation,
        .seat = from->seat,
        .is_adopted = true,
        .started_us = clock_mono_us(),
    };
}

/* All that drain, as one: until the last of them must be gone. */
static struct generation *adopt_draining(struct fleet *fleet, const struct handover *handover)
{
    int64_t left_ms = -1;
    for (size_t i = 0; i < handover->member_count; i++) {
        int64_t of_this = handover->member[i].drain_left_ms;
        left_ms = of_this > left_ms ? of_this : left_ms;
    }
    if (left_ms < 0) {
        return NULL;
    }
    struct generation *draining = fleet_next(fleet);
    CHECK(draining != NULL);
    enter(fleet, draining, GENERATION_DRAINING, clock_mono_us() + left_ms * CLOCK_MS_US);
    return draining;
}

void fleet_adopt(struct fleet *fleet, const struct handover *handover,
                 struct generation *generation)
{
    CHECK(fleet->seat_count == handover->seat_count && generation->state == GENERATION_NONE);
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        fleet->seat[seat].api_fd = handover->seat[seat].api_fd;
        fleet->seat[seat].ops_fd = handover->seat[seat].ops_fd;
    }
    fleet_let_go(fleet, false);
    fleet->has_served = true;
    fleet->last_number = handover->generation;
    generation->number = handover->generation;
    enter(fleet, generation, GENERATION_SERVING, 0);
    struct generation *draining = adopt_draining(fleet, handover);
    fleet->last_number = handover->generation;
    for (size_t i = 0; i < handover->member_count; i++) {
        const struct handover_member *from = &handover->member[i];
        adopt_member(fleet, from, from->drain_left_ms < 0 ? generation : draining);
    }
    for (size_t i = 0; i < handover->dead_count; i++) {
        CHECK(shared_add_dead(fleet->shared, &handover->dead[i]));
    }
}

/* ---- without workers ------------------------------------------------------------------------- */

int fleet_run_foreground(struct fleet *fleet, const struct config *config)
{
    claim_slot(fleet, 0);
    atomic_store(&slot_of(fleet, 0)->pid, getpid());
    struct worker_start start = {
        .config = config,
        .shared = fleet->shared,
        .health = fleet->health,
        .generation = 1,
        .api_fd = fleet->seat[0].api_fd,
        .ops_fd = fleet->seat[0].ops_fd,
    };
    return worker_run(&start);
}
