#include "router/parser.h"

enum {
    PERCENT_DIGITS = 4, /* decimals: one more would not be a millionth of the whole */
    PERCENT_WHOLE = 1000 * 1000,
    PERCENT_MAX = 10 * PERCENT_WHOLE,
    MINUTES_PER_HOUR = 60,
    HOURS_PER_DAY = 24,
};

#define DURATION_MAX_US INT64_C(3600000000)

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

static const struct {
    struct str name;
    unsigned digits; /* decimals that are whole microseconds */
    int64_t factor;  /* of the last of them in microseconds */
} durations[] = {
    {STR_INIT("ms"), 3, 1},
    {STR_INIT("s"), 6, 1},
    {STR_INIT("min"), 6, 60},
};

struct quantity { /* a number as it is written */
    struct token number;
    struct token unit;   /* the token behind it, taken only when it is one */
    const char *example; /* of what is right */
};

static bool no_value(struct parser *parser, const struct token *from, struct ast_value *value)
{
    *value = (struct ast_value){.span = parser_span(parser, from->place)};
    return true;
}

/* Behind a number: a comma and digits, as people write decimals or thousands. */
static bool has_comma(const struct parser *parser)
{
    return parser_is(parser, TOKEN_COMMA) && parser->token.is_glued &&
           parser->next.kind == TOKEN_NUMBER && parser->next.is_glued;
}

static void add_digits(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '.') {
            buf_add_char(buf, text.at[i]);
        }
    }
}

/* Pass over the commas and digits behind `number`, and say how it is written here. */
static void skip_commas(struct parser *parser, const struct token *number)
{
    struct buf plain;
    buf_init(&plain, 64);
    bool has_point = str_find_char(number->text, '.', 0) != SIZE_MAX;
    struct str part = number->text;
    while (has_comma(parser)) {
        add_digits(&plain, part);
        parser_advance(parser);
        part = parser->token.text;
        parser_advance(parser);
    }
    bool is_thousands = !has_point && part.len == 3;
    if (str_find_char(part, '.', 0) == SIZE_MAX && !is_thousands) {
        buf_add_char(&plain, '.');
    }
    buf_add_str(&plain, part);
    struct str text = buf_is_ok(&plain) ? buf_str(&plain) : STR("1000.00");
    parser_error(parser, number,
                 parser_text(parser,
                             "put a point before decimals and nothing between thousands: " STR_FMT,
                             STR_ARG(text)),
                 "a comma inside of a number");
    buf_release(&plain);
}

/* The number at the parser, and the token behind. *good: false when it was told to be none. */
static bool read_number(struct parser *parser, const char *what, struct quantity *quantity,
                        bool *good)
{
    *good = false;
    quantity->number = parser->token;
    quantity->unit = parser->next;
    if (parser_is(parser, TOKEN_NUMBER)) {
        *good = true;
        parser_advance(parser);
        if (has_comma(parser)) {
            *good = false;
            skip_commas(parser, &quantity->number);
        }
        quantity->unit = parser->token;
        if (parser_is_statement(parser) ||
            (parser->token.is_first && currency_find(parser->token.text) == NULL)) {
            quantity->unit.text = STR_NONE; /* a line of its own is no unit */
            quantity->unit.kind = TOKEN_NONE;
        }
        return true;
    }
    bool is_value = parser_is(parser, TOKEN_WORD) || parser_is(parser, TOKEN_STRING) ||
                    parser_is(parser, TOKEN_TIME);
    if (!parser->is_stopped) {
        parser_error(parser, &parser->token,
                     parser_text(parser, "write for example: %s", quantity->example), "%s", what);
    }
    if (is_value) {
        parser_advance(parser);
        if (parser_is(parser, TOKEN_NUMBER)) { /* EUR 500 */
            parser_advance(parser);
        }
    }
    return is_value;
}

static bool is_own_word(struct str word)
{
    static const struct str words[] = {
        STR_INIT("and"),   STR_INIT("or"),    STR_INIT("of"),
        STR_INIT("use"),   STR_INIT("by"),    STR_INIT("only"),
        STR_INIT("never"), STR_INIT("avoid"), STR_INIT("failover"),
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(word, words[i])) {
            return true;
        }
    }
    return false;
}

/* What `quantity` is as money; its unit is taken. Type NONE when it is none. */
static void make_money(struct parser *parser, const struct quantity *quantity,
                       struct ast_value *value)
{
    const struct token *number = &quantity->number;
    const struct token *unit = &quantity->unit;
    if (unit->kind == TOKEN_PERCENT) {
        parser_error(parser, unit,
                     parser_text(parser, "write " STR_FMT " EUR", EXCERPT(number->text)),
                     "a percentage is no amount");
        return;
    }
    if (unit->kind != TOKEN_WORD || is_own_word(unit->text)) {
        parser_error(parser, unit,
                     parser_text(parser, "write " STR_FMT " EUR", EXCERPT(number->text)),
                     "currency is missing");
        return;
    }
    if (unit->is_glued) {
        parser_error(parser, number,
                     "write an amount as digits, a point and decimals, then a space and the "
                     "currency: 500.00 EUR",
                     "malformed number");
        return;
    }
    const struct currency *currency = parse_currency(parser, unit);
    if (currency == NULL) {
        return;
    }
    unsigned digits = currency->exponent;
    size_t point = str_find_char(number->text, '.', 0);
    if (point != SIZE_MAX && number->text.len - point - 1 > digits) {
        parser_error(parser, number, "write no more of them", "%s has %u decimals", currency->code,
                     digits);
        return;
    }
    struct error why;
    if (!money_parse(number->text, digits, &value->as.money.minor, &why) ||
        value->as.money.minor > MONEY_AMOUNT_MAX) {
        parser_error(parser, number, "write at most 15 digits; no payment exceeds them",
                     "amount is too large");
        return;
    }
    value->as.money.currency = currency;
    value->type = FACT_TYPE_MONEY;
}

static void make_percent(struct parser *parser, const struct quantity *quantity, int64_t most,
                         struct ast_value *value)
{
    const struct token *number = &quantity->number;
    bool is_spoken =
        quantity->unit.kind == TOKEN_WORD && str_eq(quantity->unit.text, STR("percent"));
    if (quantity->unit.kind != TOKEN_PERCENT && most > PERCENT_WHOLE) {
        parser_error(parser, number,
                     parser_text(parser, "write " STR_FMT "%% of the amount, or " STR_FMT " EUR",
                                 EXCERPT(number->text), EXCERPT(number->text)),
                     "the unit of a cost is missing");
        return;
    }
    if (quantity->unit.kind != TOKEN_PERCENT) {
        bool is_part = str_starts(number->text, STR("0."));
        parser_error(parser, is_spoken ? &quantity->unit : number,
                     is_part ? parser_text(parser, "write for example: %s", quantity->example)
                             : parser_text(parser, "write " STR_FMT "%%", EXCERPT(number->text)),
                     "a percentage ends with %%");
        return;
    }
    struct error why;
    size_t point = str_find_char(number->text, '.', 0);
    if (point != SIZE_MAX && number->text.len - point - 1 > PERCENT_DIGITS) {
        parser_error(parser, number, "write no more of them", "a percentage has %d decimals",
                     PERCENT_DIGITS);
    } else if (!money_parse(number->text, PERCENT_DIGITS, &value->as.number, &why) ||
               value->as.number > most) {
        parser_error(parser, number, parser_text(parser, "write at most %d%%", (int)(most / 10000)),
                     "the percentage is too large");
    } else {
        value->type = FACT_TYPE_PERCENT;
    }
}

static void make_duration(struct parser *parser, const struct quantity *quantity,
                          struct ast_value *value)
{
    const struct token *number = &quantity->number;
    const struct token *unit = &quantity->unit;
    size_t which = 0;
    if (unit->kind != TOKEN_WORD || is_own_word(unit->text)) {
        parser_error(parser, unit,
                     parser_text(parser, "write " STR_FMT "ms, or " STR_FMT "s",
                                 EXCERPT(number->text), EXCERPT(number->text)),
                     "the unit of a duration is missing");
        return;
    }
    while (which < ARRAY_LEN(durations) && !str_eq(durations[which].name, unit->text)) {
        which++;
    }
    if (which == ARRAY_LEN(durations)) {
        parser_error(parser, unit, "write ms, s or min: 800ms, 1.5s, 2min", "unknown unit " STR_FMT,
                     EXCERPT(unit->text));
        return;
    }
    struct error why;
    int64_t us = 0;
    if (!money_parse(number->text, durations[which].digits, &us, &why) || us > DURATION_MAX_US ||
        us * durations[which].factor > DURATION_MAX_US) {
        parser_error(parser, number, "write at most 60min, in whole microseconds",
                     "not a duration");
        return;
    }
    value->as.number = us * durations[which].factor;
    value->type = FACT_TYPE_DURATION;
}

static bool is_unit(const struct quantity *quantity)
{
    return quantity->unit.kind == TOKEN_PERCENT ||
           (quantity->unit.kind == TOKEN_WORD && !is_own_word(quantity->unit.text));
}

static void make(struct parser *parser, enum fact fact, const struct quantity *quantity,
                 struct ast_value *value)
{
    enum fact_type type = fact_info(fact)->type;
    if (type == FACT_TYPE_DURATION) {
        make_duration(parser, quantity, value);
    } else if (type == FACT_TYPE_PERCENT ||
               (type == FACT_TYPE_COST && quantity->unit.kind != TOKEN_WORD)) {
        make_percent(parser, quantity, type == FACT_TYPE_COST ? PERCENT_MAX : PERCENT_WHOLE, value);
    } else {
        make_money(parser, quantity, value);
    }
}

static const char *what_is_wanted(struct parser *parser, const struct fact_info *info)
{
    if (info->type == FACT_TYPE_MONEY) {
        return parser_text(parser, STR_FMT " is compared with a number and its currency",
                           STR_ARG(info->name));
    }
    if (info->type == FACT_TYPE_COST) {
        return "cost is compared with a percentage or an amount of money";
    }
    return parser_text(parser, STR_FMT " is compared with a number and its unit",
                       STR_ARG(info->name));
}

static void take_unit(struct parser *parser, const struct quantity *quantity)
{
    if (!is_unit(quantity)) {
        return;
    }
    parser_advance(parser);
    if (quantity->unit.is_glued && parser_is(parser, TOKEN_WORD) &&
        currency_find(parser->token.text) != NULL) {
        parser_advance(parser); /* 1e3 EUR */
    }
}

static bool parse_number(struct parser *parser, enum fact fact, struct quantity *quantity,
                         bool *good)
{
    const struct fact_info *info = fact_info(fact);
    bool is_number = parser_is(parser, TOKEN_NUMBER);
    quantity->example = info->example;
    return read_number(parser, is_number ? "" : what_is_wanted(parser, info), quantity, good);
}

bool parse_quantity(struct parser *parser, enum fact fact, struct ast_value *value)
{
    struct quantity quantity;
    bool good = false;
    struct token from = parser->token;
    if (!parse_number(parser, fact, &quantity, &good)) {
        return false;
    }
    if (from.kind != TOKEN_NUMBER) {
        return no_value(parser, &from, value);
    }
    *value = (struct ast_value){.type = FACT_TYPE_NONE};
    if (good) {
        make(parser, fact, &quantity, value);
    }
    take_unit(parser, &quantity);
    value->span = parser_span(parser, from.place);
    return true;
}

bool parse_quantity_range(struct parser *parser, enum fact fact, struct ast_value pair[2])
{
    struct quantity first;
    struct quantity last;
    bool good[2] = {false, false};
    pair[0] = (struct ast_value){.type = FACT_TYPE_NONE};
    pair[1] = (struct ast_value){.type = FACT_TYPE_NONE};
    struct token from = parser->token;
    if (!parse_number(parser, fact, &first, &good[0])) {
        return false;
    }
    if (from.kind == TOKEN_NUMBER) {
        take_unit(parser, &first);
    }
    pair[0].span = parser_span(parser, from.place);
    if (!parser_expect(parser, TOKEN_RANGE, "write a range with two points: 10.00..50.00 EUR")) {
        return false;
    }
    struct token behind = parser->token;
    if (!parse_number(parser, fact, &last, &good[1])) {
        return false;
    }
    if (good[0] && !is_unit(&first)) { /* 10..50 EUR */
        first.unit = last.unit;
    }
    if (good[0] && good[1]) {
        make(parser, fact, &last, &pair[1]);
        if (pair[1].type != FACT_TYPE_NONE) {
            make(parser, fact, &first, &pair[0]);
        }
    }
    if (behind.kind == TOKEN_NUMBER) {
        take_unit(parser, &last);
    }
    pair[1].span = parser_span(parser, behind.place);
    return true;
}

bool parse_time(struct parser *parser, struct ast_value *value)
{
    struct token token = parser->token;
    struct str minutes = token.text;
    int64_t hour = 0;
    int64_t minute = 0;
    if (token.kind != TOKEN_TIME && token.kind != TOKEN_NUMBER && token.kind != TOKEN_STRING &&
        token.kind != TOKEN_WORD) {
        return parser_unexpected(parser, "write hours and minutes: time >= 22:00");
    }
    parser_advance(parser);
    bool is_spoken =
        parser_is(parser, TOKEN_WORD) && (str_eq_nocase(parser->token.text, STR("am")) ||
                                          str_eq_nocase(parser->token.text, STR("pm")));
    if (is_spoken) {
        parser_advance(parser);
    }
    *value = (struct ast_value){.span = parser_span(parser, token.place)};
    struct str hours = str_cut(&minutes, ':');
    bool good = token.kind == TOKEN_TIME && minutes.len == 2 && hours.len <= 2 &&
                str_to_int64(hours, &hour) && str_to_int64(minutes, &minute) &&
                hour < HOURS_PER_DAY && minute < MINUTES_PER_HOUR && !is_spoken;
    if (good) {
        value->type = FACT_TYPE_TIME;
        value->as.number = hour * MINUTES_PER_HOUR + minute;
        return true;
    }
    bool is_quoted = token.kind == TOKEN_STRING && token.text.len == 5 && token.text.at[2] == ':';
    parser_error(parser, &token,
                 is_quoted ? "write it without quotes: time >= 22:00"
                           : "write hours and minutes, from 00:00 to 23:59: time >= 22:00",
                 STR_FMT " is no time of the day", EXCERPT(token.text));
    return true;
}

bool parse_percent(struct parser *parser, const char *example, struct ast_value *value)
{
    struct quantity quantity = {.example = example};
    bool good = false;
    struct token from = parser->token;
    if (!read_number(parser, "a percentage is missing", &quantity, &good)) {
        return false;
    }
    if (from.kind != TOKEN_NUMBER) {
        return no_value(parser, &from, value);
    }
    *value = (struct ast_value){.type = FACT_TYPE_NONE};
    if (good) {
        make_percent(parser, &quantity, PERCENT_WHOLE, value);
    }
    if (quantity.unit.kind == TOKEN_PERCENT || str_eq(quantity.unit.text, STR("percent"))) {
        parser_advance(parser);
    }
    value->span = parser_span(parser, from.place);
    return true;
}

bool parse_money(struct parser *parser, const char *example, struct ast_value *value)
{
    struct quantity quantity = {.example = example};
    bool good = false;
    struct token from = parser->token;
    if (!read_number(parser, "an amount of money is missing", &quantity, &good)) {
        return false;
    }
    if (from.kind != TOKEN_NUMBER) {
        return no_value(parser, &from, value);
    }
    *value = (struct ast_value){.type = FACT_TYPE_NONE};
    if (good) {
        make_money(parser, &quantity, value);
    }
    take_unit(parser, &quantity);
    value->span = parser_span(parser, from.place);
    return true;
}

bool parse_duration(struct parser *parser, const char *example, struct ast_value *value)
{
    struct quantity quantity = {.example = example};
    bool good = false;
    struct token from = parser->token;
    if (!read_number(parser, "a duration is missing", &quantity, &good)) {
        return false;
    }
    if (from.kind != TOKEN_NUMBER) {
        return no_value(parser, &from, value);
    }
    *value = (struct ast_value){.type = FACT_TYPE_NONE};
    if (good) {
        make_duration(parser, &quantity, value);
    }
    take_unit(parser, &quantity);
    value->span = parser_span(parser, from.place);
    return true;
}
