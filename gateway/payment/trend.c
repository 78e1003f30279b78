#include "payment/trend.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    LOOK_US = 5000000,
    ARENA_BYTES_MAX = 4 << 20,
    SWEEP_EVERY = 500, /* minutes that this process wrote */
};
#define IDLE_US (120 * CLOCK_SECOND_US) /* accounts without a call for so long have no row */

struct trend {
    struct store *store;   /* borrowed */
    struct health *health; /* borrowed */
    struct uuid host_id;
    struct loop_timer tick;
    struct arena arena; /* of the write under way */
    bool is_busy;
    unsigned writes;
};

static void done(void *ctx, enum store_find found, int64_t number, const struct error *why)
{
    struct trend *trend = ctx;
    (void)number;
    trend->is_busy = false;
    if (found == STORE_FAILED) {
        log_debug("health", "a minute was not written", LOG_CSTR("error", why->text));
    }
}

static struct minute_row row_of(struct trend *trend, const struct uuid *account_id,
                                struct health_entry *entry, int64_t start_us, int64_t now_us)
{
    struct health_view view;
    struct outcomes_counts counts;
    health_read(trend->health, entry, now_us, &view);
    health_read_minute(trend->health, entry, start_us, &counts);
    return (struct minute_row){
        .account_id = *account_id,
        .approved = counts.count[OUTCOMES_APPROVED],
        .declined = counts.count[OUTCOMES_DECLINED],
        .failed = counts.count[OUTCOMES_FAILED],
        .unknown = counts.count[OUTCOMES_UNKNOWN],
        .p50_us = view.p50_us,
        .p95_us = view.p95_us,
        .p99_us = view.p99_us,
        .state = str_of(health_state_name(view.state)),
        .slow = view.is_slow,
    };
}

static void write_minute(struct trend *trend, int64_t start_us, int64_t now_us)
{
    size_t at = 0;
    size_t count = 0;
    struct uuid account_id;
    struct health_entry *entry;
    arena_reset(&trend->arena);
    struct minute_row *rows = ARENA_ARRAY(&trend->arena, struct minute_row, MINUTES_ROW_MAX);
    while (count < MINUTES_ROW_MAX &&
           health_next(trend->health, &at, IDLE_US, now_us, &account_id, &entry)) {
        rows[count++] = row_of(trend, &account_id, entry, start_us, now_us);
    }
    if (count == 0) {
        return;
    }
    /* Whole minutes of the wall clock: those of hosts fall together, and charts bin them so. */
    int64_t wall_us = clock_wall_us() - (now_us - start_us);
    wall_us -= wall_us % (60 * CLOCK_SECOND_US);
    trend->is_busy = true;
    minutes_put(trend->store, &trend->host_id, wall_us, rows, count, done, trend);
}

static void tick(void *ctx)
{
    struct trend *trend = ctx;
    int64_t now_us = clock_mono_us();
    int64_t start_us = 0;
    loop_timer_start(&trend->tick, LOOK_US);
    if (trend->is_busy || !store_is_connected(trend->store) ||
        !health_take_minute(trend->health, now_us, &start_us)) {
        return;
    }
    if (trend->writes++ % SWEEP_EVERY == SWEEP_EVERY - 1) {
        trend->is_busy = true;
        minutes_sweep(trend->store, done, trend); /* this minute is missing then */
    } else {
        write_minute(trend, start_us, now_us);
    }
}

struct trend *trend_new(struct loop *loop, struct store *store, struct health *health,
                        const struct uuid *host_id)
{
    struct trend *trend = calloc(1, sizeof(*trend));
    CHECK(trend != NULL);
    trend->store = store;
    trend->health = health;
    trend->host_id = *host_id;
    arena_init(&trend->arena, ARENA_BYTES_MAX);
    loop_timer_init(&trend->tick, loop, tick, trend);
    loop_timer_start(&trend->tick, LOOK_US);
    return trend;
}

void trend_free(struct trend **trend)
{
    struct trend *t = *trend;
    if (t == NULL) {
        return;
    }
    loop_timer_release(&t->tick);
    arena_release(&t->arena);
    free(t);
    *trend = NULL;
}
