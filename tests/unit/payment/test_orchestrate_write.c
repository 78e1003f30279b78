/* The life of a WRITE, the client's deadline, and which event fits which phase. */
#include "core.h"

/* ---- OPEN ------------------------------------------------------------------------------------ */

static void an_open_that_is_refused_ends_with_its_word(void **state)
{
    (void)state;
    const struct {
        enum orchestrate_write result;
        enum orchestrate_reply reply;
    } cases[] = {
        {WRITE_KEY_TAKEN, REPLY_KEY_TAKEN},
        {WRITE_REFERENCE_TAKEN, REPLY_REFERENCE_TAKEN},
        {WRITE_ROLLED_BACK, REPLY_UNAVAILABLE},
        {WRITE_UNAVAILABLE, REPLY_UNAVAILABLE},
        {WRITE_LIMIT_EXCEEDED, REPLY_LIMIT_EXCEEDED},
        {WRITE_FENCED, REPLY_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct run run;
        start(&run, OPERATION_SALE, 2, true);
        written(&run, cases[i].result);
        assert_int_equal(run.action.kind, ACTION_END);
        assert_int_equal(run.action.reply, cases[i].reply);

        start(&run, OPERATION_SALE, 2, true);
        written(&run, WRITE_UNKNOWN);
        assert_int_equal(run.action.kind, ACTION_PROBE);
        assert_int_equal(run.action.reply, REPLY_NONE);
        if (cases[i].result == WRITE_UNAVAILABLE)
            continue; /* of a probe: nobody could be asked */
        written(&run, cases[i].result);
        assert_int_equal(run.action.kind, ACTION_END);
        assert_int_equal(run.action.reply, cases[i].reply);
    }
}

static void an_unknown_open_is_probed_until_it_is_known(void **state)
{
    (void)state;
    struct run run;
    start(&run, OPERATION_SALE, 2, true);
    written(&run, WRITE_UNKNOWN);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(run.action.kind, ACTION_PROBE);
        written(&run, i % 2 == 0 ? WRITE_UNAVAILABLE : WRITE_UNKNOWN);
        assert_int_equal(run.action.kind, ACTION_WAIT);
        assert_in_range(run.action.wait_us, core_limits.write_retry_us, SEC);
        timer(&run);
    }
    assert_int_equal(run.action.kind, ACTION_PROBE);
    written(&run, WRITE_COMMITTED);
    assert_int_equal(run.action.kind, ACTION_SEND);
    assert_true(run.action.not_after_us < run.now); /* the engine will not let it leave */
}

static void a_deadline_while_an_open_is_unknown_promises_nothing(void **state)
{
    (void)state;
    struct run run;
    start(&run, OPERATION_SALE, 2, true);
    written(&run, WRITE_UNKNOWN);
    deadline(&run);
    assert_int_equal(run.action.kind, ACTION_NONE);
    assert_int_equal(run.action.reply, REPLY_OUTCOME_PENDING);
    written(&run, WRITE_ROLLED_BACK);
    assert_int_equal(run.action.kind, ACTION_END);
    assert_int_equal(run.action.reply, REPLY_NONE);

    start(&run, OPERATION_SALE, 2, true);
    written(&run, WRITE_UNKNOWN);
    deadline(&run);
    written(&run, WRITE_COMMITTED);
    assert_int_equal(run.action.kind, ACTION_SEND);
}

/* ---- later writes ---------------------------------------------------------------------------- */

static void reach(struct run *run, enum orchestrate_phase phase)
{
    start_sending(run, 2, phase != PHASE_RECORDING);
    if (phase == PHASE_RECORDING) {
        answered(run, whole(OUTCOME_NONE));
        prepared(run, true);
    } else if (phase == PHASE_SWITCHING) {
        answered(run, whole(OUTCOME_DECLINED_SOFT));
        prepared(run, true);
    } else {
        answered(run, whole(OUTCOME_APPROVED));
    }
    assert_int_equal(run->core.phase, phase);
    assert_int_equal(run->action.kind, ACTION_WRITE);
}

static const enum orchestrate_phase later[] = {PHASE_RECORDING, PHASE_SWITCHING, PHASE_CLOSING};

static void what_was_not_committed_is_written_again_for_ever(void **state)
{
    (void)state;
    const enum orchestrate_write results[] = {WRITE_ROLLED_BACK, WRITE_UNAVAILABLE,
                                              WRITE_LIMIT_EXCEEDED};
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        struct run run;
        reach(&run, later[i]);
        struct orchestrate_write_plan plan = run.action.write;
        int rolled_back = 0;
        int64_t pause = core_limits.write_retry_us;
        for (int k = 0; k < 50; k++) {
            int j = later[i] == PHASE_SWITCHING ? k % 2 : k; /* see below */
            written(&run, results[j % 3]);
            assert_int_equal(run.action.kind, ACTION_WAIT);
            assert_int_equal(run.action.wait_us, pause);
            pause = pause * 2 < SEC ? pause * 2 : SEC;
            timer(&run);
            assert_int_equal(run.action.kind, ACTION_WRITE);
            assert_int_equal(run.action.now_us, run.now);
            rolled_back += results[j % 3] != WRITE_UNAVAILABLE;
            plan.is_suspect = rolled_back >= 20;
            if (results[j % 3] == WRITE_LIMIT_EXCEEDED && plan.posts_transfers) {
                plan.posts_transfers =
                    false; /* more than the limits allow: a person has to see it */
                plan.needs_review = true;
                plan.review = REVIEW_OTHER;
            }
            assert_memory_equal(&run.action.write, &plan, sizeof(plan));
        }
        committed(&run);
        assert_int_equal(run.action.kind, later[i] == PHASE_CLOSING ? ACTION_END : ACTION_SEND);
        if (later[i] != PHASE_CLOSING) /* dated by the write that was committed */
            assert_int_equal(run.action.not_after_us, run.now + core_limits.send_window_us);
    }
}

/* The networks allow no further try with this card: the decline is all there is. */
static void a_switch_beyond_the_budget_ends_the_payment_declined(void **state)
{
    (void)state;
    for (int was_unknown = 0; was_unknown < 2; was_unknown++) {
        struct run run;
        reach(&run, PHASE_SWITCHING);
        struct orchestrate_write_plan plan = run.action.write;
        if (was_unknown) {
            written(&run, WRITE_UNKNOWN);
            written(&run, WRITE_ROLLED_BACK);
            timer(&run);
        }
        written(&run, WRITE_LIMIT_EXCEEDED);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        assert_int_equal(run.core.phase, PHASE_CLOSING);
        const struct orchestrate_write_plan *close = &run.action.write;
        assert_false(close->opens_attempt || close->opens_send || close->parks);
        assert_true(close->has_outcome && close->has_event && close->stores_answer);
        assert_int_equal(close->outcome, OUTCOME_DECLINED_SOFT);
        assert_int_equal(close->outcome_attempt_number, 1);
        assert_int_equal(close->outcome_number, plan.outcome_number);
        assert_int_equal(close->status, PAYMENT_DECLINED);
        assert_false(close->posts_transfers);
        written(&run, WRITE_ROLLED_BACK); /* and that is written until it is there */
        timer(&run);
        committed(&run);
        assert_int_equal(run.action.kind, ACTION_END);
        assert_int_equal(run.action.reply, REPLY_FINAL);
    }
}

static void an_unknown_write_is_probed_and_never_guessed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        struct run run;
        reach(&run, later[i]);
        written(&run, WRITE_UNKNOWN);
        assert_int_equal(run.action.kind, ACTION_PROBE);
        assert_int_equal(run.action.reply, REPLY_NONE);
        written(&run, WRITE_UNAVAILABLE);
        timer(&run);
        assert_int_equal(run.action.kind, ACTION_PROBE);
        written(&run, WRITE_ROLLED_BACK);
        assert_int_equal(run.action.kind, ACTION_WAIT);
        timer(&run);
        assert_int_equal(run.action.kind, ACTION_WRITE);
        written(&run, WRITE_UNKNOWN);
        written(&run, WRITE_COMMITTED);
        assert_int_equal(run.action.kind, later[i] == PHASE_CLOSING ? ACTION_END : ACTION_SEND);
    }
}

static void who_is_fenced_stops_and_claims_nothing(void **state)
{
    (void)state;
    const enum orchestrate_write results[] = {WRITE_FENCED, WRITE_KEY_TAKEN, WRITE_REFERENCE_TAKEN};
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        for (size_t j = 0; j < ARRAY_LEN(results); j++) {
            struct run run;
            reach(&run, later[i]);
            written(&run, results[j]);
            assert_int_equal(run.action.kind, ACTION_END);
            assert_int_equal(run.action.reply, REPLY_PROCESSING);
        }
    }
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void a_deadline_while_a_provider_thinks_says_processing(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 2, true);
    deadline(&run);
    assert_int_equal(run.action.kind, ACTION_NONE);
    assert_int_equal(run.action.reply, REPLY_PROCESSING);
    run.action.kind = ACTION_SEND; /* it is still in the air */
    answered(&run, whole(OUTCOME_APPROVED));
    expect_close(&run, OUTCOME_APPROVED, PAYMENT_SUCCEEDED);
    expect_end(&run, REPLY_NONE);
}

static void a_deadline_while_a_commit_hangs_says_repeat_the_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        struct run run;
        reach(&run, later[i]);
        deadline(&run);
        assert_int_equal(run.action.reply, REPLY_OUTCOME_PENDING);
        written(&run, WRITE_ROLLED_BACK);
        assert_int_equal(run.action.reply, REPLY_NONE);
        timer(&run);
        committed(&run);
        assert_int_equal(run.action.reply, REPLY_NONE);

        reach(&run, later[i]);
        written(&run, WRITE_UNKNOWN);
        deadline(&run);
        assert_int_equal(run.action.reply, REPLY_OUTCOME_PENDING);

        reach(&run, later[i]);
        written(&run, WRITE_ROLLED_BACK);
        deadline(&run);
        assert_int_equal(run.action.kind, ACTION_NONE);
        assert_int_equal(run.action.reply, REPLY_OUTCOME_PENDING);
    }
}

/* ---- every phase and event ------------------------------------------------------------------- */

static void make(struct orchestrate *core, enum orchestrate_phase phase)
{
    struct run run;
    memset(&run, 0, sizeof(run));
    struct orchestrate_candidate candidates[2] = {{.replay = REPLAY_NONE}};
    switch (phase) {
    case PHASE_NEW:
        orchestrate_init(&run.core, &core_limits, OPERATION_SALE, candidates, 2);
        break;
    case PHASE_PREPARING:
        orchestrate_init(&run.core, &core_limits, OPERATION_SALE, candidates, 2);
        begin(&run);
        break;
    case PHASE_OPENING:
        start(&run, OPERATION_SALE, 2, true);
        break;
    case PHASE_SENDING:
        start_sending(&run, 2, true);
        break;
    case PHASE_RECORDING:
    case PHASE_SWITCHING:
    case PHASE_CLOSING:
        reach(&run, phase);
        break;
    case PHASE_PROBING:
        start(&run, OPERATION_SALE, 2, true);
        written(&run, WRITE_UNKNOWN);
        break;
    case PHASE_WAITING:
        reach(&run, PHASE_CLOSING);
        written(&run, WRITE_ROLLED_BACK);
        break;
    case PHASE_ENDED:
        start(&run, OPERATION_SALE, 2, true);
        written(&run, WRITE_KEY_TAKEN);
        break;
    case PHASE_ANNOUNCING:
    case PHASE_COUNT:
        fail_msg("not reached by a new payment");
        break;
    }
    assert_int_equal(run.core.phase, phase);
    *core = run.core;
}

/* clang-format off */
static const bool fits[PHASE_COUNT][EVENT_KIND_COUNT] = {
    /*                     begin  prepared written answered timer  deadline */
    [PHASE_NEW]        = { true,  false,   false,  false,   false, false },
    [PHASE_PREPARING]  = { false, true,    false,  false,   false, false },
    [PHASE_OPENING]    = { false, false,   true,   false,   false, true  },
    [PHASE_SENDING]    = { false, false,   false,  true,    false, true  },
    [PHASE_RECORDING]  = { false, false,   true,   false,   false, true  },
    [PHASE_SWITCHING]  = { false, false,   true,   false,   false, true  },
    [PHASE_CLOSING]    = { false, false,   true,   false,   false, true  },
    [PHASE_PROBING]    = { false, false,   true,   false,   false, true  },
    [PHASE_WAITING]    = { false, false,   false,  false,   true,  true  },
    [PHASE_ENDED]      = { false, false,   false,  false,   false, false },
};
/* clang-format on */

static void an_event_that_does_not_fit_its_phase_is_a_bug(void **state)
{
    (void)state;
    unsigned visited = 0;
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        if (phase == PHASE_ANNOUNCING)
            continue;
        for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
            struct orchestrate core;
            make(&core, (enum orchestrate_phase)phase);
            struct orchestrate_event event = {
                .kind = (enum orchestrate_event_kind)kind,
                .answer = whole(OUTCOME_APPROVED),
                .prepared = {.moves_money = true},
            };
            assert_int_equal(step_aborts(&core, event), !fits[phase][kind]);
            visited++;
        }
    }
    assert_int_equal(visited, (PHASE_COUNT - 1) * EVENT_KIND_COUNT);
}

static void an_answer_that_came_whole_and_never_left_is_a_bug(void **state)
{
    (void)state;
    struct orchestrate core;
    make(&core, PHASE_SENDING);
    struct orchestrate_event event = {
        .kind = EVENT_ANSWERED,
        .answer = {.left = false, .whole = true, .outcome = OUTCOME_APPROVED},
    };
    assert_true(step_aborts(&core, event));
}

static void a_second_deadline_is_a_bug(void **state)
{
    (void)state;
    struct run run;
    start_sending(&run, 1, true);
    deadline(&run);
    assert_true(step_aborts(&run.core, (struct orchestrate_event){.kind = EVENT_DEADLINE}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_that_is_refused_ends_with_its_word),
        cmocka_unit_test(an_unknown_open_is_probed_until_it_is_known),
        cmocka_unit_test(a_deadline_while_an_open_is_unknown_promises_nothing),
        cmocka_unit_test(what_was_not_committed_is_written_again_for_ever),
        cmocka_unit_test(a_switch_beyond_the_budget_ends_the_payment_declined),
        cmocka_unit_test(an_unknown_write_is_probed_and_never_guessed),
        cmocka_unit_test(who_is_fenced_stops_and_claims_nothing),
        cmocka_unit_test(a_deadline_while_a_provider_thinks_says_processing),
        cmocka_unit_test(a_deadline_while_a_commit_hangs_says_repeat_the_key),
        cmocka_unit_test(an_event_that_does_not_fit_its_phase_is_a_bug),
        cmocka_unit_test(an_answer_that_came_whole_and_never_left_is_a_bug),
        cmocka_unit_test(a_second_deadline_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
