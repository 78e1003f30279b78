#include "process/fee_print.h"

#include <stdio.h>

const char *fee_print_exact(exact value, unsigned exponent, char out[64])
{
    exact size = value < 0 ? -value : value;
    exact unit = EXACT_MILLION;
    for (unsigned i = 0; i < exponent; i++) {
        unit *= 10;
    }
    unsigned digits = exponent + 6;
    int64_t below = (int64_t)(size % unit);
    int len = snprintf(out, 64, "%s%lld.%0*lld", value < 0 ? "-" : "", (long long)(size / unit),
                       (int)digits, (long long)below);
    CHECK(len > 0 && len < 64);
    while (digits > exponent && out[len - 1] == '0') {
        out[--len] = '\0';
        digits--;
    }
    if (out[len - 1] == '.') {
        out[len - 1] = '\0';
    }
    return out;
}

static const char *percent_of(int64_t millionths, char out[MONEY_TEXT_SIZE])
{
    (void)money_format(millionths, 4, out);
    return out;
}

void fee_print_how(const struct cost_explained *fee, enum cost_part part, char out[96])
{
    char number[MONEY_TEXT_SIZE];
    out[0] = '\0';
    if (part == COST_PERCENT || part == COST_CROSS_BORDER || part == COST_CONVERSION) {
        int64_t percent = part == COST_PERCENT        ? fee->percent
                          : part == COST_CROSS_BORDER ? fee->cross_border
                                                      : fee->conversion;
        (void)snprintf(out, 96, "  %s %%", percent_of(percent, number));
    } else if (part == COST_ROUNDING) {
        (void)snprintf(out, 96, "  %s", exact_rounding_name(fee->rounding));
    }
}
