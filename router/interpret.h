/*
 * interpret.h - the meaning of conditions, read off the tree: slow and plain.
 *
 * This is what the program (run.h) must agree with on every payment, and what an explanation is
 * made of: which part of a condition held, and which did not. It shares no evaluation with the
 * program: facts are compared as they were given.
 */
#ifndef ROUTER_INTERPRET_H
#define ROUTER_INTERPRET_H

#include "base/zone.h"
#include "router/ast.h"
#include "router/measure.h"

#define INTERPRET_NO_CANDIDATE SIZE_MAX

struct interpreter {
    const struct ast_tree *tree;    /* borrowed, all */
    const struct zone *const *zone; /* by the tree's zones; NULL: UTC */
    const struct measures *measures;
};

/* Whether `node` holds; of `candidate` in a `where`, else INTERPRET_NO_CANDIDATE. */
bool interpret_node(const struct interpreter *interpreter, const struct ast_node *node,
                    size_t candidate);
/* A text of the payment or the candidate, as it was given; "" when there is none. */
struct str interpret_text(const struct interpreter *interpreter, const struct ast_fact *fact,
                          size_t candidate);
/* The weekday (1 is Monday) or the minute of the day, in the zone of this fact. */
int64_t interpret_moment(const struct interpreter *interpreter, const struct ast_fact *fact);
/* The index of the first rule that matches. */
size_t interpret_rules(const struct interpreter *interpreter);

#endif
