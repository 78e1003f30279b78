/* test_explain.c - a merchant made of a list of accounts, and an explanation for people. */
#include "../base/helpers.h"

#include <stdio.h>

#include "api/body.h"
#include "api/explain_read.h"
#include "base/clock.h"
#include "payment/explain.h"
#include "process/explain_house.h"
#include "process/explain_print.h"

static json_t *json_of(const char *text)
{
    struct error err;
    json_t *json = json_parse(str_of(text), &json_limits_default, &err);
    if (json == NULL)
        fail_test("%s: %s", err.text, text);
    return json;
}

static bool read_house(struct explain_house *house, const char *text, struct error *err)
{
    json_t *list = json_of(text);
    explain_house_init(house);
    bool ok = explain_house_read(house, list, err);
    json_decref(list);
    return ok;
}

static struct explain_house house;

static void accounts_are_read_as_the_administration_prints_them(void **state UNUSED)
{
    struct error err;
    bool ok = read_house(
        &house,
        "{\"object\":\"list\",\"data\":[{\"id\":\"acc_1\",\"provider\":\"paypal\",\"name\":"
        "\"main\","
        "\"base_url\":\"https://api.example\",\"secret\":\"file:x\",\"settings\":{},"
        "\"fees\":{\"name\":\"a\",\"default\":{\"percent\":\"1.00\"}},\"currencies\":[\"EUR\"],"
        "\"methods\":[\"card\",\"wallet\"],\"amount_max\":5000,\"disabled\":true,"
        "\"health\":{\"state\":\"open\",\"success_per_million\":400000,\"p95_ms\":900}},"
        "{\"provider\":\"payoneer\",\"account\":\"main\"}]}",
        &err);
    if (!ok)
        fail_test("%s", err.text);
    const struct merchant_account *paypal = &house.merchant.account[0];
    assert_int_equal(house.merchant.account_count, 2);
    assert_true(paypal->usable && paypal->row.disabled && paypal->cost != NULL);
    assert_true(merchant_account_takes(paypal, currency_find(STR("EUR"))));
    assert_false(merchant_account_takes(paypal, currency_find(STR("USD"))));
    assert_true(str_eq(paypal->row.methods, STR("card wallet")));
    assert_int_equal(paypal->row.amount_max_minor, 5000);
    assert_int_equal(house.told[0].state, HEALTH_OPEN);
    assert_false(house.told[0].may_try);
    assert_int_equal(house.told[0].success_per_million, 400000);
    assert_int_equal(house.told[0].p95_us, 900000);
    assert_int_equal(house.told[1].state, HEALTH_CLOSED); /* nothing is told: it is well */
    assert_true(house.told[1].may_try);
    assert_int_equal(house.told[1].success_per_million, 1000000);
    assert_true(merchant_account_takes(&house.merchant.account[1], currency_find(STR("USD"))));
    explain_house_release(&house);
}

static void what_is_no_account_is_refused(void **state UNUSED)
{
    static const struct {
        const char *text;
        const char *why;
    } wrong[] = {
        {"{\"data\":3}", "are a list"},
        {"[{\"name\":\"main\"}]", "needs a provider"},
        {"[{\"provider\":\"stripe\",\"name\":\"main\"}]", "unknown provider"},
        {"[{\"provider\":\"paypal\",\"name\":\"main\",\"fees\":{\"default\":{\"percent\":1}}}]",
         "fee table"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct error err = {.text = ""};
        assert_false(read_house(&house, wrong[i].text, &err));
        if (strstr(err.text, wrong[i].why) == NULL)
            fail_test("%s: %s", wrong[i].text, err.text);
        explain_house_release(&house);
    }
}

static void every_provider_can_be_imagined(void **state UNUSED)
{
    size_t count = 0;
    (void)provider_all(&count);
    explain_house_init(&house);
    explain_house_fill(&house);
    assert_int_equal(house.merchant.account_count,
                     count < MERCHANT_ACCOUNT_MAX ? count : MERCHANT_ACCOUNT_MAX);
    explain_house_release(&house);
}

static void an_explanation_is_printed_for_people(void **state UNUSED)
{
    struct buf out;
    json_t *json = json_of(
        "{\"provider\":\"paypal\",\"facts\":{\"operation\":\"sale\",\"amount\":1099,\"currency\":"
        "\"EUR\",\"country\":\"DE\",\"at\":\"2026-12-24T22:30:00.000Z\"},"
        "\"rules\":[{\"rule\":\"large\",\"line\":1,\"matched\":false,\"conditions\":["
        "{\"condition\":\"amount >= 500.00 EUR\",\"holds\":false,\"saw\":\"10.99 EUR\"},"
        "{\"condition\":\"paypal.cost < 3%\",\"holds\":false,\"saw\":null},"
        "{\"condition\":\"metadata.a == \\\"x\\\"\",\"holds\":false,\"saw\":\"\"}],"
        "\"conditions_skipped\":2},"
        "{\"rule\":\"default\",\"line\":4,\"matched\":true,\"conditions\":[],\"does\":\"{ by cost "
        "}\"}],"
        "\"skipped\":17,\"refusals\":[],\"canary_set\":{\"version\":9,\"rule\":\"default\","
        "\"candidates\":[],\"differs\":true},"
        "\"decision\":{\"order\":\"cost\",\"version\":8,\"tries_max\":2,\"candidates\":["
        "{\"provider\":\"paypal\",\"account\":\"main\",\"kept\":true,\"expected_fee\":38,"
        "\"avoided\":"
        "true,\"health\":{\"state\":\"closed\",\"success_per_million\":995283,\"p95_ms\":88}},"
        "{\"provider\":\"payoneer\",\"account\":\"main\",\"kept\":false,\"dropped\":\"breaker_"
        "open\","
        "\"expected_fee\":null,\"health\":{\"state\":\"open\",\"success_per_million\":0,\"p95_ms\":"
        "9,"
        "\"why\":\"5 failures\"}}]},\"replay\":\"different\",\"replay_detail\":\"rule: was a\"}");
    static const char *const told[] = {
        "sale of 10.99 EUR, country DE, at 2026-12-24T22:30:00.000Z\n",
        "17 rules above these do not match either\n",
        "line 1: rule \"large\" does not match\n",
        "    no  amount >= 500.00 EUR",
        "  10.99 EUR\n",
        "  not known\n",
        "  (empty)\n",
        "    ... and 2 more\n",
        "line 4: rule \"default\" matches\n    { by cost }\n",
        "rule set: version 8\norder: cost, at most 2 tries\n",
        "  1. paypal:main             fee 0.38 EUR, success 99.5%, p95 88 ms, avoided\n",
        "  -  payoneer:main           dropped: breaker_open, fee not known, success 0.0%, p95 9 "
        "ms, "
        "breaker open (5 failures)\n",
        "canary, version 9: rule \"default\": nobody (differs)\n",
        "made again from the ledger: different: rule: was a\n",
    };
    buf_init(&out, 1 << 20);
    explain_print_text(json, &out);
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(told); i++) { /* in this order */
        at = str_find(buf_str(&out), str_of(told[i]), at);
        if (at == SIZE_MAX)
            fail_test("no %s in\n%.*s", told[i], (int)out.len, out.at);
    }
    buf_release(&out);
    json_decref(json);
}

/* ---- the page -------------------------------------------------------------------------------- */

static char page[65536];

/* What stands between ```name and ```. */
static struct str fence_of(const char *name)
{
    char open[64];
    struct str text = str_of(page);
    (void)snprintf(open, sizeof(open), "\n```%s\n", name);
    size_t from = str_find(text, str_of(open), 0);
    assert_true(from != SIZE_MAX);
    from += strlen(open);
    size_t to = str_find(text, STR("```\n"), from);
    assert_true(to != SIZE_MAX);
    return str_sub(text, from, to - from);
}

static void read_page(void)
{
    FILE *file = fopen("docs/explain.md", "r");
    assert_non_null(file);
    size_t len = fread(page, 1, sizeof(page) - 1, file);
    (void)fclose(file);
    assert_in_range(len, 1, sizeof(page) - 2);
    page[len] = '\0';
}

static struct rule_set *rules_of_page(void)
{
    static const struct str names[] = {STR_INIT("paypal"), STR_INIT("payoneer")};
    struct error err;
    struct rule_set *rules = rule_set_new(fence_of("rules"), names, ARRAY_LEN(names), &err);
    if (rules == NULL)
        fail_test("%s", err.text);
    return rules;
}

/* The page's example comes out as it stands there. */
static void the_page_tells_the_truth(void **state UNUSED)
{
    struct error err;
    struct arena arena;
    struct buf answer;
    struct buf out;
    struct explain_read read;
    struct field_problem problem = {.message = MESSAGE_NONE};
    arena_init(&arena, 1 << 20);
    buf_init(&answer, EXPLAIN_BYTES_MAX);
    buf_init(&out, 65536);
    read_page();
    struct rule_set *rules = rules_of_page();
    json_t *body = json_object();
    json_t *request = body_parse(fence_of("request"), false, &arena, &problem);
    assert_int_equal(json_object_set_new(body, "payment", request), 0);
    assert_int_equal(json_object_set_new(body, "at", json_string("2026-12-24T22:30:00Z")), 0);
    assert_true(explain_read(body, false, &arena, &read, &problem));
    const char *accounts = arena_cstr(&arena, fence_of("accounts"));
    if (!read_house(&house, accounts, &err))
        fail_test("%s", err.text);
    const struct payments_parts parts = {.loop = NULL};
    const struct explain_asked asked = {
        .merchant = &house.merchant,
        .request = &read.payout.request,
        .rules = rules,
        .at_us = read.at_us,
        .told = house.told,
        .is_offline = true,
    };
    explain_offline(&parts, &asked, &answer);
    json_t *explanation = json_parse(buf_str(&answer), &json_limits_default, &err);
    assert_non_null(explanation);
    explain_print_text(explanation, &out);
    if (!str_eq(buf_str(&out), fence_of("explained")))
        fail_test("docs/explain.md says otherwise:\n%.*s", (int)out.len, out.at);
    json_decref(explanation);
    json_decref(body);
    explain_house_release(&house);
    rule_set_free(&rules);
    buf_release(&out);
    buf_release(&answer);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_read_as_the_administration_prints_them),
        cmocka_unit_test(what_is_no_account_is_refused),
        cmocka_unit_test(every_provider_can_be_imagined),
        cmocka_unit_test(an_explanation_is_printed_for_people),
        cmocka_unit_test(the_page_tells_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
