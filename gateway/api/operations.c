/* Captures, voids, refunds and reauthorizations of a payment: from fields to the payment module, and reads of them. */
#include "api/list.h"

#include "api/tables.h"
#include "payment/idempotency.h"
#include "payment/present.h"

enum {
    METADATA_BYTES_MAX = 256 * 1024,
};

static const struct {
    enum id_kind id;
    enum store_kind kind;
    const char *absent;
} kinds[OPERATION_COUNT] = {
    [OPERATION_CAPTURE] = {ID_CAPTURE, STORE_CAPTURES, "there is no such capture"},
    [OPERATION_VOID] = {ID_VOID, STORE_VOIDS, "there is no such void"},
    [OPERATION_REFUND] = {ID_REFUND, STORE_REFUNDS, "there is no such refund"},
    [OPERATION_REAUTHORIZE] = {ID_REAUTHORIZATION, STORE_REAUTHORIZATIONS,
                               "there is no such reauthorization"},
};

/* False: the call was answered; other merchants' objects are absent like those that never were. */
static bool take_id(struct api_call *call, enum id_kind kind, const char *absent, struct uuid *id)
{
    struct error ignored;
    if (id_parse(kind, call->params.value[0], id, &ignored)) {
        return true;
    }
    api_call_problem(call, MESSAGE_NOT_FOUND, str_of(absent), STR_NONE);
    return false;
}

/* ---- create ---------------------------------------------------------------------------------- */

static struct str print_metadata(struct api_call *call)
{
    const json_t *metadata = json_object_get(call->body, "metadata");
    struct buf text;
    if (metadata == NULL) {
        return STR_NONE;
    }
    buf_init(&text, METADATA_BYTES_MAX);
    struct str kept =
        json_canonical(metadata, &text) ? arena_str(&call->arena, buf_str(&text)) : STR_NONE;
    buf_release(&text);
    return kept;
}

static void created(void *ctx, const struct payment_reply *reply)
{
    api_call_reply_created(ctx, reply);
}

static void create(struct api_call *call, enum operation operation)
{
    struct payment_operate_request request = {.operation = operation};
    struct error err;
    if (!take_id(call, ID_PAYMENT, "there is no such payment", &request.payment_id) ||
        !api_call_key(call, &request.key)) {
        return;
    }
    if (!idempotency_fingerprint(STR("POST"), http_request(call->x)->path, call->body,
                                 request.fingerprint, &err)) {
        api_call_problem(call, MESSAGE_MALFORMED_JSON, str_of(err.text), STR_NONE);
        return;
    }
    request.amount_minor = json_integer_value(json_object_get(call->body, "amount"));
    request.is_last = json_is_true(json_object_get(call->body, "final"));
    request.reference = json_text(call->body, "reference");
    request.reason = json_text(call->body, "reason");
    request.metadata_json = print_metadata(call);
    struct str capture = json_text(call->body, "capture");
    if (capture.len > 0 && !id_parse(ID_CAPTURE, capture, &request.capture_id, &err)) {
        request.capture_id = (struct uuid){{0}}; /* the table has checked it */
    }
    request.request_id = http_request_id(call->x);
    request.is_repeat = call->ticket.is_repeat;
    payment_operate_start(call->api->parts.payments, call->caller.merchant, &request, created,
                          call);
    api_call_forget_request(call);
}

void captures_create(struct api_call *call)
{
    create(call, OPERATION_CAPTURE);
}

void voids_create(struct api_call *call)
{
    create(call, OPERATION_VOID);
}

void refunds_create(struct api_call *call)
{
    create(call, OPERATION_REFUND);
}

void reauthorizations_create(struct api_call *call)
{
    create(call, OPERATION_REAUTHORIZE);
}

/* ---- show ------------------------------------------------------------------------------------ */

static void shown(void *ctx, enum store_find found, const struct store_payment_view *operation,
                  const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    if (found == STORE_ABSENT) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such operation"), STR_NONE);
        return;
    }
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    present_payment(operation, &body);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}

static void show(struct api_call *call, enum operation operation)
{
    struct uuid id;
    if (take_id(call, kinds[operation].id, kinds[operation].absent, &id)) {
        store_load_payment(call->api->parts.store, &call->caller.merchant->merchant_id, &id,
                           kinds[operation].kind, &call->arena, shown, call);
    }
}

void captures_show(struct api_call *call)
{
    show(call, OPERATION_CAPTURE);
}

void voids_show(struct api_call *call)
{
    show(call, OPERATION_VOID);
}

void refunds_show(struct api_call *call)
{
    show(call, OPERATION_REFUND);
}

void reauthorizations_show(struct api_call *call)
{
    show(call, OPERATION_REAUTHORIZE);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct listing { /* in the call's arena */
    struct api_call *call;
    struct uuid payment_id;
    enum store_kind kind;
    const struct store_payment_view **shown;
};

static void print_listed(struct api_call *call UNUSED, size_t index, const void *ctx,
                         struct buf *out)
{
    const struct listing *listing = ctx;
    present_payment(listing->shown[index], out);
}

static void listed(void *ctx, enum store_find found, const struct store_payment_view *operations,
                   size_t count, bool has_more, const struct error *why)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    struct str status = STR_NONE;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    (void)api_call_query(call, "status", &status);
    listing->shown = ARENA_ARRAY(&call->arena, const struct store_payment_view *, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (status.len == 0 || str_eq(status, str_of(payment_status_name(operations[i].status)))) {
            listing->shown[kept++] = &operations[i];
        }
    }
    api_reply_list(call, http_request(call->x)->path, has_more, kept, print_listed, listing);
}

static void parent_loaded(void *ctx, enum store_find found,
                          const struct store_payment_view *payment, const struct error *why)
{
    struct listing *listing = ctx;
    struct api_call *call = listing->call;
    (void)why;
    (void)payment;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (found == STORE_ABSENT) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such payment"), STR_NONE);
    } else {
        store_list_operations(call->api->parts.store, &call->caller.merchant->merchant_id,
                              &listing->payment_id, listing->kind, true, &call->arena, listed,
                              listing);
    }
}

static void list(struct api_call *call, enum store_kind kind)
{
    struct listing *listing = ARENA_NEW(&call->arena, struct listing);
    listing->call = call;
    listing->kind = kind;
    if (take_id(call, ID_PAYMENT, "there is no such payment", &listing->payment_id)) {
        store_load_payment(call->api->parts.store, &call->caller.merchant->merchant_id,
                           &listing->payment_id, STORE_PAYMENTS, &call->arena, parent_loaded,
                           listing);
    }
}

void captures_list(struct api_call *call)
{
    list(call, STORE_CAPTURES);
}

void refunds_list(struct api_call *call)
{
    list(call, STORE_REFUNDS);
}

void operations_list(struct api_call *call)
{
    list(call, STORE_ANY);
}
