/* The statements of cases that a person must look at (review.h). */
#include "ledger/sql.h"

#define REVIEW_COLUMNS                                                                             \
    " r.merchant_id, r.review_id, r.payment_id, r.attempt_id, r.account_id, p.kind, p.livemode,"   \
    " r.kind, r.state, r.operation, r.provider, r.amount_minor, r.currency, r.answered_minor,"     \
    " r.answered_currency, r.reference, r.detail, r.opened_at, r.resolved_at, r.resolved_by,"      \
    " r.reversal_id, r.outcome, r.reason, r.evidence, r.epoch, r.tries, r.next_at"
#define THEIR_PAYMENT(x)                                                                           \
    " LEFT JOIN LATERAL (SELECT q.kind, q.livemode FROM payments q"                                \
    " WHERE q.merchant_id = " x ".merchant_id AND q.payment_id = " x ".payment_id OFFSET 0) p"     \
    " ON true"

/* $1: a merchant, or NULL: an index probe for each, newest first, and then the newest of all. */
#define MERCHANTS                                                                                  \
    "(SELECT m.merchant_id FROM merchants m WHERE $1::uuid IS NULL OR m.merchant_id = $1) m"
#define LISTED(where)                                                                              \
    "SELECT" REVIEW_COLUMNS " FROM (SELECT n.* FROM " MERCHANTS " CROSS JOIN LATERAL"              \
    " (SELECT * FROM reviews q WHERE q.merchant_id = m.merchant_id AND q.review_id < $2" where     \
    " AND ($3::text IS NULL OR q.state = $3) AND ($4::text IS NULL OR q.kind = $4)"                \
    " AND ($5::text IS NULL OR q.provider = $5) ORDER BY q.review_id DESC LIMIT $6::bigint) n"     \
    " ORDER BY n.review_id DESC LIMIT $6::bigint) r" THEIR_PAYMENT(                                \
        "r") " ORDER BY r.review_id DESC"

#define COUNT_CHANGED " SELECT count(*) FROM changed"

/*
 * Cases are found by their id: (state || '') keeps the index of those in that state from being
 * taken for a way to them.
 */

/* clang-format off */
static const struct sql_text texts[SQL_REVIEW_END_MARK - SQL_REVIEW_FIRST] = {
[SQL_REVIEW_LIST - SQL_REVIEW_FIRST] = {SQL_READER, "review_list", LISTED("")},

[SQL_REVIEW_LIST_OPEN - SQL_REVIEW_FIRST] = {SQL_READER, "review_list_open",
    LISTED(" AND q.state <> 'resolved'")},

[SQL_REVIEW_LOAD - SQL_REVIEW_FIRST] = {SQL_READER, "review_load",
    "SELECT" REVIEW_COLUMNS " FROM (SELECT n.* FROM " MERCHANTS " CROSS JOIN LATERAL"
    " (SELECT * FROM reviews q WHERE q.merchant_id = m.merchant_id AND q.review_id = $2 OFFSET 0) n"
    " LIMIT 1) r" THEIR_PAYMENT("r")},

[SQL_REVIEW_COUNT - SQL_REVIEW_FIRST] = {SQL_READER, "review_count",
    "SELECT count(*) FILTER (WHERE r.state = 'open'), count(*) FILTER (WHERE r.state = 'reversing'),"
    " min(r.opened_at) FROM reviews r WHERE r.state <> 'resolved'"},

[SQL_REVIEW_CLAIM - SQL_REVIEW_FIRST] = {SQL_CONTROL, "review_claim",
    "WITH picked AS MATERIALIZED (SELECT merchant_id, review_id FROM reviews"
    " WHERE state = 'reversing' AND next_at <= $1 AND lease_until <= $1 ORDER BY next_at"
    " LIMIT $3::bigint)"
    " UPDATE reviews r SET lease_until = $2, epoch = r.epoch + 1 FROM picked p"
    " WHERE r.merchant_id = p.merchant_id AND r.review_id = p.review_id"
    " AND (r.state || '') = 'reversing'"
    " AND r.next_at <= $1 AND r.lease_until <= $1 RETURNING r.merchant_id, r.review_id,"
    " r.payment_id, r.attempt_id, r.operation, r.amount_minor, r.epoch, r.tries, r.waits,"
    " r.opened_at"},

[SQL_REVIEW_PUT_BACK - SQL_REVIEW_FIRST] = {SQL_CONTROL, "review_put_back",
    "WITH changed AS (UPDATE reviews SET next_at = $5, lease_until = '-infinity', tries = $6,"
    " waits = $7, reversal_id = coalesce($8::uuid, reversal_id), detail = $9::text,"
    " state = CASE WHEN $4::boolean THEN 'open' ELSE state END,"
    " kind = CASE WHEN $4::boolean THEN 'reversal_failed' ELSE kind END"
    " WHERE merchant_id = $1 AND review_id = $2 AND epoch = $3"
    " AND (state || '') = 'reversing' RETURNING 1)" COUNT_CHANGED},

/* The oldest attempts first: ids are in the order of time. */
[SQL_UNRESOLVED_LIST - SQL_REVIEW_FIRST] = {SQL_READER, "unresolved_list",
    "SELECT r.merchant_id, r.payment_id, r.attempt_id, r.account_id, p.kind, p.livemode,"
    " r.provider, a.operation, a.amount_minor, a.currency, (SELECT o.outcome FROM outcomes o"
    " WHERE o.merchant_id = r.merchant_id AND o.attempt_id = r.attempt_id"
    " ORDER BY o.number DESC LIMIT 1), r.reason, r.parked_at, r.next_at, r.lease_until, r.tries,"
    " r.canceled_at IS NOT NULL FROM (SELECT n.* FROM " MERCHANTS " CROSS JOIN LATERAL"
    " (SELECT * FROM unresolved q WHERE q.merchant_id = m.merchant_id AND q.attempt_id > $2"
    " AND ($3::text IS NULL OR q.provider = $3) ORDER BY q.attempt_id LIMIT $4::bigint) n"
    " ORDER BY n.attempt_id LIMIT $4::bigint) r" THEIR_PAYMENT("r")
    " LEFT JOIN LATERAL (SELECT t.operation, t.amount_minor, t.currency FROM attempts t"
    " WHERE t.merchant_id = r.merchant_id AND t.payment_id = r.payment_id"
    " AND t.attempt_id = r.attempt_id OFFSET 0) a ON true"
    " ORDER BY r.attempt_id"},
};
/* clang-format on */

const struct sql_text *sql_review_text(enum sql sql)
{
    return &texts[sql - SQL_REVIEW_FIRST];
}
