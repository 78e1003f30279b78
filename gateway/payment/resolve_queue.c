#include "payment/driver.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"

/*
 * Who claims what, and when; and the heartbeat.
 *
 * Open attempts are claimed each resolve_interval_ms, and at once when some of those claimed are
 * done with and others may be due, so that many are looked at as fast as their providers answer. At
 * most resolve_batch are in hand at once; of one provider at most half of these, of one account
 * three eighths (a lane). A provider that hangs keeps its own lanes waiting, and nobody else.
 *
 * The core compares stored times with the wall clock, to know when nothing can arrive any more.
 * When that clock jumps forward, what it says is not believed for a while: the core is told the
 * time as it would be without the jump, until the longest settling time has surely passed.
 */

enum {
    BEAT_MS = 1000,
    LOOK_MS = 5000, /* adopt the attempts of the dead, count the backlog */
    STEP_MS = 1500, /* a larger difference between the clocks is a step */
    GUARD_S = 1800,
    CLAIM_ARENA_MAX = 1024 * 1024,
    AGAIN_PARTS = 8, /* claim again when so small a part of resolve_batch is done with */
};

/* ---- the clock ---- */

static void watch_clock(struct resolver *resolver)
{
    int64_t mono_us = clock_mono_us();
    int64_t wall_us = clock_wall_us();
    int64_t step_us = (wall_us - resolver->last_wall_us) - (mono_us - resolver->last_mono_us);
    if (resolver->last_mono_us != 0 && step_us > STEP_MS * CLOCK_MS_US) {
        resolver->guard_us += step_us;
        resolver->guard_until_us = mono_us + GUARD_S * CLOCK_SECOND_US;
        log_warn("payment", "the wall clock jumped forward; open outcomes are ended later",
                 LOG_INT("step_ms", step_us / CLOCK_MS_US));
    }
    if (resolver->guard_us != 0 && mono_us > resolver->guard_until_us)
        resolver->guard_us = 0;
    resolver->last_mono_us = mono_us;
    resolver->last_wall_us = wall_us;
}

/*
 * Leases, due times and settling times are compared between hosts, which the database's clock
 * stands for: who is too far from it takes nothing over. False also before the first heartbeat.
 */
static bool clock_is_trusted(const struct payments *payments)
{
    int64_t ahead_us = 0;
    int64_t bound_us = payments->config.limits.skew_us / 2;
    return store_clock_ahead(payments->parts.store, &ahead_us) && ahead_us <= bound_us &&
           ahead_us >= -bound_us;
}

static void compare_clocks(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    int64_t ahead_us = 0;
    bool is_known = store_clock_ahead(payments->parts.store, &ahead_us);
    bool is_off = is_known && !clock_is_trusted(payments);
    if (is_off == resolver->is_clock_off)
        return;
    resolver->is_clock_off = is_off;
    if (is_off)
        log_error("payment",
                  "the clocks of this host and of the database differ; nothing is taken over here",
                  LOG_INT("database_ahead_ms", ahead_us / CLOCK_MS_US));
    else
        log_info("payment", "the clocks of this host and of the database agree again");
}

/* ---- claiming ---- */

/* The larger half: one is one. */
static unsigned share(unsigned whole, unsigned eighths)
{
    return (whole * eighths + 7) / 8;
}

/* How many attempts of which account are in hand. */
static size_t count_lanes(struct resolver *resolver, struct store_lane *lanes)
{
    size_t count = 0;
    for (struct link *item = resolver->looking.next; item != &resolver->looking;
         item = item->next) {
        const struct store_claimed *claim = &LIST_OWNER(item, struct drive, looking)->claim;
        size_t at = 0;
        while (at < count && !(uuid_eq(&lanes[at].account_id, &claim->account_id) &&
                               str_eq(lanes[at].provider, claim->provider)))
            at++;
        if (at == count)
            lanes[count++] = (struct store_lane){claim->provider, claim->account_id, 0};
        lanes[at].in_hand++;
    }
    return count;
}

static void claim_done(void *ctx, enum store_find found, const struct store_claimed *claimed,
                       size_t count, const struct error *why)
{
    struct payments *payments = ctx;
    struct resolver *resolver = &payments->resolver;
    (void)why; /* while the ledger is away there is nothing to claim */
    resolver->is_claiming = false;
    /* With some in hand there may be others whose lane was full. */
    resolver->may_be_more = found == STORE_FOUND && (count > 0 || resolver->running > 0);
    resolver->ended_count = 0;
    if (count > 0)
        CRASH_AT("claimed");
    watch_clock(resolver);
    for (size_t i = 0; found == STORE_FOUND && i < count; i++)
        resolve_take_on(payments, &claimed[i]);
    arena_reset(&resolver->claim_arena);
}

static void claim(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    const struct payments_config *config = &payments->config;
    struct store_lane *lanes =
        ARENA_ARRAY(&resolver->claim_arena, struct store_lane, resolver->running + 1);
    struct store_claim_ask ask = {
        .now_us = clock_wall_us(),
        .lease_ms = config->limits.lease_us / CLOCK_MS_US,
        .limit = config->resolve_batch - (unsigned)resolver->running,
        .account_max = share(config->resolve_batch, 3),
        .provider_max = share(config->resolve_batch, 4),
        .lanes = lanes,
        .lane_count = count_lanes(resolver, lanes),
    };
    resolver->is_claiming = true;
    store_claim(payments->parts.store, &ask, &resolver->claim_arena, claim_done, payments);
}

static void claim_run(void *ctx)
{
    struct payments *payments = ctx;
    struct resolver *resolver = &payments->resolver;
    const struct payments_config *config = &payments->config;
    loop_timer_start(&resolver->claim_timer, config->resolve_interval_ms * CLOCK_MS_US);
    watch_clock(resolver);
    if (payments->is_draining || !clock_is_trusted(payments) || resolver->is_claiming ||
        resolver->running >= config->resolve_batch || !store_is_connected(payments->parts.store))
        return;
    claim(payments);
}

void resolver_wake(struct payments *payments)
{
    loop_timer_start(&payments->resolver.claim_timer, 0);
}

void resolver_ended(struct payments *payments, struct drive *drive)
{
    struct resolver *resolver = &payments->resolver;
    list_remove(&drive->looking);
    resolver->running--;
    resolver->ended_count++;
    bool is_worth_it = resolver->ended_count >= payments->config.resolve_batch / AGAIN_PARTS ||
                       resolver->running == 0;
    if (resolver->may_be_more && is_worth_it && !resolver->is_claiming) {
        resolver->may_be_more = false; /* until the next claim says so */
        resolver_wake(payments);
    }
}

/* ---- each second ---- */

static void adopt_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    payments->resolver.is_adopting = false;
    if (count > 0)
        CRASH_AT("adopted");
    if (found == STORE_FAILED)
        log_warn("payment", "cannot adopt the attempts of the dead", LOG_CSTR("error", why->text));
    else if (count > 0)
        log_info("payment", "attempts of dead writers are taken over", LOG_INT("count", count));
}

static void backlog_done(void *ctx, enum store_find found, int64_t parked, int64_t oldest_us,
                         const struct error *why)
{
    struct payments *payments = ctx;
    (void)why;
    payments->resolver.is_counting = false;
    if (found == STORE_FAILED)
        return;
    int64_t age_us = parked > 0 ? clock_wall_us() - oldest_us : 0;
    metrics_set(payments->resolver.unresolved, parked);
    metrics_set(payments->resolver.unresolved_oldest, age_us > 0 ? age_us : 0);
}

static void beat_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    (void)found;
    (void)count;
    (void)why;
    payments->resolver.is_beating = false;
    compare_clocks(payments);
}

/* Every attempt made here before this moment is final or parked. */
static int64_t find_watermark(struct payments *payments, int64_t now_us)
{
    for (struct link *item = payments->in_hand.next; item != &payments->in_hand;
         item = item->next) {
        const struct drive *drive = LIST_OWNER(item, struct drive, in_hand);
        if (!drive->is_resumed)
            return drive->started_us < now_us ? drive->started_us : now_us;
    }
    return now_us;
}

static void look_around(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    struct store *store = payments->parts.store;
    if (!resolver->is_adopting) {
        resolver->is_adopting = true;
        CRASH_AT("adopt_asked");
        store_adopt(store, clock_wall_us(), payments->config.dead_after_ms, adopt_done, payments);
    }
    if (!resolver->is_counting) {
        resolver->is_counting = true;
        store_backlog(store, backlog_done, payments);
    }
}

static void beat(struct payments *payments)
{
    int64_t now_us = clock_wall_us();
    int64_t watermark_us = find_watermark(payments, now_us);
    payments->resolver.is_beating = true;
    if (watermark_us > payments->watermark_us)
        payments->watermark_us = watermark_us;
    /* By the database's clock: with our own, a host that is behind would be taken for dead. */
    int64_t ahead_us = 0;
    (void)store_clock_ahead(payments->parts.store, &ahead_us);
    store_heartbeat(payments->parts.store, now_us + ahead_us, watermark_us, beat_done, payments);
}

static void beat_run(void *ctx)
{
    struct payments *payments = ctx;
    struct resolver *resolver = &payments->resolver;
    loop_timer_start(&resolver->beat_timer, BEAT_MS * CLOCK_MS_US);
    watch_clock(resolver);
    if (!store_is_connected(payments->parts.store))
        return;
    if (!resolver->is_beating)
        beat(payments);
    int64_t mono_us = clock_mono_us();
    if (mono_us >= resolver->look_us && clock_is_trusted(payments)) {
        resolver->look_us = mono_us + LOOK_MS * CLOCK_MS_US;
        look_around(payments);
    }
}

void resolver_init(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    arena_init(&resolver->claim_arena, CLAIM_ARENA_MAX);
    list_init(&resolver->looking);
    resolver->unresolved = metrics_find(METRIC_UNRESOLVED, NULL, 0);
    resolver->unresolved_oldest = metrics_find(METRIC_UNRESOLVED_OLDEST_SECONDS, NULL, 0);
    loop_timer_init(&resolver->claim_timer, payments->parts.loop, claim_run, payments);
    loop_timer_init(&resolver->beat_timer, payments->parts.loop, beat_run, payments);
    loop_timer_start(&resolver->claim_timer, 0);
    loop_timer_start(&resolver->beat_timer, 0);
}

void resolver_release(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    loop_timer_release(&resolver->claim_timer);
    loop_timer_release(&resolver->beat_timer);
    arena_release(&resolver->claim_arena);
}
