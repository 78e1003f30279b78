/*
 * /v1/payouts: money that goes out.
 *
 *     POST -> key known? --yes--> another body: 422; its answer; what it is now
 *              | no
 *              v
 *            above the merchant's limit? --yes--> an order, stored: 202 requires_approval
 *              | no
 *              v
 *            the driver: like a payment
 *
 * What waited (an approval, a batch) is an order and keeps its id; what did not is a payment of the
 * ledger alone. Both are one list, and found by one address.
 */
#include "api/payouts.h"

#include <string.h>

#include "api/payout_check.h"
#include "api/tables.h"
#include "base/clock.h"
#include "payment/idempotency.h"
#include "payment/order_request.h"

enum {
    CREATE_ROUNDS_MAX = 3, /* a key that is taken between looking and storing */
    RETRY_SOON_S = 1,
};

/* ---- answers --------------------------------------------------------------------------------- */

static struct str location_of(struct api_call *call, const struct uuid *payout_id)
{
    char id[ID_TEXT_SIZE];
    (void)id_format(ID_PAYOUT, payout_id, id);
    return arena_printf(&call->arena, "/v1/payouts/%s", id);
}

static void reply_payout(struct api_call *call, int status, const struct payout_view *payout)
{
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    order_present(payout, call->api->parts.seal_key, &call->arena, &body);
    api_call_reply_json(call, status, &body);
    buf_release(&body);
}

static void reply_absent(struct api_call *call)
{
    api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such payout"), STR_NONE);
}

/* False: the call was answered. */
static bool is_found(struct api_call *call, enum store_find found)
{
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (found == STORE_ABSENT) {
        reply_absent(call);
    }
    return found == STORE_FOUND;
}

void api_reply_unsure(struct api_call *call)
{
    api_call_problem(call, MESSAGE_OUTCOME_PENDING,
                     STR("whether the decision was noted is not known; sending it again is "
                         "harmless"),
                     STR_NONE);
}

/* The same once something may have been decided. False: the call was answered. */
static bool is_found_after(struct api_call *call, enum store_find found)
{
    if (found == STORE_FAILED) {
        api_reply_unsure(call);
        return false;
    }
    return is_found(call, found);
}

/* ---- create ---------------------------------------------------------------------------------- */

struct creating { /* in the call's arena */
    struct api_call *call;
    struct order_request payout;
    unsigned rounds;
    /* one that needs an approval */
    struct order order;
    struct order_bundle bundle;
    struct payout_view view;
    struct store_answer answer;
};

static void created(void *ctx, const struct payment_reply *reply)
{
    api_call_reply_created(ctx, reply);
}

static void begin_now(struct creating *creating)
{
    struct api_call *call = creating->call;
    payment_create_start(call->api->parts.payments, call->caller.merchant,
                         &creating->payout.request, created, call);
}

static void look_up_key(struct creating *creating);

static void answer_kept(void *ctx, enum store_result result, const struct error *why)
{
    struct creating *creating = ctx;
    (void)result; /* whoever kept it first: the key says what is told */
    (void)why;
    look_up_key(creating);
}

/* The first final answer of a payout that waited is the one that is given from now on. */
static void keep_answer(struct creating *creating, const struct payout_view *payout)
{
    struct api_call *call = creating->call;
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    order_present(payout, call->api->parts.seal_key, &call->arena, &body);
    creating->answer = (struct store_answer){
        .merchant_id = call->caller.merchant->merchant_id,
        .key = creating->payout.request.key,
        .status = 201,
        .content_type = STR("application/json"),
        .location = location_of(call, &payout->payout_id),
        .body = arena_str(&call->arena, buf_str(&body)),
        .created_us = clock_wall_us(),
    };
    buf_release(&body);
    order_answer_start(call->api->parts.store, &creating->answer, answer_kept, creating);
}

static void order_loaded(void *ctx, enum store_find found, const struct payout_view *payouts,
                         size_t count, bool has_more, const struct error *why)
{
    struct creating *creating = ctx;
    struct api_call *call = creating->call;
    (void)count;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_problem(call, MESSAGE_OUTCOME_PENDING, STR_NONE, STR_NONE);
    } else if (found == STORE_ABSENT || !payouts->has_order) {
        begin_now(creating); /* the driver's key: it knows the answer */
    } else if (order_is_final(payouts) && creating->rounds++ < CREATE_ROUNDS_MAX) {
        keep_answer(creating, payouts);
    } else {
        api_call_add_header(call, "Location", location_of(call, &payouts->payout_id));
        reply_payout(call, 202, payouts);
    }
}

/* ---- an order, when it needs an approval ---- */

static void order_stored(void *ctx, enum store_result result, const struct error *why)
{
    struct creating *creating = ctx;
    struct api_call *call = creating->call;
    (void)why;
    if (result == STORE_KEY_TAKEN && creating->rounds++ < CREATE_ROUNDS_MAX) {
        look_up_key(creating);
    } else if (result == STORE_COMMITTED) {
        admission_note_opened(call->api->parts.admission, &creating->order.merchant_id,
                              creating->payout.request.key);
        api_call_add_header(call, "Location", location_of(call, &creating->order.order_id));
        reply_payout(call, 202, &creating->view);
    } else if (creating->rounds == 0 &&
               (result == STORE_ROLLED_BACK || result == STORE_UNAVAILABLE)) {
        api_call_unavailable(call);
    } else { /* or the key was seen taken: it may stand for a payout */
        api_call_problem(call, MESSAGE_OUTCOME_PENDING, STR_NONE, STR_NONE);
    }
}

static struct str print_exceeded(struct api_call *call, const struct payment_request *request,
                                 int64_t limit)
{
    return arena_printf(&call->arena,
                        "[{\"currency\":\"%s\",\"limit\":%lld,\"amount\":%lld,\"largest\":%lld}]",
                        request->currency->code, (long long)limit, (long long)request->amount_minor,
                        (long long)request->amount_minor);
}

static void store_order(struct creating *creating, int64_t limit)
{
    struct api_call *call = creating->call;
    const struct payment_request *request = &creating->payout.request;
    struct order *order = &creating->order;
    *order = (struct order){
        .merchant_id = call->caller.merchant->merchant_id,
        .order_id = uuid_new(),
        .created_us = clock_wall_us(),
        .livemode = call->caller.merchant->livemode,
        .amount_minor = request->amount_minor,
        .reference = request->reference,
        .approval_json = print_exceeded(call, request, limit),
        .created_by = call->caller.key_id,
        .state = ORDER_REQUIRES_APPROVAL,
        .try_number = 1,
    };
    memcpy(order->currency, request->currency->code, sizeof(order->currency));
    order->payment_id = order->order_id;
    if (!order_request_seal(call->api->parts.seal_key, &order->merchant_id, &order->order_id,
                            call->body, &call->arena, &order->request_sealed)) {
        api_call_problem(call, MESSAGE_INVALID_MEMBER, STR("the payout is too large"), STR_NONE);
        return;
    }
    creating->view =
        (struct payout_view){.payout_id = order->order_id, .has_order = true, .order = *order};
    creating->bundle = (struct order_bundle){
        .merchant_id = order->merchant_id,
        .key = request->key,
        .holder_id = order->order_id,
        .created_us = order->created_us,
        .orders = order,
        .order_count = 1,
    };
    memcpy(creating->bundle.fingerprint, request->fingerprint, sizeof(request->fingerprint));
    order_store_start(call->api->parts.store, &creating->bundle, order_stored, creating);
}

static void begin(struct creating *creating)
{
    const struct payment_request *request = &creating->payout.request;
    int64_t limit = merchant_payout_limit(creating->call->caller.merchant, request->currency);
    if (request->is_repeat) {
        api_call_no_repeat(creating->call);
    } else if (limit > 0 && request->amount_minor > limit) {
        store_order(creating, limit);
    } else {
        begin_now(creating);
    }
}

/* ---- the key first: it may stand for an order, which the driver knows nothing of ---- */

/* A payment's answer is stored without what all of them have alike. */
static void replay(struct api_call *call, const struct store_key_view *key)
{
    struct store_answer answer = key->answer;
    if (answer.content_type.len == 0)
        answer.content_type = STR("application/json");
    if (answer.location.len == 0)
        answer.location = location_of(call, &key->payment_id);
    api_call_replay(call, &answer);
}

static void key_loaded(void *ctx, enum store_find found, const struct store_key_view *key,
                       const struct error *why)
{
    struct creating *creating = ctx;
    struct api_call *call = creating->call;
    (void)why;
    if (found == STORE_FAILED) { /* it may stand for a payout */
        api_call_problem(call, MESSAGE_OUTCOME_PENDING, STR_NONE, STR_NONE);
    } else if (found == STORE_ABSENT) {
        begin(creating);
    } else if (memcmp(key->fingerprint, creating->payout.request.fingerprint,
                      sizeof(key->fingerprint)) != 0) {
        api_call_problem(call, MESSAGE_KEY_REUSED, STR_NONE, STR_NONE);
    } else if (key->has_answer) {
        replay(call, key);
    } else {
        payout_load(call->api->parts.store, &call->caller.merchant->merchant_id, &key->payment_id,
                    &call->arena, order_loaded, creating);
    }
}

static void look_up_key(struct creating *creating)
{
    struct api_call *call = creating->call;
    store_load_key(call->api->parts.store, &call->caller.merchant->merchant_id,
                   creating->payout.request.key, &call->arena, key_loaded, creating);
}

void payouts_create(struct api_call *call)
{
    struct creating *creating = ARENA_NEW(&call->arena, struct creating);
    struct field_problem problem = {.message = MESSAGE_NONE};
    struct error err;
    struct str key;
    uint8_t fingerprint[SHA256_SIZE];
    if (!api_call_key(call, &key)) {
        return;
    }
    /* Of what was sent: checking writes the IBAN plain. */
    if (!idempotency_fingerprint(STR("POST"), http_request(call->x)->path, call->body, fingerprint,
                                 &err)) {
        api_call_problem(call, MESSAGE_MALFORMED_JSON, str_of(err.text), STR_NONE);
        return;
    }
    if (!payout_check(call->body, &problem)) {
        api_call_problem(call, problem.message, str_of(problem.detail), str_of(problem.param));
        return;
    }
    creating->call = call;
    order_request_read(call->body, &call->arena, &creating->payout);
    struct payment_request *request = &creating->payout.request;
    request->key = key;
    request->is_repeat = call->ticket.is_repeat;
    request->request_id = http_request_id(call->x);
    memcpy(request->fingerprint, fingerprint, sizeof(fingerprint));
    look_up_key(creating);
}

/* ---- show ------------------------------------------------------------------------------------ */

static void shown(void *ctx, enum store_find found, const struct payout_view *payouts, size_t count,
                  bool has_more, const struct error *why)
{
    (void)count;
    (void)has_more;
    (void)why;
    if (is_found(ctx, found)) {
        reply_payout(ctx, 200, payouts);
    }
}

/* Other merchants' payouts are absent like those that never were: one look-up by both ids. */
static void load(struct api_call *call, payout_view_fn done, void *ctx)
{
    struct uuid id;
    struct error ignored;
    if (!id_parse(ID_PAYOUT, call->params.value[0], &id, &ignored)) {
        reply_absent(call);
        return;
    }
    payout_load(call->api->parts.store, &call->caller.merchant->merchant_id, &id, &call->arena,
                done, ctx);
}

void payouts_show(struct api_call *call)
{
    load(call, shown, call);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct payout_filter api_take_filter(struct api_call *call, enum id_kind kind)
{
    struct payout_filter filter = {
        .merchant_id = call->caller.merchant->merchant_id,
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
    if (api_call_query(call, "starting_after", &text) &&
        !id_parse(kind, text, &filter.after, &ignored)) {
        filter.after = (struct uuid){{0}};
    }
    (void)api_call_query(call, "status", &filter.status);
    (void)api_call_query(call, "reference", &filter.reference);
    return filter;
}

static void print_payout(struct api_call *call, size_t index, const void *ctx, struct buf *out)
{
    const struct payout_view *payouts = ctx;
    order_present(&payouts[index], call->api->parts.seal_key, &call->arena, out);
}

static void listed(void *ctx, enum store_find found, const struct payout_view *payouts,
                   size_t count, bool has_more, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/payouts"), has_more, count, print_payout, payouts);
}

void payouts_list(struct api_call *call)
{
    struct payout_filter filter = api_take_filter(call, ID_PAYOUT);
    (void)api_call_query(call, "provider", &filter.provider);
    payout_list(call->api->parts.store, &filter, &call->arena, listed, call);
}

/* ---- approve, reject ------------------------------------------------------------------------- */

struct deciding { /* in the call's arena */
    struct api_call *call;
    enum order_decision decision;
    struct uuid order_id;
    bool was_decided;
    bool has_order;
    bool may_go_on; /* cancel: an order, and what its try came to is not yet its own end */
};

static const char *const past[] = {
    [ORDER_APPROVE] = "approve",
    [ORDER_REJECT] = "reject",
    [ORDER_CANCEL] = "cancel",
};

void api_wake_orders(const struct api_call *call)
{
    if (call->api->parts.orders != NULL) {
        orders_wake(call->api->parts.orders);
    }
}

bool api_was_noted(const struct order_note *notes, size_t count, enum order_decision decision)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(notes[i].decision, str_of(past[decision]))) {
            return true;
        }
    }
    return false;
}

static void refuse_decision(struct deciding *deciding, const struct payout_view *payout)
{
    struct api_call *call = deciding->call;
    char id[ID_TEXT_SIZE];
    struct str status = order_status(payout);
    struct str detail = arena_printf(&call->arena, "the payout is " STR_FMT, STR_ARG(status));
    if (payout->has_order && !uuid_is_zero(&payout->order.batch_id)) {
        detail = arena_printf(&call->arena, "the payout is a row of a batch: decide about %s",
                              id_format(ID_BATCH, &payout->order.batch_id, id).at);
    } else if (payout->has_order && payout->order.state == ORDER_REQUIRES_APPROVAL) {
        api_call_problem(call, MESSAGE_OWN_APPROVAL,
                         STR("this key asked for the payout; approve it with another key of the "
                             "merchant"),
                         STR_NONE);
        return;
    }
    api_call_problem_full(call, MESSAGE_CONFLICT, detail, STR_NONE,
                          arena_str(&call->arena, id_format(ID_PAYOUT, &payout->payout_id, id)), 0);
}

/* Decided now, or the same before: both are told what it is. */
static void decided_loaded(void *ctx, enum store_find found, const struct payout_view *payouts,
                           size_t count, bool has_more, const struct error *why)
{
    struct deciding *deciding = ctx;
    (void)count;
    (void)has_more;
    (void)why;
    if (!is_found_after(deciding->call, found)) {
        return;
    }
    bool is_row = payouts->has_order && !uuid_is_zero(&payouts->order.batch_id);
    if (deciding->was_decided ||
        (!is_row && api_was_noted(payouts->notes, payouts->note_count, deciding->decision))) {
        reply_payout(deciding->call, 200, payouts);
    } else {
        refuse_decision(deciding, payouts);
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
    if (deciding->was_decided && deciding->decision == ORDER_APPROVE) {
        api_wake_orders(call);
    }
    load(call, decided_loaded, deciding);
}

struct order_decide api_decide(const struct api_call *call, const struct uuid *subject_id,
                               enum order_decision decision)
{
    return (struct order_decide){
        .merchant_id = call->caller.merchant->merchant_id,
        .subject_id = *subject_id,
        .decision = decision,
        .key_id = call->caller.key_id,
        .role = str_of(key_role_name(call->caller.role)),
        .now_us = clock_wall_us(),
    };
}

static void decide(struct api_call *call, enum order_decision decision)
{
    struct deciding *deciding = ARENA_NEW(&call->arena, struct deciding);
    struct error ignored;
    deciding->call = call;
    deciding->decision = decision;
    if (!id_parse(ID_PAYOUT, call->params.value[0], &deciding->order_id, &ignored)) {
        reply_absent(call);
        return;
    }
    struct order_decide wanted = api_decide(call, &deciding->order_id, decision);
    order_decide_start(call->api->parts.store, &wanted, decided, deciding);
}

void payouts_approve(struct api_call *call)
{
    decide(call, ORDER_APPROVE);
}

void payouts_reject(struct api_call *call)
{
    decide(call, ORDER_REJECT);
}

/* ---- cancel ---------------------------------------------------------------------------------- */

/* The driver has noted it: an order is shown as one. */
static void noted_loaded(void *ctx, enum store_find found, const struct payout_view *payouts,
                         size_t count, bool has_more, const struct error *why)
{
    struct deciding *deciding = ctx;
    (void)count;
    (void)has_more;
    (void)why;
    if (is_found(deciding->call, found)) {
        reply_payout(deciding->call, order_is_final(payouts) ? 200 : 202, payouts);
    }
}

/*
 * The driver has noted it, or has said why not: of one try. While its order is not at its end,
 * another try may follow a failed one, so that what was refused for good here is refused for now.
 */
static void cancel_noted(void *ctx, const struct payment_reply *reply)
{
    struct deciding *deciding = ctx;
    struct payment_reply told = *reply;
    char id[ID_TEXT_SIZE];
    if (reply->problem == MESSAGE_NONE && deciding->has_order) {
        load(deciding->call, noted_loaded, deciding);
        return;
    }
    if (reply->problem_payment.len > 0) { /* not by the id of a try */
        told.problem_payment = id_format(ID_PAYOUT, &deciding->order_id, id);
    }
    if (deciding->may_go_on && reply->problem == MESSAGE_CONFLICT && reply->retry_after_s == 0) {
        told.problem_detail = STR("one try is over, and another may follow: ask again");
        told.retry_after_s = RETRY_SOON_S;
    }
    api_call_reply_created(deciding->call, &told);
}

static void cancel_begun(struct deciding *deciding, const struct payout_view *payout)
{
    struct api_call *call = deciding->call;
    deciding->has_order = payout->has_order;
    deciding->may_go_on = payout->has_order && payout->order.state != ORDER_BEGUN;
    payout_cancel_start(call->api->parts.payments, call->caller.merchant,
                        &payout->payment->row.payment_id, cancel_noted, deciding);
}

/* It could not be canceled as an order: it has begun, or it is over. */
static void cancel_loaded(void *ctx, enum store_find found, const struct payout_view *payouts,
                          size_t count, bool has_more, const struct error *why)
{
    struct deciding *deciding = ctx;
    struct api_call *call = deciding->call;
    (void)count;
    (void)has_more;
    (void)why;
    if (!is_found_after(call, found)) {
        return;
    }
    if (payouts->has_order && payouts->order.state == ORDER_CANCELED) {
        reply_payout(call, 200, payouts);
    } else if (payouts->payment != NULL) {
        cancel_begun(deciding, payouts);
    } else if (payouts->order.state == ORDER_FAILED || payouts->order.state == ORDER_REJECTED) {
        refuse_decision(deciding, payouts);
    } else {
        api_call_problem_full(call, MESSAGE_CONFLICT, STR("it is being begun at this moment"),
                              STR_NONE, STR_NONE, RETRY_SOON_S);
    }
}

static void canceled(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct deciding *deciding = ctx;
    (void)why;
    (void)count;
    if (found == STORE_FAILED) {
        api_reply_unsure(deciding->call);
        return;
    }
    load(deciding->call, cancel_loaded, deciding);
}

void payouts_cancel(struct api_call *call)
{
    struct deciding *deciding = ARENA_NEW(&call->arena, struct deciding);
    struct error ignored;
    deciding->call = call;
    deciding->decision = ORDER_CANCEL;
    if (!id_parse(ID_PAYOUT, call->params.value[0], &deciding->order_id, &ignored)) {
        reply_absent(call);
        return;
    }
    struct order_decide wanted = api_decide(call, &deciding->order_id, ORDER_CANCEL);
    order_decide_start(call->api->parts.store, &wanted, canceled, deciding);
}
