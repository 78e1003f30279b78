/*
 * health_state.h - what health.h keeps in the shared segment (private to health*.c).
 */
#ifndef ROUTER_HEALTH_STATE_H
#define ROUTER_HEALTH_STATE_H

#include "router/health.h"
#include "router/window.h"

struct health_entry { /* all zero: closed, without calls */
    _Atomic uint64_t gate;
    _Atomic int64_t opened_us; /* start of this outage, kept when a probe fails */
    _Atomic int64_t closed_us; /* end of the last outage */
    _Atomic uint32_t failures_in_row;
    _Atomic int32_t in_flight_total;
    _Atomic uint64_t silence; /* see silence_pack */
    _Atomic int64_t used_us;
    _Atomic uint64_t account[2]; /* its id; zero: not yet written */
    _Atomic int64_t last_error_wall_us;
    _Atomic int64_t ramp_us;  /* since when it is let back; 0: long ago */
    _Atomic int64_t level;    /* see flaps */
    _Atomic int64_t level_us; /* when it was last raised */
    _Atomic int64_t hint_us;  /* when another host's breaker was told of */
    _Atomic int64_t hint_until_us;
    struct window window;
    struct share share;
    struct latency latency;
    struct pace pace;
    struct shared_text why;
    struct shared_text last_error;
    struct shared_text hint;
    _Atomic int32_t in_flight[SHM_SLOT_MAX];
    struct trail failures;
    struct trail cause; /* the failures that were there when it opened */
    struct trail openings;
};

struct health {
    struct health_config config;
    _Atomic int64_t turn_us;                /* when other hosts were told last */
    _Atomic uint64_t key[HEALTH_ENTRY_MAX]; /* of entry[i]; KEY_FREE, KEY_MOVING or an account's */
    struct health_entry entry[HEALTH_ENTRY_MAX];
    struct outcomes_table outcomes;
    _Atomic int64_t minute; /* that somebody has taken to tell of the one before; 0: none yet */
};

/* The success rate of the first basis with enough payments; the last if none has. */
void health_read_rates(const struct health *health, const struct health_entry *entry,
                       enum operation operation, const struct currency *currency, int64_t now_us,
                       struct health_view *view);

#endif
