#include "router/run.h"

#include "router/index.h"
#include "router/rates.h"

#define NO_CANDIDATE SIZE_MAX

__extension__ typedef __int128 wide;

/* One character of UTF-8 text at `from`, as bytes; a byte that begins none is one. */
static size_t character(struct str text, size_t from)
{
    size_t size = str_utf8_size(text, from);
    return size == 0 ? 1 : size;
}

bool run_pattern(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX; /* behind the last * */
    size_t from = 0;        /* what it covers ends here */
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = ++p;
            from = t;
        } else if (p < pattern.len && pattern.at[p] == '?') {
            p++;
            t += character(text, t);
        } else if (p < pattern.len && pattern.at[p] == text.at[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            from += character(text, from);
            t = from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

bool run_text(const struct program *program, const struct test *test, struct str text)
{
    struct str operand = program->text[test->operand];
    return test->kind == TEST_PREFIX || test->kind == TEST_STARTS ? str_starts(text, operand)
                                                                  : run_pattern(operand, text);
}

static bool is_listed(const int32_t *number, size_t count, int64_t wanted)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (number[middle] == wanted)
            return true;
        if (number[middle] < wanted)
            low = middle + 1;
        else
            count = middle;
    }
    return false;
}

bool run_number(const struct program *program, const struct test *test, int64_t number)
{
    if (test->kind == TEST_LIST)
        return is_listed(program->number + test->operand, test->operand_count, number);
    return test->low <= test->high ? number >= test->low && number <= test->high
                                   : number >= test->low || number <= test->high;
}

static bool is_within(const struct test *test, int64_t value)
{
    return value >= test->low && value <= test->high;
}

static bool test_digits(const struct test *test, struct str text)
{
    int64_t number = 0;
    if (test->digits == 0) /* "": no digits at all */
        return text.len == 0;
    if (text.len < test->digits)
        return false;
    for (size_t i = 0; i < test->digits; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (text.at[i] - '0');
    }
    return is_within(test, number);
}

/* fee / amount against millionths, without dividing. */
static bool test_cost_share(const struct test *test, int64_t fee_minor, int64_t amount_minor)
{
    wide fee = (wide)fee_minor * 1000000;
    wide low = (wide)test->low * amount_minor;
    wide high = (wide)test->high * amount_minor;
    bool is_low = test->low == INT64_MIN || ((test->open & TEST_LOW_OPEN) ? fee > low : fee >= low);
    bool is_high =
        test->high == INT64_MAX || ((test->open & TEST_HIGH_OPEN) ? fee < high : fee <= high);
    return is_low && is_high;
}

static bool test_measure(const struct run *run, const struct test *test, size_t candidate)
{
    const struct ast_target *target =
        test->operand == PROGRAM_NO_TARGET ? NULL : run->program->target[test->operand];
    enum fact fact = (enum fact)test->fact;
    int64_t value = 0;
    bool is_known = target != NULL ? measure_of_target(run->measures, fact, target, &value)
                                   : candidate != NO_CANDIDATE &&
                                         measure_of(run->measures, fact, candidate, &value);
    if (!is_known)
        return false;
    if (test->kind == TEST_HEALTHY)
        return value != 0;
    if (test->kind == TEST_COST)
        return run->slot[SLOT_CURRENCY] == test->slot && is_within(test, value);
    return test->kind == TEST_COST_SHARE ? test_cost_share(test, value, run->values.amount_minor)
                                         : is_within(test, value);
}

static struct str candidate_text(const struct run *run, const struct test *test, size_t candidate)
{
    if (candidate == NO_CANDIDATE)
        return STR_NONE;
    const struct route_candidate *at = &run->measures->candidate[candidate];
    return test->fact == FACT_PROVIDER ? at->provider : at->account_name;
}

static bool test_is_true(const struct run *run, const struct test *test, size_t candidate)
{
    switch ((enum test_kind)test->kind) {
    case TEST_RANGE:
    case TEST_LIST:
        return run_number(run->program, test, run->slot[test->slot]);
    case TEST_MONEY:
        return run->slot[SLOT_CURRENCY] == test->slot && is_within(test, run->values.amount_minor);
    case TEST_RATED:
        return run->rated_known[test->slot] && is_within(test, run->rated_minor[test->slot]);
    case TEST_PREFIX:
    case TEST_PATTERN:
        return run_text(run->program, test, run->values.text[test->slot]);
    case TEST_DIGITS:
        return test_digits(test, run->values.text[test->slot]);
    case TEST_CANDIDATE:
        return str_eq(candidate_text(run, test, candidate), run->program->text[test->operand]);
    case TEST_STARTS:
    case TEST_LIKE:
        return run_text(run->program, test, candidate_text(run, test, candidate));
    case TEST_COST:
    case TEST_COST_SHARE:
    case TEST_MEASURE:
    case TEST_HEALTHY:
        return test_measure(run, test, candidate);
    case TEST_NONE:
    case TEST_KIND_COUNT:
        break;
    }
    CHECK(test->kind != TEST_NONE);
    return false;
}

bool run_where(const struct run *run, uint32_t test, size_t candidate)
{
    while (test < TEST_MATCH) {
        const struct test *at = &run->program->test[test];
        test = at->exit[test_is_true(run, at, candidate)];
    }
    return test == TEST_MATCH;
}

void run_init(struct run *run, const struct program *program, const struct measures *measures)
{
    const struct route_facts *facts = measures->facts;
    run->program = program;
    run->measures = measures;
    fact_values_set(&run->values, facts, program->metadata_name, program->metadata_name_count);
    run->slot[SLOT_ZERO] = 0;
    run->slot[SLOT_CURRENCY] = (int64_t)currency_index(facts->currency);
    run->slot[SLOT_OPERATION] = facts->operation;
    run->slot[SLOT_ATTEMPT] = run->values.attempt;
    for (size_t i = 0; i < ROUTE_ZONE_MAX; i++) {
        if (!program->zone_asked[i])
            continue;
        struct zone_moment moment;
        zone_read(program->zone[i], facts->now_us, &moment);
        run->slot[SLOT_WEEKDAY + i] = moment.weekday;
        run->slot[SLOT_TIME + i] = moment.minute;
    }
    for (size_t i = 0; i < program->asked_count; i++) {
        uint16_t text = program->asked[i];
        run->slot[SLOT_TEXT + text] =
            dictionary_find(&program->dictionary[text], &program->seed, run->values.text[text]);
    }
    for (size_t i = 0; i < program->rated_count; i++)
        run->rated_known[i] = measure_amount_as(facts, program->rated[i], &run->rated_minor[i]);
}

static size_t amount_class(const struct run *run)
{
    const struct index_amount *amount = &run->program->index.amount[run->slot[SLOT_CURRENCY]];
    if (amount->count == 0)
        return 0;
    size_t low = 0; /* limits up to the amount */
    size_t high = amount->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (amount->limit[middle] <= run->values.amount_minor)
            low = middle + 1;
        else
            high = middle;
    }
    return amount->first_class + low;
}

const struct program_rule *run_rules(const struct run *run)
{
    const struct program *program = run->program;
    const struct rule_index *index = &program->index;
    const uint64_t *line[PROGRAM_TEXT_COUNT + 3];
    for (size_t i = 0; i < index->dimension_count; i++) {
        const struct index_dimension *dimension = &index->dimension[i];
        size_t class =
            dimension->slot == SLOT_COUNT ? amount_class(run) : (size_t)run->slot[dimension->slot];
        if (class >= dimension->class_count)
            class = dimension->class_count - 1; /* they share the last line */
        line[i] = dimension->bits + class * index->words;
    }
    for (size_t word = 0; word < index->words; word++) {
        uint64_t may = ~UINT64_C(0);
        for (size_t i = 0; i < index->dimension_count; i++)
            may &= line[i][word];
        while (may != 0) {
            size_t at = word * 64 + (size_t)__builtin_ctzll(may);
            CHECK(at < program->rule_count); /* the last matches always */
            const struct program_rule *rule = &program->rule[at];
            if (rule->test == TEST_MATCH || run_where(run, rule->test, NO_CANDIDATE))
                return rule;
            may &= may - 1;
        }
    }
    CHECK(program->rule[program->rule_count - 1].test == TEST_MATCH);
    return &program->rule[program->rule_count - 1];
}
