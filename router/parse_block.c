#include "router/parser.h"
#include "router/suggest.h"

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

#define EXAMPLE_SPLIT "split 70% paypal, 30% payoneer"

struct block_parser { /* what is gathered until the block ends */
    struct ast_block *block;
    struct vector target; /* struct ast_target */
    struct vector share;  /* uint32_t */
    struct vector sieve;  /* struct ast_sieve */
    const char *after;    /* what may follow the action that was read last */
    bool is_shadow;
    bool has_failover;
};

static bool parse_inner(struct parser *parser, struct ast_block *block, bool is_shadow);

/* ---- providers ---- */

static bool add_target(struct parser *parser, struct block_parser *inner)
{
    struct token name = parser->token;
    if (inner->target.count == ROUTE_TARGET_MAX) {
        return parser_error(parser, &name, "name fewer", "more than %d providers in a rule",
                            ROUTE_TARGET_MAX);
    }
    struct ast_target target;
    if (!parse_target(parser, &target)) {
        return false;
    }
    const struct ast_target *other = inner->target.at;
    for (size_t i = 0; i < inner->target.count; i++) {
        bool is_covered =
            str_is_empty(other[i].account) || str_eq(other[i].account, target.account);
        if (is_covered && str_eq(other[i].provider, target.provider)) {
            diagnosis_error(parser->diagnosis, target.span, "name each account once",
                            STR_FMT " is named before in this list", EXCERPT(target.provider));
            break;
        }
    }
    *(struct ast_target *)vector_add(parser, &inner->target, sizeof(target)) = target;
    return true;
}

/* What people write between providers instead of a comma. */
static bool is_other_comma(const struct parser *parser)
{
    static const struct str words[] = {STR_INIT("and"), STR_INIT("or"), STR_INIT("then")};
    bool is_other = parser_is(parser, TOKEN_GREATER);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        is_other = is_other || parser_is_word(parser, words[i]);
    }
    return is_other && parser->next.kind == TOKEN_WORD;
}

static bool has_comma(struct parser *parser)
{
    if (is_other_comma(parser)) {
        struct str found = lex_describe(&parser->token, &parser->scratch);
        parser_error(parser, &parser->token,
                     "write a comma between providers; the first is tried first",
                     "unexpected " STR_FMT, STR_ARG(found));
        parser_advance(parser);
        return true;
    }
    if (parser_is(parser, TOKEN_COMMA)) {
        parser_advance(parser);
        return true;
    }
    return false;
}

/* target { "," target }; they are taken by the caller. */
static bool parse_targets(struct parser *parser, struct block_parser *inner)
{
    inner->target.count = 0;
    inner->after = "write , or } after a provider";
    do {
        if (!add_target(parser, inner)) {
            return false;
        }
    } while (has_comma(parser));
    return true;
}

static const struct ast_target *take_targets(struct parser *parser, struct block_parser *inner,
                                             size_t *count)
{
    *count = inner->target.count;
    return vector_take(parser, &inner->target, 0, sizeof(struct ast_target));
}

/* ---- who is tried first ---- */

static bool parse_use(struct parser *parser, struct block_parser *inner)
{
    struct ast_block *block = inner->block;
    block->order = AST_ORDER_LIST;
    if (parser_is_word(parser, STR("by"))) {
        return parser_unexpected(parser, "write by without use: by cost, or by cost of paypal");
    }
    if (!parse_targets(parser, inner)) {
        return false;
    }
    block->target = take_targets(parser, inner, &block->target_count);
    return true;
}

/* "with" "margin" percent [ "and" "failure" money ] */
static bool parse_terms(struct parser *parser, struct ast_block *block)
{
    static const char example[] = "by value with margin 2.5% and failure 0.30 EUR";
    parser_advance(parser);
    if (!parser_is_word(parser, STR("margin"))) {
        return parser_unexpected(parser, parser_text(parser, "write for example: %s", example));
    }
    parser_advance(parser);
    struct ast_value margin;
    if (!parse_percent(parser, example, &margin)) {
        return false;
    }
    block->margin = margin.type == FACT_TYPE_PERCENT ? (uint32_t)margin.as.number : 0;
    if (parser_is_word(parser, STR("failure"))) {
        return parser_unexpected(parser, "write and before it: margin 2.5% and failure 0.30 EUR");
    }
    if (!parser_is_word(parser, STR("and"))) {
        return true;
    }
    parser_advance(parser);
    if (!parser_is_word(parser, STR("failure"))) {
        return parser_unexpected(parser, parser_text(parser, "write for example: %s", example));
    }
    parser_advance(parser);
    return parse_money(parser, example, &block->failure);
}

static bool parse_by(struct parser *parser, struct block_parser *inner)
{
    static const struct {
        struct str name;
        enum ast_order order;
    } orders[] = {
        {STR_INIT("cost"), AST_ORDER_COST},
        {STR_INIT("success"), AST_ORDER_SUCCESS},
        {STR_INIT("latency"), AST_ORDER_LATENCY},
        {STR_INIT("value"), AST_ORDER_VALUE},
    };
    struct ast_block *block = inner->block;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        block->order = parser_is_word(parser, orders[i].name) ? orders[i].order : block->order;
    }
    if (block->order == AST_ORDER_NONE) {
        struct suggestion best = {STR_NONE, 0};
        for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
            suggest(&best, parser->token.text, orders[i].name);
        }
        if (parser_is_word(parser, STR("success_rate"))) {
            best.name = STR("success");
        }
        return parser_unexpected(
            parser,
            parser_did_you_mean(parser, best.name,
                                "providers are ordered by cost, success, latency or value"));
    }
    parser_advance(parser);
    if (block->order == AST_ORDER_VALUE && parser_is_word(parser, STR("with")) &&
        !parse_terms(parser, block)) {
        return false;
    }
    inner->after = "write of and providers, or }";
    if (!parser_is_word(parser, STR("of"))) {
        return true;
    }
    parser_advance(parser);
    if (!parse_targets(parser, inner)) {
        return false;
    }
    block->target = take_targets(parser, inner, &block->target_count);
    return true;
}

/* percent target */
static bool parse_part(struct parser *parser, struct block_parser *inner)
{
    struct ast_value percent = {.type = FACT_TYPE_NONE};
    bool is_swapped = parser_is(parser, TOKEN_WORD) && !parser_is_statement(parser);
    struct token name = parser->token;
    if (parser_is(parser, TOKEN_NUMBER) && parser->next.kind == TOKEN_COMMA &&
        str_eq(parser->next.text, STR("/"))) {
        return false; /* split 70/30: told by the lexer */
    }
    if (is_swapped) { /* split paypal 70% */
        if (!add_target(parser, inner)) {
            return false;
        }
        bool has_number = parser_is(parser, TOKEN_NUMBER);
        parser_error(parser, &name, "write for example: " EXAMPLE_SPLIT, "%s",
                     has_number ? "the percentage stands before the provider"
                                : "a percentage is missing");
        if (!has_number) {
            return true;
        }
    }
    if (!parse_percent(parser, EXAMPLE_SPLIT, &percent) ||
        (!is_swapped && !add_target(parser, inner))) {
        return false;
    }
    uint32_t share = percent.type == FACT_TYPE_PERCENT ? (uint32_t)percent.as.number : 0;
    *(uint32_t *)vector_add(parser, &inner->share, sizeof(share)) = share;
    return true;
}

/* "by" key */
static bool parse_sticky(struct parser *parser, struct ast_block *block)
{
    parser_advance(parser);
    if (parser_is_word(parser, STR("metadata"))) {
        struct str member;
        block->sticky = AST_STICKY_METADATA;
        parser_advance(parser);
        return parse_metadata(parser, &member, &block->sticky_text);
    }
    if (parser_is_word(parser, STR("customer"))) {
        block->sticky = AST_STICKY_CUSTOMER;
    } else if (parser_is_word(parser, STR("reference"))) {
        block->sticky = AST_STICKY_REFERENCE;
    } else {
        return parser_unexpected(
            parser, "a split sticks by customer, by reference or by metadata.<name>; without by "
                    "each payment is drawn");
    }
    parser_advance(parser);
    return true;
}

static bool parse_split(struct parser *parser, struct block_parser *inner)
{
    struct ast_block *block = inner->block;
    block->order = AST_ORDER_SPLIT;
    inner->target.count = 0;
    do {
        if (!parse_part(parser, inner)) {
            return false;
        }
    } while (has_comma(parser));
    while (inner->share.count < inner->target.count) { /* of a part that was told to be wrong */
        *(uint32_t *)vector_add(parser, &inner->share, sizeof(uint32_t)) = 0;
    }
    block->target = take_targets(parser, inner, &block->target_count);
    block->share = vector_take(parser, &inner->share, 0, sizeof(uint32_t));
    inner->after = "write , and the next part, by and what it sticks to, or }";
    return !parser_is_word(parser, STR("by")) || parse_sticky(parser, block);
}

static bool parse_decline(struct parser *parser, struct block_parser *inner)
{
    struct token reason = parser->token;
    inner->block->order = AST_ORDER_DECLINE;
    inner->after = "write } after the reason";
    if (!parser_expect(parser, TOKEN_STRING,
                       "a reason follows, in quotes: decline \"no payouts to this country\"")) {
        return false;
    }
    if (str_is_empty(str_trim(reason.text))) {
        parser_error(parser, &reason, "say why: decline \"no payouts to this country\"",
                     "the reason is empty");
    }
    inner->block->reason = reason.text;
    return true;
}

/* ---- who is left out ---- */

static bool parse_sieve(struct parser *parser, struct block_parser *inner, enum ast_sieve_kind kind,
                        struct place from)
{
    struct ast_sieve sieve = {.kind = kind};
    if (inner->sieve.count == ROUTE_TARGET_MAX) {
        return parser_error(parser, &parser->token, "write fewer",
                            "more than %d of only, never and avoid in a rule", ROUTE_TARGET_MAX);
    }
    bool is_bare = parser_is(parser, TOKEN_WORD) && fact_find(parser->token.text) != FACT_NONE;
    if (parser_is_word(parser, STR("where")) || parser_is_word(parser, STR("when")) || is_bare) {
        if (!parser_is_word(parser, STR("where"))) {
            parser_error(parser, &parser->token, "write where: avoid where latency > 2s",
                         "unexpected " STR_FMT, STR_ARG(parser->token.text));
        }
        if (!is_bare) {
            parser_advance(parser);
        }
        bool was_in_where = parser->in_where;
        parser->in_where = true;
        sieve.where = parse_condition(parser);
        parser->in_where = was_in_where;
        inner->after = "write and, or, or } after a comparison";
        if (sieve.where == NULL) {
            return false;
        }
    } else {
        if (!parse_targets(parser, inner)) {
            return false;
        }
        sieve.target = take_targets(parser, inner, &sieve.target_count);
    }
    sieve.span = parser_span(parser, from);
    *(struct ast_sieve *)vector_add(parser, &inner->sieve, sizeof(sieve)) = sieve;
    return true;
}

/* ---- how long others are tried, and what is only recorded ---- */

static bool parse_within(struct parser *parser, struct ast_block *block)
{
    struct ast_value duration;
    parser_advance(parser);
    if (!parse_duration(parser, "failover within 5s", &duration)) {
        return false;
    }
    if (duration.type == FACT_TYPE_DURATION && duration.as.number == 0) {
        diagnosis_error(parser->diagnosis, duration.span,
                        "write failover none when nobody else shall be tried",
                        "no time at all to try others");
        duration.type = FACT_TYPE_NONE;
    }
    block->within_us = duration.type == FACT_TYPE_DURATION ? duration.as.number : 0;
    return true;
}

static bool parse_at_most(struct parser *parser, struct ast_block *block)
{
    parser_advance(parser);
    if (!parser_is_word(parser, STR("most"))) {
        return parser_unexpected(parser, "write for example: failover at most 2");
    }
    parser_advance(parser);
    struct token number = parser->token;
    int64_t depth = 0;
    if (!parser_expect(parser, TOKEN_NUMBER, "write how many are tried: failover at most 2")) {
        return false;
    }
    bool good = str_to_int64(number.text, &depth) && depth >= 1 && depth <= ROUTE_CANDIDATE_MAX;
    if (!good) {
        parser_error(parser, &number,
                     depth == 0 && str_eq(number.text, STR("0"))
                         ? "write failover none, or at most 1: the first is always tried"
                         : "write a whole number from 1 to 16: failover at most 2",
                     STR_FMT " is no number of tries", EXCERPT(number.text));
    }
    block->depth_max = good ? (uint8_t)depth : 1;
    return true;
}

static bool parse_failover(struct parser *parser, struct block_parser *inner)
{
    struct ast_block *block = inner->block;
    inner->after = "write ; or } after failover";
    if (parser_is_word(parser, STR("none"))) {
        block->depth_max = 1;
        parser_advance(parser);
        return true;
    }
    bool is_depth = parser_is_word(parser, STR("at"));
    if (!is_depth && !parser_is_word(parser, STR("within"))) {
        return parser_unexpected(parser,
                                 "write failover none, failover at most 2, or failover within 5s");
    }
    if (is_depth && !parse_at_most(parser, block)) {
        return false;
    }
    return !parser_is_word(parser, STR("within")) || parse_within(parser, block);
}

static bool parse_shadow(struct parser *parser, struct block_parser *inner)
{
    struct ast_block *shadow = ARENA_NEW(parser->arena, struct ast_block);
    if (!parser_is(parser, TOKEN_OPEN_CURLY)) {
        return parser_unexpected(parser, "a block follows: shadow { by cost }");
    }
    if (!parse_inner(parser, shadow, true)) {
        return false;
    }
    inner->block->shadow = shadow;
    inner->after = "write ; or } after a block";
    return true;
}

/* ---- blocks ---- */

enum action {
    ACTION_NONE = 0,
    ACTION_USE,
    ACTION_BY,
    ACTION_SPLIT,
    ACTION_DECLINE,
    ACTION_ONLY,
    ACTION_NEVER,
    ACTION_AVOID,
    ACTION_FAILOVER,
    ACTION_SHADOW,
    ACTION_COUNT,
};

static enum action find_action(const struct parser *parser)
{
    static const struct str names[ACTION_COUNT] = {
        [ACTION_USE] = STR_INIT("use"),       [ACTION_BY] = STR_INIT("by"),
        [ACTION_SPLIT] = STR_INIT("split"),   [ACTION_DECLINE] = STR_INIT("decline"),
        [ACTION_ONLY] = STR_INIT("only"),     [ACTION_NEVER] = STR_INIT("never"),
        [ACTION_AVOID] = STR_INIT("avoid"),   [ACTION_FAILOVER] = STR_INIT("failover"),
        [ACTION_SHADOW] = STR_INIT("shadow"),
    };
    for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
        if (parser_is_word(parser, names[i])) {
            return (enum action)i;
        }
    }
    return ACTION_NONE;
}

/* What a block has once only is there already: told, and the block is read on. */
static void check_twice(struct parser *parser, struct block_parser *inner, enum action action)
{
    const struct ast_block *block = inner->block;
    const struct token *token = &parser->token;
    if (action <= ACTION_DECLINE && block->order != AST_ORDER_NONE) {
        parser_error(parser, token,
                     "keep one of use, by, split and decline; the others go to "
                     "another rule",
                     "this block says at line %u already who is tried first",
                     block->order_span.from.line);
    } else if (action == ACTION_FAILOVER && inner->has_failover) {
        parser_error(parser, token, "write one: failover at most 2 within 5s",
                     "a second failover in this block");
    } else if (action == ACTION_SHADOW && inner->is_shadow) {
        parser_error(parser, token, "remove the inner one", "a shadow within a shadow");
    } else if (action == ACTION_SHADOW && block->shadow != NULL) {
        parser_error(parser, token, "keep one of them", "a second shadow in this block");
    }
}

static bool parse_order(struct parser *parser, struct block_parser *inner, enum action action,
                        struct place from)
{
    struct ast_block *block = inner->block;
    block->order = AST_ORDER_NONE;
    bool good = action == ACTION_USE     ? parse_use(parser, inner)
                : action == ACTION_BY    ? parse_by(parser, inner)
                : action == ACTION_SPLIT ? parse_split(parser, inner)
                                         : parse_decline(parser, inner);
    block->order_span = parser_span(parser, from);
    return good;
}

static bool parse_action(struct parser *parser, struct block_parser *inner)
{
    enum action action = find_action(parser);
    struct place from = parser->token.place;
    if (action == ACTION_NONE) {
        return parser_unexpected(parser, "write use paypal, payoneer or by cost");
    }
    check_twice(parser, inner, action);
    parser_advance(parser);
    if (action <= ACTION_DECLINE) {
        return parse_order(parser, inner, action, from);
    }
    if (action == ACTION_SHADOW) {
        return parse_shadow(parser, inner);
    }
    if (action == ACTION_FAILOVER) {
        bool good = parse_failover(parser, inner);
        inner->has_failover = true;
        return good;
    }
    return parse_sieve(parser, inner,
                       action == ACTION_ONLY    ? AST_ONLY
                       : action == ACTION_NEVER ? AST_NEVER
                                                : AST_AVOID,
                       from);
}

/* A block that has all its actions. */
static void check_block(struct parser *parser, struct block_parser *inner, const struct token *open)
{
    const struct ast_block *block = inner->block;
    if (block->order == AST_ORDER_NONE) {
        parser_error(parser, open, "add use and providers, or by cost",
                     "this block does not say who is tried");
    } else if (block->order == AST_ORDER_DECLINE &&
               (block->sieve_count > 0 || inner->has_failover)) {
        diagnosis_warn(parser->diagnosis, block->order_span, "remove the rest of the block",
                       "nobody is tried after decline");
    }
}

static bool parse_inner(struct parser *parser, struct ast_block *block, bool is_shadow)
{
    struct token open = parser->token;
    struct block_parser inner = {.block = block, .is_shadow = is_shadow};
    *block = (struct ast_block){.order = AST_ORDER_NONE};
    parser_advance(parser);
    for (;;) {
        if (!parse_action(parser, &inner)) {
            return false;
        }
        bool is_separated = parser_is(parser, TOKEN_SEMICOLON);
        if (is_separated) {
            parser_advance(parser);
        }
        if (parser_is(parser, TOKEN_CLOSE_CURLY)) {
            break;
        }
        if (parser_is_statement(parser)) {
            return parser_unexpected(
                parser, parser_text(parser,
                                    "the block that begins at line %u is open; end it with "
                                    "} before this",
                                    open.place.line));
        }
        if (!is_separated && find_action(parser) == ACTION_NONE) {
            return parser_unexpected(parser, inner.after);
        }
    }
    parser_advance(parser);
    block->sieve_count = inner.sieve.count;
    block->sieve = vector_take(parser, &inner.sieve, 0, sizeof(struct ast_sieve));
    block->span = parser_span(parser, open.place);
    check_block(parser, &inner, &open);
    return true;
}

static bool is_sign(const struct parser *parser)
{
    enum token_kind kind = parser->token.kind;
    return kind >= TOKEN_EQUAL && kind <= TOKEN_IS;
}

bool parse_block(struct parser *parser, bool has_condition, struct ast_block *block)
{
    bool is_condition = parser_is(parser, TOKEN_OPEN_ROUND) || parser_is_word(parser, STR("not")) ||
                        (parser_is(parser, TOKEN_WORD) &&
                         (fact_find(parser->token.text) != FACT_NONE ||
                          names_find(&parser->condition_names, parser->token.text) != NAMES_NONE));
    if (parser_is(parser, TOKEN_OPEN_CURLY)) {
        return parse_inner(parser, block, false);
    }
    if (is_condition && !has_condition) {
        return parser_unexpected(parser, "write when before a condition, or { and what to do");
    }
    if (is_sign(parser) && has_condition) {
        return parser_unexpected(parser, "compare once and say and: amount > 10.00 EUR and amount "
                                         "< 50.00 EUR");
    }
    return parser_unexpected(parser, has_condition
                                         ? "write and, or, or { and what to do, as in { by cost }"
                                         : "write { and what to do, as in { by cost }");
}
