#include "router/v1_check.h"

#include <stdio.h>

#include "base/country.h"

enum {
    SUGGEST_BYTES_MAX = 32,
    SUGGEST_EDITS_MAX = 2,
};

#define EXCERPT(s) STR_ARG(lex_excerpt(s))

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters to insert, remove or change to make b of a, upper and lower case alike (Levenshtein). */
static size_t edits(struct str a, struct str b)
{
    if (a.len > SUGGEST_BYTES_MAX || b.len > SUGGEST_BYTES_MAX) {
        return SUGGEST_BYTES_MAX;
    }
    size_t row[SUGGEST_BYTES_MAX + 1];
    for (size_t k = 0; k <= b.len; k++) {
        row[k] = k;
    }
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t best = corner + (lower(a.at[i]) != lower(b.at[k]));
            corner = row[k + 1];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            best = corner + 1 < best ? corner + 1 : best;
            row[k + 1] = best;
        }
    }
    return row[b.len];
}

struct suggestion {
    struct str name; /* empty: nothing is near */
    size_t distance;
};

static void suggest(struct suggestion *best, struct str wrong, struct str right)
{
    size_t distance = edits(wrong, right);
    /* Half of the letters wrong is another word, not a slip. */
    bool near = distance <= SUGGEST_EDITS_MAX && distance * 2 <= wrong.len;
    if (near && (str_is_empty(best->name) || distance < best->distance)) {
        *best = (struct suggestion){right, distance};
    }
}

bool check_fact(const struct token *name, enum fact *fact, struct error *err)
{
    *fact = fact_find(name->text);
    if (*fact != FACT_NONE && *fact <= FACT_METADATA) {
        return true;
    }
    struct suggestion best = {STR_NONE, 0};
    for (int i = FACT_NONE + 1; i <= FACT_METADATA; i++) {
        suggest(&best, name->text, fact_info((enum fact)i)->name);
    }
    if (!str_is_empty(best.name)) {
        return lex_fail(err, name->place, "unknown fact " STR_FMT "; did you mean " STR_FMT "?",
                        EXCERPT(name->text), STR_ARG(best.name));
    }
    return lex_fail(err, name->place,
                    "unknown fact " STR_FMT "; known are amount, currency, operation, method, "
                    "country, merchant and metadata.<name>",
                    EXCERPT(name->text));
}

bool check_sign(enum fact fact, const struct token *sign, struct error *err)
{
    const struct fact_info *info = fact_info(fact);
    bool is_in = sign->kind == TOKEN_WORD;
    bool is_order = sign->kind == TOKEN_LESS || sign->kind == TOKEN_LESS_EQUAL ||
                    sign->kind == TOKEN_GREATER || sign->kind == TOKEN_GREATER_EQUAL;
    if (is_in && info->type == FACT_TYPE_MONEY) {
        return lex_fail(err, sign->place,
                        "amount is not compared with in; write bounds: amount >= 10.00 EUR and "
                        "amount < 50.00 EUR");
    }
    if (is_order && info->type != FACT_TYPE_MONEY) {
        return lex_fail(err, sign->place,
                        STR_FMT " has no order and cannot be compared with " STR_FMT
                                "; use ==, != or in: %s",
                        STR_ARG(info->name), STR_ARG(sign->text), info->example);
    }
    return true;
}

static bool check_currency(const struct token *value, const struct currency **currency,
                           struct error *err)
{
    *currency = currency_find(value->text);
    if (*currency != NULL) {
        return true;
    }
    struct str text = lex_excerpt(value->text);
    char upper[4] = "";
    if (str_copy_to(value->text, upper, sizeof(upper))) {
        for (char *c = upper; *c != '\0'; c++) {
            *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        }
        if (currency_find(str_of(upper)) != NULL) {
            return lex_fail(err, value->place,
                            "unknown currency " STR_FMT "; currencies are upper case: %s",
                            STR_ARG(text), upper);
        }
    }
    return lex_fail(err, value->place,
                    "unknown currency " STR_FMT "; write a code of ISO 4217 such as EUR",
                    STR_ARG(text));
}

static bool check_operation(const struct token *value, enum operation *operation, struct error *err)
{
    *operation = operation_find(value->text);
    if (*operation != OPERATION_NONE) {
        return true;
    }
    struct suggestion best = {STR_NONE, 0};
    char known[96] = "";
    size_t len = 0;
    for (int i = OPERATION_NONE + 1; i < OPERATION_COUNT; i++) {
        const char *name = operation_name((enum operation)i);
        suggest(&best, value->text, str_of(name));
        const char *between = i == OPERATION_NONE + 1    ? ""
                              : i == OPERATION_COUNT - 1 ? " and "
                                                         : ", ";
        int written = snprintf(known + len, sizeof(known) - len, "%s%s", between, name);
        CHECK(written > 0 && len + (size_t)written < sizeof(known));
        len += (size_t)written;
    }
    struct str text = lex_excerpt(value->text);
    if (!str_is_empty(best.name)) {
        return lex_fail(err, value->place,
                        "unknown operation " STR_FMT "; did you mean " STR_FMT "?", STR_ARG(text),
                        STR_ARG(best.name));
    }
    return lex_fail(err, value->place, "unknown operation " STR_FMT "; known are %s", STR_ARG(text),
                    known);
}

static bool check_country(const struct token *value, struct error *err)
{
    bool is_unknown_payer = value->kind == TOKEN_STRING && str_is_empty(value->text);
    if (is_unknown_payer || country_is_known(value->text)) {
        return true;
    }
    const char *remedy = "write a code of ISO 3166-1 in upper case such as DE";
    if (str_eq(value->text, STR("UK"))) {
        remedy = "the United Kingdom is GB";
    } else if (str_eq(value->text, STR("EL"))) {
        remedy = "Greece is GR";
    }
    return lex_fail(err, value->place, "unknown country " STR_FMT "; %s", EXCERPT(value->text),
                    remedy);
}

bool check_value(enum fact fact, const struct token *value, union eval_operand *operand,
                 struct error *err)
{
    const struct fact_info *info = fact_info(fact);
    bool is_word = value->kind == TOKEN_WORD && info->type != FACT_TYPE_TEXT;
    if (value->kind != TOKEN_STRING && !is_word) {
        if (value->kind == TOKEN_WORD) {
            return lex_fail(err, value->place, STR_FMT " is text; quote it: \"" STR_FMT "\"",
                            STR_ARG(info->name), EXCERPT(value->text));
        }
        return lex_fail(err, value->place,
                        "this is not a value that " STR_FMT " can have; write for example: %s",
                        STR_ARG(info->name), info->example);
    }
    operand->text = value->text;
    switch (info->type) {
    case FACT_TYPE_CURRENCY:
        return check_currency(value, &operand->money.currency, err);
    case FACT_TYPE_OPERATION:
        return check_operation(value, &operand->operation, err);
    case FACT_TYPE_COUNTRY:
        return check_country(value, err);
    case FACT_TYPE_WORD:
        if (!fact_is_word(value->text)) {
            return lex_fail(err, value->place,
                            "unknown " STR_FMT " " STR_FMT "; write it in lower case, for example: "
                            "%s",
                            STR_ARG(info->name), EXCERPT(value->text), info->example);
        }
        return true;
    case FACT_TYPE_TEXT:
        return true;
    case FACT_TYPE_NONE:
    case FACT_TYPE_MONEY:
    case FACT_TYPE_DIGITS:
    case FACT_TYPE_NUMBER:
    case FACT_TYPE_PERCENT:
    case FACT_TYPE_DURATION:
    case FACT_TYPE_TIME:
    case FACT_TYPE_WEEKDAY:
    case FACT_TYPE_FLAG:
    case FACT_TYPE_COST:
    case FACT_TYPE_COUNT:
        break;
    }
    CHECK(info->type != FACT_TYPE_MONEY); /* check_money is for amounts. */
    return false;
}

bool check_money(const struct token *number, const struct token *currency,
                 union eval_operand *operand, struct error *err)
{
    if (number->kind != TOKEN_NUMBER) {
        return lex_fail(err, number->place,
                        "amount is compared with a number and its currency: 500.00 EUR");
    }
    if (currency->kind != TOKEN_WORD) {
        return lex_fail(err, currency->place, "currency is missing; write " STR_FMT " EUR",
                        EXCERPT(number->text));
    }
    if (!check_currency(currency, &operand->money.currency, err)) {
        return false;
    }
    unsigned digits = operand->money.currency->exponent;
    size_t point = str_find_char(number->text, '.', 0);
    if (point != SIZE_MAX && number->text.len - point - 1 > digits) {
        return lex_fail(err, number->place, "%s has %u decimals; write no more of them",
                        operand->money.currency->code, digits);
    }
    struct error why;
    if (!money_parse(number->text, digits, &operand->money.minor, &why) ||
        operand->money.minor > MONEY_AMOUNT_MAX) {
        return lex_fail(err, number->place, "amount is too large; no payment exceeds 15 digits");
    }
    return true;
}

bool check_provider(const struct token *name, const struct str *known, size_t known_count,
                    struct error *err)
{
    struct suggestion best = {STR_NONE, 0};
    for (size_t i = 0; i < known_count; i++) {
        if (str_eq(known[i], name->text)) {
            return true;
        }
        suggest(&best, name->text, known[i]);
    }
    struct str text = lex_excerpt(name->text);
    if (!str_is_empty(best.name)) {
        return lex_fail(err, name->place, "unknown provider " STR_FMT "; did you mean " STR_FMT "?",
                        STR_ARG(text), STR_ARG(best.name));
    }
    char list[120] = "";
    size_t len = 0;
    for (size_t i = 0; i < known_count; i++) {
        int written = snprintf(list + len, sizeof(list) - len, "%s" STR_FMT, i == 0 ? "" : ", ",
                               STR_ARG(known[i]));
        if (written < 0 || len + (size_t)written >= sizeof(list)) {
            list[len] = '\0';
            break;
        }
        len += (size_t)written;
    }
    return lex_fail(err, name->place, "unknown provider " STR_FMT "; known are %s", STR_ARG(text),
                    len == 0 ? "none" : list);
}

bool check_target(const struct program *program, const struct eval_rule *rule, struct place place,
                  struct error *err)
{
    const struct eval_target *targets = program->targets + rule->target;
    const struct eval_target *last = &targets[rule->target_count - 1];
    for (uint32_t i = 0; i + 1 < rule->target_count; i++) {
        bool is_same_provider = str_eq(targets[i].provider, last->provider);
        bool is_covered =
            str_is_empty(targets[i].account) || str_eq(targets[i].account, last->account);
        if (is_same_provider && is_covered) {
            return lex_fail(err, place,
                            STR_FMT " is named before in this list; name each account once",
                            EXCERPT(last->provider));
        }
    }
    return true;
}

static bool is_same_operand(enum fact fact, const union eval_operand *a,
                            const union eval_operand *b)
{
    if (fact == FACT_AMOUNT) {
        return a->money.minor == b->money.minor && a->money.currency == b->money.currency;
    }
    if (fact == FACT_CURRENCY) {
        return a->money.currency == b->money.currency;
    }
    if (fact == FACT_OPERATION) {
        return a->operation == b->operation;
    }
    return str_eq(a->text, b->text);
}

/* An exit, counted from the first test of its rule. */
static uint32_t relative(const struct eval_rule *rule, uint32_t exit)
{
    return exit >= EVAL_MATCH ? exit : exit - rule->test;
}

static bool is_same_condition(const struct program *program, const struct eval_rule *a,
                              const struct eval_rule *b)
{
    if (a->test_count != b->test_count || relative(a, a->test) != relative(b, b->test)) {
        return false;
    }
    for (uint32_t i = 0; i < a->test_count; i++) {
        const struct eval_test *x = &program->tests[a->test + i];
        const struct eval_test *y = &program->tests[b->test + i];
        if (x->fact != y->fact || x->compare != y->compare || x->text != y->text ||
            x->operand_count != y->operand_count ||
            relative(a, x->exit[0]) != relative(b, y->exit[0]) ||
            relative(a, x->exit[1]) != relative(b, y->exit[1])) {
            return false;
        }
        for (uint32_t k = 0; k < x->operand_count; k++) {
            if (!is_same_operand((enum fact)x->fact, &program->operands[x->operand + k],
                                 &program->operands[y->operand + k])) {
                return false;
            }
        }
    }
    return true;
}

bool check_rule(const struct program *program, struct error *err)
{
    CHECK(program->rule_count > 0);
    const struct eval_rule *last = &program->rules[program->rule_count - 1];
    struct str name = lex_excerpt(last->name);
    for (size_t i = 0; i + 1 < program->rule_count; i++) {
        const struct eval_rule *rule = &program->rules[i];
        struct str other = lex_excerpt(rule->name);
        if (str_eq(rule->name, last->name)) {
            return lex_fail(err, last->place,
                            "a rule named \"" STR_FMT "\" is at line %u; choose another name",
                            STR_ARG(name), rule->place.line);
        }
        bool is_default = last->test == EVAL_MATCH && str_eq(last->name, STR("default"));
        if (rule->test == EVAL_MATCH && !is_default) {
            return lex_fail(err, last->place,
                            "rule \"" STR_FMT "\" can never match: \"" STR_FMT "\" at line %u has "
                            "no condition; move this rule above it",
                            STR_ARG(name), STR_ARG(other), rule->place.line);
        }
        if (rule->test != EVAL_MATCH && is_same_condition(program, rule, last)) {
            return lex_fail(err, last->place,
                            "rule \"" STR_FMT "\" can never match: \"" STR_FMT "\" at line %u has "
                            "the same condition; remove one of them",
                            STR_ARG(name), STR_ARG(other), rule->place.line);
        }
    }
    return true;
}
