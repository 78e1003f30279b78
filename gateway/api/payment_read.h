/*
 * payment_read.h - a payment's body as a request to the payment module, and what its field table
 * cannot say: which members need or exclude each other.
 *
 *     field_check -> payment_read -> payment_request      POST /v1/payments, /v1/routing/explain
 */
#ifndef API_PAYMENT_READ_H
#define API_PAYMENT_READ_H

#include "api/field.h"
#include "payment/payment.h"

/*
 * Of a body that payment_fields took; of a live or a test key. Without key, fingerprint and request
 * id. Strings are borrowed from the body, or live in arena. False: *problem says what is wrong, and
 * with which member.
 */
bool payment_read(const json_t *body, bool livemode, struct arena *arena,
                  struct payment_request *request, struct field_problem *problem) MUST_USE;

#endif
