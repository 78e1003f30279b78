#include "providers/sandbox/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "providers/sandbox/payoneer.h"
#include "providers/sandbox/payoneer_payouts.h"
#include "providers/sandbox/paypal.h"
#include "providers/sandbox/paypal_payouts.h"

enum {
    RIPEN_MOST = 1000, /* payouts in one line of the journal */
};

/* clang-format off */
/* The first prefix that fits. */
static const struct {
    struct str prefix;
    enum sandbox_provider provider;
} prefixes[] = {
    {STR_INIT("/v1/oauth2/"),          SANDBOX_PAYPAL},
    {STR_INIT("/v1/payments/payouts"), SANDBOX_PAYPAL_PAYOUTS},
    {STR_INIT("/v1/notifications/"),   SANDBOX_PAYPAL},
    {STR_INIT("/v2/"),                 SANDBOX_PAYPAL},
    {STR_INIT("/checkoutnow"),         SANDBOX_PAYPAL},
    {STR_INIT("/v4/"),                 SANDBOX_PAYONEER_PAYOUTS},
    {STR_INIT("/api/v2/oauth2/"),      SANDBOX_PAYONEER_PAYOUTS},
    {STR_INIT("/registration/"),       SANDBOX_PAYONEER_PAYOUTS},
    {STR_INIT("/api/"),                SANDBOX_PAYONEER},
    {STR_INIT("/pci/"),                SANDBOX_PAYONEER},
};

static const struct dialect dialects[] = {
    {SANDBOX_PAYPAL,           paypal_routes,           &paypal_route_count,           paypal_operation,           paypal_answer,           paypal_fault_body},
    {SANDBOX_PAYONEER,         payoneer_routes,         &payoneer_route_count,         payoneer_operation,         payoneer_answer,         payoneer_fault_body},
    {SANDBOX_PAYPAL_PAYOUTS,   paypal_payout_routes,    &paypal_payout_route_count,    paypal_payout_operation,    paypal_payout_answer,    paypal_payout_fault_body},
    {SANDBOX_PAYONEER_PAYOUTS, payoneer_payout_routes,  &payoneer_payout_route_count,  payoneer_payout_operation,  payoneer_payout_answer,  payoneer_payout_fault_body},
};
/* clang-format on */

bool core_open(struct core *core, const char *books_file, int64_t delay_ms, const char *scheme,
               struct error *err)
{
    memset(core, 0, sizeof(*core));
    if (!books_open(&core->books, books_file, err)) {
        return false;
    }
    payouts_open(&core->payouts, &core->books);
    hooks_open(&core->hooks, &core->books);
    faults_init(&core->faults);
    table_init(&core->busy);
    buf_init(&core->body, CORE_BODY_MAX);
    core->default_delay_ms = delay_ms;
    core->settings = sandbox_settings_default(delay_ms);
    core->scheme = scheme;
    return true;
}

static void release_all_keys(struct core *core)
{
    for (size_t i = 0; i < core->busy.capacity; i++) {
        free(core->busy.slots[i].value);
    }
    table_release(&core->busy);
}

void core_close(struct core *core)
{
    release_all_keys(core);
    buf_release(&core->body);
    hooks_close(&core->hooks);
    payouts_close(&core->payouts);
    books_close(&core->books);
}

bool core_reset(struct core *core, struct error *err)
{
    if (!books_reset(&core->books, err)) {
        return false;
    }
    payouts_close(&core->payouts);
    payouts_open(&core->payouts, &core->books);
    hooks_reset(&core->hooks);
    faults_clear(&core->faults);
    core->counter_count = 0;
    core->settings = sandbox_settings_default(core->default_delay_ms);
    return true;
}

static const struct dialect *find_dialect(enum sandbox_provider provider)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        if (dialects[i].provider == provider) {
            return &dialects[i];
        }
    }
    return NULL;
}

/* `only`: the owner of the port; SANDBOX_NONE: the common one. */
static enum sandbox_provider provider_of(struct str path, enum sandbox_provider only)
{
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts(path, prefixes[i].prefix)) {
            bool here = only == SANDBOX_NONE || only == sandbox_port_owner(prefixes[i].provider);
            return here ? prefixes[i].provider : only;
        }
    }
    return only;
}

static const struct route *find_route(struct call *call, const struct dialect *dialect)
{
    const struct route *found = NULL;
    const struct route *table = dialect ? dialect->routes : control_routes;
    size_t count = dialect ? *dialect->route_count : control_route_count;
    struct route_params params = {.count = 0};
    struct buf allow;
    buf_init(&allow, 256);
    if (route_find(table, count, call->req->method, call->req->path, &found, &params, &allow) !=
        ROUTE_FOUND) {
        found = NULL;
    }
    buf_release(&allow);
    for (size_t i = 0; i < params.count && i < ARRAY_LEN(call->param); i++) {
        call->param[i] = params.value[i];
    }
    return found;
}

static void count_request(struct core *core, const struct call *call, const char *pattern)
{
    for (size_t i = 0; i < core->counter_count; i++) {
        struct core_counter *counter = &core->counters[i];
        if (counter->provider == call->provider && counter->operation == call->operation &&
            counter->method == call->req->method && strcmp(counter->pattern, pattern) == 0) {
            counter->count++;
            return;
        }
    }
    if (core->counter_count < CORE_COUNTER_MAX) {
        core->counters[core->counter_count++] =
            (struct core_counter){call->provider, call->operation, call->req->method, pattern, 1};
    }
}

static const struct route *classify(struct core *core, const struct http_request *req,
                                    struct arena *arena, enum sandbox_provider only, int64_t now_us,
                                    struct call *call)
{
    memset(call, 0, sizeof(*call));
    call->req = req;
    call->arena = arena;
    call->books = &core->books;
    call->payouts = &core->payouts;
    call->hooks = &core->hooks;
    call->settings = &core->settings;
    call->busy = &core->busy;
    call->now_us = now_us;
    call->body = &core->body;
    call->origin = arena_printf(arena, "%s://" STR_FMT, core->scheme, STR_ARG(req->host));
    call->provider = provider_of(req->path, only);
    buf_clear(&core->body);
    const struct dialect *dialect = find_dialect(call->provider);
    const struct route *route = find_route(call, dialect);
    call->route = route ? route->tag : 0;
    if (dialect) {
        call->operation = dialect->operation(call->route, req->body);
    }
    return route;
}

void core_classify(struct core *core, const struct http_request *req, struct arena *arena,
                   enum sandbox_provider only, int64_t now_us, struct call *call)
{
    const struct route *route = classify(core, req, arena, only, now_us, call);
    if (call->provider != SANDBOX_NONE) {
        count_request(core, call, route ? route->pattern : "");
    }
}

void core_classify_again(struct core *core, const struct http_request *req, struct arena *arena,
                         enum sandbox_provider only, int64_t now_us, struct call *call)
{
    (void)classify(core, req, arena, only, now_us, call);
}

/* The key of an answer in the making, by its own copy of the name. */
static void hold_key(struct core *core, struct str name)
{
    if (name.len > 0 && !table_find(&core->busy, name)) {
        char *copy = malloc(name.len);
        CHECK(copy);
        memcpy(copy, name.at, name.len);
        table_put(&core->busy, (struct str){copy, name.len}, copy);
    }
}

void core_release_key(struct core *core, struct str busy_name)
{
    void *copy = busy_name.len > 0 ? table_find(&core->busy, busy_name) : NULL;
    if (copy) {
        table_remove(&core->busy, busy_name);
        free(copy);
    }
}

bool core_ripen(struct core *core, int64_t now_us, struct error *err)
{
    const struct call template = {.settings = &core->settings, .now_us = now_us};
    /* Of two steps that one payout takes each is told. */
    size_t most = hooks_are_wanted(&core->hooks) ? 1 : RIPEN_MOST;
    bool done = true;
    while (done &&
           payouts_ripen(&core->payouts, now_us, core->settings.payout_ms * 1000, most) > 0) {
        hooks_observe(&core->hooks, &template);
        done = books_commit(&core->books, err);
    }
    hooks_ripen(&core->hooks, &template);
    return done;
}

int64_t core_next_due_us(const struct core *core)
{
    int64_t batch_us = hooks_next_batch_us(&core->hooks);
    int64_t payout_us = core->payouts.count > 0 ? core->payouts.heap[0].due_us : INT64_MAX;
    return payout_us < batch_us ? payout_us : batch_us;
}

void core_answer(struct core *core, struct call *call)
{
    struct error err;
    const struct dialect *dialect = find_dialect(call->provider);
    bool done = core_ripen(core, call->now_us, &err);
    call->hook_first = core->hooks.last_number + 1;
    if (done && dialect) {
        dialect->answer(call);
    } else if (done) {
        control_answer(core, call);
    }
    json_decref(call->json);
    call->json = NULL;
    hooks_observe(&core->hooks, call);
    call->hook_last = core->hooks.last_number;
    if (!done || !books_commit(&core->books, &err)) {
        log_error("sandbox", "the books cannot be kept", LOG_CSTR("error", err.text));
        core_answer_fault(core, call, 503);
        return;
    }
    hold_key(core, call->busy_name);
}

void core_answer_fault(struct core *core, struct call *call, int status)
{
    const struct dialect *dialect = find_dialect(call->provider);
    buf_clear(&core->body);
    if (dialect) {
        dialect->fault_body(call, status);
    } else {
        call->status = status;
        call->content_type = STR("text/plain");
    }
}

void core_settle(struct call *call, struct book_entry *entry, bool completed)
{
    if (entry->provider == SANDBOX_PAYONEER) {
        payoneer_settle(entry, completed ? SCENARIO_APPROVE : SCENARIO_SOFT);
    } else {
        paypal_settle(entry, scenario_of(completed ? SCENARIO_APPROVE : SCENARIO_SOFT));
    }
    entry->updated_us = call->now_us;
    books_note_entry(call->books, entry);
}

void core_answer_garbage(struct core *core, struct call *call)
{
    call->status = 200;
    buf_clear(&core->body);
    buf_add_str(&core->body, STR("<html><body>Bad Gate\xff{\"id\":"));
}

/* Behind "value":" (PayPal) or "amount": (Payoneer). Its last digit, or SIZE_MAX. */
static size_t amount_end(struct str text, size_t at)
{
    while (at < text.len && (text.at[at] == '"' || text.at[at] == ' ')) {
        at++;
    }
    size_t end = at;
    while (end < text.len &&
           ((text.at[end] >= '0' && text.at[end] <= '9') || text.at[end] == '.')) {
        end++;
    }
    return end > at ? end - 1 : SIZE_MAX;
}

void core_answer_other_amount(struct call *call)
{
    static const struct str names[] = {STR_INIT("\"value\":"), STR_INIT("\"amount\":")};
    struct str text = arena_str(call->arena, buf_str(call->body));
    char *changed = arena_alloc(call->arena, text.len + 1);
    memcpy(changed, text.at, text.len);
    for (size_t at = 0; at < text.len; at++) {
        for (size_t n = 0; n < ARRAY_LEN(names); n++) {
            size_t end = str_starts(str_sub(text, at, SIZE_MAX), names[n])
                             ? amount_end(text, at + names[n].len)
                             : SIZE_MAX;
            if (end != SIZE_MAX) {
                changed[end] = (char)(text.at[end] == '0' ? '1' : text.at[end] - 1);
            }
        }
    }
    buf_clear(call->body);
    buf_add_str(call->body, (struct str){changed, text.len});
}
