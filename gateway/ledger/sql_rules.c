/* The statements of rule sets: versions, moves and what a canary came to (rules.h). */
#include "ledger/sql.h"

#include "base/error.h"

#define VERSION_COLUMNS "SELECT version, digest, created_at, author, comment"
#define NONE            "'00000000-0000-0000-0000-000000000000'::uuid"
#define TALLY_SUMS      "approved, declined, unknown, fee_count, fee_sum, fee_squares"

/* The last move of these kinds of w.merchant_id: what it says of one arm. */
#define LAST(arm, kinds)                                                                           \
    "(SELECT '" arm "' AS arm, m.number, m.version, m.percent_millionths, m.created_at, m.kind,"   \
    " m.bounds, m.former FROM rule_moves m WHERE m.merchant_id = w.merchant_id AND m.kind IN "     \
    "(" kinds ")"                                                                                  \
    " ORDER BY m.number DESC LIMIT 1)"

/* clang-format off */
static const struct sql_text texts[SQL_RULE_END_MARK - SQL_RULE_FIRST] = {

/* No row: the text is there, or another version took the number. */
[SQL_RULE_PUT - SQL_RULE_FIRST] = {SQL_CONTROL, "rule_put",
    "INSERT INTO rule_versions (merchant_id, version, created_at, digest, author, comment, content)"
    " SELECT $1, (SELECT coalesce(max(version), 0) + 1 FROM rule_versions WHERE merchant_id = $1),"
    " $2, $3, $4, $5, $6 ON CONFLICT DO NOTHING RETURNING version::bigint"},

[SQL_RULE_FIND - SQL_RULE_FIRST] = {SQL_READER, "rule_find",
    VERSION_COLUMNS ", content FROM rule_versions WHERE merchant_id = $1 AND digest = $2"},

[SQL_RULE_LOAD - SQL_RULE_FIRST] = {SQL_READER, "rule_load",
    VERSION_COLUMNS ", content FROM rule_versions WHERE merchant_id = $1 AND version = $2"},

[SQL_RULE_LIST - SQL_RULE_FIRST] = {SQL_READER, "rule_list",
    VERSION_COLUMNS ", '' FROM rule_versions WHERE merchant_id = $1 ORDER BY version DESC"
    " LIMIT $2"},

/* A number that is taken is a conflict: somebody else moved first. $10: who approved it, or ''. */
[SQL_RULE_MOVE - SQL_RULE_FIRST] = {SQL_CONTROL, "rule_move",
    "WITH changed AS (INSERT INTO rule_moves (merchant_id, number, kind, version, former,"
    " percent_millionths, created_at, author, reason, bounds)"
    " SELECT $1::uuid, $2::integer, 'approved', $4::integer, $5::integer, $6::integer,"
    " $7::timestamptz, $10::text, $9::text, $11::text WHERE $10 <> ''"
    " UNION ALL SELECT $1, CASE WHEN $10 = '' THEN $2 ELSE $2 + 1 END, $3::text, $4, $5, $6, $7,"
    " $8::text, $9, $11 RETURNING 1)"
    ", bumped AS (UPDATE directory_version SET version = version + 1"
    " WHERE id = 1 AND (SELECT count(*) FROM changed) > 0) SELECT count(*) FROM changed"},

[SQL_RULE_MOVES - SQL_RULE_FIRST] = {SQL_READER, "rule_moves",
    "SELECT number, kind, coalesce(version, 0), coalesce(former, 0), percent_millionths, created_at,"
    " author, reason, bounds FROM rule_moves WHERE merchant_id = $1 ORDER BY number DESC LIMIT $2"},

[SQL_RULE_FORCE - SQL_RULE_FIRST] = {SQL_READER, "rule_force",
    "SELECT f.merchant_id, f.arm, f.number, f.version, v.digest, f.percent_millionths,"
    " f.created_at, f.bounds, coalesce(f.former, 0) FROM (SELECT w.merchant_id, l.* FROM (SELECT $1::uuid AS merchant_id"
    " UNION SELECT " NONE ") w CROSS JOIN LATERAL ("
    LAST("live", "'published', 'rolled_back'") " UNION ALL "
    LAST("canary", "'canary', 'canary_stopped', 'published', 'rolled_back'") " UNION ALL "
    LAST("shadow", "'shadow', 'shadow_stopped'") ") l"
    " WHERE l.arm = 'live' OR l.kind = l.arm) f"
    " JOIN rule_versions v ON v.merchant_id = f.merchant_id AND v.version = f.version"},

[SQL_RULE_TALLY - SQL_RULE_FIRST] = {SQL_CONTROL, "rule_tally",
    "WITH changed AS (INSERT INTO rule_tallies AS t (merchant_id, number, arm, " TALLY_SUMS ", looks)"
    " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, 0"
    " ON CONFLICT (merchant_id, number, arm) DO UPDATE SET approved = t.approved + excluded.approved,"
    " declined = t.declined + excluded.declined, unknown = t.unknown + excluded.unknown,"
    " fee_count = t.fee_count + excluded.fee_count, fee_sum = t.fee_sum + excluded.fee_sum,"
    " fee_squares = t.fee_squares + excluded.fee_squares RETURNING 1) SELECT count(*) FROM changed"},

[SQL_RULE_TALLIES - SQL_RULE_FIRST] = {SQL_READER, "rule_tallies",
    "SELECT arm, " TALLY_SUMS ", looks FROM rule_tallies WHERE merchant_id = $1 AND number = $2"},

/* Of all who see the same numbers one looks. */
[SQL_RULE_LOOK - SQL_RULE_FIRST] = {SQL_CONTROL, "rule_look",
    "WITH looked AS (UPDATE rule_tallies SET looks = $3 WHERE merchant_id = $1 AND number = $2"
    " AND arm = 'canary' AND looks < $3 RETURNING 1) SELECT count(*) FROM looked"},

[SQL_RULE_APPROVAL - SQL_RULE_FIRST] = {SQL_CONTROL, "rule_approval",
    "WITH changed AS (UPDATE merchants SET rules_approval = $2 WHERE merchant_id = $1 RETURNING 1)"
    ", bumped AS (UPDATE directory_version SET version = version + 1"
    " WHERE id = 1 AND (SELECT count(*) FROM changed) > 0) SELECT count(*) FROM changed"},
};
/* clang-format on */

const struct sql_text *sql_rule_text(enum sql sql)
{
    CHECK(sql >= SQL_RULE_FIRST && sql < SQL_RULE_END_MARK);
    return &texts[sql - SQL_RULE_FIRST];
}
