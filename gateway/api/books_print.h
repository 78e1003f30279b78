/*
 * books_print.h - a page of the ledger, as JSON or as CSV (private to gateway/api).
 *
 * Each kind of row is turned into the same cells for both, so that a column of the CSV is the member of that name. What is
 * null in JSON is an empty cell.
 */
#ifndef API_BOOKS_PRINT_H
#define API_BOOKS_PRINT_H

#include "base/json.h"
#include "ledger/books.h"

enum {
    BOOKS_CELL_MAX = 16,
};

enum books_kind {
    BOOKS_ACCOUNTS = 0,
    BOOKS_TRANSFERS,
    BOOKS_BALANCES,
    BOOKS_LINES,
    BOOKS_KIND_COUNT,
};

/* One row as an object. */
void books_print_json(enum books_kind kind, const struct books *books, size_t index,
                      struct json_out *out);
/* A header row, then all rows; text is guarded against being taken for a formula. */
void books_print_csv(enum books_kind kind, const struct books *books, struct buf *out);

#endif
