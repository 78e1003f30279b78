#include "drive.h"

#define ORDER(intent)                                                                              \
    "{\"intent\":\"" intent "\",\"purchase_units\":[{\"custom_id\":\"att_1\",\"amount\":{"         \
    "\"currency_code\":\"USD\",\"value\":\"100.00\"}}],\"payment_source\":{\"card\":{\"vault_"     \
    "id\":"                                                                                        \
    "\"tok_ok\"}}}"
#define AMOUNT(currency, value)                                                                    \
    "{\"amount\":{\"currency_code\":\"" currency "\",\"value\":\"" value "\"}}"

#define HOLDS    "/v2/payments/authorizations/{}"
#define CAPTURES "/v2/payments/captures/{}"

static const char *new_hold(void)
{
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "hold", ORDER("AUTHORIZE")),
                     201);
    return keep("purchase_units.0.payments.authorizations.0.id");
}

static const char *new_capture(void)
{
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "sale", ORDER("CAPTURE")), 201);
    return keep("purchase_units.0.payments.captures.0.id");
}

static void a_hold_is_captured_whole_without_amount(void **state)
{
    (void)state;
    const char *hold = new_hold();
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c", ""), 201);
    const char *capture = keep("id");
    assert_string_equal(text_at("status"), "COMPLETED");
    assert_string_equal(text_at("amount.value"), "100.00");
    assert_string_equal(text_at("custom_id"), "att_1");
    assert_string_equal(text_at("seller_receivable_breakdown.paypal_fee.value"), "3.98");
    assert_int_equal(entry_at(1)->fee_minor, 398);
    assert_str(entry_at(1)->parent, hold);
    assert_int_equal(paypal_send(HTTP_GET, join(HOLDS, hold), NULL, NULL), 200);
    assert_string_equal(text_at("status"), "CAPTURED");
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c", ""), 200);
    assert_string_equal(text_at("id"), capture);
    assert_int_equal(entry_at(1)->request_count, 2);
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c2", ""), 422);
    assert_string_equal(issue(), "AUTHORIZATION_ALREADY_CAPTURED");
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/void", hold), "v", ""), 422);
    assert_string_equal(issue(), "PREVIOUSLY_CAPTURED");
}

static void a_hold_is_captured_in_parts_up_to_its_limit(void **state)
{
    (void)state;
    const char *path = join(HOLDS "/capture", new_hold());
    assert_int_equal(paypal_send(HTTP_POST, path, "c1", AMOUNT("USD", "60.00")), 201);
    assert_int_equal(entry_at(0)->state, BOOK_PARTIALLY_CAPTURED);
    assert_int_equal(paypal_send(HTTP_POST, path, "c2", AMOUNT("USD", "55.01")), 422);
    assert_string_equal(issue(), "MAX_CAPTURE_AMOUNT_EXCEEDED");
    assert_int_equal(paypal_send(HTTP_POST, path, "c2", AMOUNT("EUR", "10.00")), 422);
    assert_string_equal(issue(), "AUTH_CAPTURE_CURRENCY_MISMATCH");
    assert_int_equal(paypal_send(HTTP_POST, path, "c2", AMOUNT("USD", "10.001")), 422);
    assert_string_equal(issue(), "DECIMAL_PRECISION");
    assert_int_equal(paypal_send(HTTP_POST, path, "c2", AMOUNT("USD", "55.00")), 201);
    assert_int_equal(entry_at(0)->state, BOOK_CAPTURED);
}

static void a_final_capture_ends_the_hold(void **state)
{
    (void)state;
    const char *path = join(HOLDS "/capture", new_hold());
    assert_int_equal(paypal_send(HTTP_POST, path, "c1",
                                 "{\"final_capture\":true,\"amount\":{\"currency_code\":\"USD\","
                                 "\"value\":\"1.00\"}}"),
                     201);
    assert_int_equal(paypal_send(HTTP_POST, path, "c2", AMOUNT("USD", "1.00")), 422);
    assert_string_equal(issue(), "AUTHORIZATION_ALREADY_CAPTURED");
}

static void a_void_releases_the_hold_once(void **state)
{
    (void)state;
    const char *hold = new_hold();
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/void", hold), "v", ""), 200);
    assert_string_equal(text_at("status"), "VOIDED");
    assert_int_equal(entry_at(0)->state, BOOK_VOIDED);
    assert_int_equal(entry_at(1)->kind, BOOK_VOID);
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/void", hold), "v", ""), 200);
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/void", hold), "v2", ""), 422);
    assert_string_equal(issue(), "PREVIOUSLY_VOIDED");
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c", ""), 422);
    assert_string_equal(issue(), "AUTHORIZATION_VOIDED");
    assert_int_equal(drive.core.books.log_count, 2);
}

static void a_minimal_void_has_no_body(void **state)
{
    (void)state;
    const char *hold = new_hold();
    char headers[512];
    (void)snprintf(headers, sizeof(headers), "Authorization: " STR_FMT,
                   STR_ARG(call_header(&drive.call, "Authorization")));
    assert_int_equal(drive_send(HTTP_POST, join(HOLDS "/void", hold), headers, NULL), 204);
    assert_int_equal(drive.core.body.len, 0);
}

static void a_hold_expires(void **state)
{
    (void)state;
    const char *hold = new_hold();
    drive.now_us += 29 * DAY_US + 1;
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c", ""), 422);
    assert_string_equal(issue(), "AUTHORIZATION_EXPIRED");
}

static void a_hold_is_renewed_from_the_fourth_day(void **state)
{
    (void)state;
    const char *hold = new_hold();
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/reauthorize", hold), "r", "{}"), 422);
    assert_string_equal(issue(), "REAUTHORIZATION_NOT_SUPPORTED");
    drive.now_us += 3 * DAY_US + 1;
    assert_int_equal(
        paypal_send(HTTP_POST, join(HOLDS "/reauthorize", hold), "r", AMOUNT("USD", "110.00")),
        201);
    assert_string_equal(text_at("status"), "CREATED");
    assert_string_not_equal(text_at("id"), hold);
    assert_int_equal(entry_at(0)->state, BOOK_VOIDED);
    assert_int_equal(entry_at(1)->amount_minor, 11000);
}

static void what_is_left_of_a_hold_is_renewed(void **state)
{
    (void)state;
    const char *hold = new_hold();
    assert_int_equal(
        paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c", AMOUNT("USD", "30.00")), 201);
    assert_int_equal(drive_send(HTTP_POST, "/age", "", "{\"id\":\"nobody\",\"days\":4}"), 422);
    char age[128];
    (void)snprintf(age, sizeof(age), "{\"id\":\"%s\",\"days\":4}", hold);
    assert_int_equal(drive_send(HTTP_POST, "/age", "", age), 200);
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/reauthorize", hold), "r", "{}"), 201);
    const struct book_entry *next = entry_at(2);
    assert_int_equal(next->amount_minor, 7000);
    assert_int_equal(next->state, BOOK_HELD);
    assert_int_equal(entry_at(0)->state, BOOK_VOIDED);
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "d", "{}"), 422);
    assert_string_equal(issue(), "AUTHORIZATION_VOIDED");
}

static void a_capture_is_refunded_up_to_its_amount(void **state)
{
    (void)state;
    const char *capture = new_capture();
    const char *path = join(CAPTURES "/refund", capture);
    assert_int_equal(paypal_send(HTTP_POST, path, "r1", AMOUNT("USD", "40.00")), 201);
    const char *refund = keep("id");
    assert_string_equal(text_at("status"), "COMPLETED");
    assert_string_equal(text_at("seller_payable_breakdown.total_refunded_amount.value"), "40.00");
    assert_int_equal(entry_at(0)->state, BOOK_PARTIALLY_REFUNDED);
    assert_int_equal(paypal_send(HTTP_POST, path, "r1", AMOUNT("USD", "1.00")), 200);
    assert_string_equal(text_at("id"), refund);
    assert_int_equal(paypal_send(HTTP_POST, path, "r2", AMOUNT("USD", "60.01")), 422);
    assert_string_equal(issue(), "REFUND_AMOUNT_EXCEEDED");
    assert_int_equal(paypal_send(HTTP_POST, path, "r2", AMOUNT("EUR", "1.00")), 422);
    assert_string_equal(issue(), "CURRENCY_MISMATCH");
    assert_int_equal(paypal_send(HTTP_POST, path, "r2", "{}"), 201);
    assert_string_equal(text_at("amount.value"), "60.00");
    assert_int_equal(entry_at(0)->state, BOOK_REFUNDED);
    assert_int_equal(entry_at(0)->fee_minor, 398);
    assert_int_equal(paypal_send(HTTP_POST, path, "r3", "{}"), 422);
    assert_string_equal(issue(), "CAPTURE_FULLY_REFUNDED");
    assert_int_equal(paypal_send(HTTP_GET, join("/v2/payments/refunds/{}", refund), NULL, NULL),
                     200);
    assert_string_equal(text_at("amount.value"), "40.00");
    assert_int_equal(paypal_send(HTTP_GET, join(CAPTURES, capture), NULL, NULL), 200);
    assert_string_equal(text_at("status"), "REFUNDED");
}

static void refunds_end_after_180_days(void **state)
{
    (void)state;
    const char *path = join(CAPTURES "/refund", new_capture());
    drive.now_us += 180 * DAY_US + 1;
    assert_int_equal(paypal_send(HTTP_POST, path, "r", "{}"), 422);
    assert_string_equal(issue(), "REFUND_TIME_LIMIT_EXCEEDED");
}

static void a_payments_key_lives_45_days(void **state)
{
    (void)state;
    const char *path = join(CAPTURES "/refund", new_capture());
    assert_int_equal(paypal_send(HTTP_POST, path, "r", AMOUNT("USD", "1.00")), 201);
    drive.now_us += 45 * DAY_US - 1;
    assert_int_equal(paypal_send(HTTP_POST, path, "r", AMOUNT("USD", "1.00")), 200);
    drive.now_us += 1;
    assert_int_equal(paypal_send(HTTP_POST, path, "r", AMOUNT("USD", "1.00")), 201);
}

static void a_pending_capture_is_settled_by_the_control_api(void **state)
{
    (void)state;
    char body[128];
    assert_int_equal(
        paypal_send(HTTP_POST, "/v2/checkout/orders", "k",
                    "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"amount\":{\"currency_code\":"
                    "\"USD\",\"value\":\"100.00\"}}],\"payment_source\":{\"card\":{\"vault_id\":"
                    "\"tok_pending\"}}}"),
        201);
    const char *id = keep("purchase_units.0.payments.captures.0.id");
    assert_string_equal(text_at("purchase_units.0.payments.captures.0.status_details.reason"),
                        "PENDING_REVIEW");
    assert_int_equal(paypal_send(HTTP_POST, join(CAPTURES "/refund", id), "r", "{}"), 422);
    assert_string_equal(issue(), "PENDING_CAPTURE");
    (void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"state\":\"completed\"}", id);
    assert_int_equal(drive_send(HTTP_POST, "/settle", "", body), 200);
    assert_int_equal(drive_send(HTTP_POST, "/settle", "", body), 404);
    assert_int_equal(paypal_send(HTTP_GET, join(CAPTURES, id), NULL, NULL), 200);
    assert_string_equal(text_at("status"), "COMPLETED");
    assert_int_equal(entry_at(0)->fee_minor, 398);
}

static void ids_of_another_kind_are_not_found(void **state)
{
    (void)state;
    const char *hold = new_hold();
    assert_int_equal(paypal_send(HTTP_GET, join(CAPTURES, hold), NULL, NULL), 404);
    assert_int_equal(paypal_send(HTTP_GET, join("/v2/payments/refunds/{}", hold), NULL, NULL), 404);
    assert_int_equal(paypal_send(HTTP_POST, join(CAPTURES "/refund", hold), "r", "{}"), 404);
    assert_string_equal(text_at("details.0.field"), "capture_id");
    assert_string_equal(text_at("details.0.location"), "path");
    assert_int_equal(paypal_send(HTTP_GET, "/v2/payments/nothing/X", NULL, NULL), 404);
}

static void a_denied_hold_can_be_nothing(void **state)
{
    (void)state;
    drive.forced = SCENARIO_SOFT;
    const char *hold = new_hold();
    drive.forced = SCENARIO_NONE;
    assert_string_equal(text_at("purchase_units.0.payments.authorizations.0.status"), "DENIED");
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/capture", hold), "c", ""), 422);
    assert_string_equal(issue(), "AUTHORIZATION_DENIED");
    assert_int_equal(paypal_send(HTTP_POST, join(HOLDS "/void", hold), "v", ""), 422);
    assert_string_equal(issue(), "CANNOT_BE_VOIDED");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, drive_setup, drive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hold_is_captured_whole_without_amount),
        TEST(a_hold_is_captured_in_parts_up_to_its_limit),
        TEST(a_final_capture_ends_the_hold),
        TEST(a_void_releases_the_hold_once),
        TEST(a_minimal_void_has_no_body),
        TEST(a_hold_expires),
        TEST(a_hold_is_renewed_from_the_fourth_day),
        TEST(what_is_left_of_a_hold_is_renewed),
        TEST(a_capture_is_refunded_up_to_its_amount),
        TEST(refunds_end_after_180_days),
        TEST(a_payments_key_lives_45_days),
        TEST(a_pending_capture_is_settled_by_the_control_api),
        TEST(ids_of_another_kind_are_not_found),
        TEST(a_denied_hold_can_be_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
