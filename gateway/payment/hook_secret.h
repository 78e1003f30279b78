/*
 * hook_secret.h - what signs a webhook: the secrets of Standard Webhooks.
 *
 *     v1    HMAC-SHA256 under a shared secret, shown once:  whsec_ + base64 of 32 bytes
 *     v1a   Ed25519; merchants need only its public half:   whpk_  + base64 of 32 bytes
 *
 * An endpoint has one of each, made together and replaced together; for as long as the former ones
 * are valid they sign as well. At rest both are sealed for (merchant, endpoint, secret): a row that is
 * copied elsewhere does not open.
 */
#ifndef PAYMENT_HOOK_SECRET_H
#define PAYMENT_HOOK_SECRET_H

#include "base/crypto.h"
#include "ledger/hooks.h"

enum {
    HOOK_SECRET_TEXT_SIZE = 64, /* "whsec_" + 44 + NUL, rounded up */
};

struct hook_keys { /* plain; wipe with hook_keys_wipe */
    uint8_t shared[32];
    uint8_t seed[ED25519_KEY_SIZE];
};

/* New keys and their row; sealed lives in arena, text (whsec_...) is shown once. */
void hook_secret_new(const uint8_t seal_key[AEAD_KEY_SIZE], const struct uuid *merchant_id,
                     const struct uuid *endpoint_id, int64_t now_us, struct arena *arena,
                     struct hook_secret *secret, char text[HOOK_SECRET_TEXT_SIZE]);
/* ERROR_INVALID when it is not what was sealed for this row. */
bool hook_secret_open(const uint8_t seal_key[AEAD_KEY_SIZE], const struct uuid *merchant_id,
                      const struct uuid *endpoint_id, const struct hook_sealed *secret,
                      struct hook_keys *keys, struct error *err) MUST_USE;
void hook_keys_wipe(struct hook_keys *keys);
/* "whpk_..." */
struct str hook_public_key(const uint8_t key[HOOK_PUBLIC_KEY_SIZE],
                           char text[HOOK_SECRET_TEXT_SIZE]);

/*
 * The value of webhook-signature: "v1,<base64> v1a,<base64> ...", for each of the keys, over
 * "id.timestamp.body".
 */
void hook_sign(const struct hook_keys *keys, size_t count, struct str id, int64_t timestamp_s,
               struct str body, struct buf *out);

struct hook_message { /* as it was received */
    struct str id;
    struct str timestamp;
    struct str signature; /* the whole header: any of several may be the right one */
    struct str body;
};
/*
 * As whoever receives it should do it: `secret` is whsec_... (of 24 to 64 bytes; v1) or whpk_... (v1a).
 * ERROR_DENIED: what is wrong; also when the timestamp is more than tolerance_s away from now_s.
 */
bool hook_verify(struct str secret, const struct hook_message *message, int64_t now_s,
                 int64_t tolerance_s, struct error *err) MUST_USE;

#endif
