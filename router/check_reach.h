/*
 * check_reach.h - which rules of a file no payment can reach, and because of which others.
 *
 * For each rule a payment is looked for that matches it: first by its own condition, then beside
 * those of the earlier rules that took the payments found before. So only the rules that matter are
 * looked at: the ones that together take all of its payments.
 *
 *     a place where rule 7 holds -> rule 2 takes it
 *     ... and rule 2 does not    -> rule 5 takes it
 *     ... and rule 5 does not    -> there is none: rules 2 and 5 shadow rule 7
 *                                -> nobody takes it: rule 7 is reached
 */
#ifndef ROUTER_CHECK_REACH_H
#define ROUTER_CHECK_REACH_H

#include "router/check_solve.h"

enum {
    CHECK_BY_MAX = 64, /* rules that shadow one together */
};

enum check_reach {
    CHECK_REACH_UNKNOWN = 0, /* too much work to say: nothing is said */
    CHECK_REACHED,           /* or not surely unreachable */
    CHECK_NEVER,             /* its own condition never holds */
    CHECK_SHADOWED,          /* earlier rules take all that it would match */
};

struct check_verdict {
    enum check_reach reach;
    bool is_same;              /* SHADOWED by one rule with the same condition */
    uint32_t by[CHECK_BY_MAX]; /* SHADOWED: none of these can be left out, where it is known */
    size_t by_count;
};

struct check_reaches; /* what is kept between rules */

/* form[i] is the condition of rule i. */
struct check_reaches *check_reaches_new(struct check_space *space, struct check_solver *solver,
                                        const struct check_form *const *form, size_t count);
void check_reaches_free(struct check_reaches **reaches);
/* Rules are asked for in order, from 0. */
void check_reaches_next(struct check_reaches *reaches, size_t rule, struct check_verdict *verdict);

/* The same for a whole tree, alone: verdict[i] of rule i. For tests, and for who needs no text. */
void check_tree_reach(const struct ast_tree *tree, struct check_verdict *verdict);

#endif
