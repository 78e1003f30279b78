#include "base/bucket.h"
#include "helpers.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/rng.h"

enum {
    SLOTS = 1024,
};
#define S CLOCK_SECOND_US

static struct shm shm;
static struct bucket_table *table;
static struct bucket_state state_now;
static const struct bucket_limit ten = {.rate = 10, .burst = 5};

static int open_table(void **state)
{
    (void)state;
    struct error err;
    if (!shm_open_segment(&shm, bucket_size(SLOTS) + 65536, &err))
        return -1;
    table = bucket_open(&shm, SLOTS);
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    shm_close(&shm);
    return 0;
}

static struct uuid key_of(uint64_t number)
{
    struct uuid key = {{0}};
    memcpy(key.byte, &number, sizeof(number));
    return key;
}

static bool take(uint64_t number, int64_t now_us)
{
    struct uuid key = key_of(number);
    return bucket_take(table, &key, &ten, now_us, &state_now);
}

static unsigned take_all(uint64_t number, int64_t now_us)
{
    unsigned count = 0;
    while (take(number, now_us))
        count++;
    return count;
}

static void a_new_bucket_is_full_and_gives_its_burst(void **state)
{
    (void)state;
    assert_int_equal(take_all(1, 100 * S), 5);
    assert_int_equal(state_now.remaining, 0);
    assert_int_equal(state_now.wait_us, S / 10);
    assert_int_equal(state_now.reset_us, 5 * S / 10);
}

static void a_token_comes_back_and_no_bucket_gets_fuller_than_full(void **state)
{
    (void)state;
    struct uuid key = key_of(1);
    assert_int_equal(take_all(1, 100 * S), 5);
    bucket_give_back(table, &key, &ten, 100 * S);
    assert_int_equal(take_all(1, 100 * S), 1);
    for (int i = 0; i < 20; i++)
        bucket_give_back(table, &key, &ten, 100 * S);
    assert_int_equal(take_all(1, 100 * S), 5);
    bucket_give_back(table, &key, &ten, 200 * S); /* full by then */
    assert_int_equal(take_all(1, 200 * S), 5);
    struct uuid other = key_of(2); /* never seen */
    bucket_give_back(table, &other, &ten, 200 * S);
    assert_int_equal(take_all(2, 200 * S), 5);
    const struct bucket_limit none = {.rate = 0};
    bucket_give_back(table, &key, &none, 200 * S);
}

static void time_fills_it_at_its_rate_and_not_above_its_burst(void **state)
{
    (void)state;
    assert_int_equal(take_all(1, 100 * S), 5);
    assert_false(take(1, 100 * S + S / 10 - 1));
    assert_true(take(1, 100 * S + S / 10));
    assert_false(take(1, 100 * S + S / 10));
    assert_int_equal(take_all(1, 100 * S + 4 * S / 10), 3);
    assert_int_equal(take_all(1, 100000 * S), 5);
}

static void over_a_long_time_it_gives_the_rate_and_one_burst(void **state)
{
    (void)state;
    unsigned count = 0;
    for (int64_t now_us = S; now_us < 101 * S; now_us += 777)
        count += take(1, now_us);
    assert_in_range(count, 10 * 100 + 4, 10 * 100 + 5);
}

static void who_waits_as_told_is_served(void **state)
{
    (void)state;
    const struct bucket_limit odd = {.rate = 7, .burst = 3};
    struct uuid key = key_of(1);
    int64_t now_us = 5 * S;
    for (int i = 0; i < 1000; i++) {
        while (bucket_take(table, &key, &odd, now_us, &state_now)) {
        }
        int64_t wait_us = state_now.wait_us;
        assert_true(wait_us > 0);
        assert_false(bucket_look(table, &key, &odd, now_us + wait_us - 2, &state_now));
        now_us += wait_us;
        assert_true(bucket_look(table, &key, &odd, now_us, &state_now));
    }
}

static void looking_takes_nothing(void **state)
{
    (void)state;
    struct uuid key = key_of(1);
    for (int i = 0; i < 100; i++)
        assert_true(bucket_look(table, &key, &ten, S, &state_now));
    assert_int_equal(state_now.remaining, 5);
    assert_int_equal(take_all(1, S), 5);
    assert_false(bucket_look(table, &key, &ten, S, &state_now));
}

static void a_rate_of_zero_is_no_limit(void **state)
{
    (void)state;
    const struct bucket_limit none = {0};
    struct uuid key = key_of(1);
    for (int i = 0; i < 10000; i++)
        assert_true(bucket_take(table, &key, &none, S, &state_now));
    assert_true(state_now.remaining > 1000000);
}

static void keys_do_not_touch_each_other(void **state)
{
    (void)state;
    assert_int_equal(take_all(1, S), 5);
    /* So few that no eight of them share a group, but once in ten million runs. */
    for (uint64_t other = 2; other < 50; other++)
        assert_int_equal(take_all(other, S), 5);
    assert_false(take(1, S));
    assert_int_equal(bucket_shared_count(table), 0);
}

/* A limit is changed for what is under way, both ways. */
static void a_changed_limit_holds_at_once(void **state)
{
    (void)state;
    struct uuid key = key_of(1);
    const struct bucket_limit large = {.rate = 10, .burst = 1000};
    for (int i = 0; i < 900; i++)
        assert_true(bucket_take(table, &key, &large, S, &state_now));
    /* The debt of 90 s is cut to the new window: empty now, and one token each 100 ms from then. */
    assert_false(take(1, S));
    assert_int_equal(state_now.wait_us, S / 10);
    assert_true(take(1, S + S / 10));
    assert_false(take(1, S + S / 10));
    const struct bucket_limit fast = {.rate = 1000, .burst = 10000};
    assert_true(bucket_take(table, &key, &fast, S + S / 10, &state_now));
    assert_in_range(state_now.remaining, 9400, 9600); /* half a second of debt at the new rate */
}

static void a_clock_that_steps_costs_one_window_at_most(void **state)
{
    (void)state;
    assert_int_equal(take_all(1, 1000 * S), 5);
    /* Back by far: empty, but no longer than a window. */
    assert_false(take(1, 10 * S));
    assert_int_equal(state_now.wait_us, S / 10);
    assert_true(take(1, 10 * S + S / 10));
    assert_int_equal(take_all(1, 11 * S), 5);
    /* Forward by far: full, and not more. */
    assert_int_equal(take_all(1, INT64_C(4000000000) * S), 5);
}

static void extreme_limits_fit(void **state)
{
    (void)state;
    struct uuid key = key_of(1);
    const struct bucket_limit most = {.rate = INT64_MAX, .burst = INT64_MAX};
    const struct bucket_limit slow = {.rate = 1, .burst = BUCKET_BURST_MAX};
    const struct bucket_limit one = {.rate = BUCKET_RATE_MAX, .burst = 0};
    assert_true(bucket_take(table, &key, &most, S, &state_now));
    assert_int_equal(state_now.remaining, BUCKET_BURST_MAX - 1);
    assert_true(bucket_take(table, &key, &slow, 2 * S, &state_now));
    assert_int_equal(state_now.remaining, BUCKET_BURST_MAX - 1);
    key = key_of(2);
    assert_true(bucket_take(table, &key, &one, S, &state_now));
    assert_false(bucket_take(table, &key, &one, S, &state_now));
    assert_true(bucket_take(table, &key, &one, S + 1, &state_now));
}

/* Strangers fill the table: what has been taken from it stays bounded by its size. */
static void beyond_its_size_keys_share_buckets(void **state)
{
    (void)state;
    enum { KEYS = 40 * SLOTS };
    unsigned count = 0;
    for (uint64_t i = 0; i < KEYS; i++)
        count += take_all(i, S);
    assert_true(bucket_shared_count(table) > 0);
    assert_in_range(count, 5 * SLOTS / 2, 5 * SLOTS);
    /* A second later there is a token a tenth of a second again, for all who share a place. */
    count = 0;
    for (uint64_t i = 0; i < KEYS; i++)
        count += take_all(i, S + S / 10);
    assert_in_range(count, SLOTS / 2, SLOTS);
    /* And when all are full, the newest comers get whole buckets. */
    assert_int_equal(take_all(KEYS + 1, 100 * S), 5);
}

/* An honest client that keeps asking is not pushed out by many that come once. */
static void one_who_is_nearest_to_full_gives_way_first(void **state)
{
    (void)state;
    assert_int_equal(take_all(7, S), 5);
    for (uint64_t i = 1000; i < 1000 + 20 * SLOTS; i++)
        (void)take(i, S);
    assert_false(take(7, S));
}

static void take_as_a_child(atomic_int *taken)
{
    for (int i = 0; i < 20000; i++) {
        if (take((uint64_t)i % 16, S))
            atomic_fetch_add(taken, 1);
    }
}

/* Sixteen keys, six workers, bursts at one moment: each bucket gives exactly what it holds. */
static void workers_that_race_take_each_token_once(void **state)
{
    (void)state;
    enum { CHILDREN = 6 };
    atomic_int *taken = shm_carve(&shm, sizeof(*taken));
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            take_as_a_child(taken);
            _exit(0);
        }
    }
    int status = 0;
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
    assert_int_equal(atomic_load(taken), 16 * 5);
    /* They are gone, and the buckets are as empty as they left them. */
    for (uint64_t key = 0; key < 16; key++)
        assert_false(take(key, S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)
        T(a_new_bucket_is_full_and_gives_its_burst),
        T(a_token_comes_back_and_no_bucket_gets_fuller_than_full),
        T(time_fills_it_at_its_rate_and_not_above_its_burst),
        T(over_a_long_time_it_gives_the_rate_and_one_burst),
        T(who_waits_as_told_is_served),
        T(looking_takes_nothing),
        T(a_rate_of_zero_is_no_limit),
        T(keys_do_not_touch_each_other),
        T(a_changed_limit_holds_at_once),
        T(a_clock_that_steps_costs_one_window_at_most),
        T(extreme_limits_fit),
        T(beyond_its_size_keys_share_buckets),
        T(one_who_is_nearest_to_full_gives_way_first),
        T(workers_that_race_take_each_token_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
