/* /v1/payments: from fields to the payment module, and reads of the ledger. */
#include "api/list.h"

#include <assert.h>

#include "api/tables.h"
#include "payment/idempotency.h"
#include "payment/present.h"

enum {
    OBJECT_BYTES_MAX = 1024 * 1024, /* a part of the body, printed again with escapes */
};
static_assert((int)TABLES_METADATA_MAX <= (int)ROUTE_METADATA_MAX, "a request has room for it");

/* ---- create ---------------------------------------------------------------------------------- */

static bool refuse(struct api_call *call, enum message problem, const char *detail,
                   const char *param)
{
    api_call_problem(call, problem, str_of(detail), str_of(param));
    return false;
}

/* False: the call was answered. */
static bool take_key(struct api_call *call, struct payment_request *request)
{
    struct error err;
    if (!api_call_key(call, &request->key)) {
        return false;
    }
    if (!idempotency_fingerprint(STR("POST"), http_request(call->x)->path, call->body,
                                 request->fingerprint, &err)) {
        return refuse(call, MESSAGE_MALFORMED_JSON, err.text, "");
    }
    return true;
}

static struct str print_object(struct api_call *call, const char *name)
{
    const json_t *object = json_object_get(call->body, name);
    struct buf text;
    if (object == NULL) {
        return STR_NONE;
    }
    buf_init(&text, OBJECT_BYTES_MAX);
    CHECK(json_canonical(object, &text)); /* a part of a body that was small enough */
    struct str kept = arena_str(&call->arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

/* Both kinds of method in one object: what belongs to the other is refused. */
static bool take_method(struct api_call *call, struct payment_request *request)
{
    json_t *method = json_object_get(call->body, "method");
    json_t *tokens = json_object_get(method, "tokens");
    request->method_type = json_text(method, "type");
    request->test_outcome = json_text(method, "outcome");
    request->card_brand = json_path_text(method, "card.brand");
    request->card_country = json_path_text(method, "card.country");
    request->card_bin = json_path_text(method, "card.bin");
    if (str_eq(request->method_type, STR("test"))) {
        if (call->caller.merchant->livemode) {
            return refuse(call, MESSAGE_INVALID_MEMBER, "\"test\" is for test keys only",
                          "method.type");
        }
        if (request->test_outcome.len == 0) {
            return refuse(call, MESSAGE_MISSING_MEMBER, "a test payment needs its outcome",
                          "method.outcome");
        }
        return tokens == NULL ||
               refuse(call, MESSAGE_INVALID_MEMBER, "a test payment takes an outcome, no tokens",
                      "method.tokens");
    }
    if (request->test_outcome.len > 0) {
        return refuse(call, MESSAGE_INVALID_MEMBER, "outcome is for method type \"test\" only",
                      "method.outcome");
    }
    request->asks_payer = json_object_size(tokens) == 0 &&
                          str_eq(request->method_type, STR("wallet")) &&
                          json_text(call->body, "return_url").len > 0;
    if (json_object_size(tokens) == 0 && !request->asks_payer) {
        return refuse(call, MESSAGE_MISSING_MEMBER,
                      "tokens is needed: the payer's token at one or more providers; or a wallet "
                      "and return_url, and the payer approves at the provider's page",
                      "method.tokens");
    }
    for (void *at = json_object_iter(tokens); at; at = json_object_iter_next(tokens, at)) {
        const json_t *token = json_object_iter_value(at);
        request->token[request->token_count++] = (struct payment_token){
            .provider = {json_object_iter_key(at), json_object_iter_key_len(at)},
            .token = {json_string_value(token), json_string_length(token)},
        };
    }
    return true;
}

static void take_metadata(struct api_call *call, struct payment_request *request)
{
    json_t *metadata = json_object_get(call->body, "metadata");
    for (void *at = json_object_iter(metadata); at; at = json_object_iter_next(metadata, at)) {
        const json_t *value = json_object_iter_value(at);
        request->metadata[request->metadata_count++] = (struct route_pair){
            .name = {json_object_iter_key(at), json_object_iter_key_len(at)},
            .value = {json_string_value(value), json_string_length(value)},
        };
    }
}

static size_t take_names(struct api_call *call, const char *path, struct str *names)
{
    const json_t *list = json_path(call->body, path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        names[i] = (struct str){json_string_value(name), json_string_length(name)};
    }
    return json_array_size(list);
}

static void take_fields(struct api_call *call, struct payment_request *request)
{
    request->amount_minor = json_integer_value(json_object_get(call->body, "amount"));
    request->currency = currency_find(json_text(call->body, "currency"));
    request->capture_automatic = !str_eq(json_text(call->body, "capture"), STR("manual"));
    request->reference = json_text(call->body, "reference");
    request->description = json_text(call->body, "description");
    request->country = json_path_text(call->body, "customer.country");
    request->customer_id = json_path_text(call->body, "customer.id");
    request->customer_json = print_object(call, "customer");
    request->metadata_json = print_object(call, "metadata");
    request->routing_json = print_object(call, "providers");
    request->return_url = json_text(call->body, "return_url");
    request->cancel_url = json_text(call->body, "cancel_url");
    take_metadata(call, request);
    request->only_count = take_names(call, "providers.only", request->only);
    request->never_count = take_names(call, "providers.never", request->never);
    request->request_id = http_request_id(call->x);
}

static void created(void *ctx, const struct payment_reply *reply)
{
    api_call_reply_created(ctx, reply);
}

void payments_create(struct api_call *call)
{
    struct payment_request *request = ARENA_NEW(&call->arena, struct payment_request);
    if (!take_method(call, request) || !take_key(call, request)) {
        return;
    }
    take_fields(call, request);
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
    payment_cancel_start(call->api->parts.payments, call->caller.merchant, &id, created, call);
}
