/* PayPal's notifications API: who is told by webhook, what was told, and the certificate. */
#include "providers/sandbox/paypal.h"

#include "base/clock.h"
#include "providers/sandbox/hooks.h"

enum {
    HOOKS_PER_ACCOUNT_MAX = 10,
    URL_BYTES_MAX = 2048,
    PAGE_MAX = 1000,
    PAGE_USUAL = 10,
};

/* ---- errors: as the gateways of PayPal's first APIs write them ------------------------------- */

static void refuse(struct call *call, int status, const char *name, const char *message,
                   const char *field, const char *issue)
{
    struct json_out out;
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "name", name);
    json_put_cstr(&out, "message", message);
    json_put_str(&out, "debug_id", paypal_debug_id(call));
    if (field) {
        json_key(&out, "details");
        json_begin_array(&out);
        json_begin_object(&out);
        json_put_cstr(&out, "field", field);
        json_put_cstr(&out, "location", "body");
        json_put_cstr(&out, "issue", issue);
        json_end_object(&out);
        json_end_array(&out);
    }
    json_end_object(&out);
}

static void refuse_data(struct call *call, const char *field, const char *issue)
{
    refuse(call, 400, "VALIDATION_ERROR", "Invalid data provided", field, issue);
}

static void refuse_id(struct call *call)
{
    refuse(call, 404, "INVALID_RESOURCE_ID", "The requested resource ID was not found.", NULL,
           NULL);
}

/* ---- registrations --------------------------------------------------------------------------- */

static bool is_ours(const struct call *call, const struct book_hook *hook)
{
    return !hook->removed &&
           sandbox_family((enum sandbox_provider)hook->provider) == SANDBOX_PAYPAL &&
           str_eq(hook->account, call->account);
}

static struct book_hook *find(struct call *call)
{
    for (size_t i = 0; i < call->books->hook_count; i++) {
        struct book_hook *hook = call->books->hooks[i];
        if (is_ours(call, hook) && str_eq(hook->id, call->param[0])) {
            return hook;
        }
    }
    refuse_id(call);
    return NULL;
}

static void put_hook(struct call *call, struct json_out *out, const struct book_hook *hook)
{
    struct str names = hook->events.len > 0 ? hook->events : STR("*");
    json_begin_object(out);
    json_put_str(out, "id", hook->id);
    json_put_str(out, "url", hook->url);
    json_key(out, "event_types");
    json_begin_array(out);
    while (names.len > 0) {
        json_begin_object(out);
        json_put_str(out, "name", str_cut(&names, ' '));
        json_end_object(out);
    }
    json_end_array(out);
    json_key(out, "links");
    json_begin_array(out);
    json_begin_object(out);
    json_put_str(out, "href",
                 arena_printf(call->arena, STR_FMT "/v1/notifications/webhooks/" STR_FMT,
                              STR_ARG(call->origin), STR_ARG(hook->id)));
    json_put_cstr(out, "rel", "self");
    json_put_cstr(out, "method", "GET");
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
}

static void begin(struct call *call, int status, struct json_out *out)
{
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(out, call->body);
}

static void answer_hook(struct call *call, int status, const struct book_hook *hook)
{
    struct json_out out;
    begin(call, status, &out);
    put_hook(call, &out, hook);
}

/* Names, separated by a space; empty for all. False: answered. */
static bool read_events(struct call *call, struct buf *names)
{
    const json_t *types = json_object_get(call->json, "event_types");
    bool all = false;
    for (size_t i = 0; i < json_array_size(types); i++) {
        struct str name = json_text(json_array_get(types, i), "name");
        if (!hook_is_paypal_event(name)) {
            refuse_data(call, "event_types", "Not a valid event name");
            return false;
        }
        all = all || str_eq(name, STR("*"));
        buf_printf(names, "%s" STR_FMT, names->len > 0 ? " " : "", STR_ARG(name));
    }
    if (json_array_size(types) == 0 || !buf_is_ok(names)) {
        refuse_data(call, "event_types", "Event types are required");
        return false;
    }
    if (all) {
        buf_clear(names);
    }
    return true;
}

static bool check_url(struct call *call, struct str url)
{
    size_t count = 0;
    if (!str_starts(url, STR("https://")) || url.len > URL_BYTES_MAX) {
        refuse_data(call, "url", "Not a valid webhook URL");
        return false;
    }
    for (size_t i = 0; i < call->books->hook_count; i++) {
        const struct book_hook *hook = call->books->hooks[i];
        if (!is_ours(call, hook)) {
            continue;
        }
        count++;
        if (str_eq(hook->url, url)) {
            refuse(call, 400, "WEBHOOK_URL_ALREADY_EXISTS", "Webhook URL already exists", NULL,
                   NULL);
            return false;
        }
    }
    if (count >= HOOKS_PER_ACCOUNT_MAX) {
        refuse(call, 400, "WEBHOOK_NUMBER_LIMIT_EXCEEDED",
               "You have reached the maximum limit of webhooks", NULL, NULL);
        return false;
    }
    return true;
}

void paypal_hook_create(struct call *call)
{
    struct buf names;
    if (!paypal_parse(call)) {
        return;
    }
    struct str url = json_text(call->json, "url");
    buf_init(&names, URL_BYTES_MAX);
    if (check_url(call, url) && read_events(call, &names)) {
        struct book_hook *hook = books_add_hook(call->books, paypal_new_id(call));
        if (hook) {
            hook->provider = SANDBOX_PAYPAL;
            hook->is_whole = true;
            hook->account = books_keep(call->books, call->account);
            hook->url = books_keep(call->books, url);
            hook->events = books_keep(call->books, buf_str(&names));
            hook->created_us = call->now_us;
            answer_hook(call, 201, hook);
        } else {
            paypal_error_plain(call, 503);
        }
    }
    buf_release(&names);
}

void paypal_hook_list(struct call *call)
{
    struct json_out out;
    begin(call, 200, &out);
    json_begin_object(&out);
    json_key(&out, "webhooks");
    json_begin_array(&out);
    for (size_t i = 0; i < call->books->hook_count; i++) {
        if (is_ours(call, call->books->hooks[i])) {
            put_hook(call, &out, call->books->hooks[i]);
        }
    }
    json_end_array(&out);
    json_end_object(&out);
}

void paypal_hook_show(struct call *call)
{
    const struct book_hook *hook = find(call);
    if (hook) {
        answer_hook(call, 200, hook);
    }
}

void paypal_hook_delete(struct call *call)
{
    struct book_hook *hook = find(call);
    if (hook) {
        hook->removed = true;
        books_note_hook(call->books, hook);
        call->status = 204;
        call->content_type = STR_NONE;
        buf_clear(call->body);
    }
}

/* ---- what was told --------------------------------------------------------------------------- */

static bool is_our_event(const struct call *call, const struct hook_event *event)
{
    return sandbox_family(event->provider) == SANDBOX_PAYPAL &&
           str_eq(event->account, call->account);
}

/* The latest first, as PayPal's. */
void paypal_hook_events(struct call *call)
{
    struct json_out out;
    struct str text;
    int64_t most = PAGE_USUAL;
    int64_t count = 0;
    if (call_query(call, "page_size", &text) &&
        (!str_to_int64(text, &most) || most < 1 || most > PAGE_MAX)) {
        refuse_data(call, "page_size", "Must be a number from 1 to 1000");
        return;
    }
    begin(call, 200, &out);
    json_begin_object(&out);
    json_key(&out, "events");
    json_begin_array(&out);
    for (struct link *at = call->hooks->events.prev; at != &call->hooks->events && count < most;
         at = at->prev) {
        const struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
        if (is_our_event(call, event)) {
            json_raw(&out, event->body);
            count++;
        }
    }
    json_end_array(&out);
    json_put_int(&out, "count", count);
    json_end_object(&out);
}

static struct hook_event *find_event(struct call *call)
{
    struct hook_event *event = hooks_find(call->hooks, call->param[0]);
    if (event && is_our_event(call, event)) {
        return event;
    }
    refuse_id(call);
    return NULL;
}

static void answer_event(struct call *call, int status, const struct hook_event *event)
{
    struct json_out out;
    begin(call, status, &out);
    json_raw(&out, event->body);
}

void paypal_hook_event(struct call *call)
{
    const struct hook_event *event = find_event(call);
    if (event) {
        answer_event(call, 200, event);
    }
}

void paypal_hook_resend(struct call *call)
{
    struct hook_event *event = find_event(call);
    if (event && hooks_send(call->hooks, &event, 1, call->now_us)) {
        answer_event(call, 202, event);
    } else if (event) {
        paypal_error_plain(call, 503);
    }
}

/* ---- the certificate ------------------------------------------------------------------------- */

void paypal_hook_certificate(struct call *call)
{
    const struct hook_signer *signer = hooks_signer(call->hooks, call->now_us);
    if (!str_eq(call->param[0], str_of(signer->name))) {
        paypal_error_plain(call, 404);
        return;
    }
    call->status = 200;
    call->content_type = STR("application/x-pem-file");
    buf_clear(call->body);
    buf_add_str(call->body, buf_str(&signer->chain));
}
