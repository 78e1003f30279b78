#include "payment/idempotency.h"

#include <string.h>

static bool fail_length(struct error *err)
{
    return fail(err, ERROR_INVALID,
                "cannot take the idempotency key: it must have 1 to %d characters",
                IDEMPOTENCY_KEY_MAX);
}

static bool fail_character(struct error *err)
{
    return fail(
        err, ERROR_INVALID,
        "cannot take the idempotency key: use visible ASCII, or a quoted string (RFC 8941)");
}

/* What stands between the quotes, unescaped. */
static bool parse_quoted(struct str text, char *out, size_t *len, struct error *err)
{
    size_t count = 0;
    size_t at = 1;
    while (at < text.len && text.at[at] != '"') {
        char c = text.at[at++];
        if (c == '\\') {
            if (at >= text.len || (text.at[at] != '"' && text.at[at] != '\\'))
                return fail_character(err);
            c = text.at[at++];
        }
        if (c < 0x20 || c > 0x7e)
            return fail_character(err);
        if (count == IDEMPOTENCY_KEY_MAX)
            return fail_length(err);
        out[count++] = c;
    }
    if (at + 1 != text.len)
        return fail_character(err);
    *len = count;
    return true;
}

static bool parse_bare(struct str text, char *out, size_t *len, struct error *err)
{
    if (text.len > IDEMPOTENCY_KEY_MAX)
        return fail_length(err);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c < 0x21 || c > 0x7e || c == '"')
            return fail_character(err);
        out[i] = c;
    }
    *len = text.len;
    return true;
}

bool idempotency_key_parse(struct str header, char out[IDEMPOTENCY_KEY_MAX + 1], struct str *key,
                           struct error *err)
{
    struct str text = str_trim(header);
    if (text.len == 0)
        return fail_length(err);
    size_t len = 0;
    bool is_done =
        text.at[0] == '"' ? parse_quoted(text, out, &len, err) : parse_bare(text, out, &len, err);
    if (!is_done)
        return false;
    if (len == 0)
        return fail_length(err);
    out[len] = '\0';
    *key = (struct str){out, len};
    return true;
}

bool idempotency_fingerprint(struct str method, struct str path, const json_t *body,
                             uint8_t out[SHA256_SIZE], struct error *err)
{
    struct buf text;
    buf_init(&text, IDEMPOTENCY_BODY_MAX + method.len + path.len + 2);
    buf_add_str(&text, method);
    buf_add_char(&text, '\n');
    buf_add_str(&text, path);
    buf_add_char(&text, '\n');
    bool is_done = (body == NULL || json_canonical(body, &text)) && buf_is_ok(&text);
    if (is_done)
        crypto_sha256(buf_str(&text), out);
    buf_release(&text);
    return is_done || fail(err, ERROR_INVALID, "cannot take the body: it is too large");
}

#define BY "\302\247by:"

bool idempotency_key_by(const struct uuid *key_id, struct str key, struct arena *arena,
                        struct str *out, struct error *err)
{
    char id[ID_TEXT_SIZE];
    struct str author = id_format(ID_KEY, key_id, id);
    size_t prefix_len = strlen(BY) + author.len + 1;
    if (key.len + prefix_len > IDEMPOTENCY_KEY_MAX)
        return fail(err, ERROR_INVALID,
                    "cannot take the idempotency key: an operator's has at most %zu characters",
                    IDEMPOTENCY_KEY_MAX - prefix_len);
    *out = arena_printf(arena, BY STR_FMT ":" STR_FMT, STR_ARG(author), STR_ARG(key));
    return true;
}

struct str idempotency_key_author(struct str key)
{
    struct str author = STR_NONE;
    if (str_starts(key, STR(BY))) {
        struct str rest = str_sub(key, strlen(BY), SIZE_MAX);
        author = str_cut(&rest, ':');
    }
    return author;
}
