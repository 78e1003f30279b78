/*
 * export_what.h - what can be exported, by its name: one list for the command line, reports and the API.
 */
#ifndef LEDGER_EXPORT_WHAT_H
#define LEDGER_EXPORT_WHAT_H

#include <stdbool.h>

#include "base/str.h"

enum {
    EXPORT_WHAT_SIZE = 16, /* of a name, with its end */
};

enum export_what {
    EXPORT_WHAT_NONE = 0,
    EXPORT_WHAT_JOURNAL,       /* csv, jsonl, hledger, ledger, beancount: wanted.format */
    EXPORT_WHAT_ATTEMPTS,      /* attempts-csv */
    EXPORT_WHAT_CAMT,          /* camt053 */
    EXPORT_WHAT_TRIAL_BALANCE, /* trial-balance: at the end of the period, as CSV */
};

/* All names, NULL behind the last. */
extern const char *const export_what_names[];
/* EXPORT_WHAT_NONE: there is no such export. */
enum export_what export_what_find(struct str name);
/* "csv", "xml", ...: of the name of a file. The name is one that export_what_find knows; so below. */
const char *export_what_suffix(struct str name);
/* "text/csv; charset=utf-8; header=present", ... */
struct str export_what_type(struct str name);
/* It can be of one account alone. */
bool export_what_takes_account(struct str name);
/* It is of one account, and of nothing else. */
bool export_what_needs_account(struct str name);

#endif
