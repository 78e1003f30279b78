/*
 * fake_orders.h - payouts that wait in memory, beside fake_store.h and by its rules: what this file
 * defines, the linker does not take from libledger, and every answer comes in a later tick.
 */
#ifndef TESTS_API_FAKE_ORDERS_H
#define TESTS_API_FAKE_ORDERS_H

#include "fake_store.h"

#include "ledger/order_read.h"

enum {
    FAKE_ORDER_MAX = 40000,
    FAKE_BATCH_MAX = 64,
    FAKE_NOTE_MAX = 64,
};

static struct fake_orders {
    struct order orders[FAKE_ORDER_MAX];
    size_t order_count;
    struct order_error errors[FAKE_ORDER_MAX];
    struct uuid error_batch[FAKE_ORDER_MAX];
    size_t error_count;
    struct order_batch batches[FAKE_BATCH_MAX];
    size_t batch_count;
    struct order_note notes[FAKE_NOTE_MAX];
    size_t note_count;
    struct store_key_view keys[FAKE_ROW_MAX];
    struct str key_texts[FAKE_ROW_MAX];
    struct uuid key_merchants[FAKE_ROW_MAX];
    size_t key_count;
    enum store_result next_result; /* of the next storing, unless COMMITTED */
} fake_orders;

struct fake_order_job { /* what a queued answer points at */
    void *ctx;
    order_stored_fn stored;
    enum store_result result;
    payout_view_fn views_done;
    struct payout_view *views;
    batch_view_fn batches_done;
    struct batch_view *batches;
    size_t count;
    bool has_more;
};

static struct fake_order_job *fake_order_job(void (*run)(const struct fake_job *job), void *ctx)
{
    struct fake_order_job *job = ARENA_NEW(&fake.memory, struct fake_order_job);
    fake_ask();
    job->ctx = ctx;
    (void)fake_job(run, job);
    return job;
}

static struct str fake_copy(struct str text)
{
    return arena_str(&fake.memory, text);
}

static const struct store_key_view *fake_find_key(const struct uuid *merchant_id, struct str key)
{
    for (size_t i = 0; i < fake_orders.key_count; i++) {
        if (uuid_eq(&fake_orders.key_merchants[i], merchant_id) &&
            str_eq(fake_orders.key_texts[i], key))
            return &fake_orders.keys[i];
    }
    return NULL;
}

/* ---- storing ---- */

static void run_stored(const struct fake_job *queued)
{
    const struct fake_order_job *job = queued->ctx;
    job->stored(job->ctx, job->result, &queued->why);
}

static void fake_keep_key(const struct order_bundle *bundle)
{
    size_t at = fake_orders.key_count++;
    CHECK(at < FAKE_ROW_MAX);
    fake_orders.key_texts[at] = fake_copy(bundle->key);
    fake_orders.key_merchants[at] = bundle->merchant_id;
    struct store_key_view *view = &fake_orders.keys[at];
    *view = (struct store_key_view){.payment_id = bundle->holder_id};
    memcpy(view->fingerprint, bundle->fingerprint, sizeof(view->fingerprint));
    if (bundle->answer != NULL) {
        view->has_answer = true;
        view->answer = *bundle->answer;
        view->answer.body = fake_copy(bundle->answer->body);
        view->answer.location = fake_copy(bundle->answer->location);
    }
}

static void fake_keep_rows(const struct order_bundle *bundle)
{
    CHECK(fake_orders.order_count + bundle->order_count <= FAKE_ORDER_MAX);
    for (size_t i = 0; i < bundle->order_count; i++) {
        struct order *order = &fake_orders.orders[fake_orders.order_count++];
        *order = bundle->orders[i];
        order->reference = fake_copy(order->reference);
        order->request_sealed = fake_copy(order->request_sealed);
        order->approval_json = fake_copy(order->approval_json);
    }
    for (size_t i = 0; i < bundle->error_count; i++) {
        struct order_error *error = &fake_orders.errors[fake_orders.error_count];
        fake_orders.error_batch[fake_orders.error_count++] = bundle->holder_id;
        *error = bundle->errors[i];
        error->reference = fake_copy(error->reference);
        error->errors_json = fake_copy(error->errors_json);
    }
    if (bundle->batch != NULL) {
        struct order_batch *batch = &fake_orders.batches[fake_orders.batch_count++];
        *batch = *bundle->batch;
        batch->reference = fake_copy(batch->reference);
        batch->totals_json = fake_copy(batch->totals_json);
        batch->approval_json = fake_copy(batch->approval_json);
    }
}

void order_store_start(struct store *store UNUSED, const struct order_bundle *bundle,
                       order_stored_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_stored, ctx);
    job->stored = done;
    job->result = fake.is_away ? STORE_UNAVAILABLE : fake_orders.next_result;
    fake_orders.next_result = STORE_COMMITTED;
    if (job->result != STORE_COMMITTED)
        return;
    if (fake_find_key(&bundle->merchant_id, bundle->key) != NULL) {
        job->result = STORE_KEY_TAKEN;
        return;
    }
    fake_keep_key(bundle);
    fake_keep_rows(bundle);
}

void order_answer_start(struct store *store UNUSED, const struct store_answer *answer,
                        order_stored_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_stored, ctx);
    job->stored = done;
    job->result = STORE_COMMITTED;
    for (size_t i = 0; i < fake_orders.key_count; i++) {
        struct store_key_view *view = &fake_orders.keys[i];
        if (str_eq(fake_orders.key_texts[i], answer->key) && !view->has_answer) {
            view->has_answer = true;
            view->answer = *answer;
            view->answer.body = fake_copy(answer->body);
            view->answer.location = fake_copy(answer->location);
        }
    }
}

/* ---- deciding ---- */

static void fake_note(const struct order_decide *decide)
{
    static const char *const words[] = {
        [ORDER_APPROVE] = "approve", [ORDER_REJECT] = "reject", [ORDER_CANCEL] = "cancel"};
    fake_orders.notes[fake_orders.note_count++] = (struct order_note){
        .subject_id = decide->subject_id,
        .decision = str_of(words[decide->decision]),
        .key_id = decide->key_id,
        .role = fake_copy(decide->role),
        .created_us = decide->now_us,
    };
}

static bool fake_may(enum order_state state, const struct uuid *created_by,
                     const struct order_decide *decide)
{
    if (decide->decision == ORDER_CANCEL)
        return state == ORDER_REQUIRES_APPROVAL || state == ORDER_QUEUED;
    return state == ORDER_REQUIRES_APPROVAL &&
           (decide->decision == ORDER_REJECT || !uuid_eq(created_by, &decide->key_id));
}

static enum order_state fake_decided(const struct order_decide *decide)
{
    return decide->decision == ORDER_APPROVE  ? ORDER_QUEUED
           : decide->decision == ORDER_REJECT ? ORDER_REJECTED
                                              : ORDER_CANCELED;
}

static void fake_count_later(store_count_fn done, void *ctx, int64_t count)
{
    fake_ask();
    struct fake_job *job = fake_job(run_count, ctx);
    job->done.count = done;
    job->count = count;
}

void order_decide_start(struct store *store UNUSED, const struct order_decide *decide,
                        store_count_fn done, void *ctx)
{
    int64_t count = 0;
    for (size_t i = 0; i < fake_orders.order_count; i++) {
        struct order *order = &fake_orders.orders[i];
        bool is_it = uuid_eq(&order->order_id, &decide->subject_id) &&
                     uuid_eq(&order->merchant_id, &decide->merchant_id) &&
                     (uuid_is_zero(&order->batch_id) || decide->decision == ORDER_CANCEL);
        if (is_it && fake_may(order->state, &order->created_by, decide)) {
            order->state = fake_decided(decide);
            fake_note(decide);
            count = 1;
        }
    }
    fake_count_later(done, ctx, count);
}

void order_decide_batch_start(struct store *store UNUSED, const struct order_decide *decide,
                              store_count_fn done, void *ctx)
{
    int64_t count = 0;
    for (size_t i = 0; i < fake_orders.batch_count; i++) {
        struct order_batch *batch = &fake_orders.batches[i];
        if (uuid_eq(&batch->batch_id, &decide->subject_id) &&
            uuid_eq(&batch->merchant_id, &decide->merchant_id) &&
            fake_may(batch->state, &batch->created_by, decide)) {
            batch->state = fake_decided(decide);
            fake_note(decide);
            count = 1;
        }
    }
    for (size_t i = 0; i < fake_orders.order_count && count == 1; i++) {
        struct order *order = &fake_orders.orders[i];
        if (uuid_eq(&order->batch_id, &decide->subject_id))
            order->state = fake_decided(decide);
    }
    fake_count_later(done, ctx, count);
}

void order_cancel_rows_start(struct store *store UNUSED, const struct uuid *merchant_id UNUSED,
                             const struct uuid *batch_id UNUSED, int32_t row_number UNUSED,
                             int64_t now_us UNUSED, store_count_fn done, void *ctx)
{
    fake_count_later(done, ctx, 0);
}

/* ---- reading ---- */

static void run_views(const struct fake_job *queued)
{
    const struct fake_order_job *job = queued->ctx;
    enum store_find found = queued->found;
    job->views_done(job->ctx, found, job->views, found == STORE_FOUND ? job->count : 0,
                    job->has_more, &queued->why);
}

static void fake_view(struct payout_view *view, const struct order *order)
{
    *view = (struct payout_view){.payout_id = order->order_id, .has_order = true, .order = *order};
    for (size_t i = 0; i < fake_orders.note_count; i++) {
        const struct order_note *note = &fake_orders.notes[i];
        if (uuid_eq(&note->subject_id, &order->order_id) ||
            uuid_eq(&note->subject_id, &order->batch_id))
            view->notes[view->note_count++] = *note;
    }
    for (size_t i = 0; i < fake.payment_count; i++) {
        const struct store_payment *row = &fake.payments[i].row;
        if (row->is_payout && uuid_eq(&row->payment_id, &order->payment_id) &&
            uuid_eq(&row->merchant_id, &order->merchant_id))
            view->payment = &fake.payments[i];
    }
}

static void run_view(const struct fake_job *queued)
{
    const struct fake_order_job *job = queued->ctx;
    enum store_find found = queued->found;
    if (found == STORE_FOUND && job->count == 0)
        found = STORE_ABSENT;
    job->views_done(job->ctx, found, job->views, job->count, false, &queued->why);
}

void payout_load(struct store *store UNUSED, const struct uuid *merchant_id,
                 const struct uuid *payout_id, struct arena *arena, payout_view_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_view, ctx);
    job->views_done = done;
    job->views = ARENA_NEW(arena, struct payout_view);
    for (size_t i = 0; i < fake_orders.order_count; i++) {
        const struct order *order = &fake_orders.orders[i];
        if (uuid_eq(&order->order_id, payout_id) && uuid_eq(&order->merchant_id, merchant_id)) {
            fake_view(job->views, order);
            job->count = 1;
        }
    }
    for (size_t i = 0; i < fake.payment_count && job->count == 0; i++) {
        const struct store_payment *row = &fake.payments[i].row;
        if (uuid_eq(&row->payment_id, payout_id) && uuid_eq(&row->merchant_id, merchant_id) &&
            row->is_payout) {
            *job->views =
                (struct payout_view){.payout_id = *payout_id, .payment = &fake.payments[i]};
            job->count = 1;
        }
    }
}

void payout_list(struct store *store UNUSED, const struct payout_filter *filter,
                 struct arena *arena, payout_view_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_views, ctx);
    job->views_done = done;
    job->views = ARENA_ARRAY(arena, struct payout_view, filter->limit);
    for (size_t i = fake_orders.order_count; i-- > 0;) {
        const struct order *order = &fake_orders.orders[i];
        if (!uuid_eq(&order->merchant_id, &filter->merchant_id))
            continue;
        if (job->count == filter->limit)
            job->has_more = true;
        else
            fake_view(&job->views[job->count++], order);
    }
}

void payout_rows(struct store *store UNUSED, const struct uuid *merchant_id,
                 const struct uuid *batch_id, int32_t row_number, struct str status, unsigned limit,
                 struct arena *arena, payout_view_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_views, ctx);
    job->views_done = done;
    job->views = ARENA_ARRAY(arena, struct payout_view, limit);
    bool is_theirs = false;
    for (size_t i = 0; i < fake_orders.batch_count; i++)
        is_theirs = is_theirs || (uuid_eq(&fake_orders.batches[i].batch_id, batch_id) &&
                                  uuid_eq(&fake_orders.batches[i].merchant_id, merchant_id));
    for (int32_t row = row_number + 1; is_theirs && row <= 15000 && job->count < limit; row++) {
        for (size_t i = 0; i < fake_orders.order_count; i++) {
            const struct order *order = &fake_orders.orders[i];
            if (order->row_number == row && uuid_eq(&order->batch_id, batch_id) &&
                !str_eq(status, STR("invalid")))
                fake_view(&job->views[job->count++], order);
        }
        for (size_t i = 0; i < fake_orders.error_count; i++) {
            if (fake_orders.errors[i].row_number == row &&
                uuid_eq(&fake_orders.error_batch[i], batch_id))
                job->views[job->count++] = (struct payout_view){.error = &fake_orders.errors[i]};
        }
    }
}

static void run_batches(const struct fake_job *queued)
{
    const struct fake_order_job *job = queued->ctx;
    job->batches_done(job->ctx, queued->found, job->batches,
                      queued->found == STORE_FOUND ? job->count : 0, job->has_more, &queued->why);
}

static void fake_batch_view(struct batch_view *view, const struct order_batch *batch)
{
    *view = (struct batch_view){.batch = *batch};
    for (size_t i = 0; i < fake_orders.note_count; i++) {
        if (uuid_eq(&fake_orders.notes[i].subject_id, &batch->batch_id))
            view->notes[view->note_count++] = fake_orders.notes[i];
    }
}

void batch_load(struct store *store UNUSED, const struct uuid *merchant_id,
                const struct uuid *batch_id, struct arena *arena, batch_view_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_batches, ctx);
    job->batches_done = done;
    job->batches = ARENA_NEW(arena, struct batch_view);
    for (size_t i = 0; i < fake_orders.batch_count; i++) {
        const struct order_batch *batch = &fake_orders.batches[i];
        if (uuid_eq(&batch->batch_id, batch_id) && uuid_eq(&batch->merchant_id, merchant_id)) {
            fake_batch_view(job->batches, batch);
            job->count = 1;
        }
    }
}

void batch_list(struct store *store UNUSED, const struct payout_filter *filter, struct arena *arena,
                batch_view_fn done, void *ctx)
{
    struct fake_order_job *job = fake_order_job(run_batches, ctx);
    job->batches_done = done;
    job->batches = ARENA_ARRAY(arena, struct batch_view, filter->limit);
    for (size_t i = fake_orders.batch_count; i-- > 0 && job->count < filter->limit;) {
        if (uuid_eq(&fake_orders.batches[i].merchant_id, &filter->merchant_id))
            fake_batch_view(&job->batches[job->count++], &fake_orders.batches[i]);
    }
}

#endif
