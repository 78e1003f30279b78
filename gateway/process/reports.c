#include "process/reports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/export_file.h"

#define MINUTE_US (INT64_C(60) * CLOCK_SECOND_US)

enum {
    FILE_BYTES_MAX = 1 << 20,
    WAIT_MINUTES = 15,
    WAIT_MINUTES_MAX = 1440,
};

enum key {
    KEY_MERCHANT,
    KEY_WHAT,
    KEY_PERIOD,
    KEY_FOLDER,
    KEY_ACCOUNT,
    KEY_WAIT,
    KEY_SINCE,
    KEY_ANNOUNCE,
    KEY_COUNT,
};

static const char *const keys[KEY_COUNT] = {
    [KEY_MERCHANT] = "merchant", [KEY_WHAT] = "what",         [KEY_PERIOD] = "period",
    [KEY_FOLDER] = "folder",     [KEY_ACCOUNT] = "account",   [KEY_WAIT] = "wait_minutes",
    [KEY_SINCE] = "since",       [KEY_ANNOUNCE] = "announce",
};

struct reading {
    struct reports *reports;
    struct report *report; /* under way; NULL: before the first */
    bool seen[KEY_COUNT];
};

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_inner = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_inner && (i == 0 || (c != '-' && c != '_')))
            return false;
    }
    return name.len > 0 && name.len <= REPORT_NAME_MAX;
}

/* What one key needs of another. */
static bool end_report(const struct reading *r, struct error *err)
{
    const struct report *report = r->report;
    if (report == NULL)
        return true;
    for (int i = KEY_MERCHANT; i <= KEY_FOLDER; i++) {
        if (!r->seen[i])
            return fail(err, ERROR_INVALID, "[%s] has no %s", report->name, keys[i]);
    }
    struct str what = str_of(report->what);
    bool has_account = report->account[0] != '\0';
    if (export_what_needs_account(what) && !has_account)
        return fail(err, ERROR_INVALID, "[%s] camt053 states one account: say account = NAME",
                    report->name);
    return !has_account || export_what_takes_account(what) ||
           fail(err, ERROR_INVALID, "[%s] %s has no account; remove it", report->name,
                report->what);
}

static bool begin_report(struct reading *r, struct str line, struct error *err)
{
    if (!end_report(r, err))
        return false;
    struct str name = str_trim(str_sub(line, 1, line.len - 2));
    if (!str_ends(line, STR("]")) || !is_name(name))
        return fail(err, ERROR_INVALID,
                    "\"" STR_FMT
                    "\" is no name of a report: [name] of a-z, 0-9, - and _, %d at most",
                    STR_ARG(line), REPORT_NAME_MAX);
    for (size_t i = 0; i < r->reports->count; i++) {
        if (str_eq(name, str_of(r->reports->at[i].name)))
            return fail(err, ERROR_INVALID, "[" STR_FMT "] stands twice; give one another name",
                        STR_ARG(name));
    }
    if (r->reports->count == REPORTS_MAX)
        return fail(err, ERROR_INVALID, "more than %d reports", REPORTS_MAX);
    r->report = &r->reports->at[r->reports->count++];
    *r->report = (struct report){
        .wait_us = WAIT_MINUTES * MINUTE_US,
        .is_announced = true,
    };
    memset(r->seen, 0, sizeof(r->seen));
    return str_copy_to(name, r->report->name, sizeof(r->report->name));
}

static bool take_text(const char *key, struct str value, char *out, size_t size, struct error *err)
{
    return (value.len > 0 && str_copy_to(value, out, size)) ||
           fail(err, ERROR_INVALID, "%s has 1 to %zu bytes", key, size - 1);
}

static bool take_wait(struct str value, int64_t *wait_us, struct error *err)
{
    int64_t minutes = 0;
    if (!str_to_int64(value, &minutes) || minutes < 0 || minutes > WAIT_MINUTES_MAX)
        return fail(err, ERROR_INVALID,
                    "wait_minutes is a whole number from 0 to %d, not \"" STR_FMT "\"",
                    WAIT_MINUTES_MAX, STR_ARG(value));
    *wait_us = minutes * MINUTE_US;
    return true;
}

static bool take_value(struct report *report, enum key key, struct str value, struct error *err)
{
    struct error ignored;
    switch (key) {
    case KEY_MERCHANT:
        return id_parse(ID_MERCHANT, value, &report->merchant_id, &ignored) ||
               fail(err, ERROR_INVALID, "merchant is an id as mer_01J..., not \"" STR_FMT "\"",
                    STR_ARG(value));
    case KEY_WHAT:
        return (export_what_find(value) != EXPORT_WHAT_NONE &&
                str_copy_to(value, report->what, sizeof(report->what))) ||
               fail(err, ERROR_INVALID,
                    "what is csv, attempts-csv, jsonl, hledger, ledger, beancount, camt053 or "
                    "trial-balance, not \"" STR_FMT "\"",
                    STR_ARG(value));
    case KEY_PERIOD:
        report->period = report_period_find(value);
        return report->period != REPORT_PERIOD_NONE ||
               fail(err, ERROR_INVALID, "period is hour, day, week or month, not \"" STR_FMT "\"",
                    STR_ARG(value));
    case KEY_FOLDER:
        return take_text("folder", value, report->folder, sizeof(report->folder), err) &&
               (value.at[0] == '/' ||
                fail(err, ERROR_INVALID, "folder is a whole path, as /srv/reports"));
    case KEY_ACCOUNT:
        return take_text("account", value, report->account, sizeof(report->account), err);
    case KEY_WAIT:
        return take_wait(value, &report->wait_us, err);
    case KEY_SINCE:
        return (clock_parse(value, &report->since_us, &ignored) && report->since_us > 0) ||
               fail(err, ERROR_INVALID, "since is a day as 2026-01-01, not \"" STR_FMT "\"",
                    STR_ARG(value));
    case KEY_ANNOUNCE:
        report->is_announced = str_eq(value, STR("yes"));
        return report->is_announced || str_eq(value, STR("no")) ||
               fail(err, ERROR_INVALID, "announce is yes or no, not \"" STR_FMT "\"",
                    STR_ARG(value));
    case KEY_COUNT:
        break;
    }
    return false;
}

static bool take_line(struct reading *r, struct str line, struct error *err)
{
    if (line.at[0] == '[')
        return begin_report(r, line, err);
    struct str rest = line;
    struct str name = str_trim(str_cut(&rest, '='));
    if (str_find_char(line, '=', 0) == SIZE_MAX)
        return fail(err, ERROR_INVALID, "expected [name] or key = value, found \"" STR_FMT "\"",
                    STR_ARG(line));
    if (r->report == NULL)
        return fail(err, ERROR_INVALID, "\"" STR_FMT "\" stands before the first [name]",
                    STR_ARG(name));
    int key = 0;
    while (key < KEY_COUNT && !str_eq(name, str_of(keys[key])))
        key++;
    if (key == KEY_COUNT)
        return fail(err, ERROR_INVALID, "a report has no \"" STR_FMT "\"", STR_ARG(name));
    if (r->seen[key])
        return fail(err, ERROR_INVALID, "%s stands twice; remove one", keys[key]);
    r->seen[key] = true;
    return take_value(r->report, (enum key)key, str_trim(rest), err);
}

bool reports_parse(struct reports *reports, const char *file, struct str text, struct error *err)
{
    struct reading r = {.reports = reports};
    int number = 1;
    reports->count = 0;
    for (; text.len > 0; number++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (!take_line(&r, line, err))
            return fail_prefix(err, "%s:%d", file, number);
    }
    return end_report(&r, err) || fail_prefix(err, "%s:%d", file, number);
}

static bool check_folders(const struct reports *reports, const char *file, struct error *err)
{
    for (size_t i = 0; i < reports->count; i++) {
        const struct report *report = &reports->at[i];
        if (access(report->folder, W_OK | X_OK) != 0)
            return fail(err, ERROR_INVALID, "%s: [%s] cannot write into %s: %s", file, report->name,
                        report->folder, strerror(errno));
    }
    return true;
}

bool reports_load(struct reports *reports, const char *file, struct error *err)
{
    char chunk[4096];
    struct buf text;
    size_t got;
    FILE *in = fopen(file, "re");
    if (in == NULL)
        return fail(err, ERROR_IO, "cannot read %s: %s", file, strerror(errno));
    buf_init(&text, FILE_BYTES_MAX);
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_add(&text, chunk, got);
    bool ok = ferror(in) == 0 && buf_is_ok(&text);
    (void)fclose(in);
    ok = ok ? reports_parse(reports, file, buf_str(&text), err) && check_folders(reports, file, err)
            : fail(err, ERROR_IO, "cannot read %s: too long or unreadable", file);
    buf_release(&text);
    return ok;
}

struct str report_file_name(const struct report *report, const struct report_span *span,
                            char out[REPORT_FILE_SIZE])
{
    char label[REPORT_LABEL_SIZE];
    (void)report_span_label(report->period, span, label);
    (void)snprintf(out, REPORT_FILE_SIZE, "%s-%s.%s", report->name, label,
                   export_what_suffix(str_of(report->what)));
    return str_of(out);
}
