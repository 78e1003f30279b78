/*
 * test_explain.c - what an explanation says is what the driver then does, and it does nothing
 * itself.
 */
#include "tests/unit/payment/ask.h"

#include "payment/explain.h"

static const struct json_limits limits = {32, 100000, 65536};

static json_t *explain_by(const struct payment_request *request, const struct rule_set *rules)
{
    const struct explain_asked asked = {
        .merchant = world.merchant, .request = request, .rules = rules};
    struct error err;
    struct buf out;
    buf_init(&out, EXPLAIN_BYTES_MAX);
    explain_payment(world.payments, &asked, &out);
    assert_true(buf_is_ok(&out));
    json_t *json = json_parse(buf_str(&out), &limits, &err);
    if (json == NULL)
        fail_msg("%s: %.*s", err.text, (int)out.len, out.at);
    buf_release(&out);
    return json;
}

static json_t *explain(const struct payment_request *request)
{
    return explain_by(request, NULL);
}

static const char *path_of(const json_t *json, const char *path)
{
    const json_t *value = json_path(json, path);
    return json_is_string(value) ? json_string_value(value) : "";
}

/* But for the draw, and for health, which the payment itself has changed by now. */
static void assert_same_decision(json_t *explained, json_t *stored)
{
    json_t *both[] = {explained, stored};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        const json_t *candidates = json_object_get(both[i], "candidates");
        assert_true(json_array_size(candidates) > 0);
        (void)json_object_del(both[i], "draw");
        for (size_t k = 0; k < json_array_size(candidates); k++)
            (void)json_object_del(json_array_get(candidates, k), "health");
    }
    if (!json_equal(explained, stored))
        fail_msg("explained %s, done %s", json_dumps(explained, 0), json_dumps(stored, 0));
}

static void a_payment_goes_where_its_explanation_says(void **state UNUSED)
{
    struct asked asked;
    struct payment_request request = sample("explain-1");
    json_t *json = explain(&request);
    assert_string_equal(path_of(json, "provider"), "paypal");
    assert_string_equal(path_of(json, "account"), "main");
    assert_string_equal(path_of(json, "facts.country"), "DE");
    assert_string_equal(path_of(json, "facts.customer"), "c-7");
    assert_string_equal(path_of(json, "rules.0.rule"), "default");
    assert_int_equal(payments_in_flight(world.payments), 0);
    ask(&asked, &request); /* its key is free: nothing was written */
    expect_status(&asked, 201, "succeeded");
    assert_false(asked.replayed);
    assert_string_equal(text_of(&asked, "provider"), path_of(json, "provider"));
    assert_same_decision(json_object_get(json, "decision"),
                         json_object_get(asked.json, "decision"));
    asked_release(&asked);
    json_decref(json);
}

/* PayPal knows no such method: its adapter says so, after the router. */
static void an_adapter_that_refuses_is_told_as_it_is_done(void **state UNUSED)
{
    struct asked asked;
    struct payment_request request = sample("explain-2");
    request.method_type = STR("voucher");
    json_t *json = explain(&request);
    assert_string_equal(path_of(json, "refusals.0.provider"), "paypal");
    assert_string_equal(path_of(json, "refusals.0.detail"),
                        "cannot charge through paypal: method is no card or wallet");
    const json_t *candidates = json_path(json, "decision.candidates");
    size_t refused = 0;
    for (size_t i = 0; i < json_array_size(candidates); i++)
        refused += str_eq(json_text(json_array_get(candidates, i), "dropped"), STR("refused"));
    assert_int_equal(refused, json_array_size(json_path(json, "refusals")));
    ask(&asked, &request);
    if (json_is_null(json_path(json, "provider"))) {
        assert_string_equal(path_of(json, "problem.code"), "no_route");
        expect_status(&asked, 422, NULL);
        assert_string_equal(path_of(json, "problem.detail"), asked.detail);
    } else {
        assert_string_equal(text_of(&asked, "provider"), path_of(json, "provider"));
        assert_same_decision(json_object_get(json, "decision"),
                             json_object_get(asked.json, "decision"));
    }
    asked_release(&asked);
    json_decref(json);
}

static void of_nobody_the_same_problem_is_told(void **state UNUSED)
{
    struct asked asked;
    struct payment_request request = sample("explain-3");
    request.never[0] = STR("paypal");
    request.never[1] = STR("payoneer");
    request.never_count = 2;
    json_t *json = explain(&request);
    assert_true(json_is_null(json_path(json, "provider")));
    ask(&asked, &request);
    expect_status(&asked, 422, NULL);
    assert_int_equal(asked.problem, MESSAGE_NO_ROUTE);
    assert_string_equal(path_of(json, "problem.code"), "no_route");
    assert_string_equal(path_of(json, "problem.detail"), asked.detail);
    asked_release(&asked);
    json_decref(json);
}

static void another_rule_set_can_be_asked(void **state UNUSED)
{
    static const struct str providers[] = {STR_INIT("paypal"), STR_INIT("payoneer")};
    struct error err;
    struct rule_set *rules = rule_set_new(
        STR("rule \"wait\" when reference starts with \"later-\" { decline \"not today\" }\n"
            "otherwise { use payoneer; failover none }\n"),
        providers, 2, &err);
    assert_non_null(rules);
    struct payment_request request = sample("explain-4");
    json_t *json = explain_by(&request, rules);
    assert_string_equal(path_of(json, "provider"), "payoneer");
    assert_int_equal(json_integer_value(json_path(json, "decision.tries_max")), 1);
    json_decref(json);
    request.reference = STR("later-1");
    json = explain_by(&request, rules);
    assert_string_equal(path_of(json, "problem.code"), "rule_declined");
    assert_string_equal(path_of(json, "problem.detail"), "rule \"wait\": not today");
    assert_string_equal(path_of(json, "rules.0.conditions.0.saw"), "later-1");
    json_decref(json);
    rule_set_free(&rules);
}

/* Health as it is told, not as it is. */
static void without_a_gateway_health_is_what_is_told(void **state UNUSED)
{
    struct payments_parts parts = {.rules = world.rules};
    struct health_view told[MERCHANT_ACCOUNT_MAX] = {
        {.state = HEALTH_OPEN, .success_per_million = 1},
        {.state = HEALTH_CLOSED, .success_per_million = 1000000, .may_try = true},
    };
    struct payment_request request = sample("explain-5");
    const struct explain_asked asked = {
        .merchant = world.merchant,
        .request = &request,
        .told = told,
        .has_draw = true,
        .draw = 7,
        .is_offline = true,
    };
    size_t paypal = str_eq(world.merchant->account[0].row.provider, STR("paypal")) ? 0 : 1;
    if (paypal == 1) {
        struct health_view first = told[0];
        told[0] = told[1];
        told[1] = first;
    }
    struct error err;
    struct buf out;
    buf_init(&out, EXPLAIN_BYTES_MAX);
    explain_offline(&parts, &asked, &out);
    json_t *json = json_parse(buf_str(&out), &limits, &err);
    assert_non_null(json);
    assert_string_equal(path_of(json, "provider"), "payoneer");
    assert_string_equal(path_of(json, "decision.draw"), "7");
    assert_string_equal(path_of(json, "decision.candidates.1.dropped"), "breaker_open");
    json_decref(json);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payment_goes_where_its_explanation_says),
        cmocka_unit_test(an_adapter_that_refuses_is_told_as_it_is_done),
        cmocka_unit_test(of_nobody_the_same_problem_is_told),
        cmocka_unit_test(another_rule_set_can_be_asked),
        cmocka_unit_test(without_a_gateway_health_is_what_is_told),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
