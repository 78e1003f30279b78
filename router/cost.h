/*
 * cost.h - what a provider will probably charge, from a fee table that is data (config/fees/<name>.json).
 *
 *     fee = percent of amount (+ cross-border when payer country differs from the account's, + conversion
 *           when the account does not settle in this currency) + fixed(currency), within min and max
 *
 * Percentages are in millionths (3.49 % = 34900), rounded half up per fee, as an int64 in minor units of the
 * payment's currency.
 */
#ifndef ROUTER_COST_H
#define ROUTER_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/money.h"
#include "base/terms.h"

struct cost_table;

struct cost_facts {
    enum operation operation;
    int64_t amount_minor;
    const struct currency *currency;
    struct str country; /* payer's; empty: taken as domestic */
    struct str method;
};

/* From JSON text; NULL with *err naming the member that is wrong. */
struct cost_table *cost_table_new(struct str json, struct error *err) MUST_USE;
void cost_table_free(struct cost_table **table);
/* False when the table says nothing of this currency and has no default. */
bool cost_expected(const struct cost_table *table, const struct cost_facts *facts, int64_t *fee_minor);

#endif
