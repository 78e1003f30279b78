/* Who is tried next, decided anew before each further attempt. */
#include "core.h"

enum {
    KNOWN = 4,
    NAMES_MAX = KNOWN + 1,     /* of one decision: one may be named twice */
    LISTS = 5 * 5 * 5 * 5 * 5, /* each place: one of four, or the end */
};

static void start_anew(struct run *run, size_t first_count)
{
    static const struct orchestrate_candidate candidate[KNOWN] = {{.replay = REPLAY_FIRST_ANSWER}};
    *run = (struct run){.now = 1000 * SEC};
    orchestrate_init(&run->core, &core_limits, OPERATION_SALE, candidate, KNOWN);
    orchestrate_decide_anew(&run->core, first_count);
    begin(run);
    prepared(run, true);
    committed(run);
}

static void soft_declined(struct run *run)
{
    answered(run, whole(OUTCOME_DECLINED_SOFT));
}

/* The list number `list`, written to base 5. */
static size_t list_of(unsigned list, uint8_t names[NAMES_MAX])
{
    size_t count = 0;
    for (; list % 5 > 0; list /= 5)
        names[count++] = (uint8_t)(list % 5 - 1);
    return count;
}

static void whoever_was_tried_is_passed_over_whatever_is_named(void **state)
{
    (void)state;
    for (unsigned first = 0; first < LISTS; first++) {
        uint8_t names[NAMES_MAX];
        struct run run;
        bool tried[KNOWN] = {[0] = true};
        size_t count = list_of(first, names);
        start_anew(&run, 1);
        soft_declined(&run);
        for (uint8_t number = 2; run.action.kind == ACTION_PREPARE; number++) {
            int expected = ORCHESTRATE_NOBODY;
            for (size_t i = count; i > 0; i--)
                expected = tried[names[i - 1]] ? expected : names[i - 1];
            assert_int_equal(run.action.attempt_number, number);
            assert_int_equal(orchestrate_reorder(&run.core, names, count, 0), expected);
            if (expected == ORCHESTRATE_NOBODY) {
                refused(&run);
                committed(&run);
                expect_close(&run, OUTCOME_FAILED, PAYMENT_DECLINED);
                break;
            }
            tried[expected] = true;
            prepared(&run, true);
            assert_int_equal(run.action.candidate, expected);
            committed(&run);
            soft_declined(&run);
        }
        assert_true(run.core.attempt_number <= core_limits.attempt_max);
    }
}

static void a_later_decision_may_name_whom_the_first_did_not(void **state)
{
    (void)state;
    struct run run;
    const uint8_t names[] = {3};
    start_anew(&run, 2);
    soft_declined(&run);
    assert_int_equal(run.action.candidate, 1);
    assert_int_equal(orchestrate_reorder(&run.core, names, 1, 0), 3);
    prepared(&run, true);
    assert_int_equal(run.action.candidate, 3);
    assert_true(run.action.write.opens_attempt);
    committed(&run);
    assert_int_equal(run.action.kind, ACTION_SEND);
    assert_int_equal(run.action.candidate, 3);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
}

static void nobody_follows_a_decision_that_names_nobody(void **state)
{
    (void)state;
    struct run run;
    start_anew(&run, KNOWN);
    soft_declined(&run);
    uint8_t recorded = run.action.candidate;
    assert_int_equal(orchestrate_reorder(&run.core, NULL, 0, 0), ORCHESTRATE_NOBODY);
    refused(&run);
    assert_int_equal(run.action.attempt_number, 2);
    assert_int_equal(run.action.candidate, recorded);
    assert_false(run.action.write.opens_send);
    committed(&run);
    expect_close(&run, OUTCOME_FAILED, PAYMENT_DECLINED);
    expect_end(&run, REPLY_FINAL);
}

/* What failed for a technical reason ends declined all the same, when the rules say so. */
static void what_the_rules_decline_is_declined(void **state)
{
    (void)state;
    for (int declines = 0; declines <= 1; declines++) {
        struct run run;
        start_anew(&run, KNOWN);
        answered(&run, not_left());
        assert_int_equal(orchestrate_reorder(&run.core, NULL, 0, 0), ORCHESTRATE_NOBODY);
        step_core(&run, (struct orchestrate_event){
                            .kind = EVENT_PREPARED,
                            .prepared = {.refused = true, .declined = declines == 1}});
        committed(&run);
        expect_close(&run, OUTCOME_FAILED, declines ? PAYMENT_DECLINED : PAYMENT_FAILED);
    }
}

static void the_bound_on_attempts_only_gets_lower(void **state)
{
    (void)state;
    const uint8_t names[] = {1, 2, 3};
    const struct {
        uint8_t attempt_max;
        unsigned attempts;
    } rows[] = {{0, 3}, {1, 2}, {2, 2}, {3, 3}, {4, 3}, {200, 3}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run run;
        start_anew(&run, 1);
        soft_declined(&run);
        while (run.action.kind == ACTION_PREPARE) {
            (void)!orchestrate_reorder(&run.core, names, 3, rows[i].attempt_max);
            prepared(&run, true);
            committed(&run);
            soft_declined(&run);
        }
        expect_close(&run, OUTCOME_DECLINED_SOFT, PAYMENT_DECLINED);
        assert_int_equal(run.core.attempt_number, rows[i].attempts);
    }
}

/* P1: no decision is asked for where THE RULE allows no other attempt. */
static void what_may_have_charged_is_never_decided_anew(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {
        lost(),
        whole(OUTCOME_UNKNOWN),
        whole(OUTCOME_PENDING),
        whole(OUTCOME_DECLINED_HARD),
        mismatch(OUTCOME_DECLINED_SOFT),
        duplicate(OUTCOME_DECLINED_SOFT),
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        start_anew(&run, KNOWN);
        answered(&run, answers[i]);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_int_equal(run.core.phase, PHASE_CLOSING);
    }
    struct run run;
    start_anew(&run, KNOWN);
    orchestrate_cancel(&run.core);
    soft_declined(&run);
    assert_int_equal(run.core.phase, PHASE_CLOSING);
}

static void the_same_attempt_is_not_decided_anew(void **state)
{
    (void)state;
    struct run run;
    const uint8_t names[] = {2};
    start_anew(&run, 1);
    answered(&run, again());
    assert_int_equal(run.action.kind, ACTION_PREPARE);
    assert_int_equal(run.action.attempt_number, 1);
    assert_int_equal(run.action.send_number, 2);
    prepared(&run, true);
    committed(&run);
    soft_declined(&run);
    assert_int_equal(orchestrate_reorder(&run.core, names, 1, 0), 2);
    prepared(&run, true);
    committed(&run);
    answered(&run, again());
    assert_int_equal(run.action.attempt_number, 2);
    assert_int_equal(run.action.send_number, 2);
    assert_int_equal(run.action.candidate, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_was_tried_is_passed_over_whatever_is_named),
        cmocka_unit_test(a_later_decision_may_name_whom_the_first_did_not),
        cmocka_unit_test(nobody_follows_a_decision_that_names_nobody),
        cmocka_unit_test(what_the_rules_decline_is_declined),
        cmocka_unit_test(the_bound_on_attempts_only_gets_lower),
        cmocka_unit_test(what_may_have_charged_is_never_decided_anew),
        cmocka_unit_test(the_same_attempt_is_not_decided_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
