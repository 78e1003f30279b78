#include "base/json.h"

#include <string.h>

#include "base/json_read.h"

const struct json_limits json_limits_default = {
    .depth_max = 32,
    .member_count_max = 512,
    .string_bytes_max = 4096,
};

/* What the scan before the parser knows of where it stands. */
struct scan {
    struct str text;
    size_t at;
    size_t depth;
    size_t member_count;
    bool after_opener; /* the next token is the first member, or closes an empty container */
};

/* `at` stands on the opening quote; leaves it on the closing one, or at the end of the text. */
static bool scan_string(struct scan *scan, const struct json_limits *limits, struct error *err)
{
    size_t start = scan->at + 1;
    size_t at = start;
    while (at < scan->text.len && scan->text.at[at] != '"')
        at += scan->text.at[at] == '\\' ? 2 : 1;
    if (at > scan->text.len)
        at = scan->text.len;
    if (at - start > limits->string_bytes_max)
        return fail(err, ERROR_INVALID, "cannot read json: string at byte %zu exceeds %zu bytes",
                    scan->at, limits->string_bytes_max);
    scan->at = at;
    return true;
}

static bool count_member(struct scan *scan, const struct json_limits *limits, struct error *err)
{
    scan->member_count++;
    if (scan->member_count > limits->member_count_max)
        return fail(err, ERROR_INVALID, "cannot read json: more than %zu members and elements",
                    limits->member_count_max);
    return true;
}

static bool scan_token(struct scan *scan, const struct json_limits *limits, struct error *err)
{
    char c = scan->text.at[scan->at];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return true;
    bool closes = c == '}' || c == ']';
    bool counts = c == ',' || (scan->after_opener && !closes);
    scan->after_opener = false;
    if (counts && !count_member(scan, limits, err))
        return false;
    if (c == '"')
        return scan_string(scan, limits, err);
    if (closes && scan->depth > 0)
        scan->depth--;
    if (c == '{' || c == '[') {
        scan->depth++;
        scan->after_opener = true;
        if (scan->depth > limits->depth_max)
            return fail(err, ERROR_INVALID, "cannot read json: nesting exceeds %zu levels",
                        limits->depth_max);
    }
    return true;
}

/*
 * The limits, before jansson recurses and allocates. What is malformed beyond them is left to
 * jansson; a text that fools the scan (a bracket where none may stand) is refused there at the
 * latest.
 */
static bool check_limits(struct str text, const struct json_limits *limits, struct error *err)
{
    struct scan scan = {.text = text};
    size_t nul_at = str_find_char(text, '\0', 0);
    /* jansson takes a NUL for the end and never looks at what follows. */
    if (nul_at != SIZE_MAX)
        return fail(err, ERROR_INVALID, "cannot read json: NUL byte at byte %zu", nul_at);
    for (; scan.at < text.len; scan.at++) {
        if (!scan_token(&scan, limits, err))
            return false;
    }
    return true;
}

json_t *json_parse(struct str text, const struct json_limits *limits, struct error *err)
{
    if (text.len == 0) {
        (void)fail(err, ERROR_INVALID, "cannot read json: the text is empty");
        return NULL;
    }
    json_t *value = json_read_plain(text, limits);
    if (value != NULL)
        return value;
    if (!check_limits(text, limits, err))
        return NULL;
    json_error_t problem;
    value = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &problem);
    if (value != NULL)
        return value;
    /* Without the "near ..." of jansson: it quotes the input, which may hold a secret. */
    struct str reason = str_of(problem.text);
    size_t near_at = str_find(reason, STR(" near "), 0);
    reason = str_sub(reason, 0, near_at);
    (void)fail(err, ERROR_INVALID, "cannot read json: " STR_FMT " at line %d column %d",
               STR_ARG(reason), problem.line, problem.column);
    return NULL;
}

static int add_to_buf(const char *data, size_t size, void *ctx)
{
    struct buf *out = ctx;
    buf_add(out, data, size);
    return buf_is_ok(out) ? 0 : -1;
}

bool json_canonical(const json_t *value, struct buf *out)
{
    return json_dump_callback(value, add_to_buf, out,
                              JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

static struct str text_of(const json_t *value)
{
    if (!json_is_string(value))
        return STR_NONE;
    return (struct str){json_string_value(value), json_string_length(value)};
}

struct str json_text(const json_t *object, const char *member)
{
    return text_of(json_object_get(object, member));
}

static const json_t *step_into(const json_t *value, struct str name)
{
    int64_t index;
    if (json_is_object(value))
        return json_object_getn(value, name.at, name.len);
    if (json_is_array(value) && str_to_int64(name, &index) && index >= 0)
        return json_array_get(value, (size_t)index);
    return NULL;
}

const json_t *json_path(const json_t *value, const char *path)
{
    struct str rest = str_of(path);
    while (value != NULL && rest.len > 0)
        value = step_into(value, str_cut(&rest, '.'));
    return value;
}

struct str json_path_text(const json_t *value, const char *path)
{
    return text_of(json_path(value, path));
}

bool json_path_int64(const json_t *value, const char *path, int64_t *out)
{
    const json_t *found = json_path(value, path);
    if (!json_is_integer(found))
        return false;
    *out = json_integer_value(found);
    return true;
}
