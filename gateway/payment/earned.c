#include "payment/earned.h"

#include "base/clock.h"
#include "base/money.h"

enum {
    DAYS_DEFAULT = 30,
};

#define DAY_US (INT64_C(86400) * CLOCK_SECOND_US)

bool earned_since(struct str text, int64_t now_us, int64_t *since_us, struct error *err)
{
    *since_us = now_us - DAYS_DEFAULT * DAY_US;
    if (text.len > 0 && !clock_parse(text, since_us, err))
        return fail(err, ERROR_INVALID, "not a date or time as 2026-11-01");
    return (*since_us <= now_us && *since_us >= now_us - EARNED_DAYS_MAX * DAY_US) ||
           fail(err, ERROR_INVALID, "not within the last %d days", EARNED_DAYS_MAX);
}

static void print_row(const struct earned_row *row, struct json_out *out)
{
    char id[ID_TEXT_SIZE];
    json_begin_object(out);
    json_put_str(out, "merchant", id_format(ID_MERCHANT, &row->merchant_id, id));
    json_put_cstr(out, "currency", row->currency);
    json_put_int(out, "payments", row->payments);
    json_put_int(out, "approved_at_once", row->approved_at_once);
    json_key(out, "recovered");
    json_begin_object(out);
    json_put_int(out, "payments", row->recovered);
    json_put_int(out, "amount", row->recovered_minor);
    json_put_int(out, "expected_fees", row->recovered_fee_minor);
    json_end_object(out);
    json_key(out, "fees");
    json_begin_object(out);
    json_put_int(out, "payments", row->compared);
    json_put_int(out, "below_dearest", row->below_dearest_minor);
    json_put_int(out, "below_average", row->below_average_minor);
    json_put_int(out, "above_cheapest", row->above_cheapest_minor);
    json_end_object(out);
    json_end_object(out);
}

void earned_print(const struct earned *earned, int64_t since_us, int64_t until_us,
                  struct json_out *out)
{
    char time[CLOCK_TEXT_SIZE];
    json_begin_object(out);
    json_put_cstr(out, "object", "routing_earned");
    json_put_str(out, "since", clock_format_ms(since_us, time));
    json_put_str(out, "until", clock_format_ms(until_us, time));
    json_key(out, "data");
    json_begin_array(out);
    for (size_t i = 0; i < earned->count; i++)
        print_row(&earned->rows[i], out);
    json_end_array(out);
    json_end_object(out);
}

static const char *money(int64_t minor, const struct earned_row *row, char out[MONEY_TEXT_SIZE])
{
    const struct currency *currency = currency_find(str_of(row->currency));
    (void)money_format(minor, currency != NULL ? currency->exponent : 0, out);
    return out;
}

void earned_print_text(const struct earned *earned, struct buf *out)
{
    char text[5][MONEY_TEXT_SIZE];
    char id[ID_TEXT_SIZE];
    buf_printf(out, "%-30s %-8s %10s %10s %16s %10s %14s %14s %14s\n", "merchant", "currency",
               "payments", "recovered", "amount", "compared", "below dearest", "below average",
               "above cheapest");
    for (size_t i = 0; i < earned->count; i++) {
        const struct earned_row *row = &earned->rows[i];
        (void)id_format(ID_MERCHANT, &row->merchant_id, id);
        buf_printf(out, "%-30s %-8s %10lld %10lld %16s %10lld %14s %14s %14s\n", id, row->currency,
                   (long long)row->payments, (long long)row->recovered,
                   money(row->recovered_minor, row, text[0]), (long long)row->compared,
                   money(row->below_dearest_minor, row, text[1]),
                   money(row->below_average_minor, row, text[2]),
                   money(row->above_cheapest_minor, row, text[3]));
    }
    if (earned->count == 0)
        buf_add_str(out, STR("no payment was routed in this time\n"));
}
