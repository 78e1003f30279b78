/* The report that an event tells of. */
#include "ledger/hooks.h"

#include "ledger/call.h"

struct report_read {
    struct call call;
    struct arena *arena;
    struct hook_report report;
    bool is_found;
    hook_report_fn done;
    void *ctx;
};

static void report_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct report_read *read = LIST_OWNER(job, struct report_read, call.request.job);
    CHECK(sql == SQL_HOOK_REPORT);
    read->is_found = PQntuples(res) > 0;
    if (!read->is_found)
        return;
    read->report = (struct hook_report){
        .from_us = column_time(res, 0, 0),
        .to_us = column_time(res, 0, 1),
        .made_us = column_time(res, 0, 2),
        .rows = column_int8(res, 0, 3),
        .bytes = column_int8(res, 0, 4),
        .name = column_copy(res, 0, 6, read->arena),
        .period = column_copy(res, 0, 7, read->arena),
        .what = column_copy(res, 0, 8, read->arena),
        .file = column_copy(res, 0, 9, read->arena),
    };
    column_digest(res, 0, 5, read->report.sha256);
}

static void report_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct report_read *read = LIST_OWNER(job, struct report_read, call.request.job);
    enum store_find found = end != PG_DONE   ? STORE_FAILED
                            : read->is_found ? STORE_FOUND
                                             : STORE_ABSENT;
    read->done(read->ctx, found, found == STORE_FOUND ? &read->report : NULL, &why->err);
    call_free(&read->call);
}

void hooks_report(struct store *store, const struct uuid *merchant_id, const struct uuid *event_id,
                  struct arena *arena, hook_report_fn done, void *ctx)
{
    struct report_read *read =
        call_new(store, sizeof(*read), SQL_READER, report_result, report_end);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, event_id);
    call_add(&read->call, SQL_HOOK_REPORT);
    call_submit(&read->call);
}
