#include "payment/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NO ATTEMPT_NONE

/* clang-format off */
/* The drawing in attempt.h, written a second time. Rows: from PLANNED to FAILED. */
static const enum attempt_state expected[ATTEMPT_STATE_COUNT][ATTEMPT_EVENT_COUNT] = {
    /*                     send          abandon         accept           lose_answer      approve           decline           fail          */
    [ATTEMPT_PLANNED]  = { ATTEMPT_SENT, ATTEMPT_FAILED, NO,              NO,              NO,               NO,               NO             },
    [ATTEMPT_SENT]     = { NO,           NO,             ATTEMPT_PENDING, ATTEMPT_UNKNOWN, ATTEMPT_APPROVED, ATTEMPT_DECLINED, ATTEMPT_FAILED },
    [ATTEMPT_PENDING]  = { ATTEMPT_SENT, NO,             NO,              NO,              ATTEMPT_APPROVED, ATTEMPT_DECLINED, ATTEMPT_FAILED },
    [ATTEMPT_UNKNOWN]  = { NO,           NO,             ATTEMPT_PENDING, NO,              ATTEMPT_APPROVED, ATTEMPT_DECLINED, ATTEMPT_FAILED },
    [ATTEMPT_APPROVED] = { NO,           NO,             NO,              NO,              NO,               NO,               NO             },
    [ATTEMPT_DECLINED] = { NO,           NO,             NO,              NO,              NO,               NO,               NO             },
    [ATTEMPT_FAILED]   = { NO,           NO,             NO,              NO,              NO,               NO,               NO             },
};
/* clang-format on */

static void every_pair_of_state_and_event_does_what_the_drawing_says(void **state)
{
    (void)state;
    unsigned visited = 0;
    for (int from = ATTEMPT_PLANNED; from < ATTEMPT_STATE_COUNT; from++) {
        for (int event = 0; event < ATTEMPT_EVENT_COUNT; event++) {
            enum attempt_state at = (enum attempt_state)from;
            struct error err = {0};
            bool moved = attempt_step(&at, (enum attempt_event)event, &err);
            visited++;
            if (expected[from][event] == ATTEMPT_NONE) {
                assert_false(moved);
                assert_int_equal(at, from);
                assert_int_equal(err.code, ERROR_CONFLICT);
                assert_non_null(strstr(err.text, attempt_state_name((enum attempt_state)from)));
            } else {
                assert_true(moved);
                assert_int_equal(at, expected[from][event]);
                assert_int_equal(err.code, ERROR_NONE);
            }
        }
    }
    assert_int_equal(visited, 49);
}

static void an_attempt_that_was_never_made_accepts_no_event(void **state)
{
    (void)state;
    for (int event = 0; event < ATTEMPT_EVENT_COUNT; event++) {
        enum attempt_state at = ATTEMPT_NONE;
        struct error err;
        assert_false(attempt_step(&at, (enum attempt_event)event, &err));
        assert_int_equal(at, ATTEMPT_NONE);
    }
}

static void nothing_fails_over_while_money_may_have_moved(void **state)
{
    (void)state;
    assert_false(attempt_may_fail_over(ATTEMPT_NONE));
    assert_true(attempt_may_fail_over(ATTEMPT_PLANNED));
    assert_false(attempt_may_fail_over(ATTEMPT_SENT));
    assert_false(attempt_may_fail_over(ATTEMPT_PENDING));
    assert_false(attempt_may_fail_over(ATTEMPT_UNKNOWN));
    assert_false(attempt_may_fail_over(ATTEMPT_APPROVED));
    assert_true(attempt_may_fail_over(ATTEMPT_DECLINED));
    assert_true(attempt_may_fail_over(ATTEMPT_FAILED));
}

static void what_may_fail_over_never_becomes_approved(void **state)
{
    (void)state;
    for (int from = ATTEMPT_SENT; from < ATTEMPT_STATE_COUNT; from++) {
        if (!attempt_may_fail_over((enum attempt_state)from))
            continue;
        for (int event = 0; event < ATTEMPT_EVENT_COUNT; event++) {
            enum attempt_state at = (enum attempt_state)from;
            struct error err;
            assert_false(attempt_step(&at, (enum attempt_event)event, &err));
        }
    }
}

static void every_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPT_STATE_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(attempt_state_name((enum attempt_state)i),
                                    attempt_state_name((enum attempt_state)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_state_and_event_does_what_the_drawing_says),
        cmocka_unit_test(an_attempt_that_was_never_made_accepts_no_event),
        cmocka_unit_test(nothing_fails_over_while_money_may_have_moved),
        cmocka_unit_test(what_may_fail_over_never_becomes_approved),
        cmocka_unit_test(every_state_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
