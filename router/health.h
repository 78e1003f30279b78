/*
 * health.h - how each provider account is doing, in the shared segment: all workers write, all
 * read.
 *
 *     CLOSED --failures--> OPEN --after open_ms--> HALF_OPEN --probe succeeds--> CLOSED
 *                           ^                          |
 *                           +-------probe fails--------+
 *
 * A sliding window of one-second buckets counts answers and failures. A failure says that the
 * provider is unwell: not sent (refused, TLS), lost (time-out, reset), 5xx. A decline is a success
 * of the provider. A provider that swallows calls without any answer opens too (no answer since
 * silence_ms while at least silence_calls were sent). In HALF_OPEN one caller at a time gets a
 * probe. An outage must move traffic within 20 calls or 5 seconds, recovery bring it back within 30
 * seconds.
 *
 * An answer judges the breaker only when its call was sent after the breaker's last move: time-outs
 * of the outage that arrive after the recovery do not open it again. Hence latency_us is the time
 * since the call was sent, also of a call that failed.
 *
 * Lock-free: the breaker is one word, moved by compare-and-swap, so exactly one process opens it
 * and exactly one gets each probe. Entries are found by account id; when the table is full, the one
 * not used for longest is taken over. So look an entry up for each call and do not keep it beyond.
 */
#ifndef ROUTER_HEALTH_H
#define ROUTER_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/shm.h"
#include "base/str.h"

enum {
    HEALTH_ENTRY_MAX = 1024,
    HEALTH_WINDOW_S_MAX = 30,
};

enum health_state {
    HEALTH_CLOSED = 0,
    HEALTH_HALF_OPEN,
    HEALTH_OPEN,
    HEALTH_STATE_COUNT,
};
const char *health_state_name(enum health_state state); /* "closed", "half_open", "open" */

enum health_event {
    HEALTH_SUCCESS = 0, /* a whole, sensible answer (approval or decline) */
    HEALTH_NOT_SENT,    /* connect refused, TLS failed, ... */
    HEALTH_LOST,        /* time-out, reset after sending */
    HEALTH_ERROR,       /* 5xx, 429, garbage */
    HEALTH_NEUTRAL,     /* nothing was learned: we were too busy or too late, or gave up */
    HEALTH_EVENT_COUNT,
};

struct health_config {
    int64_t window_ms;        /* 10,000: failures are counted over this (whole seconds) */
    uint32_t calls_min;       /* 10: fewer calls in the window never open ... */
    uint32_t failure_percent; /* 50: ... else this share opens */
    uint32_t consecutive_max; /* 5: so many failures in a row open at once */
    int64_t silence_ms;       /* 4,000 */
    uint32_t silence_calls;   /* 5 */
    int64_t open_ms;          /* 5,000: then half-open */
    int64_t probe_ms;         /* 10,000: a probe that has not answered by then is forgotten */
};
extern const struct health_config health_config_default;

struct health;       /* the table in shared memory */
struct health_entry; /* one account's */

struct health_view {
    enum health_state state;
    bool may_try; /* closed, or half-open and the probe is free (taking it is health_take_probe) */
    uint32_t calls; /* in the window */
    uint32_t failures;
    uint32_t success_per_million;   /* of the window; 1,000,000 without calls */
    int64_t p50_us, p95_us, p99_us; /* over the last minutes; 0: no calls */
    int64_t opened_us;              /* monotonic; 0 when closed */
    int64_t retry_us;               /* when an open breaker will be tried again; 0 when closed */
    uint32_t in_flight;
    char why[64]; /* "5 failures in a row: connect_refused" */
    char last_error[64];
    int64_t last_error_wall_us; /* 0: none */
};

/* Bytes that health_open carves. */
size_t health_size(void);
/* Carve in the master before the fork. A window beyond HEALTH_WINDOW_S_MAX is a bug. */
struct health *health_open(struct shm *shm, const struct health_config *config);
/* Find or make; never NULL. */
struct health_entry *health_find(struct health *health, const struct uuid *account_id);
/* A call is about to leave. */
void health_sent(struct health_entry *entry, int64_t now_us);
/* Each health_sent is followed by exactly one health_answered (also when nothing left). */
void health_answered(struct health *health, struct health_entry *entry, enum health_event event,
                     int64_t latency_us, struct str reason, int64_t now_us, int64_t now_wall_us);
/* What is known at now_us. Opens the breaker of a provider that has gone silent. */
void health_read(struct health *health, struct health_entry *entry, int64_t now_us,
                 struct health_view *view);
/*
 * True when the caller may send now: as the probe (another caller gets false until it is answered
 * or probe_ms have passed), or because the breaker has closed in the meantime.
 */
bool health_take_probe(struct health *health, struct health_entry *entry, int64_t now_us);
/* The caller that took the probe at taken_us sends nothing after all: the next may have it. */
void health_return_probe(struct health_entry *entry, int64_t taken_us);
/* Sends of a dead worker will never be answered: take its in-flight count out. slot: who sent. */
void health_forget_slot(struct health *health, unsigned slot);
void health_set_slot(unsigned slot); /* this process */

#endif
