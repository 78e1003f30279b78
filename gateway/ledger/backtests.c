#include "ledger/backtests.h"

#include "ledger/call.h"
#include "ledger/count.h"

static const char *const state_names[BACKTESTS_STATE_COUNT] = {
    [BACKTESTS_NONE] = "none", [BACKTESTS_QUEUED] = "queued", [BACKTESTS_RUNNING] = "running",
    [BACKTESTS_DONE] = "done", [BACKTESTS_FAILED] = "failed",
};

const char *backtests_state_name(enum backtests_state state)
{
    CHECK((unsigned)state < BACKTESTS_STATE_COUNT);
    return state_names[state];
}

static enum backtests_state state_find(struct str name)
{
    enum backtests_state state = BACKTESTS_QUEUED;
    while (state < BACKTESTS_STATE_COUNT && !str_eq(str_of(state_names[state]), name))
        state++;
    CHECK(state < BACKTESTS_STATE_COUNT);
    return state;
}

void backtests_put(struct store *store, const struct backtests_row *row, store_count_fn done,
                   void *ctx)
{
    struct call *call = count_new(store, SQL_BACKTEST_PUT, done, ctx);
    params_uuid(&call->params, &row->merchant_id);
    params_uuid(&call->params, &row->backtest_id);
    params_time(&call->params, row->created_us);
    params_time(&call->params, row->since_us);
    params_time(&call->params, row->until_us);
    params_int4(&call->params, row->version);
    params_text(&call->params, row->author);
    params_int4(&call->params, BACKTESTS_WAITING_MAX);
    call_submit(call);
}

struct backtests_read {
    struct call call;
    struct arena *arena; /* borrowed */
    backtests_fn done;
    void *ctx;
    enum store_find found;
    struct backtests_row row;
};

static void read_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct backtests_read *read = LIST_OWNER(job, struct backtests_read, call.request.job);
    struct backtests_row *row = &read->row;
    if (PQntuples(res) != 1)
        return;
    read->found = STORE_FOUND;
    row->version = column_int4(res, 0, 0);
    row->state = state_find(column_text(res, 0, 1));
    row->since_us = column_time(res, 0, 2);
    row->until_us = column_time(res, 0, 3);
    row->created_us = column_time(res, 0, 4);
    row->started_us = column_time(res, 0, 5);
    row->ended_us = column_time(res, 0, 6);
    row->tries = column_int4(res, 0, 7);
    row->author = column_copy(res, 0, 8, read->arena);
    row->reason = column_copy(res, 0, 9, read->arena);
    row->result = column_copy(res, 0, 10, read->arena);
}

static void read_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct backtests_read *read = LIST_OWNER(job, struct backtests_read, call.request.job);
    enum store_find found = end == PG_DONE ? read->found : STORE_FAILED;
    read->done(read->ctx, found, &read->row, &why->err);
    call_free(&read->call);
}

void backtests_load(struct store *store, const struct uuid *merchant_id,
                    const struct uuid *backtest_id, struct arena *arena, backtests_fn done,
                    void *ctx)
{
    struct backtests_read *read = call_new(store, sizeof(*read), SQL_READER, read_result, read_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    read->found = STORE_ABSENT;
    read->row.merchant_id = *merchant_id;
    read->row.backtest_id = *backtest_id;
    params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, backtest_id);
    call_add(&read->call, SQL_BACKTEST_LOAD);
    call_submit(&read->call);
}

void backtests_due(struct store *store, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_BACKTEST_DUE, done, ctx);
    params_time(&call->params, now_us);
    call_submit(call);
}
