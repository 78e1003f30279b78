/*
 * backtest_run.h - one backtest from text to figures: rules, accounts and rates of now, the past from
 * the ledger (payment/backtest.h). Blocking, and hungry: for the command line, or for a process of its
 * own (backtest_errand.h), never for a worker.
 */
#ifndef PROCESS_BACKTEST_RUN_H
#define PROCESS_BACKTEST_RUN_H

#include "payment/backtest.h"
#include "process/config.h"

struct backtest_asked {          /* borrowed */
    const struct config *config; /* finished */
    struct str rules;            /* their text */
    const char *name;            /* of that text, for errors */
    struct uuid merchant_id;     /* zero: all, by provider */
    int64_t since_us;
    int64_t until_us; /* 0: no end */
};

/* False with *err: the rules, the rates or the database. */
bool backtest_answer(const struct backtest_asked *asked, struct backtest *answer,
                     struct error *err) MUST_USE;

#endif
