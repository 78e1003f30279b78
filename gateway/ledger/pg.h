/*
 * pg.h - one libpq connection that never blocks, in pipeline mode.
 *
 *     CLOSED --timer--> CONNECTING --accepted--> PREPARING --set up--> READY
 *        ^                  |                        |                   |
 *        +------------------+------ any trouble -----+-------------------+
 *
 * Work is done in jobs: statements up to one Sync, which is one transaction (no BEGIN: the server
 * opens it with the first statement and commits it at the Sync). Jobs of a connection end in the
 * order in which they were committed:
 *
 *     PG_DONE     the Sync was answered and nothing failed: it is committed
 *     PG_FAILED   a statement, or the commit, was refused: surely nothing was written
 *     PG_LOST     the connection went before the Sync was answered: nobody knows
 *
 * One rule is worth this file: a job whose Sync was handed to libpq is PG_LOST when anything but an
 * answer to that Sync ends it, whatever error came last. A job whose Sync was not yet handed over
 * can never be committed, and pg_job_commit says so. An answer that comes with the warning that the
 * server gave up its wait for the synchronous standby is none.
 *
 * A lost connection is opened again after a pause that doubles, with jitter. Names of hosts would
 * block the loop: conninfo names a Unix socket folder or a hostaddr. Of several servers each is tried
 * in its turn (servers.h).
 */
#ifndef LEDGER_PG_H
#define LEDGER_PG_H

#include <libpq-fe.h>

#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"
#include "ledger/sql.h"
#include "ledger/value.h"

enum {
    PG_JOB_STATEMENT_MAX = 96,
    PG_CONSTRAINT_SIZE = 64,
};

enum pg_state {
    PG_CLOSED = 0,
    PG_CONNECTING,
    PG_PREPARING,
    PG_READY,
    PG_STATE_COUNT,
};

enum pg_end {
    PG_DONE = 0,
    PG_FAILED,
    PG_LOST,
};

struct pg_failure {
    char sqlstate[6];                    /* "" when the server said nothing */
    char constraint[PG_CONSTRAINT_SIZE]; /* "" when none is named */
    enum sql sql;                        /* the statement that failed; SQL_NONE: the commit */
    struct error err;
};

struct journal;
struct pg_job;
/* One statement succeeded; res is borrowed until this returns. */
typedef void (*pg_result_fn)(struct pg_job *job, enum sql sql, const PGresult *res);
/* The job has ended and is the owner's again. */
typedef void (*pg_end_fn)(struct pg_job *job, enum pg_end end, const struct pg_failure *why);

struct pg_job { /* lives in its owner's struct */
    struct link link;
    pg_result_fn result; /* may be NULL */
    pg_end_fn end;
    enum sql statements[PG_JOB_STATEMENT_MAX];
    unsigned statement_count;
    unsigned answer_count;
    bool is_refused;
    int64_t started_us;
    int64_t journal_id; /* 0: it is not journaled */
    struct pg_failure why;
};

struct pg_config {
    const char *conninfo; /* borrowed for the life of the connection */
    enum sql_kind kind;
    int64_t statement_timeout_ms;
    int64_t reconnect_ms;
    struct uuid writer_id; /* writers register themselves before anything else is written */
    struct uuid instance_id;
    struct uuid boot_id;
    unsigned slot;
    int64_t started_us;
    struct journal *journal; /* borrowed; NULL: none (journal.h) */
};

struct pg;

struct pg *pg_new(struct loop *loop, const struct pg_config *config); /* starts to connect */
void pg_free(struct pg **pg); /* jobs in flight get no end */
bool pg_is_ready(const struct pg *pg);
unsigned pg_job_count(const struct pg *pg); /* in flight */
/* Close now and open again: the server turned out to be of no use (read only, full). */
void pg_reopen(struct pg *pg, const char *why);

/* The server is back, as another connection has found: do not wait for the end of the pause. */
void pg_hurry(struct pg *pg);

void pg_job_init(struct pg_job *job, pg_result_fn result, pg_end_fn end);
/* Only on a ready connection, and all of a job without returning to the loop. */
void pg_job_send(struct pg *pg, struct pg_job *job, enum sql sql, const struct params *params);
/*
 * Send the Sync. False: the connection went while the job was sent; it can never be committed, its
 * end is not called, it may be sent elsewhere.
 */
bool pg_job_commit(struct pg *pg, struct pg_job *job) MUST_USE;
/* A notice: a commit's wait for the synchronous standby was ended by somebody before the standby had it. */
bool pg_tells_ended_wait(const PGresult *res);

#endif
