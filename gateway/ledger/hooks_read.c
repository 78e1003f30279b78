/* What became of deliveries, and telling them again. */
#include "ledger/hooks.h"

#include <string.h>

#include "base/clock.h"
#include "ledger/call.h"
#include "ledger/count.h"

struct deliveries_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    struct uuid endpoint_id;
    unsigned limit;
    bool has_more;
    bool has_tries; /* they were asked for */
    struct hook_delivery *deliveries;
    size_t count;
    hook_deliveries_fn done;
    void *ctx;
};

static void take_deliveries(struct deliveries_read *read, const PGresult *res)
{
    size_t count = (size_t)PQntuples(res);
    read->has_more = count > read->limit;
    read->count = read->has_more ? read->limit : count;
    read->deliveries = ARENA_ARRAY(read->arena, struct hook_delivery, read->count);
    for (size_t i = 0; i < read->count; i++) {
        int row = (int)i;
        read->deliveries[i] = (struct hook_delivery){
            .endpoint_id = column_uuid(res, row, 0),
            .event_id = column_uuid(res, row, 1),
            .payment_id = column_uuid(res, row, 2),
            .created_us = column_time(res, row, 3),
            .next_us = column_time(res, row, 4),
            .done_us = column_time(res, row, 5),
            .try_count = column_int4(res, row, 6),
            .round_try_count = column_int4(res, row, 7),
            .last_status = column_int4(res, row, 8),
            .state = hook_state_find(column_text(res, row, 9)),
            .type = column_copy(res, row, 10, read->arena),
            .last_error = column_copy(res, row, 11, read->arena),
        };
    }
}

/* They come by event, each by number. */
static void take_tries(struct deliveries_read *read, const PGresult *res)
{
    size_t count = (size_t)PQntuples(res);
    struct hook_try *tries = ARENA_ARRAY(read->arena, struct hook_try, count);
    for (size_t i = 0; i < count; i++) {
        int row = (int)i;
        const struct uuid event_id = column_uuid(res, row, 0);
        tries[i] = (struct hook_try){
            .number = column_int4(res, row, 1),
            .created_us = column_time(res, row, 2),
            .elapsed_us = column_int8(res, row, 3),
            .status = column_int4(res, row, 4),
            .error = column_copy(res, row, 5, read->arena),
        };
        for (size_t n = 0; n < read->count; n++) {
            struct hook_delivery *delivery = &read->deliveries[n];
            if (!uuid_eq(&delivery->event_id, &event_id))
                continue;
            if (delivery->try_row_count++ == 0)
                delivery->tries = &tries[i];
        }
    }
}

static void deliveries_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct deliveries_read *read = LIST_OWNER(job, struct deliveries_read, call.request.job);
    if (sql == SQL_HOOK_TRIES)
        take_tries(read, res);
    else
        take_deliveries(read, res);
}

static void deliveries_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct deliveries_read *read = LIST_OWNER(job, struct deliveries_read, call.request.job);
    struct params *params = &read->call.params;
    if (end == PG_DONE && read->count > 0 && !read->has_tries) {
        read->has_tries = true;
        call_reset(&read->call, deliveries_result, deliveries_end);
        params_uuid(params, &read->merchant_id);
        params_uuid(params, &read->endpoint_id);
        params_array_begin(params, VALUE_UUID, read->count);
        for (size_t i = 0; i < read->count; i++)
            params_put_uuid(params, &read->deliveries[i].event_id);
        params_array_end(params);
        call_add(&read->call, SQL_HOOK_TRIES);
        call_submit(&read->call);
        return;
    }
    if (end == PG_DONE)
        read->done(read->ctx, read->count > 0 ? STORE_FOUND : STORE_ABSENT, read->deliveries,
                   read->count, read->has_more, &why->err);
    else
        read->done(read->ctx, STORE_FAILED, NULL, 0, false, &why->err);
    call_free(&read->call);
}

static struct deliveries_read *read_new(struct store *store, const struct uuid *merchant_id,
                                        const struct uuid *endpoint_id, struct arena *arena,
                                        hook_deliveries_fn done, void *ctx)
{
    struct deliveries_read *read =
        call_new(store, sizeof(*read), SQL_READER, deliveries_result, deliveries_end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->endpoint_id = *endpoint_id;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    params_uuid(&read->call.params, endpoint_id);
    return read;
}

/* Events that came before wall_us have smaller ids; 0: `open`. */
static struct uuid bound_of(int64_t wall_us, uint8_t open)
{
    struct uuid id;
    if (wall_us > 0)
        return uuid_first(wall_us + CLOCK_MS_US - 1);
    memset(&id, open, sizeof(id));
    return id;
}

void hooks_deliveries(struct store *store, const struct hook_filter *filter, struct arena *arena,
                      hook_deliveries_fn done, void *ctx)
{
    struct deliveries_read *read =
        read_new(store, &filter->merchant_id, &filter->endpoint_id, arena, done, ctx);
    struct params *params = &read->call.params;
    const struct uuid least = bound_of(filter->from_us, 0x00);
    struct uuid below = bound_of(filter->to_us, 0xff);
    CHECK(filter->limit >= 1 && filter->limit <= STORE_LIST_MAX);
    if (!uuid_is_zero(&filter->after) && uuid_compare(&filter->after, &below) < 0)
        below = filter->after;
    read->limit = filter->limit;
    params_uuid(params, &below);
    params_uuid(params, &least);
    if (filter->state != HOOK_NONE)
        params_text(params, str_of(hook_state_name(filter->state)));
    else
        params_null(params);
    if (filter->type.len > 0)
        params_text(params, filter->type);
    else
        params_null(params);
    params_int8(params, filter->limit + 1);
    call_add(&read->call, SQL_HOOK_DELIVERIES);
    call_submit(&read->call);
}

void hooks_delivery(struct store *store, const struct uuid *merchant_id,
                    const struct uuid *endpoint_id, const struct uuid *event_id,
                    struct arena *arena, hook_deliveries_fn done, void *ctx)
{
    struct deliveries_read *read = read_new(store, merchant_id, endpoint_id, arena, done, ctx);
    read->limit = 1;
    params_uuid(&read->call.params, event_id);
    call_add(&read->call, SQL_HOOK_DELIVERY);
    call_submit(&read->call);
}

void hooks_ping(struct store *store, const struct uuid *merchant_id, const struct uuid *endpoint_id,
                const struct uuid *event_id, struct str type, int64_t now_us, store_count_fn done,
                void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_PING, done, ctx);
    params_uuid(&call->params, merchant_id);
    params_uuid(&call->params, endpoint_id);
    params_uuid(&call->params, event_id);
    params_time(&call->params, now_us);
    params_text(&call->params, type);
    call_submit(call);
}

void hooks_replay(struct store *store, const struct uuid *merchant_id,
                  const struct uuid *endpoint_id, const struct uuid *event_id, int64_t now_us,
                  store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_REPLAY, done, ctx);
    params_time(&call->params, now_us);
    params_uuid(&call->params, merchant_id);
    params_uuid(&call->params, endpoint_id);
    params_uuid(&call->params, event_id);
    call_submit(call);
}

void hooks_replay_range(struct store *store, const struct uuid *merchant_id,
                        const struct uuid *endpoint_id, int64_t from_us, int64_t to_us,
                        enum hook_state state, int64_t now_us, store_count_fn done, void *ctx)
{
    struct call *call = count_new(store, SQL_HOOK_REPLAY_RANGE, done, ctx);
    struct params *params = &call->params;
    const struct uuid least = bound_of(from_us, 0x00);
    const struct uuid below = bound_of(to_us, 0xff);
    params_time(params, now_us);
    params_uuid(params, merchant_id);
    params_uuid(params, endpoint_id);
    params_uuid(params, &least);
    params_uuid(params, &below);
    if (state != HOOK_NONE)
        params_text(params, str_of(hook_state_name(state)));
    else
        params_null(params);
    params_int8(params, HOOK_REPLAY_MAX);
    call_submit(call);
}
