/* What ends a connection, an exchange or a stream, and who hears of it. */
#include "harness.h"

enum {
    SHORT_MS = 100,
};

static struct http_limits short_limits(void)
{
    struct http_limits limits = http_limits_default;
    limits.handshake_ms = SHORT_MS;
    limits.head_ms = SHORT_MS;
    limits.body_ms = SHORT_MS;
    limits.idle_ms = SHORT_MS;
    limits.answer_write_ms = SHORT_MS;
    return limits;
}

static void a_slow_head_gets_408_at_its_total_deadline(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.head_ms = SHORT_MS;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    int64_t start_us = clock_mono_us();
    client_send(&client, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    /* A byte now and then keeps an idle timer alive, not this one. */
    int64_t next_us = start_us;
    while (!client.closed && clock_mono_us() < start_us + PATIENCE_MS * 1000LL) {
        if (clock_mono_us() > next_us) {
            client_send(&client, "x");
            next_us += 5000;
        }
        pump(&h);
    }
    assert_true(client.closed);
    assert_true(clock_mono_us() - start_us >= (SHORT_MS - 1) * 1000LL);
    assert_true(client_has(&client, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_true(client_has(&client, "\"code\":\"head_timeout\""));
    assert_int_equal(h.handled_count, 0);
    client_stop(&client);
    harness_stop(&h);
}

static void a_slow_body_gets_408(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.body_ms = SHORT_MS;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
    PUMP_UNTIL(&h, client.closed);
    assert_true(client_has(&client, "\"code\":\"body_timeout\""));
    assert_int_equal(h.handled_count, 0);
    client_stop(&client);
    harness_stop(&h);
}

static void idle_connections_are_closed_without_a_word(void **state)
{
    struct http_limits limits = short_limits();
    struct harness h;
    struct client fresh;
    struct client used;
    (void)state;
    harness_start(&h, &limits, NULL);
    client_start(&h, &fresh, NULL);
    client_start(&h, &used, NULL);
    client_send(&used, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, fresh.closed && used.closed);
    assert_false(fresh.reset || used.reset);
    assert_int_equal(fresh.in.len, 0);
    assert_int_equal(client_count(&used, "HTTP/1.1 "), 1);
    client_stop(&fresh);
    client_stop(&used);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    harness_stop(&h);
}

static void a_handler_may_take_longer_than_any_deadline(void **state)
{
    struct http_limits limits = short_limits();
    struct harness h;
    struct client client;
    struct client other;
    (void)state;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.held_count == 1);
    client_start(&h, &other, NULL); /* the passing of time: its idle deadline */
    PUMP_UNTIL(&h, other.closed);
    assert_false(client.closed);
    reply_text(h.held[0], STR("late"), false);
    PUMP_UNTIL(&h, client_has(&client, "late"));
    client_stop(&client);
    client_stop(&other);
    harness_stop(&h);
}

static void an_answer_that_nobody_reads_is_given_up(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.answer_write_ms = SHORT_MS;
    harness_start(&h, &limits, NULL);
    h.large_bytes = 8 * 1024 * 1024;
    client_start(&h, &client, NULL);
    bufferevent_disable(client.bev, EV_READ);
    client_send(&client, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.handled_count == 1);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    client_stop(&client);
    harness_stop(&h);
}

static void the_handler_hears_that_its_client_left_and_may_still_answer(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nkept");
    PUMP_UNTIL(&h, h.held_count == 1);
    assert_int_equal(h.gone_count, 0);
    client_stop(&client);
    PUMP_UNTIL(&h, h.gone_count == 1);
    assert_int_equal(http_server_connection_count(h.server), 0);
    assert_true(str_eq(http_request(h.held[0])->body, STR("kept")));
    http_on_gone(h.held[0], count_gone, &h); /* asked late, told at once */
    assert_int_equal(h.gone_count, 2);
    http_reply_json(h.held[0], 200, STR("{}"));
    fence(&h);
    harness_stop(&h);
}

static void a_client_that_leaves_with_half_a_body_is_forgotten(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nke");
    fence(&h);
    client_stop(&client);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    assert_int_equal(h.held_count, 0);
    assert_int_equal(h.gone_count, 0);
    harness_stop(&h);
}

static void a_handler_may_end_the_connection_without_an_answer(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct harness h;
        struct client client;
        harness_start(&h, NULL, NULL);
        client_start(&h, &client, NULL);
        client_send(&client, reset ? "GET /reset HTTP/1.1\r\nHost: a\r\n\r\n"
                                   : "GET /hang-up HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, client.closed);
        assert_int_equal(client.reset, reset);
        assert_int_equal(client.in.len, 0);
        assert_int_equal(http_server_connection_count(h.server), 0);
        client_stop(&client);
        harness_stop(&h);
    }
}

static void an_exchange_outlives_its_server(void **state)
{
    struct harness h;
    struct client client;
    struct client streaming;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_start(&h, &streaming, NULL);
    client_send(&client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    client_send(&streaming, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.held_count == 2);
    http_server_free(&h.server);
    assert_int_equal(h.gone_count, 2);
    http_reply_json(h.held[0], 200, STR("{}"));
    h.stream = http_stream_start(h.held[1], count_stream_gone, &h);
    assert_false(http_stream_send(h.stream, STR("data: x\n\n")));
    PUMP_UNTIL(&h, h.stream_gone_count == 1);
    client_stop(&client);
    client_stop(&streaming);
    harness_stop(&h);
}

static void draining_closes_the_idle_and_lets_the_busy_finish(void **state)
{
    struct harness h;
    struct client idle;
    struct client busy;
    struct client streaming;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &idle, NULL);
    client_start(&h, &busy, NULL);
    client_start(&h, &streaming, NULL);
    client_send(&idle, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    client_send(&busy, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    client_send(&streaming, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&idle, "GET /a[]") && h.held_count == 1 && h.stream);
    fence(&h);
    http_server_drain(h.server);
    assert_int_equal(h.stream_gone_count, 1);
    PUMP_UNTIL(&h, idle.closed && streaming.closed);
    assert_false(idle.reset || streaming.reset || busy.closed);
    reply_text(h.held[0], STR("finished"), false);
    PUMP_UNTIL(&h, busy.closed);
    assert_false(busy.reset);
    assert_true(client_has(&busy, "finished"));
    assert_true(client_has(&busy, "Connection: close\r\n"));
    client_stop(&idle);
    client_stop(&busy);
    client_stop(&streaming);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    harness_stop(&h);
}

static void a_request_in_the_socket_is_still_served_when_draining(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /a[]"));
    fence(&h);
    /* Past the loop: the server has not seen it when it is told to drain. */
    static const char last[] = "GET /last HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_int_equal(send(bufferevent_getfd(client.bev), last, sizeof last - 1, 0),
                     sizeof last - 1);
    http_server_drain(h.server);
    PUMP_UNTIL(&h, client.closed);
    assert_true(client_has(&client, "GET /last[]"));
    client_stop(&client);
    harness_stop(&h);
}

static void a_retired_server_serves_idle_connections_once_more(void **state)
{
    struct harness h;
    struct client idle;
    struct client fresh;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &idle, NULL);
    client_start(&h, &fresh, NULL);
    client_send(&idle, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&idle, "GET /a[]"));
    fence(&h);
    http_server_retire(h.server);
    for (int i = 0; i < 20; i++) {
        pump(&h);
    }
    assert_false(idle.closed || fresh.closed);
    client_send(&idle, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    client_send(&fresh, "GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, idle.closed && fresh.closed);
    assert_true(client_has(&idle, "GET /b[]") && client_has(&fresh, "GET /c[]"));
    assert_int_equal(client_count(&idle, "Connection: close\r\n"), 1);
    assert_int_equal(client_count(&fresh, "Connection: close\r\n"), 1);
    client_stop(&idle);
    client_stop(&fresh);
    harness_stop(&h);
}

/* Its answer has promised keep-alive: the next request may be on its way already. */
static void an_answer_on_its_way_when_retiring_keeps_its_promise(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.held_count == 1);
    reply_text(h.held[0], STR("kept"), false);
    http_server_retire(h.server);
    PUMP_UNTIL(&h, client_has(&client, "kept"));
    assert_false(client_has(&client, "Connection: close\r\n"));
    client_send(&client, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_true(client_has(&client, "GET /last[]"));
    assert_int_equal(client_count(&client, "Connection: close\r\n"), 1);
    client_stop(&client);
    harness_stop(&h);
}

/* The client cannot know; it must not be answered by a reset, which may eat what it has to read. */
static void a_request_that_crosses_the_close_is_not_reset(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /a[]"));
    fence(&h);
    http_server_drain(h.server);
    static const char late[] = "GET /late HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_int_equal(send(bufferevent_getfd(client.bev), late, sizeof late - 1, 0),
                     sizeof late - 1);
    PUMP_UNTIL(&h, client.closed);
    assert_false(client.reset);
    assert_false(client_has(&client, "/late"));
    client_stop(&client);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    harness_stop(&h);
}

struct late {
    int fd;
    const char *request;
};

static void send_late(void *ctx)
{
    const struct late *late = ctx;
    assert_int_equal(send(late->fd, late->request, strlen(late->request), 0),
                     (ssize_t)strlen(late->request));
}

/* Connected in advance; its request arrives in the very tick in which its time is over. */
static void a_first_request_that_comes_at_the_last_moment_is_served(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client early;
    struct loop_timer timer;
    (void)state;
    limits.head_ms = 3000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &early, NULL);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 1);
    struct late late = {bufferevent_getfd(early.bev), "GET /late HTTP/1.1\r\nHost: a\r\n\r\n"};
    loop_timer_init(&timer, h.loop, send_late, &late);
    loop_timer_start(&timer, 1000); /* before the deadline of the connection */
    (void)usleep(3200000);          /* as if the loop had been away: both are due at once */
    PUMP_UNTIL(&h, early.closed || client_has(&early, "GET /late[]"));
    assert_false(early.closed);
    loop_timer_release(&timer);
    client_stop(&early);
    harness_stop(&h);
}

static void a_draining_server_accepts_nobody_but_leaves_the_socket_to_others(void **state)
{
    struct harness h;
    struct client client;
    struct http_server *old;
    (void)state;
    harness_start(&h, NULL, NULL);
    old = h.server;
    http_server_drain(old);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_server_config config = {.limits = http_limits_default,
                                        .listener_name = "test",
                                        .handler = handle,
                                        .handler_ctx = &h};
    h.server = http_server_new(h.loop, h.listen_fd, &config);
    http_server_free(&old);
    PUMP_UNTIL(&h, client_has(&client, "GET /next[]"));
    client_stop(&client);
    harness_stop(&h);
}

static void a_stream_delivers_events_until_it_is_closed(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "Content-Type: text/event-stream\r\n"));
    assert_false(client_has(&client, "Content-Length"));
    for (size_t i = 1; i <= 3; i++) {
        assert_true(http_stream_send(h.stream, STR("data: x\n\n")));
        PUMP_UNTIL(&h, client_count(&client, "data: x\n\n") == i);
    }
    client_send(&client, "ignored");
    fence(&h);
    assert_true(http_stream_send(h.stream, STR("data: last\n\n")));
    http_stream_close(h.stream);
    PUMP_UNTIL(&h, client.closed);
    assert_false(client.reset);
    assert_true(client_has(&client, "data: last\n\n"));
    assert_int_equal(h.stream_gone_count, 0);
    client_stop(&client);
    harness_stop(&h);
}

static void a_stream_whose_client_leaves_is_told_once(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "\r\n\r\n"));
    client_stop(&client);
    PUMP_UNTIL(&h, h.stream_gone_count == 1);
    fence(&h);
    assert_int_equal(h.stream_gone_count, 1);
    harness_stop(&h);
}

static void a_stream_reader_who_does_not_read_is_closed(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    static char event[10000];
    size_t sent = 0;
    (void)state;
    memset(event, 'e', sizeof event);
    limits.stream_buffer_bytes_max = 50000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.stream);
    bufferevent_disable(client.bev, EV_READ);
    while (sent < 100000000 && http_stream_send(h.stream, (struct str){event, sizeof event})) {
        sent += sizeof event;
        event_base_loop(loop_base(h.loop), EVLOOP_NONBLOCK);
    }
    assert_true(sent < 100000000);
    assert_int_equal(h.stream_gone_count, 0); /* never from within the call */
    assert_int_equal(http_server_connection_count(h.server), 0);
    assert_false(http_stream_send(h.stream, STR("more")));
    PUMP_UNTIL(&h, h.stream_gone_count == 1);
    client_stop(&client);
    harness_stop(&h);
}

static void a_stream_reader_who_stops_is_closed_at_the_write_deadline(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    static char event[100000];
    (void)state;
    memset(event, 'e', sizeof event);
    limits.answer_write_ms = SHORT_MS;
    limits.stream_buffer_bytes_max = 100000000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.stream);
    bufferevent_disable(client.bev, EV_READ);
    for (int i = 0; i < 200; i++) {
        assert_true(http_stream_send(h.stream, (struct str){event, sizeof event}));
    }
    PUMP_UNTIL(&h, h.stream_gone_count == 1);
    client_stop(&client);
    harness_stop(&h);
}

static void head_of_a_stream_has_headers_only(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.stream_gone_count == 1 && client.closed);
    assert_true(client_has(&client, "text/event-stream"));
    assert_true(str_ends(buf_str(&client.in), STR("\r\n\r\n")));
    client_stop(&client);
    harness_stop(&h);
}

static void a_closed_stream_of_a_gone_client_is_not_told(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.stream_buffer_bytes_max = 1000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.stream);
    static char event[2000];
    assert_false(http_stream_send(h.stream, (struct str){event, sizeof event}));
    http_stream_close(h.stream);
    fence(&h);
    assert_int_equal(h.stream_gone_count, 0);
    client_stop(&client);
    harness_stop(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_head_gets_408_at_its_total_deadline),
        cmocka_unit_test(a_slow_body_gets_408),
        cmocka_unit_test(idle_connections_are_closed_without_a_word),
        cmocka_unit_test(a_handler_may_take_longer_than_any_deadline),
        cmocka_unit_test(an_answer_that_nobody_reads_is_given_up),
        cmocka_unit_test(the_handler_hears_that_its_client_left_and_may_still_answer),
        cmocka_unit_test(a_client_that_leaves_with_half_a_body_is_forgotten),
        cmocka_unit_test(a_handler_may_end_the_connection_without_an_answer),
        cmocka_unit_test(an_exchange_outlives_its_server),
        cmocka_unit_test(draining_closes_the_idle_and_lets_the_busy_finish),
        cmocka_unit_test(a_first_request_that_comes_at_the_last_moment_is_served),
        cmocka_unit_test(a_request_in_the_socket_is_still_served_when_draining),
        cmocka_unit_test(a_retired_server_serves_idle_connections_once_more),
        cmocka_unit_test(an_answer_on_its_way_when_retiring_keeps_its_promise),
        cmocka_unit_test(a_request_that_crosses_the_close_is_not_reset),
        cmocka_unit_test(a_draining_server_accepts_nobody_but_leaves_the_socket_to_others),
        cmocka_unit_test(a_stream_delivers_events_until_it_is_closed),
        cmocka_unit_test(a_stream_whose_client_leaves_is_told_once),
        cmocka_unit_test(a_stream_reader_who_does_not_read_is_closed),
        cmocka_unit_test(a_stream_reader_who_stops_is_closed_at_the_write_deadline),
        cmocka_unit_test(head_of_a_stream_has_headers_only),
        cmocka_unit_test(a_closed_stream_of_a_gone_client_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
