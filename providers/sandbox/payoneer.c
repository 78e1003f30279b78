#include "providers/sandbox/payoneer.h"

#include "providers/sandbox/raw.h"

#include <stdio.h>

/* clang-format off */
const struct route payoneer_routes[] = {
    {HTTP_POST,   "/api/lists",                                NULL, PAYONEER_LIST_CREATE},
    {HTTP_GET,    "/api/lists/{id}",                           NULL, PAYONEER_LIST_SHOW},
    {HTTP_PUT,    "/api/lists/{id}",                           NULL, PAYONEER_LIST_UPDATE},
    {HTTP_DELETE, "/api/lists/{id}",                           NULL, PAYONEER_LIST_CANCEL},
    {HTTP_POST,   "/api/lists/{id}/{network}/charge",          NULL, PAYONEER_CHARGE_NETWORK},
    {HTTP_POST,   "/api/lists/{id}/accounts/{account}/charge", NULL, PAYONEER_CHARGE_ACCOUNT},
    {HTTP_POST,   "/api/lists/{id}/{network}/payout",          NULL, PAYONEER_PAYOUT_NETWORK},
    {HTTP_POST,   "/api/lists/{id}/accounts/{account}/payout", NULL, PAYONEER_PAYOUT_ACCOUNT},
    {HTTP_GET,    "/api/charges/{id}",                         NULL, PAYONEER_CHARGE_SHOW},
    {HTTP_DELETE, "/api/charges/{id}",                         NULL, PAYONEER_CHARGE_CANCEL},
    {HTTP_POST,   "/api/charges/{id}/closing",                 NULL, PAYONEER_CHARGE_CLOSE},
    {HTTP_POST,   "/api/charges/{id}/payout",                  NULL, PAYONEER_CHARGE_REFUND},
    {HTTP_GET,    "/api/payouts/{id}",                         NULL, PAYONEER_PAYOUT_SHOW},
    {HTTP_GET,    "/pci/v1/{id}/authenticate",                 NULL, PAYONEER_AUTHENTICATE_PAGE},
    {HTTP_POST,   "/pci/v1/{id}/authenticate",                 NULL, PAYONEER_AUTHENTICATE},
};
const size_t payoneer_route_count = ARRAY_LEN(payoneer_routes);

static const struct {
    enum sandbox_operation operation;
    void (*fn)(struct call *call);
} calls[PAYONEER_ROUTE_COUNT] = {
    [PAYONEER_NO_ROUTE]       = {SANDBOX_OP_OTHER,   NULL},
    [PAYONEER_LIST_CREATE]    = {SANDBOX_OP_SESSION, payoneer_list_create},
    [PAYONEER_LIST_SHOW]      = {SANDBOX_OP_LOOKUP,  payoneer_list_show},
    [PAYONEER_LIST_UPDATE]    = {SANDBOX_OP_SESSION, payoneer_list_update},
    [PAYONEER_LIST_CANCEL]    = {SANDBOX_OP_CANCEL,  payoneer_list_cancel},
    [PAYONEER_CHARGE_NETWORK] = {SANDBOX_OP_CHARGE,  payoneer_charge},
    [PAYONEER_CHARGE_ACCOUNT] = {SANDBOX_OP_CHARGE,  payoneer_charge},
    [PAYONEER_PAYOUT_NETWORK] = {SANDBOX_OP_CHARGE,  payoneer_charge},
    [PAYONEER_PAYOUT_ACCOUNT] = {SANDBOX_OP_CHARGE,  payoneer_charge},
    [PAYONEER_CHARGE_SHOW]    = {SANDBOX_OP_LOOKUP,  payoneer_charge_show},
    [PAYONEER_CHARGE_CANCEL]  = {SANDBOX_OP_VOID,    payoneer_charge_cancel},
    [PAYONEER_CHARGE_CLOSE]   = {SANDBOX_OP_CAPTURE, payoneer_charge_close},
    [PAYONEER_CHARGE_REFUND]  = {SANDBOX_OP_REFUND,  payoneer_charge_refund},
    [PAYONEER_PAYOUT_SHOW]    = {SANDBOX_OP_LOOKUP,  payoneer_charge_show},
    [PAYONEER_AUTHENTICATE_PAGE] = {SANDBOX_OP_OTHER, payoneer_authenticate_page},
    [PAYONEER_AUTHENTICATE]   = {SANDBOX_OP_OTHER,   payoneer_authenticate},
};
/* clang-format on */

static const struct json_limits body_limits = {
    .depth_max = 16, .member_count_max = 2048, .string_bytes_max = 8192};

enum sandbox_operation payoneer_operation(int route, struct str body)
{
    (void)body;
    return calls[route].operation;
}

void payoneer_error(struct call *call, int status, const char *code, const char *reason,
                    const char *info)
{
    struct json_out out;
    call->status = status;
    call->content_type = STR(PAYONEER_MEDIA_TYPE);
    buf_clear(call->body);
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "resultCode", "00000.10.000");
    json_put_cstr(&out, "resultInfo", info);
    json_key(&out, "interaction");
    json_begin_object(&out);
    json_put_cstr(&out, "code", code);
    json_put_cstr(&out, "reason", reason);
    json_end_object(&out);
    json_end_object(&out);
}

void payoneer_fault_body(struct call *call, int status)
{
    if (status == 429) {
        payoneer_error(call, status, "RETRY", "TEMPORARY_FAILURE", "Too many requests");
        call_add_header(call, STR("Retry-After"), STR("1"));
    } else {
        payoneer_error(call, status, "ABORT", "SYSTEM_FAILURE", "Internal failure");
    }
}

bool payoneer_parse(struct call *call)
{
    struct error err;
    struct str type = call_header(call, "Content-Type");
    if (call->req->body.len == 0) {
        call->json = json_object();
        return true;
    }
    if (!str_starts(type, STR(PAYONEER_MEDIA_TYPE))) {
        payoneer_error(call, 400, "ABORT", "INVALID_REQUEST",
                       "Content-Type must be " PAYONEER_MEDIA_TYPE);
        return false;
    }
    call->json = json_parse(call->req->body, &body_limits, &err);
    if (!json_is_object(call->json)) {
        payoneer_error(call, 400, "ABORT", "INVALID_REQUEST", "The body is not a JSON object");
        return false;
    }
    return true;
}

bool payoneer_amount(struct call *call, const char *path, const struct currency *currency,
                     int64_t *minor)
{
    char info[200];
    if (raw_money(raw_json_find(call->req->body, path), currency->exponent, minor) && *minor > 0) {
        return true;
    }
    (void)snprintf(info, sizeof(info),
                   "%s must be a number above 0 with at most %d decimals for %s", path,
                   (int)currency->exponent, currency->code);
    payoneer_error(call, 400, "ABORT", "INVALID_REQUEST", info);
    return false;
}

struct str payoneer_long_id(struct call *call)
{
    struct str head = call_random(call, STR("0123456789abcdef"), 24);
    struct str tail = call_random(call, STR("abcdefghijklmnopqrstuvwxyz0123456789"), 25);
    return arena_printf(call->arena, STR_FMT "l" STR_FMT, STR_ARG(head), STR_ARG(tail));
}

struct book_session *payoneer_find_list(struct call *call)
{
    struct book_session *list = books_find_session(call->books, call->param[0]);
    if (list && list->provider == SANDBOX_PAYONEER && str_eq(list->account, call->account)) {
        return list;
    }
    payoneer_error(call, 404, "ABORT", "INVALID_REQUEST", "No such session");
    return NULL;
}

struct book_entry *payoneer_find_charge(struct call *call)
{
    struct book_entry *entry = books_find_entry(call->books, call->param[0]);
    if (entry && entry->provider == SANDBOX_PAYONEER && str_eq(entry->account, call->account)) {
        return entry;
    }
    payoneer_error(call, 404, "ABORT", "INVALID_REQUEST", "No such transaction");
    return NULL;
}

/* User is the merchant code, or "MERCHANT/paymentToken" with an empty password (older form). */
static bool authenticate(struct call *call)
{
    struct str user;
    struct str password;
    if (!call_basic(call, &user, &password)) {
        return false;
    }
    if (password.len == 0) {
        struct str rest = user;
        user = str_cut(&rest, '/');
        password = rest;
    }
    call->account = user;
    return user.len > 0 && password.len > 0 && !str_eq(password, STR("wrong"));
}

void payoneer_answer(struct call *call)
{
    if (call->route == PAYONEER_NO_ROUTE) {
        payoneer_error(call, 404, "ABORT", "INVALID_REQUEST", "No such resource");
    } else if (call->route != PAYONEER_AUTHENTICATE && call->route != PAYONEER_AUTHENTICATE_PAGE &&
               !authenticate(call)) {
        payoneer_error(call, 401, "ABORT", "INVALID_REQUEST", "Invalid credentials");
        call_add_header(call, STR("WWW-Authenticate"), STR("Basic realm=\"OPG\""));
    } else {
        calls[call->route].fn(call);
    }
}
