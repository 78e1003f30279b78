/* /v1/webhook-endpoints and /v1/webhook-deliveries: what is taken, told and refused. */
#include "world.h"

#include "../http/addresses.h"

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, world_start, world_stop)
#define BODY            "{\"url\":\"https://shop.example.com/hooks\",\"event_types\":[\"payment.*\"]}"

static char endpoint[ID_TEXT_SIZE];
static char path[160];

static const char *path_of(const char *rest)
{
    (void)snprintf(path, sizeof(path), "/v1/webhook-endpoints/%s%s", endpoint, rest);
    return path;
}

static void create(const char *body)
{
    assert_int_equal(ask("POST", "/v1/webhook-endpoints", world.merchant_key, "", body), 201);
    (void)snprintf(endpoint, sizeof(endpoint), "%s", text_of("id"));
}

static bool has(const char *member)
{
    return json_object_get(world.answer.json, member) != NULL;
}

static void the_secret_is_shown_once(void **state UNUSED)
{
    create(BODY);
    assert_int_equal(strlen(text_of("secret")), 50);
    assert_memory_equal(text_of("secret"), "whsec_", 6);
    assert_memory_equal(text_of("public_keys.0.key"), "whpk_", 5);
    assert_string_equal(text_of("event_types.0"), "payment.*");
    assert_false(has("replaced_until"));
    assert_true(json_is_true(json_object_get(world.answer.json, "enabled")));
    assert_true(json_is_false(json_object_get(world.answer.json, "livemode")));
    assert_int_equal(ask("GET", path_of(""), world.finance_key, "", NULL), 200);
    assert_false(has("secret"));
    assert_int_equal(ask("GET", "/v1/webhook-endpoints", world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.url"), "https://shop.example.com/hooks");
    assert_null(json_path(world.answer.json, "data.0.secret"));
}

static void without_types_it_is_told_of_all(void **state UNUSED)
{
    create("{\"url\":\"https://example.com\"}");
    assert_string_equal(text_of("event_types.0"), "*");
    create("{\"url\":\"https://example.com\",\"event_types\":[],\"enabled\":false}");
    assert_string_equal(text_of("event_types.0"), "*");
    assert_true(json_is_false(json_object_get(world.answer.json, "enabled")));
}

static void bad_addresses_are_refused_by_name(void **state UNUSED)
{
    char body[512];
    for (size_t i = 0; i < ARRAY_LEN(forbidden_urls); i++) {
        if (strpbrk(forbidden_urls[i], "\\\t\r\n") != NULL)
            continue; /* not as plain JSON */
        (void)snprintf(body, sizeof(body), "{\"url\":\"%s\"}", forbidden_urls[i]);
        if (ask("POST", "/v1/webhook-endpoints", world.merchant_key, "", body) != 422)
            fail_test("%s: %d", forbidden_urls[i], world.answer.status);
        assert_string_equal(text_of("param"), "url");
    }
    create(BODY);
    assert_int_equal(
        ask("PATCH", path_of(""), world.merchant_key, "", "{\"url\":\"https://127.0.0.1\"}"), 422);
}

static void bad_types_are_refused(void **state UNUSED)
{
    static const char *const bad[] = {"payment", "payments.*", "*.succeeded",   "payment.*.x",
                                      "pay*",    "",           "payment.succ*", "payment.won"};
    char body[512];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)snprintf(body, sizeof(body),
                       "{\"url\":\"https://example.com\",\"event_types\":[\"%s\"]}", bad[i]);
        if (ask("POST", "/v1/webhook-endpoints", world.merchant_key, "", body) != 422)
            fail_test("%s: %d", bad[i], world.answer.status);
    }
    create("{\"url\":\"https://example.com\",\"event_types\":[\"*\",\"payout.*\","
           "\"payment.requires_action\"]}");
    assert_string_equal(text_of("event_types.2"), "payment.requires_action");
}

static void it_can_be_changed_disabled_and_deleted(void **state UNUSED)
{
    create(BODY);
    assert_int_equal(ask("PATCH", path_of(""), world.merchant_key, "",
                         "{\"description\":\"x\",\"enabled\":false}"),
                     200);
    assert_string_equal(text_of("description"), "x");
    assert_string_equal(text_of("url"), "https://shop.example.com/hooks");
    assert_string_equal(text_of("disabled_reason"), "merchant");
    assert_int_equal(ask("PATCH", path_of(""), world.merchant_key, "", "{}"), 422);
    assert_int_equal(ask("POST", path_of("/test"), world.merchant_key, "", "{}"), 409);
    assert_int_equal(
        ask("PATCH", path_of(""), world.merchant_key, "", "{\"enabled\":true,\"event_types\":[]}"),
        200);
    assert_string_equal(text_of("event_types.0"), "*");
    assert_int_equal(ask("DELETE", path_of(""), world.merchant_key, "", NULL), 200);
    assert_true(json_is_true(json_object_get(world.answer.json, "deleted")));
    assert_int_equal(ask("GET", path_of(""), world.merchant_key, "", NULL), 404);
    assert_int_equal(ask("DELETE", path_of(""), world.merchant_key, "", NULL), 404);
}

static void secrets_are_rotated_with_an_overlap(void **state UNUSED)
{
    char first[64];
    create(BODY);
    (void)snprintf(first, sizeof(first), "%s", text_of("secret"));
    assert_int_equal(ask("POST", path_of("/rotate"), world.merchant_key, "", NULL), 201);
    assert_string_not_equal(text_of("secret"), first);
    assert_true(has("replaced_until"));
    assert_string_equal(text_of("public_keys.1.expires"), text_of("replaced_until"));
    assert_int_equal(
        ask("POST", path_of("/rotate"), world.merchant_key, "", "{\"grace_hours\":721}"), 422);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ask("POST", path_of("/rotate"), world.merchant_key, "", "{}"), 201);
    assert_int_equal(ask("POST", path_of("/rotate"), world.merchant_key, "", "{}"), 409);
}

static void there_is_a_most(void **state UNUSED)
{
    for (int i = 0; i < HOOK_ENDPOINT_MAX; i++)
        create(BODY);
    assert_int_equal(ask("POST", "/v1/webhook-endpoints", world.merchant_key, "", BODY), 409);
}

static void a_test_is_a_delivery(void **state UNUSED)
{
    char delivery[64];
    char at[256];
    create(BODY);
    assert_int_equal(ask("POST", path_of("/test"), world.merchant_key, "", "{}"), 202);
    assert_string_equal(text_of("type"), "webhook.ping");
    assert_string_equal(text_of("status"), "waiting");
    (void)snprintf(delivery, sizeof(delivery), "%s", text_of("id"));
    (void)snprintf(at, sizeof(at), "/v1/webhook-deliveries/%s", delivery);
    assert_int_equal(ask("GET", at, world.finance_key, "", NULL), 200);
    assert_int_equal(ask("GET", at, world.other_key, "", NULL), 404);
    (void)snprintf(at, sizeof(at), "/v1/webhook-deliveries/%s/replay", delivery);
    assert_int_equal(ask("POST", at, world.other_key, "", "{}"), 404);
    assert_int_equal(ask("POST", at, world.merchant_key, "", "{}"), 202);
    fake_hooks.delivery.state = HOOK_SENDING;
    assert_int_equal(ask("POST", at, world.merchant_key, "", "{}"), 409);
    (void)snprintf(at, sizeof(at),
                   "?starting_after=%s&status=failed&limit=7&type=a.b"
                   "&created_from=2026-11-01T00:00:00Z",
                   delivery);
    char list[512];
    (void)snprintf(list, sizeof(list), "%s%s", path_of("/deliveries"), at);
    assert_int_equal(ask("GET", list, world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.id"), delivery);
    assert_int_equal(fake_hooks.filter.limit, 7);
    assert_int_equal(fake_hooks.filter.state, HOOK_FAILED);
    assert_true(uuid_eq(&fake_hooks.filter.after, &fake_hooks.delivery.event_id));
    assert_true(str_eq(fake_hooks.filter.type, STR("a.b")));
    assert_true(fake_hooks.filter.from_us > 0);
}

static void a_range_is_replayed(void **state UNUSED)
{
    create(BODY);
    assert_int_equal(ask("POST", path_of("/replay"), world.merchant_key, "", "{}"), 422);
    assert_int_equal(ask("POST", path_of("/replay"), world.merchant_key, "",
                         "{\"from\":\"2026-11-01T00:00:00Z\"}"),
                     202);
    assert_int_equal(json_integer_value(json_object_get(world.answer.json, "count")), 0);
    assert_int_equal(ask("POST", path_of("/test"), world.merchant_key, "", "{}"), 202);
    assert_int_equal(ask("POST", path_of("/replay"), world.merchant_key, "",
                         "{\"from\":\"2026-11-01T00:00:00Z\",\"to\":\"2026-11-02T00:00:00Z\","
                         "\"status\":\"delivered\"}"),
                     202);
    assert_int_equal(json_integer_value(json_object_get(world.answer.json, "count")), 1);
    assert_int_equal(fake_hooks.range.state, HOOK_DELIVERED);
    assert_int_equal(fake_hooks.range.to_us - fake_hooks.range.from_us, INT64_C(86400000000));
}

static void other_merchants_endpoints_are_absent(void **state UNUSED)
{
    create(BODY);
    assert_int_equal(ask("GET", path_of(""), world.other_key, "", NULL), 404);
    assert_int_equal(ask("PATCH", path_of(""), world.other_key, "", "{\"enabled\":false}"), 404);
    assert_int_equal(ask("DELETE", path_of(""), world.other_key, "", NULL), 404);
    assert_int_equal(ask("POST", path_of("/rotate"), world.other_key, "", "{}"), 404);
    assert_int_equal(ask("POST", path_of("/test"), world.other_key, "", "{}"), 404);
    assert_int_equal(ask("GET", path_of("/deliveries"), world.other_key, "", NULL), 404);
    assert_int_equal(
        ask("POST", path_of("/replay"), world.other_key, "", "{\"from\":\"2026-11-01T00:00:00Z\"}"),
        404);
    assert_int_equal(ask("GET", "/v1/webhook-endpoints", world.other_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(world.answer.json, "data")), 0);
    assert_int_equal(ask("GET", path_of("/deliveries"), world.merchant_key, "", NULL), 200);
}

static void without_the_ledger_it_is_503(void **state UNUSED)
{
    create(BODY);
    fake.is_away = true;
    assert_int_equal(ask("GET", path_of(""), world.merchant_key, "", NULL), 503);
    assert_int_equal(ask("POST", "/v1/webhook-endpoints", world.merchant_key, "", BODY), 503);
    assert_int_equal(ask("DELETE", path_of(""), world.merchant_key, "", NULL), 503);
    assert_int_equal(ask("GET", path_of("/deliveries"), world.merchant_key, "", NULL), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(the_secret_is_shown_once),
        OVER_HTTP(without_types_it_is_told_of_all),
        OVER_HTTP(bad_addresses_are_refused_by_name),
        OVER_HTTP(bad_types_are_refused),
        OVER_HTTP(it_can_be_changed_disabled_and_deleted),
        OVER_HTTP(secrets_are_rotated_with_an_overlap),
        OVER_HTTP(there_is_a_most),
        OVER_HTTP(a_test_is_a_delivery),
        OVER_HTTP(a_range_is_replayed),
        OVER_HTTP(other_merchants_endpoints_are_absent),
        OVER_HTTP(without_the_ledger_it_is_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
