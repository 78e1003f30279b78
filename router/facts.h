/*
 * facts.h - what a rule may ask about a payment: one table of names and types, and the values of
 * one payment laid out flat, so that evaluation indexes and never searches.
 *
 *     amount             money       amount >= 500.00 EUR      true only for payments in EUR
 *     currency           currency    currency in [EUR, CHF]
 *     operation          operation   operation == authorize
 *     method             word        method == card
 *     country            country     country == DE             payer's; "" when not known
 *     merchant           text        merchant == "mer_..."
 *     metadata.<name>    text        metadata.tier == "gold"   "" when there is no such member
 *
 * Every fact always has a value: an absent text is "". Conditions have therefore two outcomes, and
 * `not` means what it says.
 */
#ifndef ROUTER_FACTS_H
#define ROUTER_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/str.h"
#include "base/terms.h"
#include "router/router.h"

enum fact {
    FACT_NONE = 0,
    FACT_AMOUNT,
    FACT_CURRENCY,
    FACT_OPERATION,
    FACT_METHOD,
    FACT_COUNTRY,
    FACT_MERCHANT,
    FACT_METADATA, /* always with a name */
    FACT_COUNT,
};

enum fact_type {
    FACT_TYPE_NONE = 0,
    FACT_TYPE_MONEY,
    FACT_TYPE_CURRENCY,
    FACT_TYPE_OPERATION,
    FACT_TYPE_WORD,
    FACT_TYPE_COUNTRY,
    FACT_TYPE_TEXT,
    FACT_TYPE_COUNT,
};

struct fact_info {
    struct str name;
    enum fact_type type;
    const char *example; /* a comparison that is right, for messages */
};

const struct fact_info *fact_info(enum fact fact);
/* FACT_NONE when unknown. */
enum fact fact_find(struct str name);

/* The form of a payment method: lower-case letters, digits and '_', a letter first, at most 32. */
bool fact_is_word(struct str text);

/* One payment's values; text[] holds the facts by enum, then the rule set's metadata names. */
struct fact_values {
    int64_t amount_minor;
    const struct currency *currency; /* borrowed */
    enum operation operation;
    struct str text[FACT_COUNT + ROUTE_METADATA_NAME_MAX]; /* borrowed */
};

/* Lay out `facts` for a rule set that asks for these metadata names; of equal names the first
 * counts. */
void fact_values_set(struct fact_values *values, const struct route_facts *facts,
                     const struct str *metadata_names, size_t metadata_name_count);

#endif
