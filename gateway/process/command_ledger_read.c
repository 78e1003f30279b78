/* turnpike ledger accounts, trial-balance: what the views say, as a table, CSV or JSON. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "process/command_ledger.h"

enum {
    SQL_BYTES_MAX = 4000,
};

/* ---- what verbs share --------------------------------------------------------------------------- */

bool ledger_take_reading(int *argc, char **argv, struct ledger_reading *reading, struct error *err)
{
    reading->database = command_option(argc, argv, "database");
    reading->merchant = command_option(argc, argv, "merchant");
    bool as_json = command_flag(argc, argv, "json"); /* as everywhere */
    const char *format = command_option(argc, argv, "format");
    if (as_json && format != NULL)
        return fail(err, ERROR_INVALID, "ledger: --json is --format json: say one of them");
    return sheet_format_parse(as_json ? "json" : format, &reading->format, err) &&
           ledger_take_style(argc, argv, &reading->style, err);
}

bool ledger_open(struct ledger_reading *reading, struct error *err)
{
    (void)signal(SIGPIPE, SIG_IGN);
    reading->copy = export_open(reading->database != NULL ? reading->database : "", err);
    return reading->copy != NULL && export_find_merchants(reading->copy, str_of(reading->merchant),
                                                          &reading->merchants, err);
}

void ledger_close(struct ledger_reading *reading)
{
    if (reading->copy == NULL)
        return;
    export_merchants_release(&reading->merchants);
    copy_close(&reading->copy);
}

bool ledger_check_single(const struct export_merchants *found, struct error *err)
{
    char names[ERROR_TEXT_MAX] = "";
    size_t len = 0;
    if (found->count == 1)
        return true;
    for (size_t i = 0; i < found->count && len < sizeof(names); i++) {
        char id[ID_TEXT_SIZE];
        const struct export_merchant *m = &found->at[i];
        (void)id_format(ID_MERCHANT, &m->id, id);
        int more = snprintf(names + len, sizeof(names) - len, "%s%s (%.*s%s)", i > 0 ? ", " : "",
                            id, (int)(m->name.len < 40 ? m->name.len : 40), m->name.at,
                            m->livemode ? "" : ", test");
        len += more > 0 ? (size_t)more : 0;
    }
    return fail(err, ERROR_INVALID, "ledger: say whose books, with --merchant ID: %s", names);
}

void ledger_add_merchants(const struct ledger_reading *reading, struct buf *sql)
{
    char id[UUID_TEXT_SIZE];
    if (reading->merchant == NULL || reading->merchants.count != 1)
        return;
    (void)uuid_format(&reading->merchants.at[0].id, id);
    buf_printf(sql, " AND m.merchant_id = '%s'", id);
}

/* Of a name that several merchants have, one must be said: a sum over two books is nobody's. */
static bool open_named(struct ledger_reading *reading, struct error *err)
{
    return ledger_open(reading, err) &&
           (reading->merchant == NULL || ledger_check_single(&reading->merchants, err));
}

/* ---- accounts ----------------------------------------------------------------------------------- */

static const struct sheet_column account_columns[] = {
    {"merchant", SHEET_TEXT}, {"merchant_id", SHEET_TEXT}, {"number", SHEET_COUNT},
    {"account", SHEET_TEXT},  {"currency", SHEET_TEXT},    {"type", SHEET_TEXT},
    {"normal", SHEET_TEXT},   {"meaning", SHEET_TEXT},
};

/* An account that was opened and never booked on has no currency. */
static bool show_accounts(struct ledger_reading *reading, struct buf *sql, struct error *err)
{
    struct str cells[ARRAY_LEN(account_columns)];
    struct sheet sheet;
    struct error ignored;
    buf_add_str(sql, STR("SELECT m.merchant, m.id, coalesce(account_number, number), account, "
                         "coalesce(currency, ''), type, normal, title FROM finance.accounts "
                         "JOIN finance.merchants m USING (merchant_id) WHERE true"));
    ledger_add_merchants(reading, sql);
    buf_add_str(sql, STR(" ORDER BY m.merchant, m.id, 3, account, currency"));
    buf_add(sql, "", 1);
    sheet_open(&sheet, reading->format, &reading->style, account_columns,
               ARRAY_LEN(account_columns), stdout);
    bool ok = copy_start(reading->copy, sql->at, ARRAY_LEN(account_columns), err);
    while (ok && copy_next(reading->copy, cells, err))
        ok = sheet_row(&sheet, cells, err);
    ok = ok && err->text[0] == '\0';
    return sheet_close(&sheet, ok ? err : &ignored) && ok;
}

int ledger_accounts(int argc, char **argv)
{
    struct ledger_reading reading = {.copy = NULL};
    struct error err = {.text = ""};
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    bool ok = ledger_take_reading(&argc, argv, &reading, &err) && command_done(argc, argv, &err) &&
              open_named(&reading, &err) && show_accounts(&reading, &sql, &err);
    buf_release(&sql);
    ledger_close(&reading);
    return ok ? 0 : command_fail(&err);
}

/* ---- trial balance ------------------------------------------------------------------------------ */

static const struct sheet_column balance_columns[] = {
    {"merchant", SHEET_TEXT},       {"merchant_id", SHEET_TEXT},  {"account", SHEET_TEXT},
    {"currency", SHEET_TEXT},       {"debit", SHEET_AMOUNT},      {"credit", SHEET_AMOUNT},
    {"balance", SHEET_AMOUNT},      {"debit_minor", SHEET_COUNT}, {"credit_minor", SHEET_COUNT},
    {"balance_minor", SHEET_COUNT},
};

/* At the end of a day, or at a time; of a period what moved in it. */
static bool take_moment(int *argc, char **argv, struct ledger_period *period, struct error *err)
{
    const char *as_of = command_option(argc, argv, "as-of");
    if (!ledger_take_period(argc, argv, period, err))
        return false;
    if (as_of == NULL)
        return true;
    if (period->from_us != INT64_MIN || period->to_us != INT64_MAX)
        return fail(err, ERROR_INVALID,
                    "ledger: --as-of is for balances, --from, --to and --month "
                    "for what moved: say one of them");
    return ledger_parse_end("as-of", as_of, &period->to_us, err);
}

/* What was posted before a time: nothing before the first, all before the last. */
static void add_balances(const struct ledger_period *period, int64_t us, struct buf *sql)
{
    char time[CLOCK_TEXT_SIZE];
    if (us == INT64_MIN || us == INT64_MAX)
        buf_printf(sql, "(SELECT * FROM finance.trial_balance WHERE %s)",
                   us == INT64_MAX ? "true" : "false");
    else
        buf_printf(sql, "finance.trial_balance('" STR_FMT "'::timestamptz, '%s')",
                   STR_ARG(clock_format_us(us, time)),
                   period->by_effect ? "effective" : "recorded");
}

/* Sums before the end, less sums before the begin. */
static void add_balance_select(const struct ledger_reading *reading,
                               const struct ledger_period *period, struct buf *sql)
{
    buf_add_str(sql, STR("SELECT m.merchant, m.id, account, currency, d::text, c::text, "
                         "(d - c)::text, dm::text, cm::text, (dm - cm)::text FROM (SELECT "
                         "merchant_id, account, currency, e.debit - coalesce(b.debit, 0) AS d, "
                         "e.credit - coalesce(b.credit, 0) AS c, e.debit_minor - "
                         "coalesce(b.debit_minor, 0) AS dm, e.credit_minor - "
                         "coalesce(b.credit_minor, 0) AS cm FROM "));
    add_balances(period, period->to_us, sql);
    buf_add_str(sql, STR(" e LEFT JOIN "));
    add_balances(period, period->from_us, sql);
    buf_add_str(sql, STR(" b USING (merchant_id, account, currency)) s JOIN finance.merchants m "
                         "USING (merchant_id) WHERE (dm, cm) <> (0, 0)"));
    ledger_add_merchants(reading, sql);
    buf_add_str(sql, STR(" ORDER BY m.merchant, m.id, currency, account"));
}

bool ledger_write_balances(struct ledger_reading *reading, const struct ledger_period *period,
                           FILE *out, uint64_t *rows, struct error *err)
{
    struct buf sql;
    struct sheet sheet;
    struct error ignored;
    buf_init(&sql, SQL_BYTES_MAX);
    add_balance_select(reading, period, &sql);
    buf_add(&sql, "", 1);
    CHECK(buf_is_ok(&sql));
    sheet_open(&sheet, reading->format, &reading->style, balance_columns,
               ARRAY_LEN(balance_columns), out);
    bool ok = sheet_fill(&sheet, reading->copy, sql.at, err);
    *rows = sheet.row_count;
    ok = sheet_close(&sheet, ok ? err : &ignored) && ok;
    buf_release(&sql);
    return ok;
}

int ledger_trial_balance(int argc, char **argv)
{
    struct ledger_reading reading = {.copy = NULL};
    struct ledger_period period;
    struct error err = {.text = ""};
    uint64_t rows = 0;
    bool ok = ledger_take_reading(&argc, argv, &reading, &err) &&
              take_moment(&argc, argv, &period, &err) && command_done(argc, argv, &err) &&
              open_named(&reading, &err) &&
              ledger_write_balances(&reading, &period, stdout, &rows, &err);
    ledger_close(&reading);
    return ok ? 0 : command_fail(&err);
}
