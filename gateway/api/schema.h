/*
 * schema.h - JSON Schemas of the OpenAPI document: requests from the field tables, answers from a
 * table of their own.
 */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

#include "api/field.h"

/* One member of an answer. */
struct member {
    const char *name;
    const char *type; /* string, integer, boolean, number, time, object, "[]Name", "Name", ... */
    const char *help;
};

struct answer {
    const char *name;
    const char *help;
    const struct member *members;
    size_t count;
};

/* schema_answers.c: what answers look like. */
const struct answer *schema_answer_table(size_t *count);
/* The value of one member: type, bounds, form, words. */
void schema_field(const struct field *field, struct json_out *out);
/* An object by its table; tables inside it are referred to by name. */
void schema_set(const struct field_set *set, struct json_out *out);
/* {"Payment": {...}, ...}: what answers look like; the object is open, its members are printed. */
void schema_answers(struct json_out *out);
/* An example of a body from the examples of its fields; false when there is none. */
bool schema_example(const struct field_set *set, struct json_out *out);

#endif
