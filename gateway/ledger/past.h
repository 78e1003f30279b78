/*
 * past.h - payments of the past, whole in memory: what was known of each, where it went first, and
 * what came of it. For questions about all of them at once (payment/backtest.h); for the command
 * line, never for a worker.
 *
 *     payments --+
 *     attempts --+--> one struct past_payment each, about 120 bytes; texts are kept once
 *     outcomes --+
 *
 * Of the decision only its beginning is read: rule, rule set, draw, order; and its facts, for rules that
 * ask for them. The three tables are read one after the other in one snapshot and joined here, which costs
 * PostgreSQL three plain scans.
 */
#ifndef LEDGER_PAST_H
#define LEDGER_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/str.h"
#include "base/terms.h"

enum {
    PAST_PAYMENT_MAX = 50000000,
    PAST_NONE = 0, /* the word that is empty */
};

/* What is before them, by decision_record.h. No text of a record has it: there quotes are escaped. */
#define PAST_FACTS "\"facts\":"

struct past_payment { /* texts are words: past_word() */
    struct uuid payment_id;
    int64_t created_us;
    int64_t amount_minor;
    int64_t fee_minor;   /* expected when it was decided; -1: unknown */
    uint64_t draw;       /* of the decision; 0: there is no record */
    uint64_t split_bits; /* what a split was decided by; 0: there was none */
    uint32_t account;    /* of the first attempt: index into past_account() */
    uint32_t paid;       /* likewise: of the attempt that was approved, if any was */
    uint32_t rule;       /* rule set and rule that decided, as one word */
    uint32_t method;
    uint32_t country;
    uint32_t routing; /* what the merchant asked for: JSON */
    uint32_t reference;
    uint32_t metadata;   /* JSON */
    uint32_t facts;      /* that the decision's record has and the payment's row has not: JSON */
    uint32_t elapsed_us; /* until the first answer */
    uint32_t attempts;   /* 0: it was never sent anywhere */
    uint16_t currency;   /* currency_index() */
    uint8_t operation;
    bool is_split; /* a split chose the first one */
    uint8_t first; /* enum outcome of the first attempt, by what is known last */
    uint8_t
        final; /* of the payment: approved when any attempt was, unknown as long as one may be */
};

struct past_account {
    struct uuid merchant_id;
    struct uuid account_id;
};

struct past_wanted {
    struct uuid merchant_id; /* zero: all */
    int64_t since_us;
    int64_t until_us; /* 0: no end */
    bool reference;   /* some rule asks for it */
    bool metadata;
    bool facts;
};

struct past;

struct past *past_new(void);
void past_free(struct past **past);
/* Read them from the ledger, in the order of time. */
bool past_load(struct past *past, const char *conninfo, const struct past_wanted *wanted,
               struct error *err) MUST_USE;

/* The first part of a decision's record, as route_decision_print() begins it; as much of it as there is. */
void past_take_decision(struct past *past, struct past_payment *payment, struct str record);
/* What follows PAST_FACTS in the record; may be empty. */
void past_take_facts(struct past *past, struct past_payment *payment, struct str record);
/* The same by hand: the word of a text, the index of an account, and a payment that has both. */
uint32_t past_keep(struct past *past, struct str text);
uint32_t past_keep_account(struct past *past, const struct uuid *merchant_id,
                           const struct uuid *account_id);
struct past_payment *past_add(struct past *past);
void past_sort(struct past *past); /* by time */

size_t past_count(const struct past *past);
struct past_payment *past_edit(struct past *past, size_t index); /* until the next past_add */
const struct past_payment *past_payment(const struct past *past, size_t index);
struct str past_word(const struct past *past, uint32_t word);
size_t past_word_count(const struct past *past);
size_t past_account_count(const struct past *past);
const struct past_account *past_account(const struct past *past, uint32_t index);

#endif
