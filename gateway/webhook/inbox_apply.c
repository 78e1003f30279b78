#include "base/clock.h"
#include "base/log.h"
#include "webhook/inbox_internal.h"

/*
 *     timer, or a webhook was kept --> claim --none--> wait for the timer
 *                                       |
 *                                       v
 *                                  apply all in one statement --done--> claim again, if there may be more
 *                                       | refused
 *                                       v
 *                                  apply one by one --refused--> put that one off --> next
 */

enum {
    CLAIM_MAX = 128,
    ACCOUNT_MAX = 32, /* of one account, while others wait */
    SOON_MS = 200,
    LOOK_S = 5,
    COMPLAIN_S = 60,
};

static struct inbound_pace pace_of(const struct inbox *inbox)
{
    return (struct inbound_pace){
        .now_us = clock_wall_us(),
        .soon_ms = SOON_MS,
        .retry_ms = inbox->config.retry_ms,
        .retry_max_ms = inbox->config.retry_max_ms,
        .tries_max = (int32_t)inbox->config.tries_max,
        .alert_ms = inbox->config.alert_ms,
    };
}

static void end_run(struct inbox *inbox)
{
    struct inbox_applier *applier = &inbox->applier;
    applier->is_running = false;
    arena_reset(&applier->arena);
    if (applier->may_be_more || applier->is_wanted)
        loop_timer_start(&applier->timer, 0);
}

static void count_dead(int64_t count)
{
    if (count == 0)
        return;
    metrics_count(METRIC_INBOUND_EVENTS, count, STR("dead"));
    log_error("webhook", "webhooks were given up: see inbound_events", LOG_INT("count", count));
}

static void take_tally(struct inbox *inbox, const struct inbound_tally *tally)
{
    struct inbox_applier *applier = &inbox->applier;
    int64_t now_us = clock_mono_us();
    if (tally->applied > tally->rechecked)
        metrics_count(METRIC_INBOUND_EVENTS, tally->applied - tally->rechecked, STR("applied"));
    if (tally->rechecked > 0)
        metrics_count(METRIC_INBOUND_EVENTS, tally->rechecked, STR("rechecked"));
    count_dead(tally->dead);
    if (tally->late > 0 && now_us >= applier->complain_us) {
        applier->complain_us = now_us + COMPLAIN_S * CLOCK_SECOND_US;
        log_warn("webhook", "webhooks name what is not known here, for long",
                 LOG_INT("count", tally->late));
    }
}

/* ---- one by one ------------------------------------------------------------------------------ */

static void apply_next(struct inbox *inbox);

static void put_off_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct inbox *inbox = ctx;
    (void)why; /* then its lease ends */
    if (found == STORE_FOUND)
        count_dead(count);
    inbox->applier.next++;
    apply_next(inbox);
}

static void one_done(void *ctx, enum store_find found, const struct inbound_tally *tally,
                     const struct error *why)
{
    struct inbox *inbox = ctx;
    struct inbox_applier *applier = &inbox->applier;
    if (found == STORE_FOUND) {
        take_tally(inbox, tally);
        applier->next++;
        apply_next(inbox);
        return;
    }
    const struct inbound_claim *claim = &applier->claims[applier->next];
    struct inbound_pace pace = pace_of(inbox);
    log_warn("webhook", "a webhook cannot be applied; will try again later",
             LOG_STR("event", claim->event_id), LOG_CSTR("error", why->text));
    inbound_fail_start(inbox->parts.store, claim, &pace, put_off_done, inbox);
}

static void apply_next(struct inbox *inbox)
{
    struct inbox_applier *applier = &inbox->applier;
    struct inbound_pace pace = pace_of(inbox);
    if (applier->next == applier->claim_count) {
        end_run(inbox);
        return;
    }
    inbound_apply_start(inbox->parts.store, &applier->claims[applier->next], 1, &pace, one_done,
                        inbox);
}

/* ---- all at once ----------------------------------------------------------------------------- */

static void all_done(void *ctx, enum store_find found, const struct inbound_tally *tally,
                     const struct error *why)
{
    struct inbox *inbox = ctx;
    (void)why;
    if (found == STORE_FOUND) {
        take_tally(inbox, tally);
        end_run(inbox);
        return;
    }
    inbox->applier.next = 0;
    apply_next(inbox); /* whichever it is, it must not keep the others */
}

static void claimed(void *ctx, enum store_find found, const struct inbound_claim *claims,
                    size_t count, const struct error *why)
{
    struct inbox *inbox = ctx;
    struct inbox_applier *applier = &inbox->applier;
    struct inbound_pace pace = pace_of(inbox);
    (void)why; /* while the ledger is away there is nothing to apply */
    applier->may_be_more = found == STORE_FOUND && count >= ACCOUNT_MAX;
    if (found != STORE_FOUND || count == 0) {
        end_run(inbox);
        return;
    }
    applier->claims = ARENA_ARRAY(&applier->arena, struct inbound_claim, count);
    for (size_t i = 0; i < count; i++)
        applier->claims[i] = claims[i];
    applier->claim_count = count;
    inbound_apply_start(inbox->parts.store, applier->claims, count, &pace, all_done, inbox);
}

/* ---- the timer ------------------------------------------------------------------------------- */

static void counted(void *ctx, enum store_find found, int64_t count, int64_t oldest_us,
                    const struct error *why)
{
    struct inbox *inbox = ctx;
    struct inbox_applier *applier = &inbox->applier;
    (void)why;
    applier->is_counting = false;
    if (found != STORE_FOUND)
        return;
    int64_t age_us = count > 0 ? clock_wall_us() - oldest_us : 0;
    metrics_set(applier->waiting, count);
    metrics_set(applier->oldest, age_us > 0 ? age_us : 0);
}

static void look(struct inbox *inbox)
{
    struct inbox_applier *applier = &inbox->applier;
    int64_t now_us = clock_mono_us();
    if (applier->is_counting || now_us < applier->look_us)
        return;
    applier->look_us = now_us + LOOK_S * CLOCK_SECOND_US;
    applier->is_counting = true;
    inbound_backlog_start(inbox->parts.store, counted, inbox);
}

static void run(void *ctx)
{
    struct inbox *inbox = ctx;
    struct inbox_applier *applier = &inbox->applier;
    loop_timer_start(&applier->timer, inbox->config.interval_ms * CLOCK_MS_US);
    if (inbox->is_draining || applier->is_running || !store_is_connected(inbox->parts.store))
        return;
    look(inbox);
    applier->is_running = true;
    applier->is_wanted = false;
    inbound_claim_start(inbox->parts.store, CLAIM_MAX, ACCOUNT_MAX, clock_wall_us(),
                        inbox->config.lease_ms, &applier->arena, claimed, inbox);
}

void inbox_applier_wake(struct inbox *inbox)
{
    inbox->applier.is_wanted = true;
    if (!inbox->applier.is_running)
        loop_timer_start(&inbox->applier.timer, 0);
}

void inbox_applier_init(struct inbox *inbox)
{
    struct inbox_applier *applier = &inbox->applier;
    arena_init(&applier->arena, INBOX_CLAIM_ARENA_MAX);
    applier->waiting = metrics_find(METRIC_INBOUND_WAITING, NULL, 0);
    applier->oldest = metrics_find(METRIC_INBOUND_OLDEST_SECONDS, NULL, 0);
    loop_timer_init(&applier->timer, inbox->parts.loop, run, inbox);
    loop_timer_start(&applier->timer, 0);
}

void inbox_applier_release(struct inbox *inbox)
{
    loop_timer_release(&inbox->applier.timer);
    arena_release(&inbox->applier.arena);
}
