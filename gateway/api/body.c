#include "api/body.h"

#include <string.h>

enum {
    INT64_DIGITS_SURE = 18, /* so many digits always fit */
};

/* Fee tables and settings come in the same limits as payments, but for the number of members. */
static const struct json_limits limits = {
    .depth_max = 32,
    .member_count_max = 2048,
    .string_bytes_max = 4096,
};

static bool is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* What jansson may be unable to hold: many digits, or an exponent. */
static bool is_extreme(struct str number)
{
    return number.len > INT64_DIGITS_SURE || str_find_char(number, 'e', 0) != SIZE_MAX ||
           str_find_char(number, 'E', 0) != SIZE_MAX;
}

/* Behind the string that begins at `at`. */
static size_t skip_string(struct str text, size_t at)
{
    for (at++; at < text.len && text.at[at] != '"'; at++) {
        at += text.at[at] == '\\' ? 1 : 0;
    }
    return at + 1;
}

static bool starts_number(struct str text, size_t at)
{
    char c = text.at[at];
    return c == '-' || (c >= '0' && c <= '9');
}

/* A copy in which every extreme number is 0.5 and spaces. */
static struct str tame_numbers(struct str text, struct arena *arena)
{
    char *out = arena_cstr(arena, text);
    for (size_t at = 0; at < text.len;) {
        if (text.at[at] == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (!starts_number(text, at)) {
            at++;
            continue;
        }
        size_t end = at;
        while (end < text.len && is_number_char(text.at[end])) {
            end++;
        }
        if (end - at >= 3 && is_extreme(str_sub(text, at, end - at))) {
            memset(out + at, ' ', end - at);
            out[at] = '0';
            out[at + 1] = '.';
            out[at + 2] = '5';
        }
        at = end;
    }
    return (struct str){out, text.len};
}

static bool is_about_size(struct str reason)
{
    return str_find(reason, STR("too big"), 0) != SIZE_MAX ||
           str_find(reason, STR("overflow"), 0) != SIZE_MAX;
}

json_t *body_parse(struct str text, bool may_be_empty, struct arena *arena,
                   struct field_problem *problem)
{
    struct error err = {.code = ERROR_NONE};
    if (text.len == 0 && may_be_empty) {
        return json_object();
    }
    json_t *body = json_parse(text, &limits, &err);
    if (body == NULL && is_about_size(str_of(err.text))) {
        body = json_parse(tame_numbers(text, arena), &limits, &err);
    }
    if (body == NULL) {
        (void)field_fail(problem, MESSAGE_MALFORMED_JSON, STR_NONE, "%s", err.text);
        return NULL;
    }
    if (!json_is_object(body)) {
        json_decref(body);
        (void)field_fail(problem, MESSAGE_MALFORMED_JSON, STR_NONE,
                         "the body must be a JSON object");
        return NULL;
    }
    return body;
}

json_t *body_parse_text(struct str text, struct field_problem *problem)
{
    static const struct json_limits text_limits = {
        .depth_max = 4,
        .member_count_max = 8,
        .string_bytes_max = 4 << 20,
    };
    struct error err;
    json_t *body = json_parse(text, &text_limits, &err);
    if (body == NULL || !json_is_object(body)) {
        (void)field_fail(problem, MESSAGE_MALFORMED_JSON, STR_NONE, "%s",
                         body == NULL ? err.text : "the body must be a JSON object");
        json_decref(body);
        return NULL;
    }
    return body;
}

bool body_is_json(struct str content_type)
{
    struct str rest = content_type;
    if (!str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/json"))) {
        return false;
    }
    while (rest.len > 0) {
        struct str value = str_cut(&rest, ';');
        struct str name = str_trim(str_cut(&value, '='));
        value = str_trim(value);
        if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"') {
            value = str_sub(value, 1, value.len - 2);
        }
        if (str_eq_nocase(name, STR("charset")) && !str_eq_nocase(value, STR("utf-8"))) {
            return false;
        }
    }
    return true;
}
