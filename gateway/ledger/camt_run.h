/*
 * camt_run.h - the statement of one account, read through the views of schema finance and written as
 * camt.053 (camt.h): a statement for each currency that was ever posted on it.
 *
 * As export_run.h: blocking, one read-only transaction, so one moment for balances and entries, and
 * memory for one row. The journal is read once for each currency.
 */
#ifndef LEDGER_CAMT_RUN_H
#define LEDGER_CAMT_RUN_H

#include "ledger/export_run.h"

/* As export_run, of wanted->account, by the time of recording; wanted->format is not looked at. From and
 * to are cut to milliseconds. ERROR_NOT_FOUND: nothing was posted on the account before to. */
bool camt_run(struct copy *copy, const struct export_wanted *wanted,
              const struct export_merchant *merchant, uint64_t *rows, struct error *err) MUST_USE;

#endif
