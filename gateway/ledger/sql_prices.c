/* The statements of what fees are computed from (price.h, volume.h). */
#include "ledger/sql.h"

#include "base/error.h"

/* clang-format off */
static const struct sql_text texts[SQL_PRICE_END_MARK - SQL_PRICE_FIRST] = {

[SQL_PRICE_KEEP - SQL_PRICE_FIRST] = {SQL_CONTROL, "price_keep",
    "WITH kept AS (INSERT INTO price_tables (merchant_id, digest, created_at, kind, author, content)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id, digest) DO NOTHING RETURNING 1)"
    " SELECT count(*) FROM kept"},

[SQL_PRICE_FIND - SQL_PRICE_FIRST] = {SQL_READER, "price_find",
    "SELECT kind, author, content, created_at FROM price_tables"
    " WHERE merchant_id = $1 AND digest = $2"},

/* Transfers of a span by their ids, which grow with time. */
[SQL_VOLUME - SQL_PRICE_FIRST] = {SQL_BULK, "volume",
    "SELECT t.currency, sum(t.amount_minor)::bigint FROM transfers t WHERE t.merchant_id = $1"
    " AND t.transfer_id >= balance_floor($2) AND t.transfer_id < balance_floor($3)"
    " AND (t.debit_account || '') = $4 AND (t.kind || '') = 'payment' AND (t.state = 'posted'"
    " OR (t.state = 'pending' AND (SELECT true FROM transfers n WHERE n.merchant_id = t.merchant_id"
    " AND n.pending_id = t.transfer_id) IS NULL)) GROUP BY t.currency"},
};
/* clang-format on */

const struct sql_text *sql_price_text(enum sql sql)
{
    CHECK(sql >= SQL_PRICE_FIRST && sql < SQL_PRICE_END_MARK);
    return &texts[sql - SQL_PRICE_FIRST];
}
