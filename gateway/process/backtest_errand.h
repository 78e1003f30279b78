/*
 * backtest_errand.h - the process that computes the backtests that were asked for, one after the other,
 * until none is due (ledger/backtest_queue.h).
 *
 *     master --fork--> errand: claims, renews its lease, writes the result down
 *                         |
 *                         +--fork--> the computing itself, for each: nice, first to go when memory is
 *                                    short, within limits of memory, of time and of the result's size
 *
 * Two processes, so that a death of the one that computes (a limit, the kernel, a bug) is seen at once
 * by one that can say so in the ledger. When the errand itself dies, its successor knows it by name and
 * takes over what it had; when the whole host dies, the lease ends. A backtest whose processes died
 * twice is failed. SIGTERM: what is under way goes back into the queue, and this try does not count.
 */
#ifndef PROCESS_BACKTEST_ERRAND_H
#define PROCESS_BACKTEST_ERRAND_H

#include "process/config.h"

struct backtest_errand {         /* borrowed */
    const struct config *config; /* finished */
    struct uuid runner_id;
    struct uuid dead_id; /* whoever had this seat before and died; zero: nobody */
};

/* In a process of its own, without libpq, libevent or OpenSSL in use: its exit status. */
int backtest_errand_run(const struct backtest_errand *errand);

#endif
