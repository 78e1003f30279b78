/*
 * sql.h - every statement that the gateway sends to PostgreSQL, in one table.
 *
 * Statements are prepared once per connection, by name, on the kinds of connection that use them:
 *
 *     WRITER   group commit: one transaction of INSERT ... SELECT FROM unnest(...) statements
 *     READER   reads: repeatable read, read only, one snapshot per Sync
 *     CONTROL  single statements that change few rows: claims, heartbeats, probes, the directory
 *     BULK     what is large or long: batches of payouts, and sums over them
 */
#ifndef LEDGER_SQL_H
#define LEDGER_SQL_H

#include "base/str.h"

enum sql_kind {
    SQL_WRITER = 0,
    SQL_READER,
    SQL_CONTROL,
    SQL_BULK,
    SQL_KIND_COUNT,
};

enum sql {
    SQL_NONE = 0,
    /* a batch, in the order in which it runs */
    SQL_REGISTER,
    SQL_MARK,
    SQL_MARK_DEAD,
    SQL_OPEN,
    SQL_PAYMENTS,
    SQL_ATTEMPTS,
    SQL_SENDS,
    SQL_OUTCOMES,
    SQL_TRANSFERS,
    SQL_EVENTS,
    SQL_BUDGETS,
    SQL_ANSWERS,
    SQL_LIMITS_CREATE,
    SQL_LIMITS_CHANGE,
    SQL_HOLDS,
    SQL_PARENTS,
    SQL_PARK_NEW,
    SQL_PARK_AGAIN,
    SQL_UNPARK,
    SQL_VERDICTS,
    SQL_PROOFS,
    SQL_REVIEWS,
    /* control */
    SQL_PROBE_MARK,
    SQL_PROBE_ASK,
    SQL_CLAIM,
    SQL_CANCEL,
    SQL_ADOPT,
    SQL_ROLL,
    SQL_PAGE,
    SQL_CLOSE_WRITER,
    SQL_REAP_WRITER,
    SQL_REAP_INSTANCE,
    SQL_HEARTBEAT,
    SQL_PUT_MERCHANT,
    SQL_PUT_KEY,
    SQL_PUT_ACCOUNT,
    SQL_DISABLE_MERCHANT,
    SQL_BIND_MERCHANT,
    SQL_LIMIT_MERCHANT,
    SQL_APPROVE_MERCHANT,
    SQL_DISABLE_KEY,
    SQL_DISABLE_ACCOUNT,
    SQL_CALL_MARK,
    SQL_BULK_MARK,
    /* reads */
    SQL_LOAD_PAYMENT,
    SQL_FIND_REFERENCE,
    SQL_LIST,
    SQL_LIST_OPEN,
    SQL_LIST_PAYOUTS,
    SQL_LIST_REFERENCE,
    SQL_LIST_OPERATIONS,
    SQL_LOAD_ATTEMPTS,
    SQL_LOAD_SENDS,
    SQL_LOAD_OUTCOMES,
    SQL_LOAD_KEY,
    SQL_BACKLOG,
    SQL_FIND_KEY,
    SQL_LOAD_KEY_ROW,
    SQL_FIND_KEY_MERCHANT,
    SQL_LOAD_MERCHANT,
    SQL_LOAD_MERCHANT_KEYS,
    SQL_LOAD_MERCHANT_ACCOUNTS,
    SQL_LIST_MERCHANTS,
    SQL_LIST_ACCOUNTS,
    SQL_LIST_OPERATOR_KEYS,
    SQL_VERSION,
    SQL_SCHEMA,
    /* payouts that wait: sql_orders.c */
    SQL_ORDER_FIRST,
    SQL_ORDER_KEY = SQL_ORDER_FIRST,
    SQL_ORDER_HOLDER,
    SQL_ORDER_BATCH,
    SQL_ORDER_ROWS,
    SQL_ORDER_ERRORS,
    SQL_ORDER_ANSWER,
    SQL_ORDER_KEEP,
    SQL_ORDER_CLAIM,
    SQL_ORDER_END,
    SQL_ORDER_FAIL,
    SQL_ORDER_SETTLE,
    SQL_ORDER_BACKLOG,
    SQL_ORDER_APPROVE,
    SQL_ORDER_REJECT,
    SQL_ORDER_CANCEL,
    SQL_BATCH_APPROVE,
    SQL_BATCH_REJECT,
    SQL_BATCH_CANCEL,
    SQL_BATCH_CANCEL_ROWS,
    SQL_ORDER_LOAD,
    SQL_PAYOUT_LIST,
    SQL_PAYOUT_LIST_REFERENCE,
    SQL_PAYOUT_ROWS,
    SQL_PAYOUT_ERRORS,
    SQL_ORDER_NOTES,
    SQL_BATCH_LOAD,
    SQL_BATCH_NOTES,
    SQL_BATCH_COUNTS,
    SQL_BATCH_INVALID,
    SQL_BATCH_LIST,
    SQL_ORDER_END_MARK,
    /* cases that a person must look at: sql_reviews.c */
    SQL_REVIEW_FIRST = SQL_ORDER_END_MARK,
    SQL_REVIEW_LIST = SQL_REVIEW_FIRST,
    SQL_REVIEW_LIST_OPEN,
    SQL_REVIEW_LOAD,
    SQL_REVIEW_COUNT,
    SQL_REVIEW_CLAIM,
    SQL_REVIEW_PUT_BACK,
    SQL_UNRESOLVED_LIST,
    SQL_REVIEW_END_MARK,
    /* events, and who follows them: sql_events.c */
    SQL_EVENT_FIRST = SQL_REVIEW_END_MARK,
    SQL_EVENT_LIST = SQL_EVENT_FIRST,
    SQL_EVENT_LIST_PAYMENT,
    SQL_EVENT_LOAD,
    SQL_EVENT_OF_PAYMENT,
    SQL_FOLLOW_NOW,
    SQL_FOLLOW_BATCHES,
    SQL_FOLLOW_EVENTS,
    SQL_FOLLOW_FILL,
    SQL_EVENT_END_MARK,
    /* webhooks that came in: sql_inbound.c */
    SQL_INBOUND_FIRST = SQL_EVENT_END_MARK,
    SQL_INBOUND_ACCOUNT = SQL_INBOUND_FIRST,
    SQL_INBOUND_STORE,
    SQL_INBOUND_CLAIM,
    SQL_INBOUND_APPLY,
    SQL_INBOUND_FAIL,
    SQL_INBOUND_BACKLOG,
    SQL_INBOUND_END_MARK,
    /* webhooks to merchants: sql_hooks.c */
    SQL_HOOK_FIRST = SQL_INBOUND_END_MARK,
    SQL_HOOK_CLAIM = SQL_HOOK_FIRST,
    SQL_HOOK_END,
    SQL_HOOK_HEALTH,
    SQL_HOOK_SWEEP,
    SQL_HOOK_BACKLOG,
    SQL_HOOK_LIST,
    SQL_HOOK_LIST_SECRETS,
    SQL_HOOK_LOAD,
    SQL_HOOK_LOAD_SECRETS,
    SQL_HOOK_CREATE,
    SQL_HOOK_UPDATE,
    SQL_HOOK_DELETE,
    SQL_HOOK_ROTATE,
    SQL_HOOK_PING,
    SQL_HOOK_DELIVERIES,
    SQL_HOOK_DELIVERY,
    SQL_HOOK_TRIES,
    SQL_HOOK_REPLAY,
    SQL_HOOK_REPLAY_RANGE,
    SQL_HOOK_REPORT,
    SQL_HOOK_END_MARK,
    /* accounts that are held back, what hosts tell each other, service levels: sql_health.c */
    SQL_HEALTH_FIRST = SQL_HOOK_END_MARK,
    SQL_HOLD_ADD = SQL_HEALTH_FIRST,
    SQL_HOLD_END,
    SQL_HOLD_LIST,
    SQL_HOST_PUT,
    SQL_HOST_SWEEP,
    SQL_HOST_LIST,
    SQL_MINUTE_PUT,
    SQL_MINUTE_SWEEP,
    SQL_MINUTE_READ,
    SQL_LEVELS,
    SQL_LEVEL_COSTS,
    SQL_LEVEL_FEES,
    SQL_LEVEL_ROLL,
    SQL_EARNED,
    SQL_PROCESS_MEASURES,
    SQL_PROCESS_STUCK,
    SQL_PROCESS_ROLL,
    SQL_HEALTH_END_MARK,
    /* what fees are computed from (sql_prices.c) */
    SQL_PRICE_FIRST = SQL_HEALTH_END_MARK,
    SQL_PRICE_KEEP = SQL_PRICE_FIRST,
    SQL_PRICE_FIND,
    SQL_VOLUME,
    SQL_PRICE_END_MARK,
    /* rule sets (sql_rules.c) */
    SQL_RULE_FIRST = SQL_PRICE_END_MARK,
    SQL_RULE_PUT = SQL_RULE_FIRST,
    SQL_RULE_FIND,
    SQL_RULE_LOAD,
    SQL_RULE_LIST,
    SQL_RULE_MOVE,
    SQL_RULE_MOVES,
    SQL_RULE_FORCE,
    SQL_RULE_TALLY,
    SQL_RULE_TALLIES,
    SQL_RULE_LOOK,
    SQL_RULE_APPROVAL,
    SQL_RULE_END_MARK,
    /* backtests that were asked for (sql_backtests.c) */
    SQL_BACKTEST_FIRST = SQL_RULE_END_MARK,
    SQL_BACKTEST_PUT = SQL_BACKTEST_FIRST,
    SQL_BACKTEST_LOAD,
    SQL_BACKTEST_DUE,
    SQL_BACKTEST_END_MARK,
    /* the books, as the API shows them (sql_books.c) */
    SQL_BOOK_FIRST = SQL_BACKTEST_END_MARK,
    SQL_BOOK_ACCOUNTS = SQL_BOOK_FIRST,
    SQL_BOOK_TRANSFERS,
    SQL_BOOK_BALANCES,
    SQL_BOOK_STATEMENT,
    SQL_BOOK_END_MARK,
    /* exports that were asked for (sql_exports.c) */
    SQL_EXPORT_FIRST = SQL_BOOK_END_MARK,
    SQL_EXPORT_PUT = SQL_EXPORT_FIRST,
    SQL_EXPORT_LOAD,
    SQL_EXPORT_LIST,
    SQL_EXPORT_END_MARK,
    /* people who use the gateway (sql_people.c) */
    SQL_PEOPLE_FIRST = SQL_EXPORT_END_MARK,
    SQL_SESSION_END = SQL_PEOPLE_FIRST,
    SQL_SESSION_ASK,
    SQL_AUDIT_BEGIN,
    SQL_AUDIT_END,
    SQL_AUDIT_REFUSED,
    SQL_AUDIT_LIST,
    SQL_AUDIT_LIST_MERCHANT,
    SQL_PEOPLE_END_MARK,
    SQL_COUNT = SQL_PEOPLE_END_MARK,
};

struct sql_text {
    enum sql_kind kind;
    const char *name;
    const char *text;
};

const struct sql_text *sql_text(enum sql sql);
const struct sql_text *sql_order_text(enum sql sql);    /* of sql_orders.c; sql_text finds them */
const struct sql_text *sql_review_text(enum sql sql);   /* of sql_reviews.c; likewise */
const struct sql_text *sql_event_text(enum sql sql);    /* of sql_events.c; likewise */
const struct sql_text *sql_inbound_text(enum sql sql);  /* of sql_inbound.c; likewise */
const struct sql_text *sql_hook_text(enum sql sql);     /* of sql_hooks.c; likewise */
const struct sql_text *sql_health_text(enum sql sql);   /* of sql_health.c; likewise */
const struct sql_text *sql_price_text(enum sql sql);    /* of sql_prices.c; likewise */
const struct sql_text *sql_rule_text(enum sql sql);     /* of sql_rules.c; likewise */
const struct sql_text *sql_backtest_text(enum sql sql); /* of sql_backtests.c; likewise */
const struct sql_text *sql_book_text(enum sql sql);     /* of sql_books.c; likewise */
const struct sql_text *sql_export_text(enum sql sql);   /* of sql_exports.c; likewise */
const struct sql_text *sql_people_text(enum sql sql);   /* of sql_people.c; likewise */
/* One SELECT of set_config(...) that every connection of this kind runs first; $1: statement
 * time-out, $2: name. */
const char *sql_settings(enum sql_kind kind);
const char *sql_kind_name(enum sql_kind kind);

/*
 * Events of a CTE "added" (merchant_id, payment_id, number, event_id, type, created_at) are told to the
 * endpoints that want their type, by rows of the same transaction; to one that is disabled they can be
 * told later. '*' is any text.
 */
#define SQL_TELL_HOOKS                                                                             \
    " INSERT INTO hook_deliveries (merchant_id, endpoint_id, event_id, payment_id, created_at,"    \
    " next_at, done_at, epoch, number, tries, round_tries, last_status, state, type, last_error)"  \
    " SELECT a.merchant_id, h.endpoint_id, a.event_id, a.payment_id, a.created_at, a.created_at,"  \
    " CASE WHEN h.disabled_at IS NOT NULL THEN a.created_at END, 0, a.number, 0, 0, 0,"            \
    " CASE WHEN h.disabled_at IS NULL THEN 'waiting' ELSE 'skipped' END, a.type, ''"               \
    " FROM added a CROSS JOIN LATERAL (SELECT e.endpoint_id, e.disabled_at FROM hook_endpoints e"  \
    " WHERE e.merchant_id = a.merchant_id AND e.deleted_at IS NULL AND a.type LIKE ANY"            \
    " (string_to_array(replace(replace(e.event_types, '_', '\\_'), '*', '%'), ' ')) OFFSET 0) h"

#endif
