/* redo_internal.h - what redo.c (looking) and redo_run.c (writing again) share. */
#ifndef LEDGER_REDO_INTERNAL_H
#define LEDGER_REDO_INTERNAL_H

#include <libpq-fe.h>

#include "ledger/journal_read.h"
#include "ledger/redo.h"

bool redo_connect(const char *conninfo, PGconn **conn, struct error *err) MUST_USE;
/* Parameters and answer in text; NULL: ERROR_UNAVAILABLE. */
PGresult *redo_ask(PGconn *conn, const char *sql, const char *const *values, int count,
                   struct error *err);
bool redo_ask_number(PGconn *conn, const char *sql, const char *const *values, int count,
                     int64_t *number, struct error *err) MUST_USE;
/* Which marks the ledger has (is_there): of each writer those sent since then; from_us NULL: all. */
bool redo_compare(PGconn *conn, struct journals *journals, const int64_t *from_us,
                  struct error *err) MUST_USE;

/* redo_keys.c: the keys that committed transactions won. */
struct redo_keys;
struct redo_keys *redo_keys_new(const struct journals *journals);
void redo_keys_free(struct redo_keys **keys);
/* A job of unknown fate asks for a key that a committed one won: it was not committed. */
bool redo_keys_has(const struct redo_keys *keys, const struct redo_job *job);

#endif
