#include "payment/plan.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_default_plan_routes_authorizes_and_captures(void **state)
{
    (void)state;
    struct plan_position at;
    plan_start(&at, &plan_default);
    assert_int_equal(plan_verb(&at), PLAN_ROUTE);
    plan_advance(&at, true);
    assert_int_equal(plan_verb(&at), PLAN_AUTHORIZE);
    plan_advance(&at, true);
    assert_int_equal(plan_verb(&at), PLAN_CAPTURE);
    plan_advance(&at, true);
    assert_int_equal(plan_verb(&at), PLAN_END);
}

static void manual_capture_ends_after_the_authorization(void **state)
{
    (void)state;
    struct plan_position at;
    plan_start(&at, &plan_default);
    plan_advance(&at, false);
    assert_int_equal(plan_verb(&at), PLAN_AUTHORIZE);
    plan_advance(&at, false);
    assert_int_equal(plan_verb(&at), PLAN_END);
}

static void authorize_and_capture_are_one_sale(void **state)
{
    (void)state;
    struct plan_position at;
    plan_start(&at, &plan_default);
    plan_advance(&at, true);
    assert_int_equal(plan_operation(&at, true), OPERATION_SALE);
    assert_int_equal(plan_operation(&at, false), OPERATION_AUTHORIZE);
}

static void a_step_between_them_parts_authorize_from_capture(void **state)
{
    (void)state;
    static const struct plan_step steps[] = {
        {"authorize", PLAN_AUTHORIZE, PLAN_ALWAYS},
        {"again", PLAN_ROUTE, PLAN_IF_CAPTURE_MANUAL},
        {"capture", PLAN_CAPTURE, PLAN_ALWAYS},
    };
    const struct plan plan = {.name = "test", .steps = steps, .count = ARRAY_LEN(steps)};
    struct plan_position at;
    plan_start(&at, &plan);
    assert_int_equal(plan_operation(&at, true), OPERATION_SALE);
    assert_int_equal(plan_operation(&at, false), OPERATION_AUTHORIZE);
    plan_advance(&at, false);
    assert_int_equal(plan_verb(&at), PLAN_ROUTE);
    plan_start(&at, &plan);
    plan_advance(&at, true);
    assert_int_equal(plan_verb(&at), PLAN_CAPTURE);
}

static void a_plan_whose_last_guard_is_false_just_ends(void **state)
{
    (void)state;
    static const struct plan_step steps[] = {
        {"authorize", PLAN_AUTHORIZE, PLAN_ALWAYS},
        {"capture", PLAN_CAPTURE, PLAN_IF_CAPTURE_AUTOMATIC},
    };
    const struct plan plan = {.name = "test", .steps = steps, .count = ARRAY_LEN(steps)};
    struct plan_position at;
    plan_start(&at, &plan);
    assert_int_equal(plan_operation(&at, false), OPERATION_AUTHORIZE);
    plan_advance(&at, false);
    assert_int_equal(plan_verb(&at), PLAN_END);
}

static void a_follow_up_is_one_step_however_the_payment_is_captured(void **state)
{
    (void)state;
    static const struct {
        enum operation operation;
        enum plan_verb verb;
    } rows[] = {
        {OPERATION_CAPTURE, PLAN_CAPTURE},
        {OPERATION_VOID, PLAN_VOID},
        {OPERATION_REFUND, PLAN_REFUND},
        {OPERATION_REAUTHORIZE, PLAN_REAUTHORIZE},
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        struct plan_position at;
        plan_start(&at, plan_of(rows[i / 2].operation));
        assert_int_equal(at.plan->steps[0].guard, PLAN_ALWAYS);
        assert_int_equal(plan_verb(&at), rows[i / 2].verb);
        plan_advance(&at, i % 2 == 0);
        assert_int_equal(plan_verb(&at), PLAN_END);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_plan_routes_authorizes_and_captures),
        cmocka_unit_test(manual_capture_ends_after_the_authorization),
        cmocka_unit_test(authorize_and_capture_are_one_sale),
        cmocka_unit_test(a_step_between_them_parts_authorize_from_capture),
        cmocka_unit_test(a_plan_whose_last_guard_is_false_just_ends),
        cmocka_unit_test(a_follow_up_is_one_step_however_the_payment_is_captured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
