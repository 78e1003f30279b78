#include "ledger/redo.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/journal_read.h"
#include "ledger/redo_internal.h"
#include "ledger/redo_texts.h"

enum {
    /* A transaction ends within seconds of being sent: if the newest are there, so is all before. */
    LOOK_MS = 120000,
};

/* ---- the database ---------------------------------------------------------------------------- */

static bool fail_conn(PGconn *conn, const char *doing, struct error *err)
{
    struct str text = str_of(PQerrorMessage(conn));
    text = str_cut(&text, '\n');
    return fail(err, ERROR_UNAVAILABLE, "%s: " STR_FMT, doing, STR_ARG(text));
}

static void ignore_notice(void *ctx UNUSED, const PGresult *res UNUSED)
{
}

bool redo_connect(const char *conninfo, PGconn **conn, struct error *err)
{
    *conn = PQconnectdb(conninfo);
    CHECK(*conn != NULL);
    PQsetNoticeReceiver(*conn, ignore_notice, NULL);
    if (PQstatus(*conn) != CONNECTION_OK) {
        (void)fail_conn(*conn, "connecting to the database", err);
        PQfinish(*conn);
        *conn = NULL;
        return false;
    }
    return true;
}

/* In text; NULL: it failed. */
PGresult *redo_ask(PGconn *conn, const char *sql, const char *const *values, int count,
                   struct error *err)
{
    PGresult *res = PQexecParams(conn, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return res;
    (void)fail_conn(conn, "asking the ledger", err);
    PQclear(res);
    return NULL;
}

bool redo_ask_number(PGconn *conn, const char *sql, const char *const *values, int count,
                     int64_t *number, struct error *err)
{
    PGresult *res = redo_ask(conn, sql, values, count, err);
    if (res == NULL)
        return false;
    bool ok = PQntuples(res) == 1 && str_to_int64(str_of(PQgetvalue(res, 0, 0)), number);
    PQclear(res);
    return ok || fail(err, ERROR_INTERNAL, "the ledger answered no number");
}

/* ---- what the ledger has --------------------------------------------------------------------- */

/* Which marks of a writer are asked for: batches are numbered upwards, calls downwards from -1. */
struct reach {
    int64_t batch; /* from here up; INT64_MAX: none */
    int64_t call;  /* from here down; INT64_MIN: none */
};

static bool is_compared(const struct redo_job *job, const int64_t *from_us)
{
    return job->batch_no != 0 && (from_us == NULL || job->sent_us >= from_us[job->writer]);
}

static struct reach *find_reach(const struct journals *journals, const int64_t *from_us)
{
    struct reach *reach = calloc(journals->writer_count + 1, sizeof(*reach));
    CHECK(reach != NULL);
    for (size_t i = 0; i < journals->writer_count; i++)
        reach[i] = (struct reach){INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < journals->job_count; i++) {
        const struct redo_job *job = &journals->job[i];
        struct reach *its = &reach[job->writer];
        if (!is_compared(job, from_us))
            continue;
        if (job->batch_no > 0 && job->batch_no < its->batch)
            its->batch = job->batch_no;
        if (job->batch_no < 0 && job->batch_no > its->call)
            its->call = job->batch_no;
    }
    return reach;
}

struct mark {
    int64_t batch_no;
    bool is_probe;
};

static int compare_marks(const void *key, const void *element)
{
    int64_t wanted = *(const int64_t *)key;
    int64_t has = ((const struct mark *)element)->batch_no;
    return wanted < has ? -1 : wanted > has;
}

static bool load_marks(PGconn *conn, const struct uuid *writer_id, const struct reach *reach,
                       struct mark **marks, size_t *count, struct error *err)
{
    char id[UUID_TEXT_SIZE];
    char batch[24];
    char call[24];
    (void)uuid_format(writer_id, id);
    (void)snprintf(batch, sizeof(batch), "%lld", (long long)reach->batch);
    (void)snprintf(call, sizeof(call), "%lld", (long long)reach->call);
    PGresult *res = redo_ask(conn, REDO_MARKS, (const char *[]){id, batch, call}, 3, err);
    if (res == NULL)
        return false;
    *count = (size_t)PQntuples(res);
    *marks = calloc(*count + 1, sizeof(**marks));
    CHECK(*marks != NULL);
    for (size_t i = 0; i < *count; i++) {
        (void)str_to_int64(str_of(PQgetvalue(res, (int)i, 0)), &(*marks)[i].batch_no);
        (*marks)[i].is_probe = strcmp(PQgetvalue(res, (int)i, 1), "true") == 0;
    }
    PQclear(res);
    return true;
}

/* A probe's row says that the batch can never be committed: whatever the journal knows of it. */
static void note_marks(struct journals *journals, uint32_t writer, const int64_t *from_us,
                       const struct mark *marks, size_t count)
{
    for (size_t i = 0; i < journals->job_count; i++) {
        struct redo_job *job = &journals->job[i];
        if (job->writer != writer || !is_compared(job, from_us))
            continue;
        const struct mark *mark =
            bsearch(&job->batch_no, marks, count, sizeof(*marks), compare_marks);
        job->is_there = mark != NULL && !mark->is_probe;
        if (mark != NULL && mark->is_probe)
            job->fate = REDO_NEVER;
    }
}

bool redo_compare(PGconn *conn, struct journals *journals, const int64_t *from_us,
                  struct error *err)
{
    struct reach *reach = find_reach(journals, from_us);
    bool ok = true;
    for (uint32_t w = 0; ok && w < journals->writer_count; w++) {
        struct mark *marks;
        size_t count;
        if (reach[w].batch == INT64_MAX && reach[w].call == INT64_MIN)
            continue;
        ok = load_marks(conn, &journals->writer[w].head.writer_id, &reach[w], &marks, &count, err);
        if (ok) {
            note_marks(journals, w, from_us, marks, count);
            free(marks);
        }
    }
    free(reach);
    return ok;
}

/* ---- looking --------------------------------------------------------------------------------- */

static void path_of(char path[JOURNAL_PATH_MAX], const char *folder, const char *name)
{
    (void)snprintf(path, JOURNAL_PATH_MAX, "%s/%s", folder, name);
}

static bool read_line(const char *folder, const char *name, char *out, size_t size)
{
    char path[JOURNAL_PATH_MAX];
    path_of(path, folder, name);
    FILE *in = fopen(path, "re");
    bool ok = in != NULL && fgets(out, (int)size, in) != NULL;
    if (in != NULL)
        (void)fclose(in);
    if (ok)
        out[strcspn(out, "\n")] = '\0';
    return ok;
}

static bool write_line(const char *folder, const char *name, const char *line, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    char temporary[JOURNAL_PATH_MAX];
    path_of(path, folder, name);
    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return fail(err, ERROR_INVALID, "the path of %s is too long", name);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && dprintf(fd, "%s\n", line) > 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    ok = ok && rename(temporary, path) == 0;
    return ok || fail(err, ERROR_IO, "cannot write %s: %s", path, strerror(errno));
}

static bool is_known(const struct redo_job *job)
{
    return job->batch_no != 0 && job->fate == REDO_COMMITTED;
}

static bool has_known(const struct journals *journals)
{
    for (size_t i = 0; i < journals->job_count; i++) {
        if (is_known(&journals->job[i]))
            return true;
    }
    return false;
}

/*
 * From when on each writer's marks are compared: a while before the newest one of which its journal knows
 * that it was committed. The newest by its number: the clock may have been set back since.
 */
static int64_t *find_newest(const struct journals *journals)
{
    int64_t *from_us = calloc(journals->writer_count + 1, sizeof(*from_us));
    int64_t *newest = calloc(journals->writer_count + 1, sizeof(*newest));
    CHECK(from_us != NULL && newest != NULL);
    for (size_t i = 0; i < journals->job_count; i++) {
        const struct redo_job *job = &journals->job[i];
        if (!is_known(job) || job->id <= newest[job->writer])
            continue;
        newest[job->writer] = job->id;
        from_us[job->writer] = job->sent_us - LOOK_MS * CLOCK_MS_US;
    }
    free(newest);
    return from_us;
}

static bool compare_newest(PGconn *conn, struct journals *journals, struct redo_look *look,
                           struct error *err)
{
    int64_t payments = 0;
    if (!redo_ask_number(conn, REDO_PAYMENT_COUNT, NULL, 0, &payments, err))
        return false;
    /* The same one without a payment was set back to before the first. */
    if (look->is_other_database && payments == 0) {
        look->found = REDO_NO_LEDGER;
        return true;
    }
    look->found = REDO_COMPLETE;
    int64_t *from_us = find_newest(journals);
    bool ok = redo_compare(conn, journals, from_us, err);
    for (size_t i = 0; ok && i < journals->job_count; i++) {
        const struct redo_job *job = &journals->job[i];
        if (job->is_there || !is_known(job) || job->sent_us < from_us[job->writer])
            continue;
        look->first_us = look->lost_count == 0 ? job->sent_us : look->first_us;
        look->lost_count++;
        look->found = REDO_LOST;
    }
    free(from_us);
    return ok;
}

/* The newest files of each writer; all of them if nothing in these is known to be committed. */
static bool read_newest(struct journals *journals, const char *folder, struct error *err)
{
    if (!journals_read(journals, folder, true, err))
        return false;
    if (journals->job_count == 0 || has_known(journals))
        return true;
    journals_release(journals);
    return journals_read(journals, folder, false, err);
}

static bool identify(PGconn *conn, struct redo_look *look, bool *has_schema, struct error *err)
{
    PGresult *res = redo_ask(conn, REDO_IDENTITY, NULL, 0, err);
    bool ok = res != NULL && PQntuples(res) == 1;
    if (ok) {
        *has_schema = strcmp(PQgetvalue(res, 0, 1), "t") == 0;
        (void)str_copy_to(str_of(PQgetvalue(res, 0, 0)), look->identity, sizeof(look->identity));
    }
    PQclear(res);
    return ok;
}

bool redo_look(const char *conninfo, const char *folder, struct redo_look *look, struct error *err)
{
    struct journals journals;
    PGconn *conn = NULL;
    char named[sizeof(look->identity)];
    bool has_schema;
    memset(look, 0, sizeof(*look));
    if (!read_newest(&journals, folder, err))
        return false;
    bool ok = journals.job_count == 0 ||
              (redo_connect(conninfo, &conn, err) && identify(conn, look, &has_schema, err));
    if (ok && conn != NULL) {
        look->found = REDO_NO_LEDGER;
        look->is_other_database = read_line(folder, "database", named, sizeof(named)) &&
                                  strcmp(named, look->identity) != 0;
        ok = !has_schema || compare_newest(conn, &journals, look, err);
    }
    if (conn != NULL)
        PQfinish(conn);
    journals_release(&journals);
    return ok;
}

bool redo_name_now(const char *conninfo, const char *folder, struct error *err)
{
    struct redo_look look;
    PGconn *conn;
    bool has_schema;
    if (!redo_connect(conninfo, &conn, err))
        return false;
    bool ok = identify(conn, &look, &has_schema, err);
    PQfinish(conn);
    return ok && redo_name(folder, look.identity, err);
}

bool redo_name(const char *folder, const char *identity, struct error *err)
{
    char named[64];
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(err, ERROR_IO, "cannot make %s: %s", folder, strerror(errno));
    return (read_line(folder, "database", named, sizeof(named)) && strcmp(named, identity) == 0) ||
           write_line(folder, "database", identity, err);
}

bool redo_is_begun(const char *folder, int64_t *since_us)
{
    char line[32];
    return read_line(folder, "restoring", line, sizeof(line)) &&
           str_to_int64(str_of(line), since_us);
}

bool redo_note_begun(const char *folder, int64_t since_us, struct error *err)
{
    char line[32];
    (void)snprintf(line, sizeof(line), "%lld", (long long)since_us);
    return write_line(folder, "restoring", line, err);
}

bool redo_note_over(const char *folder, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    path_of(path, folder, "restoring");
    return unlink(path) == 0 || errno == ENOENT ||
           fail(err, ERROR_IO, "cannot delete %s: %s", path, strerror(errno));
}

bool redo_set_aside(const char *folder, struct error *err)
{
    struct journals journals;
    bool ok = journals_read(&journals, folder, true, err);
    for (size_t i = 0; ok && i < journals.map_count; i++) {
        char path[JOURNAL_PATH_MAX];
        char aside[JOURNAL_PATH_MAX];
        path_of(path, folder, journals_file(&journals, i));
        if (snprintf(aside, sizeof(aside), "%s.aside", path) >= (int)sizeof(aside) ||
            rename(path, aside) != 0)
            ok = fail(err, ERROR_IO, "cannot set %s aside: %s", path, strerror(errno));
    }
    journals_release(&journals);
    return ok && redo_note_over(folder, err);
}

bool redo_left(const char *conninfo, int64_t since_us, int64_t *left, struct error *err)
{
    PGconn *conn;
    char since[24];
    if (!redo_connect(conninfo, &conn, err))
        return false;
    (void)snprintf(since, sizeof(since), "%lld", (long long)(since_us / CLOCK_SECOND_US));
    bool ok = redo_ask_number(conn, REDO_LEFT, (const char *[]){since}, 1, left, err);
    PQfinish(conn);
    return ok;
}
