/*
 * What finance reads beside the balances: numbers of accounts, the day book, aging, what routes did and cost. Each is
 * compared with the plain question put to the tables.
 */
#include "tests/unit/ledger/fixture.h"

#include <stdio.h>

#define MERCHANT "01900000-0000-7000-8000-000000000001"
#define OTHER    "01900000-0000-7000-8000-000000000002"

static void order(PGconn *conn, const char *sql)
{
    const char *answer = fixture_ask(conn, sql);
    if (*answer == 'E')
        fail_msg("%s: %s", sql, answer);
}

static PGconn *open_books(void)
{
    PGconn *owner = fixture_connect("postgres");
    order(owner, "INSERT INTO merchants VALUES ('" MERCHANT
                 "', NULL, 'm', true, 'DE', false, now()), ('" OTHER
                 "', NULL, 'o', true, 'DE', false, now())");
    order(owner, "INSERT INTO finance_access VALUES ('postgres', '" MERCHANT "')");
    return owner;
}

/* A function of the session that books at an age: how many days ago, and where. */
static void let_book(PGconn *owner)
{
    order(owner, "CREATE FUNCTION pg_temp.book(merchant uuid, age interval, debit text, credit "
                 "text, minor bigint,"
                 " currency text DEFAULT 'EUR') RETURNS void LANGUAGE sql AS $$ INSERT INTO "
                 "transfers (merchant_id,"
                 " transfer_id, payment_id, attempt_id, writer_id, created_at, amount_minor, "
                 "batch_no, state, debit_account,"
                 " credit_account, currency, kind) SELECT merchant, "
                 "overlay(overlay(gen_random_uuid()::text PLACING"
                 " substr(balance_floor(now() - age)::text, 1, 13) FROM 1) PLACING '7' FROM "
                 "15)::uuid, gen_random_uuid(),"
                 " gen_random_uuid(), gen_random_uuid(), now() - age, minor, 1, 'posted', debit, "
                 "credit, currency,"
                 " 'payment' $$");
}

/* Of a balance the newest movements of its side that make it up, one after the other. */
#define PLAIN_AGING                                                                                \
    "SELECT account, currency, sum(part)::bigint AS balance,"                                      \
    " sum(part) FILTER (WHERE age < 2)::bigint, sum(part) FILTER (WHERE age BETWEEN 2 AND "        \
    "7)::bigint,"                                                                                  \
    " sum(part) FILTER (WHERE age BETWEEN 8 AND 30)::bigint,"                                      \
    " sum(part) FILTER (WHERE age BETWEEN 31 AND 90)::bigint, sum(part) FILTER (WHERE age > "      \
    "90)::bigint FROM ("                                                                           \
    "SELECT account, currency, age, sign(owed) * greatest(0, least(minor, abs(owed) - newer)) AS " \
    "part FROM ("                                                                                  \
    "SELECT m.*, coalesce(sum(minor) OVER (PARTITION BY account, currency ORDER BY transfer_id "   \
    "DESC ROWS BETWEEN"                                                                            \
    " UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer FROM ("                                    \
    "SELECT s.account, t.currency, t.transfer_id, t.amount_minor AS minor, s.debit,"               \
    " (now() AT TIME ZONE 'UTC')::date - (created_at AT TIME ZONE 'UTC')::date AS age,"            \
    " sum(CASE WHEN s.debit THEN t.amount_minor ELSE -t.amount_minor END) OVER (PARTITION BY "     \
    "s.account, t.currency)"                                                                       \
    " AS owed FROM transfers t CROSS JOIN LATERAL (VALUES (debit_account, true), "                 \
    "(credit_account, false))"                                                                     \
    " AS s (account, debit) WHERE t.merchant_id = '" MERCHANT                                      \
    "' AND s.account ~ '^(provider|merchant:payable|suspense)') m WHERE debit = (owed >= 0)) n) p" \
    " WHERE part <> 0 GROUP BY account, currency"
#define OUR_AGING                                                                                  \
    "SELECT account, currency, balance_minor, nullif(days_0_1_minor, 0), nullif(days_2_7_minor, "  \
    "0),"                                                                                          \
    " nullif(days_8_30_minor, 0), nullif(days_31_90_minor, 0), nullif(days_over_90_minor, 0) "     \
    "FROM finance.aging"
#define DIFFERENCE(a, b) "((" a " EXCEPT " b ") UNION ALL (" b " EXCEPT " a "))"

static void aging_takes_off_what_is_oldest(void **state)
{
    (void)state;
    PGconn *owner = open_books();
    let_book(owner);
    for (int round = 0; round < 12; round++) {
        order(owner,
              "SELECT pg_temp.book(CASE WHEN random() < 0.9 THEN '" MERCHANT "' ELSE '" OTHER
              "' END::uuid, random() * CASE WHEN random() < 0.5 THEN 9 ELSE 120 END * interval '1 "
              "day',"
              " (ARRAY['" FIXTURE_PENDING
              "', 'suspense', 'merchant:payable', 'merchant:refunds'])[n % 4 + 1],"
              " (ARRAY['merchant:sales', '" FIXTURE_PENDING "', 'bank:main'])[n % 3 + 1],"
              " (random() * 1000)::bigint + 1, (ARRAY['EUR', 'JPY'])[n % 2 + 1])"
              " FROM generate_series(1, 40) n WHERE n % 12 <> 4"); /* never from and to the same */
        long off =
            fixture_count(owner, "SELECT count(*) FROM " DIFFERENCE(PLAIN_AGING, OUR_AGING) " d");
        if (off != 0)
            fail_msg("round %d: %ld accounts are not as old as their movements", round, off);
    }
    assert_true(fixture_count(
                    owner, "SELECT count(*) FROM finance.aging WHERE days_over_90_minor <> 0") > 0);
    assert_true(fixture_count(owner, "SELECT count(*) FROM finance.aging WHERE balance_minor < 0") >
                0);
    assert_int_equal(fixture_count(owner, "SELECT count(*) FROM finance.aging('-infinity')"), 0);
    assert_int_equal(fixture_count(owner, "SELECT count(*) FROM " DIFFERENCE(
                                              "SELECT * FROM finance.aging",
                                              "SELECT * FROM finance.aging('infinity')") " d"),
                     0);
    PQfinish(owner);
}

static void a_day_book_has_each_day_once(void **state)
{
    (void)state;
    PGconn *owner = open_books();
    let_book(owner);
    order(owner, "SELECT pg_temp.book('" MERCHANT "', n * interval '2 hours', '" FIXTURE_PENDING
                 "', 'merchant:sales', n) FROM generate_series(1, 101) n");
    order(owner, "SELECT pg_temp.book('" OTHER "', n * interval '2 hours', '" FIXTURE_PENDING
                 "', 'merchant:sales', n) FROM generate_series(1, 100) n");
    order(owner, "UPDATE transfers SET state = 'pending' WHERE amount_minor = 50");
    assert_int_equal(fixture_count(owner, "SELECT count(*) FROM finance.day_book"), 100);
    assert_int_equal(
        fixture_count(owner, "SELECT count(*) FROM (SELECT day FROM finance.day_book GROUP BY 1) d"
                             " CROSS JOIN LATERAL finance.day_book(d.day)"),
        100);
    assert_int_equal(
        fixture_count(
            owner,
            "SELECT count(*) FROM (SELECT day, transfer_id, row_number() OVER (PARTITION BY day"
            " ORDER BY transfer_id) AS number FROM finance.day_book) v JOIN LATERAL"
            " finance.day_book(v.day) b USING (transfer_id, number)"),
        100);
    assert_int_equal(
        fixture_count(owner, "SELECT count(*) FROM finance.day_book(current_date, '" OTHER "')"),
        0);
    PQfinish(owner);
}

#define PLAIN_DAYS                                                                                 \
    "SELECT booking_date, account, currency, debit, credit, sum(debit - credit) OVER (PARTITION "  \
    "BY account, currency ORDER BY booking_date) FROM (SELECT (t.created_at AT TIME ZONE "         \
    "'UTC')::date AS booking_date, s.account, t.currency, coalesce(sum(t.amount_minor) FILTER "    \
    "(WHERE s.debit), 0) AS debit, coalesce(sum(t.amount_minor) FILTER (WHERE NOT s.debit), 0) "   \
    "AS "                                                                                          \
    "credit FROM transfers t CROSS JOIN LATERAL (VALUES (debit_account, true), (credit_account, "  \
    "false)) AS s (account, debit) WHERE t.merchant_id = '" MERCHANT "' AND t.state = 'posted' "   \
    "GROUP BY 1, 2, 3) d"
#define OUR_DAYS                                                                                   \
    "SELECT booking_date, account, currency, debit_minor, credit_minor, balance_minor FROM "       \
    "finance.balances_per_day"

static void a_day_is_what_was_booked_on_it_and_what_it_ended_with(void **state)
{
    (void)state;
    PGconn *owner = open_books();
    let_book(owner);
    assert_int_equal(fixture_count(owner, "SELECT count(*) FROM finance.balances_per_day"), 0);
    order(owner, "SELECT pg_temp.book((ARRAY['" MERCHANT "', '" OTHER "'])[n % 2 + 1]::uuid,"
                 " (n - 2) * (n - 2) * interval '17 minutes', (ARRAY['" FIXTURE_PENDING
                 "', 'suspense', 'merchant:payable'])[n % 3 + 1], 'merchant:sales', n,"
                 " (ARRAY['EUR', 'JPY'])[n % 5 / 4 + 1]) FROM generate_series(1, 120) n");
    order(owner, "UPDATE transfers SET state = 'pending' WHERE amount_minor IN (51, 61)");
    for (int round = 0; round < 3; round++) {
        long off =
            fixture_count(owner, "SELECT count(*) FROM " DIFFERENCE(PLAIN_DAYS, OUR_DAYS) " d");
        if (off != 0)
            fail_msg("round %d: %ld days are not what was booked on them", round, off);
        order(owner, "SELECT roll_balances(32, 40000)");
        order(owner, "UPDATE balance_marks SET rolled_at = rolled_at - interval '1 hour',"
                     " rolled_xid = pg_current_xact_id()");
        order(owner, "SELECT page_balances(32, 100, 3)"); /* ends in the middle of days */
    }
    assert_true(fixture_count(owner, "SELECT count(*) FROM balance_pages") > 30);
    assert_true(fixture_count(owner, "SELECT count(*) FROM finance.balances_per_day WHERE "
                                     "booking_date = current_date - 1") > 0);
    assert_int_equal(
        fixture_count(owner, "SELECT count(*) FROM finance.sums_of_day('" OTHER "', current_date)"),
        0);
    assert_true(fixture_count(owner, "SELECT count(*) FROM finance.sums_of_day('" MERCHANT
                                     "', current_date)") > 0);
    PQfinish(owner);
}

static void an_account_keeps_its_number(void **state)
{
    (void)state;
    PGconn *owner = open_books();
    PGconn *gateway = fixture_connect("turnpike_gateway");
    let_book(owner);
    static const char *const settle = "DO $$ BEGIN FOR i IN 1..3 LOOP UPDATE balance_marks SET "
                                      "rolled_at = rolled_at - interval '1 hour',"
                                      " rolled_xid = pg_current_xact_id(); COMMIT; PERFORM "
                                      "roll_balances(8, 100000); COMMIT; END LOOP; END $$";
    static const char *const all =
        "SELECT string_agg(account || '=' || account_number, ' ' ORDER BY account_number)"
        " FROM (SELECT DISTINCT account, account_number FROM finance.accounts) a";
    order(owner, "SELECT pg_temp.book('" MERCHANT "', interval '1 day', 'bank:b', 'user:z', 5)");
    order(owner,
          "SELECT pg_temp.book('" MERCHANT "', interval '1 day', 'bank:b', 'user:z', 5, 'JPY')");
    order(owner, "SELECT pg_temp.book('" OTHER "', interval '1 day', 'bank:a', 'user:z', 5)");
    assert_int_equal(
        fixture_count(owner,
                      "SELECT count(*) FROM finance.accounts WHERE account_number IS NOT NULL"),
        0);
    order(owner, settle);
    assert_int_equal(fixture_count(gateway, "SELECT number_accounts(8)"), 0);
    assert_string_equal(fixture_ask(owner, all), "bank:b=14000001 user:z=90000001");
    order(owner, "SELECT pg_temp.book('" MERCHANT
                 "', interval '0', 'bank:' || n, 'user:z', 5) FROM (VALUES ('a'), ('c')) v (n)");
    order(owner, settle);
    assert_int_equal(fixture_count(gateway, "SELECT number_accounts(8)"), 0);
    static const char *const now =
        "bank:b=14000001 bank:a=14000002 bank:c=14000003 user:z=90000001";
    assert_string_equal(fixture_ask(owner, all), now);
    /* Counted from the beginning: the same numbers. */
    order(owner, "DELETE FROM balance_snapshots");
    order(owner, "DELETE FROM balance_marks");
    order(owner, settle);
    order(owner, settle);
    assert_int_equal(fixture_count(gateway, "SELECT number_accounts(8)"), 0);
    assert_string_equal(fixture_ask(owner, all), now);
    assert_int_equal(
        fixture_count(owner, "SELECT count(*) FROM balance_snapshots WHERE number IS NULL"), 0);
    /* One that is rolled up by another at the moment is left alone, and nobody waits. */
    order(owner, "SELECT pg_temp.book('" MERCHANT "', interval '0', 'bank:d', 'user:z', 5)");
    order(owner, settle);
    order(owner, "BEGIN");
    order(owner, "SELECT 1 FROM balance_marks WHERE merchant_id = '" MERCHANT "' FOR UPDATE");
    assert_int_equal(fixture_count(gateway, "SELECT number_accounts(8)"), 0);
    order(owner, "COMMIT");
    assert_string_equal(fixture_ask(owner, all), now);
    assert_int_equal(fixture_count(gateway, "SELECT number_accounts(8)"), 0);
    assert_int_equal(
        fixture_count(owner,
                      "SELECT account_number FROM finance.accounts WHERE account = 'bank:d'"),
        14000004);
    PQfinish(gateway);
    PQfinish(owner);
}

static void a_route_is_the_rule_and_the_account(void **state)
{
    (void)state;
    PGconn *owner = open_books();
    order(owner,
          "CREATE FUNCTION pg_temp.try(payment int, number int, rule text, provider text, outcome "
          "text, fee bigint, foreseen bigint,"
          " merchant uuid DEFAULT '" MERCHANT
          "') RETURNS void LANGUAGE plpgsql AS $$ DECLARE p uuid :="
          " ('01900000-0000-7000-8000-' || lpad(payment::text, 12, '0'))::uuid; a uuid := "
          "overlay(overlay(gen_random_uuid()::text"
          " PLACING substr(balance_floor(now())::text, 1, 13) FROM 1) PLACING '7' FROM 15)::uuid; "
          "BEGIN"
          " INSERT INTO payments (merchant_id, payment_id, writer_id, created_at, amount_minor, "
          "batch_no, try_number, kind, method_type,"
          " currency, livemode, reference, country, capture_automatic, key) VALUES (merchant, p, "
          "p, now(), 1000, 1, 1, 'payment', 'card', 'EUR', true, p::text, '', true, 'k')"
          " ON CONFLICT DO NOTHING;"
          " INSERT INTO attempts (merchant_id, payment_id, attempt_id, account_id, writer_id, "
          "created_at, amount_minor, expected_fee_minor,"
          " batch_no, number, operation, provider, currency, decision, token_hash) VALUES "
          "(merchant, p, a, md5(provider)::uuid, p, now(), 1000, foreseen, 1,"
          " number, 'sale', provider, 'EUR', CASE WHEN rule <> '' THEN json_build_object('rule', "
          "rule, 'rule_set', 'ff') END, '');"
          " IF outcome <> '' THEN INSERT INTO outcomes (merchant_id, attempt_id, created_at, "
          "fee_minor, elapsed_us, number, send_number, http_status, send_left, outcome,"
          " code, reason, reference, facts, debug_id) VALUES (merchant, a, now(), fee, 1, 1, 1, "
          "200, true, outcome, '', '', '', '', ''); END IF; END $$");
    order(owner, "SELECT pg_temp.try(1, 1, 'cheap', 'paypal', 'approved', 30, 99), pg_temp.try(2, "
                 "1, 'cheap', 'paypal', 'declined_soft', NULL, 20),"
                 " pg_temp.try(2, 2, '', 'payoneer', 'approved', NULL, 45), pg_temp.try(3, 1, "
                 "'cheap', 'paypal', '', NULL, 20),"
                 " pg_temp.try(4, 1, 'cheap', 'paypal', 'failed', NULL, 20), pg_temp.try(5, 1, "
                 "'big', 'paypal', 'unknown', NULL, 20)");
    order(owner, "SELECT pg_temp.try(6, 1, 'cheap', 'paypal', 'approved', 77, 77, '" OTHER "')");
    assert_string_equal(
        fixture_ask(owner, "SELECT string_agg(concat_ws(',', rule, provider, attempts, approved, "
                           "declined, failed, open, success_rate,"
                           " amount_approved, fee, fee_per_approved, fee_basis_points), ' ' ORDER "
                           "BY rule, provider)"
                           " FROM finance.success_and_cost_by_route"),
        "big,paypal,1,0,0,0,1,0.00,0.00 cheap,payoneer,1,1,0,0,0,1.0000,10.00,0.45,0.4500,450.00"
        " cheap,paypal,4,1,1,1,1,0.3333,10.00,0.30,0.3000,300.00");
    assert_int_equal(
        fixture_count(owner, "SELECT count(*) FROM finance.success_and_cost_by_route('-infinity', "
                             "now() - interval '1 hour')"),
        0);
    /* Each day's fees are those of its transfers. */
    order(owner, "INSERT INTO transfers (merchant_id, transfer_id, payment_id, attempt_id, "
                 "writer_id, created_at, amount_minor, batch_no,"
                 " state, debit_account, credit_account, currency, kind) SELECT merchant_id, "
                 "overlay(overlay(gen_random_uuid()::text PLACING"
                 " substr(balance_floor(now() - n * interval '7 hours')::text, 1, 13) FROM 1) "
                 "PLACING '7' FROM 15)::uuid, payment_id,"
                 " attempt_id, payment_id, now(), 10 + n, 1, 'posted', 'fees:payment', 'suspense', "
                 "'EUR', 'fee' FROM attempts,"
                 " generate_series(0, 40) n");
    static const char *const off = "SELECT count(*) FROM " DIFFERENCE(
        "SELECT date, provider, fee_booked_minor FROM finance.fees_by_provider",
        "SELECT (ledger_moment(transfer_id) AT TIME ZONE 'UTC')::date, provider, "
        "sum(t.amount_minor) FROM transfers t"
        " JOIN attempts USING (merchant_id, attempt_id) WHERE merchant_id = '" MERCHANT
        "' GROUP BY 1, 2") " d";
    assert_int_equal(fixture_count(owner, off), 0);
    assert_int_equal(
        fixture_count(owner,
                      "SELECT count(DISTINCT date) FROM finance.fees_by_provider WHERE date >"
                      " (now() AT TIME ZONE 'UTC')::date - 5"),
        5);
    PQfinish(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(aging_takes_off_what_is_oldest, fixture_new_database),
        cmocka_unit_test_setup(a_day_is_what_was_booked_on_it_and_what_it_ended_with,
                               fixture_new_database),
        cmocka_unit_test_setup(a_day_book_has_each_day_once, fixture_new_database),
        cmocka_unit_test_setup(an_account_keeps_its_number, fixture_new_database),
        cmocka_unit_test_setup(a_route_is_the_rule_and_the_account, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
