/* test_api.c - who may do what, what is refused and how, over real HTTP and a ledger in memory. */
#include "world.h"

#define PAYMENT                                                                                    \
    "{\"amount\":1099,\"currency\":\"EUR\",\"method\":{\"type\":\"test\",\"outcome\":"             \
    "\"approved\"}}"
#define KEY "Idempotency-Key: \"k-1\"\r\n"

static void add_payment_row(const char *key, size_t merchant)
{
    struct store_payment_view *view = &fake.payments[fake.payment_count++];
    *view = (struct store_payment_view){.status = PAYMENT_SUCCEEDED, .captured = 1099};
    view->row.merchant_id = fake.merchants[merchant].merchant_id;
    view->row.payment_id = uuid_new();
    view->row.created_us = clock_wall_us();
    view->row.amount_minor = 1099;
    memcpy(view->row.currency, "EUR", 4);
    view->row.key = str_of(key);
    view->row.method_type = STR("card");
}

static const char *path_of(size_t payment, char out[64])
{
    char id[ID_TEXT_SIZE];
    (void)snprintf(out, 64, "/v1/payments/%s",
                   id_format(ID_PAYMENT, &fake.payments[payment].row.payment_id, id).at);
    return out;
}

static void without_a_valid_key_nothing_is_told(void **state UNUSED)
{
    static const char *const keys[] = {NULL, "", "tpk_test_wrong",
                                       "tpk_test_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_int_equal(ask("GET", "/v1/payments", keys[i], "", NULL), 401);
        assert_problem(401, "unauthenticated", "");
        assert_true(has_header("WWW-Authenticate: Bearer"));
    }
    assert_int_equal(ask("GET", "/v1/payments", NULL, "Authorization: Basic dTpw\r\n", NULL), 401);
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
}

static void every_endpoint_keeps_its_roles(void **state UNUSED)
{
    const struct {
        const char *key;
        unsigned role;
    } callers[] = {{world.merchant_key, ROLE_MERCHANT},
                   {world.finance_key, ROLE_FINANCE},
                   {world.operator_key, ROLE_OPERATOR}};
    for (size_t i = 0; i < api_endpoint_count; i++) {
        const struct endpoint *endpoint = &api_endpoints[i];
        if (endpoint->fn == session_create) /* takes its key from the body: test_session.c */
            continue;
        struct str path = str_of(endpoint->path);
        size_t id_at = str_find_char(path, '{', 0); /* {id}, {version} */
        char text[100];
        (void)snprintf(text, sizeof(text), STR_FMT "%s%s", STR_ARG(str_sub(path, 0, id_at)),
                       id_at == SIZE_MAX ? "" : "x",
                       id_at == SIZE_MAX ? "" : strchr(endpoint->path, '}') + 1);
        for (size_t c = 0; c < ARRAY_LEN(callers); c++) {
            bool may = endpoint->roles == ROLE_ANYONE || (endpoint->roles & callers[c].role) != 0;
            if (may && endpoint->fn == board_stream_start)
                continue; /* it does not end: test_series.c */
            int status = ask(http_method_name(endpoint->method), text, callers[c].key, "",
                             endpoint->method == HTTP_GET ? NULL : "{}");
            if ((status == 403) == may)
                fail_test("%s %s as %u: %d", http_method_name(endpoint->method), text,
                          callers[c].role, status);
        }
        if (endpoint->roles != ROLE_ANYONE)
            assert_int_equal(ask(http_method_name(endpoint->method), text, NULL, "",
                                 endpoint->method == HTTP_GET ? NULL : "{}"),
                             401);
    }
}

static void an_operator_bound_to_a_merchant_does_not_administrate(void **state UNUSED)
{
    char key[64];
    add_key_row(key, KEY_OPERATOR, &fake.merchants[1].merchant_id, false);
    assert_int_equal(ask("GET", "/v1/admin/merchants", key, "", NULL), 403);
    assert_int_equal(ask("GET", "/v1/providers", key, "", NULL), 200);
}

static void wrong_addresses_methods_and_queries_are_refused(void **state UNUSED)
{
    const char *key = world.merchant_key;
    (void)ask("GET", "/v1/nothing", key, "", NULL);
    assert_problem(404, "not_found", "");
    (void)ask("GET", "/", NULL, "", NULL);
    assert_problem(404, "not_found", "");
    (void)ask("DELETE", "/v1/payments", key, "", NULL);
    assert_problem(405, "method_not_allowed", "");
    assert_true(has_header("Allow: POST, GET, HEAD"));
    static const struct {
        const char *query;
        const char *param;
    } queries[] = {
        {"limitt=3", "limitt"},
        {"limit=0", "limit"},
        {"limit=101", "limit"},
        {"limit=", "limit"},
        {"limit=1&limit=2", "limit"},
        {"status=paid", "status"},
        {"starting_after=x", "starting_after"},
        {"created_from=now", "created_from"},
        {"provider=stripe", "provider"},
        {"=1", ""},
        {"reference=%FF", "reference"},
    };
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        char path[100];
        (void)snprintf(path, sizeof(path), "/v1/payments?%s", queries[i].query);
        (void)ask("GET", path, key, "", NULL);
        assert_problem(400, "cursor_malformed", queries[i].param);
    }
    (void)ask("GET", "/v1/payments?reference=4111111111111111", key, "", NULL);
    assert_problem(422, "card_data", "reference");
    (void)ask("GET", "/v1/payments/pay_1?x=1", key, "", NULL);
    assert_problem(400, "cursor_malformed", "x");
}

static void bodies_must_be_json(void **state UNUSED)
{
    const char *key = world.merchant_key;
    (void)ask("POST", "/v1/payments", key, KEY "Content-Type: text/plain\r\n", NULL);
    assert_problem(415, "unsupported_media_type", "");
    (void)ask("POST", "/v1/payments", key, KEY, NULL);
    assert_problem(415, "unsupported_media_type", "");
    (void)ask("POST", "/v1/payments", key, KEY, "{\"amount\":1,\"amount\":2}");
    assert_problem(400, "malformed_json", "");
    (void)ask("POST", "/v1/payments", key, KEY, "[]");
    assert_problem(400, "malformed_json", "");
    (void)ask("POST", "/v1/payments", key, KEY, "{\"amount\":9223372036854775808}");
    assert_problem(422, "invalid_amount", "amount");
    assert_int_equal(fake.write_count, 0);
}

static void payments_need_a_sound_idempotency_key(void **state UNUSED)
{
    const char *key = world.merchant_key;
    (void)ask("POST", "/v1/payments", key, "", PAYMENT);
    assert_problem(400, "idempotency_key_missing", "Idempotency-Key");
    static const char *const wrong[] = {"\"\"", "\"a", "a b", "\"a\";x=1", "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char header[100];
        (void)snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", wrong[i]);
        (void)ask("POST", "/v1/payments", key, header, PAYMENT);
        assert_problem(400, "idempotency_key_malformed", "Idempotency-Key");
    }
    (void)ask("POST", "/v1/payments", key, KEY "idempotency-key: \"k-2\"\r\n", PAYMENT);
    assert_problem(400, "idempotency_key_malformed", "Idempotency-Key");
    (void)ask("POST", "/v1/payments", key, "Idempotency-Key:\r\n", PAYMENT);
    assert_int_equal(world.answer.status, 400);
    (void)ask("POST", "/v1/payments", key, "Idempotency-Key: 4111111111111111\r\n", PAYMENT);
    assert_problem(422, "card_data", "Idempotency-Key");
    assert_int_equal(fake.write_count, 0);
}

static void tokens_and_outcomes_do_not_mix(void **state UNUSED)
{
    static const struct {
        const char *method;
        const char *code;
        const char *param;
    } cases[] = {
        {"{\"type\":\"test\"}", "missing_member", "method.outcome"},
        {"{\"type\":\"test\",\"outcome\":\"approved\",\"tokens\":{}}", "invalid_member",
         "method.tokens"},
        {"{\"type\":\"card\"}", "missing_member", "method.tokens"},
        {"{\"type\":\"card\",\"tokens\":{}}", "missing_member", "method.tokens"},
        {"{\"type\":\"card\",\"outcome\":\"approved\",\"tokens\":{\"paypal\":\"x\"}}",
         "invalid_member", "method.outcome"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[256];
        (void)snprintf(body, sizeof(body), "{\"amount\":1,\"currency\":\"EUR\",\"method\":%s}",
                       cases[i].method);
        (void)ask("POST", "/v1/payments", world.merchant_key, KEY, body);
        assert_problem(422, cases[i].code, cases[i].param);
    }
    (void)ask("POST", "/v1/payments", world.live_key, KEY, PAYMENT);
    assert_problem(422, "invalid_member", "method.type");
    assert_int_equal(fake.write_count, 0);
}

static void what_the_payment_module_refuses_is_told(void **state UNUSED)
{
    (void)ask("POST", "/v1/payments", world.merchant_key, KEY, PAYMENT);
    assert_problem(422, "no_route", ""); /* the merchant has no account */
}

static void other_merchants_payments_are_absent(void **state UNUSED)
{
    char path[64];
    add_payment_row("mine", 1);
    assert_int_equal(ask("GET", path_of(0, path), world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "succeeded");
    assert_string_equal(path + strlen("/v1/payments/"), text_of("id"));
    assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 200);
    fake.load_count = 0;
    (void)ask("GET", path, world.other_key, "", NULL);
    assert_problem(404, "not_found", "");
    assert_int_equal(fake.load_count, 1); /* the same work as for one that never was */
    (void)ask("GET", path, world.live_key, "", NULL);
    assert_problem(404, "not_found", "");
    (void)ask("GET", "/v1/payments/pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B", world.merchant_key, "", NULL);
    assert_problem(404, "not_found", "");
    assert_int_equal(ask("GET", "/v1/payments", world.other_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 0);
}

static void lists_carry_their_filters_to_the_ledger(void **state UNUSED)
{
    for (int i = 0; i < 12; i++)
        add_payment_row("k", 1);
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("object"), "list");
    assert_string_equal(text_of("url"), "/v1/payments");
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 10);
    assert_true(json_is_true(json_path(world.answer.json, "has_more")));
    assert_int_equal(
        ask("GET",
            "/v1/payments?limit=100&status=declined&reference=a%20b+c&provider=paypal&created_from="
            "2026-01-01&created_to=2026-01-02T00:00:00Z&starting_after="
            "pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B",
            world.merchant_key, "", NULL),
        200);
    assert_int_equal(fake.filter.limit, 100);
    assert_int_equal(fake.filter.status, PAYMENT_DECLINED);
    assert_int_equal(fake.filter.to_us - fake.filter.from_us, INT64_C(86400) * 1000000);
    assert_false(uuid_is_zero(&fake.filter.after));
    assert_false(json_is_true(json_path(world.answer.json, "has_more")));
}

static void without_a_database_everything_is_503(void **state UNUSED)
{
    char path[64];
    add_payment_row("mine", 1);
    assert_int_equal(ask("GET", path_of(0, path), world.merchant_key, "", NULL), 200);
    fake.is_away = true;
    static const char *const paths[] = {"/v1/payments"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        (void)ask("GET", paths[i], world.merchant_key, "", NULL);
        assert_problem(503, "unavailable", "");
        assert_true(has_header("Retry-After: 1"));
    }
    (void)ask("GET", path, world.merchant_key, "", NULL);
    assert_problem(503, "unavailable", "");
    (void)ask("GET", "/v1/admin/merchants", world.operator_key, "", NULL); /* an unknown key */
    assert_problem(503, "unavailable", "");
}

static void a_client_that_leaves_does_no_harm(void **state UNUSED)
{
    char text[400];
    for (int i = 0; i < 5; i++) {
        struct bufferevent *bev = client_open();
        int len =
            snprintf(text, sizeof(text),
                     "GET /v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
                     world.merchant_key);
        assert_int_equal(bufferevent_write(bev, text, (size_t)len), 0);
        for (int turn = 0; turn < i; turn++)
            pump();
        bufferevent_free(bev);
    }
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
}

static void the_document_is_served_to_anyone(void **state UNUSED)
{
    assert_int_equal(ask("GET", "/openapi.json", NULL, "", NULL), 200);
    assert_string_equal(text_of("openapi"), "3.1.0");
    assert_int_equal(ask("GET", "/openapi.json", NULL, "", NULL), 200);
    assert_non_null(json_path(world.answer.json, "paths"));
}

#define OVER_HTTP(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(without_a_valid_key_nothing_is_told),
        OVER_HTTP(every_endpoint_keeps_its_roles),
        OVER_HTTP(an_operator_bound_to_a_merchant_does_not_administrate),
        OVER_HTTP(wrong_addresses_methods_and_queries_are_refused),
        OVER_HTTP(bodies_must_be_json),
        OVER_HTTP(payments_need_a_sound_idempotency_key),
        OVER_HTTP(tokens_and_outcomes_do_not_mix),
        OVER_HTTP(what_the_payment_module_refuses_is_told),
        OVER_HTTP(other_merchants_payments_are_absent),
        OVER_HTTP(lists_carry_their_filters_to_the_ledger),
        OVER_HTTP(without_a_database_everything_is_503),
        OVER_HTTP(a_client_that_leaves_does_no_harm),
        OVER_HTTP(the_document_is_served_to_anyone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
