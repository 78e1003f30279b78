/* The statements of merchants' webhook endpoints and of what is told to them (hooks.h). */
#include "ledger/sql.h"

#define OPEN(d) d ".state IN ('waiting', 'sending')"
#define SAME_LANE(d, l)                                                                            \
    d ".merchant_id = " l ".merchant_id AND " d ".endpoint_id = " l ".endpoint_id"
#define SAME(d, l) SAME_LANE(d, l) " AND " d ".event_id = " l ".event_id"

/*
 * The state of a row that is found by its id: an expression, so that no index of what waits is taken
 * for a way to it.
 */
#define STATE(d) "(" d ".state || '')"

#define COUNT_CHANGED " SELECT count(*) FROM changed"

/* Endpoints for which something waits or is sent, by skipping through the index of it. */
#define LANES                                                                                      \
    "RECURSIVE lanes (merchant_id, endpoint_id) AS ((SELECT d.merchant_id, d.endpoint_id"          \
    " FROM hook_deliveries d WHERE " OPEN(                                                         \
        "d") " ORDER BY d.merchant_id, d.endpoint_id LIMIT 1)"                                     \
             " UNION ALL SELECT n.merchant_id, n.endpoint_id FROM lanes l CROSS JOIN LATERAL"      \
             " (SELECT d.merchant_id, d.endpoint_id FROM hook_deliveries d WHERE " OPEN(           \
                 "d") " AND (d.merchant_id, d.endpoint_id) > (l.merchant_id, l.endpoint_id)"       \
                      " ORDER BY d.merchant_id, d.endpoint_id LIMIT 1) n)"

#define ENDPOINT_COLUMNS                                                                           \
    "SELECT e.endpoint_id, e.created_at, e.url, e.description, e.event_types, e.livemode,"         \
    " e.disabled_at, e.disabled_reason, e.failing_since, e.failure_count, e.resume_at"             \
    " FROM hook_endpoints e WHERE e.merchant_id = $1 AND e.deleted_at IS NULL"
#define SECRET_COLUMNS                                                                             \
    "SELECT s.endpoint_id, s.secret_id, s.created_at, s.expires_at, s.public_key"                  \
    " FROM hook_secrets s WHERE s.merchant_id = $1 AND (s.expires_at IS NULL OR s.expires_at > "   \
    "$2)"
#define DELIVERY_COLUMNS                                                                           \
    " d.endpoint_id, d.event_id, d.payment_id, d.created_at, d.next_at, d.done_at, d.tries,"       \
    " d.round_tries, d.last_status, d.state, d.type, d.last_error"

/* A new round of the schedule; what is being sent is left alone. $1: now. */
#define AGAIN                                                                                      \
    " SET state = 'waiting', next_at = $1, done_at = NULL, round_tries = 0, epoch = d.epoch + 1"

/* clang-format off */
static const struct sql_text texts[SQL_HOOK_END_MARK - SQL_HOOK_FIRST] = {

/* ---- sending ---- */

/*
 * $1 now, $2 end of the lease, $3 deliveries at most, $4 of one endpoint at a time, $5 failures in a
 * row from which on it is 1. Of each endpoint the deliveries that are longest due are looked at.
 * Whoever stands behind another of its payment is put off until that one has been tried again, so
 * that each is looked at but once for each try; the end of that one makes it due at once. Places that
 * are free go to the endpoints that have fewest: a backlog that is slow does not keep others waiting.
 */
[SQL_HOOK_CLAIM - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_claim",
    "WITH " LANES ", lane AS MATERIALIZED (SELECT h.merchant_id, h.endpoint_id,"
    " CASE WHEN h.is_draining THEN 'infinity'::timestamptz ELSE $1::timestamptz END AS upto,"
    " CASE WHEN h.failure_count >= $5::bigint THEN 1 ELSE $4::bigint END - b.busy AS room, b.busy"
    " FROM lanes l CROSS JOIN LATERAL (SELECT * FROM hook_endpoints e"
    " WHERE " SAME_LANE("e", "l") " AND e.disabled_at IS NULL AND e.deleted_at IS NULL"
    " AND e.resume_at <= $1 OFFSET 0) h CROSS JOIN LATERAL (SELECT count(*) AS busy"
    " FROM hook_deliveries s WHERE " SAME_LANE("s", "h") " AND s.state = 'sending'"
    " AND s.next_at > $1) b), judged AS MATERIALIZED (SELECT c.*, l.room, l.busy,"
    " CASE b.state WHEN 'sending' THEN $1::timestamptz + interval '2 s'"
    " WHEN 'waiting' THEN greatest(b.next_at, $1::timestamptz + interval '1 s') END AS put_off"
    " FROM lane l CROSS JOIN LATERAL (SELECT d.merchant_id, d.endpoint_id, d.event_id,"
    " d.payment_id, d.number, d.next_at FROM hook_deliveries d WHERE " SAME_LANE("d", "l")
    " AND " OPEN("d") " AND d.next_at <= l.upto AND (d.next_at <= $1 OR " STATE("d")
    " = 'waiting') ORDER BY d.next_at LIMIT 4 * $4::bigint) c LEFT JOIN LATERAL (SELECT p.state,"
    " p.next_at FROM hook_deliveries p WHERE " SAME_LANE("p", "c") " AND " OPEN("p")
    " AND p.payment_id = c.payment_id AND p.number < c.number ORDER BY p.number LIMIT 1) b ON true"
    " WHERE l.room > 0), chosen AS MATERIALIZED (SELECT f.merchant_id, f.endpoint_id, f.event_id"
    " FROM (SELECT j.*, row_number() OVER (PARTITION BY j.merchant_id, j.endpoint_id"
    " ORDER BY j.next_at, j.event_id) AS place FROM judged j WHERE j.put_off IS NULL) f"
    " WHERE f.place <= f.room ORDER BY f.busy + f.place, f.next_at LIMIT $3::bigint),"
    " behind AS (UPDATE hook_deliveries d SET next_at = j.put_off FROM (SELECT x.*"
    " FROM judged x CROSS JOIN LATERAL (SELECT true"
    " FROM hook_deliveries k WHERE " SAME("k", "x") " AND " STATE("k") " = 'waiting'"
    " AND k.next_at <= $1 FOR UPDATE SKIP LOCKED) k WHERE x.put_off IS NOT NULL) j"
    " WHERE " SAME("d", "j") " AND " STATE("d") " = 'waiting' AND d.next_at <= $1)"
    " UPDATE hook_deliveries d SET state = 'sending', next_at = $2, epoch = d.epoch + 1,"
    " tries = d.tries + 1, round_tries = d.round_tries + 1 FROM (SELECT h.* FROM chosen x"
    " CROSS JOIN LATERAL (SELECT k.event_id FROM hook_deliveries k WHERE " SAME("k", "x")
    " FOR UPDATE SKIP LOCKED) k CROSS JOIN LATERAL (SELECT k.event_id AS event_id, e.merchant_id,"
    " e.endpoint_id, e.url, e.livemode, e.failure_count FROM hook_endpoints e WHERE "
    SAME_LANE("e", "x") " OFFSET 0) h) e WHERE " SAME("d", "e") " AND " STATE("d")
    " IN ('waiting', 'sending') AND (d.next_at <= $1 OR " STATE("d") " = 'waiting')"
    " RETURNING d.merchant_id, d.endpoint_id, d.event_id, d.payment_id, d.created_at, d.epoch,"
    " d.tries, d.round_tries, d.type, e.url, e.livemode, e.failure_count,"
    " (SELECT string_agg(s.secret_id_bytes || s.sealed, ''::bytea ORDER BY s.created_at DESC)"
    " FROM (SELECT uuid_send(t.secret_id) AS secret_id_bytes, t.sealed, t.created_at"
    " FROM hook_secrets t WHERE " SAME_LANE("t", "d") " AND (t.expires_at IS NULL"
    " OR t.expires_at > $1) ORDER BY t.created_at DESC LIMIT 8) s)"},

/* $1 now; of another epoch: nothing changes. What comes next of the same payment is due at once. */
[SQL_HOOK_END - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_end",
    "WITH i AS MATERIALIZED (SELECT u.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[],"
    " $5::bigint[], $6::text[], $7::timestamptz[], $8::integer[], $9::text[], $10::bigint[],"
    " $11::boolean[]) AS u (merchant_id, endpoint_id, event_id, epoch, state, next_at, status,"
    " error, elapsed_us, does_not_count)),"
    " changed AS (UPDATE hook_deliveries d SET state = i.state, next_at = i.next_at,"
    " done_at = CASE WHEN i.state <> 'waiting' THEN $1::timestamptz END, last_status = i.status,"
    " last_error = i.error, round_tries = d.round_tries - i.does_not_count::integer"
    " FROM i WHERE " SAME("d", "i") " AND d.epoch = i.epoch AND " STATE("d")
    " = 'sending' RETURNING d.merchant_id, d.endpoint_id, d.event_id, d.payment_id, d.number,"
    " d.tries, d.state, i.status, i.error, i.elapsed_us), logged AS (INSERT INTO hook_tries"
    " (merchant_id, endpoint_id, event_id, created_at, elapsed_us, number, status, error)"
    " SELECT c.merchant_id, c.endpoint_id, c.event_id, $1, c.elapsed_us, c.tries, c.status, c.error"
    " FROM changed c), freed AS (UPDATE hook_deliveries n SET next_at = $1 FROM (SELECT x.*"
    " FROM changed c CROSS JOIN LATERAL (SELECT w.merchant_id, w.endpoint_id, w.event_id"
    " FROM hook_deliveries w WHERE " SAME_LANE("w", "c") " AND " OPEN("w")
    " AND w.payment_id = c.payment_id AND w.number > c.number ORDER BY w.number LIMIT 1) x"
    " WHERE c.state <> 'waiting') f WHERE " SAME("n", "f") " AND " STATE("n") " = 'waiting'"
    " AND n.next_at > $1)" COUNT_CHANGED},

/*
 * How a try ended, for the endpoint: $3 it succeeded, $4 now, $5 not to be called before, $6 gone;
 * $7 was called, which may not be its address any more.
 * A success after failures: it is back, all that waits is due. A failure: no longer.
 */
[SQL_HOOK_HEALTH - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_health",
    "WITH changed AS (UPDATE hook_endpoints e SET"
    " is_draining = $3::boolean AND (e.is_draining OR e.failure_count > 0),"
    " failure_count = CASE WHEN $3::boolean THEN 0 ELSE least(e.failure_count, 1000000) + 1 END,"
    " failing_since = CASE WHEN $3::boolean THEN NULL ELSE coalesce(e.failing_since, $4) END,"
    " resume_at = greatest(e.resume_at, $5),"
    " disabled_reason = CASE WHEN $6::boolean AND e.disabled_at IS NULL THEN 'gone'"
    " ELSE e.disabled_reason END,"
    " disabled_at = CASE WHEN $6::boolean THEN coalesce(e.disabled_at, $4) ELSE e.disabled_at END"
    " WHERE e.merchant_id = $1 AND e.endpoint_id = $2 AND e.url = $7 RETURNING 1)" COUNT_CHANGED},

/* What waits for an endpoint that is disabled is not told: $1 now, $2 at most of each. */
[SQL_HOOK_SWEEP - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_sweep",
    "WITH " LANES ", gone AS MATERIALIZED (SELECT c.* FROM lanes l CROSS JOIN LATERAL"
    " (SELECT true FROM hook_endpoints e WHERE " SAME_LANE("e", "l")
    " AND (e.disabled_at IS NOT NULL OR e.deleted_at IS NOT NULL) OFFSET 0) h CROSS JOIN LATERAL"
    " (SELECT d.merchant_id, d.endpoint_id, d.event_id FROM hook_deliveries d WHERE "
    SAME_LANE("d", "l") " AND " OPEN("d") " AND (d.next_at <= $1 OR " STATE("d") " = 'waiting')"
    " ORDER BY d.next_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED) c), changed AS ("
    "UPDATE hook_deliveries d SET state = 'skipped', done_at = $1, epoch = d.epoch + 1 FROM gone g"
    " WHERE " SAME("d", "g") " AND " STATE("d") " IN ('waiting', 'sending') RETURNING 1)"
    COUNT_CHANGED},

[SQL_HOOK_BACKLOG - SQL_HOOK_FIRST] = {SQL_READER, "hook_backlog",
    "WITH " LANES " SELECT coalesce(sum(c.n), 0)::bigint, min(c.oldest) FROM lanes l"
    " CROSS JOIN LATERAL (SELECT count(*) AS n, min(o.created_at) AS oldest FROM"
    " (SELECT d.created_at FROM hook_deliveries d WHERE " SAME_LANE("d", "l") " AND " OPEN("d")
    " ORDER BY d.next_at LIMIT 10000) o) c"},

/* ---- endpoints ---- */

[SQL_HOOK_LIST - SQL_HOOK_FIRST] = {SQL_READER, "hook_list",
    ENDPOINT_COLUMNS " AND $2::timestamptz IS NOT NULL ORDER BY e.endpoint_id"},

[SQL_HOOK_LIST_SECRETS - SQL_HOOK_FIRST] = {SQL_READER, "hook_list_secrets",
    SECRET_COLUMNS " ORDER BY s.endpoint_id, s.created_at DESC"},

[SQL_HOOK_LOAD - SQL_HOOK_FIRST] = {SQL_READER, "hook_load",
    ENDPOINT_COLUMNS " AND $2::timestamptz IS NOT NULL AND e.endpoint_id = $3"},

[SQL_HOOK_LOAD_SECRETS - SQL_HOOK_FIRST] = {SQL_READER, "hook_load_secrets",
    SECRET_COLUMNS " AND s.endpoint_id = $3 ORDER BY s.created_at DESC"},

/* $12: endpoints of one merchant at most. */
[SQL_HOOK_CREATE - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_create",
    "WITH changed AS (INSERT INTO hook_endpoints (merchant_id, endpoint_id, created_at, resume_at,"
    " failure_count, livemode, is_draining, url, description, event_types, disabled_at,"
    " disabled_reason) SELECT $1, $2, $3, $3, 0, $4, false, $5, $6, $7,"
    " CASE WHEN $8::boolean THEN NULL ELSE $3::timestamptz END, CASE WHEN $8::boolean THEN ''"
    " ELSE 'merchant' END WHERE (SELECT count(*) FROM hook_endpoints e WHERE e.merchant_id = $1"
    " AND e.deleted_at IS NULL) < $12::bigint RETURNING merchant_id, endpoint_id),"
    " keyed AS (INSERT INTO hook_secrets (merchant_id, endpoint_id, secret_id, created_at,"
    " public_key, sealed) SELECT c.merchant_id, c.endpoint_id, $9, $3, $10, $11 FROM changed c)"
    COUNT_CHANGED},

/* NULL: as it is. Enabled again, it begins without failures. */
[SQL_HOOK_UPDATE - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_update",
    "WITH changed AS (UPDATE hook_endpoints e SET url = coalesce($4, e.url),"
    " description = coalesce($5, e.description), event_types = coalesce($6, e.event_types),"
    " disabled_at = CASE $7::boolean WHEN true THEN NULL WHEN false"
    " THEN coalesce(e.disabled_at, $3) ELSE e.disabled_at END,"
    " disabled_reason = CASE $7::boolean WHEN true THEN '' WHEN false THEN"
    " CASE WHEN e.disabled_at IS NULL THEN 'merchant' ELSE e.disabled_reason END"
    " ELSE e.disabled_reason END,"
    " resume_at = CASE WHEN $7::boolean OR $4 IS NOT NULL THEN $3 ELSE e.resume_at END,"
    " failing_since = CASE WHEN $7::boolean OR $4 IS NOT NULL THEN NULL ELSE e.failing_since END,"
    " failure_count = CASE WHEN $7::boolean OR $4 IS NOT NULL THEN 0 ELSE e.failure_count END,"
    " is_draining = e.is_draining OR (e.failure_count > 0 AND ($7::boolean OR $4 IS NOT NULL))"
    " IS TRUE WHERE e.merchant_id = $1 AND e.endpoint_id = $2 AND e.deleted_at IS NULL"
    " RETURNING 1)" COUNT_CHANGED},

/* Its secrets are erased; what became of its deliveries stays. */
[SQL_HOOK_DELETE - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_delete",
    "WITH changed AS (UPDATE hook_endpoints e SET deleted_at = $3,"
    " disabled_at = coalesce(e.disabled_at, $3) WHERE e.merchant_id = $1 AND e.endpoint_id = $2"
    " AND e.deleted_at IS NULL RETURNING e.merchant_id, e.endpoint_id), erased AS (UPDATE"
    " hook_secrets s SET sealed = ''::bytea, expires_at = $3 FROM changed c WHERE "
    SAME_LANE("s", "c") ")" COUNT_CHANGED},

/* $7: those before are valid until then; $8: valid at a time, at most. 0: too many are. */
[SQL_HOOK_ROTATE - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_rotate",
    "WITH locked AS MATERIALIZED (SELECT e.merchant_id, e.endpoint_id FROM hook_endpoints e"
    " WHERE e.merchant_id = $1 AND e.endpoint_id = $2 AND e.deleted_at IS NULL AND (SELECT count(*)"
    " FROM hook_secrets s WHERE s.merchant_id = $1 AND s.endpoint_id = $2 AND (s.expires_at IS NULL"
    " OR s.expires_at > $4) AND $7 > $4) < $8::bigint FOR UPDATE), old AS (UPDATE hook_secrets s"
    " SET expires_at = $7 FROM locked l WHERE " SAME_LANE("s", "l") " AND (s.expires_at IS NULL"
    " OR s.expires_at > $7)), changed AS (INSERT INTO hook_secrets (merchant_id, endpoint_id,"
    " secret_id, created_at, public_key, sealed) SELECT l.merchant_id, l.endpoint_id, $3, $4, $5,"
    " $6 FROM locked l RETURNING 1)" COUNT_CHANGED},

/* ---- deliveries ---- */

[SQL_HOOK_PING - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_ping",
    "WITH changed AS (INSERT INTO hook_deliveries (merchant_id, endpoint_id, event_id, payment_id,"
    " created_at, next_at, epoch, number, tries, round_tries, last_status, state, type, last_error)"
    " SELECT $1, $2, $3, $3, $4, $4, 0, 1, 0, 0, 0, 'waiting', $5, '' FROM hook_endpoints e"
    " WHERE e.merchant_id = $1 AND e.endpoint_id = $2 AND e.disabled_at IS NULL"
    " AND e.deleted_at IS NULL RETURNING 1)" COUNT_CHANGED},

[SQL_HOOK_DELIVERIES - SQL_HOOK_FIRST] = {SQL_READER, "hook_deliveries",
    "SELECT" DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.merchant_id = $1"
    " AND d.endpoint_id = $2 AND d.event_id < $3 AND d.event_id >= $4 AND ($5::text IS NULL"
    " OR " STATE("d") " = $5) AND ($6::text IS NULL OR d.type = $6) ORDER BY d.event_id DESC"
    " LIMIT $7::bigint"},

[SQL_HOOK_DELIVERY - SQL_HOOK_FIRST] = {SQL_READER, "hook_delivery",
    "SELECT" DELIVERY_COLUMNS " FROM hook_deliveries d WHERE d.merchant_id = $1"
    " AND d.endpoint_id = $2 AND d.event_id = $3"},

[SQL_HOOK_TRIES - SQL_HOOK_FIRST] = {SQL_READER, "hook_tries",
    "SELECT t.event_id, t.number, t.created_at, t.elapsed_us, t.status, t.error"
    " FROM unnest($3::uuid[]) AS u (event_id) CROSS JOIN LATERAL (SELECT * FROM hook_tries x"
    " WHERE x.merchant_id = $1 AND x.endpoint_id = $2 AND x.event_id = u.event_id"
    " ORDER BY x.number DESC LIMIT 50) t ORDER BY t.event_id, t.number"},

[SQL_HOOK_REPLAY - SQL_HOOK_FIRST] = {SQL_CONTROL, "hook_replay",
    "WITH changed AS (UPDATE hook_deliveries d" AGAIN " FROM hook_endpoints e"
    " WHERE d.merchant_id = $2 AND d.endpoint_id = $3 AND d.event_id = $4 AND " SAME_LANE("e", "d")
    " AND e.disabled_at IS NULL AND e.deleted_at IS NULL AND (" STATE("d") " <> 'sending'"
    " OR d.next_at <= $1) RETURNING 1)" COUNT_CHANGED},

/* Of the events from $4 to $5: those in state $6; NULL: failed or skipped. At most $7. */
[SQL_HOOK_REPLAY_RANGE - SQL_HOOK_FIRST] = {SQL_BULK, "hook_replay_range",
    "WITH chosen AS MATERIALIZED (SELECT c.merchant_id, c.endpoint_id, c.event_id FROM"
    " hook_endpoints e CROSS JOIN LATERAL (SELECT * FROM hook_deliveries o WHERE "
    SAME_LANE("o", "e") " AND o.event_id >= $4 AND o.event_id < $5 AND CASE WHEN $6::text IS NULL"
    " THEN " STATE("o") " IN ('failed', 'skipped') ELSE " STATE("o") " = $6 AND " STATE("o")
    " IN ('failed', 'skipped', 'delivered') END ORDER BY o.event_id LIMIT $7::bigint"
    " FOR UPDATE SKIP LOCKED) c WHERE e.merchant_id = $2 AND e.endpoint_id = $3"
    " AND e.disabled_at IS NULL AND e.deleted_at IS NULL), changed AS (UPDATE hook_deliveries d"
    AGAIN " FROM chosen x WHERE " SAME("d", "x") " AND " STATE("d")
    " IN ('failed', 'skipped', 'delivered') RETURNING 1)" COUNT_CHANGED},

[SQL_HOOK_REPORT - SQL_HOOK_FIRST] = {SQL_READER, "hook_report",
    "SELECT r.period_from, r.period_to, r.made_at, r.row_count, r.byte_count, r.sha256, r.name,"
    " r.period, r.what, r.file FROM report_runs r WHERE r.merchant_id = $1 AND r.event_id = $2"},
};
/* clang-format on */

const struct sql_text *sql_hook_text(enum sql sql)
{
    CHECK(sql >= SQL_HOOK_FIRST && sql < SQL_HOOK_END_MARK);
    return &texts[sql - SQL_HOOK_FIRST];
}
