/* Payouts in the core: patience while they are pending, news, and the merchant's cancel. */
#include "core.h"

enum {
    SETTLE_S = 60,
};

#define SETTLED                                                                                    \
    (core_limits.send_window_us + core_limits.call_us + SETTLE_S * SEC + core_limits.skew_us)
#define SENT_AT (1000 * SEC)
#define LATE    (SENT_AT + 3600 * SEC)

static const struct orchestrate_candidate both_ways = {.replay = REPLAY_DUPLICATE,
                                                       .can_lookup = true,
                                                       .can_cancel = true,
                                                       .settle_us = SETTLE_S * SEC};

/* A payout that the provider has accepted, and the merchant wants back. */
static struct orchestrate_resumed canceled(const struct orchestrate_candidate *candidate,
                                           int32_t tries)
{
    struct orchestrate_resumed resumed = {
        .candidate = *candidate,
        .attempt_number = 1,
        .tries = tries,
        .unknown_since_us = SENT_AT,
        .is_canceled = true,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_PENDING, SENT_AT + SEC);
    return resumed;
}

static void resume(struct run *run, const struct orchestrate_resumed *resumed, int64_t now)
{
    *run = (struct run){.now = now};
    orchestrate_resume(&run->core, &core_limits, OPERATION_PAYOUT, resumed);
    begin(run);
}

static void expect_send(const struct run *run, enum orchestrate_send_kind send)
{
    assert_int_equal(run->action.kind, ACTION_SEND);
    assert_int_equal(run->action.send, send);
    if (send != SEND_REPEAT)
        assert_int_equal(run->action.send_number, 0);
}

static void expect_put_back(struct run *run, int64_t next)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_true(run->action.write.parks);
    assert_false(run->action.write.has_outcome || run->action.write.has_event);
    assert_false(run->action.write.posts_transfers || run->action.write.stores_answer);
    assert_int_equal(run->action.write.park_next_us, next);
    assert_int_equal(run->action.write.park_tries, run->core.tries + 1);
    expect_end(run, REPLY_NONE);
}

static void expect_finish(struct run *run, enum outcome outcome, enum payment_status status)
{
    expect_close(run, outcome, status);
    assert_true(run->action.write.unparks);
    expect_end(run, REPLY_NONE);
}

static void a_payout_is_opened_and_paid_like_a_payment(void **state)
{
    (void)state;
    struct run run;
    start(&run, OPERATION_PAYOUT, 2, true);
    committed(&run);
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    prepared(&run, true);
    expect_switch(&run, 1, OUTCOME_DECLINED_SOFT);
    committed(&run);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    expect_end(&run, REPLY_FINAL);
}

static void a_payout_without_answer_is_never_failed_over(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {lost(), whole(OUTCOME_UNKNOWN),
                                                 whole(OUTCOME_PENDING), duplicate(OUTCOME_FAILED)};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        start(&run, OPERATION_PAYOUT, 3, true);
        committed(&run);
        answered(&run, answers[i]);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_true(run.action.write.parks);
        assert_false(run.action.write.opens_attempt);
        expect_end(&run, REPLY_PROCESSING);
    }
}

/* Pauses double up to an hour, not up to the five minutes of a payment; review after 35 days. */
static void a_pending_payout_has_time(void **state)
{
    (void)state;
    const struct {
        int32_t tries;
        int64_t pause;
    } cases[] = {{0, 2 * SEC}, {5, 64 * SEC}, {10, 2048 * SEC}, {11, 3600 * SEC}, {60, 3600 * SEC}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run run;
        struct orchestrate_resumed resumed = canceled(&both_ways, cases[i].tries);
        resumed.is_canceled = false;
        resume(&run, &resumed, LATE);
        expect_send(&run, SEND_LOOKUP);
        answered(&run, whole(OUTCOME_PENDING));
        expect_put_back(&run, run.now + cases[i].pause);
    }
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 60);
    resumed.is_canceled = false;
    resume(&run, &resumed, SENT_AT + core_limits.payout_after_us - 1);
    answered(&run, lost());
    expect_put_back(&run, run.now + 3600 * SEC);
    resume(&run, &resumed, SENT_AT + core_limits.payout_after_us);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
}

static void an_unknown_payout_is_no_more_patient_than_a_payment(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = {
        .candidate = both_ways,
        .attempt_number = 1,
        .tries = 20,
        .unknown_since_us = SENT_AT,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    resume(&run, &resumed, LATE);
    answered(&run, lost());
    expect_put_back(&run, run.now + core_limits.resolve_max_us);
    resume(&run, &resumed, SENT_AT + core_limits.review_after_us);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
}

/* "Unclaimed", a new fact: written down; the same again is not. */
static void news_are_written_and_repetitions_are_not(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 3);
    struct orchestrate_answer news = whole(OUTCOME_PENDING);
    resumed.is_canceled = false;
    news.is_news = true;
    resume(&run, &resumed, LATE);
    answered(&run, news);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.has_outcome && run.action.write.has_event);
    assert_true(run.action.write.is_news);
    assert_int_equal(run.action.write.outcome, OUTCOME_PENDING);
    assert_int_equal(run.action.write.outcome_number, 2);
    assert_int_equal(run.action.write.status, PAYMENT_PROCESSING);
    assert_true(run.action.write.parks);
    assert_int_equal(run.action.write.park_tries, 4);
    assert_false(run.action.write.stores_answer || run.action.write.unparks);
    expect_end(&run, REPLY_NONE);
}

static void a_cancel_is_told_and_asked_about_in_turn(void **state)
{
    (void)state;
    for (int32_t tries = 0; tries < 6; tries++) {
        struct run run;
        struct orchestrate_resumed resumed = canceled(&both_ways, tries);
        resume(&run, &resumed, LATE);
        expect_send(&run, tries % 2 == 0 ? SEND_CANCEL : SEND_LOOKUP);
        resumed.candidate.can_lookup = false;
        resume(&run, &resumed, LATE);
        expect_send(&run, SEND_CANCEL);
        resumed.candidate.can_lookup = true;
        resumed.candidate.can_cancel = false; /* a fact is missing: the lookup brings it */
        resume(&run, &resumed, LATE);
        expect_send(&run, SEND_LOOKUP);
    }
}

static void only_the_providers_word_ends_a_canceled_payout(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 0);
    resume(&run, &resumed, LATE);
    answered(&run, whole(OUTCOME_FAILED));
    expect_finish(&run, OUTCOME_FAILED, PAYMENT_FAILED); /* the driver: "canceled" */

    resume(&run, &resumed, LATE);
    answered(&run, whole(OUTCOME_APPROVED)); /* too late: it was paid */
    expect_finish(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);

    const struct orchestrate_answer nothing[] = {
        not_left(),  lost(),  whole(OUTCOME_UNKNOWN),   whole(OUTCOME_PENDING),
        not_found(), again(), duplicate(OUTCOME_FAILED)};
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
        resume(&run, &resumed, LATE);
        expect_send(&run, SEND_CANCEL);
        answered(&run, nothing[i]);
        expect_put_back(&run, run.now + core_limits.resolve_first_us);
    }
}

/* Nobody knows whether it arrived: that there is nothing to cancel is no lookup's "not found". */
static void a_cancel_that_finds_nothing_ends_nothing(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 0);
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    resume(&run, &resumed, LATE);
    expect_send(&run, SEND_CANCEL);
    answered(&run, not_found());
    expect_put_back(&run, run.now + core_limits.resolve_first_us);
    resumed.tries = 1;
    resume(&run, &resumed, LATE);
    expect_send(&run, SEND_LOOKUP);
    answered(&run, not_found());
    expect_finish(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

/* Refused at the door: it says nothing of the payout, whatever the adapter makes of it. */
static void a_cancel_refused_at_the_door_proves_nothing(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 0);
    struct orchestrate_answer answer = whole(OUTCOME_FAILED);
    answer.answers_key = false;
    resume(&run, &resumed, LATE);
    answered(&run, answer);
    assert_true(run.action.write.parks);
    assert_false(run.action.write.has_outcome);
}

/* What was sent may still arrive: a cancel that came before it has canceled nothing. */
static void a_cancel_before_the_settling_time_proves_nothing(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 0);
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    resume(&run, &resumed, SENT_AT + SETTLED - 1);
    expect_send(&run, SEND_CANCEL);
    answered(&run, whole(OUTCOME_FAILED));
    expect_put_back(&run, SENT_AT + SETTLED + core_limits.skew_us);
    resume(&run, &resumed, SENT_AT + SETTLED);
    answered(&run, whole(OUTCOME_FAILED));
    expect_finish(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

/* The provider was seen to have it, and nothing else is on its way: its word counts at once. */
static void a_pending_payout_needs_no_settling_time(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 1);
    resume(&run, &resumed, SENT_AT + 2 * SEC);
    expect_send(&run, SEND_LOOKUP);
    answered(&run, whole(OUTCOME_DECLINED_HARD));
    expect_finish(&run, OUTCOME_DECLINED_HARD, PAYMENT_DECLINED);

    /* Unless an answer was lost, or a repeat announced: that may be on its way. */
    orchestrate_attempt_add_outcome(&resumed.attempt, 2, 1, OUTCOME_UNKNOWN, SENT_AT + SEC);
    resume(&run, &resumed, SENT_AT + 2 * SEC);
    answered(&run, whole(OUTCOME_DECLINED_HARD));
    expect_put_back(&run, SENT_AT + SEC + SETTLED + core_limits.skew_us);

    /* Or another send that nobody has seen. */
    resumed = canceled(&both_ways, 1);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT + SEC);
    resume(&run, &resumed, SENT_AT + 2 * SEC);
    answered(&run, whole(OUTCOME_DECLINED_HARD));
    expect_put_back(&run, SENT_AT + SEC + SETTLED + core_limits.skew_us);
}

/* Whatever the provider could do: no repeat, no other provider, and soon again. */
static void a_canceled_payout_is_never_sent_again(void **state)
{
    (void)state;
    for (int replay = REPLAY_NONE; replay <= REPLAY_DUPLICATE; replay++) {
        for (int bits = 0; bits < 16; bits++) {
            struct run run;
            struct orchestrate_candidate candidate = both_ways;
            candidate.replay = (enum orchestrate_replay)replay;
            candidate.can_lookup = (bits & 1) != 0;
            candidate.can_cancel = (bits & 2) != 0;
            struct orchestrate_resumed resumed = canceled(&candidate, (bits & 4) != 0 ? 7 : 4);
            if ((bits & 8) != 0) { /* its first answer was lost */
                orchestrate_attempt_begin(&resumed.attempt);
                orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
            }
            resume(&run, &resumed, LATE);
            assert_false(orchestrate_may_fail_over(&run.core));
            assert_false(run.action.kind == ACTION_SEND && run.action.send == SEND_REPEAT);
            assert_false(run.action.write.announces_repeat);
            if (run.action.kind == ACTION_SEND)
                answered(&run, whole(OUTCOME_DECLINED_SOFT));
            assert_false(run.action.write.opens_attempt || run.action.write.opens_send);
        }
    }
}

/* Crash after the cancel was confirmed and before it was written: the lookup says how it ended. */
static void a_confirmation_that_was_lost_is_found_by_lookup(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 1);
    resume(&run, &resumed, LATE);
    expect_send(&run, SEND_LOOKUP);
    answered(&run, whole(OUTCOME_FAILED));
    expect_finish(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

/* The cancel came while a repeat was being announced: the repeat stays at home. */
static void a_cancel_between_announcement_and_repeat_stops_it(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = {
        .candidate = {.replay = REPLAY_FIRST_ANSWER, .settle_us = SETTLE_S * SEC},
        .attempt_number = 1,
        .unknown_since_us = SENT_AT,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    resume(&run, &resumed, LATE);
    assert_true(run.action.write.announces_repeat);
    orchestrate_cancel(&run.core);
    committed(&run);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.parks);
}

static void a_canceled_payout_waits_for_no_hour(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = canceled(&both_ways, 40);
    resume(&run, &resumed, LATE);
    answered(&run, whole(OUTCOME_PENDING));
    expect_put_back(&run, run.now + core_limits.resolve_max_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payout_is_opened_and_paid_like_a_payment),
        cmocka_unit_test(a_payout_without_answer_is_never_failed_over),
        cmocka_unit_test(a_pending_payout_has_time),
        cmocka_unit_test(an_unknown_payout_is_no_more_patient_than_a_payment),
        cmocka_unit_test(news_are_written_and_repetitions_are_not),
        cmocka_unit_test(a_cancel_is_told_and_asked_about_in_turn),
        cmocka_unit_test(only_the_providers_word_ends_a_canceled_payout),
        cmocka_unit_test(a_cancel_that_finds_nothing_ends_nothing),
        cmocka_unit_test(a_cancel_refused_at_the_door_proves_nothing),
        cmocka_unit_test(a_cancel_before_the_settling_time_proves_nothing),
        cmocka_unit_test(a_pending_payout_needs_no_settling_time),
        cmocka_unit_test(a_canceled_payout_is_never_sent_again),
        cmocka_unit_test(a_confirmation_that_was_lost_is_found_by_lookup),
        cmocka_unit_test(a_cancel_between_announcement_and_repeat_stops_it),
        cmocka_unit_test(a_canceled_payout_waits_for_no_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
