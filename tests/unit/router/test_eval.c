/*
 * test_eval.c - what conditions mean: every operator on both sides of its border, and truth tables.
 */
#include "support.h"

static bool holds(const char *condition, const struct route_facts *facts)
{
    char text[4096];
    snprintf(text, sizeof(text), "rule \"it\" when %s { use paypal } default { by cost }",
             condition);
    struct rule_set *rules = rules_of(text);
    bool it = str_eq(rule_for(rules, facts), STR("it"));
    rule_set_free(&rules);
    return it;
}

static void amounts_compare_only_in_their_currency(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *condition;
        bool below, at, above; /* 499.99, 500.00 and 500.01 EUR */
    } rows[] = {
        { "amount == 500.00 EUR", false, true,  false },
        { "amount != 500.00 EUR", true,  false, true  },
        { "amount < 500.00 EUR",  true,  false, false },
        { "amount <= 500 EUR",    true,  true,  false },
        { "amount > 500.0 EUR",   false, false, true  },
        { "amount >= 500.00 EUR", false, true,  true  },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int64_t minor = 49999; minor <= 50001; minor++) {
            struct route_facts euro = facts_of("EUR", minor);
            struct route_facts dollar = facts_of("USD", minor);
            bool expected = minor < 50000    ? rows[i].below
                            : minor == 50000 ? rows[i].at
                                             : rows[i].above;
            assert_int_equal(holds(rows[i].condition, &euro), expected);
            assert_false(holds(rows[i].condition, &dollar));
        }
    }
    struct route_facts dollar = facts_of("USD", 1);
    assert_true(holds("not amount >= 500.00 EUR", &dollar));
    assert_true(holds("not amount != 500.00 EUR", &dollar));
}

static void amounts_are_read_with_the_currencys_decimals(void **state)
{
    (void)state;
    struct route_facts yen = facts_of("JPY", 500);
    struct route_facts dinar = facts_of("KWD", 500);
    struct route_facts forint = facts_of("HUF", 500);
    assert_true(holds("amount == 500 JPY", &yen));
    assert_true(holds("amount == 0.500 KWD", &dinar));
    assert_true(holds("amount == 5.00 HUF", &forint));
    struct route_facts most = facts_of("EUR", MONEY_AMOUNT_MAX);
    assert_true(holds("amount == 9999999999999.99 EUR", &most));
    assert_true(holds("amount > 9999999999999.98 EUR", &most));
}

static void words_and_texts_compare_exactly(void **state)
{
    (void)state;
    struct route_pair pairs[] = {{STR("tier"), STR("gold")},
                                 {STR("tier"), STR("silver")},
                                 {STR("a key"), STR("\xC3\xA4")},
                                 {STR("empty"), STR("")}};
    struct route_facts facts = facts_of("EUR", 1000);
    facts.metadata = pairs;
    facts.metadata_count = ARRAY_LEN(pairs);
    /* clang-format off */
    static const struct {
        const char *condition;
        bool expected;
    } rows[] = {
        { "currency == EUR", true },          { "currency != EUR", false },
        { "currency == USD", false },         { "currency in [USD, EUR]", true },
        { "currency not in [USD, CHF]", true }, { "currency in [\"EUR\"]", true },
        { "operation == sale", true },        { "operation == authorize", false },
        { "operation in [sale, payout]", true }, { "operation != sale", false },
        { "operation not in [sale]", false }, { "method == card", true },
        { "method == \"card\"", true },       { "method == wallet", false },
        { "method in [wallet, card]", true }, { "country == DE", true },
        { "country == \"DE\"", true },        { "country in [AT, CH]", false },
        { "country not in [AT, CH]", true },  { "country == \"\"", false },
        { "merchant == \"mer_01JDEX7T1V5M2Q9K8Z4R6W0C3B\"", true },
        { "merchant == \"mer_01jdex7t1v5m2q9k8z4r6w0c3b\"", false },
        { "metadata.tier == \"gold\"", true },   { "metadata.tier == \"silver\"", false },
        { "metadata.tier == \"Gold\"", false },  { "metadata.tier == \"gol\"", false },
        { "metadata.\"tier\" == \"gold\"", true }, { "metadata.Tier == \"gold\"", false },
        { "metadata.\"a key\" == \"\xC3\xA4\"", true },
        { "metadata.none == \"\"", true },       { "metadata.empty == \"\"", true },
        { "metadata.none != \"gold\"", true },   { "metadata.none in [\"gold\", \"\"]", true },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (holds(rows[i].condition, &facts) != rows[i].expected) {
            fail_msg("%s is %s", rows[i].condition, rows[i].expected ? "false" : "true");
        }
    }
}

static void an_unknown_country_equals_none(void **state)
{
    (void)state;
    struct route_facts facts = facts_of("EUR", 1000);
    facts.country = STR_NONE;
    assert_false(holds("country == DE", &facts));
    assert_true(holds("country != DE", &facts));
    assert_true(holds("country not in [DE, AT]", &facts));
    assert_true(holds("country == \"\"", &facts));
}

/* a, b, c are metadata set to "1" or not; every assignment of each expression. */
static void bins_compare_as_many_digits_as_the_value_has(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *condition, *bin;
        bool is_true;
    } rows[] = {
        { "bin == 411111",         "411111",   true  },
        { "bin == 411111",         "41111199", true  },
        { "bin == 411111",         "411112",   false },
        { "bin == 411111",         "",         false },
        { "bin == 4111119",        "411111",   false },
        { "bin == 012345",         "01234567", true  },
        { "bin != 411111",         "411111",   false },
        { "bin != 411111",         "",         true  },
        { "bin == \"\"",             "",         true  },
        { "bin == \"\"",           "411111",   false },
        { "bin in 411111..411199", "41115000", true  },
        { "bin in 411111..411199", "411200",   false },
        { "bin in [520000, 4111119]", "52000012", true },
        { "bin in [520000, 4111119]", "411111", false },
        { "bin starts with \"4\"", "411111",   true  },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct route_facts facts = facts_of("EUR", 100);
        facts.bin = str_of(rows[i].bin);
        if (holds(rows[i].condition, &facts) != rows[i].is_true)
            fail_msg("%s, bin \"%s\"", rows[i].condition, rows[i].bin);
    }
}

static void truth_tables_are_right(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        const char *expression; /* over the letters a, b, c */
        uint8_t truth;          /* bit n: value for a = n & 1, b = n & 2, c = n & 4 */
    } rows[] = {
        { "a", 0xAA },
        { "not a", 0x55 },
        { "not not a", 0xAA },
        { "a and b", 0x88 },
        { "a or b", 0xEE },
        { "not a and b", 0x44 },               /* not binds closest */
        { "not (a and b)", 0x77 },
        { "not (a or b)", 0x11 },
        { "a and b and c", 0x80 },
        { "a or b or c", 0xFE },
        { "a or b and c", 0xEA },              /* and binds closer than or */
        { "a and b or c", 0xF8 },
        { "(a or b) and c", 0xE0 },
        { "a and (b or c)", 0xA8 },
        { "not (a or b and not c)", 0x51 },
        { "not a and not b and not c", 0x01 },
        { "(a and not b) or (not a and b)", 0x66 },
        { "not ((a and not b) or (not a and b))", 0x99 },
        { "a and b or b and c or a and c", 0xE8 },
        { "(a or b) and (b or c) and (a or c)", 0xE8 },
        { "not (not (a or not b) or not c)", 0xB0 },
        { "((((a))) and (b)) or not (((c)))", 0x8F },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf condition;
        buf_init(&condition, 4000);
        for (const char *at = rows[i].expression; *at != '\0'; at++) {
            bool is_letter = *at >= 'a' && *at <= 'c' && (at[1] == '\0' || !(at[1] >= 'a')) &&
                             (at == rows[i].expression || !(at[-1] >= 'a'));
            if (is_letter) {
                buf_printf(&condition, "metadata.%c == \"1\"", *at);
            } else {
                buf_add_char(&condition, *at);
            }
        }
        buf_add_char(&condition, '\0');
        for (unsigned n = 0; n < 8; n++) {
            struct route_pair pairs[] = {{STR("a"), n & 1 ? STR("1") : STR("0")},
                                         {STR("b"), n & 2 ? STR("1") : STR("0")},
                                         {STR("c"), n & 4 ? STR("1") : STR("0")}};
            struct route_facts facts = facts_of("EUR", 1);
            facts.metadata = pairs;
            facts.metadata_count = 3;
            if (holds(condition.at, &facts) != (bool)(rows[i].truth >> n & 1)) {
                fail_msg("%s with assignment %u", rows[i].expression, n);
            }
        }
        buf_release(&condition);
    }
}

static void the_first_rule_that_matches_decides(void **state)
{
    (void)state;
    struct rule_set *rules = rules_of("rule \"large\" when amount >= 500.00 EUR { use paypal }\n"
                                      "rule \"euro\" when currency == EUR { use payoneer }\n"
                                      "rule \"card\" when method == card { use rebilly }\n"
                                      "default { by cost }");
    struct route_facts facts = facts_of("EUR", 50000);
    assert_str(rule_for(rules, &facts), "large");
    facts.amount_minor = 49999;
    assert_str(rule_for(rules, &facts), "euro");
    facts.currency = currency_find(STR("USD"));
    assert_str(rule_for(rules, &facts), "card");
    facts.method = STR("wallet");
    assert_str(rule_for(rules, &facts), "default");
    rule_set_free(&rules);
}

static void an_unconditional_rule_hides_only_the_default(void **state)
{
    (void)state;
    struct rule_set *rules = rules_of("rule \"all\" { use paypal } default { by cost }");
    struct route_facts facts = facts_of("EUR", 1);
    assert_str(rule_for(rules, &facts), "all");
    rule_set_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_compare_only_in_their_currency),
        cmocka_unit_test(amounts_are_read_with_the_currencys_decimals),
        cmocka_unit_test(words_and_texts_compare_exactly),
        cmocka_unit_test(an_unknown_country_equals_none),
        cmocka_unit_test(bins_compare_as_many_digits_as_the_value_has),
        cmocka_unit_test(truth_tables_are_right),
        cmocka_unit_test(the_first_rule_that_matches_decides),
        cmocka_unit_test(an_unconditional_rule_hides_only_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
