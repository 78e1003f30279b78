#include "router/index.h"

#include <stdlib.h>
#include <string.h>

#include "router/run.h"

/*
 * The values of a fact that no rule tells apart form a class. Of a number or a text they are what
 * the rules name, and 0 for all others; of the amount, intervals.
 *
 * Classes beyond the room that is left share the last line, which then has the bits of all of them.
 */

enum {
    ROOM_BYTES = 32 << 20,  /* of all lines */
    WORK_MAX = 16 << 20,    /* tests run to build it; a fact may take half of what is left */
    AMOUNT_LIMIT_MAX = 512, /* per currency; amounts beyond them share intervals */
    WORD_BITS = 64,
};

struct builder {
    struct program *program;
    struct arena *arena;
    size_t words;
    size_t room;   /* bytes left */
    size_t work;   /* tests left to the fact at hand; all gone: it does without lines */
    bool *reached; /* by test of one rule */
};

enum truth { TRUTH_NO = 0, TRUTH_YES, TRUTH_OPEN };

struct class
{ /* what is looked at while a rule is run */
    const struct index_dimension *dimension;
    int64_t number;  /* of a slot */
    bool is_other;   /* a text that no rule names */
    bool is_unnamed; /* none that the rule at hand names: currency 0 or operation 0 is not meant */
    const struct currency *currency; /* of the amount; NULL: one that no rule names */
    size_t currency_at;
    int64_t low, high; /* of the amount */
};

static enum truth in_range(const struct test *test, int64_t low, int64_t high)
{
    if (low >= test->low && high <= test->high)
        return TRUTH_YES;
    return high < test->low || low > test->high ? TRUTH_NO : TRUTH_OPEN;
}

/* What a test says of every payment of the class. */
static enum truth judge(const struct program *program, const struct test *test,
                        const struct class *class)
{
    uint16_t slot = class->dimension->slot;
    if (slot == SLOT_COUNT) {
        if (test->kind != TEST_MONEY)
            return TRUTH_OPEN;
        if (class->currency == NULL || class->currency_at != test->slot)
            return TRUTH_NO;
        return in_range(test, class->low, class->high);
    }
    bool is_slot = test->kind == TEST_RANGE || test->kind == TEST_LIST;
    if (is_slot && test->slot == slot)
        return !class->is_unnamed && run_number(program, test, class->number) ? TRUTH_YES
                                                                              : TRUTH_NO;
    bool is_text =
        (test->kind == TEST_PREFIX || test->kind == TEST_PATTERN) && test->slot + SLOT_TEXT == slot;
    if (!is_text || class->is_other)
        return test->kind == TEST_RANGE && test->slot == SLOT_ZERO
                   ? (enum truth)run_number(program, test, 0)
                   : TRUTH_OPEN;
    struct str text = program->dictionary[slot - SLOT_TEXT].text[class->number];
    return run_text(program, test, text) ? TRUTH_YES : TRUTH_NO;
}

/* Whether some payment of the class may match. Exits lead forward, so one pass visits all. */
static bool may_match(struct builder *b, const struct program_rule *rule, const struct class *class)
{
    const struct program *program = b->program;
    size_t count = rule->test_end - rule->test;
    if (b->work <= count) {
        b->work = 0;
        return true;
    }
    b->work -= count;
    memset(b->reached, 0, count);
    b->reached[0] = true;
    for (size_t i = 0; i < count; i++) {
        if (!b->reached[i])
            continue;
        const struct test *test = &program->test[rule->test + i];
        enum truth truth = judge(program, test, class);
        for (int which = 0; which < 2; which++) {
            if (truth == (which == 0 ? TRUTH_YES : TRUTH_NO))
                continue;
            uint32_t goal = test->exit[which];
            if (goal == TEST_MATCH)
                return true;
            if (goal != TEST_MISS)
                b->reached[goal - rule->test] = true;
        }
    }
    return false;
}

/* What a rule's tests say of a number or a text. */
static bool is_about(const struct test *test, uint16_t slot)
{
    if (slot == SLOT_COUNT)
        return test->kind == TEST_MONEY;
    if (test->kind == TEST_RANGE || test->kind == TEST_LIST)
        return test->slot == slot;
    return (test->kind == TEST_PREFIX || test->kind == TEST_PATTERN) &&
           test->slot + SLOT_TEXT == slot;
}

static void put_bit(uint64_t *line, size_t rule, bool value)
{
    uint64_t bit = UINT64_C(1) << (rule % WORD_BITS);
    line[rule / WORD_BITS] = value ? line[rule / WORD_BITS] | bit : line[rule / WORD_BITS] & ~bit;
}

typedef void (*look_fn)(const struct builder *, size_t number, struct class *);

struct lines { /* of one dimension, in the making */
    struct builder *b;
    struct index_dimension *dimension;
    look_fn look;
    size_t count; /* the last one is shared by all classes from it on */
    uint64_t *bits;
};

/* The bits of one rule at the classes from..to. */
static void put_classes(struct lines *lines, size_t r, size_t from, size_t to)
{
    const struct program_rule *rule = &lines->b->program->rule[r];
    struct class class = {.dimension = lines->dimension};
    for (size_t number = from; number <= to && lines->b->work > 0; number++) {
        bool is_shared = number >= lines->count - 1 && lines->dimension->class_count > lines->count;
        size_t at = is_shared ? lines->count - 1 : number;
        lines->look(lines->b, number, &class);
        bool may = may_match(lines->b, rule, &class);
        if (may || !is_shared)
            put_bit(lines->bits + at * lines->b->words, r, may);
    }
}

/* The bits of one rule at the classes that one of its tests tells apart from the others. */
static void put_named(struct lines *lines, size_t r, const struct test *test)
{
    const struct program *program = lines->b->program;
    size_t last = lines->dimension->class_count - 1;
    if (test->kind == TEST_MONEY) {
        const struct index_amount *amount = &program->index.amount[test->slot];
        put_classes(lines, r, amount->first_class, amount->first_class + amount->count);
    } else if (test->kind == TEST_LIST) {
        for (uint32_t i = 0; i < test->operand_count; i++) {
            size_t number = (size_t)program->number[test->operand + i];
            put_classes(lines, r, number, number);
        }
    } else if (test->kind == TEST_RANGE && test->low >= 0 && test->low <= test->high) {
        put_classes(lines, r, (size_t)test->low,
                    test->high < (int64_t)last ? (size_t)test->high : last);
    } else {
        put_classes(lines, r, 0, last);
    }
}

/*
 * Lines of all classes. Number 0 stands for whatever no test of a rule names: a rule's bits are what
 * it has there, but where one of its own tests says otherwise.
 */
static void fill_lines(struct lines *lines)
{
    struct builder *b = lines->b;
    const struct program *program = b->program;
    struct class other = {.dimension = lines->dimension};
    lines->look(b, 0, &other);
    other.is_unnamed = true;
    for (size_t r = 0; r < program->rule_count && b->work > 0; r++) {
        const struct program_rule *rule = &program->rule[r];
        put_bit(lines->bits, r, rule->test == TEST_MATCH || may_match(b, rule, &other));
    }
    for (size_t i = 1; i < lines->count; i++)
        memcpy(lines->bits + i * b->words, lines->bits, b->words * sizeof(uint64_t));
    for (size_t r = 0; r < program->rule_count; r++) {
        const struct program_rule *rule = &program->rule[r];
        for (uint32_t i = rule->test; rule->test != TEST_MATCH && i < rule->test_end; i++) {
            if (b->work > 0 && is_about(&program->test[i], lines->dimension->slot))
                put_named(lines, r, &program->test[i]);
        }
    }
}

static void build_lines(struct builder *b, struct index_dimension *dimension, look_fn look)
{
    struct lines lines = {b, dimension, look, dimension->class_count, NULL};
    if (lines.count * b->words * sizeof(uint64_t) > b->room)
        lines.count = b->room / (b->words * sizeof(uint64_t));
    if (lines.count < 2)
        return; /* no room: rules are not sorted out by it */
    b->room -= lines.count * b->words * sizeof(uint64_t);
    lines.bits = ARENA_ARRAY(b->arena, uint64_t, lines.count * b->words);
    size_t work = b->work;
    b->work = work / 2;
    fill_lines(&lines);
    bool is_spent = b->work == 0;
    b->work += work - work / 2;
    if (is_spent)
        return; /* too dear: rules are not sorted out by it */
    dimension->class_count = (uint32_t)lines.count;
    dimension->bits = lines.bits;
    struct rule_index *index = &b->program->index;
    index->dimension[index->dimension_count++] = *dimension;
}

static void look_number(const struct builder *b UNUSED, size_t number, struct class *class)
{
    class->number = (int64_t)number;
    class->is_other = number == 0;
}

static void look_amount(const struct builder *b, size_t number, struct class *class)
{
    class->currency = NULL;
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct index_amount *amount = &b->program->index.amount[i];
        if (amount->count == 0 || number < amount->first_class ||
            number > amount->first_class + amount->count)
            continue;
        size_t interval = number - amount->first_class;
        class->currency = &all[i];
        class->currency_at = i;
        class->low = interval == 0 ? INT64_MIN : amount->limit[interval - 1];
        class->high = interval == amount->count ? INT64_MAX : amount->limit[interval] - 1;
        return;
    }
}

static int compare_limits(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The amounts at which some rule changes its mind, by currency. */
static uint32_t collect_amounts(struct builder *b)
{
    struct program *program = b->program;
    size_t currency_count = 0;
    (void)currency_all(&currency_count);
    struct index_amount *amounts = ARENA_ARRAY(b->arena, struct index_amount, currency_count);
    uint32_t *room = ARENA_ARRAY(b->arena, uint32_t, currency_count);
    for (size_t i = 0; i < program->test_count; i++) {
        if (program->test[i].kind == TEST_MONEY)
            room[program->test[i].slot] += 2;
    }
    uint32_t class_count = 1; /* 0: a currency that no rule names */
    program->index.amount = amounts;
    for (size_t k = 0; k < currency_count; k++) {
        if (room[k] == 0)
            continue;
        int64_t *limit = ARENA_ARRAY(b->arena, int64_t, room[k]);
        uint32_t count = 0;
        for (size_t i = 0; i < program->test_count; i++) {
            const struct test *test = &program->test[i];
            if (test->kind != TEST_MONEY || test->slot != k)
                continue;
            if (test->low != INT64_MIN)
                limit[count++] = test->low;
            if (test->high != INT64_MAX)
                limit[count++] = test->high + 1;
        }
        qsort(limit, count, sizeof(*limit), compare_limits);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (kept == 0 || limit[i] != limit[kept - 1])
                limit[kept++] = limit[i];
        }
        if (kept > AMOUNT_LIMIT_MAX) { /* wider intervals: a rule that divides one is open in it */
            for (uint32_t i = 0; i < AMOUNT_LIMIT_MAX; i++)
                limit[i] = limit[(size_t)i * kept / AMOUNT_LIMIT_MAX];
            kept = AMOUNT_LIMIT_MAX;
        }
        amounts[k] = (struct index_amount){class_count, kept, limit};
        class_count += kept + 1;
    }
    return class_count;
}

void index_build(struct program *program, struct arena *arena)
{
    struct builder b = {
        .program = program,
        .arena = arena,
        .words = (program->rule_count + WORD_BITS - 1) / WORD_BITS,
        .room = ROOM_BYTES,
        .work = WORK_MAX,
        .reached = calloc(program->test_count + 1, sizeof(bool)),
    };
    CHECK(b.reached != NULL);
    program->index.words = b.words;
    program->index.dimension = ARENA_ARRAY(arena, struct index_dimension, program->asked_count + 3);
    size_t currency_count = 0;
    (void)currency_all(&currency_count);
    struct index_dimension dimension = {SLOT_CURRENCY, (uint32_t)currency_count, NULL};
    build_lines(&b, &dimension, look_number);
    dimension = (struct index_dimension){SLOT_OPERATION, OPERATION_COUNT, NULL};
    build_lines(&b, &dimension, look_number);
    uint32_t amount_classes = collect_amounts(&b);
    dimension = (struct index_dimension){SLOT_COUNT, amount_classes, NULL};
    if (amount_classes > 1)
        build_lines(&b, &dimension, look_amount);
    for (size_t i = 0; i < program->asked_count; i++) {
        uint16_t text = program->asked[i];
        dimension = (struct index_dimension){(uint16_t)(SLOT_TEXT + text),
                                             program->dictionary[text].count + 1, NULL};
        build_lines(&b, &dimension, look_number);
    }
    free(b.reached);
}
