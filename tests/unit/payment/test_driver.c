#include "tests/unit/payment/ask.h"

static void a_payment_succeeds_at_the_cheapest_provider(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = sample("ok-1");
    request.reference = STR("order-ok-1");
    ask(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "paypal");
    assert_int_equal(json_integer_value(json_path(asked.json, "amount_captured")), 1099);
    assert_int_equal(json_integer_value(json_path(asked.json, "attempts.0.expected_fee")), 11);
    assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 1);
    assert_string_equal(text_of(&asked, "attempts.0.status"), "approved");
    assert_string_equal(text_of(&asked, "decision.rule"), "default");
    assert_int_equal(strncmp(asked.location, "/v1/payments/pay_", 17), 0);
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
}

static void the_same_key_gives_the_same_bytes(void **state)
{
    struct asked first, second;
    (void)state;
    struct payment_request request = sample("same-1");
    ask(&first, &request);
    expect_status(&first, 201, "succeeded");
    assert_false(first.replayed);
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
    assert_int_equal(world_count_charges(text_of(&first, "id"), NULL), 1);
    asked_release(&first);
    asked_release(&second);
}

static void parallel_duplicates_make_one_charge(void **state)
{
    enum {
        COUNT = 32,
    };
    static struct asked asked[COUNT];
    size_t open = COUNT;
    (void)state;
    struct payment_request request = sample("parallel-1");
    for (size_t i = 0; i < COUNT; i++) {
        asked[i] = (struct asked){.open = &open};
        ask_start(&asked[i], &request);
    }
    world_wait();
    const char *winner = NULL;
    for (size_t i = 0; i < COUNT; i++) {
        if (asked[i].status == 409) {
            assert_int_equal(asked[i].problem, MESSAGE_KEY_IN_USE);
            assert_int_equal(asked[i].retry_after_s, 1);
            continue;
        }
        expect_status(&asked[i], 201, "succeeded");
        assert_true(winner == NULL || asked[i].replayed);
        winner = asked[i].body;
    }
    assert_non_null(winner);
    for (size_t i = 0; i < COUNT; i++) {
        if (asked[i].status == 201)
            assert_string_equal(asked[i].body, winner);
        if (asked[i].status == 201 && asked[i].body == winner)
            assert_int_equal(world_count_charges(text_of(&asked[i], "id"), NULL), 1);
    }
    for (size_t i = 0; i < COUNT; i++)
        asked_release(&asked[i]);
}

static void a_refused_connection_fails_over(void **state)
{
    struct asked asked;
    (void)state;
    world_fault("paypal", "refuse");
    engine_forget_account(world.engine, &world.merchant->account[0].account.account_id);
    struct payment_request request = sample("refuse-1");
    ask(&asked, &request);
    (void)world_control("DELETE", "/faults", NULL);
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "payoneer");
    assert_string_equal(text_of(&asked, "attempts.0.provider"), "paypal");
    assert_string_equal(text_of(&asked, "attempts.0.status"), "failed");
    assert_string_equal(text_of(&asked, "attempts.1.status"), "approved");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    assert_int_equal(world_count_charges(text_of(&asked, "id"), "payoneer"), 1);
    asked_release(&asked);
}

static void a_soft_decline_fails_over_and_a_hard_one_does_not(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = sample("soft-1");
    request.token[0].token = STR("tok_soft");
    ask(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_string_equal(text_of(&asked, "attempts.0.status"), "declined");
    assert_string_equal(text_of(&asked, "attempts.1.provider"), "payoneer");
    asked_release(&asked);
    request = sample("hard-1");
    request.token[0].token = STR("tok_hard");
    ask(&asked, &request);
    expect_status(&asked, 201, "declined");
    assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 1);
    assert_true(text_of(&asked, "failure.reason")[0] != '\0');
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 0);
    asked_release(&asked);
}

/* The answer is lost after the charge: 202, no failover, and recovery finds the one charge. */
static void a_lost_answer_is_resolved_as_one_success(void **state)
{
    struct asked asked, later;
    (void)state;
    world_fault("paypal", "hang_after_effect");
    struct payment_request request = sample("lost-1");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 1);
    (void)world_control("DELETE", "/faults", NULL);
    ask_until_final(&later, &request);
    expect_status(&later, 201, "succeeded");
    assert_true(later.replayed);
    assert_string_equal(text_of(&later, "id"), text_of(&asked, "id"));
    assert_string_equal(text_of(&later, "provider"), "paypal");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
    asked_release(&later);
}

static void a_reference_is_taken_until_its_payment_was_declined(void **state)
{
    struct asked first, second;
    (void)state;
    struct payment_request request = sample("ref-1");
    request.reference = STR("order-ref");
    request.token_count = 1;
    request.token[0].token = STR("tok_hard");
    ask(&first, &request);
    expect_status(&first, 201, "declined");
    request = sample("ref-2");
    request.reference = STR("order-ref");
    ask(&second, &request);
    expect_status(&second, 201, "succeeded");
    assert_string_not_equal(text_of(&first, "id"), text_of(&second, "id"));
    asked_release(&first);
    request.key = STR("ref-3");
    ask(&first, &request);
    expect_status(&first, 409, NULL);
    assert_int_equal(first.problem, MESSAGE_REFERENCE_TAKEN);
    assert_string_equal(first.problem_payment, text_of(&second, "id"));
    asked_release(&first);
    asked_release(&second);
}

static void what_no_account_takes_is_refused_with_every_reason(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = sample("route-1");
    request.only[0] = STR("paypal");
    request.only_count = 1;
    request.never[0] = STR("paypal");
    request.never_count = 1;
    ask(&asked, &request);
    expect_status(&asked, 422, NULL);
    assert_int_equal(asked.problem, MESSAGE_NO_ROUTE);
    assert_non_null(strstr(asked.detail, "paypal:main never"));
    assert_non_null(strstr(asked.detail, "payoneer:main only"));
    asked_release(&asked);
    request = sample("route-1"); /* the key is free: nothing was written */
    ask(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    asked_release(&asked);
}

static void the_test_method_needs_no_token(void **state)
{
    static const struct {
        const char *outcome;
        const char *status;
    } cases[] = {
        {"approved", "succeeded"},
        {"declined_soft", "declined"},
        {"declined_hard", "declined"},
        {"requires_action", "requires_action"},
    };
    struct asked asked;
    char key[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(key, sizeof(key), "test-%zu", i);
        struct payment_request request = sample(key);
        request.token_count = 0;
        request.method_type = STR("test");
        request.test_outcome = str_of(cases[i].outcome);
        ask(&asked, &request);
        expect_status(&asked, 201, cases[i].status);
        assert_string_equal(text_of(&asked, "method.type"), "test");
        asked_release(&asked);
    }
    struct payment_request request = sample("test-bad");
    request.method_type = STR("test");
    request.test_outcome = STR("perhaps");
    ask(&asked, &request);
    expect_status(&asked, 422, NULL);
    asked_release(&asked);
}

/* The database dies between the charge and its answer: the client is told to come again. */
static void a_dead_database_loses_nothing(void **state)
{
    struct asked asked = {0};
    (void)state;
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal\",\"operation\":\"charge\",\"kind\":\"slow\","
                        "\"delay_ms\":200,\"count\":1}");
    struct payment_request request = sample("dead-1");
    ask_start(&asked, &request);
    world_run_for(100 * CLOCK_MS_US);
    world_run("PG_FAST=1 config/dev/pg.sh kill %s/pg", world.pki.folder);
    world_wait();
    assert_true(asked.status == 503 || asked.status == 202);
    asked_release(&asked);
    struct payment_request other = sample("dead-2");
    ask(&asked, &other);
    expect_status(&asked, 503, NULL);
    assert_true(asked.retry_after_s > 0);
    asked_release(&asked);
    world_run("PG_FAST=1 config/dev/pg.sh start %s/pg 5432", world.pki.folder);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
    ask_until_final(&asked, &other);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(world_count_charges(text_of(&asked, "id"), NULL), 1);
    asked_release(&asked);
}

static void manual_capture_holds_the_money(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = sample("hold-1");
    request.capture_automatic = false;
    ask(&asked, &request);
    expect_status(&asked, 201, "authorized");
    assert_int_equal(json_integer_value(json_path(asked.json, "amount_captured")), 0);
    assert_string_equal(text_of(&asked, "capture"), "manual");
    asked_release(&asked);
}

/* ---- keys ---- */

struct found {
    enum merchants_find find;
    enum key_role role;
};

static void found_done(void *ctx, enum merchants_find find, const struct caller *caller)
{
    struct found *found = ctx;
    found->find = find;
    if (find == MERCHANTS_FOUND) {
        found->role = caller->role;
        if (caller->merchant != NULL)
            merchant_drop(caller->merchant);
    }
    loop_stop(world.loop);
}

static enum merchants_find authenticate(const char *text)
{
    struct found found = {.find = MERCHANTS_UNAVAILABLE};
    merchants_authenticate(world.merchants, str_of(text), found_done, &found);
    world_wait();
    return found.find;
}

static void a_key_works_until_it_is_disabled(void **state)
{
    char text[64];
    struct caller caller;
    struct directory_key key = {
        .key_id = uuid_new(),
        .merchant_id = world.merchant->merchant_id,
        .role = KEY_MERCHANT,
        .hint = STR("tpk_test_...x"),
        .created_us = clock_wall_us(),
    };
    (void)state;
    merchant_key_make(false, text, key.digest, world.pepper);
    assert_int_equal(authenticate(text), MERCHANTS_UNKNOWN);
    directory_put_key(world.store, &key, world_put_done, NULL);
    world_wait();
    for (int i = 0; authenticate(text) != MERCHANTS_FOUND; i++) { /* it was remembered as unknown */
        assert_true(i < 100);
        world_run_for(20 * CLOCK_MS_US);
    }
    assert_true(merchants_try(world.merchants, str_of(text), &caller));
    assert_true(uuid_eq(&caller.merchant->merchant_id, &world.merchant->merchant_id));
    assert_int_equal(caller.merchant->account_count, 2);
    merchant_drop(caller.merchant);
    directory_disable_key(world.store, &key.key_id, clock_wall_us(), world_put_done, NULL);
    world_wait();
    for (int i = 0; authenticate(text) != MERCHANTS_UNKNOWN; i++) {
        assert_true(i < 100);
        world_run_for(20 * CLOCK_MS_US);
    }
    assert_false(merchants_try(world.merchants, str_of(text), &caller));
    assert_int_equal(authenticate("tpk_test_no-such-key"), MERCHANTS_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payment_succeeds_at_the_cheapest_provider),
        cmocka_unit_test(the_same_key_gives_the_same_bytes),
        cmocka_unit_test(parallel_duplicates_make_one_charge),
        cmocka_unit_test(a_refused_connection_fails_over),
        cmocka_unit_test(a_soft_decline_fails_over_and_a_hard_one_does_not),
        cmocka_unit_test(a_lost_answer_is_resolved_as_one_success),
        cmocka_unit_test(a_reference_is_taken_until_its_payment_was_declined),
        cmocka_unit_test(what_no_account_takes_is_refused_with_every_reason),
        cmocka_unit_test(the_test_method_needs_no_token),
        cmocka_unit_test(manual_capture_holds_the_money),
        cmocka_unit_test(a_key_works_until_it_is_disabled),
        cmocka_unit_test(a_dead_database_loses_nothing),
    };
    return cmocka_run_group_tests(tests, world_start, world_stop);
}
