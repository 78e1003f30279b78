#include "base/loop.h"
#include "base/clock.h"
#include "helpers.h"

#include <sys/socket.h>

/* What happened, in order, as letters. */
static char trace[256];
static size_t trace_len;
static struct loop *loop;

static void note(char c)
{
    assert_true(trace_len + 1 < sizeof(trace));
    trace[trace_len++] = c;
    trace[trace_len] = '\0';
}

static int make_loop(void **state)
{
    (void)state;
    trace_len = 0;
    trace[0] = '\0';
    loop = loop_new();
    return 0;
}

static int drop_loop(void **state)
{
    (void)state;
    loop_free(&loop);
    return loop == NULL ? 0 : -1;
}

static void note_a(void *ctx)
{
    (void)ctx;
    note('a');
}

static void note_b(void *ctx)
{
    (void)ctx;
    note('b');
}

static void note_hook_1(void *ctx)
{
    (void)ctx;
    note('1');
}

static void note_hook_2(void *ctx)
{
    (void)ctx;
    note('2');
}

static void stop(void *ctx)
{
    (void)ctx;
    note('s');
    loop_stop(loop);
}

static void hooks_run_in_order_after_all_ready_callbacks(void **state)
{
    (void)state;
    struct loop_timer a, b, last;
    loop_timer_init(&a, loop, note_a, NULL);
    loop_timer_init(&b, loop, note_b, NULL);
    loop_timer_init(&last, loop, stop, NULL);
    loop_after_tick(loop, note_hook_1, NULL);
    loop_after_tick(loop, note_hook_2, NULL);
    loop_timer_start(&a, 0);
    loop_timer_start(&b, 0);
    loop_timer_start(&last, 20000);
    loop_run(loop);
    assert_string_equal(trace, "ab12s12");
    loop_timer_release(&a);
    loop_timer_release(&b);
    loop_timer_release(&last);
}

/* Re-arms its timer for the next tick until three ticks have passed. */
static void rearm(void *ctx)
{
    note('1');
    if (trace_len < 6)
        loop_timer_start(ctx, 0);
    else
        loop_stop(loop);
}

static void a_hook_that_asks_for_the_next_tick_gets_it_at_once(void **state)
{
    (void)state;
    struct loop_timer timer, far;
    loop_timer_init(&timer, loop, note_a, NULL);
    loop_timer_init(&far, loop, note_b, NULL);
    loop_after_tick(loop, rearm, &timer);
    loop_timer_start(&timer, 0);
    loop_timer_start(&far, 60 * CLOCK_SECOND_US);
    loop_run(loop);
    assert_string_equal(trace, "a1a1a1");
    loop_timer_release(&timer);
    loop_timer_release(&far);
}

static void restart(void *ctx)
{
    note('r');
    loop_timer_start(ctx, 0);
}

static void stop_at_six(void *ctx)
{
    (void)ctx;
    note('1');
    if (trace_len >= 6)
        loop_stop(loop);
}

static void a_timer_restarted_by_its_callback_waits_for_the_hooks(void **state)
{
    (void)state;
    struct loop_timer timer;
    loop_timer_init(&timer, loop, restart, &timer);
    loop_after_tick(loop, stop_at_six, NULL);
    loop_timer_start(&timer, 0);
    loop_run(loop);
    assert_string_equal(trace, "r1r1r1");
    loop_timer_release(&timer);
}

static void a_timer_fires_once_and_not_early(void **state)
{
    (void)state;
    struct loop_timer timer, last;
    loop_timer_init(&timer, loop, note_a, NULL);
    loop_timer_init(&last, loop, stop, NULL);
    assert_false(loop_timer_is_running(&timer));
    loop_timer_start(&timer, 60 * CLOCK_SECOND_US);
    assert_true(loop_timer_is_running(&timer));
    loop_timer_start(&timer, 3000); /* the later start counts */
    int64_t started_us = clock_mono_us();
    loop_timer_start(&last, 10000);
    loop_run(loop);
    assert_string_equal(trace, "as");
    assert_true(clock_mono_us() - started_us >= 10000 - 100);
    assert_false(loop_timer_is_running(&timer));
    loop_timer_release(&timer);
    loop_timer_release(&last);
    assert_false(loop_timer_is_running(&last));
    loop_timer_release(&last);
}

static void a_stopped_timer_never_fires(void **state)
{
    (void)state;
    struct loop_timer timer, last;
    loop_timer_init(&timer, loop, note_a, NULL);
    loop_timer_init(&last, loop, stop, NULL);
    loop_timer_start(&timer, 1000);
    loop_timer_start(&last, 5000);
    loop_timer_stop(&timer);
    loop_timer_stop(&timer);
    loop_run(loop);
    assert_string_equal(trace, "s");
    loop_timer_start(&timer, -5); /* a delay in the past is none */
    loop_timer_start(&last, 5000);
    loop_run(loop);
    assert_string_equal(trace, "sas");
    loop_timer_release(&timer);
    loop_timer_release(&last);
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
    char c;
    (void)what;
    (void)ctx;
    assert_int_equal(read(fd, &c, 1), 1);
    note(c);
}

static void write_and_stop(void *ctx)
{
    /* Seen in the next run: the tick that stops is finished, and none after it begins. */
    assert_int_equal(write(*(int *)ctx, "y", 1), 1);
    loop_stop(loop);
}

static void sockets_wake_the_loop_and_stop_ends_after_the_hooks(void **state)
{
    (void)state;
    int pair[2];
    struct loop_timer timer;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct event *event = event_new(loop_base(loop), pair[0], EV_READ | EV_PERSIST, readable, NULL);
    assert_int_equal(event_add(event, NULL), 0);
    loop_after_tick(loop, note_hook_1, NULL);
    loop_timer_init(&timer, loop, write_and_stop, &pair[1]);
    assert_int_equal(write(pair[1], "x", 1), 1);
    loop_timer_start(&timer, 5000);
    loop_run(loop);
    assert_string_equal(trace, "x11");
    loop_timer_start(&timer, 5000);
    loop_run(loop);
    assert_string_equal(trace, "x11y11");
    event_free(event);
    loop_timer_release(&timer);
    close(pair[0]);
    close(pair[1]);
}

static void write_one(void *ctx)
{
    assert_int_equal(write(*(int *)ctx, "z", 1), 1);
    note('w');
}

/* A hook may activate an event itself: that is work, and must not be followed by a wait. */
static struct event *activated;

static void activate_once(void *ctx)
{
    (void)ctx;
    note('1');
    if (trace_len == 2)
        event_active(activated, EV_READ, 0);
    if (trace_len >= 4)
        loop_stop(loop);
}

static void activated_callback(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
    note('e');
}

static void an_event_activated_by_a_hook_is_followed_by_hooks(void **state)
{
    (void)state;
    int pair[2];
    struct loop_timer timer;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    activated = event_new(loop_base(loop), -1, 0, activated_callback, NULL);
    loop_timer_init(&timer, loop, write_one, &pair[1]);
    loop_after_tick(loop, activate_once, NULL);
    loop_timer_start(&timer, 0);
    loop_run(loop);
    assert_string_equal(trace, "w1e1");
    event_free(activated);
    loop_timer_release(&timer);
    close(pair[0]);
    close(pair[1]);
}

static void a_stop_before_the_run_is_not_lost(void **state)
{
    (void)state;
    loop_after_tick(loop, note_hook_1, NULL);
    loop_stop(loop);
    loop_run(loop);
    assert_string_equal(trace, "");
}

static int64_t seen_us[2];

static void look_at_the_time(void *ctx)
{
    (void)ctx;
    seen_us[0] = loop_now_us(loop);
    int64_t until_us = clock_mono_us() + 3000;
    while (clock_mono_us() < until_us)
        continue;
    seen_us[1] = loop_now_us(loop);
}

static struct loop_timer short_timer;

/* A hundred short ticks, then one of 3 ms. */
static void run_short_ticks(void *ctx)
{
    static int left;
    left = left == 0 ? 100 : left - 1;
    if (left > 1) {
        loop_timer_start(&short_timer, 0);
        return;
    }
    look_at_the_time(ctx);
    left = 0;
    loop_stop(loop);
}

static void short_ticks_do_not_hide_a_long_one(void **state)
{
    (void)state;
    loop_timer_init(&short_timer, loop, run_short_ticks, NULL);
    int64_t from_us = clock_mono_us();         /* first: no pause of ours may be outside of it */
    assert_true(loop_take_tick_us(loop) == 0); /* from now on */
    loop_timer_start(&short_timer, 0);
    loop_run(loop);
    int64_t tick_us = loop_take_tick_us(loop);
    int64_t spent_us = clock_mono_us() - from_us;
    /* The share of the time that was in it, times its length; what the machine added made both
     * longer. */
    assert_true(tick_us >= 3000 * 3000 / spent_us);
    assert_true(tick_us <= spent_us);
    assert_true(loop_take_tick_us(loop) == 0);
    loop_timer_release(&short_timer);
}

static void time_stands_still_within_a_tick_and_long_work_is_lag(void **state)
{
    (void)state;
    struct loop_timer timer, last;
    loop_timer_init(&timer, loop, look_at_the_time, NULL);
    loop_timer_init(&last, loop, stop, NULL);
    int64_t before_us = loop_now_us(loop);
    loop_timer_start(&timer, 20000);
    loop_timer_start(&last, 60000);
    loop_run(loop);
    assert_true(seen_us[0] == seen_us[1]);
    assert_true(seen_us[0] >= before_us + 19000);
    /* The two waits of the run are no lag, the 3 ms of work are. */
    int64_t lag_us = loop_take_lag_us(loop);
    assert_true(lag_us >= 3000);
    assert_true(loop_take_lag_us(loop) == 0);
    loop_timer_release(&timer);
    loop_timer_release(&last);
}

static void register_too_many(void *ctx)
{
    for (int i = 0; i <= LOOP_HOOK_MAX; i++)
        loop_after_tick(loop, note_hook_1, ctx);
}

static void too_many_hooks_are_a_bug(void **state)
{
    (void)state;
    assert_true(aborts(register_too_many, NULL));
}

#define with_loop(test) cmocka_unit_test_setup_teardown(test, make_loop, drop_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_loop(hooks_run_in_order_after_all_ready_callbacks),
        with_loop(a_hook_that_asks_for_the_next_tick_gets_it_at_once),
        with_loop(a_timer_restarted_by_its_callback_waits_for_the_hooks),
        with_loop(a_timer_fires_once_and_not_early),
        with_loop(a_stopped_timer_never_fires),
        with_loop(sockets_wake_the_loop_and_stop_ends_after_the_hooks),
        with_loop(an_event_activated_by_a_hook_is_followed_by_hooks),
        with_loop(a_stop_before_the_run_is_not_lost),
        with_loop(time_stands_still_within_a_tick_and_long_work_is_lag),
        with_loop(short_ticks_do_not_hide_a_long_one),
        with_loop(too_many_hooks_are_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
