/*
 * order_present.h - what payouts that waited, and batches of them, look like on the wire.
 *
 * A payout is printed as every payout is (present.h), by its own id, whatever payment it became;
 * one that has not begun is printed from its sealed request. Status, of an order: requires_approval,
 * scheduled, rejected; and all that a payout comes to.
 */
#ifndef PAYMENT_ORDER_PRESENT_H
#define PAYMENT_ORDER_PRESENT_H

#include "ledger/order_read.h"
#include "payment/present.h"

/* As merchants read it; never empty. */
struct str order_status(const struct payout_view *payout);
/* Nothing more happens to it. */
bool order_is_final(const struct payout_view *payout);
/* seal_key: AEAD_KEY_SIZE. */
void order_present(const struct payout_view *payout, const uint8_t *seal_key, struct arena *arena,
                   struct buf *out);
/* {"object":"payout_batch_row","row":17,"reference":...,"payout":{...}|null,"errors":[...]|null} */
void order_present_row(const struct payout_view *payout, const uint8_t *seal_key,
                       struct arena *arena, struct buf *out);
/* {"id":"bat_...","object":"payout_batch","status",...,"counts":{...},"totals":[...],...} */
void order_present_batch(const struct batch_view *batch, struct buf *out);
/* requires_approval, processing, completed, rejected, canceled */
struct str order_batch_status(const struct batch_view *batch);

#endif
