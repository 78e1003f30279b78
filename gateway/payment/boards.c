#include "payment/boards.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ledger/holds.h"
#include "payment/board.h"

enum {
    TICK_US = 1000000,
    WATCHED_TICKS = 2, /* accounts are read anew after so many */
    IDLE_TICKS = 10,
    ACCOUNT_MAX = HEALTH_ENTRY_MAX,
    ARENA_BYTES_MAX = 32 << 20,
};

struct watcher {
    struct link link;
    boards_fn fn;
    void *ctx;
};

struct boards {
    struct boards_parts parts;
    struct loop_timer tick;
    unsigned ticks;
    struct arena arena[2]; /* of the accounts that are shown, and of those being read */
    unsigned shown;
    struct merchant_account *accounts; /* in arena[shown]; each is released */
    size_t account_count;
    bool is_loading;
    struct link watchers;
    struct link *next; /* to be told next, while they are told */
};

/* ---- accounts -------------------------------------------------------------------------------- */

static void drop_accounts(struct boards *boards)
{
    for (size_t i = 0; i < boards->account_count; i++) {
        merchant_account_release(&boards->accounts[i]);
    }
    boards->account_count = 0;
}

static void accounts_loaded(void *ctx, enum store_find found, const struct directory_rows *rows,
                            const struct error *why)
{
    struct boards *boards = ctx;
    boards->is_loading = false;
    if (found == STORE_FAILED) {
        log_debug("board", "accounts not read", LOG_CSTR("error", why->text));
        return; /* what was shown before stays */
    }
    drop_accounts(boards);
    boards->shown = 1 - boards->shown;
    struct arena *arena = &boards->arena[boards->shown];
    boards->account_count = rows->account_count < ACCOUNT_MAX ? rows->account_count : ACCOUNT_MAX;
    boards->accounts = ARENA_ARRAY(arena, struct merchant_account, boards->account_count);
    for (size_t i = 0; i < boards->account_count; i++) {
        merchant_account_build(&boards->accounts[i], &rows->accounts[i], boards->parts.config, NULL,
                               arena);
    }
}

static void load_accounts(struct boards *boards)
{
    if (boards->is_loading) {
        return;
    }
    struct arena *arena = &boards->arena[1 - boards->shown];
    arena_reset(arena);
    boards->is_loading = true;
    directory_list_accounts(boards->parts.store, arena, accounts_loaded, boards);
}

/* ---- watchers -------------------------------------------------------------------------------- */

static void tick(void *ctx)
{
    struct boards *boards = ctx;
    bool is_watched = !list_is_empty(&boards->watchers);
    loop_timer_start(&boards->tick, TICK_US);
    if (boards->ticks++ % (is_watched ? WATCHED_TICKS : IDLE_TICKS) == 0) {
        load_accounts(boards);
    }
    for (struct link *at = boards->watchers.next; at != &boards->watchers; at = boards->next) {
        struct watcher *watcher = LIST_OWNER(at, struct watcher, link);
        boards->next = at->next;
        watcher->fn(watcher->ctx);
    }
    boards->next = NULL;
}

void boards_watch(struct boards *boards, boards_fn fn, void *ctx)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    CHECK(watcher != NULL);
    watcher->fn = fn;
    watcher->ctx = ctx;
    list_add_last(&boards->watchers, &watcher->link);
    if (boards->next == NULL) { /* the first one does not wait */
        boards->ticks = 0;
        loop_timer_start(&boards->tick, 0);
    }
}

void boards_unwatch(struct boards *boards, boards_fn fn, void *ctx)
{
    for (struct link *at = boards->watchers.next; at != &boards->watchers; at = at->next) {
        struct watcher *watcher = LIST_OWNER(at, struct watcher, link);
        if (watcher->fn == fn && watcher->ctx == ctx) {
            if (boards->next == at) {
                boards->next = at->next;
            }
            list_remove(at);
            free(watcher);
            return;
        }
    }
}

/* ---- what is shown --------------------------------------------------------------------------- */

/* The currency in which the expected fee of 100.00 is shown. */
static const struct currency *usual_currency(const struct merchant_account *account)
{
    static const char *const usual[] = {"EUR", "USD", "GBP"};
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        const struct currency *currency = currency_find(str_of(usual[i]));
        if (merchant_account_takes(account, currency)) {
            return currency;
        }
    }
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (merchant_account_takes(account, &all[i])) {
            return &all[i];
        }
    }
    return NULL;
}

/* Paths and names of the house's files are for operators. */
static struct str problem_for(const struct merchant_account *account, bool for_house)
{
    if (account->usable) {
        return STR_NONE;
    }
    return for_house ? str_of(account->problem)
                     : STR("its settings or credentials cannot be used; the operator knows why");
}

void boards_print_account(struct health *health, const struct merchant_account *account,
                          const struct currency *currency, bool for_house, struct json_out *out)
{
    struct health_view view;
    struct health_history history;
    struct health_entry *seen = health_find(health, &account->row.account_id);
    struct board_entry entry = {
        .account = &account->row,
        .health = &view,
        .history = &history,
        .cost = account->cost,
        .problem = problem_for(account, for_house),
        .currency = currency != NULL ? currency : usual_currency(account),
        .now_us = clock_mono_us(),
        .now_wall_us = clock_wall_us(),
    };
    if (currency != NULL && !merchant_account_takes(account, currency)) {
        entry.currency = NULL;
    }
    health_read(health, seen, entry.now_us, &view);
    health_read_history(health, seen, entry.now_us, &history);
    board_print(&entry, out);
}

void boards_print(const struct boards *boards, const struct uuid *merchant_id, bool for_house,
                  struct json_out *out)
{
    for (size_t i = 0; i < boards->account_count; i++) {
        const struct merchant_account *account = &boards->accounts[i];
        if (merchant_id == NULL || uuid_eq(merchant_id, &account->row.merchant_id)) {
            boards_print_account(boards->parts.health, account, NULL, for_house, out);
        }
    }
}

void boards_each(const struct boards *boards, boards_each_fn fn, void *ctx)
{
    for (size_t i = 0; i < boards->account_count; i++) {
        const struct merchant_account *account = &boards->accounts[i];
        struct health_view view;
        struct board_entry entry = {
            .account = &account->row,
            .health = &view,
            .problem = problem_for(account, true),
            .now_us = clock_mono_us(),
            .now_wall_us = clock_wall_us(),
        };
        health_read(boards->parts.health,
                    health_find(boards->parts.health, &account->row.account_id), entry.now_us,
                    &view);
        fn(ctx, account->row.provider, board_state(&entry));
    }
}

void boards_update_gauges(const struct boards *boards)
{
    int64_t now = clock_mono_us();
    for (size_t i = 0; i < boards->account_count; i++) {
        struct health_view view;
        struct hold hold;
        char id[ID_TEXT_SIZE];
        const struct directory_account *account = &boards->accounts[i].row;
        health_read(boards->parts.health, health_find(boards->parts.health, &account->account_id),
                    now, &view);
        const struct str labels[] = {account->provider,
                                     id_format(ID_ACCOUNT, &account->account_id, id)};
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

size_t boards_account_count(const struct boards *boards)
{
    return boards->account_count;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct boards *boards_new(const struct boards_parts *parts)
{
    struct boards *boards = calloc(1, sizeof(*boards));
    CHECK(boards != NULL);
    boards->parts = *parts;
    list_init(&boards->watchers);
    arena_init(&boards->arena[0], ARENA_BYTES_MAX);
    arena_init(&boards->arena[1], ARENA_BYTES_MAX);
    loop_timer_init(&boards->tick, parts->loop, tick, boards);
    loop_timer_start(&boards->tick, 0);
    return boards;
}

void boards_free(struct boards **boards)
{
    struct boards *b = *boards;
    if (b == NULL) {
        return;
    }
    CHECK(list_is_empty(&b->watchers));
    loop_timer_release(&b->tick);
    drop_accounts(b);
    arena_release(&b->arena[0]);
    arena_release(&b->arena[1]);
    free(b);
    *boards = NULL;
}
