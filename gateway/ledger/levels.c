#include "ledger/levels.h"

#include "base/clock.h"
#include "ledger/call.h"
#include "ledger/count.h"

/* Fees are booked with the approval; what is approved later than this is not looked for. */
#define DAY_US           (INT64_C(86400) * CLOCK_SECOND_US)
#define BOOKED_WITHIN_US (45 * DAY_US)

struct levels_call {
    struct call call;
    struct arena *arena;
    struct levels levels;
    levels_fn done;
    void *ctx;
};

static int64_t nullable(const PGresult *res, int row, int column)
{
    return column_is_null(res, row, column) ? -1 : column_int8(res, row, column);
}

static void take_rows(struct levels_call *read, const PGresult *res)
{
    struct levels *levels = &read->levels;
    levels->row_count = (size_t)PQntuples(res);
    levels->rows = ARENA_ARRAY(read->arena, struct level_row, levels->row_count);
    for (int row = 0; row < PQntuples(res); row++) {
        levels->rows[row] = (struct level_row){
            .merchant_id = column_uuid(res, row, 0),
            .account_id = column_uuid(res, row, 1),
            .provider = column_copy(res, row, 2, read->arena),
            .account =
                column_is_null(res, row, 3) ? STR_NONE : column_copy(res, row, 3, read->arena),
            .attempts = column_int8(res, row, 4),
            .approved = column_int8(res, row, 5),
            .declined = column_int8(res, row, 6),
            .failed = column_int8(res, row, 7),
            .unknown = column_int8(res, row, 8),
            .still_unknown = column_int8(res, row, 9),
            .minutes_asked = column_int8(res, row, 10),
            .minutes_answered = column_int8(res, row, 11),
            .p50_us = nullable(res, row, 12),
            .p95_us = nullable(res, row, 13),
            .p99_us = nullable(res, row, 14),
        };
    }
}

static void take_costs(struct levels_call *read, const PGresult *res)
{
    struct levels *levels = &read->levels;
    levels->cost_count = (size_t)PQntuples(res);
    levels->costs = ARENA_ARRAY(read->arena, struct level_cost, levels->cost_count);
    for (int row = 0; row < PQntuples(res); row++) {
        struct level_cost *cost = &levels->costs[row];
        *cost = (struct level_cost){
            .merchant_id = column_uuid(res, row, 0),
            .account_id = column_uuid(res, row, 1),
            .expected_minor = column_int8(res, row, 3),
        };
        (void)str_copy_to(column_text(res, row, 2), cost->currency, sizeof(cost->currency));
    }
}

static void take_fees(struct levels_call *read, const PGresult *res)
{
    struct levels *levels = &read->levels;
    for (int row = 0; row < PQntuples(res); row++) {
        struct uuid merchant_id = column_uuid(res, row, 0);
        struct uuid account_id = column_uuid(res, row, 1);
        for (size_t i = 0; i < levels->cost_count; i++) {
            struct level_cost *cost = &levels->costs[i];
            if (uuid_eq(&cost->account_id, &account_id) &&
                uuid_eq(&cost->merchant_id, &merchant_id) &&
                str_eq(str_of(cost->currency), column_text(res, row, 2)))
                cost->booked_minor = column_int8(res, row, 3);
        }
    }
}

static void levels_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct levels_call *read = LIST_OWNER(job, struct levels_call, call.request.job);
    if (sql == SQL_LEVELS)
        take_rows(read, res);
    else if (sql == SQL_LEVEL_COSTS)
        take_costs(read, res);
    else
        take_fees(read, res);
}

static void levels_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct levels_call *read = LIST_OWNER(job, struct levels_call, call.request.job);
    read->done(read->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &read->levels, &why->err);
    call_free(&read->call);
}

void levels_read(struct store *store, const struct uuid *merchant_id, int64_t from_us,
                 int64_t to_us, struct arena *arena, levels_fn done, void *ctx)
{
    CHECK(from_us % DAY_US == 0 && to_us % DAY_US == 0);
    struct levels_call *read =
        call_new(store, sizeof(*read), SQL_READER, levels_result, levels_end);
    struct uuid from = uuid_first(from_us);
    struct uuid to = uuid_first(to_us);
    struct uuid booked_by = uuid_first(to_us + BOOKED_WITHIN_US);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    if (uuid_is_zero(merchant_id))
        params_null(&read->call.params);
    else
        params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, &from);
    params_uuid(&read->call.params, &to);
    params_uuid(&read->call.params, &booked_by);
    call_add(&read->call, SQL_LEVELS);
    call_add(&read->call, SQL_LEVEL_COSTS);
    call_add(&read->call, SQL_LEVEL_FEES);
    call_submit(&read->call);
}

void levels_roll(struct store *store, int64_t now_us, unsigned checks, unsigned attempts_max,
                 store_count_fn done, void *ctx)
{
    CHECK(checks > 0 && attempts_max > 0);
    struct call *call = count_new(store, SQL_LEVEL_ROLL, done, ctx);
    params_time(&call->params, now_us);
    params_int8(&call->params, checks);
    params_int8(&call->params, attempts_max);
    call_submit(call);
}
