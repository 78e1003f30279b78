/*
 * reports.h - the file that says which reports are made regularly (reports_file).
 *
 *     [month-end]                      # its name, and the begin of its files' names
 *     merchant = mer_01J...
 *     what = trial-balance             # csv, attempts-csv, jsonl, hledger, ledger, beancount, camt053
 *     period = month                   # hour, day, week
 *     folder = /srv/reports
 *     account = bank:main              # camt053 needs it; csv, jsonl: only what names it
 *     wait_minutes = 15                # after the period's end
 *     since = 2026-01-01               # its first period; without: the last one that is over
 *     announce = yes                   # tell the merchant's webhook endpoints
 *
 * Whatever is not understood is refused with file, line and remedy.
 */
#ifndef PROCESS_REPORTS_H
#define PROCESS_REPORTS_H

#include "base/error.h"
#include "base/id.h"
#include "ledger/report_store.h"
#include "process/report_period.h"

enum {
    REPORTS_MAX = 64,
    REPORT_NAME_MAX = 63,
    REPORT_FOLDER_SIZE = 512,
    REPORT_FILE_SIZE = 128,
};

struct report {
    char name[REPORT_NAME_MAX + 1];
    char what[EXPORT_WHAT_SIZE];
    char folder[REPORT_FOLDER_SIZE];
    char account[REPORT_ACCOUNT_SIZE]; /* empty: all */
    struct uuid merchant_id;
    enum report_period period;
    int64_t wait_us;
    int64_t since_us; /* 0: not said */
    bool is_announced;
};

struct reports {
    struct report at[REPORTS_MAX];
    size_t count;
};

/* Also looks whether the folders can be written. */
bool reports_load(struct reports *reports, const char *file, struct error *err) MUST_USE;
/* The same of a text; folders are not looked at. `file` is for what is told. */
bool reports_parse(struct reports *reports, const char *file, struct str text,
                   struct error *err) MUST_USE;
/* "month-end-2026-11.csv" */
struct str report_file_name(const struct report *report, const struct report_span *span,
                            char out[REPORT_FILE_SIZE]);

#endif
