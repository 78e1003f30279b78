/* turnpike ledger export: the journal as text for other programs. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/camt_run.h"
#include "process/command_ledger.h"

enum {
    PATH_BYTES_MAX = 4096,
    SQL_BYTES_MAX = 4000,
};

/* One row per attempt: a sheet, and no journal. */
static const struct sheet_column attempt_columns[] = {
    {"merchant", SHEET_TEXT},       {"payment", SHEET_TEXT},
    {"reference", SHEET_TEXT},      {"attempt", SHEET_TEXT},
    {"number", SHEET_COUNT},        {"created_at", SHEET_TEXT},
    {"operation", SHEET_TEXT},      {"method", SHEET_TEXT},
    {"provider", SHEET_TEXT},       {"account", SHEET_TEXT},
    {"outcome", SHEET_TEXT},        {"reason", SHEET_TEXT},
    {"provider_code", SHEET_TEXT},  {"provider_reference", SHEET_TEXT},
    {"outcome_at", SHEET_TEXT},     {"currency", SHEET_TEXT},
    {"amount", SHEET_AMOUNT},       {"amount_minor", SHEET_COUNT},
    {"fee_expected", SHEET_AMOUNT}, {"fee_expected_minor", SHEET_COUNT},
    {"fee_stated", SHEET_AMOUNT},   {"fee_stated_minor", SHEET_COUNT},
};

#define TIME(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define ATTEMPT_SELECT                                                                             \
    "payment, reference, attempt, number::text, " TIME(                                            \
        "created_at") ", operation, method, "                                                      \
                      "provider, account, outcome, reason, provider_code, "                        \
                      "provider_reference, " TIME(                                                 \
                          "outcome_at") ", currency, amount::text, amount_minor::text, "           \
                                        "fee_expected::text, fee_expected_minor::text, "           \
                                        "fee_stated::text, fee_stated_minor::text FROM "           \
                                        "finance.attempt_rows WHERE merchant_id = "

struct exporting {
    const char *database;
    const char *merchant; /* NULL: all that the login sees */
    const char *file;     /* NULL: standard output */
    char partial[PATH_BYTES_MAX];
    struct export_wanted wanted;
    bool of_attempts;
    bool is_camt;
    bool is_quiet;
    bool has_shown; /* a line of progress stands on the terminal */
    int64_t started_us;
    int64_t shown_us;
};

/* Twice a second, on a terminal alone: one line that is written over. */
static void show(void *ctx, uint64_t rows, uint64_t bytes, int64_t at_us)
{
    struct exporting *x = ctx;
    char day[CLOCK_TEXT_SIZE];
    int64_t now = clock_mono_us();
    if (x->is_quiet || now - x->shown_us < CLOCK_SECOND_US / 2)
        return;
    x->shown_us = now;
    x->has_shown = true;
    uint64_t spent_ms = (uint64_t)((now - x->started_us) / CLOCK_MS_US) + 1;
    (void)fprintf(stderr, "\r%llu rows, %llu rows/s, %llu MB, at %.10s ", (unsigned long long)rows,
                  (unsigned long long)(rows * 1000 / spent_ms), (unsigned long long)(bytes >> 20),
                  clock_format_ms(at_us, day).at);
}

static bool take_format(int *argc, char **argv, struct exporting *x, struct error *err)
{
    const char *format = command_option(argc, argv, "format");
    x->of_attempts = format != NULL && strcmp(format, "attempts-csv") == 0;
    x->is_camt = format != NULL && strcmp(format, "camt053") == 0;
    bool is_other = format == NULL || x->of_attempts || x->is_camt;
    x->wanted.format = export_format_find(str_of(is_other ? "csv" : format));
    return x->wanted.format != EXPORT_NONE ||
           fail(err, ERROR_INVALID,
                "ledger: --format is csv, attempts-csv, jsonl, hledger, ledger, beancount or "
                "camt053, not \"%.40s\"",
                format);
}

static bool take_options(int argc, char **argv, struct exporting *x, struct error *err)
{
    struct ledger_period period;
    const char *account = command_option(&argc, argv, "account");
    x->database = command_option(&argc, argv, "database");
    x->merchant = command_option(&argc, argv, "merchant");
    x->file = command_option(&argc, argv, "output");
    x->is_quiet = command_flag(&argc, argv, "quiet") || isatty(STDERR_FILENO) == 0;
    if (command_flag(&argc, argv, "progress"))
        x->is_quiet = false;
    if (!take_format(&argc, argv, x, err) || !ledger_take_period(&argc, argv, &period, err) ||
        !ledger_take_style(&argc, argv, &x->wanted.style, err) || !command_done(argc, argv, err))
        return false;
    if (x->of_attempts && (account != NULL || period.by_effect))
        return fail(err, ERROR_INVALID,
                    "ledger: attempts have no --account and no --basis effective");
    if (x->is_camt && (account == NULL || period.by_effect))
        return fail(err, ERROR_INVALID,
                    "ledger: camt053 states one account: say --account NAME; by the time of "
                    "recording alone, each entry says since when it counts");
    x->wanted.account = str_of(account);
    x->wanted.from_us = period.from_us;
    x->wanted.to_us = period.to_us;
    x->wanted.by_effect = period.by_effect;
    return true;
}

/* Beside the file, and renamed when it is whole: what has the name is never half of it. */
static bool open_file(struct exporting *x, struct error *err)
{
    x->wanted.out = stdout;
    if (x->file == NULL)
        return true;
    int len = snprintf(x->partial, sizeof(x->partial), "%s.partial", x->file);
    if (len < 0 || (size_t)len >= sizeof(x->partial))
        return fail(err, ERROR_INVALID, "ledger: the name of the file is too long");
    x->wanted.out = fopen(x->partial, "wxe");
    return x->wanted.out != NULL ||
           fail(err, ERROR_IO, "cannot write %s: %s%s", x->partial, strerror(errno),
                errno == EEXIST ? "; another export writes it, or was stopped: remove it" : "");
}

static bool close_file(struct exporting *x, bool is_whole, struct error *err)
{
    FILE *out = x->wanted.out;
    if (x->file == NULL || out == NULL)
        return is_whole;
    bool ok = is_whole && fflush(out) == 0 && fsync(fileno(out)) == 0;
    ok = fclose(out) == 0 && ok && rename(x->partial, x->file) == 0;
    if (is_whole && !ok)
        (void)fail(err, ERROR_IO, "cannot write %s: %s", x->file, strerror(errno));
    if (!ok)
        (void)unlink(x->partial);
    return ok;
}

/* In the order of payment and number; from and to are of the attempt's begin. */
static bool write_attempts(struct exporting *x, struct copy *copy,
                           const struct export_merchant *merchant, struct sheet *sheet,
                           struct error *err)
{
    struct buf sql;
    char id[UUID_TEXT_SIZE];
    char time[CLOCK_TEXT_SIZE];
    buf_init(&sql, SQL_BYTES_MAX);
    buf_add_str(&sql, STR("SELECT "));
    bool ok = copy_quote(copy, merchant->name, &sql, err);
    buf_printf(&sql, "::text, " ATTEMPT_SELECT "'" STR_FMT "'",
               STR_ARG(uuid_format(&merchant->id, id)));
    if (x->wanted.from_us != INT64_MIN)
        buf_printf(&sql, " AND created_at >= '" STR_FMT "'",
                   STR_ARG(clock_format_us(x->wanted.from_us, time)));
    if (x->wanted.to_us != INT64_MAX)
        buf_printf(&sql, " AND created_at < '" STR_FMT "'",
                   STR_ARG(clock_format_us(x->wanted.to_us, time)));
    buf_add_str(&sql, STR(" ORDER BY merchant_id, payment_id, number"));
    buf_add(&sql, "", 1);
    ok = ok && (buf_is_ok(&sql) || fail(err, ERROR_INVALID, "the merchant's name is too long")) &&
         sheet_fill(sheet, copy, sql.at, err);
    buf_release(&sql);
    return ok;
}

static bool write_all_attempts(struct exporting *x, struct copy *copy,
                               const struct export_merchants *found, uint64_t *rows,
                               struct error *err)
{
    struct sheet sheet;
    struct error ignored;
    bool ok = true;
    sheet_open(&sheet, SHEET_CSV, &x->wanted.style, attempt_columns, ARRAY_LEN(attempt_columns),
               x->wanted.out);
    for (size_t i = 0; i < found->count && ok; i++) {
        ok = write_attempts(x, copy, &found->at[i], &sheet, err);
        show(x, sheet.row_count, 0, x->wanted.now_us);
    }
    *rows = sheet.row_count;
    return sheet_close(&sheet, ok ? err : &ignored) && ok;
}

static bool write_all(struct exporting *x, struct copy *copy, const struct export_merchants *found,
                      uint64_t *rows, struct error *err)
{
    if (x->of_attempts)
        return write_all_attempts(x, copy, found, rows, err);
    if (x->is_camt)
        return camt_run(copy, &x->wanted, &found->at[0], rows, err);
    return export_run(copy, &x->wanted, found, rows, err);
}

static bool run(struct exporting *x, uint64_t *rows, struct error *err)
{
    struct export_merchants found = {.count = 0};
    struct copy *copy = export_open(x->database != NULL ? x->database : "", err);
    if (copy == NULL)
        return false;
    arena_init(&found.arena, 0);
    bool ok = export_find_merchants(copy, str_of(x->merchant), &found, err);
    bool is_single = export_is_journal(x->wanted.format) || x->is_camt || x->merchant != NULL;
    if (ok && found.count > 1 && is_single)
        ok = ledger_check_single(&found, err);
    ok = ok && open_file(x, err);
    if (ok)
        ok = close_file(x, write_all(x, copy, &found, rows, err), err);
    if (x->has_shown)
        (void)fputc('\n', stderr);
    export_merchants_release(&found);
    copy_close(&copy);
    return ok;
}

int ledger_export(int argc, char **argv)
{
    static struct exporting x;
    struct error err = {.text = ""};
    uint64_t rows = 0;
    (void)signal(SIGPIPE, SIG_IGN);
    x.started_us = clock_mono_us();
    x.wanted.now_us = clock_wall_us();
    x.wanted.progress = show;
    x.wanted.ctx = &x;
    if (!take_options(argc, argv, &x, &err) || !run(&x, &rows, &err))
        return command_fail(&err);
    if (x.file != NULL)
        (void)fprintf(stderr, "%llu rows in %s\n", (unsigned long long)rows, x.file);
    return 0;
}
