/*
 * prices.h - fee tables are in the ledger before a decision is made by them (P6).
 *
 *     merchant loaded -> each of its tables that this worker has not yet kept: price_keep -> in use
 *
 * What was kept is remembered by merchant and hash, so that a merchant that is loaded again asks
 * nothing.
 */
#ifndef PAYMENT_PRICES_H
#define PAYMENT_PRICES_H

#include "ledger/price.h"
#include "payment/merchant.h"

struct prices;

struct prices *prices_new(struct store *store);
void prices_free(struct prices **prices);
/* The next table of this merchant, from account *next on, that must be kept first; *next is the
 * account that has it. False: all are. */
bool prices_next(struct prices *prices, const struct merchant *merchant, size_t *next) MUST_USE;
/* Keep the table of that account; when it is done, FOUND: prices_kept. */
void prices_keep(struct prices *prices, const struct merchant *merchant, size_t account,
                 store_count_fn done, void *ctx);
void prices_kept(struct prices *prices, const struct merchant *merchant, size_t account);

#endif
