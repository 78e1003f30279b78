#include "ledger/backlog.h"

struct backlog {
    struct call call;
    store_backlog_fn done;
    void *ctx;
    int64_t count;
    int64_t oldest_us;
};

static void backlog_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct backlog *backlog = LIST_OWNER(job, struct backlog, call.request.job);
    if (PQntuples(res) != 1)
        return;
    backlog->count = column_int8(res, 0, 0);
    backlog->oldest_us = column_time(res, 0, 1);
}

static void backlog_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct backlog *backlog = LIST_OWNER(job, struct backlog, call.request.job);
    backlog->done(backlog->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, backlog->count,
                  backlog->oldest_us, &why->err);
    call_free(&backlog->call);
}

void backlog_ask(struct store *store, enum sql sql, store_backlog_fn done, void *ctx)
{
    struct backlog *backlog =
        call_new(store, sizeof(*backlog), sql_text(sql)->kind, backlog_result, backlog_end);
    backlog->done = done;
    backlog->ctx = ctx;
    call_add(&backlog->call, sql);
    call_submit(&backlog->call);
}
