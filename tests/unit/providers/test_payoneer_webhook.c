/* Payoneer's webhooks, of payouts (signed) and of Checkout (a secret address). */
#include "providers/payoneer_webhook.h"

#include "base/clock.h"
#include "providers/payoneer_payouts_webhook.h"

#include "fixture.h"

/* The fact sheet's vector, which was not made by this code. */
#define VECTOR_URL                           "https://gateway.example/hooks/payoneer/Cancel?b=2&A=1"
#define VECTOR_BODY                          "{\"Payee Id\":\"p-1\",\"IntPaymentId\":\"gw-0001\",\"Reason Code\":\"10009\"}"
#define VECTOR_SIGNATURE                     "22G4dhZr3ylSGvUvd2grP7hs0Gf4khjKHjGwfOJM9Kw="
#define VECTOR_TIME                          1767225600LL
#define SIGNED(name, signature, nonce, time) "hmacauth " name ":" signature ":" nonce ":" time
#define SANDBOX                              "Webhook-IPCNSender-sandbox"
#define VECTOR                               SIGNED(SANDBOX, VECTOR_SIGNATURE, "7f3c", "1767225600")

struct sent {
    struct provider_account account;
    struct provider_header header[2];
    struct provider_webhook webhook;
};

static void set(struct sent *s, const char *name, const char *value)
{
    assert_int_equal(
        json_object_set_new((json_t *)(uintptr_t)s->account.settings, name, json_string(value)), 0);
}

static void begin(struct sent *s, const char *secret)
{
    memset(s, 0, sizeof(*s));
    s->account.settings = json_object();
    assert_true(str_copy_to(STR("https://127.0.0.1:9443"), s->account.base_url,
                            sizeof(s->account.base_url)));
    secret_set(&s->account.webhook_secret[0], str_of(secret));
    s->header[0] = (struct provider_header){STR("Authorization"), STR(VECTOR)};
    s->webhook = (struct provider_webhook){
        .url = STR(VECTOR_URL),
        .query = STR("b=2&A=1"),
        .headers = s->header,
        .header_count = 1,
        .body = STR(VECTOR_BODY),
        .now_us = VECTOR_TIME * CLOCK_SECOND_US,
    };
}

static void end(struct sent *s)
{
    for (size_t i = 0; i < PROVIDER_WEBHOOK_SECRET_MAX; i++)
        secret_release(&s->account.webhook_secret[i]);
    json_decref((json_t *)(uintptr_t)s->account.settings);
}

static enum provider_verdict verify(const struct sent *s)
{
    struct provider_check check;
    payoneer_payouts_verify_webhook(&s->account, &s->webhook, NULL, &check);
    return check.verdict;
}

static void the_fact_sheets_vector_is_genuine(void **state)
{
    (void)state;
    struct sent s;
    begin(&s, "test-secret");
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_GENUINE);
    /* The order of the parameters and the case of the address do not matter; nor would they. */
    s.webhook.url = STR("https://GATEWAY.example/hooks/payoneer/cancel?a=1&B=2");
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_GENUINE);
    end(&s);
}

static void everything_that_was_changed_is_forged(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://gateway.example/hooks/payoneer/Cancel?b=2",
        "https://gateway.example/hooks/payoneer/Cancel?b=2&A=2",
        "https://gateway.example/hooks/payoneer/Loaded?b=2&A=1",
        "https://gateway.example:8443/hooks/payoneer/Cancel?b=2&A=1",
        "http://gateway.example/hooks/payoneer/Cancel?b=2&A=1",
    };
    static const char *const headers[] = {
        SIGNED(SANDBOX, VECTOR_SIGNATURE, "7f3d", "1767225600"),
        SIGNED(SANDBOX, VECTOR_SIGNATURE, "7f3c", "1767225601"),
        SIGNED("Webhook-IPCNSender-production", VECTOR_SIGNATURE, "7f3c", "1767225600"),
        SIGNED(SANDBOX, "22G4dhZr3ylSGvUvd2grP7hs0Gf4khjKHjGwfOJM9Kx=", "7f3c", "1767225600"),
        SIGNED(SANDBOX, "22G4", "7f3c", "1767225600"),
    };
    struct sent s;
    begin(&s, "test-secret");
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        s.webhook.url = str_of(urls[i]);
        assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED);
    }
    s.webhook.url = STR(VECTOR_URL);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        s.header[0].value = str_of(headers[i]);
        assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED);
    }
    s.header[0].value = STR(VECTOR);
    s.webhook.body =
        STR("{\"Payee Id\":\"p-1\",\"IntPaymentId\":\"gw-0002\",\"Reason Code\":\"10009\"}");
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED);
    s.webhook.body = STR_NONE;
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED);
    s.webhook.body = STR(VECTOR_BODY);
    assert_true(str_copy_to(STR("https://api.payoneer.com"), s.account.base_url,
                            sizeof(s.account.base_url)));
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED); /* of the sandbox, for a live account */
    end(&s);
}

static void another_secret_is_forged_and_the_one_before_is_not(void **state)
{
    (void)state;
    struct sent s;
    begin(&s, "another-secret");
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED);
    secret_set(&s.account.webhook_secret[1], STR("test-secret"));
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_GENUINE);
    secret_release(&s.account.webhook_secret[0]);
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_NOT_SET_UP);
    end(&s);
}

static void what_is_no_signature_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "Bearer " VECTOR_SIGNATURE,
        "hmacauth",
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE,
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE ":7f3c",
        "hmacauth " SANDBOX "::7f3c:1767225600",
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE "::1767225600",
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE ":7f3c:now",
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE ":7f3c:-1767225600",
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE ":7f3c:9223372036854775807",
        "hmacauth " SANDBOX ":" VECTOR_SIGNATURE ":7f3c:1767225600:1",
    };
    struct sent s;
    begin(&s, "test-secret");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        s.header[0].value = str_of(bad[i]);
        assert_int_equal(verify(&s), PROVIDER_WEBHOOK_MALFORMED);
    }
    s.header[0].value = STR(VECTOR);
    s.header[1] = s.header[0];
    s.webhook.header_count = 2;
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_MALFORMED);
    s.webhook.header_count = 0;
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_MALFORMED);
    end(&s);
}

static void a_signature_of_another_time_is_stale(void **state)
{
    (void)state;
    struct sent s;
    begin(&s, "test-secret");
    s.webhook.now_us = (VECTOR_TIME + 301) * CLOCK_SECOND_US;
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_STALE);
    s.webhook.now_us = (VECTOR_TIME - 301) * CLOCK_SECOND_US;
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_STALE);
    s.webhook.now_us = (VECTOR_TIME + 299) * CLOCK_SECOND_US;
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_GENUINE);
    set(&s, "webhook_window_s", "100");
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_STALE);
    end(&s);
}

static void behind_a_proxy_the_registered_address_counts(void **state)
{
    (void)state;
    struct sent s;
    struct error err;
    begin(&s, "test-secret");
    s.webhook.url = STR("https://10.0.0.7:8443/hooks/payoneer/Cancel?b=2&A=1");
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_FORGED);
    set(&s, "webhook_url", "https://gateway.example/hooks/payoneer/Cancel");
    assert_true(payoneer_payouts_check_webhook(&s.account, &err));
    assert_int_equal(verify(&s), PROVIDER_WEBHOOK_GENUINE);
    set(&s, "webhook_url", "https://gateway.example/x?event=y");
    assert_false(payoneer_payouts_check_webhook(&s.account, &err));
    set(&s, "webhook_url", "http://gateway.example/x");
    assert_false(payoneer_payouts_check_webhook(&s.account, &err));
    end(&s);
}

/* ---- what they are about --------------------------------------------------------------------- */

static struct arena arena;
static struct provider_hint hint;

static bool parse_payout(const char *query, const char *body)
{
    struct error err;
    struct provider_webhook webhook = {.query = str_of(query), .body = str_of(body)};
    return payoneer_payouts_parse_webhook(NULL, &webhook, &arena, &hint, &err);
}

static void assert_text(struct str is, const char *want)
{
    fixture_same("hint", "text", is, str_of(want));
}

static void a_payouts_event_is_told_by_its_address(void **state)
{
    (void)state;
    assert_true(parse_payout("event=CancelPayout",
                             "{\"Payee Id\":\"p\",\"IntPaymentId\":\"" FIXTURE_ATTEMPT
                             "\",\"Canceled "
                             "Payment Date\":\"2022-01-17T20%3a03%3a05Z\"}"));
    assert_text(hint.event_type, "CancelPayout");
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_int_equal(hint.outcome, OUTCOME_FAILED);
    assert_int_equal(hint.operations, 1u << OPERATION_PAYOUT);
    assert_true(hint.happened_us == 1642449785LL * CLOCK_SECOND_US);
    assert_int_equal(hint.event_id.len, 64);
    const struct str first = hint.event_id;
    assert_true(parse_payout("event=cancelpayout&x=1",
                             "{\"Payee Id\":\"p\",\"IntPaymentId\":\"" FIXTURE_ATTEMPT
                             "\",\"Canceled "
                             "Payment Date\":\"2022-01-17T20%3a03%3a05Z\"}"));
    assert_true(str_eq(first, hint.event_id)); /* a repeat */
    assert_true(parse_payout("event=SentToBank",
                             "{\"IntPaymentId\":\"theirs-7\",\"Transaction Date\":"
                             "\"2022-01-18T07:01:12Z\"}"));
    assert_false(str_eq(first, hint.event_id));
    assert_int_equal(hint.outcome, OUTCOME_APPROVED);
    assert_text(hint.attempt_ref, "");
    assert_text(hint.reference[0], "theirs-7");
    assert_true(parse_payout("event=PayeeApproved", "{\"Payee Id\":\"p\"}"));
    assert_true(hint.is_irrelevant);
    assert_false(parse_payout("", "{}"));
    assert_false(parse_payout("event=Other", "{}"));
    assert_false(parse_payout("event=CancelPayout&event=SentToBank", "{}"));
    assert_false(parse_payout("event=CancelPayout", "[]"));
}

#define SECRET "0123456789abcdefXYZ"

static enum provider_verdict verify_address(const struct sent *s, const char *query)
{
    struct provider_webhook webhook = {.query = str_of(query), .body = STR("{}")};
    struct provider_check check;
    payoneer_verify_webhook(&s->account, &webhook, NULL, &check);
    return check.verdict;
}

static void only_the_secret_address_is_genuine(void **state)
{
    (void)state;
    struct sent s;
    struct error err;
    begin(&s, SECRET);
    assert_true(payoneer_check_webhook(&s.account, &err));
    assert_int_equal(verify_address(&s, "secret=" SECRET), PROVIDER_WEBHOOK_GENUINE);
    assert_int_equal(verify_address(&s, "x=1&secret=" SECRET "&y=2"), PROVIDER_WEBHOOK_GENUINE);
    assert_int_equal(verify_address(&s, ""), PROVIDER_WEBHOOK_FORGED);
    assert_int_equal(verify_address(&s, "secret="), PROVIDER_WEBHOOK_FORGED);
    assert_int_equal(verify_address(&s, "secret=0123456789abcdefXYz"), PROVIDER_WEBHOOK_FORGED);
    assert_int_equal(verify_address(&s, "secret=0123456789abcdefXY"), PROVIDER_WEBHOOK_FORGED);
    assert_int_equal(verify_address(&s, "secret=" SECRET "0"), PROVIDER_WEBHOOK_FORGED);
    assert_int_equal(verify_address(&s, "Secret=" SECRET), PROVIDER_WEBHOOK_FORGED);
    assert_int_equal(verify_address(&s, "secret=x&secret=" SECRET), PROVIDER_WEBHOOK_FORGED);
    secret_set(&s.account.webhook_secret[1], STR("an-older-secret-of-it"));
    assert_int_equal(verify_address(&s, "secret=an-older-secret-of-it"), PROVIDER_WEBHOOK_GENUINE);
    secret_set(&s.account.webhook_secret[0], STR("short"));
    assert_false(payoneer_check_webhook(&s.account, &err));
    secret_set(&s.account.webhook_secret[0], STR("long enough, and yet&not=plain"));
    assert_false(payoneer_check_webhook(&s.account, &err));
    secret_release(&s.account.webhook_secret[0]);
    assert_int_equal(verify_address(&s, "secret="), PROVIDER_WEBHOOK_NOT_SET_UP);
    end(&s);
}

static bool parse(const char *body)
{
    struct error err;
    struct provider_webhook webhook = {.body = str_of(body)};
    return payoneer_parse_webhook(NULL, &webhook, &arena, &hint, &err);
}

static void a_notification_names_its_attempt(void **state)
{
    (void)state;
    assert_true(parse(
        "{\"entity\":\"payment\",\"notificationId\":\"n-1\",\"transactionId\":\"" FIXTURE_ATTEMPT
        "\",\"longId\":\"6076b2feabe8170009d56de4\",\"statusCode\":\"charged\",\"timestamp\":"
        "\"2026-11-22T08:20:00.000+0000\"}"));
    assert_text(hint.event_id, "n-1");
    assert_text(hint.event_type, "charged");
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_text(hint.reference[0], "6076b2feabe8170009d56de4");
    assert_int_equal(hint.outcome, OUTCOME_APPROVED);
    assert_true(hint.happened_us == 1795335600LL * CLOCK_SECOND_US);
    assert_false(hint.is_irrelevant);
    /* As the old connectors got it: a form, and no id. */
    assert_true(
        parse("entity=payment&transactionId=" FIXTURE_ATTEMPT "&statusCode=charged%5Fback&a=%zz"));
    assert_text(hint.event_type, "charged_back");
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_int_equal(hint.outcome, OUTCOME_NONE);
    assert_int_equal(hint.event_id.len, 64);
    assert_true(parse("{\"entity\":\"customer\",\"statusCode\":\"registered\"}"));
    assert_true(hint.is_irrelevant);
    assert_false(parse(""));
    assert_false(parse("{}"));
    assert_false(parse("[1,2]"));
    assert_false(parse("statusCode=%0"));
}

static int arena_start(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int arena_stop(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

#define PARSING(test) cmocka_unit_test_setup_teardown(test, arena_start, arena_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fact_sheets_vector_is_genuine),
        cmocka_unit_test(everything_that_was_changed_is_forged),
        cmocka_unit_test(another_secret_is_forged_and_the_one_before_is_not),
        cmocka_unit_test(what_is_no_signature_is_malformed),
        cmocka_unit_test(a_signature_of_another_time_is_stale),
        cmocka_unit_test(behind_a_proxy_the_registered_address_counts),
        PARSING(a_payouts_event_is_told_by_its_address),
        cmocka_unit_test(only_the_secret_address_is_genuine),
        PARSING(a_notification_names_its_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
