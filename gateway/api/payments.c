/* /v1/payments: from fields to the payment module, and reads of the ledger. */
#include "api/list.h"

#include "api/payment_read.h"
#include "api/tables.h"
#include "payment/idempotency.h"
#include "payment/present.h"

/* ---- create ---------------------------------------------------------------------------------- */

/* False: the call was answered. */
static bool take_key(struct api_call *call, struct payment_request *request)
{
    struct error err;
    if (!api_call_key(call, &request->key)) {
        return false;
    }
    if (!idempotency_fingerprint(STR("POST"), http_request(call->x)->path, call->body,
                                 request->fingerprint, &err)) {
        api_call_problem(call, MESSAGE_MALFORMED_JSON, str_of(err.text), STR_NONE);
        return false;
    }
    return true;
}

static void created(void *ctx, const struct payment_reply *reply)
{
    api_call_reply_created(ctx, reply);
}

void payments_create(struct api_call *call)
{
    struct payment_request *request = ARENA_NEW(&call->arena, struct payment_request);
    struct field_problem problem = {.message = MESSAGE_NONE};
    if (!payment_read(call->body, call->caller.merchant->livemode, &call->arena, request,
                      &problem)) {
        api_call_problem(call, problem.message, str_of(problem.detail), str_of(problem.param));
        return;
    }
    if (!take_key(call, request)) {
        return;
    }
    request->request_id = http_request_id(call->x);
    request->is_repeat = call->ticket.is_repeat;
    payment_create_start(call->api->parts.payments, call->caller.merchant, request, created, call);
    api_call_forget_request(call);
}

/* ---- show ------------------------------------------------------------------------------------ */

static void show_loaded(void *ctx, enum store_find found, const struct store_payment_view *payment,
                        const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    if (found == STORE_ABSENT) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such payment"), STR_NONE);
        return;
    }
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    present_payment(payment, &body);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}

/* Other merchants' payments are absent like those that never were: one look-up by both ids. */
void payments_show(struct api_call *call)
{
    struct uuid id;
    struct error ignored;
    if (!id_parse(ID_PAYMENT, call->params.value[0], &id, &ignored)) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such payment"), STR_NONE);
        return;
    }
    store_load_payment(call->api->parts.store, &call->caller.merchant->merchant_id, &id,
                       STORE_PAYMENTS, &call->arena, show_loaded, call);
}

/* ---- list ------------------------------------------------------------------------------------ */

static void print_listed(struct api_call *call UNUSED, size_t index, const void *ctx,
                         struct buf *out)
{
    const struct store_payment_view *payments = ctx;
    present_payment(&payments[index], out);
}

static void list_loaded(void *ctx, enum store_find found, const struct store_payment_view *payments,
                        size_t count, bool has_more, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/payments"), has_more, count, print_listed, payments);
}

void payments_list(struct api_call *call)
{
    struct store_filter filter = {
        .merchant_id = call->caller.merchant->merchant_id,
        .kind = STORE_PAYMENTS,
        .from_us = api_query_time(call, "created_from"),
        .to_us = api_query_time(call, "created_to"),
        .limit = TABLES_LIST_LIMIT,
    };
    struct str text;
    struct error ignored;
    int64_t limit = 0;
    if (api_call_query(call, "limit", &text) && str_to_int64(text, &limit)) {
        filter.limit = (unsigned)limit;
    }
    if (api_call_query(call, "status", &text)) {
        filter.status = payment_status_find(text);
    }
    if (api_call_query(call, "starting_after", &text) &&
        !id_parse(ID_PAYMENT, text, &filter.after, &ignored)) {
        filter.after = (struct uuid){{0}};
    }
    (void)api_call_query(call, "reference", &filter.reference);
    (void)api_call_query(call, "provider", &filter.provider);
    store_list_payments(call->api->parts.store, &filter, &call->arena, list_loaded, call);
}

/* ---- cancel ---------------------------------------------------------------------------------- */

void payments_cancel(struct api_call *call)
{
    struct uuid id;
    struct error ignored;
    if (!id_parse(ID_PAYMENT, call->params.value[0], &id, &ignored)) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such payment"), STR_NONE);
        return;
    }
    bool is_of_house = call->caller.role == KEY_OPERATOR;
    payment_cancel_start(call->api->parts.payments, call->caller.merchant, &id,
                         is_of_house ? &call->caller.key_id : NULL, created, call);
}
