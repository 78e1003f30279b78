/*
 * ast.h - a rule file as a tree: what the parser writes, and all others read.
 *
 *     text -> lex -> parse -> [ tree ] -> check      findings with place and remedy
 *                                      -> compile    flat tests and the index: what decides
 *                                      -> interpret  the same answer, slowly: explains, and is
 *                                                    what the compiled one is tested against
 *
 * Names are resolved by the parser: a named condition stands in the tree as a node that points to
 * its definition, a named set as the list it names. Values have their type; a comparison whose
 * type is wrong is not in the tree (the parser has said so and left a node AST_FALSE).
 *
 * Everything lives in the arena given to the parser and is immutable afterwards. Parentheses, not
 * and names are at most ROUTE_DEPTH_MAX within each other, what names stand for included, so nodes
 * at most three times as many and one, and readers may recurse. A name that is used twice stands
 * there twice: all comparisons, counted at every use, are at most ROUTE_TEST_MAX.
 */
#ifndef ROUTER_AST_H
#define ROUTER_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/str.h"
#include "base/terms.h"
#include "router/facts.h"
#include "router/lex.h"

struct ast_span { /* what a message underlines */
    struct place from;
    struct place to; /* behind the last character, on any line */
};

/* ---- values ---------------------------------------------------------------------------------- */

struct ast_value {
    struct ast_span span;
    enum fact_type type;
    union {
        struct {
            int64_t minor;
            const struct currency *currency;
        } money;                         /* FACT_TYPE_MONEY */
        const struct currency *currency; /* FACT_TYPE_CURRENCY */
        uint32_t operations;             /* FACT_TYPE_OPERATION: bits 1 << enum operation;
                                            `payment` is sale and authorize */
        struct str text;                 /* FACT_TYPE_TEXT, WORD, COUNTRY */
        struct {
            uint32_t number;
            uint8_t count; /* of digits, 6 to 8: as many of the fact's are compared, and a fact
                              that has fewer differs; 0: written "", equal to no digits at all */
        } digits;          /* FACT_TYPE_DIGITS; after `starts with` and `matches` it is TEXT */
        int64_t number;    /* FACT_TYPE_NUMBER; PERCENT in millionths of the whole; DURATION in
                              microseconds; TIME in minutes of the day; WEEKDAY 1 (Monday) to 7 */
    } as;
};

struct ast_list { /* of one type; a range is two values, both included */
    const struct ast_value *value;
    size_t count;
    struct str name; /* of the set; empty: written in place */
};

/* ---- conditions ------------------------------------------------------------------------------ */

enum ast_kind {
    AST_NONE = 0,
    AST_TRUE,
    AST_FALSE,
    AST_AND, /* of two or more */
    AST_OR,
    AST_NOT,  /* of one */
    AST_NAME, /* a named condition: one child, its definition's root */
    AST_TEST,
    AST_KIND_COUNT,
};

enum ast_sign {
    AST_SIGN_NONE = 0,
    AST_IS, /* of a flag such as healthy: no value */
    AST_EQUAL,
    AST_UNEQUAL, /* not the opposite of EQUAL where there is nothing to compare: an amount in
                    another currency, a measure that is unknown; so too NOT_IN, NOT_WITHIN */
    AST_LESS,
    AST_LESS_EQUAL,
    AST_GREATER,
    AST_GREATER_EQUAL,
    AST_IN,     /* any of the list */
    AST_NOT_IN, /* none of the list */
    AST_WITHIN, /* from the first value to the second, both included. Time may pass midnight and
                   weekday Sunday; of all others the first is not above the second. Both ends of an
                   amount have one currency, both of digits one count */
    AST_NOT_WITHIN,
    AST_STARTS,  /* text begins with the value; `not starts with` is a NOT around it */
    AST_MATCHES, /* text against a pattern of * (any) and ? (one character); whole text */
    AST_SIGN_COUNT,
};

struct ast_target {
    struct ast_span span;
    struct str provider; /* empty, in `where`: the candidate that is looked at */
    struct str account;  /* empty: any account of the provider */
};

struct ast_fact {
    struct ast_span span;
    enum fact fact;
    struct str member;               /* of metadata */
    uint16_t text;                   /* index into fact_values.text, of a text fact */
    const struct currency *as;       /* amount as EUR: converted before it is compared; NULL */
    uint8_t zone;                    /* of weekday and time: index into tree.zone */
    const struct ast_target *target; /* of a measure: paypal.cost; NULL: the candidate that is
                                        looked at, or no measure */
};

struct ast_node {
    enum ast_kind kind;
    struct ast_span span;
    const struct ast_node *const *child; /* AND, OR: two or more; NOT, NAME: one */
    size_t child_count;
    struct str name;      /* NAME */
    struct ast_fact fact; /* TEST */
    enum ast_sign sign;
    struct ast_list list; /* what it is compared with; one value but for IN and WITHIN */
};

/* ---- actions --------------------------------------------------------------------------------- */

/* Who is tried first; each block has exactly one. `by` without `of` takes every account. */
enum ast_order {
    AST_ORDER_NONE = 0,
    AST_ORDER_LIST,    /* use a, b */
    AST_ORDER_COST,    /* by cost [of a, b]: the smallest expected fee first */
    AST_ORDER_SUCCESS, /* by success [of a, b] */
    AST_ORDER_VALUE,   /* by value: success x (margin - cost) - (1 - success) x cost of failure */
    AST_ORDER_LATENCY, /* by latency [of a, b] */
    AST_ORDER_SPLIT,   /* split 70% a, 30% b [by key] */
    AST_ORDER_DECLINE, /* decline "reason": nobody is tried */
    AST_ORDER_COUNT,
};

enum ast_sieve_kind {
    AST_ONLY = 1, /* the others are dropped */
    AST_NEVER,    /* these are dropped */
    AST_AVOID,    /* these come after all others */
};

struct ast_sieve { /* only, never, avoid: by name, or by condition of each candidate */
    enum ast_sieve_kind kind;
    struct ast_span span;
    const struct ast_target *target;
    size_t target_count;
    const struct ast_node *where; /* NULL: by target */
};

enum ast_sticky {                      /* what a split is decided by */
                  AST_STICKY_DRAW = 0, /* each payment for itself; the draw is recorded */
                  AST_STICKY_CUSTOMER,
                  AST_STICKY_REFERENCE,
                  AST_STICKY_METADATA, /* the text `sticky_text` of fact_values */
};

struct ast_block {
    struct ast_span span;
    enum ast_order order;
    struct ast_span order_span;
    const struct ast_target *target; /* LIST, SPLIT, and `of`; count 0 with by: every account */
    size_t target_count;
    const uint32_t *share; /* SPLIT: of each target, in millionths; sum 1,000,000 if it is right */
    enum ast_sticky sticky;
    uint16_t sticky_text;     /* STICKY_METADATA: index into fact_values.text */
    uint32_t margin;          /* VALUE: of the amount, in millionths */
    struct ast_value failure; /* VALUE: cost of a failure, money of one currency; type NONE: 0 */
    struct str reason;        /* DECLINE: told to the merchant */
    const struct ast_sieve *sieve;
    size_t sieve_count;
    uint8_t depth_max; /* failover: tries in all, 1: none; 0: not said */
    int64_t within_us; /* failover: no new try later than this after the first; 0: not said */
    const struct ast_block *shadow; /* decided and recorded, never acted on; NULL */
};

/* ---- files ----------------------------------------------------------------------------------- */

struct ast_rule {
    struct str name; /* of the last "default" */
    struct ast_span name_span;
    struct ast_span span;        /* from the word rule to the end of its condition */
    const struct ast_node *when; /* NULL: always */
    struct ast_block block;
};

struct ast_set {
    struct str name;
    struct ast_span span;
    struct ast_list list; /* as it is compared with text, or else with what came first; as text when
                             nothing is. Each test has the list in its own type; the pointer to its
                             values is the same for all tests of one type */
    bool is_used;
};

struct ast_condition {
    struct str name;
    struct ast_span span;
    const struct ast_node *root;
    bool is_used;
};

struct ast_tree {
    const struct ast_rule *rule; /* in order; the last matches always */
    size_t rule_count;
    const struct ast_set *set;
    size_t set_count;
    const struct ast_condition *condition;
    size_t condition_count;
    struct str zone[ROUTE_ZONE_MAX]; /* [0] is the file's, "UTC" when it names none */
    size_t zone_count;
    struct str metadata_name[ROUTE_METADATA_NAME_MAX];
    size_t metadata_name_count;
};

#endif
