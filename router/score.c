#include "router/score.h"

#include "router/cost.h"

void score_fee(const struct route_candidate *candidate, const struct route_facts *facts,
               struct route_verdict *verdict)
{
    verdict->fee_known = false;
    verdict->expected_fee_minor = 0;
    if (candidate->cost == NULL) {
        return;
    }
    struct cost_facts asked = {
        .operation = facts->operation,
        .amount_minor = facts->amount_minor,
        .currency = facts->currency,
        .country = facts->country,
        .method = facts->method,
        .month_volume_minor = candidate->month_volume_minor,
        .rates = facts->rates,
    };
    verdict->fee_known = cost_expected(candidate->cost, &asked, &verdict->expected_fee_minor);
}

/* 0: in its usual place; then those that are slow or ramping; then the last resort. */
static int setback(const struct route_verdict *verdict)
{
    return verdict->last_resort ? 2 : verdict->slow || verdict->ramping ? 1 : 0;
}

static bool is_before(const struct route_verdict *a, const struct route_verdict *b,
                      const uint8_t *rank, bool by_cost)
{
    if (setback(a) != setback(b)) {
        return setback(a) < setback(b);
    }
    if (by_cost && a->fee_known != b->fee_known) {
        return a->fee_known;
    }
    if (by_cost && a->fee_known && a->expected_fee_minor != b->expected_fee_minor) {
        return a->expected_fee_minor < b->expected_fee_minor;
    }
    if (rank[a->candidate] != rank[b->candidate]) {
        return rank[a->candidate] < rank[b->candidate];
    }
    return a->candidate < b->candidate;
}

void score_sort(struct route_verdict *verdicts, size_t count, const uint8_t *rank, bool by_cost)
{
    CHECK(count <= ROUTE_CANDIDATE_MAX);
    for (size_t i = 1; i < count; i++) {
        struct route_verdict moved = verdicts[i];
        size_t k = i;
        while (k > 0 && is_before(&moved, &verdicts[k - 1], rank, by_cost)) {
            verdicts[k] = verdicts[k - 1];
            k--;
        }
        verdicts[k] = moved;
    }
}
