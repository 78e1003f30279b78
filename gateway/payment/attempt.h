/*
 * attempt.h - the life of one try to charge through one provider.
 *
 *     PLANNED ---send---> SENT ---accept---> PENDING
 *        |                 |  \                 |
 *     abandon              |   lose_answer      |
 *        v                 |           v        |
 *     FAILED               |        UNKNOWN     |
 *                          +-----------+--------+--> APPROVED | DECLINED | FAILED
 *
 * PENDING goes back to SENT where the payer had to act: the provider waits for another send of the
 * same attempt.
 *
 * One rule is worth this whole file: in SENT, PENDING and UNKNOWN the money may have moved, so no
 * other provider may be tried. UNKNOWN is left only by asking the provider what happened; when it
 * says that it has accepted and will decide later, UNKNOWN becomes PENDING.
 */
#ifndef PAYMENT_ATTEMPT_H
#define PAYMENT_ATTEMPT_H

#include "base/error.h"

enum attempt_state {
    ATTEMPT_NONE = 0,
    ATTEMPT_PLANNED,
    ATTEMPT_SENT,
    ATTEMPT_PENDING,
    ATTEMPT_UNKNOWN,
    ATTEMPT_APPROVED,
    ATTEMPT_DECLINED,
    ATTEMPT_FAILED,
    ATTEMPT_STATE_COUNT,
};

enum attempt_event {
    ATTEMPT_SEND = 0,
    ATTEMPT_ABANDON,     /* nothing left, nothing will */
    ATTEMPT_ACCEPT,      /* the provider will decide later */
    ATTEMPT_LOSE_ANSWER, /* it left, and no whole answer came */
    ATTEMPT_APPROVE,
    ATTEMPT_DECLINE,
    ATTEMPT_FAIL, /* surely did nothing */
    ATTEMPT_EVENT_COUNT,
};

const char *attempt_state_name(enum attempt_state state);

/* Move to the state that follows `event`. On ERROR_CONFLICT *state is unchanged. */
bool attempt_step(enum attempt_state *state, enum attempt_event event, struct error *err) MUST_USE;

/* Approved, declined or failed. */
bool attempt_is_final(enum attempt_state state);

/*
 * True when trying another provider cannot charge the customer twice. Whether it is wise (a stolen
 * card stays stolen) is the router's question, not ours.
 */
bool attempt_may_fail_over(enum attempt_state state);

#endif
