/*
 * The checker: judges a world that has come to rest by the providers' books, the store's rows and
 * the clients' log. It shares no rule with the core: what it demands is written here a second time,
 * from the promises, so that a mistake in the core is not made twice. check.h names what is demanded.
 */
#include "check.h"

/* The provider paid it after the attempt had ended otherwise: see I11. */
static bool is_late(const struct world *w, uint32_t payment, uint8_t at)
{
    if (!BOOK(w, book_index(payment, at))->is_late)
        return false;
    const struct outcome_row *end = check_final_row(w, &PAYMENT(w, payment)->attempt[at]);
    return end != NULL && end->outcome != OUTCOME_APPROVED;
}

static int64_t net_of(const struct world *w, uint32_t payment)
{
    int64_t net = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (!is_late(w, payment, at))
            net += check_net(w, payment, at);
    return net;
}

static int64_t late_net_of(const struct world *w, uint32_t payment)
{
    int64_t net = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (is_late(w, payment, at))
            net += check_net(w, payment, at);
    return net;
}

/* ---- I1: at most one attempt ends with money, and not with more than the amount -------------- */

static void check_charged_once(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    unsigned charged = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (BOOK(w, book_index(index, at))->net > 0 && !is_late(w, index, at))
            charged++;
    if (payment->is_lied)
        return;
    if (charged > 1 || (charged > 0 && net_of(w, index) > payment->amount))
        world_violation(w, "I1: payment %u was charged %lld of %lld by %u attempts", index,
                        (long long)net_of(w, index), (long long)payment->amount, charged);
}

static void check_order_once(struct world *w, uint32_t index)
{
    const struct order *order = ORDER(w, index);
    int64_t net = 0;
    for (uint8_t i = 0; i < KEY_MAX; i++) {
        uint32_t holder = *store_key(w, order->merchant, order->local, i);
        if (holder != 0 && !PAYMENT(w, holder - 1)->is_lied)
            net += net_of(w, holder - 1);
    }
    if (net > order->amount)
        world_violation(w,
                        "I1: order %u was charged %lld of %lld, though its client used a new key "
                        "only when told that nothing happened",
                        index, (long long)net, (long long)order->amount);
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
        world_violation(w, "L1: payment %u is in review, and no charge was ever sent", payment);
    if (saw_mismatch(w, payment, at) || book->pending_word != OUTCOME_NONE)
        return;
    int64_t enough =
        w->stop_at + provider->settle + 8 * w->limits.resolve_max_us + 8 * w->limits.lease_us;
    if (provider->can_lookup && w->limits.review_after_us > enough)
        world_violation(w, "L1: payment %u is in review, and a lookup would have told", payment);
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

/*
 * Declined when its last attempt, or an earlier one softly, was, or by its rules; failed otherwise, and canceled if the
 * merchant wanted it so before its last attempt had failed.
 */
static void check_word(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    bool declined = false;
    for (uint8_t at = 0; at <= last; at++) {
        const struct outcome_row *row = check_final_row(w, &payment->attempt[at]);
        declined = declined || (row != NULL && (row->outcome == OUTCOME_DECLINED_SOFT ||
                                                row->outcome == OUTCOME_DECLINED_HARD));
        declined = declined || payment->attempt[at].decision.declines;
    }
    const struct outcome_row *end = check_final_row(w, &payment->attempt[last]);
    bool may_be_canceled = payment->is_canceled && payment->operation != OPERATION_PAYOUT &&
                           end != NULL && end->outcome == OUTCOME_FAILED;
    if (payment->status == PAYMENT_CANCELED && may_be_canceled)
        return;
    if (payment->status != (declined ? PAYMENT_DECLINED : PAYMENT_FAILED))
        world_violation(w, "I9: payment %u is %s, its attempts say otherwise", index,
                        payment_status_name(payment->status));
}

/* No more attempts, and no more sends after a passing failure, than the limits allow. */
static void check_limits(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    if (last + 1 > w->limits.attempt_max)
        world_violation(w, "I10: payment %u was tried %u times", index, last + 1U);
    for (uint8_t at = 0; at <= last; at++) {
        const struct attempt_row *attempt = &payment->attempt[at];
        unsigned again = 0;
        for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next) {
            const struct outcome_row *row = OUTCOME(w, i);
            if (outcome_is_final(row->outcome))
                break; /* what follows are second looks */
            bool went_on = row->send_number < ORCHESTRATE_SEND_MAX &&
                           attempt->send[row->send_number].step == STEP_CONTINUE;
            if (row->outcome == OUTCOME_NONE && !went_on &&
                attempt->send[row->send_number - 1].moves_money)
                again++;
        }
        if (again > w->limits.again_max)
            world_violation(w, "I10: payment %u attempt %u was sent again %u times", index, at + 1U,
                            again);
    }
}

/* Told charged by a person: the books and the ledger have it. Told otherwise: neither has. */
static void check_money(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct review_row *decided = check_decided(w, &payment->attempt[last]);
    int64_t net = net_of(w, index);
    bool is_charged = payment->status == PAYMENT_SUCCEEDED || payment->status == PAYMENT_AUTHORIZED;
    if (payment->is_lied)
        return;
    if (is_charged && (net != payment->amount || payment->posted != net))
        world_violation(w, "I2: payment %u is %s, books have %lld, ledger %lld of %lld", index,
                        payment_status_name(payment->status), (long long)net,
                        (long long)payment->posted, (long long)payment->amount);
    if (!is_charged && (net != 0 || payment->posted != 0))
        world_violation(w, "I3: payment %u is %s, books have %lld, ledger %lld", index,
                        payment_status_name(payment->status), (long long)net,
                        (long long)payment->posted);
    if (is_charged && decided == NULL && !was_told_approved(w, index, last))
        world_violation(w, "I9: payment %u is %s, and no provider said so", index,
                        payment_status_name(payment->status));
    if (!is_charged && decided == NULL)
        check_end(w, index, last);
}

static void check_state(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct review_row *decided = check_decided(w, &payment->attempt[last]);
    int64_t ended_at = decided != NULL ? decided->opened_at : payment->final_at;
    bool is_payout = payment->operation == OPERATION_PAYOUT;
    /* What came late is given back later still: that counts from when it began. */
    int64_t from = payment->opened_at > w->stop_at ? payment->opened_at : w->stop_at;
    int64_t bound = from + 4 * w->limits.payout_max_us + 8 * w->limits.lease_us + 600 * SEC;
    bound += is_payout ? w->limits.payout_after_us : w->limits.pending_after_us;
    if (payment_status_is_final(payment->status) != payment->has_answer)
        world_violation(w, "I7: payment %u is %s and %s stored answer", index,
                        payment_status_name(payment->status),
                        payment->has_answer ? "has a" : "has no");
    switch (payment->status) {
    case PAYMENT_SUCCEEDED:
    case PAYMENT_AUTHORIZED:
        check_money(w, index, last);
        break;
    case PAYMENT_DECLINED:
    case PAYMENT_FAILED:
    case PAYMENT_CANCELED:
        check_money(w, index, last);
        check_word(w, index, last);
        break;
    case PAYMENT_REVIEW:
        if (payment->posted != 0)
            world_violation(w, "I5: payment %u is in review and posted", index);
        check_review(w, index, last);
        break;
    case PAYMENT_NONE:
    case PAYMENT_PROCESSING:
    case PAYMENT_REQUIRES_ACTION:
    case PAYMENT_UNCLAIMED:
    case PAYMENT_RETURNED:
    case PAYMENT_STATUS_COUNT:
        world_violation(w, "L1: payment %u rests as %s", index,
                        payment_status_name(payment->status));
        break;
    }
    if (decided != NULL && decided->kind == REVIEW_UNKNOWN_TOO_LONG)
        check_review(w, index, last);
    if (ended_at > bound && !payment->is_lied)
        world_violation(w, "L1: payment %u ended %lld s after its bound", index,
                        (long long)((ended_at - bound) / SEC));
}

/* ---- I8: merchants ------------------------------------------------------------------ */

/* I8: what is told, and what is charged, is the merchant's own. */
static void check_merchant(struct world *w, const struct log_line *line)
{
    const struct order *order = ORDER(w, REQUEST(w, line->request)->order);
    const struct payment_row *payment = PAYMENT(w, line->payment);
    if (payment->merchant != order->merchant)
        world_violation(w, "I8: merchant %u was told of payment %u of merchant %u", order->merchant,
                        line->payment, payment->merchant);
    else if (payment->order != REQUEST(w, line->request)->order)
        world_violation(w, "I8: order %u was told of payment %u of order %u",
                        REQUEST(w, line->request)->order, line->payment, payment->order);
}

static void check_accounts(struct world *w, uint32_t payment, uint8_t at)
{
    for (uint32_t i = BOOK(w, book_index(payment, at))->first_entry; i != NONE;
         i = ENTRY(w, i)->next)
        if (ENTRY(w, i)->merchant != PAYMENT(w, payment)->merchant)
            world_violation(w, "I8: payment %u of merchant %u used the account of merchant %u",
                            payment, PAYMENT(w, payment)->merchant, ENTRY(w, i)->merchant);
}

/* ---- a payment ------------------------------------------------------------------------------- */

static void check_payment(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    uint8_t last = 0;
    check_charged_once(w, index);
    check_cancel(w, index);
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
        check_intents(w, index, at);
        check_accounts(w, index, at);
        if (!payment->attempt[at].exists)
            continue;
        last = at;
        if (at > 0)
            check_failover(w, index, (uint8_t)(at - 1));
        if (payment->attempt[at].park.exists)
            world_violation(w, "L1: payment %u attempt %u is still unresolved", index, at + 1U);
    }
    if (!payment->exists)
        return;
    check_limits(w, index, last);
    decide_check(w, index, last);
    check_state(w, index, last);
}

/* ---- I5: the ledger balances, and agrees with the books -------------------------------------- */

static void check_transfers(struct world *w)
{
    int64_t balance[ACCOUNT_COUNT] = {0};
    int64_t books[MERCHANT_MAX] = {0};
    uint64_t hash = 0;
    int64_t pending = 0;
    for (uint32_t i = 0; i < w->transfers.count; i++) {
        const struct transfer_row *row = TRANSFER(w, i);
        hash = transfer_hash(hash, row);
        if (row->amount <= 0 || row->debit == row->credit || row->debit >= ACCOUNT_COUNT ||
            row->credit >= ACCOUNT_COUNT) {
            world_violation(w, "I5: transfer %u does not balance", i);
            return;
        }
        if (PAYMENT(w, row->payment)->is_lied)
            continue;
        if (PAYMENT(w, row->payment)->parent != NONE)
            pending += row->state == TRANSFER_PENDING ? row->amount : -row->amount;
        if (row->state != TRANSFER_POSTED)
            continue;
        balance[row->debit] -= row->amount;
        balance[row->credit] += row->amount;
    }
    if (hash != w->transfer_hash)
        world_violation(w, "I5: transfers were changed after they were written");
    for (uint32_t i = 0; i < w->payments.count; i++) {
        const struct payment_row *payment = PAYMENT(w, i);
        if (payment->is_lied)
            continue;
        bool goes_out =
            payment->operation == OPERATION_PAYOUT || payment->operation == OPERATION_REFUND;
        bool is_held =
            payment->operation == OPERATION_AUTHORIZE || payment->operation == OPERATION_VOID;
        bool is_open = payment->status == PAYMENT_REVIEW; /* a person books those */
        if (is_open && payment->parent != NONE && payment->operation != OPERATION_VOID)
            pending -= payment->amount;
        if (!is_open && !is_held)
            books[payment->merchant] += goes_out ? -net_of(w, i) : net_of(w, i);
        if (payment->operation == OPERATION_SALE) /* posted whatever a person says of the rest */
            books[payment->merchant] += is_open ? payment->late_posted : late_net_of(w, i);
    }
    if (pending != 0)
        world_violation(w, "I5: %lld are pending of operations that have ended",
                        (long long)pending);
    for (uint8_t i = 0; i < MERCHANT_MAX; i++)
        if (balance[account_of_merchant(i)] != books[i])
            world_violation(w, "I5: merchant %u has %lld in the ledger, %lld in the books", i,
                            (long long)balance[account_of_merchant(i)], (long long)books[i]);
}

/* ---- I6: not more captured than authorized, not more refunded than captured ------------------ */

/* Of a refund, at its capture. */
static void add_refund(struct world *w, uint32_t index)
{
    const struct payment_row *refund = PAYMENT(w, index);
    struct sums *sums = vec_get(&w->sums, refund->capture);
    sums->refunded += net_of(w, index);
    sums->done_refunds += refund->status == PAYMENT_SUCCEEDED ? refund->amount : 0;
    sums->open_refunds += refund->status == PAYMENT_REVIEW ? refund->amount : 0;
}

static void check_capture(struct world *w, uint32_t index)
{
    const struct limits_row *limits = &PAYMENT(w, index)->limits;
    const struct sums *sums = vec_get(&w->sums, index);
    if (sums->refunded > net_of(w, index))
        world_violation(w, "I6: capture %u: books have %lld refunded of %lld", index,
                        (long long)sums->refunded, (long long)net_of(w, index));
    if (limits->refunded + limits->refund_open > limits->captured)
        world_violation(w, "I6: capture %u: its limits are exceeded", index);
    if (limits->captured != PAYMENT(w, index)->posted || limits->refunded != sums->done_refunds ||
        limits->refund_open != sums->open_refunds)
        world_violation(w, "I6: capture %u: its limits differ from its refunds", index);
}

/* It takes an authorization back that has limits of its own. */
static bool is_of_late(const struct world *w, const struct payment_row *operation)
{
    return operation->reversal_of > 0 &&
           PAYMENT(w, operation->parent)->attempt[operation->reversal_of - 1].is_late;
}

static void add_operation(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    struct sums *sums = vec_get(&w->sums, payment->parent);
    bool is_done = payment->status == PAYMENT_SUCCEEDED;
    bool is_open = payment->status == PAYMENT_REVIEW;
    int64_t done = is_done ? payment->amount : 0;
    int64_t open = is_open && payment->reversal_of == 0 ? payment->amount : 0;
    if (payment->reversal_of > 0) {
        if (is_done)
            mark(w, MARK_LATE_REVERSED);
        sums->reversed += net_of(w, index);
        sums->reversals_done += is_done;
        sums->reversals_not += !is_done && payment->exists;
        sums->reserves_done += is_done && !payment->is_unreserved;
    }
    if (is_of_late(w, payment)) {
        sums->late_done[payment->reversal_of - 1] += is_done;
        sums->reserves_done -= is_done && !payment->is_unreserved;
        return;
    }
    switch (payment->operation) {
    case OPERATION_CAPTURE:
        sums->captured += net_of(w, index);
        sums->done_captures += done;
        sums->open_captures += open;
        return;
    case OPERATION_VOID:
        sums->voided += payment->reversal_of > 0 ? 0 : net_of(w, index);
        sums->done_voids += done;
        sums->open_captures += open;
        return;
    case OPERATION_REFUND:
        if (payment->capture != NONE)
            add_refund(w, index);
        sums->refunded += payment->reversal_of > 0 ? 0 : net_of(w, index);
        sums->done_refunds += done;
        sums->open_refunds += open;
        return;
    case OPERATION_NONE:
    case OPERATION_SALE:
    case OPERATION_AUTHORIZE:
    case OPERATION_REAUTHORIZE:
    case OPERATION_PAYOUT:
    case OPERATION_COUNT:
        break;
    }
    CHECK(false);
}

static void check_amounts(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct limits_row *limits = &payment->limits;
    const struct sums *sums = vec_get(&w->sums, index);
    if (payment->is_lied)
        return;
    int64_t net = net_of(w, index);
    int64_t captured = sums->captured + (payment->operation == OPERATION_SALE ? net : 0);
    int64_t posted = payment->posted + payment->late_posted - payment->late_held;
    int64_t sold = payment->operation == OPERATION_SALE ? posted : 0;
    if (captured + sums->voided > net)
        world_violation(w, "I6: payment %u: books have %lld captured and %lld voided of %lld",
                        index, (long long)captured, (long long)sums->voided, (long long)net);
    if (sums->refunded > captured)
        world_violation(w, "I6: payment %u: books have %lld refunded of %lld", index,
                        (long long)sums->refunded, (long long)captured);
    if (limits->captured + limits->capture_open > limits->authorized ||
        limits->refunded + limits->refund_open > limits->captured)
        world_violation(w, "I6: payment %u: limits are exceeded", index);
    if (!limits->hold_has_ended && payment->status != PAYMENT_REVIEW &&
        limits->authorized != posted - sums->done_voids)
        world_violation(w, "I6: payment %u: limits say %lld authorized, rows %lld", index,
                        (long long)limits->authorized, (long long)(posted - sums->done_voids));
    int64_t kept = payment->reserved - (int64_t)sums->reserves_done * payment->amount;
    bool is_sale = payment->operation == OPERATION_SALE;
    if (limits->captured != sold + sums->done_captures || limits->refunded != sums->done_refunds ||
        limits->capture_open != sums->open_captures + (is_sale ? 0 : kept) ||
        limits->refund_open != sums->open_refunds + (is_sale ? kept : 0))
        world_violation(w, "I6: payment %u: limits differ from its operations", index);
}

/* ---- I11: what was paid after it had been declined is posted, and given back ----------------- */

static void check_late(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    const struct sums *sums = vec_get(&w->sums, index);
    int64_t late = late_net_of(w, index);
    if (payment->status == PAYMENT_REVIEW || payment->is_lied)
        return; /* a person looks at it */
    if (payment->late_posted != late)
        world_violation(w, "I11: payment %u: %lld came late, %lld of it is in the ledger", index,
                        (long long)late, (long long)payment->late_posted);
    if (payment->is_taken_back)
        late += net_of(w, index);
    if (sums->reversed > late)
        world_violation(w, "I11: payment %u: %lld came late, %lld was given back", index,
                        (long long)late, (long long)sums->reversed);
    if (sums->reversed < late && sums->reversals_not == 0)
        world_violation(w, "I11: payment %u: %lld came late, and nobody gives it back", index,
                        (long long)late);
}

static void check_operations(struct world *w)
{
    while (w->sums.count < w->payments.count)
        vec_add(&w->sums);
    for (uint32_t i = 0; i < w->payments.count; i++) {
        if (PAYMENT(w, i)->parent == NONE)
            continue;
        add_operation(w, i);
        check_hold_operation(w, i);
    }
    check_add_held(w);
    for (uint32_t i = 0; i < w->payments.count; i++)
        if (PAYMENT(w, i)->parent == NONE && PAYMENT(w, i)->operation != OPERATION_PAYOUT)
            check_amounts(w, i);
        else if (PAYMENT(w, i)->operation == OPERATION_CAPTURE)
            check_capture(w, i);
    for (uint32_t i = 0; i < w->payments.count; i++)
        if (PAYMENT(w, i)->parent == NONE && PAYMENT(w, i)->exists)
            check_hold(w, i);
    for (uint32_t i = 0; i < w->payments.count; i++)
        if (PAYMENT(w, i)->parent == NONE && PAYMENT(w, i)->operation != OPERATION_PAYOUT)
            check_late(w, i);
}

/* ---- I7: same key, same answer --------------------------------------------------------------- */

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
            world_violation(w, "I7: order %u was told an end that is not stored", request->order);
        else if (payment->is_lied)
            ; /* what he was told, is what was decided */
        else if (charged ? net != payment->amount : net != 0)
            world_violation(w, "%s: order %u was told %s, books have %lld of %lld",
                            charged ? "I2" : "I3", request->order,
                            payment_status_name(line->status), (long long)net,
                            (long long)payment->amount);
        if (line->bytes != payment->answer_bytes || line->status != payment->answer_status ||
            *store_key(w, order->merchant, order->local, request->key) != line->payment + 1 ||
            payment->fingerprint != request->fingerprint)
            world_violation(w, "I7: order %u got two answers for key %u", request->order,
                            request->key);
        return;
    }
    case TOLD_OTHER_BODY:
        if (payment->fingerprint == request->fingerprint)
            world_violation(w, "I7: order %u was refused its own body", request->order);
        return;
    case TOLD_UNAVAILABLE:
    case TOLD_LIMIT:
        if (payment->exists)
            world_violation(w, "I7: order %u was told that nothing was written, payment %u exists",
                            request->order, line->payment);
        return;
    case TOLD_PROCESSING:
    case TOLD_CONFLICT:
        if (!payment->exists)
            world_violation(w, "I7: order %u was told of a payment that is not stored",
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
    for (uint32_t i = 0; i < w->log.count; i++) {
        check_merchant(w, LOG(w, i));
        check_line(w, LOG(w, i));
    }
    check_transfers(w);
    check_operations(w);
    check_people(w);
    for (uint32_t i = 0; i < w->flights.count; i++)
        if (FLIGHT(w, i)->in_use)
            world_violation(w, "L1: payment %u is in hand for ever", FLIGHT(w, i)->payment);
}
