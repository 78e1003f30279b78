/*
 * present.h - what a payment or payout looks like on the wire (design section 6): the one place that
 * prints it, for the first answer, for replays of 202 and for GET.
 */
#ifndef PAYMENT_PRESENT_H
#define PAYMENT_PRESENT_H

#include "base/json.h"
#include "ledger/store.h"

/* The fact that says until when the payer may act: microseconds since 1970, in decimal. */
#define PRESENT_EXPIRES "action_expires"

enum {
    PRESENT_BYTES_MAX = 1024 * 1024,
};

/*
 * {"id","object":"payment","status",...,"attempts":[...],"decision":{...},"created","livemode"}.
 * An attempt that was decided anew has a "decision" of its own.
 * A payout: {"id":"pyt_...","object":"payout","status",...,"cancel_requested":false,"beneficiary":{"type","name","country",
 * "iban_last4"},...}; status also "unclaimed" and "returned".
 * A capture, void, refund or reauthorization: {"id":"cap_...","object":"capture","payment":"pay_...","status",...}.
 */
void present_payment(const struct store_payment_view *payment, struct buf *out);

struct present_frame { /* a payout that waited: what is shown instead, and besides (order.h) */
    struct uuid payout_id;
    struct str status;         /* empty: the payment's */
    struct str failure_reason; /* why nothing was begun; empty: the payment says */
    struct str failure_detail;
    struct str members; /* ",\"batch\":...": behind the others */
};
void present_payout(const struct store_payment_view *payout, const struct present_frame *frame,
                    struct buf *out);
/* Of the facts of an outcome that asks the payer to act; 0: they do not say. */
int64_t present_expires_us(const json_t *facts);
/* Human word for why a payment or attempt ended: "insufficient_funds" and so on; may be "". */
struct str present_failure_reason(const struct store_payment_view *payment);

#endif
