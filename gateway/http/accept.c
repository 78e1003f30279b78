/* Accepting within limits, and listening sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/connection.h"
#include "http/shed.h"

enum {
    ACCEPT_BATCH = 64,        /* per tick: accepting must not starve those accepted */
    ACCEPT_REST_MAX = 4096,   /* the queue's length */
    ACCEPT_PAUSE_US = 100000, /* after running out of descriptors */
};

/* Peer address as text; false for a family that a listener cannot have. */
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

static bool has_room(struct http_server *server)
{
    return server->connection_count < server->config.limits.connection_count_max ||
           shed_connection(server);
}

static void take_connection(struct http_server *server, int fd, const struct sockaddr_storage *from)
{
    const struct http_limits *limits = &server->config.limits;
    struct newcomer newcomer = {
        .fd = fd,
        .address = address_of(from),
        .is_counted = !server->config.trusted || !address_list_has(server->config.trusted, from),
    };
    int on = 1;
    if (server->config.admit && !server->config.admit(server->config.handler_ctx)) {
        reset_connection(server, fd);
    } else if (newcomer.is_counted && address_count(&server->addresses, newcomer.address) >=
                                          limits->connection_per_address_max) {
        refuse_connection(server, fd, STR("address_limit"));
    } else if (!has_room(server)) {
        refuse_connection(server, fd, STR("connection_limit"));
    } else if (!describe_peer(from, newcomer.peer) ||
               setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        refuse_connection(server, fd, STR("socket"));
    } else {
        connection_new(server, &newcomer);
    }
}

static void accept_many(struct http_server *server, int listen_fd, int count_max)
{
    for (int i = 0; i < count_max; i++) {
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

static void on_acceptable(evutil_socket_t listen_fd, short what, void *ctx)
{
    (void)what;
    accept_many(ctx, listen_fd, ACCEPT_BATCH);
}

static void accept_again(void *ctx)
{
    struct http_server *server = ctx;
    event_add(server->accept_event, NULL);
}

void accept_start(struct http_server *server)
{
    loop_timer_init(&server->accept_pause, server->loop, accept_again, server);
    server->accept_event = event_new(loop_base(server->loop), server->listen_fd,
                                     EV_READ | EV_PERSIST, on_acceptable, server);
    CHECK(server->accept_event);
    CHECK(event_add(server->accept_event, NULL) == 0);
}

void http_server_accept_rest(struct http_server *server, int listen_fd)
{
    accept_many(server, listen_fd, ACCEPT_REST_MAX);
}

void http_server_accept_some(struct http_server *server, int listen_fd)
{
    if (!server->draining && !loop_timer_is_running(&server->accept_pause)) {
        accept_many(server, listen_fd, ACCEPT_BATCH);
    }
}

void accept_stop(struct http_server *server)
{
    loop_timer_stop(&server->accept_pause);
    event_del(server->accept_event);
}

void accept_release(struct http_server *server)
{
    loop_timer_release(&server->accept_pause);
    event_free(server->accept_event);
}
