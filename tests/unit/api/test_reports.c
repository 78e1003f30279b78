/* Service levels, and what holds a provider account back, over HTTP. */
#include "world.h"

static int64_t millionths(const json_t *object, const char *member)
{
    return (int64_t)(json_real_value(json_object_get(object, member)) * 1000000 + 0.5);
}

static void a_report_is_of_one_month_and_one_merchant(void **state UNUSED)
{
    struct level_row row = {
        .account_id = uuid_new(),
        .provider = STR("paypal"),
        .account = STR("main"),
        .attempts = 200,
        .approved = 150,
        .declined = 30,
        .failed = 15,
        .unknown = 10,
        .still_unknown = 5,
        .minutes_asked = 60,
        .minutes_answered = 45,
        .p50_us = 50500,
        .p95_us = 100000,
        .p99_us = 2000000,
    };
    struct level_cost cost = {.account_id = row.account_id, .currency = "EUR", .expected_minor = 7};
    fake_levels.levels = (struct levels){&row, 1, &cost, 1};
    assert_int_equal(
        ask("GET", "/v1/reports/service-levels?month=2026-12", world.finance_key, "", NULL), 200);
    assert_false(uuid_is_zero(&fake_levels.merchant_id));
    assert_int_equal(fake_levels.from_us, INT64_C(1796083200) * 1000000);
    assert_int_equal(fake_levels.to_us, INT64_C(1798761600) * 1000000); /* over the year's end */
    assert_string_equal(text_of("month"), "2026-12");
    const json_t *level = json_array_get(json_path(world.answer.json, "data"), 0);
    assert_int_equal(millionths(level, "success_rate"), 750000);
    assert_int_equal(millionths(level, "unknown_rate"), 50000);
    assert_int_equal(millionths(level, "availability"), 750000);
    assert_int_equal(millionths(json_object_get(level, "latency_ms"), "p50"), 50500000);
    const json_t *costs = json_object_get(level, "cost");
    assert_int_equal(json_array_size(costs), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(costs, 0), "expected")), 7);
    assert_int_equal(ask("GET", "/v1/reports/service-levels", world.operator_key, "", NULL), 200);
    assert_true(uuid_is_zero(&fake_levels.merchant_id));
    assert_int_equal(
        ask("GET", "/v1/reports/service-levels?month=2026-13", world.finance_key, "", NULL), 422);
    assert_int_equal(
        ask("GET", "/v1/reports/service-levels?month=2026/12", world.finance_key, "", NULL), 422);
    fake_levels.levels = (struct levels){0};
}

static void the_process_is_of_whole_hours_and_of_whom_one_may_see(void **state UNUSED)
{
    struct measure_row rows[] = {
        {.name = STR("payment"),
         .begun = 10,
         .ended = 8,
         .completed = 6,
         .declined = 2,
         .rate_per_million = 750000,
         .times = {{1500, 2500, 3500}, {0, 10, 20}, {1500, 2510, 3520}}},
        {.is_step = true,
         .name = STR("sale"),
         .begun = 3,
         .ended = 0,
         .rate_per_million = -1,
         .times = {{-1, -1, -1}, {-1, -1, -1}, {-1, -1, -1}}},
    };
    fake_levels.measures = (struct measures){rows, ARRAY_LEN(rows), NULL, 0};
    assert_int_equal(ask("GET", "/v1/process?from=2026-11-01&to=2026-11-02T05:00:00Z",
                         world.finance_key, "", NULL),
                     200);
    assert_false(uuid_is_zero(&fake_levels.merchant_id));
    assert_int_equal(fake_levels.from_us, INT64_C(1793491200) * 1000000);
    assert_int_equal(fake_levels.to_us, INT64_C(1793595600) * 1000000);
    const json_t *shown = json_array_get(json_path(world.answer.json, "processes"), 0);
    assert_int_equal(millionths(shown, "completion_rate"), 750000);
    assert_int_equal(json_integer_value(json_object_get(shown, "open")), 2);
    assert_int_equal(millionths(json_object_get(shown, "waiting_ms"), "p99"), 20000);
    shown = json_array_get(json_path(world.answer.json, "steps"), 0);
    assert_true(json_is_null(json_object_get(shown, "error_rate")));
    assert_true(json_is_null(json_path(world.answer.json, "resources")));
    assert_int_equal(ask("GET", "/v1/process?window=7d", world.operator_key, "", NULL), 200);
    assert_true(uuid_is_zero(&fake_levels.merchant_id));
    assert_int_equal(fake_levels.to_us - fake_levels.from_us, INT64_C(169) * 3600 * 1000000);
    assert_true(json_is_object(json_path(world.answer.json, "resources")));
    static const char *const wrong[] = {"window=2h",       "from=2026-11-01T00:30:00Z",
                                        "to=2026-11-01",   "window=1h&from=2026-11-01",
                                        "from=2026-01-01", "from=2026-11-02&to=2026-11-02"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char path[100];
        (void)snprintf(path, sizeof(path), "/v1/process?%s", wrong[i]);
        assert_int_equal(ask("GET", path, world.finance_key, "", NULL), 422);
    }
    fake_levels.measures = (struct measures){0};
}

static char *state_path(const char *rest)
{
    static char path[100];
    char id[ID_TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "/v1/providers/%s/%s",
                   id_format(ID_ACCOUNT, &fake.accounts[0].account_id, id).at, rest);
    return path;
}

static void add_account(void)
{
    if (fake.account_count == 0) {
        fake.accounts[0] = (struct directory_account){.merchant_id = fake.merchants[0].merchant_id,
                                                      .account_id = uuid_new(),
                                                      .provider = STR("paypal"),
                                                      .name = STR("main")};
        fake.account_count = 1;
    }
    fake_levels.hold_count = 0;
}

static int put(const char *method, const char *rest, const char *body)
{
    return ask(method, state_path(rest), world.operator_key, "", body);
}

static void an_account_is_held_with_reason_author_and_end(void **state UNUSED)
{
    add_account();
    assert_int_equal(put("GET", "state", NULL), 200);
    assert_string_equal(text_of("state"), "open");
    assert_int_equal(put("PUT", "state", "{\"state\":\"drained\"}"), 422);
    assert_int_equal(put("PUT", "state", "{\"state\":\"broken\",\"reason\":\"x\"}"), 422);
    assert_int_equal(
        put("PUT", "state",
            "{\"state\":\"drained\",\"reason\":\"x\",\"until\":\"2020-01-01T00:00:00Z\"}"),
        422);
    assert_int_equal(fake_levels.hold_count, 0);
    assert_int_equal(put("PUT", "state",
                         "{\"state\":\"drained\",\"reason\":\"an outage\",\"by\":\"Anna\","
                         "\"until\":\"2099-01-01T00:00:00Z\"}"),
                     200);
    assert_string_equal(text_of("state"), "drained");
    assert_string_equal(text_of("reason"), "an outage");
    assert_string_equal(text_of("until"), "2099-01-01T00:00:00.000Z");
    assert_memory_equal(text_of("author"), "Anna (key_", 10);
    assert_int_equal(put("PUT", "state", "{\"state\":\"disabled\",\"reason\":\"worse\"}"), 200);
    assert_string_equal(text_of("state"), "disabled");
    assert_int_equal(json_array_size(json_path(world.answer.json, "holds")), 2);
    assert_int_equal(put("PUT", "state", "{\"state\":\"open\"}"), 200);
    assert_string_equal(text_of("state"), "open");
    assert_int_equal(put("PUT", "state", "{\"state\":\"open\"}"), 200); /* it is */
    assert_int_equal(ask("GET", state_path("state"), world.merchant_key, "", NULL), 403);
}

static void maintenance_is_planned_and_called_off(void **state UNUSED)
{
    char body[120];
    char id[ID_TEXT_SIZE];
    add_account();
    assert_int_equal(put("POST", "maintenance",
                         "{\"from\":\"2099-01-01T02:00:00Z\",\"to\":\"2099-01-01T01:00:00Z\","
                         "\"reason\":\"x\"}"),
                     422);
    assert_int_equal(put("POST", "maintenance",
                         "{\"from\":\"2020-01-01T02:00:00Z\",\"to\":\"2020-01-01T03:00:00Z\","
                         "\"reason\":\"x\"}"),
                     422);
    assert_int_equal(put("POST", "maintenance",
                         "{\"from\":\"2020-01-01T02:00:00Z\",\"to\":\"2020-01-09T03:00:00Z\","
                         "\"reason\":\"x\",\"weekly\":true}"),
                     422);
    assert_int_equal(put("POST", "maintenance",
                         "{\"from\":\"2020-01-01T02:00:00Z\",\"to\":\"2099-01-01T03:00:00Z\","
                         "\"reason\":\"a long one\"}"),
                     200);
    assert_string_equal(text_of("state"), "maintenance");
    (void)snprintf(body, sizeof(body), "{\"hold\":\"%s\"}",
                   id_format(ID_HOLD, &fake_levels.holds[0].hold_id, id).at);
    assert_int_equal(put("POST", "maintenance/end", body), 200);
    assert_string_equal(text_of("state"), "open");
    assert_int_equal(put("POST", "maintenance/end", body), 404); /* it has ended */
}

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(a_report_is_of_one_month_and_one_merchant),
        OVER_HTTP(the_process_is_of_whole_hours_and_of_whom_one_may_see),
        OVER_HTTP(an_account_is_held_with_reason_author_and_end),
        OVER_HTTP(maintenance_is_planned_and_called_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
