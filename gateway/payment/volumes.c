#include "payment/volumes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/volume.h"
#include "payment/hash.h"

enum {
    LOOK_US = 1000000,
    LEASE_S = 120,    /* a refresh takes less */
    AGAIN_S = 5,      /* after a failure */
    IDLE_S = 900,     /* not asked for so long: left alone */
    REST_FACTOR = 19, /* pauses are so many times as long as asking takes */
    WATCHED_MAX = VOLUME_ACCOUNT_MAX,
    ZONE_ARENA_MAX = 2 * ZONE_FILE_BYTES_MAX,
};
#define DAY_S INT64_C(86400)

struct watched { /* an account whose fees have tiers */
    struct uuid account_id;
    struct uuid merchant_id;
    struct volumes *volumes; /* borrowed */
    char provider[CHART_PROVIDER_MAX + 1];
    uint8_t fees_hash[SHA256_SIZE];  /* of the table that the rest is from */
    const struct currency *currency; /* of the sum; NULL: each for itself */
    bool is_of_previous;
    struct arena arena;
    const struct zone *zone; /* in the arena; NULL: UTC */
    struct volume_entry *entry;
    int64_t read_us;  /* wall: last asked for */
    int64_t began_us; /* 0: not being refreshed; monotonic */
    int64_t until_us;
    struct volume_mark mark;
    UT_hash_handle hh;
};

struct volumes {
    struct store *store;        /* borrowed */
    struct volume_table *table; /* borrowed */
    const struct rates *rates;  /* borrowed */
    struct watched *watched;    /* owned */
    struct loop_timer timer;
};

/* ---- months ---- */

static int64_t month_begin_s(const struct zone *zone, int64_t at_s)
{
    struct zone_moment moment;
    zone_read(zone, at_s * CLOCK_SECOND_US, &moment);
    int64_t wall_s = at_s + zone_offset_s(zone, at_s);
    int64_t day_s = wall_s - wall_s % DAY_S - (moment.day - 1) * DAY_S;
    int64_t guess_s = day_s - zone_offset_s(zone, at_s);
    return day_s - zone_offset_s(zone, guess_s);
}

void volumes_month(const struct zone *zone, int64_t at_us, bool is_previous, int64_t *from_us,
                   int64_t *until_us)
{
    int64_t begin_s = month_begin_s(zone, at_us / CLOCK_SECOND_US);
    int64_t other_s = is_previous ? month_begin_s(zone, begin_s - DAY_S)
                                  : month_begin_s(zone, begin_s + 32 * DAY_S);
    *from_us = (is_previous ? other_s : begin_s) * CLOCK_SECOND_US;
    *until_us = (is_previous ? begin_s : other_s) * CLOCK_SECOND_US;
}

/* ---- refreshing ---- */

static void add_row(const struct watched *watched, const struct volume_row *row,
                    int64_t minor[VOLUME_COUNT])
{
    const struct currency *currency = currency_find(str_of(row->currency));
    int64_t converted = 0;
    if (currency == NULL)
        return;
    minor[currency_index(currency)] = row->amount_minor;
    if (watched->currency == NULL)
        return;
    if (watched->currency == currency)
        converted = row->amount_minor;
    else if (watched->volumes->rates == NULL ||
             !rates_convert(watched->volumes->rates, row->amount_minor, currency, watched->currency,
                            &converted))
        log_warn("volume", "an account's volume lacks a currency that has no rate",
                 LOG_CSTR("currency", row->currency));
    minor[VOLUME_TOTAL] += converted;
}

static void refreshed(void *ctx, enum store_find found, const struct volume_row *rows, size_t count,
                      const struct error *why)
{
    struct watched *watched = ctx;
    int64_t minor[VOLUME_COUNT] = {0};
    int64_t now_us = clock_wall_us();
    int64_t took_us = clock_mono_us() - watched->began_us;
    watched->began_us = 0;
    if (found == STORE_FAILED) {
        log_warn("volume", "cannot sum up an account's month; will try again",
                 LOG_CSTR("error", why->text));
        volume_defer(watched->entry, now_us + AGAIN_S * CLOCK_SECOND_US);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_row(watched, &rows[i], minor);
    int64_t pause_us = took_us * REST_FACTOR;
    if (pause_us < VOLUMES_REFRESH_S * CLOCK_SECOND_US)
        pause_us = VOLUMES_REFRESH_S * CLOCK_SECOND_US;
    int64_t due_us = now_us + pause_us;
    if (due_us > watched->until_us) /* a new month begins */
        due_us = watched->until_us > now_us ? watched->until_us : now_us;
    volume_set(watched->entry, &watched->mark, minor, watched->until_us, due_us);
}

static void refresh(struct watched *watched, int64_t now_us)
{
    struct volume_ask ask = {
        .merchant_id = watched->merchant_id,
        .account_id = watched->account_id,
        .provider = str_of(watched->provider),
    };
    int64_t month_us = 0;
    volumes_month(watched->zone, now_us, false, &month_us, &watched->until_us);
    volumes_month(watched->zone, now_us, watched->is_of_previous, &ask.from_us, &ask.until_us);
    volume_begin(watched->entry, &watched->mark);
    watched->began_us = clock_mono_us();
    volume_load(watched->volumes->store, &ask, refreshed, watched);
}

/* One at a time of this worker's. */
static void look(void *ctx)
{
    struct volumes *volumes = ctx;
    int64_t now_us = clock_wall_us();
    loop_timer_start(&volumes->timer, LOOK_US);
    for (struct watched *watched = volumes->watched; watched != NULL; watched = watched->hh.next) {
        if (watched->began_us != 0)
            return;
    }
    for (struct watched *watched = volumes->watched; watched != NULL; watched = watched->hh.next) {
        bool is_idle = now_us - watched->read_us > IDLE_S * CLOCK_SECOND_US;
        if (!is_idle && volume_claim(watched->entry, now_us, LEASE_S * CLOCK_SECOND_US)) {
            refresh(watched, now_us);
            return;
        }
    }
}

/* ---- accounts ---- */

static void take_table(struct watched *watched, const struct merchant_account *account)
{
    struct error err;
    struct cost_volume volume = cost_volume(account->cost);
    memcpy(watched->fees_hash, cost_table_hash(account->cost), sizeof(watched->fees_hash));
    watched->currency = volume.currency;
    watched->is_of_previous = volume.is_of_previous;
    arena_release(&watched->arena);
    arena_init(&watched->arena, ZONE_ARENA_MAX);
    watched->zone = zone_load(str_of(volume.zone), &watched->arena, &err);
    if (watched->zone == NULL)
        log_warn("volume", "a fee table's zone cannot be read; UTC is used",
                 LOG_CSTR("error", err.text));
}

static struct watched *watch(struct volumes *volumes, const struct merchant_account *account)
{
    const struct provider_account *known = &account->account;
    struct volume_entry *entry = volume_find(volumes->table, &known->account_id);
    if (entry == NULL || HASH_COUNT(volumes->watched) >= WATCHED_MAX)
        return NULL;
    struct watched *watched = calloc(1, sizeof(*watched));
    CHECK(watched != NULL);
    watched->account_id = known->account_id;
    watched->merchant_id = known->merchant_id;
    watched->volumes = volumes;
    watched->entry = entry;
    (void)str_copy_to(account->row.provider, watched->provider, sizeof(watched->provider));
    arena_init(&watched->arena, ZONE_ARENA_MAX);
    take_table(watched, account);
    HASH_ADD(hh, volumes->watched, account_id, sizeof(watched->account_id), watched);
    loop_timer_start(&volumes->timer, 0);
    return watched;
}

static struct watched *find(struct volumes *volumes, const struct uuid *account_id)
{
    struct watched *watched = NULL;
    HASH_FIND(hh, volumes->watched, account_id, sizeof(*account_id), watched);
    return watched;
}

int64_t volumes_read(struct volumes *volumes, const struct merchant_account *account,
                     const struct currency *currency, int64_t now_wall_us)
{
    if (volumes == NULL || account->cost == NULL || !cost_volume(account->cost).is_asked)
        return 0;
    struct watched *watched = find(volumes, &account->account.account_id);
    if (watched == NULL)
        watched = watch(volumes, account);
    if (watched == NULL)
        return 0;
    if (memcmp(watched->fees_hash, cost_table_hash(account->cost), SHA256_SIZE) != 0) {
        take_table(watched, account);
        volume_defer(watched->entry, 0);
    }
    watched->read_us = now_wall_us;
    size_t index = watched->currency != NULL ? VOLUME_TOTAL : currency_index(currency);
    return volume_read(watched->entry, index, now_wall_us);
}

/* What a transfer adds to the volume: a capture counts from when it is asked for, until it surely was
 * not done. */
static int64_t counted(enum operation operation, enum posting_phase phase, int64_t amount_minor)
{
    bool is_sale = operation == OPERATION_SALE && phase == POSTING_WHOLE;
    if (operation != OPERATION_CAPTURE || phase == POSTING_WHOLE || phase == POSTING_CLOSE)
        return is_sale ? amount_minor : 0;
    return phase == POSTING_DROP ? -amount_minor : amount_minor;
}

void volumes_count(struct volumes *volumes, const struct uuid *account_id, enum operation operation,
                   enum posting_phase phase, int64_t amount_minor, const char *currency)
{
    int64_t minor = counted(operation, phase, amount_minor);
    struct watched *watched = volumes != NULL && minor != 0 ? find(volumes, account_id) : NULL;
    const struct currency *known = watched != NULL ? currency_find(str_of(currency)) : NULL;
    int64_t converted = 0;
    if (known == NULL || watched->is_of_previous)
        return;
    volume_add(watched->entry, currency_index(known), minor);
    if (watched->currency == known)
        converted = minor;
    else if (watched->currency == NULL || volumes->rates == NULL ||
             !rates_convert(volumes->rates, minor, known, watched->currency, &converted))
        return;
    volume_add(watched->entry, VOLUME_TOTAL, converted);
}

/* ---- the module ---- */

struct volumes *volumes_new(struct loop *loop, struct store *store, struct volume_table *table,
                            const struct rates *rates)
{
    struct volumes *volumes = calloc(1, sizeof(*volumes));
    CHECK(volumes != NULL);
    volumes->store = store;
    volumes->table = table;
    volumes->rates = rates;
    loop_timer_init(&volumes->timer, loop, look, volumes);
    loop_timer_start(&volumes->timer, LOOK_US);
    return volumes;
}

void volumes_free(struct volumes **volumes_at)
{
    struct volumes *volumes = *volumes_at;
    if (volumes == NULL)
        return;
    struct watched *watched = volumes->watched;
    struct watched *next = NULL;
    HASH_CLEAR(hh, volumes->watched);
    for (; watched != NULL; watched = next) {
        next = watched->hh.next;
        arena_release(&watched->arena);
        free(watched);
    }
    loop_timer_release(&volumes->timer);
    free(volumes);
    *volumes_at = NULL;
}
