/* GET /v1/reports/service-levels: what providers did in a month, from the ledger. */
#include "api/call.h"

#include "base/clock.h"
#include "payment/levels.h"

static struct str month_of(struct api_call *call)
{
    struct str month;
    char now[8];
    if (api_call_query(call, "month", &month)) {
        return month;
    }
    return arena_str(&call->arena, levels_month_of(clock_wall_us(), now));
}

static void levels_came(void *ctx, enum store_find found, const struct levels *levels,
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
    buf_init(&body, CALL_BODY_MAX);
    json_out_init(&json, &body);
    levels_print(levels, month_of(call), &json);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}

void reports_levels(struct api_call *call)
{
    struct error err;
    int64_t from_us = 0;
    int64_t to_us = 0;
    const struct merchant *merchant = call->caller.merchant;
    struct uuid all = {{0}};
    if (!levels_month(month_of(call), &from_us, &to_us, &err)) {
        api_call_problem(call, MESSAGE_INVALID_MEMBER, str_of(err.text), STR("month"));
        return;
    }
    levels_read(call->api->parts.store, merchant != NULL ? &merchant->merchant_id : &all, from_us,
                to_us, &call->arena, levels_came, call);
}
