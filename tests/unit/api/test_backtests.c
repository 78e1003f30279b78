/* Backtests over HTTP: who may ask for which payments, and how much may wait. They are computed in
 * tests/e2e/backtest.mjs. */
#include "world.h"

static int told; /* how often somebody was told that one was queued */

static int asked(const char *path, const char *key, const char *body)
{
    return ask("POST", path, key, "", body);
}

static const char *path_of(const char *rest)
{
    static char path[256];
    char id[ID_TEXT_SIZE];
    (void)snprintf(path, sizeof(path), "/v1/backtests/%s%s",
                   id_format(ID_BACKTEST, &fake_backtest_id, id).at, rest);
    return path;
}

static void a_backtest_is_queued_and_shown(void **state UNUSED)
{
    char location[300];
    int64_t now_us = clock_wall_us();
    assert_int_equal(asked("/v1/rules/1/backtest", world.merchant_key, NULL), 202);
    assert_string_equal(text_of("status"), "queued");
    assert_string_equal(text_of("merchant"), world.merchant);
    (void)snprintf(location, sizeof(location), "Location: %s\r\n", path_of(""));
    assert_true(str_find(buf_str(&world.answer.head), str_of(location), 0) != SIZE_MAX);
    assert_int_equal((fake_backtest_put.until_us - now_us) / (60 * CLOCK_SECOND_US), 0);
    assert_int_equal(fake_backtest_put.until_us - fake_backtest_put.since_us,
                     30 * 86400 * CLOCK_SECOND_US);
    assert_memory_equal(text_of("author"), "key_", 4);
    assert_int_equal(ask("GET", path_of(""), world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("status"), "done");
    assert_int_equal(
        json_integer_value(json_object_get(json_path(world.answer.json, "result"), "payments")), 7);
}

static void nobody_sees_those_of_others(void **state UNUSED)
{
    char named[64];
    assert_int_equal(asked("/v1/rules/1/backtest", world.merchant_key, NULL), 202);
    assert_int_equal(ask("GET", path_of(""), world.other_key, "", NULL), 404);
    assert_int_equal(ask("GET", path_of(""), world.live_key, "", NULL), 404); /* the twin's */
    assert_int_equal(ask("GET", path_of(""), world.finance_key, "", NULL), 403);
    assert_int_equal(ask("GET", path_of(""), world.operator_key, "", NULL), 404); /* the house's */
    (void)snprintf(named, sizeof(named), "?merchant=%s", world.merchant);
    assert_int_equal(ask("GET", path_of(named), world.operator_key, "", NULL), 200);
    assert_int_equal(ask("GET", path_of(named), world.other_key, "", NULL), 404);
    assert_int_equal(ask("GET", "/v1/backtests/bkt_1", world.merchant_key, "", NULL), 404);
    assert_int_equal(asked("/v1/rules/1/backtest", world.operator_key, NULL), 202);
    assert_true(uuid_is_zero(&fake_backtest_put.merchant_id)); /* all payments of all */
    assert_int_equal(asked("/v1/rules/1/backtest", world.finance_key, NULL), 403);
}

static void what_cannot_be_computed_is_not_queued(void **state UNUSED)
{
    static const struct {
        const char *path;
        const char *body;
        int status;
    } cases[] = {
        {"/v1/rules/3/backtest", NULL, 404}, /* there are two */
        {"/v1/rules/x/backtest", NULL, 404},
        {"/v1/rules/0/backtest", NULL, 404},
        {"/v1/rules/1/backtest", "{\"since\":\"soon\"}", 422},
        {"/v1/rules/1/backtest", "{\"since\":\"-3d\"}", 422},
        {"/v1/rules/1/backtest", "{\"since\":\"401d\"}", 422},
        {"/v1/rules/1/backtest", "{\"since\":\"2099-01-01\"}", 422},
        {"/v1/rules/1/backtest", "{\"since\":\"5d\",\"until\":\"6d\"}", 422},
        {"/v1/rules/1/backtest", "{\"since\":30}", 422},
        {"/v1/rules/1/backtest", "{\"seed\":1}", 422},
        {"/v1/rules/2/backtest", "{\"since\":\"12h\",\"until\":\"2099-01-01\"}", 202},
        {"/v1/rules/2/backtest", "{\"since\":\"6d\",\"until\":\"5d\"}", 202},
    };
    fake_rule_versions = 2;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fake_backtest_put = (struct backtests_row){.version = 0};
        assert_int_equal(asked(cases[i].path, world.merchant_key, cases[i].body), cases[i].status);
        assert_int_equal(fake_backtest_put.version, cases[i].status == 202 ? 2 : 0);
    }
    assert_int_equal(fake_backtest_put.until_us - fake_backtest_put.since_us,
                     86400 * CLOCK_SECOND_US);
}

static void a_full_queue_says_when_to_come_again(void **state UNUSED)
{
    fake_backtest_taken = 3; /* each by another request, at the same moment */
    assert_int_equal(asked("/v1/rules/1/backtest", world.merchant_key, NULL), 202);
    fake_backtest_taken = 1000;
    assert_int_equal(asked("/v1/rules/1/backtest", world.merchant_key, NULL), 429);
    assert_true(str_find(buf_str(&world.answer.head), STR("Retry-After: 10\r\n"), 0) != SIZE_MAX);
    assert_string_equal(text_of("code"), "rate_limited");
    fake_backtest_taken = 0;
    assert_int_equal(asked("/v1/rules/1/backtest", world.merchant_key, NULL), 202);
}

static void tell(void *ctx)
{
    (*(int *)ctx)++;
}

static int start(void **state)
{
    fake_rule_versions = 1;
    fake_backtest_taken = 0;
    return world_start(state);
}

/* By the same implementation that the API uses. */
static struct admin_reply last;
static void replied(void *ctx, const struct admin_reply *reply)
{
    last = *reply;
    *(bool *)ctx = true;
}

static void whoever_computes_them_is_told_once(void **state UNUSED)
{
    char author[] = "key_ada";
    bool is_done = false;
    struct admin_parts parts = {
        .loop = world.loop,
        .store = (struct store *)&fake,
        .backtest_queued = tell,
        .backtest_ctx = &told,
    };
    struct admin_request request = {
        .operation = ADMIN_RULES_BACKTEST,
        .id = STR("1"),
        .merchant = str_of(world.merchant),
        .author = str_of(author),
    };
    told = 0;
    admin_start(&parts, &request, replied, &is_done);
    while (!is_done)
        pump();
    assert_int_equal(last.status, 202);
    assert_int_equal(told, 1);
    fake_backtest_taken = 1000;
    is_done = false;
    admin_start(&parts, &request, replied, &is_done);
    while (!is_done)
        pump();
    assert_int_equal(last.status, 429);
    assert_int_equal(told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_backtest_is_queued_and_shown, start, world_stop),
        cmocka_unit_test_setup_teardown(nobody_sees_those_of_others, start, world_stop),
        cmocka_unit_test_setup_teardown(what_cannot_be_computed_is_not_queued, start, world_stop),
        cmocka_unit_test_setup_teardown(a_full_queue_says_when_to_come_again, start, world_stop),
        cmocka_unit_test_setup_teardown(whoever_computes_them_is_told_once, start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
