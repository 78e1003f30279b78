/*
 * rates.h - what one currency is worth in another: a table that is data, exact, with its source and
 * its time.
 *
 *     {
 *       "source": "European Central Bank, euro reference rates",
 *       "time": "2026-11-20T15:00:00Z",
 *       "stale_after_hours": 96,                     default 96: four days, a long weekend
 *       "rounding": "half_up",                       default
 *       "base": "EUR",
 *       "rates": {"USD": "1.0850", "JPY": "164.12",  one EUR is 1.0850 USD
 *                 "GBP/CHF": "1.1235"}               one GBP is 1.1235 CHF: before the way over EUR
 *     }
 *
 * Rates are decimal text with at most 10 digits other than zeros in front and behind, and at most
 * 10 decimals. Conversions are exact fractions and are rounded once, half up unless the table says
 * otherwise. No rate: no conversion, never 1.
 *
 * A table is immutable and known by the hash of its canonical text (router/document.h). Too old a
 * table goes on being used, and is warned of: whoever reads it asks rates_is_stale.
 */
#ifndef ROUTER_RATES_H
#define ROUTER_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/money.h"
#include "router/exact.h"

enum {
    RATES_BYTES_MAX = 262144,
    RATES_PAIR_MAX = 64, /* "GBP/CHF" */
    RATES_TEXT_SIZE = 201,
};

struct rates;

/* From JSON text; NULL with *err naming the member, and its line in *line (0: not known). */
struct rates *rates_new(struct str json, unsigned *line, struct error *err) MUST_USE;
void rates_free(struct rates **rates);

/* Exact, rounded once as the table says. False: no rate, or the result is above MONEY_AMOUNT_MAX. */
bool rates_convert(const struct rates *rates, int64_t amount_minor, const struct currency *from,
                   const struct currency *to, int64_t *out) MUST_USE;
/* To millionths of a minor unit of `to`, half up: for sums that are rounded later. False as above. */
bool rates_convert_exact(const struct rates *rates, int64_t amount_minor,
                         const struct currency *from, const struct currency *to,
                         exact *out) MUST_USE;

const char *rates_source(const struct rates *rates);
int64_t rates_time_us(const struct rates *rates); /* wall clock: when they held */
bool rates_is_stale(const struct rates *rates, int64_t now_wall_us);
struct str rates_text(const struct rates *rates);     /* canonical; borrowed */
const uint8_t *rates_hash(const struct rates *rates); /* 32 bytes */
const char *rates_hex(const struct rates *rates);     /* the same, 64 digits */

#endif
