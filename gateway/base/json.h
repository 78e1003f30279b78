/*
 * json.h - JSON in (jansson, made strict) and JSON out (a writer that appends to a buf).
 *
 * In: duplicate members, NUL bytes, nesting beyond the limit, bad UTF-8 and trailing data are
 * refused; the top must be an object or array. jansson's own depth limit is 2048, so depth, members
 * and string lengths are checked by a scan before it runs. Numbers with fraction or exponent become
 * reals: money is read with json_path_int64, which accepts integers only.
 *
 * Out: struct json_out writes commas and quotes by itself; building text this way costs a fraction
 * of building a jansson tree. Strings are escaped (also U+007F, U+2028, U+2029); invalid UTF-8
 * becomes U+FFFD.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct json_limits {
    size_t depth_max;        /* nesting of objects and arrays */
    size_t member_count_max; /* members and elements in total */
    size_t string_bytes_max; /* one string, raw */
};

extern const struct json_limits json_limits_default; /* 32, 512, 4096 */

/* Parse; the caller owns the reference (json_decref). NULL with *err: ERROR_INVALID and where. */
json_t *json_parse(struct str text, const struct json_limits *limits, struct error *err) MUST_USE;
/* Canonical form for fingerprints: sorted members, no spaces. False when out overflowed. */
bool json_canonical(const json_t *value, struct buf *out) MUST_USE;

/* Convenience for reading foreign answers: wrong type or absent gives the empty value. */
struct str json_text(const json_t *object, const char *member); /* string value, borrowed from it */
const json_t *json_path(const json_t *value, const char *path); /* "a.b.0.c"; NULL when absent */
struct str json_path_text(const json_t *value, const char *path);
bool json_path_int64(const json_t *value, const char *path, int64_t *out);

struct json_out {
    struct buf *buf; /* borrowed */
    bool need_comma;
};

void json_out_init(struct json_out *out, struct buf *buf);
void json_begin_object(struct json_out *out);
void json_end_object(struct json_out *out);
void json_begin_array(struct json_out *out);
void json_end_array(struct json_out *out);
void json_key(struct json_out *out, const char *key); /* key is a literal of ours */
void json_key_str(struct json_out *out, struct str key);
void json_str(struct json_out *out, struct str value);
void json_cstr(struct json_out *out, const char *value); /* NULL writes null */
void json_int(struct json_out *out, int64_t value);
void json_bool(struct json_out *out, bool value);
void json_null_value(struct json_out *out);
void json_raw(struct json_out *out, struct str json); /* already valid JSON */
/* key and value in one call */
void json_put_str(struct json_out *out, const char *key, struct str value);
void json_put_cstr(struct json_out *out, const char *key, const char *value);
void json_put_int(struct json_out *out, const char *key, int64_t value);
void json_put_bool(struct json_out *out, const char *key, bool value);
void json_put_null(struct json_out *out, const char *key);
void json_put_raw(struct json_out *out, const char *key, struct str json);

#endif
