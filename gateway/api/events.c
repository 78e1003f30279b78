/* /v1/events, and what happened to one payment. The stream is in event_stream.c. */
#include "api/list.h"

#include "api/tables.h"
#include "payment/history.h"
#include "payment/present.h"

static void not_found(struct api_call *call, struct str detail)
{
    api_call_problem(call, MESSAGE_NOT_FOUND, detail, STR_NONE);
}

/* ---- one ------------------------------------------------------------------------------------- */

static void show_loaded(void *ctx, enum store_find found, const struct event_view *events,
                        size_t count, bool has_more, const struct error *why)
{
    struct api_call *call = ctx;
    struct buf body;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (found == STORE_ABSENT || count == 0) {
        not_found(call, STR("there is no such event"));
    } else {
        buf_init(&body, PRESENT_BYTES_MAX);
        present_event(&events[0], &body);
        api_call_reply_json(call, 200, &body);
        buf_release(&body);
    }
}

void events_show(struct api_call *call)
{
    struct uuid id;
    struct error ignored;
    if (!id_parse(ID_EVENT, call->params.value[0], &id, &ignored)) {
        not_found(call, STR("there is no such event"));
        return;
    }
    events_load(call->api->parts.store, &call->caller.merchant->merchant_id, &id, &call->arena,
                show_loaded, call);
}

/* ---- list ------------------------------------------------------------------------------------ */

static void print_event(struct api_call *call UNUSED, size_t index, const void *ctx,
                        struct buf *out)
{
    const struct event_view *events = ctx;
    present_event(&events[index], out);
}

static void list_loaded(void *ctx, enum store_find found, const struct event_view *events,
                        size_t count, bool has_more, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/events"), has_more, count, print_event, events);
}

static struct uuid query_id(struct api_call *call, const char *name, enum id_kind kind)
{
    struct str text;
    struct error ignored;
    struct uuid id = {{0}};
    if (api_call_query(call, name, &text) && !id_parse(kind, text, &id, &ignored)) {
        return (struct uuid){{0}}; /* the table has checked it */
    }
    return id;
}

void events_query(struct api_call *call)
{
    struct event_filter filter = {
        .merchant_id = call->caller.merchant->merchant_id,
        .payment_id = query_id(call, "payment", ID_PAYMENT),
        .from_us = api_query_time(call, "created_from"),
        .to_us = api_query_time(call, "created_to"),
        .after = query_id(call, "starting_after", ID_EVENT),
        .limit = TABLES_LIST_LIMIT,
    };
    struct str text;
    int64_t limit = 0;
    if (api_call_query(call, "limit", &text) && str_to_int64(text, &limit)) {
        filter.limit = (unsigned)limit;
    }
    (void)api_call_query(call, "type", &filter.type);
    events_list(call->api->parts.store, &filter, &call->arena, list_loaded, call);
}

/* ---- the life of a payment -------------------------------------------------------------------- */

struct life {
    struct api_call *call;
    const struct store_payment_view *payment;
    const struct store_payment_view *operations;
    size_t operation_count;
};

static void print_entry(struct api_call *call UNUSED, size_t index, const void *ctx,
                        struct buf *out)
{
    history_print(ctx, index, out);
}

static void life_known(void *ctx, enum store_find found, const struct event_view *events,
                       size_t count, bool has_more, const struct error *why)
{
    struct life *life = ctx;
    struct api_call *call = life->call;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    struct history_parts parts = {
        .payment = life->payment,
        .events = events,
        .event_count = count,
        .operations = life->operations,
        .operation_count = life->operation_count,
    };
    size_t entry_count;
    const struct history_entry *entries = history_make(&parts, &call->arena, &entry_count);
    char id[ID_TEXT_SIZE];
    struct str shown = id_format(ID_PAYMENT, &life->payment->row.payment_id, id);
    struct str url = arena_printf(&call->arena, "/v1/payments/" STR_FMT "/events", STR_ARG(shown));
    api_reply_list(call, url, false, entry_count, print_entry, entries);
}

static void operations_known(void *ctx, enum store_find found,
                             const struct store_payment_view *operations, size_t count,
                             bool has_more, const struct error *why)
{
    struct life *life = ctx;
    struct api_call *call = life->call;
    const struct store_payment *row = &life->payment->row;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    life->operations = operations;
    life->operation_count = count;
    events_of_payment(call->api->parts.store, &row->merchant_id, &row->payment_id, &call->arena,
                      life_known, life);
}

static void payment_loaded(void *ctx, enum store_find found,
                           const struct store_payment_view *payment, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    if (found == STORE_ABSENT) {
        not_found(call, STR("there is no such payment"));
        return;
    }
    struct life *life = ARENA_NEW(&call->arena, struct life);
    life->call = call;
    life->payment = payment;
    store_list_operations(call->api->parts.store, &payment->row.merchant_id,
                          &payment->row.payment_id, STORE_ANY, false, &call->arena,
                          operations_known, life);
}

void payments_events(struct api_call *call)
{
    struct uuid id;
    struct error ignored;
    if (!id_parse(ID_PAYMENT, call->params.value[0], &id, &ignored)) {
        not_found(call, STR("there is no such payment"));
        return;
    }
    store_load_payment(call->api->parts.store, &call->caller.merchant->merchant_id, &id,
                       STORE_PAYMENTS, &call->arena, payment_loaded, call);
}
