/* The server around the core: ports, connections, faults, time. */
#include "serve.h"

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
        {SANDBOX_PORT_COMMON, "/v1/payments/payouts/X", 401},
        {SANDBOX_PORT_COMMON, "/v4/programs/1/balance", 401},
        {SANDBOX_PORT_PAYPAL, "/v1/payments/payouts/X", 401},
        {SANDBOX_PORT_PAYPAL, "/v4/programs/1/balance", 404},
        {SANDBOX_PORT_PAYONEER, "/v1/payments/payouts/X", 404},
        {SANDBOX_PORT_PAYONEER, "/v4/programs/1/balance", 404},
        {SANDBOX_PORT_PAYONEER_PAYOUTS, "/v4/programs/1/balance", 401},
        {SANDBOX_PORT_PAYONEER_PAYOUTS, "/api/lists/x", 404},
        {SANDBOX_PORT_PAYONEER_PAYOUTS, "/books", 404},
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
    fault("\"operation\":\"charge\",\"kind\":\"other_amount\",\"count\":1");
    assert_int_equal(sale("c"), 201);
    assert_non_null(strstr(world.answer, "\"value\":\"1.01\""));
    assert_int_equal(booked("c"), 1);
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
