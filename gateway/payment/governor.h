/*
 * governor.h - how many payments a worker may have in its own hands, from how long its work waits.
 *
 *     limit
 *      most  ------\                    ___________   most: in_flight_max
 *                   \              ____/
 *                    \________ ___/                   each interval: what is in hand, times
 *            calm ____________                        (wanted delay / measured delay)
 *                    pressure         relief
 *
 * Pure: told what happened, it says a number. Two delays tell that more comes in than goes out: how
 * long a write of the ledger takes from being asked for to its commit (or has been waiting, when
 * none comes back), and how long ready work waits for the event loop. What is at a provider is not
 * our work and does not count: a slow provider must not look like an overload.
 *
 * While both are within their bounds the limit rises to `most`. When one is beyond its bound for
 * two intervals, the limit becomes what is in hand divided by how much too long it takes: by
 * Little's law, the number with which the delay is as wanted.
 *
 * But not below `calm_count`: clients that wait for their answers before they ask again are no
 * flood, nor is a cold start, and refusing some of them would only make them ask again. When so
 * many are in hand that payments are refused in two intervals of pressure, it is a flood, and then
 * the limit may fall to a part of calm_count, for short queues. Only when the delay stays beyond
 * GOVERNOR_PATIENCE times its bound for GOVERNOR_PATIENCE_MS, still fewer are taken: as many as
 * make it that long.
 */
#ifndef PAYMENT_GOVERNOR_H
#define PAYMENT_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GOVERNOR_INTERVAL_MS = 100,
    GOVERNOR_PATIENCE = 10,
    GOVERNOR_PATIENCE_MS = 3000,
    GOVERNOR_FLOOD_MS = 1000, /* without refusals: it is over */
    GOVERNOR_FLOOD_SHARE = 4, /* of calm_count: enough for the ledger's connections */
    GOVERNOR_LIMIT_MIN = 64,
};

struct governor_config {
    int64_t write_us;  /* a write of the ledger is slower than this: pressure */
    int64_t lag_us;    /* ready work waits longer than this: pressure */
    size_t calm_count; /* taken all the same */
    size_t most;       /* the limit without pressure */
};

struct governor {
    struct governor_config config;
    size_t limit;
    size_t writing;       /* writes that were asked for and have not ended */
    int64_t progress_us;  /* when the last one ended, or the first of them began; monotonic */
    int64_t write_sum_us; /* of those that ended in this interval */
    int64_t write_count;
    unsigned pressed_count;  /* intervals of pressure in a row */
    unsigned crushed_count;  /* ... of pressure beyond all patience */
    unsigned refusing_count; /* ... in which payments were refused */
    unsigned quiet_count;    /* ... in which none was */
    bool is_refusing;        /* in this interval */
    bool is_flood;
    int64_t pressure_permille; /* of the last interval; 1000: a delay is at its bound */
};

void governor_init(struct governor *governor, const struct governor_config *config);
void governor_write_began(struct governor *governor, int64_t now_us);
void governor_write_ended(struct governor *governor, int64_t took_us, int64_t now_us);
void governor_refused(struct governor *governor); /* a payment, because of the limit */
/* Once per interval. own_count: payments in our hands and not at a provider. */
void governor_tick(struct governor *governor, size_t own_count, int64_t lag_us, int64_t now_us);

#endif
