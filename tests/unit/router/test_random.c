/*
 * test_random.c - the compiled evaluator against a naive one that walks a tree, on random rule
 * sets.
 *
 * ROUTER_SEED=n in the environment runs one seed; a failure prints it and the rules.
 */
#include "support.h"

#include "base/rng.h"

enum {
    SETS = 1000,
    PAYMENTS = 200,
    RULES_MAX = 6,
    NODES_MAX = 400,
    VALUES_MAX = 4,
};

enum node_kind { NODE_TEST, NODE_NOT, NODE_AND, NODE_OR };

struct node {
    enum node_kind kind;
    int left, right;
    unsigned fact, sign; /* of a test: indices into the tables below */
    unsigned values[VALUES_MAX];
    unsigned value_count;
};

struct model { /* a rule set as a tree */
    struct node nodes[NODES_MAX];
    int node_count;
    int roots[RULES_MAX]; /* -1: no condition */
    int rule_count;
};

struct payment {
    unsigned value[7]; /* index into the fact's values */
    int64_t amount_minor;
};

/* clang-format off */
static const struct {
    const char *name;
    const char *values[5]; /* as written in rules */
    const char *plain[5];  /* as facts have them */
} facts[] = {
    { "amount",           { "1.00 EUR", "2 EUR", "2.50 USD", "300 JPY", "0.003 KWD" }, { "" } },
    { "currency",         { "EUR", "USD", "JPY", "\"KWD\"", "CHF" }, { "EUR", "USD", "JPY", "KWD", "CHF" } },
    { "operation",        { "sale", "authorize", "payout", "refund", "void" }, { "sale", "authorize", "payout", "refund", "void" } },
    { "method",           { "card", "wallet", "\"test\"", "bank", "x_1" }, { "card", "wallet", "test", "bank", "x_1" } },
    { "country",          { "DE", "AT", "\"\"", "US", "XK" }, { "DE", "AT", "", "US", "XK" } },
    { "metadata.tier",    { "\"gold\"", "\"\"", "\"a\\\"b\"", "\"\xC3\xA4\"", "\"or\"" }, { "gold", "", "a\"b", "\xC3\xA4", "or" } },
    { "metadata.\"a b\"", { "\"1\"", "\"2\"", "\"3\"", "\"4\"", "\"\"" }, { "1", "2", "3", "4", "" } },
};
static const struct { const char *currency; int64_t minor; } money[] = {
    { "EUR", 100 }, { "EUR", 200 }, { "USD", 250 }, { "JPY", 300 }, { "KWD", 3 },
};
static const char *const signs[] = { "==", "!=", "in", "not in", "<", "<=", ">", ">=" };
/* clang-format on */

static int make_node(struct model *model, struct rng *rng, int depth)
{
    int at = model->node_count++;
    struct node *node = &model->nodes[at];
    *node = (struct node){.kind = NODE_TEST};
    uint64_t pick = depth >= 5 || model->node_count > NODES_MAX - 60 ? 0 : rng_below(rng, 10);
    if (pick < 5) {
        node->fact = (unsigned)rng_below(rng, ARRAY_LEN(facts));
        node->sign = (unsigned)rng_below(rng, 4);
        if (node->fact == 0) {
            static const unsigned money_signs[] = {0, 1, 4, 5, 6, 7};
            node->sign = money_signs[rng_below(rng, 6)];
        }
        bool is_list = node->sign == 2 || node->sign == 3;
        node->value_count = is_list ? 1 + (unsigned)rng_below(rng, VALUES_MAX) : 1;
        for (unsigned i = 0; i < node->value_count; i++) {
            node->values[i] = (unsigned)rng_below(rng, 5);
        }
        return at;
    }
    node->kind = pick < 6 ? NODE_NOT : pick < 8 ? NODE_AND : NODE_OR;
    int left = make_node(model, rng, depth + 1);
    int right = node->kind == NODE_NOT ? -1 : make_node(model, rng, depth + 1);
    model->nodes[at].left = left;
    model->nodes[at].right = right;
    return at;
}

static void print_node(const struct model *model, int at, struct buf *out)
{
    const struct node *node = &model->nodes[at];
    if (node->kind == NODE_TEST) {
        bool is_list = node->sign == 2 || node->sign == 3;
        buf_printf(out, "%s %s %s", facts[node->fact].name, signs[node->sign], is_list ? "[" : "");
        for (unsigned i = 0; i < node->value_count; i++) {
            buf_printf(out, "%s%s", i == 0 ? "" : ", ", facts[node->fact].values[node->values[i]]);
        }
        buf_printf(out, "%s", is_list ? "]" : "");
        return;
    }
    if (node->kind == NODE_NOT) {
        buf_printf(out, "not (");
        print_node(model, node->left, out);
        buf_printf(out, ")");
        return;
    }
    /* Parentheses only where the precedence needs them, so that precedence is tested too. */
    bool is_and = node->kind == NODE_AND;
    for (int side = 0; side < 2; side++) {
        int child = side == 0 ? node->left : node->right;
        bool wrap = is_and && model->nodes[child].kind == NODE_OR;
        buf_printf(out, "%s%s", side == 0 ? "" : is_and ? " and " : "\n or ", wrap ? "(" : "");
        print_node(model, child, out);
        buf_printf(out, "%s", wrap ? ")" : "");
    }
}

static bool naive_test(const struct node *node, const struct payment *payment)
{
    const char *sign = signs[node->sign];
    if (node->fact == 0) {
        unsigned value = node->values[0];
        if (strcmp(money[value].currency, facts[1].plain[payment->value[1]]) != 0) {
            return false;
        }
        int64_t difference = payment->amount_minor - money[value].minor;
        return strcmp(sign, "==") == 0   ? difference == 0
               : strcmp(sign, "!=") == 0 ? difference != 0
               : strcmp(sign, "<") == 0  ? difference < 0
               : strcmp(sign, "<=") == 0 ? difference <= 0
               : strcmp(sign, ">") == 0  ? difference > 0
                                         : difference >= 0;
    }
    bool found = false;
    for (unsigned i = 0; i < node->value_count; i++) {
        found = found || node->values[i] == payment->value[node->fact];
    }
    return found == (node->sign == 0 || node->sign == 2);
}

static bool naive(const struct model *model, int at, const struct payment *payment)
{
    const struct node *node = &model->nodes[at];
    switch (node->kind) {
    case NODE_TEST:
        return naive_test(node, payment);
    case NODE_NOT:
        return !naive(model, node->left, payment);
    case NODE_AND:
        return naive(model, node->left, payment) && naive(model, node->right, payment);
    case NODE_OR:
        return naive(model, node->left, payment) || naive(model, node->right, payment);
    }
    return false;
}

static struct route_facts facts_from(const struct payment *payment, struct route_pair pairs[2])
{
    pairs[0] = (struct route_pair){STR("a b"), str_of(facts[6].plain[payment->value[6]])};
    pairs[1] = (struct route_pair){STR("tier"), str_of(facts[5].plain[payment->value[5]])};
    return (struct route_facts){
        .operation = operation_find(str_of(facts[2].plain[payment->value[2]])),
        .amount_minor = payment->amount_minor,
        .currency = currency_find(str_of(facts[1].plain[payment->value[1]])),
        .method = str_of(facts[3].plain[payment->value[3]]),
        .country = str_of(facts[4].plain[payment->value[4]]),
        .metadata = pairs,
        .metadata_count = 2,
    };
}

static void print_model(const struct model *model, struct buf *out)
{
    for (int i = 0; i < model->rule_count; i++) {
        buf_printf(out, "rule \"%d\" when ", i);
        print_node(model, model->roots[i], out);
        buf_printf(out, " { use paypal }\n");
    }
    buf_printf(out, "default { by cost }");
}

/* False when the checker refused the set (a condition twice is possible in random ones). */
static bool compare_one(uint64_t seed)
{
    struct rng rng;
    struct buf text;
    static struct model model;
    rng_seed(&rng, seed);
    buf_init(&text, 1 << 18);
    model.node_count = 0;
    model.rule_count = 1 + (int)rng_below(&rng, RULES_MAX);
    for (int i = 0; i < model.rule_count; i++) {
        model.roots[i] = make_node(&model, &rng, 0);
    }
    print_model(&model, &text);
    struct error err = {.text = ""};
    struct rule_set *rules = rule_set_new(buf_str(&text), providers_known, 4, &err);
    if (rules == NULL) {
        assert_non_null(strstr(err.text, "has the same condition"));
        buf_release(&text);
        return false;
    }
    for (int i = 0; i < PAYMENTS; i++) {
        struct payment payment;
        struct route_pair pairs[2];
        for (size_t k = 0; k < ARRAY_LEN(payment.value); k++) {
            payment.value[k] = (unsigned)rng_below(&rng, 5);
        }
        payment.amount_minor = money[rng_below(&rng, 5)].minor + (int64_t)rng_below(&rng, 3) - 1;
        int expected = 0;
        while (expected < model.rule_count && !naive(&model, model.roots[expected], &payment)) {
            expected++;
        }
        char name[16] = "default";
        if (expected < model.rule_count) {
            snprintf(name, sizeof(name), "%d", expected);
        }
        struct route_facts given = facts_from(&payment, pairs);
        struct str chosen = rule_for(rules, &given);
        if (!str_eq(chosen, str_of(name))) {
            fail_msg("rule " STR_FMT " instead of %s; run ROUTER_SEED=%llu\n" STR_FMT,
                     STR_ARG(chosen), name, (unsigned long long)seed, STR_ARG(buf_str(&text)));
        }
    }
    rule_set_free(&rules);
    buf_release(&text);
    return true;
}

static void compiled_and_naive_evaluation_agree(void **state)
{
    (void)state;
    const char *only = getenv("ROUTER_SEED");
    if (only != NULL) {
        assert_true(compare_one(strtoull(only, NULL, 10)));
        return;
    }
    int compared = 0;
    for (uint64_t seed = 1; compared < SETS; seed++) {
        compared += compare_one(seed);
        assert_true(seed < 2 * SETS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_and_naive_evaluation_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
