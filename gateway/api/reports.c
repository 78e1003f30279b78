/* GET /v1/reports/service-levels and /v1/reports/routing: what providers did in a month, and what
 * routing earned, from the ledger. */
#include "api/call.h"

#include "base/clock.h"
#include "payment/earned.h"
#include "payment/levels.h"
#include "payment/measures.h"

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

/* ---- how payments proceed ---------------------------------------------------------------------- */

struct process_call { /* in the call's arena */
    struct api_call *call;
    struct measures_span span;
};

static void measures_came(void *ctx, enum store_find found, const struct measures *measures,
                          const struct error *why)
{
    const struct process_call *asked = ctx;
    struct json_out json;
    struct buf body;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(asked->call);
        return;
    }
    buf_init(&body, CALL_BODY_MAX);
    json_out_init(&json, &body);
    measures_print(measures, &asked->span, asked->call->caller.role == KEY_OPERATOR, &json);
    api_call_reply_json(asked->call, 200, &body);
    buf_release(&body);
}

static void process_read(struct api_call *call)
{
    struct error err;
    const char *member = "";
    struct str text[3] = {STR_NONE, STR_NONE, STR_NONE};
    static const char *const names[3] = {"window", "from", "to"};
    const struct merchant *merchant = call->caller.merchant;
    const struct uuid all = {{0}};
    int64_t now_us = clock_wall_us();
    struct process_call *asked = ARENA_NEW(&call->arena, struct process_call);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        (void)api_call_query(call, names[i], &text[i]);
    asked->call = call;
    if (!measures_span(text[0], text[1], text[2], now_us, &asked->span, &member, &err)) {
        api_call_problem(call, MESSAGE_INVALID_MEMBER, str_of(err.text), str_of(member));
        return;
    }
    measures_read(call->api->parts.store, merchant != NULL ? &merchant->merchant_id : &all,
                  asked->span.from_us, asked->span.to_us, now_us, &call->arena, measures_came,
                  asked);
}

void reports_process(struct api_call *call)
{
    struct str named;
    if (call->caller.merchant == NULL && !api_call_query(call, "merchant", &named))
        process_read(call);
    else
        api_call_whose(call, process_read);
}

/* ---- what routing earned ---------------------------------------------------------------------- */

struct earned_call { /* in the call's arena */
    struct api_call *call;
    int64_t since_us;
    int64_t until_us;
};

static void earned_came(void *ctx, enum store_find found, const struct earned *earned,
                        const struct error *why)
{
    const struct earned_call *asked = ctx;
    struct json_out json;
    struct buf body;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(asked->call);
        return;
    }
    buf_init(&body, CALL_BODY_MAX);
    json_out_init(&json, &body);
    earned_print(earned, asked->since_us, asked->until_us, &json);
    api_call_reply_json(asked->call, 200, &body);
    buf_release(&body);
}

void reports_routing(struct api_call *call)
{
    struct error err;
    struct str since = STR_NONE;
    const struct merchant *merchant = call->caller.merchant;
    struct uuid all = {{0}};
    struct earned_call *asked = ARENA_ARRAY(&call->arena, struct earned_call, 1);
    asked->call = call;
    asked->until_us = clock_wall_us();
    (void)api_call_query(call, "since", &since);
    if (!earned_since(since, asked->until_us, &asked->since_us, &err)) {
        api_call_problem(call, MESSAGE_INVALID_MEMBER, str_of(err.text), STR("since"));
        return;
    }
    earned_read(call->api->parts.store, merchant != NULL ? &merchant->merchant_id : &all,
                asked->since_us, asked->until_us, &call->arena, earned_came, asked);
}
