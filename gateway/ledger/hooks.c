#include "ledger/hooks.h"

#include "ledger/call.h"
#include "ledger/count.h"

/* ---- endpoints as they are ------------------------------------------------------------------- */

struct endpoints_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    struct hook_endpoint *endpoints;
    size_t count;
    hook_endpoints_fn done;
    void *ctx;
};

static void take_endpoints(struct endpoints_read *read, const PGresult *res)
{
    read->count = (size_t)PQntuples(res);
    read->endpoints = ARENA_ARRAY(read->arena, struct hook_endpoint, read->count);
    for (int row = 0; row < PQntuples(res); row++) {
        read->endpoints[row] = (struct hook_endpoint){
            .merchant_id = read->merchant_id,
            .endpoint_id = column_uuid(res, row, 0),
            .created_us = column_time(res, row, 1),
            .url = column_copy(res, row, 2, read->arena),
            .description = column_copy(res, row, 3, read->arena),
            .event_types = column_copy(res, row, 4, read->arena),
            .livemode = column_bool(res, row, 5),
            .disabled_us = column_time(res, row, 6),
            .disabled_reason = column_copy(res, row, 7, read->arena),
            .failing_us = column_time(res, row, 8),
            .failure_count = column_int4(res, row, 9),
            .resume_us = column_time(res, row, 10),
        };
    }
}

static void take_secrets(struct endpoints_read *read, const PGresult *res)
{
    for (int row = 0; row < PQntuples(res); row++) {
        const struct uuid endpoint_id = column_uuid(res, row, 0);
        for (size_t i = 0; i < read->count; i++) {
            struct hook_endpoint *endpoint = &read->endpoints[i];
            if (!uuid_eq(&endpoint->endpoint_id, &endpoint_id) ||
                endpoint->secret_count == HOOK_SECRET_MAX)
                continue;
            struct hook_secret *secret = &endpoint->secrets[endpoint->secret_count++];
            secret->secret_id = column_uuid(res, row, 1);
            secret->created_us = column_time(res, row, 2);
            secret->expires_us = column_time(res, row, 3);
            column_digest(res, row, 4, secret->public_key);
        }
    }
}

static void endpoints_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct endpoints_read *read = LIST_OWNER(job, struct endpoints_read, call.request.job);
    if (sql == SQL_HOOK_LIST || sql == SQL_HOOK_LOAD)
        take_endpoints(read, res);
    else
        take_secrets(read, res);
}

static void endpoints_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct endpoints_read *read = LIST_OWNER(job, struct endpoints_read, call.request.job);
    if (end == PG_DONE)
        read->done(read->ctx, read->count > 0 ? STORE_FOUND : STORE_ABSENT, read->endpoints,
                   read->count, &why->err);
    else
        read->done(read->ctx, STORE_FAILED, NULL, 0, &why->err);
    call_free(&read->call);
}

static struct endpoints_read *read_new(struct store *store, const struct uuid *merchant_id,
                                       int64_t now_us, struct arena *arena, hook_endpoints_fn done,
                                       void *ctx)
{
    struct endpoints_read *read =
        call_new(store, sizeof(*read), SQL_READER, endpoints_result, endpoints_end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    params_time(&read->call.params, now_us);
    return read;
}

void hooks_list(struct store *store, const struct uuid *merchant_id, int64_t now_us,
                struct arena *arena, hook_endpoints_fn done, void *ctx)
{
    struct endpoints_read *read = read_new(store, merchant_id, now_us, arena, done, ctx);
    call_add(&read->call, SQL_HOOK_LIST);
    call_add(&read->call, SQL_HOOK_LIST_SECRETS);
    call_submit(&read->call);
}

void hooks_load(struct store *store, const struct uuid *merchant_id, const struct uuid *endpoint_id,
                int64_t now_us, struct arena *arena, hook_endpoints_fn done, void *ctx)
{
    struct endpoints_read *read = read_new(store, merchant_id, now_us, arena, done, ctx);
    params_uuid(&read->call.params, endpoint_id);
    call_add(&read->call, SQL_HOOK_LOAD);
    call_add(&read->call, SQL_HOOK_LOAD_SECRETS);
    call_submit(&read->call);
}

/* ---- changing them --------------------------------------------------------------------------- */

static struct str bytes_of(const uint8_t *bytes, size_t len)
{
    return (struct str){(const char *)bytes, len};
}

void hooks_create(struct store *store, const struct hook_endpoint *endpoint,
                  const struct hook_secret *secret, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_CREATE, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, &endpoint->merchant_id);
    params_uuid(params, &endpoint->endpoint_id);
    params_time(params, endpoint->created_us);
    params_bool(params, endpoint->livemode);
    params_text(params, endpoint->url);
    params_text(params, endpoint->description);
    params_text(params, endpoint->event_types);
    params_bool(params, endpoint->disabled_us == 0);
    params_uuid(params, &secret->secret_id);
    params_bytea(params, bytes_of(secret->public_key, sizeof(secret->public_key)));
    params_bytea(params, secret->sealed);
    params_int8(params, HOOK_ENDPOINT_MAX);
    call_submit(call);
}

static void put_if(struct params *params, bool has, struct str text)
{
    if (has)
        params_text(params, text);
    else
        params_null(params);
}

void hooks_update(struct store *store, const struct hook_change *change, int64_t now_us,
                  store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_UPDATE, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, &change->merchant_id);
    params_uuid(params, &change->endpoint_id);
    params_time(params, now_us);
    put_if(params, change->has_url, change->url);
    put_if(params, change->has_description, change->description);
    put_if(params, change->has_event_types, change->event_types);
    if (change->has_enabled)
        params_bool(params, change->enabled);
    else
        params_null(params);
    call_submit(call);
}

void hooks_delete(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_DELETE, done, ctx);
    params_uuid(&call->params, merchant_id);
    params_uuid(&call->params, endpoint_id);
    params_time(&call->params, now_us);
    call_submit(call);
}

void hooks_rotate(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, const struct hook_secret *secret,
                  int64_t until_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_ROTATE, done, ctx);
    struct params *params = &call->params;
    params_uuid(params, merchant_id);
    params_uuid(params, endpoint_id);
    params_uuid(params, &secret->secret_id);
    params_time(params, secret->created_us);
    params_bytea(params, bytes_of(secret->public_key, sizeof(secret->public_key)));
    params_bytea(params, secret->sealed);
    params_time(params, until_us);
    params_int8(params, HOOK_SECRET_MAX);
    call_submit(call);
}
