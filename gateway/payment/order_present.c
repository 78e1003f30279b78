#include "payment/order_present.h"

#include "base/clock.h"
#include "base/json.h"
#include "payment/driver.h"
#include "payment/order_request.h"

enum {
    MEMBERS_BYTES_MAX = 65536,
};

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0)
        json_put_str(json, key, text);
    else
        json_put_null(json, key);
}

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    json_put_str(json, key, clock_format_ms(wall_us, text));
}

static void put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    if (uuid_is_zero(id))
        json_put_null(json, key);
    else
        json_put_str(json, key, id_format(kind, id, text));
}

/* ---- status ---------------------------------------------------------------------------------- */

/* While it is in hand, a failure may yet be followed by another try. */
static struct str status_of_payment(const struct payout_view *payout)
{
    bool may_go_on = payout->has_order && payout->order.state != ORDER_BEGUN &&
                     payout->payment->status == PAYMENT_FAILED;
    return may_go_on ? STR("processing") : str_of(payment_status_name(payout->payment->status));
}

struct str order_status(const struct payout_view *payout)
{
    if (!payout->has_order)
        return status_of_payment(payout);
    switch (payout->order.state) {
    case ORDER_REQUIRES_APPROVAL:
    case ORDER_FAILED:
    case ORDER_CANCELED:
    case ORDER_REJECTED:
        return str_of(order_state_name(payout->order.state));
    case ORDER_QUEUED:
    case ORDER_RUNNING:
    case ORDER_BEGUN:
    case ORDER_NONE:
    case ORDER_STATE_COUNT:
        break;
    }
    if (payout->payment != NULL)
        return status_of_payment(payout);
    return payout->order.state == ORDER_QUEUED ? STR("scheduled") : STR("processing");
}

bool order_is_final(const struct payout_view *payout)
{
    struct str status = order_status(payout);
    return str_eq(status, STR("rejected")) || payment_status_is_final(payment_status_find(status));
}

/* ---- one payout ------------------------------------------------------------------------------ */

static void print_notes(const struct order_note *notes, size_t count, struct json_out *json)
{
    json_key(json, "decisions");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_put_str(json, "decision", notes[i].decision);
        put_id(json, "key", ID_KEY, &notes[i].key_id);
        json_put_str(json, "role", notes[i].role);
        put_time(json, "at", notes[i].created_us);
        json_end_object(json);
    }
    json_end_array(json);
}

/* What was exceeded, who asked, who decided. */
static void print_approval(struct str exceeded_json, const struct uuid *created_by,
                           struct json_out *json)
{
    if (exceeded_json.len <= 2) {
        json_put_null(json, "approval");
    } else {
        json_key(json, "approval");
        json_begin_object(json);
        json_put_raw(json, "exceeds", exceeded_json);
        put_id(json, "requested_by", ID_KEY, created_by);
        json_end_object(json);
    }
}

/* Why it still waits, and until when at least; what exists is asked after, and does not wait. */
static void print_waiting(const struct payout_view *payout, struct json_out *json)
{
    const struct order *order = &payout->order;
    if (order->state != ORDER_QUEUED || order->reason.len == 0 || payout->payment != NULL) {
        json_put_null(json, "waiting");
        return;
    }
    json_key(json, "waiting");
    json_begin_object(json);
    json_put_str(json, "reason", order->reason);
    put_text(json, "detail", order->detail);
    put_time(json, "until", order->next_us);
    json_end_object(json);
}

static struct str print_members(const struct payout_view *payout, struct arena *arena)
{
    struct buf text;
    struct json_out json;
    const struct order *order = &payout->order;
    buf_init(&text, MEMBERS_BYTES_MAX);
    json_out_init(&json, &text);
    json.need_comma = true;
    put_id(&json, "batch", ID_BATCH, &order->batch_id);
    if (order->row_number > 0)
        json_put_int(&json, "row", order->row_number);
    else
        json_put_null(&json, "row");
    json_put_int(&json, "tries", order->try_number);
    print_waiting(payout, &json);
    print_approval(order->approval_json, &order->created_by, &json);
    print_notes(payout->notes, payout->note_count, &json);
    struct str members = arena_str(arena, buf_str(&text));
    buf_release(&text);
    return members;
}

/* As a payout of the ledger would be, had it begun; what cannot be read any more is left out. */
static struct store_payment_view view_of_order(const struct order *order, const uint8_t *seal_key,
                                               struct arena *arena)
{
    struct store_payment_view view = {.status = PAYMENT_PROCESSING};
    struct error ignored;
    view.row = (struct store_payment){
        .merchant_id = order->merchant_id,
        .payment_id = order->order_id,
        .is_payout = true,
        .created_us = order->created_us,
        .amount_minor = order->amount_minor,
        .livemode = order->livemode,
        .reference = order->reference,
        .customer_json = STR("{}"),
        .metadata_json = STR("{}"),
        .erased_us = order->erased_us,
    };
    (void)str_copy_to(str_of(order->currency), view.row.currency, sizeof(view.row.currency));
    json_t *body = order_request_open(seal_key, &order->merchant_id, &order->order_id,
                                      order->request_sealed, &ignored);
    if (body != NULL) {
        struct order_request *request = ARENA_NEW(arena, struct order_request);
        order_request_read(body, arena, request);
        view.row.customer_json = drive_show_beneficiary(&request->beneficiary, arena);
        view.row.metadata_json = request->request.metadata_json;
        json_decref(body);
    }
    return view;
}

void order_present(const struct payout_view *payout, const uint8_t *seal_key, struct arena *arena,
                   struct buf *out)
{
    const struct order *order = &payout->order;
    if (!payout->has_order) {
        present_payment(payout->payment, out);
        return;
    }
    struct present_frame frame = {
        .payout_id = order->order_id,
        .status = order_status(payout),
        .members = print_members(payout, arena),
    };
    if (order->state == ORDER_FAILED) {
        frame.failure_reason = order->reason;
        frame.failure_detail = order->detail;
    }
    struct store_payment_view view =
        payout->payment != NULL ? *payout->payment : view_of_order(order, seal_key, arena);
    view.row.created_us = order->created_us;
    present_payout(&view, &frame, out);
}

void order_present_row(const struct payout_view *payout, const uint8_t *seal_key,
                       struct arena *arena, struct buf *out)
{
    struct json_out json;
    struct buf inner;
    const struct order_error *error = payout->error;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "payout_batch_row");
    json_put_int(&json, "row", error != NULL ? error->row_number : payout->order.row_number);
    put_text(&json, "reference", error != NULL ? error->reference : payout->order.reference);
    json_put_str(&json, "status", error != NULL ? STR("invalid") : order_status(payout));
    if (error != NULL) {
        json_put_null(&json, "payout");
        json_put_raw(&json, "errors", error->errors_json);
    } else {
        buf_init(&inner, PRESENT_BYTES_MAX);
        order_present(payout, seal_key, arena, &inner);
        json_put_raw(&json, "payout", buf_str(&inner));
        json_put_null(&json, "errors");
        buf_release(&inner);
    }
    json_end_object(&json);
}

/* ---- batches --------------------------------------------------------------------------------- */

enum { /* where a row's money is */
       PLACE_OPEN = 0,
       PLACE_PAID,
       PLACE_UNPAID,
       PLACE_COUNT,
};

static int place_of(struct str status)
{
    static const char *const unpaid[] = {"declined", "failed", "returned", "canceled", "rejected"};
    if (str_eq(status, STR("succeeded")))
        return PLACE_PAID;
    for (size_t i = 0; i < ARRAY_LEN(unpaid); i++) {
        if (str_eq(status, str_of(unpaid[i])))
            return PLACE_UNPAID;
    }
    return PLACE_OPEN;
}

static bool is_done(const struct batch_view *batch)
{
    if (batch->counts == NULL)
        return batch->batch.is_done;
    for (size_t i = 0; i < batch->count_count; i++) {
        if (place_of(batch->counts[i].status) == PLACE_OPEN)
            return false;
    }
    return true;
}

struct str order_batch_status(const struct batch_view *batch)
{
    if (batch->batch.state == ORDER_QUEUED)
        return is_done(batch) ? STR("completed") : STR("processing");
    return str_of(order_state_name(batch->batch.state));
}

/* Counts come sorted by status, then reason, then currency. */
static void print_counts(const struct batch_view *batch, struct json_out *json)
{
    json_key(json, "counts");
    json_begin_object(json);
    json_put_int(json, "invalid", batch->batch.invalid_count);
    for (size_t i = 0; i < batch->count_count;) {
        struct str status = batch->counts[i].status;
        int64_t count = 0;
        for (; i < batch->count_count && str_eq(batch->counts[i].status, status); i++)
            count += batch->counts[i].count;
        json_key_str(json, status);
        json_int(json, count);
    }
    json_end_object(json);
}

static void print_reasons_of(const struct batch_count *counts, size_t count, struct json_out *json)
{
    for (size_t i = 0; i < count;) {
        struct str reason = counts[i].reason;
        int64_t sum = 0;
        for (; i < count && str_eq(counts[i].reason, reason); i++)
            sum += counts[i].count;
        if (reason.len > 0) {
            json_key_str(json, reason);
            json_int(json, sum);
        }
    }
}

static bool has_reason(const struct batch_count *counts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (counts[i].reason.len > 0)
            return true;
    }
    return false;
}

/* {"failed": {"no_route": 3}, "invalid": {"missing_member": 12}} */
static void print_reasons(const struct batch_view *batch, struct json_out *json)
{
    json_key(json, "reasons");
    json_begin_object(json);
    if (batch->invalid_count > 0) {
        json_key(json, "invalid");
        json_begin_object(json);
        print_reasons_of(batch->invalid, batch->invalid_count, json);
        json_end_object(json);
    }
    for (size_t i = 0; i < batch->count_count;) {
        const struct batch_count *first = &batch->counts[i];
        size_t count = 0;
        while (i < batch->count_count && str_eq(batch->counts[i].status, first->status)) {
            i++;
            count++;
        }
        if (has_reason(first, count)) {
            json_key_str(json, first->status);
            json_begin_object(json);
            print_reasons_of(first, count, json);
            json_end_object(json);
        }
    }
    json_end_object(json);
}

static void print_total(const struct batch_view *batch, const char *currency, struct json_out *json)
{
    static const char *const names[PLACE_COUNT][2] = {
        [PLACE_OPEN] = {"open_rows", "open_amount"},
        [PLACE_PAID] = {"paid_rows", "paid_amount"},
        [PLACE_UNPAID] = {"unpaid_rows", "unpaid_amount"},
    };
    int64_t rows[PLACE_COUNT] = {0};
    int64_t amounts[PLACE_COUNT] = {0};
    for (size_t i = 0; i < batch->count_count; i++) {
        const struct batch_count *count = &batch->counts[i];
        if (str_eq(str_of(count->currency), str_of(currency))) {
            rows[place_of(count->status)] += count->count;
            amounts[place_of(count->status)] += count->amount_minor;
        }
    }
    json_begin_object(json);
    json_put_cstr(json, "currency", currency);
    json_put_int(json, "rows", rows[0] + rows[1] + rows[2]);
    json_put_int(json, "amount", amounts[0] + amounts[1] + amounts[2]);
    for (int place = 0; place < PLACE_COUNT; place++) {
        json_put_int(json, names[place][0], rows[place]);
        json_put_int(json, names[place][1], amounts[place]);
    }
    json_end_object(json);
}

static bool is_first_of_currency(const struct batch_view *batch, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_eq(str_of(batch->counts[i].currency), str_of(batch->counts[index].currency)))
            return false;
    }
    return true;
}

static void print_totals(const struct batch_view *batch, struct json_out *json)
{
    json_key(json, "totals");
    json_begin_array(json);
    for (size_t i = 0; i < batch->count_count; i++) {
        if (is_first_of_currency(batch, i))
            print_total(batch, batch->counts[i].currency, json);
    }
    json_end_array(json);
}

void order_present_batch(const struct batch_view *view, struct buf *out)
{
    struct json_out json;
    const struct order_batch *batch = &view->batch;
    json_out_init(&json, out);
    json_begin_object(&json);
    put_id(&json, "id", ID_BATCH, &batch->batch_id);
    json_put_cstr(&json, "object", "payout_batch");
    json_put_str(&json, "status", order_batch_status(view));
    put_text(&json, "reference", batch->reference);
    json_put_int(&json, "rows", batch->row_count);
    json_put_int(&json, "valid", batch->row_count - batch->invalid_count);
    json_put_int(&json, "invalid", batch->invalid_count);
    if (view->counts != NULL) {
        print_counts(view, &json);
        print_reasons(view, &json);
        print_totals(view, &json);
    } else { /* of a list: as it was asked for */
        json_put_null(&json, "counts");
        json_put_null(&json, "reasons");
        json_put_raw(&json, "totals", batch->totals_json);
    }
    print_approval(batch->approval_json, &batch->created_by, &json);
    print_notes(view->notes, view->note_count, &json);
    put_time(&json, "created", batch->created_us);
    json_put_bool(&json, "livemode", batch->livemode);
    json_end_object(&json);
}
