/* PayPal's currencies, decimals, amounts and fee. */
#include "providers/sandbox/paypal.h"

#include "providers/sandbox/raw.h"

enum {
    FEE_PER_10000 = 349,
    INTEGER_DIGITS_MAX = 15, /* 999999999999999.99 */
    VALUE_MAX = 32,
};

/* clang-format off */
/* PayPal's currencies: decimals it takes, and the fixed part of the checkout fee in units of them.
   No fixed fee is published for CNY. */
static const struct {
    char code[4];
    unsigned decimals;
    int64_t fixed_fee;
} currencies[] = {
    {"AUD", 2,  59}, {"BRL", 2,  290}, {"CAD", 2, 59},  {"CNY", 2,   0}, {"CZK", 2,  900},
    {"DKK", 2, 290}, {"EUR", 2,   39}, {"HKD", 2, 379}, {"HUF", 0, 149}, {"ILS", 2,  160},
    {"JPY", 0,  49}, {"MYR", 2,  200}, {"MXN", 2, 900}, {"TWD", 0,  14}, {"NZD", 2,   69},
    {"NOK", 2, 390}, {"PHP", 2, 2500}, {"PLN", 2, 189}, {"GBP", 2,  39}, {"RUB", 2, 3900},
    {"SGD", 2,  69}, {"SEK", 2,  409}, {"CHF", 2,  49}, {"THB", 2, 1500}, {"USD", 2,  49},
};
/* clang-format on */

static size_t find(const struct currency *currency)
{
    for (size_t i = 0; currency && i < ARRAY_LEN(currencies); i++) {
        if (str_eq(str_of(currencies[i].code), str_of(currency->code))) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool paypal_takes(const struct currency *currency)
{
    return find(currency) != SIZE_MAX;
}

unsigned paypal_decimals(const struct currency *currency)
{
    size_t at = find(currency);
    return at == SIZE_MAX ? 2 : currencies[at].decimals;
}

/* ISO minor units in one of PayPal's smallest: HUF has two decimals in ISO 4217, none at PayPal. */
int64_t paypal_step(const struct currency *currency)
{
    int64_t units = 1;
    for (unsigned i = paypal_decimals(currency); i < currency->exponent; i++) {
        units *= 10;
    }
    return units;
}

int64_t paypal_fee(int64_t minor, const struct currency *currency)
{
    int64_t units = paypal_step(currency);
    int64_t fee = 0;
    size_t at = find(currency);
    bool done = money_scale(minor / units, FEE_PER_10000, 10000, MONEY_HALF_UP, &fee);
    CHECK(done && at != SIZE_MAX);
    return (fee + currencies[at].fixed_fee) * units;
}

struct str paypal_value(int64_t minor, const struct currency *currency, char out[MONEY_TEXT_SIZE])
{
    return money_format(minor / paypal_step(currency), paypal_decimals(currency), out);
}

bool paypal_split(struct str text, struct paypal_digits *digits)
{
    digits->negative = str_starts(text, STR("-"));
    text = str_sub(text, digits->negative ? 1 : 0, text.len);
    size_t point = str_find_char(text, '.', 0);
    digits->integer = str_sub(text, 0, point);
    digits->fraction = point == SIZE_MAX ? STR_NONE : str_sub(text, point + 1, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (i != point && (text.at[i] < '0' || text.at[i] > '9')) {
            return false;
        }
    }
    return point == SIZE_MAX ? digits->integer.len > 0 : digits->fraction.len > 0;
}

static bool is_zeros(struct str digits)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] != '0') {
            return false;
        }
    }
    return true;
}

const char *paypal_convert(struct paypal_digits digits, const struct currency *currency,
                           bool may_be_zero, int64_t *minor)
{
    unsigned decimals = paypal_decimals(currency);
    while (digits.integer.len > 0 && digits.integer.at[0] == '0') {
        digits.integer = str_sub(digits.integer, 1, digits.integer.len);
    }
    bool zero = digits.integer.len == 0 && is_zeros(digits.fraction);
    if ((digits.negative && !zero) || (zero && !may_be_zero)) {
        return may_be_zero ? "CANNOT_BE_NEGATIVE" : "CANNOT_BE_ZERO_OR_NEGATIVE";
    }
    if (digits.fraction.len > decimals) {
        return decimals == 0 ? "DECIMALS_NOT_SUPPORTED" : "DECIMAL_PRECISION";
    }
    if (digits.integer.len > INTEGER_DIGITS_MAX) {
        return "MAX_VALUE_EXCEEDED";
    }
    int64_t value = 0;
    for (size_t i = 0; i < digits.integer.len; i++) {
        value = value * 10 + (digits.integer.at[i] - '0');
    }
    for (unsigned i = 0; i < decimals; i++) {
        value = value * 10 + (i < digits.fraction.len ? digits.fraction.at[i] - '0' : 0);
    }
    *minor = value * paypal_step(currency);
    return NULL;
}

static struct str pointer_to(struct call *call, const char *pointer, const char *member)
{
    return arena_printf(call->arena, "%s/%s", pointer, member);
}

static const struct currency *read_currency(struct call *call, const json_t *money,
                                            const char *pointer, struct paypal_problems *problems)
{
    struct str code = json_text(money, "currency_code");
    const struct currency *currency = currency_find(code);
    const char *issue = !json_object_get(money, "currency_code") ? "MISSING_REQUIRED_PARAMETER"
                        : code.len != 3                          ? "INVALID_STRING_LENGTH"
                        : !paypal_takes(currency)                ? "INVALID_CURRENCY_CODE"
                                                                 : NULL;
    if (issue) {
        paypal_add(problems, pointer_to(call, pointer, "currency_code"), code, issue);
        return NULL;
    }
    return currency;
}

bool paypal_read_money(struct call *call, const json_t *money, const char *path,
                       const char *pointer, bool may_be_zero, int64_t *minor,
                       const struct currency **currency, struct paypal_problems *problems)
{
    if (!json_is_object(money)) {
        paypal_add(problems, str_of(pointer), STR_NONE, "INVALID_PARAMETER_SYNTAX");
        return false;
    }
    *currency = read_currency(call, money, pointer, problems);
    const json_t *value = json_object_get(money, "value");
    struct str text = json_text(money, "value");
    struct paypal_digits digits;
    if (json_is_number(value)) { /* The real API takes numbers too. */
        struct str at = arena_printf(call->arena, "%s.value", path);
        text = raw_json_find(call->req->body, arena_cstr(call->arena, at));
    }
    const char *issue = !value                         ? "MISSING_REQUIRED_PARAMETER"
                        : text.len > VALUE_MAX         ? "INVALID_STRING_LENGTH"
                        : !paypal_split(text, &digits) ? "INVALID_PARAMETER_SYNTAX"
                                                       : NULL;
    if (!issue && *currency) {
        issue = paypal_convert(digits, *currency, may_be_zero, minor);
    }
    if (issue) {
        paypal_add(problems, pointer_to(call, pointer, "value"), text, issue);
    }
    return !issue && *currency;
}
