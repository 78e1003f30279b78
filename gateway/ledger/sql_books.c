/* The statements of the books, as the API shows them (books.h). What they mean is in the functions that finance's views
 * read by, too (migration 20261123000050). */
#include "ledger/sql.h"

#include "base/error.h"

/* clang-format off */
static const struct sql_text texts[SQL_BOOK_END_MARK - SQL_BOOK_FIRST] = {

/* $2: a kind of accounts; $3: the id before the page; $4: how many. */
[SQL_BOOK_ACCOUNTS - SQL_BOOK_FIRST] = {SQL_READER, "book_accounts",
    "SELECT id, account, currency, number, kind, type, normal, title, debit_minor, credit_minor, pending_debit_minor,"
    " pending_credit_minor FROM ledger_accounts_of($1) WHERE ($2::text IS NULL OR kind = $2)"
    " AND ($3::text IS NULL OR id > $3 COLLATE \"C\") ORDER BY id COLLATE \"C\" LIMIT $4::bigint"},

[SQL_BOOK_TRANSFERS - SQL_BOOK_FIRST] = {SQL_READER, "book_transfers",
    "SELECT transfer_id, payment_id, payment_kind, operation_id, operation_kind, attempt_id, pending_id, created_at,"
    " effective_at, amount_minor, state, kind, debit_account, credit_account, currency"
    " FROM ledger_transfers($1, $2, $3, $4, $5, $6, $7, $8::bigint::integer, $9::bigint::integer)"},

/* $2: NULL: all that is booked, and what is reserved. */
[SQL_BOOK_BALANCES - SQL_BOOK_FIRST] = {SQL_READER, "book_balances",
    "SELECT account, currency, debit_minor, credit_minor, pending_debit_minor, pending_credit_minor"
    " FROM ledger_balances($1, $2::timestamptz, $3::text) ORDER BY account COLLATE \"C\", currency"},

[SQL_BOOK_STATEMENT - SQL_BOOK_FIRST] = {SQL_READER, "book_statement",
    "SELECT s.line, s.booked_at, s.effective_at, s.transfer_id, c.payment_id, c.payment_kind, c.operation_id,"
    " c.operation_kind, s.kind, s.counter_account, s.currency, s.debit_minor, s.credit_minor, s.balance_minor"
    " FROM ledger_statement(ARRAY[$1::uuid], $2::text, $3::timestamptz, $4::timestamptz, $5::bigint::integer, $6::uuid)"
    " WITH ORDINALITY AS s (merchant_id, line, booked_at, effective_at, transfer_id, payment_id, kind, counter_account,"
    " currency, debit, debit_minor, credit, credit_minor, balance, balance_minor, place)"
    " LEFT JOIN LATERAL (SELECT * FROM transfers y WHERE y.merchant_id = $1 AND y.transfer_id = s.transfer_id OFFSET 0) t"
    " ON true LEFT JOIN LATERAL ledger_cause($1, t.payment_id, t.attempt_id) c ON true ORDER BY s.place"},
};
/* clang-format on */

const struct sql_text *sql_book_text(enum sql sql)
{
    CHECK(sql >= SQL_BOOK_FIRST && sql < SQL_BOOK_END_MARK);
    return &texts[sql - SQL_BOOK_FIRST];
}
