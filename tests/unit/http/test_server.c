/* What a client sees of the server, over plain TCP: answers, order, keep-alive, refusals, limits.
 */
#include "harness.h"

static void a_request_is_answered_with_the_usual_headers(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "POST /echo?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    PUMP_UNTIL(&h, client_has(&client, "POST /echo[hello]"));
    assert_true(str_starts(buf_str(&client.in), STR("HTTP/1.1 200 OK\r\nDate: ")));
    assert_true(client_has(&client, " GMT\r\n"));
    assert_true(client_has(&client, "\r\nRequest-Id: req_"));
    assert_true(client_has(&client, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(client_has(&client, "\r\nCache-Control: no-store\r\n"));
    assert_true(client_has(&client, "\r\nContent-Type: text/plain\r\n"));
    assert_true(client_has(&client, "\r\nContent-Length: 17\r\n"));
    assert_false(client_has(&client, "Strict-Transport-Security"));
    assert_false(client_has(&client, "Connection:"));
    client_stop(&client);
    harness_stop(&h);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    for (size_t i = 1; i <= 50; i++) {
        client_send(&client, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, client_count(&client, "GET /echo[]") == i);
    }
    assert_int_equal(h.handled_count, 50);
    assert_int_equal(http_server_connection_count(h.server), 1);
    assert_false(client.closed);
    client_stop(&client);
    harness_stop(&h);
}

static void pipelined_requests_are_handled_one_at_a_time_and_in_order(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
                         "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                         "GET /three HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, h.held_count == 1);
    fence(&h);
    assert_int_equal(h.handled_count, 2); /* the held one and the fence */
    assert_int_equal(client.in.len, 0);
    reply_text(h.held[0], STR("one"), false);
    PUMP_UNTIL(&h, client_has(&client, "GET /three[]"));
    size_t one = str_find(buf_str(&client.in), STR("\r\n\r\none"), 0);
    size_t two = str_find(buf_str(&client.in), STR("POST /two[abc]"), 0);
    size_t three = str_find(buf_str(&client.in), STR("GET /three[]"), 0);
    assert_true(one < two && two < three);
    client_stop(&client);
    harness_stop(&h);
}

static void bytes_may_arrive_one_at_a_time(void **state)
{
    static const char raw[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                              "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    for (size_t i = 0; i < sizeof raw - 1; i++) {
        bufferevent_write(client.bev, &raw[i], 1);
        PUMP_UNTIL(&h, evbuffer_get_length(bufferevent_get_output(client.bev)) == 0);
        pump(&h);
    }
    PUMP_UNTIL(&h, client_has(&client, "GET /next[]"));
    assert_true(client_has(&client, "POST /echo[hello]"));
    client_stop(&client);
    harness_stop(&h);
}

static void head_gets_the_headers_of_get_without_its_body(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client,
                "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /b[]"));
    assert_true(client_has(&client, "Content-Length: 12\r\n"));
    assert_false(client_has(&client, "HEAD /echo[]"));
    client_stop(&client);
    harness_stop(&h);
}

static void connection_close_is_honoured_from_either_side(void **state)
{
    static const char *const requests[] = {
        "GET /close HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct harness h;
        struct client client;
        harness_start(&h, NULL, NULL);
        client_start(&h, &client, NULL);
        client_send(&client, requests[i]);
        PUMP_UNTIL(&h, client.closed);
        assert_false(client.reset);
        assert_int_equal(h.handled_count, 1);
        assert_int_equal(client_count(&client, "Connection: close\r\n"), 1);
        client_stop(&client);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
        harness_stop(&h);
    }
}

static void a_refused_request_gets_a_problem_document_and_the_end(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
                         "POST /second HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "0\r\n\r\nGET /third HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_false(client.reset);
    assert_int_equal(h.handled_count, 1);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 2);
    assert_true(client_has(&client, "HTTP/1.1 501 Not Implemented\r\n"));
    assert_true(client_has(&client, "Content-Type: application/problem+json\r\n"));
    assert_true(client_has(&client, "\"status\":501,"));
    assert_true(client_has(&client, "\"code\":\"transfer_encoding_not_supported\""));
    assert_true(client_has(&client, "\"request_id\":\"req_"));
    assert_true(client_has(&client, "Connection: close\r\n"));
    client_stop(&client);
    harness_stop(&h);
}

/* A wrong length makes two wrong requests of one: the second is nobody's. */
static void what_follows_a_wrong_request_is_not_read(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "HTTP/1.1 404 "));
    client_send(&client, "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n"
                         "GET /third HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_false(client.reset);
    assert_int_equal(h.handled_count, 2);
    assert_int_equal(client_count(&client, "HTTP/1.1 404 "), 2);
    assert_int_equal(client_count(&client, "Connection: close\r\n"), 1);
    client_stop(&client);
    harness_stop(&h);
}

static void a_refused_head_request_gets_no_body(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    PUMP_UNTIL(&h, client.closed);
    assert_true(str_starts(buf_str(&client.in), STR("HTTP/1.1 400 Bad Request\r\n")));
    assert_true(str_ends(buf_str(&client.in), STR("\r\n\r\n")));
    client_stop(&client);
    harness_stop(&h);
}

static void a_body_over_the_limit_is_refused_before_it_is_read_and_without_a_reset(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    char *body = calloc(1, 100001);
    (void)state;
    memset(body, 'b', 100000);
    limits.body_bytes_max = 1000;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    client_send(&client, body);
    PUMP_UNTIL(&h, client.closed);
    assert_false(client.reset);
    assert_true(client_has(&client, "HTTP/1.1 413 Content Too Large\r\n"));
    assert_int_equal(h.handled_count, 0);
    client_stop(&client);
    free(body);
    PUMP_UNTIL(&h, http_server_connection_count(h.server) == 0);
    harness_stop(&h);
}

static void the_largest_body_is_read_whole(void **state)
{
    struct harness h;
    struct client client;
    size_t len = http_limits_default.body_bytes_max;
    char *body = calloc(1, len + 1);
    (void)state;
    memset(body, 'b', len);
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
    client_send(&client, body);
    client_send(&client, "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "GET /after[]"));
    assert_int_equal(client_count(&client, "b"), len);
    client_stop(&client);
    free(body);
    harness_stop(&h);
}

static void expect_continue_is_answered_before_the_body(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client,
                "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    PUMP_UNTIL(&h, client_has(&client, "\r\n\r\n"));
    assert_true(str_eq(buf_str(&client.in), STR("HTTP/1.1 100 Continue\r\n\r\n")));
    client_send(&client, "ok");
    PUMP_UNTIL(&h, client_has(&client, "POST /x[ok]"));
    /* Not when the body is there already. */
    buf_clear(&client.in);
    client_send(&client, "POST /y HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                         "Content-Length: 2\r\n\r\nok");
    PUMP_UNTIL(&h, client_has(&client, "POST /y[ok]"));
    assert_false(client_has(&client, "100 Continue"));
    client_stop(&client);
    harness_stop(&h);
}

static void an_unknown_expectation_is_refused(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    harness_start(&h, NULL, NULL);
    client_start(&h, &client, NULL);
    client_send(&client,
                "POST /x HTTP/1.1\r\nHost: a\r\nExpect: money\r\nContent-Length: 2\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_true(client_has(&client, "HTTP/1.1 417 Expectation Failed\r\n"));
    client_stop(&client);
    harness_stop(&h);
}

static void connections_over_the_limits_are_closed_at_once(void **state)
{
    struct http_limits limits = http_limits_default;
    (void)state;
    for (int by_address = 0; by_address < 2; by_address++) {
        struct harness h;
        struct client clients[4];
        limits.connection_count_max = by_address ? 100 : 3;
        limits.connection_per_address_max = by_address ? 3 : 100;
        harness_start(&h, &limits, NULL);
        for (size_t i = 0; i < 4; i++) {
            client_start(&h, &clients[i], NULL);
        }
        PUMP_UNTIL(&h, clients[3].closed);
        assert_int_equal(http_server_connection_count(h.server), 3);
        client_send(&clients[2], "GET /still HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, client_has(&clients[2], "GET /still[]"));
        client_stop(&clients[0]);
        PUMP_UNTIL(&h, http_server_connection_count(h.server) == 2);
        client_stop(&clients[3]);
        client_start(&h, &clients[3], NULL);
        client_send(&clients[3], "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
        PUMP_UNTIL(&h, client_has(&clients[3], "GET /again[]"));
        for (size_t i = 1; i < 4; i++) {
            client_stop(&clients[i]);
        }
        harness_stop(&h);
    }
}

static void the_last_allowed_request_of_a_connection_closes_it(void **state)
{
    struct http_limits limits = http_limits_default;
    struct harness h;
    struct client client;
    (void)state;
    limits.request_count_max = 2;
    harness_start(&h, &limits, NULL);
    client_start(&h, &client, NULL);
    client_send(&client, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
                         "GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_false(client.reset);
    assert_true(client_has(&client, "GET /b[]"));
    assert_int_equal(h.handled_count, 2);
    assert_int_equal(client_count(&client, "Connection: close\r\n"), 1);
    client_stop(&client);
    harness_stop(&h);
}

static void a_taken_port_is_told_by_its_number(void **state)
{
    struct error err = {.code = ERROR_NONE};
    struct harness h;
    char expected[64];
    int fd = -1;
    (void)state;
    harness_start(&h, NULL, NULL);
    assert_false(http_port_probe("127.0.0.1", h.port, &err));
    assert_int_equal(err.code, ERROR_CONFLICT);
    (void)snprintf(expected, sizeof expected, "port %d is taken", h.port);
    assert_non_null(strstr(err.text, expected));
    /* Several sockets of ours may share it. */
    assert_true(http_listen("127.0.0.1", h.port, &fd, &err));
    close(fd);
    int port = h.port;
    harness_stop(&h);
    assert_true(http_port_probe("127.0.0.1", port, &err));
    assert_false(http_listen("localhost", port, &fd, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_with_the_usual_headers),
        cmocka_unit_test(a_connection_serves_one_request_after_another),
        cmocka_unit_test(pipelined_requests_are_handled_one_at_a_time_and_in_order),
        cmocka_unit_test(bytes_may_arrive_one_at_a_time),
        cmocka_unit_test(head_gets_the_headers_of_get_without_its_body),
        cmocka_unit_test(connection_close_is_honoured_from_either_side),
        cmocka_unit_test(a_refused_request_gets_a_problem_document_and_the_end),
        cmocka_unit_test(what_follows_a_wrong_request_is_not_read),
        cmocka_unit_test(a_refused_head_request_gets_no_body),
        cmocka_unit_test(a_body_over_the_limit_is_refused_before_it_is_read_and_without_a_reset),
        cmocka_unit_test(the_largest_body_is_read_whole),
        cmocka_unit_test(expect_continue_is_answered_before_the_body),
        cmocka_unit_test(an_unknown_expectation_is_refused),
        cmocka_unit_test(connections_over_the_limits_are_closed_at_once),
        cmocka_unit_test(the_last_allowed_request_of_a_connection_closes_it),
        cmocka_unit_test(a_taken_port_is_told_by_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
