/*
 * Ways in which money could move although nobody knows, or stay lost although somebody should: each
 * was found by breaking the driver, and each has a test here.
 */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>
#include <sys/syscall.h>
#include <time.h>

/* ---- a wall clock that can be moved: this process's, not the database's ---- */

static int64_t step_s;

int clock_gettime(clockid_t id, struct timespec *now)
{
    long result = syscall(SYS_clock_gettime, id, now);
    if (id == CLOCK_REALTIME)
        now->tv_sec += step_s;
    return (int)result;
}

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
    assert_string_equal(asked.problem_payment, "");
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

/* The ledger refuses what came back, whatever it is: the money is written without its words. */
static void what_the_ledger_never_takes_is_written_without_its_words(void **state)
{
    struct asked asked;
    (void)state;
    world_free_payments();
    world.config.limits.write_retry_us = 1;
    world.config.limits.answer_us = 300 * CLOCK_MS_US; /* over before the words are dropped */
    world_start_payments();
    ledger_run("ALTER TABLE outcomes ADD CONSTRAINT odd CHECK (reference = '') NOT VALID");
    struct payment_request request = sample("never-1");
    ask(&asked, &request);
    expect_status(&asked, 503, NULL);
    assert_int_equal(asked.problem, MESSAGE_OUTCOME_PENDING);
    asked_release(&asked);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
    ledger_run("ALTER TABLE outcomes DROP CONSTRAINT odd");
    world_free_payments();
    world_configure();
    world_start_payments();
}

/* ---- clocks, the dead and what nobody can be asked about ---- */

static void wait_until(const char *text, const char *of, long count)
{
    for (int i = 0; ledger_count(text, of) != count; i++) {
        if (i == 500)
            fail_msg("never %ld: %s", count, text);
        world_run_for(20 * CLOCK_MS_US);
    }
}

#define OPEN_ATTEMPTS                                                                              \
    "SELECT count(*) FROM attempts a JOIN payments p USING (merchant_id, payment_id)"              \
    " WHERE p.key = $1 AND NOT EXISTS (SELECT FROM outcomes o WHERE o.attempt_id = a.attempt_id)"

/* So many answers that the failures of a test before do not open PayPal's breaker. */
static void feel_well(void)
{
    struct health_entry *entry = world.merchant->account[0].health;
    for (int i = 0; i < 50; i++) {
        health_sent(entry, clock_mono_us());
        health_answered(world.health, entry, HEALTH_SUCCESS, 1000, STR("http_201"), clock_mono_us(),
                        clock_wall_us());
    }
}

static void slow_charge(int delay_ms)
{
    char fault[160];
    (void)snprintf(fault, sizeof(fault),
                   "{\"provider\":\"paypal\",\"operation\":\"charge\",\"kind\":\"slow\","
                   "\"delay_ms\":%d,\"count\":1}",
                   delay_ms);
    (void)world_control("POST", "/faults", fault);
}

static void counted(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)ctx;
    (void)why;
    assert_int_equal(found, STORE_FOUND);
    assert_int_equal(count, 1);
    loop_stop(world.loop);
}

/* The payments module dies with what it has in its hands, and another takes its place. */
static void die_and_come_back(void)
{
    world_free_payments();
    store_reap_writer(world.store, &world.writer_id, clock_wall_us(), counted, NULL);
    world_wait();
}

static void live_again(void)
{
    ledger_run("UPDATE writers SET reaped_at = NULL, adopted_at = NULL");
}

/* The clock goes back by a minute, a payment is opened and its worker dies, the clock is set right.
 */
static void what_was_opened_after_the_clock_went_back_is_found(void **state)
{
    struct asked asked = {0};
    (void)state;
    wait_until("SELECT count(*) FROM writers WHERE watermark_at > started_at AND $1 = ''", "", 1);
    slow_charge(600);
    step_s = -60;
    struct payment_request request = sample("back-1");
    ask_start(&asked, &request);
    wait_until(OPEN_ATTEMPTS, "back-1", 1);
    die_and_come_back();
    step_s = 0;
    world_start_payments();
    struct asked later;
    ask_until_final(&later, &request);
    expect_status(&later, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&later, "id"), NULL), 1);
    asked_release(&later);
    live_again();
}

/* Only a worker whose clock agrees with the database's takes anything over. */
static void a_host_with_a_wrong_clock_takes_nothing_over(void **state)
{
    struct asked asked;
    int64_t ahead_us = 0;
    (void)state;
    feel_well();
    world_fault("paypal", "hang_after_effect");
    step_s = -10;
    struct payment_request request = sample("off-1");
    for (int i = 0; !store_clock_ahead(world.store, &ahead_us) || ahead_us == 0; i++) {
        assert_true(i < 200);
        world_run_for(20 * CLOCK_MS_US);
    }
    assert_true(ahead_us > 9 * CLOCK_SECOND_US && ahead_us < 11 * CLOCK_SECOND_US);
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    asked_release(&asked);
    wait_until("SELECT count(*) FROM unresolved WHERE reason = $1", "timeout", 1);
    world_run_for(2500 * CLOCK_MS_US); /* due long since */
    assert_int_equal(
        ledger_count("SELECT count(*) FROM unresolved WHERE epoch = 0 AND reason = $1", "timeout"),
        1);
    assert_int_equal(ledger_count("SELECT count(*) FROM writers WHERE heartbeat_at >"
                                  " clock_timestamp() - interval '5 seconds' AND $1 = ''",
                                  ""),
                     1);                            /* wrong, but alive */
    (void)world_control("DELETE", "/faults", NULL); /* a repeat hangs as long as the first does */
    step_s = 0;
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
}

/* The account is gone: the attempt is put back, and after the bound a person has to look. */
static void an_attempt_nobody_can_be_asked_about_goes_to_review(void **state)
{
    struct asked asked;
    (void)state;
    feel_well();
    world_fault("paypal", "hang_before_effect");
    struct payment_request request = sample("gone-1");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    asked_release(&asked);
    ledger_run("UPDATE accounts SET provider = 'closed' WHERE provider = 'paypal';"
               "UPDATE directory_version SET version = version + 1");
    wait_until("SELECT count(*) FROM unresolved WHERE tries > 1 AND reason = $1", "nobody_to_ask",
               1);
    ledger_run("UPDATE unresolved SET parked_at = parked_at - interval '2 days'");
    wait_until("SELECT count(*) FROM events JOIN payments USING (merchant_id, payment_id)"
               " WHERE status = 'review' AND key = $1",
               "gone-1", 1);
    ledger_run("UPDATE accounts SET provider = 'paypal' WHERE provider = 'closed';"
               "UPDATE directory_version SET version = version + 1");
    assert_int_equal(ledger_count("SELECT count(*) FROM unresolved WHERE $1 = ''", ""), 0);
    (void)world_control("DELETE", "/faults", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_begins_after_the_client_was_told_nothing_was_done),
        cmocka_unit_test(a_payment_that_may_never_exist_is_not_named),
        cmocka_unit_test(odd_bytes_of_a_provider_do_not_keep_the_ledger_from_closing),
        cmocka_unit_test(what_the_ledger_never_takes_is_written_without_its_words),
        cmocka_unit_test(what_was_opened_after_the_clock_went_back_is_found),
        cmocka_unit_test(a_host_with_a_wrong_clock_takes_nothing_over),
        cmocka_unit_test(an_attempt_nobody_can_be_asked_about_goes_to_review),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
