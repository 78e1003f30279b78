/* redo_texts.h - the statements of redo.c (private to it): which text is run for which of a journal. */
#ifndef LEDGER_REDO_TEXTS_H
#define LEDGER_REDO_TEXTS_H

#include "ledger/sql.h"

/* As it was, but for what a lease or an epoch guarded: it is gone with its holder. */
const char *redo_text(enum sql sql);

#define REDO_IDENTITY                                                                              \
    "SELECT coalesce((SELECT system_identifier::text FROM pg_control_system()), '0') || ' ' ||"    \
    " (SELECT oid::text FROM pg_database WHERE datname = current_database()),"                     \
    " to_regclass('public.writers') IS NOT NULL"
#define REDO_PAYMENT_COUNT "SELECT count(*)::text FROM (SELECT FROM payments LIMIT 1) p"
/* Of batches from $2 up, of calls from $3 down. */
#define REDO_MARKS                                                                                 \
    "SELECT u.batch_no::text, u.is_probe::text FROM (SELECT * FROM batches WHERE writer_id = "     \
    "$1::uuid"                                                                                     \
    " AND batch_no >= $2::bigint UNION ALL SELECT * FROM batches WHERE writer_id = $1::uuid"       \
    " AND batch_no <= $3::bigint) u ORDER BY u.batch_no"
/* Who wrote shortly before the end of this database. */
#define REDO_WRITERS                                                                               \
    "SELECT w.writer_id::text, w.instance_id::text FROM writers w WHERE w.reaped_at IS NULL"       \
    " AND w.heartbeat_at > (SELECT max(heartbeat_at) FROM writers) - interval '10 min'"            \
    " AND EXISTS (SELECT FROM batches b WHERE b.writer_id = w.writer_id)"
#define REDO_LAST_MARK                                                                             \
    "SELECT greatest(max(batch_no), 0)::text FROM batches WHERE writer_id = $1::uuid"
#define REDO_LEFT                                                                                  \
    "SELECT count(*)::text FROM attempts a LEFT JOIN unresolved r ON r.merchant_id = "             \
    "a.merchant_id"                                                                                \
    " AND r.attempt_id = a.attempt_id WHERE a.created_at >= to_timestamp($1::bigint)"              \
    " AND coalesce(r.tries, 0) = 0 AND NOT EXISTS (SELECT FROM outcomes o"                         \
    " WHERE o.merchant_id = a.merchant_id AND o.attempt_id = a.attempt_id"                         \
    " AND o.outcome IN ('approved', 'declined_soft', 'declined_hard', 'failed'))"                  \
    " AND coalesce((SELECT v.status FROM events v WHERE v.merchant_id = a.merchant_id"             \
    " AND v.payment_id = a.payment_id ORDER BY v.number DESC LIMIT 1), '') <> 'review'"
#define REDO_FORCE "SELECT pg_logical_emit_message(true, 'turnpike', 'restore')"

#endif
