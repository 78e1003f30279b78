/*
 * hook_sign.h - how the providers sign their webhooks: pure, but for the key pair.
 *
 *     PayPal          RSA (PKCS#1 v1.5, SHA-256) over id|time|webhook id|crc32 of the body, by a
 *                     certificate that anybody can fetch; it chains to an authority
 *     Payoneer        HMAC-SHA-256 over sender, method, address, time, nonce and MD5 of the body
 *     Payoneer        Checkout signs nothing: the secret is in the address
 */
#ifndef SANDBOX_HOOK_SIGN_H
#define SANDBOX_HOOK_SIGN_H

#include <openssl/types.h>

#include "base/arena.h"

enum {
    HOOK_CERTIFICATE_BYTES_MAX = 65536,
    HOOK_NAME_SIZE = 40,
};

struct hook_signer {
    EVP_PKEY *key;             /* owned */
    struct buf chain;          /* PEM, the leaf first */
    char name[HOOK_NAME_SIZE]; /* "CERT-...": what its address ends in */
};

/* Key and certificate chain (PEM) of the two files. */
bool hook_signer_open(struct hook_signer *signer, const char *certificate_file,
                      const char *key_file, struct error *err) MUST_USE;
/* A key pair of its own, and an authority of its own for it, which is the chain's end. */
void hook_signer_make(struct hook_signer *signer, int64_t now_us);
void hook_signer_release(struct hook_signer *signer);

/* Base64 of the signature, appended. */
void hook_sign_paypal(const struct hook_signer *signer, struct str transmission_id,
                      struct str transmission_time, struct str webhook_id, struct str body,
                      struct buf *out);
/* The value of Authorization, appended. `url` is the one that is called. */
void hook_sign_payoneer(struct str secret, struct str sender, struct str url, struct str nonce,
                        int64_t timestamp_s, struct str body, struct buf *out);

uint32_t hook_crc32(struct str data); /* zlib's */
/* As a form encodes it: space as '+'; hexadecimal digits in lower case. */
void hook_form_encode(struct str text, struct buf *out);

#endif
