/*
 * claim.h - rows of a queue, claimed for a lease by one UPDATE that returns them: read into an array
 * in the caller's arena, and told.
 */
#ifndef LEDGER_CLAIM_H
#define LEDGER_CLAIM_H

#include "ledger/call.h"

typedef void (*claim_fn)(void); /* a queue's own kind of done; `tell` knows which */

struct claim_kind {
    enum sql sql;
    size_t size; /* of one claim */
    void (*read)(const PGresult *res, int row, struct arena *arena, void *claim);
    void (*tell)(claim_fn done, void *ctx, enum store_find found, const void *claims, size_t count,
                 const struct error *why);
};

/*
 * A call whose first parameters are now and the end of the lease; the queue's own follow, then
 * call_submit. `kind` is static; claims and their texts live in the arena, which outlives the call.
 */
struct call *claim_new(struct store *store, const struct claim_kind *kind, int64_t now_us,
                       int64_t lease_ms, struct arena *arena, claim_fn done, void *ctx);

#endif
