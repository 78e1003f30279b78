/* Webhooks without sockets: what is told, to whom, when, how often, and by which signature. */
#include "drive_file.h"

#include "providers/sandbox/hooks.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static void reg(const char *members)
{
    char body[512];
    (void)snprintf(body, sizeof(body), "{%s}", members);
    assert_int_equal(drive_send(HTTP_POST, "/hooks", "", body), 201);
}

static void behave(const char *members)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{%s}", members);
    assert_int_equal(drive_send(HTTP_POST, "/hooks/behaviour", "", body), 200);
}

#define PAYPAL_HOOK "\"provider\":\"paypal\",\"id\":\"HOOK1\",\"url\":\"https://gw.test/paypal\""

static struct hooks *hooks(void)
{
    return &drive.core.hooks;
}

/* Names of all events so far, in order, separated by a space. */
static const char *names(void)
{
    struct buf text;
    buf_init(&text, 8192);
    for (struct link *at = hooks()->events.next; at != &hooks()->events; at = at->next) {
        const struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
        buf_printf(&text, "%s" STR_FMT, text.len > 0 ? " " : "", STR_ARG(event->name));
    }
    const char *copy = arena_cstr(&drive.arena, buf_str(&text));
    buf_release(&text);
    return copy;
}

static const struct hook_event *last_event(void)
{
    assert_false(list_is_empty(&hooks()->events));
    return LIST_OWNER(hooks()->events.prev, struct hook_event, link);
}

/* The body of the latest event, parsed; valid until the next call. */
static const json_t *last_body(void)
{
    static json_t *body;
    struct error err;
    json_decref(body);
    body = json_parse(last_event()->body, &json_limits_default, &err);
    assert_non_null(body);
    return body;
}

static const char *in_body(const char *path)
{
    return arena_cstr(&drive.arena, json_path_text(last_body(), path));
}

/* Take everything that is due within `ms`, each accepted with that status; how many there were. */
static int deliver(int64_t ms, int status)
{
    int count = 0;
    drive_wait_ms(ms);
    for (struct hook_delivery *at; (at = hooks_take(hooks(), drive.now_us)); count++) {
        hooks_done(hooks(), at, status, drive.now_us);
    }
    return count;
}

static void sale(const char *reference, const char *token, const char *intent)
{
    struct str body = arena_printf(
        &drive.arena,
        "{\"intent\":\"%s\",\"purchase_units\":[{\"custom_id\":\"%s\",\"invoice_id\":\"inv-%s\","
        "\"amount\":{\"currency_code\":\"EUR\",\"value\":\"10.00\"}}],\"payment_source\":{\"card\":"
        "{\"vault_id\":\"%s\"}}}",
        intent, reference, reference, token);
    assert_int_equal(
        paypal_send(HTTP_POST, "/v2/checkout/orders", reference, arena_cstr(&drive.arena, body)),
        201);
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void nobody_registered_hears_nothing(void **state)
{
    (void)state;
    sale("a", "tok_ok", "CAPTURE");
    assert_string_equal(names(), "");
    reg(PAYPAL_HOOK);
    assert_string_equal(names(), ""); /* nor of what was before */
    sale("b", "tok_ok", "CAPTURE");
    assert_string_equal(names(), "CHECKOUT.ORDER.COMPLETED PAYMENT.CAPTURE.COMPLETED");
    assert_string_equal(in_body("resource.custom_id"), "b");
    assert_string_equal(in_body("resource.invoice_id"), "inv-b");
    assert_string_equal(in_body("resource.status"), "COMPLETED");
    assert_string_equal(in_body("resource.amount.value"), "10.00");
    assert_true(in_body("resource.supplementary_data.related_ids.order_id")[0] != '\0');
    assert_string_equal(in_body("resource_type"), "capture");
    assert_str(last_event()->id, in_body("id"));
    assert_str(last_event()->reference, "b");
}

static void the_life_of_an_authorization_is_told(void **state)
{
    (void)state;
    reg(PAYPAL_HOOK);
    sale("a", "tok_ok", "AUTHORIZE");
    const char *hold = keep("purchase_units.0.payments.authorizations.0.id");
    assert_string_equal(names(), "CHECKOUT.ORDER.COMPLETED PAYMENT.AUTHORIZATION.CREATED");
    assert_int_equal(paypal_send(HTTP_POST, join("/v2/payments/authorizations/{}/capture", hold),
                                 "c1",
                                 "{\"amount\":{\"currency_code\":\"EUR\",\"value\":\"4.00\"}}"),
                     201);
    const char *capture = keep("id");
    assert_str(last_event()->name, "PAYMENT.CAPTURE.COMPLETED");
    assert_string_equal(in_body("resource.id"), capture);
    assert_int_equal(paypal_send(HTTP_POST, join("/v2/payments/captures/{}/refund", capture), "r1",
                                 "{\"amount\":{\"currency_code\":\"EUR\",\"value\":\"1.00\"}}"),
                     201);
    assert_str(last_event()->name, "PAYMENT.CAPTURE.REFUNDED");
    assert_string_equal(in_body("resource_type"), "refund");
    assert_string_equal(in_body("resource.id"), keep("id"));
    assert_int_equal(
        paypal_send(HTTP_POST, join("/v2/payments/captures/{}/refund", capture), "r2", "{}"), 201);
    assert_string_equal(names(), "CHECKOUT.ORDER.COMPLETED PAYMENT.AUTHORIZATION.CREATED "
                                 "PAYMENT.CAPTURE.COMPLETED PAYMENT.CAPTURE.REFUNDED "
                                 "PAYMENT.CAPTURE.REFUNDED");
    sale("b", "tok_ok", "AUTHORIZE");
    hold = keep("purchase_units.0.payments.authorizations.0.id");
    assert_int_equal(
        paypal_send(HTTP_POST, join("/v2/payments/authorizations/{}/void", hold), "v", ""), 200);
    assert_str(last_event()->name, "PAYMENT.AUTHORIZATION.VOIDED");
    assert_string_equal(in_body("resource.status"), "VOIDED");
    assert_int_equal(
        paypal_send(HTTP_POST, join("/v2/payments/authorizations/{}/void", hold), "v", ""), 200);
    assert_int_equal(hooks()->last_number, 8); /* a repeat changes nothing */
}

static void what_is_decided_later_is_told_twice(void **state)
{
    (void)state;
    static const struct {
        const char *decision;
        const char *name;
    } cases[] = {
        {"completed", "PAYMENT.CAPTURE.COMPLETED"},
        {"declined", "PAYMENT.CAPTURE.DENIED"},
    };
    reg(PAYPAL_HOOK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        sale(cases[i].decision, "tok_pending", "CAPTURE");
        assert_str(last_event()->name, "PAYMENT.CAPTURE.PENDING");
        struct str id = last_event()->object;
        struct str body = arena_printf(&drive.arena, "{\"id\":\"" STR_FMT "\",\"state\":\"%s\"}",
                                       STR_ARG(id), cases[i].decision);
        assert_int_equal(drive_send(HTTP_POST, "/settle", "", arena_cstr(&drive.arena, body)), 200);
        assert_str(last_event()->name, cases[i].name);
    }
    sale("soft", "tok_soft", "CAPTURE");
    assert_str(last_event()->name, "PAYMENT.CAPTURE.DECLINED");
    assert_string_equal(in_body("resource.processor_response.response_code"), "5120");
}

static void an_approved_order_is_told(void **state)
{
    (void)state;
    reg(PAYPAL_HOOK);
    assert_int_equal(
        paypal_send(HTTP_POST, "/v2/checkout/orders", "o",
                    "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"custom_id\":\"a\",\"amount\":{"
                    "\"currency_code\":\"EUR\",\"value\":\"10.00\"}}]}"),
        201);
    const char *order = keep("id");
    assert_string_equal(names(), "");
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", order), "", NULL),
        200);
    assert_string_equal(names(), "CHECKOUT.ORDER.APPROVED");
    assert_string_equal(in_body("resource.id"), order);
    assert_string_equal(in_body("resource.purchase_units.0.custom_id"), "a");
    assert_str(last_event()->reference, "a");
}

static void pay_out(const char *receiver)
{
    struct str body = arena_printf(
        &drive.arena,
        "{\"sender_batch_header\":{\"sender_batch_id\":\"b-%s\"},\"items\":[{\"recipient_type\":"
        "\"EMAIL\",\"receiver\":\"%s@example.com\",\"sender_item_id\":\"i-%s\",\"amount\":"
        "{\"currency\":\"EUR\",\"value\":\"10.00\"}}]}",
        receiver, receiver, receiver);
    assert_int_equal(
        paypal_send(HTTP_POST, "/v1/payments/payouts", NULL, arena_cstr(&drive.arena, body)), 201);
}

static void every_end_of_a_payout_item_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        const char *names;
    } cases[] = {
        {"ada", "-ITEM.SUCCEEDED BATCH.SUCCESS"},
        {"unclaimed", "-ITEM.UNCLAIMED BATCH.SUCCESS"},
        {"claimed", "-ITEM.UNCLAIMED -ITEM.SUCCEEDED BATCH.SUCCESS"},
        {"returned", "-ITEM.UNCLAIMED -ITEM.RETURNED BATCH.SUCCESS"},
        {"onhold", "-ITEM.HELD BATCH.SUCCESS"},
        {"released", "-ITEM.HELD -ITEM.SUCCEEDED BATCH.SUCCESS"},
        {"blocked", "-ITEM.BLOCKED BATCH.SUCCESS"},
        {"failed", "-ITEM.FAILED BATCH.DENIED"},
        {"canceled", "-ITEM.DENIED"},
        {"refunded", "-ITEM.SUCCEEDED -ITEM.REFUNDED BATCH.SUCCESS"},
        {"stuck", ""},
    };
    struct error err;
    reg("\"provider\":\"paypal_payouts\",\"id\":\"P\",\"url\":\"https://gw.test/p\"");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t before = hooks()->last_number;
        pay_out(cases[i].word);
        drive_wait_ms(60000); /* both steps are due, and nobody asked meanwhile */
        assert_true(core_ripen(&drive.core, drive.now_us, &err));
        struct str rest = str_of(cases[i].names);
        struct link *at = hooks()->events.next;
        while (at != &hooks()->events &&
               LIST_OWNER(at, struct hook_event, link)->number <= before) {
            at = at->next;
        }
        for (; rest.len > 0; at = at->next) {
            assert_true(at != &hooks()->events);
            struct str word = str_cut(&rest, ' ');
            struct str name = arena_printf(&drive.arena, "PAYMENT.PAYOUTS" STR_FMT, STR_ARG(word));
            const struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
            assert_string_equal(arena_cstr(&drive.arena, event->name),
                                arena_cstr(&drive.arena, name));
        }
        if (at != &hooks()->events) {
            fail_msg("%s: one too many: " STR_FMT, cases[i].word,
                     STR_ARG(LIST_OWNER(at, struct hook_event, link)->name));
        }
    }
    pay_out("last");
    drive_wait_ms(60000);
    assert_true(core_ripen(&drive.core, drive.now_us, &err));
    assert_string_equal(in_body("resource.batch_header.batch_status"), "SUCCESS");
    assert_string_equal(in_body("resource.batch_header.sender_batch_header.sender_batch_id"),
                        "b-last");
    assert_str(last_event()->reference, "b-last");
    assert_int_equal(hooks_next_batch_us(hooks()),
                     INT64_MAX); /* the stuck one waits for its item */
    reg("\"provider\":\"paypal_payouts\",\"id\":\"P\",\"url\":\"https://gw.test/p\","
        "\"events\":[\"PAYMENT.PAYOUTS-ITEM.SUCCEEDED\"]");
    pay_out("lastone");
    drive_wait_ms(60000);
    assert_true(core_ripen(&drive.core, drive.now_us, &err));
    assert_string_equal(in_body("resource.sender_batch_id"), "b-lastone");
    assert_string_equal(in_body("resource.payout_item.sender_item_id"), "i-lastone");
    assert_string_equal(in_body("resource.transaction_status"), "SUCCESS");
}

static void mass_payouts_are_told_in_their_own_words(void **state)
{
    (void)state;
    struct error err;
    reg("\"provider\":\"payoneer_payouts\",\"id\":\"M\",\"secret\":\"s\","
        "\"url\":\"https://gw.test/m?event={event}\"");
    assert_int_equal(
        mass_send(HTTP_POST, "/v4/programs/1/masspayouts",
                  "{\"Payments\":[{\"client_reference_id\":\"one\",\"payee_id\":\"ada\",\"amount\":"
                  "10,\"currency\":\"EUR\",\"description\":\"d\",\"group_id\":\"g\"},"
                  "{\"client_reference_id\":\"two\",\"payee_id\":\"failed-2\",\"amount\":10,"
                  "\"currency\":\"EUR\",\"description\":\"d\",\"group_id\":\"g\"}]}"),
        201);
    assert_string_equal(names(), "PaymentRequestAccepted PaymentRequestAccepted");
    drive_wait_ms(60000);
    assert_true(core_ripen(&drive.core, drive.now_us, &err));
    assert_true(strstr(names(), "SentToBank") && strstr(names(), "CancelPayout"));
    for (struct link *at = hooks()->events.next; at != &hooks()->events; at = at->next) {
        const struct hook_event *event = LIST_OWNER(at, struct hook_event, link);
        const char *body = arena_cstr(&drive.arena, event->body);
        if (str_eq(event->name, STR("CancelPayout"))) {
            assert_non_null(strstr(body, "\"IntPaymentId\":\"two\",\"Reason Code\":\"10009\","
                                         "\"Reason Description\":\"Action+cannot+be"));
            assert_non_null(strstr(body, "%3a"));
        }
    }
    struct hook_delivery *first = hooks_take(hooks(), drive.now_us + 1000000);
    struct hook_request request;
    hooks_prepare(hooks(), first, drive.now_us, &drive.arena, &request);
    assert_str(request.url, "https://gw.test/m?event=PaymentRequestAccepted");
    assert_string_equal(request.header[0].name, "Authorization");
    hooks_done(hooks(), first, 200, drive.now_us);
}

static void a_list_says_where_its_charge_is_told(void **state)
{
    (void)state;
    reg("\"provider\":\"payoneer\",\"id\":\"C\",\"url\":\"https://gw.test/registered\"");
    for (int i = 0; i < 2; i++) {
        struct str body = arena_printf(
            &drive.arena,
            "{\"transactionId\":\"gw-%d\",\"country\":\"DE\",\"customer\":{\"number\":\"c\"},"
            "\"payment\":{\"amount\":13,\"currency\":\"EUR\",\"reference\":\"Order\"},"
            "\"callback\":{%s}}",
            i, i == 0 ? "" : "\"notificationUrl\":\"https://gw.test/own?secret=x\"");
        assert_int_equal(payoneer_send(HTTP_POST, "/api/lists", arena_cstr(&drive.arena, body)),
                         200);
        const char *list = keep("identification.longId");
        assert_int_equal(
            payoneer_send(HTTP_POST, join("/api/lists/{}/accounts/tok_ok/charge", list), "{}"),
            200);
        assert_string_equal(in_body("longId"), keep("identification.longId"));
        assert_string_equal(in_body("transactionId"), i == 0 ? "gw-0" : "gw-1");
        assert_string_equal(in_body("statusCode"), "charged");
        assert_string_equal(in_body("reasonCode"), "debited");
        assert_string_equal(in_body("amount"), "13.00");
        drive_wait_ms(1000);
        struct hook_delivery *only = hooks_take(hooks(), drive.now_us);
        struct hook_request request;
        hooks_prepare(hooks(), only, drive.now_us, &drive.arena, &request);
        assert_str(request.url,
                   i == 0 ? "https://gw.test/registered" : "https://gw.test/own?secret=x");
        hooks_done(hooks(), only, 200, drive.now_us);
        assert_null(hooks_take(hooks(), drive.now_us));
    }
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* The fact sheet's vector. */
static void payoneers_signature_is_the_known_one(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1024);
    hook_sign_payoneer(STR("test-secret"), STR("Webhook-IPCNSender-sandbox"),
                       STR("https://gateway.example/hooks/payoneer/Cancel?b=2&A=1"), STR("7f3c"),
                       1767225600,
                       STR("{\"Payee Id\":\"p-1\",\"IntPaymentId\":\"gw-0001\",\"Reason "
                           "Code\":\"10009\"}"),
                       &out);
    assert_str(buf_str(&out),
               "hmacauth Webhook-IPCNSender-sandbox:22G4dhZr3ylSGvUvd2grP7hs0Gf4khjKHjGwfOJM9Kw=:"
               "7f3c:1767225600");
    buf_release(&out);
}

static struct str header_of(const struct hook_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->header[i].name, name) == 0) {
            return request->header[i].value;
        }
    }
    return STR_NONE;
}

/* Fetch the certificates: the leaf and the authority. */
static void fetch(struct str url, X509 **leaf, X509 **root)
{
    size_t at = str_find(url, STR("/v1/"), 0);
    assert_true(at != SIZE_MAX);
    const char *path = arena_cstr(&drive.arena, str_sub(url, at, SIZE_MAX));
    assert_int_equal(drive_send(HTTP_GET, path, "", NULL), 200);
    BIO *in = BIO_new_mem_buf(drive.core.body.at, (int)drive.core.body.len);
    *leaf = PEM_read_bio_X509(in, NULL, NULL, NULL);
    *root = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    assert_true(*leaf && *root);
    assert_int_equal(drive_send(HTTP_GET, "/v1/notifications/certs/CERT-0", "", NULL), 404);
}

static void paypals_signature_verifies_by_its_certificate(void **state)
{
    (void)state;
    struct hook_request request;
    struct buf signature;
    X509 *leaf;
    X509 *root;
    assert_int_equal(hook_crc32(STR("123456789")), 0xCBF43926);
    reg(PAYPAL_HOOK);
    sale("a", "tok_ok", "CAPTURE");
    drive_wait_ms(1000);
    struct hook_delivery *first = hooks_take(hooks(), drive.now_us);
    hooks_prepare(hooks(), first, drive.now_us, &drive.arena, &request);
    fetch(header_of(&request, "PAYPAL-CERT-URL"), &leaf, &root);
    assert_int_equal(X509_verify(leaf, X509_get0_pubkey(root)), 1);
    assert_int_equal(X509_check_issued(root, leaf), X509_V_OK);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    buf_init(&signature, 4096);
    assert_true(crypto_unbase64(header_of(&request, "PAYPAL-TRANSMISSION-SIG"), &signature));
    struct str text = arena_printf(&drive.arena, STR_FMT "|" STR_FMT "|HOOK1|%u",
                                   STR_ARG(header_of(&request, "PAYPAL-TRANSMISSION-ID")),
                                   STR_ARG(header_of(&request, "PAYPAL-TRANSMISSION-TIME")),
                                   hook_crc32(request.body));
    for (int i = 0; i < 2; i++) { /* and not for another text */
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        assert_int_equal(
            EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(leaf)), 1);
        assert_int_equal(EVP_DigestVerify(ctx, (const uint8_t *)signature.at, signature.len,
                                          (const uint8_t *)text.at, text.len - (size_t)i),
                         1 - i);
        EVP_MD_CTX_free(ctx);
    }
    assert_str(header_of(&request, "PAYPAL-AUTH-ALGO"), "SHA256withRSA");
    assert_true(str_eq(request.body, first->event->body));
    hooks_done(hooks(), first, 200, drive.now_us);
    buf_release(&signature);
    X509_free(leaf);
    X509_free(root);
}

/* ---- when, how often ------------------------------------------------------------------------- */

static void what_is_refused_is_sent_again_ever_later(void **state)
{
    (void)state;
    reg(PAYPAL_HOOK ",\"events\":[\"PAYMENT.CAPTURE.COMPLETED\"]");
    behave("\"retry_ms\":1000,\"retry_ms_most\":8000,\"retry_count\":5");
    sale("a", "tok_ok", "CAPTURE");
    assert_int_equal(deliver(299, 500), 0);
    assert_int_equal(deliver(1, 500), 1);
    static const int64_t gaps_ms[] = {1000, 2000, 4000, 8000, 8000};
    for (size_t i = 0; i < ARRAY_LEN(gaps_ms); i++) {
        assert_int_equal(deliver(gaps_ms[i] - 1, 0), 0);
        assert_int_equal(deliver(1, i % 2 == 0 ? 0 : 302), 1);
    }
    assert_int_equal(deliver(DAY_US, 200), 0);
    assert_int_equal(hooks()->counts.given_up, 1);
    sale("b", "tok_ok", "CAPTURE");
    assert_int_equal(deliver(300, 429), 1);
    assert_int_equal(deliver(1000, 204), 1);
    assert_int_equal(deliver(DAY_US, 200), 0);
    assert_int_equal(hooks()->counts.told, 1);
    assert_int_equal(hooks()->delivery_count, 0);
}

static void by_its_own_schedule_it_goes_on_for_three_days(void **state)
{
    (void)state;
    int tries = 0;
    int64_t last_us = 0;
    reg(PAYPAL_HOOK ",\"events\":[\"PAYMENT.CAPTURE.COMPLETED\"]");
    sale("a", "tok_ok", "CAPTURE");
    int64_t from_us = drive.now_us;
    while (hooks_next_due_us(hooks()) != INT64_MAX) {
        last_us = hooks_next_due_us(hooks());
        hooks_done(hooks(), hooks_take(hooks(), last_us), 503, last_us);
        tries++;
    }
    assert_int_equal(tries, 26);
    assert_in_range((last_us - from_us) / 1000000, 60 * 3600, 80 * 3600);
}

static int count_of(const char *reference)
{
    int count = 0;
    for (size_t i = 0; i < hooks()->heap_count; i++) {
        count += str_eq(hooks()->heap[i]->event->reference, str_of(reference)) ? 1 : 0;
    }
    return count;
}

static void a_seed_decides_repeats_loss_and_disorder(void **state)
{
    (void)state;
    int64_t first[200];
    reg(PAYPAL_HOOK ",\"events\":[\"PAYMENT.CAPTURE.COMPLETED\"]");
    for (int round = 0; round < 2; round++) {
        size_t count = 0;
        int most = 0;
        int least = 5;
        behave("\"seed\":7,\"repeat_least\":1,\"repeat_most\":5,\"loss\":0.25,\"disorder_ms\":500");
        int64_t from_us = drive.now_us;
        for (int i = 0; i < 30; i++) {
            char reference[32];
            (void)snprintf(reference, sizeof(reference), "r%d-%d", round, i);
            sale(reference, "tok_ok", "CAPTURE");
            int times = count_of(reference);
            most = times > most ? times : most;
            least = times < least ? times : least;
        }
        assert_true(most >= 4 && least <= 1);
        assert_in_range(hooks()->counts.lost, 10 * (round + 1), 45 * (round + 1));
        while (hooks_next_due_us(hooks()) != INT64_MAX) {
            struct hook_delivery *at = hooks_take(hooks(), INT64_MAX - 1);
            int64_t due = at->due_us - from_us;
            assert_in_range(due, 300000, 800000);
            assert_true(round == 0 || first[count] == due);
            first[count++] = due;
            hooks_done(hooks(), at, 200, drive.now_us);
        }
        assert_in_range(count, 40, 110);
    }
    behave("\"loss\":1.0");
    sale("lost", "tok_ok", "CAPTURE");
    assert_int_equal(hooks()->delivery_count, 0);
}

static void what_is_held_goes_in_the_order_demanded(void **state)
{
    (void)state;
    char body[256];
    const char *ids[2];
    reg(PAYPAL_HOOK);
    behave("\"hold\":true");
    sale("a", "tok_ok", "CAPTURE");
    assert_int_equal(deliver(DAY_US, 200), 0);
    assert_int_equal(drive_send(HTTP_GET, "/hooks/events?invoice=inv-a", "", NULL), 200);
    ids[0] = keep("events.0.id");
    ids[1] = keep("events.1.id");
    (void)snprintf(body, sizeof(body), "{\"events\":[\"%s\",\"%s\",\"%s\"]}", ids[1], ids[0],
                   ids[1]);
    assert_int_equal(drive_send(HTTP_POST, "/hooks/send", "", body), 202);
    for (int i = 0; i < 3; i++) {
        struct hook_delivery *at = hooks_take(hooks(), drive.now_us);
        assert_non_null(at);
        assert_null(hooks_take(hooks(), drive.now_us)); /* the next waits for its answer */
        assert_str(at->event->id, ids[i == 1 ? 0 : 1]);
        if (i == 0) { /* and is not overtaken by a failure */
            hooks_done(hooks(), at, 503, drive.now_us);
            assert_null(hooks_take(hooks(), drive.now_us));
            drive_wait_ms(1000);
            at = hooks_take(hooks(), drive.now_us);
            assert_str(at->event->id, ids[1]);
        }
        hooks_done(hooks(), at, 200, drive.now_us);
    }
    assert_int_equal(hooks()->delivery_count, 0);
    assert_int_equal(drive_send(HTTP_POST, "/hooks/send", "", "{\"events\":[\"WH-0\"]}"), 404);
    assert_int_equal(drive_send(HTTP_POST, "/hooks/send", "", "{\"events\":[]}"), 422);
}

static void the_queue_is_bounded(void **state)
{
    (void)state;
    reg(PAYPAL_HOOK ",\"events\":[\"PAYMENT.CAPTURE.COMPLETED\"]");
    behave("\"repeat_least\":100,\"repeat_most\":100");
    for (int i = 0; i < 700; i++) {
        char reference[32];
        (void)snprintf(reference, sizeof(reference), "r%d", i);
        sale(reference, "tok_ok", "CAPTURE");
    }
    assert_int_equal(hooks()->delivery_count, HOOKS_DELIVERY_MAX);
    assert_int_equal(hooks()->counts.dropped, 70000 - HOOKS_DELIVERY_MAX);
    assert_int_equal(deliver(DAY_US, 200), HOOKS_DELIVERY_MAX);
    assert_int_equal(hooks()->delivery_count, 0);
}

/* ---- registration ---------------------------------------------------------------------------- */

static void paypal_registers_by_its_own_api(void **state)
{
    (void)state;
    static const char *const path = "/v1/notifications/webhooks";
    static const struct {
        const char *body;
        const char *issue;
    } bad[] = {
        {"{\"url\":\"http://gw.test\",\"event_types\":[{\"name\":\"*\"}]}",
         "Not a valid webhook URL"},
        {"{\"url\":\"https://gw.test\",\"event_types\":[{\"name\":\"PAYMENT.NOTHING\"}]}",
         "Not a valid event name"},
        {"{\"url\":\"https://gw.test\"}", "Event types are required"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(paypal_send(HTTP_POST, path, NULL, bad[i].body), 400);
        assert_string_equal(text_at("name"), "VALIDATION_ERROR");
        assert_string_equal(text_at("details.0.issue"), bad[i].issue);
    }
    assert_int_equal(
        paypal_send(HTTP_POST, path, NULL,
                    "{\"url\":\"https://gw.test\",\"event_types\":[{\"name\":\"*\"}]}"),
        201);
    const char *id = keep("id");
    assert_int_equal(strlen(id), 17);
    assert_int_equal(
        paypal_send(HTTP_POST, path, NULL,
                    "{\"url\":\"https://gw.test\",\"event_types\":[{\"name\":\"*\"}]}"),
        400);
    assert_string_equal(text_at("name"), "WEBHOOK_URL_ALREADY_EXISTS");
    assert_int_equal(paypal_send(HTTP_GET, path, NULL, NULL), 200);
    assert_string_equal(text_at("webhooks.0.id"), id);
    drive_restart(); /* it is remembered */
    assert_int_equal(paypal_send(HTTP_GET, join("/v1/notifications/webhooks/{}", id), NULL, NULL),
                     200);
    assert_string_equal(text_at("url"), "https://gw.test");
    sale("a", "tok_ok", "CAPTURE");
    pay_out("ada"); /* an application has both APIs */
    struct error err;
    drive_wait_ms(60000);
    assert_true(core_ripen(&drive.core, drive.now_us, &err));
    assert_string_equal(names(), "CHECKOUT.ORDER.COMPLETED PAYMENT.CAPTURE.COMPLETED "
                                 "PAYMENT.PAYOUTS-ITEM.SUCCEEDED "
                                 "PAYMENT.PAYOUTSBATCH.SUCCESS");
    const char *event = arena_cstr(&drive.arena, last_event()->id);
    assert_int_equal(
        paypal_send(HTTP_GET, join("/v1/notifications/webhooks-events/{}", event), NULL, NULL),
        200);
    assert_int_equal(paypal_send(HTTP_GET, "/v1/notifications/webhooks-events", NULL, NULL), 200);
    assert_string_equal(text_at("events.0.id"), event);
    assert_true(deliver(1000, 200) == 4);
    assert_int_equal(paypal_send(HTTP_POST,
                                 join("/v1/notifications/webhooks-events/{}/resend", event), NULL,
                                 "{}"),
                     202);
    assert_int_equal(deliver(0, 200), 1);
    assert_int_equal(paypal_send_as("other", HTTP_GET, path, NULL, NULL), 200);
    assert_true(answer_has("\"webhooks\":[]"));
    assert_int_equal(
        paypal_send_as("other", HTTP_DELETE, join("/v1/notifications/webhooks/{}", id), NULL, NULL),
        404);
    assert_int_equal(
        paypal_send(HTTP_DELETE, join("/v1/notifications/webhooks/{}", id), NULL, NULL), 204);
    drive_restart();
    sale("b", "tok_ok", "CAPTURE");
    assert_string_equal(names(), "");
}

static void an_account_has_ten_at_most(void **state)
{
    (void)state;
    for (int i = 0; i <= 10; i++) {
        char body[128];
        (void)snprintf(body, sizeof(body),
                       "{\"url\":\"https://gw.test/%d\",\"event_types\":[{\"name\":\"*\"}]}", i);
        assert_int_equal(paypal_send(HTTP_POST, "/v1/notifications/webhooks", NULL, body),
                         i < 10 ? 201 : 400);
    }
    assert_string_equal(text_at("name"), "WEBHOOK_NUMBER_LIMIT_EXCEEDED");
}

static void control_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const char *const registrations[] = {"{}", "{\"provider\":\"paypal\"}",
                                                "{\"provider\":\"any\",\"url\":\"https://a\"}",
                                                "{\"provider\":\"paypal\",\"url\":\"ftp://a\"}"};
    static const char *const behaviours[] = {"{\"hold\":1}",
                                             "{\"loss\":1.5}",
                                             "{\"repeat_least\":3}",
                                             "{\"repeat_most\":101}",
                                             "{\"delay_ms\":-1}",
                                             "{\"nothing\":true}",
                                             "[]"};
    for (size_t i = 0; i < ARRAY_LEN(registrations); i++) {
        assert_int_equal(drive_send(HTTP_POST, "/hooks", "", registrations[i]), 422);
    }
    for (size_t i = 0; i < ARRAY_LEN(behaviours); i++) {
        assert_int_equal(drive_send(HTTP_POST, "/hooks/behaviour", "", behaviours[i]), 422);
    }
    reg(PAYPAL_HOOK);
    assert_int_equal(drive_send(HTTP_GET, "/hooks", "", NULL), 200);
    assert_string_equal(text_at("hooks.0.id"), "HOOK1");
    assert_non_null(strstr(text_at("certificate"), "BEGIN CERTIFICATE"));
    assert_int_equal(drive_send(HTTP_DELETE, "/hooks/HOOK1", "", NULL), 204);
    assert_int_equal(drive_send(HTTP_DELETE, "/hooks/HOOK1", "", NULL), 404);
    reg(PAYPAL_HOOK);
    assert_int_equal(drive_send(HTTP_DELETE, "/hooks", "", NULL), 204);
    sale("a", "tok_ok", "CAPTURE");
    assert_string_equal(names(), "");
}

static void what_is_away_when_the_books_go_ends_quietly(void **state)
{
    (void)state;
    char body[256];
    reg(PAYPAL_HOOK);
    behave("\"hold\":true");
    sale("a", "tok_ok", "CAPTURE");
    struct str id = last_event()->id;
    (void)snprintf(body, sizeof(body), "{\"events\":[\"" STR_FMT "\",\"" STR_FMT "\"]}",
                   STR_ARG(id), STR_ARG(id));
    assert_int_equal(drive_send(HTTP_POST, "/hooks/send", "", body), 202);
    struct hook_delivery *away = hooks_take(hooks(), drive.now_us);
    assert_int_equal(drive_send(HTTP_POST, "/reset", "", ""), 204);
    hooks_done(hooks(), away, 503, drive.now_us);
    assert_int_equal(hooks()->delivery_count, 0);
    assert_int_equal(deliver(DAY_US, 200), 0);
    sale("b", "tok_ok", "CAPTURE");
    assert_string_equal(names(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_registered_hears_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_life_of_an_authorization_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_decided_later_is_told_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(an_approved_order_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(every_end_of_a_payout_item_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(mass_payouts_are_told_in_their_own_words, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_says_where_its_charge_is_told, setup, teardown),
        cmocka_unit_test(payoneers_signature_is_the_known_one),
        cmocka_unit_test_setup_teardown(paypals_signature_verifies_by_its_certificate, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_is_sent_again_ever_later, setup, teardown),
        cmocka_unit_test_setup_teardown(by_its_own_schedule_it_goes_on_for_three_days, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_seed_decides_repeats_loss_and_disorder, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_held_goes_in_the_order_demanded, setup, teardown),
        cmocka_unit_test_setup_teardown(the_queue_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(paypal_registers_by_its_own_api, setup, teardown),
        cmocka_unit_test_setup_teardown(an_account_has_ten_at_most, setup, teardown),
        cmocka_unit_test_setup_teardown(control_refuses_what_it_does_not_know, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_away_when_the_books_go_ends_quietly, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
