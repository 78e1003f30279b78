#include "payment/driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "ledger/balance.h"
#include "ledger/levels.h"
#include "payment/measures.h"

/*
 * Balances are rolled up by every worker, each some merchants at a time: one that is busy each few
 * seconds, one that is not after ten minutes. A round is small enough to end long before the
 * statement time-out, and does not hold up for long what else goes over its connection. What is
 * counted for good is put into pages, for balances at a past moment.
 *
 * So are service levels, a day of a merchant at a time once it is over. What there is to catch up
 * with (the days before an update to this) takes a while, and leaves the connection to others between.
 */
enum {
    ROUND_MS = 3000,
    ROUND_MERCHANT_MAX = 32,
    ROUND_TRANSFER_MAX = 40000,
    PAGE_MERCHANT_MAX = 8,
    PAGE_MAX = 4,
    PAGE_TRANSFERS = 1000,
    LEVEL_ROUND_MS = 30000,
    LEVEL_AGAIN_MS = 250,
    LEVEL_CHECK_MAX = 16, /* days compared in a round */
    LEVEL_ATTEMPT_MAX = 150000,
    MEASURE_ROUND_MS = 10000,
    MEASURE_OPEN_MAX = 8, /* hours that were open, in a round */
    MEASURE_REST = 50,    /* times as long as asking took, nothing is asked */
    MEASURE_ARENA_MAX = 4 << 20,
};

static void round_end(struct payments *payments, enum store_find found, int64_t left,
                      const struct error *why)
{
    payments->rollup.is_rolling = false;
    if (found == STORE_FAILED)
        log_warn("payment", "cannot roll up balances; will try again",
                 LOG_CSTR("error", why->text));
    else if (left > 0)
        loop_timer_start(&payments->rollup.timer, 0);
}

static void pages_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    round_end(payments, found, payments->rollup.left + count, why);
}

static void round_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    payments->rollup.left = count;
    if (found == STORE_FAILED || !store_is_connected(payments->parts.store))
        round_end(payments, found, count, why);
    else
        balances_page(payments->parts.store, PAGE_MERCHANT_MAX, PAGE_MAX, PAGE_TRANSFERS,
                      pages_done, payments);
}

static void round_run(void *ctx)
{
    struct payments *payments = ctx;
    loop_timer_start(&payments->rollup.timer, ROUND_MS * CLOCK_MS_US);
    if (payments->is_draining || payments->rollup.is_rolling ||
        !store_is_connected(payments->parts.store))
        return;
    payments->rollup.is_rolling = true;
    balances_roll(payments->parts.store, ROUND_MERCHANT_MAX, ROUND_TRANSFER_MAX, round_done,
                  payments);
}

static void levels_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    payments->rollup.is_rolling_levels = false;
    if (found == STORE_FAILED)
        log_warn("payment", "cannot roll up service levels; will try again",
                 LOG_CSTR("error", why->text));
    else if (count > 0)
        loop_timer_start(&payments->rollup.level_timer, LEVEL_AGAIN_MS * CLOCK_MS_US);
}

static void levels_run(void *ctx)
{
    struct payments *payments = ctx;
    loop_timer_start(&payments->rollup.level_timer, LEVEL_ROUND_MS * CLOCK_MS_US);
    if (payments->is_draining || payments->rollup.is_rolling_levels ||
        !store_is_connected(payments->parts.store))
        return;
    payments->rollup.is_rolling_levels = true;
    levels_roll(payments->parts.store, clock_wall_us(), LEVEL_CHECK_MAX, LEVEL_ATTEMPT_MAX,
                levels_done, payments);
}

/* ---- how payments proceed: rolled up, and told as metrics --------------------------------------- */

static void measures_end(struct payments *payments, int64_t wait_ms)
{
    payments->rollup.is_measuring = false;
    arena_release(&payments->rollup.measure_arena);
    loop_timer_start(&payments->rollup.measure_timer, wait_ms * CLOCK_MS_US);
}

static void measures_came(void *ctx, enum store_find found, const struct measures *measures,
                          const struct error *why)
{
    struct payments *payments = ctx;
    int64_t took_ms = (clock_mono_us() - payments->rollup.measured_us) / CLOCK_MS_US;
    if (found == STORE_FAILED)
        log_warn("payment", "cannot measure the process; will try again",
                 LOG_CSTR("error", why->text));
    else
        measures_publish(measures);
    measures_end(payments, MEASURE_ROUND_MS + took_ms * MEASURE_REST);
}

static void measures_rolled(void *ctx, enum store_find found, int64_t count,
                            const struct error *why)
{
    struct payments *payments = ctx;
    struct measures_span span;
    struct error ignored;
    const char *member;
    const struct uuid all = {{0}};
    int64_t now_us = clock_wall_us();
    if (found == STORE_FAILED)
        log_warn("payment", "cannot roll up the measures of the process; will try again",
                 LOG_CSTR("error", why->text));
    if (count > 0 || found == STORE_FAILED || !store_is_connected(payments->parts.store)) {
        measures_end(payments, count > 0 ? LEVEL_AGAIN_MS : MEASURE_ROUND_MS);
        return;
    }
    CHECK(measures_span(STR_NONE, STR_NONE, STR_NONE, now_us, &span, &member, &ignored));
    payments->rollup.measured_us = clock_mono_us();
    measures_read(payments->parts.store, &all, span.from_us, span.to_us, now_us,
                  &payments->rollup.measure_arena, measures_came, payments);
}

static void measures_run(void *ctx)
{
    struct payments *payments = ctx;
    if (payments->is_draining || !store_is_connected(payments->parts.store)) {
        loop_timer_start(&payments->rollup.measure_timer, MEASURE_ROUND_MS * CLOCK_MS_US);
        return;
    }
    payments->rollup.is_measuring = true;
    arena_init(&payments->rollup.measure_arena, MEASURE_ARENA_MAX);
    measures_roll(payments->parts.store, clock_wall_us(), MEASURE_OPEN_MAX, measures_rolled,
                  payments);
}

void rollup_init(struct payments *payments)
{
    loop_timer_init(&payments->rollup.measure_timer, payments->parts.loop, measures_run, payments);
    loop_timer_start(&payments->rollup.measure_timer, MEASURE_ROUND_MS * CLOCK_MS_US);
    loop_timer_init(&payments->rollup.level_timer, payments->parts.loop, levels_run, payments);
    loop_timer_start(&payments->rollup.level_timer, LEVEL_ROUND_MS * CLOCK_MS_US);
    loop_timer_init(&payments->rollup.timer, payments->parts.loop, round_run, payments);
    loop_timer_start(&payments->rollup.timer, ROUND_MS * CLOCK_MS_US);
}

void rollup_release(struct payments *payments)
{
    if (payments->rollup.is_measuring)
        arena_release(&payments->rollup.measure_arena);
    loop_timer_release(&payments->rollup.measure_timer);
    loop_timer_release(&payments->rollup.level_timer);
    loop_timer_release(&payments->rollup.timer);
}
