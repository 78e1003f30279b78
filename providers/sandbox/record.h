/*
 * record.h - structs as JSON objects by a table of their fields: the journal writes and reads with
 * it, the control API shows with it. Empty strings and times are null.
 */
#ifndef SANDBOX_RECORD_H
#define SANDBOX_RECORD_H

#include "base/arena.h"
#include "base/json.h"

enum record_type {
    RECORD_STR = 0,  /* struct str */
    RECORD_INT,      /* int64_t */
    RECORD_BOOL,     /* bool */
    RECORD_TIME,     /* int64_t, wall clock microseconds; "2026-11-21T10:15:30.123456Z" */
    RECORD_CURRENCY, /* const struct currency * */
    RECORD_NAME,     /* an enum of int size, by its name */
};

struct record_field {
    const char *name;
    enum record_type type;
    size_t offset;
    const char *const *names; /* RECORD_NAME */
    size_t name_count;
};

/* The members only: the caller begins and ends the object. */
void record_print(const struct record_field *fields, size_t count, const void *record,
                  struct json_out *out);
/* The same without what is empty, zero or false: for the journal, read back into a zeroed record.
 */
void record_print_sparse(const struct record_field *fields, size_t count, const void *record,
                         struct json_out *out);
/* Strings are copied into arena; members that are absent or of the wrong type leave the field
 * alone. */
void record_read(const struct record_field *fields, size_t count, const json_t *object,
                 struct arena *arena, void *record);

#endif
