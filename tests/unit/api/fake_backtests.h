/*
 * fake_backtests.h - a merchant with one backtest that is done, beside fake_store.h and by its rules.
 */
#ifndef TESTS_API_FAKE_BACKTESTS_H
#define TESTS_API_FAKE_BACKTESTS_H

#include "fake_store.h"

#include "ledger/backtests.h"

struct fake_backtests_job {
    void *ctx;
    backtests_fn done;
    struct backtests_row row;
};

static struct uuid fake_backtest_id; /* zero: there is none */
static struct uuid fake_backtest_merchant;
static struct backtests_row fake_backtest_put;
static int fake_backtest_taken; /* so often another one takes the place */

static void run_backtest(const struct fake_job *job)
{
    struct fake_backtests_job *asked = job->ctx;
    bool is_there = uuid_eq(&asked->row.backtest_id, &fake_backtest_id) &&
                    uuid_eq(&asked->row.merchant_id, &fake_backtest_merchant);
    bool is_absent = job->found == STORE_FOUND && !is_there;
    asked->done(asked->ctx, is_absent ? STORE_ABSENT : job->found, &asked->row, &job->why);
}

void backtests_load(struct store *store UNUSED, const struct uuid *merchant_id,
                    const struct uuid *backtest_id, struct arena *arena UNUSED, backtests_fn done,
                    void *ctx)
{
    struct fake_backtests_job *job = ARENA_NEW(&fake.memory, struct fake_backtests_job);
    fake_ask();
    job->ctx = ctx;
    job->done = done;
    job->row = (struct backtests_row){
        .merchant_id = *merchant_id,
        .backtest_id = *backtest_id,
        .state = BACKTESTS_DONE,
        .version = 1,
        .author = STR("key_ada"),
        .since_us = 1,
        .until_us = 2,
        .created_us = 3,
        .result = STR("{\"object\":\"backtest\",\"payments\":7}"),
    };
    (void)fake_job(run_backtest, job);
}

static void run_backtest_put(const struct fake_job *job)
{
    job->done.count(job->ctx, job->found, 1, &job->why);
}

void backtests_put(struct store *store UNUSED, const struct backtests_row *row, store_count_fn done,
                   void *ctx)
{
    struct fake_job *job = fake_job(run_backtest_put, ctx);
    job->done.count = done;
    fake_backtest_put = *row;
    if (fake_backtest_taken > 0) {
        fake_backtest_taken--;
        job->found = fake.is_away ? STORE_FAILED : STORE_ABSENT;
        return;
    }
    fake_backtest_id = row->backtest_id;
    fake_backtest_merchant = row->merchant_id;
}

void backtests_due(struct store *store UNUSED, int64_t now_us UNUSED, store_count_fn done,
                   void *ctx)
{
    fake_count(done, ctx, 0);
}

const char *backtests_state_name(enum backtests_state state)
{
    return state == BACKTESTS_DONE ? "done" : "queued";
}

#endif
