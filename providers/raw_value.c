/*
 * The text of one value in JSON that the strict parser has already accepted. jansson turns 10.99
 * into a double; this walks the same text once more and hands out the digits themselves.
 *
 * It need not diagnose anything, only never run past the end, and it does not recurse: skipping a
 * value is counting brackets outside strings.
 */
#include "providers/adapter.h"

#include <string.h>

struct cursor {
    const char *at;
    const char *end;
};

static void skip_space(struct cursor *cur)
{
    while (cur->at < cur->end && strchr(" \t\r\n", *cur->at) != NULL && *cur->at != '\0')
        cur->at++;
}

static bool take(struct cursor *cur, char c)
{
    skip_space(cur);
    if (cur->at == cur->end || *cur->at != c)
        return false;
    cur->at++;
    return true;
}

/* The raw text between the quotes, escapes and all. */
static bool take_string(struct cursor *cur, struct str *raw)
{
    if (!take(cur, '"'))
        return false;
    const char *start = cur->at;
    while (cur->at < cur->end && *cur->at != '"')
        cur->at += *cur->at == '\\' && cur->end - cur->at > 1 ? 2 : 1;
    if (cur->at >= cur->end)
        return false;
    *raw = (struct str){start, (size_t)(cur->at - start)};
    cur->at++;
    return true;
}

static void skip_scalar(struct cursor *cur)
{
    while (cur->at < cur->end && (strchr(",]} \t\r\n", *cur->at) == NULL || *cur->at == '\0'))
        cur->at++;
}

static bool skip_value(struct cursor *cur)
{
    struct str ignored;
    size_t depth = 0;

    do {
        skip_space(cur);
        if (cur->at == cur->end)
            return false;
        const char c = *cur->at;
        if (c == '"') {
            if (!take_string(cur, &ignored))
                return false;
        } else if (c == '{' || c == '[') {
            depth++;
            cur->at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return false;
            depth--;
            cur->at++;
        } else if (c == ',' || c == ':') {
            if (depth == 0)
                return false;
            cur->at++;
        } else {
            skip_scalar(cur);
        }
    } while (depth > 0);
    return true;
}

static bool enter_member(struct cursor *cur, struct str name)
{
    struct str key;

    if (!take(cur, '{'))
        return false;
    do {
        if (!take_string(cur, &key) || !take(cur, ':'))
            return false;
        if (str_eq(key, name))
            return true;
        if (!skip_value(cur))
            return false;
    } while (take(cur, ','));
    return false;
}

static bool enter_element(struct cursor *cur, int64_t index)
{
    if (!take(cur, '['))
        return false;
    for (int64_t i = 0; i < index; i++) {
        if (!skip_value(cur) || !take(cur, ','))
            return false;
    }
    return true;
}

bool adapter_raw_value(struct str json, const char *path, struct str *raw)
{
    struct cursor cur = {json.at, json.at + json.len};
    struct str rest = str_of(path);

    while (rest.len > 0) {
        const struct str name = str_cut(&rest, '.');
        int64_t index = 0;
        skip_space(&cur);
        if (cur.at < cur.end && *cur.at == '[') {
            if (!str_to_int64(name, &index) || index < 0 || !enter_element(&cur, index))
                return false;
        } else if (!enter_member(&cur, name)) {
            return false;
        }
    }
    skip_space(&cur);
    if (cur.at < cur.end && *cur.at == '"')
        return take_string(&cur, raw);
    const char *start = cur.at;
    if (cur.at == cur.end || (*cur.at != '-' && (*cur.at < '0' || *cur.at > '9')))
        return false;
    skip_scalar(&cur);
    *raw = (struct str){start, (size_t)(cur.at - start)};
    return true;
}
