/* The statements of webhooks that came in (inbound.h). */
#include "ledger/sql.h"

#include "base/error.h"
#include "ledger/store.h"

/* The events that were claimed: $1 now, $2 to $5 their keys and epochs. */
#define CLAIMED                                                                                    \
    "e AS MATERIALIZED (SELECT v.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[])"  \
    " AS k (merchant_id, account_id, event_id, epoch) CROSS JOIN LATERAL"                          \
    " (SELECT * FROM inbound_events i WHERE i.merchant_id = k.merchant_id"                         \
    " AND i.account_id = k.account_id AND i.event_id = k.event_id AND i.epoch = k.epoch"           \
    " AND (i.state || '') = 'waiting' OFFSET 0) v)"

#define TARGETS                                                                                    \
    "n AS MATERIALIZED (SELECT e.merchant_id, e.account_id, e.provider, e.event_id, e.says,"       \
    " e.operations, a.attempt_id, a.payment_id, a.operation FROM e CROSS JOIN LATERAL"             \
    " (SELECT * FROM inbound_targets(e.merchant_id, e.account_id, e.attempt_id, e.payment_id,"     \
    " e.provider, e.provider_ids)) a)"

/* $7 first pause, $8 longest. */
#define LATER(tries)                                                                               \
    "$1 + least($7::bigint * power(2, least(" tries ", 30)), $8::bigint) * interval '1 ms'"

/* clang-format off */
static const struct sql_text texts[SQL_INBOUND_END_MARK - SQL_INBOUND_FIRST] = {

[SQL_INBOUND_ACCOUNT - SQL_INBOUND_FIRST] = {SQL_READER, "inbound_account",
    "SELECT merchant_id FROM accounts WHERE account_id = $1 LIMIT 1"},

/* On the connection for what is large: a flood of webhooks must not keep claims and heartbeats. */
[SQL_INBOUND_STORE - SQL_INBOUND_FIRST] = {SQL_BULK, "inbound_store",
    "WITH kept AS (INSERT INTO inbound_events (merchant_id, account_id, attempt_id, payment_id,"
    " received_at, happened_at, next_at, done_at, epoch, tries, operations, event_id, provider,"
    " event_type, says, provider_ids, state, reason, body_sealed) VALUES ($1, $2, $3, $4, $5, $6,"
    " $5, CASE WHEN $13::text <> 'waiting' THEN $5::timestamptz END, 0, 0, $7, $8, $9, $10, $11,"
    " $12, $13, $14, $15) ON CONFLICT (merchant_id, account_id, event_id) DO NOTHING RETURNING 1)"
    " SELECT count(*) FROM kept"},

/*
 * The accounts that have something waiting are found by skipping through the index from one to the
 * next. The outer WHERE repeats the predicate: it is what is checked again after waiting for another.
 */
[SQL_INBOUND_CLAIM - SQL_INBOUND_FIRST] = {SQL_CONTROL, "inbound_claim",
    "WITH RECURSIVE lane (merchant_id, account_id) AS ((SELECT i.merchant_id, i.account_id"
    " FROM inbound_events i WHERE i.state = 'waiting' ORDER BY i.merchant_id, i.account_id LIMIT 1)"
    " UNION ALL SELECT n.merchant_id, n.account_id FROM lane l CROSS JOIN LATERAL"
    " (SELECT i.merchant_id, i.account_id FROM inbound_events i WHERE i.state = 'waiting'"
    " AND (i.merchant_id, i.account_id) > (l.merchant_id, l.account_id)"
    " ORDER BY i.merchant_id, i.account_id LIMIT 1) n),"
    " picked AS MATERIALIZED (SELECT c.merchant_id, c.account_id, c.event_id FROM lane l"
    " CROSS JOIN LATERAL (SELECT i.merchant_id, i.account_id, i.event_id, i.next_at, row_number()"
    " OVER (ORDER BY i.next_at) AS place FROM inbound_events i WHERE i.merchant_id = l.merchant_id"
    " AND i.account_id = l.account_id AND i.state = 'waiting' AND i.next_at <= $1"
    " ORDER BY i.next_at LIMIT $4::bigint) c ORDER BY c.place, c.next_at LIMIT $3::bigint),"
    " changed AS (UPDATE inbound_events v SET epoch = v.epoch + 1, next_at = $2,"
    " state = CASE WHEN v.epoch - v.tries >= $5 THEN 'dead' ELSE v.state END,"
    " reason = CASE WHEN v.epoch - v.tries >= $5 THEN 'poison' ELSE v.reason END,"
    " done_at = CASE WHEN v.epoch - v.tries >= $5 THEN $1 END"
    " WHERE (v.merchant_id, v.account_id, v.event_id) IN (SELECT w.merchant_id, w.account_id,"
    " w.event_id FROM inbound_events w WHERE (w.merchant_id, w.account_id, w.event_id)"
    " IN (SELECT p.merchant_id, p.account_id, p.event_id FROM picked p) FOR UPDATE SKIP LOCKED)"
    " AND (v.state || '') = 'waiting' AND v.next_at <= $1"
    " RETURNING v.merchant_id, v.account_id, v.event_id, v.epoch, v.state)"
    " SELECT merchant_id, account_id, event_id, epoch FROM changed WHERE state = 'waiting'"},

/*
 * One statement, so that an event is applied and what it made due is due, or neither. Rows of
 * `unresolved` that somebody holds, or is changing, are not waited for: their event comes again.
 * What is final is looked up again only when its payment goes on nowhere: nobody may open another
 * attempt while one waits. What is in review is for a person.
 */
[SQL_INBOUND_APPLY - SQL_INBOUND_FIRST] = {SQL_CONTROL, "inbound_apply",
    "WITH " CLAIMED ", " TARGETS ", s AS MATERIALIZED (SELECT n.*, f.outcome AS final, u.is_free,"
    " (SELECT true FROM unresolved x WHERE x.merchant_id = n.merchant_id"
    " AND x.attempt_id = n.attempt_id) AS is_parked,"
    " inbound_agrees(n.operations, n.operation, n.says, f.outcome) AS agrees,"
    " (SELECT w.status FROM events w WHERE w.merchant_id = n.merchant_id"
    " AND w.payment_id = n.payment_id ORDER BY w.number DESC LIMIT 1) AS status FROM n"
    " LEFT JOIN LATERAL (SELECT o.outcome FROM outcomes o WHERE o.merchant_id = n.merchant_id"
    " AND o.attempt_id = n.attempt_id AND o.outcome IN ('approved', 'declined_soft',"
    " 'declined_hard', 'failed') ORDER BY o.number DESC LIMIT 1) f ON true"
    " LEFT JOIN LATERAL (SELECT true AS is_free FROM unresolved x"
    " WHERE x.merchant_id = n.merchant_id AND x.attempt_id = n.attempt_id AND x.lease_until <= $1"
    " FOR UPDATE SKIP LOCKED) u ON true),"
    " v AS MATERIALIZED (SELECT s.*, CASE WHEN agrees THEN 'agrees' WHEN is_free THEN 'due'"
    " WHEN is_parked THEN 'held' WHEN final IS NULL AND status = 'review' THEN 'agrees'"
    " WHEN final IS NOT NULL AND status NOT IN ('processing', 'requires_action') THEN 'recheck'"
    " ELSE 'open' END AS act FROM s),"
    " due AS (UPDATE unresolved r SET next_at = least(r.next_at, $1), tries = 0 FROM"
    " (SELECT DISTINCT merchant_id, attempt_id FROM v WHERE act = 'due') d"
    " WHERE r.merchant_id = d.merchant_id AND r.attempt_id = d.attempt_id RETURNING 1),"
    " again AS (INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider,"
    " next_at, lease_until, epoch, tries, reason, parked_at) SELECT DISTINCT merchant_id,"
    " attempt_id, payment_id, account_id, provider, $1::timestamptz, '-infinity'::timestamptz,"
    " 0::bigint, 0, '" STORE_RECHECK "',"
    " $1::timestamptz FROM v WHERE act = 'recheck'"
    " ORDER BY merchant_id, attempt_id ON CONFLICT (merchant_id, attempt_id) DO NOTHING"
    " RETURNING 1),"
    " m AS (SELECT e.merchant_id, e.account_id, e.event_id, e.epoch, e.tries + 1 AS tries,"
    " inbound_ours(e.merchant_id, e.account_id, e.attempt_id, e.payment_id) AS is_ours, count(d.act) AS found,"
    " count(*) FILTER (WHERE d.act IN ('held', 'open')) AS busy, count(*) FILTER"
    " (WHERE d.act = 'due') AS due, count(*) FILTER (WHERE d.act = 'recheck') AS again"
    " FROM e LEFT JOIN v d ON d.merchant_id = e.merchant_id AND d.account_id = e.account_id"
    " AND d.event_id = e.event_id GROUP BY 1, 2, 3, 4, 5, 6),"
    " ended AS (SELECT *, inbound_ends(found, busy, is_ours, tries, $9)"
    " AS state FROM m),"
    " changed AS (UPDATE inbound_events i SET tries = s.tries, state = s.state,"
    " reason = CASE WHEN s.found = 0 THEN 'unknown_reference' WHEN s.busy > 0 THEN 'in_hand'"
    " WHEN s.again > 0 THEN 'recheck' WHEN s.due > 0 THEN 'due' ELSE 'nothing_new' END,"
    " next_at = CASE WHEN s.busy > 0 THEN $1 + least($6::bigint * power(1.5, least(i.tries, 20)),"
    " 60000) * interval '1 ms' ELSE " LATER("i.tries") " END,"
    " done_at = CASE WHEN s.state <> 'waiting' THEN $1::timestamptz END"
    " FROM ended s WHERE i.merchant_id = s.merchant_id AND i.account_id = s.account_id"
    " AND i.event_id = s.event_id AND i.epoch = s.epoch AND (i.state || '') = 'waiting'"
    " RETURNING i.state, i.reason, i.received_at, s.is_ours)"
    " SELECT count(*) FILTER (WHERE state = 'applied'), count(*) FILTER (WHERE state = 'applied'"
    " AND reason = 'recheck'), count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER"
    " (WHERE state = 'dead'), count(*) FILTER (WHERE state = 'waiting' AND is_ours"
    " AND reason = 'unknown_reference' AND received_at <= $1 - $10::bigint * interval '1 ms')"
    " FROM changed"},

[SQL_INBOUND_FAIL - SQL_INBOUND_FIRST] = {SQL_CONTROL, "inbound_fail",
    "WITH changed AS (UPDATE inbound_events SET tries = tries + 1, reason = 'cannot_be_applied',"
    " state = CASE WHEN tries + 1 >= $5 THEN 'dead' ELSE 'waiting' END,"
    " done_at = CASE WHEN tries + 1 >= $5 THEN $6::timestamptz END,"
    " next_at = $6 + least($7::bigint * power(2, least(tries, 30)), $8::bigint) * interval '1 ms'"
    " WHERE merchant_id = $1 AND account_id = $2 AND event_id = $3 AND epoch = $4"
    " AND (state || '') = 'waiting' RETURNING state)"
    " SELECT count(*) FILTER (WHERE state = 'dead') FROM changed"},

[SQL_INBOUND_BACKLOG - SQL_INBOUND_FIRST] = {SQL_READER, "inbound_backlog",
    "SELECT count(*), min(received_at) FROM inbound_events WHERE state = 'waiting'"},
};
/* clang-format on */

const struct sql_text *sql_inbound_text(enum sql sql)
{
    CHECK(sql >= SQL_INBOUND_FIRST && sql < SQL_INBOUND_END_MARK);
    return &texts[sql - SQL_INBOUND_FIRST];
}
