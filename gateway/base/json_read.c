#include "base/json_read.h"

#include <string.h>

enum {
    OPEN_MAX = 32,         /* containers within each other; deeper ones are jansson's */
    INTEGER_DIGIT_MAX = 18 /* fits in 63 bits whatever the digits are */
};

struct reader {
    const char *at;
    const char *end;
    const struct json_limits *limits;
    size_t member_count;
    size_t depth;
    json_t *open[OPEN_MAX]; /* borrowed; [0] is the top, each is part of the one before */
};

/* The first character of the next token; NUL at the end of the text. */
static char look(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
    return r->at < r->end ? *r->at : '\0';
}

/* `at` stands on the opening quote; leaves it behind the closing one. */
static bool read_string(struct reader *r, struct str *out)
{
    const char *start = ++r->at;
    const char *at = start;
    while (at < r->end && *at != '"') {
        const unsigned char c = (unsigned char)*at++;
        if (c < 0x20 || c >= 0x80 || c == '\\')
            return false;
    }
    *out = (struct str){start, (size_t)(at - start)};
    if (at == r->end || out->len > r->limits->string_bytes_max)
        return false;
    r->at = at + 1;
    return true;
}

static json_t *read_integer(struct reader *r)
{
    const bool is_negative = *r->at == '-';
    const char *start = r->at + (is_negative ? 1 : 0);
    const char *at = start;
    json_int_t value = 0;
    while (at < r->end && *at >= '0' && *at <= '9' && at - start < INTEGER_DIGIT_MAX)
        value = value * 10 + (*at++ - '0');
    const bool is_whole =
        at < r->end && *at != '.' && *at != 'e' && *at != 'E' && !(*at >= '0' && *at <= '9');
    if (at == start || !is_whole || (*start == '0' && at - start > 1))
        return NULL;
    r->at = at;
    return json_integer(is_negative ? -value : value);
}

static json_t *read_word(struct reader *r, struct str word, json_t *value)
{
    if ((size_t)(r->end - r->at) < word.len || memcmp(r->at, word.at, word.len) != 0)
        return NULL;
    r->at += word.len;
    return value;
}

/* A new reference; a container is still empty. NULL when it is not plain. */
static json_t *read_value(struct reader *r)
{
    struct str text;
    switch (look(r)) {
    case '"':
        return read_string(r, &text) ? json_stringn_nocheck(text.at, text.len) : NULL;
    case '{':
        r->at++;
        return json_object();
    case '[':
        r->at++;
        return json_array();
    case 't':
        return read_word(r, STR("true"), json_true());
    case 'f':
        return read_word(r, STR("false"), json_false());
    case 'n':
        return read_word(r, STR("null"), json_null());
    case '\0':
        return NULL;
    default:
        return read_integer(r);
    }
}

static bool push(struct reader *r, json_t *container)
{
    if (r->depth == OPEN_MAX || r->depth == r->limits->depth_max)
        return false;
    r->open[r->depth++] = container;
    return true;
}

/* One element, or a name and its value, of the container that is open. */
static bool read_member(struct reader *r)
{
    json_t *container = r->open[r->depth - 1];
    struct str name = STR_NONE;
    if (++r->member_count > r->limits->member_count_max)
        return false;
    if (json_is_object(container)) {
        if (look(r) != '"' || !read_string(r, &name) || look(r) != ':')
            return false;
        r->at++;
        if (json_object_getn(container, name.at, name.len) != NULL)
            return false;
    }
    json_t *value = read_value(r);
    if (value == NULL)
        return false;
    int failed = json_is_object(container)
                     ? json_object_setn_new_nocheck(container, name.at, name.len, value)
                     : json_array_append_new(container, value);
    CHECK(failed == 0);
    return (!json_is_object(value) && !json_is_array(value)) || push(r, value);
}

static char closer(const struct reader *r)
{
    return json_is_object(r->open[r->depth - 1]) ? '}' : ']';
}

/* All that is within the top, until it is closed. */
static bool read_members(struct reader *r)
{
    bool may_close = true; /* not after a comma */
    while (r->depth > 0) {
        const size_t depth = r->depth;
        if (look(r) == closer(r)) {
            if (!may_close)
                return false;
            r->at++;
            r->depth--;
        } else {
            if (!read_member(r))
                return false;
            may_close = true;
            if (r->depth > depth)
                continue; /* into the container that begins here */
        }
        if (r->depth == 0)
            return true;
        /* Behind a value: a comma and the next one, or the container's end. */
        const char next = look(r);
        may_close = next != ',';
        if (next == ',')
            r->at++;
        else if (next != closer(r))
            return false;
    }
    return true;
}

json_t *json_read_plain(struct str text, const struct json_limits *limits)
{
    struct reader r = {.at = text.at, .end = text.at + text.len, .limits = limits};
    const char first = look(&r);
    if (first != '{' && first != '[')
        return NULL;
    json_t *top = read_value(&r);
    CHECK(top != NULL);
    if (push(&r, top) && read_members(&r) && look(&r) == '\0' && r.at == r.end)
        return top;
    json_decref(top);
    return NULL;
}
