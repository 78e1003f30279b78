/* test_admin.c - merchants, accounts and keys over /v1/admin, on a directory in memory. */
#include "world.h"

static int admin(const char *method, const char *path, const char *body)
{
    return ask(method, path, world.operator_key, "", body);
}

static int admin_at(const char *method, const char *noun, const char *id, const char *verb,
                    const char *body)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "/v1/admin/%s/%s%s", noun, id, verb);
    return admin(method, path, body);
}

/* The id that the last answer told. */
static const char *keep_id(char out[ID_TEXT_SIZE])
{
    (void)snprintf(out, ID_TEXT_SIZE, "%s", text_of("id"));
    return out;
}

/* ---- merchants ---- */

static void a_merchant_comes_with_its_twin(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    assert_int_equal(admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\",\"country\":\"DE\"}"),
                     201);
    assert_string_not_equal(text_of("id"), text_of("test_id"));
    assert_string_equal(text_of("country"), "DE");
    keep_id(id);
    const struct directory_merchant *live = &fake.merchants[fake.merchant_count - 2];
    const struct directory_merchant *test = &fake.merchants[fake.merchant_count - 1];
    assert_true(live->livemode && !test->livemode);
    assert_true(uuid_eq(&live->twin_id, &test->merchant_id));
    assert_true(uuid_eq(&test->twin_id, &live->merchant_id));
    assert_int_equal(admin_at("GET", "merchants", id, "", NULL), 200);
    assert_string_equal(text_of("name"), "Shop");
}

static void a_name_is_taken_once(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    assert_int_equal(admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\"}"), 201);
    keep_id(id);
    (void)admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\"}");
    assert_problem(409, "conflict", "name");
    assert_non_null(strstr(text_of("detail"), id));
    size_t count = fake.merchant_count;
    assert_int_equal(admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\",\"if_absent\":true}"),
                     200);
    assert_string_equal(text_of("id"), id);
    assert_int_equal(fake.merchant_count, count);
}

static void a_pair_that_was_half_made_is_completed(void **state UNUSED)
{
    assert_int_equal(admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\"}"), 201);
    char test_id[ID_TEXT_SIZE];
    (void)snprintf(test_id, sizeof(test_id), "%s", text_of("test_id"));
    fake.merchant_count--; /* the twin was never written */
    assert_int_equal(admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\",\"if_absent\":true}"),
                     201);
    assert_string_equal(text_of("test_id"), test_id);
    assert_int_equal(admin_at("GET", "merchants", test_id, "", NULL), 200);
}

static void a_disabled_merchant_cannot_call(void **state UNUSED)
{
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    assert_int_equal(admin_at("POST", "merchants", world.live, "/disable", NULL), 200);
    assert_true(json_is_true(json_path(world.answer.json, "disabled")));
    assert_true(json_is_true(json_path(world.answer.json, "test_disabled")));
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 401);
    assert_int_equal(admin_at("POST", "merchants", world.merchant, "/enable", NULL), 200);
    assert_true(json_is_true(json_path(world.answer.json, "disabled"))); /* the twin alone */
    assert_int_equal(fake.merchants[1].disabled, false);
    assert_int_equal(
        admin_at("POST", "merchants", "mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B", "/disable", NULL), 404);
    assert_int_equal(admin_at("POST", "merchants", world.live, "/disable", "{\"why\":1}"), 422);
}

static void a_merchant_has_limits_of_its_own(void **state UNUSED)
{
    const json_t *json = NULL;
    assert_int_equal(admin_at("POST", "merchants", world.merchant, "/limit",
                              "{\"rate\":50,\"in_flight_max\":7}"),
                     200);
    json = world.answer.json;
    assert_int_equal(json_integer_value(json_path(json, "test_limits.rate")), 50);
    assert_int_equal(json_integer_value(json_path(json, "limits.rate")), 0); /* the twin alone */
    /* What is left out stays. */
    assert_int_equal(admin_at("POST", "merchants", world.merchant, "/limit", "{\"burst\":100}"),
                     200);
    assert_int_equal(admin_at("GET", "merchants", world.live, "", NULL), 200);
    json = world.answer.json;
    assert_int_equal(json_integer_value(json_path(json, "test_limits.rate")), 50);
    assert_int_equal(json_integer_value(json_path(json, "test_limits.burst")), 100);
    assert_int_equal(json_integer_value(json_path(json, "test_limits.in_flight_max")), 7);
    (void)admin_at("POST", "merchants", world.live, "/limit", "{}");
    assert_problem(422, "missing_member", "");
    (void)admin_at("POST", "merchants", world.live, "/limit", "{\"rate\":-1}");
    assert_problem(422, "invalid_member", "rate");
    assert_int_equal(
        admin_at("POST", "merchants", "mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B", "/limit", "{\"rate\":1}"),
        404);
}

static void payouts_above_a_limit_need_an_approval(void **state UNUSED)
{
    const json_t *json = NULL;
    assert_int_equal(admin_at("POST", "merchants", world.merchant, "/approval",
                              "{\"payout_limits\":{\"EUR\":500000,\"USD\":0,\"JPY\":9}}"),
                     200);
    json = world.answer.json;
    assert_int_equal(json_integer_value(json_path(json, "test_payout_limits.EUR")), 500000);
    assert_int_equal(json_object_size(json_path(json, "test_payout_limits")), 2);
    assert_int_equal(json_object_size(json_path(json, "payout_limits")), 0);
    assert_int_equal(
        admin_at("POST", "merchants", world.merchant, "/approval", "{\"payout_limits\":{}}"), 200);
    assert_int_equal(json_object_size(json_path(world.answer.json, "test_payout_limits")), 0);
    (void)admin_at("POST", "merchants", world.live, "/approval", "{}");
    assert_problem(422, "missing_member", "payout_limits");
    (void)admin_at("POST", "merchants", world.live, "/approval",
                   "{\"payout_limits\":{\"EURO\":1}}");
    assert_problem(422, "invalid_member", "payout_limits.EURO");
    (void)admin_at("POST", "merchants", world.live, "/approval", "{\"payout_limits\":{\"XXX\":1}}");
    assert_problem(422, "unknown_currency", "payout_limits.XXX");
    (void)admin_at("POST", "merchants", world.live, "/approval",
                   "{\"payout_limits\":{\"EUR\":-1}}");
    assert_problem(422, "invalid_member", "payout_limits.EUR");
    (void)admin_at("POST", "merchants", world.live, "/approval",
                   "{\"payout_limits\":{\"EUR\":\"1\"}}");
    assert_problem(422, "invalid_member", "payout_limits.EUR");
}

static void merchants_are_listed_in_pairs(void **state UNUSED)
{
    assert_int_equal(admin("GET", "/v1/admin/merchants", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 1);
    assert_string_equal(text_of("data.0.id"), world.live);
    assert_string_equal(text_of("data.0.test_id"), world.merchant);
}

/* ---- accounts ---- */

static int make_account(const char *name, const char *more)
{
    char body[1000];
    (void)snprintf(body, sizeof(body),
                   "{\"merchant\":\"%s\",\"provider\":\"paypal\",\"name\":\"%s\",\"base_url\":"
                   "\"https://paypal.example/\",\"secret\":\"env:GOOD\"%s}",
                   world.merchant, name, more);
    return admin("POST", "/v1/admin/accounts", body);
}

static void an_account_is_made_and_shown_without_credentials(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    assert_int_equal(
        make_account("main", ",\"currencies\":[\"EUR\",\"USD\"],\"methods\":[\"card\"],"
                             "\"amount_max\":5000,\"fees\":{\"default\":{"
                             "\"percent\":\"3.49\"}},\"settings\":{\"soft_descriptor\":\"S\"}"),
        201);
    assert_string_equal(text_of("base_url"), "https://paypal.example");
    assert_string_equal(text_of("secret"), "env:GOOD");
    assert_string_equal(text_of("currencies.1"), "USD");
    assert_string_equal(text_of("fees.default.percent"), "3.49");
    assert_true(json_is_null(json_path(world.answer.json, "problem")));
    keep_id(id);
    assert_int_equal(admin_at("GET", "accounts", id, "", NULL), 200);
    assert_int_equal(json_integer_value(json_path(world.answer.json, "amount_max")), 5000);
    assert_int_equal(ask("GET", "/v1/providers?currency=USD", world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.account"), id);
    assert_string_equal(text_of("data.0.state"), "healthy");
    assert_int_equal(json_integer_value(json_path(world.answer.json, "data.0.expected_fee.fee")),
                     349);
    assert_int_equal(ask("GET", "/v1/providers", world.other_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 0);
    assert_int_equal(ask("GET", "/v1/providers", world.operator_key, "", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 1);
}

static void a_wrong_account_is_refused_by_member(void **state UNUSED)
{
    static const struct {
        const char *more;
        const char *param;
    } cases[] = {
        {",\"fees\":{\"percent\":\"much\"}", "fees"},
        {",\"fees\":{\"nonsense\":1}", "fees"},
        {",\"settings\":{\"nonsense\":\"1\"}", "settings"},
        {",\"settings\":{\"a\":1}", "settings.a"},
        {",\"amount_max\":-1", "amount_max"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)make_account("main", cases[i].more);
        assert_problem(422, "invalid_member", cases[i].param);
    }
    (void)make_account("main", ",\"currencies\":[\"EUX\"]");
    assert_problem(422, "unknown_currency", "currencies");
    (void)admin("POST", "/v1/admin/accounts",
                "{\"merchant\":\"mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B\",\"provider\":\"paypal\",\"name\":"
                "\"x\",\"base_url\":\"https://x.example\",\"secret\":\"env:GOOD\"}");
    assert_problem(422, "invalid_member", "merchant");
    assert_int_equal(fake.account_count, 0);
}

static void an_account_without_its_secret_is_kept_and_says_so(void **state UNUSED)
{
    char body[500];
    (void)snprintf(body, sizeof(body),
                   "{\"merchant\":\"%s\",\"provider\":\"paypal\",\"name\":\"later\",\"base_url\":"
                   "\"https://paypal.example\",\"secret\":\"file:later.json\"}",
                   world.merchant);
    assert_int_equal(admin("POST", "/v1/admin/accounts", body), 201);
    assert_non_null(strstr(text_of("problem"), "later.json"));
    assert_int_equal(ask("GET", "/v1/providers", world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.state"), "unusable");
    assert_null(strstr(text_of("data.0.problem"), "later.json")); /* paths are the house's */
    assert_int_equal(ask("GET", "/v1/providers", world.operator_key, "", NULL), 200);
    assert_non_null(strstr(text_of("data.0.problem"), "later.json"));
    char id[ID_TEXT_SIZE];
    (void)snprintf(id, sizeof(id), "%s", text_of("data.0.account"));
    assert_int_equal(admin_at("POST", "accounts", id, "/test", NULL), 200);
    assert_true(json_is_false(json_path(world.answer.json, "ok")));
    assert_string_equal(text_of("reason"), "unusable");
    assert_int_equal(admin_at("POST", "accounts", id, "/rotate", "{\"secret\":\"env:GOOD\"}"), 200);
    assert_true(json_is_null(json_path(world.answer.json, "problem")));
}

static void names_of_accounts_are_taken_once_per_provider(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    assert_int_equal(make_account("main", ""), 201);
    keep_id(id);
    (void)make_account("main", "");
    assert_problem(409, "conflict", "name");
    assert_int_equal(make_account("main", ",\"if_absent\":true"), 200);
    assert_string_equal(text_of("id"), id);
    assert_int_equal(make_account("second", ""), 201);
    for (size_t i = fake.account_count; i < MERCHANT_ACCOUNT_MAX; i++) {
        char name[20];
        (void)snprintf(name, sizeof(name), "n%zu", i);
        assert_int_equal(make_account(name, ""), 201);
    }
    (void)make_account("one too many", "");
    assert_problem(409, "conflict", "");
}

static void an_account_is_changed_disabled_and_enabled(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    assert_int_equal(make_account("main", ",\"amount_max\":7"), 201);
    keep_id(id);
    assert_int_equal(admin_at("PATCH", "accounts", id, "",
                              "{\"base_url\":\"https://other.example/\",\"currencies\":[]}"),
                     200);
    assert_string_equal(text_of("base_url"), "https://other.example");
    assert_int_equal(json_integer_value(json_path(world.answer.json, "amount_max")), 7);
    assert_int_equal(admin_at("PATCH", "accounts", id, "", "{}"), 422);
    assert_int_equal(admin_at("PATCH", "accounts", id, "", "{\"fees\":{\"x\":1}}"), 422);
    assert_int_equal(admin_at("POST", "accounts", id, "/disable", NULL), 200);
    assert_int_equal(ask("GET", "/v1/providers", world.merchant_key, "", NULL), 200);
    assert_string_equal(text_of("data.0.state"), "disabled");
    assert_int_equal(admin_at("POST", "accounts", id, "/enable", NULL), 200);
    assert_int_equal(fake.accounts[0].disabled, false);
    assert_int_equal(admin_at("GET", "accounts", "acc_01JDEX7T1V5M2Q9K8Z4R6W0C3B", "", NULL), 404);
    assert_int_equal(admin_at("GET", "accounts", world.merchant, "", NULL), 404);
}

static void a_test_call_to_nobody_says_why(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    assert_int_equal(make_account("main", ""), 201);
    keep_id(id);
    assert_int_equal(
        admin_at("PATCH", "accounts", id, "", "{\"base_url\":\"https://127.0.0.1:1\"}"), 200);
    assert_int_equal(admin_at("POST", "accounts", id, "/test", NULL), 200);
    assert_true(json_is_false(json_path(world.answer.json, "ok")));
    assert_string_equal(text_of("reason"), "token_unavailable");
}

/* ---- keys ---- */

static int make_key(const char *role, const char *more)
{
    char body[300];
    (void)snprintf(body, sizeof(body), "{\"role\":\"%s\",\"merchant\":\"%s\"%s}", role,
                   world.merchant, more);
    return admin("POST", "/v1/admin/keys", body);
}

static void a_key_is_shown_once_and_works(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    char key[64];
    assert_int_equal(make_key("merchant", ""), 201);
    keep_id(id);
    (void)snprintf(key, sizeof(key), "%s", text_of("key"));
    assert_int_equal(strlen(key), 52);
    assert_int_equal(strncmp(key, "tpk_test_", 9), 0);
    assert_int_equal(strncmp(key, text_of("hint"), 13), 0);
    assert_int_equal(ask("GET", "/v1/payments", key, "", NULL), 200);
    assert_int_equal(admin_at("GET", "keys", id, "", NULL), 200);
    assert_null(json_path(world.answer.json, "key"));
    assert_int_equal(admin_at("POST", "keys", id, "/disable", NULL), 200);
    assert_true(json_is_false(json_path(world.answer.json, "active")));
    assert_int_equal(ask("GET", "/v1/payments", key, "", NULL), 401);
    assert_int_equal(admin_at("POST", "keys", id, "/disable", NULL), 200); /* again */
    assert_int_equal(admin_at("POST", "keys", id, "/rotate", NULL), 409);
}

static void a_rotated_key_lives_on_for_its_grace(void **state UNUSED)
{
    char id[ID_TEXT_SIZE];
    char old_key[64];
    char new_key[64];
    assert_int_equal(make_key("finance", ",\"expires_days\":3"), 201);
    assert_true(json_is_string(json_path(world.answer.json, "expires")));
    keep_id(id);
    (void)snprintf(old_key, sizeof(old_key), "%s", text_of("key"));
    assert_int_equal(admin_at("POST", "keys", id, "/rotate", "{\"grace_hours\":1}"), 201);
    assert_string_equal(text_of("replaces"), id);
    assert_string_equal(text_of("role"), "finance");
    (void)snprintf(new_key, sizeof(new_key), "%s", text_of("key"));
    assert_int_equal(ask("GET", "/v1/payments", old_key, "", NULL), 200);
    assert_int_equal(ask("GET", "/v1/payments", new_key, "", NULL), 200);
    char second[ID_TEXT_SIZE];
    (void)snprintf(second, sizeof(second), "%s", "");
    assert_int_equal(admin_at("POST", "keys", id, "/rotate", "{\"grace_hours\":0}"), 201);
    keep_id(second);
    assert_int_equal(ask("GET", "/v1/payments", old_key, "", NULL), 401);
    assert_string_not_equal(second, id);
}

static void keys_say_what_they_need(void **state UNUSED)
{
    (void)admin("POST", "/v1/admin/keys", "{\"role\":\"merchant\"}");
    assert_problem(422, "missing_member", "merchant");
    (void)admin("POST", "/v1/admin/keys", "{\"role\":\"boss\"}");
    assert_problem(422, "invalid_member", "role");
    (void)make_key("operator", "");
    assert_problem(422, "invalid_member", "merchant");
    (void)make_key("merchant", ",\"expires_days\":0");
    assert_problem(422, "invalid_member", "expires_days");
    (void)admin("POST", "/v1/admin/keys",
                "{\"role\":\"merchant\",\"merchant\":\"mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B\"}");
    assert_problem(422, "invalid_member", "merchant");
    assert_int_equal(admin_at("GET", "keys", "key_1", "", NULL), 404);
    assert_int_equal(admin("POST", "/v1/admin/keys", "{\"role\":\"operator\"}"), 201);
    assert_int_equal(strncmp(text_of("key"), "tpk_live_", 9), 0);
    assert_int_equal(admin("GET", "/v1/admin/keys", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 2);
    char path[100];
    (void)snprintf(path, sizeof(path), "/v1/admin/keys?merchant=%s", world.merchant);
    assert_int_equal(admin("GET", path, NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "data")), 2);
}

#define CLIENT_KEY "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
#define OTHER_KEY  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void a_bound_merchant_cannot_call_without_its_client(void **state UNUSED)
{
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    assert_int_equal(admin_at("POST", "merchants", world.live, "/bind",
                              "{\"client_keys\":[\"" CLIENT_KEY "\",\"" OTHER_KEY "\"]}"),
                     200);
    assert_string_equal(
        json_string_value(json_array_get(json_path(world.answer.json, "client_keys"), 0)),
        CLIENT_KEY);
    assert_string_equal(
        json_string_value(json_array_get(json_path(world.answer.json, "test_client_keys"), 1)),
        OTHER_KEY);
    const char *const keys[] = {world.merchant_key, world.live_key, world.finance_key};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        (void)ask("GET", "/v1/payments", keys[i], "", NULL);
        assert_problem(401, "unauthenticated", "");
    }
    assert_int_equal(ask("GET", "/v1/payments", world.other_key, "", NULL), 200);
    assert_int_equal(admin_at("POST", "merchants", world.merchant, "/unbind", NULL), 200);
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
    (void)ask("GET", "/v1/payments", world.live_key, "", NULL);
    assert_problem(401, "unauthenticated", "");
    assert_int_equal(admin_at("POST", "merchants", world.live, "/unbind", NULL), 200);
    assert_int_equal(json_array_size(json_path(world.answer.json, "client_keys")), 0);
    assert_int_equal(ask("GET", "/v1/payments", world.live_key, "", NULL), 200);
}

static void what_is_no_client_key_is_refused(void **state UNUSED)
{
    static const char *const bodies[] = {
        "{\"client_keys\":[]}",
        "{\"client_keys\":[\"n4bQ\"]}",
        "{\"client_keys\":[\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"]}",
        "{\"client_keys\":[\"!4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\"]}",
        "{\"client_keys\":\"" CLIENT_KEY "\"}",
        "{\"client_keys\":[\"" CLIENT_KEY "\",\"" CLIENT_KEY "\",\"" CLIENT_KEY "\",\"" CLIENT_KEY
        "\",\"" CLIENT_KEY "\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        (void)admin_at("POST", "merchants", world.live, "/bind", bodies[i]);
        assert_problem(422, "invalid_member", "client_keys");
    }
    (void)admin_at("POST", "merchants", world.live, "/bind", "{}");
    assert_problem(422, "missing_member", "client_keys");
    assert_int_equal(ask("GET", "/v1/payments", world.merchant_key, "", NULL), 200);
}

static void without_a_database_administration_is_503(void **state UNUSED)
{
    assert_int_equal(admin("GET", "/v1/admin/merchants", NULL), 200);
    fake.is_away = true;
    (void)admin("GET", "/v1/admin/merchants", NULL);
    assert_problem(503, "unavailable", "");
    (void)admin("POST", "/v1/admin/merchants", "{\"name\":\"Shop\"}");
    assert_problem(503, "unavailable", "");
}

#define OVER_HTTP(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_HTTP(a_merchant_comes_with_its_twin),
        OVER_HTTP(a_name_is_taken_once),
        OVER_HTTP(a_pair_that_was_half_made_is_completed),
        OVER_HTTP(a_disabled_merchant_cannot_call),
        OVER_HTTP(a_merchant_has_limits_of_its_own),
        OVER_HTTP(payouts_above_a_limit_need_an_approval),
        OVER_HTTP(merchants_are_listed_in_pairs),
        OVER_HTTP(an_account_is_made_and_shown_without_credentials),
        OVER_HTTP(a_wrong_account_is_refused_by_member),
        OVER_HTTP(an_account_without_its_secret_is_kept_and_says_so),
        OVER_HTTP(names_of_accounts_are_taken_once_per_provider),
        OVER_HTTP(an_account_is_changed_disabled_and_enabled),
        OVER_HTTP(a_test_call_to_nobody_says_why),
        OVER_HTTP(a_key_is_shown_once_and_works),
        OVER_HTTP(a_rotated_key_lives_on_for_its_grace),
        OVER_HTTP(keys_say_what_they_need),
        OVER_HTTP(a_bound_merchant_cannot_call_without_its_client),
        OVER_HTTP(what_is_no_client_key_is_refused),
        OVER_HTTP(without_a_database_administration_is_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
