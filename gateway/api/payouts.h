/*
 * payouts.h - what the addresses of payouts and of their batches share (private to gateway/api).
 */
#ifndef API_PAYOUTS_H
#define API_PAYOUTS_H

#include "api/list.h"
#include "payment/order_present.h"

/* What the query of a list says; a cursor is of this kind. */
struct payout_filter api_take_filter(struct api_call *call, enum id_kind kind);
/* 503: a decision was perhaps noted, and what it came to cannot be read. */
void api_reply_unsure(struct api_call *call);
/* The caller decides, now. */
struct order_decide api_decide(const struct api_call *call, const struct uuid *subject_id,
                               enum order_decision decision);
/* Something has become due. */
void api_wake_orders(const struct api_call *call);
bool api_was_noted(const struct order_note *notes, size_t count, enum order_decision decision);

#endif
