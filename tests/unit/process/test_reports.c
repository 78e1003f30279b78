/* Which periods there are, and the file that says which reports are made. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "process/reports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define HOUR_US (3600 * CLOCK_SECOND_US)
#define DAY_US  (24 * HOUR_US)

static int64_t at(const char *text)
{
    struct error err;
    int64_t us = 0;
    assert_true(clock_parse(str_of(text), &us, &err));
    return us;
}

/* ---- periods ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct {
    enum report_period period;
    const char *moment, *from, *to, *label;
} spans[] = {
    {REPORT_HOUR,  "2026-11-21T13:00:00Z",        "2026-11-21T13:00:00Z", "2026-11-21T14:00:00Z", "2026-11-21T13"},
    {REPORT_HOUR,  "2026-12-31T23:59:59.999999Z", "2026-12-31T23:00:00Z", "2027-01-01",           "2026-12-31T23"},
    {REPORT_DAY,   "2026-11-21",                  "2026-11-21",           "2026-11-22",           "2026-11-21"},
    {REPORT_DAY,   "2028-02-28T23:59:59.999999Z", "2028-02-28",           "2028-02-29",           "2028-02-28"},
    {REPORT_DAY,   "2028-02-29T12:00:00Z",        "2028-02-29",           "2028-03-01",           "2028-02-29"},
    {REPORT_DAY,   "2100-02-28T12:00:00Z",        "2100-02-28",           "2100-03-01",           "2100-02-28"},
    {REPORT_DAY,   "1970-01-01",                  "1970-01-01",           "1970-01-02",           "1970-01-01"},
    {REPORT_WEEK,  "2026-11-22T23:59:59.999999Z", "2026-11-16",           "2026-11-23",           "2026-W47"},
    {REPORT_WEEK,  "2026-11-23",                  "2026-11-23",           "2026-11-30",           "2026-W48"},
    {REPORT_WEEK,  "2026-01-01",                  "2025-12-29",           "2026-01-05",           "2026-W01"}, /* the year of its Thursday */
    {REPORT_WEEK,  "2027-01-01",                  "2026-12-28",           "2027-01-04",           "2026-W53"},
    {REPORT_WEEK,  "2024-12-30",                  "2024-12-30",           "2025-01-06",           "2025-W01"},
    {REPORT_WEEK,  "2021-01-03",                  "2020-12-28",           "2021-01-04",           "2020-W53"},
    {REPORT_WEEK,  "2023-01-01",                  "2022-12-26",           "2023-01-02",           "2022-W52"},
    {REPORT_MONTH, "2026-11-30T23:59:59.999999Z", "2026-11-01",           "2026-12-01",           "2026-11"},
    {REPORT_MONTH, "2026-12-31T23:59:59.999999Z", "2026-12-01",           "2027-01-01",           "2026-12"},
    {REPORT_MONTH, "2028-02-29",                  "2028-02-01",           "2028-03-01",           "2028-02"},
    {REPORT_MONTH, "2027-02-28",                  "2027-02-01",           "2027-03-01",           "2027-02"},
    {REPORT_MONTH, "2026-01-31",                  "2026-01-01",           "2026-02-01",           "2026-01"},
};
/* clang-format on */

static void a_moment_lies_in_its_period(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        char label[REPORT_LABEL_SIZE];
        struct report_span span = report_span_of(spans[i].period, at(spans[i].moment));
        assert_int_equal(span.from_us, at(spans[i].from));
        assert_int_equal(span.to_us, at(spans[i].to));
        assert_string_equal(report_span_label(spans[i].period, &span, label).at, spans[i].label);
    }
}

/* Forty years, with 2100 that is no leap year: nothing is left out, and no two have one name. */
static void periods_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    static const int64_t longest[REPORT_PERIOD_COUNT] = {[REPORT_HOUR] = HOUR_US,
                                                         [REPORT_DAY] = DAY_US,
                                                         [REPORT_WEEK] = 7 * DAY_US,
                                                         [REPORT_MONTH] = 31 * DAY_US};
    for (int p = REPORT_DAY; p < REPORT_PERIOD_COUNT; p++) {
        enum report_period period = (enum report_period)p;
        char before[REPORT_LABEL_SIZE] = "";
        char label[REPORT_LABEL_SIZE];
        struct report_span span = report_span_of(period, at("2070-01-01"));
        while (span.to_us < at("2110-01-01")) {
            struct report_span next = report_span_next(period, &span);
            struct report_span back = report_span_before(period, &next);
            assert_true(span.from_us < span.to_us && span.to_us - span.from_us <= longest[p]);
            assert_int_equal(next.from_us, span.to_us);
            assert_int_equal(back.from_us, span.from_us);
            assert_int_equal(back.to_us, span.to_us);
            assert_int_equal(report_span_of(period, span.to_us - 1).from_us, span.from_us);
            (void)report_span_label(period, &span, label);
            assert_true(strcmp(before, label) < 0); /* their names sort as they do */
            memcpy(before, label, sizeof(before));
            span = next;
        }
    }
}

/* ---- the file ----------------------------------------------------------------------------------- */

#define MERCHANT "merchant = mer_01M832D59RETYSXG6VRQW8D3T2\n"
#define MOST     MERCHANT "what = csv\nperiod = day\n"
#define ALL      MOST "folder = /srv/reports\n"

static struct reports reports;

static void a_file_is_read(void **state)
{
    (void)state;
    struct error err;
    char name[REPORT_FILE_SIZE];
    assert_true(reports_parse(&reports, "f",
                              STR("# a comment\n\n[daily]\n" ALL "  [ bank-1 ]\n" MERCHANT
                                  "what = camt053\nperiod=month\nfolder = /x\naccount = bank:main\n"
                                  "wait_minutes = 0\nsince = 2026-02-01\nannounce = no\n"),
                              &err));
    assert_int_equal(reports.count, 2);
    const struct report *first = &reports.at[0];
    const struct report *second = &reports.at[1];
    assert_string_equal(first->name, "daily");
    assert_string_equal(first->folder, "/srv/reports");
    assert_int_equal(first->wait_us, 15 * 60 * CLOCK_SECOND_US);
    assert_true(first->is_announced && first->since_us == 0 && first->account[0] == '\0');
    assert_string_equal(second->name, "bank-1");
    assert_int_equal(second->period, REPORT_MONTH);
    assert_true(!second->is_announced && second->wait_us == 0);
    assert_int_equal(second->since_us, at("2026-02-01"));
    struct report_span span = report_span_of(REPORT_MONTH, at("2026-11-21"));
    assert_string_equal(report_file_name(second, &span, name).at, "bank-1-2026-11.xml");
    assert_true(reports_parse(&reports, "f", STR(""), &err) && reports.count == 0);
}

/* clang-format off */
static const struct {
    const char *text, *told;
} mistakes[] = {
    {"what = csv\n",                            "f:1: \"what\" stands before the first [name]"},
    {"[a]\n" ALL "[a]\n",                       "f:6: [a] stands twice"},
    {"[A]\n",                                   "f:1: \"[A]\" is no name"},
    {"[a b]\n",                                 "is no name"},
    {"[../../etc/x]\n",                         "is no name"},
    {"[]\n",                                    "is no name"},
    {"[\n",                                     "is no name"},
    {"[-a]\n",                                  "is no name"},
    {"[a\n",                                    "is no name"},
    {"[a]\nwhat = xlsx\n",                      "f:2: what is csv,"},
    {"[a]\nperiod = year\n",                    "f:2: period is hour,"},
    {"[a]\nmerchant = Demo\n",                  "f:2: merchant is an id"},
    {"[a]\nfolder = reports\n",                 "f:2: folder is a whole path"},
    {"[a]\nfolder =\n",                         "folder has 1 to 511 bytes"},
    {"[a]\nwait_minutes = -1\n",                "wait_minutes is a whole number"},
    {"[a]\nwait_minutes = 1441\n",              "wait_minutes is a whole number"},
    {"[a]\nwait_minutes = soon\n",              "wait_minutes is a whole number"},
    {"[a]\nsince = 2026-02-30\n",               "since is a day"},
    {"[a]\nannounce = maybe\n",                 "announce is yes or no"},
    {"[a]\nwhat = csv\nwhat = csv\n",           "f:3: what stands twice"},
    {"[a]\ncolour = red\n",                     "f:2: a report has no \"colour\""},
    {"[a]\nnonsense\n",                         "f:2: expected [name] or key = value"},
    {"[a]\n" MOST,                              "[a] has no folder"},
    {"[a]\n" MOST "[b]\n" ALL,                  "f:5: [a] has no folder"},
    {"[a]\n" MERCHANT "what = camt053\nperiod = day\nfolder = /x\n", "camt053 states one account"},
    {"[a]\n" MERCHANT "what = trial-balance\nperiod = day\nfolder = /x\naccount = bank:x\n", "trial-balance has no account"},
    {"[a]\n" MERCHANT "what = attempts-csv\nperiod = day\nfolder = /x\naccount = bank:x\n", "attempts-csv has no account"},
};
/* clang-format on */

static void mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        struct error err = {.text = ""};
        assert_false(reports_parse(&reports, "f", str_of(mistakes[i].text), &err));
        if (strstr(err.text, mistakes[i].told) == NULL)
            fail_msg("%s: told \"%s\"", mistakes[i].text, err.text);
    }
}

static void there_are_limits(void **state)
{
    (void)state;
    struct error err;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < REPORTS_MAX; i++)
        buf_printf(&text, "[r%d]\n%s", i, ALL);
    assert_true(reports_parse(&reports, "f", buf_str(&text), &err));
    assert_int_equal(reports.count, REPORTS_MAX);
    buf_add_str(&text, STR("[more]\n" ALL));
    assert_false(reports_parse(&reports, "f", buf_str(&text), &err));
    buf_clear(&text);
    buf_add_str(&text, STR("[a]\naccount = "));
    for (int i = 0; i < REPORT_ACCOUNT_SIZE; i++)
        buf_add_char(&text, 'x');
    assert_false(reports_parse(&reports, "f", buf_str(&text), &err));
    buf_release(&text);
}

static void a_folder_must_be_there(void **state)
{
    (void)state;
    char file[] = "/tmp/turnpike-reports-XXXXXX";
    struct error err;
    int fd = mkstemp(file);
    FILE *out = fdopen(fd, "w");
    assert_non_null(out);
    (void)fputs("[a]\n" MOST "folder = /nowhere/at/all\n", out);
    assert_int_equal(fclose(out), 0);
    assert_false(reports_load(&reports, file, &err));
    assert_non_null(strstr(err.text, "[a] cannot write into /nowhere/at/all"));
    assert_int_equal(remove(file), 0);
    assert_false(reports_load(&reports, file, &err));
    assert_non_null(strstr(err.text, "cannot read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_lies_in_its_period),
        cmocka_unit_test(periods_follow_each_other_without_a_gap),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(there_are_limits),
        cmocka_unit_test(a_folder_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
