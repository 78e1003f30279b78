/* Reversals: claimed by lease, put back, given up. */
#include "ledger/review.h"

#include "ledger/claim.h"
#include "ledger/count.h"

static void read_claim(const PGresult *res, int row, struct arena *arena UNUSED, void *claim)
{
    struct review_claim *read = claim;
    *read = (struct review_claim){
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

static void tell_claims(claim_fn done, void *ctx, enum store_find found, const void *claims,
                        size_t count, const struct error *why)
{
    ((review_claim_fn)done)(ctx, found, claims, count, why);
}

static const struct claim_kind claim_kind = {SQL_REVIEW_CLAIM, sizeof(struct review_claim),
                                             read_claim, tell_claims};

void review_claim_start(struct store *store, unsigned limit, int64_t now_us, int64_t lease_ms,
                        struct arena *arena, review_claim_fn done, void *ctx)
{
    struct call *call = claim_new(store, &claim_kind, now_us, lease_ms, arena, (claim_fn)done, ctx);
    struct params *params = &call->params;
    params_int8(params, limit);
    call_submit(call);
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
