#include "router/parser.h"

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

static struct ast_node *new_node(struct parser *parser, enum ast_kind kind, struct place from)
{
    struct ast_node *node = ARENA_NEW(parser->arena, struct ast_node);
    node->kind = kind;
    node->span = parser_span(parser, from);
    return node;
}

static struct ast_node *new_parent(struct parser *parser, enum ast_kind kind, struct place from,
                                   const struct ast_node *child)
{
    struct ast_node *node = new_node(parser, kind, from);
    const struct ast_node **children = ARENA_NEW(parser->arena, const struct ast_node *);
    children[0] = child;
    node->child = children;
    node->child_count = 1;
    return node;
}

/* ---- comparisons ---- */

static enum ast_sign sign_of(enum token_kind kind)
{
    /* clang-format off */
    static const enum ast_sign by_kind[TOKEN_COUNT] = {
        [TOKEN_EQUAL]         = AST_EQUAL,
        [TOKEN_IS]            = AST_EQUAL, /* told to be a mistake */
        [TOKEN_NOT_EQUAL]     = AST_UNEQUAL,
        [TOKEN_LESS]          = AST_LESS,
        [TOKEN_LESS_EQUAL]    = AST_LESS_EQUAL,
        [TOKEN_GREATER]       = AST_GREATER,
        [TOKEN_GREATER_EQUAL] = AST_GREATER_EQUAL,
    };
    /* clang-format on */
    return by_kind[kind];
}

static bool has_order(enum fact_type type)
{
    return type == FACT_TYPE_MONEY || type == FACT_TYPE_NUMBER || type == FACT_TYPE_PERCENT ||
           type == FACT_TYPE_DURATION || type == FACT_TYPE_TIME || type == FACT_TYPE_COST;
}

static bool has_list(enum fact_type type)
{
    return !has_order(type) || type == FACT_TYPE_NUMBER;
}

static bool is_text(enum fact_type type)
{
    return type == FACT_TYPE_TEXT || type == FACT_TYPE_WORD || type == FACT_TYPE_DIGITS;
}

static bool has_range(enum fact_type type)
{
    return has_order(type) || type == FACT_TYPE_DIGITS || type == FACT_TYPE_WEEKDAY;
}

static bool is_value(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING ||
           token->kind == TOKEN_NUMBER || token->kind == TOKEN_TIME;
}

static void skip_value(struct parser *parser)
{
    bool is_number = parser_is(parser, TOKEN_NUMBER);
    if (!is_value(&parser->token) || parser_is_statement(parser)) {
        return;
    }
    parser_advance(parser);
    while (is_number && parser_is(parser, TOKEN_COMMA) && parser->next.kind == TOKEN_NUMBER &&
           parser->next.is_glued) { /* 10,00 */
        parser_advance(parser);
        parser_advance(parser);
    }
    bool is_unit = parser_is(parser, TOKEN_PERCENT) ||
                   (parser_is(parser, TOKEN_WORD) &&
                    (parser->token.is_glued || currency_find(parser->token.text) != NULL));
    if (is_number && is_unit) {
        parser_advance(parser);
    }
}

/* Over the sign and the value behind a fact that is not known, or not so. */
static void skip_comparison(struct parser *parser)
{
    static const struct str words[] = {STR_INIT("not"), STR_INIT("in"), STR_INIT("starts"),
                                       STR_INIT("with"), STR_INIT("matches")};
    bool has_sign = false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (parser_is_word(parser, words[i])) {
            parser_advance(parser);
            has_sign = true;
        }
    }
    if (!has_sign && sign_of(parser->token.kind) != AST_SIGN_NONE) {
        parser_advance(parser);
        has_sign = true;
    }
    if (!has_sign) {
        return;
    }
    if (parser_is(parser, TOKEN_OPEN_SQUARE)) {
        do {
            parser_advance(parser);
        } while (is_value(&parser->token) || parser_is(parser, TOKEN_COMMA));
        if (parser_is(parser, TOKEN_CLOSE_SQUARE)) {
            parser_advance(parser);
        }
        return;
    }
    skip_value(parser);
    if (parser_is(parser, TOKEN_RANGE)) {
        parser_advance(parser);
        skip_value(parser);
    }
}

/* False: the fact cannot be compared so, which was told. */
static bool check_sign(struct parser *parser, const struct ast_fact *fact)
{
    const struct fact_info *info = fact_info(fact->fact);
    const struct token *sign = &parser->token;
    bool is_in = parser_is_word(parser, STR("in"));
    bool is_order = sign_of(sign->kind) >= AST_LESS && sign_of(sign->kind) <= AST_GREATER_EQUAL;
    bool is_set = parser->next.kind == TOKEN_OPEN_SQUARE ||
                  (parser->next.kind == TOKEN_WORD && info->type != FACT_TYPE_WEEKDAY);
    if (is_in && !has_list(info->type) && is_set) {
        const char *range = info->type == FACT_TYPE_MONEY  ? "amount in 10.00..50.00 EUR"
                            : info->type == FACT_TYPE_TIME ? "time in 22:00..06:00"
                                                           : "cost in 1%..3%";
        return parser_error(parser, sign, parser_text(parser, "write a range: %s", range),
                            STR_FMT " is not compared with a list", STR_ARG(info->name));
    }
    if (is_order && !has_order(info->type)) {
        return parser_error(parser, sign,
                            parser_text(parser, "use ==, != or in: %s", info->example),
                            STR_FMT " has no order and cannot be compared with " STR_FMT,
                            STR_ARG(info->name), STR_ARG(sign->text));
    }
    bool is_part = parser_is_word(parser, STR("starts")) || parser_is_word(parser, STR("matches"));
    if (is_part && !is_text(info->type)) {
        return parser_error(
            parser, sign, parser_text(parser, "write for example: %s", info->example),
            STR_FMT " is not free text and has no beginning or pattern", STR_ARG(info->name));
    }
    return true;
}

/* A text is held against a pattern in steps of both their lengths. */
static bool count_pattern(struct parser *parser, const struct token *token, size_t bytes)
{
    if (bytes > ROUTE_PATTERN_BYTES_MAX - parser->pattern_bytes) {
        return parser_stop(parser, token, "use lists, starts with, or fewer patterns",
                           "more than %d bytes of patterns in one file, those of named conditions "
                           "counted at every use",
                           ROUTE_PATTERN_BYTES_MAX);
    }
    parser->pattern_bytes += bytes;
    return true;
}

/* "starts" "with" string | "matches" string */
static bool parse_pattern(struct parser *parser, struct ast_node *node)
{
    node->sign = parser_is_word(parser, STR("starts")) ? AST_STARTS : AST_MATCHES;
    parser_advance(parser);
    if (node->sign == AST_STARTS) {
        if (!parser_is_word(parser, STR("with"))) {
            return parser_unexpected(parser, "write starts with: reference starts with \"sub-\"");
        }
        parser_advance(parser);
    }
    struct token token = parser->token;
    if (!is_value(&token)) {
        return parser_unexpected(parser, "text belongs here: reference starts with \"sub-\"");
    }
    if (token.kind != TOKEN_STRING) {
        parser_error(parser, &token,
                     parser_text(parser, "quote it: \"" STR_FMT "\"", EXCERPT(token.text)),
                     STR_FMT " is not quoted", EXCERPT(token.text));
    }
    if (node->sign == AST_MATCHES && !count_pattern(parser, &token, token.text.len)) {
        return false;
    }
    parser_advance(parser);
    struct ast_value *value = ARENA_NEW(parser->arena, struct ast_value);
    *value = (struct ast_value){
        .span = parser_token_span(&token), .type = FACT_TYPE_TEXT, .as.text = token.text};
    node->list = (struct ast_list){.value = value, .count = 1};
    return true;
}

/* What follows "in". */
static bool parse_members(struct parser *parser, struct ast_node *node, bool negated)
{
    enum fact_type type = fact_info(node->fact.fact)->type;
    bool is_set = parser_is(parser, TOKEN_OPEN_SQUARE) ||
                  (parser_is(parser, TOKEN_WORD) && parser->next.kind != TOKEN_RANGE);
    bool good = true;
    if (has_range(type) && !is_set) {
        node->sign = negated ? AST_NOT_WITHIN : AST_WITHIN;
        if (!parse_range(parser, &node->fact, &node->list)) {
            return false;
        }
        good = node->list.count > 0;
    } else {
        node->sign = negated ? AST_NOT_IN : AST_IN;
        if (!parse_in(parser, node->fact.fact, &node->list, &good)) {
            return false;
        }
    }
    node->kind = good ? node->kind : AST_FALSE;
    return true;
}

static bool check_as(struct parser *parser, const struct ast_node *node)
{
    const struct ast_value *value = node->list.value;
    const struct currency *as = node->fact.as;
    if (as == NULL || value->type != FACT_TYPE_MONEY || value->as.money.currency == as) {
        return true;
    }
    diagnosis_error(parser->diagnosis, value->span,
                    parser_text(parser, "write the value in %s, or amount as %s", as->code,
                                value->as.money.currency->code),
                    "amount as %s is compared with %s", as->code, value->as.money.currency->code);
    return false;
}

/* The sign and what follows it; node->kind is AST_FALSE when its meaning is wrong. */
static bool parse_comparison(struct parser *parser, struct ast_node *node, bool *negated)
{
    if (parser_is_word(parser, STR("not"))) {
        *negated = true;
        parser_advance(parser);
        if (!parser_is_word(parser, STR("in")) && !parser_is_word(parser, STR("starts")) &&
            !parser_is_word(parser, STR("matches"))) {
            return parser_unexpected(parser,
                                     "write !=, or not in [...], or put not before the fact");
        }
    }
    enum ast_sign sign = sign_of(parser->token.kind);
    bool is_word = parser_is_word(parser, STR("in")) || parser_is_word(parser, STR("starts")) ||
                   parser_is_word(parser, STR("matches"));
    if (sign == AST_SIGN_NONE && !is_word) {
        return parser_unexpected(parser, "compare the fact with ==, !=, <, <=, >, >= or in");
    }
    if (parser_is(parser, TOKEN_IS)) {
        (void)parser_unexpected(parser, "compare with ==");
    }
    if (!check_sign(parser, &node->fact)) {
        node->kind = AST_FALSE;
        skip_comparison(parser);
        return true;
    }
    if (is_word && !parser_is_word(parser, STR("in"))) {
        return parse_pattern(parser, node);
    }
    parser_advance(parser);
    if (is_word) {
        bool is_opposite = *negated;
        *negated = false; /* the sign says it */
        return parse_members(parser, node, is_opposite);
    }
    if (parser_is(parser, TOKEN_OPEN_SQUARE)) {
        return parser_unexpected(parser, "compare with a list by in, as in country in [DE, AT]");
    }
    struct ast_value *value = ARENA_NEW(parser->arena, struct ast_value);
    node->sign = sign;
    node->list = (struct ast_list){.value = value, .count = 1};
    if (!parse_value(parser, &node->fact, value)) {
        return false;
    }
    node->kind = value->type == FACT_TYPE_NONE ? AST_FALSE : node->kind;
    return true;
}

static bool parse_flag(struct parser *parser, struct ast_node *node)
{
    const struct fact_info *info = fact_info(node->fact.fact);
    node->sign = AST_IS;
    if (sign_of(parser->token.kind) == AST_SIGN_NONE && !parser_is_word(parser, STR("in"))) {
        return true;
    }
    parser_error(
        parser, &parser->token,
        parser_text(parser, "write " STR_FMT " alone, or not before it", STR_ARG(info->name)),
        STR_FMT " is true or false by itself", STR_ARG(info->name));
    skip_comparison(parser);
    node->kind = AST_FALSE;
    return true;
}

/* One more comparison, or one more not. */
static bool count_test(struct parser *parser)
{
    if (parser->test_count == ROUTE_TEST_MAX) {
        return parser_stop(parser, &parser->token, "use fewer",
                           "more than %d comparisons in one file", ROUTE_TEST_MAX);
    }
    parser->test_count++;
    return true;
}

static const struct ast_node *parse_test(struct parser *parser)
{
    struct token start = parser->token;
    if (!count_test(parser)) {
        return NULL;
    }
    struct ast_node *node = new_node(parser, AST_TEST, start.place);
    bool negated = false;
    if (!parse_fact(parser, &node->fact)) {
        return NULL;
    }
    if (node->fact.fact == FACT_NONE) {
        node->kind = AST_FALSE;
        skip_comparison(parser);
    } else {
        parser->last_fact = node->fact.fact;
        bool is_flag = fact_info(node->fact.fact)->type == FACT_TYPE_FLAG;
        if (!(is_flag ? parse_flag(parser, node) : parse_comparison(parser, node, &negated))) {
            return NULL;
        }
    }
    if (node->kind == AST_TEST && !check_as(parser, node)) {
        node->kind = AST_FALSE;
    }
    node->span = parser_span(parser, start.place);
    return negated ? new_parent(parser, AST_NOT, start.place, node) : node;
}

/* ---- names ---- */

static bool is_too_deep(struct parser *parser, const struct token *token, unsigned more)
{
    unsigned depth = parser->depth + more;
    if (depth > ROUTE_DEPTH_MAX) {
        parser_error(parser, token, "use several rules",
                     "more than %d parentheses and not within each other", ROUTE_DEPTH_MAX);
        return true;
    }
    parser->depth_seen = depth > parser->depth_seen ? depth : parser->depth_seen;
    return false;
}

static const struct ast_node *parse_name(struct parser *parser, uint32_t index)
{
    struct token name = parser->token;
    struct parse_condition *condition = (struct parse_condition *)parser->condition.at + index;
    condition->is_used = true;
    if (is_too_deep(parser, &name, 1 + condition->depth)) {
        return NULL;
    }
    if (condition->test_count > ROUTE_TEST_MAX - parser->test_count) {
        parser_stop(parser, &name, "use fewer",
                    "more than %d comparisons in one file, those of named conditions counted at "
                    "every use",
                    ROUTE_TEST_MAX);
        return NULL;
    }
    if (!count_pattern(parser, &name, condition->pattern_bytes)) {
        return NULL;
    }
    parser->test_count += condition->test_count;
    parser_advance(parser);
    if (condition->candidate.kind != TOKEN_NONE && parser->in_definition) {
        parser->candidate =
            parser->candidate.kind == TOKEN_NONE ? condition->candidate : parser->candidate;
    } else if (condition->candidate.kind != TOKEN_NONE && !parser->in_where) {
        parser_error(
            parser, &name,
            parser_text(parser, "ask in a block: avoid where " STR_FMT, EXCERPT(name.text)),
            STR_FMT " asks for " STR_FMT " of an account, at line %u", EXCERPT(name.text),
            STR_ARG(condition->candidate.text), condition->candidate.place.line);
        return new_node(parser, AST_FALSE, name.place);
    }
    struct ast_node *node = new_parent(parser, AST_NAME, name.place, condition->root);
    node->name = condition->name;
    return node;
}

/* ---- and, or, not ---- */

/* The word, also in upper case, which is told. */
static bool is_connective(struct parser *parser, struct str word)
{
    if (!parser_is(parser, TOKEN_WORD) || !str_eq_nocase(parser->token.text, word)) {
        return false;
    }
    if (!str_eq(parser->token.text, word)) {
        (void)parser_unexpected(parser, "");
    }
    return true;
}

static const struct ast_node *parse_leaf(struct parser *parser)
{
    const struct token *token = &parser->token;
    if (is_value(token) && token->kind != TOKEN_WORD) {
        (void)parser_unexpected(parser, "put the fact first, as in amount >= 500.00 EUR");
        return NULL;
    }
    static const struct str reserved[] = {
        STR_INIT("and"), STR_INIT("or"),  STR_INIT("in"), STR_INIT("when"), STR_INIT("then"),
        STR_INIT("if"),  STR_INIT("use"), STR_INIT("by"), STR_INIT("rule"), STR_INIT("set"),
    };
    bool is_name = token->kind == TOKEN_WORD && !parser_is_statement(parser);
    for (size_t i = 0; i < ARRAY_LEN(reserved) && is_name; i++) {
        is_name = !str_eq(token->text, reserved[i]);
    }
    if (!is_name) {
        (void)parser_unexpected(parser, "a condition such as currency == EUR belongs here");
        return NULL;
    }
    uint32_t index = names_find(&parser->condition_names, token->text);
    bool has_member = parser->next.kind == TOKEN_DOT || parser->next.kind == TOKEN_COLON;
    return index != NAMES_NONE && !has_member ? parse_name(parser, index) : parse_test(parser);
}

static const struct ast_node *parse_or(struct parser *parser);

static const struct ast_node *parse_one(struct parser *parser)
{
    struct token start = parser->token;
    bool is_not = is_connective(parser, STR("not"));
    if (!is_not && !parser_is(parser, TOKEN_OPEN_ROUND)) {
        return parse_leaf(parser);
    }
    if (is_too_deep(parser, &start, 1) || (is_not && !count_test(parser))) {
        return NULL;
    }
    parser->depth++;
    parser_advance(parser);
    const struct ast_node *node = is_not ? parse_one(parser) : parse_or(parser);
    parser->depth--;
    if (node == NULL || is_not) {
        return node == NULL ? NULL : new_parent(parser, AST_NOT, start.place, node);
    }
    return parser_expect(parser, TOKEN_CLOSE_ROUND, "write and, or or ) after a comparison") ? node
                                                                                             : NULL;
}

static bool add_child(struct parser *parser, const struct ast_node *node)
{
    if (node != NULL) {
        *(const struct ast_node **)vector_add(parser, &parser->node, sizeof(node)) = node;
    }
    return node != NULL;
}

/* All since `from`: one is itself, several are a node of `kind`. */
static const struct ast_node *join(struct parser *parser, enum ast_kind kind, size_t from,
                                   struct place place)
{
    if (parser->node.count - from == 1) {
        return ((const struct ast_node **)parser->node.at)[--parser->node.count];
    }
    struct ast_node *node = new_node(parser, kind, place);
    node->child_count = parser->node.count - from;
    node->child = vector_take(parser, &parser->node, from, sizeof(node));
    return node;
}

static const struct ast_node *parse_and(struct parser *parser)
{
    struct place place = parser->token.place;
    size_t from = parser->node.count;
    if (!add_child(parser, parse_one(parser))) {
        return NULL;
    }
    while (is_connective(parser, STR("and"))) {
        parser_advance(parser);
        if (!add_child(parser, parse_one(parser))) {
            return NULL;
        }
    }
    return join(parser, AST_AND, from, place);
}

static const struct ast_node *parse_or(struct parser *parser)
{
    struct place place = parser->token.place;
    size_t from = parser->node.count;
    if (!add_child(parser, parse_and(parser))) {
        return NULL;
    }
    while (is_connective(parser, STR("or"))) {
        parser_advance(parser);
        if (!add_child(parser, parse_and(parser))) {
            return NULL;
        }
    }
    return join(parser, AST_OR, from, place);
}

const struct ast_node *parse_condition(struct parser *parser)
{
    parser->depth = 0;
    parser->depth_seen = 0;
    parser->node.count = 0;
    parser->last_fact = FACT_NONE;
    return parse_or(parser);
}
