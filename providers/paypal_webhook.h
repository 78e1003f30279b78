/*
 * paypal_webhook.h - what PayPal tells by itself: orders, captures, authorizations, refunds, payouts.
 *
 * Signed by RSA over transmission id, time, our webhook's id and the CRC-32 of the body. A CRC keeps
 * nobody from writing another body with the same: what stands in the body is believed to be a hint,
 * and nothing more. Both products share it: `paypal` and `paypal_payouts`.
 */
#ifndef PROVIDERS_PAYPAL_WEBHOOK_H
#define PROVIDERS_PAYPAL_WEBHOOK_H

#include "providers/provider.h"

enum {
    /*
     * PayPal repeats for three days. Whether a repeat is signed anew is not documented, so one day
     * more than that is taken; what was taken before is found by its id, however often it comes.
     */
    PAYPAL_WEBHOOK_WINDOW_S = 4 * 86400,
};

/* Members of struct provider. */
void paypal_verify_webhook(const struct provider_account *account,
                           const struct provider_webhook *webhook, const struct webhook_key *key,
                           struct provider_check *check);
bool paypal_parse_webhook(const struct provider_account *account,
                          const struct provider_webhook *webhook, struct arena *arena,
                          struct provider_hint *hint, struct error *err);
/* The account's settings for webhooks. */
bool paypal_check_webhook(const struct provider_account *account, struct error *err) MUST_USE;

#endif
