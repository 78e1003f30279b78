#include "ledger/sql.h"

#include "ledger/store.h"

/*
 * Settings. A writer's plans are made once, when the tables may still be empty and without
 * statistics: everything but index scans is off, so that a plan can never come to scan a table (a
 * batch cost four times as much when one did). Every join column of a batch is an array for the
 * same reason.
 */
/* clang-format off */
#define SET(name, value) ", set_config('" name "', '" value "', false)"
#define SETTINGS_ALL                                                                               \
    "SELECT set_config('statement_timeout', $1, false)"                                            \
    ", set_config('application_name', $2, false)"                                                  \
    SET("client_encoding", "UTF8")                                                                 \
    SET("timezone", "UTC")                                                                         \
    SET("datestyle", "ISO")                                                                        \
    SET("search_path", "public")                                                                   \
    SET("synchronous_commit", "on")                                                                \
    SET("client_min_messages", "warning")                                                          \
    SET("tcp_keepalives_idle", "10")                                                               \
    SET("tcp_keepalives_interval", "5")                                                            \
    SET("tcp_keepalives_count", "3")                                                               \
    SET("jit", "off")                                                                              \
    SET("plan_cache_mode", "force_generic_plan")                                                   \
    SET("enable_seqscan", "off")                                                                   \
    SET("enable_hashjoin", "off")                                                                  \
    SET("enable_mergejoin", "off")                                                                 \
    SET("enable_material", "off")

static const char *const settings[SQL_KIND_COUNT] = {
    [SQL_WRITER] = SETTINGS_ALL SET("enable_bitmapscan", "off"),
    [SQL_READER] = SETTINGS_ALL SET("default_transaction_isolation", "repeatable read")
        SET("default_transaction_read_only", "on"),
    /* A probe may wait for a transaction that nobody will end: the others must not wait with it. */
    [SQL_CONTROL] = SETTINGS_ALL SET("lock_timeout", "2000"),
    [SQL_BULK] = SETTINGS_ALL SET("lock_timeout", "5000"),
};
/* clang-format on */

/*
 * The rows of a bundle that opens a payment count only if its payment was inserted: its idempotency
 * key may have been lost to another request. Such rows carry the payment's id as their gate. A
 * scalar subquery, because EXISTS may be planned as a hash of the whole table. By this transaction:
 * who chose the id may ask for the same payment again, under the same key.
 */
#define BY_US(row) " AND " row ".xmin = pg_current_xact_id()::xid"
#define GATE                                                                                       \
    " WHERE u.gate IS NULL OR (SELECT true FROM payments p"                                        \
    " WHERE p.merchant_id = u.merchant_id AND p.payment_id = u.gate" BY_US("p") ")"

/* A guarded row that was not there to change fails the batch: 22012, division by zero. */
#define ALL_CHANGED                                                                                \
    " SELECT 1 / ((SELECT count(*) FROM changed) = (SELECT count(*) FROM input))::integer"

/* Events that a CTE "added" inserts are told, see SQL_TELL_HOOKS. */
#define HOOKED                                                                                     \
    " RETURNING merchant_id, payment_id, number, event_id, type, created_at)" SQL_TELL_HOOKS

#define COUNT_CHANGED " SELECT count(*) FROM changed"

/* Caches of other workers see that the directory has changed. */
#define BUMP                                                                                       \
    ", bumped AS (UPDATE directory_version SET version = version + 1"                              \
    " WHERE id = 1 AND (SELECT count(*) FROM changed) > 0)" COUNT_CHANGED

/* Transfers $5 of the merchants $4, see SQL_TRANSFERS. */
#define LATE                                                                                       \
    " late AS (INSERT INTO balance_marks AS m (merchant_id, since, rolled_at, rolled_xid,"         \
    " taken) SELECT l.merchant_id, '00000000-0000-0000-0000-000000000000',"                        \
    " transaction_timestamp(), pg_current_xact_id(), '1:1:'"                                       \
    " FROM unnest($4::uuid[], $5::uuid[]) AS l (merchant_id, transfer_id) WHERE l.transfer_id"     \
    " < (SELECT balance_floor(clock_timestamp() - interval '10 s'))"                               \
    " GROUP BY l.merchant_id ORDER BY l.merchant_id ON CONFLICT (merchant_id) DO UPDATE"           \
    " SET (since, paged) = (SELECT least(m.since, l.transfer_id), least(m.paged, l.transfer_id)"   \
    " FROM unnest($4::uuid[], $5::uuid[]) AS l (merchant_id, transfer_id)"                         \
    " WHERE l.merchant_id = m.merchant_id ORDER BY l.transfer_id LIMIT 1), rolled_xid = CASE "     \
    "WHEN m.xmin = m.rolled_xid::xid"                                                              \
    " THEN excluded.rolled_xid ELSE m.rolled_xid END)"

/* Those of them that the sealer must be told of, for it may have gone past them (seal_store.h). */
#define LATE_ROWS(ids)                                                                             \
    ", late_rows AS (INSERT INTO seal_late (merchant_id, transfer_id)"                             \
    " SELECT l.merchant_id, l.transfer_id FROM " ids " AS l (merchant_id, transfer_id)"            \
    " WHERE l.transfer_id < (SELECT balance_floor(clock_timestamp() - interval '10 s'))"           \
    " ORDER BY l.merchant_id, l.transfer_id ON CONFLICT (merchant_id, transfer_id) DO NOTHING)"

#define PAYMENT_COLUMNS                                                                            \
    "SELECT p.payment_id, p.created_at, p.amount_minor, p.currency, p.capture_automatic,"          \
    " p.livemode, p.reference, p.try_number, p.method_type, p.country, p.key, p.writer_id,"        \
    " p.customer, p.metadata, p.routing, p.tokens_sealed, k.fingerprint, e.status, e.number,"      \
    " e.created_at, coalesce(l.authorized, p.archived_authorized), coalesce(l.captured,"           \
    " p.archived_captured), coalesce(l.refunded, p.archived_refunded), p.kind, p.parent_id,"       \
    " l.capture_open, l.refund_open, l.hold_reference, l.hold_ends_at, p.erased_at, p.archived_at"

/*
 * LATERAL with OFFSET 0: row by row, whatever the planner believes. Tables fill faster than
 * statistics of them, and another order of the joins reads all that the merchant ever had.
 */
#define PAYMENT_JOINS                                                                              \
    " LEFT JOIN LATERAL (SELECT * FROM idempotency i WHERE i.merchant_id = p.merchant_id"          \
    " AND i.key = p.key AND i.payment_id = p.payment_id OFFSET 0) k ON true"                       \
    " LEFT JOIN LATERAL (SELECT * FROM payment_limits i WHERE i.merchant_id = p.merchant_id"       \
    " AND i.payment_id = p.payment_id OFFSET 0) l ON true"                                         \
    " LEFT JOIN LATERAL (SELECT status, number, created_at FROM events v"                          \
    " WHERE v.merchant_id = p.merchant_id AND v.payment_id = p.payment_id"                         \
    " ORDER BY number DESC LIMIT 1) e ON true"

/* Of the payments $2 of $1. */
#define THEIR_ATTEMPTS                                                                             \
    " unnest($2::uuid[]) AS u (payment_id) CROSS JOIN LATERAL (SELECT * FROM attempts t"           \
    " WHERE t.merchant_id = $1 AND t.payment_id = u.payment_id OFFSET 0) a"

#define LIST_FILTER                                                                                \
    " WHERE p.merchant_id = $1 AND p.payment_id < $2 AND p.payment_id >= $3"                       \
    " AND p.created_at >= $4 AND p.created_at < $5"                                                \
    " AND ($6::text IS NULL OR coalesce(e.status, 'processing') = $6)"                             \
    " AND ($7::text IS NULL OR (SELECT count(*) FROM attempts a WHERE"                             \
    " a.merchant_id = p.merchant_id AND a.payment_id = p.payment_id AND a.provider = $7) > 0)"

#define MERCHANT_COLUMNS                                                                           \
    "SELECT merchant_id, twin_id, name, livemode, disabled, country, created_at, client_keys,"     \
    " rate, burst, in_flight_max, payout_limits, rules_approval FROM merchants"
#define KEY_COLUMNS                                                                                \
    "SELECT key_id, merchant_id, role, livemode, hint, digest, created_at, expires_at,"            \
    " disabled_at FROM api_keys"
#define ACCOUNT_COLUMNS                                                                            \
    "SELECT merchant_id, account_id, provider, name, base_url, secret_ref, settings, fees,"        \
    " currencies, methods, amount_max_minor, disabled, created_at, (SELECT string_agg(concat_ws("  \
    "chr(31), h.hold_id, h.kind, (extract(epoch FROM h.from_at) * 1000000)::bigint,"               \
    " coalesce((extract(epoch FROM h.until_at) * 1000000)::bigint, 0), h.weekly, h.author,"        \
    " h.reason), chr(30) ORDER BY h.hold_id) FROM account_holds h WHERE h.merchant_id ="           \
    " accounts.merchant_id AND h.account_id = accounts.account_id AND h.ended_at IS NULL)"         \
    " FROM accounts"

/* clang-format off */
static const struct sql_text texts[SQL_ORDER_FIRST] = {
/* Numbers in the order in which registrations are committed: the counter's row is locked till then. */
[SQL_REGISTER] = {SQL_WRITER, "register",
    "WITH numbered AS (UPDATE writer_numbers n SET last = n.last + 1 WHERE n.id = 1"
    " AND (SELECT true FROM writers w WHERE w.writer_id = $1) IS NULL RETURNING n.last),"
    " made AS (INSERT INTO writers (writer_id, instance_id, boot_id, slot, started_at, heartbeat_at,"
    " watermark_at, number) SELECT $1::uuid, $2::uuid, $3::uuid, $4::integer, $5::timestamptz,"
    " $6::timestamptz, $5::timestamptz, n.last FROM numbered n ON CONFLICT (writer_id) DO NOTHING)"
    " UPDATE writers SET heartbeat_at = greatest(heartbeat_at, $6) WHERE writer_id = $1"},

[SQL_MARK] = {SQL_WRITER, "mark",
    "INSERT INTO batches (writer_id, batch_no, is_probe, created_at, first_event)"
    " VALUES ($1, $2, false, $3, $4)"},

/* Batches that were rolled back: their numbers are used up, and followers need not wait for them. */
[SQL_MARK_DEAD] = {SQL_WRITER, "mark_dead",
    "INSERT INTO batches (writer_id, batch_no, is_probe, created_at) SELECT $1, u.batch_no, true, $2"
    " FROM unnest($3::bigint[]) AS u (batch_no) ON CONFLICT (writer_id, batch_no) DO NOTHING"},

/*
 * Who may open a payment: 'w' won the key; 'k' the key is taken; 'r' the reference is taken; 'b' the
 * budget of the token is spent. A row not
 * listed lost its key to a request that is not visible yet. A key that is taken is said before a
 * reference that is: a repeated request has both.
 */
[SQL_OPEN] = {SQL_WRITER, "open",
    "WITH input AS MATERIALIZED (SELECT u.*, (SELECT true FROM payments p"
    " WHERE p.merchant_id = u.merchant_id AND p.kind = u.kind"
    " AND p.reference = u.reference AND p.try_number = u.try_number) AS is_taken,"
    " (SELECT b.forbidden_at IS NOT NULL OR budget_is_spent(b.declines, b.most, u.created_at)"
    " FROM token_budget b WHERE b.merchant_id = u.merchant_id AND b.token_hash = u.token_hash)"
    " IS TRUE AS is_spent"
    " FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::uuid[], $5::uuid[], $6::timestamptz[],"
    " $7::text[], $8::text[], $9::integer[], $10::bytea[]) AS u (merchant_id, key, fingerprint,"
    " payment_id, writer_id, created_at, kind, reference, try_number, token_hash)),"
    " won AS (INSERT INTO idempotency (merchant_id, key, fingerprint, payment_id, writer_id,"
    " created_at) SELECT merchant_id, key, fingerprint, payment_id, writer_id, created_at"
    " FROM input WHERE is_taken IS NULL AND NOT is_spent ON CONFLICT (merchant_id, key) DO NOTHING"
    " RETURNING payment_id)"
    " SELECT payment_id, 'w' FROM won UNION ALL SELECT i.payment_id, CASE WHEN (SELECT true"
    " FROM idempotency k WHERE k.merchant_id = i.merchant_id AND k.key = i.key) THEN 'k'"
    " WHEN i.is_taken THEN 'r' ELSE 'b' END FROM input i WHERE i.is_taken OR i.is_spent"},

[SQL_PAYMENTS] = {SQL_WRITER, "payments",
    "INSERT INTO payments (merchant_id, payment_id, kind, created_at, amount_minor, currency,"
    " capture_automatic, livemode, reference, try_number, method_type, country, key, writer_id,"
    " batch_no, customer, metadata, routing, tokens_sealed, parent_id) SELECT u.merchant_id,"
    " u.payment_id, u.kind, u.created_at, u.amount_minor, u.currency, u.capture_automatic,"
    " u.livemode, u.reference, u.try_number, u.method_type, u.country, u.key, u.writer_id, $1,"
    " u.customer, u.metadata, u.routing, u.tokens_sealed, u.parent_id"
    " FROM unnest($2::uuid[], $3::uuid[], $4::text[],"
    " $5::timestamptz[], $6::bigint[], $7::text[], $8::boolean[], $9::boolean[], $10::text[],"
    " $11::integer[], $12::text[], $13::text[], $14::text[], $15::uuid[], $16::text[], $17::text[],"
    " $18::text[], $19::bytea[], $20::uuid[]) AS u (merchant_id, payment_id, kind, created_at,"
    " amount_minor, currency, capture_automatic, livemode, reference, try_number, method_type,"
    " country, key, writer_id, customer, metadata, routing, tokens_sealed, parent_id)"
    " WHERE (SELECT k.payment_id FROM idempotency k"
    " WHERE k.merchant_id = u.merchant_id AND k.key = u.key" BY_US("k") ") = u.payment_id"},

/*
 * Nobody goes on to another provider while an attempt of the payment waits for proof: it was taken
 * over, and whoever still believes to hold it ends fenced (22012, division by zero).
 */
[SQL_ATTEMPTS] = {SQL_WRITER, "attempts",
    "INSERT INTO attempts (merchant_id, payment_id, attempt_id, number, operation, account_id,"
    " provider, amount_minor, currency, decision, token_hash, expected_fee_minor, created_at,"
    " writer_id, batch_no, step_id) SELECT u.merchant_id, u.payment_id, u.attempt_id, CASE WHEN u.number = 1"
    " THEN 1 ELSE u.number / ((SELECT count(*) FROM attempts a WHERE a.merchant_id = u.merchant_id"
    " AND a.payment_id = u.payment_id AND (SELECT true FROM unresolved r"
    " WHERE r.merchant_id = a.merchant_id AND r.attempt_id = a.attempt_id)) = 0)::integer END,"
    " u.operation, u.account_id, u.provider, u.amount_minor, u.currency, u.decision, u.token_hash,"
    " u.expected_fee_minor, u.created_at, $1, $2, u.step_id FROM unnest($3::uuid[], $4::uuid[], $5::uuid[],"
    " $6::uuid[], $7::integer[], $8::text[], $9::uuid[], $10::text[], $11::bigint[], $12::text[],"
    " $13::text[], $14::bytea[], $15::bigint[], $16::timestamptz[], $17::text[]) AS u (gate,"
    " merchant_id, payment_id, attempt_id, number, operation, account_id, provider, amount_minor,"
    " currency, decision, token_hash, expected_fee_minor, created_at, step_id)" GATE},

[SQL_SENDS] = {SQL_WRITER, "sends",
    "INSERT INTO sends (merchant_id, attempt_id, number, step, moves_money, adapter_version,"
    " provider_key, key_valid_until, not_after, body_sealed, created_at)"
    " SELECT u.merchant_id, u.attempt_id, u.number, u.step, u.moves_money, u.adapter_version,"
    " u.provider_key, u.key_valid_until, u.not_after, u.body_sealed, u.created_at"
    " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::boolean[],"
    " $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::bytea[],"
    " $12::timestamptz[]) AS u (gate, merchant_id, attempt_id, number, step, moves_money,"
    " adapter_version, provider_key, key_valid_until, not_after, body_sealed, created_at)" GATE},

[SQL_OUTCOMES] = {SQL_WRITER, "outcomes",
    "INSERT INTO outcomes (merchant_id, attempt_id, number, send_number, outcome, send_left, code,"
    " reason, reference, facts, debug_id, http_status, fee_minor, elapsed_us, created_at)"
    " SELECT u.merchant_id, u.attempt_id, u.number, u.send_number, u.outcome, u.send_left, u.code,"
    " u.reason, u.reference, u.facts, u.debug_id, u.http_status, u.fee_minor, u.elapsed_us,"
    " u.created_at FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::integer[],"
    " $6::text[], $7::boolean[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],"
    " $13::integer[], $14::bigint[], $15::bigint[], $16::timestamptz[]) AS u (gate, merchant_id,"
    " attempt_id, number, send_number, outcome, send_left, code, reason, reference, facts,"
    " debug_id, http_status, fee_minor, elapsed_us, created_at)" GATE},

/*
 * A transfer whose id is older than ten seconds (its clock is behind, or it waited) may lie below what
 * the merchant's balances take for done: its mark is drawn back, by the same transaction. A mark that
 * is not sound stays so. Merchants in their order: two writers cannot wait for each other.
 */
[SQL_TRANSFERS] = {SQL_WRITER, "transfers",
    "WITH" LATE LATE_ROWS("unnest($4::uuid[], $5::uuid[])")
    " INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, pending_id, state,"
    " debit_account, credit_account, amount_minor, currency, kind, created_at, writer_id,"
    " batch_no) SELECT u.merchant_id, u.transfer_id, u.payment_id, u.attempt_id, u.pending_id,"
    " u.state, u.debit_account, u.credit_account, u.amount_minor, u.currency, u.kind,"
    " u.created_at, $1, $2 FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[],"
    " $8::uuid[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[],"
    " $15::timestamptz[]) AS u (gate, merchant_id, transfer_id, payment_id, attempt_id,"
    " pending_id, state, debit_account, credit_account, amount_minor, currency, kind,"
    " created_at)" GATE},

[SQL_EVENTS] = {SQL_WRITER, "events",
    "WITH added AS (INSERT INTO events (merchant_id, payment_id, number, event_id, attempt_id, type, status, data,"
    " created_at, writer_id, batch_no, step_id) SELECT u.merchant_id, u.payment_id, u.number,"
    " u.event_id, u.attempt_id, u.type, u.status, u.data, u.created_at, $1, $2, u.step_id"
    " FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::uuid[], $8::uuid[],"
    " $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::text[]) AS u (gate,"
    " merchant_id, payment_id, number, event_id, attempt_id, type, status, data, created_at,"
    " step_id)" GATE HOOKED},

/*
 * The row is locked by its change: of two attempts at once, with the same card, each sees the
 * other's decline. Nothing left for the attempt that is opened beside it: 22012, division by zero.
 */
[SQL_BUDGETS] = {SQL_WRITER, "budgets",
    "WITH input AS MATERIALIZED (SELECT u.*,"
    " int8send((extract(epoch FROM u.created_at) * 1000000)::bigint) AS declined FROM"
    " unnest($1::uuid[], $2::bytea[], $3::integer[], $4::boolean[], $5::boolean[],"
    " $6::timestamptz[]) AS u (merchant_id, token_hash, most, forbids, opens, created_at)),"
    " put AS (INSERT INTO token_budget AS b (merchant_id, token_hash, forbidden_at, updated_at,"
    " most, declines) SELECT i.merchant_id, i.token_hash, CASE WHEN i.forbids THEN i.created_at END,"
    " i.created_at, i.most, i.declined FROM input i ORDER BY i.merchant_id, i.token_hash"
    " ON CONFLICT (merchant_id, token_hash) DO UPDATE SET"
    " forbidden_at = coalesce(b.forbidden_at, excluded.forbidden_at),"
    " updated_at = greatest(b.updated_at, excluded.updated_at),"
    " most = greatest(b.most, excluded.most), declines = CASE WHEN length(b.declines) >= 280"
    " THEN substring(b.declines FROM length(b.declines) - 271) ELSE b.declines END"
    " || excluded.declines RETURNING b.merchant_id, b.token_hash, b.forbidden_at, b.most, b.declines)"
    " SELECT 1 / ((SELECT count(*) FROM input i CROSS JOIN LATERAL (SELECT * FROM put q"
    " WHERE q.merchant_id = i.merchant_id AND q.token_hash = i.token_hash OFFSET 0) p"
    " WHERE i.opens AND (p.forbidden_at IS NOT NULL"
    " OR budget_is_spent(p.declines, p.most, i.created_at))) = 0)::integer"},

[SQL_ANSWERS] = {SQL_WRITER, "answers",
    "INSERT INTO payment_answers (merchant_id, payment_id, status, body, created_at)"
    " SELECT u.merchant_id, u.payment_id, u.status, u.body, u.created_at FROM unnest($1::uuid[],"
    " $2::uuid[], $3::uuid[], $4::integer[], $5::bytea[], $6::timestamptz[]) AS u (gate,"
    " merchant_id, payment_id, status, body, created_at)" GATE},

/*
 * Hardly ever is there a row already (an approval that comes late); ON CONFLICT would log each row
 * twice. Who loses a race for the row runs again (verdict.c).
 */
[SQL_LIMITS_CREATE] = {SQL_WRITER, "limits_create",
    "WITH input AS MATERIALIZED (SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
    " $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],"
    " $10::uuid[], $11::text[], $12::timestamptz[]) AS u (gate, merchant_id, payment_id, currency,"
    " authorized, captured, capture_open, refunded, refund_open, hold_id, hold_reference,"
    " hold_ends_at)" GATE "), changed AS (UPDATE payment_limits l SET"
    " authorized = l.authorized + i.authorized, captured = l.captured + i.captured,"
    " capture_open = l.capture_open + i.capture_open, refunded = l.refunded + i.refunded,"
    " refund_open = l.refund_open + i.refund_open, hold_id = coalesce(l.hold_id, i.hold_id),"
    " hold_reference = coalesce(l.hold_reference, i.hold_reference),"
    " hold_ends_at = coalesce(l.hold_ends_at, i.hold_ends_at)"
    " FROM input i"
    " WHERE l.merchant_id = i.merchant_id AND l.payment_id = i.payment_id RETURNING l.payment_id)"
    " INSERT INTO payment_limits (merchant_id, payment_id, currency, authorized, captured,"
    " capture_open, refunded, refund_open, hold_id, hold_reference, hold_ends_at)"
    " SELECT i.merchant_id, i.payment_id, i.currency, i.authorized, i.captured, i.capture_open,"
    " i.refunded, i.refund_open, i.hold_id, i.hold_reference, i.hold_ends_at FROM input i"
    " WHERE i.payment_id NOT IN (SELECT c.payment_id FROM changed c)"},

/*
 * What was opened, or looked at, under an authorization that another has taken the place of since is
 * not changed: 22012, as for any guard.
 */
[SQL_LIMITS_CHANGE] = {SQL_WRITER, "limits_change",
    "WITH input AS MATERIALIZED (SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
    " $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],"
    " $10::text[], $11::timestamptz[], $12::text[]) AS u (gate, merchant_id, payment_id, currency,"
    " authorized, captured, capture_open, refunded, refund_open, hold_reference, hold_ends_at,"
    " acts_on)" GATE "), changed AS (UPDATE payment_limits l SET"
    " authorized = l.authorized + i.authorized, captured = l.captured + i.captured,"
    " capture_open = l.capture_open + i.capture_open, refunded = l.refunded + i.refunded,"
    " refund_open = l.refund_open + i.refund_open,"
    " hold_reference = coalesce(i.hold_reference, l.hold_reference),"
    " hold_ends_at = coalesce(i.hold_ends_at, l.hold_ends_at) FROM input i"
    " WHERE l.merchant_id = i.merchant_id AND l.payment_id = i.payment_id"
    " AND l.currency = i.currency AND (i.acts_on IS NULL"
    " OR coalesce(l.hold_reference, i.acts_on) = i.acts_on) RETURNING 1)" ALL_CHANGED},

/* The rest is of the hold itself. One that is released is named by no limits any more. */
[SQL_HOLDS] = {SQL_WRITER, "holds",
    "WITH" LATE LATE_ROWS("(SELECT * FROM unnest($4::uuid[], $5::uuid[]) UNION ALL"
    " SELECT * FROM unnest($4::uuid[], $6::uuid[]))") ", held AS MATERIALIZED (SELECT u.*, t.debit_account, t.credit_account,"
    " t.amount_minor, t.currency, t.kind, CASE WHEN u.of_attempt IS NULL"
    " THEN t.amount_minor - u.taken ELSE 0 END AS rest, l.hold_id FROM unnest($3::uuid[],"
    " $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::bigint[],"
    " $11::timestamptz[], $12::uuid[]) AS u (gate, merchant_id, release_id, rest_id, payment_id,"
    " attempt_id, of_attempt, taken, created_at, limits_id)"
    " CROSS JOIN LATERAL (SELECT * FROM payment_limits i WHERE i.merchant_id = u.merchant_id"
    " AND i.payment_id = coalesce(u.limits_id, u.payment_id) OFFSET 0) l"
    " CROSS JOIN LATERAL (SELECT * FROM transfers i"
    " WHERE i.merchant_id = u.merchant_id AND i.transfer_id = coalesce(u.of_attempt, l.hold_id)"
    " OFFSET 0) t" GATE "),"
    " moved AS (INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, pending_id,"
    " state, debit_account, credit_account, amount_minor, currency, kind, created_at, writer_id,"
    " batch_no) SELECT h.merchant_id, h.release_id, h.payment_id, h.attempt_id,"
    " coalesce(h.of_attempt, h.hold_id), 'voided', h.debit_account, h.credit_account,"
    " h.amount_minor, h.currency, h.kind, h.created_at, $1::uuid, $2::bigint FROM held h UNION ALL"
    " SELECT h.merchant_id, h.rest_id, h.payment_id, h.attempt_id, NULL, 'pending', h.debit_account,"
    " h.credit_account, h.rest, h.currency, h.kind, h.created_at, $1::uuid, $2::bigint FROM held h"
    " WHERE h.rest > 0)"
    " UPDATE payment_limits l SET hold_id = CASE WHEN h.rest > 0 THEN h.rest_id END FROM held h"
    " WHERE l.merchant_id = h.merchant_id AND l.payment_id = coalesce(h.limits_id, h.payment_id)"
    " AND (h.of_attempt IS NULL OR h.of_attempt = l.hold_id)"},

/*
 * The limits are locked by the statements before, and this one sees what they wrote: two operations on
 * one payment number their events one after the other. Whoever else writes the payment's events may
 * take the number first; then this batch runs again (verdict.c).
 */
[SQL_PARENTS] = {SQL_WRITER, "parents",
    "WITH added AS (INSERT INTO events (merchant_id, payment_id, number, event_id, attempt_id, type, status, data,"
    " created_at, writer_id, batch_no) SELECT u.merchant_id, u.payment_id,"
    " coalesce(e.number, 0) + 1, u.event_id, u.attempt_id, u.type, CASE"
    " WHEN u.status = 'processing' THEN coalesce(e.status, 'processing')"
    " WHEN u.status IS NOT NULL THEN u.status WHEN l.hold_id IS NOT NULL THEN 'authorized'"
    " WHEN l.captured = 0 THEN 'canceled' ELSE 'succeeded' END, u.data, u.created_at,"
    " $1, $2 FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[],"
    " $9::text[], $10::text[], $11::timestamptz[]) AS u (gate, merchant_id, payment_id, event_id,"
    " attempt_id, type, status, data, created_at) CROSS JOIN LATERAL (SELECT * FROM payment_limits i"
    " WHERE i.merchant_id = u.merchant_id AND i.payment_id = u.payment_id OFFSET 0) l"
    " LEFT JOIN LATERAL (SELECT v.status, v.number FROM events v"
    " WHERE v.merchant_id = u.merchant_id AND v.payment_id = u.payment_id"
    " ORDER BY v.number DESC LIMIT 1) e ON true" GATE HOOKED},

[SQL_PARK_NEW] = {SQL_WRITER, "park_new",
    "INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, next_at,"
    " lease_until, epoch, tries, reason, parked_at) SELECT u.merchant_id, u.attempt_id,"
    " u.payment_id, u.account_id, u.provider, u.next_at, '-infinity', 0, u.tries, u.reason, $1"
    " FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[],"
    " $8::timestamptz[], $9::integer[], $10::text[]) AS u (gate, merchant_id, attempt_id,"
    " payment_id, account_id, provider, next_at, tries, reason)" GATE},

/* Whoever did not yet know that the merchant wants it back must not put it off. */
[SQL_PARK_AGAIN] = {SQL_WRITER, "park_again",
    "WITH input AS MATERIALIZED (SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
    " $4::timestamptz[], $5::integer[], $6::bigint[], $7::boolean[], $8::text[], $9::boolean[])"
    " AS u (gate, merchant_id, attempt_id, next_at, tries, epoch, is_canceled, reason,"
    " unless_canceled)" GATE "),"
    " changed AS (UPDATE unresolved r SET next_at = CASE WHEN r.canceled_at IS NULL"
    " OR i.is_canceled THEN i.next_at ELSE r.canceled_at END, lease_until = '-infinity',"
    " tries = CASE WHEN r.canceled_at IS NULL OR i.is_canceled THEN i.tries ELSE 0 END,"
    " reason = i.reason FROM input i WHERE r.merchant_id = i.merchant_id"
    " AND r.attempt_id = i.attempt_id AND r.epoch = i.epoch AND (r.canceled_at IS NULL"
    " OR i.is_canceled OR NOT i.unless_canceled) RETURNING 1)" ALL_CHANGED},

[SQL_UNPARK] = {SQL_WRITER, "unpark",
    "WITH input AS MATERIALIZED (SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
    " $4::bigint[]) AS u (gate, merchant_id, attempt_id, epoch)" GATE "),"
    " changed AS (DELETE FROM unresolved r USING input i WHERE r.merchant_id = i.merchant_id"
    " AND r.attempt_id = i.attempt_id AND r.epoch = i.epoch RETURNING 1)" ALL_CHANGED},

/* A case is decided once: by a person while it is open, by its reversal while it is claimed. */
[SQL_VERDICTS] = {SQL_WRITER, "verdicts",
    "WITH input AS MATERIALIZED (SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::text[],"
    " $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::timestamptz[],"
    " $11::text[]) AS u (merchant_id, review_id, from_state, epoch, key_id, outcome, reason,"
    " evidence, reversal_id, decided_at, to_state)), changed AS (UPDATE reviews r"
    " SET state = i.to_state, resolved_at = CASE WHEN i.to_state = 'resolved' THEN i.decided_at END,"
    " resolved_by = i.key_id, outcome = i.outcome, reason = i.reason, evidence = i.evidence,"
    " reversal_id = coalesce(i.reversal_id, r.reversal_id), next_at = i.decided_at,"
    " lease_until = '-infinity', waits = 0, epoch = r.epoch + 1 FROM input i"
    " WHERE r.merchant_id = i.merchant_id AND r.review_id = i.review_id"
    " AND r.state = i.from_state AND r.epoch = i.epoch RETURNING 1)" ALL_CHANGED},

[SQL_PROOFS] = {SQL_WRITER, "proofs",
    "WITH input AS MATERIALIZED (SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],"
    " $4::text[], $5::timestamptz[]) AS u (merchant_id, payment_id, attempt_id, outcome,"
    " resolved_at)) UPDATE reviews r SET state = 'resolved', resolved_at = i.resolved_at,"
    " outcome = i.outcome, reason = 'proof' FROM input i WHERE r.merchant_id = i.merchant_id"
    " AND r.payment_id = i.payment_id AND r.attempt_id = i.attempt_id AND r.state = 'open'"
    " AND r.kind IN ('unknown_too_long', 'pending_too_long', 'amount_mismatch')"},

[SQL_REVIEWS] = {SQL_WRITER, "reviews",
    "INSERT INTO reviews AS r (merchant_id, review_id, payment_id, attempt_id, account_id,"
    " opened_at, next_at, lease_until, amount_minor, answered_minor, epoch, tries, waits, kind,"
    " state, operation, provider, currency, answered_currency, reference, detail, outcome, reason,"
    " evidence) SELECT u.merchant_id, u.review_id, u.payment_id, u.attempt_id, u.account_id,"
    " u.opened_at, u.opened_at, '-infinity', u.amount_minor, u.answered_minor, 0, 0, 0, u.kind,"
    " u.state, u.operation, u.provider, u.currency, u.answered_currency, u.reference, u.detail, '',"
    " '', '' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],"
    " $6::timestamptz[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[],"
    " $12::text[], $13::text[], $14::text[], $15::text[], $16::text[]) AS u (merchant_id,"
    " review_id, payment_id, attempt_id, account_id, opened_at, amount_minor, answered_minor, kind,"
    " state, operation, provider, currency, answered_currency, reference, detail)"
    " ON CONFLICT (merchant_id, payment_id, attempt_id, kind) DO UPDATE SET state = excluded.state,"
    " opened_at = excluded.opened_at, answered_minor = excluded.answered_minor,"
    " answered_currency = excluded.answered_currency, reference = excluded.reference,"
    " detail = excluded.detail, resolved_at = NULL, resolved_by = NULL, outcome = '', reason = '',"
    " evidence = '', epoch = r.epoch + 1 WHERE r.state = 'resolved' AND r.kind <> 'late_success'"},

[SQL_PROBE_MARK] = {SQL_CONTROL, "probe_mark",
    "INSERT INTO batches (writer_id, batch_no, is_probe, created_at) VALUES ($1, $2, true, $3)"
    " ON CONFLICT (writer_id, batch_no) DO NOTHING"},

/* That a call was made which is journaled (journal.h): $2 is below zero. */
#define CALL_MARK                                                                                  \
    "INSERT INTO batches (writer_id, batch_no, is_probe, created_at) VALUES ($1, $2, false, $3)"
[SQL_CALL_MARK] = {SQL_CONTROL, "call_mark", CALL_MARK},
[SQL_BULK_MARK] = {SQL_BULK, "bulk_mark", CALL_MARK},

/*
 * The message makes this a transaction that writes, and so its commit waits for the synchronous
 * standby. A batch that can be seen need not be there: its own wait may have been cancelled, or its
 * server have been started again. After the probe's commit it is.
 */
[SQL_PROBE_ASK] = {SQL_CONTROL, "probe_ask",
    "SELECT b.is_probe, (SELECT k.payment_id FROM idempotency k"
    " WHERE k.merchant_id = $3 AND k.key = $4), (SELECT true FROM attempts a"
    " WHERE a.merchant_id = $3 AND a.attempt_id = $5), b.batch_no FROM batches b"
    " CROSS JOIN pg_logical_emit_message(true, 'turnpike', 'probe'::text) AS m"
    " WHERE b.writer_id = $1 AND b.batch_no = $2"},

/*
 * The lanes one after the other (each step one descent of their index); of those that have something
 * due what is longest due, each as far as there is room for it and up to twice its share; then they
 * take turns. The outer WHERE repeats the predicate: it is what is checked again after waiting for
 * another.
 */
[SQL_CLAIM] = {SQL_CONTROL, "claim",
    "WITH RECURSIVE lane AS ((SELECT provider, account_id FROM unresolved"
    " ORDER BY provider, account_id LIMIT 1) UNION ALL SELECT n.provider, n.account_id FROM lane l"
    " CROSS JOIN LATERAL (SELECT u.provider, u.account_id FROM unresolved u"
    " WHERE (u.provider, u.account_id) > (l.provider, l.account_id)"
    " ORDER BY u.provider, u.account_id LIMIT 1) n),"
    " held AS MATERIALIZED (SELECT h.* FROM unnest($6::text[], $7::uuid[], $8::bigint[])"
    " AS h (provider, account_id, number)),"
    " room AS MATERIALIZED (SELECT l.provider, l.account_id,"
    " (SELECT coalesce(sum(h.number), 0)::bigint FROM held h WHERE h.provider = l.provider"
    " AND h.account_id = l.account_id) AS of_account,"
    " (SELECT coalesce(sum(h.number), 0)::bigint FROM held h WHERE h.provider = l.provider)"
    " AS of_provider FROM lane l WHERE (SELECT true FROM unresolved u"
    " WHERE u.provider = l.provider AND u.account_id = l.account_id AND u.next_at <= $1"
    " AND u.lease_until <= $1 LIMIT 1)),"
    " share AS MATERIALIZED (SELECT 1 + 2 * $3::bigint / greatest(count(*), 1) AS rows FROM room),"
    " due AS (SELECT d.*, o.provider, o.of_provider, o.of_account + row_number() OVER"
    " (PARTITION BY o.provider, o.account_id ORDER BY d.next_at) AS place FROM room o"
    " CROSS JOIN LATERAL (SELECT u.merchant_id, u.attempt_id, u.next_at FROM unresolved u"
    " WHERE u.provider = o.provider AND u.account_id = o.account_id AND u.next_at <= $1"
    " AND u.lease_until <= $1 ORDER BY u.next_at"
    " LIMIT greatest(least($4 - o.of_account, $5 - o.of_provider, $3,"
    " (SELECT s.rows FROM share s)), 0)) d),"
    " ranked AS (SELECT d.*, d.of_provider + row_number() OVER (PARTITION BY d.provider"
    " ORDER BY d.place, d.next_at) AS provider_place FROM due d),"
    " picked AS MATERIALIZED (SELECT merchant_id, attempt_id FROM ranked"
    " WHERE provider_place <= $5 ORDER BY place, next_at LIMIT $3)"
    " UPDATE unresolved r SET lease_until = $2, epoch = r.epoch + 1 FROM picked p"
    " WHERE r.merchant_id = p.merchant_id AND r.attempt_id = p.attempt_id"
    " AND r.next_at <= $1 AND r.lease_until <= $1"
    " RETURNING r.merchant_id, r.attempt_id, r.payment_id, r.epoch, r.tries, r.parked_at,"
    " r.account_id, r.provider, r.canceled_at IS NOT NULL, r.reason = '" STORE_RECHECK "'"},

[SQL_CANCEL] = {SQL_CONTROL, "cancel",
    "WITH changed AS (UPDATE unresolved SET canceled_at = coalesce(canceled_at, $3),"
    " next_at = CASE WHEN canceled_at IS NULL THEN least(next_at, $3) ELSE next_at END,"
    " tries = CASE WHEN canceled_at IS NULL THEN 0 ELSE tries END"
    " WHERE merchant_id = $1 AND attempt_id = $2 RETURNING 1)" COUNT_CHANGED},

/*
 * A dead process may have left a batch on its way, so its writer is looked at again and again until
 * nothing can arrive any more ($4); only then it is closed. IS TRUE keeps the planner from making a
 * join of IN: many dead are a hash table and one look at the newest attempts, not a look for each.
 */
[SQL_ADOPT] = {SQL_CONTROL, "adopt",
    "WITH dead AS MATERIALIZED (SELECT writer_id, watermark_at,"
    " coalesce(reaped_at, heartbeat_at) < $4 AS is_settled FROM writers WHERE adopted_at IS NULL"
    " AND (reaped_at IS NOT NULL OR (instance_id <> $1 AND heartbeat_at < $3))),"
    " changed AS (INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id,"
    " provider, next_at, lease_until, epoch, tries, reason, parked_at)"
    " SELECT a.merchant_id, a.attempt_id, a.payment_id, a.account_id, a.provider, $2, '-infinity',"
    " 0, 0, 'adopted', $2"
    " FROM attempts a WHERE a.created_at >= (SELECT min(watermark_at) FROM dead)"
    " AND (a.writer_id IN (SELECT writer_id FROM dead)) IS TRUE"
    " AND (SELECT count(*) FROM outcomes o WHERE o.merchant_id = a.merchant_id"
    " AND o.attempt_id = a.attempt_id AND o.outcome IN ('approved', 'declined_soft',"
    " 'declined_hard', 'failed')) = 0"
    " AND (SELECT true FROM unresolved r WHERE r.merchant_id = a.merchant_id"
    " AND r.attempt_id = a.attempt_id) IS NULL"
    " AND coalesce((SELECT v.status FROM events v WHERE v.merchant_id = a.merchant_id"
    " AND v.payment_id = a.payment_id ORDER BY v.number DESC LIMIT 1), '') <> 'review'"
    " ON CONFLICT (merchant_id, attempt_id) DO NOTHING RETURNING 1),"
    " closed AS (UPDATE writers SET adopted_at = $2"
    " WHERE writer_id IN (SELECT writer_id FROM dead WHERE is_settled))" COUNT_CHANGED},

[SQL_ROLL] = {SQL_BULK, "roll", "SELECT roll_balances($1, $2)"},
[SQL_PAGE] = {SQL_BULK, "page", "SELECT page_balances($1, $2, $3) + number_accounts($1)"},

[SQL_CLOSE_WRITER] = {SQL_CONTROL, "close_writer",
    "WITH changed AS (UPDATE writers SET reaped_at = $2, adopted_at = $2, watermark_at = $2"
    " WHERE writer_id = $1 AND reaped_at IS NULL RETURNING 1)" COUNT_CHANGED},

[SQL_REAP_WRITER] = {SQL_CONTROL, "reap_writer",
    "WITH changed AS (UPDATE writers SET reaped_at = $2 WHERE writer_id = $1"
    " AND reaped_at IS NULL RETURNING 1)" COUNT_CHANGED},

[SQL_REAP_INSTANCE] = {SQL_CONTROL, "reap_instance",
    "WITH changed AS (UPDATE writers SET reaped_at = $3 WHERE instance_id = $1"
    " AND boot_id <> $2 AND reaped_at IS NULL RETURNING 1)" COUNT_CHANGED},

[SQL_HEARTBEAT] = {SQL_CONTROL, "heartbeat",
    "WITH changed AS (UPDATE writers SET heartbeat_at = $2,"
    " watermark_at = greatest(watermark_at, $3), adopted_at = NULL"
    " WHERE writer_id = $1 AND reaped_at IS NULL RETURNING 1)"
    " SELECT count(*), clock_timestamp() FROM changed"},

[SQL_PUT_MERCHANT] = {SQL_CONTROL, "put_merchant",
    "WITH changed AS (INSERT INTO merchants AS m (merchant_id, twin_id, name, livemode, disabled,"
    " country, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id) DO UPDATE"
    " SET twin_id = excluded.twin_id, name = excluded.name, disabled = excluded.disabled,"
    " country = excluded.country WHERE m.livemode = excluded.livemode RETURNING 1)" BUMP},

[SQL_PUT_KEY] = {SQL_CONTROL, "put_key",
    "WITH changed AS (INSERT INTO api_keys (key_id, merchant_id, role, livemode, hint, digest,"
    " created_at, expires_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " RETURNING 1)" BUMP},

[SQL_PUT_ACCOUNT] = {SQL_CONTROL, "put_account",
    "WITH changed AS (INSERT INTO accounts AS a (merchant_id, account_id, provider, name, base_url,"
    " secret_ref, settings, fees, currencies, methods, amount_max_minor, disabled, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    " ON CONFLICT (merchant_id, account_id) DO UPDATE SET name = excluded.name,"
    " base_url = excluded.base_url, secret_ref = excluded.secret_ref, settings = excluded.settings,"
    " fees = excluded.fees, currencies = excluded.currencies, methods = excluded.methods,"
    " amount_max_minor = excluded.amount_max_minor, disabled = excluded.disabled"
    " WHERE a.provider = excluded.provider RETURNING 1)" BUMP},

[SQL_DISABLE_MERCHANT] = {SQL_CONTROL, "disable_merchant",
    "WITH changed AS (UPDATE merchants SET disabled = $2 WHERE merchant_id = $1 RETURNING 1)" BUMP},

[SQL_BIND_MERCHANT] = {SQL_CONTROL, "bind_merchant",
    "WITH changed AS (UPDATE merchants SET client_keys = $2 WHERE merchant_id = $1 RETURNING 1)" BUMP},

[SQL_LIMIT_MERCHANT] = {SQL_CONTROL, "limit_merchant",
    "WITH changed AS (UPDATE merchants SET rate = $2, burst = $3, in_flight_max = $4"
    " WHERE merchant_id = $1 RETURNING 1)" BUMP},

[SQL_APPROVE_MERCHANT] = {SQL_CONTROL, "approve_merchant",
    "WITH changed AS (UPDATE merchants SET payout_limits = $2 WHERE merchant_id = $1"
    " RETURNING 1)" BUMP},

[SQL_DISABLE_KEY] = {SQL_CONTROL, "disable_key",
    "WITH changed AS (UPDATE api_keys SET disabled_at = $2 WHERE key_id = $1 RETURNING 1)" BUMP},

[SQL_DISABLE_ACCOUNT] = {SQL_CONTROL, "disable_account",
    "WITH changed AS (UPDATE accounts SET disabled = $3 WHERE merchant_id = $1"
    " AND account_id = $2 RETURNING 1)" BUMP},

[SQL_LOAD_PAYMENT] = {SQL_READER, "load_payment",
    PAYMENT_COLUMNS " FROM unnest($2::uuid[]) AS u (payment_id) CROSS JOIN LATERAL"
    " (SELECT * FROM payments q WHERE q.merchant_id = $1 AND q.payment_id = u.payment_id OFFSET 0) p"
    PAYMENT_JOINS " ORDER BY p.payment_id DESC"},

[SQL_FIND_REFERENCE] = {SQL_READER, "find_reference",
    "SELECT payment_id FROM payments WHERE merchant_id = $1 AND kind = $2 AND reference = $3"
    " ORDER BY try_number DESC LIMIT 1"},

[SQL_LIST] = {SQL_READER, "list",
    PAYMENT_COLUMNS " FROM payments p" PAYMENT_JOINS LIST_FILTER " AND p.kind = 'payment'"
    " ORDER BY p.payment_id DESC LIMIT $8"},

/*
 * Payments that are not over are few among many. They are in `unresolved`, in review, or in the
 * hands of a writer: made since its watermark. The others are not looked at.
 */
[SQL_LIST_OPEN] = {SQL_READER, "list_open",
    PAYMENT_COLUMNS " FROM (SELECT q.* FROM (SELECT DISTINCT w.payment_id FROM"
    " (SELECT r.payment_id FROM unresolved r WHERE r.merchant_id = $1 UNION ALL"
    " SELECT c.payment_id FROM reviews c WHERE c.merchant_id = $1 AND c.state <> 'resolved'"
    " UNION ALL SELECT n.payment_id FROM payments n WHERE n.merchant_id = $1 AND n.payment_id >="
    " (SELECT balance_floor(coalesce(min(watermark_at), clock_timestamp()) - interval '60 s')"
    " FROM writers WHERE adopted_at IS NULL)) w) d CROSS JOIN LATERAL (SELECT * FROM payments o"
    " WHERE o.merchant_id = $1 AND o.payment_id = d.payment_id AND o.kind = 'payment' OFFSET 0) q"
    " OFFSET 0) p" PAYMENT_JOINS LIST_FILTER " ORDER BY p.payment_id DESC LIMIT $8"},

[SQL_LIST_PAYOUTS] = {SQL_READER, "list_payouts",
    PAYMENT_COLUMNS " FROM payments p" PAYMENT_JOINS LIST_FILTER " AND p.kind = 'payout'"
    " ORDER BY p.payment_id DESC LIMIT $8"},

[SQL_LIST_REFERENCE] = {SQL_READER, "list_reference",
    PAYMENT_COLUMNS " FROM (SELECT * FROM payments WHERE merchant_id = $1 AND kind = $9"
    " AND reference = $10 OFFSET 0) p" PAYMENT_JOINS LIST_FILTER " ORDER BY p.payment_id DESC LIMIT $8"},

[SQL_LIST_OPERATIONS] = {SQL_READER, "list_operations",
    PAYMENT_COLUMNS " FROM (SELECT q.merchant_id, q.payment_id, q.created_at, q.amount_minor,"
    " q.currency, q.capture_automatic, q.livemode, q.reference, q.try_number, q.method_type,"
    " q.country, q.key, q.writer_id, q.customer, CASE WHEN $5::boolean THEN q.metadata ELSE '{}'"
    " END AS metadata, q.routing, q.tokens_sealed, q.kind, q.parent_id, q.erased_at,"
    " q.archived_at, q.archived_authorized, q.archived_captured, q.archived_refunded"
    " FROM payments q WHERE q.merchant_id = $1 AND q.parent_id = $2"
    " AND ($3::text IS NULL OR q.kind = $3) ORDER BY q.payment_id DESC LIMIT $4) p" PAYMENT_JOINS
    " ORDER BY p.payment_id DESC"},

[SQL_LOAD_ATTEMPTS] = {SQL_READER, "load_attempts",
    "SELECT a.payment_id, a.attempt_id, a.number, a.operation, a.account_id, a.provider,"
    " a.amount_minor, a.currency, a.decision, a.token_hash, a.expected_fee_minor, a.created_at,"
    " a.writer_id, (SELECT r.canceled_at IS NOT NULL FROM unresolved r"
    " WHERE r.merchant_id = a.merchant_id"
    " AND r.attempt_id = a.attempt_id), l.authorized, l.capture_open, l.hold_ends_at FROM"
    THEIR_ATTEMPTS " LEFT JOIN LATERAL (SELECT * FROM payment_limits i"
    " WHERE a.operation = 'authorize' AND i.merchant_id = a.merchant_id"
    " AND i.payment_id = a.attempt_id OFFSET 0) l ON true ORDER BY a.payment_id DESC, a.number"},

[SQL_LOAD_SENDS] = {SQL_READER, "load_sends",
    "SELECT s.attempt_id, s.number, s.step, s.moves_money, s.adapter_version, s.provider_key,"
    " s.key_valid_until, s.not_after, s.body_sealed, s.created_at"
    " FROM" THEIR_ATTEMPTS " CROSS JOIN LATERAL (SELECT * FROM sends s WHERE s.merchant_id = $1"
    " AND s.attempt_id = a.attempt_id OFFSET 0) s"
    " ORDER BY a.payment_id DESC, a.number, s.number"},

[SQL_LOAD_OUTCOMES] = {SQL_READER, "load_outcomes",
    "SELECT o.attempt_id, o.number, o.send_number, o.outcome, o.send_left, o.code, o.reason,"
    " o.reference, o.facts, o.debug_id, o.http_status, o.fee_minor, o.elapsed_us, o.created_at"
    " FROM" THEIR_ATTEMPTS " CROSS JOIN LATERAL (SELECT * FROM outcomes o"
    " WHERE o.merchant_id = $1 AND o.attempt_id = a.attempt_id OFFSET 0) o"
    " ORDER BY a.payment_id DESC, a.number, o.number"},

/* The payment's own key alone has its answer: an order's key names the same payment. */
[SQL_LOAD_KEY] = {SQL_READER, "load_key",
    "SELECT k.payment_id, k.fingerprint, k.writer_id, k.created_at, coalesce(a.status, f.status),"
    " a.content_type, a.location, coalesce(a.body, f.body), coalesce(a.created_at, f.created_at)"
    " FROM idempotency k LEFT JOIN answers a ON a.merchant_id = k.merchant_id AND a.key = k.key"
    " LEFT JOIN LATERAL (SELECT * FROM payments q WHERE q.merchant_id = k.merchant_id"
    " AND q.payment_id = k.payment_id OFFSET 0) p ON p.key = k.key"
    " LEFT JOIN payment_answers f ON f.merchant_id = p.merchant_id"
    " AND f.payment_id = p.payment_id WHERE k.merchant_id = $1 AND k.key = $2"},

[SQL_BACKLOG] = {SQL_READER, "backlog",
    "SELECT count(*), min(parked_at) FROM unresolved WHERE reason <> '" STORE_RECHECK "'"},

[SQL_FIND_KEY] = {SQL_READER, "find_key", KEY_COLUMNS " WHERE digest = $1"},
[SQL_LOAD_KEY_ROW] = {SQL_READER, "load_key_row", KEY_COLUMNS " WHERE key_id = $1"},
[SQL_FIND_KEY_MERCHANT] = {SQL_READER, "find_key_merchant",
    MERCHANT_COLUMNS " WHERE merchant_id = (SELECT merchant_id FROM api_keys WHERE digest = $1)"},
[SQL_LOAD_MERCHANT] = {SQL_READER, "load_merchant", MERCHANT_COLUMNS " WHERE merchant_id = $1"},
[SQL_LOAD_MERCHANT_KEYS] = {SQL_READER, "load_merchant_keys",
    KEY_COLUMNS " WHERE merchant_id = $1 ORDER BY created_at, key_id"},
[SQL_LOAD_MERCHANT_ACCOUNTS] = {SQL_READER, "load_merchant_accounts",
    ACCOUNT_COLUMNS " WHERE merchant_id = $1 ORDER BY created_at, account_id"},
[SQL_LIST_MERCHANTS] = {SQL_READER, "list_merchants",
    MERCHANT_COLUMNS " ORDER BY name, livemode DESC, merchant_id"},
[SQL_LIST_ACCOUNTS] = {SQL_READER, "list_accounts",
    ACCOUNT_COLUMNS " ORDER BY provider, name, merchant_id, account_id"},
[SQL_LIST_OPERATOR_KEYS] = {SQL_READER, "list_operator_keys",
    KEY_COLUMNS " WHERE role = 'operator' ORDER BY created_at, key_id"},
[SQL_VERSION] = {SQL_READER, "version", "SELECT version FROM directory_version WHERE id = 1"},
[SQL_SCHEMA] = {SQL_READER, "schema",
    "SELECT count(*) FROM schema_migrations WHERE version = $1"},
};
/* clang-format on */

const struct sql_text *sql_text(enum sql sql)
{
    CHECK(sql > SQL_NONE && sql < SQL_COUNT);
    if (sql >= SQL_PEOPLE_FIRST)
        return sql_people_text(sql);
    if (sql >= SQL_EXPORT_FIRST)
        return sql_export_text(sql);
    if (sql >= SQL_BOOK_FIRST)
        return sql_book_text(sql);
    if (sql >= SQL_BACKTEST_FIRST)
        return sql_backtest_text(sql);
    if (sql >= SQL_RULE_FIRST)
        return sql_rule_text(sql);
    if (sql >= SQL_PRICE_FIRST)
        return sql_price_text(sql);
    if (sql >= SQL_HEALTH_FIRST)
        return sql_health_text(sql);
    if (sql >= SQL_HOOK_FIRST)
        return sql_hook_text(sql);
    if (sql >= SQL_INBOUND_FIRST)
        return sql_inbound_text(sql);
    if (sql >= SQL_EVENT_FIRST)
        return sql_event_text(sql);
    if (sql >= SQL_REVIEW_FIRST)
        return sql_review_text(sql);
    return sql < SQL_ORDER_FIRST ? &texts[sql] : sql_order_text(sql);
}

const char *sql_settings(enum sql_kind kind)
{
    CHECK((unsigned)kind < SQL_KIND_COUNT);
    return settings[kind];
}

const char *sql_kind_name(enum sql_kind kind)
{
    static const char *const names[SQL_KIND_COUNT] = {
        [SQL_WRITER] = "writer",
        [SQL_READER] = "reader",
        [SQL_CONTROL] = "control",
        [SQL_BULK] = "bulk",
    };
    CHECK((unsigned)kind < SQL_KIND_COUNT);
    return names[kind];
}
