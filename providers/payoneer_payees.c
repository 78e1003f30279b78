/* Payees of a Payoneer program: where one registers, and how far that is. No money is moved. */
#include "providers/payoneer_payouts.h"

#include "providers/adapter.h"

enum {
    PAYEE_NAME_MAX = 100,
    /* status.type */
    PAYEE_TYPE_PENDING = 0,
    PAYEE_TYPE_ACTIVE = 1,
    PAYEE_TYPE_INACTIVE = 99,
};

static void put_optional(struct json_out *json, const char *key, struct str value)
{
    if (value.len > 0)
        json_put_str(json, key, adapter_clip(value, PAYEE_NAME_MAX));
}

/* What the form is filled in with; the payee can change it. */
static void put_payee(struct json_out *json, const struct provider_beneficiary *who)
{
    const bool is_business = str_eq(who->type, STR("business"));

    json_key(json, "payee");
    json_begin_object(json);
    json_put_cstr(json, "type", is_business ? "COMPANY" : "INDIVIDUAL");
    json_key(json, "contact");
    json_begin_object(json);
    put_optional(json, "first_name", who->first_name);
    put_optional(json, "last_name", who->last_name);
    put_optional(json, "email", who->email);
    put_optional(json, "mobile", who->phone);
    json_end_object(json);
    if (is_business && who->business_name.len > 0) {
        json_key(json, "company");
        json_begin_object(json);
        put_optional(json, "name", who->business_name);
        json_end_object(json);
    }
    if (who->country.len > 0) {
        json_key(json, "address");
        json_begin_object(json);
        put_optional(json, "country", who->country);
        json_end_object(json);
    }
    json_end_object(json);
}

static bool build_link(const struct provider_payee_ask *ask, struct arena *arena,
                       struct provider_request *request, struct error *err)
{
    struct str path;
    struct json_out json;
    struct buf body;

    if (ask->redirect_url.len > 0 && !adapter_is_link(ask->redirect_url))
        return fail(err, ERROR_INVALID, "cannot ask payoneer: redirect_url is no https link");
    if (!payoneer_payouts_path(ask->account, "/payees/registration-link", STR_NONE, "", arena,
                               &path, err) ||
        !adapter_request_init(request, PROVIDER_STEP_SESSION, STR("POST"), path, err))
        return false;
    adapter_add_header(request, STR("Content-Type"), STR("application/json"));
    buf_init(&body, ADAPTER_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_str(&json, "payee_id", ask->payee_id);
    put_optional(&json, "client_session_id", ask->session_ref);
    if (ask->redirect_url.len > 0)
        json_put_str(&json, "redirect_url", ask->redirect_url);
    if (ask->beneficiary != NULL)
        put_payee(&json, ask->beneficiary);
    json_end_object(&json);
    return adapter_set_body(request, &body, arena, err);
}

bool payoneer_build_payee(const struct provider_payee_ask *ask, struct arena *arena,
                          struct provider_request *request, struct error *err)
{
    struct str path;

    if (!payoneer_payouts_check_payee(ask->payee_id, err))
        return false;
    if (ask->question == PROVIDER_PAYEE_LINK)
        return build_link(ask, arena, request, err);
    return payoneer_payouts_path(ask->account, "/payees/", ask->payee_id, "/status", arena, &path,
                                 err) &&
           adapter_request_init(request, PROVIDER_STEP_SESSION, STR("GET"), path, err);
}

static enum provider_payee_state state_of(const json_t *json)
{
    int64_t type = -1;

    if (!json_path_int64(json, "result.status.type", &type))
        return PROVIDER_PAYEE_UNKNOWN;
    return type == PAYEE_TYPE_ACTIVE     ? PROVIDER_PAYEE_ACTIVE
           : type == PAYEE_TYPE_PENDING  ? PROVIDER_PAYEE_PENDING
           : type == PAYEE_TYPE_INACTIVE ? PROVIDER_PAYEE_INACTIVE
                                         : PROVIDER_PAYEE_UNKNOWN;
}

static bool read_link(const json_t *json, struct arena *arena, struct provider_payee *payee,
                      struct error *err)
{
    const struct str link = json_path_text(json, "result.registration_link");

    if (!adapter_is_link(link))
        return fail(err, ERROR_UNAVAILABLE, "cannot read payoneer's answer: no registration link");
    payee->link = arena_str(arena, link);
    return true;
}

static bool read_status(const struct provider_answer *answer, const json_t *json,
                        struct arena *arena, struct provider_payee *payee, struct error *err)
{
    struct str account_id = STR_NONE;
    const struct str currency = json_path_text(json, "result.payout_method.currency");

    if (json_path(json, "result.status") == NULL)
        return fail(err, ERROR_UNAVAILABLE, "cannot read payoneer's answer: no status");
    payee->state = state_of(json);
    if (adapter_raw_value(answer->body, "result.account_id", &account_id) &&
        adapter_is_part(account_id))
        payee->provider_ref = arena_str(arena, account_id);
    if (currency_find(currency) != NULL)
        payee->currency = arena_str(arena, currency);
    return true;
}

/* Payoneer's own words are not passed on: they may repeat what was sent. */
static bool fail_by_status(const struct provider_payee_ask *ask, int status, struct error *err)
{
    const bool is_link = ask->question == PROVIDER_PAYEE_LINK;

    if (status == 401 || status == 403 || (status == 404 && is_link)) /* 404: no such program */
        return fail(err, ERROR_DENIED, "cannot ask payoneer: refused with %d; see accounts test",
                    status);
    if (status == 429)
        return fail(err, ERROR_BUSY, "cannot ask payoneer: too many requests");
    if (status == 404)
        return fail(err, ERROR_NOT_FOUND, "payoneer does not know this payee");
    if (status == 400 || status == 422)
        return fail(err, ERROR_INVALID, "payoneer refused this payee's data");
    return fail(err, ERROR_UNAVAILABLE, "cannot ask payoneer: it answered %d", status);
}

bool payoneer_judge_payee(const struct provider_payee_ask *ask,
                          const struct provider_answer *answer, struct arena *arena,
                          struct provider_payee *payee, struct error *err)
{
    *payee = (struct provider_payee){.state = PROVIDER_PAYEE_UNKNOWN};
    if (answer->status < 200 || answer->status >= 300)
        return fail_by_status(ask, answer->status, err);
    json_t *json = adapter_parse(answer);
    const bool is_read = ask->question == PROVIDER_PAYEE_LINK
                             ? read_link(json, arena, payee, err)
                             : read_status(answer, json, arena, payee, err);
    json_decref(json);
    return is_read;
}
