/*
 * json_read.h - a quick reader for plain JSON: the shortcut of json_parse, and of nobody else.
 *
 *     text --> json_read_plain --> value            plain: read here
 *                     |
 *                     +--> NULL --> scan, jansson   anything else: judged there, as ever
 *
 * Plain is what programs write: objects, arrays, strings of ASCII without a backslash, whole numbers
 * of up to 18 digits, true, false, null; within the limits, no member twice. A text is never refused
 * here, only passed on; what is read here gives the very value that jansson would have given
 * (tests/unit/base/test_json_read.c compares them), in a quarter of its time.
 */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include "base/json.h"

/* The value, the caller's reference; NULL when the text is not plain. */
json_t *json_read_plain(struct str text, const struct json_limits *limits) MUST_USE;

#endif
