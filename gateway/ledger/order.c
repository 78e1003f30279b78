#include "ledger/order.h"

#include "base/clock.h"
#include "ledger/call.h"
#include "ledger/count.h"

enum {
    ROWS_PER_STATEMENT = 1000,
    LOST_MS_MAX = 15000, /* that a lost commit is asked after */
    AGAIN_FIRST_MS = 50, /* pause before that; doubled each time */
    AGAIN_MAX_MS = 2000,
};

/* ---- storing --------------------------------------------------------------------------------- */

struct storing {
    struct call call;
    const struct order_bundle *bundle; /* borrowed */
    order_stored_fn done;
    void *ctx;
    struct uuid holder; /* of the key, as the database says; zero: not yet */
    int64_t until_us;   /* monotonic */
    int64_t pause_ms;   /* before it is asked after again */
    bool was_sent;      /* in some round: it may be committed */
    bool was_lost;      /* an earlier round may still be committed */
};

static void put_text_or_null(struct params *params, struct str text)
{
    if (text.len > 0)
        params_text(params, text);
    else
        params_null(params);
}

static void put_bytes_or_null(struct params *params, struct str text)
{
    if (text.len > 0)
        params_put_bytes(params, text);
    else
        params_put_null(params);
}

static void begin_held(struct params *params, const struct order_bundle *bundle)
{
    params_clear(params);
    params_uuid(params, &bundle->merchant_id);
    params_text(params, bundle->key);
    params_uuid(params, &bundle->holder_id);
}

static void send_key(struct storing *storing, struct pg *pg, struct params *params)
{
    const struct order_bundle *bundle = storing->bundle;
    struct pg_job *job = &storing->call.request.job;
    params_clear(params);
    params_uuid(params, &bundle->merchant_id);
    params_text(params, bundle->key);
    params_bytea(params,
                 (struct str){(const char *)bundle->fingerprint, sizeof(bundle->fingerprint)});
    params_uuid(params, &bundle->holder_id);
    params_uuid(params, &storing->call.store->writer_id);
    params_time(params, bundle->created_us);
    pg_job_send(pg, job, SQL_ORDER_KEY, params);
    params_clear(params);
    params_uuid(params, &bundle->merchant_id);
    params_text(params, bundle->key);
    pg_job_send(pg, job, SQL_ORDER_HOLDER, params);
}

/* The states of a batch have names of their own in the database: an open one is not queued. */
static struct str batch_state(enum order_state state)
{
    return state == ORDER_QUEUED ? STR("open") : str_of(order_state_name(state));
}

static void send_batch(struct storing *storing, struct pg *pg, struct params *params)
{
    const struct order_batch *batch = storing->bundle->batch;
    begin_held(params, storing->bundle);
    params_time(params, batch->created_us);
    params_bool(params, batch->livemode);
    put_text_or_null(params, batch->reference);
    params_int4(params, batch->row_count);
    params_int4(params, batch->invalid_count);
    params_text(params, batch->totals_json);
    params_text(params, batch->approval_json);
    params_text(params, batch_state(batch->state));
    params_uuid(params, &batch->created_by);
    pg_job_send(pg, &storing->call.request.job, SQL_ORDER_BATCH, params);
}

static void put_order_columns(struct params *params, const struct order *orders, size_t count)
{
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params, &orders[i].order_id);
    params_array_end(params);
    params_array_begin(params, VALUE_INT4, count);
    for (size_t i = 0; i < count; i++)
        params_put_int4(params, orders[i].row_number);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, orders[i].amount_minor);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, str_of(orders[i].currency));
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        put_bytes_or_null(params, orders[i].reference);
    params_array_end(params);
    params_array_begin(params, VALUE_BYTEA, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, orders[i].request_sealed);
    params_array_end(params);
}

/* What all orders of a bundle share is taken from the first. */
static void send_orders(struct storing *storing, struct pg *pg, struct params *params,
                        const struct order *orders, size_t count)
{
    begin_held(params, storing->bundle);
    if (uuid_is_zero(&orders->batch_id))
        params_null(params);
    else
        params_uuid(params, &orders->batch_id);
    params_int4(params, uuid_is_zero(&orders->batch_id) ? 0 : 1);
    params_time(params, orders->created_us);
    params_bool(params, orders->livemode);
    params_text(params, orders->approval_json);
    params_uuid(params, &orders->created_by);
    params_text(params, str_of(order_state_name(orders->state)));
    put_order_columns(params, orders, count);
    pg_job_send(pg, &storing->call.request.job, SQL_ORDER_ROWS, params);
}

static void send_errors(struct storing *storing, struct pg *pg, struct params *params,
                        const struct order_error *errors, size_t count)
{
    begin_held(params, storing->bundle);
    params_array_begin(params, VALUE_INT4, count);
    for (size_t i = 0; i < count; i++)
        params_put_int4(params, errors[i].row_number);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        put_bytes_or_null(params, errors[i].reference);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, errors[i].code);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, errors[i].errors_json);
    params_array_end(params);
    pg_job_send(pg, &storing->call.request.job, SQL_ORDER_ERRORS, params);
}

static void put_answer(struct params *params, const struct store_answer *answer)
{
    params_int4(params, answer->status);
    params_text(params, answer->content_type);
    params_text(params, answer->location);
    params_bytea(params, answer->body);
    params_time(params, answer->created_us);
}

static size_t chunk(size_t count, size_t at)
{
    return count - at < ROWS_PER_STATEMENT ? count - at : ROWS_PER_STATEMENT;
}

static void storing_send(struct request *request, struct pg *pg, struct params *params)
{
    struct storing *storing = LIST_OWNER(request, struct storing, call.request);
    const struct order_bundle *bundle = storing->bundle;
    storing->was_sent = true;
    send_key(storing, pg, params);
    if (bundle->batch != NULL)
        send_batch(storing, pg, params);
    for (size_t at = 0; at < bundle->order_count; at += ROWS_PER_STATEMENT)
        send_orders(storing, pg, params, bundle->orders + at, chunk(bundle->order_count, at));
    for (size_t at = 0; at < bundle->error_count; at += ROWS_PER_STATEMENT)
        send_errors(storing, pg, params, bundle->errors + at, chunk(bundle->error_count, at));
    if (bundle->answer != NULL) {
        begin_held(params, bundle);
        put_answer(params, bundle->answer);
        pg_job_send(pg, &request->job, SQL_ORDER_ANSWER, params);
    }
}

static void storing_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct storing *storing = LIST_OWNER(job, struct storing, call.request.job);
    if (sql == SQL_ORDER_HOLDER && PQntuples(res) == 1)
        storing->holder = column_uuid(res, 0, 0);
}

static void storing_ready(struct storing *storing);

static enum store_result storing_verdict(const struct storing *storing, enum pg_end end)
{
    if (end == PG_DONE)
        return uuid_eq(&storing->holder, &storing->bundle->holder_id) ? STORE_COMMITTED
                                                                      : STORE_KEY_TAKEN;
    if (!storing->was_sent)
        return STORE_UNAVAILABLE;
    return end == PG_FAILED && !storing->was_lost ? STORE_ROLLED_BACK : STORE_UNKNOWN;
}

static void storing_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct storing *storing = LIST_OWNER(job, struct storing, call.request.job);
    storing->was_lost = storing->was_lost || (end == PG_LOST && storing->was_sent);
    enum store_result result = storing_verdict(storing, end);
    if (result == STORE_UNKNOWN && clock_mono_us() < storing->until_us) {
        storing_ready(storing);
        call_submit_later(&storing->call, storing->pause_ms * CLOCK_MS_US);
        storing->pause_ms *= 2;
        if (storing->pause_ms > AGAIN_MAX_MS)
            storing->pause_ms = AGAIN_MAX_MS;
        return;
    }
    storing->done(storing->ctx, result, &why->err);
    call_free(&storing->call);
}

static void storing_ready(struct storing *storing)
{
    storing->holder = (struct uuid){{0}};
    call_reset(&storing->call, storing_result, storing_end);
    call_add(&storing->call, SQL_ORDER_KEY);
}

void order_store_start(struct store *store, const struct order_bundle *bundle, order_stored_fn done,
                       void *ctx)
{
    CHECK(bundle->order_count > 0 || bundle->batch != NULL);
    CHECK(bundle->order_count + bundle->error_count <=
          (size_t)ROWS_PER_STATEMENT * (PG_JOB_STATEMENT_MAX - 8));
    struct storing *storing =
        call_new(store, sizeof(*storing), SQL_BULK, storing_result, storing_end);
    storing->bundle = bundle;
    storing->done = done;
    storing->ctx = ctx;
    storing->call.request.send = storing_send;
    storing->until_us = clock_mono_us() + LOST_MS_MAX * CLOCK_MS_US;
    storing->pause_ms = AGAIN_FIRST_MS;
    storing_ready(storing);
    call_submit(&storing->call);
}

struct keeping {
    struct call call;
    order_stored_fn done;
    void *ctx;
};

static void keeping_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct keeping *keeping = LIST_OWNER(job, struct keeping, call.request.job);
    keeping->done(keeping->ctx, end == PG_DONE ? STORE_COMMITTED : STORE_UNKNOWN, &why->err);
    call_free(&keeping->call);
}

void order_answer_start(struct store *store, const struct store_answer *answer,
                        order_stored_fn done, void *ctx)
{
    struct keeping *keeping = call_new(store, sizeof(*keeping), SQL_BULK, NULL, keeping_end);
    keeping->done = done;
    keeping->ctx = ctx;
    params_uuid(&keeping->call.params, &answer->merchant_id);
    params_text(&keeping->call.params, answer->key);
    put_answer(&keeping->call.params, answer);
    call_add(&keeping->call, SQL_ORDER_KEEP);
    call_submit(&keeping->call);
}

/* ---- deciding -------------------------------------------------------------------------------- */

static void decide(struct store *store, const struct order_decide *wanted, enum sql sql,
                   store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, sql, done, ctx);
    params_uuid(&call->params, &wanted->merchant_id);
    params_uuid(&call->params, &wanted->subject_id);
    params_uuid(&call->params, &wanted->key_id);
    params_text(&call->params, wanted->role);
    params_time(&call->params, wanted->now_us);
    call_submit(call);
}

void order_decide_start(struct store *store, const struct order_decide *wanted, store_count_fn done,
                        void *ctx)
{
    static const enum sql sqls[] = {
        [ORDER_APPROVE] = SQL_ORDER_APPROVE,
        [ORDER_REJECT] = SQL_ORDER_REJECT,
        [ORDER_CANCEL] = SQL_ORDER_CANCEL,
    };
    decide(store, wanted, sqls[wanted->decision], done, ctx);
}

void order_decide_batch_start(struct store *store, const struct order_decide *wanted,
                              store_count_fn done, void *ctx)
{
    static const enum sql sqls[] = {
        [ORDER_APPROVE] = SQL_BATCH_APPROVE,
        [ORDER_REJECT] = SQL_BATCH_REJECT,
        [ORDER_CANCEL] = SQL_BATCH_CANCEL,
    };
    decide(store, wanted, sqls[wanted->decision], done, ctx);
}

void order_cancel_rows_start(struct store *store, const struct uuid *merchant_id,
                             const struct uuid *batch_id, int32_t row_number, int64_t now_us,
                             store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_BATCH_CANCEL_ROWS, done, ctx);
    params_uuid(&call->params, merchant_id);
    params_uuid(&call->params, batch_id);
    params_int4(&call->params, row_number);
    params_int8(&call->params, ORDER_CANCEL_CHUNK);
    params_time(&call->params, now_us);
    call_submit(call);
}
