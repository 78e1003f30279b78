#include "api/schema.h"

#include <stdio.h>

#include "base/terms.h"

enum {
    REF_SIZE = 80,
};

static void put_form(const struct field_form *form, struct json_out *out)
{
    if (form == NULL) {
        return;
    }
    if (form == &form_email) {
        json_put_cstr(out, "format", "email");
    } else if (form == &form_time) {
        json_put_raw(out, "anyOf", STR("[{\"format\":\"date-time\"},{\"format\":\"date\"}]"));
    } else if (form->pattern != NULL) {
        json_put_cstr(out, "pattern", form->pattern);
    }
}

static void put_words(const char *const *words, struct json_out *out)
{
    json_key(out, "enum");
    json_begin_array(out);
    for (; *words != NULL; words++) {
        json_cstr(out, *words);
    }
    json_end_array(out);
}

static void put_string(const struct field *field, int64_t least, int64_t most, struct json_out *out)
{
    json_put_cstr(out, "type", "string");
    if (field->words != NULL) {
        put_words(field->words, out);
        return;
    }
    json_put_int(out, "minLength", least);
    json_put_int(out, "maxLength", most);
    put_form(field->form, out);
}

static void put_item(const struct field *field, const char *key, struct json_out *out)
{
    json_key(out, key);
    json_begin_object(out);
    put_string(field, field->form == NULL || field->form == &form_text ? 0 : 1, field->item_most,
               out);
    json_end_object(out);
}

static void put_map(const struct field *field, struct json_out *out)
{
    json_put_cstr(out, "type", "object");
    if (field->least > 0) {
        json_put_int(out, "minProperties", field->least);
    }
    json_put_int(out, "maxProperties", field->most);
    json_key(out, "propertyNames");
    json_begin_object(out);
    json_put_int(out, "minLength", 1);
    json_put_int(out, "maxLength", field->name_most);
    put_form(field->name_form, out);
    json_end_object(out);
    if (field->type == FIELD_MAP) {
        put_item(field, "additionalProperties", out);
        return;
    }
    json_key(out, "additionalProperties");
    json_begin_object(out);
    json_put_cstr(out, "type", "integer");
    json_put_cstr(out, "format", "int64");
    json_put_int(out, "minimum", 0);
    json_put_int(out, "maximum", field->item_most);
    json_end_object(out);
}

static void put_reference(const struct field_set *set, struct json_out *out)
{
    char text[REF_SIZE];
    (void)snprintf(text, sizeof(text), "#/components/schemas/%s", set->name);
    json_put_cstr(out, "$ref", text);
}

static void put_rows(const struct field *field, struct json_out *out)
{
    json_put_cstr(out, "type", "array");
    json_put_int(out, "minItems", field->least);
    json_put_int(out, "maxItems", field->most);
    json_key(out, "items");
    json_begin_object(out);
    put_reference(field->members, out);
    json_end_object(out);
}

static void put_type(const struct field *field, struct json_out *out)
{
    switch (field->type) {
    case FIELD_INTEGER:
        json_put_cstr(out, "type", "integer");
        json_put_cstr(out, "format", "int64");
        json_put_int(out, "minimum", field->least);
        json_put_int(out, "maximum", field->most);
        break;
    case FIELD_STRING:
        put_string(field, field->least, field->most, out);
        break;
    case FIELD_BOOL:
        json_put_cstr(out, "type", "boolean");
        break;
    case FIELD_OBJECT:
        put_reference(field->members, out);
        break;
    case FIELD_MAP:
    case FIELD_NUMBERS:
        put_map(field, out);
        break;
    case FIELD_ROWS:
        put_rows(field, out);
        break;
    case FIELD_LIST:
        json_put_cstr(out, "type", "array");
        json_put_int(out, "maxItems", field->most);
        put_item(field, "items", out);
        break;
    case FIELD_FREE:
        json_put_cstr(out, "type", "object");
        break;
    case FIELD_NONE:
        break;
    }
}

void schema_field(const struct field *field, struct json_out *out)
{
    json_begin_object(out);
    put_type(field, out);
    if (field->help != NULL) {
        json_put_cstr(out, "description", field->help);
    }
    if (field->example != NULL) {
        json_key(out, "examples");
        json_begin_array(out);
        json_raw(out, str_of(field->example));
        json_end_array(out);
    }
    json_end_object(out);
}

static void put_required(const struct field_set *set, struct json_out *out)
{
    bool has_any = false;
    for (size_t i = 0; i < set->count; i++) {
        has_any = has_any || set->fields[i].required;
    }
    if (!has_any) {
        return;
    }
    json_key(out, "required");
    json_begin_array(out);
    for (size_t i = 0; i < set->count; i++) {
        if (set->fields[i].required) {
            json_cstr(out, set->fields[i].name);
        }
    }
    json_end_array(out);
}

void schema_set(const struct field_set *set, struct json_out *out)
{
    json_begin_object(out);
    json_put_cstr(out, "type", "object");
    json_put_cstr(out, "description", set->help);
    put_required(set, out);
    if (set->has_any) {
        json_put_int(out, "minProperties", 1);
    }
    json_put_bool(out, "additionalProperties", false);
    json_key(out, "properties");
    json_begin_object(out);
    for (size_t i = 0; i < set->count; i++) {
        json_key(out, set->fields[i].name);
        schema_field(&set->fields[i], out);
    }
    json_end_object(out);
    json_end_object(out);
}

bool schema_example(const struct field_set *set, struct json_out *out)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        count += set->fields[i].example != NULL;
    }
    if (count == 0) {
        return false;
    }
    json_begin_object(out);
    for (size_t i = 0; i < set->count; i++) {
        if (set->fields[i].example != NULL) {
            json_put_raw(out, set->fields[i].name, str_of(set->fields[i].example));
        }
    }
    json_end_object(out);
    return true;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void put_base_type(struct json_out *out, struct str type, bool may_be_null)
{
    bool is_time = str_eq(type, STR("time"));
    struct str name = is_time ? STR("string") : type;
    json_key(out, "type");
    if (may_be_null) {
        json_begin_array(out);
        json_str(out, name);
        json_cstr(out, "null");
        json_end_array(out);
    } else {
        json_str(out, name);
    }
    if (is_time) {
        json_put_cstr(out, "format", "date-time");
    }
}

static void put_items(struct json_out *out, struct str name, bool may_be_null)
{
    put_base_type(out, STR("array"), may_be_null);
    json_key(out, "items");
    json_begin_object(out);
    if (name.at[0] >= 'A' && name.at[0] <= 'Z') {
        struct buf text;
        buf_init(&text, 256);
        buf_add_str(&text, STR("#/components/schemas/"));
        buf_add_str(&text, name);
        json_put_str(out, "$ref", buf_str(&text));
        buf_release(&text);
    } else {
        json_put_str(out, "type", name);
    }
    json_end_object(out);
}

static void put_member(struct json_out *out, const struct member *member)
{
    struct str type = str_of(member->type);
    bool may_be_null = str_ends(type, STR("?"));
    json_key(out, member->name);
    json_begin_object(out);
    if (str_starts(type, STR("[]"))) {
        put_items(out, str_sub(type, 2, type.len - 2 - (may_be_null ? 1 : 0)), may_be_null);
    } else {
        put_base_type(out, str_sub(type, 0, type.len - (may_be_null ? 1 : 0)), may_be_null);
    }
    if (member->help[0] != '\0') {
        json_put_cstr(out, "description", member->help);
    }
    json_end_object(out);
}

void schema_answers(struct json_out *out)
{
    size_t count;
    const struct answer *answers = schema_answer_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct answer *answer = &answers[i];
        json_key(out, answer->name);
        json_begin_object(out);
        json_put_cstr(out, "type", "object");
        json_put_cstr(out, "description", answer->help);
        json_key(out, "properties");
        json_begin_object(out);
        for (size_t at = 0; at < answer->count; at++) {
            put_member(out, &answer->members[at]);
        }
        json_end_object(out);
        json_end_object(out);
    }
}
