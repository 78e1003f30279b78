/* turnpike ledger export: the journal as text for other programs. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/command_ledger.h"
#include "process/export_file.h"

struct exporting {
    struct export_file file;
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
    if (command_flag(argc, argv, "json")) {
        if (format != NULL)
            return fail(err, ERROR_INVALID, "ledger: --json is --format jsonl: say one of them");
        format = "jsonl";
    }
    struct str name = format != NULL ? str_of(format) : STR("csv");
    x->file.what = export_what_find(name);
    if (x->file.what == EXPORT_WHAT_JOURNAL)
        x->file.wanted.format = export_format_find(name);
    return (x->file.what != EXPORT_WHAT_NONE && x->file.what != EXPORT_WHAT_TRIAL_BALANCE) ||
           fail(err, ERROR_INVALID,
                "ledger: --format is csv, attempts-csv, jsonl, hledger, ledger, beancount or "
                "camt053, not \"%.40s\"",
                name.at);
}

static bool take_options(int argc, char **argv, struct exporting *x, struct error *err)
{
    struct ledger_period period;
    struct export_wanted *wanted = &x->file.wanted;
    const char *account = command_option(&argc, argv, "account");
    x->file.database = command_option(&argc, argv, "database");
    x->file.merchant = command_option(&argc, argv, "merchant");
    x->file.file = command_option(&argc, argv, "output");
    x->is_quiet = command_flag(&argc, argv, "quiet") || isatty(STDERR_FILENO) == 0;
    if (command_flag(&argc, argv, "progress"))
        x->is_quiet = false;
    if (!take_format(&argc, argv, x, err) || !ledger_take_period(&argc, argv, &period, err) ||
        !ledger_take_style(&argc, argv, &wanted->style, err) || !command_done(argc, argv, err))
        return false;
    if (x->file.what == EXPORT_WHAT_ATTEMPTS && (account != NULL || period.by_effect))
        return fail(err, ERROR_INVALID,
                    "ledger: attempts have no --account and no --basis effective");
    if (x->file.what == EXPORT_WHAT_CAMT && (account == NULL || period.by_effect))
        return fail(err, ERROR_INVALID,
                    "ledger: camt053 states one account: say --account NAME; by the time of "
                    "recording alone, each entry says since when it counts");
    wanted->account = str_of(account);
    wanted->from_us = period.from_us;
    wanted->to_us = period.to_us;
    wanted->by_effect = period.by_effect;
    return true;
}

int ledger_export(int argc, char **argv)
{
    static struct exporting x;
    struct error err = {.text = ""};
    uint64_t rows = 0;
    (void)signal(SIGPIPE, SIG_IGN);
    x.started_us = clock_mono_us();
    x.file.wanted.now_us = clock_wall_us();
    x.file.wanted.progress = show;
    x.file.wanted.ctx = &x;
    bool ok = take_options(argc, argv, &x, &err) && export_file_write(&x.file, &rows, &err);
    if (x.has_shown)
        (void)fputc('\n', stderr);
    if (!ok)
        return command_fail(&err);
    if (x.file.file != NULL)
        (void)fprintf(stderr, "%llu rows in %s\n", (unsigned long long)rows, x.file.file);
    return 0;
}
