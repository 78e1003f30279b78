#include "ledger/backtest_queue.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ledger/value.h"

enum {
    SWEEP_MAX = 1000, /* at a time */
};

#define LEASED " WHERE merchant_id = $1 AND backtest_id = $2 AND epoch = $3 AND state = 'running'"

struct backtest_queue {
    PGconn *conn; /* owned */
};

/* Whoever waits longest; of two who look at once each gets another. */
static const char claim_sql[] =
    "UPDATE backtests b SET state = 'running', runner_id = $2, due_at = $3, epoch = b.epoch + 1,"
    " tries = b.tries + 1, started_at = coalesce(b.started_at, $1)"
    " FROM (SELECT merchant_id, backtest_id FROM backtests WHERE place IS NOT NULL AND due_at <= $1"
    " ORDER BY due_at, backtest_id LIMIT 1 FOR UPDATE SKIP LOCKED) d"
    " WHERE b.merchant_id = d.merchant_id AND b.backtest_id = d.backtest_id"
    " RETURNING b.merchant_id, b.backtest_id, b.version, b.epoch, b.tries, b.since_at, b.until_at,"
    " (SELECT v.content FROM rule_versions v WHERE v.merchant_id = b.merchant_id"
    " AND v.version = b.version)";
static const char release_sql[] = "UPDATE backtests SET due_at = $2 WHERE runner_id = $1"
                                  " AND place IS NOT NULL AND state = 'running'";
static const char renew_sql[] = "UPDATE backtests SET due_at = $4" LEASED " RETURNING 1";
static const char put_back_sql[] =
    "UPDATE backtests SET state = 'queued', due_at = $4, tries = tries - $5" LEASED " RETURNING 1";
static const char end_sql[] =
    "UPDATE backtests SET state = $4, place = NULL, ended_at = $5, due_at = $6, result = $7,"
    " reason = $8" LEASED " RETURNING 1";
static const char sweep_sql[] =
    "DELETE FROM backtests WHERE (merchant_id, backtest_id) IN (SELECT merchant_id, backtest_id"
    " FROM backtests WHERE place IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $2)";
static const char trim_sql[] =
    "DELETE FROM backtests WHERE merchant_id = $1 AND backtest_id IN (SELECT backtest_id"
    " FROM backtests WHERE merchant_id = $1 AND place IS NULL ORDER BY backtest_id DESC OFFSET $2)";

struct backtest_queue *backtest_queue_open(const char *conninfo, struct error *err)
{
    struct backtest_queue *queue = calloc(1, sizeof(*queue));
    CHECK(queue != NULL);
    queue->conn = PQconnectdb(conninfo);
    if (PQstatus(queue->conn) != CONNECTION_OK) {
        const char *text = PQerrorMessage(queue->conn);
        (void)fail(err, ERROR_IO, "cannot connect to the database: %.*s", (int)strcspn(text, "\n"),
                   text);
        backtest_queue_close(&queue);
    }
    return queue;
}

void backtest_queue_close(struct backtest_queue **queue)
{
    if (*queue == NULL)
        return;
    PQfinish((*queue)->conn);
    free(*queue);
    *queue = NULL;
}

/* The rows; NULL with *err when it was refused. Takes params. */
static PGresult *run(struct backtest_queue *queue, const char *sql, struct params *params,
                     struct error *err)
{
    const char *values[PARAMS_MAX];
    int formats[PARAMS_MAX];
    for (unsigned i = 0; i < params->count; i++) {
        values[i] = params->length[i] < 0 ? NULL : params->bytes.at + params->offset[i];
        formats[i] = 1;
    }
    PGresult *res = PQexecParams(queue->conn, sql, (int)params->count, NULL, values, params->length,
                                 formats, 1);
    params_release(params);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return res;
    const char *text = PQerrorMessage(queue->conn);
    (void)fail(err, ERROR_IO, "the queue of backtests: %.*s", (int)strcspn(text, "\n"), text);
    PQclear(res);
    return NULL;
}

/* True when it went well and, where one is asked for, there was a row. */
static bool change(struct backtest_queue *queue, const char *sql, struct params *params,
                   bool needs_row, struct error *err)
{
    err->text[0] = '\0';
    PGresult *res = run(queue, sql, params, err);
    bool ok = res != NULL && (!needs_row || PQntuples(res) == 1);
    PQclear(res);
    return ok;
}

static void put_claim(struct params *params, const struct backtests_row *row)
{
    params_init(params);
    params_uuid(params, &row->merchant_id);
    params_uuid(params, &row->backtest_id);
    params_int8(params, row->epoch);
}

bool backtest_queue_release(struct backtest_queue *queue, const struct uuid *runner_id,
                            int64_t now_us, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, runner_id);
    params_time(&params, now_us);
    return change(queue, release_sql, &params, false, err);
}

bool backtest_queue_claim(struct backtest_queue *queue, const struct uuid *runner_id,
                          int64_t now_us, int64_t lease_until_us, struct arena *arena,
                          struct backtests_row *row, struct str *rules, struct error *err)
{
    struct params params;
    err->text[0] = '\0';
    params_init(&params);
    params_time(&params, now_us);
    params_uuid(&params, runner_id);
    params_time(&params, lease_until_us);
    PGresult *res = run(queue, claim_sql, &params, err);
    bool is_there = res != NULL && PQntuples(res) == 1;
    if (is_there) {
        *row = (struct backtests_row){
            .merchant_id = column_uuid(res, 0, 0),
            .backtest_id = column_uuid(res, 0, 1),
            .state = BACKTESTS_RUNNING,
            .version = column_int4(res, 0, 2),
            .epoch = column_int8(res, 0, 3),
            .tries = column_int4(res, 0, 4),
            .since_us = column_time(res, 0, 5),
            .until_us = column_time(res, 0, 6),
        };
        *rules = column_copy(res, 0, 7, arena);
    }
    PQclear(res);
    return is_there;
}

bool backtest_queue_renew(struct backtest_queue *queue, const struct backtests_row *row,
                          int64_t lease_until_us, struct error *err)
{
    struct params params;
    put_claim(&params, row);
    params_time(&params, lease_until_us);
    return change(queue, renew_sql, &params, true, err);
}

bool backtest_queue_put_back(struct backtest_queue *queue, const struct backtests_row *row,
                             bool is_free, int64_t now_us, struct error *err)
{
    struct params params;
    put_claim(&params, row);
    params_time(&params, now_us);
    params_int4(&params, is_free ? 1 : 0);
    return change(queue, put_back_sql, &params, true, err);
}

bool backtest_queue_end(struct backtest_queue *queue, const struct backtests_row *row,
                        struct str result, struct str reason, int64_t now_us, struct error *err)
{
    struct params params;
    CHECK((result.len == 0) != (reason.len == 0));
    CHECK(result.len <= BACKTESTS_RESULT_MAX);
    put_claim(&params, row);
    params_text(&params,
                str_of(backtests_state_name(result.len > 0 ? BACKTESTS_DONE : BACKTESTS_FAILED)));
    params_time(&params, now_us);
    params_time(&params, now_us + BACKTESTS_KEEP_S * CLOCK_SECOND_US);
    params_text(&params, result);
    params_text(&params, reason);
    return change(queue, end_sql, &params, true, err);
}

bool backtest_queue_sweep(struct backtest_queue *queue, const struct uuid *merchant_id,
                          int64_t now_us, struct error *err)
{
    struct params params;
    params_init(&params);
    params_time(&params, now_us);
    params_int8(&params, SWEEP_MAX);
    if (!change(queue, sweep_sql, &params, false, err) || merchant_id == NULL)
        return err->text[0] == '\0';
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_int8(&params, BACKTESTS_KEPT_MAX);
    return change(queue, trim_sql, &params, false, err);
}
