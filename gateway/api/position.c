#include "api/position.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"

enum {
    TAG_BYTES = 16,
    TAG_PADDED_LEN = 24,
};
static_assert((int)TAG_BYTES <= (int)SHA256_SIZE, "a tag is a part of a digest");
static_assert((int)POSITION_TAG_LEN == (TAG_BYTES * 8 + 5) / 6, "base64 without its padding");

/* The merchant's id has one length, so no two pairs are one text. */
static void make_tag(const uint8_t key[POSITION_KEY_SIZE], const struct uuid *merchant_id,
                     struct str mark, char tag[POSITION_TAG_LEN])
{
    uint8_t digest[SHA256_SIZE];
    struct buf text;
    buf_init(&text, sizeof(merchant_id->byte) + mark.len + TAG_PADDED_LEN);
    buf_add(&text, merchant_id->byte, sizeof(merchant_id->byte));
    buf_add_str(&text, mark);
    CHECK(buf_is_ok(&text));
    crypto_hmac_sha256((struct str){(const char *)key, POSITION_KEY_SIZE}, buf_str(&text), digest);
    buf_clear(&text);
    crypto_base64((struct str){(const char *)digest, TAG_BYTES}, &text);
    CHECK(text.len == TAG_PADDED_LEN);
    for (size_t i = 0; i < POSITION_TAG_LEN; i++) {
        char c = text.at[i];
        tag[i] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    buf_release(&text);
}

void position_print(const uint8_t key[POSITION_KEY_SIZE], const struct uuid *merchant_id,
                    const struct follow_mark *mark, struct buf *out)
{
    char tag[POSITION_TAG_LEN];
    size_t from = out->len;
    follow_mark_print(mark, out);
    if (!buf_is_ok(out)) {
        return;
    }
    make_tag(key, merchant_id, (struct str){out->at + from, out->len - from}, tag);
    buf_add(out, tag, sizeof(tag));
}

bool position_parse(const uint8_t key[POSITION_KEY_SIZE], const struct uuid *merchant_id,
                    struct str text, struct follow_mark *mark, struct error *err)
{
    char tag[POSITION_TAG_LEN];
    if (text.len <= POSITION_TAG_LEN) {
        return fail(err, ERROR_INVALID, "cannot read position: it is too short");
    }
    struct str body = str_sub(text, 0, text.len - POSITION_TAG_LEN);
    make_tag(key, merchant_id, body, tag);
    if (!crypto_equal(tag, body.at + body.len, sizeof(tag))) {
        return fail(err, ERROR_INVALID, "cannot read position: it was not made for this merchant");
    }
    return follow_mark_parse(body, mark, err);
}
