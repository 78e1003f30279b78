#include "base/crypto.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void crypto_base64(struct str data, struct buf *out)
{
    CHECK(data.len <= SIZE_MAX / 2);
    char *to = buf_extend(out, (data.len + 2) / 3 * 4);
    if (to == NULL)
        return;
    const unsigned char *from = (const unsigned char *)data.at;
    for (size_t i = 0; i < data.len; i += 3) {
        size_t left = data.len - i;
        unsigned bits = (unsigned)from[i] << 16;
        if (left > 1)
            bits |= (unsigned)from[i + 1] << 8;
        if (left > 2)
            bits |= from[i + 2];
        *to++ = base64_digits[bits >> 18];
        *to++ = base64_digits[bits >> 12 & 63];
        *to++ = '=';
        *to++ = '=';
        if (left > 1)
            to[-2] = base64_digits[bits >> 6 & 63];
        if (left > 2)
            to[-1] = base64_digits[bits & 63];
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* `text` has no padding any more; the bits beyond the last whole byte must be 0. */
static bool decode_base64(struct str text, char *to)
{
    unsigned bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.at[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *to++ = (char)(unsigned char)(bits >> count & 0xff);
        }
    }
    return (bits & ((1U << count) - 1)) == 0;
}

bool crypto_unbase64(struct str text, struct buf *out)
{
    if (text.len % 4 != 0)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
        padding++;
    size_t len = text.len / 4 * 3 - padding;
    char *to = buf_extend(out, len);
    if (to == NULL)
        return false;
    if (decode_base64(str_sub(text, 0, text.len - padding), to))
        return true;
    out->len -= len;
    return false;
}

void crypto_hex(struct str data, struct buf *out)
{
    CHECK(data.len <= SIZE_MAX / 2);
    char *to = buf_extend(out, data.len * 2);
    if (to == NULL)
        return;
    for (size_t i = 0; i < data.len; i++) {
        unsigned char byte = (unsigned char)data.at[i];
        *to++ = str_hex_digits[byte >> 4];
        *to++ = str_hex_digits[byte & 15];
    }
}

bool crypto_unhex(struct str text, struct buf *out)
{
    if (text.len % 2 != 0)
        return false;
    char *to = buf_extend(out, text.len / 2);
    if (to == NULL)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = str_hex_value(text.at[i]);
        int low = str_hex_value(text.at[i + 1]);
        if (high < 0 || low < 0) {
            out->len -= text.len / 2;
            return false;
        }
        to[i / 2] = (char)(unsigned char)(high << 4 | low);
    }
    return true;
}
