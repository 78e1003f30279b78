/*
 * lex.h - rule text to tokens, each with the place where it starts.
 *
 *     word     currency  EUR  card  by          letters, digits, '_' and '-', a letter or '_' first
 *     number   500.00                           digits[.digits], never a sign or an exponent
 *     time     22:00                            digits:digits
 *     string   "gold \"plus\""                  one line; \" and \\ are the only escapes
 *     sign     == != < <= > >= = ( ) [ ] { } , : ; . .. %
 *
 * Comments run from '#' to the end of the line. Text is UTF-8; columns count characters, from 1.
 *
 * A mistake does not end the reading: the lexer tells what is wrong and gives the token that was
 * probably meant, `and` for &&, so that one slip is one finding.
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
    TOKEN_TIME,
    TOKEN_STRING,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_IS, /* =, of definitions */
    TOKEN_OPEN_ROUND,
    TOKEN_CLOSE_ROUND,
    TOKEN_OPEN_SQUARE,
    TOKEN_CLOSE_SQUARE,
    TOKEN_OPEN_CURLY,
    TOKEN_CLOSE_CURLY,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_SEMICOLON,
    TOKEN_DOT,
    TOKEN_RANGE,   /* .. */
    TOKEN_PERCENT, /* % */
    TOKEN_COUNT,
};

struct place {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in characters */
};

struct token {
    enum token_kind kind;
    bool is_first;   /* on its line */
    bool is_glued;   /* nothing stands between it and the token before */
    bool is_marked;  /* for the parser: there was a mistake about here */
    struct str text; /* as written; of a string what it means, without quotes. Borrowed. */
    struct place place;
    struct place to; /* behind its last character; on the same line */
};

struct lex_mistake { /* what is wrong, and what to write */
    struct place from;
    struct place to;
    struct str text;
    const char *remedy;
};

struct lexer {
    struct str text;     /* borrowed */
    struct arena *arena; /* borrowed; holds strings with escapes, and mistakes */
    size_t at;
    unsigned line;
    unsigned column;
};

void lex_init(struct lexer *lexer, struct str text, struct arena *arena);
/* The next token, TOKEN_END for ever after the last. False: there is a mistake too. */
bool lex_read(struct lexer *lexer, struct token *token, struct lex_mistake *mistake) MUST_USE;
/* "the word foo", "the end of the file": a token as a message calls it. */
struct str lex_describe(const struct token *token, struct arena *arena);
/* At most 40 bytes of `text`, cut between characters: what a message quotes. */
struct str lex_excerpt(struct str text);

/* ERROR_INVALID "line:column: ..." */
bool lex_fail(struct error *err, struct place place, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
