#include "router/interpret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "router/run.h"

struct str interpret_text(const struct interpreter *in, const struct ast_fact *fact,
                          size_t candidate)
{
    const struct route_facts *facts = in->measures->facts;
    switch ((int)fact->fact) {
    case FACT_METHOD:
        return facts->method;
    case FACT_COUNTRY:
        return facts->country;
    case FACT_MERCHANT:
        return facts->merchant;
    case FACT_CARD_BRAND:
        return facts->card_brand;
    case FACT_CARD_COUNTRY:
        return facts->card_country;
    case FACT_BIN:
        return facts->bin;
    case FACT_BENEFICIARY_COUNTRY:
        return facts->beneficiary_country;
    case FACT_REFERENCE:
        return facts->reference;
    case FACT_PREVIOUS_DECLINE:
        return facts->previous_decline;
    case FACT_PREVIOUS_REASON:
        return facts->previous_reason;
    case FACT_PROVIDER:
        return candidate == INTERPRET_NO_CANDIDATE ? STR_NONE
                                                   : in->measures->candidate[candidate].provider;
    case FACT_ACCOUNT:
        return candidate == INTERPRET_NO_CANDIDATE
                   ? STR_NONE
                   : in->measures->candidate[candidate].account_name;
    default:
        break;
    }
    for (size_t i = 0; i < facts->metadata_count; i++) {
        if (str_eq(facts->metadata[i].name, fact->member))
            return facts->metadata[i].value;
    }
    return STR_NONE;
}

int64_t interpret_moment(const struct interpreter *in, const struct ast_fact *fact)
{
    struct zone_moment moment;
    zone_read(in->zone[fact->zone], in->measures->facts->now_us, &moment);
    return fact->fact == FACT_WEEKDAY ? moment.weekday : moment.minute;
}

/* -1, 0, 1: how `a` stands to `b`. */
static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* How a fact stands to a value; false: the comparison means nothing, and is not true. */
static bool compare_money(const struct interpreter *in, const struct ast_node *node,
                          const struct ast_value *value, int *order)
{
    const struct route_facts *facts = in->measures->facts;
    int64_t amount = facts->amount_minor;
    const struct currency *currency = facts->currency;
    if (node->fact.as != NULL) {
        currency = node->fact.as;
        if (!measure_amount_as(facts, currency, &amount))
            return false;
    }
    *order = order_of(amount, value->as.money.minor);
    return currency == value->as.money.currency;
}

static bool compare_measure(const struct interpreter *in, const struct ast_node *node,
                            const struct ast_value *value, size_t candidate, int *order)
{
    int64_t measured = 0;
    const struct ast_target *target = node->fact.target;
    bool is_known = target != NULL && !str_is_empty(target->provider)
                        ? measure_of_target(in->measures, node->fact.fact, target, &measured)
                        : candidate != INTERPRET_NO_CANDIDATE &&
                              measure_of(in->measures, node->fact.fact, candidate, &measured);
    if (node->sign == AST_IS) {
        *order = measured != 0 ? 0 : 1;
        return is_known;
    }
    if (value->type == FACT_TYPE_MONEY) {
        *order = order_of(measured, value->as.money.minor);
        return is_known && value->as.money.currency == in->measures->facts->currency;
    }
    if (node->fact.fact == FACT_COST) { /* fee / amount against number / 1,000,000 */
        __extension__ typedef __int128 wide;
        wide left = (wide)measured * 1000000;
        wide right = (wide)value->as.number * in->measures->facts->amount_minor;
        *order = (left > right) - (left < right);
    } else {
        *order = order_of(measured, value->as.number);
    }
    return is_known;
}

/* As many digits of the card's as the value has; "" is no digits at all. */
static int compare_digits(struct str bin, const struct ast_value *value, bool *is_known)
{
    char digits[ROUTE_BIN_DIGITS_MAX + 1];
    size_t count = value->as.digits.count;
    *is_known = bin.len >= count;
    if (count == 0 || !*is_known)
        return bin.len == 0 ? 0 : 1;
    (void)snprintf(digits, sizeof(digits), "%0*" PRIu32, (int)count, value->as.digits.number);
    return memcmp(bin.at, digits, count);
}

static bool compare(const struct interpreter *in, const struct ast_node *node,
                    const struct ast_value *value, size_t candidate, int *order)
{
    const struct route_facts *facts = in->measures->facts;
    bool is_known = true;
    switch (fact_info(node->fact.fact)->type) {
    case FACT_TYPE_MONEY:
        return compare_money(in, node, value, order);
    case FACT_TYPE_CURRENCY:
        *order = facts->currency == value->as.currency ? 0 : 1;
        return true;
    case FACT_TYPE_OPERATION:
        *order = (value->as.operations >> facts->operation & 1) != 0 ? 0 : 1;
        return true;
    case FACT_TYPE_WORD:
    case FACT_TYPE_COUNTRY:
    case FACT_TYPE_TEXT:
        *order = str_eq(interpret_text(in, &node->fact, candidate), value->as.text) ? 0 : 1;
        return true;
    case FACT_TYPE_DIGITS:
        *order = compare_digits(facts->bin, value, &is_known);
        return is_known;
    case FACT_TYPE_NUMBER:
        *order = order_of(facts->attempt == 0 ? 1 : facts->attempt, value->as.number);
        return true;
    case FACT_TYPE_TIME:
        *order = order_of(interpret_moment(in, &node->fact), value->as.number);
        return true;
    case FACT_TYPE_WEEKDAY:
        *order = order_of(interpret_moment(in, &node->fact), value->as.number);
        return true;
    case FACT_TYPE_PERCENT:
    case FACT_TYPE_DURATION:
    case FACT_TYPE_FLAG:
    case FACT_TYPE_COST:
        return compare_measure(in, node, value, candidate, order);
    case FACT_TYPE_NONE:
    case FACT_TYPE_COUNT:
        break;
    }
    return false;
}

/* Facts that a payment may lack: with them no comparison is true, not even an unequal one. */
static bool is_partial(enum fact fact)
{
    return fact == FACT_AMOUNT || fact_info(fact)->scope == FACT_MEASURE;
}

static bool is_any(const struct interpreter *in, const struct ast_node *node, size_t candidate)
{
    for (size_t i = 0; i < node->list.count; i++) {
        int order = 0;
        if (compare(in, node, &node->list.value[i], candidate, &order) && order == 0)
            return true;
    }
    return false;
}

static bool is_none(const struct interpreter *in, const struct ast_node *node, size_t candidate)
{
    if (!is_partial(node->fact.fact))
        return !is_any(in, node, candidate);
    for (size_t i = 0; i < node->list.count; i++) {
        int order = 0;
        if (!compare(in, node, &node->list.value[i], candidate, &order) || order == 0)
            return false;
    }
    return true;
}

/* From the first value to the second; what goes round (time, weekday) may pass its end. */
static bool is_within(const struct interpreter *in, const struct ast_node *node, size_t candidate,
                      bool *is_known)
{
    int low = 0;
    int high = 0;
    const struct ast_value *value = node->list.value;
    bool is_low_known = compare(in, node, &value[0], candidate, &low);
    bool is_high_known = compare(in, node, &value[1], candidate, &high);
    *is_known = is_low_known && is_high_known;
    enum fact_type type = fact_info(node->fact.fact)->type;
    bool goes_round = (type == FACT_TYPE_TIME || type == FACT_TYPE_WEEKDAY) &&
                      value[0].as.number > value[1].as.number;
    return *is_known && (goes_round ? low >= 0 || high <= 0 : low >= 0 && high <= 0);
}

static bool interpret_test(const struct interpreter *in, const struct ast_node *node,
                           size_t candidate)
{
    int order = 0;
    bool is_known = false;
    switch (node->sign) {
    case AST_EQUAL:
    case AST_IN:
        return is_any(in, node, candidate);
    case AST_UNEQUAL:
    case AST_NOT_IN:
        return is_none(in, node, candidate);
    case AST_IS:
        return compare(in, node, NULL, candidate, &order) && order == 0;
    case AST_LESS:
        return compare(in, node, node->list.value, candidate, &order) && order < 0;
    case AST_LESS_EQUAL:
        return compare(in, node, node->list.value, candidate, &order) && order <= 0;
    case AST_GREATER:
        return compare(in, node, node->list.value, candidate, &order) && order > 0;
    case AST_GREATER_EQUAL:
        return compare(in, node, node->list.value, candidate, &order) && order >= 0;
    case AST_WITHIN:
        return is_within(in, node, candidate, &is_known);
    case AST_NOT_WITHIN:
        return !is_within(in, node, candidate, &is_known) &&
               (is_known || !is_partial(node->fact.fact));
    case AST_STARTS:
        return str_starts(interpret_text(in, &node->fact, candidate), node->list.value->as.text);
    case AST_MATCHES:
        return run_pattern(node->list.value->as.text, interpret_text(in, &node->fact, candidate));
    case AST_SIGN_NONE:
    case AST_SIGN_COUNT:
        break;
    }
    return false;
}

bool interpret_node(const struct interpreter *in, const struct ast_node *node, size_t candidate)
{
    switch (node->kind) {
    case AST_TRUE:
        return true;
    case AST_AND:
    case AST_OR:
        for (size_t i = 0; i < node->child_count; i++) {
            if (interpret_node(in, node->child[i], candidate) == (node->kind == AST_OR))
                return node->kind == AST_OR;
        }
        return node->kind == AST_AND;
    case AST_NOT:
        return !interpret_node(in, node->child[0], candidate);
    case AST_NAME:
        return interpret_node(in, node->child[0], candidate);
    case AST_TEST:
        return interpret_test(in, node, candidate);
    case AST_NONE:
    case AST_FALSE:
    case AST_KIND_COUNT:
        break;
    }
    return false;
}

size_t interpret_rules(const struct interpreter *in)
{
    for (size_t i = 0;; i++) {
        CHECK(i < in->tree->rule_count); /* the last matches always */
        const struct ast_rule *rule = &in->tree->rule[i];
        if (rule->when == NULL || interpret_node(in, rule->when, INTERPRET_NO_CANDIDATE))
            return i;
    }
}
