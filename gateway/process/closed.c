#include "process/closed.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/message.h"
#include "dashboard/ops.h"
#include "process/restore.h"

enum {
    QUEUE_MS = 2000, /* clients are better off in the queue for so long */
    QUEUE_LOOK_MS = 2,
    LOOK_MS = 50,
    LINGER_MS = 200, /* answers that are being written */
    CONNECTION_MAX = 512,
    DETAIL_SIZE = 160,
};

struct closed {
    const struct worker_start *start;
    struct loop *loop;
    struct http_server *api;
    struct http_server *ops;
    struct loop_timer look;
    struct loop_timer beat;
    bool is_over;
};

static bool is_closed(const struct shared *shared)
{
    int state = atomic_load(&shared->restore_state);
    return state == RESTORE_CHECKING || state == RESTORE_REDOING;
}

void closed_refuse(struct http_exchange *x, const struct shared *shared)
{
    char detail[DETAIL_SIZE];
    struct buf body;
    const struct http_header after = {STR("Retry-After"), STR("5")};
    buf_init(&body, 4096);
    message_print(MESSAGE_UNAVAILABLE, restore_describe(shared, detail, sizeof(detail)), STR_NONE,
                  STR_NONE, str_of(http_request_id(x)), &body);
    http_reply(x, &(struct http_response){
                      .status = message_entry(MESSAGE_UNAVAILABLE)->status,
                      .content_type = STR("application/problem+json"),
                      .body = buf_str(&body),
                      .headers = &after,
                      .header_count = 1,
                  });
    buf_release(&body);
}

static void refuse(struct http_exchange *x, void *ctx)
{
    const struct closed *closed = ctx;
    closed_refuse(x, closed->start->shared);
}

static void reply_text(struct http_exchange *x, int status, struct str text)
{
    http_reply(x, &(struct http_response){
                      .status = status,
                      .content_type = STR("text/plain; charset=utf-8"),
                      .body = text,
                  });
}

static void answer_ops(struct http_exchange *x, void *ctx)
{
    const struct closed *closed = ctx;
    struct str path = http_request(x)->path;
    if (str_eq(path, STR("/livez"))) {
        reply_text(x, 200, STR("ok\n"));
    } else if (str_eq(path, STR("/metrics"))) {
        ops_reply_metrics(x);
    } else {
        char why[DETAIL_SIZE];
        struct str text = restore_describe(closed->start->shared, why, sizeof(why));
        reply_text(x, 503, arena_printf(http_arena(x), "not ready: " STR_FMT "\n", STR_ARG(text)));
    }
}

static void beat(void *ctx)
{
    struct closed *closed = ctx;
    const struct worker_start *start = closed->start;
    atomic_store(&start->shared->slot[start->slot].heartbeat_us, clock_mono_us());
    loop_timer_start(&closed->beat, start->config->heartbeat_ms * CLOCK_MS_US);
}

static void look(void *ctx)
{
    struct closed *closed = ctx;
    if (closed->is_over) {
        loop_stop(closed->loop);
        return;
    }
    closed->is_over = !is_closed(closed->start->shared);
    if (closed->is_over) {
        http_server_drain(closed->api);
        http_server_drain(closed->ops);
    }
    loop_timer_start(&closed->look, (closed->is_over ? LINGER_MS : LOOK_MS) * CLOCK_MS_US);
}

static void open_doors(struct closed *closed, struct tls_server *api_tls,
                       struct tls_server *ops_tls)
{
    struct http_server_config http = {
        .limits = closed->start->config->http,
        .tls = api_tls,
        .listener_name = "api",
        .handler = refuse,
        .handler_ctx = closed,
    };
    http.limits.connection_count_max = CONNECTION_MAX;
    closed->api =
        http_server_new(closed->loop, closed->start->door[closed->start->seat].api_fd, &http);
    http.tls = ops_tls;
    http.listener_name = "ops";
    http.handler = answer_ops;
    closed->ops =
        http_server_new(closed->loop, closed->start->door[closed->start->seat].ops_fd, &http);
}

void closed_serve(const struct worker_start *start, struct tls_server *api_tls,
                  struct tls_server *ops_tls)
{
    struct closed closed = {.start = start};
    int64_t until_us = clock_mono_us() + QUEUE_MS * CLOCK_MS_US;
    while (is_closed(start->shared) && clock_mono_us() < until_us)
        (void)nanosleep(&(struct timespec){0, QUEUE_LOOK_MS * 1000000L}, NULL);
    if (!is_closed(start->shared))
        return;
    closed.loop = loop_new();
    loop_timer_init(&closed.look, closed.loop, look, &closed);
    loop_timer_init(&closed.beat, closed.loop, beat, &closed);
    open_doors(&closed, api_tls, ops_tls);
    atomic_store(&start->shared->slot[start->slot].is_ready, 1);
    log_info("worker", "closed until the ledger is complete", LOG_INT("slot", start->slot));
    beat(&closed);
    look(&closed);
    loop_run(closed.loop);
    atomic_store(&start->shared->slot[start->slot].is_ready, 0);
    http_server_free(&closed.api);
    http_server_free(&closed.ops);
    loop_timer_release(&closed.look);
    loop_timer_release(&closed.beat);
    loop_free(&closed.loop);
}
