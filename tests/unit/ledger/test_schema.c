/* Migrations, who may do what, what finance sees, and the rules of the catalog. */
#include "tests/unit/ledger/fixture.h"

#include <sys/stat.h>

#include "base/money.h"

/* ---- migrations
 * ---------------------------------------------------------------------------------- */

static char folder[64];

static void put_file(const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void new_folder(void)
{
    (void)snprintf(folder, sizeof(folder), "%s-XXXXXX", fixture_dir);
    assert_non_null(mkdtemp(folder));
}

static void drop_folder(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static const char *empty_database(void)
{
    (void)fixture_new_database(NULL);
    PGconn *conn = fixture_connect("postgres");
    (void)fixture_ask(conn, "DROP SCHEMA public CASCADE");
    (void)fixture_ask(conn, "DROP SCHEMA finance CASCADE");
    (void)fixture_ask(conn, "CREATE SCHEMA public");
    PQfinish(conn);
    return fixture_conninfo("postgres", fixture_database);
}

static void migrations_go_up_from_empty_and_then_do_nothing(void **state)
{
    (void)state;
    const char *conninfo = empty_database();
    struct error err;
    unsigned said = 0;
    unsigned pending;
    assert_true(migrate_status(conninfo, "migrations", fixture_say, NULL, &pending, &err));
    assert_true(pending >= 4);
    assert_true(migrate_up(conninfo, "migrations", fixture_say, &said, &err));
    assert_int_equal(said, pending);
    assert_true(migrate_up(conninfo, "migrations", fixture_say, &said, &err));
    assert_int_equal(said, pending);
    assert_true(migrate_status(conninfo, "migrations", fixture_say, NULL, &pending, &err));
    assert_int_equal(pending, 0);
}

static void a_run_that_fails_half_way_is_repeated_safely(void **state)
{
    (void)state;
    const char *conninfo = empty_database();
    struct error err;
    new_folder();
    put_file("20260101000001_one.sql", "-- migrate:up\nCREATE TABLE one (a int);\n"
                                       "-- migrate:down\nDROP TABLE one;\n");
    put_file("20260101000002_two.sql", "-- migrate:up\nCREATE TABLE two (a int);\n"
                                       "SELECT 1 / 0;\n-- migrate:down\nDROP TABLE two;\n");
    put_file("README", "not a migration");
    unsigned said = 0;
    assert_false(migrate_up(conninfo, folder, fixture_say, &said, &err));
    assert_non_null(strstr(err.text, "20260101000002_two.sql"));
    assert_int_equal(said, 1);
    PGconn *conn = fixture_connect("postgres");
    assert_string_equal(fixture_ask(conn, "SELECT to_regclass('two') IS NULL"), "t");
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM schema_migrations"), 1);
    put_file("20260101000002_two.sql", "-- migrate:up\nCREATE TABLE two (a int);\n");
    assert_true(migrate_up(conninfo, folder, fixture_say, &said, &err));
    assert_int_equal(said, 2);
    /* Outside a transaction, as CREATE INDEX CONCURRENTLY demands. */
    put_file("20260101000003_three.sql", "-- migrate:up transaction:false\n"
                                         "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON two (a);\n");
    assert_true(migrate_up(conninfo, folder, fixture_say, &said, &err));
    char version[MIGRATE_VERSION_SIZE];
    assert_true(migrate_newest(folder, version, &err));
    assert_string_equal(version, "20260101000003");
    PQfinish(conn);
    drop_folder();
}

static void two_runs_at_once_do_not_meet(void **state)
{
    (void)state;
    const char *conninfo = empty_database();
    struct error err;
    PGconn *other = fixture_connect("postgres");
    (void)fixture_ask(other, "SELECT pg_advisory_lock(8391171938456364901)");
    int64_t started_us = clock_mono_us();
    assert_false(migrate_up(conninfo, "migrations", fixture_say, NULL, &err));
    assert_true(clock_mono_us() - started_us < 20 * CLOCK_SECOND_US);
    assert_non_null(strstr(err.text, "another migration"));
    PQfinish(other);
    assert_true(migrate_up(conninfo, "migrations", fixture_say, NULL, &err));
}

static void bad_folders_and_files_are_named(void **state)
{
    (void)state;
    const char *conninfo = empty_database();
    struct error err;
    char version[MIGRATE_VERSION_SIZE];
    assert_false(migrate_newest("/nowhere", version, &err));
    assert_non_null(strstr(err.text, "/nowhere"));
    new_folder();
    assert_false(migrate_up(conninfo, folder, fixture_say, NULL, &err));
    put_file("20260101000001_one.sql", "CREATE TABLE one (a int);\n");
    assert_false(migrate_up(conninfo, folder, fixture_say, NULL, &err));
    assert_non_null(strstr(err.text, "migrate:up"));
    put_file("20260101000001_again.sql", "-- migrate:up\n");
    assert_false(migrate_up(conninfo, folder, fixture_say, NULL, &err));
    assert_non_null(strstr(err.text, "same version"));
    assert_false(migrate_up("host=/nowhere", "migrations", fixture_say, NULL, &err));
    assert_non_null(strstr(err.text, "cannot connect"));
    drop_folder();
}

static void ready_knows_whether_the_schema_is_current(void **state)
{
    (void)state;
    struct fixture f;
    struct error err;
    char version[MIGRATE_VERSION_SIZE];
    fixture_open(&f);
    assert_true(migrate_newest("migrations", version, &err));
    for (int i = 0; i < 2; i++) {
        struct number number = {.f = &f};
        f.waiting_for++;
        migrate_check_start(f.store, i == 0 ? version : "29990101000000", number_done, &number);
        fixture_wait(&f);
        assert_int_equal(number.found, i == 0 ? STORE_FOUND : STORE_ABSENT);
    }
    fixture_close(&f);
}

/* ---- the catalog and the grants
 * -------------------------------------------------------------------- */

static void the_catalog_keeps_the_rules(void **state)
{
    (void)state;
    char sql[16384] = "";
    FILE *file = fopen("tests/lint/catalog.sql", "r");
    assert_non_null(file);
    size_t len = fread(sql, 1, sizeof(sql) - 1, file);
    (void)fclose(file);
    assert_true(len > 0 && len < sizeof(sql) - 1);
    PGconn *conn = fixture_connect("postgres");
    assert_string_equal(fixture_ask(conn, sql), "");
    /* And it sees what breaks them. */
    static const char *const breaches[] = {
        "CREATE TABLE t (a int PRIMARY KEY)",
        "CREATE INDEX i ON payments (created_at)",
        "CREATE TYPE mood AS ENUM ('ok')",
        "CREATE SEQUENCE s",
        "GRANT UPDATE ON payments TO turnpike_gateway",
        "GRANT UPDATE (amount_minor) ON transfers TO turnpike_gateway",
        "GRANT SELECT ON payments TO turnpike_finance",
        "ALTER TABLE payments ADD COLUMN fee numeric",
        "CREATE VIEW finance.leak AS SELECT 1 AS a",
        "ALTER TABLE attempts ADD UNIQUE (attempt_id)",
    };
    for (size_t i = 0; i < ARRAY_LEN(breaches); i++) {
        (void)fixture_ask(conn, "BEGIN");
        assert_string_equal(fixture_ask(conn, breaches[i]), "");
        assert_string_not_equal(fixture_ask(conn, sql), "");
        (void)fixture_ask(conn, "ROLLBACK");
    }
    PQfinish(conn);
}

static void the_gateway_can_only_append(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    struct uuid merchant_id = uuid_new();
    struct rows r;
    rows_open(&r, &merchant_id);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    static const char *const appended[] = {
        "payments", "attempts", "sends",   "outcomes",        "transfers",
        "events",   "answers",  "batches", "payment_answers", "idempotency",
    };
    PGconn *conn = fixture_connect("turnpike_gateway");
    for (size_t i = 0; i < ARRAY_LEN(appended); i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql), "DELETE FROM %s", appended[i]);
        assert_string_equal(fixture_ask(conn, sql), "ERROR 42501");
        (void)snprintf(sql, sizeof(sql), "TRUNCATE %s", appended[i]);
        assert_string_equal(fixture_ask(conn, sql), "ERROR 42501");
        (void)snprintf(sql, sizeof(sql), "ALTER TABLE %s ADD COLUMN x int", appended[i]);
        assert_string_equal(fixture_ask(conn, sql), "ERROR 42501");
    }
    assert_string_equal(fixture_ask(conn, "UPDATE payments SET amount_minor = 1"), "ERROR 42501");
    assert_string_equal(fixture_ask(conn, "UPDATE transfers SET amount_minor = 1"), "ERROR 42501");
    assert_string_equal(fixture_ask(conn, "UPDATE sends SET step = ''"), "ERROR 42501");
    assert_string_equal(fixture_ask(conn, "SET session_replication_role = replica"), "ERROR 42501");
    assert_string_equal(fixture_ask(conn, "INSERT INTO finance_access VALUES ('x', NULL)"),
                        "ERROR 42501");
    assert_string_equal(fixture_ask(conn, "CREATE TABLE mine (a int)"), "ERROR 42501");
    /* What may change: the erasable and the secret. */
    assert_string_equal(fixture_ask(conn, "UPDATE sends SET body_sealed = NULL"), "");
    assert_string_equal(
        fixture_ask(conn, "UPDATE payments SET customer = NULL, metadata = NULL, routing = NULL,"
                          " tokens_sealed = NULL"),
        "");
    PQfinish(conn);
    fixture_close(&f);
}

/* ---- finance
 * ---------------------------------------------------------------------------------------- */

static void add_merchant(PGconn *conn, const struct uuid *merchant_id, const char *login)
{
    char text[UUID_TEXT_SIZE];
    char sql[256];
    (void)uuid_format(merchant_id, text);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO merchants VALUES ('%s', NULL, 'm', true, 'DE', false, now())",
                   text);
    assert_string_equal(fixture_ask(conn, sql), "");
    (void)snprintf(sql, sizeof(sql), "INSERT INTO finance_access VALUES ('%s', '%s')", login, text);
    assert_string_equal(fixture_ask(conn, sql), "");
}

static void assert_figures(PGconn *fin)
{
    /* What did we pay in fees today, by provider? */
    assert_string_equal(
        fixture_ask(fin,
                    "SELECT concat_ws(' ', provider, currency, payments, gross, gross_minor,"
                    " fee_expected, fee_booked, fee_booked_minor) FROM finance.fees_by_provider"
                    " WHERE date = (now() AT TIME ZONE 'UTC')::date"),
        "paypal EUR 3 32.97 3297 2.64 2.64 264");
    assert_string_equal(fixture_ask(fin, "SELECT sum(debit_minor) - sum(credit_minor) FROM"
                                         " finance.trial_balance"),
                        "0");
    assert_string_equal(fixture_ask(fin, "SELECT concat_ws(' ', status, amount, attempts) FROM"
                                         " finance.payments LIMIT 1"),
                        "succeeded 10.99 1");
}

static void finance_sees_its_merchant_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    PGconn *owner = fixture_connect("postgres");
    struct uuid mine = uuid_new();
    struct uuid other = uuid_new();
    (void)fixture_ask(owner, "CREATE ROLE fin LOGIN IN ROLE turnpike_finance");
    add_merchant(owner, &mine, "fin");
    add_merchant(owner, &other, "somebody");
    struct rows r;
    for (int i = 0; i < 5; i++) {
        rows_open(&r, i < 3 ? &mine : &other);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
        rows_to_close(&r);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    PGconn *fin = fixture_connect("fin");
    static const struct {
        const char *view;
        long count;
    } views[] = {
        {"payments", 3},      {"payouts", 0},          {"attempts", 3},         {"transfers", 6},
        {"trial_balance", 3}, {"balances_per_day", 3}, {"fees_by_provider", 1},
    };
    static const char *const tables[] = {
        "payments",        "attempts",       "sends",     "outcomes",   "transfers",
        "events",          "api_keys",       "merchants", "accounts",   "answers",
        "payment_answers", "finance_access", "writers",   "currencies",
    };
    char sql[256];
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM finance.%s", views[i].view);
        assert_int_equal(fixture_count(fin, sql), views[i].count);
        (void)snprintf(sql, sizeof(sql), "DELETE FROM finance.%s", views[i].view);
        assert_true(*fixture_ask(fin, sql) == 'E');
    }
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        (void)snprintf(sql, sizeof(sql), "SELECT * FROM public.%s", tables[i]);
        assert_string_equal(fixture_ask(fin, sql), "ERROR 42501");
    }
    /* A leaky function in a query does not get to see foreign rows; a variable changes nothing. */
    assert_string_equal(fixture_ask(fin, "SET ROLE turnpike_finance"), "");
    assert_int_equal(fixture_count(fin, "SELECT count(*) FROM finance.payments"), 3);
    (void)fixture_ask(fin, "RESET ROLE");
    assert_string_equal(fixture_ask(fin, "SET SESSION AUTHORIZATION postgres"), "ERROR 42501");
    assert_string_equal(fixture_ask(fin, "SELECT count(*) FROM finance.payments"
                                         " WHERE 1 / (CASE WHEN merchant_id IN (SELECT merchant_id"
                                         " FROM finance.payments) THEN 1 ELSE 0 END) = 1"),
                        "3");
    assert_figures(fin);
    PQfinish(fin);
    fixture_close(&f);
    (void)fixture_ask(owner, "DROP ROLE fin");
    PQfinish(owner);
}

/* One of each kind: two views, one journal, one table of fees. */
static void finance_tells_payouts_from_payments(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    PGconn *owner = fixture_connect("postgres");
    struct uuid mine = uuid_new();
    add_merchant(owner, &mine, "postgres");
    struct rows r;
    char shown[ID_TEXT_SIZE];
    char want[64];
    for (int i = 0; i < 2; i++) {
        rows_open(&r, &mine);
        r.payment.is_payout = i == 1;
        r.attempt.operation = i == 1 ? OPERATION_PAYOUT : OPERATION_SALE;
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
        rows_to_close(&r);
        if (i == 1) { /* as posting.c posts them */
            r.events[0].status = PAYMENT_UNCLAIMED;
            r.transfers[0].debit_account = STR("merchant:payouts");
            r.transfers[0].credit_account = STR(FIXTURE_PENDING);
            r.transfers[0].kind = STR("payout");
            r.txn.limits = NULL;
        }
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    (void)id_format(ID_PAYOUT, &r.payment.payment_id, shown);
    (void)snprintf(want, sizeof(want), "%s unclaimed 10.99 DE", shown);
    assert_string_equal(fixture_ask(owner, "SELECT concat_ws(' ', payout, status, amount, country)"
                                           " FROM finance.payouts"),
                        want);
    assert_int_equal(fixture_count(owner, "SELECT count(*) FROM finance.payments"), 1);
    assert_string_equal(fixture_ask(owner, "SELECT string_agg(left(payment, 4), ' ' ORDER BY"
                                           " payment) FROM finance.attempts"),
                        "pay_ pyt_");
    assert_string_equal(fixture_ask(owner, "SELECT string_agg(DISTINCT left(payment, 4) || kind,"
                                           " ' ') FROM finance.transfers"),
                        "pay_fee pay_payment pyt_fee pyt_payout");
    assert_string_equal(fixture_ask(owner,
                                    "SELECT concat_ws(' ', payments, gross, payouts, paid_out,"
                                    " fee_expected, fee_booked) FROM finance.fees_by_provider"),
                        "1 10.99 1 10.99 1.76 1.76");
    assert_string_equal(fixture_ask(owner, "SELECT balance_minor FROM finance.trial_balance"
                                           " WHERE account LIKE '%:pending'"),
                        "-176");
    PQfinish(owner);
    fixture_close(&f);
}

static void pending_transfers_are_open_until_posted_or_voided(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    PGconn *owner = fixture_connect("postgres");
    struct uuid mine = uuid_new();
    add_merchant(owner, &mine, "postgres");
    struct rows r;
    rows_open(&r, &mine);
    assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    rows_close(&r);
    struct store_txn txn = {.name = "t", .transfers = r.transfers, .transfer_count = 1};
    static const char *const open_sql =
        "SELECT concat(pending_debit_minor, ' ', debit_minor) FROM finance.trial_balance"
        " WHERE account LIKE '%:pending'";
    r.transfers[0].state = TRANSFER_PENDING;
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    assert_string_equal(fixture_ask(owner, open_sql), "1099 0");
    r.transfers[0].pending_id = r.transfers[0].transfer_id;
    r.transfers[0].transfer_id = uuid_new();
    r.transfers[0].state = TRANSFER_POSTED;
    assert_int_equal(write_now(&f, &txn), STORE_COMMITTED);
    assert_string_equal(fixture_ask(owner, open_sql), "0 1099");
    /* Once only. */
    r.transfers[0].transfer_id = uuid_new();
    r.transfers[0].state = TRANSFER_VOIDED;
    assert_int_equal(write_now(&f, &txn), STORE_FENCED);
    r.transfers[0].pending_id = (struct uuid){{0}};
    assert_int_equal(write_now(&f, &txn), STORE_ROLLED_BACK); /* voids nothing */
    PQfinish(owner);
    fixture_close(&f);
}

/* Page by page, each beginning before the last line of the one before, it is the view in order. */
static void a_statement_is_the_journal_page_by_page(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    PGconn *owner = fixture_connect("postgres");
    struct uuid mine = uuid_new();
    struct uuid other = uuid_new();
    add_merchant(owner, &mine, "postgres");
    add_merchant(owner, &other, "nobody");
    for (int i = 0; i < 8; i++) {
        struct rows r;
        rows_open(&r, i < 7 ? &mine : &other);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
        rows_to_close(&r);
        assert_int_equal(write_now(&f, &r.txn), STORE_COMMITTED);
    }
    char merchant[UUID_TEXT_SIZE];
    char sql[1024];
    (void)uuid_format(&mine, merchant);
    (void)snprintf(sql, sizeof(sql),
                   "WITH RECURSIVE pages AS ("
                   " SELECT 1 AS page, s FROM finance.statement('%s', lines => 3) s"
                   " UNION ALL SELECT page + 1, n FROM (SELECT page, (s).transfer_id AS last,"
                   " row_number() OVER (ORDER BY (s).transfer_id) AS back FROM pages) p,"
                   " finance.statement('%s', p.last, 3) n WHERE back = 1)"
                   " SELECT array_agg((s)::text) = (SELECT array_agg(t::text) FROM"
                   " (SELECT * FROM finance.transfers ORDER BY transfer_id DESC) t)"
                   " AND count(*) = 14 FROM pages",
                   merchant, merchant);
    assert_string_equal(fixture_ask(owner, sql), "t");
    (void)uuid_format(&other, merchant);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM finance.statement('%s')", merchant);
    assert_int_equal(fixture_count(owner, sql), 0);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM finance.statement('%s', lines => -1)",
                   merchant);
    assert_int_equal(fixture_count(owner, sql), 0);
    PQfinish(owner);
    fixture_close(&f);
}

static void finance_shows_ids_and_amounts_as_the_api_does(void **state)
{
    (void)state;
    PGconn *conn = fixture_connect("postgres");
    for (int i = 0; i < 50; i++) {
        struct uuid id = uuid_new();
        char text[UUID_TEXT_SIZE];
        char shown[ID_TEXT_SIZE];
        char sql[128];
        (void)uuid_format(&id, text);
        (void)snprintf(sql, sizeof(sql), "SELECT finance.show_id('pay', '%s')", text);
        (void)id_format(ID_PAYMENT, &id, shown);
        assert_string_equal(fixture_ask(conn, sql), shown);
    }
    size_t count;
    const struct currency *currencies = currency_all(&count);
    assert_int_equal(fixture_count(conn, "SELECT count(*) FROM currencies"), count);
    for (size_t i = 0; i < count; i++) {
        char sql[128];
        char amount[MONEY_TEXT_SIZE];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT 123456 * unit FROM currencies WHERE code = '%s'"
                       " AND exponent = %u",
                       currencies[i].code, (unsigned)currencies[i].exponent);
        struct str want = money_format(123456, currencies[i].exponent, amount);
        assert_true(str_eq(str_of(fixture_ask(conn, sql)), want));
    }
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_go_up_from_empty_and_then_do_nothing),
        cmocka_unit_test(a_run_that_fails_half_way_is_repeated_safely),
        cmocka_unit_test(two_runs_at_once_do_not_meet),
        cmocka_unit_test(bad_folders_and_files_are_named),
        cmocka_unit_test_setup(ready_knows_whether_the_schema_is_current, fixture_new_database),
        cmocka_unit_test_setup(the_catalog_keeps_the_rules, fixture_new_database),
        cmocka_unit_test_setup(the_gateway_can_only_append, fixture_new_database),
        cmocka_unit_test_setup(finance_sees_its_merchant_and_nothing_else, fixture_new_database),
        cmocka_unit_test_setup(finance_tells_payouts_from_payments, fixture_new_database),
        cmocka_unit_test_setup(pending_transfers_are_open_until_posted_or_voided,
                               fixture_new_database),
        cmocka_unit_test_setup(a_statement_is_the_journal_page_by_page, fixture_new_database),
        cmocka_unit_test_setup(finance_shows_ids_and_amounts_as_the_api_does, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
