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
    if (call->has_later)
        loop_timer_release(&call->later);
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

static void submit_now(void *ctx)
{
    call_submit(ctx);
}

void call_submit_later(struct call *call, int64_t delay_us)
{
    if (!call->has_later)
        loop_timer_init(&call->later, call->store->loop, submit_now, call);
    call->has_later = true;
    loop_timer_start(&call->later, delay_us);
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
