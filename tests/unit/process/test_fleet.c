#include "process/fleet_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

#include "base/clock.h"
#include "process/worker.h"

/* A master with `workers` seats that has started nobody. */
static struct fleet *fleet_make(unsigned workers)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    struct config *config = calloc(1, sizeof(*config));
    struct uuid id = uuid_new();
    struct error err;
    assert_non_null(fleet);
    assert_non_null(config);
    config_init(config);
    config->workers = workers;
    config_finish(config);
    assert_true(fleet_open(fleet, config, &id, &id, &err));
    free(config);
    return fleet;
}

static void fleet_drop(struct fleet *fleet)
{
    shm_close(&fleet->shm);
    free(fleet);
}

/* One generation drains, all of the next are in crash pauses, a third starts: three times 43. */
static void more_workers_than_slots_wait(void **state)
{
    (void)state;
    struct fleet *fleet = fleet_make(43);
    struct generation *generation = fleet_next(fleet);
    assert_non_null(generation);
    for (unsigned slot = 1; slot < SHM_SLOT_MAX; slot++) {
        fleet->member[slot] = (struct member){.generation = generation, .seat = 1};
    }
    int64_t from_us = clock_mono_us();
    assert_int_equal(fleet_find_free_slot(fleet), 0);
    assert_false(fleet_start_worker(fleet, generation, 43));
    assert_true(fleet->seat[43].restart_at_us > from_us);
    assert_int_equal(fleet->seat[42].restart_at_us, 0);
    fleet_drop(fleet);
}

/* ---- deaths ----------------------------------------------------------------------------------- */

enum {
    DEAD_PID = 999999999, /* above any that a kernel gives */
};

/* A ready worker that started `age_ms` ago, at the seat; its slot. */
static unsigned seat_worker(struct fleet *fleet, struct generation *generation, unsigned seat,
                            int64_t age_ms)
{
    unsigned slot = fleet_find_free_slot(fleet);
    assert_int_not_equal(slot, 0);
    fleet_claim_slot(fleet, slot);
    fleet->member[slot] = (struct member){
        .generation = generation,
        .seat = seat,
        .started_us = clock_mono_us() - age_ms * CLOCK_MS_US,
    };
    atomic_store(&fleet_slot(fleet, slot)->pid, DEAD_PID - (pid_t)slot);
    atomic_store(&fleet_slot(fleet, slot)->is_ready, 1);
    return slot;
}

/* How long its seat then waits, in milliseconds. */
static int64_t kill_one(struct fleet *fleet, struct generation *generation, int64_t age_ms)
{
    unsigned slot = seat_worker(fleet, generation, 1, age_ms);
    assert_true(fleet_reap(fleet, DEAD_PID - (pid_t)slot, SIGKILL));
    return fleet->seat[1].pause_ms;
}

/* Kills some seconds apart are no crash loop (the crash matrix does so all day). */
static void only_a_crash_loop_waits(void **state)
{
    (void)state;
    static const int64_t loop_ms[] = {0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    struct fleet *fleet = fleet_make(2);
    struct generation *generation = fleet_next(fleet);
    assert_non_null(generation);
    generation->state = GENERATION_SERVING;
    for (size_t i = 0; i < ARRAY_LEN(loop_ms); i++) {
        assert_int_equal(kill_one(fleet, generation, 10), loop_ms[i]);
        assert_int_equal(atomic_load(&fleet->shared->crash_looping), i >= 2);
        int64_t sooner_us = fleet->seat[1].restart_at_us - fleet->seat[1].restart_alone_at_us;
        assert_int_equal(sooner_us, i < 2 ? 0 : (loop_ms[i] - 50) * CLOCK_MS_US);
    }
    unsigned unready = seat_worker(fleet, generation, 1, 10); /* it may never come to serve */
    atomic_store(&fleet_slot(fleet, unready)->is_ready, 0);
    assert_true(fleet_reap(fleet, DEAD_PID - (pid_t)unready, SIGKILL));
    assert_int_equal(fleet->seat[1].restart_at_us, fleet->seat[1].restart_alone_at_us);
    assert_int_equal(kill_one(fleet, generation, 2001), 0);
    assert_int_equal(atomic_load(&fleet->shared->crash_looping), 0);
    assert_int_equal(kill_one(fleet, generation, 1900), 0);
    assert_int_equal(kill_one(fleet, generation, 1900), 0);
    assert_int_equal(kill_one(fleet, generation, 1900), 100);
    fleet_drop(fleet);
}

/* From the death to the next worker that is ready, others serve the seat. */
static void a_dead_workers_seat_is_orphaned_until_another_is_ready(void **state)
{
    (void)state;
    struct fleet *fleet = fleet_make(2);
    struct generation *generation = fleet_next(fleet);
    assert_non_null(generation);
    config_init(&generation->config);
    generation->state = GENERATION_SERVING;
    (void)seat_worker(fleet, generation, 2, 10);
    assert_int_equal(atomic_load(&fleet->shared->is_orphaned[1]), 0);
    (void)kill_one(fleet, generation, 10);
    fleet->seat[1].restart_at_us = INT64_MAX; /* nobody is forked here */
    fleet_tick(fleet);
    assert_int_equal(atomic_load(&fleet->shared->is_orphaned[1]), 1);
    assert_int_equal(atomic_load(&fleet->shared->is_orphaned[2]), 0);
    unsigned next = seat_worker(fleet, generation, 1, 10);
    atomic_store(&fleet_slot(fleet, next)->is_ready, 0);
    fleet_tick(fleet);
    assert_int_equal(atomic_load(&fleet->shared->is_orphaned[1]), 1);
    atomic_store(&fleet_slot(fleet, next)->is_ready, 1);
    fleet_tick(fleet);
    assert_int_equal(atomic_load(&fleet->shared->is_orphaned[1]), 0);
    fleet_drop(fleet);
}

/* ---- workers of the program before an upgrade ------------------------------------------------ */

static sigset_t probes(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WORKER_SIGNAL_PROBE);
    return set;
}

/* It answers as worker.h says, or is deaf. PROBE is blocked in it from the start. */
static pid_t start_old_worker(bool answers)
{
    pid_t master_pid = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (sigset_t set = probes();;) {
        if (answers && sigwaitinfo(&set, NULL) > 0)
            (void)kill(master_pid, WORKER_SIGNAL_PROBE);
        else
            (void)pause();
    }
}

static void adopt_two(struct fleet *fleet, const pid_t pid[2])
{
    struct handover *before = calloc(1, sizeof(*before));
    assert_non_null(before);
    before->generation = 7;
    before->seat_count = 2;
    before->member_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        before->seat[i + 1].api_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        before->seat[i + 1].ops_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        before->member[i] = (struct handover_member){
            .pid = pid[i], .seat = i + 1, .writer_id = uuid_new(), .drain_left_ms = -1};
    }
    struct generation *first = fleet_next(fleet);
    assert_non_null(first);
    config_init(&first->config);
    first->config.heartbeat_ms = 50;
    first->config.heartbeat_late_ms = 5000;
    fleet_adopt(fleet, before, first);
    for (unsigned slot = 1; slot <= 2; slot++) /* they are not young: no time of grace */
        atomic_store(&fleet_slot(fleet, slot)->heartbeat_us, clock_mono_us());
    free(before);
}

/* As the master's loop does. */
static void turn(struct fleet *fleet)
{
    siginfo_t info;
    sigset_t set = probes();
    while (sigtimedwait(&set, &info, &(struct timespec){0, 0}) > 0)
        fleet_hear(fleet, info.si_pid);
    fleet_tick(fleet);
    (void)nanosleep(&(struct timespec){0, 5000000}, NULL);
}

static int wait_for(pid_t pid, struct fleet *fleet)
{
    int status = 0;
    for (int64_t until_us = clock_mono_us() + 60 * CLOCK_SECOND_US;
         waitpid(pid, &status, WNOHANG) == 0;) {
        assert_true(clock_mono_us() < until_us);
        if (fleet != NULL)
            turn(fleet);
    }
    assert_true(WIFSIGNALED(status));
    return WTERMSIG(status);
}

static void adopted_workers_are_asked_whether_they_live(void **state)
{
    (void)state;
    struct fleet *fleet = fleet_make(2);
    sigset_t set = probes();
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    int64_t from_us = clock_mono_us();
    pid_t pid[2] = {start_old_worker(true), start_old_worker(false)};
    adopt_two(fleet, pid);
    assert_int_equal(wait_for(pid[1], fleet), SIGKILL);
    assert_true(clock_mono_us() - from_us >= 5 * CLOCK_SECOND_US);
    assert_int_equal(waitpid(pid[0], NULL, WNOHANG), 0); /* it lives */
    assert_true(fleet_reap(fleet, pid[1], 0));
    /* It cannot read in our segment that all stop: it is told. */
    fleet_stop(fleet);
    assert_int_equal(wait_for(pid[0], NULL), WORKER_SIGNAL_STOP);
    assert_true(fleet_reap(fleet, pid[0], 0));
    assert_true(fleet_is_empty(fleet));
    fleet_drop(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_workers_than_slots_wait),
        cmocka_unit_test(only_a_crash_loop_waits),
        cmocka_unit_test(a_dead_workers_seat_is_orphaned_until_another_is_ready),
        cmocka_unit_test(adopted_workers_are_asked_whether_they_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
