/*
 * peers.h - hosts tell each other through PostgreSQL how provider accounts are doing.
 *
 *     each peer_interval_ms, one worker of the host:
 *         own entries -> host_health (upsert) -> rows of other hosts -> health_hint
 *
 * What another host says is a hint, not a verdict: a breaker that is open there makes this host as
 * alert as after an outage (two failures in a row open), and never opens by itself; what cannot be
 * reached from there may be fine from here. A row counts until it is PEERS_STALE intervals old by
 * the database's clock, so a hint is at most so old, and boards say how old it is.
 *
 * No payment waits for any of this. While PostgreSQL is away nothing is written or read, hints run
 * out, and each host goes by what it sees itself. At most one exchange is under way; one that hangs
 * ends by the statement time-out.
 */
#ifndef PAYMENT_PEERS_H
#define PAYMENT_PEERS_H

#include "base/loop.h"
#include "ledger/hosts.h"
#include "router/health.h"

enum {
    PEERS_STALE = 5, /* intervals */
};

struct peers;

/* host_id: this gateway's, the same after a restart. interval_ms 0: hosts tell each other nothing. */
struct peers *peers_new(struct loop *loop, struct store *store, struct health *health,
                        const struct uuid *host_id, int64_t interval_ms);
/* The loop must not run again before the store is freed: an exchange may be under way. */
void peers_free(struct peers **peers);

#endif
