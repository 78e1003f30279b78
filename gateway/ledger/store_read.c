#include "ledger/store.h"

#include <string.h>

#include "base/clock.h"
#include "ledger/call.h"
#include "ledger/view.h"

/* A payment's id carries its time; the two may differ by what clocks of several hosts do. */
#define CLOCK_SLACK_MS INT64_C(3600000)

/* ---- payments -------------------------------------------------------------------------------- */

struct payments_read {
    struct call call;
    struct view view;
    unsigned limit;       /* 0: one payment */
    enum store_kind kind; /* of the one */
    bool has_more;
    struct uuid payment_id;        /* found by its reference */
    store_payment_fn payment_done; /* of one */
    store_list_fn list_done;       /* of a list */
    void *ctx;
};

static struct payments_read *read_of(struct pg_job *job)
{
    return LIST_OWNER(job, struct payments_read, call.request.job);
}

static void rows_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct payments_read *read = read_of(job);
    switch ((unsigned)sql) {
    case SQL_LOAD_PAYMENT:
        view_take_payments(&read->view, res, 1);
        return;
    case SQL_LIST:
    case SQL_LIST_OPEN:
    case SQL_LIST_PAYOUTS:
    case SQL_LIST_REFERENCE:
    case SQL_LIST_OPERATIONS:
        view_take_payments(&read->view, res, read->limit);
        read->has_more = (unsigned)PQntuples(res) > read->limit;
        return;
    case SQL_LOAD_ATTEMPTS:
        view_take_attempts(&read->view, res);
        return;
    case SQL_LOAD_SENDS:
        view_take_sends(&read->view, res);
        return;
    case SQL_LOAD_OUTCOMES:
        view_take_outcomes(&read->view, res);
        return;
    case SQL_FIND_REFERENCE:
        if (PQntuples(res) == 1)
            read->payment_id = column_uuid(res, 0, 0);
        return;
    default:
        CHECK(false);
    }
}

static bool is_of_kind(const struct payments_read *read)
{
    return read->kind == STORE_ANY || read->kind == store_kind_of(&read->view.payments[0].row);
}

static void finish(struct payments_read *read, enum pg_end end, const struct pg_failure *why)
{
    const struct view *view = &read->view;
    enum store_find found = end == PG_DONE ? STORE_FOUND : STORE_FAILED;
    if (read->limit > 0) {
        read->list_done(read->ctx, found, view->payments, found == STORE_FOUND ? view->count : 0,
                        read->has_more, &why->err);
    } else {
        if (found == STORE_FOUND && (view->count == 0 || !is_of_kind(read)))
            found = STORE_ABSENT;
        read->payment_done(read->ctx, found, found == STORE_FOUND ? view->payments : NULL,
                           &why->err);
    }
    call_free(&read->call);
}

static void rows_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    finish(read_of(job), end, why);
}

static void ask_parts(struct payments_read *read)
{
    call_add(&read->call, SQL_LOAD_ATTEMPTS);
    call_add(&read->call, SQL_LOAD_SENDS);
    call_add(&read->call, SQL_LOAD_OUTCOMES);
}

/* One snapshot: the payment and its parts are asked for under one Sync. */
static void ask_one(struct payments_read *read, const struct uuid *payment_id)
{
    struct params *params = &read->call.params;
    params_uuid(params, &read->view.merchant_id);
    params_array_begin(params, VALUE_UUID, 1);
    params_put_uuid(params, payment_id);
    params_array_end(params);
    call_add(&read->call, SQL_LOAD_PAYMENT);
    ask_parts(read);
    call_submit(&read->call);
}

static struct payments_read *read_new(struct store *store, const struct uuid *merchant_id,
                                      struct arena *arena, pg_end_fn end, void *ctx)
{
    struct payments_read *read = call_new(store, sizeof(*read), SQL_READER, rows_result, end);
    read->view.arena = arena;
    read->view.merchant_id = *merchant_id;
    read->ctx = ctx;
    return read;
}

void store_load_payment(struct store *store, const struct uuid *merchant_id,
                        const struct uuid *payment_id, enum store_kind kind, struct arena *arena,
                        store_payment_fn done, void *ctx)
{
    struct payments_read *read = read_new(store, merchant_id, arena, rows_end, ctx);
    read->payment_done = done;
    read->kind = kind;
    ask_one(read, payment_id);
}

static void reference_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct payments_read *read = read_of(job);
    if (end != PG_DONE || uuid_is_zero(&read->payment_id)) {
        finish(read, end, why);
        return;
    }
    call_reset(&read->call, rows_result, rows_end);
    ask_one(read, &read->payment_id);
}

void store_load_reference(struct store *store, const struct uuid *merchant_id, enum store_kind kind,
                          struct str reference, struct arena *arena, store_payment_fn done,
                          void *ctx)
{
    struct payments_read *read = read_new(store, merchant_id, arena, reference_end, ctx);
    read->payment_done = done;
    params_uuid(&read->call.params, merchant_id);
    params_text(&read->call.params, store_kind_name(kind));
    params_text(&read->call.params, reference);
    call_add(&read->call, SQL_FIND_REFERENCE);
    call_submit(&read->call);
}

static void list_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct payments_read *read = read_of(job);
    if (end != PG_DONE || read->view.count == 0) {
        finish(read, end, why);
        return;
    }
    call_reset(&read->call, rows_result, rows_end);
    struct params *params = &read->call.params;
    params_uuid(params, &read->view.merchant_id);
    params_array_begin(params, VALUE_UUID, read->view.count);
    for (size_t i = 0; i < read->view.count; i++)
        params_put_uuid(params, &read->view.payments[i].row.payment_id);
    params_array_end(params);
    ask_parts(read);
    call_submit(&read->call);
}

/* The smallest id that a payment of this millisecond can have. */
static struct uuid id_bound(int64_t ms)
{
    struct uuid id = {{0}};
    for (unsigned i = 0; i < 6 && ms > 0; i++)
        id.byte[i] = (uint8_t)((uint64_t)ms >> (40 - 8 * i));
    return id;
}

static void put_filter(struct params *params, const struct store_filter *filter, unsigned limit)
{
    struct uuid below;
    memset(below.byte, 0xff, sizeof(below.byte));
    if (filter->to_us > 0)
        below = id_bound(filter->to_us / CLOCK_MS_US + CLOCK_SLACK_MS);
    if (!uuid_is_zero(&filter->after) && uuid_compare(&filter->after, &below) < 0)
        below = filter->after;
    struct uuid least = {{0}};
    if (filter->from_us > 0)
        least = id_bound(filter->from_us / CLOCK_MS_US - CLOCK_SLACK_MS);
    params_uuid(params, &filter->merchant_id);
    params_uuid(params, &below);
    params_uuid(params, &least);
    params_time(params, filter->from_us);
    params_time(params, filter->to_us > 0 ? filter->to_us : INT64_C(1) << 60);
    if (filter->status == PAYMENT_NONE)
        params_null(params);
    else
        params_text(params, str_of(payment_status_name(filter->status)));
    if (str_is_empty(filter->provider))
        params_null(params);
    else
        params_text(params, filter->provider);
    params_int8(params, (int64_t)limit + 1);
}

static enum sql list_of(const struct store_filter *filter)
{
    if (filter->kind == STORE_PAYOUTS)
        return SQL_LIST_PAYOUTS;
    bool is_open = filter->status == PAYMENT_PROCESSING ||
                   filter->status == PAYMENT_REQUIRES_ACTION || filter->status == PAYMENT_REVIEW;
    return is_open ? SQL_LIST_OPEN : SQL_LIST;
}

void store_list_payments(struct store *store, const struct store_filter *filter,
                         struct arena *arena, store_list_fn done, void *ctx)
{
    struct payments_read *read = read_new(store, &filter->merchant_id, arena, list_end, ctx);
    read->list_done = done;
    read->limit = filter->limit < 1 ? 1 : filter->limit;
    if (read->limit > STORE_LIST_MAX)
        read->limit = STORE_LIST_MAX;
    put_filter(&read->call.params, filter, read->limit);
    if (str_is_empty(filter->reference)) {
        call_add(&read->call, list_of(filter));
    } else {
        params_text(&read->call.params, store_kind_name(filter->kind));
        params_text(&read->call.params, filter->reference);
        call_add(&read->call, SQL_LIST_REFERENCE);
    }
    call_submit(&read->call);
}

void store_list_operations(struct store *store, const struct uuid *merchant_id,
                           const struct uuid *payment_id, enum store_kind kind, bool has_metadata,
                           struct arena *arena, store_list_fn done, void *ctx)
{
    struct payments_read *read = read_new(store, merchant_id, arena, list_end, ctx);
    struct params *params = &read->call.params;
    read->list_done = done;
    read->limit = STORE_OPERATION_MAX;
    params_uuid(params, merchant_id);
    params_uuid(params, payment_id);
    if (kind == STORE_ANY)
        params_null(params);
    else
        params_text(params, store_kind_name(kind));
    params_int8(params, (int64_t)read->limit + 1);
    params_bool(params, has_metadata);
    call_add(&read->call, SQL_LIST_OPERATIONS);
    call_submit(&read->call);
}

/* ---- idempotency keys ------------------------------------------------------------------------ */

struct key_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    struct str key; /* in the arena */
    store_key_fn done;
    void *ctx;
    bool is_found;
    struct store_key_view view;
};

static void key_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct key_read *read = LIST_OWNER(job, struct key_read, call.request.job);
    if (PQntuples(res) != 1)
        return;
    struct store_key_view *view = &read->view;
    read->is_found = true;
    view->payment_id = column_uuid(res, 0, 0);
    column_digest(res, 0, 1, view->fingerprint);
    view->writer_id = column_uuid(res, 0, 2);
    view->created_us = column_time(res, 0, 3);
    view->has_answer = !column_is_null(res, 0, 4);
    if (!view->has_answer)
        return;
    view->answer = (struct store_answer){
        .merchant_id = read->merchant_id,
        .key = read->key,
        .status = column_int4(res, 0, 4),
        .content_type = column_copy(res, 0, 5, read->arena),
        .location = column_copy(res, 0, 6, read->arena),
        .body = column_copy(res, 0, 7, read->arena),
        .created_us = column_time(res, 0, 8),
    };
}

static void key_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct key_read *read = LIST_OWNER(job, struct key_read, call.request.job);
    enum store_find found = read->is_found ? STORE_FOUND : STORE_ABSENT;
    if (end != PG_DONE)
        found = STORE_FAILED;
    read->done(read->ctx, found, found == STORE_FOUND ? &read->view : NULL, &why->err);
    call_free(&read->call);
}

void store_load_key(struct store *store, const struct uuid *merchant_id, struct str key,
                    struct arena *arena, store_key_fn done, void *ctx)
{
    struct key_read *read = call_new(store, sizeof(*read), SQL_READER, key_result, key_end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->key = arena_str(arena, key);
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    params_text(&read->call.params, key);
    call_add(&read->call, SQL_LOAD_KEY);
    call_submit(&read->call);
}
