/*
 * history.h - what happened, on the wire: one event, and the whole life of a payment in order.
 *
 *     {"entry": "created",  "at": ..., "actor": "merchant", ...}
 *     {"entry": "operation", ... "operation_id": "ref_...", "kind": "refund"}
 *     {"entry": "attempt",  ... "attempt": "att_...", "provider": "paypal", "operation": "sale"}
 *     {"entry": "send",     ... "send": 1, "step": "charge", "moves_money": true}
 *     {"entry": "outcome",  ... "send": 1, "outcome": "approved", "actor": "paypal", "reason": ...}
 *     {"entry": "status",   ... "id": "evt_...", "type": "payment.succeeded", "status": ...}
 *
 * Entries stand in the order in which they were committed, as far as anybody can tell: by time, and
 * within a moment cause before effect. Nothing is made up for it: each is a row of the ledger.
 */
#ifndef PAYMENT_HISTORY_H
#define PAYMENT_HISTORY_H

#include "ledger/events.h"

/* {"id":"evt_...","object":"event","type",...,"payment" or "payout","status","data"}: one line. */
void present_event(const struct event_view *event, struct buf *out);

struct history_entry;
struct history_parts { /* of one payment, as read; borrowed until the last entry is printed */
    const struct store_payment_view *payment;
    const struct event_view *events; /* by number */
    size_t event_count;
    const struct store_payment_view *operations; /* on it: captures, voids, refunds */
    size_t operation_count;
};
/* The entries in their order, in arena. */
const struct history_entry *history_make(const struct history_parts *parts, struct arena *arena,
                                         size_t *count);
void history_print(const struct history_entry *entries, size_t index, struct buf *out);

#endif
