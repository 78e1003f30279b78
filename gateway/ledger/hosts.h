/*
 * hosts.h - what each gateway host sees of each provider account, for the others.
 *
 * One row per host and account, written over. Times are the database's, so that hosts need not
 * agree on theirs: what comes back says how old it is.
 */
#ifndef LEDGER_HOSTS_H
#define LEDGER_HOSTS_H

#include "ledger/directory.h"

enum {
    HOSTS_ROW_MAX = 1024, /* of one write */
};

struct host_row { /* strings are borrowed */
    struct uuid account_id;
    struct uuid host_id;
    struct str state; /* "closed", "half_open", "open" */
    bool slow;
    struct str why;
    int64_t calls;
    int64_t failures;
    int64_t p95_us;
    int64_t age_us; /* when read */
};

/* Write what this host sees. The number of rows; accounts that the directory does not know are left
 * out. */
void hosts_put(struct store *store, const struct uuid *host_id, const struct host_row *rows,
               size_t count, store_count_fn done, void *ctx);
/* Forget hosts that have been silent for a day. */
void hosts_sweep(struct store *store, store_count_fn done, void *ctx);
typedef void (*hosts_fn)(void *ctx, enum store_find found, const struct host_row *rows,
                         size_t count, const struct error *why);
/* What others have written within within_us. Calls, failures and p95 are not read. */
void hosts_list(struct store *store, const struct uuid *host_id, int64_t within_us,
                struct arena *arena, hosts_fn done, void *ctx);

#endif
