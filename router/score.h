/*
 * score.h - the order in which the candidates that were kept are tried.
 *
 * By list: as the rule names them. By cost: the smaller expected fee first, a fee that is not known
 * last; equal fees as the rule names them. Accounts that one name covers keep the order given. All
 * fees of a decision are in the payment's currency, so they compare as integers.
 */
#ifndef ROUTER_SCORE_H
#define ROUTER_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "router/router.h"

/* What `candidate` would charge, into `verdict`. */
void score_fee(const struct route_candidate *candidate, const struct route_facts *facts,
               struct route_verdict *verdict);
/* Sort verdicts; rank[i] is the place of candidate i in the rule's list. */
void score_sort(struct route_verdict *verdicts, size_t count, const uint8_t *rank, bool by_cost);

#endif
