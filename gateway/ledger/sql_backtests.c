/* The statements of backtests that workers take in and show (backtests.h); those who compute them have
 * their own: backtest_queue.c. */
#include "ledger/sql.h"

#include "base/error.h"

/* clang-format off */
static const struct sql_text texts[SQL_BACKTEST_END_MARK - SQL_BACKTEST_FIRST] = {

/* The lowest place that is free. No row: none is ($8 of them), or another took it at the same moment. */
[SQL_BACKTEST_PUT - SQL_BACKTEST_FIRST] = {SQL_CONTROL, "backtest_put",
    "INSERT INTO backtests (merchant_id, backtest_id, created_at, since_at, until_at, due_at, epoch,"
    " version, place, tries, state, author, reason, result)"
    " SELECT $1, $2, $3, $4, $5, $3, 0, $6, g.place, 0, 'queued', $7, '', ''"
    " FROM generate_series(1, $8::integer) AS g (place) WHERE (SELECT true FROM backtests b"
    " WHERE b.merchant_id = $1 AND b.place = g.place) IS NULL ORDER BY g.place LIMIT 1"
    " ON CONFLICT (merchant_id, place) DO NOTHING RETURNING place::bigint"},

[SQL_BACKTEST_LOAD - SQL_BACKTEST_FIRST] = {SQL_READER, "backtest_load",
    "SELECT version, state, since_at, until_at, created_at, started_at, ended_at, tries, author,"
    " reason, result FROM backtests WHERE merchant_id = $1 AND backtest_id = $2"},

/* 1: somebody must look. */
[SQL_BACKTEST_DUE - SQL_BACKTEST_FIRST] = {SQL_READER, "backtest_due",
    "SELECT count(*) FROM (SELECT due_at FROM backtests WHERE due_at <= $1 LIMIT 1) d"},
};
/* clang-format on */

const struct sql_text *sql_backtest_text(enum sql sql)
{
    CHECK(sql >= SQL_BACKTEST_FIRST && sql < SQL_BACKTEST_END_MARK);
    return &texts[sql - SQL_BACKTEST_FIRST];
}
