/*
 * sessions.h - sessions of people that were ended before they expired.
 *
 * A session itself is a sealed cookie (api/cookie.h) and has no row. One that was ended has, until an hour after it would
 * have expired: each end takes out what is older.
 */
#ifndef LEDGER_SESSIONS_H
#define LEDGER_SESSIONS_H

#include "base/id.h"
#include "ledger/store.h"

enum {
    SESSIONS_SWEPT_MAX = 1000, /* rows that one end takes out */
};

/* Ended from now on, whatever it was before; times are wall clock. done: FOUND, or FAILED. */
void sessions_end(struct store *store, const struct uuid *session_id, int64_t now_us,
                  int64_t expires_us, store_count_fn done, void *ctx);
/* Was it ended? done: FOUND with 0 or 1, or FAILED. */
void sessions_ask(struct store *store, const struct uuid *session_id, store_count_fn done,
                  void *ctx);

#endif
