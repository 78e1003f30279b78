/*
 * decision.h - the filter that keeps or drops one candidate, and the words for why.
 *
 * The reasons are tried in the order of enum route_drop; the first that holds is the one told.
 * Breakers come last, so that "breaker_open" means: this account would have been tried.
 */
#ifndef ROUTER_DECISION_H
#define ROUTER_DECISION_H

#include <stdbool.h>

#include "router/router.h"

/* It comes back from an outage, and this draw is among those that still pass it by. */
bool decision_is_ramping(const struct route_candidate *candidate, uint64_t draw);

/*
 * Why `candidate` is dropped, or ROUTE_KEPT; then verdict->probe: kept as its breaker's probe, or
 * verdict->last_resort: its probe is taken, keep it behind all others;
 * verdict->slow: behind all but those. by_rule: why the rule drops it, or ROUTE_KEPT.
 */
enum route_drop decision_filter(const struct route_candidate *candidate,
                                const struct route_facts *facts, enum route_drop by_rule,
                                struct route_verdict *verdict);

#endif
