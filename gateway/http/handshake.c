#include "http/handshake.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/connection.h"

enum {
    TLS_RECORD_HEAD = 5,
    TLS_HANDSHAKE = 22,
    TLS_CLIENT_HELLO = 1,
    TLS_RECORD_MAX = 16384,
};

enum step {
    STEP_AGAIN = 0, /* waits for the client */
    STEP_OPEN,
    STEP_FAILED,
};

/* ---- waiting --------------------------------------------------------------------------------- */

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    turn_wait(ctx);
}

static void wait_for(struct connection *c, short what)
{
    struct handshake *handshake = &c->handshake;
    CHECK(event_assign(handshake->wait, loop_base(c->server->loop), c->fd, what, on_ready, c) == 0);
    CHECK(event_add(handshake->wait, NULL) == 0);
}

/* The socket is readable only when so much is there, or when no more will come. */
static bool wait_for_bytes(struct connection *c, size_t bytes)
{
    int low = (int)bytes;
    c->handshake.hello_bytes = bytes;
    if (setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low) != 0) {
        return false;
    }
    wait_for(c, EV_READ);
    return true;
}

/* ---- the hello ------------------------------------------------------------------------------- */

/* Length of the first record; 0 when this is no ClientHello that we would read. */
static size_t hello_length(const unsigned char head[HANDSHAKE_HELLO_HEAD])
{
    size_t record = (size_t)head[3] << 8 | head[4];
    size_t hello = (size_t)head[6] << 16 | (size_t)head[7] << 8 | head[8];
    bool is_hello = head[0] == TLS_HANDSHAKE && head[1] == 3 && head[5] == TLS_CLIENT_HELLO;
    bool is_sane = record >= HANDSHAKE_HELLO_HEAD - TLS_RECORD_HEAD && record <= TLS_RECORD_MAX &&
                   hello <= HANDSHAKE_HELLO_BYTES_MAX;
    return is_hello && is_sane ? TLS_RECORD_HEAD + record : 0;
}

static enum step refuse_hello(struct connection *c)
{
    metrics_count(METRIC_HTTP_REFUSED, 1, STR("not_tls"));
    log_debug("http", "not a TLS client", LOG_CSTR("listener", c->server->config.listener_name),
              LOG_CSTR("peer", c->peer));
    return STEP_FAILED;
}

/* Look at the first bytes without taking them; an OpenSSL object only for a whole first record. */
static enum step look_at_hello(struct connection *c)
{
    unsigned char head[HANDSHAKE_HELLO_HEAD];
    int there = 0;
    ssize_t got = recv(c->fd, head, sizeof head, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        wait_for(c, EV_READ);
        return STEP_AGAIN;
    }
    if (got < (ssize_t)sizeof head) {
        return got > 0 ? refuse_hello(c) : STEP_FAILED;
    }
    size_t wanted = hello_length(head);
    if (wanted == 0 || ioctl(c->fd, FIONREAD, &there) != 0) {
        return refuse_hello(c);
    }
    if ((size_t)there >= wanted) {
        int low = 1;
        c->handshake.ssl = SSL_new(tls_server_context(c->server->config.tls));
        CHECK(c->handshake.ssl);
        CHECK(SSL_set_fd(c->handshake.ssl, c->fd) == 1);
        SSL_set_accept_state(c->handshake.ssl);
        return setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low) == 0 ? STEP_OPEN
                                                                                 : STEP_FAILED;
    }
    /* Readable, and still not all of it: the client has closed its side. */
    bool is_closed = c->handshake.hello_bytes == wanted;
    return !is_closed && wait_for_bytes(c, wanted) ? STEP_AGAIN : STEP_FAILED;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void note_failure(const struct connection *c)
{
    unsigned long error = ERR_peek_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
    metrics_count(METRIC_HTTP_REFUSED, 1, STR("handshake"));
    log_debug("http", "handshake failed", LOG_CSTR("listener", c->server->config.listener_name),
              LOG_CSTR("peer", c->peer), LOG_CSTR("reason", reason ? reason : "closed"));
}

static enum step step(struct connection *c)
{
    if (!c->handshake.ssl) {
        enum step looked = look_at_hello(c);
        if (looked != STEP_OPEN) {
            return looked;
        }
    }
    ERR_clear_error();
    int result = SSL_do_handshake(c->handshake.ssl);
    if (result == 1) {
        return STEP_OPEN;
    }
    switch (SSL_get_error(c->handshake.ssl, result)) {
    case SSL_ERROR_WANT_READ:
        wait_for(c, EV_READ);
        return STEP_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        wait_for(c, EV_WRITE);
        return STEP_AGAIN;
    default:
        note_failure(c);
        ERR_clear_error();
        return STEP_FAILED;
    }
}

void handshake_step(struct connection *c)
{
    switch (step(c)) {
    case STEP_AGAIN:
        return;
    case STEP_OPEN: {
        SSL *ssl = c->handshake.ssl;
        c->handshake.ssl = NULL;
        handshake_release(c);
        connection_open(c, ssl);
        return;
    }
    case STEP_FAILED:
        connection_free(c);
        return;
    }
}

void handshake_start(struct connection *c)
{
    c->handshake.wait = event_new(loop_base(c->server->loop), c->fd, EV_READ, on_ready, c);
    CHECK(c->handshake.wait);
    if (!wait_for_bytes(c, HANDSHAKE_HELLO_HEAD)) {
        turn_wait(c); /* it fails there, not in the caller's hands */
    }
}

void handshake_release(struct connection *c)
{
    struct handshake *handshake = &c->handshake;
    if (!handshake->wait) {
        return;
    }
    event_free(handshake->wait);
    handshake->wait = NULL;
    SSL_free(handshake->ssl);
    handshake->ssl = NULL;
}
