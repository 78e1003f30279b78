/* When a canary stops itself: a bad one soon, a good one seldom, and it says why. */
#include "payment/canary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static enum canary_verdict judge(const struct canary_bounds *bounds, const struct rules_tally *live,
                                 const struct rules_tally *canary, char why[512])
{
    struct buf text;
    int32_t look = canary_look(bounds, canary->approved + canary->declined);
    if (look == 0)
        return CANARY_GOES_ON;
    buf_init(&text, 512);
    enum canary_verdict verdict = canary_judge(bounds, live, canary, look, &text);
    assert_true(buf_is_ok(&text));
    (void)str_copy_to(buf_str(&text), why, 512);
    buf_release(&text);
    return verdict;
}

static void bounds_are_read_and_garbage_gives_the_usual_ones(void **state)
{
    (void)state;
    struct canary_bounds bounds =
        canary_bounds_read(STR("{\"success_drop\":20000,\"cost_rise\":0,\"after_payments\":30}"));
    assert_int_equal(bounds.success_drop_millionths, 20000);
    assert_int_equal(bounds.cost_rise_millionths, 0);
    assert_int_equal(bounds.after_payments, 30);
    bounds = canary_bounds_read(STR("{\"success_drop\":-1,\"after_payments\":1}"));
    assert_int_equal(bounds.success_drop_millionths, CANARY_SUCCESS_DROP);
    assert_int_equal(bounds.after_payments, CANARY_AFTER);
    assert_int_equal(canary_bounds_read(STR("nonsense")).after_payments, CANARY_AFTER);
}

static void looks_come_when_answers_grow_by_a_quarter(void **state)
{
    (void)state;
    struct canary_bounds bounds = {.after_payments = 20};
    assert_int_equal(canary_look(&bounds, 19), 0);
    assert_int_equal(canary_look(&bounds, 20), 1);
    assert_int_equal(canary_look(&bounds, 25), 1);
    assert_int_equal(canary_look(&bounds, 26), 2);
    assert_in_range(canary_look(&bounds, 1000000), 40, 60);
}

static void what_is_bad_is_told_in_words_and_numbers(void **state)
{
    (void)state;
    char why[512];
    struct canary_bounds bounds = canary_bounds_read(STR("{\"after_payments\":20}"));
    struct rules_tally live = {.approved = 190, .declined = 10, .unknown = 3};
    struct rules_tally canary = {.approved = 2, .declined = 18, .unknown = 1};
    assert_int_equal(judge(&bounds, &live, &canary, why), CANARY_SUCCESS_FELL);
    assert_non_null(strstr(why, "2 of 20 attempts answered were approved (10.0%)"));
    assert_non_null(strstr(why, "190 of 200 (95.0%)"));
    live.approved = 4; /* nothing to compare with */
    live.declined = 0;
    assert_int_equal(judge(&bounds, &live, &canary, why), CANARY_GOES_ON);
}

static void unknown_outcomes_are_no_failures(void **state)
{
    (void)state;
    char why[512];
    struct canary_bounds bounds = canary_bounds_read(STR("{\"after_payments\":20}"));
    struct rules_tally live = {.approved = 200};
    struct rules_tally canary = {.approved = 20, .unknown = 500};
    assert_int_equal(judge(&bounds, &live, &canary, why), CANARY_GOES_ON);
}

static void fees_that_rise_stop_it_too(void **state)
{
    (void)state;
    char why[512];
    struct canary_bounds bounds = canary_bounds_read(STR("{\"after_payments\":20}"));
    struct rules_tally live = {0};
    struct rules_tally canary = {0};
    for (int i = 0; i < 100; i++)
        canary_add(&live, true, false, 20 + i % 3, 1000); /* 2.0 to 2.2 % */
    for (int i = 0; i < 30; i++)
        canary_add(&canary, true, false, 22 + i % 3, 1000);
    assert_int_equal(judge(&bounds, &live, &canary, why), CANARY_GOES_ON);
    for (int i = 0; i < 30; i++)
        canary_add(&canary, true, false, 45, 1000);
    assert_int_equal(judge(&bounds, &live, &canary, why), CANARY_COST_ROSE);
    assert_non_null(strstr(why, "cost rose"));
    canary_add(&canary, true, false, -1, 1000); /* a fee that is not known */
    assert_int_equal(canary.fee_count, 60);
}

/* 1,000 canaries of 2,000 attempts each, exactly as good as the live set, with no drop allowed. */
static void one_that_is_as_good_is_stopped_seldom(void **state)
{
    (void)state;
    char why[512];
    struct rng rng;
    unsigned stopped = 0;
    struct canary_bounds bounds = canary_bounds_read(STR("{\"success_drop\":0}"));
    rng_seed(&rng, 20261122);
    for (unsigned trial = 0; trial < 1000; trial++) {
        struct rules_tally live = {0};
        struct rules_tally canary = {0};
        enum canary_verdict verdict = CANARY_GOES_ON;
        for (unsigned i = 0; i < 2000 && verdict == CANARY_GOES_ON; i++) {
            canary_add(&canary, rng_below(&rng, 100) < 90, false, -1, 0);
            for (unsigned j = 0; j < 4; j++)
                canary_add(&live, rng_below(&rng, 100) < 90, false, -1, 0);
            int64_t all = canary.approved + canary.declined;
            if (canary_look(&bounds, all) > canary_look(&bounds, all - 1))
                verdict = judge(&bounds, &live, &canary, why);
        }
        stopped += verdict != CANARY_GOES_ON;
    }
    assert_true(stopped <= 50);
}

/* And one that approves 80 % instead of 95 % is stopped, within a few hundred. */
static void one_that_is_worse_is_stopped_surely(void **state)
{
    (void)state;
    char why[512];
    struct rng rng;
    int64_t most = 0;
    struct canary_bounds bounds = canary_bounds_read(STR("{}"));
    rng_seed(&rng, 20261122);
    for (unsigned trial = 0; trial < 200; trial++) {
        struct rules_tally live = {0};
        struct rules_tally canary = {0};
        enum canary_verdict verdict = CANARY_GOES_ON;
        while (verdict == CANARY_GOES_ON && canary.approved < 5000) {
            canary_add(&canary, rng_below(&rng, 100) < 80, false, -1, 0);
            for (unsigned j = 0; j < 9; j++)
                canary_add(&live, rng_below(&rng, 100) < 95, false, -1, 0);
            int64_t all = canary.approved + canary.declined;
            if (canary_look(&bounds, all) > canary_look(&bounds, all - 1))
                verdict = judge(&bounds, &live, &canary, why);
        }
        int64_t all = canary.approved + canary.declined;
        assert_int_equal(verdict, CANARY_SUCCESS_FELL);
        most = all > most ? all : most;
    }
    assert_true(most <= 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_read_and_garbage_gives_the_usual_ones),
        cmocka_unit_test(looks_come_when_answers_grow_by_a_quarter),
        cmocka_unit_test(what_is_bad_is_told_in_words_and_numbers),
        cmocka_unit_test(unknown_outcomes_are_no_failures),
        cmocka_unit_test(fees_that_rise_stop_it_too),
        cmocka_unit_test(one_that_is_as_good_is_stopped_seldom),
        cmocka_unit_test(one_that_is_worse_is_stopped_surely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
