/*
 * Webhooks. A provider tells of what has happened to an attempt: not at all, once or several times,
 * soon or late. Whoever hears it believes nothing: an attempt that waits to be looked at is looked at
 * now, and one that is final is looked up again.
 */
#include "sim.h"

void hint_send(struct world *w, uint32_t book)
{
    if (!faults_are_on(w))
        return;
    if (chance(w, FAULT_HINT_LOST)) {
        mark(w, MARK_HINT_LOST);
        return;
    }
    int64_t copies = 1;
    if (chance(w, FAULT_HINT_REPEATED)) {
        mark(w, MARK_HINT_REPEATED);
        copies = between(w, 2, 5);
    }
    for (int64_t i = 0; i < copies; i++) {
        int64_t longest = rng_below(&w->rng, 2) == 0 ? 50 * MS : 60 * SEC;
        world_push(w, w->now + between(w, 0, longest), SIM_HINT, book, 0);
    }
}

static bool is_going_on(const struct payment_row *payment)
{
    return payment->status == PAYMENT_PROCESSING || payment->status == PAYMENT_REQUIRES_ACTION;
}

void hint_arrive(struct world *w, uint32_t book)
{
    uint32_t payment = book / ATTEMPT_MAX;
    uint8_t at = (uint8_t)(book % ATTEMPT_MAX);
    struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    struct park_row *park = &attempt->park;
    if (store_is_down(w) || !attempt->exists)
        return;
    if (park->exists && park->lease_until_us == 0) {
        mark(w, MARK_HINT_EARLIER);
        park->next_us = w->now + EPOCH_US;
        park->tries = 0;
        store_due(w, payment, at, w->now);
    } else if (park->exists) {
        mark(w, MARK_HINT_IN_HAND);
    } else if (attempt->has_final_outcome && is_going_on(PAYMENT(w, payment))) {
        if (w->now < w->stop_at + 3600 * SEC) /* kept, and applied when the payment has ended */
            world_push(w, w->now + between(w, 1 * SEC, 20 * SEC), SIM_HINT, book, 0);
    } else if (attempt->has_final_outcome) {
        mark(w, MARK_HINT_RECHECK);
        store_park(w, payment, at, true);
    } else {
        mark(w, MARK_HINT_BEFORE_ANSWER);
    }
}
