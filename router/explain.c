#include "router/explain.h"

#include "base/json.h"
#include "router/ast_print.h"
#include "router/interpret.h"
#include "router/program.h"

enum {
    CONDITION_BYTES_MAX = 65536,
    DECISION_BYTES_MAX = 65536,
};

struct explainer {
    const struct rule_set *rules;
    struct interpreter interpreter;
    struct json_out *out;
    size_t told; /* conditions of this rule */
};

static void put_test(struct explainer *e, const struct ast_node *node)
{
    struct buf text;
    buf_init(&text, CONDITION_BYTES_MAX);
    ast_print_condition(e->interpreter.tree, node, &text);
    json_begin_object(e->out);
    json_put_str(e->out, "condition", buf_str(&text));
    json_put_bool(e->out, "holds", interpret_node(&e->interpreter, node, INTERPRET_NO_CANDIDATE));
    json_end_object(e->out);
    buf_release(&text);
}

/* The comparisons of a condition, in the order of the file; its depth is limited by the parser. */
static void put_tests(struct explainer *e, const struct ast_node *node)
{
    if (node->kind == AST_TEST && e->told < EXPLAIN_CONDITION_MAX) {
        e->told++;
        put_test(e, node);
    }
    for (size_t i = 0; i < node->child_count; i++)
        put_tests(e, node->child[i]);
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
    if (rule->when != NULL)
        put_tests(e, rule->when);
    json_end_array(e->out);
    json_end_object(e->out);
}

void route_explain(const struct rule_set *rules, const struct route_facts *facts,
                   const struct route_candidate *candidates, size_t candidate_count, uint64_t draw,
                   struct buf *buf)
{
    struct measures measures;
    struct route_decision decision;
    struct json_out out;
    struct buf record;
    measures_init(&measures, facts, candidates, candidate_count);
    struct explainer e = {
        .rules = rules,
        .interpreter = {rule_set_tree(rules), rule_set_program(rules)->zone, &measures},
        .out = &out,
    };
    size_t matched = interpret_rules(&e.interpreter);
    size_t first = matched >= EXPLAIN_RULE_MAX ? matched + 1 - EXPLAIN_RULE_MAX : 0;
    json_out_init(&out, buf);
    json_begin_object(&out);
    json_key(&out, "rules");
    json_begin_array(&out);
    for (size_t i = first; i <= matched; i++)
        put_rule(&e, &rule_set_tree(rules)->rule[i], i == matched);
    json_end_array(&out);
    json_put_int(&out, "skipped", (int64_t)first);
    buf_init(&record, DECISION_BYTES_MAX);
    route_decide(rules, facts, candidates, candidate_count, draw, &decision);
    /* Both read the same rules: were they to differ, the explanation would be a lie. */
    CHECK(str_eq(decision.rule, rule_set_tree(rules)->rule[matched].name));
    route_decision_print(&decision, candidates, &record);
    CHECK(buf_is_ok(&record));
    json_put_raw(&out, "decision", buf_str(&record));
    buf_release(&record);
    json_end_object(&out);
}
