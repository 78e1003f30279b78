#include "ledger/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ledger/call.h"
#include "ledger/journal.h"

const struct store_config store_config_default = {
    .writer_connections = 2,
    .reader_connections = 2,
    .batch_max = 256,
    .linger_us = 1000,
    .queue_max = 8192,
    .statement_timeout_ms = 10000,
    .reconnect_ms = 250,
    .journal_keep_ms = 24LL * 3600 * 1000,
    .journal_bytes_max = 8LL << 30,
};

const char *store_result_name(enum store_result result)
{
    static const char *const names[STORE_RESULT_COUNT] = {
        [STORE_COMMITTED] = "committed",
        [STORE_KEY_TAKEN] = "key_taken",
        [STORE_REFERENCE_TAKEN] = "reference_taken",
        [STORE_LIMIT_EXCEEDED] = "limit_exceeded",
        [STORE_FENCED] = "fenced",
        [STORE_ROLLED_BACK] = "rolled_back",
        [STORE_UNAVAILABLE] = "unavailable",
        [STORE_UNKNOWN] = "unknown",
    };
    CHECK((unsigned)result < STORE_RESULT_COUNT);
    return names[result];
}

static void after_tick(void *ctx)
{
    struct store *store = ctx;
    pool_tick(store->pool);
    batcher_tick(store->batcher);
    if (metrics_is_open())
        metrics_hold(metrics_find(METRIC_DB_CONNECTED, NULL, 0), store_is_connected(store) ? 1 : 0);
}

static struct journal *open_journal(const struct store *store, unsigned slot)
{
    const struct store_config *config = &store->config;
    if (config->journal_folder == NULL || config->journal_folder[0] == '\0')
        return NULL;
    const struct journal_config journal = {
        .folder = config->journal_folder,
        .writer_id = store->writer_id,
        .instance_id = store->instance_id,
        .boot_id = store->boot_id,
        .slot = slot,
        .started_us = clock_wall_us(),
        .keep_us = config->journal_keep_ms * CLOCK_MS_US,
        .bytes_max = config->journal_bytes_max,
    };
    return journal_new(&journal);
}

struct store *store_new(struct loop *loop, const struct store_config *config,
                        const struct uuid *writer_id, const struct uuid *instance_id,
                        const struct uuid *boot_id, unsigned slot)
{
    struct store *store = calloc(1, sizeof(*store));
    CHECK(store != NULL);
    CHECK(config->conninfo != NULL);
    store->loop = loop;
    store->config = *config;
    store->writer_id = *writer_id;
    store->instance_id = *instance_id;
    store->boot_id = *boot_id;
    list_init(&store->calls);
    store->journal = open_journal(store, slot);
    store->pool =
        pool_new(loop, &store->config, writer_id, instance_id, boot_id, slot, store->journal);
    store->batcher = batcher_new(loop, store->pool, &store->config, writer_id);
    loop_after_tick(loop, after_tick, store);
    return store;
}

void store_free(struct store **store)
{
    if (*store == NULL)
        return;
    pool_free(&(*store)->pool);
    batcher_free(&(*store)->batcher);
    while (!list_is_empty(&(*store)->calls))
        call_free(LIST_OWNER((*store)->calls.next, struct call, link));
    journal_free(&(*store)->journal);
    free(*store);
    *store = NULL;
}

bool store_is_connected(const struct store *store)
{
    return pool_can_write(store->pool);
}

size_t store_queued(const struct store *store)
{
    return batcher_queued(store->batcher);
}

void store_write_start(struct store *store, const struct store_txn *txn, store_done_fn done,
                       void *ctx)
{
    batcher_add(store->batcher, bundle_new(txn, done, ctx));
}

/* ---- what became of a batch whose answer was lost -------------------------------------------- */

struct probe {
    struct call call;
    struct store_ticket ticket;
    store_done_fn done;
    void *ctx;
    bool is_answered;
    bool is_ours;           /* the row in `batches` is this probe's or an earlier one's */
    struct uuid key_holder; /* zero: nobody has the key */
    bool is_opened;         /* the bundle's attempt is there */
};

static void probe_send(struct request *request, struct pg *pg, struct params *params)
{
    struct probe *probe = LIST_OWNER(request, struct probe, call.request);
    const struct store_ticket *ticket = &probe->ticket;
    params_clear(params);
    params_uuid(params, &probe->call.store->writer_id);
    params_int8(params, ticket->batch_no);
    params_time(params, clock_wall_us());
    pg_job_send(pg, &request->job, SQL_PROBE_MARK, params);
    params_clear(params);
    params_uuid(params, &probe->call.store->writer_id);
    params_int8(params, ticket->batch_no);
    params_uuid(params, &ticket->merchant_id);
    params_text(params, str_of(ticket->key));
    params_uuid(params, &ticket->attempt_id);
    pg_job_send(pg, &request->job, SQL_PROBE_ASK, params);
}

static void probe_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    struct probe *probe = LIST_OWNER(job, struct probe, call.request.job);
    if (sql != SQL_PROBE_ASK || PQntuples(res) != 1)
        return;
    /* What is between us and the server may mix up answers: this one decides whether
     * money is asked for again. */
    if (column_int8(res, 0, 3) != probe->ticket.batch_no) {
        log_error("ledger", "the answer about another batch; asking again",
                  LOG_INT("batch", probe->ticket.batch_no),
                  LOG_INT("answered", column_int8(res, 0, 3)));
        return;
    }
    probe->is_answered = true;
    probe->is_ours = column_bool(res, 0, 0);
    probe->key_holder = column_uuid(res, 0, 1);
    probe->is_opened = column_bool(res, 0, 2);
}

static enum store_result probe_verdict(const struct probe *probe)
{
    if (probe->is_ours)
        return STORE_ROLLED_BACK;
    /* By the attempt: the payment's id may be another request's, too. */
    if (uuid_is_zero(&probe->ticket.payment_id) || probe->is_opened)
        return STORE_COMMITTED;
    return uuid_is_zero(&probe->key_holder) ? STORE_REFERENCE_TAKEN : STORE_KEY_TAKEN;
}

static void probe_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct probe *probe = LIST_OWNER(job, struct probe, call.request.job);
    enum store_result result = STORE_UNAVAILABLE;
    struct error err = why->err;
    /* Only an answered Sync counts: until then our own row may still be rolled back. */
    if (end == PG_DONE && probe->is_answered) {
        result = probe_verdict(probe);
        if (result == STORE_ROLLED_BACK)
            (void)fail(&err, ERROR_UNAVAILABLE, "the batch did not reach its commit");
        if (probe->call.store->journal != NULL)
            journal_probed(probe->call.store->journal, probe->ticket.batch_no, !probe->is_ours);
    }
    probe->done(probe->ctx, result, &probe->ticket, &err);
    call_free(&probe->call);
}

void store_probe_start(struct store *store, const struct store_ticket *ticket, store_done_fn done,
                       void *ctx)
{
    CHECK(ticket->batch_no > 0);
    struct probe *probe = call_new(store, sizeof(*probe), SQL_CONTROL, probe_result, probe_end);
    probe->ticket = *ticket;
    probe->done = done;
    probe->ctx = ctx;
    probe->call.request.send = probe_send;
    call_add(&probe->call, SQL_PROBE_MARK);
    call_add(&probe->call, SQL_PROBE_ASK);
    call_submit(&probe->call);
}
