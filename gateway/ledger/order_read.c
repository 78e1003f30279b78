#include "ledger/order_rows.h"

#include "ledger/view.h"

enum {
    COLUMN_FIRST = 1, /* behind the id that was asked for */
    PAGE_MAX = STORE_LIST_MAX,
};

struct payouts_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    unsigned limit;
    bool has_more;
    bool is_one; /* by its id */
    struct payout_view *views;
    size_t count;
    struct order_error *errors; /* of a page of rows */
    size_t error_count;
    struct view payments;
    payout_view_fn done;
    void *ctx;
};

static struct payouts_read *read_of(struct pg_job *job)
{
    return LIST_OWNER(job, struct payouts_read, call.request.job);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void take_order(struct payouts_read *read, const PGresult *res, int row, struct order *order)
{
    struct arena *arena = read->arena;
    int at = COLUMN_FIRST;
    *order = (struct order){.merchant_id = read->merchant_id};
    order->order_id = column_uuid(res, row, at++);
    order->batch_id = column_uuid(res, row, at++);
    order->row_number = column_int4(res, row, at++);
    order->created_us = column_time(res, row, at++);
    order->livemode = column_bool(res, row, at++);
    order->amount_minor = column_int8(res, row, at++);
    order_currency(res, row, at++, order->currency);
    order->reference = column_copy(res, row, at++, arena);
    order->request_sealed = column_copy(res, row, at++, arena);
    order->approval_json = column_copy(res, row, at++, arena);
    order->created_by = column_uuid(res, row, at++);
    order->state = order_state_find(column_text(res, row, at++));
    order->next_us = column_time(res, row, at++);
    order->epoch = column_int8(res, row, at++);
    order->try_number = column_int4(res, row, at++);
    order->wait_count = column_int4(res, row, at++);
    order->payment_id = column_uuid(res, row, at++);
    order->reason = column_copy(res, row, at++, arena);
    order->detail = column_copy(res, row, at++, arena);
    order->begun_us = column_time(res, row, at++);
    order->done_us = column_time(res, row, at++);
    order->erased_us = column_is_null(res, row, at) ? 0 : column_time(res, row, at);
}

static void take_payouts(struct payouts_read *read, const PGresult *res)
{
    size_t count = (size_t)PQntuples(res);
    read->has_more = count > read->limit;
    read->count = read->has_more ? read->limit : count;
    read->views = ARENA_ARRAY(read->arena, struct payout_view, read->count);
    for (size_t i = 0; i < read->count; i++) {
        struct payout_view *view = &read->views[i];
        view->payout_id = column_uuid(res, (int)i, 0);
        view->has_order = !column_is_null(res, (int)i, COLUMN_FIRST);
        if (view->has_order)
            take_order(read, res, (int)i, &view->order);
    }
}

static void take_errors(struct payouts_read *read, const PGresult *res)
{
    read->error_count = (size_t)PQntuples(res);
    read->errors = ARENA_ARRAY(read->arena, struct order_error, read->error_count);
    for (size_t i = 0; i < read->error_count; i++) {
        read->errors[i] = (struct order_error){
            .row_number = column_int4(res, (int)i, 0),
            .reference = column_copy(res, (int)i, 1, read->arena),
            .code = column_copy(res, (int)i, 2, read->arena),
            .errors_json = column_copy(res, (int)i, 3, read->arena),
        };
    }
}

/* A row of a batch was approved with its batch. */
static bool is_about(const struct order_note *note, const struct payout_view *view)
{
    return view->has_order && (uuid_eq(&note->subject_id, &view->order.order_id) ||
                               uuid_eq(&note->subject_id, &view->order.batch_id));
}

static void take_notes(struct payouts_read *read, const PGresult *res)
{
    for (int row = 0; row < PQntuples(res); row++) {
        struct order_note note = order_take_note(res, row, read->arena);
        for (size_t i = 0; i < read->count; i++) {
            struct payout_view *view = &read->views[i];
            if (is_about(&note, view) && view->note_count < ARRAY_LEN(view->notes))
                view->notes[view->note_count++] = note;
        }
    }
}

static void payouts_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct payouts_read *read = read_of(job);
    switch ((unsigned)sql) {
    case SQL_ORDER_LOAD:
    case SQL_PAYOUT_LIST:
    case SQL_PAYOUT_LIST_REFERENCE:
    case SQL_PAYOUT_ROWS:
        take_payouts(read, res);
        return;
    case SQL_PAYOUT_ERRORS:
        take_errors(read, res);
        return;
    case SQL_ORDER_NOTES:
        take_notes(read, res);
        return;
    case SQL_LOAD_PAYMENT:
        view_take_payments(&read->payments, res, (size_t)PQntuples(res));
        return;
    case SQL_LOAD_ATTEMPTS:
        view_take_attempts(&read->payments, res);
        return;
    case SQL_LOAD_SENDS:
        view_take_sends(&read->payments, res);
        return;
    case SQL_LOAD_OUTCOMES:
        view_take_outcomes(&read->payments, res);
        return;
    default:
        CHECK(false);
    }
}

/* ---- the payments that they became ----------------------------------------------------------- */

static const struct uuid *payment_of(const struct payout_view *view)
{
    return view->has_order ? &view->order.payment_id : &view->payout_id;
}

static void join_payments(struct payouts_read *read)
{
    for (size_t i = 0; i < read->count; i++) {
        struct payout_view *view = &read->views[i];
        for (size_t n = 0; n < read->payments.count && view->payment == NULL; n++) {
            const struct store_payment_view *payment = &read->payments.payments[n];
            if (payment->row.is_payout && uuid_eq(&payment->row.payment_id, payment_of(view)))
                view->payment = payment;
        }
    }
}

/* Neither an order, nor a payout that never was one. */
static bool is_nothing(const struct payout_view *view)
{
    return !view->has_order && (view->payment == NULL || order_key_is(view->payment->row.key));
}

static int compare_rows(int32_t a, int32_t b)
{
    return a < b ? -1 : a > b;
}

/* Good and refused rows in one, by their numbers, as many as a page has. */
static void merge_errors(struct payouts_read *read)
{
    size_t total = read->count + read->error_count;
    size_t room = total < read->limit ? total : read->limit;
    struct payout_view *merged = ARENA_ARRAY(read->arena, struct payout_view, room);
    size_t at = 0;
    size_t error = 0;
    for (size_t i = 0; i < room; i++) {
        bool is_error = at == read->count || (error < read->error_count &&
                                              compare_rows(read->errors[error].row_number,
                                                           read->views[at].order.row_number) < 0);
        if (is_error)
            merged[i].error = &read->errors[error++];
        else
            merged[i] = read->views[at++];
    }
    read->has_more = read->has_more || total > room;
    read->views = merged;
    read->count = room;
}

static void finish(struct payouts_read *read, enum pg_end end, const struct pg_failure *why)
{
    enum store_find found = end == PG_DONE ? STORE_FOUND : STORE_FAILED;
    if (found == STORE_FOUND) {
        join_payments(read);
        if (read->is_one && (read->count == 0 || is_nothing(&read->views[0])))
            found = STORE_ABSENT;
        if (read->error_count > 0)
            merge_errors(read);
    }
    read->done(read->ctx, found, read->views, found == STORE_FOUND ? read->count : 0,
               read->has_more, &why->err);
    call_free(&read->call);
}

static void payments_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    finish(read_of(job), end, why);
}

static size_t add_id(struct uuid *ids, size_t count, const struct uuid *id)
{
    for (size_t i = 0; i < count; i++) {
        if (uuid_eq(&ids[i], id))
            return count;
    }
    ids[count] = *id;
    return count + 1;
}

/* Payments, orders and batches have ids of one kind: all that is needed is asked for by one list. */
static void ask_payments(struct payouts_read *read)
{
    struct uuid *ids = ARENA_ARRAY(read->arena, struct uuid, read->count * 3);
    size_t count = 0;
    for (size_t i = 0; i < read->count; i++) {
        const struct payout_view *view = &read->views[i];
        count = add_id(ids, count, payment_of(view));
        if (view->has_order)
            count = add_id(ids, count, &view->order.order_id);
        if (view->has_order && !uuid_is_zero(&view->order.batch_id))
            count = add_id(ids, count, &view->order.batch_id);
    }
    call_reset(&read->call, payouts_result, payments_end);
    struct params *params = &read->call.params;
    params_uuid(params, &read->merchant_id);
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params, &ids[i]);
    params_array_end(params);
    call_add(&read->call, SQL_LOAD_PAYMENT);
    call_add(&read->call, SQL_LOAD_ATTEMPTS);
    call_add(&read->call, SQL_LOAD_SENDS);
    call_add(&read->call, SQL_LOAD_OUTCOMES);
    call_add(&read->call, SQL_ORDER_NOTES);
    call_submit(&read->call);
}

static void payouts_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct payouts_read *read = read_of(job);
    if (end != PG_DONE || read->count == 0)
        finish(read, end, why);
    else
        ask_payments(read);
}

static struct payouts_read *read_new(struct store *store, const struct uuid *merchant_id,
                                     unsigned limit, struct arena *arena, payout_view_fn done,
                                     void *ctx)
{
    struct payouts_read *read =
        call_new(store, sizeof(*read), SQL_READER, payouts_result, payouts_end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->limit = limit < 1 ? 1 : limit > PAGE_MAX ? PAGE_MAX : limit;
    read->payments.arena = arena;
    read->payments.merchant_id = *merchant_id;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    return read;
}

/* ---- the public functions -------------------------------------------------------------------- */

void payout_load(struct store *store, const struct uuid *merchant_id, const struct uuid *payout_id,
                 struct arena *arena, payout_view_fn done, void *ctx)
{
    struct payouts_read *read = read_new(store, merchant_id, 1, arena, done, ctx);
    read->is_one = true;
    params_uuid(&read->call.params, payout_id);
    call_add(&read->call, SQL_ORDER_LOAD);
    call_submit(&read->call);
}

void payout_list(struct store *store, const struct payout_filter *filter, struct arena *arena,
                 payout_view_fn done, void *ctx)
{
    struct payouts_read *read =
        read_new(store, &filter->merchant_id, filter->limit, arena, done, ctx);
    struct params *params = &read->call.params;
    order_put_page(params, filter);
    order_put_nullable(params, filter->provider);
    params_int8(params, (int64_t)read->limit + 1);
    if (filter->reference.len > 0)
        params_text(params, filter->reference);
    call_add(&read->call, filter->reference.len > 0 ? SQL_PAYOUT_LIST_REFERENCE : SQL_PAYOUT_LIST);
    call_submit(&read->call);
}

void payout_rows(struct store *store, const struct uuid *merchant_id, const struct uuid *batch_id,
                 int32_t row_number, struct str status, unsigned limit, struct arena *arena,
                 payout_view_fn done, void *ctx)
{
    struct payouts_read *read = read_new(store, merchant_id, limit, arena, done, ctx);
    struct params *params = &read->call.params;
    params_uuid(params, batch_id);
    params_int4(params, row_number);
    params_int8(params, (int64_t)read->limit + 1);
    order_put_nullable(params, status);
    call_add(&read->call, SQL_PAYOUT_ROWS);
    call_add(&read->call, SQL_PAYOUT_ERRORS);
    call_submit(&read->call);
}
