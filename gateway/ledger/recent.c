#include "ledger/recent.h"

#include "ledger/call.h"

struct recent_read {
    struct call call;
    struct arena *arena;
    recent_fn done;
    void *ctx;
    struct recent_payment *rows; /* in the arena */
    size_t count;
};

static void recent_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct recent_read *read = LIST_OWNER(job, struct recent_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->rows = ARENA_ARRAY(read->arena, struct recent_payment, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        struct recent_payment *payment = &read->rows[row];
        payment->payment_id = column_uuid(res, row, 0);
        payment->is_payout = str_eq(column_text(res, row, 1), store_kind_name(STORE_PAYOUTS));
        payment->created_us = column_time(res, row, 2);
        payment->amount_minor = column_int8(res, row, 3);
        if (!str_copy_to(column_text(res, row, 4), payment->currency, sizeof(payment->currency))) {
            payment->currency[0] = '\0';
        }
        payment->status = column_is_null(res, row, 5)
                              ? PAYMENT_PROCESSING
                              : payment_status_find(column_text(res, row, 5));
        payment->providers =
            column_is_null(res, row, 6) ? STR_NONE : column_copy(res, row, 6, read->arena);
    }
}

static void recent_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct recent_read *read = LIST_OWNER(job, struct recent_read, call.request.job);
    bool ok = end == PG_DONE;
    read->done(read->ctx, ok ? STORE_FOUND : STORE_FAILED, read->rows, ok ? read->count : 0,
               &why->err);
    call_free(&read->call);
}

void recent_payments(struct store *store, unsigned limit, struct arena *arena, recent_fn done,
                     void *ctx)
{
    struct recent_read *read =
        call_new(store, sizeof(*read), SQL_READER, recent_result, recent_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_int8(&read->call.params, limit);
    call_add(&read->call, SQL_RECENT);
    call_submit(&read->call);
}
