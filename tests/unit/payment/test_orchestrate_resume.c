/* Attempts taken over: rebuilt from rows, one look, then end, review or back into the queue. */
#include "core.h"

enum {
    SETTLE_S = 60,
};

/* When a look may prove a "no": the send window, the call, the provider's time, the clocks. */
#define SETTLED                                                                                    \
    (core_limits.send_window_us + core_limits.call_us + SETTLE_S * SEC + core_limits.skew_us)
#define SENT_AT (1000 * SEC)

static const struct orchestrate_candidate first_answer = {.replay = REPLAY_FIRST_ANSWER,
                                                          .settle_us = SETTLE_S * SEC};
static const struct orchestrate_candidate only_lookup = {
    .replay = REPLAY_NONE, .can_lookup = true, .settle_us = SETTLE_S * SEC};
static const struct orchestrate_candidate mute = {.replay = REPLAY_NONE,
                                                  .settle_us = SETTLE_S * SEC};

/* A charge that was sent at SENT_AT and has no answer. */
static struct orchestrate_resumed unanswered(const struct orchestrate_candidate *candidate)
{
    struct orchestrate_resumed resumed = {
        .candidate = *candidate,
        .attempt_number = 1,
        .unknown_since_us = SENT_AT,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    return resumed;
}

static void resume(struct run *run, const struct orchestrate_resumed *resumed, int64_t now)
{
    *run = (struct run){.now = now};
    orchestrate_resume(&run->core, &core_limits, OPERATION_SALE, resumed);
    begin(run);
}

static void expect_put_back(struct run *run, int64_t not_before)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_int_equal(run->core.phase, PHASE_CLOSING);
    assert_true(run->action.write.parks);
    assert_false(run->action.write.unparks);
    assert_false(run->action.write.has_event);
    assert_false(run->action.write.stores_answer);
    assert_int_equal(run->action.write.status, PAYMENT_NONE);
    assert_true(run->action.write.park_next_us >= not_before);
    assert_int_equal(run->action.write.park_tries, run->core.tries + 1);
    expect_end(run, REPLY_NONE);
}

static void expect_finish(struct run *run, enum outcome outcome, enum payment_status status)
{
    expect_close(run, outcome, status);
    assert_true(run->action.write.unparks);
    assert_false(run->action.write.parks);
    expect_end(run, REPLY_NONE);
}

/* Through the announcement, up to the repeat. */
static void expect_repeat(struct run *run, uint8_t send_number, int16_t outcome_number)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_int_equal(run->core.phase, PHASE_ANNOUNCING);
    assert_true(run->action.write.announces_repeat);
    assert_true(run->action.write.has_outcome);
    assert_int_equal(run->action.write.outcome, OUTCOME_UNKNOWN);
    assert_int_equal(run->action.write.outcome_number, outcome_number);
    assert_int_equal(run->action.write.outcome_send_number, send_number);
    assert_false(run->action.write.parks || run->action.write.unparks);
    committed(run);
    assert_int_equal(run->action.kind, ACTION_SEND);
    assert_int_equal(run->action.send, SEND_REPEAT);
    assert_int_equal(run->action.send_number, send_number);
}

static void expect_lookup(const struct run *run)
{
    assert_int_equal(run->action.kind, ACTION_SEND);
    assert_int_equal(run->action.send, SEND_LOOKUP);
}

/* ---- what needs no look ---------------------------------------------------------------------- */

static void an_attempt_without_a_send_of_money_surely_failed(void **state)
{
    (void)state;
    for (int sends = 0; sends <= 2; sends++) {
        struct run run;
        struct orchestrate_resumed resumed = {.candidate = mute, .attempt_number = 2};
        orchestrate_attempt_begin(&resumed.attempt);
        for (int i = 0; i < sends; i++)
            orchestrate_attempt_add_send(&resumed.attempt, false, SENT_AT);
        resume(&run, &resumed, SENT_AT);
        expect_finish(&run, OUTCOME_FAILED, PAYMENT_FAILED);

        resumed.soft_declined_before = true;
        resume(&run, &resumed, SENT_AT);
        expect_finish(&run, OUTCOME_FAILED, PAYMENT_DECLINED);
    }
}

static void an_attempt_that_is_final_is_only_taken_out(void **state)
{
    (void)state;
    const enum outcome outcomes[] = {OUTCOME_APPROVED, OUTCOME_DECLINED_SOFT, OUTCOME_DECLINED_HARD,
                                     OUTCOME_FAILED};
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        struct run run;
        struct orchestrate_resumed resumed = unanswered(&first_answer);
        orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, outcomes[i], SENT_AT + SEC);
        resume(&run, &resumed, SENT_AT);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_true(run.action.write.unparks);
        assert_false(run.action.write.has_outcome || run.action.write.has_event ||
                     run.action.write.stores_answer || run.action.write.posts_transfers);
        expect_end(&run, REPLY_NONE);
    }
}

/* ---- which look ------------------------------------------------------------------------------ */

static void the_look_fits_the_provider(void **state)
{
    (void)state;
    enum { WAIT, REPEAT, LOOKUP };
    const struct {
        enum orchestrate_replay replay;
        bool can_lookup;
        int64_t lifetime_s; /* of the key; 0: for ever */
        bool is_canceled;
        bool is_pending;
        int expected;
    } cases[] = {
        {REPLAY_NONE, false, 0, false, false, WAIT},
        {REPLAY_NONE, true, 0, false, false, LOOKUP},
        {REPLAY_FIRST_ANSWER, false, 0, false, false, REPEAT},
        {REPLAY_FIRST_ANSWER, true, 0, false, false, REPEAT},
        {REPLAY_LATEST_STATE, true, 0, false, false, REPEAT},
        {REPLAY_DUPLICATE, false, 0, false, false, REPEAT},
        {REPLAY_DUPLICATE, true, 0, false, false, LOOKUP},
        {REPLAY_FIRST_ANSWER, true, 0, true, false, LOOKUP},
        {REPLAY_FIRST_ANSWER, false, 0, true, false, WAIT},
        {REPLAY_LATEST_STATE, false, 0, true, false, WAIT},
        {REPLAY_DUPLICATE, false, 0, true, false, WAIT},
        {REPLAY_FIRST_ANSWER, false, 0, false, true, WAIT},
        {REPLAY_FIRST_ANSWER, true, 0, false, true, LOOKUP},
        {REPLAY_LATEST_STATE, false, 0, false, true, REPEAT},
        {REPLAY_LATEST_STATE, true, 0, false, true, LOOKUP},
        {REPLAY_DUPLICATE, false, 0, false, true, WAIT},
        /* It arrives up to window + call + skew = 27 s later; now is 10 s after the send. */
        {REPLAY_FIRST_ANSWER, false, 38, false, false, REPEAT},
        {REPLAY_FIRST_ANSWER, false, 37, false, false, WAIT},
        {REPLAY_FIRST_ANSWER, true, 37, false, false, LOOKUP},
        {REPLAY_LATEST_STATE, false, 37, false, true, WAIT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run run;
        struct orchestrate_candidate candidate = {
            .replay = cases[i].replay,
            .can_lookup = cases[i].can_lookup,
            .key_lifetime_us = cases[i].lifetime_s * SEC,
        };
        struct orchestrate_resumed resumed = unanswered(&candidate);
        resumed.is_canceled = cases[i].is_canceled;
        if (cases[i].is_pending)
            orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_PENDING, SENT_AT);
        resume(&run, &resumed, SENT_AT + 10 * SEC);
        if (cases[i].expected == WAIT)
            expect_put_back(&run, run.now + core_limits.resolve_first_us);
        else if (cases[i].expected == LOOKUP)
            expect_lookup(&run);
        else
            expect_repeat(&run, 1, cases[i].is_pending ? 2 : 1);
    }
}

static void two_looks_of_five_are_lookups_where_both_are_possible(void **state)
{
    (void)state;
    for (int32_t tries = 0; tries < 20; tries++) {
        struct run run;
        struct orchestrate_candidate candidate = {.replay = REPLAY_FIRST_ANSWER,
                                                  .can_lookup = true};
        struct orchestrate_resumed resumed = unanswered(&candidate);
        resumed.tries = tries;
        resume(&run, &resumed, SENT_AT);
        if (tries % 5 >= 3)
            expect_lookup(&run);
        else
            expect_repeat(&run, 1, 1);
    }
}

static void the_last_send_of_money_is_repeated(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = {.candidate = first_answer, .attempt_number = 1};
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, false, SENT_AT);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT + SEC);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_NONE, SENT_AT + SEC);
    resume(&run, &resumed, SENT_AT + 2 * SEC);
    expect_repeat(&run, 2, 2);
}

/* ---- proof ----------------------------------------------------------------------------------- */

static void approval_ends_it_at_any_time(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    resume(&run, &resumed, SENT_AT + SEC);
    expect_repeat(&run, 1, 1);
    answered(&run, whole(OUTCOME_APPROVED));
    assert_int_equal(run.action.write.outcome_number, 2);
    expect_finish(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
}

static void a_no_to_a_repeat_ends_it_only_after_settling(void **state)
{
    (void)state;
    const struct {
        struct orchestrate_answer answer;
        enum payment_status status;
    } cases[] = {
        {whole(OUTCOME_DECLINED_SOFT), PAYMENT_DECLINED},
        {whole(OUTCOME_DECLINED_HARD), PAYMENT_DECLINED},
        {whole(OUTCOME_FAILED), PAYMENT_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run run;
        struct orchestrate_resumed resumed = unanswered(&first_answer);
        resume(&run, &resumed, SENT_AT + SETTLED - 1);
        expect_repeat(&run, 1, 1);
        run.now += 10 * SEC; /* it answers after the time, but was asked before */
        answered(&run, cases[i].answer);
        /* This repeat may itself have effects: the next look waits for them too. */
        expect_put_back(&run, SENT_AT + SETTLED - 1 + SETTLED);

        resume(&run, &resumed, SENT_AT + SETTLED);
        expect_repeat(&run, 1, 1);
        answered(&run, cases[i].answer);
        expect_finish(&run, cases[i].answer.outcome, cases[i].status);
    }
}

static void an_announced_repeat_starts_the_settling_time_again(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    int64_t repeated_at = SENT_AT + 50 * SEC;
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_UNKNOWN, repeated_at);
    resume(&run, &resumed, repeated_at + SETTLED - 1);
    expect_lookup(&run);
    answered(&run, not_found());
    expect_put_back(&run, repeated_at + SETTLED);

    resume(&run, &resumed, repeated_at + SETTLED);
    expect_lookup(&run);
    answered(&run, not_found());
    assert_int_equal(run.action.write.outcome_number, 2);
    expect_finish(&run, OUTCOME_FAILED, PAYMENT_FAILED);
}

/* PayPal may refuse a repeated payout for want of the money that the first one took. */
static void a_repeat_that_a_known_key_refuses_proves_nothing(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {
        whole(OUTCOME_DECLINED_SOFT), whole(OUTCOME_DECLINED_HARD), whole(OUTCOME_FAILED),
        not_found(), duplicate(OUTCOME_UNKNOWN)};
    const struct orchestrate_candidate refuses_known_keys = {.replay = REPLAY_DUPLICATE,
                                                             .settle_us = SETTLE_S * SEC};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        struct orchestrate_resumed resumed = unanswered(&refuses_known_keys);
        resume(&run, &resumed, SENT_AT + 10 * SETTLED);
        expect_repeat(&run, 1, 1);
        answered(&run, answers[i]);
        expect_put_back(&run, run.now + core_limits.resolve_first_us);
    }
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&refuses_known_keys);
    resume(&run, &resumed, SENT_AT + SEC);
    expect_repeat(&run, 1, 1);
    answered(&run, whole(OUTCOME_PENDING)); /* it never arrived, and now it did */
    assert_int_equal(run.action.write.outcome, OUTCOME_PENDING);
}

/* What has the key is known from then on, and a lookup of it ends the attempt. */
static void a_duplicate_that_is_named_is_asked_for_next(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_candidate candidate = {.replay = REPLAY_DUPLICATE,
                                              .settle_us = SETTLE_S * SEC};
    struct orchestrate_resumed resumed = unanswered(&candidate);
    struct orchestrate_answer named = duplicate(OUTCOME_UNKNOWN);
    named.has_new_facts = true;
    resume(&run, &resumed, SENT_AT + SEC);
    expect_repeat(&run, 1, 1);
    answered(&run, named);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.has_outcome && run.action.write.parks);
    assert_int_equal(run.action.write.outcome, OUTCOME_UNKNOWN);
    assert_int_equal(run.action.write.outcome_number, 2);
    assert_false(run.action.write.has_event || run.action.write.announces_repeat);
    assert_int_equal(run.action.write.status, PAYMENT_NONE);
    assert_true(run.action.write.park_next_us == run.now);
    expect_end(&run, REPLY_NONE);

    resumed.candidate.can_lookup = true;
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_UNKNOWN, SENT_AT + SEC);
    orchestrate_attempt_add_outcome(&resumed.attempt, 2, 1, OUTCOME_UNKNOWN, SENT_AT + SEC);
    resume(&run, &resumed, SENT_AT + SEC + SETTLED);
    expect_lookup(&run);
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    expect_finish(&run, OUTCOME_DECLINED_SOFT, PAYMENT_DECLINED);
}

static void a_refusal_at_the_door_proves_nothing(void **state)
{
    (void)state;
    struct orchestrate_answer door = whole(OUTCOME_FAILED);
    door.answers_key = false;
    const struct orchestrate_answer answers[] = {
        door,       again(),    whole(OUTCOME_UNKNOWN),    whole(OUTCOME_NONE),
        lost(),     not_left(), duplicate(OUTCOME_FAILED), duplicate(OUTCOME_APPROVED),
        not_found() /* of a repeat */};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        struct orchestrate_resumed resumed = unanswered(&first_answer);
        resume(&run, &resumed, SENT_AT + 2 * SETTLED);
        expect_repeat(&run, 1, 1);
        answered(&run, answers[i]);
        expect_put_back(&run, run.now + core_limits.resolve_first_us);
    }
}

static void not_found_proves_nothing_of_what_was_accepted(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_PENDING, SENT_AT);
    resume(&run, &resumed, SENT_AT + 2 * SETTLED);
    expect_lookup(&run);
    answered(&run, not_found());
    expect_put_back(&run, run.now);

    resume(&run, &resumed, SENT_AT + 2 * SETTLED);
    answered(&run, whole(OUTCOME_DECLINED_HARD));
    expect_finish(&run, OUTCOME_DECLINED_HARD, PAYMENT_DECLINED);
}

static void a_resumed_decline_never_fails_over(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    resume(&run, &resumed, SENT_AT + SETTLED);
    expect_repeat(&run, 1, 1);
    assert_false(orchestrate_may_fail_over(&run.core));
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_false(run.action.write.opens_attempt);
}

/* ---- pending, review, back-off --------------------------------------------------------------- */

static void what_was_unknown_can_turn_out_pending(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    resume(&run, &resumed, SENT_AT + SEC);
    answered(&run, whole(OUTCOME_REQUIRES_ACTION));
    assert_int_equal(run.action.write.outcome, OUTCOME_REQUIRES_ACTION);
    assert_int_equal(run.action.write.status, PAYMENT_REQUIRES_ACTION);
    assert_true(run.action.write.has_event && run.action.write.parks);
    assert_false(run.action.write.stores_answer);

    /* The same word again is nothing new; another one is. */
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_REQUIRES_ACTION, SENT_AT + SEC);
    resume(&run, &resumed, SENT_AT + 2 * SEC);
    answered(&run, whole(OUTCOME_REQUIRES_ACTION));
    expect_put_back(&run, run.now);
    resume(&run, &resumed, SENT_AT + 2 * SEC);
    answered(&run, whole(OUTCOME_PENDING));
    assert_true(run.action.write.has_outcome);
    assert_int_equal(run.action.write.status, PAYMENT_PROCESSING);
}

static void a_person_looks_after_the_bound_and_not_before_one_more_look(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    resume(&run, &resumed, SENT_AT + core_limits.review_after_us - 1);
    answered(&run, lost());
    expect_put_back(&run, run.now);

    resume(&run, &resumed, SENT_AT + core_limits.review_after_us);
    expect_lookup(&run);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
    assert_true(run.action.write.needs_review);
    assert_int_equal(run.action.write.review, REVIEW_UNKNOWN_TOO_LONG);
    assert_true(run.action.write.unparks);

    resume(&run, &resumed, SENT_AT + core_limits.review_after_us);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_finish(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);

    resumed = unanswered(&mute);
    resume(&run, &resumed, SENT_AT + core_limits.review_after_us);
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
}

static void pending_has_a_bound_of_its_own(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_PENDING, SENT_AT);
    resume(&run, &resumed, SENT_AT + core_limits.pending_after_us - 1);
    answered(&run, whole(OUTCOME_PENDING));
    expect_put_back(&run, run.now);
    resume(&run, &resumed, SENT_AT + core_limits.pending_after_us);
    answered(&run, whole(OUTCOME_PENDING));
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
}

static void a_wrong_amount_goes_to_review_at_once(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    resume(&run, &resumed, SENT_AT + SEC);
    expect_repeat(&run, 1, 1);
    answered(&run, mismatch(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_REVIEW);
    assert_true(run.action.write.unparks);
}

static void looks_back_off_and_never_overflow(void **state)
{
    (void)state;
    int64_t expected = core_limits.resolve_first_us;
    for (int32_t tries = 0; tries < 70; tries++) {
        struct run run;
        struct orchestrate_resumed resumed = unanswered(&mute);
        resumed.tries = tries;
        resume(&run, &resumed, SENT_AT);
        assert_int_equal(run.action.write.park_next_us - run.now, expected);
        assert_int_equal(run.action.write.park_tries, tries + 1);
        expected =
            expected * 2 < core_limits.resolve_max_us ? expected * 2 : core_limits.resolve_max_us;
    }
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&mute);
    resumed.tries = INT32_MAX - 1;
    resume(&run, &resumed, SENT_AT);
    assert_int_equal(run.action.write.park_next_us - run.now, core_limits.resolve_max_us);
}

/* ---- writes ---------------------------------------------------------------------------------- */

static void a_repeat_waits_for_its_announcement(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    resume(&run, &resumed, SENT_AT + SEC);
    written(&run, WRITE_UNKNOWN);
    assert_int_equal(run.action.kind, ACTION_PROBE);
    written(&run, WRITE_ROLLED_BACK);
    assert_int_equal(run.action.kind, ACTION_WAIT);
    timer(&run);
    expect_repeat(&run, 1, 1);
    assert_int_equal(run.action.not_after_us, run.now + core_limits.send_window_us);

    resume(&run, &resumed, SENT_AT + SEC);
    written(&run, WRITE_FENCED);
    assert_int_equal(run.action.kind, ACTION_END);
    assert_int_equal(run.action.reply, REPLY_NONE);
}

static void an_announcement_that_comes_too_late_is_dropped(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_candidate candidate = {.replay = REPLAY_FIRST_ANSWER,
                                              .key_lifetime_us = 100 * SEC};
    struct orchestrate_resumed resumed = unanswered(&candidate);
    resume(&run, &resumed, SENT_AT + SEC);
    written(&run, WRITE_ROLLED_BACK);
    assert_int_equal(run.action.kind, ACTION_WAIT);
    run.now += 100 * SEC; /* the key has expired meanwhile */
    timer(&run);
    assert_int_equal(run.action.kind, ACTION_END);

    resume(&run, &resumed, SENT_AT + SEC);
    written(&run, WRITE_UNKNOWN);
    run.now += 100 * SEC;
    written(&run, WRITE_ROLLED_BACK);
    assert_int_equal(run.action.kind, ACTION_END);
}

/* Two sends under one key: the provider forgets it from the first on. */
static void a_key_counts_from_the_first_send_that_used_it(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_candidate candidate = {.replay = REPLAY_FIRST_ANSWER,
                                              .key_lifetime_us = 100 * SEC};
    struct orchestrate_resumed resumed = unanswered(&candidate);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT + 90 * SEC);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_NONE, SENT_AT + 90 * SEC);
    resume(&run, &resumed, SENT_AT + 110 * SEC);
    expect_put_back(&run, run.now);
    resumed.candidate.key_lifetime_us = 200 * SEC;
    resume(&run, &resumed, SENT_AT + 110 * SEC);
    expect_repeat(&run, 2, 2);
}

static void a_cancel_stops_a_repeat_that_was_announced(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    resume(&run, &resumed, SENT_AT + SEC);
    orchestrate_cancel(&run.core);
    committed(&run);
    expect_put_back(&run, run.now);
}

static void a_payment_that_ended_otherwise_keeps_its_status(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    resumed.payment_is_final = true;
    resume(&run, &resumed, SENT_AT + 2 * SETTLED);
    answered(&run, whole(OUTCOME_APPROVED));
    assert_int_equal(run.action.write.status, PAYMENT_NONE);
    assert_false(run.action.write.stores_answer);
    assert_true(run.action.write.posts_transfers);
    assert_true(run.action.write.needs_review);
    assert_int_equal(run.action.write.review, REVIEW_LATE_SUCCESS);
    assert_true(run.action.write.unparks);

    resume(&run, &resumed, SENT_AT + 2 * SETTLED);
    answered(&run, whole(OUTCOME_DECLINED_SOFT));
    assert_int_equal(run.action.write.status, PAYMENT_NONE);
    assert_false(run.action.write.stores_answer || run.action.write.needs_review);
    assert_true(run.action.write.unparks);
}

static void what_a_person_says_ends_it_without_a_look(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    resumed.told = OUTCOME_APPROVED;
    resume(&run, &resumed, SENT_AT + SEC); /* whatever settling times say */
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    assert_true(run.action.write.posts_transfers && run.action.write.stores_answer);
    assert_false(run.action.write.unparks || run.action.write.needs_review);

    resumed.told = OUTCOME_FAILED;
    resume(&run, &resumed, SENT_AT + SEC);
    expect_close(&run, OUTCOME_FAILED, PAYMENT_FAILED);
    assert_false(run.action.write.posts_transfers || run.action.write.unparks);

    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_FAILED, SENT_AT + SEC);
    resumed.told = OUTCOME_APPROVED; /* it was believed to have failed */
    resume(&run, &resumed, SENT_AT + SEC);
    assert_int_equal(run.action.write.outcome, OUTCOME_APPROVED);
    assert_int_equal(run.action.write.review, REVIEW_LATE_SUCCESS);
    assert_true(run.action.write.posts_transfers);
    assert_false(run.action.write.unparks);

    resumed = unanswered(&only_lookup);
    resumed.told = OUTCOME_APPROVED;
    resumed.payment_is_final = true; /* it has gone on elsewhere meanwhile */
    resume(&run, &resumed, SENT_AT + SEC);
    assert_int_equal(run.action.write.status, PAYMENT_NONE);
    assert_int_equal(run.action.write.review, REVIEW_LATE_SUCCESS);
    assert_true(run.action.write.posts_transfers);
}

static void what_was_canceled_and_is_approved_is_taken_back(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&only_lookup);
    resumed.is_canceled = true;
    resume(&run, &resumed, SENT_AT + 2 * SETTLED);
    expect_lookup(&run);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    assert_true(run.action.write.posts_transfers && run.action.write.needs_review);
    assert_int_equal(run.action.write.review, REVIEW_LATE_SUCCESS);
}

static void no_client_waits_for_a_resumed_attempt(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    resume(&run, &resumed, SENT_AT);
    assert_true(step_aborts(&run.core, (struct orchestrate_event){.kind = EVENT_DEADLINE}));
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) /* ANNOUNCING */
        assert_int_equal(
            step_aborts(&run.core,
                        (struct orchestrate_event){.kind = (enum orchestrate_event_kind)kind}),
            kind != EVENT_WRITTEN);
}

/* ---- rebuilding ------------------------------------------------------------------------------ */

static void a_send_that_surely_did_nothing_is_answered(void **state)
{
    (void)state;
    struct orchestrate_attempt attempt;
    orchestrate_attempt_begin(&attempt);
    orchestrate_attempt_add_send(&attempt, true, 10);
    orchestrate_attempt_add_send(&attempt, true, 20);
    orchestrate_attempt_add_outcome(&attempt, 1, 1, OUTCOME_NONE, 20);
    assert_int_equal(attempt.state, ATTEMPT_SENT);
    assert_true(attempt.send[0].answered);
    assert_int_equal(attempt.send[0].outcome, OUTCOME_FAILED);
    assert_false(attempt.send[1].answered);
    assert_true(attempt.send[1].left);
    assert_false(attempt.send[1].held);
    assert_int_equal(attempt.again_count, 1);
    assert_int_equal(attempt.outcome_count, 1);
    assert_int_equal(attempt.last_intent_us, 20);
}

static void rows_that_do_not_fit_are_survived(void **state)
{
    (void)state;
    struct orchestrate_attempt attempt;
    for (int first = 0; first < OUTCOME_COUNT; first++) {
        for (int second = 0; second < OUTCOME_COUNT; second++) {
            for (int sends = 0; sends <= ORCHESTRATE_SEND_MAX + 2; sends++) {
                orchestrate_attempt_begin(&attempt);
                for (int i = 0; i < sends; i++)
                    orchestrate_attempt_add_send(&attempt, i % 2 == 0, i);
                orchestrate_attempt_add_outcome(&attempt, 1, 1, (enum outcome)first, 5);
                orchestrate_attempt_add_outcome(&attempt, 40000, 99, (enum outcome)second, 6);
                assert_in_range(attempt.send_count, 0, ORCHESTRATE_SEND_MAX);
                assert_int_equal(attempt.outcome_count, INT16_MAX);
                if (first == OUTCOME_APPROVED || second == OUTCOME_APPROVED)
                    assert_int_equal(attempt.state, ATTEMPT_APPROVED);
            }
        }
    }
}

static void more_sends_than_were_ever_written_keep_the_worst(void **state)
{
    (void)state;
    struct orchestrate_attempt attempt;
    orchestrate_attempt_begin(&attempt);
    for (int i = 0; i < ORCHESTRATE_SEND_MAX; i++)
        orchestrate_attempt_add_send(&attempt, false, i);
    orchestrate_attempt_add_send(&attempt, true, 50);
    orchestrate_attempt_add_send(&attempt, false, 40);
    assert_int_equal(attempt.send_count, ORCHESTRATE_SEND_MAX);
    assert_true(attempt.send[ORCHESTRATE_SEND_MAX - 1].moves_money);
    assert_int_equal(attempt.last_intent_us, 50);
}

/* Outcomes are numbered by 16 bits: before they are used up a person has it. */
static void too_many_outcomes_are_for_a_person(void **state)
{
    (void)state;
    for (int16_t count = ORCHESTRATE_OUTCOME_MAX - 1; count < ORCHESTRATE_OUTCOME_MAX + 2;
         count++) {
        struct orchestrate_resumed resumed = unanswered(&first_answer);
        struct run run;
        orchestrate_attempt_add_outcome(&resumed.attempt, count, 1, OUTCOME_UNKNOWN, SENT_AT);
        resume(&run, &resumed, SENT_AT + SETTLED);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_int_equal(run.action.write.outcome_number, count + 1);
        bool is_for_a_person = count >= ORCHESTRATE_OUTCOME_MAX;
        assert_int_equal(run.action.write.announces_repeat, !is_for_a_person);
        assert_int_equal(run.action.write.needs_review, is_for_a_person);
        assert_int_equal(run.action.write.unparks, is_for_a_person);
    }
    for (int16_t more = 62; more <= 65; more++) { /* 64 reviews, and then no more rows */
        struct orchestrate_resumed asked = unanswered(&first_answer);
        struct run run;
        orchestrate_attempt_add_outcome(&asked.attempt, ORCHESTRATE_OUTCOME_MAX + more, 1,
                                        OUTCOME_UNKNOWN, SENT_AT);
        resume(&run, &asked, SENT_AT + SETTLED);
        assert_int_equal(run.action.write.needs_review, more < 64);
        assert_int_equal(run.action.write.has_outcome, more < 64);
        assert_true(run.action.write.unparks);
    }
    struct orchestrate_resumed resumed = unanswered(&first_answer);
    struct run run; /* webhooks told of it again and again: the last numbers are a person's */
    orchestrate_attempt_add_outcome(&resumed.attempt, INT16_MAX - 2, 1, OUTCOME_UNKNOWN, SENT_AT);
    resume(&run, &resumed, SENT_AT + SETTLED);
    assert_true(run.action.write.unparks);
    assert_false(run.action.write.has_outcome);
    resumed.told = OUTCOME_APPROVED;
    resume(&run, &resumed, SENT_AT + SETTLED);
    assert_int_equal(run.action.write.outcome, OUTCOME_APPROVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_without_a_send_of_money_surely_failed),
        cmocka_unit_test(an_attempt_that_is_final_is_only_taken_out),
        cmocka_unit_test(the_look_fits_the_provider),
        cmocka_unit_test(two_looks_of_five_are_lookups_where_both_are_possible),
        cmocka_unit_test(the_last_send_of_money_is_repeated),
        cmocka_unit_test(approval_ends_it_at_any_time),
        cmocka_unit_test(a_no_to_a_repeat_ends_it_only_after_settling),
        cmocka_unit_test(an_announced_repeat_starts_the_settling_time_again),
        cmocka_unit_test(a_repeat_that_a_known_key_refuses_proves_nothing),
        cmocka_unit_test(a_duplicate_that_is_named_is_asked_for_next),
        cmocka_unit_test(a_refusal_at_the_door_proves_nothing),
        cmocka_unit_test(not_found_proves_nothing_of_what_was_accepted),
        cmocka_unit_test(a_resumed_decline_never_fails_over),
        cmocka_unit_test(what_was_unknown_can_turn_out_pending),
        cmocka_unit_test(a_person_looks_after_the_bound_and_not_before_one_more_look),
        cmocka_unit_test(pending_has_a_bound_of_its_own),
        cmocka_unit_test(a_wrong_amount_goes_to_review_at_once),
        cmocka_unit_test(looks_back_off_and_never_overflow),
        cmocka_unit_test(a_repeat_waits_for_its_announcement),
        cmocka_unit_test(an_announcement_that_comes_too_late_is_dropped),
        cmocka_unit_test(a_key_counts_from_the_first_send_that_used_it),
        cmocka_unit_test(a_cancel_stops_a_repeat_that_was_announced),
        cmocka_unit_test(a_payment_that_ended_otherwise_keeps_its_status),
        cmocka_unit_test(what_a_person_says_ends_it_without_a_look),
        cmocka_unit_test(what_was_canceled_and_is_approved_is_taken_back),
        cmocka_unit_test(no_client_waits_for_a_resumed_attempt),
        cmocka_unit_test(a_send_that_surely_did_nothing_is_answered),
        cmocka_unit_test(rows_that_do_not_fit_are_survived),
        cmocka_unit_test(more_sends_than_were_ever_written_keep_the_worst),
        cmocka_unit_test(too_many_outcomes_are_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
