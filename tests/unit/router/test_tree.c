/*
 * test_tree.c - what the parser makes of right files: the tree, read back as text in its one form
 * of writing, and the values where text does not say enough.
 */
#include "support.h"

#include "router/ast_print.h"
#include "router/parse.h"

struct parsed {
    struct arena arena;
    struct diagnosis diagnosis;
    struct ast_tree tree;
    struct buf out;
};

static void parse_into(struct parsed *parsed, const char *text)
{
    struct error err = {.text = ""};
    arena_init(&parsed->arena, 2 * (size_t)PARSE_ARENA_BYTES_MAX);
    diagnosis_init(&parsed->diagnosis, &parsed->arena);
    buf_init(&parsed->out, 1 << 20);
    struct str copy = arena_str(&parsed->arena, str_of(text));
    if (!parse_tree(copy, providers_known, ARRAY_LEN(providers_known), &parsed->arena,
                    &parsed->tree, &parsed->diagnosis)) {
        (void)diagnosis_first(&parsed->diagnosis, &err);
        fail_msg("%s\n%s", err.text, text);
    }
}

static void release(struct parsed *parsed)
{
    arena_release(&parsed->arena);
    buf_release(&parsed->out);
}

static char *print_all(struct parsed *parsed)
{
    buf_clear(&parsed->out);
    ast_print(&parsed->tree, &parsed->out);
    buf_add_char(&parsed->out, '\0');
    assert_true(buf_is_ok(&parsed->out));
    return parsed->out.at;
}

#define LAST "otherwise { by cost }\n"

/* clang-format off */
static const struct {
    const char *condition;
    const char *printed; /* NULL: the same */
} conditions[] = {
    { "amount >= 500 EUR", "amount >= 500.00 EUR" },
    { "amount == 0.250 KWD or amount != 5 JPY", NULL },
    { "amount in 10..50.00 EUR", "amount in 10.00 EUR..50.00 EUR" },
    { "amount not in 10 EUR..50 EUR", "amount not in 10.00 EUR..50.00 EUR" },
    { "amount as EUR >= 100.00 EUR", NULL },
    { "currency in [EUR, \"CHF\"]", "currency in [EUR, CHF]" },
    { "operation == payment and operation != sale and operation in [refund, payout]", NULL },
    { "method == card or method == \"wallet\"", "method == card or method == wallet" },
    { "country == \"\" or country not in [DE, AT]", NULL },
    { "card_country == US and beneficiary_country == PL", NULL },
    { "card_brand in [visa, mastercard] or card_brand == \"\"", NULL },
    { "bin == 411111 or bin in [42222222, 4333333] or bin in 011111..411199", NULL },
    { "bin == \"411111\" or bin == \"\"", "bin == 411111 or bin == \"\"" },
    { "bin starts with \"4\" or not bin starts with \"5\"", NULL },
    { "merchant == \"mer_1\" or reference starts with \"sub-\"", NULL },
    { "reference not starts with \"sub-\"", "not reference starts with \"sub-\"" },
    { "reference matches \"*-2?-*\" or metadata.tier not matches \"g*\"", "reference matches \"*-2?-*\" or not metadata.tier matches \"g*\"" },
    { "metadata.tier == \"gold\" or metadata.\"a b\" != \"\\\"\\\\\"", NULL },
    { "metadata.\"tier\" in [\"gold\"]", "metadata.tier in [\"gold\"]" },
    { "weekday == sat or weekday in [mon, sun] or weekday in fri..mon", NULL },
    { "time >= 8:05 and time < 17:00 or time not in 22:00..06:00", "time >= 08:05 and time < 17:00 or time not in 22:00..06:00" },
    { "time at \"America/New_York\" < 09:30 or weekday at \"Asia/Tokyo\" == mon", NULL },
    { "attempt > 1 and attempt in [2, 3] or attempt in 4..6", NULL },
    { "previous_decline == soft or previous_decline == \"\"", NULL },
    { "previous_reason in [insufficient_funds, do_not_honor]", NULL },
    { "paypal.cost > 3% and paypal.cost <= 0.50 EUR and paypal.cost in 1..2.5%", "paypal.cost > 3% and paypal.cost <= 0.50 EUR and paypal.cost in 1%..2.5%" },
    { "paypal.success_rate < 99.9999% or payoneer:main.success_rate in 0%..50%", NULL },
    { "paypal:\"EU shop\".latency > 1.5s or paypal.latency in 100..800ms", "paypal:\"EU shop\".latency > 1500ms or paypal.latency in 100ms..800ms" },
    { "paypal.latency > 2 min or paypal.latency > 0.25ms", "paypal.latency > 120s or paypal.latency > 0.25ms" },
    { "not paypal.healthy and paypal:main.healthy", NULL },
    { "paypal.share >= 40%", NULL },
    /* and, or, not */
    { "method == a and method == b or method == c and not method == d", NULL },
    { "(method == a or method == b) and (method == c or not (method == d and method == e))", NULL },
    { "((method == a)) and (method == b and method == c)", "method == a and (method == b and method == c)" },
    { "not not (method == a)", "not not method == a" },
    { "method == a or (method == b or method == c)", NULL },
};

static const char *const blocks[] = {
    "use paypal, payoneer:main, rebilly:\"EU shop\"",
    "by cost", "by cost of payoneer, paypal", "by success", "by latency of paypal:main",
    "by value", "by value with margin 2.5%", "by value with margin 2.5% and failure 0.30 EUR of paypal, payoneer",
    "split 70% paypal, 30% payoneer", "split 33.3333% paypal, 66.6667% payoneer:b by customer",
    "split 50% paypal:a, 50% paypal:b by reference", "split 100% paypal by metadata.tenant", "split 100% paypal by metadata.\"a b\"",
    "decline \"no payouts to this country\"",
    "by cost; only paypal, payoneer; never paypal:old; avoid rebilly",
    "by cost; only where account == \"main\" or provider in [paypal, rebilly]; avoid where latency > 2s and cost > 3%; never where not healthy or share >= 40% and amount > 5.00 EUR",
    "use paypal; failover none", "use paypal; failover at most 2", "use paypal; failover within 1500ms", "use paypal; failover at most 1 within 2s",
    "use paypal; shadow { by success; failover none }",
};
/* clang-format on */

static void conditions_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        struct parsed parsed;
        char text[1024];
        char wanted[1024];
        (void)snprintf(text, sizeof(text), "rule \"a\" when %s { use paypal }" LAST,
                       conditions[i].condition);
        (void)snprintf(wanted, sizeof(wanted), "rule \"a\" when %s { use paypal }\n" LAST,
                       conditions[i].printed == NULL ? conditions[i].condition
                                                     : conditions[i].printed);
        parse_into(&parsed, text);
        assert_string_equal(print_all(&parsed), wanted);
        assert_int_equal(parsed.diagnosis.warning_count, 0);
        release(&parsed);
        parse_into(&parsed, wanted); /* what is printed means the same */
        assert_string_equal(print_all(&parsed), wanted);
        release(&parsed);
    }
}

static void blocks_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        struct parsed parsed;
        char text[1024];
        char wanted[1024];
        (void)snprintf(wanted, sizeof(wanted), "otherwise { %s }\n", blocks[i]);
        size_t len = 0; /* without the semicolons: nothing is needed between actions */
        for (const char *c = wanted; *c != '\0'; c++) {
            text[len++] = *c == ';' ? '\n' : *c;
        }
        text[len] = '\0';
        parse_into(&parsed, text);
        assert_string_equal(print_all(&parsed), wanted);
        release(&parsed);
        parse_into(&parsed, wanted);
        assert_string_equal(print_all(&parsed), wanted);
        release(&parsed);
    }
}

static void definitions_stand_where_they_are_used(void **state)
{
    (void)state;
    struct parsed parsed;
    parse_into(&parsed, "zone \"Europe/Berlin\"\n"
                        "set eea = [DE, AT]\nset gold = [\"gold\", \"platinum\"]\nset spare = [x]\n"
                        "condition large = amount >= 500.00 EUR\n"
                        "condition vip = large or metadata.tier in gold\n"
                        "condition slow = latency > 2s\n"
                        "rule \"a\" when vip and country in eea and card_country not in eea\n"
                        "{ by cost avoid where slow }\n" LAST);
    const struct ast_tree *tree = &parsed.tree;
    assert_int_equal(tree->rule_count, 2);
    assert_int_equal(tree->set_count, 3);
    assert_int_equal(tree->condition_count, 3);
    assert_true(tree->set[0].is_used && tree->set[1].is_used && !tree->set[2].is_used);
    assert_str(tree->zone[0], "Europe/Berlin");
    const struct ast_node *when = tree->rule[0].when;
    assert_int_equal(when->kind, AST_AND);
    assert_int_equal(when->child_count, 3);
    assert_int_equal(when->child[0]->kind, AST_NAME);
    assert_ptr_equal(when->child[0]->child[0], tree->condition[1].root);
    assert_ptr_equal(when->child[1]->list.value, when->child[2]->list.value);
    assert_str(when->child[1]->list.name, "eea");
    assert_int_equal(when->child[2]->sign, AST_NOT_IN);
    const struct ast_sieve *sieve = tree->rule[0].block.sieve;
    assert_ptr_equal(sieve->where->child[0], tree->condition[2].root);
    assert_null(tree->condition[2].root->fact.target);
    assert_string_equal(print_all(&parsed),
                        "zone \"Europe/Berlin\"\n"
                        "set eea = [DE, AT]\nset gold = [\"gold\", \"platinum\"]\n"
                        "set spare = [\"x\"]\n"
                        "condition large = amount >= 500.00 EUR\n"
                        "condition vip = large or metadata.tier in gold\n"
                        "condition slow = latency > 2s\n"
                        "rule \"a\" when vip and country in eea and card_country not in eea "
                        "{ by cost; avoid where slow }\n" LAST);
    release(&parsed);
}

static void values_have_their_units(void **state)
{
    (void)state;
    struct parsed parsed;
    parse_into(&parsed, "rule \"a\" when amount in 10..50 EUR and paypal.cost > 2.5% and "
                        "paypal.latency > 1.5s and time > 22:30 and weekday == wed and "
                        "bin == 01234567 and operation == payment and attempt == 3 and "
                        "metadata.b == \"x\" and metadata.a == \"y\" and metadata.b == \"z\" "
                        "{ split 66.6667% paypal, 33.3333% payoneer } " LAST);
    const struct ast_node *const *test = parsed.tree.rule[0].when->child;
    assert_int_equal(test[0]->list.value[0].as.money.minor, 1000);
    assert_int_equal(test[0]->list.value[1].as.money.minor, 5000);
    assert_int_equal(test[1]->list.value[0].as.number, 25000);
    assert_str(test[1]->fact.target->provider, "paypal");
    assert_int_equal(test[2]->list.value[0].as.number, 1500000);
    assert_int_equal(test[3]->list.value[0].as.number, 22 * 60 + 30);
    assert_int_equal(test[4]->list.value[0].as.number, 3);
    assert_int_equal(test[5]->list.value[0].as.digits.number, 1234567);
    assert_int_equal(test[5]->list.value[0].as.digits.count, 8);
    assert_int_equal(test[6]->list.value[0].as.operations,
                     1 << OPERATION_SALE | 1 << OPERATION_AUTHORIZE);
    assert_int_equal(test[7]->list.value[0].as.number, 3);
    assert_int_equal(test[8]->fact.text, FACT_COUNT);
    assert_int_equal(test[9]->fact.text, FACT_COUNT + 1);
    assert_int_equal(test[10]->fact.text, FACT_COUNT);
    assert_int_equal(parsed.tree.metadata_name_count, 2);
    assert_int_equal(parsed.tree.rule[0].block.share[0], 666667);
    assert_int_equal(parsed.tree.rule[0].block.share[1], 333333);
    release(&parsed);
}

static void spans_cover_what_is_meant(void **state)
{
    (void)state;
    struct parsed parsed;
    parse_into(&parsed, "rule \"\xC3\xA4\" when method == card and\n  country in [DE, AT]\n"
                        "{ use paypal, payoneer }\n" LAST);
    const struct ast_rule *rule = &parsed.tree.rule[0];
    const struct {
        struct ast_span span;
        unsigned place[4];
    } spans[] = {
        {rule->name_span, {1, 6, 1, 9}},
        {rule->span, {1, 1, 2, 22}},
        {rule->when->span, {1, 15, 2, 22}},
        {rule->when->child[0]->span, {1, 15, 1, 29}},
        {rule->when->child[0]->fact.span, {1, 15, 1, 21}},
        {rule->when->child[1]->list.value[1].span, {2, 19, 2, 21}},
        {rule->block.span, {3, 1, 3, 25}},
        {rule->block.order_span, {3, 3, 3, 23}},
        {rule->block.target[1].span, {3, 15, 3, 23}},
    };
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        assert_int_equal(spans[i].span.from.line, spans[i].place[0]);
        assert_int_equal(spans[i].span.from.column, spans[i].place[1]);
        assert_int_equal(spans[i].span.to.line, spans[i].place[2]);
        assert_int_equal(spans[i].span.to.column, spans[i].place[3]);
    }
    release(&parsed);
}

static void a_value_that_is_twice_in_a_list_is_a_warning(void **state)
{
    (void)state;
    struct parsed parsed;
    parse_into(&parsed,
               "set few = [DE, AT, DE]\n"
               "rule \"a\" when metadata.x in [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", "
               "\"7\", \"8\", \"9\", \"10\", \"11\", \"12\", \"1\", \"14\"] { by cost }" LAST);
    assert_int_equal(parsed.diagnosis.warning_count, 2);
    assert_int_equal(parsed.diagnosis.finding[0].span.from.column, 20);
    assert_str(parsed.diagnosis.finding[1].text, "1 is twice in this list");
    release(&parsed);
}

static void warnings_end_no_file(void **state)
{
    (void)state;
    struct buf text;
    struct parsed parsed;
    buf_init(&text, 65536);
    for (int i = 0; i < 3 * DIAGNOSIS_FINDING_MAX; i++) {
        buf_printf(&text, "rule \"%d\" when country in [DE, DE] { by cost }\n", i);
    }
    buf_printf(&text, LAST "%c", '\0');
    parse_into(&parsed, text.at);
    assert_int_equal(parsed.diagnosis.warning_count, 3 * DIAGNOSIS_FINDING_MAX);
    assert_int_equal(parsed.tree.rule_count, 3 * DIAGNOSIS_FINDING_MAX + 1);
    release(&parsed);
    buf_release(&text);
}

/* Two names that each use the one before twice would be 2^30 comparisons. */
static void names_within_names_are_counted(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 65536);
    buf_printf(&text, "condition c0 = method == card or method == wallet\n");
    for (int i = 1; i < 30; i++) {
        buf_printf(&text, "condition c%d = c%d and c%d\n", i, i - 1, i - 1);
    }
    buf_printf(&text, LAST);
    struct arena arena;
    struct diagnosis diagnosis;
    struct ast_tree tree;
    struct error err = {.text = ""};
    arena_init(&arena, 2 * (size_t)PARSE_ARENA_BYTES_MAX);
    diagnosis_init(&diagnosis, &arena);
    assert_false(parse_tree(buf_str(&text), providers_known, 4, &arena, &tree, &diagnosis));
    assert_true(diagnosis_first(&diagnosis, &err));
    assert_non_null(strstr(err.text, "more than 131072 comparisons"));
    arena_release(&arena);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_read),
        cmocka_unit_test(blocks_are_read),
        cmocka_unit_test(definitions_stand_where_they_are_used),
        cmocka_unit_test(values_have_their_units),
        cmocka_unit_test(spans_cover_what_is_meant),
        cmocka_unit_test(a_value_that_is_twice_in_a_list_is_a_warning),
        cmocka_unit_test(warnings_end_no_file),
        cmocka_unit_test(names_within_names_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
