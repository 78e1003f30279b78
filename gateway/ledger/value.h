/*
 * value.h - PostgreSQL's binary format: parameters and arrays out, columns of results in.
 *
 * A statement of a batch takes one array per column (unnest puts the rows together again), built by
 * hand:
 *
 *     dimensions=1 | has NULL | element type | count | lower bound=1 | { length | bytes } ...
 *
 * A NULL element has length -1. Times are microseconds since 2000-01-01; here they are wall clock
 * microseconds since 1970, and 0 or less stands for NULL where the column allows it.
 */
#ifndef LEDGER_VALUE_H
#define LEDGER_VALUE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/str.h"

enum {
    PARAMS_MAX = 24,              /* parameters of one statement */
    PARAMS_BYTES_MAX = 128 << 20, /* of one statement */
};

enum value_type { /* element types, by their fixed object ids */
                  VALUE_BOOL = 16,
                  VALUE_BYTEA = 17,
                  VALUE_INT8 = 20,
                  VALUE_INT4 = 23,
                  VALUE_TEXT = 25,
                  VALUE_TIME = 1184,
                  VALUE_UUID = 2950,
};

struct params {
    struct buf bytes; /* owned */
    size_t offset[PARAMS_MAX];
    int length[PARAMS_MAX]; /* -1: NULL */
    unsigned count;
    size_t array_at; /* of the array being built */
    bool is_null_seen;
};

void params_init(struct params *params);
void params_release(struct params *params);
void params_clear(struct params *params); /* keeps the memory */

void params_uuid(struct params *params, const struct uuid *id);
void params_int8(struct params *params, int64_t value);
void params_int4(struct params *params, int32_t value);
void params_bool(struct params *params, bool value);
void params_time(struct params *params, int64_t wall_us);
void params_text(struct params *params, struct str text);
void params_bytea(struct params *params, struct str bytes);
void params_null(struct params *params);

/* begin, count elements, end */
void params_array_begin(struct params *params, enum value_type type, size_t count);
void params_array_end(struct params *params);
void params_put_uuid(struct params *params, const struct uuid *id);
void params_put_int8(struct params *params, int64_t value);
void params_put_int4(struct params *params, int32_t value);
void params_put_bool(struct params *params, bool value);
void params_put_time(struct params *params, int64_t wall_us);
void params_put_bytes(struct params *params, struct str bytes); /* text and bytea */
void params_put_null(struct params *params);
/* An array of one int64_t member of each of `count` structs: where it is in them, and their size. */
void params_int8_column(struct params *params, const void *rows, size_t row_size, size_t offset,
                        size_t count);

/* Columns of a binary result; NULL reads as zero, false or empty. */
struct uuid column_uuid(const PGresult *res, int row, int column);
int64_t column_int8(const PGresult *res, int row, int column);
int32_t column_int4(const PGresult *res, int row, int column);
bool column_bool(const PGresult *res, int row, int column);
int64_t column_time(const PGresult *res, int row, int column);
bool column_is_null(const PGresult *res, int row, int column);
/* bytea of 32 bytes; zeros when NULL or of another length */
void column_digest(const PGresult *res, int row, int column, uint8_t out[32]);
struct str column_text(const PGresult *res, int row, int column); /* borrowed from res */
struct str column_copy(const PGresult *res, int row, int column, struct arena *arena);

#endif
