/*
 * volumes.h - the month's volume of accounts whose fees have tiers: counted as payments are posted,
 * asked of the ledger now and then.
 *
 *     decision -> volumes_read -> count in shared memory (router/volume.h)
 *     posting  -> volumes_count ----^
 *     each second: an account that is due -> ledger/volume.h -> volume_set
 *
 * The ledger is asked when an account is first used here, then every VOLUMES_REFRESH_S, or so rarely
 * that asking takes a twentieth of the time. An account that no decision asked for in a while is left
 * alone. So the count lags behind by what other hosts took since then, and no more.
 */
#ifndef PAYMENT_VOLUMES_H
#define PAYMENT_VOLUMES_H

#include "base/loop.h"
#include "base/zone.h"
#include "ledger/posting.h"
#include "payment/merchant.h"
#include "router/rates.h"
#include "router/volume.h"

enum {
    VOLUMES_REFRESH_S = 60,
};

struct volumes;

/* All borrowed, alive as long as the module; rates may be NULL. */
struct volumes *volumes_new(struct loop *loop, struct store *store, struct volume_table *table,
                            const struct rates *rates);
void volumes_free(struct volumes **volumes);

/* What the tiers of this account's fees look at; 0 when they have none, or when it is not yet known.
 * volumes may be NULL. */
int64_t volumes_read(struct volumes *volumes, const struct merchant_account *account,
                     const struct currency *currency, int64_t now_wall_us);
/* A transfer is about to be written. volumes may be NULL. */
void volumes_count(struct volumes *volumes, const struct uuid *account_id, enum operation operation,
                   enum posting_phase phase, int64_t amount_minor, const char *currency);

/* The month of `at_us` on the wall of this zone (NULL: UTC), or the one before: [*from_us, *until_us). */
void volumes_month(const struct zone *zone, int64_t at_us, bool is_previous, int64_t *from_us,
                   int64_t *until_us);

#endif
