/*
 * select.h - what a rule's block makes of the candidates: who is dropped, and the order of the
 * others.
 *
 *     candidates -> sieves of the rule (only, never, avoid) -> filter (decision.h)
 *                -> order: usual place | avoided | slow or ramping | last resort
 *                          and in each of these by list, cost, success, value, latency or split
 *
 * A split picks its first by the shares of all targets as they are written, then the next by the
 * shares that are left: when the picked one is dropped, its payments go to the others as their
 * shares say. With a key the pick depends on rule, key and shares alone, so a customer stays where
 * he is; without, on the draw, which is recorded.
 */
#ifndef ROUTER_SELECT_H
#define ROUTER_SELECT_H

#include "router/run.h"

/* Fill in decision->verdict, count, kept_count, order, declined and failover; `name` is the rule's. */
void select_block(const struct run *run, const struct program_block *block, struct str name,
                  uint64_t draw, struct route_decision *decision);

#endif
