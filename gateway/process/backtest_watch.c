#include "process/backtest_watch.h"

#include "base/clock.h"

enum {
    FIRST_LOOK_MS = 1000, /* at what others left, once there are connections */
};

void backtest_watch_queued(void *ctx)
{
    struct shared *shared = ctx;
    atomic_store(&shared->backtests_due, 1);
}

/* When the database is away it is asked again: nothing is lost. */
static void looked(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct backtest_watch *watch = ctx;
    (void)why;
    if (found == STORE_FOUND && count > 0)
        backtest_watch_queued(watch->shared);
}

static void look(void *ctx)
{
    struct backtest_watch *watch = ctx;
    loop_timer_start(&watch->timer, BACKTEST_WATCH_MS * CLOCK_MS_US);
    if (store_is_connected(watch->store))
        backtests_due(watch->store, clock_wall_us(), looked, watch);
}

void backtest_watch_start(struct backtest_watch *watch, struct loop *loop, struct store *store,
                          struct shared *shared)
{
    watch->store = store;
    watch->shared = shared;
    loop_timer_init(&watch->timer, loop, look, watch);
    loop_timer_start(&watch->timer, FIRST_LOOK_MS * CLOCK_MS_US);
}

void backtest_watch_stop(struct backtest_watch *watch)
{
    loop_timer_release(&watch->timer);
}
