/* turnpike ledger reports: what the gateway made regularly (report_errand.h), when, and why one failed. */
#include <string.h>

#include "base/clock.h"
#include "process/command_ledger.h"

enum {
    SQL_BYTES_MAX = 4000,
};

static const struct sheet_column columns[] = {
    {"merchant", SHEET_TEXT}, {"merchant_id", SHEET_TEXT}, {"report", SHEET_TEXT},
    {"what", SHEET_TEXT},     {"period", SHEET_TEXT},      {"from", SHEET_TEXT},
    {"to", SHEET_TEXT},       {"state", SHEET_TEXT},       {"file", SHEET_TEXT},
    {"rows", SHEET_COUNT},    {"bytes", SHEET_COUNT},      {"sha256", SHEET_TEXT},
    {"made_at", SHEET_TEXT},  {"tries", SHEET_COUNT},      {"next_at", SHEET_TEXT},
    {"host", SHEET_TEXT},     {"error", SHEET_TEXT},
};

#define TIME(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

struct listing {
    struct ledger_reading reading;
    struct ledger_period period;
    struct str name;
    bool only_failed;
};

static bool take_options(int argc, char **argv, struct listing *l, struct error *err)
{
    l->name = str_of(command_option(&argc, argv, "name"));
    l->only_failed = command_flag(&argc, argv, "failed");
    if (!ledger_take_reading(&argc, argv, &l->reading, err) ||
        !ledger_take_period(&argc, argv, &l->period, err) || !command_done(argc, argv, err))
        return false;
    return !l->period.by_effect ||
           fail(err, ERROR_INVALID, "ledger: periods of reports have no --basis");
}

static void add_bound(const char *column, const char *compare, int64_t us, struct buf *sql)
{
    char time[CLOCK_TEXT_SIZE];
    if (us != INT64_MIN && us != INT64_MAX)
        buf_printf(sql, " AND r.%s %s '" STR_FMT "'", column, compare,
                   STR_ARG(clock_format_us(us, time)));
}

static bool add_select(struct listing *l, struct buf *sql, struct error *err)
{
    bool ok = true;
    buf_add_str(
        sql,
        STR("SELECT m.merchant, m.id, r.name, r.what, r.period, " TIME("r.period_from") ", " TIME(
            "r.period_to") ", r.state, r.file, "
                           "CASE WHEN r.state = 'made' THEN r.row_count::text END, "
                           "CASE WHEN r.state = 'made' THEN r.byte_count::text END, "
                           "r.sha256, " TIME("r.made_at") ", r.tries::text, " TIME(
                               "r.next_at") ", r.host, r.error FROM finance.reports "
                                            "r JOIN finance.merchants m USING "
                                            "(merchant_id) WHERE true"));
    ledger_add_merchants(&l->reading, sql);
    if (!str_is_empty(l->name)) {
        buf_add_str(sql, STR(" AND r.name = "));
        ok = copy_quote(l->reading.copy, l->name, sql, err);
    }
    if (l->only_failed)
        buf_add_str(sql, STR(" AND r.state = 'failed'"));
    add_bound("period_to", ">", l->period.from_us, sql);
    add_bound("period_from", "<", l->period.to_us, sql);
    buf_add_str(sql, STR(" ORDER BY m.merchant, m.id, r.name, r.period_from"));
    buf_add(sql, "", 1);
    return ok && (buf_is_ok(sql) || fail(err, ERROR_INVALID, "ledger: a name is too long"));
}

int ledger_reports(int argc, char **argv)
{
    struct listing l = {.name = STR_NONE};
    struct error err = {.text = ""};
    struct error ignored;
    struct sheet sheet;
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    bool ok = take_options(argc, argv, &l, &err) && ledger_open(&l.reading, &err) &&
              add_select(&l, &sql, &err);
    if (ok) {
        sheet_open(&sheet, l.reading.format, &l.reading.style, columns, ARRAY_LEN(columns), stdout);
        ok = sheet_fill(&sheet, l.reading.copy, sql.at, &err);
        ok = sheet_close(&sheet, ok ? &err : &ignored) && ok;
    }
    buf_release(&sql);
    ledger_close(&l.reading);
    return ok ? 0 : command_fail(&err);
}
