#include "router/cost_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/country.h"
#include "router/facts.h"

/* clang-format off */
static const char *const event_names[COST_EVENT_COUNT] = {
    [COST_CHARGED]    = "",
    [COST_DECLINE]    = "decline",
    [COST_EXPIRY]     = "expiry",
    [COST_DISPUTE]    = "dispute",
    [COST_CHARGEBACK] = "chargeback",
};
/* clang-format on */

const char *cost_event_name(enum cost_event event)
{
    CHECK((unsigned)event < COST_EVENT_COUNT);
    return event_names[event];
}

enum cost_event cost_event_find(struct str name)
{
    enum cost_event event = COST_DECLINE;
    while (event < COST_EVENT_COUNT && !str_eq(name, str_of(event_names[event]))) {
        event++;
    }
    return event;
}

/* ---- entries for operations, methods and events ----------------------------------------------- */

static bool read_override(struct cost_reader *reader, const struct path *path, json_t *object,
                          struct scope *scope, struct error *err)
{
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    (void)str_copy_to(str_sub(str_of(path->text), 0, sizeof(scope->entry) - 1), scope->entry,
                      sizeof(scope->entry));
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(path, member);
        if (!cost_scope_takes(scope, member)) {
            return document_refuse(&reader->document, &at, err, "unknown member %s", at.text);
        }
    }
    return cost_scope_read(reader, path, object, scope, err);
}

static bool read_operations(struct cost_reader *reader, const struct path *path, json_t *object,
                            struct error *err)
{
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        struct path at = path_add(path, name);
        enum operation operation = operation_find(str_of(name));
        if (operation == OPERATION_NONE) {
            return document_refuse(&reader->document, &at, err, "%s is not an operation", at.text);
        }
        if (!read_override(reader, &at, value, &reader->table->operations[operation], err)) {
            return false;
        }
    }
    return true;
}

static bool read_events(struct cost_reader *reader, const struct path *path, json_t *object,
                        struct error *err)
{
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        struct path at = path_add(path, name);
        enum cost_event event = cost_event_find(str_of(name));
        if (event == COST_EVENT_COUNT) {
            return document_refuse(&reader->document, &at, err,
                                   "%s is not decline, expiry, dispute or chargeback", at.text);
        }
        reader->table->events[event].is_event = true;
        if (!read_override(reader, &at, value, &reader->table->events[event], err)) {
            return false;
        }
    }
    return true;
}

static bool read_methods(struct cost_reader *reader, const struct path *path, json_t *object,
                         struct error *err)
{
    struct cost_table *table = reader->table;
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    if (json_object_size(object) > COST_METHOD_MAX) {
        return document_refuse(&reader->document, path, err, "%s has more than %d members",
                               path->text, COST_METHOD_MAX);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        struct path at = path_add(path, name);
        size_t index = table->method_count;
        if (!fact_is_word(str_of(name)) || !str_copy_to(str_of(name), table->methods[index].name,
                                                        sizeof(table->methods[index].name))) {
            return document_refuse(&reader->document, &at, err, "%s is not a payment method",
                                   at.text);
        }
        table->method_count++;
        if (!read_override(reader, &at, value, &table->methods[index].scope, err)) {
            return false;
        }
    }
    return true;
}

/* ---- members of the table itself -------------------------------------------------------------- */

static struct str text_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

static bool read_country(struct cost_reader *reader, const struct path *path, json_t *value,
                         struct error *err)
{
    struct cost_table *table = reader->table;
    if (!json_is_string(value) || !country_is_known(text_of(value)) ||
        !str_copy_to(text_of(value), table->country, sizeof(table->country))) {
        return document_refuse(&reader->document, path, err, "%s is not a country of ISO 3166-1",
                               path->text);
    }
    return true;
}

static bool read_settles(struct cost_reader *reader, const struct path *path, json_t *value,
                         struct error *err)
{
    char number[24];
    if (!json_is_array(value)) {
        return document_refuse(&reader->document, path, err, "%s is not a list of currencies",
                               path->text);
    }
    reader->table->settles_all = json_array_size(value) == 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const struct currency *currency = NULL;
        (void)snprintf(number, sizeof(number), "%zu", i);
        struct path at = path_add(path, number);
        if (!document_currency(&reader->document, &at, json_array_get(value, i), &currency, err)) {
            return false;
        }
        reader->table->settles[currency_index(currency)] = true;
    }
    return true;
}

static bool read_text(struct cost_reader *reader, const struct path *path, json_t *value,
                      struct error *err)
{
    return document_text(&reader->document, path, value, err);
}

static bool read_rounding(struct cost_reader *reader, const struct path *path, json_t *value,
                          struct error *err)
{
    return document_rounding(&reader->document, path, value, &reader->table->rounding, err);
}

/* One of two words. */
static bool read_choice(struct cost_reader *reader, const struct path *path, json_t *value,
                        const char *usual, const char *other, bool *is_other, struct error *err)
{
    struct str word = text_of(value);
    *is_other = json_is_string(value) && str_eq(word, str_of(other));
    return *is_other || (json_is_string(value) && str_eq(word, str_of(usual))) ||
           document_refuse(&reader->document, path, err, "%s is neither \"%s\" nor \"%s\"",
                           path->text, usual, other);
}

static bool read_rounds(struct cost_reader *reader, const struct path *path, json_t *value,
                        struct error *err)
{
    return read_choice(reader, path, value, "sum", "each", &reader->table->rounds_each, err);
}

static bool read_conversion_of(struct cost_reader *reader, const struct path *path, json_t *value,
                               struct error *err)
{
    return read_choice(reader, path, value, "gross", "net", &reader->table->conversion_of_net, err);
}

/* Its form alone: whether this system has such a zone is not for a pure library to look up. */
static bool is_zone(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool is_other = (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '+' || c == '-';
        if (!is_letter && !(is_other && i > 0)) {
            return false;
        }
    }
    return name.len > 0;
}

static bool read_volume_member(struct cost_reader *reader, const struct path *path,
                               const char *member, json_t *value, struct error *err)
{
    struct cost_table *table = reader->table;
    if (strcmp(member, "of") == 0) {
        return read_choice(reader, path, value, "month", "previous_month",
                           &table->volume_is_previous, err);
    }
    if (strcmp(member, "currency") == 0) {
        return document_currency(&reader->document, path, value, &table->volume_currency, err);
    }
    if (strcmp(member, "zone") != 0) {
        return document_refuse(&reader->document, path, err,
                               "unknown member %s; known are of, currency and zone", path->text);
    }
    if (!json_is_string(value) || !is_zone(text_of(value)) ||
        !str_copy_to(text_of(value), table->zone, sizeof(table->zone))) {
        return document_refuse(&reader->document, path, err,
                               "%s is not a time zone of IANA, as \"Europe/Berlin\"", path->text);
    }
    return true;
}

static bool read_volume(struct cost_reader *reader, const struct path *path, json_t *object,
                        struct error *err)
{
    if (!document_object(&reader->document, path, object, err)) {
        return false;
    }
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(object, member, value)
    {
        struct path at = path_add(path, member);
        if (!read_volume_member(reader, &at, member, value, err)) {
            return false;
        }
    }
    return true;
}

/* clang-format off */
static const struct {
    const char *name;
    bool (*read)(struct cost_reader *reader, const struct path *path, json_t *value,
                 struct error *err);
} table_members[] = { /* in the order in which they are read */
    { "name",          read_text },
    { "note",          read_text },
    { "source",        read_text },
    { "country",       read_country },
    { "settles",       read_settles },
    { "rounding",      read_rounding },
    { "rounds",        read_rounds },
    { "conversion_of", read_conversion_of },
    { "volume",        read_volume },
    { "operations",    read_operations },
    { "methods",       read_methods },
    { "events",        read_events },
};
/* clang-format on */

static bool check_members(struct cost_reader *reader, struct error *err)
{
    const struct path top = {""};
    const char *member = NULL;
    json_t *value = NULL;
    json_object_foreach(reader->document.json, member, value)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(table_members) && strcmp(table_members[i].name, member) != 0) {
            i++;
        }
        struct path at = path_add(&top, member);
        if (i == ARRAY_LEN(table_members) && !cost_scope_takes(&reader->table->base, member)) {
            return document_refuse(&reader->document, &at, err, "unknown member %s", at.text);
        }
    }
    return true;
}

static bool read_table(struct cost_reader *reader, struct error *err)
{
    const struct path top = {""};
    if (!check_members(reader, err)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(table_members); i++) {
        json_t *value = json_object_get(reader->document.json, table_members[i].name);
        struct path at = path_add(&top, table_members[i].name);
        if (value != NULL && !table_members[i].read(reader, &at, value, err)) {
            return false;
        }
    }
    return cost_scope_read(reader, &top, reader->document.json, &reader->table->base, err);
}

static struct cost_table *make_table(void)
{
    size_t currency_count = 0;
    (void)currency_all(&currency_count);
    CHECK(currency_count <= COST_CURRENCY_MAX);
    struct cost_table *table = calloc(1, sizeof(*table));
    CHECK(table != NULL);
    table->settles_all = true;
    table->rounding = MONEY_HALF_UP;
    (void)str_copy_to(STR("UTC"), table->zone, sizeof(table->zone));
    return table;
}

static void name_table(struct cost_table *table, const struct document *document)
{
    table->text = document_canonical(document, &table->text_len, table->hash);
    document_hex(table->hash, table->hex);
}

struct cost_table *cost_table_read(struct str text, unsigned *line, struct error *err)
{
    struct cost_reader reader = {.table = NULL};
    unsigned where = 0;
    if (document_open(&reader.document, "fee table", text, err)) {
        reader.table = make_table();
        if (read_table(&reader, err)) {
            name_table(reader.table, &reader.document);
        } else {
            where = reader.document.line;
            cost_table_free(&reader.table);
        }
    }
    document_release(&reader.document);
    if (line != NULL) {
        *line = where;
    }
    return reader.table;
}

struct cost_table *cost_table_new(struct str text, struct error *err)
{
    return cost_table_read(text, NULL, err);
}

void cost_table_free(struct cost_table **table)
{
    if (*table != NULL) {
        free((*table)->rates);
        free((*table)->text);
        free(*table);
        *table = NULL;
    }
}

struct str cost_table_text(const struct cost_table *table)
{
    return (struct str){table->text, table->text_len};
}

const uint8_t *cost_table_hash(const struct cost_table *table)
{
    return table->hash;
}

const char *cost_table_hex(const struct cost_table *table)
{
    return table->hex;
}

bool cost_table_needs_rates(const struct cost_table *table)
{
    return table->needs_rates;
}

bool cost_table_names(const struct cost_table *table, enum operation operation)
{
    CHECK((unsigned)operation < OPERATION_COUNT);
    return table->operations[operation].known;
}

struct cost_volume cost_volume(const struct cost_table *table)
{
    return (struct cost_volume){
        .is_asked = table->has_tiers,
        .is_of_previous = table->volume_is_previous,
        .currency = table->volume_currency,
        .zone = table->zone,
    };
}
