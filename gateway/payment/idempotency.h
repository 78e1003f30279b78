/*
 * idempotency.h - the key of a request, and what it stands for
 * (draft-ietf-httpapi-idempotency-key-header).
 *
 * A key belongs to one merchant. The fingerprint says which request it was first used with: SHA-256
 * over method, path and the canonical body, so that members in another order and other white space
 * are the same request, and another amount is not.
 */
#ifndef PAYMENT_IDEMPOTENCY_H
#define PAYMENT_IDEMPOTENCY_H

#include "base/crypto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

enum {
    IDEMPOTENCY_KEY_MAX = 255,
    IDEMPOTENCY_BODY_MAX = 262144, /* of the canonical form */
};

/*
 * The value of an Idempotency-Key header: a quoted string (RFC 8941: "a b", \" and \\ escaped) or
 * bare visible ASCII. 1 to 255 characters are left in out (terminated); *key points at them.
 * Parameters and lists are refused. "abc" and abc are the same key.
 */
bool idempotency_key_parse(struct str header, char out[IDEMPOTENCY_KEY_MAX + 1], struct str *key,
                           struct error *err) MUST_USE;

/* body may be NULL (none). ERROR_INVALID when the canonical form is above IDEMPOTENCY_BODY_MAX. */
bool idempotency_fingerprint(struct str method, struct str path, const json_t *body,
                             uint8_t out[SHA256_SIZE], struct error *err) MUST_USE;

#endif
