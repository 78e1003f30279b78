/*
 * /v1/reviews and /v1/unresolved: what a person must look at, and what nobody knows yet.
 *
 * An operator of the house sees every merchant's; merchants and finance see their own. Whose case it
 * is, is part of the look-up: those of others are absent.
 */
#include "api/list.h"

#include "api/tables.h"
#include "base/clock.h"
#include "base/json.h"
#include "ledger/review.h"
#include "payment/present.h"

/* ---- who asks -------------------------------------------------------------------------------- */

/* Zero: every merchant's. */
static struct uuid own_merchant(const struct api_call *call)
{
    return call->caller.merchant != NULL ? call->caller.merchant->merchant_id : (struct uuid){{0}};
}

/* False: it asks for another merchant's: there are none. */
static bool take_merchant(struct api_call *call, struct uuid *merchant_id)
{
    struct str text;
    struct error ignored;
    struct uuid asked;
    *merchant_id = own_merchant(call);
    if (!api_call_query(call, "merchant", &text) ||
        !id_parse(ID_MERCHANT, text, &asked, &ignored)) {
        return true;
    }
    if (!uuid_is_zero(merchant_id) && !uuid_eq(merchant_id, &asked)) {
        return false;
    }
    *merchant_id = asked;
    return true;
}

static unsigned take_limit(struct api_call *call)
{
    struct str text;
    int64_t limit = 0;
    if (api_call_query(call, "limit", &text) && str_to_int64(text, &limit)) {
        return (unsigned)limit;
    }
    return TABLES_LIST_LIMIT;
}

static void take_after(struct api_call *call, enum id_kind kind, struct uuid *after)
{
    struct str text;
    struct error ignored;
    if (api_call_query(call, "starting_after", &text) && !id_parse(kind, text, after, &ignored)) {
        *after = (struct uuid){{0}}; /* the table has checked it */
    }
}

/* ---- printing -------------------------------------------------------------------------------- */

static void put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    if (uuid_is_zero(id)) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, id_format(kind, id, text));
    }
}

static void put_time(struct json_out *json, const char *key, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_us <= 0) {
        json_put_null(json, key);
    } else {
        json_put_str(json, key, clock_format_ms(wall_us, text));
    }
}

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0) {
        json_put_str(json, key, text);
    } else {
        json_put_null(json, key);
    }
}

static void put_age(struct json_out *json, int64_t since_us)
{
    int64_t age_us = clock_wall_us() - since_us;
    json_put_int(json, "age_seconds", age_us > 0 ? age_us / CLOCK_SECOND_US : 0);
}

static enum id_kind kind_of(struct str payment_kind)
{
    static const struct {
        struct str name;
        enum id_kind kind;
    } kinds[] = {
        {STR_INIT("payout"), ID_PAYOUT},
        {STR_INIT("capture"), ID_CAPTURE},
        {STR_INIT("void"), ID_VOID},
        {STR_INIT("refund"), ID_REFUND},
        {STR_INIT("reauthorize"), ID_REAUTHORIZATION},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_eq(payment_kind, kinds[i].name)) {
            return kinds[i].kind;
        }
    }
    return ID_PAYMENT;
}

static void put_amounts(const struct review_view *review, struct json_out *json)
{
    json_put_int(json, "amount", review->amount_minor);
    json_put_cstr(json, "currency", review->currency);
    if (review->answered_minor < 0) {
        json_put_null(json, "answered");
        return;
    }
    json_key(json, "answered");
    json_begin_object(json);
    json_put_int(json, "amount", review->answered_minor);
    json_put_cstr(json, "currency", review->answered_currency);
    json_end_object(json);
}

static void put_resolution(const struct review_view *review, struct json_out *json)
{
    if (review->state != REVIEW_RESOLVED) {
        json_put_null(json, "resolution");
        return;
    }
    json_key(json, "resolution");
    json_begin_object(json);
    json_put_str(json, "outcome", review->outcome);
    json_put_str(json, "reason", review->reason);
    json_put_str(json, "evidence", review->evidence);
    put_id(json, "by", ID_KEY, &review->resolved_by);
    put_time(json, "at", review->resolved_us);
    json_end_object(json);
}

/* What may be answered to it; nothing while it is not a person's to decide. */
static void put_choices(const struct review_view *review, struct json_out *json)
{
    json_key(json, "choices");
    json_begin_array(json);
    for (int i = RULING_NONE + 1; i < RULING_COUNT && review->state == REVIEW_OPEN; i++) {
        if (payment_ruling_fits((enum payment_ruling)i, review->kind, review->operation)) {
            json_cstr(json, payment_ruling_name((enum payment_ruling)i));
        }
    }
    json_end_array(json);
}

static void put_review(const struct review_view *review, struct json_out *json)
{
    put_id(json, "id", ID_REVIEW, &review->review_id);
    json_put_cstr(json, "object", "review");
    json_put_cstr(json, "kind", review_kind_name(review->kind));
    json_put_cstr(json, "state", review_state_name(review->state));
    put_choices(review, json);
    put_id(json, "merchant", ID_MERCHANT, &review->merchant_id);
    put_id(json, "payment", kind_of(review->payment_kind), &review->payment_id);
    put_id(json, "attempt", ID_ATTEMPT, &review->attempt_id);
    json_put_cstr(json, "operation", operation_name(review->operation));
    json_put_str(json, "provider", review->provider);
    put_id(json, "account", ID_ACCOUNT, &review->account_id);
    put_text(json, "provider_reference", review->reference);
    put_amounts(review, json);
    put_text(json, "detail", review->detail);
    json_put_int(json, "reversals_failed", review->tries);
    put_time(json, "next_reversal", review->state == REVIEW_REVERSING ? review->next_us : 0);
    put_time(json, "opened", review->opened_us);
    put_age(json, review->opened_us);
    put_resolution(review, json);
    json_put_bool(json, "livemode", review->livemode);
}

static void print_review(struct api_call *call UNUSED, size_t index, const void *ctx,
                         struct buf *out)
{
    const struct review_view *reviews = ctx;
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    put_review(&reviews[index], &json);
    json_end_object(&json);
}

/* ---- list ------------------------------------------------------------------------------------ */

static void listed(void *ctx, enum store_find found, const struct review_view *reviews,
                   size_t count, bool has_more, const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/reviews"), has_more, count, print_review, reviews);
}

void reviews_list(struct api_call *call)
{
    struct review_filter filter = {.limit = take_limit(call)};
    struct str text;
    if (!take_merchant(call, &filter.merchant_id)) {
        api_reply_list(call, STR("/v1/reviews"), false, 0, print_review, NULL);
        return;
    }
    take_after(call, ID_REVIEW, &filter.after);
    if (api_call_query(call, "state", &text)) {
        filter.state = review_state_find(text);
    }
    if (api_call_query(call, "kind", &text)) {
        filter.kind = review_kind_find(text);
    }
    (void)api_call_query(call, "provider", &filter.provider);
    review_list(call->api->parts.store, &filter, &call->arena, listed, call);
}

/* ---- show ------------------------------------------------------------------------------------ */

struct showing { /* in the call's arena */
    struct api_call *call;
    struct review_view review;
};

static void put_send(const struct store_send *send, struct str own_key, struct json_out *json)
{
    json_begin_object(json);
    json_put_int(json, "number", send->number);
    json_put_str(json, "step", send->step);
    json_put_bool(json, "moves_money", send->moves_money);
    json_put_str(json, "key", send->provider_key.len > 0 ? send->provider_key : own_key);
    put_time(json, "key_valid_until", send->key_valid_until_us);
    put_time(json, "created", send->created_us);
    put_time(json, "not_after", send->not_after_us);
    json_end_object(json);
}

static void put_answer(const struct store_outcome *outcome, struct json_out *json)
{
    json_begin_object(json);
    json_put_int(json, "number", outcome->number);
    json_put_int(json, "send", outcome->send_number);
    json_put_cstr(json, "outcome", outcome_name(outcome->outcome));
    json_put_bool(json, "left", outcome->left);
    json_put_int(json, "http_status", outcome->http_status);
    put_text(json, "code", outcome->code);
    put_text(json, "reason", outcome->reason);
    put_text(json, "provider_reference", outcome->reference);
    put_text(json, "debug_id", outcome->debug_id);
    json_put_raw(json, "facts", outcome->facts_json.len > 0 ? outcome->facts_json : STR("{}"));
    put_time(json, "at", outcome->created_us);
    json_end_object(json);
}

static void put_attempt(const struct store_attempt_view *attempt, struct json_out *json)
{
    char id[ID_TEXT_SIZE];
    struct str key = id_format(ID_ATTEMPT, &attempt->row.attempt_id, id);
    json_begin_object(json);
    json_put_str(json, "id", key);
    json_put_int(json, "number", attempt->row.number);
    json_put_str(json, "provider", attempt->row.provider);
    put_id(json, "account", ID_ACCOUNT, &attempt->row.account_id);
    json_put_cstr(json, "operation", operation_name(attempt->row.operation));
    json_put_int(json, "amount", attempt->row.amount_minor);
    json_put_cstr(json, "currency", attempt->row.currency);
    json_put_bool(json, "waits_for_proof", attempt->parked);
    put_time(json, "created", attempt->row.created_us);
    json_key(json, "sends");
    json_begin_array(json);
    for (size_t i = 0; i < attempt->send_count; i++) {
        put_send(&attempt->sends[i], key, json);
    }
    json_end_array(json);
    json_key(json, "answers");
    json_begin_array(json);
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        put_answer(&attempt->outcomes[i], json);
    }
    json_end_array(json);
    json_end_object(json);
}

/* What is needed to decide, and nothing personal. */
static void put_payment(const struct store_payment_view *payment, struct json_out *json)
{
    json_key(json, "of");
    json_begin_object(json);
    json_put_cstr(json, "status", payment_status_name(payment->status));
    json_put_int(json, "amount", payment->row.amount_minor);
    json_put_cstr(json, "currency", payment->row.currency);
    json_put_int(json, "amount_authorized", payment->authorized);
    json_put_int(json, "amount_captured", payment->captured);
    json_put_int(json, "amount_refunded", payment->refunded);
    put_text(json, "reference", payment->row.reference);
    put_time(json, "created", payment->row.created_us);
    json_key(json, "attempts");
    json_begin_array(json);
    for (size_t i = 0; i < payment->attempt_count; i++) {
        put_attempt(&payment->attempts[i], json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void payment_loaded(void *ctx, enum store_find found,
                           const struct store_payment_view *payment, const struct error *why)
{
    struct showing *showing = ctx;
    struct buf body;
    struct json_out json;
    (void)why;
    if (found != STORE_FOUND) {
        api_call_unavailable(showing->call);
        return;
    }
    buf_init(&body, 2 * (size_t)PRESENT_BYTES_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    put_review(&showing->review, &json);
    put_payment(payment, &json);
    json_end_object(&json);
    api_call_reply_json(showing->call, 200, &body);
    buf_release(&body);
}

static void review_loaded(void *ctx, enum store_find found, const struct review_view *reviews,
                          size_t count, bool has_more, const struct error *why)
{
    struct showing *showing = ctx;
    struct api_call *call = showing->call;
    (void)count;
    (void)has_more;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
    } else if (found == STORE_ABSENT) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such case"), STR_NONE);
    } else {
        showing->review = *reviews;
        store_load_payment(call->api->parts.store, &reviews->merchant_id, &reviews->payment_id,
                           STORE_ANY, &call->arena, payment_loaded, showing);
    }
}

/* False: the call was answered. */
static bool take_id(struct api_call *call, struct uuid *id)
{
    struct error ignored;
    if (id_parse(ID_REVIEW, call->params.value[0], id, &ignored)) {
        return true;
    }
    api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such case"), STR_NONE);
    return false;
}

static void show(struct api_call *call, const struct uuid *review_id)
{
    struct showing *showing = ARENA_NEW(&call->arena, struct showing);
    struct uuid merchant_id = own_merchant(call);
    showing->call = call;
    review_load(call->api->parts.store, &merchant_id, review_id, &call->arena, review_loaded,
                showing);
}

void reviews_show(struct api_call *call)
{
    struct uuid id;
    if (take_id(call, &id)) {
        show(call, &id);
    }
}

/* ---- resolve --------------------------------------------------------------------------------- */

struct resolving { /* in the call's arena */
    struct api_call *call;
    struct uuid review_id;
};

static void decided(void *ctx, enum message problem, struct str detail)
{
    struct resolving *resolving = ctx;
    if (problem == MESSAGE_NONE) {
        show(resolving->call, &resolving->review_id);
    } else {
        api_call_problem(resolving->call, problem, detail,
                         problem == MESSAGE_INVALID_MEMBER ? STR("outcome") : STR_NONE);
    }
}

void reviews_resolve(struct api_call *call)
{
    struct resolving *resolving = ARENA_NEW(&call->arena, struct resolving);
    resolving->call = call;
    if (!take_id(call, &resolving->review_id)) {
        return;
    }
    struct payment_decide asked = {
        .merchant_id = own_merchant(call),
        .review_id = resolving->review_id,
        .ruling = payment_ruling_find(json_text(call->body, "outcome")),
        .amount_minor = json_integer_value(json_object_get(call->body, "amount")),
        .reference = json_text(call->body, "reference"),
        .reason = json_text(call->body, "reason"),
        .evidence = json_text(call->body, "evidence"),
        .key_id = call->caller.key_id,
        .role = str_of(key_role_name(call->caller.role)),
    };
    if (asked.ruling != RULING_CHARGED && (asked.amount_minor > 0 || asked.reference.len > 0)) {
        api_call_problem(call, MESSAGE_INVALID_MEMBER,
                         STR("amount and reference are for outcome \"charged\" only"),
                         asked.amount_minor > 0 ? STR("amount") : STR("reference"));
        return;
    }
    payment_decide_start(call->api->parts.payments, &asked, decided, resolving);
}

/* ---- what waits for proof -------------------------------------------------------------------- */

static void print_unresolved(struct api_call *call UNUSED, size_t index, const void *ctx,
                             struct buf *out)
{
    const struct unresolved_view *attempt = (const struct unresolved_view *)ctx + index;
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    put_id(&json, "id", ID_ATTEMPT, &attempt->attempt_id);
    json_put_cstr(&json, "object", "unresolved");
    put_id(&json, "merchant", ID_MERCHANT, &attempt->merchant_id);
    put_id(&json, "payment", kind_of(attempt->payment_kind), &attempt->payment_id);
    json_put_cstr(&json, "operation", operation_name(attempt->operation));
    json_put_str(&json, "provider", attempt->provider);
    put_id(&json, "account", ID_ACCOUNT, &attempt->account_id);
    json_put_int(&json, "amount", attempt->amount_minor);
    json_put_cstr(&json, "currency", attempt->currency);
    json_put_cstr(&json, "status",
                  attempt->outcome == OUTCOME_NONE ? "processing" : outcome_name(attempt->outcome));
    put_text(&json, "reason", attempt->reason);
    put_time(&json, "since", attempt->since_us);
    put_age(&json, attempt->since_us);
    json_put_int(&json, "looks", attempt->tries);
    put_time(&json, "next_look", attempt->next_us);
    json_put_bool(&json, "is_looked_at", attempt->lease_us > clock_wall_us());
    json_put_bool(&json, "cancel_requested", attempt->is_canceled);
    json_put_bool(&json, "livemode", attempt->livemode);
    json_end_object(&json);
}

static void unresolved_listed(void *ctx, enum store_find found,
                              const struct unresolved_view *attempts, size_t count, bool has_more,
                              const struct error *why)
{
    struct api_call *call = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    api_reply_list(call, STR("/v1/unresolved"), has_more, count, print_unresolved, attempts);
}

void reviews_unresolved(struct api_call *call)
{
    struct unresolved_filter filter = {.limit = take_limit(call)};
    if (!take_merchant(call, &filter.merchant_id)) {
        api_reply_list(call, STR("/v1/unresolved"), false, 0, print_unresolved, NULL);
        return;
    }
    take_after(call, ID_ATTEMPT, &filter.after);
    (void)api_call_query(call, "provider", &filter.provider);
    unresolved_list(call->api->parts.store, &filter, &call->arena, unresolved_listed, call);
}
