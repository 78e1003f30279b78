/* Statements of provider health: holds (holds.h), what hosts tell each other (hosts.h), and service
 * levels (levels.h), measures of the process (measures.h). */
#include "ledger/sql.h"

/* Caches of other workers see that the directory has changed. */
#define BUMP                                                                                       \
    ", bumped AS (UPDATE directory_version SET version = version + 1"                              \
    " WHERE id = 1 AND (SELECT count(*) FROM changed) > 0) SELECT count(*) FROM changed"

/* Of a column of provider_minutes, 0 where it is not known. */
#define MEAN(column)                                                                               \
    " coalesce((sum(" column " * weight) FILTER (WHERE " column " > 0)"                            \
    " / nullif(sum(weight) FILTER (WHERE " column " > 0), 0))::bigint, 0)"

/*
 * Of merchant $1 (NULL: all), made from $2 to $3: ids, which hold the time. $4 is that of the third
 * statement of the call, and later: all three take the same parameters.
 */
#define THEIR_ATTEMPTS                                                                             \
    "(SELECT m.merchant_id FROM merchants m WHERE ($1::uuid IS NULL OR m.merchant_id = $1)"        \
    " AND $4::uuid >= $3) m"                                                                       \
    " CROSS JOIN LATERAL (SELECT * FROM attempts t WHERE t.merchant_id = m.merchant_id"            \
    " AND t.attempt_id >= $2 AND t.attempt_id < $3 ORDER BY t.attempt_id OFFSET 0) a"

/* Of the same, `since`: the first id that is not rolled up. */
#define SPANS                                                                                      \
    "(SELECT k.merchant_id, level_since(k.merchant_id, $2) AS since FROM merchants k"              \
    " WHERE ($1::uuid IS NULL OR k.merchant_id = $1) AND $4::uuid >= $3) m"

/* Attempts of the span that no rolled up day has; and such days. */
#define THEIR_LATEST                                                                               \
    SPANS " CROSS JOIN LATERAL (SELECT * FROM attempts t WHERE t.merchant_id = m.merchant_id"      \
          " AND t.attempt_id >= m.since AND t.attempt_id < $3 ORDER BY t.attempt_id OFFSET 0) a"
#define THEIR_DAYS(table)                                                                          \
    SPANS " CROSS JOIN LATERAL (SELECT * FROM " table " y WHERE y.merchant_id = m.merchant_id"     \
          " AND y.day_at >= level_day($2) AND y.day_at < level_day($3) OFFSET 0) d"

/* What came first; nothing yet: NULL. */
#define FIRST_OUTCOME                                                                              \
    " LEFT JOIN LATERAL (SELECT v.outcome, v.send_number, v.elapsed_us, v.http_status BETWEEN "    \
    "100 AND 499"                                                                                  \
    " AND v.http_status <> 429 AS is_answered FROM outcomes v"                                     \
    " WHERE v.merchant_id = a.merchant_id AND v.attempt_id = a.attempt_id"                         \
    " AND v.outcome <> 'none' ORDER BY v.number LIMIT 1) f ON true"

/* What a rule declined, nobody could take or an adapter could not express was never sent: it says nothing. */
#define ASKED FIRST_OUTCOME " WHERE (f.outcome = 'failed' AND f.send_number = 0) IS NOT TRUE"

/* What is known now: the first one if it was final, else the last. */
#define LAST_OUTCOME                                                                               \
    "CASE WHEN f.outcome IN ('approved', 'declined_soft', 'declined_hard', 'failed')"              \
    " THEN f.outcome ELSE (SELECT w.outcome FROM outcomes w"                                       \
    " WHERE w.merchant_id = a.merchant_id AND w.attempt_id = a.attempt_id"                         \
    " AND w.outcome <> 'none' ORDER BY w.number DESC LIMIT 1) END"

#define WHOSE                                                                                      \
    "CASE WHEN $1::uuid IS NULL THEN ARRAY(SELECT k.merchant_id FROM merchants k) ELSE ARRAY[$1] " \
    "END"

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

/* What host $1 saw of the accounts $3 in the minute that began at $2; whose they are is looked up. */
[SQL_MINUTE_PUT - SQL_HEALTH_FIRST] = {SQL_CONTROL, "minute_put",
    "WITH changed AS (INSERT INTO provider_minutes (merchant_id, account_id, at, host_id, approved,"
    " declined, failed, unknown, p50_us, p95_us, p99_us, state, slow) SELECT a.merchant_id,"
    " u.account_id, $2, $1, u.approved, u.declined, u.failed, u.unknown, u.p50_us, u.p95_us,"
    " u.p99_us, u.state, u.slow FROM unnest($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[],"
    " $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::boolean[]) AS u"
    " (account_id, approved, declined, failed, unknown, p50_us, p95_us, p99_us, state, slow)"
    " JOIN LATERAL (SELECT x.merchant_id FROM accounts x WHERE x.account_id = u.account_id"
    " OFFSET 0) a ON true ON CONFLICT (merchant_id, account_id, at, host_id) DO NOTHING"
    " RETURNING 1) SELECT count(*) FROM changed"},

[SQL_MINUTE_SWEEP - SQL_HEALTH_FIRST] = {SQL_CONTROL, "minute_sweep",
    "WITH changed AS (DELETE FROM provider_minutes m WHERE m.at < clock_timestamp()"
    " - $1::bigint * interval '1 day' RETURNING 1) SELECT count(*) FROM changed"},

/* Of account $2 of $1, from $3 to $4, in steps of $5 microseconds; at most $6. */
[SQL_MINUTE_READ - SQL_HEALTH_FIRST] = {SQL_READER, "minute_read",
    "SELECT date_bin($5::bigint * interval '1 microsecond', m.at, timestamptz 'epoch') AS start,"
    " sum(approved)::bigint, sum(declined)::bigint, sum(failed)::bigint, sum(unknown)::bigint,"
    MEAN("p50_us") "," MEAN("p95_us") "," MEAN("p99_us") ","
    " count(*) FILTER (WHERE state <> 'closed'), count(*) FILTER (WHERE slow)"
    " FROM (SELECT p.*, p.approved + p.declined + p.failed + p.unknown + 1 AS weight"
    " FROM provider_minutes p WHERE p.merchant_id = $1 AND p.account_id = $2 AND p.at >= $3"
    " AND p.at < $4) m GROUP BY start ORDER BY start LIMIT $6::bigint"},

/* Days that are rolled up (migration 20261122000023), and what came since from the attempts themselves. */
[SQL_LEVELS - SQL_HEALTH_FIRST] = {SQL_READER, "levels",
    "WITH asked AS MATERIALIZED (SELECT a.merchant_id, a.account_id, a.provider,"
    " date_trunc('minute', a.created_at) AS minute, f.outcome AS first_outcome, f.elapsed_us,"
    " f.is_answered, " LAST_OUTCOME " AS outcome FROM " THEIR_LATEST ASKED
    "), minutes AS (SELECT merchant_id, account_id, provider, count(*) AS asked,"
    " count(*) FILTER (WHERE is_answered) AS answered FROM (SELECT merchant_id, account_id,"
    " provider, bool_or(is_answered) AS is_answered FROM asked GROUP BY merchant_id, account_id,"
    " provider, minute) n GROUP BY 1, 2, 3), counted AS (SELECT merchant_id, account_id, provider,"
    " count(*) AS attempts, count(*) FILTER (WHERE outcome = 'approved') AS approved,"
    " count(*) FILTER (WHERE outcome IN ('declined_soft', 'declined_hard')) AS declined,"
    " count(*) FILTER (WHERE outcome = 'failed') AS failed,"
    " count(*) FILTER (WHERE first_outcome = 'unknown') AS unknown,"
    " count(*) FILTER (WHERE outcome = 'unknown') AS still_unknown FROM asked GROUP BY 1, 2, 3),"
    " days AS MATERIALIZED (SELECT d.* FROM " THEIR_DAYS("level_days") "), sums AS (SELECT"
    " merchant_id, account_id, provider, sum(attempts)::bigint AS attempts,"
    " sum(approved)::bigint AS approved, sum(declined)::bigint AS declined,"
    " sum(failed)::bigint AS failed, sum(unknown)::bigint AS unknown,"
    " sum(still_unknown)::bigint AS still_unknown, sum(asked)::bigint AS asked,"
    " sum(answered)::bigint AS answered FROM (SELECT n.*, x.asked, x.answered FROM counted n"
    " JOIN minutes x USING (merchant_id, account_id, provider) UNION ALL SELECT merchant_id,"
    " account_id, provider, attempts, approved, declined, failed, unknown, still_unknown,"
    " minutes_asked, minutes_answered FROM days) p GROUP BY 1, 2, 3), buckets AS (SELECT"
    " merchant_id, account_id, provider, bucket, sum(number) AS number FROM (SELECT merchant_id,"
    " account_id, provider, level_bucket(elapsed_us) AS bucket, 1 AS number FROM asked"
    " WHERE is_answered UNION ALL SELECT d.merchant_id, d.account_id, d.provider,"
    " split_part(u.part, ':', 1)::integer, split_part(u.part, ':', 2)::bigint FROM days d"
    " CROSS JOIN LATERAL unnest(string_to_array(d.latency, ' ')) AS u (part)) b"
    " GROUP BY 1, 2, 3, 4), ranked AS (SELECT b.*, sum(number) OVER (PARTITION BY merchant_id,"
    " account_id, provider ORDER BY bucket) AS upto, sum(number) OVER (PARTITION BY merchant_id,"
    " account_id, provider) AS whole FROM buckets b), quantiles AS (SELECT merchant_id, account_id,"
    " provider, level_bucket_us(min(bucket) FILTER (WHERE upto >= whole * 0.50)) AS p50,"
    " level_bucket_us(min(bucket) FILTER (WHERE upto >= whole * 0.95)) AS p95,"
    " level_bucket_us(min(bucket) FILTER (WHERE upto >= whole * 0.99)) AS p99 FROM ranked"
    " GROUP BY 1, 2, 3) SELECT merchant_id, account_id, n.provider, c.name, attempts, approved,"
    " declined, failed, unknown, still_unknown, asked, answered, p50, p95, p99 FROM sums n"
    " LEFT JOIN quantiles q USING (merchant_id, account_id, provider)"
    " LEFT JOIN accounts c USING (merchant_id, account_id)"
    " ORDER BY n.provider, c.name, account_id"},

/* The fees that were foreseen for what was approved. */
[SQL_LEVEL_COSTS - SQL_HEALTH_FIRST] = {SQL_READER, "level_costs",
    "SELECT p.merchant_id, p.account_id, p.currency, sum(p.minor)::bigint FROM (SELECT"
    " q.merchant_id, q.account_id, q.currency,"
    " coalesce(sum(q.expected_fee_minor) FILTER (WHERE q.outcome = 'approved'), 0) AS minor"
    " FROM (SELECT a.merchant_id, a.account_id, a.currency, a.expected_fee_minor, "
    LAST_OUTCOME " AS outcome FROM " THEIR_LATEST ASKED ") q"
    " GROUP BY q.merchant_id, q.account_id, q.currency UNION ALL"
    " SELECT d.merchant_id, d.account_id, d.currency, d.expected_minor FROM "
    THEIR_DAYS("level_costs") ") p GROUP BY p.merchant_id, p.account_id, p.currency"
    " ORDER BY p.merchant_id, p.account_id, p.currency"},

/* Those that were booked for these attempts, until $4. Its attempt is there: the first from its id. */
[SQL_LEVEL_FEES - SQL_HEALTH_FIRST] = {SQL_READER, "level_fees",
    "SELECT p.merchant_id, p.account_id, p.currency, sum(p.minor)::bigint FROM"
    " (SELECT t.merchant_id, a.account_id, t.currency, t.amount_minor AS minor FROM " SPANS
    " CROSS JOIN LATERAL (SELECT * FROM transfers y WHERE y.merchant_id = m.merchant_id"
    " AND y.transfer_id >= m.since AND y.transfer_id < $4 AND y.attempt_id >= $2"
    " AND y.attempt_id < $3 AND y.kind = 'fee' AND y.state = 'posted'"
    " ORDER BY y.transfer_id OFFSET 0) t CROSS JOIN LATERAL (SELECT x.account_id FROM attempts x"
    " WHERE x.merchant_id = t.merchant_id AND x.attempt_id >= t.attempt_id"
    " ORDER BY x.attempt_id LIMIT 1) a UNION ALL SELECT d.merchant_id, d.account_id, d.currency,"
    " d.booked_minor FROM " SPANS " CROSS JOIN LATERAL (SELECT * FROM level_fees y"
    " WHERE y.merchant_id = m.merchant_id AND y.day_at >= level_day($2) AND y.day_at < level_day($4)"
    " AND y.asked_at >= level_day($2) AND y.asked_at < level_day($3) OFFSET 0) d) p"
    " GROUP BY p.merchant_id, p.account_id, p.currency"},

/* $1: now; $2: how many days are compared at most; $3: attempts at a time. */
[SQL_LEVEL_ROLL - SQL_HEALTH_FIRST] = {SQL_BULK, "level_roll", "SELECT roll_levels($1, $2, $3)"},

/* What failover recovered, and how the fees of what was approved at once compare with those of the other
 * accounts that were kept in the decision. */
[SQL_EARNED - SQL_HEALTH_FIRST] = {SQL_READER, "earned",
    "WITH first AS MATERIALIZED (SELECT a.merchant_id, a.payment_id, a.currency, a.amount_minor,"
    " a.expected_fee_minor, a.decision, " LAST_OUTCOME " AS outcome FROM " THEIR_ATTEMPTS
    FIRST_OUTCOME " WHERE a.number = 1 AND a.operation IN ('sale', 'authorize', 'payout'))"
    " SELECT q.merchant_id, q.currency, count(*),"
    " count(*) FILTER (WHERE q.outcome = 'approved'), count(r.minor),"
    " coalesce(sum(r.minor), 0)::bigint, coalesce(sum(r.fee), 0)::bigint, count(k.dearest),"
    " coalesce(sum(k.dearest - q.expected_fee_minor), 0)::bigint,"
    " coalesce(sum(k.average - q.expected_fee_minor), 0)::bigint,"
    " coalesce(sum(q.expected_fee_minor - k.cheapest), 0)::bigint FROM first q"
    " LEFT JOIN LATERAL (SELECT a.amount_minor AS minor, a.expected_fee_minor AS fee"
    " FROM (SELECT * FROM attempts t WHERE t.merchant_id = q.merchant_id"
    " AND t.payment_id = q.payment_id AND t.number > 1 ORDER BY t.number OFFSET 0) a"
    FIRST_OUTCOME " WHERE q.outcome <> 'approved' AND " LAST_OUTCOME " = 'approved' LIMIT 1) r"
    " ON true"
    " LEFT JOIN LATERAL (SELECT max(n.fee) AS dearest, min(n.fee) AS cheapest,"
    " div(sum(n.fee), count(*)) AS average"
    " FROM (SELECT (c.value->>'expected_fee')::bigint AS fee"
    " FROM jsonb_array_elements(q.decision::jsonb->'candidates') c"
    " WHERE q.outcome = 'approved' AND q.expected_fee_minor IS NOT NULL"
    " AND (c.value->>'kept')::boolean AND c.value->>'expected_fee' IS NOT NULL) n"
    " HAVING count(*) > 1) k ON true"
    " GROUP BY q.merchant_id, q.currency ORDER BY q.merchant_id, q.currency"},

/* Of merchant $1 (NULL: all), from $2 to $3. $4 and $5 are those of the second statement of the call: both take the
 * same parameters. */
[SQL_PROCESS_MEASURES - SQL_HEALTH_FIRST] = {SQL_READER, "process_measures",
    "SELECT p.* FROM process_measures(" WHOSE ", $2, $3) p"
    " WHERE $4::timestamptz IS NOT NULL AND $5::bigint IS NOT NULL"},

/* Now, $4; at most $5 of each merchant and place. */
[SQL_PROCESS_STUCK - SQL_HEALTH_FIRST] = {SQL_READER, "process_stuck",
    "SELECT s.merchant_id, s.payment_id, s.attempt_id, s.place, s.since, s.provider, s.kind, s.reason"
    " FROM process_stuck(" WHOSE ", $4, $5) s WHERE $3::timestamptz >= $2::timestamptz"
    " ORDER BY s.since, s.payment_id LIMIT 500"},

/* $1: now; $2: how many hours that were open are looked at again at most. */
[SQL_PROCESS_ROLL - SQL_HEALTH_FIRST] = {SQL_BULK, "process_roll", "SELECT roll_process($1, $2)"},
};
/* clang-format on */

const struct sql_text *sql_health_text(enum sql sql)
{
    CHECK(sql >= SQL_HEALTH_FIRST && sql < SQL_HEALTH_END_MARK);
    return &texts[sql - SQL_HEALTH_FIRST];
}
