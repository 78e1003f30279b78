#include "base/country.h"
#include "router/parser.h"
#include "router/suggest.h"

#include <stdio.h>
#include <string.h>

enum {
    NUMBER_MAX = 1000 * 1000,
    WORDS_MAX = 120, /* bytes of a list of words in a message */
};

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* ---- values of one token ---- */

static struct str upper_of(struct str text, char out[4])
{
    if (!str_copy_to(text, out, 4)) {
        return STR_NONE;
    }
    for (char *c = out; *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    return str_of(out);
}

const struct currency *parse_currency(struct parser *parser, const struct token *token)
{
    const struct currency *currency = currency_find(token->text);
    if (currency != NULL) {
        return currency;
    }
    static const struct {
        struct str name;
        const char *remedy;
    } spoken[] = {
        {STR_INIT("euro"), "write EUR"},
        {STR_INIT("euros"), "write EUR"},
        {STR_INIT("dollar"), "write USD"},
        {STR_INIT("dollars"), "write USD"},
        {STR_INIT("pound"), "write GBP"},
        {STR_INIT("pounds"), "write GBP"},
        {STR_INIT("yen"), "write JPY"},
        {STR_INIT("cent"), "write 0.01 EUR for one cent"},
        {STR_INIT("cents"), "write 0.01 EUR for one cent"},
    };
    char upper[4];
    const char *remedy = "write a code of ISO 4217 such as EUR";
    for (size_t i = 0; i < ARRAY_LEN(spoken); i++) {
        remedy = str_eq_nocase(token->text, spoken[i].name) ? spoken[i].remedy : remedy;
    }
    if (currency_find(upper_of(token->text, upper)) != NULL) {
        remedy = parser_text(parser, "currencies are upper case: %s", upper);
    }
    parser_error(parser, token, remedy, "unknown currency " STR_FMT, EXCERPT(token->text));
    return NULL;
}

static bool parse_operation(struct parser *parser, const struct token *token, uint32_t *bits)
{
    if (str_eq(token->text, STR("payment"))) {
        *bits = 1U << OPERATION_SALE | 1U << OPERATION_AUTHORIZE;
        return true;
    }
    enum operation operation = operation_find(token->text);
    if (operation != OPERATION_NONE) {
        *bits = 1U << operation;
        return true;
    }
    struct suggestion best = {STR_NONE, 0};
    char known[WORDS_MAX] = "known are payment";
    size_t len = strlen(known);
    suggest(&best, token->text, STR("payment"));
    for (int i = OPERATION_NONE + 1; i < OPERATION_COUNT; i++) {
        const char *name = operation_name((enum operation)i);
        suggest(&best, token->text, str_of(name));
        int written = snprintf(known + len, sizeof(known) - len, "%s%s",
                               i == OPERATION_COUNT - 1 ? " and " : ", ", name);
        CHECK(written > 0 && len + (size_t)written < sizeof(known));
        len += (size_t)written;
    }
    return parser_error(parser, token, parser_did_you_mean(parser, best.name, known),
                        "unknown operation " STR_FMT, EXCERPT(token->text));
}

static bool parse_country(struct parser *parser, const struct token *token)
{
    bool is_unknown_payer = token->kind == TOKEN_STRING && str_is_empty(token->text);
    if (is_unknown_payer || country_is_known(token->text)) {
        return true;
    }
    char upper[4];
    const char *remedy = "write a code of ISO 3166-1 in upper case such as DE";
    if (str_eq_nocase(token->text, STR("UK"))) {
        remedy = "the United Kingdom is GB";
    } else if (str_eq_nocase(token->text, STR("EL"))) {
        remedy = "Greece is GR";
    } else if (str_eq_nocase(token->text, STR("EU"))) {
        remedy = "the EU is no country; list those you mean: set eu = [AT, BE, BG, ...]";
    } else if (country_is_known(upper_of(token->text, upper))) {
        remedy = parser_text(parser, "countries are upper case: %s", upper);
    }
    return parser_error(parser, token, remedy, "unknown country " STR_FMT, EXCERPT(token->text));
}

static bool parse_word(struct parser *parser, enum fact fact, const struct token *token)
{
    const struct fact_info *info = fact_info(fact);
    bool may_be_empty = fact != FACT_METHOD && fact != FACT_PROVIDER;
    if (fact_is_word(token->text) || (may_be_empty && str_is_empty(token->text))) {
        if (fact != FACT_PROVIDER) {
            return true;
        }
        struct suggestion best = {STR_NONE, 0};
        for (size_t i = 0; i < parser->provider_count; i++) {
            if (str_eq(parser->provider[i], token->text)) {
                return true;
            }
            suggest(&best, token->text, parser->provider[i]);
        }
        return parser_error(parser, token,
                            parser_did_you_mean(parser, best.name, "name one that the gateway has"),
                            "unknown provider " STR_FMT, EXCERPT(token->text));
    }
    return parser_error(
        parser, token,
        parser_text(parser, "write it in lower case, for example: %s", info->example),
        "unknown " STR_FMT " " STR_FMT, STR_ARG(info->name), EXCERPT(token->text));
}

static bool parse_weekday(struct parser *parser, const struct token *token, int64_t *day)
{
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    const char *remedy = "write mon, tue, wed, thu, fri, sat or sun";
    for (size_t i = 0; i < ARRAY_LEN(weekdays); i++) {
        if (str_eq(token->text, str_of(weekdays[i]))) {
            *day = (int64_t)i + 1;
            return true;
        }
        if (str_eq_nocase(token->text, str_of(names[i])) ||
            str_eq_nocase(token->text, str_of(weekdays[i]))) {
            remedy = parser_text(parser, "write %s", weekdays[i]);
        }
    }
    if (str_eq_nocase(token->text, STR("weekend"))) {
        remedy = "write weekday in [sat, sun]";
    }
    return parser_error(parser, token, remedy, "unknown weekday " STR_FMT, EXCERPT(token->text));
}

static bool parse_digits(struct parser *parser, const struct token *token, struct ast_value *value)
{
    struct str text = token->text;
    uint32_t number = 0;
    bool good =
        text.len == 0 || (text.len >= ROUTE_BIN_DIGITS_MIN && text.len <= ROUTE_BIN_DIGITS_MAX);
    for (size_t i = 0; i < text.len && good; i++) {
        good = text.at[i] >= '0' && text.at[i] <= '9';
        number = number * 10 + (uint32_t)(text.at[i] - '0');
    }
    if (!good) {
        return parser_error(parser, token,
                            "write 6 to 8 digits: bin == 411111; fewer with bin starts with \"4\"",
                            STR_FMT " is no BIN", EXCERPT(text));
    }
    value->as.digits.number = number;
    value->as.digits.count = (uint8_t)text.len;
    return true;
}

static bool parse_count(struct parser *parser, const struct token *token, int64_t *number)
{
    bool good = token->kind == TOKEN_NUMBER && token->text.len < 18 &&
                str_to_int64(token->text, number) && *number <= NUMBER_MAX;
    return good || parser_error(parser, token, "write a whole number: attempt > 1",
                                STR_FMT " is not a count", EXCERPT(token->text));
}

/* Of a type whose values are words: a word or quoted; of digits and counts: a number too. */
static bool has_form(struct parser *parser, const struct fact_info *info, const struct token *token)
{
    bool is_text = info->type == FACT_TYPE_TEXT;
    bool takes_number = info->type == FACT_TYPE_DIGITS || info->type == FACT_TYPE_NUMBER;
    if (token->kind == TOKEN_STRING || (token->kind == TOKEN_WORD && !is_text) ||
        (token->kind == TOKEN_NUMBER && takes_number)) {
        return true;
    }
    if (token->kind == TOKEN_WORD || (token->kind == TOKEN_NUMBER && is_text)) {
        return parser_error(parser, token,
                            parser_text(parser, "quote it: \"" STR_FMT "\"", EXCERPT(token->text)),
                            STR_FMT " is text", STR_ARG(info->name));
    }
    return parser_error(parser, token, parser_text(parser, "write for example: %s", info->example),
                        "this is not a value that " STR_FMT " can have", STR_ARG(info->name));
}

bool parse_token(struct parser *parser, enum fact fact, const struct token *token,
                 struct ast_value *value)
{
    const struct fact_info *info = fact_info(fact);
    *value = (struct ast_value){.span = parser_token_span(token)};
    if (!has_form(parser, info, token)) {
        return false;
    }
    bool good = true;
    if (info->type == FACT_TYPE_CURRENCY) {
        value->as.currency = parse_currency(parser, token);
        good = value->as.currency != NULL;
    } else if (info->type == FACT_TYPE_OPERATION) {
        good = parse_operation(parser, token, &value->as.operations);
    } else if (info->type == FACT_TYPE_WEEKDAY) {
        good = parse_weekday(parser, token, &value->as.number);
    } else if (info->type == FACT_TYPE_DIGITS) {
        good = parse_digits(parser, token, value);
    } else if (info->type == FACT_TYPE_NUMBER) {
        good = parse_count(parser, token, &value->as.number);
    } else {
        CHECK(info->type == FACT_TYPE_TEXT || info->type == FACT_TYPE_WORD ||
              info->type == FACT_TYPE_COUNTRY);
        value->as.text = token->text;
        good = info->type == FACT_TYPE_TEXT ||
               (info->type == FACT_TYPE_WORD ? parse_word(parser, fact, token)
                                             : parse_country(parser, token));
    }
    value->type = good ? info->type : FACT_TYPE_NONE;
    return good;
}

/* ---- values in the text ---- */

static bool is_value(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_STRING ||
           token->kind == TOKEN_NUMBER || token->kind == TOKEN_TIME;
}

bool parse_value(struct parser *parser, const struct ast_fact *fact, struct ast_value *value)
{
    switch (fact_info(fact->fact)->type) {
    case FACT_TYPE_MONEY:
    case FACT_TYPE_PERCENT:
    case FACT_TYPE_DURATION:
    case FACT_TYPE_COST:
        return parse_quantity(parser, fact->fact, value);
    case FACT_TYPE_TIME:
        return parse_time(parser, value);
    case FACT_TYPE_CURRENCY:
    case FACT_TYPE_OPERATION:
    case FACT_TYPE_WORD:
    case FACT_TYPE_COUNTRY:
    case FACT_TYPE_TEXT:
    case FACT_TYPE_DIGITS:
    case FACT_TYPE_NUMBER:
    case FACT_TYPE_WEEKDAY:
        break;
    case FACT_TYPE_NONE:
    case FACT_TYPE_FLAG:
    case FACT_TYPE_COUNT:
        CHECK(fact->fact == FACT_NONE); /* A flag has no value. */
        return false;
    }
    if (parser->is_stopped) {
        return false;
    }
    struct token token = parser->token;
    if (!parse_token(parser, fact->fact, &token, value) && !is_value(&token)) {
        return false;
    }
    parser_advance(parser);
    return true;
}

static bool is_backwards(enum fact_type type, const struct ast_value pair[2])
{
    if (type == FACT_TYPE_MONEY) {
        return pair[0].as.money.minor > pair[1].as.money.minor;
    }
    if (type == FACT_TYPE_DIGITS) {
        return pair[0].as.digits.number > pair[1].as.digits.number;
    }
    return type != FACT_TYPE_TIME && type != FACT_TYPE_WEEKDAY &&
           pair[0].as.number > pair[1].as.number;
}

/* What is wrong with two values that are right each. */
static bool check_range(struct parser *parser, const struct token *from,
                        const struct ast_value pair[2])
{
    enum fact_type type = pair[0].type;
    if (type != pair[1].type) {
        return parser_error(parser, from, "write both ends alike: cost in 1%..3%",
                            "the ends of the range are of two kinds");
    }
    if (type == FACT_TYPE_MONEY && pair[0].as.money.currency != pair[1].as.money.currency) {
        return parser_error(parser, from, "write one currency: amount in 10.00..50.00 EUR",
                            "the range is in two currencies");
    }
    if (type == FACT_TYPE_DIGITS &&
        (pair[0].as.digits.count != pair[1].as.digits.count || pair[0].as.digits.count == 0)) {
        return parser_error(parser, from,
                            "write both ends with as many digits: bin in 411111..411199",
                            "the ends of the range differ in length");
    }
    return !is_backwards(type, pair) || parser_error(parser, from, "write the smaller end first",
                                                     "the range runs backwards and holds nothing");
}

static bool has_range(enum fact_type type)
{
    return type == FACT_TYPE_DIGITS || type == FACT_TYPE_NUMBER || type == FACT_TYPE_WEEKDAY ||
           type == FACT_TYPE_TIME;
}

bool parse_range(struct parser *parser, const struct ast_fact *fact, struct ast_list *list)
{
    enum fact_type type = fact_info(fact->fact)->type;
    struct token from = parser->token;
    struct ast_value *pair = ARENA_ARRAY(parser->arena, struct ast_value, 2);
    *list = (struct ast_list){.value = pair, .count = 2};
    if (!has_range(type)) {
        if (!parse_quantity_range(parser, fact->fact, pair)) {
            return false;
        }
    } else if (!parse_value(parser, fact, &pair[0]) ||
               !parser_expect(parser, TOKEN_RANGE, "write a range with two points: 10..50") ||
               !parse_value(parser, fact, &pair[1])) {
        return false;
    }
    if (pair[0].type == FACT_TYPE_NONE || pair[1].type == FACT_TYPE_NONE ||
        !check_range(parser, &from, pair)) {
        list->count = 0; /* told */
    }
    return true;
}
