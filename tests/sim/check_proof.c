/*
 * The checker, second half: I4, intents, and I9, what the end of an attempt is based on.
 */
#include "check.h"

static bool is_definite_no(const struct entry *entry)
{
    if (!entry->delivered || !entry->whole || entry->mismatch || entry->duplicate)
        return false;
    if (entry->not_found)
        return entry->kind == CALL_LOOKUP;
    if (entry->outcome == OUTCOME_DECLINED_SOFT || entry->outcome == OUTCOME_DECLINED_HARD)
        return true;
    return entry->outcome == OUTCOME_FAILED &&
           (entry->kind == CALL_FIRST || (entry->answers_key && !entry->may_send_again));
}

static bool moves_money(const struct entry *entry)
{
    bool is_send = entry->kind == CALL_FIRST || entry->kind == CALL_REPEAT;
    return is_send && entry->step != STEP_SESSION;
}

/* What asked the payer moved nothing, and its repeats do not. */
static bool only_asked(const struct book *book, const struct entry *entry)
{
    return book->was_asked && entry->step == STEP_CHARGE;
}

/* The payer was asked by this send, under a key that protects: whatever else came under it did nothing.
 */
static bool asked_payer(const struct world *w, const struct book *book, const struct entry *entry,
                        const struct provider_fake *provider)
{
    if (provider->replay == REPLAY_NONE)
        return false;
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *other = ENTRY(w, i);
        if (moves_money(other) && other->send_number == entry->send_number && other->is_inert)
            return true;
    }
    return false;
}

/* ---- I4: intent before effect ---------------------------------------------------------------- */

void check_intents(struct world *w, uint32_t payment, uint8_t at)
{
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    const struct book *book = BOOK(w, book_index(payment, at));
    unsigned repeats[ORCHESTRATE_SEND_MAX + 1] = {0};
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        if (entry->kind == CALL_LOOKUP || entry->kind == CALL_CANCEL)
            continue;
        const struct send_row *send = &attempt->send[entry->send_number - 1];
        unsigned announced = 0;
        for (uint32_t j = attempt->first_outcome; attempt->exists && j != NONE;
             j = OUTCOME(w, j)->next)
            if (OUTCOME(w, j)->announces && OUTCOME(w, j)->send_number == entry->send_number &&
                OUTCOME(w, j)->committed_at <= entry->started_at)
                announced++;
        if (entry->kind == CALL_REPEAT)
            repeats[entry->send_number]++;
        if (!attempt->exists || !send->exists || send->committed_at > entry->started_at)
            world_violation(w, "I4: payment %u attempt %u: send %u left before its row was stored",
                            payment, at + 1U, entry->send_number);
        else if (repeats[entry->send_number] > announced)
            world_violation(w, "I4: payment %u attempt %u: send %u was repeated unannounced",
                            payment, at + 1U, entry->send_number);
    }
}

/* ---- I9: unknown is left only by proof ------------------------------------------------------- */

const struct outcome_row *check_final_row(const struct world *w, const struct attempt_row *attempt)
{
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        if (outcome_is_final(OUTCOME(w, i)->outcome))
            return OUTCOME(w, i);
    return NULL;
}

static bool was_tried(const struct world *w, const struct book *book, uint8_t send_number)
{
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next)
        if (ENTRY(w, i)->send_number == send_number)
            return true;
    return false;
}

/* Attempt `at` was followed by another: it must have been surely without effect at that time. */
void check_failover(struct world *w, uint32_t payment, uint8_t at)
{
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    const struct book *book = BOOK(w, book_index(payment, at));
    const struct outcome_row *closing = check_final_row(w, attempt);
    if (closing == NULL || closing->is_resumed || closing->outcome == OUTCOME_DECLINED_HARD ||
        closing->outcome == OUTCOME_APPROVED) {
        world_violation(w, "I9: payment %u: attempt %u was failed over without its holder's word",
                        payment, at + 1U);
        return;
    }
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        if (!moves_money(entry) || (entry->delivered && !entry->arrived && !entry->whole))
            continue; /* nothing left, and its holder knew */
        if (entry->kind != CALL_FIRST || !is_definite_no(entry) ||
            entry->outcome == OUTCOME_DECLINED_HARD || entry->delivered_at > closing->committed_at)
            world_violation(w, "I9: payment %u: attempt %u was failed over while unknown", payment,
                            at + 1U);
    }
    for (uint8_t i = 1; i <= ORCHESTRATE_SEND_MAX; i++)
        if (attempt->send[i - 1].exists && !was_tried(w, book, i))
            world_violation(w, "I9: payment %u: attempt %u was failed over before send %u", payment,
                            at + 1U, i);
}

/*
 * The provider was seen to have the one thing that was sent: nothing else is on its way. (A second
 * send, or a repeat other than the one that is judged, might be.)
 */
static bool is_with_provider(const struct world *w, const struct book *book,
                             const struct entry *but)
{
    unsigned sent = 0;
    bool was_seen = false;
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        bool pends = entry->outcome == OUTCOME_PENDING || entry->outcome == OUTCOME_REQUIRES_ACTION;
        if (entry == but)
            continue;
        if (entry->kind == CALL_REPEAT)
            return false;
        if (moves_money(entry) && !is_definite_no(entry))
            sent++;
        if (entry->delivered && entry->whole && pends && entry->delivered_at <= but->started_at)
            was_seen = true;
    }
    return sent == 1 && was_seen;
}

/* When the last thing that may have moved money, other than `but`, had surely settled; -1: never.
 */
static int64_t settled_without(const struct world *w, uint32_t payment, uint8_t at,
                               const struct entry *but)
{
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    const struct book *book = BOOK(w, book_index(payment, at));
    int64_t settled = 0;
    if (but != NULL && is_with_provider(w, book, but))
        return 0;
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        if (entry == but || !moves_money(entry) || !entry->arrived || only_asked(book, entry))
            continue; /* the world is at rest: what has not arrived never left */
        if (entry->kind == CALL_FIRST && (is_definite_no(entry) || entry->is_inert))
            continue;
        if (asked_payer(w, book, entry, &w->provider[attempt->provider]))
            continue;
        int64_t after = entry->arrived_at + w->provider[attempt->provider].settle;
        settled = after > settled ? after : settled;
    }
    for (uint8_t i = 0; i < ORCHESTRATE_SEND_MAX; i++) {
        const struct send_row *send = &attempt->send[i];
        if (!send->exists || !send->moves_money || was_tried(w, book, (uint8_t)(i + 1)))
            continue; /* what was never tried may still have left until its window closed */
        int64_t after = send->created_us - EPOCH_US - w->limits.skew_us + w->limits.send_window_us;
        settled = after > settled ? after : settled;
    }
    return settled;
}

/* Nothing will move it: nobody wants it any more, or it is too late for the payer. */
static bool is_given_up(const struct world *w, uint32_t payment, uint8_t at)
{
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    const struct outcome_row *closing = check_final_row(w, attempt);
    bool is_late =
        attempt->action_expires_us != 0 && closing->created_us >= attempt->action_expires_us;
    return PAYMENT(w, payment)->is_canceled || is_late;
}

static bool has_proof(const struct world *w, uint32_t payment, uint8_t at, int64_t before)
{
    bool may_be_inert = is_given_up(w, payment, at);
    const struct book *book = BOOK(w, book_index(payment, at));
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        bool is_no = is_definite_no(entry) || (may_be_inert && entry->is_inert);
        if (entry->kind != CALL_FIRST && is_no && entry->delivered_at <= before &&
            entry->started_at >= settled_without(w, payment, at, entry))
            return true;
    }
    return false;
}

/* The last attempt of a payment that was called declined or failed. */
void check_end(struct world *w, uint32_t payment, uint8_t at)
{
    const struct payment_row *row = PAYMENT(w, payment);
    const struct attempt_row *attempt = &row->attempt[at];
    const struct outcome_row *closing = check_final_row(w, attempt);
    if (closing == NULL || closing->outcome == OUTCOME_APPROVED) {
        world_violation(w, "I9: payment %u is %s without cause", payment,
                        payment_status_name(row->status));
        return;
    }
    if (settled_without(w, payment, at, NULL) == 0)
        return; /* all that was sent was answered, or never left */
    if (row->operation != OPERATION_PAYOUT && row->is_canceled && !closing->is_resumed &&
        !closing->left)
        return; /* canceled before it left, says its holder */
    if (!has_proof(w, payment, at, closing->committed_at))
        world_violation(w, "I9: payment %u is %s without proof", payment,
                        payment_status_name(row->status));
}

/* ---- I9: nothing new after a cancel ---------------------------------------------------------- */

/*
 * A payout whose cancel was noted: no other attempt, and no repeat by whoever takes it up afterwards
 * (who held the claim at that moment may not have heard of it).
 */
static void check_payout_cancel(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
        const struct attempt_row *attempt = &payment->attempt[at];
        const struct book *book = BOOK(w, book_index(index, at));
        if (attempt->exists && attempt->opened_at > payment->canceled_at)
            world_violation(w, "I9: payout %u was failed over after its cancel", index);
        for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
            const struct entry *entry = ENTRY(w, i);
            if (moves_money(entry) && entry->begun_at > payment->canceled_at)
                world_violation(w, "I9: payout %u was sent again after its cancel", index);
        }
    }
}

/* Never a charge that begins after the merchant's cancel. */
void check_cancel(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    if (payment->operation == OPERATION_PAYOUT) {
        if (payment->is_canceled)
            check_payout_cancel(w, index);
        return;
    }
    for (uint8_t at = 0; payment->is_canceled && at < ATTEMPT_MAX; at++) {
        const struct book *book = BOOK(w, book_index(index, at));
        for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next)
            if (moves_money(ENTRY(w, i)) && ENTRY(w, i)->started_at > payment->canceled_at)
                world_violation(w, "I9: payment %u was charged after its cancel", index);
    }
}
