#include "router/parser.h"

#include "base/zone.h"
#include "router/suggest.h"

#include <stdio.h>
#include <string.h>

enum {
    NAMES_MAX = 120, /* bytes of a list of names in a message */
};

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

/* ---- providers ---- */

static bool is_provider(const struct parser *parser, struct str name)
{
    for (size_t i = 0; i < parser->provider_count; i++) {
        if (str_eq(parser->provider[i], name)) {
            return true;
        }
    }
    return false;
}

static void tell_unknown_provider(struct parser *parser, const struct token *name)
{
    struct suggestion best = {STR_NONE, 0};
    const char *foreign = parser_find_word(parser, name->text);
    char known[NAMES_MAX] = "known are ";
    size_t start = strlen(known);
    size_t len = start;
    for (size_t i = 0; i < parser->provider_count; i++) {
        suggest(&best, name->text, parser->provider[i]);
        int written = snprintf(known + len, sizeof(known) - len, "%s" STR_FMT,
                               len == start ? "" : ", ", STR_ARG(parser->provider[i]));
        bool fits = written > 0 && len + (size_t)written < sizeof(known);
        known[fits ? len + (size_t)written : len] = '\0';
        len += fits ? (size_t)written : 0;
    }
    if (len == start) {
        (void)snprintf(known, sizeof(known), "known are none");
    }
    parser_error(parser, name,
                 parser_did_you_mean(parser, best.name, foreign == NULL ? known : foreign),
                 "unknown provider " STR_FMT, EXCERPT(name->text));
}

/* The name at the parser, known or not, and behind ":" an account's. */
static bool parse_account(struct parser *parser, struct ast_target *target)
{
    struct token name = parser->token;
    *target = (struct ast_target){.provider = name.text};
    parser_advance(parser);
    if (parser_is(parser, TOKEN_COLON)) {
        parser_advance(parser);
        bool is_name = parser_is(parser, TOKEN_WORD) || parser_is(parser, TOKEN_STRING);
        if (!is_name || str_is_empty(parser->token.text)) {
            return parser_unexpected(parser,
                                     "an account's name follows the colon, as in paypal:\"main\"");
        }
        target->account = parser->token.text;
        parser_advance(parser);
    }
    target->span = parser_span(parser, name.place);
    return true;
}

bool parse_target(struct parser *parser, struct ast_target *target)
{
    const char *remedy = "the name of a provider belongs here, as in paypal";
    if (parser_is(parser, TOKEN_STRING) && is_provider(parser, parser->token.text)) {
        (void)parser_unexpected(parser, parser_text(parser, "%s, without quotes", remedy));
        return parse_account(parser, target);
    }
    if (!parser_is(parser, TOKEN_WORD) || parser_is_statement(parser)) {
        return parser_unexpected(parser, remedy);
    }
    if (!is_provider(parser, parser->token.text)) {
        tell_unknown_provider(parser, &parser->token);
    }
    if (!parse_account(parser, target)) {
        return false;
    }
    return !parser_is(parser, TOKEN_DOT) ||
           parser_unexpected(parser, "an account's name follows a colon, as in paypal:main");
}

/* ---- metadata, zones ---- */

static bool add_metadata(struct parser *parser, const struct token *name, uint16_t *text)
{
    struct ast_tree *tree = parser->tree;
    size_t i = 0;
    while (i < tree->metadata_name_count && !str_eq(tree->metadata_name[i], name->text)) {
        i++;
    }
    if (i == ROUTE_METADATA_NAME_MAX) {
        return parser_stop(parser, name, "ask for fewer",
                           "more than %d different metadata names in one file",
                           ROUTE_METADATA_NAME_MAX);
    }
    if (i == tree->metadata_name_count) {
        tree->metadata_name[tree->metadata_name_count++] = name->text;
    }
    *text = (uint16_t)(FACT_COUNT + i);
    return true;
}

bool parse_metadata(struct parser *parser, struct str *member, uint16_t *text)
{
    if (parser_is(parser, TOKEN_OPEN_SQUARE)) {
        return parser_unexpected(parser, "write metadata.tier, or metadata.\"a name\"");
    }
    if (!parser_expect(parser, TOKEN_DOT, "metadata needs a member, as in metadata.tier")) {
        return false;
    }
    struct token name = parser->token;
    if (name.kind != TOKEN_WORD && name.kind != TOKEN_STRING) {
        return parser_unexpected(parser, "metadata needs a member, as in metadata.tier");
    }
    if (!add_metadata(parser, &name, text)) {
        return false;
    }
    *member = name.text;
    parser_advance(parser);
    return !parser_is(parser, TOKEN_DOT) ||
           parser_unexpected(parser, "quote a name that has a point, as in metadata.\"a.b\"");
}

bool parse_zone(struct parser *parser, uint8_t *zone)
{
    struct ast_tree *tree = parser->tree;
    struct token name = parser->token;
    if (!parser_expect(parser, TOKEN_STRING, "a zone is quoted: \"Europe/Berlin\"")) {
        return false;
    }
    *zone = 0;
    struct error why;
    if (zone_load(name.text, &parser->scratch, &why) == NULL) {
        parser_error(parser, &name, "write a name of the IANA database: \"Europe/Berlin\"",
                     "unknown zone \"" STR_FMT "\"", EXCERPT(name.text));
        return true;
    }
    size_t i = 1;
    while (i < tree->zone_count && !str_eq(tree->zone[i], name.text)) {
        i++;
    }
    if (i == ROUTE_ZONE_MAX) {
        return parser_stop(parser, &name, "use fewer", "more than %d different zones in one file",
                           ROUTE_ZONE_MAX - 1);
    }
    if (i == tree->zone_count) {
        tree->zone[tree->zone_count++] = name.text;
    }
    *zone = (uint8_t)i;
    return true;
}

/* ---- facts ---- */

/* Names of other languages and gateways. */
static const struct {
    struct str word;
    const char *remedy;
} other_names[] = {
    {STR_INIT("brand"), "did you mean card_brand?"},
    {STR_INIT("scheme"), "did you mean card_brand?"},
    {STR_INIT("network"), "did you mean card_brand?"},
    {STR_INIT("card"), "write method == card, or card_brand == visa"},
    {STR_INIT("issuer_country"), "did you mean card_country?"},
    {STR_INIT("customer_country"), "did you mean country?"},
    {STR_INIT("price"), "did you mean amount?"},
    {STR_INIT("total"), "did you mean amount?"},
    {STR_INIT("type"), "did you mean operation or method?"},
    {STR_INIT("payment_method"), "did you mean method?"},
    {STR_INIT("day"), "did you mean weekday?"},
    {STR_INIT("hour"), "did you mean time? write time in 22:00..06:00"},
    {STR_INIT("date"), "did you mean weekday or time?"},
    {STR_INIT("retry"), "did you mean attempt?"},
    {STR_INIT("decline"), "did you mean previous_decline?"},
    {STR_INIT("fee"), "did you mean cost?"},
    {STR_INIT("true"), "a rule without when takes everything"},
    {STR_INIT("always"), "a rule without when takes everything"},
    {STR_INIT("any"), "a rule without when takes everything"},
    {STR_INIT("false"), "put # before the lines of a rule that shall not act"},
    {STR_INIT("customer"), "rules do not ask for the customer; a split sticks by customer"},
    {STR_INIT("success"), "did you mean success_rate?"},
};

static const char *suggest_name(struct parser *parser, struct str wrong)
{
    struct suggestion best = {STR_NONE, 0};
    for (int i = FACT_NONE + 1; i < FACT_COUNT; i++) {
        suggest(&best, wrong, fact_info((enum fact)i)->name);
    }
    const struct parse_condition *condition = parser->condition.at;
    for (size_t i = 0; i < parser->condition.count; i++) {
        suggest(&best, wrong, condition[i].name);
    }
    return str_is_empty(best.name) ? NULL : parser_did_you_mean(parser, best.name, "");
}

static bool takes_list(enum fact fact)
{
    enum fact_type type = fact == FACT_NONE ? FACT_TYPE_NONE : fact_info(fact)->type;
    return type == FACT_TYPE_CURRENCY || type == FACT_TYPE_OPERATION || type == FACT_TYPE_WORD ||
           type == FACT_TYPE_COUNTRY || type == FACT_TYPE_WEEKDAY;
}

/* The word stands where `country == DE or AT` has its AT. */
static bool is_alternative(const struct parser *parser)
{
    enum token_kind next = parser->next.kind;
    bool ends = next == TOKEN_OPEN_CURLY || next == TOKEN_CLOSE_ROUND ||
                parser_next_is_word(parser, STR("or")) || parser_next_is_word(parser, STR("and"));
    return ends && takes_list(parser->last_fact);
}

void parse_unknown_fact(struct parser *parser, const struct token *name)
{
    const char *remedy = suggest_name(parser, name->text);
    for (size_t i = 0; i < ARRAY_LEN(other_names) && remedy == NULL; i++) {
        remedy = str_eq_nocase(name->text, other_names[i].word) ? other_names[i].remedy : NULL;
    }
    unsigned line = parse_find_later(parser, name->text);
    if (line > 0) {
        remedy =
            parser_text(parser, "it is defined below, at line %u; move it above this line", line);
    } else if (names_find(&parser->set_names, name->text) != NAMES_NONE) {
        remedy = parser_text(parser, "it is a set; write country in " STR_FMT, EXCERPT(name->text));
    } else if (remedy == NULL && is_alternative(parser)) {
        const struct str fact = fact_info(parser->last_fact)->name;
        remedy =
            parser_text(parser,
                        "name the fact again, " STR_FMT " == " STR_FMT
                        ", or compare with a list: " STR_FMT " in [..., " STR_FMT "]",
                        STR_ARG(fact), EXCERPT(name->text), STR_ARG(fact), EXCERPT(name->text));
    }
    if (remedy == NULL) {
        remedy = "known are amount, currency, operation, method, country, merchant, "
                 "metadata.<name> and those of docs/rules.md";
    }
    if (is_provider(parser, name->text)) {
        remedy = parser_text(
            parser, "it is a provider; write " STR_FMT ".healthy, or use " STR_FMT " in the block",
            EXCERPT(name->text), EXCERPT(name->text));
    }
    parser_error(parser, name, remedy, "unknown fact " STR_FMT, EXCERPT(name->text));
}

/* target "." measure */
static bool parse_measure(struct parser *parser, struct ast_fact *fact)
{
    struct ast_target *target = ARENA_NEW(parser->arena, struct ast_target);
    struct token owner = parser->token;
    if (!parse_account(parser, target)) {
        return false;
    }
    if (!parser_expect(parser, TOKEN_DOT, "a measure follows, as in paypal:main.healthy")) {
        return false;
    }
    struct token name = parser->token;
    if (!parser_expect(parser, TOKEN_WORD,
                       "write cost, success_rate, latency, healthy or share behind the point")) {
        return false;
    }
    enum fact found = fact_find(name.text);
    bool is_known = is_provider(parser, owner.text);
    if (found != FACT_NONE && fact_info(found)->scope == FACT_OF_PAYMENT) {
        parser_error(parser, &owner,
                     parser_text(parser, "write " STR_FMT " alone", STR_ARG(name.text)),
                     STR_FMT " is a fact of the payment and belongs to nobody", STR_ARG(name.text));
        return true;
    }
    if (!is_known) {
        tell_unknown_provider(parser, &owner);
    }
    if (found == FACT_NONE || fact_info(found)->scope != FACT_MEASURE) {
        struct suggestion best = {STR_NONE, 0};
        for (int i = FACT_COST; i < FACT_COUNT; i++) {
            suggest(&best, name.text, fact_info((enum fact)i)->name);
        }
        parser_error(
            parser, &name,
            parser_did_you_mean(parser, best.name,
                                "known are cost, success_rate, latency, healthy and share"),
            "unknown measure " STR_FMT, EXCERPT(name.text));
        found = FACT_NONE;
    }
    fact->fact = is_known ? found : FACT_NONE;
    fact->target = target;
    return true;
}

/* A fact of accounts that is asked without naming one. */
static bool check_scope(struct parser *parser, const struct token *name, enum fact fact)
{
    bool is_measure = fact_info(fact)->scope == FACT_MEASURE;
    if (fact_info(fact)->scope == FACT_OF_PAYMENT || parser->in_where) {
        return true;
    }
    if (parser->in_definition) {
        parser->candidate = parser->candidate.kind == TOKEN_NONE ? *name : parser->candidate;
        return true;
    }
    return parser_error(
        parser, name,
        is_measure ? parser_text(parser,
                                 "name one, as in paypal." STR_FMT
                                 ", or ask in a block: avoid where " STR_FMT " ...",
                                 STR_ARG(name->text), STR_ARG(name->text))
                   : "the block says who takes the payment: only paypal, or only where "
                     "account == \"main\"",
        STR_FMT " is a fact of an account, not of the payment", STR_ARG(name->text));
}

/* What may stand behind the name of a fact. */
static bool parse_suffix(struct parser *parser, struct ast_fact *fact)
{
    if (fact->fact == FACT_METADATA) {
        return parse_metadata(parser, &fact->member, &fact->text);
    }
    if (parser_is(parser, TOKEN_DOT)) {
        return parser_unexpected(parser, "only metadata has members, as in metadata.tier");
    }
    if (fact->fact == FACT_AMOUNT && parser_is_word(parser, STR("as"))) {
        parser_advance(parser);
        struct token currency = parser->token;
        if (!parser_expect(parser, TOKEN_WORD, "a currency follows as: amount as EUR")) {
            return false;
        }
        fact->as = parse_currency(parser, &currency);
        fact->fact = fact->as == NULL ? FACT_NONE : fact->fact;
    }
    if ((fact->fact == FACT_WEEKDAY || fact->fact == FACT_TIME) &&
        parser_is_word(parser, STR("at"))) {
        parser_advance(parser);
        return parse_zone(parser, &fact->zone);
    }
    return true;
}

bool parse_fact(struct parser *parser, struct ast_fact *fact)
{
    struct token name = parser->token;
    CHECK(name.kind == TOKEN_WORD);
    enum fact found = fact_find(name.text);
    bool has_member = parser->next.kind == TOKEN_DOT || parser->next.kind == TOKEN_COLON;
    *fact = (struct ast_fact){.fact = found, .text = (uint16_t)found};
    if (found == FACT_NONE && has_member) {
        const char *remedy = suggest_name(parser, name.text);
        if (remedy != NULL && !is_provider(parser, name.text)) { /* metdata.tier */
            parser_error(parser, &name, remedy, "unknown fact " STR_FMT, EXCERPT(name.text));
            parser_advance(parser);
            parser_advance(parser);
            if (parser_is(parser, TOKEN_WORD) || parser_is(parser, TOKEN_STRING)) {
                parser_advance(parser);
            }
        } else if (!parse_measure(parser, fact)) {
            return false;
        }
    } else if (found == FACT_NONE) {
        parse_unknown_fact(parser, &name);
        parser_advance(parser);
    } else {
        parser_advance(parser);
        bool is_known_here = check_scope(parser, &name, found);
        if (!parse_suffix(parser, fact)) {
            return false;
        }
        fact->fact = is_known_here ? fact->fact : FACT_NONE;
    }
    fact->span = parser_span(parser, name.place);
    return true;
}
