#include "ledger/archive.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "base/rng.h"
#include "ledger/blocking.h"

struct archive_db {
    PGconn *conn; /* owned */
};

/* The texts of what stays and of what moves are made once for each payment, row by row. */
static const char page_sql[] =
    "SELECT c.payment_id, o.obstacle, CASE WHEN o.obstacle IS NULL THEN"
    " archive_rows($1, c.payment_id)::text END FROM (SELECT p.payment_id FROM payments p"
    " WHERE p.merchant_id = $1 AND p.payment_id > $2 AND p.payment_id < balance_floor($3)"
    " AND p.kind = 'payment' AND p.archived_at IS NULL ORDER BY p.payment_id LIMIT $4) c"
    " CROSS JOIN LATERAL (SELECT archive_obstacle($1, c.payment_id) AS obstacle OFFSET 0) o"
    " ORDER BY c.payment_id";
static const char merchant_sql[] =
    "SELECT m.merchant_id FROM merchants m WHERE m.merchant_id > $1 ORDER BY m.merchant_id LIMIT 1";
static const char take_sql[] =
    "SELECT cardinality(archive_take($1, $2, $3, $4, $5, $6, $7, $8, $9))";
static const char find_sql[] =
    "SELECT p.archive_id, p.archive_salt, p.archive_hash FROM payments p"
    " WHERE p.merchant_id = $1 AND p.payment_id = $2 AND p.kind = 'payment'";
#define FILE_COLUMNS                                                                               \
    "SELECT archive_id, first_id, last_id, byte_count, sha256, created_at FROM archives"
static const char next_sql[] =
    FILE_COLUMNS " WHERE merchant_id = $1 AND archive_id > $2 ORDER BY archive_id LIMIT 1";
static const char known_sql[] = FILE_COLUMNS " WHERE merchant_id = $1 AND archive_id = $2";
static const char members_sql[] =
    "SELECT p.payment_id, p.archive_salt, p.archive_hash FROM payments p WHERE p.merchant_id = $1"
    " AND p.archive_id = $2 AND p.payment_id >= $3 AND p.payment_id <= $4"
    " AND p.archive_hash IS NOT NULL ORDER BY p.payment_id";
static const char restore_sql[] = "SELECT archive_restore($1, $2, $3::text::jsonb)";

struct archive_db *archive_db_open(const char *conninfo, struct error *err)
{
    /* The functions ask little of each payment: planning it anew would be most of the work. */
    static const char *const settings[] = {
        "SET lock_timeout = '5s'", "SET search_path = public", "SET client_encoding = 'UTF8'",
        "SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off"};
    struct archive_db *db = calloc(1, sizeof(*db));
    CHECK(db != NULL);
    db->conn = blocking_open(conninfo, "turnpike archive", err);
    bool ok = db->conn != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(settings); i++) {
        struct params none;
        params_init(&none);
        PGresult *res = blocking_run(db->conn, settings[i], &none, err);
        ok = res != NULL;
        PQclear(res);
    }
    if (!ok)
        archive_db_close(&db);
    return db;
}

void archive_db_close(struct archive_db **db)
{
    if (*db == NULL)
        return;
    PQfinish((*db)->conn);
    free(*db);
    *db = NULL;
}

/* ---- away -------------------------------------------------------------------------------------- */

bool archive_page(struct archive_db *db, const struct uuid *merchant_id, const struct uuid *after,
                  int64_t before_us, struct arena *arena, struct archive_subject **subjects,
                  size_t *count, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_uuid(&params, after);
    params_time(&params, before_us);
    params_int8(&params, ARCHIVE_PAGE_MAX);
    PGresult *res = blocking_run(db->conn, page_sql, &params, err);
    if (res == NULL)
        return false;
    *count = (size_t)PQntuples(res);
    *subjects = ARENA_ARRAY(arena, struct archive_subject, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        struct archive_subject *it = &(*subjects)[i];
        *it = (struct archive_subject){
            .id = column_uuid(res, (int)i, 0),
            .obstacle = column_copy(res, (int)i, 1, arena),
            .record = column_copy(res, (int)i, 2, arena),
        };
        rng_fill(it->salt, sizeof(it->salt));
        crypto_sha256(it->record, it->hash);
    }
    PQclear(res);
    return true;
}

bool archive_next_merchant(struct archive_db *db, struct uuid *after, bool *is_over,
                           struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, after);
    PGresult *res = blocking_run(db->conn, merchant_sql, &params, err);
    *is_over = res != NULL && PQntuples(res) == 0;
    bool ok = res != NULL && !*is_over;
    if (ok)
        *after = column_uuid(res, 0, 0);
    PQclear(res);
    return ok;
}

static void put_bytes(struct params *params, const uint8_t *bytes, size_t len)
{
    params_put_bytes(params, (struct str){(const char *)bytes, len});
}

static void put_subjects(struct params *params, const struct archive_subject *subjects,
                         size_t count)
{
    size_t moving = 0;
    for (size_t i = 0; i < count; i++)
        moving += subjects[i].record.len > 0;
    params_array_begin(params, VALUE_UUID, moving);
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].record.len > 0)
            params_put_uuid(params, &subjects[i].id);
    }
    params_array_end(params);
    params_array_begin(params, VALUE_BYTEA, moving);
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].record.len > 0)
            put_bytes(params, subjects[i].salt, sizeof(subjects[i].salt));
    }
    params_array_end(params);
    params_array_begin(params, VALUE_BYTEA, moving);
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].record.len > 0)
            put_bytes(params, subjects[i].hash, sizeof(subjects[i].hash));
    }
    params_array_end(params);
}

bool archive_take(struct archive_db *db, const struct archive_file *file,
                  const struct archive_subject *subjects, size_t count, size_t *taken,
                  struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &file->merchant_id);
    params_uuid(&params, &file->archive_id);
    params_time(&params, file->created_us);
    params_text(&params, str_of(file->author));
    params_int8(&params, file->byte_count);
    params_bytea(&params, (struct str){(const char *)file->sha256, sizeof(file->sha256)});
    put_subjects(&params, subjects, count);
    PGresult *res = blocking_run(db->conn, take_sql, &params, err);
    if (res == NULL)
        return false;
    *taken = (size_t)column_int4(res, 0, 0);
    PQclear(res);
    return true;
}

/* ---- and back ---------------------------------------------------------------------------------- */

static void take_seal(const PGresult *res, int row, struct archive_subject *it)
{
    struct str salt = column_text(res, row, 1);
    memcpy(it->salt, salt.at, salt.len < sizeof(it->salt) ? salt.len : sizeof(it->salt));
    column_digest(res, row, 2, it->hash);
}

bool archive_find(struct archive_db *db, const struct uuid *merchant_id, struct archive_subject *it,
                  struct uuid *archive_id, enum archive_found *found, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_uuid(&params, &it->id);
    PGresult *res = blocking_run(db->conn, find_sql, &params, err);
    if (res == NULL)
        return false;
    bool is_there = PQntuples(res) == 1;
    bool is_away = is_there && !column_is_null(res, 0, 0);
    *found = is_away ? ARCHIVE_AWAY : is_there ? ARCHIVE_HERE : ARCHIVE_ABSENT;
    if (is_away) {
        *archive_id = column_uuid(res, 0, 0);
        take_seal(res, 0, it);
    }
    PQclear(res);
    return true;
}

static bool load_file(struct archive_db *db, const char *sql, struct archive_file *file,
                      struct uuid *first, struct uuid *last, bool *is_there, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &file->merchant_id);
    params_uuid(&params, &file->archive_id);
    PGresult *res = blocking_run(db->conn, sql, &params, err);
    if (res == NULL)
        return false;
    *is_there = PQntuples(res) == 1;
    if (*is_there) {
        file->archive_id = column_uuid(res, 0, 0);
        *first = column_uuid(res, 0, 1);
        *last = column_uuid(res, 0, 2);
        file->byte_count = column_int8(res, 0, 3);
        column_digest(res, 0, 4, file->sha256);
        file->created_us = column_time(res, 0, 5);
    }
    PQclear(res);
    return true;
}

bool archive_next_file(struct archive_db *db, struct archive_file *file, struct uuid *first,
                       struct uuid *last, bool *is_over, struct error *err)
{
    bool is_there = false;
    bool ok = load_file(db, next_sql, file, first, last, &is_there, err);
    *is_over = ok && !is_there;
    return is_there;
}

bool archive_knows(struct archive_db *db, struct archive_file *file, struct uuid *first,
                   struct uuid *last, bool *is_known, struct error *err)
{
    return load_file(db, known_sql, file, first, last, is_known, err);
}

bool archive_members(struct archive_db *db, const struct archive_file *file,
                     const struct uuid *first, const struct uuid *last, struct arena *arena,
                     struct archive_subject **subjects, size_t *count, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, &file->merchant_id);
    params_uuid(&params, &file->archive_id);
    params_uuid(&params, first);
    params_uuid(&params, last);
    PGresult *res = blocking_run(db->conn, members_sql, &params, err);
    if (res == NULL)
        return false;
    *count = (size_t)PQntuples(res);
    *subjects = ARENA_ARRAY(arena, struct archive_subject, *count + 1);
    for (size_t i = 0; i < *count; i++) {
        (*subjects)[i] = (struct archive_subject){.id = column_uuid(res, (int)i, 0)};
        take_seal(res, (int)i, &(*subjects)[i]);
    }
    PQclear(res);
    return true;
}

bool archive_restore(struct archive_db *db, const struct uuid *merchant_id,
                     const struct archive_subject *it, bool *was_away, struct error *err)
{
    struct params params;
    params_init(&params);
    params_uuid(&params, merchant_id);
    params_uuid(&params, &it->id);
    params_text(&params, it->record);
    PGresult *res = blocking_run(db->conn, restore_sql, &params, err);
    if (res == NULL)
        return false;
    *was_away = column_bool(res, 0, 0);
    PQclear(res);
    return true;
}

/* ---- records ----------------------------------------------------------------------------------- */

static void derive(const uint8_t *seal_key, const uint8_t *salt, uint8_t key[AEAD_KEY_SIZE])
{
    static const char label[] = "turnpike archive record";
    char text[sizeof(label) - 1 + ARCHIVE_SALT_SIZE];
    memcpy(text, label, sizeof(label) - 1);
    memcpy(text + sizeof(label) - 1, salt, ARCHIVE_SALT_SIZE);
    crypto_hmac_sha256((struct str){(const char *)seal_key, AEAD_KEY_SIZE},
                       (struct str){text, sizeof(text)}, key);
}

enum { BOUND_SIZE = 3 * sizeof(struct uuid) };

static struct str bind(const struct uuid *merchant_id, const struct uuid *archive_id,
                       const struct uuid *payment_id, char out[BOUND_SIZE])
{
    const struct uuid *ids[] = {merchant_id, archive_id, payment_id};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        memcpy(out + i * sizeof(struct uuid), ids[i]->byte, sizeof(struct uuid));
    return (struct str){out, BOUND_SIZE};
}

void archive_seal(const uint8_t *seal_key, const struct archive_file *file,
                  const struct archive_subject *it, struct buf *out)
{
    uint8_t key[AEAD_KEY_SIZE];
    char bound[BOUND_SIZE];
    struct buf packed;
    buf_init(&packed, 2 * it->record.len + 4096); /* as much as packing may need on its way */
    pack(it->record, &packed);
    CHECK(buf_is_ok(&packed));
    derive(seal_key, it->salt, key);
    crypto_seal(key, bind(&file->merchant_id, &file->archive_id, &it->id, bound), buf_str(&packed),
                out);
    buf_release(&packed);
}

bool archive_open(const uint8_t *seal_key, const struct uuid *merchant_id,
                  const struct uuid *archive_id, struct str sealed, struct arena *arena,
                  struct archive_subject *it, struct error *err)
{
    uint8_t key[AEAD_KEY_SIZE];
    uint8_t hash[SHA256_SIZE];
    char bound[BOUND_SIZE];
    struct buf packed;
    struct str record;
    buf_init(&packed, sealed.len);
    derive(seal_key, it->salt, key);
    bool ok =
        crypto_open(key, bind(merchant_id, archive_id, &it->id, bound), sealed, &packed, err) &&
        unpack(arena_str(arena, buf_str(&packed)), ARCHIVE_RECORD_MAX, arena, &record, err);
    buf_release(&packed);
    if (!ok)
        return false;
    crypto_sha256(record, hash);
    it->record = record;
    return crypto_equal(hash, it->hash, sizeof(hash)) ||
           fail(err, ERROR_INVALID, "the record is not the one that was archived");
}
