#include "router/explain.h"

#include <inttypes.h>

#include "router/ast_print.h"
#include "router/interpret.h"
#include "router/program.h"
#include "router/run.h"

enum {
    TEXT_BYTES_MAX = 65536,
    BLOCK_BYTES_MAX = 4096,
    TEST_WEIGHT = 64,      /* of the names around what is told */
    STEPS_PER_WEIGHT = 16, /* of a pattern: compared in about the time that a byte takes */
    MILLION = 1000000,
};

struct explainer {
    const struct rule_set *rules;
    const struct measures *measures;
    struct interpreter interpreter;
    struct json_out *out;
    size_t told;    /* conditions of this rule */
    size_t skipped; /* ... and those that are too much */
    size_t weight;  /* of those that are told */
};

/* ---- what was seen --------------------------------------------------------------------------- */

/* Of an account or a provider; false: not known. */
static bool read_measure(const struct explainer *e, const struct ast_node *node,
                         struct ast_value *value)
{
    const struct route_facts *facts = e->measures->facts;
    int64_t measured = 0;
    if (node->fact.target == NULL || str_is_empty(node->fact.target->provider) ||
        !measure_of_target(e->measures, node->fact.fact, node->fact.target, &measured))
        return false;
    value->type = fact_info(node->fact.fact)->type;
    value->as.number = measured;
    if (value->type != FACT_TYPE_COST)
        return true;
    bool is_money = node->list.count > 0 && node->list.value[0].type == FACT_TYPE_MONEY;
    value->type = is_money ? FACT_TYPE_MONEY : FACT_TYPE_PERCENT;
    if (is_money) {
        value->as.money.minor = measured;
        value->as.money.currency = facts->currency;
    } else { /* rounded for the eye; the comparison does not divide */
        __extension__ typedef __int128 wide;
        int64_t amount = facts->amount_minor > 0 ? facts->amount_minor : 1;
        value->as.number = (int64_t)(((wide)measured * MILLION + amount / 2) / amount);
    }
    return true;
}

static bool read_amount(const struct explainer *e, const struct ast_node *node,
                        struct ast_value *value)
{
    const struct route_facts *facts = e->measures->facts;
    value->type = FACT_TYPE_MONEY;
    value->as.money.minor = facts->amount_minor;
    value->as.money.currency = node->fact.as != NULL ? node->fact.as : facts->currency;
    return node->fact.as == NULL || measure_amount_as(facts, node->fact.as, &value->as.money.minor);
}

/* What is no text, as a value of the language; false: not known. */
static bool read_value(const struct explainer *e, const struct ast_node *node,
                       struct ast_value *value)
{
    const struct route_facts *facts = e->measures->facts;
    *value = (struct ast_value){.type = fact_info(node->fact.fact)->type};
    switch ((int)node->fact.fact) {
    case FACT_AMOUNT:
        return read_amount(e, node, value);
    case FACT_CURRENCY:
        value->as.currency = facts->currency;
        return true;
    case FACT_OPERATION:
        value->as.operations = 1U << facts->operation;
        return true;
    case FACT_ATTEMPT:
        value->as.number = facts->attempt == 0 ? 1 : facts->attempt;
        return true;
    case FACT_WEEKDAY:
    case FACT_TIME:
        value->as.number = interpret_moment(&e->interpreter, &node->fact);
        return true;
    default:
        return read_measure(e, node, value);
    }
}

static bool is_text(enum fact_type type)
{
    return type == FACT_TYPE_WORD || type == FACT_TYPE_COUNTRY || type == FACT_TYPE_TEXT ||
           type == FACT_TYPE_DIGITS;
}

static void put_seen(struct explainer *e, const struct ast_node *node)
{
    struct ast_value value;
    struct buf text;
    if (is_text(fact_info(node->fact.fact)->type)) {
        json_put_str(e->out, "saw",
                     interpret_text(&e->interpreter, &node->fact, INTERPRET_NO_CANDIDATE));
        return;
    }
    if (!read_value(e, node, &value)) {
        json_put_null(e->out, "saw");
        return;
    }
    if (value.type == FACT_TYPE_FLAG) {
        json_put_cstr(e->out, "saw", value.as.number != 0 ? "true" : "false");
        return;
    }
    buf_init(&text, TEXT_BYTES_MAX);
    ast_print_value(&value, &text);
    json_put_str(e->out, "saw", buf_str(&text));
    buf_release(&text);
}

/* ---- how much it is -------------------------------------------------------------------------- */

static size_t weigh_test(const struct explainer *e, const struct ast_node *node)
{
    struct str seen = STR_NONE;
    size_t compared = node->list.count; /* each takes longer than a byte that is told */
    size_t shown = node->list.name.len;
    if (is_text(fact_info(node->fact.fact)->type))
        seen = interpret_text(&e->interpreter, &node->fact, INTERPRET_NO_CANDIDATE);
    if (node->sign == AST_MATCHES) /* at worst */
        compared = (node->list.value->as.text.len + 1) * (seen.len + 1) / STEPS_PER_WEIGHT;
    for (size_t i = 0; shown == 0 && i < node->list.count && i < EXPLAIN_VALUE_MAX; i++)
        shown += fact_info(node->fact.fact)->type == FACT_TYPE_TEXT
                     ? node->list.value[i].as.text.len
                     : TEST_WEIGHT / EXPLAIN_VALUE_MAX;
    return TEST_WEIGHT + shown + seen.len + compared;
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* A list that is written in place is told by its first values, as the name of a set would be. */
static void print_test(const struct explainer *e, const struct ast_node *node, struct buf *out)
{
    bool is_long = (node->sign == AST_IN || node->sign == AST_NOT_IN) &&
                   node->list.count > EXPLAIN_VALUE_MAX && str_is_empty(node->list.name);
    if (!is_long) {
        ast_print_condition(e->interpreter.tree, node, out);
        return;
    }
    struct buf list;
    struct ast_node cut = *node;
    buf_init(&list, TEXT_BYTES_MAX);
    for (size_t i = 0; i < EXPLAIN_VALUE_MAX; i++) {
        buf_add_str(&list, i == 0 ? STR("[") : STR(", "));
        ast_print_value(&node->list.value[i], &list);
    }
    buf_printf(&list, ", ... %zu values]", node->list.count);
    cut.list.name = buf_str(&list);
    ast_print_condition(e->interpreter.tree, &cut, out);
    buf_release(&list);
}

static void put_test(struct explainer *e, const struct ast_node *node)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    print_test(e, node, &text);
    json_begin_object(e->out);
    json_put_str(e->out, "condition", buf_str(&text));
    json_put_bool(e->out, "holds", interpret_node(&e->interpreter, node, INTERPRET_NO_CANDIDATE));
    put_seen(e, node);
    json_end_object(e->out);
    buf_release(&text);
}

/* The comparisons of a condition, in the order of the file; its depth is limited by the parser. */
static void put_tests(struct explainer *e, const struct ast_node *node)
{
    if (node->kind == AST_TEST) {
        size_t weight = weigh_test(e, node);
        if (e->told < EXPLAIN_CONDITION_MAX && e->weight + weight <= EXPLAIN_WEIGHT_MAX) {
            e->told++;
            e->weight += weight;
            put_test(e, node);
        } else {
            e->skipped++;
        }
    }
    for (size_t i = 0; i < node->child_count; i++)
        put_tests(e, node->child[i]);
}

/* ---- which rules are told -------------------------------------------------------------------- */

/* Of those that would be told; *told counts all. */
static size_t weigh(const struct explainer *e, const struct ast_node *node, size_t *told)
{
    size_t sum = 0;
    if (node->kind == AST_TEST && (*told)++ < EXPLAIN_CONDITION_MAX)
        sum += weigh_test(e, node);
    for (size_t i = 0; i < node->child_count; i++)
        sum += weigh(e, node->child[i], told);
    return sum;
}

/* The first rule that is told, so that those from it to the match are not too much. */
static size_t find_first(const struct explainer *e, size_t matched)
{
    size_t weight = 0;
    for (size_t i = matched + 1; i > 0; i--) {
        const struct ast_rule *rule = &e->interpreter.tree->rule[i - 1];
        size_t told = 0;
        weight += TEST_WEIGHT + rule->name.len;
        weight += rule->when != NULL ? weigh(e, rule->when, &told) : 0;
        bool is_too_much = weight > EXPLAIN_WEIGHT_MAX || matched + 1 - i >= EXPLAIN_RULE_MAX;
        if (is_too_much && i <= matched) /* the match itself is always told */
            return i;
    }
    return 0;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void put_block(struct explainer *e, const struct ast_rule *rule)
{
    struct buf text;
    buf_init(&text, BLOCK_BYTES_MAX);
    ast_print_block(e->interpreter.tree, &rule->block, &text);
    if (buf_is_ok(&text))
        json_put_str(e->out, "does", buf_str(&text));
    else /* a condition of candidates with a list of thousands */
        json_put_null(e->out, "does");
    buf_release(&text);
}

static void put_rule(struct explainer *e, const struct ast_rule *rule, bool is_matched)
{
    json_begin_object(e->out);
    json_put_str(e->out, "rule", rule->name);
    json_put_int(e->out, "line", rule->name_span.from.line);
    json_put_bool(e->out, "matched", is_matched);
    json_key(e->out, "conditions");
    json_begin_array(e->out);
    e->told = 0;
    e->skipped = 0;
    e->weight = 0;
    if (rule->when != NULL)
        put_tests(e, rule->when);
    json_end_array(e->out);
    if (e->skipped > 0)
        json_put_int(e->out, "conditions_skipped", (int64_t)e->skipped);
    if (is_matched)
        put_block(e, rule);
    json_end_object(e->out);
}

static size_t find_match(const struct rule_set *rules, const struct measures *measures)
{
    struct run run;
    const struct program *program = rule_set_program(rules);
    run_init(&run, program, measures);
    return (size_t)(run_rules(&run) - program->rule);
}

void route_explain(const struct rule_set *rules, const struct route_facts *facts,
                   const struct route_candidate *candidates, size_t candidate_count,
                   struct json_out *out)
{
    struct measures measures;
    const struct ast_tree *tree = rule_set_tree(rules);
    measures_init(&measures, facts, candidates, candidate_count);
    struct explainer e = {
        .rules = rules,
        .measures = &measures,
        .interpreter = {tree, rule_set_program(rules)->zone, &measures},
        .out = out,
    };
    size_t matched = find_match(rules, &measures);
    /* The program has the tree's rules, in its order: else the explanation would be of another. */
    CHECK(matched < tree->rule_count);
    CHECK(str_eq(tree->rule[matched].name, rule_set_rule_name(rules, matched)));
    size_t first = find_first(&e, matched);
    json_key(out, "rules");
    json_begin_array(out);
    for (size_t i = first; i <= matched; i++)
        put_rule(&e, &tree->rule[i], i == matched);
    json_end_array(out);
    json_put_int(out, "skipped", (int64_t)first);
}
