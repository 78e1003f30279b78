#include "base/json.h"

#include <string.h>

/* Bytes that stand for themselves inside a string: ASCII but controls, DEL, quote and backslash. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Nonzero when one of eight bytes is 0. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* Eight bytes at once; the borrow between bytes can only turn a plain one away, never let one in.
 */
static bool are_plain(uint64_t word)
{
    uint64_t controls = (word - UINT64_C(0x2020202020202020)) | word;
    return ((controls & UINT64_C(0x8080808080808080)) |
            zero_bytes(word ^ UINT64_C(0x2222222222222222)) |
            zero_bytes(word ^ UINT64_C(0x5c5c5c5c5c5c5c5c)) |
            zero_bytes(word ^ UINT64_C(0x7f7f7f7f7f7f7f7f))) == 0;
}

static size_t plain_run(struct str s, size_t from)
{
    size_t at = from;
    uint64_t word;
    while (s.len - at >= sizeof(word)) {
        memcpy(&word, s.at + at, sizeof(word));
        if (!are_plain(word))
            break;
        at += sizeof(word);
    }
    while (at < s.len && is_plain((unsigned char)s.at[at]))
        at++;
    return at - from;
}

static void add_unicode_escape(struct buf *buf, unsigned code)
{
    const char *hex = str_hex_digits;
    char text[6] = {
        '\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    buf_add(buf, text, sizeof(text));
}

static void add_ascii_escape(struct buf *buf, char c)
{
    switch (c) {
    case '"':
        buf_add_str(buf, STR("\\\""));
        break;
    case '\\':
        buf_add_str(buf, STR("\\\\"));
        break;
    case '\n':
        buf_add_str(buf, STR("\\n"));
        break;
    case '\r':
        buf_add_str(buf, STR("\\r"));
        break;
    case '\t':
        buf_add_str(buf, STR("\\t"));
        break;
    default:
        add_unicode_escape(buf, (unsigned char)c);
        break;
    }
}

/* One character that is not plain; returns how many bytes of s it was. */
static size_t add_special(struct buf *buf, struct str s, size_t from)
{
    if ((unsigned char)s.at[from] < 0x80) {
        add_ascii_escape(buf, s.at[from]);
        return 1;
    }
    size_t size = str_utf8_size(s, from);
    struct str character = str_sub(s, from, size);
    if (size == 0) {
        buf_add_str(buf, STR("\xef\xbf\xbd"));
        return 1;
    }
    if (str_eq(character, STR("\xe2\x80\xa8")))
        add_unicode_escape(buf, 0x2028);
    else if (str_eq(character, STR("\xe2\x80\xa9")))
        add_unicode_escape(buf, 0x2029);
    else
        buf_add_str(buf, character);
    return size;
}

static void add_escaped(struct buf *buf, struct str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t run = plain_run(s, at);
        buf_add(buf, s.at + at, run);
        at += run;
        if (at < s.len)
            at += add_special(buf, s, at);
    }
}

/* [,]"text"[:] in one copy, for text without anything to escape. */
static void add_plain(struct json_out *out, struct str text, bool is_key)
{
    size_t comma = out->need_comma ? 1 : 0;
    size_t colon = is_key ? 1 : 0;
    char *at = buf_extend(out->buf, comma + 2 + text.len + colon);
    out->need_comma = !is_key;
    if (at == NULL)
        return;
    if (comma > 0)
        *at++ = ',';
    *at++ = '"';
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    at += text.len;
    *at++ = '"';
    if (is_key)
        *at = ':';
}

static void add_quoted(struct json_out *out, struct str text, bool is_key)
{
    if (plain_run(text, 0) == text.len) {
        add_plain(out, text, is_key);
        return;
    }
    if (out->need_comma)
        buf_add_char(out->buf, ',');
    buf_add_char(out->buf, '"');
    add_escaped(out->buf, text);
    buf_add_str(out->buf, is_key ? STR("\":") : STR("\""));
    out->need_comma = !is_key;
}

static void add_token(struct json_out *out, struct str token)
{
    size_t comma = out->need_comma ? 1 : 0;
    char *at = buf_extend(out->buf, comma + token.len);
    out->need_comma = true;
    if (at == NULL)
        return;
    if (comma > 0)
        *at++ = ',';
    if (token.len > 0)
        memcpy(at, token.at, token.len);
}

void json_out_init(struct json_out *out, struct buf *buf)
{
    *out = (struct json_out){.buf = buf};
}

static void begin(struct json_out *out, struct str opener)
{
    add_token(out, opener);
    out->need_comma = false;
}

static void end(struct json_out *out, char closer)
{
    buf_add_char(out->buf, closer);
    out->need_comma = true;
}

void json_begin_object(struct json_out *out)
{
    begin(out, STR("{"));
}

void json_end_object(struct json_out *out)
{
    end(out, '}');
}

void json_begin_array(struct json_out *out)
{
    begin(out, STR("["));
}

void json_end_array(struct json_out *out)
{
    end(out, ']');
}

void json_key(struct json_out *out, const char *key)
{
    add_plain(out, str_of(key), true);
}

void json_key_str(struct json_out *out, struct str key)
{
    add_quoted(out, key, true);
}

void json_str(struct json_out *out, struct str value)
{
    add_quoted(out, value, false);
}

void json_cstr(struct json_out *out, const char *value)
{
    if (value == NULL)
        json_null_value(out);
    else
        json_str(out, str_of(value));
}

void json_int(struct json_out *out, int64_t value)
{
    if (out->need_comma)
        buf_add_char(out->buf, ',');
    buf_add_int64(out->buf, value);
    out->need_comma = true;
}

void json_bool(struct json_out *out, bool value)
{
    add_token(out, value ? STR("true") : STR("false"));
}

void json_null_value(struct json_out *out)
{
    add_token(out, STR("null"));
}

void json_raw(struct json_out *out, struct str json)
{
    add_token(out, json);
}

void json_put_str(struct json_out *out, const char *key, struct str value)
{
    json_key(out, key);
    json_str(out, value);
}

void json_put_cstr(struct json_out *out, const char *key, const char *value)
{
    json_key(out, key);
    json_cstr(out, value);
}

void json_put_int(struct json_out *out, const char *key, int64_t value)
{
    json_key(out, key);
    json_int(out, value);
}

void json_put_bool(struct json_out *out, const char *key, bool value)
{
    json_key(out, key);
    json_bool(out, value);
}

void json_put_null(struct json_out *out, const char *key)
{
    json_key(out, key);
    json_null_value(out);
}

void json_put_raw(struct json_out *out, const char *key, struct str json)
{
    json_key(out, key);
    json_raw(out, json);
}
