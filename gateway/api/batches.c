/* /v1/payout-batches: how they are doing, and decisions about them. POST is in intake.c. */
#include "api/payouts.h"
#include "api/tables.h"
#include "base/clock.h"

static void reply_batch(struct api_call *call, int status, const struct batch_view *batch)
{
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    order_present_batch(batch, &body);
    api_call_reply_json(call, status, &body);
    buf_release(&body);
}

static void reply_absent(struct api_call *call)
{
    api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such payout batch"), STR_NONE);
}

/* False: the call was answered. */
static bool is_found(struct api_call *call, enum store_find found, size_t count)
{
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (count == 0) {
        reply_absent(call);
    }
    return found != STORE_FAILED && count > 0;
}

/* The same once something may have been decided. */
static bool is_found_after(struct api_call *call, enum store_find found, size_t count)
{
    if (found == STORE_FAILED) {
        api_reply_unsure(call);
        return false;
    }
    return is_found(call, found, count);
}

/* False: the call was answered. */
static bool take_id(struct api_call *call, struct uuid *batch_id)
{
    struct error ignored;
    if (!id_parse(ID_BATCH, call->params.value[0], batch_id, &ignored)) {
        reply_absent(call);
        return false;
    }
    return true;
}

/* ---- show, list ------------------------------------------------------------------------------ */

static void shown(void *ctx, enum store_find found, const struct batch_view *batches, size_t count,
                  bool has_more, const struct error *why)
{
    (void)has_more;
    (void)why;
    if (is_found(ctx, found, count)) {
        reply_batch(ctx, 200, batches);
    }
}

static void load(struct api_call *call, batch_view_fn done, void *ctx)
{
    struct uuid batch_id;
    if (take_id(call, &batch_id)) {
        batch_load(call->api->parts.store, &call->caller.merchant->merchant_id, &batch_id,
                   &call->arena, done, ctx);
    }
}

void batches_show(struct api_call *call)
{
    load(call, shown, call);
}

static void print_batch(struct api_call *call, size_t index, const void *ctx, struct buf *out)
{
    const struct batch_view *batches = ctx;
    (void)call;
    order_present_batch(&batches[index], out);
}

static void listed(void *ctx, enum store_find found, const struct batch_view *batches, size_t count,
                   bool has_more, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/payout-batches"), has_more, count, print_batch, batches);
}

void batches_list(struct api_call *call)
{
    struct payout_filter filter = api_take_filter(call, ID_BATCH);
    batch_list(call->api->parts.store, &filter, &call->arena, listed, call);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct paging { /* in the call's arena */
    struct api_call *call;
    struct uuid batch_id;
    const struct payout_view *rows;
    size_t count;
    bool has_more;
};

static void print_row(struct api_call *call, size_t index, const void *ctx, struct buf *out)
{
    const struct paging *paging = ctx;
    order_present_row(&paging->rows[index], call->api->parts.seal_key, &call->arena, out);
}

static void reply_rows(struct paging *paging)
{
    struct api_call *call = paging->call;
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_BATCH, &paging->batch_id, id);
    api_reply_list(call, arena_printf(&call->arena, "/v1/payout-batches/%s/payouts", id),
                   paging->has_more, paging->count, print_row, paging);
}

/* A page without rows: of a batch that has no more of them, or of none. */
static void empty_page_shown(void *ctx, enum store_find found, const struct batch_view *batches,
                             size_t count, bool has_more, const struct error *why)
{
    struct paging *paging = ctx;
    (void)batches;
    (void)has_more;
    (void)why;
    if (is_found(paging->call, found, count)) {
        reply_rows(paging);
    }
}

static void rows_loaded(void *ctx, enum store_find found, const struct payout_view *rows,
                        size_t count, bool has_more, const struct error *why)
{
    struct paging *paging = ctx;
    (void)why;
    paging->rows = rows;
    paging->count = count;
    paging->has_more = has_more;
    if (found == STORE_FAILED) {
        api_call_unavailable(paging->call);
    } else if (count == 0) {
        load(paging->call, empty_page_shown, paging);
    } else {
        reply_rows(paging);
    }
}

void batches_rows(struct api_call *call)
{
    struct paging *paging = ARENA_NEW(&call->arena, struct paging);
    struct str text;
    struct str status = STR_NONE;
    int64_t limit = TABLES_LIST_LIMIT;
    int64_t after = 0;
    paging->call = call;
    if (!take_id(call, &paging->batch_id)) {
        return;
    }
    if (api_call_query(call, "limit", &text) && !str_to_int64(text, &limit)) {
        limit = TABLES_LIST_LIMIT; /* the table has checked it */
    }
    if (api_call_query(call, "starting_after", &text) && !str_to_int64(text, &after)) {
        after = 0;
    }
    (void)api_call_query(call, "status", &status);
    payout_rows(call->api->parts.store, &call->caller.merchant->merchant_id, &paging->batch_id,
                (int32_t)after, status, (unsigned)limit, &call->arena, rows_loaded, paging);
}

/* ---- approve, reject, cancel ----------------------------------------------------------------- */

struct deciding { /* in the call's arena */
    struct api_call *call;
    enum order_decision decision;
    struct uuid batch_id;
    bool was_decided;
};

static void refuse(struct deciding *deciding, const struct batch_view *batch)
{
    struct api_call *call = deciding->call;
    if (batch->batch.state == ORDER_REQUIRES_APPROVAL) {
        api_call_problem(call, MESSAGE_OWN_APPROVAL,
                         STR("this key asked for the batch; approve it with another key of the "
                             "merchant"),
                         STR_NONE);
        return;
    }
    api_call_problem(
        call, MESSAGE_CONFLICT,
        arena_printf(&call->arena, "the batch is " STR_FMT, STR_ARG(order_batch_status(batch))),
        STR_NONE);
}

static void decided_loaded(void *ctx, enum store_find found, const struct batch_view *batches,
                           size_t count, bool has_more, const struct error *why)
{
    struct deciding *deciding = ctx;
    (void)has_more;
    (void)why;
    if (!is_found_after(deciding->call, found, count)) {
        return;
    }
    if (deciding->was_decided ||
        api_was_noted(batches->notes, batches->note_count, deciding->decision)) {
        reply_batch(deciding->call, 200, batches);
    } else {
        refuse(deciding, batches);
    }
}

static void rows_canceled(void *ctx, enum store_find found, int64_t row, const struct error *why)
{
    struct deciding *deciding = ctx;
    struct api_call *call = deciding->call;
    (void)why;
    if (found == STORE_FAILED) {
        api_reply_unsure(call); /* noted it is: the rest is canceled by whoever claims it */
    } else if (row > 0) {
        order_cancel_rows_start(call->api->parts.store, &call->caller.merchant->merchant_id,
                                &deciding->batch_id, (int32_t)row + 1, clock_wall_us(),
                                rows_canceled, deciding);
    } else {
        load(call, decided_loaded, deciding);
    }
}

static void decided(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct deciding *deciding = ctx;
    struct api_call *call = deciding->call;
    (void)why;
    if (found == STORE_FAILED) {
        api_reply_unsure(call);
        return;
    }
    deciding->was_decided = found == STORE_FOUND && count > 0;
    if (deciding->decision == ORDER_CANCEL && deciding->was_decided) {
        order_cancel_rows_start(call->api->parts.store, &call->caller.merchant->merchant_id,
                                &deciding->batch_id, 1, clock_wall_us(), rows_canceled, deciding);
        return;
    }
    if (deciding->decision == ORDER_APPROVE && deciding->was_decided) {
        api_wake_orders(call);
    }
    load(call, decided_loaded, deciding);
}

static void decide(struct api_call *call, enum order_decision decision)
{
    struct deciding *deciding = ARENA_NEW(&call->arena, struct deciding);
    deciding->call = call;
    deciding->decision = decision;
    if (!take_id(call, &deciding->batch_id)) {
        return;
    }
    struct order_decide wanted = api_decide(call, &deciding->batch_id, decision);
    order_decide_batch_start(call->api->parts.store, &wanted, decided, deciding);
}

void batches_approve(struct api_call *call)
{
    decide(call, ORDER_APPROVE);
}

void batches_reject(struct api_call *call)
{
    decide(call, ORDER_REJECT);
}

void batches_cancel(struct api_call *call)
{
    decide(call, ORDER_CANCEL);
}
