#include "providers/sandbox/payoneer_payouts.h"

#include "base/clock.h"
#include "providers/sandbox/token.h"

#include <stdio.h>

/* clang-format off */
const struct route payoneer_payout_routes[] = {
    {HTTP_POST,   "/api/v2/oauth2/token",                           NULL, PAYONEER_PAYOUT_TOKEN},
    {HTTP_POST,   "/v4/programs/{program}/masspayouts",             NULL, PAYONEER_PAYOUT_CREATE},
    {HTTP_GET,    "/v4/programs/{program}/payouts/{id}/status",     NULL, PAYONEER_PAYOUT_STATUS},
    {HTTP_PUT,    "/v4/programs/{program}/payouts/{id}/cancel",     NULL, PAYONEER_PAYOUT_CANCEL},
    {HTTP_GET,    "/v4/programs/{program}/balance",                 NULL, PAYONEER_BALANCE},
    {HTTP_POST,   "/v4/programs/{program}/payees/registration-link", NULL, PAYONEER_PAYEE_LINK},
    {HTTP_GET,    "/v4/programs/{program}/payees/{id}/status",      NULL, PAYONEER_PAYEE_STATUS},
    {HTTP_GET,    "/v4/programs/{program}/payees/{id}/details",     NULL, PAYONEER_PAYEE_DETAILS},
    {HTTP_DELETE, "/v4/programs/{program}/payees/{id}",             NULL, PAYONEER_PAYEE_DELETE},
    {HTTP_GET,    "/registration/{token}",                          NULL, PAYONEER_PAYEE_REGISTER},
};
const size_t payoneer_payout_route_count = ARRAY_LEN(payoneer_payout_routes);

static void answer_token(struct call *call);
static void show_status(struct call *call);
static void cancel(struct call *call);
static void show_balance(struct call *call);

static const struct {
    enum sandbox_operation operation;
    void (*fn)(struct call *call);
} calls[PAYONEER_PAYOUT_ROUTE_COUNT] = {
    [PAYONEER_PAYOUT_NO_ROUTE] = {SANDBOX_OP_OTHER,   NULL},
    [PAYONEER_PAYOUT_TOKEN]    = {SANDBOX_OP_TOKEN,   answer_token},
    [PAYONEER_PAYOUT_CREATE]   = {SANDBOX_OP_PAYOUT,  payoneer_payout_create},
    [PAYONEER_PAYOUT_STATUS]   = {SANDBOX_OP_LOOKUP,  show_status},
    [PAYONEER_PAYOUT_CANCEL]   = {SANDBOX_OP_CANCEL,  cancel},
    [PAYONEER_BALANCE]         = {SANDBOX_OP_LOOKUP,  show_balance},
    [PAYONEER_PAYEE_LINK]      = {SANDBOX_OP_SESSION, payoneer_payee_link},
    [PAYONEER_PAYEE_STATUS]    = {SANDBOX_OP_LOOKUP,  payoneer_payee_status},
    [PAYONEER_PAYEE_DETAILS]   = {SANDBOX_OP_LOOKUP,  payoneer_payee_details},
    [PAYONEER_PAYEE_DELETE]    = {SANDBOX_OP_OTHER,   payoneer_payee_delete},
    [PAYONEER_PAYEE_REGISTER]  = {SANDBOX_OP_OTHER,   payoneer_payee_register},
};

static const struct {
    int status;
    const char *error;
    const char *description;
} kinds[] = {
    {500, "Internal Server Error", "An internal error occurred"},
    {400, "Bad Request",           "The request is invalid"},
    {401, "Unauthorized",          "The access token is missing, invalid or expired"},
    {403, "Forbidden",             "The application may not use this program"},
    {404, "Not Found",             "The resource was not found"},
    {415, "Unsupported Media Type", "The content type must be application/json"},
    {429, "Too Many Requests",     "Too many requests, try again later"},
    {503, "Service Unavailable",   "The service is temporarily unavailable"},
};

/* Text of a code that the books keep. */
static const struct {
    struct str code;
    int64_t number;
    const char *text;
} reasons[] = {
    {STR_INIT("10005"), 10005, "Payment was rejected"},
    {STR_INIT("10009"), 10009, "Action cannot be performed because payee is inactive"},
    {STR_INIT("30013"), 30013, "Bank details - Invalid Branch Code"},
};
/* clang-format on */

static const struct json_limits body_limits = {
    .depth_max = 16, .member_count_max = 16384, .string_bytes_max = 8192};

enum sandbox_operation payoneer_payout_operation(int route, struct str body)
{
    (void)body;
    return calls[route].operation;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void put_problems(struct json_out *out, int sub_code,
                         const struct payoneer_problems *problems)
{
    json_key(out, "errors");
    json_begin_array(out);
    for (size_t i = 0; i < problems->count; i++) {
        const struct payoneer_problem *problem = &problems->problem[i];
        json_begin_object(out);
        json_put_int(out, "code", sub_code);
        json_put_str(out, "target", problem->target);
        if (problem->value.len > 0) {
            json_put_str(out, "value", problem->value);
        } else {
            json_put_null(out, "value");
        }
        json_put_cstr(out, "message", problem->message);
        json_put_null(out, "sub_code");
        json_end_object(out);
    }
    json_end_array(out);
}

void payoneer_payout_error(struct call *call, int status, int sub_code, const char *description,
                           const struct payoneer_problems *problems)
{
    struct json_out out;
    size_t kind = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        kind = kinds[i].status == status ? i : kind;
    }
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "error", kinds[kind].error);
    json_put_cstr(&out, "error_description", description ? description : kinds[kind].description);
    json_key(&out, "error_details");
    json_begin_object(&out);
    json_put_int(&out, "code", status);
    if (sub_code != 0) {
        json_put_int(&out, "sub_code", sub_code);
    } else {
        json_put_null(&out, "sub_code");
    }
    if (problems && problems->count > 0) {
        put_problems(&out, sub_code, problems);
    }
    json_end_object(&out);
    json_end_object(&out);
}

void payoneer_payout_fault_body(struct call *call, int status)
{
    if (status == 429) {
        call_add_header(call, STR("Retry-After"), STR("1"));
    }
    payoneer_payout_error(call, status, 0, NULL, NULL);
}

bool payoneer_payout_parse(struct call *call)
{
    struct error err;
    if (!str_starts(call_header(call, "Content-Type"), STR("application/json"))) {
        payoneer_payout_error(call, 415, 0, NULL, NULL);
        return false;
    }
    call->json = json_parse(call->req->body, &body_limits, &err);
    if (!json_is_object(call->json)) {
        payoneer_payout_error(call, 400, PAYONEER_BAD_PARAMETER, "The body is not a JSON object",
                              NULL);
        return false;
    }
    return true;
}

void payoneer_payout_begin(struct call *call, int status, struct json_out *out)
{
    call->status = status;
    call->content_type = STR("application/json");
    buf_clear(call->body);
    json_out_init(out, call->body);
    json_begin_object(out);
    json_key(out, "result");
}

void payoneer_payout_put_time(struct json_out *out, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    char cut[24];
    if (at_us == 0) {
        json_put_null(out, name);
        return;
    }
    (void)snprintf(cut, sizeof(cut), STR_FMT "Z",
                   STR_ARG(str_sub(clock_format_ms(at_us, text), 0, 19)));
    json_put_cstr(out, name, cut);
}

/* ---- token ----------------------------------------------------------------------------------- */

static void token_error(struct call *call, int status, const char *error, const char *description)
{
    struct json_out out;
    call->status = status;
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "error", error);
    json_put_cstr(&out, "error_description", description);
    json_end_object(&out);
}

static void answer_token(struct call *call)
{
    struct str client;
    struct str secret;
    struct json_out out;
    call->content_type = STR("application/json");
    if (!call_basic(call, &client, &secret) || client.len == 0 || secret.len == 0 ||
        str_eq(secret, STR("wrong"))) {
        token_error(call, 401, "invalid_client", "Client authentication failed");
        return;
    }
    if (str_find(call->req->body, STR("grant_type=client_credentials"), 0) == SIZE_MAX) {
        token_error(call, 400, "unsupported_grant_type", "The grant type is not supported");
        return;
    }
    call->status = 200;
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "token_type", "Bearer");
    json_put_str(
        &out, "access_token",
        token_new(call, STR(PAYONEER_PAYOUT_TOKEN_PREFIX), client, PAYONEER_PAYOUT_TOKEN_LIFE_S));
    json_put_int(&out, "expires_in", PAYONEER_PAYOUT_TOKEN_LIFE_S);
    json_put_int(&out, "consented_on", call->now_us / 1000000);
    json_put_cstr(&out, "scope", "read write");
    json_put_null(&out, "refresh_token");
    json_put_null(&out, "refresh_token_expires_in");
    json_put_null(&out, "id_token");
    json_end_object(&out);
}

/* ---- payouts --------------------------------------------------------------------------------- */

static const char *status_word(const struct book_entry *entry)
{
    switch ((enum book_state)entry->state) {
    case BOOK_PENDING:
        return "Pending";
    case BOOK_PAYEE_PENDING:
        return "Pending Payee";
    case BOOK_COMPLETED:
        return "Transferred";
    case BOOK_FAILED:
        return entry->plan == PAYOUT_REJECTED ? "Rejected" : "Cancelled";
    case BOOK_STATE_NONE:
    case BOOK_DECLINED:
    case BOOK_PARTIALLY_REFUNDED:
    case BOOK_REFUNDED:
    case BOOK_HELD:
    case BOOK_PARTIALLY_CAPTURED:
    case BOOK_CAPTURED:
    case BOOK_VOIDED:
    case BOOK_UNCLAIMED:
    case BOOK_ON_HOLD:
    case BOOK_BLOCKED:
    case BOOK_RETURNED:
    case BOOK_REVERSED:
    case BOOK_CANCELED:
    case BOOK_STATE_COUNT:
        break;
    }
    return "Cancelled";
}

const char *payoneer_payout_reason(struct str code)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (str_eq(code, reasons[i].code)) {
            return reasons[i].text;
        }
    }
    return "Payment was cancelled by the program";
}

static void put_reasons(struct json_out *out, const struct book_entry *entry)
{
    bool rejected = entry->state == BOOK_FAILED && entry->plan == PAYOUT_REJECTED;
    bool canceled = !rejected && str_eq(str_of(status_word(entry)), STR("Cancelled"));
    int64_t number = 0;
    const char *text = canceled ? "Payment was cancelled by the program" : NULL;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (str_eq(entry->code, reasons[i].code)) {
            number = reasons[i].number;
            text = reasons[i].text;
        }
    }
    json_key(out, "reason_code");
    json_cstr(out, rejected ? entry->code.at : NULL);
    json_put_cstr(out, "reason_description", rejected ? text : NULL);
    if (canceled && number != 0) {
        json_put_int(out, "cancel_reason_code", number);
    } else {
        json_put_null(out, "cancel_reason_code");
    }
    json_put_cstr(out, "cancel_reason_description", canceled ? text : NULL);
}

static void show_status(struct call *call)
{
    const struct book_entry *entry = payoneer_payout_find(call, call->param[1]);
    char text[MONEY_TEXT_SIZE];
    struct json_out out;
    if (!entry) {
        payoneer_payout_error(call, 404, PAYONEER_NO_SUCH_PAYOUT, "Payout not found", NULL);
        return;
    }
    bool moved = entry->state == BOOK_COMPLETED || entry->state == BOOK_RETURNED;
    bool waits = entry->state == BOOK_PENDING && entry->final;
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    payoneer_payout_put_time(&out, "payout_date", entry->created_us);
    struct str amount = money_format(entry->amount_minor, entry->currency->exponent, text);
    json_put_raw(&out, "amount", amount);
    json_put_cstr(&out, "currency", entry->currency->code);
    json_put_cstr(&out, "status", status_word(entry));
    json_put_str(&out, "payee_id", entry->receiver);
    json_put_str(&out, "payout_id", entry->id);
    if (moved) {
        json_put_raw(&out, "target_amount", amount);
    } else {
        json_put_null(&out, "target_amount");
    }
    json_put_cstr(&out, "target_currency", moved ? entry->currency->code : NULL);
    payoneer_payout_put_time(&out, "scheduled_payout_date", waits ? entry->due_us : 0);
    payoneer_payout_put_time(&out, "load_date", moved ? entry->updated_us : 0);
    put_reasons(&out, entry);
    json_end_object(&out);
    json_end_object(&out);
}

/* Received, not performed: what is due meanwhile still happens. */
static void cancel(struct call *call)
{
    struct book_entry *entry = payoneer_payout_find(call, call->param[1]);
    struct json_out out;
    if (!entry) {
        payoneer_payout_error(call, 404, PAYONEER_NO_SUCH_PAYOUT, "Payout not found", NULL);
        return;
    }
    if (entry->state != BOOK_PENDING && entry->state != BOOK_PAYEE_PENDING) {
        payoneer_payout_error(call, 400, PAYONEER_BAD_PARAMETER,
                              entry->state == BOOK_COMPLETED
                                  ? "Payout cannot be cancelled: it was already transferred"
                                  : "Payout cannot be cancelled: it was already cancelled",
                              NULL);
        return;
    }
    if (entry->plan != PAYOUT_LATE && entry->plan != PAYOUT_CANCELED) {
        payouts_plan(call->payouts, entry, PAYOUT_CANCELED,
                     call->now_us + call->settings->payout_ms * 1000);
    }
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    json_put_cstr(&out, "description",
                  "The request was received successfully. The cancel action has not yet been "
                  "performed.");
    json_end_object(&out);
    json_end_object(&out);
}

static void show_balance(struct call *call)
{
    const struct currency *currency = call->settings->program_currency;
    char text[MONEY_TEXT_SIZE];
    struct json_out out;
    int64_t minor = call->settings->payout_balance_minor -
                    payouts_sum(call->payouts, SANDBOX_PAYONEER_PAYOUTS, call->account, currency);
    payoneer_payout_begin(call, 200, &out);
    json_begin_object(&out);
    json_put_raw(&out, "balance", money_format(minor, currency->exponent, text));
    json_put_cstr(&out, "currency", currency->code);
    json_end_object(&out);
    json_end_object(&out);
}

/* ---- requests -------------------------------------------------------------------------------- */

void payoneer_payout_answer(struct call *call)
{
    struct str client = token_owner(call, STR(PAYONEER_PAYOUT_TOKEN_PREFIX));
    if (call->route == PAYONEER_PAYOUT_TOKEN || call->route == PAYONEER_PAYEE_REGISTER) {
        calls[call->route].fn(call);
    } else if (call->route == PAYONEER_PAYOUT_NO_ROUTE) {
        payoneer_payout_error(call, 404, 0, NULL, NULL);
    } else if (client.len == 0) {
        payoneer_payout_error(call, 401, 0, NULL, NULL);
    } else if (str_eq(call->param[0], STR("forbidden"))) {
        payoneer_payout_error(call, 403, 0, NULL, NULL);
    } else {
        call->account = arena_printf(call->arena, STR_FMT "/" STR_FMT, STR_ARG(client),
                                     STR_ARG(call->param[0]));
        calls[call->route].fn(call);
    }
}
