/* GET /v1/providers/{id}/series: how an account did over time. GET /v1/currencies: how amounts are
 * written. */
#include "api/call.h"

#include "base/clock.h"
#include "ledger/minutes.h"
#include "payment/merchant.h"

enum {
    LIST_BYTES_MAX = 1 << 20,
};

#define HOUR_S INT64_C(3600)

static const struct span {
    const char *name;
    int64_t length_s;
    int64_t step_s;
} spans[] = {
    {"1h", HOUR_S, 60},           {"6h", 6 * HOUR_S, 300},           {"24h", 24 * HOUR_S, 600},
    {"7d", 168 * HOUR_S, HOUR_S}, {"30d", 720 * HOUR_S, 4 * HOUR_S},
};

struct asking { /* in the call's arena */
    struct api_call *call;
    struct uuid account_id;
    struct uuid merchant_id;
    const struct span *span;
    int64_t from_us;
    int64_t to_us;
};

static const struct span *span_of(struct api_call *call)
{
    struct str name;
    if (api_call_query(call, "span", &name)) {
        for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
            if (str_eq(name, str_of(spans[i].name))) {
                return &spans[i];
            }
        }
    }
    return &spans[0];
}

static void put_ms(struct json_out *json, const char *key, int64_t us)
{
    char text[MONEY_TEXT_SIZE];
    json_put_raw(json, key, money_format(us, 3, text));
}

static void put_point(const struct minutes_point *point, struct json_out *json)
{
    char time[CLOCK_TEXT_SIZE];
    json_begin_object(json);
    json_put_str(json, "at", clock_format_ms(point->start_us, time));
    json_put_int(json, "payments",
                 point->approved + point->declined + point->failed + point->unknown);
    json_put_int(json, "approved", point->approved);
    json_put_int(json, "declined", point->declined);
    json_put_int(json, "failed", point->failed);
    json_put_int(json, "unknown", point->unknown);
    json_key(json, "latency_ms");
    if (point->p99_us == 0) {
        json_null_value(json);
    } else {
        json_begin_object(json);
        put_ms(json, "p50", point->p50_us);
        put_ms(json, "p95", point->p95_us);
        put_ms(json, "p99", point->p99_us);
        json_end_object(json);
    }
    json_put_int(json, "open_minutes", point->open_minutes);
    json_put_int(json, "slow_minutes", point->slow_minutes);
    json_end_object(json);
}

/* Intervals in which nothing was asked are there too: a line through time has them as gaps. */
static void put_points(const struct asking *asking, const struct minutes_point *points,
                       size_t count, struct json_out *json)
{
    size_t next = 0;
    int64_t step_us = asking->span->step_s * CLOCK_SECOND_US;
    for (int64_t at = asking->from_us; at < asking->to_us; at += step_us) {
        const struct minutes_point none = {.start_us = at};
        bool is_there = next < count && points[next].start_us == at;
        put_point(is_there ? &points[next] : &none, json);
        next += is_there;
    }
}

static void points_came(void *ctx, enum store_find found, const struct minutes_point *points,
                        size_t count, const struct error *why)
{
    struct asking *asking = ctx;
    struct api_call *call = asking->call;
    struct json_out json;
    struct buf body;
    char id[ID_TEXT_SIZE];
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(call);
        return;
    }
    buf_init(&body, LIST_BYTES_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "provider_series");
    json_put_str(&json, "account", id_format(ID_ACCOUNT, &asking->account_id, id));
    json_put_cstr(&json, "span", asking->span->name);
    json_put_int(&json, "step_s", asking->span->step_s);
    json_key(&json, "data");
    json_begin_array(&json);
    put_points(asking, points, count, &json);
    json_end_array(&json);
    json_end_object(&json);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}

static void read_points(struct asking *asking)
{
    int64_t step_us = asking->span->step_s * CLOCK_SECOND_US;
    int64_t now_us = clock_wall_us();
    asking->to_us = now_us - now_us % step_us + step_us;
    asking->from_us = asking->to_us - asking->span->length_s * CLOCK_SECOND_US;
    minutes_read(asking->call->api->parts.store, &asking->merchant_id, &asking->account_id,
                 asking->from_us, asking->to_us, step_us, &asking->call->arena, points_came,
                 asking);
}

/* False: there is none of that id that the caller may see. */
static bool find_own(struct asking *asking)
{
    const struct merchant *own = asking->call->caller.merchant;
    for (size_t i = 0; i < own->account_count; i++) {
        if (uuid_eq(&own->account[i].row.account_id, &asking->account_id)) {
            asking->merchant_id = own->merchant_id;
            return true;
        }
    }
    return false;
}

static void refuse(struct api_call *call)
{
    api_call_problem(call, MESSAGE_NOT_FOUND, STR("there is no such provider account"), STR("id"));
}

static void all_listed(void *ctx, enum store_find found, const struct directory_rows *rows,
                       const struct error *why)
{
    struct asking *asking = ctx;
    (void)why;
    if (found == STORE_FAILED) {
        api_call_unavailable(asking->call);
        return;
    }
    for (size_t i = 0; i < rows->account_count; i++) {
        if (uuid_eq(&rows->accounts[i].account_id, &asking->account_id)) {
            asking->merchant_id = rows->accounts[i].merchant_id;
            read_points(asking);
            return;
        }
    }
    refuse(asking->call);
}

void providers_series(struct api_call *call)
{
    struct error ignored;
    struct asking *asking = ARENA_NEW(&call->arena, struct asking);
    *asking = (struct asking){.call = call, .span = span_of(call)};
    if (!id_parse(ID_ACCOUNT, call->params.value[0], &asking->account_id, &ignored)) {
        refuse(call);
    } else if (call->caller.merchant == NULL) {
        directory_list_accounts(call->api->parts.store, &call->arena, all_listed, asking);
    } else if (find_own(asking)) {
        read_points(asking);
    } else {
        refuse(call);
    }
}

void currencies_list(struct api_call *call)
{
    size_t count = 0;
    const struct currency *all = currency_all(&count);
    struct json_out json;
    struct buf body;
    buf_init(&body, LIST_BYTES_MAX);
    json_out_init(&json, &body);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "list");
    json_put_cstr(&json, "url", "/v1/currencies");
    json_put_bool(&json, "has_more", false);
    json_key(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(&json);
        json_put_cstr(&json, "object", "currency");
        json_put_cstr(&json, "code", all[i].code);
        json_put_int(&json, "exponent", all[i].exponent);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    api_call_reply_json(call, 200, &body);
    buf_release(&body);
}
