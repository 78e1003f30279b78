#include "ledger/minutes.h"

#include "ledger/call.h"
#include "ledger/count.h"

static void put_states(struct params *params, const struct minute_row *rows, size_t count)
{
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++) {
        params_put_bytes(params, rows[i].state);
    }
    params_array_end(params);
    params_array_begin(params, VALUE_BOOL, count);
    for (size_t i = 0; i < count; i++) {
        params_put_bool(params, rows[i].slow);
    }
    params_array_end(params);
}

void minutes_put(struct store *store, const struct uuid *host_id, int64_t start_us,
                 const struct minute_row *rows, size_t count, store_count_fn done, void *ctx)
{
    static const size_t numbers[] = {
        offsetof(struct minute_row, approved), offsetof(struct minute_row, declined),
        offsetof(struct minute_row, failed),   offsetof(struct minute_row, unknown),
        offsetof(struct minute_row, p50_us),   offsetof(struct minute_row, p95_us),
        offsetof(struct minute_row, p99_us),
    };
    CHECK(count <= MINUTES_ROW_MAX);
    struct call *call = count_new(store, SQL_MINUTE_PUT, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, host_id);
    params_time(params, start_us);
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++) {
        params_put_uuid(params, &rows[i].account_id);
    }
    params_array_end(params);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        params_int8_column(params, rows, sizeof(*rows), numbers[i], count);
    }
    put_states(params, rows, count);
    call_submit(call);
}

void minutes_sweep(struct store *store, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_MINUTE_SWEEP, done, ctx);
    params_int8(&call->params, MINUTES_KEPT_DAYS);
    call_submit(call);
}

struct minutes_call {
    struct call call;
    struct arena *arena;
    struct minutes_point *points; /* in the arena */
    size_t count;
    minutes_fn done;
    void *ctx;
};

static void read_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct minutes_call *read = LIST_OWNER(job, struct minutes_call, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->points = ARENA_ARRAY(read->arena, struct minutes_point, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->points[row] = (struct minutes_point){
            .start_us = column_time(res, row, 0),
            .approved = column_int8(res, row, 1),
            .declined = column_int8(res, row, 2),
            .failed = column_int8(res, row, 3),
            .unknown = column_int8(res, row, 4),
            .p50_us = column_int8(res, row, 5),
            .p95_us = column_int8(res, row, 6),
            .p99_us = column_int8(res, row, 7),
            .open_minutes = column_int8(res, row, 8),
            .slow_minutes = column_int8(res, row, 9),
        };
    }
}

static void read_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct minutes_call *read = LIST_OWNER(job, struct minutes_call, call.request.job);
    bool is_done = end == PG_DONE;
    read->done(read->ctx, is_done ? STORE_FOUND : STORE_FAILED, read->points,
               is_done ? read->count : 0, &why->err);
    call_free(&read->call);
}

void minutes_read(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *account_id, int64_t from_us, int64_t to_us, int64_t step_us,
                  struct arena *arena, minutes_fn done, void *ctx)
{
    struct minutes_call *read = call_new(store, sizeof(*read), SQL_READER, read_result, read_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, account_id);
    params_time(&read->call.params, from_us);
    params_time(&read->call.params, to_us);
    params_int8(&read->call.params, step_us);
    params_int8(&read->call.params, MINUTES_POINT_MAX);
    call_add(&read->call, SQL_MINUTE_READ);
    call_submit(&read->call);
}
