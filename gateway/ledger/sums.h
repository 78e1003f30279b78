/* sums.h - what was posted on one account before a moment, by currency: of trial_balance, through copy.h. */
#ifndef LEDGER_SUMS_H
#define LEDGER_SUMS_H

#include "base/money.h"
#include "ledger/copy.h"

enum {
    SUMS_CURRENCY_MAX = 512,
};

struct sum { /* of one currency */
    int64_t debit_minor;
    int64_t credit_minor;
    bool is_used; /* the account has an entry in it */
};

struct sums { /* by currency_index() */
    struct sum of[SUMS_CURRENCY_MAX];
};

/* Before before_us; INT64_MIN: nothing is, INT64_MAX: all is. by_effect: by when it counts, not by when
 * it was recorded. No query may be under way. */
bool sums_read(struct copy *copy, const struct uuid *merchant_id, struct str account,
               int64_t before_us, bool by_effect, struct sums *sums, struct error *err) MUST_USE;
/* Debits less credits. False: beyond what can be counted. */
bool sum_balance(const struct sum *sum, int64_t *balance_minor) MUST_USE;

#endif
