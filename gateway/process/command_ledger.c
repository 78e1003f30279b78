/* turnpike ledger: the books on the command line. One verb is one row; what it does is its own file. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "process/command_ledger.h"
#include "process/command_table.h"

struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
    const char *usage;
    const char *help;
};

/* clang-format off */
#define STYLE "[--delimiter C] [--decimal C] [--bom] [--lf] [--database CONNINFO]"
#define SHEET "[--format table | csv | json] [--json] " STYLE
static const struct verb verbs[] = {
    {"accounts",      ledger_accounts,      "[--merchant ID] " SHEET, "the accounts, numbered"},
    {"trial-balance", ledger_trial_balance, "[--as-of DAY | --month 2026-11 | --from DAY --to DAY] [--basis recorded | effective] [--merchant ID] " SHEET, "sums of every account up to a moment, or what moved in a period"},
    {"statement",     ledger_statement,     "ACCOUNT [--from DAY] [--to DAY] [--month 2026-11] [--basis recorded | effective] [--merchant ID] " SHEET, "the movements of one account, and its balance after each"},
    {"payment",       ledger_payment,       "ID | REFERENCE [--merchant ID] " SHEET, "why a payment or payout cost what it cost: fee table, fee stated, fee booked"},
    {"export",        ledger_export,        "[--format csv | attempts-csv | jsonl | hledger | ledger | beancount | camt053] [--json] [--merchant ID] [--account NAME] [--from DAY] [--to DAY] [--month 2026-11] [--basis recorded | effective] [--output FILE] [--progress] [--quiet] " STYLE, "the journal as text for other programs"},
    {"reports",       ledger_reports,       "[--name NAME] [--failed] [--from DAY] [--to DAY] [--month 2026-11] [--merchant ID] " SHEET, "the reports that the gateway made, and why one failed"},
    {"verify",        command_ledger_verify, "--anchors FILE... [--key PUBLIC.pem]... [--merchant ID] [--jobs N] [--late-max 2d] [--restored] [--json] [--database CONNINFO]", "was a sealed transfer changed, removed or added behind our back?"},
    {NULL, NULL, NULL, NULL},
};
/* clang-format on */

/* ---- options that verbs share ------------------------------------------------------------------- */

#define DAY_US (86400 * CLOCK_SECOND_US)

static bool is_day(const char *text)
{
    return strlen(text) == sizeof("2026-11-21") - 1;
}

/* The first day of a month, and of the next: four months' worth of days never skip one. */
static bool take_month(const char *month, struct ledger_period *period, struct error *err)
{
    char text[CLOCK_TEXT_SIZE];
    char later[CLOCK_TEXT_SIZE];
    int len = snprintf(text, sizeof(text), "%.8s-01", month);
    struct error ignored;
    if (len != sizeof("2026-11-01") - 1 || !clock_parse(str_of(text), &period->from_us, &ignored))
        return fail(err, ERROR_INVALID, "ledger: --month is a month as 2026-11, not \"%.20s\"",
                    month);
    struct str next = clock_format_ms(period->from_us + 31 * DAY_US, later);
    (void)snprintf(text, sizeof(text), "%.7s-01", next.at);
    return clock_parse(str_of(text), &period->to_us, err);
}

static bool take_time(const char *name, const char *value, int64_t *us, struct error *err)
{
    struct error ignored;
    return clock_parse(str_of(value), us, &ignored) ||
           fail(err, ERROR_INVALID,
                "ledger: --%s is a day as 2026-11-21, or a time as 2026-11-21T10:15:00Z, not "
                "\"%.40s\"",
                name, value);
}

bool ledger_parse_end(const char *option, const char *value, int64_t *us, struct error *err)
{
    if (!take_time(option, value, us, err))
        return false;
    if (is_day(value))
        *us += DAY_US;
    return true;
}

bool ledger_take_period(int *argc, char **argv, struct ledger_period *period, struct error *err)
{
    const char *from = command_option(argc, argv, "from");
    const char *to = command_option(argc, argv, "to");
    const char *month = command_option(argc, argv, "month");
    const char *basis = command_option(argc, argv, "basis");
    *period = (struct ledger_period){.from_us = INT64_MIN, .to_us = INT64_MAX};
    period->by_effect = basis != NULL && strcmp(basis, "effective") == 0;
    if (basis != NULL && !period->by_effect && strcmp(basis, "recorded") != 0)
        return fail(err, ERROR_INVALID, "ledger: --basis is recorded or effective, not \"%.20s\"",
                    basis);
    if (month != NULL && (from != NULL || to != NULL))
        return fail(err, ERROR_INVALID, "ledger: --month says both --from and --to");
    if (month != NULL)
        return take_month(month, period, err);
    if ((from != NULL && !take_time("from", from, &period->from_us, err)) ||
        (to != NULL && !ledger_parse_end("to", to, &period->to_us, err)))
        return false;
    return period->from_us < period->to_us ||
           fail(err, ERROR_INVALID, "ledger: --from is not before --to");
}

/* One character; "tab" and "\\t" are a TAB. */
static bool take_char(const char *name, const char *value, const char *allowed, char *out,
                      struct error *err)
{
    bool is_tab = strcmp(value, "tab") == 0 || strcmp(value, "\\t") == 0;
    char c = is_tab ? '\t' : value[0];
    if (c == '\0' || (!is_tab && value[1] != '\0') || strchr(allowed, c) == NULL)
        return fail(err, ERROR_INVALID, "ledger: --%s cannot be \"%.20s\"", name, value);
    *out = c;
    return true;
}

bool ledger_take_style(int *argc, char **argv, struct csv_style *style, struct error *err)
{
    const char *delimiter = command_option(argc, argv, "delimiter");
    const char *decimal = command_option(argc, argv, "decimal");
    *style = csv_style_default;
    style->has_mark = command_flag(argc, argv, "bom");
    style->is_unix = command_flag(argc, argv, "lf");
    if (decimal != NULL && !take_char("decimal", decimal, ".,", &style->decimal, err))
        return false;
    if (style->decimal == ',')
        style->delimiter = ';';
    if (delimiter != NULL && !take_char("delimiter", delimiter, ",;|\t", &style->delimiter, err))
        return false;
    return style->decimal != style->delimiter ||
           fail(err, ERROR_INVALID, "ledger: --decimal and --delimiter are the same");
}

/* ---- verbs -------------------------------------------------------------------------------------- */

void command_ledger_rows(command_row_fn row, void *ctx)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        row(ctx, "ledger", verb->name, verb->usage, verb->help);
}

static int usage(FILE *out)
{
    (void)fprintf(out, "turnpike ledger - read, export and prove the books\n\n"
                       "usage: turnpike ledger VERB ...\n\n");
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        (void)fprintf(out, "  %-14s %s\n                 %s\n", verb->name, verb->help,
                      verb->usage);
    return out == stdout ? 0 : 2;
}

int command_ledger(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(argv[1], verb->name) == 0)
            return verb->run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr,
                  "turnpike: ledger has no verb \"%.40s\"; turnpike ledger --help lists them\n",
                  argv[1]);
    return 2;
}
