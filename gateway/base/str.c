#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUF_CAPACITY_MIN = 256,
    BUF_PRINTF_SHORT = 256,
};

struct str str_of(const char *terminated)
{
    if (terminated == NULL)
        return STR_NONE;
    return (struct str){terminated, strlen(terminated)};
}

bool str_is_empty(struct str s)
{
    return s.len == 0;
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.at, b.at, len);
    if (order != 0)
        return order < 0 ? -1 : 1;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_sub(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

size_t str_find(struct str s, struct str needle, size_t from)
{
    if (from > s.len || needle.len > s.len - from)
        return SIZE_MAX;
    if (needle.len == 0)
        return from;
    const char *found = memmem(s.at + from, s.len - from, needle.at, needle.len);
    return found == NULL ? SIZE_MAX : (size_t)(found - s.at);
}

size_t str_find_char(struct str s, char c, size_t from)
{
    if (from >= s.len)
        return SIZE_MAX;
    const char *found = memchr(s.at + from, c, s.len - from);
    return found == NULL ? SIZE_MAX : (size_t)(found - s.at);
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    if (s.at == NULL)
        return STR_NONE;
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return (struct str){s.at + from, len};
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char separator)
{
    size_t at = str_find_char(*rest, separator, 0);
    struct str head = str_sub(*rest, 0, at);
    *rest = at == SIZE_MAX ? str_sub(*rest, rest->len, 0) : str_sub(*rest, at + 1, SIZE_MAX);
    return head;
}

bool str_to_int64(struct str s, int64_t *out)
{
    bool negative = s.len > 0 && s.at[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t value = 0;
    for (; i < s.len; i++) {
        int digit = s.at[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        /* Summed downwards, because INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

bool str_copy_to(struct str s, char *out, size_t size)
{
    CHECK(size > 0);
    out[0] = '\0';
    if (s.len >= size)
        return false;
    if (s.len > 0)
        memcpy(out, s.at, s.len);
    out[s.len] = '\0';
    return true;
}

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

const char str_hex_digits[16 + 1] = "0123456789abcdef";

int str_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

size_t str_utf8_size(struct str s, size_t from)
{
    CHECK(from < s.len);
    const unsigned char *at = (const unsigned char *)s.at + from;
    size_t left = s.len - from;
    unsigned char c = at[0];
    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        return left >= 2 && is_tail(at[1]) ? 2 : 0;
    if (c >= 0xe0 && c <= 0xef) {
        if (left < 3 || !is_tail(at[1]) || !is_tail(at[2]))
            return 0;
        if ((c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] > 0x9f))
            return 0; /* Overlong, or a surrogate. */
        return 3;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        if (left < 4 || !is_tail(at[1]) || !is_tail(at[2]) || !is_tail(at[3]))
            return 0;
        if ((c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] > 0x8f))
            return 0; /* Overlong, or beyond U+10FFFF. */
        return 4;
    }
    return 0;
}

bool str_is_utf8(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        uint64_t word;
        if (s.len - i >= sizeof(word)) {
            memcpy(&word, s.at + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        size_t size = str_utf8_size(s, i);
        if (size == 0)
            return false;
        i += size;
    }
    return true;
}

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_release(struct buf *buf)
{
    free(buf->at);
    buf_init(buf, buf->limit);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflowed = false;
}

/* One byte beyond the capacity is allocated, for the terminator that vsnprintf writes. */
static void grow(struct buf *buf, size_t need)
{
    size_t capacity = buf->capacity < BUF_CAPACITY_MIN ? BUF_CAPACITY_MIN : buf->capacity;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    if (capacity > buf->limit)
        capacity = buf->limit;
    char *at = realloc(buf->at, capacity + 1);
    CHECK(at != NULL);
    buf->at = at;
    buf->capacity = capacity;
}

char *buf_extend(struct buf *buf, size_t len)
{
    if (buf->overflowed)
        return NULL;
    if (len > buf->capacity - buf->len || buf->at == NULL) {
        if (len > buf->limit - buf->len) {
            buf->overflowed = true;
            return NULL;
        }
        grow(buf, buf->len + len);
    }
    char *at = buf->at + buf->len;
    buf->len += len;
    return at;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return;
    char *at = buf_extend(buf, len);
    if (at != NULL)
        memcpy(at, data, len);
}

void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.at, s.len);
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char text[BUF_PRINTF_SHORT];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(length >= 0);
    size_t len = (size_t)length;
    if (len < sizeof(text)) {
        buf_add(buf, text, len);
        return;
    }
    char *at = buf_extend(buf, len);
    if (at == NULL)
        return;
    va_start(args, format);
    length = vsnprintf(at, len + 1, format, args);
    va_end(args);
    CHECK(length >= 0 && (size_t)length == len);
}

void buf_add_int64(struct buf *buf, int64_t value)
{
    char text[20];
    size_t at = sizeof(text);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        text[--at] = '-';
    buf_add(buf, text + at, sizeof(text) - at);
}

bool buf_is_ok(const struct buf *buf)
{
    return !buf->overflowed;
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->at, buf->len};
}
