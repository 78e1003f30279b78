#include "payment/order_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    IDLE_MS_MAX = 1000, /* between looks while there is nothing */
    PAUSE_FIRST_MS = 250,
    PAUSE_MAX_MS = 5000,
    SETTLE_MS = 1000,
    SETTLE_COUNT = 500,
    BACKLOG_MS = 5000,
    CLAIM_ARENA_MAX = 64 * 1024 * 1024, /* requests of in_flight_max orders */
    WRITE_AGAIN_MS = 250,
};

const struct orders_config orders_config_default = {
    .interval_ms = 250,
    .in_flight_max = 64,
    .lease_ms = 60000,
    .try_max = 5,
    .retry_ms = 5000,
    .retry_max_ms = 300000,
    .wait_ms = 500,
    .wait_max_ms = 60000,
};

/* ---- merchants ------------------------------------------------------------------------------- */

static struct order_tenant *get_tenant(struct orders *orders, const struct uuid *merchant_id)
{
    struct order_tenant *tenant = NULL;
    HASH_FIND(hh, orders->tenants, merchant_id, sizeof(*merchant_id), tenant);
    if (tenant != NULL)
        return tenant;
    tenant = calloc(1, sizeof(*tenant));
    CHECK(tenant != NULL);
    tenant->merchant_id = *merchant_id;
    HASH_ADD(hh, orders->tenants, merchant_id, sizeof(tenant->merchant_id), tenant);
    return tenant;
}

/* What the orders that ended since the last claim say of a merchant. */
static void judge_tenant(struct order_tenant *tenant, int64_t now_us)
{
    if (tenant->begun > 0) {
        tenant->pause_ms = 0;
        tenant->pause_until_us = 0;
    } else if (tenant->waited > 0) {
        tenant->pause_ms = tenant->pause_ms == 0 ? PAUSE_FIRST_MS : tenant->pause_ms * 2;
        if (tenant->pause_ms > PAUSE_MAX_MS)
            tenant->pause_ms = PAUSE_MAX_MS;
        tenant->pause_until_us = now_us + tenant->pause_ms * CLOCK_MS_US;
    }
    tenant->begun = 0;
    tenant->waited = 0;
}

static void tenant_free(struct orders *orders, struct order_tenant *tenant)
{
    /* The analyzer does not see that uthash unlinks it from its neighbours. */
    HASH_DEL(orders->tenants, tenant); /* NOLINT(clang-analyzer-unix.Malloc) */
    free(tenant);
}

static unsigned merchant_share(const struct orders *orders)
{
    return orders->config.in_flight_max / 2 > 0 ? orders->config.in_flight_max / 2 : 1;
}

/* A claim brings at most half a share, so that whoever has less than that is never above it. */
static unsigned claim_share(const struct orders *orders)
{
    return merchant_share(orders) / 2 > 0 ? merchant_share(orders) / 2 : 1;
}

/* Those to leave out, in the arena; the others without orders are forgotten. */
static size_t list_excluded(struct orders *orders, struct uuid **excluded)
{
    size_t count = 0;
    int64_t now_us = clock_mono_us();
    *excluded = ARENA_ARRAY(&orders->claim_arena, struct uuid, HASH_COUNT(orders->tenants) + 1);
    struct order_tenant *tenant = NULL;
    struct order_tenant *next = NULL;
    HASH_ITER(hh, orders->tenants, tenant, next)
    {
        judge_tenant(tenant, now_us);
        bool is_paused = tenant->pause_until_us > now_us;
        if (is_paused || tenant->in_flight > merchant_share(orders) - claim_share(orders)) {
            (*excluded)[count++] = tenant->merchant_id;
        } else if (tenant->in_flight == 0 && tenant->pause_ms == 0) {
            tenant_free(orders, tenant);
        }
    }
    return count;
}

/* ---- claiming -------------------------------------------------------------------------------- */

static void look_again(struct orders *orders, int64_t ms)
{
    if (!orders->is_draining)
        loop_timer_start(&orders->claim_timer, ms * CLOCK_MS_US);
}

static void claimed(void *ctx, enum store_find found, const struct order_claim *claims,
                    size_t count, const struct error *why)
{
    struct orders *orders = ctx;
    orders->is_claiming = false;
    if (found == STORE_FAILED)
        log_warn("payment", "orders cannot be claimed", LOG_CSTR("error", why->text));
    for (size_t i = 0; i < count; i++) {
        struct order_tenant *tenant = get_tenant(orders, &claims[i].merchant_id);
        tenant->in_flight++;
        orders->in_flight++;
        order_run_start(orders, tenant, &claims[i]);
    }
    orders->interval_ms = count > 0 ? orders->config.interval_ms : orders->interval_ms * 2;
    if (orders->interval_ms > IDLE_MS_MAX && orders->interval_ms > orders->config.interval_ms)
        orders->interval_ms =
            orders->config.interval_ms > IDLE_MS_MAX ? orders->config.interval_ms : IDLE_MS_MAX;
    look_again(orders, orders->interval_ms);
}

static void claim_run(void *ctx)
{
    struct orders *orders = ctx;
    struct uuid *excluded = NULL;
    if (orders->is_claiming || orders->is_draining)
        return;
    if (orders->in_flight >= orders->config.in_flight_max ||
        !store_is_connected(orders->parts.store) || !payments_has_room(orders->parts.payments)) {
        look_again(orders, orders->config.interval_ms);
        return;
    }
    orders->is_claiming = true;
    arena_reset(&orders->claim_arena);
    struct order_wanted wanted = {
        .limit = orders->config.in_flight_max - (unsigned)orders->in_flight,
        .merchant_limit = claim_share(orders),
        .now_us = clock_wall_us(),
        .lease_ms = orders->config.lease_ms,
    };
    wanted.excluded_count = list_excluded(orders, &excluded);
    wanted.excluded = excluded;
    order_claim_start(orders->parts.store, &wanted, &orders->claim_arena, claimed, orders);
}

/* ---- writing ends ---------------------------------------------------------------------------- */

static void written(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct orders *orders = ctx;
    (void)count; /* fewer: others have taken them over */
    if (found == STORE_FAILED) {
        log_warn("payment", "ends of orders cannot be written", LOG_CSTR("error", why->text));
        while (!list_is_empty(&orders->writing))
            list_add_last(&orders->ended, list_take_first(&orders->writing));
        loop_timer_start(&orders->flush_timer, WRITE_AGAIN_MS * CLOCK_MS_US);
        return;
    }
    while (!list_is_empty(&orders->writing)) {
        struct order_run *run = LIST_OWNER(orders->writing.next, struct order_run, link);
        run->tenant->in_flight--;
        orders->in_flight--;
        order_run_free(run);
    }
    if (!list_is_empty(&orders->ended))
        loop_timer_start(&orders->flush_timer, ORDER_DUE_LOOK_MS * CLOCK_MS_US);
    if (orders->in_flight <= orders->config.in_flight_max / 2)
        look_again(orders, 0);
}

static const struct order_end *end_of(struct link *item)
{
    return &LIST_OWNER(item, struct order_run, link)->end;
}

/* Those that failed are written by themselves, since that may take longer. */
static void flush_run(void *ctx)
{
    struct orders *orders = ctx;
    if (!list_is_empty(&orders->writing) || list_is_empty(&orders->ended))
        return; /* one write at a time: its end looks again */
    struct order_end *ends = calloc(orders->in_flight, sizeof(*ends));
    CHECK(ends != NULL);
    size_t count = 0;
    bool has_failed = end_of(orders->ended.next)->state == ORDER_FAILED;
    struct link *next = NULL;
    for (struct link *item = orders->ended.next; item != &orders->ended; item = next) {
        next = item->next;
        if ((end_of(item)->state == ORDER_FAILED) != has_failed)
            continue;
        list_remove(item);
        list_add_last(&orders->writing, item);
        ends[count++] = *end_of(item);
    }
    order_end_start(orders->parts.store, ends, count, clock_wall_us(), written, orders);
    free(ends);
}

void orders_end(struct order_run *run)
{
    struct orders *orders = run->orders;
    list_remove(&run->link);
    list_add_last(&orders->ended, &run->link);
    if (!loop_timer_is_running(&orders->flush_timer))
        loop_timer_start(&orders->flush_timer, ORDER_DUE_LOOK_MS * CLOCK_MS_US);
}

/* ---- what became of them --------------------------------------------------------------------- */

static void counted(void *ctx, enum store_find found, int64_t count, int64_t oldest_us,
                    const struct error *why)
{
    struct orders *orders = ctx;
    (void)why;
    orders->is_counting = false;
    if (found != STORE_FOUND)
        return;
    int64_t age_us = count > 0 ? clock_wall_us() - oldest_us : 0;
    metrics_set(orders->waiting, count);
    metrics_set(orders->oldest, age_us > 0 ? age_us : 0);
}

static void settled(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct orders *orders = ctx;
    orders->is_settling = false;
    if (found == STORE_FAILED)
        log_warn("payment", "orders cannot be settled", LOG_CSTR("error", why->text));
    bool has_more = found == STORE_FOUND && count >= SETTLE_COUNT;
    loop_timer_start(&orders->settle_timer, has_more ? 0 : SETTLE_MS * CLOCK_MS_US);
}

static void settle_run(void *ctx)
{
    struct orders *orders = ctx;
    if (!store_is_connected(orders->parts.store)) {
        loop_timer_start(&orders->settle_timer, SETTLE_MS * CLOCK_MS_US);
        return;
    }
    if (!orders->is_settling) {
        orders->is_settling = true;
        order_settle_start(orders->parts.store, SETTLE_COUNT, clock_wall_us(), settled, orders);
    }
    int64_t now_us = clock_mono_us();
    if (!orders->is_counting && now_us >= orders->backlog_us) {
        orders->is_counting = true;
        orders->backlog_us = now_us + BACKLOG_MS * CLOCK_MS_US;
        order_backlog_start(orders->parts.store, counted, orders);
    }
}

/* ---- the module ------------------------------------------------------------------------------ */

struct orders *orders_new(const struct orders_config *config, const struct orders_parts *parts)
{
    CHECK(config->in_flight_max > 0 && config->interval_ms > 0 && config->try_max > 0);
    struct orders *orders = calloc(1, sizeof(*orders));
    CHECK(orders != NULL);
    orders->config = *config;
    orders->parts = *parts;
    orders->interval_ms = config->interval_ms;
    list_init(&orders->runs);
    list_init(&orders->ended);
    list_init(&orders->writing);
    arena_init(&orders->claim_arena, CLAIM_ARENA_MAX);
    loop_timer_init(&orders->claim_timer, parts->loop, claim_run, orders);
    loop_timer_init(&orders->flush_timer, parts->loop, flush_run, orders);
    loop_timer_init(&orders->settle_timer, parts->loop, settle_run, orders);
    orders->waiting = metrics_find(METRIC_ORDERS_WAITING, NULL, 0);
    orders->oldest = metrics_find(METRIC_ORDERS_OLDEST_SECONDS, NULL, 0);
    look_again(orders, config->interval_ms);
    loop_timer_start(&orders->settle_timer, SETTLE_MS * CLOCK_MS_US);
    return orders;
}

void orders_wake(struct orders *orders)
{
    orders->interval_ms = orders->config.interval_ms;
    if (!orders->is_claiming)
        look_again(orders, 0);
}

bool orders_drain(struct orders *orders)
{
    orders->is_draining = true;
    loop_timer_stop(&orders->claim_timer);
    return orders->in_flight == 0 && !orders->is_claiming;
}

size_t orders_in_flight(const struct orders *orders)
{
    return orders->in_flight;
}

static void free_runs(struct link *list)
{
    struct link *next;
    for (struct link *at = list->next; at != list; at = next) {
        next = at->next;
        order_run_free(LIST_OWNER(at, struct order_run, link));
    }
}

void orders_free(struct orders **orders_at)
{
    struct orders *orders = *orders_at;
    if (orders == NULL)
        return;
    *orders_at = NULL;
    free_runs(&orders->runs);
    free_runs(&orders->ended);
    free_runs(&orders->writing);
    struct order_tenant *tenant = NULL;
    struct order_tenant *next = NULL;
    HASH_ITER(hh, orders->tenants, tenant, next)
    {
        tenant_free(orders, tenant);
    }
    loop_timer_release(&orders->claim_timer);
    loop_timer_release(&orders->flush_timer);
    loop_timer_release(&orders->settle_timer);
    arena_release(&orders->claim_arena);
    free(orders);
}
