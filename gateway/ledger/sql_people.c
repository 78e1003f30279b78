/* The statements about people who use the gateway: sessions that were ended (sessions.h), what they did (audit.h). */
#include "ledger/sql.h"

#include "base/error.h"

#define ACT                                                                                        \
    "INSERT INTO audit (audit_id, merchant_id, key_id, session_id, begun_at, unrecorded, role,"    \
    " actor, action, object, address, request, data)"                                              \
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"                             \
    " ON CONFLICT (audit_id) DO NOTHING"

#define ANSWER "INSERT INTO audit_ends (audit_id, ended_at, status, outcome, code, result, state)"

#define ACTS                                                                                       \
    "SELECT a.audit_id, a.merchant_id, a.key_id, a.session_id, a.begun_at, a.unrecorded, a.role,"  \
    " a.actor, a.action, a.object, a.address, a.request, a.data, e.ended_at, e.status, e.outcome," \
    " e.code, e.result, e.state FROM audit a LEFT JOIN audit_ends e ON e.audit_id = a.audit_id"    \
    " WHERE a.audit_id < $1 AND a.audit_id >= $2 AND a.begun_at >= $3 AND a.begun_at < $4"         \
    " AND ($5::text IS NULL OR a.actor = $5) AND ($6::text IS NULL OR a.action = $6)"              \
    " AND ($7::text IS NULL OR a.object = $7 OR e.result = $7)"                                    \
    " AND ($8::text IS NULL OR coalesce(e.outcome, 'unknown') = $8)"

/* clang-format off */
static const struct sql_text texts[SQL_PEOPLE_END_MARK - SQL_PEOPLE_FIRST] = {

[SQL_SESSION_END - SQL_PEOPLE_FIRST] = {SQL_CONTROL, "session_end",
    "WITH swept AS (DELETE FROM ended_sessions WHERE session_id IN (SELECT s.session_id FROM ended_sessions s"
    " WHERE s.expires_at < $4 ORDER BY s.expires_at LIMIT $5::bigint)),"
    " ended AS (INSERT INTO ended_sessions (session_id, ended_at, expires_at) VALUES ($1, $2, $3)"
    " ON CONFLICT (session_id) DO NOTHING) SELECT 1::bigint"},

[SQL_SESSION_ASK - SQL_PEOPLE_FIRST] = {SQL_READER, "session_ask",
    "SELECT count(*)::bigint FROM ended_sessions WHERE session_id = $1"},

[SQL_AUDIT_BEGIN - SQL_PEOPLE_FIRST] = {SQL_CONTROL, "audit_begin",
    "WITH act AS (" ACT ") SELECT 1::bigint"},

[SQL_AUDIT_END - SQL_PEOPLE_FIRST] = {SQL_CONTROL, "audit_end",
    "WITH answer AS (" ANSWER " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (audit_id) DO NOTHING) SELECT 1::bigint"},

[SQL_AUDIT_REFUSED - SQL_PEOPLE_FIRST] = {SQL_CONTROL, "audit_refused",
    "WITH act AS (" ACT "), answer AS (" ANSWER " VALUES ($1, $14, $15, $16, $17, $18, $19)"
    " ON CONFLICT (audit_id) DO NOTHING) SELECT 1::bigint"},

[SQL_AUDIT_LIST - SQL_PEOPLE_FIRST] = {SQL_READER, "audit_list",
    ACTS " ORDER BY a.audit_id DESC LIMIT $9::bigint"},

[SQL_AUDIT_LIST_MERCHANT - SQL_PEOPLE_FIRST] = {SQL_READER, "audit_list_merchant",
    ACTS " AND a.merchant_id = $10 ORDER BY a.audit_id DESC LIMIT $9::bigint"},
};
/* clang-format on */

const struct sql_text *sql_people_text(enum sql sql)
{
    CHECK(sql >= SQL_PEOPLE_FIRST && sql < SQL_PEOPLE_END_MARK);
    return &texts[sql - SQL_PEOPLE_FIRST];
}
