#include "ledger/history.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/copy.h"

enum {
    SQL_BYTES_MAX = 3072,
    COLUMN_COUNT = 15,
};

struct history {
    struct copy *copy; /* owned */
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
                   "SELECT p.merchant_id, p.payment_id, a.account_id, p.created_at,"
                   " p.amount_minor, coalesce(a.expected_fee_minor, -1), a.operation, p.currency,"
                   " a.provider, p.reference, p.method_type, p.country, p.metadata,"
                   " coalesce(p.routing, '') || chr(10) || coalesce(a.decision, ''), a.number"
                   " FROM attempts a JOIN payments p USING (merchant_id, payment_id)"
                   " WHERE (a.number = 1%s) AND p.parent_id IS NULL"
                   " AND a.created_at >="
                   " 'epoch'::timestamptz + %" PRId64 " * interval '1 microsecond'%s%s%s%s%s",
                   wanted->later ? " OR a.decision IS NOT NULL" : "", wanted->since_us, until,
                   merchant, payment, payment[0] != '\0' ? " ORDER BY a.number" : "", limit);
}

struct history *history_open(const char *conninfo, const struct history_wanted *wanted,
                             struct error *err)
{
    char sql[SQL_BYTES_MAX];
    struct history *history = calloc(1, sizeof(*history));
    CHECK(history != NULL);
    write_sql(wanted, sql);
    history->copy = copy_open(conninfo, err);
    if (history->copy == NULL || !copy_start(history->copy, sql, COLUMN_COUNT, err))
        history_close(&history);
    return history;
}

void history_close(struct history **history)
{
    if (*history == NULL)
        return;
    copy_close(&(*history)->copy);
    free(*history);
    *history = NULL;
}

bool history_next(struct history *history, struct history_row *row, struct error *err)
{
    struct str field[COPY_COLUMN_MAX];
    if (!copy_next(history->copy, field, err))
        return false;
    *row = (struct history_row){
        .operation = operation_find(field[6]),
        .currency = field[7],
        .provider = field[8],
        .reference = field[9],
        .method = field[10],
        .country = field[11],
        .metadata_json = field[12],
        .decision_json = field[13],
    };
    row->routing_json = str_cut(&row->decision_json, '\n');
    return (copy_uuid(field[0], &row->merchant_id) && copy_uuid(field[1], &row->payment_id) &&
            copy_uuid(field[2], &row->account_id) && copy_time(field[3], &row->created_us) &&
            copy_int(field[4], &row->amount_minor) && copy_int(field[14], &row->number) &&
            copy_int(field[5], &row->expected_fee_minor)) ||
           fail(err, ERROR_IO, "cannot read the history: a row is unlike what was asked for");
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
