#include "ledger/inbound.h"

#include "ledger/backlog.h"
#include "ledger/call.h"
#include "ledger/claim.h"
#include "ledger/count.h"

static const char *const state_names[INBOUND_STATE_COUNT] = {
    [INBOUND_WAITING] = "waiting",
    [INBOUND_APPLIED] = "applied",
    [INBOUND_IGNORED] = "ignored",
    [INBOUND_DEAD] = "dead",
};

const char *inbound_state_name(enum inbound_state state)
{
    CHECK((unsigned)state < INBOUND_STATE_COUNT);
    return state_names[state];
}

/* ---- whose account --------------------------------------------------------------------------- */

struct owner {
    struct call call;
    inbound_account_fn done;
    void *ctx;
    enum store_find found;
    struct uuid merchant_id;
};

static void owner_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct owner *owner = LIST_OWNER(job, struct owner, call.request.job);
    if (PQntuples(res) != 1)
        return;
    owner->found = STORE_FOUND;
    owner->merchant_id = column_uuid(res, 0, 0);
}

static void owner_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct owner *owner = LIST_OWNER(job, struct owner, call.request.job);
    owner->done(owner->ctx, end == PG_DONE ? owner->found : STORE_FAILED, &owner->merchant_id,
                &why->err);
    call_free(&owner->call);
}

void inbound_account_start(struct store *store, const struct uuid *account_id,
                           inbound_account_fn done, void *ctx)
{
    struct owner *owner = call_new(store, sizeof(*owner), SQL_READER, owner_result, owner_end);
    owner->done = done;
    owner->ctx = ctx;
    owner->found = STORE_ABSENT;
    params_uuid(&owner->call.params, account_id);
    call_add(&owner->call, SQL_INBOUND_ACCOUNT);
    call_submit(&owner->call);
}

/* ---- storing --------------------------------------------------------------------------------- */

static void put_id(struct params *params, const struct uuid *id)
{
    if (uuid_is_zero(id))
        params_null(params);
    else
        params_uuid(params, id);
}

void inbound_store_start(struct store *store, const struct inbound_event *event,
                         store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_INBOUND_STORE, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, &event->merchant_id);
    params_uuid(params, &event->account_id);
    put_id(params, &event->attempt_id);
    put_id(params, &event->payment_id);
    params_time(params, event->received_us);
    params_time(params, event->happened_us);
    params_int4(params, (int32_t)event->operations);
    params_text(params, event->event_id);
    params_text(params, event->provider);
    params_text(params, event->event_type);
    params_text(params, str_of(outcome_name(event->says)));
    params_text(params, event->provider_ids);
    params_text(params, str_of(inbound_state_name(event->state)));
    params_text(params, event->reason);
    params_bytea(params, event->body_sealed);
    call_submit(call);
}

/* ---- claiming -------------------------------------------------------------------------------- */

static void read_claim(const PGresult *res, int row, struct arena *arena, void *claim)
{
    struct inbound_claim *read = claim;
    *read = (struct inbound_claim){
        .merchant_id = column_uuid(res, row, 0),
        .account_id = column_uuid(res, row, 1),
        .event_id = column_copy(res, row, 2, arena),
        .epoch = column_int8(res, row, 3),
    };
}

static void tell_claims(claim_fn done, void *ctx, enum store_find found, const void *claims,
                        size_t count, const struct error *why)
{
    ((inbound_claim_fn)done)(ctx, found, claims, count, why);
}

static const struct claim_kind claim_kind = {SQL_INBOUND_CLAIM, sizeof(struct inbound_claim),
                                             read_claim, tell_claims};

void inbound_claim_start(struct store *store, unsigned limit, unsigned account_limit,
                         int64_t now_us, int64_t lease_ms, struct arena *arena,
                         inbound_claim_fn done, void *ctx)
{
    CHECK(limit <= INBOUND_CLAIM_MAX);
    struct call *call = claim_new(store, &claim_kind, now_us, lease_ms, arena, (claim_fn)done, ctx);
    struct params *params = &call->params;
    params_int8(params, limit);
    params_int8(params, account_limit);
    params_int8(params, INBOUND_CRASH_MAX);
    call_submit(call);
}

/* ---- applying -------------------------------------------------------------------------------- */

struct applying {
    struct call call;
    inbound_apply_fn done;
    void *ctx;
    struct inbound_tally tally;
};

static void apply_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct applying *applying = LIST_OWNER(job, struct applying, call.request.job);
    if (PQntuples(res) != 1)
        return;
    applying->tally = (struct inbound_tally){
        .applied = column_int8(res, 0, 0),
        .rechecked = column_int8(res, 0, 1),
        .waiting = column_int8(res, 0, 2),
        .dead = column_int8(res, 0, 3),
        .late = column_int8(res, 0, 4),
    };
}

static void apply_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct applying *applying = LIST_OWNER(job, struct applying, call.request.job);
    applying->done(applying->ctx, end == PG_DONE ? STORE_FOUND : STORE_FAILED, &applying->tally,
                   &why->err);
    call_free(&applying->call);
}

static void put_claims(struct params *params, const struct inbound_claim *claims, size_t count)
{
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params, &claims[i].merchant_id);
    params_array_end(params);
    params_array_begin(params, VALUE_UUID, count);
    for (size_t i = 0; i < count; i++)
        params_put_uuid(params, &claims[i].account_id);
    params_array_end(params);
    params_array_begin(params, VALUE_TEXT, count);
    for (size_t i = 0; i < count; i++)
        params_put_bytes(params, claims[i].event_id);
    params_array_end(params);
    params_array_begin(params, VALUE_INT8, count);
    for (size_t i = 0; i < count; i++)
        params_put_int8(params, claims[i].epoch);
    params_array_end(params);
}

void inbound_apply_start(struct store *store, const struct inbound_claim *claims, size_t count,
                         const struct inbound_pace *pace, inbound_apply_fn done, void *ctx)
{
    CHECK(count > 0 && count <= INBOUND_CLAIM_MAX);
    struct applying *applying =
        call_new(store, sizeof(*applying), SQL_CONTROL, apply_result, apply_end);
    struct params *params = &applying->call.params;
    applying->done = done;
    applying->ctx = ctx;
    params_time(params, pace->now_us);
    put_claims(params, claims, count);
    params_int8(params, pace->soon_ms);
    params_int8(params, pace->retry_ms);
    params_int8(params, pace->retry_max_ms);
    params_int4(params, pace->tries_max);
    params_int8(params, pace->alert_ms);
    call_add(&applying->call, SQL_INBOUND_APPLY);
    call_submit(&applying->call);
}

void inbound_fail_start(struct store *store, const struct inbound_claim *claim,
                        const struct inbound_pace *pace, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_INBOUND_FAIL, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, &claim->merchant_id);
    params_uuid(params, &claim->account_id);
    params_text(params, claim->event_id);
    params_int8(params, claim->epoch);
    params_int4(params, pace->tries_max);
    params_time(params, pace->now_us);
    params_int8(params, pace->retry_ms);
    params_int8(params, pace->retry_max_ms);
    call_submit(call);
}

/* ---- how much waits -------------------------------------------------------------------------- */

void inbound_backlog_start(struct store *store, store_backlog_fn done, void *ctx)
{
    backlog_ask(store, SQL_INBOUND_BACKLOG, done, ctx);
}
