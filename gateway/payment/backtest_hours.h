/*
 * backtest_hours.h - how accounts did, hour by hour, from payments of the past (private to
 * backtest*.c).
 */
#ifndef PAYMENT_BACKTEST_HOURS_H
#define PAYMENT_BACKTEST_HOURS_H

#include "ledger/past.h"
#include "router/health.h"

struct hours;

struct hours *hours_new(const struct past *past);
void hours_free(struct hours **hours);
/* As a decision in this hour saw it: by the hour before; whether it was down, by this one. `account`
 * is past_account()'s index. */
void hours_read(const struct hours *hours, uint32_t account, int64_t at_us,
                struct health_view *view);

#endif
