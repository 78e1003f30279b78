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

static bool some_hold_is_gone(const struct world *w, uint32_t payment)
{
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (hold_is_gone(BOOK(w, book_index(payment, at))))
            return true;
    return false;
}

/* Who asks when it should have run out, and then again and again, has heard it by then. */
static void check_heard(struct world *w, uint32_t index, uint8_t at)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct limits_row *limits = &payment->limits;
    const struct attempt_row *attempt = &payment->attempt[at];
    const struct provider_fake *provider = &w->provider[attempt->provider];
    const struct book *book = BOOK(w, book_index(index, at));
    int64_t longer = later(provider->hold, w->limits.pending_after_us);
    int64_t from = later(later(book->hold_ended_at, w->stop_at),
                         later(limits->decided_at, payment->final_at + provider->hold));
    int64_t bound = from + longer / 4 + 16 * w->limits.lease_us + 300 * SEC;
    int64_t enough = attempt->send[0].created_us - EPOCH_US + provider->hold + longer;
    if (!provider->can_lookup || provider->hold == 0 || book->hold_ended_at == 0)
        return; /* nobody could ask */
    if (limits->hold_has_ended && limits->hold_known_at > bound)
        world_violation(w, "L1: payment %u: the end of its hold was known %lld s after its bound",
                        index, (long long)((limits->hold_known_at - bound) / SEC));
    if (!limits->hold_has_ended && enough > bound)
        world_violation(w, "L1: payment %u: its hold has ended, and nobody knows", index);
}

void check_add_held(struct world *w)
{
    for (uint32_t i = 0; i < w->transfers.count; i++) {
        const struct transfer_row *row = TRANSFER(w, i);
        if (PAYMENT(w, row->payment)->parent != NONE || row->state == TRANSFER_POSTED)
            continue;
        struct sums *sums = vec_get(&w->sums, row->payment);
        sums->held += row->state == TRANSFER_PENDING ? row->amount : -row->amount;
    }
}

/*
 * To be taken back, and it was not: a person looks at it, or has accepted it. Its hold is not the
 * payment's: when that one ends, or is given up, the limits let go of both, its transfers of one.
 */
static bool something_stays(const struct world *w, const struct payment_row *payment)
{
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        for (uint32_t i = payment->attempt[at].cases; i != 0; i = REVIEW(w, i - 1)->next) {
            const struct review_row *review = REVIEW(w, i - 1);
            bool is_late =
                review->kind == REVIEW_LATE_SUCCESS || review->kind == REVIEW_REVERSAL_FAILED;
            if (is_late && review->resolved_by != RESOLVED_BY_REVERSAL)
                return true;
        }
    return false;
}

void check_hold(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct limits_row *limits = &payment->limits;
    const struct sums *sums = vec_get(&w->sums, index);
    bool is_plain = payment->late_posted == 0 && limits->capture_open == 0;
    bool stays = something_stays(w, payment);
    if (payment->operation != OPERATION_AUTHORIZE || payment->is_lied)
        return;
    if (!stays && sums->held != limits->authorized - limits->captured)
        world_violation(w, "I5: payment %u: transfers hold %lld, its limits leave %lld", index,
                        (long long)sums->held, (long long)(limits->authorized - limits->captured));
    int64_t late = payment->reserved - (int64_t)sums->reversals_done * payment->amount;
    int64_t own = limits->authorized - limits->captured - late;
    if (!stays && payment->shown == (own > 0 ? PAYMENT_SUCCEEDED : PAYMENT_AUTHORIZED))
        world_violation(w, "I9: payment %u is shown as %s, and %lld of it is held", index,
                        payment_status_name(payment->shown), (long long)own);
    if (limits->hold_has_ended && !some_hold_is_gone(w, index))
        world_violation(w, "I6: payment %u: its hold was given up, and the provider has it", index);
    if (limits->hold_has_ended && is_plain && limits->authorized != limits->captured)
        world_violation(w, "I6: payment %u: its hold was given up, and %lld of it is left", index,
                        (long long)(limits->authorized - limits->captured));
    bool has_left = limits->hold_has_ended || limits->authorized > limits->captured;
    if (payment->status == PAYMENT_AUTHORIZED && is_plain && has_left)
        check_heard(w, index, last_attempt(payment));
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
