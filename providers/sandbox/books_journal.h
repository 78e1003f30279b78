/*
 * books_journal.h - the books as lines of a file: {"session": [...], "entries": [...],
 * "key": [...]}, each object as it is after the change, without its empty members.
 */
#ifndef SANDBOX_BOOKS_JOURNAL_H
#define SANDBOX_BOOKS_JOURNAL_H

#include <sys/types.h>

#include "providers/sandbox/books.h"

extern const struct record_field book_entry_fields[]; /* also shown by the control API */
extern const size_t book_entry_field_count;

/* Replays whole lines; *whole_bytes is the length of the file up to the end of the last of them. */
bool journal_replay(struct books *books, const char *file, off_t *whole_bytes,
                    struct error *err) MUST_USE;
/* Append what is noted as one line. */
bool journal_write(struct books *books, struct error *err) MUST_USE;

#endif
