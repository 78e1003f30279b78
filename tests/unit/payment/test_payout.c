/* Payouts through the real thing: ledger, providers' sandbox and its books. */
#include "tests/unit/payment/payout.h"

#include "payment/driver.h"

/* ---- paid ---- */

static void a_payout_is_pending_then_paid_and_posted_once(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("paid-1", "ada@example.com");
    request.reference = STR("settlement-1");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    assert_int_equal(strncmp(asked.location, "/v1/payouts/pyt_", 16), 0);
    asked_release(&asked);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "object"), "payout");
    assert_string_equal(text_of(&asked, "provider"), "paypal_payouts");
    assert_string_equal(text_of(&asked, "reference"), "settlement-1");
    assert_string_equal(text_of(&asked, "beneficiary.name"), "Ada Lovelace");
    assert_string_equal(text_of(&asked, "beneficiary.iban_last4"), "3000");
    assert_string_equal(text_of(&asked, "attempts.0.operation"), "payout");
    assert_false(json_is_true(json_path(asked.json, "cancel_requested")));
    assert_null(strstr(asked.body, "secret.example"));
    assert_null(strstr(asked.body, "DE8937"));
    assert_null(strstr(asked.body, "49151"));
    assert_int_equal(booked(&asked, 0, NULL), 1);
    assert_int_equal(booked(&asked, 0, "completed"), 1);
    assert_int_equal(ledger_count(TRANSFERS "'payout'", "paid-1"), 2500);
    assert_true(ledger_count(TRANSFERS "'fee'", "paid-1") > 0);
    assert_int_equal(
        ledger_count("SELECT count(*) FROM payments WHERE country = 'DE' AND key = $1", "paid-1"),
        1);
    assert_int_equal(
        ledger_count("SELECT count(*) FROM payment_limits l JOIN payments p USING (payment_id)"
                     " WHERE p.key = $1",
                     "paid-1"),
        0);
    assert_int_equal(ledger_count("SELECT count(*) FROM payments"
                                  " WHERE key = $1 AND (customer LIKE '%DE8937%' OR"
                                  " customer LIKE '%secret.example%')",
                                  "paid-1"),
                     0);
    asked_release(&asked);
}

static void the_same_key_gives_the_same_bytes(void **state)
{
    struct asked first, second;
    (void)state;
    struct payment_request request = payout("same-1", "ada@example.com");
    ask_until_final(&first, &request);
    ask(&second, &request);
    expect_status(&second, 201, "succeeded");
    assert_true(second.replayed);
    assert_string_equal(first.body, second.body);
    assert_string_equal(first.location, second.location);
    asked_release(&second);
    request.fingerprint[0] ^= 1;
    ask(&second, &request);
    expect_status(&second, 422, NULL);
    assert_int_equal(second.problem, MESSAGE_KEY_REUSED);
    assert_int_equal(booked(&first, 0, NULL), 1);
    asked_release(&first);
    asked_release(&second);
}

/* Of a row of a batch the id is known before: by that id, or that key, it is opened once. */
static void an_id_that_is_known_before_is_opened_once(void **state)
{
    struct asked asked, other;
    (void)state;
    struct payment_request request = payout("known-1", "ada@example.com");
    request.payment_id = uuid_new();
    ask_until_final(&asked, &request);
    struct uuid id = id_of(&asked);
    assert_true(uuid_eq(&id, &request.payment_id));
    ask(&other, &request);
    expect_status(&other, 201, "succeeded");
    assert_string_equal(asked.body, other.body);
    asked_release(&other);
    request.key = STR("known-2");
    ask(&other, &request);
    expect_status(&other, 503, NULL);
    asked_release(&other);
    assert_int_equal(ledger_count("SELECT count(*) FROM idempotency WHERE key = $1", "known-2"), 0);
    assert_int_equal(booked(&asked, 0, NULL), 1);
    asked_release(&asked);
}

static void parallel_duplicates_make_one_payout(void **state)
{
    enum {
        COUNT = 32,
    };
    static struct asked asked[COUNT];
    size_t open = COUNT;
    (void)state;
    struct payment_request request = payout("parallel-1", "ada@example.com");
    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = (struct asked){.open = &open};
        ask_start(&asked[i], &request);
    }
    world_wait();
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(asked[i].status == 409 || asked[i].status == 202 || asked[i].status == 201);
        asked_release(&asked[i]);
    }
    struct asked last;
    ask_until_final(&last, &request);
    assert_int_equal(booked(&last, 0, "completed"), 1);
    assert_int_equal(ledger_count("SELECT count(*) FROM payments WHERE key = $1", "parallel-1"), 1);
    asked_release(&last);
}

/* ---- routed ---- */

static void payment_and_payout_accounts_never_meet(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("route-1", "ada@example.com");
    request.token[1] = (struct payment_token){STR("payoneer"), STR("payee-1")};
    request.token_count = 2;
    ask(&asked, &request);
    assert_int_equal(json_array_size(json_path(asked.json, "decision.candidates")), 2);
    assert_string_equal(text_of(&asked, "decision.candidates.0.provider"), "paypal_payouts");
    assert_string_equal(text_of(&asked, "decision.candidates.1.provider"), "payoneer_payouts");
    asked_release(&asked);
    request = sample("route-2");
    ask(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(json_array_size(json_path(asked.json, "decision.candidates")), 2);
    assert_string_equal(text_of(&asked, "decision.candidates.0.provider"), "paypal");
    asked_release(&asked);
    request = payout("route-3", "ada@example.com");
    request.only[0] = STR("paypal");
    request.only_count = 1;
    ask(&asked, &request);
    expect_status(&asked, 422, NULL);
    assert_int_equal(asked.problem, MESSAGE_NO_ROUTE);
    asked_release(&asked);
}

/* The payee id of the provider itself goes before that of its family. */
static void a_payee_id_is_found_by_provider_then_by_family(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("payee-1", "blocked@example.com");
    request.token[1] = (struct payment_token){STR("paypal_payouts"), STR("ada@example.com")};
    request.token_count = 2;
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    asked_release(&asked);
    request = payout("payee-2", "blocked@example.com");
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "declined");
    assert_string_equal(text_of(&asked, "failure.reason"), "compliance");
    asked_release(&asked);
}

static void a_definite_refusal_fails_over(void **state)
{
    struct asked asked;
    (void)state;
    fault("paypal_payouts", "payout", "decline_soft");
    struct payment_request request = payout("over-1", "ada@example.com");
    request.token[1] = (struct payment_token){STR("payoneer"), STR("payee-1")};
    request.token_count = 2;
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "payoneer_payouts");
    assert_int_equal(booked(&asked, 0, "completed"), 0);
    assert_int_equal(booked(&asked, 1, "completed"), 1);
    asked_release(&asked);
}

/* ---- unknown ---- */

static void a_lost_answer_is_never_failed_over(void **state)
{
    struct asked asked;
    (void)state;
    fault("paypal_payouts", "payout", "hang_after_effect");
    struct payment_request request = payout("lost-1", "ada@example.com");
    request.token[1] = (struct payment_token){STR("payoneer"), STR("payee-1")};
    request.token_count = 2;
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    asked_release(&asked);
    (void)world_control("DELETE", "/faults", NULL);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 1);
    assert_int_equal(booked(&asked, 0, "completed"), 1);
    assert_int_equal(booked(&asked, 0, NULL), 1);
    asked_release(&asked);
}

/* The worker dies with the payout on its way: whoever takes it over has the payee's id from the
 * ledger. */
static void a_dead_workers_payout_is_paid_once(void **state)
{
    struct asked asked = {0};
    (void)state;
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal_payouts\",\"operation\":\"payout\","
                        "\"kind\":\"slow\",\"delay_ms\":600,\"count\":1}");
    struct payment_request request = payout("dead-1", "ada@example.com");
    ask_start(&asked, &request);
    wait_until(OPEN_ATTEMPTS, "dead-1", 1);
    die_and_come_back(256, ANSWER_US);
    struct asked later;
    ask_until_final(&later, &request);
    expect_status(&later, 201, "succeeded");
    assert_int_equal(booked(&later, 0, "completed"), 1);
    assert_int_equal(booked(&later, 0, NULL), 1);
    asked_release(&later);
}

/* ---- unclaimed, returned ---- */

static void what_the_beneficiary_does_not_take_is_shown(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("unclaimed-1", "unclaimed@example.com");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    asked_release(&asked);
    wait_until("SELECT count(*) FROM events JOIN payments USING (payment_id) WHERE key = $1"
               " AND status = 'unclaimed' AND type = 'payout.unclaimed'",
               "unclaimed-1", 1);
    ask(&asked, &request);
    expect_status(&asked, 202, "unclaimed");
    assert_string_equal(text_of(&asked, "attempts.0.reason"), "unclaimed");
    asked_release(&asked);
    assert_int_equal(ledger_count("SELECT count(*) FROM events JOIN payments USING (payment_id)"
                                  " WHERE key = $1",
                                  "unclaimed-1"),
                     2); /* processing, unclaimed */
    /* It is looked at again and again, and nothing is written down for it. */
    wait_until("SELECT (tries >= 8)::integer FROM unresolved JOIN payments USING (payment_id)"
               " WHERE key = $1",
               "unclaimed-1", 1);
    assert_true(ledger_count("SELECT count(*) FROM outcomes JOIN attempts USING (attempt_id) JOIN"
                             " payments USING (payment_id) WHERE key = $1",
                             "unclaimed-1") <= 4);
}

/* Why it is pending is written down; that it is processing was said before. */
static void a_reason_that_changes_no_status_is_no_event(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("hold-1", "onhold@example.com");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    asked_release(&asked);
    wait_until("SELECT count(*) FROM outcomes JOIN attempts USING (attempt_id) JOIN payments USING"
               " (payment_id) WHERE key = $1 AND reason = 'on_hold'",
               "hold-1", 1);
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    assert_string_equal(text_of(&asked, "attempts.0.reason"), "on_hold");
    asked_release(&asked);
    assert_int_equal(ledger_count("SELECT count(*) FROM events JOIN payments USING (payment_id)"
                                  " WHERE key = $1",
                                  "hold-1"),
                     1);
}

static const struct provider *real;
static size_t lookup_count;

/* What an adapter is told when an attempt is taken up again. */
static bool look_up_knowing(const struct provider_call *call, const struct provider_facts *facts,
                            struct arena *arena, struct provider_request *request)
{
    assert_non_null(call->beneficiary);
    assert_true(str_eq(call->beneficiary->iban, ada.iban));
    assert_true(str_eq(call->beneficiary->last_name, ada.last_name));
    assert_true(str_ends(call->token, STR("@example.com"))); /* others are open, too */
    assert_int_equal(call->operation, OPERATION_PAYOUT);
    assert_int_equal(strncmp(call->payment_ref.at, "pyt_", 4), 0);
    lookup_count++;
    return real->build_lookup(call, facts, arena, request);
}

static void who_looks_again_knows_the_beneficiary(void **state)
{
    struct provider knowing;
    (void)state;
    for (int i = 0; lookup_count == 0; i++) { /* the cache may have forgotten the merchant once */
        struct asked asked;
        char key[32];
        struct uuid merchant_id = world.merchant->merchant_id;
        assert_true(i < 10);
        merchants_load(world.merchants, &merchant_id, world_take_merchant, NULL);
        world_wait();
        struct provider_account *account = &world.merchant->account[2].account;
        assert_string_equal(account->provider->name, "paypal_payouts");
        real = account->provider;
        knowing = *real;
        knowing.build_lookup = look_up_knowing;
        account->provider = &knowing;
        (void)snprintf(key, sizeof(key), "knowing-%d", i);
        struct payment_request request = payout(key, "ada@example.com");
        ask_until_final(&asked, &request);
        account->provider = real;
        expect_status(&asked, 201, "succeeded");
        asked_release(&asked);
    }
}

static void what_comes_back_is_returned(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("returned-1", "returned@example.com");
    request.reference = STR("settlement-returned");
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "returned");
    assert_string_equal(text_of(&asked, "failure.reason"), "returned");
    assert_int_equal(ledger_count(TRANSFERS "'payout'", "returned-1"), 0);
    asked_release(&asked);
    /* Its reference may be tried again. */
    request = payout("returned-2", "ada@example.com");
    request.reference = STR("settlement-returned");
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    asked_release(&asked);
}

/* ---- passed on ---- */

static const struct uuid *account_of(const char *provider)
{
    for (size_t n = 0; n < world.merchant->account_count; n++) {
        const struct merchant_account *account = &world.merchant->account[n];
        if (str_eq(account->row.provider, str_of(provider)))
            return &account->account.account_id;
    }
    fail_msg("no account of %s", provider);
    return NULL;
}

static const int64_t later_us = 7200 * CLOCK_SECOND_US;

/* Whom it is passed on to cannot be asked: that is his reason, and not that of the one before. */
static void every_attempt_has_its_own_reason(void **state)
{
    static const struct {
        const char *key;
        const char *payoneer;
        const char *second;
    } rows[] = {{"own-1", "a/b", "not_expressible"}, {"\302\247payout:own:1", "payee-1", "busy"}};
    struct rests *rests = world.payments->rests;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t open = 1;
        struct asked asked = {.open = &open};
        struct payment_request request = payout(rows[i].key, "ada@example.com");
        request.token[request.token_count++] =
            (struct payment_token){STR("payoneer"), str_of(rows[i].payoneer)};
        (void)feel_well(NULL);
        (void)world_control("POST", "/faults", "{\"provider\":\"paypal\",\"kind\":\"refuse\"}");
        ask_start(&asked, &request);
        if (i == 1) /* after the decision, and before its turn */
            rests_turned_away(rests, account_of("payoneer_payouts"), 3600 * 1000, clock_mono_us());
        world_wait();
        expect_status(&asked, 201, "failed");
        assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 2);
        assert_string_equal(text_of(&asked, "attempts.0.reason"), "connect_refused");
        assert_string_equal(text_of(&asked, "attempts.1.reason"), rows[i].second);
        asked_release(&asked);
    }
    rests_was_taken(rests, account_of("payoneer_payouts"), clock_mono_us() + later_us);
}

static void who_can_wait_leaves_a_busy_provider_alone(void **state)
{
    struct asked asked;
    struct rests *rests = world.payments->rests;
    const struct uuid *account_id = account_of("paypal_payouts");
    (void)state;
    fault("paypal_payouts", "payout", "http_429");
    struct payment_request request = payout("busy-1", "ada@example.com");
    ask(&asked, &request);
    expect_status(&asked, 201, "failed");
    assert_string_equal(text_of(&asked, "attempts.0.reason"), "rate_limited");
    asked_release(&asked);
    assert_int_equal(rests_count(rests), 1);
    rests_turned_away(rests, account_id, 3600 * 1000, clock_mono_us());
    struct payment_request waiting = payout("\302\247payout:x:1", "ada@example.com");
    ask(&asked, &waiting);
    assert_int_equal(asked.problem, MESSAGE_OVERLOADED);
    assert_true(asked.retry_after_s > 3000);
    asked_release(&asked);
    assert_int_equal(ledger_count("SELECT count(*) FROM payments WHERE key = $1", waiting.key.at),
                     0);
    request = payout("busy-2", "ada@example.com"); /* a client waits for it */
    ask(&asked, &request);
    expect_status(&asked, 202, NULL);
    asked_release(&asked);
    rests_was_taken(rests, account_id, clock_mono_us() + later_us);
    ask(&asked, &waiting);
    expect_status(&asked, 202, NULL);
    asked_release(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_payout_is_pending_then_paid_and_posted_once, feel_well),
        cmocka_unit_test_setup(the_same_key_gives_the_same_bytes, feel_well),
        cmocka_unit_test_setup(an_id_that_is_known_before_is_opened_once, feel_well),
        cmocka_unit_test_setup(parallel_duplicates_make_one_payout, feel_well),
        cmocka_unit_test_setup(payment_and_payout_accounts_never_meet, feel_well),
        cmocka_unit_test_setup(a_payee_id_is_found_by_provider_then_by_family, feel_well),
        cmocka_unit_test_setup(a_definite_refusal_fails_over, feel_well),
        cmocka_unit_test_setup(every_attempt_has_its_own_reason, feel_well),
        cmocka_unit_test_setup(who_can_wait_leaves_a_busy_provider_alone, feel_well),
        cmocka_unit_test_setup(a_lost_answer_is_never_failed_over, feel_well),
        cmocka_unit_test_setup(a_dead_workers_payout_is_paid_once, feel_well),
        cmocka_unit_test_setup(what_the_beneficiary_does_not_take_is_shown, feel_well),
        cmocka_unit_test_setup(a_reason_that_changes_no_status_is_no_event, feel_well),
        cmocka_unit_test_setup(who_looks_again_knows_the_beneficiary, feel_well),
        cmocka_unit_test_setup(what_comes_back_is_returned, feel_well),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
