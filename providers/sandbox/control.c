/* The control API: books, counters, faults, settings. */
#include "providers/sandbox/core.h"

#include "base/clock.h"
#include "providers/sandbox/books_journal.h"
#include "providers/sandbox/control.h"

#include <string.h>

enum {
    AGE_DAYS_MAX = 3650,
};

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
    CONTROL_AGE,
    CONTROL_RESET,
    CONTROL_HOOKS,
    CONTROL_HOOK_ADD,
    CONTROL_HOOK_REMOVE,
    CONTROL_HOOKS_CLEAR,
    CONTROL_HOOKS_BEHAVE,
    CONTROL_HOOK_EVENTS,
    CONTROL_HOOK_SEND,
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
    {HTTP_POST,   "/age",         NULL, CONTROL_AGE},
    {HTTP_POST,   "/reset",       NULL, CONTROL_RESET},
    {HTTP_GET,    "/hooks",       NULL, CONTROL_HOOKS},
    {HTTP_POST,   "/hooks",       NULL, CONTROL_HOOK_ADD},
    {HTTP_DELETE, "/hooks",       NULL, CONTROL_HOOKS_CLEAR},
    {HTTP_DELETE, "/hooks/{id}",  NULL, CONTROL_HOOK_REMOVE},
    {HTTP_POST,   "/hooks/behaviour", NULL, CONTROL_HOOKS_BEHAVE},
    {HTTP_GET,    "/hooks/events", NULL, CONTROL_HOOK_EVENTS},
    {HTTP_POST,   "/hooks/send",  NULL, CONTROL_HOOK_SEND},
};
const size_t control_route_count = ARRAY_LEN(control_routes);

static void (*const hook_calls[CONTROL_ROUTE_COUNT])(struct hooks *hooks, struct call *call) = {
    [CONTROL_HOOKS]        = hook_control_show,
    [CONTROL_HOOK_ADD]     = hook_control_add,
    [CONTROL_HOOK_REMOVE]  = hook_control_remove,
    [CONTROL_HOOKS_CLEAR]  = hook_control_clear,
    [CONTROL_HOOKS_BEHAVE] = hook_control_behave,
    [CONTROL_HOOK_EVENTS]  = hook_control_events,
    [CONTROL_HOOK_SEND]    = hook_control_send,
};
/* clang-format on */

void control_refuse(struct call *call, int status, const char *code, const char *detail)
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

static bool parse_within(struct call *call, const struct json_limits *limits)
{
    struct error err;
    call->json = json_parse(call->req->body, limits, &err);
    if (!call->json) {
        control_refuse(call, 422, "not JSON", err.text);
    }
    return call->json != NULL;
}

bool control_parse(struct call *call)
{
    return parse_within(call, &json_limits_default);
}

bool control_parse_large(struct call *call)
{
    static const struct json_limits limits = {
        .depth_max = 8, .member_count_max = 16384, .string_bytes_max = 4096};
    return parse_within(call, &limits);
}

void control_begin(struct call *call, struct json_out *out)
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

int64_t control_query_number(const struct call *call, const char *name, int64_t otherwise)
{
    struct str text;
    int64_t value;
    return call_query(call, name, &text) && str_to_int64(text, &value) && value >= 0 ? value
                                                                                     : otherwise;
}

static void put_entry(struct json_out *out, const struct book_entry *entry)
{
    json_begin_object(out);
    record_print(book_entry_fields, book_entry_field_count, entry, out);
    json_end_object(out);
}

/* By the index: the chain of one reference or invoice, the oldest first. */
static void put_chain(struct call *call, struct json_out *out, struct str provider,
                      struct str reference, struct str invoice)
{
    const struct book_entry *newest = reference.len > 0
                                          ? books_find_reference(call->books, reference)
                                          : books_find_invoice(call->books, invoice);
    size_t count = 0;
    for (const struct book_entry *at = newest; at; count++) {
        at = reference.len > 0 ? at->next_by_reference : at->next_by_invoice;
    }
    const struct book_entry **chain = ARENA_ARRAY(call->arena, const struct book_entry *, count);
    for (size_t i = count; i > 0; i--) {
        chain[i - 1] = newest;
        newest = reference.len > 0 ? newest->next_by_reference : newest->next_by_invoice;
    }
    for (size_t i = 0; i < count; i++) {
        if (fits(chain[i], provider, reference, invoice)) {
            put_entry(out, chain[i]);
        }
    }
}

/* ?provider= ?reference= ?invoice= filter; ?since=seq&limit=n page: `next` is the since to go on
 * with. What a reference or an invoice names comes whole. */
static void show_books(struct call *call)
{
    struct str provider = STR_NONE;
    struct str reference = STR_NONE;
    struct str invoice = STR_NONE;
    struct json_out out;
    const struct books *books = call->books;
    int64_t limit = control_query_number(call, "limit", INT64_MAX);
    size_t at = (size_t)control_query_number(call, "since", 0);
    (void)call_query(call, "provider", &provider);
    (void)call_query(call, "reference", &reference);
    (void)call_query(call, "invoice", &invoice);
    control_begin(call, &out);
    json_key(&out, "entries");
    json_begin_array(&out);
    if (reference.len > 0 || invoice.len > 0) {
        put_chain(call, &out, provider, reference, invoice);
        at = books->log_count;
    }
    for (; at < books->log_count && limit > 0; at++) {
        if (fits(books->log[at], provider, reference, invoice)) {
            put_entry(&out, books->log[at]);
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
    control_begin(call, &out);
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

/* May a payout come to that state, as it stands now? */
static bool payout_may_become(enum book_state from, enum book_state to)
{
    bool open = from == BOOK_PENDING || from == BOOK_PAYEE_PENDING || from == BOOK_UNCLAIMED ||
                from == BOOK_ON_HOLD;
    switch (to) {
    case BOOK_COMPLETED:
    case BOOK_CANCELED:
    case BOOK_FAILED:
    case BOOK_BLOCKED:
        return open;
    case BOOK_UNCLAIMED:
    case BOOK_ON_HOLD:
        return from == BOOK_PENDING;
    case BOOK_RETURNED:
        return open || from == BOOK_COMPLETED;
    case BOOK_REFUNDED:
    case BOOK_REVERSED:
        return from == BOOK_COMPLETED;
    case BOOK_STATE_NONE:
    case BOOK_PENDING:
    case BOOK_DECLINED:
    case BOOK_PARTIALLY_REFUNDED:
    case BOOK_HELD:
    case BOOK_PARTIALLY_CAPTURED:
    case BOOK_CAPTURED:
    case BOOK_VOIDED:
    case BOOK_PAYEE_PENDING:
    case BOOK_STATE_COUNT:
        break;
    }
    return false;
}

static bool settle_payout(struct call *call, struct book_entry *entry, struct str state)
{
    int to = words_find(book_state_names, BOOK_STATE_COUNT, state);
    struct str code = arena_str(call->arena, json_text(call->json, "code"));
    to = to == BOOK_DECLINED ? BOOK_FAILED : to;
    if (!payout_may_become((enum book_state)entry->state, (enum book_state)to)) {
        control_refuse(call, 422, "unknown state",
                       "a payout in this state cannot come to that one");
        return false;
    }
    payouts_set(call->payouts, entry, (enum book_state)to,
                code.len > 0 ? arena_cstr(call->arena, code) : NULL, call->now_us);
    return true;
}

static bool settle_charge(struct call *call, struct book_entry *entry, struct str state)
{
    bool completed = str_eq(state, STR("completed"));
    bool is_taken_back = completed && entry->state == BOOK_DECLINED;
    if (entry->state != BOOK_PENDING && !is_taken_back) {
        control_refuse(call, 404, "not pending", "id names no pending entry of the books");
        return false;
    }
    if (!completed && !str_eq(state, STR("declined"))) {
        control_refuse(call, 422, "unknown state", "state must be completed or declined");
        return false;
    }
    core_settle(call, entry, completed);
    return true;
}

/* {"id": "...", "state": "completed" | "declined"}: what became of a pending charge or hold, or
 * of a declined one that was taken after all; of a payout any state it may come to, with "code", its reason. */
static void settle_pending(struct call *call)
{
    if (!control_parse(call)) {
        return;
    }
    struct book_entry *entry = books_find_entry(call->books, json_text(call->json, "id"));
    struct str state = json_text(call->json, "state");
    if (!entry) {
        control_refuse(call, 404, "not pending", "id names no pending entry of the books");
        return;
    }
    if (entry->plan != PAYOUT_PLAN_NONE ? settle_payout(call, entry, state)
                                        : settle_charge(call, entry, state)) {
        struct json_out out;
        call->status = 200;
        call->content_type = STR("application/json");
        json_out_init(&out, call->body);
        put_entry(&out, entry);
    }
}

/* {"id": "...", "days": 4}: as if that movement had been made so much earlier. */
static void age(struct call *call)
{
    if (!control_parse(call)) {
        return;
    }
    struct book_entry *entry = books_find_entry(call->books, json_text(call->json, "id"));
    const json_t *days = json_object_get(call->json, "days");
    if (!entry || !json_is_integer(days) || json_integer_value(days) < 0 ||
        json_integer_value(days) > AGE_DAYS_MAX) {
        control_refuse(call, 422, "bad age", "id names an entry of the books, days are 0 to 3650");
        return;
    }
    entry->created_us -= json_integer_value(days) * 24 * 3600 * CLOCK_SECOND_US;
    books_note_entry(call->books, entry);
    struct json_out out;
    call->status = 200;
    call->content_type = STR("application/json");
    json_out_init(&out, call->body);
    put_entry(&out, entry);
}

/* ---- faults and settings --------------------------------------------------------------------- */

static void show_faults(struct core *core, struct call *call)
{
    struct json_out out;
    control_begin(call, &out);
    json_key(&out, "faults");
    faults_print(&core->faults, &out);
    json_end_object(&out);
}

static void add_fault(struct core *core, struct call *call)
{
    struct error err;
    int64_t id;
    if (!control_parse(call)) {
        return;
    }
    if (!faults_add(&core->faults, call->json, &id, &err)) {
        control_refuse(call, 422, "no such fault", err.text);
        return;
    }
    struct json_out out;
    control_begin(call, &out);
    call->status = 201;
    json_put_int(&out, "id", id);
    json_end_object(&out);
}

static void remove_fault(struct core *core, struct call *call)
{
    int64_t id = 0;
    if (!str_to_int64(call->param[0], &id) || !faults_remove(&core->faults, id)) {
        control_refuse(call, 404, "no such fault", "no fault has this id");
        return;
    }
    call->status = 204;
}

static void show_settings(struct core *core, struct call *call)
{
    const struct sandbox_settings *settings = &core->settings;
    struct json_out out;
    control_begin(call, &out);
    json_put_int(&out, "delay_ms", settings->delay_ms);
    json_put_bool(&out, "unique_invoices", settings->unique_invoices);
    json_put_int(&out, "payer_ms", settings->payer_ms);
    json_put_int(&out, "payout_ms", settings->payout_ms);
    json_put_int(&out, "payout_balance", settings->payout_balance_minor);
    json_put_cstr(&out, "payout_fee", settings->payout_fee_is_flat ? "flat" : "percent");
    json_put_cstr(&out, "program_currency", settings->program_currency->code);
    json_end_object(&out);
}

static bool read_whole(const json_t *value, int64_t most, int64_t *out)
{
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0 && *out <= most;
}

static bool read_setting(struct sandbox_settings *settings, const char *name, const json_t *value)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    if (strcmp(name, "delay_ms") == 0) {
        return read_whole(value, 600000, &settings->delay_ms);
    }
    if (strcmp(name, "payer_ms") == 0) {
        return read_whole(value, 86400000, &settings->payer_ms);
    }
    if (strcmp(name, "payout_ms") == 0) {
        return read_whole(value, 86400000, &settings->payout_ms);
    }
    if (strcmp(name, "payout_balance") == 0) {
        return read_whole(value, MONEY_AMOUNT_MAX, &settings->payout_balance_minor);
    }
    if (strcmp(name, "unique_invoices") == 0) {
        settings->unique_invoices = json_is_true(value);
        return json_is_boolean(value);
    }
    if (strcmp(name, "payout_fee") == 0) {
        settings->payout_fee_is_flat = str_eq(text, STR("flat"));
        return settings->payout_fee_is_flat || str_eq(text, STR("percent"));
    }
    if (strcmp(name, "program_currency") == 0) {
        settings->program_currency = currency_find(text);
        return settings->program_currency != NULL;
    }
    return strcmp(name, "seed") == 0 && json_is_integer(value);
}

/* Each is optional; one that is wrong leaves all as they are. */
static void change_settings(struct core *core, struct call *call)
{
    struct sandbox_settings settings = core->settings;
    const char *name;
    json_t *value;
    if (!control_parse(call)) {
        return;
    }
    bool good = json_is_object(call->json);
    json_object_foreach(call->json, name, value)
    {
        good = good && read_setting(&settings, name, value);
    }
    if (!good) {
        control_refuse(
            call, 422, "bad settings",
            "known are delay_ms (0 to 600000), unique_invoices (boolean), seed (integer), "
            "payer_ms, payout_ms (0 to 86400000), payout_balance (minor units), payout_fee "
            "(percent or "
            "flat) and program_currency (ISO 4217)");
        return;
    }
    core->settings = settings;
    if (json_object_get(call->json, "seed")) {
        rng_seed(&core->faults.rng,
                 (uint64_t)json_integer_value(json_object_get(call->json, "seed")));
    }
    show_settings(core, call);
}

static void reset(struct core *core, struct call *call)
{
    struct error err;
    if (!core_reset(core, &err)) {
        control_refuse(call, 500, "not reset", err.text);
        return;
    }
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
    case CONTROL_AGE:
        age(call);
        return;
    case CONTROL_RESET:
        reset(core, call);
        return;
    case CONTROL_HOOKS:
    case CONTROL_HOOK_ADD:
    case CONTROL_HOOK_REMOVE:
    case CONTROL_HOOKS_CLEAR:
    case CONTROL_HOOKS_BEHAVE:
    case CONTROL_HOOK_EVENTS:
    case CONTROL_HOOK_SEND:
        hook_calls[call->route](&core->hooks, call);
        return;
    case CONTROL_NO_ROUTE:
    case CONTROL_ROUTE_COUNT:
        break;
    }
    control_refuse(call, 404, "not found", "GET / lists what there is");
}

void control_answer(struct core *core, struct call *call)
{
    const char *peer = call->req->peer;
    if (strncmp(peer, "127.", 4) != 0 && strcmp(peer, "::1") != 0 &&
        strncmp(peer, "::ffff:127.", 11) != 0) {
        control_refuse(call, 403, "loopback only",
                       "the control API answers to loopback addresses only");
        return;
    }
    answer(core, call);
}
