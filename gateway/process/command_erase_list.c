/* turnpike erase --list: what was erased, when, why and by whom. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "ledger/copy.h"
#include "process/command_erase.h"

enum {
    LINE_BYTES_MAX = 65536,
    COLUMN_COUNT = 9,
};

enum { E_MERCHANT, E_ERASURE, E_PAYMENT, E_ERASED, E_OBJECT, E_NAMED, E_BY, E_REASON, E_COUNTS };

/* clang-format off */
static const char select_sql[] =
    "SELECT e.merchant_id, e.erasure_id, e.payment_id, e.created_at, e.object, e.named, e.author,"
    " e.reason, e.counts, coalesce(encode(e.customer_hash, 'hex'), '') FROM erasures e";
/* clang-format on */

struct listed {
    struct uuid merchant_id;
    struct uuid erasure_id;
    struct uuid payment_id;
    int64_t erased_us;
    const struct str *field;
};

static bool take(const struct str *field, struct listed *row)
{
    row->field = field;
    return copy_uuid(field[E_MERCHANT], &row->merchant_id) &&
           copy_uuid(field[E_ERASURE], &row->erasure_id) &&
           copy_uuid(field[E_PAYMENT], &row->payment_id) &&
           copy_time(field[E_ERASED], &row->erased_us);
}

static void print_json(const struct listed *row, struct buf *line)
{
    struct json_out json;
    char merchant[ID_TEXT_SIZE];
    char payment[ID_TEXT_SIZE];
    char erasure[UUID_TEXT_SIZE];
    char when[CLOCK_TEXT_SIZE];
    bool is_payout = str_eq(row->field[E_OBJECT], STR("payout"));
    json_out_init(&json, line);
    json_begin_object(&json);
    json_put_str(&json, "merchant", id_format(ID_MERCHANT, &row->merchant_id, merchant));
    json_put_str(&json, "erasure", uuid_format(&row->erasure_id, erasure));
    json_put_str(&json, "object", row->field[E_OBJECT]);
    json_put_str(&json, "payment",
                 id_format(is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id, payment));
    json_put_str(&json, "erased", clock_format_us(row->erased_us, when));
    json_put_str(&json, "named", row->field[E_NAMED]);
    json_put_str(&json, "by", row->field[E_BY]);
    json_put_str(&json, "reason", row->field[E_REASON]);
    if (row->field[COLUMN_COUNT].len > 0)
        json_put_str(&json, "customer_hash", row->field[COLUMN_COUNT]);
    json_put_raw(&json, "counts", row->field[E_COUNTS]);
    json_end_object(&json);
}

/* A terminal obeys nobody's text. */
static void add_text(struct buf *line, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(line,
                     (unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f ? '.' : text.at[i]);
}

static void print_text(const struct listed *row, struct buf *line)
{
    char payment[ID_TEXT_SIZE];
    char when[CLOCK_TEXT_SIZE];
    bool is_payout = str_eq(row->field[E_OBJECT], STR("payout"));
    buf_printf(line, "%s  %s  by ", clock_format_ms(row->erased_us, when).at,
               id_format(is_payout ? ID_PAYOUT : ID_PAYMENT, &row->payment_id, payment).at);
    add_text(line, row->field[E_BY]);
    buf_add_str(line, STR(": "));
    add_text(line, row->field[E_REASON]);
}

bool erase_list(const struct erase_ask *ask, const char *database, struct error *err)
{
    char sql[1024];
    char id[UUID_TEXT_SIZE];
    struct str field[COLUMN_COUNT + 1];
    struct listed row;
    struct buf line;
    bool is_one = !uuid_is_zero(&ask->merchant_id);
    (void)snprintf(sql, sizeof(sql), "%s%s%s%s ORDER BY e.erasure_id, e.payment_id", select_sql,
                   is_one ? " WHERE e.merchant_id = '" : "",
                   is_one ? uuid_format(&ask->merchant_id, id).at : "", is_one ? "'" : "");
    struct copy *copy = copy_open(database, err);
    bool ok = copy != NULL && copy_start(copy, sql, COLUMN_COUNT + 1, err);
    buf_init(&line, LINE_BYTES_MAX);
    err->text[0] = ok ? '\0' : err->text[0];
    while (ok && copy_next(copy, field, err)) {
        ok = take(field, &row) || fail(err, ERROR_IO, "cannot read the erasures");
        buf_clear(&line);
        if (ok && ask->is_json)
            print_json(&row, &line);
        else if (ok)
            print_text(&row, &line);
        ok = ok && ((buf_is_ok(&line) && printf(STR_FMT "\n", STR_ARG(buf_str(&line))) > 0) ||
                    fail(err, ERROR_IO, "cannot write the list"));
    }
    buf_release(&line);
    copy_close(&copy);
    return err->text[0] == '\0' &&
           (fflush(stdout) == 0 || fail(err, ERROR_IO, "cannot write the list"));
}
