/*
 * Ways in which money could move although nobody knows, or stay lost although somebody should: each
 * was found by breaking the driver, and each has a test here.
 */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

/* ---- the ledger, by a connection of the test's own ---- */

static PGconn *ledger;

static void ledger_run(const char *text)
{
    PGresult *res = PQexec(ledger, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(ledger));
    PQclear(res);
}

/* One number, of the payment with this reference or key. */
static long ledger_count(const char *text, const char *of)
{
    const char *values[] = {of};
    PGresult *res = PQexecParams(ledger, text, 1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(ledger));
    long count = strtol(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return count;
}

static int start(void **state)
{
    int result = world_start(state);
    ledger = PQconnectdb(world.conninfo);
    assert_int_equal(PQstatus(ledger), CONNECTION_OK);
    return result;
}

static int stop(void **state)
{
    PQfinish(ledger);
    return world_stop(state);
}

/* ---- what the client was told ---- */

/* The reference is looked up slowly: 503 leaves before the next try could be opened. */
static void nothing_begins_after_the_client_was_told_nothing_was_done(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = sample("late-1");
    request.reference = STR("order-late");
    request.token[0].token = STR("tok_hard");
    request.token[1].token = STR("tok_hard");
    ask(&asked, &request);
    expect_status(&asked, 201, "declined");
    asked_release(&asked);

    ledger_run("BEGIN; LOCK TABLE outcomes IN ACCESS EXCLUSIVE MODE");
    request = sample("late-2");
    request.reference = STR("order-late");
    ask(&asked, &request);
    expect_status(&asked, 503, NULL);
    assert_int_equal(asked.problem, MESSAGE_UNAVAILABLE);
    asked_release(&asked);
    ledger_run("COMMIT");
    for (int i = 0; payments_in_flight(world.payments) > 0; i++) {
        assert_true(i < 200);
        world_run_for(20 * CLOCK_MS_US);
    }
    assert_int_equal(
        ledger_count("SELECT count(*) FROM payments WHERE reference = $1", "order-late"), 1);
    ask(&asked, &request); /* the same key may be tried again */
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
}

/* The opening is still in the air: nobody knows whether its payment will ever exist. */
static void a_payment_that_may_never_exist_is_not_named(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = sample("air-1");
    ledger_run("BEGIN; LOCK TABLE payments IN ACCESS EXCLUSIVE MODE");
    ask(&asked, &request);
    expect_status(&asked, 503, NULL);
    assert_int_equal(asked.problem, MESSAGE_OUTCOME_PENDING);
    assert_string_equal(asked.problem_payment, "");
    asked_release(&asked);
    ledger_run("COMMIT");
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
}

/* ---- what providers say ---- */

#define ODD                                                                                        \
    "ab\xff\xfe\x01"                                                                               \
    "cd"

static const struct provider *real;

/* The judgement is the adapter's own; every text of it is then spoilt. */
static void judge_oddly(const struct provider_call *call, enum provider_step step,
                        const struct provider_answer *answer, struct arena *arena,
                        struct provider_judgement *judgement)
{
    struct provider_answer *spoilt = (struct provider_answer *)(uintptr_t)answer;
    real->judge(call, step, answer, arena, judgement);
    spoilt->debug_id = STR(ODD);
    judgement->reference = STR(ODD);
    assert_true(str_copy_to(STR(ODD), judgement->code, sizeof(judgement->code)));
    judgement->facts = (struct provider_facts){0};
    provider_fact_set(&judgement->facts, STR("odd"), STR(ODD));
    provider_fact_set(&judgement->facts, STR("card"), STR("4111111111111111"));
    provider_fact_set(&judgement->facts, STR("even"), STR("5O190127TN364715T"));
}

static void odd_bytes_of_a_provider_do_not_keep_the_ledger_from_closing(void **state)
{
    struct asked asked;
    struct provider odd;
    struct provider_account *account = &world.merchant->account[0].account;
    (void)state;
    assert_string_equal(account->provider->name, "paypal");
    real = account->provider;
    odd = *real;
    odd.judge = judge_oddly;
    account->provider = &odd;
    struct payment_request request = sample("odd-1");
    ask(&asked, &request);
    account->provider = real;
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "paypal");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    assert_int_equal(
        ledger_count("SELECT count(*) FROM outcomes WHERE debug_id = 'ab___cd' AND code = 'ab___cd'"
                     " AND reference = '' AND facts = $1",
                     "{\"even\":\"5O190127TN364715T\"}"),
        1);
    asked_release(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_begins_after_the_client_was_told_nothing_was_done),
        cmocka_unit_test(a_payment_that_may_never_exist_is_not_named),
        cmocka_unit_test(odd_bytes_of_a_provider_do_not_keep_the_ledger_from_closing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
