/*
 * exact.h - sums that are exact until they are rounded once: millionths of a minor unit in 128 bits.
 *
 * The largest amount (10^15) times 100 % (10^6) is 10^21; 10^38 fit.
 */
#ifndef ROUTER_EXACT_H
#define ROUTER_EXACT_H

#include "base/money.h"

enum {
    EXACT_MILLION = 1000000,
};

__extension__ typedef __int128 exact; /* millionths of a minor unit */

/* numerator / denominator (> 0), rounded as told; away from zero is the same below zero. */
exact exact_divide(exact numerator, exact denominator, enum money_rounding rounding);
/* "half_up", "half_even", "up", "down" */
const char *exact_rounding_name(enum money_rounding rounding);
bool exact_rounding_find(struct str name, enum money_rounding *rounding) MUST_USE;

#endif
