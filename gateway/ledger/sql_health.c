/* Statements of provider health: holds (holds.h), what hosts tell each other (hosts.h), and service
 * levels (levels.h). */
#include "ledger/sql.h"

/* Caches of other workers see that the directory has changed. */
#define BUMP                                                                                       \
    ", bumped AS (UPDATE directory_version SET version = version + 1"                              \
    " WHERE id = 1 AND (SELECT count(*) FROM changed) > 0) SELECT count(*) FROM changed"

/* Of merchant $1 (NULL: all), made from $2 to $3: ids, which hold the time. */
#define THEIR_ATTEMPTS                                                                             \
    "(SELECT m.merchant_id FROM merchants m WHERE $1::uuid IS NULL OR m.merchant_id = $1) m"       \
    " CROSS JOIN LATERAL (SELECT * FROM attempts t WHERE t.merchant_id = m.merchant_id"            \
    " AND t.attempt_id >= $2 AND t.attempt_id < $3 ORDER BY t.attempt_id OFFSET 0) a"

/* clang-format off */
static const struct sql_text texts[SQL_HEALTH_END_MARK - SQL_HEALTH_FIRST] = {
/* A hold of account $2 of $1; $10 now. What has run out is ended with it; $11: so is what people did. */
[SQL_HOLD_ADD - SQL_HEALTH_FIRST] = {SQL_CONTROL, "hold_add",
    "WITH ended AS (UPDATE account_holds h SET ended_at = CASE WHEN NOT h.weekly AND h.until_at"
    " <= $10 THEN h.until_at ELSE $10 END, ended_by = CASE WHEN NOT h.weekly AND h.until_at <= $10"
    " THEN 'expired' ELSE $9 END WHERE h.merchant_id = $1 AND h.account_id = $2"
    " AND h.ended_at IS NULL AND ((NOT h.weekly AND h.until_at <= $10)"
    " OR ($11::boolean AND h.kind <> 'maintenance')) RETURNING 1), changed AS"
    " (INSERT INTO account_holds (merchant_id, account_id, hold_id, kind, from_at, until_at,"
    " weekly, reason, author, created_at, ended_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
    " $10, '') RETURNING 1)" BUMP},

/* Hold $3 of account $2 of $1, or, when NULL, what people did; $4 now, $5 who. */
[SQL_HOLD_END - SQL_HEALTH_FIRST] = {SQL_CONTROL, "hold_end",
    "WITH changed AS (UPDATE account_holds h SET ended_at = $4, ended_by = $5"
    " WHERE h.merchant_id = $1 AND h.account_id = $2 AND h.ended_at IS NULL"
    " AND CASE WHEN $3::uuid IS NULL THEN h.kind <> 'maintenance' ELSE h.hold_id = $3 END"
    " RETURNING 1)" BUMP},

[SQL_HOLD_LIST - SQL_HEALTH_FIRST] = {SQL_READER, "hold_list",
    "SELECT h.hold_id, h.kind, h.from_at, h.until_at, h.weekly, h.author, h.reason, h.created_at,"
    " h.ended_at, h.ended_by FROM account_holds h WHERE h.merchant_id = $1 AND h.account_id = $2"
    " ORDER BY h.hold_id DESC LIMIT $3::bigint"},

/* What host $1 sees of the accounts $2; whose they are is looked up. */
[SQL_HOST_PUT - SQL_HEALTH_FIRST] = {SQL_CONTROL, "host_put",
    "WITH changed AS (INSERT INTO host_health AS h (merchant_id, account_id, host_id, written_at,"
    " state, slow, why, calls, failures, p95_us) SELECT a.merchant_id, u.account_id, $1,"
    " clock_timestamp(), u.state, u.slow, u.why, u.calls, u.failures, u.p95_us"
    " FROM unnest($2::uuid[], $3::text[], $4::boolean[], $5::text[], $6::bigint[], $7::bigint[],"
    " $8::bigint[]) AS u (account_id, state, slow, why, calls, failures, p95_us)"
    " JOIN LATERAL (SELECT x.merchant_id FROM accounts x WHERE x.account_id = u.account_id"
    " OFFSET 0) a ON true ORDER BY a.merchant_id, u.account_id"
    " ON CONFLICT (merchant_id, account_id, host_id) DO UPDATE SET written_at = excluded.written_at,"
    " state = excluded.state, slow = excluded.slow, why = excluded.why, calls = excluded.calls,"
    " failures = excluded.failures, p95_us = excluded.p95_us RETURNING 1)"
    " SELECT count(*) FROM changed"},

/* Hosts that have been silent for a day are gone. */
[SQL_HOST_SWEEP - SQL_HEALTH_FIRST] = {SQL_CONTROL, "host_sweep",
    "WITH changed AS (DELETE FROM host_health h WHERE h.written_at < clock_timestamp()"
    " - interval '1 day' RETURNING 1) SELECT count(*) FROM changed"},

/* What other hosts than $1 have said within $2 microseconds, and how long ago. */
[SQL_HOST_LIST - SQL_HEALTH_FIRST] = {SQL_READER, "host_list",
    "SELECT h.account_id, h.host_id, h.state, h.slow, h.why,"
    " (extract(epoch FROM clock_timestamp() - h.written_at) * 1000000)::bigint"
    " FROM host_health h WHERE h.host_id <> $1"
    " AND h.written_at > clock_timestamp() - $2::bigint * interval '1 microsecond'"},

[SQL_LEVELS - SQL_HEALTH_FIRST] = {SQL_READER, "levels",
    "SELECT a.merchant_id, a.account_id, a.provider, c.name, count(*),"
    " count(*) FILTER (WHERE o.outcome = 'approved'),"
    " count(*) FILTER (WHERE o.outcome IN ('declined_soft', 'declined_hard')),"
    " count(*) FILTER (WHERE o.outcome = 'failed'),"
    " count(*) FILTER (WHERE o.first_outcome = 'unknown'),"
    " count(*) FILTER (WHERE o.outcome = 'unknown'),"
    " count(DISTINCT date_trunc('minute', a.created_at)),"
    " count(DISTINCT date_trunc('minute', a.created_at)) FILTER (WHERE o.is_answered),"
    " percentile_disc(0.50) WITHIN GROUP (ORDER BY o.elapsed_us) FILTER (WHERE o.is_answered),"
    " percentile_disc(0.95) WITHIN GROUP (ORDER BY o.elapsed_us) FILTER (WHERE o.is_answered),"
    " percentile_disc(0.99) WITHIN GROUP (ORDER BY o.elapsed_us) FILTER (WHERE o.is_answered)"
    " FROM " THEIR_ATTEMPTS
    " CROSS JOIN LATERAL (SELECT (array_agg(v.outcome ORDER BY v.number DESC))[1] AS outcome,"
    " (array_agg(v.outcome ORDER BY v.number))[1] AS first_outcome,"
    " (array_agg(v.elapsed_us ORDER BY v.number))[1] AS elapsed_us,"
    " coalesce((array_agg(v.http_status BETWEEN 100 AND 499 AND v.http_status <> 429"
    " ORDER BY v.number))[1], false) AS is_answered"
    " FROM outcomes v WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id"
    " AND v.outcome <> 'none' OFFSET 0) o"
    " LEFT JOIN accounts c ON c.merchant_id = a.merchant_id AND c.account_id = a.account_id"
    " GROUP BY a.merchant_id, a.account_id, a.provider, c.name"
    " ORDER BY a.provider, c.name, a.account_id"},

/* The fees that were foreseen for what was approved, and those that were booked. */
[SQL_LEVEL_COSTS - SQL_HEALTH_FIRST] = {SQL_READER, "level_costs",
    "SELECT a.merchant_id, a.account_id, a.currency,"
    " coalesce(sum(a.expected_fee_minor) FILTER (WHERE o.outcome = 'approved'), 0)::bigint,"
    " coalesce(sum(f.minor), 0)::bigint FROM " THEIR_ATTEMPTS
    " LEFT JOIN LATERAL (SELECT v.outcome FROM outcomes v WHERE v.merchant_id = a.merchant_id"
    " AND v.attempt_id = a.attempt_id AND v.outcome <> 'none' ORDER BY v.number DESC LIMIT 1) o"
    " ON true LEFT JOIN (SELECT t.merchant_id, t.attempt_id, sum(t.amount_minor) AS minor"
    " FROM merchants x CROSS JOIN LATERAL (SELECT * FROM transfers y WHERE y.merchant_id ="
    " x.merchant_id AND y.transfer_id >= $2 AND y.kind = 'fee' AND y.state = 'posted'"
    " ORDER BY y.transfer_id OFFSET 0) t"
    " WHERE $1::uuid IS NULL OR x.merchant_id = $1 GROUP BY t.merchant_id, t.attempt_id) f"
    " ON f.merchant_id = a.merchant_id AND f.attempt_id = a.attempt_id"
    " GROUP BY a.merchant_id, a.account_id, a.currency"
    " ORDER BY a.merchant_id, a.account_id, a.currency"},
};
/* clang-format on */

const struct sql_text *sql_health_text(enum sql sql)
{
    CHECK(sql >= SQL_HEALTH_FIRST && sql < SQL_HEALTH_END_MARK);
    return &texts[sql - SQL_HEALTH_FIRST];
}
