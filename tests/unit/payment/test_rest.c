/* Accounts whose provider turns requests away. */
#include "payment/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/clock.h"

#include <cmocka.h>

#define MS     CLOCK_MS_US
#define SECOND CLOCK_SECOND_US

static struct rests *rests;
static struct uuid account;
static int64_t now_us;

static int start(void **state)
{
    (void)state;
    rests = rests_new();
    account = uuid_new();
    now_us = 1000 * SECOND;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rests_free(&rests);
    return 0;
}

static int64_t left(void)
{
    return rests_left_us(rests, &account, now_us);
}

static void a_rest_grows_until_one_is_taken(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct uuid other = uuid_new();
    (void)state;
    assert_int_equal(left(), 0);
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        rests_turned_away(rests, &account, -1, now_us);
        assert_int_equal(left(), seconds[i] * SECOND);
        assert_int_equal(rests_left_us(rests, &other, now_us), 0);
        now_us += left();
        assert_int_equal(left(), 0);
    }
    rests_was_taken(rests, &account, now_us);
    assert_int_equal(rests_count(rests), 0);
    rests_turned_away(rests, &account, -1, now_us);
    assert_int_equal(left(), SECOND);
}

static void what_the_provider_says_counts(void **state)
{
    (void)state;
    rests_turned_away(rests, &account, 20000, now_us);
    assert_int_equal(left(), 20 * SECOND);
    rests_turned_away(rests, &account, -1, now_us); /* never shorter */
    assert_int_equal(left(), 20 * SECOND);
    rests_turned_away(rests, &account, 1000 * 3600 * 1000LL, now_us); /* nor for ever */
    assert_int_equal(left(), 3600 * SECOND);
}

/* Many were on their way when the first was turned away: that is one rest, not many. */
static void what_was_on_its_way_does_not_lengthen_it(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++)
        rests_turned_away(rests, &account, -1, now_us + i);
    assert_int_equal(left(), SECOND + 63);
    rests_was_taken(rests, &account, now_us); /* sent before, answered late */
    assert_int_equal(left(), SECOND + 63);
}

static void after_it_one_goes_ahead(void **state)
{
    (void)state;
    rests_try(rests, &account, now_us); /* nobody rests: nothing is to be tried */
    assert_int_equal(rests_count(rests), 0);
    rests_turned_away(rests, &account, -1, now_us);
    now_us += SECOND;
    assert_int_equal(left(), 0);
    rests_try(rests, &account, now_us);
    assert_true(left() > 0); /* the others */
    rests_turned_away(rests, &account, -1, now_us + MS);
    now_us += 2 * SECOND + MS;
    assert_int_equal(left(), 0);
    rests_try(rests, &account, now_us);
    rests_was_taken(rests, &account, now_us);
    assert_int_equal(left(), 0);
    /* One that never comes back keeps the others waiting for a while only. */
    rests_turned_away(rests, &account, -1, now_us);
    now_us += SECOND;
    rests_try(rests, &account, now_us);
    now_us += 29 * SECOND;
    assert_true(left() > 0);
    now_us += SECOND;
    assert_int_equal(left(), 0);
}

static void they_are_bounded_in_number(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct uuid one = uuid_new();
        rests_turned_away(rests, &one, -1, now_us);
    }
    assert_int_equal(rests_count(rests), 4096);
    now_us += 100 * SECOND;
    rests_turned_away(rests, &account, -1, now_us);
    assert_int_equal(rests_count(rests), 1);
    assert_int_equal(left(), SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_rest_grows_until_one_is_taken),
        TEST(what_the_provider_says_counts),
        TEST(what_was_on_its_way_does_not_lengthen_it),
        TEST(after_it_one_goes_ahead),
        TEST(they_are_bounded_in_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
