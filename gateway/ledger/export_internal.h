/* export_internal.h - between the files of export.h: one writer of each format. */
#ifndef LEDGER_EXPORT_INTERNAL_H
#define LEDGER_EXPORT_INTERNAL_H

#include "base/clock.h"
#include "ledger/export.h"

/* "2026-11-21" of a time, UTC. */
struct str export_day(int64_t us, char out[CLOCK_TEXT_SIZE]);

void export_csv_begin(struct export *e);
void export_csv_row(struct export *e, const struct export_row *row);

void export_journal_begin(struct export *e);
void export_journal_row(struct export *e, const struct export_row *row, struct str debit,
                        struct str credit);
void export_journal_end(struct export *e);

#endif
