#include "payment/attempt.h"

/* clang-format off */
static const char *const state_names[ATTEMPT_STATE_COUNT] = {
    [ATTEMPT_NONE]     = "none",
    [ATTEMPT_PLANNED]  = "planned",
    [ATTEMPT_SENT]     = "sent",
    [ATTEMPT_PENDING]  = "pending",
    [ATTEMPT_UNKNOWN]  = "unknown",
    [ATTEMPT_APPROVED] = "approved",
    [ATTEMPT_DECLINED] = "declined",
    [ATTEMPT_FAILED]   = "failed",
};

static const char *const event_names[ATTEMPT_EVENT_COUNT] = {
    [ATTEMPT_SEND]        = "send",
    [ATTEMPT_ABANDON]     = "abandon",
    [ATTEMPT_ACCEPT]      = "accept",
    [ATTEMPT_LOSE_ANSWER] = "lose_answer",
    [ATTEMPT_APPROVE]     = "approve",
    [ATTEMPT_DECLINE]     = "decline",
    [ATTEMPT_FAIL]        = "fail",
};

/* What is not named stays ATTEMPT_NONE: there is no such transition. */
static const enum attempt_state next_state[ATTEMPT_STATE_COUNT][ATTEMPT_EVENT_COUNT] = {
    [ATTEMPT_PLANNED] = {
        [ATTEMPT_SEND]        = ATTEMPT_SENT,
        [ATTEMPT_ABANDON]     = ATTEMPT_FAILED,
    },
    [ATTEMPT_SENT] = {
        [ATTEMPT_ACCEPT]      = ATTEMPT_PENDING,
        [ATTEMPT_LOSE_ANSWER] = ATTEMPT_UNKNOWN,
        [ATTEMPT_APPROVE]     = ATTEMPT_APPROVED,
        [ATTEMPT_DECLINE]     = ATTEMPT_DECLINED,
        [ATTEMPT_FAIL]        = ATTEMPT_FAILED,
    },
    [ATTEMPT_PENDING] = {
        [ATTEMPT_SEND]        = ATTEMPT_SENT,
        [ATTEMPT_APPROVE]     = ATTEMPT_APPROVED,
        [ATTEMPT_DECLINE]     = ATTEMPT_DECLINED,
        [ATTEMPT_FAIL]        = ATTEMPT_FAILED,
    },
    [ATTEMPT_UNKNOWN] = {
        [ATTEMPT_ACCEPT]      = ATTEMPT_PENDING,
        [ATTEMPT_APPROVE]     = ATTEMPT_APPROVED,
        [ATTEMPT_DECLINE]     = ATTEMPT_DECLINED,
        [ATTEMPT_FAIL]        = ATTEMPT_FAILED,
    },
};
/* clang-format on */

const char *attempt_state_name(enum attempt_state state)
{
    CHECK(state < ATTEMPT_STATE_COUNT);
    return state_names[state];
}

bool attempt_step(enum attempt_state *state, enum attempt_event event, struct error *err)
{
    CHECK(*state < ATTEMPT_STATE_COUNT);
    CHECK(event < ATTEMPT_EVENT_COUNT);
    enum attempt_state next = next_state[*state][event];
    if (next == ATTEMPT_NONE)
        return fail(err, ERROR_CONFLICT, "no %s for an attempt that is %s", event_names[event],
                    state_names[*state]);
    *state = next;
    return true;
}

bool attempt_is_final(enum attempt_state state)
{
    CHECK(state < ATTEMPT_STATE_COUNT);
    return state == ATTEMPT_APPROVED || state == ATTEMPT_DECLINED || state == ATTEMPT_FAILED;
}

bool attempt_may_fail_over(enum attempt_state state)
{
    CHECK(state < ATTEMPT_STATE_COUNT);
    return state == ATTEMPT_PLANNED || state == ATTEMPT_DECLINED || state == ATTEMPT_FAILED;
}
