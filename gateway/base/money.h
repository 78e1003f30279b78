/*
 * money.h - amounts: int64 minor units with the exponent of ISO 4217, never a double.
 *
 * All arithmetic is checked. Fees are computed in __int128 with a stated rounding mode.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* No single amount is above this (10^15 - 1 minor units): sums of 9,000 of them still fit int64. */
#define MONEY_AMOUNT_MAX INT64_C(999999999999999)

enum {
    MONEY_TEXT_SIZE = 32,
};

struct currency {
    char code[4];     /* "EUR" */
    uint16_t number;  /* ISO 4217 numeric */
    uint8_t exponent; /* digits of the minor unit: 0, 2, 3 or 4 */
};

/* NULL when the code is not an active ISO 4217 currency (upper case, exactly three letters). */
const struct currency *currency_find(struct str code);
/* The table, sorted by code. */
const struct currency *currency_all(size_t *count);
/* Small dense index of a currency (for bit sets), its position in currency_all(). */
size_t currency_index(const struct currency *currency);

enum money_rounding {
    MONEY_HALF_EVEN = 0,
    MONEY_HALF_UP, /* away from zero at the half */
    MONEY_UP,      /* away from zero */
    MONEY_DOWN,    /* towards zero */
};

bool money_add(int64_t a, int64_t b, int64_t *sum) MUST_USE;       /* false on overflow */
bool money_subtract(int64_t a, int64_t b, int64_t *rest) MUST_USE; /* false on overflow */
/* amount * numerator / denominator in __int128; false when the result leaves int64. */
bool money_scale(int64_t amount, int64_t numerator, int64_t denominator,
                 enum money_rounding rounding, int64_t *out) MUST_USE;

/* Minor units -> decimal string with exactly `digits` decimals: (1099, 2) -> "10.99", (5, 3) ->
 * "0.005". */
struct str money_format(int64_t minor, unsigned digits, char out[MONEY_TEXT_SIZE]);
/* Decimal string -> minor units: [-]digits[.digits], at most `digits` decimals; ERROR_INVALID else.
 */
bool money_parse(struct str text, unsigned digits, int64_t *minor, struct error *err) MUST_USE;

#endif
