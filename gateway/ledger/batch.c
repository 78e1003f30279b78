#include "ledger/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ledger/rows.h"
#include "ledger/verdict.h"

enum {
    UNSENT_MAX_MS = 2000,      /* a bundle that waits longer ends UNAVAILABLE */
    BUSY_LINGER = 4,           /* lingers to wait while another batch is on its way */
    AGAIN_MAX = 5,             /* runs of one batch after deadlocks */
    BATCH_BYTES_MAX = 8 << 20, /* about; bundles beyond it wait for the next batch */
    DEAD_MAX = 64,             /* beyond it followers find out by themselves (follow.h) */
};

struct batch {
    struct link link; /* in batcher.again or batcher.on_way */
    struct pg_job job;
    struct batcher *batcher; /* borrowed */
    int64_t number;
    size_t told_count; /* of the batcher's dead numbers, which this one tells of */
    unsigned run_count;
    int64_t sent_us;
    size_t count;
    struct bundle *bundles[]; /* owned */
};

struct batcher {
    struct loop *loop;
    struct pool *pool;
    const struct store_config *config;
    struct uuid writer_id;
    int64_t last_number;
    struct link queue; /* bundles, oldest first */
    size_t queue_count;
    struct link refused;    /* bundles that end in the next tick */
    struct link again;      /* batches that were rolled back, before the queue */
    struct link on_way;     /* batches */
    int64_t dead[DEAD_MAX]; /* numbers that surely never commit, and of which no row tells yet */
    size_t dead_count;
    bool is_telling; /* a batch that tells of them is on its way */
    struct params params;
    struct loop_timer wake;
};

/* Take the first link out of a list that is not empty. */
static struct link *pop(struct link *list)
{
    struct link *first = list->next;
    list->next = first->next;
    first->next->prev = list;
    list_init(first);
    return first;
}

/* ---- making and ending batches --------------------------------------------------------------- */

static struct batch *batch_new(struct batcher *batcher, size_t capacity)
{
    struct batch *batch = calloc(1, sizeof(*batch) + capacity * sizeof(struct bundle *));
    CHECK(batch != NULL);
    list_init(&batch->link);
    batch->batcher = batcher;
    return batch;
}

static void batch_free(struct batch *batch)
{
    list_remove(&batch->link);
    free(batch);
}

static void end_all(struct batch *batch, enum store_result result, const struct error *why)
{
    list_remove(&batch->link);
    for (size_t i = 0; i < batch->count; i++)
        bundle_end(batch->bundles[i], result, why);
    batch_free(batch);
}

static void end_committed(struct batch *batch)
{
    static const struct error none = {ERROR_NONE, ""};
    list_remove(&batch->link);
    for (size_t i = 0; i < batch->count; i++) {
        struct bundle *bundle = batch->bundles[i];
        enum store_result result = STORE_COMMITTED;
        if (bundle->txn.payment != NULL && !bundle->has_won)
            result = bundle->is_reference_taken ? STORE_REFERENCE_TAKEN
                     : bundle->is_spent         ? STORE_LIMIT_EXCEEDED
                                                : STORE_KEY_TAKEN;
        bundle_end(bundle, result, &none);
    }
    batch_free(batch);
}

static void wake_in(struct batcher *batcher, int64_t delay_us)
{
    if (!loop_timer_is_running(&batcher->wake))
        loop_timer_start(&batcher->wake, delay_us);
}

/* ---- numbers that are used up ------------------------------------------------------------------ */

static void note_dead(struct batcher *batcher, int64_t number)
{
    if (batcher->dead_count < DEAD_MAX)
        batcher->dead[batcher->dead_count++] = number;
}

static void tell_dead(struct batch *batch, struct pg *pg, int64_t now_us)
{
    struct batcher *batcher = batch->batcher;
    struct params *params = &batcher->params;
    batch->told_count = 0;
    if (batcher->dead_count == 0 || batcher->is_telling)
        return;
    batch->told_count = batcher->dead_count;
    batcher->is_telling = true;
    params_clear(params);
    params_uuid(params, &batcher->writer_id);
    params_time(params, now_us);
    params_array_begin(params, VALUE_INT8, batcher->dead_count);
    for (size_t i = 0; i < batcher->dead_count; i++)
        params_put_int8(params, batcher->dead[i]);
    params_array_end(params);
    pg_job_send(pg, &batch->job, SQL_MARK_DEAD, params);
}

static void told_dead(struct batch *batch, bool is_committed)
{
    struct batcher *batcher = batch->batcher;
    if (batch->told_count == 0)
        return;
    batcher->is_telling = false;
    if (is_committed) {
        batcher->dead_count -= batch->told_count;
        memmove(batcher->dead, batcher->dead + batch->told_count,
                batcher->dead_count * sizeof(batcher->dead[0]));
    }
    batch->told_count = 0;
}

/* ---- what became of a batch -------------------------------------------------------------------- */

/* The surely unwritten bundles from `first` on, to be run again before what is queued. */
static void run_again(struct batch *batch, size_t first, size_t count, unsigned run_count)
{
    struct batcher *batcher = batch->batcher;
    struct batch *next = batch_new(batcher, count);
    next->count = count;
    next->run_count = run_count;
    for (size_t i = 0; i < count; i++) {
        struct bundle *bundle = batch->bundles[first + i];
        bundle->was_sent = true;
        bundle->has_won = false;
        bundle->is_reference_taken = false;
        bundle->is_spent = false;
        next->bundles[i] = bundle;
    }
    list_add_last(&batcher->again, &next->link);
    wake_in(batcher, 0);
}

static void end_refused(struct batch *batch, const struct pg_failure *why)
{
    struct verdict verdict = verdict_of(why);
    log_debug("ledger", "batch rolled back", LOG_INT("batch", batch->number),
              LOG_INT("bundles", (int64_t)batch->count), LOG_CSTR("why", why->err.text));
    if (verdict.kind == VERDICT_AGAIN && batch->run_count < AGAIN_MAX) {
        run_again(batch, 0, batch->count, batch->run_count + 1);
        batch_free(batch);
        return;
    }
    if (verdict.kind == VERDICT_SERVER) {
        log_error("ledger", "database refuses to write", LOG_CSTR("why", why->err.text));
        pool_distrust(batch->batcher->pool, why->err.text);
    }
    if (verdict.kind == VERDICT_ROW && batch->count > 1) {
        size_t half = batch->count / 2;
        run_again(batch, 0, half, 0);
        run_again(batch, half, batch->count - half, 0);
        batch_free(batch);
        return;
    }
    end_all(batch, verdict.result, &why->err);
}

static struct bundle *find_opening(struct batch *batch, const struct uuid *payment_id)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct store_payment *payment = batch->bundles[i]->txn.payment;
        if (payment != NULL && uuid_eq(&payment->payment_id, payment_id))
            return batch->bundles[i];
    }
    return NULL;
}

static void batch_result(struct pg_job *job, enum sql sql, const PGresult *res)
{
    if (sql != SQL_OPEN)
        return;
    struct batch *batch = LIST_OWNER(job, struct batch, job);
    for (int row = 0; row < PQntuples(res); row++) {
        struct uuid payment_id = column_uuid(res, row, 0);
        struct bundle *bundle = find_opening(batch, &payment_id);
        struct str word = column_text(res, row, 1);
        if (bundle != NULL) {
            bundle->has_won = str_eq(word, STR("w"));
            bundle->is_reference_taken = str_eq(word, STR("r"));
            bundle->is_spent = str_eq(word, STR("b"));
        }
    }
}

static void count_batch(const struct batch *batch, struct str result)
{
    if (!metrics_is_open())
        return;
    metrics_count(METRIC_DB_BATCHES, 1, result);
    metrics_observe(metrics_find(METRIC_DB_BATCH_ROWS, NULL, 0), (int64_t)batch->count);
    metrics_observe_us(metrics_find(METRIC_DB_BATCH_SECONDS, NULL, 0),
                       clock_mono_us() - batch->sent_us);
}

static void pass_points(const struct batch *batch, const char *part)
{
    for (size_t i = 0; i < batch->count; i++)
        CRASH_PART(batch->bundles[i]->txn.name, part);
}

static void batch_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct batch *batch = LIST_OWNER(job, struct batch, job);
    told_dead(batch, end == PG_DONE);
    switch (end) {
    case PG_DONE:
        count_batch(batch, STR("committed"));
        pass_points(batch, "committed");
        end_committed(batch);
        return;
    case PG_FAILED:
        count_batch(batch, STR("rolled_back"));
        note_dead(batch->batcher, batch->number);
        end_refused(batch, why);
        return;
    case PG_LOST:
        count_batch(batch, STR("unknown"));
        pool_renew_control(batch->batcher->pool);
        end_all(batch, STORE_UNKNOWN, &why->err);
        return;
    }
    CHECK(false);
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool conflicts(const struct batch *batch, const struct bundle *bundle)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (bundle_has_conflict(batch->bundles[i], bundle))
            return true;
    }
    return false;
}

static struct batch *take_queue(struct batcher *batcher)
{
    struct batch *batch = batch_new(batcher, batcher->config->batch_max);
    size_t size_bytes = 0;
    struct link *next;
    for (struct link *link = batcher->queue.next; link != &batcher->queue; link = next) {
        next = link->next;
        struct bundle *bundle = LIST_OWNER(link, struct bundle, link);
        if (batch->count == batcher->config->batch_max || size_bytes > BATCH_BYTES_MAX)
            break;
        if (conflicts(batch, bundle))
            continue;
        list_remove(link);
        batcher->queue_count--;
        size_bytes += bundle->arena.used;
        batch->bundles[batch->count++] = bundle;
    }
    return batch;
}

static const struct uuid *first_event(const struct batch *batch)
{
    const struct uuid *first = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        const struct uuid *of_bundle = bundle_first_event(batch->bundles[i]);
        if (of_bundle != NULL && (first == NULL || uuid_compare(of_bundle, first) < 0))
            first = of_bundle;
    }
    return first;
}

static void put_mark(struct params *params, const struct batch *batch, int64_t now_us)
{
    const struct uuid *first = first_event(batch);
    params_clear(params);
    params_uuid(params, &batch->batcher->writer_id);
    params_int8(params, batch->number);
    params_time(params, now_us);
    if (first != NULL)
        params_uuid(params, first);
    else
        params_null(params);
}

static void send_batch(struct batcher *batcher, struct batch *batch, struct pg *pg)
{
    int64_t now_us = clock_wall_us();
    batch->number = ++batcher->last_number;
    batch->sent_us = clock_mono_us();
    for (size_t i = 0; i < batch->count; i++)
        batch->bundles[i]->ticket.batch_no = batch->number;
    pg_job_init(&batch->job, batch_result, batch_end);
    struct params *params = &batcher->params;
    put_mark(params, batch, now_us);
    pg_job_send(pg, &batch->job, SQL_MARK, params);
    tell_dead(batch, pg, now_us);
    struct rows_batch shared = {batcher->writer_id, batch->number, now_us};
    rows_send(pg, &batch->job, params, &shared, batch->bundles, batch->count);
    if (pg_job_commit(pg, &batch->job)) {
        list_add_last(&batcher->on_way, &batch->link);
        pass_points(batch, "sent");
    } else {
        /* The Sync never left: this number can never be committed. */
        told_dead(batch, false);
        note_dead(batcher, batch->number);
        list_add_first(&batcher->again, &batch->link);
    }
}

static struct bundle *oldest(const struct batcher *batcher)
{
    return LIST_OWNER(batcher->queue.next, struct bundle, link);
}

/*
 * When the queue is sent, full or not. A transaction costs PostgreSQL twenty times what one more
 * bundle in it costs: while a batch is on its way the next one collects, and is sent when that one
 * comes back. It takes a connection beside it only when it does not come back soon.
 */
static int64_t due_us(const struct batcher *batcher)
{
    int64_t lingers = list_is_empty(&batcher->on_way) ? 1 : BUSY_LINGER;
    return oldest(batcher)->queued_us + lingers * batcher->config->linger_us;
}

static bool is_due(const struct batcher *batcher, int64_t now_us)
{
    return !list_is_empty(&batcher->queue) &&
           (batcher->queue_count >= batcher->config->batch_max || now_us >= due_us(batcher));
}

static void send_due(struct batcher *batcher, int64_t now_us)
{
    while (!list_is_empty(&batcher->again) || is_due(batcher, now_us)) {
        struct pg *pg = pool_find_writer(batcher->pool);
        if (pg == NULL)
            return;
        struct batch *batch;
        if (!list_is_empty(&batcher->again)) {
            batch = LIST_OWNER(pop(&batcher->again), struct batch, link);
        } else {
            batch = take_queue(batcher);
        }
        send_batch(batcher, batch, pg);
    }
}

/* ---- waiting too long ------------------------------------------------------------------------ */

static void end_unsent(struct bundle *bundle)
{
    struct error why;
    if (bundle->was_sent) {
        (void)fail(&why, ERROR_UNAVAILABLE, "rolled back, and then no connection was free in time");
        bundle_end(bundle, STORE_ROLLED_BACK, &why);
        return;
    }
    (void)fail(&why, ERROR_UNAVAILABLE, "no database connection was free in time");
    bundle_end(bundle, STORE_UNAVAILABLE, &why);
}

static void end_expired(struct batcher *batcher, int64_t now_us)
{
    int64_t limit_us = now_us - UNSENT_MAX_MS * CLOCK_MS_US;
    while (!list_is_empty(&batcher->queue) && oldest(batcher)->queued_us <= limit_us) {
        batcher->queue_count--;
        end_unsent(oldest(batcher));
    }
    struct link kept;
    list_init(&kept);
    while (!list_is_empty(&batcher->again)) {
        struct batch *batch = LIST_OWNER(pop(&batcher->again), struct batch, link);
        if (batch->bundles[0]->queued_us > limit_us || pool_can_write(batcher->pool)) {
            list_add_last(&kept, &batch->link);
            continue;
        }
        for (size_t i = 0; i < batch->count; i++)
            end_unsent(batch->bundles[i]);
        batch_free(batch);
    }
    while (!list_is_empty(&kept))
        list_add_last(&batcher->again, pop(&kept));
}

static void end_queue_full(struct batcher *batcher)
{
    while (!list_is_empty(&batcher->refused)) {
        struct bundle *bundle = LIST_OWNER(pop(&batcher->refused), struct bundle, link);
        struct error why;
        (void)fail(&why, ERROR_BUSY, "the queue of the ledger is full");
        bundle_end(bundle, STORE_UNAVAILABLE, &why);
    }
}

/* ---- the public functions
 * ------------------------------------------------------------------------ */

static void woken(void *ctx UNUSED)
{
    /* The work is done after the tick. */
}

struct batcher *batcher_new(struct loop *loop, struct pool *pool, const struct store_config *config,
                            const struct uuid *writer_id)
{
    struct batcher *batcher = calloc(1, sizeof(*batcher));
    CHECK(batcher != NULL);
    CHECK(config->batch_max >= 1);
    batcher->loop = loop;
    batcher->pool = pool;
    batcher->config = config;
    batcher->writer_id = *writer_id;
    list_init(&batcher->queue);
    list_init(&batcher->refused);
    list_init(&batcher->again);
    list_init(&batcher->on_way);
    params_init(&batcher->params);
    loop_timer_init(&batcher->wake, loop, woken, batcher);
    return batcher;
}

static void free_bundles(struct link *list)
{
    while (!list_is_empty(list))
        bundle_free(LIST_OWNER(pop(list), struct bundle, link));
}

static void free_batches(struct link *list)
{
    while (!list_is_empty(list)) {
        struct batch *batch = LIST_OWNER(pop(list), struct batch, link);
        for (size_t i = 0; i < batch->count; i++)
            bundle_free(batch->bundles[i]);
        batch_free(batch);
    }
}

void batcher_free(struct batcher **batcher)
{
    if (*batcher == NULL)
        return;
    free_bundles(&(*batcher)->queue);
    free_bundles(&(*batcher)->refused);
    free_batches(&(*batcher)->again);
    free_batches(&(*batcher)->on_way);
    loop_timer_release(&(*batcher)->wake);
    params_release(&(*batcher)->params);
    free(*batcher);
    *batcher = NULL;
}

void batcher_add(struct batcher *batcher, struct bundle *bundle)
{
    bundle->queued_us = loop_now_us(batcher->loop);
    if (batcher->queue_count >= batcher->config->queue_max) {
        list_add_last(&batcher->refused, &bundle->link);
        loop_timer_start(&batcher->wake, 0);
        return;
    }
    list_add_last(&batcher->queue, &bundle->link);
    batcher->queue_count++;
    wake_in(batcher, batcher->config->linger_us);
}

size_t batcher_queued(const struct batcher *batcher)
{
    return batcher->queue_count;
}

void batcher_tick(struct batcher *batcher)
{
    int64_t now_us = clock_mono_us();
    end_queue_full(batcher);
    end_expired(batcher, now_us);
    send_due(batcher, now_us);
    if (!list_is_empty(&batcher->queue)) {
        int64_t rest_us = due_us(batcher) - now_us; /* less than before when a batch came back */
        loop_timer_start(&batcher->wake, rest_us > 0 ? rest_us : UNSENT_MAX_MS * CLOCK_MS_US / 16);
    } else if (!list_is_empty(&batcher->again)) {
        wake_in(batcher, UNSENT_MAX_MS * CLOCK_MS_US / 16);
    }
}
