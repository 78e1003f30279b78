#include "router/cost_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/country.h"
#include "base/json.h"
#include "router/cost.h"
#include "router/facts.h"

enum {
    PERCENT_DIGITS = 4,    /* of a percentage: a millionth is its last */
    PERCENT_MAX = 1000000, /* 100 % in millionths */
    PATH_SIZE = 128,
};

static const struct json_limits limits = {
    .depth_max = 8, .member_count_max = 8192, .string_bytes_max = 4096};

/* Where in the file: what messages name. */
struct path {
    char text[PATH_SIZE];
};

static struct path path_add(const struct path *parent, const char *member)
{
    struct path path;
    const char *dot = parent->text[0] == '\0' ? "" : ".";
    int len = snprintf(path.text, sizeof(path.text), "%s%s%.40s", parent->text, dot, member);
    CHECK(len >= 0);
    return path;
}

static bool read_percent(const struct path *path, json_t *value, int64_t *out, struct error *err)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    struct error why;
    if (!json_is_string(value) || !money_parse(text, PERCENT_DIGITS, out, &why) || *out < 0 ||
        *out > PERCENT_MAX) {
        return fail(
            err, ERROR_INVALID,
            "fee table: %s is not a percentage from \"0\" to \"100\" with at most 4 decimals "
            "in quotes",
            path->text);
    }
    return true;
}

static bool read_amount(const struct path *path, json_t *value, const struct currency *currency,
                        int64_t *out, struct error *err)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    struct error why;
    if (!json_is_string(value) || !money_parse(text, currency->exponent, out, &why) || *out < 0 ||
        *out > MONEY_AMOUNT_MAX) {
        return fail(err, ERROR_INVALID,
                    "fee table: %s is not an amount of %s in quotes with at most %u decimals",
                    path->text, currency->code, (unsigned)currency->exponent);
    }
    return true;
}

static bool read_decimals(const struct path *path, json_t *value, const struct currency *currency,
                          int64_t *step_minor, struct error *err)
{
    json_int_t decimals = json_is_integer(value) ? json_integer_value(value) : -1;
    if (decimals < 0 || decimals > currency->exponent) {
        return fail(err, ERROR_INVALID, "fee table: %s is not a number from 0 to %u", path->text,
                    (unsigned)currency->exponent);
    }
    *step_minor = 1;
    for (json_int_t i = decimals; i < currency->exponent; i++) {
        *step_minor *= 10;
    }
    return true;
}

static bool check_object(const struct path *path, json_t *value, struct error *err)
{
    return json_is_object(value) ||
           fail(err, ERROR_INVALID, "fee table: %s is not an object", path->text);
}

static bool read_rate_member(const struct path *path, const char *member, json_t *value,
                             const struct currency *currency, struct rate *rate, struct error *err)
{
    if (strcmp(member, "percent") == 0) {
        return read_percent(path, value, &rate->percent, err);
    }
    if (strcmp(member, "fixed") == 0) {
        return read_amount(path, value, currency, &rate->fixed_minor, err);
    }
    if (strcmp(member, "min") == 0) {
        return read_amount(path, value, currency, &rate->min_minor, err);
    }
    if (strcmp(member, "max") == 0) {
        return read_amount(path, value, currency, &rate->max_minor, err) &&
               (rate->max_minor > 0 ||
                fail(err, ERROR_INVALID, "fee table: %s is 0; leave it out for no cap",
                     path->text));
    }
    if (strcmp(member, "decimals") == 0) {
        return read_decimals(path, value, currency, &rate->step_minor, err);
    }
    return fail(err, ERROR_INVALID,
                "fee table: unknown member %s; known are percent, fixed, min, max and decimals",
                path->text);
}

static bool read_rate(const struct path *path, json_t *object, const struct currency *currency,
                      int64_t percent, struct rate *rate, struct error *err)
{
    if (!check_object(path, object, err)) {
        return false;
    }
    *rate = (struct rate){.known = true, .percent = percent, .step_minor = 1};
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(path, member);
        if (!read_rate_member(&at, member, value, currency, rate, err)) {
            return false;
        }
    }
    if (rate->percent < 0) {
        return fail(err, ERROR_INVALID, "fee table: %s has no percent, nor has what it is in",
                    path->text);
    }
    if (rate->max_minor > 0 && rate->min_minor > rate->max_minor) {
        return fail(err, ERROR_INVALID, "fee table: %s has a min above its max", path->text);
    }
    return true;
}

static bool read_currencies(const struct path *path, json_t *object, struct scope *scope,
                            struct error *err)
{
    if (!check_object(path, object, err)) {
        return false;
    }
    const char *code = NULL;
    json_t *value = NULL;
    json_object_foreach(object, code, value)
    {
        struct path at = path_add(path, code);
        const struct currency *currency = currency_find(str_of(code));
        if (currency == NULL) {
            return fail(err, ERROR_INVALID, "fee table: %s is not a currency of ISO 4217", at.text);
        }
        struct rate *rate = &scope->rates[currency_index(currency)];
        if (!read_rate(&at, value, currency, scope->percent, rate, err)) {
            return false;
        }
    }
    return true;
}

/* Amounts need a currency, so a default has a percentage only. */
static bool read_fallback(const struct path *path, json_t *object, struct scope *scope,
                          struct error *err)
{
    if (!check_object(path, object, err)) {
        return false;
    }
    json_t *percent = json_object_get(object, "percent");
    if (percent == NULL || json_object_size(object) != 1) {
        return fail(err, ERROR_INVALID,
                    "fee table: %s has percent and nothing else; amounts belong to a currency",
                    path->text);
    }
    struct path at = path_add(path, "percent");
    scope->fallback = (struct rate){.known = true, .step_minor = 1};
    return read_percent(&at, percent, &scope->fallback.percent, err);
}

static bool read_optional_percent(const struct path *path, json_t *object, const char *member,
                                  int64_t *out, struct error *err)
{
    json_t *value = json_object_get(object, member);
    struct path at = path_add(path, member);
    *out = -1;
    return value == NULL || read_percent(&at, value, out, err);
}

static bool is_scope_member(const char *member)
{
    static const char *const known[] = {"percent", "cross_border_percent", "conversion_percent",
                                        "currencies", "default"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i], member) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_scope(const struct path *path, json_t *object, struct scope *scope,
                       struct error *err)
{
    size_t currency_count = 0;
    (void)currency_all(&currency_count);
    scope->known = true;
    scope->rates = calloc(currency_count, sizeof(*scope->rates));
    CHECK(scope->rates != NULL);
    if (!read_optional_percent(path, object, "percent", &scope->percent, err) ||
        !read_optional_percent(path, object, "cross_border_percent", &scope->cross_border, err) ||
        !read_optional_percent(path, object, "conversion_percent", &scope->conversion, err)) {
        return false;
    }
    json_t *currencies = json_object_get(object, "currencies");
    json_t *fallback = json_object_get(object, "default");
    struct path at = path_add(path, "currencies");
    if (currencies != NULL && !read_currencies(&at, currencies, scope, err)) {
        return false;
    }
    at = path_add(path, "default");
    return fallback == NULL || read_fallback(&at, fallback, scope, err);
}

static bool read_override(const struct path *path, json_t *object, struct scope *scope,
                          struct error *err)
{
    if (!check_object(path, object, err)) {
        return false;
    }
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(path, member);
        if (!is_scope_member(member)) {
            return fail(err, ERROR_INVALID, "fee table: unknown member %s", at.text);
        }
    }
    return read_scope(path, object, scope, err);
}

static bool read_operations(const struct path *path, json_t *object, struct cost_table *table,
                            struct error *err)
{
    if (!check_object(path, object, err)) {
        return false;
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        struct path at = path_add(path, name);
        enum operation operation = operation_find(str_of(name));
        if (operation == OPERATION_NONE) {
            return fail(err, ERROR_INVALID, "fee table: %s is not an operation", at.text);
        }
        if (!read_override(&at, value, &table->operations[operation], err)) {
            return false;
        }
    }
    return true;
}

static bool read_methods(const struct path *path, json_t *object, struct cost_table *table,
                         struct error *err)
{
    if (!check_object(path, object, err)) {
        return false;
    }
    if (json_object_size(object) > COST_METHOD_MAX) {
        return fail(err, ERROR_INVALID, "fee table: %s has more than %d members", path->text,
                    COST_METHOD_MAX);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        struct path at = path_add(path, name);
        size_t index = table->method_count;
        if (!fact_is_word(str_of(name)) || !str_copy_to(str_of(name), table->methods[index].name,
                                                        sizeof(table->methods[index].name))) {
            return fail(err, ERROR_INVALID, "fee table: %s is not a payment method", at.text);
        }
        table->method_count++;
        if (!read_override(&at, value, &table->methods[index].scope, err)) {
            return false;
        }
    }
    return true;
}

static bool read_country(const struct path *path, json_t *value, struct cost_table *table,
                         struct error *err)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    if (!json_is_string(value) || !country_is_known(text) ||
        !str_copy_to(text, table->country, sizeof(table->country))) {
        return fail(err, ERROR_INVALID, "fee table: %s is not a country of ISO 3166-1", path->text);
    }
    return true;
}

static bool read_settles(const struct path *path, json_t *value, struct cost_table *table,
                         struct error *err)
{
    if (!json_is_array(value)) {
        return fail(err, ERROR_INVALID, "fee table: %s is not a list of currencies", path->text);
    }
    if (json_array_size(value) == 0) {
        return true;
    }
    size_t currency_count = 0;
    (void)currency_all(&currency_count);
    table->settles = calloc(currency_count, sizeof(*table->settles));
    CHECK(table->settles != NULL);
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = json_array_get(value, i);
        struct str code = {json_string_value(item), json_string_length(item)};
        const struct currency *currency = json_is_string(item) ? currency_find(code) : NULL;
        if (currency == NULL) {
            return fail(err, ERROR_INVALID, "fee table: %s.%zu is not a currency of ISO 4217",
                        path->text, i);
        }
        table->settles[currency_index(currency)] = true;
    }
    return true;
}

static bool read_text(const struct path *path, json_t *value, struct cost_table *table UNUSED,
                      struct error *err)
{
    return json_is_string(value) ||
           fail(err, ERROR_INVALID, "fee table: %s is not text", path->text);
}

/* clang-format off */
static const struct {
    const char *name;
    bool (*read)(const struct path *path, json_t *value, struct cost_table *table,
                 struct error *err);
} table_members[] = {
    { "name",       read_text },
    { "note",       read_text },
    { "source",     read_text },
    { "country",    read_country },
    { "settles",    read_settles },
    { "operations", read_operations },
    { "methods",    read_methods },
};
/* clang-format on */

static bool read_table(json_t *object, struct cost_table *table, struct error *err)
{
    const struct path top = {""};
    if (!json_is_object(object)) {
        return fail(err, ERROR_INVALID, "fee table: not an object");
    }
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(&top, member);
        size_t i = 0;
        while (i < ARRAY_LEN(table_members) && strcmp(table_members[i].name, member) != 0) {
            i++;
        }
        if (i < ARRAY_LEN(table_members)) {
            if (!table_members[i].read(&at, value, table, err)) {
                return false;
            }
        } else if (!is_scope_member(member)) {
            return fail(err, ERROR_INVALID, "fee table: unknown member %s", at.text);
        }
    }
    return read_scope(&top, object, &table->base, err);
}

struct cost_table *cost_table_new(struct str text, struct error *err)
{
    json_t *json = json_parse(text, &limits, err);
    if (json == NULL) {
        fail_prefix(err, "fee table");
        return NULL;
    }
    struct cost_table *table = calloc(1, sizeof(*table));
    CHECK(table != NULL);
    if (!read_table(json, table, err)) {
        cost_table_free(&table);
    }
    json_decref(json);
    return table;
}

void cost_table_free(struct cost_table **table)
{
    if (*table == NULL) {
        return;
    }
    free((*table)->settles);
    free((*table)->base.rates);
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        free((*table)->operations[i].rates);
    }
    for (size_t i = 0; i < (*table)->method_count; i++) {
        free((*table)->methods[i].scope.rates);
    }
    free(*table);
    *table = NULL;
}
