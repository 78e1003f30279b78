#include "ledger/order_rows.h"

enum {
    PAGE_MAX = STORE_LIST_MAX,
};

struct batches_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    unsigned limit;
    bool has_more;
    struct batch_view *views;
    size_t count;
    batch_view_fn done;
    void *ctx;
};

static void take_batches(struct batches_read *read, const PGresult *res)
{
    struct arena *arena = read->arena;
    size_t count = (size_t)PQntuples(res);
    read->has_more = count > read->limit;
    read->count = read->has_more ? read->limit : count;
    read->views = ARENA_ARRAY(arena, struct batch_view, read->count);
    for (size_t i = 0; i < read->count; i++) {
        read->views[i].batch = (struct order_batch){
            .merchant_id = read->merchant_id,
            .batch_id = column_uuid(res, (int)i, 0),
            .created_us = column_time(res, (int)i, 1),
            .livemode = column_bool(res, (int)i, 2),
            .reference = column_copy(res, (int)i, 3, arena),
            .row_count = column_int4(res, (int)i, 4),
            .invalid_count = column_int4(res, (int)i, 5),
            .totals_json = column_copy(res, (int)i, 6, arena),
            .approval_json = column_copy(res, (int)i, 7, arena),
            .state = order_state_find(column_text(res, (int)i, 8)),
            .created_by = column_uuid(res, (int)i, 9),
            .is_done = column_bool(res, (int)i, 10),
        };
    }
}

static void take_batch_notes(struct batches_read *read, const PGresult *res)
{
    for (int row = 0; row < PQntuples(res); row++) {
        struct order_note note = order_take_note(res, row, read->arena);
        for (size_t i = 0; i < read->count; i++) {
            struct batch_view *view = &read->views[i];
            if (uuid_eq(&note.subject_id, &view->batch.batch_id) &&
                view->note_count < ARRAY_LEN(view->notes))
                view->notes[view->note_count++] = note;
        }
    }
}

static struct batch_count *take_counts(struct batches_read *read, const PGresult *res,
                                       size_t *count)
{
    *count = (size_t)PQntuples(res);
    struct batch_count *counts = ARENA_ARRAY(read->arena, struct batch_count, *count);
    for (size_t i = 0; i < *count; i++) {
        counts[i].status = column_copy(res, (int)i, 0, read->arena);
        counts[i].reason = column_copy(res, (int)i, 1, read->arena);
        order_currency(res, (int)i, 2, counts[i].currency);
        counts[i].count = column_int8(res, (int)i, 3);
        counts[i].amount_minor = column_int8(res, (int)i, 4);
    }
    return counts;
}

static struct batch_count *take_invalid(struct batches_read *read, const PGresult *res,
                                        size_t *count)
{
    *count = (size_t)PQntuples(res);
    struct batch_count *counts = ARENA_ARRAY(read->arena, struct batch_count, *count);
    for (size_t i = 0; i < *count; i++) {
        counts[i].status = STR("invalid");
        counts[i].reason = column_copy(res, (int)i, 0, read->arena);
        counts[i].count = column_int8(res, (int)i, 1);
    }
    return counts;
}

static void batches_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct batches_read *read = LIST_OWNER(job, struct batches_read, call.request.job);
    switch ((unsigned)sql) {
    case SQL_BATCH_LOAD:
    case SQL_BATCH_LIST:
        take_batches(read, res);
        return;
    case SQL_BATCH_NOTES:
    case SQL_ORDER_NOTES:
        take_batch_notes(read, res);
        return;
    case SQL_BATCH_COUNTS:
        if (read->count == 1)
            read->views[0].counts = take_counts(read, res, &read->views[0].count_count);
        return;
    case SQL_BATCH_INVALID:
        if (read->count == 1)
            read->views[0].invalid = take_invalid(read, res, &read->views[0].invalid_count);
        return;
    default:
        CHECK(false);
    }
}

static void batches_finish(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct batches_read *read = LIST_OWNER(job, struct batches_read, call.request.job);
    read->done(read->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, read->views,
               end == PG_DONE ? read->count : 0, read->has_more, &why->err);
    call_free(&read->call);
}

static void batches_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct batches_read *read = LIST_OWNER(job, struct batches_read, call.request.job);
    if (end != PG_DONE || read->count == 0) {
        batches_finish(job, end, why);
        return;
    }
    call_reset(&read->call, batches_result, batches_finish);
    struct params *params = &read->call.params;
    params_uuid(params, &read->merchant_id);
    params_array_begin(params, VALUE_UUID, read->count);
    for (size_t i = 0; i < read->count; i++)
        params_put_uuid(params, &read->views[i].batch.batch_id);
    params_array_end(params);
    call_add(&read->call, SQL_ORDER_NOTES);
    call_submit(&read->call);
}

static struct batches_read *batches_new(struct store *store, const struct uuid *merchant_id,
                                        enum sql_kind kind, pg_end_fn end, struct arena *arena,
                                        batch_view_fn done, void *ctx)
{
    struct batches_read *read = call_new(store, sizeof(*read), kind, batches_result, end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->limit = 1;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    return read;
}

void batch_load(struct store *store, const struct uuid *merchant_id, const struct uuid *batch_id,
                struct arena *arena, batch_view_fn done, void *ctx)
{
    struct batches_read *read =
        batches_new(store, merchant_id, SQL_BULK, batches_finish, arena, done, ctx);
    params_uuid(&read->call.params, batch_id);
    call_add(&read->call, SQL_BATCH_LOAD);
    call_add(&read->call, SQL_BATCH_NOTES);
    call_add(&read->call, SQL_BATCH_COUNTS);
    call_add(&read->call, SQL_BATCH_INVALID);
    call_submit(&read->call);
}

void batch_list(struct store *store, const struct payout_filter *filter, struct arena *arena,
                batch_view_fn done, void *ctx)
{
    struct batches_read *read =
        batches_new(store, &filter->merchant_id, SQL_READER, batches_end, arena, done, ctx);
    struct params *params = &read->call.params;
    read->limit = filter->limit < 1 ? 1 : filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
    order_put_page(params, filter);
    order_put_nullable(params, filter->reference);
    params_int8(params, (int64_t)read->limit + 1);
    call_add(&read->call, SQL_BATCH_LIST);
    call_submit(&read->call);
}
