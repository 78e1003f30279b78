/*
 * backlog.h - calls that answer how much waits, and since when.
 */
#ifndef LEDGER_BACKLOG_H
#define LEDGER_BACKLOG_H

#include "ledger/call.h"

/* Ask `sql`, which takes no parameters: one row of a count and a time (NULL: nothing waits). */
void backlog_ask(struct store *store, enum sql sql, store_backlog_fn done, void *ctx);

#endif
