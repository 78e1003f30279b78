/* Backtests over the API: taken in, and shown. They are computed elsewhere (ledger/backtests.h). */
#include "api/admin_rules.h"

#include "base/clock.h"

enum {
    PUT_ROUND_MAX = 4,
    DAYS_MAX = 400, /* back from now */
    DAYS_DEFAULT = 30,
    RETRY_AFTER_S = 10, /* a backtest of a million payments takes less */
};

#define DAY_US (INT64_C(86400) * CLOCK_SECOND_US)

static void end_with(struct admin_call *call, const struct backtests_row *row, int status)
{
    struct json_out json;
    json_out_init(&json, &call->out);
    json_begin_object(&json);
    admin_put_id(&json, "id", ID_BACKTEST, &row->backtest_id);
    json_put_cstr(&json, "object", "backtest_request");
    admin_put_id(&json, "merchant", ID_MERCHANT, &row->merchant_id); /* null: the house's */
    json_put_int(&json, "version", row->version);
    json_put_cstr(&json, "status", backtests_state_name(row->state));
    admin_put_time(&json, "since", row->since_us);
    admin_put_time(&json, "until", row->until_us);
    json_put_str(&json, "author", row->author);
    admin_put_time(&json, "created", row->created_us);
    admin_put_time(&json, "started", row->started_us);
    admin_put_time(&json, "ended", row->ended_us);
    if (row->reason.len > 0)
        json_put_str(&json, "reason", row->reason);
    else
        json_put_null(&json, "reason");
    if (row->result.len > 0)
        json_put_raw(&json, "result", row->result);
    else
        json_put_null(&json, "result");
    json_end_object(&json);
    admin_end(call, status);
}

/* ---- taken in -------------------------------------------------------------------------------- */

static void put(struct admin_call *call);

static void put_done(void *ctx, enum store_find found, int64_t place, const struct error *why)
{
    struct admin_call *call = ctx;
    char id[ID_TEXT_SIZE];
    (void)place;
    if (found == STORE_ABSENT && call->rules.rounds++ < PUT_ROUND_MAX) {
        put(call); /* another one took the place */
    } else if (found == STORE_ABSENT) {
        call->reply.retry_after_s = RETRY_AFTER_S;
        admin_fail(call, MESSAGE_RATE_LIMITED, NULL, "%d backtests wait already",
                   BACKTESTS_WAITING_MAX);
    } else if (admin_found(call, found, why, "backtest")) {
        if (call->parts.backtest_queued != NULL)
            call->parts.backtest_queued(call->parts.backtest_ctx);
        (void)id_format(ID_BACKTEST, &call->rules.backtest.backtest_id, id);
        call->reply.location = arena_printf(&call->arena, "/v1/backtests/%s", id);
        end_with(call, &call->rules.backtest, 202);
    }
}

static void put(struct admin_call *call)
{
    backtests_put(call->parts.store, &call->rules.backtest, put_done, call);
}

static void version_found(void *ctx, enum store_find found, const struct rules_version *versions,
                          size_t count, const struct error *why)
{
    struct admin_call *call = ctx;
    (void)versions;
    (void)count;
    if (admin_found(call, found, why, "version"))
        put(call);
}

/* The member, or what it is without; false: the call was ended. */
static bool take_time(struct admin_call *call, const char *name, int64_t now_us, int64_t *us)
{
    struct error err;
    struct str text = admin_text(call, name);
    if (text.len == 0 || clock_parse_back(text, now_us, us, &err))
        return true;
    admin_fail(call, MESSAGE_INVALID_MEMBER, name,
               "must be a date or time as 2026-11-01, or a time back from now as 30d, 12h or 5m");
    return false;
}

static bool take_span(struct admin_call *call, struct backtests_row *row)
{
    int64_t now_us = row->created_us;
    row->since_us = now_us - DAYS_DEFAULT * DAY_US;
    row->until_us = now_us;
    if (!take_time(call, "since", now_us, &row->since_us) ||
        !take_time(call, "until", now_us, &row->until_us))
        return false;
    if (row->until_us > now_us)
        row->until_us = now_us;
    bool is_in_range = row->since_us >= now_us - DAYS_MAX * DAY_US;
    if (!is_in_range)
        admin_fail(call, MESSAGE_INVALID_MEMBER, "since", "must be within the last %d days",
                   DAYS_MAX);
    else if (row->since_us >= row->until_us)
        admin_fail(call, MESSAGE_INVALID_MEMBER, "since", "must be before until, and in the past");
    return is_in_range && row->since_us < row->until_us;
}

void admin_rules_backtest(struct admin_call *call)
{
    struct backtests_row *row = &call->rules.backtest;
    *row = (struct backtests_row){
        .merchant_id = call->merchant_id,
        .backtest_id = uuid_new(),
        .state = BACKTESTS_QUEUED,
        .created_us = clock_wall_us(),
        .author = call->author,
    };
    if (rules_take_version(call, &row->version) && take_span(call, row))
        rules_load(call->parts.store, &call->merchant_id, row->version, &call->arena, version_found,
                   call);
}

/* ---- shown ----------------------------------------------------------------------------------- */

static void shown(void *ctx, enum store_find found, const struct backtests_row *row,
                  const struct error *why)
{
    struct admin_call *call = ctx;
    if (admin_found(call, found, why, "backtest"))
        end_with(call, row, 200);
}

void admin_backtest_show(struct admin_call *call)
{
    backtests_load(call->parts.store, &call->merchant_id, &call->id, &call->arena, shown, call);
}
