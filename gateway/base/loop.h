/*
 * loop.h - one libevent base per process, timers, and a hook after every tick.
 *
 * Callbacks record and return; work that can wait (a ledger batch, heartbeats) is done in the
 * after-tick hooks, which run in order of registration after all ready callbacks of a tick have
 * run. Made after the fork, never before.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct loop;
typedef void (*loop_fn)(void *ctx);

enum {
    LOOP_HOOK_MAX = 16,
};

struct loop *loop_new(void); /* never NULL */
void loop_free(struct loop **loop);
struct event_base *loop_base(struct loop *loop); /* borrowed; for bufferevents and socket events */
void loop_after_tick(struct loop *loop, loop_fn fn, void *ctx); /* for the life of the loop */
void loop_run(struct loop *loop);                               /* until loop_stop */
void loop_stop(struct loop *loop); /* returns from loop_run after this tick and its hooks */
/* The monotonic time of this tick: taken when it starts, or when first asked for after a wait. */
int64_t loop_now_us(struct loop *loop);
/* Longest gap between two ticks' hook runs since last asked, while work was ready (loop lag). */
int64_t loop_take_lag_us(struct loop *loop);
/*
 * The length of the tick that a moment fell into, on average over the time since last asked: many
 * short ticks do not hide a long one, as most moments are in it; idle time counts as 0.
 */
int64_t loop_take_tick_us(struct loop *loop);

/* A one-shot timer that lives in its owner's struct. */
struct loop_timer {
    struct event *event; /* owned; NULL until init */
    struct loop *loop;   /* borrowed */
    loop_fn fn;
    void *ctx;
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_fn fn, void *ctx);
void loop_timer_start(struct loop_timer *timer, int64_t delay_us); /* restarts; 0 = next tick */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);
void loop_timer_release(struct loop_timer *timer);

#endif
