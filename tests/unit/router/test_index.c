/*
 * test_index.c - which rules a payment's values let through: those that may match all of them, and of
 * rules about one fact none besides; also where there are more values than room.
 */
#include "support.h"

#include "router/index.h"
#include "router/run.h"

enum {
    CROWD = 16000, /* rules, each about a value of its own: their lines fill the index */
    REST = 2000,   /* values of one more rule, beyond the room */
    TEXT_BYTES = 2 << 20,
};

/* The line of a payment's value in one dimension. */
static const uint64_t *line_of(const struct run *run, const struct index_dimension *dimension)
{
    size_t class = (size_t)run->slot[dimension->slot % SLOT_COUNT];
    if (dimension->slot == SLOT_COUNT) {
        const struct index_amount *amount = &run->program->index.amount[run->slot[SLOT_CURRENCY]];
        class = amount->count == 0 ? 0 : amount->first_class;
        for (uint32_t i = 0; i < amount->count; i++)
            class += run->values.amount_minor >= amount->limit[i];
    }
    class = class < dimension->class_count ? class : dimension->class_count - 1;
    return dimension->bits + class * run->program->index.words;
}

static bool is_asked(const struct rule_set *rules, const struct route_facts *facts, size_t rule)
{
    struct measures measures;
    struct run run;
    const struct rule_index *index = &rule_set_program(rules)->index;
    measures_init(&measures, facts, NULL, 0);
    run_init(&run, rule_set_program(rules), &measures);
    for (size_t i = 0; i < index->dimension_count; i++) {
        const uint64_t *line = line_of(&run, &index->dimension[i]);
        if ((line[rule / 64] >> (rule % 64) & 1) == 0)
            return false;
    }
    return true;
}

/* clang-format off */
static const char *const conditions[] = {
    "currency == EUR",
    "currency in [USD, CHF]",
    "not currency == EUR",
    "currency == AED", /* the first of the table of currencies */
    "operation == payout",
    "country == DE",
    "country in [AT, CH]",
    "not country == DE",
    "metadata.tier starts with \"go\"",
    "metadata.tier in [\"gold\", \"silver\", \"goose\"]",
    "metadata.tier matches \"*l*er\"",
    "amount >= 5.00 EUR",
    "amount < 5.00 EUR",
    "amount in 1.00 USD..2.00 USD",
    "country == DE and method == card",
    "country == DE or country in [AT, FR]",
};
static const struct {
    const char *currency;
    enum operation operation;
    const char *country, *tier, *method;
    int64_t amount;
    const char *asked; /* of each condition, in their order */
} payments[] = {
    { "EUR", OPERATION_SALE,   "DE", "gold",   "card",   500, "1000010011010011" },
    { "EUR", OPERATION_SALE,   "DE", "goose",  "card",   499, "1000010011001011" },
    { "EUR", OPERATION_PAYOUT, "AT", "silver", "wallet", 500, "1000101101110001" },
    { "USD", OPERATION_SALE,   "CH", "silver", "card",   100, "0110001101100100" },
    { "USD", OPERATION_SALE,   "FR", "gold",   "card",   200, "0110000111000101" },
    { "USD", OPERATION_SALE,   "DE", "gold",   "card",    99, "0110010011000011" },
    { "USD", OPERATION_SALE,   "DE", "gold",   "wallet", 201, "0110010011000001" },
    { "CHF", OPERATION_SALE,   "NL", "gold",   "card",   150, "0110000111000000" },
    { "AED", OPERATION_SALE,   "DE", "gold",   "card",   500, "0011010011000011" },
    { "NOK", OPERATION_SALE,   "",   "gold",   "card",   500, "0010000111000000" },
    /* A text that no rule names: only asking tells what it starts with. */
    { "NOK", OPERATION_SALE,   "",   "goat",   "card",   500, "0010000110100000" },
};
/* clang-format on */

static void a_rule_of_one_fact_is_asked_only_where_it_matches(void **state UNUSED)
{
    char text[2048];
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "rule \"r%zu\" when %s { use paypal }\n", i, conditions[i]);
    (void)snprintf(text + used, sizeof(text) - used, "otherwise { by cost }");
    struct rule_set *rules = rules_of(text);
    for (size_t p = 0; p < ARRAY_LEN(payments); p++) {
        struct route_facts facts = facts_of(payments[p].currency, payments[p].amount);
        struct route_pair tier = {STR("tier"), str_of(payments[p].tier)};
        facts.operation = payments[p].operation;
        facts.country = str_of(payments[p].country);
        facts.method = str_of(payments[p].method);
        facts.metadata = &tier;
        facts.metadata_count = 1;
        assert_int_equal(strlen(payments[p].asked), ARRAY_LEN(conditions));
        for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
            if (is_asked(rules, &facts, i) != (payments[p].asked[i] == '1'))
                fail_msg("payment %zu: %s", p, conditions[i]);
        }
        assert_true(is_asked(rules, &facts, ARRAY_LEN(conditions)));
    }
    rule_set_free(&rules);
}

/* ---- more than there is room for --------------------------------------------------------------- */

static struct rule_set *crowded_rules(void)
{
    struct buf text;
    char line[96];
    buf_init(&text, TEXT_BYTES);
    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(line, sizeof(line),
                       "rule \"r%d\" when metadata.a == \"v%d\" { use paypal }\n", i, i);
        buf_add_str(&text, str_of(line));
    }
    buf_add_str(&text, STR("rule \"rest\" when metadata.a in [\"w0\""));
    for (int i = 1; i < REST; i++) {
        (void)snprintf(line, sizeof(line), ", \"w%d\"", i);
        buf_add_str(&text, str_of(line));
    }
    (void)snprintf(line, sizeof(line), "] and not metadata.a == \"w%d\" { use paypal }\n",
                   REST - 1);
    buf_add_str(&text, str_of(line));
    buf_add_str(&text, STR("rule \"b\" when metadata.b in [\"yes\", \"no\"] { use paypal }\n"
                           "otherwise { by cost }"));
    buf_add_char(&text, '\0');
    assert_true(buf_is_ok(&text));
    struct rule_set *rules = rules_of(text.at);
    buf_release(&text);
    return rules;
}

static struct route_facts crowd_facts(struct route_pair *pair, const char *name, const char *value)
{
    struct route_facts facts = facts_of("EUR", 1000);
    *pair = (struct route_pair){str_of(name), str_of(value)};
    facts.metadata = pair;
    facts.metadata_count = 1;
    return facts;
}

static void values_beyond_the_room_lose_no_rule(void **state UNUSED)
{
    struct rule_set *rules = crowded_rules();
    struct route_pair pair;
    struct route_facts facts = crowd_facts(&pair, "a", "v5000");
    unsigned asked = 0;
    for (size_t i = 0; i < CROWD; i++)
        asked += is_asked(rules, &facts, i);
    assert_int_equal(asked, 1); /* however many rules there are */
    for (int i = 0; i < CROWD + REST; i += 97) {
        char value[16];
        char rule[16];
        (void)snprintf(value, sizeof(value), "%c%d", i < CROWD ? 'v' : 'w', i % CROWD);
        (void)snprintf(rule, sizeof(rule), "r%d", i);
        facts = crowd_facts(&pair, "a", value);
        assert_str(rule_for(rules, &facts), i < CROWD ? rule : "rest");
    }
    facts = crowd_facts(&pair, "a", "w1998");
    assert_str(rule_for(rules, &facts), "rest");
    facts = crowd_facts(&pair, "a", "w1999");
    assert_str(rule_for(rules, &facts), "default");
    facts = crowd_facts(&pair, "b", "no"); /* a fact that found no room at all */
    assert_str(rule_for(rules, &facts), "b");
    facts = crowd_facts(&pair, "b", "neither");
    assert_str(rule_for(rules, &facts), "default");
    rule_set_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_of_one_fact_is_asked_only_where_it_matches),
        cmocka_unit_test(values_beyond_the_room_lose_no_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
