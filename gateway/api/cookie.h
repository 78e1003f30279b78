/*
 * cookie.h - the session of a person, as the browser holds it.
 *
 *     "__Host-turnpike" = base64url( AES-256-GCM( version | key digest | session id | begun | expires ) )
 *
 * The digest is that by which the directory finds the API key, so a request by cookie is the key's call, looked up as any
 * other. The sealing key is derived from the master secret: every worker and host of one deployment takes what another
 * gave, also after a restart, and nobody else can make one or see which key is in it.
 */
#ifndef API_COOKIE_H
#define API_COOKIE_H

#include "base/crypto.h"
#include "base/id.h"

#define COOKIE_NAME "__Host-turnpike"

enum {
    COOKIE_VALUE_LEN = 124, /* a multiple of 4 without padding: one text for one value */
};

struct session {
    struct uuid session_id;
    uint8_t digest[SHA256_SIZE]; /* of the API key (merchant_key_digest) */
    int64_t created_us;          /* wall clock */
    int64_t expires_us;
};

/* Append the value of the cookie; nothing of it needs quoting. */
void cookie_print(const uint8_t key[AEAD_KEY_SIZE], const struct session *session, struct buf *out);
/* ERROR_INVALID: it was not printed with this key. Whether it has expired is the caller's question. */
bool cookie_parse(const uint8_t key[AEAD_KEY_SIZE], struct str value, struct session *session,
                  struct error *err) MUST_USE;
/* The value of our cookie in a Cookie header (RFC 6265 section 4.2); empty: it is not there, or not exactly once. */
struct str cookie_find(struct str header);

#endif
