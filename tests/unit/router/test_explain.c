/*
 * test_explain.c - what held and what did not, told of the rules up to the one that matched.
 */
#include "support.h"

#include "base/json.h"
#include "router/explain.h"

static json_t *explain(const char *text, const struct route_facts *facts)
{
    struct rule_set *rules = rules_of(text);
    struct route_candidate candidate = candidate_of("paypal", "main");
    struct json_limits limits = {32, 100000, 65536};
    struct error err = {.text = ""};
    struct buf out;
    buf_init(&out, 4 << 20);
    route_explain(rules, facts, &candidate, 1, 7, &out);
    json_t *json = json_parse(buf_str(&out), &limits, &err);
    if (json == NULL)
        fail_msg("%s: " STR_FMT, err.text, STR_ARG(buf_str(&out)));
    buf_release(&out);
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
        {"decision.rule", "near"},
        {"decision.draw", "7"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_is_told_by_itself),
        cmocka_unit_test(of_many_rules_the_last_before_the_match_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
