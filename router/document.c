#include "router/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "router/exact.h"

enum {
    DEPTH_MAX = 8,
};

static const struct json_limits limits = {
    .depth_max = DEPTH_MAX, .member_count_max = 16384, .string_bytes_max = 4096};

bool document_open(struct document *document, const char *kind, struct str text, struct error *err)
{
    *document = (struct document){.kind = kind, .text = text};
    document->json = json_parse(text, &limits, err);
    if (document->json == NULL) {
        return fail_prefix(err, "%s", kind);
    }
    return json_is_object(document->json) || fail(err, ERROR_INVALID, "%s: not an object", kind);
}

void document_release(struct document *document)
{
    json_decref(document->json);
    document->json = NULL;
}

char *document_canonical(const struct document *document, size_t *len, uint8_t hash[SHA256_SIZE])
{
    struct buf text;
    buf_init(&text, DOCUMENT_BYTES_MAX);
    CHECK(json_canonical(document->json, &text)); /* not longer than what was read, but for \u */
    crypto_sha256(buf_str(&text), hash);
    char *copy = malloc(text.len);
    CHECK(copy != NULL);
    memcpy(copy, text.at, text.len);
    *len = text.len;
    buf_release(&text);
    return copy;
}

void document_hex(const uint8_t hash[SHA256_SIZE], char hex[2 * SHA256_SIZE + 1])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = str_hex_digits[hash[i] >> 4];
        hex[2 * i + 1] = str_hex_digits[hash[i] & 15];
    }
    hex[(size_t)2 * SHA256_SIZE] = '\0';
}

/* ---- on which line a member stands ------------------------------------------------------------ */

struct walk { /* over text that is known to be JSON */
    struct str text;
    size_t at;
    unsigned line;
    size_t depth;
    struct {
        struct path path; /* of the object or list itself */
        bool is_list;
        unsigned index;
    } level[DEPTH_MAX + 1];
    struct path here; /* of the member that comes next */
    bool key_is_next;
};

static struct str take_string(struct walk *walk)
{
    size_t from = ++walk->at;
    while (walk->at < walk->text.len && walk->text.at[walk->at] != '"') {
        walk->at += walk->text.at[walk->at] == '\\' ? 2 : 1;
    }
    return str_sub(walk->text, from, walk->at - from);
}

static void enter(struct walk *walk, bool is_list)
{
    CHECK(walk->depth < DEPTH_MAX);
    walk->depth++;
    walk->level[walk->depth].path = walk->here;
    walk->level[walk->depth].is_list = is_list;
    walk->level[walk->depth].index = 0;
    walk->key_is_next = !is_list;
    if (is_list) {
        walk->here = path_add(&walk->level[walk->depth].path, "0");
    }
}

static void go_on(struct walk *walk)
{
    char number[16];
    if (!walk->level[walk->depth].is_list) {
        walk->key_is_next = true;
        return;
    }
    (void)snprintf(number, sizeof(number), "%u", ++walk->level[walk->depth].index);
    walk->here = path_add(&walk->level[walk->depth].path, number);
}

static void read_key(struct walk *walk)
{
    char name[DOCUMENT_PATH_SIZE];
    struct str key = take_string(walk);
    walk->key_is_next = false;
    (void)str_copy_to(str_sub(key, 0, sizeof(name) - 1), name, sizeof(name));
    walk->here = path_add(&walk->level[walk->depth].path, name);
}

/* One character, or a string. */
static void step(struct walk *walk)
{
    char c = walk->text.at[walk->at];
    if (c == '\n') {
        walk->line++;
    } else if (c == '{' || c == '[') {
        enter(walk, c == '[');
    } else if (c == '}' || c == ']') {
        walk->depth--;
    } else if (c == ',') {
        go_on(walk);
    } else if (c == '"' && walk->key_is_next) {
        read_key(walk);
    } else if (c == '"') {
        (void)take_string(walk);
    }
    walk->at++;
}

/* A member begins with its name, an element of a list with its first character. */
static bool begins(const struct walk *walk)
{
    char c = walk->text.at[walk->at];
    bool is_list = walk->depth > 0 && walk->level[walk->depth].is_list;
    return is_list && strchr(" \t\r\n,]}", c) == NULL;
}

static unsigned find_line(struct str text, const struct path *path)
{
    struct walk walk = {.text = text, .line = 1};
    while (path->text[0] != '\0' && walk.at < text.len) {
        bool is_key = walk.key_is_next && text.at[walk.at] == '"';
        bool is_element = begins(&walk) && strcmp(walk.here.text, path->text) == 0;
        if (!is_element) {
            step(&walk);
        }
        if (is_element || (is_key && strcmp(walk.here.text, path->text) == 0)) {
            return walk.line;
        }
    }
    return 0;
}

struct path path_add(const struct path *parent, const char *member)
{
    struct path path;
    const char *dot = parent->text[0] == '\0' ? "" : ".";
    int len = snprintf(path.text, sizeof(path.text), "%s%s%.40s", parent->text, dot, member);
    CHECK(len >= 0);
    return path;
}

bool document_refuse(struct document *document, const struct path *path, struct error *err,
                     const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    CHECK(len >= 0);
    document->line = find_line(document->text, path);
    return fail(err, ERROR_INVALID, "%s: %s", document->kind, what);
}

/* ---- values ----------------------------------------------------------------------------------- */

static struct str text_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

bool document_object(struct document *document, const struct path *path, json_t *value,
                     struct error *err)
{
    return json_is_object(value) ||
           document_refuse(document, path, err, "%s is not an object", path->text);
}

bool document_percent(struct document *document, const struct path *path, json_t *value,
                      int64_t *out, struct error *err)
{
    struct error why;
    if (!json_is_string(value) ||
        !money_parse(text_of(value), DOCUMENT_PERCENT_DIGITS, out, &why) || *out < 0 ||
        *out > EXACT_MILLION) {
        return document_refuse(
            document, path, err,
            "%s is not a percentage from \"0\" to \"100\" with at most 4 decimals in quotes",
            path->text);
    }
    return true;
}

bool document_amount(struct document *document, const struct path *path, json_t *value,
                     const struct currency *currency, int64_t *out, struct error *err)
{
    struct error why;
    if (!json_is_string(value) || !money_parse(text_of(value), currency->exponent, out, &why) ||
        *out < 0 || *out > MONEY_AMOUNT_MAX) {
        return document_refuse(document, path, err,
                               "%s is not an amount of %s in quotes with at most %u decimals",
                               path->text, currency->code, (unsigned)currency->exponent);
    }
    return true;
}

bool document_currency(struct document *document, const struct path *path, json_t *value,
                       const struct currency **out, struct error *err)
{
    *out = json_is_string(value) ? currency_find(text_of(value)) : NULL;
    return *out != NULL ||
           document_refuse(document, path, err, "%s is not a currency of ISO 4217", path->text);
}

bool document_rounding(struct document *document, const struct path *path, json_t *value,
                       enum money_rounding *out, struct error *err)
{
    if (json_is_string(value) && exact_rounding_find(text_of(value), out)) {
        return true;
    }
    return document_refuse(document, path, err, "%s is not half_up, half_even, up or down",
                           path->text);
}

bool document_text(struct document *document, const struct path *path, json_t *value,
                   struct error *err)
{
    return json_is_string(value) ||
           document_refuse(document, path, err, "%s is not text", path->text);
}
