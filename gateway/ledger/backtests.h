/*
 * backtests.h - backtests that were asked for, as workers take them in and show them. Who computes
 * them: backtest_queue.h.
 *
 *              claimed                    ended
 *     QUEUED ----------> RUNNING ------------------------> DONE | FAILED --> forgotten
 *       ^                   |                                         after BACKTESTS_KEEP_S, or when
 *       +--- put back ------+                                         a merchant has too many
 *            (whoever computed it died, once; or was told to stop)
 *
 * One time says when somebody must look at a row again: a queued one at once, a running one when its
 * lease ends, the others when they are forgotten. A merchant has BACKTESTS_WAITING_MAX places for those
 * that are not over; the table itself keeps any more from being taken.
 *
 * merchant_id zero is the house: its rule sets are tried on the payments of all merchants.
 */
#ifndef LEDGER_BACKTESTS_H
#define LEDGER_BACKTESTS_H

#include "ledger/store.h"

enum {
    BACKTESTS_WAITING_MAX = 4,      /* of one merchant, not over */
    BACKTESTS_KEPT_MAX = 100,       /* of one merchant, over: the newest */
    BACKTESTS_KEEP_S = 30 * 86400,  /* ... and for so long */
    BACKTESTS_TRIES_MAX = 2,        /* of whoever computes it and dies */
    BACKTESTS_RESULT_MAX = 1 << 20, /* bytes, as the table has it */
};

enum backtests_state {
    BACKTESTS_NONE = 0,
    BACKTESTS_QUEUED,
    BACKTESTS_RUNNING,
    BACKTESTS_DONE,
    BACKTESTS_FAILED,
    BACKTESTS_STATE_COUNT,
};
const char *backtests_state_name(enum backtests_state state);

struct backtests_row { /* strings are the caller's, or in the arena of the read */
    struct uuid merchant_id;
    struct uuid backtest_id;
    enum backtests_state state;
    int32_t version; /* of the rule set */
    int32_t tries;
    int64_t epoch; /* of the claim */
    int64_t since_us;
    int64_t until_us;
    int64_t created_us;
    int64_t started_us; /* 0: not yet */
    int64_t ended_us;   /* 0: not yet */
    struct str author;
    struct str reason; /* FAILED: why */
    struct str result; /* DONE: JSON */
};

/* Queue it: its place. ABSENT: all places are taken, or another took the same one: ask again. The
 * version must be there. */
void backtests_put(struct store *store, const struct backtests_row *row, store_count_fn done,
                   void *ctx);

typedef void (*backtests_fn)(void *ctx, enum store_find found, const struct backtests_row *row,
                             const struct error *why);
void backtests_load(struct store *store, const struct uuid *merchant_id,
                    const struct uuid *backtest_id, struct arena *arena, backtests_fn done,
                    void *ctx);
/* Count 1: there is something to begin, to take over or to forget. */
void backtests_due(struct store *store, int64_t now_us, store_count_fn done, void *ctx);

#endif
