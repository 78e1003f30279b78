/*
 * copy.h - the rows of a query, read out one by one in binary form (COPY ... TO STDOUT): no cursor,
 * and memory for one row however many there are. Blocking: for the command line, never for a worker.
 *
 * All queries of one copy see the same moment: one read-only transaction. Nobody waits for it.
 */
#ifndef LEDGER_COPY_H
#define LEDGER_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/id.h"
#include "base/str.h"

enum {
    COPY_COLUMN_MAX = 32,
};

struct copy;

/* NULL with *err: the database cannot be reached, or refuses. */
struct copy *copy_open(const char *conninfo, struct error *err) MUST_USE;
void copy_close(struct copy **copy);
/* A statement without rows, as SET LOCAL; no query may be under way. */
bool copy_set(struct copy *copy, const char *sql, struct error *err) MUST_USE;
/* The text as a literal of SQL. False: it cannot be one. */
bool copy_quote(struct copy *copy, struct str text, struct buf *out, struct error *err) MUST_USE;
/* Begin with `select`, whose rows have so many columns; the query before must have ended. */
bool copy_start(struct copy *copy, const char *select, size_t column_count,
                struct error *err) MUST_USE;
/* The next row: one text of bytes each, that lives until the next. NULL is empty. False at the end
 * (*err has no text then), or when something failed. */
bool copy_next(struct copy *copy, struct str *field, struct error *err) MUST_USE;

/* What the bytes of a field are. False: they are of another length. */
bool copy_int(struct str field, int64_t *value) MUST_USE; /* int4, int8 */
bool copy_time(struct str field, int64_t *us) MUST_USE;   /* timestamptz: since 1970 */
bool copy_uuid(struct str field, struct uuid *id) MUST_USE;

#endif
