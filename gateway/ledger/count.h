/*
 * count.h - calls that answer one number.
 */
#ifndef LEDGER_COUNT_H
#define LEDGER_COUNT_H

#include "ledger/call.h"

/* The caller adds the parameters and submits. done: FOUND with the number, ABSENT when no row came.
 */
struct call *count_new(struct store *store, enum sql sql, store_count_fn done, void *ctx);

#endif
