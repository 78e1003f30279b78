#include "dashboard/board_feed.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ledger/holds.h"
#include "ledger/recent.h"
#include "payment/board.h"

#include <stdlib.h>

enum {
    FEED_TICK_US = 1000000,
    ACCOUNTS_EVERY_TICKS = 2,
    RECENT_COUNT = 20,
    ACCOUNT_SHOWN_MAX = 256,
    SNAPSHOT_BYTES_MAX = 1 << 20,
    ARENA_BYTES_MAX = 32 << 20,
};

struct feed {
    struct store *store;   /* borrowed */
    struct health *health; /* borrowed */
    struct loop_timer tick;
    struct arena accounts_arena[2]; /* shown, and being loaded */
    unsigned shown;
    struct directory_account *accounts;         /* in accounts_arena[shown] */
    struct cost_table *cost[ACCOUNT_SHOWN_MAX]; /* owned, by account */
    size_t account_count;
    bool accounts_loading;
    struct arena recent_arena;
    bool recent_loading;
    struct buf recent; /* JSON array of the newest payments */
    struct buf snapshot;
    unsigned ticks;
    feed_fn watcher; /* NULL: nobody watches */
    void *watcher_ctx;
};

/* ---- accounts -------------------------------------------------------------------------------- */

static void drop_costs(struct feed *feed)
{
    for (size_t i = 0; i < feed->account_count; i++) {
        cost_table_free(&feed->cost[i]);
    }
    feed->account_count = 0;
}

static void accounts_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                            const struct error *why)
{
    struct feed *feed = ctx;
    feed->accounts_loading = false;
    if (found == STORE_FAILED) {
        log_debug("dashboard", "accounts not read", LOG_CSTR("error", why->text));
        return; /* what was shown before stays */
    }
    drop_costs(feed);
    feed->shown = 1 - feed->shown;
    feed->accounts = rows->accounts;
    feed->account_count =
        rows->account_count < ACCOUNT_SHOWN_MAX ? rows->account_count : ACCOUNT_SHOWN_MAX;
    for (size_t i = 0; i < feed->account_count; i++) {
        struct error err;
        feed->cost[i] = str_is_empty(rows->accounts[i].fees_json)
                            ? NULL
                            : cost_table_new(rows->accounts[i].fees_json, &err);
    }
}

static void load_accounts(struct feed *feed)
{
    if (feed->accounts_loading) {
        return;
    }
    struct arena *arena = &feed->accounts_arena[1 - feed->shown];
    arena_reset(arena);
    feed->accounts_loading = true;
    directory_list_accounts(feed->store, arena, accounts_loaded, feed);
}

/* ---- newest payments ------------------------------------------------------------------------- */

static void put_attempts(struct str providers, struct json_out *out)
{
    json_key(out, "attempts");
    json_begin_array(out);
    while (!str_is_empty(providers)) {
        json_str(out, str_cut(&providers, ' '));
    }
    json_end_array(out);
}

static void put_payment(const struct recent_payment *payment, struct json_out *out)
{
    char id[ID_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    char amount[MONEY_TEXT_SIZE];
    const struct currency *currency = currency_find(str_of(payment->currency));
    unsigned digits = currency == NULL ? 0 : currency->exponent;
    json_begin_object(out);
    json_put_str(out, "id",
                 id_format(payment->is_payout ? ID_PAYOUT : ID_PAYMENT, &payment->payment_id, id));
    json_put_str(out, "created", clock_format_ms(payment->created_us, time));
    json_put_str(out, "amount", money_format(payment->amount_minor, digits, amount));
    json_put_cstr(out, "currency", payment->currency);
    json_put_cstr(out, "status", payment_status_name(payment->status));
    put_attempts(payment->providers, out);
    json_end_object(out);
}

static void recent_loaded(void *ctx, enum store_find found, const struct recent_payment *payments,
                          size_t count, const struct error *why)
{
    struct feed *feed = ctx;
    feed->recent_loading = false;
    if (found == STORE_FAILED) {
        log_debug("dashboard", "payments not read", LOG_CSTR("error", why->text));
        return;
    }
    struct json_out out;
    buf_clear(&feed->recent);
    json_out_init(&out, &feed->recent);
    json_begin_array(&out);
    for (size_t i = 0; i < count; i++) {
        put_payment(&payments[i], &out);
    }
    json_end_array(&out);
}

static void load_recent(struct feed *feed)
{
    if (feed->recent_loading) {
        return;
    }
    arena_reset(&feed->recent_arena);
    feed->recent_loading = true;
    recent_payments(feed->store, RECENT_COUNT, &feed->recent_arena, recent_loaded, feed);
}

/* ---- snapshot -------------------------------------------------------------------------------- */

/* The account's own first currency, else the one its fee table settles best known to people: USD.
 */
static const struct currency *shown_currency(const struct directory_account *account)
{
    struct str rest = account->currencies;
    struct str first = str_cut(&rest, ' ');
    const struct currency *currency = currency_find(first);
    return currency != NULL ? currency : currency_find(STR("USD"));
}

static void put_providers(struct feed *feed, struct json_out *out)
{
    int64_t now = clock_mono_us();
    json_key(out, "providers");
    json_begin_array(out);
    for (size_t i = 0; i < feed->account_count; i++) {
        struct health_view view;
        struct health_history history;
        const struct directory_account *account = &feed->accounts[i];
        struct health_entry *seen = health_find(feed->health, &account->account_id);
        health_read(feed->health, seen, now, &view);
        health_read_history(feed->health, seen, now, &history);
        struct board_entry entry = {
            .account = account,
            .health = &view,
            .history = &history,
            .cost = feed->cost[i],
            .currency = shown_currency(account),
            .now_us = now,
            .now_wall_us = clock_wall_us(),
        };
        board_print(&entry, out);
    }
    json_end_array(out);
}

static void send_snapshot(struct feed *feed)
{
    char time[CLOCK_TEXT_SIZE];
    struct json_out out;
    buf_clear(&feed->snapshot);
    json_out_init(&out, &feed->snapshot);
    json_begin_object(&out);
    json_put_str(&out, "time", clock_format_ms(clock_wall_us(), time));
    json_put_bool(&out, "ledger", store_is_connected(feed->store));
    put_providers(feed, &out);
    json_put_raw(&out, "payments", feed->recent.len == 0 ? STR("[]") : buf_str(&feed->recent));
    json_end_object(&out);
    if (buf_is_ok(&feed->snapshot)) {
        feed->watcher(feed->watcher_ctx, buf_str(&feed->snapshot));
    }
}

static void tick(void *ctx)
{
    struct feed *feed = ctx;
    loop_timer_start(&feed->tick, FEED_TICK_US);
    if (feed->ticks++ % ACCOUNTS_EVERY_TICKS == 0) {
        load_accounts(feed);
    }
    if (feed->watcher != NULL) {
        send_snapshot(feed);
        load_recent(feed);
    }
}

struct feed *feed_new(struct loop *loop, struct store *store, struct health *health)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    CHECK(feed != NULL);
    feed->store = store;
    feed->health = health;
    arena_init(&feed->accounts_arena[0], ARENA_BYTES_MAX);
    arena_init(&feed->accounts_arena[1], ARENA_BYTES_MAX);
    arena_init(&feed->recent_arena, ARENA_BYTES_MAX);
    buf_init(&feed->recent, SNAPSHOT_BYTES_MAX);
    buf_init(&feed->snapshot, SNAPSHOT_BYTES_MAX);
    loop_timer_init(&feed->tick, loop, tick, feed);
    loop_timer_start(&feed->tick, 0);
    return feed;
}

void feed_free(struct feed **feed)
{
    struct feed *f = *feed;
    if (f == NULL) {
        return;
    }
    loop_timer_release(&f->tick);
    drop_costs(f);
    arena_release(&f->accounts_arena[0]);
    arena_release(&f->accounts_arena[1]);
    arena_release(&f->recent_arena);
    buf_release(&f->recent);
    buf_release(&f->snapshot);
    free(f);
    *feed = NULL;
}

void feed_watch(struct feed *feed, feed_fn fn, void *ctx)
{
    feed->watcher = fn;
    feed->watcher_ctx = ctx;
    if (fn != NULL) {
        load_recent(feed);
        loop_timer_start(&feed->tick, 0);
    }
}

void feed_update_gauges(struct feed *feed)
{
    int64_t now = clock_mono_us();
    for (size_t i = 0; i < feed->account_count; i++) {
        struct health_view view;
        char id[ID_TEXT_SIZE];
        const struct directory_account *account = &feed->accounts[i];
        health_read(feed->health, health_find(feed->health, &account->account_id), now, &view);
        const struct str labels[] = {account->provider,
                                     id_format(ID_ACCOUNT, &account->account_id, id)};
        struct hold hold;
        bool is_held = account->disabled || holds_now(account->holds, clock_wall_us(), &hold);
        bool healthy = view.state == HEALTH_CLOSED && !is_held;
        int64_t circuit = view.state == HEALTH_OPEN ? 2 : view.state == HEALTH_HALF_OPEN ? 1 : 0;
        metrics_set(metrics_find(METRIC_PROVIDER_HEALTHY, labels, ARRAY_LEN(labels)), healthy);
        metrics_set(metrics_find(METRIC_CIRCUIT_STATE, labels, ARRAY_LEN(labels)), circuit);
        metrics_set(metrics_find(METRIC_PROVIDER_SLOW, labels, ARRAY_LEN(labels)), view.is_slow);
        metrics_set(metrics_find(METRIC_PROVIDER_HELD, labels, ARRAY_LEN(labels)), is_held);
        metrics_set(metrics_find(METRIC_PROVIDER_SUCCESS, labels, ARRAY_LEN(labels)),
                    view.success_per_million);
    }
}

size_t feed_account_count(const struct feed *feed)
{
    return feed->account_count;
}
