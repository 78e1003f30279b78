/*
 * check_space.h - conditions as sets: what the checks on a rule file reason with.
 *
 *     a fact       ->  a line of whole numbers, one for each value that some rule tells apart from
 *                      the others (and more: numbers stand for themselves)
 *     a comparison ->  the set of numbers of one line where it is true: exactly
 *     a condition  ->  and and or of such sets; `not` is in the sets
 *
 * Lines:
 *     money      currency and amount in one: every currency has a stretch, the amount is the place in
 *                it. So `currency == EUR` and `amount >= 5 EUR` know of each other
 *     text       the texts that rules name in the order of their bytes, each behind the prefixes that
 *                rules name; at a prefix are all other texts whose longest named prefix it is. So
 *                `starts with` is one span. A pattern is true, false or, of texts that nobody names,
 *                undecided: a line of its own
 *     bin        by its first 6, 7 or 8 digits
 *     cost       of a target in one currency, or as a part of the amount: even numbers are
 *                millionths, odd ones what is between them
 *     what may be unknown has a place for that, where every comparison is false
 *
 * Every payment there can be has a place on each line, and every comparison is true there if and
 * only if it is true of the payment. Not every combination of places need be a payment: so a condition
 * that holds nowhere never holds, which is what the checks say; of one that holds somewhere they say
 * nothing.
 */
#ifndef ROUTER_CHECK_SPACE_H
#define ROUTER_CHECK_SPACE_H

#include "base/arena.h"
#include "router/ast.h"
#include "router/check_set.h"
#include "router/names.h"

enum check_form_kind {
    FORM_FALSE = 0,
    FORM_TRUE,
    FORM_LEAF,
    FORM_AND,
    FORM_OR,
};

struct check_form {
    enum check_form_kind kind;
    uint32_t line;                         /* LEAF */
    struct check_set set[2];               /* LEAF: where it is false, where it is true */
    const struct check_form *const *child; /* AND, OR */
    size_t child_count;
};

struct check_line {
    struct check_set all;
    int64_t usual; /* a place that few rules ask for */
};

struct check_text { /* of a text line */
    struct str text;
    bool is_value; /* else a prefix, which stands before the value of the same text */
};

struct check_texts {
    struct check_text *item; /* sorted once all are collected */
    size_t count, capacity;
    uint32_t line;
    bool is_asked;
};

enum {
    CHECK_TEXT_COUNT = FACT_COUNT + ROUTE_METADATA_NAME_MAX,
};

struct check_space {
    struct arena *arena; /* borrowed; holds everything */
    const struct ast_tree *tree;
    struct check_line *line;
    size_t line_count, line_capacity;
    struct names line_names;
    struct names lists; /* sets of long lists, by line and list */
    struct check_set *list_set;
    size_t list_count, list_capacity;
    struct check_texts texts[CHECK_TEXT_COUNT];
    uint8_t zone[ROUTE_ZONE_MAX]; /* the first zone of the same name */
    uint32_t money;               /* line */
    size_t work;                  /* spans that may still be made */
    bool is_over;                 /* too much was asked: nothing may be concluded */
};

/* `arena` has room for what CHECK_WORK_MAX says. Reads all conditions of the tree once, so that each
 * text and prefix has its place. */
void check_space_init(struct check_space *space, const struct ast_tree *tree, struct arena *arena);
/* About how many spans its forms have. */
size_t check_space_size(const struct check_space *space);
/* Where `node` holds (NULL: everywhere), or where it does not. */
const struct check_form *check_form_of(struct check_space *space, const struct ast_node *node,
                                       bool wanted);
/* Both hold. */
const struct check_form *check_form_and(struct check_space *space, const struct check_form *a,
                                        const struct check_form *b);
/* The candidate is of this provider; of this account (when its name is asked for at all). */
const struct check_form *check_form_text(struct check_space *space, enum fact fact,
                                         struct str text);
/* The currency is one of `currencies` (bits by currency_index), the operation one of `operations`. */
const struct check_form *check_form_currencies(struct check_space *space, const uint64_t *bits);
const struct check_form *check_form_operations(struct check_space *space, uint32_t bits);

#endif
