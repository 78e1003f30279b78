/*
 * payoneer_payouts_webhook.h - Payoneer's notices of payouts (IPCN).
 *
 * Which event it is stands only in the address it was sent to: ".../acc_...?event=CancelPayout", one
 * address for each. The address is signed with the body, so nobody makes one event of another. There
 * is no id of an event: the same event with the same body is the same.
 */
#ifndef PROVIDERS_PAYONEER_PAYOUTS_WEBHOOK_H
#define PROVIDERS_PAYONEER_PAYOUTS_WEBHOOK_H

#include "providers/provider.h"

enum {
    PAYONEER_WEBHOOK_WINDOW_S = 300,
    PAYONEER_WEBHOOK_SECRET_MIN = 8,
};

/* Members of struct provider. */
void payoneer_payouts_verify_webhook(const struct provider_account *account,
                                     const struct provider_webhook *webhook,
                                     const struct webhook_key *key, struct provider_check *check);
bool payoneer_payouts_parse_webhook(const struct provider_account *account,
                                    const struct provider_webhook *webhook, struct arena *arena,
                                    struct provider_hint *hint, struct error *err);
/* The account's settings and secrets for webhooks. */
bool payoneer_payouts_check_webhook(const struct provider_account *account,
                                    struct error *err) MUST_USE;

#endif
