#include "payment/levels.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"

enum {
    MONTH_LEN = 7, /* "2026-11" */
    DAYS_TO_NEXT = 32,
};

struct str levels_month_of(int64_t wall_us, char out[8])
{
    char text[CLOCK_TEXT_SIZE];
    (void)clock_format_ms(wall_us, text);
    memcpy(out, text, MONTH_LEN);
    out[MONTH_LEN] = '\0';
    return (struct str){out, MONTH_LEN};
}

static bool first_of(struct str month, int64_t *wall_us, struct error *err)
{
    char date[16];
    int len = snprintf(date, sizeof(date), STR_FMT "-01", STR_ARG(month));
    return clock_parse((struct str){date, (size_t)len}, wall_us, err);
}

bool levels_month(struct str text, int64_t *from_us, int64_t *to_us, struct error *err)
{
    char next[8];
    if (text.len != MONTH_LEN || !first_of(text, from_us, err))
        return fail(err, ERROR_INVALID, "not a month as 2026-11");
    int64_t later_us = *from_us + DAYS_TO_NEXT * INT64_C(86400) * CLOCK_SECOND_US;
    return first_of(levels_month_of(later_us, next), to_us, err);
}

static void put_rate(struct json_out *out, const char *key, int64_t part, int64_t whole)
{
    char text[MONEY_TEXT_SIZE];
    if (whole == 0)
        json_put_null(out, key);
    else
        json_put_raw(out, key, money_format(part * 1000000 / whole, 6, text));
}

static void put_ms(struct json_out *out, const char *key, int64_t us)
{
    char text[MONEY_TEXT_SIZE];
    json_put_raw(out, key, money_format(us, 3, text));
}

static void put_latency(const struct level_row *row, struct json_out *out)
{
    json_key(out, "latency_ms");
    if (row->p50_us < 0) {
        json_null_value(out);
        return;
    }
    json_begin_object(out);
    put_ms(out, "p50", row->p50_us);
    put_ms(out, "p95", row->p95_us);
    put_ms(out, "p99", row->p99_us);
    json_end_object(out);
}

static void put_costs(const struct levels *levels, const struct level_row *row,
                      struct json_out *out)
{
    json_key(out, "cost");
    json_begin_array(out);
    for (size_t i = 0; i < levels->cost_count; i++) {
        const struct level_cost *cost = &levels->costs[i];
        if (!uuid_eq(&cost->account_id, &row->account_id) ||
            !uuid_eq(&cost->merchant_id, &row->merchant_id))
            continue;
        json_begin_object(out);
        json_put_cstr(out, "currency", cost->currency);
        json_put_int(out, "expected", cost->expected_minor);
        json_put_int(out, "booked", cost->booked_minor);
        json_end_object(out);
    }
    json_end_array(out);
}

static void print_row(const struct levels *levels, const struct level_row *row,
                      struct json_out *out)
{
    char id[ID_TEXT_SIZE];
    json_begin_object(out);
    json_put_str(out, "merchant", id_format(ID_MERCHANT, &row->merchant_id, id));
    json_put_str(out, "account", id_format(ID_ACCOUNT, &row->account_id, id));
    json_put_str(out, "provider", row->provider);
    json_put_str(out, "name", row->account);
    json_put_int(out, "attempts", row->attempts);
    json_put_int(out, "approved", row->approved);
    json_put_int(out, "declined", row->declined);
    json_put_int(out, "failed", row->failed);
    json_put_int(out, "unknown", row->unknown);
    json_put_int(out, "still_unknown", row->still_unknown);
    put_rate(out, "success_rate", row->approved, row->attempts);
    put_rate(out, "unknown_rate", row->unknown, row->attempts);
    put_rate(out, "availability", row->minutes_answered, row->minutes_asked);
    json_put_int(out, "minutes_asked", row->minutes_asked);
    json_put_int(out, "minutes_answered", row->minutes_answered);
    put_latency(row, out);
    put_costs(levels, row, out);
    json_end_object(out);
}

void levels_print(const struct levels *levels, struct str month, struct json_out *out)
{
    json_begin_object(out);
    json_put_cstr(out, "object", "service_levels");
    json_put_str(out, "month", month);
    json_key(out, "data");
    json_begin_array(out);
    for (size_t i = 0; i < levels->row_count; i++)
        print_row(levels, &levels->rows[i], out);
    json_end_array(out);
    json_end_object(out);
}
