/*
 * earned.h - what routing earned over a span of time, from the ledger alone.
 *
 *     recovered  payments whose first attempt was not approved, and a later one at another account was
 *     saved      of payments approved at once: what the other accounts that the decision had kept would
 *                have charged by their fee tables, less what the chosen one would
 *
 * Payments belong to the time in the id of their first attempt.
 */
#ifndef LEDGER_EARNED_H
#define LEDGER_EARNED_H

#include "ledger/store.h"

struct earned_row { /* of one merchant and currency */
    struct uuid merchant_id;
    char currency[4];
    int64_t payments;
    int64_t approved_at_once;
    int64_t recovered;
    int64_t recovered_minor;
    int64_t recovered_fee_minor;  /* expected */
    int64_t compared;             /* at once, and fees of two accounts or more were known */
    int64_t below_dearest_minor;  /* the sum of the dearest kept less the chosen */
    int64_t below_average_minor;  /* likewise, of the average of the kept; below 0: above it */
    int64_t above_cheapest_minor; /* what the cheapest kept would have saved besides */
};

struct earned { /* in the arena */
    struct earned_row *rows;
    size_t count;
};

typedef void (*earned_fn)(void *ctx, enum store_find found, const struct earned *earned,
                          const struct error *why);
/* From from_us to to_us (wall clock). merchant_id zero: of all merchants. */
void earned_read(struct store *store, const struct uuid *merchant_id, int64_t from_us,
                 int64_t to_us, struct arena *arena, earned_fn done, void *ctx);

#endif
