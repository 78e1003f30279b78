#include "api/bank.h"

#include "base/country.h"

struct iban_country {
    char code[3];
    unsigned char length;
};

/* SWIFT IBAN registry. */
/* clang-format off */
static const struct iban_country iban_countries[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24},
    {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18},
    {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27},
    {"GT", 28}, {"HN", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26},
    {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20},
    {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20},
    {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24},
    {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24},
    {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25},
    {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20},
    {"YE", 30},
};

/* Territories whose accounts are numbered under another country's code. */
static const struct {
    const char *iban;
    const char *bics;
} shared_codes[] = {
    {"FR", "BL GF GP MF MQ NC PF PM RE TF WF YT"},
    {"GB", "GG IM JE"},
    {"FI", "AX"},
    {"NO", "BV SJ"},
};
/* clang-format on */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.at[i])) {
            return false;
        }
    }
    return true;
}

static bool is_alphanumeric(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.at[i]) && !is_capital(text.at[i])) {
            return false;
        }
    }
    return true;
}

/* ---- IBAN ------------------------------------------------------------------------------------ */

bool bank_iban_plain(struct str text, char out[BANK_IBAN_MAX + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == ' ') {
            continue;
        }
        if (len == BANK_IBAN_MAX) {
            out[0] = '\0';
            return false;
        }
        out[len++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    out[len] = '\0';
    return true;
}

unsigned bank_iban_length(struct str country)
{
    for (size_t i = 0; i < ARRAY_LEN(iban_countries); i++) {
        if (str_eq(country, str_of(iban_countries[i].code))) {
            return iban_countries[i].length;
        }
    }
    return 0;
}

/* The remainder by 97 of the number that begins behind the check digits and ends with them. */
static unsigned remainder_97(struct str iban)
{
    unsigned rest = 0;
    for (size_t i = 0; i < iban.len; i++) {
        char c = iban.at[(i + 4) % iban.len];
        if (is_digit(c)) {
            rest = (rest * 10 + (unsigned)(c - '0')) % 97;
        } else {
            rest = (rest * 100 + (unsigned)(c - 'A' + 10)) % 97;
        }
    }
    return rest;
}

enum bank_verdict bank_iban_check(struct str iban)
{
    if (iban.len < 5 || !is_capital(iban.at[0]) || !is_capital(iban.at[1]) ||
        !is_digits(str_sub(iban, 2, 2)) || !is_alphanumeric(iban)) {
        return BANK_FORM;
    }
    unsigned length = bank_iban_length(str_sub(iban, 0, 2));
    if (length == 0) {
        return BANK_COUNTRY;
    }
    if (iban.len != length) {
        return BANK_LENGTH;
    }
    /* 00, 01 and 99 leave the right remainder, too, but are never issued. */
    struct str digits = str_sub(iban, 2, 2);
    bool is_issued =
        !str_eq(digits, STR("00")) && !str_eq(digits, STR("01")) && !str_eq(digits, STR("99"));
    return is_issued && remainder_97(iban) == 1 ? BANK_OK : BANK_CHECK;
}

/* ---- BIC ------------------------------------------------------------------------------------- */

enum bank_verdict bank_bic_check(struct str bic)
{
    if (bic.len != 8 && bic.len != BANK_BIC_MAX) {
        return BANK_LENGTH;
    }
    if (!is_alphanumeric(bic) || !is_capital(bic.at[4]) || !is_capital(bic.at[5])) {
        return BANK_FORM;
    }
    return country_is_known(str_sub(bic, 4, 2)) ? BANK_OK : BANK_COUNTRY;
}

bool bank_is_same_country(struct str iban_country, struct str bic_country)
{
    if (str_eq(iban_country, bic_country)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(shared_codes); i++) {
        if (!str_eq(iban_country, str_of(shared_codes[i].iban))) {
            continue;
        }
        struct str rest = str_of(shared_codes[i].bics);
        while (rest.len > 0) {
            if (str_eq(str_cut(&rest, ' '), bic_country)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- national codes -------------------------------------------------------------------------- */

/* ABA: 3 7 1 3 7 1 3 7 1 times the digits is a multiple of ten. */
static bool is_aba(struct str code)
{
    static const unsigned weights[] = {3, 7, 1};
    unsigned sum = 0;
    if (code.len != 9 || !is_digits(code)) {
        return false;
    }
    for (size_t i = 0; i < code.len; i++) {
        sum += weights[i % 3] * (unsigned)(code.at[i] - '0');
    }
    return sum > 0 && sum % 10 == 0;
}

static bool is_six_digits(struct str code)
{
    return code.len == 6 && is_digits(code);
}

static bool is_transit(struct str code)
{
    return (code.len == 8 || code.len == 9) && is_digits(code);
}

static bool is_ifsc(struct str code)
{
    bool has_letters = code.len == 11;
    for (size_t i = 0; i < 4 && has_letters; i++) {
        has_letters = is_capital(code.at[i]);
    }
    return has_letters && code.at[4] == '0' && is_alphanumeric(code);
}

static const struct {
    const char *country;
    bool (*is_ok)(struct str code);
    const char *what;
} routing_forms[] = {
    {"US", is_aba, "must be an ABA routing number: nine digits with a valid check digit"},
    {"GB", is_six_digits, "must be a sort code: six digits without dashes"},
    {"AU", is_six_digits, "must be a BSB: six digits without dashes"},
    {"CA", is_transit, "must be institution and transit number: eight or nine digits"},
    {"IN", is_ifsc, "must be an IFSC: four capital letters, a zero, six letters or digits"},
};

bool bank_routing_check(struct str country, struct str code, const char **what)
{
    for (size_t i = 0; i < ARRAY_LEN(routing_forms); i++) {
        if (str_eq(country, str_of(routing_forms[i].country))) {
            *what = routing_forms[i].what;
            return routing_forms[i].is_ok(code);
        }
    }
    return true;
}
