#include "payment/orchestrate_internal.h"

/*
 * An attempt that the payer must approve, at a provider that then waits for another send of ours:
 * what it says of itself is inert. Before that send is open nothing can have moved, so that time or
 * a cancel may end the attempt; the send itself is opened once, and from then on it is a send of
 * money like any other.
 */

bool orchestrate_payer_is_late(const struct orchestrate *o, int64_t now_us)
{
    return o->action_expires_us != 0 && now_us >= o->action_expires_us;
}

bool orchestrate_payer_may_continue(const struct orchestrate *o, int64_t now_us)
{
    return !o->is_canceled && !o->payment_is_final &&
           !orchestrate_payer_is_late(o, now_us + o->limits.send_window_us);
}

/* Nobody waits for the payer any more. */
static bool is_unwanted(const struct orchestrate *o, int64_t now_us, enum orchestrate_cause *cause)
{
    *cause = o->payment_is_final ? CAUSE_NOT_WANTED
             : o->is_canceled    ? CAUSE_CANCELED
                                 : CAUSE_PAYER_DID_NOT_ACT;
    return o->payment_is_final || o->is_canceled || orchestrate_payer_is_late(o, now_us);
}

/* What is open may still complete it, until the look was begun after its settling time. */
static void give_up(struct orchestrate *o, enum orchestrate_cause cause, int64_t now_us,
                    struct orchestrate_action *action)
{
    bool is_settled = o->look_us >= o->settled_us || HAS_BUG(BUG_GIVE_UP_EARLY);
    if (is_settled)
        orchestrate_resume_give_up(o, cause, now_us, action);
    else
        orchestrate_resume_put_back(o, orchestrate_settled_at(o) + o->limits.skew_us, now_us,
                                    action);
}

static void go_on(struct orchestrate *o, struct orchestrate_action *action)
{
    o->pending = (struct orchestrate_write_plan){
        .has_event = true,
        .status = PAYMENT_PROCESSING,
    };
    orchestrate_put_outcome(o, orchestrate_last_money_send(&o->attempt), OUTCOME_NONE, true);
    orchestrate_prepare(o, PHASE_RECORDING, action);
}

/* The provider, which would have waited for us, no longer knows what we never completed. */
static bool is_forgotten(const struct orchestrate *o, const struct orchestrate_answer *answer)
{
    const struct orchestrate_attempt *attempt = &o->attempt;
    return answer->not_found && o->candidate[0].waits_for_us && o->action_expires_us != 0 &&
           orchestrate_last_money_send(attempt) > 0 &&
           orchestrate_first_of_key(attempt) == &attempt->send[0];
}

bool orchestrate_payer_answered(struct orchestrate *o, const struct orchestrate_answer *answer,
                                int64_t now_us, struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    enum orchestrate_cause cause;
    bool answers_send = o->is_continuing || o->was_announced; /* and not only a question */
    bool is_open = !answers_send && orchestrate_continuation_is_open(attempt);
    bool is_gone = !answers_send && is_forgotten(o, answer);
    if (!(answer->is_inert || is_gone) || o->is_canceling)
        return false;
    if (!answers_send && is_unwanted(o, now_us, &cause)) {
        give_up(o, cause, now_us, action);
        return true;
    }
    if (is_gone)
        return false;
    if (is_open && !HAS_BUG(BUG_CONTINUE_TWICE)) { /* not there yet, or never: repeated next */
        orchestrate_resume_put_back(o, now_us, now_us, action);
        return true;
    }
    bool is_ready = attempt->state == ATTEMPT_PENDING && o->look_us >= o->settled_us;
    if (HAS_BUG(BUG_CONTINUE_TWICE))
        is_ready = true;
    if (answers_send || !answer->may_continue || !is_ready ||
        !orchestrate_payer_may_continue(o, now_us) || attempt->send_count >= ORCHESTRATE_SEND_MAX)
        return false;
    go_on(o, action);
    return true;
}

void orchestrate_payer_prepared(struct orchestrate *o, const struct orchestrate_event *event,
                                struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    bool is_built = !event->prepared.refused && event->prepared.moves_money;
    if (!is_built) { /* not now; a later look tries again, until it is too late */
        attempt->outcome_count--;
        orchestrate_resume_put_back(o, event->now_us, event->now_us, action);
        return;
    }
    attempt->send[attempt->send_count++] = (struct orchestrate_send_state){
        .moves_money = true,
        .held = true,
    };
    o->pending.opens_send = true;
    o->pending.parks = true;
    o->pending.park_next_us = event->now_us + o->limits.send_window_us + o->limits.call_us;
    o->pending.park_tries = o->tries + 1;
    orchestrate_write(o, PHASE_RECORDING, event->now_us, action);
}

void orchestrate_payer_committed(struct orchestrate *o, int64_t now_us,
                                 struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    struct orchestrate_send_state *send = &attempt->send[attempt->send_count - 1];
    CHECK(attempt->send_count > 1);
    if (attempt->state == ATTEMPT_PENDING)
        orchestrate_move(attempt, ATTEMPT_SEND);
    attempt->send[attempt->send_count - 2].answered = true;
    attempt->send[attempt->send_count - 2].continued = true;
    if (o->is_canceled) { /* it did not leave, but only this worker knows */
        orchestrate_resume_put_back(o, now_us, now_us, action);
        return;
    }
    send->left = true;
    o->was_announced = false;
    o->is_continuing = true;
    o->look_us = now_us;
    o->settled_us = now_us; /* the first answer of a new key: nothing of it is on its way */
    orchestrate_enter(o, PHASE_SENDING);
    action->kind = ACTION_SEND;
    action->send = SEND_FIRST;
    action->attempt_number = o->attempt_number;
    action->candidate = attempt->candidate;
    action->send_number = attempt->send_count;
    action->not_after_us = send->created_us + o->limits.send_window_us;
}
