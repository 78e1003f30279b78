/*
 * program.h - a rule set as it is run: flat tests with exits, and tables that say which rules may
 * match at all.
 *
 *     rule "r" when (currency == EUR or country == DE) and not method == card
 *
 *          test                             false  true
 *       0  slot currency in 48..48          1      2
 *       1  slot country  in 1..1            MISS   2
 *       2  slot method   in 3..3            MATCH  MISS
 *
 * and, or, not and parentheses exist only as the exits of tests, which always lead forward: a rule
 * takes at most as many steps as it has tests, and nothing recurses.
 *
 * Every text that a file compares with has a number in the dictionary of its fact, from 1; 0 is any
 * other text. A payment's facts are looked up once, and tests compare numbers. The index (index.h)
 * has for each such number the rules that may match a payment that has it, as a bit each.
 */
#ifndef ROUTER_PROGRAM_H
#define ROUTER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mix.h"
#include "base/zone.h"
#include "router/ast.h"

enum {
    PROGRAM_TEST_MAX = 1 << 20,
    PROGRAM_RATED_MAX = 16, /* different currencies after `amount as` */
    PROGRAM_TEXT_COUNT = FACT_COUNT + ROUTE_METADATA_NAME_MAX, /* as in fact_values.text */
};

#define TEST_MATCH UINT32_C(0xFFFFFFFE)
#define TEST_MISS  UINT32_C(0xFFFFFFFF)

enum slot { /* the numbers that tests compare */
            SLOT_ZERO = 0,
            SLOT_CURRENCY,
            SLOT_OPERATION,
            SLOT_ATTEMPT,
            SLOT_WEEKDAY, /* by zone */
            SLOT_TIME = SLOT_WEEKDAY + ROUTE_ZONE_MAX,
            SLOT_TEXT = SLOT_TIME + ROUTE_ZONE_MAX, /* by text */
            SLOT_COUNT = SLOT_TEXT + PROGRAM_TEXT_COUNT,
};

enum test_kind {
    TEST_NONE = 0,
    TEST_RANGE,      /* slot is in low..high; low above high passes midnight, or Sunday */
    TEST_LIST,       /* slot is one of operands in program.numbers, ascending */
    TEST_MONEY,      /* currency is `slot`, and the amount in low..high */
    TEST_RATED,      /* the amount in program.rated[slot] is known, and in low..high */
    TEST_PREFIX,     /* text `slot` starts with program.texts[operand] */
    TEST_PATTERN,    /* text `slot` matches it */
    TEST_DIGITS,     /* the first `digits` digits of text `slot` are a number in low..high */
    TEST_CANDIDATE,  /* provider or account of the candidate is program.texts[operand] */
    TEST_STARTS,     /* ... starts with it */
    TEST_LIKE,       /* ... matches it */
    TEST_COST,       /* expected fee in money: currency is `slot`, and low..high */
    TEST_COST_SHARE, /* expected fee as part of the amount, in millionths: low..high */
    TEST_MEASURE,    /* success_rate, latency, share: low..high */
    TEST_HEALTHY,
    TEST_KIND_COUNT,
};

enum {
    TEST_LOW_OPEN = 1, /* of COST_SHARE: above low, not at it */
    TEST_HIGH_OPEN = 2,
};

#define PROGRAM_NO_TARGET UINT32_C(0xFFFFFFFF)

struct test {
    uint8_t kind;
    uint8_t fact; /* of candidates and measures */
    uint8_t open;
    uint8_t digits;
    uint16_t slot;
    uint32_t operand; /* a measure's: index into targets, or PROGRAM_NO_TARGET: the candidate */
    uint32_t operand_count;
    uint32_t exit[2]; /* next test, TEST_MATCH or TEST_MISS; [0] when false, [1] when true */
    int64_t low;
    int64_t high;
};

struct dictionary {   /* of one text fact */
    struct str *text; /* [1..count] */
    uint32_t count;
    uint32_t *bucket; /* open addressing: numbers, 0 free; twice the count at least */
    uint32_t bucket_mask;
};

struct program_block {
    const struct ast_block *ast;
    const uint32_t *where; /* of each sieve that has a condition: its first test */
    const struct program_block *shadow;
};

struct program_rule {
    struct str name;
    uint32_t test; /* first; TEST_MATCH: always */
    uint32_t test_end;
    struct program_block block;
};

struct index_dimension {
    uint16_t slot; /* SLOT_COUNT: the amount, by currency */
    uint32_t class_count;
    const uint64_t *bits; /* [class][word] */
};

struct index_amount { /* of one currency: intervals between the amounts that rules name */
    uint32_t first_class;
    uint32_t count;
    const int64_t *limit; /* ascending: an interval ends before each */
};

struct rule_index {
    size_t words; /* of one class */
    struct index_dimension *dimension;
    size_t dimension_count;
    struct index_amount *amount; /* by currency_index(); NULL: no rule asks */
};

struct program {               /* in the rule set's arena; immutable */
    struct program_rule *rule; /* in order; the last matches always */
    size_t rule_count;
    struct test *test;
    size_t test_count;
    int32_t *number;
    size_t number_count;
    struct str *text;
    size_t text_count;
    const struct ast_target **target;
    size_t target_count;
    const struct currency *rated[PROGRAM_RATED_MAX];
    size_t rated_count;
    struct dictionary dictionary[PROGRAM_TEXT_COUNT];
    uint16_t asked[PROGRAM_TEXT_COUNT]; /* texts with a dictionary */
    size_t asked_count;
    const struct zone *zone[ROUTE_ZONE_MAX]; /* NULL: UTC */
    bool zone_asked[ROUTE_ZONE_MAX];
    bool needs_rates;   /* some rule compares or values money of another currency */
    bool attempt_asked; /* some rule asks for attempt, previous_decline or previous_reason */
    const struct str *metadata_name;
    size_t metadata_name_count;
    struct mix_seed seed; /* of dictionaries; of the text, for a stranger writes the names */
    struct rule_index index;
};

/* The number of `text`; 0 when no rule names it. */
uint32_t dictionary_find(const struct dictionary *dictionary, const struct mix_seed *seed,
                         struct str text);

#endif
