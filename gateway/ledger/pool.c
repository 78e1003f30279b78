#include "ledger/pool.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
    POOL_PG_MAX = 32, /* of one kind; the configuration allows 16 */
};

struct pool {
    struct loop *loop;
    struct pg *pgs[SQL_KIND_COUNT][POOL_PG_MAX]; /* owned */
    unsigned counts[SQL_KIND_COUNT];
    struct link waiting; /* requests, oldest first */
    size_t waiting_count;
    unsigned ready_count; /* at the last tick */
    struct params params;
    struct loop_timer wake; /* while requests wait */
};

static void woken(void *ctx UNUSED)
{
    /* The work is done after the tick. */
}

struct pool *pool_new(struct loop *loop, const struct store_config *config,
                      const struct uuid *writer_id, const struct uuid *instance_id,
                      const struct uuid *boot_id, unsigned slot, struct journal *journal)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    CHECK(pool != NULL);
    CHECK(config->writer_connections >= 1 && config->writer_connections <= POOL_PG_MAX);
    CHECK(config->reader_connections >= 1 && config->reader_connections <= POOL_PG_MAX);
    pool->loop = loop;
    list_init(&pool->waiting);
    params_init(&pool->params);
    loop_timer_init(&pool->wake, loop, woken, pool);
    pool->counts[SQL_WRITER] = config->writer_connections;
    pool->counts[SQL_READER] = config->reader_connections;
    pool->counts[SQL_CONTROL] = 1;
    pool->counts[SQL_BULK] = 1;
    struct pg_config pg_config = {
        .conninfo = config->conninfo,
        .statement_timeout_ms = config->statement_timeout_ms,
        .reconnect_ms = config->reconnect_ms,
        .writer_id = *writer_id,
        .instance_id = *instance_id,
        .boot_id = *boot_id,
        .slot = slot,
        .started_us = clock_wall_us(),
        .journal = journal,
    };
    for (int kind = 0; kind < SQL_KIND_COUNT; kind++) {
        pg_config.kind = (enum sql_kind)kind;
        for (unsigned i = 0; i < pool->counts[kind]; i++)
            pool->pgs[kind][i] = pg_new(loop, &pg_config);
    }
    return pool;
}

void pool_free(struct pool **pool)
{
    if (*pool == NULL)
        return;
    for (int kind = 0; kind < SQL_KIND_COUNT; kind++) {
        for (unsigned i = 0; i < (*pool)->counts[kind]; i++)
            pg_free(&(*pool)->pgs[kind][i]);
    }
    loop_timer_release(&(*pool)->wake);
    params_release(&(*pool)->params);
    free(*pool);
    *pool = NULL;
}

bool pool_can_write(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->counts[SQL_WRITER]; i++) {
        if (pg_is_ready(pool->pgs[SQL_WRITER][i]))
            return true;
    }
    return false;
}

/* The ready connection with the fewest jobs, if it has fewer than `limit`. */
static struct pg *find(struct pool *pool, enum sql_kind kind, unsigned limit)
{
    struct pg *best = NULL;
    for (unsigned i = 0; i < pool->counts[kind]; i++) {
        struct pg *pg = pool->pgs[kind][i];
        if (pg_is_ready(pg) && pg_job_count(pg) < limit) {
            best = pg;
            limit = pg_job_count(pg);
        }
    }
    return best;
}

struct pg *pool_find_writer(struct pool *pool)
{
    return find(pool, SQL_WRITER, 1);
}

static void wait_for_room(struct pool *pool, struct request *request)
{
    list_add_last(&pool->waiting, &request->link);
    pool->waiting_count++;
    if (request->is_refused)
        loop_timer_start(&pool->wake, 0);
    else if (!loop_timer_is_running(&pool->wake))
        loop_timer_start(&pool->wake, REQUEST_WAIT_MS * CLOCK_MS_US);
}

/* False: there is no room now. */
static bool try_send(struct pool *pool, struct request *request)
{
    struct pg *pg = find(pool, request->kind, REQUEST_PIPELINE_MAX);
    if (pg == NULL)
        return false;
    pg_result_fn result = request->job.result;
    pg_end_fn end = request->job.end;
    pg_job_init(&request->job, result, end);
    request->send(request, pg, &pool->params);
    return pg_job_commit(pg, &request->job);
}

void pool_submit(struct pool *pool, struct request *request)
{
    list_init(&request->link);
    request->queued_us = loop_now_us(pool->loop);
    request->is_refused = pool->waiting_count >= REQUEST_WAIT_COUNT_MAX;
    if (request->is_refused || !list_is_empty(&pool->waiting) || !try_send(pool, request))
        wait_for_room(pool, request);
}

static void refuse(struct pool *pool, struct request *request)
{
    list_remove(&request->link);
    pool->waiting_count--;
    struct pg_failure why = {.sql = SQL_NONE};
    if (request->is_refused)
        (void)fail(&why.err, ERROR_BUSY, "too many requests wait for the database");
    else
        (void)fail(&why.err, ERROR_UNAVAILABLE, "the database is away");
    request->job.end(&request->job, PG_LOST, &why);
}

/* When one connection has come back, the others need not wait out their pauses. */
static void hurry_others(struct pool *pool)
{
    unsigned ready_count = 0;
    for (int kind = 0; kind < SQL_KIND_COUNT; kind++) {
        for (unsigned i = 0; i < pool->counts[kind]; i++)
            ready_count += pg_is_ready(pool->pgs[kind][i]);
    }
    bool is_better = ready_count > pool->ready_count;
    pool->ready_count = ready_count;
    for (int kind = 0; is_better && kind < SQL_KIND_COUNT; kind++) {
        for (unsigned i = 0; i < pool->counts[kind]; i++)
            pg_hurry(pool->pgs[kind][i]);
    }
}

void pool_tick(struct pool *pool)
{
    hurry_others(pool);
    int64_t oldest_us = clock_mono_us() - REQUEST_WAIT_MS * CLOCK_MS_US;
    struct link *next;
    for (struct link *link = pool->waiting.next; link != &pool->waiting; link = next) {
        next = link->next;
        struct request *request = LIST_OWNER(link, struct request, link);
        if (request->is_refused || request->queued_us <= oldest_us) {
            refuse(pool, request);
            /* Its owner may have submitted or ended others. */
            next = pool->waiting.next;
        } else if (find(pool, request->kind, REQUEST_PIPELINE_MAX) != NULL) {
            list_remove(link);
            pool->waiting_count--;
            if (!try_send(pool, request))
                wait_for_room(pool, request);
        }
    }
    if (!list_is_empty(&pool->waiting) && !loop_timer_is_running(&pool->wake))
        loop_timer_start(&pool->wake, REQUEST_WAIT_MS * CLOCK_MS_US / 8);
}

void pool_distrust(struct pool *pool, const char *why)
{
    for (unsigned i = 0; i < pool->counts[SQL_WRITER]; i++) {
        if (pg_job_count(pool->pgs[SQL_WRITER][i]) == 0)
            pg_reopen(pool->pgs[SQL_WRITER][i], why);
    }
}

void pool_renew_control(struct pool *pool)
{
    pg_reopen(pool->pgs[SQL_CONTROL][0], "a batch was lost: probes ask on a new connection");
}
