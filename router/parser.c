#include "router/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    VECTOR_FIRST = 16,
};

/* clang-format off */
/* The words of the language: to be seen in upper case too; but for those that are countries then. */
static const struct str own_words[] = {
    STR_INIT("and"), STR_INIT("or"), STR_INIT("not"), STR_INIT("starts"), STR_INIT("with"),
    STR_INIT("matches"), STR_INIT("rule"), STR_INIT("when"), STR_INIT("otherwise"),
    STR_INIT("default"), STR_INIT("set"), STR_INIT("condition"), STR_INIT("zone"),
    STR_INIT("use"), STR_INIT("cost"), STR_INIT("success"), STR_INIT("latency"),
    STR_INIT("value"), STR_INIT("split"), STR_INIT("decline"), STR_INIT("only"),
    STR_INIT("never"), STR_INIT("avoid"), STR_INIT("where"), STR_INIT("failover"),
    STR_INIT("shadow"), STR_INIT("most"), STR_INIT("within"), STR_INIT("none"),
    STR_INIT("margin"), STR_INIT("failure"),
};

/* What it is called elsewhere. */
static const struct {
    struct str word;
    const char *remedy;
} foreign_words[] = {
    { STR_INIT("else"),        "the last rule is called otherwise: otherwise { by cost }" },
    { STR_INIT("fallback"),    "the last rule is called otherwise: otherwise { by cost }" },
    { STR_INIT("elif"),        "each rule stands for itself: rule \"name\" when ... { ... }" },
    { STR_INIT("elseif"),      "each rule stands for itself: rule \"name\" when ... { ... }" },
    { STR_INIT("if"),          "write when: rule \"name\" when currency == EUR { ... }" },
    { STR_INIT("unless"),      "write when not: rule \"name\" when not currency == EUR { ... }" },
    { STR_INIT("then"),        "write { and what to do; between providers write a comma" },
    { STR_INIT("do"),          "write { and what to do" },
    { STR_INIT("end"),         "a block ends with }" },
    { STR_INIT("is"),          "compare with ==" },
    { STR_INIT("eq"),          "compare with ==" },
    { STR_INIT("equals"),      "compare with ==" },
    { STR_INIT("equal"),       "compare with ==" },
    { STR_INIT("ne"),          "compare with !=" },
    { STR_INIT("gt"),          "compare with >" },
    { STR_INIT("ge"),          "compare with >=" },
    { STR_INIT("gte"),         "compare with >=" },
    { STR_INIT("lt"),          "compare with <" },
    { STR_INIT("le"),          "compare with <=" },
    { STR_INIT("lte"),         "compare with <=" },
    { STR_INIT("over"),        "compare with >" },
    { STR_INIT("above"),       "compare with >" },
    { STR_INIT("under"),       "compare with <" },
    { STR_INIT("below"),       "compare with <" },
    { STR_INIT("between"),     "write a range: amount in 10.00..50.00 EUR" },
    { STR_INIT("contains"),    "write matches and a pattern: reference matches \"*abc*\"" },
    { STR_INIT("like"),        "write matches and a pattern: reference matches \"*abc*\"" },
    { STR_INIT("ends"),        "write matches and a pattern: reference matches \"*abc\"" },
    { STR_INIT("endswith"),    "write matches and a pattern: reference matches \"*abc\"" },
    { STR_INIT("startswith"),  "write starts with: reference starts with \"sub-\"" },
    { STR_INIT("starts_with"), "write starts with: reference starts with \"sub-\"" },
    { STR_INIT("begins"),      "write starts with: reference starts with \"sub-\"" },
    { STR_INIT("route"),       "write use and providers: use paypal, payoneer" },
    { STR_INIT("send"),        "write use and providers: use paypal, payoneer" },
    { STR_INIT("prefer"),      "write use and providers, the preferred first: use paypal, payoneer" },
    { STR_INIT("choose"),      "write use and providers: use paypal, payoneer" },
    { STR_INIT("pick"),        "write use and providers: use paypal, payoneer" },
    { STR_INIT("return"),      "write use and providers: use paypal, payoneer" },
    { STR_INIT("try"),         "write use and providers: use paypal, payoneer" },
    { STR_INIT("provider"),    "write use and providers: use paypal, payoneer" },
    { STR_INIT("providers"),   "write use and providers: use paypal, payoneer" },
    { STR_INIT("reject"),      "write decline and a reason: decline \"no payouts to this country\"" },
    { STR_INIT("deny"),        "write decline and a reason: decline \"no payouts to this country\"" },
    { STR_INIT("block"),       "write decline and a reason: decline \"no payouts to this country\"" },
    { STR_INIT("refuse"),      "write decline and a reason: decline \"no payouts to this country\"" },
    { STR_INIT("retry"),       "write how many are tried: failover at most 2" },
    { STR_INIT("retries"),     "write how many are tried: failover at most 2" },
    { STR_INIT("timeout"),     "write how long others are tried: failover within 5s" },
    { STR_INIT("cheapest"),    "write by cost" },
    { STR_INIT("fastest"),     "write by latency" },
    { STR_INIT("best"),        "write by success, by cost, by latency or by value" },
    { STR_INIT("order"),       "write by cost, by success, by latency or by value" },
    { STR_INIT("sort"),        "write by cost, by success, by latency or by value" },
    { STR_INIT("all"),         "write by cost, which takes every account" },
    { STR_INIT("any"),         "write by cost, which takes every account" },
    { STR_INIT("every"),       "write by cost, which takes every account" },
    { STR_INIT("random"),      "write split 50% paypal, 50% payoneer" },
    { STR_INIT("weighted"),    "write split 70% paypal, 30% payoneer" },
    { STR_INIT("exclude"),     "write never and providers: never paypal" },
    { STR_INIT("except"),      "write never and providers: never paypal" },
    { STR_INIT("without"),     "write never and providers: never paypal" },
    { STR_INIT("canary"),      "a new rule set has a canary when it is published, a rule has none; write split" },
    { STR_INIT("include"),     "a rule set is one file; copy what is needed" },
    { STR_INIT("import"),      "a rule set is one file; copy what is needed" },
    { STR_INIT("list"),        "write set: set eea = [DE, AT]" },
    { STR_INIT("let"),         "write set or condition: set eea = [DE, AT]" },
    { STR_INIT("var"),         "write set or condition: set eea = [DE, AT]" },
    { STR_INIT("define"),      "write set or condition: set eea = [DE, AT]" },
    { STR_INIT("timezone"),    "write zone: zone \"Europe/Berlin\"" },
};
/* clang-format on */

struct ast_span parser_token_span(const struct token *token)
{
    struct ast_span span = {token->place, token->to};
    if (span.to.column <= span.from.column) {
        span.to = (struct place){span.from.line, span.from.column + 1};
    }
    return span;
}

struct ast_span parser_span(const struct parser *parser, struct place place)
{
    return (struct ast_span){place, parser->last_to};
}

/* A token with a mistake in it, and the one behind, are marked: what does not fit there is no
 * mistake of its own. */
static void read_token(struct parser *parser, struct token *token)
{
    struct lex_mistake mistake;
    bool is_marked = parser->mark_next;
    parser->mark_next = false;
    for (;;) {
        bool good = lex_read(&parser->lexer, token, &mistake);
        if (!good) {
            is_marked = true;
            parser->mark_next = true;
            diagnosis_add(parser->diagnosis, SEVERITY_ERROR,
                          (struct ast_span){mistake.from, mistake.to}, mistake.text,
                          str_of(mistake.remedy));
        }
        if (!good && parser->diagnosis->error_count >= DIAGNOSIS_FINDING_MAX) {
            token->kind = TOKEN_END;
        }
        if (good || token->kind != TOKEN_NONE) {
            token->is_marked = is_marked;
            return;
        }
    }
}

void parser_advance(struct parser *parser)
{
    parser->last_to = parser->token.to;
    if (parser->diagnosis->error_count >= DIAGNOSIS_FINDING_MAX) {
        parser->is_stopped = true; /* Nobody reads more; and no warning ends a file. */
    }
    parser->token = parser->next;
    if (parser->is_stopped) {
        parser->token.kind = TOKEN_END;
        parser->next.kind = TOKEN_END;
    } else if (parser->token.kind != TOKEN_END) {
        read_token(parser, &parser->next);
    }
}

bool parser_is(const struct parser *parser, enum token_kind kind)
{
    return parser->token.kind == kind;
}

bool parser_is_word(const struct parser *parser, struct str word)
{
    return parser->token.kind == TOKEN_WORD && str_eq(parser->token.text, word);
}

bool parser_next_is_word(const struct parser *parser, struct str word)
{
    return parser->next.kind == TOKEN_WORD && str_eq(parser->next.text, word);
}

bool parser_expect(struct parser *parser, enum token_kind kind, const char *remedy)
{
    if (parser->token.kind != kind) {
        return parser_unexpected(parser, remedy);
    }
    parser_advance(parser);
    return true;
}

const char *parser_find_word(struct parser *parser, struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(own_words); i++) {
        if (str_eq_nocase(word, own_words[i]) && !str_eq(word, own_words[i])) {
            return parser_text(parser, "words of the language are lower case: " STR_FMT,
                               STR_ARG(own_words[i]));
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(foreign_words); i++) {
        if (str_eq_nocase(word, foreign_words[i].word)) {
            return foreign_words[i].remedy;
        }
    }
    return NULL;
}

bool parser_unexpected(struct parser *parser, const char *remedy)
{
    if (parser->is_stopped) {
        return false;
    }
    const struct token *token = &parser->token;
    const char *known = token->kind == TOKEN_WORD ? parser_find_word(parser, token->text) : NULL;
    struct str found = lex_describe(token, &parser->scratch);
    return parser_error(parser, token, known == NULL ? remedy : known, "unexpected " STR_FMT,
                        STR_ARG(found));
}

PRINTF_LIKE(4, 0)
static void tell(struct parser *parser, const struct token *token, const char *remedy,
                 const char *format, va_list args)
{
    char text[DIAGNOSIS_TEXT_MAX + 1];
    if (token->is_marked) {
        return;
    }
    int len = vsnprintf(text, sizeof(text), format, args);
    if (parser->used_set.kind != TOKEN_NONE && len > 0 && (size_t)len < sizeof(text)) {
        (void)snprintf(text + len, sizeof(text) - (size_t)len,
                       " in the set " STR_FMT ", which line %u compares with it",
                       STR_ARG(parser->used_set.text), parser->used_set.place.line);
    }
    diagnosis_add(parser->diagnosis, SEVERITY_ERROR, parser_token_span(token), str_of(text),
                  str_of(remedy));
}

bool parser_error(struct parser *parser, const struct token *token, const char *remedy,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(parser, token, remedy, format, args);
    va_end(args);
    return false;
}

bool parser_stop(struct parser *parser, const struct token *token, const char *remedy,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(parser, token, remedy, format, args);
    va_end(args);
    parser->is_stopped = true;
    return false;
}

const char *parser_text(struct parser *parser, const char *format, ...)
{
    char text[DIAGNOSIS_TEXT_MAX + 1];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return arena_cstr(&parser->scratch, str_of(text));
}

const char *parser_did_you_mean(struct parser *parser, struct str name, const char *remedy)
{
    return str_is_empty(name) ? remedy
                              : parser_text(parser, "did you mean " STR_FMT "?", STR_ARG(name));
}

bool parser_is_statement(const struct parser *parser)
{
    const struct token *token = &parser->token;
    enum token_kind next = parser->next.kind;
    if (token->kind != TOKEN_WORD) {
        return false;
    }
    if (str_eq(token->text, STR("rule"))) {
        return next == TOKEN_STRING;
    }
    if (str_eq(token->text, STR("otherwise")) || str_eq(token->text, STR("default"))) {
        return next == TOKEN_OPEN_CURLY;
    }
    bool is_definition = str_eq(token->text, STR("set")) || str_eq(token->text, STR("condition"));
    return (is_definition && token->is_first && next == TOKEN_WORD) ||
           (str_eq(token->text, STR("zone")) && token->is_first && next == TOKEN_STRING);
}

void *vector_add(struct parser *parser, struct vector *vector, size_t size)
{
    if (vector->count == vector->capacity) {
        size_t capacity = vector->capacity == 0 ? VECTOR_FIRST : vector->capacity * 2;
        char *grown = arena_alloc(&parser->scratch, capacity * size);
        if (vector->count > 0) {
            memcpy(grown, vector->at, vector->count * size);
        }
        vector->at = grown;
        vector->capacity = capacity;
    }
    return (char *)vector->at + vector->count++ * size;
}

void *vector_take(struct parser *parser, struct vector *vector, size_t from, size_t size)
{
    CHECK(from <= vector->count);
    size_t count = vector->count - from;
    char *copy = arena_alloc(parser->arena, count * size);
    if (count > 0) {
        memcpy(copy, (char *)vector->at + from * size, count * size);
    }
    vector->count = from;
    return copy;
}
