#include "ledger/earned.h"

#include "base/clock.h"
#include "ledger/call.h"

struct earned_call {
    struct call call;
    struct arena *arena;
    struct earned earned;
    earned_fn done;
    void *ctx;
};

static void earned_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct earned_call *read = LIST_OWNER(job, struct earned_call, call.request.job);
    struct earned *earned = &read->earned;
    CHECK(sql == SQL_EARNED);
    earned->count = (size_t)PQntuples(res);
    earned->rows = ARENA_ARRAY(read->arena, struct earned_row, earned->count);
    for (int row = 0; row < PQntuples(res); row++) {
        struct earned_row *out = &earned->rows[row];
        *out = (struct earned_row){
            .merchant_id = column_uuid(res, row, 0),
            .payments = column_int8(res, row, 2),
            .approved_at_once = column_int8(res, row, 3),
            .recovered = column_int8(res, row, 4),
            .recovered_minor = column_int8(res, row, 5),
            .recovered_fee_minor = column_int8(res, row, 6),
            .compared = column_int8(res, row, 7),
            .below_dearest_minor = column_int8(res, row, 8),
            .below_average_minor = column_int8(res, row, 9),
            .above_cheapest_minor = column_int8(res, row, 10),
        };
        (void)str_copy_to(column_text(res, row, 1), out->currency, sizeof(out->currency));
    }
}

static void earned_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct earned_call *read = LIST_OWNER(job, struct earned_call, call.request.job);
    read->done(read->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &read->earned, &why->err);
    call_free(&read->call);
}

void earned_read(struct store *store, const struct uuid *merchant_id, int64_t from_us,
                 int64_t to_us, struct arena *arena, earned_fn done, void *ctx)
{
    struct earned_call *read =
        call_new(store, sizeof(*read), SQL_READER, earned_result, earned_end);
    struct uuid from = uuid_first(from_us);
    struct uuid to = uuid_first(to_us);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    if (uuid_is_zero(merchant_id))
        params_null(&read->call.params);
    else
        params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, &from);
    params_uuid(&read->call.params, &to);
    params_uuid(&read->call.params, &to); /* as the service levels have it: sql_health.c */
    call_add(&read->call, SQL_EARNED);
    call_submit(&read->call);
}
