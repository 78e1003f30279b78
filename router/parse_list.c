#include "router/parser.h"
#include "router/suggest.h"

enum {
    FEW = 12, /* values that are compared with each other one by one */
};

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

static bool is_item(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING ||
           token->kind == TOKEN_NUMBER || token->kind == TOKEN_TIME;
}

static bool add_item(struct parser *parser)
{
    if (parser->item.count == ROUTE_LIST_MAX) {
        return parser_stop(parser, &parser->token, "use several lists",
                           "more than %d values in a list", ROUTE_LIST_MAX);
    }
    *(struct token *)vector_add(parser, &parser->item, sizeof(struct token)) = parser->token;
    parser_advance(parser);
    return true;
}

/* Between two values, or behind the last. *more: another value follows. */
static bool parse_separator(struct parser *parser, bool *more)
{
    *more = true;
    if (parser_is(parser, TOKEN_CLOSE_SQUARE)) {
        *more = false;
        parser_advance(parser);
        return true;
    }
    if (parser_is(parser, TOKEN_RANGE)) {
        return parser_unexpected(
            parser, "a range stands alone, without [ ]: bin in 411111..411199 or bin == 422222");
    }
    if (is_item(&parser->token) && !parser_is_statement(parser)) {
        (void)parser_unexpected(parser, "write , or ] after a value of a list");
        return true;
    }
    if (!parser_expect(parser, TOKEN_COMMA, "write , or ] after a value of a list")) {
        return false;
    }
    if (parser_is(parser, TOKEN_CLOSE_SQUARE)) {
        (void)parser_unexpected(parser, "remove the comma before it, or write a value");
        *more = false;
        parser_advance(parser);
    }
    return true;
}

bool parse_items(struct parser *parser)
{
    bool more = true;
    parser->item.count = 0;
    if (!parser_expect(parser, TOKEN_OPEN_SQUARE, "a list belongs here, as in [DE, AT]")) {
        return false;
    }
    if (parser_is(parser, TOKEN_CLOSE_SQUARE)) {
        return parser_unexpected(parser, "a list needs at least one value, as in [DE, AT]");
    }
    while (more) {
        if (!is_item(&parser->token)) {
            return parser_unexpected(parser, "a value belongs here, as in [DE, AT]");
        }
        if (!add_item(parser) || !parse_separator(parser, &more)) {
            return false;
        }
    }
    return true;
}

void parse_warn_of_twins(struct parser *parser, const struct token *item, size_t count)
{
    struct names seen;
    names_init(&seen, parser->rule_names.seed);
    for (size_t i = 0; i < count; i++) {
        bool is_twin = false;
        if (count <= FEW) {
            for (size_t k = 0; k < i && !is_twin; k++) {
                is_twin = str_eq(item[k].text, item[i].text);
            }
        } else if (item[i].text.at != NULL) {
            is_twin = names_find(&seen, item[i].text) != NAMES_NONE;
            if (!is_twin) {
                names_add(&seen, &parser->scratch, item[i].text, 0);
            }
        }
        if (is_twin) {
            diagnosis_warn(parser->diagnosis, parser_token_span(&item[i]), "name each value once",
                           STR_FMT " is twice in this list", EXCERPT(item[i].text));
        }
    }
}

/* The tokens as values of `fact`; false when one is none, which was told. Of a set only the first
 * is told: the set was meant for another fact. */
static bool make_list(struct parser *parser, enum fact fact, struct str set,
                      const struct token *item, size_t count, struct ast_list *list)
{
    if (count > ROUTE_VALUE_MAX - parser->value_count) {
        return parser_stop(parser, &item[0], "use fewer", "more than %d values in one file",
                           ROUTE_VALUE_MAX);
    }
    parser->value_count += count;
    struct ast_value *value = ARENA_ARRAY(parser->arena, struct ast_value, count);
    bool good = true;
    for (size_t i = 0; i < count && (good || str_is_empty(set)); i++) {
        good = parse_token(parser, fact, &item[i], &value[i]) && good;
    }
    *list = (struct ast_list){.value = value, .count = count, .name = set};
    return good;
}

void parse_raw_list(struct parser *parser, const struct parse_set *set, struct ast_list *list)
{
    struct ast_value *value = ARENA_ARRAY(parser->arena, struct ast_value, set->item_count);
    for (size_t i = 0; i < set->item_count; i++) {
        value[i] = (struct ast_value){.span = parser_token_span(&set->item[i]),
                                      .type = FACT_TYPE_TEXT,
                                      .as.text = set->item[i].text};
    }
    *list = (struct ast_list){.value = value, .count = set->item_count, .name = set->name};
}

unsigned parse_find_later(struct parser *parser, struct str name)
{
    if (!parser->has_later) {
        struct lexer lexer = parser->lexer;
        struct lex_mistake mistake;
        struct token token = parser->next;
        size_t mistakes = 0;
        names_init(&parser->later, parser->rule_names.seed);
        parser->has_later = true;
        while (token.kind != TOKEN_END && mistakes < DIAGNOSIS_FINDING_MAX) {
            bool is_definition =
                token.kind == TOKEN_WORD && token.is_first &&
                (str_eq(token.text, STR("set")) || str_eq(token.text, STR("condition")));
            if (!lex_read(&lexer, &token, &mistake)) {
                mistakes++; /* told when the parser comes there */
                continue;
            }
            if (is_definition && token.kind == TOKEN_WORD &&
                names_find(&parser->later, token.text) == NAMES_NONE) {
                names_add(&parser->later, &parser->scratch, token.text, token.place.line);
            }
        }
    }
    uint32_t line = names_find(&parser->later, name);
    return line == NAMES_NONE ? 0 : line;
}

static void tell_unknown_set(struct parser *parser, const struct token *name)
{
    struct suggestion best = {STR_NONE, 0};
    const struct parse_set *set = parser->set.at;
    for (size_t i = 0; i < parser->set.count; i++) {
        suggest(&best, name->text, set[i].name);
    }
    unsigned line = parse_find_later(parser, name->text);
    const char *remedy = parser_text(
        parser, "in is followed by a list, as in [" STR_FMT "], or by a set that is defined above",
        EXCERPT(name->text));
    if (names_find(&parser->condition_names, name->text) != NAMES_NONE) {
        remedy = "it is the name of a condition; in is followed by a list or a set";
    } else if (line > 0) {
        remedy =
            parser_text(parser, "it is defined below, at line %u; move it above this line", line);
    }
    parser_error(parser, name, parser_did_you_mean(parser, best.name, remedy),
                 "unknown set " STR_FMT, EXCERPT(name->text));
}

/* A named set as a list of the type of `fact`, made once for each type. */
static void find_set(struct parser *parser, enum fact fact, const struct token *name,
                     struct ast_list *list, bool *good)
{
    uint32_t index = names_find(&parser->set_names, name->text);
    *good = false;
    if (index == NAMES_NONE) {
        tell_unknown_set(parser, name);
        return;
    }
    struct parse_set *set = (struct parse_set *)parser->set.at + index;
    /* The provider's names are known, other words are free: a list of its own. */
    enum fact_type type = fact == FACT_PROVIDER ? FACT_TYPE_COUNT : fact_info(fact)->type;
    set->is_used = true;
    if (set->item_count == 0) {
        return;
    }
    struct parse_list *made = set->list;
    while (made != NULL && made->type != type) {
        made = made->next;
    }
    if (made == NULL) {
        made = ARENA_NEW(&parser->scratch, struct parse_list);
        made->type = type;
        parser->used_set = *name;
        made->good = make_list(parser, fact, set->name, set->item, set->item_count, &made->list);
        parser->used_set.kind = TOKEN_NONE;
        made->next = set->list;
        set->list = made;
    }
    *list = made->list;
    *good = made->good;
}

/* in DE, AT */
static bool skip_bare_list(struct parser *parser, bool *good)
{
    struct token first = parser->token;
    struct token second = parser->next;
    do {
        parser_advance(parser);
        if (parser_is(parser, TOKEN_COMMA)) {
            parser_advance(parser);
            second = second.kind == TOKEN_COMMA ? parser->token : second;
        }
    } while (is_item(&parser->token) && parser->next.kind == TOKEN_COMMA);
    if (is_item(&parser->token)) {
        parser_advance(parser);
    }
    *good = false;
    (void)parser_error(parser, &first,
                       parser_text(parser, "put a list in [ ]: [" STR_FMT ", " STR_FMT "]",
                                   EXCERPT(first.text), EXCERPT(second.text)),
                       "unexpected " STR_FMT, EXCERPT(first.text));
    return true;
}

bool parse_in(struct parser *parser, enum fact fact, struct ast_list *list, bool *good)
{
    if (parser_is(parser, TOKEN_WORD)) {
        struct token name = parser->token;
        if (parser->next.kind == TOKEN_COMMA) {
            return skip_bare_list(parser, good);
        }
        parser_advance(parser);
        find_set(parser, fact, &name, list, good);
        return true;
    }
    if (!parser_is(parser, TOKEN_OPEN_SQUARE)) {
        return parser_unexpected(parser, "in is followed by a list, as in [DE, AT]");
    }
    if (!parse_items(parser)) {
        return false;
    }
    const struct token *item = parser->item.at;
    *good = make_list(parser, fact, STR_NONE, item, parser->item.count, list);
    parse_warn_of_twins(parser, item, parser->item.count);
    return true;
}
