/*
 * order_read.h - payouts as merchants see them: an order, the payment that it became, or both.
 *
 * A payout that nobody had to wait for has no order. One that waited keeps the order's id for ever,
 * whatever payment (or second try of it) it became.
 */
#ifndef LEDGER_ORDER_READ_H
#define LEDGER_ORDER_READ_H

#include "ledger/order.h"

struct payout_view {
    struct uuid payout_id;
    bool has_order;
    struct order order;
    const struct store_payment_view *payment; /* of the current try; NULL: there is none yet */
    const struct order_error *error;          /* a row that was refused: nothing else is set */
    struct order_note notes[2 * ORDER_DECISION_MAX]; /* about it, and about its batch */
    size_t note_count;
};
typedef void (*payout_view_fn)(void *ctx, enum store_find found, const struct payout_view *payouts,
                               size_t count, bool has_more, const struct error *why);

/* One payout; ABSENT also when the id is a payment's, or of a try inside an order. */
void payout_load(struct store *store, const struct uuid *merchant_id, const struct uuid *payout_id,
                 struct arena *arena, payout_view_fn done, void *ctx);
struct payout_filter { /* newest first */
    struct uuid merchant_id;
    int64_t from_us, to_us; /* created, from included, to excluded; 0: open */
    struct str status;      /* as presented; empty: any */
    struct str reference;
    struct str provider; /* of any attempt */
    struct uuid after;   /* cursor: older than this; zero: from the newest */
    unsigned limit;      /* 1..100 */
};
void payout_list(struct store *store, const struct payout_filter *filter, struct arena *arena,
                 payout_view_fn done, void *ctx);
/* Rows of a batch behind row_number, refused ones among them; status "invalid": these alone. */
void payout_rows(struct store *store, const struct uuid *merchant_id, const struct uuid *batch_id,
                 int32_t row_number, struct str status, unsigned limit, struct arena *arena,
                 payout_view_fn done, void *ctx);

/* ---- batches --------------------------------------------------------------------------------- */

struct batch_count { /* rows of one status, reason and currency */
    struct str status;
    struct str reason; /* empty: none is needed */
    char currency[4];
    int64_t count;
    int64_t amount_minor;
};

struct batch_view {
    struct order_batch batch;
    struct order_note notes[ORDER_DECISION_MAX];
    size_t note_count;
    const struct batch_count *counts; /* of one batch; NULL in a list */
    size_t count_count;
    const struct batch_count *invalid; /* reasons of refused rows, without currency */
    size_t invalid_count;
};
typedef void (*batch_view_fn)(void *ctx, enum store_find found, const struct batch_view *batches,
                              size_t count, bool has_more, const struct error *why);
void batch_load(struct store *store, const struct uuid *merchant_id, const struct uuid *batch_id,
                struct arena *arena, batch_view_fn done, void *ctx);
void batch_list(struct store *store, const struct payout_filter *filter, struct arena *arena,
                batch_view_fn done, void *ctx);

#endif
