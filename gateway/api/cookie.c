#include "api/cookie.h"

#include <assert.h>
#include <string.h>

enum {
    VERSION = 1,
    PLAIN_LEN = 1 + SHA256_SIZE + sizeof(struct uuid) + 8 + 8,
    SEALED_LEN = PLAIN_LEN + AEAD_OVERHEAD,
};
static_assert(SEALED_LEN % 3 == 0, "no padding");
static_assert(SEALED_LEN / 3 * 4 == COOKIE_VALUE_LEN, "as the header says");

#define BOUND STR("turnpike session cookie")

static void put_int64(char *to, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    for (size_t i = 0; i < 8; i++) {
        to[i] = (char)(unsigned char)(bits >> (56 - 8 * i));
    }
}

static int64_t take_int64(const char *from)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 8 | (unsigned char)from[i];
    }
    return (int64_t)bits;
}

static void swap(char *text, size_t len, const char *from, const char *to)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == from[0] || text[i] == from[1]) {
            text[i] = text[i] == from[0] ? to[0] : to[1];
        }
    }
}

void cookie_print(const uint8_t key[AEAD_KEY_SIZE], const struct session *session, struct buf *out)
{
    char plain[PLAIN_LEN];
    char *at = plain;
    size_t from = out->len;
    struct buf sealed;
    *at++ = VERSION;
    memcpy(at, session->digest, SHA256_SIZE);
    at += SHA256_SIZE;
    memcpy(at, session->session_id.byte, sizeof(struct uuid));
    at += sizeof(struct uuid);
    put_int64(at, session->created_us);
    put_int64(at + 8, session->expires_us);
    buf_init(&sealed, SEALED_LEN);
    crypto_seal(key, BOUND, (struct str){plain, sizeof(plain)}, &sealed);
    CHECK(buf_is_ok(&sealed) && sealed.len == SEALED_LEN);
    crypto_base64(buf_str(&sealed), out);
    buf_release(&sealed);
    if (buf_is_ok(out)) {
        swap(out->at + from, out->len - from, "+/", "-_");
    }
}

static bool fail_cookie(struct error *err)
{
    return fail(err, ERROR_INVALID, "cannot read session: it was not made here");
}

static bool open_value(const uint8_t key[AEAD_KEY_SIZE], struct str value, struct buf *plain,
                       struct error *err)
{
    char text[COOKIE_VALUE_LEN];
    struct buf sealed;
    if (value.len != COOKIE_VALUE_LEN || memchr(value.at, '+', value.len) != NULL ||
        memchr(value.at, '/', value.len) != NULL || memchr(value.at, '=', value.len) != NULL) {
        return fail_cookie(err);
    }
    memcpy(text, value.at, sizeof(text));
    swap(text, sizeof(text), "-_", "+/");
    buf_init(&sealed, SEALED_LEN);
    bool ok = crypto_unbase64((struct str){text, sizeof(text)}, &sealed) &&
              crypto_open(key, BOUND, buf_str(&sealed), plain, err);
    buf_release(&sealed);
    return ok || fail_cookie(err);
}

bool cookie_parse(const uint8_t key[AEAD_KEY_SIZE], struct str value, struct session *session,
                  struct error *err)
{
    struct buf plain;
    buf_init(&plain, PLAIN_LEN);
    bool ok = open_value(key, value, &plain, err);
    if (ok && (plain.len != PLAIN_LEN || plain.at[0] != VERSION)) {
        ok = fail_cookie(err);
    }
    if (ok) {
        const char *at = plain.at + 1;
        memcpy(session->digest, at, SHA256_SIZE);
        at += SHA256_SIZE;
        memcpy(session->session_id.byte, at, sizeof(struct uuid));
        at += sizeof(struct uuid);
        session->created_us = take_int64(at);
        session->expires_us = take_int64(at + 8);
    }
    buf_release(&plain);
    return ok;
}

struct str cookie_find(struct str header)
{
    struct str found = STR_NONE;
    size_t count = 0;
    while (header.len > 0) {
        struct str pair = str_trim(str_cut(&header, ';'));
        struct str name = str_cut(&pair, '=');
        if (str_eq(name, STR(COOKIE_NAME))) {
            found = pair;
            count++;
        }
    }
    return count == 1 ? found : STR_NONE;
}
