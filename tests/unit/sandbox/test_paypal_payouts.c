#include "drive.h"

#include "providers/sandbox/paypal_payouts.h"

#define PAYOUTS "/v1/payments/payouts"

/* One batch of one item; NULL or "" leaves a member out. */
static const char *body_of(const char *batch_id, const char *type, const char *receiver,
                           const char *currency, const char *value)
{
    return arena_cstr(
        &drive.arena,
        arena_printf(
            &drive.arena,
            "{\"sender_batch_header\":{\"sender_batch_id\":\"%s\",\"email_subject\":\"You "
            "have a payout!\"},\"items\":[{\"recipient_type\":\"%s\",\"amount\":{\"value\":"
            "\"%s\",\"currency\":\"%s\"},\"note\":\"Thanks\",\"sender_item_id\":\"%s\","
            "\"receiver\":\"%s\"}]}",
            batch_id, type, value, currency, batch_id, receiver));
}

static int create(const char *batch_id, const char *receiver)
{
    return paypal_send(HTTP_POST, PAYOUTS, NULL,
                       body_of(batch_id, "EMAIL", receiver, "USD", "9.87"));
}

/* The batch of the last create. */
static const char *batch_path(void)
{
    return join(PAYOUTS "/{}", text_at("batch_header.payout_batch_id"));
}

static const char *item_path(const char *format)
{
    return join(format, text_at("items.0.payout_item_id"));
}

static int show(const char *path)
{
    return paypal_send(HTTP_GET, path, NULL, NULL);
}

static void an_accepted_batch_is_pending(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "receiver@example.com"), 201);
    assert_string_equal(text_at("batch_header.batch_status"), "PENDING");
    assert_string_equal(text_at("batch_header.sender_batch_header.sender_batch_id"), "att_1");
    assert_string_equal(text_at("batch_header.sender_batch_header.email_subject"),
                        "You have a payout!");
    assert_int_equal(strlen(text_at("batch_header.payout_batch_id")), 13);
    assert_string_equal(text_at("links.0.rel"), "self");
    assert_true(str_ends(str_of(text_at("links.0.href")), str_of(batch_path())));
    const struct book_entry *entry = entry_at(0);
    assert_int_equal(entry->provider, SANDBOX_PAYPAL_PAYOUTS);
    assert_int_equal(entry->kind, BOOK_PAYOUT);
    assert_int_equal(entry->state, BOOK_PENDING);
    assert_int_equal(entry->amount_minor, 987);
    assert_str(entry->reference, "att_1");
    assert_str(entry->receiver, "receiver@example.com");
}

static void it_goes_on_by_itself(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "receiver@example.com"), 201);
    const char *batch = batch_path();
    drive_wait_ms(100);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "PENDING");
    assert_string_equal(text_at("items.0.transaction_status"), "PENDING");
    assert_string_equal(text_at("items.0.payout_item_fee.value"), "0.00");
    assert_string_equal(text_at("batch_header.fees.value"), "0.00");
    drive_wait_ms(200);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "PROCESSING");
    assert_string_equal(text_at("items.0.transaction_status"), "PENDING");
    assert_string_equal(text_at("batch_header.fees.value"), "0.20");
    drive_wait_ms(100);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "PROCESSING");
    assert_string_equal(text_at("items.0.transaction_status"), "SUCCESS");
    drive_wait_ms(100);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "SUCCESS");
    assert_string_equal(text_at("batch_header.amount.value"), "9.87");
    assert_string_equal(text_at("batch_header.amount.currency"), "USD");
    assert_string_equal(text_at("batch_header.time_completed"), "2026-11-21T10:00:00Z");
    assert_string_equal(text_at("items.0.payout_item.receiver"), "receiver@example.com");
    assert_string_equal(text_at("items.0.payout_item.sender_item_id"), "att_1");
    assert_int_equal(strlen(text_at("items.0.transaction_id")), 17);
    assert_int_equal(entry_at(0)->state, BOOK_COMPLETED);
    assert_int_equal(entry_at(0)->fee_minor, 20);
    const char *transaction = keep("items.0.transaction_id");
    assert_int_equal(show(item_path("/v1/payments/payouts-item/{}")), 200);
    assert_string_equal(text_at("transaction_status"), "SUCCESS");
    assert_string_equal(text_at("transaction_id"), transaction);
    assert_string_equal(text_at("sender_batch_id"), "att_1");
    assert_string_equal(text_at("links.1.rel"), "batch");
}

/* ---- outcomes ------------------------------------------------------------------------------- */

struct outcome {
    const char *type;
    const char *receiver;
    const char *batch;  /* status in the end */
    const char *item;   /* after the first step */
    const char *reason; /* then */
    const char *later;  /* item after the second */
    enum book_state books;
};

/* clang-format off */
static const struct outcome outcomes[] = {
    {"EMAIL", "receiver@example.com",     "SUCCESS",  "SUCCESS",   "", "SUCCESS", BOOK_COMPLETED},
    {"EMAIL", "unclaimed@example.com",    "SUCCESS",  "UNCLAIMED", "RECEIVER_UNREGISTERED", "UNCLAIMED", BOOK_UNCLAIMED},
    {"EMAIL", "Jane.Unconfirmed7@example.com", "SUCCESS", "UNCLAIMED", "RECEIVER_UNCONFIRMED", "UNCLAIMED", BOOK_UNCLAIMED},
    {"EMAIL", "claimed@example.com",      "SUCCESS",  "UNCLAIMED", "RECEIVER_UNREGISTERED", "SUCCESS", BOOK_COMPLETED},
    {"EMAIL", "returned@example.com",     "SUCCESS",  "UNCLAIMED", "RECEIVER_UNREGISTERED", "RETURNED", BOOK_RETURNED},
    {"EMAIL", "onhold@example.com",       "SUCCESS",  "ONHOLD",    "REGULATORY_PENDING", "ONHOLD", BOOK_ON_HOLD},
    {"EMAIL", "released@example.com",     "SUCCESS",  "ONHOLD",    "REGULATORY_PENDING", "SUCCESS", BOOK_COMPLETED},
    {"EMAIL", "blocked@example.com",      "SUCCESS",  "BLOCKED",   "REGULATORY_BLOCKED", "BLOCKED", BOOK_BLOCKED},
    {"EMAIL", "failed@example.com",       "DENIED",   "FAILED",    "RECEIVING_LIMIT_EXCEEDED", "FAILED", BOOK_FAILED},
    {"EMAIL", "failed+risk_decline@example.com", "DENIED", "FAILED", "RISK_DECLINE", "FAILED", BOOK_FAILED},
    {"EMAIL", "denied@example.com",       "DENIED",   "FAILED",    "RECEIVER_ACCOUNT_INVALID", "FAILED", BOOK_FAILED},
    {"EMAIL", "self@example.com",         "DENIED",   "FAILED",    "SELF_PAY_NOT_ALLOWED", "FAILED", BOOK_FAILED},
    {"EMAIL", "refunded@example.com",     "SUCCESS",  "SUCCESS",   "", "REFUNDED", BOOK_REFUNDED},
    {"EMAIL", "reversed@example.com",     "SUCCESS",  "SUCCESS",   "", "REVERSED", BOOK_REVERSED},
    {"EMAIL", "canceled@example.com",     "CANCELED", "FAILED",    "APPROVER_DENIED", "FAILED", BOOK_CANCELED},
    {"EMAIL", "stuck@example.com",        "PROCESSING", "PENDING", "", "PENDING", BOOK_PENDING},
    {"EMAIL", "ok@unclaimed.example",     "SUCCESS",  "SUCCESS",   "", "SUCCESS", BOOK_COMPLETED},
    {"PHONE", "+14155550123",             "SUCCESS",  "SUCCESS",   "", "SUCCESS", BOOK_COMPLETED},
    {"PHONE", "+14155550104",             "SUCCESS",  "UNCLAIMED", "RECEIVER_UNREGISTERED", "RETURNED", BOOK_RETURNED},
    {"PAYPAL_ID", "G83JXTJ5EHCQ2",        "SUCCESS",  "SUCCESS",   "", "SUCCESS", BOOK_COMPLETED},
    {"PAYPAL_ID", "BLOCKED000001",        "SUCCESS",  "BLOCKED",   "REGULATORY_BLOCKED", "BLOCKED", BOOK_BLOCKED},
    {"PAYPAL_ID", "NOSUCHACCOUNT99",      "DENIED",   "FAILED",    "RECEIVER_ACCOUNT_INVALID", "FAILED", BOOK_FAILED},
};
/* clang-format on */

static void every_word_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const struct outcome *want = &outcomes[i];
        const char *id = arena_cstr(&drive.arena, arena_printf(&drive.arena, "att_%zu", i));
        print_message("%s\n", want->receiver);
        assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL,
                                     body_of(id, want->type, want->receiver, "EUR", "9.87")),
                         201);
        const char *batch = batch_path();
        drive_wait_ms(500);
        assert_int_equal(show(batch), 200);
        assert_string_equal(text_at("items.0.transaction_status"), want->item);
        assert_string_equal(text_at("items.0.errors.name"), want->reason);
        assert_string_equal(text_at("batch_header.batch_status"), want->batch);
        bool free = strcmp(want->item, "FAILED") == 0 || strcmp(want->item, "BLOCKED") == 0;
        assert_string_equal(text_at("batch_header.fees.value"), free ? "0.00" : "0.20");
        drive_wait_ms(500);
        assert_int_equal(show(batch), 200);
        assert_string_equal(text_at("items.0.transaction_status"), want->later);
        assert_int_equal(entry_at(i)->state, want->books);
    }
}

static void unclaimed_money_comes_back_after_thirty_days(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "unclaimed@example.com"), 201);
    const char *batch = batch_path();
    drive.now_us += 29 * DAY_US;
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("items.0.transaction_status"), "UNCLAIMED");
    drive.now_us += DAY_US + 1000000;
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("items.0.transaction_status"), "RETURNED");
    assert_string_equal(text_at("items.0.errors.name"), "RECEIVER_UNREGISTERED");
}

/* ---- idempotency ----------------------------------------------------------------------------- */

static void a_repeated_batch_id_leads_to_the_first(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "receiver@example.com"), 201);
    const char *first = keep("batch_header.payout_batch_id");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(create("att_1", i == 0 ? "receiver@example.com" : "other@example.com"),
                         400);
        assert_string_equal(text_at("name"), "USER_BUSINESS_ERROR");
        assert_string_equal(text_at("message"), "User business error.");
        assert_string_equal(text_at("details.0.field"), "SENDER_BATCH_ID");
        assert_string_equal(issue(), "Batch with given sender_batch_id already exists");
        assert_string_equal(text_at("details.0.link.0.rel"), "self");
        assert_string_equal(text_at("details.0.link.0.href"),
                            join("https://sandbox.test" PAYOUTS "/{}", first));
        drive.now_us += DAY_US;
    }
    assert_int_equal(drive.core.books.log_count, 1);
    assert_int_equal(entry_at(0)->request_count, 3);
    drive.now_us += 28 * DAY_US;
    assert_int_equal(create("att_1", "receiver@example.com"), 201);
    assert_int_equal(drive.core.books.log_count, 2);
}

static void another_account_has_ids_of_its_own(void **state)
{
    (void)state;
    const char *body = body_of("att_1", "EMAIL", "receiver@example.com", "USD", "1.00");
    assert_int_equal(paypal_send_as("a", HTTP_POST, PAYOUTS, NULL, body), 201);
    const char *batch = batch_path();
    assert_int_equal(paypal_send_as("b", HTTP_POST, PAYOUTS, NULL, body), 201);
    assert_int_equal(paypal_send_as("b", HTTP_GET, batch, NULL, NULL), 404);
    assert_string_equal(text_at("name"), "INVALID_RESOURCE_ID");
}

static void the_request_id_does_nothing(void **state)
{
    (void)state;
    const char *one = body_of("att_1", "EMAIL", "receiver@example.com", "USD", "1.00");
    const char *two = body_of("att_2", "EMAIL", "receiver@example.com", "USD", "1.00");
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, "key", one), 201);
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, "key", two), 201);
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, "other", one), 400);
}

static void without_a_batch_id_all_are_paid(void **state)
{
    (void)state;
    const char *body =
        "{\"sender_batch_header\":{\"recipient_type\":\"EMAIL\"},\"items\":[{\"receiver\":"
        "\"a@example.com\",\"amount\":{\"currency\":\"USD\",\"value\":\"1\"}}]}";
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, body), 201);
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, body), 201);
    assert_int_equal(drive.core.books.log_count, 2);
}

static void a_denied_batch_gives_its_id_free(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "self@example.com"), 201);
    assert_int_equal(create("att_1", "receiver@example.com"), 400); /* not denied yet */
    drive_wait_ms(500);
    assert_int_equal(create("att_1", "receiver@example.com"), 201);
    const char *second = batch_path();
    assert_int_equal(create("att_1", "receiver@example.com"), 400);
    assert_true(str_ends(str_of(text_at("details.0.link.0.href")), str_of(second)));
}

static void a_repeat_during_the_first_answer_must_wait(void **state)
{
    (void)state;
    drive.keep_busy = true;
    assert_int_equal(create("att_1", "receiver@example.com"), 201);
    assert_int_equal(create("att_1", "receiver@example.com"), 400);
    assert_string_equal(text_at("name"), "PREVIOUS_REQUEST_IN_PROGRESS");
    assert_int_equal(create("att_2", "receiver@example.com"), 201);
}

/* ---- refusals -------------------------------------------------------------------------------- */

struct refusal {
    const char *header; /* members */
    const char *items;  /* the array */
    const char *name;
    const char *field;
    const char *issue;
};

#define AMOUNT "\"amount\":{\"currency\":\"USD\",\"value\":\"1.00\"}"
#define ITEM   "{\"recipient_type\":\"EMAIL\",\"receiver\":\"a@example.com\"," AMOUNT "}"
#define VALUE(currency, value)                                                                     \
    "[{\"recipient_type\":\"EMAIL\",\"receiver\":\"a@example.com\",\"amount\":{\"currency\":"      \
    "\"" currency "\",\"value\":\"" value "\"}}]"
#define TO(type, receiver)                                                                         \
    "[{\"recipient_type\":\"" type "\",\"receiver\":\"" receiver "\"," AMOUNT "}]"

/* clang-format off */
static const struct refusal refusals[] = {
    {"", "[]",                          "VALIDATION_ERROR", "items",                  "Required field missing"},
    {"", "[{\"recipient_type\":\"EMAIL\"," AMOUNT "}]", "VALIDATION_ERROR", "items[0].receiver", "Required field missing"},
    {"", "[" ITEM ",{\"receiver\":\"a@example.com\"," AMOUNT "}]", "VALIDATION_ERROR", "items[1].recipient_type", "Required field missing"},
    {"", "[{\"recipient_type\":\"EMAIL\",\"receiver\":\"a@example.com\"}]", "VALIDATION_ERROR", "items[0].amount", "Required field missing"},
    {"", TO("EMAIL", "nobody"),         "VALIDATION_ERROR", "items[0].receiver",      "Receiver is invalid or does not match with type"},
    {"", TO("EMAIL", "+14155550100"),   "VALIDATION_ERROR", "items[0].receiver",      "Receiver is invalid or does not match with type"},
    {"", TO("PHONE", "a@example.com"),  "VALIDATION_ERROR", "items[0].receiver",      "Receiver is invalid or does not match with type"},
    {"", TO("PAYPAL_ID", "a@example.com"), "VALIDATION_ERROR", "items[0].receiver",   "Receiver is invalid or does not match with type"},
    {"", TO("VENMO_HANDLE", "a@example.com"), "VALIDATION_ERROR", "items[0].receiver", "Receiver is invalid or does not match with type"},
    {"", TO("USER_HANDLE", "handle"),   "VALIDATION_ERROR", "items[0].receiver",      "Receiver is invalid or does not match with type"},
    {"", VALUE("USD", "1.001"),         "VALIDATION_ERROR", "items[0].amount.value",  "Amount is invalid for the currency"},
    {"", VALUE("JPY", "1.5"),           "VALIDATION_ERROR", "items[0].amount.value",  "Amount is invalid for the currency"},
    {"", VALUE("USD", "-1"),            "VALIDATION_ERROR", "items[0].amount.value",  "Amount is invalid for the currency"},
    {"", VALUE("USD", "1e3"),           "VALIDATION_ERROR", "items[0].amount.value",  "Amount is invalid for the currency"},
    {"", VALUE("XXX", "1.00"),          "VALIDATION_ERROR", "items[0].amount.currency", "Currency code is invalid"},
    {"", VALUE("INR", "1.00"),          "VALIDATION_ERROR", "items[0].amount.currency", "Currency code is invalid"},
    {"", "[" ITEM ",{\"recipient_type\":\"EMAIL\",\"receiver\":\"b@example.com\",\"amount\":{\"currency\":\"EUR\",\"value\":\"1\"}}]",
         "VALIDATION_ERROR", "items.amount.currency", "Multiple currencies within a batch is not allowed"},
    {"", VALUE("BRL", "1.00"),          "NON_HOLDING_CURRENCY", "",                   ""},
    {"", VALUE("MYR", "1.00"),          "NON_HOLDING_CURRENCY", "",                   ""},
    {"", VALUE("RUB", "1.00"),          "NON_HOLDING_CURRENCY", "",                   ""},
    {"", VALUE("THB", "1.00"),          "NON_HOLDING_CURRENCY", "",                   ""},
    {"", TO("EMAIL", "insufficient@example.com"), "INSUFFICIENT_FUNDS", "",           ""},
    {"\"sender_batch_id\":7", "[" ITEM "]", "VALIDATION_ERROR", "sender_batch_header.sender_batch_id", "Value is not a string"},
    {"\"recipient_type\":\"ELECTRONIC_MAIL\"", "[" ITEM "]", "VALIDATION_ERROR", "sender_batch_header.recipient_type", "Value exceeds max length"},
    {"", "[{\"recipient_type\":\"EMAIL\",\"receiver\":\"a@example.com\",\"sender_item_id\":\"0123456789012345678901234567890123456789012345678901234567890123\"," AMOUNT "}]",
         "VALIDATION_ERROR", "items[0].sender_item_id", "Value exceeds max length"},
    {"", "[{\"recipient_type\":\"USER_HANDLE\",\"recipient_wallet\":\"VENMO\",\"receiver\":\"@jane\"," AMOUNT "}]",
         "VALIDATION_ERROR", "items[0].note", "Required field missing"},
};
/* clang-format on */

static void every_refusal_has_its_name_and_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        const struct refusal *want = &refusals[i];
        const char *body = arena_cstr(
            &drive.arena, arena_printf(&drive.arena, "{\"sender_batch_header\":{%s},\"items\":%s}",
                                       want->header, want->items));
        print_message("%s\n", body);
        bool funds = strcmp(want->name, "INSUFFICIENT_FUNDS") == 0;
        assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, body), funds ? 422 : 400);
        assert_string_equal(text_at("name"), want->name);
        assert_string_equal(text_at("details.0.field"), want->field);
        assert_string_equal(issue(), want->issue);
        assert_true(strlen(text_at("debug_id")) > 0);
        assert_true(strlen(text_at("information_link")) > 0);
    }
    assert_int_equal(drive.core.books.log_count, 0);
}

static void bodies_that_are_none_are_refused(void **state)
{
    (void)state;
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, "{"), 400);
    assert_string_equal(text_at("name"), "VALIDATION_ERROR");
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, "[]"), 400);
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, "{\"items\":[" ITEM "]}"), 400);
    assert_string_equal(text_at("details.0.field"), "sender_batch_header");
    assert_int_equal(drive_send(HTTP_POST, PAYOUTS, "Authorization: Bearer x", "{}"), 401);
    assert_string_equal(text_at("error"), "invalid_token");
    assert_int_equal(show(PAYOUTS "/NOSUCHBATCH01"), 404);
    assert_string_equal(text_at("name"), "INVALID_RESOURCE_ID");
    assert_int_equal(show("/v1/payments/payouts-item/NOSUCHITEM"), 404);
}

static void the_balance_limits_what_goes_out(void **state)
{
    (void)state;
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"payout_balance\":2014}"), 200);
    assert_int_equal(create("att_1", "receiver@example.com"), 201); /* 9.87 and 0.20 */
    assert_int_equal(create("att_2", "failed@example.com"), 201);
    assert_int_equal(create("att_3", "receiver@example.com"), 422);
    assert_string_equal(text_at("name"), "INSUFFICIENT_FUNDS");
    drive_wait_ms(500); /* the failed one is back */
    assert_int_equal(create("att_3", "receiver@example.com"), 201);
    assert_int_equal(create("att_4", "receiver@example.com"), 422);
    assert_int_equal(create("att_1", "receiver@example.com"), 400); /* known first, then funds */
}

static void fees_are_two_percent_up_to_a_cap(void **state)
{
    (void)state;
    static const struct {
        const char *currency;
        const char *value;
        int64_t percent; /* ISO minor units */
        int64_t flat;
    } cases[] = {
        {"GBP", "12.34", 25, 17},      {"USD", "10.00", 20, 25}, {"USD", "999.99", 2000, 25},
        {"USD", "5000.00", 2000, 25},  {"JPY", "1234", 25, 30},  {"HUF", "1000", 2000, 5300},
        {"TWD", "100000", 80000, 800}, {"EUR", "0.01", 0, 22},
    };
    struct sandbox_settings settings = sandbox_settings_default(0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct currency *currency = currency_find(str_of(cases[i].currency));
        struct paypal_digits digits;
        int64_t minor = 0;
        assert_true(paypal_split(str_of(cases[i].value), &digits));
        assert_null(paypal_convert(digits, currency, false, &minor));
        settings.payout_fee_is_flat = false;
        assert_int_equal(paypal_payout_fee(&settings, minor, currency), cases[i].percent);
        settings.payout_fee_is_flat = true;
        assert_int_equal(paypal_payout_fee(&settings, minor, currency), cases[i].flat);
    }
}

/* ---- cancel ---------------------------------------------------------------------------------- */

static int cancel(const char *path)
{
    return paypal_send(HTTP_POST, path, NULL, "{}");
}

static void only_unclaimed_items_of_complete_batches_are_canceled(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "unclaimed@example.com"), 201);
    const char *batch = batch_path();
    drive_wait_ms(400);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("items.0.transaction_status"), "UNCLAIMED");
    const char *path = item_path("/v1/payments/payouts-item/{}/cancel");
    assert_int_equal(cancel(path), 400);
    assert_string_equal(text_at("name"), "BATCH_NOT_COMPLETED");
    drive_wait_ms(100);
    assert_int_equal(cancel(path), 200);
    assert_string_equal(text_at("transaction_status"), "RETURNED");
    assert_string_equal(text_at("errors.name"), "RECEIVER_UNREGISTERED");
    assert_int_equal(cancel(path), 400);
    assert_string_equal(text_at("name"), "ITEM_ALREADY_CANCELLED");
    assert_int_equal(entry_at(0)->state, BOOK_RETURNED);
    drive.now_us += 40 * DAY_US;
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("items.0.transaction_status"), "RETURNED");

    assert_int_equal(create("att_2", "receiver@example.com"), 201);
    batch = batch_path();
    drive_wait_ms(500);
    assert_int_equal(show(batch), 200);
    assert_int_equal(cancel(item_path("/v1/payments/payouts-item/{}/cancel")), 400);
    assert_string_equal(text_at("name"), "ITEM_INCORRECT_STATUS");

    assert_int_equal(create("att_3", "kept@example.com"), 201);
    batch = batch_path();
    drive_wait_ms(500);
    assert_int_equal(show(batch), 200);
    assert_int_equal(cancel(item_path("/v1/payments/payouts-item/{}/cancel")), 400);
    assert_string_equal(text_at("name"), "ITEM_CANCELLATION_FAILED");
    assert_int_equal(entry_at(2)->state, BOOK_UNCLAIMED);
}

/* ---- batches of many ------------------------------------------------------------------------- */

static const char *many(const char *batch_id, size_t count)
{
    struct buf buf;
    buf_init(&buf, 16 << 20);
    buf_printf(&buf, "{\"sender_batch_header\":{\"sender_batch_id\":\"%s\"},\"items\":[", batch_id);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&buf,
                   "%s{\"recipient_type\":\"EMAIL\",\"receiver\":\"%s%zu@example.com\","
                   "\"sender_item_id\":\"row-%zu\",\"amount\":{\"currency\":\"USD\",\"value\":"
                   "\"10.00\"}}",
                   i > 0 ? "," : "", i == 3 ? "failed" : "r", i, i);
    }
    buf_add_str(&buf, STR("]}"));
    const char *text = arena_cstr(&drive.arena, buf_str(&buf));
    buf_release(&buf);
    return text;
}

static void a_batch_is_shown_in_pages(void **state)
{
    (void)state;
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, many("b", 25)), 201);
    const char *batch = batch_path();
    drive_wait_ms(500);
    assert_int_equal(show(join("{}?page=2&page_size=10&total_required=true", batch)), 200);
    assert_int_equal(json_integer_value(json_path(drive.json, "total_items")), 25);
    assert_int_equal(json_integer_value(json_path(drive.json, "total_pages")), 3);
    assert_int_equal(json_array_size(json_path(drive.json, "items")), 10);
    assert_string_equal(text_at("items.0.payout_item.sender_item_id"), "row-10");
    assert_string_equal(text_at("links.0.rel"), "self");
    assert_string_equal(text_at("links.1.rel"), "next");
    assert_true(str_ends(str_of(text_at("links.1.href")), STR("?page_size=10&page=3")));
    assert_string_equal(text_at("links.2.rel"), "prev");
    assert_string_equal(text_at("batch_header.batch_status"), "SUCCESS");
    assert_string_equal(text_at("batch_header.amount.value"), "250.00");
    assert_string_equal(text_at("batch_header.fees.value"), "4.80"); /* one failed */
    assert_int_equal(show(join("{}?page=4&page_size=10", batch)), 200);
    assert_int_equal(json_array_size(json_path(drive.json, "items")), 0);
    assert_null(json_path(drive.json, "total_items"));
    assert_int_equal(show(join("{}?page_size=1001", batch)), 400);
    assert_string_equal(text_at("name"), "VALIDATION_ERROR");
    assert_int_equal(
        show(join("{}?fields=batch_header,items.transaction_status&page_size=4", batch)), 200);
    assert_string_equal(text_at("items.3.transaction_status"), "FAILED");
    assert_int_equal(json_object_size(json_path(drive.json, "items.3")), 1);
    assert_string_equal(text_at("batch_header.batch_status"), "SUCCESS");
    assert_null(json_path(drive.json, "links"));
}

static void fifteen_thousand_are_the_most(void **state)
{
    (void)state;
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, many("b", 15001)), 400);
    assert_string_equal(text_at("details.0.field"), "items");
    assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, many("b", 15000)), 201);
    const char *batch = batch_path();
    assert_int_equal(drive.core.books.log_count, 15000);
    drive_wait_ms(500);
    assert_int_equal(show(join("{}?page=15&page_size=1000", batch)), 200);
    assert_string_equal(text_at("items.999.payout_item.sender_item_id"), "row-14999");
    assert_string_equal(text_at("items.999.transaction_status"), "SUCCESS");
    assert_int_equal(entry_at(3)->state, BOOK_FAILED);
}

static void an_item_twice_in_a_batch_fails(void **state)
{
    (void)state;
    assert_int_equal(
        paypal_send(HTTP_POST, PAYOUTS, NULL,
                    "{\"sender_batch_header\":{\"recipient_type\":\"EMAIL\"},\"items\":["
                    "{\"receiver\":\"a@example.com\",\"sender_item_id\":\"1\"," AMOUNT "},"
                    "{\"receiver\":\"a@example.com\",\"sender_item_id\":\"1\"," AMOUNT "},"
                    "{\"receiver\":\"b@example.com\",\"amount\":{\"currency\":\"USD\",\"value\":"
                    "\"0\"}}]}"),
        201);
    const char *batch = batch_path();
    drive_wait_ms(500);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "SUCCESS");
    assert_string_equal(text_at("items.0.transaction_status"), "SUCCESS");
    assert_string_equal(text_at("items.1.errors.name"), "DUPLICATE_ITEM");
    assert_string_equal(text_at("items.2.errors.name"), "ZERO_AMOUNT");
}

/* ---- what tests may ask for ------------------------------------------------------------------ */

static void the_providers_own_test_values_work(void **state)
{
    (void)state;
    static const struct {
        const char *note;
        int status;
        const char *name;
    } notes[] = {
        {"ERRPYO001", 403, "SENDER_RESTRICTED"},
        {"ERRPYO002", 403, "SENDER_EMAIL_UNCONFIRMED"},
        {"ERRPYO003", 403, "AUTHORIZATION_ERROR"},
        {"ERRPYO005", 422, "INSUFFICIENT_FUNDS"},
        {"ERRPYO006", 500, "INTERNAL_ERROR"},
        {"ERRPYO010", 400, "VALIDATION_ERROR"},
        {"ERRPYO011", 403, "REQUIRED_SCOPE_MISSING"},
        {"ERRPYO012", 403, "SENDER_LOCKED"},
        {"ERRPYO014", 400, "USER_BUSINESS_ERROR"},
        {"ERRPYO035", 429, "RATE_LIMIT_VALIDATION"},
        {"ERRPYO036", 504, "REQUEST_TIMEOUT_EXCEEDED"},
        {"ERRPYO037", 400, "SYNC_MODE_NOT_APPLICABLE"},
        {"ERRPYO038", 400, "NON_HOLDING_CURRENCY"},
        {"ERRPYO039", 400, "PREVIOUS_REQUEST_IN_PROGRESS"},
        {"ERRPYO040", 403, "CIP_NOT_VERIFIED"},
        {"POSPYO001", 201, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
        const char *body = join(
            "{\"sender_batch_header\":{ },\"items\":[{\"recipient_type\":\"EMAIL\",\"receiver\":"
            "\"a@example.com\",\"note\":\"{}\"," AMOUNT "}]}",
            notes[i].note);
        assert_int_equal(paypal_send(HTTP_POST, PAYOUTS, NULL, body), notes[i].status);
        assert_string_equal(text_at("name"), notes[i].name);
    }
    assert_int_equal(show(PAYOUTS "/ERRPYOB003"), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "PROCESSING");
    assert_int_equal(show(PAYOUTS "/ERRPYOB004"), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "DENIED");
    assert_string_equal(text_at("items.0.errors.name"), "NON_HOLDING_CURRENCY");
    assert_int_equal(show("/v1/payments/payouts-item/POSPOI001"), 200);
    assert_string_equal(text_at("transaction_status"), "SUCCESS");
    assert_int_equal(cancel("/v1/payments/payouts-item/POSPOI002/cancel"), 200);
    assert_string_equal(text_at("transaction_status"), "RETURNED");
    assert_int_equal(cancel("/v1/payments/payouts-item/ERRPYO008/cancel"), 400);
    assert_string_equal(text_at("name"), "ITEM_CANCELLATION_FAILED");
}

static void forced_declines_are_a_refusal_and_a_failure(void **state)
{
    (void)state;
    drive.forced = SCENARIO_SOFT;
    assert_int_equal(create("att_1", "receiver@example.com"), 422);
    assert_string_equal(text_at("name"), "INSUFFICIENT_FUNDS");
    drive.forced = SCENARIO_HARD;
    assert_int_equal(create("att_2", "receiver@example.com"), 201);
    const char *batch = batch_path();
    drive_wait_ms(500);
    assert_int_equal(show(batch), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "DENIED");
    assert_string_equal(text_at("items.0.errors.name"), "RECEIVER_ACCOUNT_INVALID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_accepted_batch_is_pending, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(it_goes_on_by_itself, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(every_word_has_its_outcome, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(unclaimed_money_comes_back_after_thirty_days, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(a_repeated_batch_id_leads_to_the_first, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(another_account_has_ids_of_its_own, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(the_request_id_does_nothing, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(without_a_batch_id_all_are_paid, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(a_denied_batch_gives_its_id_free, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(a_repeat_during_the_first_answer_must_wait, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(every_refusal_has_its_name_and_field, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(bodies_that_are_none_are_refused, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(the_balance_limits_what_goes_out, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(fees_are_two_percent_up_to_a_cap, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(only_unclaimed_items_of_complete_batches_are_canceled,
                                        drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(a_batch_is_shown_in_pages, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(fifteen_thousand_are_the_most, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(an_item_twice_in_a_batch_fails, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(the_providers_own_test_values_work, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(forced_declines_are_a_refusal_and_a_failure, drive_setup,
                                        drive_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
