/*
 * Captures, voids and refunds: what merchants ask for once they were told that a payment ended well,
 * several at once and more than there is; and what the store does to the payment's limits and
 * transfers in the same transaction as to the operation's own rows.
 *
 *              limits of the payment             transfer
 *     open     sum into capture_open/refund_open pending
 *     done     from there into captured/refunded posted
 *              (void: off authorized)            -
 *     not done given back                        voided
 *
 * A refund is taken of one capture, chosen before it is opened; what it changes at the payment it
 * changes at that capture's own limits too. The void of an authorization that came late is at limits of
 * its own, and changes nothing at the payment's.
 */
#include "bugs.h"
#include "sim.h"

enum {
    FOLLOWERS_MAX = 6,
    REFUNDS_MAX = 3, /* of a capture */
};

/* ---- merchants ------------------------------------------------------------------------------- */

static enum operation draw_operation(struct world *w, const struct payment_row *payment)
{
    uint64_t draw = rng_below(&w->rng, 8);
    if (payment->operation == OPERATION_SALE)
        return OPERATION_REFUND;
    return draw == 0 ? OPERATION_REFUND : draw < 3 ? OPERATION_VOID : OPERATION_CAPTURE;
}

static void ask(struct world *w, uint32_t parent, enum operation operation, int64_t most,
                int64_t at)
{
    const struct payment_row *payment = PAYMENT(w, parent);
    bool is_whole = operation == OPERATION_VOID || rng_below(&w->rng, 3) == 0;
    int64_t amount = is_whole ? most : between(w, 1, most);
    uint8_t merchant = payment->merchant;
    uint32_t index = vec_add(&w->orders);
    *ORDER(w, index) = (struct order){
        .merchant = merchant,
        .local = w->local_count[merchant]++,
        .amount = amount,
        .operation = operation,
        .parent = parent,
        .has_followers = true,
    };
    world_push(w, at, SIM_CLIENT, index, 0);
}

void operation_follow(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    struct order *order = ORDER(w, payment->order);
    bool is_capture = payment->operation == OPERATION_CAPTURE;
    bool is_charge =
        payment->operation == OPERATION_SALE || payment->operation == OPERATION_AUTHORIZE;
    for (int64_t left = is_capture ? between(w, -4, REFUNDS_MAX) : 0; left > 0; left--)
        ask(w, payment->parent, OPERATION_REFUND, payment->amount,
            w->now + between(w, 0, rng_below(&w->rng, 2) == 0 ? 20 * MS : 5 * SEC));
    if (!is_charge || order->has_followers || w->chance[FAULT_OPERATIONS] == 0)
        return;
    order->has_followers = true;
    if (!rng_chance(&w->rng, w->chance[FAULT_OPERATIONS]))
        return;
    int64_t spread = rng_below(&w->rng, 2) == 0 ? 20 * MS : 20 * SEC;
    int64_t from = w->now;
    if (payment->operation == OPERATION_AUTHORIZE && rng_below(&w->rng, 4) == 0) {
        uint8_t provider = payment->attempt[last_attempt(payment)].provider;
        from += w->provider[provider].held_for - spread / 2; /* at the last moment */
    }
    for (int64_t left = between(w, 1, FOLLOWERS_MAX); left > 0; left--) {
        enum operation operation = draw_operation(w, PAYMENT(w, index));
        ask(w, index, operation, PAYMENT(w, index)->amount, from + between(w, 0, spread));
    }
}

void operation_reverse(struct world *w, uint32_t parent, uint8_t at)
{
    enum operation operation = PAYMENT(w, parent)->operation;
    int64_t amount = PAYMENT(w, parent)->amount;
    if (operation == OPERATION_PAYOUT)
        return; /* a person must look */
    uint8_t merchant = PAYMENT(w, parent)->merchant;
    uint32_t index = vec_add(&w->orders);
    *ORDER(w, index) = (struct order){
        .merchant = merchant,
        .local = w->local_count[merchant]++,
        .amount = amount,
        .operation = operation == OPERATION_SALE ? OPERATION_REFUND : OPERATION_VOID,
        .parent = parent,
        .reversal_of = (uint8_t)(at + 1),
        .has_followers = true,
    };
    world_push(w, w->now + between(w, 1 * MS, 2 * SEC), SIM_CLIENT, index, 0);
}

/* ---- the capture of which a refund is taken --------------------------------------------------- */

static int64_t room_of(const struct limits_row *limits)
{
    return limits->captured - limits->refunded - limits->refund_open;
}

bool operation_choose(const struct world *w, struct payment_row *refund)
{
    if (refund->operation != OPERATION_REFUND || refund->reversal_of > 0 ||
        PAYMENT(w, refund->parent)->operation == OPERATION_SALE)
        return true;
    int64_t best = INT64_MAX;
    for (uint32_t at = PAYMENT(w, refund->parent)->first_capture; at != NONE;
         at = PAYMENT(w, at)->next_capture) {
        int64_t room = room_of(&PAYMENT(w, at)->limits);
        if (room < refund->amount || room >= best)
            continue;
        best = room;
        refund->capture = at;
    }
    return refund->capture != NONE;
}

/* ---- the store ------------------------------------------------------------------------------- */

struct limits_row *operation_limits(const struct world *w, const struct payment_row *operation)
{
    struct payment_row *parent = PAYMENT(w, operation->parent);
    return operation->reversal_of > 0 ? hold_limits(parent, (uint8_t)(operation->reversal_of - 1))
                                      : &parent->limits;
}

bool operation_has_room(const struct world *w, const struct payment_row *refund)
{
    return refund->capture == NONE || has_bug(SIM_BUG_CAPTURE_UNGUARDED) ||
           refund->amount <= room_of(&PAYMENT(w, refund->capture)->limits);
}

int64_t operation_left(const struct limits_row *limits, enum operation operation)
{
    if (operation == OPERATION_REFUND)
        return limits->captured - limits->refunded -
               (has_bug(SIM_BUG_OPEN_REFUND_FORGOTTEN) ? 0 : limits->refund_open);
    return limits->authorized - limits->captured -
           (has_bug(SIM_BUG_OPEN_CAPTURE_FORGOTTEN) ? 0 : limits->capture_open);
}

static void put_transfer(struct world *w, const struct bundle *bundle, enum transfer_state state)
{
    const struct payment_row *payment = PAYMENT(w, bundle->payment);
    uint16_t theirs = account_of_provider(bundle->provider);
    uint16_t ours = account_of_merchant(payment->merchant);
    bool goes_out = payment->operation == OPERATION_REFUND;
    if (payment->operation == OPERATION_VOID)
        return;
    store_transfer(w, (struct transfer_row){
                          .payment = bundle->payment,
                          .state = state,
                          .debit = goes_out ? ours : theirs,
                          .credit = goes_out ? theirs : ours,
                          .amount = payment->amount,
                      });
}

static void put_held(struct world *w, uint32_t index, enum transfer_state state, int64_t amount,
                     uint8_t late)
{
    const struct payment_row *payment = PAYMENT(w, index);
    store_transfer(w, (struct transfer_row){
                          .payment = index,
                          .state = state,
                          .is_rest = true,
                          .late = late,
                          .debit = account_of_provider(payment->attempt[0].provider),
                          .credit = account_of_merchant(payment->merchant),
                          .amount = amount,
                      });
}

void operation_release(struct world *w, uint32_t index, int64_t taken)
{
    struct limits_row *limits = &PAYMENT(w, index)->limits;
    if (limits->held == 0)
        return;
    put_held(w, index, TRANSFER_VOIDED, limits->held, 0);
    limits->held -= taken;
    limits->held_whole = 0;
    if (limits->held > 0)
        put_held(w, index, TRANSFER_PENDING, limits->held, 0);
}

void operation_release_late(struct world *w, uint32_t index, uint8_t at)
{
    struct limits_row *limits = &PAYMENT(w, index)->attempt[at].late;
    if (limits->held == 0)
        return;
    put_held(w, index, TRANSFER_VOIDED, limits->held, (uint8_t)(at + 1));
    limits->held = limits->held_whole = 0;
}

/* What is captured or given up is held no longer; nor is what came late, once it is given back. */
static void release(struct world *w, const struct payment_row *payment)
{
    struct limits_row *limits = &PAYMENT(w, payment->parent)->limits;
    if (payment->operation == OPERATION_REFUND)
        return;
    if (payment->reversal_of == 0) {
        operation_release(w, payment->parent, payment->amount);
        return;
    }
    if (operation_limits(w, payment) != limits) {
        operation_release_late(w, payment->parent, (uint8_t)(payment->reversal_of - 1));
        return;
    }
    put_held(w, payment->parent, TRANSFER_VOIDED, payment->amount, 0);
    if (limits->held_whole == payment->reversal_of)
        limits->held = limits->held_whole = 0;
}

enum payment_status operation_then(const struct world *w, uint32_t parent, uint8_t attempt)
{
    const struct payment_row *payment = PAYMENT(w, parent);
    unsigned approved = 0;
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
        bool was_approved = false;
        for (uint32_t i = payment->attempt[at].first_outcome; i != NONE; i = OUTCOME(w, i)->next)
            was_approved = was_approved || OUTCOME(w, i)->outcome == OUTCOME_APPROVED;
        approved += was_approved;
    }
    bool is_all = payment->operation == OPERATION_AUTHORIZE ? attempt == last_attempt(payment)
                                                            : approved == 1;
    bool is_there = payment->shown == PAYMENT_SUCCEEDED || payment->shown == PAYMENT_AUTHORIZED;
    return is_all && is_there ? PAYMENT_CANCELED : PAYMENT_PROCESSING;
}

void operation_event(struct payment_row *payment, enum payment_status status)
{
    const struct limits_row *limits = &payment->limits;
    payment->event_count++;
    if (status == PAYMENT_PROCESSING)
        return;
    payment->shown = status != PAYMENT_NONE  ? status
                     : limits->held > 0      ? PAYMENT_AUTHORIZED
                     : limits->captured == 0 ? PAYMENT_CANCELED
                                             : PAYMENT_SUCCEEDED;
}

static void done(const struct payment_row *payment, struct limits_row *limits)
{
    if (payment->operation == OPERATION_CAPTURE)
        limits->captured += payment->amount;
    else if (payment->operation == OPERATION_REFUND)
        limits->refunded += payment->amount;
    else
        limits->authorized -= payment->amount;
}

static void open_room(struct world *w, uint32_t index)
{
    struct payment_row *capture = PAYMENT(w, index);
    struct payment_row *parent = PAYMENT(w, capture->parent);
    capture->limits.authorized = capture->limits.captured = capture->amount;
    capture->next_capture = parent->first_capture;
    parent->first_capture = index;
}

static bool is_over(const struct orchestrate_write_plan *plan)
{
    return has_event(plan) && (plan->status == PAYMENT_FAILED || plan->status == PAYMENT_DECLINED ||
                               plan->status == PAYMENT_CANCELED);
}

static bool gives_back(const struct payment_row *payment, const struct orchestrate_write_plan *plan)
{
    return !payment->is_given_back &&
           (is_over(plan) || (has_bug(SIM_BUG_UNKNOWN_GIVEN_BACK) && plan->parks));
}

/* The limits of the payment, or of the capture that a refund is taken of. */
static void change(const struct payment_row *payment, const struct orchestrate_write_plan *plan,
                   struct limits_row *limits)
{
    int64_t *open =
        payment->operation == OPERATION_REFUND ? &limits->refund_open : &limits->capture_open;
    bool has_reserve = payment->reversal_of > 0 && !payment->is_unreserved;
    if (plan->opens_payment) {
        *open += has_reserve ? 0 : payment->amount;
    } else if (plan->posts_transfers) {
        if (!payment->is_given_back || has_reserve)
            *open -= payment->amount;
        done(payment, limits);
    } else if (gives_back(payment, plan)) {
        *open -= has_reserve ? 0 : payment->amount; /* the next try needs it */
    }
}

static bool are_kept(const struct limits_row *limits)
{
    return limits->authorized >= 0 && limits->capture_open >= 0 && limits->refund_open >= 0 &&
           limits->captured + limits->capture_open <= limits->authorized &&
           limits->refunded + limits->refund_open <= limits->captured;
}

/* Without a guard when it begins an operation has none when it ends. */
static bool is_unguarded(void)
{
    return has_bug(SIM_BUG_LIMITS_UNGUARDED) || has_bug(SIM_BUG_OPEN_CAPTURE_FORGOTTEN) ||
           has_bug(SIM_BUG_OPEN_REFUND_FORGOTTEN) || has_bug(SIM_BUG_CAPTURE_UNGUARDED) ||
           has_bug(SIM_BUG_HOLD_END_UNGUARDED);
}

bool operation_fits(const struct world *w, const struct bundle *bundle)
{
    const struct payment_row *payment = PAYMENT(w, bundle->payment);
    bool has_change = bundle->plan.posts_transfers || gives_back(payment, &bundle->plan);
    if (!has_change || is_unguarded())
        return true;
    struct limits_row limits = *operation_limits(w, payment);
    change(payment, &bundle->plan, &limits);
    if (payment->capture == NONE || !are_kept(&limits))
        return are_kept(&limits);
    limits = PAYMENT(w, payment->capture)->limits;
    change(payment, &bundle->plan, &limits);
    return are_kept(&limits);
}

void operation_apply(struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    struct payment_row *payment = PAYMENT(w, bundle->payment);
    struct payment_row *parent = PAYMENT(w, payment->parent);
    struct limits_row *limits = operation_limits(w, payment);
    if (plan->posts_transfers || is_over(plan))
        limits->decided_at = w->now;
    change(payment, plan, limits);
    if (payment->capture != NONE)
        change(payment, plan, &PAYMENT(w, payment->capture)->limits);
    if (plan->opens_payment) {
        put_transfer(w, bundle, TRANSFER_PENDING);
        operation_event(parent, PAYMENT_PROCESSING);
    } else if (plan->posts_transfers) {
        payment->posted += payment->amount;
        if (payment->operation == OPERATION_CAPTURE)
            open_room(w, bundle->payment);
        put_transfer(w, bundle, TRANSFER_POSTED);
        release(w, payment);
        operation_event(parent, payment->then);
    } else if (gives_back(payment, plan)) {
        mark(w, MARK_OPERATION_GIVEN_BACK);
        payment->is_given_back = true;
        put_transfer(w, bundle, TRANSFER_VOIDED);
        operation_event(parent, PAYMENT_PROCESSING);
    }
}
