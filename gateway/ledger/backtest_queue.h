/*
 * backtest_queue.h - the backtests of backtests.h, for whoever computes them. Blocking: for a process
 * of its own, never for a worker.
 *
 * A claim is a lease that must be renewed, and a number that grows: who has lost the lease writes
 * nothing any more. Every statement commits by itself.
 */
#ifndef LEDGER_BACKTEST_QUEUE_H
#define LEDGER_BACKTEST_QUEUE_H

#include "base/arena.h"
#include "ledger/backtests.h"

struct backtest_queue;

/* NULL with *err: the database cannot be reached. */
struct backtest_queue *backtest_queue_open(const char *conninfo, struct error *err) MUST_USE;
void backtest_queue_close(struct backtest_queue **queue);

/* What this one had is free at once: it is surely dead. */
bool backtest_queue_release(struct backtest_queue *queue, const struct uuid *runner_id,
                            int64_t now_us, struct error *err) MUST_USE;
/* The next that is due, leased until then, with the text of its rule set, in arena. False: there is
 * none (*err has no text then), or the database refuses. */
bool backtest_queue_claim(struct backtest_queue *queue, const struct uuid *runner_id,
                          int64_t now_us, int64_t lease_until_us, struct arena *arena,
                          struct backtests_row *row, struct str *rules, struct error *err) MUST_USE;
/* False: it is no longer ours (*err has no text then), or the database refuses. */
bool backtest_queue_renew(struct backtest_queue *queue, const struct backtests_row *row,
                          int64_t lease_until_us, struct error *err) MUST_USE;
/* Somebody shall begin it anew; `is_free`: this try does not count. */
bool backtest_queue_put_back(struct backtest_queue *queue, const struct backtests_row *row,
                             bool is_free, int64_t now_us, struct error *err) MUST_USE;
/* With its result, or with why there is none: the other is empty. */
bool backtest_queue_end(struct backtest_queue *queue, const struct backtests_row *row,
                        struct str result, struct str reason, int64_t now_us,
                        struct error *err) MUST_USE;
/* Forget what is old enough, and of this merchant (NULL: of none) what is more than
 * BACKTESTS_KEPT_MAX. */
bool backtest_queue_sweep(struct backtest_queue *queue, const struct uuid *merchant_id,
                          int64_t now_us, struct error *err) MUST_USE;

#endif
