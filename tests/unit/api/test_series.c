/* How provider accounts did over time, the board as it changes, and currencies, over HTTP. */
#include "world.h"

static int start(void **state)
{
    int failed = world_start(state);
    fake.accounts[0] = (struct directory_account){.merchant_id = fake.merchants[1].merchant_id,
                                                  .account_id = uuid_new(),
                                                  .provider = STR("paypal"),
                                                  .name = STR("main"),
                                                  .base_url = STR("https://127.0.0.1:1"),
                                                  .secret_ref = STR("env:NONE"),
                                                  .settings_json = STR("{}")};
    fake.account_count = 1;
    memset(&fake_minutes, 0, sizeof(fake_minutes));
    return failed;
}

static const char *account_path(const struct uuid *account_id, const char *rest)
{
    static char path[160];
    char id[ID_TEXT_SIZE];
    struct str text = id_format(ID_ACCOUNT, account_id, id);
    (void)snprintf(path, sizeof(path), "/v1/providers/" STR_FMT "/series%s", STR_ARG(text), rest);
    return path;
}

static int64_t number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static void intervals_without_payments_are_gaps_not_missing(void **state UNUSED)
{
    fake_minutes.points[0] = (struct minutes_point){
        .start_us = 2 * 300 * CLOCK_SECOND_US,
        .approved = 7,
        .declined = 2,
        .failed = 1,
        .p50_us = 1500,
        .p95_us = 20000,
        .p99_us = 90000,
        .open_minutes = 1,
    };
    fake_minutes.count = 1;
    assert_int_equal(ask("GET", account_path(&fake.accounts[0].account_id, "?span=6h"),
                         world.operator_key, "", NULL),
                     200);
    assert_true(uuid_eq(&fake_minutes.merchant_id, &fake.accounts[0].merchant_id));
    assert_int_equal(fake_minutes.step_us, 300 * CLOCK_SECOND_US);
    assert_int_equal(fake_minutes.to_us - fake_minutes.from_us,
                     INT64_C(6) * 3600 * CLOCK_SECOND_US);
    assert_int_equal(fake_minutes.from_us % fake_minutes.step_us, 0);
    const json_t *data = json_object_get(world.answer.json, "data");
    assert_int_equal(json_array_size(data), 72);
    assert_int_equal(number(json_array_get(data, 1), "payments"), 0);
    assert_true(json_is_null(json_object_get(json_array_get(data, 1), "latency_ms")));
    assert_int_equal(number(json_array_get(data, 2), "payments"), 10);
    assert_int_equal(number(json_array_get(data, 2), "approved"), 7);
    assert_int_equal(number(json_array_get(data, 2), "open_minutes"), 1);
    assert_int_equal(number(json_array_get(data, 3), "payments"), 0);
}

static void only_ones_own_accounts_have_a_series(void **state UNUSED)
{
    const struct uuid stranger = uuid_new();
    const struct uuid *own = &fake.accounts[0].account_id;
    fake_minutes.count = 0;
    assert_int_equal(ask("GET", account_path(own, ""), world.merchant_key, "", NULL), 200);
    assert_int_equal(fake_minutes.step_us, 60 * CLOCK_SECOND_US);
    assert_int_equal(ask("GET", account_path(&stranger, ""), world.merchant_key, "", NULL), 404);
    assert_int_equal(ask("GET", account_path(&stranger, ""), world.operator_key, "", NULL), 404);
    char key[64];
    add_key_row(key, KEY_FINANCE, &fake.merchants[2].merchant_id, false);
    assert_int_equal(ask("GET", account_path(own, ""), key, "", NULL), 404);
    assert_int_equal(ask("GET", account_path(own, "?span=2h"), world.merchant_key, "", NULL), 400);
    assert_problem(400, "cursor_malformed", "span");
}

static void currencies_say_their_digits(void **state UNUSED)
{
    const struct {
        const char *code;
        int64_t exponent;
    } known[] = {{"EUR", 2}, {"JPY", 0}, {"KWD", 3}};
    assert_int_equal(ask("GET", "/v1/currencies", world.finance_key, "", NULL), 200);
    const json_t *data = json_object_get(world.answer.json, "data");
    for (size_t k = 0; k < ARRAY_LEN(known); k++) {
        bool found = false;
        for (size_t i = 0; i < json_array_size(data); i++) {
            const json_t *row = json_array_get(data, i);
            if (str_eq(json_text(row, "code"), str_of(known[k].code))) {
                found = true;
                assert_int_equal(number(row, "exponent"), known[k].exponent);
            }
        }
        assert_true(found);
    }
}

/* Reads a stream until the text has come; the stream is left open. */
static struct bufferevent *listen_to(const char *path, const char *key, const char *text)
{
    char request[400];
    int64_t give_up_us = clock_mono_us() + PATIENCE_MS * CLOCK_MS_US;
    (void)snprintf(request, sizeof(request),
                   "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n", path, key);
    buf_clear(&world.in);
    world.is_done = false;
    struct bufferevent *bev = client_open();
    assert_int_equal(bufferevent_write(bev, request, strlen(request)), 0);
    while (str_find(buf_str(&world.in), str_of(text), 0) == SIZE_MAX) {
        if (world.is_done || clock_mono_us() > give_up_us)
            fail_test("%s: no %s in " STR_FMT, path, text, STR_ARG(buf_str(&world.in)));
        pump();
    }
    return bev;
}

static void the_board_is_told_as_it_changes(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_ACCOUNT, &fake.accounts[0].account_id, id);
    struct bufferevent *house = listen_to("/v1/providers/stream", world.operator_key, id);
    assert_true(str_find(buf_str(&world.in), STR("event: board\ndata: {"), 0) != SIZE_MAX);
    assert_true(str_find(buf_str(&world.in), STR("text/event-stream"), 0) != SIZE_MAX);
    bufferevent_free(house);
    struct bufferevent *own = listen_to("/v1/providers/stream", world.finance_key, id);
    bufferevent_free(own);
}

static void a_board_has_nobody_elses_accounts(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    char key[64];
    (void)id_format(ID_ACCOUNT, &fake.accounts[0].account_id, id);
    add_key_row(key, KEY_FINANCE, &fake.merchants[2].merchant_id, false);
    struct bufferevent *house = listen_to("/v1/providers/stream", world.operator_key, id);
    struct bufferevent *other = listen_to("/v1/providers/stream", key, "\"data\":[");
    assert_true(str_find(buf_str(&world.in), str_of(id), 0) == SIZE_MAX);
    bufferevent_free(other);
    bufferevent_free(house);
}

#define OVER_HTTP(test) cmocka_unit_test_setup_teardown(test, start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(intervals_without_payments_are_gaps_not_missing),
        OVER_HTTP(only_ones_own_accounts_have_a_series),
        OVER_HTTP(currencies_say_their_digits),
        OVER_HTTP(the_board_is_told_as_it_changes),
        OVER_HTTP(a_board_has_nobody_elses_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
