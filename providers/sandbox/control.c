/* The control API: books, counters, faults, settings. */
#include "providers/sandbox/core.h"

#include <string.h>

enum control_route {
    CONTROL_NO_ROUTE = 0,
    CONTROL_HOME,
    CONTROL_BOOKS,
    CONTROL_REQUESTS,
    CONTROL_FAULTS,
    CONTROL_FAULT_ADD,
    CONTROL_FAULT_REMOVE,
    CONTROL_FAULTS_CLEAR,
    CONTROL_SETTINGS,
    CONTROL_SET,
    CONTROL_SETTLE,
    CONTROL_RESET,
    CONTROL_ROUTE_COUNT,
};

/* clang-format off */
const struct route control_routes[] = {
    {HTTP_GET,    "/",            NULL, CONTROL_HOME},
    {HTTP_GET,    "/books",       NULL, CONTROL_BOOKS},
    {HTTP_GET,    "/requests",    NULL, CONTROL_REQUESTS},
    {HTTP_GET,    "/faults",      NULL, CONTROL_FAULTS},
    {HTTP_POST,   "/faults",      NULL, CONTROL_FAULT_ADD},
    {HTTP_DELETE, "/faults",      NULL, CONTROL_FAULTS_CLEAR},
    {HTTP_DELETE, "/faults/{id}", NULL, CONTROL_FAULT_REMOVE},
    {HTTP_GET,    "/settings",    NULL, CONTROL_SETTINGS},
    {HTTP_POST,   "/settings",    NULL, CONTROL_SET},
    {HTTP_POST,   "/settle",      NULL, CONTROL_SETTLE},
    {HTTP_POST,   "/reset",       NULL, CONTROL_RESET},
};
const size_t control_route_count = ARRAY_LEN(control_routes);
/* clang-format on */

static void refuse(struct call *call, int status, const char *code, const char *detail)
{
    struct json_out out;
    call->status = status;
    call->content_type = STR("application/problem+json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "title", code);
    json_put_int(&out, "status", status);
    json_put_cstr(&out, "detail", detail);
    json_end_object(&out);
}

static bool parse(struct call *call)
{
    struct error err;
    call->json = json_parse(call->req->body, &json_limits_default, &err);
    if (!call->json) {
        refuse(call, 422, "not JSON", err.text);
    }
    return call->json != NULL;
}

static void begin(struct call *call, struct json_out *out)
{
    call->status = 200;
    call->content_type = STR("application/json");
    json_out_init(out, call->body);
    json_begin_object(out);
}

/* ---- books ----------------------------------------------------------------------------------- */

static bool fits(const struct book_entry *entry, struct str provider, struct str reference,
                 struct str invoice)
{
    return (provider.len == 0 ||
            str_eq(provider, str_of(sandbox_provider_names[entry->provider]))) &&
           (reference.len == 0 || str_eq(reference, entry->reference)) &&
           (invoice.len == 0 || str_eq(invoice, entry->invoice));
}

static int64_t query_number(const struct call *call, const char *name, int64_t otherwise)
{
    struct str text;
    int64_t value;
    return call_query(call, name, &text) && str_to_int64(text, &value) && value >= 0 ? value
                                                                                     : otherwise;
}

/* ?provider= ?reference= ?invoice= filter; ?since=seq&limit=n page: `next` is the since to go on
 * with. */
static void show_books(struct call *call)
{
    struct str provider = STR_NONE;
    struct str reference = STR_NONE;
    struct str invoice = STR_NONE;
    struct json_out out;
    const struct books *books = call->books;
    int64_t limit = query_number(call, "limit", INT64_MAX);
    size_t at = (size_t)query_number(call, "since", 0);
    (void)call_query(call, "provider", &provider);
    (void)call_query(call, "reference", &reference);
    (void)call_query(call, "invoice", &invoice);
    begin(call, &out);
    json_key(&out, "entries");
    json_begin_array(&out);
    for (; at < books->log_count && limit > 0; at++) {
        if (fits(books->log[at], provider, reference, invoice)) {
            json_begin_object(&out);
            record_print(book_entry_fields, book_entry_field_count, books->log[at], &out);
            json_end_object(&out);
            limit--;
        }
    }
    json_end_array(&out);
    if (at < books->log_count) {
        json_put_int(&out, "next", (int64_t)at);
    } else {
        json_put_null(&out, "next");
    }
    json_put_int(&out, "total", (int64_t)books->log_count);
    json_end_object(&out);
}

static void show_requests(struct core *core, struct call *call)
{
    struct json_out out;
    begin(call, &out);
    json_key(&out, "requests");
    json_begin_array(&out);
    for (size_t i = 0; i < core->counter_count; i++) {
        const struct core_counter *counter = &core->counters[i];
        json_begin_object(&out);
        json_put_cstr(&out, "provider", sandbox_provider_names[counter->provider]);
        json_put_cstr(&out, "operation", sandbox_operation_names[counter->operation]);
        json_put_cstr(&out, "method", http_method_name(counter->method));
        json_put_cstr(&out, "path", counter->pattern);
        json_put_int(&out, "count", counter->count);
        json_end_object(&out);
    }
    json_end_array(&out);
    json_end_object(&out);
}

/* {"id": "...", "state": "completed" | "declined"}: what became of a pending charge or hold. */
static void settle_pending(struct call *call)
{
    if (!parse(call)) {
        return;
    }
    struct book_entry *entry = books_find_entry(call->books, json_text(call->json, "id"));
    struct str state = json_text(call->json, "state");
    bool completed = str_eq(state, STR("completed"));
    if (!entry || entry->state != BOOK_PENDING) {
        refuse(call, 404, "not pending", "id names no pending entry of the books");
        return;
    }
    if (!completed && !str_eq(state, STR("declined"))) {
        refuse(call, 422, "unknown state", "state must be completed or declined");
        return;
    }
    core_settle(call, entry, completed);
    struct json_out out;
    begin(call, &out);
    record_print(book_entry_fields, book_entry_field_count, entry, &out);
    json_end_object(&out);
}

/* ---- faults and settings --------------------------------------------------------------------- */

static void show_faults(struct core *core, struct call *call)
{
    struct json_out out;
    begin(call, &out);
    json_key(&out, "faults");
    faults_print(&core->faults, &out);
    json_end_object(&out);
}

static void add_fault(struct core *core, struct call *call)
{
    struct error err;
    int64_t id;
    if (!parse(call)) {
        return;
    }
    if (!faults_add(&core->faults, call->json, &id, &err)) {
        refuse(call, 422, "no such fault", err.text);
        return;
    }
    struct json_out out;
    begin(call, &out);
    call->status = 201;
    json_put_int(&out, "id", id);
    json_end_object(&out);
}

static void remove_fault(struct core *core, struct call *call)
{
    int64_t id = 0;
    if (!str_to_int64(call->param[0], &id) || !faults_remove(&core->faults, id)) {
        refuse(call, 404, "no such fault", "no fault has this id");
        return;
    }
    call->status = 204;
}

static void show_settings(struct core *core, struct call *call)
{
    struct json_out out;
    begin(call, &out);
    json_put_int(&out, "delay_ms", core->settings.delay_ms);
    json_put_bool(&out, "unique_invoices", core->settings.unique_invoices);
    json_end_object(&out);
}

/* {"delay_ms": n, "unique_invoices": bool, "seed": n}, each optional. */
static void change_settings(struct core *core, struct call *call)
{
    if (!parse(call)) {
        return;
    }
    const json_t *delay = json_object_get(call->json, "delay_ms");
    const json_t *unique = json_object_get(call->json, "unique_invoices");
    const json_t *seed = json_object_get(call->json, "seed");
    size_t known = (delay ? 1U : 0U) + (unique ? 1U : 0U) + (seed ? 1U : 0U);
    if (!json_is_object(call->json) || json_object_size(call->json) != known ||
        (delay && (!json_is_integer(delay) || json_integer_value(delay) < 0 ||
                   json_integer_value(delay) > 600000)) ||
        (unique && !json_is_boolean(unique)) || (seed && !json_is_integer(seed))) {
        refuse(call, 422, "bad settings",
               "known are delay_ms (0 to 600000), unique_invoices (boolean) and seed (integer)");
        return;
    }
    if (delay) {
        core->settings.delay_ms = json_integer_value(delay);
    }
    if (unique) {
        core->settings.unique_invoices = json_is_true(unique);
    }
    if (seed) {
        rng_seed(&core->faults.rng, (uint64_t)json_integer_value(seed));
    }
    show_settings(core, call);
}

static void reset(struct core *core, struct call *call)
{
    struct error err;
    if (!books_reset(&core->books, &err)) {
        refuse(call, 500, "not reset", err.text);
        return;
    }
    faults_clear(&core->faults);
    core->counter_count = 0;
    core->settings = (struct sandbox_settings){.delay_ms = core->default_delay_ms};
    call->status = 204;
}

static void show_home(struct call *call)
{
    call->status = 200;
    call->content_type = STR("text/plain; charset=utf-8");
    buf_add_str(call->body, STR("Turnpike sandbox: PayPal and Payoneer as a local program.\n\n"));
    for (size_t i = 1; i < control_route_count; i++) {
        buf_printf(call->body, "%-6s %s\n", http_method_name(control_routes[i].method),
                   control_routes[i].pattern);
    }
}

static void answer(struct core *core, struct call *call)
{
    switch ((enum control_route)call->route) {
    case CONTROL_HOME:
        show_home(call);
        return;
    case CONTROL_BOOKS:
        show_books(call);
        return;
    case CONTROL_REQUESTS:
        show_requests(core, call);
        return;
    case CONTROL_FAULTS:
        show_faults(core, call);
        return;
    case CONTROL_FAULT_ADD:
        add_fault(core, call);
        return;
    case CONTROL_FAULT_REMOVE:
        remove_fault(core, call);
        return;
    case CONTROL_FAULTS_CLEAR:
        faults_clear(&core->faults);
        call->status = 204;
        return;
    case CONTROL_SETTINGS:
        show_settings(core, call);
        return;
    case CONTROL_SET:
        change_settings(core, call);
        return;
    case CONTROL_SETTLE:
        settle_pending(call);
        return;
    case CONTROL_RESET:
        reset(core, call);
        return;
    case CONTROL_NO_ROUTE:
    case CONTROL_ROUTE_COUNT:
        break;
    }
    refuse(call, 404, "not found", "GET / lists what there is");
}

void control_answer(struct core *core, struct call *call)
{
    const char *peer = call->req->peer;
    if (strncmp(peer, "127.", 4) != 0 && strcmp(peer, "::1") != 0 &&
        strncmp(peer, "::ffff:127.", 11) != 0) {
        refuse(call, 403, "loopback only", "the control API answers to loopback addresses only");
        return;
    }
    answer(core, call);
}
