/* Rules that ask which attempt it is, and how the one before ended. Who was charged, say the books. */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

enum {
    RULES_MAX = 32,
};

/* All that were used: what a test that was late left in hand decides by those of its beginning. */
static struct rule_set *rules[RULES_MAX];
static size_t rules_count;
static PGconn *ledger; /* the test's own */

static long ledger_run(const char *text)
{
    PGresult *res = PQexec(ledger, text);
    bool is_ok = PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK;
    if (!is_ok)
        fail_msg("%s: %s", text, PQerrorMessage(ledger));
    long number = PQntuples(res) > 0 ? strtol(PQgetvalue(res, 0, 0), NULL, 10) : 0;
    PQclear(res);
    return number;
}

static void use_rules(const char *text)
{
    static const struct str providers[] = {STR_INIT("paypal"), STR_INIT("payoneer")};
    struct error err;
    assert_true(rules_count < RULES_MAX);
    struct rule_set *set = rule_set_new(str_of(text), providers, 2, &err);
    if (set == NULL)
        fail_msg("%s", err.text);
    rules[rules_count++] = set;
    payments_use_rules(world.payments, set);
}

static void ask_soft(struct asked *asked, const char *key, const char *text)
{
    struct payment_request request = sample(key);
    request.token[0].token = STR("tok_soft");
    use_rules(text);
    ask(asked, &request);
}

static void expect_attempts(const struct asked *asked, size_t count)
{
    if (json_array_size(json_path(asked->json, "attempts")) != count)
        fail_msg("not %zu attempts: %s", count, asked->body);
}

static void the_second_attempt_is_whose_the_rules_say(void **state)
{
    struct asked asked;
    (void)state;
    ask_soft(&asked, "again-1",
             "rule \"second\" when attempt > 1 and previous_decline == soft { use payoneer }\n"
             "default { use paypal }\n");
    expect_status(&asked, 201, "succeeded");
    expect_attempts(&asked, 2);
    assert_string_equal(text_of(&asked, "attempts.1.provider"), "payoneer");
    assert_string_equal(text_of(&asked, "decision.rule"), "default");
    assert_string_equal(text_of(&asked, "attempts.1.decision.rule"), "second");
    assert_null(json_path(asked.json, "attempts.0.decision"));
    assert_int_equal(json_integer_value(json_path(asked.json, "attempts.1.expected_fee")), 22);
    assert_int_equal(world_count_charges(text_of(&asked, "id"), "payoneer"), 1);
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
}

static void the_rules_may_decline_what_was_declined(void **state)
{
    struct asked asked, reason;
    char text[256];
    (void)state;
    ask_soft(&reason, "reason-1", "default { use paypal }\n");
    expect_status(&reason, 201, "declined");
    (void)snprintf(text, sizeof(text),
                   "rule \"stop\" when previous_reason == %s { decline \"one try is enough\" }\n"
                   "default { use paypal, payoneer }\n",
                   text_of(&reason, "failure.reason"));
    ask_soft(&asked, "again-2", text);
    expect_status(&asked, 201, "declined");
    expect_attempts(&asked, 2);
    assert_string_equal(text_of(&asked, "failure.reason"), "rule_declined");
    assert_string_equal(text_of(&asked, "failure.detail"), "rule \"stop\": one try is enough");
    assert_string_equal(text_of(&asked, "attempts.1.reason"), "rule_declined");
    assert_string_equal(text_of(&asked, "attempts.1.decision.declined"), "one try is enough");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 0);
    asked_release(&asked);
    asked_release(&reason);
}

/* Nothing was declined by the provider: it is by the rules. */
static void the_rules_may_decline_what_did_not_leave(void **state)
{
    struct asked asked;
    (void)state;
    use_rules("rule \"stop\" when previous_decline == failed { decline \"not now\" }\n"
              "default { use paypal, payoneer }\n");
    world_fault("paypal", "refuse");
    engine_forget_account(world.engine, &world.merchant->account[0].account.account_id);
    struct payment_request request = sample("again-3");
    ask(&asked, &request);
    (void)world_control("DELETE", "/faults", NULL);
    expect_status(&asked, 201, "declined");
    assert_string_equal(text_of(&asked, "attempts.0.status"), "failed");
    assert_string_equal(text_of(&asked, "failure.reason"), "rule_declined");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 0);
    asked_release(&asked);
}

static void whoever_was_tried_is_not_tried_again(void **state)
{
    struct asked asked;
    (void)state;
    ask_soft(&asked, "again-4",
             "rule \"same\" when attempt >= 2 { use paypal }\ndefault { use paypal, payoneer }\n");
    expect_status(&asked, 201, "declined");
    expect_attempts(&asked, 2);
    assert_string_equal(text_of(&asked, "provider"), "paypal");
    assert_string_equal(text_of(&asked, "failure.reason"), text_of(&asked, "attempts.0.reason"));
    assert_string_equal(text_of(&asked, "attempts.1.reason"), "no_route");
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "attempts.1.decision.candidates.%zu.provider", i);
        bool is_paypal = strcmp(text_of(&asked, path), "paypal") == 0;
        (void)snprintf(path, sizeof(path), "attempts.1.decision.candidates.%zu.dropped", i);
        assert_string_equal(text_of(&asked, path), is_paypal ? "tried" : "not_in_rule");
    }
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 0);
    asked_release(&asked);
}

static void the_first_decision_bounds_the_others(void **state)
{
    struct asked asked;
    (void)state;
    ask_soft(&asked, "again-5",
             "rule \"second\" when attempt > 1 { use payoneer }\n"
             "default { use paypal; failover none }\n");
    expect_status(&asked, 201, "declined");
    expect_attempts(&asked, 1);
    asked_release(&asked);
    ask_soft(&asked, "again-6",
             "rule \"second\" when attempt > 1 { use payoneer; failover none }\n"
             "default { use paypal }\n");
    expect_status(&asked, 201, "succeeded");
    asked_release(&asked);
}

/* The request is gone by the time of the second decision. */
static void what_the_request_said_is_kept(void **state)
{
    static char tier[] = "gold";
    static char token[] = "tok_ok";
    struct asked asked = {0};
    struct payment_request request = sample("again-7");
    (void)state;
    request.token[0].token = STR("tok_soft");
    request.token[1].token = (struct str){token, sizeof(token) - 1};
    request.metadata[0] = (struct route_pair){STR("tier"), {tier, sizeof(tier) - 1}};
    request.metadata_count = 1;
    use_rules("rule \"gold\" when attempt == 2 and metadata.tier == \"gold\" and country == DE"
              " { use payoneer }\n"
              "rule \"no\" when attempt == 2 { decline \"not gold\" }\ndefault { use paypal }\n");
    ask_start(&asked, &request);
    memset(tier, '?', sizeof(tier) - 1);
    memset(token, '?', sizeof(token) - 1);
    memset(&request, 0, sizeof(request));
    world_wait();
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "attempts.1.decision.rule"), "gold");
    asked_release(&asked);
}

/* P1: whoever may have charged is followed by nobody, whatever the rules would say. */
static void a_lost_answer_is_not_decided_anew(void **state)
{
    struct asked asked, later;
    (void)state;
    use_rules("rule \"second\" when attempt > 1 { use payoneer }\ndefault { use paypal }\n");
    world_fault("paypal", "hang_after_effect");
    struct payment_request request = sample("again-8");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    (void)world_control("DELETE", "/faults", NULL);
    ask_until_final(&later, &request);
    expect_status(&later, 201, "succeeded");
    expect_attempts(&later, 1);
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
    asked_release(&later);
}

static void reaped(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)ctx;
    (void)why;
    assert_int_equal(found, STORE_FOUND);
    assert_int_equal(count, 1);
    loop_stop(world.loop);
}

/* The second attempt is in the ledger, and its worker dies before the payment is closed. */
static void what_the_rules_declined_is_declined_by_whoever_takes_it_over(void **state)
{
    struct asked asked = {0};
    struct asked later;
    (void)state;
    use_rules("rule \"stop\" when previous_decline == failed { decline \"not now\" }\n"
              "default { use paypal, payoneer }\n");
    world_fault("paypal", "refuse");
    engine_forget_account(world.engine, &world.merchant->account[0].account.account_id);
    struct payment_request request = sample("again-9");
    ledger_run("ALTER TABLE payment_answers ADD CONSTRAINT no CHECK (false) NOT VALID");
    ask_start(&asked, &request);
    int64_t until_us = clock_mono_us() + WORLD_BOUND_S * CLOCK_SECOND_US;
    while (ledger_run("SELECT count(*) FROM attempts JOIN payments USING (merchant_id, payment_id)"
                      " WHERE key = 'again-9' AND number = 2") == 0) {
        assert_true(clock_mono_us() < until_us);
        world_run_for(CLOCK_MS_US);
    }
    (void)world_control("DELETE", "/faults", NULL);
    world_free_payments();
    store_reap_writer(world.store, &world.writer_id, clock_wall_us(), reaped, NULL);
    world_wait();
    ledger_run("ALTER TABLE payment_answers DROP CONSTRAINT no");
    world_start_payments();
    ask_until_final(&later, &request);
    expect_status(&later, 201, "declined");
    expect_attempts(&later, 2);
    assert_string_equal(text_of(&later, "failure.reason"), "rule_declined");
    assert_string_equal(text_of(&later, "failure.detail"), "rule \"stop\": not now");
    assert_int_equal(world_count_charges(text_of(&later, "id"), NULL), 0);
    asked_release(&later);
    ledger_run("UPDATE writers SET reaped_at = NULL, adopted_at = NULL");
}

static int start(void **state)
{
    int code = world_start(state);
    ledger = PQconnectdb(world.conninfo);
    assert_int_equal(PQstatus(ledger), CONNECTION_OK);
    return code;
}

static int stop(void **state)
{
    PQfinish(ledger);
    int code = world_stop(state);
    while (rules_count > 0)
        rule_set_free(&rules[--rules_count]);
    return code;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_attempt_is_whose_the_rules_say),
        cmocka_unit_test(the_rules_may_decline_what_was_declined),
        cmocka_unit_test(the_rules_may_decline_what_did_not_leave),
        cmocka_unit_test(whoever_was_tried_is_not_tried_again),
        cmocka_unit_test(the_first_decision_bounds_the_others),
        cmocka_unit_test(what_the_request_said_is_kept),
        cmocka_unit_test(a_lost_answer_is_not_decided_anew),
        cmocka_unit_test(what_the_rules_declined_is_declined_by_whoever_takes_it_over),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
