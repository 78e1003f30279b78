#include "dashboard/ops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/message.h"
#include "base/metrics.h"
#include "dashboard/status_page.h"
#include "http/negotiate.h"
#include "http/route.h"
#include "ledger/migrate.h"

enum {
    METRICS_BYTES_MAX = 16 << 20,
    STATUS_BYTES_MAX = 64 << 10,
    SCHEMA_LOOK_US = 10000000,
    SCHEMA_RETRY_US = 100000,
};

struct ops {
    struct ops_parts parts;
    struct loop_timer schema_timer;
    bool schema_is_current;
};

static void reply_text(struct http_exchange *x, int status, struct str text)
{
    http_reply(x, &(struct http_response){
                      .status = status,
                      .content_type = STR("text/plain; charset=utf-8"),
                      .body = text,
                  });
}

static void reply_problem(struct http_exchange *x, enum message message, struct str detail)
{
    struct buf body;
    buf_init(&body, 4096);
    message_print(message, detail, STR_NONE, STR_NONE, str_of(http_request_id(x)), &body);
    http_reply(x, &(struct http_response){
                      .status = message_entry(message)->status,
                      .content_type = STR("application/problem+json"),
                      .body = buf_str(&body),
                  });
    buf_release(&body);
}

/* ---- health and metrics ---------------------------------------------------------------------- */

static void livez(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    (void)ctx;
    reply_text(x, 200, STR("ok\n"));
}

static void schema_known(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)count;
    (void)why;
    struct ops *ops = ctx;
    ops->schema_is_current = found == STORE_FOUND;
    loop_timer_start(&ops->schema_timer, ops->schema_is_current ? SCHEMA_LOOK_US : SCHEMA_RETRY_US);
}

static void look_at_schema(void *ctx)
{
    struct ops *ops = ctx;
    migrate_check_start(ops->parts.store, ops->parts.schema_version, schema_known, ops);
}

bool ops_can_serve(const struct ops *ops)
{
    return store_is_connected(ops->parts.store) && ops->schema_is_current;
}

static struct str describe_workers(struct arena *arena, const struct ops_workers *workers)
{
    struct str text = arena_printf(arena, "workers %u of %u, generation %u", workers->serving,
                                   workers->wanted, workers->generation);
    if (workers->draining > 0) {
        text = arena_printf(arena, STR_FMT ", %u of older ones finish", STR_ARG(text),
                            workers->draining);
    }
    if (workers->crash_looping > 0) {
        text = arena_printf(arena, STR_FMT ", %u die again and again: see the log", STR_ARG(text),
                            workers->crash_looping);
    }
    if (workers->is_restoring) {
        text = arena_printf(
            arena, STR_FMT "\nrestored: providers are still to be asked about %" PRId64 " attempts",
            STR_ARG(text), workers->restore_left);
    }
    return text;
}

static void readyz(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    const struct ops *ops = ctx;
    struct ops_workers workers = {0};
    ops->parts.read_workers(ops->parts.workers_ctx, &workers);
    bool has_ledger = store_is_connected(ops->parts.store);
    bool is_ready = ops_can_serve(ops) && !workers.is_stopping && !workers.is_restoring &&
                    workers.crash_looping == 0;
    struct str verbose;
    if (!http_query(x, "verbose", &verbose)) {
        reply_text(x, is_ready ? 200 : 503, is_ready ? STR("ok\n") : STR("not ready\n"));
        return;
    }
    int64_t ahead_us = 0;
    bool knows_clock = store_clock_ahead(ops->parts.store, &ahead_us);
    struct str text = arena_printf(
        http_arena(x),
        "ledger %s\nschema %s\ndraining %s\n" STR_FMT "\naccounts %zu\nclock %s%" PRId64 " ms\n",
        has_ledger ? "connected" : "away",
        ops->schema_is_current ? "current" : "not current: turnpike migrate",
        workers.is_stopping ? "yes" : "no", STR_ARG(describe_workers(http_arena(x), &workers)),
        boards_account_count(ops->parts.boards),
        knows_clock ? "of the database ahead by " : "not compared yet: ",
        (int64_t)(ahead_us / CLOCK_MS_US));
    reply_text(x, is_ready ? 200 : 503, text);
}

void ops_reply_metrics(struct http_exchange *x)
{
    static const struct str types[METRICS_FORMAT_COUNT] = {
        [METRICS_TEXT] = STR_INIT("text/plain; version=0.0.4; charset=utf-8"),
        [METRICS_OPENMETRICS] =
            STR_INIT("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    };
    struct buf text;
    size_t wanted = negotiate_type(http_header(x, "Accept"), types, ARRAY_LEN(types));
    enum metrics_format format = wanted == METRICS_OPENMETRICS ? METRICS_OPENMETRICS : METRICS_TEXT;
    buf_init(&text, METRICS_BYTES_MAX);
    metrics_print(format, &text);
    http_reply(x, &(struct http_response){
                      .status = 200,
                      .content_type = types[format],
                      .body = buf_str(&text),
                  });
    buf_release(&text);
}

static void metrics(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    const struct ops *ops = ctx;
    boards_update_gauges(ops->parts.boards);
    ops_reply_metrics(x);
}

/* ---- the status page ------------------------------------------------------------------------- */

static void add_account(void *ctx, struct str provider, const char *state)
{
    status_page_add_account(ctx, provider, state);
}

static void look_at_all(const struct ops *ops, struct status_page *page)
{
    struct ops_workers workers = {0};
    ops->parts.read_workers(ops->parts.workers_ctx, &workers);
    *page = (struct status_page){.now_us = clock_wall_us()};
    if (!ops_can_serve(ops))
        page->ledger = COMPONENT_MAJOR_OUTAGE;
    if (!ops_can_serve(ops) || workers.is_stopping || workers.is_restoring)
        page->api = COMPONENT_MAJOR_OUTAGE;
    else if (workers.crash_looping > 0 || workers.serving < workers.wanted)
        page->api = COMPONENT_DEGRADED;
    boards_each(ops->parts.boards, add_account, page);
}

/* The page's own address, as the client named it; the listener is always TLS. */
static struct str url_of(struct http_exchange *x)
{
    struct str host = http_header(x, "Host");
    return str_is_empty(host) ? host
                              : arena_printf(http_arena(x), "https://" STR_FMT, STR_ARG(host));
}

static void reply_status(struct http_exchange *x, const struct ops *ops, enum status_page_part part)
{
    static const struct http_header headers[] = {
        {STR_INIT("Cache-Control"), STR_INIT("no-store")},
    };
    struct status_page page;
    struct buf text;
    struct json_out out;
    look_at_all(ops, &page);
    buf_init(&text, STATUS_BYTES_MAX);
    json_out_init(&out, &text);
    status_page_print(&page, part, url_of(x), &out);
    http_reply(x, &(struct http_response){
                      .status = 200,
                      .content_type = STR("application/json"),
                      .headers = headers,
                      .header_count = ARRAY_LEN(headers),
                      .body = buf_str(&text),
                  });
    buf_release(&text);
}

static void summary(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    reply_status(x, ctx, STATUS_PAGE_SUMMARY);
}

static void status(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    reply_status(x, ctx, STATUS_PAGE_STATUS);
}

static void components(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    reply_status(x, ctx, STATUS_PAGE_COMPONENTS);
}

/* ---- what is elsewhere ------------------------------------------------------------------------ */

static void elsewhere(struct http_exchange *x, const struct route_params *params, void *ctx)
{
    (void)params;
    (void)ctx;
    reply_text(
        x, 200,
        STR("Turnpike's operations listener: /livez, /readyz, /metrics, /api/v2/summary.json.\n"
            "The dashboard is at /dashboard of the merchants' listener, behind a sign-in.\n"));
}

/* clang-format off */
static const struct route routes[] = {
    {HTTP_GET, "/livez",                   livez,   0},
    {HTTP_GET, "/readyz",                  readyz,  0},
    {HTTP_GET, "/metrics",                 metrics, 0},
    {HTTP_GET, "/api/v2/summary.json",     summary, 0},
    {HTTP_GET, "/api/v2/status.json",      status, 0},
    {HTTP_GET, "/api/v2/components.json",  components, 0},
    {HTTP_GET, "/",                        elsewhere, 0},
    {HTTP_GET, "/dashboard",               elsewhere, 0},
};
/* clang-format on */

void ops_handle(struct http_exchange *x, void *ctx)
{
    const struct http_request *req = http_request(x);
    const struct route *found;
    struct route_params params;
    struct buf allow;
    buf_init(&allow, 256);
    enum route_result result =
        route_find(routes, ARRAY_LEN(routes), req->method, req->path, &found, &params, &allow);
    buf_release(&allow);
    if (result == ROUTE_FOUND) {
        http_set_route(x, found->pattern);
        found->fn(x, &params, ctx);
    } else if (result == ROUTE_NO_METHOD) {
        reply_problem(x, MESSAGE_METHOD_NOT_ALLOWED, STR("only GET is understood here"));
    } else {
        reply_problem(x, MESSAGE_NOT_FOUND,
                      STR("there are /livez, /readyz, /metrics, /api/v2/summary.json"));
    }
}

struct ops *ops_new(const struct ops_parts *parts)
{
    struct ops *ops = calloc(1, sizeof(*ops));
    CHECK(ops != NULL);
    ops->parts = *parts;
    ops->schema_is_current = parts->schema_version[0] == '\0';
    loop_timer_init(&ops->schema_timer, parts->loop, look_at_schema, ops);
    if (!ops->schema_is_current) {
        loop_timer_start(&ops->schema_timer, 0);
    }
    return ops;
}

void ops_free(struct ops **ops)
{
    if (*ops == NULL) {
        return;
    }
    loop_timer_release(&(*ops)->schema_timer);
    free(*ops);
    *ops = NULL;
}
