#include "ledger/measures.h"

#include "base/clock.h"
#include "ledger/call.h"
#include "ledger/count.h"

#define HOUR_US (INT64_C(3600) * CLOCK_SECOND_US)

struct measures_call {
    struct call call;
    struct arena *arena;
    struct measures measures;
    measures_fn done;
    void *ctx;
};

static int64_t nullable(const PGresult *res, int row, int column)
{
    return column_is_null(res, row, column) ? -1 : column_int8(res, row, column);
}

static void take_rows(struct measures_call *read, const PGresult *res)
{
    struct measures *measures = &read->measures;
    measures->row_count = (size_t)PQntuples(res);
    measures->rows = ARENA_ARRAY(read->arena, struct measure_row, measures->row_count);
    for (int row = 0; row < PQntuples(res); row++) {
        struct measure_row *out = &measures->rows[row];
        *out = (struct measure_row){
            .is_step = str_eq(column_text(res, row, 0), STR("step")),
            .name = column_copy(res, row, 1, read->arena),
            .begun = column_int8(res, row, 2),
            .ended = column_int8(res, row, 3),
            .completed = column_int8(res, row, 4),
            .declined = column_int8(res, row, 5),
            .failed = column_int8(res, row, 6),
            .canceled = column_int8(res, row, 7),
            .errors = column_int8(res, row, 8),
            .rate_per_million = nullable(res, row, 9),
        };
        for (int time = 0; time < MEASURE_TIME_COUNT; time++) {
            out->times[time].p50_us = nullable(res, row, 10 + time * 3);
            out->times[time].p95_us = nullable(res, row, 11 + time * 3);
            out->times[time].p99_us = nullable(res, row, 12 + time * 3);
        }
    }
}

static void take_stuck(struct measures_call *read, const PGresult *res)
{
    struct measures *measures = &read->measures;
    measures->stuck_count = (size_t)PQntuples(res);
    measures->stuck = ARENA_ARRAY(read->arena, struct measure_stuck, measures->stuck_count);
    for (int row = 0; row < PQntuples(res); row++) {
        measures->stuck[row] = (struct measure_stuck){
            .merchant_id = column_uuid(res, row, 0),
            .payment_id = column_uuid(res, row, 1),
            .attempt_id = column_uuid(res, row, 2),
            .place = column_copy(res, row, 3, read->arena),
            .since_us = column_time(res, row, 4),
            .provider = column_copy(res, row, 5, read->arena),
            .kind = column_copy(res, row, 6, read->arena),
            .reason = column_copy(res, row, 7, read->arena),
        };
    }
}

static void measures_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct measures_call *read = LIST_OWNER(job, struct measures_call, call.request.job);
    if (sql == SQL_PROCESS_MEASURES)
        take_rows(read, res);
    else
        take_stuck(read, res);
}

static void measures_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct measures_call *read = LIST_OWNER(job, struct measures_call, call.request.job);
    read->done(read->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &read->measures, &why->err);
    call_free(&read->call);
}

void measures_read(struct store *store, const struct uuid *merchant_id, int64_t from_us,
                   int64_t to_us, int64_t now_us, struct arena *arena, measures_fn done, void *ctx)
{
    CHECK(from_us % HOUR_US == 0 && to_us % HOUR_US == 0);
    struct measures_call *read =
        call_new(store, sizeof(*read), SQL_READER, measures_result, measures_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    if (uuid_is_zero(merchant_id))
        params_null(&read->call.params);
    else
        params_uuid(&read->call.params, merchant_id);
    params_time(&read->call.params, from_us);
    params_time(&read->call.params, to_us);
    params_time(&read->call.params, now_us);
    params_int8(&read->call.params, MEASURE_STUCK_MAX);
    call_add(&read->call, SQL_PROCESS_MEASURES);
    call_add(&read->call, SQL_PROCESS_STUCK);
    call_submit(&read->call);
}

void measures_roll(struct store *store, int64_t now_us, unsigned most, store_count_fn done,
                   void *ctx)
{
    CHECK(most > 0);
    struct call *call = count_new(store, SQL_PROCESS_ROLL, done, ctx);
    params_time(&call->params, now_us);
    params_int8(&call->params, most);
    call_submit(call);
}
