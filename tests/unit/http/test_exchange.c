/* What a handler reads of a request and says in its answer; counting of requests and addresses. */
#include "harness.h"

#include "base/metrics.h"
#include "http/address.h"

/* The one handler of these tests calls what the running test put here. */
static void (*probe)(struct http_exchange *x);

static void run_probe(struct http_exchange *x, void *ctx)
{
    struct harness *h = ctx;
    h->handled_count++;
    probe(x);
}

/* Send `request` to a handler that calls fn; the whole answer ends up in client->in. */
static void ask(struct harness *h, struct client *client, const char *request,
                void (*fn)(struct http_exchange *))
{
    struct http_server_config config = {.limits = http_limits_default,
                                        .listener_name = "test",
                                        .handler = run_probe,
                                        .handler_ctx = h};
    probe = fn;
    harness_start(h, NULL, NULL);
    http_server_free(&h->server);
    h->server = http_server_new(h->loop, h->listen_fd, &config);
    client_start(h, client, NULL);
    client_send(client, request);
    PUMP_UNTIL(h, client_has(client, "\r\n\r\n") && h->handled_count == 1);
}

static void finish(struct harness *h, struct client *client)
{
    client_stop(client);
    harness_stop(h);
}

static void expect_query(const struct http_exchange *x, const char *name, const char *value)
{
    struct str found;
    assert_true(http_query(x, name, &found));
    assert_int_equal(found.len, strlen(value));
    assert_memory_equal(found.at, value, found.len);
}

static void probe_query(struct http_exchange *x)
{
    struct str found = STR("untouched");
    expect_query(x, "a", "1");
    expect_query(x, "empty", "");
    expect_query(x, "bare", "");
    expect_query(x, "plus", "a b c");
    expect_query(x, "utf8", "gr\xc3\xbc\xc3\x9f");
    expect_query(x, "equals", "x=y");
    expect_query(x, "created[gte]", "5");
    expect_query(x, "at", "2026-11-21T10:15:30Z");
    expect_query(x, "", "nameless");
    assert_false(http_query(x, "nul", &found));
    assert_false(http_query(x, "latin", &found));
    assert_false(http_query(x, "overlong", &found));
    assert_false(http_query(x, "absent", &found));
    assert_false(http_query(x, "A", &found));
    http_reply_json(x, 200, STR("{}"));
}

static void query_parameters_are_decoded_strictly(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    ask(&h, &client,
        "GET /q?a=1&a=2&empty=&bare&plus=a+b%20c&utf8=gr%c3%BC%C3%9f&equals=x=y&created%5Bgte%5D=5"
        "&at=2026-11-21T10%3A15:30Z&=nameless&nul=%00&latin=%fc&overlong=%c0%af HTTP/1.1\r\n"
        "Host: a\r\n\r\n",
        probe_query);
    finish(&h, &client);
}

static void probe_request(struct http_exchange *x)
{
    const struct http_request *request = http_request(x);
    assert_true(str_eq(http_header(x, "Idempotency-Key"), STR("\"k1\"")));
    assert_true(str_eq(http_header(x, "HOST"), STR("api.example")));
    assert_true(str_is_empty(http_header(x, "Absent")));
    assert_true(str_is_empty(http_header(x, "Idempotency")));
    assert_string_equal(request->peer, "127.0.0.1");
    assert_false(request->peer_has_certificate);
    assert_true(request->arrived_us <= clock_mono_us());
    assert_true(request->arrived_us > clock_mono_us() - 5 * CLOCK_SECOND_US);
    assert_int_equal(request->query.len, 0);
    assert_true(str_starts(str_of(http_request_id(x)), STR("req_")));
    assert_null(http_exchange_data(x));
    http_exchange_set_data(x, &probe);
    assert_ptr_equal(http_exchange_data(x), &probe);
    http_reply_json(x, 200, STR("{}"));
}

static void the_request_is_told_as_it_came(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    ask(&h, &client,
        "GET /r HTTP/1.1\r\nHost: api.example\r\nidempotency-key: \"k1\"\r\n"
        "Idempotency-Key: \"k2\"\r\nRequest-Id: mine\r\n\r\n",
        probe_request);
    assert_false(client_has(&client, "mine"));
    finish(&h, &client);
}

static void probe_headers(struct http_exchange *x)
{
    const struct http_header headers[] = {
        {STR("Location"), STR("/v1/payments/pay_1")},
        {STR("cache-control"), STR("max-age=31536000, immutable")},
        {STR("Retry-After"), STR("1")},
    };
    http_reply(x, &(struct http_response){.status = 201,
                                          .content_type = STR("application/json"),
                                          .body = STR("{\"id\":1}"),
                                          .headers = headers,
                                          .header_count = ARRAY_LEN(headers)});
}

static void the_handlers_headers_are_sent_and_its_cache_control_wins(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    ask(&h, &client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", probe_headers);
    assert_true(client_has(&client, "HTTP/1.1 201 Created\r\n"));
    assert_true(client_has(&client, "\r\nLocation: /v1/payments/pay_1\r\n"));
    assert_true(client_has(&client, "\r\ncache-control: max-age=31536000, immutable\r\n"));
    assert_false(client_has(&client, "no-store"));
    assert_true(str_ends(buf_str(&client.in), STR("\r\nContent-Length: 8\r\n\r\n{\"id\":1}")));
    finish(&h, &client);
}

static void probe_no_content(struct http_exchange *x)
{
    http_reply(x, &(struct http_response){.status = 204});
}

static void no_content_has_neither_body_nor_length(void **state)
{
    struct harness h;
    struct client client;
    (void)state;
    ask(&h, &client, "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", probe_no_content);
    assert_true(client_has(&client, "HTTP/1.1 204 No Content\r\n"));
    assert_false(client_has(&client, "Content-Length"));
    assert_false(client_has(&client, "Content-Type:"));
    finish(&h, &client);
}

static void probe_route(struct http_exchange *x)
{
    http_set_route(x, "/v1/payments/{id}");
    http_reply_json(x, 404, STR("{}"));
}

static int64_t value_of(enum metric metric, const struct str *labels, size_t count)
{
    return metrics_value(metrics_find(metric, labels, count));
}

static void requests_refusals_and_connections_are_counted(void **state)
{
    const struct str served[] = {STR("/v1/payments/{id}"), STR("GET"), STR("404")};
    const struct str refused[] = {STR("bad_host")};
    const struct str listener[] = {STR("test")};
    struct harness h;
    struct client client;
    struct shm shm;
    struct error err = {.code = ERROR_NONE};
    (void)state;
    assert_true(shm_open_segment(&shm, 8 * 1024 * 1024, &err));
    metrics_open(&shm);
    ask(&h, &client, "GET /v1/payments/x HTTP/1.1\r\nHost: a\r\n\r\n", probe_route);
    client_send(&client, "GET /v1/payments/y HTTP/1.1\r\nHost: a\r\n\r\n");
    PUMP_UNTIL(&h, client_count(&client, "HTTP/1.1 404 Not Found") == 2);
    assert_int_equal(value_of(METRIC_HTTP_REQUESTS, served, 3), 2);
    assert_int_equal(value_of(METRIC_HTTP_CONNECTIONS, listener, 1), 1);
    client_send(&client, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    PUMP_UNTIL(&h, client.closed);
    assert_int_equal(value_of(METRIC_HTTP_REFUSED, refused, 1), 1);
    finish(&h, &client);
    assert_int_equal(value_of(METRIC_HTTP_CONNECTIONS, listener, 1), 0);
}

static struct address ipv4_address(uint32_t ip)
{
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip)};
    memcpy(&from, &in, sizeof in);
    return address_of(&from);
}

static struct address ipv6_address(const char *text)
{
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    struct sockaddr_in6 in = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &in.sin6_addr), 1);
    memcpy(&from, &in, sizeof in);
    return address_of(&from);
}

static void the_address_table_agrees_with_plain_counting(void **state)
{
    enum { ADDRESSES = 200, LIMIT = 3, STEPS = 200000 };
    static size_t counts[ADDRESSES];
    struct address_table table;
    uint32_t random = 12345;
    (void)state;
    address_table_init(&table, ADDRESSES);
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t i = (random >> 8) % ADDRESSES;
        struct address address = ipv4_address(i * 7);
        assert_int_equal(address_count(&table, address), counts[i]);
        if (random & 0x80000000U) {
            bool added = address_add(&table, address, LIMIT);
            assert_int_equal(added, counts[i] < LIMIT);
            counts[i] += added;
        } else if (counts[i] > 0) {
            address_remove(&table, address);
            counts[i]--;
        }
    }
    address_table_release(&table);
}

static void an_ipv6_client_counts_by_its_network_and_a_mapped_one_as_ipv4(void **state)
{
    struct address_table table;
    (void)state;
    address_table_init(&table, 16);
    assert_true(address_add(&table, ipv6_address("2001:db8:1:2::1"), 9));
    assert_int_equal(address_count(&table, ipv6_address("2001:db8:1:2:ffff::9")), 1);
    assert_int_equal(address_count(&table, ipv6_address("2001:db8:1:3::1")), 0);
    assert_true(address_add(&table, ipv4_address(0x7f000001), 9));
    assert_int_equal(address_count(&table, ipv6_address("::ffff:127.0.0.1")), 1);
    assert_int_equal(address_count(&table, ipv4_address(0)), 0);
    assert_true(address_add(&table, ipv6_address("::1"), 9));
    assert_int_equal(address_count(&table, ipv4_address(0)), 0);
    address_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_parameters_are_decoded_strictly),
        cmocka_unit_test(the_request_is_told_as_it_came),
        cmocka_unit_test(the_handlers_headers_are_sent_and_its_cache_control_wins),
        cmocka_unit_test(no_content_has_neither_body_nor_length),
        cmocka_unit_test(requests_refusals_and_connections_are_counted),
        cmocka_unit_test(the_address_table_agrees_with_plain_counting),
        cmocka_unit_test(an_ipv6_client_counts_by_its_network_and_a_mapped_one_as_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
