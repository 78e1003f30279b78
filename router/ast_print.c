#include "router/ast_print.h"

#include <inttypes.h>

enum {
    PERCENT_UNIT = 10000, /* millionths */
    US_PER_MS = 1000,
    US_PER_S = 1000 * 1000,
    MINUTES_PER_HOUR = 60,
};

static void print_quoted(struct str text, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, text.at[i]);
    }
    buf_add_char(out, '"');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* As a word when it is one. */
static void print_word(struct str text, struct buf *out)
{
    bool is_word = text.len > 0 && is_letter(text.at[0]);
    for (size_t i = 1; i < text.len && is_word; i++) {
        char c = text.at[i];
        is_word = is_letter(c) || (c >= '0' && c <= '9') || c == '-';
    }
    if (is_word) {
        buf_add_str(out, text);
    } else {
        print_quoted(text, out);
    }
}

/* whole.fraction of `unit`, without zeros at the end. */
static void print_decimal(int64_t value, int64_t unit, struct buf *out)
{
    buf_printf(out, "%" PRId64, value / unit);
    int64_t rest = value % unit;
    if (rest > 0) {
        buf_add_char(out, '.');
    }
    while (rest > 0) {
        unit /= 10;
        buf_printf(out, "%" PRId64, rest / unit);
        rest %= unit;
    }
}

static void print_operations(uint32_t bits, struct buf *out)
{
    if (bits == (1U << OPERATION_SALE | 1U << OPERATION_AUTHORIZE)) {
        buf_add_str(out, STR("payment"));
        return;
    }
    for (int i = OPERATION_NONE + 1; i < OPERATION_COUNT; i++) {
        if (bits == 1U << i) {
            buf_printf(out, "%s", operation_name((enum operation)i));
        }
    }
}

void ast_print_value(const struct ast_value *value, struct buf *out)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    char amount[MONEY_TEXT_SIZE];
    int64_t number = value->as.number;
    switch (value->type) {
    case FACT_TYPE_MONEY:
        buf_add_str(
            out, money_format(value->as.money.minor, value->as.money.currency->exponent, amount));
        buf_printf(out, " %s", value->as.money.currency->code);
        return;
    case FACT_TYPE_CURRENCY:
        buf_printf(out, "%s", value->as.currency->code);
        return;
    case FACT_TYPE_OPERATION:
        print_operations(value->as.operations, out);
        return;
    case FACT_TYPE_WORD:
    case FACT_TYPE_COUNTRY:
        print_word(value->as.text, out);
        return;
    case FACT_TYPE_TEXT:
        print_quoted(value->as.text, out);
        return;
    case FACT_TYPE_DIGITS:
        if (value->as.digits.count == 0) {
            buf_add_str(out, STR("\"\""));
        } else {
            buf_printf(out, "%0*" PRIu32, value->as.digits.count, value->as.digits.number);
        }
        return;
    case FACT_TYPE_NUMBER:
        buf_printf(out, "%" PRId64, number);
        return;
    case FACT_TYPE_PERCENT:
        print_decimal(number, PERCENT_UNIT, out);
        buf_add_char(out, '%');
        return;
    case FACT_TYPE_DURATION:
        print_decimal(number, number % US_PER_S == 0 ? US_PER_S : US_PER_MS, out);
        buf_add_str(out, number % US_PER_S == 0 ? STR("s") : STR("ms"));
        return;
    case FACT_TYPE_TIME:
        buf_printf(out, "%02d:%02d", (int)(number / MINUTES_PER_HOUR),
                   (int)(number % MINUTES_PER_HOUR));
        return;
    case FACT_TYPE_WEEKDAY:
        CHECK(number >= 1 && number <= 7);
        buf_printf(out, "%s", days[number - 1]);
        return;
    case FACT_TYPE_NONE:
    case FACT_TYPE_FLAG:
    case FACT_TYPE_COST:
    case FACT_TYPE_COUNT:
        break;
    }
    CHECK(value->type == FACT_TYPE_NONE); /* No value has such a type. */
}

void ast_print_target(const struct ast_target *target, struct buf *out)
{
    buf_add_str(out, target->provider);
    if (!str_is_empty(target->account)) {
        buf_add_char(out, ':');
        print_word(target->account, out);
    }
}

static void print_targets(const struct ast_target *target, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_str(out, i == 0 ? STR(" ") : STR(", "));
        ast_print_target(&target[i], out);
    }
}

/* ---- conditions ---- */

static void print_fact(const struct ast_tree *tree, const struct ast_fact *fact, struct buf *out)
{
    if (fact->target != NULL) {
        ast_print_target(fact->target, out);
        buf_add_char(out, '.');
    }
    buf_add_str(out, fact_info(fact->fact)->name);
    if (fact->fact == FACT_METADATA) {
        buf_add_char(out, '.');
        print_word(fact->member, out);
    }
    if (fact->as != NULL) {
        buf_printf(out, " as %s", fact->as->code);
    }
    if (fact->zone > 0) {
        buf_add_str(out, STR(" at "));
        print_quoted(tree->zone[fact->zone], out);
    }
}

static void print_list(const struct ast_list *list, struct buf *out)
{
    if (!str_is_empty(list->name)) {
        buf_add_str(out, list->name);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        buf_add_str(out, i == 0 ? STR("[") : STR(", "));
        ast_print_value(&list->value[i], out);
    }
    buf_add_char(out, ']');
}

static void print_test(const struct ast_tree *tree, const struct ast_node *node, struct buf *out)
{
    static const char *const signs[AST_SIGN_COUNT] = {
        [AST_EQUAL] = " == ",
        [AST_UNEQUAL] = " != ",
        [AST_LESS] = " < ",
        [AST_LESS_EQUAL] = " <= ",
        [AST_GREATER] = " > ",
        [AST_GREATER_EQUAL] = " >= ",
        [AST_IN] = " in ",
        [AST_NOT_IN] = " not in ",
        [AST_WITHIN] = " in ",
        [AST_NOT_WITHIN] = " not in ",
        [AST_STARTS] = " starts with ",
        [AST_MATCHES] = " matches ",
    };
    const struct ast_list *list = &node->list;
    print_fact(tree, &node->fact, out);
    if (node->sign == AST_IS) {
        return;
    }
    buf_printf(out, "%s", signs[node->sign]);
    if (node->sign == AST_IN || node->sign == AST_NOT_IN) {
        print_list(list, out);
        return;
    }
    ast_print_value(&list->value[0], out);
    if (node->sign == AST_WITHIN || node->sign == AST_NOT_WITHIN) {
        buf_add_str(out, STR(".."));
        ast_print_value(&list->value[1], out);
    }
}

static void print_node(const struct ast_tree *tree, const struct ast_node *node, bool needs_round,
                       struct buf *out);

static void print_children(const struct ast_tree *tree, const struct ast_node *node,
                           struct buf *out)
{
    for (size_t i = 0; i < node->child_count; i++) {
        enum ast_kind kind = node->child[i]->kind;
        if (i > 0) {
            buf_add_str(out, node->kind == AST_AND ? STR(" and ") : STR(" or "));
        }
        print_node(tree, node->child[i],
                   kind == AST_OR || (kind == AST_AND && node->kind == AST_AND), out);
    }
}

static void print_node(const struct ast_tree *tree, const struct ast_node *node, bool needs_round,
                       struct buf *out)
{
    if (needs_round) {
        buf_add_char(out, '(');
    }
    switch (node->kind) {
    case AST_TRUE:
    case AST_FALSE:
    case AST_NONE:
    case AST_KIND_COUNT:
        /* Of files with mistakes; not the language. */
        buf_add_str(out, node->kind == AST_TRUE ? STR("true") : STR("false"));
        break;
    case AST_AND:
    case AST_OR:
        print_children(tree, node, out);
        break;
    case AST_NOT:
        buf_add_str(out, STR("not "));
        print_node(tree, node->child[0],
                   node->child[0]->kind == AST_AND || node->child[0]->kind == AST_OR, out);
        break;
    case AST_NAME:
        buf_add_str(out, node->name);
        break;
    case AST_TEST:
        print_test(tree, node, out);
        break;
    }
    if (needs_round) {
        buf_add_char(out, ')');
    }
}

void ast_print_condition(const struct ast_tree *tree, const struct ast_node *node, struct buf *out)
{
    print_node(tree, node, false, out);
}

/* ---- blocks ---- */

static void print_percent(uint32_t millionths, struct buf *out)
{
    print_decimal(millionths, PERCENT_UNIT, out);
    buf_add_char(out, '%');
}

static void print_split(const struct ast_tree *tree, const struct ast_block *block, struct buf *out)
{
    buf_add_str(out, STR("split"));
    for (size_t i = 0; i < block->target_count; i++) {
        buf_add_str(out, i == 0 ? STR(" ") : STR(", "));
        print_percent(block->share[i], out);
        buf_add_char(out, ' ');
        ast_print_target(&block->target[i], out);
    }
    if (block->sticky == AST_STICKY_METADATA) {
        buf_add_str(out, STR(" by metadata."));
        print_word(tree->metadata_name[block->sticky_text - FACT_COUNT], out);
    } else if (block->sticky != AST_STICKY_DRAW) {
        buf_add_str(out, block->sticky == AST_STICKY_CUSTOMER ? STR(" by customer")
                                                              : STR(" by reference"));
    }
}

static void print_order(const struct ast_tree *tree, const struct ast_block *block, struct buf *out)
{
    static const char *const orders[AST_ORDER_COUNT] = {
        [AST_ORDER_COST] = "by cost",
        [AST_ORDER_SUCCESS] = "by success",
        [AST_ORDER_VALUE] = "by value",
        [AST_ORDER_LATENCY] = "by latency",
    };
    if (block->order == AST_ORDER_SPLIT) {
        print_split(tree, block, out);
        return;
    }
    if (block->order == AST_ORDER_DECLINE) {
        buf_add_str(out, STR("decline "));
        print_quoted(block->reason, out);
        return;
    }
    buf_printf(out, "%s", block->order == AST_ORDER_LIST ? "use" : orders[block->order]);
    bool has_failure = block->failure.type == FACT_TYPE_MONEY;
    if (block->order == AST_ORDER_VALUE && (block->margin > 0 || has_failure)) {
        buf_add_str(out, STR(" with margin "));
        print_percent(block->margin, out);
    }
    if (has_failure) {
        buf_add_str(out, STR(" and failure "));
        ast_print_value(&block->failure, out);
    }
    if (block->order != AST_ORDER_LIST && block->target_count > 0) {
        buf_add_str(out, STR(" of"));
    }
    print_targets(block->target, block->target_count, out);
}

static void print_sieve(const struct ast_tree *tree, const struct ast_sieve *sieve, struct buf *out)
{
    buf_add_str(out, sieve->kind == AST_ONLY    ? STR("; only")
                     : sieve->kind == AST_NEVER ? STR("; never")
                                                : STR("; avoid"));
    if (sieve->where != NULL) {
        buf_add_str(out, STR(" where "));
        ast_print_condition(tree, sieve->where, out);
    }
    print_targets(sieve->target, sieve->target_count, out);
}

static void print_block(const struct ast_tree *tree, const struct ast_block *block, bool has_shadow,
                        struct buf *out)
{
    buf_add_str(out, STR("{ "));
    print_order(tree, block, out);
    for (size_t i = 0; i < block->sieve_count; i++) {
        print_sieve(tree, &block->sieve[i], out);
    }
    if (block->depth_max == 1 && block->within_us == 0) {
        buf_add_str(out, STR("; failover none"));
    } else if (block->depth_max > 0 || block->within_us > 0) {
        buf_add_str(out, STR("; failover"));
    }
    if (block->depth_max > 1 || (block->depth_max == 1 && block->within_us > 0)) {
        buf_printf(out, " at most %d", block->depth_max);
    }
    if (block->within_us > 0) {
        struct ast_value within = {.type = FACT_TYPE_DURATION, .as.number = block->within_us};
        buf_add_str(out, STR(" within "));
        ast_print_value(&within, out);
    }
    if (has_shadow && block->shadow != NULL) {
        buf_add_str(out, STR("; shadow "));
        print_block(tree, block->shadow, false, out); /* a shadow has none itself */
    }
    buf_add_str(out, STR(" }"));
}

void ast_print_block(const struct ast_tree *tree, const struct ast_block *block, struct buf *out)
{
    print_block(tree, block, true, out);
}

void ast_print_rule(const struct ast_tree *tree, const struct ast_rule *rule, struct buf *out)
{
    bool is_last = str_eq(rule->name, STR("default"));
    buf_add_str(out, is_last ? STR("otherwise ") : STR("rule "));
    if (!is_last) {
        print_quoted(rule->name, out);
        buf_add_char(out, ' ');
    }
    if (rule->when != NULL) {
        buf_add_str(out, STR("when "));
        ast_print_condition(tree, rule->when, out);
        buf_add_char(out, ' ');
    }
    print_block(tree, &rule->block, true, out);
    buf_add_char(out, '\n');
}

void ast_print(const struct ast_tree *tree, struct buf *out)
{
    if (!str_eq(tree->zone[0], STR("UTC"))) {
        buf_add_str(out, STR("zone "));
        print_quoted(tree->zone[0], out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < tree->set_count; i++) {
        struct ast_list values = tree->set[i].list;
        values.name = STR_NONE;
        buf_printf(out, "set " STR_FMT " = ", STR_ARG(tree->set[i].name));
        print_list(&values, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < tree->condition_count; i++) {
        buf_printf(out, "condition " STR_FMT " = ", STR_ARG(tree->condition[i].name));
        ast_print_condition(tree, tree->condition[i].root, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < tree->rule_count; i++) {
        ast_print_rule(tree, &tree->rule[i], out);
    }
}
