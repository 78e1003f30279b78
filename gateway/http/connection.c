#include "http/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

static void drain_tls_errors(struct connection *c)
{
    while (bufferevent_get_openssl_error(c->bev) != 0) {
    }
    ERR_clear_error();
}

void connection_set_phase(struct connection *c, enum phase phase)
{
    struct phase_queue *queue = &c->server->phases[phase];
    int64_t now = loop_now_us(c->server->loop);
    list_remove(&c->link);
    list_add_last(&queue->connections, &c->link);
    c->phase = phase;
    c->deadline_us = now + queue->limit_us;
    if (queue->limit_us > 0 && !queue->armed) {
        loop_timer_start(&queue->timer, queue->limit_us);
        queue->armed = true;
    }
}

static void count_connections(struct http_server *server, int64_t delta)
{
    metrics_count(METRIC_HTTP_CONNECTIONS, delta, str_of(server->config.listener_name));
}

void connection_free(struct connection *c)
{
    struct http_exchange *exchange = c->exchange;
    struct http_stream *stream = c->stream;
    bool handed_over = c->phase == PHASE_HANDLING;
    list_remove(&c->link);
    address_remove(&c->server->addresses, c->address);
    CHECK(c->server->connection_count > 0);
    c->server->connection_count--;
    count_connections(c->server, -1);
    drain_tls_errors(c);
    bufferevent_free(c->bev);
    free(c);
    /* Last: these may call back into the server. */
    if (exchange && handed_over) {
        exchange_tell_gone(exchange);
    } else if (exchange) {
        exchange_free(exchange);
    }
    if (stream) {
        stream_tell_gone(stream);
    }
}

static void send_close_notify(struct connection *c)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
    if (ssl && SSL_is_init_finished(ssl)) {
        (void)SSL_shutdown(ssl);
        ERR_clear_error();
    }
}

/* Our last byte is written. Say so, and keep reading for a while (RFC 9112 section 9.6). */
static void linger(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    send_close_notify(c);
    if (c->peer_closed || shutdown(bufferevent_getfd(c->bev), SHUT_WR) != 0) {
        connection_free(c);
        return;
    }
    connection_set_phase(c, PHASE_LINGERING);
    c->lingered_bytes = evbuffer_get_length(input);
    evbuffer_drain(input, c->lingered_bytes);
}

void connection_close_idle(struct connection *c)
{
    send_close_notify(c);
    connection_free(c);
}

/* Has the client's next request arrived in the kernel? Then closing now would lose it. */
static bool request_is_waiting(const struct connection *c)
{
    char byte;
    return recv(bufferevent_getfd(c->bev), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void end_idle(struct connection *c)
{
    if (request_is_waiting(c)) {
        connection_set_phase(c, PHASE_FRESH);
    } else {
        linger(c); /* it may be on its way */
    }
}

static void discard_input(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    c->lingered_bytes += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (c->phase == PHASE_LINGERING && c->lingered_bytes > HTTP_LINGER_BYTES_MAX) {
        connection_free(c);
    }
}

static void refuse(struct connection *c, enum refusal refusal)
{
    reply_refuse(c, refusal);
    if (c->exchange) {
        exchange_free(c->exchange);
        c->exchange = NULL;
    }
    c->close_after = true;
    connection_set_phase(c, PHASE_WRITING);
}

/* The handler gets the exchange and may answer in this call: nothing may touch `c` after it. */
static void hand_over(struct connection *c)
{
    struct http_server *server = c->server;
    struct http_exchange *x = c->exchange;
    c->request_count++;
    c->close_after = c->framing.close || server->draining ||
                     c->request_count >= server->config.limits.request_count_max;
    connection_set_phase(c, PHASE_HANDLING);
    server->config.handler(x, server->config.handler_ctx);
}

/* True when the body is complete and was taken out of the input. */
static bool take_body(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    size_t len = c->framing.body_len;
    if (evbuffer_get_length(input) < len) {
        return false;
    }
    if (len > 0) {
        char *body = arena_alloc(&c->exchange->arena, len);
        CHECK(evbuffer_remove(input, body, len) == (int)len);
        c->exchange->request.body = (struct str){body, len};
    }
    return true;
}

static void take_head(struct connection *c, struct str head, size_t consumed)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_exchange *x = exchange_new(c);
    enum refusal why = REFUSAL_NONE;
    struct str copy = arena_str(&x->arena, head);
    c->exchange = x;
    evbuffer_drain(bufferevent_get_input(c->bev), consumed);
    memset(&c->parser, 0, sizeof c->parser);
    if (!parser_parse(copy, &c->server->config.limits, &x->arena, &x->request, &c->framing, &why)) {
        refuse(c, why);
    } else if (take_body(c)) {
        hand_over(c);
    } else {
        if (c->framing.expects_continue) {
            bufferevent_write(c->bev, go_on, sizeof go_on - 1);
        }
        connection_set_phase(c, PHASE_BODY);
    }
}

static void read_head(struct connection *c)
{
    const struct http_limits *limits = &c->server->config.limits;
    struct evbuffer *input = bufferevent_get_input(c->bev);
    size_t len = evbuffer_get_length(input);
    size_t look = limits->head_bytes_max + 3; /* an empty line in front, and one too many */
    struct str bytes;
    struct str head;
    size_t consumed;
    enum refusal why;
    if (len == 0) {
        return;
    }
    if (c->phase != PHASE_HEAD) {
        c->arrived_us = loop_now_us(c->server->loop);
    }
    bytes.len = len < look ? len : look;
    bytes.at = (const char *)evbuffer_pullup(input, (ev_ssize_t)bytes.len);
    CHECK(bytes.at);
    switch (parser_scan(&c->parser, limits, bytes, &head, &consumed, &why)) {
    case PARSER_MORE:
        CHECK(bytes.len < look);
        if (c->phase != PHASE_HEAD) {
            connection_set_phase(c, PHASE_HEAD);
        }
        return;
    case PARSER_HEAD:
        take_head(c, head, consumed);
        return;
    case PARSER_REFUSED:
        refuse(c, why);
        return;
    }
}

/* Do what the input allows. `c` may be gone afterwards. */
static void advance(struct connection *c)
{
    switch (c->phase) {
    case PHASE_FRESH:
    case PHASE_IDLE:
    case PHASE_HEAD:
        read_head(c);
        return;
    case PHASE_BODY:
        if (take_body(c)) {
            hand_over(c);
        }
        return;
    case PHASE_STREAM_WRITING:
    case PHASE_STREAMING:
    case PHASE_LINGERING:
        discard_input(c);
        return;
    case PHASE_HANDLING: /* the next request waits in the input, bounded by the watermark */
    case PHASE_WRITING:
    case PHASE_HANDSHAKING:
    case PHASE_COUNT:
        return;
    }
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    advance(ctx);
}

/* The output is empty. */
static void written(struct connection *c)
{
    if (c->phase == PHASE_STREAM_WRITING) {
        connection_set_phase(c, PHASE_STREAMING);
    } else if (c->phase == PHASE_WRITING && c->close_after) {
        linger(c);
    } else if (c->phase == PHASE_WRITING) {
        bool is_idle = evbuffer_get_length(bufferevent_get_input(c->bev)) == 0;
        connection_set_phase(c, PHASE_IDLE);
        if (is_idle && c->server->ends_idle) {
            end_idle(c);
        } else {
            advance(c);
        }
    }
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    written(ctx);
}

void connection_answered(struct connection *c)
{
    c->exchange = NULL;
    connection_set_phase(c, PHASE_WRITING);
}

void connection_finish(struct connection *c)
{
    c->close_after = true;
    connection_set_phase(c, PHASE_WRITING);
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        linger(c);
    }
}

void connection_expire(struct connection *c)
{
    CHECK(c->server->phases[c->phase].limit_us > 0);
    switch (c->phase) {
    case PHASE_HEAD:
        refuse(c, REFUSAL_HEAD_SLOW);
        return;
    case PHASE_BODY:
        refuse(c, REFUSAL_BODY_SLOW);
        return;
    case PHASE_IDLE:
        end_idle(c);
        return;
    case PHASE_FRESH:
        connection_close_idle(c);
        return;
    case PHASE_HANDSHAKING:
    case PHASE_WRITING:
    case PHASE_STREAM_WRITING:
    case PHASE_LINGERING:
        connection_free(c);
        return;
    case PHASE_HANDLING:
    case PHASE_STREAMING:
    case PHASE_COUNT: /* these have no deadline */
        return;
    }
}

static void handshake_done(struct connection *c)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    c->has_certificate = certificate && SSL_get_verify_result(ssl) == X509_V_OK;
    connection_set_phase(c, PHASE_FRESH);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct connection *c = ctx;
    if (what & BEV_EVENT_CONNECTED) {
        handshake_done(c);
        return;
    }
    if (c->phase == PHASE_HANDSHAKING) {
        unsigned long error = bufferevent_get_openssl_error(bev);
        const char *reason = ERR_reason_error_string(error);
        metrics_count(METRIC_HTTP_REFUSED, 1, STR("handshake"));
        log_debug("http", "handshake failed", LOG_CSTR("listener", c->server->config.listener_name),
                  LOG_CSTR("peer", c->peer), LOG_CSTR("reason", reason ? reason : "closed"));
    }
    /* A client that has sent all it wants and closed its side still gets an answer under way. */
    if ((what & BEV_EVENT_EOF) && c->phase == PHASE_WRITING && !c->peer_closed) {
        c->peer_closed = true;
        c->close_after = true;
        drain_tls_errors(c);
        bufferevent_enable(bev, EV_WRITE);
        return;
    }
    connection_free(c);
}

static struct bufferevent *make_bufferevent(struct http_server *server, int fd)
{
    struct event_base *base = loop_base(server->loop);
    if (!server->config.tls) {
        return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    }
    SSL *ssl = SSL_new(tls_server_context(server->config.tls));
    CHECK(ssl);
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev) {
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    }
    return bev;
}

void connection_new(struct http_server *server, int fd, struct address address, const char *peer)
{
    const struct http_limits *limits = &server->config.limits;
    struct connection *c = calloc(1, sizeof *c);
    CHECK(c);
    c->server = server;
    c->address = address;
    CHECK(str_copy_to(str_of(peer), c->peer, sizeof c->peer));
    c->bev = make_bufferevent(server, fd);
    CHECK(c->bev);
    list_init(&c->link);
    server->connection_count++;
    count_connections(server, 1);
    bufferevent_setcb(c->bev, on_readable, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0,
                             limits->head_bytes_max + limits->body_bytes_max + 4);
    connection_set_phase(c, server->config.tls ? PHASE_HANDSHAKING : PHASE_FRESH);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}
