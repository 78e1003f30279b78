#include "router/eval.h"

static bool eval_money(const struct eval_test *test, const union eval_operand *operand,
                       const struct fact_values *values)
{
    if (values->currency != operand->money.currency) {
        return false;
    }
    int64_t amount = values->amount_minor;
    int64_t limit = operand->money.minor;
    switch ((enum compare)test->compare) {
    case COMPARE_LESS:
        return amount < limit;
    case COMPARE_LESS_EQUAL:
        return amount <= limit;
    case COMPARE_GREATER:
        return amount > limit;
    case COMPARE_GREATER_EQUAL:
        return amount >= limit;
    case COMPARE_MONEY_EQUAL:
        return amount == limit;
    case COMPARE_MONEY_UNEQUAL:
        return amount != limit;
    case COMPARE_NONE:
    case COMPARE_ANY:
    case COMPARE_COUNT:
        break;
    }
    CHECK(test->compare != COMPARE_ANY && test->compare != COMPARE_NONE);
    return false;
}

static bool eval_text(const struct eval_test *test, const union eval_operand *operands,
                      struct str value)
{
    for (uint32_t i = 0; i < test->operand_count; i++) {
        if (str_eq(operands[i].text, value)) {
            return true;
        }
    }
    return false;
}

static bool eval_test(const struct eval_test *test, const union eval_operand *operands,
                      const struct fact_values *values)
{
    if (test->fact == FACT_AMOUNT) {
        return eval_money(test, operands, values);
    }
    if (test->fact == FACT_CURRENCY) {
        for (uint32_t i = 0; i < test->operand_count; i++) {
            if (operands[i].money.currency == values->currency) {
                return true;
            }
        }
        return false;
    }
    if (test->fact == FACT_OPERATION) {
        for (uint32_t i = 0; i < test->operand_count; i++) {
            if (operands[i].operation == values->operation) {
                return true;
            }
        }
        return false;
    }
    return eval_text(test, operands, values->text[test->text]);
}

const struct eval_rule *eval_program(const struct program *program,
                                     const struct fact_values *values)
{
    for (size_t i = 0;; i++) {
        CHECK(i < program->rule_count); /* The default matches everything. */
        const struct eval_rule *rule = &program->rules[i];
        uint32_t at = rule->test;
        while (at < program->test_count) {
            const struct eval_test *test = &program->tests[at];
            at = test->exit[eval_test(test, program->operands + test->operand, values)];
        }
        if (at == EVAL_MATCH) {
            return rule;
        }
    }
}
