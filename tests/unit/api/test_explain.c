/* test_explain.c - what would be done with a payment is told, and nothing is done. */
#include "world.h"

#define PATH "/v1/routing/explain"
#define CARD                                                                                       \
    "\"method\":{\"type\":\"card\",\"tokens\":{\"paypal\":\"tok_ok\",\"payoneer\":\"tok_ok\"}}"
#define PAYMENT "{\"amount\":1099,\"currency\":\"EUR\"," CARD "}"
#define PAYOUT                                                                                     \
    "{\"amount\":500,\"currency\":\"EUR\",\"payees\":{\"paypal\":\"ada@example.com\"},"            \
    "\"beneficiary\":{\"type\":\"individual\",\"first_name\":\"Ada\",\"last_name\":\"L\","         \
    "\"country\":\"PL\"}}"

static void add_account_row(const char *provider, const char *settings, const char *percent)
{
    struct directory_account *row = &fake.accounts[fake.account_count++];
    *row = (struct directory_account){
        .merchant_id = fake.merchants[1].merchant_id, /* the test twin */
        .account_id = uuid_new(),
        .provider = str_of(provider),
        .name = STR("main"),
        .base_url = STR("https://127.0.0.1:1"),
        .secret_ref = STR("env:GOOD"),
        .settings_json = str_of(settings),
        .fees_json = arena_printf(&fake.memory, "{\"name\":\"f\",\"default\":{\"percent\":\"%s\"}}",
                                  percent),
        .created_us = clock_wall_us(),
    };
}

static int start(void **state)
{
    int status = world_start(state);
    add_account_row("paypal", "{}", "3.00");
    add_account_row("payoneer", "{\"country\":\"US\"}", "2.00");
    return status;
}

static int explain(const char *key, const char *body)
{
    return ask("POST", PATH, key, "", body);
}

static void a_payment_is_explained_and_nothing_is_written(void **state UNUSED)
{
    if (explain(world.merchant_key, "{\"payment\":" PAYMENT "}") != 200)
        fail_test("%d %s: %s", world.answer.status, text_of("param"), text_of("detail"));
    assert_string_equal(text_of("object"), "routing_explanation");
    assert_string_equal(text_of("provider"), "payoneer");
    assert_string_equal(text_of("account"), "main");
    assert_true(json_is_null(json_path(world.answer.json, "problem")));
    assert_string_equal(text_of("facts.operation"), "sale");
    assert_string_equal(text_of("facts.merchant"), world.merchant);
    assert_string_equal(text_of("rules.0.rule"), "default");
    assert_string_equal(text_of("rules.0.does"), "{ by cost }");
    assert_string_equal(text_of("decision.rule"), "default");
    assert_string_equal(text_of("decision.candidates.0.provider"), "payoneer");
    assert_int_equal(
        json_integer_value(json_path(world.answer.json, "decision.candidates.0.expected_fee")), 22);
    assert_int_equal(
        json_integer_value(json_path(world.answer.json, "decision.candidates.1.expected_fee")), 33);
    assert_int_equal(fake.write_count, 0);
}

static void a_choice_of_providers_and_missing_tokens_are_heeded(void **state UNUSED)
{
    assert_int_equal(explain(world.merchant_key,
                             "{\"payment\":{\"amount\":1099,\"currency\":\"EUR\",\"providers\":"
                             "{\"never\":[\"payoneer\"]},\"capture\":\"manual\"," CARD "}}"),
                     200);
    assert_string_equal(text_of("facts.operation"), "authorize");
    assert_string_equal(text_of("provider"), "paypal");
    assert_string_equal(text_of("decision.candidates.1.dropped"), "never");
    assert_int_equal(explain(world.merchant_key,
                             "{\"payment\":{\"amount\":1099,\"currency\":\"EUR\",\"method\":{"
                             "\"type\":\"card\",\"tokens\":{\"paypal_payouts\":\"tok\"}}}}"),
                     200);
    assert_true(json_is_null(json_path(world.answer.json, "provider")));
    assert_string_equal(text_of("problem.code"), "no_route");
    assert_int_equal(json_integer_value(json_path(world.answer.json, "problem.status")), 422);
    assert_string_equal(text_of("problem.detail"), "paypal:main no_token, payoneer:main no_token");
    assert_string_equal(text_of("decision.candidates.0.dropped"), "no_token");
}

static void a_payout_is_explained_by_accounts_that_pay_out(void **state UNUSED)
{
    assert_int_equal(explain(world.merchant_key, "{\"payout\":" PAYOUT "}"), 200);
    assert_string_equal(text_of("facts.operation"), "payout");
    assert_string_equal(text_of("facts.beneficiary_country"), "PL");
    assert_string_equal(text_of("problem.code"), "no_route");
    assert_string_equal(text_of("problem.detail"),
                        "the merchant has no provider account that pays out");
}

static void the_moment_may_be_another(void **state UNUSED)
{
    assert_int_equal(
        explain(world.merchant_key, "{\"at\":\"2026-12-24T22:30:00Z\",\"payment\":" PAYMENT "}"),
        200);
    assert_string_equal(text_of("facts.at"), "2026-12-24T22:30:00.000Z");
}

static void what_a_payment_may_not_say_is_refused_with_its_place(void **state UNUSED)
{
    static const struct {
        const char *body;
        int status;
        const char *code;
        const char *param;
    } wrong[] = {
        {"{}", 422, "missing_member", "payment"},
        {"{\"payment\":" PAYMENT ",\"payout\":" PAYOUT "}", 422, "invalid_member", "payment"},
        {PAYMENT, 422, "unknown_member", "amount"},
        {"{\"payment\":{\"currency\":\"EUR\"," CARD "}}", 422, "missing_member", "payment.amount"},
        {"{\"payment\":{\"amount\":\"1\",\"currency\":\"EUR\"," CARD "}}", 422, "invalid_amount",
         "payment.amount"},
        {"{\"payment\":{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\"}}}", 422,
         "missing_member", "payment.method.tokens"},
        {"{\"payment\":{\"amount\":1,\"currency\":\"EUR\",\"method\":{\"type\":\"card\",\"tokens\":"
         "{"
         "\"paypal\":\"4111111111111111\"}}}}",
         422, "card_data", "payment.method.tokens.paypal"},
        {"{\"payment\":{\"amount\":1,\"currency\":\"EUR\",\"metadata\":{\"cvv\":\"123\"}," CARD
         "}}",
         422, "card_data", "payment.metadata.cvv"},
        {"{\"payout\":{\"amount\":1,\"currency\":\"EUR\",\"payees\":{\"paypal\":\"a@b.example\"},"
         "\"beneficiary\":{\"type\":\"individual\"}}}",
         422, "missing_member", "payout.beneficiary.first_name"},
        {"{\"version\":0,\"payment\":" PAYMENT "}", 422, "invalid_member", "version"},
        {"{\"at\":\"tomorrow\",\"payment\":" PAYMENT "}", 422, "invalid_member", "at"},
        {"{\"version\":7,\"payment\":" PAYMENT "}", 404, "not_found", "version"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        (void)explain(world.merchant_key, wrong[i].body);
        assert_problem(wrong[i].status, wrong[i].code, wrong[i].param);
    }
    assert_int_equal(fake.write_count, 0);
    (void)explain(world.live_key, "{\"payment\":{\"amount\":1,\"currency\":\"EUR\",\"method\":{"
                                  "\"type\":\"test\",\"outcome\":\"approved\"}}}");
    assert_problem(422, "invalid_member", "payment.method.type");
}

static void merchants_ask_for_themselves_and_operators_name_one(void **state UNUSED)
{
    char path[128];
    const char *body = "{\"payment\":" PAYMENT "}";
    (void)explain(world.operator_key, body);
    assert_problem(400, "cursor_malformed", "merchant");
    (void)snprintf(path, sizeof(path), PATH "?merchant=%s", world.merchant);
    assert_int_equal(ask("POST", path, world.operator_key, "", body), 200);
    assert_string_equal(text_of("provider"), "payoneer");
    assert_int_equal(ask("POST", path, world.merchant_key, "", body), 200);
    (void)ask("POST", path, world.other_key, "", body);
    assert_problem(404, "not_found", "merchant");
    (void)ask("POST", PATH "?merchant=mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B", world.operator_key, "",
              body);
    assert_problem(404, "not_found", "merchant");
    (void)explain(world.finance_key, body);
    assert_problem(403, "forbidden", "");
    assert_int_equal(explain(world.other_key, body), 200); /* it has no account */
    assert_string_equal(text_of("problem.detail"), "the merchant has no provider account");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_payment_is_explained_and_nothing_is_written),
        TEST(a_choice_of_providers_and_missing_tokens_are_heeded),
        TEST(a_payout_is_explained_by_accounts_that_pay_out),
        TEST(the_moment_may_be_another),
        TEST(what_a_payment_may_not_say_is_refused_with_its_place),
        TEST(merchants_ask_for_themselves_and_operators_name_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
