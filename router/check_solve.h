/*
 * check_solve.h - whether some place is in all of several forms.
 *
 * A box has a set for each line. What must hold narrows it; where one of several must hold and only
 * one still can, that one must; else each is tried, the ones before it excluded. Lines know nothing
 * of each other, so a box of which no set is empty has a place that makes everything hold.
 *
 *     goals -> narrow -> nothing left to do: SAT, with a place
 *                     -> a set is empty: back to the last choice; none left: UNSAT
 *
 * It is complete; but the work is bounded, and where the bound is reached the answer is UNKNOWN and
 * nothing may be concluded.
 */
#ifndef ROUTER_CHECK_SOLVE_H
#define ROUTER_CHECK_SOLVE_H

#include "router/check_space.h"

enum check_answer {
    CHECK_UNKNOWN = 0,
    CHECK_SAT,
    CHECK_UNSAT,
};

struct check_goal { /* the form holds, or it does not */
    const struct check_form *form;
    bool wanted;
};

struct check_solver;

/* NULL never. Freed by check_solver_free. */
struct check_solver *check_solver_new(const struct check_space *space);
void check_solver_free(struct check_solver **solver);
/* Steps that are left for all questions together. */
size_t check_solver_left(const struct check_solver *solver);
void check_solver_spend(struct check_solver *solver, size_t steps);

/* At most `steps` for this one. Goals are kept apart by nothing: all of them hold. */
enum check_answer check_solve(struct check_solver *solver, const struct check_goal *goal,
                              size_t count, size_t steps);
/* After CHECK_SAT: a place on the line. */
int64_t check_solver_place(const struct check_solver *solver, uint32_t line);

#endif
