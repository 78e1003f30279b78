/*
 * paypal.h - PayPal: Orders v2 (sale, authorize) and Payments v2 (capture, void, refund,
 * reauthorize).
 *
 *     sale       POST /v2/checkout/orders, intent CAPTURE: pays at once with a vaulted instrument
 *     authorize  POST /v2/checkout/orders, intent AUTHORIZE
 *     capture    POST /v2/payments/authorizations/{parent_ref}/capture
 *     void       POST /v2/payments/authorizations/{parent_ref}/void
 *     refund     POST /v2/payments/captures/{parent_ref}/refund
 *     reauthorize POST /v2/payments/authorizations/{parent_ref}/reauthorize, from the fourth day on
 *
 * A reauthorization is an authorization with an id and a time of its own; the one before it is VOIDED,
 * which says nothing of what is held. Its custom_id is that of the attempt that authorized first.
 *
 * A payer who must approve (a wallet, 3-D Secure) is sent to a link of PayPal's, and the order waits:
 * nothing moves, until it is approved and we complete it:
 *
 *     complete   POST /v2/checkout/orders/{order_id}/capture or /authorize, under a key of its own
 *
 * PayPal-Request-Id is the attempt's reference: PayPal answers the same id with the state its
 * object has now (200 instead of 201), for six hours (45 days for Payments v2). It does not compare
 * bodies, so a repeat must be the stored bytes. There is no search by our references: what we know
 * besides is the order's id (fact order_id), once an answer named it.
 *
 * custom_id is the attempt, invoice_id the payment. An account may be set to block a second payment
 * of one invoice: then an attempt that follows a secret success is refused with
 * DUPLICATE_INVOICE_ID. That is a second net under ours and wanted; it is judged unknown +
 * duplicate, never as a failure.
 *
 * A decline is no HTTP error here: 201, and the capture inside says DECLINED.
 */
#ifndef PROVIDERS_PAYPAL_H
#define PROVIDERS_PAYPAL_H

#include "providers/provider.h"

/* ISO 4217 codes of the currencies PayPal knows; BRL, CNY and MYR within their countries only. */
#define PAYPAL_CURRENCIES                                                                          \
    "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB " \
    "TWD USD"

extern const struct provider provider_paypal;

/* Decimals PayPal wants, which ISO 4217 does not always agree with: 0 for HUF, JPY, TWD, else 2. */
unsigned paypal_digits(const struct currency *currency);
/* "10.99" as PayPal writes it; ERROR_INVALID when the amount has digits PayPal does not know. */
bool paypal_format_amount(const struct provider_call *call, char out[MONEY_TEXT_SIZE],
                          struct str *text, struct error *err) MUST_USE;
/* The request for a token, the same for all of PayPal's APIs. */
void paypal_build_token(const struct provider_account *account, struct arena *arena,
                        struct provider_request *request);

/* paypal_judge.c */
void paypal_judge(const struct provider_call *call, enum provider_step step,
                  const struct provider_answer *answer, struct arena *arena,
                  struct provider_judgement *judgement);

#endif
