/*
 * eval.h - rules compiled to one flat array of tests, and the loop that runs them.
 *
 *     rule "r" when (currency == EUR or country == DE) and not method == card
 *
 *          test              true   false
 *       0  currency == EUR   2      1
 *       1  country == DE     2      miss
 *       2  method == card    miss   match
 *
 * and, or, not and parentheses exist only as the exits of tests, which always lead forward: a rule
 * takes at most as many steps as it has tests. No memory is allocated and nothing recurses.
 */
#ifndef ROUTER_EVAL_H
#define ROUTER_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/str.h"
#include "base/terms.h"
#include "router/facts.h"
#include "router/lex.h"

enum {
    EVAL_TEST_MAX = 16384,
    EVAL_OPERAND_MAX = 65535,
};

#define EVAL_MATCH UINT32_C(0xFFFFFFFE)
#define EVAL_MISS  UINT32_C(0xFFFFFFFF)

/* How a test compares. Unequal and not-in are equal and in with their exits swapped. */
enum compare {
    COMPARE_NONE = 0,
    COMPARE_ANY, /* equal to any of the operands */
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_EQUAL,
    COMPARE_MONEY_EQUAL,
    COMPARE_MONEY_UNEQUAL, /* in the operand's currency, another amount */
    COMPARE_COUNT,
};

union eval_operand {
    struct str text; /* borrowed from the rule set's text */
    struct {
        int64_t minor;
        const struct currency *currency;
    } money; /* a currency alone uses .currency */
    enum operation operation;
};

struct eval_test {
    uint8_t fact;    /* enum fact */
    uint8_t compare; /* enum compare */
    uint16_t text;   /* of a text fact: index into fact_values.text */
    uint32_t operand;
    uint32_t operand_count;
    uint32_t exit[2]; /* next test, EVAL_MATCH or EVAL_MISS; [0] when false, [1] when true */
};

struct eval_target { /* one entry of a provider list */
    struct str provider;
    struct str account; /* empty: any account of the provider */
};

struct eval_rule {
    struct str name;
    struct place place;
    uint32_t test;       /* first; EVAL_MATCH: unconditional */
    uint32_t test_count; /* they lie together */
    uint32_t target;     /* first of its list */
    uint32_t target_count;
    bool all;     /* every account is a target: `by cost` without `of` */
    bool by_cost; /* order by expected fee instead of by the list */
};

struct program { /* everything is owned by the rule set's arena */
    struct eval_test *tests;
    size_t test_count;
    union eval_operand *operands;
    size_t operand_count;
    struct eval_target *targets;
    size_t target_count;
    struct eval_rule *rules; /* in order; the last is the default */
    size_t rule_count;
    struct str metadata_names[ROUTE_METADATA_NAME_MAX];
    size_t metadata_name_count;
};

/* The first rule that matches; there is always one, for the default has no condition. */
const struct eval_rule *eval_program(const struct program *program,
                                     const struct fact_values *values);

#endif
