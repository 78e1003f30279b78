/*
 * crypto.h - the few cryptographic operations the gateway needs, on OpenSSL 3.
 *
 * Secrets live in struct secret: no log function takes it, it is wiped on release. The gateway has
 * one master secret (32 bytes from a file); every use derives its own key from it (HKDF-SHA-256,
 * label).
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    SHA256_SIZE = 32,
    AEAD_KEY_SIZE = 32,
    AEAD_OVERHEAD = 12 + 16, /* nonce before, tag behind */
    SECRET_MAX = 8192,
    ED25519_KEY_SIZE = 32, /* seed, and public key */
    ED25519_SIGNATURE_SIZE = 64,
};

struct secret {
    char *at; /* owned, terminated for library calls; never logged */
    size_t len;
};

void secret_init(struct secret *secret);
/* Copies; a value longer than SECRET_MAX is a bug. */
void secret_set(struct secret *secret, struct str value);
void secret_release(struct secret *secret); /* wipes */
/* Read a whole file, one trailing newline removed. Refuses an empty one, and one that others may
 * read or write (mode & 077). */
bool secret_read_file(struct secret *secret, const char *path, struct error *err) MUST_USE;
struct str secret_expose(const struct secret *secret); /* borrowed; for the library call only */

void crypto_sha256(struct str data, uint8_t out[SHA256_SIZE]);
void crypto_hmac_sha256(struct str key, struct str data, uint8_t out[SHA256_SIZE]);
/* HKDF-SHA-256 (RFC 5869) without salt: a key for `label` out of the master secret. */
void crypto_derive(const struct secret *master, const char *label, uint8_t out[AEAD_KEY_SIZE]);
/* Ed25519 (RFC 8032): the public key of a seed, and a signature by it. */
void crypto_ed25519_public(const uint8_t seed[ED25519_KEY_SIZE], uint8_t out[ED25519_KEY_SIZE]);
void crypto_ed25519_sign(const uint8_t seed[ED25519_KEY_SIZE], struct str data,
                         uint8_t out[ED25519_SIGNATURE_SIZE]);
bool crypto_ed25519_verify(const uint8_t key[ED25519_KEY_SIZE], struct str data,
                           const uint8_t signature[ED25519_SIGNATURE_SIZE]);
/* The seed of a private key, or the bytes of a public one, from PEM (PKCS #8, SubjectPublicKeyInfo) as
 * openssl writes it. ERROR_INVALID: it is none, is encrypted, or of another kind. */
bool crypto_ed25519_read_private(struct str pem, uint8_t seed[ED25519_KEY_SIZE],
                                 struct error *err) MUST_USE;
bool crypto_ed25519_read_public(struct str pem, uint8_t key[ED25519_KEY_SIZE],
                                struct error *err) MUST_USE;
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */

/* AES-256-GCM, random nonce in front. `bound` is authenticated, not stored (row identity). */
void crypto_seal(const uint8_t key[AEAD_KEY_SIZE], struct str bound, struct str plain,
                 struct buf *out);
/* ERROR_INVALID when the text, the key or `bound` is not the one sealed. */
bool crypto_open(const uint8_t key[AEAD_KEY_SIZE], struct str bound, struct str sealed,
                 struct buf *plain, struct error *err) MUST_USE;

void crypto_base64(struct str data, struct buf *out);            /* with padding */
bool crypto_unbase64(struct str text, struct buf *out) MUST_USE; /* strict; false when malformed */
void crypto_hex(struct str data, struct buf *out);               /* lower case */
bool crypto_unhex(struct str text, struct buf *out) MUST_USE;

/*
 * True when `text` holds something like a card number: 13 to 19 digits (single spaces or dashes
 * between allowed), a known issuer range and length, and a valid Luhn digit. *at and *len tell
 * where.
 */
bool crypto_find_card_number(struct str text, size_t *at, size_t *len);

#endif
