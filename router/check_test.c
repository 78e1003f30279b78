#include "router/check_line.h"

#include <stdio.h>
#include <string.h>

#include "router/run.h"

enum {
    MILLION = 1000000,
    MINUTES = 24 * 60,
    DIGITS_MAX = ROUTE_BIN_DIGITS_MAX,
};

/* Places of a BIN: none, one that does not begin with six digits, then by its first digits. */
enum {
    BIN_NONE = 0,
    BIN_ODD = 1,
    BIN_SIX = 2, /* six, and then the end or something else */
    BIN_SEVEN = BIN_SIX + 1000000,
    BIN_EIGHT = BIN_SEVEN + 10000000,
    BIN_END = BIN_EIGHT + 100000000,
};

static bool is_negative(enum ast_sign sign)
{
    return sign == AST_UNEQUAL || sign == AST_NOT_IN || sign == AST_NOT_WITHIN;
}

static bool is_range(enum ast_sign sign)
{
    return sign == AST_WITHIN || sign == AST_NOT_WITHIN;
}

/* ---- numbers --------------------------------------------------------------------------------- */

struct field { /* the part of a line on which a comparison means something */
    int64_t low, high;
};

/* Where the sign holds of numbers from low to high; at most 2 spans. `wraps`: past the end. */
static size_t spans_of(enum ast_sign sign, struct field field, int64_t a, int64_t b, bool wraps,
                       struct check_span *out)
{
    struct check_span all = {field.low, field.high};
    struct check_span in = {a, a};
    size_t count = 1;
    switch (sign) {
    case AST_LESS:
        in = (struct check_span){field.low, a - 1};
        break;
    case AST_LESS_EQUAL:
        in = (struct check_span){field.low, a};
        break;
    case AST_GREATER:
        in = (struct check_span){a + 1, field.high};
        break;
    case AST_GREATER_EQUAL:
        in = (struct check_span){a, field.high};
        break;
    case AST_WITHIN:
    case AST_NOT_WITHIN:
        in = (struct check_span){a, b};
        break;
    case AST_EQUAL:
    case AST_UNEQUAL:
    case AST_IN:
    case AST_NOT_IN:
    case AST_IS:
    case AST_STARTS:
    case AST_MATCHES:
    case AST_SIGN_NONE:
    case AST_SIGN_COUNT:
        break;
    }
    struct check_span yes[2] = {in, {1, 0}};
    if (wraps && is_range(sign) && a > b) {
        yes[0] = (struct check_span){field.low, b};
        yes[1] = (struct check_span){a, field.high};
    }
    count = check_spans_join(yes, 2);
    struct check_set set = {yes, count};
    struct check_set within = {&all, 1};
    return is_negative(sign) ? check_set_minus(within, set, out) : check_set_meet(within, set, out);
}

/* A place of its own: of what is not understood, everything may be true. */
static const struct check_form *opaque(struct check_space *space, struct str name, bool wanted)
{
    struct check_span yes = {1, 1};
    uint32_t line = str_is_empty(name) ? check_line_add(space, 0, 1, 0)
                                       : check_line_named(space, name, 0, 1, 0);
    return check_leaf(space, line, (struct check_set){&yes, 1}, wanted);
}

static const struct check_form *number_form(struct check_space *space, const struct ast_node *node,
                                            uint32_t line, struct field field, bool wraps,
                                            bool wanted)
{
    const struct ast_value *value = node->list.value;
    struct check_span out[4];
    if (node->sign != AST_IN && node->sign != AST_NOT_IN) {
        int64_t last = is_range(node->sign) ? value[1].as.number : 0;
        size_t count = spans_of(node->sign, field, value->as.number, last, wraps, out);
        return check_leaf(space, line, (struct check_set){out, count}, wanted);
    }
    if (!check_charge(space, node->list.count))
        return opaque(space, STR_NONE, wanted);
    struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, node->list.count);
    for (size_t i = 0; i < node->list.count; i++)
        at[i] = (struct check_span){value[i].as.number, value[i].as.number};
    struct check_set set = {at, check_spans_join(at, node->list.count)};
    return check_leaf(space, line, set, wanted != is_negative(node->sign));
}

/* ---- money ----------------------------------------------------------------------------------- */

static const struct check_form *currency_form(struct check_space *space,
                                              const struct currency *currency, bool wanted)
{
    int64_t low = (int64_t)currency_index(currency) * CHECK_MONEY_STRETCH;
    struct check_span span = {low, low + CHECK_MONEY_STRETCH - 1};
    return check_leaf(space, space->money, (struct check_set){&span, 1}, wanted);
}

/* Payments of that currency whose amount compares so. */
static const struct check_form *amount_form(struct check_space *space, const struct ast_node *node,
                                            bool wanted)
{
    const struct ast_value *value = node->list.value;
    struct check_span out[4];
    int64_t last = is_range(node->sign) ? value[1].as.money.minor : 0;
    size_t count = spans_of(node->sign, (struct field){0, MONEY_AMOUNT_MAX}, value->as.money.minor,
                            last, false, out);
    int64_t from = (int64_t)currency_index(value->as.money.currency) * CHECK_MONEY_STRETCH;
    for (size_t i = 0; i < count; i++) {
        out[i].low += from;
        out[i].high += from;
    }
    return check_leaf(space, space->money, (struct check_set){out, count}, wanted);
}

/* In its own currency as any amount; in another, by a rate that nobody knows here. */
static const struct check_form *rated_form(struct check_space *space, const struct ast_node *node,
                                           bool wanted)
{
    const struct ast_value *value = node->list.value;
    struct check_span out[4];
    char name[32];
    int64_t last = is_range(node->sign) ? value[1].as.money.minor : 0;
    size_t count =
        spans_of(node->sign, (struct field){0, CHECK_FAR}, value->as.money.minor, last, false, out);
    (void)snprintf(name, sizeof(name), "as %s", node->fact.as->code);
    uint32_t line = check_line_named(space, str_of(name), 0, CHECK_FAR, -2);
    const struct check_form *own = amount_form(space, node, wanted);
    const struct check_form *other =
        check_pair(space, wanted, currency_form(space, node->fact.as, !wanted),
                   check_leaf(space, line, (struct check_set){out, count}, wanted));
    return check_pair(space, !wanted, own, other);
}

static const struct check_form *currencies_form(struct check_space *space,
                                                const struct ast_node *node, bool wanted)
{
    uint64_t bits[16] = {0};
    size_t count = 0;
    (void)currency_all(&count);
    if (count > sizeof(bits) * 8)
        return opaque(space, STR_NONE, wanted);
    for (size_t i = 0; i < node->list.count; i++) {
        size_t at = currency_index(node->list.value[i].as.currency);
        bits[at / 64] |= UINT64_C(1) << (at % 64);
    }
    if (wanted == is_negative(node->sign)) {
        for (size_t i = 0; i < ARRAY_LEN(bits); i++)
            bits[i] = ~bits[i];
    }
    return check_form_currencies(space, bits);
}

/* ---- measures -------------------------------------------------------------------------------- */

/* "paypal:main.cost", or ".cost" of the candidate. */
static struct str measure_name(struct check_space *space, const struct ast_fact *fact,
                               const char *more)
{
    const struct ast_target *target = fact->target;
    struct str provider = target != NULL ? target->provider : STR_NONE;
    struct str account = target != NULL ? target->account : STR_NONE;
    (void)check_charge(space, 4 + account.len / 16);
    return arena_printf(space->arena, STR_FMT ":" STR_FMT "." STR_FMT "%s", STR_ARG(provider),
                        STR_ARG(account), STR_ARG(fact_info(fact->fact)->name), more);
}

static const struct check_form *fee_form(struct check_space *space, const struct ast_node *node,
                                         bool wanted)
{
    const struct ast_value *value = node->list.value;
    struct check_span out[4];
    int64_t last = is_range(node->sign) ? value[1].as.money.minor : 0;
    size_t count = spans_of(node->sign, (struct field){-CHECK_FAR, CHECK_FAR},
                            value->as.money.minor, last, false, out);
    struct str name = measure_name(space, &node->fact, value->as.money.currency->code);
    uint32_t line = check_line_named(space, name, -CHECK_FAR, CHECK_FAR, -CHECK_FAR - 2);
    return check_pair(space, wanted, currency_form(space, value->as.money.currency, wanted),
                      check_leaf(space, line, (struct check_set){out, count}, wanted));
}

/*
 * A fee as part of the amount: twice the millionths, and odd between them. A fee of nothing for an
 * amount of nothing is every part at once; it stands alone at the end of the line.
 */
static const struct check_form *part_form(struct check_space *space, const struct ast_node *node,
                                          bool wanted)
{
    const struct ast_value *value = node->list.value;
    const int64_t all_at_once = CHECK_FAR;
    struct check_span out[5];
    int64_t last = is_range(node->sign) ? value[1].as.number * 2 : 0;
    size_t count = spans_of(node->sign, (struct field){-CHECK_FAR, all_at_once - 1},
                            value->as.number * 2, last, false, out);
    bool has_equal =
        node->sign != AST_LESS && node->sign != AST_GREATER && !is_negative(node->sign);
    if (has_equal)
        out[count++] = (struct check_span){all_at_once, all_at_once};
    count = check_spans_join(out, count);
    struct str name = measure_name(space, &node->fact, "%");
    uint32_t line = check_line_named(space, name, -CHECK_FAR, CHECK_FAR, -CHECK_FAR - 2);
    return check_leaf(space, line, (struct check_set){out, count}, wanted);
}

static const struct check_form *measure_form(struct check_space *space, const struct ast_node *node,
                                             bool wanted)
{
    struct str name = measure_name(space, &node->fact, "");
    bool is_part = node->fact.fact == FACT_SUCCESS_RATE || node->fact.fact == FACT_SHARE;
    int64_t high = is_part ? MILLION : CHECK_FAR;
    if (node->sign == AST_IS)
        return opaque(space, name, wanted);
    uint32_t line = check_line_named(space, name, 0, high, -2);
    struct check_span out[4];
    const struct ast_value *value = node->list.value;
    int64_t last = is_range(node->sign) ? value[1].as.number : 0;
    size_t count =
        spans_of(node->sign, (struct field){0, high}, value->as.number, last, false, out);
    return check_leaf(space, line, (struct check_set){out, count}, wanted);
}

/* ---- texts ----------------------------------------------------------------------------------- */

struct str check_pattern_start(struct str pattern)
{
    size_t len = 0;
    while (len < pattern.len && pattern.at[len] != '*' && pattern.at[len] != '?')
        len++;
    return str_sub(pattern, 0, len);
}

static bool is_stars(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '*')
            return false;
    }
    return text.len > 0;
}

/* The texts of a list: their places; of a named set made once. */
static const struct check_form *list_form(struct check_space *space, const struct ast_node *node,
                                          const struct check_texts *texts, bool wanted)
{
    const struct ast_list *list = &node->list;
    struct {
        uintptr_t at;
        uint64_t line;
    } key = {(uintptr_t)list->value, texts->line};
    struct str name = {(const char *)&key, sizeof(key)};
    bool is_shared = !str_is_empty(list->name);
    uint32_t found = is_shared ? names_find(&space->lists, name) : NAMES_NONE;
    if (found == NAMES_NONE) {
        if (!check_charge(space, list->count * 2 + 4))
            return opaque(space, STR_NONE, wanted);
        struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, list->count);
        for (size_t i = 0; i < list->count; i++) {
            int64_t place = (int64_t)check_text_find(texts, list->value[i].as.text, true);
            at[i] = (struct check_span){place, place};
        }
        struct check_set set = {at, check_spans_join(at, list->count)};
        const struct check_form *form = check_leaf(space, texts->line, set, true);
        if (!is_shared || form->kind != FORM_LEAF)
            return wanted == is_negative(node->sign) ? check_leaf(space, texts->line, set, false)
                                                     : form;
        if (space->list_count == space->list_capacity) {
            size_t room = space->list_capacity == 0 ? 16 : space->list_capacity * 2;
            struct check_set *grown = ARENA_ARRAY(space->arena, struct check_set, room * 2);
            if (space->list_count > 0)
                memcpy(grown, space->list_set, space->list_count * 2 * sizeof(*grown));
            space->list_set = grown;
            space->list_capacity = room;
        }
        found = (uint32_t)space->list_count++;
        space->list_set[(size_t)found * 2] = form->set[0];
        space->list_set[(size_t)found * 2 + 1] = form->set[1];
        names_add(&space->lists, space->arena, arena_str(space->arena, name), found);
    }
    struct check_form *form = ARENA_NEW(space->arena, struct check_form);
    bool is_straight = wanted != is_negative(node->sign);
    (void)check_charge(space, 4);
    *form = (struct check_form){.kind = FORM_LEAF, .line = texts->line};
    form->set[1] = space->list_set[(size_t)found * 2 + is_straight];
    form->set[0] = space->list_set[(size_t)found * 2 + !is_straight];
    return form;
}

/*
 * Where a pattern is true of named texts, and, of the others that begin as it does, where it is not
 * known: there a line of the pattern's own says so.
 */
static const struct check_form *pattern_form(struct check_space *space, uint16_t index,
                                             struct str pattern, bool wanted)
{
    const struct check_texts *texts = &space->texts[index];
    struct str start = check_pattern_start(pattern);
    struct str rest = str_sub(pattern, start.len, pattern.len);
    if (start.len == pattern.len) {
        int64_t at = (int64_t)check_text_find(texts, pattern, true);
        struct check_span point = {at, at};
        return check_leaf(space, texts->line, (struct check_set){&point, 1}, wanted);
    }
    size_t from = check_text_find(texts, start, false);
    size_t end = check_text_prefix_end(texts, start);
    if (!check_charge(space, (end - from) * 4 + 4))
        return opaque(space, STR_NONE, wanted);
    struct check_span *yes = ARENA_ARRAY(space->arena, struct check_span, end - from);
    struct check_span *open = ARENA_ARRAY(space->arena, struct check_span, end - from);
    size_t yes_count = 0;
    size_t open_count = 0;
    bool is_any = is_stars(rest); /* all that begin so */
    bool is_some =
        str_is_empty(start) && (str_eq(pattern, STR("?*")) || str_eq(pattern, STR("*?")));
    for (size_t i = from; i < end; i++) {
        struct check_span point = {(int64_t)i, (int64_t)i};
        const struct check_text *item = &texts->item[i];
        if (item->is_value ? run_pattern(pattern, item->text) : is_any || is_some)
            yes[yes_count++] = point;
        else if (!item->is_value)
            open[open_count++] = point;
    }
    struct check_set sure = {yes, check_spans_join(yes, yes_count)};
    struct check_set unsure = {open, check_spans_join(open, open_count)};
    const struct check_form *named = check_leaf(space, texts->line, sure, wanted);
    if (unsure.count == 0)
        return named;
    struct str name =
        arena_printf(space->arena, "pattern %u " STR_FMT, (unsigned)index, STR_ARG(pattern));
    const struct check_form *other = check_pair(
        space, wanted, check_leaf(space, texts->line, unsure, wanted), opaque(space, name, wanted));
    return check_pair(space, !wanted, named, other);
}

static const struct check_form *text_form(struct check_space *space, const struct ast_node *node,
                                          bool wanted)
{
    uint16_t index = check_text_index(&node->fact);
    const struct check_texts *texts = &space->texts[index];
    struct str first = node->list.value->as.text;
    if (node->sign == AST_MATCHES)
        return pattern_form(space, index, first, wanted);
    if (node->sign != AST_STARTS)
        return list_form(space, node, texts, wanted);
    struct check_span span = {(int64_t)check_text_find(texts, first, false),
                              (int64_t)check_text_prefix_end(texts, first) - 1};
    return check_leaf(space, texts->line, (struct check_set){&span, 1}, wanted);
}

/* ---- bin ------------------------------------------------------------------------------------- */

static int64_t power(unsigned digits)
{
    int64_t value = 1;
    while (digits-- > 0)
        value *= 10;
    return value;
}

/* BINs whose first `digits` digits are from low to high; at most 3 spans. */
static size_t digits_spans(int64_t low, int64_t high, unsigned digits, struct check_span *out)
{
    static const int64_t from[] = {BIN_SIX, BIN_SEVEN, BIN_EIGHT};
    size_t count = 0;
    for (unsigned length = ROUTE_BIN_DIGITS_MIN; length <= DIGITS_MAX; length++) {
        int64_t unit = length >= digits ? power(length - digits) : 0;
        int64_t start = from[length - ROUTE_BIN_DIGITS_MIN];
        if (unit > 0)
            out[count++] = (struct check_span){start + low * unit, start + (high + 1) * unit - 1};
    }
    return count;
}

/* Digits at the beginning: a place of its own where fewer than six digits might begin so. */
static const struct check_form *bin_start_form(struct check_space *space, uint32_t line,
                                               struct str start, bool wanted)
{
    int64_t number = 0;
    bool is_digits = start.len <= DIGITS_MAX;
    for (size_t i = 0; i < start.len && is_digits; i++) {
        is_digits = start.at[i] >= '0' && start.at[i] <= '9';
        number = number * 10 + (start.at[i] - '0');
    }
    if (!is_digits)
        return NULL;
    struct check_span out[4];
    size_t count = digits_spans(number, number, (unsigned)start.len, out);
    const struct check_form *sure =
        check_leaf(space, line, (struct check_set){out, check_spans_join(out, count)}, wanted);
    if (start.len >= ROUTE_BIN_DIGITS_MIN)
        return sure;
    struct check_span odd = {BIN_ODD, BIN_ODD};
    struct str name = arena_printf(space->arena, "bin " STR_FMT, STR_ARG(start));
    const struct check_form *other =
        check_pair(space, wanted, check_leaf(space, line, (struct check_set){&odd, 1}, wanted),
                   opaque(space, name, wanted));
    return check_pair(space, !wanted, sure, other);
}

/* Patterns are not understood, but where they are plain. */
static const struct check_form *bin_text_form(struct check_space *space, uint32_t line,
                                              const struct ast_node *node, bool wanted)
{
    struct str text = node->list.value->as.text;
    const struct check_form *form = NULL;
    struct check_span none = {BIN_NONE, BIN_NONE};
    if (!check_charge(space, 8))
        return opaque(space, STR_NONE, wanted);
    if (node->sign == AST_STARTS && !str_is_empty(text))
        form = bin_start_form(space, line, text, wanted);
    bool is_any = node->sign == AST_STARTS ? str_is_empty(text) : is_stars(text);
    if (is_any)
        return check_form_of(space, NULL, wanted);
    if (str_is_empty(text) || str_eq(text, STR("?*")) || str_eq(text, STR("*?")))
        return check_leaf(space, line, (struct check_set){&none, 1}, wanted == str_is_empty(text));
    if (form != NULL)
        return form;
    struct str name = arena_printf(space->arena, "bin %d " STR_FMT, (int)node->sign, STR_ARG(text));
    bool has_none = node->sign == AST_MATCHES && run_pattern(text, STR_NONE);
    const struct check_form *some =
        check_pair(space, wanted, check_leaf(space, line, (struct check_set){&none, 1}, !wanted),
                   opaque(space, name, wanted));
    return has_none ? opaque(space, STR_NONE, wanted) : some;
}

static const struct check_form *bin_form(struct check_space *space, const struct ast_node *node,
                                         bool wanted)
{
    const struct ast_value *value = node->list.value;
    uint32_t line = check_line_named(space, STR("bin"), BIN_NONE, BIN_END - 1, BIN_NONE);
    if (node->sign == AST_STARTS || node->sign == AST_MATCHES)
        return bin_text_form(space, line, node, wanted);
    bool is_straight = wanted != is_negative(node->sign);
    size_t count = 0;
    size_t values = is_range(node->sign) ? 1 : node->list.count;
    if (!check_charge(space, values * 3))
        return opaque(space, STR_NONE, wanted);
    struct check_span *at = ARENA_ARRAY(space->arena, struct check_span, values * 3);
    for (size_t i = 0; i < values; i++) {
        int64_t low = value[i].as.digits.number;
        int64_t high = is_range(node->sign) ? value[1].as.digits.number : low;
        if (value[i].as.digits.count == 0)
            at[count++] = (struct check_span){BIN_NONE, BIN_NONE};
        else
            count += digits_spans(low, high, value[i].as.digits.count, at + count);
    }
    return check_leaf(space, line, (struct check_set){at, check_spans_join(at, count)},
                      is_straight);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static const struct check_form *operation_form(struct check_space *space,
                                               const struct ast_node *node, bool wanted)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < node->list.count; i++)
        bits |= node->list.value[i].as.operations;
    return check_form_operations(space, wanted == is_negative(node->sign) ? ~bits : bits);
}

static const struct check_form *clock_form(struct check_space *space, const struct ast_node *node,
                                           bool wanted)
{
    bool is_time = node->fact.fact == FACT_TIME;
    struct field field = {is_time ? 0 : 1, is_time ? MINUTES - 1 : 7};
    char name[32];
    (void)snprintf(name, sizeof(name), "%s %u", is_time ? "time" : "weekday",
                   (unsigned)space->zone[node->fact.zone]);
    uint32_t line = check_line_named(space, str_of(name), field.low, field.high, field.low);
    return number_form(space, node, line, field, true, wanted);
}

/* A list of what may be unknown is not written by the parser; if it were, nothing is concluded. */
static bool is_odd(const struct ast_node *node)
{
    bool is_list = node->sign == AST_IN || node->sign == AST_NOT_IN;
    bool is_partial =
        node->fact.fact == FACT_AMOUNT || fact_info(node->fact.fact)->scope == FACT_MEASURE;
    return is_list && is_partial && node->list.count != 1;
}

const struct check_form *check_test_form(struct check_space *space, const struct ast_node *node,
                                         bool wanted)
{
    if (!check_charge(space, 4) || is_odd(node))
        return opaque(space, STR_NONE, wanted);
    switch (fact_info(node->fact.fact)->type) {
    case FACT_TYPE_MONEY:
        return node->fact.as != NULL ? rated_form(space, node, wanted)
                                     : amount_form(space, node, wanted);
    case FACT_TYPE_CURRENCY:
        return currencies_form(space, node, wanted);
    case FACT_TYPE_OPERATION:
        return operation_form(space, node, wanted);
    case FACT_TYPE_WORD:
    case FACT_TYPE_COUNTRY:
    case FACT_TYPE_TEXT:
        return text_form(space, node, wanted);
    case FACT_TYPE_DIGITS:
        return bin_form(space, node, wanted);
    case FACT_TYPE_NUMBER: {
        struct field field = {1, UINT32_MAX};
        uint32_t line = check_line_named(space, STR("attempt"), field.low, field.high, 1);
        return number_form(space, node, line, field, false, wanted);
    }
    case FACT_TYPE_TIME:
    case FACT_TYPE_WEEKDAY:
        return clock_form(space, node, wanted);
    case FACT_TYPE_COST:
        return node->list.value->type == FACT_TYPE_MONEY ? fee_form(space, node, wanted)
                                                         : part_form(space, node, wanted);
    case FACT_TYPE_PERCENT:
    case FACT_TYPE_DURATION:
    case FACT_TYPE_FLAG:
        return measure_form(space, node, wanted);
    case FACT_TYPE_NONE:
    case FACT_TYPE_COUNT:
        break;
    }
    return opaque(space, STR_NONE, wanted);
}
