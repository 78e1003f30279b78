#include "ledger/history.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SQL_BYTES_MAX = 4096,
    SIGNATURE_BYTES = 19, /* "PGCOPY\n\377\r\n\0", flags, no extension */
    COLUMN_COUNT = 14,
};

/* Seconds from 1970 to PostgreSQL's epoch, 2000-01-01. */
#define EPOCH_US INT64_C(946684800000000)

struct history {
    PGconn *conn;    /* owned */
    char *chunk;     /* of PQgetCopyData; owned by libpq */
    struct str rest; /* of the chunk */
    bool is_begun;   /* the signature is behind us */
};

static bool fail_pg(PGconn *conn, struct error *err, const char *what)
{
    const char *text = PQerrorMessage(conn);
    return fail(err, ERROR_IO, "cannot %s: %.*s", what, (int)strcspn(text, "\n"), text);
}

/* Only numbers and uuids of ours are put in. */
static void write_sql(const struct history_wanted *wanted, char sql[SQL_BYTES_MAX])
{
    char merchant[64] = "";
    char payment[64] = "";
    char until[96] = "";
    char limit[32] = "";
    char id[UUID_TEXT_SIZE];
    if (!uuid_is_zero(&wanted->merchant_id)) {
        (void)uuid_format(&wanted->merchant_id, id);
        (void)snprintf(merchant, sizeof(merchant), " AND p.merchant_id = '%s'", id);
    }
    if (!uuid_is_zero(&wanted->payment_id)) {
        (void)uuid_format(&wanted->payment_id, id);
        (void)snprintf(payment, sizeof(payment), " AND p.payment_id = '%s'", id);
    }
    if (wanted->until_us > 0)
        (void)snprintf(until, sizeof(until),
                       " AND a.created_at < 'epoch'::timestamptz + %" PRId64
                       " * interval '1 microsecond'",
                       wanted->until_us);
    if (wanted->limit > 0)
        (void)snprintf(limit, sizeof(limit), " LIMIT %" PRId64, wanted->limit);
    (void)snprintf(sql, SQL_BYTES_MAX,
                   "COPY (SELECT p.merchant_id, p.payment_id, a.account_id, p.created_at,"
                   " p.amount_minor, coalesce(a.expected_fee_minor, -1), a.operation, p.currency,"
                   " a.provider, p.reference, p.method_type, p.country, p.metadata,"
                   " coalesce(p.routing, '') || chr(10) || coalesce(a.decision, '')"
                   " FROM attempts a JOIN payments p USING (merchant_id, payment_id)"
                   " WHERE a.number = 1 AND p.parent_id IS NULL AND a.created_at >="
                   " 'epoch'::timestamptz + %" PRId64 " * interval '1 microsecond'%s%s%s%s)"
                   " TO STDOUT (FORMAT binary)",
                   wanted->since_us, until, merchant, payment, limit);
}

static bool run(struct history *history, const char *sql, ExecStatusType wanted, struct error *err)
{
    PGresult *res = PQexec(history->conn, sql);
    bool ok = PQresultStatus(res) == wanted;
    if (!ok)
        (void)fail_pg(history->conn, err, "read the history");
    PQclear(res);
    return ok;
}

struct history *history_open(const char *conninfo, const struct history_wanted *wanted,
                             struct error *err)
{
    char sql[SQL_BYTES_MAX];
    struct history *history = calloc(1, sizeof(*history));
    CHECK(history != NULL);
    history->conn = PQconnectdb(conninfo);
    write_sql(wanted, sql);
    bool ok = PQstatus(history->conn) == CONNECTION_OK ||
              fail_pg(history->conn, err, "connect to the database");
    ok = ok &&
         run(history, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", PGRES_COMMAND_OK, err);
    ok = ok && run(history, "SET LOCAL statement_timeout = 0", PGRES_COMMAND_OK, err) &&
         run(history, sql, PGRES_COPY_OUT, err);
    if (!ok)
        history_close(&history);
    return history;
}

void history_close(struct history **history)
{
    if (*history == NULL)
        return;
    PQfreemem((*history)->chunk);
    PQfinish((*history)->conn);
    free(*history);
    *history = NULL;
}

static uint64_t big_endian(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (uint8_t)at[i];
    return value;
}

/* One field of the row; its bytes, or none for NULL. */
static bool take_field(struct str *rest, struct str *field)
{
    if (rest->len < 4)
        return false;
    int32_t len = (int32_t)big_endian(rest->at, 4);
    *rest = str_sub(*rest, 4, rest->len);
    *field = STR_NONE;
    if (len < 0)
        return true;
    if (rest->len < (size_t)len)
        return false;
    *field = str_sub(*rest, 0, (size_t)len);
    *rest = str_sub(*rest, (size_t)len, rest->len);
    return true;
}

static bool read_row(struct str rest, struct history_row *row)
{
    struct str field[COLUMN_COUNT];
    if (rest.len < 2 || big_endian(rest.at, 2) != COLUMN_COUNT)
        return false;
    rest = str_sub(rest, 2, rest.len);
    static const size_t fixed[COLUMN_COUNT] = {16, 16, 16, 8, 8, 8};
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (!take_field(&rest, &field[i]) || (fixed[i] != 0 && field[i].len != fixed[i]))
            return false;
    }
    *row = (struct history_row){
        .created_us = (int64_t)big_endian(field[3].at, 8) + EPOCH_US,
        .amount_minor = (int64_t)big_endian(field[4].at, 8),
        .expected_fee_minor = (int64_t)big_endian(field[5].at, 8),
        .operation = operation_find(field[6]),
        .currency = field[7],
        .provider = field[8],
        .reference = field[9],
        .method = field[10],
        .country = field[11],
        .metadata_json = field[12],
        .decision_json = field[13],
    };
    memcpy(row->merchant_id.byte, field[0].at, 16);
    memcpy(row->payment_id.byte, field[1].at, 16);
    memcpy(row->account_id.byte, field[2].at, 16);
    row->routing_json = str_cut(&row->decision_json, '\n');
    return rest.len == 0;
}

/* Each chunk is a row; the first may have the signature before it, the last is the end mark. */
static bool take_chunk(struct history *history, struct str *chunk, struct error *err)
{
    PQfreemem(history->chunk);
    history->chunk = NULL;
    int got = PQgetCopyData(history->conn, &history->chunk, 0);
    if (got >= 0) {
        *chunk = (struct str){history->chunk, (size_t)got};
        return true;
    }
    PGresult *res = got == -1 ? PQgetResult(history->conn) : NULL;
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        (void)fail_pg(history->conn, err, "read the history");
    PQclear(res);
    return false;
}

bool history_next(struct history *history, struct history_row *row, struct error *err)
{
    struct str chunk = STR_NONE;
    err->text[0] = '\0';
    while (take_chunk(history, &chunk, err)) {
        if (!history->is_begun) {
            chunk = str_sub(chunk, SIGNATURE_BYTES, chunk.len);
            history->is_begun = true;
        }
        bool is_end = chunk.len == 2 && big_endian(chunk.at, 2) == 0xFFFF;
        if (chunk.len == 0 || is_end)
            continue;
        return read_row(chunk, row) ||
               fail(err, ERROR_IO, "cannot read the history: a row is unlike what was asked for");
    }
    return false;
}

/* ---- what decisions name by hash --------------------------------------------------------------- */

struct history_shelf {
    PGconn *conn; /* owned */
};

struct history_shelf *history_shelf_open(const char *conninfo, struct error *err)
{
    struct history_shelf *shelf = calloc(1, sizeof(*shelf));
    CHECK(shelf != NULL);
    shelf->conn = PQconnectdb(conninfo);
    if (PQstatus(shelf->conn) != CONNECTION_OK) {
        (void)fail_pg(shelf->conn, err, "connect to the database");
        history_shelf_close(&shelf);
    }
    return shelf;
}

void history_shelf_close(struct history_shelf **shelf)
{
    if (*shelf == NULL)
        return;
    PQfinish((*shelf)->conn);
    free(*shelf);
    *shelf = NULL;
}

bool history_shelf_find(struct history_shelf *shelf, enum history_text what,
                        const struct uuid *merchant_id, const uint8_t hash[32], struct arena *arena,
                        struct str *text, struct error *err)
{
    /* $1: the digest, $2: the merchant; the house's own have the zero uuid. */
    static const char *const sqls[] = {
        [HISTORY_RULES] = "SELECT content FROM rule_versions WHERE digest = $1 AND merchant_id IN"
                          " ($2, '00000000-0000-0000-0000-000000000000') LIMIT 1",
        [HISTORY_FEES] = "SELECT content FROM price_tables WHERE digest = $1 AND merchant_id = $2"
                         " AND kind = 'fees'",
        [HISTORY_RATES] =
            "SELECT content FROM price_tables WHERE digest = $1 AND kind = 'rates'"
            " AND merchant_id IN ($2, '00000000-0000-0000-0000-000000000000') LIMIT 1",
    };
    static const Oid types[] = {17, 2950}; /* bytea, uuid */
    const char *const values[] = {(const char *)hash, (const char *)merchant_id->byte};
    static const int lengths[] = {32, 16};
    static const int formats[] = {1, 1};
    PGresult *res = PQexecParams(shelf->conn, sqls[what], 2, types, values, lengths, formats, 0);
    bool ok = PQresultStatus(res) == PGRES_TUPLES_OK;
    *text = STR_NONE;
    if (ok && PQntuples(res) == 1)
        *text =
            arena_str(arena, (struct str){PQgetvalue(res, 0, 0), (size_t)PQgetlength(res, 0, 0)});
    if (!ok)
        (void)fail_pg(shelf->conn, err, "find what a decision names");
    PQclear(res);
    return ok;
}
