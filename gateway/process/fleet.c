#include "process/fleet_internal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"
#include "process/worker.h"
#include "router/health.h"
#include "router/volume.h"

enum {
    SHM_BYTES = 64 << 20,
    READY_MS = 20000, /* a generation's workers are ready by then */
    KILL_AFTER_DRAIN_MS = 2000,
    PROBES_MIN = 3,
};

/* ---- opening --------------------------------------------------------------------------------- */

/* What alerts watch the growth of is there from the start: from nothing to 1 is no growth. */
static void open_watched(void)
{
    static const struct {
        enum metric metric;
        struct str values[2];
    } watched[] = {
        {METRIC_DUPLICATES_REVERSED, {STR_INIT("reversed")}},
        {METRIC_DUPLICATES_REVERSED, {STR_INIT("failed")}},
        {METRIC_INBOUND_EVENTS, {STR_INIT("dead")}},
        {METRIC_CANARIES_STOPPED, {STR_INIT("success")}},
        {METRIC_CANARIES_STOPPED, {STR_INIT("cost")}},
        {METRIC_WORKER_RESTARTS, {STR_INIT("signal")}},
        {METRIC_WORKER_RESTARTS, {STR_INIT("exit")}},
        {METRIC_RELOADS, {STR_INIT("reload"), STR_INIT("refused")}},
        {METRIC_RELOADS, {STR_INIT("upgrade"), STR_INIT("refused")}},
    };
    for (size_t i = 0; i < ARRAY_LEN(watched); i++)
        (void)metrics_find(watched[i].metric, watched[i].values,
                           watched[i].values[1].len > 0 ? 2 : 1);
}

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
    fleet->admission = admission_open(&fleet->shm);
    fleet->volumes = volume_open(&fleet->shm);
    fleet->shared->boot_id = *boot_id;
    fleet->shared->instance_id = *instance_id;
    atomic_store(&fleet->shared->worker_count, fleet->seat_count);
    open_watched();
    metrics_set(metrics_find(METRIC_BUILD_INFO, &STR(TURNPIKE_VERSION), 1), 1);
    metrics_set(metrics_find(METRIC_PROCESS_START, NULL, 0), clock_wall_us());
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

void fleet_enter(struct fleet *fleet, struct generation *generation, enum generation_state state,
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

bool fleet_is_handing_over(const struct fleet *fleet)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        const struct member *member = &fleet->member[slot];
        if (member->generation != NULL && member->generation->state == GENERATION_DRAINING &&
            !member->is_adopted && atomic_load(&fleet_slot(fleet, slot)->is_ready) != 0) {
            return true;
        }
    }
    return false;
}

static void signal_members(const struct fleet *fleet, const struct generation *generation,
                           int signal_number)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == generation) {
            (void)kill(atomic_load(&fleet_slot(fleet, slot)->pid), signal_number);
        }
    }
}

void fleet_retire(struct fleet *fleet, struct generation *generation)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        if (fleet->member[slot].generation == generation) {
            struct shared_slot *shared = fleet_slot(fleet, slot);
            bool has_served = atomic_load(&shared->is_ready) != 0;
            atomic_store(&shared->is_retired, 1);
            (void)kill(atomic_load(&shared->pid), has_served ? SIGTERM : SIGKILL);
        }
    }
    int64_t limit_ms = generation->config.drain_ms + KILL_AFTER_DRAIN_MS;
    fleet_enter(fleet, generation, GENERATION_DRAINING, clock_mono_us() + limit_ms * CLOCK_MS_US);
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

void fleet_start(struct fleet *fleet, struct generation *generation)
{
    CHECK(generation->state == GENERATION_NONE);
    if (fleet_serving(fleet) == NULL) {
        fleet_enter(fleet, generation, GENERATION_SERVING, 0); /* the tick fills its seats */
        return;
    }
    fleet_enter(fleet, generation, GENERATION_STARTING, clock_mono_us() + READY_MS * CLOCK_MS_US);
    for (unsigned seat = 1; seat <= fleet->seat_count; seat++) {
        if (!fleet_start_worker(fleet, generation, seat)) {
            fleet_retire(fleet, generation);
            return;
        }
    }
}

/* ---- watching -------------------------------------------------------------------------------- */

/*
 * True when it has had its chances to answer: it is asked again and again, lest a moment in which
 * nothing ran at all on this machine is taken for its silence.
 */
static bool has_been_asked(struct member *member, pid_t pid, int64_t now_us)
{
    if (now_us - member->asked_us >= member->generation->config.heartbeat_ms * CLOCK_MS_US) {
        member->asked_us = now_us;
        member->asked_count++;
        (void)kill(pid, WORKER_SIGNAL_PROBE);
    }
    return member->asked_count > PROBES_MIN;
}

void fleet_hear(struct fleet *fleet, pid_t pid)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        struct member *member = &fleet->member[slot];
        if (member->is_adopted && atomic_load(&fleet_slot(fleet, slot)->pid) == pid) {
            atomic_store(&fleet_slot(fleet, slot)->heartbeat_us, clock_mono_us());
            member->asked_count = 0;
        }
    }
}

static void watch_heartbeats(struct fleet *fleet, int64_t now_us)
{
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        struct member *member = &fleet->member[slot];
        if (member->generation == NULL) {
            continue;
        }
        fleet_note_long_life(fleet, member, now_us);
        struct shared_slot *shared = fleet_slot(fleet, slot);
        pid_t pid = atomic_load(&shared->pid);
        bool is_due = !member->is_adopted || has_been_asked(member, pid, now_us);
        int64_t silent_us = now_us - atomic_load(&shared->heartbeat_us);
        if (is_due && silent_us > member->generation->config.heartbeat_late_ms * CLOCK_MS_US) {
            log_error("master", "a worker is silent; killing it", LOG_INT("slot", slot),
                      LOG_INT("worker_pid", pid), LOG_INT("silent_ms", silent_us / CLOCK_MS_US));
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

/* Its queue has somebody of its own again; draining workers do not count, they are leaving. */
static void take_back_seats(struct fleet *fleet)
{
    const struct generation *serving = fleet_serving(fleet);
    for (unsigned slot = 1; serving != NULL && slot < SHM_SLOT_MAX; slot++) {
        const struct member *member = &fleet->member[slot];
        if (member->generation == serving && atomic_load(&fleet_slot(fleet, slot)->is_ready) != 0) {
            atomic_store(&fleet->shared->is_orphaned[member->seat], 0);
        }
    }
}

static void fill_seats(struct fleet *fleet, int64_t now_us)
{
    struct generation *serving = fleet_serving(fleet);
    for (unsigned seat = 1; serving != NULL && seat <= fleet->seat_count; seat++) {
        bool is_alone = count_members(fleet, serving) == 0;
        const struct seat *each = &fleet->seat[seat];
        if (now_us >= (is_alone ? each->restart_alone_at_us : each->restart_at_us) &&
            !has_worker(fleet, serving, seat)) {
            (void)fleet_start_worker(fleet, serving, seat);
        }
    }
}

static bool all_are_ready(const struct fleet *fleet, const struct generation *generation)
{
    unsigned ready = 0;
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        ready += fleet->member[slot].generation == generation &&
                 atomic_load(&fleet_slot(fleet, slot)->is_ready) != 0;
    }
    return ready == fleet->seat_count;
}

static void promote(struct fleet *fleet, struct generation *generation)
{
    struct generation *old = fleet_serving(fleet);
    CHECK(old != NULL);
    fleet_enter(fleet, generation, GENERATION_SERVING, 0);
    fleet_retire(fleet, old);
    fleet_forget_crashes(fleet);
}

static void move_generation(struct fleet *fleet, struct generation *generation, int64_t now_us)
{
    switch (generation->state) {
    case GENERATION_STARTING:
        if (all_are_ready(fleet, generation)) {
            promote(fleet, generation);
        } else if (now_us > generation->until_us) {
            log_error("master", "new workers are not ready in time; the old ones go on");
            fleet_retire(fleet, generation);
        }
        return;
    case GENERATION_DRAINING:
        if (count_members(fleet, generation) == 0) {
            fleet_enter(fleet, generation, GENERATION_NONE, 0);
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
            fleet->has_served |= atomic_load(&fleet_slot(fleet, slot)->is_ready) != 0;
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
    take_back_seats(fleet);
    fill_seats(fleet, now_us);
    for (size_t i = 0; i < FLEET_GENERATION_MAX; i++) {
        move_generation(fleet, &fleet->generation[i], now_us);
    }
    publish_counts(fleet);
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
        signal_members(fleet, generation, is_again ? SIGKILL : WORKER_SIGNAL_STOP);
    }
    for (unsigned seat = 1; !is_again && seat <= fleet->seat_count; seat++) {
        (void)close(fleet->seat[seat].api_fd); /* the workers accept what waits, and close theirs */
        (void)close(fleet->seat[seat].ops_fd);
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
