/*
 * boards.h - the provider accounts of all merchants with how they are doing, kept for boards and
 * gauges: read anew every two seconds while somebody looks, else every ten.
 *
 *     accounts (ledger) + health (shared segment) -> board.h
 */
#ifndef PAYMENT_BOARDS_H
#define PAYMENT_BOARDS_H

#include "base/json.h"
#include "base/loop.h"
#include "ledger/store.h"
#include "payment/merchant.h"
#include "router/health.h"

struct boards;

struct boards_parts { /* borrowed */
    struct loop *loop;
    struct store *store;
    struct health *health;
    const struct merchants_config *config; /* how secrets and settings are read */
};

struct boards *boards_new(const struct boards_parts *parts);
void boards_free(struct boards **boards);

typedef void (*boards_fn)(void *ctx);
/*
 * Called about every second from now on, until boards_unwatch with the same fn and ctx. At most one
 * watcher of the same fn and ctx; fn may unwatch itself.
 */
void boards_watch(struct boards *boards, boards_fn fn, void *ctx);
void boards_unwatch(struct boards *boards, boards_fn fn, void *ctx);
/*
 * The elements of a JSON array: accounts of one merchant (NULL: of all), by id. for_house: problems
 * name paths and files.
 */
void boards_print(const struct boards *boards, const struct uuid *merchant_id, bool for_house,
                  struct json_out *out);
/* One account, as boards_print does; currency NULL: the one most usual. */
void boards_print_account(struct health *health, const struct merchant_account *account,
                          const struct currency *currency, bool for_house, struct json_out *out);
/* Every account of all merchants, by id: its provider and the word of board_state. */
typedef void (*boards_each_fn)(void *ctx, struct str provider, const char *state);
void boards_each(const struct boards *boards, boards_each_fn fn, void *ctx);
/* Bring the health gauges of the metrics up to date. */
void boards_update_gauges(const struct boards *boards);
size_t boards_account_count(const struct boards *boards);

#endif
