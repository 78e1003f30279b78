/* Listening sockets, made before any server. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

enum {
    LISTEN_BACKLOG = 4096,
    UNSENT_BYTES_MAX = 32768, /* of an answer in the kernel that the client has no window for */
};

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
    int unsent = UNSENT_BYTES_MAX;
    if (!bind_socket(address, port, true, fd, err)) {
        return false;
    }
    /* Inherited by what is accepted. Without it the kernel takes megabytes of an answer that the
     * client does not read, and the write deadline never hears of it. */
    if (setsockopt(*fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent) != 0 ||
        listen(*fd, LISTEN_BACKLOG) != 0) {
        bool taken = errno == EADDRINUSE;
        fail(err, taken ? ERROR_CONFLICT : ERROR_IO, "cannot listen on %s: port %d: %s", address,
             port, strerror(errno));
        close(*fd);
        *fd = -1;
        return false;
    }
    return true;
}
