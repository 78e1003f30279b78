#include "router/lex.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    EXCERPT_BYTES_MAX = 40,
};

#define REMEDY_NUMBER                                                                              \
    "write an amount as digits, a point and decimals, then a space and the currency: 500.00 EUR"

/* clang-format off */
static const struct {
    struct str text;
    enum token_kind kind;
} signs[] = { /* longer ones before their prefixes */
    { STR_INIT("=="), TOKEN_EQUAL },       { STR_INIT("!="), TOKEN_NOT_EQUAL },
    { STR_INIT("<="), TOKEN_LESS_EQUAL },  { STR_INIT(">="), TOKEN_GREATER_EQUAL },
    { STR_INIT(".."), TOKEN_RANGE },
    { STR_INIT("<"),  TOKEN_LESS },        { STR_INIT(">"),  TOKEN_GREATER },
    { STR_INIT("("),  TOKEN_OPEN_ROUND },  { STR_INIT(")"),  TOKEN_CLOSE_ROUND },
    { STR_INIT("["),  TOKEN_OPEN_SQUARE }, { STR_INIT("]"),  TOKEN_CLOSE_SQUARE },
    { STR_INIT("{"),  TOKEN_OPEN_CURLY },  { STR_INIT("}"),  TOKEN_CLOSE_CURLY },
    { STR_INIT(","),  TOKEN_COMMA },       { STR_INIT(":"),  TOKEN_COLON },
    { STR_INIT(";"),  TOKEN_SEMICOLON },   { STR_INIT("."),  TOKEN_DOT },
    { STR_INIT("%"),  TOKEN_PERCENT },     { STR_INIT("="),  TOKEN_IS },
};

/* What people write who know another language, what it is called here, and the token it stands
 * for; TOKEN_NONE: it is passed over. */
static const struct {
    struct str text;
    const char *remedy;
    enum token_kind kind;
    struct str word; /* of TOKEN_WORD */
} foreign[] = {
    { STR_INIT("&&"),  "write and",                        TOKEN_WORD,          STR_INIT("and") },
    { STR_INIT("&"),   "write and",                        TOKEN_WORD,          STR_INIT("and") },
    { STR_INIT("||"),  "write or",                         TOKEN_WORD,          STR_INIT("or") },
    { STR_INIT("|"),   "write or between conditions, a comma between providers", TOKEN_WORD, STR_INIT("or") },
    { STR_INIT("..."), "write a range with two points: 10..50", TOKEN_RANGE,    STR_INIT("") },
    { STR_INIT("==="), "compare with ==",                  TOKEN_EQUAL,         STR_INIT("") },
    { STR_INIT("!=="), "compare with !=",                  TOKEN_NOT_EQUAL,     STR_INIT("") },
    { STR_INIT("<>"),  "compare with !=",                  TOKEN_NOT_EQUAL,     STR_INIT("") },
    { STR_INIT("=>"),  "compare with >=; a block stands in { }", TOKEN_GREATER_EQUAL, STR_INIT("") },
    { STR_INIT("=<"),  "compare with <=",                  TOKEN_LESS_EQUAL,    STR_INIT("") },
    { STR_INIT("->"),  "put a comma between providers; the first is tried first", TOKEN_COMMA, STR_INIT("") },
    { STR_INIT("!"),   "write not, or compare with !=",    TOKEN_WORD,          STR_INIT("not") },
    { STR_INIT("-"),   "amounts are never negative",       TOKEN_NONE,          STR_INIT("") },
    { STR_INIT("+"),   "write the sum itself; there is no arithmetic in conditions", TOKEN_NONE, STR_INIT("") },
    { STR_INIT("/"),   "write a percentage before each provider: split 70% paypal, 30% payoneer", TOKEN_COMMA, STR_INIT("") },
    { STR_INIT("$"),   "write the currency's code behind the amount: 500.00 USD", TOKEN_NONE, STR_INIT("") },
    { STR_INIT("\xE2\x82\xAC"), "write the currency's code behind the amount: 500.00 EUR", TOKEN_NONE, STR_INIT("") },
    { STR_INIT("\xC2\xA3"),     "write the currency's code behind the amount: 500.00 GBP", TOKEN_NONE, STR_INIT("") },
    { STR_INIT("\xE2\x89\xA5"), "compare with >=",         TOKEN_GREATER_EQUAL, STR_INIT("") },
    { STR_INIT("\xE2\x89\xA4"), "compare with <=",         TOKEN_LESS_EQUAL,    STR_INIT("") },
    { STR_INIT("\xE2\x89\xA0"), "compare with !=",         TOKEN_NOT_EQUAL,     STR_INIT("") },
    { STR_INIT("\xE2\x80\xA6"), "write a range with two points: 10..50", TOKEN_RANGE, STR_INIT("") },
    { STR_INIT("\xE2\x80\x93"), "write a range with two points, 10..50, and a comma between providers", TOKEN_RANGE, STR_INIT("") },
    { STR_INIT("\xE2\x80\x94"), "write a range with two points, 10..50, and a comma between providers", TOKEN_RANGE, STR_INIT("") },
    { STR_INIT("\xC2\xA0"),     "it is a space that does not break; write a plain one", TOKEN_NONE, STR_INIT("") },
    { STR_INIT("\xE2\x80\x8B"), "it is a space without width; remove it", TOKEN_NONE, STR_INIT("") },
    { STR_INIT("\xEF\xBB\xBF"), "it is a byte order mark inside of the file; remove it", TOKEN_NONE, STR_INIT("") },
};

/* Quotes that are none here, and what closes them. */
static const struct {
    struct str open;
    struct str close;
    struct str other; /* also closes */
} quotes[] = {
    { STR_INIT("'"),            STR_INIT("'"),            STR_INIT("'") },
    { STR_INIT("`"),            STR_INIT("`"),            STR_INIT("`") },
    { STR_INIT("\xE2\x80\x9C"), STR_INIT("\xE2\x80\x9D"), STR_INIT("\xE2\x80\x9C") },
    { STR_INIT("\xE2\x80\x9D"), STR_INIT("\xE2\x80\x9D"), STR_INIT("\xE2\x80\x9C") },
    { STR_INIT("\xE2\x80\x9E"), STR_INIT("\xE2\x80\x9C"), STR_INIT("\xE2\x80\x9D") },
    { STR_INIT("\xE2\x80\x98"), STR_INIT("\xE2\x80\x99"), STR_INIT("\xE2\x80\x98") },
    { STR_INIT("\xE2\x80\x99"), STR_INIT("\xE2\x80\x99"), STR_INIT("\xE2\x80\x98") },
    { STR_INIT("\xC2\xAB"),     STR_INIT("\xC2\xBB"),     STR_INIT("\xC2\xBB") },
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
    if (token->kind == TOKEN_WORD || token->kind == TOKEN_NUMBER || token->kind == TOKEN_TIME) {
        return arena_printf(arena, STR_FMT, STR_ARG(text));
    }
    return arena_printf(arena, "'" STR_FMT "'", STR_ARG(text));
}

void lex_init(struct lexer *lexer, struct str text, struct arena *arena)
{
    *lexer = (struct lexer){.text = text, .arena = arena, .line = 1, .column = 1};
    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        lexer->at = 3; /* A byte order mark, as Windows editors leave it. */
    }
}

static char peek(const struct lexer *lexer)
{
    return lexer->at < lexer->text.len ? lexer->text.at[lexer->at] : '\0';
}

static struct str rest_of(const struct lexer *lexer)
{
    return (struct str){lexer->text.at + lexer->at, lexer->text.len - lexer->at};
}

static struct place here(const struct lexer *lexer)
{
    return (struct place){lexer->line, lexer->column};
}

/* Over `len` bytes, whole characters, none of them a line's end. */
static void skip(struct lexer *lexer, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        lexer->column += ((unsigned char)lexer->text.at[lexer->at + i] & 0xC0) != 0x80;
    }
    lexer->at += len;
}

static void step(struct lexer *lexer)
{
    if (peek(lexer) == '\n') {
        lexer->at++;
        lexer->line++;
        lexer->column = 1;
    } else {
        skip(lexer, 1);
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

/* *glued: nothing was skipped; *first: a line's end was, or it is the text's start. */
static void skip_blank(struct lexer *lexer, struct token *token)
{
    size_t start = lexer->at;
    unsigned line = lexer->line;
    token->is_first = lexer->line == 1 && lexer->column == 1;
    while (lexer->at < lexer->text.len) {
        char c = lexer->text.at[lexer->at];
        if (c == '#') {
            size_t end = str_find_char(lexer->text, '\n', lexer->at);
            skip(lexer, (end == SIZE_MAX ? lexer->text.len : end) - lexer->at);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            step(lexer);
        } else {
            break;
        }
    }
    token->is_glued = lexer->at == start && start > 0;
    token->is_first = token->is_first || lexer->line != line;
}

static bool mistake_at(struct lexer *lexer, struct lex_mistake *mistake, struct place from,
                       struct str text, const char *remedy)
{
    *mistake = (struct lex_mistake){from, here(lexer), text, remedy};
    if (mistake->to.line != from.line || mistake->to.column == from.column) {
        mistake->to = (struct place){from.line, from.column + 1};
    }
    return false;
}

static void skip_digits(struct lexer *lexer)
{
    while (is_digit(peek(lexer))) {
        lexer->at++;
        lexer->column++;
    }
}

static char peek_second(const struct lexer *lexer)
{
    return lexer->at + 1 < lexer->text.len ? lexer->text.at[lexer->at + 1] : '\0';
}

static bool lex_number(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    size_t start = lexer->at;
    token->kind = TOKEN_NUMBER;
    skip_digits(lexer);
    bool good = true;
    if (peek(lexer) == ':' && is_digit(peek_second(lexer))) {
        token->kind = TOKEN_TIME;
        skip(lexer, 1);
        skip_digits(lexer);
    } else if (peek(lexer) == '.' && peek_second(lexer) != '.') {
        good = is_digit(peek_second(lexer));
        if (good) {
            skip(lexer, 1);
        }
        skip_digits(lexer);
    }
    token->text = str_sub(lexer->text, start, lexer->at - start);
    if (good) {
        return true;
    }
    skip(lexer, 1); /* the point */
    return mistake_at(lexer, mistake, token->place, STR("malformed number"), REMEDY_NUMBER);
}

/* The text between quotes; escapes are there only when `escapes`. */
static struct str unescape(struct lexer *lexer, struct str raw, bool escapes)
{
    if (!escapes) {
        return raw;
    }
    char *out = arena_alloc(lexer->arena, raw.len);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.at[i] == '\\' && i + 1 < raw.len) {
            i++;
        }
        out[len++] = raw.at[i];
    }
    return (struct str){out, len};
}

static bool is_line_end(const struct lexer *lexer)
{
    char c = peek(lexer);
    return lexer->at == lexer->text.len || c == '\n' || c == '\r';
}

/* An escape that is none, or a control character, at the lexer. */
static bool lex_string_part(struct lexer *lexer, bool *escapes, struct lex_mistake *mistake)
{
    unsigned char c = (unsigned char)peek(lexer);
    struct place place = here(lexer);
    if (c < 0x20 || c == 0x7F) {
        step(lexer);
        return mistake_at(lexer, mistake, place, STR("control character in text"), "remove it");
    }
    if (c != '\\') {
        skip(lexer, 1);
        return true;
    }
    *escapes = true;
    skip(lexer, 1);
    c = (unsigned char)peek(lexer);
    bool good = !is_line_end(lexer) && (c == '"' || c == '\\');
    if (good) {
        skip(lexer, 1);
        return true;
    }
    return mistake_at(lexer, mistake, place, STR("unknown escape"), "only \\\" and \\\\ are known");
}

static bool lex_string(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    bool escapes = false;
    bool good = true;
    skip(lexer, 1);
    size_t start = lexer->at;
    while (!is_line_end(lexer) && peek(lexer) != '"') {
        struct lex_mistake part;
        if (!lex_string_part(lexer, &escapes, &part) && good) {
            *mistake = part;
            good = false;
        }
    }
    struct str raw = str_sub(lexer->text, start, lexer->at - start);
    token->kind = TOKEN_STRING;
    token->text = unescape(lexer, raw, escapes);
    if (is_line_end(lexer)) {
        return good ? mistake_at(lexer, mistake, token->place, STR("text is not closed"),
                                 "end it with \" on its line")
                    : false;
    }
    skip(lexer, 1);
    if (good && raw.len > LEX_STRING_BYTES_MAX) {
        token->text = lex_excerpt(token->text);
        return mistake_at(
            lexer, mistake, token->place,
            arena_printf(lexer->arena, "text is longer than %d bytes", LEX_STRING_BYTES_MAX),
            "shorten it");
    }
    return good;
}

/* Text in quotes that are none: a mistake, and the text when the quotes are closed. */
static bool lex_quotes(struct lexer *lexer, size_t which, struct token *token,
                       struct lex_mistake *mistake)
{
    struct str rest = rest_of(lexer);
    rest = str_sub(rest, 0, LEX_STRING_BYTES_MAX + 8); /* with quotes; no longer text is one */
    rest = str_sub(rest, 0, str_find_char(rest, '\n', 0));
    struct str open = quotes[which].open;
    size_t close = str_find(rest, quotes[which].close, open.len);
    size_t other = str_find(rest, quotes[which].other, open.len);
    struct str closed_by = close <= other ? quotes[which].close : quotes[which].other;
    close = close <= other ? close : other;
    size_t plain = str_find_char(rest, '"', open.len);
    if (plain < close) { /* a mix of quotes */
        close = plain;
        closed_by = STR("\"");
    }
    skip(lexer, open.len);
    struct str text = arena_printf(lexer->arena, "unexpected " STR_FMT, STR_ARG(open));
    (void)mistake_at(lexer, mistake, token->place, text, "quote text with \"");
    if (close != SIZE_MAX && close - open.len <= LEX_STRING_BYTES_MAX) {
        token->kind = TOKEN_STRING;
        token->text = str_sub(rest, open.len, close - open.len);
        skip(lexer, close - open.len + closed_by.len);
    }
    return false;
}

/* A comment of other languages, passed over to its end. */
static bool lex_comment(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    struct str sign = str_sub(lexer->text, lexer->at, 2);
    bool is_line = !str_eq(sign, STR("/*"));
    skip(lexer, 2);
    (void)mistake_at(lexer, mistake, token->place,
                     arena_printf(lexer->arena, "unexpected " STR_FMT, STR_ARG(sign)),
                     is_line ? "a comment starts with #"
                             : "a comment starts with # and ends with the line");
    size_t end = is_line ? str_find_char(lexer->text, '\n', lexer->at)
                         : str_find(lexer->text, STR("*/"), lexer->at);
    size_t stop = end == SIZE_MAX ? lexer->text.len : is_line ? end : end + 2;
    while (lexer->at < stop) {
        step(lexer);
    }
    return false;
}

static bool lex_unknown(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    struct str rest = rest_of(lexer);
    unsigned char c = (unsigned char)rest.at[0];
    if (c < 0x20 || c == 0x7F) {
        step(lexer);
        return mistake_at(lexer, mistake, token->place,
                          arena_printf(lexer->arena, "control character 0x%02x", c), "remove it");
    }
    size_t len = 1;
    while (len < rest.len && ((unsigned char)rest.at[len] & 0xC0) == 0x80) {
        len++;
    }
    skip(lexer, len);
    struct str text =
        arena_printf(lexer->arena, "unexpected character " STR_FMT, STR_ARG(str_sub(rest, 0, len)));
    return mistake_at(lexer, mistake, token->place, text,
                      "text other than plain words goes in \"\"");
}

/* The longest of `foreign` here, SIZE_MAX when there is none. */
static size_t find_foreign(struct str rest, size_t known_len)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        if (foreign[i].text.at[0] == rest.at[0] && foreign[i].text.len > known_len &&
            str_starts(rest, foreign[i].text)) {
            best = i;
            known_len = foreign[i].text.len;
        }
    }
    return best;
}

/* 10-50 */
static bool is_dash_of_range(const struct lexer *lexer)
{
    return peek(lexer) == '-' && is_digit(peek_second(lexer)) && lexer->at > 0 &&
           is_digit(lexer->text.at[lexer->at - 1]);
}

static bool lex_foreign(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    struct str rest = rest_of(lexer);
    if (str_starts(rest, STR("//")) || str_starts(rest, STR("/*")) || str_starts(rest, STR("--"))) {
        return lex_comment(lexer, token, mistake);
    }
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        if (str_starts(rest, quotes[i].open)) {
            return lex_quotes(lexer, i, token, mistake);
        }
    }
    size_t which = find_foreign(rest, 0);
    if (which == SIZE_MAX) {
        return lex_unknown(lexer, token, mistake);
    }
    if (is_dash_of_range(lexer)) {
        which = find_foreign(STR("..."), 0);
    }
    struct str found = is_dash_of_range(lexer) ? STR("-") : foreign[which].text;
    const char *remedy = foreign[which].remedy;
    if (rest.at[0] == '$' && rest.len > 1 && is_word_start(rest.at[1])) {
        remedy = "write names without a sign before them";
    }
    skip(lexer, found.len);
    token->kind = foreign[which].kind;
    token->text = token->kind == TOKEN_WORD ? foreign[which].word : found;
    bool is_character = (unsigned char)found.at[0] >= 0x80;
    bool is_invisible = str_starts(STR("\xC2\xA0"), found) ||
                        str_starts(STR("\xE2\x80\x8B"), found) ||
                        str_starts(STR("\xEF\xBB\xBF"), found);
    struct str text = is_invisible ? STR("unexpected invisible character")
                                   : arena_printf(lexer->arena, "unexpected %s" STR_FMT,
                                                  is_character ? "character " : "", STR_ARG(found));
    return mistake_at(lexer, mistake, token->place, text, remedy);
}

static bool lex_sign(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    struct str rest = rest_of(lexer);
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        size_t len = signs[i].text.len;
        if (signs[i].text.at[0] == rest.at[0] && str_starts(rest, signs[i].text)) {
            if (find_foreign(rest, len) != SIZE_MAX) {
                break; /* === */
            }
            token->kind = signs[i].kind;
            token->text = str_sub(rest, 0, len);
            skip(lexer, len);
            return true;
        }
    }
    return lex_foreign(lexer, token, mistake);
}

static bool lex_word(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    size_t start = lexer->at;
    bool is_path = false;
    while (is_word(peek(lexer)) || (peek(lexer) == '/' && is_word_start(peek_second(lexer)))) {
        is_path = is_path || peek(lexer) == '/';
        lexer->at++;
    }
    token->kind = is_path ? TOKEN_STRING : TOKEN_WORD;
    token->text = str_sub(lexer->text, start, lexer->at - start);
    lexer->column += (unsigned)token->text.len;
    return !is_path ||
           mistake_at(
               lexer, mistake, token->place, STR("unexpected / inside of a word"),
               "quote the name of a zone: \"Europe/Berlin\"; an account is written paypal:main");
}

bool lex_read(struct lexer *lexer, struct token *token, struct lex_mistake *mistake)
{
    *token = (struct token){.kind = TOKEN_NONE};
    skip_blank(lexer, token);
    token->place = here(lexer);
    token->to = token->place;
    if (lexer->at == lexer->text.len) {
        token->kind = TOKEN_END;
        return true;
    }
    char c = peek(lexer);
    bool good = true;
    if (is_word_start(c)) {
        good = lex_word(lexer, token, mistake);
    } else if (is_digit(c)) {
        good = lex_number(lexer, token, mistake);
    } else if (c == '"') {
        good = lex_string(lexer, token, mistake);
    } else {
        good = lex_sign(lexer, token, mistake);
    }
    token->to = lexer->line == token->place.line ? here(lexer) : token->place;
    return good;
}
