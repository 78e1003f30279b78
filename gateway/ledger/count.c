#include "ledger/count.h"

struct count {
    struct call call;
    store_count_fn done;
    void *ctx;
    enum store_find found;
    int64_t number;
};

static void count_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct count *count = LIST_OWNER(job, struct count, call.request.job);
    if (PQntuples(res) != 1)
        return;
    count->found = STORE_FOUND;
    count->number = column_int8(res, 0, 0);
}

static void count_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct count *count = LIST_OWNER(job, struct count, call.request.job);
    if (end == PG_DONE)
        count->done(count->ctx, count->found, count->number, &why->err);
    else
        count->done(count->ctx, STORE_FAILED, 0, &why->err);
    call_free(&count->call);
}

struct call *count_new(struct store *store, enum sql sql, store_count_fn done, void *ctx)
{
    struct count *count =
        call_new(store, sizeof(*count), sql_text(sql)->kind, count_result, count_end);
    count->done = done;
    count->ctx = ctx;
    count->found = STORE_ABSENT;
    call_add(&count->call, sql);
    return &count->call;
}
