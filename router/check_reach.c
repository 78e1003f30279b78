#include "router/check_reach.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEPS_PER_ANSWER = 400 * 1000,
    STEPS_PER_RULE = 2 * 1000 * 1000,
    KEY_MAX = 16, /* places by which a rule is found */
    ARENA_BYTES_MAX = 1 << 30,
};

#define NO_ENTRY UINT32_MAX

/*
 * Rules that ask for few places of some line are found by these: who takes a given payment is then
 * looked for among the rules that name one of its places, and those that name none.
 */
struct entry {
    int64_t place;
    uint32_t line, rule;
    uint32_t next; /* of the same bucket */
};

struct check_reaches {
    struct check_space *space; /* borrowed, as all here but what is said to be owned */
    struct check_solver *solver;
    const struct check_form *const *form;
    size_t count;
    struct entry *entry; /* owned */
    size_t entry_count, entry_capacity;
    uint32_t *bucket; /* owned */
    size_t bucket_mask;
    uint32_t *plain; /* owned; rules without a key, in order */
    size_t plain_count;
    bool *is_keyed;  /* owned; by line: some rule is found by it */
    uint32_t *keyed; /* owned; those lines */
    size_t keyed_count, line_count;
};

static uint64_t hash_place(uint32_t line, int64_t place)
{
    static const struct mix_seed seed = {
        {UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0)}};
    int64_t key[2] = {line, place};
    return mix_bytes(&seed, key, sizeof(key));
}

static size_t places_of(struct check_set set)
{
    size_t places = 0;
    for (size_t i = 0; i < set.count && places <= KEY_MAX; i++) {
        uint64_t width = (uint64_t)set.at[i].high - (uint64_t)set.at[i].low;
        places += width >= KEY_MAX ? KEY_MAX + 1 : (size_t)width + 1;
    }
    return places;
}

/* The part of a condition that must hold and asks for the fewest places. */
static const struct check_form *key_of(const struct check_form *form)
{
    const struct check_form *best = NULL;
    size_t best_places = KEY_MAX + 1;
    size_t count = form->kind == FORM_AND ? form->child_count : 1;
    for (size_t i = 0; i < count; i++) {
        const struct check_form *part = form->kind == FORM_AND ? form->child[i] : form;
        size_t places = part->kind == FORM_LEAF ? places_of(part->set[1]) : KEY_MAX + 1;
        if (places < best_places) {
            best_places = places;
            best = part;
        }
    }
    return best;
}

static void add_entry(struct check_reaches *reaches, uint32_t line, int64_t place, uint32_t rule)
{
    if (reaches->entry_count == reaches->entry_capacity)
        return; /* never: there is room for KEY_MAX of each rule */
    size_t at = hash_place(line, place) & reaches->bucket_mask;
    reaches->entry[reaches->entry_count] = (struct entry){place, line, rule, reaches->bucket[at]};
    reaches->bucket[at] = (uint32_t)reaches->entry_count++;
    if (!reaches->is_keyed[line]) {
        reaches->is_keyed[line] = true;
        reaches->keyed[reaches->keyed_count++] = line;
    }
}

static void add_rule(struct check_reaches *reaches, uint32_t rule)
{
    const struct check_form *key = key_of(reaches->form[rule]);
    if (key == NULL) {
        reaches->plain[reaches->plain_count++] = rule;
        return;
    }
    for (size_t i = 0; i < key->set[1].count; i++) {
        for (int64_t place = key->set[1].at[i].low; place <= key->set[1].at[i].high; place++)
            add_entry(reaches, key->line, place, rule);
    }
}

struct check_reaches *check_reaches_new(struct check_space *space, struct check_solver *solver,
                                        const struct check_form *const *form, size_t count)
{
    struct check_reaches *reaches = calloc(1, sizeof(*reaches));
    CHECK(reaches != NULL);
    *reaches =
        (struct check_reaches){.space = space, .solver = solver, .form = form, .count = count};
    size_t buckets = 1024;
    while (buckets < count * 4)
        buckets *= 2;
    reaches->entry_capacity = count * KEY_MAX + 1;
    reaches->entry = malloc(reaches->entry_capacity * sizeof(*reaches->entry));
    reaches->bucket = malloc(buckets * sizeof(*reaches->bucket));
    reaches->bucket_mask = buckets - 1;
    reaches->plain = malloc((count + 1) * sizeof(*reaches->plain));
    reaches->line_count = space->line_count;
    reaches->is_keyed = calloc(space->line_count + 1, sizeof(*reaches->is_keyed));
    reaches->keyed = malloc((space->line_count + 1) * sizeof(*reaches->keyed));
    CHECK(reaches->entry != NULL && reaches->bucket != NULL && reaches->plain != NULL &&
          reaches->is_keyed != NULL && reaches->keyed != NULL);
    memset(reaches->bucket, 0xFF, buckets * sizeof(*reaches->bucket));
    return reaches;
}

void check_reaches_free(struct check_reaches **reaches)
{
    if (*reaches != NULL) {
        free((*reaches)->entry);
        free((*reaches)->bucket);
        free((*reaches)->plain);
        free((*reaches)->is_keyed);
        free((*reaches)->keyed);
        free(*reaches);
        *reaches = NULL;
    }
}

/* ---- who takes a payment --------------------------------------------------------------------- */

/* Depth is limited by the parser. */
static bool holds_at(struct check_reaches *reaches, const struct check_form *form)
{
    switch (form->kind) {
    case FORM_TRUE:
        return true;
    case FORM_LEAF:
        check_solver_spend(reaches->solver, 1);
        return check_set_has(form->set[1], check_solver_place(reaches->solver, form->line));
    case FORM_AND:
    case FORM_OR:
        for (size_t i = 0; i < form->child_count; i++) {
            if (holds_at(reaches, form->child[i]) == (form->kind == FORM_OR))
                return form->kind == FORM_OR;
        }
        return form->kind == FORM_AND;
    case FORM_FALSE:
        break;
    }
    return false;
}

/* An earlier rule that holds at the solver's place; reaches->count: none does. */
static size_t find_taker(struct check_reaches *reaches)
{
    for (size_t i = 0; i < reaches->keyed_count; i++) {
        uint32_t line = reaches->keyed[i];
        int64_t place = check_solver_place(reaches->solver, line);
        uint32_t at = reaches->bucket[hash_place(line, place) & reaches->bucket_mask];
        for (; at != NO_ENTRY; at = reaches->entry[at].next) {
            const struct entry *entry = &reaches->entry[at];
            check_solver_spend(reaches->solver, 1);
            if (entry->line == line && entry->place == place &&
                holds_at(reaches, reaches->form[entry->rule]))
                return entry->rule;
        }
    }
    for (size_t i = 0; i < reaches->plain_count; i++) {
        if (holds_at(reaches, reaches->form[reaches->plain[i]]))
            return reaches->plain[i];
    }
    return reaches->count;
}

/* ---- which of them are needed ---------------------------------------------------------------- */

/* Whether `rule` holds nowhere beside the given ones (`without` left out). */
static bool is_covered(struct check_reaches *reaches, size_t rule, const uint32_t *by, size_t count,
                       size_t without)
{
    struct check_goal goal[CHECK_BY_MAX + 1];
    size_t goals = 0;
    goal[goals++] = (struct check_goal){reaches->form[rule], true};
    for (size_t i = 0; i < count; i++) {
        if (i != without)
            goal[goals++] = (struct check_goal){reaches->form[by[i]], false};
    }
    return check_solve(reaches->solver, goal, goals, STEPS_PER_ANSWER) == CHECK_UNSAT;
}

/* One rule that shadows alone is the better explanation; else none that can be left out. */
static void reduce(struct check_reaches *reaches, size_t rule, struct check_verdict *verdict)
{
    for (size_t i = 0; i < verdict->by_count && verdict->by_count > 1; i++) {
        uint32_t one = verdict->by[i];
        if (is_covered(reaches, rule, &one, 1, SIZE_MAX)) {
            verdict->by[0] = one;
            verdict->by_count = 1;
        }
    }
    for (size_t i = verdict->by_count; i-- > 0 && verdict->by_count > 1;) {
        if (is_covered(reaches, rule, verdict->by, verdict->by_count, i)) {
            memmove(&verdict->by[i], &verdict->by[i + 1],
                    (verdict->by_count - i - 1) * sizeof(verdict->by[0]));
            verdict->by_count--;
        }
    }
    if (verdict->by_count == 1) {
        uint32_t self = (uint32_t)rule;
        verdict->is_same = is_covered(reaches, verdict->by[0], &self, 1, SIZE_MAX);
    }
    for (size_t i = 1; i < verdict->by_count; i++) { /* as they stand in the file */
        uint32_t one = verdict->by[i];
        size_t k = i;
        for (; k > 0 && verdict->by[k - 1] > one; k--)
            verdict->by[k] = verdict->by[k - 1];
        verdict->by[k] = one;
    }
}

static void look(struct check_reaches *reaches, size_t rule, struct check_verdict *verdict)
{
    struct check_goal goal[CHECK_BY_MAX + 1];
    size_t before = check_solver_left(reaches->solver);
    goal[0] = (struct check_goal){reaches->form[rule], true};
    for (;;) {
        enum check_answer answer =
            check_solve(reaches->solver, goal, verdict->by_count + 1, STEPS_PER_ANSWER);
        if (answer == CHECK_UNSAT)
            verdict->reach = verdict->by_count == 0 ? CHECK_NEVER : CHECK_SHADOWED;
        if (answer != CHECK_SAT)
            break;
        size_t taker = find_taker(reaches);
        if (taker == reaches->count) {
            verdict->reach = CHECK_REACHED;
            break;
        }
        if (verdict->by_count == CHECK_BY_MAX ||
            before - check_solver_left(reaches->solver) > STEPS_PER_RULE)
            break;
        verdict->by[verdict->by_count++] = (uint32_t)taker;
        goal[verdict->by_count] = (struct check_goal){reaches->form[taker], false};
    }
    if (verdict->reach == CHECK_SHADOWED)
        reduce(reaches, rule, verdict);
}

void check_reaches_next(struct check_reaches *reaches, size_t rule, struct check_verdict *verdict)
{
    *verdict = (struct check_verdict){.reach = CHECK_REACH_UNKNOWN};
    if (reaches->space->is_over || check_solver_left(reaches->solver) == 0)
        return;
    look(reaches, rule, verdict);
    /* What is never reached takes nothing that others would not have. */
    if (verdict->reach != CHECK_NEVER && verdict->reach != CHECK_SHADOWED)
        add_rule(reaches, (uint32_t)rule);
}

void check_tree_reach(const struct ast_tree *tree, struct check_verdict *verdict)
{
    struct arena arena;
    struct check_space space;
    arena_init(&arena, ARENA_BYTES_MAX);
    check_space_init(&space, tree, &arena);
    const struct check_form **form =
        ARENA_ARRAY(&arena, const struct check_form *, tree->rule_count);
    for (size_t i = 0; i < tree->rule_count; i++)
        form[i] = check_form_of(&space, tree->rule[i].when, true);
    struct check_solver *solver = check_solver_new(&space);
    struct check_reaches *reaches = check_reaches_new(&space, solver, form, tree->rule_count);
    for (size_t i = 0; i < tree->rule_count; i++)
        check_reaches_next(reaches, i, &verdict[i]);
    check_reaches_free(&reaches);
    check_solver_free(&solver);
    arena_release(&arena);
}
