#include "providers/sandbox/paypal_payouts.h"

#include "providers/sandbox/paypal.h"

enum {
    FEE_PER_10000 = 200,
};

/* clang-format off */
const struct route paypal_payout_routes[] = {
    {HTTP_POST, "/v1/payments/payouts",                  NULL, PAYPAL_PAYOUT_CREATE},
    {HTTP_GET,  "/v1/payments/payouts/{id}",             NULL, PAYPAL_PAYOUT_BATCH},
    {HTTP_GET,  "/v1/payments/payouts-item/{id}",        NULL, PAYPAL_PAYOUT_ITEM},
    {HTTP_POST, "/v1/payments/payouts-item/{id}/cancel", NULL, PAYPAL_PAYOUT_CANCEL},
};
const size_t paypal_payout_route_count = ARRAY_LEN(paypal_payout_routes);

/* Fees in units of what PayPal takes of the currency (decimals none in HUF, JPY, TWD); a currency
   that is not here, or needs a balance of its own (BRL, MYR, RUB, THB), is refused. */
static const struct {
    char code[4];
    int64_t flat; /* US domestic, by API */
    int64_t cap;  /* of 2 % */
} fees[] = {
    {"AUD",   32,   2400}, {"CAD",  32,  2400}, {"CZK", 600, 40000}, {"DKK",  150,  12000},
    {"EUR",   22,   1600}, {"HKD", 175, 16000}, {"HUF",  53,  6000}, {"ILS",  100,   8000},
    {"JPY",   30,   2000}, {"MXN", 275, 30000}, {"TWD",   8,   800}, {"NZD",   38,   3000},
    {"NOK",  170,  12000}, {"PHP", 1250, 100000}, {"PLN", 75,  6000}, {"SGD",  40,   3200},
    {"SEK",  225,  16000}, {"CHF",  33,  2000}, {"GBP",  17,  1400}, {"USD",   25,   2000},
};
/* clang-format on */

enum sandbox_operation paypal_payout_operation(int route, struct str body)
{
    (void)body;
    switch ((enum paypal_payout_route)route) {
    case PAYPAL_PAYOUT_CREATE:
        return SANDBOX_OP_PAYOUT;
    case PAYPAL_PAYOUT_BATCH:
    case PAYPAL_PAYOUT_ITEM:
        return SANDBOX_OP_LOOKUP;
    case PAYPAL_PAYOUT_CANCEL:
        return SANDBOX_OP_CANCEL;
    case PAYPAL_PAYOUT_NO_ROUTE:
    case PAYPAL_PAYOUT_ROUTE_COUNT:
        break;
    }
    return SANDBOX_OP_OTHER;
}

/* ---- money ----------------------------------------------------------------------------------- */

static size_t find_fee(const struct currency *currency)
{
    for (size_t i = 0; i < ARRAY_LEN(fees); i++) {
        if (str_eq(str_of(fees[i].code), str_of(currency->code))) {
            return i;
        }
    }
    return SIZE_MAX;
}

bool paypal_payout_holds(const struct currency *currency)
{
    return find_fee(currency) != SIZE_MAX;
}

int64_t paypal_payout_fee(const struct sandbox_settings *settings, int64_t minor,
                          const struct currency *currency)
{
    size_t at = find_fee(currency);
    int64_t step = paypal_step(currency);
    int64_t fee = 0;
    CHECK(at != SIZE_MAX);
    bool done = money_scale(minor / step, FEE_PER_10000, 10000, MONEY_HALF_UP, &fee);
    CHECK(done);
    fee = settings->payout_fee_is_flat ? fees[at].flat : fee < fees[at].cap ? fee : fees[at].cap;
    return fee * step;
}

/* ---- batches and items ----------------------------------------------------------------------- */

enum paypal_batch_status paypal_batch_status(const struct book_session *batch, int64_t now_us)
{
    size_t count = 0;
    size_t open = 0;
    size_t failed = 0;
    size_t stopped = 0;
    for (const struct book_entry *item = batch->first; item; item = item->next_in_session) {
        count++;
        open += item->state == BOOK_PENDING ? 1 : 0;
        failed += item->state == BOOK_FAILED ? 1 : 0;
        stopped += item->state == BOOK_CANCELED ? 1 : 0;
    }
    if (open == 0 && now_us >= batch->due_us) {
        return stopped == count  ? PAYPAL_BATCH_CANCELED
               : failed == count ? PAYPAL_BATCH_DENIED
                                 : PAYPAL_BATCH_SUCCESS;
    }
    bool waits = now_us < batch->created_us + (batch->due_us - batch->created_us) / 2;
    return waits ? PAYPAL_BATCH_PENDING : PAYPAL_BATCH_PROCESSING;
}

static void show_batch(struct call *call)
{
    const struct book_session *batch = books_find_session(call->books, call->param[0]);
    if (paypal_payout_test_id(call)) {
        return;
    }
    if (!batch || batch->provider != SANDBOX_PAYPAL_PAYOUTS ||
        !str_eq(batch->account, call->account)) {
        paypal_payout_error(call, "INVALID_RESOURCE_ID", NULL);
        return;
    }
    paypal_payout_print_batch(call, batch, paypal_batch_status(batch, call->now_us));
}

/* The item of the path and its batch; NULL: answered. */
static struct book_entry *find_item(struct call *call, struct book_session **batch)
{
    struct book_entry *item = books_find_entry(call->books, call->param[0]);
    if (paypal_payout_test_id(call)) {
        return NULL;
    }
    if (!item || item->provider != SANDBOX_PAYPAL_PAYOUTS ||
        !str_eq(item->account, call->account)) {
        paypal_payout_error(call, "INVALID_RESOURCE_ID", NULL);
        return NULL;
    }
    *batch = books_find_session(call->books, item->session);
    return item;
}

static void show_item(struct call *call)
{
    struct book_session *batch;
    const struct book_entry *item = find_item(call, &batch);
    if (item) {
        paypal_payout_print_item(call, batch, item, paypal_batch_status(batch, call->now_us));
    }
}

static void cancel_item(struct call *call)
{
    struct book_session *batch;
    struct book_entry *item = find_item(call, &batch);
    if (!item) {
        return;
    }
    enum paypal_batch_status status = paypal_batch_status(batch, call->now_us);
    const char *obstacle =
        status == PAYPAL_BATCH_PENDING || status == PAYPAL_BATCH_PROCESSING ? "BATCH_NOT_COMPLETED"
        : item->state == BOOK_RETURNED && item->plan == PAYOUT_CANCELED ? "ITEM_ALREADY_CANCELLED"
        : item->state != BOOK_UNCLAIMED                                 ? "ITEM_INCORRECT_STATUS"
        : item->plan == PAYOUT_KEPT                                     ? "ITEM_CANCELLATION_FAILED"
                                                                        : NULL;
    if (obstacle) {
        paypal_payout_error(call, obstacle, NULL);
        return;
    }
    item->plan = PAYOUT_CANCELED;
    payouts_set(call->payouts, item, BOOK_RETURNED, NULL, call->now_us);
    paypal_payout_print_item(call, batch, item, status);
}

/* The gateways of PayPal's first API answer a bad token in a form of their own. */
static void refuse_token(struct call *call)
{
    struct json_out out;
    call->status = 401;
    call->content_type = STR("application/json");
    json_out_init(&out, call->body);
    json_begin_object(&out);
    json_put_cstr(&out, "error", "invalid_token");
    json_put_cstr(&out, "error_description", "Token signature verification failed");
    json_end_object(&out);
}

void paypal_payout_answer(struct call *call)
{
    paypal_add_debug_id(call);
    if (!paypal_authenticate(call)) {
        refuse_token(call);
        return;
    }
    switch ((enum paypal_payout_route)call->route) {
    case PAYPAL_PAYOUT_CREATE:
        paypal_payout_create(call);
        return;
    case PAYPAL_PAYOUT_BATCH:
        show_batch(call);
        return;
    case PAYPAL_PAYOUT_ITEM:
        show_item(call);
        return;
    case PAYPAL_PAYOUT_CANCEL:
        cancel_item(call);
        return;
    case PAYPAL_PAYOUT_NO_ROUTE:
    case PAYPAL_PAYOUT_ROUTE_COUNT:
        break;
    }
    paypal_payout_error(call, "INVALID_RESOURCE_ID", NULL);
}
