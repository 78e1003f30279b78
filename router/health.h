/*
 * health.h - how each provider account is doing, in the shared segment: all workers write, all
 * read. docs/health.md tells it to people.
 *
 *     CLOSED --failures--> OPEN --after a pause--> HALF_OPEN --probe succeeds--> CLOSED, ramping
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
 * What comes back is let back slowly: for ramp_ms after a breaker closed or a brown-out ended, the
 * account keeps its usual place for a share of the decisions that grows from a tenth to all, and in
 * that time alert_failures in a row open it again. The pause is open_ms, and doubles (up to
 * open_max_ms) with each opening within flap_ms of the last closing: the level; it falls by one for
 * each flap_ms that the breaker stays closed. A breaker that is open on another host (health_hint)
 * makes this one as alert as in the ramp, and does no more: what another host cannot reach may be
 * fine from here.
 *
 * A brown-out (pace.h) leaves the breaker closed; the account is `slow`: behind all healthy ones.
 *
 * What became of payments (approved, declined, unknown, failed) is counted apart from calls, per
 * operation and currency, over an hour (outcomes.h). The success rate that routing uses is that of
 * the first of these with rate_calls_min payments:
 *
 *     this operation and currency, the last rate_minutes     HEALTH_BASIS_RECENT
 *     this operation and currency, the last hour             HEALTH_BASIS_HOUR
 *     this operation in all currencies, the last hour        HEALTH_BASIS_OPERATION
 *     the account, the last hour                             HEALTH_BASIS_ACCOUNT
 *
 * If even the account has fewer, those that are missing count as approved: one failure of a new
 * account is 95 %, not 0.
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
#include "base/money.h"
#include "base/shm.h"
#include "base/str.h"
#include "base/terms.h"
#include "router/outcomes.h"
#include "router/pace.h"
#include "router/share.h"
#include "router/trail.h"

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
    int64_t open_max_ms;      /* 15,000: the longest pause of a breaker that flaps */
    int64_t flap_ms;          /* 60,000: opened again within this, it flaps */
    int64_t ramp_ms;          /* 10,000: from the first answer to all of its traffic */
    uint32_t alert_failures;  /* 2: in a row open it while ramping, or open on another host */
    uint32_t rate_minutes;    /* 5: the recent success rate is of these ... */
    uint32_t rate_calls_min;  /* 20: ... when there were so many */
    struct pace_config pace;
};
extern const struct health_config health_config_default;

struct health;       /* the table in shared memory */
struct health_entry; /* one account's */

/* Whose success rate it is; see above. */
enum health_basis {
    HEALTH_BASIS_NONE = 0, /* no payment within an hour: 100 % */
    HEALTH_BASIS_RECENT,
    HEALTH_BASIS_HOUR,
    HEALTH_BASIS_OPERATION,
    HEALTH_BASIS_ACCOUNT,
    HEALTH_BASIS_COUNT,
};
const char *health_basis_name(enum health_basis basis); /* "none", "recent", "hour", ... */

struct health_view {
    enum health_state state;
    bool may_try;      /* closed and not slow, or its probe is free (health_take_probe takes it) */
    bool is_slow;      /* a brown-out: behind healthy accounts */
    uint32_t calls;    /* in the breaker's window */
    uint32_t failures; /* of them */
    uint32_t away_per_million;    /* of decisions that still pass it by while it ramps; 0: none */
    enum health_basis basis;      /* of the next four */
    uint32_t outcomes;            /* approved, declined, unknown and failed */
    uint32_t success_per_million; /* approved; 1,000,000 without any */
    uint32_t declined_per_million;
    uint32_t unknown_per_million;   /* not known to this day, when it was counted */
    uint32_t decisions;             /* that put it first, in the last five minutes (share.h) */
    int64_t p50_us, p95_us, p99_us; /* over the last minutes; 0: no calls */
    int64_t opened_us;              /* monotonic; 0 when closed */
    int64_t retry_us;               /* when an open breaker will be tried again; 0 when closed */
    uint32_t in_flight;
    uint32_t level; /* how much it flaps: 0 not at all */
    char why[64];   /* "5 failures in a row: connect_refused", "slow: p95 ..." */
    char last_error[64];
    int64_t last_error_wall_us; /* 0: none */
};

struct health_history {                    /* for people: newest first */
    struct trail_event opening[TRAIL_MAX]; /* breaker opened, or became slow; length: its pause */
    size_t opening_count;
    struct trail_event failure[TRAIL_MAX]; /* the calls that led to the last one; length: theirs */
    size_t failure_count;
    int64_t usual_p95_us, recent_p95_us, slow_bound_us; /* 0: not known */
    struct outcomes_counts hour;                        /* of the account */
    struct outcomes_counts quarter;                     /* the last 15 minutes */
    struct outcomes_counts minute;                      /* this minute and the whole one before */
    char hint[64];                                      /* another host's view; empty: none */
    int64_t hint_age_us;
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
/* What is known at now_us. Opens the breaker of a provider that has gone silent. The success rate
 * is that of the whole account. */
void health_read(struct health *health, struct health_entry *entry, int64_t now_us,
                 struct health_view *view);
/* The same with the success rate of one operation and currency. */
void health_read_for(struct health *health, struct health_entry *entry, enum operation operation,
                     const struct currency *currency, int64_t now_us, struct health_view *view);
/* For boards: slower than health_read. */
void health_read_history(struct health *health, struct health_entry *entry, int64_t now_us,
                         struct health_history *history);
/*
 * What became of a payment, once: an unknown one that turns out later is not told again. Pending
 * and none are not counted.
 */
void health_outcome(struct health *health, struct health_entry *entry, enum operation operation,
                    const struct currency *currency, enum outcome outcome, int64_t now_us);
/*
 * True for one process in every_us: it tells other hosts, for all of this one.
 */
bool health_take_turn(struct health *health, int64_t every_us, int64_t now_us);
/*
 * The same for one process in a minute, once that minute is over: *start_us is its beginning
 * (monotonic), for health_read_minute.
 */
bool health_take_minute(struct health *health, int64_t now_us, int64_t *start_us);
/* What became of an account's payments in the minute that began at start_us, within the last hour. */
void health_read_minute(const struct health *health, const struct health_entry *entry,
                        int64_t start_us, struct outcomes_counts *counts);
/* The next entry from *index on that had a call within idle_us or is not well; false: no more. */
bool health_next(struct health *health, size_t *index, int64_t idle_us, int64_t now_us,
                 struct uuid *account_id, struct health_entry **entry);
/* A decision put the account first. */
void health_decided(struct health_entry *entry, int64_t now_us);
/* Another host says that its breaker is open; forgotten at until_us. why: for people. */
void health_hint(struct health_entry *entry, struct str why, int64_t now_us, int64_t until_us);
/*
 * True when the caller may send now: as the probe (another caller gets false until it is answered
 * or probe_ms have passed), or because the breaker is closed. Of a slow account it also takes the
 * call that finds out.
 */
bool health_take_probe(struct health *health, struct health_entry *entry, int64_t now_us);
/* The caller that took the probe at taken_us sends nothing after all: the next may have it. */
void health_return_probe(struct health_entry *entry, int64_t taken_us);
/* Sends of a dead worker will never be answered: take its in-flight count out. slot: who sent. */
void health_forget_slot(struct health *health, unsigned slot);
void health_set_slot(unsigned slot); /* this process */

#endif
