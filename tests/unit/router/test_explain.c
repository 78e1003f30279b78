/*
 * test_explain.c - what held and what did not, told of the rules up to the one that matched.
 */
#include "support.h"

#include "base/json.h"
#include "router/explain.h"

static json_t *explain_with(const struct rule_set *rules, const struct route_facts *facts,
                            const struct route_candidate *candidate)
{
    struct json_limits limits = {32, 100000, 65536};
    struct error err = {.text = ""};
    struct buf out;
    buf_init(&out, 4 << 20);
    struct json_out print;
    json_out_init(&print, &out);
    json_begin_object(&print);
    route_explain(rules, facts, candidate, 1, &print);
    json_end_object(&print);
    json_t *json = json_parse(buf_str(&out), &limits, &err);
    if (json == NULL)
        fail_msg("%s: " STR_FMT, err.text, STR_ARG(buf_str(&out)));
    buf_release(&out);
    return json;
}

static json_t *explain(const char *text, const struct route_facts *facts)
{
    struct rule_set *rules = rules_of(text);
    struct route_candidate candidate = candidate_of("paypal", "main");
    json_t *json = explain_with(rules, facts, &candidate);
    rule_set_free(&rules);
    return json;
}

static void each_condition_is_told_by_itself(void **state UNUSED)
{
    struct route_facts facts = facts_of("EUR", 10000);
    json_t *json =
        explain("condition home = country in [DE, AT]\n"
                "rule \"large\" when currency == EUR and not amount < 500.00 EUR { use paypal }\n"
                "rule \"far\" when not home { use payoneer }\n"
                "rule \"near\" when home and (method == wallet or paypal.healthy) { use paypal }\n"
                "rule \"never asked\" when method == card { use rebilly }\n"
                "otherwise { by cost }\n",
                &facts);
    static const struct {
        const char *path;
        const char *text;
    } texts[] = {
        {"rules.0.rule", "large"},
        {"rules.0.conditions.0.condition", "currency == EUR"},
        {"rules.0.conditions.1.condition", "amount < 500.00 EUR"},
        {"rules.1.conditions.0.condition", "country in [DE, AT]"},
        {"rules.2.rule", "near"},
        {"rules.2.conditions.1.condition", "method == wallet"},
        {"rules.2.conditions.2.condition", "paypal.healthy"},
        {"rules.0.conditions.0.saw", "EUR"},
        {"rules.0.conditions.1.saw", "100.00 EUR"},
        {"rules.1.conditions.0.saw", "DE"},
        {"rules.2.conditions.1.saw", "card"},
        {"rules.2.conditions.2.saw", "true"},
        {"rules.2.does", "{ use paypal }"},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_str(json_path_text(json, texts[i].path), texts[i].text);
    assert_int_equal(json_array_size(json_object_get(json, "rules")), 3);
    assert_true(json_is_true(json_path(json, "rules.0.conditions.0.holds")));
    assert_true(json_is_true(json_path(json, "rules.0.conditions.1.holds")));
    assert_true(json_is_false(json_path(json, "rules.0.matched")));
    assert_true(json_is_false(json_path(json, "rules.2.conditions.1.holds")));
    assert_true(json_is_true(json_path(json, "rules.2.matched")));
    json_decref(json);
}

static void of_many_rules_the_last_before_the_match_are_told(void **state UNUSED)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < EXPLAIN_RULE_MAX + 50; i++)
        buf_printf(&text, "rule \"r%d\" when amount == %d.00 EUR { use paypal }\n", i, i + 1);
    buf_printf(&text, "otherwise { by cost }\n");
    buf_add_char(&text, '\0');
    struct route_facts facts = facts_of("USD", 100);
    json_t *json = explain(text.at, &facts);
    assert_int_equal(json_array_size(json_object_get(json, "rules")), EXPLAIN_RULE_MAX);
    assert_int_equal(json_integer_value(json_object_get(json, "skipped")), 51);
    assert_str(json_path_text(json, "rules.0.rule"), "r51");
    json_decref(json);
    buf_release(&text);
}

/* A value of each type; what is not known is null, and does not hold. */
static void what_was_seen_is_told_as_the_language_writes_it(void **state UNUSED)
{
    struct route_facts facts = facts_of("EUR", 10000);
    facts.operation = OPERATION_AUTHORIZE;
    facts.bin = STR("411111");
    facts.now_us = INT64_C(1798151400) * 1000000; /* 2026-12-24 22:30 UTC, a Thursday */
    json_t *json = explain("zone \"Europe/Berlin\"\n"
                           "rule \"all\" when time == 01:00 or weekday == mon or "
                           "time at \"UTC\" == 01:00 or bin == 555555 or operation == payout or "
                           "attempt > 1 or paypal.cost > 3% or paypal.success_rate < 90% or "
                           "paypal.latency > 2s or payoneer.healthy or amount as USD > 1.00 USD or "
                           "metadata.tier == \"gold\" { use paypal }\n"
                           "otherwise { by cost }\n",
                           &facts);
    static const char *const seen[] = {"23:30", "thu",  "22:30", "411111", "authorize", "1",
                                       NULL,    "100%", "0s",    NULL,     NULL,        ""};
    const json_t *conditions = json_path(json, "rules.0.conditions");
    assert_int_equal(json_array_size(conditions), ARRAY_LEN(seen));
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        const json_t *condition = json_array_get(conditions, i);
        assert_true(json_is_false(json_object_get(condition, "holds")));
        if (seen[i] == NULL)
            assert_true(json_is_null(json_object_get(condition, "saw")));
        else
            assert_str(json_text(condition, "saw"), seen[i]);
    }
    json_decref(json);
}

static void a_cost_is_told_as_it_is_compared(void **state UNUSED)
{
    struct error err;
    struct cost_table *fees =
        cost_table_new(STR("{\"name\":\"a\",\"default\":{\"percent\":\"2.50\"}}"), &err);
    assert_non_null(fees);
    struct route_facts facts = facts_of("EUR", 10000);
    struct rule_set *rules = rules_of("rule \"a\" when paypal.cost > 3% { use paypal }\n"
                                      "rule \"b\" when paypal.cost > 3.00 EUR { use paypal }\n"
                                      "otherwise { by cost }\n");
    struct route_candidate candidate = candidate_of("paypal", "main");
    candidate.cost = fees;
    json_t *json = explain_with(rules, &facts, &candidate);
    assert_str(json_path_text(json, "rules.0.conditions.0.saw"), "2.5%");
    assert_str(json_path_text(json, "rules.1.conditions.0.saw"), "2.50 EUR");
    json_decref(json);
    rule_set_free(&rules);
    cost_table_free(&fees);
}

/* 64 lists of 10,000 values would be a long time for others who wait. */
static void what_is_too_much_is_counted_instead(void **state UNUSED)
{
    struct buf text;
    struct route_facts facts = facts_of("EUR", 10000);
    buf_init(&text, 4 << 20);
    buf_add_str(&text, STR("set large = ["));
    for (int i = 0; i < ROUTE_LIST_MAX; i++)
        buf_printf(&text, "%s\"v%d\"", i > 0 ? ", " : "", i);
    buf_add_str(&text,
                STR("]\nrule \"none\" when country == AT { use paypal }\nrule \"all\" when "));
    for (int i = 0; i < EXPLAIN_CONDITION_MAX + 10; i++)
        buf_printf(&text, "%smetadata.m%d not in large", i > 0 ? " and " : "", i % 60);
    buf_add_str(&text, STR(" { use paypal }\notherwise { by cost }\n"));
    buf_add_char(&text, '\0');
    json_t *json = explain(text.at, &facts);
    assert_int_equal(json_array_size(json_object_get(json, "rules")), 1); /* the match, always */
    assert_str(json_path_text(json, "rules.0.rule"), "all");
    assert_int_equal(json_integer_value(json_object_get(json, "skipped")), 1);
    size_t told = json_array_size(json_path(json, "rules.0.conditions"));
    assert_true(told > 0 && told * ROUTE_LIST_MAX <= EXPLAIN_WEIGHT_MAX);
    assert_int_equal(json_integer_value(json_path(json, "rules.0.conditions_skipped")),
                     EXPLAIN_CONDITION_MAX + 10 - (int)told);
    assert_str(json_path_text(json, "rules.0.conditions.0.condition"), "metadata.m0 not in large");
    json_decref(json);
    buf_release(&text);
}

static void a_long_list_is_told_by_its_first_values(void **state UNUSED)
{
    struct route_facts facts = facts_of("EUR", 10000);
    json_t *json =
        explain("rule \"a\" when country in [AT, BE, BG, HR, CY, CZ, DK, EE, FI] { use paypal }\n"
                "rule \"b\" when country in [AT, BE, BG, HR, CY, CZ, DK, EE] { use paypal }\n"
                "otherwise { by cost }\n",
                &facts);
    assert_str(json_path_text(json, "rules.0.conditions.0.condition"),
               "country in [AT, BE, BG, HR, CY, CZ, DK, EE, ... 9 values]");
    assert_str(json_path_text(json, "rules.1.conditions.0.condition"),
               "country in [AT, BE, BG, HR, CY, CZ, DK, EE]");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_is_told_by_itself),
        cmocka_unit_test(what_was_seen_is_told_as_the_language_writes_it),
        cmocka_unit_test(a_cost_is_told_as_it_is_compared),
        cmocka_unit_test(what_is_too_much_is_counted_instead),
        cmocka_unit_test(a_long_list_is_told_by_its_first_values),
        cmocka_unit_test(of_many_rules_the_last_before_the_match_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
