/*
 * recent.h - the newest payments of all merchants, for the operators' page: no personal data, no
 * merchant.
 */
#ifndef LEDGER_RECENT_H
#define LEDGER_RECENT_H

#include "ledger/store.h"

struct recent_payment {
    struct uuid payment_id;
    bool is_payout;
    int64_t created_us;
    int64_t amount_minor;
    char currency[4];
    enum payment_status status;
    struct str providers; /* of its attempts, in order: "paypal payoneer" */
};

typedef void (*recent_fn)(void *ctx, enum store_find found, const struct recent_payment *rows,
                          size_t count, const struct error *why);
/* Newest first; results live in arena. One index probe per merchant: not for the hot path. */
void recent_payments(struct store *store, unsigned limit, struct arena *arena, recent_fn done,
                     void *ctx);

#endif
