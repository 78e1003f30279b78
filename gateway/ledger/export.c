#include "ledger/export_internal.h"

#include "base/json.h"

/* clang-format off */
static const struct str format_names[EXPORT_FORMAT_COUNT] = {
    [EXPORT_CSV]       = STR_INIT("csv"),
    [EXPORT_JSONL]     = STR_INIT("jsonl"),
    [EXPORT_HLEDGER]   = STR_INIT("hledger"),
    [EXPORT_LEDGER]    = STR_INIT("ledger"),
    [EXPORT_BEANCOUNT] = STR_INIT("beancount"),
};
/* clang-format on */

enum export_format export_format_find(struct str name)
{
    for (int i = EXPORT_CSV; i < EXPORT_FORMAT_COUNT; i++) {
        if (str_eq(name, format_names[i]))
            return (enum export_format)i;
    }
    return EXPORT_NONE;
}

bool export_is_journal(enum export_format format)
{
    return format >= EXPORT_HLEDGER;
}

struct str export_day(int64_t us, char out[CLOCK_TEXT_SIZE])
{
    struct str time = clock_format_ms(us, out);
    return str_sub(time, 0, sizeof("2026-11-21") - 1);
}

static void put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    if (uuid_is_zero(id))
        json_put_null(json, key);
    else
        json_put_str(json, key, id_format(kind, id, text));
}

static void jsonl_row(struct export *e, const struct export_row *row)
{
    struct json_out json;
    char amount[MONEY_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    json_out_init(&json, e->out);
    json_begin_object(&json);
    json_put_cstr(&json, "object", "transfer");
    put_id(&json, "merchant_id", ID_MERCHANT, &row->merchant_id);
    put_id(&json, "transfer", ID_TRANSFER, &row->transfer_id);
    put_id(&json, "payment", row->is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id);
    put_id(&json, "attempt", ID_ATTEMPT, &row->attempt_id);
    put_id(&json, "pending", ID_TRANSFER, &row->pending_id);
    json_put_str(&json, "created_at", clock_format_us(row->created_us, time));
    json_put_str(&json, "booking_date", export_day(row->effective_us, time));
    json_put_str(&json, "kind", row->kind);
    json_put_str(&json, "state", row->state);
    json_put_str(&json, "debit_account", row->debit_account);
    json_put_str(&json, "credit_account", row->credit_account);
    json_put_cstr(&json, "currency", row->currency->code);
    json_put_str(&json, "amount", money_format(row->amount_minor, row->currency->exponent, amount));
    json_put_int(&json, "amount_minor", row->amount_minor);
    json_end_object(&json);
    buf_add_char(e->out, '\n');
}

void export_begin(struct export *e, enum export_format format, const struct csv_style *style,
                  const struct export_scope *scope, struct buf *out)
{
    *e = (struct export){.format = format, .style = *style, .out = out, .scope = *scope};
    CHECK(format >= EXPORT_CSV && format < EXPORT_FORMAT_COUNT);
    e->newest_us = INT64_MIN;
    if (export_is_journal(format))
        export_journal_begin(e);
    else if (format == EXPORT_CSV)
        export_csv_begin(e);
}

void export_row(struct export *e, const struct export_row *row, struct str debit, struct str credit)
{
    if (export_is_journal(e->format)) {
        if (!str_eq(row->state, STR("posted")))
            return;
        export_journal_row(e, row, debit, credit);
    } else if (e->format == EXPORT_CSV) {
        export_csv_row(e, row);
    } else {
        jsonl_row(e, row);
    }
    e->count++;
    if (row->effective_us > e->newest_us)
        e->newest_us = row->effective_us;
}

void export_end(struct export *e)
{
    if (export_is_journal(e->format))
        export_journal_end(e);
}
