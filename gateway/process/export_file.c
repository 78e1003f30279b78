#include "process/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ledger/camt_run.h"
#include "process/command_ledger.h"

enum {
    SQL_BYTES_MAX = 4000,
};

/* ---- attempts ---------------------------------------------------------------------------------- */

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

/* In the order of payment and number; from and to are of the attempt's begin. */
static bool write_attempts(struct export_file *x, struct copy *copy,
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

static bool write_all_attempts(struct export_file *x, struct copy *copy,
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
        if (x->wanted.progress != NULL)
            x->wanted.progress(x->wanted.ctx, sheet.row_count, 0, x->wanted.now_us);
    }
    *rows = sheet.row_count;
    return sheet_close(&sheet, ok ? err : &ignored) && ok;
}

/* ---- the file ---------------------------------------------------------------------------------- */

/* Beside the file, and renamed when it is whole: what has the name is never half of it. */
static bool open_file(struct export_file *x, const char *partial, struct error *err)
{
    x->wanted.out = stdout;
    if (x->file == NULL)
        return true;
    x->wanted.out = fopen(partial, x->partial != NULL ? "we" : "wxe");
    return x->wanted.out != NULL ||
           fail(err, ERROR_IO, "cannot write %s: %s%s", partial, strerror(errno),
                errno == EEXIST ? "; another export writes it, or was stopped: remove it" : "");
}

bool export_sync_folder(const char *file)
{
    char folder[EXPORT_PATH_SIZE] = ".";
    const char *slash = strrchr(file, '/');
    if (slash != NULL)
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file) + 1, file);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool close_file(struct export_file *x, const char *partial, bool is_whole, struct error *err)
{
    FILE *out = x->wanted.out;
    if (x->file == NULL || out == NULL)
        return is_whole;
    bool ok = is_whole && fflush(out) == 0 && fsync(fileno(out)) == 0;
    ok = fclose(out) == 0 && ok && rename(partial, x->file) == 0 && export_sync_folder(x->file);
    if (is_whole && !ok)
        (void)fail(err, ERROR_IO, "cannot write %s: %s", x->file, strerror(errno));
    if (!ok)
        (void)unlink(partial);
    return ok;
}

static bool write_balances(struct export_file *x, struct copy *copy,
                           const struct export_merchants *found, uint64_t *rows, struct error *err)
{
    struct ledger_reading reading = {
        .merchant = x->merchant,
        .format = SHEET_CSV,
        .style = x->wanted.style,
        .copy = copy,
        .merchants = *found,
    };
    const struct ledger_period until = {.from_us = INT64_MIN, .to_us = x->wanted.to_us};
    return ledger_write_balances(&reading, &until, x->wanted.out, rows, err);
}

static bool write_all(struct export_file *x, struct copy *copy,
                      const struct export_merchants *found, uint64_t *rows, struct error *err)
{
    switch (x->what) {
    case EXPORT_WHAT_JOURNAL:
        return export_run(copy, &x->wanted, found, rows, err);
    case EXPORT_WHAT_ATTEMPTS:
        return write_all_attempts(x, copy, found, rows, err);
    case EXPORT_WHAT_CAMT:
        return camt_run(copy, &x->wanted, &found->at[0], rows, err);
    case EXPORT_WHAT_TRIAL_BALANCE:
        return write_balances(x, copy, found, rows, err);
    case EXPORT_WHAT_NONE:
        break;
    }
    CHECK(false);
    return false;
}

bool export_file_write(struct export_file *x, uint64_t *rows, struct error *err)
{
    char partial[EXPORT_PATH_SIZE] = "";
    struct export_merchants found = {.count = 0};
    bool is_single = x->what == EXPORT_WHAT_CAMT || x->merchant != NULL ||
                     (x->what == EXPORT_WHAT_JOURNAL && export_is_journal(x->wanted.format));
    if (x->file != NULL &&
        snprintf(partial, sizeof(partial), x->partial != NULL ? "%s" : "%s.partial",
                 x->partial != NULL ? x->partial : x->file) >= (int)sizeof(partial))
        return fail(err, ERROR_INVALID, "the name of the file is too long");
    struct copy *copy = export_open(x->database != NULL ? x->database : "", err);
    if (copy == NULL)
        return false;
    arena_init(&found.arena, 0);
    bool ok = export_find_merchants(copy, str_of(x->merchant), &found, err) &&
              (!is_single || ledger_check_single(&found, err)) && open_file(x, partial, err);
    if (ok)
        ok = close_file(x, partial, write_all(x, copy, &found, rows, err), err);
    export_merchants_release(&found);
    copy_close(&copy);
    return ok;
}
