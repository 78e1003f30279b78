#include "ledger/store.h"

#include "base/clock.h"
#include "ledger/backlog.h"
#include "ledger/call.h"
#include "ledger/claim.h"
#include "ledger/count.h"

/* A dead process's batch that is still on its way to the server arrives within this time. */
#define SETTLED_US (600 * CLOCK_SECOND_US)

/* ---- claiming -------------------------------------------------------------------------------- */

static void read_claim(const PGresult *res, int row, struct arena *arena, void *claim)
{
    struct store_claimed *read = claim;
    *read = (struct store_claimed){
        .merchant_id = column_uuid(res, row, 0),
        .attempt_id = column_uuid(res, row, 1),
        .payment_id = column_uuid(res, row, 2),
        .epoch = column_int8(res, row, 3),
        .tries = column_int4(res, row, 4),
        .parked_us = column_time(res, row, 5),
        .account_id = column_uuid(res, row, 6),
        .provider = column_copy(res, row, 7, arena),
        .is_canceled = column_bool(res, row, 8),
        .is_recheck = column_bool(res, row, 9),
    };
}

static void tell_claims(claim_fn done, void *ctx, enum store_find found, const void *claims,
                        size_t count, const struct error *why)
{
    ((store_claim_fn)done)(ctx, found, claims, count, why);
}

static const struct claim_kind claim_kind = {SQL_CLAIM, sizeof(struct store_claimed), read_claim,
                                             tell_claims};

static void put_lanes(struct params *params, const struct store_lane *lanes, size_t count)
{
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, lanes[i].provider);
    params_array_end(params);
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params, &lanes[i].account_id);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, lanes[i].in_hand);
    params_array_end(params);
}

void store_claim(struct store *store, const struct store_claim_ask *ask, struct arena *arena,
                 store_claim_fn done, void *ctx)
{
    struct call *call =
        claim_new(store, &claim_kind, ask->now_us, ask->lease_ms, arena, (claim_fn)done, ctx);
    struct params *params = &call->params;
    params_int8(params, ask->limit);
    params_int8(params, ask->account_max);
    params_int8(params, ask->provider_max);
    put_lanes(params, ask->lanes, ask->lane_count);
    call_submit(call);
}

void store_cancel(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *attempt_id, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_CANCEL, done, ctx);
    params_uuid(&call->params, merchant_id);
    params_uuid(&call->params, attempt_id);
    params_time(&call->params, now_us);
    call_submit(call);
}

/* ---- how much waits -------------------------------------------------------------------------- */

void store_backlog(struct store *store, store_backlog_fn done, void *ctx)
{
    backlog_ask(store, SQL_BACKLOG, done, ctx);
}

/* ---- the living and the dead ----------------------------------------------------------------- */

void store_adopt(struct store *store, int64_t now_us, int64_t dead_after_ms, store_count_fn done,
                 void *ctx)
{
    struct call *call = count_new(store, SQL_ADOPT, done, ctx);
    params_uuid(&call->params, &store->instance_id);
    params_time(&call->params, now_us);
    params_time(&call->params, now_us - dead_after_ms * CLOCK_MS_US);
    params_time(&call->params, now_us - dead_after_ms * CLOCK_MS_US - SETTLED_US);
    call_submit(call);
}

void store_close_writer(struct store *store, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_CLOSE_WRITER, done, ctx);
    params_uuid(&call->params, &store->writer_id);
    params_time(&call->params, now_us);
    call_submit(call);
}

void store_reap_writer(struct store *store, const struct uuid *writer_id, int64_t now_us,
                       store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_REAP_WRITER, done, ctx);
    params_uuid(&call->params, writer_id);
    params_time(&call->params, now_us);
    call_submit(call);
}

void store_reap_instance(struct store *store, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_REAP_INSTANCE, done, ctx);
    params_uuid(&call->params, &store->instance_id);
    params_uuid(&call->params, &store->boot_id);
    params_time(&call->params, now_us);
    call_submit(call);
}

struct heartbeat {
    struct call call;
    store_count_fn done;
    void *ctx;
    int64_t sent_us;
    int64_t count;
};

/* The statement ran somewhere between our sending and its answer. */
static void learn_clock(struct store *store, int64_t sent_us, int64_t theirs_us)
{
    int64_t now_us = clock_wall_us();
    store->is_clock_known = true;
    store->clock_ahead_us = 0;
    if (theirs_us > now_us)
        store->clock_ahead_us = theirs_us - now_us;
    else if (theirs_us < sent_us)
        store->clock_ahead_us = theirs_us - sent_us;
}

static void heartbeat_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct heartbeat *heartbeat = LIST_OWNER(job, struct heartbeat, call.request.job);
    if (PQntuples(res) != 1)
        return;
    heartbeat->count = column_int8(res, 0, 0);
    learn_clock(heartbeat->call.store, heartbeat->sent_us, column_time(res, 0, 1));
}

static void heartbeat_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct heartbeat *heartbeat = LIST_OWNER(job, struct heartbeat, call.request.job);
    heartbeat->done(heartbeat->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, heartbeat->count,
                    &why->err);
    call_free(&heartbeat->call);
}

void store_heartbeat(struct store *store, int64_t now_us, int64_t watermark_us, store_count_fn done,
                     void *ctx)
{
    struct heartbeat *heartbeat =
        call_new(store, sizeof(*heartbeat), SQL_CONTROL, heartbeat_result, heartbeat_end);
    heartbeat->done = done;
    heartbeat->ctx = ctx;
    heartbeat->sent_us = clock_wall_us();
    params_uuid(&heartbeat->call.params, &store->writer_id);
    params_time(&heartbeat->call.params, now_us);
    params_time(&heartbeat->call.params, watermark_us);
    call_add(&heartbeat->call, SQL_HEARTBEAT);
    call_submit(&heartbeat->call);
}

bool store_clock_ahead(const struct store *store, int64_t *ahead_us)
{
    if (store->is_clock_known)
        *ahead_us = store->clock_ahead_us;
    return store->is_clock_known;
}
