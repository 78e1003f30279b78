/* check_parts.h - private to check*.c: one check of one tree, and its parts. */
#ifndef ROUTER_CHECK_PARTS_H
#define ROUTER_CHECK_PARTS_H

#include "router/check.h"
#include "router/check_reach.h"

struct checker {
    const struct ast_tree *tree;         /* borrowed, as all here */
    const struct check_context *context; /* never NULL */
    struct diagnosis *diagnosis;
    struct arena *arena; /* until the check is over */
    struct check_space *space;
    struct check_solver *solver;
    const struct check_form **form; /* of each rule's condition */
    const struct check_verdict *verdict;
    const struct check_form **able; /* what each ability of the context takes */
};

enum {
    CHECK_QUESTION_STEPS = 100 * 1000,
};

/* Surely nowhere; false also when it is not known. */
static inline bool check_never(struct checker *checker, const struct check_goal *goal, size_t count)
{
    return !checker->space->is_over &&
           check_solve(checker->solver, goal, count, CHECK_QUESTION_STEPS) == CHECK_UNSAT;
}

void check_tell(struct checker *checker, enum severity severity, struct ast_span span,
                const char *remedy, const char *format, ...) PRINTF_LIKE(5, 6);
/* Text for messages, as long as the check lasts; conditions are cut. */
const char *check_print(struct checker *checker, const char *format, ...) PRINTF_LIKE(2, 3);
const char *check_print_condition(struct checker *checker, const struct ast_node *node);

/* check_condition.c: rules that never match by themselves, parts that are always or never true, what
 * is not used. */
void check_conditions(struct checker *checker);
/* check_block.c: splits, and who is left by only, never and avoid. */
void check_blocks(struct checker *checker);
/* check_able.c: who cannot do what a rule asks. */
void check_abilities(struct checker *checker);

#endif
