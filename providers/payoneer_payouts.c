#include "providers/payoneer_payouts.h"

#include <string.h>

#include "providers/adapter.h"
#include "providers/payoneer_payouts_webhook.h"

enum {
    PAYOUT_TEXT_MAX = 255, /* description */
    PAYOUT_REFERENCE_MAX = 60,
};

static const char *const known_settings[] = {"program_id", "login_url", "currencies", "webhook_url",
                                             "webhook_window_s"};

/* Where the provider's own hosts get their tokens; any other base_url gives its own. */
static const struct {
    struct str base_url;
    struct str login_url;
} logins[] = {
    {STR_INIT("https://api.payoneer.com"), STR_INIT("https://login.payoneer.com")},
    {STR_INIT("https://api.sandbox.payoneer.com"), STR_INIT("https://login.sandbox.payoneer.com")},
};

bool payoneer_payouts_path(const struct provider_account *account, const char *place, struct str id,
                           const char *verb, struct arena *arena, struct str *path,
                           struct error *err)
{
    struct str program;

    if (!adapter_encode_part(adapter_setting(account, "program_id"), "program_id", arena, &program,
                             err) ||
        (id.len > 0 && !adapter_encode_part(id, "id", arena, &id, err)))
        return false;
    *path = arena_printf(arena, "/v4/programs/" STR_FMT "%s" STR_FMT "%s", STR_ARG(program), place,
                         STR_ARG(id), verb);
    return true;
}

bool payoneer_payouts_check_payee(struct str payee_id, struct error *err)
{
    if (payee_id.len == 0)
        return fail(err, ERROR_INVALID, "cannot pay out through payoneer: no payee id");
    if (!adapter_is_part(payee_id))
        return fail(err, ERROR_INVALID,
                    "cannot pay out through payoneer: payee id has a space, one of / \\ ? # %%, "
                    "a character beyond ASCII, or more than %d of them",
                    ADAPTER_PART_MAX);
    return true;
}

/* The amount is a JSON number: its digits are written, never a double. */
static void put_payment(struct json_out *json, const struct provider_call *call)
{
    const struct str description = call->description.len > 0    ? call->description
                                   : call->merchant_ref.len > 0 ? call->merchant_ref
                                                                : call->payment_ref;
    char text[MONEY_TEXT_SIZE];

    json_begin_object(json);
    json_key(json, "Payments");
    json_begin_array(json);
    json_begin_object(json);
    json_put_str(json, "client_reference_id", call->attempt_ref);
    json_put_str(json, "payee_id", call->token);
    json_put_raw(json, "amount", money_format(call->amount_minor, call->currency->exponent, text));
    json_put_cstr(json, "currency", call->currency->code);
    json_put_str(json, "description", adapter_clip(description, PAYOUT_TEXT_MAX));
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

static bool build_payment(const struct provider_call *call, struct arena *arena,
                          struct provider_request *request, struct error *err)
{
    struct str path;
    struct json_out json;
    struct buf body;

    if (call->operation != OPERATION_PAYOUT)
        return fail(err, ERROR_INVALID, "cannot %s through payoneer payouts",
                    operation_name(call->operation));
    CHECK(call->attempt_ref.len <= PAYOUT_REFERENCE_MAX);
    if (!adapter_check_call(call, "payoneer", err) ||
        !payoneer_payouts_check_payee(call->token, err) ||
        !payoneer_payouts_path(call->account, "/masspayouts", STR_NONE, "", arena, &path, err) ||
        !adapter_request_init(request, PROVIDER_STEP_CHARGE, STR("POST"), path, err))
        return false;
    request->moves_money = true;
    request->key = call->attempt_ref;
    adapter_add_header(request, STR("Content-Type"), STR("application/json"));
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    put_payment(&json, call);
    return adapter_set_body(request, &body, arena, err);
}

static enum provider_next payoneer_payouts_next(const struct provider_call *call,
                                                const struct provider_facts *facts,
                                                struct arena *arena,
                                                struct provider_request *request, struct error *err)
{
    (void)facts;
    return build_payment(call, arena, request, err) ? PROVIDER_NEXT_SEND : PROVIDER_NEXT_REFUSE;
}

static bool payoneer_payouts_build_lookup(const struct provider_call *call,
                                          const struct provider_facts *facts, struct arena *arena,
                                          struct provider_request *request)
{
    struct error err;
    struct str path;

    (void)facts;
    return payoneer_payouts_path(call->account, "/payouts/", call->attempt_ref, "/status", arena,
                                 &path, &err) &&
           adapter_request_init(request, PROVIDER_STEP_LOOKUP, STR("GET"), path, &err);
}

static bool payoneer_payouts_build_cancel(const struct provider_call *call,
                                          const struct provider_facts *facts, struct arena *arena,
                                          struct provider_request *request)
{
    struct error err;
    struct str path;

    (void)facts;
    if (!payoneer_payouts_path(call->account, "/payouts/", call->attempt_ref, "/cancel", arena,
                               &path, &err) ||
        !adapter_request_init(request, PROVIDER_STEP_CANCEL, STR("PUT"), path, &err))
        return false;
    request->key = call->attempt_ref;
    request->has_body = true; /* empty: a PUT says how long it is */
    return true;
}

static bool payoneer_payouts_build_probe(const struct provider_account *account,
                                         struct arena *arena, struct provider_request *request)
{
    struct error err;
    struct str path;

    return payoneer_payouts_path(account, "/balance", STR_NONE, "", arena, &path, &err) &&
           adapter_request_init(request, PROVIDER_STEP_PROBE, STR("GET"), path, &err);
}

static void payoneer_payouts_build_token(const struct provider_account *account,
                                         struct arena *arena, struct provider_request *request)
{
    struct error err;

    (void)account;
    (void)arena;
    CHECK(adapter_request_init(request, PROVIDER_STEP_SESSION, STR("POST"),
                               STR("/api/v2/oauth2/token"), &err));
    adapter_add_header(request, STR("Content-Type"), STR("application/x-www-form-urlencoded"));
    request->has_body = true;
    request->body = STR("grant_type=client_credentials&scope=read%20write");
    request->basic_auth = true;
}

static void payoneer_payouts_find_token_url(const struct provider_account *account, char out[256])
{
    struct str url = adapter_setting(account, "login_url");

    if (url.len == 0) {
        url = str_of(account->base_url);
        for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
            if (str_eq(url, logins[i].base_url))
                url = logins[i].login_url;
        }
    }
    CHECK(str_copy_to(url, out, sizeof(account->base_url)));
}

static bool payoneer_payouts_check_account(const struct provider_account *account,
                                           struct error *err)
{
    const struct str program = adapter_setting(account, "program_id");
    const struct str login_url = adapter_setting(account, "login_url");

    if (!adapter_check_account(account, known_settings, ARRAY_LEN(known_settings), err))
        return false;
    if (!adapter_is_part(program))
        return fail(err, ERROR_INVALID,
                    "cannot use settings: program_id (the number of your payout program) is "
                    "missing or malformed");
    if (login_url.len >= sizeof(account->base_url))
        return fail(err, ERROR_INVALID, "cannot use settings: login_url is too long");
    if (login_url.len > 0 && !adapter_check_base_url(login_url, err))
        return fail_prefix(err, "login_url");
    return payoneer_payouts_check_webhook(account, err);
}

const struct provider provider_payoneer_payouts = {
    .name = "payoneer_payouts",
    .family = "payoneer",
    .title = "Payoneer Mass Payouts",
    .version = "payoneer_payouts/1",
    .capability =
        {
            .operations = 1u << OPERATION_PAYOUT,
            .replay = PROVIDER_REPLAY_DUPLICATE,
            .settle_ms = 15 * 60LL * 1000,
            .lookup_by_reference = true,
        },
    .next = payoneer_payouts_next,
    .judge = payoneer_payouts_judge,
    .build_lookup = payoneer_payouts_build_lookup,
    .build_cancel = payoneer_payouts_build_cancel,
    .build_probe = payoneer_payouts_build_probe,
    .build_payee = payoneer_build_payee,
    .judge_payee = payoneer_judge_payee,
    .build_token = payoneer_payouts_build_token,
    .find_token_url = payoneer_payouts_find_token_url,
    .judge_token = adapter_judge_token,
    .check_account = payoneer_payouts_check_account,
    .verify_webhook = payoneer_payouts_verify_webhook,
    .parse_webhook = payoneer_payouts_parse_webhook,
};
