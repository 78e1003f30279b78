#include "ledger/redo_texts.h"

/* clang-format off */
static const struct {
    enum sql sql;
    const char *text;
} changed[] = {
/* Who was claimed after the backup has no row, or one of an older epoch. */
{SQL_PARK_AGAIN,
    "INSERT INTO unresolved AS r (merchant_id, attempt_id, payment_id, account_id, provider, next_at,"
    " lease_until, epoch, tries, reason, parked_at) SELECT u.merchant_id, u.attempt_id, a.payment_id,"
    " a.account_id, a.provider, u.next_at, '-infinity', u.epoch, u.tries, u.reason, a.created_at"
    " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::integer[],"
    " $6::bigint[], $7::boolean[], $8::text[], $9::boolean[]) AS u (gate, merchant_id, attempt_id,"
    " next_at, tries, epoch, is_canceled, reason, unless_canceled) CROSS JOIN LATERAL (SELECT *"
    " FROM attempts t WHERE t.merchant_id = u.merchant_id AND t.attempt_id = u.attempt_id OFFSET 0) a"
    " ON CONFLICT (merchant_id, attempt_id) DO UPDATE SET next_at = excluded.next_at,"
    " lease_until = '-infinity', epoch = greatest(r.epoch, excluded.epoch),"
    " tries = excluded.tries, reason = excluded.reason"},
{SQL_UNPARK,
    "DELETE FROM unresolved r USING unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS u"
    " (gate, merchant_id, attempt_id, epoch) WHERE r.merchant_id = u.merchant_id"
    " AND r.attempt_id = u.attempt_id"},
{SQL_VERDICTS,
    "UPDATE reviews r SET state = i.to_state, resolved_at = CASE WHEN i.to_state = 'resolved'"
    " THEN i.decided_at END, resolved_by = i.key_id, outcome = i.outcome, reason = i.reason,"
    " evidence = i.evidence, reversal_id = coalesce(i.reversal_id, r.reversal_id),"
    " next_at = i.decided_at, lease_until = '-infinity', waits = 0,"
    " epoch = greatest(r.epoch, i.epoch) + 1 FROM unnest($1::uuid[], $2::uuid[], $3::text[],"
    " $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::timestamptz[],"
    " $11::text[]) AS i (merchant_id, review_id, from_state, epoch, key_id, outcome, reason,"
    " evidence, reversal_id, decided_at, to_state) WHERE r.merchant_id = i.merchant_id"
    " AND r.review_id = i.review_id"},
};
/* clang-format on */

const char *redo_text(enum sql sql)
{
    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        if (changed[i].sql == sql)
            return changed[i].text;
    }
    return sql_text(sql)->text;
}
