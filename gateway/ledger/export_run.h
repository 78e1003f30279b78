/*
 * export_run.h - the journal, read through the views of schema finance and written as text (export.h).
 *
 * Blocking, on a connection of its own: for the command line. One read-only transaction, so one moment:
 * what is asserted at the end is the balance of what was written. Memory for one row and the names of
 * accounts, here and in PostgreSQL, however many rows there are: they come in the order of the primary
 * key, merchant after merchant.
 */
#ifndef LEDGER_EXPORT_RUN_H
#define LEDGER_EXPORT_RUN_H

#include <stdio.h>

#include "base/arena.h"
#include "ledger/copy.h"
#include "ledger/export.h"

enum {
    EXPORT_MERCHANT_MAX = 100000, /* that one login may see */
};

struct export_merchant {
    struct uuid id;
    struct str name; /* in the arena of the list */
    bool livemode;
};

struct export_merchants { /* that the login sees */
    struct arena arena;
    struct export_merchant *at; /* in arena */
    size_t count;
};

struct export_wanted { /* borrowed */
    enum export_format format;
    struct csv_style style;
    struct str account;              /* only transfers that name it; empty: all */
    const struct currency *currency; /* only transfers in it; NULL: all */
    bool has_references;             /* rows say the merchant's reference of their payment */
    int64_t from_us;                 /* INT64_MIN: from the beginning */
    int64_t to_us;                   /* before then; INT64_MAX: to the end */
    int64_t now_us;
    bool
        by_effect; /* from and to are of the time since when they count, not when they were recorded */
    FILE *out;
    /* Of EXPORT_ROWS, instead of a file; false ends it. */
    bool (*row)(void *ctx, const struct export_row *row, struct error *err);
    /* Told every few thousand rows; may be NULL. */
    void (*progress)(void *ctx, uint64_t rows, uint64_t bytes, int64_t at_us);
    void *ctx;
};

/* As copy_open, for a login that sees merchants' books alone: plans never sort what an index has in order. */
struct copy *export_open(const char *conninfo, struct error *err) MUST_USE;
/* Those whose id (mer_...) or name is `wanted`; empty: all. False: none, or the database refuses. */
bool export_find_merchants(struct copy *copy, struct str wanted, struct export_merchants *found,
                           struct error *err) MUST_USE;
void export_merchants_release(struct export_merchants *found);
/* Write the journal of these merchants; of a journal format one only. */
bool export_run(struct copy *copy, const struct export_wanted *wanted,
                const struct export_merchants *merchants, uint64_t *rows,
                struct error *err) MUST_USE;

#endif
