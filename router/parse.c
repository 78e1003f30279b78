#include "router/parse.h"

#include "base/crypto.h"
#include "router/parser.h"
#include "router/suggest.h"

#include <string.h>

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

enum {
    SCRATCH_BYTES_MAX = PARSE_ARENA_BYTES_MAX,
};

/* ---- definitions ---- */

/* The name of a set or a condition; false when it cannot be one, which was told. */
static bool check_name(struct parser *parser, const struct token *name)
{
    static const struct str reserved[] = {
        STR_INIT("and"),  STR_INIT("or"),   STR_INIT("not"),       STR_INIT("in"),
        STR_INIT("when"), STR_INIT("rule"), STR_INIT("otherwise"), STR_INIT("default"),
        STR_INIT("set"),  STR_INIT("zone"), STR_INIT("condition"), STR_INIT("use"),
        STR_INIT("by"),   STR_INIT("if"),   STR_INIT("then"),
    };
    const struct parse_set *set = parser->set.at;
    const struct parse_condition *condition = parser->condition.at;
    uint32_t as_set = names_find(&parser->set_names, name->text);
    uint32_t as_condition = names_find(&parser->condition_names, name->text);
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (str_eq(name->text, reserved[i])) {
            return parser_error(parser, name, "choose another name",
                                STR_FMT " is a word of the language", EXCERPT(name->text));
        }
    }
    if (fact_find(name->text) != FACT_NONE) {
        return parser_error(parser, name, "choose another name", STR_FMT " is a fact",
                            EXCERPT(name->text));
    }
    if (as_set != NAMES_NONE || as_condition != NAMES_NONE) {
        unsigned line = as_set != NAMES_NONE ? set[as_set].span.from.line
                                             : condition[as_condition].span.from.line;
        return parser_error(parser, name, "choose another name",
                            STR_FMT " is defined at line %u already", EXCERPT(name->text), line);
    }
    return true;
}

/* word "="; *good: the name can be defined. */
static bool parse_definition_name(struct parser *parser, struct token *name, bool *good,
                                  const char *example)
{
    *name = parser->token;
    *good = false;
    if (parser->set.count + parser->condition.count == ROUTE_DEFINITION_MAX) {
        return parser_stop(parser, name, "use fewer",
                           "more than %d sets and conditions in one file", ROUTE_DEFINITION_MAX);
    }
    if (!parser_is(parser, TOKEN_WORD)) {
        return parser_unexpected(parser, parser_text(parser, "a name follows: %s", example));
    }
    *good = check_name(parser, name);
    parser_advance(parser);
    if (parser_is(parser, TOKEN_IS)) {
        parser_advance(parser);
        return true;
    }
    bool is_double = parser_is(parser, TOKEN_EQUAL);
    (void)parser_unexpected(
        parser,
        parser_text(parser, is_double ? "define with one =: %s" : "write = behind the name: %s",
                    example));
    if (is_double) {
        parser_advance(parser);
    }
    return is_double;
}

static bool parse_set_definition(struct parser *parser, struct place from)
{
    struct token name;
    struct parse_set set = {.item_count = 0};
    bool good = false;
    bool done = parse_definition_name(parser, &name, &good, "set eea = [DE, AT]");
    if (done && !parser_is(parser, TOKEN_OPEN_SQUARE)) {
        done = parser_unexpected(parser, "a list follows: set eea = [DE, AT]");
    }
    done = done && parse_items(parser);
    if (done) {
        struct token *item = arena_alloc(&parser->scratch, parser->item.count * sizeof(*item));
        memcpy(item, parser->item.at, parser->item.count * sizeof(*item));
        set.item = item;
        set.item_count = parser->item.count;
        parse_warn_of_twins(parser, item, set.item_count);
    }
    set.name = name.text;
    set.span = parser_span(parser, from);
    if (good) {
        names_add(&parser->set_names, &parser->scratch, name.text, (uint32_t)parser->set.count);
        *(struct parse_set *)vector_add(parser, &parser->set, sizeof(set)) = set;
    }
    return done;
}

static bool parse_condition_definition(struct parser *parser, struct place from)
{
    struct token name;
    struct parse_condition condition = {.root = NULL};
    bool good = false;
    size_t tests = parser->test_count;
    size_t pattern_bytes = parser->pattern_bytes;
    parser->depth_seen = 0;
    parser->candidate = (struct token){.kind = TOKEN_NONE};
    bool done =
        parse_definition_name(parser, &name, &good, "condition large = amount >= 500.00 EUR");
    if (done) {
        parser->in_definition = true;
        condition.root = parse_condition(parser);
        parser->in_definition = false;
    }
    done = condition.root != NULL;
    if (!done) { /* its uses have no mistake of their own */
        struct ast_node *none = ARENA_NEW(parser->arena, struct ast_node);
        none->kind = AST_FALSE;
        condition.root = none;
    }
    condition.name = name.text;
    condition.span = parser_span(parser, from);
    condition.depth = parser->depth_seen;
    condition.test_count = parser->test_count - tests;
    condition.pattern_bytes = parser->pattern_bytes - pattern_bytes;
    condition.candidate = parser->candidate;
    if (good) {
        names_add(&parser->condition_names, &parser->scratch, name.text,
                  (uint32_t)parser->condition.count);
        *(struct parse_condition *)vector_add(parser, &parser->condition, sizeof(condition)) =
            condition;
    }
    return done;
}

static bool parse_setting(struct parser *parser, const struct token *start)
{
    uint8_t zone = 0;
    if (parser->has_zone) {
        parser_error(parser, start,
                     "keep one; a fact of another zone is written time at "
                     "\"America/New_York\"",
                     "a second zone");
    }
    if (!parse_zone(parser, &zone)) {
        return false;
    }
    parser->has_zone = true;
    parser->tree->zone[0] = parser->tree->zone[zone];
    return true;
}

/* ---- rules ---- */

static bool parse_rule_name(struct parser *parser, struct ast_rule *rule)
{
    struct token name = parser->token;
    if (!parser_expect(parser, TOKEN_STRING,
                       "a rule starts with its name, as in rule \"large euro\"")) {
        return false;
    }
    rule->name = name.text;
    rule->name_span = parser_token_span(&name);
    if (str_is_empty(str_trim(name.text)) || name.text.len > ROUTE_NAME_BYTES_MAX) {
        parser_error(parser, &name, "choose another", "a rule's name has 1 to %d bytes",
                     ROUTE_NAME_BYTES_MAX);
        return true;
    }
    if (str_eq(name.text, STR("default"))) {
        parser_error(parser, &name, "choose another", "default is the name of the last rule");
        return true;
    }
    uint32_t line = names_find(&parser->rule_names, name.text);
    if (line != NAMES_NONE) {
        parser_error(parser, &name, "choose another name",
                     "a rule named \"" STR_FMT "\" is at line %u", EXCERPT(name.text), line);
        return true;
    }
    names_add(&parser->rule_names, &parser->scratch, name.text, name.place.line);
    return true;
}

static bool add_rule(struct parser *parser, const struct ast_rule *rule)
{
    *(struct ast_rule *)vector_add(parser, &parser->rule, sizeof(*rule)) = *rule;
    return true;
}

static bool parse_rule(struct parser *parser, const struct token *start)
{
    struct ast_rule rule = {.name = STR_NONE};
    if (parser->rule.count == ROUTE_RULE_MAX) {
        return parser_stop(parser, start, "use fewer", "more than %d rules in one file",
                           ROUTE_RULE_MAX);
    }
    if (!parse_rule_name(parser, &rule)) {
        return false;
    }
    bool has_condition = parser_is_word(parser, STR("when"));
    if (has_condition) {
        parser_advance(parser);
        rule.when = parse_condition(parser);
        if (rule.when == NULL) {
            return false;
        }
    }
    rule.span = parser_span(parser, start->place);
    if (parser->is_stopped) {
        return false;
    }
    bool good = parse_block(parser, has_condition, &rule.block);
    if (good && parser->last_span.from.line > 0 && !parser->told_after_last) {
        parser->told_after_last = true;
        diagnosis_error(parser->diagnosis, rule.span,
                        parser_text(parser, "move it above line %u", parser->last_span.from.line),
                        "a rule after otherwise can never match");
    }
    return good && add_rule(parser, &rule);
}

static bool parse_last(struct parser *parser, const struct token *start)
{
    struct ast_rule rule = {.name = STR("default"), .name_span = parser_token_span(start)};
    bool is_second = parser->last_span.from.line > 0;
    if (is_second) {
        parser_error(parser, start, "keep one of them", "a second %s; the first is at line %u",
                     str_eq(start->text, STR("default")) ? "default" : "otherwise",
                     parser->last_span.from.line);
    } else {
        parser->last_span = parser_token_span(start);
    }
    if (parser_is_word(parser, STR("when"))) {
        return parser_unexpected(parser, "otherwise takes what no rule has taken; write rule "
                                         "\"name\" when ... for a condition");
    }
    rule.span = parser_span(parser, start->place);
    return parse_block(parser, false, &rule.block) && (is_second || add_rule(parser, &rule));
}

/* ---- files ---- */

/* clang-format off */
static const struct str statements[] = {
    STR_INIT("rule"), STR_INIT("otherwise"), STR_INIT("default"),
    STR_INIT("set"),  STR_INIT("condition"), STR_INIT("zone"),
};
/* clang-format on */

/* The index of the word that begins a statement, or of the one that was meant, which is told. */
static size_t find_statement(struct parser *parser)
{
    const struct token *token = &parser->token;
    struct suggestion best = {STR_NONE, 0};
    if (token->kind != TOKEN_WORD) {
        return ARRAY_LEN(statements);
    }
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        if (str_eq(token->text, statements[i])) {
            return i;
        }
        suggest(&best, token->text, statements[i]);
    }
    bool is_last =
        str_eq_nocase(token->text, STR("else")) || str_eq_nocase(token->text, STR("fallback"));
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        if (is_last ? i == 1 : str_eq(best.name, statements[i])) {
            (void)parser_unexpected(parser,
                                    parser_did_you_mean(parser, best.name, "write otherwise"));
            return i;
        }
    }
    return ARRAY_LEN(statements);
}

static bool parse_statement(struct parser *parser)
{
    struct token start = parser->token;
    size_t which = find_statement(parser);
    if (which < ARRAY_LEN(statements)) {
        parser_advance(parser);
    }
    switch (which) {
    case 0:
        return parse_rule(parser, &start);
    case 1:
    case 2:
        return parse_last(parser, &start);
    case 3:
        return parse_set_definition(parser, start.place);
    case 4:
        return parse_condition_definition(parser, start.place);
    case 5:
        return parse_setting(parser, &start);
    default:
        break;
    }
    if (start.kind == TOKEN_CLOSE_CURLY || start.kind == TOKEN_SEMICOLON) {
        (void)parser_unexpected(parser, start.kind == TOKEN_SEMICOLON
                                            ? "nothing is needed between rules"
                                            : "no block is open here; remove it");
        parser_advance(parser);
        return true;
    }
    const char *remedy = parser->last_span.from.line > 0
                             ? "nothing but rules and definitions stands here; remove it"
                             : "a file holds rule \"name\" ... and otherwise { ... }";
    return parser_unexpected(parser, remedy);
}

/* Behind a mistake of form: to the next rule, definition or setting. */
static void recover(struct parser *parser)
{
    while (!parser_is(parser, TOKEN_END) && !parser_is_statement(parser)) {
        parser_advance(parser);
    }
}

static void parse_file(struct parser *parser)
{
    while (!parser_is(parser, TOKEN_END) && !parser->is_stopped) {
        bool is_last =
            parser_is_word(parser, STR("otherwise")) || parser_is_word(parser, STR("default"));
        struct token start = parser->token;
        if (!parse_statement(parser)) {
            if (is_last && parser->last_span.from.line == 0) {
                parser->last_span = parser_token_span(&start);
            }
            recover(parser);
        }
    }
    if (parser->last_span.from.line == 0 && !parser->is_stopped) {
        parser_error(parser, &parser->token, "end the file with: otherwise { by cost }",
                     "otherwise is missing");
    }
}

/* The first byte that is no UTF-8, as a place. */
static bool check_utf8(struct str text, struct diagnosis *diagnosis)
{
    if (str_is_utf8(text)) {
        return true;
    }
    struct place place = {1, 1};
    size_t at = 0;
    for (size_t size; at < text.len && (size = str_utf8_size(text, at)) > 0; at += size) {
        place.column++;
        if (text.at[at] == '\n') {
            place = (struct place){place.line + 1, 1};
        }
    }
    diagnosis_error(diagnosis, (struct ast_span){place, {place.line, place.column + 1}},
                    "save the file as UTF-8", "rules are not UTF-8 text");
    return false;
}

static void finish_tree(struct parser *parser)
{
    struct ast_tree *tree = parser->tree;
    struct ast_set *set = ARENA_ARRAY(parser->arena, struct ast_set, parser->set.count);
    for (size_t i = 0; i < parser->set.count; i++) {
        const struct parse_set *from = (const struct parse_set *)parser->set.at + i;
        set[i] = (struct ast_set){.name = from->name, .span = from->span, .is_used = from->is_used};
        const struct parse_list *made = from->list;
        while (made != NULL && made->next != NULL && made->type != FACT_TYPE_TEXT) {
            made = made->next;
        }
        if (made != NULL) { /* as text if it is used so, or as it was used first */
            set[i].list = made->list;
        } else {
            parse_raw_list(parser, from, &set[i].list);
        }
    }
    struct ast_condition *condition =
        ARENA_ARRAY(parser->arena, struct ast_condition, parser->condition.count);
    for (size_t i = 0; i < parser->condition.count; i++) {
        const struct parse_condition *from =
            (const struct parse_condition *)parser->condition.at + i;
        condition[i] = (struct ast_condition){
            .name = from->name, .span = from->span, .root = from->root, .is_used = from->is_used};
    }
    tree->set = set;
    tree->set_count = parser->set.count;
    tree->condition = condition;
    tree->condition_count = parser->condition.count;
    tree->rule_count = parser->rule.count;
    tree->rule = vector_take(parser, &parser->rule, 0, sizeof(struct ast_rule));
}

static struct mix_seed seed_of(struct str text)
{
    uint8_t digest[SHA256_SIZE];
    struct mix_seed seed;
    crypto_sha256(text, digest);
    memcpy(&seed, digest, sizeof(seed));
    return seed;
}

bool parse_tree(struct str text, const struct str *known_providers, size_t known_count,
                struct arena *arena, struct ast_tree *tree, struct diagnosis *diagnosis)
{
    size_t errors = diagnosis->error_count;
    *tree = (struct ast_tree){.zone = {STR("UTC")}, .zone_count = 1};
    if (text.len > ROUTE_RULES_BYTES_MAX) {
        diagnosis_error(diagnosis, (struct ast_span){{1, 1}, {1, 2}}, "use fewer",
                        "more than %d bytes of rules", ROUTE_RULES_BYTES_MAX);
        return false;
    }
    if (!check_utf8(text, diagnosis)) {
        return false;
    }
    struct parser parser = {.arena = arena,
                            .diagnosis = diagnosis,
                            .tree = tree,
                            .provider = known_providers,
                            .provider_count = known_count};
    struct mix_seed seed = seed_of(text);
    arena_init(&parser.scratch, SCRATCH_BYTES_MAX);
    names_init(&parser.rule_names, seed);
    names_init(&parser.set_names, seed);
    names_init(&parser.condition_names, seed);
    lex_init(&parser.lexer, text, arena);
    parser.token.kind = TOKEN_WORD; /* anything but the end */
    parser.next.kind = TOKEN_WORD;
    parser_advance(&parser);
    parser_advance(&parser);
    parse_file(&parser);
    finish_tree(&parser);
    arena_release(&parser.scratch);
    return diagnosis->error_count == errors && !parser.is_stopped;
}
