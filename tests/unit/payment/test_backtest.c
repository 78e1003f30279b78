/* backtest.h and estimate.h: histories whose truth is known. The long form: make router-backtest-trials */
#include "tests/router/trial.h"

#include <math.h>

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    PAYMENTS = 6000,
    TRIALS = 10,
    PAGE_MAX = 1 << 20,
};

static struct backtest backtest;
static struct trial trial;

static void ask(const char *rules, bool by_account)
{
    struct error err = {.text = ""};
    struct rule_set *set = rule_set_new(str_of(rules), trial_peers, TRIAL_PEERS, &err);
    assert_non_null(set);
    struct backtest_input input = {
        .past = trial.past,
        .account = trial.account,
        .account_count = TRIAL_PEERS,
        .rules = set,
        .since_us = past_payment(trial.past, 0)->created_us,
        .by_account = by_account,
    };
    assert_true(backtest_run(&input, &backtest, &err));
    rule_set_free(&set);
}

/* ---- estimate ---- */

static void equal_weights_give_wilsons_interval(void **state)
{
    (void)state;
    static struct estimate_sums sums;
    memset(&sums, 0, sizeof(sums));
    for (uint64_t i = 0; i < 10000; i++)
        estimate_add(&sums, i, 1, i % 10 != 0);
    struct estimate estimate = estimate_read(&sums);
    assert_true(estimate.is_known);
    assert_true(fabs(estimate.rate - 0.9) < 1e-9);
    assert_true(fabs(estimate.low - 0.8940) < 0.002); /* Wilson's, of 9,000 of 10,000 */
    assert_true(fabs(estimate.high - 0.9057) < 0.002);
}

static void what_hangs_together_counts_once(void **state)
{
    (void)state;
    static struct estimate_sums apart;
    static struct estimate_sums together;
    struct rng rng;
    rng_seed(&rng, 7);
    memset(&apart, 0, sizeof(apart));
    memset(&together, 0, sizeof(together));
    for (uint64_t i = 0; i < 10000; i++) {
        bool success = rng_below(&rng, 10) != 0;
        for (uint64_t k = 0; k < 10; k++) {
            estimate_add(&apart, i * 10 + k, 1, success);
            estimate_add(&together, i, 1, success);
        }
    }
    struct estimate narrow = estimate_read(&apart);
    struct estimate wide = estimate_read(&together);
    assert_true((wide.high - wide.low) > 2.5 * (narrow.high - narrow.low));
}

static void a_few_payments_say_nothing(void **state)
{
    (void)state;
    static struct estimate_sums sums;
    memset(&sums, 0, sizeof(sums));
    for (uint64_t i = 0; i + 1 < ESTIMATE_PAYMENTS_MIN; i++)
        estimate_add(&sums, i, 1, true);
    assert_false(estimate_read(&sums).is_known);
    estimate_add(&sums, 0, 0, false); /* no weight: no word */
    assert_false(estimate_read(&sums).is_known);
    estimate_add(&sums, 1000, 1, true);
    struct estimate estimate = estimate_read(&sums);
    assert_true(estimate.is_known && estimate.low < 0.95); /* never sure */
}

/* ---- whole backtests ---- */

static void the_truth_is_inside_what_is_stated(void **state)
{
    (void)state;
    unsigned inside = 0;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct trial_result result = trial_run(seed, PAYMENTS, &backtest);
        inside += result.is_inside ? 1 : 0;
        if (!result.is_inside)
            print_message("outside: make router-backtest-trials SEED=%llu TRIALS=1 PAYMENTS=%d\n",
                          (unsigned long long)seed, PAYMENTS);
        assert_true(result.fee_error < 0.03); /* tiers: a few payments make a month uneven */
        assert_true(result.unknown_error < 0.02);
        assert_true(backtest.now_first.high - backtest.now_first.low < 0.12);
    }
    assert_true(inside >= TRIALS - 1);
}

static void the_same_rules_change_nothing(void **state)
{
    (void)state;
    struct buf text;
    for (uint64_t seed = 21; seed < 25; seed++) { /* with and without a key */
        trial_open(&trial, seed);
        trial_fill(&trial, PAYMENTS);
        buf_init(&text, 1 << 16);
        trial_write(trial.was, trial.is_sticky, &text);
        buf_add_char(&text, '\0');
        ask(text.at, false);
        assert_int_equal(backtest.payments, PAYMENTS);
        assert_int_equal(backtest.changed, 0);
        assert_int_equal(backtest.unknown_millionths, 0);
        for (size_t i = 0; i < backtest.fees_count; i++) {
            double was = (double)backtest.fees[i].was_minor;
            assert_true(fabs((double)backtest.fees[i].now_minor / was - 1) < 0.03);
        }
        assert_true(fabs(backtest.was_first.rate - backtest.now_first.rate) < 0.01);
        buf_release(&text);
        trial_close(&trial);
    }
}

/* All went to one of them by a list: of the others nothing is known, however many went there. */
static void what_chance_did_not_choose_is_unknown(void **state)
{
    (void)state;
    trial_open(&trial, 31);
    for (size_t s = 0; s < TRIAL_SEGMENTS; s++) {
        memset(&trial.was[s], 0, sizeof(trial.was[s]));
        trial.was[s].share[s < TRIAL_METHODS ? 1 : 0] = 100; /* Germany: beta; else alpha */
    }
    rule_set_free(&trial.rules_was);
    trial.rules_was = trial_rules(trial.was, false);
    trial_fill(&trial, PAYMENTS);
    ask("otherwise { use beta, alpha }", false);
    assert_true(backtest.side[1].was > 0 && backtest.side[1].was < PAYMENTS);
    assert_int_equal(backtest.unknown_millionths / 1000000, backtest.side[0].was);
    assert_int_equal(backtest.changed, backtest.side[0].was);
    assert_int_equal(backtest.now_first.payments, backtest.side[1].was_success.payments);
    double low = 0;
    double high = 0;
    backtest_bounds(&backtest, &low, &high);
    assert_true(high - low > 0.7); /* three quarters are unknown */
    ask("otherwise { use gamma }", false);
    assert_int_equal(backtest.unknown_millionths / 1000000, PAYMENTS);
    assert_false(backtest.now_first.is_known);
    backtest_bounds(&backtest, &low, &high);
    assert_true(low == 0 && high == 1);
    trial_close(&trial);
}

static void add_split(int64_t at_us, size_t peer, enum outcome outcome)
{
    struct past_payment *payment = past_add(trial.past);
    const struct backtest_account *account = &trial.account[peer];
    uint64_t number = past_count(trial.past);
    memcpy(payment->payment_id.byte + 8, &number, sizeof(number));
    payment->created_us = at_us;
    payment->amount_minor = 1000;
    payment->currency = (uint16_t)currency_index(currency_find(STR("EUR")));
    payment->operation = OPERATION_SALE;
    payment->account = past_keep_account(trial.past, &account->merchant_id, &account->account_id);
    payment->paid = payment->account;
    payment->attempts = 1;
    payment->rule = past_keep(trial.past, STR("the rule"));
    payment->is_split = true;
    payment->first = (uint8_t)outcome;
    payment->final = payment->first;
}

/* While alpha is down, beta gets nearly all, in hours in which it approves less itself: not more often
 * than there are such hours may that count. */
static void an_outage_of_one_does_not_weigh_on_the_other(void **state)
{
    (void)state;
    trial_open(&trial, 71);
    for (int64_t hour = 0; hour < 40; hour++) {
        int64_t at_us = (INT64_C(480000) + hour) * 3600 * CLOCK_SECOND_US;
        bool is_down = hour % 4 == 0;
        for (int64_t i = 0; i < (is_down ? 20 : 55); i++)
            add_split(at_us + i, 0, is_down ? OUTCOME_FAILED : OUTCOME_APPROVED);
        for (int64_t i = 0; i < (is_down ? 90 : 55); i++)
            add_split(at_us + 100 + i, 1,
                      i % 10 < (is_down ? 2 : 9) ? OUTCOME_APPROVED : OUTCOME_DECLINED_HARD);
    }
    past_sort(trial.past);
    ask("otherwise { use beta, alpha }", false);
    assert_true(fabs(backtest.now_first.rate - (0.25 * 0.2 + 0.75 * 0.9)) < 0.01);
    /* It was down: nobody would have gone there. */
    ask("otherwise { use alpha, beta }", false);
    assert_int_equal(backtest.side[1].now_millionths / 1000000, 10 * 110);
    assert_int_equal(backtest.unknown_millionths, 0);
    trial_close(&trial);
}

static void a_rule_that_declines_succeeds_for_nobody(void **state)
{
    (void)state;
    trial_open(&trial, 41);
    trial_fill(&trial, PAYMENTS);
    ask("otherwise { decline \"no\" }", false);
    assert_int_equal(backtest.declined, PAYMENTS);
    assert_int_equal(backtest.nobody, 0);
    assert_int_equal(backtest.unknown_millionths, 0);
    assert_true(backtest.now_first.is_known && backtest.now_first.rate == 0);
    ask("otherwise { use alpha; never alpha }", false);
    assert_int_equal(backtest.nobody, PAYMENTS);
    trial_close(&trial);
}

static void tiers_follow_what_would_be_taken(void **state)
{
    (void)state;
    trial_open(&trial, 51);
    trial_fill(&trial, PAYMENTS);
    ask("otherwise { use beta }", false);
    int64_t all = 0;
    for (size_t i = 0; i < backtest.fees_count; i++) {
        const struct backtest_fees *fees = &backtest.fees[i];
        if (strcmp(fees->currency->code, "EUR") != 0)
            continue;
        int64_t dear = fees->amount_minor * 34 / 1000 + 10 * fees->payments;
        int64_t cheap = fees->amount_minor * 26 / 1000 + 10 * fees->payments;
        all = fees->payments;
        /* Some at the first tier, some at the second. */
        assert_true(fees->now_minor < dear - (dear - cheap) / 5);
        assert_true(fees->now_minor > cheap + (dear - cheap) / 5);
    }
    assert_true(all > 0);
    trial_close(&trial);
}

/* ---- how it is shown ---- */

static void the_page_stands_alone(void **state)
{
    (void)state;
    struct buf page;
    struct buf json;
    struct error err = {.text = ""};
    trial_open(&trial, 61);
    trial.account[1].name = STR("<b>\"&");
    trial_fill(&trial, PAYMENTS);
    ask("rule \"x\" when country == DE { use gamma } otherwise { split 50% alpha, 50% beta }",
        true);
    buf_init(&page, PAGE_MAX);
    buf_init(&json, PAGE_MAX);
    backtest_print_page(&backtest, STR("<rules>"), &page);
    backtest_print_json(&backtest, &json);
    assert_true(buf_is_ok(&page) && buf_is_ok(&json));
    assert_int_equal(str_find(buf_str(&page), STR("http"), 0), SIZE_MAX);
    assert_int_equal(str_find(buf_str(&page), STR("<script"), 0), SIZE_MAX);
    assert_int_equal(str_find(buf_str(&page), STR("<b>\"&"), 0), SIZE_MAX);
    assert_true(str_find(buf_str(&page), STR("beta:&lt;b&gt;&quot;&amp;"), 0) != SIZE_MAX);
    assert_true(str_find(buf_str(&page), STR("&lt;rules&gt;"), 0) != SIZE_MAX);
    assert_int_equal(str_find(buf_str(&page), STR("nan"), 0), SIZE_MAX);
    const struct json_limits limits = {32, 100000, 100000};
    json_t *read = json_parse(buf_str(&json), &limits, &err);
    assert_non_null(read);
    int64_t payments = 0;
    assert_true(json_path_int64(read, "payments", &payments));
    assert_int_equal(payments, PAYMENTS);
    json_decref(read);
    buf_release(&page);
    buf_release(&json);
    trial_close(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_weights_give_wilsons_interval),
        cmocka_unit_test(what_hangs_together_counts_once),
        cmocka_unit_test(a_few_payments_say_nothing),
        cmocka_unit_test(the_truth_is_inside_what_is_stated),
        cmocka_unit_test(the_same_rules_change_nothing),
        cmocka_unit_test(what_chance_did_not_choose_is_unknown),
        cmocka_unit_test(an_outage_of_one_does_not_weigh_on_the_other),
        cmocka_unit_test(a_rule_that_declines_succeeds_for_nobody),
        cmocka_unit_test(tiers_follow_what_would_be_taken),
        cmocka_unit_test(the_page_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
