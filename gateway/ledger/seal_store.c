#include "ledger/seal_store.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/blocking.h"

enum {
    HIDDEN = 1, /* columns before those of the transfer */
    LOCK = 7305003,
    MARKS_MAX = 2 * SEAL_ROW_MAX * SEAL_MARK_SIZE,
    ROW_TEXT_MAX = 1 << 20,
};

struct seal_store {
    PGconn *conn;      /* owned */
    int64_t moment_us; /* 0: none yet */
    int64_t moment_xid;
    struct uuid boundary;
};

#define SEAL_COLUMNS                                                                               \
    "merchant_id, number, previous, sealed_at, from_id, to_id, row_count, late_count, total, "     \
    "root,"                                                                                        \
    " marks_hash, previous_head, head, signature, key_id"
#define ROW_COLUMNS "SELECT t.created_at, t.*"

static const char claim_sql[] = "SELECT pg_try_advisory_lock($1)";
/* The snapshot before the clock: who gets a number in between has ten seconds to spare. */
static const char now_sql[] =
    "SELECT pg_snapshot_xmin(s.now)::text::bigint, pg_snapshot_xmax(s.now)::text::bigint,"
    " clock_timestamp() FROM (SELECT pg_current_snapshot() AS now OFFSET 0) s";
static const char due_sql[] =
    "SELECT m.merchant_id FROM merchants m LEFT JOIN LATERAL (SELECT s.to_id FROM seals s"
    " WHERE s.merchant_id = m.merchant_id ORDER BY s.number DESC LIMIT 1) l ON true"
    " WHERE m.merchant_id > $2 AND (EXISTS (SELECT FROM transfers t"
    " WHERE t.merchant_id = m.merchant_id AND t.transfer_id <= $1 AND t.transfer_id >"
    " coalesce(l.to_id, '00000000-0000-0000-0000-000000000000'))"
    " OR EXISTS (SELECT FROM seal_late w JOIN transfers t USING (merchant_id, transfer_id)"
    " WHERE w.merchant_id = m.merchant_id AND w.number IS NULL))"
    " ORDER BY m.merchant_id LIMIT $3";
static const char last_sql[] = "SELECT " SEAL_COLUMNS " FROM seals WHERE merchant_id = $1"
                               " ORDER BY number DESC LIMIT 1";
static const char waiting_sql[] =
    ROW_COLUMNS " FROM seal_late w JOIN transfers t USING (merchant_id, transfer_id)"
                " WHERE w.merchant_id = $1 AND w.number IS NULL ORDER BY w.transfer_id LIMIT $2";
static const char range_sql[] =
    ROW_COLUMNS " FROM transfers t LEFT JOIN seal_late w USING (merchant_id, transfer_id)"
                " WHERE t.merchant_id = $1 AND t.transfer_id >= $2 AND t.transfer_id <= $3"
                " AND (t.transfer_id > $2 OR $5) AND w.transfer_id IS NULL"
                " ORDER BY t.transfer_id LIMIT $4";
static const char late_sql[] =
    ROW_COLUMNS " FROM seal_late w JOIN transfers t USING (merchant_id, transfer_id)"
                " WHERE w.merchant_id = $1 AND w.number = $2 ORDER BY w.transfer_id";
static const char insert_sql[] =
    "INSERT INTO seals (" SEAL_COLUMNS ", marks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
    " $11, $12, $13, $14, $15, $16)";
static const char assign_sql[] =
    "UPDATE seal_late SET number = $2 WHERE merchant_id = $1 AND transfer_id = ANY ($3::uuid[])";
static const char each_sql[] = "SELECT " SEAL_COLUMNS " FROM seals WHERE merchant_id = $1"
                               " ORDER BY number";
static const char read_sql[] = "SELECT " SEAL_COLUMNS ", marks FROM seals WHERE merchant_id = $1"
                               " AND number = $2";
/* Also of transfers and seals whose merchant nobody knows: from one to the next by the index. */
#define NEXT_OF(table, behind)                                                                     \
    "(SELECT merchant_id FROM " table " WHERE merchant_id > " behind                               \
    " ORDER BY merchant_id LIMIT 1)"
static const char merchants_sql[] =
    "WITH RECURSIVE m (merchant_id) AS (SELECT $1::uuid UNION ALL SELECT "
    "least(" NEXT_OF("merchants", "m.merchant_id") ", " NEXT_OF(
        "seals", "m.merchant_id") ", " NEXT_OF("transfers",
                                               "m.merchant_id") ") FROM m WHERE "
                                                                "m.merchant_id IS NOT "
                                                                "NULL)"
                                                                " SELECT merchant_id FROM "
                                                                "m WHERE merchant_id IS "
                                                                "NOT NULL OFFSET 1 LIMIT "
                                                                "$2";
static const char rest_sql[] =
    "SELECT (SELECT count(*) FROM transfers t LEFT JOIN seal_late w USING (merchant_id, "
    "transfer_id)"
    " WHERE t.merchant_id = $1 AND t.transfer_id > $2 AND w.transfer_id IS NULL),"
    " (SELECT count(*) FROM seal_late w JOIN transfers t USING (merchant_id, transfer_id)"
    " WHERE w.merchant_id = $1 AND w.number IS NULL),"
    " (SELECT w.transfer_id FROM seal_late w LEFT JOIN seals s USING (merchant_id, number)"
    " WHERE w.merchant_id = $1 AND w.number IS NOT NULL AND s.number IS NULL"
    " ORDER BY w.transfer_id LIMIT 1),"
    " (SELECT t.transfer_id FROM seal_late w JOIN transfers t USING (merchant_id, transfer_id)"
    " WHERE w.merchant_id = $1 AND w.number IS NULL AND t.created_at < $3"
    " ORDER BY t.transfer_id LIMIT 1)";

/* ---- the connection --------------------------------------------------------------------------- */

struct seal_store *seal_store_open(const char *conninfo, const char *name, struct error *err)
{
    PGconn *conn = blocking_open(conninfo, name, err);
    if (conn == NULL)
        return NULL;
    struct seal_store *store = calloc(1, sizeof(*store));
    CHECK(store != NULL);
    store->conn = conn;
    return store;
}

void seal_store_close(struct seal_store **store)
{
    if (*store == NULL)
        return;
    PQfinish((*store)->conn);
    free(*store);
    *store = NULL;
}

static bool change(struct seal_store *store, const char *sql, struct params *params,
                   struct error *err)
{
    PGresult *res = blocking_run(store->conn, sql, params, err);
    bool ok = res != NULL;
    PQclear(res);
    return ok;
}

static bool command(struct seal_store *store, const char *sql, struct error *err)
{
    struct params none;
    params_init(&none);
    return change(store, sql, &none, err);
}

bool seal_store_claim(struct seal_store *store, bool *is_ours, struct error *err)
{
    struct params params;
    params_init(&params);
    params_int8(&params, LOCK);
    PGresult *res = blocking_run(store->conn, claim_sql, &params, err);
    bool ok = res != NULL && PQntuples(res) == 1;
    *is_ours = ok && column_bool(res, 0, 0);
    PQclear(res);
    return ok;
}

bool seal_store_settle(struct seal_store *store, struct uuid *boundary, struct error *err)
{
    struct params none;
    params_init(&none);
    PGresult *res = blocking_run(store->conn, now_sql, &none, err);
    if (res == NULL)
        return false;
    bool is_over = store->moment_us != 0 && column_int8(res, 0, 0) >= store->moment_xid;
    if (is_over)
        store->boundary = uuid_first(store->moment_us - SEAL_BEHIND_US);
    if (is_over || store->moment_us == 0) {
        store->moment_xid = column_int8(res, 0, 1);
        store->moment_us = column_time(res, 0, 2);
    }
    *boundary = store->boundary;
    PQclear(res);
    return true;
}

/* ---- seals as rows ---------------------------------------------------------------------------- */

/* Bytes of another length than they should have read as zeros: then no head follows from them. */
static void column_bytes(const PGresult *res, int row, int column, uint8_t *out, size_t size)
{
    struct str bytes = column_text(res, row, column);
    memset(out, 0, size);
    if (bytes.len == size)
        memcpy(out, bytes.at, size);
}

static void take_seal(const PGresult *res, int row, struct seal *seal)
{
    *seal = (struct seal){
        .merchant_id = column_uuid(res, row, 0),
        .number = column_int8(res, row, 1),
        .previous = column_int8(res, row, 2),
        .sealed_us = column_time(res, row, 3),
        .from_id = column_uuid(res, row, 4),
        .to_id = column_uuid(res, row, 5),
        .row_count = column_int8(res, row, 6),
        .late_count = column_int8(res, row, 7),
        .total = column_int8(res, row, 8),
    };
    column_bytes(res, row, 9, seal->root, sizeof(seal->root));
    column_bytes(res, row, 10, seal->marks_hash, sizeof(seal->marks_hash));
    column_bytes(res, row, 11, seal->previous_head, sizeof(seal->previous_head));
    column_bytes(res, row, 12, seal->head, sizeof(seal->head));
    column_bytes(res, row, 13, seal->signature, sizeof(seal->signature));
    column_bytes(res, row, 14, seal->key_id, sizeof(seal->key_id));
}

static void put_bytes(struct params *params, const uint8_t *bytes, size_t size)
{
    params_bytea(params, (struct str){(const char *)bytes, size});
}

static bool insert_seal(struct seal_store *store, const struct seal *seal, struct str marks,
                        struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &seal->merchant_id);
    params_int8(&params, seal->number);
    params_int8(&params, seal->previous);
    params_time(&params, seal->sealed_us);
    params_uuid(&params, &seal->from_id);
    params_uuid(&params, &seal->to_id);
    params_int8(&params, seal->row_count);
    params_int8(&params, seal->late_count);
    params_int8(&params, seal->total);
    put_bytes(&params, seal->root, sizeof(seal->root));
    put_bytes(&params, seal->marks_hash, sizeof(seal->marks_hash));
    put_bytes(&params, seal->previous_head, sizeof(seal->previous_head));
    put_bytes(&params, seal->head, sizeof(seal->head));
    put_bytes(&params, seal->signature, sizeof(seal->signature));
    put_bytes(&params, seal->key_id, sizeof(seal->key_id));
    params_bytea(&params, marks);
    return change(store, insert_sql, &params, err);
}

static bool take_merchants(struct seal_store *store, const char *sql, struct params *params,
                           struct uuid *merchants, size_t *count, struct error *err)
{
    PGresult *res = blocking_run(store->conn, sql, params, err);
    if (res == NULL)
        return false;
    *count = 0;
    for (int row = 0; row < PQntuples(res) && *count < SEAL_DUE_MAX; row++)
        merchants[(*count)++] = column_uuid(res, row, 0);
    PQclear(res);
    return true;
}

bool seal_store_due(struct seal_store *store, const struct uuid *boundary, const struct uuid *after,
                    struct uuid *merchants, size_t *count, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, boundary);
    params_uuid(&params, after);
    params_int8(&params, SEAL_DUE_MAX);
    return take_merchants(store, due_sql, &params, merchants, count, err);
}

bool seal_store_merchants(struct seal_store *store, const struct uuid *after,
                          struct uuid *merchants, size_t *count, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, after);
    params_int8(&params, SEAL_DUE_MAX);
    return take_merchants(store, merchants_sql, &params, merchants, count, err);
}

bool seal_store_last(struct seal_store *store, const struct uuid *merchant_id, struct seal *last,
                     struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    PGresult *res = blocking_run(store->conn, last_sql, &params, err);
    if (res == NULL)
        return false;
    *last = (struct seal){.merchant_id = *merchant_id};
    if (PQntuples(res) == 1)
        take_seal(res, 0, last);
    PQclear(res);
    return true;
}

/* ---- rows ------------------------------------------------------------------------------------- */

void seal_rows_init(struct seal_rows *rows)
{
    *rows = (struct seal_rows){.oldest_us = INT64_MAX};
    seal_tree_init(&rows->tree);
    buf_init(&rows->marks, MARKS_MAX);
    buf_init(&rows->text, ROW_TEXT_MAX);
}

void seal_rows_release(struct seal_rows *rows)
{
    buf_release(&rows->marks);
    buf_release(&rows->text);
}

struct columns { /* of a result, by name */
    int index[SEAL_COLUMN_MAX];
    size_t count;
    int transfer_id;
};

static bool sort_columns(const PGresult *res, struct columns *columns, struct error *err)
{
    int count = PQnfields(res);
    *columns = (struct columns){.transfer_id = -1};
    if (count > SEAL_COLUMN_MAX)
        return fail(err, ERROR_INVALID, "transfers have more columns than %d", SEAL_COLUMN_MAX);
    for (int i = HIDDEN; i < count; i++) {
        size_t at = columns->count++;
        for (; at > 0 && strcmp(PQfname(res, columns->index[at - 1]), PQfname(res, i)) > 0; at--)
            columns->index[at] = columns->index[at - 1];
        columns->index[at] = i;
        if (strcmp(PQfname(res, i), "transfer_id") == 0)
            columns->transfer_id = i;
    }
    return columns->transfer_id >= 0 || fail(err, ERROR_INVALID, "transfers have no transfer_id");
}

static bool add_row(struct seal_rows *rows, const PGresult *res, int row,
                    const struct columns *columns, struct error *err)
{
    struct seal_column column[SEAL_COLUMN_MAX];
    uint8_t leaf[SEAL_HASH_SIZE];
    uint8_t mark[SEAL_MARK_SIZE];
    size_t size = 64;
    for (size_t i = 0; i < columns->count; i++) {
        int at = columns->index[i];
        column[i].name = str_of(PQfname(res, at));
        column[i].value = STR_NONE;
        if (!PQgetisnull(res, row, at))
            column[i].value =
                (struct str){PQgetvalue(res, row, at), (size_t)PQgetlength(res, row, at)};
        size += column[i].name.len + column[i].value.len + 8;
    }
    struct uuid id = column_uuid(res, row, columns->transfer_id);
    if (size > ROW_TEXT_MAX)
        return fail(err, ERROR_INVALID, "a transfer is larger than %d bytes", ROW_TEXT_MAX);
    seal_leaf(column, columns->count, &rows->text, leaf);
    seal_tree_add(&rows->tree, leaf);
    seal_mark(&id, leaf, mark);
    buf_add(&rows->marks, mark, sizeof(mark));
    return true;
}

static bool add_rows(struct seal_rows *rows, const PGresult *res, bool is_late, struct error *err)
{
    struct columns columns;
    if (res == NULL || !sort_columns(res, &columns, err))
        return false;
    for (int row = 0; row < PQntuples(res); row++) {
        if (!add_row(rows, res, row, &columns, err))
            return false;
        int64_t created_us = column_time(res, row, 0);
        if (is_late && created_us < rows->oldest_us) {
            rows->oldest_us = created_us;
            rows->oldest_id = column_uuid(res, row, columns.transfer_id);
        }
    }
    rows->late_count += is_late ? PQntuples(res) : 0;
    return true;
}

static PGresult *run_range(struct seal_store *store, const struct seal *seal, int64_t most,
                           struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &seal->merchant_id);
    params_uuid(&params, &seal->from_id);
    params_uuid(&params, &seal->to_id);
    params_int8(&params, most);
    params_bool(&params, seal->previous == 0);
    return blocking_run(store->conn, range_sql, &params, err);
}

bool seal_store_rows(struct seal_store *store, const struct seal *seal, struct seal_rows *rows,
                     struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &seal->merchant_id);
    params_int8(&params, seal->number);
    PGresult *res = blocking_run(store->conn, late_sql, &params, err);
    bool ok = add_rows(rows, res, true, err);
    PQclear(res);
    if (!ok)
        return false;
    res = run_range(store, seal, 2 * (int64_t)SEAL_ROW_MAX,
                    err); /* more than that: it differs anyway */
    ok = add_rows(rows, res, false, err);
    PQclear(res);
    return ok;
}

/* ---- sealing ---------------------------------------------------------------------------------- */

static bool take_waiting(struct seal_store *store, const struct seal *seal, struct seal_rows *rows,
                         struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &seal->merchant_id);
    params_int8(&params, SEAL_ROW_MAX);
    PGresult *res = blocking_run(store->conn, waiting_sql, &params, err);
    bool ok = add_rows(rows, res, true, err);
    PQclear(res);
    return ok;
}

static bool assign_waiting(struct seal_store *store, const struct seal *seal,
                           const struct seal_rows *rows, struct error *err)
{
    struct params params;
    if (rows->late_count == 0)
        return true;
    params_init(&params);
    params_uuid(&params, &seal->merchant_id);
    params_int8(&params, seal->number);
    params_array_begin(&params, VALUE_UUID, (size_t)rows->late_count);
    for (int64_t i = 0; i < rows->late_count; i++) {
        struct uuid id;
        memcpy(id.byte, rows->marks.at + i * SEAL_MARK_SIZE, sizeof(id.byte));
        params_put_uuid(&params, &id);
    }
    params_array_end(&params);
    return change(store, assign_sql, &params, err);
}

/* A range that is full ends with its last row; else all ids up to the boundary are done with. */
static bool take_range(struct seal_store *store, struct seal *seal, struct seal_rows *rows,
                       struct error *err)
{
    PGresult *res = run_range(store, seal, SEAL_ROW_MAX, err);
    bool ok = add_rows(rows, res, false, err);
    if (ok && PQntuples(res) == SEAL_ROW_MAX)
        memcpy(seal->to_id.byte, rows->marks.at + rows->marks.len - SEAL_MARK_SIZE,
               sizeof(seal->to_id.byte));
    PQclear(res);
    return ok;
}

static bool write_seal(struct seal_store *store, struct seal *seal, const struct seal_rows *rows,
                       const struct seal_key *key, struct error *err)
{
    seal->row_count = (int64_t)rows->tree.count;
    seal->late_count = rows->late_count;
    seal->total += seal->row_count;
    seal_tree_root(&rows->tree, seal->root);
    crypto_sha256(buf_str(&rows->marks), seal->marks_hash);
    seal_sign(seal, key);
    return insert_seal(store, seal, buf_str(&rows->marks), err) &&
           assign_waiting(store, seal, rows, err);
}

static struct seal seal_behind(const struct seal *last, int64_t above, const struct uuid *boundary,
                               int64_t now_us)
{
    struct seal next = {
        .merchant_id = last->merchant_id,
        .number = (last->number > above ? last->number : above) + 1,
        .previous = last->number,
        .sealed_us = now_us,
        .from_id = last->to_id,
        .to_id = uuid_compare(boundary, &last->to_id) > 0 ? *boundary : last->to_id,
        .total = last->total,
    };
    memcpy(next.previous_head, last->head, sizeof(next.previous_head));
    return next;
}

bool seal_store_seal(struct seal_store *store, const struct uuid *boundary, int64_t above,
                     const struct seal_key *key, struct seal *last, struct error *err)
{
    struct seal_rows rows;
    struct seal next = seal_behind(last, above, boundary, store->moment_us);
    if (!command(store, "BEGIN", err))
        return false;
    seal_rows_init(&rows);
    bool ok = take_waiting(store, &next, &rows, err) && take_range(store, &next, &rows, err);
    bool is_any = ok && rows.tree.count > 0;
    ok = ok && (!is_any || write_seal(store, &next, &rows, key, err));
    seal_rows_release(&rows);
    struct error ignored;
    if (!ok || !is_any) {
        bool is_over = command(store, "ROLLBACK", &ignored);
        return ok && is_over;
    }
    if (!command(store, "COMMIT", err))
        return false;
    *last = next;
    return true;
}

/* ---- what verify reads ------------------------------------------------------------------------ */

bool seal_store_each(struct seal_store *store, const struct uuid *merchant_id, seal_fn each,
                     void *ctx, struct error *err)
{
    struct params params;
    PGresult *res;
    bool ok = true;
    params_init(&params);
    params_uuid(&params, merchant_id);
    if (!blocking_send(store->conn, each_sql, &params) || PQsetSingleRowMode(store->conn) != 1)
        return blocking_refused(store->conn, err);
    while ((res = PQgetResult(store->conn)) != NULL) {
        ExecStatusType status = PQresultStatus(res);
        if (ok && status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK)
            ok = blocking_refused(store->conn, err);
        for (int row = 0; ok && row < PQntuples(res); row++) {
            struct seal seal;
            take_seal(res, row, &seal);
            ok = each(ctx, &seal, err);
        }
        PQclear(res);
    }
    return ok;
}

bool seal_store_read(struct seal_store *store, const struct uuid *merchant_id, int64_t number,
                     struct seal *seal, struct buf *marks, bool *is_there, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_int8(&params, number);
    PGresult *res = blocking_run(store->conn, read_sql, &params, err);
    if (res == NULL)
        return false;
    *is_there = PQntuples(res) == 1;
    buf_clear(marks);
    if (*is_there) {
        take_seal(res, 0, seal);
        buf_add_str(marks, column_text(res, 0, 15));
    }
    PQclear(res);
    return true;
}

bool seal_store_rest(struct seal_store *store, const struct uuid *merchant_id,
                     const struct uuid *sealed_to, int64_t oldest_us, struct seal_rest *rest,
                     struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_uuid(&params, sealed_to);
    params_time(&params, oldest_us);
    PGresult *res = blocking_run(store->conn, rest_sql, &params, err);
    if (res == NULL)
        return false;
    *rest = (struct seal_rest){
        .new_count = column_int8(res, 0, 0),
        .late_count = column_int8(res, 0, 1),
        .has_hidden = !column_is_null(res, 0, 2),
        .hidden_id = column_uuid(res, 0, 2),
        .has_backdated = !column_is_null(res, 0, 3),
        .backdated_id = column_uuid(res, 0, 3),
    };
    PQclear(res);
    return true;
}
