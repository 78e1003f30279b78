/*
 * test_health_rates.c - what became of payments, what opened a breaker, and what other hosts say.
 */
#include "health_world.h"

#include <stdlib.h>

static void what_opened_it_is_kept(void **state)
{
    struct world *world = *state;
    struct health_history history;
    fail_open(world);
    int64_t opened_us = world->now_us;
    world->now_us += 5 * S;
    assert_true(health_take_probe(world->health, world->entry, world->now_us));
    call(world, HEALTH_SUCCESS, 80 * MS);
    world->now_us += 3600 * (int64_t)S;
    health_read_history(world->health, world->entry, world->now_us, &history);
    assert_int_equal(history.opening_count, 1);
    assert_string_equal(history.opening[0].text, "5 failures in a row: connect_refused");
    assert_int_equal(history.opening[0].at_us, opened_us);
    assert_int_equal(history.opening[0].length_us, 5 * S);
    assert_int_equal(history.failure_count, 5);
    assert_string_equal(history.failure[4].text, "connect_refused");
    for (int i = 0; i < 10; i++) { /* the eight newest */
        fail_open(world);
        world->now_us += 120 * (int64_t)S;
        assert_true(health_take_probe(world->health, world->entry, world->now_us));
        call(world, HEALTH_SUCCESS, 80 * MS);
        world->now_us += 120 * (int64_t)S;
    }
    health_read_history(world->health, world->entry, world->now_us, &history);
    assert_int_equal(history.opening_count, TRAIL_MAX);
    assert_true(history.opening[0].at_us > history.opening[7].at_us);
}

static void another_hosts_breaker_makes_alert_and_no_more(void **state)
{
    struct world *world = *state;
    health_hint(world->entry, STR("host b: open"), world->now_us, world->now_us + 10 * S);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    call(world, HEALTH_NOT_SENT, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_CLOSED);
    call(world, HEALTH_NOT_SENT, 1 * MS);
    assert_int_equal(look(world).state, HEALTH_OPEN);
}

static void an_old_hint_is_forgotten(void **state)
{
    struct world *world = *state;
    struct health_history history;
    health_hint(world->entry, STR("host b: open"), world->now_us, world->now_us + 10 * S);
    health_read_history(world->health, world->entry, world->now_us + S, &history);
    assert_string_equal(history.hint, "host b: open");
    assert_int_equal(history.hint_age_us, S);
    world->now_us += 10 * S;
    health_read_history(world->health, world->entry, world->now_us, &history);
    assert_string_equal(history.hint, "");
    for (int i = 0; i < 4; i++) {
        call(world, HEALTH_NOT_SENT, 1 * MS);
        assert_int_equal(look(world).state, HEALTH_CLOSED);
    }
}

static void outcomes(struct world *world, enum operation operation, const char *currency,
                     enum outcome outcome, int count)
{
    for (int i = 0; i < count; i++) {
        health_outcome(world->health, world->entry, operation, currency_find(str_of(currency)),
                       outcome, world->now_us);
    }
}

static struct health_view look_for(struct world *world, enum operation operation,
                                   const char *currency)
{
    struct health_view view;
    health_read_for(world->health, world->entry, operation, currency_find(str_of(currency)),
                    world->now_us, &view);
    return view;
}

static void the_success_rate_is_that_of_the_operation_and_currency(void **state)
{
    struct world *world = *state;
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_APPROVED, 70);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_DECLINED_SOFT, 10);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_DECLINED_HARD, 10);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_UNKNOWN, 5);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_FAILED, 5);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_PENDING, 50); /* not yet anything */
    outcomes(world, OPERATION_SALE, "USD", OUTCOME_APPROVED, 100);
    outcomes(world, OPERATION_REFUND, "EUR", OUTCOME_FAILED, 100);
    struct health_view view = look_for(world, OPERATION_SALE, "EUR");
    assert_int_equal(view.basis, HEALTH_BASIS_RECENT);
    assert_int_equal(view.outcomes, 100);
    assert_int_equal(view.success_per_million, 700000);
    assert_int_equal(view.declined_per_million, 200000);
    assert_int_equal(view.unknown_per_million, 50000);
    assert_int_equal(look_for(world, OPERATION_SALE, "USD").success_per_million, 1000000);
    assert_int_equal(look_for(world, OPERATION_REFUND, "EUR").success_per_million, 0);
    assert_int_equal(look(world).outcomes, 300);
    assert_int_equal(look(world).success_per_million, 566666);
}

static void with_too_few_payments_a_wider_window_speaks(void **state)
{
    struct world *world = *state;
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").basis, HEALTH_BASIS_NONE);
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").success_per_million, 1000000);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_UNKNOWN, 1); /* 19 are missing: approved */
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").basis, HEALTH_BASIS_ACCOUNT);
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").success_per_million, 950000);
    outcomes(world, OPERATION_SALE, "USD", OUTCOME_APPROVED, 19);
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").basis, HEALTH_BASIS_OPERATION);
    outcomes(world, OPERATION_SALE, "EUR", OUTCOME_APPROVED, 19);
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").basis, HEALTH_BASIS_RECENT);
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").success_per_million, 950000);
    world->now_us += 300 * (int64_t)S;
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").basis, HEALTH_BASIS_HOUR);
    world->now_us += 3600 * (int64_t)S;
    assert_int_equal(look_for(world, OPERATION_SALE, "EUR").basis, HEALTH_BASIS_NONE);
}

/* Far more keys than places: what is used stays, what is not makes room, and nothing is mixed up. */
static void a_full_table_forgets_what_was_not_used_for_longest(void **state)
{
    struct world *world = *state;
    struct outcomes_table *table = calloc(1, sizeof(*table));
    struct outcomes_counts counts;
    const uint64_t busy = 77;
    assert_non_null(table);
    for (uint64_t n = 1; n <= 20000; n++) {
        world->now_us += 1000;
        outcomes_add(table, n << 20 | 5, OUTCOMES_DECLINED, world->now_us);
        outcomes_add(table, busy << 20, OUTCOMES_APPROVED, world->now_us);
    }
    outcomes_read(table, busy << 20, 60, world->now_us, &counts);
    assert_int_equal(counts.count[OUTCOMES_APPROVED], 20000);
    assert_int_equal(outcomes_sum(&counts), 20000);
    unsigned kept = 0;
    for (uint64_t n = 1; n <= 20000; n++) {
        outcomes_read(table, n << 20 | 5, 60, world->now_us, &counts);
        assert_true(outcomes_sum(&counts) <= 1);
        kept += outcomes_sum(&counts);
        assert_true(n <= 20000 - 3000 || outcomes_sum(&counts) == 1); /* the newest are there */
    }
    assert_int_equal(kept, OUTCOMES_ENTRY_MAX - 1);
    free(table);
}

static void decisions_are_counted_for_five_minutes(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 30; i++) {
        health_decided(world->entry, world->now_us);
        world->now_us += 10 * S;
    }
    assert_in_range(look(world).decisions, 29, 30);
    world->now_us += 300 * (int64_t)S;
    assert_int_equal(look(world).decisions, 0);
    assert_int_equal(share_per_million(1, 3), 333333);
    assert_int_equal(share_per_million(0, 0), 0);
}

/* What a decision costs that reads the health of four accounts; the bound is for slow machines. */
static void a_decision_with_four_health_reads_takes_microseconds(void **state)
{
    enum { ROUNDS = 100000 };
    struct world *world = *state;
    struct health_entry *entry[4];
    struct route_candidate candidate[4];
    struct rule_set *rules = rules_of("default { use paypal, payoneer }");
    const struct currency *euro = currency_find(STR("EUR"));
    for (unsigned i = 0; i < 4; i++) {
        struct uuid id = account_of(500 + i);
        entry[i] = health_find(world->health, &id);
        world->entry = entry[i];
        candidate[i] = candidate_of(i % 2 == 0 ? "paypal" : "payoneer", "main");
        candidate[i].account_id = id;
        for (int n = 0; n < 30; n++) {
            call(world, HEALTH_SUCCESS, 40 * MS);
            outcomes(world, OPERATION_SALE, "EUR", OUTCOME_APPROVED, 1);
            health_decided(entry[i], world->now_us);
        }
    }
    int64_t best_us = INT64_MAX;
    for (int tries = 0; tries < 5; tries++) {
        int64_t from_us = clock_mono_us();
        for (unsigned n = 0; n < ROUNDS; n++) {
            struct route_decision decision;
            struct route_facts facts = facts_of("EUR", 1000);
            for (unsigned i = 0; i < 4; i++) {
                health_read_for(world->health, entry[i], OPERATION_SALE, euro, world->now_us,
                                &candidate[i].health);
            }
            route_decide(rules, &facts, candidate, 4, n, &decision);
            assert_int_equal(decision.kept_count, 4);
        }
        int64_t took_us = clock_mono_us() - from_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    print_message("%d ns a decision with four health reads\n", (int)(best_us * 1000 / ROUNDS));
    assert_true(best_us < (int64_t)ROUNDS * 20);
    rule_set_free(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_opened_it_is_kept),
        TEST(another_hosts_breaker_makes_alert_and_no_more),
        TEST(an_old_hint_is_forgotten),
        TEST(the_success_rate_is_that_of_the_operation_and_currency),
        TEST(with_too_few_payments_a_wider_window_speaks),
        TEST(a_full_table_forgets_what_was_not_used_for_longest),
        TEST(decisions_are_counted_for_five_minutes),
        TEST(a_decision_with_four_health_reads_takes_microseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
