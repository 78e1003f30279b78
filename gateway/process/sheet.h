/*
 * sheet.h - rows of cells on standard output: a table for people, CSV or JSON for programs.
 *
 *     sheet_open -> sheet_row (each) -> sheet_close
 *
 * CSV and JSON are written row by row. A table is kept until it is closed, since its columns are as wide
 * as what is in them: SHEET_TABLE_BYTES_MAX at most. It is shown as screen.h says.
 */
#ifndef PROCESS_SHEET_H
#define PROCESS_SHEET_H

#include <stdio.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/error.h"
#include "ledger/copy.h"
#include "ledger/export.h"

enum {
    SHEET_COLUMN_MAX = 24,
    SHEET_TABLE_BYTES_MAX = 64 << 20,
};

enum sheet_format {
    SHEET_TABLE = 0,
    SHEET_CSV,
    SHEET_JSON, /* an array of objects */
};

enum sheet_kind {
    SHEET_TEXT = 0, /* guarded in CSV */
    SHEET_AMOUNT,   /* decimal text with a point; a text in JSON */
    SHEET_COUNT,    /* a whole number */
    SHEET_BOOL,     /* true, false */
    SHEET_STATE,    /* a text; coloured on terminals */
};

struct sheet_column {
    const char *name;
    enum sheet_kind kind;
};

struct sheet {
    enum sheet_format format;
    struct csv_style style;
    FILE *out;                          /* borrowed */
    const struct sheet_column *columns; /* borrowed */
    size_t count;
    uint64_t row_count;
    bool has_colour;
    struct arena arena;
    struct sheet_line *first; /* of a table; in arena */
    struct sheet_line *last;
    size_t bytes;
    struct buf line;
    struct json_out json;
};

/* "table", "csv", "json"; NULL: a table. */
bool sheet_format_parse(const char *name, enum sheet_format *format, struct error *err) MUST_USE;
void sheet_open(struct sheet *sheet, enum sheet_format format, const struct csv_style *style,
                const struct sheet_column *columns, size_t count, FILE *out);
/* Cells without any bytes are empty; null in JSON. */
bool sheet_row(struct sheet *sheet, const struct str *cells, struct error *err) MUST_USE;
/* Whatever happened; false also when it could not be written. */
bool sheet_close(struct sheet *sheet, struct error *err) MUST_USE;
/* All rows of a query whose columns are texts. */
bool sheet_fill(struct sheet *sheet, struct copy *copy, const char *select,
                struct error *err) MUST_USE;

#endif
