/* Holds written and read. */
#include "ledger/call.h"
#include "ledger/change.h"
#include "ledger/holds.h"

/* ---- writing ---- */

static void put_time(struct params *params, int64_t wall_us)
{
    if (wall_us == 0)
        params_null(params);
    else
        params_time(params, wall_us);
}

void holds_add(struct store *store, const struct uuid *merchant_id, const struct uuid *account_id,
               const struct hold *hold, bool replaces, directory_done_fn done, void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_HOLD_ADD, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_uuid(params, account_id);
    params_uuid(params, &hold->hold_id);
    params_text(params, str_of(hold_kind_name(hold->kind)));
    params_time(params, hold->from_us);
    put_time(params, hold->until_us);
    params_bool(params, hold->weekly);
    params_text(params, hold->reason);
    params_text(params, hold->author);
    params_time(params, hold->created_us);
    params_bool(params, replaces);
    call_submit(call);
}

void holds_end(struct store *store, const struct uuid *merchant_id, const struct uuid *account_id,
               const struct uuid *hold_id, struct str by, int64_t now_us, directory_done_fn done,
               void *ctx)
{
    struct call *call;
    struct params *params = change_new(store, SQL_HOLD_END, done, ctx, &call);
    params_uuid(params, merchant_id);
    params_uuid(params, account_id);
    if (hold_id == NULL)
        params_null(params);
    else
        params_uuid(params, hold_id);
    params_time(params, now_us);
    params_text(params, by);
    call_submit(call);
}

/* ---- reading ---- */

struct holds_read {
    struct call call;
    struct arena *arena;
    struct hold *holds; /* in the arena */
    size_t count;
    holds_list_fn done;
    void *ctx;
};

static void list_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct holds_read *read = LIST_OWNER(job, struct holds_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->holds = ARENA_ARRAY(read->arena, struct hold, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->holds[row] = (struct hold){
            .hold_id = column_uuid(res, row, 0),
            .kind = hold_kind_find(column_text(res, row, 1)),
            .from_us = column_time(res, row, 2),
            .until_us = column_time(res, row, 3),
            .weekly = column_bool(res, row, 4),
            .author = column_copy(res, row, 5, read->arena),
            .reason = column_copy(res, row, 6, read->arena),
            .created_us = column_time(res, row, 7),
            .ended_us = column_time(res, row, 8),
            .ended_by = column_copy(res, row, 9, read->arena),
        };
    }
}

static void list_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct holds_read *read = LIST_OWNER(job, struct holds_read, call.request.job);
    bool is_done = end == PG_DONE;
    read->done(read->ctx, is_done ? STORE_FOUND : STORE_FAILED, read->holds,
               is_done ? read->count : 0, &why->err);
    call_free(&read->call);
}

void holds_list(struct store *store, const struct uuid *merchant_id, const struct uuid *account_id,
                struct arena *arena, holds_list_fn done, void *ctx)
{
    struct holds_read *read = call_new(store, sizeof(*read), SQL_READER, list_result, list_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, account_id);
    params_int8(&read->call.params, HOLD_LIST_MAX);
    call_add(&read->call, SQL_HOLD_LIST);
    call_submit(&read->call);
}
