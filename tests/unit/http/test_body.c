/* Bodies: how fast they must come, and large ones that a route has to accept first. */
#include "harness.h"

enum {
    LARGE_BYTES = 3 * 1024 * 1024,
};

static char *letters(size_t len)
{
    char *text = calloc(1, len + 1);
    assert_non_null(text);
    memset(text, 'b', len);
    return text;
}

static void send_head(struct client *client, const char *path, size_t body_len, const char *more)
{
    char head[256];
    (void)snprintf(head, sizeof head,
                   "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n", path, body_len,
                   more);
    client_send(client, head);
}

static void a_body_below_the_minimum_rate_is_refused_after_a_third_of_its_time(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.body_ms = 600;
    limits.body_rate_min = 1000000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    int64_t start_us = clock_mono_us();
    send_head(&client, "/echo", 1000, "");
    client_send(&client, "not enough");
    PUMP_UNTIL(&h, client_has(&client, "\"code\":\"body_timeout\""));
    assert_true(clock_mono_us() - start_us >= 199000);
    assert_int_equal(h.handled_count, 0);
    client_stop(&client);
    harness_stop(&h);
}

/* Sends `part` bytes whenever a tenth of body_ms has passed; true when the body was taken. */
static bool drips_through(int64_t body_ms, size_t rate_min, size_t len, size_t part)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    char *body = letters(part);
    limits.body_ms = body_ms;
    limits.body_rate_min = rate_min;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    send_head(&client, "/echo", len, "");
    int64_t next_us = clock_mono_us();
    size_t sent = 0;
    while (!client.closed && !client_has(&client, "POST /echo")) {
        if (sent < len && clock_mono_us() >= next_us) {
            client_send(&client, body);
            sent += part;
            next_us += body_ms * 100;
        }
        pump(&h);
    }
    bool taken = client_has(&client, "POST /echo");
    assert_true(taken || client_has(&client, "HTTP/1.1 408 "));
    client_stop(&client);
    harness_stop(&h);
    free(body);
    return taken;
}

static void a_body_that_keeps_the_rate_has_its_whole_time_and_no_more(void **state)
{
    (void)state;
    assert_true(drips_through(9000, 10, 500, 100));   /* done in its second third */
    assert_false(drips_through(900, 10, 60000, 100)); /* goes on beyond its time */
}

/* Those who have earned another turn must not keep the others waiting. */
static void each_of_many_bodies_is_judged_at_the_end_of_its_own_turn(void **state)
{
    enum { MANY = 60 };
    static struct client clients[MANY];
    struct http_limits limits = http_limits_default;
    struct harness h;
    char *part = letters(1000);
    (void)state;
    limits.body_ms = 9000;
    limits.body_rate_min = 100;
    harness_start(&h, &limits, NULL);
    int64_t start_us = clock_mono_us();
    for (size_t i = 0; i < MANY; i++) {
        client_start(&h, &clients[i], NULL);
        send_head(&clients[i], "/echo", 60000, "");
        client_send(&clients[i], i % 2 == 0 ? part : "slow");
    }
    for (size_t i = 1; i < MANY; i += 2) {
        PUMP_UNTIL(&h, clients[i].closed);
        assert_true(client_has(&clients[i], "HTTP/1.1 408 "));
    }
    assert_true(clock_mono_us() - start_us >= 2900000);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(clients[i].closed, i % 2);
        client_stop(&clients[i]);
    }
    harness_stop(&h);
    free(part);
}

static void a_large_body_is_taken_when_its_route_wants_it(void **state)
{
    struct harness h;
    struct client client;
    char *body = letters(LARGE_BYTES);
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    for (size_t i = 1; i <= 2; i++) {
        send_head(&client, "/large-body", LARGE_BYTES, "");
        client_send(&client, body);
        PUMP_UNTIL(&h, client_count(&client, "took 3145728") == i);
        assert_int_equal(h.asked_count, i);
    }
    client_send(&client, "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /after[]"));
    client_stop(&client);
    harness_stop(&h);
    free(body);
}

static void a_large_body_elsewhere_is_refused_unread(void **state)
{
    static const char *const paths[] = {"/elsewhere", "/large-body/never"};
    static const char *const statuses[] = {"HTTP/1.1 413 ", "HTTP/1.1 401 "};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct harness h;
        struct client client;
        harness_start(&h, NULL, NULL);
        client_start(&h, &client, NULL);
        send_head(&client, paths[i], 65537, "Expect: 100-continue\r\n");
        PUMP_UNTIL(&h, client.closed);
        assert_true(client_has(&client, statuses[i]));
        assert_true(client_has(&client, "Connection: close\r\n"));
        assert_false(client_has(&client, "100 Continue"));
        assert_int_equal(h.handled_count, 0);
        client_stop(&client);
        harness_stop(&h);
    }
}

static void the_route_may_take_its_time_to_decide(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    struct client other;
    char *body = letters(100000);
    (void)state;
    limits.head_ms = 100;
    limits.body_ms = 3000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    send_head(&client, "/large-body/later", 100000, "Expect: 100-continue\r\n");
    PUMP_UNTIL(&h, h.asked);
    client_start(&h, &other, NULL); /* the passing of time */
    PUMP_UNTIL(&h, other.closed);
    assert_int_equal(client.in.len, 0);
    take_large(h.asked);
    PUMP_UNTIL(&h, client_has(&client, "100 Continue"));
    client_send(&client, body);
    PUMP_UNTIL(&h, client_has(&client, "took 100000"));
    client_stop(&client);
    client_stop(&other);
    harness_stop(&h);
    free(body);
}

static void a_client_that_leaves_before_its_large_body_is_read_is_forgotten(void **state)
{
    (void)state;
    for (int decided = 0; decided < 2; decided++) {
        struct harness h;
        struct client client;
        harness_start(&h, NULL, NULL);
        client_start(&h, &client, NULL);
        send_head(&client, "/large-body/later", 100000, "");
        PUMP_UNTIL(&h, h.asked);
        if (decided) {
            take_large(h.asked);
            client_send(&client, "a part");
            fence(&h);
        }
        client_stop(&client);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
        assert_int_equal(h.gone_count, decided ? 0 : 1);
        if (!decided) {
            take_large(h.asked);
        }
        fence(&h);
        assert_int_equal(h.handled_count, decided ? 2 : 1); /* the fences */
        harness_stop(&h);
    }
}

static void large_bodies_have_a_share_of_the_buffers_and_give_it_back(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client clients[3];
    (void)state;
    limits.buffer_bytes_max = 2 * 2 * 100000; /* half of it for large ones: two */
    harness_start(&h, &limits, NULL);
    for (size_t i = 0; i < 2; i++) {
        client_start(&h, &clients[i], NULL);
        send_head(&clients[i], "/large-body", 100000, "");
    }
    PUMP_UNTIL(&h, h.asked_count == 2);
    client_start(&h, &clients[2], NULL);
    send_head(&clients[2], "/large-body", 100000, "");
    PUMP_UNTIL(&h, clients[2].closed);
    assert_true(client_has(&clients[2], "HTTP/1.1 503 "));
    client_stop(&clients[2]);
    client_stop(&clients[0]);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) <= 1);
    client_start(&h, &clients[2], NULL);
    send_head(&clients[2], "/large-body", 100000, "Expect: 100-continue\r\n");
    PUMP_UNTIL(&h, client_has(&clients[2], "100 Continue"));
    client_stop(&clients[1]);
    client_stop(&clients[2]);
    harness_stop(&h);
}

/* A listener may be given as large a usual body as this, and nobody has been asked who sends it. */
static void the_largest_usual_body_is_taken(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.body_bytes_max = 16777216;
    limits.large_body_bytes_max = limits.body_bytes_max;
    limits.buffer_bytes_max = 8 * limits.body_bytes_max;
    char *body = letters(limits.body_bytes_max);
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    send_head(&client, "/large-body", limits.body_bytes_max, "X: of the same arena\r\n");
    client_send(&client, body);
    PUMP_UNTIL(&h, client_has(&client, "took 16777216"));
    assert_int_equal(h.asked_count, 0);
    client_stop(&client);
    harness_stop(&h);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_usual_body_is_taken),
        cmocka_unit_test(a_body_below_the_minimum_rate_is_refused_after_a_third_of_its_time),
        cmocka_unit_test(a_body_that_keeps_the_rate_has_its_whole_time_and_no_more),
        cmocka_unit_test(each_of_many_bodies_is_judged_at_the_end_of_its_own_turn),
        cmocka_unit_test(a_large_body_is_taken_when_its_route_wants_it),
        cmocka_unit_test(a_large_body_elsewhere_is_refused_unread),
        cmocka_unit_test(the_route_may_take_its_time_to_decide),
        cmocka_unit_test(a_client_that_leaves_before_its_large_body_is_read_is_forgotten),
        cmocka_unit_test(large_bodies_have_a_share_of_the_buffers_and_give_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
