/*
 * harness.h - a server and its clients in one loop, for the tests of this module.
 *
 * Nothing sleeps: a test pumps the loop until what it waits for has happened. Requests name what
 * the handler does by their path:
 *
 *     /echo      answers with method, path, and body
 *     /hold      keeps the exchange in h->held; the test answers
 *     /large     answers with h->large_bytes bytes
 *     /close     answers with Connection: close
 *     /missing   answers 404
 *     /vouch     vouches for the client
 *     /spin      takes 2 ms
 *     /stream    starts an event stream in h->stream
 *     /reset     resets the connection instead of answering; /hang-up closes it in order
 *
 * and before a large body is read:
 *
 *     /large-body         takes it; 503 when there is no room
 *     /large-body/later   keeps the exchange in h->asked; the test decides
 *     /large-body/never   answers 401
 *     anything else       is refused
 */
#ifndef TESTS_HTTP_HARNESS_H
#define TESTS_HTTP_HARNESS_H

#include "base/clock.h"
#include "base/loop.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    HELD_MAX = 8,
    CLIENT_BYTES_MAX = 8 * 1024 * 1024,
    PATIENCE_MS = 60000,
};

struct harness {
    struct loop *loop;
    struct http_server *server;
    struct tls_server *tls;
    int listen_fd;
    int port;
    struct event *heartbeat; /* wakes the pump so that it can give up */
    struct http_exchange *held[HELD_MAX];
    size_t held_count;
    size_t handled_count;
    size_t gone_count;
    size_t large_bytes;
    struct http_stream *stream;
    size_t stream_gone_count;
    struct http_exchange *asked;
    size_t asked_count;
    bool last_had_certificate;
    bool last_had_spki;
    unsigned char last_spki[32];
    int64_t last_arrived_us;
};

struct client {
    struct bufferevent *bev;
    struct buf in;
    bool connected;
    bool closed;
    bool reset; /* closed by an error, not an end */
};

static UNUSED void count_gone(void *ctx)
{
    struct harness *h = ctx;
    h->gone_count++;
}

static UNUSED void count_stream_gone(void *ctx)
{
    struct harness *h = ctx;
    h->stream_gone_count++;
    h->stream = NULL;
}

static UNUSED void reply_text(struct http_exchange *x, struct str body, bool close_after)
{
    http_reply(x, &(struct http_response){.status = 200,
                                          .content_type = STR("text/plain"),
                                          .body = body,
                                          .close = close_after});
}

static UNUSED void take_large(struct http_exchange *x)
{
    if (!http_take_body(x)) {
        http_reply_json(x, 503, STR("{}"));
    }
}

static UNUSED void ask_large(struct http_exchange *x, void *ctx)
{
    struct harness *h = ctx;
    struct str path = http_request(x)->path;
    h->asked_count++;
    assert_true(http_request(x)->body_len > http_limits_default.body_bytes_max);
    assert_int_equal(http_request(x)->body.len, 0);
    if (str_eq(path, STR("/large-body"))) {
        take_large(x);
    } else if (str_eq(path, STR("/large-body/later"))) {
        http_on_gone(x, count_gone, h);
        h->asked = x;
    } else if (str_eq(path, STR("/large-body/never"))) {
        http_reply_json(x, 401, STR("{}"));
    } else {
        http_refuse_body(x);
    }
}

static UNUSED void note_spki(struct harness *h, const uint8_t *spki)
{
    h->last_had_spki = spki != NULL;
    if (spki) {
        memcpy(h->last_spki, spki, sizeof h->last_spki);
    }
}

static UNUSED void handle(struct http_exchange *x, void *ctx)
{
    struct harness *h = ctx;
    const struct http_request *request = http_request(x);
    h->handled_count++;
    h->last_had_certificate = request->peer_has_certificate;
    note_spki(h, request->peer_spki);
    h->last_arrived_us = request->arrived_us;
    if (str_eq(request->path, STR("/hold"))) {
        CHECK(h->held_count < HELD_MAX);
        http_on_gone(x, count_gone, h);
        h->held[h->held_count++] = x;
    } else if (str_eq(request->path, STR("/large"))) {
        char *large = arena_alloc(http_arena(x), h->large_bytes);
        memset(large, 'L', h->large_bytes);
        reply_text(x, (struct str){large, h->large_bytes}, false);
    } else if (str_eq(request->path, STR("/vouch"))) {
        http_vouch(x);
        reply_text(x, STR("known"), false);
    } else if (str_eq(request->path, STR("/spin"))) {
        int64_t end_us = clock_mono_us() + 2000;
        while (clock_mono_us() < end_us) {
        }
        reply_text(x, STR("spun"), false);
    } else if (str_eq(request->path, STR("/missing"))) {
        http_reply_json(x, 404, STR("{}"));
    } else if (str_eq(request->path, STR("/reset")) || str_eq(request->path, STR("/hang-up"))) {
        http_abort(x, str_eq(request->path, STR("/reset")));
    } else if (str_eq(request->path, STR("/stream"))) {
        h->stream = http_stream_start(x, count_stream_gone, h);
    } else if (str_starts(request->path, STR("/large-body"))) {
        reply_text(x, arena_printf(http_arena(x), "took %zu", request->body.len), false);
    } else {
        reply_text(x,
                   arena_printf(http_arena(x), "%s " STR_FMT "[" STR_FMT "]",
                                http_method_name(request->method), STR_ARG(request->path),
                                STR_ARG(request->body)),
                   str_eq(request->path, STR("/close")));
    }
}

static UNUSED void nothing(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
}

static UNUSED void harness_start_trusting(struct harness *h, const struct http_limits *limits,
                                          struct tls_server *tls,
                                          const struct address_list *trusted)
{
    struct error err = {.code = ERROR_NONE};
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    struct timeval beat = {.tv_usec = 20000};
    memset(h, 0, sizeof *h);
    (void)signal(SIGPIPE, SIG_IGN);
    h->loop = loop_new();
    h->tls = tls;
    if (!http_listen("127.0.0.1", 0, &h->listen_fd, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(getsockname(h->listen_fd, (struct sockaddr *)&at, &len), 0);
    h->port = ntohs(at.sin_port);
    struct http_server_config config = {.limits = limits ? *limits : http_limits_default,
                                        .tls = tls,
                                        .listener_name = "test",
                                        .handler = handle,
                                        .handler_ctx = h,
                                        .large_body = ask_large,
                                        .trusted = trusted};
    h->server = http_server_new(h->loop, h->listen_fd, &config);
    h->heartbeat = event_new(loop_base(h->loop), -1, EV_PERSIST, nothing, NULL);
    event_add(h->heartbeat, &beat);
}

static UNUSED void harness_start(struct harness *h, const struct http_limits *limits,
                                 struct tls_server *tls)
{
    harness_start_trusting(h, limits, tls, NULL);
}

static UNUSED void harness_stop(struct harness *h)
{
    http_server_free(&h->server);
    event_free(h->heartbeat);
    close(h->listen_fd);
    loop_free(&h->loop);
    tls_server_free(&h->tls);
}

/* One turn of the loop, at most a heartbeat long. */
static UNUSED void pump(struct harness *h)
{
    assert_true(event_base_loop(loop_base(h->loop), EVLOOP_ONCE) >= 0);
}

#define PUMP_UNTIL(h, condition)                                                                   \
    do {                                                                                           \
        int64_t give_up_us_ = clock_mono_us() + PATIENCE_MS * 1000LL;                              \
        while (!(condition)) {                                                                     \
            if (clock_mono_us() > give_up_us_)                                                     \
                fail_msg("waited in vain for: %s", #condition);                                    \
            pump(h);                                                                               \
        }                                                                                          \
    } while (0)

static UNUSED void client_read(struct bufferevent *bev, void *ctx)
{
    struct client *client = ctx;
    char bytes[16384];
    size_t len;
    while ((len = bufferevent_read(bev, bytes, sizeof bytes)) > 0) {
        buf_add(&client->in, bytes, len);
    }
}

static UNUSED void client_event(struct bufferevent *bev, short what, void *ctx)
{
    struct client *client = ctx;
    (void)bev;
    if (what & BEV_EVENT_CONNECTED) {
        client->connected = true;
    } else {
        client->closed = true;
        client->reset = (what & BEV_EVENT_ERROR) != 0;
    }
}

/* A client by its own TLS settings; NULL: plain. */
static UNUSED void client_start(struct harness *h, struct client *client, SSL_CTX *tls)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)h->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(evutil_make_socket_nonblocking(fd), 0);
    memset(client, 0, sizeof *client);
    buf_init(&client->in, CLIENT_BYTES_MAX);
    if (tls) {
        client->bev =
            bufferevent_openssl_socket_new(loop_base(h->loop), fd, SSL_new(tls),
                                           BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    } else {
        client->bev = bufferevent_socket_new(loop_base(h->loop), fd, BEV_OPT_CLOSE_ON_FREE);
        client->connected = true;
    }
    bufferevent_setcb(client->bev, client_read, NULL, client_event, client);
    bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

static UNUSED void client_stop(struct client *client)
{
    ERR_clear_error();
    if (client->bev) {
        bufferevent_free(client->bev);
        client->bev = NULL;
    }
    buf_release(&client->in);
}

static UNUSED void client_send(struct client *client, const char *bytes)
{
    assert_int_equal(bufferevent_write(client->bev, bytes, strlen(bytes)), 0);
}

static UNUSED bool client_has(const struct client *client, const char *text)
{
    return str_find(buf_str(&client->in), str_of(text), 0) != SIZE_MAX;
}

static UNUSED size_t client_count(const struct client *client, const char *text)
{
    size_t count = 0;
    size_t at = 0;
    while ((at = str_find(buf_str(&client->in), str_of(text), at)) != SIZE_MAX) {
        count++;
        at++;
    }
    return count;
}

/* A whole round trip of another client: whatever was ready before has been done by then. */
static UNUSED void fence(struct harness *h)
{
    struct client other;
    assert_null(h->tls);
    client_start(h, &other, NULL);
    client_send(&other, "GET /fence HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(h, client_has(&other, "GET /fence[]"));
    client_stop(&other);
}

#endif
