/*
 * The checker, fourth part: what people decided. An honest answer changes nothing of what else is
 * demanded; of a lie only that the ledger says what was said, by an event that says who.
 */
#include "check.h"

const struct review_row *check_decided(const struct world *w, const struct attempt_row *attempt)
{
    for (uint32_t i = attempt->cases; i != 0; i = REVIEW(w, i - 1)->next) {
        const struct review_row *review = REVIEW(w, i - 1);
        if (review->resolved_by == RESOLVED_BY_PERSON &&
            (review->ruling == RULING_CHARGED || review->ruling == RULING_NOT_CHARGED))
            return review;
    }
    return NULL;
}

static bool is_charged(enum payment_status status)
{
    return status == PAYMENT_SUCCEEDED || status == PAYMENT_AUTHORIZED;
}

/* The rows say what was said; what came later by the provider's word may overrule a "not charged". */
static void check_word(struct world *w, const struct review_row *review)
{
    const struct payment_row *payment = PAYMENT(w, review->payment);
    const struct attempt_row *attempt = &payment->attempt[review->attempt];
    bool was_approved = check_was_approved(w, attempt);
    bool says_charged = review->ruling == RULING_CHARGED;
    bool is_last = last_attempt(payment) == review->attempt;
    if (!attempt->has_final_outcome || (says_charged && !was_approved))
        world_violation(w, "I12: payment %u: its rows do not say what was decided",
                        review->payment);
    if (!says_charged && was_approved && payment->late_posted == 0)
        world_violation(w, "I12: payment %u: decided as not charged, and posted", review->payment);
    if (is_last && payment->late_posted == 0 && is_charged(payment->status) != says_charged)
        world_violation(w, "I12: payment %u is %s, decided was otherwise", review->payment,
                        payment_status_name(payment->status));
    if (payment->operation == OPERATION_PAYOUT || payment->parent != NONE || !says_charged)
        return;
    if (payment->posted + payment->late_posted < payment->amount)
        world_violation(w, "I12: payment %u: decided as charged, and not booked", review->payment);
}

static bool some_reversal_worked(const struct world *w, const struct review_row *review)
{
    const struct order *order = ORDER(w, review->reversal);
    for (uint8_t key = 0; key < KEY_MAX; key++) {
        uint32_t holder =
            *store_key((struct world *)(uintptr_t)w, order->merchant, order->local, key);
        if (holder != 0 && PAYMENT(w, holder - 1)->status == PAYMENT_SUCCEEDED)
            return true;
    }
    return false;
}

static void check_case(struct world *w, const struct review_row *review)
{
    const struct payment_row *payment = PAYMENT(w, review->payment);
    if (happens(w, FAULT_PERSON) && review->state != REVIEW_RESOLVED)
        world_violation(w, "L1: a case of payment %u is %s for ever", review->payment,
                        review->state == REVIEW_OPEN ? "open" : "being reversed");
    if (review->resolved_by == RESOLVED_BY_REVERSAL && !some_reversal_worked(w, review))
        world_violation(w, "I11: payment %u: a case says reversed, and nothing was",
                        review->payment);
    if (review->verdicts > 1)
        world_violation(w, "I12: payment %u: a case was decided %u times", review->payment,
                        review->verdicts);
    if (review->was_confirmed && !payment->is_lied)
        world_violation(w, "I12: payment %u: a person is asked again what he has said",
                        review->payment);
    if (review->resolved_by != RESOLVED_BY_PERSON)
        return;
    if (review->event_number == 0 || review->event_number > payment->event_count ||
        payment->event_at[review->event_number % EVENT_TIMES] < review->decided_at)
        world_violation(w, "I12: payment %u: a case was decided, and no event says by whom",
                        review->payment);
    if (review->ruling == RULING_CHARGED || review->ruling == RULING_NOT_CHARGED)
        check_word(w, review);
}

/* Nothing is kept for a reversal that has been made; nor of a hold for one that will not be. */
static void check_reserve(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    int64_t kept = 0;
    int64_t open = payment->operation == OPERATION_SALE ? payment->limits.refund_open
                                                        : payment->limits.capture_open;
    bool has_case = false;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        open += payment->attempt[at].late.capture_open;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        for (uint32_t i = payment->attempt[at].cases; i != 0; i = REVIEW(w, i - 1)->next) {
            const struct review_row *review = REVIEW(w, i - 1);
            has_case = true;
            bool is_late =
                review->kind == REVIEW_LATE_SUCCESS || review->kind == REVIEW_REVERSAL_FAILED;
            bool is_beside = at != last_attempt(payment) || !payment->is_taken_back;
            bool stays =
                payment->operation == OPERATION_SALE && is_beside && /* nobody's to refund */
                payment->attempt[at].is_reserved && review->resolved_by == RESOLVED_BY_PERSON;
            if (is_late && (review->state != REVIEW_RESOLVED || stays))
                kept += payment->amount;
        }
    if (has_case && happens(w, FAULT_PERSON) && open != kept)
        world_violation(w, "I6: payment %u: %lld of it is kept, and every case is decided", index,
                        (long long)(open - kept));
}

void check_people(struct world *w)
{
    for (uint32_t i = 0; i < w->reviews.count; i++)
        check_case(w, REVIEW(w, i));
    for (uint32_t i = 0; i < w->payments.count; i++)
        if (PAYMENT(w, i)->parent == NONE && !PAYMENT(w, i)->is_lied &&
            PAYMENT(w, i)->operation != OPERATION_PAYOUT)
            check_reserve(w, i);
}
