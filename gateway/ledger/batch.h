/*
 * batch.h - group commit: bundles in, transactions out.
 *
 *     batcher_add -> queue --(a writer is free, and full or waited)--> batch n on its way
 *                                                                          |
 *        +------------------+----------------------+---------------------+-+
 *        | committed        | a row was refused    | deadlock, conflict  | answer lost
 *        v                  v                      v                     v
 *     each bundle:       alone: FENCED, LIMIT,   the same bundles      each bundle: UNKNOWN
 *     COMMITTED or       REFERENCE, ROLLED_BACK  again, as batch n+1   (ticket names n)
 *     KEY_TAKEN ...      else: two halves, as
 *                        batches n+1, n+2
 *
 * A number is never used twice, so a ticket names the one transaction that may still arrive. Two
 * changes of one guard row go into different batches: UPDATE ... FROM applies only one of two
 * matches.
 */
#ifndef LEDGER_BATCH_H
#define LEDGER_BATCH_H

#include "ledger/bundle.h"
#include "ledger/pool.h"

struct batcher;

struct batcher *batcher_new(struct loop *loop, struct pool *pool, const struct store_config *config,
                            const struct uuid *writer_id);
void batcher_free(struct batcher **batcher); /* bundles in flight get no done */
void batcher_add(struct batcher *batcher, struct bundle *bundle);
size_t batcher_queued(const struct batcher *batcher);
/* Send what is due, end what waited too long. Call after every tick. */
void batcher_tick(struct batcher *batcher);

#endif
