/*
 * The checker: judges a world that has come to rest by the providers' books, the store's rows and
 * the clients' log. It shares no rule with the core: what it demands is written here a second time,
 * from the promises (design section 1), so that a mistake in the core is not made twice.
 */
#include "sim.h"

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
    return is_send && entry->step == STEP_CHARGE;
}

static int64_t net_of(const struct world *w, uint32_t payment)
{
    int64_t net = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        net += BOOK(w, book_index(payment, at))->net;
    return net;
}

/* ---- P1: at most one attempt ends with money, and not with more than the amount -------------- */

static void check_charged_once(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    unsigned charged = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (BOOK(w, book_index(index, at))->net > 0)
            charged++;
    if (charged > 1 || net_of(w, index) > payment->amount)
        world_violation(w, "P1: payment %u was charged %lld of %lld by %u attempts", index,
                        (long long)net_of(w, index), (long long)payment->amount, charged);
}

static void check_order_once(struct world *w, uint32_t index)
{
    const struct order *order = ORDER(w, index);
    int64_t net = 0;
    for (uint32_t i = 0; i < KEY_MAX; i++)
        if (order->key_payment[i] != NONE)
            net += net_of(w, order->key_payment[i]);
    if (net > order->amount)
        world_violation(w,
                        "P1: order %u was charged %lld of %lld, though its client used a new key "
                        "only when told that nothing happened",
                        index, (long long)net, (long long)order->amount);
}

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
            world_violation(w, "P4: payout %u was failed over after its cancel", index);
        for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
            const struct entry *entry = ENTRY(w, i);
            if (moves_money(entry) && entry->begun_at > payment->canceled_at)
                world_violation(w, "P4: payout %u was sent again after its cancel", index);
        }
    }
}

/* Never a charge that begins after the merchant's cancel. */
static void check_cancel(struct world *w, uint32_t index)
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
                world_violation(w, "P4: payment %u was charged after its cancel", index);
    }
}

/* ---- P3: intent before effect ---------------------------------------------------------------- */

static void check_intents(struct world *w, uint32_t payment, uint8_t at)
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
            world_violation(w, "P3: payment %u attempt %u: send %u left before its row was stored",
                            payment, at + 1U, entry->send_number);
        else if (repeats[entry->send_number] > announced)
            world_violation(w, "P3: payment %u attempt %u: send %u was repeated unannounced",
                            payment, at + 1U, entry->send_number);
    }
}

/* ---- P4: unknown is left only by proof ------------------------------------------------------- */

static const struct outcome_row *final_row(const struct world *w, const struct attempt_row *attempt)
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
static void check_failover(struct world *w, uint32_t payment, uint8_t at)
{
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    const struct book *book = BOOK(w, book_index(payment, at));
    const struct outcome_row *closing = final_row(w, attempt);
    if (closing == NULL || closing->is_resumed || closing->outcome == OUTCOME_DECLINED_HARD ||
        closing->outcome == OUTCOME_APPROVED) {
        world_violation(w, "P4: payment %u: attempt %u was failed over without its holder's word",
                        payment, at + 1U);
        return;
    }
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        if (!moves_money(entry) || (entry->delivered && !entry->arrived && !entry->whole))
            continue; /* nothing left, and its holder knew */
        if (entry->kind != CALL_FIRST || !is_definite_no(entry) ||
            entry->outcome == OUTCOME_DECLINED_HARD || entry->delivered_at > closing->committed_at)
            world_violation(w, "P4: payment %u: attempt %u was failed over while unknown", payment,
                            at + 1U);
    }
    for (uint8_t i = 1; i <= ORCHESTRATE_SEND_MAX; i++)
        if (attempt->send[i - 1].exists && !was_tried(w, book, i))
            world_violation(w, "P4: payment %u: attempt %u was failed over before send %u", payment,
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
        if (entry == but || !moves_money(entry) || !entry->arrived)
            continue; /* the world is at rest: what has not arrived never left */
        if (entry->kind == CALL_FIRST && is_definite_no(entry))
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

static bool has_proof(const struct world *w, uint32_t payment, uint8_t at, int64_t before)
{
    const struct book *book = BOOK(w, book_index(payment, at));
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        if (entry->kind != CALL_FIRST && is_definite_no(entry) && entry->delivered_at <= before &&
            entry->started_at >= settled_without(w, payment, at, entry))
            return true;
    }
    return false;
}

/* The last attempt of a payment that was called declined or failed. */
static void check_end(struct world *w, uint32_t payment, uint8_t at)
{
    const struct payment_row *row = PAYMENT(w, payment);
    const struct attempt_row *attempt = &row->attempt[at];
    const struct outcome_row *closing = final_row(w, attempt);
    if (closing == NULL || closing->outcome == OUTCOME_APPROVED) {
        world_violation(w, "P4: payment %u is %s without cause", payment,
                        payment_status_name(row->status));
        return;
    }
    if (settled_without(w, payment, at, NULL) == 0)
        return; /* all that was sent was answered, or never left */
    if (row->operation != OPERATION_PAYOUT && row->is_canceled && !closing->is_resumed &&
        !closing->left)
        return; /* canceled before it left, says its holder */
    if (!has_proof(w, payment, at, closing->committed_at))
        world_violation(w, "P4: payment %u is %s without proof", payment,
                        payment_status_name(row->status));
}

/* ---- states, ledger, liveness ---------------------------------------------------------------- */

static bool saw_mismatch(const struct world *w, uint32_t payment, uint8_t at)
{
    const struct book *book = BOOK(w, book_index(payment, at));
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next)
        if (ENTRY(w, i)->mismatch)
            return true;
    return false;
}

/* Review is for what nobody can be asked about, not for what was not asked. */
static void check_review(struct world *w, uint32_t payment, uint8_t at)
{
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    const struct provider_fake *provider = &w->provider[attempt->provider];
    const struct book *book = BOOK(w, book_index(payment, at));
    bool charge_left = false;
    for (uint8_t i = 0; i < ORCHESTRATE_SEND_MAX; i++)
        charge_left = charge_left || (attempt->send[i].exists && attempt->send[i].moves_money);
    if (!charge_left)
        world_violation(w, "liveness: payment %u is in review, and no charge was ever sent",
                        payment);
    if (saw_mismatch(w, payment, at) || book->pending_word != OUTCOME_NONE)
        return;
    int64_t enough =
        w->stop_at + provider->settle + 8 * w->limits.resolve_max_us + 8 * w->limits.lease_us;
    if (provider->can_lookup && w->limits.review_after_us > enough)
        world_violation(w, "liveness: payment %u is in review, and a lookup would have told",
                        payment);
}

/* Success needs an answer that says so, of the right amount. */
static bool was_told_approved(const struct world *w, uint32_t payment, uint8_t at)
{
    const struct book *book = BOOK(w, book_index(payment, at));
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next) {
        const struct entry *entry = ENTRY(w, i);
        if (entry->delivered && entry->whole && entry->outcome == OUTCOME_APPROVED &&
            !entry->mismatch)
            return true;
    }
    return false;
}

/* Declined when its last attempt, or an earlier one softly, was; failed otherwise. */
static void check_word(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    bool declined = false;
    for (uint8_t at = 0; at <= last; at++) {
        const struct outcome_row *row = final_row(w, &payment->attempt[at]);
        declined = declined || (row != NULL && (row->outcome == OUTCOME_DECLINED_SOFT ||
                                                row->outcome == OUTCOME_DECLINED_HARD));
    }
    if (payment->status != (declined ? PAYMENT_DECLINED : PAYMENT_FAILED))
        world_violation(w, "payment %u is %s, its attempts say otherwise", index,
                        payment_status_name(payment->status));
}

/* No more attempts, and no more sends after a passing failure, than the limits allow. */
static void check_limits(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    if (last + 1 > w->limits.attempt_max)
        world_violation(w, "payment %u was tried %u times", index, last + 1U);
    for (uint8_t at = 0; at <= last; at++) {
        const struct attempt_row *attempt = &payment->attempt[at];
        unsigned again = 0;
        for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next) {
            const struct outcome_row *row = OUTCOME(w, i);
            if (row->outcome == OUTCOME_NONE && attempt->send[row->send_number - 1].moves_money)
                again++;
        }
        if (again > w->limits.again_max)
            world_violation(w, "payment %u attempt %u was sent again %u times", index, at + 1U,
                            again);
    }
}

static void check_state(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    int64_t net = net_of(w, index);
    bool is_payout = payment->operation == OPERATION_PAYOUT;
    int64_t bound = w->stop_at + 4 * w->limits.payout_max_us + 8 * w->limits.lease_us + 600 * SEC;
    bound += is_payout ? w->limits.payout_after_us : w->limits.pending_after_us;
    if (payment_status_is_final(payment->status) != payment->has_answer)
        world_violation(w, "P7: payment %u is %s and %s stored answer", index,
                        payment_status_name(payment->status),
                        payment->has_answer ? "has a" : "has no");
    switch (payment->status) {
    case PAYMENT_SUCCEEDED:
    case PAYMENT_AUTHORIZED:
        if (net != payment->amount || payment->posted != net)
            world_violation(w, "P2: payment %u is %s, books have %lld, ledger %lld of %lld", index,
                            payment_status_name(payment->status), (long long)net,
                            (long long)payment->posted, (long long)payment->amount);
        if (!was_told_approved(w, index, last))
            world_violation(w, "P4: payment %u is %s, and no provider said so", index,
                            payment_status_name(payment->status));
        break;
    case PAYMENT_DECLINED:
    case PAYMENT_FAILED:
        if (net != 0 || payment->posted != 0)
            world_violation(w, "P2: payment %u is %s, books have %lld, ledger %lld", index,
                            payment_status_name(payment->status), (long long)net,
                            (long long)payment->posted);
        check_end(w, index, last);
        check_word(w, index, last);
        break;
    case PAYMENT_REVIEW:
        if (payment->posted != 0)
            world_violation(w, "P5: payment %u is in review and posted", index);
        check_review(w, index, last);
        break;
    case PAYMENT_NONE:
    case PAYMENT_PROCESSING:
    case PAYMENT_REQUIRES_ACTION:
    case PAYMENT_CANCELED:
    case PAYMENT_UNCLAIMED:
    case PAYMENT_RETURNED:
    case PAYMENT_STATUS_COUNT:
        world_violation(w, "liveness: payment %u rests as %s", index,
                        payment_status_name(payment->status));
        break;
    }
    if (payment->final_at > bound)
        world_violation(w, "liveness: payment %u ended %lld s after its bound", index,
                        (long long)((payment->final_at - bound) / SEC));
}

static void check_payment(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    uint8_t last = 0;
    check_charged_once(w, index);
    check_cancel(w, index);
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
        check_intents(w, index, at);
        if (!payment->attempt[at].exists)
            continue;
        last = at;
        if (at > 0)
            check_failover(w, index, (uint8_t)(at - 1));
        if (payment->attempt[at].park.exists)
            world_violation(w, "liveness: payment %u attempt %u is still unresolved", index,
                            at + 1U);
    }
    if (!payment->exists)
        return;
    check_limits(w, index, last);
    check_state(w, index, last);
}

/* ---- what clients were told ------------------------------------------------------------------ */

static void check_line(struct world *w, const struct log_line *line)
{
    const struct request *request = REQUEST(w, line->request);
    const struct order *order = ORDER(w, request->order);
    const struct payment_row *payment = PAYMENT(w, line->payment);
    switch (line->told) {
    case TOLD_FINAL: {
        bool charged = line->status == PAYMENT_SUCCEEDED || line->status == PAYMENT_AUTHORIZED;
        int64_t net = net_of(w, line->payment);
        if (!payment_status_is_final(line->status) || !payment->exists || !payment->has_answer)
            world_violation(w, "P2: order %u was told an end that is not stored", request->order);
        else if (charged != (net == payment->amount) || (!charged && net != 0))
            world_violation(w, "P2: order %u was told %s, books have %lld of %lld", request->order,
                            payment_status_name(line->status), (long long)net,
                            (long long)payment->amount);
        if (line->bytes != payment->answer_bytes || line->status != payment->answer_status ||
            order->key_payment[request->key] != line->payment ||
            payment->fingerprint != request->fingerprint)
            world_violation(w, "P7: order %u got two answers for key %u", request->order,
                            request->key);
        return;
    }
    case TOLD_OTHER_BODY:
        if (payment->fingerprint == request->fingerprint)
            world_violation(w, "P7: order %u was refused its own body", request->order);
        return;
    case TOLD_UNAVAILABLE:
        if (payment->exists)
            world_violation(w, "P2: order %u was told that nothing was written, payment %u exists",
                            request->order, line->payment);
        return;
    case TOLD_PROCESSING:
    case TOLD_CONFLICT:
        if (!payment->exists)
            world_violation(w, "P2: order %u was told of a payment that is not stored",
                            request->order);
        return;
    case TOLD_NOTHING:
    case TOLD_REFERENCE:
    case TOLD_OUTCOME_PENDING:
    case TOLD_COUNT:
        return;
    }
}

void check_world(struct world *w)
{
    for (uint32_t i = 0; i < w->payments.count; i++)
        check_payment(w, i);
    for (uint32_t i = 0; i < w->orders.count; i++)
        check_order_once(w, i);
    for (uint32_t i = 0; i < w->log.count; i++)
        check_line(w, LOG(w, i));
    for (uint32_t i = 0; i < w->flights.count; i++)
        if (FLIGHT(w, i)->in_use)
            world_violation(w, "liveness: payment %u is in hand for ever", FLIGHT(w, i)->payment);
}
