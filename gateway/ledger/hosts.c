#include "ledger/hosts.h"

#include "ledger/call.h"
#include "ledger/count.h"

static void put_texts(struct params *params, const struct host_row *rows, size_t count,
                      bool is_state)
{
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, is_state ? rows[i].state : rows[i].why);
    params_array_end(params);
}

void hosts_put(struct store *store, const struct uuid *host_id, const struct host_row *rows,
               size_t count, store_count_fn done, void *ctx)
{
    CHECK(count <= HOSTS_ROW_MAX);
    struct call *call = count_new(store, SQL_HOST_PUT, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, host_id);
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params, &rows[i].account_id);
    params_array_end(params);
    put_texts(params, rows, count, true);
    params_array_begin(params, VALUE_BOOL, count);
    for (size_t i = 0; i < count; i++)
        params_put_bool(params, rows[i].slow);
    params_array_end(params);
    put_texts(params, rows, count, false);
    params_int8_column(params, rows, sizeof(*rows), offsetof(struct host_row, calls), count);
    params_int8_column(params, rows, sizeof(*rows), offsetof(struct host_row, failures), count);
    params_int8_column(params, rows, sizeof(*rows), offsetof(struct host_row, p95_us), count);
    call_submit(call);
}

void hosts_sweep(struct store *store, store_count_fn done, void *ctx)
{
    call_submit(count_new(store, SQL_HOST_SWEEP, done, ctx));
}

struct hosts_read {
    struct call call;
    struct arena *arena;
    struct host_row *rows; /* in the arena */
    size_t count;
    hosts_fn done;
    void *ctx;
};

static void list_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct hosts_read *read = LIST_OWNER(job, struct hosts_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->rows = ARENA_ARRAY(read->arena, struct host_row, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->rows[row] = (struct host_row){
            .account_id = column_uuid(res, row, 0),
            .host_id = column_uuid(res, row, 1),
            .state = column_copy(res, row, 2, read->arena),
            .slow = column_bool(res, row, 3),
            .why = column_copy(res, row, 4, read->arena),
            .age_us = column_int8(res, row, 5),
        };
    }
}

static void list_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct hosts_read *read = LIST_OWNER(job, struct hosts_read, call.request.job);
    bool is_done = end == PG_DONE;
    read->done(read->ctx, is_done ? STORE_FOUND : STORE_FAILED, read->rows,
               is_done ? read->count : 0, &why->err);
    call_free(&read->call);
}

void hosts_list(struct store *store, const struct uuid *host_id, int64_t within_us,
                struct arena *arena, hosts_fn done, void *ctx)
{
    struct hosts_read *read = call_new(store, sizeof(*read), SQL_READER, list_result, list_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, host_id);
    params_int8(&read->call.params, within_us);
    call_add(&read->call, SQL_HOST_LIST);
    call_submit(&read->call);
}
