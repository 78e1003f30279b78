#include "base/crypto.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/rng.h"

enum {
    NONCE_SIZE = 12,
    TAG_SIZE = 16,
};

static_assert(AEAD_OVERHEAD == NONCE_SIZE + TAG_SIZE, "nonce and tag frame a sealed text");

/*
 * Algorithms are looked up once and contexts used again: a look-up costs more than hashing a
 * payment. Made at first use, which is after the fork. One thread per process.
 */
static struct {
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *hmac;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *cipher;
} cache;

void crypto_sha256(struct str data, uint8_t out[SHA256_SIZE])
{
    if (cache.digest == NULL) {
        cache.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        cache.digest = EVP_MD_CTX_new();
        CHECK(cache.sha256 != NULL && cache.digest != NULL);
    }
    CHECK(EVP_DigestInit_ex2(cache.digest, cache.sha256, NULL) == 1);
    CHECK(EVP_DigestUpdate(cache.digest, data.at, data.len) == 1);
    CHECK(EVP_DigestFinal_ex(cache.digest, out, NULL) == 1);
}

static void open_hmac(void)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    CHECK(mac != NULL);
    cache.hmac = EVP_MAC_CTX_new(mac);
    CHECK(cache.hmac != NULL);
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    CHECK(EVP_MAC_CTX_set_params(cache.hmac, params) == 1);
}

void crypto_hmac_sha256(struct str key, struct str data, uint8_t out[SHA256_SIZE])
{
    if (cache.hmac == NULL)
        open_hmac();
    /* A NULL key would mean "the one before". */
    const char *key_at = key.at != NULL ? key.at : "";
    size_t len = 0;
    CHECK(EVP_MAC_init(cache.hmac, (const unsigned char *)key_at, key.len, NULL) == 1);
    CHECK(EVP_MAC_update(cache.hmac, (const unsigned char *)data.at, data.len) == 1);
    CHECK(EVP_MAC_final(cache.hmac, out, &len, SHA256_SIZE) == 1);
    CHECK(len == SHA256_SIZE);
}

void crypto_derive(const struct secret *master, const char *label, uint8_t out[AEAD_KEY_SIZE])
{
    CHECK(master->len > 0);
    CHECK(label[0] != '\0');
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    CHECK(kdf != NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    CHECK(ctx != NULL);
    EVP_KDF_free(kdf);
    char digest[] = "SHA256";
    char info[128];
    CHECK(str_copy_to(str_of(label), info, sizeof(info)));
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, master->at, master->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(info)),
        OSSL_PARAM_construct_end(),
    };
    CHECK(EVP_KDF_derive(ctx, out, AEAD_KEY_SIZE, params) == 1);
    EVP_KDF_CTX_free(ctx);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

static void open_cipher(void)
{
    if (cache.cipher != NULL)
        return;
    cache.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    cache.cipher = EVP_CIPHER_CTX_new();
    CHECK(cache.gcm != NULL && cache.cipher != NULL);
}

static const unsigned char *bytes(const char *at)
{
    return (const unsigned char *)at;
}

void crypto_seal(const uint8_t key[AEAD_KEY_SIZE], struct str bound, struct str plain,
                 struct buf *out)
{
    CHECK(plain.len <= INT_MAX - AEAD_OVERHEAD && bound.len <= INT_MAX);
    open_cipher();
    unsigned char *to = (unsigned char *)buf_extend(out, plain.len + AEAD_OVERHEAD);
    if (to == NULL)
        return;
    unsigned char *text = to + NONCE_SIZE;
    unsigned char *tag = text + plain.len;
    int len = 0;
    rng_fill(to, NONCE_SIZE);
    CHECK(EVP_EncryptInit_ex2(cache.cipher, cache.gcm, key, to, NULL) == 1);
    if (bound.len > 0)
        CHECK(EVP_EncryptUpdate(cache.cipher, NULL, &len, bytes(bound.at), (int)bound.len) == 1);
    if (plain.len > 0) {
        CHECK(EVP_EncryptUpdate(cache.cipher, text, &len, bytes(plain.at), (int)plain.len) == 1);
        CHECK((size_t)len == plain.len);
    }
    CHECK(EVP_EncryptFinal_ex(cache.cipher, tag, &len) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(cache.cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) == 1);
}

/* True when the tag fits; writes text_len bytes to `to` in any case. */
static bool decrypt(const uint8_t key[AEAD_KEY_SIZE], struct str bound, struct str sealed,
                    unsigned char *to)
{
    size_t text_len = sealed.len - AEAD_OVERHEAD;
    const unsigned char *text = bytes(sealed.at) + NONCE_SIZE;
    unsigned char tag[TAG_SIZE];
    memcpy(tag, text + text_len, TAG_SIZE);
    int len = 0;
    CHECK(EVP_DecryptInit_ex2(cache.cipher, cache.gcm, key, bytes(sealed.at), NULL) == 1);
    if (bound.len > 0)
        CHECK(EVP_DecryptUpdate(cache.cipher, NULL, &len, bytes(bound.at), (int)bound.len) == 1);
    if (text_len > 0)
        CHECK(EVP_DecryptUpdate(cache.cipher, to, &len, text, (int)text_len) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(cache.cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1);
    unsigned char none[TAG_SIZE];
    return EVP_DecryptFinal_ex(cache.cipher, none, &len) == 1;
}

bool crypto_open(const uint8_t key[AEAD_KEY_SIZE], struct str bound, struct str sealed,
                 struct buf *plain, struct error *err)
{
    CHECK(bound.len <= INT_MAX);
    open_cipher();
    if (sealed.len < AEAD_OVERHEAD || sealed.len > INT_MAX)
        return fail(err, ERROR_INVALID, "cannot open sealed text: %zu bytes are no sealed text",
                    sealed.len);
    size_t text_len = sealed.len - AEAD_OVERHEAD;
    char *to = buf_extend(plain, text_len);
    if (to == NULL)
        return fail(err, ERROR_INVALID, "cannot open sealed text: %zu bytes exceed the limit",
                    text_len);
    if (decrypt(key, bound, sealed, (unsigned char *)to))
        return true;
    OPENSSL_cleanse(to, text_len);
    plain->len -= text_len;
    return fail(err, ERROR_INVALID, "cannot open sealed text: it, its key or its row is another");
}
