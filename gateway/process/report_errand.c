#include "process/report_errand.h"

#include <assert.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "process/report_make.h"

enum {
    REST_MS = 5000, /* between two looks */
};

static_assert(REPORT_BEHIND_MAX < (int)REPORT_DONE_MAX, "one answer tells of all of them");

struct errand {
    struct report_maker maker;
    struct reports reports;
    int64_t look_us[REPORTS_MAX]; /* nothing is due before */
};

/* ---- what is due ------------------------------------------------------------------------------- */

static bool is_done(const int64_t *done_us, size_t count, int64_t from_us)
{
    for (size_t i = 0; i < count; i++) {
        if (done_us[i] == from_us)
            return true;
    }
    return false;
}

/* The first period of which there is, or should be, a report. */
static bool find_first(struct errand *errand, const struct report_making *m,
                       const struct report_span *last, struct report_span *first, struct error *err)
{
    int64_t begun_us = 0;
    int64_t since_us = m->report->since_us;
    if (!report_store_first(errand->maker.store, &m->key, &begun_us, err))
        return false;
    if (since_us == 0 || (begun_us > 0 && begun_us < since_us))
        since_us = begun_us;
    *first = since_us > 0 ? report_span_of(m->report->period, since_us) : *last;
    struct report_span oldest = *last;
    for (int i = 1; i < REPORT_BEHIND_MAX && oldest.from_us > first->from_us; i++)
        oldest = report_span_before(m->report->period, &oldest);
    if (oldest.from_us > first->from_us)
        log_warn("reporter", "so many periods are missing that the oldest are left out",
                 LOG_CSTR("report", m->report->name), LOG_INT("periods", REPORT_BEHIND_MAX));
    *first = oldest.from_us > first->from_us ? oldest : *first;
    return true;
}

static bool make_due(struct errand *errand, struct report_making *m, const struct report_span *last,
                     int64_t *next_us, struct error *err)
{
    int64_t done_us[REPORT_DONE_MAX];
    size_t count = 0;
    struct report_span first;
    if (!find_first(errand, m, last, &first, err) ||
        !report_store_done(errand->maker.store, &m->key, first.from_us, clock_wall_us(), done_us,
                           &count, next_us, err))
        return false;
    for (m->span = first; m->span.from_us <= last->from_us;
         m->span = report_span_next(m->report->period, &m->span)) {
        if (is_done(done_us, count, m->span.from_us))
            continue;
        (void)report_file_name(m->report, &m->span, m->name);
        if (!report_make(&errand->maker, m, err))
            return false;
        *next_us = 0; /* it may have failed: look again */
    }
    return true;
}

static bool look(struct errand *errand, size_t i, struct error *err)
{
    const struct report *report = &errand->reports.at[i];
    struct report_making m = {
        .report = report,
        .key = {report->merchant_id, str_of(report->name), report_period_name(report->period)},
    };
    int64_t now_us = clock_wall_us();
    bool is_ours = false;
    int64_t next_us = 0;
    struct report_span now = report_span_of(report->period, now_us - report->wait_us);
    struct report_span last = report_span_before(report->period, &now);
    if (now_us < errand->look_us[i] || last.to_us <= report->since_us)
        return true;
    if (!report_store_lock(errand->maker.store, &m.key, &is_ours, err))
        return false;
    if (!is_ours)
        return true;
    if (!make_due(errand, &m, &last, &next_us, err) ||
        !report_store_unlock(errand->maker.store, &m.key, err))
        return false;
    int64_t end_us = now.to_us + report->wait_us;
    errand->look_us[i] = next_us < end_us ? next_us : end_us;
    return true;
}

/* ---- the process ------------------------------------------------------------------------------- */

static bool run(struct errand *errand, struct error *err)
{
    for (;;) {
        for (size_t i = 0; i < errand->reports.count; i++) {
            if (!look(errand, i, err))
                return false;
        }
        (void)poll(NULL, 0, REST_MS);
    }
}

int report_errand_run(const struct config *config)
{
    static struct errand errand = {.maker = {.name = "reporter"}};
    struct error err = {.text = ""};
    if (report_maker_open(&errand.maker, config, &err) &&
        reports_load(&errand.reports, config->reports_file, &err))
        (void)run(&errand, &err);
    log_warn("reporter", "cannot go on", LOG_CSTR("error", err.text));
    report_maker_close(&errand.maker);
    return 1;
}
