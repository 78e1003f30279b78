#include "router/compile.h"

#include <stdlib.h>
#include <string.h>

#include "router/index.h"

#define CHAIN_END UINT32_C(0xFFFFFFFF)

enum {
    MILLION = 1000000,
    DICTIONARY_MIN = 8,
};

/* ---- conditions in the making: and, or and not by leading exits ------------------------------- */

/*
 * A condition has two chains of exits whose goal is not known yet, one for false and one for true.
 * They are linked through the exits themselves: an exit is called test * 2 + which, and holds the
 * name of the next one in its chain until the chain is led to its goal. So combining two conditions
 * takes no memory, and each exit is led once.
 */
struct chain {
    uint32_t first;
    uint32_t last;
};

struct condition {
    uint32_t test;
    struct chain exit[2];
};

struct numbered { /* a named set as numbers of one slot: made once, however many rules ask */
    const struct ast_value *value; /* NULL: free */
    uint16_t slot;
    struct test test;
};

struct compiler {
    struct arena *arena;
    struct program *program;
    size_t test_capacity, number_capacity, text_capacity, target_capacity;
    uint32_t dictionary_capacity[PROGRAM_TEXT_COUNT];
    struct numbered *numbered; /* named sets, by their values and slot; open addressing */
    size_t numbered_count, numbered_capacity;
    bool is_full; /* more tests than fit: what follows is not worth compiling */
};

static uint32_t *exit_at(struct compiler *c, uint32_t name)
{
    return &c->program->test[name / 2].exit[name % 2];
}

static void lead(struct compiler *c, struct chain chain, uint32_t goal)
{
    for (uint32_t at = chain.first; at != CHAIN_END && !c->is_full;) {
        uint32_t *exit = exit_at(c, at);
        at = *exit;
        *exit = goal;
    }
}

static struct chain join(struct compiler *c, struct chain a, struct chain b)
{
    *exit_at(c, a.last) = b.first;
    return (struct chain){a.first, b.last};
}

/* `left` and `right` (which follows it): decided by `left` alone when that is `decisive`. */
static struct condition combine(struct compiler *c, struct condition left, struct condition right,
                                bool decisive)
{
    lead(c, left.exit[!decisive], right.test);
    struct condition both = {.test = left.test};
    both.exit[decisive] = join(c, left.exit[decisive], right.exit[decisive]);
    both.exit[!decisive] = right.exit[!decisive];
    return both;
}

static struct condition negate(struct condition condition)
{
    return (struct condition){condition.test, {condition.exit[1], condition.exit[0]}};
}

/* ---- arrays that grow ------------------------------------------------------------------------ */

static void *grow(struct compiler *c, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    size_t room = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = arena_alloc(c->arena, room * size);
    if (count > 0)
        memcpy(grown, items, count * size);
    *capacity = room;
    return grown;
}

static struct condition add_test(struct compiler *c, struct test test)
{
    struct program *program = c->program;
    if (program->test_count >= PROGRAM_TEST_MAX) {
        c->is_full = true;
        program->test_count--;
    }
    program->test =
        grow(c, program->test, program->test_count, &c->test_capacity, sizeof(*program->test));
    uint32_t at = (uint32_t)program->test_count++;
    test.exit[0] = CHAIN_END;
    test.exit[1] = CHAIN_END;
    program->test[at] = test;
    return (struct condition){at, {{at * 2, at * 2}, {at * 2 + 1, at * 2 + 1}}};
}

static uint32_t add_text(struct compiler *c, struct str text)
{
    struct program *program = c->program;
    program->text =
        grow(c, program->text, program->text_count, &c->text_capacity, sizeof(*program->text));
    program->text[program->text_count] = text;
    return (uint32_t)program->text_count++;
}

static uint32_t add_target(struct compiler *c, const struct ast_target *target)
{
    struct program *program = c->program;
    if (target == NULL || str_is_empty(target->provider))
        return PROGRAM_NO_TARGET;
    program->target = grow(c, program->target, program->target_count, &c->target_capacity,
                           sizeof(*program->target));
    program->target[program->target_count] = target;
    return (uint32_t)program->target_count++;
}

/* ---- dictionaries ---------------------------------------------------------------------------- */

uint32_t dictionary_find(const struct dictionary *dictionary, const struct mix_seed *seed,
                         struct str text)
{
    if (dictionary->count == 0)
        return 0;
    uint64_t at = mix_bytes(seed, text.at, text.len);
    for (;; at++) {
        uint32_t number = dictionary->bucket[at & dictionary->bucket_mask];
        if (number == 0 || str_eq(dictionary->text[number], text))
            return number;
    }
}

static void dictionary_place(struct dictionary *dictionary, const struct mix_seed *seed,
                             uint32_t number)
{
    struct str text = dictionary->text[number];
    uint64_t at = mix_bytes(seed, text.at, text.len);
    while (dictionary->bucket[at & dictionary->bucket_mask] != 0)
        at++;
    dictionary->bucket[at & dictionary->bucket_mask] = number;
}

static int32_t number_of(struct compiler *c, uint16_t text_index, struct str text)
{
    struct dictionary *dictionary = &c->program->dictionary[text_index];
    uint32_t found = dictionary_find(dictionary, &c->program->seed, text);
    if (found != 0)
        return (int32_t)found;
    uint32_t *capacity = &c->dictionary_capacity[text_index];
    if (dictionary->count + 1 >= *capacity) {
        uint32_t room = *capacity == 0 ? DICTIONARY_MIN : *capacity * 2;
        struct str *texts = ARENA_ARRAY(c->arena, struct str, room);
        if (dictionary->count > 0)
            memcpy(texts, dictionary->text, (dictionary->count + 1) * sizeof(*texts));
        dictionary->text = texts;
        dictionary->bucket = ARENA_ARRAY(c->arena, uint32_t, (size_t)room * 2);
        dictionary->bucket_mask = room * 2 - 1;
        for (uint32_t number = 1; number <= dictionary->count; number++)
            dictionary_place(dictionary, &c->program->seed, number);
        *capacity = room;
    }
    dictionary->text[++dictionary->count] = text;
    dictionary_place(dictionary, &c->program->seed, dictionary->count);
    if (dictionary->count == 1)
        c->program->asked[c->program->asked_count++] = text_index;
    return (int32_t)dictionary->count;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static struct condition constant(struct compiler *c, bool value)
{
    int64_t at = value ? 0 : 1;
    return add_test(c, (struct test){.kind = TEST_RANGE, .slot = SLOT_ZERO, .low = at, .high = at});
}

static int compare_numbers(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* slot is one of the numbers from `first` of program.number on. */
static struct test one_of(struct compiler *c, uint16_t slot, size_t first)
{
    struct program *program = c->program;
    size_t count = program->number_count - first;
    int32_t *number = program->number + first;
    qsort(number, count, sizeof(*number), compare_numbers);
    bool is_run = number[count - 1] - number[0] == (int32_t)count - 1;
    for (size_t i = 1; is_run && i < count; i++)
        is_run = number[i] == number[i - 1] + 1;
    if (is_run) {
        struct test range = {
            .kind = TEST_RANGE, .slot = slot, .low = number[0], .high = number[count - 1]};
        program->number_count = first;
        return range;
    }
    return (struct test){.kind = TEST_LIST,
                         .slot = slot,
                         .operand = (uint32_t)first,
                         .operand_count = (uint32_t)count};
}

static void add_number(struct compiler *c, int64_t number)
{
    struct program *program = c->program;
    program->number = grow(c, program->number, program->number_count, &c->number_capacity,
                           sizeof(*program->number));
    program->number[program->number_count++] = (int32_t)number;
}

static struct numbered *numbered_at(struct compiler *c, const struct ast_value *value,
                                    uint16_t slot)
{
    size_t at = ((uintptr_t)value / sizeof(*value)) * 31 + slot;
    for (;; at++) {
        struct numbered *entry = &c->numbered[at & (c->numbered_capacity - 1)];
        if (entry->value == NULL || (entry->value == value && entry->slot == slot))
            return entry;
    }
}

/* Where the test of this list and slot is, or is to be put. */
static struct numbered *find_numbered(struct compiler *c, const struct ast_value *value,
                                      uint16_t slot)
{
    if (c->numbered_count * 2 >= c->numbered_capacity) {
        struct numbered *old = c->numbered;
        size_t count = c->numbered_capacity;
        c->numbered_capacity = count == 0 ? 16 : count * 2;
        c->numbered = ARENA_ARRAY(c->arena, struct numbered, c->numbered_capacity);
        for (size_t i = 0; i < count; i++) {
            if (old[i].value != NULL)
                *numbered_at(c, old[i].value, old[i].slot) = old[i];
        }
    }
    return numbered_at(c, value, slot);
}

typedef int64_t (*number_fn)(struct compiler *, const struct ast_node *, const struct ast_value *);

/* slot is one of a list's values, by the number that `number` gives each. */
static struct condition any_number(struct compiler *c, const struct ast_node *node, uint16_t slot,
                                   number_fn number)
{
    const struct ast_list *list = &node->list;
    struct numbered *known = NULL;
    if (!str_is_empty(list->name)) {
        known = find_numbered(c, list->value, slot);
        if (known->value != NULL)
            return add_test(c, known->test);
    }
    size_t first = c->program->number_count;
    for (size_t i = 0; i < list->count; i++)
        add_number(c, number(c, node, &list->value[i]));
    struct test test = one_of(c, slot, first);
    if (known != NULL) {
        *known = (struct numbered){list->value, slot, test};
        c->numbered_count++;
    }
    return add_test(c, test);
}

static int64_t plain_number(struct compiler *c UNUSED, const struct ast_node *node UNUSED,
                            const struct ast_value *value)
{
    return value->as.number;
}

static int64_t currency_number(struct compiler *c UNUSED, const struct ast_node *node UNUSED,
                               const struct ast_value *value)
{
    return (int64_t)currency_index(value->as.currency);
}

static int64_t text_number(struct compiler *c, const struct ast_node *node,
                           const struct ast_value *value)
{
    return number_of(c, node->fact.text, value->as.text);
}

/* What a comparison with one value permits, both ends included. */
static void bounds_of(enum ast_sign sign, int64_t value, int64_t *low, int64_t *high)
{
    bool is_less = sign == AST_LESS || sign == AST_LESS_EQUAL;
    bool is_greater = sign == AST_GREATER || sign == AST_GREATER_EQUAL;
    *low = is_less ? INT64_MIN : value + (sign == AST_GREATER);
    *high = is_greater ? INT64_MAX : value - (sign == AST_LESS);
}

static bool is_negative_sign(enum ast_sign sign)
{
    return sign == AST_UNEQUAL || sign == AST_NOT_IN || sign == AST_NOT_WITHIN;
}

/* Facts that every payment has, as numbers: the opposite of a comparison is the other exit. */
static struct condition compile_number(struct compiler *c, const struct ast_node *node,
                                       uint16_t slot)
{
    const struct ast_value *value = node->list.value;
    struct condition condition;
    if (node->sign == AST_WITHIN || node->sign == AST_NOT_WITHIN) {
        struct test within = {.kind = TEST_RANGE,
                              .slot = slot,
                              .low = value[0].as.number,
                              .high = value[1].as.number};
        bool may_pass = slot >= SLOT_WEEKDAY && slot < SLOT_TEXT;
        condition =
            within.low <= within.high || may_pass ? add_test(c, within) : constant(c, false);
    } else if (node->sign == AST_IN || node->sign == AST_NOT_IN) {
        condition = any_number(c, node, slot, plain_number);
    } else {
        struct test test = {.kind = TEST_RANGE, .slot = slot};
        bounds_of(node->sign, value->as.number, &test.low, &test.high);
        condition = test.low <= test.high ? add_test(c, test) : constant(c, false);
    }
    return is_negative_sign(node->sign) ? negate(condition) : condition;
}

static struct condition compile_currency(struct compiler *c, const struct ast_node *node)
{
    struct condition condition = any_number(c, node, SLOT_CURRENCY, currency_number);
    return is_negative_sign(node->sign) ? negate(condition) : condition;
}

static struct condition compile_operation(struct compiler *c, const struct ast_node *node)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < node->list.count; i++)
        bits |= node->list.value[i].as.operations;
    size_t first = c->program->number_count;
    for (int operation = 0; operation < OPERATION_COUNT; operation++) {
        if ((bits >> operation & 1) != 0)
            add_number(c, operation);
    }
    struct condition condition = add_test(c, one_of(c, SLOT_OPERATION, first));
    return is_negative_sign(node->sign) ? negate(condition) : condition;
}

static struct condition compile_text(struct compiler *c, const struct ast_node *node)
{
    uint16_t text = node->fact.text;
    if (node->sign == AST_STARTS || node->sign == AST_MATCHES)
        return add_test(c,
                        (struct test){.kind = node->sign == AST_STARTS ? TEST_PREFIX : TEST_PATTERN,
                                      .slot = text,
                                      .operand = add_text(c, node->list.value->as.text)});
    struct condition condition = any_number(c, node, (uint16_t)(SLOT_TEXT + text), text_number);
    return is_negative_sign(node->sign) ? negate(condition) : condition;
}

/* Tests of each value, one of which must be true. */
static struct condition any_of(struct compiler *c, const struct ast_node *node,
                               struct test (*make)(struct compiler *, const struct ast_node *,
                                                   const struct ast_value *))
{
    struct condition all = add_test(c, make(c, node, &node->list.value[0]));
    for (size_t i = 1; i < node->list.count; i++)
        all = combine(c, all, add_test(c, make(c, node, &node->list.value[i])), true);
    return is_negative_sign(node->sign) ? negate(all) : all;
}

static struct test make_candidate(struct compiler *c, const struct ast_node *node,
                                  const struct ast_value *value)
{
    enum test_kind kind = node->sign == AST_STARTS    ? TEST_STARTS
                          : node->sign == AST_MATCHES ? TEST_LIKE
                                                      : TEST_CANDIDATE;
    return (struct test){.kind = (uint8_t)kind,
                         .fact = (uint8_t)node->fact.fact,
                         .operand = add_text(c, value->as.text)};
}

static struct test make_digits(struct compiler *c UNUSED, const struct ast_node *node,
                               const struct ast_value *value)
{
    int64_t number = value->as.digits.number;
    return (struct test){.kind = TEST_DIGITS,
                         .slot = node->fact.text,
                         .digits = value->as.digits.count,
                         .low = number,
                         .high = number};
}

static struct condition compile_digits(struct compiler *c, const struct ast_node *node)
{
    if (node->sign == AST_STARTS || node->sign == AST_MATCHES)
        return compile_text(c, node);
    if (node->sign != AST_WITHIN && node->sign != AST_NOT_WITHIN)
        return any_of(c, node, make_digits);
    struct test test = make_digits(c, node, &node->list.value[0]);
    test.high = node->list.value[1].as.digits.number;
    struct condition condition = add_test(c, test);
    return node->sign == AST_NOT_WITHIN ? negate(condition) : condition;
}

/* ---- facts that may not be known: every comparison with them is then false -------------------- */

static int64_t minor_or_number(const struct ast_value *value)
{
    return value->type == FACT_TYPE_MONEY ? value->as.money.minor : value->as.number;
}

static struct test make_partial(struct compiler *c, const struct ast_node *node,
                                const struct ast_value *value)
{
    const struct ast_fact *fact = &node->fact;
    struct test test = {.fact = (uint8_t)fact->fact};
    if (fact->fact == FACT_AMOUNT && fact->as != NULL) {
        test.kind = TEST_RATED;
        struct program *program = c->program;
        size_t i = 0;
        while (i < program->rated_count && program->rated[i] != fact->as)
            i++;
        CHECK(i < PROGRAM_RATED_MAX);
        program->needs_rates = true;
        program->rated[i] = fact->as;
        program->rated_count += i == program->rated_count;
        test.slot = (uint16_t)i;
    } else if (fact->fact == FACT_AMOUNT) {
        test.kind = TEST_MONEY;
        test.slot = (uint16_t)currency_index(value->as.money.currency);
    } else {
        test.operand = add_target(c, fact->target);
        test.kind = TEST_MEASURE;
        if (fact->fact == FACT_COST) {
            test.kind = value->type == FACT_TYPE_MONEY ? TEST_COST : TEST_COST_SHARE;
            if (test.kind == TEST_COST)
                test.slot = (uint16_t)currency_index(value->as.money.currency);
        }
    }
    return test;
}

static struct condition between(struct compiler *c, struct test test, int64_t low, int64_t high,
                                unsigned open)
{
    test.low = low;
    test.high = high;
    test.open = (uint8_t)open;
    return low <= high ? add_test(c, test) : constant(c, false);
}

static struct condition below(struct compiler *c, struct test test, int64_t value)
{
    return test.kind == TEST_COST_SHARE ? between(c, test, INT64_MIN, value, TEST_HIGH_OPEN)
                                        : between(c, test, INT64_MIN, value - 1, 0);
}

static struct condition above(struct compiler *c, struct test test, int64_t value)
{
    return test.kind == TEST_COST_SHARE ? between(c, test, value, INT64_MAX, TEST_LOW_OPEN)
                                        : between(c, test, value + 1, INT64_MAX, 0);
}

/* One comparison of a list, or of its own. */
static struct condition compare_partial(struct compiler *c, const struct ast_node *node,
                                        const struct ast_value *value)
{
    struct test test = make_partial(c, node, value);
    int64_t number = minor_or_number(value);
    switch (node->sign) {
    case AST_LESS:
        return below(c, test, number);
    case AST_GREATER:
        return above(c, test, number);
    case AST_LESS_EQUAL:
        return between(c, test, INT64_MIN, number, 0);
    case AST_GREATER_EQUAL:
        return between(c, test, number, INT64_MAX, 0);
    case AST_EQUAL:
    case AST_IN:
        return between(c, test, number, number, 0);
    case AST_UNEQUAL:
    case AST_NOT_IN: {
        struct condition left = below(c, test, number);
        return combine(c, left, above(c, test, number), true);
    }
    case AST_WITHIN:
        return between(c, test, number, minor_or_number(value + 1), 0);
    case AST_NOT_WITHIN: {
        struct condition left = below(c, test, number);
        return combine(c, left, above(c, test, minor_or_number(value + 1)), true);
    }
    case AST_SIGN_NONE:
    case AST_IS:
    case AST_STARTS:
    case AST_MATCHES:
    case AST_SIGN_COUNT:
        break;
    }
    CHECK(node->sign == AST_EQUAL); /* The parser lets no other through. */
    return constant(c, false);
}

static struct condition compile_partial(struct compiler *c, const struct ast_node *node)
{
    struct condition all = compare_partial(c, node, &node->list.value[0]);
    bool is_list = node->sign == AST_IN || node->sign == AST_NOT_IN;
    for (size_t i = 1; is_list && i < node->list.count; i++)
        all = combine(c, all, compare_partial(c, node, &node->list.value[i]), node->sign == AST_IN);
    return all;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static struct condition compile_test(struct compiler *c, const struct ast_node *node)
{
    const struct ast_fact *fact = &node->fact;
    switch (fact_info(fact->fact)->type) {
    case FACT_TYPE_CURRENCY:
        return compile_currency(c, node);
    case FACT_TYPE_OPERATION:
        return compile_operation(c, node);
    case FACT_TYPE_WORD:
    case FACT_TYPE_COUNTRY:
    case FACT_TYPE_TEXT:
        c->program->attempt_asked |=
            fact->fact == FACT_PREVIOUS_DECLINE || fact->fact == FACT_PREVIOUS_REASON;
        return fact_info(fact->fact)->scope == FACT_OF_CANDIDATE ? any_of(c, node, make_candidate)
                                                                 : compile_text(c, node);
    case FACT_TYPE_DIGITS:
        return compile_digits(c, node);
    case FACT_TYPE_NUMBER:
        c->program->attempt_asked = true;
        return compile_number(c, node, SLOT_ATTEMPT);
    case FACT_TYPE_WEEKDAY:
        c->program->zone_asked[fact->zone] = true;
        return compile_number(c, node, (uint16_t)(SLOT_WEEKDAY + fact->zone));
    case FACT_TYPE_TIME:
        c->program->zone_asked[fact->zone] = true;
        return compile_number(c, node, (uint16_t)(SLOT_TIME + fact->zone));
    case FACT_TYPE_FLAG:
        return add_test(c, (struct test){.kind = TEST_HEALTHY,
                                         .fact = (uint8_t)fact->fact,
                                         .operand = add_target(c, fact->target)});
    case FACT_TYPE_MONEY:
    case FACT_TYPE_COST:
    case FACT_TYPE_PERCENT:
    case FACT_TYPE_DURATION:
        return compile_partial(c, node);
    case FACT_TYPE_NONE:
    case FACT_TYPE_COUNT:
        break;
    }
    CHECK(fact->fact == FACT_NONE);
    return constant(c, false);
}

/* Depth is limited by the parser. */
static struct condition compile_node(struct compiler *c, const struct ast_node *node)
{
    switch (node->kind) {
    case AST_TEST:
        return compile_test(c, node);
    case AST_NOT:
        return negate(compile_node(c, node->child[0]));
    case AST_NAME:
        return compile_node(c, node->child[0]);
    case AST_AND:
    case AST_OR: {
        struct condition all = compile_node(c, node->child[0]);
        for (size_t i = 1; i < node->child_count && !c->is_full; i++)
            all = combine(c, all, compile_node(c, node->child[i]), node->kind == AST_OR);
        return all;
    }
    case AST_TRUE:
        return constant(c, true);
    case AST_NONE:
    case AST_FALSE:
    case AST_KIND_COUNT:
        break;
    }
    return constant(c, false);
}

/* The first test of `node`, whose exits lead to a match and a miss. */
static uint32_t compile_condition(struct compiler *c, const struct ast_node *node)
{
    struct condition condition = compile_node(c, node);
    if (c->is_full)
        return TEST_MISS;
    lead(c, condition.exit[0], TEST_MISS);
    lead(c, condition.exit[1], TEST_MATCH);
    return condition.test;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static struct program_block compile_block(struct compiler *c, const struct ast_block *block)
{
    c->program->needs_rates |= block->failure.type == FACT_TYPE_MONEY;
    uint32_t *where = ARENA_ARRAY(c->arena, uint32_t, block->sieve_count);
    for (size_t i = 0; i < block->sieve_count; i++) {
        if (block->sieve[i].where != NULL)
            where[i] = compile_condition(c, block->sieve[i].where);
    }
    return (struct program_block){.ast = block, .where = where};
}

static void compile_rule(struct compiler *c, const struct ast_rule *rule, struct program_rule *out)
{
    out->name = rule->name;
    out->test = rule->when == NULL ? TEST_MATCH : compile_condition(c, rule->when);
    out->test_end = (uint32_t)c->program->test_count;
    out->block = compile_block(c, &rule->block);
    if (rule->block.shadow != NULL) {
        struct program_block *shadow = ARENA_NEW(c->arena, struct program_block);
        *shadow = compile_block(c, rule->block.shadow);
        out->block.shadow = shadow;
    }
}

static bool load_zones(const struct ast_tree *tree, struct compiler *c, struct error *err)
{
    for (size_t i = 0; i < tree->zone_count; i++) {
        if (!c->program->zone_asked[i] || str_eq(tree->zone[i], STR("UTC")))
            continue;
        c->program->zone[i] = zone_load(tree->zone[i], c->arena, err);
        if (c->program->zone[i] == NULL)
            return false;
    }
    return true;
}

bool compile_tree(const struct ast_tree *tree, const struct mix_seed *seed, struct arena *arena,
                  struct program *program, struct error *err)
{
    CHECK(tree->rule_count > 0);
    *program = (struct program){
        .rule = ARENA_ARRAY(arena, struct program_rule, tree->rule_count),
        .rule_count = tree->rule_count,
        .seed = *seed,
        .metadata_name = tree->metadata_name,
        .metadata_name_count = tree->metadata_name_count,
    };
    struct compiler c = {.arena = arena, .program = program};
    for (size_t i = 0; i < tree->rule_count; i++) {
        compile_rule(&c, &tree->rule[i], &program->rule[i]);
        if (c.is_full)
            return lex_fail(err, tree->rule[i].name_span.from,
                            "more than %d comparisons in one file; use fewer", PROGRAM_TEST_MAX);
    }
    if (!load_zones(tree, &c, err))
        return false;
    index_build(program, arena);
    return true;
}
