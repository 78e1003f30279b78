/* check_line.h - private to check_*.c: how facts are laid out on lines (check_space.h). */
#ifndef ROUTER_CHECK_LINE_H
#define ROUTER_CHECK_LINE_H

#include "router/check_space.h"

#define CHECK_MONEY_STRETCH (MONEY_AMOUNT_MAX + 1) /* of each currency, on the money line */
#define CHECK_FAR           (INT64_MAX / 4)        /* the end of a line without one */

/* False: too much was asked, and the space is over. */
bool check_charge(struct check_space *space, size_t amount);
/* A line from low to high; `usual` may be a place below low with nothing between. */
uint32_t check_line_add(struct check_space *space, int64_t low, int64_t high, int64_t usual);
/* The line of that name, made at its first use. */
uint32_t check_line_named(struct check_space *space, struct str name, int64_t low, int64_t high,
                          int64_t usual);

uint16_t check_text_index(const struct ast_fact *fact);
/* Where the text stands, or would. */
size_t check_text_find(const struct check_texts *texts, struct str text, bool is_value);
/* Behind the last that starts with `prefix`; the first is check_text_find(prefix, false). */
size_t check_text_prefix_end(const struct check_texts *texts, struct str prefix);
/* What a pattern's texts begin with: all before its first * or ?. */
struct str check_pattern_start(struct str pattern);

/* A comparison as a form; `wanted` false: its opposite. */
const struct check_form *check_test_form(struct check_space *space, const struct ast_node *node,
                                         bool wanted);
/* Where `yes` (copied) holds on the line; constants are found. */
const struct check_form *check_leaf(struct check_space *space, uint32_t line, struct check_set yes,
                                    bool wanted);
/* Both (is_and), or one of two forms that are as wanted already. */
const struct check_form *check_pair(struct check_space *space, bool is_and,
                                    const struct check_form *a, const struct check_form *b);

#endif
