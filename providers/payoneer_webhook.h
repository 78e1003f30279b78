/*
 * payoneer_webhook.h - notifications of Payoneer Checkout.
 *
 * Nobody signs them: what shows that one is genuine is the secret in the address it came to,
 * ".../acc_...?secret=...". Whoever learns it can make us look something up, and nothing else.
 */
#ifndef PROVIDERS_PAYONEER_WEBHOOK_H
#define PROVIDERS_PAYONEER_WEBHOOK_H

#include "providers/provider.h"

enum {
    PAYONEER_ADDRESS_SECRET_MIN = 16,
};

/* Members of struct provider. */
void payoneer_verify_webhook(const struct provider_account *account,
                             const struct provider_webhook *webhook, const struct webhook_key *key,
                             struct provider_check *check);
bool payoneer_parse_webhook(const struct provider_account *account,
                            const struct provider_webhook *webhook, struct arena *arena,
                            struct provider_hint *hint, struct error *err);
/* The account's secrets for webhooks. */
bool payoneer_check_webhook(const struct provider_account *account, struct error *err) MUST_USE;

#endif
