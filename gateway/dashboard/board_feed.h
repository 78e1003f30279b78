/*
 * board_feed.h - what the dashboard shows, gathered at most once a second and only while somebody
 * looks.
 *
 *     accounts (ledger, every 2 s) + health (shared segment)
 *          + newest payments (ledger, while watched) -> JSON
 */
#ifndef DASHBOARD_BOARD_FEED_H
#define DASHBOARD_BOARD_FEED_H

#include "base/loop.h"
#include "ledger/store.h"
#include "router/health.h"

struct feed;
typedef void (*feed_fn)(void *ctx, struct str json);

struct feed *feed_new(struct loop *loop, struct store *store, struct health *health);
void feed_free(struct feed **feed);
/* Called with a fresh snapshot every second from now on; NULL: nobody watches any more. */
void feed_watch(struct feed *feed, feed_fn fn, void *ctx);
/* Bring the health gauges of the metrics up to date. */
void feed_update_gauges(struct feed *feed);
size_t feed_account_count(const struct feed *feed);

#endif
