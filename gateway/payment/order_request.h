/*
 * order_request.h - a payout's body as a request to the driver, and sealed as an order keeps it.
 *
 *     body (checked by the API) --read--> payment_request
 *       |                                      ^
 *       '--seal--> payout_orders --open--------'    bound to (merchant, order)
 */
#ifndef PAYMENT_ORDER_REQUEST_H
#define PAYMENT_ORDER_REQUEST_H

#include "payment/payment.h"

enum {
    ORDER_REQUEST_BYTES_MAX = 262144, /* of the canonical body */
};

struct order_request {
    struct payment_request request; /* without key, fingerprint, payment and request id */
    struct provider_beneficiary beneficiary;
};

/* Strings are borrowed from the body, or live in arena. */
void order_request_read(const json_t *body, struct arena *arena, struct order_request *out);

/* False: the body is too large. *sealed lives in arena. */
bool order_request_seal(const uint8_t *seal_key, const struct uuid *merchant_id,
                        const struct uuid *order_id, const json_t *body, struct arena *arena,
                        struct str *sealed) MUST_USE;
/* The body, owned by the caller; NULL: it is not the text sealed for this order (or was erased). */
json_t *order_request_open(const uint8_t *seal_key, const struct uuid *merchant_id,
                           const struct uuid *order_id, struct str sealed,
                           struct error *err) MUST_USE;

#endif
