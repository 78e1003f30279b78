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

#include "base/arena.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/id.h"
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

/*
 * The key under which a person of the house does something for a merchant: "\302\247by:key_...:" and the key that was sent. No
 * merchant's key begins so, neither do the gateway's own; it says who it was for good. ERROR_INVALID: too long.
 */
bool idempotency_key_by(const struct uuid *key_id, struct str key, struct arena *arena,
                        struct str *out, struct error *err) MUST_USE;
/* Who it was, as shown ("key_..."); empty: nobody of the house. */
struct str idempotency_key_author(struct str key);

/* body may be NULL (none). ERROR_INVALID when the canonical form is above IDEMPOTENCY_BODY_MAX. */
bool idempotency_fingerprint(struct str method, struct str path, const json_t *body,
                             uint8_t out[SHA256_SIZE], struct error *err) MUST_USE;

#endif
