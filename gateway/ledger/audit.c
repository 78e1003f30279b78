#include "ledger/audit.h"

#include <string.h>

#include "base/clock.h"
#include "ledger/count.h"

/* An id carries its time; the two may differ by what clocks of several hosts do. */
#define CLOCK_SLACK_US (3600 * CLOCK_SECOND_US)

/* Members of bodies and options of the command line. Names of people, references, texts of rules, secrets are not here. */
static const char *const kept[] = {
    "amount",        "comment",   "country",     "currency",    "evidence", "expires-days",
    "expires_days",  "from",      "grace-hours", "grace_hours", "hold",     "in-flight-max",
    "in_flight_max", "if_absent", "limit",       "merchant",    "mode",     "month",
    "older-than",    "outcome",   "payment",     "payout",      "percent",  "provider",
    "rate",          "burst",     "reason",      "required",    "role",     "since",
    "state",         "to",        "until",       "weekly",      "what",     "by",
};

bool audit_keeps(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (str_eq(name, str_of(kept[i])))
            return true;
    }
    return false;
}

/* ---- out ---------------------------------------------------------------------------------------- */

static void add_id(struct params *params, const struct uuid *id)
{
    if (uuid_is_zero(id))
        params_null(params);
    else
        params_uuid(params, id);
}

static void add_act(struct params *params, const struct audit_act *act)
{
    CHECK(!uuid_is_zero(&act->audit_id) && act->begun_us > 0);
    params_uuid(params, &act->audit_id);
    add_id(params, &act->merchant_id);
    add_id(params, &act->key_id);
    add_id(params, &act->session_id);
    params_time(params, act->begun_us);
    params_int8(params, act->unrecorded);
    params_text(params, act->role);
    params_text(params, act->actor);
    params_text(params, act->action);
    params_text(params, act->object);
    params_text(params, act->address);
    params_text(params, act->request);
    params_text(params, act->data_json);
}

static void add_answer(struct params *params, const struct audit_answer *answer)
{
    CHECK(answer->ended_us > 0);
    params_time(params, answer->ended_us);
    params_int4(params, answer->status);
    params_text(params, answer->outcome);
    params_text(params, answer->code);
    params_text(params, answer->result);
    params_text(params, answer->state);
}

void audit_begin(struct store *store, const struct audit_act *act, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_AUDIT_BEGIN, done, ctx);
    add_act(&call->params, act);
    call_submit(call);
}

void audit_end(struct store *store, const struct uuid *audit_id, const struct audit_answer *answer,
               store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_AUDIT_END, done, ctx);
    params_uuid(&call->params, audit_id);
    add_answer(&call->params, answer);
    call_submit(call);
}

void audit_refused(struct store *store, const struct audit_act *act,
                   const struct audit_answer *answer, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_AUDIT_REFUSED, done, ctx);
    add_act(&call->params, act);
    add_answer(&call->params, answer);
    call_submit(call);
}

static bool run_now(PGconn *conn, enum sql sql, struct params *params, struct error *err)
{
    PGresult *res = blocking_run(conn, sql_text(sql)->text, params, err);
    PQclear(res);
    return res != NULL;
}

bool audit_begin_now(PGconn *conn, const struct audit_act *act, struct error *err)
{
    struct params params;
    params_init(&params);
    add_act(&params, act);
    return run_now(conn, SQL_AUDIT_BEGIN, &params, err);
}

bool audit_end_now(PGconn *conn, const struct uuid *audit_id, const struct audit_answer *answer,
                   struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, audit_id);
    add_answer(&params, answer);
    return run_now(conn, SQL_AUDIT_END, &params, err);
}

/* ---- in ----------------------------------------------------------------------------------------- */

struct audit_read {
    struct call call;
    struct arena *arena; /* borrowed */
    unsigned limit;
    struct audit_row *rows;
    size_t count;
    bool has_more;
    audit_fn done;
    void *ctx;
};

static void read_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct audit_read *read = LIST_OWNER(job, struct audit_read, call.request.job);
    size_t count = (size_t)PQntuples(res);
    read->has_more = count > read->limit;
    read->count = read->has_more ? read->limit : count;
    read->rows = ARENA_ARRAY(read->arena, struct audit_row, read->count);
    for (int i = 0; i < (int)read->count; i++) {
        read->rows[i] = (struct audit_row){
            .act = {.audit_id = column_uuid(res, i, 0),
                    .merchant_id = column_uuid(res, i, 1),
                    .key_id = column_uuid(res, i, 2),
                    .session_id = column_uuid(res, i, 3),
                    .begun_us = column_time(res, i, 4),
                    .unrecorded = column_int8(res, i, 5),
                    .role = column_copy(res, i, 6, read->arena),
                    .actor = column_copy(res, i, 7, read->arena),
                    .action = column_copy(res, i, 8, read->arena),
                    .object = column_copy(res, i, 9, read->arena),
                    .address = column_copy(res, i, 10, read->arena),
                    .request = column_copy(res, i, 11, read->arena),
                    .data_json = column_copy(res, i, 12, read->arena)},
            .answer = {.ended_us = column_time(res, i, 13),
                       .status = column_int4(res, i, 14),
                       .outcome = column_copy(res, i, 15, read->arena),
                       .code = column_copy(res, i, 16, read->arena),
                       .result = column_copy(res, i, 17, read->arena),
                       .state = column_copy(res, i, 18, read->arena)},
        };
    }
}

static void read_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct audit_read *read = LIST_OWNER(job, struct audit_read, call.request.job);
    bool ok = end == PG_DONE;
    read->done(read->ctx, ok ? STORE_FOUND : STORE_FAILED, read->rows, ok ? read->count : 0,
               read->has_more, &why->err);
    call_free(&read->call);
}

static void add_text(struct params *params, struct str text)
{
    if (str_is_empty(text))
        params_null(params);
    else
        params_text(params, text);
}

void audit_list(struct store *store, const struct audit_filter *filter, struct arena *arena,
                audit_fn done, void *ctx)
{
    struct audit_read *read = call_new(store, sizeof(*read), SQL_READER, read_result, read_end);
    struct params *params = &read->call.params;
    struct uuid below;
    struct uuid least = {{0}};
    memset(below.byte, 0xff, sizeof(below.byte));
    if (filter->to_us > 0)
        below = uuid_first(filter->to_us + CLOCK_SLACK_US);
    if (!uuid_is_zero(&filter->after) && uuid_compare(&filter->after, &below) < 0)
        below = filter->after;
    if (filter->from_us > 0)
        least = uuid_first(filter->from_us - CLOCK_SLACK_US);
    read->arena = arena;
    read->done = done;
    read->ctx = ctx;
    read->limit = filter->limit < 1 ? 1 : filter->limit;
    if (read->limit > STORE_LIST_MAX)
        read->limit = STORE_LIST_MAX;
    params_uuid(params, &below);
    params_uuid(params, &least);
    params_time(params, filter->from_us);
    params_time(params, filter->to_us > 0 ? filter->to_us : INT64_C(1) << 60);
    add_text(params, filter->actor);
    add_text(params, filter->action);
    add_text(params, filter->object);
    add_text(params, filter->outcome);
    params_int8(params, (int64_t)read->limit + 1);
    if (uuid_is_zero(&filter->merchant_id)) {
        call_add(&read->call, SQL_AUDIT_LIST);
    } else {
        params_uuid(params, &filter->merchant_id);
        call_add(&read->call, SQL_AUDIT_LIST_MERCHANT);
    }
    call_submit(&read->call);
}
