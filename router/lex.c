#include "router/lex.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    EXCERPT_BYTES_MAX = 40,
};

/* clang-format off */
static const struct {
    struct str text;
    enum token_kind kind;
} signs[] = { /* longer ones before their prefixes */
    { STR_INIT("=="), TOKEN_EQUAL },       { STR_INIT("!="), TOKEN_NOT_EQUAL },
    { STR_INIT("<="), TOKEN_LESS_EQUAL },  { STR_INIT(">="), TOKEN_GREATER_EQUAL },
    { STR_INIT("<"),  TOKEN_LESS },        { STR_INIT(">"),  TOKEN_GREATER },
    { STR_INIT("("),  TOKEN_OPEN_ROUND },  { STR_INIT(")"),  TOKEN_CLOSE_ROUND },
    { STR_INIT("["),  TOKEN_OPEN_SQUARE }, { STR_INIT("]"),  TOKEN_CLOSE_SQUARE },
    { STR_INIT("{"),  TOKEN_OPEN_CURLY },  { STR_INIT("}"),  TOKEN_CLOSE_CURLY },
    { STR_INIT(","),  TOKEN_COMMA },       { STR_INIT(":"),  TOKEN_COLON },
    { STR_INIT("."),  TOKEN_DOT },
};

/* What people write who know another language, and what it is called here. */
static const struct {
    struct str text;
    const char *remedy;
} foreign[] = {
    { STR_INIT("&&"), "write and" },
    { STR_INIT("||"), "write or" },
    { STR_INIT("="),  "compare with ==" },
    { STR_INIT("!"),  "write not, or compare with !=" },
    { STR_INIT("//"), "a comment starts with #" },
    { STR_INIT("/*"), "a comment starts with # and ends with the line" },
    { STR_INIT("'"),  "quote text with \"" },
    { STR_INIT("-"),  "amounts are never negative" },
    { STR_INIT(";"),  "nothing is needed between rules" },
};
/* clang-format on */

bool lex_fail(struct error *err, struct place place, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail(err, ERROR_INVALID, "%u:%u: %s", place.line, place.column, text);
}

struct str lex_excerpt(struct str text)
{
    if (text.len <= EXCERPT_BYTES_MAX) {
        return text;
    }
    size_t len = EXCERPT_BYTES_MAX;
    while (len > 0 && ((unsigned char)text.at[len] & 0xC0) == 0x80) {
        len--;
    }
    return str_sub(text, 0, len);
}

struct str lex_describe(const struct token *token, struct arena *arena)
{
    struct str text = lex_excerpt(token->text);
    if (token->kind == TOKEN_END) {
        return STR("the end of the file");
    }
    if (token->kind == TOKEN_STRING) {
        return arena_printf(arena, "the text \"" STR_FMT "\"", STR_ARG(text));
    }
    if (token->kind == TOKEN_WORD || token->kind == TOKEN_NUMBER) {
        return arena_printf(arena, STR_FMT, STR_ARG(text));
    }
    return arena_printf(arena, "'" STR_FMT "'", STR_ARG(text));
}

void lex_init(struct lexer *lexer, struct str text, struct arena *arena)
{
    *lexer = (struct lexer){.text = text, .arena = arena, .place = {1, 1}};
    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        lexer->at = 3; /* A byte order mark, as Windows editors leave it. */
    }
}

static char peek(const struct lexer *lexer)
{
    return lexer->at < lexer->text.len ? lexer->text.at[lexer->at] : '\0';
}

static void step(struct lexer *lexer)
{
    unsigned char c = (unsigned char)lexer->text.at[lexer->at++];
    if (c == '\n') {
        lexer->place.line++;
        lexer->place.column = 1;
    } else if ((c & 0xC0) != 0x80) { /* the first byte of a character */
        lexer->place.column++;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c) || c == '-';
}

static void skip_blank(struct lexer *lexer)
{
    while (lexer->at < lexer->text.len) {
        char c = peek(lexer);
        if (c == '#') {
            while (lexer->at < lexer->text.len && peek(lexer) != '\n') {
                step(lexer);
            }
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            step(lexer);
        } else {
            return;
        }
    }
}

static bool lex_number(struct lexer *lexer, struct token *token, struct error *err)
{
    size_t start = lexer->at;
    while (is_digit(peek(lexer))) {
        step(lexer);
    }
    bool good = true;
    if (peek(lexer) == '.') {
        step(lexer);
        good = is_digit(peek(lexer));
        while (is_digit(peek(lexer))) {
            step(lexer);
        }
    }
    if (!good || is_word(peek(lexer))) {
        return lex_fail(err, token->place,
                        "malformed number; write an amount as digits, a point and decimals, then a "
                        "space and the currency: 500.00 EUR");
    }
    token->kind = TOKEN_NUMBER;
    token->text = str_sub(lexer->text, start, lexer->at - start);
    return true;
}

/* The text between quotes that start before `start`; escapes are there only when `escapes`. */
static struct str unescape(struct lexer *lexer, struct str raw, bool escapes)
{
    if (!escapes) {
        return raw;
    }
    char *out = arena_alloc(lexer->arena, raw.len);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.at[i] == '\\') {
            i++;
        }
        out[len++] = raw.at[i];
    }
    return (struct str){out, len};
}

static bool lex_string(struct lexer *lexer, struct token *token, struct error *err)
{
    bool escapes = false;
    step(lexer);
    size_t start = lexer->at;
    for (;;) {
        unsigned char c = (unsigned char)peek(lexer);
        if (lexer->at == lexer->text.len || c == '\n' || c == '\r') {
            return lex_fail(err, token->place, "text is not closed; end it with \" on its line");
        }
        if (c == '"') {
            break;
        }
        if (c < 0x20 || c == 0x7F) {
            return lex_fail(err, lexer->place, "control character in text; remove it");
        }
        if (c == '\\') {
            struct place place = lexer->place;
            step(lexer);
            if (peek(lexer) != '"' && peek(lexer) != '\\') {
                return lex_fail(err, place, "unknown escape; only \\\" and \\\\ are known");
            }
            escapes = true;
        }
        step(lexer);
    }
    struct str raw = str_sub(lexer->text, start, lexer->at - start);
    step(lexer);
    if (raw.len > LEX_STRING_BYTES_MAX) {
        return lex_fail(err, token->place, "text is longer than %d bytes; shorten it",
                        LEX_STRING_BYTES_MAX);
    }
    token->kind = TOKEN_STRING;
    token->text = unescape(lexer, raw, escapes);
    return true;
}

static bool lex_sign(struct lexer *lexer, struct token *token, struct error *err)
{
    struct str rest = str_sub(lexer->text, lexer->at, lexer->text.len - lexer->at);
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (str_starts(rest, signs[i].text)) {
            token->kind = signs[i].kind;
            token->text = str_sub(rest, 0, signs[i].text.len);
            for (size_t k = 0; k < signs[i].text.len; k++) {
                step(lexer);
            }
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        if (str_starts(rest, foreign[i].text)) {
            return lex_fail(err, token->place, "unexpected " STR_FMT "; %s",
                            STR_ARG(foreign[i].text), foreign[i].remedy);
        }
    }
    unsigned char c = (unsigned char)rest.at[0];
    if (c < 0x20 || c == 0x7F) {
        return lex_fail(err, token->place, "control character 0x%02x; remove it", c);
    }
    size_t len = 1;
    while (len < rest.len && ((unsigned char)rest.at[len] & 0xC0) == 0x80) {
        len++;
    }
    return lex_fail(err, token->place,
                    "unexpected character " STR_FMT "; text other than plain words goes in \"\"",
                    STR_ARG(str_sub(rest, 0, len)));
}

bool lex_next(struct lexer *lexer, struct token *token, struct error *err)
{
    skip_blank(lexer);
    *token = (struct token){.kind = TOKEN_END, .place = lexer->place};
    if (lexer->at == lexer->text.len) {
        return true;
    }
    char c = peek(lexer);
    if (is_digit(c)) {
        return lex_number(lexer, token, err);
    }
    if (c == '"') {
        return lex_string(lexer, token, err);
    }
    if (!is_word_start(c)) {
        return lex_sign(lexer, token, err);
    }
    size_t start = lexer->at;
    while (is_word(peek(lexer))) {
        step(lexer);
    }
    token->kind = TOKEN_WORD;
    token->text = str_sub(lexer->text, start, lexer->at - start);
    return true;
}
