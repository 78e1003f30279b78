/* Payouts through the real thing: ledger, providers' sandbox and its books. */
#include "tests/unit/payment/ask.h"

#include <libpq-fe.h>

static PGconn *ledger;

static void ledger_run(const char *text)
{
    PGresult *res = PQexec(ledger, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(ledger));
    PQclear(res);
}

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

static void wait_until(const char *text, const char *of, long count)
{
    for (int i = 0; ledger_count(text, of) != count; i++) {
        if (i == 3000) /* a minute, and more on a busy machine */
            fail_msg("never %ld: %s", count, text);
        world_run_for(20 * CLOCK_MS_US);
    }
}

static int start(void **state)
{
    int result = world_start(state);
    world_write_secret("paypal_payouts.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_write_secret("payoneer_payouts.json", "{\"user\":\"PARTNER\",\"password\":\"secret\"}");
    const struct uuid *merchant_id = &world.merchant->merchant_id;
    world_put_account(merchant_id, "paypal_payouts", world.port[SANDBOX_PORT_PAYPAL],
                      "{\"settle_ms\":\"1000\"}",
                      "{\"name\":\"c\",\"default\":{\"percent\":\"1.00\"}}");
    world_put_account(merchant_id, "payoneer_payouts", world.port[SANDBOX_PORT_PAYONEER_PAYOUTS],
                      "{\"program_id\":\"100012345\",\"settle_ms\":\"1000\"}",
                      "{\"name\":\"d\",\"default\":{\"percent\":\"2.00\"}}");
    merchants_forget(world.merchants);
    struct uuid id = *merchant_id;
    merchants_load(world.merchants, &id, world_take_merchant, NULL);
    world_wait();
    assert_int_equal(world.merchant->account_count, 4);
    for (size_t i = 0; i < 4; i++)
        if (!world.merchant->account[i].usable)
            fail_msg("%s", world.merchant->account[i].problem);
    (void)world_control("POST", "/settings", "{\"payout_ms\":40}");
    ledger = PQconnectdb(world.conninfo);
    assert_int_equal(PQstatus(ledger), CONNECTION_OK);
    return result;
}

static int stop(void **state)
{
    PQfinish(ledger);
    return world_stop(state);
}

/* What a test before did to a provider does not count. */
static int feel_well(void **state)
{
    (void)state;
    (void)world_control("DELETE", "/faults", NULL);
    for (size_t n = 0; n < world.merchant->account_count; n++) {
        struct health_entry *entry = world.merchant->account[n].health;
        for (int i = 0; i < 50; i++) {
            health_sent(entry, clock_mono_us());
            health_answered(world.health, entry, HEALTH_SUCCESS, 1000, STR("http_201"),
                            clock_mono_us(), clock_wall_us());
        }
    }
    return 0;
}

static void reap_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)ctx;
    (void)why;
    assert_int_equal(found, STORE_FOUND);
    assert_int_equal(count, 1);
    loop_stop(world.loop);
}

enum {
    ANSWER_US = 1500 * CLOCK_MS_US,
};

/* The worker dies with everything in its hands, and another takes its place. */
static void die_and_come_back(unsigned resolve_batch, int64_t answer_us)
{
    struct uuid merchant_id = world.merchant->merchant_id;
    struct uuid dead_id = world.writer_id;
    uint8_t keys[2][32];
    memcpy(keys, world.keys, sizeof(keys));
    payments_free(&world.payments);
    engine_free(&world.engine);
    merchant_drop(world.merchant);
    world.merchant = NULL;
    merchants_free(&world.merchants);
    store_free(&world.store);
    loop_timer_release(&world.bound);
    loop_free(&world.loop);
    rule_set_free(&world.rules);
    shm_close(&world.shm);
    world_start_gateway();
    memcpy(world.keys, keys, sizeof(keys)); /* what was sealed is opened */
    payments_free(&world.payments);
    world.config.resolve_batch = resolve_batch;
    world.config.limits.answer_us = answer_us;
    if (world.config.limits.lease_us <= answer_us)
        world.config.limits.lease_us = answer_us + CLOCK_SECOND_US;
    world_start_payments();
    store_reap_writer(world.store, &dead_id, clock_wall_us(), reap_done, NULL);
    world_wait();
    merchants_load(world.merchants, &merchant_id, world_take_merchant, NULL);
    world_wait();
}

static const struct provider_beneficiary ada = {
    .type = STR_INIT("individual"),
    .first_name = STR_INIT("Ada"),
    .last_name = STR_INIT("Lovelace"),
    .email = STR_INIT("ada@secret.example"),
    .phone = STR_INIT("+4915112345678"),
    .country = STR_INIT("DE"),
    .account_holder = STR_INIT("A. Lovelace"),
    .bank_country = STR_INIT("DE"),
    .iban = STR_INIT("DE89370400440532013000"),
    .bic = STR_INIT("COBADEFFXXX"),
};

/* To PayPal's payee by the name of the family, and to nobody else. */
static struct payment_request payout(const char *key, const char *payee)
{
    struct payment_request request = {
        .key = str_of(key),
        .amount_minor = 2500,
        .currency = currency_find(STR("EUR")),
        .is_payout = true,
        .beneficiary = &ada,
        .token = {{STR("paypal"), str_of(payee)}},
        .token_count = 1,
        .metadata_json = STR("{\"run\":\"7\"}"),
        .request_id = "req_test",
    };
    crypto_sha256(STR("payout"), request.fingerprint);
    return request;
}

static struct uuid id_of(const struct asked *asked)
{
    struct uuid id;
    struct error err;
    if (!id_parse(ID_PAYOUT, str_of(text_of(asked, "id")), &id, &err))
        fail_msg("%s: %s", text_of(asked, "id"), err.text);
    return id;
}

/* What the provider's books have of this attempt. */
static json_t *read_books(const struct asked *asked, int attempt)
{
    char path[128];
    char at[32];
    struct error err;
    struct json_limits limits = {
        .depth_max = 32, .member_count_max = 1000000, .string_bytes_max = 65536};
    (void)snprintf(at, sizeof(at), "attempts.%d.id", attempt);
    (void)snprintf(path, sizeof(path), "/books?reference=%s", text_of(asked, at));
    json_t *json = json_parse(world_control("GET", path, NULL), &limits, &err);
    if (json == NULL)
        fail_msg("%s", err.text);
    return json;
}

static const json_t *entries_of(json_t *json)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(json, name, value)
    {
        if (json_is_array(value))
            return value;
    }
    return json;
}

/* How many payouts of this attempt the provider's books have, in this state; NULL: any. */
static size_t booked(const struct asked *asked, int attempt, const char *state)
{
    json_t *json = read_books(asked, attempt);
    const json_t *list = entries_of(json);
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        assert_string_equal(json_string_value(json_object_get(entry, "kind")), "payout");
        count += state == NULL || str_eq(json_text(entry, "state"), str_of(state));
    }
    json_decref(json);
    return count;
}

static void settle(const struct asked *asked, const char *state)
{
    char body[160];
    json_t *json = read_books(asked, 0);
    assert_int_equal(json_array_size(entries_of(json)), 1);
    struct str id = json_text(json_array_get(entries_of(json), 0), "id");
    (void)snprintf(body, sizeof(body), "{\"id\":\"" STR_FMT "\",\"state\":\"%s\"}", STR_ARG(id),
                   state);
    (void)world_control("POST", "/settle", body);
    json_decref(json);
}

static void fault(const char *provider, const char *operation, const char *kind)
{
    char body[256];
    (void)snprintf(body, sizeof(body),
                   "{\"provider\":\"%s\",\"operation\":\"%s\",\"kind\":\"%s\",\"count\":1}",
                   provider, operation, kind);
    (void)world_control("POST", "/faults", body);
}

#define TRANSFERS                                                                                  \
    "SELECT coalesce(sum(transfers.amount_minor), 0) FROM transfers JOIN payments USING "          \
    "(merchant_id,"                                                                                \
    " payment_id) WHERE payments.key = $1 AND transfers.kind = "

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

#define OPEN_ATTEMPTS                                                                              \
    "SELECT count(*) FROM attempts a JOIN payments p USING (merchant_id, payment_id)"              \
    " WHERE p.key = $1 AND NOT EXISTS (SELECT FROM outcomes o WHERE o.attempt_id = a.attempt_id)"

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
    /* It is looked at again and again, and nothing is written down for it. */
    wait_until("SELECT (tries >= 8)::integer FROM unresolved JOIN payments USING (payment_id)"
               " WHERE key = $1",
               "unclaimed-1", 1);
    assert_true(ledger_count("SELECT count(*) FROM outcomes JOIN attempts USING (attempt_id) JOIN"
                             " payments USING (payment_id) WHERE key = $1",
                             "unclaimed-1") <= 4);
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
        (void)snprintf(key[i], sizeof(key[i]), "hang-%s-%zu", i % 2 == 0 ? "one" : "two", i);
        struct payment_request request = payout(key[i], "ada@example.com");
        if (i % 2 == 1)
            request.token[0] = (struct payment_token){STR("payoneer"), STR("payee-1")};
        asked[i] = (struct asked){.open = &open};
        ask_start(&asked[i], &request);
    }
    world_wait();
    for (size_t i = 0; i < 2 * COUNT; i++) {
        if (asked[i].status != 202 && asked[i].status != 201)
            fail_msg("%s: %d, problem %d: %s", key[i], asked[i].status, asked[i].problem,
                     asked[i].detail);
        asked_release(&asked[i]);
    }
    wait_until("SELECT count(*) FROM events JOIN payments USING (payment_id)"
               " WHERE status = 'succeeded' AND key LIKE $1",
               "hang-one-%", COUNT);
    assert_int_equal(ledger_count("SELECT count(*) FROM events JOIN payments USING (payment_id)"
                                  " WHERE status = 'succeeded' AND key LIKE $1",
                                  "hang-two-%"),
                     0);
    (void)world_control("DELETE", "/faults", NULL);
    wait_until("SELECT count(*) FROM events JOIN payments USING (payment_id)"
               " WHERE status = 'succeeded' AND key LIKE $1",
               "hang-two-%", COUNT);
    struct payment_request request = payout(key[1], "ada@example.com");
    request.token[0] = (struct payment_token){STR("payoneer"), STR("payee-1")};
    ask(&last, &request);
    assert_int_equal(booked(&last, 0, "completed"), 1);
    asked_release(&last);
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
        cmocka_unit_test_setup(a_lost_answer_is_never_failed_over, feel_well),
        cmocka_unit_test_setup(a_dead_workers_payout_is_paid_once, feel_well),
        cmocka_unit_test_setup(what_the_beneficiary_does_not_take_is_shown, feel_well),
        cmocka_unit_test_setup(what_comes_back_is_returned, feel_well),
        cmocka_unit_test_setup(an_unclaimed_payout_is_canceled_by_its_provider, feel_well),
        cmocka_unit_test_setup(a_confirmation_that_is_lost_is_asked_for, feel_well),
        cmocka_unit_test_setup(a_cancel_outlives_the_worker, feel_well),
        cmocka_unit_test_setup(what_cannot_be_canceled_goes_on, feel_well),
        cmocka_unit_test_setup(only_ones_own_payouts_can_be_canceled, feel_well),
        cmocka_unit_test_setup(a_cancel_waits_for_the_first_answer, feel_well),
        cmocka_unit_test_setup(a_provider_that_hangs_keeps_only_its_own_waiting, feel_well),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
