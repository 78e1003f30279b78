/*
 * The chart of accounts: names to kinds and back, and that the ledger's tables and its function are
 * those of the code.
 */
#include "tests/unit/ledger/fixture.h"

#include "ledger/posting.h"

#define ACC "acc_01JDEX7T1V5M2Q9K8Z4R6W0C3B"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct name {
    const char *account;
    enum chart_kind kind;
};

/* clang-format off */
static const struct name names[] = {
    {"provider:paypal:" ACC ":pending", CHART_PROVIDER_PENDING},
    {"provider:paypal_payouts:" ACC ":available", CHART_PROVIDER_AVAILABLE},
    {"provider:" A64 ":" ACC ":transit", CHART_PROVIDER_TRANSIT},
    {"provider:2:acc_7ZZZZZZZZZZZZZZZZZZZZZZZZZ:pending", CHART_PROVIDER_PENDING},
    {"bank:a", CHART_BANK}, {"bank:0-9", CHART_BANK}, {"bank:" A63, CHART_BANK},
    {"user:payroll-2026", CHART_USER}, {"user:9", CHART_USER},
    {"merchant:payable", CHART_PAYABLE}, {"suspense", CHART_SUSPENSE}, {"merchant:sales", CHART_SALES},
    {"merchant:refunds", CHART_REFUNDS}, {"fx:gain", CHART_FX_GAIN}, {"fx:loss", CHART_FX_LOSS},
    {"merchant:payouts", CHART_PAYOUTS}, {"fees:payment", CHART_FEES_PAYMENT}, {"fees:payout", CHART_FEES_PAYOUT},
    {"fees:refund", CHART_FEES_REFUND}, {"fees:dispute", CHART_FEES_DISPUTE}, {"fees:decline", CHART_FEES_DECLINE},
    {"fees:conversion", CHART_FEES_CONVERSION}, {"fees:other", CHART_FEES_OTHER}, {"disputes", CHART_DISPUTES},
    /* Malformed: every part, too long, too short, at either end. */
    {"", CHART_NONE}, {":", CHART_NONE}, {"suspense:", CHART_NONE}, {":suspense", CHART_NONE},
    {"Suspense", CHART_NONE}, {"suspense ", CHART_NONE}, {" suspense", CHART_NONE}, {"suspense\n", CHART_NONE},
    {"suspens", CHART_NONE}, {"merchant", CHART_NONE}, {"merchant:", CHART_NONE}, {"merchant:fees", CHART_NONE},
    {"merchant:sales:x", CHART_NONE}, {"merchant:<name>", CHART_NONE}, {"fees:", CHART_NONE},
    {"fees:<kind>", CHART_NONE}, {"fees:chargeback", CHART_NONE}, {"fees:payment:x", CHART_NONE},
    {"bank:", CHART_NONE}, {"bank", CHART_NONE}, {"bank:-a", CHART_NONE}, {"bank:A", CHART_NONE},
    {"bank:a_b", CHART_NONE}, {"bank:a b", CHART_NONE}, {"bank:" A64, CHART_NONE}, {"bank:a:b", CHART_NONE},
    {"bank:<name>", CHART_NONE}, {"bank:\xc3\xa4", CHART_NONE}, {"bank:a\n", CHART_NONE}, {"bank:a\nb", CHART_NONE},
    {"user:", CHART_NONE}, {"user:=1+1", CHART_NONE}, {"users:a", CHART_NONE},
    {"provider:paypal:" ACC, CHART_NONE}, {"provider:paypal:" ACC ":", CHART_NONE},
    {"provider:paypal:" ACC ":receivable", CHART_NONE}, {"provider:paypal:" ACC ":pending:", CHART_NONE},
    {"provider:paypal:" ACC ":Pending", CHART_NONE}, {"provider::" ACC ":pending", CHART_NONE},
    {"provider:PayPal:" ACC ":pending", CHART_NONE}, {"provider:pay-pal:" ACC ":pending", CHART_NONE},
    {"provider:a" A64 ":" ACC ":pending", CHART_NONE}, {"provider:paypal:acc_1:pending", CHART_NONE},
    {"provider:paypal:acc_8ZZZZZZZZZZZZZZZZZZZZZZZZZ:pending", CHART_NONE},
    {"provider:paypal:acc_01JDEX7T1V5M2Q9K8Z4R6W0C3b:pending", CHART_NONE}, /* another spelling of ACC */
    {"provider:paypal:acc_O1JDEX7T1V5M2Q9K8Z4R6W0C3B:pending", CHART_NONE},
    {"provider:paypal:acc_0IJDEX7T1V5M2Q9K8Z4R6W0C3B:pending", CHART_NONE},
    {"provider:paypal:acc_0UJDEX7T1V5M2Q9K8Z4R6W0C3B:pending", CHART_NONE},
    {"provider:paypal:ACC_01JDEX7T1V5M2Q9K8Z4R6W0C3B:pending", CHART_NONE},
    {"provider:paypal:pay_01JDEX7T1V5M2Q9K8Z4R6W0C3B:pending", CHART_NONE},
    {"provider:paypal:01JDEX7T1V5M2Q9K8Z4R6W0C3B:pending", CHART_NONE},
};
/* clang-format on */

static const char *text_of(struct str text)
{
    static char out[4][512];
    static unsigned next;
    char *at = out[next++ % 4];
    assert_true(str_copy_to(text, at, sizeof(out[0])));
    return at;
}

static void a_name_tells_its_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (chart_find(str_of(names[i].account)) != names[i].kind)
            fail_msg("'%s' is of kind %d", names[i].account, chart_find(str_of(names[i].account)));
    }
    assert_int_equal(chart_find(STR("bank:a\0b")), CHART_NONE);
    assert_int_equal(chart_find(STR_NONE), CHART_NONE);
}

static void names_that_are_made_are_of_their_kind(void **state)
{
    (void)state;
    struct error err;
    char out[CHART_ACCOUNT_SIZE];
    for (int i = CHART_NONE + 1; i < CHART_COUNT; i++) {
        enum chart_kind kind = (enum chart_kind)i;
        struct uuid id = uuid_new();
        assert_int_equal(chart_kind_of(chart_get(kind)->kind), kind);
        if (kind <= CHART_PROVIDER_TRANSIT)
            assert_int_equal(chart_find(chart_of_provider(kind, STR(A64), &id, out)), kind);
        else if (kind != CHART_BANK && kind != CHART_USER)
            assert_int_equal(chart_find(chart_single(kind)), kind);
        for (int other = 1; other < i; other++)
            assert_true(chart_get(kind)->number != chart_get((enum chart_kind)other)->number);
    }
    assert_int_equal(chart_kind_of(STR("fees")), CHART_NONE);
    assert_true(chart_of_name(CHART_BANK, STR("main"), out, &err));
    assert_string_equal(out, "bank:main");
    assert_true(chart_of_name(CHART_USER, STR(A63), out, &err));
    assert_int_equal(chart_find(str_of(out)), CHART_USER);
    static const char *const bad[] = {"", "-a", "A", "a:b", "a ", A64};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(chart_of_name(CHART_USER, str_of(bad[i]), out, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_string_equal(out, "");
    }
}

static void sql_says_of_a_name(PGconn *conn, struct str account)
{
    const char *const params[] = {text_of(account)};
    PGresult *res = PQexecParams(conn, "SELECT account_kind($1)", 1, NULL, params, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    enum chart_kind kind = chart_find(account);
    const char *want = kind == CHART_NONE ? "" : text_of(chart_get(kind)->kind);
    if (strcmp(PQgetvalue(res, 0, 0), want) != 0 || PQgetisnull(res, 0, 0) != (kind == CHART_NONE))
        fail_msg("'%s' is '%s' in SQL, '%s' in C", params[0], PQgetvalue(res, 0, 0), want);
    PQclear(res);
}

/* A good name, one octet of which is another, or missing, or twice. */
static struct str change(struct rng *rng, char *text)
{
    static const char other[] = ":_-<> azAZ09\nILOU7";
    (void)snprintf(text, CHART_ACCOUNT_SIZE, "%s", names[rng_below(rng, 24)].account);
    size_t len = strlen(text);
    size_t at = (size_t)rng_below(rng, len);
    switch (rng_below(rng, 3)) {
    case 0:
        text[at] = other[rng_below(rng, sizeof(other) - 1)];
        break;
    case 1:
        memmove(text + at, text + at + 1, len - at);
        break;
    default:
        memmove(text + at + 1, text + at, len - at + 1);
    }
    return str_of(text);
}

static void the_ledger_tells_kinds_as_the_code_does(void **state)
{
    (void)state;
    struct rng rng;
    char text[CHART_ACCOUNT_SIZE + 1];
    const char *seed = getenv("SEED");
    PGconn *conn = fixture_connect("postgres");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        sql_says_of_a_name(conn, str_of(names[i].account));
    rng_seed(&rng, seed != NULL ? strtoull(seed, NULL, 10) : 1);
    for (size_t i = 0; i < 3000; i++)
        sql_says_of_a_name(conn, change(&rng, text));
    assert_string_equal(fixture_ask(conn, "SELECT account_kind(NULL) IS NULL"), "t");
    assert_string_equal(fixture_ask(conn, "SELECT provolatile FROM pg_proc WHERE oid ="
                                          " 'account_kind(text)'::regprocedure"),
                        "i");
    PQfinish(conn);
    conn = fixture_connect("turnpike_gateway");
    assert_string_equal(fixture_ask(conn, "SELECT account_kind('suspense')"), "suspense");
    assert_string_equal(fixture_ask(conn, "SELECT count(*) FROM account_kinds"), "20");
    PQfinish(conn);
}

static void is_cell(PGresult *res, int row, int column, struct str want)
{
    assert_string_equal(PQgetvalue(res, row, column), text_of(want));
    assert_int_equal(PQgetisnull(res, row, column), want.len == 0);
}

static void the_ledger_has_the_chart(void **state)
{
    (void)state;
    PGconn *conn = fixture_connect("postgres");
    PGresult *res = PQexec(conn, "SELECT number, kind, pattern, type, normal, meaning FROM"
                                 " finance.account_kinds ORDER BY number");
    assert_int_equal(PQntuples(res), CHART_COUNT - 1);
    for (int i = 0; i < PQntuples(res); i++) {
        const struct chart_row *row = chart_get((enum chart_kind)(i + 1)); /* also by number */
        assert_int_equal(atoi(PQgetvalue(res, i, 0)), row->number);
        const struct str cells[] = {row->kind, row->pattern, row->type, row->normal, row->meaning};
        for (int column = 0; column < (int)ARRAY_LEN(cells); column++)
            is_cell(res, i, column + 1, cells[column]);
    }
    PQclear(res);
    PQfinish(conn);
}

static void the_ledger_has_the_entries_of_every_event(void **state)
{
    (void)state;
    size_t count;
    static const struct str states[] = {STR_INIT("pending"), STR_INIT("posted"),
                                        STR_INIT("voided")};
    const struct posting_rule *rules = posting_rules(&count);
    PGconn *conn = fixture_connect("postgres");
    PGresult *res = PQexec(conn, "SELECT kind, leg, debit_kind, credit_kind, transfer_kind, state,"
                                 " made_by, meaning FROM finance.entry_kinds ORDER BY number");
    assert_int_equal((size_t)PQntuples(res), count);
    for (int i = 0; i < PQntuples(res); i++) {
        const struct posting_rule *rule = &rules[i];
        const struct str cells[] = {
            posting_event_name(rule->event),
            rule->leg,
            rule->debit == CHART_NONE ? STR_NONE : chart_get(rule->debit)->kind,
            rule->credit == CHART_NONE ? STR_NONE : chart_get(rule->credit)->kind,
            rule->kind,
            states[rule->state],
            posting_by_name(rule->by),
            rule->meaning,
        };
        for (int column = 0; column < (int)ARRAY_LEN(cells); column++)
            is_cell(res, i, column, cells[column]);
    }
    PQclear(res);
    PQfinish(conn);
}

/* In order; every event has a name and a row, no leg comes twice, and no row has one account twice. */
static void every_event_has_its_rows(void **state)
{
    (void)state;
    size_t count;
    const struct posting_rule *rules = posting_rules(&count);
    bool is_there[POSTING_EVENT_COUNT] = {false};
    for (size_t i = 0; i < count; i++) {
        is_there[rules[i].event] = true;
        assert_true(i == 0 || rules[i - 1].event <= rules[i].event);
        assert_true(rules[i].debit != rules[i].credit || rules[i].debit == CHART_NONE);
        assert_true(rules[i].by != POSTING_BY_PERSON || rules[i].state == TRANSFER_POSTED);
        assert_true(rules[i].state != TRANSFER_VOIDED || rules[i].link != POSTING_ALONE);
        for (size_t other = 0; other < i; other++)
            assert_false(rules[other].event == rules[i].event &&
                         str_eq(rules[other].leg, rules[i].leg));
    }
    for (int event = POSTING_NOTHING + 1; event < POSTING_EVENT_COUNT; event++) {
        assert_true(is_there[event]);
        assert_true(posting_event_name((enum posting_event)event).len > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_tells_its_kind),
        cmocka_unit_test(names_that_are_made_are_of_their_kind),
        cmocka_unit_test(every_event_has_its_rows),
        cmocka_unit_test_setup(the_ledger_tells_kinds_as_the_code_does, fixture_new_database),
        cmocka_unit_test_setup(the_ledger_has_the_chart, fixture_new_database),
        cmocka_unit_test_setup(the_ledger_has_the_entries_of_every_event, fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
