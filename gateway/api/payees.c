/* /v1/payees: where payees register with a provider, and whether they can be paid. */
#include "api/call.h"

#include "base/crypto.h"

#include "api/payout_check.h"
#include "payment/order_request.h"
#include "providers/payee.h"

struct asking { /* in the call's arena */
    struct api_call *call;
    const struct merchant_account *account;
    enum provider_payee_question question;
    struct str payee_id;
};

static bool refuse(struct api_call *call, enum message problem, const char *detail,
                   const char *param)
{
    api_call_problem(call, problem, str_of(detail), str_of(param));
    return false;
}

/* ---- which account --------------------------------------------------------------------------- */

static bool is_wanted(const struct merchant_account *account, struct str name)
{
    const struct provider *provider = account->account.provider;
    if (!account->usable || account->row.disabled || provider == NULL ||
        !payee_is_offered(provider)) {
        return false;
    }
    return name.len == 0 || str_eq(name, str_of(provider->name)) ||
           str_eq(name, str_of(provider->family));
}

/* False: the call was answered. */
static bool find_account(struct asking *asking, struct str name)
{
    const struct merchant *merchant = asking->call->caller.merchant;
    for (size_t i = 0; i < merchant->account_count; i++) {
        const struct merchant_account *account = &merchant->account[i];
        if (!is_wanted(account, name)) {
            continue;
        }
        bool is_other = asking->account != NULL &&
                        asking->account->account.provider != account->account.provider;
        if (is_other) {
            return refuse(asking->call, MESSAGE_MISSING_MEMBER,
                          "several providers of yours know payees: say which one", "provider");
        }
        if (asking->account == NULL) {
            asking->account = account;
        }
    }
    return asking->account != NULL ||
           refuse(asking->call, MESSAGE_NO_ROUTE,
                  "no usable account of yours is at a provider whose payees register", "provider");
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void put_text(struct json_out *json, const char *key, struct str text)
{
    if (text.len > 0) {
        json_put_str(json, key, text);
    } else {
        json_put_null(json, key);
    }
}

static void reply_failure(struct asking *asking, const struct error *why)
{
    struct api_call *call = asking->call;
    struct str detail = arena_str(&call->arena, str_of(why->text));
    switch (why->code) {
    case ERROR_NOT_FOUND:
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("the provider knows no such payee"),
                         STR_NONE);
        return;
    case ERROR_INVALID:
        api_call_problem(call, MESSAGE_INVALID_MEMBER, detail, STR_NONE);
        return;
    case ERROR_BUSY:
        api_call_problem(call, MESSAGE_OVERLOADED, detail, STR_NONE);
        return;
    case ERROR_NONE:
    case ERROR_CONFLICT:
    case ERROR_DENIED:
    case ERROR_UNAVAILABLE:
    case ERROR_TIMEOUT:
    case ERROR_IO:
    case ERROR_INTERNAL:
    case ERROR_COUNT:
        break;
    }
    api_call_problem(call, MESSAGE_NO_HEALTHY_PROVIDER, detail, STR_NONE);
}

static void answered(void *ctx, const struct provider_payee *payee, const struct error *why)
{
    struct asking *asking = ctx;
    struct api_call *call = asking->call;
    struct buf body;
    struct json_out json;
    char id[ID_TEXT_SIZE];
    call->payee = NULL;
    if (payee == NULL) {
        reply_failure(asking, why);
        return;
    }
    bool is_link = asking->question == PROVIDER_PAYEE_LINK;
    buf_init(&body, CALL_BODY_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "object", is_link ? "registration_link" : "payee");
    json_put_str(&json, "payee_id", asking->payee_id);
    json_put_cstr(&json, "provider", asking->account->account.provider->name);
    json_put_str(&json, "account", id_format(ID_ACCOUNT, &asking->account->account.account_id, id));
    if (is_link) {
        json_put_str(&json, "url", payee->link);
    } else {
        json_put_cstr(&json, "status", provider_payee_state_name(payee->state));
        put_text(&json, "provider_reference", payee->provider_ref);
        put_text(&json, "currency", payee->currency);
    }
    json_end_object(&json);
    api_call_reply_json(call, is_link ? 201 : 200, &body);
    buf_release(&body);
}

static void ask(struct asking *asking, struct provider_payee_ask *question)
{
    struct api_call *call = asking->call;
    struct error err;
    question->question = asking->question;
    question->account = &asking->account->account;
    question->payee_id = asking->payee_id;
    call->payee = payee_ask_start(call->api->parts.engine, question, answered, asking, &err);
    if (call->payee == NULL) {
        reply_failure(asking, &err);
    }
}

static struct asking *asking_new(struct api_call *call, enum provider_payee_question question,
                                 struct str payee_id)
{
    struct asking *asking = ARENA_NEW(&call->arena, struct asking);
    asking->call = call;
    asking->question = question;
    asking->payee_id = payee_id;
    return asking;
}

void payees_link(struct api_call *call)
{
    struct field_problem problem = {.message = MESSAGE_NONE};
    struct asking *asking =
        asking_new(call, PROVIDER_PAYEE_LINK, json_text(call->body, "payee_id"));
    struct provider_payee_ask question = {
        .redirect_url = json_text(call->body, "redirect_url"),
        .session_ref = str_of(http_request_id(call->x)),
    };
    struct order_request *request = ARENA_NEW(&call->arena, struct order_request);
    json_t *beneficiary = json_object_get(call->body, "beneficiary");
    if (beneficiary != NULL) {
        if (!payout_check_beneficiary(beneficiary, STR_NONE, &problem)) {
            api_call_problem(call, problem.message, str_of(problem.detail), str_of(problem.param));
            return;
        }
        order_request_read(call->body, &call->arena, request);
        question.beneficiary = &request->beneficiary;
    }
    if (find_account(asking, json_text(call->body, "provider"))) {
        ask(asking, &question);
    }
}

void payees_show(struct api_call *call)
{
    struct str provider = STR_NONE;
    struct str payee_id = call->params.value[0];
    struct provider_payee_ask question = {.question = PROVIDER_PAYEE_STATUS};
    size_t at;
    size_t len;
    if (payee_id.len > 127 || !form_token.is_ok(payee_id) ||
        crypto_find_card_number(payee_id, &at, &len)) {
        api_call_problem(call, MESSAGE_NOT_FOUND, STR("that is not the id of a payee"), STR_NONE);
        return;
    }
    struct asking *asking = asking_new(call, PROVIDER_PAYEE_STATUS, payee_id);
    (void)api_call_query(call, "provider", &provider);
    if (find_account(asking, provider)) {
        ask(asking, &question);
    }
}
