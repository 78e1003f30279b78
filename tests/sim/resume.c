/*
 * Attempts that are taken over: rebuilt from their rows, for a look, or for what a person says they
 * came to.
 */
#include "sim.h"

/* ---- taken over ------------------------------------------------------------------------------ */

static void rebuild(const struct world *w, const struct attempt_row *row,
                    struct orchestrate_attempt *attempt)
{
    orchestrate_attempt_begin(attempt);
    for (int i = 0; i < ORCHESTRATE_SEND_MAX && row->send[i].exists; i++)
        orchestrate_attempt_add_send(attempt, row->send[i].moves_money, row->send[i].created_us);
    for (uint32_t i = row->first_outcome; i != NONE; i = OUTCOME(w, i)->next) {
        const struct outcome_row *outcome = OUTCOME(w, i);
        orchestrate_attempt_add_outcome(attempt, outcome->number, outcome->send_number,
                                        outcome->outcome, outcome->created_us);
    }
}

static bool was_soft_declined(struct world *w, const struct payment_row *payment, uint8_t at)
{
    if (payment->attempt[at].decision.declines) {
        mark(w, MARK_RULES_DECLINED_RESUMED);
        return true;
    }
    for (uint8_t i = 0; i < at; i++)
        for (uint32_t j = payment->attempt[i].first_outcome; j != NONE; j = OUTCOME(w, j)->next)
            if (OUTCOME(w, j)->outcome == OUTCOME_DECLINED_SOFT)
                return true;
    return false;
}

static bool is_mismatch_known(const struct world *w, const struct attempt_row *attempt)
{
    struct ruling_mismatch mismatch = {0};
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        ruling_mismatch_add(&mismatch, OUTCOME(w, i)->outcome, OUTCOME(w, i)->is_told,
                            OUTCOME(w, i)->is_mismatch);
    return mismatch.is_known;
}

static void take_on(struct world *w, uint32_t worker, uint32_t payment_index, uint8_t at,
                    const struct told_case *told)
{
    uint32_t index = worker_take_flight(w, worker, NONE, payment_index);
    struct flight *flight = FLIGHT(w, index);
    const struct payment_row *payment = PAYMENT(w, payment_index);
    const struct attempt_row *row = &payment->attempt[at];
    const struct provider_fake *provider = &w->provider[row->provider];
    struct park_row park = row->park;
    const struct limits_row *limits = hold_limits(PAYMENT(w, payment_index), at);
    if (told != NULL) /* in no queue */
        park = (struct park_row){.parked_us = w->now + EPOCH_US, .claimed_at = w->now};
    bool has_later = at + 1 < ATTEMPT_MAX && payment->attempt[at + 1].exists;
    struct orchestrate_resumed resumed = {
        .candidate = worker_candidate(provider),
        .attempt_number = (uint8_t)(at + 1),
        .tries = park.tries,
        .unknown_since_us = park.parked_us,
        .action_expires_us = row->action_expires_us,
        .is_recheck = park.is_recheck,
        .mismatch_is_known = is_mismatch_known(w, row),
        .is_held =
            limits->authorized > limits->captured && (row->is_late || at == last_attempt(payment)),
        .soft_declined_before = was_soft_declined(w, payment, at),
        .is_canceled =
            payment->operation == OPERATION_PAYOUT ? park.was_canceled : payment->is_canceled,
        .payment_is_final = payment_status_is_final(payment->status) || has_later,
        .told = told != NULL ? ruling_outcome(told->ruling) : OUTCOME_NONE,
    };
    resumed.candidate.can_cancel = provider->can_cancel && park.was_canceled;
    rebuild(w, row, &resumed.attempt);
    if (told != NULL && ruling_is_said_before(resumed.attempt.state, resumed.told)) {
        worker_free_flight(w, index);
        return;
    }
    if (told != NULL)
        flight->told = *told;
    flight->provider = row->provider;
    flight->epoch = park.epoch;
    flight->was_canceled = park.was_canceled;
    flight->begun_at = park.claimed_at;
    flight->event_count = payment->event_count;
    flight->hold_change = limits->captured - limits->authorized;
    w->look_count++;
    orchestrate_resume(&flight->core, &w->limits, payment->operation, &resumed);
    world_push(w, w->now + between(w, 0, 5 * MS), SIM_BEGIN, index, flight->generation);
}

void worker_resume(struct world *w, uint32_t worker, uint32_t payment, uint8_t at)
{
    take_on(w, worker, payment, at, NULL);
}

/* ---- a person's word ------------------------------------------------------------------------- */

void worker_tell(struct world *w, uint32_t worker, const struct told_case *told)
{
    const struct review_row *review = REVIEW(w, told->review - 1);
    take_on(w, worker, review->payment, review->attempt, told);
}

void worker_note(struct world *w, uint32_t worker, const struct told_case *told)
{
    const struct review_row *review = REVIEW(w, told->review - 1);
    uint32_t index = worker_take_flight(w, worker, NONE, review->payment);
    struct flight *flight = FLIGHT(w, index);
    flight->told = *told;
    flight->is_note = true;
    flight->event_count = PAYMENT(w, review->payment)->event_count;
    world_push(w, w->now + between(w, 0, 5 * MS), SIM_BEGIN, index, flight->generation);
}
