/*
 * Statements are planned once, by connections that find empty tables, and those plans serve until
 * somebody analyzes the tables: a batch of 15,000 payouts is over by then. So the plan for empty
 * tables must be the one for full ones.
 */
#include "tests/unit/ledger/fixture.h"

#include <stdio.h>
#include <string.h>

#include "ledger/sql.h"

/* They read all that a merchant has, which is little; or one newest. */
static const enum sql modest[] = {SQL_LOAD_MERCHANT_KEYS, SQL_LOAD_MERCHANT_ACCOUNTS,
                                  SQL_DISABLE_ACCOUNT, SQL_HOOK_LIST_SECRETS,
                                  /* What waits: see reviews_and_what_waits_are_found_by_keys. */
                                  SQL_LIST_OPEN,
                                  /* Asked after a lost commit, which is seldom. */
                                  SQL_PROBE_ASK};

static bool is_modest(enum sql sql)
{
    for (size_t i = 0; i < ARRAY_LEN(modest); i++) {
        if (modest[i] == sql)
            return true;
    }
    return false;
}

static size_t parameter_count(const char *text)
{
    size_t count = 0;
    for (const char *at = strchr(text, '$'); at != NULL; at = strchr(at + 1, '$')) {
        size_t number = strtoul(at + 1, NULL, 10);
        count = number > count ? number : count;
    }
    return count;
}

/* As every connection of its kind does it: its settings, then a generic plan. */
static PGresult *explain(PGconn *conn, const struct sql_text *statement)
{
    static char sql[8192];
    const char *const settings[] = {"10000", statement->name};
    PQclear(PQexecParams(conn, sql_settings(statement->kind), 2, NULL, settings, NULL, NULL, 0));
    PGresult *made = PQprepare(conn, statement->name, statement->text, 0, NULL);
    if (PQresultStatus(made) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", statement->name, PQresultErrorMessage(made));
    PQclear(made);
    size_t count = parameter_count(statement->text);
    size_t len = (size_t)snprintf(sql, sizeof(sql), "EXPLAIN (COSTS OFF) EXECUTE %s%s",
                                  statement->name, count > 0 ? "(NULL" : "");
    for (size_t i = 1; i < count; i++)
        len += (size_t)snprintf(sql + len, sizeof(sql) - len, ", NULL");
    (void)snprintf(sql + len, sizeof(sql) - len, "%s", count > 0 ? ")" : "");
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    return res;
}

static bool says(PGresult *plan, const char *text)
{
    for (int row = 0; row < PQntuples(plan); row++) {
        const char *at = strstr(PQgetvalue(plan, row, 0), text);
        if (at != NULL && at[strlen(text)] == '\0')
            return true;
    }
    return false;
}

static void no_statement_reads_all_that_a_merchant_has(void **state)
{
    (void)state;
    unsigned read = 0;
    for (enum sql sql = SQL_NONE + 1; sql < SQL_COUNT; sql++) {
        const struct sql_text *statement = sql_text(sql);
        if (statement->text == NULL || strstr(statement->text, "merchant_id") == NULL)
            continue;
        PGconn *conn = fixture_connect("turnpike_gateway");
        PGresult *plan = explain(conn, statement);
        for (int row = 0; row < PQntuples(plan); row++) {
            const char *line = strstr(PQgetvalue(plan, row, 0), "Index Cond: (merchant_id = ");
            read += strstr(PQgetvalue(plan, row, 0), "Index Cond: ") != NULL;
            if (line != NULL && !is_modest(sql) &&
                strstr(PQgetvalue(plan, row - 1, 0), "using merchants_pkey") == NULL &&
                /* Few: rule sets are written by people; their list ends at its LIMIT. */
                strstr(PQgetvalue(plan, row - 1, 0), " rule_") == NULL &&
                /* Few: HOOK_ENDPOINT_MAX of a merchant. */
                strstr(PQgetvalue(plan, row - 1, 0), " hook_endpoints_live") == NULL)
                fail_msg("%s: %s\n%s", statement->name, PQgetvalue(plan, row - 1, 0), line);
        }
        PQclear(plan);
        PQfinish(conn);
    }
    assert_true(read > 50);
}

static void orders_are_found_by_their_ids_and_not_among_those_that_wait(void **state)
{
    (void)state;
    static const struct {
        enum sql sql;
        const char *line;
    } ways[] = {
        {SQL_ORDER_CLAIM, "using payout_orders_pkey on payout_orders o"},
        {SQL_ORDER_CLAIM, "using payout_orders_pkey on payout_orders l"},
        {SQL_ORDER_END, "using payout_orders_pkey on payout_orders o"},
        {SQL_ORDER_FAIL, "using payout_orders_pkey on payout_orders p"},
        {SQL_ORDER_FAIL, "using payout_orders_pkey on payout_orders o_1"},
        {SQL_ORDER_SETTLE, "using payout_orders_settle on payout_orders d"},
        {SQL_ORDER_SETTLE, "using payout_orders_pkey on payout_orders o"},
        {SQL_ORDER_CANCEL, "using payout_orders_pkey on payout_orders"},
        {SQL_BATCH_CANCEL_ROWS, "using payout_orders_row on payout_orders"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        PGconn *conn = fixture_connect("turnpike_gateway");
        PGresult *plan = explain(conn, sql_text(ways[i].sql));
        if (!says(plan, ways[i].line))
            fail_msg("%s: not %s", sql_text(ways[i].sql)->name, ways[i].line);
        PQclear(plan);
        PQfinish(conn);
    }
}

static void reviews_and_what_waits_are_found_by_keys(void **state)
{
    (void)state;
    static const struct {
        enum sql sql;
        const char *line;
    } ways[] = {
        {SQL_LIST_OPEN, "using payments_pkey on payments o"},
        {SQL_LIST_OPEN, "using payments_pkey on payments n"},
        {SQL_REVIEW_LIST, "using reviews_id_key on reviews q"},
        {SQL_REVIEW_LIST_OPEN, "using reviews_open on reviews q"},
        {SQL_REVIEW_LOAD, "using reviews_id_key on reviews q"},
        {SQL_REVIEW_CLAIM, "using reviews_due on reviews"},
        {SQL_REVIEW_CLAIM, "using reviews_id_key on reviews r"},
        {SQL_REVIEW_PUT_BACK, "using reviews_id_key on reviews"},
        {SQL_VERDICTS, "using reviews_id_key on reviews r"},
        {SQL_PROOFS, "using reviews_pkey on reviews r"},
        {SQL_UNRESOLVED_LIST, "using unresolved_pkey on unresolved q"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        PGconn *conn = fixture_connect("turnpike_gateway");
        PGresult *plan = explain(conn, sql_text(ways[i].sql));
        if (!says(plan, ways[i].line))
            fail_msg("%s: not %s", sql_text(ways[i].sql)->name, ways[i].line);
        PQclear(plan);
        PQfinish(conn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_statement_reads_all_that_a_merchant_has, fixture_new_database),
        cmocka_unit_test_setup(reviews_and_what_waits_are_found_by_keys, fixture_new_database),
        cmocka_unit_test_setup(orders_are_found_by_their_ids_and_not_among_those_that_wait,
                               fixture_new_database),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
