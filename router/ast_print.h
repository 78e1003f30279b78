/*
 * ast_print.h - a tree as rule text again: one form of writing for what may be written in many.
 *
 * What is printed parses to an equal tree, so two files that mean the same rule by rule print the
 * same, whatever their comments, line breaks and spellings of values. Sets and conditions keep
 * their names.
 */
#ifndef ROUTER_AST_PRINT_H
#define ROUTER_AST_PRINT_H

#include "base/str.h"
#include "router/ast.h"

void ast_print(const struct ast_tree *tree, struct buf *out);
/* `rule "name" when ... { ... }`, or otherwise { ... }. */
void ast_print_rule(const struct ast_tree *tree, const struct ast_rule *rule, struct buf *out);
void ast_print_condition(const struct ast_tree *tree, const struct ast_node *node, struct buf *out);
/* `{ by cost; failover at most 2 }` */
void ast_print_block(const struct ast_tree *tree, const struct ast_block *block, struct buf *out);
void ast_print_value(const struct ast_value *value, struct buf *out);
void ast_print_target(const struct ast_target *target, struct buf *out);

#endif
