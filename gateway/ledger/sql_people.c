/* The statements about people who use the gateway: sessions that were ended (sessions.h). */
#include "ledger/sql.h"

#include "base/error.h"

/* clang-format off */
static const struct sql_text texts[SQL_PEOPLE_END_MARK - SQL_PEOPLE_FIRST] = {

[SQL_SESSION_END - SQL_PEOPLE_FIRST] = {SQL_CONTROL, "session_end",
    "WITH swept AS (DELETE FROM ended_sessions WHERE session_id IN (SELECT s.session_id FROM ended_sessions s"
    " WHERE s.expires_at < $4 ORDER BY s.expires_at LIMIT $5::bigint)),"
    " ended AS (INSERT INTO ended_sessions (session_id, ended_at, expires_at) VALUES ($1, $2, $3)"
    " ON CONFLICT (session_id) DO NOTHING) SELECT 1::bigint"},

[SQL_SESSION_ASK - SQL_PEOPLE_FIRST] = {SQL_READER, "session_ask",
    "SELECT count(*)::bigint FROM ended_sessions WHERE session_id = $1"},
};
/* clang-format on */

const struct sql_text *sql_people_text(enum sql sql)
{
    CHECK(sql >= SQL_PEOPLE_FIRST && sql < SQL_PEOPLE_END_MARK);
    return &texts[sql - SQL_PEOPLE_FIRST];
}
