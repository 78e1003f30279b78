/* A server's limits, phases, draining and end. */
#include "http/connection.h"

#include <stdlib.h>

#include "http/shed.h"

enum {
    EXPIRE_BATCH = 16, /* per tick; more deferred callbacks than 32 would make it a longer one */
};

const struct http_limits http_limits_default = {
    .handshake_ms = 5000,
    .head_ms = 10000,
    .body_ms = 15000,
    .idle_ms = 75000,
    .answer_write_ms = 10000,
    .body_rate_min = 256,
    .target_bytes_max = 4096,
    .header_count_max = 64,
    .header_bytes_max = 8192,
    .head_bytes_max = 16384,
    .body_bytes_max = 65536,
    .large_body_bytes_max = 8388608,
    .connection_count_max = 12288,
    .connection_per_address_max = 4096,
    .buffer_bytes_max = 67108864,
    .request_count_max = 10000,
    .stream_buffer_bytes_max = 262144,
};

/* Thousands may be due at once: each costs an answer, so a tick ends only some. */
static void expire_due(void *ctx)
{
    struct phase_queue *queue = ctx;
    int64_t now = loop_now_us(queue->server->loop);
    int64_t wait_us = -1; /* until the first that is left is due; below 0: nobody is left */
    queue->armed = true;  /* one that enters the phase again must not set the timer */
    for (size_t ended = 0; !list_is_empty(&queue->connections); ended++) {
        struct connection *c = LIST_OWNER(queue->connections.next, struct connection, link);
        wait_us = c->deadline_us > now ? c->deadline_us - now : 0;
        if (wait_us > 0 || ended == EXPIRE_BATCH) {
            break;
        }
        wait_us = -1;
        connection_expire(c);
    }
    queue->armed = wait_us >= 0;
    if (queue->armed) {
        loop_timer_start(&queue->timer, wait_us);
    }
}

static void shed_due(void *server)
{
    shed_buffers(server, NULL);
}

static void init_phases(struct http_server *server)
{
    const struct http_limits *limits = &server->config.limits;
    int64_t rest_ms =
        limits->idle_ms < limits->answer_write_ms ? limits->idle_ms : limits->answer_write_ms;
    const int64_t limit_ms[PHASE_COUNT] = {
        [PHASE_HANDSHAKING] = limits->handshake_ms,
        [PHASE_FRESH] = limits->head_ms,
        [PHASE_RESTING] = rest_ms,
        [PHASE_IDLE] = limits->idle_ms > rest_ms ? limits->idle_ms - rest_ms : 1,
        [PHASE_HEAD] = limits->head_ms,
        [PHASE_BODY] = limits->body_ms / HTTP_BODY_TURNS,
        [PHASE_QUEUED] = limits->head_ms,
        [PHASE_WRITING] = limits->answer_write_ms,
        [PHASE_STREAM_WRITING] = limits->answer_write_ms,
        [PHASE_LINGERING] = HTTP_LINGER_MS,
        [PHASE_PARTING] = HTTP_PARTING_MS,
    };
    for (int i = 0; i < PHASE_COUNT; i++) {
        struct phase_queue *queue = &server->phases[i];
        queue->server = server;
        queue->limit_us = limit_ms[i] * 1000;
        list_init(&queue->connections);
        loop_timer_init(&queue->timer, server->loop, expire_due, queue);
    }
}

struct http_server *http_server_new(struct loop *loop, int listen_fd,
                                    const struct http_server_config *config)
{
    struct http_server *server = calloc(1, sizeof *server);
    CHECK(server);
    CHECK(config->handler && config->listener_name);
    server->loop = loop;
    server->listen_fd = listen_fd;
    server->config = *config;
    server->date_second = -1;
    list_init(&server->exchanges);
    list_init(&server->spares);
    list_init(&server->streams);
    address_table_init(&server->addresses, config->limits.connection_count_max);
    init_phases(server);
    loop_timer_init(&server->shed, loop, shed_due, server);
    turn_queue_init(&server->turns, loop);
    accept_start(server);
    return server;
}

bool http_server_pause(struct http_server *server, int64_t pause_us)
{
    if (server->draining || loop_timer_is_running(&server->accept_pause)) {
        return false;
    }
    event_del(server->accept_event);
    loop_timer_start(&server->accept_pause, pause_us);
    return true;
}

void http_server_close_idle(struct http_server *server)
{
    static const enum phase idle[] = {PHASE_IDLE, PHASE_RESTING};
    server->ends_idle = server->draining;
    for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
        struct link *connections = &server->phases[idle[i]].connections;
        while (!list_is_empty(connections)) {
            connection_end_idle(LIST_OWNER(connections->next, struct connection, link));
        }
    }
}

void http_server_retire(struct http_server *server)
{
    server->draining = true;
    accept_stop(server);
    while (!list_is_empty(&server->streams)) {
        struct http_stream *stream = LIST_OWNER(server->streams.next, struct http_stream, link);
        if (stream->connection) {
            stream->connection->stream = NULL;
            connection_finish(stream->connection);
        }
        stream_tell_gone(stream);
    }
}

void http_server_drain(struct http_server *server)
{
    http_server_retire(server);
    http_server_close_idle(server);
}

size_t http_server_connection_count(const struct http_server *server)
{
    return server->connection_count;
}

static void free_spares(struct http_server *server)
{
    struct link *link = server->spares.next;
    while (link != &server->spares) {
        struct http_exchange *x = LIST_OWNER(link, struct http_exchange, link);
        link = link->next;
        arena_release(&x->arena);
        free(x);
    }
}

void http_server_free(struct http_server **server_at)
{
    struct http_server *server = *server_at;
    if (!server) {
        return;
    }
    for (int i = 0; i < PHASE_COUNT; i++) {
        struct link *connections = &server->phases[i].connections;
        while (!list_is_empty(connections)) {
            connection_free(LIST_OWNER(connections->next, struct connection, link));
        }
    }
    while (!list_is_empty(&server->streams)) {
        stream_tell_gone(LIST_OWNER(server->streams.next, struct http_stream, link));
    }
    /* What handlers still hold outlives the server: it is answered into nothing. */
    while (!list_is_empty(&server->exchanges)) {
        struct http_exchange *x = LIST_OWNER(server->exchanges.next, struct http_exchange, link);
        list_remove(&x->link);
        x->server = NULL;
    }
    CHECK(server->connection_count == 0);
    free_spares(server);
    for (int i = 0; i < PHASE_COUNT; i++) {
        loop_timer_release(&server->phases[i].timer);
    }
    loop_timer_release(&server->shed);
    turn_queue_release(&server->turns);
    accept_release(server);
    address_table_release(&server->addresses);
    free(server);
    *server_at = NULL;
}

void http_server_use_tls(struct http_server *server, struct tls_server *tls)
{
    CHECK(server->config.tls && tls);
    server->config.tls = tls;
}
