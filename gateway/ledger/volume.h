/*
 * volume.h - what an account has taken in a span of time, by currency: sales and captures that are
 * posted, and captures on their way. Refunds do not lower it.
 *
 * Reads every transfer of the merchant in that span: for a refresh now and then, not for a payment.
 */
#ifndef LEDGER_VOLUME_H
#define LEDGER_VOLUME_H

#include "ledger/store.h"

enum {
    VOLUME_ROW_MAX = 256, /* more than there are currencies */
};

struct volume_row {
    char currency[4];
    int64_t amount_minor;
};

struct volume_ask {
    struct uuid merchant_id;
    struct uuid account_id;
    struct str provider;
    int64_t from_us; /* included */
    int64_t until_us;
};

typedef void (*volume_fn)(void *ctx, enum store_find found, const struct volume_row *rows,
                          size_t count, const struct error *why);
void volume_load(struct store *store, const struct volume_ask *ask, volume_fn done, void *ctx);

#endif
