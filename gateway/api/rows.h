/*
 * rows.h - the rows of a large body, one at a time, so that nobody waits for all of them.
 *
 *     {"reference": "x", "payouts": [ {...}, {...}, ... ], "on_invalid": "skip"}
 *      `---- head ------------------' `-- rows, parsed one by one --' `-- head ---'
 *
 *     amount,currency,...          head: what each column means
 *     1099,EUR,...                 rows
 *
 * Rows come first, the head is known when they have ended: rows_head. What is malformed anywhere
 * makes the body malformed; a row that is well-formed and wrong is that row's problem. The same
 * rows as JSON and as CSV become the same objects.
 *
 * A row, a CSV header, and a head are at most ROW_BYTES_MAX long; what is longer is not looked into,
 * and makes the body malformed. So the arena that is given needs ROWS_ARENA_MAX for each of them,
 * whatever is sent.
 */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "api/csv.h"

enum {
    ROW_BYTES_MAX = CSV_RECORD_BYTES_MAX,
    ROWS_ARENA_MAX = 8 * ROW_BYTES_MAX,
};

struct rows {
    struct str text; /* borrowed */
    struct str raw;  /* the last row as it was sent; lies in text */
    const struct field_set *set;
    const char *member; /* of the list in the head */
    bool is_csv;
    size_t count; /* rows given so far */
    /* JSON */
    size_t at;   /* where the next row begins */
    size_t from; /* behind the list's bracket; 0: no list was found */
    size_t to;   /* of the closing one; 0: not yet found */
    /* CSV */
    struct csv csv;
    struct csv_column columns[CSV_COLUMN_MAX];
    size_t column_count;
};

enum rows_next {
    ROWS_ROW = 0,  /* *row, an object, is owned by the caller */
    ROWS_WRONG,    /* no object (*row, owned by the caller), or not the header's cells: *problem */
    ROWS_END,      /* rows_head is next */
    ROWS_MALFORMED /* the body: *problem */
};

/* set: of a row; text is borrowed until the end. Nothing is read yet. */
void rows_init(struct rows *rows, struct str text, bool is_csv, const struct field_set *set,
               const char *member);
/* Of CSV, before the first row. False: *problem. */
bool rows_read_header(struct rows *rows, struct arena *arena,
                      struct field_problem *problem) MUST_USE;
enum rows_next rows_next(struct rows *rows, struct arena *arena, json_t **row,
                         struct field_problem *problem);
/* The body with an empty list; {} of CSV. Owned by the caller; NULL: malformed, *problem. */
json_t *rows_head(const struct rows *rows, struct arena *arena,
                  struct field_problem *problem) MUST_USE;

#endif
