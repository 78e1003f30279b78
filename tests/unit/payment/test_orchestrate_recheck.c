/* What is final and is looked up again; and the operations on a payment: capture, void, refund. */
#include "core.h"

#define SENT_AT (1000 * SEC)
#define HOLD    (29LL * 24 * 3600 * SEC)

static const struct orchestrate_candidate asked = {
    .replay = REPLAY_FIRST_ANSWER, .can_lookup = true, .settle_us = 60 * SEC, .hold_us = HOLD};

/* An attempt that ended so, parked to be looked up again. */
static void recheck(struct run *run, enum operation operation, enum outcome ended, int64_t now)
{
    struct orchestrate_resumed resumed = {
        .candidate = asked,
        .attempt_number = 1,
        .unknown_since_us = SENT_AT,
        .is_recheck = true,
        .is_held = true,
        .payment_is_final = true,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, ended, SENT_AT);
    *run = (struct run){.now = now};
    orchestrate_resume(&run->core, &core_limits, operation, &resumed);
    begin(run);
    assert_int_equal(run->action.kind, ACTION_SEND);
    assert_int_equal(run->action.send, SEND_LOOKUP);
}

static void expect_taken_out(struct run *run)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_true(run->action.write.unparks);
    assert_false(run->action.write.has_outcome || run->action.write.posts_transfers);
    expect_end(run, REPLY_NONE);
}

static void a_late_success_is_posted_and_seen_by_a_person(void **state)
{
    (void)state;
    const enum outcome ends[] = {OUTCOME_FAILED, OUTCOME_DECLINED_SOFT, OUTCOME_DECLINED_HARD};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct run run;
        recheck(&run, OPERATION_SALE, ends[i], SENT_AT + 3600 * SEC);
        answered(&run, whole(OUTCOME_APPROVED));
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_true(run.action.write.posts_transfers);
        assert_true(run.action.write.needs_review);
        assert_true(run.action.write.unparks);
        assert_int_equal(run.action.write.status, PAYMENT_NONE);
        assert_false(run.action.write.stores_answer);
        assert_int_equal(run.action.write.outcome, OUTCOME_APPROVED);
        assert_int_equal(run.action.write.outcome_number, 2);
        expect_end(&run, REPLY_NONE);
    }
}

static void a_no_changes_nothing_that_failed(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {whole(OUTCOME_FAILED),
                                                 whole(OUTCOME_DECLINED_SOFT),
                                                 whole(OUTCOME_DECLINED_HARD), not_found()};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        recheck(&run, OPERATION_SALE, OUTCOME_FAILED, SENT_AT + SEC);
        answered(&run, answers[i]);
        expect_taken_out(&run);
    }
}

static void what_says_nothing_is_asked_again_a_few_times(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {lost(), not_left(), whole(OUTCOME_UNKNOWN),
                                                 whole(OUTCOME_PENDING),
                                                 duplicate(OUTCOME_UNKNOWN)};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        recheck(&run, OPERATION_SALE, OUTCOME_FAILED, SENT_AT + SEC);
        answered(&run, answers[i]);
        assert_true(run.action.write.parks);
        assert_true(run.action.write.rechecks);
        assert_false(run.action.write.has_outcome || run.action.write.has_event);
        expect_end(&run, REPLY_NONE);

        recheck(&run, OPERATION_SALE, OUTCOME_FAILED, SENT_AT + SEC);
        run.core.tries = 7;
        answered(&run, answers[i]);
        expect_taken_out(&run);
    }
}

/* HTTP 401 or 429 to the lookup: nothing is known, and nothing is given back. */
static void a_refusal_at_the_door_ends_no_hold(void **state)
{
    (void)state;
    struct orchestrate_answer refused = whole(OUTCOME_FAILED);
    refused.answers_key = false;
    struct orchestrate_answer passing = whole(OUTCOME_FAILED);
    passing.may_send_again = true;
    /* Nor an answer that did not come whole, one that does not know it, or one about the key alone. */
    struct orchestrate_answer torn = whole(OUTCOME_FAILED);
    torn.whole = false;
    struct orchestrate_answer gone = whole(OUTCOME_FAILED);
    gone.not_found = true;
    const struct orchestrate_answer answers[] = {refused, passing, torn, gone,
                                                 duplicate(OUTCOME_FAILED)};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + SEC);
        answered(&run, answers[i]);
        assert_false(run.action.write.ends_hold || run.action.write.has_outcome);
        assert_true(run.action.write.parks && run.action.write.rechecks);
        expect_end(&run, REPLY_NONE);
    }
}

static void a_mismatch_is_for_a_person(void **state)
{
    (void)state;
    struct run run;
    recheck(&run, OPERATION_SALE, OUTCOME_FAILED, SENT_AT + SEC);
    answered(&run, mismatch(OUTCOME_APPROVED));
    assert_true(run.action.write.needs_review);
    assert_false(run.action.write.posts_transfers);
}

/* ... who hears of it only now: and the end of what is held is waited for all the same. */
static void a_mismatch_of_a_hold_is_for_a_person_and_watched(void **state)
{
    (void)state;
    struct run run;
    recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + SEC);
    answered(&run, mismatch(OUTCOME_APPROVED));
    assert_true(run.action.write.needs_review);
    assert_int_equal(run.action.write.review, REVIEW_AMOUNT_MISMATCH);
    assert_int_equal(run.action.write.status, PAYMENT_NONE);
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_false(run.action.write.unparks || run.action.write.posts_transfers);
    assert_true(run.action.write.park_next_us >= SENT_AT + HOLD);
    expect_end(&run, REPLY_NONE);

    recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + 2 * HOLD + 3600 * SEC);
    answered(&run, mismatch(OUTCOME_APPROVED));
    assert_int_equal(run.action.write.review, REVIEW_AMOUNT_MISMATCH);
    assert_true(run.action.write.unparks);
    assert_false(run.action.write.parks || run.action.write.ends_hold);
}

static void a_mismatch_that_a_person_has_confirmed_is_no_news(void **state)
{
    (void)state;
    struct run run;
    recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + SEC);
    run.core.mismatch_is_known = true;
    answered(&run, mismatch(OUTCOME_APPROVED));
    assert_false(run.action.write.needs_review);
    assert_true(run.action.write.parks && run.action.write.rechecks);
    expect_end(&run, REPLY_NONE);
}

static void a_hold_is_watched_until_it_has_run_out(void **state)
{
    (void)state;
    struct run run = {.now = SENT_AT};
    orchestrate_init(&run.core, &core_limits, OPERATION_AUTHORIZE, &asked, 1);
    begin(&run);
    prepared(&run, true);
    committed(&run);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_AUTHORIZED);
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_int_equal(run.action.write.park_next_us, SENT_AT + HOLD);

    recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + SEC); /* a notice came */
    answered(&run, whole(OUTCOME_APPROVED));
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_int_equal(run.action.write.park_next_us, SENT_AT + HOLD + core_limits.skew_us);

    recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + HOLD + SEC);
    answered(&run, whole(OUTCOME_FAILED));
    assert_true(run.action.write.ends_hold && run.action.write.unparks);
    assert_true(run.action.write.has_outcome); /* a row that fences: it is given back once */
    assert_int_equal(run.action.write.outcome, OUTCOME_NONE);
    assert_int_equal(run.action.write.outcome_number, 2);
    assert_int_equal(run.action.write.outcome_send_number, 1);
    assert_int_equal(run.action.write.status, PAYMENT_NONE);
    assert_false(run.action.write.posts_transfers || run.action.write.needs_review);
}

/* Neither a lookup every lease, nor an end that nobody hears of. */
static void a_hold_in_use_is_looked_at_again(void **state)
{
    (void)state;
    struct run run;
    recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + HOLD + SEC);
    run.core.tries = 7;
    answered(&run, whole(OUTCOME_FAILED));
    assert_true(run.action.write.ends_hold);
    written(&run, WRITE_LIMIT_EXCEEDED); /* a capture is under way */
    timer(&run);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_false(run.action.write.ends_hold || run.action.write.has_outcome);
    assert_int_equal(run.action.write.park_tries, 8);
    assert_true(run.action.write.park_next_us > run.now + 60 * SEC);
    expect_end(&run, REPLY_NONE);
}

/* ... and then by a person: it is never just forgotten. */
static void a_hold_is_watched_longer_than_a_few_looks(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {lost(), whole(OUTCOME_UNKNOWN),
                                                 whole(OUTCOME_APPROVED)};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + HOLD + 24 * 3600 * SEC);
        run.core.tries = 50;
        answered(&run, answers[i]);
        assert_true(run.action.write.parks && run.action.write.rechecks);
        assert_int_equal(run.action.write.park_next_us, run.now + HOLD / 8);
        expect_end(&run, REPLY_NONE);

        recheck(&run, OPERATION_AUTHORIZE, OUTCOME_APPROVED, SENT_AT + 2 * HOLD + 3600 * SEC);
        run.core.tries = 50;
        answered(&run, answers[i]);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_true(run.action.write.unparks && run.action.write.needs_review);
        assert_int_equal(run.action.write.review, REVIEW_HOLD_OVERDUE);
        assert_int_equal(run.action.write.status, PAYMENT_NONE);
        assert_false(run.action.write.ends_hold || run.action.write.posts_transfers);
        expect_end(&run, REPLY_NONE);
    }
}

static void nobody_is_asked_about_a_hold_that_is_used_up(void **state)
{
    (void)state;
    struct orchestrate_resumed resumed = {
        .candidate = asked, .attempt_number = 1, .is_recheck = true, .payment_is_final = true};
    struct run run = {.now = SENT_AT + HOLD + SEC};
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_APPROVED, SENT_AT);
    orchestrate_resume(&run.core, &core_limits, OPERATION_AUTHORIZE, &resumed);
    begin(&run);
    expect_taken_out(&run);
}

#define DAY (24LL * 3600 * SEC)

static struct orchestrate_resumed held(struct run *run, int64_t now)
{
    struct orchestrate_resumed resumed = {
        .candidate = asked,
        .attempt_number = 1,
        .unknown_since_us = SENT_AT,
        .is_recheck = true,
        .is_held = true,
        .payment_is_final = true,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_APPROVED, SENT_AT);
    *run = (struct run){.now = now};
    return resumed;
}

static void look_again(struct run *run, const struct orchestrate_resumed *resumed)
{
    orchestrate_resume(&run->core, &core_limits, OPERATION_AUTHORIZE, resumed);
    begin(run);
}

static void the_end_of_a_hold_is_what_the_books_or_the_provider_say(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = held(&run, SENT_AT + HOLD + SEC);
    resumed.hold_ends_us = SENT_AT + HOLD + 4 * DAY; /* reauthorized */
    look_again(&run, &resumed);
    answered(&run, whole(OUTCOME_APPROVED));
    assert_int_equal(run.action.write.park_next_us, SENT_AT + HOLD + 4 * DAY + core_limits.skew_us);
    expect_end(&run, REPLY_NONE);

    resumed = held(&run, SENT_AT + HOLD + SEC);
    look_again(&run, &resumed);
    struct orchestrate_answer answer = whole(OUTCOME_APPROVED);
    answer.hold_ends_us = SENT_AT + HOLD + 9 * DAY;
    answered(&run, answer);
    assert_int_equal(run.action.write.park_next_us, answer.hold_ends_us + core_limits.skew_us);
    expect_end(&run, REPLY_NONE);
}

static void the_provider_says_until_when_it_holds(void **state)
{
    (void)state;
    const struct {
        int64_t said, believed;
    } ends[] = {
        {SENT_AT + 3 * DAY, SENT_AT + 3 * DAY},
        {SENT_AT - 1, SENT_AT + HOLD}, /* nonsense */
        {SENT_AT, SENT_AT + HOLD},     /* approved, and over: as much */
        {SENT_AT + 1, SENT_AT + 1},
        {SENT_AT + 400 * DAY, SENT_AT + HOLD},
        {0, SENT_AT + HOLD},
    };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct run run = {.now = SENT_AT};
        orchestrate_init(&run.core, &core_limits, OPERATION_AUTHORIZE, &asked, 1);
        begin(&run);
        prepared(&run, true);
        committed(&run);
        struct orchestrate_answer answer = whole(OUTCOME_APPROVED);
        answer.hold_ends_us = ends[i].said;
        answered(&run, answer);
        assert_int_equal(run.action.write.hold_ends_us, ends[i].believed);
        assert_int_equal(run.action.write.park_next_us, ends[i].believed);
    }
}

/* What the provider says meanwhile may be the doing of what is under way. */
static void what_is_in_use_is_not_asked_about(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = held(&run, SENT_AT + DAY);
    resumed.is_in_use = true;
    look_again(&run, &resumed);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_false(run.action.write.has_outcome);
    expect_end(&run, REPLY_NONE);
}

/* The account is gone: what was held there is a person's in the end, not nobody's. */
/* Somebody held the claim while another finished it, and put it back as though it were open. */
static void a_hold_that_was_put_back_as_open_is_watched_all_the_same(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = held(&run, SENT_AT + SEC);
    resumed.is_recheck = false;
    look_again(&run, &resumed);
    assert_int_equal(run.action.kind, ACTION_SEND);
    assert_int_equal(run.action.send, SEND_LOOKUP);
    answered(&run, lost());
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_false(run.action.write.unparks);
}

static void a_hold_that_nobody_can_be_asked_about_is_not_forgotten(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = held(&run, SENT_AT + HOLD + SEC);
    resumed.candidate = (struct orchestrate_candidate){0};
    resumed.hold_ends_us = SENT_AT + HOLD;
    resumed.tries = 20;
    look_again(&run, &resumed);
    assert_true(run.action.write.parks && run.action.write.rechecks);
    assert_true(run.action.write.park_next_us >= run.now + DAY / 4);
    expect_end(&run, REPLY_NONE);

    struct orchestrate_resumed later = held(&run, SENT_AT + HOLD + 30 * DAY);
    later.candidate = (struct orchestrate_candidate){0};
    later.hold_ends_us = SENT_AT + HOLD;
    look_again(&run, &later);
    assert_int_equal(run.action.write.review, REVIEW_HOLD_OVERDUE);
    expect_end(&run, REPLY_NONE);
}

static void a_sale_that_is_gone_again_stays_booked(void **state)
{
    (void)state;
    struct run run;
    recheck(&run, OPERATION_SALE, OUTCOME_APPROVED, SENT_AT + SEC);
    answered(&run, whole(OUTCOME_FAILED));
    expect_taken_out(&run);
}

/* ---- operations ------------------------------------------------------------------------------ */

static void start_operation(struct run *run, enum operation operation)
{
    *run = (struct run){.now = SENT_AT};
    orchestrate_init(&run->core, &core_limits, operation, &asked, 1);
    begin(run);
    prepared(run, true);
}

static void operations_open_send_and_close_as_payments_do(void **state)
{
    (void)state;
    const enum operation operations[] = {OPERATION_CAPTURE, OPERATION_VOID, OPERATION_REFUND};
    const struct {
        enum outcome outcome;
        enum payment_status status;
    } ends[] = {{OUTCOME_APPROVED, PAYMENT_SUCCEEDED},
                {OUTCOME_DECLINED_SOFT, PAYMENT_DECLINED},
                {OUTCOME_DECLINED_HARD, PAYMENT_DECLINED},
                {OUTCOME_FAILED, PAYMENT_FAILED}};
    for (size_t n = 0; n < ARRAY_LEN(operations); n++) {
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
            struct run run;
            start_operation(&run, operations[n]);
            assert_true(run.action.write.opens_payment && run.action.write.opens_send);
            committed(&run);
            answered(&run, whole(ends[i].outcome));
            expect_close(&run, ends[i].outcome, ends[i].status);
            assert_false(run.action.write.parks);
            expect_end(&run, REPLY_FINAL);
        }
    }
}

static void an_operation_beyond_the_limits_sends_nothing(void **state)
{
    (void)state;
    struct run run;
    start_operation(&run, OPERATION_REFUND);
    written(&run, WRITE_LIMIT_EXCEEDED);
    assert_int_equal(run.action.kind, ACTION_END);
    assert_int_equal(run.action.reply, REPLY_LIMIT_EXCEEDED);
}

static void a_lost_answer_leaves_an_operation_open(void **state)
{
    (void)state;
    struct run run;
    start_operation(&run, OPERATION_CAPTURE);
    committed(&run);
    answered(&run, lost());
    expect_close(&run, OUTCOME_UNKNOWN, PAYMENT_PROCESSING);
    assert_true(run.action.write.parks);
    assert_false(run.action.write.rechecks);
    expect_end(&run, REPLY_PROCESSING);
}

static void more_than_the_limits_allow_is_written_for_a_person(void **state)
{
    (void)state;
    struct run run;
    start_operation(&run, OPERATION_CAPTURE);
    committed(&run);
    answered(&run, whole(OUTCOME_APPROVED));
    written(&run, WRITE_LIMIT_EXCEEDED);
    timer(&run);
    assert_int_equal(run.action.kind, ACTION_WRITE);
    assert_false(run.action.write.posts_transfers);
    assert_true(run.action.write.needs_review);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_success_is_posted_and_seen_by_a_person),
        cmocka_unit_test(a_no_changes_nothing_that_failed),
        cmocka_unit_test(what_says_nothing_is_asked_again_a_few_times),
        cmocka_unit_test(a_refusal_at_the_door_ends_no_hold),
        cmocka_unit_test(a_mismatch_is_for_a_person),
        cmocka_unit_test(a_mismatch_of_a_hold_is_for_a_person_and_watched),
        cmocka_unit_test(a_mismatch_that_a_person_has_confirmed_is_no_news),
        cmocka_unit_test(a_hold_is_watched_until_it_has_run_out),
        cmocka_unit_test(a_hold_in_use_is_looked_at_again),
        cmocka_unit_test(a_hold_is_watched_longer_than_a_few_looks),
        cmocka_unit_test(nobody_is_asked_about_a_hold_that_is_used_up),
        cmocka_unit_test(the_end_of_a_hold_is_what_the_books_or_the_provider_say),
        cmocka_unit_test(the_provider_says_until_when_it_holds),
        cmocka_unit_test(what_is_in_use_is_not_asked_about),
        cmocka_unit_test(a_hold_that_was_put_back_as_open_is_watched_all_the_same),
        cmocka_unit_test(a_hold_that_nobody_can_be_asked_about_is_not_forgotten),
        cmocka_unit_test(a_sale_that_is_gone_again_stays_booked),
        cmocka_unit_test(operations_open_send_and_close_as_payments_do),
        cmocka_unit_test(an_operation_beyond_the_limits_sends_nothing),
        cmocka_unit_test(a_lost_answer_leaves_an_operation_open),
        cmocka_unit_test(more_than_the_limits_allow_is_written_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
