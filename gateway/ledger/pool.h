/*
 * pool.h - the connections of one worker: writers for batches, readers, one for control and one
 * for what is large.
 *
 * Batches take a free writer themselves. Everything else is a request: it waits until a connection
 * of its kind has room, at most REQUEST_WAIT_MS; then, or when too many wait, it ends as if lost
 * unsent.
 */
#ifndef LEDGER_POOL_H
#define LEDGER_POOL_H

#include "ledger/pg.h"
#include "ledger/store.h"

enum {
    REQUEST_WAIT_MS = 2000,
    REQUEST_WAIT_COUNT_MAX = 4096,
    REQUEST_PIPELINE_MAX = 32, /* jobs in flight on one connection */
};

struct request;
/* Put the statements into request->job with pg_job_send. */
typedef void (*request_send_fn)(struct request *request, struct pg *pg, struct params *params);

struct request { /* lives in its owner's struct; ends through job.end */
    struct link link;
    struct pg_job job;
    enum sql_kind kind;
    request_send_fn send;
    int64_t queued_us;
    bool is_refused; /* too many wait: ends in the next tick */
};

struct pool;

/* journal: borrowed; NULL: none. */
struct pool *pool_new(struct loop *loop, const struct store_config *config,
                      const struct uuid *writer_id, const struct uuid *instance_id,
                      const struct uuid *boot_id, unsigned slot, struct journal *journal);
void pool_free(struct pool **pool);
bool pool_can_write(const struct pool *pool);   /* a writer is ready, free or not */
struct pg *pool_find_writer(struct pool *pool); /* ready and free; NULL: none */
/* The end of the job is called later, never before this returns. */
void pool_submit(struct pool *pool, struct request *request);
/* Give waiting requests to connections, end those that waited too long. Call after every tick. */
void pool_tick(struct pool *pool);
/* The server cannot be written to: let every writer prove itself again. */
void pool_distrust(struct pool *pool, const char *why);
/* What is asked from now on goes over a new connection. */
void pool_renew_control(struct pool *pool);

#endif
