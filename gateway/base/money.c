#include "base/money.h"

#include <string.h>

__extension__ typedef __int128 int128;

/*
 * The active codes of ISO 4217, but those for metals, baskets, tests and "no currency" (XAU, XDR,
 * XTS, XXX, ...). XCG has taken the number of ANG, and BGN stays while old payments are refunded.
 */
/* clang-format off */
static const struct currency currencies[] = {
    {"AED", 784, 2}, {"AFN", 971, 2}, {"ALL",   8, 2}, {"AMD",  51, 2}, {"AOA", 973, 2},
    {"ARS",  32, 2}, {"AUD",  36, 2}, {"AWG", 533, 2}, {"AZN", 944, 2}, {"BAM", 977, 2},
    {"BBD",  52, 2}, {"BDT",  50, 2}, {"BGN", 975, 2}, {"BHD",  48, 3}, {"BIF", 108, 0},
    {"BMD",  60, 2}, {"BND",  96, 2}, {"BOB",  68, 2}, {"BOV", 984, 2}, {"BRL", 986, 2},
    {"BSD",  44, 2}, {"BTN",  64, 2}, {"BWP",  72, 2}, {"BYN", 933, 2}, {"BZD",  84, 2},
    {"CAD", 124, 2}, {"CDF", 976, 2}, {"CHE", 947, 2}, {"CHF", 756, 2}, {"CHW", 948, 2},
    {"CLF", 990, 4}, {"CLP", 152, 0}, {"CNY", 156, 2}, {"COP", 170, 2}, {"COU", 970, 2},
    {"CRC", 188, 2}, {"CUP", 192, 2}, {"CVE", 132, 2}, {"CZK", 203, 2}, {"DJF", 262, 0},
    {"DKK", 208, 2}, {"DOP", 214, 2}, {"DZD",  12, 2}, {"EGP", 818, 2}, {"ERN", 232, 2},
    {"ETB", 230, 2}, {"EUR", 978, 2}, {"FJD", 242, 2}, {"FKP", 238, 2}, {"GBP", 826, 2},
    {"GEL", 981, 2}, {"GHS", 936, 2}, {"GIP", 292, 2}, {"GMD", 270, 2}, {"GNF", 324, 0},
    {"GTQ", 320, 2}, {"GYD", 328, 2}, {"HKD", 344, 2}, {"HNL", 340, 2}, {"HTG", 332, 2},
    {"HUF", 348, 2}, {"IDR", 360, 2}, {"ILS", 376, 2}, {"INR", 356, 2}, {"IQD", 368, 3},
    {"IRR", 364, 2}, {"ISK", 352, 0}, {"JMD", 388, 2}, {"JOD", 400, 3}, {"JPY", 392, 0},
    {"KES", 404, 2}, {"KGS", 417, 2}, {"KHR", 116, 2}, {"KMF", 174, 0}, {"KPW", 408, 2},
    {"KRW", 410, 0}, {"KWD", 414, 3}, {"KYD", 136, 2}, {"KZT", 398, 2}, {"LAK", 418, 2},
    {"LBP", 422, 2}, {"LKR", 144, 2}, {"LRD", 430, 2}, {"LSL", 426, 2}, {"LYD", 434, 3},
    {"MAD", 504, 2}, {"MDL", 498, 2}, {"MGA", 969, 2}, {"MKD", 807, 2}, {"MMK", 104, 2},
    {"MNT", 496, 2}, {"MOP", 446, 2}, {"MRU", 929, 2}, {"MUR", 480, 2}, {"MVR", 462, 2},
    {"MWK", 454, 2}, {"MXN", 484, 2}, {"MXV", 979, 2}, {"MYR", 458, 2}, {"MZN", 943, 2},
    {"NAD", 516, 2}, {"NGN", 566, 2}, {"NIO", 558, 2}, {"NOK", 578, 2}, {"NPR", 524, 2},
    {"NZD", 554, 2}, {"OMR", 512, 3}, {"PAB", 590, 2}, {"PEN", 604, 2}, {"PGK", 598, 2},
    {"PHP", 608, 2}, {"PKR", 586, 2}, {"PLN", 985, 2}, {"PYG", 600, 0}, {"QAR", 634, 2},
    {"RON", 946, 2}, {"RSD", 941, 2}, {"RUB", 643, 2}, {"RWF", 646, 0}, {"SAR", 682, 2},
    {"SBD",  90, 2}, {"SCR", 690, 2}, {"SDG", 938, 2}, {"SEK", 752, 2}, {"SGD", 702, 2},
    {"SHP", 654, 2}, {"SLE", 925, 2}, {"SOS", 706, 2}, {"SRD", 968, 2}, {"SSP", 728, 2},
    {"STN", 930, 2}, {"SVC", 222, 2}, {"SYP", 760, 2}, {"SZL", 748, 2}, {"THB", 764, 2},
    {"TJS", 972, 2}, {"TMT", 934, 2}, {"TND", 788, 3}, {"TOP", 776, 2}, {"TRY", 949, 2},
    {"TTD", 780, 2}, {"TWD", 901, 2}, {"TZS", 834, 2}, {"UAH", 980, 2}, {"UGX", 800, 0},
    {"USD", 840, 2}, {"USN", 997, 2}, {"UYI", 940, 0}, {"UYU", 858, 2}, {"UYW", 927, 4},
    {"UZS", 860, 2}, {"VED", 926, 2}, {"VES", 928, 2}, {"VND", 704, 0}, {"VUV", 548, 0},
    {"WST", 882, 2}, {"XAF", 950, 0}, {"XCD", 951, 2}, {"XCG", 532, 2}, {"XOF", 952, 0},
    {"XPF", 953, 0}, {"YER", 886, 2}, {"ZAR", 710, 2}, {"ZMW", 967, 2}, {"ZWG", 924, 2},
};
/* clang-format on */

const struct currency *currency_find(struct str code)
{
    if (code.len != 3)
        return NULL;
    size_t from = 0;
    size_t to = ARRAY_LEN(currencies);
    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = memcmp(code.at, currencies[middle].code, 3);
        if (order == 0)
            return &currencies[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const struct currency *currency_all(size_t *count)
{
    *count = ARRAY_LEN(currencies);
    return currencies;
}

size_t currency_index(const struct currency *currency)
{
    CHECK(currency >= currencies && currency < currencies + ARRAY_LEN(currencies));
    return (size_t)(currency - currencies);
}

bool money_add(int64_t a, int64_t b, int64_t *sum)
{
    int64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *sum = result;
    return true;
}

bool money_subtract(int64_t a, int64_t b, int64_t *rest)
{
    int64_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return false;
    *rest = result;
    return true;
}

/* Whether a quotient cut towards zero must move one away from it. rest and divisor are positive. */
static bool must_round(int128 quotient, int128 rest, int128 divisor, enum money_rounding rounding)
{
    if (rest == 0)
        return false;
    int128 twice = rest * 2;
    switch (rounding) {
    case MONEY_HALF_EVEN:
        return twice > divisor || (twice == divisor && quotient % 2 != 0);
    case MONEY_HALF_UP:
        return twice >= divisor;
    case MONEY_UP:
        return true;
    case MONEY_DOWN:
        return false;
    }
    check_failed(__FILE__, __LINE__, "rounding is one of the enum's values");
}

bool money_scale(int64_t amount, int64_t numerator, int64_t denominator,
                 enum money_rounding rounding, int64_t *out)
{
    CHECK(denominator != 0);
    /* At most 2^126: neither the product nor twice a rest overflows. */
    int128 product = (int128)amount * numerator;
    int128 divisor = denominator;
    bool negative = (product < 0) != (divisor < 0);
    if (product < 0)
        product = -product;
    if (divisor < 0)
        divisor = -divisor;
    int128 quotient = product / divisor;
    if (must_round(quotient, product % divisor, divisor, rounding))
        quotient++;
    if (negative)
        quotient = -quotient;
    if (quotient < INT64_MIN || quotient > INT64_MAX)
        return false;
    *out = (int64_t)quotient;
    return true;
}

struct str money_format(int64_t minor, unsigned digits, char out[MONEY_TEXT_SIZE])
{
    CHECK(digits <= 18);
    uint64_t rest = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    char text[MONEY_TEXT_SIZE];
    size_t at = sizeof(text);
    unsigned written = 0;
    /* At least one digit stands before the point. */
    while (rest > 0 || written <= digits) {
        if (written == digits && digits > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
        written++;
    }
    if (minor < 0)
        text[--at] = '-';
    size_t len = sizeof(text) - at;
    CHECK(len < MONEY_TEXT_SIZE);
    memcpy(out, text + at, len);
    out[len] = '\0';
    return (struct str){out, len};
}

bool money_parse(struct str text, unsigned digits, int64_t *minor, struct error *err)
{
    CHECK(digits <= 18);
    struct str rest = text;
    bool negative = rest.len > 0 && rest.at[0] == '-';
    if (negative)
        rest = str_sub(rest, 1, SIZE_MAX);
    bool has_point = str_find_char(rest, '.', 0) != SIZE_MAX;
    struct str whole = str_cut(&rest, '.');
    struct str fraction = rest;
    if (whole.len == 0 || (has_point && fraction.len == 0))
        return fail(err, ERROR_INVALID, "cannot read amount: not a decimal number");
    if (fraction.len > digits)
        return fail(err, ERROR_INVALID, "cannot read amount: more than %u decimals", digits);
    int64_t value = 0;
    for (size_t i = 0; i < whole.len + digits; i++) {
        char c = '0';
        if (i < whole.len)
            c = whole.at[i];
        else if (i - whole.len < fraction.len)
            c = fraction.at[i - whole.len];
        if (c < '0' || c > '9')
            return fail(err, ERROR_INVALID, "cannot read amount: not a decimal number");
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)(c - '0'), &value))
            return fail(err, ERROR_INVALID, "cannot read amount: out of range");
    }
    if (!negative && value == INT64_MIN)
        return fail(err, ERROR_INVALID, "cannot read amount: out of range");
    *minor = negative ? value : -value;
    return true;
}
