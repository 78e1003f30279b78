#include "payment/driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

/*
 *              limits of the payment             transfer         event of the payment
 *     open     sum into capture_open/refund_open pending          "payment.capture.processing"
 *     done     from there into captured/refunded posted           "payment.captured"
 *              (void: off authorized;            hold released
 *               reauthorization: as it was)
 *     not done given back                        voided           "payment.capture.failed"
 *     unknown  -                                 -                -
 *
 * A reauthorization reserves all that is held, so that nothing is captured or voided while nobody
 * knows which of two authorizations is in force, and none is begun while anything else is. Whatever is
 * begun names the authorization that it acts on (acts_on): read before another took its place, it is
 * refused by the commit that opens it.
 *
 * A late success reserves its sum when it is posted (driver_write.c), so that the merchant cannot use
 * what is to be given back: its reversal opens nothing, and ends the reserve when it is done. Of a late
 * authorization all of this is at limits of its own, and changes nothing at the payment's.
 *
 * A capture gets limits of its own when it is done, and what a refund changes at the payment it changes
 * at its capture too: no capture is ever refunded beyond its sum, however many choose it at once.
 *
 * All in the same commit as the operation's own rows. What is believed only after it was given back
 * (a recheck) is added without being taken from the open sum.
 */

enum {
    EVENT_DATA_MAX = 1024,
};

enum stage {
    STAGE_NONE = 0, /* nothing changes at the payment */
    STAGE_OPEN,
    STAGE_DONE,
    STAGE_NOT_DONE,
};

static bool is_given_back(const struct drive *drive)
{
    enum payment_status status = drive->committed.payment.status;
    return status == PAYMENT_FAILED || status == PAYMENT_DECLINED || status == PAYMENT_CANCELED;
}

static enum stage find_stage(const struct drive *drive, const struct orchestrate_write_plan *plan)
{
    if (plan->opens_payment)
        return STAGE_OPEN;
    if (plan->posts_transfers)
        return STAGE_DONE;
    bool is_over = plan->status == PAYMENT_FAILED || plan->status == PAYMENT_DECLINED ||
                   plan->status == PAYMENT_CANCELED;
    return is_over && !is_given_back(drive) ? STAGE_NOT_DONE : STAGE_NONE;
}

/* From now on it is held by another authorization, unless yet another has taken the place already. */
static void put_successor(const struct drive *drive, const struct orchestrate_write_plan *plan,
                          struct store_limits *limits)
{
    limits->hold_reference = drive->answer.reference;
    limits->hold_ends_us = plan->hold_ends_us;
    limits->acts_on = drive->target.parent_ref;
}

static void put_limits(const struct drive *drive, const struct orchestrate_write_plan *plan,
                       enum stage stage, struct store_limits *limits)
{
    const struct store_payment *row = &drive->committed.payment.row;
    int64_t sum = row->amount_minor;
    int64_t let_go = drive->target.let_go_minor; /* nothing else may have it meanwhile */
    *limits = (struct store_limits){
        .merchant_id = row->merchant_id,
        .payment_id = row->parent_id,
    };
    memcpy(limits->currency, row->currency, sizeof(limits->currency));
    int64_t *open =
        drive->operation == OPERATION_REFUND ? &limits->refund_open : &limits->capture_open;
    if (stage == STAGE_OPEN && drive->operation != OPERATION_REFUND)
        limits->acts_on = drive->target.acts_on;
    if (drive->target.is_reserved)
        *open = stage == STAGE_DONE ? -sum : 0; /* kept for the next try */
    else if (stage == STAGE_OPEN)
        *open = sum + let_go;
    else if (!is_given_back(drive))
        *open = -sum - let_go;
    if (stage != STAGE_DONE)
        return;
    bool may_let_go =
        drive->operation == OPERATION_CAPTURE || drive->operation == OPERATION_REAUTHORIZE;
    if (may_let_go && !is_given_back(drive))
        limits->authorized = -let_go;
    if (drive->operation == OPERATION_REAUTHORIZE)
        put_successor(drive, plan, limits);
    else if (drive->operation == OPERATION_CAPTURE)
        limits->captured = sum;
    else if (drive->operation == OPERATION_REFUND)
        limits->refunded = sum;
    else
        limits->authorized = -sum;
}

static void put_room(const struct drive *drive, enum stage stage, struct drive_operation_rows *rows)
{
    const struct store_payment *row = &drive->committed.payment.row;
    bool is_new = drive->operation == OPERATION_CAPTURE && stage == STAGE_DONE;
    bool is_used = drive->operation == OPERATION_REFUND && !uuid_is_zero(&drive->target.capture_id);
    rows->has_room = is_new || is_used || drive->target.is_late;
    rows->room = rows->limits;
    if (drive->target.is_late)
        drive_put_late(&drive->target.attempt_id, &rows->limits, &rows->room);
    if (is_used)
        rows->room.payment_id = drive->target.capture_id;
    if (!is_new)
        return;
    rows->room = (struct store_limits){
        .merchant_id = row->merchant_id,
        .payment_id = row->payment_id,
        .create = true,
        .authorized = row->amount_minor,
        .captured = row->amount_minor,
    };
    memcpy(rows->room.currency, row->currency, sizeof(rows->room.currency));
}

static const char *parent_event(enum operation operation, enum stage stage)
{
    static const struct {
        const char *open, *done, *not_done;
    } names[OPERATION_COUNT] = {
        [OPERATION_CAPTURE] = {"payment.capture.processing", "payment.captured",
                               "payment.capture.failed"},
        [OPERATION_VOID] = {"payment.void.processing", "payment.voided", "payment.void.failed"},
        [OPERATION_REFUND] = {"payment.refund.processing", "payment.refunded",
                              "payment.refund.failed"},
        [OPERATION_REAUTHORIZE] = {"payment.reauthorize.processing", "payment.reauthorized",
                                   "payment.reauthorize.failed"},
    };
    if (stage == STAGE_OPEN)
        return names[operation].open;
    return stage == STAGE_DONE ? names[operation].done : names[operation].not_done;
}

static struct str print_data(struct drive *drive, int64_t hold_ends_us)
{
    char id[ID_TEXT_SIZE];
    char until[CLOCK_TEXT_SIZE];
    struct buf text;
    struct json_out json;
    const struct store_payment *row = &drive->committed.payment.row;
    buf_init(&text, EVENT_DATA_MAX);
    json_out_init(&json, &text);
    json_begin_object(&json);
    json_put_str(&json, "operation", id_format(drive_id_kind(row), &row->payment_id, id));
    json_put_int(&json, "amount", row->amount_minor);
    json_put_bool(&json, "reversal", !uuid_is_zero(&drive->target.attempt_id));
    if (hold_ends_us > 0)
        json_put_str(&json, "until", clock_format_ms(hold_ends_us, until));
    json_end_object(&json);
    struct str data = arena_str(&drive->write_arena, buf_str(&text));
    buf_release(&text);
    return data;
}

static void put_parent(struct drive *drive, enum stage stage, int64_t hold_ends_us, int64_t now_us,
                       struct store_parent *parent)
{
    const struct store_payment *row = &drive->committed.payment.row;
    *parent = (struct store_parent){
        .merchant_id = row->merchant_id,
        .payment_id = row->parent_id,
        .event_id = uuid_new(),
        .type = str_of(parent_event(drive->operation, stage)),
        .data_json = print_data(drive, hold_ends_us),
        .created_us = now_us,
        .status = stage == STAGE_DONE ? drive->target.then : PAYMENT_PROCESSING,
    };
    const struct store_payment_view *view = &drive->planned.payment;
    if (view->attempt_count > 0)
        parent->attempt_id = view->attempts[view->attempt_count - 1].row.attempt_id;
}

/* Of the hold that it acts on. */
static int64_t taken_by(const struct drive *drive)
{
    int64_t let_go = is_given_back(drive) ? 0 : drive->target.let_go_minor;
    int64_t sum = drive->committed.payment.row.amount_minor;
    return drive->operation == OPERATION_REAUTHORIZE ? let_go : sum + let_go;
}

/* What is captured or given up is held no longer. */
static void put_hold(const struct drive *drive, const struct store_parent *parent,
                     int64_t taken_minor, struct store_hold *hold)
{
    *hold = (struct store_hold){
        .merchant_id = parent->merchant_id,
        .payment_id = parent->payment_id,
        .attempt_id = parent->attempt_id,
        .release_id = uuid_new(),
        .rest_id = uuid_new(),
        .taken_minor = taken_minor,
        .created_us = parent->created_us,
    };
    if (drive->target.is_late)
        hold->limits_id = drive->target.attempt_id;
    else
        hold->of_attempt = drive->target.attempt_id;
}

bool drive_is_reserved(const struct store_outcome *outcome)
{
    return !str_eq(outcome->reason, STR(DRIVE_TOLD));
}

void drive_operation_rows(struct drive *drive, const struct orchestrate_write_plan *plan,
                          int64_t now_us, struct drive_operation_rows *rows)
{
    enum stage stage = find_stage(drive, plan);
    *rows = (struct drive_operation_rows){.has_limits = stage != STAGE_NONE};
    if (stage == STAGE_NONE)
        return;
    put_limits(drive, plan, stage, &rows->limits);
    put_room(drive, stage, rows);
    put_parent(drive, stage, plan->hold_ends_us, now_us, &rows->parent);
    rows->has_hold = stage == STAGE_DONE && drive->operation != OPERATION_REFUND;
    if (rows->has_hold)
        put_hold(drive, &rows->parent, taken_by(drive), &rows->hold);
    /* A pending transfer that was voided stays so: what comes after it has one of its own. */
    rows->has_posting =
        drive->operation == OPERATION_CAPTURE || drive->operation == OPERATION_REFUND;
    rows->phase = stage == STAGE_OPEN   ? POSTING_OPEN
                  : stage == STAGE_DONE ? POSTING_CLOSE
                                        : POSTING_DROP;
    if (stage == STAGE_DONE && is_given_back(drive))
        rows->phase = POSTING_LATE;
}

static const struct store_late *find_late(const struct drive *drive)
{
    static const struct store_late none;
    const struct store_payment_view *view = &drive->committed.payment;
    for (size_t i = 0; i < view->attempt_count; i++) {
        if (view->attempts[i].row.number == drive->attempt_number)
            return &view->attempts[i].late;
    }
    return &none;
}

void drive_expiry_rows(struct drive *drive, int64_t now_us, struct drive_operation_rows *rows)
{
    const struct store_payment_view *view = &drive->committed.payment;
    const struct store_payment *row = &view->row;
    const struct store_late *late = find_late(drive);
    *rows = (struct drive_operation_rows){.has_limits = true, .has_hold = true};
    rows->limits = (struct store_limits){
        .merchant_id = row->merchant_id,
        .payment_id = row->payment_id,
        .authorized = view->captured - view->authorized,
    };
    memcpy(rows->limits.currency, row->currency, sizeof(rows->limits.currency));
    rows->limits.acts_on = drive->call.held_ref; /* it alone has ended */
    rows->parent = (struct store_parent){
        .merchant_id = row->merchant_id,
        .payment_id = row->payment_id,
        .event_id = uuid_new(),
        .attempt_id = drive->attempt_id,
        .type = STR("payment.authorization_expired"),
        .data_json = STR("{}"),
        .created_us = now_us,
    };
    put_hold(drive, &rows->parent, STORE_HOLD_ALL, &rows->hold);
    if (!late->exists)
        return;
    rows->limits.authorized = -late->held_minor;
    rows->has_room = true;
    drive_put_late(&drive->attempt_id, &rows->limits, &rows->room);
    rows->hold.limits_id = drive->attempt_id;
    rows->parent.status = PAYMENT_PROCESSING; /* it is no more and no less than before */
    rows->parent.data_json = STR("{\"late\":true}");
}
