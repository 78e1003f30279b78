#include "router/measure.h"

#include "router/cost.h"
#include "router/rates.h"

enum {
    MILLION = 1000000,
    MS_US = 1000,
};

void measures_init(struct measures *measures, const struct route_facts *facts,
                   const struct route_candidate *candidates, size_t count)
{
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    measures->facts = facts;
    measures->candidate = candidates;
    measures->count = count;
    measures->decisions = 0;
    struct cost_facts asked = {
        .operation = facts->operation,
        .amount_minor = facts->amount_minor,
        .currency = facts->currency,
        .country = facts->country,
        .method = facts->method,
        .rates = facts->rates,
    };
    for (size_t i = 0; i < count; i++) {
        const struct route_candidate *candidate = &candidates[i];
        measures->decisions += candidate->health.decisions;
        measures->fee_minor[i] = 0;
        asked.month_volume_minor = candidate->month_volume_minor;
        measures->fee_known[i] = candidate->cost != NULL &&
                                 cost_expected(candidate->cost, &asked, &measures->fee_minor[i]);
    }
}

static bool is_healthy(const struct route_candidate *candidate)
{
    return !candidate->disabled && candidate->health.state == HEALTH_CLOSED &&
           !candidate->health.is_slow;
}

bool measure_of(const struct measures *measures, enum fact fact, size_t at, int64_t *value)
{
    const struct route_candidate *candidate = &measures->candidate[at];
    switch ((int)fact) {
    case FACT_COST:
        *value = measures->fee_minor[at];
        return measures->fee_known[at];
    case FACT_SUCCESS_RATE:
        *value = candidate->health.success_per_million;
        return true;
    case FACT_LATENCY:
        *value = (candidate->health.p95_us + MS_US / 2) / MS_US * MS_US; /* as it is recorded */
        return true;
    case FACT_HEALTHY:
        *value = is_healthy(candidate);
        return true;
    case FACT_SHARE:
        *value =
            measures->decisions == 0
                ? 0
                : (int64_t)((uint64_t)candidate->health.decisions * MILLION / measures->decisions);
        return true;
    default:
        break;
    }
    CHECK(fact == FACT_COST); /* nothing else is measured */
    return false;
}

bool measure_is_target(const struct ast_target *target, const struct route_candidate *candidate)
{
    return str_eq(target->provider, candidate->provider) &&
           (str_is_empty(target->account) || str_eq(target->account, candidate->account_name));
}

bool measure_of_target(const struct measures *measures, enum fact fact,
                       const struct ast_target *target, int64_t *value)
{
    bool is_known = false;
    bool is_smallest = fact == FACT_COST || fact == FACT_LATENCY;
    for (size_t i = 0; i < measures->count; i++) {
        int64_t one = 0;
        if (!measure_is_target(target, &measures->candidate[i]) ||
            !measure_of(measures, fact, i, &one))
            continue;
        if (!is_known)
            *value = one;
        else if (fact == FACT_SHARE)
            *value += one;
        else if (is_smallest ? one < *value : one > *value)
            *value = one;
        is_known = true;
    }
    return is_known;
}

bool measure_amount_as(const struct route_facts *facts, const struct currency *currency,
                       int64_t *amount_minor)
{
    *amount_minor = facts->amount_minor;
    return facts->currency == currency ||
           (facts->rates != NULL && rates_convert(facts->rates, facts->amount_minor,
                                                  facts->currency, currency, amount_minor));
}
