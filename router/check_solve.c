#include "router/check_solve.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEPS_MAX = 40 * 1000 * 1000, /* of a large file; a small one is worth less */
    STEPS_MIN = 1000 * 1000,
    STEPS_PER_RULE = 100 * 1000,
    GOALS_MAX = 1 << 18,
    LEVELS_MAX = 1 << 12,
    POOL_MAX = 1 << 20, /* spans */
};

/* What is set aside for a file: the most, or what so small a one can use. */
static size_t room_for(size_t most, size_t least, size_t used)
{
    size_t room = least + used;
    return room < most ? room : most;
}

struct change { /* of the box, to be undone */
    uint32_t line;
    struct check_set before;
};

struct level {                    /* a choice: which child of `split` is tried */
    size_t goal_from, goal_count; /* what was open before the choice */
    size_t change_count, pool_used;
    struct check_goal split;
    size_t next;
};

struct check_solver {
    const struct check_space *space; /* borrowed */
    struct check_set *box;           /* owned, by line; as all below */
    size_t line_count, box_capacity;
    struct change *change;
    size_t change_count, change_capacity;
    struct check_span *pool;
    size_t pool_used, pool_max, goal_max;
    struct check_goal *goal;
    size_t goal_from, goal_count; /* the open ones: goal[goal_from..goal_count) */
    struct level *level;
    size_t level_count;
    size_t left;  /* steps, of all questions */
    size_t steps; /* of this one */
    bool is_over;
};

enum truth {
    TRUTH_NO = 0,
    TRUTH_YES,
    TRUTH_OPEN,
};

struct check_solver *check_solver_new(const struct check_space *space)
{
    struct check_solver *solver = calloc(1, sizeof(*solver));
    CHECK(solver != NULL);
    solver->space = space;
    solver->left = room_for(STEPS_MAX, STEPS_MIN, space->tree->rule_count * STEPS_PER_RULE);
    solver->pool_max = room_for(POOL_MAX, 1 << 12, check_space_size(space) * 16);
    solver->goal_max = room_for(GOALS_MAX, 1 << 12, check_space_size(space) * 16);
    solver->pool = malloc(solver->pool_max * sizeof(*solver->pool));
    solver->goal = malloc(solver->goal_max * sizeof(*solver->goal));
    solver->level = malloc(LEVELS_MAX * sizeof(*solver->level));
    CHECK(solver->pool != NULL && solver->goal != NULL && solver->level != NULL);
    return solver;
}

void check_solver_free(struct check_solver **solver)
{
    if (*solver != NULL) {
        free((*solver)->box);
        free((*solver)->change);
        free((*solver)->pool);
        free((*solver)->goal);
        free((*solver)->level);
        free(*solver);
        *solver = NULL;
    }
}

size_t check_solver_left(const struct check_solver *solver)
{
    return solver->left;
}

void check_solver_spend(struct check_solver *solver, size_t steps)
{
    solver->left -= steps < solver->left ? steps : solver->left;
}

static void spend(struct check_solver *solver, size_t steps)
{
    if (solver->steps < steps) {
        solver->steps = 0;
        solver->is_over = true;
    } else {
        solver->steps -= steps;
    }
}

/* ---- the box --------------------------------------------------------------------------------- */

static void put(struct check_solver *solver, uint32_t line, struct check_set set)
{
    if (solver->change_count == solver->change_capacity) {
        size_t room = solver->change_capacity == 0 ? 1024 : solver->change_capacity * 2;
        solver->change = realloc(solver->change, room * sizeof(*solver->change));
        CHECK(solver->change != NULL);
        solver->change_capacity = room;
    }
    solver->change[solver->change_count++] = (struct change){line, solver->box[line]};
    solver->box[line] = set;
}

/* The line's set is what it has in common with `set`, which is not nothing. */
static void narrow(struct check_solver *solver, uint32_t line, struct check_set set)
{
    struct check_set old = solver->box[line];
    if (check_set_share(set, old) == CHECK_WHOLE) {
        put(solver, line, set);
        return;
    }
    if (old.count + set.count > solver->pool_max - solver->pool_used) {
        solver->is_over = true;
        return;
    }
    struct check_span *at = solver->pool + solver->pool_used;
    struct check_set met = {at, check_set_meet(old, set, at)};
    spend(solver, (old.count + set.count) / 4);
    solver->pool_used += met.count;
    put(solver, line, met);
}

static void undo(struct check_solver *solver, size_t change_count, size_t pool_used)
{
    while (solver->change_count > change_count) {
        const struct change *change = &solver->change[--solver->change_count];
        solver->box[change->line] = change->before;
    }
    solver->pool_used = pool_used;
}

/* ---- goals ----------------------------------------------------------------------------------- */

/* Depth is limited by the parser. */
static enum truth judge(struct check_solver *solver, const struct check_form *form, bool wanted)
{
    enum truth truth = TRUTH_OPEN;
    switch (form->kind) {
    case FORM_TRUE:
    case FORM_FALSE:
        return (form->kind == FORM_TRUE) == wanted ? TRUTH_YES : TRUTH_NO;
    case FORM_LEAF: {
        struct check_set box = solver->box[form->line];
        spend(solver, 1 + (box.count < form->set[wanted].count ? box.count : 0) / 8);
        enum check_share share = check_set_share(box, form->set[wanted]);
        return share == CHECK_WHOLE ? TRUTH_YES : share == CHECK_NOTHING ? TRUTH_NO : TRUTH_OPEN;
    }
    case FORM_AND:
    case FORM_OR: {
        enum truth decisive = (form->kind == FORM_AND) == wanted ? TRUTH_NO : TRUTH_YES;
        truth = decisive == TRUTH_NO ? TRUTH_YES : TRUTH_NO;
        for (size_t i = 0; i < form->child_count; i++) {
            enum truth one = judge(solver, form->child[i], wanted);
            if (one == decisive)
                return decisive;
            truth = one == TRUTH_OPEN ? TRUTH_OPEN : truth;
        }
        break;
    }
    }
    return truth;
}

static void add_goal(struct check_solver *solver, const struct check_form *form, bool wanted)
{
    if (solver->goal_count == solver->goal_max) {
        solver->is_over = true;
        return;
    }
    solver->goal[solver->goal_count++] = (struct check_goal){form, wanted};
}

/* What an open goal comes to: narrower box, or simpler goals. False: it stays as it is. */
static bool simplify(struct check_solver *solver, struct check_goal goal)
{
    const struct check_form *form = goal.form;
    if (form->kind == FORM_LEAF) {
        narrow(solver, form->line, form->set[goal.wanted]);
        return true;
    }
    if ((form->kind == FORM_AND) == goal.wanted) {
        for (size_t i = 0; i < form->child_count; i++)
            add_goal(solver, form->child[i], goal.wanted);
        return true;
    }
    const struct check_form *only = NULL;
    size_t count = 0;
    for (size_t i = 0; i < form->child_count && count < 2; i++) {
        if (judge(solver, form->child[i], goal.wanted) != TRUTH_NO) {
            only = form->child[i];
            count++;
        }
    }
    if (count == 1)
        add_goal(solver, only, goal.wanted);
    return count == 1;
}

/* Until nothing changes. False: some goal cannot hold. */
static bool propagate(struct check_solver *solver)
{
    for (bool changed = true; changed && !solver->is_over;) {
        changed = false;
        for (size_t i = solver->goal_from; i < solver->goal_count && !solver->is_over;) {
            struct check_goal goal = solver->goal[i];
            enum truth truth = judge(solver, goal.form, goal.wanted);
            if (truth == TRUTH_NO)
                return false;
            if (truth == TRUTH_OPEN && !simplify(solver, goal)) {
                i++;
                continue;
            }
            changed = changed || truth == TRUTH_OPEN;
            solver->goal[i] = solver->goal[--solver->goal_count];
        }
    }
    return true;
}

/* ---- choices --------------------------------------------------------------------------------- */

/* Of the open goals the one with the fewest ways. */
static size_t pick(struct check_solver *solver)
{
    size_t best = solver->goal_from;
    size_t best_ways = SIZE_MAX;
    for (size_t i = solver->goal_from; i < solver->goal_count && best_ways > 2; i++) {
        const struct check_form *form = solver->goal[i].form;
        size_t ways = 0;
        for (size_t k = 0; k < form->child_count && ways < best_ways; k++)
            ways += judge(solver, form->child[k], solver->goal[i].wanted) != TRUTH_NO;
        if (ways < best_ways) {
            best_ways = ways;
            best = i;
        }
    }
    return best;
}

/* The next child of the last choice; the ones before it do not hold. False: there is none. */
static bool try_next(struct check_solver *solver)
{
    struct level *level = &solver->level[solver->level_count - 1];
    undo(solver, level->change_count, level->pool_used);
    solver->goal_from = level->goal_from + level->goal_count;
    solver->goal_count = solver->goal_from;
    if (level->next == level->split.form->child_count)
        return false;
    if (level->goal_count > solver->goal_max - solver->goal_count) {
        solver->is_over = true;
        return true;
    }
    memcpy(solver->goal + solver->goal_from, solver->goal + level->goal_from,
           level->goal_count * sizeof(*solver->goal));
    solver->goal_count += level->goal_count;
    spend(solver, level->goal_count / 8);
    add_goal(solver, level->split.form->child[level->next], level->split.wanted);
    for (size_t i = 0; i < level->next; i++)
        add_goal(solver, level->split.form->child[i], !level->split.wanted);
    level->next++;
    return true;
}

static void choose(struct check_solver *solver)
{
    if (solver->level_count == LEVELS_MAX) {
        solver->is_over = true;
        return;
    }
    size_t at = pick(solver);
    struct check_goal split = solver->goal[at];
    solver->goal[at] = solver->goal[--solver->goal_count];
    solver->level[solver->level_count++] = (struct level){
        .goal_from = solver->goal_from,
        .goal_count = solver->goal_count - solver->goal_from,
        .change_count = solver->change_count,
        .pool_used = solver->pool_used,
        .split = split,
    };
    (void)try_next(solver); /* a choice has a child */
}

static enum check_answer search(struct check_solver *solver)
{
    while (!solver->is_over) {
        if (propagate(solver)) {
            if (solver->is_over)
                break;
            if (solver->goal_count == solver->goal_from)
                return CHECK_SAT;
            choose(solver);
            continue;
        }
        if (solver->is_over)
            break;
        while (solver->level_count > 0 && !try_next(solver))
            solver->level_count--;
        if (solver->level_count == 0)
            return CHECK_UNSAT;
    }
    return CHECK_UNKNOWN;
}

static void reset(struct check_solver *solver)
{
    const struct check_space *space = solver->space;
    undo(solver, 0, 0);
    if (solver->box_capacity < space->line_count) {
        solver->box_capacity = space->line_count * 2;
        solver->box = realloc(solver->box, solver->box_capacity * sizeof(*solver->box));
        CHECK(solver->box != NULL);
    }
    while (solver->line_count < space->line_count) {
        solver->box[solver->line_count] = space->line[solver->line_count].all;
        solver->line_count++;
    }
    solver->goal_from = 0;
    solver->goal_count = 0;
    solver->level_count = 0;
    solver->is_over = false;
}

enum check_answer check_solve(struct check_solver *solver, const struct check_goal *goal,
                              size_t count, size_t steps)
{
    size_t granted = steps < solver->left ? steps : solver->left;
    reset(solver);
    solver->steps = granted;
    for (size_t i = 0; i < count; i++)
        add_goal(solver, goal[i].form, goal[i].wanted);
    enum check_answer answer = search(solver);
    check_solver_spend(solver, granted - solver->steps);
    return solver->space->is_over || solver->is_over ? CHECK_UNKNOWN : answer;
}

int64_t check_solver_place(const struct check_solver *solver, uint32_t line)
{
    struct check_set set = solver->box[line];
    int64_t usual = solver->space->line[line].usual;
    return set.count == 0 || check_set_has(set, usual) ? usual : set.at[0].low;
}
