/* /v1/webhook-endpoints: addresses of merchants that are told of events, and their secrets. */
#include "api/hooks.h"

#include "api/list.h"
#include "api/tables.h"
#include "base/clock.h"
#include "http/egress.h"
#include "payment/hook_secret.h"
#include "payment/present.h"

enum {
    HOUR_S = 3600,
};

struct hook_call { /* in the call's arena */
    struct api_call *call;
    struct uuid endpoint_id;
    int status;                         /* of success */
    char secret[HOOK_SECRET_TEXT_SIZE]; /* shown this once; "": none is */
    int64_t replaced_us;                /* until then the former secrets are valid; 0: none was */
};

static struct store *store_of(const struct api_call *call)
{
    return call->api->parts.store;
}

static const struct uuid *merchant_of(const struct api_call *call)
{
    return &call->caller.merchant->merchant_id;
}

void hooks_reply_absent(struct api_call *call)
{
    api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such webhook endpoint"), STR_NONE);
}

bool hooks_take_endpoint(struct api_call *call, struct uuid *endpoint_id)
{
    struct error ignored;
    if (id_parse(ID_ENDPOINT, call->params.value[0], endpoint_id, &ignored))
        return true;
    hooks_reply_absent(call);
    return false;
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

static void put_types(struct json_out *json, struct str types)
{
    json_key(json, "event_types");
    json_begin_array(json);
    while (types.len > 0)
        json_str(json, str_cut(&types, ' '));
    json_end_array(json);
}

static void put_keys(struct json_out *json, const struct hook_endpoint *endpoint)
{
    json_key(json, "public_keys");
    json_begin_array(json);
    for (size_t i = 0; i < endpoint->secret_count; i++) {
        const struct hook_secret *secret = &endpoint->secrets[i];
        char text[HOOK_SECRET_TEXT_SIZE];
        json_begin_object(json);
        json_put_str(json, "key", hook_public_key(secret->public_key, text));
        put_time(json, "created", secret->created_us);
        put_time(json, "expires", secret->expires_us);
        json_end_object(json);
    }
    json_end_array(json);
}

static void print(const struct hook_endpoint *endpoint, const struct hook_call *made,
                  struct buf *out)
{
    struct json_out json;
    char id[ID_TEXT_SIZE];
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_str(&json, "id", id_format(ID_ENDPOINT, &endpoint->endpoint_id, id));
    json_put_cstr(&json, "object", "webhook_endpoint");
    json_put_str(&json, "url", endpoint->url);
    json_put_str(&json, "description", endpoint->description);
    put_types(&json, endpoint->event_types);
    json_put_bool(&json, "enabled", endpoint->disabled_us == 0);
    put_time(&json, "disabled", endpoint->disabled_us);
    if (endpoint->disabled_reason.len > 0)
        json_put_str(&json, "disabled_reason", endpoint->disabled_reason);
    else
        json_put_null(&json, "disabled_reason");
    put_time(&json, "failing_since", endpoint->failing_us);
    json_put_int(&json, "failures", endpoint->failure_count);
    put_keys(&json, endpoint);
    if (made != NULL && made->secret[0] != '\0')
        json_put_cstr(&json, "secret", made->secret);
    if (made != NULL && made->replaced_us > 0)
        put_time(&json, "replaced_until", made->replaced_us);
    put_time(&json, "created", endpoint->created_us);
    json_put_bool(&json, "livemode", endpoint->livemode);
    json_end_object(&json);
}

/* ---- list, show ------------------------------------------------------------------------------ */

static void print_one(struct api_call *call, size_t index, const void *ctx, struct buf *out)
{
    const struct hook_endpoint *endpoints = ctx;
    (void)call;
    print(&endpoints[index], NULL, out);
}

static void listed(void *ctx, enum store_find found, const struct hook_endpoint *endpoints,
                   size_t count, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(call);
    else
        api_reply_list(call, STR("/v1/webhook-endpoints"), false, count, print_one, endpoints);
}

void hook_endpoints_list(struct api_call *call)
{
    hooks_list(store_of(call), merchant_of(call), clock_wall_us(), &call->arena, listed, call);
}

static void shown(void *ctx, enum store_find found, const struct hook_endpoint *endpoints,
                  size_t count, const struct error *why)
{
    struct hook_call *hook = ctx;
    struct api_call *call = hook->call;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (count == 0) {
        hooks_reply_absent(call);
    } else {
        struct buf body;
        buf_init(&body, PRESENT_BYTES_MAX);
        print(endpoints, hook, &body);
        api_call_reply_json(call, hook->status, &body);
        buf_release(&body);
    }
}

static void show(struct hook_call *hook)
{
    struct api_call *call = hook->call;
    hooks_load(store_of(call), merchant_of(call), &hook->endpoint_id, clock_wall_us(), &call->arena,
               shown, hook);
}

/* NULL: the call was answered. */
static struct hook_call *begin(struct api_call *call, bool has_id, int status)
{
    struct hook_call *hook = ARENA_NEW(&call->arena, struct hook_call);
    hook->call = call;
    hook->status = status;
    return !has_id || hooks_take_endpoint(call, &hook->endpoint_id) ? hook : NULL;
}

void hook_endpoints_show(struct api_call *call)
{
    struct hook_call *hook = begin(call, true, 200);
    if (hook != NULL)
        show(hook);
}

/* ---- what goes in ---------------------------------------------------------------------------- */

/* False: the call was answered. */
static bool check_url(struct api_call *call, struct str url)
{
    struct error err;
    struct egress_rules rules = *call->api->parts.egress;
    rules.http_allowed = rules.http_allowed && !call->caller.merchant->livemode;
    if (egress_check_url(url, &rules, &err))
        return true;
    api_call_problem(call, MESSAGE_INVALID_MEMBER, str_of(err.text), STR("url"));
    return false;
}

/* "payment.* payout.succeeded"; of an empty list, or none: all. */
static struct str join_types(struct api_call *call, const json_t *list)
{
    struct buf joined;
    buf_init(&joined, (size_t)TABLES_EVENT_TYPE_MAX * (HOOK_TYPE_MAX + 1));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (i > 0)
            buf_add_char(&joined, ' ');
        buf_add(&joined, json_string_value(item), json_string_length(item));
    }
    CHECK(buf_is_ok(&joined));
    struct str text = joined.len > 0 ? arena_str(&call->arena, buf_str(&joined)) : STR("*");
    buf_release(&joined);
    return text;
}

/* ---- create ---------------------------------------------------------------------------------- */

static void created(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct hook_call *hook = ctx;
    struct api_call *call = hook->call;
    char id[ID_TEXT_SIZE];
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (count == 0) {
        api_call_problem(call, MESSAGE_CONFLICT,
                         arena_printf(&call->arena, "there are %d endpoints already; delete one",
                                      HOOK_ENDPOINT_MAX),
                         STR_NONE);
    } else {
        api_call_add_header(call, "Location",
                            arena_printf(&call->arena, "/v1/webhook-endpoints/%s",
                                         id_format(ID_ENDPOINT, &hook->endpoint_id, id).at));
        show(hook);
    }
}

void hook_endpoints_create(struct api_call *call)
{
    struct hook_call *hook = begin(call, false, 201);
    const json_t *enabled = json_object_get(call->body, "enabled");
    struct hook_secret secret;
    int64_t now_us = clock_wall_us();
    if (!check_url(call, json_text(call->body, "url")))
        return;
    hook->endpoint_id = uuid_new();
    struct hook_endpoint endpoint = {
        .merchant_id = *merchant_of(call),
        .endpoint_id = hook->endpoint_id,
        .created_us = now_us,
        .url = json_text(call->body, "url"),
        .description = json_text(call->body, "description"),
        .event_types = join_types(call, json_object_get(call->body, "event_types")),
        .livemode = call->caller.merchant->livemode,
        .disabled_us = json_is_false(enabled) ? now_us : 0,
    };
    hook_secret_new(call->api->parts.seal_key, &endpoint.merchant_id, &endpoint.endpoint_id, now_us,
                    &call->arena, &secret, hook->secret);
    hooks_create(store_of(call), &endpoint, &secret, created, hook);
}

/* ---- change, delete, rotate ------------------------------------------------------------------ */

static void changed(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct hook_call *hook = ctx;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(hook->call);
    else if (count == 0)
        hooks_reply_absent(hook->call);
    else
        show(hook);
}

void hook_endpoints_update(struct api_call *call)
{
    struct hook_call *hook = begin(call, true, 200);
    if (hook == NULL)
        return;
    const json_t *enabled = json_object_get(call->body, "enabled");
    const json_t *types = json_object_get(call->body, "event_types");
    struct hook_change change = {
        .merchant_id = *merchant_of(call),
        .endpoint_id = hook->endpoint_id,
        .has_url = json_object_get(call->body, "url") != NULL,
        .has_description = json_object_get(call->body, "description") != NULL,
        .has_event_types = types != NULL,
        .has_enabled = enabled != NULL,
        .url = json_text(call->body, "url"),
        .description = json_text(call->body, "description"),
        .event_types = join_types(call, types),
        .enabled = json_is_true(enabled),
    };
    if (!change.has_url || check_url(call, change.url))
        hooks_update(store_of(call), &change, clock_wall_us(), changed, hook);
}

static void deleted(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct hook_call *hook = ctx;
    struct api_call *call = hook->call;
    char id[ID_TEXT_SIZE];
    struct json_out json;
    struct buf body;
    (void)why;
    if (found == STORE_FAILED || count == 0) {
        changed(ctx, found, count, why);
        return;
    }
    buf_init(&body, 1024);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_str(&json, "id", id_format(ID_ENDPOINT, &hook->endpoint_id, id));
    json_put_cstr(&json, "object", "webhook_endpoint");
    json_put_bool(&json, "deleted", true);
    json_end_object(&json);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}

void hook_endpoints_delete(struct api_call *call)
{
    struct hook_call *hook = begin(call, true, 200);
    if (hook != NULL)
        hooks_delete(store_of(call), merchant_of(call), &hook->endpoint_id, clock_wall_us(),
                     deleted, hook);
}

/* Nothing was changed: because there is no such endpoint, or because of its secrets. */
static void refused_rotation(void *ctx, enum store_find found,
                             const struct hook_endpoint *endpoints, size_t count,
                             const struct error *why)
{
    struct hook_call *hook = ctx;
    (void)endpoints;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(hook->call);
    else if (count == 0)
        hooks_reply_absent(hook->call);
    else
        api_call_problem(hook->call, MESSAGE_CONFLICT,
                         arena_printf(&hook->call->arena,
                                      "%d secrets are valid already; wait until one has ended, or "
                                      "rotate with grace_hours 0",
                                      HOOK_SECRET_MAX),
                         STR_NONE);
}

static void rotated(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct hook_call *hook = ctx;
    struct api_call *call = hook->call;
    (void)why;
    if (found == STORE_FAILED)
        api_call_unavailable(call);
    else if (count == 0)
        hooks_load(store_of(call), merchant_of(call), &hook->endpoint_id, clock_wall_us(),
                   &call->arena, refused_rotation, hook);
    else
        show(hook);
}

void hook_endpoints_rotate(struct api_call *call)
{
    struct hook_call *hook = begin(call, true, 201);
    struct hook_secret secret;
    int64_t now_us = clock_wall_us();
    if (hook == NULL)
        return;
    const json_t *given = json_object_get(call->body, "grace_hours");
    int64_t hours = given != NULL ? json_integer_value(given) : TABLES_GRACE_HOURS;
    hook->replaced_us = now_us + hours * HOUR_S * CLOCK_SECOND_US;
    hook_secret_new(call->api->parts.seal_key, merchant_of(call), &hook->endpoint_id, now_us,
                    &call->arena, &secret, hook->secret);
    hooks_rotate(store_of(call), merchant_of(call), &hook->endpoint_id, &secret, hook->replaced_us,
                 rotated, hook);
}
