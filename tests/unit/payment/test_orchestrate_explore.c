/*
 * Every path of a new payment, to a bound: each kind of prepared send, answer and write result,
 * with and without the client's deadline. What a careful reader would note beside (struct ghost) is
 * kept apart from the core, and judges what the core asks for.
 */
#include "core.h"

enum {
    ATTEMPT_MAX = 3,
    FAULT_MAX = 1,   /* writes of one path that do not commit at once */
    PREPARE_MAX = 4, /* sends of one path */
};

enum fate { /* of one send of money */
            FATE_NOT_SENT = 0,
            FATE_OPEN, /* money may have moved, or may yet */
            FATE_SOFT_NO,
            FATE_HARD_NO,
            FATE_YES,
};

struct ghost {
    struct run run;
    struct orchestrate_write_plan write; /* asked for last */
    bool is_committed;                   /* it was */
    bool was_answered;
    bool moves_money; /* the send prepared last */
    uint8_t attempt;
    enum fate fate[ATTEMPT_MAX + 1]; /* of an attempt as a whole: the worst of its sends */
    bool saw_mismatch;
    unsigned faults, prepares;
};

static unsigned long steps, ends, finals, failovers;

static void go(const struct ghost *before, struct orchestrate_event event);

static bool money_may_move(const struct ghost *g)
{
    for (int i = 1; i <= ATTEMPT_MAX; i++)
        if (g->fate[i] == FATE_OPEN || g->fate[i] == FATE_YES)
            return true;
    return false;
}

static void judge_reply(struct ghost *g)
{
    enum orchestrate_reply reply = g->run.action.reply;
    if (reply == REPLY_NONE)
        return;
    assert_false(g->was_answered);
    g->was_answered = true;
    if (reply == REPLY_FINAL) {
        finals++;
        assert_true(g->is_committed);
        assert_true(g->write.stores_answer);
        assert_true(payment_status_is_final(g->write.status));
        bool charged = g->write.status == PAYMENT_SUCCEEDED;
        assert_int_equal(charged, g->fate[g->attempt] == FATE_YES);
        assert_int_equal(charged, money_may_move(g));
    }
    if (reply == REPLY_UNAVAILABLE || reply == REPLY_KEY_TAKEN || reply == REPLY_REFERENCE_TAKEN) {
        assert_true(g->write.opens_payment);
        assert_false(g->is_committed);
    }
}

static void judge_write(struct ghost *g)
{
    const struct orchestrate_write_plan *write = &g->run.action.write;
    if (write->opens_attempt && write->has_outcome) {
        failovers++;
        for (int i = 1; i < g->run.action.attempt_number; i++)
            assert_true(g->fate[i] == FATE_NOT_SENT || g->fate[i] == FATE_SOFT_NO);
    }
    if (write->stores_answer && write->status != PAYMENT_SUCCEEDED)
        assert_false(money_may_move(g));
    if (write->posts_transfers)
        assert_int_equal(g->fate[g->attempt], FATE_YES);
    if (g->saw_mismatch && g->run.core.phase == PHASE_CLOSING && g->fate[g->attempt] == FATE_OPEN)
        assert_int_equal(write->status, PAYMENT_REVIEW);
    assert_false(write->parks && write->stores_answer);
    assert_false(write->announces_repeat || write->unparks);
    g->write = *write;
    g->is_committed = false;
}

static void judge_send(const struct ghost *g)
{
    assert_true(g->is_committed);
    assert_true(g->write.opens_send);
    assert_int_equal(g->run.action.send, SEND_FIRST);
    for (int i = 1; i < g->run.action.attempt_number; i++)
        assert_true(g->fate[i] == FATE_NOT_SENT || g->fate[i] == FATE_SOFT_NO);
    assert_true(g->fate[g->run.action.attempt_number] == FATE_NOT_SENT ||
                g->fate[g->run.action.attempt_number] == FATE_SOFT_NO);
}

static void judge_end(const struct ghost *g)
{
    ends++;
    assert_true(g->was_answered);
    if (g->is_committed && money_may_move(g) && g->fate[g->attempt] == FATE_OPEN)
        assert_true(g->write.parks || g->write.status == PAYMENT_REVIEW);
}

/* ---- what may happen next -------------------------------------------------------------------- */

static void after_prepare(const struct ghost *g)
{
    for (int i = 0; i < 3; i++) {
        struct ghost next = *g;
        bool refused = i == 2 || g->prepares >= PREPARE_MAX;
        next.prepares++;
        next.moves_money = i == 0;
        next.attempt = g->run.action.attempt_number;
        go(&next, (struct orchestrate_event){
                      .kind = EVENT_PREPARED,
                      .prepared = {.refused = refused, .moves_money = !refused && i == 0}});
        if (refused)
            return;
    }
}

static void written_as(const struct ghost *g, enum orchestrate_write result)
{
    struct ghost next = *g;
    if (result == WRITE_COMMITTED)
        next.is_committed = true;
    else
        next.faults++;
    go(&next, (struct orchestrate_event){.kind = EVENT_WRITTEN, .write = result});
}

static void after_write(const struct ghost *g)
{
    written_as(g, WRITE_COMMITTED);
    if (g->faults >= FAULT_MAX)
        return;
    for (int result = WRITE_KEY_TAKEN; result < WRITE_RESULT_COUNT; result++)
        if (g->write.opens_payment || result >= WRITE_FENCED)
            written_as(g, (enum orchestrate_write)result);
}

static enum fate fate_of(const struct ghost *g, const struct orchestrate_answer *answer)
{
    bool started = answer->whole &&
                   (answer->outcome == OUTCOME_APPROVED || answer->outcome == OUTCOME_PENDING ||
                    answer->outcome == OUTCOME_REQUIRES_ACTION);
    bool is_clear = answer->whole && !answer->amount_mismatch && !answer->duplicate;
    if (!answer->left)
        return FATE_NOT_SENT;
    if (started)
        return is_clear && answer->outcome == OUTCOME_APPROVED ? FATE_YES : FATE_OPEN;
    if (is_clear && answer->outcome == OUTCOME_DECLINED_HARD)
        return FATE_HARD_NO;
    if (!g->moves_money)
        return FATE_NOT_SENT;
    if (is_clear && (answer->outcome == OUTCOME_DECLINED_SOFT || answer->outcome == OUTCOME_FAILED))
        return FATE_SOFT_NO;
    return FATE_OPEN;
}

static void answered_as(const struct ghost *g, struct orchestrate_answer answer)
{
    struct ghost next = *g;
    enum fate fate = fate_of(g, &answer);
    if (fate != FATE_NOT_SENT)
        next.fate[g->run.action.attempt_number] = fate;
    next.saw_mismatch = answer.amount_mismatch;
    go(&next, (struct orchestrate_event){.kind = EVENT_ANSWERED, .answer = answer});
}

static void after_send(const struct ghost *g)
{
    answered_as(g, not_left());
    answered_as(g, lost());
    answered_as(g, again());
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
        answered_as(g, whole((enum outcome)outcome));
    answered_as(g, mismatch(OUTCOME_APPROVED));
    answered_as(g, mismatch(OUTCOME_DECLINED_SOFT));
    answered_as(g, mismatch(OUTCOME_NONE));
    answered_as(g, duplicate(OUTCOME_FAILED));
    answered_as(g, duplicate(OUTCOME_NONE));
}

static void branch(const struct ghost *g, enum orchestrate_action_kind waits_for)
{
    switch (waits_for) {
    case ACTION_PREPARE:
        after_prepare(g);
        return;
    case ACTION_WRITE:
    case ACTION_PROBE:
        after_write(g);
        return;
    case ACTION_SEND:
        after_send(g);
        return;
    case ACTION_WAIT:
        go(g, (struct orchestrate_event){.kind = EVENT_TIMER});
        return;
    case ACTION_NONE:
    case ACTION_END:
        break;
    }
    fail_msg("nothing to wait for");
}

static void go(const struct ghost *before, struct orchestrate_event event)
{
    struct ghost g = *before;
    steps++;
    step_core(&g.run, event);
    judge_reply(&g);
    if (g.run.action.kind == ACTION_WRITE)
        judge_write(&g);
    if (g.run.action.kind == ACTION_SEND)
        judge_send(&g);
    if (g.run.action.kind == ACTION_END) {
        judge_end(&g);
        return;
    }
    branch(&g, g.run.action.kind);
    if (g.run.action.kind == ACTION_PREPARE || g.was_answered)
        return;
    struct ghost late = g;
    step_core(&late.run, (struct orchestrate_event){.kind = EVENT_DEADLINE});
    assert_int_equal(late.run.action.kind, ACTION_NONE);
    assert_int_not_equal(late.run.action.reply, REPLY_FINAL);
    assert_int_not_equal(late.run.action.reply, REPLY_UNAVAILABLE);
    judge_reply(&late);
    late.run.action = g.run.action;
    late.run.action.reply = REPLY_NONE;
    branch(&late, g.run.action.kind);
}

static void no_path_charges_twice_or_tells_what_is_not_stored(void **state)
{
    (void)state;
    static const struct orchestrate_candidate candidates[ATTEMPT_MAX] = {{.replay = REPLAY_NONE}};
    struct ghost g = {.run = {.now = 1000 * SEC}};
    struct orchestrate_limits limits = core_limits;
    limits.attempt_max = 2;
    orchestrate_init(&g.run.core, &limits, OPERATION_SALE, candidates, ATTEMPT_MAX);
    go(&g, (struct orchestrate_event){.kind = EVENT_BEGIN});
    print_message("%lu steps, %lu ends, %lu final answers, %lu failovers asked for\n", steps, ends,
                  finals, failovers);
    assert_true(steps > 100000);
    assert_true(finals > 1000);
    assert_true(failovers > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_path_charges_twice_or_tells_what_is_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
