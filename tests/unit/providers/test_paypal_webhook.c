/* PayPal's webhooks: the true one is taken, all others are not; and what they are about. */
#include "providers/paypal_webhook.h"

#include <unistd.h>

#include "base/clock.h"
#include "providers/certificate.h"
#include "providers/webhook.h"
#include "signer.h"

#include "fixture.h"

#define ORIGIN  "https://127.0.0.1:9443"
#define URL     ORIGIN "/v1/notifications/certs/CERT-360caa42-fca2a594"
#define WEBHOOK "1JE4291016473214C"
#define SENT    "2026-11-22T08:20:00Z"
#define SENT_US (1795335600LL * CLOCK_SECOND_US)
#define BODY                                                                                       \
    "{\"id\":\"WH-7MU294299R542214K-4N1831857K851783H\",\"create_time\":\"2026-11-22T08:19:58."    \
    "123Z\","                                                                                      \
    "\"event_type\":\"PAYMENT.CAPTURE.COMPLETED\",\"resource\":{\"id\":\"5O190127TN364715T\","     \
    "\"custom_id\":\"" FIXTURE_ATTEMPT "\",\"invoice_id\":\"" FIXTURE_PAYMENT "\","                \
    "\"supplementary_data\":{\"related_ids\":{\"order_id\":\"8MC585209K746392H\"}}}}"

static struct signer root;
static struct signer paypal;  /* signs */
static struct signer another; /* of the same name and authority, with another key */
static struct certificate_trust *trust;
static struct webhook_key *key;

static struct webhook_key *key_of(const struct signer *signer)
{
    struct error err;
    struct buf pem;
    buf_init(&pem, CERTIFICATE_BYTES_MAX);
    signer_print(signer, &pem);
    struct webhook_key *made =
        certificate_check(buf_str(&pem), trust, "127.0.0.1", clock_wall_us(), &err);
    buf_release(&pem);
    assert_non_null(made);
    return made;
}

static int start(void **state)
{
    static char ca_file[] = "/tmp/turnpike-ca-XXXXXX";
    struct error err;
    (void)state;
    int fd = mkstemp(ca_file);
    assert_true(fd >= 0);
    (void)close(fd);
    root = signer_make("Root", &(struct signer_options){.is_authority = true});
    const struct signer_options leaf = {.issuer = &root, .names = "IP:127.0.0.1"};
    paypal = signer_make("paypal", &leaf);
    another = signer_make("paypal", &leaf);
    signer_write(&root, ca_file);
    trust = certificate_trust_new(ca_file, &err);
    assert_non_null(trust);
    (void)unlink(ca_file);
    key = key_of(&paypal);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    webhook_key_free(&key);
    certificate_trust_free(&trust);
    signer_free(&root);
    signer_free(&paypal);
    signer_free(&another);
    return 0;
}

enum part { ID, TIME, SIGNATURE, CERTIFICATE, ALGORITHM, PART_COUNT };

struct sent { /* a true one, until a test changes something */
    struct provider_account account;
    struct provider_header header[PART_COUNT];
    struct provider_webhook webhook;
    struct buf signature;
};

static void set(struct sent *s, const char *name, const char *value)
{
    assert_int_equal(
        json_object_set_new((json_t *)(uintptr_t)s->account.settings, name, json_string(value)), 0);
}

static void sign(struct sent *s, const struct signer *signer, const EVP_MD *digest,
                 const char *message)
{
    buf_clear(&s->signature);
    signer_sign(signer, digest, str_of(message), &s->signature);
    s->header[SIGNATURE].value = buf_str(&s->signature);
}

static void begin(struct sent *s)
{
    memset(s, 0, sizeof(*s));
    s->account = (struct provider_account){.provider = provider_find(STR("paypal")),
                                           .settings = json_object()};
    assert_true(str_copy_to(STR(ORIGIN), s->account.base_url, sizeof(s->account.base_url)));
    set(s, "webhook_id", WEBHOOK);
    buf_init(&s->signature, 4096);
    s->header[ID] = (struct provider_header){STR("PAYPAL-TRANSMISSION-ID"),
                                             STR("69cd13f0-d67a-11e5-baa3-778b53f4ae55")};
    s->header[TIME] = (struct provider_header){STR("Paypal-Transmission-Time"), STR(SENT)};
    s->header[SIGNATURE].name = STR("PAYPAL-TRANSMISSION-SIG");
    s->header[CERTIFICATE] = (struct provider_header){STR("PAYPAL-CERT-URL"), STR(URL)};
    s->header[ALGORITHM] = (struct provider_header){STR("PAYPAL-AUTH-ALGO"), STR("SHA256withRSA")};
    s->webhook = (struct provider_webhook){
        .url = STR("https://gateway.example/webhooks/paypal/acc_x"),
        .headers = s->header,
        .header_count = PART_COUNT,
        .body = STR("{\"a\":1}"),
        .now_us = SENT_US + 60 * CLOCK_SECOND_US,
    };
    /* The CRC-32 of that body, by another's program: 1444654255. */
    sign(s, &paypal, EVP_sha256(),
         "69cd13f0-d67a-11e5-baa3-778b53f4ae55|" SENT "|" WEBHOOK "|1444654255");
}

static void end(struct sent *s)
{
    buf_release(&s->signature);
    json_decref((json_t *)(uintptr_t)s->account.settings);
}

static enum provider_verdict verify(const struct sent *s, const struct webhook_key *with)
{
    struct provider_check check;
    paypal_verify_webhook(&s->account, &s->webhook, with, &check);
    assert_true((check.verdict == PROVIDER_WEBHOOK_GENUINE ||
                 check.verdict == PROVIDER_WEBHOOK_NEEDS_KEY) == (check.reason[0] == '\0'));
    return check.verdict;
}

static void the_true_one_is_taken(void **state)
{
    (void)state;
    struct sent s;
    struct provider_check check;
    begin(&s);
    paypal_verify_webhook(&s.account, &s.webhook, NULL, &check);
    assert_int_equal(check.verdict, PROVIDER_WEBHOOK_NEEDS_KEY);
    assert_string_equal(check.certificate_url, URL);
    assert_string_equal(check.certificate_name, "127.0.0.1");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_GENUINE);
    end(&s);
}

static void everything_that_was_changed_is_forged(void **state)
{
    (void)state;
    struct sent s;
    begin(&s);
    s.webhook.body = STR("{\"a\":2}");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    s.webhook.body = STR("{\"a\":1} ");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    s.webhook.body = STR("{\"a\":1}");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_GENUINE);
    s.header[ID].value = STR("69cd13f0-d67a-11e5-baa3-778b53f4ae56");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    s.header[ID].value = STR("69cd13f0-d67a-11e5-baa3-778b53f4ae55");
    s.header[TIME].value = STR("2026-11-22T08:20:01Z");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    s.header[TIME].value = STR(SENT);
    set(&s, "webhook_id", "1JE4291016473214D");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    end(&s);
}

static void another_key_or_algorithm_is_forged(void **state)
{
    (void)state;
    struct sent s;
    const char message[] = "69cd13f0-d67a-11e5-baa3-778b53f4ae55|" SENT "|" WEBHOOK "|1444654255";
    begin(&s);
    sign(&s, &another, EVP_sha256(), message);
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    struct webhook_key *others = key_of(&another);
    assert_int_equal(verify(&s, others), PROVIDER_WEBHOOK_GENUINE);
    sign(&s, &paypal, EVP_sha256(), message);
    assert_int_equal(verify(&s, others), PROVIDER_WEBHOOK_FORGED);
    webhook_key_free(&others);
    sign(&s, &paypal, EVP_sha1(), message);
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    sign(&s, &paypal, EVP_sha512(), message);
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    sign(&s, &paypal, EVP_sha256(), message);
    static const char *const algorithms[] = {"SHA1withRSA", "sha256withrsa", "SHA512withRSA",
                                             "none",        "HmacSHA256",    "SHA256withECDSA"};
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        s.header[ALGORITHM].value = str_of(algorithms[i]);
        assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    }
    end(&s);
}

static void a_signature_of_another_time_is_stale(void **state)
{
    (void)state;
    struct sent s;
    begin(&s);
    s.webhook.now_us = SENT_US - 301 * CLOCK_SECOND_US;
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_STALE);
    s.webhook.now_us = SENT_US - 299 * CLOCK_SECOND_US;
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_GENUINE);
    s.webhook.now_us = SENT_US + (PAYPAL_WEBHOOK_WINDOW_S + 1) * CLOCK_SECOND_US;
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_STALE);
    set(&s, "webhook_window_s", "600");
    s.webhook.now_us = SENT_US + 599 * CLOCK_SECOND_US;
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_GENUINE);
    s.webhook.now_us = SENT_US + 601 * CLOCK_SECOND_US;
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_STALE);
    end(&s);
}

static void a_header_that_is_missing_or_twice_is_none(void **state)
{
    (void)state;
    struct sent s;
    struct provider_header twice[PART_COUNT + 1];
    begin(&s);
    for (size_t part = 0; part < PART_COUNT; part++) {
        struct provider_header kept = s.header[part];
        s.header[part].value = STR_NONE;
        assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_MALFORMED);
        s.header[part] = (struct provider_header){STR("X-Other"), STR("1")};
        assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_MALFORMED);
        s.header[part] = kept;
        memcpy(twice, s.header, sizeof(s.header));
        twice[PART_COUNT] = kept;
        s.webhook.headers = twice;
        s.webhook.header_count = PART_COUNT + 1;
        assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_MALFORMED);
        s.webhook.headers = s.header;
        s.webhook.header_count = PART_COUNT;
    }
    s.header[TIME].value = STR("yesterday");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_MALFORMED);
    s.header[TIME].value = STR(SENT);
    s.header[SIGNATURE].value = STR("no base64!");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    end(&s);
}

static void only_the_providers_address_is_asked_for_a_certificate(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "http://127.0.0.1:9443/v1/notifications/certs/CERT-1",
        "https://127.0.0.1:9444/v1/notifications/certs/CERT-1",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://127.0.0.1:9443@evil.example/v1/notifications/certs/CERT-1",
        "https://127.0.0.1:9443.evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1",
        ORIGIN "/v1/notifications/certs/",
        ORIGIN "/v1/notifications/certs/../../evil",
        ORIGIN "/v1/notifications/certs/%2e%2e",
        ORIGIN "/v1/notifications/certs/CERT-1?x=1",
        ORIGIN "/v1/notifications/certs/CERT-1#x",
        ORIGIN "/v1/notifications/certs/a/b",
        ORIGIN "/v1/oauth2/token",
        "file:///etc/passwd",
    };
    struct sent s;
    begin(&s);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        s.header[CERTIFICATE].value = str_of(bad[i]);
        assert_int_equal(verify(&s, NULL), PROVIDER_WEBHOOK_FORGED);
        assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_FORGED);
    }
    end(&s);
}

static void paypals_own_environments_do_not_mix(void **state)
{
    (void)state;
    static const struct {
        const char *base_url;
        const char *certificate;
        bool is_asked;
    } cases[] = {
        {"https://api-m.paypal.com", "https://api.paypal.com/v1/notifications/certs/CERT-1", true},
        {"https://api-m.paypal.com", "https://api-m.paypal.com/v1/notifications/certs/CERT-1",
         true},
        {"https://api-m.paypal.com", "https://api.sandbox.paypal.com/v1/notifications/certs/C",
         false},
        {"https://api-m.sandbox.paypal.com",
         "https://api.sandbox.paypal.com/v1/notifications/certs/C", true},
        {"https://api-m.sandbox.paypal.com", "https://api.paypal.com/v1/notifications/certs/C",
         false},
        {"https://api-m.paypal.com", "https://api.paypal.com.evil.example/v1/notifications/certs/C",
         false},
    };
    struct sent s;
    begin(&s);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct provider_check check;
        assert_true(
            str_copy_to(str_of(cases[i].base_url), s.account.base_url, sizeof(s.account.base_url)));
        s.header[CERTIFICATE].value = str_of(cases[i].certificate);
        paypal_verify_webhook(&s.account, &s.webhook, NULL, &check);
        assert_int_equal(check.verdict,
                         cases[i].is_asked ? PROVIDER_WEBHOOK_NEEDS_KEY : PROVIDER_WEBHOOK_FORGED);
        if (cases[i].is_asked)
            assert_string_equal(check.certificate_name, ".paypal.com");
    }
    end(&s);
}

static void an_account_without_webhook_id_takes_none(void **state)
{
    (void)state;
    struct sent s;
    struct error err;
    begin(&s);
    assert_true(paypal_check_webhook(&s.account, &err));
    set(&s, "webhook_id", "");
    assert_int_equal(verify(&s, key), PROVIDER_WEBHOOK_NOT_SET_UP);
    set(&s, "webhook_id", "a|b");
    assert_false(paypal_check_webhook(&s.account, &err));
    set(&s, "webhook_id", WEBHOOK);
    set(&s, "webhook_window_s", "0");
    assert_false(paypal_check_webhook(&s.account, &err));
    set(&s, "webhook_window_s", "later");
    assert_false(paypal_check_webhook(&s.account, &err));
    end(&s);
}

/* ---- what they are about --------------------------------------------------------------------- */

static struct arena arena;
static struct provider_hint hint;

static bool parse(const char *body)
{
    struct error err;
    struct provider_webhook webhook = {.body = str_of(body)};
    return paypal_parse_webhook(NULL, &webhook, &arena, &hint, &err);
}

static void assert_text(struct str is, const char *want)
{
    fixture_same("hint", "text", is, str_of(want));
}

static void a_capture_names_its_attempt(void **state)
{
    (void)state;
    assert_true(parse(BODY));
    assert_text(hint.event_id, "WH-7MU294299R542214K-4N1831857K851783H");
    assert_text(hint.event_type, "PAYMENT.CAPTURE.COMPLETED");
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_text(hint.payment_ref, FIXTURE_PAYMENT);
    assert_int_equal(hint.reference_count, 2);
    assert_text(hint.reference[0], "5O190127TN364715T");
    assert_text(hint.reference[1], "8MC585209K746392H");
    assert_int_equal(hint.outcome, OUTCOME_APPROVED);
    assert_int_equal(hint.operations, 1u << OPERATION_SALE | 1u << OPERATION_CAPTURE);
    assert_true(hint.happened_us == SENT_US - 2 * CLOCK_SECOND_US + 123000);
    assert_false(hint.is_irrelevant);
}

static void other_resources_name_theirs(void **state)
{
    (void)state;
    assert_true(parse("{\"id\":\"WH-1\",\"event_type\":\"CHECKOUT.ORDER.APPROVED\",\"resource\":{"
                      "\"id\":\"O-1\",\"purchase_units\":[{\"custom_id\":\"" FIXTURE_ATTEMPT
                      "\"}]}}"));
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_int_equal(hint.outcome, OUTCOME_NONE);
    assert_true(
        parse("{\"id\":\"WH-2\",\"event_type\":\"PAYMENT.PAYOUTS-ITEM.RETURNED\",\"resource\":{"
              "\"payout_item_id\":\"I-1\",\"payout_batch_id\":\"B-1\",\"payout_item\":{"
              "\"sender_item_id\":\"" FIXTURE_ATTEMPT "\"}}}"));
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_int_equal(hint.outcome, OUTCOME_FAILED);
    assert_int_equal(hint.reference_count, 2);
    assert_true(
        parse("{\"id\":\"WH-3\",\"event_type\":\"PAYMENT.PAYOUTSBATCH.SUCCESS\",\"resource\":{"
              "\"batch_header\":{\"payout_batch_id\":\"B-1\",\"sender_batch_header\":{"
              "\"sender_batch_id\":\"" FIXTURE_ATTEMPT "\"}}}}"));
    assert_text(hint.attempt_ref, FIXTURE_ATTEMPT);
    assert_int_equal(hint.outcome, OUTCOME_NONE); /* says nothing of its item */
    assert_true(parse(
        "{\"id\":\"WH-4\",\"event_type\":\"PAYMENT.CAPTURE.REFUNDED\",\"resource\":{\"id\":\"R-1\","
        "\"custom_id\":\"order 7\",\"links\":[{\"rel\":\"self\",\"href\":\"https://x/v2/payments/"
        "refunds/R-1\"},{\"rel\":\"up\",\"href\":\"https://x/v2/payments/captures/C-9\"}]}}"));
    assert_text(hint.attempt_ref, "");
    assert_int_equal(hint.reference_count, 2);
    assert_text(hint.reference[1], "C-9");
    assert_true(parse("{\"id\":\"WH-5\",\"event_type\":\"CUSTOMER.DISPUTE.CREATED\",\"resource\":{"
                      "\"disputed_transactions\":[{\"seller_transaction_id\":\"C-9\",\"invoice_"
                      "number\":\"" FIXTURE_PAYMENT "\"}]}}"));
    assert_text(hint.payment_ref, FIXTURE_PAYMENT);
    assert_true(parse("{\"id\":\"WH-6\",\"event_type\":\"BILLING.PLAN.CREATED\",\"resource\":{}}"));
    assert_true(hint.is_irrelevant);
}

static void what_is_no_event_cannot_be_read(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "null",
        "{\"id\":\"WH-1\"}",
        "{\"event_type\":\"PAYMENT.CAPTURE.COMPLETED\"}",
        "{\"id\":7,\"event_type\":\"X\"}",
        "{\"id\":\"a\\nb\",\"event_type\":\"X\"}",
        "{\"id\":\"WH-1\",",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(parse(bad[i]));
}

static void times_are_read_as_providers_write_them(void **state)
{
    (void)state;
    assert_true(webhook_time_us(STR(SENT)) == SENT_US);
    assert_true(webhook_time_us(STR("2026-11-22T08:20:00.000+0000")) == SENT_US);
    assert_true(webhook_time_us(STR("2026-11-22T09:20:00+0100")) == SENT_US);
    assert_true(webhook_time_us(STR("2026-11-22T09:20:00+01:00")) == SENT_US);
    assert_true(webhook_time_us(STR("2026-11-22 08:20")) == 0);
    assert_true(webhook_time_us(STR("")) == 0);
    assert_true(webhook_time_us(STR("+0000")) == 0);
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
        cmocka_unit_test(the_true_one_is_taken),
        cmocka_unit_test(everything_that_was_changed_is_forged),
        cmocka_unit_test(another_key_or_algorithm_is_forged),
        cmocka_unit_test(a_signature_of_another_time_is_stale),
        cmocka_unit_test(a_header_that_is_missing_or_twice_is_none),
        cmocka_unit_test(only_the_providers_address_is_asked_for_a_certificate),
        cmocka_unit_test(paypals_own_environments_do_not_mix),
        cmocka_unit_test(an_account_without_webhook_id_takes_none),
        PARSING(a_capture_names_its_attempt),
        PARSING(other_resources_name_theirs),
        PARSING(what_is_no_event_cannot_be_read),
        cmocka_unit_test(times_are_read_as_providers_write_them),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
