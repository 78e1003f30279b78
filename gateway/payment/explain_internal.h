/*
 * explain_internal.h - private to explain*.c: what both kinds of explanation print alike.
 *
 *     explain.c         a payment that is not made
 *     explain_record.c  one that was: its stored record
 */
#ifndef PAYMENT_EXPLAIN_INTERNAL_H
#define PAYMENT_EXPLAIN_INTERNAL_H

#include "base/json.h"
#include "payment/explain.h"

/* "facts": what rules could ask of the payment; what is empty is left out. */
void explain_print_facts(const struct route_facts *facts, struct json_out *json);

#endif
