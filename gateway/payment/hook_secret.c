#include "payment/hook_secret.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

enum {
    BOUND_SIZE = 5 + 3 * 16,
    SIGNED_BYTES_MAX = 4 * 1024 * 1024,
    SHARED_MIN = 24, /* bytes of a secret of others */
    SHARED_MAX = 64,
};

static_assert(sizeof(struct hook_keys) == HOOK_SECRET_SIZE, "a sealed secret is both keys");
static_assert((int)HOOK_PUBLIC_KEY_SIZE == (int)ED25519_KEY_SIZE, "a public key of Ed25519");

static struct str bound_to(const struct uuid *merchant_id, const struct uuid *endpoint_id,
                           const struct uuid *secret_id, char out[BOUND_SIZE])
{
    static const char label[5] = {'h', 'o', 'o', 'k', ':'};
    memcpy(out, label, sizeof(label));
    memcpy(out + 5, merchant_id->byte, 16);
    memcpy(out + 21, endpoint_id->byte, 16);
    memcpy(out + 37, secret_id->byte, 16);
    return (struct str){out, BOUND_SIZE};
}

static struct str show(struct str prefix, const uint8_t *bytes, size_t len, char *text)
{
    struct buf base64;
    buf_init(&base64, HOOK_SECRET_TEXT_SIZE);
    buf_add_str(&base64, prefix);
    crypto_base64((struct str){(const char *)bytes, len}, &base64);
    CHECK(str_copy_to(buf_str(&base64), text, HOOK_SECRET_TEXT_SIZE));
    OPENSSL_cleanse(base64.at, base64.len);
    struct str shown = {text, base64.len};
    buf_release(&base64);
    return shown;
}

void hook_secret_new(const uint8_t seal_key[AEAD_KEY_SIZE], const struct uuid *merchant_id,
                     const struct uuid *endpoint_id, int64_t now_us, struct arena *arena,
                     struct hook_secret *secret, char text[HOOK_SECRET_TEXT_SIZE])
{
    struct hook_keys keys;
    struct buf sealed;
    char bound[BOUND_SIZE];
    rng_fill(&keys, sizeof(keys));
    *secret = (struct hook_secret){.secret_id = uuid_new(), .created_us = now_us};
    crypto_ed25519_public(keys.seed, secret->public_key);
    buf_init(&sealed, HOOK_SECRET_SIZE + AEAD_OVERHEAD);
    crypto_seal(seal_key, bound_to(merchant_id, endpoint_id, &secret->secret_id, bound),
                (struct str){(const char *)&keys, sizeof(keys)}, &sealed);
    CHECK(buf_is_ok(&sealed));
    secret->sealed = arena_str(arena, buf_str(&sealed));
    (void)show(STR("whsec_"), keys.shared, sizeof(keys.shared), text);
    buf_release(&sealed);
    hook_keys_wipe(&keys);
}

bool hook_secret_open(const uint8_t seal_key[AEAD_KEY_SIZE], const struct uuid *merchant_id,
                      const struct uuid *endpoint_id, const struct hook_sealed *secret,
                      struct hook_keys *keys, struct error *err)
{
    struct buf plain;
    char bound[BOUND_SIZE];
    buf_init(&plain, HOOK_SECRET_SIZE);
    bool ok = crypto_open(seal_key, bound_to(merchant_id, endpoint_id, &secret->secret_id, bound),
                          secret->sealed, &plain, err);
    if (ok && plain.len == sizeof(*keys))
        memcpy(keys, plain.at, sizeof(*keys));
    else if (ok)
        ok = fail(err, ERROR_INVALID, "cannot open a webhook secret: it is of another size");
    if (plain.at != NULL)
        OPENSSL_cleanse(plain.at, plain.capacity);
    buf_release(&plain);
    return ok;
}

void hook_keys_wipe(struct hook_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}

struct str hook_public_key(const uint8_t key[HOOK_PUBLIC_KEY_SIZE],
                           char text[HOOK_SECRET_TEXT_SIZE])
{
    return show(STR("whpk_"), key, HOOK_PUBLIC_KEY_SIZE, text);
}

static void put_signed(struct buf *text, struct str id, struct str timestamp, struct str body)
{
    buf_init(text, SIGNED_BYTES_MAX);
    buf_add_str(text, id);
    buf_add_char(text, '.');
    buf_add_str(text, timestamp);
    buf_add_char(text, '.');
    buf_add_str(text, body);
}

void hook_sign(const struct hook_keys *keys, size_t count, struct str id, int64_t timestamp_s,
               struct str body, struct buf *out)
{
    struct buf text;
    uint8_t mac[SHA256_SIZE];
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    char timestamp[32];
    (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)timestamp_s);
    put_signed(&text, id, str_of(timestamp), body);
    CHECK(buf_is_ok(&text));
    for (size_t i = 0; i < count; i++) {
        crypto_hmac_sha256((struct str){(const char *)keys[i].shared, sizeof(keys[i].shared)},
                           buf_str(&text), mac);
        crypto_ed25519_sign(keys[i].seed, buf_str(&text), signature);
        buf_add_str(out, i > 0 ? STR(" v1,") : STR("v1,"));
        crypto_base64((struct str){(const char *)mac, sizeof(mac)}, out);
        buf_add_str(out, STR(" v1a,"));
        crypto_base64((struct str){(const char *)signature, sizeof(signature)}, out);
    }
    buf_release(&text);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static bool is_signed(bool is_public, const struct buf *key, struct str text, struct str signature)
{
    struct buf bytes;
    uint8_t mac[SHA256_SIZE];
    bool ok = false;
    buf_init(&bytes, 2 * (size_t)ED25519_SIGNATURE_SIZE);
    if (!crypto_unbase64(signature, &bytes)) {
        ok = false;
    } else if (is_public) {
        ok = bytes.len == ED25519_SIGNATURE_SIZE &&
             crypto_ed25519_verify((const uint8_t *)key->at, text, (const uint8_t *)bytes.at);
    } else {
        crypto_hmac_sha256(buf_str(key), text, mac);
        ok = bytes.len == sizeof(mac) && crypto_equal(bytes.at, mac, sizeof(mac));
    }
    buf_release(&bytes);
    return ok;
}

static bool has_signature(bool is_public, const struct buf *key, struct str text,
                          struct str signatures)
{
    while (signatures.len > 0) {
        struct str signature = str_cut(&signatures, ' ');
        struct str version = str_cut(&signature, ',');
        if (str_eq(version, is_public ? STR("v1a") : STR("v1")) &&
            is_signed(is_public, key, text, signature))
            return true;
    }
    return false;
}

static bool read_key(struct str secret, bool is_public, struct buf *key, struct error *err)
{
    const size_t least = is_public ? ED25519_KEY_SIZE : SHARED_MIN;
    const size_t most = is_public ? ED25519_KEY_SIZE : SHARED_MAX;
    bool has_prefix = is_public || str_starts(secret, STR("whsec_"));
    struct str base64 = str_sub(secret, str_find_char(secret, '_', 0) + 1, SIZE_MAX);
    if (has_prefix && crypto_unbase64(base64, key) && key->len >= least && key->len <= most)
        return true;
    return fail(err, ERROR_DENIED, "the secret is neither whsec_ nor whpk_ and base64 of its key");
}

bool hook_verify(struct str secret, const struct hook_message *message, int64_t now_s,
                 int64_t tolerance_s, struct error *err)
{
    int64_t sent_s = 0;
    struct buf key;
    struct buf text;
    bool is_public = str_starts(secret, STR("whpk_"));
    if (message->id.len == 0 || str_find_char(message->id, '.', 0) != SIZE_MAX)
        return fail(err, ERROR_DENIED, "the webhook-id is empty or has a dot");
    if (!str_to_int64(message->timestamp, &sent_s))
        return fail(err, ERROR_DENIED, "the webhook-timestamp is no number of seconds");
    if (sent_s < now_s - tolerance_s || sent_s > now_s + tolerance_s)
        return fail(err, ERROR_DENIED, "the webhook-timestamp is %lld s away from now",
                    (long long)(sent_s > now_s ? sent_s - now_s : now_s - sent_s));
    buf_init(&key, SECRET_MAX);
    put_signed(&text, message->id, message->timestamp, message->body);
    bool ok = read_key(secret, is_public, &key, err);
    if (ok &&
        !(buf_is_ok(&text) && has_signature(is_public, &key, buf_str(&text), message->signature)))
        ok = fail(err, ERROR_DENIED, "none of the signatures is made with this secret");
    if (key.at != NULL)
        OPENSSL_cleanse(key.at, key.capacity);
    buf_release(&key);
    buf_release(&text);
    return ok;
}
