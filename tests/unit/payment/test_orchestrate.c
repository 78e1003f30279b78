#include "core.h"

/* ---- one provider ---------------------------------------------------------------------------- */

static void intent_is_committed_before_anything_leaves(void **state)
{
    (void)state;
    struct run run = {.now = 7 * SEC};
    struct orchestrate_candidate candidate = {.replay = REPLAY_NONE};
    orchestrate_init(&run.core, &core_limits, OPERATION_SALE, &candidate, 1);
    begin(&run);
    assert_int_equal(run.action.kind, ACTION_PREPARE);
    assert_int_equal(run.action.attempt_number, 1);
    assert_int_equal(run.action.candidate, 0);
    assert_int_equal(run.action.send_number, 1);
    prepared(&run, true);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.opens_payment);
    assert_true(run.action.write.opens_attempt);
    assert_true(run.action.write.opens_send);
    assert_false(run.action.write.has_outcome);
    assert_int_equal(run.action.now_us, 7 * SEC);
    run.now += SEC;
    committed(&run);
    assert_int_equal(run.action.kind, ACTION_SEND);
    assert_int_equal(run.action.send, SEND_FIRST);
    assert_int_equal(run.action.send_number, 1);
    assert_int_equal(run.action.not_after_us, 7 * SEC + core_limits.send_window_us);
}

static void approval_is_told_only_after_its_commit(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 3, true);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    assert_int_equal(run.action.write.outcome_number, 1);
    assert_int_equal(run.action.write.outcome_send_number, 1);
    assert_false(run.action.write.parks);
    expect_end(&run, REPLY_FINAL);
}

static void an_authorization_ends_authorized(void **state)
{
    (void)state;
    struct run run;
    start(&run, OPERATION_AUTHORIZE, 1, true);
    committed(&run);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_AUTHORIZED);
}

static void a_lost_answer_to_a_charge_is_unknown_and_parked(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 3, true);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_PROCESSING);
    assert_true(run.action.write.parks);
    assert_int_equal(run.action.write.park_next_us, run.now + core_limits.resolve_first_us);
    assert_int_equal(run.action.write.park_tries, 0);
    expect_end(&run, REPLY_PROCESSING);
}

static void an_unreadable_answer_to_a_charge_is_unknown(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {
        whole(OUTCOME_UNKNOWN),           whole(OUTCOME_NONE),         duplicate(OUTCOME_FAILED),
        duplicate(OUTCOME_DECLINED_SOFT), duplicate(OUTCOME_APPROVED),
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        start_sending(&run, 3, true);
        answered(&run, answers[i]);
        expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_PROCESSING);
        assert_false(run.action.write.needs_review);
    }
}

static void a_wrong_amount_is_never_success_and_a_person_must_look(void **state)
{
    (void)state;
    const enum outcome outcomes[] = {OUTCOME_APPROVED,      OUTCOME_PENDING,
                                     OUTCOME_DECLINED_SOFT, OUTCOME_DECLINED_HARD,
                                     OUTCOME_FAILED,        OUTCOME_REQUIRES_ACTION};
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        struct run run;
        start_sending(&run, 3, true);
        answered(&run, mismatch(outcomes[i]));
        expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
        assert_true(run.action.write.needs_review);
        assert_int_equal(run.action.write.review, REVIEW_AMOUNT_MISMATCH);
        assert_false(run.action.write.parks);
        expect_end(&run, REPLY_PROCESSING);
    }
}

static void pending_is_parked_and_not_an_end(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 3, true);
    answered(&run, whole(OUTCOME_PENDING));
    expect_close(&run, OUTCOME_PENDING, PAYMENT_PROCESSING);
    assert_true(run.action.write.parks);
    expect_end(&run, REPLY_PROCESSING);

    start_sending(&run, 3, true);
    answered(&run, whole(OUTCOME_REQUIRES_ACTION));
    expect_close(&run, OUTCOME_REQUIRES_ACTION, PAYMENT_REQUIRES_ACTION);
    assert_true(run.action.write.parks);
    expect_end(&run, REPLY_PROCESSING);
}

/* ---- failover -------------------------------------------------------------------------------- */

static void a_send_that_did_not_leave_fails_over_in_one_commit(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, true);
    answered(&run, not_left());
    assert_int_equal(run.action.kind, ACTION_PREPARE);
    assert_int_equal(run.action.attempt_number, 2);
    assert_int_equal(run.action.candidate, 1);
    assert_int_equal(run.action.send_number, 1);
    prepared(&run, true);
    expect_switch(&run, 1, OUTCOME_FAILED);
    assert_false(run.action.write.left);
    assert_true(run.action.write.opens_send);
    committed(&run);
    assert_int_equal(run.action.kind, ACTION_SEND);
    assert_int_equal(run.action.attempt_number, 2);
    assert_int_equal(run.action.candidate, 1);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    assert_int_equal(run.action.write.outcome_attempt_number, 2);
    assert_int_equal(run.action.write.outcome_number, 1);
    expect_end(&run, REPLY_FINAL);
}

static void a_soft_decline_fails_over_and_a_hard_one_never(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, true);
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    prepared(&run, true);
    expect_switch(&run, 1, OUTCOME_DECLINED_SOFT);
    assert_true(run.action.write.left);

    start_sending(&run, 2, true);
    answered(&run, whole(OUTCOME_DECLINED_HARD));
    expect_close(&run, OUTCOME_DECLINED_HARD, PAYMENT_DECLINED);
    expect_end(&run, REPLY_FINAL);
}

static void the_last_candidate_ends_the_payment(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 1, true);
    answered(&run, not_left());
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
    expect_end(&run, REPLY_FINAL);
}

static void no_more_than_attempt_max_are_tried(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 10, true);
    for (uint8_t i = 1; i < core_limits.attempt_max; i++) {
        answered(&run, whole(OUTCOME_FAILED));
        prepared(&run, true);
        expect_switch(&run, i, OUTCOME_FAILED);
        committed(&run);
    }
    answered(&run, whole(OUTCOME_FAILED));
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

static void a_soft_decline_before_a_failure_ends_declined(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, true);
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    prepared(&run, true);
    committed(&run);
    answered(&run, not_left());
    expect_close(&run, OUTCOME_FAILED, PAYMENT_DECLINED);
}

static void a_canceled_payment_neither_fails_over_nor_sends(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, true);
    orchestrate_cancel(&run.core);
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    expect_close(&run, OUTCOME_DECLINED_SOFT, PAYMENT_DECLINED);

    start(&run, OPERATION_SALE, 2, true);
    orchestrate_cancel(&run.core);
    committed(&run);
    expect_close(&run, OUTCOME_FAILED, PAYMENT_CANCELED);
    assert_false(run.action.write.left);
}

static void what_an_adapter_cannot_express_is_recorded_and_passed_over(void **state)
{
    (void)state;
    struct run run = {.now = SEC};
    struct orchestrate_candidate candidates[2] = {{.replay = REPLAY_NONE}};
    orchestrate_init(&run.core, &core_limits, OPERATION_SALE, candidates, 2);
    begin(&run);
    refused(&run);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.opens_payment);
    assert_true(run.action.write.opens_attempt);
    assert_false(run.action.write.opens_send);
    committed(&run);
    assert_int_equal(run.action.kind, ACTION_PREPARE);
    prepared(&run, true);
    expect_switch(&run, 1, OUTCOME_FAILED);
    assert_int_equal(run.action.write.outcome_send_number, 0);
    assert_false(run.action.write.left);
    committed(&run);
    answered(&run, not_left());
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

static void when_every_adapter_refuses_the_payment_failed_and_nothing_was_sent(void **state)
{
    (void)state;
    struct run run = {.now = SEC};
    struct orchestrate_candidate candidates[2] = {{.replay = REPLAY_NONE}};
    orchestrate_init(&run.core, &core_limits, OPERATION_SALE, candidates, 2);
    begin(&run);
    refused(&run);
    committed(&run);
    refused(&run);
    expect_switch(&run, 1, OUTCOME_FAILED);
    assert_false(run.action.write.opens_send);
    committed(&run);
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
    assert_int_equal(run.action.write.outcome_attempt_number, 2);
    expect_end(&run, REPLY_FINAL);
}

/* ---- two steps ------------------------------------------------------------------------------- */

static void facts_and_the_next_send_are_one_commit(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, false);
    answered(&run, whole(OUTCOME_NONE));
    assert_int_equal(run.action.kind, ACTION_PREPARE);
    assert_int_equal(run.action.attempt_number, 1);
    assert_int_equal(run.action.send_number, 2);
    prepared(&run, true);
    assert_int_equal(run.core.phase, PHASE_RECORDING);
    assert_true(run.action.write.has_outcome);
    assert_int_equal(run.action.write.outcome, OUTCOME_NONE);
    assert_int_equal(run.action.write.outcome_number, 1);
    assert_int_equal(run.action.write.outcome_send_number, 1);
    assert_true(run.action.write.opens_send);
    assert_int_equal(run.action.send_number, 2);
    assert_false(run.action.write.opens_attempt);
    committed(&run);
    assert_int_equal(run.action.kind, ACTION_SEND);
    assert_int_equal(run.action.send_number, 2);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_PROCESSING);
    assert_int_equal(run.action.write.outcome_number, 2);
}

static void a_session_that_comes_to_nothing_fails_over(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {
        lost(),
        not_left(),
        whole(OUTCOME_UNKNOWN),
        whole(OUTCOME_FAILED),
        duplicate(OUTCOME_NONE),
        mismatch(OUTCOME_NONE),
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        start_sending(&run, 2, false);
        answered(&run, answers[i]);
        prepared(&run, true);
        expect_switch(&run, 1, OUTCOME_FAILED);
    }
}

static void a_charge_that_cannot_be_built_after_its_session_fails_over(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, false);
    answered(&run, whole(OUTCOME_NONE));
    refused(&run);
    assert_int_equal(run.action.attempt_number, 2);
    prepared(&run, true);
    expect_switch(&run, 1, OUTCOME_FAILED);
    assert_int_equal(run.action.write.outcome_number, 1);
}

static void a_session_that_starts_something_counts_as_money(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, false);
    answered(&run, whole(OUTCOME_PENDING));
    expect_close(&run, OUTCOME_PENDING, PAYMENT_PROCESSING);
    assert_true(run.core.attempt.send[0].moves_money);

    start_sending(&run, 2, false);
    answered(&run, mismatch(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);

    start_sending(&run, 2, false);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    assert_true(
        run.core.attempt.send[0].moves_money); /* as for whoever rebuilds it from its rows */
}

static void sessions_without_end_are_cut_off(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 1, false);
    for (int i = 1; i < ORCHESTRATE_SEND_MAX; i++) {
        answered(&run, whole(OUTCOME_NONE));
        prepared(&run, false);
        committed(&run);
    }
    answered(&run, whole(OUTCOME_NONE));
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

static void a_passing_failure_is_sent_again_as_often_as_allowed(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 1, true);
    answered(&run, again());
    prepared(&run, true);
    assert_int_equal(run.core.phase, PHASE_RECORDING);
    assert_int_equal(run.action.write.outcome, OUTCOME_NONE);
    assert_int_equal(run.action.send_number, 2);
    committed(&run);
    answered(&run, again());
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
    assert_int_equal(run.action.write.outcome_number, 2);
    assert_int_equal(run.action.write.outcome_send_number, 2);
}

static void a_send_again_that_is_lost_is_unknown(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, true);
    answered(&run, again());
    prepared(&run, true);
    committed(&run);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_PROCESSING);
}

/* ---- the rule -------------------------------------------------------------------------------- */

/* An attempt whose second send is out; of the first one it is known so much. */
static void start_second(struct run *run, bool moves_money, bool left, bool held, bool has_answer)
{
    start_sending(run, 2, true);
    answered(run, again());
    prepared(run, true);
    committed(run);
    assert_int_equal(run->action.send_number, 2);
    struct orchestrate_send_state *first = &run->core.attempt.send[0];
    first->moves_money = moves_money;
    first->left = left;
    first->held = held;
    first->answered = has_answer;
}

/*
 * The second line: another send is opened only when the one before has its answer. Were it ever not so,
 * the answer to the later one would end nothing, and nobody else would be tried.
 */
static void a_no_ends_nothing_while_an_earlier_charge_is_open(void **state)
{
    (void)state;
    const enum outcome ends[] = {OUTCOME_DECLINED_SOFT, OUTCOME_DECLINED_HARD, OUTCOME_FAILED};
    const struct {
        bool left, held; /* what another worker held may have left */
    } open[] = {{true, true}, {true, false}, {false, false}};
    struct run run;
    for (size_t n = 0; n < ARRAY_LEN(ends) * ARRAY_LEN(open); n++) {
        size_t i = n / ARRAY_LEN(ends);
        start_second(&run, true, open[i].left, open[i].held, false);
        answered(&run, whole(ends[n % ARRAY_LEN(ends)]));
        expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_PROCESSING);
        assert_true(run.action.write.parks);
    }
    start_second(&run, true, true, true, false);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);

    const struct {
        bool moves_money, left, has_answer;
    } harmless[] = {{false, true, false}, {true, false, false}, {true, true, true}};
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
        start_second(&run, harmless[i].moves_money, harmless[i].left, true, harmless[i].has_answer);
        answered(&run, whole(OUTCOME_DECLINED_SOFT));
        prepared(&run, true);
        expect_switch(&run, 1, OUTCOME_DECLINED_SOFT);
    }
}

static bool rule(const struct orchestrate_send_state *send)
{
    if (!send->moves_money)
        return send->outcome != OUTCOME_DECLINED_HARD;
    bool never_left = !send->left && send->held;
    bool refused_softly =
        send->left && send->answered &&
        (send->outcome == OUTCOME_DECLINED_SOFT || send->outcome == OUTCOME_FAILED);
    return (never_left || refused_softly) && send->outcome != OUTCOME_DECLINED_HARD;
}

static void nth_send(unsigned n, struct orchestrate_send_state *send)
{
    *send = (struct orchestrate_send_state){
        .moves_money = n & 1,
        .held = n & 2,
        .left = n & 4,
        .answered = n & 8,
        .outcome = (enum outcome)(n >> 4),
    };
}

static void the_rule_of_failover_holds_for_every_pair_of_sends(void **state)
{
    (void)state;
    const unsigned count = 16 * OUTCOME_COUNT;
    unsigned allowed = 0;
    for (unsigned a = 0; a < count; a++) {
        for (unsigned b = 0; b < count; b++) {
            struct orchestrate core = {.attempt = {.state = ATTEMPT_FAILED, .send_count = 2}};
            nth_send(a, &core.attempt.send[0]);
            nth_send(b, &core.attempt.send[1]);
            bool expected = rule(&core.attempt.send[0]) && rule(&core.attempt.send[1]);
            assert_int_equal(orchestrate_may_fail_over(&core), expected);
            allowed += expected;
            core.is_resumed = true;
            assert_false(orchestrate_may_fail_over(&core));
            core.is_resumed = false;
            core.is_canceled = true;
            assert_false(orchestrate_may_fail_over(&core));
        }
    }
    assert_true(allowed > 0 && allowed < count * count / 2);
}

static void no_state_in_which_money_may_have_moved_fails_over(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPT_STATE_COUNT; i++) {
        struct orchestrate core = {.attempt = {.state = (enum attempt_state)i}};
        assert_int_equal(orchestrate_may_fail_over(&core),
                         attempt_may_fail_over((enum attempt_state)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intent_is_committed_before_anything_leaves),
        cmocka_unit_test(approval_is_told_only_after_its_commit),
        cmocka_unit_test(an_authorization_ends_authorized),
        cmocka_unit_test(a_lost_answer_to_a_charge_is_unknown_and_parked),
        cmocka_unit_test(an_unreadable_answer_to_a_charge_is_unknown),
        cmocka_unit_test(a_wrong_amount_is_never_success_and_a_person_must_look),
        cmocka_unit_test(pending_is_parked_and_not_an_end),
        cmocka_unit_test(a_send_that_did_not_leave_fails_over_in_one_commit),
        cmocka_unit_test(a_soft_decline_fails_over_and_a_hard_one_never),
        cmocka_unit_test(the_last_candidate_ends_the_payment),
        cmocka_unit_test(no_more_than_attempt_max_are_tried),
        cmocka_unit_test(a_soft_decline_before_a_failure_ends_declined),
        cmocka_unit_test(a_canceled_payment_neither_fails_over_nor_sends),
        cmocka_unit_test(what_an_adapter_cannot_express_is_recorded_and_passed_over),
        cmocka_unit_test(when_every_adapter_refuses_the_payment_failed_and_nothing_was_sent),
        cmocka_unit_test(facts_and_the_next_send_are_one_commit),
        cmocka_unit_test(a_session_that_comes_to_nothing_fails_over),
        cmocka_unit_test(a_charge_that_cannot_be_built_after_its_session_fails_over),
        cmocka_unit_test(a_session_that_starts_something_counts_as_money),
        cmocka_unit_test(sessions_without_end_are_cut_off),
        cmocka_unit_test(a_passing_failure_is_sent_again_as_often_as_allowed),
        cmocka_unit_test(a_send_again_that_is_lost_is_unknown),
        cmocka_unit_test(a_no_ends_nothing_while_an_earlier_charge_is_open),
        cmocka_unit_test(the_rule_of_failover_holds_for_every_pair_of_sends),
        cmocka_unit_test(no_state_in_which_money_may_have_moved_fails_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
