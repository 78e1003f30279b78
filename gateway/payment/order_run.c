#include "payment/order_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"

enum {
    REQUEST_ID_SIZE = ID_TEXT_SIZE,
};

static uint32_t draw(void)
{
    uint32_t random;
    rng_fill(&random, sizeof(random));
    return random;
}

static void end_as(struct order_run *run, enum order_state state, struct str reason,
                   struct str detail)
{
    const struct order_claim *claim = &run->claim;
    run->end = (struct order_end){
        .merchant_id = claim->merchant_id,
        .order_id = claim->order_id,
        .epoch = claim->epoch,
        .state = state,
        .next_us = clock_wall_us(),
        .try_number = claim->try_number,
        .free_tries = claim->free_tries,
        .wait_count = claim->wait_count,
        .payment_id = claim->payment_id,
        .reason = reason,
        .detail = detail,
    };
}

/* Nothing was begun: the same try again, later. */
static void put_back(struct order_run *run, struct str reason, struct str detail, int64_t least_ms)
{
    const struct orders_config *config = &run->orders->config;
    int64_t pause_ms =
        order_pause_ms(config->wait_ms, config->wait_max_ms, run->claim.wait_count, draw());
    end_as(run, ORDER_QUEUED, reason, detail);
    run->end.next_us += (pause_ms > least_ms ? pause_ms : least_ms) * CLOCK_MS_US;
    if (run->claim.wait_count < INT32_MAX)
        run->end.wait_count++;
    run->tenant->waited++;
    metrics_count(METRIC_ORDERS, 1, STR("waited"));
    orders_end(run);
}

static void try_again(struct order_run *run, const struct order_verdict *verdict)
{
    const struct orders_config *config = &run->orders->config;
    end_as(run, ORDER_QUEUED, verdict->reason, verdict->detail);
    run->end.next_us +=
        order_pause_ms(config->retry_ms, config->retry_max_ms, run->claim.try_number - 1, draw()) *
        CLOCK_MS_US;
    run->end.try_number++;
    run->end.free_tries += verdict->is_free ? 1 : 0;
    run->end.wait_count = 0;
    run->end.payment_id = uuid_new();
    run->end.has_payment = true;
    run->tenant->waited++;
    metrics_count(METRIC_ORDERS, 1, STR("retried"));
    orders_end(run);
}

static void log_failure(const struct order_run *run, const struct order_verdict *verdict)
{
    char id[ID_TEXT_SIZE];
    log_info("payment", "a payout could not be begun",
             LOG_STR("payout_id", id_format(ID_PAYOUT, &run->claim.order_id, id)),
             LOG_STR("reason", verdict->reason), LOG_STR("detail", verdict->detail));
}

static void take_verdict(struct order_run *run, const struct order_verdict *verdict,
                         int64_t least_ms)
{
    int32_t counted = run->claim.try_number - run->claim.free_tries;
    bool may_retry = verdict->is_free || (unsigned)counted < run->orders->config.try_max;
    switch (verdict->kind) {
    case ORDER_VERDICT_WAIT:
        put_back(run, verdict->reason, verdict->detail, least_ms);
        return;
    case ORDER_VERDICT_RETRY:
        if (may_retry) {
            try_again(run, verdict);
            return;
        }
        break;
    case ORDER_VERDICT_BEGUN:
        break;
    case ORDER_VERDICT_FAILED:
        log_failure(run, verdict);
        end_as(run, ORDER_FAILED, verdict->reason, verdict->detail);
        run->end.status = verdict->status;
        metrics_count(METRIC_ORDERS, 1, STR("failed"));
        orders_end(run);
        return;
    }
    end_as(run, ORDER_BEGUN, verdict->reason, verdict->detail);
    run->end.status = verdict->status;
    run->end.has_payment = true;
    run->tenant->begun++;
    metrics_count(METRIC_ORDERS, 1, STR("begun"));
    orders_end(run);
}

static void created(void *ctx, const struct payment_reply *reply)
{
    struct order_run *run = ctx;
    struct order_verdict verdict = order_judge(reply, &run->arena);
    take_verdict(run, &verdict, (int64_t)reply->retry_after_s * 1000);
}

/* ---- from the claim to the driver ------------------------------------------------------------ */

static struct str keep(struct order_run *run, struct str text)
{
    return arena_str(&run->arena, text);
}

/* The same whenever this try is run: a repeat must be known as one. */
static void put_fingerprint(struct payment_request *request)
{
    struct buf text;
    buf_init(&text, 256);
    buf_add_str(&text, STR("order\n"));
    buf_add_str(&text, request->key);
    crypto_sha256(buf_str(&text), request->fingerprint);
    buf_release(&text);
}

static void begin(struct order_run *run)
{
    struct orders *orders = run->orders;
    struct error err;
    char key[ORDER_KEY_SIZE];
    char id[ID_TEXT_SIZE];
    run->body = order_request_open(orders->parts.seal_key, &run->claim.merchant_id,
                                   &run->claim.order_id, run->claim.request_sealed, &err);
    if (run->body == NULL) {
        log_error("payment", "an order cannot be read",
                  LOG_STR("payout_id", id_format(ID_PAYOUT, &run->claim.order_id, id)),
                  LOG_CSTR("error", err.text));
        put_back(run, STR("unreadable"), STR_NONE, orders->config.wait_max_ms);
        return;
    }
    run->request = ARENA_NEW(&run->arena, struct order_request);
    order_request_read(run->body, &run->arena, run->request);
    struct payment_request *request = &run->request->request;
    request->key = keep(run, order_key(&run->claim.order_id, run->claim.try_number, key));
    request->payment_id = run->claim.payment_id;
    request->request_id = arena_cstr(&run->arena, id_format(ID_PAYOUT, &run->claim.order_id, id));
    put_fingerprint(request);
    payment_create_start(orders->parts.payments, run->merchant, request, created, run);
}

static void merchant_loaded(void *ctx, enum merchants_find found, struct merchant *merchant)
{
    struct order_run *run = ctx;
    run->merchant = merchant;
    if (found == MERCHANTS_FOUND && !merchant->disabled)
        begin(run);
    else
        put_back(run, found == MERCHANTS_FOUND ? STR("merchant_disabled") : STR("unavailable"),
                 STR_NONE, found == MERCHANTS_FOUND ? run->orders->config.wait_max_ms : 0);
}

/* Its batch was canceled while it was in other hands: it must not begin any more. */
static void canceled(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct order_run *run = ctx;
    (void)why;
    if (found == STORE_FOUND && count == 0) { /* it has begun: it ends as that */
        merchants_load(run->orders->parts.merchants, &run->claim.merchant_id, merchant_loaded, run);
        return;
    }
    if (found == STORE_FAILED) {
        put_back(run, STR("unavailable"), STR_NONE, 0);
        return;
    }
    end_as(run, ORDER_CANCELED, STR_NONE, STR_NONE); /* it is: this changes nothing any more */
    run->end.status = STR("canceled");
    orders_end(run);
}

static void cancel(struct order_run *run)
{
    struct order_decide decide = {
        .merchant_id = run->claim.merchant_id,
        .subject_id = run->claim.order_id,
        .decision = ORDER_CANCEL,
        .role = STR("batch"),
        .now_us = clock_wall_us(),
    };
    order_decide_start(run->orders->parts.store, &decide, canceled, run);
}

void order_run_start(struct orders *orders, struct order_tenant *tenant,
                     const struct order_claim *claim)
{
    struct order_run *run = calloc(1, sizeof(*run));
    CHECK(run != NULL);
    run->orders = orders;
    run->tenant = tenant;
    arena_init(&run->arena, ORDER_RUN_ARENA_MAX);
    run->claim = *claim;
    run->claim.request_sealed = keep(run, claim->request_sealed);
    list_add_last(&orders->runs, &run->link);
    if (claim->is_batch_canceled)
        cancel(run);
    else
        merchants_load(orders->parts.merchants, &claim->merchant_id, merchant_loaded, run);
}

void order_run_free(struct order_run *run)
{
    list_remove(&run->link);
    if (run->merchant != NULL)
        merchant_drop(run->merchant);
    json_decref(run->body);
    arena_release(&run->arena);
    free(run);
}
