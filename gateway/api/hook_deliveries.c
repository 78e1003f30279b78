/* Deliveries of webhooks: what became of them, tests, and telling them again. */
#include "api/hooks.h"

#include "api/list.h"
#include "api/tables.h"
#include "base/clock.h"
#include "payment/present.h"

#define PING_TYPE "webhook.ping" /* as webhook/out.h names it */

struct delivery_call { /* in the call's arena */
    struct api_call *call;
    struct uuid endpoint_id;
    struct uuid event_id;
    int status;
};

static struct store *store_of(const struct api_call *call)
{
    return call->api->parts.store;
}

static const struct uuid *merchant_of(const struct api_call *call)
{
    return &call->caller.merchant->merchant_id;
}

/* ---- what is shown --------------------------------------------------------------------------- */

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_us > 0)
        json_put_str(json, key, clock_format_ms(wall_us, text));
    else
        json_put_null(json, key);
}

static void put_result(struct json_out *json, int32_t status, struct str error)
{
    if (status > 0)
        json_put_int(json, "response_status", status);
    else
        json_put_null(json, "response_status");
    if (error.len > 0)
        json_put_str(json, "error", error);
    else
        json_put_null(json, "error");
}

static void put_tries(struct json_out *json, const struct hook_delivery *delivery)
{
    json_key(json, "tries");
    json_begin_array(json);
    for (size_t i = 0; i < delivery->try_row_count; i++) {
        const struct hook_try *one = &delivery->tries[i];
        json_begin_object(json);
        json_put_int(json, "number", one->number);
        put_result(json, one->status, one->error);
        json_put_int(json, "elapsed_ms", one->elapsed_us / CLOCK_MS_US);
        put_time(json, "ended", one->created_us);
        json_end_object(json);
    }
    json_end_array(json);
}

static void print(struct api_call *call, size_t index, const void *ctx, struct buf *out)
{
    const struct hook_delivery *delivery = (const struct hook_delivery *)ctx + index;
    char id[HOOK_DELIVERY_ID_SIZE];
    char part[ID_TEXT_SIZE];
    struct json_out json;
    bool is_open = delivery->state == HOOK_WAITING || delivery->state == HOOK_SENDING;
    (void)call;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "id", hook_delivery_id(&delivery->endpoint_id, &delivery->event_id, id));
    json_put_cstr(&json, "object", "webhook_delivery");
    json_put_str(&json, "endpoint", id_format(ID_ENDPOINT, &delivery->endpoint_id, part));
    json_put_str(&json, "event", id_format(ID_EVENT, &delivery->event_id, part));
    json_put_str(&json, "type", delivery->type);
    json_put_cstr(&json, "status", hook_state_name(delivery->state));
    json_put_int(&json, "try_count", delivery->try_count);
    put_result(&json, delivery->last_status, delivery->last_error);
    put_tries(&json, delivery);
    put_time(&json, "created", delivery->created_us);
    put_time(&json, "next_try", is_open ? delivery->next_us : 0);
    put_time(&json, "ended", delivery->done_us);
    json_end_object(&json);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct listing { /* in the call's arena */
    struct delivery_call base;
    struct hook_filter filter;
    const struct hook_delivery *deliveries;
    size_t count;
    bool has_more;
};

static void reply_page(struct listing *listing)
{
    struct api_call *call = listing->base.call;
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_ENDPOINT, &listing->base.endpoint_id, id);
    api_reply_list(call, arena_printf(&call->arena, "/v1/webhook-endpoints/%s/deliveries", id),
                   listing->has_more, listing->count, print, listing->deliveries);
}

/* An empty page: of an endpoint that has none, or of none. */
static void endpoint_loaded(void *ctx, enum store_find found, const struct hook_endpoint *endpoints,
                            size_t count, const struct error *why)
{
    struct listing *listing = ctx;
    (void)endpoints;
    (void)count;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(listing->base.call);
    else if (found == STORE_ABSENT)
        hooks_reply_absent(listing->base.call);
    else
        reply_page(listing);
}

static void listed(void *ctx, enum store_find found, const struct hook_delivery *deliveries,
                   size_t count, bool has_more, const struct error *why)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->base.call;
    (void)why;
    listing->deliveries = deliveries;
    listing->count = count;
    listing->has_more = has_more;
    if (found == STORE_FAILED)
        api_call_unavailable(call);
    else if (count == 0)
        hooks_load(store_of(call), merchant_of(call), &listing->base.endpoint_id, clock_wall_us(),
                   &call->arena, endpoint_loaded, listing);
    else
        reply_page(listing);
}

void hook_deliveries_list(struct api_call *call)
{
    struct listing *listing = ARENA_NEW(&call->arena, struct listing);
    struct uuid ignored;
    struct str text;
    int64_t limit = TABLES_LIST_LIMIT;
    listing->base.call = call;
    if (!hooks_take_endpoint(call, &listing->base.endpoint_id))
        return;
    struct hook_filter *filter = &listing->filter;
    filter->merchant_id = *merchant_of(call);
    filter->endpoint_id = listing->base.endpoint_id;
    filter->from_us = api_query_time(call, "created_from");
    filter->to_us = api_query_time(call, "created_to");
    if (api_call_query(call, "limit", &text))
        CHECK(str_to_int64(text, &limit));
    if (api_call_query(call, "starting_after", &text))
        CHECK(hook_delivery_parse(text, &ignored, &filter->after));
    if (api_call_query(call, "status", &text))
        filter->state = hook_state_find(text);
    if (api_call_query(call, "type", &text))
        filter->type = arena_str(&call->arena, text);
    filter->limit = (unsigned)limit;
    hooks_deliveries(store_of(call), filter, &call->arena, listed, listing);
}

/* ---- one of them ----------------------------------------------------------------------------- */

static void reply_absent(struct api_call *call)
{
    api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such webhook delivery"), STR_NONE);
}

static void shown(void *ctx, enum store_find found, const struct hook_delivery *deliveries,
                  size_t count, bool has_more, const struct error *why)
{
    struct delivery_call *delivery = ctx;
    struct api_call *call = delivery->call;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (count == 0) {
        reply_absent(call);
    } else {
        struct buf body;
        buf_init(&body, PRESENT_BYTES_MAX);
        print(call, 0, deliveries, &body);
        api_call_reply_json(call, delivery->status, &body);
        buf_release(&body);
    }
}

static void show(struct delivery_call *delivery)
{
    struct api_call *call = delivery->call;
    hooks_delivery(store_of(call), merchant_of(call), &delivery->endpoint_id, &delivery->event_id,
                   &call->arena, shown, delivery);
}

/* NULL: the call was answered. */
static struct delivery_call *begin(struct api_call *call, int status)
{
    struct delivery_call *delivery = ARENA_NEW(&call->arena, struct delivery_call);
    delivery->call = call;
    delivery->status = status;
    if (hook_delivery_parse(call->params.value[0], &delivery->endpoint_id, &delivery->event_id))
        return delivery;
    reply_absent(call);
    return NULL;
}

void hook_deliveries_show(struct api_call *call)
{
    struct delivery_call *delivery = begin(call, 200);
    if (delivery != NULL)
        show(delivery);
}

/* ---- telling again --------------------------------------------------------------------------- */

/* Nothing was changed: why? */
static void refused_replay(void *ctx, enum store_find found, const struct hook_delivery *deliveries,
                           size_t count, bool has_more, const struct error *why)
{
    struct delivery_call *delivery = ctx;
    if (found != STORE_FOUND)
        shown(ctx, found, deliveries, count, has_more, why);
    else
        api_call_problem(delivery->call, MESSAGE_CONFLICT,
                         STR("the delivery is being sent at this moment, or its endpoint is "
                             "disabled or deleted"),
                         STR_NONE);
}

static void replayed(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct delivery_call *delivery = ctx;
    struct api_call *call = delivery->call;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(call);
    else if (count == 0)
        hooks_delivery(store_of(call), merchant_of(call), &delivery->endpoint_id,
                       &delivery->event_id, &call->arena, refused_replay, delivery);
    else
        show(delivery);
}

void hook_deliveries_replay(struct api_call *call)
{
    struct delivery_call *delivery = begin(call, 202);
    if (delivery != NULL)
        hooks_replay(store_of(call), merchant_of(call), &delivery->endpoint_id, &delivery->event_id,
                     clock_wall_us(), replayed, delivery);
}

/* Nothing was changed: there is no such endpoint, or none of its deliveries fits, or it is disabled. */
static void reply_endpoint(void *ctx, enum store_find found, const struct hook_endpoint *endpoints,
                           size_t count, const struct error *why)
{
    struct delivery_call *delivery = ctx;
    (void)count;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(delivery->call);
    else if (found == STORE_ABSENT)
        hooks_reply_absent(delivery->call);
    else if (endpoints->disabled_us > 0)
        api_call_problem(delivery->call, MESSAGE_CONFLICT,
                         STR("the endpoint is disabled; enable it first"), STR_NONE);
    else
        api_call_reply(delivery->call, 202, STR("application/json"),
                       STR("{\"object\":\"webhook_replay\",\"count\":0,\"has_more\":false}"));
}

static void load_endpoint(struct delivery_call *delivery)
{
    struct api_call *call = delivery->call;
    hooks_load(store_of(call), merchant_of(call), &delivery->endpoint_id, clock_wall_us(),
               &call->arena, reply_endpoint, delivery);
}

static void range_replayed(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct delivery_call *delivery = ctx;
    struct api_call *call = delivery->call;
    struct json_out json;
    struct buf body;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    if (count == 0) {
        load_endpoint(delivery);
        return;
    }
    buf_init(&body, 1024);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "webhook_replay");
    json_put_int(&json, "count", count);
    json_put_bool(&json, "has_more", count >= HOOK_REPLAY_MAX);
    json_end_object(&json);
    api_call_reply_json(call, 202, &body);
    buf_release(&body);
}

static int64_t time_of(const json_t *body, const char *member)
{
    struct error ignored;
    int64_t wall_us = 0;
    struct str text = json_text(body, member);
    return text.len > 0 && clock_parse(text, &wall_us, &ignored) ? wall_us : 0;
}

void hook_endpoints_replay(struct api_call *call)
{
    struct delivery_call *delivery = ARENA_NEW(&call->arena, struct delivery_call);
    delivery->call = call;
    if (!hooks_take_endpoint(call, &delivery->endpoint_id))
        return;
    hooks_replay_range(store_of(call), merchant_of(call), &delivery->endpoint_id,
                       time_of(call->body, "from"), time_of(call->body, "to"),
                       hook_state_find(json_text(call->body, "status")), clock_wall_us(),
                       range_replayed, delivery);
}

/* ---- a test ---------------------------------------------------------------------------------- */

static void pinged(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct delivery_call *delivery = ctx;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(delivery->call);
    else if (count == 0)
        load_endpoint(delivery); /* absent or disabled */
    else
        show(delivery);
}

void hook_endpoints_test(struct api_call *call)
{
    struct delivery_call *delivery = ARENA_NEW(&call->arena, struct delivery_call);
    delivery->call = call;
    delivery->status = 202;
    delivery->event_id = uuid_new();
    if (hooks_take_endpoint(call, &delivery->endpoint_id))
        hooks_ping(store_of(call), merchant_of(call), &delivery->endpoint_id, &delivery->event_id,
                   STR(PING_TYPE), clock_wall_us(), pinged, delivery);
}
