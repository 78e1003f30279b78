/*
 * test_decide.c - candidates kept, dropped and ordered, and the explanation as JSON.
 */
#include "support.h"

#include <time.h>

#include "base/json.h"
#include "base/rng.h"

#define CHEAP  "{\"default\": {\"percent\": \"1\"}}"
#define DEAR   "{\"default\": {\"percent\": \"3\"}}"
#define NO_YEN "{\"currencies\": {\"EUR\": {\"percent\": \"0.1\"}}}"

static struct cost_table *table_of(const char *json)
{
    struct error err;
    struct cost_table *table = cost_table_new(str_of(json), &err);
    if (table == NULL) {
        fail_msg("%s", err.text);
    }
    return table;
}

/* The kept candidates in order, as digits. */
static const char *order_of(const struct route_decision *decision)
{
    static char text[ROUTE_CANDIDATE_MAX + 1];
    size_t i = 0;
    for (; i < decision->kept_count; i++) {
        text[i] = (char)('0' + decision->verdict[i].candidate);
    }
    text[i] = '\0';
    return text;
}

static const char *decide_order(const char *text, const struct route_candidate *candidates,
                                size_t count)
{
    struct rule_set *rules = rules_of(text);
    struct route_facts facts = facts_of("EUR", 10000);
    struct route_decision decision;
    route_decide(rules, &facts, candidates, count, 0, &decision);
    rule_set_free(&rules);
    assert_int_equal(decision.count, count);
    return order_of(&decision);
}

static enum route_drop drop_of(const struct route_candidate *candidate,
                               const struct route_facts *facts)
{
    struct rule_set *rules = rules_of("default { use paypal }");
    struct route_decision decision;
    route_decide(rules, facts, candidate, 1, 0, &decision);
    rule_set_free(&rules);
    return decision.verdict[0].drop;
}

static void lists_keep_their_order_and_drop_the_rest(void **state)
{
    (void)state;
    struct route_candidate all[] = {
        candidate_of("paypal", "main"), candidate_of("payoneer", "main"),
        candidate_of("paypal", "second"), candidate_of("rebilly", "main")};
    assert_string_equal(decide_order("default { use payoneer, paypal }", all, 4), "102");
    assert_string_equal(decide_order("default { use paypal, payoneer }", all, 4), "021");
    assert_string_equal(decide_order("default { use paypal:second, payoneer, paypal }", all, 4),
                        "210");
    assert_string_equal(decide_order("default { use paypal:\"second\" }", all, 4), "2");
    assert_string_equal(decide_order("default { use paypal:none }", all, 4), "");
    assert_string_equal(decide_order("default { use spreedly }", all, 4), "");
    assert_string_equal(decide_order("default { by cost }", all, 4), "0123");
    assert_string_equal(decide_order("default { by cost of rebilly, payoneer }", all, 4), "31");
}

static void cost_orders_by_fee_then_list_and_unknown_last(void **state)
{
    (void)state;
    struct cost_table *cheap = table_of(CHEAP);
    struct cost_table *dear = table_of(DEAR);
    struct route_candidate all[] = {
        candidate_of("paypal", "main"), candidate_of("payoneer", "main"),
        candidate_of("rebilly", "main"), candidate_of("spreedly", "main")};
    all[0].cost = dear;
    all[2].cost = cheap;
    all[3].cost = cheap;
    assert_string_equal(decide_order("default { by cost }", all, 4), "2301");
    assert_string_equal(
        decide_order("default { by cost of spreedly, rebilly, payoneer, paypal }", all, 4), "3201");
    assert_string_equal(decide_order("default { use paypal, spreedly, rebilly }", all, 4), "032");
    struct rule_set *rules = rules_of("default { use paypal }");
    struct route_facts facts = facts_of("EUR", 10000);
    struct route_decision decision;
    route_decide(rules, &facts, all, 4, 7, &decision);
    assert_string_equal(route_order_name(decision.order), "list");
    assert_int_equal(decision.kept_count, 1);
    assert_int_equal(decision.verdict[0].expected_fee_minor, 300);
    assert_int_equal(decision.verdict[1].candidate, 1); /* dropped ones as given */
    assert_false(decision.verdict[1].fee_known);
    assert_int_equal(decision.verdict[2].expected_fee_minor, 100); /* known though dropped */
    assert_int_equal(decision.verdict[2].drop, ROUTE_NOT_IN_RULE);
    assert_int_equal(decision.draw, 7);
    rule_set_free(&rules);
    cost_table_free(&cheap);
    cost_table_free(&dear);
}

static void a_fee_unknown_in_this_currency_sorts_last(void **state)
{
    (void)state;
    struct cost_table *no_yen = table_of(NO_YEN);
    struct cost_table *dear = table_of(DEAR);
    struct route_candidate all[] = {candidate_of("paypal", "a"), candidate_of("payoneer", "a")};
    all[0].cost = no_yen;
    all[1].cost = dear;
    struct rule_set *rules = rules_of("default { by cost }");
    struct route_decision decision;
    struct route_facts facts = facts_of("EUR", 1000);
    route_decide(rules, &facts, all, 2, 0, &decision);
    assert_string_equal(order_of(&decision), "01");
    facts = facts_of("JPY", 1000);
    route_decide(rules, &facts, all, 2, 0, &decision);
    assert_string_equal(order_of(&decision), "10");
    rule_set_free(&rules);
    cost_table_free(&no_yen);
    cost_table_free(&dear);
}

/* Turn on every reason from `first` on: the first in the order of the enum is told. */
static void reasons_are_told_in_their_order(void **state)
{
    (void)state;
    for (int first = ROUTE_NOT_IN_RULE; first <= ROUTE_REFUSED; first++) {
        if (first == ROUTE_RULE_ONLY || first == ROUTE_RULE_NEVER)
            continue; /* test_select.c */
        struct route_candidate candidate = candidate_of("paypal", "main");
        struct route_facts facts = facts_of("EUR", 1000);
        facts.only[0] = STR("paypal");
        facts.only_count = 1;
        candidate.provider = first <= ROUTE_NOT_IN_RULE ? STR("payoneer") : STR("paypal");
        candidate.disabled = first <= ROUTE_DISABLED;
        candidate.drained = first <= ROUTE_DRAINED;
        candidate.in_maintenance = first <= ROUTE_MAINTENANCE;
        candidate.takes_currency = first > ROUTE_CURRENCY;
        candidate.takes_operation = first > ROUTE_OPERATION;
        candidate.takes_method = first > ROUTE_METHOD;
        candidate.has_token = first > ROUTE_NO_TOKEN;
        candidate.amount_max_minor = first <= ROUTE_LIMIT ? 999 : 1000;
        facts.only[0] = first <= ROUTE_ONLY ? STR("rebilly") : STR("paypal");
        facts.never[0] = candidate.provider;
        facts.never_count = first <= ROUTE_NEVER;
        candidate.health.state = first <= ROUTE_BREAKER_OPEN ? HEALTH_OPEN : HEALTH_CLOSED;
        candidate.is_busy = first <= ROUTE_PROVIDER_BUSY;
        enum route_drop expected = first == ROUTE_REFUSED ? ROUTE_KEPT : (enum route_drop)first;
        assert_int_equal(drop_of(&candidate, &facts), expected);
    }
}

static void drop_names_are_unique_words(void **state)
{
    (void)state;
    assert_string_equal(route_drop_name(ROUTE_KEPT), "");
    for (int i = 1; i < ROUTE_DROP_COUNT; i++) {
        assert_true(strlen(route_drop_name((enum route_drop)i)) > 3);
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(route_drop_name((enum route_drop)i),
                                    route_drop_name((enum route_drop)k));
        }
    }
}

static void limits_only_and_never_have_sharp_borders(void **state)
{
    (void)state;
    struct route_candidate candidate = candidate_of("paypal", "main");
    struct route_facts facts = facts_of("EUR", 1000);
    candidate.amount_max_minor = 1000;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_KEPT);
    facts.amount_minor = 1001;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_LIMIT);
    candidate.amount_max_minor = 1;
    facts.amount_minor = 2;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_LIMIT);
    candidate.amount_max_minor = 0;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_KEPT);
    facts.only[0] = STR("payoneer");
    facts.only[1] = STR("paypal");
    facts.only_count = 2;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_KEPT);
    facts.only_count = 1;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_ONLY);
    facts.only_count = 0;
    facts.never[0] = STR("payp");
    facts.never[1] = STR("paypals");
    facts.never_count = 2;
    assert_int_equal(drop_of(&candidate, &facts), ROUTE_KEPT);
}

/* After the router has decided: the others keep their order, and what was dropped before its place. */
static void who_is_dropped_afterwards_goes_before_those_that_were(void **state)
{
    (void)state;
    struct route_candidate all[] = {candidate_of("paypal", "a"), candidate_of("payoneer", "a"),
                                    candidate_of("rebilly", "a"), candidate_of("spreedly", "a"),
                                    candidate_of("paypal", "b")};
    struct rule_set *rules = rules_of("default { use paypal, payoneer, rebilly, spreedly }");
    struct route_facts facts = facts_of("EUR", 1000);
    struct route_decision decision;
    all[0].health = (struct health_view){.state = HEALTH_HALF_OPEN, .may_try = true};
    all[2].disabled = true;
    route_decide(rules, &facts, all, ARRAY_LEN(all), 0, &decision);
    assert_string_equal(order_of(&decision), "0413");
    assert_true(decision.verdict[0].probe);
    route_decision_drop(&decision, 0, ROUTE_REFUSED);
    assert_string_equal(order_of(&decision), "413");
    route_decision_drop(&decision, 1, ROUTE_TRIED);
    assert_string_equal(order_of(&decision), "43");
    route_decision_drop(&decision, 1, ROUTE_REFUSED);
    assert_string_equal(order_of(&decision), "4");
    static const struct {
        unsigned candidate;
        enum route_drop drop;
    } wanted[] = {{4, ROUTE_KEPT},
                  {3, ROUTE_REFUSED},
                  {1, ROUTE_TRIED},
                  {0, ROUTE_REFUSED},
                  {2, ROUTE_DISABLED}};
    assert_int_equal(decision.count, ARRAY_LEN(wanted));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_int_equal(decision.verdict[i].candidate, wanted[i].candidate);
        assert_int_equal(decision.verdict[i].drop, wanted[i].drop);
        assert_false(decision.verdict[i].probe); /* it is not tried, so it proves nothing */
    }
    rule_set_free(&rules);
}

static void breakers_drop_but_leave_room_for_a_probe(void **state)
{
    (void)state;
    struct route_candidate all[] = {candidate_of("paypal", "a"), candidate_of("payoneer", "a"),
                                    candidate_of("rebilly", "a")};
    all[0].health = (struct health_view){.state = HEALTH_HALF_OPEN, .may_try = true};
    all[1].health = (struct health_view){.state = HEALTH_HALF_OPEN, .may_try = false};
    all[2].health = (struct health_view){.state = HEALTH_CLOSED, .may_try = true};
    struct rule_set *rules = rules_of("default { by cost }");
    struct route_facts facts = facts_of("EUR", 1000);
    struct route_decision decision;
    route_decide(rules, &facts, all, 3, 0, &decision);
    assert_string_equal(order_of(&decision), "021"); /* the probe keeps its natural place */
    assert_true(decision.verdict[0].probe && !decision.verdict[0].last_resort);
    assert_false(decision.verdict[1].probe || decision.verdict[1].last_resort);
    assert_true(decision.verdict[2].last_resort && !decision.verdict[2].probe);
    all[0].health.state = HEALTH_OPEN;
    all[2].health.state = HEALTH_OPEN;
    route_decide(rules, &facts, all, 3, 0, &decision);
    assert_string_equal(order_of(&decision), "1"); /* better than nobody */
    all[1].health.state = HEALTH_OPEN;
    route_decide(rules, &facts, all, 3, 0, &decision);
    assert_int_equal(decision.kept_count, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(decision.verdict[i].drop, ROUTE_BREAKER_OPEN);
        assert_int_equal(decision.verdict[i].candidate, i);
    }
    rule_set_free(&rules);
}

/* Which one is first; of equal draws the same. */
static unsigned first_of(struct rule_set *rules, const struct route_candidate *all, uint64_t draw)
{
    struct route_decision decision;
    struct route_facts facts = facts_of("EUR", 1000);
    route_decide(rules, &facts, all, 2, draw, &decision);
    assert_int_equal(decision.kept_count, 2);
    return decision.verdict[0].candidate;
}

static void slow_accounts_go_behind_but_for_the_one_that_finds_out(void **state)
{
    (void)state;
    struct rule_set *rules = rules_of("default { use paypal, payoneer }");
    struct route_candidate all[] = {candidate_of("paypal", "a"), candidate_of("payoneer", "a")};
    assert_int_equal(first_of(rules, all, 1), 0);
    all[0].health.is_slow = true;
    all[0].health.may_try = false;
    assert_int_equal(first_of(rules, all, 1), 1);
    all[0].health.may_try = true;
    assert_int_equal(first_of(rules, all, 1), 0);
    all[0].health.may_try = false;
    all[1].health = (struct health_view){.state = HEALTH_HALF_OPEN}; /* its probe is taken */
    assert_int_equal(first_of(rules, all, 1), 0);
    rule_set_free(&rules);
}

static void an_account_that_comes_back_is_passed_by_as_the_draw_says(void **state)
{
    (void)state;
    struct rule_set *rules = rules_of("default { use paypal, payoneer }");
    struct route_candidate all[] = {candidate_of("paypal", "a"), candidate_of("payoneer", "a")};
    unsigned passed_by = 0;
    all[0].health.away_per_million = 450000;
    all[0].account_id.byte[15] = 7;
    for (uint64_t draw = 0; draw < 10000; draw++) {
        unsigned first = first_of(rules, all, draw);
        assert_int_equal(first, first_of(rules, all, draw));
        passed_by += first;
    }
    assert_in_range(passed_by, 4200, 4800);
    all[0].health.away_per_million = 0;
    for (uint64_t draw = 0; draw < 100; draw++) {
        assert_int_equal(first_of(rules, all, draw), 0);
    }
    rule_set_free(&rules);
}

static void no_candidates_give_an_empty_decision(void **state)
{
    (void)state;
    struct rule_set *rules = rules_of("default { by cost }");
    struct route_facts facts = facts_of("EUR", 1000);
    struct route_decision decision;
    struct buf out;
    buf_init(&out, 4096);
    route_decide(rules, &facts, NULL, 0, UINT64_MAX, &decision);
    assert_int_equal(decision.count, 0);
    assert_int_equal(decision.kept_count, 0);
    route_decision_print(&decision, NULL, &out);
    struct error err;
    json_t *json = json_parse(buf_str(&out), &json_limits_default, &err);
    assert_non_null(json);
    assert_str(json_path_text(json, "draw"), "18446744073709551615");
    json_decref(json);
    buf_release(&out);
    rule_set_free(&rules);
}

static void the_json_says_everything(void **state)
{
    (void)state;
    struct cost_table *cheap = table_of(CHEAP);
    struct route_candidate all[] = {candidate_of("paypal", "the \"main\" one"),
                                    candidate_of("payoneer", "b")};
    all[0].health = (struct health_view){.state = HEALTH_OPEN,
                                         .calls = 12,
                                         .failures = 9,
                                         .success_per_million = 250000,
                                         .p50_us = 51499,
                                         .p95_us = 99500,
                                         .p99_us = 2000000,
                                         .why = "5 failures in a row: connect_refused"};
    all[1].cost = cheap;
    all[1].health.state = HEALTH_HALF_OPEN;
    struct rule_set *rules =
        rules_of("rule \"a \\\"b\\\"\" when method == card { by cost } default { use paypal }");
    struct route_facts facts = facts_of("EUR", 1000);
    struct route_decision decision;
    struct buf out;
    char expected[1200];
    char hex[65] = "";
    buf_init(&out, 4096);
    route_decide(rules, &facts, all, 2, 42, &decision);
    route_decision_print(&decision, all, &out);
    for (size_t i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", rule_set_hash(rules)[i]);
    }
    snprintf(expected, sizeof(expected),
             "{\"rule\":\"a \\\"b\\\"\",\"rule_set\":\"%s\",\"draw\":\"42\",\"order\":\"cost\","
             "\"candidates\":[{\"provider\":\"payoneer\",\"account\":\"b\",\"kept\":true,"
             "\"probe\":true,\"expected_fee\":10,\"fees\":\"%s\","
             "\"health\":{\"state\":\"half_open\",\"calls\":0,"
             "\"success_per_million\":1000000,\"p50_ms\":0,\"p95_ms\":0,\"p99_ms\":0}},"
             "{\"provider\":\"paypal\",\"account\":\"the \\\"main\\\" one\",\"kept\":false,"
             "\"dropped\":\"breaker_open\",\"expected_fee\":null,\"health\":{\"state\":\"open\","
             "\"calls\":12,\"success_per_million\":250000,\"p50_ms\":51,\"p95_ms\":100,"
             "\"p99_ms\":2000,\"why\":\"5 failures in a row: connect_refused\"}}]}",
             hex, cost_table_hex(cheap));
    assert_str(buf_str(&out), expected);
    buf_release(&out);
    rule_set_free(&rules);
    cost_table_free(&cheap);
}

/* The moment belongs to the explanation only where some rule asked what time it is. */
static void the_moment_is_kept_where_a_rule_asks_for_it(void **state)
{
    (void)state;
    struct rule_set *dear = rules_of(
        "rule \"dear\" when amount as USD > 5.00 USD { use paypal } default { use payoneer }");
    struct rule_set *night = rules_of(
        "rule \"night\" when time in 22:00..06:00 { use paypal } default { use payoneer }");
    struct route_facts facts = facts_of("EUR", 1000);
    struct route_decision decision;
    facts.now_us = 77;
    route_decide(dear, &facts, NULL, 0, 0, &decision);
    assert_int_equal(decision.now_us, 0);
    route_decide(night, &facts, NULL, 0, 0, &decision);
    assert_int_equal(decision.now_us, 77);
    assert_str(decision.rule, "night");
    rule_set_free(&dear);
    rule_set_free(&night);
}

static bool says(const struct buf *out, const char *text)
{
    return str_find(buf_str(out), str_of(text), 0) != SIZE_MAX;
}

/* A single outcome is known, and so is a millionth; nothing is said of what is not known. */
static void what_is_known_of_an_account_is_printed_from_the_first_on(void **state)
{
    (void)state;
    static const char *const known =
        "\"p99_ms\":0,\"outcomes\":1,\"basis\":\"hour\",\"declined_per_million\":1,"
        "\"unknown_per_million\":1,\"decisions\":1,\"slow\":true,\"away_per_million\":1}";
    struct route_candidate candidate = candidate_of("paypal", "main");
    struct rule_set *rules = rules_of("default { use paypal failover at most 1 within 1ms }");
    struct route_facts facts = facts_of("EUR", 1000);
    struct route_decision decision;
    struct buf out;
    buf_init(&out, 4096);
    route_decide(rules, &facts, &candidate, 1, 0, &decision);
    route_decision_print(&decision, &candidate, &out);
    assert_true(says(&out, "\"p99_ms\":0}"));
    assert_true(says(&out, "\"order\":\"list\",\"tries_max\":1,\"within_ms\":1,\"candidates\""));
    buf_release(&out);
    buf_init(&out, 4096);
    candidate.health.outcomes = 1;
    candidate.health.basis = HEALTH_BASIS_HOUR;
    candidate.health.declined_per_million = 1;
    candidate.health.unknown_per_million = 1;
    candidate.health.decisions = 1;
    candidate.health.is_slow = true;
    candidate.health.away_per_million = 1;
    decision.now_us = 1;
    decision.split_bits = 1;
    route_decision_print(&decision, &candidate, &out);
    assert_true(says(&out, known));
    assert_true(says(&out, "\"order\":\"list\",\"split\":\"1\",\"at_us\":1,\"tries_max\":1,"));
    buf_release(&out);
    rule_set_free(&rules);
}

/* P6: the same inputs give the same bytes, also from a rule set loaded again. */
static void the_same_inputs_give_the_same_decision(void **state)
{
    (void)state;
    static const char text[] =
        "rule \"a\" when amount > 5.00 EUR { by cost } default { use payoneer, paypal }";
    struct cost_table *cheap = table_of(CHEAP);
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < 500; i++) {
        struct route_candidate all[ROUTE_CANDIDATE_MAX];
        size_t count = rng_below(&rng, ROUTE_CANDIDATE_MAX + 1);
        for (size_t k = 0; k < count; k++) {
            all[k] = candidate_of(rng_below(&rng, 2) ? "paypal" : "payoneer", "x");
            all[k].disabled = rng_below(&rng, 4) == 0;
            all[k].cost = rng_below(&rng, 2) ? cheap : NULL;
            all[k].health.state = (enum health_state)rng_below(&rng, HEALTH_STATE_COUNT);
            all[k].health.may_try = rng_below(&rng, 2);
        }
        struct route_facts facts = facts_of("EUR", (int64_t)rng_below(&rng, 1000));
        uint64_t draw = rng_next(&rng);
        struct buf out[2];
        for (int k = 0; k < 2; k++) {
            struct route_decision decision;
            struct rule_set *rules = rules_of(text);
            memset(&decision, k == 0 ? 0 : 0xFF, sizeof(decision));
            route_decide(rules, &facts, all, count, draw, &decision);
            buf_init(&out[k], 65536);
            route_decision_print(&decision, all, &out[k]);
            rule_set_free(&rules);
            size_t seen = 0; /* every candidate once, kept ones first */
            for (size_t n = 0; n < decision.count; n++) {
                seen |= (size_t)1 << decision.verdict[n].candidate;
                assert_int_equal(decision.verdict[n].drop == ROUTE_KEPT, n < decision.kept_count);
            }
            assert_int_equal(seen, ((size_t)1 << count) - 1);
        }
        assert_true(str_eq(buf_str(&out[0]), buf_str(&out[1])));
        buf_release(&out[0]);
        buf_release(&out[1]);
    }
    cost_table_free(&cheap);
}

static void the_example_loads_and_prefers_the_cheapest(void **state)
{
    (void)state;
    char text[8192] = "";
    FILE *file = fopen("config/example.rules", "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    assert_true(len > 0);
    struct rule_set *rules = rules_of(text);
    rule_set_free(&rules);
    /* Its commented rules, too. */
    struct buf plain;
    buf_init(&plain, sizeof(text));
    for (struct str rest = str_of(text); rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        bool is_rule = str_starts(line, STR("#   "));
        if (is_rule || !str_starts(line, STR("#"))) {
            buf_add_str(&plain, str_sub(line, is_rule ? 1 : 0, line.len));
            buf_add_char(&plain, '\n');
        }
    }
    buf_add_char(&plain, '\0');
    rules = rules_of(plain.at);
    buf_release(&plain);
    assert_int_equal(rule_set_rule_count(rules), 4);
    rule_set_free(&rules);
}

/* What stands between the next pair of fences after `opening`; terminated in place. */
static char *fenced(char *text, const char *opening)
{
    char *from = strstr(text, opening);
    assert_non_null(from);
    from += strlen(opening);
    char *to = strstr(from, "\n```");
    assert_non_null(to);
    *to = '\0';
    return from;
}

static char *page_of(const char *path)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void the_page_for_rule_writers_is_true(void **state)
{
    (void)state;
    char *text = page_of("docs/rules.md");
    for (int drop = ROUTE_KEPT + 1; drop < ROUTE_DROP_COUNT; drop++) {
        char word[40];
        snprintf(word, sizeof(word), "`%s`", route_drop_name((enum route_drop)drop));
        if (strstr(text, word) == NULL) {
            fail_msg("docs/rules.md does not explain %s", word);
        }
    }
    struct rule_set *rules = rules_of(fenced(text, "\n```rules\n"));
    assert_int_equal(rule_set_rule_count(rules), 3);
    rule_set_free(&rules);
    struct error err = {.text = ""};
    unsigned line = 0;
    text = page_of("docs/fees.md");
    struct cost_table *table = table_of(fenced(text, "contract says).\n\n```json"));
    cost_table_free(&table);
    text = page_of("docs/fees.md");
    struct rates *rates = rates_new(str_of(fenced(text, "yours:\n\n```json")), &line, &err);
    assert_non_null(rates);
    rates_free(&rates);
}

/* More amounts than intervals: several share one, and each is still told from its neighbours. */
static void each_of_a_thousand_amounts_has_its_rule(void **state)
{
    (void)state;
    enum { AMOUNTS = 1000 };
    struct buf text;
    struct error err;
    char name[24];
    buf_init(&text, 1 << 18);
    for (int i = 0; i < AMOUNTS; i++)
        buf_printf(&text, "rule \"%d\" when amount == %d.00 EUR { use paypal }\n", i, 2 * i);
    buf_printf(&text, "default { by cost }");
    struct rule_set *rules = rule_set_new(buf_str(&text), providers_known, 4, &err);
    assert_non_null(rules);
    for (int i = 0; i < AMOUNTS; i++) {
        struct route_facts facts = facts_of("EUR", 200LL * i);
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_str(rule_for(rules, &facts), name);
        facts.amount_minor++;
        assert_str(rule_for(rules, &facts), "default");
    }
    buf_release(&text);
    rule_set_free(&rules);
}

/* A guard against a slow path in the request, not a benchmark: twenty times what it takes. */
static void twenty_rules_take_a_few_microseconds(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 65536);
    for (int i = 0; i < 20; i++) {
        buf_printf(&text,
                   "rule \"%d\" when country in [AT, CH, FR] and amount > %d.00 EUR or "
                   "metadata.tier == \"t%d\" { use paypal }\n",
                   i, i, i);
    }
    buf_printf(&text, "default { by cost }");
    struct error err;
    struct rule_set *rules = rule_set_new(buf_str(&text), providers_known, 4, &err);
    assert_non_null(rules);
    struct cost_table *cheap = table_of(CHEAP);
    struct route_candidate all[] = {candidate_of("paypal", "a"), candidate_of("payoneer", "a")};
    all[0].cost = cheap;
    all[1].cost = cheap;
    struct route_facts facts = facts_of("EUR", 1000);
    struct timespec from, to;
    enum { ROUNDS = 20000 };
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
    for (int i = 0; i < ROUNDS; i++) {
        struct route_decision decision;
        route_decide(rules, &facts, all, 2, 0, &decision);
        assert_int_equal(decision.kept_count, 2);
    }
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
    int64_t ns = (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
    print_message("%lld ns a decision\n", (long long)(ns / ROUNDS));
    assert_true(ns / ROUNDS < 50000);
    buf_release(&text);
    cost_table_free(&cheap);
    rule_set_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_keep_their_order_and_drop_the_rest),
        cmocka_unit_test(cost_orders_by_fee_then_list_and_unknown_last),
        cmocka_unit_test(a_fee_unknown_in_this_currency_sorts_last),
        cmocka_unit_test(reasons_are_told_in_their_order),
        cmocka_unit_test(drop_names_are_unique_words),
        cmocka_unit_test(limits_only_and_never_have_sharp_borders),
        cmocka_unit_test(who_is_dropped_afterwards_goes_before_those_that_were),
        cmocka_unit_test(breakers_drop_but_leave_room_for_a_probe),
        cmocka_unit_test(slow_accounts_go_behind_but_for_the_one_that_finds_out),
        cmocka_unit_test(an_account_that_comes_back_is_passed_by_as_the_draw_says),
        cmocka_unit_test(no_candidates_give_an_empty_decision),
        cmocka_unit_test(the_json_says_everything),
        cmocka_unit_test(the_moment_is_kept_where_a_rule_asks_for_it),
        cmocka_unit_test(what_is_known_of_an_account_is_printed_from_the_first_on),
        cmocka_unit_test(the_same_inputs_give_the_same_decision),
        cmocka_unit_test(the_example_loads_and_prefers_the_cheapest),
        cmocka_unit_test(the_page_for_rule_writers_is_true),
        cmocka_unit_test(each_of_a_thousand_amounts_has_its_rule),
        cmocka_unit_test(twenty_rules_take_a_few_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
