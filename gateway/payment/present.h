/*
 * present.h - what a payment or payout looks like on the wire (design section 6): the one place that
 * prints it, for the first answer, for replays of 202 and for GET.
 */
#ifndef PAYMENT_PRESENT_H
#define PAYMENT_PRESENT_H

#include "ledger/store.h"

enum {
    PRESENT_BYTES_MAX = 1024 * 1024,
};

/*
 * {"id","object":"payment","status",...,"attempts":[...],"decision":{...},"created","livemode"}.
 * A payout: {"id":"pyt_...","object":"payout","status",...,"cancel_requested":false,"beneficiary":{"type","name","country",
 * "iban_last4"},...}; status also "unclaimed" and "returned".
 */
void present_payment(const struct store_payment_view *payment, struct buf *out);
/* Human word for why a payment or attempt ended: "insufficient_funds" and so on; may be "". */
struct str present_failure_reason(const struct store_payment_view *payment);

#endif
