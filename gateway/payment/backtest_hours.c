#include "payment/backtest_hours.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
    LATENCY_BUCKETS = 40,
    RATE_PAYMENTS_MIN = 20, /* as health.h: those that are missing count as approved */
    DOWN_PAYMENTS_MIN = 10,
    MILLION = 1000000,
};

#define HOUR_US (INT64_C(3600) * CLOCK_SECOND_US)

struct hour {
    uint32_t decisions;
    uint32_t outcomes; /* approved, declined, failed, unknown */
    uint32_t approved;
    uint32_t failed; /* or unknown */
    uint32_t declined;
    uint32_t latency[LATENCY_BUCKETS]; /* two to each doubling, from 1 ms on */
};

struct hours {
    int64_t first_hour;
    size_t hour_count;
    size_t account_count;
    struct hour **account; /* owned; NULL: it had no payments */
};

static int64_t hour_of(int64_t at_us)
{
    return at_us / HOUR_US;
}

/* Where bucket b begins: 1 ms, 1.5 ms, 2 ms, 3 ms, 4 ms, ... */
static int64_t bucket_us(size_t b)
{
    int64_t base = INT64_C(1000) << (b / 2);
    return b % 2 == 0 ? base : base + base / 2;
}

static size_t bucket_of(int64_t us)
{
    size_t b = 0;
    while (b + 1 < LATENCY_BUCKETS && bucket_us(b + 1) <= us)
        b++;
    return b;
}

static void count(struct hour *hour, const struct past_payment *payment)
{
    enum outcome outcome = (enum outcome)payment->first;
    bool is_declined = outcome == OUTCOME_DECLINED_HARD || outcome == OUTCOME_DECLINED_SOFT;
    bool is_bad = outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN;
    hour->decisions++;
    if (payment->elapsed_us > 0 && !is_bad)
        hour->latency[bucket_of(payment->elapsed_us)]++;
    hour->approved += outcome == OUTCOME_APPROVED;
    hour->declined += is_declined;
    hour->failed += is_bad;
    hour->outcomes += outcome == OUTCOME_APPROVED || is_declined || is_bad;
}

struct hours *hours_new(const struct past *past)
{
    struct hours *hours = calloc(1, sizeof(*hours));
    CHECK(hours != NULL);
    size_t payments = past_count(past);
    hours->account_count = past_account_count(past);
    hours->account = calloc(hours->account_count + 1, sizeof(*hours->account));
    CHECK(hours->account != NULL);
    if (payments == 0)
        return hours;
    hours->first_hour = hour_of(past_payment(past, 0)->created_us);
    int64_t last = hour_of(past_payment(past, payments - 1)->created_us);
    hours->hour_count = (size_t)(last - hours->first_hour + 1);
    for (size_t i = 0; i < payments; i++) {
        const struct past_payment *payment = past_payment(past, i);
        if (payment->attempts == 0)
            continue;
        struct hour **account = &hours->account[payment->account];
        if (*account == NULL)
            *account = calloc(hours->hour_count, sizeof(**account));
        CHECK(*account != NULL);
        count(&(*account)[hour_of(payment->created_us) - hours->first_hour], payment);
    }
    return hours;
}

void hours_free(struct hours **hours)
{
    for (size_t i = 0; i < (*hours)->account_count; i++)
        free((*hours)->account[i]);
    free((*hours)->account);
    free(*hours);
    *hours = NULL;
}

static int64_t p95_of(const struct hour *hour)
{
    uint64_t all = 0;
    for (size_t b = 0; b < LATENCY_BUCKETS; b++)
        all += hour->latency[b];
    uint64_t below = 0;
    for (size_t b = 0; b < LATENCY_BUCKETS && all > 0; b++) {
        below += hour->latency[b];
        if (below * 100 >= all * 95)
            return (bucket_us(b) + bucket_us(b + 1)) / 2;
    }
    return 0;
}

static void take_before(const struct hour *hour, struct health_view *view)
{
    uint64_t missing = hour->outcomes < RATE_PAYMENTS_MIN ? RATE_PAYMENTS_MIN - hour->outcomes : 0;
    uint64_t of = hour->outcomes + missing;
    view->calls = hour->outcomes;
    view->outcomes = hour->outcomes;
    view->basis = HEALTH_BASIS_HOUR;
    view->success_per_million = (uint32_t)((hour->approved + missing) * MILLION / of);
    view->declined_per_million = (uint32_t)((uint64_t)hour->declined * MILLION / of);
    view->decisions = hour->decisions;
    view->p95_us = p95_of(hour);
}

void hours_read(const struct hours *hours, uint32_t account, int64_t at_us,
                struct health_view *view)
{
    *view = (struct health_view){.may_try = true, .success_per_million = MILLION};
    const struct hour *of = account < hours->account_count ? hours->account[account] : NULL;
    int64_t hour = hour_of(at_us) - hours->first_hour;
    if (of == NULL || hour < 0 || hour >= (int64_t)hours->hour_count)
        return;
    if (hour > 0 && of[hour - 1].outcomes > 0)
        take_before(&of[hour - 1], view);
    if (of[hour].outcomes >= DOWN_PAYMENTS_MIN && of[hour].failed * 2 >= of[hour].outcomes) {
        view->state = HEALTH_OPEN;
        view->may_try = false;
    }
}
