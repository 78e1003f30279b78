/*
 * core.h - what the tests of the core share: a run of the core, and short words for events and
 * answers.
 */
#ifndef TEST_PAYMENT_CORE_H
#define TEST_PAYMENT_CORE_H

#include "payment/orchestrate.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SEC 1000000LL

struct run {
    struct orchestrate core;
    struct orchestrate_action action;
    int64_t now;
};

static const struct orchestrate_limits core_limits = {
    .send_window_us = 5 * SEC,
    .answer_us = 30 * SEC,
    .call_us = 20 * SEC,
    .lease_us = 60 * SEC,
    .skew_us = 2 * SEC,
    .write_retry_us = 100000,
    .resolve_first_us = 2 * SEC,
    .resolve_max_us = 300 * SEC,
    .review_after_us = 24 * 3600 * SEC,
    .pending_after_us = 7 * 24 * 3600 * SEC,
    .payout_max_us = 3600 * SEC,
    .payout_after_us = 35 * 24 * 3600 * SEC,
    .action_us = 3 * 3600 * SEC,
    .action_max_us = 15 * SEC,
    .attempt_max = 3,
    .again_max = 1,
};

/* ---- answers --------------------------------------------------------------------------------- */

static inline struct orchestrate_answer not_left(void)
{
    return (struct orchestrate_answer){.left = false};
}
static inline struct orchestrate_answer lost(void)
{
    return (struct orchestrate_answer){.left = true};
}
static inline struct orchestrate_answer whole(enum outcome outcome)
{
    return (struct orchestrate_answer){
        .left = true,
        .whole = true,
        .outcome = outcome,
        .answers_key = outcome == OUTCOME_FAILED,
    };
}
static inline struct orchestrate_answer again(void)
{
    struct orchestrate_answer answer = whole(OUTCOME_FAILED);
    answer.answers_key = false;
    answer.may_send_again = true;
    return answer;
}
static inline struct orchestrate_answer mismatch(enum outcome outcome)
{
    struct orchestrate_answer answer = whole(outcome);
    answer.amount_mismatch = true;
    return answer;
}
static inline struct orchestrate_answer duplicate(enum outcome outcome)
{
    struct orchestrate_answer answer = whole(outcome);
    answer.duplicate = true;
    return answer;
}
static inline struct orchestrate_answer not_found(void)
{
    struct orchestrate_answer answer = whole(OUTCOME_FAILED);
    answer.answers_key = false;
    answer.not_found = true;
    return answer;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static inline void step_core(struct run *run, struct orchestrate_event event)
{
    event.now_us = run->now;
    orchestrate_step(&run->core, &event, &run->action);
    /* Of what was taken over only its rows are known: what was ever opened counts as having left. */
    if (run->core.is_resumed && run->action.kind == ACTION_WRITE && run->action.write.has_outcome)
        assert_int_equal(run->action.write.left, run->core.attempt.send_count > 0);
}
static inline void begin(struct run *run)
{
    step_core(run, (struct orchestrate_event){.kind = EVENT_BEGIN});
}
static inline void prepared(struct run *run, bool moves_money)
{
    assert_int_equal(run->action.kind, ACTION_PREPARE);
    step_core(run, (struct orchestrate_event){.kind = EVENT_PREPARED,
                                              .prepared = {.moves_money = moves_money}});
}
static inline void refused(struct run *run)
{
    assert_int_equal(run->action.kind, ACTION_PREPARE);
    step_core(run,
              (struct orchestrate_event){.kind = EVENT_PREPARED, .prepared = {.refused = true}});
}
static inline void written(struct run *run, enum orchestrate_write result)
{
    step_core(run, (struct orchestrate_event){.kind = EVENT_WRITTEN, .write = result});
}
static inline void committed(struct run *run)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    written(run, WRITE_COMMITTED);
}
static inline void answered(struct run *run, struct orchestrate_answer answer)
{
    assert_int_equal(run->action.kind, ACTION_SEND);
    step_core(run, (struct orchestrate_event){.kind = EVENT_ANSWERED, .answer = answer});
}
static inline void timer(struct run *run)
{
    assert_int_equal(run->action.kind, ACTION_WAIT);
    run->now += run->action.wait_us;
    step_core(run, (struct orchestrate_event){.kind = EVENT_TIMER});
}
static inline void deadline(struct run *run)
{
    step_core(run, (struct orchestrate_event){.kind = EVENT_DEADLINE});
}

/* A new payment with so many candidates; the first WRITE is asked for. */
static inline void start(struct run *run, enum operation operation, size_t candidates,
                         bool moves_money)
{
    static const struct orchestrate_candidate candidate[ORCHESTRATE_CANDIDATE_MAX] = {
        {.replay = REPLAY_FIRST_ANSWER},
    };
    *run = (struct run){.now = 1000 * SEC};
    orchestrate_init(&run->core, &core_limits, operation, candidate, candidates);
    begin(run);
    prepared(run, moves_money);
}
/* The same, up to the first send. */
static inline void start_sending(struct run *run, size_t candidates, bool moves_money)
{
    start(run, OPERATION_SALE, candidates, moves_money);
    committed(run);
    assert_int_equal(run->action.kind, ACTION_SEND);
}

/* ---- expectations ---------------------------------------------------------------------------- */

static inline void expect_close(const struct run *run, enum outcome outcome,
                                enum payment_status status)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_int_equal(run->action.reply, REPLY_NONE);
    assert_int_equal(run->core.phase, PHASE_CLOSING);
    assert_true(run->action.write.has_outcome);
    assert_int_equal(run->action.write.outcome, outcome);
    assert_true(run->action.write.has_event);
    assert_int_equal(run->action.write.status, status);
    assert_int_equal(run->action.write.stores_answer, outcome_is_final(outcome));
    assert_int_equal(run->action.write.posts_transfers, outcome == OUTCOME_APPROVED);
    assert_false(run->action.write.opens_attempt);
    assert_false(run->action.write.opens_send);
}
static inline void expect_end(struct run *run, enum orchestrate_reply reply)
{
    committed(run);
    assert_int_equal(run->action.kind, ACTION_END);
    assert_int_equal(run->action.reply, reply);
    assert_int_equal(run->core.phase, PHASE_ENDED);
}
/* A failed over: one WRITE closes attempt `from` and opens the next; already prepared. */
static inline void expect_switch(const struct run *run, uint8_t from, enum outcome outcome)
{
    assert_int_equal(run->action.kind, ACTION_WRITE);
    assert_int_equal(run->core.phase, PHASE_SWITCHING);
    assert_true(run->action.write.has_outcome);
    assert_int_equal(run->action.write.outcome_attempt_number, from);
    assert_int_equal(run->action.write.outcome, outcome);
    assert_true(run->action.write.opens_attempt);
    assert_int_equal(run->action.attempt_number, from + 1);
    assert_int_equal(run->action.candidate, from);
    assert_false(run->action.write.has_event);
    assert_false(run->action.write.stores_answer);
    assert_false(run->action.write.posts_transfers);
    assert_false(run->action.write.parks);
}

/* ---- CHECKs ---------------------------------------------------------------------------------- */

static sigjmp_buf core_aborted;

static inline void on_abort(int signal_number)
{
    (void)signal_number;
    siglongjmp(core_aborted, 1);
}

/* True when the step is a driver's bug that the core refuses by CHECK. */
static inline bool step_aborts(const struct orchestrate *core, struct orchestrate_event event)
{
    struct sigaction action = {.sa_handler = on_abort}, before;
    struct orchestrate copy = *core;
    struct orchestrate_action ignored;
    sigaction(SIGABRT, &action, &before);
    bool aborted = sigsetjmp(core_aborted, 1) != 0;
    if (!aborted)
        orchestrate_step(&copy, &event, &ignored);
    sigaction(SIGABRT, &before, NULL);
    return aborted;
}

#endif
