/*
 * What people book: proposed by one, approved by another, never changed; and closed periods.
 */
#include "tests/unit/ledger/fixture.h"

#include <stdio.h>
#include <string.h>

#define MERCHANT     "'0a000000-0000-7000-8000-000000000001'"
#define OTHER        "'0a000000-0000-7000-8000-000000000002'"
#define MONEY        "\"amount_minor\": 1099, \"currency\": \"EUR\""
#define ENTRY(lines) "finance.propose_entry(" MERCHANT ", 'entry', '" lines "', 'a reason')"
#define LINE         "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", " MONEY "}]"

struct people {
    PGconn *owner;
    PGconn *ada;  /* proposes and approves */
    PGconn *bob;  /* approves */
    PGconn *carl; /* reads */
};

static void order(PGconn *conn, const char *sql)
{
    const char *answer = fixture_ask(conn, sql);
    if (*answer == 'E')
        fail_msg("%s: %s", sql, answer);
}

static void refused(PGconn *conn, const char *sql, const char *state)
{
    const char *answer = fixture_ask(conn, sql);
    if (strncmp(answer, "ERROR ", 6) != 0 || strcmp(answer + 6, state) != 0)
        fail_msg("%s: \"%s\", wanted ERROR %s", sql, answer, state);
}

static void people_open(struct people *p)
{
    p->owner = fixture_connect("postgres");
    order(p->owner, "INSERT INTO merchants SELECT m::uuid, NULL, 'm', true, 'DE', false, now() FROM"
                    " unnest(ARRAY[" MERCHANT ", " OTHER "]) m");
    order(p->owner,
          "DO $$ DECLARE who text; BEGIN FOREACH who IN ARRAY ARRAY['entry_ada', 'entry_bob',"
          " 'entry_carl'] LOOP IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN"
          " EXECUTE format('CREATE ROLE %I LOGIN IN ROLE turnpike_finance', who); END IF;"
          " END LOOP; END $$");
    order(p->owner,
          "INSERT INTO finance_access (login, merchant_id, may_propose, may_approve) VALUES"
          " ('entry_ada', " MERCHANT ", true, true), ('entry_bob', " MERCHANT
          ", false, true), ('entry_carl', " MERCHANT ", false, false), ('postgres', " MERCHANT
          ", false, false)");
    p->ada = fixture_connect("entry_ada");
    p->bob = fixture_connect("entry_bob");
    p->carl = fixture_connect("entry_carl");
}

static void people_close(struct people *p)
{
    PQfinish(p->carl);
    PQfinish(p->bob);
    PQfinish(p->ada);
    PQfinish(p->owner);
}

static long transfers(const struct people *p)
{
    return fixture_count(p->owner, "SELECT count(*) FROM transfers");
}

static void decide(char *sql, size_t size, const char *entry, const char *rest)
{
    (void)snprintf(sql, size, "SELECT finance.decide_entry(" MERCHANT ", '%s', %s)", entry, rest);
}

static void two_people_book(void **state)
{
    (void)state;
    struct people p;
    char entry[64];
    char sql[256];
    people_open(&p);
    (void)snprintf(entry, sizeof(entry), "%.40s", fixture_ask(p.ada, "SELECT " ENTRY(LINE)));
    assert_int_equal(strlen(entry), 36);
    assert_int_equal(transfers(&p), 0);
    decide(sql, sizeof(sql), entry, "true");
    refused(p.carl, sql, "42501");
    refused(p.ada, sql, "22023"); /* her own */
    order(p.bob, "BEGIN");
    order(p.bob, "SAVEPOINT s");
    refused(p.bob, sql, "22023");
    order(p.bob, "ROLLBACK");
    assert_string_equal(fixture_ask(p.bob, sql), "1");
    refused(p.bob, sql, "22023"); /* once */
    assert_int_equal(transfers(&p), 1);
    assert_int_equal(
        fixture_count(p.carl, "SELECT balance_minor FROM finance.balance('bank:main')"), 1099);
    assert_string_equal(
        fixture_ask(p.carl, "SELECT state || proposed_by || decided_by FROM finance.entries"),
        "approvedentry_adaentry_bob");
    assert_string_equal(fixture_ask(p.carl, "SELECT type || normal || number FROM finance.accounts"
                                            " WHERE account = 'suspense'"),
                        "liabilitycredit2900");
    people_close(&p);
}

static void what_is_rejected_books_nothing(void **state)
{
    (void)state;
    struct people p;
    char entry[64];
    char sql[256];
    people_open(&p);
    (void)snprintf(entry, sizeof(entry), "%.40s", fixture_ask(p.ada, "SELECT " ENTRY(LINE)));
    decide(sql, sizeof(sql), entry, "false");
    refused(p.bob, sql, "22023"); /* why? */
    decide(sql, sizeof(sql), entry, "false, 'not ours'");
    assert_string_equal(fixture_ask(p.bob, sql), "0");
    decide(sql, sizeof(sql), entry, "true");
    refused(p.bob, sql, "22023");
    assert_int_equal(transfers(&p), 0);
    people_close(&p);
}

static void a_correction_is_the_reverse_once(void **state)
{
    (void)state;
    struct people p;
    char entry[64];
    char sql[256];
    people_open(&p);
    (void)snprintf(entry, sizeof(entry), "%.40s", fixture_ask(p.ada, "SELECT " ENTRY(LINE)));
    decide(sql, sizeof(sql), entry, "true");
    order(p.bob, sql);
    static const char *const correct =
        "SELECT finance.propose_correction(" MERCHANT ", (SELECT transfer_id FROM finance.transfers"
        " WHERE kind = 'entry'), 'it was somebody else''s')";
    refused(p.bob, correct, "42501");
    (void)snprintf(entry, sizeof(entry), "%.40s", fixture_ask(p.ada, correct));
    refused(p.ada, correct, "22023"); /* proposed already */
    decide(sql, sizeof(sql), entry, "false, 'wait'");
    order(p.bob, sql);
    (void)snprintf(entry, sizeof(entry), "%.40s",
                   fixture_ask(p.ada, correct)); /* rejected: again */
    decide(sql, sizeof(sql), entry, "true");
    order(p.bob, sql);
    refused(p.ada, correct, "22023");
    assert_int_equal(
        fixture_count(p.carl, "SELECT balance_minor FROM finance.balance('bank:main')"), 0);
    assert_int_equal(transfers(&p), 2);
    people_close(&p);
}

static void bad_entries_are_refused_whole(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{}",
        "[{}]",
        "[1]",
        "[{\"debit\": \"bank:main\", \"credit\": \"nobody\", " MONEY "}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"bank:main\", " MONEY "}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"user:mine\", " MONEY "}]", /* not opened */
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", " MONEY ", \"shoe\": 43}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", \"amount_minor\": 1.5, "
        "\"currency\": \"EUR\"}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", \"amount_minor\": 0, \"currency\": "
        "\"EUR\"}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", \"amount_minor\": 1e15, "
        "\"currency\": \"EUR\"}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", \"amount_minor\": \"1\", "
        "\"currency\": \"EUR\"}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", \"amount_minor\": 1, \"currency\": "
        "\"EURO\"}]",
        "[{\"leg\": \"hold\", \"debit\": \"bank:main\", \"credit\": \"suspense\", " MONEY "}]",
        "[{\"debit\": \"provider:paypal:acc_01M832D59RETYSXG6VRQW8D3T2:pending\", \"credit\": "
        "\"suspense\", " MONEY "}]",
        "[{\"debit\": \"bank:main\", \"credit\": \"suspense\", " MONEY "}, {\"debit\": \"x\"}]",
    };
    struct people p;
    people_open(&p);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char sql[512];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT finance.propose_entry(" MERCHANT ", 'entry', '%s', 'a reason')",
                       bad[i]);
        refused(p.ada, sql, "22023");
    }
    refused(p.ada, "SELECT finance.propose_entry(" MERCHANT ", 'sale', '" LINE "', 'a reason')",
            "22023");
    refused(p.ada,
            "SELECT finance.propose_entry(" MERCHANT ", 'settlement_arrived', '" LINE
            "', 'a reason')",
            "22023");
    refused(p.ada, "SELECT finance.propose_entry(" MERCHANT ", 'entry', '" LINE "', '')", "22023");
    refused(p.ada, "SELECT finance.propose_entry(" OTHER ", 'entry', '" LINE "', 'a reason')",
            "42501");
    refused(p.ada,
            "SELECT finance.propose_entry(" MERCHANT ", 'entry', '" LINE
            "', 'a reason', now() + interval '1 day')",
            "22023");
    refused(p.carl, "SELECT " ENTRY(LINE), "42501");
    refused(p.owner, "SELECT " ENTRY(LINE), "42501"); /* it was given nothing but reading */
    assert_int_equal(fixture_count(p.owner, "SELECT count(*) FROM ledger_entries"), 0);
    refused(p.ada, "INSERT INTO public.ledger_entries SELECT", "42501");
    order(p.ada, "SELECT finance.open_account(" MERCHANT ", 'user:mine', 'equity', 'Mine')");
    refused(p.ada, "SELECT finance.open_account(" MERCHANT ", 'user:mine', 'equity', 'Mine')",
            "23505");
    refused(p.ada, "SELECT finance.open_account(" MERCHANT ", 'suspense', 'equity', 'Mine')",
            "22023");
    order(p.ada, "SELECT finance.propose_entry(" MERCHANT
                 ", 'entry', '[{\"debit\": \"bank:main\", \"credit\": \"user:mine\", " MONEY
                 "}]', 'a reason')");
    people_close(&p);
}

static void a_closed_period_stays_as_it_was(void **state)
{
    (void)state;
    struct people p;
    char entry[64];
    char sql[256];
    people_open(&p);
    static const char *const early = "SELECT finance.propose_entry(" MERCHANT ", 'entry', '" LINE
                                     "', 'of last month', now() - interval '2 days')";
    static const char *const close =
        "SELECT finance.close_period(" MERCHANT ", now() - interval '1 day', 'the month is done')";
    (void)snprintf(entry, sizeof(entry), "%.40s", fixture_ask(p.ada, early));
    refused(p.bob, close, "22023"); /* one waits */
    decide(sql, sizeof(sql), entry, "true");
    order(p.bob, sql);
    /* It counts from then; it was booked now. */
    assert_int_equal(
        fixture_count(p.carl,
                      "SELECT count(*) FROM finance.trial_balance(now() - interval '1 day')"),
        0);
    assert_int_equal(
        fixture_count(p.carl, "SELECT sum(debit_minor) FROM finance.trial_balance(now() - interval "
                              "'1 day', 'effective')"),
        1099);
    assert_int_equal(
        fixture_count(
            p.carl,
            "SELECT count(*) FROM finance.trial_balance(now() - interval '3 days', 'effective')"),
        0);
    refused(p.carl, close, "42501");
    refused(p.bob, "SELECT finance.close_period(" MERCHANT ", now(), 'too soon')", "22023");
    assert_string_equal(fixture_ask(p.bob, close), "2");
    refused(p.ada, early, "22023");
    refused(p.bob, "SELECT finance.close_period(" MERCHANT ", now() - interval '3 days', 'again')",
            "22023");
    order(p.ada, "SELECT " ENTRY(LINE));
    assert_int_equal(fixture_count(p.carl, "SELECT sum(debit_minor) FROM finance.periods"), 1099);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(two_people_book, fixture_new_database),
        cmocka_unit_test_setup(what_is_rejected_books_nothing, fixture_new_database),
        cmocka_unit_test_setup(a_correction_is_the_reverse_once, fixture_new_database),
        cmocka_unit_test_setup(bad_entries_are_refused_whole, fixture_new_database),
        cmocka_unit_test_setup(a_closed_period_stays_as_it_was, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
