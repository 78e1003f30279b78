#include "payment/orchestrate_internal.h"

void orchestrate_move(struct orchestrate_attempt *attempt, enum attempt_event event)
{
    struct error err;
    CHECK(attempt_step(&attempt->state, event, &err));
}

enum attempt_event orchestrate_attempt_event(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_APPROVED:
        return ATTEMPT_APPROVE;
    case OUTCOME_PENDING:
    case OUTCOME_REQUIRES_ACTION:
        return ATTEMPT_ACCEPT;
    case OUTCOME_DECLINED_SOFT:
    case OUTCOME_DECLINED_HARD:
        return ATTEMPT_DECLINE;
    case OUTCOME_FAILED:
        return ATTEMPT_FAIL;
    case OUTCOME_UNKNOWN:
        return ATTEMPT_LOSE_ANSWER;
    case OUTCOME_NONE:
    case OUTCOME_COUNT:
        break;
    }
    CHECK(false);
    return ATTEMPT_EVENT_COUNT;
}

void orchestrate_attempt_begin(struct orchestrate_attempt *attempt)
{
    *attempt = (struct orchestrate_attempt){.state = ATTEMPT_PLANNED};
}

void orchestrate_attempt_add_send(struct orchestrate_attempt *attempt, bool moves_money,
                                  int64_t created_us)
{
    if (attempt->send_count ==
        ORCHESTRATE_SEND_MAX) { /* more than we ever write: the worst of both */
        moves_money = moves_money || attempt->send[ORCHESTRATE_SEND_MAX - 1].moves_money;
        attempt->send_count--;
    }
    attempt->send[attempt->send_count++] = (struct orchestrate_send_state){
        .moves_money = moves_money,
        .left = true,
        .created_us = created_us,
    };
    if (created_us > attempt->last_intent_us)
        attempt->last_intent_us = created_us;
    if (attempt->state == ATTEMPT_PLANNED)
        orchestrate_move(attempt, ATTEMPT_SEND);
}

/* What a row says of the send that it is about. */
static void apply_to_send(struct orchestrate_attempt *attempt, struct orchestrate_send_state *send,
                          enum outcome outcome)
{
    if (outcome == OUTCOME_UNKNOWN) /* also an announcement: nothing new is known */
        return;
    if (outcome == OUTCOME_PENDING || outcome == OUTCOME_REQUIRES_ACTION)
        send->arrived = true;
    if (outcome == OUTCOME_NONE) {
        send->answered = true;
        if (send->moves_money && send->arrived) { /* inert: the payer approved, another followed */
            send->continued = true;
        } else if (send->moves_money) { /* it surely did nothing, and another send followed */
            send->outcome = OUTCOME_FAILED;
            attempt->again_count++;
        }
        return;
    }
    send->outcome = outcome;
    send->answered = outcome_is_final(outcome);
    if (outcome == OUTCOME_APPROVED || !send->answered)
        send->moves_money = true; /* whatever it was sent for, it started something */
}

/*
 * Rows are input: one that does not fit the states is no reason to stop. APPROVED alone overrules
 * what was believed before (a late success); nothing overrules it.
 */
static void apply_to_state(struct orchestrate_attempt *attempt, enum outcome outcome)
{
    struct error ignored;
    if (outcome == OUTCOME_NONE) {
        if (attempt->state == ATTEMPT_PENDING) /* the payer approved: the next send is out */
            orchestrate_move(attempt, ATTEMPT_SEND);
        return;
    }
    if (attempt->state == ATTEMPT_PLANNED && outcome != OUTCOME_FAILED)
        attempt->state = ATTEMPT_SENT; /* no send row, and yet an answer */
    enum attempt_event event = orchestrate_attempt_event(outcome);
    if (attempt->state == ATTEMPT_PLANNED)
        event = ATTEMPT_ABANDON;
    if (!attempt_step(&attempt->state, event, &ignored) && outcome == OUTCOME_APPROVED)
        attempt->state = ATTEMPT_APPROVED;
}

void orchestrate_attempt_add_outcome(struct orchestrate_attempt *attempt, int32_t number,
                                     int32_t send_number, enum outcome outcome, int64_t created_us)
{
    CHECK(outcome < OUTCOME_COUNT);
    if (number > attempt->outcome_count)
        attempt->outcome_count = number < INT16_MAX ? (int16_t)number : INT16_MAX;
    if (send_number >= 1 && send_number <= attempt->send_count)
        apply_to_send(attempt, &attempt->send[send_number - 1], outcome);
    apply_to_state(attempt, outcome);
    if (outcome == OUTCOME_UNKNOWN && !HAS_BUG(BUG_LOST_FORGOTTEN))
        attempt->was_lost = true;
    if (outcome == OUTCOME_UNKNOWN && created_us > attempt->last_intent_us &&
        !HAS_BUG(BUG_ANNOUNCED_FORGOTTEN))
        attempt->last_intent_us = created_us;
}

uint8_t orchestrate_last_money_send(const struct orchestrate_attempt *attempt)
{
    for (uint8_t number = attempt->send_count; number > 0; number--)
        if (attempt->send[number - 1].moves_money)
            return number;
    return 0;
}

const struct orchestrate_send_state *
orchestrate_first_of_key(const struct orchestrate_attempt *attempt)
{
    uint8_t number = orchestrate_last_money_send(attempt);
    CHECK(number > 0);
    while (number > 1 && !attempt->send[number - 2].continued)
        number--;
    return &attempt->send[number - 1];
}

bool orchestrate_continuation_is_open(const struct orchestrate_attempt *attempt)
{
    uint8_t number = orchestrate_last_money_send(attempt);
    if (number <= 1 || orchestrate_first_of_key(attempt) == &attempt->send[0])
        return false;
    const struct orchestrate_send_state *send = &attempt->send[number - 1];
    return !send->answered && !send->arrived;
}

bool orchestrate_money_is_open(const struct orchestrate_attempt *attempt)
{
    for (size_t i = 0; i < attempt->send_count; i++) {
        const struct orchestrate_send_state *send = &attempt->send[i];
        if (send->moves_money && (send->left || !send->held) && !send->answered)
            return true;
    }
    return false;
}

bool orchestrate_money_has_arrived(const struct orchestrate_attempt *attempt)
{
    for (size_t i = 0; i < attempt->send_count; i++) {
        const struct orchestrate_send_state *send = &attempt->send[i];
        if (send->moves_money && !send->answered && !send->arrived)
            return false;
    }
    return !attempt->was_lost;
}

bool orchestrate_money_cannot_have_moved(const struct orchestrate_attempt *attempt)
{
    return (attempt->state == ATTEMPT_PLANNED || attempt->state == ATTEMPT_SENT) &&
           (orchestrate_last_money_send(attempt) == 0 || HAS_BUG(BUG_SENT_IS_NOT_SENT));
}

/* Rules (i) and (ii) of one send. Rule (iii), the confirmed cancel, has no caller yet. */
static bool send_allows_failover(const struct orchestrate_send_state *send)
{
    if (!send->moves_money)
        return true;
    if (!send->left)
        return send->held;
    return send->answered && (send->outcome == OUTCOME_DECLINED_SOFT ||
                              send->outcome == OUTCOME_FAILED || HAS_BUG(BUG_FAILOVER_ON_HARD));
}

bool orchestrate_may_fail_over(const struct orchestrate *o)
{
    const struct orchestrate_attempt *attempt = &o->attempt;
    if (o->is_resumed || (o->is_canceled && !HAS_BUG(BUG_FAILOVER_AFTER_CANCEL)))
        return false;
    for (size_t i = 0; i < attempt->send_count; i++) {
        if (!send_allows_failover(&attempt->send[i]))
            return false;
        if (attempt->send[i].outcome == OUTCOME_DECLINED_HARD && !HAS_BUG(BUG_FAILOVER_ON_HARD))
            return false;
    }
    return attempt_may_fail_over(attempt->state);
}
