/* Claiming orders, putting them back, and looking what became of those that were begun. */
#include "ledger/order.h"

#include "ledger/backlog.h"
#include "ledger/claim.h"
#include "ledger/count.h"

/* ---- claiming -------------------------------------------------------------------------------- */

static void read_claim(const PGresult *res, int row, struct arena *arena, void *claim)
{
    struct order_claim *read = claim;
    *read = (struct order_claim){
        .merchant_id = column_uuid(res, row, 0),
        .order_id = column_uuid(res, row, 1),
        .batch_id = column_uuid(res, row, 2),
        .epoch = column_int8(res, row, 3),
        .try_number = column_int4(res, row, 4),
        .wait_count = column_int4(res, row, 5),
        .payment_id = column_uuid(res, row, 6),
        .request_sealed = column_copy(res, row, 7, arena),
        .is_batch_canceled = column_bool(res, row, 8),
        .free_tries = column_int4(res, row, 9),
    };
}

static void tell_claims(claim_fn done, void *ctx, enum store_find found, const void *claims,
                        size_t count, const struct error *why)
{
    ((order_claim_fn)done)(ctx, found, claims, count, why);
}

static const struct claim_kind claim_kind = {SQL_ORDER_CLAIM, sizeof(struct order_claim),
                                             read_claim, tell_claims};

void order_claim_start(struct store *store, const struct order_wanted *wanted, struct arena *arena,
                       order_claim_fn done, void *ctx)
{
    struct call *call =
        claim_new(store, &claim_kind, wanted->now_us, wanted->lease_ms, arena, (claim_fn)done, ctx);
    struct params *params = &call->params;
    params_int8(params, wanted->limit);
    params_int8(params, wanted->merchant_limit);
    params_array_begin(params, VALUE_UUID, wanted->excluded_count);
    for (size_t i = 0; i < wanted->excluded_count; i++)
        params_put_uuid(params, &wanted->excluded[i]);
    params_array_end(params);
    call_submit(call);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void put_ids(struct params *params, const struct order_end *ends, size_t count,
                    size_t offset)
{
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params,
                        (const struct uuid *)(const void *)((const char *)&ends[i] + offset));
    params_array_end(params);
}

static void put_texts(struct params *params, const struct order_end *ends, size_t count,
                      size_t offset)
{
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params,
                         *(const struct str *)(const void *)((const char *)&ends[i] + offset));
    params_array_end(params);
}

static void put_numbers(struct params *params, const struct order_end *ends, size_t count,
                        size_t offset)
{
    params_array_begin(params, VALUE_INT4, count);
    for (size_t i = 0; i < count; i++)
        params_put_int4(params, *(const int32_t *)(const void *)((const char *)&ends[i] + offset));
    params_array_end(params);
}

#define OF(member) offsetof(struct order_end, member)

void order_end_start(struct store *store, const struct order_end *ends, size_t count,
                     int64_t now_us, store_count_fn done, void *ctx)
{
    bool has_failed = count > 0 && ends[0].state == ORDER_FAILED;
    struct call *call = count_new(store, has_failed ? SQL_ORDER_FAIL : SQL_ORDER_END, done, ctx);
    struct params *params = &call->params;
    for (size_t i = 0; i < count; i++)
        CHECK((ends[i].state == ORDER_FAILED) == has_failed);
    params_time(params, now_us);
    put_ids(params, ends, count, OF(merchant_id));
    put_ids(params, ends, count, OF(order_id));
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, ends[i].epoch);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, str_of(order_state_name(ends[i].state)));
    params_array_end(params);
    params_array_begin(params, VALUE_TIME, count);
    for (size_t i = 0; i < count; i++)
        params_put_time(params, ends[i].next_us);
    params_array_end(params);
    put_numbers(params, ends, count, OF(try_number));
    put_numbers(params, ends, count, OF(wait_count));
    put_ids(params, ends, count, OF(payment_id));
    put_texts(params, ends, count, OF(reason));
    put_texts(params, ends, count, OF(detail));
    put_texts(params, ends, count, OF(status));
    params_array_begin(params, VALUE_BOOL, count);
    for (size_t i = 0; i < count; i++)
        params_put_bool(params, ends[i].has_payment);
    params_array_end(params);
    put_numbers(params, ends, count, OF(free_tries));
    call_submit(call);
}

void order_settle_start(struct store *store, unsigned limit, int64_t now_us, store_count_fn done,
                        void *ctx)
{
    struct call *call = count_new(store, SQL_ORDER_SETTLE, done, ctx);
    params_time(&call->params, now_us);
    params_int8(&call->params, limit);
    call_submit(call);
}

/* ---- how much waits -------------------------------------------------------------------------- */

void order_backlog_start(struct store *store, store_backlog_fn done, void *ctx)
{
    backlog_ask(store, SQL_ORDER_BACKLOG, done, ctx);
}
