/*
 * backtest_watch.h - in each worker: is there a backtest that somebody must begin, take over or forget?
 * One look at an index every BACKTEST_WATCH_MS; the answer goes to the master (backtesters.h). Those
 * that this host takes in are told at once.
 */
#ifndef PROCESS_BACKTEST_WATCH_H
#define PROCESS_BACKTEST_WATCH_H

#include "base/loop.h"
#include "ledger/backtests.h"
#include "process/shared.h"

enum {
    BACKTEST_WATCH_MS = 20000,
};

struct backtest_watch {
    struct loop_timer timer;
    struct store *store;   /* borrowed */
    struct shared *shared; /* borrowed */
};

void backtest_watch_start(struct backtest_watch *watch, struct loop *loop, struct store *store,
                          struct shared *shared);
void backtest_watch_stop(struct backtest_watch *watch); /* before the store is freed */
/* ctx is struct shared: one has just been queued. */
void backtest_watch_queued(void *ctx);

#endif
