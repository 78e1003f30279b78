#include "router/exact.h"

/* clang-format off */
static const char *const names[] = {
    [MONEY_HALF_EVEN] = "half_even",
    [MONEY_HALF_UP]   = "half_up",
    [MONEY_UP]        = "up",
    [MONEY_DOWN]      = "down",
};
/* clang-format on */

exact exact_divide(exact numerator, exact denominator, enum money_rounding rounding)
{
    CHECK(denominator > 0);
    bool is_negative = numerator < 0;
    exact size = is_negative ? -numerator : numerator;
    exact whole = size / denominator;
    exact rest = size - whole * denominator;
    exact other = denominator - rest;
    bool grows = false;
    switch (rounding) {
    case MONEY_HALF_EVEN:
        grows = rest > other || (rest == other && (whole & 1) != 0);
        break;
    case MONEY_HALF_UP:
        grows = rest >= other;
        break;
    case MONEY_UP:
        grows = rest > 0;
        break;
    case MONEY_DOWN:
        break;
    }
    whole += grows ? 1 : 0;
    return is_negative ? -whole : whole;
}

const char *exact_rounding_name(enum money_rounding rounding)
{
    CHECK((unsigned)rounding < ARRAY_LEN(names));
    return names[rounding];
}

bool exact_rounding_find(struct str name, enum money_rounding *rounding)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(name, str_of(names[i]))) {
            *rounding = (enum money_rounding)i;
            return true;
        }
    }
    return false;
}
