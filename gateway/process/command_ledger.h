/*
 * command_ledger.h - the verbs of `turnpike ledger`, and what they share. A verb gets its own arguments
 * (argv[0] is its name) and returns the exit status, as commands do (command.h).
 *
 * They connect as --database CONNINFO says, else as libpq is used to (PGHOST, PGSERVICE, ...), and ask
 * for nothing but the views of schema finance: a finance login is enough.
 */
#ifndef PROCESS_COMMAND_LEDGER_H
#define PROCESS_COMMAND_LEDGER_H

#include "ledger/export_run.h"
#include "process/command.h"
#include "process/sheet.h"

struct ledger_period {
    int64_t from_us; /* INT64_MIN: from the beginning */
    int64_t to_us;   /* before then; INT64_MAX: to the end */
    bool by_effect; /* of the time since when transfers count, not of the time they were recorded */
};

/* --from, --to: days (both count) or times; --month 2026-11; --basis recorded | effective. */
bool ledger_take_period(int *argc, char **argv, struct ledger_period *period,
                        struct error *err) MUST_USE;
/* --delimiter, --decimal, --bom, --lf. With a decimal comma cells are cut by semicolons. */
bool ledger_take_style(int *argc, char **argv, struct csv_style *style, struct error *err) MUST_USE;

/* A day, which counts, or a time: what is before it counts. */
bool ledger_parse_end(const char *option, const char *value, int64_t *us,
                      struct error *err) MUST_USE;

struct ledger_reading { /* of verbs that show rows */
    const char *database;
    const char *merchant; /* NULL: all that the login sees */
    enum sheet_format format;
    struct csv_style style;
    struct copy *copy; /* owned; NULL: not open */
    struct export_merchants merchants;
};

/* --database, --merchant, --format, and how CSV is written. */
bool ledger_take_reading(int *argc, char **argv, struct ledger_reading *reading,
                         struct error *err) MUST_USE;
/* Connect, and find the merchants. */
bool ledger_open(struct ledger_reading *reading, struct error *err) MUST_USE;
void ledger_close(struct ledger_reading *reading);
/* Books of several merchants never become one: false says which there are. */
bool ledger_check_single(const struct export_merchants *found, struct error *err) MUST_USE;
/* If one was named: AND m.merchant_id = ... */
void ledger_add_merchants(const struct ledger_reading *reading, struct buf *sql);
/* Sums before the end of the period less those before its begin, of the reading's merchants. */
bool ledger_write_balances(struct ledger_reading *reading, const struct ledger_period *period,
                           FILE *out, uint64_t *rows, struct error *err) MUST_USE;

int ledger_accounts(int argc, char **argv); /* command_ledger_read.c */
int ledger_trial_balance(int argc, char **argv);
int ledger_statement(int argc, char **argv); /* command_ledger_statement.c */
int ledger_payment(int argc, char **argv);   /* command_ledger_payment.c */
int ledger_export(int argc, char **argv);    /* command_ledger_export.c */
int ledger_reports(int argc, char **argv);   /* command_ledger_reports.c */

#endif
