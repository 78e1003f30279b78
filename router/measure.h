/*
 * measure.h - what can be measured of the accounts that might take a payment: expected fee, success
 * rate, latency, health, share. In numbers that rules compare: minor units of the payment's
 * currency, millionths, microseconds, 0 or 1.
 */
#ifndef ROUTER_MEASURE_H
#define ROUTER_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/ast.h"
#include "router/router.h"

struct measures {
    const struct route_facts *facts; /* borrowed, as the candidates */
    const struct route_candidate *candidate;
    size_t count;
    bool fee_known[ROUTE_CANDIDATE_MAX];
    int64_t fee_minor[ROUTE_CANDIDATE_MAX];
    uint64_t decisions; /* of all candidates: what shares are of */
};

/* Ask the fee tables once. */
void measures_init(struct measures *measures, const struct route_facts *facts,
                   const struct route_candidate *candidates, size_t count);
/* One measure of one candidate; false: not known. */
bool measure_of(const struct measures *measures, enum fact fact, size_t candidate, int64_t *value);
/*
 * Of all accounts that `target` names, the best: healthy if any is, the smallest fee and latency, the
 * largest success rate; of shares the sum. False: none of them is there, or not known.
 */
bool measure_of_target(const struct measures *measures, enum fact fact,
                       const struct ast_target *target, int64_t *value);
bool measure_is_target(const struct ast_target *target, const struct route_candidate *candidate);
/* The payment's amount in another currency, by the rates given; false: no rate. */
bool measure_amount_as(const struct route_facts *facts, const struct currency *currency,
                       int64_t *amount_minor);

#endif
