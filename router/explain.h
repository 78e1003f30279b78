/*
 * explain.h - why a payment is routed as it is: the rules one after the other up to the one that
 * matched, and of each what held, what did not, and what was seen.
 *
 *     "rules":[{"rule":"large euro","line":4,"matched":false,
 *               "conditions":[{"condition":"currency == EUR","holds":true,"saw":"EUR"},
 *                             {"condition":"amount >= 500.00 EUR","holds":false,"saw":"10.99 EUR"}]},
 *              {"rule":"default","line":9,"matched":true,"conditions":[],"does":"{ by cost }"}],
 *     "skipped":0
 *
 * Conditions are told as the file has them, named ones by their parts; each is asked by itself, so
 * one that the decision never came to is told as well. A long list is told by its first values.
 * What is seen is written as the language writes it; null when it is not known, and no comparison
 * with it holds.
 *
 * The rule that matched is found as decisions find it, and what is told of is bounded, in rules, in
 * bytes and in work: of 10,000 rules the answer is there within milliseconds. Those nearest to the
 * match are told.
 */
#ifndef ROUTER_EXPLAIN_H
#define ROUTER_EXPLAIN_H

#include "base/json.h"
#include "router/router.h"

enum {
    EXPLAIN_RULE_MAX = 100, /* told; of more before the match the first are skipped, and counted */
    EXPLAIN_CONDITION_MAX = 64, /* told of one rule; "conditions_skipped" says how many are not */
    EXPLAIN_VALUE_MAX = 8,      /* told of one list */
    EXPLAIN_WEIGHT_MAX = 65536, /* of what is told: about bytes, and values that are compared */
};

/* Tell how these rules come to their match: the members above, of an object that is open. */
void route_explain(const struct rule_set *rules, const struct route_facts *facts,
                   const struct route_candidate *candidates, size_t candidate_count,
                   struct json_out *out);

#endif
