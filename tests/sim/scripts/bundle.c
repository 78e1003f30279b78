#include "bundle.h"

#include <stdio.h>
#include <string.h>

/* ---- ids ---- */

static struct uuid make_id(uint8_t kind, uint32_t slot, uint8_t number)
{
    struct uuid id = {{0x01, 0x9d, 0, 0, 0, 0, 0x70, 0, 0x80, kind}};
    id.byte[10] = (uint8_t)(slot >> 24);
    id.byte[11] = (uint8_t)(slot >> 16);
    id.byte[12] = (uint8_t)(slot >> 8);
    id.byte[13] = (uint8_t)slot;
    id.byte[14] = number;
    return id;
}

struct uuid bundle_merchant(uint32_t run, uint8_t merchant)
{
    return make_id(ID_MERCHANT, run, (uint8_t)(merchant + 1));
}

struct uuid bundle_payment(uint32_t payment)
{
    return make_id(ID_PAYMENT, payment, 0);
}

struct uuid bundle_attempt(uint32_t payment, unsigned number)
{
    return make_id(ID_ATTEMPT, payment, (uint8_t)number);
}

uint32_t bundle_slot(const struct uuid *id)
{
    return (uint32_t)id->byte[10] << 24 | (uint32_t)id->byte[11] << 16 |
           (uint32_t)id->byte[12] << 8 | id->byte[13];
}

uint8_t bundle_attempt_index(const struct uuid *attempt_id)
{
    return (uint8_t)(attempt_id->byte[14] - 1);
}

/* ---- rows ---- */

struct making {
    const struct script_write *write;
    struct script_bundle *rows;
    struct uuid merchant_id, payment_id, account_id;
    int64_t now_us;
};

static uint8_t outcome_attempt(const struct script_write *write)
{
    return write->plan.has_outcome ? write->plan.outcome_attempt_number : write->attempt_number;
}

static void put_payment(const struct making *m)
{
    const struct script_write *write = m->write;
    struct script_bundle *rows = m->rows;
    (void)snprintf(rows->key, sizeof(rows->key), "key-%u-%u", write->local, write->key);
    (void)snprintf(rows->reference, sizeof(rows->reference), "ref-%u", write->local);
    rows->payment = (struct store_payment){
        .merchant_id = m->merchant_id,
        .payment_id = m->payment_id,
        .is_payout = write->operation == OPERATION_PAYOUT,
        .operation = operation_is_follow_up(write->operation) ? write->operation : OPERATION_NONE,
        .created_us = m->now_us,
        .amount_minor = write->amount,
        .currency = "EUR",
        .capture_automatic = write->operation == OPERATION_SALE,
        .livemode = true,
        .reference = write->has_reference ? str_of(rows->reference) : STR_NONE,
        .try_number = write->try_number,
        .method_type = STR("card"),
        .country = STR("DE"),
        .customer_json = STR("{}"),
        .metadata_json = STR("{}"),
        .routing_json = STR("{}"),
        .key = str_of(rows->key),
    };
    if (write->parent != SCRIPT_NOBODY)
        rows->payment.parent_id = bundle_payment(write->parent);
    rows->txn.payment = &rows->payment;
}

static void put_attempt(const struct making *m)
{
    const struct script_write *write = m->write;
    m->rows->attempt = (struct store_attempt){
        .merchant_id = m->merchant_id,
        .payment_id = m->payment_id,
        .attempt_id = bundle_attempt(write->payment, write->attempt_number),
        .number = write->attempt_number,
        .operation = write->operation,
        .account_id = m->account_id,
        .provider = str_of(m->rows->provider),
        .amount_minor = write->amount,
        .currency = "EUR",
        .expected_fee_minor = write->amount % 7,
        .created_us = m->now_us,
    };
    m->rows->txn.attempt = &m->rows->attempt;
}

static void put_send(const struct making *m)
{
    const struct script_write *write = m->write;
    m->rows->send = (struct store_send){
        .merchant_id = m->merchant_id,
        .attempt_id = bundle_attempt(write->payment, write->attempt_number),
        .number = write->send_number,
        .step = STR("charge"),
        .moves_money = write->moves_money,
        .adapter_version = STR("script/1"),
        .key_valid_until_us = m->now_us + 1,
        .not_after_us = m->now_us + 1,
        .created_us = m->now_us,
    };
    m->rows->txn.send = &m->rows->send;
}

static void put_outcome(const struct making *m)
{
    const struct orchestrate_write_plan *plan = &m->write->plan;
    m->rows->outcome = (struct store_outcome){
        .merchant_id = m->merchant_id,
        .attempt_id = bundle_attempt(m->write->payment, plan->outcome_attempt_number),
        .number = plan->outcome_number,
        .send_number = plan->outcome_send_number,
        .outcome = plan->outcome,
        .left = plan->left,
        .facts_json = STR("{}"),
        .fee_minor = -1,
        .created_us = m->now_us,
    };
    m->rows->txn.outcome = &m->rows->outcome;
}

static void post(const struct making *m, enum posting_phase phase)
{
    const struct script_write *write = m->write;
    struct posting posting = {
        .phase = phase,
        .merchant_id = m->merchant_id,
        .payment_id =
            write->parent != SCRIPT_NOBODY ? bundle_payment(write->parent) : m->payment_id,
        .attempt_id = bundle_attempt(write->payment, outcome_attempt(write)),
        .account_id = m->account_id,
        .provider = str_of(m->rows->provider),
        .operation = write->operation,
        .amount_minor = write->amount,
        .currency = "EUR",
        .fee_minor = write->amount % 7,
        .created_us = m->now_us,
    };
    posting_make(&posting, &m->rows->posted);
    m->rows->txn.transfers = m->rows->posted.transfers;
    m->rows->txn.transfer_count = m->rows->posted.count;
}

/* driver_hold.c, drive_put_late. */
static void put_late(const struct making *m, struct uuid attempt_id)
{
    struct store_limits *limits = &m->rows->limits;
    m->rows->room = *limits;
    m->rows->room.payment_id = attempt_id;
    m->rows->txn.room = &m->rows->room;
    limits->authorized = limits->captured = limits->capture_open = 0;
    limits->hold_id = (struct uuid){{0}};
}

/* driver_write.c, add_transfers. */
static void put_transfers(const struct making *m)
{
    const struct script_write *write = m->write;
    int64_t amount = write->amount;
    int64_t captured = write->operation == OPERATION_SALE ? amount : 0;
    post(m, write->plan.review == REVIEW_LATE_SUCCESS ? POSTING_LATE : POSTING_WHOLE);
    if (write->operation == OPERATION_PAYOUT)
        return;
    m->rows->limits = (struct store_limits){
        .merchant_id = m->merchant_id,
        .payment_id = m->payment_id,
        .create = true,
        .currency = "EUR",
        .authorized = amount,
        .captured = captured,
    };
    if (write->operation == OPERATION_AUTHORIZE)
        m->rows->limits.hold_id = bundle_attempt(write->payment, outcome_attempt(write));
    if (write->plan.review == REVIEW_LATE_SUCCESS) {
        m->rows->limits.refund_open = captured;
        m->rows->limits.capture_open = amount - captured;
    }
    m->rows->txn.limits = &m->rows->limits;
    if (write->plan.review == REVIEW_LATE_SUCCESS && write->plan.status == PAYMENT_NONE &&
        write->operation == OPERATION_AUTHORIZE)
        put_late(m, bundle_attempt(write->payment, outcome_attempt(write)));
}

/* driver_operation.c: the stages, and what changes at the payment. */
enum stage { STAGE_NONE = 0, STAGE_OPEN, STAGE_DONE, STAGE_NOT_DONE };

static enum stage find_stage(const struct script_write *write)
{
    const struct orchestrate_write_plan *plan = &write->plan;
    if (plan->opens_payment)
        return STAGE_OPEN;
    if (plan->posts_transfers)
        return STAGE_DONE;
    bool is_over = plan->status == PAYMENT_FAILED || plan->status == PAYMENT_DECLINED ||
                   plan->status == PAYMENT_CANCELED;
    return is_over && !write->was_given_back ? STAGE_NOT_DONE : STAGE_NONE;
}

static void put_limits(const struct making *m, enum stage stage)
{
    const struct script_write *write = m->write;
    struct store_limits *limits = &m->rows->limits;
    int64_t sum = write->amount;
    *limits = (struct store_limits){
        .merchant_id = m->merchant_id,
        .payment_id = bundle_payment(write->parent),
        .currency = "EUR",
    };
    int64_t *open =
        write->operation == OPERATION_REFUND ? &limits->refund_open : &limits->capture_open;
    if (write->reversal_of > 0)
        *open = stage == STAGE_DONE ? -sum : 0;
    else if (stage == STAGE_OPEN)
        *open = sum;
    else if (!write->was_given_back)
        *open = -sum;
    m->rows->txn.limits = limits;
    if (stage != STAGE_DONE)
        return;
    if (write->operation == OPERATION_CAPTURE)
        limits->captured = sum;
    else if (write->operation == OPERATION_REFUND)
        limits->refunded = sum;
    else
        limits->authorized = -sum;
}

/* driver_operation.c, put_room. */
static void put_room(const struct making *m, enum stage stage)
{
    const struct script_write *write = m->write;
    bool is_new = write->operation == OPERATION_CAPTURE && stage == STAGE_DONE;
    bool is_used = write->operation == OPERATION_REFUND && write->capture != SCRIPT_NOBODY;
    m->rows->room = m->rows->limits;
    if (is_used)
        m->rows->room.payment_id = bundle_payment(write->capture);
    if (is_new)
        m->rows->room = (struct store_limits){
            .merchant_id = m->merchant_id,
            .payment_id = m->payment_id,
            .create = true,
            .currency = "EUR",
            .authorized = write->amount,
            .captured = write->amount,
        };
    if (is_new || is_used)
        m->rows->txn.room = &m->rows->room;
    if (write->of_late)
        put_late(m, bundle_attempt(write->parent, write->reversal_of));
}

static void put_hold(const struct making *m, int64_t taken_minor)
{
    m->rows->hold = (struct store_hold){
        .merchant_id = m->merchant_id,
        .payment_id = m->rows->parent.payment_id,
        .attempt_id = m->rows->parent.attempt_id,
        .release_id = uuid_new(),
        .rest_id = uuid_new(),
        .taken_minor = taken_minor,
        .created_us = m->now_us,
    };
    if (m->write->of_late)
        m->rows->hold.limits_id = m->rows->room.payment_id;
    else if (m->write->reversal_of > 0)
        m->rows->hold.of_attempt = bundle_attempt(m->write->parent, m->write->reversal_of);
    m->rows->txn.hold = &m->rows->hold;
}

static void put_operation(const struct making *m)
{
    const struct script_write *write = m->write;
    enum stage stage = find_stage(write);
    if (stage == STAGE_NONE)
        return;
    put_limits(m, stage);
    put_room(m, stage);
    m->rows->parent = (struct store_parent){
        .merchant_id = m->merchant_id,
        .payment_id = bundle_payment(write->parent),
        .event_id = uuid_new(),
        .attempt_id = bundle_attempt(write->payment, outcome_attempt(write)),
        .type = STR("payment.operation"),
        .data_json = STR("{}"),
        .created_us = m->now_us,
        .status = stage == STAGE_DONE ? write->then : PAYMENT_PROCESSING,
    };
    m->rows->txn.parent = &m->rows->parent;
    if (stage == STAGE_DONE && write->operation != OPERATION_REFUND)
        put_hold(m, write->amount);
    if (write->operation == OPERATION_VOID)
        return;
    if (stage == STAGE_DONE)
        post(m, write->was_given_back ? POSTING_LATE : POSTING_CLOSE);
    else
        post(m, stage == STAGE_OPEN ? POSTING_OPEN : POSTING_DROP);
}

/* driver_operation.c, drive_expiry_rows. */
static void put_expiry(const struct making *m)
{
    m->rows->limits = (struct store_limits){
        .merchant_id = m->merchant_id,
        .payment_id = m->payment_id,
        .currency = "EUR",
        .authorized = m->write->hold_change,
    };
    m->rows->txn.limits = &m->rows->limits;
    m->rows->parent = (struct store_parent){
        .merchant_id = m->merchant_id,
        .payment_id = m->payment_id,
        .event_id = uuid_new(),
        .attempt_id = bundle_attempt(m->write->payment, m->write->attempt_number),
        .type = STR("payment.authorization_expired"),
        .data_json = STR("{}"),
        .created_us = m->now_us,
    };
    m->rows->txn.parent = &m->rows->parent;
    if (m->write->of_late) {
        put_late(m, bundle_attempt(m->write->payment, m->write->attempt_number));
        m->rows->parent.status = PAYMENT_PROCESSING;
    }
    put_hold(m, STORE_HOLD_ALL);
}

static void put_review(const struct making *m)
{
    const struct script_write *write = m->write;
    bool is_late = write->plan.review == REVIEW_LATE_SUCCESS;
    bool can_reverse =
        write->operation == OPERATION_SALE || write->operation == OPERATION_AUTHORIZE;
    m->rows->review = (struct store_review){
        .merchant_id = m->merchant_id,
        .review_id = uuid_new(),
        .payment_id = m->payment_id,
        .attempt_id = bundle_attempt(write->payment, outcome_attempt(write)),
        .account_id = m->account_id,
        .kind = write->plan.review,
        .state = is_late && can_reverse ? REVIEW_REVERSING : REVIEW_OPEN,
        .operation = write->operation,
        .provider = str_of(m->rows->provider),
        .amount_minor = write->amount,
        .currency = "EUR",
        .answered_minor = -1,
        .created_us = m->now_us,
    };
    m->rows->txn.review = &m->rows->review;
}

static void put_event(const struct making *m)
{
    const struct script_write *write = m->write;
    m->rows->event = (struct store_event){
        .merchant_id = m->merchant_id,
        .event_id = uuid_new(),
        .payment_id = m->payment_id,
        .number = write->event_number,
        .type = STR("payment.script"),
        .status = write->plan.status != PAYMENT_NONE ? write->plan.status : write->status,
        .data_json = STR("{}"),
        .created_us = m->now_us,
    };
    m->rows->txn.events = &m->rows->event;
    m->rows->txn.event_count = 1;
}

static void put_queue(const struct making *m)
{
    const struct script_write *write = m->write;
    struct uuid attempt_id = bundle_attempt(write->payment, outcome_attempt(write));
    if (write->plan.parks) {
        m->rows->park = (struct store_park){
            .merchant_id = m->merchant_id,
            .attempt_id = attempt_id,
            .payment_id = m->payment_id,
            .account_id = m->account_id,
            .provider = str_of(m->rows->provider),
            .is_canceled = write->was_canceled,
            .unless_canceled = write->plan.opens_send,
            .next_us = m->now_us - write->now_us + write->plan.park_next_us,
            .tries = write->plan.park_tries,
            .epoch = write->epoch,
            .reason = write->plan.rechecks ? STR(STORE_RECHECK) : STR("script"),
        };
        m->rows->txn.park = &m->rows->park;
    } else if (write->plan.unparks) {
        m->rows->unpark = (struct store_unpark){
            .merchant_id = m->merchant_id, .attempt_id = attempt_id, .epoch = write->epoch};
        m->rows->txn.unpark = &m->rows->unpark;
    }
}

void bundle_make(const struct script_write *write, uint32_t run, int64_t base_us,
                 struct script_bundle *rows)
{
    const struct orchestrate_write_plan *plan = &write->plan;
    struct making m = {
        .write = write,
        .rows = rows,
        .merchant_id = bundle_merchant(run, write->merchant),
        .payment_id = bundle_payment(write->payment),
        .account_id = make_id(ID_ACCOUNT, write->provider, 0),
        .now_us = base_us + write->now_us,
    };
    *rows = (struct script_bundle){.txn = {.name = "script"}};
    (void)snprintf(rows->provider, sizeof(rows->provider), "provider_%u", write->provider);
    if (plan->opens_payment)
        put_payment(&m);
    if (plan->has_outcome)
        put_outcome(&m);
    if (plan->opens_attempt)
        put_attempt(&m);
    if (plan->opens_send)
        put_send(&m);
    if (plan->ends_hold)
        put_expiry(&m);
    else if (operation_is_follow_up(write->operation))
        put_operation(&m);
    else if (plan->posts_transfers)
        put_transfers(&m);
    if (plan->review != REVIEW_NONE)
        put_review(&m);
    if (plan->has_event && !plan->is_news)
        put_event(&m);
    put_queue(&m);
    if (plan->stores_answer) {
        rows->answer = (struct store_final){
            .merchant_id = m.merchant_id,
            .payment_id = m.payment_id,
            .status = 201,
            .body = STR("{}"),
            .created_us = m.now_us,
        };
        rows->txn.answer = &rows->answer;
    }
}
