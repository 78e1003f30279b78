#include "providers/sandbox/record.h"

#include "providers/sandbox/words.h"

#include "base/clock.h"
#include "base/money.h"

static void print_time(int64_t at_us, const char *name, struct json_out *out)
{
    char text[CLOCK_TEXT_SIZE];
    if (at_us == 0) {
        json_put_null(out, name);
    } else {
        json_put_str(out, name, clock_format_us(at_us, text));
    }
}

static void print_field(const struct record_field *field, const void *at, struct json_out *out)
{
    const struct currency *currency;
    struct str text;
    switch (field->type) {
    case RECORD_STR:
        text = *(const struct str *)at;
        if (str_is_empty(text)) {
            json_put_null(out, field->name);
        } else {
            json_put_str(out, field->name, text);
        }
        break;
    case RECORD_INT:
        json_put_int(out, field->name, *(const int64_t *)at);
        break;
    case RECORD_BOOL:
        json_put_bool(out, field->name, *(const bool *)at);
        break;
    case RECORD_TIME:
        print_time(*(const int64_t *)at, field->name, out);
        break;
    case RECORD_CURRENCY:
        currency = *(const struct currency *const *)at;
        json_put_cstr(out, field->name, currency ? currency->code : NULL);
        break;
    case RECORD_NAME:
        json_put_cstr(out, field->name, field->names[*(const int *)at]);
        break;
    }
}

void record_print(const struct record_field *fields, size_t count, const void *record,
                  struct json_out *out)
{
    for (size_t i = 0; i < count; i++) {
        print_field(&fields[i], (const char *)record + fields[i].offset, out);
    }
}

static bool is_empty(const struct record_field *field, const void *at)
{
    switch (field->type) {
    case RECORD_STR:
        return ((const struct str *)at)->len == 0;
    case RECORD_INT:
    case RECORD_TIME:
        return *(const int64_t *)at == 0;
    case RECORD_BOOL:
        return !*(const bool *)at;
    case RECORD_CURRENCY:
        return !*(const struct currency *const *)at;
    case RECORD_NAME:
        return *(const int *)at == 0;
    }
    return false;
}

void record_print_sparse(const struct record_field *fields, size_t count, const void *record,
                         struct json_out *out)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const char *)record + fields[i].offset;
        if (!is_empty(&fields[i], at)) {
            print_field(&fields[i], at, out);
        }
    }
}

static void read_field(const struct record_field *field, const json_t *value, struct arena *arena,
                       void *at)
{
    struct str text = {json_string_value(value), json_string_length(value)};
    struct error ignored;
    switch (field->type) {
    case RECORD_STR:
        *(struct str *)at = arena_str(arena, text);
        break;
    case RECORD_INT:
        *(int64_t *)at = json_integer_value(value);
        break;
    case RECORD_BOOL:
        *(bool *)at = json_is_true(value);
        break;
    case RECORD_TIME:
        if (!clock_parse(text, at, &ignored)) {
            *(int64_t *)at = 0;
        }
        break;
    case RECORD_CURRENCY:
        *(const struct currency **)at = currency_find(text);
        break;
    case RECORD_NAME:
        *(int *)at = words_find(field->names, field->name_count, text);
        break;
    }
}

void record_read(const struct record_field *fields, size_t count, const json_t *object,
                 struct arena *arena, void *record)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(object, fields[i].name);
        if (value && !json_is_null(value)) {
            read_field(&fields[i], value, arena, (char *)record + fields[i].offset);
        }
    }
}
