/*
 * parser.h - what the parts of the parser share: the tokens, what is known by name, and how a
 * mistake is told. Only parse*.c and parser.c include it.
 *
 * A function that reads a piece of grammar returns false (or NULL) after a mistake of form, which
 * it has told; its callers return at once, and parse.c goes on at the next rule. A mistake of
 * meaning is told and survived: the piece becomes AST_FALSE, or a value of no type.
 */
#ifndef ROUTER_PARSER_H
#define ROUTER_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "router/ast.h"
#include "router/diagnosis.h"
#include "router/lex.h"
#include "router/names.h"

struct vector { /* an array that grows in the scratch arena */
    void *at;
    size_t count;
    size_t capacity;
};

struct parse_list { /* what a set is for one type of fact */
    enum fact_type type;
    struct ast_list list;
    bool good; /* false: some value has not this type, which was told */
    struct parse_list *next;
};

struct parse_set { /* values are only words until a comparison says what they shall be */
    struct str name;
    struct ast_span span;
    const struct token *item;
    size_t item_count; /* 0: the definition has a mistake, which was told */
    struct parse_list *list;
    bool is_used;
};

struct parse_condition {
    struct str name;
    struct ast_span span;
    const struct ast_node *root;
    unsigned depth;         /* of parentheses, not and names in it */
    size_t test_count;      /* names counted as what they stand for */
    size_t pattern_bytes;   /* of its patterns, counted alike */
    struct token candidate; /* kind NONE, or the first fact that only an account has */
    bool is_used;
};

struct parser {
    struct lexer lexer;
    struct token token; /* the one to be looked at */
    struct token next;  /* the one behind */
    bool mark_next;
    struct place last_to; /* behind the one before */
    struct arena *arena;  /* borrowed; of the tree */
    struct arena scratch; /* owned; what dies with the parser */
    struct diagnosis *diagnosis;
    struct ast_tree *tree;
    const struct str *provider; /* those that may be named */
    size_t provider_count;

    struct vector rule;      /* struct ast_rule */
    struct vector set;       /* struct parse_set */
    struct vector condition; /* struct parse_condition */
    struct vector node;      /* const struct ast_node *: children of what is being read */
    struct vector item;      /* struct token: of the list that is being read */
    struct names rule_names;
    struct names set_names;
    struct names condition_names;
    struct names seen;  /* texts of the list that is being read */
    struct names later; /* definitions below, sought when a name is not known: NAMES_NONE none */
    bool has_later;

    unsigned depth;         /* of parentheses, not and names around */
    unsigned depth_seen;    /* the most of it in this condition */
    size_t test_count;      /* of the file, names counted as what they stand for */
    size_t pattern_bytes;   /* of the file, counted alike */
    size_t value_count;     /* of the file */
    bool in_where;          /* facts are of the account that is looked at */
    bool in_definition;     /* it is not known yet whether it is for where */
    struct token candidate; /* of the definition that is being read */
    struct token used_set;  /* kind NONE, or the name of the set whose values are looked at */
    enum fact last_fact;    /* that was compared, to see `country == DE or AT` */
    bool has_zone;
    struct ast_span last_span; /* of otherwise; line 0: none yet */
    bool told_after_last;
    bool is_stopped; /* a limit is passed: nothing more is read */
};

/* ---- parser.c: tokens and messages ---- */

void parser_advance(struct parser *parser);
bool parser_is(const struct parser *parser, enum token_kind kind);
bool parser_is_word(const struct parser *parser, struct str word);
bool parser_next_is_word(const struct parser *parser, struct str word);
/* Take the token, or tell that it is unexpected. */
bool parser_expect(struct parser *parser, enum token_kind kind, const char *remedy) MUST_USE;
/* "unexpected foo": always false. Says more than `remedy` of words that others use for ours. */
bool parser_unexpected(struct parser *parser, const char *remedy);
/* What a word of other languages is called here; NULL when it is none. */
const char *parser_find_word(struct parser *parser, struct str word);
struct ast_span parser_token_span(const struct token *token);
/* From `place` to the end of the last token that was taken. */
struct ast_span parser_span(const struct parser *parser, struct place place);
/* A mistake at a token, told unless the lexer has found one there. Always false. */
bool parser_error(struct parser *parser, const struct token *token, const char *remedy,
                  const char *format, ...) PRINTF_LIKE(4, 5);
/* The same of a limit, after which nothing more is read. */
bool parser_stop(struct parser *parser, const struct token *token, const char *remedy,
                 const char *format, ...) PRINTF_LIKE(4, 5);
/* The remedy "did you mean x?" or, without a name, `remedy`. */
const char *parser_did_you_mean(struct parser *parser, struct str name, const char *remedy);
const char *parser_text(struct parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);
/* The token begins a rule, a definition or a setting, as far as can be seen. */
bool parser_is_statement(const struct parser *parser);
/* Room for one more. */
void *vector_add(struct parser *parser, struct vector *vector, size_t size);
/* Those from `from` on, copied for the tree; they leave the vector. */
void *vector_take(struct parser *parser, struct vector *vector, size_t from, size_t size);

/* ---- parse_value.c ---- */

/* One value of `fact`, in the text; type NONE when its meaning is wrong. */
bool parse_value(struct parser *parser, const struct ast_fact *fact,
                 struct ast_value *value) MUST_USE;
/* value ".." value; count 0 when its meaning is wrong. */
bool parse_range(struct parser *parser, const struct ast_fact *fact,
                 struct ast_list *list) MUST_USE;
/* One value that is one token; false when its meaning is wrong, which was told. */
bool parse_token(struct parser *parser, enum fact fact, const struct token *token,
                 struct ast_value *value) MUST_USE;

/* ---- parse_quantity.c: numbers with a unit; type NONE when their meaning is wrong ---- */

/* One value of a fact that is money, percent, cost or a duration. */
bool parse_quantity(struct parser *parser, enum fact fact, struct ast_value *value) MUST_USE;
bool parse_quantity_range(struct parser *parser, enum fact fact, struct ast_value pair[2]) MUST_USE;
/* 22:00 */
bool parse_time(struct parser *parser, struct ast_value *value) MUST_USE;
/* 3% */
bool parse_percent(struct parser *parser, const char *example, struct ast_value *value) MUST_USE;
/* 0.30 EUR */
bool parse_money(struct parser *parser, const char *example, struct ast_value *value) MUST_USE;
/* 800ms */
bool parse_duration(struct parser *parser, const char *example, struct ast_value *value) MUST_USE;
/* The currency of a token; NULL: told. */
const struct currency *parse_currency(struct parser *parser, const struct token *token);

/* ---- parse_list.c ---- */

/* "[" value { "," value } "]" into parser->item, whose members are tokens. */
bool parse_items(struct parser *parser) MUST_USE;
/* What is behind `in`, a list in place or by name; *good: all values are of the fact's type. */
bool parse_in(struct parser *parser, enum fact fact, struct ast_list *list, bool *good) MUST_USE;
/* Warn of each value that was there before; of many, in linear time. */
void parse_warn_of_twins(struct parser *parser, const struct token *item, size_t count);
/* The line where a definition of this name is, below; 0 when there is none. */
unsigned parse_find_later(struct parser *parser, struct str name);
/* The list of a set as it stands, of texts: for a set that nothing is compared with. */
void parse_raw_list(struct parser *parser, const struct parse_set *set, struct ast_list *list);

/* ---- parse_fact.c ---- */

/* A fact with its member, target, currency or zone; fact NONE when it was told to be unknown. */
bool parse_fact(struct parser *parser, struct ast_fact *fact) MUST_USE;
/* ( word | string ) of metadata, as an index into fact_values.text. */
bool parse_metadata(struct parser *parser, struct str *member, uint16_t *text) MUST_USE;
/* word [ ":" ( word | string ) ] */
bool parse_target(struct parser *parser, struct ast_target *target) MUST_USE;
/* The index of a zone in the tree. */
bool parse_zone(struct parser *parser, uint8_t *zone) MUST_USE;
/* A word that is no fact: told, with what may be meant. */
void parse_unknown_fact(struct parser *parser, const struct token *name);

/* ---- parse_condition.c ---- */

const struct ast_node *parse_condition(struct parser *parser);

/* ---- parse_block.c ---- */

bool parse_block(struct parser *parser, bool has_condition, struct ast_block *block) MUST_USE;

#endif
