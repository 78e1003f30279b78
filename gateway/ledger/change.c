#include "ledger/change.h"

#include <string.h>

struct change {
    struct call call;
    directory_done_fn done;
    void *ctx;
    int64_t changed_count;
};

static void change_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct change *change = LIST_OWNER(job, struct change, call.request.job);
    if (PQntuples(res) == 1)
        change->changed_count = column_int8(res, 0, 0);
}

/* A name that is taken, or a merchant that does not exist, is an answer; the rest is a failure. */
static enum store_find refusal_of(const struct pg_failure *why, struct error *err)
{
    if (strcmp(why->sqlstate, "23505") == 0) {
        (void)fail(err, ERROR_CONFLICT, "cannot write: the name or id is taken (%s)",
                   why->constraint);
        return STORE_ABSENT;
    }
    if (strcmp(why->sqlstate, "23503") == 0) {
        (void)fail(err, ERROR_NOT_FOUND, "cannot write: no such merchant");
        return STORE_ABSENT;
    }
    if (strcmp(why->sqlstate, "23514") == 0 || strncmp(why->sqlstate, "22", 2) == 0) {
        (void)fail(err, ERROR_INVALID, "cannot write: %s", why->err.text);
        return STORE_ABSENT;
    }
    *err = why->err;
    return STORE_FAILED;
}

static void change_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct change *change = LIST_OWNER(job, struct change, call.request.job);
    struct error err = why->err;
    enum store_find found = STORE_FOUND;
    if (end == PG_FAILED) {
        found = refusal_of(why, &err);
    } else if (end == PG_LOST) {
        found = STORE_FAILED;
    } else if (change->changed_count == 0) {
        found = STORE_ABSENT;
        (void)fail(&err, ERROR_NOT_FOUND, "nothing was written: no such object");
    }
    change->done(change->ctx, found, &err);
    call_free(&change->call);
}

struct params *change_new(struct store *store, enum sql sql, directory_done_fn done, void *ctx,
                          struct call **call)
{
    struct change *change =
        call_new(store, sizeof(*change), SQL_CONTROL, change_result, change_end);
    change->done = done;
    change->ctx = ctx;
    call_add(&change->call, sql);
    *call = &change->call;
    return &change->call.params;
}
