#include "router/facts.h"

#include <string.h>

/* clang-format off */
static const struct fact_info facts[FACT_COUNT] = {
    [FACT_NONE]                  = { STR_INIT(""),                      FACT_TYPE_NONE,       "",                                    FACT_OF_PAYMENT },
    [FACT_AMOUNT]                = { STR_INIT("amount"),                FACT_TYPE_MONEY,      "amount >= 500.00 EUR",                FACT_OF_PAYMENT },
    [FACT_CURRENCY]              = { STR_INIT("currency"),              FACT_TYPE_CURRENCY,   "currency == EUR",                     FACT_OF_PAYMENT },
    [FACT_OPERATION]             = { STR_INIT("operation"),             FACT_TYPE_OPERATION,  "operation == authorize",              FACT_OF_PAYMENT },
    [FACT_METHOD]                = { STR_INIT("method"),                FACT_TYPE_WORD,       "method == card",                      FACT_OF_PAYMENT },
    [FACT_COUNTRY]               = { STR_INIT("country"),               FACT_TYPE_COUNTRY,    "country in [DE, AT]",                 FACT_OF_PAYMENT },
    [FACT_MERCHANT]              = { STR_INIT("merchant"),              FACT_TYPE_TEXT,       "merchant == \"mer_...\"",             FACT_OF_PAYMENT },
    [FACT_METADATA]              = { STR_INIT("metadata"),              FACT_TYPE_TEXT,       "metadata.tier == \"gold\"",           FACT_OF_PAYMENT },
    [FACT_CARD_BRAND]            = { STR_INIT("card_brand"),            FACT_TYPE_WORD,       "card_brand == visa",                  FACT_OF_PAYMENT },
    [FACT_CARD_COUNTRY]          = { STR_INIT("card_country"),          FACT_TYPE_COUNTRY,    "card_country in [DE, AT]",            FACT_OF_PAYMENT },
    [FACT_BIN]                   = { STR_INIT("bin"),                   FACT_TYPE_DIGITS,     "bin in 411111..411199",               FACT_OF_PAYMENT },
    [FACT_BENEFICIARY_COUNTRY]   = { STR_INIT("beneficiary_country"),   FACT_TYPE_COUNTRY,    "beneficiary_country == PL",           FACT_OF_PAYMENT },
    [FACT_REFERENCE]             = { STR_INIT("reference"),             FACT_TYPE_TEXT,       "reference starts with \"sub-\"",      FACT_OF_PAYMENT },
    [FACT_WEEKDAY]               = { STR_INIT("weekday"),               FACT_TYPE_WEEKDAY,    "weekday in [sat, sun]",               FACT_OF_PAYMENT },
    [FACT_TIME]                  = { STR_INIT("time"),                  FACT_TYPE_TIME,       "time in 22:00..06:00",                FACT_OF_PAYMENT },
    [FACT_ATTEMPT]               = { STR_INIT("attempt"),               FACT_TYPE_NUMBER,     "attempt > 1",                         FACT_OF_PAYMENT },
    [FACT_PREVIOUS_DECLINE]      = { STR_INIT("previous_decline"),      FACT_TYPE_WORD,       "previous_decline == soft",            FACT_OF_PAYMENT },
    [FACT_PREVIOUS_REASON]       = { STR_INIT("previous_reason"),       FACT_TYPE_WORD,       "previous_reason == insufficient_funds", FACT_OF_PAYMENT },
    [FACT_PROVIDER]              = { STR_INIT("provider"),              FACT_TYPE_WORD,       "provider == paypal",                  FACT_OF_CANDIDATE },
    [FACT_ACCOUNT]               = { STR_INIT("account"),               FACT_TYPE_TEXT,       "account == \"main\"",                 FACT_OF_CANDIDATE },
    [FACT_COST]                  = { STR_INIT("cost"),                  FACT_TYPE_COST,       "cost > 3%",                           FACT_MEASURE },
    [FACT_SUCCESS_RATE]          = { STR_INIT("success_rate"),          FACT_TYPE_PERCENT,    "success_rate < 90%",                  FACT_MEASURE },
    [FACT_LATENCY]               = { STR_INIT("latency"),               FACT_TYPE_DURATION,   "latency > 800ms",                     FACT_MEASURE },
    [FACT_HEALTHY]               = { STR_INIT("healthy"),               FACT_TYPE_FLAG,       "healthy",                             FACT_MEASURE },
    [FACT_SHARE]                 = { STR_INIT("share"),                 FACT_TYPE_PERCENT,    "share < 40%",                         FACT_MEASURE },
};
/* clang-format on */

enum {
    WORD_BYTES_MAX = 32,
};

const struct fact_info *fact_info(enum fact fact)
{
    CHECK(fact > FACT_NONE && fact < FACT_COUNT);
    return &facts[fact];
}

enum fact fact_find(struct str name)
{
    for (int fact = FACT_NONE + 1; fact < FACT_COUNT; fact++) {
        if (str_eq(facts[fact].name, name)) {
            return (enum fact)fact;
        }
    }
    return FACT_NONE;
}

bool fact_is_word(struct str text)
{
    if (text.len == 0 || text.len > WORD_BYTES_MAX || text.at[0] < 'a' || text.at[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return true;
}

void fact_values_set(struct fact_values *values, const struct route_facts *given,
                     const struct str *metadata_names, size_t metadata_name_count)
{
    CHECK(metadata_name_count <= ROUTE_METADATA_NAME_MAX);
    CHECK(given->metadata_count <= ROUTE_METADATA_MAX);
    values->amount_minor = given->amount_minor;
    values->currency = given->currency;
    values->operation = given->operation;
    values->attempt = given->attempt == 0 ? 1 : given->attempt;
    for (int fact = 0; fact < FACT_COUNT; fact++) {
        values->text[fact] = STR_NONE;
    }
    values->text[FACT_METHOD] = given->method;
    values->text[FACT_COUNTRY] = given->country;
    values->text[FACT_MERCHANT] = given->merchant;
    values->text[FACT_CARD_BRAND] = given->card_brand;
    values->text[FACT_CARD_COUNTRY] = given->card_country;
    values->text[FACT_BIN] = given->bin;
    values->text[FACT_BENEFICIARY_COUNTRY] = given->beneficiary_country;
    values->text[FACT_REFERENCE] = given->reference;
    values->text[FACT_PREVIOUS_DECLINE] = given->previous_decline;
    values->text[FACT_PREVIOUS_REASON] = given->previous_reason;
    for (size_t i = 0; i < metadata_name_count; i++) {
        struct str *value = &values->text[FACT_COUNT + i];
        *value = STR_NONE;
        for (size_t k = 0; k < given->metadata_count; k++) {
            if (str_eq(given->metadata[k].name, metadata_names[i])) {
                *value = given->metadata[k].value;
                break;
            }
        }
    }
}
