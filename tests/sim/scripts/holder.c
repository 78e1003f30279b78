/* Who holds a payment: what he would write next, and now and then what he should not. */
#include "play.h"

#include <string.h>

enum {
    ATTEMPTS = 4,    /* as the simulator's ATTEMPT_MAX */
    KEYS = 4,        /* KEY_MAX */
    ROOT_LOCALS = 5, /* keys and references of payments ... */
    OPERATION_LOCALS = 8,
    PAYOUT_LOCALS = 3, /* ... and payouts are apart: a kind has references of its own */
    LOOK_TAKE_OUT = 8,
};

/* ---- opening ---- */

/* One that has something to be given back: else such a one is met once in many scripts. */
static bool find_late(struct play *play, uint32_t *parent, struct model_view *view)
{
    uint32_t count = model_count(play->model);
    uint32_t first = (uint32_t)step_draw(play, count > 0 ? count : 1);
    for (uint32_t i = 0; i < count; i++) {
        *parent = (first + i) % count;
        if (play->late[*parent] == 0)
            continue;
        model_view(play->model, *parent, 0, view);
        if (view->operation != OPERATION_PAYOUT)
            return true;
    }
    return false;
}

static bool find_parent(struct play *play, uint32_t *parent, struct model_view *view)
{
    uint32_t count = model_count(play->model);
    if (step_draw(play, 3) == 0 && find_late(play, parent, view))
        return true;
    for (int i = 0; i < 4 && count > 0; i++) {
        *parent = (uint32_t)step_draw(play, count);
        model_view(play->model, *parent, 0, view);
        bool is_charge =
            view->operation == OPERATION_SALE || view->operation == OPERATION_AUTHORIZE;
        bool is_good = view->authorized > 0 || play->late[*parent] > 0 || step_draw(play, 8) == 0;
        if (view->exists && is_charge && is_good)
            return true;
    }
    return false;
}

static void draw_root(struct play *play, struct script_write *write)
{
    static const enum operation operations[] = {OPERATION_SALE, OPERATION_AUTHORIZE,
                                                OPERATION_AUTHORIZE, OPERATION_PAYOUT};
    write->operation = operations[step_draw(play, ARRAY_LEN(operations))];
    write->amount = 100 + (int64_t)step_draw(play, 900);
    write->merchant = (uint8_t)step_draw(play, SCRIPT_MERCHANTS);
    write->local = (uint8_t)step_draw(play, ROOT_LOCALS);
    if (write->operation == OPERATION_PAYOUT)
        write->local = (uint8_t)(ROOT_LOCALS + OPERATION_LOCALS + step_draw(play, PAYOUT_LOCALS));
    write->has_reference = step_draw(play, 2) == 0;
    write->provider = (uint8_t)step_draw(play, SCRIPT_PROVIDERS);
}

static int64_t draw_sum(struct play *play, const struct model_view *parent,
                        enum operation operation)
{
    int64_t left = operation == OPERATION_REFUND
                       ? parent->captured - parent->refunded - parent->refund_open
                       : parent->authorized - parent->captured - parent->capture_open;
    int64_t all = parent->amount;
    switch (step_draw(play, 5)) {
    case 0:
        return left > 0 ? left : all;
    case 1:
        return left + 1 > 0 ? left + 1 : 1;
    default:
        return 1 + (int64_t)step_draw(play, (uint64_t)all);
    }
}

/* A capture of the payment; now and then one that is not done. */
static bool find_capture(struct play *play, uint32_t parent, uint32_t *capture)
{
    uint32_t count = model_count(play->model);
    uint32_t first = (uint32_t)step_draw(play, count);
    for (uint32_t i = 0; i < count; i++) {
        struct model_view view;
        *capture = (first + i) % count;
        model_view(play->model, *capture, 0, &view);
        if (view.exists && view.parent == parent && view.operation == OPERATION_CAPTURE)
            return true;
    }
    *capture = SCRIPT_NOBODY;
    return false;
}

/* Attempt `number` of it is an authorization that came late. */
static bool is_late_attempt(struct play *play, uint32_t payment, uint8_t number)
{
    struct model_view view;
    if (number == 0)
        return false;
    model_view(play->model, payment, (uint8_t)(number - 1), &view);
    return view.is_late;
}

static void draw_operation(struct play *play, uint32_t parent_slot, const struct model_view *parent,
                           struct script_write *write)
{
    static const enum operation operations[] = {OPERATION_CAPTURE, OPERATION_CAPTURE,
                                                OPERATION_VOID, OPERATION_REFUND, OPERATION_REFUND};
    bool is_sale = parent->operation == OPERATION_SALE;
    write->parent = parent_slot;
    write->merchant = parent->merchant;
    write->local = (uint8_t)(ROOT_LOCALS + step_draw(play, OPERATION_LOCALS));
    write->operation =
        is_sale ? OPERATION_REFUND : operations[step_draw(play, ARRAY_LEN(operations))];
    if (write->operation == OPERATION_REFUND && !is_sale &&
        !find_capture(play, parent_slot, &write->capture))
        write->operation = OPERATION_CAPTURE;
    write->amount = draw_sum(play, parent, write->operation);
    write->provider = parent->provider;
    if (play->late[parent_slot] == 0 || step_draw(play, 2) == 0)
        return;
    write->operation = is_sale ? OPERATION_REFUND : OPERATION_VOID;
    write->capture = SCRIPT_NOBODY;
    write->reversal_of = play->late[parent_slot];
    write->of_late = is_late_attempt(play, parent_slot, write->reversal_of);
    write->amount = parent->amount;
    bool is_only_one = parent->approved_count == 1 && (parent->status == PAYMENT_SUCCEEDED ||
                                                       parent->status == PAYMENT_AUTHORIZED);
    write->then = is_only_one ? PAYMENT_CANCELED : PAYMENT_PROCESSING;
}

static bool open_payment(struct play *play, uint8_t writer, struct script_write *write)
{
    uint32_t parent = SCRIPT_NOBODY;
    struct model_view view;
    *write = (struct script_write){
        .writer = writer,
        .attempt_number = 1,
        .send_number = 1,
        .moves_money = step_draw(play, 3) > 0,
        .now_us = play->now_us,
        .parent = SCRIPT_NOBODY,
        .capture = SCRIPT_NOBODY,
        .key = (uint8_t)step_draw(play, KEYS),
        .try_number = (uint8_t)(1 + step_draw(play, 2)),
        .event_number = 1,
        .status = PAYMENT_PROCESSING,
        .plan = {.opens_payment = true, .opens_attempt = true, .opens_send = true},
    };
    if (step_draw(play, 5) < 3 && find_parent(play, &parent, &view))
        draw_operation(play, parent, &view, write);
    else
        draw_root(play, write);
    write->payment = model_slot(play->model, write);
    play->then[write->payment] = write->then;
    return true;
}

/* ---- going on ---- */

static void put_outcome(const struct holder *holder, enum outcome outcome,
                        struct script_write *write)
{
    write->plan.has_outcome = true;
    write->plan.outcome_attempt_number = (uint8_t)(holder->attempt + 1);
    write->plan.outcome_number = (int16_t)(holder->view.outcome_count + 1);
    write->plan.outcome_send_number = holder->view.send_count;
    write->plan.outcome = outcome;
    write->plan.left = outcome != OUTCOME_FAILED;
}

static void put_park(struct play *play, struct script_write *write)
{
    write->plan.parks = true;
    write->plan.park_next_us = play->now_us + (int64_t)step_draw(play, 3) * 1000000;
    write->plan.park_tries = (int32_t)step_draw(play, 5);
}

static void put_status(const struct holder *holder, enum payment_status status,
                       struct script_write *write)
{
    write->plan.has_event = true;
    write->plan.status = status;
    write->plan.stores_answer = payment_status_is_final(status) && !holder->view.has_answer;
}

static enum payment_status status_of(enum outcome outcome, enum operation operation)
{
    if (outcome == OUTCOME_APPROVED)
        return operation == OPERATION_AUTHORIZE ? PAYMENT_AUTHORIZED : PAYMENT_SUCCEEDED;
    return outcome == OUTCOME_FAILED ? PAYMENT_FAILED : PAYMENT_DECLINED;
}

static enum outcome draw_no(struct play *play)
{
    static const enum outcome outcomes[] = {OUTCOME_DECLINED_SOFT, OUTCOME_DECLINED_HARD,
                                            OUTCOME_FAILED};
    return outcomes[step_draw(play, ARRAY_LEN(outcomes))];
}

static enum outcome draw_open(struct play *play)
{
    static const enum outcome outcomes[] = {OUTCOME_UNKNOWN, OUTCOME_PENDING,
                                            OUTCOME_REQUIRES_ACTION};
    return outcomes[step_draw(play, ARRAY_LEN(outcomes))];
}

/* It ended, or went on, without this attempt. */
static bool is_late(const struct holder *holder)
{
    return payment_status_is_final(holder->view.status) ||
           holder->view.attempt_count > holder->attempt + 1;
}

static void close_with(struct play *play, const struct holder *holder, enum outcome outcome,
                       struct script_write *write)
{
    if (holder->view.was_approved && outcome == OUTCOME_APPROVED)
        outcome = OUTCOME_FAILED; /* the core posts an attempt once */
    put_outcome(holder, outcome, write);
    write->plan.posts_transfers = outcome == OUTCOME_APPROVED;
    if (is_late(holder)) {
        write->plan.has_event = true;
        if (outcome == OUTCOME_APPROVED)
            write->plan.review = REVIEW_LATE_SUCCESS;
    } else {
        bool is_root = write->parent == SCRIPT_NOBODY && write->operation != OPERATION_PAYOUT;
        put_status(holder, status_of(outcome, write->operation), write);
        if (outcome == OUTCOME_APPROVED && is_root && step_draw(play, 8) == 0)
            write->plan.review = REVIEW_LATE_SUCCESS; /* canceled, and nobody could stop it */
    }
    write->plan.needs_review = write->plan.review != REVIEW_NONE;
    write->plan.unparks = holder->is_resumed;
    if (step_draw(play, 4) == 0) {
        put_park(play, write);
        write->plan.rechecks = true;
        write->plan.unparks = false;
    }
}

static void give_up(const struct holder *holder, struct script_write *write)
{
    put_outcome(holder, OUTCOME_UNKNOWN, write);
    put_status(holder, PAYMENT_REVIEW, write);
    write->plan.review = REVIEW_UNKNOWN_TOO_LONG;
    write->plan.needs_review = true;
    write->plan.unparks = holder->is_resumed;
}

static void send_next(const struct holder *holder, struct script_write *write)
{
    put_outcome(holder, OUTCOME_NONE, write);
    write->plan.opens_send = true;
    write->send_number = (uint8_t)(holder->view.send_count + 1);
}

static bool go_on(struct play *play, const struct holder *holder, struct script_write *write)
{
    bool is_root = write->parent == SCRIPT_NOBODY;
    switch (step_draw(play, 8)) {
    case 0:
    case 1:
        if (holder->view.send_count < ORCHESTRATE_SEND_MAX) {
            send_next(holder, write);
            return true;
        }
        /* fall through */
    case 2:
        if (is_root && holder->attempt + 1 < ATTEMPTS) {
            put_outcome(holder, draw_no(play), write);
            write->plan.opens_attempt = write->plan.opens_send = true;
            write->attempt_number++;
            write->send_number = 1;
            write->provider = (uint8_t)step_draw(play, SCRIPT_PROVIDERS);
            return true;
        }
        /* fall through */
    case 3:
    case 4:
        close_with(play, holder, OUTCOME_APPROVED, write);
        return true;
    case 5:
        close_with(play, holder, draw_no(play), write);
        return true;
    default:
        put_outcome(holder, draw_open(play), write);
        if (write->plan.outcome == OUTCOME_REQUIRES_ACTION && !is_late(holder))
            put_status(holder, PAYMENT_REQUIRES_ACTION, write);
        put_park(play, write);
        return true;
    }
}

static bool look(struct play *play, const struct holder *holder, struct script_write *write)
{
    bool is_watch = holder->view.is_late && step_draw(play, 2) == 0;
    switch (is_watch ? LOOK_TAKE_OUT : step_draw(play, LOOK_TAKE_OUT + 1)) {
    case 0:
        put_park(play, write);
        write->plan.rechecks = holder->is_recheck;
        return true;
    case 1:
        put_outcome(holder, draw_open(play), write);
        put_park(play, write);
        return true;
    case 2:
        put_outcome(holder, OUTCOME_NONE, write);
        write->plan.announces_repeat = true;
        return true;
    case 3:
        if (holder->view.send_count < ORCHESTRATE_SEND_MAX) {
            send_next(holder, write);
            put_park(play, write);
            return true;
        }
        /* fall through */
    case 4:
        if (!is_late(holder) && step_draw(play, 3) == 0) {
            give_up(holder, write);
            return true;
        }
        /* fall through */
    case 5:
    case 6:
        close_with(play, holder, OUTCOME_APPROVED, write);
        return true;
    case 7:
        close_with(play, holder, draw_no(play), write);
        return true;
    default:
        write->plan.unparks = true;
        write->plan.ends_hold =
            holder->is_recheck && write->operation == OPERATION_AUTHORIZE &&
            (holder->view.is_late || (holder->view.status == PAYMENT_AUTHORIZED &&
                                      holder->view.attempt_count <= holder->attempt + 1));
        if (write->plan.ends_hold)
            put_outcome(holder, OUTCOME_NONE, write);
        return true;
    }
}

/* What somebody would write who has not heard of what happened, or miscounts. */
static void do_wrong(struct play *play, struct script_write *write)
{
    struct orchestrate_write_plan *plan = &write->plan;
    switch (step_draw(play, 5)) {
    case 0:
        if (plan->has_outcome && plan->outcome_number > 1)
            plan->outcome_number--;
        return;
    case 1:
        if (write->event_number > 1)
            write->event_number--;
        return;
    case 2:
        if (plan->opens_send && write->send_number > 1)
            write->send_number--;
        return;
    case 3:
        if (write->is_resumed && write->epoch > 1)
            write->epoch--;
        return;
    default:
        if (write->is_resumed)
            write->epoch++;
        return;
    }
}

bool holder_next(struct play *play, struct holder *holder, uint8_t writer,
                 struct script_write *write)
{
    if (!holder->is_used)
        return open_payment(play, writer, write);
    if (holder->has_last && step_draw(play, 16) == 0) { /* the same again */
        *write = holder->last;
        return true;
    }
    const struct model_view *view = &holder->view;
    *write = (struct script_write){
        .payment = holder->payment,
        .writer = writer,
        .merchant = view->merchant,
        .provider = view->provider,
        .attempt_number = (uint8_t)(holder->attempt + 1),
        .moves_money = true,
        .now_us = play->now_us,
        .operation = view->operation,
        .amount = view->amount,
        .parent = view->parent,
        .capture = view->capture,
        .reversal_of = view->reversal_of,
        .then = play->then[holder->payment],
        .is_resumed = holder->is_resumed,
        .epoch = holder->epoch,
        .was_canceled = holder->was_canceled,
        .event_number = view->event_count + 1,
        .status = view->status,
        .was_given_back = view->status == PAYMENT_FAILED || view->status == PAYMENT_DECLINED ||
                          view->status == PAYMENT_CANCELED,
        .hold_change = view->is_late ? -view->late_held : view->captured - view->authorized,
        .of_late = view->is_late || (view->reversal_of > 0 &&
                                     is_late_attempt(play, view->parent, view->reversal_of)),
    };
    bool is_there = holder->is_resumed ? look(play, holder, write) : go_on(play, holder, write);
    if (step_draw(play, 10) == 0)
        do_wrong(play, write);
    return is_there;
}

/* ---- what became of it ---- */

static void take(struct holder *holder, const struct script_write *write)
{
    struct model_view *view = &holder->view;
    const struct orchestrate_write_plan *plan = &write->plan;
    if (plan->has_outcome)
        view->outcome_count = plan->outcome_number;
    view->was_approved = view->was_approved || plan->outcome == OUTCOME_APPROVED;
    if (plan->posts_transfers && plan->review == REVIEW_LATE_SUCCESS &&
        plan->status == PAYMENT_NONE && write->operation == OPERATION_AUTHORIZE) {
        view->is_late = true;
        view->late_held = view->late_open = write->amount;
    }
    if (plan->opens_attempt) {
        view->is_late = false;
        view->was_approved = false;
        holder->attempt = (uint8_t)(write->attempt_number - 1);
        view->attempt_count = write->attempt_number;
        view->outcome_count = 0;
        view->provider = write->provider;
    }
    if (plan->opens_send)
        view->send_count = write->send_number;
    if (plan->has_event) {
        view->event_count = write->event_number;
        if (plan->status != PAYMENT_NONE)
            view->status = plan->status;
    }
    view->has_answer = view->has_answer || plan->stores_answer;
}

void holder_told(struct play *play, struct holder *holder, const struct script_write *write,
                 enum orchestrate_write result)
{
    bool ends = write->plan.parks || write->plan.unparks || write->plan.stores_answer;
    bool clings = step_draw(play, 6) == 0; /* a zombie */
    holder->last = *write;
    holder->has_last = true;
    if (result == WRITE_COMMITTED && write->plan.opens_payment && !holder->is_used) {
        *holder = (struct holder){
            .is_used = true, .payment = write->payment, .last = *write, .has_last = true};
        model_view(play->model, write->payment, 0, &holder->view);
    }
    if (result == WRITE_COMMITTED && !write->plan.opens_payment)
        take(holder, write);
    if (result == WRITE_COMMITTED && write->plan.posts_transfers &&
        write->plan.review == REVIEW_LATE_SUCCESS && write->parent == SCRIPT_NOBODY)
        play->late[write->payment] = write->plan.outcome_attempt_number;
    if (result == WRITE_ROLLED_BACK || (result == WRITE_COMMITTED && !ends))
        return; /* again, or on */
    holder->is_used = holder->is_used && clings;
}

void holder_resume(struct play *play, uint8_t writer, const struct script_claim *claim)
{
    struct holder *holder = &play->holders[writer][step_draw(play, HOLDER_MAX)];
    *holder = (struct holder){
        .is_used = true,
        .is_resumed = true,
        .payment = claim->payment,
        .attempt = claim->attempt,
        .epoch = claim->epoch,
        .was_canceled = claim->is_canceled,
        .is_recheck = claim->is_recheck,
    };
    model_view(play->model, claim->payment, claim->attempt, &holder->view);
}
