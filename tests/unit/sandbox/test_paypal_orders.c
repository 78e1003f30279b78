#include "drive.h"

#define ORDERS "/v2/checkout/orders"
#define UNIT                                                                                       \
    "{\"custom_id\":\"att_1\",\"invoice_id\":\"pay_1\",\"amount\":{\"currency_code\":\"USD\","     \
    "\"value\":\"100.00\"}}"
#define CARD  "\"payment_source\":{\"card\":{\"vault_id\":\"tok_ok\"}}"
#define SALE  "{\"intent\":\"CAPTURE\",\"purchase_units\":[" UNIT "]," CARD "}"
#define HOLD  "{\"intent\":\"AUTHORIZE\",\"purchase_units\":[" UNIT "]," CARD "}"
#define PLAIN "{\"intent\":\"CAPTURE\",\"purchase_units\":[" UNIT "]}"

#define CAPTURE_0 "purchase_units.0.payments.captures.0."
#define HOLD_0    "purchase_units.0.payments.authorizations.0."

static const char *sale_with(const char *source)
{
    return arena_cstr(&drive.arena, arena_printf(&drive.arena,
                                                 "{\"intent\":\"CAPTURE\",\"purchase_units\":[" UNIT
                                                 "],\"payment_source\":%s}",
                                                 source));
}

static int create(const char *key, const char *body)
{
    return paypal_send(HTTP_POST, ORDERS, key, body);
}

/* ---- paying ---------------------------------------------------------------------------------- */

static void a_one_step_sale_is_captured_with_its_fee(void **state)
{
    (void)state;
    assert_int_equal(create("k", SALE), 201);
    assert_string_equal(text_at("status"), "COMPLETED");
    assert_string_equal(text_at("intent"), "CAPTURE");
    assert_string_equal(text_at(CAPTURE_0 "status"), "COMPLETED");
    assert_string_equal(text_at(CAPTURE_0 "custom_id"), "att_1");
    assert_string_equal(text_at(CAPTURE_0 "invoice_id"), "pay_1");
    assert_string_equal(text_at(CAPTURE_0 "amount.value"), "100.00");
    assert_string_equal(text_at(CAPTURE_0 "processor_response.response_code"), "0000");
    assert_string_equal(text_at(CAPTURE_0 "seller_receivable_breakdown.paypal_fee.value"), "3.98");
    assert_string_equal(text_at(CAPTURE_0 "seller_receivable_breakdown.net_amount.value"), "96.02");
    assert_int_equal(entry_at(0)->kind, BOOK_CHARGE);
    assert_int_equal(entry_at(0)->amount_minor, 10000);
    assert_int_equal(entry_at(0)->fee_minor, 398);
    assert_str(entry_at(0)->reference, "att_1");
    assert_str(entry_at(0)->invoice, "pay_1");
    assert_str(entry_at(0)->key, "k");
    assert_str(entry_at(0)->account, "client");
}

static void an_authorization_is_held_without_fee(void **state)
{
    (void)state;
    assert_int_equal(create("k", HOLD), 201);
    assert_string_equal(text_at("status"), "COMPLETED");
    assert_string_equal(text_at(HOLD_0 "status"), "CREATED");
    assert_string_equal(text_at(HOLD_0 "expiration_time"), "2026-12-20T10:00:00Z");
    assert_int_equal(entry_at(0)->kind, BOOK_HOLD);
    assert_int_equal(entry_at(0)->state, BOOK_HELD);
    assert_int_equal(entry_at(0)->fee_minor, 0);
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/authorize", keep("id")), "k2", ""),
                     422);
    assert_string_equal(issue(), "ORDER_ALREADY_AUTHORIZED");
}

/* clang-format off */
static const struct {
    const char *source;
    const char *status; /* of the capture */
    const char *code;
} declines[] = {
    {"{\"card\":{\"vault_id\":\"tok_soft\"}}", "DECLINED", "5120"},
    {"{\"card\":{\"vault_id\":\"tok_hard\"}}", "DECLINED", "9500"},
    {"{\"card\":{\"vault_id\":\"tok_pending\"}}", "PENDING", "0000"},
    {"{\"card\":{\"name\":\"CCREJECT-REFUSED\",\"number\":\"4012888888881881\",\"expiry\":\"2030-02\"}}", "DECLINED", "0500"},
    {"{\"card\":{\"name\":\"CCREJECT-IF\",\"number\":\"4012888888881881\",\"expiry\":\"2030-02\"}}", "DECLINED", "5120"},
    {"{\"card\":{\"name\":\"CCREJECT-CVV_F\",\"number\":\"4012888888881881\",\"expiry\":\"2030-02\"}}", "DECLINED", "00N7"},
    {"{\"card\":{\"name\":\"CCREJECT-LS\",\"number\":\"4012888888881881\",\"expiry\":\"2030-02\"}}", "DECLINED", "9520"},
    {"{\"card\":{\"name\":\"John Doe\",\"number\":\"371449635398431\",\"expiry\":\"2030-02\",\"security_code\":\"1234\"}}", "COMPLETED", "0000"},
};
/* clang-format on */

static void a_declined_card_is_no_error(void **state)
{
    (void)state;
    char key[16];
    for (size_t i = 0; i < ARRAY_LEN(declines); i++) {
        (void)snprintf(key, sizeof(key), "k%zu", i);
        assert_int_equal(create(key, sale_with(declines[i].source)), 201);
        assert_string_equal(text_at("status"), "COMPLETED");
        assert_string_equal(text_at(CAPTURE_0 "status"), declines[i].status);
        assert_string_equal(text_at(CAPTURE_0 "processor_response.response_code"),
                            declines[i].code);
        assert_true(strcmp(declines[i].status, "COMPLETED") == 0 || entry_at(i)->fee_minor == 0);
    }
}

static void a_declined_wallet_is_an_error_and_in_the_books(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"paypal\":{\"vault_id\":\"tok_soft\"}}")), 422);
    assert_string_equal(issue(), "INSTRUMENT_DECLINED");
    assert_int_equal(create("k", sale_with("{\"paypal\":{\"vault_id\":\"tok_hard\"}}")), 422);
    assert_string_equal(issue(), "TRANSACTION_REFUSED");
    assert_int_equal(entry_at(0)->state, BOOK_DECLINED);
    assert_int_equal(create("k", sale_with("{\"paypal\":{\"vault_id\":\"tok_ok\"}}")), 201);
    assert_string_equal(text_at(CAPTURE_0 "status"), "COMPLETED");
}

static void card_numbers_are_not_kept(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"card\":{\"name\":\"John Doe\",\"number\":"
                                           "\"4012888888881881\",\"expiry\":\"2030-02\"}}")),
                     201);
    assert_string_equal(text_at("payment_source.card.last_digits"), "1881");
    assert_false(answer_has("4012888888881881"));
    assert_int_equal(str_find(buf_str(&drive.core.books.line), STR("4012888888881881"), 0),
                     SIZE_MAX);
}

/* ---- repeats --------------------------------------------------------------------------------- */

static void a_repeat_answers_the_old_order_whatever_its_body(void **state)
{
    (void)state;
    assert_int_equal(create("k", SALE), 201);
    const char *id = keep("id");
    assert_int_equal(create("k", SALE), 200);
    assert_string_equal(text_at("id"), id);
    assert_int_equal(create("k", "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"amount\":{"
                                 "\"currency_code\":\"EUR\",\"value\":\"1.00\"}}]}"),
                     200);
    assert_string_equal(text_at("id"), id);
    assert_string_equal(text_at(CAPTURE_0 "amount.value"), "100.00");
    assert_int_equal(create("k", "{broken"), 200);
    assert_int_equal(drive.core.books.log_count, 1);
    assert_int_equal(entry_at(0)->request_count, 4);
}

static void a_repeat_answers_the_current_state(void **state)
{
    (void)state;
    assert_int_equal(create("k", SALE), 201);
    const char *capture = keep(CAPTURE_0 "id");
    assert_int_equal(
        paypal_send(HTTP_POST, join("/v2/payments/captures/{}/refund", capture), "r", ""), 201);
    assert_int_equal(create("k", SALE), 200);
    assert_string_equal(text_at(CAPTURE_0 "status"), "REFUNDED");
}

static void a_key_belongs_to_account_and_call(void **state)
{
    (void)state;
    assert_int_equal(create("k", PLAIN), 201);
    const char *id = keep("id");
    assert_int_equal(paypal_send_as("other", HTTP_POST, ORDERS, "k", PLAIN), 201);
    assert_string_not_equal(text_at("id"), id);
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL), 200);
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "k", ""), 201);
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "k", ""), 200);
    assert_string_equal(text_at("status"), "COMPLETED");
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "k2", ""), 422);
    assert_string_equal(issue(), "ORDER_ALREADY_CAPTURED");
}

static void an_order_key_lives_six_hours(void **state)
{
    (void)state;
    assert_int_equal(create("k", SALE), 201);
    drive.now_us += INT64_C(6) * 3600 * 1000000 - 1;
    assert_int_equal(create("k", SALE), 200);
    drive.now_us += 1;
    assert_int_equal(create("k", SALE), 201);
    assert_int_equal(drive.core.books.log_count, 2);
    assert_int_equal(create("k", SALE), 200);
}

static void a_key_in_progress_is_a_conflict(void **state)
{
    (void)state;
    drive.keep_busy = true;
    assert_int_equal(create("k", SALE), 201);
    struct str busy = drive.call.busy_name;
    assert_int_equal(create("k", SALE), 409);
    assert_string_equal(text_at("name"), "RESOURCE_CONFLICT");
    assert_string_equal(issue(), "PREVIOUS_REQUEST_IN_PROGRESS");
    assert_int_equal(create("k2", SALE), 201);
    core_release_key(&drive.core, busy);
    assert_int_equal(create("k", SALE), 200);
}

static void a_failed_request_does_not_use_its_key(void **state)
{
    (void)state;
    assert_int_equal(create("k", "{}"), 400);
    assert_int_equal(create("k", SALE), 201);
}

static void paying_needs_a_key_of_bounded_length(void **state)
{
    (void)state;
    char key[PAYPAL_REQUEST_ID_MAX + 2];
    assert_int_equal(create(NULL, SALE), 400);
    assert_string_equal(issue(), "PAYPAL_REQUEST_ID_REQUIRED");
    assert_int_equal(create(NULL, PLAIN), 201);
    assert_int_equal(create(NULL, sale_with("{\"paypal\":{}}")), 200);
    memset(key, 'a', sizeof(key));
    key[PAYPAL_REQUEST_ID_MAX + 1] = '\0';
    assert_int_equal(create(key, SALE), 400);
    assert_string_equal(issue(), "INVALID_STRING_LENGTH");
    key[PAYPAL_REQUEST_ID_MAX] = '\0';
    assert_int_equal(create(key, SALE), 201);
}

/* ---- the payer ------------------------------------------------------------------------------- */

static void an_order_waits_for_its_payer(void **state)
{
    (void)state;
    assert_int_equal(create("k", PLAIN), 201);
    const char *id = keep("id");
    assert_string_equal(text_at("status"), "CREATED");
    assert_string_equal(text_at("links.1.rel"), "approve");
    assert_string_equal(text_at("links.3.rel"), "capture");
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "c", ""), 422);
    assert_string_equal(issue(), "ORDER_NOT_APPROVED");
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/authorize", id), "c", ""), 422);
    assert_string_equal(issue(), "ACTION_DOES_NOT_MATCH_INTENT");
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL), 200);
    assert_int_equal(paypal_send(HTTP_GET, join(ORDERS "/{}", id), NULL, NULL), 200);
    assert_string_equal(text_at("status"), "APPROVED");
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "c", ""), 201);
    assert_string_equal(text_at(CAPTURE_0 "status"), "COMPLETED");
}

static void a_wallet_needs_its_payer_and_answers_200(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"paypal\":{\"experience_context\":{\"return_url\":"
                                           "\"https://shop.test/back?a=1\"}}}")),
                     200);
    const char *id = keep("id");
    assert_string_equal(text_at("status"), "PAYER_ACTION_REQUIRED");
    assert_string_equal(text_at("links.1.rel"), "payer-action");
    assert_int_equal(drive.core.books.log_count, 0);
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL), 303);
    assert_str(drive.call.headers[drive.call.header_count - 1].value,
               join("https://shop.test/back?a=1&token={}&PayerID=QYR5Z8XDVJNXQ", id));
}

static void a_return_url_cannot_split_headers(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"paypal\":{\"experience_context\":{\"return_url\":"
                                           "\"https://shop.test/\\r\\nX: y\"}}}")),
                     200);
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", keep("id")), "", NULL),
        200);
}

static void the_page_asks_and_its_buttons_act(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"paypal\":{\"experience_context\":{\"return_url\":"
                                           "\"https://shop.test/back\",\"cancel_url\":"
                                           "\"https://shop.test/cart\"}}}")),
                     200);
    const char *id = keep("id");
    for (int i = 0; i < 2; i++) { /* looking at it changes nothing */
        assert_int_equal(drive_send(HTTP_GET, join("/checkoutnow?token={}", id), "", NULL), 200);
        assert_true(answer_has("100.00"));
        assert_true(answer_has("decision=approve"));
        assert_true(answer_has("decision=cancel"));
    }
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=cancel", id), "", NULL), 303);
    assert_str(drive.call.headers[drive.call.header_count - 1].value,
               join("https://shop.test/cart?token={}", id));
    assert_int_equal(paypal_send(HTTP_GET, join(ORDERS "/{}", id), NULL, NULL), 200);
    assert_string_equal(text_at("status"), "PAYER_ACTION_REQUIRED");
    for (int i = 0; i < 2; i++) { /* a double click */
        assert_int_equal(
            drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL),
            303);
        assert_int_equal(paypal_send(HTTP_GET, join(ORDERS "/{}", id), NULL, NULL), 200);
        assert_string_equal(text_at("status"), "APPROVED");
    }
    assert_int_equal(drive_send(HTTP_GET, join("/checkoutnow?token={}", id), "", NULL), 200);
    assert_false(answer_has("decision=approve"));
    assert_int_equal(drive_send(HTTP_GET, "/checkoutnow?token=NONE", "", NULL), 404);
}

static void an_order_is_approved_within_three_hours(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"paypal\":{}}")), 200);
    const char *id = keep("id");
    drive.now_us += INT64_C(3) * 3600 * 1000000 + 1;
    assert_int_equal(drive_send(HTTP_GET, join("/checkoutnow?token={}", id), "", NULL), 410);
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL), 410);
    assert_int_equal(paypal_send(HTTP_GET, join(ORDERS "/{}", id), NULL, NULL), 200);
    assert_string_equal(text_at("status"), "PAYER_ACTION_REQUIRED");
}

static void three_d_secure_is_a_payer_action(void **state)
{
    (void)state;
    assert_int_equal(create("k", sale_with("{\"card\":{\"vault_id\":\"tok_3ds\"}}")), 200);
    const char *id = keep("id");
    assert_string_equal(text_at("status"), "PAYER_ACTION_REQUIRED");
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "c", ""), 422);
    assert_string_equal(issue(), "PAYER_ACTION_REQUIRED");
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL), 200);
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), "c", ""), 201);
    assert_string_equal(text_at(CAPTURE_0 "processor_response.response_code"), "0000");
}

static void a_source_is_confirmed_and_captured(void **state)
{
    (void)state;
    assert_int_equal(create("k", PLAIN), 201);
    const char *id = keep("id");
    const char *confirm = join(ORDERS "/{}/confirm-payment-source", id);
    assert_int_equal(paypal_send(HTTP_POST, confirm, NULL, "{}"), 422);
    assert_string_equal(issue(), "NO_PAYMENT_SOURCE_PROVIDED");
    assert_int_equal(paypal_send(HTTP_POST, confirm, NULL, "{" CARD "}"), 200);
    assert_string_equal(text_at("status"), "APPROVED");
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), NULL, "{}"), 201);
    assert_int_equal(paypal_send(HTTP_POST, confirm, NULL, "{" CARD "}"), 422);
    assert_string_equal(issue(), "ORDER_CANNOT_BE_CONFIRMED");
}

static void a_card_may_come_with_the_capture(void **state)
{
    (void)state;
    assert_int_equal(create("k", PLAIN), 201);
    const char *capture = join(ORDERS "/{}/capture", keep("id"));
    assert_int_equal(paypal_send(HTTP_POST, capture, "c", "{" CARD "}"), 201);
    assert_string_equal(text_at("status"), "COMPLETED");
}

/* ---- field checks ---------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *currency;
    const char *value; /* JSON */
    const char *issue; /* NULL: accepted */
    int64_t minor;     /* ISO 4217 */
    int64_t fee;
} amounts[] = {
    {"USD", "\"10\"",                 NULL, 1000, 84},
    {"USD", "\"10.9\"",               NULL, 1090, 87},
    {"USD", "\".50\"",                NULL, 50, 51},
    {"USD", "10.99",                  NULL, 1099, 87},
    {"EUR", "\"100.00\"",             NULL, 10000, 388},
    {"JPY", "\"1000\"",               NULL, 1000, 84},
    {"HUF", "\"1000\"",               NULL, 100000, 18400},
    {"TWD", "\"100\"",                NULL, 10000, 1700},
    {"USD", "\"999999999999999.99\"", NULL, INT64_C(99999999999999999), INT64_C(3490000000000049)},
    {"USD", "\"1000000000000000.00\"", "MAX_VALUE_EXCEEDED", 0, 0},
    {"JPY", "\"1000.00\"", "DECIMALS_NOT_SUPPORTED", 0, 0},
    {"HUF", "\"1000.5\"",  "DECIMALS_NOT_SUPPORTED", 0, 0},
    {"USD", "\"10.001\"",  "DECIMAL_PRECISION", 0, 0},
    {"USD", "\"0\"",       "CANNOT_BE_ZERO_OR_NEGATIVE", 0, 0},
    {"USD", "\"0.00\"",    "CANNOT_BE_ZERO_OR_NEGATIVE", 0, 0},
    {"USD", "\"-1\"",      "CANNOT_BE_ZERO_OR_NEGATIVE", 0, 0},
    {"XXX", "\"10\"",      "INVALID_CURRENCY_CODE", 0, 0},
    {"KWD", "\"10\"",      "INVALID_CURRENCY_CODE", 0, 0},
    {"US",  "\"10\"",      "INVALID_STRING_LENGTH", 0, 0},
    {"USD", "\"\"",        "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "\"1e2\"",     "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "1e2",         "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "\"10.\"",     "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "\"1.0.0\"",   "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "\" 10\"",     "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "\"-\"",       "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "null",        "INVALID_PARAMETER_SYNTAX", 0, 0},
    {"USD", "\"000000000000000000000000000000010\"", "INVALID_STRING_LENGTH", 0, 0},
};
/* clang-format on */

static void amounts_follow_paypals_decimals(void **state)
{
    (void)state;
    char body[512];
    char key[16];
    size_t made = 0;
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        (void)snprintf(body, sizeof(body),
                       "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"amount\":{\"currency_code\":"
                       "\"%s\",\"value\":%s}}]," CARD "}",
                       amounts[i].currency, amounts[i].value);
        (void)snprintf(key, sizeof(key), "k%zu", i);
        int status = create(key, body);
        if (!amounts[i].issue && status != 201) {
            fail_msg("%s %s: %d %s", amounts[i].currency, amounts[i].value, status, issue());
        }
        if (amounts[i].issue) {
            if (strcmp(issue(), amounts[i].issue) != 0) {
                fail_msg("%s %s: %s", amounts[i].currency, amounts[i].value, issue());
            }
            continue;
        }
        assert_int_equal(entry_at(made)->amount_minor, amounts[i].minor);
        assert_int_equal(entry_at(made)->fee_minor, amounts[i].fee);
        made++;
    }
    assert_int_equal(drive.core.books.log_count, made);
}

#define AMOUNT     "\"amount\":{\"currency_code\":\"USD\",\"value\":\"10.00\"}"
#define WITH(unit) "{\"intent\":\"CAPTURE\",\"purchase_units\":[{" unit "}]}"
#define MONEY(v)   "{\"currency_code\":\"USD\",\"value\":\"" v "\"}"
#define BROKEN_DOWN(parts, more)                                                                   \
    WITH("\"amount\":{\"currency_code\":\"USD\",\"value\":\"10.00\",\"breakdown\":{" parts         \
         "}}" more)

/* clang-format off */
static const struct {
    const char *body;
    int status;
    const char *issue;
    const char *field;
} orders[] = {
    {"{\"purchase_units\":[{" AMOUNT "}]}", 400, "MISSING_REQUIRED_PARAMETER", "/intent"},
    {"{\"intent\":\"SALE\",\"purchase_units\":[{" AMOUNT "}]}", 400, "INVALID_PARAMETER_VALUE", "/intent"},
    {"{\"intent\":\"CAPTURE\"}", 400, "MISSING_REQUIRED_PARAMETER", "/purchase_units"},
    {"{\"intent\":\"CAPTURE\",\"purchase_units\":{}}", 400, "INVALID_PARAMETER_SYNTAX", "/purchase_units"},
    {"{\"intent\":\"CAPTURE\",\"purchase_units\":[]}", 400, "INVALID_ARRAY_MIN_ITEMS", "/purchase_units"},
    {WITH("\"custom_id\":\"x\""), 400, "MISSING_REQUIRED_PARAMETER", "/purchase_units/@reference_id=='default'/amount"},
    {WITH("\"custom_id\":\"\"," AMOUNT), 400, "INVALID_STRING_LENGTH", "/purchase_units/@reference_id=='default'/custom_id"},
    {WITH("\"custom_id\":7," AMOUNT), 400, "INVALID_PARAMETER_SYNTAX", "/purchase_units/@reference_id=='default'/custom_id"},
    {WITH("\"reference_id\":\"r\",\"soft_descriptor\":\"12345678901234567890123\"," AMOUNT), 400, "INVALID_STRING_LENGTH", "/purchase_units/@reference_id=='r'/soft_descriptor"},
    {"{\"intent\":\"CAPTURE\",\"purchase_units\":[{" AMOUNT "},{" AMOUNT "}]}", 422, "REFERENCE_ID_REQUIRED", "/purchase_units"},
    {"{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"reference_id\":\"a\"," AMOUNT "},{\"reference_id\":\"a\"," AMOUNT "}]}", 422, "DUPLICATE_REFERENCE_ID", "/purchase_units"},
    {"{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"reference_id\":\"a\"," AMOUNT "},{\"reference_id\":\"b\",\"amount\":{\"currency_code\":\"EUR\",\"value\":\"1\"}}]}", 422, "MULTI_CURRENCY_ORDER", "/purchase_units"},
    {BROKEN_DOWN("\"item_total\":" MONEY("9.99"), ""), 422, "AMOUNT_MISMATCH", "/purchase_units/@reference_id=='default'/amount/value"},
    {BROKEN_DOWN("\"item_total\":" MONEY("11.00") ",\"discount\":" MONEY("1.00"), ""), 201, NULL, NULL},
    {BROKEN_DOWN("\"item_total\":" MONEY("10.00"), ",\"items\":[{\"name\":\"n\",\"quantity\":\"2\",\"unit_amount\":" MONEY("5.00") "}]"), 201, NULL, NULL},
    {BROKEN_DOWN("\"item_total\":" MONEY("10.00"), ",\"items\":[{\"name\":\"n\",\"quantity\":\"3\",\"unit_amount\":" MONEY("5.00") "}]"), 422, "ITEM_TOTAL_MISMATCH", NULL},
    {WITH(AMOUNT ",\"items\":[{\"name\":\"n\",\"quantity\":\"2\",\"unit_amount\":" MONEY("5.00") "}]"), 422, "ITEM_TOTAL_REQUIRED", NULL},
    {WITH(AMOUNT ",\"items\":[{\"quantity\":\"1\",\"unit_amount\":" MONEY("5.00") "}]"), 400, "MISSING_REQUIRED_PARAMETER", "/purchase_units/@reference_id=='default'/items/0/name"},
    {WITH(AMOUNT ",\"items\":[{\"name\":\"n\",\"quantity\":\"0\",\"unit_amount\":" MONEY("5.00") "}]"), 400, "INVALID_PARAMETER_SYNTAX", "/purchase_units/@reference_id=='default'/items/0/quantity"},
    {"[]", 400, "MISSING_REQUIRED_PARAMETER", "/intent"},
    {"{", 400, "MALFORMED_REQUEST_JSON", "/"},
};

static const struct {
    const char *source;
    int status;
    const char *issue;
} sources[] = {
    {"{\"card\":{\"vault_id\":\"visa\"}}", 422, "TOKEN_ID_NOT_FOUND"},
    {"{\"card\":{\"vault_id\":\"tok ok\"}}", 400, "INVALID_PARAMETER_SYNTAX"},
    {"{\"paypal\":{\"vault_id\":\"x\"}}", 422, "TOKEN_ID_NOT_FOUND"},
    {"{\"card\":{\"vault_id\":\"tok_ok\"},\"paypal\":{}}", 422, "ONLY_ONE_PAYMENT_SOURCE_ALLOWED"},
    {"{}", 400, "INVALID_PARAMETER_SYNTAX"},
    {"{\"card\":{}}", 422, "CARD_NUMBER_REQUIRED"},
    {"{\"card\":{\"number\":\"4012888888881881\"}}", 422, "CARD_EXPIRY_REQUIRED"},
    {"{\"card\":{\"number\":\"4012888888881881\",\"expiry\":\"02-2030\"}}", 400, "INVALID_PARAMETER_SYNTAX"},
    {"{\"card\":{\"number\":\"4012888888881881\",\"expiry\":\"2030-13\"}}", 400, "INVALID_PARAMETER_SYNTAX"},
    {"{\"card\":{\"number\":\"4012888888881881\",\"expiry\":\"2026-10\"}}", 422, "CARD_EXPIRED"},
    {"{\"card\":{\"number\":\"4012888888881881\",\"expiry\":\"2026-11\"}}", 201, NULL},
    {"{\"card\":{\"number\":\"401288888888\",\"expiry\":\"2030-02\"}}", 400, "INVALID_STRING_LENGTH"},
    {"{\"card\":{\"number\":\"4012-88888888-1881\",\"expiry\":\"2030-02\"}}", 400, "INVALID_PARAMETER_SYNTAX"},
    {"{\"card\":{\"number\":\"4012888888881881\",\"expiry\":\"2030-02\",\"security_code\":\"12\"}}", 422, "INVALID_SECURITY_CODE_LENGTH"},
    {"{\"ideal\":{\"name\":\"John\",\"country_code\":\"NL\"}}", 200, NULL},
};
/* clang-format on */

static void fields_of_orders_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        int status = create(NULL, orders[i].body);
        if (status != orders[i].status ||
            (orders[i].issue && strcmp(issue(), orders[i].issue) != 0) ||
            (orders[i].field && strcmp(text_at("details.0.field"), orders[i].field) != 0)) {
            fail_msg("%s: %d %s %s", orders[i].body, status, issue(), text_at("details.0.field"));
        }
    }
}

static void payment_sources_are_checked(void **state)
{
    (void)state;
    char key[16];
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        (void)snprintf(key, sizeof(key), "k%zu", i);
        int status = create(key, sale_with(sources[i].source));
        if (status != sources[i].status ||
            (sources[i].issue && strcmp(issue(), sources[i].issue) != 0)) {
            fail_msg("%s: %d %s", sources[i].source, status, issue());
        }
    }
}

static void an_error_body_has_paypals_members(void **state)
{
    (void)state;
    assert_int_equal(create(NULL, "{}"), 400);
    assert_string_equal(text_at("name"), "INVALID_REQUEST");
    assert_string_equal(text_at("message"), "Request is not well-formed, syntactically incorrect, "
                                            "or violates schema.");
    assert_int_equal(strlen(text_at("debug_id")), 13);
    assert_string_equal(text_at("details.1.field"), "/purchase_units");
    assert_string_equal(text_at("details.1.location"), "body");
    assert_true(strlen(text_at("details.1.description")) > 0);
    assert_string_equal(text_at("links.0.rel"), "information_link");
    assert_str(drive.call.headers[0].name, "Paypal-Debug-Id");
    assert_str(drive.call.headers[0].value, text_at("debug_id"));
}

/* ---- the rest of the protocol ---------------------------------------------------------------- */

static void minimal_answers_have_id_status_and_links(void **state)
{
    (void)state;
    assert_int_equal(create("k", SALE), 201);
    struct str authorization = call_header(&drive.call, "Authorization");
    char headers[512];
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: " STR_FMT
                   "\nContent-Type: application/json; charset=utf-8\nPayPal-Request-Id: m",
                   STR_ARG(authorization));
    assert_int_equal(drive_send(HTTP_POST, ORDERS "?", headers, SALE), 201);
    assert_int_equal(json_object_size(drive.json), 3);
    assert_true(strlen(text_at("links.0.href")) > 0);
}

static void credentials_are_checked(void **state)
{
    (void)state;
    /* client:wrong */
    assert_int_equal(drive_send(HTTP_POST, "/v1/oauth2/token",
                                "Authorization: Basic Y2xpZW50Ondyb25n",
                                "grant_type=client_credentials"),
                     401);
    assert_string_equal(text_at("error"), "invalid_client");
    assert_int_equal(drive_send(HTTP_POST, "/v1/oauth2/token", "", "grant_type=client_credentials"),
                     401);
    assert_int_equal(drive_send(HTTP_POST, "/v1/oauth2/token",
                                "Authorization: Basic Y2xpZW50OnNlY3JldA==", "grant_type=password"),
                     400);
    assert_int_equal(drive_send(HTTP_GET, ORDERS "/X", "", NULL), 401);
    assert_string_equal(text_at("name"), "AUTHENTICATION_FAILURE");
    assert_int_equal(drive_send(HTTP_GET, ORDERS "/X", "Authorization: Bearer A21AA", NULL), 401);
}

static void a_token_outlives_a_restart_but_not_its_time(void **state)
{
    (void)state;
    char headers[512];
    char forged[512];
    assert_int_equal(paypal_send(HTTP_GET, ORDERS "/X", NULL, NULL), 404);
    struct str authorization = call_header(&drive.call, "Authorization");
    (void)snprintf(headers, sizeof(headers), "Authorization: " STR_FMT, STR_ARG(authorization));
    drive_restart();
    assert_int_equal(drive_send(HTTP_GET, ORDERS "/X", headers, NULL), 404);
    (void)snprintf(forged, sizeof(forged), "%s", headers);
    forged[strlen("Authorization: Bearer A21AA") + 3]++; /* a digit of its end */
    assert_int_equal(drive_send(HTTP_GET, ORDERS "/X", forged, NULL), 401);
    drive.now_us += INT64_C(32399) * 1000000;
    assert_int_equal(drive_send(HTTP_GET, ORDERS "/X", headers, NULL), 404);
    drive.now_us += INT64_C(1000000);
    assert_int_equal(drive_send(HTTP_GET, ORDERS "/X", headers, NULL), 401);
}

static void media_type_is_checked_and_an_empty_body_is_an_object(void **state)
{
    (void)state;
    char headers[512];
    assert_int_equal(create("k", PLAIN), 201);
    const char *id = keep("id");
    struct str authorization = call_header(&drive.call, "Authorization");
    (void)snprintf(headers, sizeof(headers), "Authorization: " STR_FMT "\nContent-Type: text/xml",
                   STR_ARG(authorization));
    assert_int_equal(drive_send(HTTP_POST, ORDERS, headers, PLAIN), 415);
    assert_string_equal(text_at("name"), "UNSUPPORTED_MEDIA_TYPE");
    assert_int_equal(
        drive_send(HTTP_POST, join("/checkoutnow?token={}&decision=approve", id), "", NULL), 200);
    assert_int_equal(paypal_send(HTTP_POST, join(ORDERS "/{}/capture", id), NULL, ""), 201);
}

static void a_mock_header_demands_an_issue(void **state)
{
    (void)state;
    char headers[512];
    assert_int_equal(paypal_send(HTTP_GET, ORDERS "/X", NULL, NULL), 404);
    struct str authorization = call_header(&drive.call, "Authorization");
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: " STR_FMT "\nContent-Type: application/json\n"
                   "PayPal-Mock-Response: {\"mock_application_codes\":\"INSTRUMENT_DECLINED\"}",
                   STR_ARG(authorization));
    assert_int_equal(drive_send(HTTP_POST, ORDERS, headers, SALE), 422);
    assert_string_equal(issue(), "INSTRUMENT_DECLINED");
    (void)snprintf(headers, sizeof(headers),
                   "Authorization: " STR_FMT "\nContent-Type: application/json\n"
                   "PayPal-Mock-Response: {\"mock_application_codes\":\"PERMISSION_DENIED\"}",
                   STR_ARG(authorization));
    assert_int_equal(drive_send(HTTP_POST, ORDERS, headers, SALE), 403);
    assert_int_equal(drive.core.books.log_count, 0);
}

static void every_issue_is_found_in_the_table(void **state)
{
    (void)state;
    extern const size_t paypal_issue_count;
    assert_int_equal(paypal_issue_count, 218);
    assert_int_equal(paypal_issue_status(STR("ACTION_DOES_NOT_MATCH_INTENT")), 422);
    assert_int_equal(paypal_issue_status(STR("VAULT_INSTRUCTION_REQUIRED")), 422);
    assert_int_equal(paypal_issue_status(STR("INVALID_RESOURCE_ID")), 404);
    assert_int_equal(paypal_issue_status(STR("PREVIOUS_REQUEST_IN_PROGRESS")), 409);
    assert_int_equal(paypal_issue_status(STR("REFUND_AMOUNT")), 0);
    assert_int_equal(paypal_issue_status(STR_NONE), 0);
}

static void another_account_sees_nothing(void **state)
{
    (void)state;
    assert_int_equal(create("k", SALE), 201);
    assert_int_equal(paypal_send_as("other", HTTP_GET, join(ORDERS "/{}", keep("id")), NULL, NULL),
                     404);
    assert_string_equal(text_at("name"), "RESOURCE_NOT_FOUND");
    assert_string_equal(issue(), "INVALID_RESOURCE_ID");
}

static void an_order_is_patched_whole_or_not_at_all(void **state)
{
    (void)state;
    assert_int_equal(create("k", PLAIN), 201);
    const char *path = join(ORDERS "/{}", keep("id"));
    assert_int_equal(
        paypal_send(HTTP_PATCH, path, NULL,
                    "[{\"op\":\"replace\",\"path\":\"/purchase_units/@reference_id=='default'/"
                    "custom_id\",\"value\":\"att_9\"},{\"op\":\"replace\",\"path\":\"/nonsense\","
                    "\"value\":1}]"),
        422);
    assert_string_equal(issue(), "INVALID_JSON_POINTER_FORMAT");
    assert_int_equal(
        paypal_send(HTTP_PATCH, path, NULL,
                    "[{\"op\":\"replace\",\"path\":\"/purchase_units/@reference_id=='default'/"
                    "amount\",\"value\":{\"currency_code\":\"USD\",\"value\":\"7.50\"}},"
                    "{\"op\":\"remove\",\"path\":\"/purchase_units/@reference_id=='default'/"
                    "invoice_id\"}]"),
        204);
    assert_int_equal(paypal_send(HTTP_GET, path, NULL, NULL), 200);
    assert_string_equal(text_at("purchase_units.0.amount.value"), "7.50");
    assert_string_equal(text_at("purchase_units.0.custom_id"), "att_1");
    assert_null(json_path(drive.json, "purchase_units.0.invoice_id"));
}

static void several_units_pay_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(
        create("k", "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"reference_id\":\"a\"," AMOUNT
                    "},{\"reference_id\":\"b\"," AMOUNT "}]," CARD "}"),
        201);
    assert_string_equal(text_at("purchase_units.1.payments.captures.0.status"), "COMPLETED");
    assert_null(json_path(drive.json, "purchase_units.1.payments.captures.1"));
    assert_int_equal(drive.core.books.log_count, 2);
}

static void invoices_are_unique_if_the_account_says_so(void **state)
{
    (void)state;
    drive.core.settings.unique_invoices = true;
    assert_int_equal(create("k1", SALE), 201);
    assert_int_equal(create("k2", SALE), 422);
    assert_string_equal(issue(), "DUPLICATE_INVOICE_ID");
    assert_int_equal(create("k1", SALE), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, drive_setup, drive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_one_step_sale_is_captured_with_its_fee),
        TEST(an_authorization_is_held_without_fee),
        TEST(a_declined_card_is_no_error),
        TEST(a_declined_wallet_is_an_error_and_in_the_books),
        TEST(card_numbers_are_not_kept),
        TEST(a_repeat_answers_the_old_order_whatever_its_body),
        TEST(a_repeat_answers_the_current_state),
        TEST(a_key_belongs_to_account_and_call),
        TEST(an_order_key_lives_six_hours),
        TEST(a_key_in_progress_is_a_conflict),
        TEST(a_failed_request_does_not_use_its_key),
        TEST(paying_needs_a_key_of_bounded_length),
        TEST(an_order_waits_for_its_payer),
        TEST(a_wallet_needs_its_payer_and_answers_200),
        TEST(a_return_url_cannot_split_headers),
        TEST(the_page_asks_and_its_buttons_act),
        TEST(an_order_is_approved_within_three_hours),
        TEST(three_d_secure_is_a_payer_action),
        TEST(a_source_is_confirmed_and_captured),
        TEST(a_card_may_come_with_the_capture),
        TEST(amounts_follow_paypals_decimals),
        TEST(fields_of_orders_are_checked),
        TEST(payment_sources_are_checked),
        TEST(an_error_body_has_paypals_members),
        TEST(minimal_answers_have_id_status_and_links),
        TEST(credentials_are_checked),
        TEST(a_token_outlives_a_restart_but_not_its_time),
        TEST(media_type_is_checked_and_an_empty_body_is_an_object),
        TEST(a_mock_header_demands_an_issue),
        TEST(every_issue_is_found_in_the_table),
        TEST(another_account_sees_nothing),
        TEST(an_order_is_patched_whole_or_not_at_all),
        TEST(several_units_pay_one_by_one),
        TEST(invoices_are_unique_if_the_account_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
