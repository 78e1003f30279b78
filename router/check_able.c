#include "router/check_parts.h"

/*
 * A provider is asked what it can do at all; where the accounts are known, they are. Whoever cannot
 * take any payment that the rule matches is dead there. These are warnings: accounts come and go,
 * and the file is as right as before.
 */

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

enum why {
    WHY_NONE = 0, /* somebody can */
    WHY_NO_ACCOUNT,
    WHY_DISABLED,
    WHY_UNABLE,
};

static bool is_of(const struct check_ability *able, const struct ast_target *target)
{
    return target == NULL || (str_eq(able->provider, target->provider) &&
                              (str_is_empty(target->account) || str_is_empty(able->account) ||
                               str_eq(able->account, target->account)));
}

/* Why nobody whom the target names (NULL: nobody at all) can take what matches. */
static enum why why_dead(struct checker *checker, const struct check_form *when,
                         const struct ast_target *target)
{
    const struct check_context *context = checker->context;
    enum why why = context->has_accounts ? WHY_NO_ACCOUNT : WHY_UNABLE;
    size_t count = context->has_accounts ? context->account_count : context->provider_count;
    bool is_known = context->has_accounts;
    for (size_t i = 0; i < count; i++) {
        const struct check_ability *able =
            context->has_accounts ? &context->account[i] : &context->provider[i];
        if (!is_of(able, target))
            continue;
        is_known = true;
        if (able->is_disabled) {
            why = why == WHY_NO_ACCOUNT ? WHY_DISABLED : why;
            continue;
        }
        struct check_goal goal[2] = {{when, true}, {checker->able[i], true}};
        if (!check_never(checker, goal, 2))
            return WHY_NONE;
        why = WHY_UNABLE;
    }
    return is_known ? why : WHY_NONE;
}

static void tell_target(struct checker *checker, const struct ast_target *target, enum why why)
{
    struct str name = lex_excerpt(target->provider);
    const char *account = str_is_empty(target->account)
                              ? ""
                              : check_print(checker, ":" STR_FMT, EXCERPT(target->account));
    static const char *const remedies[] = {
        [WHY_NONE] = "",
        [WHY_NO_ACCOUNT] = "create an account (turnpike accounts create), or name another",
        [WHY_DISABLED] = "enable an account (turnpike accounts enable), or name another",
        [WHY_UNABLE] = "name another, or narrow the rule to what it takes",
    };
    static const char *const texts[] = {
        [WHY_NONE] = "",
        [WHY_NO_ACCOUNT] = "has no account",
        [WHY_DISABLED] = "has no account that is enabled",
        [WHY_UNABLE] = "cannot take any payment that this rule matches, by currency and operation",
    };
    check_tell(checker, SEVERITY_WARNING, target->span, remedies[why], STR_FMT "%s %s",
               STR_ARG(name), account, texts[why]);
}

static void check_targets(struct checker *checker, size_t at)
{
    const struct ast_block *block = &checker->tree->rule[at].block;
    for (size_t i = 0; i < block->target_count; i++) {
        enum why why = why_dead(checker, checker->form[at], &block->target[i]);
        if (why != WHY_NONE)
            tell_target(checker, &block->target[i], why);
    }
    if (block->target_count == 0 && block->order != AST_ORDER_DECLINE &&
        why_dead(checker, checker->form[at], NULL) != WHY_NONE)
        check_tell(checker, SEVERITY_WARNING, block->order_span,
                   "decline these payments with a reason, or create an account that takes them",
                   "nobody can take any payment that this rule matches, by currency and operation");
}

/* ---- currencies and operations that nobody covers -------------------------------------------- */

struct covered {
    uint64_t currencies[CHECK_CURRENCY_WORDS];
    uint64_t told[CHECK_CURRENCY_WORDS];
    uint32_t operations, operations_told;
};

static void tell_currency(struct checker *checker, struct covered *covered,
                          const struct ast_value *value, const struct currency *currency)
{
    size_t at = currency_index(currency);
    uint64_t bit = UINT64_C(1) << (at % 64);
    if (((covered->currencies[at / 64] | covered->told[at / 64]) & bit) != 0)
        return;
    covered->told[at / 64] |= bit;
    check_tell(checker, SEVERITY_WARNING, value->span,
               "remove it, or create an account that takes it", "nobody takes %s: no %s does",
               currency->code,
               checker->context->has_accounts ? "account that is enabled" : "provider");
}

static void tell_operation(struct checker *checker, struct covered *covered,
                           const struct ast_value *value)
{
    static const uint32_t asked =
        1U << OPERATION_SALE | 1U << OPERATION_AUTHORIZE | 1U << OPERATION_PAYOUT;
    uint32_t missing = value->as.operations & asked & ~covered->operations;
    for (int i = 1; i < OPERATION_COUNT; i++) {
        if ((missing & ~covered->operations_told & 1U << i) == 0)
            continue;
        covered->operations_told |= 1U << i;
        check_tell(checker, SEVERITY_WARNING, value->span,
                   "remove it, or create an account that can", "nobody can %s: no %s does",
                   operation_name((enum operation)i),
                   checker->context->has_accounts ? "account that is enabled" : "provider");
    }
}

/* What a condition names. Depth is limited by the parser. */
static void check_named(struct checker *checker, struct covered *covered,
                        const struct ast_node *node)
{
    for (size_t i = 0; node->kind != AST_NAME && i < node->child_count; i++)
        check_named(checker, covered, node->child[i]);
    if (node->kind != AST_TEST)
        return;
    bool is_set = !str_is_empty(node->list.name); /* told where it is written, not at each use */
    for (size_t i = 0; i < node->list.count && !is_set; i++) {
        const struct ast_value *value = &node->list.value[i];
        if (node->fact.fact == FACT_CURRENCY)
            tell_currency(checker, covered, value, value->as.currency);
        else if (node->fact.fact == FACT_AMOUNT && node->fact.as == NULL)
            tell_currency(checker, covered, value, value->as.money.currency);
        else if (node->fact.fact == FACT_OPERATION)
            tell_operation(checker, covered, value);
    }
}

static void add_able(struct checker *checker, struct covered *covered, size_t at,
                     const struct check_ability *able)
{
    checker->able[at] =
        check_form_and(checker->space, check_form_currencies(checker->space, able->currencies),
                       check_form_operations(checker->space, able->operations));
    if (able->is_disabled)
        return;
    covered->operations |= able->operations;
    for (size_t i = 0; i < CHECK_CURRENCY_WORDS; i++)
        covered->currencies[i] |= able->currencies[i];
}

void check_abilities(struct checker *checker)
{
    const struct check_context *context = checker->context;
    const struct ast_tree *tree = checker->tree;
    struct covered covered = {.operations = 0};
    if (context->provider_count == 0 && !context->has_accounts)
        return;
    size_t count = context->has_accounts ? context->account_count : context->provider_count;
    checker->able = ARENA_ARRAY(checker->arena, const struct check_form *, count);
    for (size_t i = 0; i < count; i++)
        add_able(checker, &covered, i,
                 context->has_accounts ? &context->account[i] : &context->provider[i]);
    for (size_t i = 0; i < tree->condition_count; i++)
        check_named(checker, &covered, tree->condition[i].root);
    for (size_t i = 0; i < tree->rule_count && !diagnosis_is_full(checker->diagnosis); i++) {
        if (tree->rule[i].when != NULL)
            check_named(checker, &covered, tree->rule[i].when);
        if (checker->verdict[i].reach != CHECK_NEVER && checker->verdict[i].reach != CHECK_SHADOWED)
            check_targets(checker, i);
    }
}
