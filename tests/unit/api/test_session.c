/* test_session.c - people who sign in, and what others try with their cookies, over real HTTP. */
#include "world.h"

#define MARK   "Turnpike-Session: 1\r\n"
#define FORGED "tpk_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char cookie[256]; /* the header of the session that signed in last */

static int sign_in_with(const char *key, const char *headers)
{
    char body[200];
    (void)snprintf(body, sizeof(body), "{\"key\":\"%s\"}", key);
    int status = ask("POST", "/v1/session", NULL, headers, body);
    struct str head = buf_str(&world.answer.head);
    size_t at = str_find(head, STR("Set-Cookie: "), 0);
    if (status == 201) {
        assert_true(at != SIZE_MAX);
        struct str rest = str_sub(head, at + 12, SIZE_MAX);
        struct str pair = str_cut(&rest, ';');
        (void)snprintf(cookie, sizeof(cookie), "Cookie: " STR_FMT "\r\n", STR_ARG(pair));
    } else {
        assert_true(at == SIZE_MAX);
    }
    return status;
}

static void sign_in(const char *key)
{
    assert_int_equal(sign_in_with(key, ""), 201);
}

static int ask_with(const char *method, const char *path, const char *headers, const char *body)
{
    char all[1024];
    (void)snprintf(all, sizeof(all), "%s%s", cookie, headers);
    return ask(method, path, NULL, all, body);
}

/* The cookie of a session that was made here, as it is then. */
static void make_cookie(const struct session *session)
{
    struct buf value;
    buf_init(&value, 256);
    cookie_print(pepper, session, &value);
    (void)snprintf(cookie, sizeof(cookie), "Cookie: " COOKIE_NAME "=" STR_FMT "\r\n",
                   STR_ARG(buf_str(&value)));
    buf_release(&value);
}

static struct session open_cookie(void)
{
    struct session session;
    struct error err;
    struct str value = str_sub(str_of(cookie), strlen("Cookie: " COOKIE_NAME "="), SIZE_MAX);
    assert_true(cookie_parse(pepper, str_sub(value, 0, COOKIE_VALUE_LEN), &session, &err));
    return session;
}

static void an_operator_signs_in_and_out(void **state UNUSED)
{
    sign_in(world.operator_key);
    assert_true(has_header("; Path=/; Secure; HttpOnly; SameSite=Strict\r\n"));
    assert_true(has_header("Set-Cookie: __Host-turnpike="));
    assert_true(has_header("Cache-Control: no-store"));
    assert_string_equal(text_of("object"), "session");
    assert_string_equal(text_of("role"), "operator");
    assert_true(json_is_null(json_path(world.answer.json, "merchant")));
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 200);
    assert_string_equal(text_of("role"), "operator");
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "", NULL), 200);
    assert_int_equal(ask_with("POST", "/v1/admin/merchants", MARK, "{\"name\":\"New\"}"), 201);
    assert_int_equal(ask_with("DELETE", "/v1/session", MARK, NULL), 204);
    assert_true(has_header("Set-Cookie: __Host-turnpike=; Max-Age=0; Path=/"));
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 401);
    assert_problem(401, "unauthenticated", "");
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "", NULL), 401);
    assert_int_equal(fake.ended_count, 1);
}

static void a_finance_key_s_session_is_that_key(void **state UNUSED)
{
    sign_in(world.finance_key);
    assert_string_equal(text_of("role"), "finance");
    assert_string_equal(text_of("merchant"), world.merchant);
    assert_string_equal(text_of("merchant_name"), "Demo");
    assert_true(json_is_false(json_path(world.answer.json, "livemode")));
    assert_int_equal(ask_with("GET", "/v1/payments", "", NULL), 200);
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "", NULL), 403);
    assert_int_equal(ask_with("POST", "/v1/payments", MARK "Idempotency-Key: a\r\n", "{}"), 403);
    assert_int_equal(fake.write_count, 0);
}

static void no_other_key_becomes_a_session(void **state UNUSED)
{
    assert_int_equal(sign_in_with(world.merchant_key, ""), 403);
    assert_problem(403, "forbidden", "");
    assert_int_equal(sign_in_with(FORGED, ""), 401);
    assert_int_equal(sign_in_with("x", ""), 401);
    assert_int_equal(ask("POST", "/v1/session", NULL, "", "{}"), 422);
    assert_int_equal(ask("POST", "/v1/session", NULL, "", "{\"key\":\"a\",\"b\":1}"), 422);
    assert_int_equal(ask("POST", "/v1/session", NULL, "", "[\"no JSON"), 400);
    assert_int_equal(ask_as("text/plain", "POST", "/v1/session", NULL, "", "{\"key\":\"a\"}"), 415);
    assert_int_equal(ask("POST", "/v1/session", world.operator_key, "", "{\"key\":\"a\"}"), 401);
    assert_int_equal(ask("GET", "/v1/session", world.operator_key, "", NULL), 401);
    assert_int_equal(ask("DELETE", "/v1/session", world.operator_key, "", NULL), 401);
    assert_int_equal(fake.ended_count, 0);
}

static const char *const elsewhere[] = {
    "Sec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: same-site\r\n",
    "Sec-Fetch-Site: SAME-ORIGIN\r\n",
    "Origin: https://evil.example\r\n",
    "Origin: null\r\n",
    "Origin: http://a\r\n",
    "Origin: https://a.evil.example\r\n",
    "Origin: https://a:8443\r\n",
    "Sec-Fetch-Site: same-origin\r\nOrigin: https://b\r\n",
    "Sec-Fetch-Site: cross-site\r\nOrigin: https://a\r\n",
};

static void what_another_site_sends_does_nothing(void **state UNUSED)
{
    char headers[256];
    size_t merchants = fake.merchant_count;
    sign_in(world.operator_key);
    assert_int_equal(ask_with("POST", "/v1/admin/merchants", "", "{\"name\":\"Evil\"}"), 403);
    assert_int_equal(
        ask_with("POST", "/v1/admin/merchants", "Turnpike-Session: 0\r\n", "{\"name\":\"E\"}"),
        403);
    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
        (void)snprintf(headers, sizeof(headers), MARK "%s", elsewhere[i]);
        if (ask_with("POST", "/v1/admin/merchants", headers, "{\"name\":\"Evil\"}") != 403)
            fail_test("POST passed with %s", elsewhere[i]);
        if (ask_with("GET", "/v1/admin/merchants", elsewhere[i], NULL) != 403)
            fail_test("GET passed with %s", elsewhere[i]);
        if (sign_in_with(world.operator_key, elsewhere[i]) != 403)
            fail_test("sign-in passed with %s", elsewhere[i]);
    }
    assert_int_equal(ask_with("POST", "/v1/admin/merchants", MARK "Sec-Fetch-Site: none\r\n",
                              "{\"name\":\"Evil\"}"),
                     403);
    assert_int_equal(ask_with("DELETE", "/v1/session", "", NULL), 403);
    assert_int_equal(fake.merchant_count, merchants);
    assert_int_equal(fake.ended_count, 0);
    assert_int_equal(fake.ended_asked, 0); /* refused before anything is looked up */
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "Sec-Fetch-Site: none\r\n", NULL), 200);
    assert_int_equal(ask_with("POST", "/v1/admin/merchants",
                              MARK "Sec-Fetch-Site: same-origin\r\nOrigin: https://a\r\n",
                              "{\"name\":\"Own\"}"),
                     201);
}

static void a_key_that_is_sent_goes_before_the_cookie(void **state UNUSED)
{
    char all[512];
    sign_in(world.operator_key);
    (void)snprintf(all, sizeof(all), "%sSec-Fetch-Site: cross-site\r\n", cookie);
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, all, NULL), 200);
    assert_int_equal(ask("GET", "/v1/admin/merchants", world.merchant_key, all, NULL), 403);
    assert_int_equal(ask("GET", "/v1/admin/merchants", FORGED, all, NULL), 401);
    assert_int_equal(ask("GET", "/v1/session", world.operator_key, cookie, NULL), 401);
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "Authorization: Basic eA==\r\n", NULL),
                     401);
}

static void a_session_ends_with_its_key(void **state UNUSED)
{
    sign_in(world.finance_key);
    assert_int_equal(ask_with("GET", "/v1/payments", "", NULL), 200);
    fake.keys[2].disabled_us = clock_wall_us();
    merchants_forget(world.merchants);
    assert_int_equal(ask_with("GET", "/v1/payments", "", NULL), 401);
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 401);
    assert_int_equal(sign_in_with(world.finance_key, ""), 401);
}

static void an_expired_session_is_none(void **state UNUSED)
{
    sign_in(world.operator_key);
    struct session session = open_cookie();
    assert_int_equal(session.expires_us - session.created_us, 8 * 3600 * CLOCK_SECOND_US);
    make_cookie(&session);
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 200);
    session.expires_us = clock_wall_us();
    make_cookie(&session);
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 401);
    session.expires_us = INT64_MIN;
    make_cookie(&session);
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 401);
}

static void a_session_that_was_ended_elsewhere_is_over(void **state UNUSED)
{
    sign_in(world.operator_key);
    fake.ended[fake.ended_count++] = open_cookie().session_id;
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "", NULL), 401);
    sign_in(world.operator_key); /* another one of the same key goes on */
    assert_int_equal(ask_with("GET", "/v1/admin/merchants", "", NULL), 200);
}

static void the_ledger_is_asked_once_a_second(void **state UNUSED)
{
    int64_t from_us = clock_mono_us();
    sign_in(world.operator_key);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 200);
    int64_t most = 1 + (clock_mono_us() - from_us) / CLOCK_SECOND_US;
    assert_in_range(fake.ended_asked, 1, (unsigned)most);
}

static void nobody_is_let_in_while_the_ledger_is_away(void **state UNUSED)
{
    sign_in(world.operator_key);
    fake.is_away = true;
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 503);
    assert_problem(503, "unavailable", "");
    fake.is_away = false;
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 200);
    fake.is_away = true;
    assert_int_equal(ask_with("DELETE", "/v1/session", MARK, NULL), 503);
    fake.is_away = false;
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 200); /* it was not ended */
}

/* ---- guesses ---- */

static struct admission_config limits;

static int few_per_address(void **state)
{
    limits = admission_config_default;
    limits.address = (struct bucket_limit){.rate = 1, .burst = 20};
    world_limits = &limits;
    return world_start(state);
}

static int stop(void **state)
{
    world_limits = NULL;
    return world_stop(state);
}

static void guesses_of_keys_and_cookies_are_slowed_down(void **state UNUSED)
{
    int count = 0;
    while (sign_in_with(FORGED, "") == 401 && count < 200)
        count++;
    assert_int_equal(world.answer.status, 429);
    assert_in_range(count, 10, 60);
    (void)snprintf(cookie, sizeof(cookie), "Cookie: %s=%0124d\r\n", COOKIE_NAME, 0);
    assert_int_equal(ask_with("GET", "/v1/session", "", NULL), 429);
    assert_int_equal(ask("POST", "/v1/session", NULL, "", "{\"no JSON"), 429);
}

static void signing_in_costs_an_address_nothing(void **state UNUSED)
{
    for (int i = 0; i < 40; i++) {
        sign_in(world.finance_key);
        assert_int_equal(ask_with("GET", "/v1/payments", "", NULL), 200);
        merchants_forget(world.merchants);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_operator_signs_in_and_out, world_start, world_stop),
        cmocka_unit_test_setup_teardown(a_finance_key_s_session_is_that_key, world_start,
                                        world_stop),
        cmocka_unit_test_setup_teardown(no_other_key_becomes_a_session, world_start, world_stop),
        cmocka_unit_test_setup_teardown(what_another_site_sends_does_nothing, world_start,
                                        world_stop),
        cmocka_unit_test_setup_teardown(a_key_that_is_sent_goes_before_the_cookie, world_start,
                                        world_stop),
        cmocka_unit_test_setup_teardown(a_session_ends_with_its_key, world_start, world_stop),
        cmocka_unit_test_setup_teardown(an_expired_session_is_none, world_start, world_stop),
        cmocka_unit_test_setup_teardown(a_session_that_was_ended_elsewhere_is_over, world_start,
                                        world_stop),
        cmocka_unit_test_setup_teardown(the_ledger_is_asked_once_a_second, world_start, world_stop),
        cmocka_unit_test_setup_teardown(nobody_is_let_in_while_the_ledger_is_away, world_start,
                                        world_stop),
        cmocka_unit_test_setup_teardown(guesses_of_keys_and_cookies_are_slowed_down,
                                        few_per_address, stop),
        cmocka_unit_test_setup_teardown(signing_in_costs_an_address_nothing, few_per_address, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
