/*
 * paypal_payouts.h - PayPal Payouts v1: money goes out to a PayPal account.
 *
 *     pay out   POST /v1/payments/payouts                     a batch of one item
 *     look up   GET  /v1/payments/payouts/{payout_batch_id}
 *     cancel    POST /v1/payments/payouts-item/{payout_item_id}/cancel    while it is unclaimed
 *
 *     create --201--> PENDING --20 s--> item SUCCESS            paid
 *                        |         +--> item UNCLAIMED --claimed, or returned after 30 days
 *                        |         +--> item ONHOLD, FAILED, BLOCKED, RETURNED, ...
 *                        +-----> batch DENIED: nothing was processed
 *
 * The key is sender_batch_id, the attempt's reference; so is sender_item_id. PayPal refuses a
 * sender_batch_id it has seen in the last 30 days and names the batch that has it: this is how a
 * lost answer is found again, and the only way, for there is no search by our references. The batch
 * id is the fact payout_batch_id, and then it is asked for. A batch that was DENIED does not keep
 * its sender_batch_id; nothing of it was paid, so a repeat that pays is the first one that does.
 *
 * One payout is one batch, so that each has a key, an outcome and a failover of its own
 * (docs/decisions/0005-payouts-one-by-one.md).
 *
 * An item is paid when it says SUCCESS. UNCLAIMED money has left the sender's balance, comes back
 * by itself after 30 days, and can be called back before: it stays PENDING.
 */
#ifndef PROVIDERS_PAYPAL_PAYOUTS_H
#define PROVIDERS_PAYPAL_PAYOUTS_H

#include "providers/provider.h"

extern const struct provider provider_paypal_payouts;

/* What PayPal says of an item or a request, and what it means to us. */
struct paypal_payouts_code {
    const char *name;
    int number; /* as PayPal's transaction log has it; 0: none */
    enum outcome outcome;
    const char *reason; /* ours, stable */
};

/* paypal_payouts_codes.c; NULL: not listed. Of an item, by name or by number in decimal text. */
const struct paypal_payouts_code *paypal_payouts_item_code(struct str name);
/* Of a request: the name of an error answer. */
const struct paypal_payouts_code *paypal_payouts_error_code(struct str name);

/* paypal_payouts_judge.c */
void paypal_payouts_judge(const struct provider_call *call, enum provider_step step,
                          const struct provider_answer *answer, struct arena *arena,
                          struct provider_judgement *judgement);

#endif
