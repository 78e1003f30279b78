/*
 * price.h - what fees were computed from: fee tables and rates as they were when they were used.
 *
 * A decision names them by hash. They are put there before the first decision that needs them, once,
 * and never changed (migrations/20261122000020_prices.sql).
 */
#ifndef LEDGER_PRICE_H
#define LEDGER_PRICE_H

#include "ledger/store.h"

enum price_kind {
    PRICE_FEES = 0, /* "fees": of an account of the merchant */
    PRICE_RATES,    /* "rates": of the house; merchant_id is zero */
    PRICE_KIND_COUNT,
};

struct price {
    struct uuid merchant_id;
    enum price_kind kind;
    uint8_t hash[32];  /* SHA-256 of text */
    struct str text;   /* canonical JSON */
    struct str author; /* who put it there; empty: not known */
    int64_t created_us;
};

/* Put it there unless it is; what is there stays as it is. Count: 1 when it is new. */
void price_keep(struct store *store, const struct price *price, store_count_fn done, void *ctx);

typedef void (*price_fn)(void *ctx, enum store_find found, const struct price *price,
                         const struct error *why);
/* By its hash; strings live in arena. */
void price_find(struct store *store, const struct uuid *merchant_id, const uint8_t hash[32],
                struct arena *arena, price_fn done, void *ctx);

#endif
