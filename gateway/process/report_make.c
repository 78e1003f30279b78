#include "process/report_make.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"

enum {
    NICE = 10,
    TOLD_MS = 2000, /* between two words on how far it is */
    LEFT_MAX = 16,  /* epochs before ours whose files are looked for */
};

#define MINUTE_US    (INT64_C(60) * CLOCK_SECOND_US)
#define AGAIN_MAX_US (INT64_C(360) * MINUTE_US)

/* ---- the file ---------------------------------------------------------------------------------- */

static bool put_partial_path(const struct report_making *m, int64_t epoch,
                             char out[EXPORT_PATH_SIZE])
{
    int len = snprintf(out, EXPORT_PATH_SIZE, "%s/.%s.%lld.partial", m->report->folder, m->name,
                       (long long)epoch);
    return len > 0 && len < EXPORT_PATH_SIZE;
}

/* What those left who were killed at it. */
static void sweep(const struct report_making *m)
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

/* How far it is, now and then; whether it can go on without the database shows at its end. */
static void told(void *ctx, uint64_t rows, uint64_t bytes, int64_t at_us)
{
    struct report_making *m = ctx;
    struct error ignored;
    int64_t now_us = clock_mono_us();
    if (now_us - m->told_us < TOLD_MS * CLOCK_MS_US)
        return;
    m->told_us = now_us;
    if (!report_store_progress(m->maker->store, &m->key, &m->run, (int64_t)rows, (int64_t)bytes,
                               at_us, &ignored))
        log_warn(m->maker->name, "cannot say how far it is", LOG_CSTR("error", ignored.text));
}

static bool write_file(const struct report_maker *maker, struct report_making *m,
                       struct report_made *made, struct error *err)
{
    char partial[EXPORT_PATH_SIZE];
    char merchant[ID_TEXT_SIZE];
    uint64_t rows = 0;
    struct export_file file = {
        .database = maker->config->reports_database,
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
                .progress = told,
                .ctx = m,
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

static bool note_failure(const struct report_maker *maker, const struct report_making *m,
                         const struct error *why, struct error *err)
{
    int64_t pause_us = MINUTE_US;
    for (int i = 1; i < m->run.tries && pause_us < AGAIN_MAX_US; i++)
        pause_us *= 2;
    pause_us = pause_us < AGAIN_MAX_US ? pause_us : AGAIN_MAX_US;
    bool is_final = m->tries_max > 0 && m->run.tries >= m->tries_max;
    log_error(maker->name, is_final ? "a report failed" : "a report failed; once more later",
              LOG_CSTR("report", m->report->name), LOG_CSTR("file", m->name),
              LOG_CSTR("error", why->text), LOG_INT("again_s", pause_us / CLOCK_SECOND_US));
    return report_store_failed(maker->store, &m->key, &m->run, str_of(why->text),
                               clock_wall_us() + pause_us, is_final, err);
}

static bool note_made(const struct report_maker *maker, const struct report_making *m,
                      struct report_made *made, struct error *err)
{
    bool is_ours = false;
    made->event_id = uuid_new();
    made->is_announced = m->report->is_announced;
    if (!report_store_made(maker->store, &m->key, &m->run, made, clock_wall_us(), &is_ours, err))
        return false;
    if (is_ours)
        log_info(maker->name, "made a report", LOG_CSTR("report", m->report->name),
                 LOG_CSTR("file", m->name), LOG_INT("rows", made->rows),
                 LOG_INT("bytes", made->bytes));
    else
        log_warn(maker->name, "another host makes the same report: this one was too slow",
                 LOG_CSTR("report", m->report->name), LOG_CSTR("file", m->name));
    return true;
}

bool report_make(const struct report_maker *maker, struct report_making *m, struct error *err)
{
    struct report_made made = {.rows = 0};
    struct error why = {.text = ""};
    bool is_begun = false;
    m->maker = maker;
    m->told_us = clock_mono_us();
    m->run = (struct report_run){
        .from_us = m->span.from_us,
        .to_us = m->span.to_us,
        .what = str_of(m->report->what),
        .file = str_of(m->name),
        .host = str_of(maker->host),
    };
    if (!report_store_begin(maker->store, &m->key, &m->run, clock_wall_us(), &is_begun, err))
        return false;
    if (!is_begun)
        return true;
    sweep(m);
    if (m->tries_max > 0 && m->run.tries > m->tries_max + LEFT_MAX)
        (void)fail(&why, ERROR_IO, "it was begun %d times, and who made it died each time",
                   m->run.tries - 1);
    else if (write_file(maker, m, &made, &why))
        return note_made(maker, m, &made, err);
    return note_failure(maker, m, &why, err);
}

/* ---- the process ------------------------------------------------------------------------------- */

/* At any moment: what is half done is as a crash would leave it. */
static void leave(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

bool report_maker_open(struct report_maker *maker, const struct config *config, struct error *err)
{
    struct sigaction action = {.sa_handler = leave};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    maker->config = config;
    if (gethostname(maker->host, sizeof(maker->host) - 1) != 0)
        maker->host[0] = '\0';
    maker->store = report_store_open(config->database, err);
    return maker->store != NULL;
}

void report_maker_close(struct report_maker *maker)
{
    report_store_close(&maker->store);
}
