/* blocking.h - one connection and its statements, waited for: for errands and the command line, never for a worker. */
#ifndef LEDGER_BLOCKING_H
#define LEDGER_BLOCKING_H

#include "base/error.h"
#include "ledger/value.h"

/* NULL with *err: the database cannot be reached. `name` is what pg_stat_activity shows. */
PGconn *blocking_open(const char *conninfo, const char *name, struct error *err) MUST_USE;
/* Sent, with binary values and results; the caller takes what comes. Releases params. */
bool blocking_send(PGconn *conn, const char *sql, struct params *params) MUST_USE;
/* *err with what the database said. */
bool blocking_refused(PGconn *conn, struct error *err);
/* The rows; NULL with *err when it was refused. Releases params. */
PGresult *blocking_run(PGconn *conn, const char *sql, struct params *params,
                       struct error *err) MUST_USE;

#endif
