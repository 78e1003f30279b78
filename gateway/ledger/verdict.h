/*
 * verdict.h - what a refused statement means for its batch: one table from SQLSTATE and constraint.
 */
#ifndef LEDGER_VERDICT_H
#define LEDGER_VERDICT_H

#include "ledger/pg.h"
#include "ledger/store.h"

enum verdict_kind {
    VERDICT_ROW = 0, /* some row is to blame: halve until it stands alone, then `result` */
    VERDICT_AGAIN,   /* nobody is to blame: run the same batch again */
    VERDICT_ALL,     /* every bundle ends with `result`; halving would not help */
    VERDICT_SERVER,  /* the same, and the server cannot be written to */
};

struct verdict {
    enum verdict_kind kind;
    enum store_result result; /* never COMMITTED, UNAVAILABLE or UNKNOWN */
};

struct verdict verdict_of(const struct pg_failure *why);

#endif
