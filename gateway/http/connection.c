#include "http/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <linux/sockios.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/shed.h"

enum {
    INPUT_OVERHEAD = 4096,   /* memory that a buffer takes beside its bytes */
    OUTPUT_OVERHEAD = 20480, /* the same, and a TLS record on its way */
};

static void drain_tls_errors(struct connection *c)
{
    while (bufferevent_get_openssl_error(c->bev) != 0) {
    }
    ERR_clear_error();
}

static size_t weigh(const struct evbuffer *buffer, size_t overhead)
{
    size_t len = evbuffer_get_length(buffer);
    return len > 0 ? len + overhead : 0;
}

void connection_count_buffers(struct connection *c)
{
    struct http_server *server = c->server;
    size_t bytes = c->body.held_bytes;
    if (c->bev) {
        bytes += weigh(bufferevent_get_input(c->bev), INPUT_OVERHEAD);
        bytes += weigh(bufferevent_get_output(c->bev), OUTPUT_OVERHEAD);
    }
    server->buffer_bytes = server->buffer_bytes - c->buffer_bytes + bytes;
    server->phases[c->phase].buffer_bytes += bytes - c->buffer_bytes;
    c->buffer_bytes = bytes;
    if (server->buffer_bytes > server->config.limits.buffer_bytes_max &&
        !loop_timer_is_running(&server->shed)) {
        loop_timer_start(&server->shed, 0); /* the one to go may be in our caller's hands */
    }
}

void connection_set_phase(struct connection *c, enum phase phase)
{
    struct phase_queue *queue = &c->server->phases[phase];
    int64_t now = loop_now_us(c->server->loop);
    list_remove(&c->link);
    list_add_last(&queue->connections, &c->link);
    c->server->phases[c->phase].buffer_bytes -= c->buffer_bytes;
    queue->buffer_bytes += c->buffer_bytes;
    c->phase = phase;
    c->deadline_us = now + queue->limit_us;
    if (queue->limit_us > 0 && !queue->armed) {
        loop_timer_start(&queue->timer, queue->limit_us);
        queue->armed = true;
    }
    connection_count_buffers(c);
}

bool connection_is_handled(const struct connection *c)
{
    return c->phase == PHASE_HANDLING || c->phase == PHASE_ASKING;
}

static void count_connections(struct http_server *server, int64_t delta)
{
    metrics_count(METRIC_HTTP_CONNECTIONS, delta, str_of(server->config.listener_name));
}

void connection_free(struct connection *c)
{
    struct http_exchange *exchange = c->exchange;
    struct http_stream *stream = c->stream;
    bool handed_over = connection_is_handled(c);
    list_remove(&c->link);
    if (c->is_counted) {
        address_remove(&c->server->addresses, c->address);
    }
    CHECK(c->server->connection_count > 0);
    c->server->connection_count--;
    count_connections(c->server, -1);
    turn_leave(c);
    body_end(c);
    CHECK(c->server->buffer_bytes >= c->buffer_bytes);
    c->server->buffer_bytes -= c->buffer_bytes;
    c->server->phases[c->phase].buffer_bytes -= c->buffer_bytes;
    if (c->bev) {
        drain_tls_errors(c);
        bufferevent_free(c->bev);
    } else {
        handshake_release(c);
        close(c->fd);
    }
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

void connection_drop(struct connection *c)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_free(c);
}

static void send_close_notify(struct connection *c)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
    if (ssl && SSL_is_init_finished(ssl)) {
        (void)SSL_shutdown(ssl);
        ERR_clear_error();
    }
}

/* Our last byte is written: say so. False: the client does not listen any more. */
static bool end_output(struct connection *c)
{
    send_close_notify(c);
    return !c->peer_closed && shutdown(c->fd, SHUT_WR) == 0;
}

/* Keep reading for a while after our last byte (RFC 9112 section 9.6). */
static void linger(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    if (!end_output(c)) {
        connection_free(c);
        return;
    }
    c->lingered_bytes = evbuffer_get_length(input);
    evbuffer_drain(input, c->lingered_bytes);
    connection_set_phase(c, PHASE_LINGERING);
}

void connection_close_idle(struct connection *c)
{
    send_close_notify(c);
    connection_free(c);
}

bool connection_has_unread(const struct connection *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool connection_is_untaken(const struct connection *c)
{
    int unsent = 0;
    return ioctl(c->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0;
}

void connection_end_idle(struct connection *c)
{
    if (!c->is_late && connection_has_unread(c)) {
        c->is_late = true;
        connection_set_phase(c, PHASE_FRESH);
    } else {
        linger(c); /* it may be on its way */
    }
}

static void discard_input(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    bool is_leaving = c->phase == PHASE_LINGERING || c->phase == PHASE_PARTING;
    c->lingered_bytes += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (is_leaving && c->lingered_bytes > HTTP_LINGER_BYTES_MAX) {
        connection_free(c);
    }
}

static void refuse_into(struct connection *c, enum refusal refusal, enum phase phase)
{
    reply_refuse(c, refusal);
    if (c->exchange) {
        exchange_free(c->exchange);
        c->exchange = NULL;
    }
    body_end(c);
    c->close_after = true;
    connection_set_phase(c, phase);
}

void connection_refuse(struct connection *c, enum refusal refusal)
{
    refuse_into(c, refusal, PHASE_WRITING);
}

void connection_refuse_slow(struct connection *c, enum refusal refusal)
{
    refuse_into(c, refusal, PHASE_PARTING);
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

/* Likewise: the route decides whether a large body is read. */
static void ask_for_large_body(struct connection *c)
{
    struct http_server *server = c->server;
    struct http_exchange *x = c->exchange;
    if (!server->config.large_body) {
        connection_refuse(c, REFUSAL_BODY_LONG);
        return;
    }
    connection_set_phase(c, PHASE_ASKING);
    server->config.large_body(x, server->config.handler_ctx);
}

static bool wants_large_body(const struct connection *c)
{
    return c->framing.body_len > c->server->config.limits.body_bytes_max && !c->body.large;
}

static void call_handler(struct connection *c)
{
    if (wants_large_body(c)) {
        ask_for_large_body(c);
    } else {
        hand_over(c);
    }
}

static void wait_for_handler(struct connection *c)
{
    if (c->server->config.strangers_wait && !c->is_known) {
        connection_set_phase(c, PHASE_QUEUED);
        turn_wait(c);
    } else {
        call_handler(c);
    }
}

void connection_take_turn(struct connection *c)
{
    if (c->phase == PHASE_HANDSHAKING) {
        handshake_step(c);
    } else {
        CHECK(c->phase == PHASE_QUEUED);
        call_handler(c);
    }
}

void connection_await_body(struct connection *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (body_take(c)) {
        wait_for_handler(c);
        return;
    }
    if (c->framing.expects_continue) {
        bufferevent_write(c->bev, go_on, sizeof go_on - 1);
    }
    body_begin(c);
    connection_set_phase(c, PHASE_BODY);
}

static void take_head(struct connection *c, struct str head, size_t consumed)
{
    const struct http_limits *limits = &c->server->config.limits;
    struct http_exchange *x = exchange_new(c);
    enum refusal why = REFUSAL_NONE;
    struct str copy = arena_str(&x->arena, head);
    c->exchange = x;
    evbuffer_drain(bufferevent_get_input(c->bev), consumed);
    memset(&c->parser, 0, sizeof c->parser);
    c->is_late = false;
    if (!parser_parse(copy, limits, &x->arena, &x->request, &c->framing, &why)) {
        connection_refuse(c, why);
        return;
    }
    x->request.body_len = c->framing.body_len;
    if (wants_large_body(c)) {
        wait_for_handler(c);
    } else {
        connection_await_body(c);
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
    if (c->parser.scanned == 0) {
        c->arrived_us = loop_now_us(c->server->loop);
    }
    bytes.len = len < look ? len : look;
    bytes.at = (const char *)evbuffer_pullup(input, (ev_ssize_t)bytes.len);
    CHECK(bytes.at);
    switch (parser_scan(&c->parser, limits, bytes, &head, &consumed, &why)) {
    case PARSER_MORE:
        CHECK(bytes.len < look);
        if (c->phase == PHASE_RESTING || c->phase == PHASE_IDLE) {
            connection_set_phase(c, PHASE_HEAD);
        }
        return;
    case PARSER_HEAD:
        take_head(c, head, consumed);
        return;
    case PARSER_REFUSED:
        connection_refuse(c, why);
        return;
    }
}

/* Do what the input allows. `c` may be gone afterwards. */
static void advance(struct connection *c)
{
    switch (c->phase) {
    case PHASE_FRESH:
    case PHASE_RESTING:
    case PHASE_IDLE:
    case PHASE_HEAD:
        read_head(c);
        return;
    case PHASE_BODY:
        if (body_take(c)) {
            wait_for_handler(c);
        }
        return;
    case PHASE_STREAM_WRITING:
    case PHASE_STREAMING:
    case PHASE_LINGERING:
    case PHASE_PARTING:
        discard_input(c);
        return;
    case PHASE_QUEUED:
    case PHASE_ASKING:
    case PHASE_HANDLING: /* the next request waits in the input, bounded by the watermark */
    case PHASE_WRITING:
    case PHASE_HANDSHAKING:
    case PHASE_COUNT:
        return;
    }
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
    struct connection *c = ctx;
    (void)bev;
    connection_count_buffers(c);
    if (c->server->buffer_bytes > c->server->config.limits.buffer_bytes_max) {
        shed_buffers(c->server, c); /* what it asks for may be large, too */
    }
    advance(c);
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
        connection_set_phase(c, PHASE_RESTING);
        if (is_idle && c->server->ends_idle) {
            connection_end_idle(c);
        } else {
            advance(c);
        }
    } else if (c->phase == PHASE_PARTING && !end_output(c)) {
        connection_free(c);
    }
}

static void on_written(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    written(ctx);
}

bool connection_may_push(const struct connection *c)
{
    return c->server->config.tls && c->phase == PHASE_HANDLING && !c->close_after &&
           !c->server->ends_idle && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0 &&
           evbuffer_get_length(bufferevent_get_input(c->bev)) == 0;
}

void connection_push(struct connection *c, const char *bytes, size_t len)
{
    ERR_clear_error();
    int written = SSL_write(bufferevent_openssl_get_ssl(c->bev), bytes, (int)len);
    size_t done = written > 0 ? (size_t)written : 0;
    c->was_pushed = done == len;
    if (!c->was_pushed) { /* an error shows again when it is tried from there */
        ERR_clear_error();
        CHECK(evbuffer_add(bufferevent_get_output(c->bev), bytes + done, len - done) == 0);
    }
}

void connection_answered(struct connection *c)
{
    c->exchange = NULL;
    body_end(c);
    connection_set_phase(c, c->was_pushed ? PHASE_RESTING : PHASE_WRITING);
    c->was_pushed = false;
}

void connection_finish(struct connection *c)
{
    c->close_after = true;
    connection_set_phase(c, PHASE_WRITING);
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        linger(c);
    }
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct connection *c = ctx;
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

static struct bufferevent *make_bufferevent(struct connection *c, SSL *ssl)
{
    struct event_base *base = loop_base(c->server->loop);
    if (!ssl) {
        return bufferevent_socket_new(base, c->fd, BEV_OPT_CLOSE_ON_FREE);
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(base, c->fd, ssl, BUFFEREVENT_SSL_OPEN,
                                                             BEV_OPT_CLOSE_ON_FREE);
    if (bev) {
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    }
    return bev;
}

void connection_open(struct connection *c, SSL *ssl)
{
    const struct http_limits *limits = &c->server->config.limits;
    c->bev = make_bufferevent(c, ssl);
    CHECK(c->bev);
    if (ssl) {
        c->has_certificate = tls_peer_is_verified(ssl);
        c->has_spki = tls_peer_spki(ssl, c->spki);
    }
    bufferevent_setcb(c->bev, on_readable, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0,
                             limits->head_bytes_max + limits->body_bytes_max + 4);
    connection_set_phase(c, PHASE_FRESH);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void connection_new(struct http_server *server, const struct newcomer *newcomer)
{
    struct connection *c = calloc(1, sizeof *c);
    CHECK(c);
    c->server = server;
    c->fd = newcomer->fd;
    c->address = newcomer->address;
    c->is_counted = newcomer->is_counted;
    memcpy(c->peer, newcomer->peer, sizeof c->peer);
    list_init(&c->link);
    list_init(&c->turn);
    if (c->is_counted) {
        CHECK(address_add(&server->addresses, c->address, SIZE_MAX));
    }
    server->connection_count++;
    count_connections(server, 1);
    if (server->config.tls) {
        connection_set_phase(c, PHASE_HANDSHAKING);
        handshake_start(c);
    } else {
        connection_open(c, NULL);
    }
}
