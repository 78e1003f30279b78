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
 *     card_brand         word        card_brand == visa        card_country like country
 *     bin                digits      bin in 411111..411199     the card's first 6 to 8
 *     beneficiary_country, reference                           like country, merchant
 *     weekday, time                  time in 22:00..06:00      in the file's zone
 *     attempt            number      attempt > 1
 *     previous_decline   word        previous_decline == soft  "" on the first attempt
 *     previous_reason    word        previous_reason == insufficient_funds
 *
 * and of an account that might take it (in `where`: the one that is looked at):
 *
 *     provider, account              account == "main"         only in `where`
 *     cost               cost        paypal.cost > 3%          or money: cost > 0.50 EUR
 *     success_rate       percent     paypal.success_rate < 90%
 *     latency            duration    latency > 800ms           95 of 100 are faster
 *     healthy            flag        not payoneer:main.healthy
 *     share              percent     share < 40%
 *
 * Every fact of a payment has a value, always: an absent text is "". Conditions have therefore two outcomes, and
 * `not` means what it says.
 */
#ifndef ROUTER_FACTS_H
#define ROUTER_FACTS_H

#include <stdbool.h>
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
    FACT_CARD_BRAND,
    FACT_CARD_COUNTRY,
    FACT_BIN,
    FACT_BENEFICIARY_COUNTRY,
    FACT_REFERENCE,
    FACT_WEEKDAY,
    FACT_TIME,
    FACT_ATTEMPT,
    FACT_PREVIOUS_DECLINE,
    FACT_PREVIOUS_REASON,
    FACT_PROVIDER, /* of the candidate that is looked at */
    FACT_ACCOUNT,
    FACT_COST,
    FACT_SUCCESS_RATE,
    FACT_LATENCY,
    FACT_HEALTHY,
    FACT_SHARE,
    FACT_COUNT,
};

enum fact_type {
    FACT_TYPE_NONE = 0,
    FACT_TYPE_MONEY, /* a number and its currency */
    FACT_TYPE_CURRENCY,
    FACT_TYPE_OPERATION,
    FACT_TYPE_WORD,
    FACT_TYPE_COUNTRY,
    FACT_TYPE_TEXT,
    FACT_TYPE_DIGITS,   /* text of digits, compared by as many as the value has */
    FACT_TYPE_NUMBER,   /* a count */
    FACT_TYPE_PERCENT,  /* at most four decimals */
    FACT_TYPE_DURATION, /* 800ms, 2s */
    FACT_TYPE_TIME,     /* 22:00 */
    FACT_TYPE_WEEKDAY,  /* mon to sun */
    FACT_TYPE_FLAG,     /* true or false, not compared */
    FACT_TYPE_COST,     /* of a fact: its values are money or percent of the amount */
    FACT_TYPE_COUNT,
};

enum fact_scope {                      /* what has such a value */
                  FACT_OF_PAYMENT = 0, /* known before anybody is asked */
                  FACT_OF_CANDIDATE,   /* only in `where`: of the account that is looked at */
                  FACT_MEASURE,        /* in `where`; elsewhere of a target: paypal.success_rate */
};

struct fact_info {
    struct str name;
    enum fact_type type;
    const char *example; /* a comparison that is right, for messages */
    enum fact_scope scope;
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
    uint32_t attempt;                                      /* from 1 */
    struct str text[FACT_COUNT + ROUTE_METADATA_NAME_MAX]; /* borrowed */
};

/* Lay out `facts` for a rule set that asks for these metadata names; of equal names the first
 * counts. */
void fact_values_set(struct fact_values *values, const struct route_facts *facts,
                     const struct str *metadata_names, size_t metadata_name_count);

#endif
