/*
 * str.h - borrowed strings and one growable buffer.
 *
 * struct str is a pointer and a length: borrowed, not terminated, may hold any byte. It is passed
 * by value. A terminated copy is made at the library call that needs it (arena_cstr, str_copy_to).
 * struct buf owns its memory, grows up to a limit given at init, and remembers that it overflowed
 * instead of growing: writers need not check every append, the owner checks buf_is_ok once. The
 * append that would pass the limit is dropped whole, and so is every later one: what stands is a
 * prefix.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct str {
    const char *at; /* borrowed; may be NULL when len is 0 */
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    } /* for static tables */
#define STR_NONE   ((struct str){NULL, 0})
#define STR_FMT    "%.*s" /* printf("..." STR_FMT, STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, ((s).at ? (s).at : "")

struct str str_of(const char *terminated); /* NULL gives STR_NONE */
bool str_is_empty(struct str s);
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_compare(struct str a, struct str b);    /* memcmp order, shorter first */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first occurrence at or after `from`; SIZE_MAX when there is none. */
size_t str_find(struct str s, struct str needle, size_t from);
size_t str_find_char(struct str s, char c, size_t from);
struct str str_sub(struct str s, size_t from, size_t len); /* clipped to s */
struct str str_trim(struct str s);                         /* space and tab */
/* Cut *rest at the first `separator`: returns what stands before it, *rest is what follows. */
struct str str_cut(struct str *rest, char separator);
/* Exactly [-]1*DIGIT within int64, nothing else; false leaves *out alone. */
bool str_to_int64(struct str s, int64_t *out);
/* Copy and terminate into out[size]; false when it does not fit (out is then ""). */
bool str_copy_to(struct str s, char *out, size_t size);
/* True when s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
/* Bytes (1-4) of the well-formed UTF-8 character at `from`; 0 when malformed there. from < s.len.
 */
size_t str_utf8_size(struct str s, size_t from);
extern const char str_hex_digits[16 + 1]; /* lower case */
int str_hex_value(char c);                /* of a digit in either case; -1 when it is none */

struct buf {
    char *at; /* owned; NULL until the first byte */
    size_t len;
    size_t capacity;
    size_t limit;
    bool overflowed;
};

void buf_init(struct buf *buf, size_t limit);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf); /* len 0, not overflowed; keeps its memory */
void buf_add(struct buf *buf, const void *data, size_t len); /* data is not in buf itself */
/* Append len bytes to be written by the caller at the address returned; NULL at the limit. */
char *buf_extend(struct buf *buf, size_t len);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_add_int64(struct buf *buf, int64_t value);
bool buf_is_ok(const struct buf *buf); /* nothing was dropped at the limit */
struct str buf_str(const struct buf *buf);

#endif
