/*
 * The payer must act first: what goes on after the consent, what never goes on, and what ends when
 * nobody acts. The last test walks every event in every phase, and a ghost judges.
 */
#include "core.h"

enum {
    SETTLE_S = 60,
};

#define SETTLED                                                                                    \
    (core_limits.send_window_us + core_limits.call_us + SETTLE_S * SEC + core_limits.skew_us)
#define SENT_AT (1000 * SEC)
#define EXPIRES (SENT_AT + core_limits.action_us)

static const struct orchestrate_candidate paypal = {.replay = REPLAY_LATEST_STATE,
                                                    .can_lookup = true,
                                                    .waits_for_us = true,
                                                    .key_lifetime_us = 6 * 3600 * SEC,
                                                    .settle_us = SETTLE_S * SEC};

static struct orchestrate_answer inert(enum outcome outcome, bool may_continue)
{
    struct orchestrate_answer answer = whole(outcome);
    answer.is_inert = true;
    answer.may_continue = may_continue;
    return answer;
}
static struct orchestrate_answer waiting(void)
{
    return inert(OUTCOME_REQUIRES_ACTION, false);
}
static struct orchestrate_answer approved_by_payer(void)
{
    return inert(OUTCOME_PENDING, true);
}

/* An order whose payer was asked to approve it. */
static struct orchestrate_resumed asked(void)
{
    struct orchestrate_resumed resumed = {
        .candidate = paypal,
        .attempt_number = 1,
        .unknown_since_us = SENT_AT,
        .action_expires_us = EXPIRES,
    };
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_REQUIRES_ACTION, SENT_AT);
    return resumed;
}

/* ... who approved, and the send that followed has no answer. */
static struct orchestrate_resumed continued(int64_t at)
{
    struct orchestrate_resumed resumed = asked();
    orchestrate_attempt_add_send(&resumed.attempt, true, at);
    /* As rows are read: every send, then every outcome. */
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_send(&resumed.attempt, true, at);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_REQUIRES_ACTION, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 2, 1, OUTCOME_NONE, at);
    return resumed;
}

static void resume(struct run *run, const struct orchestrate_resumed *resumed, int64_t now)
{
    *run = (struct run){.now = now};
    orchestrate_resume(&run->core, &core_limits, OPERATION_SALE, resumed);
    begin(run);
}

static void expect_lookup(const struct run *run)
{
    assert_int_equal(run->action.kind, ACTION_SEND);
    assert_int_equal(run->action.send, SEND_LOOKUP);
}

static void expect_put_back(struct run *run, int64_t not_before)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_int_equal(run->core.phase, PHASE_CLOSING);
    assert_true(run->action.write.parks);
    assert_false(run->action.write.has_outcome || run->action.write.opens_send);
    assert_true(run->action.write.park_next_us >= not_before);
    expect_end(run, REPLY_NONE);
}

/* The WRITE that opens the send after the payer's consent. */
static void expect_record(struct run *run, int16_t outcome_number, uint8_t send_number)
{
    assert_int_equal(run->action.kind, ACTION_PREPARE);
    assert_int_equal(run->action.send_number, send_number);
    prepared(run, true);
    const struct orchestrate_write_plan *write = &run->action.write;
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_int_equal(run->core.phase, PHASE_RECORDING);
    assert_true(write->has_outcome && write->opens_send && write->has_event);
    assert_int_equal(write->outcome, OUTCOME_NONE);
    assert_int_equal(write->outcome_number, outcome_number);
    assert_int_equal(write->outcome_send_number, send_number - 1);
    assert_int_equal(run->action.send_number, send_number);
    assert_int_equal(write->status, PAYMENT_PROCESSING);
    assert_false(write->opens_attempt || write->opens_payment || write->stores_answer);
    /* The claim is put back for as long as the send may take. */
    assert_true(write->parks);
    assert_int_equal(write->park_next_us,
                     run->now + core_limits.send_window_us + core_limits.call_us);
}

static void expect_first_send(const struct run *run, uint8_t send_number)
{
    assert_int_equal(run->action.kind, ACTION_SEND);
    assert_int_equal(run->action.send, SEND_FIRST);
    assert_int_equal(run->action.send_number, send_number);
    assert_int_equal(run->action.not_after_us, run->now + core_limits.send_window_us);
}

/* Whoever takes it over now, and knows its rows alone, believes the same of it. */
static void expect_as_rebuilt(const struct orchestrate_attempt *attempt,
                              struct orchestrate_attempt rebuilt)
{
    assert_int_equal(attempt->state, rebuilt.state);
    assert_int_equal(attempt->send_count, rebuilt.send_count);
    assert_int_equal(attempt->outcome_count, rebuilt.outcome_count);
    assert_int_equal(attempt->last_intent_us, rebuilt.last_intent_us);
    for (size_t i = 0; i < rebuilt.send_count; i++) {
        assert_int_equal(attempt->send[i].moves_money, rebuilt.send[i].moves_money);
        assert_int_equal(attempt->send[i].left, rebuilt.send[i].left);
        assert_int_equal(attempt->send[i].answered, rebuilt.send[i].answered);
        assert_int_equal(attempt->send[i].continued, rebuilt.send[i].continued);
    }
}

static void expect_given_up(struct run *run, enum orchestrate_cause cause,
                            enum payment_status status)
{
    expect_close(run, OUTCOME_FAILED, status);
    assert_int_equal(run->action.write.cause, cause);
    assert_true(run->action.write.unparks);
    expect_end(run, REPLY_NONE);
}

/* ---- asking the payer ------------------------------------------------------------------------ */

static void the_first_answer_says_until_when(void **state)
{
    (void)state;
    const struct {
        int64_t own_us, expected_us;
    } cases[] = {{0, core_limits.action_us}, {60 * SEC, 60 * SEC}, {99999 * SEC, 3 * 3600 * SEC}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct orchestrate_candidate candidate = paypal;
        struct run run = {.now = SENT_AT};
        candidate.action_us = cases[i].own_us;
        orchestrate_init(&run.core, &core_limits, OPERATION_SALE, &candidate, 1);
        begin(&run);
        prepared(&run, true);
        committed(&run);
        answered(&run, waiting());
        expect_close(&run, OUTCOME_REQUIRES_ACTION, PAYMENT_REQUIRES_ACTION);
        assert_int_equal(run.action.write.action_expires_us, SENT_AT + cases[i].expected_us);
        assert_true(run.action.write.parks);
        expect_end(&run, REPLY_PROCESSING);
    }
}

static void it_never_fails_over_while_the_payer_may_act(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 3, true);
    answered(&run, waiting());
    assert_false(orchestrate_may_fail_over(&run.core));
    expect_close(&run, OUTCOME_REQUIRES_ACTION, PAYMENT_REQUIRES_ACTION);
}

static void looks_are_short_while_the_payer_may_act_and_end_on_time(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    resumed.tries = 20;
    resume(&run, &resumed, SENT_AT + 60 * SEC);
    expect_lookup(&run);
    answered(&run, waiting());
    assert_int_equal(run.action.write.park_next_us, run.now + core_limits.action_max_us);
    expect_put_back(&run, 0);

    resume(&run, &resumed, EXPIRES - SEC);
    answered(&run, waiting());
    assert_int_equal(run.action.write.park_next_us, EXPIRES);

    for (int64_t late = 0; late <= SEC; late += SEC) { /* over is over: no look at every instant */
        resume(&run, &resumed, EXPIRES + late);
        answered(&run, lost());
        assert_int_equal(run.action.write.park_next_us, run.now + core_limits.resolve_max_us);
    }
}

/* ---- going on -------------------------------------------------------------------------------- */

static void consent_is_used_by_a_send_that_was_committed_first(void **state)
{
    (void)state;
    const struct {
        struct orchestrate_answer answer;
        enum payment_status status;
    } cases[] = {
        {whole(OUTCOME_APPROVED), PAYMENT_SUCCEEDED},
        {whole(OUTCOME_DECLINED_SOFT), PAYMENT_DECLINED},
        {whole(OUTCOME_DECLINED_HARD), PAYMENT_DECLINED},
        {whole(OUTCOME_FAILED), PAYMENT_FAILED},
    };
    /* Its key is a new one: what it is told is an answer to it, also where a known key is refused. */
    const enum orchestrate_replay replays[] = {REPLAY_LATEST_STATE, REPLAY_DUPLICATE};
    for (size_t n = 0; n < ARRAY_LEN(cases) * ARRAY_LEN(replays); n++) {
        struct run run;
        size_t i = n % ARRAY_LEN(cases);
        struct orchestrate_resumed resumed = asked();
        resumed.candidate.replay = replays[n / ARRAY_LEN(cases)];
        resume(&run, &resumed, SENT_AT + 60 * SEC);
        expect_lookup(&run);
        answered(&run, approved_by_payer());
        expect_record(&run, 2, 2);
        committed(&run);
        expect_first_send(&run, 2);
        assert_false(orchestrate_may_fail_over(&run.core));
        expect_as_rebuilt(&run.core.attempt, continued(run.now).attempt);
        answered(&run, cases[i].answer);
        expect_close(&run, cases[i].answer.outcome, cases[i].status);
        assert_int_equal(run.action.write.outcome_number, 3);
        assert_int_equal(run.action.write.outcome_send_number, 2);
        assert_true(run.action.write.unparks);
        expect_end(&run, REPLY_NONE);
    }
}

static void what_says_nothing_of_that_send_is_asked_again(void **state)
{
    (void)state;
    struct orchestrate_answer door = whole(OUTCOME_FAILED);
    door.answers_key = false;
    const struct orchestrate_answer answers[] = {not_left(),
                                                 lost(),
                                                 door,
                                                 again(),
                                                 not_found(),
                                                 whole(OUTCOME_UNKNOWN),
                                                 whole(OUTCOME_NONE),
                                                 duplicate(OUTCOME_FAILED)};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        struct orchestrate_resumed resumed = asked();
        resume(&run, &resumed, SENT_AT + 60 * SEC);
        answered(&run, approved_by_payer());
        expect_record(&run, 2, 2);
        committed(&run);
        answered(&run, answers[i]);
        expect_put_back(&run, run.now);
    }
}

static void the_payer_may_be_asked_twice_and_the_time_stays(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    resume(&run, &resumed, SENT_AT + 60 * SEC);
    answered(&run, approved_by_payer());
    expect_record(&run, 2, 2);
    committed(&run);
    answered(&run, waiting());
    assert_int_equal(run.action.write.outcome, OUTCOME_REQUIRES_ACTION);
    assert_int_equal(run.action.write.outcome_send_number, 2);
    assert_int_equal(run.action.write.status, PAYMENT_REQUIRES_ACTION);
    assert_int_equal(run.action.write.action_expires_us, EXPIRES);
    assert_true(run.action.write.parks);

    resumed = continued(SENT_AT + 60 * SEC);
    orchestrate_attempt_add_outcome(&resumed.attempt, 3, 2, OUTCOME_REQUIRES_ACTION,
                                    SENT_AT + 61 * SEC);
    resume(&run, &resumed, SENT_AT + 90 * SEC);
    answered(&run, approved_by_payer());
    expect_record(&run, 4, 3);
}

static void only_a_lookup_says_that_the_payer_has_approved(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    resumed.candidate.can_lookup = false; /* so the key is repeated */
    resume(&run, &resumed, SENT_AT + 60 * SEC);
    committed(&run);
    assert_int_equal(run.action.send, SEND_REPEAT);
    answered(&run, approved_by_payer());
    assert_int_equal(run.core.phase, PHASE_CLOSING);
    assert_false(run.action.write.opens_send);
    assert_int_equal(run.action.write.outcome, OUTCOME_PENDING);
}

/* An answer was lost before the payer was asked: nothing is continued until that has settled. */
static void what_may_still_arrive_is_waited_for(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    orchestrate_attempt_begin(&resumed.attempt);
    orchestrate_attempt_add_send(&resumed.attempt, true, SENT_AT);
    orchestrate_attempt_add_outcome(&resumed.attempt, 1, 1, OUTCOME_UNKNOWN, SENT_AT + SEC);
    orchestrate_attempt_add_outcome(&resumed.attempt, 2, 1, OUTCOME_REQUIRES_ACTION,
                                    SENT_AT + 2 * SEC);
    resume(&run, &resumed, SENT_AT + SEC + SETTLED - 1);
    expect_lookup(&run);
    answered(&run, approved_by_payer());
    assert_int_equal(run.core.phase, PHASE_CLOSING);
    assert_int_equal(run.action.write.outcome, OUTCOME_PENDING);

    orchestrate_attempt_add_outcome(&resumed.attempt, 3, 1, OUTCOME_PENDING, SENT_AT + 3 * SEC);
    resume(&run, &resumed, SENT_AT + SEC + SETTLED);
    expect_lookup(&run);
    answered(&run, approved_by_payer());
    expect_record(&run, 4, 2);
}

static void nothing_goes_on_that_nobody_wants_or_too_late(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct run run;
        struct orchestrate_resumed resumed = asked();
        int64_t now = SENT_AT + 60 * SEC;
        resumed.is_canceled = i == 0;
        resumed.payment_is_final = i == 1;
        if (i == 2)
            now = EXPIRES;
        resume(&run, &resumed, now);
        expect_lookup(&run);
        answered(&run, approved_by_payer());
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_int_equal(run.core.phase, PHASE_CLOSING);
        assert_int_equal(run.action.write.outcome, OUTCOME_FAILED);
        assert_true(run.action.write.unparks);
    }
    struct run run; /* it must be able to leave before the time is over */
    struct orchestrate_resumed resumed = asked();
    resume(&run, &resumed, EXPIRES - core_limits.send_window_us);
    answered(&run, approved_by_payer());
    assert_int_equal(run.core.phase, PHASE_CLOSING);
    assert_int_equal(run.action.write.outcome, OUTCOME_PENDING);
    resume(&run, &resumed, EXPIRES - core_limits.send_window_us - 1);
    answered(&run, approved_by_payer());
    expect_record(&run, 2, 2);
}

static void a_cancel_that_comes_meanwhile_stops_it_before_it_leaves(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    resume(&run, &resumed, SENT_AT + 60 * SEC);
    orchestrate_cancel(&run.core);
    answered(&run, approved_by_payer());
    expect_given_up(&run, CAUSE_CANCELED, PAYMENT_CANCELED);

    resume(&run, &resumed, SENT_AT + 60 * SEC);
    answered(&run, approved_by_payer());
    expect_record(&run, 2, 2);
    orchestrate_cancel(&run.core);
    committed(&run);
    expect_put_back(&run, run.now);

    /* What was opened then counts as sent: the end waits for its settling time. */
    resumed = continued(SENT_AT + 60 * SEC);
    resumed.is_canceled = true;
    resume(&run, &resumed, SENT_AT + 60 * SEC + SETTLED - 1);
    expect_lookup(&run);
    answered(&run, approved_by_payer());
    expect_put_back(&run, SENT_AT + 60 * SEC + SETTLED);
    resume(&run, &resumed, SENT_AT + 60 * SEC + SETTLED);
    answered(&run, approved_by_payer());
    expect_given_up(&run, CAUSE_CANCELED, PAYMENT_CANCELED);
}

static void a_send_that_was_opened_is_never_opened_again(void **state)
{
    (void)state;
    for (int32_t tries = 0; tries < 5; tries++) {
        struct run run;
        struct orchestrate_resumed resumed = continued(SENT_AT + 60 * SEC);
        resumed.tries = tries;
        resume(&run, &resumed, SENT_AT + 120 * SEC + 2 * SETTLED);
        if (tries >= 3) {
            expect_lookup(&run);
            answered(&run, approved_by_payer());
            expect_put_back(&run, run.now);
            continue;
        }
        assert_true(run.action.write.announces_repeat);
        assert_int_equal(run.action.write.outcome_send_number, 2);
        committed(&run);
        assert_int_equal(run.action.send, SEND_REPEAT);
        assert_int_equal(run.action.send_number, 2);
        answered(&run, whole(OUTCOME_APPROVED));
        expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    }
}

static void its_key_counts_from_its_own_first_send(void **state)
{
    (void)state;
    struct run run;
    int64_t late = SENT_AT + 4 * 3600 * SEC;
    struct orchestrate_resumed resumed = continued(late);
    resumed.action_expires_us = 0;
    resume(&run, &resumed, late + 5 * 3600 * SEC); /* nine hours after the first send */
    assert_true(run.action.write.announces_repeat);
    resume(&run, &resumed, late + 6 * 3600 * SEC);
    expect_lookup(&run);
}

static void an_adapter_that_cannot_go_on_is_asked_again(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct run run;
        struct orchestrate_resumed resumed = asked();
        resume(&run, &resumed, SENT_AT + 60 * SEC);
        answered(&run, approved_by_payer());
        if (i == 0)
            refused(&run);
        else
            prepared(&run, false); /* that would be no completion */
        expect_put_back(&run, run.now);
    }
}

/* ---- fences ---------------------------------------------------------------------------------- */

static void of_two_workers_one_goes_on(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    resume(&run, &resumed, SENT_AT + 60 * SEC);
    answered(&run, approved_by_payer());
    expect_record(&run, 2, 2);
    written(&run, WRITE_FENCED);
    assert_int_equal(run.action.kind, ACTION_END);

    resume(&run, &resumed, SENT_AT + 60 * SEC);
    answered(&run, approved_by_payer());
    expect_record(&run, 2, 2);
    written(&run, WRITE_UNKNOWN);
    assert_int_equal(run.action.kind, ACTION_PROBE);
    written(&run, WRITE_ROLLED_BACK);
    run.now += SEC;
    timer(&run);
    assert_int_equal(run.core.phase, PHASE_RECORDING);
    assert_int_equal(run.action.now_us, run.now); /* dated again, and so is the send */
    committed(&run);
    expect_first_send(&run, 2);

    resume(&run, &resumed, SENT_AT + 60 * SEC); /* and never when it has become too late */
    answered(&run, approved_by_payer());
    expect_record(&run, 2, 2);
    run.now = EXPIRES;
    written(&run, WRITE_ROLLED_BACK);
    assert_int_equal(run.action.kind, ACTION_END);
}

/* ---- nobody acts ----------------------------------------------------------------------------- */

static void it_ends_when_the_payer_did_not_act(void **state)
{
    (void)state;
    const struct orchestrate_answer answers[] = {waiting(), approved_by_payer()};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        struct orchestrate_resumed resumed = asked();
        resume(&run, &resumed, EXPIRES);
        expect_lookup(&run);
        answered(&run, answers[i]);
        expect_given_up(&run, CAUSE_PAYER_DID_NOT_ACT, PAYMENT_FAILED);
        resumed.soft_declined_before = true;
        resume(&run, &resumed, EXPIRES);
        answered(&run, answers[i]);
        expect_given_up(&run, CAUSE_PAYER_DID_NOT_ACT, PAYMENT_DECLINED);
    }
}

static void it_does_not_end_without_the_providers_word(void **state)
{
    (void)state;
    struct orchestrate_answer unclear = waiting();
    unclear.is_inert = false; /* the provider completes it by itself */
    const struct orchestrate_answer answers[] = {lost(), whole(OUTCOME_UNKNOWN), unclear};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct run run;
        struct orchestrate_resumed resumed = asked();
        resume(&run, &resumed, EXPIRES + 3600 * SEC);
        expect_lookup(&run);
        answered(&run, answers[i]);
        expect_put_back(&run, run.now);
    }
    struct run run; /* and what was lost is no longer repeated: it could still complete it */
    struct orchestrate_resumed resumed = continued(EXPIRES - 10 * SEC);
    resume(&run, &resumed, EXPIRES);
    expect_lookup(&run);
    answered(&run, approved_by_payer());
    expect_put_back(&run, EXPIRES - 10 * SEC + SETTLED);
    resume(&run, &resumed, EXPIRES - 10 * SEC + SETTLED);
    expect_lookup(&run);
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
}

/* PayPal forgets an order that nobody approved. */
static void what_the_provider_has_forgotten_ends_when_it_is_too_late(void **state)
{
    (void)state;
    struct run run;
    struct orchestrate_resumed resumed = asked();
    resume(&run, &resumed, EXPIRES - SEC);
    answered(&run, not_found());
    expect_put_back(&run, run.now);
    resume(&run, &resumed, EXPIRES);
    expect_lookup(&run);
    answered(&run, not_found());
    expect_given_up(&run, CAUSE_PAYER_DID_NOT_ACT, PAYMENT_FAILED);
    resumed.is_canceled = true;
    resume(&run, &resumed, SENT_AT + 60 * SEC);
    answered(&run, not_found());
    expect_given_up(&run, CAUSE_CANCELED, PAYMENT_CANCELED);

    /* Not where the provider goes on by itself, nor after a completion that is pending. */
    resumed = asked();
    resumed.candidate.waits_for_us = false;
    resume(&run, &resumed, EXPIRES);
    answered(&run, not_found());
    expect_put_back(&run, run.now);
    resumed = continued(SENT_AT + 60 * SEC);
    orchestrate_attempt_add_outcome(&resumed.attempt, 3, 2, OUTCOME_PENDING, SENT_AT + 61 * SEC);
    resume(&run, &resumed, EXPIRES + SETTLED);
    answered(&run, not_found());
    expect_put_back(&run, run.now);
}

/* ---- every event in every phase -------------------------------------------------------------- */

struct ghost {
    struct run run;
    struct orchestrate_write_plan write;
    bool is_committed;
    bool is_canceled, is_final, was_late;
    bool is_open;       /* a continuation has no answer of its own */
    bool is_settled;    /* as the look began */
    bool is_own_answer; /* the look in the air is a send or repeat of the key */
    bool saw_nothing;   /* ... was "not found" */
    bool saw_inert;     /* the last answer */
    bool saw_no, saw_yes;
    uint8_t sends;
    unsigned faults;
};

static unsigned long steps, records, first_sends, given_up;

static void go(const struct ghost *before, struct orchestrate_event event);

static void judge_plan(struct ghost *g)
{
    const struct orchestrate_write_plan *write = &g->run.action.write;
    assert_false(write->opens_payment || write->opens_attempt);
    if (write->opens_send) {
        records++;
        assert_false(g->is_canceled || g->is_final || g->is_open);
        assert_true(g->saw_inert && g->is_settled);
        assert_true(g->run.now + core_limits.send_window_us < EXPIRES);
        assert_true(write->has_outcome && write->parks && !write->unparks);
        assert_int_equal(g->run.action.send_number, g->sends + 1);
    }
    if (write->posts_transfers)
        assert_true(g->saw_yes);
    if (write->has_outcome && write->outcome == OUTCOME_FAILED) {
        if (write->cause == CAUSE_ANSWER) {
            assert_true(g->saw_no && (g->is_settled || g->run.core.is_continuing));
        } else {
            given_up++;
            assert_true((g->saw_inert || g->saw_nothing) && g->is_settled && !g->is_own_answer);
            assert_false(g->saw_nothing && g->is_open);
            assert_true(g->is_canceled || g->is_final || g->run.now >= EXPIRES);
        }
    }
    if (g->run.core.phase == PHASE_CLOSING)
        assert_true(write->parks != write->unparks);
    g->write = *write;
    g->is_committed = false;
}

static void judge_send(struct ghost *g)
{
    const struct orchestrate_action *action = &g->run.action;
    g->is_own_answer = action->send == SEND_FIRST || action->send == SEND_REPEAT;
    if (action->send == SEND_FIRST) {
        first_sends++;
        assert_true(g->is_committed && g->write.opens_send && !g->is_canceled);
        g->sends++;
    }
    if (action->send == SEND_REPEAT) {
        assert_true(g->is_committed && g->write.announces_repeat && !g->is_canceled);
        assert_int_equal(action->send_number, g->sends);
        assert_false(g->run.now >= EXPIRES);
    }
}

static void with_cancel(const struct ghost *g, struct orchestrate_event event)
{
    go(g, event);
    if (g->is_canceled)
        return;
    struct ghost canceled = *g;
    canceled.is_canceled = true;
    orchestrate_cancel(&canceled.run.core);
    go(&canceled, event);
}

static void after_write(const struct ghost *g)
{
    for (int result = WRITE_COMMITTED; result < WRITE_RESULT_COUNT; result++) {
        struct ghost next = *g;
        if (result == WRITE_KEY_TAKEN || result == WRITE_REFERENCE_TAKEN)
            continue;
        next.is_committed = result == WRITE_COMMITTED;
        if (result != WRITE_COMMITTED && next.faults++ >= 2)
            continue;
        with_cancel(&next, (struct orchestrate_event){.kind = EVENT_WRITTEN,
                                                      .write = (enum orchestrate_write)result});
    }
}

static void after_send(const struct ghost *g)
{
    struct orchestrate_answer answers[OUTCOME_COUNT + 10];
    size_t count = 0;
    answers[count++] = not_left();
    answers[count++] = lost();
    answers[count++] = again();
    answers[count++] = waiting();
    answers[count++] = approved_by_payer();
    answers[count++] = mismatch(OUTCOME_APPROVED);
    answers[count++] = duplicate(OUTCOME_FAILED);
    if (!g->is_own_answer)
        answers[count++] = not_found();
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
        answers[count++] = whole((enum outcome)outcome);
    for (size_t i = 0; i < count; i++) {
        struct ghost next = *g;
        bool is_no = answers[i].whole && (answers[i].outcome == OUTCOME_FAILED ||
                                          answers[i].outcome == OUTCOME_DECLINED_SOFT ||
                                          answers[i].outcome == OUTCOME_DECLINED_HARD);
        next.saw_inert = answers[i].is_inert;
        next.saw_no = is_no;
        next.saw_nothing = answers[i].not_found;
        next.saw_yes = answers[i].whole && answers[i].outcome == OUTCOME_APPROVED &&
                       !answers[i].amount_mismatch && !answers[i].duplicate;
        with_cancel(&next,
                    (struct orchestrate_event){.kind = EVENT_ANSWERED, .answer = answers[i]});
    }
}

static void after_prepare(const struct ghost *g)
{
    go(g, (struct orchestrate_event){.kind = EVENT_PREPARED, .prepared = {.moves_money = true}});
    go(g, (struct orchestrate_event){.kind = EVENT_PREPARED, .prepared = {.refused = true}});
}

static void go(const struct ghost *before, struct orchestrate_event event)
{
    struct ghost g = *before;
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) { /* no other event fits this phase */
        if (kind != (int)event.kind && steps < 100)
            assert_true(step_aborts(&g.run.core, (struct orchestrate_event){
                                                     .kind = (enum orchestrate_event_kind)kind}));
    }
    steps++;
    step_core(&g.run, event);
    switch (g.run.action.kind) {
    case ACTION_END:
        return;
    case ACTION_WRITE:
        judge_plan(&g);
        after_write(&g);
        return;
    case ACTION_PROBE:
        after_write(&g);
        return;
    case ACTION_SEND:
        judge_send(&g);
        after_send(&g);
        return;
    case ACTION_PREPARE:
        after_prepare(&g);
        return;
    case ACTION_WAIT:
        with_cancel(&g, (struct orchestrate_event){.kind = EVENT_TIMER});
        return;
    case ACTION_NONE:
        break;
    }
    fail_msg("nothing to wait for");
}

static void no_path_sends_twice_or_ends_what_may_still_move(void **state)
{
    (void)state;
    const int64_t times[] = {SENT_AT + 60 * SEC, SENT_AT + 60 * SEC + SETTLED,
                             EXPIRES - core_limits.send_window_us, EXPIRES, EXPIRES + SETTLED};
    for (size_t t = 0; t < ARRAY_LEN(times); t++) {
        for (int32_t i = 0; i < 2 * 2 * 2 * 5; i++) {
            bool is_open = (i & 1) != 0;
            struct orchestrate_resumed resumed = is_open ? continued(SENT_AT + 60 * SEC) : asked();
            resumed.is_canceled = (i & 2) != 0;
            resumed.payment_is_final = (i & 4) != 0;
            resumed.tries = i / 8;
            struct ghost g = {.run = {.now = times[t]},
                              .is_canceled = resumed.is_canceled,
                              .is_final = resumed.payment_is_final,
                              .is_open = is_open,
                              .is_settled = !is_open || times[t] >= SENT_AT + 60 * SEC + SETTLED,
                              .sends = is_open ? 2 : 1};
            orchestrate_resume(&g.run.core, &core_limits, OPERATION_SALE, &resumed);
            go(&g, (struct orchestrate_event){.kind = EVENT_BEGIN});
        }
    }
    print_message("%lu steps, %lu records, %lu first sends, %lu given up\n", steps, records,
                  first_sends, given_up);
    assert_true(steps > 20000);
    assert_true(records > 100 && first_sends > 100 && given_up > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_answer_says_until_when),
        cmocka_unit_test(it_never_fails_over_while_the_payer_may_act),
        cmocka_unit_test(looks_are_short_while_the_payer_may_act_and_end_on_time),
        cmocka_unit_test(consent_is_used_by_a_send_that_was_committed_first),
        cmocka_unit_test(what_says_nothing_of_that_send_is_asked_again),
        cmocka_unit_test(the_payer_may_be_asked_twice_and_the_time_stays),
        cmocka_unit_test(only_a_lookup_says_that_the_payer_has_approved),
        cmocka_unit_test(what_may_still_arrive_is_waited_for),
        cmocka_unit_test(nothing_goes_on_that_nobody_wants_or_too_late),
        cmocka_unit_test(a_cancel_that_comes_meanwhile_stops_it_before_it_leaves),
        cmocka_unit_test(a_send_that_was_opened_is_never_opened_again),
        cmocka_unit_test(its_key_counts_from_its_own_first_send),
        cmocka_unit_test(an_adapter_that_cannot_go_on_is_asked_again),
        cmocka_unit_test(of_two_workers_one_goes_on),
        cmocka_unit_test(it_ends_when_the_payer_did_not_act),
        cmocka_unit_test(it_does_not_end_without_the_providers_word),
        cmocka_unit_test(what_the_provider_has_forgotten_ends_when_it_is_too_late),
        cmocka_unit_test(no_path_sends_twice_or_ends_what_may_still_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
