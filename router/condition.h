/*
 * condition.h - how comparisons become a condition: and, or and not by leading exits, while
 * parsing.
 *
 * A condition in the making has two chains of exits whose goal is not known yet, one for false and
 * one for true. They are linked through the exits themselves: an exit is called test * 2 + which,
 * and holds the name of the next one in its chain until the chain is led to its goal. So combining
 * two conditions takes no memory, and each exit is led once.
 */
#ifndef ROUTER_CONDITION_H
#define ROUTER_CONDITION_H

#include <stdint.h>

#include "router/eval.h"

struct chain {
    uint32_t first;
    uint32_t last;
};

/* A condition that is compiled but for where its exits lead. */
struct condition {
    uint32_t test;        /* where it starts */
    struct chain exit[2]; /* [0] when false, [1] when true */
};

/* The condition that is one comparison, the last test of `program`. */
struct condition condition_of_test(struct program *program);
void condition_negate(struct condition *condition);
/* `right` was compiled after `left`. */
struct condition condition_and(struct program *program, struct condition left,
                               struct condition right);
struct condition condition_or(struct program *program, struct condition left,
                              struct condition right);
/* Nothing more comes: true is a match of the rule, false a miss. */
void condition_end(struct program *program, const struct condition *condition);

#endif
