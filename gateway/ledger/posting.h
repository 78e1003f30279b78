/*
 * posting.h - double entry: what an approval means for the books, as rows of `transfers`.
 *
 *     sale        provider:...:receivable  <-  merchant:sales              gross, posted
 *     authorize   provider:...:receivable  <-  merchant:sales              gross, pending: a hold
 *     capture     provider:...:receivable  <-  merchant:sales              gross, posted
 *     refund      merchant:refunds         <-  provider:...:receivable     gross, posted
 *     payout      merchant:payouts         <-  provider:...:receivable     gross, posted
 *     fee         merchant:fees            <-  provider:...:receivable     with sale, capture, payout
 *
 * Captures and refunds have two phases: asked for, the sum is pending; done, it is posted; surely not
 * done, it is voided. A hold is made smaller by what is captured, and ends with a void or when it has
 * run out (store.h, struct store_hold). The transfer of an authorization, and the pending one of a
 * capture or refund, has its attempt's id: so it can be named without having been read.
 *
 * Left is debited, right is credited. One account per provider account, named by its id, so that
 * what a provider owes can be compared with what it pays out. Every row has one debit and one
 * credit: the books balance by construction (P5).
 */
#ifndef LEDGER_POSTING_H
#define LEDGER_POSTING_H

#include "ledger/store.h"

enum {
    POSTING_PROVIDER_MAX = 64, /* bytes of a provider's name */
    POSTING_ACCOUNT_SIZE = 160,
};

enum posting_phase {
    POSTING_WHOLE = 0, /* approved: sale, authorize, payout */
    POSTING_OPEN,      /* capture, refund: asked for */
    POSTING_CLOSE,     /* ... approved */
    POSTING_DROP,      /* ... surely not done */
    POSTING_LATE,      /* ... approved, after it had been dropped */
};

struct posting { /* what was approved, or asked for; borrowed */
    enum posting_phase phase;
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid account_id;
    struct str provider;
    enum operation operation;
    int64_t amount_minor; /* > 0 */
    char currency[4];
    int64_t fee_minor; /* stated by the provider, else expected; 0 or less: none is booked */
    int64_t created_us;
};

struct posting_rows { /* rows point into it: not to be copied */
    struct store_transfer transfers[2];
    size_t count;
    char receivable[POSTING_ACCOUNT_SIZE];
};

/* The account of the books for what a provider account owes. */
void posting_receivable(struct str provider, const struct uuid *account_id,
                        char out[POSTING_ACCOUNT_SIZE]);
/* New transfer ids are drawn where none is given above; everything else follows from `posting`. A
 * void posts nothing. */
void posting_make(const struct posting *posting, struct posting_rows *rows);

#endif
