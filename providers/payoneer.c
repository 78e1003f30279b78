#include "providers/payoneer.h"

#include "providers/adapter.h"
#include "providers/payoneer_webhook.h"

#define PAYONEER_MEDIA_TYPE "application/vnd.optile.payment.enterprise-v1-extensible+json"

enum {
    PAYONEER_TEXT_MAX = 128, /* invoiceId, and what we send as reference */
};

static const char *const known_settings[] = {"division",   "country",          "currencies",
                                             "return_url", "notification_url", "cancel_url",
                                             "summary_url"};

static const struct {
    const char *setting;
    const char *member;
} callbacks[] = {
    /* the first two may come with the request */
    {"return_url", "returnUrl"},
    {"cancel_url", "cancelUrl"},
    {"notification_url", "notificationUrl"},
    {"summary_url", "summaryUrl"},
};

static struct str text_or(struct str text, struct str fallback)
{
    return adapter_clip(text.len > 0 ? text : fallback, PAYONEER_TEXT_MAX);
}

/* The amount is a JSON number: its digits are written, never a double. */
static void put_payment(struct json_out *json, const struct provider_call *call)
{
    char text[MONEY_TEXT_SIZE];

    json_key(json, "payment");
    json_begin_object(json);
    json_put_str(json, "reference", text_or(call->merchant_ref, call->payment_ref));
    json_put_raw(json, "amount", money_format(call->amount_minor, call->currency->exponent, text));
    json_put_cstr(json, "currency", call->currency->code);
    json_put_str(json, "invoiceId", adapter_clip(call->payment_ref, PAYONEER_TEXT_MAX));
    json_end_object(json);
}

static void put_callback(struct json_out *json, const struct provider_call *call)
{
    json_key(json, "callback");
    json_begin_object(json);
    for (size_t i = 0; i < ARRAY_LEN(callbacks); i++) {
        const struct str own = i == 0 ? call->return_url : i == 1 ? call->cancel_url : STR_NONE;
        const struct str url =
            adapter_choose(own, adapter_setting(call->account, callbacks[i].setting));
        if (url.len > 0)
            json_put_str(json, callbacks[i].member, url);
    }
    json_end_object(json);
}

static bool start_request(struct provider_request *request, enum provider_step step,
                          struct str method, struct str path, struct error *err)
{
    if (!adapter_request_init(request, step, method, path, err))
        return false;
    request->moves_money = step == PROVIDER_STEP_CHARGE;
    adapter_add_header(request, STR("Content-Type"), STR(PAYONEER_MEDIA_TYPE));
    adapter_add_header(request, STR("Accept"), STR(PAYONEER_MEDIA_TYPE));
    return true;
}

static bool is_country(struct str s)
{
    return s.len == 2 && s.at[0] >= 'A' && s.at[0] <= 'Z' && s.at[1] >= 'A' && s.at[1] <= 'Z';
}

static void put_list(struct json_out *json, const struct provider_call *call, struct str country)
{
    const struct str division = adapter_setting(call->account, "division");

    json_begin_object(json);
    json_put_str(json, "transactionId", call->attempt_ref);
    json_put_cstr(json, "integration", "PURE_NATIVE");
    json_put_cstr(json, "operationType", "CHARGE");
    json_put_str(json, "country", country);
    if (division.len > 0)
        json_put_str(json, "division", division);
    json_key(json, "customer");
    json_begin_object(json);
    json_put_str(json, "number", text_or(call->customer_ref, call->payment_ref));
    json_end_object(json);
    put_payment(json, call);
    put_callback(json, call);
    json_key(json, "preselection");
    json_begin_object(json);
    json_put_cstr(json, "direction", "CHARGE");
    json_put_cstr(json, "deferral",
                  call->operation == OPERATION_AUTHORIZE ? "DEFERRED" : "NON_DEFERRED");
    json_end_object(json);
    json_end_object(json);
}

static bool build_list(const struct provider_call *call, struct arena *arena,
                       struct provider_request *request, struct error *err)
{
    const struct str country =
        call->country.len > 0 ? call->country : adapter_setting(call->account, "country");
    struct json_out json;
    struct buf body;

    if (!is_country(country))
        return fail(err, ERROR_INVALID,
                    "cannot charge through payoneer: no country of the payer, no default");
    if (!adapter_is_part(call->token)) /* known now, before a session is made for nothing */
        return fail(err, ERROR_INVALID,
                    "cannot charge through payoneer: token is empty or malformed");
    if (!start_request(request, PROVIDER_STEP_SESSION, STR("POST"), STR("/api/lists"), err))
        return false;
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    put_list(&json, call, country);
    return adapter_set_body(request, &body, arena, err);
}

static bool put_operation(const struct provider_call *call, bool with_payment, struct arena *arena,
                          struct provider_request *request, struct error *err)
{
    struct json_out json;
    struct buf body;

    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_str(&json, "transactionId", call->attempt_ref);
    if (with_payment)
        put_payment(&json, call);
    if (call->is_last)
        json_put_bool(&json, "finalOperation", true);
    json_end_object(&json);
    return adapter_set_body(request, &body, arena, err);
}

static bool build_charge(const struct provider_call *call, struct str list_id, struct arena *arena,
                         struct provider_request *request, struct error *err)
{
    struct str list;
    struct str token;

    if (!adapter_encode_part(list_id, "list_id", arena, &list, err) ||
        !adapter_encode_part(call->token, "token", arena, &token, err) ||
        !start_request(request, PROVIDER_STEP_CHARGE, STR("POST"),
                       arena_printf(arena, "/api/lists/" STR_FMT "/accounts/" STR_FMT "/charge",
                                    STR_ARG(list), STR_ARG(token)),
                       err))
        return false;
    request->key = list_id;
    return put_operation(call, false, arena, request, err);
}

static bool build_follow_up(const struct provider_call *call, struct arena *arena,
                            struct provider_request *request, struct error *err)
{
    const bool is_void = call->operation == OPERATION_VOID;
    const char *verb = call->operation == OPERATION_CAPTURE ? "/closing" : "/payout";
    struct str id;

    if (!adapter_encode_part(call->parent_ref, "parent_ref", arena, &id, err))
        return false;
    if (!start_request(
            request, PROVIDER_STEP_CHARGE, is_void ? STR("DELETE") : STR("POST"),
            arena_printf(arena, "/api/charges/" STR_FMT "%s", STR_ARG(id), is_void ? "" : verb),
            err))
        return false;
    if (!is_void)
        return put_operation(call, true, arena, request, err);
    request->key = call->parent_ref; /* what is canceled cannot be canceled again */
    return true;
}

static bool build_send(const struct provider_call *call, const struct provider_facts *facts,
                       struct arena *arena, struct provider_request *request, struct error *err)
{
    const struct str list_id = provider_fact_find(facts, STR("list_id"));

    if (!adapter_check_call(call, "payoneer", err))
        return false;
    switch (call->operation) {
    case OPERATION_SALE:
    case OPERATION_AUTHORIZE:
        if (list_id.len > 0)
            return build_charge(call, list_id, arena, request, err);
        return build_list(call, arena, request, err);
    case OPERATION_CAPTURE:
    case OPERATION_VOID:
    case OPERATION_REFUND:
        return build_follow_up(call, arena, request, err);
    case OPERATION_NONE:
    case OPERATION_REAUTHORIZE:
    case OPERATION_PAYOUT:
    case OPERATION_COUNT:
        break;
    }
    return fail(err, ERROR_INVALID, "cannot %s through payoneer", operation_name(call->operation));
}

static enum provider_next payoneer_next(const struct provider_call *call,
                                        const struct provider_facts *facts, struct arena *arena,
                                        struct provider_request *request, struct error *err)
{
    return build_send(call, facts, arena, request, err) ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE;
}

static bool payoneer_build_lookup(const struct provider_call *call,
                                  const struct provider_facts *facts, struct arena *arena,
                                  struct provider_request *request)
{
    const char *place = "/api/charges/";
    struct str id = provider_fact_find(facts, STR("charge_id"));
    struct error err;

    if (call->operation == OPERATION_VOID) {
        id = call->parent_ref;
    } else if (call->operation == OPERATION_CAPTURE) {
        id = provider_fact_find(facts, STR("closing_id"));
    } else if (call->operation == OPERATION_REFUND) {
        place = "/api/payouts/";
        id = provider_fact_find(facts, STR("payout_id"));
    } else if (id.len == 0) {
        place = "/api/lists/";
        id = provider_fact_find(facts, STR("list_id"));
    }
    if (!adapter_encode_part(id, "id", arena, &id, &err))
        return false;
    return start_request(request, PROVIDER_STEP_LOOKUP, STR("GET"),
                         arena_printf(arena, "%s" STR_FMT, place, STR_ARG(id)), &err);
}

/* Asks for a list that cannot exist: a readable refusal proves that our credentials are good. */
static bool payoneer_build_probe(const struct provider_account *account, struct arena *arena,
                                 struct provider_request *request)
{
    struct error err;
    (void)account;
    (void)arena;
    return start_request(request, PROVIDER_STEP_PROBE, STR("GET"), STR("/api/lists/turnpike-probe"),
                         &err);
}

static bool payoneer_check_account(const struct provider_account *account, struct error *err)
{
    const struct str country = adapter_setting(account, "country");

    if (!adapter_check_account(account, known_settings, ARRAY_LEN(known_settings), err))
        return false;
    if (country.len > 0 && !is_country(country))
        return fail(err, ERROR_INVALID,
                    "cannot use settings: country is no ISO 3166-1 alpha-2 code");
    return payoneer_check_webhook(account, err);
}

const struct provider provider_payoneer = {
    .name = "payoneer",
    .family = "payoneer",
    .title = "Payoneer Checkout",
    .version = "payoneer/1",
    .capability =
        {
            .operations = 1u << OPERATION_SALE | 1u << OPERATION_AUTHORIZE |
                          1u << OPERATION_CAPTURE | 1u << OPERATION_VOID | 1u << OPERATION_REFUND,
            .replay = PROVIDER_REPLAY_DUPLICATE,
            .settle_ms = 15 * 60LL * 1000,
            .lookup_by_reference = true, /* by list_id, which we hold before any charge leaves */
        },
    .next = payoneer_next,
    .judge = payoneer_judge,
    .build_lookup = payoneer_build_lookup,
    .build_cancel = NULL, /* whether DELETE of a list stops a charge under way is not documented */
    .build_probe = payoneer_build_probe,
    .check_account = payoneer_check_account,
    .verify_webhook = payoneer_verify_webhook,
    .parse_webhook = payoneer_parse_webhook,
};
