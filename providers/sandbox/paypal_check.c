/* Field checks of Orders v2. Problems are gathered, so that one answer names them all. */
#include "providers/sandbox/paypal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    POINTER_MAX = 360, /* "/purchase_units/@reference_id=='...256...'/amount/breakdown/..." */
};

struct string_rule {
    const char *member;
    size_t min;
    size_t max;
};

/* clang-format off */
static const struct string_rule unit_rules[] = {
    {"reference_id", 1, 256}, {"custom_id", 1, 127}, {"invoice_id", 1, 127},
    {"description", 1, 127},  {"soft_descriptor", 1, 22},
};
static const struct string_rule item_rules[] = {
    {"name", 1, 127}, {"quantity", 1, 10}, {"sku", 0, 127}, {"category", 1, 20},
};
static const struct string_rule card_rules[] = {
    {"name", 2, 300}, {"number", 13, 19}, {"vault_id", 1, 255},
};

static const struct {
    const char *member;
    int sign;
} breakdown_parts[] = {
    {"item_total", 1}, {"shipping", 1},           {"handling", 1}, {"tax_total", 1},
    {"insurance", 1},  {"shipping_discount", -1}, {"discount", -1},
};

/* Sources that send the payer somewhere, besides paypal. */
static const char *const redirect_sources[] = {
    "venmo", "bancontact", "blik", "eps", "giropay", "ideal", "mybank", "p24", "sofort", "trustly",
};
/* clang-format on */

static struct str join(struct call *call, const char *pointer, const char *member)
{
    return arena_printf(call->arena, "%s/%s", pointer, member);
}

static void check_strings(struct call *call, const json_t *object, const char *pointer,
                          const struct string_rule *rules, size_t count,
                          struct paypal_problems *problems)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, rules[i].member);
        size_t len = json_string_length(value);
        if (!value || json_is_null(value)) {
            continue;
        }
        const char *issue = !json_is_string(value)                     ? "INVALID_PARAMETER_SYNTAX"
                            : len < rules[i].min || len > rules[i].max ? "INVALID_STRING_LENGTH"
                                                                       : NULL;
        if (issue) {
            paypal_add(problems, join(call, pointer, rules[i].member),
                       json_text(object, rules[i].member), issue);
        }
    }
}

static void check_intent(struct call *call, struct paypal_problems *problems)
{
    struct str intent = json_text(call->json, "intent");
    if (!json_object_get(call->json, "intent")) {
        paypal_add(problems, STR("/intent"), STR_NONE, "MISSING_REQUIRED_PARAMETER");
    } else if (!str_eq(intent, STR("CAPTURE")) && !str_eq(intent, STR("AUTHORIZE"))) {
        paypal_add(problems, STR("/intent"), intent, "INVALID_PARAMETER_VALUE");
    }
}

/* ---- purchase units -------------------------------------------------------------------------- */

/* Adds price times quantity of one item; INT64_MAX when that is no number any more. */
static void check_item(struct call *call, const json_t *item, const char *path, const char *field,
                       int64_t *sum, struct paypal_problems *problems)
{
    const struct currency *currency;
    int64_t price;
    int64_t quantity = 0;
    struct str text = json_text(item, "quantity");
    check_strings(call, item, field, item_rules, ARRAY_LEN(item_rules), problems);
    if (!json_object_get(item, "name")) {
        paypal_add(problems, join(call, field, "name"), STR_NONE, "MISSING_REQUIRED_PARAMETER");
    }
    if (!json_object_get(item, "quantity")) {
        paypal_add(problems, join(call, field, "quantity"), STR_NONE, "MISSING_REQUIRED_PARAMETER");
    } else if (!str_to_int64(text, &quantity) || quantity < 1) {
        paypal_add(problems, join(call, field, "quantity"), text, "INVALID_PARAMETER_SYNTAX");
    }
    char *pointer = arena_cstr(call->arena, join(call, field, "unit_amount"));
    if (!paypal_read_money(call, json_object_get(item, "unit_amount"), path, pointer, true, &price,
                           &currency, problems) ||
        !money_scale(price, quantity, 1, MONEY_DOWN, &price) || !money_add(*sum, price, sum)) {
        *sum = INT64_MAX;
    }
}

static void check_items(struct call *call, const json_t *unit, size_t index, const char *pointer,
                        int64_t item_total, struct paypal_problems *problems)
{
    const json_t *items = json_object_get(unit, "items");
    int64_t sum = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        char field[POINTER_MAX + 32];
        char path[64];
        (void)snprintf(field, sizeof(field), "%s/items/%zu", pointer, i);
        (void)snprintf(path, sizeof(path), "purchase_units.%zu.items.%zu.unit_amount", index, i);
        check_item(call, json_array_get(items, i), path, field, &sum, problems);
    }
    if (json_array_size(items) > 0 && item_total < 0) {
        paypal_add(problems, join(call, pointer, "amount/breakdown/item_total"), STR_NONE,
                   "ITEM_TOTAL_REQUIRED");
    } else if (json_array_size(items) > 0 && sum != item_total) {
        paypal_add(problems, join(call, pointer, "amount/breakdown/item_total/value"), STR_NONE,
                   "ITEM_TOTAL_MISMATCH");
    }
}

/* Returns the item total, -1 without one. */
static int64_t check_breakdown(struct call *call, const json_t *amount, size_t index,
                               const char *pointer, int64_t total, struct paypal_problems *problems)
{
    const json_t *breakdown = json_object_get(amount, "breakdown");
    int64_t sum = 0;
    int64_t item_total = -1;
    for (size_t i = 0; breakdown && i < ARRAY_LEN(breakdown_parts); i++) {
        const json_t *part = json_object_get(breakdown, breakdown_parts[i].member);
        const struct currency *currency;
        int64_t minor;
        char field[POINTER_MAX + 64];
        char path[96];
        (void)snprintf(field, sizeof(field), "%s/amount/breakdown/%s", pointer,
                       breakdown_parts[i].member);
        (void)snprintf(path, sizeof(path), "purchase_units.%zu.amount.breakdown.%s", index,
                       breakdown_parts[i].member);
        if (!part) {
            continue;
        }
        if (!paypal_read_money(call, part, path, field, true, &minor, &currency, problems)) {
            return -1;
        }
        item_total = i == 0 ? minor : item_total;
        sum += breakdown_parts[i].sign * minor; /* Seven times 10^17 at most. */
    }
    if (breakdown && sum != total) {
        paypal_add(problems, join(call, pointer, "amount/value"), STR_NONE, "AMOUNT_MISMATCH");
    }
    return item_total;
}

/* What the client sent, with our defaults, ready to be continued with "payments". */
static struct str unit_json(struct call *call, json_t *unit, const struct book_unit *made)
{
    char value[MONEY_TEXT_SIZE];
    struct str text = paypal_value(made->amount_minor, made->currency, value);
    if (!json_object_get(unit, "reference_id")) {
        (void)json_object_set_new(unit, "reference_id", json_string("default"));
    }
    (void)json_object_set_new(json_object_get(unit, "amount"), "value",
                              json_stringn(text.at, text.len));
    char *dump = json_dumps(unit, JSON_COMPACT);
    CHECK(dump);
    struct str json = arena_str(call->arena, (struct str){dump, strlen(dump) - 1});
    free(dump);
    return json;
}

static void check_unit(struct call *call, json_t *unit, size_t index, struct book_unit *made,
                       struct paypal_problems *problems)
{
    char pointer[POINTER_MAX];
    char path[64];
    struct str reference_id = json_text(unit, "reference_id");
    made->reference_id = reference_id.len > 0 ? reference_id : STR("default");
    made->custom_id = json_text(unit, "custom_id");
    made->invoice_id = json_text(unit, "invoice_id");
    made->soft_descriptor = json_text(unit, "soft_descriptor");
    (void)snprintf(pointer, sizeof(pointer), "/purchase_units/@reference_id=='" STR_FMT "'",
                   STR_ARG(str_sub(made->reference_id, 0, 256)));
    (void)snprintf(path, sizeof(path), "purchase_units.%zu.amount", index);
    check_strings(call, unit, pointer, unit_rules, ARRAY_LEN(unit_rules), problems);
    json_t *amount = json_object_get(unit, "amount");
    struct str field = join(call, pointer, "amount");
    if (!amount) {
        paypal_add(problems, field, STR_NONE, "MISSING_REQUIRED_PARAMETER");
    } else if (paypal_read_money(call, amount, path, arena_cstr(call->arena, field), false,
                                 &made->amount_minor, &made->currency, problems)) {
        int64_t item_total =
            check_breakdown(call, amount, index, pointer, made->amount_minor, problems);
        check_items(call, unit, index, pointer, item_total, problems);
        made->json = unit_json(call, unit, made);
    }
}

static bool check_references(const json_t *list, struct paypal_problems *problems)
{
    for (size_t i = 0; json_array_size(list) > 1 && i < json_array_size(list); i++) {
        if (!json_object_get(json_array_get(list, i), "reference_id")) {
            paypal_add(problems, STR("/purchase_units"), STR_NONE, "REFERENCE_ID_REQUIRED");
            return false;
        }
    }
    return true;
}

static void check_across(const struct book_unit *units, size_t count,
                         struct paypal_problems *problems)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(units[i].reference_id, units[k].reference_id)) {
                paypal_add(problems, STR("/purchase_units"), units[i].reference_id,
                           "DUPLICATE_REFERENCE_ID");
            }
        }
        if (units[i].currency && units[0].currency && units[i].currency != units[0].currency) {
            paypal_add(problems, STR("/purchase_units"), STR_NONE, "MULTI_CURRENCY_ORDER");
        }
    }
}

void paypal_check_order(struct call *call, struct book_unit units[BOOKS_UNIT_MAX],
                        size_t *unit_count, struct paypal_problems *problems)
{
    const json_t *list = json_object_get(call->json, "purchase_units");
    size_t count = json_array_size(list);
    memset(units, 0, BOOKS_UNIT_MAX * sizeof(*units));
    check_intent(call, problems);
    const char *issue = !list                    ? "MISSING_REQUIRED_PARAMETER"
                        : !json_is_array(list)   ? "INVALID_PARAMETER_SYNTAX"
                        : count < 1              ? "INVALID_ARRAY_MIN_ITEMS"
                        : count > BOOKS_UNIT_MAX ? "INVALID_ARRAY_MAX_ITEMS"
                                                 : NULL;
    if (issue) {
        paypal_add(problems, STR("/purchase_units"), STR_NONE, issue);
        return;
    }
    bool named = check_references(list, problems);
    for (size_t i = 0; i < count; i++) {
        check_unit(call, json_array_get(list, i), i, &units[i], problems);
    }
    if (named) {
        check_across(units, count, problems);
    }
    *unit_count = count;
}

/* ---- payment sources ------------------------------------------------------------------------- */

/* "2030-02" */
static bool is_expiry(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (i != 4 && (text.at[i] < '0' || text.at[i] > '9')) {
            return false;
        }
    }
    struct str month = str_sub(text, 5, 2);
    return text.len == 7 && text.at[4] == '-' && str_compare(month, STR("01")) >= 0 &&
           str_compare(month, STR("12")) <= 0;
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

static void check_plain_card(struct call *call, const json_t *card,
                             struct paypal_problems *problems)
{
    char now[CLOCK_TEXT_SIZE];
    struct str number = json_text(card, "number");
    struct str expiry = json_text(card, "expiry");
    struct str code = json_text(card, "security_code");
    struct str month = str_sub(clock_format_ms(call->now_us, now), 0, 7);
    if (number.len == 0) {
        paypal_add(problems, STR("/payment_source/card/number"), STR_NONE, "CARD_NUMBER_REQUIRED");
    } else if (!is_number(number)) {
        paypal_add(problems, STR("/payment_source/card/number"), STR_NONE,
                   "INVALID_PARAMETER_SYNTAX");
    }
    if (expiry.len == 0) {
        paypal_add(problems, STR("/payment_source/card/expiry"), STR_NONE, "CARD_EXPIRY_REQUIRED");
    } else if (!is_expiry(expiry)) {
        paypal_add(problems, STR("/payment_source/card/expiry"), expiry,
                   "INVALID_PARAMETER_SYNTAX");
    } else if (str_compare(expiry, month) < 0) {
        paypal_add(problems, STR("/payment_source/card/expiry"), expiry, "CARD_EXPIRED");
    }
    if (code.len > 0 && (code.len < 3 || code.len > 4)) {
        paypal_add(problems, STR("/payment_source/card/security_code"), STR_NONE,
                   "INVALID_SECURITY_CODE_LENGTH");
    }
}

static void check_token(struct call *call, const char *pointer, struct str token,
                        struct paypal_source *source, struct paypal_problems *problems)
{
    source->vaulted = true;
    source->token = token;
    source->scenario = scenario_of_token(token);
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '_' || c == '-';
        if (!allowed) {
            paypal_add(problems, join(call, pointer, "vault_id"), token,
                       "INVALID_PARAMETER_SYNTAX");
            return;
        }
    }
    if (source->scenario.kind == SCENARIO_UNKNOWN) {
        paypal_add(problems, join(call, pointer, "vault_id"), token, "TOKEN_ID_NOT_FOUND");
    }
}

static void check_card(struct call *call, const json_t *card, struct paypal_source *source,
                       struct paypal_problems *problems)
{
    check_strings(call, card, "/payment_source/card", card_rules, ARRAY_LEN(card_rules), problems);
    source->kind = SOURCE_CARD;
    source->name = json_text(card, "name");
    source->number = json_text(card, "number");
    source->expiry = json_text(card, "expiry");
    if (json_text(card, "vault_id").len > 0) {
        check_token(call, "/payment_source/card", json_text(card, "vault_id"), source, problems);
    } else {
        check_plain_card(call, card, problems);
        source->scenario = scenario_of_card(source->name, source->number);
    }
}

static void check_wallet(struct call *call, const json_t *wallet, struct paypal_source *source,
                         struct paypal_problems *problems)
{
    source->kind = SOURCE_WALLET;
    source->email = json_text(wallet, "email_address");
    source->scenario = scenario_of(SCENARIO_ACTION);
    if (json_text(wallet, "vault_id").len > 0) {
        check_token(call, "/payment_source/paypal", json_text(wallet, "vault_id"), source,
                    problems);
    }
}

static bool is_redirect_source(const json_t *sources)
{
    for (size_t i = 0; i < ARRAY_LEN(redirect_sources); i++) {
        if (json_is_object(json_object_get(sources, redirect_sources[i]))) {
            return true;
        }
    }
    return false;
}

void paypal_check_source(struct call *call, struct paypal_source *source,
                         struct paypal_problems *problems)
{
    const json_t *sources = json_object_get(call->json, "payment_source");
    const json_t *card = json_object_get(sources, "card");
    const json_t *wallet = json_object_get(sources, "paypal");
    memset(source, 0, sizeof(*source));
    if (!sources) {
        return;
    }
    if (json_object_size(sources) > 1) {
        paypal_add(problems, STR("/payment_source"), STR_NONE, "ONLY_ONE_PAYMENT_SOURCE_ALLOWED");
    } else if (json_is_object(card)) {
        check_card(call, card, source, problems);
    } else if (json_is_object(wallet) || is_redirect_source(sources)) {
        check_wallet(call, wallet, source, problems);
    } else {
        paypal_add(problems, STR("/payment_source"), STR_NONE, "INVALID_PARAMETER_SYNTAX");
    }
    if (source->kind != SOURCE_NONE) {
        source->scenario = call_scenario(call, source->scenario);
    }
}

struct str paypal_brand(struct str number)
{
    char first = number.len > 0 ? number.at[0] : '4'; /* a vaulted card is a Visa */
    return first == '3'                      ? STR("AMEX")
           : first == '5' || first == '2'    ? STR("MASTERCARD")
           : str_starts(number, STR("6304")) ? STR("MAESTRO")
           : first == '6'                    ? STR("DISCOVER")
                                             : STR("VISA");
}
