/* The statements of exports that workers take in and show (exports.h); those who make them have their own:
 * report_store.c. */
#include "ledger/sql.h"

#include "base/error.h"

/* A failed one that is made again waits. */
#define ROW                                                                                        \
    "SELECT export_id, asked_by, asked_at, period_from, period_to, CASE WHEN tries > 0 THEN "      \
    "begun_at END, made_at,"                                                                       \
    " reached_at, row_count, byte_count, sha256, what, account,"                                   \
    " CASE WHEN state = 'failed' AND place IS NOT NULL THEN 'waiting' ELSE state END, error FROM " \
    "report_runs"

/* clang-format off */
static const struct sql_text texts[SQL_EXPORT_END_MARK - SQL_EXPORT_FIRST] = {

/* The lowest place that is free. No row: none is ($11 of them), or another took it at the same moment. */
[SQL_EXPORT_PUT - SQL_EXPORT_FIRST] = {SQL_CONTROL, "export_put",
    "INSERT INTO report_runs (merchant_id, export_id, asked_by, asked_at, period_from, period_to, begun_at, next_at,"
    " epoch, row_count, byte_count, tries, place, name, period, what, account, state, file, host, error)"
    " SELECT $1, $2, $3, $4, $5, $6, $4, $4, 0, 0, 0, 0, g.place, $7, 'once', $8, $9, 'waiting', $10, '', ''"
    " FROM generate_series(1, $11::integer) AS g (place) WHERE (SELECT true FROM report_runs r"
    " WHERE r.merchant_id = $1 AND r.place = g.place) IS NULL ORDER BY g.place LIMIT 1"
    " ON CONFLICT (merchant_id, place) WHERE place IS NOT NULL DO NOTHING RETURNING place::bigint"},

[SQL_EXPORT_LOAD - SQL_EXPORT_FIRST] = {SQL_READER, "export_load",
    ROW " WHERE merchant_id = $1 AND export_id = $2"},

[SQL_EXPORT_LIST - SQL_EXPORT_FIRST] = {SQL_READER, "export_list",
    ROW " WHERE merchant_id = $1 AND export_id < $2 ORDER BY export_id DESC LIMIT $3::bigint"},
};
/* clang-format on */

const struct sql_text *sql_export_text(enum sql sql)
{
    CHECK(sql >= SQL_EXPORT_FIRST && sql < SQL_EXPORT_END_MARK);
    return &texts[sql - SQL_EXPORT_FIRST];
}
