#include "payment/governor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/rng.h"

#include <cmocka.h>

#define MS          CLOCK_MS_US
#define INTERVAL_US (GOVERNOR_INTERVAL_MS * MS)

static const struct governor_config config = {
    .write_us = 100 * MS, .lag_us = 50 * MS, .calm_count = 1024, .most = 4096};

static struct governor governor;
static int64_t now_us;

static int start(void **state)
{
    (void)state;
    now_us = 1000 * CLOCK_SECOND_US;
    governor_init(&governor, &config);
    return 0;
}

static void writes(unsigned count, int64_t took_us)
{
    for (unsigned i = 0; i < count; i++) {
        governor_write_began(&governor, now_us);
        governor_write_ended(&governor, took_us, now_us);
    }
}

static void intervals(unsigned count, size_t own_count, int64_t took_us, int64_t lag_us)
{
    for (unsigned i = 0; i < count; i++) {
        now_us += INTERVAL_US;
        writes(took_us > 0 ? 50 : 0, took_us);
        governor_tick(&governor, own_count, lag_us, now_us);
    }
}

static void without_pressure_the_limit_is_the_most(void **state)
{
    (void)state;
    assert_int_equal(governor.limit, 4096);
    intervals(100, 4000, 100 * MS, 50 * MS);
    assert_int_equal(governor.limit, 4096);
    intervals(100, 0, 0, 0);
    assert_int_equal(governor.limit, 4096);
}

static void one_bad_interval_changes_nothing(void **state)
{
    (void)state;
    intervals(1, 3000, 900 * MS, 0);
    assert_int_equal(governor.limit, 4096);
    intervals(1, 3000, 10 * MS, 0);
    intervals(1, 3000, 900 * MS, 0);
    assert_int_equal(governor.limit, 4096);
}

/* Little's law: 3,000 in hand take 200 ms, so 1,500 would take 100 ms. */
static void slow_writes_bring_it_to_what_is_done_in_time(void **state)
{
    (void)state;
    intervals(2, 3000, 200 * MS, 0);
    assert_int_equal(governor.limit, 1500);
}

static void a_lagging_loop_does_the_same(void **state)
{
    (void)state;
    intervals(2, 3000, 5 * MS, 100 * MS);
    assert_int_equal(governor.limit, 1500);
}

/* As many as calm_count are no flood, unless they take too long by far for seconds. */
static void few_in_hand_are_taken_with_patience(void **state)
{
    (void)state;
    intervals(600, 1000, 1000 * MS, 500 * MS);
    assert_int_equal(governor.limit, 1024);
    intervals(29, 1000, 4000 * MS, 0);
    assert_int_equal(governor.limit, 1024);
    intervals(1, 1000, 4000 * MS, 0);
    assert_int_equal(governor.limit, 250);
    intervals(1, 1000, 900 * MS, 0);
    assert_int_equal(governor.limit, 1024);
    intervals(40, 1000, 1000000 * MS, 0);
    assert_int_equal(governor.limit, GOVERNOR_LIMIT_MIN);
}

/* Refusals at the limit show that it is one: then queues are kept short. */
static void a_flood_is_not_taken_with_patience(void **state)
{
    (void)state;
    intervals(5, 1000, 500 * MS, 0);
    assert_int_equal(governor.limit, 1024);
    for (int i = 0; i < 2; i++) {
        governor_refused(&governor);
        intervals(1, 1000, 200 * MS, 0);
    }
    assert_true(governor.is_flood);
    assert_int_equal(governor.limit, 500);
    intervals(2, 500, 900 * MS, 0);
    assert_int_equal(governor.limit, 256); /* a busy machine is slow whatever we hold */
    /* Over after a second without refusals. */
    intervals(8, 100, 10 * MS, 0);
    assert_false(governor.is_flood);
    intervals(2, 1000, 500 * MS, 0);
    assert_int_equal(governor.limit, 1024);
}

/* A limit that is reached now and then, without pressure, is no flood. */
static void refusals_without_pressure_are_no_flood(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        governor_refused(&governor);
        intervals(1, 1000, 50 * MS, 0);
    }
    assert_false(governor.is_flood);
    assert_int_equal(governor.limit, 4096);
}

static void relief_brings_the_limit_back_within_seconds(void **state)
{
    (void)state;
    intervals(40, 1000, 1000000 * MS, 0);
    assert_int_equal(governor.limit, GOVERNOR_LIMIT_MIN);
    intervals(10, 50, 20 * MS, 0);
    assert_in_range(governor.limit, 200, 1000);
    intervals(30, 50, 20 * MS, 0);
    assert_int_equal(governor.limit, 4096);
}

/* Nothing comes back: the age of the standstill counts as a delay. */
static void a_standstill_is_noticed_without_any_answer(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++)
        governor_write_began(&governor, now_us);
    intervals(1, 500, 0, 0);
    assert_int_equal(governor.limit, 4096);
    intervals(9, 500, 0, 0);
    assert_int_equal(governor.limit, 1024);
    intervals(40, 500, 0, 0);
    assert_in_range(governor.limit, GOVERNOR_LIMIT_MIN, 200);
    for (int i = 0; i < 500; i++)
        governor_write_ended(&governor, 5000 * MS, now_us);
    intervals(40, 0, 0, 0);
    assert_int_equal(governor.limit, 4096);
}

/* An idle gateway, then one write: the time before it is no standstill. */
static void idleness_is_no_standstill(void **state)
{
    (void)state;
    writes(1, 5 * MS);
    now_us += 3600 * CLOCK_SECOND_US;
    governor_write_began(&governor, now_us);
    intervals(0, 0, 0, 0);
    now_us += 10 * MS;
    governor_tick(&governor, 1, 0, now_us);
    assert_int_equal(governor.pressure_permille, 100);
}

/*
 * A worker that finishes 2,000 writes a second, and is offered twice as much: with the limit, the
 * delay settles around the bound, nothing is idle, and nothing piles up.
 */
static void an_overloaded_worker_settles_at_the_wanted_delay(void **state)
{
    (void)state;
    struct rng rng;
    struct governor_config strict = config;
    strict.calm_count = 1;
    governor_init(&governor, &strict);
    rng_seed(&rng, 1);
    int64_t queue = 0;
    int64_t worst_us = 0;
    int64_t idle = 0;
    for (int64_t tick = 0; tick < 6000; tick++) { /* ten milliseconds each: one minute */
        int64_t offered = 30 + (int64_t)rng_below(&rng, 21);
        int64_t room = (int64_t)governor.limit - queue;
        int64_t taken = offered < room ? offered : room > 0 ? room : 0;
        for (int64_t i = 0; i < taken; i++)
            governor_write_began(&governor, now_us);
        queue += taken;
        now_us += 10 * MS;
        int64_t delay_us = queue * 500; /* each write takes half a millisecond of the disk */
        int64_t done = queue < 20 ? queue : 20;
        idle += tick > 500 ? 20 - done : 0;
        worst_us = tick > 500 && delay_us > worst_us ? delay_us : worst_us;
        for (int64_t i = 0; i < done; i++)
            governor_write_ended(&governor, delay_us, now_us);
        queue -= done;
        if (tick % 10 == 9)
            governor_tick(&governor, (size_t)queue, 0, now_us);
    }
    assert_int_equal(idle, 0);
    assert_true(worst_us < 200 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, start)
        T(without_pressure_the_limit_is_the_most),
        T(one_bad_interval_changes_nothing),
        T(slow_writes_bring_it_to_what_is_done_in_time),
        T(a_lagging_loop_does_the_same),
        T(few_in_hand_are_taken_with_patience),
        T(a_flood_is_not_taken_with_patience),
        T(refusals_without_pressure_are_no_flood),
        T(relief_brings_the_limit_back_within_seconds),
        T(a_standstill_is_noticed_without_any_answer),
        T(idleness_is_no_standstill),
        T(an_overloaded_worker_settles_at_the_wanted_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
