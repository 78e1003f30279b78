#include "router/check_parts.h"

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

enum {
    PARTS_MAX = 64, /* of an `and`, that are compared with each other one by one */
};

enum constancy {
    VARIES = 0, /* or not known */
    NEVER,
    ALWAYS,
};

static enum constancy constancy_of(struct checker *checker, const struct ast_node *node)
{
    const struct check_form *form = check_form_of(checker->space, node, true);
    struct check_goal yes = {form, true};
    struct check_goal no = {form, false};
    if (checker->space->is_over || form->kind == FORM_LEAF)
        return VARIES;
    return check_never(checker, &yes, 1) ? NEVER : check_never(checker, &no, 1) ? ALWAYS : VARIES;
}

/* Both at once. */
static bool are_opposed(struct checker *checker, const struct ast_node *a, const struct ast_node *b)
{
    struct check_goal both[2] = {{check_form_of(checker->space, a, true), true},
                                 {check_form_of(checker->space, b, true), true}};
    return check_never(checker, both, 2);
}

/* Of the parts of an `and` the first that never holds together with one before it; or NULL. */
static const struct ast_node *find_opposed(struct checker *checker, const struct ast_node *node,
                                           const char **why)
{
    for (size_t i = 1; i < node->child_count && i < PARTS_MAX; i++) {
        const struct ast_node *part = node->child[i];
        for (size_t k = 0; k < i; k++) {
            const struct ast_node *other = node->child[k];
            if (!are_opposed(checker, other, part))
                continue;
            *why = check_print(checker, "%s and %s never hold together",
                               check_print_condition(checker, other),
                               check_print_condition(checker, part));
            return part;
        }
    }
    return NULL;
}

/* Of a condition that never holds the part that makes it so, and why. */
static struct ast_span explain_never(struct checker *checker, const struct ast_node *node,
                                     const char **why)
{
    *why = check_print(checker, "%s never holds", check_print_condition(checker, node));
    while (node->kind == AST_AND) {
        const struct ast_node *part = NULL;
        for (size_t i = 0; i < node->child_count && part == NULL; i++) {
            if (constancy_of(checker, node->child[i]) == NEVER)
                part = node->child[i];
        }
        if (part != NULL) {
            node = part;
            *why = check_print(checker, "%s never holds", check_print_condition(checker, node));
            continue;
        }
        *why = "its comparisons never hold all together";
        part = find_opposed(checker, node, why);
        return part != NULL ? part->span : node->span;
    }
    return node->span;
}

static const char remedy_never[] = "join them by or, correct a value, or remove the rule";

/* Parts within a condition that itself sometimes holds and sometimes does not. Depth is limited by
 * the parser. */
static void review_parts(struct checker *checker, const struct ast_node *node)
{
    if (node->kind != AST_AND && node->kind != AST_OR && node->kind != AST_NOT)
        return;
    for (size_t i = 0; i < node->child_count && !diagnosis_is_full(checker->diagnosis); i++) {
        const struct ast_node *part = node->child[i];
        const char *why = NULL;
        enum constancy constancy = constancy_of(checker, part);
        if (constancy == VARIES) {
            review_parts(checker, part);
        } else if (constancy == NEVER) {
            struct ast_span span = explain_never(checker, part, &why);
            check_tell(checker, SEVERITY_WARNING, span,
                       "correct a value, or remove this part of the condition", "%s", why);
        } else {
            check_tell(checker, SEVERITY_WARNING, part->span,
                       "correct a value, or remove this part of the condition", "%s always holds",
                       check_print_condition(checker, part));
        }
    }
}

static void review_rule(struct checker *checker, size_t at)
{
    const struct ast_rule *rule = &checker->tree->rule[at];
    const char *why = NULL;
    if (rule->when == NULL)
        return;
    if (checker->verdict[at].reach == CHECK_NEVER) {
        struct ast_span span = explain_never(checker, rule->when, &why);
        check_tell(checker, SEVERITY_ERROR, span, remedy_never,
                   "rule \"" STR_FMT "\" can never match: %s", EXCERPT(rule->name), why);
        return;
    }
    if (constancy_of(checker, rule->when) == ALWAYS)
        check_tell(checker, SEVERITY_WARNING, rule->when->span,
                   "remove the condition if every payment is meant, or correct a value",
                   "%s always holds", check_print_condition(checker, rule->when));
    else
        review_parts(checker, rule->when);
}

static void review_definition(struct checker *checker, const struct ast_condition *condition)
{
    const char *why = NULL;
    if (!condition->is_used) {
        check_tell(checker, SEVERITY_WARNING, condition->span, "use it in a rule, or remove it",
                   "condition " STR_FMT " is not used", EXCERPT(condition->name));
        return;
    }
    switch (constancy_of(checker, condition->root)) {
    case NEVER: {
        struct ast_span span = explain_never(checker, condition->root, &why);
        check_tell(checker, SEVERITY_WARNING, span, "join them by or, or correct a value",
                   "condition " STR_FMT " never holds: %s", EXCERPT(condition->name), why);
        break;
    }
    case ALWAYS:
        check_tell(checker, SEVERITY_WARNING, condition->root->span, "correct a value",
                   "condition " STR_FMT " always holds", EXCERPT(condition->name));
        break;
    case VARIES:
        review_parts(checker, condition->root);
        break;
    }
}

void check_conditions(struct checker *checker)
{
    const struct ast_tree *tree = checker->tree;
    for (size_t i = 0; i < tree->set_count; i++) {
        if (!tree->set[i].is_used)
            check_tell(checker, SEVERITY_WARNING, tree->set[i].span,
                       "use it in a rule, or remove it", "set " STR_FMT " is not used",
                       EXCERPT(tree->set[i].name));
    }
    for (size_t i = 0; i < tree->condition_count; i++)
        review_definition(checker, &tree->condition[i]);
    for (size_t i = 0; i < tree->rule_count && !diagnosis_is_full(checker->diagnosis); i++)
        review_rule(checker, i);
}
