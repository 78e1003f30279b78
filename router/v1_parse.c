#include "router/v1_parse.h"

#include <string.h>

#include "router/v1_check.h"
#include "router/condition.h"
#include "router/facts.h"
#include "router/lex.h"
#include "router/router.h"

struct parser {
    struct lexer lexer;
    struct token token; /* the one to be looked at */
    struct arena *arena;
    struct program *program;
    const struct str *known_providers;
    size_t known_count;
    unsigned depth;
};

/* Room for one more in an array of the arena that doubles whenever it is full. */
static void *grow(struct arena *arena, void *items, size_t count, size_t size)
{
    if (count != 0 && (count < 8 || (count & (count - 1)) != 0)) {
        return items;
    }
    void *grown = arena_alloc(arena, (count < 8 ? 8 : count * 2) * size);
    if (count > 0) {
        memcpy(grown, items, count * size);
    }
    return grown;
}

static bool advance(struct parser *parser, struct error *err)
{
    return lex_next(&parser->lexer, &parser->token, err);
}

static bool is_word(const struct parser *parser, struct str word)
{
    return parser->token.kind == TOKEN_WORD && str_eq(parser->token.text, word);
}

static bool fail_here(struct parser *parser, struct error *err, const char *expected)
{
    struct str found = lex_describe(&parser->token, parser->arena);
    return lex_fail(err, parser->token.place, "unexpected " STR_FMT "; %s", STR_ARG(found),
                    expected);
}

static bool expect(struct parser *parser, enum token_kind kind, const char *expected,
                   struct error *err)
{
    return parser->token.kind == kind ? advance(parser, err) : fail_here(parser, err, expected);
}

/* ---- conditions ---- */

static bool find_metadata(struct parser *parser, const struct token *name, uint16_t *text,
                          struct error *err)
{
    struct program *program = parser->program;
    size_t i = 0;
    while (i < program->metadata_name_count && !str_eq(program->metadata_names[i], name->text)) {
        i++;
    }
    if (i == ROUTE_METADATA_NAME_MAX) {
        return lex_fail(err, name->place,
                        "more than %d different metadata names in one file; ask for fewer",
                        ROUTE_METADATA_NAME_MAX);
    }
    if (i == program->metadata_name_count) {
        program->metadata_names[program->metadata_name_count++] = name->text;
    }
    *text = (uint16_t)(FACT_COUNT + i);
    return true;
}

static bool parse_fact(struct parser *parser, struct eval_test *test, struct error *err)
{
    struct token name = parser->token;
    if (name.kind == TOKEN_NUMBER || name.kind == TOKEN_STRING) {
        return fail_here(parser, err, "put the fact first, as in amount >= 500.00 EUR");
    }
    if (name.kind != TOKEN_WORD) {
        return fail_here(parser, err, "a condition such as currency == EUR belongs here");
    }
    enum fact fact = FACT_NONE;
    if (!check_fact(&name, &fact, err) || !advance(parser, err)) {
        return false;
    }
    test->fact = (uint8_t)fact;
    test->text = (uint16_t)fact;
    if (fact != FACT_METADATA) {
        return parser->token.kind != TOKEN_DOT ||
               fail_here(parser, err, "only metadata has members, as in metadata.tier");
    }
    if (!expect(parser, TOKEN_DOT, "metadata needs a member, as in metadata.tier", err)) {
        return false;
    }
    if (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_STRING) {
        return fail_here(parser, err, "metadata needs a member, as in metadata.tier");
    }
    if (!find_metadata(parser, &parser->token, &test->text, err) || !advance(parser, err)) {
        return false;
    }
    return parser->token.kind != TOKEN_DOT ||
           fail_here(parser, err, "quote a name that has a point, as in metadata.\"a.b\"");
}

static bool add_operand(struct parser *parser, struct eval_test *test, struct error *err)
{
    struct program *program = parser->program;
    struct token value = parser->token;
    union eval_operand operand = {.text = STR_NONE};
    if (program->operand_count == EVAL_OPERAND_MAX) {
        return lex_fail(err, value.place, "more than %d values in one file; use fewer",
                        EVAL_OPERAND_MAX);
    }
    if (test->fact == FACT_AMOUNT) {
        if (value.kind == TOKEN_NUMBER && !advance(parser, err)) {
            return false;
        }
        if (!check_money(&value, &parser->token, &operand, err)) {
            return false;
        }
    } else if (!check_value((enum fact)test->fact, &value, &operand, err)) {
        return false;
    }
    program->operands =
        grow(parser->arena, program->operands, program->operand_count, sizeof(operand));
    program->operands[program->operand_count++] = operand;
    test->operand_count++;
    return advance(parser, err);
}

static bool parse_list(struct parser *parser, struct eval_test *test, struct error *err)
{
    if (!expect(parser, TOKEN_OPEN_SQUARE, "in is followed by a list, as in [DE, AT]", err)) {
        return false;
    }
    if (parser->token.kind == TOKEN_CLOSE_SQUARE) {
        return fail_here(parser, err, "a list needs at least one value, as in [DE, AT]");
    }
    for (;;) {
        if (test->operand_count == ROUTE_LIST_MAX) {
            return lex_fail(err, parser->token.place,
                            "more than %d values in a list; use several rules", ROUTE_LIST_MAX);
        }
        if (!add_operand(parser, test, err)) {
            return false;
        }
        if (parser->token.kind == TOKEN_CLOSE_SQUARE) {
            return advance(parser, err);
        }
        if (!expect(parser, TOKEN_COMMA, "write , or ] after a value of a list", err)) {
            return false;
        }
    }
}

static enum compare compare_money(enum token_kind sign)
{
    /* clang-format off */
    static const enum compare by_sign[TOKEN_COUNT] = {
        [TOKEN_EQUAL]         = COMPARE_MONEY_EQUAL,
        [TOKEN_NOT_EQUAL]     = COMPARE_MONEY_UNEQUAL,
        [TOKEN_LESS]          = COMPARE_LESS,
        [TOKEN_LESS_EQUAL]    = COMPARE_LESS_EQUAL,
        [TOKEN_GREATER]       = COMPARE_GREATER,
        [TOKEN_GREATER_EQUAL] = COMPARE_GREATER_EQUAL,
    };
    /* clang-format on */
    return by_sign[sign];
}

static bool is_sign(enum token_kind kind)
{
    return compare_money(kind) != COMPARE_NONE;
}

/* The sign and what follows it. *negated: the test is true when the comparison is false. */
static bool parse_comparison(struct parser *parser, struct eval_test *test, bool *negated,
                             struct error *err)
{
    *negated = false;
    if (is_word(parser, STR("not"))) {
        *negated = true;
        if (!advance(parser, err)) {
            return false;
        }
        if (!is_word(parser, STR("in"))) {
            return fail_here(parser, err, "write not in [...], or put not before the fact");
        }
    }
    struct token sign = parser->token;
    if (!is_word(parser, STR("in")) && !is_sign(sign.kind)) {
        return fail_here(parser, err, "compare the fact with ==, !=, <, <=, >, >= or in");
    }
    if (!check_sign((enum fact)test->fact, &sign, err) || !advance(parser, err)) {
        return false;
    }
    test->compare = COMPARE_ANY;
    if (sign.kind == TOKEN_WORD) {
        return parse_list(parser, test, err);
    }
    if (test->fact == FACT_AMOUNT) {
        test->compare = (uint8_t)compare_money(sign.kind);
    } else {
        *negated = sign.kind == TOKEN_NOT_EQUAL;
    }
    if (parser->token.kind == TOKEN_OPEN_SQUARE) {
        return fail_here(parser, err, "compare with a list by in, as in country in [DE, AT]");
    }
    return add_operand(parser, test, err);
}

static bool parse_test(struct parser *parser, struct condition *condition, struct error *err)
{
    struct program *program = parser->program;
    struct eval_test test = {.operand = (uint32_t)program->operand_count};
    struct place place = parser->token.place;
    bool negated = false;
    if (!parse_fact(parser, &test, err) || !parse_comparison(parser, &test, &negated, err)) {
        return false;
    }
    if (program->test_count == EVAL_TEST_MAX) {
        return lex_fail(err, place, "more than %d comparisons in one file; use fewer",
                        EVAL_TEST_MAX);
    }
    program->tests = grow(parser->arena, program->tests, program->test_count, sizeof(test));
    program->tests[program->test_count++] = test;
    *condition = condition_of_test(program);
    if (negated) {
        condition_negate(condition);
    }
    return true;
}

static bool parse_condition(struct parser *parser, struct condition *condition, struct error *err);

static bool parse_one(struct parser *parser, struct condition *condition, struct error *err)
{
    bool is_not = is_word(parser, STR("not"));
    if (!is_not && parser->token.kind != TOKEN_OPEN_ROUND) {
        return parse_test(parser, condition, err);
    }
    if (parser->depth == ROUTE_DEPTH_MAX) {
        return lex_fail(err, parser->token.place,
                        "more than %d parentheses and not within each other; use several rules",
                        ROUTE_DEPTH_MAX);
    }
    parser->depth++;
    bool done = advance(parser, err);
    if (done && is_not) {
        done = parse_one(parser, condition, err);
        if (done) {
            condition_negate(condition);
        }
    } else if (done) {
        done = parse_condition(parser, condition, err) &&
               expect(parser, TOKEN_CLOSE_ROUND, "write and, or or ) after a comparison", err);
    }
    parser->depth--;
    return done;
}

static bool parse_all(struct parser *parser, struct condition *condition, struct error *err)
{
    if (!parse_one(parser, condition, err)) {
        return false;
    }
    while (is_word(parser, STR("and"))) {
        struct condition right = {.test = 0};
        if (!advance(parser, err) || !parse_one(parser, &right, err)) {
            return false;
        }
        *condition = condition_and(parser->program, *condition, right);
    }
    return true;
}

static bool parse_condition(struct parser *parser, struct condition *condition, struct error *err)
{
    if (!parse_all(parser, condition, err)) {
        return false;
    }
    while (is_word(parser, STR("or"))) {
        struct condition right = {.test = 0};
        if (!advance(parser, err) || !parse_all(parser, &right, err)) {
            return false;
        }
        *condition = condition_or(parser->program, *condition, right);
    }
    return true;
}

/* ---- actions and rules ---- */

static bool parse_target(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    struct program *program = parser->program;
    struct token name = parser->token;
    if (name.kind != TOKEN_WORD) {
        return fail_here(parser, err, "the name of a provider belongs here, as in paypal");
    }
    if (rule->target_count == ROUTE_TARGET_MAX) {
        return lex_fail(err, name.place, "more than %d providers in a rule; name fewer",
                        ROUTE_TARGET_MAX);
    }
    if (!check_provider(&name, parser->known_providers, parser->known_count, err) ||
        !advance(parser, err)) {
        return false;
    }
    struct eval_target target = {.provider = name.text, .account = STR_NONE};
    if (parser->token.kind == TOKEN_COLON) {
        if (!advance(parser, err)) {
            return false;
        }
        bool is_name = parser->token.kind == TOKEN_WORD || parser->token.kind == TOKEN_STRING;
        if (!is_name || str_is_empty(parser->token.text)) {
            return fail_here(parser, err,
                             "an account's name follows the colon, as in paypal:\"main\"");
        }
        target.account = parser->token.text;
        if (!advance(parser, err)) {
            return false;
        }
    }
    program->targets = grow(parser->arena, program->targets, program->target_count, sizeof(target));
    program->targets[program->target_count++] = target;
    rule->target_count++;
    return check_target(program, rule, name.place, err);
}

static bool parse_targets(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    if (!parse_target(parser, rule, err)) {
        return false;
    }
    while (parser->token.kind == TOKEN_COMMA) {
        if (!advance(parser, err) || !parse_target(parser, rule, err)) {
            return false;
        }
    }
    return true;
}

static bool parse_action(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    if (is_word(parser, STR("use"))) {
        return advance(parser, err) && parse_targets(parser, rule, err);
    }
    if (!is_word(parser, STR("by"))) {
        return fail_here(parser, err, "write use paypal, payoneer or by cost");
    }
    if (!advance(parser, err)) {
        return false;
    }
    if (!is_word(parser, STR("cost"))) {
        return fail_here(parser, err, "providers are ordered by cost");
    }
    rule->by_cost = true;
    if (!advance(parser, err)) {
        return false;
    }
    if (is_word(parser, STR("of"))) {
        return advance(parser, err) && parse_targets(parser, rule, err);
    }
    rule->all = true;
    return true;
}

static bool parse_block(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    const char *before = rule->test == EVAL_MATCH
                             ? "write { and what to do, as in { by cost }"
                             : "write and, or, or { and what to do, as in { by cost }";
    rule->target = (uint32_t)parser->program->target_count;
    if (!expect(parser, TOKEN_OPEN_CURLY, before, err) || !parse_action(parser, rule, err)) {
        return false;
    }
    const char *after =
        rule->all ? "write of and providers, or }" : "write , or } after a provider";
    return expect(parser, TOKEN_CLOSE_CURLY, after, err);
}

static bool parse_name(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    if (parser->token.kind != TOKEN_STRING) {
        return fail_here(parser, err, "a rule starts with its name, as in rule \"large euro\"");
    }
    rule->name = parser->token.text;
    if (str_is_empty(str_trim(rule->name)) || rule->name.len > ROUTE_NAME_BYTES_MAX) {
        return lex_fail(err, parser->token.place, "a rule's name has 1 to %d bytes; choose another",
                        ROUTE_NAME_BYTES_MAX);
    }
    if (str_eq(rule->name, STR("default"))) {
        return lex_fail(err, parser->token.place,
                        "default is the name of the last rule; choose another");
    }
    return advance(parser, err);
}

static bool parse_rule(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    struct program *program = parser->program;
    if (program->rule_count == ROUTE_RULE_MAX) {
        return lex_fail(err, parser->token.place, "more than %d rules in one file; use fewer",
                        ROUTE_RULE_MAX);
    }
    if (!advance(parser, err) || !parse_name(parser, rule, err)) {
        return false;
    }
    if (is_word(parser, STR("when"))) {
        struct condition condition = {.test = 0};
        rule->test = (uint32_t)program->test_count;
        if (!advance(parser, err) || !parse_condition(parser, &condition, err)) {
            return false;
        }
        CHECK(condition.test == rule->test);
        condition_end(program, &condition);
        rule->test_count = (uint32_t)program->test_count - rule->test;
    }
    return parse_block(parser, rule, err);
}

static bool add_rule(struct parser *parser, const struct eval_rule *rule, struct error *err)
{
    struct program *program = parser->program;
    program->rules = grow(parser->arena, program->rules, program->rule_count, sizeof(*rule));
    program->rules[program->rule_count++] = *rule;
    return check_rule(program, err);
}

static bool parse_default(struct parser *parser, struct eval_rule *rule, struct error *err)
{
    rule->name = STR("default");
    if (!advance(parser, err) || !parse_block(parser, rule, err) || !add_rule(parser, rule, err)) {
        return false;
    }
    if (is_word(parser, STR("default"))) {
        return lex_fail(err, parser->token.place,
                        "a second default; the first is at line %u, keep one of them",
                        rule->place.line);
    }
    if (is_word(parser, STR("rule"))) {
        return lex_fail(err, parser->token.place,
                        "a rule after default can never match; move it above line %u",
                        rule->place.line);
    }
    return parser->token.kind == TOKEN_END ||
           fail_here(parser, err, "nothing follows default; move it above or remove it");
}

bool parse_rules(struct str text, const struct str *known_providers, size_t known_count,
                 struct arena *arena, struct program *program, struct error *err)
{
    struct parser parser = {.arena = arena,
                            .program = program,
                            .known_providers = known_providers,
                            .known_count = known_count};
    *program = (struct program){.rule_count = 0};
    lex_init(&parser.lexer, text, arena);
    if (!advance(&parser, err)) {
        return false;
    }
    for (;;) {
        struct eval_rule rule = {.place = parser.token.place, .test = EVAL_MATCH};
        if (is_word(&parser, STR("default"))) {
            return parse_default(&parser, &rule, err);
        }
        if (parser.token.kind == TOKEN_END) {
            return lex_fail(err, parser.token.place,
                            "default is missing; end the file with: default { by cost }");
        }
        if (!is_word(&parser, STR("rule"))) {
            return fail_here(&parser, err, "a file holds rule \"name\" ... and default { ... }");
        }
        if (!parse_rule(&parser, &rule, err) || !add_rule(&parser, &rule, err)) {
            return false;
        }
    }
}
