/*
 * trial.h - a history whose truth is known, backtested: each provider succeeds with a chance of its own
 * in each country and method, payments were routed by one random rule file, and another is asked about.
 *
 *     rules that were --route_decide--> first provider --chance--> outcome --> past --> backtest
 *     rules asked about ------------------ the chances themselves ----------> truth      |
 *                                                                               compared-+
 *
 * The truth is computed from the generator's own figures, not by what is tested: shares and lists as
 * they were written, chances, and fees along a month that passes as it would have.
 */
#ifndef TESTS_ROUTER_TRIAL_H
#define TESTS_ROUTER_TRIAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "payment/backtest.h"
#include "router/cost.h"

enum {
    TRIAL_PEERS = 3,
    TRIAL_COUNTRIES = 4,
    TRIAL_METHODS = 2,
    TRIAL_SEGMENTS = TRIAL_COUNTRIES * TRIAL_METHODS,
    TRIAL_CURRENCIES = 3,
    TRIAL_CUSTOMERS = 3000,
    TRIAL_DAYS = 60,
};

static const struct str trial_peers[TRIAL_PEERS] = {STR_INIT("alpha"), STR_INIT("beta"),
                                                    STR_INIT("gamma")};
static const char *const trial_countries[TRIAL_COUNTRIES] = {"DE", "US", "BR", "JP"};
static const char *const trial_methods[TRIAL_METHODS] = {"card", "wallet"};
static const char *const trial_currencies[TRIAL_CURRENCIES] = {"EUR", "USD", "JPY"};
static const char *const trial_fees[TRIAL_PEERS] = {
    "{\"name\":\"alpha\",\"country\":\"DE\",\"percent\":\"2.90\",\"cross_border_percent\":\"1.50\","
    "\"currencies\":{\"EUR\":{\"fixed\":\"0.35\"},\"USD\":{\"fixed\":\"0.30\"},\"JPY\":{\"fixed\":"
    "\"40\"}}}",
    "{\"name\":\"beta\",\"country\":\"US\",\"percent\":\"3.40\",\"volume\":{\"of\":\"month\"},"
    "\"currencies\":{\"EUR\":{\"fixed\":\"0.10\",\"tiers\":[{\"from\":\"50000.00\",\"percent\":"
    "\"2.60\"}]},\"USD\":{\"fixed\":\"0.10\",\"tiers\":[{\"from\":\"30000.00\",\"percent\":\"2."
    "10\"}]},"
    "\"JPY\":{\"fixed\":\"10\"}}}",
    "{\"name\":\"gamma\",\"country\":\"JP\",\"percent\":\"1.90\",\"currencies\":{\"EUR\":{"
    "\"fixed\":"
    "\"0.90\"},\"USD\":{\"fixed\":\"0.90\",\"max\":\"12.00\"},\"JPY\":{\"fixed\":\"90\",\"min\":"
    "\"120\"}}}",
};

struct trial_plan {              /* what a rule file does with one country and method */
    uint32_t share[TRIAL_PEERS]; /* percent; a list has 100 at its first */
    bool is_split;
    bool by_cost;
};

struct trial {
    struct rng rng;
    double chance[TRIAL_PEERS][TRIAL_SEGMENTS];
    double customer[TRIAL_CUSTOMERS]; /* added: some have more luck than others */
    struct trial_plan was[TRIAL_SEGMENTS];
    struct trial_plan now[TRIAL_SEGMENTS];
    bool is_sticky;
    struct rule_set *rules_was;
    struct rule_set *rules_now;
    struct cost_table *cost[TRIAL_PEERS];
    struct backtest_account account[TRIAL_PEERS];
    struct past *past;
    int64_t volume[TRIAL_PEERS][TRIAL_CURRENCIES]; /* of the month, under the rules asked about */
    int32_t month;
    /* the truth */
    double fee[TRIAL_CURRENCIES]; /* minor units */
    double known, success;        /* payments with a comparable one; how many of them succeed */
    int64_t payments;
};

struct trial_result {
    double fee_error; /* the largest of a currency, as a share */
    double truth;     /* of success */
    double unknown_error;
    bool is_inside;
};

/* ---- rule files ---- */

static void trial_plan(struct rng *rng, struct trial_plan *plan, unsigned split_percent,
                       bool may_cost)
{
    memset(plan, 0, sizeof(*plan));
    plan->is_split = rng_below(rng, 100) < split_percent;
    plan->by_cost = !plan->is_split && may_cost && rng_below(rng, 2) == 0;
    uint32_t left = 100;
    for (size_t i = 0; i + 1 < TRIAL_PEERS && plan->is_split; i++) {
        plan->share[i] = 10 + (uint32_t)rng_below(rng, left - 10 * (TRIAL_PEERS - i));
        left -= plan->share[i];
    }
    if (plan->is_split)
        plan->share[TRIAL_PEERS - 1] = left;
    else
        plan->share[rng_below(rng, TRIAL_PEERS)] = 100;
}

static void trial_write(const struct trial_plan *plan, bool is_sticky, struct buf *out)
{
    for (size_t s = 0; s < TRIAL_SEGMENTS; s++) {
        bool is_last = s + 1 == TRIAL_SEGMENTS;
        if (is_last)
            buf_printf(out, "otherwise { ");
        else
            buf_printf(out, "rule \"r%zu\" when country == %s and method == %s { ", s,
                       trial_countries[s / TRIAL_METHODS], trial_methods[s % TRIAL_METHODS]);
        const char *between = "";
        buf_printf(out, "%s", plan[s].by_cost ? "by cost" : plan[s].is_split ? "split" : "use");
        for (int rest = 0; rest < 2 && !plan[s].by_cost; rest++) { /* the first, then the others */
            for (size_t i = 0; i < TRIAL_PEERS; i++) {
                if ((plan[s].share[i] > 0) == (rest == 1))
                    continue;
                buf_printf(out, "%s ", between);
                if (plan[s].is_split)
                    buf_printf(out, "%u%% ", plan[s].share[i]);
                buf_printf(out, STR_FMT, STR_ARG(trial_peers[i]));
                between = ",";
            }
        }
        buf_printf(out, "%s }\n", plan[s].is_split && is_sticky ? " by customer" : "");
    }
}

static struct rule_set *trial_rules(const struct trial_plan *plan, bool is_sticky)
{
    struct buf text;
    struct error err = {.text = ""};
    buf_init(&text, 1 << 16);
    trial_write(plan, is_sticky, &text);
    struct rule_set *rules = rule_set_new(buf_str(&text), trial_peers, TRIAL_PEERS, &err);
    if (rules == NULL)
        (void)fprintf(stderr, STR_FMT "%s\n", STR_ARG(buf_str(&text)), err.text);
    CHECK(rules != NULL);
    buf_release(&text);
    return rules;
}

/* ---- the world ---- */

static void trial_open(struct trial *trial, uint64_t seed)
{
    struct error err = {.text = ""};
    memset(trial, 0, sizeof(*trial));
    rng_seed(&trial->rng, seed);
    struct rng *rng = &trial->rng;
    trial->is_sticky = rng_below(rng, 2) == 0;
    for (size_t s = 0; s < TRIAL_SEGMENTS; s++) {
        for (size_t i = 0; i < TRIAL_PEERS; i++)
            trial->chance[i][s] = 0.50 + (double)rng_below(rng, 45) / 100;
        trial_plan(rng, &trial->was[s], 80, false);
        trial_plan(rng, &trial->now[s], 40, true);
    }
    for (size_t i = 0; i < TRIAL_CUSTOMERS; i++)
        trial->customer[i] = ((double)rng_below(rng, 101) - 50) / 1000;
    for (size_t i = 0; i < TRIAL_PEERS; i++) {
        trial->cost[i] = cost_table_new(str_of(trial_fees[i]), &err);
        if (trial->cost[i] == NULL)
            (void)fprintf(stderr, "%s\n", err.text);
        CHECK(trial->cost[i] != NULL);
        trial->account[i] = (struct backtest_account){
            .merchant_id = {{1}},
            .account_id = {{(uint8_t)(i + 1)}},
            .provider = trial_peers[i],
            .name = STR("main"),
            .operations = UINT32_MAX,
            .cost = trial->cost[i],
        };
        memset(trial->account[i].currency_bits, 0xFF, sizeof(trial->account[i].currency_bits));
    }
    trial->rules_was = trial_rules(trial->was, trial->is_sticky);
    trial->rules_now = trial_rules(trial->now, false);
    trial->past = past_new();
}

static void trial_close(struct trial *trial)
{
    rule_set_free(&trial->rules_was);
    rule_set_free(&trial->rules_now);
    for (size_t i = 0; i < TRIAL_PEERS; i++)
        cost_table_free(&trial->cost[i]);
    past_free(&trial->past);
}

struct trial_payment {
    size_t segment, currency, customer;
    int64_t at_us, amount_minor;
    char customer_text[16];
};

static bool trial_chance(struct trial *trial, double chance)
{
    return (double)rng_below(&trial->rng, 1000000) < chance * 1000000;
}

static double trial_success(const struct trial *trial, const struct trial_payment *payment,
                            size_t peer)
{
    return trial->chance[peer][payment->segment] + trial->customer[payment->customer];
}

/* Every other decline is soft. */
static double trial_recovers(const struct trial *trial, const struct trial_payment *payment,
                             size_t peer)
{
    return trial_success(trial, payment, peer) / 2;
}

static void trial_draw(struct trial *trial, int64_t at_us, struct trial_payment *payment)
{
    struct rng *rng = &trial->rng;
    *payment = (struct trial_payment){
        .segment = rng_below(rng, TRIAL_SEGMENTS),
        .currency = rng_below(rng, TRIAL_CURRENCIES),
        .customer = rng_below(rng, TRIAL_CUSTOMERS),
        .at_us = at_us,
    };
    payment->amount_minor = 500 + (int64_t)(rng_below(rng, 200) * rng_below(rng, 200));
    (void)snprintf(payment->customer_text, sizeof(payment->customer_text), "c%zu",
                   payment->customer);
}

/* As it was routed: the decision's own record is what the past has of it. Which one was first, and which next. */
static void trial_route(struct trial *trial, const struct trial_payment *payment,
                        struct past_payment *out, size_t order[2])
{
    struct route_candidate candidate[TRIAL_PEERS];
    struct route_decision decision;
    struct buf record;
    struct route_facts facts = {
        .operation = OPERATION_SALE,
        .amount_minor = payment->amount_minor,
        .currency = currency_find(str_of(trial_currencies[payment->currency])),
        .method = str_of(trial_methods[payment->segment % TRIAL_METHODS]),
        .country = str_of(trial_countries[payment->segment / TRIAL_METHODS]),
        .customer = str_of(payment->customer_text),
        .attempt = 1,
        .now_us = payment->at_us,
    };
    for (size_t i = 0; i < TRIAL_PEERS; i++)
        candidate[i] = (struct route_candidate){
            .account_id = trial->account[i].account_id,
            .provider = trial->account[i].provider,
            .account_name = trial->account[i].name,
            .takes_currency = true,
            .takes_operation = true,
            .takes_method = true,
            .has_token = true,
            .health = {.may_try = true, .success_per_million = 1000000},
        };
    route_decide(trial->rules_was, &facts, candidate, TRIAL_PEERS, rng_next(&trial->rng),
                 &decision);
    buf_init(&record, 1 << 16);
    route_decision_print(&decision, candidate, &record);
    past_take_decision(trial->past, out, buf_str(&record));
    buf_release(&record);
    order[0] = decision.verdict[0].candidate;
    order[1] = decision.verdict[1].candidate;
}

static void trial_add(struct trial *trial, const struct trial_payment *payment)
{
    struct past_payment *out = past_add(trial->past);
    uint64_t number = (uint64_t)trial->payments++;
    memcpy(out->payment_id.byte + 8, &number, sizeof(number));
    out->created_us = payment->at_us;
    out->amount_minor = payment->amount_minor;
    out->currency =
        (uint16_t)currency_index(currency_find(str_of(trial_currencies[payment->currency])));
    out->operation = OPERATION_SALE;
    out->method = past_keep(trial->past, str_of(trial_methods[payment->segment % TRIAL_METHODS]));
    out->country =
        past_keep(trial->past, str_of(trial_countries[payment->segment / TRIAL_METHODS]));
    size_t order[2];
    trial_route(trial, payment, out, order);
    const struct backtest_account *account = &trial->account[order[0]];
    out->account = past_keep_account(trial->past, &account->merchant_id, &account->account_id);
    out->attempts = 1;
    bool is_approved = trial_chance(trial, trial_success(trial, payment, order[0]));
    out->first = is_approved ? OUTCOME_APPROVED : OUTCOME_DECLINED_SOFT;
    out->final = out->first;
    out->paid = out->account;
    if (!is_approved && trial_chance(trial, trial_recovers(trial, payment, order[1]))) {
        account = &trial->account[order[1]];
        out->attempts = 2;
        out->paid = past_keep_account(trial->past, &account->merchant_id, &account->account_id);
        out->final = OUTCOME_APPROVED;
    }
    if (rng_below(&trial->rng, 200) == 0) /* nobody knows yet */
        out->first = out->final = OUTCOME_UNKNOWN;
}

/* ---- the truth ---- */

static int64_t trial_fee(const struct trial *trial, const struct trial_payment *payment,
                         size_t peer)
{
    int64_t fee = 0;
    struct cost_facts facts = {
        .operation = OPERATION_SALE,
        .amount_minor = payment->amount_minor,
        .currency = currency_find(str_of(trial_currencies[payment->currency])),
        .country = str_of(trial_countries[payment->segment / TRIAL_METHODS]),
        .method = str_of(trial_methods[payment->segment % TRIAL_METHODS]),
        .month_volume_minor = trial->volume[peer][payment->currency],
    };
    CHECK(cost_expected(trial->cost[peer], &facts, &fee));
    return fee;
}

static size_t trial_cheapest(const struct trial *trial, const struct trial_payment *payment,
                             size_t except)
{
    size_t best = except == 0 ? 1 : 0;
    for (size_t i = best + 1; i < TRIAL_PEERS; i++) {
        if (i != except && trial_fee(trial, payment, i) < trial_fee(trial, payment, best))
            best = i;
    }
    return best;
}

/* Which one is tried, `first` left out (TRIAL_PEERS: none is). */
static size_t trial_pick(struct trial *trial, const struct trial_payment *payment, size_t first)
{
    const struct trial_plan *now = &trial->now[payment->segment];
    uint32_t left = first < TRIAL_PEERS ? 100 - now->share[first] : 100;
    if (now->by_cost)
        return trial_cheapest(trial, payment, first);
    if (left == 0) /* a list goes on as it is written */
        return first == 0 ? 1 : 0;
    uint64_t at = rng_below(&trial->rng, left);
    for (size_t i = 0;; i++) {
        CHECK(i < TRIAL_PEERS);
        if (i != first && at < now->share[i])
            return i;
        at -= i != first ? now->share[i] : 0;
    }
}

/* What would have become of it. */
static void trial_tell(struct trial *trial, const struct trial_payment *payment)
{
    const struct trial_plan *was = &trial->was[payment->segment];
    const struct trial_plan *now = &trial->now[payment->segment];
    size_t cheapest = trial_cheapest(trial, payment, TRIAL_PEERS);
    for (size_t i = 0; i < TRIAL_PEERS; i++) {
        uint32_t percent = now->by_cost ? (i == cheapest ? 100 : 0) : now->share[i];
        double share = percent / 100.0;
        trial->fee[payment->currency] += share * (double)trial_fee(trial, payment, i);
        if (was->share[i] > 0) {
            trial->known += share;
            trial->success += share * trial_success(trial, payment, i);
        }
    }
    size_t first = trial_pick(trial, payment, TRIAL_PEERS);
    size_t next = trial_pick(trial, payment, first);
    if (trial_chance(trial, trial_success(trial, payment, first)))
        trial->volume[first][payment->currency] += payment->amount_minor;
    else if (trial_chance(trial, trial_recovers(trial, payment, next)))
        trial->volume[next][payment->currency] += payment->amount_minor;
}

/* 2026-01 and 2026-02 */
static void trial_fill(struct trial *trial, size_t payments)
{
    int64_t start_us = INT64_C(1767225600) * CLOCK_SECOND_US;
    int64_t february_us = INT64_C(1769904000) * CLOCK_SECOND_US;
    int64_t span_us = INT64_C(86400) * CLOCK_SECOND_US * (TRIAL_DAYS - 1);
    for (size_t i = 0; i < payments; i++) {
        struct trial_payment payment;
        int64_t at_us = start_us + (int64_t)((double)span_us * (double)i / (double)payments);
        if (at_us >= february_us && trial->month == 0) {
            trial->month = 1;
            memset(trial->volume, 0, sizeof(trial->volume));
        }
        trial_draw(trial, at_us, &payment);
        trial_add(trial, &payment);
        trial_tell(trial, &payment);
    }
}

static struct trial_result trial_judge(const struct trial *trial, const struct backtest *backtest)
{
    struct trial_result result = {.fee_error = 0};
    double all = (double)trial->payments;
    for (size_t c = 0; c < TRIAL_CURRENCIES; c++) {
        const struct backtest_fees *fees = backtest->fees;
        while (strcmp(fees->currency->code, trial_currencies[c]) != 0)
            fees++;
        double error = (double)fees->now_minor / trial->fee[c] - 1;
        error = error < 0 ? -error : error;
        result.fee_error = error > result.fee_error ? error : result.fee_error;
    }
    double error = (all - trial->known) / all - (double)backtest->unknown_millionths / 1e6 / all;
    result.unknown_error = error < 0 ? -error : error;
    result.truth = trial->success / trial->known;
    result.is_inside = backtest->now_first.is_known && backtest->now_first.low <= result.truth &&
                       result.truth <= backtest->now_first.high;
    return result;
}

/* One trial: its result, and the backtest itself. */
static struct trial_result trial_run(uint64_t seed, size_t payments, struct backtest *backtest)
{
    struct trial trial;
    struct error err = {.text = ""};
    trial_open(&trial, seed);
    trial_fill(&trial, payments);
    struct backtest_input input = {
        .past = trial.past,
        .account = trial.account,
        .account_count = TRIAL_PEERS,
        .rules = trial.rules_now,
        .since_us = past_payment(trial.past, 0)->created_us,
    };
    CHECK(backtest_run(&input, backtest, &err));
    struct trial_result result = trial_judge(&trial, backtest);
    trial_close(&trial);
    return result;
}

#endif
