#include "payment/merchant.h"

#include <openssl/crypto.h>

#include "base/rng.h"

enum {
    KEY_PREFIX_LEN = 9, /* tpk_test_ */
    KEY_SECRET_LEN = 43,
    KEY_TEXT_SIZE = 64,
};

bool merchant_key_is_valid(struct str text)
{
    if (text.len != KEY_PREFIX_LEN + KEY_SECRET_LEN ||
        (!str_starts(text, STR("tpk_test_")) && !str_starts(text, STR("tpk_live_"))))
        return false;
    for (size_t i = KEY_PREFIX_LEN; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return true;
}

void merchant_key_make(bool livemode, char text[64], uint8_t digest[32], const uint8_t pepper[32])
{
    uint8_t random[32];
    rng_fill(random, sizeof(random));
    struct buf buf;
    buf_init(&buf, KEY_TEXT_SIZE);
    buf_add_str(&buf, livemode ? STR("tpk_live_") : STR("tpk_test_"));
    crypto_base64((struct str){(const char *)random, sizeof(random)}, &buf);
    buf.len = KEY_PREFIX_LEN + KEY_SECRET_LEN; /* without the padding */
    for (size_t i = KEY_PREFIX_LEN; i < buf.len; i++) {
        if (buf.at[i] == '+')
            buf.at[i] = '-';
        if (buf.at[i] == '/')
            buf.at[i] = '_';
    }
    CHECK(str_copy_to(buf_str(&buf), text, KEY_TEXT_SIZE));
    merchant_key_digest(buf_str(&buf), pepper, digest);
    OPENSSL_cleanse(random, sizeof(random));
    OPENSSL_cleanse(buf.at, buf.capacity);
    buf_release(&buf);
}

void merchant_key_digest(struct str text, const uint8_t pepper[32], uint8_t digest[32])
{
    crypto_hmac_sha256((struct str){(const char *)pepper, 32}, text, digest);
}

bool merchant_takes_client(const struct merchant *merchant, const uint8_t spki[32])
{
    struct str keys = merchant->client_keys;
    CHECK(keys.len % SHA256_SIZE == 0);
    bool is_bound = keys.len > 0;
    for (; spki != NULL && keys.len > 0; keys = str_sub(keys, SHA256_SIZE, SIZE_MAX)) {
        if (crypto_equal(keys.at, spki, SHA256_SIZE))
            return true;
    }
    return !is_bound;
}
