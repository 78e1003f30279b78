/*
 * posting.h - double entry: what an approval means for the books, as rows of `transfers`.
 *
 *     sale        provider:...:receivable  <-  merchant:sales              gross, posted
 *     authorize   provider:...:receivable  <-  merchant:sales              gross, pending: a hold
 *     capture     provider:...:receivable  <-  merchant:sales              posts the hold
 *     void        provider:...:receivable  <-  merchant:sales              voids the hold
 *     refund      merchant:refunds         <-  provider:...:receivable     gross, posted
 *     payout      merchant:payouts         <-  provider:...:receivable     gross, posted
 *     fee         merchant:fees            <-  provider:...:receivable     with sale, capture, payout
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

struct posting { /* what was approved; borrowed */
    struct uuid merchant_id;
    struct uuid payment_id;
    struct uuid attempt_id;
    struct uuid account_id;
    struct uuid pending_id; /* capture and void: the authorization's transfer */
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

/* New transfer ids are drawn; everything else follows from `posting`. */
void posting_make(const struct posting *posting, struct posting_rows *rows);

#endif
