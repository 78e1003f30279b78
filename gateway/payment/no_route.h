/*
 * no_route.h - nobody takes this payment: what the merchant is told instead, and when to ask again.
 *
 *     the rule declines it                       422 rule_declined, with the rule's reason
 *     somebody would, but has no room            503 overloaded, until the first may have some
 *     somebody would, but its breaker is open    503 no_healthy_provider
 *     nobody                                     422 no_route; retry_after_s when an account that
 *                                                would do is only held back, or unusable for now
 */
#ifndef PAYMENT_NO_ROUTE_H
#define PAYMENT_NO_ROUTE_H

#include "base/arena.h"
#include "payment/facts.h"

struct no_route_asked { /* borrowed */
    const struct rule_set *rules;
    const struct facts *facts;
    const struct route_decision *decision; /* kept_count is 0 */
    struct str refusal;                    /* what an adapter said last; may be empty */
    const struct rests *rests;             /* as in facts_source */
};

struct no_route {
    enum message problem;
    struct str detail;
    int retry_after_s; /* 0: none */
};
/* The detail lies in `arena`. */
void no_route_find(const struct no_route_asked *asked, struct arena *arena, struct no_route *out);

#endif
