#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ledger/pg.h"
#include "ledger/redo_internal.h"
#include "ledger/redo_texts.h"

enum {
    UNTOLD_BEFORE_MS =
        5000, /* what was sent so long before what is there may not be there itself */
    PROGRESS_EVERY = 32,
    TELL_MAX = 20, /* transactions that do not fit, one line each */
    WHY_SIZE = 200,
};

struct redo {
    const struct redo_asked *asked;
    struct redo_result *result;
    struct journals journals;
    struct redo_keys *keys; /* owned */
    PGconn *conn;           /* owned */
    bool is_prepared[SQL_COUNT];
    struct redo_job **list; /* owned; what is to be written again */
    size_t count;
    size_t done;
    char why[WHY_SIZE]; /* the last transaction did not fit */
    char first_why[WHY_SIZE];
    size_t misfits;
};

/* ---- one transaction ------------------------------------------------------------------------- */

enum fit {
    FIT_WRITTEN = 0,
    FIT_NOT,  /* refused: rolled back */
    FIT_AWAY, /* the database is away */
};

static bool command(struct redo *redo, const char *sql)
{
    PGresult *res = PQexec(redo->conn, sql);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    return ok;
}

static void note_why(struct redo *redo, const char *where, const PGresult *res)
{
    const char *message = res == NULL ? NULL : PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    (void)snprintf(redo->why, sizeof(redo->why), "%s: %s", where,
                   message != NULL ? message : PQerrorMessage(redo->conn));
}

static bool prepare(struct redo *redo, enum sql sql)
{
    if (redo->is_prepared[sql])
        return true;
    PGresult *res = PQprepare(redo->conn, sql_text(sql)->name, redo_text(sql), 0, NULL);
    redo->is_prepared[sql] = PQresultStatus(res) == PGRES_COMMAND_OK;
    if (!redo->is_prepared[sql])
        note_why(redo, sql_text(sql)->name, res);
    PQclear(res);
    return redo->is_prepared[sql];
}

/* Whoever won then has won now, and nobody else. */
static bool same_won(const struct redo_job *job, enum sql sql, const PGresult *res)
{
    size_t won = 0;
    for (int row = 0; row < PQntuples(res); row++) {
        struct uuid payment_id;
        if (!journal_row_won(sql, res, row, &payment_id))
            continue;
        size_t i = 0;
        while (i < job->won_count && !uuid_eq(&job->won[i], &payment_id))
            i++;
        if (i == job->won_count)
            return false;
        won++;
    }
    return won == job->won_count;
}

static bool run_statement(struct redo *redo, const struct redo_job *job,
                          const struct journal_statement *statement)
{
    int formats[PARAMS_MAX];
    for (unsigned i = 0; i < statement->count; i++)
        formats[i] = 1;
    const char *name = sql_text(statement->sql)->name;
    if (!prepare(redo, statement->sql))
        return false;
    PGresult *res = PQexecPrepared(redo->conn, name, (int)statement->count, statement->value,
                                   statement->length, formats, 1);
    ExecStatusType status = PQresultStatus(res);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!ok)
        note_why(redo, name, res);
    if (ok && journal_decides(statement->sql) && job->knows_won &&
        !same_won(job, statement->sql, res)) {
        ok = false;
        (void)snprintf(redo->why, sizeof(redo->why), "%s: it decides otherwise now", name);
    }
    PQclear(res);
    return ok;
}

static enum fit run_job(struct redo *redo, const struct redo_job *job)
{
    struct str rest = job->statements;
    struct journal_statement statement;
    redo->why[0] = '\0';
    bool ok = command(redo, "BEGIN");
    while (ok && rest.len > 0) {
        if (!journal_statement_next(&rest, &statement)) {
            ok = false;
            (void)snprintf(redo->why, sizeof(redo->why), "its record cannot be read");
        } else {
            ok = run_statement(redo, job, &statement);
        }
    }
    if (ok && command(redo, "COMMIT"))
        return FIT_WRITTEN;
    if (PQstatus(redo->conn) != CONNECTION_OK)
        return FIT_AWAY;
    return command(redo, "ROLLBACK") ? FIT_NOT : FIT_AWAY;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void tell_misfit(struct redo *redo, const struct redo_job *job)
{
    char id[UUID_TEXT_SIZE];
    if (redo->misfits++ == 0)
        (void)str_copy_to(str_of(redo->why), redo->first_why, sizeof(redo->first_why));
    if (redo->misfits <= TELL_MAX)
        log_error(
            "restore", "a transaction of the journal does not fit into this database",
            LOG_STR("writer", uuid_format(&redo->journals.writer[job->writer].head.writer_id, id)),
            LOG_INT("batch", job->batch_no), LOG_INT("sent_us", job->sent_us),
            LOG_CSTR("why", redo->why));
}

static void count_written(struct redo *redo, struct redo_job *job)
{
    job->is_there = true;
    if (job->batch_no > 0)
        redo->result->batches++;
    else
        redo->result->calls++;
}

/* What may be left out: nobody knows of it, or it says itself that it changed nothing (a count of 0). */
static bool may_miss(const struct redo_job *job)
{
    return job->fate != REDO_COMMITTED || job->batch_no == 0 ||
           (job->won_count == 1 && uuid_is_zero(&job->won[0]));
}

/*
 * In their order; what does not fit yet (clocks of two hosts) waits for the others, as long as any of
 * them still fits.
 */
static bool run_list(struct redo *redo, struct error *err)
{
    size_t left = redo->count;
    bool has_moved = true;
    while (left > 0 && has_moved) {
        size_t waiting = 0;
        has_moved = false;
        for (size_t i = 0; i < left; i++) {
            struct redo_job *job = redo->list[i];
            CHECK(job != NULL);
            enum fit fit = run_job(redo, job);
            if (fit == FIT_AWAY)
                return fail(err, ERROR_UNAVAILABLE, "writing the journal again: %s",
                            PQerrorMessage(redo->conn));
            if (fit == FIT_WRITTEN) {
                has_moved = true;
                count_written(redo, job);
                if (++redo->done % PROGRESS_EVERY == 0 && redo->asked->progress != NULL)
                    redo->asked->progress(redo->asked->ctx, redo->done, redo->count);
            } else {
                redo->list[waiting++] = job;
            }
        }
        left = waiting;
    }
    /* A redo that died may have had a commit on its way, which nobody saw before its standby had it. */
    if (left > 0 && !redo_compare(redo->conn, &redo->journals, NULL, err))
        return false;
    for (size_t i = 0; i < left; i++) {
        struct redo_job *job = redo->list[i];
        CHECK(job != NULL);
        if (job->is_there) {
            count_written(redo, job);
        } else if (may_miss(job)) {
            redo->result->dropped++;
        } else {
            (void)run_job(redo, job); /* why, once more */
            tell_misfit(redo, job);
        }
    }
    if (redo->misfits == 0)
        return true;
    return fail(
        err, ERROR_CONFLICT,
        "%zu transactions of the journal do not fit into this database (%s): it was changed "
        "after it was restored; restore it again and start the gateway before anything else "
        "writes, or reconcile by hand and start with --restored by-hand",
        redo->misfits, redo->first_why);
}

/* ---- before ---------------------------------------------------------------------------------- */

static bool is_concerned(const struct redo *redo, uint32_t writer)
{
    for (size_t i = 0; i < redo->count; i++) {
        const struct redo_job *job = redo->list[i];
        CHECK(job != NULL);
        if (job->writer == writer)
            return true;
    }
    return false;
}

/* What was lost in a gap before the first that is missing is there. */
static bool check_writers(const struct redo *redo, struct error *err)
{
    char id[UUID_TEXT_SIZE];
    for (size_t i = 0; i < redo->journals.writer_count; i++) {
        const struct journal_writer *writer = &redo->journals.writer[i];
        if (writer->is_foreign && is_concerned(redo, (uint32_t)i))
            return fail(
                err, ERROR_CONFLICT,
                "the journal was written by another version of turnpike: start that version "
                "once, so that it writes the ledger again");
        if (writer->gap_us != 0 && writer->gap_us >= redo->result->since_us)
            return fail(err, ERROR_CONFLICT,
                        "the journal of writer " STR_FMT " has a gap: its disk was full, or files "
                        "are missing; put them back, or reconcile by hand and start with "
                        "--restored by-hand",
                        STR_ARG(uuid_format(&writer->head.writer_id, id)));
    }
    return true;
}

/* The first batch that a journal has must follow the last that the ledger has. */
static bool check_reach(struct redo *redo, struct error *err)
{
    for (uint32_t w = 0; w < redo->journals.writer_count; w++) {
        const struct journal_writer *writer = &redo->journals.writer[w];
        char id[UUID_TEXT_SIZE];
        int64_t last;
        int64_t first = INT64_MAX;
        if (writer->first_number == 1)
            continue;
        for (size_t i = 0; i < redo->journals.job_count; i++) {
            const struct redo_job *job = &redo->journals.job[i];
            if (job->writer == w && job->batch_no > 0 && job->batch_no < first)
                first = job->batch_no;
        }
        (void)uuid_format(&writer->head.writer_id, id);
        if (!redo_ask_number(redo->conn, REDO_LAST_MARK, (const char *[]){id}, 1, &last, err))
            return false;
        if (first != INT64_MAX && last + 1 < first)
            return fail(
                err, ERROR_CONFLICT,
                "the journal begins after the end of this database (batch %lld of writer "
                "%s, the ledger has %lld): restore a later moment, or reconcile by hand and "
                "start with --restored by-hand",
                (long long)first, id, (long long)last);
    }
    return true;
}

static bool has_writer(const struct journals *journals, const char *text)
{
    for (size_t i = 0; i < journals->writer_count; i++) {
        char id[UUID_TEXT_SIZE];
        if (str_eq(uuid_format(&journals->writer[i].head.writer_id, id), str_of(text)))
            return true;
    }
    return false;
}

static bool check_others(struct redo *redo, struct error *err)
{
    PGresult *res = redo_ask(redo->conn, REDO_WRITERS, NULL, 0, err);
    bool ok = res != NULL;
    for (int row = 0; ok && row < PQntuples(res); row++) {
        const char *id = PQgetvalue(res, row, 0);
        if (!has_writer(&redo->journals, id) && !redo->asked->alone)
            ok = fail(
                err, ERROR_CONFLICT,
                "gateway %s wrote into this database, too, and its journal %s.*.journal is not "
                "in %s: copy its files here, or start with --restored alone if it has none",
                PQgetvalue(res, row, 1), id, redo->asked->folder);
    }
    PQclear(res);
    return ok;
}

/* Those that nobody of this database knows; their numbers are given in the order of their starts. */
static bool register_writers(struct redo *redo, struct error *err)
{
    bool ok = true;
    struct params params;
    params_init(&params);
    for (size_t i = 0; ok && i < redo->journals.writer_count; i++) {
        const struct journal_head *head = &redo->journals.writer[i].head;
        const char *values[PARAMS_MAX];
        int formats[PARAMS_MAX];
        params_clear(&params);
        params_uuid(&params, &head->writer_id);
        params_uuid(&params, &head->instance_id);
        params_uuid(&params, &head->boot_id);
        params_int4(&params, (int32_t)head->slot);
        params_time(&params, head->started_us);
        params_time(&params, head->started_us);
        for (unsigned p = 0; p < params.count; p++) {
            values[p] = params.bytes.at + params.offset[p];
            formats[p] = 1;
        }
        PGresult *res = PQexecParams(redo->conn, sql_text(SQL_REGISTER)->text, (int)params.count,
                                     NULL, values, params.length, formats, 1);
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            ok = fail(err, ERROR_UNAVAILABLE, "registering a writer: %s",
                      PQerrorMessage(redo->conn));
        PQclear(res);
    }
    params_release(&params);
    return ok;
}

static bool settle_connection(struct redo *redo, struct error *err)
{
    const char *values[] = {"60000", "turnpike restore"};
    PGresult *res = redo_ask(redo->conn, sql_settings(SQL_WRITER), values, 2, err);
    PQclear(res);
    return res != NULL;
}

static void note_warning(void *ctx, const PGresult *res)
{
    bool *is_warned = ctx;
    *is_warned = *is_warned || pg_tells_ended_wait(res);
}

static bool run_setting(struct redo *redo, const char *sql, struct error *err)
{
    PGresult *res = redo_ask(redo->conn, sql, NULL, 0, err);
    PQclear(res);
    return res != NULL;
}

/*
 * No transaction waits for the disk or a standby: what a crash takes back is missing again, and is written
 * again. Who goes on needs all of it to stay: a message in the log, whose own commit waits for what is
 * before it. A warning of that commit says that somebody has ended its wait.
 */
static bool force(struct redo *redo, struct error *err)
{
    bool is_warned = false;
    if (!run_setting(redo, "RESET synchronous_commit", err))
        return false;
    PQnoticeReceiver before = PQsetNoticeReceiver(redo->conn, note_warning, &is_warned);
    bool ok = run_setting(redo, REDO_FORCE, err);
    (void)PQsetNoticeReceiver(redo->conn, before, NULL);
    return ok &&
           (!is_warned || fail(err, ERROR_UNAVAILABLE,
                               "the standby does not say that it has what was written again"));
}

/*
 * Which jobs: from the first one that is missing on. What nobody knows of, from the last one on that is
 * there: a committed one may build on it.
 */
static void choose(struct redo *redo)
{
    struct journals *journals = &redo->journals;
    int64_t since_us = 0;
    int64_t there_us = 0;
    for (size_t i = 0; since_us == 0 && i < journals->job_count; i++) {
        const struct redo_job *job = &journals->job[i];
        if (job->is_there)
            there_us = job->sent_us;
        else if (job->batch_no != 0 && job->fate == REDO_COMMITTED)
            since_us = job->sent_us;
    }
    redo->result->since_us = since_us;
    redo->list = calloc(journals->job_count + 1, sizeof(struct redo_job *));
    CHECK(redo->list != NULL);
    for (size_t i = 0; since_us != 0 && i < journals->job_count; i++) {
        struct redo_job *job = &journals->job[i];
        bool is_untold = job->fate == REDO_UNTOLD || job->batch_no == 0;
        int64_t from_us = is_untold ? there_us - UNTOLD_BEFORE_MS * CLOCK_MS_US : since_us;
        if (job->is_there || job->fate == REDO_NEVER || job->sent_us < from_us)
            continue;
        if (job->fate == REDO_UNTOLD && redo_keys_has(redo->keys, job)) {
            redo->result->dropped++;
            continue;
        }
        redo->list[redo->count++] = job;
    }
}

static bool write_again(struct redo *redo, struct error *err)
{
    if (!settle_connection(redo, err) || !run_setting(redo, "SET synchronous_commit = off", err) ||
        !redo_compare(redo->conn, &redo->journals, NULL, err))
        return false;
    redo->keys = redo_keys_new(&redo->journals);
    choose(redo);
    if (redo->count == 0)
        return force(redo, err); /* of a redo that died, or of the restored server itself */
    if (!check_writers(redo, err) || !check_reach(redo, err) || !check_others(redo, err) ||
        !register_writers(redo, err))
        return false;
    log_warn("restore", "the ledger lacks what the journal has; writing it again",
             LOG_INT("transactions", (int64_t)redo->count),
             LOG_INT("since_us", redo->result->since_us));
    return run_list(redo, err) && force(redo, err);
}

bool redo_run(const struct redo_asked *asked, struct redo_result *result, struct error *err)
{
    struct redo redo = {.asked = asked, .result = result};
    memset(result, 0, sizeof(*result));
    if (!journals_read(&redo.journals, asked->folder, false, err))
        return false;
    bool ok = redo_connect(asked->conninfo, &redo.conn, err) && write_again(&redo, err);
    if (redo.conn != NULL)
        PQfinish(redo.conn);
    redo_keys_free(&redo.keys);
    free(redo.list);
    journals_release(&redo.journals);
    return ok;
}
