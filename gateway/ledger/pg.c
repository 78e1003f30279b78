#include "ledger/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ledger/journal.h"
#include "base/rng.h"
#include "ledger/servers.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    RECONNECT_MAX_MS = 5000,
    ANSWER_GRACE_MS = 5000, /* beyond the statement time-out the server is taken for gone */
};

struct pg {
    struct loop *loop;
    struct pg_config config;
    struct servers *servers; /* owned */
    PGconn *conn;            /* owned; NULL when closed */
    struct event *reader;    /* owned */
    struct event *writer;    /* owned */
    struct loop_timer timer; /* closed: the pause; connecting: the limit; ready: the oldest job's */
    enum pg_state state;
    struct link jobs; /* in flight, oldest first */
    unsigned job_count;
    bool is_broken;  /* libpq refused to send; closed from the timer */
    bool is_between; /* the answer to a statement has begun and its end has not been read */
    bool is_warned;  /* the commit in hand may not be at the standby */
    int64_t pause_ms;
    bool was_told; /* of this outage */
    struct pg_job setup;
};

/* ---- leaving and coming back ----------------------------------------------------------------- */

static void enter(struct pg *pg, enum pg_state state)
{
    pg->state = state;
}

static void drop_events(struct pg *pg)
{
    if (pg->reader != NULL)
        event_free(pg->reader);
    if (pg->writer != NULL)
        event_free(pg->writer);
    pg->reader = NULL;
    pg->writer = NULL;
}

static void disconnect(struct pg *pg)
{
    drop_events(pg);
    loop_timer_stop(&pg->timer);
    if (pg->conn != NULL)
        PQfinish(pg->conn);
    pg->conn = NULL;
    pg->is_broken = false;
    pg->is_between = false;
    pg->is_warned = false;
    enter(pg, PG_CLOSED);
}

/* Half of the pause is fixed, half is drawn: a hundred workers do not come back in one instant. */
static int64_t next_pause_us(struct pg *pg)
{
    uint32_t draw;
    rng_fill(&draw, sizeof(draw));
    int64_t pause_us = pg->pause_ms * CLOCK_MS_US;
    pg->pause_ms *= 2;
    if (pg->pause_ms > RECONNECT_MAX_MS)
        pg->pause_ms = RECONNECT_MAX_MS;
    return pause_us / 2 + (int64_t)(draw % (uint64_t)(pause_us / 2 + 1));
}

static struct str first_line(const char *text)
{
    struct str rest = str_of(text);
    return str_cut(&rest, '\n');
}

/* Close, end every job that was in flight as lost, and come back later. */
static void lose(struct pg *pg, struct str why)
{
    if (!pg->was_told) {
        log_warn("ledger", "database connection lost",
                 LOG_CSTR("kind", sql_kind_name(pg->config.kind)), LOG_STR("why", why),
                 LOG_INT("jobs", pg->job_count));
    }
    pg->was_told = true;
    struct pg_failure failure = {.sql = SQL_NONE};
    (void)fail(&failure.err, ERROR_UNAVAILABLE, "database connection lost: " STR_FMT, STR_ARG(why));
    struct link lost;
    list_init(&lost);
    while (!list_is_empty(&pg->jobs)) {
        struct link *link = pg->jobs.next;
        list_remove(link);
        list_add_last(&lost, link);
    }
    pg->job_count = 0;
    /* Another server may be there already; the one that was there is asked first. */
    bool is_pause = pg->state == PG_READY || servers_pass(pg->servers);
    disconnect(pg);
    loop_timer_start(&pg->timer, is_pause ? next_pause_us(pg) : 0);
    while (!list_is_empty(&lost)) {
        struct pg_job *job = LIST_OWNER(lost.next, struct pg_job, link);
        list_remove(&job->link);
        job->end(job, PG_LOST, job->is_refused ? &job->why : &failure);
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static void copy_field(char *out, size_t size, const PGresult *res, int field)
{
    const char *value = PQresultErrorField(res, field);
    size_t len = value == NULL ? 0 : strnlen(value, size - 1);
    if (len > 0)
        memcpy(out, value, len);
    out[len] = '\0';
}

static void note_failure(struct pg_job *job, enum sql sql, const PGresult *res)
{
    if (job->is_refused)
        return;
    job->is_refused = true;
    struct pg_failure *why = &job->why;
    why->sql = sql;
    copy_field(why->sqlstate, sizeof(why->sqlstate), res, PG_DIAG_SQLSTATE);
    copy_field(why->constraint, sizeof(why->constraint), res, PG_DIAG_CONSTRAINT_NAME);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    struct str text = message != NULL ? str_of(message) : first_line(PQresultErrorMessage(res));
    (void)fail(&why->err, ERROR_INTERNAL, "%s: " STR_FMT " (%s)",
               sql == SQL_NONE ? "commit" : sql_text(sql)->name, STR_ARG(text),
               why->sqlstate[0] != '\0' ? why->sqlstate : "no code");
}

static void arm_deadline(struct pg *pg)
{
    if (pg->is_broken) {
        loop_timer_start(&pg->timer, 0);
        return;
    }
    if (list_is_empty(&pg->jobs)) {
        loop_timer_stop(&pg->timer);
        return;
    }
    const struct pg_job *job = LIST_OWNER(pg->jobs.next, struct pg_job, link);
    int64_t limit_us = (pg->config.statement_timeout_ms + ANSWER_GRACE_MS) * CLOCK_MS_US;
    loop_timer_start(&pg->timer, job->started_us + limit_us - loop_now_us(pg->loop));
}

static void end_job(struct pg *pg, struct pg_job *job)
{
    list_remove(&job->link);
    pg->job_count--;
    arm_deadline(pg);
    if (job->journal_id != 0) /* before anybody acts on it */
        journal_end(pg->config.journal, job->journal_id, !job->is_refused);
    job->end(job, job->is_refused ? PG_FAILED : PG_DONE, &job->why);
}

static bool is_call_mark(enum sql sql)
{
    return sql == SQL_CALL_MARK || sql == SQL_BULK_MARK;
}

/* False when the connection is no longer to be read. */
static bool take_result(struct pg *pg, const PGresult *res)
{
    if (list_is_empty(&pg->jobs))
        return false;
    struct pg_job *job = LIST_OWNER(pg->jobs.next, struct pg_job, link);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_PIPELINE_SYNC) {
        if (pg->is_warned)
            return false;
        end_job(pg, job);
        return true;
    }
    pg->is_between = true;
    enum sql sql = SQL_NONE;
    if (job->answer_count < job->statement_count)
        sql = job->statements[job->answer_count];
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        if (job->journal_id != 0 && !job->is_refused)
            journal_result(pg->config.journal, job->journal_id, sql, res);
        if (job->result != NULL && !job->is_refused && !is_call_mark(sql))
            job->result(job, sql, res);
        return true;
    }
    if (status == PGRES_PIPELINE_ABORTED)
        return true;
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        return false;
    note_failure(job, sql, res);
    /* After FATAL or PANIC the server is leaving: whether the job was committed is not known. */
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity != NULL && strcmp(severity, "ERROR") == 0;
}

/* Read all answers that have arrived. False: the connection is of no more use. */
static bool drain(struct pg *pg)
{
    while (pg->conn != NULL && !PQisBusy(pg->conn)) {
        PGresult *res = PQgetResult(pg->conn);
        if (res == NULL) {
            if (!pg->is_between)
                break;
            pg->is_between = false;
            struct pg_job *job = LIST_OWNER(pg->jobs.next, struct pg_job, link);
            job->answer_count++;
            continue;
        }
        bool go_on = take_result(pg, res);
        PQclear(res);
        if (!go_on)
            return false;
    }
    return true;
}

static void flush(struct pg *pg)
{
    int rest = PQflush(pg->conn);
    if (rest > 0)
        CHECK(event_add(pg->writer, NULL) == 0);
    else if (rest < 0)
        pg->is_broken = true;
    if (pg->is_broken)
        loop_timer_start(&pg->timer, 0);
}

static struct str lost_why(struct pg *pg, char *out, size_t size)
{
    const struct pg_job *job =
        list_is_empty(&pg->jobs) ? NULL : LIST_OWNER(pg->jobs.next, struct pg_job, link);
    struct str why = first_line(PQerrorMessage(pg->conn));
    if (job != NULL && job->is_refused)
        why = str_of(job->why.err.text);
    if (pg->is_warned)
        why = STR("the server no longer waits for its standby");
    if (str_is_empty(why))
        why = STR("the server closed the connection");
    if (!str_copy_to(why, out, size))
        return STR("the server closed the connection");
    return str_of(out);
}

static void readable(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
    struct pg *pg = ctx;
    bool is_alive = PQconsumeInput(pg->conn) != 0;
    /* What came before the end still counts: the answer to a commit may be in it. */
    if (!drain(pg))
        is_alive = false;
    if (pg->conn == NULL)
        return;
    if (!is_alive || PQstatus(pg->conn) == CONNECTION_BAD) {
        char why[200];
        lose(pg, lost_why(pg, why, sizeof(why)));
        return;
    }
    flush(pg);
}

static void writable(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
    flush(ctx);
}

/* ---- setting up ------------------------------------------------------------------------------ */

static void setup_end(struct pg_job *job, enum pg_end end, const struct pg_failure *why)
{
    struct pg *pg = LIST_OWNER(job, struct pg, setup);
    if (end == PG_LOST)
        return;
    if (end == PG_FAILED) {
        /* Told through lose(), once: a schema that is missing stays missing for a while. */
        char text[ERROR_TEXT_MAX];
        (void)str_copy_to(str_of(why->err.text), text, sizeof(text));
        lose(pg, str_of(text));
        return;
    }
    enter(pg, PG_READY);
    pg->pause_ms = pg->config.reconnect_ms;
    log_info("ledger", "database connected", LOG_CSTR("kind", sql_kind_name(pg->config.kind)),
             LOG_INT("backend", PQbackendPID(pg->conn)));
    if (pg->was_told)
        metrics_count_values(METRIC_DB_RECONNECTS, 1, NULL, 0);
    pg->was_told = false;
}

static void note_sent(struct pg *pg, struct pg_job *job, enum sql sql, int is_sent)
{
    CHECK(job->statement_count < PG_JOB_STATEMENT_MAX);
    job->statements[job->statement_count++] = sql;
    if (is_sent == 0)
        pg->is_broken = true;
}

static void send_settings(struct pg *pg, struct pg_job *job)
{
    char timeout[32];
    char name[32];
    (void)snprintf(timeout, sizeof(timeout), "%lld", (long long)pg->config.statement_timeout_ms);
    (void)snprintf(name, sizeof(name), "turnpike %s %u", sql_kind_name(pg->config.kind),
                   pg->config.slot);
    const char *values[] = {timeout, name};
    note_sent(
        pg, job, SQL_NONE,
        PQsendQueryParams(pg->conn, sql_settings(pg->config.kind), 2, NULL, values, NULL, NULL, 1));
}

static void setup(struct pg *pg)
{
    struct pg_job *job = &pg->setup;
    pg_job_init(job, NULL, setup_end);
    send_settings(pg, job);
    for (int i = SQL_NONE + 1; i < SQL_COUNT; i++) {
        const struct sql_text *sql = sql_text((enum sql)i);
        if (sql->kind == pg->config.kind) {
            note_sent(pg, job, (enum sql)i, PQsendPrepare(pg->conn, sql->name, sql->text, 0, NULL));
        }
    }
    if (pg->config.kind == SQL_WRITER) {
        int64_t now_us = clock_wall_us();
        struct params params;
        params_init(&params);
        params_uuid(&params, &pg->config.writer_id);
        params_uuid(&params, &pg->config.instance_id);
        params_uuid(&params, &pg->config.boot_id);
        params_int4(&params, (int32_t)pg->config.slot);
        params_time(&params, pg->config.started_us);
        params_time(&params, now_us);
        pg_job_send(pg, job, SQL_REGISTER, &params);
        params_release(&params);
    }
    if (!pg_job_commit(pg, job))
        loop_timer_start(&pg->timer, 0);
}

static void connected(struct pg *pg)
{
    drop_events(pg);
    if (PQsetnonblocking(pg->conn, 1) != 0 || PQenterPipelineMode(pg->conn) != 1) {
        lose(pg, first_line(PQerrorMessage(pg->conn)));
        return;
    }
    struct event_base *base = loop_base(pg->loop);
    pg->reader = event_new(base, PQsocket(pg->conn), EV_READ | EV_PERSIST, readable, pg);
    pg->writer = event_new(base, PQsocket(pg->conn), EV_WRITE, writable, pg);
    CHECK(pg->reader != NULL && pg->writer != NULL);
    CHECK(event_add(pg->reader, NULL) == 0);
    enter(pg, PG_PREPARING);
    setup(pg);
}

static void poll_connect(evutil_socket_t fd, short what, void *ctx);

/* The socket may be another one after each step: several hosts are tried in turn. */
static void watch_connect(struct pg *pg, short what)
{
    drop_events(pg);
    pg->reader = event_new(loop_base(pg->loop), PQsocket(pg->conn), what, poll_connect, pg);
    CHECK(pg->reader != NULL && event_add(pg->reader, NULL) == 0);
}

static void poll_connect(evutil_socket_t fd UNUSED, short what UNUSED, void *ctx)
{
    struct pg *pg = ctx;
    switch (PQconnectPoll(pg->conn)) {
    case PGRES_POLLING_READING:
        watch_connect(pg, EV_READ);
        return;
    case PGRES_POLLING_WRITING:
        watch_connect(pg, EV_WRITE);
        return;
    case PGRES_POLLING_OK:
        connected(pg);
        return;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        break;
    }
    lose(pg, first_line(PQerrorMessage(pg->conn)));
}

static bool has_field(const PGresult *res, int field, const char *text)
{
    const char *value = PQresultErrorField(res, field);
    return value != NULL && strcmp(value, text) == 0;
}

/*
 * Of 01000 there are many: a statement's, one at each transaction of a database that must soon be
 * vacuumed. The wait's own tells its source file, in every language; whoever does not say is not
 * believed.
 */
bool pg_tells_ended_wait(const PGresult *res)
{
    const char *file = PQresultErrorField(res, PG_DIAG_SOURCE_FILE);
    if (!has_field(res, PG_DIAG_SEVERITY_NONLOCALIZED, "WARNING"))
        return false;
    return has_field(res, PG_DIAG_SQLSTATE, "57P01") ||
           (has_field(res, PG_DIAG_SQLSTATE, "01000") &&
            (file == NULL || str_ends(str_of(file), STR("syncrep.c"))));
}

/*
 * Somebody has cancelled the commit's wait for the synchronous standby, or ended its backend: it is
 * done here, a warning says so, and is gone with this server. That is no answer to a Sync. Messages
 * come in order, so it is about the oldest job, of which nothing but the end is missing.
 */
static void note_notice(void *ctx, const PGresult *res)
{
    struct pg *pg = ctx;
    if (list_is_empty(&pg->jobs) || !pg_tells_ended_wait(res))
        return;
    const struct pg_job *job = LIST_OWNER(pg->jobs.next, struct pg_job, link);
    if (job->answer_count + 1 >= job->statement_count)
        pg->is_warned = true;
}

static void start_connect(struct pg *pg)
{
    enter(pg, PG_CONNECTING);
    loop_timer_start(&pg->timer, CONNECT_TIMEOUT_MS * CLOCK_MS_US);
    pg->conn = servers_connect(pg->servers);
    PQsetNoticeReceiver(pg->conn, note_notice, pg);
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        lose(pg, first_line(PQerrorMessage(pg->conn)));
        return;
    }
    watch_connect(pg, EV_WRITE);
}

static void timer_fired(void *ctx)
{
    struct pg *pg = ctx;
    switch (pg->state) {
    case PG_CLOSED:
        start_connect(pg);
        return;
    case PG_CONNECTING:
        lose(pg, STR("connecting took too long"));
        return;
    case PG_PREPARING:
    case PG_READY:
        lose(pg, pg->is_broken ? STR("could not send") : STR("no answer in time"));
        return;
    case PG_STATE_COUNT:
        break;
    }
    CHECK(false);
}

/* ---- the public functions -------------------------------------------------------------------- */

struct pg *pg_new(struct loop *loop, const struct pg_config *config)
{
    struct pg *pg = calloc(1, sizeof(*pg));
    CHECK(pg != NULL);
    pg->loop = loop;
    pg->config = *config;
    pg->servers = servers_new(config->conninfo);
    pg->pause_ms = config->reconnect_ms;
    list_init(&pg->jobs);
    loop_timer_init(&pg->timer, loop, timer_fired, pg);
    loop_timer_start(&pg->timer, 0);
    return pg;
}

void pg_free(struct pg **pg)
{
    if (*pg == NULL)
        return;
    disconnect(*pg);
    servers_free(&(*pg)->servers);
    loop_timer_release(&(*pg)->timer);
    free(*pg);
    *pg = NULL;
}

bool pg_is_ready(const struct pg *pg)
{
    return pg->state == PG_READY && !pg->is_broken;
}

unsigned pg_job_count(const struct pg *pg)
{
    return pg->job_count;
}

void pg_reopen(struct pg *pg, const char *why)
{
    if (pg->state != PG_READY)
        return;
    lose(pg, str_of(why));
    loop_timer_start(&pg->timer, 0);
}

void pg_hurry(struct pg *pg)
{
    if (pg->state != PG_CLOSED)
        return;
    pg->pause_ms = pg->config.reconnect_ms;
    loop_timer_start(&pg->timer, 0);
}

void pg_job_init(struct pg_job *job, pg_result_fn result, pg_end_fn end)
{
    memset(job, 0, sizeof(*job));
    list_init(&job->link);
    job->result = result;
    job->end = end;
}

static void send_statement(struct pg *pg, struct pg_job *job, enum sql sql,
                           const struct params *params)
{
    const char *values[PARAMS_MAX];
    int formats[PARAMS_MAX];
    for (unsigned i = 0; i < params->count; i++) {
        /* An empty text is not NULL: it needs an address. */
        const char *at = params->bytes.at != NULL ? params->bytes.at + params->offset[i] : "";
        values[i] = params->length[i] < 0 ? NULL : at;
        formats[i] = 1;
    }
    note_sent(pg, job, sql,
              PQsendQueryPrepared(pg->conn, sql_text(sql)->name, (int)params->count, values,
                                  params->length, formats, 1));
    if (job->journal_id != 0 && journal_keeps(sql))
        journal_put(pg->config.journal, sql, params);
}

/*
 * A call that is journaled leaves a mark in the ledger, as a batch does by itself. The numbers are
 * below zero: those who follow batches (follow.h) neither see them nor wait for one that was lost.
 */
static void mark_call(struct pg *pg, struct pg_job *job)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &pg->config.writer_id);
    params_int8(&params, -job->journal_id);
    params_time(&params, clock_wall_us());
    send_statement(pg, job, pg->config.kind == SQL_BULK ? SQL_BULK_MARK : SQL_CALL_MARK, &params);
    params_release(&params);
}

void pg_job_send(struct pg *pg, struct pg_job *job, enum sql sql, const struct params *params)
{
    if (pg->is_broken)
        return;
    if (pg->config.journal != NULL && job->journal_id == 0 && journal_keeps(sql)) {
        job->journal_id = journal_begin(pg->config.journal);
        if (pg->config.kind != SQL_WRITER)
            mark_call(pg, job);
    }
    send_statement(pg, job, sql, params);
}

bool pg_job_commit(struct pg *pg, struct pg_job *job)
{
    bool is_journaled = !pg->is_broken && job->journal_id != 0;
    if (is_journaled)
        journal_append(pg->config.journal); /* before anything can be committed */
    if (pg->is_broken || PQpipelineSync(pg->conn) == 0) {
        if (is_journaled)
            journal_end(pg->config.journal, job->journal_id, false);
        pg->is_broken = true;
        loop_timer_start(&pg->timer, 0);
        return false;
    }
    job->started_us = loop_now_us(pg->loop);
    list_add_last(&pg->jobs, &job->link);
    pg->job_count++;
    arm_deadline(pg);
    flush(pg);
    return true;
}
