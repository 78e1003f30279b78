#include "router/facts.h"

#include <string.h>

/* clang-format off */
static const struct fact_info facts[FACT_COUNT] = {
    [FACT_NONE]      = { STR_INIT(""),          FACT_TYPE_NONE,      "" },
    [FACT_AMOUNT]    = { STR_INIT("amount"),    FACT_TYPE_MONEY,     "amount >= 500.00 EUR" },
    [FACT_CURRENCY]  = { STR_INIT("currency"),  FACT_TYPE_CURRENCY,  "currency == EUR" },
    [FACT_OPERATION] = { STR_INIT("operation"), FACT_TYPE_OPERATION, "operation == authorize" },
    [FACT_METHOD]    = { STR_INIT("method"),    FACT_TYPE_WORD,      "method == card" },
    [FACT_COUNTRY]   = { STR_INIT("country"),   FACT_TYPE_COUNTRY,   "country in [DE, AT]" },
    [FACT_MERCHANT]  = { STR_INIT("merchant"),  FACT_TYPE_TEXT,      "merchant == \"mer_...\"" },
    [FACT_METADATA]  = { STR_INIT("metadata"),  FACT_TYPE_TEXT,      "metadata.tier == \"gold\"" },
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
    for (int fact = 0; fact < FACT_COUNT; fact++) {
        values->text[fact] = STR_NONE;
    }
    values->text[FACT_METHOD] = given->method;
    values->text[FACT_COUNTRY] = given->country;
    values->text[FACT_MERCHANT] = given->merchant;
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
