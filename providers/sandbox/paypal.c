#include "providers/sandbox/paypal.h"

#include "providers/sandbox/token.h"

/* clang-format off */
const struct route paypal_routes[] = {
    {HTTP_POST,  "/v1/oauth2/token",                               NULL, PAYPAL_TOKEN},
    {HTTP_POST,  "/v2/checkout/orders",                            NULL, PAYPAL_ORDER_CREATE},
    {HTTP_GET,   "/v2/checkout/orders/{id}",                       NULL, PAYPAL_ORDER_SHOW},
    {HTTP_PATCH, "/v2/checkout/orders/{id}",                       NULL, PAYPAL_ORDER_PATCH},
    {HTTP_POST,  "/v2/checkout/orders/{id}/confirm-payment-source", NULL, PAYPAL_ORDER_CONFIRM},
    {HTTP_POST,  "/v2/checkout/orders/{id}/authorize",             NULL, PAYPAL_ORDER_AUTHORIZE},
    {HTTP_POST,  "/v2/checkout/orders/{id}/capture",               NULL, PAYPAL_ORDER_CAPTURE},
    {HTTP_GET,   "/v2/payments/authorizations/{id}",               NULL, PAYPAL_HOLD_SHOW},
    {HTTP_POST,  "/v2/payments/authorizations/{id}/capture",       NULL, PAYPAL_HOLD_CAPTURE},
    {HTTP_POST,  "/v2/payments/authorizations/{id}/reauthorize",   NULL, PAYPAL_HOLD_REAUTHORIZE},
    {HTTP_POST,  "/v2/payments/authorizations/{id}/void",          NULL, PAYPAL_HOLD_VOID},
    {HTTP_GET,   "/v2/payments/captures/{id}",                     NULL, PAYPAL_CAPTURE_SHOW},
    {HTTP_POST,  "/v2/payments/captures/{id}/refund",              NULL, PAYPAL_CAPTURE_REFUND},
    {HTTP_GET,   "/v2/payments/refunds/{id}",                      NULL, PAYPAL_REFUND_SHOW},
    {HTTP_GET,   "/checkoutnow",                                   NULL, PAYPAL_APPROVE_PAGE},
    {HTTP_POST,  "/checkoutnow",                                   NULL, PAYPAL_APPROVE},
    {HTTP_POST,  "/v1/notifications/webhooks",                     NULL, PAYPAL_HOOK_CREATE},
    {HTTP_GET,   "/v1/notifications/webhooks",                     NULL, PAYPAL_HOOK_LIST},
    {HTTP_GET,   "/v1/notifications/webhooks/{id}",                NULL, PAYPAL_HOOK_SHOW},
    {HTTP_DELETE, "/v1/notifications/webhooks/{id}",               NULL, PAYPAL_HOOK_DELETE},
    {HTTP_GET,   "/v1/notifications/webhooks-events",              NULL, PAYPAL_HOOK_EVENTS},
    {HTTP_GET,   "/v1/notifications/webhooks-events/{id}",         NULL, PAYPAL_HOOK_EVENT},
    {HTTP_POST,  "/v1/notifications/webhooks-events/{id}/resend",  NULL, PAYPAL_HOOK_RESEND},
    {HTTP_GET,   "/v1/notifications/certs/{id}",                   NULL, PAYPAL_HOOK_CERTIFICATE},
};
const size_t paypal_route_count = ARRAY_LEN(paypal_routes);

static void answer_token(struct call *call);

static const struct {
    enum sandbox_operation operation;
    const char *key_scope; /* type of call; NULL: takes no PayPal-Request-Id */
    int64_t key_life_s;
    void (*fn)(struct call *call);
} calls[PAYPAL_ROUTE_COUNT] = {
    [PAYPAL_NO_ROUTE]         = {SANDBOX_OP_OTHER,   NULL,              0,       NULL},
    [PAYPAL_TOKEN]            = {SANDBOX_OP_TOKEN,   NULL,              0,       answer_token},
    [PAYPAL_ORDER_CREATE]     = {SANDBOX_OP_CHARGE,  "order_create",    21600,   paypal_order_create},
    [PAYPAL_ORDER_SHOW]       = {SANDBOX_OP_LOOKUP,  NULL,              0,       paypal_order_show},
    [PAYPAL_ORDER_PATCH]      = {SANDBOX_OP_SESSION, NULL,              0,       paypal_order_patch},
    [PAYPAL_ORDER_CONFIRM]    = {SANDBOX_OP_SESSION, NULL,              0,       paypal_order_confirm},
    [PAYPAL_ORDER_AUTHORIZE]  = {SANDBOX_OP_CHARGE,  "order_authorize", 21600,   paypal_order_pay},
    [PAYPAL_ORDER_CAPTURE]    = {SANDBOX_OP_CHARGE,  "order_capture",   21600,   paypal_order_pay},
    [PAYPAL_HOLD_SHOW]        = {SANDBOX_OP_LOOKUP,  NULL,              0,       paypal_hold_show},
    [PAYPAL_HOLD_CAPTURE]     = {SANDBOX_OP_CAPTURE, "capture",         3888000, paypal_hold_capture},
    [PAYPAL_HOLD_REAUTHORIZE] = {SANDBOX_OP_CHARGE,  "reauthorize",     3888000, paypal_hold_reauthorize},
    [PAYPAL_HOLD_VOID]        = {SANDBOX_OP_VOID,    "void",            3888000, paypal_hold_void},
    [PAYPAL_CAPTURE_SHOW]     = {SANDBOX_OP_LOOKUP,  NULL,              0,       paypal_capture_show},
    [PAYPAL_CAPTURE_REFUND]   = {SANDBOX_OP_REFUND,  "refund",          3888000, paypal_capture_refund},
    [PAYPAL_REFUND_SHOW]      = {SANDBOX_OP_LOOKUP,  NULL,              0,       paypal_refund_show},
    [PAYPAL_APPROVE_PAGE]     = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_approve_page},
    [PAYPAL_APPROVE]          = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_approve},
    [PAYPAL_HOOK_CREATE]      = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_create},
    [PAYPAL_HOOK_LIST]        = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_list},
    [PAYPAL_HOOK_SHOW]        = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_show},
    [PAYPAL_HOOK_DELETE]      = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_delete},
    [PAYPAL_HOOK_EVENTS]      = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_events},
    [PAYPAL_HOOK_EVENT]       = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_event},
    [PAYPAL_HOOK_RESEND]      = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_resend},
    [PAYPAL_HOOK_CERTIFICATE] = {SANDBOX_OP_OTHER,   NULL,              0,       paypal_hook_certificate},
};
/* clang-format on */

static const struct json_limits body_limits = {
    .depth_max = 24, .member_count_max = 4096, .string_bytes_max = 16384};

enum sandbox_operation paypal_operation(int route, struct str body)
{
    if (route == PAYPAL_ORDER_CREATE && str_find(body, STR("\"payment_source\""), 0) == SIZE_MAX) {
        return SANDBOX_OP_SESSION;
    }
    return calls[route].operation;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

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
        token_error(call, 401, "invalid_client", "Client Authentication failed");
        return;
    }
    if (str_find(call->req->body, STR("grant_type=client_credentials"), 0) == SIZE_MAX) {
        token_error(call, 400, "unsupported_grant_type", "Grant Type is NULL or not supported");
        return;
    }
    call->status = 200;
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "scope",
                  "https://uri.paypal.com/services/payments/payment/authcapture "
                  "https://uri.paypal.com/services/payments/refund "
                  "https://uri.paypal.com/payments/payouts openid");
    json_put_str(&out, "access_token",
                 token_new(call, STR(PAYPAL_TOKEN_PREFIX), client, PAYPAL_TOKEN_LIFE_S));
    json_put_cstr(&out, "token_type", "Bearer");
    json_put_cstr(&out, "app_id", "APP-80W284485P519543T");
    json_put_int(&out, "expires_in", PAYPAL_TOKEN_LIFE_S);
    json_put_str(&out, "nonce", call_random(call, STR("0123456789abcdefghijklmnopqrstuv"), 32));
    json_end_object(&out);
}

bool paypal_authenticate(struct call *call)
{
    call->account = token_owner(call, STR(PAYPAL_TOKEN_PREFIX));
    return call->account.len > 0;
}

/* ---- PayPal-Request-Id ----------------------------------------------------------------------- */

struct str paypal_key(const struct call *call)
{
    return call_header(call, "PayPal-Request-Id");
}

static struct str key_name(struct call *call, struct str key)
{
    return arena_printf(call->arena, "paypal\x1f" STR_FMT "\x1f%s\x1f" STR_FMT,
                        STR_ARG(call->account), calls[call->route].key_scope, STR_ARG(key));
}

bool paypal_begin(struct call *call, struct str *object)
{
    struct str key = paypal_key(call);
    *object = STR_NONE;
    if (key.len == 0) {
        return true;
    }
    if (key.len > PAYPAL_REQUEST_ID_MAX) {
        paypal_error(call, "INVALID_STRING_LENGTH", STR("PayPal-Request-Id"), "header", key);
        return false;
    }
    struct str name = key_name(call, key);
    if (table_find(call->busy, name)) {
        paypal_error(call, "PREVIOUS_REQUEST_IN_PROGRESS", STR("PayPal-Request-Id"), "header", key);
        return false;
    }
    const struct book_key *known = books_find_key(call->books, name);
    if (known && call->now_us - known->at_us < calls[call->route].key_life_s * 1000000) {
        *object = known->object;
    }
    return true;
}

void paypal_keep_key(struct call *call, struct str object)
{
    struct str key = paypal_key(call);
    if (key.len > 0) {
        call->busy_name = key_name(call, key);
        books_add_key(call->books, call->busy_name, object, call->now_us);
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

bool paypal_wants_all(const struct call *call)
{
    return str_find(call_header(call, "Prefer"), STR("return=representation"), 0) != SIZE_MAX;
}

struct str paypal_new_id(struct call *call)
{
    return call_random(call, STR("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 17);
}

bool paypal_parse(struct call *call)
{
    struct error err;
    struct str type = call_header(call, "Content-Type");
    bool empty = call->req->body.len == 0;
    /* PayPal's own library sends actions without a byte of body, as JSON (capture) or as a form
     * (void). */
    if (!empty && !str_starts(type, STR("application/json"))) {
        paypal_error_plain(call, 415);
        return false;
    }
    call->json = empty ? json_object() : json_parse(call->req->body, &body_limits, &err);
    if (!call->json) {
        paypal_error(call, "MALFORMED_REQUEST_JSON", STR("/"), "body", STR_NONE);
        return false;
    }
    return true;
}

/* PayPal-Mock-Response: {"mock_application_codes":"INSTRUMENT_DECLINED"}; true: answered. */
static bool answer_mock(struct call *call)
{
    struct error err;
    struct str header = call_header(call, "PayPal-Mock-Response");
    if (header.len == 0) {
        return false;
    }
    json_t *mock = json_parse(header, &body_limits, &err);
    struct str code = arena_str(call->arena, json_text(mock, "mock_application_codes"));
    json_decref(mock);
    if (paypal_issue_status(code) != 0) {
        paypal_error(call, arena_cstr(call->arena, code), STR_NONE, "body", STR_NONE);
        return true;
    }
    if (str_eq(code, STR("INTERNAL_SERVER_ERROR"))) {
        paypal_error_plain(call, 500);
        return true;
    }
    return false;
}

void paypal_answer(struct call *call)
{
    paypal_add_debug_id(call);
    if (call->route == PAYPAL_NO_ROUTE) {
        paypal_error_plain(call, 404);
    } else if (call->route == PAYPAL_TOKEN || call->route == PAYPAL_APPROVE ||
               call->route == PAYPAL_APPROVE_PAGE || call->route == PAYPAL_HOOK_CERTIFICATE) {
        calls[call->route].fn(call);
    } else if (!paypal_authenticate(call)) {
        paypal_error_plain(call, 401);
    } else if (!answer_mock(call)) {
        calls[call->route].fn(call);
    }
}
