/*
 * serve.h - the sandbox as a process with ports: a child runs it (plain HTTP), the test talks to it
 * over blocking sockets, and kills it with SIGKILL where that is the question.
 */
#ifndef TESTS_SANDBOX_SERVE_H
#define TESTS_SANDBOX_SERVE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"
#include "providers/sandbox/sandbox.h"

#include <cmocka.h> /* last: it makes `fail` a macro */

enum {
    PATIENCE_MS = 10000,
    ANSWER_MAX = 65536,
};

static struct {
    pid_t child;
    int ports[SANDBOX_PORT_COUNT];
    char file[64];
    char token[512];
    char answer[ANSWER_MAX];
} world;

/* ---- the child ------------------------------------------------------------------------------- */

static inline void run_child(int out, int64_t delay_ms)
{
    struct error err;
    struct sandbox_config config = sandbox_config_default;
    struct loop *loop = loop_new();
    int ports[SANDBOX_PORT_COUNT];
    int listen_fd;
    config.port = 0;
    config.books_file = world.file;
    config.delay_ms = delay_ms;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!http_listen(config.address, 0, &listen_fd, &err)) {
        _exit(2);
    }
    struct sandbox *sandbox = sandbox_new(loop, listen_fd, &config, &err);
    if (!sandbox) {
        _exit(3);
    }
    for (int i = 0; i < SANDBOX_PORT_COUNT; i++) {
        ports[i] = sandbox_port(sandbox, (enum sandbox_port)i);
    }
    if (write(out, ports, sizeof(ports)) != (ssize_t)sizeof(ports)) {
        _exit(4);
    }
    loop_run(loop);
    _exit(0);
}

static inline void start(int64_t delay_ms)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    world.child = fork();
    assert_true(world.child >= 0);
    if (world.child == 0) {
        (void)close(pipes[0]);
        run_child(pipes[1], delay_ms);
    }
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], world.ports, sizeof(world.ports)), sizeof(world.ports));
    (void)close(pipes[0]);
}

static inline void kill_child(void)
{
    assert_int_equal(kill(world.child, SIGKILL), 0);
    assert_int_equal(waitpid(world.child, NULL, 0), world.child);
    world.child = 0;
}

/* ---- the client ------------------------------------------------------------------------------ */

/* -1: no connection, for the reason in errno. */
static inline int dial_or_errno(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static inline int try_dial(int port)
{
    int fd = dial_or_errno(port);
    assert_true(fd >= 0 || errno == ECONNREFUSED);
    return fd;
}

static inline int dial(enum sandbox_port which)
{
    int fd = try_dial(world.ports[which]);
    assert_true(fd >= 0);
    return fd;
}

static inline void send_request(int fd, const char *method, const char *path, const char *headers,
                                const char *body)
{
    char text[4096];
    int len =
        snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: s\r\n%sContent-Length: %zu\r\n\r\n%s",
                 method, path, headers, strlen(body), body);
    assert_in_range(len, 1, sizeof(text) - 1);
    if (strcmp(method, "GET") == 0) {
        len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: s\r\n%s\r\n", path, headers);
    }
    assert_int_equal(send(fd, text, (size_t)len, MSG_NOSIGNAL), len);
}

/* Status of the answer, which is in world.answer; 0: closed in order; -1: reset. */
static inline int receive(int fd)
{
    size_t len = 0;
    size_t whole = 0;
    while (whole == 0 || len < whole) {
        ssize_t got = recv(fd, world.answer + len, ANSWER_MAX - 1 - len, 0);
        if (got <= 0) {
            if (got < 0 && errno != ECONNRESET) {
                fail_msg("no answer: %s", strerror(errno));
            }
            assert_int_equal(len, 0);
            return got == 0 ? 0 : -1;
        }
        len += (size_t)got;
        world.answer[len] = '\0';
        const char *body = strstr(world.answer, "\r\n\r\n");
        const char *length = strstr(world.answer, "Content-Length: ");
        if (body && whole == 0) {
            whole = (size_t)(body + 4 - world.answer) +
                    (length && length < body ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    return (int)strtol(world.answer + 9, NULL, 10);
}

static inline int control(const char *method, const char *path, const char *body)
{
    int fd = dial(SANDBOX_PORT_COMMON);
    send_request(fd, method, path, "", body);
    int status = receive(fd);
    (void)close(fd);
    return status;
}

static inline void fault(const char *members)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"provider\":\"paypal\",%s}", members);
    assert_int_equal(control("POST", "/faults", body), 201);
}

static inline void send_sale(int fd, const char *key)
{
    char headers[1024];
    char body[400];
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: Bearer %s\r\nContent-Type: application/json\r\nPrefer: "
                   "return=representation\r\nPayPal-Request-Id: %s\r\n",
                   world.token, key);
    (void)snprintf(body, sizeof(body),
                   "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"custom_id\":\"%s\",\"amount\":{"
                   "\"currency_code\":\"USD\",\"value\":\"1.00\"}}],\"payment_source\":{\"card\":{"
                   "\"vault_id\":\"tok_ok\"}}}",
                   key);
    send_request(fd, "POST", "/v2/checkout/orders", headers, body);
}

static inline int sale(const char *key)
{
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_sale(fd, key);
    int status = receive(fd);
    (void)close(fd);
    return status;
}

/* Entries of the books with this reference. */
static inline int booked(const char *reference)
{
    char path[128];
    int count = 0;
    (void)snprintf(path, sizeof(path), "/books?reference=%s", reference);
    assert_int_equal(control("GET", path, ""), 200);
    for (const char *at = world.answer; (at = strstr(at, "\"seq\":")); at++) {
        count++;
    }
    return count;
}

static inline void get_token(void)
{
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_request(fd, "POST", "/v1/oauth2/token", "Authorization: Basic YzpzZWNyZXQ=\r\n",
                 "grant_type=client_credentials");
    assert_int_equal(receive(fd), 200);
    const char *at = strstr(world.answer, "\"access_token\":\"");
    assert_non_null(at);
    (void)snprintf(world.token, sizeof(world.token), "%s", at + 16);
    world.token[strcspn(world.token, "\"")] = '\0';
    (void)close(fd);
}

static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(world.file, sizeof(world.file), "/tmp/turnpike-server-XXXXXX");
    int fd = mkstemp(world.file);
    assert_true(fd >= 0);
    (void)close(fd);
    start(0);
    get_token();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    if (world.child > 0) {
        kill_child();
    }
    (void)unlink(world.file);
    return 0;
}

#endif
