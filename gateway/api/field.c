#include "api/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/card.h"
#include "base/crypto.h"

struct unchecked { /* an object that is still to be checked */
    const struct field_set *set;
    const json_t *object;
    char prefix[FIELD_PARAM_SIZE]; /* "method." */
};

struct check {
    struct unchecked list[FIELD_NESTED_MAX];
    size_t count;
    struct field_problem *problem;
};

/* ---- what is wrong ---- */

/* Cut at a character's edge. */
static void set_param(struct field_problem *problem, struct str param)
{
    size_t len = param.len < FIELD_PARAM_SIZE ? param.len : FIELD_PARAM_SIZE - 1;
    while (len > 0 && len < param.len && ((unsigned char)param.at[len] & 0xc0) == 0x80) {
        len--;
    }
    CHECK(str_copy_to(str_sub(param, 0, len), problem->param, sizeof(problem->param)));
}

bool field_fail(struct field_problem *problem, enum message message, struct str param,
                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(problem->detail, sizeof(problem->detail), format, args);
    va_end(args);
    problem->message = message;
    set_param(problem, param);
    return false;
}

static struct str path_of(const struct unchecked *unchecked, struct str name,
                          char out[FIELD_PARAM_SIZE * 2])
{
    int len = snprintf(out, (size_t)FIELD_PARAM_SIZE * 2, "%s" STR_FMT, unchecked->prefix,
                       STR_ARG(str_sub(name, 0, FIELD_PARAM_SIZE)));
    return (struct str){out, len > 0 ? (size_t)len : 0};
}

static void describe_integer(const struct field *field, char out[FIELD_DETAIL_SIZE])
{
    (void)snprintf(out, FIELD_DETAIL_SIZE, "must be a whole number from %lld to %lld",
                   (long long)field->least, (long long)field->most);
}

static void describe_words(const struct field *field, char out[FIELD_DETAIL_SIZE])
{
    size_t len = (size_t)snprintf(out, FIELD_DETAIL_SIZE, "must be one of");
    for (const char *const *word = field->words; *word != NULL && len < FIELD_DETAIL_SIZE; word++) {
        len += (size_t)snprintf(out + len, FIELD_DETAIL_SIZE - len, "%s \"%s\"",
                                word == field->words ? "" : ",", *word);
    }
}

/* A form that says all there is to say, length included. */
static bool is_telling(const struct field_form *form)
{
    return form != NULL && form != &form_line && form != &form_text && form != &form_token &&
           form != &form_word;
}

static void describe_string(const struct field *field, char out[FIELD_DETAIL_SIZE])
{
    if (field->words != NULL) {
        describe_words(field, out);
    } else if (is_telling(field->form)) {
        (void)snprintf(out, FIELD_DETAIL_SIZE, "%s", field->form->what);
    } else {
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be a string of %lld to %lld characters",
                       (long long)field->least, (long long)field->most);
    }
}

static void describe(const struct field *field, char out[FIELD_DETAIL_SIZE])
{
    out[0] = '\0';
    switch (field->type) {
    case FIELD_INTEGER:
        describe_integer(field, out);
        break;
    case FIELD_STRING:
        describe_string(field, out);
        break;
    case FIELD_BOOL:
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be true or false");
        break;
    case FIELD_OBJECT:
    case FIELD_FREE:
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be an object");
        break;
    case FIELD_MAP:
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be an object of at most %lld strings",
                       (long long)field->most);
        break;
    case FIELD_NUMBERS:
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be an object of at most %lld whole numbers",
                       (long long)field->most);
        break;
    case FIELD_ROWS:
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be a list of %lld to %lld objects",
                       (long long)field->least, (long long)field->most);
        break;
    case FIELD_LIST:
        (void)snprintf(out, FIELD_DETAIL_SIZE, "must be a list of at most %lld strings",
                       (long long)field->most);
        break;
    case FIELD_NONE:
        break;
    }
}

static bool refuse(const struct field *field, struct str path, const char *detail,
                   struct field_problem *problem)
{
    enum message message = field->problem == MESSAGE_NONE ? MESSAGE_INVALID_MEMBER : field->problem;
    return field_fail(problem, message, path, STR_FMT " %s", STR_ARG(str_of(field->name)),
                      field->hint != NULL ? field->hint : detail);
}

static bool refuse_type(const struct field *field, struct str path, struct field_problem *problem)
{
    char detail[FIELD_DETAIL_SIZE];
    describe(field, detail);
    return refuse(field, path, detail, problem);
}

/* ---- strings ---- */

static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    }
    return count;
}

static bool is_word_of(const struct field *field, struct str text)
{
    for (const char *const *word = field->words; *word != NULL; word++) {
        if (str_eq(text, str_of(*word))) {
            return true;
        }
    }
    return false;
}

static const struct field_form *form_of(const struct field_form *form)
{
    return form != NULL ? form : &form_line;
}

static bool check_string(const struct field *field, struct str text, struct str path,
                         struct field_problem *problem)
{
    size_t count = count_characters(text);
    bool fits = (int64_t)count >= field->least && (int64_t)count <= field->most;
    if (field->words != NULL ? !is_word_of(field, text) : !fits) {
        return refuse_type(field, path, problem);
    }
    const struct field_form *form = form_of(field->form);
    return form->is_ok(text) || refuse(field, path, form->what, problem);
}

static struct str string_of(const json_t *value)
{
    return (struct str){json_string_value(value), json_string_length(value)};
}

/* A value of a map, an item of a list. */
static bool check_item(const struct field *field, const json_t *value, struct str path,
                       struct field_problem *problem)
{
    char detail[FIELD_DETAIL_SIZE];
    struct str text = json_is_string(value) ? string_of(value) : STR_NONE;
    int64_t least = field->form == NULL || field->form == &form_text ? 0 : 1;
    int64_t count = (int64_t)count_characters(text);
    if (!json_is_string(value) || count < least || count > field->item_most) {
        (void)snprintf(detail, sizeof(detail), "must hold strings of %lld to %lld characters",
                       (long long)least, (long long)field->item_most);
        return refuse(field, path, detail, problem);
    }
    if (field->words != NULL && !is_word_of(field, text)) {
        describe_words(field, detail);
        return refuse(field, path, detail, problem);
    }
    const struct field_form *form = form_of(field->form);
    return form->is_ok(text) || refuse(field, path, form->what, problem);
}

static bool check_list(const struct field *field, const json_t *value, struct str path,
                       struct field_problem *problem)
{
    if (!json_is_array(value) || (int64_t)json_array_size(value) > field->most) {
        return refuse_type(field, path, problem);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!check_item(field, json_array_get(value, i), path, problem)) {
            return false;
        }
    }
    return true;
}

static bool check_name(const struct field *field, struct str name, struct str path,
                       struct field_problem *problem)
{
    const struct field_form *form = form_of(field->name_form);
    size_t count = count_characters(name);
    if (count == 0 || (int64_t)count > field->name_most) {
        return field_fail(problem, MESSAGE_INVALID_MEMBER, path,
                          "%s: its names must have 1 to %lld characters", field->name,
                          (long long)field->name_most);
    }
    if (form->is_ok(name)) {
        return true;
    }
    enum message message = MESSAGE_INVALID_MEMBER;
    if (form == &form_provider || form == &form_payee) {
        message = MESSAGE_UNKNOWN_PROVIDER;
    } else if (form == &form_currency) {
        message = MESSAGE_UNKNOWN_CURRENCY;
    }
    return field_fail(problem, message, path, "%s: each of its names %s", field->name, form->what);
}

static bool check_number(const struct field *field, const json_t *value, struct str path,
                         struct field_problem *problem)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= field->item_most) {
        return true;
    }
    return field_fail(problem, MESSAGE_INVALID_MEMBER, path,
                      "%s: each of its values must be a whole number from 0 to %lld", field->name,
                      (long long)field->item_most);
}

static bool check_map(const struct unchecked *unchecked, const struct field *field,
                      const json_t *value, struct str path, struct field_problem *problem)
{
    int64_t size = (int64_t)json_object_size(value);
    if (!json_is_object(value) || size < field->least || size > field->most) {
        return refuse_type(field, path, problem);
    }
    json_t *object = (json_t *)(uintptr_t)value;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        struct str name = {json_object_iter_key(at), json_object_iter_key_len(at)};
        char text[FIELD_PARAM_SIZE * 2];
        struct unchecked inner = *unchecked;
        char outer[FIELD_PARAM_SIZE * 2];
        struct str prefix = path_of(unchecked, str_of(field->name), outer);
        (void)snprintf(inner.prefix, sizeof(inner.prefix), STR_FMT ".",
                       STR_ARG(str_sub(prefix, 0, FIELD_PARAM_SIZE - 2)));
        struct str name_path = path_of(&inner, name, text);
        const json_t *item = json_object_iter_value(at);
        if (!check_name(field, name, name_path, problem)) {
            return false;
        }
        if (field->type == FIELD_NUMBERS ? !check_number(field, item, name_path, problem)
                                         : !check_item(field, item, name_path, problem)) {
            return false;
        }
    }
    return true;
}

static bool check_integer(const struct field *field, const json_t *value, struct str path,
                          struct field_problem *problem)
{
    if (!json_is_integer(value) || json_integer_value(value) < field->least ||
        json_integer_value(value) > field->most) {
        return refuse_type(field, path, problem);
    }
    return true;
}

/* ---- objects ---- */

static bool check_later(struct check *check, const struct unchecked *unchecked,
                        const struct field *field, const json_t *value, struct str path)
{
    if (!json_is_object(value)) {
        return refuse_type(field, path, check->problem);
    }
    CHECK(check->count < FIELD_NESTED_MAX); /* as many as there are tables */
    struct unchecked *next = &check->list[check->count++];
    *next = (struct unchecked){.set = field->members, .object = value};
    int len = snprintf(next->prefix, sizeof(next->prefix), "%s%s.", unchecked->prefix, field->name);
    CHECK(len > 0 && (size_t)len < sizeof(next->prefix));
    return true;
}

static bool check_field(struct check *check, const struct unchecked *unchecked,
                        const struct field *field)
{
    char text[FIELD_PARAM_SIZE * 2];
    struct str path = path_of(unchecked, str_of(field->name), text);
    const json_t *value = json_object_get(unchecked->object, field->name);
    if (value == NULL) {
        return !field->required || field_fail(check->problem, MESSAGE_MISSING_MEMBER, path,
                                              "%s is needed", field->name);
    }
    switch (field->type) {
    case FIELD_INTEGER:
        return check_integer(field, value, path, check->problem);
    case FIELD_STRING:
        return json_is_string(value) ? check_string(field, string_of(value), path, check->problem)
                                     : refuse_type(field, path, check->problem);
    case FIELD_BOOL:
        return json_is_boolean(value) || refuse_type(field, path, check->problem);
    case FIELD_OBJECT:
        return check_later(check, unchecked, field, value, path);
    case FIELD_MAP:
    case FIELD_NUMBERS:
        return check_map(unchecked, field, value, path, check->problem);
    case FIELD_ROWS:
        return json_is_array(value) || refuse_type(field, path, check->problem);
    case FIELD_LIST:
        return check_list(field, value, path, check->problem);
    case FIELD_FREE:
        return json_is_object(value) || refuse_type(field, path, check->problem);
    case FIELD_NONE:
        break;
    }
    return true;
}

const struct field *field_find(const struct field_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(name, str_of(set->fields[i].name))) {
            return &set->fields[i];
        }
    }
    return NULL;
}

static bool check_known(const struct unchecked *unchecked, struct field_problem *problem)
{
    json_t *object = (json_t *)(uintptr_t)unchecked->object;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        struct str name = {json_object_iter_key(at), json_object_iter_key_len(at)};
        if (field_find(unchecked->set, name) == NULL) {
            char text[FIELD_PARAM_SIZE * 2];
            return field_fail(problem, MESSAGE_UNKNOWN_MEMBER, path_of(unchecked, name, text),
                              "no such member is known here; the document at /openapi.json lists "
                              "them all");
        }
    }
    return true;
}

static bool check_object(struct check *check, const struct unchecked *unchecked)
{
    if (!check_known(unchecked, check->problem)) {
        return false;
    }
    if (unchecked->set->has_any && json_object_size(unchecked->object) == 0) {
        return field_fail(check->problem, MESSAGE_MISSING_MEMBER, STR_NONE,
                          "the body must have at least one member");
    }
    for (size_t i = 0; i < unchecked->set->count; i++) {
        if (!check_field(check, unchecked, &unchecked->set->fields[i])) {
            return false;
        }
    }
    return true;
}

bool field_check(const struct field_set *set, const json_t *body, struct field_problem *problem)
{
    char path[CARD_PATH_SIZE];
    CHECK(json_is_object(body));
    if (card_find(body, path)) {
        return field_fail(problem, MESSAGE_CARD_DATA, str_of(path),
                          "card numbers and security codes are never taken here: exchange them for "
                          "a token at the provider, and send the token");
    }
    struct check check = {.count = 1, .problem = problem};
    check.list[0] = (struct unchecked){.set = set, .object = body};
    for (size_t i = 0; i < check.count; i++) {
        struct unchecked unchecked = check.list[i];
        if (!check_object(&check, &unchecked)) {
            return false;
        }
    }
    return true;
}

bool field_check_text(const struct field *field, struct str text, struct field_problem *problem)
{
    struct str name = str_of(field->name);
    size_t at = 0;
    size_t len = 0;
    int64_t number = 0;
    if (crypto_find_card_number(text, &at, &len)) {
        return field_fail(problem, MESSAGE_CARD_DATA, name, "card numbers are never taken here");
    }
    if (field->type == FIELD_STRING) {
        return str_is_utf8(text) ? check_string(field, text, name, problem)
                                 : refuse_type(field, name, problem);
    }
    CHECK(field->type == FIELD_INTEGER);
    if (!str_to_int64(text, &number) || number < field->least || number > field->most) {
        return refuse_type(field, name, problem);
    }
    return true;
}
