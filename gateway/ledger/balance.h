/*
 * balance.h - sums of each account, rolled up so that a balance reads few rows.
 *
 * finance.trial_balance is exact at every moment, whoever rolls or not: what is not rolled up is added
 * when it is read (migrations/20261122000009_balances.sql). Writers wait for nobody here, but for a
 * transfer whose id is older than ten seconds.
 */
#ifndef LEDGER_BALANCE_H
#define LEDGER_BALANCE_H

#include "ledger/store.h"

/*
 * Roll up at most `merchants` whose newest transfers are many or old, together about `transfers`, on
 * the connection for what is large. Those that another rolls now are left to it. Count: how many
 * could not be done to the end; above 0 it is worth asking again at once.
 */
void balances_roll(struct store *store, unsigned merchants, unsigned transfers, store_count_fn done,
                   void *ctx);

/*
 * Of what is rolled up for good, keep the sums as they were after each `transfers` transfers of a
 * merchant, so that a balance at any past moment reads one such page and fewer than `transfers` rows
 * (migrations/20261123000002_balance_pages.sql): at most `pages` of each of `merchants`. Count as
 * above. All callers must pass the same `transfers`; other sizes are right, too, but read more.
 */
void balances_page(struct store *store, unsigned merchants, unsigned pages, unsigned transfers,
                   store_count_fn done, void *ctx);

#endif
