/*
 * change.h - one statement that changes the directory and answers how many rows it changed.
 */
#ifndef LEDGER_CHANGE_H
#define LEDGER_CHANGE_H

#include "ledger/call.h"
#include "ledger/directory.h"

/* The caller fills the parameters and submits *call; done as of directory_put_merchant. */
struct params *change_new(struct store *store, enum sql sql, directory_done_fn done, void *ctx,
                          struct call **call);

#endif
