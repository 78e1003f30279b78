/*
 * out_body.h - what a webhook says: Standard Webhooks' body with the resource as GET shows it.
 */
#ifndef WEBHOOK_OUT_BODY_H
#define WEBHOOK_OUT_BODY_H

#include "ledger/hooks.h"
#include "ledger/order_read.h"

/* A ping: data is the endpoint's id. */
void out_body_ping(const struct hook_claim *claim, struct buf *out);
/* A report that was made; NULL: what is left of it is the event. */
void out_body_report(const struct hook_claim *claim, const struct hook_report *report,
                     struct buf *out);
/* payout: not NULL, of a payout that is an order; else payment. Neither: what is left of it is its id. */
void out_body_payment(const struct hook_claim *claim, const struct store_payment_view *payment,
                      const struct payout_view *payout, const uint8_t *seal_key,
                      struct arena *arena, struct buf *out);
/* The order that this payment is a try of. */
bool out_body_order(const struct store_payment_view *payment, struct uuid *order_id);

#endif
