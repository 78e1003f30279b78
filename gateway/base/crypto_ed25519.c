#include "base/crypto.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static EVP_PKEY *key_of_seed(const uint8_t seed[ED25519_KEY_SIZE])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed, ED25519_KEY_SIZE);
    CHECK(key != NULL);
    return key;
}

void crypto_ed25519_public(const uint8_t seed[ED25519_KEY_SIZE], uint8_t out[ED25519_KEY_SIZE])
{
    EVP_PKEY *key = key_of_seed(seed);
    size_t len = ED25519_KEY_SIZE;
    CHECK(EVP_PKEY_get_raw_public_key(key, out, &len) == 1 && len == ED25519_KEY_SIZE);
    EVP_PKEY_free(key);
}

void crypto_ed25519_sign(const uint8_t seed[ED25519_KEY_SIZE], struct str data,
                         uint8_t out[ED25519_SIGNATURE_SIZE])
{
    EVP_PKEY *key = key_of_seed(seed);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = ED25519_SIGNATURE_SIZE;
    const char *at = data.at != NULL ? data.at : "";
    CHECK(ctx != NULL);
    CHECK(EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1);
    CHECK(EVP_DigestSign(ctx, out, &len, (const unsigned char *)at, data.len) == 1);
    CHECK(len == ED25519_SIGNATURE_SIZE);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

bool crypto_ed25519_verify(const uint8_t key_bytes[ED25519_KEY_SIZE], struct str data,
                           const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key_bytes, ED25519_KEY_SIZE);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const char *at = data.at != NULL ? data.at : "";
    CHECK(ctx != NULL);
    bool ok = key != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
              EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_SIZE, (const unsigned char *)at,
                               data.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* A key with a pass phrase must not make us ask a terminal for it. */
static int no_phrase(char *buf, int size, int is_writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)is_writing;
    (void)ctx;
    return -1;
}

static EVP_PKEY *read_pem(struct str pem, bool is_private)
{
    BIO *bio = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
    EVP_PKEY *key = NULL;
    if (bio != NULL && is_private)
        key = PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL);
    else if (bio != NULL)
        key = PEM_read_bio_PUBKEY(bio, NULL, no_phrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

bool crypto_ed25519_read_private(struct str pem, uint8_t seed[ED25519_KEY_SIZE], struct error *err)
{
    size_t len = ED25519_KEY_SIZE;
    EVP_PKEY *key = read_pem(pem, true);
    bool ok = key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
              EVP_PKEY_get_raw_private_key(key, seed, &len) == 1 && len == ED25519_KEY_SIZE;
    EVP_PKEY_free(key);
    return ok || fail(err, ERROR_INVALID,
                      "it is no Ed25519 private key in PEM without a pass phrase; openssl genpkey "
                      "-algorithm ed25519 makes one");
}

bool crypto_ed25519_read_public(struct str pem, uint8_t bytes[ED25519_KEY_SIZE], struct error *err)
{
    size_t len = ED25519_KEY_SIZE;
    EVP_PKEY *key = read_pem(pem, false);
    bool ok = key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
              EVP_PKEY_get_raw_public_key(key, bytes, &len) == 1 && len == ED25519_KEY_SIZE;
    EVP_PKEY_free(key);
    return ok || fail(err, ERROR_INVALID,
                      "it is no Ed25519 public key in PEM; openssl pkey -pubout makes it of the "
                      "private one");
}
