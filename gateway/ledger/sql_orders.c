/* The statements of payouts that wait (order.h). */
#include "ledger/sql.h"

/* The namespace of orders' keys begins with a character that no client's key can have. */
#define ORDER_KEY(o)  "'\302\247payout:' || " o ".order_id::text || ':' || " o ".try_number::text"
#define OF_ORDER(key) "left(" key ", 1) = '\302\247'"

/* Only the request that holds the key writes anything: $1 merchant, $2 key, $3 holder. */
#define HOLDS                                                                                      \
    " WHERE (SELECT k.payment_id FROM idempotency k WHERE k.merchant_id = $1 AND k.key = $2) = $3"

/*
 * The state of a row that is found by its id or its number: an expression, so that no index of the
 * rows in that state is taken for a way to it. A batch's rows come faster than statistics of them.
 */
#define STATE(o) "(" o "state || '')"

#define COUNT_CHANGED " SELECT count(*) FROM changed"
#define NOTE(decision)                                                                             \
    ", noted AS (INSERT INTO payout_decisions (merchant_id, subject_id, decision, key_id, role,"   \
    " created_at) SELECT $1, $2, '" decision "', $3, $4, $5 FROM changed)"

#define FINAL "('succeeded', 'declined', 'failed', 'returned', 'canceled')"

/* The newest status of an order's payment, where the order does not know the last. */
#define ORDER_EVENT                                                                                \
    " LEFT JOIN LATERAL (SELECT v.status FROM events v WHERE o.epoch > 0 AND o.status = ''"        \
    " AND o.state IN ('queued', 'running', 'begun') AND v.merchant_id = o.merchant_id"             \
    " AND v.payment_id = o.payment_id ORDER BY v.number DESC LIMIT 1) e ON true"
/* As order_status (order_present.c) says it: while it is not begun a failed try may be followed. */
#define ORDER_STATUS                                                                               \
    "CASE WHEN o.state NOT IN ('queued', 'running', 'begun') THEN o.state"                         \
    " WHEN o.status <> '' THEN o.status"                                                           \
    " WHEN e.status = 'failed' AND o.state <> 'begun' THEN 'processing'"                           \
    " WHEN e.status IS NOT NULL THEN e.status"                                                     \
    " WHEN o.state = 'queued' AND (o.epoch = 0 OR (SELECT true FROM payments x"                    \
    " WHERE x.merchant_id = o.merchant_id AND x.payment_id = o.payment_id) IS NULL)"               \
    " THEN 'scheduled' ELSE 'processing' END"
/* Why the last attempt of payment x.payment_id came to what it came to. */
#define REASON_OF(x)                                                                               \
    "(SELECT c.reason FROM attempts a CROSS JOIN LATERAL (SELECT * FROM outcomes y"                \
    " WHERE y.merchant_id = a.merchant_id AND y.attempt_id = a.attempt_id OFFSET 0) c"             \
    " WHERE a.merchant_id = " x ".merchant_id AND a.payment_id = " x ".payment_id"                 \
    " AND c.outcome <> 'none' ORDER BY a.number DESC, c.number DESC LIMIT 1)"

#define ORDER_COLUMNS                                                                              \
    " o.order_id, o.batch_id, o.row_number, o.created_at, o.livemode, o.amount_minor, o.currency," \
    " o.reference, o.request_sealed, o.approval, o.created_by, o.state, o.next_at, o.epoch,"       \
    " o.try_number, o.wait_count, o.payment_id, o.reason, o.detail, o.begun_at, o.done_at,"        \
    " o.erased_at"

#define BATCH_COLUMNS                                                                              \
    " b.batch_id, b.created_at, b.livemode, b.reference, b.row_count, b.invalid_count, b.totals,"  \
    " b.approval, b.state, b.created_by"
#define BATCH_DONE                                                                                 \
    "(SELECT true FROM payout_orders o WHERE o.merchant_id = b.merchant_id"                        \
    " AND o.batch_id = b.batch_id AND o.done_at IS NULL LIMIT 1) IS NULL"

/* ---- lists ---- */

/*
 * A payout is in the list once: as its payment, or as its first try's payment, and else as the
 * order that has none yet. Both halves may show it between the payment's commit and the order's.
 */
#define LISTED_PAYMENTS(source)                                                                    \
    "(SELECT p.payment_id AS id FROM " source                                                      \
    " p LEFT JOIN LATERAL (SELECT * FROM payout_orders n WHERE n.merchant_id = $1"                 \
    " AND n.order_id = p.payment_id OFFSET 0) o ON true"                                           \
    " LEFT JOIN LATERAL (SELECT v.status FROM events v WHERE v.merchant_id = p.merchant_id"        \
    " AND v.payment_id = coalesce(o.payment_id, p.payment_id) ORDER BY v.number DESC LIMIT 1) e"   \
    " ON true WHERE p.merchant_id = $1 AND p.kind = 'payout'"                                      \
    " AND (NOT " OF_ORDER(                                                                         \
        "p.key") " OR right(p.key, 2) = ':1')"                                                     \
                 " AND p.payment_id < $2 AND p.payment_id >= $3"                                   \
                 " AND coalesce(o.created_at, p.created_at) >= $4"                                 \
                 " AND coalesce(o.created_at, p.created_at) < $5"                                  \
                 " AND ($6::text IS NULL OR CASE WHEN o.order_id IS NULL THEN coalesce(e.status, " \
                 "'processing')"                                                                   \
                 " ELSE " ORDER_STATUS " END = $6)"                                                \
                 " AND ($7::text IS NULL OR (SELECT count(*) FROM attempts a"                      \
                 " WHERE a.merchant_id = p.merchant_id AND a.payment_id = coalesce(o.payment_id, " \
                 "p.payment_id)"                                                                   \
                 " AND a.provider = $7) > 0) ORDER BY p.payment_id DESC LIMIT $8::bigint)"

#define LISTED_ORDERS(reference)                                                                   \
    "(SELECT o.order_id FROM payout_orders o" ORDER_EVENT                                          \
    " WHERE o.merchant_id = $1 AND o.begun_at IS NULL" reference                                   \
    " AND o.order_id < $2 AND o.order_id >= $3 AND o.created_at >= $4 AND o.created_at < $5"       \
    " AND ($6::text IS NULL OR " ORDER_STATUS " = $6) AND $7::text IS NULL"                        \
    " ORDER BY o.order_id DESC LIMIT $8::bigint)"

#define LISTED(payments, orders)                                                                   \
    "SELECT u.id," ORDER_COLUMNS " FROM (" payments " UNION " orders                               \
    " ORDER BY 1 DESC LIMIT $8::bigint) u LEFT JOIN LATERAL (SELECT * FROM payout_orders n"        \
    " WHERE n.merchant_id = $1 AND n.order_id = u.id OFFSET 0) o ON true ORDER BY u.id DESC"

/* Due orders of one merchant and priority, oldest first. */
#define DUE(priority)                                                                              \
    "(SELECT o.merchant_id, o.order_id, o.priority, o.next_at FROM payout_orders o"                \
    " WHERE o.merchant_id = m.merchant_id AND o.state IN ('queued', 'running')"                    \
    " AND o.priority = " priority " AND o.next_at <= $1 ORDER BY o.next_at LIMIT $4::bigint)"

/*
 * Take the keys of the tries of o, so that nobody can begin them any more; what was never claimed
 * needs no such proof.
 */
#define TAKEN(what, now)                                                                           \
    "taken AS (INSERT INTO idempotency (merchant_id, key, fingerprint, payment_id, writer_id,"     \
    " created_at) SELECT o.merchant_id, " ORDER_KEY(                                               \
        "o") ", sha256(" what "), '00000000-0000-0000-0000-000000000000'::uuid,"                   \
             " '00000000-0000-0000-0000-000000000000'::uuid, " now "::timestamptz"                 \
             " FROM o WHERE o.epoch > 0 ORDER BY 1, 2 ON CONFLICT (merchant_id, key) DO NOTHING"   \
             " RETURNING key)"
/* $5: now. */
#define TAKE_KEYS                                                                                  \
    TAKEN("'canceled'", "$5")                                                                      \
    ", changed AS (UPDATE payout_orders p SET state = 'canceled',"                                 \
    " status = 'canceled', done_at = $5, next_at = $5 FROM o WHERE p.merchant_id = o.merchant_id"  \
    " AND p.order_id = o.order_id AND (o.epoch = 0 OR (SELECT true FROM taken t"                   \
    " WHERE t.key = " ORDER_KEY("o") ")) RETURNING 1)"

/* How claims ended; $1: now. Of another epoch or state: nothing changes. */
#define ENDS                                                                                       \
    "i AS MATERIALIZED (SELECT u.* FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[],"  \
    " $6::timestamptz[], $7::integer[], $8::integer[], $9::uuid[], $10::text[], $11::text[],"      \
    " $12::text[], $13::boolean[], $14::integer[]) AS u (merchant_id, order_id, epoch, state,"     \
    " next_at, try_number, wait_count, payment_id, reason, detail, status, has_payment,"           \
    " free_tries))"
#define CHANGE_ENDS(state, next_at, reason, detail, status, join)                                  \
    "changed AS (UPDATE payout_orders o SET state = " state ", next_at = " next_at                 \
    ", try_number = i.try_number, free_tries = i.free_tries, wait_count = i.wait_count,"           \
    " payment_id = i.payment_id,"                                                                  \
    " reason = " reason ", detail = " detail ", status = " status                                  \
    ", begun_at = coalesce(o.begun_at, CASE WHEN i.has_payment THEN $1::timestamptz END),"         \
    " done_at = CASE WHEN " status " <> '' THEN $1::timestamptz END,"                              \
    " request_sealed = CASE WHEN i.state <> 'begun' THEN o.request_sealed END"                     \
    " FROM i" join " WHERE o.merchant_id = i.merchant_id AND o.order_id = i.order_id"              \
    " AND o.epoch = i.epoch AND " STATE("o.") " = 'running' RETURNING 1)"
#define IF_TAKEN(yes, no) "CASE WHEN t.key IS NULL THEN " no " ELSE " yes " END"

/* clang-format off */
static const struct sql_text texts[SQL_ORDER_END_MARK - SQL_ORDER_FIRST] = {

/* ---- storing ---- */

[SQL_ORDER_KEY - SQL_ORDER_FIRST] = {SQL_BULK, "order_key",
    "INSERT INTO idempotency (merchant_id, key, fingerprint, payment_id, writer_id, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id, key) DO NOTHING"},

[SQL_ORDER_HOLDER - SQL_ORDER_FIRST] = {SQL_BULK, "order_holder",
    "SELECT payment_id FROM idempotency WHERE merchant_id = $1 AND key = $2"},

[SQL_ORDER_BATCH - SQL_ORDER_FIRST] = {SQL_BULK, "order_batch",
    "INSERT INTO payout_batches (merchant_id, batch_id, created_at, livemode, reference, row_count,"
    " invalid_count, totals, approval, state, created_by)"
    " SELECT $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12" HOLDS
    " ON CONFLICT (merchant_id, batch_id) DO NOTHING"},

[SQL_ORDER_ROWS - SQL_ORDER_FIRST] = {SQL_BULK, "order_rows",
    "INSERT INTO payout_orders (merchant_id, order_id, batch_id, row_number, priority, created_at,"
    " livemode, amount_minor, currency, reference, request_sealed, approval, created_by, state,"
    " next_at, epoch, try_number, wait_count, payment_id, reason, detail, status)"
    " SELECT $1, u.order_id, $4, u.row_number, $5, $6, $7, u.amount_minor, u.currency, u.reference,"
    " u.request_sealed, $8, $9, $10, $6, 0, 1, 0, u.order_id, '', '', '' FROM unnest($11::uuid[],"
    " $12::integer[], $13::bigint[], $14::text[], $15::text[], $16::bytea[]) AS u (order_id,"
    " row_number, amount_minor, currency, reference, request_sealed)" HOLDS
    " ON CONFLICT (merchant_id, order_id) DO NOTHING"},

[SQL_ORDER_ERRORS - SQL_ORDER_FIRST] = {SQL_BULK, "order_errors",
    "INSERT INTO payout_batch_errors (merchant_id, batch_id, row_number, reference, code, errors)"
    " SELECT $1, $3, u.row_number, u.reference, u.code, u.errors FROM unnest($4::integer[],"
    " $5::text[], $6::text[], $7::text[]) AS u (row_number, reference, code, errors)" HOLDS
    " ON CONFLICT (merchant_id, batch_id, row_number) DO NOTHING"},

[SQL_ORDER_ANSWER - SQL_ORDER_FIRST] = {SQL_BULK, "order_answer",
    "INSERT INTO answers (merchant_id, key, status, content_type, location, body, created_at)"
    " SELECT $1, $2, $4, $5, $6, $7, $8" HOLDS " ON CONFLICT (merchant_id, key) DO NOTHING"},

[SQL_ORDER_KEEP - SQL_ORDER_FIRST] = {SQL_BULK, "order_keep",
    "INSERT INTO answers (merchant_id, key, status, content_type, location, body, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id, key) DO NOTHING"},

/* ---- running ---- */

/*
 * The merchants that have something due are found by skipping through the index from one to the
 * next. The outer WHERE repeats the predicate: it is what is checked again after waiting for
 * another.
 */
[SQL_ORDER_CLAIM - SQL_ORDER_FIRST] = {SQL_CONTROL, "order_claim",
    "WITH RECURSIVE m (merchant_id) AS ((SELECT o.merchant_id FROM payout_orders o"
    " WHERE o.state IN ('queued', 'running') ORDER BY o.merchant_id LIMIT 1) UNION ALL"
    " SELECT (SELECT o.merchant_id FROM payout_orders o WHERE o.state IN ('queued', 'running')"
    " AND o.merchant_id > m.merchant_id ORDER BY o.merchant_id LIMIT 1) FROM m"
    " WHERE m.merchant_id IS NOT NULL),"
    " picked AS MATERIALIZED (SELECT c.merchant_id, c.order_id FROM m CROSS JOIN LATERAL"
    " (SELECT q.*, row_number() OVER (ORDER BY q.priority, q.next_at) AS place"
    " FROM (" DUE("0") " UNION ALL " DUE("1") ") q) c WHERE m.merchant_id <> ALL ($5::uuid[])"
    " AND c.place <= $4::bigint ORDER BY c.place, c.next_at LIMIT $3::bigint)"
    " UPDATE payout_orders o SET state = 'running', next_at = $2, epoch = o.epoch + 1"
    " WHERE (o.merchant_id, o.order_id) IN (SELECT l.merchant_id, l.order_id FROM payout_orders l"
    " WHERE (l.merchant_id, l.order_id) IN (SELECT p.merchant_id, p.order_id FROM picked p)"
    " FOR UPDATE SKIP LOCKED) AND " STATE("o.") " IN ('queued', 'running') AND o.next_at <= $1"
    " RETURNING o.merchant_id, o.order_id, o.batch_id, o.epoch, o.try_number, o.wait_count,"
    " o.payment_id, o.request_sealed, (SELECT b.state = 'canceled' FROM payout_batches b"
    " WHERE b.merchant_id = o.merchant_id AND b.batch_id = o.batch_id), o.free_tries"},

[SQL_ORDER_END - SQL_ORDER_FIRST] = {SQL_CONTROL, "order_end",
    "WITH " ENDS ", " CHANGE_ENDS("i.state", "i.next_at", "i.reason", "i.detail", "i.status", "")
    COUNT_CHANGED},

/*
 * Those that fail without a payment. Somebody may yet have one in the air, whose opening hangs: it
 * fails only with the key of its try in our hands. Else it is put back, and finds what has the key.
 * This may wait for that transaction, and so nothing else waits for this.
 */
[SQL_ORDER_FAIL - SQL_ORDER_FIRST] = {SQL_BULK, "order_fail",
    "WITH " ENDS ", o AS MATERIALIZED (SELECT p.merchant_id, p.order_id, p.epoch, p.try_number"
    " FROM i JOIN payout_orders p ON p.merchant_id = i.merchant_id AND p.order_id = i.order_id"
    " WHERE p.epoch = i.epoch AND " STATE("p.") " = 'running' ORDER BY 1, 2 FOR UPDATE OF p), "
    TAKEN("'failed'", "$1") ", "
    CHANGE_ENDS(IF_TAKEN("i.state", "'queued'"),
                IF_TAKEN("i.next_at", "i.next_at + '1 s'::interval"),
                IF_TAKEN("i.reason", "'idempotency_key_in_use'"), IF_TAKEN("i.detail", "''"),
                IF_TAKEN("i.status", "''"),
                " LEFT JOIN taken t ON t.key = " ORDER_KEY("i"))
    COUNT_CHANGED},

/* A payout that was begun long ago is looked at more seldom: at most once a minute. */
[SQL_ORDER_SETTLE - SQL_ORDER_FIRST] = {SQL_CONTROL, "order_settle",
    "WITH due AS MATERIALIZED (SELECT d.merchant_id, d.order_id, d.payment_id, d.begun_at"
    " FROM payout_orders d WHERE d.state = 'begun' AND d.done_at IS NULL AND d.next_at <= $1"
    " ORDER BY d.next_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED),"
    " looked AS MATERIALIZED (SELECT d.*, e.status, CASE WHEN e.status IN " FINAL
    " AND e.status <> 'succeeded' THEN " REASON_OF("d") " END AS reason FROM due d"
    " LEFT JOIN LATERAL (SELECT v.status FROM events v WHERE v.merchant_id = d.merchant_id"
    " AND v.payment_id = d.payment_id ORDER BY v.number DESC LIMIT 1) e ON true),"
    " changed AS (UPDATE payout_orders o SET"
    " status = CASE WHEN l.status IN " FINAL " THEN l.status ELSE '' END,"
    " done_at = CASE WHEN l.status IN " FINAL " THEN $1::timestamptz END,"
    " reason = CASE WHEN l.status IN " FINAL " THEN coalesce(l.reason, '') ELSE o.reason END,"
    " next_at = $1 + least(greatest($1 - l.begun_at, '500 ms'::interval), '60 s'::interval)"
    " FROM looked l WHERE o.merchant_id = l.merchant_id AND o.order_id = l.order_id"
    " RETURNING 1)" COUNT_CHANGED},

[SQL_ORDER_BACKLOG - SQL_ORDER_FIRST] = {SQL_READER, "order_backlog",
    "SELECT count(*), min(next_at) FROM payout_orders WHERE state IN ('queued', 'running')"},

/* ---- deciding ---- */

[SQL_ORDER_APPROVE - SQL_ORDER_FIRST] = {SQL_CONTROL, "order_approve",
    "WITH changed AS (UPDATE payout_orders SET state = 'queued', next_at = $5"
    " WHERE merchant_id = $1 AND order_id = $2 AND batch_id IS NULL"
    " AND " STATE("") " = 'requires_approval' AND created_by <> $3 RETURNING 1)"
    NOTE("approve") COUNT_CHANGED},

[SQL_ORDER_REJECT - SQL_ORDER_FIRST] = {SQL_CONTROL, "order_reject",
    "WITH changed AS (UPDATE payout_orders SET state = 'rejected', status = 'rejected',"
    " done_at = $5 WHERE merchant_id = $1 AND order_id = $2 AND batch_id IS NULL"
    " AND " STATE("") " = 'requires_approval' RETURNING 1)" NOTE("reject") COUNT_CHANGED},

[SQL_ORDER_CANCEL - SQL_ORDER_FIRST] = {SQL_CONTROL, "order_cancel",
    "WITH o AS MATERIALIZED (SELECT merchant_id, order_id, epoch, try_number FROM payout_orders"
    " WHERE merchant_id = $1 AND order_id = $2"
    " AND " STATE("") " IN ('requires_approval', 'queued', 'running') FOR UPDATE), " TAKE_KEYS
    NOTE("cancel") COUNT_CHANGED},

[SQL_BATCH_APPROVE - SQL_ORDER_FIRST] = {SQL_BULK, "batch_approve",
    "WITH changed AS (UPDATE payout_batches SET state = 'open' WHERE merchant_id = $1"
    " AND batch_id = $2 AND state = 'requires_approval' AND created_by <> $3 RETURNING 1),"
    " rows AS (UPDATE payout_orders SET state = 'queued', next_at = $5 WHERE merchant_id = $1"
    " AND batch_id = $2 AND state = 'requires_approval' AND (SELECT count(*) FROM changed) = 1)"
    NOTE("approve") COUNT_CHANGED},

[SQL_BATCH_REJECT - SQL_ORDER_FIRST] = {SQL_BULK, "batch_reject",
    "WITH changed AS (UPDATE payout_batches SET state = 'rejected' WHERE merchant_id = $1"
    " AND batch_id = $2 AND state = 'requires_approval' RETURNING 1),"
    " rows AS (UPDATE payout_orders SET state = 'rejected', status = 'rejected', done_at = $5"
    " WHERE merchant_id = $1 AND batch_id = $2 AND state = 'requires_approval'"
    " AND (SELECT count(*) FROM changed) = 1)" NOTE("reject") COUNT_CHANGED},

/* Rows that nobody can have claimed are canceled with it; the others one by one, by their keys. */
[SQL_BATCH_CANCEL - SQL_ORDER_FIRST] = {SQL_BULK, "batch_cancel",
    "WITH changed AS (UPDATE payout_batches SET state = 'canceled' WHERE merchant_id = $1"
    " AND batch_id = $2 AND state IN ('requires_approval', 'open') RETURNING 1),"
    " rows AS (UPDATE payout_orders SET state = 'canceled', status = 'canceled', done_at = $5,"
    " next_at = $5 WHERE merchant_id = $1 AND batch_id = $2 AND epoch = 0"
    " AND " STATE("") " IN ('requires_approval', 'queued') AND (SELECT count(*) FROM changed) = 1)"
    NOTE("cancel") COUNT_CHANGED},

[SQL_BATCH_CANCEL_ROWS - SQL_ORDER_FIRST] = {SQL_BULK, "batch_cancel_rows",
    "WITH o AS MATERIALIZED (SELECT merchant_id, order_id, epoch, try_number, row_number"
    " FROM payout_orders WHERE merchant_id = $1 AND batch_id = $2 AND row_number >= $3"
    " AND " STATE("") " IN ('requires_approval', 'queued', 'running') ORDER BY row_number"
    " LIMIT $4::bigint FOR UPDATE), " TAKE_KEYS
    " SELECT coalesce(max(row_number), 0)::bigint FROM o"},

/* ---- reads ---- */

[SQL_ORDER_LOAD - SQL_ORDER_FIRST] = {SQL_READER, "order_load",
    "SELECT u.id," ORDER_COLUMNS " FROM (SELECT $2::uuid AS id) u LEFT JOIN payout_orders o"
    " ON o.merchant_id = $1 AND o.order_id = u.id"},

[SQL_PAYOUT_LIST - SQL_ORDER_FIRST] = {SQL_READER, "payout_list",
    LISTED(LISTED_PAYMENTS("payments"), LISTED_ORDERS(""))},

/* A subquery and no constant: the index of all payouts is no way to one reference. */
[SQL_PAYOUT_LIST_REFERENCE - SQL_ORDER_FIRST] = {SQL_READER, "payout_list_reference",
    LISTED(LISTED_PAYMENTS("(SELECT * FROM payments WHERE merchant_id = $1 AND kind = (SELECT 'payout'::text)"
                           " AND reference = $9 OFFSET 0)"),
           LISTED_ORDERS(" AND o.reference = $9"))},

[SQL_PAYOUT_ROWS - SQL_ORDER_FIRST] = {SQL_READER, "payout_rows",
    "SELECT o.order_id," ORDER_COLUMNS " FROM payout_orders o" ORDER_EVENT
    " WHERE o.merchant_id = $1 AND o.batch_id = $2 AND o.row_number > $3"
    " AND ($5::text IS NULL OR " ORDER_STATUS " = $5) ORDER BY o.row_number LIMIT $4::bigint"},

[SQL_PAYOUT_ERRORS - SQL_ORDER_FIRST] = {SQL_READER, "payout_errors",
    "SELECT row_number, reference, code, errors FROM payout_batch_errors WHERE merchant_id = $1"
    " AND batch_id = $2 AND row_number > $3 AND ($5::text IS NULL OR $5 = 'invalid')"
    " ORDER BY row_number LIMIT $4::bigint"},

[SQL_ORDER_NOTES - SQL_ORDER_FIRST] = {SQL_READER, "order_notes",
    "SELECT d.subject_id, d.decision, d.key_id, d.role, d.created_at"
    " FROM unnest($2::uuid[]) AS u (id) CROSS JOIN LATERAL (SELECT * FROM payout_decisions n"
    " WHERE n.merchant_id = $1 AND n.subject_id = u.id OFFSET 0) d"
    " ORDER BY d.subject_id, d.created_at"},

[SQL_BATCH_LOAD - SQL_ORDER_FIRST] = {SQL_BULK, "batch_load",
    "SELECT" BATCH_COLUMNS ", " BATCH_DONE " FROM payout_batches b"
    " WHERE b.merchant_id = $1 AND b.batch_id = $2"},

[SQL_BATCH_NOTES - SQL_ORDER_FIRST] = {SQL_BULK, "batch_notes",
    "SELECT subject_id, decision, key_id, role, created_at FROM payout_decisions"
    " WHERE merchant_id = $1 AND subject_id = $2 ORDER BY created_at"},

[SQL_BATCH_COUNTS - SQL_ORDER_FIRST] = {SQL_BULK, "batch_counts",
    "SELECT s.status, coalesce(CASE WHEN s.is_open AND s.status NOT IN ('succeeded', 'processing')"
    " THEN " REASON_OF("s") " ELSE s.reason END, ''), s.currency, count(*),"
    " sum(s.amount_minor)::bigint FROM (SELECT o.merchant_id, o.payment_id, o.reason, o.currency,"
    " o.amount_minor, o.state = 'begun' AND o.done_at IS NULL AS is_open, " ORDER_STATUS
    " AS status FROM payout_orders o" ORDER_EVENT
    " WHERE o.merchant_id = $1 AND o.batch_id = $2 OFFSET 0) s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"},

[SQL_BATCH_INVALID - SQL_ORDER_FIRST] = {SQL_BULK, "batch_invalid",
    "SELECT code, count(*) FROM payout_batch_errors WHERE merchant_id = $1 AND batch_id = $2"
    " GROUP BY 1 ORDER BY 1"},

[SQL_BATCH_LIST - SQL_ORDER_FIRST] = {SQL_READER, "batch_list",
    "SELECT" BATCH_COLUMNS ", d.is_done FROM payout_batches b CROSS JOIN LATERAL (SELECT "
    BATCH_DONE " AS is_done) d WHERE b.merchant_id = $1 AND b.batch_id < $2 AND b.batch_id >= $3"
    " AND b.created_at >= $4 AND b.created_at < $5 AND ($6::text IS NULL OR CASE WHEN"
    " b.state <> 'open' THEN b.state WHEN d.is_done THEN 'completed' ELSE 'processing' END = $6)"
    " AND ($7::text IS NULL OR b.reference = $7) ORDER BY b.batch_id DESC LIMIT $8::bigint"},
};
/* clang-format on */

const struct sql_text *sql_order_text(enum sql sql)
{
    CHECK(sql >= SQL_ORDER_FIRST && sql < SQL_ORDER_END_MARK);
    return &texts[sql - SQL_ORDER_FIRST];
}
