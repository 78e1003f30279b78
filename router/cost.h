/*
 * cost.h - what a provider will probably charge, from a fee table that is data
 * (config/fees/<name>.json).
 *
 *     fee = (percent of amount + fixed, within min and max)
 *         + cross_border_percent of amount, when the payer's country is known and not the account's
 *         + conversion_percent of amount, when the account does not settle in this currency
 *
 * The sum is exact and rounded once, half up, to a minor unit of the payment's currency (or to
 * `decimals` where a provider charges whole units of a currency that has minor ones). Percentages
 * are decimal text with at most four decimals, kept in millionths (3.49 % = 34900); amounts are
 * decimal text in major units.
 *
 *     {
 *       "name": "...", "note": "...", "source": "...",   for people
 *       "country": "US",
 *       "settles": ["USD"],                              [] or absent: never converts
 *       "cross_border_percent": "1.50",
 *       "conversion_percent": "3.00",
 *       "percent": "3.49",                               of currencies that give none
 *       "currencies": {"EUR": {"fixed": "0.39"}, "JPY": {"percent": "3.00", "max": "5000"}},
 *       "default": {"percent": "4.00"},                  every other one; absent: unknown fee
 *       "methods": {"card": {...}},
 *       "operations": {"payout": {...}}
 *     }
 *
 * An entry under methods or operations has the same members from cross_border_percent to default.
 * The first of operation, method and table that covers the currency gives the fee; a surcharge that
 * an entry does not give is the table's.
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

/* From JSON text; NULL with *err naming the member that is wrong. Immutable afterwards. */
struct cost_table *cost_table_new(struct str json, struct error *err) MUST_USE;
void cost_table_free(struct cost_table **table);
/* False when the table says nothing of this currency and has no default. */
bool cost_expected(const struct cost_table *table, const struct cost_facts *facts,
                   int64_t *fee_minor);

#endif
