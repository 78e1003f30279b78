#include "router/cost_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rates and their tiers -------------------------------------------------------------------- */

struct asked { /* while one entry is read */
    struct cost_reader *reader;
    const struct currency *currency; /* NULL: a default, whose amounts name theirs */
    struct rate *rate;
    bool is_tier;
};

static size_t add_rate(struct cost_table *table)
{
    if (table->rate_count == table->rate_room) {
        table->rate_room = table->rate_room == 0 ? 32 : 2 * table->rate_room;
        table->rates = realloc(table->rates, table->rate_room * sizeof(*table->rates));
        CHECK(table->rates != NULL);
        memset(&table->rates[0], 0, sizeof(table->rates[0]));
        table->rate_count = table->rate_count == 0 ? 1 : table->rate_count;
    }
    CHECK(table->rate_count < COST_RATE_MAX); /* the document has fewer members */
    return table->rate_count++;
}

/* "0.30 USD": in a default, which has no currency of its own. */
static bool read_money(const struct asked *asked, const struct path *path, json_t *value,
                       int64_t *out, struct error *err)
{
    struct document *document = &asked->reader->document;
    struct str rest = {json_string_value(value), json_string_length(value)};
    struct error why;
    struct str number = json_is_string(value) ? str_cut(&rest, ' ') : STR_NONE;
    const struct currency *currency = json_is_string(value) ? currency_find(rest) : NULL;
    if (currency == NULL || !money_parse(number, currency->exponent, out, &why) || *out < 0 ||
        *out > MONEY_AMOUNT_MAX) {
        return document_refuse(document, path, err,
                               "%s is not an amount with its currency in quotes, as \"0.30 USD\"",
                               path->text);
    }
    if (asked->rate->amounts_in != NULL && asked->rate->amounts_in != currency) {
        return document_refuse(document, path, err,
                               "%s is in another currency than the amounts beside it", path->text);
    }
    asked->rate->amounts_in = currency;
    asked->reader->table->needs_rates = true;
    return true;
}

static bool read_amount(const struct asked *asked, const struct path *path, json_t *value,
                        int64_t *out, struct error *err)
{
    return asked->currency == NULL
               ? read_money(asked, path, value, out, err)
               : document_amount(&asked->reader->document, path, value, asked->currency, out, err);
}

static bool read_max(const struct asked *asked, const struct path *path, json_t *value,
                     struct error *err)
{
    return read_amount(asked, path, value, &asked->rate->max_minor, err) &&
           (asked->rate->max_minor > 0 ||
            document_refuse(&asked->reader->document, path, err, "%s is 0; leave it out for no cap",
                            path->text));
}

static bool read_decimals(const struct asked *asked, const struct path *path, json_t *value,
                          struct error *err)
{
    struct document *document = &asked->reader->document;
    json_int_t decimals = json_is_integer(value) ? json_integer_value(value) : -1;
    if (asked->currency == NULL || asked->is_tier) {
        return document_refuse(document, path, err,
                               "%s belongs to the entry of a currency, not to a %s", path->text,
                               asked->is_tier ? "tier" : "default");
    }
    if (decimals < 0 || decimals > asked->currency->exponent) {
        return document_refuse(document, path, err, "%s is not a number from 0 to %u", path->text,
                               (unsigned)asked->currency->exponent);
    }
    asked->rate->step_minor = 1;
    for (json_int_t i = decimals; i < asked->currency->exponent; i++) {
        asked->rate->step_minor *= 10;
    }
    return true;
}

static bool read_from(const struct asked *asked, const struct path *path, json_t *value,
                      struct error *err)
{
    struct cost_table *table = asked->reader->table;
    const struct currency *currency =
        table->volume_currency != NULL ? table->volume_currency : asked->currency;
    if (currency == NULL) {
        return document_refuse(&asked->reader->document, path, err,
                               "%s has no currency; say volume.currency, or put the tiers into an "
                               "entry of currencies",
                               path->text);
    }
    return document_amount(&asked->reader->document, path, value, currency,
                           &asked->rate->from_minor, err);
}

static bool read_member(const struct asked *asked, const struct path *path, const char *member,
                        json_t *value, struct error *err)
{
    struct document *document = &asked->reader->document;
    struct rate *rate = asked->rate;
    if (strcmp(member, "percent") == 0) {
        return document_percent(document, path, value, &rate->percent, err);
    }
    if (strcmp(member, "fixed") == 0) {
        return read_amount(asked, path, value, &rate->fixed_minor, err);
    }
    if (strcmp(member, "min") == 0) {
        return read_amount(asked, path, value, &rate->min_minor, err);
    }
    if (strcmp(member, "max") == 0) {
        return read_max(asked, path, value, err);
    }
    if (strcmp(member, "decimals") == 0) {
        return read_decimals(asked, path, value, err);
    }
    if (strcmp(member, "from") == 0 && asked->is_tier) {
        return read_from(asked, path, value, err);
    }
    if (strcmp(member, "tiers") == 0 && !asked->is_tier) {
        return true; /* after all others */
    }
    return document_refuse(document, path, err, "unknown member %s; known are %spercent, fixed, %s",
                           path->text, asked->is_tier ? "from, " : "",
                           asked->is_tier ? "min and max" : "min, max, decimals and tiers");
}

static bool read_rate(struct asked *asked, const struct path *path, json_t *object,
                      struct error *err)
{
    struct document *document = &asked->reader->document;
    if (!document_object(document, path, object, err)) {
        return false;
    }
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(path, member);
        if (!read_member(asked, &at, member, value, err)) {
            return false;
        }
    }
    if (asked->rate->percent < 0) {
        return document_refuse(document, path, err, "%s has no percent, nor has what it is in",
                               path->text);
    }
    if (asked->rate->max_minor > 0 && asked->rate->min_minor > asked->rate->max_minor) {
        return document_refuse(document, path, err, "%s has a min above its max", path->text);
    }
    return true;
}

/* What a tier does not give is the entry's. */
static bool read_tier(struct cost_reader *reader, const struct path *path, json_t *object,
                      const struct currency *currency, size_t entry, struct error *err)
{
    struct cost_table *table = reader->table;
    size_t at = add_rate(table);
    int64_t before = table->rates[at - 1].from_minor;
    struct rate tier = table->rates[entry];
    tier.from_minor = 0;
    tier.tier_count = 0;
    struct asked asked = {.reader = reader, .currency = currency, .rate = &tier, .is_tier = true};
    if (!read_rate(&asked, path, object, err)) {
        return false;
    }
    if (tier.from_minor <= before) {
        return document_refuse(&reader->document, path, err,
                               "%s begins at or below the one before it; from must grow",
                               path->text);
    }
    table->rates[at] = tier;
    table->has_tiers = true;
    return true;
}

static bool read_tiers(struct cost_reader *reader, const struct path *path, json_t *list,
                       const struct currency *currency, size_t entry, struct error *err)
{
    char number[24];
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > COST_TIER_MAX) {
        return document_refuse(&reader->document, path, err,
                               "%s is not a list of 1 to %d tiers, as {\"from\": \"10000.00\", "
                               "\"percent\": \"2.90\"}",
                               path->text, COST_TIER_MAX);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        (void)snprintf(number, sizeof(number), "%zu", i);
        struct path at = path_add(path, number);
        if (!read_tier(reader, &at, json_array_get(list, i), currency, entry, err)) {
            return false;
        }
    }
    reader->table->rates[entry].tier_count = (uint16_t)json_array_size(list);
    return true;
}

static bool read_entry(struct cost_reader *reader, const struct path *path, json_t *object,
                       const struct currency *currency, int64_t percent, uint16_t *out,
                       struct error *err)
{
    struct rate rate = {.percent = percent, .step_minor = 1};
    struct asked asked = {.reader = reader, .currency = currency, .rate = &rate};
    if (!read_rate(&asked, path, object, err)) {
        return false;
    }
    size_t entry = add_rate(reader->table);
    reader->table->rates[entry] = rate;
    *out = (uint16_t)entry;
    json_t *tiers = json_object_get(object, "tiers");
    struct path at = path_add(path, "tiers");
    return tiers == NULL || read_tiers(reader, &at, tiers, currency, entry, err);
}

/* ---- scopes ----------------------------------------------------------------------------------- */

static bool read_currencies(struct cost_reader *reader, const struct path *path, json_t *object,
                            struct scope *scope, struct error *err)
{
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    const char *code = NULL;
    json_t *value = NULL;
    json_object_foreach(object, code, value)
    {
        struct path at = path_add(path, code);
        const struct currency *currency = currency_find(str_of(code));
        if (currency == NULL) {
            return document_refuse(&reader->document, &at, err, "%s is not a currency of ISO 4217",
                                   at.text);
        }
        if (!read_entry(reader, &at, value, currency, scope->percent,
                        &scope->rate[currency_index(currency)], err)) {
            return false;
        }
    }
    return true;
}

static bool read_optional_percent(struct cost_reader *reader, const struct path *path,
                                  json_t *object, const char *member, int64_t absent, int64_t *out,
                                  struct error *err)
{
    json_t *value = json_object_get(object, member);
    struct path at = path_add(path, member);
    *out = absent;
    return value == NULL || document_percent(&reader->document, &at, value, out, err);
}

/* {"percent": "100", "fixed": "0", "surcharges": "100"}: which share of each is given back. */
static bool read_returns(struct cost_reader *reader, const struct path *path, json_t *object,
                         struct scope *scope, struct error *err)
{
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(path, member);
        int64_t *share = strcmp(member, "percent") == 0      ? &scope->returned_percent
                         : strcmp(member, "fixed") == 0      ? &scope->returned_fixed
                         : strcmp(member, "surcharges") == 0 ? &scope->returned_surcharge
                                                             : NULL;
        if (share == NULL) {
            return document_refuse(&reader->document, &at, err,
                                   "unknown member %s; known are percent, fixed and surcharges",
                                   at.text);
        }
        if (!document_percent(&reader->document, &at, value, share, err)) {
            return false;
        }
    }
    scope->returns = true;
    return true;
}

bool cost_scope_takes(const struct scope *scope, const char *member)
{
    static const char *const known[] = {"percent", "cross_border_percent", "conversion_percent",
                                        "currencies", "default"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i], member) == 0) {
            return true;
        }
    }
    return strcmp(member, "returns") == 0 && strcmp(scope->entry, "operations.refund") == 0;
}

bool cost_scope_read(struct cost_reader *reader, const struct path *path, json_t *object,
                     struct scope *scope, struct error *err)
{
    scope->known = true;
    if (!read_optional_percent(reader, path, object, "percent", scope->is_event ? 0 : -1,
                               &scope->percent, err) ||
        !read_optional_percent(reader, path, object, "cross_border_percent", -1,
                               &scope->cross_border, err) ||
        !read_optional_percent(reader, path, object, "conversion_percent", -1, &scope->conversion,
                               err)) {
        return false;
    }
    json_t *currencies = json_object_get(object, "currencies");
    json_t *fallback = json_object_get(object, "default");
    json_t *returns = json_object_get(object, "returns");
    struct path at = path_add(path, "currencies");
    if (currencies != NULL && !read_currencies(reader, &at, currencies, scope, err)) {
        return false;
    }
    at = path_add(path, "default");
    if (fallback != NULL &&
        !read_entry(reader, &at, fallback, NULL, scope->percent, &scope->fallback, err)) {
        return false;
    }
    at = path_add(path, "returns");
    return returns == NULL || read_returns(reader, &at, returns, scope, err);
}
