#include "payment/prices.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "payment/hash.h"

enum {
    KEPT_MAX = 65536, /* then all are forgotten, and asked anew */
};

struct kept_key {
    struct uuid merchant_id;
    uint8_t hash[32];
};
static_assert(sizeof(struct kept_key) == 48, "a key without gaps");

struct kept {
    struct kept_key key;
    UT_hash_handle hh;
};

struct prices {
    struct store *store; /* borrowed */
    struct kept *kept;   /* owned */
};

struct prices *prices_new(struct store *store)
{
    struct prices *prices = calloc(1, sizeof(*prices));
    CHECK(prices != NULL);
    prices->store = store;
    return prices;
}

static void forget(struct prices *prices)
{
    struct kept *kept = prices->kept;
    struct kept *next = NULL;
    HASH_CLEAR(hh, prices->kept);
    for (; kept != NULL; kept = next) {
        next = kept->hh.next;
        free(kept);
    }
}

void prices_free(struct prices **prices)
{
    if (*prices != NULL) {
        forget(*prices);
        free(*prices);
        *prices = NULL;
    }
}

static struct kept_key key_of(const struct merchant *merchant, const struct cost_table *table)
{
    struct kept_key key = {.merchant_id = merchant->merchant_id};
    memcpy(key.hash, cost_table_hash(table), sizeof(key.hash));
    return key;
}

bool prices_next(struct prices *prices, const struct merchant *merchant, size_t *next)
{
    for (; *next < merchant->account_count; (*next)++) {
        const struct cost_table *table = merchant->account[*next].cost;
        if (table == NULL)
            continue;
        struct kept_key key = key_of(merchant, table);
        struct kept *kept = NULL;
        HASH_FIND(hh, prices->kept, &key, sizeof(key), kept);
        if (kept == NULL)
            return true;
    }
    return false;
}

void prices_keep(struct prices *prices, const struct merchant *merchant, size_t account,
                 store_count_fn done, void *ctx)
{
    CHECK(account < merchant->account_count);
    const struct cost_table *table = merchant->account[account].cost;
    struct price price = {
        .merchant_id = merchant->merchant_id,
        .kind = PRICE_FEES,
        .text = cost_table_text(table),
        .created_us = clock_wall_us(),
    };
    memcpy(price.hash, cost_table_hash(table), sizeof(price.hash));
    price_keep(prices->store, &price, done, ctx);
}

void prices_kept(struct prices *prices, const struct merchant *merchant, size_t account)
{
    struct kept *kept = calloc(1, sizeof(*kept));
    CHECK(kept != NULL && account < merchant->account_count);
    if (HASH_COUNT(prices->kept) >= KEPT_MAX)
        forget(prices);
    kept->key = key_of(merchant, merchant->account[account].cost);
    struct kept *there = NULL;
    HASH_FIND(hh, prices->kept, &kept->key, sizeof(kept->key), there);
    if (there != NULL) {
        free(kept);
        return;
    }
    HASH_ADD(hh, prices->kept, key, sizeof(kept->key), kept);
}
