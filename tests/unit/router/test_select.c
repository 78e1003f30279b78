/*
 * test_select.c - what a block makes of the candidates: sieves, orders, splits, shadows.
 */
#include "support.h"

enum { PEERS = 4 };

struct scene {
    struct route_candidate candidate[PEERS];
    struct route_facts facts;
    struct route_decision decision;
};

static struct scene scene_of(void)
{
    struct scene scene = {.facts = facts_of("EUR", 10000)};
    static const char *const names[PEERS] = {"paypal", "payoneer", "rebilly", "spreedly"};
    for (size_t i = 0; i < PEERS; i++)
        scene.candidate[i] = candidate_of(names[i], "main");
    return scene;
}

/* "0213": the kept ones in their order, after deciding. */
static const char *decide(struct scene *scene, const char *block, uint64_t draw)
{
    static char order[PEERS + 1];
    char text[1024];
    snprintf(text, sizeof(text), "otherwise { %s }", block);
    struct rule_set *rules = rules_of(text);
    route_decide(rules, &scene->facts, scene->candidate, PEERS, draw, &scene->decision);
    for (size_t i = 0; i < scene->decision.kept_count; i++)
        order[i] = (char)('0' + scene->decision.verdict[i].candidate);
    order[scene->decision.kept_count] = '\0';
    scene->decision.rule = STR_NONE; /* it dies with the rules */
    rule_set_free(&rules);
    return order;
}

static enum route_drop drop_of(const struct scene *scene, uint8_t candidate)
{
    for (size_t i = 0; i < scene->decision.count; i++) {
        if (scene->decision.verdict[i].candidate == candidate)
            return scene->decision.verdict[i].drop;
    }
    return ROUTE_DROP_COUNT;
}

static void sieves_drop_and_put_back(void **state UNUSED)
{
    struct scene scene = scene_of();
    scene.candidate[1].health.success_per_million = 899999;
    scene.candidate[2].health.p95_us = 2000000;
    assert_string_equal(decide(&scene, "use paypal, payoneer, rebilly only rebilly, paypal", 0),
                        "02");
    assert_int_equal(drop_of(&scene, 1), ROUTE_RULE_ONLY);
    assert_int_equal(drop_of(&scene, 3), ROUTE_NOT_IN_RULE);
    assert_string_equal(decide(&scene, "use paypal, payoneer never paypal:main", 0), "1");
    assert_int_equal(drop_of(&scene, 0), ROUTE_RULE_NEVER);
    assert_string_equal(decide(&scene, "use paypal, payoneer never paypal:other", 0), "01");
    assert_string_equal(decide(&scene, "use payoneer, paypal avoid payoneer", 0), "01");
    assert_string_equal(
        decide(&scene, "use payoneer, rebilly, paypal avoid where success_rate < 90%", 0), "201");
    assert_string_equal(decide(&scene,
                               "use payoneer, rebilly, paypal only where success_rate >= "
                               "90% and latency < 2s",
                               0),
                        "0");
    assert_string_equal(decide(&scene, "use paypal, payoneer never where provider == payoneer", 0),
                        "0");
    /* What is avoided goes before what is unwell. */
    scene.candidate[0].health.is_slow = true;
    scene.candidate[0].health.may_try = false;
    assert_string_equal(decide(&scene, "use paypal, payoneer avoid payoneer", 0), "10");
}

static void orders_are_by_what_they_say(void **state UNUSED)
{
    struct scene scene = scene_of();
    struct error err = {.text = ""};
    struct cost_table *dear = cost_table_new(STR("{\"percent\":\"5.00\",\"default\":{}}"), &err);
    struct cost_table *cheap = cost_table_new(STR("{\"percent\":\"1.00\",\"default\":{}}"), &err);
    assert_non_null(dear);
    assert_non_null(cheap);
    scene.candidate[0].cost = dear;
    scene.candidate[1].cost = cheap;
    scene.candidate[2].cost = cheap;
    scene.candidate[0].health.success_per_million = 950000;
    scene.candidate[1].health.success_per_million = 600000;
    scene.candidate[2].health.success_per_million = 900000;
    scene.candidate[3].health.success_per_million = 990000;
    for (int i = 0; i < PEERS; i++)
        scene.candidate[i].health.p95_us = (i ^ 2) * 1000 + 1;
    assert_string_equal(decide(&scene, "by cost", 0), "1203");
    assert_string_equal(decide(&scene, "by cost of rebilly, payoneer", 0), "21");
    assert_string_equal(decide(&scene, "by success", 0), "3021");
    assert_string_equal(decide(&scene, "by latency", 0), "2301");
    /* 10 %: paypal .95 x 5.00 = 4.75, payoneer .6 x 9 = 5.4, rebilly .9 x 9 = 8.1; spreedly unknown. */
    assert_string_equal(decide(&scene, "by value with margin 10%", 0), "2103");
    /* A failure for 20.00 EUR: 4.75 - 1.00, 5.4 - 8.0, 8.1 - 2.0. */
    assert_string_equal(decide(&scene, "by value with margin 10% and failure 20.00 EUR", 0),
                        "2013");
    cost_table_free(&dear);
    cost_table_free(&cheap);
}

static void a_split_keeps_its_shares_and_gives_on_what_is_dropped(void **state UNUSED)
{
    struct scene scene = scene_of();
    const char *block = "split 50% paypal, 30% payoneer, 20% rebilly";
    for (int dropped = -1; dropped < 2; dropped++) {
        unsigned first[PEERS] = {0};
        for (int i = 0; i < PEERS; i++)
            scene.candidate[i].disabled = i == dropped;
        enum { DRAWS = 3000 };
        for (uint64_t draw = 0; draw < DRAWS; draw++)
            first[decide(&scene, block, draw)[0] - '0']++;
        /* Without paypal, payoneer has 30 of 50; without payoneer, paypal 50 of 70. */
        static const double wanted[3][3] = {
            {0.5, 0.3, 0.2}, {0, 0.6, 0.4}, {50.0 / 70, 0, 20.0 / 70}};
        for (int i = 0; i < 3; i++) {
            double share = first[i] / (double)DRAWS;
            if (share < wanted[dropped + 1][i] - 0.04 || share > wanted[dropped + 1][i] + 0.04)
                fail_msg("without %d, %d has %f", dropped, i, share);
        }
    }
}

static void a_sticky_split_depends_on_its_key_alone(void **state UNUSED)
{
    struct scene scene = scene_of();
    char customer[32];
    unsigned first[PEERS] = {0};
    for (int i = 0; i < 1000; i++) {
        snprintf(customer, sizeof(customer), "cus_%d", i);
        scene.facts.customer = str_of(customer);
        char before[PEERS + 1];
        (void)snprintf(before, sizeof(before), "%s",
                       decide(&scene, "split 50% paypal, 50% payoneer by customer", 1));
        for (uint64_t draw = 2; draw < 5; draw++)
            assert_string_equal(decide(&scene, "split 50% paypal, 50% payoneer by customer", draw),
                                before);
        first[before[0] - '0']++;
    }
    assert_in_range(first[0], 430, 570);
    scene.facts.customer = STR_NONE; /* nothing to stick to: the draw decides */
    unsigned again[PEERS] = {0};
    for (uint64_t draw = 0; draw < 1000; draw++)
        again[decide(&scene, "split 50% paypal, 50% payoneer by customer", draw)[0] - '0']++;
    assert_in_range(again[0], 430, 570);
}

static void a_decline_keeps_nobody_and_says_why(void **state UNUSED)
{
    struct scene scene = scene_of();
    struct rule_set *rules = rules_of("otherwise { decline \"not sold there\" }");
    route_decide(rules, &scene.facts, scene.candidate, PEERS, 0, &scene.decision);
    assert_int_equal(scene.decision.kept_count, 0);
    assert_str(scene.decision.declined, "not sold there");
    assert_int_equal(drop_of(&scene, 2), ROUTE_RULE_DECLINED);
    rule_set_free(&rules);
}

static void failover_has_a_depth_and_a_time(void **state UNUSED)
{
    struct scene scene = scene_of();
    (void)decide(&scene, "use paypal, payoneer failover at most 2 within 8s", 0);
    assert_int_equal(scene.decision.depth_max, 2);
    assert_int_equal(scene.decision.within_us, 8000000);
    (void)decide(&scene, "use paypal, payoneer failover none", 0);
    assert_int_equal(scene.decision.depth_max, 1);
    (void)decide(&scene, "use paypal, payoneer", 0);
    assert_int_equal(scene.decision.depth_max, 0);
}

static void a_shadow_is_decided_and_not_acted_on(void **state UNUSED)
{
    struct scene scene = scene_of();
    assert_string_equal(
        decide(&scene, "use paypal, payoneer shadow { use rebilly, paypal never paypal }", 0),
        "01");
    assert_true(scene.decision.shadow.is_given);
    assert_int_equal(scene.decision.shadow.count, 1);
    assert_int_equal(scene.decision.shadow.candidate[0], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sieves_drop_and_put_back),
        cmocka_unit_test(orders_are_by_what_they_say),
        cmocka_unit_test(a_split_keeps_its_shares_and_gives_on_what_is_dropped),
        cmocka_unit_test(a_sticky_split_depends_on_its_key_alone),
        cmocka_unit_test(a_decline_keeps_nobody_and_says_why),
        cmocka_unit_test(failover_has_a_depth_and_a_time),
        cmocka_unit_test(a_shadow_is_decided_and_not_acted_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
