/* Too many clients, too much in their buffers: who is let go, who is not, and what it costs. */
#include "harness.h"

#include "base/metrics.h"
#include "http/address.h"

enum {
    MANY = 6,
};

static void ask_once(struct harness *h, struct client *client)
{
    client_start(h, client, NULL);
    client_send(client, "GET /once HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(h, client_has(client, "GET /once[]"));
}

static void a_newcomer_takes_the_place_of_the_longest_idle(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client clients[MANY];
    (void)state;
    limits.connection_count_max = 4;
    harness_start(&h, &limits, NULL);
    for (size_t i = 0; i < 4; i++) {
        ask_once(&h, &clients[i]);
    }
    client_send(&clients[0], "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&clients[0], "GET /again[]"));
    ask_once(&h, &clients[4]);
    ask_once(&h, &clients[5]);
    PUMP_UNTIL(&h, clients[1].closed && clients[2].closed);
    assert_false(clients[1].reset || clients[2].reset);
    assert_false(clients[0].closed || clients[3].closed || clients[4].closed);
    assert_int_equal(http_server_connection_count(h.server), 4);
    for (size_t i = 0; i < MANY; i++) {
        client_stop(&clients[i]);
    }
    harness_stop(&h);
}

static int error_of(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
    return error;
}

/* It has its last answer and keeps its side open: it makes room, and nothing is reset. */
static void one_that_is_over_gives_way_in_order(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client over;
    struct client newcomer;
    (void)state;
    limits.connection_count_max = 1;
    harness_start(&h, &limits, NULL);
    client_start(&h, &over, NULL);
    client_send(&over, "GET /over HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    PUMP_UNTIL(&h, over.closed);
    assert_true(client_has(&over, "GET /over[]"));
    bool served = false;
    for (int64_t start_us = clock_mono_us(); !served;) { /* once the kernels agree that it has it */
        client_start(&h, &newcomer, NULL);
        client_send(&newcomer, "GET /in HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, newcomer.closed || client_has(&newcomer, "GET /in[]"));
        served = client_has(&newcomer, "GET /in[]");
        client_stop(&newcomer);
        assert_true(clock_mono_us() - start_us < 60 * CLOCK_SECOND_US);
    }
    assert_int_equal(error_of(bufferevent_getfd(over.bev)), 0);
    client_stop(&over);
    harness_stop(&h);
}

static int dial_with_tiny_window(const struct harness *h);

/* False: this machine took too long to tell. */
static bool keeps_its_answer(struct harness *h)
{
    static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct client newcomer;
    size_t handled = h->handled_count;
    int fd = dial_with_tiny_window(h);
    int64_t start_us = clock_mono_us();
    assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    PUMP_UNTIL(h, h->handled_count > handled);
    for (int i = 0; i < 5; i++) {
        pump(h); /* the answer is in the kernel's hands by now */
    }
    client_start(h, &newcomer, NULL);
    client_send(&newcomer, "GET /in HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(h, newcomer.closed || client_has(&newcomer, "GET /in[]"));
    bool in_time = clock_mono_us() - start_us < 900000;
    if (in_time) {
        assert_true(newcomer.closed); /* better than to cost the other its answer */
        assert_int_equal(error_of(fd), 0);
    }
    close(fd);
    client_stop(&newcomer);
    PUMP_UNTIL(h, http_server_connection_count(h->server) == 0);
    return in_time;
}

/* A round trip to its client takes a while: until then a newcomer is no reason to reset it. */
static void a_last_answer_on_its_way_is_not_lost_to_a_newcomer(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    (void)state;
    limits.connection_count_max = 1;
    harness_start(&h, &limits, NULL);
    h.large_bytes = 25000;
    int tries = 0;
    while (tries < 20 && !keeps_its_answer(&h)) {
        tries++;
    }
    harness_stop(&h);
    if (tries == 20) {
        skip();
    }
}

static void a_request_under_way_is_not_let_go_for_a_newcomer(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client busy[2];
    struct client newcomer;
    (void)state;
    limits.connection_count_max = 2;
    harness_start(&h, &limits, NULL);
    for (size_t i = 0; i < 2; i++) {
        client_start(&h, &busy[i], NULL);
        client_send(&busy[i], "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    PUMP_UNTIL(&h, h.held_count == 2);
    client_start(&h, &newcomer, NULL);
    PUMP_UNTIL(&h, newcomer.closed);
    assert_false(busy[0].closed || busy[1].closed);
    for (size_t i = 0; i < 2; i++) {
        reply_text(h.held[i], STR("kept"), false);
        PUMP_UNTIL(&h, client_has(&busy[i], "kept"));
        client_stop(&busy[i]);
    }
    client_stop(&newcomer);
    harness_stop(&h);
}

static void one_that_is_slow_gives_way_after_a_while(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client slow;
    struct client newcomer = {.bev = NULL};
    bool served = false;
    (void)state;
    limits.connection_count_max = 1;
    limits.head_ms = 600000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &slow, NULL);
    int64_t start_us = clock_mono_us();
    client_send(&slow, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (!served) {
        client_start(&h, &newcomer, NULL);
        client_send(&newcomer, "GET /in HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, newcomer.closed || client_has(&newcomer, "GET /in[]"));
        served = client_has(&newcomer, "GET /in[]");
        client_stop(&newcomer);
        assert_true(clock_mono_us() - start_us < 60 * CLOCK_SECOND_US);
    }
    assert_true(clock_mono_us() - start_us >= 1900000);
    PUMP_UNTIL(&h, slow.closed);
    client_stop(&slow);
    harness_stop(&h);
}

/* While it pauses, who is in is served, and who comes waits in the kernel's queue, refused by nobody.
 */
static void a_pause_lets_newcomers_wait(void **state)
{
    enum { PAUSE_US = 500000 };
    struct harness h;
    struct client in;
    struct client newcomer;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &in, NULL);
    client_send(&in, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&in, "GET /1[]"));
    int64_t from_us = clock_mono_us();
    assert_true(http_server_pause(h.server, PAUSE_US));
    assert_false(http_server_pause(h.server, PAUSE_US)); /* it does already */
    client_start(&h, &newcomer, NULL);
    client_send(&newcomer, "GET /new HTTP/1.1\r\nHost: a\r\n\r\n");
    client_send(&in, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&in, "GET /2[]"));
    PUMP_UNTIL(&h, client_has(&newcomer, "GET /new[]"));
    assert_true(clock_mono_us() - from_us >= PAUSE_US);
    assert_true(http_server_pause(h.server, PAUSE_US));
    http_server_drain(h.server);
    assert_false(http_server_pause(h.server, PAUSE_US));
    client_stop(&in);
    client_stop(&newcomer);
    harness_stop(&h);
}

static void trusted_networks_are_not_limited_by_address(void **state)
{
    struct http_limits limits = http_limits_default;
    struct address_list trusted;
    struct error err = {.code = ERROR_NONE};
    (void)state;
    limits.connection_per_address_max = 2;
    for (int is_trusted = 0; is_trusted < 2; is_trusted++) {
        struct harness h;
        struct client clients[3];
        assert_true(address_list_parse(is_trusted ? STR("10.1.1.1 127.0.0.0/8") : STR("10.0.0.0/8"),
                                       &trusted, &err));
        harness_start_trusting(&h, &limits, NULL, &trusted);
        ask_once(&h, &clients[0]);
        ask_once(&h, &clients[1]);
        if (is_trusted) {
            ask_once(&h, &clients[2]);
        } else {
            client_start(&h, &clients[2], NULL);
            PUMP_UNTIL(&h, clients[2].closed);
        }
        for (size_t i = 0; i < 3; i++) {
            client_stop(&clients[i]);
        }
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
        harness_stop(&h);
    }
}

static void unfinished_bodies_over_the_buffers_limit_lose_the_oldest(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client clients[MANY];
    char *part = calloc(1, 60001);
    size_t closed = 0;
    struct client empty;
    (void)state;
    memset(part, 'p', 60000);
    limits.buffer_bytes_max = 4 * 70000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &empty, NULL); /* older than all of them, and to no use */
    client_send(&empty, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 65000\r\n\r\n");
    fence(&h);
    for (size_t i = 0; i < MANY; i++) {
        client_start(&h, &clients[i], NULL);
        client_send(&clients[i], "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 65000\r\n\r\n");
        client_send(&clients[i], part);
        PUMP_UNTIL(&h, evbuffer_get_length(bufferevent_get_output(clients[i].bev)) == 0);
        fence(&h);
    }
    PUMP_UNTIL(&h, clients[0].closed && clients[1].closed);
    for (size_t i = 0; i < MANY; i++) {
        closed += clients[i].closed;
        client_stop(&clients[i]);
    }
    assert_int_equal(closed, 2);
    assert_false(empty.closed);
    client_stop(&empty);
    free(part);
    harness_stop(&h);
}

static void answers_that_nobody_reads_over_the_buffers_limit_lose_the_oldest(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client clients[MANY];
    size_t left;
    (void)state;
    limits.buffer_bytes_max = 3 * 16 * 1024 * 1024;
    harness_start(&h, &limits, NULL);
    h.large_bytes = 12 * 1024 * 1024;
    for (size_t i = 0; i < MANY; i++) {
        client_start(&h, &clients[i], NULL);
        bufferevent_disable(clients[i].bev, EV_READ);
        client_send(&clients[i], "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, h.handled_count == 2 * i + 1);
        fence(&h);
    }
    PUMP_UNTIL(&h, http_server_connection_count(h.server) <= 4);
    left = http_server_connection_count(h.server);
    assert_true(left >= 3);
    for (size_t i = 0; i < MANY; i++) {
        client_stop(&clients[i]);
    }
    harness_stop(&h);
}

/* Pipelines requests and never reads: the write deadline ends it, not its own patience. */
static void a_pipelining_client_that_never_reads_is_ended(void **state)
{
    static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.answer_write_ms = 300;
    harness_start(&h, &limits, NULL);
    h.large_bytes = 20000;
    client_start(&h, &client, NULL);
    bufferevent_disable(client.bev, EV_READ);
    for (size_t i = 0; i < 2000; i++) {
        client_send(&client, request);
    }
    PUMP_UNTIL(&h, h.handled_count > 0);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    assert_true(h.handled_count < 2000);
    client_stop(&client);
    harness_stop(&h);
}

static int dial_with_tiny_window(const struct harness *h)
{
    int size = 1;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)h->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* An answer small enough for the kernel, to a client whose window is closed, ends it as well. */
static void an_answer_that_stays_in_the_kernel_counts_as_unread(void **state)
{
    static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
    struct http_limits limits = http_limits_default;
    struct harness h;
    (void)state;
    limits.answer_write_ms = 300;
    limits.idle_ms = 600000;
    harness_start(&h, &limits, NULL);
    h.large_bytes = 25000;
    int fd = dial_with_tiny_window(&h);
    assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    PUMP_UNTIL(&h, h.handled_count == 1);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    close(fd);
    harness_stop(&h);
}

/* The same for the last answer of a connection: it lingers as long as an answer may, not longer. */
static void a_last_answer_that_stays_in_the_kernel_has_its_time_and_no_more(void **state)
{
    static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct http_limits limits = http_limits_default;
    struct harness h;
    (void)state;
    limits.answer_write_ms = 5000;
    harness_start(&h, &limits, NULL);
    h.large_bytes = 25000;
    int fd = dial_with_tiny_window(&h);
    int64_t start_us = clock_mono_us();
    assert_int_equal(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    PUMP_UNTIL(&h, h.handled_count == 1);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    assert_true(clock_mono_us() - start_us >= 4900000);
    close(fd);
    harness_stop(&h);
}

static int64_t head_timeouts(void)
{
    const struct str reason[] = {STR("head_timeout")};
    return metrics_value(metrics_find(METRIC_HTTP_REFUSED, reason, 1));
}

static void thousands_that_are_due_at_once_do_not_stop_the_loop(void **state)
{
    enum { DUE = 2000 };
    static struct client due[DUE];
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct shm shm;
    struct error err = {.code = ERROR_NONE};
    int64_t most = 0;
    (void)state;
    assert_true(shm_open_segment(&shm, 8 * 1024 * 1024, &err));
    metrics_open(&shm);
    limits.head_ms = 3000;
    harness_start(&h, &limits, NULL);
    for (size_t i = 0; i < DUE; i++) {
        client_start(&h, &due[i], NULL);
        client_send(&due[i], "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    }
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == DUE);
    /* As if the loop had been away for longer than all of the deadlines. */
    while (http_server_connection_count(h.server) > 0) {
        int64_t before = head_timeouts();
        if (before == 0) {
            (void)usleep(50000);
        }
        pump(&h);
        int64_t now = head_timeouts() - before;
        most = now > most ? now : most;
    }
    assert_int_equal(head_timeouts(), DUE);
    assert_true(most <= 32);
    for (size_t i = 0; i < DUE; i++) {
        assert_true(client_has(&due[i], "HTTP/1.1 408 "));
        client_stop(&due[i]);
    }
    harness_stop(&h);
}

/* A server whose strangers wait. */
static void start_with_queue(struct harness *h, const struct http_limits *limits)
{
    harness_start(h, limits, NULL);
    http_server_free(&h->server);
    struct http_server_config config = {.limits = *limits,
                                        .listener_name = "test",
                                        .handler = handle,
                                        .handler_ctx = h,
                                        .large_body = ask_large,
                                        .strangers_wait = true};
    h->server = http_server_new(h->loop, h->listen_fd, &config);
}

static void who_is_known_does_not_wait_with_strangers(void **state)
{
    enum { STRANGERS = 200 };
    static struct client strangers[STRANGERS];
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client known;
    (void)state;
    start_with_queue(&h, &limits);
    client_start(&h, &known, NULL);
    client_send(&known, "GET /vouch HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&known, "known"));
    for (size_t i = 0; i < STRANGERS; i++) {
        client_start(&h, &strangers[i], NULL);
        client_send(&strangers[i], "GET /spin HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    PUMP_UNTIL(&h, h.handled_count > 1);
    client_send(&known, "GET /mine HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&known, "GET /mine[]"));
    assert_true(h.handled_count < STRANGERS / 2);
    for (size_t i = 0; i < STRANGERS; i++) { /* each gets its turn */
        PUMP_UNTIL(&h, client_has(&strangers[i], "spun"));
        client_stop(&strangers[i]);
    }
    client_stop(&known);
    harness_stop(&h);
}

static void a_stranger_may_leave_or_be_told_to_come_again(void **state)
{
    enum { STRANGERS = 60 };
    static const char request[] = "GET /spin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct http_limits limits = http_limits_default;
    struct harness h;
    int strangers[STRANGERS];
    size_t busy = 0;
    size_t served = 0;
    (void)state;
    limits.head_ms = 30; /* the longest wait, too */
    start_with_queue(&h, &limits);
    for (size_t i = 0; i < STRANGERS; i++) {
        strangers[i] = dial_with_tiny_window(&h);
        assert_int_equal(send(strangers[i], request, sizeof request - 1, 0), sizeof request - 1);
    }
    PUMP_UNTIL(&h, h.handled_count > 0);
    close(strangers[STRANGERS - 1]);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    for (size_t i = 0; i + 1 < STRANGERS; i++) {
        char answer[1024] = "";
        (void)recv(strangers[i], answer, sizeof answer - 1, MSG_DONTWAIT);
        bool is_busy = strstr(answer, "HTTP/1.1 503 ") != NULL;
        assert_true(!is_busy || strstr(answer, "Retry-After: 1\r\n"));
        busy += is_busy;
        served += strstr(answer, "spun") != NULL;
        close(strangers[i]);
    }
    assert_true(served > 0 && busy > 0);
    assert_true(served + busy <= STRANGERS);
    harness_stop(&h);
}

static bool has(const char *list, const char *ip)
{
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct address_list networks;
    struct error err = {.code = ERROR_NONE};
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
        memcpy(&from, &in, sizeof in);
    } else {
        assert_int_equal(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
        memcpy(&from, &in6, sizeof in6);
    }
    assert_true(address_list_parse(str_of(list), &networks, &err));
    return address_list_has(&networks, &from);
}

static void networks_hold_the_addresses_that_they_should(void **state)
{
    static const char *const wrong[] = {"10.0.0.0/33", "10.0.0/8", "localhost", "::1/129",
                                        "10.0.0.1/",   "/8",       "1.2.3.4/-1"};
    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.0.1"));
    assert_false(has("10.0.0.0/8", "11.0.0.1"));
    assert_true(has("192.0.2.7", "192.0.2.7"));
    assert_false(has("192.0.2.7", "192.0.2.6"));
    assert_true(has("192.0.2.4/30", "192.0.2.7"));
    assert_false(has("192.0.2.4/30", "192.0.2.8"));
    assert_true(has("10.0.0.0/8, 2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("10.0.0.0/8,2001:db8::/33", "2001:db8:8000::1"));
    assert_true(has("127.0.0.1", "::ffff:127.0.0.1"));
    assert_true(has("::/0", "1.2.3.4"));
    assert_false(has("", "127.0.0.1"));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct address_list networks;
        struct error err = {.code = ERROR_NONE};
        assert_false(address_list_parse(str_of(wrong[i]), &networks, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.text, wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_takes_the_place_of_the_longest_idle),
        cmocka_unit_test(one_that_is_over_gives_way_in_order),
        cmocka_unit_test(a_last_answer_on_its_way_is_not_lost_to_a_newcomer),
        cmocka_unit_test(a_request_under_way_is_not_let_go_for_a_newcomer),
        cmocka_unit_test(one_that_is_slow_gives_way_after_a_while),
        cmocka_unit_test(a_pause_lets_newcomers_wait),
        cmocka_unit_test(trusted_networks_are_not_limited_by_address),
        cmocka_unit_test(unfinished_bodies_over_the_buffers_limit_lose_the_oldest),
        cmocka_unit_test(answers_that_nobody_reads_over_the_buffers_limit_lose_the_oldest),
        cmocka_unit_test(a_pipelining_client_that_never_reads_is_ended),
        cmocka_unit_test(an_answer_that_stays_in_the_kernel_counts_as_unread),
        cmocka_unit_test(a_last_answer_that_stays_in_the_kernel_has_its_time_and_no_more),
        cmocka_unit_test(thousands_that_are_due_at_once_do_not_stop_the_loop),
        cmocka_unit_test(who_is_known_does_not_wait_with_strangers),
        cmocka_unit_test(a_stranger_may_leave_or_be_told_to_come_again),
        cmocka_unit_test(networks_hold_the_addresses_that_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
