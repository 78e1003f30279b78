/*
 * The sandbox as a process with ports: a child runs it (plain HTTP), the test talks to it over
 * blocking sockets, and kills it with SIGKILL where that is the question.
 */
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

static void run_child(int out, int64_t delay_ms)
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

static void start(int64_t delay_ms)
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

static void kill_child(void)
{
    assert_int_equal(kill(world.child, SIGKILL), 0);
    assert_int_equal(waitpid(world.child, NULL, 0), world.child);
    world.child = 0;
}

/* ---- the client ------------------------------------------------------------------------------ */

/* -1: no connection, for the reason in errno. */
static int dial_or_errno(int port)
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

static int try_dial(int port)
{
    int fd = dial_or_errno(port);
    assert_true(fd >= 0 || errno == ECONNREFUSED);
    return fd;
}

static int dial(enum sandbox_port which)
{
    int fd = try_dial(world.ports[which]);
    assert_true(fd >= 0);
    return fd;
}

static void send_request(int fd, const char *method, const char *path, const char *headers,
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
static int receive(int fd)
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

static int control(const char *method, const char *path, const char *body)
{
    int fd = dial(SANDBOX_PORT_COMMON);
    send_request(fd, method, path, "", body);
    int status = receive(fd);
    (void)close(fd);
    return status;
}

static void fault(const char *members)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"provider\":\"paypal\",%s}", members);
    assert_int_equal(control("POST", "/faults", body), 201);
}

static void send_sale(int fd, const char *key)
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

static int sale(const char *key)
{
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_sale(fd, key);
    int status = receive(fd);
    (void)close(fd);
    return status;
}

/* Entries of the books with this reference. */
static int booked(const char *reference)
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

static void get_token(void)
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

static int setup(void **state)
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

static int teardown(void **state)
{
    (void)state;
    if (world.child > 0) {
        kill_child();
    }
    (void)unlink(world.file);
    return 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void every_port_serves_what_is_its(void **state)
{
    (void)state;
    static const struct {
        enum sandbox_port port;
        const char *path;
        int status;
    } cases[] = {
        {SANDBOX_PORT_COMMON, "/books", 200},
        {SANDBOX_PORT_COMMON, "/api/lists/x", 401},
        {SANDBOX_PORT_COMMON, "/v2/checkout/orders/X", 401},
        {SANDBOX_PORT_PAYPAL, "/books", 404},
        {SANDBOX_PORT_PAYPAL, "/api/lists/x", 404},
        {SANDBOX_PORT_PAYONEER, "/api/lists/x", 401},
        {SANDBOX_PORT_PAYONEER, "/v2/checkout/orders/X", 404},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = dial(cases[i].port);
        send_request(fd, "GET", cases[i].path, "", "");
        assert_int_equal(receive(fd), cases[i].status);
        (void)close(fd);
    }
}

static void refuse_closes_port_and_connections_until_removed(void **state)
{
    (void)state;
    int kept = dial(SANDBOX_PORT_PAYPAL);
    send_sale(kept, "a");
    assert_int_equal(receive(kept), 201);
    fault("\"kind\":\"refuse\"");
    assert_true(receive(kept) <= 0);
    (void)close(kept);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(try_dial(world.ports[SANDBOX_PORT_PAYPAL]), -1);
    }
    (void)close(dial(SANDBOX_PORT_PAYONEER));
    int common = dial(SANDBOX_PORT_COMMON); /* cannot be closed for one provider alone */
    send_sale(common, "b");
    assert_int_equal(receive(common), -1);
    (void)close(common);
    assert_int_equal(booked("b"), 0);
    assert_int_equal(control("DELETE", "/faults", ""), 204);
    assert_int_equal(sale("b"), 201);
}

/* True when a new connection to PayPal's port is served. A refused one may be reset before
 * connect() returns, before the request is sent, or after. */
static bool is_served(void)
{
    static const char text[] = "GET /v2/checkout/orders/X HTTP/1.1\r\nHost: s\r\n\r\n";
    int fd = dial_or_errno(world.ports[SANDBOX_PORT_PAYPAL]);
    if (fd < 0) {
        assert_int_equal(errno, ECONNRESET);
        return false;
    }
    ssize_t sent = send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    assert_true(sent == sizeof(text) - 1 || errno == ECONNRESET || errno == EPIPE);
    int status = receive(fd);
    assert_true(status <= 0 || status == 401);
    (void)close(fd);
    return status == 401;
}

static bool answer_says_close(void)
{
    return strstr(world.answer, "\r\nConnection: close\r\n") != NULL;
}

static void refuse_with_a_count_refuses_that_many_connections(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"refuse\",\"count\":3");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(is_served(), i >= 3);
    }
    assert_false(answer_says_close());
    assert_int_equal(control("GET", "/faults", ""), 200);
    assert_non_null(strstr(world.answer, "\"faults\":[]"));
}

static void a_refused_connection_is_reset_before_its_client_says_anything(void **state)
{
    (void)state;
    fault("\"kind\":\"refuse\",\"count\":1");
    int fd = dial_or_errno(world.ports[SANDBOX_PORT_PAYPAL]);
    if (fd >= 0) {
        assert_int_equal(receive(fd), -1);
        (void)close(fd);
    } else {
        assert_int_equal(errno, ECONNRESET);
    }
    assert_int_equal(sale("a"), 201);
    assert_int_equal(booked("a"), 1);
}

static void refuse_with_a_share_refuses_about_that_many(void **state)
{
    (void)state;
    int served = 0;
    assert_int_equal(control("POST", "/settings", "{\"seed\":7}"), 200);
    fault("\"kind\":\"refuse\",\"share\":0.5");
    for (int i = 0; i < 400; i++) {
        served += is_served();
    }
    assert_in_range(served, 160, 240);
    assert_true(try_dial(world.ports[SANDBOX_PORT_PAYONEER]) >= 0);
    assert_int_equal(control("DELETE", "/faults", ""), 204);
    for (int i = 0; i < 20; i++) {
        assert_true(is_served());
    }
}

static void a_share_and_a_count_hold_together(void **state)
{
    (void)state;
    int refused = 0;
    assert_int_equal(control("POST", "/settings", "{\"seed\":7}"), 200);
    fault("\"kind\":\"refuse\",\"share\":0.5,\"count\":5");
    for (int i = 0; i < 100; i++) {
        refused += !is_served();
    }
    assert_int_equal(refused, 5);
}

/* Else the connections that are there would carry all requests, and none would be refused. */
static void a_thinned_provider_keeps_no_connection(void **state)
{
    (void)state;
    int idle = dial(SANDBOX_PORT_PAYPAL);
    send_sale(idle, "idle");
    assert_int_equal(receive(idle), 201);
    assert_false(answer_says_close());
    fault("\"kind\":\"hang_after_effect\",\"delay_ms\":300,\"count\":1");
    int busy = dial(SANDBOX_PORT_PAYPAL);
    send_sale(busy, "busy");
    while (booked("busy") == 0) {
        (void)poll(NULL, 0, 1);
    }
    fault("\"kind\":\"refuse\",\"share\":0.000001");
    assert_int_equal(receive(idle), 0);
    assert_int_equal(receive(busy), 201);
    assert_true(answer_says_close());
    assert_int_equal(receive(busy), 0);
    assert_int_equal(sale("late"), 201);
    assert_true(answer_says_close());
    assert_int_equal(control("GET", "/faults", ""), 200);
    assert_false(answer_says_close());
    (void)close(idle);
    (void)close(busy);
}

static void the_common_port_resets_the_requests_of_a_thinned_provider(void **state)
{
    (void)state;
    fault("\"kind\":\"refuse\",\"count\":1");
    int fd = dial(SANDBOX_PORT_COMMON);
    send_sale(fd, "a");
    assert_int_equal(receive(fd), -1);
    (void)close(fd);
    assert_int_equal(booked("a"), 0);
    assert_int_equal(sale("a"), 201);
}

static void a_delay_holds_back_resets_and_closes(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        int end;
        int booked;
    } cases[] = {
        {"reset_before_read", -1, 0},
        {"reset_after_effect", -1, 1},
        {"close_before_effect", 0, 0},
        {"close_after_effect", 0, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char members[128];
        (void)snprintf(members, sizeof(members), "\"kind\":\"%s\",\"delay_ms\":60,\"count\":1",
                       cases[i].kind);
        fault(members);
        int64_t start_us = clock_mono_us();
        assert_int_equal(sale(cases[i].kind), cases[i].end);
        assert_true(clock_mono_us() - start_us >= 60000);
        assert_int_equal(booked(cases[i].kind), cases[i].booked);
    }
}

static void a_reset_before_reading_has_no_effect(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"reset_before_read\",\"count\":1");
    assert_int_equal(sale("a"), -1);
    assert_int_equal(booked("a"), 0);
    assert_int_equal(sale("a"), 201);
}

static void a_reset_after_the_effect_loses_the_answer_only(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"reset_after_effect\",\"count\":1");
    assert_int_equal(sale("a"), -1);
    assert_int_equal(booked("a"), 1);
    assert_int_equal(sale("a"), 200);
    assert_int_equal(booked("a"), 1);
    assert_non_null(strstr(world.answer, "\"requests\":2"));
}

static void a_close_is_an_orderly_end(void **state)
{
    (void)state;
    fault("\"kind\":\"close_after_effect\",\"count\":1");
    assert_int_equal(sale("a"), 0);
    assert_int_equal(booked("a"), 1);
    fault("\"kind\":\"close_before_effect\",\"count\":1");
    assert_int_equal(sale("b"), 0);
    assert_int_equal(booked("b"), 0);
}

/* The trap of libcurl's own resending: the effect, a dead connection, and nobody who answers. */
static void close_then_refuse_leaves_no_moment_between(void **state)
{
    (void)state;
    int other = dial(SANDBOX_PORT_PAYPAL);
    send_sale(other, "kept");
    assert_int_equal(receive(other), 201);
    fault(
        "\"operation\":\"charge\",\"kind\":\"close_after_effect\",\"count\":1,\"then\":\"refuse\"");
    assert_int_equal(sale("a"), 0);
    assert_int_equal(try_dial(world.ports[SANDBOX_PORT_PAYPAL]), -1);
    assert_true(receive(other) <= 0);
    (void)close(other);
    assert_int_equal(booked("a"), 1);
    assert_int_equal(control("DELETE", "/faults", ""), 204);
    assert_int_equal(sale("a"), 200);
}

static void a_hang_after_the_effect_leaves_the_key_usable(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"hang_after_effect\",\"count\":1");
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_sale(fd, "a");
    while (booked("a") == 0) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(sale("a"), 200);
    struct pollfd silent = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&silent, 1, 0), 0);
    (void)close(fd);
    assert_int_equal(sale("b"), 201);
}

static void a_hang_before_the_effect_has_none(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"hang_before_effect\",\"count\":1");
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_sale(fd, "a");
    assert_int_equal(sale("b"), 201); /* a later request was answered */
    assert_int_equal(booked("a"), 0);
    (void)close(fd);
    assert_int_equal(sale("a"), 201);
}

static void a_late_effect_comes_even_if_the_client_has_gone(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"hang_before_effect\",\"count\":1,\"delay_ms\":200");
    int fd = dial(SANDBOX_PORT_PAYPAL);
    send_sale(fd, "a");
    assert_int_equal(sale("b"), 201);
    assert_int_equal(booked("a"), 0);
    (void)close(fd);
    int64_t deadline = clock_mono_us() + PATIENCE_MS * INT64_C(1000);
    while (booked("a") == 0) {
        assert_true(clock_mono_us() < deadline);
        (void)poll(NULL, 0, 5);
    }
    assert_int_equal(sale("a"), 200);
}

static void status_faults_have_the_providers_bodies(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"http_500\",\"count\":1");
    assert_int_equal(sale("a"), 500);
    assert_non_null(strstr(world.answer, "INTERNAL_SERVER_ERROR"));
    fault("\"operation\":\"charge\",\"kind\":\"http_503\",\"count\":1");
    assert_int_equal(sale("a"), 503);
    fault("\"operation\":\"charge\",\"kind\":\"http_429\",\"count\":1");
    assert_int_equal(sale("a"), 429);
    assert_non_null(strstr(world.answer, "Retry-After: 1"));
    assert_int_equal(booked("a"), 0);
    fault("\"operation\":\"charge\",\"kind\":\"http_500_after_effect\",\"count\":1");
    assert_int_equal(sale("a"), 500);
    assert_int_equal(booked("a"), 1);
    assert_int_equal(sale("a"), 200);
    fault("\"operation\":\"charge\",\"kind\":\"garbage\",\"count\":1");
    assert_int_equal(sale("b"), 200);
    assert_non_null(strstr(world.answer, "Bad Gate"));
    assert_int_equal(booked("b"), 1);
}

static void declines_are_forced(void **state)
{
    (void)state;
    fault("\"operation\":\"charge\",\"kind\":\"decline_soft\",\"count\":1");
    assert_int_equal(sale("a"), 201);
    assert_non_null(strstr(world.answer, "\"response_code\":\"5120\""));
    fault("\"operation\":\"charge\",\"kind\":\"decline_hard\",\"count\":1");
    assert_int_equal(sale("b"), 201);
    assert_non_null(strstr(world.answer, "\"response_code\":\"9500\""));
    assert_int_equal(sale("c"), 201);
    assert_non_null(strstr(world.answer, "\"response_code\":\"0000\""));
}

static void latency_delays_answers_and_a_key_meanwhile_conflicts(void **state)
{
    (void)state;
    assert_int_equal(control("POST", "/settings", "{\"delay_ms\":150}"), 200);
    int fd = dial(SANDBOX_PORT_PAYPAL);
    int64_t start_us = clock_mono_us();
    send_sale(fd, "a");
    while (booked("a") == 0) {
    }
    if (clock_mono_us() - start_us < 140000) { /* else this machine was too slow to ask in time */
        assert_int_equal(sale("a"), 409);
    }
    assert_int_equal(receive(fd), 201);
    assert_true(clock_mono_us() - start_us >= 150000);
    (void)close(fd);
    assert_int_equal(control("POST", "/settings", "{\"delay_ms\":0}"), 200);
    assert_int_equal(sale("a"), 200);
}

/* What was answered is known after SIGKILL, each thing once, and the ports come back. */
static void kill_9_forgets_nothing_that_was_answered(void **state)
{
    (void)state;
    char key[32];
    int made = 0;
    for (int round = 0; round < 5; round++) {
        int fd = dial(SANDBOX_PORT_PAYPAL);
        for (int i = 0; i < 40; i++) {
            (void)snprintf(key, sizeof(key), "k%d", made++);
            send_sale(fd, key);
            assert_int_equal(receive(fd), 201);
        }
        (void)snprintf(key, sizeof(key), "last%d", round);
        send_sale(fd, key); /* in the air */
        kill_child();
        (void)close(fd);
        start(0);
    }
    for (int i = 0; i < made; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(sale(key), 200);
        assert_int_equal(booked(key), 1);
    }
    for (int round = 0; round < 5; round++) {
        (void)snprintf(key, sizeof(key), "last%d", round);
        int status = sale(key);
        assert_true(status == 200 || status == 201);
        assert_int_equal(booked(key), 1);
    }
}

static void a_sandbox_is_freed_while_answers_wait(void **state)
{
    (void)state;
    struct error err;
    struct sandbox_config config = sandbox_config_default;
    struct loop *loop = loop_new();
    int listen_fd;
    config.port = 0;
    config.delay_ms = 60000;
    assert_true(http_listen("127.0.0.1", 0, &listen_fd, &err));
    struct sandbox *sandbox = sandbox_new(loop, listen_fd, &config, &err);
    assert_non_null(sandbox);
    int fd = try_dial(sandbox_port(sandbox, SANDBOX_PORT_PAYONEER));
    send_request(fd, "GET", "/api/lists/x", "", "");
    for (int i = 0; i < 50; i++) {
        (void)event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
        (void)poll(NULL, 0, 1);
    }
    sandbox_drain(sandbox);
    sandbox_free(&sandbox);
    assert_null(sandbox);
    (void)event_base_loop(loop_base(loop), EVLOOP_NONBLOCK); /* sockets are closed in the loop */
    assert_true(receive(fd) <= 0);
    (void)close(fd);
    (void)close(listen_fd);
    loop_free(&loop);
}

static void a_taken_port_is_an_error(void **state)
{
    (void)state;
    struct error err;
    struct sandbox_config config = sandbox_config_default;
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof(name);
    struct loop *loop = loop_new();
    int listen_fd;
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(taken, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&name, &len), 0);
    assert_true(http_listen("127.0.0.1", 0, &listen_fd, &err));
    config.port = ntohs(name.sin_port) - 1; /* PayPal's own is the taken one */
    assert_null(sandbox_new(loop, listen_fd, &config, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    (void)close(taken);
    (void)close(listen_fd);
    loop_free(&loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_port_serves_what_is_its),
        TEST(refuse_closes_port_and_connections_until_removed),
        TEST(refuse_with_a_count_refuses_that_many_connections),
        TEST(a_refused_connection_is_reset_before_its_client_says_anything),
        TEST(refuse_with_a_share_refuses_about_that_many),
        TEST(a_share_and_a_count_hold_together),
        TEST(a_thinned_provider_keeps_no_connection),
        TEST(the_common_port_resets_the_requests_of_a_thinned_provider),
        TEST(a_delay_holds_back_resets_and_closes),
        TEST(a_reset_before_reading_has_no_effect),
        TEST(a_reset_after_the_effect_loses_the_answer_only),
        TEST(a_close_is_an_orderly_end),
        TEST(close_then_refuse_leaves_no_moment_between),
        TEST(a_hang_after_the_effect_leaves_the_key_usable),
        TEST(a_hang_before_the_effect_has_none),
        TEST(a_late_effect_comes_even_if_the_client_has_gone),
        TEST(status_faults_have_the_providers_bodies),
        TEST(declines_are_forced),
        TEST(latency_delays_answers_and_a_key_meanwhile_conflicts),
        TEST(kill_9_forgets_nothing_that_was_answered),
        cmocka_unit_test(a_sandbox_is_freed_while_answers_wait),
        cmocka_unit_test(a_taken_port_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
