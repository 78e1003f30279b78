/* Reversals: claimed by lease, put back, given up. */
#include "ledger/review.h"

#include "base/clock.h"
#include "ledger/call.h"
#include "ledger/count.h"

struct claiming {
    struct call call;
    struct arena *arena;
    review_claim_fn done;
    void *ctx;
    struct review_claim *claims; /* in the arena */
    size_t count;
};

static void claim_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct claiming *claiming = LIST_OWNER(job, struct claiming, call.request.job);
    claiming->count = (size_t)PQntuples(res);
    claiming->claims = ARENA_ARRAY(claiming->arena, struct review_claim, claiming->count);
    for (int row = 0; row < PQntuples(res); row++) {
        claiming->claims[row] = (struct review_claim){
            .merchant_id = column_uuid(res, row, 0),
            .review_id = column_uuid(res, row, 1),
            .payment_id = column_uuid(res, row, 2),
            .attempt_id = column_uuid(res, row, 3),
            .operation = operation_find(column_text(res, row, 4)),
            .amount_minor = column_int8(res, row, 5),
            .epoch = column_int8(res, row, 6),
            .tries = column_int4(res, row, 7),
            .waits = column_int4(res, row, 8),
            .opened_us = column_time(res, row, 9),
        };
    }
}

static void claim_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct claiming *claiming = LIST_OWNER(job, struct claiming, call.request.job);
    if (end == PG_DONE)
        claiming->done(claiming->ctx, STORE_FOUND, claiming->claims, claiming->count, &why->err);
    else
        claiming->done(claiming->ctx, STORE_FAILED, NULL, 0, &why->err);
    call_free(&claiming->call);
}

void review_claim_start(struct store *store, unsigned limit, int64_t now_us, int64_t lease_ms,
                        struct arena *arena, review_claim_fn done, void *ctx)
{
    struct claiming *claiming =
        call_new(store, sizeof(*claiming), SQL_CONTROL, claim_result, claim_end);
    struct params *params = &claiming->call.params;
    claiming->arena = arena;
    claiming->done = done;
    claiming->ctx = ctx;
    params_time(params, now_us);
    params_time(params, now_us + lease_ms * CLOCK_MS_US);
    params_int8(params, limit);
    call_add(&claiming->call, SQL_REVIEW_CLAIM);
    call_submit(&claiming->call);
}

void review_put_back(struct store *store, const struct review_end *end, store_count_fn done,
                     void *ctx)
{
    struct call *call = count_new(store, SQL_REVIEW_PUT_BACK, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, &end->merchant_id);
    params_uuid(params, &end->review_id);
    params_int8(params, end->epoch);
    params_bool(params, end->gives_up);
    params_time(params, end->next_us);
    params_int4(params, end->tries);
    params_int4(params, end->waits);
    if (uuid_is_zero(&end->reversal_id))
        params_null(params);
    else
        params_uuid(params, &end->reversal_id);
    params_text(params, end->detail);
    call_submit(call);
}
