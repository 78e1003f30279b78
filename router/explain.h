/*
 * explain.h - why a payment is routed as it is: the rules one after the other up to the one that
 * matched, and of each what held and what did not.
 *
 *     {"rules":[{"rule":"large euro","line":4,"matched":false,
 *                "conditions":[{"condition":"currency == EUR","holds":true},
 *                              {"condition":"amount >= 500.00 EUR","holds":false}]},
 *               {"rule":"default","line":9,"matched":true,"conditions":[]}],
 *      "skipped":0, "decision":{...}}
 *
 * Conditions are told as the file has them, named ones by their parts; each is asked by itself, so
 * one that the decision never came to is told as well. Read by the interpreter: this is for people.
 */
#ifndef ROUTER_EXPLAIN_H
#define ROUTER_EXPLAIN_H

#include "base/str.h"
#include "router/router.h"

enum {
    EXPLAIN_RULE_MAX = 200, /* told; of more before the match the first are skipped, and counted */
    EXPLAIN_CONDITION_MAX = 64, /* told of one rule */
};

/* Decide, and tell how. One JSON object. */
void route_explain(const struct rule_set *rules, const struct route_facts *facts,
                   const struct route_candidate *candidates, size_t candidate_count, uint64_t draw,
                   struct buf *out);

#endif
