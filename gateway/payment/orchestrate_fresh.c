#include "payment/orchestrate_internal.h"

void orchestrate_prepare(struct orchestrate *o, enum orchestrate_phase for_phase,
                         struct orchestrate_action *action)
{
    o->resume_phase = for_phase;
    orchestrate_enter(o, PHASE_PREPARING);
    action->kind = ACTION_PREPARE;
    action->attempt_number = o->attempt_number;
    action->candidate = o->attempt.candidate;
    action->send_number = (uint8_t)(o->attempt.send_count + 1);
}

void orchestrate_fresh_begin(struct orchestrate *o, struct orchestrate_action *action)
{
    orchestrate_begin_attempt(o);
    o->pending = (struct orchestrate_write_plan){
        .opens_payment = true,
        .opens_attempt = true,
        .status = PAYMENT_PROCESSING,
    };
    orchestrate_prepare(o, PHASE_OPENING, action);
}

/* Another attempt may follow the current one, which has this outcome. */
static bool may_go_on(const struct orchestrate *o, enum outcome outcome)
{
    if (HAS_BUG(BUG_DECIDED_AFTER_UNKNOWN) && o->is_decided_anew && outcome == OUTCOME_UNKNOWN)
        return true;
    return orchestrate_may_fail_over(o);
}

/* Open the next candidate; o->pending holds the outcome that closes the current attempt. */
static void switch_attempt(struct orchestrate *o, struct orchestrate_action *action)
{
    CHECK(may_go_on(o, o->pending.outcome));
    orchestrate_begin_attempt(o);
    o->pending.opens_attempt = true;
    o->pending.status = PAYMENT_PROCESSING;
    orchestrate_prepare(o, PHASE_SWITCHING, action);
}

static void close_attempt(struct orchestrate *o, enum outcome outcome, bool needs_review,
                          int64_t now_us, struct orchestrate_action *action)
{
    bool is_final = outcome_is_final(outcome);
    o->pending.posts_transfers = outcome == OUTCOME_APPROVED ||
                                 (HAS_BUG(BUG_PENDING_IS_POSTED) && outcome == OUTCOME_PENDING);
    o->pending.has_event = true;
    o->pending.status = needs_review ? PAYMENT_REVIEW : orchestrate_status(o, outcome);
    o->pending.needs_review = needs_review;
    o->pending.review = needs_review ? REVIEW_AMOUNT_MISMATCH : REVIEW_NONE;
    o->pending.stores_answer = is_final && !HAS_BUG(BUG_ANSWER_NOT_STORED);
    if (!is_final && !needs_review) {
        o->pending.parks = !HAS_BUG(BUG_UNKNOWN_NOT_PARKED);
        o->pending.park_next_us = now_us + o->limits.resolve_first_us;
    }
    if (outcome == OUTCOME_REQUIRES_ACTION)
        orchestrate_put_expiry(o, now_us);
    orchestrate_watch_hold(o, outcome, now_us);
    o->pending_reply = is_final ? REPLY_FINAL : REPLY_PROCESSING;
    orchestrate_write(o, PHASE_CLOSING, now_us, action);
    if (HAS_BUG(BUG_REPLY_BEFORE_COMMIT) && o->client_waits) {
        action->reply = o->pending_reply;
        o->client_waits = false;
    }
}

/* The current attempt has this outcome: close it, or fail over. */
static void conclude(struct orchestrate *o, enum outcome outcome, bool left, bool needs_review,
                     int64_t now_us, struct orchestrate_action *action)
{
    CHECK(!needs_review || outcome == OUTCOME_UNKNOWN);
    o->pending = (struct orchestrate_write_plan){0};
    orchestrate_put_outcome(o, o->attempt.send_count, outcome, left);
    bool is_abandoned = o->attempt.state == ATTEMPT_PLANNED;
    orchestrate_move(&o->attempt,
                     is_abandoned ? ATTEMPT_ABANDON : orchestrate_attempt_event(outcome));
    if (outcome == OUTCOME_DECLINED_SOFT && !HAS_BUG(BUG_SOFT_DECLINE_FORGOTTEN))
        o->soft_declined = true;
    if (may_go_on(o, outcome) && orchestrate_has_next(o))
        switch_attempt(o, action);
    else
        close_attempt(o, outcome, needs_review, now_us, action);
}

void orchestrate_fresh_prepared(struct orchestrate *o, const struct orchestrate_event *event,
                                struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    CHECK(attempt->send_count < ORCHESTRATE_SEND_MAX);
    CHECK(event->prepared.refused || !event->prepared.declined);
    if (event->prepared.declined && o->resume_phase == PHASE_SWITCHING)
        o->soft_declined = true;
    if (!event->prepared.refused) {
        attempt->send[attempt->send_count++] = (struct orchestrate_send_state){
            .moves_money = event->prepared.moves_money,
            .held = true,
        };
        o->pending.opens_send = true;
    } else if (o->resume_phase == PHASE_RECORDING) {
        /* A next send was needed and cannot be: what was sent so far moved nothing. */
        attempt->outcome_count--;
        conclude(o, OUTCOME_FAILED, true, false, event->now_us, action);
        return;
    }
    orchestrate_write(o, o->resume_phase, event->now_us, action);
}

void orchestrate_fresh_committed(struct orchestrate *o, int64_t now_us,
                                 struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    if (!o->pending.opens_send) { /* the adapter refused: recorded, and nothing was sent */
        conclude(o, OUTCOME_FAILED, false, false, now_us, action);
        return;
    }
    struct orchestrate_send_state *send = &attempt->send[attempt->send_count - 1];
    if (attempt->state == ATTEMPT_PLANNED)
        orchestrate_move(attempt, ATTEMPT_SEND);
    if (o->is_canceled && !HAS_BUG(BUG_SEND_AFTER_CANCEL)) {
        conclude(o, OUTCOME_FAILED, false, false, now_us, action);
        return;
    }
    send->left = true; /* until the engine says otherwise */
    orchestrate_enter(o, PHASE_SENDING);
    action->kind = ACTION_SEND;
    action->send = SEND_FIRST;
    action->attempt_number = o->attempt_number;
    action->candidate = attempt->candidate;
    action->send_number = attempt->send_count;
    action->not_after_us = send->created_us + o->limits.send_window_us;
}

void orchestrate_fresh_refused(struct orchestrate *o, int64_t now_us,
                               struct orchestrate_action *action)
{
    CHECK(o->pending.opens_attempt && o->pending.has_outcome);
    o->attempt_number = o->pending.outcome_attempt_number;
    o->pending.opens_attempt = false;
    o->pending.opens_send = false;
    o->pending.has_event = true;
    o->pending.status = orchestrate_status(o, o->pending.outcome);
    o->pending.stores_answer = true;
    o->pending_reply = REPLY_FINAL;
    orchestrate_write(o, PHASE_CLOSING, now_us, action);
}

/* Another send of the same attempt: it has new facts, or it did nothing for a passing reason. */
static void record(struct orchestrate *o, struct orchestrate_action *action)
{
    o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE};
    orchestrate_put_outcome(o, o->attempt.send_count, OUTCOME_NONE, true);
    orchestrate_prepare(o, PHASE_RECORDING, action);
}

static bool may_send_again(const struct orchestrate *o, const struct orchestrate_answer *answer)
{
    return answer->may_send_again && !o->is_canceled &&
           (o->attempt.again_count < o->limits.again_max || HAS_BUG(BUG_AGAIN_FOR_EVER)) &&
           o->attempt.send_count < ORCHESTRATE_SEND_MAX;
}

/*
 * What an answer means for the attempt, before other sends are considered. An answer that cannot be
 * relied on is UNKNOWN where money may have moved, and FAILED where it cannot have.
 */
static enum outcome weigh(const struct orchestrate_send_state *send,
                          const struct orchestrate_answer *answer)
{
    bool started = answer->outcome == OUTCOME_APPROVED || answer->outcome == OUTCOME_PENDING ||
                   answer->outcome == OUTCOME_REQUIRES_ACTION;
    enum outcome unclear =
        send->moves_money || (answer->whole && started) ? OUTCOME_UNKNOWN : OUTCOME_FAILED;
    if (HAS_BUG(BUG_UNCLEAR_IS_FAILED) && answer->whole)
        unclear = OUTCOME_FAILED;
    if (!answer->left)
        return OUTCOME_FAILED;
    if (!answer->whole || answer->duplicate ||
        (answer->amount_mismatch && !HAS_BUG(BUG_MISMATCH_IGNORED)))
        return unclear;
    if (HAS_BUG(BUG_PENDING_IS_APPROVED) && answer->outcome == OUTCOME_PENDING)
        return OUTCOME_APPROVED;
    if (answer->outcome == OUTCOME_UNKNOWN)
        return unclear;
    if (answer->outcome == OUTCOME_NONE && send->moves_money)
        return OUTCOME_UNKNOWN; /* a charge that says nothing of itself */
    return answer->outcome;
}

/* Note what the answer says of its send; return what it means for the attempt. */
static enum outcome apply_answer(struct orchestrate_attempt *attempt,
                                 const struct orchestrate_answer *answer)
{
    struct orchestrate_send_state *send = &attempt->send[attempt->send_count - 1];
    enum outcome outcome = weigh(send, answer);
    bool is_definite = outcome == OUTCOME_NONE || outcome_is_final(outcome);
    send->left = answer->left;
    send->outcome = outcome;
    send->answered = answer->whole && is_definite;
    if (!is_definite || outcome == OUTCOME_APPROVED)
        send->moves_money = true; /* whatever it was sent for, it started something */
    if (outcome != OUTCOME_APPROVED && is_definite && orchestrate_money_is_open(attempt))
        return OUTCOME_UNKNOWN; /* an earlier send of this attempt still has no answer */
    if (outcome == OUTCOME_NONE && attempt->send_count == ORCHESTRATE_SEND_MAX)
        return OUTCOME_FAILED; /* it never comes to the charge */
    return outcome;
}

void orchestrate_fresh_answered(struct orchestrate *o, const struct orchestrate_event *event,
                                struct orchestrate_action *action)
{
    struct orchestrate_answer answer = event->answer;
    CHECK(answer.left || !answer.whole);
    CHECK(o->attempt.send_count > 0);
    orchestrate_note_hold_end(o, &answer, event->now_us);
    if (HAS_BUG(BUG_FAILOVER_ON_TIMEOUT) && !answer.whole)
        answer.left = false;

    enum outcome outcome = apply_answer(&o->attempt, &answer);
    if (outcome == OUTCOME_NONE) {
        record(o, action);
        return;
    }
    if (HAS_BUG(BUG_AGAIN_AFTER_UNKNOWN) && outcome == OUTCOME_UNKNOWN &&
        o->attempt.again_count < o->limits.again_max) {
        o->attempt.send[o->attempt.send_count - 1].answered = true;
        o->attempt.again_count++;
        record(o, action);
        return;
    }
    if (outcome == OUTCOME_FAILED && answer.whole && may_send_again(o, &answer)) {
        o->attempt.again_count++;
        record(o, action);
        return;
    }
    bool needs_review = outcome == OUTCOME_UNKNOWN && answer.amount_mismatch;
    conclude(o, outcome, answer.left, needs_review, event->now_us, action);
}
