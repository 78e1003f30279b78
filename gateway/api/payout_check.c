#include "api/payout_check.h"

#include "api/bank.h"
#include "providers/provider.h"

#define IN(member) STR("beneficiary." member)
#define AT(member) STR("beneficiary.bank_account." member)

static bool needs(struct str param, struct field_problem *problem, const char *why)
{
    return field_fail(problem, MESSAGE_MISSING_MEMBER, param, "%s", why);
}

static bool refuse(struct str param, struct field_problem *problem, const char *why)
{
    return field_fail(problem, MESSAGE_INVALID_MEMBER, param, "%s", why);
}

static bool has(const json_t *object, const char *member)
{
    return json_object_get(object, member) != NULL;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A name of spaces is none. */
static bool is_name(struct str text)
{
    return str_trim(text).len > 0;
}

static bool check_names(const json_t *who, struct field_problem *problem)
{
    static const char *const names[] = {"first_name", "last_name", "business_name"};
    bool is_business = str_eq(json_text(who, "type"), STR("business"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool is_needed = is_business == (i == 2);
        char param[FIELD_PARAM_SIZE] = "beneficiary.";
        CHECK(str_copy_to(str_of(names[i]), param + sizeof("beneficiary.") - 1, 32));
        if (has(who, names[i]) ? !is_name(json_text(who, names[i])) : is_needed) {
            return needs(str_of(param), problem,
                         is_business ? "a business needs its business_name"
                                     : "an individual needs first_name and last_name");
        }
    }
    if (!is_business && has(who, "business_name")) {
        return refuse(IN("business_name"), problem,
                      "business_name is for beneficiaries of type \"business\"");
    }
    return true;
}

/* ---- bank accounts --------------------------------------------------------------------------- */

static const char *iban_remedy(enum bank_verdict verdict)
{
    switch (verdict) {
    case BANK_OK:
        break;
    case BANK_FORM:
        return "the IBAN must be two letters of a country, two check digits, and letters and "
               "digits";
    case BANK_COUNTRY:
        return "the IBAN begins with a country that has no IBANs; use account_number and country";
    case BANK_LENGTH:
        return "the IBAN has not the length of its country's";
    case BANK_CHECK:
        return "the IBAN's check digits do not fit: a character was mistyped";
    }
    return "";
}

static const char *bic_remedy(enum bank_verdict verdict)
{
    switch (verdict) {
    case BANK_OK:
        break;
    case BANK_FORM:
    case BANK_CHECK:
        return "the BIC must be capital letters and digits: institution (4), country (2), place "
               "(2), and perhaps branch (3)";
    case BANK_COUNTRY:
        return "the BIC's fifth and sixth characters are no country";
    case BANK_LENGTH:
        return "the BIC must have 8 or 11 characters";
    }
    return "";
}

static bool check_iban(json_t *account, struct field_problem *problem)
{
    char plain[BANK_IBAN_MAX + 1];
    bool is_short = bank_iban_plain(json_text(account, "iban"), plain);
    enum bank_verdict verdict = is_short ? bank_iban_check(str_of(plain)) : BANK_LENGTH;
    if (verdict != BANK_OK) {
        return refuse(AT("iban"), problem, iban_remedy(verdict));
    }
    struct str country = str_sub(str_of(plain), 0, 2);
    if (has(account, "country") && !str_eq(json_text(account, "country"), country)) {
        return refuse(AT("country"), problem, "the IBAN is of another country");
    }
    if (has(account, "account_number")) {
        return refuse(AT("account_number"), problem,
                      "send the IBAN or the account_number, not both");
    }
    CHECK(json_object_set_new(account, "iban", json_string(plain)) == 0);
    CHECK(json_object_set_new(account, "country", json_stringn(country.at, country.len)) == 0);
    return true;
}

static bool check_bic(const json_t *account, struct field_problem *problem)
{
    struct str bic = json_text(account, "bic");
    enum bank_verdict verdict = bank_bic_check(bic);
    if (verdict != BANK_OK) {
        return refuse(AT("bic"), problem, bic_remedy(verdict));
    }
    if (has(account, "country") &&
        !bank_is_same_country(json_text(account, "country"), str_sub(bic, 4, 2))) {
        return refuse(AT("bic"), problem,
                      has(account, "iban") ? "the BIC is of another country than the IBAN"
                                           : "the BIC is of another country than the account");
    }
    return true;
}

static bool check_number(const json_t *account, struct field_problem *problem)
{
    struct str country = json_text(account, "country");
    if (!has(account, "account_number")) {
        return needs(AT("iban"), problem, "a bank account needs its iban, or its account_number");
    }
    if (country.len == 0) {
        return needs(AT("country"), problem, "an account_number needs its country");
    }
    /* Without these two nothing arrives at a bank of the United States. */
    if (str_eq(country, STR("US")) && !has(account, "routing_code")) {
        return needs(AT("routing_code"), problem, "an account in the US needs its routing_code");
    }
    return true;
}

static bool check_account(json_t *account, struct str currency, struct field_problem *problem)
{
    const char *what = "";
    if (has(account, "iban") ? !check_iban(account, problem) : !check_number(account, problem)) {
        return false;
    }
    if (has(account, "bic") && !check_bic(account, problem)) {
        return false;
    }
    if (has(account, "routing_code") &&
        !bank_routing_check(json_text(account, "country"), json_text(account, "routing_code"),
                            &what)) {
        return field_fail(problem, MESSAGE_INVALID_MEMBER, AT("routing_code"), "routing_code %s",
                          what);
    }
    if (has(account, "currency") && currency.len > 0 &&
        !str_eq(json_text(account, "currency"), currency)) {
        return refuse(AT("currency"), problem,
                      "the account is held in another currency than the payout's");
    }
    return !has(account, "holder") || is_name(json_text(account, "holder")) ||
           refuse(AT("holder"), problem, "holder must be a name");
}

bool payout_check_beneficiary(json_t *beneficiary, struct str currency,
                              struct field_problem *problem)
{
    json_t *account = json_object_get(beneficiary, "bank_account");
    return check_names(beneficiary, problem) &&
           (account == NULL || check_account(account, currency, problem));
}

/* ---- payees ---------------------------------------------------------------------------------- */

static bool is_alphanumeric(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')) {
            return false;
        }
    }
    return true;
}

/* An @ makes it an address, a + a phone number; else it is a payer id of 13 characters. */
static const char *paypal_remedy(struct str id)
{
    if (str_find_char(id, '@', 0) != SIZE_MAX) {
        return form_email.is_ok(id) ? NULL : form_email.what;
    }
    if (id.at[0] == '+') {
        return form_phone.is_ok(id) ? NULL : form_phone.what;
    }
    return id.len == 13 && is_alphanumeric(id)
               ? NULL
               : "must be an e-mail address, a phone number (+4915112345678) or a payer id of 13 "
                 "letters and digits";
}

static const char *payoneer_remedy(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        if (!is_alphanumeric((struct str){&c, 1}) && c != '-' && c != '_' && c != '.' && c != '@') {
            return "must be the payee id under which they registered: letters, digits, - _ . @";
        }
    }
    return id.len <= 60 ? NULL : "must have at most 60 characters";
}

static const struct {
    const char *family;
    const char *(*remedy)(struct str id); /* NULL: it has the form */
} payee_forms[] = {
    {"paypal", paypal_remedy},
    {"payoneer", payoneer_remedy},
};

/* By the name or the family of a provider. */
static struct str family_of(struct str name)
{
    const struct provider *provider = provider_find(name);
    return provider != NULL ? str_of(provider->family) : name;
}

static bool check_payees(json_t *payees, struct field_problem *problem)
{
    for (void *at = json_object_iter(payees); at; at = json_object_iter_next(payees, at)) {
        struct str name = {json_object_iter_key(at), json_object_iter_key_len(at)};
        const json_t *value = json_object_iter_value(at);
        struct str id = {json_string_value(value), json_string_length(value)};
        for (size_t i = 0; i < ARRAY_LEN(payee_forms); i++) {
            const char *remedy = NULL;
            if (str_eq(family_of(name), str_of(payee_forms[i].family))) {
                remedy = payee_forms[i].remedy(id);
            }
            if (remedy != NULL) {
                char param[FIELD_PARAM_SIZE] = "payees.";
                (void)str_copy_to(name, param + 7, sizeof(param) - 7);
                return field_fail(problem, MESSAGE_INVALID_MEMBER, str_of(param),
                                  "the payee's id at " STR_FMT " %s", STR_ARG(name), remedy);
            }
        }
    }
    return true;
}

bool payout_check(json_t *body, struct field_problem *problem)
{
    json_t *beneficiary = json_object_get(body, "beneficiary");
    return payout_check_beneficiary(beneficiary, json_text(body, "currency"), problem) &&
           check_payees(json_object_get(body, "payees"), problem);
}
