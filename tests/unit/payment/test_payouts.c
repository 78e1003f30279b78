/* Payouts through the driver for real: PostgreSQL, TLS, both payout adapters and the sandbox. */
#include "tests/unit/payment/ask.h"

enum {
    POLL_MS = 50,
    POLL_MAX = 300,
};

static const struct provider_beneficiary ada = {
    .type = STR_INIT("individual"),
    .first_name = STR_INIT("Ada"),
    .last_name = STR_INIT("Lovelace"),
    .country = STR_INIT("US"),
};

static int start_world(void **state)
{
    const int status = world_start(state);
    const struct uuid merchant_id = world.merchant->merchant_id;
    world_write_secret("paypal_payouts.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_write_secret("payoneer_payouts.json", "{\"user\":\"client\",\"password\":\"secret\"}");
    world_put_account(&merchant_id, "paypal_payouts", world.port[SANDBOX_PORT_PAYPAL],
                      "{\"settle_ms\":\"1000\"}",
                      "{\"name\":\"c\",\"default\":{\"percent\":\"1.00\"}}");
    world_put_account(&merchant_id, "payoneer_payouts", world.port[SANDBOX_PORT_PAYONEER_PAYOUTS],
                      "{\"settle_ms\":\"1000\",\"program_id\":\"100012345\"}",
                      "{\"name\":\"d\",\"default\":{\"percent\":\"2.00\"}}");
    for (int i = 0; world.merchant->account_count < 4; i++) { /* looked at each 50 ms */
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
        merchants_load(world.merchants, &merchant_id, world_take_merchant, NULL);
        world_wait();
    }
    return status;
}

/* The payee at PayPal and at Payoneer; NULL: none there. */
static struct payment_request payout(const char *key, const char *paypal, const char *payoneer)
{
    struct payment_request request = sample(key);
    request.is_payout = true;
    request.beneficiary = &ada;
    request.method_type = STR("payout");
    request.token_count = 0;
    request.country = STR("US");
    request.customer_id = STR_NONE;
    request.customer_json = STR_NONE;
    if (paypal != NULL)
        request.token[request.token_count++] =
            (struct payment_token){STR("paypal"), str_of(paypal)};
    if (payoneer != NULL)
        request.token[request.token_count++] =
            (struct payment_token){STR("payoneer"), str_of(payoneer)};
    return request;
}

static void fault(const char *provider, const char *operation, const char *kind)
{
    char body[256];
    (void)snprintf(body, sizeof(body),
                   "{\"provider\":\"%s\",\"operation\":\"%s\",\"kind\":\"%s\",\"count\":1}",
                   provider, operation, kind);
    (void)world_control("POST", "/faults", body);
}

/* So many answers that the failures of one test do not open a breaker. */
static void feel_well(void)
{
    for (size_t a = 0; a < world.merchant->account_count; a++) {
        struct health_entry *entry = world.merchant->account[a].health;
        for (int i = 0; i < 50; i++) {
            health_sent(entry, clock_mono_us());
            health_answered(world.health, entry, HEALTH_SUCCESS, 1000, STR("http_201"),
                            clock_mono_us(), clock_wall_us());
        }
    }
}

/* Asked again under its key: the state it has now. */
static void ask_until(struct asked *asked, const struct payment_request *request,
                      const char *status)
{
    for (int i = 0;; i++) {
        ask(asked, request);
        if (asked->status < 300 && strcmp(text_of(asked, "status"), status) == 0)
            return;
        if (asked->status == 201)
            fail_msg("ended as %s instead of %s: %s", text_of(asked, "status"), status,
                     asked->body);
        asked_release(asked);
        assert_true(i < POLL_MAX);
        world_run_for(POLL_MS * CLOCK_MS_US);
    }
}

/* How often the books have this attempt: never twice. */
static size_t booked(const struct asked *asked, const char *attempt_id_path)
{
    char path[128];
    struct error err;
    (void)snprintf(path, sizeof(path), "/books?reference=%s", text_of(asked, attempt_id_path));
    json_t *json = json_parse(world_control("GET", path, NULL), &json_limits_default, &err);
    const size_t count = json_array_size(json_path(json, "entries"));
    json_decref(json);
    return count;
}

static void a_payout_goes_out_to_the_cheapest_provider(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("out-1", "ada@example.com", "payee-1");
    ask(&asked, &request);
    expect_status(&asked, 202, "processing");
    assert_int_equal(strncmp(text_of(&asked, "id"), "pyt_", 4), 0);
    asked_release(&asked);
    ask_until(&asked, &request, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "paypal_payouts");
    assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 1);
    assert_int_equal(booked(&asked, "attempts.0.id"), 1);
    asked_release(&asked);
}

static void what_paypal_cannot_pay_goes_to_payoneer(void **state)
{
    struct asked asked;
    (void)state;
    struct payment_request request = payout("over-1", "insufficient@example.com", "payee-1");
    ask(&asked, &request);
    asked_release(&asked);
    ask_until(&asked, &request, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "payoneer_payouts");
    assert_string_equal(text_of(&asked, "attempts.0.reason"), "insufficient_balance");
    assert_int_equal(booked(&asked, "attempts.0.id"), 0);
    assert_int_equal(booked(&asked, "attempts.1.id"), 1);
    asked_release(&asked);
    request = payout("over-2", "no e-mail@", "payee-1"); /* refused before it is sent */
    ask(&asked, &request);
    asked_release(&asked);
    ask_until(&asked, &request, "succeeded");
    assert_string_equal(text_of(&asked, "provider"), "payoneer_payouts");
    asked_release(&asked);
}

/* Whatever is lost of a create, on either side of its effect: paid once, by the first provider. */
static void a_lost_create_is_paid_once(void **state)
{
    static const struct {
        const char *provider;
        const char *kind;
        const char *end;
    } rows[] = {
        {"paypal_payouts", "hang_after_effect", "succeeded"},
        {"paypal_payouts", "reset_after_effect", "succeeded"},
        {"paypal_payouts", "http_500_after_effect", "succeeded"},
        {"paypal_payouts", "garbage", "succeeded"},
        {"paypal_payouts", "reset_before_read", "succeeded"}, /* repeated: it never arrived */
        {"paypal_payouts", "http_500", "succeeded"},
        {"payoneer_payouts", "reset_after_effect", "succeeded"},
        {"payoneer_payouts", "garbage", "succeeded"},
        {"payoneer_payouts", "reset_before_read", "failed"}, /* looked up: not found */
        {"payoneer_payouts", "http_500", "failed"},
    };
    struct payment_request requests[ARRAY_LEN(rows)];
    char keys[ARRAY_LEN(rows)][32];
    struct asked asked;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const bool is_paypal = strcmp(rows[i].provider, "paypal_payouts") == 0;
        (void)snprintf(keys[i], sizeof(keys[i]), "lost-%zu", i);
        requests[i] =
            payout(keys[i], is_paypal ? "ada@example.com" : NULL, is_paypal ? NULL : "payee-1");
        feel_well();
        fault(rows[i].provider, "payout", rows[i].kind);
        ask(&asked, &requests[i]);
        expect_status(&asked, 202, "processing");
        asked_release(&asked);
        (void)world_control("DELETE", "/faults", NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ask_until(&asked, &requests[i], rows[i].end);
        assert_int_equal(json_array_size(json_path(asked.json, "attempts")), 1);
        assert_int_equal(booked(&asked, "attempts.0.id"), strcmp(rows[i].end, "failed") != 0);
        asked_release(&asked);
    }
}

/* PayPal does it at once while it is unclaimed; Payoneer takes the wish and performs it later. */
static void what_is_not_taken_yet_is_canceled_on_request(void **state)
{
    static const struct {
        const char *paypal;
        const char *payoneer;
        const char *before;
    } rows[] = {
        {"unclaimed@example.com", NULL, "unclaimed"},
        {NULL, "payee-stuck", "processing"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char key[32];
        struct asked asked;
        struct uuid id;
        struct error err;
        (void)snprintf(key, sizeof(key), "back-%zu", i);
        struct payment_request request = payout(key, rows[i].paypal, rows[i].payoneer);
        ask_until(&asked, &request, rows[i].before);
        assert_true(id_parse(ID_PAYOUT, str_of(text_of(&asked, "id")), &id, &err));
        asked_release(&asked);
        payout_cancel_start(world.payments, world.merchant, &id, asked_done, &asked);
        world_wait();
        assert_int_equal(asked.status, 202);
        asked_release(&asked);
        ask_until(&asked, &request, "canceled");
        assert_int_equal(booked(&asked, "attempts.0.id"), 1);
        asked_release(&asked);
    }
}

static void every_end_is_shown(void **state)
{
    static const struct {
        const char *paypal;
        const char *payoneer;
        const char *status;
        const char *reason;
    } rows[] = {
        {"returned@example.com", NULL, "returned", "returned"},
        {"denied@example.com", NULL, "declined", "invalid_payee"},
        {"blocked@example.com", NULL, "declined", "compliance"},
        {"failed@example.com", NULL, "declined", "limit_exceeded"},
        {NULL, "payee-rejected", "declined", "rejected"},
        {NULL, "payee-failed", "declined", "payee_inactive"},
        {NULL, "payee-inactive", "declined", "payee_inactive"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char key[32];
        struct asked asked;
        (void)snprintf(key, sizeof(key), "end-%zu", i);
        struct payment_request request = payout(key, rows[i].paypal, rows[i].payoneer);
        ask_until(&asked, &request, rows[i].status);
        assert_string_equal(text_of(&asked, "attempts.0.reason"), rows[i].reason);
        asked_release(&asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payout_goes_out_to_the_cheapest_provider),
        cmocka_unit_test(what_paypal_cannot_pay_goes_to_payoneer),
        cmocka_unit_test(a_lost_create_is_paid_once),
        cmocka_unit_test(what_is_not_taken_yet_is_canceled_on_request),
        cmocka_unit_test(every_end_is_shown),
    };
    return cmocka_run_group_tests(tests, start_world, world_stop);
}
