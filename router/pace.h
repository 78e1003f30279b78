/*
 * pace.h - brown-outs: a provider that answers, but far slower than it usually does.
 *
 *     USUAL --p95 of the last half minute above the bound--> SLOW
 *       ^                                                     |
 *       +----- so many calls in a row below half of it -------+
 *
 * The bound is the smaller of `bound_ms` and `percent` of what is usual, the latter never below
 * `floor_ms`: a provider that takes 40 instead of 8 ms harms nobody. What is usual follows the p95 slowly
 * (a sixteenth every ten seconds) and stands still in a brown-out, until that has lasted for ten
 * minutes: then it is how this provider is. A call that was lost counts with the time that it took.
 *
 * While SLOW one call every probe_ms goes there in the usual order to find out; only calls that
 * were sent after it had become slow clear it.
 */
#ifndef ROUTER_PACE_H
#define ROUTER_PACE_H

#include <stdbool.h>

#include "router/latency.h"

struct pace_config {
    uint32_t percent;    /* 400: of the usual p95 */
    int64_t floor_ms;    /* 1,000: never slow below this */
    int64_t bound_ms;    /* 10,000: always slow above this */
    uint32_t calls_min;  /* 20 in the last half minute, else nothing is said */
    uint32_t fast_calls; /* 5 in a row clear it, doubled by each relapse up to 10 */
    int64_t probe_ms;    /* 2,000: between the calls that find out */
};

struct pace { /* all zero: usual, nothing known */
    struct latency recent;
    _Atomic int64_t usual_us; /* p95; 0: not known yet */
    _Atomic int64_t learned_us;
    _Atomic int64_t slow_us;    /* since when it is slow; 0: it is not */
    _Atomic int64_t cleared_us; /* end of the last brown-out */
    _Atomic int64_t probe_us;   /* when the last call was let through to find out */
    _Atomic uint32_t fast_in_row;
};

enum pace_move {
    PACE_STAYS = 0,
    PACE_BECAME_SLOW,
    PACE_RECOVERED,
};

/* A call took so long. relapses: how often of late. Exactly one process is told of each move. */
enum pace_move pace_add(struct pace *pace, const struct pace_config *config, int64_t latency_us,
                        unsigned relapses, int64_t now_us);
bool pace_is_slow(const struct pace *pace);
/* Whether a call may find out now; pace_take_probe is true for one caller. */
bool pace_may_probe(const struct pace *pace, const struct pace_config *config, int64_t now_us);
bool pace_take_probe(struct pace *pace, const struct pace_config *config, int64_t now_us);
/* The latency above which its p95 makes it slow. */
int64_t pace_bound_us(const struct pace *pace, const struct pace_config *config);
int64_t pace_usual_us(const struct pace *pace);            /* 0: not known */
int64_t pace_recent_us(struct pace *pace, int64_t now_us); /* p95 of the last half minute */

#endif
