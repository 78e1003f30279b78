/*
 * rows.h - the statements of a batch: which rows each takes out of the bundles, in which order they
 * are sorted, and how each column goes out. One table in rows.c says it all; sql.c has the other
 * half.
 */
#ifndef LEDGER_ROWS_H
#define LEDGER_ROWS_H

#include "ledger/bundle.h"
#include "ledger/pg.h"

struct rows_batch { /* what all rows of a batch share */
    struct uuid writer_id;
    int64_t batch_no;
    int64_t now_us;
};

/* Send every statement for which these bundles have rows, in the fixed order. */
void rows_send(struct pg *pg, struct pg_job *job, struct params *params,
               const struct rows_batch *batch, struct bundle *const *bundles, size_t count);

#endif
