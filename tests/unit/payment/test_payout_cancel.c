/* Payouts that the merchant wants back, and many payouts at once. */
#include "tests/unit/payment/payout.h"

/* ---- canceled ---- */

static void cancel(struct asked *asked, const struct uuid *payment_id)
{
    *asked = (struct asked){0};
    payout_cancel_start(world.payments, world.merchant, payment_id, asked_done, asked);
    assert_false(asked->is_done);
    world_wait();
    assert_true(asked->is_done);
}

static struct uuid make_unclaimed(struct payment_request *request)
{
    struct asked asked;
    ask(&asked, request);
    expect_status(&asked, 202, NULL);
    struct uuid id = id_of(&asked);
    asked_release(&asked);
    wait_until("SELECT count(*) FROM events JOIN payments USING (payment_id) WHERE key = $1"
               " AND status = 'unclaimed'",
               request->key.at, 1);
    return id;
}

static void an_unclaimed_payout_is_canceled_by_its_provider(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("cancel-1", "unclaimed@example.com");
    struct uuid id = make_unclaimed(&request);
    cancel(&asked, &id);
    expect_status(&asked, 202, "unclaimed");
    assert_true(json_is_true(json_path(asked.json, "cancel_requested")));
    asked_release(&asked);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "canceled");
    assert_false(json_is_true(json_path(asked.json, "cancel_requested")));
    assert_int_equal(booked(&asked, 0, "completed"), 0);
    assert_int_equal(ledger_count(TRANSFERS "'payout'", "cancel-1"), 0);
    asked_release(&asked);
    cancel(&asked, &id); /* again: it is done */
    expect_status(&asked, 200, "canceled");
    asked_release(&asked);
}

/* The answer to the cancel is lost: the look-up says that the money came back. */
static void a_confirmation_that_is_lost_is_asked_for(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("cancel-2", "unclaimed@example.com");
    struct uuid id = make_unclaimed(&request);
    fault("paypal_payouts", "cancel", "close_after_effect");
    cancel(&asked, &id);
    expect_status(&asked, 202, NULL);
    asked_release(&asked);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "canceled");
    assert_int_equal(booked(&asked, 0, "completed"), 0);
    asked_release(&asked);
}

/* The worker dies after the cancel is noted; it is noted for whoever comes. */
static void a_cancel_outlives_the_worker(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("cancel-3", "unclaimed@example.com");
    struct uuid id = make_unclaimed(&request);
    fault("paypal_payouts", "cancel", "hang_before_effect");
    cancel(&asked, &id);
    expect_status(&asked, 202, NULL);
    asked_release(&asked);
    die_and_come_back(256, ANSWER_US);
    ask_until_final(&asked, &request); /* once the dead one's lease is over */
    expect_status(&asked, 201, "canceled");
    asked_release(&asked);
}

/* The provider refuses the cancel, or is too late with it: its word counts. */
static void what_cannot_be_canceled_goes_on(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("kept-1", "kept@example.com");
    struct uuid id = make_unclaimed(&request);
    cancel(&asked, &id);
    expect_status(&asked, 202, "unclaimed");
    asked_release(&asked);
    wait_until("SELECT (tries >= 4)::integer FROM unresolved JOIN payments USING (payment_id)"
               " WHERE key = $1 AND canceled_at IS NOT NULL",
               "kept-1", 1);
    ask(&asked, &request);
    expect_status(&asked, 202, "unclaimed");
    assert_true(json_is_true(json_path(asked.json, "cancel_requested")));
    settle(&asked, "completed");
    asked_release(&asked);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    assert_int_equal(booked(&asked, 0, "completed"), 1);
    assert_int_equal(ledger_count(TRANSFERS "'payout'", "kept-1"), 2500);
    asked_release(&asked);
    cancel(&asked, &id);
    expect_status(&asked, 409, NULL);
    assert_int_equal(asked.problem, MESSAGE_CONFLICT);
    asked_release(&asked);
}

#define CANCELS                                                                                    \
    "SELECT count(*) FROM unresolved JOIN payments USING (payment_id)"                             \
    " WHERE key = $1 AND canceled_at IS NOT NULL"

/*
 * Its create was lost, and with it the batch's id: only a repeat can find it, and what is canceled
 * is not repeated.
 */
static void what_cannot_be_asked_after_is_not_canceled_yet(void **state)
{
    struct asked asked;
    (void)state;
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal_payouts\",\"operation\":\"payout\","
                        "\"kind\":\"close_after_effect\"}");
    struct payment_request request = payout("lost-1", "unclaimed@example.com");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    struct uuid id = id_of(&asked);
    asked_release(&asked);
    cancel(&asked, &id);
    expect_status(&asked, 409, NULL);
    assert_int_equal(asked.problem, MESSAGE_CONFLICT);
    assert_true(asked.retry_after_s > 0);
    asked_release(&asked);
    assert_int_equal(ledger_count(CANCELS, "lost-1"), 0);
    (void)feel_well(NULL);
    wait_until("SELECT count(*) FROM events JOIN payments USING (payment_id) WHERE key = $1"
               " AND status = 'unclaimed'",
               "lost-1", 1);
    cancel(&asked, &id);
    expect_status(&asked, 202, NULL);
    asked_release(&asked);
    /* Not before nothing of the lost ones can still arrive. */
    wait_until("SELECT count(*) FROM events JOIN payments USING (payment_id) WHERE key = $1"
               " AND status = 'canceled'",
               "lost-1", 1);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "canceled");
    assert_int_equal(booked(&asked, 0, NULL), 1);
    assert_int_equal(booked(&asked, 0, "completed"), 0);
    asked_release(&asked);
}

static void only_ones_own_payouts_can_be_canceled(void **state)
{
    struct asked asked;
    struct uuid id = uuid_new();
    (void)state;
    cancel(&asked, &id);
    expect_status(&asked, 404, NULL);
    asked_release(&asked);
    struct payment_request request = sample("pay-1"); /* a payment is no payout */
    ask(&asked, &request);
    expect_status(&asked, 201, "succeeded");
    struct error err;
    assert_true(id_parse(ID_PAYMENT, str_of(text_of(&asked, "id")), &id, &err));
    asked_release(&asked);
    cancel(&asked, &id);
    expect_status(&asked, 404, NULL);
    asked_release(&asked);
    /* Somebody else's. */
    request = payout("strange-1", "unclaimed@example.com");
    id = make_unclaimed(&request);
    struct merchant *mine = world.merchant;
    struct merchant stranger = *mine;
    stranger.merchant_id = uuid_new();
    merchant_hold(mine);
    asked = (struct asked){0};
    ledger_run("UPDATE unresolved SET canceled_at = NULL");
    long before = ledger_count("SELECT count(*) FROM unresolved WHERE canceled_at IS NOT NULL"
                               " AND $1 = ''",
                               "");
    struct uuid kept = mine->merchant_id;
    mine->merchant_id = stranger.merchant_id;
    cancel(&asked, &id);
    mine->merchant_id = kept;
    merchant_drop(mine);
    expect_status(&asked, 404, NULL);
    assert_int_equal(ledger_count("SELECT count(*) FROM unresolved WHERE canceled_at IS NOT NULL"
                                  " AND $1 = ''",
                                  ""),
                     before);
    asked_release(&asked);
}

/* It comes while the payout is being sent: it waits until there is something to cancel. */
static void a_cancel_waits_for_the_first_answer(void **state)
{
    struct asked asked, canceled = {0};
    (void)state;
    die_and_come_back(256, 20 * CLOCK_SECOND_US);
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"paypal_payouts\",\"operation\":\"payout\","
                        "\"kind\":\"slow\",\"delay_ms\":300,\"count\":1}");
    struct payment_request request = payout("early-1", "unclaimed@example.com");
    request.payment_id = uuid_new();
    size_t open = 2;
    asked = (struct asked){.open = &open};
    canceled.open = &open;
    ask_start(&asked, &request);
    wait_until(OPEN_ATTEMPTS, "early-1", 1);
    payout_cancel_start(world.payments, world.merchant, &request.payment_id, asked_done, &canceled);
    if (open > 0)
        world_wait();
    expect_status(&asked, 202, NULL);
    expect_status(&canceled, 202, NULL);
    asked_release(&asked);
    asked_release(&canceled);
    ask_until_final(&asked, &request);
    expect_status(&asked, 201, "canceled");
    assert_int_equal(booked(&asked, 0, "completed"), 0);
    asked_release(&asked);
}

/* ---- many ---- */

/* Hanging look-ups open the breaker sooner or later: then it takes some time to be let in. */
static void ask_until_taken(const struct payment_request *request)
{
    struct asked asked;
    for (int i = 0; i < 300; i++) {
        ask(&asked, request);
        int status = asked.status;
        asked_release(&asked);
        if (status == 202 || status == 201)
            return;
        assert_true(status == 503 || status == 409);
        world_run_for(200 * CLOCK_MS_US);
    }
    fail_msg("never taken");
}

static struct payment_request hanging(char key[32], size_t i)
{
    bool is_slow = i % 2 == 1;
    (void)snprintf(key, 32, "hang-%s-%zu", is_slow ? "two" : "one", i);
    struct payment_request request = payout(key, "ada@example.com");
    if (is_slow)
        request.token[0] = (struct payment_token){STR("payoneer"), STR("payee-1")};
    return request;
}

#define SUCCEEDED                                                                                  \
    "SELECT count(*) FROM events JOIN payments USING (payment_id)"                                 \
    " WHERE status = 'succeeded' AND key LIKE $1"

/* One provider hangs, with more payouts than may be in hand: the other's are paid meanwhile. */
static void a_provider_that_hangs_keeps_only_its_own_waiting(void **state)
{
    enum {
        COUNT = 40,
    };
    static struct asked asked[2 * COUNT];
    static char key[2 * COUNT][32];
    struct asked last;
    size_t open = 2 * COUNT;
    (void)state;
    die_and_come_back(16, ANSWER_US); /* 8 of a provider, 6 of an account */
    (void)world_control("POST", "/faults",
                        "{\"provider\":\"payoneer_payouts\",\"operation\":\"lookup\","
                        "\"kind\":\"hang_before_effect\"}");
    for (size_t i = 0; i < 2 * COUNT; i++) {
        struct payment_request request = hanging(key[i], i);
        asked[i] = (struct asked){.open = &open};
        ask_start(&asked[i], &request);
    }
    world_wait();
    for (size_t i = 0; i < 2 * COUNT; i++) {
        struct payment_request request = hanging(key[i], i);
        int status = asked[i].status;
        asked_release(&asked[i]);
        if (status != 202)
            ask_until_taken(&request);
    }
    wait_until(SUCCEEDED, "hang-one-%", COUNT);
    assert_int_equal(ledger_count(SUCCEEDED, "hang-two-%"), 0);
    (void)world_control("DELETE", "/faults", NULL);
    wait_until(SUCCEEDED, "hang-two-%", COUNT);
    struct payment_request request = hanging(key[1], 1);
    ask(&last, &request);
    assert_int_equal(booked(&last, 0, "completed"), 1);
    asked_release(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_unclaimed_payout_is_canceled_by_its_provider, feel_well),
        cmocka_unit_test_setup(a_confirmation_that_is_lost_is_asked_for, feel_well),
        cmocka_unit_test_setup(a_cancel_outlives_the_worker, feel_well),
        cmocka_unit_test_setup(what_cannot_be_canceled_goes_on, feel_well),
        cmocka_unit_test_setup(what_cannot_be_asked_after_is_not_canceled_yet, feel_well),
        cmocka_unit_test_setup(only_ones_own_payouts_can_be_canceled, feel_well),
        cmocka_unit_test_setup(a_cancel_waits_for_the_first_answer, feel_well),
        cmocka_unit_test_setup(a_provider_that_hangs_keeps_only_its_own_waiting, feel_well),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
