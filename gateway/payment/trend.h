/*
 * trend.h - writes down how provider accounts did, minute by minute (ledger/minutes.h): what charts
 * over time show. One process of this host writes, for all of its workers; a minute that cannot be
 * written (the ledger is away) is missing.
 */
#ifndef PAYMENT_TREND_H
#define PAYMENT_TREND_H

#include "base/loop.h"
#include "ledger/minutes.h"
#include "router/health.h"

struct trend;

/* host_id: this gateway's, the same after a restart. Everything is borrowed. */
struct trend *trend_new(struct loop *loop, struct store *store, struct health *health,
                        const struct uuid *host_id);
/* The loop must not run again before the store is freed: a write may be under way. */
void trend_free(struct trend **trend);

#endif
