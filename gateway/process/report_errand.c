#include "process/report_errand.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "ledger/report_store.h"
#include "process/export_file.h"
#include "process/reports.h"

enum {
    NICE = 10,
    REST_MS = 5000, /* between two looks */
    LEFT_MAX = 16,  /* epochs before ours whose files are looked for */
    HOST_SIZE = 65,
};

#define MINUTE_US    (INT64_C(60) * CLOCK_SECOND_US)
#define AGAIN_MAX_US (INT64_C(360) * MINUTE_US)

static_assert(REPORT_BEHIND_MAX < (int)REPORT_DONE_MAX, "one answer tells of all of them");

struct errand {
    const struct config *config; /* borrowed */
    struct report_store *store;  /* owned */
    struct reports reports;
    int64_t look_us[REPORTS_MAX]; /* nothing is due before */
    char host[HOST_SIZE];
};

struct making { /* one period of one report */
    const struct report *report;
    struct report_key key;
    struct report_span span;
    struct report_run run;
    char name[REPORT_FILE_SIZE];
    char path[EXPORT_PATH_SIZE];
};

/* ---- the file ---------------------------------------------------------------------------------- */

static bool put_partial_path(const struct making *m, int64_t epoch, char out[EXPORT_PATH_SIZE])
{
    int len = snprintf(out, EXPORT_PATH_SIZE, "%s/.%s.%lld.partial", m->report->folder, m->name,
                       (long long)epoch);
    return len > 0 && len < EXPORT_PATH_SIZE;
}

/* What those left who were killed at it. */
static void sweep(const struct making *m)
{
    char path[EXPORT_PATH_SIZE];
    for (int64_t i = 1; i <= LEFT_MAX && i < m->run.epoch; i++) {
        if (put_partial_path(m, m->run.epoch - i, path))
            (void)unlink(path);
    }
}

/* Mapped, not read: memory stays the same however long it is. */
static bool digest_file(const char *path, struct report_made *made, struct error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    made->bytes = ok ? st.st_size : 0;
    size_t len = (size_t)made->bytes;
    char *at = ok && len > 0 ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    ok = ok && at != MAP_FAILED;
    if (ok)
        crypto_sha256((struct str){at != NULL ? at : "", len}, made->sha256);
    else
        (void)fail(err, ERROR_IO, "cannot read %s: %s", path, strerror(errno));
    if (ok && at != NULL)
        (void)munmap(at, len);
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool write_file(const struct errand *errand, struct making *m, struct report_made *made,
                       struct error *err)
{
    char partial[EXPORT_PATH_SIZE];
    char merchant[ID_TEXT_SIZE];
    uint64_t rows = 0;
    struct export_file file = {
        .database = errand->config->reports_database,
        .merchant = id_format(ID_MERCHANT, &m->report->merchant_id, merchant).at,
        .file = m->path,
        .partial = partial,
        .what = export_what_find(str_of(m->report->what)),
        .wanted =
            {
                .format = export_format_find(str_of(m->report->what)),
                .style = csv_style_default,
                .account = str_of(m->report->account),
                .from_us = m->span.from_us,
                .to_us = m->span.to_us,
                .now_us = clock_wall_us(),
            },
    };
    int len = snprintf(m->path, sizeof(m->path), "%s/%s", m->report->folder, m->name);
    if (len < 0 || (size_t)len >= sizeof(m->path) || !put_partial_path(m, m->run.epoch, partial))
        return fail(err, ERROR_INVALID, "the name of the file is too long");
    if (!export_file_write(&file, &rows, err) || !digest_file(m->path, made, err))
        return false;
    made->rows = (int64_t)rows;
    return true;
}

/* ---- one period -------------------------------------------------------------------------------- */

static bool note_failure(struct errand *errand, const struct making *m, const struct error *why,
                         struct error *err)
{
    int64_t pause_us = MINUTE_US;
    for (int i = 1; i < m->run.tries && pause_us < AGAIN_MAX_US; i++)
        pause_us *= 2;
    pause_us = pause_us < AGAIN_MAX_US ? pause_us : AGAIN_MAX_US;
    log_error("reporter", "a report failed; once more later", LOG_CSTR("report", m->report->name),
              LOG_CSTR("file", m->name), LOG_CSTR("error", why->text),
              LOG_INT("again_s", pause_us / CLOCK_SECOND_US));
    return report_store_failed(errand->store, &m->key, &m->run, str_of(why->text),
                               clock_wall_us() + pause_us, err);
}

static bool note_made(struct errand *errand, const struct making *m, struct report_made *made,
                      struct error *err)
{
    bool is_ours = false;
    made->event_id = uuid_new();
    made->is_announced = m->report->is_announced;
    if (!report_store_made(errand->store, &m->key, &m->run, made, clock_wall_us(), &is_ours, err))
        return false;
    if (is_ours)
        log_info("reporter", "made a report", LOG_CSTR("report", m->report->name),
                 LOG_CSTR("file", m->name), LOG_INT("rows", made->rows),
                 LOG_INT("bytes", made->bytes));
    else
        log_warn("reporter", "another host makes the same report: this one was too slow",
                 LOG_CSTR("report", m->report->name), LOG_CSTR("file", m->name));
    return true;
}

/* False: the gateway's own database cannot be asked; what fails of the report itself is noted there. */
static bool make(struct errand *errand, struct making *m, struct error *err)
{
    struct report_made made = {.rows = 0};
    struct error why = {.text = ""};
    bool is_begun = false;
    m->run = (struct report_run){
        .from_us = m->span.from_us,
        .to_us = m->span.to_us,
        .what = str_of(m->report->what),
        .file = report_file_name(m->report, &m->span, m->name),
        .host = str_of(errand->host),
    };
    if (!report_store_begin(errand->store, &m->key, &m->run, clock_wall_us(), &is_begun, err))
        return false;
    if (!is_begun)
        return true;
    sweep(m);
    return write_file(errand, m, &made, &why) ? note_made(errand, m, &made, err)
                                              : note_failure(errand, m, &why, err);
}

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
static bool find_first(struct errand *errand, const struct making *m,
                       const struct report_span *last, struct report_span *first, struct error *err)
{
    int64_t begun_us = 0;
    int64_t since_us = m->report->since_us;
    if (!report_store_first(errand->store, &m->key, &begun_us, err))
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

static bool make_due(struct errand *errand, struct making *m, const struct report_span *last,
                     int64_t *next_us, struct error *err)
{
    int64_t done_us[REPORT_DONE_MAX];
    size_t count = 0;
    struct report_span first;
    if (!find_first(errand, m, last, &first, err) ||
        !report_store_done(errand->store, &m->key, first.from_us, clock_wall_us(), done_us, &count,
                           next_us, err))
        return false;
    for (m->span = first; m->span.from_us <= last->from_us;
         m->span = report_span_next(m->report->period, &m->span)) {
        if (is_done(done_us, count, m->span.from_us))
            continue;
        if (!make(errand, m, err))
            return false;
        *next_us = 0; /* it may have failed: look again */
    }
    return true;
}

static bool look(struct errand *errand, size_t i, struct error *err)
{
    const struct report *report = &errand->reports.at[i];
    struct making m = {
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
    if (!report_store_lock(errand->store, &m.key, &is_ours, err))
        return false;
    if (!is_ours)
        return true;
    if (!make_due(errand, &m, &last, &next_us, err) ||
        !report_store_unlock(errand->store, &m.key, err))
        return false;
    int64_t end_us = now.to_us + report->wait_us;
    errand->look_us[i] = next_us < end_us ? next_us : end_us;
    return true;
}

/* ---- the process ------------------------------------------------------------------------------- */

/* At any moment: what is half done is as a crash would leave it. */
static void leave(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

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
    static struct errand errand;
    struct error err = {.text = ""};
    struct sigaction action = {.sa_handler = leave};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    errand.config = config;
    if (gethostname(errand.host, sizeof(errand.host) - 1) != 0)
        errand.host[0] = '\0';
    bool ok = reports_load(&errand.reports, config->reports_file, &err);
    errand.store = ok ? report_store_open(config->database, &err) : NULL;
    if (errand.store != NULL)
        (void)run(&errand, &err);
    log_warn("reporter", "cannot go on", LOG_CSTR("error", err.text));
    report_store_close(&errand.store);
    return 1;
}
