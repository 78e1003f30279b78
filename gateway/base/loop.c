/*
 * One tick:
 *
 *     look without waiting -- nothing ready --> wait for the first event
 *              |                                      |
 *              +------ callbacks of what is ready ----+
 *                                 |
 *                     hooks, in order of registration
 *
 * libevent does not say when its wait ended. Looking first tells work that had piled up (the time
 * since the last hooks is then lag) from idleness (it is not), at the price of one system call per
 * idle tick.
 */
#include "base/loop.h"

#include <stdlib.h>

#include "base/clock.h"

struct loop_hook {
    loop_fn fn;
    void *ctx;
};

struct loop {
    struct event_base *base; /* owned */
    struct loop_hook hooks[LOOP_HOOK_MAX];
    size_t hook_count;
    int64_t now_us;      /* of this tick; 0 when not yet taken */
    int64_t hooks_at_us; /* when the hooks ran last */
    int64_t lag_us;      /* the longest since loop_take_lag_us */
    int64_t square_us2;  /* of the ticks' lengths, summed since loop_take_tick_us */
    int64_t asked_us;    /* when that was */
    bool is_ticking;
    bool is_stopping;
};

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    CHECK(loop != NULL);
    struct event_config *config = event_config_new();
    CHECK(config != NULL);
    /* By default libevent reads a clock that steps by up to 4 ms: too coarse for a linger of 1 ms.
     */
    CHECK(event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0);
    loop->base = event_base_new_with_config(config);
    CHECK(loop->base != NULL);
    event_config_free(config);
    loop->hooks_at_us = clock_mono_us();
    return loop;
}

void loop_free(struct loop **loop)
{
    if (*loop == NULL)
        return;
    CHECK(!(*loop)->is_ticking);
    event_base_free((*loop)->base);
    free(*loop);
    *loop = NULL;
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

void loop_after_tick(struct loop *loop, loop_fn fn, void *ctx)
{
    CHECK(loop->hook_count < LOOP_HOOK_MAX);
    loop->hooks[loop->hook_count++] = (struct loop_hook){fn, ctx};
}

static void run_hooks(struct loop *loop, bool work_was_ready)
{
    for (size_t i = 0; i < loop->hook_count; i++)
        loop->hooks[i].fn(loop->hooks[i].ctx);
    int64_t now_us = clock_mono_us();
    int64_t since_us = work_was_ready ? loop->hooks_at_us : loop->now_us;
    int64_t lag_us = since_us != 0 ? now_us - since_us : 0;
    if (lag_us > loop->lag_us)
        loop->lag_us = lag_us;
    if (__builtin_add_overflow(loop->square_us2, lag_us * lag_us, &loop->square_us2))
        loop->square_us2 = INT64_MAX;
    loop->hooks_at_us = now_us;
}

/* Run what is ready, without waiting; true when there was anything, be it what a hook activated. */
static bool run_ready(struct event_base *base)
{
    int active_count = event_base_get_num_events(base, EVENT_BASE_COUNT_ACTIVE);
    (void)event_base_get_max_events(base, EVENT_BASE_COUNT_ACTIVE, 1);
    /* ONCE as well: alone, NONBLOCK goes on for as long as callbacks make new work, without hooks.
     */
    int flags = EVLOOP_ONCE | EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY;
    CHECK(event_base_loop(base, flags) >= 0);
    active_count += event_base_get_max_events(base, EVENT_BASE_COUNT_ACTIVE, 1);
    return active_count > 0;
}

static void tick(struct loop *loop)
{
    loop->is_ticking = true;
    loop->now_us = loop->hooks_at_us;
    bool work_was_ready = run_ready(loop->base);
    if (!work_was_ready && !loop->is_stopping) {
        loop->now_us = 0;
        CHECK(event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) >= 0);
    }
    run_hooks(loop, work_was_ready);
    loop->is_ticking = false;
}

void loop_run(struct loop *loop)
{
    CHECK(!loop->is_ticking);
    loop->hooks_at_us = clock_mono_us();
    while (!loop->is_stopping)
        tick(loop);
    loop->is_stopping = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
}

int64_t loop_now_us(struct loop *loop)
{
    if (!loop->is_ticking)
        return clock_mono_us();
    if (loop->now_us == 0)
        loop->now_us = clock_mono_us();
    return loop->now_us;
}

int64_t loop_take_lag_us(struct loop *loop)
{
    int64_t lag_us = loop->lag_us;
    loop->lag_us = 0;
    return lag_us;
}

int64_t loop_take_tick_us(struct loop *loop)
{
    int64_t now_us = clock_mono_us();
    int64_t since_us = now_us - loop->asked_us;
    int64_t mean_us = loop->asked_us != 0 && since_us > 0 ? loop->square_us2 / since_us : 0;
    loop->asked_us = now_us;
    loop->square_us2 = 0;
    return mean_us;
}

static void timer_fired(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
    struct loop_timer *timer = ctx;
    (void)loop_now_us(timer->loop);
    timer->fn(timer->ctx);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_fn fn, void *ctx)
{
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .ctx = ctx};
    timer->event = evtimer_new(loop->base, timer_fired, timer);
    CHECK(timer->event != NULL);
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_us)
{
    CHECK(timer->event != NULL);
    if (delay_us < 0)
        delay_us = 0;
    struct timeval delay = {
        .tv_sec = delay_us / CLOCK_SECOND_US,
        .tv_usec = delay_us % CLOCK_SECOND_US,
    };
    CHECK(evtimer_add(timer->event, &delay) == 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->event != NULL)
        CHECK(evtimer_del(timer->event) == 0);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
    return timer->event != NULL && evtimer_pending(timer->event, NULL) != 0;
}

void loop_timer_release(struct loop_timer *timer)
{
    if (timer->event != NULL)
        event_free(timer->event);
    timer->event = NULL;
}
