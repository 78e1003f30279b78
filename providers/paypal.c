#include "providers/paypal.h"

#include <string.h>

#include "providers/adapter.h"
#include "providers/paypal_webhook.h"

enum {
    PAYPAL_TEXT_MAX = 127,      /* description */
    PAYPAL_DESCRIPTOR_MAX = 22, /* soft_descriptor */
    PAYPAL_TOKEN_MAX = 255,     /* vault_id */
};

static const char *const known_settings[] = {"currencies", "soft_descriptor", "return_url",
                                             "cancel_url", "webhook_id",      "webhook_window_s"};

unsigned paypal_digits(const struct currency *currency)
{
    return adapter_has_word(STR("HUF JPY TWD"), str_of(currency->code)) ? 0 : 2;
}

bool paypal_format_amount(const struct provider_call *call, char out[MONEY_TEXT_SIZE],
                          struct str *text, struct error *err)
{
    const unsigned digits = paypal_digits(call->currency);
    int64_t minor = call->amount_minor;

    for (unsigned i = digits; i < call->currency->exponent; i++) {
        if (minor % 10 != 0)
            return fail(err, ERROR_INVALID, "cannot %s through paypal: %s has %u decimals there",
                        adapter_act(call), call->currency->code, digits);
        minor /= 10;
    }
    *text = money_format(minor, digits, out);
    return true;
}

static void put_amount(struct json_out *json, const struct provider_call *call, struct str amount)
{
    json_key(json, "amount");
    json_begin_object(json);
    json_put_cstr(json, "currency_code", call->currency->code);
    json_put_str(json, "value", amount);
    json_end_object(json);
}

static void put_optional(struct json_out *json, const char *key, struct str value, size_t max)
{
    if (value.len > 0)
        json_put_str(json, key, adapter_clip(value, max));
}

static void put_unit(struct json_out *json, const struct provider_call *call, struct str amount)
{
    json_key(json, "purchase_units");
    json_begin_array(json);
    json_begin_object(json);
    json_put_str(json, "reference_id", call->attempt_ref);
    json_put_str(json, "custom_id", call->attempt_ref);
    json_put_str(json, "invoice_id", call->payment_ref);
    put_optional(json, "description", call->description, PAYPAL_TEXT_MAX);
    put_optional(json, "soft_descriptor", adapter_setting(call->account, "soft_descriptor"),
                 PAYPAL_DESCRIPTOR_MAX);
    put_amount(json, call, amount);
    json_end_object(json);
    json_end_array(json);
}

static struct str find_return_url(const struct provider_call *call)
{
    return adapter_choose(call->return_url, adapter_setting(call->account, "return_url"));
}

static void put_source(struct json_out *json, const struct provider_call *call, const char *source)
{
    const struct str return_url = find_return_url(call);
    const struct str cancel_url =
        adapter_choose(call->cancel_url, adapter_setting(call->account, "cancel_url"));

    json_key(json, "payment_source");
    json_begin_object(json);
    json_key(json, source);
    json_begin_object(json);
    if (call->token.len > 0)
        json_put_str(json, "vault_id", call->token);
    if (return_url.len > 0 || cancel_url.len > 0) {
        json_key(json, "experience_context");
        json_begin_object(json);
        put_optional(json, "return_url", return_url, ADAPTER_URL_MAX);
        put_optional(json, "cancel_url", cancel_url, ADAPTER_URL_MAX);
        if (call->token.len == 0)
            json_put_cstr(json, "user_action", "PAY_NOW");
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

static bool start_charge(struct str key, struct str path, struct provider_request *request,
                         struct error *err)
{
    if (!adapter_request_init(request, PROVIDER_STEP_CHARGE, STR("POST"), path, err))
        return false;
    request->moves_money = true;
    request->key = key;
    adapter_add_header(request, STR("Content-Type"), STR("application/json"));
    adapter_add_header(request, STR("PayPal-Request-Id"), key);
    adapter_add_header(request, STR("Prefer"), STR("return=representation"));
    return true;
}

static bool check_charge(const struct provider_call *call, const char **source, struct error *err)
{
    if (str_eq(call->method_type, STR("card"))) {
        *source = "card";
    } else if (str_eq(call->method_type, STR("wallet")) ||
               str_eq(call->method_type, STR("paypal"))) {
        *source = "paypal";
    } else {
        return fail(err, ERROR_INVALID,
                    "cannot charge through paypal: method is no card or wallet");
    }
    if (call->token.len == 0 && strcmp(*source, "paypal") == 0) {
        if (find_return_url(call).len == 0)
            return fail(err, ERROR_INVALID,
                        "cannot charge through paypal: neither token nor return_url");
        return true; /* the payer approves at PayPal's page */
    }
    if (!adapter_is_part(call->token) || call->token.len > PAYPAL_TOKEN_MAX)
        return fail(err, ERROR_INVALID,
                    "cannot charge through paypal: token is empty or malformed");
    return true;
}

static bool build_order(const struct provider_call *call, struct arena *arena,
                        struct provider_request *request, struct error *err)
{
    char text[MONEY_TEXT_SIZE];
    const char *source = NULL;
    struct str amount = STR_NONE;
    struct json_out json;
    struct buf body;

    if (!check_charge(call, &source, err) || !paypal_format_amount(call, text, &amount, err) ||
        !start_charge(call->attempt_ref, STR("/v2/checkout/orders"), request, err))
        return false;
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "intent",
                  call->operation == OPERATION_AUTHORIZE ? "AUTHORIZE" : "CAPTURE");
    put_unit(&json, call, amount);
    put_source(&json, call, source);
    json_end_object(&json);
    return adapter_set_body(request, &body, arena, err);
}

/* The payer approved what create left open: the same order is now captured or authorized. */
static bool build_completion(const struct provider_call *call, struct str order_id,
                             struct arena *arena, struct provider_request *request,
                             struct error *err)
{
    struct str id;

    if (!adapter_encode_part(order_id, "order_id", arena, &id, err))
        return false;
    return start_charge(
        arena_printf(arena, STR_FMT "-%u", STR_ARG(call->attempt_ref), call->send_number),
        arena_printf(arena, "/v2/checkout/orders/" STR_FMT "/%s", STR_ARG(id),
                     call->operation == OPERATION_AUTHORIZE ? "authorize" : "capture"),
        request, err);
}

static bool build_follow_up(const struct provider_call *call, struct arena *arena,
                            struct provider_request *request, struct error *err)
{
    char text[MONEY_TEXT_SIZE];
    const bool is_void = call->operation == OPERATION_VOID;
    const bool is_refund = call->operation == OPERATION_REFUND;
    struct str amount = STR_NONE;
    struct str id;
    struct json_out json;
    struct buf body;

    if (!adapter_encode_part(call->parent_ref, "parent_ref", arena, &id, err) ||
        (!is_void && !paypal_format_amount(call, text, &amount, err)))
        return false;
    if (!start_charge(call->attempt_ref,
                      arena_printf(arena, "/v2/payments/%s/" STR_FMT "/%s",
                                   is_refund ? "captures" : "authorizations", STR_ARG(id),
                                   is_void     ? "void"
                                   : is_refund ? "refund"
                                               : "capture"),
                      request, err))
        return false;
    if (is_void)
        return true;
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    put_amount(&json, call, amount);
    if (is_refund)
        json_put_str(&json, "custom_id", call->attempt_ref);
    else if (call->is_last)
        json_put_bool(&json, "final_capture", true);
    json_end_object(&json);
    return adapter_set_body(request, &body, arena, err);
}

/* Only the amount may be named; the custom id stays that of the authorization before. */
static bool build_reauthorization(const struct provider_call *call, struct arena *arena,
                                  struct provider_request *request, struct error *err)
{
    char text[MONEY_TEXT_SIZE];
    struct str amount = STR_NONE;
    struct str id;
    struct json_out json;
    struct buf body;

    if (!adapter_encode_part(call->parent_ref, "parent_ref", arena, &id, err) ||
        !paypal_format_amount(call, text, &amount, err) ||
        !start_charge(
            call->attempt_ref,
            arena_printf(arena, "/v2/payments/authorizations/" STR_FMT "/reauthorize", STR_ARG(id)),
            request, err))
        return false;
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    put_amount(&json, call, amount);
    json_end_object(&json);
    return adapter_set_body(request, &body, arena, err);
}

static bool build_send(const struct provider_call *call, const struct provider_facts *facts,
                       struct arena *arena, struct provider_request *request, struct error *err)
{
    const struct str order_id = provider_fact_find(facts, STR("order_id"));
    const struct str order_state = provider_fact_find(facts, STR("order_state"));

    if (!adapter_has_word(STR(PAYPAL_CURRENCIES), str_of(call->currency->code)))
        return fail(err, ERROR_INVALID, "cannot charge through paypal: %s is not taken there",
                    call->currency->code);
    if (!adapter_check_call(call, "paypal", err))
        return false;
    switch (call->operation) {
    case OPERATION_SALE:
    case OPERATION_AUTHORIZE:
        if (order_id.len > 0 && str_eq(order_state, STR("APPROVED")))
            return build_completion(call, order_id, arena, request, err);
        return build_order(call, arena, request, err);
    case OPERATION_CAPTURE:
    case OPERATION_VOID:
    case OPERATION_REFUND:
        return build_follow_up(call, arena, request, err);
    case OPERATION_REAUTHORIZE:
        return build_reauthorization(call, arena, request, err);
    case OPERATION_NONE:
    case OPERATION_PAYOUT:
    case OPERATION_COUNT:
        break;
    }
    return fail(err, ERROR_INVALID, "cannot %s through paypal", operation_name(call->operation));
}

static enum provider_next paypal_next(const struct provider_call *call,
                                      const struct provider_facts *facts, struct arena *arena,
                                      struct provider_request *request, struct error *err)
{
    return build_send(call, facts, arena, request, err) ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE;
}

static bool paypal_build_lookup(const struct provider_call *call,
                                const struct provider_facts *facts, struct arena *arena,
                                struct provider_request *request)
{
    const char *place = "/v2/checkout/orders/";
    struct str id = provider_fact_find(facts, STR("order_id"));
    struct error err;

    if (call->operation == OPERATION_CAPTURE) {
        place = "/v2/payments/captures/";
        id = provider_fact_find(facts, STR("capture_id"));
    } else if (call->operation == OPERATION_REFUND) {
        place = "/v2/payments/refunds/";
        id = provider_fact_find(facts, STR("refund_id"));
    } else if (call->operation == OPERATION_VOID) {
        place = "/v2/payments/authorizations/";
        id = call->parent_ref;
    } else if (call->operation == OPERATION_REAUTHORIZE) { /* what it acts on says nothing of it */
        place = "/v2/payments/authorizations/";
        id = provider_fact_find(facts, STR("authorization_id"));
    } else if (call->operation == OPERATION_AUTHORIZE && call->is_superseded) {
        place = "/v2/payments/authorizations/";
        id = call->held_ref;
    }
    if (!adapter_encode_part(id, "id", arena, &id, &err))
        return false;
    return adapter_request_init(request, PROVIDER_STEP_LOOKUP, STR("GET"),
                                arena_printf(arena, "%s" STR_FMT, place, STR_ARG(id)), &err);
}

/* Asks for an order that cannot exist: "not found" proves that the token and its rights are good.
 */
static bool paypal_build_probe(const struct provider_account *account, struct arena *arena,
                               struct provider_request *request)
{
    struct error err;
    (void)account;
    (void)arena;
    return adapter_request_init(request, PROVIDER_STEP_PROBE, STR("GET"),
                                STR("/v2/checkout/orders/TURNPIKEPROBE"), &err);
}

void paypal_build_token(const struct provider_account *account, struct arena *arena,
                        struct provider_request *request)
{
    struct error err;
    (void)account;
    (void)arena;
    CHECK(adapter_request_init(request, PROVIDER_STEP_SESSION, STR("POST"), STR("/v1/oauth2/token"),
                               &err));
    adapter_add_header(request, STR("Content-Type"), STR("application/x-www-form-urlencoded"));
    request->has_body = true;
    request->body = STR("grant_type=client_credentials");
    request->basic_auth = true;
}

static bool paypal_check_account(const struct provider_account *account, struct error *err)
{
    return adapter_check_account(account, known_settings, ARRAY_LEN(known_settings), err) &&
           paypal_check_webhook(account, err);
}

const struct provider provider_paypal = {
    .name = "paypal",
    .family = "paypal",
    .title = "PayPal",
    .version = "paypal/1",
    .capability =
        {
            .currency_codes = STR_INIT(PAYPAL_CURRENCIES),
            .operations = 1u << OPERATION_SALE | 1u << OPERATION_AUTHORIZE |
                          1u << OPERATION_CAPTURE | 1u << OPERATION_VOID | 1u << OPERATION_REFUND |
                          1u << OPERATION_REAUTHORIZE,
            .replay = PROVIDER_REPLAY_LATEST_STATE,
            .key_lifetime_ms = 6LL * 3600 * 1000,
            .action_ms = 3 * 3600LL * 1000,
            .waits_for_us = true,
            .settle_ms = 5 * 60LL * 1000,
            .hold_ms = 29 * 24LL * 3600 * 1000,
            .lookup_by_reference = true, /* by order_id, once an answer told it */
            .asks_payer = true,
        },
    .next = paypal_next,
    .judge = paypal_judge,
    .build_lookup = paypal_build_lookup,
    .build_cancel =
        NULL, /* nothing cancels by request id, and an order that paid is not cancelled */
    .build_probe = paypal_build_probe,
    .build_token = paypal_build_token,
    .judge_token = adapter_judge_token,
    .check_account = paypal_check_account,
    .verify_webhook = paypal_verify_webhook,
    .parse_webhook = paypal_parse_webhook,
};
