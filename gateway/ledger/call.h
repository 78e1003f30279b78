/*
 * call.h - a request that holds its own parameters: one or more statements that share them.
 *
 * Made by a public function of the store, embedded in its struct, released by its end.
 */
#ifndef LEDGER_CALL_H
#define LEDGER_CALL_H

#include "ledger/batch.h"
#include "ledger/pool.h"

enum {
    CALL_STATEMENT_MAX = 6,
};

struct store {
    struct loop *loop; /* borrowed */
    struct store_config config;
    struct uuid writer_id;
    struct uuid instance_id;
    struct uuid boot_id;
    struct pool *pool;       /* owned */
    struct batcher *batcher; /* owned */
    struct journal *journal; /* owned; NULL: none */
    struct link calls;       /* on their way; freed with the store */
    bool is_clock_known;
    int64_t clock_ahead_us; /* the database's, of ours */
};

struct call {
    struct link
        link; /* in store.calls; first: the call is its owner's first member, and allocated */
    struct request request;
    struct store *store; /* borrowed */
    struct params params;
    enum sql statements[CALL_STATEMENT_MAX];
    unsigned statement_count;
    struct loop_timer later; /* call_submit_later */
    bool has_later;
};

/* A zeroed struct of size bytes that begins with a struct call. */
void *call_new(struct store *store, size_t size, enum sql_kind kind, pg_result_fn result,
               pg_end_fn end);
void call_free(struct call *call);
void call_add(struct call *call, enum sql sql);
void call_submit(struct call *call);
/* The same after a while; a call that is freed meanwhile is not submitted. */
void call_submit_later(struct call *call, int64_t delay_us);
/* Begin anew, with other statements and parameters, within the end of the former. */
void call_reset(struct call *call, pg_result_fn result, pg_end_fn end);
struct call *call_of(struct pg_job *job);

#endif
