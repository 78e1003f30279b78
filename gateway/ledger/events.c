#include "ledger/events.h"

#include <string.h>

#include "base/clock.h"
#include "ledger/call.h"

/* An event's id carries its time; the two may differ by what clocks of several hosts do. */
#define CLOCK_SLACK_MS INT64_C(3600000)

struct events_read {
    struct call call;
    struct arena *arena;
    struct uuid merchant_id;
    unsigned limit; /* 0: all */
    struct event_view *events;
    size_t count;
    bool has_more;
    bool is_one;
    events_fn done;
    void *ctx;
};

void events_take(const PGresult *res, int row, const struct uuid *merchant_id, struct arena *arena,
                 struct event_view *event)
{
    *event = (struct event_view){
        .merchant_id = *merchant_id,
        .event_id = column_uuid(res, row, 0),
        .subject_id = column_uuid(res, row, 1),
        .attempt_id = column_uuid(res, row, 2),
        .created_us = column_time(res, row, 3),
        .number = column_int4(res, row, 4),
        .type = column_copy(res, row, 5, arena),
        .status = payment_status_find(column_text(res, row, 6)),
        .data_json = column_copy(res, row, 7, arena),
        .kind = column_copy(res, row, 8, arena),
        .livemode = column_bool(res, row, 9),
        .amount_minor = column_int8(res, row, 10),
        .reference = column_copy(res, row, 12, arena),
        .parent_id = column_uuid(res, row, 13),
    };
    (void)str_copy_to(column_text(res, row, 11), event->currency, sizeof(event->currency));
}

static void events_result(struct pg_job *job, enum sql sql UNUSED, const PGresult *res)
{
    struct events_read *read = LIST_OWNER(job, struct events_read, call.request.job);
    size_t count = (size_t)PQntuples(res);
    read->has_more = read->limit > 0 && count > read->limit;
    read->count = read->has_more ? read->limit : count;
    read->events = ARENA_ARRAY(read->arena, struct event_view, read->count);
    for (size_t i = 0; i < read->count; i++)
        events_take(res, (int)i, &read->merchant_id, read->arena, &read->events[i]);
}

static void events_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct events_read *read = LIST_OWNER(job, struct events_read, call.request.job);
    enum store_find found = end == PG_DONE ? STORE_FOUND : STORE_FAILED;
    if (found == STORE_FOUND && read->is_one && read->count == 0)
        found = STORE_ABSENT;
    read->done(read->ctx, found, read->events, found == STORE_FOUND ? read->count : 0,
               read->has_more, &why->err);
    call_free(&read->call);
}

static struct events_read *read_new(struct store *store, const struct uuid *merchant_id,
                                    struct arena *arena, events_fn done, void *ctx)
{
    struct events_read *read =
        call_new(store, sizeof(*read), SQL_READER, events_result, events_end);
    read->arena = arena;
    read->merchant_id = *merchant_id;
    read->done = done;
    read->ctx = ctx;
    params_uuid(&read->call.params, merchant_id);
    return read;
}

static struct uuid id_floor(int64_t wall_us, int64_t slack_ms)
{
    return uuid_first(wall_us + slack_ms * CLOCK_MS_US);
}

void events_list(struct store *store, const struct event_filter *filter, struct arena *arena,
                 events_fn done, void *ctx)
{
    struct events_read *read = read_new(store, &filter->merchant_id, arena, done, ctx);
    struct params *params = &read->call.params;
    struct uuid below;
    struct uuid least = {{0}};
    memset(below.byte, 0xff, sizeof(below.byte));
    if (filter->to_us > 0)
        below = id_floor(filter->to_us, CLOCK_SLACK_MS);
    if (!uuid_is_zero(&filter->after) && uuid_compare(&filter->after, &below) < 0)
        below = filter->after;
    if (filter->from_us > 0)
        least = id_floor(filter->from_us, -CLOCK_SLACK_MS);
    read->limit = filter->limit < 1 ? 1 : filter->limit;
    if (read->limit > STORE_LIST_MAX)
        read->limit = STORE_LIST_MAX;
    params_uuid(params, &below);
    params_uuid(params, &least);
    params_time(params, filter->from_us);
    params_time(params, filter->to_us > 0 ? filter->to_us : INT64_C(1) << 60);
    if (str_is_empty(filter->type))
        params_null(params);
    else
        params_text(params, filter->type);
    params_int8(params, (int64_t)read->limit + 1);
    if (uuid_is_zero(&filter->payment_id)) {
        call_add(&read->call, SQL_EVENT_LIST);
    } else {
        params_uuid(params, &filter->payment_id);
        call_add(&read->call, SQL_EVENT_LIST_PAYMENT);
    }
    call_submit(&read->call);
}

void events_load(struct store *store, const struct uuid *merchant_id, const struct uuid *event_id,
                 struct arena *arena, events_fn done, void *ctx)
{
    struct events_read *read = read_new(store, merchant_id, arena, done, ctx);
    read->is_one = true;
    params_uuid(&read->call.params, event_id);
    call_add(&read->call, SQL_EVENT_LOAD);
    call_submit(&read->call);
}

void events_of_payment(struct store *store, const struct uuid *merchant_id,
                       const struct uuid *payment_id, struct arena *arena, events_fn done,
                       void *ctx)
{
    struct events_read *read = read_new(store, merchant_id, arena, done, ctx);
    params_uuid(&read->call.params, payment_id);
    call_add(&read->call, SQL_EVENT_OF_PAYMENT);
    call_submit(&read->call);
}
