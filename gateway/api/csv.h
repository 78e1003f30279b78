/*
 * csv.h - records of a CSV text (RFC 4180), one at a time, and columns that are members of a table.
 *
 *     amount,currency,beneficiary.first_name,payees.paypal      names: members by their dotted paths
 *     12500,EUR,Ada,ada@example.com
 *     990,EUR,"Grace ""Amazing""",grace@example.com              a cell in quotes may hold anything
 *
 * Commas between cells, lines end with LF or CRLF, empty lines do not count, UTF-8, a byte order
 * mark is skipped. An empty cell is a member that is left out. Quotes where none may stand, or that
 * are never closed, make the whole text malformed: what follows could not be told apart. So does a
 * record of more than CSV_RECORD_BYTES_MAX: no more than that is ever copied.
 */
#ifndef API_CSV_H
#define API_CSV_H

#include "api/field.h"
#include "base/arena.h"

enum {
    CSV_COLUMN_MAX = 128,
    CSV_PATH_MAX = 4, /* names in a column's path */
    CSV_RECORD_BYTES_MAX = 262144,
};

struct csv {
    struct str text;
    size_t at;
    size_t line;       /* of the record that was read last, from 1 */
    struct str record; /* it, as it was sent, without the end of its line */
};

enum csv_next {
    CSV_RECORD = 0,
    CSV_END,
    CSV_MALFORMED,
};

void csv_init(struct csv *csv, struct str text);
/*
 * The next record's cells; those with doubled quotes live in arena, where a record takes four times
 * CSV_RECORD_BYTES_MAX at most, others in the text. *count may be above max: then only so many were
 * written. *why on CSV_MALFORMED.
 */
enum csv_next csv_next(struct csv *csv, struct arena *arena, struct str cells[], size_t max,
                       size_t *count, const char **why);

struct csv_column {
    const struct field *field;     /* of the last name but a map's own */
    struct str path[CSV_PATH_MAX]; /* "beneficiary", "bank_account", "iban" */
    size_t depth;
};

/*
 * What the header's cells mean as members of `set`. False: an unknown column, one that stands
 * twice, or a needed member without any column; param names it.
 */
bool csv_columns(const struct field_set *set, const struct str *cells, size_t count,
                 struct csv_column columns[CSV_COLUMN_MAX], struct field_problem *problem) MUST_USE;
/* An object of the cells of one record; owned by the caller. */
json_t *csv_object(const struct csv_column *columns, const struct str *cells, size_t count);

#endif
