/* The statements of events: lists, and what followers read (events.h, follow.h). */
#include "ledger/sql.h"

/*
 * A payout that waited is known to its merchant by its order, whose id stands in its payment's key
 * (sql_orders.c).
 */
#define SUBJECT                                                                                    \
    "CASE WHEN p.kind = 'payout' AND left(p.key, 8) = '\302\247payout:'"                           \
    " THEN substring(p.key FROM 9 FOR 36)::uuid ELSE e.payment_id END"

#define EVENT_COLUMNS                                                                              \
    "SELECT e.event_id, " SUBJECT ", e.attempt_id, e.created_at, e.number, e.type, e.status,"      \
    " e.data, p.kind, p.livemode, p.amount_minor, p.currency, p.reference, p.parent_id"

#define ITS_PAYMENT                                                                                \
    " CROSS JOIN LATERAL (SELECT * FROM payments q WHERE q.merchant_id = e.merchant_id"            \
    " AND q.payment_id = e.payment_id OFFSET 0) p"

#define FILTER                                                                                     \
    " e.event_id < $2 AND e.event_id >= $3 AND e.created_at >= $4 AND e.created_at < $5"           \
    " AND ($6::text IS NULL OR e.type = $6)"

/* clang-format off */
static const struct sql_text texts[SQL_EVENT_END_MARK - SQL_EVENT_FIRST] = {
#define AT(sql) [(sql) - SQL_EVENT_FIRST]
AT(SQL_EVENT_LIST) = {SQL_READER, "event_list",
    EVENT_COLUMNS " FROM (SELECT * FROM events e WHERE e.merchant_id = $1 AND" FILTER
    " ORDER BY e.event_id DESC LIMIT $7) e" ITS_PAYMENT " ORDER BY e.event_id DESC"},

/* The payment's own first: their order is that of their numbers. */
AT(SQL_EVENT_LIST_PAYMENT) = {SQL_READER, "event_list_payment",
    EVENT_COLUMNS " FROM (SELECT * FROM (SELECT * FROM events i WHERE i.merchant_id = $1"
    " AND i.payment_id = $8 OFFSET 0) e WHERE" FILTER
    " ORDER BY e.event_id DESC LIMIT $7) e" ITS_PAYMENT " ORDER BY e.event_id DESC"},

AT(SQL_EVENT_LOAD) = {SQL_READER, "event_load",
    EVENT_COLUMNS " FROM (SELECT * FROM events i WHERE i.merchant_id = $1 AND i.event_id = $2"
    " OFFSET 0) e" ITS_PAYMENT},

AT(SQL_EVENT_OF_PAYMENT) = {SQL_READER, "event_of_payment",
    EVENT_COLUMNS " FROM (SELECT * FROM events i WHERE i.merchant_id = $1 AND i.payment_id = $2"
    " OFFSET 0) e" ITS_PAYMENT " ORDER BY e.number"},

AT(SQL_FOLLOW_NOW) = {SQL_READER, "follow_now",
    "SELECT n.last, r.number, b.batch_no FROM writer_numbers n LEFT JOIN LATERAL"
    " (SELECT i.number, i.writer_id FROM writers i WHERE i.number IS NOT NULL"
    " AND (i.reaped_at IS NULL OR i.adopted_at IS NULL)) r ON true"
    " LEFT JOIN LATERAL (SELECT i.batch_no FROM batches i"
    " WHERE i.writer_id = r.writer_id AND i.batch_no > 0"
    " ORDER BY i.batch_no DESC LIMIT $1::bigint) b ON true"
    " WHERE n.id = 1 ORDER BY r.number, b.batch_no"},

/*
 * What was committed beyond a mark: of the writers $2 the batches above $3, of those that registered
 * since all, and what came into the holes $4. Each writer has a row, with or without a batch; there
 * is always a row.
 */
AT(SQL_FOLLOW_BATCHES) = {SQL_READER, "follow_batches",
    "WITH known AS MATERIALIZED (SELECT r.number, r.writer_id, u.high, r.reaped_at, r.adopted_at"
    " FROM unnest($2::integer[], $3::bigint[]) AS u (number, high) CROSS JOIN LATERAL"
    " (SELECT * FROM writers i WHERE i.number = u.number OFFSET 0) r UNION ALL"
    " SELECT r.number, r.writer_id, 0, r.reaped_at, r.adopted_at FROM writers r"
    " WHERE r.number > $1::integer)"
    " SELECT n.last, k.number, k.writer_id, k.reaped_at IS NOT NULL AND k.adopted_at IS NOT NULL,"
    " false, b.batch_no, b.first_event, b.age, b.is_probe FROM writer_numbers n"
    " LEFT JOIN known k ON true LEFT JOIN LATERAL"
    " (SELECT i.batch_no, i.first_event, age(i.xmin) AS age, i.is_probe"
    " FROM batches i WHERE i.writer_id = k.writer_id AND i.batch_no > k.high"
    " ORDER BY i.batch_no LIMIT $7::bigint) b ON true WHERE n.id = 1 UNION ALL"
    " SELECT n.last, r.number, r.writer_id, false, true, b.batch_no, b.first_event, b.age, b.is_probe"
    " FROM writer_numbers n CROSS JOIN unnest($4::integer[], $5::bigint[], $6::bigint[])"
    " AS h (number, least, most)"
    " CROSS JOIN LATERAL (SELECT * FROM writers i WHERE i.number = h.number OFFSET 0) r"
    " CROSS JOIN LATERAL (SELECT i.batch_no, i.first_event, age(i.xmin) AS age, i.is_probe"
    " FROM batches i WHERE i.writer_id = r.writer_id AND i.batch_no BETWEEN h.least AND h.most"
    " OFFSET 0) b WHERE n.id = 1 ORDER BY 5, 2, 6"},

/*
 * In the order in which their transactions began to write: whoever writes a payment's next event has
 * seen the last one committed. IS TRUE keeps the planner from making a join of IN.
 */
AT(SQL_FOLLOW_EVENTS) = {SQL_READER, "follow_events",
    EVENT_COLUMNS ", e.merchant_id, e.writer_id, e.batch_no"
    " FROM (SELECT v.* FROM unnest($1::uuid[]) AS m (merchant_id)"
    " CROSS JOIN LATERAL (SELECT i.*, age(i.xmin) AS age FROM events i"
    " WHERE i.merchant_id = m.merchant_id AND i.event_id >= $2 OFFSET 0) v"
    " WHERE ((v.writer_id, v.batch_no) IN (SELECT b.writer_id, b.batch_no"
    " FROM unnest($3::uuid[], $4::bigint[]) AS b (writer_id, batch_no))) IS TRUE"
    " ORDER BY v.age DESC, v.writer_id, v.batch_no, v.event_id LIMIT $5::bigint) e" ITS_PAYMENT
    " ORDER BY e.age DESC, e.writer_id, e.batch_no, e.event_id"},

/*
 * Numbers that nobody will ever commit any more: now it can be seen (see SQL_PROBE_MARK). Only below
 * what its writer has committed: a position that a client made up must not use up those to come.
 */
AT(SQL_FOLLOW_FILL) = {SQL_CONTROL, "follow_fill",
    "INSERT INTO batches (writer_id, batch_no, is_probe, created_at)"
    " SELECT r.writer_id, u.batch_no, true, $1 FROM unnest($2::integer[], $3::bigint[])"
    " AS u (number, batch_no) CROSS JOIN LATERAL (SELECT * FROM writers i"
    " WHERE i.number = u.number OFFSET 0) r WHERE u.batch_no < (SELECT b.batch_no FROM batches b"
    " WHERE b.writer_id = r.writer_id ORDER BY b.batch_no DESC LIMIT 1)"
    " ORDER BY r.writer_id, u.batch_no ON CONFLICT (writer_id, batch_no) DO NOTHING"},
};
/* clang-format on */

const struct sql_text *sql_event_text(enum sql sql)
{
    CHECK(sql >= SQL_EVENT_FIRST && sql < SQL_EVENT_END_MARK);
    return &texts[sql - SQL_EVENT_FIRST];
}
