#include "providers/sandbox/raw.h"

#include "base/money.h"

static size_t skip_space(struct str json, size_t at)
{
    while (at < json.len && (json.at[at] == ' ' || json.at[at] == '\t' || json.at[at] == '\n' ||
                             json.at[at] == '\r')) {
        at++;
    }
    return at;
}

/* `at` is an opening quote; returns the place behind the closing one. */
static size_t skip_string(struct str json, size_t at)
{
    for (at++; at < json.len && json.at[at] != '"'; at++) {
        at += json.at[at] == '\\' ? 1 : 0;
    }
    return at < json.len ? at + 1 : json.len;
}

static size_t skip_value(struct str json, size_t at)
{
    size_t depth = 0;
    while (at < json.len) {
        char c = json.at[at];
        if (c == '"') {
            at = skip_string(json, at);
            if (depth == 0) {
                return at;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return at; /* the end of what surrounds a number or word */
            }
            if (--depth == 0) {
                return at + 1;
            }
        } else if (depth == 0 && (c == ',' || skip_space(json, at) != at)) {
            return at;
        }
        at++;
    }
    return at;
}

/* `at` is '{' or '['; the start of member or element `name`, or json.len. */
static size_t enter(struct str json, size_t at, struct str name)
{
    bool object = json.at[at] == '{';
    int64_t wanted = -1;
    if (!object && (json.at[at] != '[' || !str_to_int64(name, &wanted))) {
        return json.len;
    }
    at = skip_space(json, at + 1);
    for (int64_t index = 0; at < json.len && json.at[at] != '}' && json.at[at] != ']'; index++) {
        bool found = !object && index == wanted;
        if (object) {
            size_t end = skip_string(json, at);
            found = end >= at + 2 && str_eq(str_sub(json, at + 1, end - at - 2), name);
            at = skip_space(json, skip_space(json, end) + 1); /* behind the colon */
        }
        if (found) {
            return at;
        }
        at = skip_space(json, skip_value(json, at));
        if (at < json.len && json.at[at] == ',') {
            at = skip_space(json, at + 1);
        }
    }
    return json.len;
}

struct str raw_json_find(struct str json, const char *path)
{
    struct str rest = str_of(path);
    size_t at = skip_space(json, 0);
    while (rest.len > 0) {
        struct str name = str_cut(&rest, '.');
        if (at >= json.len) {
            return STR_NONE;
        }
        at = enter(json, at, name);
    }
    if (at >= json.len) {
        return STR_NONE;
    }
    return str_sub(json, at, skip_value(json, at) - at);
}

/* "13.500" of a currency with two decimals is 13.50: some clients write more zeros than needed. */
static struct str drop_zeros(struct str text, unsigned digits)
{
    size_t point = str_find_char(text, '.', 0);
    while (point != SIZE_MAX && text.len > point + 1 + digits && text.at[text.len - 1] == '0') {
        text.len--;
    }
    if (point != SIZE_MAX && text.len == point + 1) {
        text.len--;
    }
    return text;
}

bool raw_money(struct str text, unsigned digits, int64_t *minor)
{
    struct error err;
    return text.len > 0 && text.at[0] >= '0' && text.at[0] <= '9' &&
           money_parse(drop_zeros(text, digits), digits, minor, &err);
}
