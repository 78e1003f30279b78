/*
 * bundle.h - a store_txn that waits: its own copy of all rows, and who is to be told how it ended.
 *
 *     queue -> batch -> ( split, again ) -> batch -> done, exactly once
 */
#ifndef LEDGER_BUNDLE_H
#define LEDGER_BUNDLE_H

#include "base/list.h"
#include "ledger/store.h"

enum {
    BUNDLE_BYTES_MAX = 4 << 20, /* of one bundle; requests and answers are bounded far below */
};

struct bundle {
    struct link link;
    struct arena arena; /* owns every row */
    struct store_txn txn;
    store_done_fn done;
    void *ctx; /* borrowed */
    struct store_ticket ticket;
    int64_t queued_us;
    bool was_sent; /* in a batch that was rolled back since */
    /* An opening bundle, as the database answered: */
    bool has_won;
    bool is_reference_taken;
    bool is_spent;            /* the budget of its token */
    enum store_result result; /* of a bundle that was refused before it was sent */
};

struct bundle *bundle_new(const struct store_txn *txn, store_done_fn done, void *ctx);
void bundle_free(struct bundle *bundle);
/* Tell and free. */
void bundle_end(struct bundle *bundle, enum store_result result, const struct error *why);
/* The smallest id of its events; NULL: it has none. */
const struct uuid *bundle_first_event(const struct bundle *bundle);
/* True when both change the same row of payment_limits, token_budget or unresolved: not in one
 * statement. */
bool bundle_has_conflict(const struct bundle *a, const struct bundle *b);

#endif
