/* Reading cases, and attempts whose outcome is not known yet. */
#include "ledger/review.h"

#include <string.h>

#include "ledger/call.h"

static unsigned page(unsigned limit)
{
    if (limit < 1)
        return 1;
    return limit > STORE_LIST_MAX ? STORE_LIST_MAX : limit;
}

static void put_nullable(struct params *params, struct str text)
{
    if (text.len > 0)
        params_text(params, text);
    else
        params_null(params);
}

static void put_merchant(struct params *params, const struct uuid *merchant_id)
{
    if (uuid_is_zero(merchant_id))
        params_null(params);
    else
        params_uuid(params, merchant_id);
}

static void column_currency(const PGresult *res, int row, int column, char out[4])
{
    (void)str_copy_to(column_text(res, row, column), out, 4);
}

/* ---- cases ----------------------------------------------------------------------------------- */

struct reviews_read {
    struct call call;
    struct arena *arena;
    unsigned limit;
    bool is_one;
    bool has_more;
    struct review_view *views; /* in the arena */
    size_t count;
    review_list_fn done;
    void *ctx;
};

static void take_review(const PGresult *res, int row, struct arena *arena, struct review_view *view)
{
    int at = 0;
    *view = (struct review_view){.merchant_id = column_uuid(res, row, at++)};
    view->review_id = column_uuid(res, row, at++);
    view->payment_id = column_uuid(res, row, at++);
    view->attempt_id = column_uuid(res, row, at++);
    view->account_id = column_uuid(res, row, at++);
    view->payment_kind = column_copy(res, row, at++, arena);
    view->livemode = column_bool(res, row, at++);
    view->kind = review_kind_find(column_text(res, row, at++));
    view->state = review_state_find(column_text(res, row, at++));
    view->operation = operation_find(column_text(res, row, at++));
    view->provider = column_copy(res, row, at++, arena);
    view->amount_minor = column_int8(res, row, at++);
    column_currency(res, row, at++, view->currency);
    view->answered_minor = column_is_null(res, row, at) ? -1 : column_int8(res, row, at);
    at++;
    column_currency(res, row, at++, view->answered_currency);
    view->reference = column_copy(res, row, at++, arena);
    view->detail = column_copy(res, row, at++, arena);
    view->opened_us = column_time(res, row, at++);
    view->resolved_us = column_time(res, row, at++);
    view->resolved_by = column_uuid(res, row, at++);
    view->reversal_id = column_uuid(res, row, at++);
    view->outcome = column_copy(res, row, at++, arena);
    view->reason = column_copy(res, row, at++, arena);
    view->evidence = column_copy(res, row, at++, arena);
    view->epoch = column_int8(res, row, at++);
    view->tries = column_int4(res, row, at++);
    view->next_us = column_time(res, row, at++);
}

static void reviews_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct reviews_read *read = LIST_OWNER(job, struct reviews_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->has_more = read->count > read->limit;
    if (read->has_more)
        read->count = read->limit;
    read->views = ARENA_ARRAY(read->arena, struct review_view, read->count);
    for (size_t i = 0; i < read->count; i++)
        take_review(res, (int)i, read->arena, &read->views[i]);
}

static void reviews_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct reviews_read *read = LIST_OWNER(job, struct reviews_read, call.request.job);
    enum store_find found = end == PG_DONE ? STORE_FOUND : STORE_FAILED;
    if (found == STORE_FOUND && read->is_one && read->count == 0)
        found = STORE_ABSENT;
    read->done(read->ctx, found, read->views, found == STORE_FOUND ? read->count : 0,
               read->has_more, &why->err);
    call_free(&read->call);
}

static struct reviews_read *reviews_new(struct store *store, const struct uuid *merchant_id,
                                        struct arena *arena, review_list_fn done, void *ctx)
{
    struct reviews_read *read =
        call_new(store, sizeof(*read), SQL_READER, reviews_result, reviews_end);
    read->arena = arena;
    read->limit = 1;
    read->done = done;
    read->ctx = ctx;
    put_merchant(&read->call.params, merchant_id);
    return read;
}

void review_list(struct store *store, const struct review_filter *filter, struct arena *arena,
                 review_list_fn done, void *ctx)
{
    struct reviews_read *read = reviews_new(store, &filter->merchant_id, arena, done, ctx);
    struct params *params = &read->call.params;
    struct uuid below = filter->after;
    bool is_open = filter->state == REVIEW_OPEN || filter->state == REVIEW_REVERSING;
    if (uuid_is_zero(&below))
        memset(below.byte, 0xff, sizeof(below.byte));
    read->limit = page(filter->limit);
    params_uuid(params, &below);
    put_nullable(params, filter->state == REVIEW_STATE_NONE
                             ? STR_NONE
                             : str_of(review_state_name(filter->state)));
    put_nullable(params,
                 filter->kind == REVIEW_NONE ? STR_NONE : str_of(review_kind_name(filter->kind)));
    put_nullable(params, filter->provider);
    params_int8(params, (int64_t)read->limit + 1);
    call_add(&read->call, is_open ? SQL_REVIEW_LIST_OPEN : SQL_REVIEW_LIST);
    call_submit(&read->call);
}

void review_load(struct store *store, const struct uuid *merchant_id, const struct uuid *review_id,
                 struct arena *arena, review_list_fn done, void *ctx)
{
    struct reviews_read *read = reviews_new(store, merchant_id, arena, done, ctx);
    read->is_one = true;
    params_uuid(&read->call.params, review_id);
    call_add(&read->call, SQL_REVIEW_LOAD);
    call_submit(&read->call);
}

/* ---- how many -------------------------------------------------------------------------------- */

struct tally_read {
    struct call call;
    review_tally_fn done;
    void *ctx;
    struct review_tally tally;
};

static void tally_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct tally_read *read = LIST_OWNER(job, struct tally_read, call.request.job);
    if (PQntuples(res) != 1)
        return;
    read->tally = (struct review_tally){
        .open = column_int8(res, 0, 0),
        .reversing = column_int8(res, 0, 1),
        .oldest_us = column_time(res, 0, 2),
    };
}

static void tally_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct tally_read *read = LIST_OWNER(job, struct tally_read, call.request.job);
    read->done(read->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &read->tally, &why->err);
    call_free(&read->call);
}

void review_count(struct store *store, review_tally_fn done, void *ctx)
{
    struct tally_read *read = call_new(store, sizeof(*read), SQL_READER, tally_result, tally_end);
    read->done = done;
    read->ctx = ctx;
    call_add(&read->call, SQL_REVIEW_COUNT);
    call_submit(&read->call);
}

/* ---- attempts that wait for proof ------------------------------------------------------------ */

struct unresolved_read {
    struct call call;
    struct arena *arena;
    unsigned limit;
    bool has_more;
    struct unresolved_view *views; /* in the arena */
    size_t count;
    unresolved_list_fn done;
    void *ctx;
};

static void take_unresolved(const PGresult *res, int row, struct arena *arena,
                            struct unresolved_view *view)
{
    int at = 0;
    *view = (struct unresolved_view){.merchant_id = column_uuid(res, row, at++)};
    view->payment_id = column_uuid(res, row, at++);
    view->attempt_id = column_uuid(res, row, at++);
    view->account_id = column_uuid(res, row, at++);
    view->payment_kind = column_copy(res, row, at++, arena);
    view->livemode = column_bool(res, row, at++);
    view->provider = column_copy(res, row, at++, arena);
    view->operation = operation_find(column_text(res, row, at++));
    view->amount_minor = column_int8(res, row, at++);
    column_currency(res, row, at++, view->currency);
    view->outcome = outcome_find(column_text(res, row, at++));
    view->reason = column_copy(res, row, at++, arena);
    view->since_us = column_time(res, row, at++);
    view->next_us = column_time(res, row, at++);
    view->lease_us = column_time(res, row, at++);
    view->tries = column_int4(res, row, at++);
    view->is_canceled = column_bool(res, row, at++);
}

static void unresolved_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct unresolved_read *read = LIST_OWNER(job, struct unresolved_read, call.request.job);
    read->count = (size_t)PQntuples(res);
    read->has_more = read->count > read->limit;
    if (read->has_more)
        read->count = read->limit;
    read->views = ARENA_ARRAY(read->arena, struct unresolved_view, read->count);
    for (size_t i = 0; i < read->count; i++)
        take_unresolved(res, (int)i, read->arena, &read->views[i]);
}

static void unresolved_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct unresolved_read *read = LIST_OWNER(job, struct unresolved_read, call.request.job);
    bool ok = end == PG_DONE;
    read->done(read->ctx, ok ? STORE_FOUND : STORE_FAILED, read->views, ok ? read->count : 0,
               read->has_more, &why->err);
    call_free(&read->call);
}

void unresolved_list(struct store *store, const struct unresolved_filter *filter,
                     struct arena *arena, unresolved_list_fn done, void *ctx)
{
    struct unresolved_read *read =
        call_new(store, sizeof(*read), SQL_READER, unresolved_result, unresolved_end);
    struct params *params = &read->call.params;
    read->arena = arena;
    read->limit = page(filter->limit);
    read->done = done;
    read->ctx = ctx;
    put_merchant(params, &filter->merchant_id);
    params_uuid(params, &filter->after);
    put_nullable(params, filter->provider);
    params_int8(params, (int64_t)read->limit + 1);
    call_add(&read->call, SQL_UNRESOLVED_LIST);
    call_submit(&read->call);
}
