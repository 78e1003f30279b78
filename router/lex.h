/*
 * lex.h - rule text to tokens, each with the place where it starts.
 *
 *     word     currency  EUR  card  by          letters, digits, '_' and '-', a letter or '_' first
 *     number   500.00                           digits[.digits], never a sign or an exponent
 *     string   "gold \"plus\""                  one line; \" and \\ are the only escapes
 *     sign     == != < <= > >= ( ) [ ] { } , : .
 *
 * Comments run from '#' to the end of the line. Text is UTF-8; columns count characters, from 1.
 */
#ifndef ROUTER_LEX_H
#define ROUTER_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum {
    LEX_STRING_BYTES_MAX = 500,
};

enum token_kind {
    TOKEN_NONE = 0,
    TOKEN_END, /* of the text */
    TOKEN_WORD,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_OPEN_ROUND,
    TOKEN_CLOSE_ROUND,
    TOKEN_OPEN_SQUARE,
    TOKEN_CLOSE_SQUARE,
    TOKEN_OPEN_CURLY,
    TOKEN_CLOSE_CURLY,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_DOT,
    TOKEN_COUNT,
};

struct place {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in characters */
};

struct token {
    enum token_kind kind;
    struct str text; /* as written; of a string what it means, without quotes. Borrowed. */
    struct place place;
};

struct lexer {
    struct str text;     /* borrowed */
    struct arena *arena; /* borrowed; holds strings with escapes */
    size_t at;
    struct place place;
};

void lex_init(struct lexer *lexer, struct str text, struct arena *arena);
/* The next token; TOKEN_END for ever after the last. */
bool lex_next(struct lexer *lexer, struct token *token, struct error *err) MUST_USE;
/* "the word foo", "the end of the file": a token as a message calls it. */
struct str lex_describe(const struct token *token, struct arena *arena);
/* At most 40 bytes of `text`, cut between characters: what a message quotes. */
struct str lex_excerpt(struct str text);
/* ERROR_INVALID "line:column: ..." */
bool lex_fail(struct error *err, struct place place, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
