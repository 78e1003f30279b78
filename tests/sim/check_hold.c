/*
 * The checker, third part: what is held for a time only. By the books nothing is captured that came
 * after the end of its hold; the ledger gives a hold up only when the books have, and then lets
 * nobody capture of it; and it hears of every end within its bound.
 */
#include "check.h"

bool check_was_approved(const struct world *w, const struct attempt_row *attempt)
{
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        if (OUTCOME(w, i)->outcome == OUTCOME_APPROVED)
            return true;
    return false;
}

int64_t check_net(const struct world *w, uint32_t payment, uint8_t at)
{
    const struct book *book = BOOK(w, book_index(payment, at));
    bool was_seen = check_was_approved(w, &PAYMENT(w, payment)->attempt[at]);
    return hold_is_gone(book) && !was_seen ? 0 : book->net;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Twice its time was over, and a person who was told so accepted it: nobody goes on asking. */
static bool is_left_to_people(const struct world *w, const struct attempt_row *attempt)
{
    int64_t opened_at = -1;
    int64_t accepted_at = 0; /* as what came late: it is looked at again then */
    for (uint32_t i = attempt->cases; i != 0; i = REVIEW(w, i - 1)->next) {
        const struct review_row *review = REVIEW(w, i - 1);
        if (review->state != REVIEW_RESOLVED)
            continue;
        if (review->kind == REVIEW_HOLD_OVERDUE)
            opened_at = review->opened_at;
        else if (review->ruling == RULING_ACCEPTED)
            accepted_at = later(accepted_at, review->decided_at);
    }
    return opened_at > accepted_at;
}

/* Who asks when it should have run out, and then again and again, has heard it by then. */
static void check_heard(struct world *w, uint32_t index, uint8_t at,
                        const struct limits_row *limits)
{
    const struct attempt_row *attempt = &PAYMENT(w, index)->attempt[at];
    const struct provider_fake *provider = &w->provider[attempt->provider];
    const struct book *book = BOOK(w, book_index(index, at));
    int64_t longer = later(provider->hold, w->limits.pending_after_us);
    int64_t from = later(later(book->hold_ended_at, w->stop_at),
                         later(limits->decided_at, limits->held_since + provider->hold));
    int64_t bound = from + longer / 4 + 16 * w->limits.lease_us + 300 * SEC;
    int64_t enough = attempt->send[0].created_us - EPOCH_US + provider->hold + longer;
    if (!provider->can_lookup || provider->hold == 0 || book->hold_ended_at == 0)
        return; /* nobody could ask */
    if (limits->hold_has_ended && limits->hold_known_at > bound && !is_left_to_people(w, attempt))
        world_violation(w, "L1: payment %u: the end of its hold was known %lld s after its bound",
                        index, (long long)((limits->hold_known_at - bound) / SEC));
    bool was_asked = limits->freed_at > later(book->hold_ended_at, w->stop_at);
    if (!limits->hold_has_ended && (enough > bound || was_asked))
        world_violation(w, "L1: payment %u: its hold has ended, and nobody knows", index);
}

void check_add_held(struct world *w)
{
    for (uint32_t i = 0; i < w->transfers.count; i++) {
        const struct transfer_row *row = TRANSFER(w, i);
        if (PAYMENT(w, row->payment)->parent != NONE || row->state == TRANSFER_POSTED)
            continue;
        struct sums *sums = vec_get(&w->sums, row->payment);
        int64_t *held = row->late > 0 ? &sums->late_held[row->late - 1] : &sums->held;
        *held += row->state == TRANSFER_PENDING ? row->amount : -row->amount;
    }
}

/* What its provider holds no longer was given up, and nothing else; of what it holds, nothing. */
static void check_given_up(struct world *w, uint32_t index, uint8_t at,
                           const struct limits_row *limits)
{
    bool is_used = limits->capture_open > 0;
    if (limits->hold_has_ended && !hold_is_gone(BOOK(w, book_index(index, at))))
        world_violation(w, "I6: payment %u: its hold was given up, and the provider has it", index);
    if (limits->hold_has_ended && !is_used && limits->authorized != limits->captured)
        world_violation(w, "I6: payment %u: its hold was given up, and %lld of it is left", index,
                        (long long)(limits->authorized - limits->captured));
    if (!is_used && (limits->hold_has_ended || limits->authorized > limits->captured))
        check_heard(w, index, at, limits);
}

/* It is none of its payment's: it is taken back, or its provider lets go of it, and that alone. */
static void check_late_hold(struct world *w, uint32_t index, uint8_t at)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct limits_row *late = &payment->attempt[at].late;
    const struct sums *sums = vec_get(&w->sums, index);
    int64_t left = payment->amount - (int64_t)sums->late_done[at] * payment->amount;
    if (sums->late_held[at] != late->authorized)
        world_violation(
            w, "I5: payment %u: transfers hold %lld of attempt %u, its limits leave %lld", index,
            (long long)sums->late_held[at], at + 1U, (long long)late->authorized);
    if (late->authorized != (late->hold_has_ended ? 0 : left) || late->captured != 0)
        world_violation(w, "I6: payment %u: %lld is held of attempt %u, which came late, of %lld",
                        index, (long long)late->authorized, at + 1U, (long long)left);
    check_given_up(w, index, at, late);
}

void check_hold(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct limits_row *limits = &payment->limits;
    const struct sums *sums = vec_get(&w->sums, index);
    int64_t held = limits->authorized - limits->captured;
    if (payment->operation != OPERATION_AUTHORIZE || payment->is_lied)
        return;
    if (sums->held != held)
        world_violation(w, "I5: payment %u: transfers hold %lld, its limits leave %lld", index,
                        (long long)sums->held, (long long)held);
    if (payment->shown == (held > 0 ? PAYMENT_SUCCEEDED : PAYMENT_AUTHORIZED))
        world_violation(w, "I9: payment %u is shown as %s, and %lld of it is held", index,
                        payment_status_name(payment->shown), (long long)held);
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (payment->attempt[at].is_late)
            check_late_hold(w, index, at);
    if (payment->status == PAYMENT_AUTHORIZED)
        check_given_up(w, index, last_attempt(payment), limits);
}

void check_hold_operation(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct limits_row *limits = &PAYMENT(w, payment->parent)->limits;
    if (payment->operation != OPERATION_CAPTURE || !payment->exists)
        return;
    if (limits->hold_has_ended && payment->opened_at > limits->hold_known_at)
        world_violation(w, "I6: payment %u was captured by %u after its hold had ended",
                        payment->parent, index);
    int64_t ended_at = BOOK(w, hold_of(w, index))->hold_ended_at;
    for (uint8_t at = 0; at < ATTEMPT_MAX && ended_at != 0; at++) {
        const struct book *book = BOOK(w, book_index(index, at));
        if (book->net > 0 && book->accepted_at > ended_at)
            world_violation(w, "I6: payment %u: books have a capture after the end of its hold",
                            payment->parent);
    }
}
