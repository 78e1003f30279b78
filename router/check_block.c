#include <stdio.h>

#include "router/check_parts.h"

/*
 * Candidates are looked at by kind: an account that the block names, or any other account of a
 * provider. Who is dropped by name is dropped; who is asked by `where` is dropped when no payment
 * that the rule matches would leave him.
 */

enum {
    KINDS_MAX = 64, /* with more, nothing is said */
    MILLION = 1000000,
};

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

struct kind {            /* of candidate */
    struct str provider; /* empty: one that neither the block nor the gateway's list names */
    struct str account;  /* empty: any that the block does not name */
    size_t target;       /* of the block's order; SIZE_MAX: it names nobody */
    bool is_dropped;
    const struct ast_sieve
        *by; /* the only or never that drops him, by name; NULL: several, or where */
};

struct review { /* of one block */
    struct checker *checker;
    const struct ast_block *block;
    const struct ast_rule *rule;
    const struct check_form *when;
    struct kind kind[KINDS_MAX];
    size_t kind_count;
    bool is_full;
};

/* ---- who there is ---------------------------------------------------------------------------- */

static void add_kind(struct review *review, struct str provider, struct str account, size_t target)
{
    for (size_t i = 0; i < review->kind_count; i++) {
        if (str_eq(review->kind[i].provider, provider) && str_eq(review->kind[i].account, account))
            return;
    }
    if (review->kind_count == KINDS_MAX) {
        review->is_full = true;
        return;
    }
    review->kind[review->kind_count++] =
        (struct kind){.provider = provider, .account = account, .target = target};
}

/* All accounts of a provider that the block tells apart. */
static void add_provider(struct review *review, struct str provider, size_t target)
{
    const struct ast_block *block = review->block;
    for (size_t i = 0; i < block->sieve_count; i++) {
        for (size_t k = 0; k < block->sieve[i].target_count; k++) {
            const struct ast_target *named = &block->sieve[i].target[k];
            if (str_eq(named->provider, provider) && !str_is_empty(named->account))
                add_kind(review, provider, named->account, target);
        }
    }
    add_kind(review, provider, STR_NONE, target);
}

static void add_kinds(struct review *review)
{
    const struct ast_block *block = review->block;
    const struct check_context *context = review->checker->context;
    for (size_t i = 0; i < block->target_count; i++) {
        if (str_is_empty(block->target[i].account))
            add_provider(review, block->target[i].provider, i);
        else
            add_kind(review, block->target[i].provider, block->target[i].account, i);
    }
    if (block->target_count > 0)
        return;
    for (size_t i = 0; i < context->provider_count; i++)
        add_provider(review, context->provider[i].provider, SIZE_MAX);
    for (size_t i = 0; i < block->sieve_count && context->provider_count == 0; i++) {
        for (size_t k = 0; k < block->sieve[i].target_count; k++)
            add_provider(review, block->sieve[i].target[k].provider, SIZE_MAX);
    }
    if (context->provider_count == 0)
        add_kind(review, STR_NONE, STR_NONE, SIZE_MAX);
}

/* ---- who is left ----------------------------------------------------------------------------- */

static bool is_named(const struct ast_sieve *sieve, const struct kind *kind)
{
    for (size_t i = 0; i < sieve->target_count; i++) {
        const struct ast_target *target = &sieve->target[i];
        if (str_eq(target->provider, kind->provider) &&
            (str_is_empty(target->account) || str_eq(target->account, kind->account)))
            return true;
    }
    return false;
}

/* Payments of the rule, with this candidate. */
static size_t start_goals(struct review *review, const struct kind *kind, struct check_goal *goal)
{
    struct check_space *space = review->checker->space;
    size_t count = 0;
    goal[count++] = (struct check_goal){review->when, true};
    if (!str_is_empty(kind->provider))
        goal[count++] =
            (struct check_goal){check_form_text(space, FACT_PROVIDER, kind->provider), true};
    if (!str_is_empty(kind->account))
        goal[count++] =
            (struct check_goal){check_form_text(space, FACT_ACCOUNT, kind->account), true};
    return count;
}

static bool is_dropped(struct review *review, struct kind *kind)
{
    struct check_goal goal[ROUTE_TARGET_MAX + 3];
    const struct ast_block *block = review->block;
    size_t count = start_goals(review, kind, goal);
    size_t start = count;
    for (size_t i = 0; i < block->sieve_count && i < ROUTE_TARGET_MAX; i++) {
        const struct ast_sieve *sieve = &block->sieve[i];
        if (sieve->kind == AST_AVOID)
            continue;
        bool is_kept = sieve->kind == AST_ONLY;
        if (sieve->where == NULL) {
            if (is_named(sieve, kind) != is_kept) {
                kind->by = sieve;
                return true;
            }
            continue;
        }
        goal[count++] =
            (struct check_goal){check_form_of(review->checker->space, sieve->where, true), is_kept};
    }
    return count > start && check_never(review->checker, goal, count);
}

/* Every candidate that is left is hit by the sieve, or none is. Both are false where it depends. */
static void weigh(struct review *review, const struct ast_sieve *sieve, bool *hits_all,
                  bool *hits_none)
{
    *hits_all = true;
    *hits_none = true;
    for (size_t i = 0; i < review->kind_count && (*hits_all || *hits_none); i++) {
        const struct kind *kind = &review->kind[i];
        struct check_goal goal[4];
        if (sieve->where == NULL) {
            bool is_hit = is_named(sieve, kind);
            *hits_none = *hits_none && !is_hit;
            *hits_all = *hits_all && (is_hit || kind->is_dropped);
            continue;
        }
        size_t count = start_goals(review, kind, goal);
        const struct check_form *where = check_form_of(review->checker->space, sieve->where, true);
        goal[count] = (struct check_goal){where, true};
        *hits_none = *hits_none && check_never(review->checker, goal, count + 1);
        goal[count] = (struct check_goal){where, false};
        *hits_all =
            *hits_all && (kind->is_dropped || check_never(review->checker, goal, count + 1));
    }
}

/* ---- what is told ---------------------------------------------------------------------------- */

static const char *name_of(struct review *review)
{
    return review->rule->when == NULL && str_eq(review->rule->name, STR("default"))
               ? "the last rule"
               : check_print(review->checker, "rule \"" STR_FMT "\"", EXCERPT(review->rule->name));
}

static void tell_nobody(struct review *review)
{
    const struct ast_block *block = review->block;
    const struct ast_sieve *last = NULL;
    for (size_t i = 0; i < block->sieve_count; i++)
        last = block->sieve[i].kind != AST_AVOID ? &block->sieve[i] : last;
    if (last == NULL)
        return;
    check_tell(review->checker, SEVERITY_ERROR, last->span,
               "leave somebody, or write decline \"why\" if nobody shall take these payments",
               "%s leaves nobody: its own only and never drop everyone that it tries",
               name_of(review));
}

static void tell_dropped_targets(struct review *review)
{
    const struct ast_block *block = review->block;
    for (size_t i = 0; i < block->target_count; i++) {
        bool has_kept = false;
        const struct ast_sieve *by = NULL;
        for (size_t k = 0; k < review->kind_count; k++) {
            has_kept = has_kept || (review->kind[k].target == i && !review->kind[k].is_dropped);
            by =
                review->kind[k].target == i && review->kind[k].by != NULL ? review->kind[k].by : by;
        }
        if (has_kept)
            continue;
        const char *why =
            by == NULL ? "only and never of this block drop it"
                       : check_print(review->checker, "%s at line %u drops it",
                                     by->kind == AST_ONLY ? "only" : "never", by->span.from.line);
        check_tell(review->checker, SEVERITY_WARNING, block->target[i].span,
                   "remove it here, or change the other", STR_FMT " is never tried: %s",
                   EXCERPT(block->target[i].provider), why);
    }
}

static void tell_sieves(struct review *review)
{
    for (size_t i = 0; i < review->block->sieve_count; i++) {
        const struct ast_sieve *sieve = &review->block->sieve[i];
        bool hits_all = false;
        bool hits_none = false;
        weigh(review, sieve, &hits_all, &hits_none);
        const char *what = sieve->kind == AST_ONLY    ? "only"
                           : sieve->kind == AST_NEVER ? "never"
                                                      : "avoid";
        if (hits_none && sieve->kind != AST_ONLY)
            check_tell(review->checker, SEVERITY_WARNING, sieve->span,
                       "remove it, or name somebody whom this rule tries",
                       "%s is without effect: it never concerns anyone that %s tries", what,
                       name_of(review));
        else if (hits_all && sieve->kind == AST_AVOID)
            check_tell(review->checker, SEVERITY_WARNING, sieve->span,
                       "write never to drop them, or avoid fewer",
                       "avoid is without effect: it concerns everyone that %s tries",
                       name_of(review));
        else if (hits_all && sieve->kind == AST_ONLY && sieve->where != NULL)
            check_tell(review->checker, SEVERITY_WARNING, sieve->span,
                       "remove it, or correct its condition",
                       "only is without effect: its condition always holds of those that %s tries",
                       name_of(review));
    }
}

static void check_sieves(struct review *review)
{
    add_kinds(review);
    if (review->is_full)
        return;
    bool has_kept = false;
    for (size_t i = 0; i < review->kind_count; i++) {
        review->kind[i].is_dropped = is_dropped(review, &review->kind[i]);
        has_kept = has_kept || !review->kind[i].is_dropped;
    }
    if (!has_kept) {
        tell_nobody(review);
        return;
    }
    tell_dropped_targets(review);
    tell_sieves(review);
}

/* ---- splits ---------------------------------------------------------------------------------- */

/* "33.3333" of millionths, without zeros at the end. */
static const char *print_percent(struct checker *checker, uint64_t millionths)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%llu.%04llu", (unsigned long long)(millionths / 10000),
                       (unsigned long long)(millionths % 10000));
    while (len > 0 && text[len - 1] == '0')
        len--;
    text[len > 0 && text[len - 1] == '.' ? len - 1 : len] = '\0';
    return check_print(checker, "%s", text);
}

static void check_split(struct checker *checker, const struct ast_block *block)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < block->target_count; i++) {
        sum += block->share[i];
        if (block->share[i] == 0)
            check_tell(checker, SEVERITY_WARNING, block->target[i].span,
                       "give it a part, or remove it",
                       STR_FMT " has 0%% of the split: it is tried only when all others fail",
                       EXCERPT(block->target[i].provider));
    }
    if (sum == MILLION)
        return;
    uint64_t apart = sum < MILLION ? MILLION - sum : sum - MILLION;
    check_tell(checker, SEVERITY_ERROR, block->order_span,
               check_print(checker, "%s %s%% so that the parts are 100%% together",
                           sum < MILLION ? "add" : "take away", print_percent(checker, apart)),
               "the parts of this split are %s%%, not 100%%", print_percent(checker, sum));
}

static void check_block(struct checker *checker, size_t at, const struct ast_block *block)
{
    if (block->order == AST_ORDER_SPLIT)
        check_split(checker, block);
    bool is_reached =
        checker->verdict[at].reach != CHECK_NEVER && checker->verdict[at].reach != CHECK_SHADOWED;
    if (block->order == AST_ORDER_DECLINE || block->sieve_count == 0 || !is_reached)
        return;
    struct review review = {
        .checker = checker,
        .block = block,
        .rule = &checker->tree->rule[at],
        .when = checker->form[at],
    };
    check_sieves(&review);
}

void check_blocks(struct checker *checker)
{
    const struct ast_tree *tree = checker->tree;
    for (size_t i = 0; i < tree->rule_count && !diagnosis_is_full(checker->diagnosis); i++) {
        check_block(checker, i, &tree->rule[i].block);
        if (tree->rule[i].block.shadow != NULL)
            check_block(checker, i, tree->rule[i].block.shadow);
    }
}
