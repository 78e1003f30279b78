#include "ledger/call.h"

#include <stdlib.h>

static void call_send(struct request *request, struct pg *pg, struct params *params UNUSED)
{
    struct call *call = LIST_OWNER(request, struct call, request);
    for (unsigned i = 0; i < call->statement_count; i++)
        pg_job_send(pg, &request->job, call->statements[i], &call->params);
}

void *call_new(struct store *store, size_t size, enum sql_kind kind, pg_result_fn result,
               pg_end_fn end)
{
    CHECK(size >= sizeof(struct call));
    struct call *call = calloc(1, size);
    CHECK(call != NULL);
    call->store = store;
    call->request.kind = kind;
    call->request.send = call_send;
    params_init(&call->params);
    list_add_last(&store->calls, &call->link);
    call_reset(call, result, end);
    return call;
}

void call_free(struct call *call)
{
    list_remove(&call->link);
    params_release(&call->params);
    free(call);
}

void call_add(struct call *call, enum sql sql)
{
    CHECK(call->statement_count < CALL_STATEMENT_MAX);
    CHECK(sql_text(sql)->kind == call->request.kind);
    call->statements[call->statement_count++] = sql;
}

void call_submit(struct call *call)
{
    CHECK(call->statement_count > 0);
    pool_submit(call->store->pool, &call->request);
}

void call_reset(struct call *call, pg_result_fn result, pg_end_fn end)
{
    pg_job_init(&call->request.job, result, end);
    params_clear(&call->params);
    call->statement_count = 0;
}

struct call *call_of(struct pg_job *job)
{
    return LIST_OWNER(job, struct call, request.job);
}
