/* GET /v1/providers: the board of the caller's accounts, or of all for an operator. */
#include "api/call.h"

#include "payment/boards.h"

/* The query's, for the expected fee; NULL: the most usual one. */
static const struct currency *asked_currency(struct api_call *call)
{
    struct str text;
    return api_call_query(call, "currency", &text) ? currency_find(text) : NULL;
}

static void print_account(struct api_call *call, const struct merchant_account *account,
                          struct json_out *json)
{
    boards_print_account(call->api->parts.health, account, asked_currency(call),
                         call->caller.role == KEY_OPERATOR, json);
}

static void begin(struct json_out *json, struct buf *body)
{
    buf_init(body, CALL_BODY_MAX);
    json_out_init(json, body);
    json_begin_object(json);
    json_put_cstr(json, "object", "list");
    json_put_cstr(json, "url", "/v1/providers");
    json_put_bool(json, "has_more", false);
    json_key(json, "data");
    json_begin_array(json);
}

static void end(struct api_call *call, struct json_out *json, struct buf *body)
{
    json_end_array(json);
    json_end_object(json);
    api_call_reply_json(call, 200, body);
    buf_release(body);
}

static void all_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                       const struct error *why)
{
    struct api_call *call = ctx;
    struct json_out json;
    struct buf body;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    begin(&json, &body);
    for (size_t i = 0; i < rows->account_count; i++) {
        struct merchant_account account;
        merchant_account_build(&account, &rows->accounts[i], call->api->parts.merchants_config,
                               NULL, &call->arena);
        print_account(call, &account, &json);
        merchant_account_release(&account);
    }
    end(call, &json, &body);
}

void providers_list(struct api_call *call)
{
    struct json_out json;
    struct buf body;
    const struct merchant *merchant = call->caller.merchant;
    if (merchant == NULL) {
        directory_list_accounts(call->api->parts.store, &call->arena, all_listed, call);
        return;
    }
    begin(&json, &body);
    for (size_t i = 0; i < merchant->account_count; i++) {
        print_account(call, &merchant->account[i], &json);
    }
    end(call, &json, &body);
}
