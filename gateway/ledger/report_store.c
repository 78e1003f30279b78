#include "ledger/report_store.h"

#include <stdlib.h>

#include "ledger/blocking.h"
#include "ledger/sql.h"

struct report_store {
    PGconn *conn; /* owned */
};

enum {
    LOCK = 7305005, /* of all reports; the second number is of the one */
};

#define IS_KEY "merchant_id = $1 AND name = $2 AND period = $3"

static const char lock_sql[] =
    "SELECT pg_try_advisory_lock($4::integer, hashtext($1::uuid::text || ' ' || $2 || ' ' || $3))";
static const char unlock_sql[] =
    "SELECT pg_advisory_unlock($4::integer, hashtext($1::uuid::text || ' ' || $2 || ' ' || $3))";
static const char first_sql[] = "SELECT min(period_from) FROM report_runs WHERE " IS_KEY;
static const char done_sql[] =
    "SELECT period_from, CASE WHEN state = 'failed' THEN next_at END FROM report_runs WHERE " IS_KEY
    " AND period_from >= $4 AND (state = 'made' OR state = 'failed' AND next_at > $5)"
    " ORDER BY period_from LIMIT $6";
static const char begin_sql[] =
    "INSERT INTO report_runs AS r (merchant_id, name, period, period_from, period_to, begun_at,"
    " next_at, epoch, row_count, byte_count, tries, what, state, file, host, error)"
    " VALUES ($1, $2, $3, $4, $5, $6, $6, 1, 0, 0, 1, $7, 'making', $8, $9, '')"
    " ON CONFLICT (merchant_id, name, period, period_from) DO UPDATE SET begun_at = $6,"
    " epoch = r.epoch + 1, tries = r.tries + 1, what = $7, state = 'making', file = $8, host = $9"
    " WHERE r.state = 'making' OR r.state = 'failed' AND r.next_at <= $6 RETURNING epoch, tries";
/* An export's row is there since it was asked for. */
static const char begin_export_sql[] =
    "UPDATE report_runs SET begun_at = $6, epoch = epoch + 1, tries = tries + 1, state = 'making',"
    " file = $8, host = $9, row_count = 0, byte_count = 0, reached_at = NULL WHERE " IS_KEY
    " AND period_from = $4 AND period_to = $5 AND what = $7 AND place IS NOT NULL"
    " AND (state <> 'failed' OR next_at <= $6) RETURNING epoch, tries";
static const char made_sql[] =
    "WITH made AS (UPDATE report_runs SET state = 'made', made_at = $6, event_id = $7,"
    " row_count = $8, byte_count = $9, sha256 = $10, error = '', reached_at = NULL, place = NULL"
    " WHERE " IS_KEY
    " AND period_from = $4 AND epoch = $5 AND state = 'making' RETURNING merchant_id, event_id,"
    " made_at), added AS (SELECT m.merchant_id, m.event_id AS payment_id, 1 AS number, m.event_id,"
    " 'report.ready'::text AS type, m.made_at AS created_at FROM made m WHERE $11::boolean),"
    " told AS (" SQL_TELL_HOOKS ") SELECT count(*) FROM made";
static const char failed_sql[] =
    "UPDATE report_runs SET state = 'failed', next_at = $6, error = $7,"
    " place = CASE WHEN $8::boolean THEN place END WHERE " IS_KEY
    " AND period_from = $4 AND epoch = $5 AND state = 'making'";
static const char progress_sql[] =
    "UPDATE report_runs SET row_count = $6, byte_count = $7, reached_at = $8 WHERE " IS_KEY
    " AND period_from = $4 AND epoch = $5 AND state = 'making'";
/* Those of each merchant's first place first: nobody waits for all that another one asked for. */
static const char exports_sql[] =
    "SELECT merchant_id, export_id, period_from, period_to, what, account FROM report_runs"
    " WHERE place IS NOT NULL AND next_at <= $1 ORDER BY place, next_at LIMIT $2::bigint";
static const char kept_sql[] =
    "SELECT merchant_id, export_id, period_from, period_to, what, account FROM report_runs"
    " WHERE export_id IS NOT NULL AND state = 'made' AND (made_at < $1 AND host = $3"
    " OR made_at < $4) ORDER BY made_at LIMIT $2::bigint";
static const char expired_sql[] = "UPDATE report_runs SET state = 'expired' WHERE merchant_id = $1"
                                  " AND export_id = $2 AND state = 'made'";

struct report_store *report_store_open(const char *conninfo, struct error *err)
{
    PGconn *conn = blocking_open(conninfo, "turnpike reporter", err);
    if (conn == NULL)
        return NULL;
    struct report_store *store = calloc(1, sizeof(*store));
    CHECK(store != NULL);
    store->conn = conn;
    return store;
}

void report_store_close(struct report_store **store)
{
    if (*store == NULL)
        return;
    PQfinish((*store)->conn);
    free(*store);
    *store = NULL;
}

static void params_begin(struct params *params, const struct report_key *key)
{
    params_init(params);
    params_uuid(params, &key->merchant_id);
    params_text(params, key->name);
    params_text(params, key->period);
}

static bool ask_lock(struct report_store *store, const char *sql, const struct report_key *key,
                     bool *answer, struct error *err)
{
    struct params params;
    params_begin(&params, key);
    params_int4(&params, LOCK);
    PGresult *res = blocking_run(store->conn, sql, &params, err);
    bool ok = res != NULL && PQntuples(res) == 1;
    *answer = ok && column_bool(res, 0, 0);
    PQclear(res);
    return ok;
}

bool report_store_lock(struct report_store *store, const struct report_key *key, bool *is_ours,
                       struct error *err)
{
    return ask_lock(store, lock_sql, key, is_ours, err);
}

bool report_store_unlock(struct report_store *store, const struct report_key *key,
                         struct error *err)
{
    bool was_ours = false;
    return ask_lock(store, unlock_sql, key, &was_ours, err);
}

bool report_store_first(struct report_store *store, const struct report_key *key, int64_t *first_us,
                        struct error *err)
{
    struct params params;
    params_begin(&params, key);
    PGresult *res = blocking_run(store->conn, first_sql, &params, err);
    bool ok = res != NULL && PQntuples(res) == 1;
    *first_us = ok ? column_time(res, 0, 0) : 0;
    PQclear(res);
    return ok;
}

bool report_store_done(struct report_store *store, const struct report_key *key, int64_t from_us,
                       int64_t now_us, int64_t done_us[REPORT_DONE_MAX], size_t *count,
                       int64_t *next_us, struct error *err)
{
    struct params params;
    params_begin(&params, key);
    params_time(&params, from_us);
    params_time(&params, now_us);
    params_int8(&params, REPORT_DONE_MAX);
    PGresult *res = blocking_run(store->conn, done_sql, &params, err);
    *count = res != NULL ? (size_t)PQntuples(res) : 0;
    *next_us = INT64_MAX;
    for (size_t i = 0; i < *count; i++) {
        done_us[i] = column_time(res, (int)i, 0);
        int64_t again_us = column_time(res, (int)i, 1);
        if (!column_is_null(res, (int)i, 1) && again_us < *next_us)
            *next_us = again_us;
    }
    PQclear(res);
    return res != NULL;
}

bool report_store_begin(struct report_store *store, const struct report_key *key,
                        struct report_run *run, int64_t now_us, bool *is_begun, struct error *err)
{
    struct params params;
    params_begin(&params, key);
    params_time(&params, run->from_us);
    params_time(&params, run->to_us);
    params_time(&params, now_us);
    params_text(&params, run->what);
    params_text(&params, run->file);
    params_text(&params, run->host);
    bool is_export = str_eq(key->period, STR("once"));
    PGresult *res =
        blocking_run(store->conn, is_export ? begin_export_sql : begin_sql, &params, err);
    *is_begun = res != NULL && PQntuples(res) == 1;
    if (*is_begun) {
        run->epoch = column_int8(res, 0, 0);
        run->tries = column_int4(res, 0, 1);
    }
    PQclear(res);
    return res != NULL;
}

bool report_store_made(struct report_store *store, const struct report_key *key,
                       const struct report_run *run, const struct report_made *made, int64_t now_us,
                       bool *is_ours, struct error *err)
{
    struct params params;
    params_begin(&params, key);
    params_time(&params, run->from_us);
    params_int8(&params, run->epoch);
    params_time(&params, now_us);
    params_uuid(&params, &made->event_id);
    params_int8(&params, made->rows);
    params_int8(&params, made->bytes);
    params_bytea(&params, (struct str){(const char *)made->sha256, sizeof(made->sha256)});
    params_bool(&params, made->is_announced);
    PGresult *res = blocking_run(store->conn, made_sql, &params, err);
    *is_ours = res != NULL && PQntuples(res) == 1 && column_int8(res, 0, 0) == 1;
    PQclear(res);
    return res != NULL;
}

bool report_store_failed(struct report_store *store, const struct report_key *key,
                         const struct report_run *run, struct str why, int64_t next_us,
                         bool is_final, struct error *err)
{
    struct params params;
    params_begin(&params, key);
    params_time(&params, run->from_us);
    params_int8(&params, run->epoch);
    params_time(&params, next_us);
    params_text(&params, why);
    params_bool(&params, !is_final);
    PGresult *res = blocking_run(store->conn, failed_sql, &params, err);
    PQclear(res);
    return res != NULL;
}

bool report_store_progress(struct report_store *store, const struct report_key *key,
                           const struct report_run *run, int64_t rows, int64_t bytes,
                           int64_t reached_us, struct error *err)
{
    struct params params;
    params_begin(&params, key);
    params_time(&params, run->from_us);
    params_int8(&params, run->epoch);
    params_int8(&params, rows);
    params_int8(&params, bytes);
    params_time(&params, reached_us);
    PGresult *res = blocking_run(store->conn, progress_sql, &params, err);
    PQclear(res);
    return res != NULL;
}

static bool read_exports(struct report_store *store, const char *sql, struct params *params,
                         struct report_export exports[REPORT_EXPORT_MAX], size_t *count,
                         struct error *err)
{
    PGresult *res = blocking_run(store->conn, sql, params, err);
    *count = res != NULL ? (size_t)PQntuples(res) : 0;
    CHECK(*count <= REPORT_EXPORT_MAX);
    for (int row = 0; row < (int)*count; row++) {
        struct report_export *export = &exports[row];
        *export = (struct report_export){
            .merchant_id = column_uuid(res, row, 0),
            .export_id = column_uuid(res, row, 1),
            .from_us = column_time(res, row, 2),
            .to_us = column_time(res, row, 3),
        };
        CHECK(str_copy_to(column_text(res, row, 4), export->what, sizeof(export->what)));
        CHECK(str_copy_to(column_text(res, row, 5), export->account, sizeof(export->account)));
    }
    PQclear(res);
    return res != NULL;
}

bool report_store_exports(struct report_store *store, int64_t now_us,
                          struct report_export exports[REPORT_EXPORT_MAX], size_t *count,
                          struct error *err)
{
    struct params params;
    params_init(&params);
    params_time(&params, now_us);
    params_int8(&params, REPORT_EXPORT_MAX);
    return read_exports(store, exports_sql, &params, exports, count, err);
}

bool report_store_kept(struct report_store *store, struct str host, int64_t ours_us, int64_t any_us,
                       struct report_export exports[REPORT_EXPORT_MAX], size_t *count,
                       struct error *err)
{
    struct params params;
    params_init(&params);
    params_time(&params, ours_us);
    params_int8(&params, REPORT_EXPORT_MAX);
    params_text(&params, host);
    params_time(&params, any_us);
    return read_exports(store, kept_sql, &params, exports, count, err);
}

bool report_store_expired(struct report_store *store, const struct report_export *export,
                          struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &export->merchant_id);
    params_uuid(&params, &export->export_id);
    PGresult *res = blocking_run(store->conn, expired_sql, &params, err);
    PQclear(res);
    return res != NULL;
}
