#include "payment/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct provider_judgement approved = {.outcome = OUTCOME_APPROVED};
static const struct provider_judgement declined = {.outcome = OUTCOME_DECLINED_HARD};
static const struct provider_judgement unreadable = {.outcome = OUTCOME_UNKNOWN};
static const struct provider_judgement in_progress = {.outcome = OUTCOME_UNKNOWN,
                                                      .in_progress = true};
static const struct provider_judgement known_key = {.outcome = OUTCOME_UNKNOWN, .duplicate = true};

static void an_answer_that_can_be_read_is_a_sign_of_health(void **state)
{
    static const struct {
        enum provider_step step;
        int status;
        const struct provider_judgement *judgement;
        enum health_event want;
    } rows[] = {
        {PROVIDER_STEP_CHARGE, 201, &approved, HEALTH_SUCCESS},
        {PROVIDER_STEP_CHARGE, 422, &declined, HEALTH_SUCCESS},
        {PROVIDER_STEP_CHARGE, 200, &unreadable, HEALTH_ERROR},
        {PROVIDER_STEP_CHARGE, 409, &in_progress, HEALTH_SUCCESS},
        {PROVIDER_STEP_CHARGE, 400, &known_key, HEALTH_SUCCESS},
        {PROVIDER_STEP_CHARGE, 503, &in_progress, HEALTH_ERROR},
        {PROVIDER_STEP_CHARGE, 503, &known_key, HEALTH_ERROR},
        {PROVIDER_STEP_CHARGE, 429, &declined, HEALTH_ERROR},
        {PROVIDER_STEP_LOOKUP, 404, &unreadable, HEALTH_SUCCESS},
        {PROVIDER_STEP_LOOKUP, 500, &unreadable, HEALTH_ERROR},
        {PROVIDER_STEP_CANCEL, 400, &unreadable, HEALTH_SUCCESS},
        {PROVIDER_STEP_CANCEL, 504, &unreadable, HEALTH_ERROR},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct engine_result result = {
            .end = ENGINE_ANSWERED, .left = true, .answer.status = rows[i].status};
        const enum health_event is = drive_health_event(rows[i].step, &result, rows[i].judgement);
        if (is != rows[i].want)
            fail_msg("row %zu: %d instead of %d", i, (int)is, (int)rows[i].want);
    }
}

static void without_an_answer_the_judgement_counts_for_nothing(void **state)
{
    const struct engine_result lost = {.end = ENGINE_LOST, .left = true};
    const struct engine_result refused = {.end = ENGINE_NOT_SENT};
    const struct engine_result busy = {.end = ENGINE_NOT_SENT, .is_ours = true};
    (void)state;

    assert_int_equal(drive_health_event(PROVIDER_STEP_CHARGE, &lost, &approved), HEALTH_LOST);
    assert_int_equal(drive_health_event(PROVIDER_STEP_LOOKUP, &refused, &approved),
                     HEALTH_NOT_SENT);
    assert_int_equal(drive_health_event(PROVIDER_STEP_CHARGE, &busy, &approved), HEALTH_NEUTRAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_can_be_read_is_a_sign_of_health),
        cmocka_unit_test(without_an_answer_the_judgement_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
