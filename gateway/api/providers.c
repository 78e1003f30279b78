/* GET /v1/providers: the board of the caller's accounts, or of all for an operator. */
#include "api/call.h"

#include "base/clock.h"
#include "payment/board.h"

/* The currency in which the expected fee of 100.00 is shown. */
static const struct currency *pick_currency(struct api_call *call,
                                            const struct merchant_account *account)
{
    static const char *const usual[] = {"EUR", "USD", "GBP"};
    struct str text;
    if (api_call_query(call, "currency", &text)) {
        const struct currency *asked = currency_find(text);
        return merchant_account_takes(account, asked) ? asked : NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        const struct currency *currency = currency_find(str_of(usual[i]));
        if (merchant_account_takes(account, currency)) {
            return currency;
        }
    }
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (merchant_account_takes(account, &all[i])) {
            return &all[i];
        }
    }
    return NULL;
}

/* Paths and names of the house's files are for operators. */
static struct str problem_for(const struct api_call *call, const struct merchant_account *account)
{
    if (account->usable) {
        return STR_NONE;
    }
    return call->caller.role == KEY_OPERATOR
               ? str_of(account->problem)
               : STR("its settings or credentials cannot be used; the operator knows why");
}

static void print_account(struct api_call *call, const struct merchant_account *account,
                          struct json_out *json)
{
    struct health *health = call->api->parts.health;
    struct health_view view;
    struct health_history history;
    struct health_entry *seen = health_find(health, &account->row.account_id);
    struct board_entry entry = {
        .account = &account->row,
        .health = &view,
        .history = &history,
        .cost = account->cost,
        .problem = problem_for(call, account),
        .currency = pick_currency(call, account),
        .now_us = clock_mono_us(),
        .now_wall_us = clock_wall_us(),
    };
    health_read(health, seen, entry.now_us, &view);
    health_read_history(health, seen, entry.now_us, &history);
    board_print(&entry, json);
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
