/* Listening, accepting within limits, draining, the end. */
#include "http/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
    ACCEPT_BATCH = 64,        /* per tick: accepting must not starve those accepted */
    ACCEPT_PAUSE_US = 100000, /* after running out of descriptors */
    LISTEN_BACKLOG = 4096,
};

const struct http_limits http_limits_default = {
    .handshake_ms = 5000,
    .head_ms = 10000,
    .body_ms = 15000,
    .idle_ms = 75000,
    .answer_write_ms = 10000,
    .target_bytes_max = 4096,
    .header_count_max = 64,
    .header_bytes_max = 8192,
    .head_bytes_max = 16384,
    .body_bytes_max = 65536,
    .connection_count_max = 4096,
    .connection_per_address_max = 1024,
    .request_count_max = 10000,
    .stream_buffer_bytes_max = 262144,
};

static void expire_due(void *ctx)
{
    struct phase_queue *queue = ctx;
    int64_t now = loop_now_us(queue->server->loop);
    queue->armed = false;
    while (!list_is_empty(&queue->connections)) {
        struct connection *c = LIST_OWNER(queue->connections.next, struct connection, link);
        if (c->deadline_us > now) {
            if (!queue->armed) {
                loop_timer_start(&queue->timer, c->deadline_us - now);
                queue->armed = true;
            }
            return;
        }
        connection_expire(c);
    }
}

static void init_phases(struct http_server *server)
{
    const struct http_limits *limits = &server->config.limits;
    const int64_t limit_ms[PHASE_COUNT] = {
        [PHASE_HANDSHAKING] = limits->handshake_ms,
        [PHASE_FRESH] = limits->head_ms,
        [PHASE_IDLE] = limits->idle_ms,
        [PHASE_HEAD] = limits->head_ms,
        [PHASE_BODY] = limits->body_ms,
        [PHASE_WRITING] = limits->answer_write_ms,
        [PHASE_STREAM_WRITING] = limits->answer_write_ms,
        [PHASE_LINGERING] = HTTP_LINGER_MS,
    };
    for (int i = 0; i < PHASE_COUNT; i++) {
        struct phase_queue *queue = &server->phases[i];
        queue->server = server;
        queue->limit_us = limit_ms[i] * 1000;
        list_init(&queue->connections);
        loop_timer_init(&queue->timer, server->loop, expire_due, queue);
    }
}

/* Peer address as text and as key; false for a family that a listener cannot have. */
static bool describe_peer(const struct sockaddr_storage *from, char peer[64])
{
    const void *ip = NULL;
    if (from->ss_family == AF_INET) {
        ip = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
    } else if (from->ss_family == AF_INET6) {
        ip = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    }
    return ip && inet_ntop(from->ss_family, ip, peer, 64);
}

static void refuse_connection(const struct http_server *server, int fd, struct str reason)
{
    metrics_count(METRIC_HTTP_REFUSED, 1, reason);
    log_debug("http", "connection refused", LOG_CSTR("listener", server->config.listener_name),
              LOG_STR("reason", reason));
    close(fd);
}

/* Without a linger, close() is a reset: the client learns that nothing of it was read. */
static void reset_connection(const struct http_server *server, int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    refuse_connection(server, fd, STR("not_admitted"));
}

static void take_connection(struct http_server *server, int fd, const struct sockaddr_storage *from)
{
    const struct http_limits *limits = &server->config.limits;
    struct address address = address_of(from);
    char peer[64];
    int on = 1;
    if (server->config.admit && !server->config.admit(server->config.handler_ctx)) {
        reset_connection(server, fd);
    } else if (server->connection_count >= limits->connection_count_max) {
        refuse_connection(server, fd, STR("connection_limit"));
    } else if (!describe_peer(from, peer) ||
               setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        refuse_connection(server, fd, STR("socket"));
    } else if (!address_add(&server->addresses, address, limits->connection_per_address_max)) {
        refuse_connection(server, fd, STR("address_limit"));
    } else {
        connection_new(server, fd, address, peer);
    }
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *ctx)
{
    struct http_server *server = ctx;
    (void)what;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof from;
        int fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_connection(server, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The socket stays readable: without a pause this would spin. */
            log_error("http", "cannot accept connections", LOG_CSTR("reason", strerror(errno)));
            event_del(server->accept_event);
            loop_timer_start(&server->accept_pause, ACCEPT_PAUSE_US);
            return;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
        /* Anything else is the one connection's fault (accept(2)). */
    }
}

static void accept_again(void *ctx)
{
    struct http_server *server = ctx;
    event_add(server->accept_event, NULL);
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
    loop_timer_init(&server->accept_pause, loop, accept_again, server);
    server->accept_event =
        event_new(loop_base(loop), listen_fd, EV_READ | EV_PERSIST, on_acceptable, server);
    CHECK(server->accept_event);
    CHECK(event_add(server->accept_event, NULL) == 0);
    return server;
}

void http_server_close_idle(struct http_server *server)
{
    struct link *idle = &server->phases[PHASE_IDLE].connections;
    server->ends_idle = server->draining;
    while (!list_is_empty(idle)) {
        connection_expire(LIST_OWNER(idle->next, struct connection, link));
    }
}

void http_server_retire(struct http_server *server)
{
    server->draining = true;
    loop_timer_stop(&server->accept_pause);
    event_del(server->accept_event);
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
    loop_timer_release(&server->accept_pause);
    event_free(server->accept_event);
    address_table_release(&server->addresses);
    free(server);
    *server_at = NULL;
}

void http_server_use_tls(struct http_server *server, struct tls_server *tls)
{
    CHECK(server->config.tls && tls);
    server->config.tls = tls;
}

/* A bound socket for `address`: numeric only, names are not looked up. */
static bool bind_socket(const char *address, int port, bool shared, int *out, struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char service[8];
    int on = 1;
    int fd = -1;
    bool done = false;
    *out = -1;
    CHECK(port >= 0 && port <= 65535);
    (void)snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(address, service, &hints, &found) != 0) {
        return fail(err, ERROR_INVALID, "cannot listen on %s: not an IP address", address);
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    done = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
           bind(fd, found->ai_addr, found->ai_addrlen) == 0;
    if (!done && errno == EADDRINUSE) {
        fail(err, ERROR_CONFLICT, "cannot listen on %s: port %d is taken", address, port);
    } else if (!done) {
        fail(err, ERROR_IO, "cannot listen on %s port %d: %s", address, port, strerror(errno));
    }
    freeaddrinfo(found);
    if (done) {
        *out = fd;
    } else if (fd >= 0) {
        close(fd);
    }
    return done;
}

bool http_port_probe(const char *address, int port, struct error *err)
{
    int fd;
    if (!bind_socket(address, port, false, &fd, err)) {
        return false;
    }
    close(fd);
    return true;
}

bool http_listen(const char *address, int port, int *fd, struct error *err)
{
    if (!bind_socket(address, port, true, fd, err)) {
        return false;
    }
    if (listen(*fd, LISTEN_BACKLOG) != 0) {
        bool taken = errno == EADDRINUSE;
        fail(err, taken ? ERROR_CONFLICT : ERROR_IO, "cannot listen on %s: port %d: %s", address,
             port, strerror(errno));
        close(*fd);
        *fd = -1;
        return false;
    }
    return true;
}
