/* What the worker has in hand, and what follows from it: the limit, the seats, the metrics. */
#include "payment/admission_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    CALLER_BUCKETS = 65536, /* keys and merchants: 1 MB */
    ADDRESS_BUCKETS = 32768,
    LANES = 8192, /* keys and merchants with something under way: 2.5 MB */
    KEYS_REMEMBERED = 65536,
    LAGGING = 4,                /* times its bound: newcomers wait */
    OPENED_REMEMBERED = 131072, /* 1 MB: at 4,000 payments a second, half a minute */
};

const struct admission_config admission_config_default = {
    .key = {.rate = 10000, .burst = 20000},
    .merchant = {.rate = 10000, .burst = 20000},
    .address = {.rate = 20, .burst = 200},
    .key_in_flight_max = 2048,
    .merchant_in_flight_max = 2048,
    .read_in_flight_max = 512,
    .in_flight_max = 4096,
    .account_in_flight_max = 1024,
    .origin_in_flight_max = 1024,
    .overload = {.write_us = 100 * CLOCK_MS_US,
                 .lag_us = 20 * CLOCK_MS_US,
                 .calm_count = 1024,
                 .most = 4096},
};

/* ---- the segment ---- */

size_t admission_shared_size(void)
{
    return sizeof(struct admission_shared) + bucket_size(CALLER_BUCKETS) +
           bucket_size(ADDRESS_BUCKETS) + tally_size(LANES) + recall_size(KEYS_REMEMBERED) +
           recall_size(OPENED_REMEMBERED) + 64;
}

struct admission_shared *admission_open(struct shm *shm)
{
    struct admission_shared *shared = shm_carve(shm, sizeof(*shared));
    shared->callers = bucket_open(shm, CALLER_BUCKETS);
    shared->addresses = bucket_open(shm, ADDRESS_BUCKETS);
    shared->lanes = tally_open(shm, LANES);
    shared->keys = recall_open(shm, KEYS_REMEMBERED);
    shared->opened = recall_open(shm, OPENED_REMEMBERED);
    return shared;
}

void admission_forget_slot(struct admission_shared *shared, unsigned slot)
{
    tally_forget_slot(shared->lanes, slot);
}

/* ---- what the driver tells ---- */

size_t admission_own_count(const struct admission *admission)
{
    CHECK(admission->at_provider <= admission->in_hand);
    return admission->in_hand - admission->at_provider;
}

void admission_payment_began(struct admission *admission)
{
    if (admission != NULL)
        admission->in_hand++;
}

void admission_payment_ended(struct admission *admission)
{
    if (admission == NULL)
        return;
    CHECK(admission->in_hand > 0);
    admission->in_hand--;
}

void admission_send_began(struct admission *admission)
{
    if (admission != NULL)
        admission->at_provider++;
}

void admission_send_ended(struct admission *admission)
{
    if (admission == NULL)
        return;
    CHECK(admission->at_provider > 0);
    admission->at_provider--;
}

void admission_write_began(struct admission *admission)
{
    if (admission != NULL)
        governor_write_began(&admission->governor, loop_now_us(admission->loop));
}

void admission_write_ended(struct admission *admission, int64_t took_us)
{
    if (admission == NULL)
        return;
    governor_write_ended(&admission->governor, took_us, loop_now_us(admission->loop));
    metrics_observe_us(admission->write_seconds, took_us);
}

/* ---- seats ---- */

bool admission_is_busy(struct admission *admission, const struct provider_account *account)
{
    return admission != NULL && bulkhead_is_full(admission->bulkhead, account);
}

void admission_sit(struct admission *admission, const struct provider_account *account,
                   struct bulkhead_seat *seat)
{
    if (admission != NULL)
        bulkhead_take(admission->bulkhead, account, seat);
}

void admission_stand(struct admission *admission, struct bulkhead_seat *seat)
{
    if (admission != NULL)
        bulkhead_give_back(admission->bulkhead, seat);
}

void admission_count_busy(struct admission *admission)
{
    if (admission != NULL)
        metrics_add(admission->refused[ADMISSION_PROVIDER_BUSY], 1);
}

bool admission_has_room(const struct admission *admission)
{
    return admission == NULL || (admission->governor.pressure_permille <= 1000 &&
                                 admission_own_count(admission) < admission->governor.limit / 2 &&
                                 admission->in_hand < admission->config.in_flight_max / 2);
}

/* ---- each interval ---- */

static void tell_of_overload(struct admission *admission)
{
    const struct governor *governor = &admission->governor;
    bool is_pressed = governor->pressed_count > 0 && governor->limit < governor->config.most;
    if (is_pressed == admission->is_pressed)
        return;
    admission->is_pressed = is_pressed;
    if (is_pressed)
        log_warn("admission", "the work of this worker waits too long; its limit goes down",
                 LOG_INT("limit", (int64_t)governor->limit),
                 LOG_INT("in_hand", (int64_t)admission->in_hand),
                 LOG_INT("pressure_permille", governor->pressure_permille));
}

static void count_shared_buckets(struct admission_shared *shared)
{
    long long now = bucket_shared_count(shared->callers) + bucket_shared_count(shared->addresses);
    long long told = atomic_exchange(&shared->told_shared, now);
    if (now > told)
        metrics_count(METRIC_BUCKETS_SHARED, now - told);
}

static void tick(void *ctx)
{
    struct admission *admission = ctx;
    int64_t lag_us = loop_take_tick_us(admission->loop);
    governor_tick(&admission->governor, admission_own_count(admission), lag_us,
                  loop_now_us(admission->loop));
    metrics_hold(admission->limit, (int64_t)admission->governor.limit);
    tell_of_overload(admission);
    count_shared_buckets(admission->shared);
    if (lag_us > LAGGING * admission->config.overload.lag_us && admission->lagging != NULL)
        admission->lagging(admission->lagging_ctx);
    loop_timer_start(&admission->timer, GOVERNOR_INTERVAL_MS * CLOCK_MS_US);
}

/* ---- the module ---- */

static size_t at_most_half(size_t wanted, size_t whole)
{
    size_t half = whole > 1 ? whole / 2 : 1;
    return wanted < half ? wanted : half;
}

struct admission *admission_new(struct loop *loop, struct admission_shared *shared,
                                const struct admission_config *config, unsigned slot)
{
    CHECK(slot < SHM_SLOT_MAX && config->in_flight_max > 0);
    struct admission *admission = calloc(1, sizeof(*admission));
    CHECK(admission != NULL);
    admission->shared = shared;
    admission->config = *config;
    admission->slot = slot;
    admission->loop = loop;
    struct governor_config overload = config->overload;
    overload.most = config->in_flight_max;
    governor_init(&admission->governor, &overload);
    admission->bulkhead =
        bulkhead_new(at_most_half(config->account_in_flight_max, config->in_flight_max),
                     at_most_half(config->origin_in_flight_max, config->in_flight_max));
    uint64_t seed;
    rng_fill(&seed, sizeof(seed));
    rng_seed(&admission->rng, seed);
    for (int reason = ADMISSION_ADMITTED + 1; reason < ADMISSION_REASON_COUNT; reason++) {
        struct str name = str_of(admission_reason_name((enum admission_reason)reason));
        admission->refused[reason] = metrics_find(METRIC_REFUSED, &name, 1);
    }
    admission->limit = metrics_find(METRIC_IN_FLIGHT_LIMIT, NULL, 0);
    admission->reads = metrics_find(METRIC_READS_IN_FLIGHT, NULL, 0);
    admission->write_seconds = metrics_find(METRIC_LEDGER_WRITE_SECONDS, NULL, 0);
    loop_timer_init(&admission->timer, loop, tick, admission);
    loop_timer_start(&admission->timer, GOVERNOR_INTERVAL_MS * CLOCK_MS_US);
    return admission;
}

void admission_watch_lag(struct admission *admission, admission_lagging_fn lagging, void *ctx)
{
    admission->lagging = lagging;
    admission->lagging_ctx = ctx;
}

void admission_free(struct admission **admission_at)
{
    struct admission *admission = *admission_at;
    if (admission == NULL)
        return;
    *admission_at = NULL;
    CHECK(admission->keys == NULL && admission->merchants == NULL);
    bulkhead_free(&admission->bulkhead);
    loop_timer_release(&admission->timer);
    free(admission);
}
