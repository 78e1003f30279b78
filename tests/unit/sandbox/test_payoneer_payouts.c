#include "drive.h"

#include "providers/sandbox/payoneer_payouts.h"

#define PROGRAM "/v4/programs/100086280"

/* One row of a body; the amount is JSON. */
static const char *row_of(const char *reference, const char *payee, const char *amount,
                          const char *more)
{
    return arena_cstr(&drive.arena,
                      arena_printf(&drive.arena,
                                   "{\"client_reference_id\":\"%s\",\"payee_id\":\"%s\",\"amount\":"
                                   "%s,\"description\":\"Order 42\"%s}",
                                   reference, payee, amount, more));
}

static int create(const char *reference, const char *payee)
{
    return mass_send(
        HTTP_POST, PROGRAM "/masspayouts",
        join("{\"Payments\":[{}]}", row_of(reference, payee, "170.45", ",\"currency\":\"USD\"")));
}

static int status_of(const char *reference)
{
    return mass_send(HTTP_GET, join(PROGRAM "/payouts/{}/status", reference), NULL);
}

static int cancel(const char *reference)
{
    return mass_send(HTTP_PUT, join(PROGRAM "/payouts/{}/cancel", reference), NULL);
}

static int64_t number_at(const char *path)
{
    int64_t value = -1;
    (void)json_path_int64(drive.json, path, &value);
    return value;
}

static void a_payout_is_created_and_transferred(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "payee-123"), 201);
    assert_string_equal(text_at("result"), "Payments Created");
    const struct book_entry *entry = entry_at(0);
    assert_int_equal(entry->provider, SANDBOX_PAYONEER_PAYOUTS);
    assert_int_equal(entry->kind, BOOK_PAYOUT);
    assert_int_equal(entry->amount_minor, 17045);
    assert_int_equal(entry->fee_minor, 170);
    assert_str(entry->reference, "att_1");
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending");
    assert_string_equal(text_at("result.payee_id"), "payee-123");
    assert_string_equal(text_at("result.currency"), "USD");
    assert_true(answer_has("\"amount\":170.45,"));
    assert_true(answer_has("\"load_date\":null"));
    assert_true(answer_has("\"reason_code\":null"));
    assert_true(answer_has("\"cancel_reason_code\":null"));
    drive_wait_ms(499);
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending");
    drive_wait_ms(1);
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Transferred");
    assert_string_equal(text_at("result.load_date"), "2026-11-21T10:00:00Z");
    assert_string_equal(text_at("result.target_currency"), "USD");
    assert_str(entry->id, text_at("result.payout_id"));
    assert_int_equal(entry->state, BOOK_COMPLETED);
}

struct outcome {
    const char *payee;
    const char *first;
    const char *then;
    const char *reason;    /* reason_code at the end; NULL: null */
    int64_t cancel_reason; /* -1: null */
    enum book_state books;
};

static const struct outcome outcomes[] = {
    {"payee-1", "Transferred", "Transferred", NULL, -1, BOOK_COMPLETED},
    {"payee-returned-1", "Transferred", "Cancelled", NULL, 30013, BOOK_RETURNED},
    {"FAILED", "Cancelled", "Cancelled", NULL, 10009, BOOK_FAILED},
    {"rejected_2", "Rejected", "Rejected", "10005", -1, BOOK_FAILED},
    {"stuck", "Pending", "Pending", NULL, -1, BOOK_PENDING},
    {"late", "Transferred", "Transferred", NULL, -1, BOOK_COMPLETED},
    {"pending-7", "Pending Payee", "Pending Payee", NULL, -1, BOOK_PAYEE_PENDING},
};

static void every_word_has_its_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const struct outcome *want = &outcomes[i];
        const char *id = arena_cstr(&drive.arena, arena_printf(&drive.arena, "att_%zu", i));
        print_message("%s\n", want->payee);
        assert_int_equal(create(id, want->payee), 201);
        drive_wait_ms(500);
        assert_int_equal(status_of(id), 200);
        assert_string_equal(text_at("result.status"), want->first);
        drive_wait_ms(500);
        assert_int_equal(status_of(id), 200);
        assert_string_equal(text_at("result.status"), want->then);
        assert_string_equal(text_at("result.reason_code"), want->reason ? want->reason : "");
        assert_int_equal(number_at("result.cancel_reason_code"), want->cancel_reason);
        assert_int_equal(entry_at(i)->state, want->books);
    }
}

static void an_unknown_reference_is_2306(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "payee-1"), 201);
    assert_int_equal(status_of("att_2"), 404);
    assert_string_equal(text_at("error"), "Not Found");
    assert_string_equal(text_at("error_description"), "Payout not found");
    assert_int_equal(number_at("error_details.code"), 404);
    assert_int_equal(number_at("error_details.sub_code"), 2306);
    assert_int_equal(cancel("att_2"), 404);
    assert_int_equal(number_at("error_details.sub_code"), 2306);
    /* References belong to their program. */
    assert_int_equal(mass_send(HTTP_GET, "/v4/programs/2/payouts/att_1/status", NULL), 404);
}

static void a_repeated_reference_is_refused_for_ever(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "payee-1"), 201);
    for (int i = 0; i < 2; i++) {
        drive.now_us += 400 * DAY_US;
        assert_int_equal(create("att_1", i == 0 ? "payee-1" : "payee-2"), 400);
        assert_string_equal(text_at("error"), "Bad Request");
        assert_true(answer_has("already exists"));
        assert_int_equal(number_at("error_details.sub_code"), 1000);
        assert_string_equal(text_at("error_details.errors.0.target"),
                            "Payments[0].client_reference_id");
        assert_string_equal(text_at("error_details.errors.0.value"), "att_1");
    }
    assert_int_equal(drive.core.books.log_count, 1);
    assert_int_equal(entry_at(0)->request_count, 3);
}

static void a_batch_is_all_or_nothing(void **state)
{
    (void)state;
    const char *good = row_of("a", "payee-1", "1", "");
    const char *bad = row_of("b", "payee-1", "-1", "");
    struct str text = arena_printf(&drive.arena, "{\"Payments\":[%s,%s]}", good, bad);
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts", arena_cstr(&drive.arena, text)),
                     400);
    assert_string_equal(text_at("error_details.errors.0.target"), "Payments[1].amount");
    assert_string_equal(text_at("error_details.errors.0.value"), "-1");
    assert_int_equal(drive.core.books.log_count, 0);
    /* The same reference twice in one body. */
    text = arena_printf(&drive.arena, "{\"payments\":[%s,%s]}", good, good);
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts", arena_cstr(&drive.arena, text)),
                     400);
    assert_string_equal(text_at("error_details.errors.0.target"),
                        "payments[1].client_reference_id");
    text = arena_printf(&drive.arena, "{\"payments\":[%s,%s]}", good,
                        row_of("b", "payee-1", "\"2.50\"", ",\"currency\":\"EUR\""));
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts", arena_cstr(&drive.arena, text)),
                     201);
    assert_int_equal(drive.core.books.log_count, 2);
    assert_string_equal(entry_at(0)->currency->code, "USD"); /* the program's */
    assert_int_equal(entry_at(1)->amount_minor, 250);
}

static void five_hundred_rows_are_the_most(void **state)
{
    (void)state;
    for (size_t count = 500; count <= 501; count++) {
        struct buf buf;
        buf_init(&buf, 1 << 20);
        buf_add_str(&buf, STR("{\"Payments\":["));
        for (size_t i = 0; i < count; i++) {
            char reference[32];
            (void)snprintf(reference, sizeof(reference), "r-%zu", i);
            buf_printf(&buf, "%s%s", i > 0 ? "," : "", row_of(reference, "payee-1", "1.5", ""));
        }
        buf_add_str(&buf, STR("]}"));
        assert_int_equal(
            mass_send(HTTP_POST, PROGRAM "/masspayouts", arena_cstr(&drive.arena, buf_str(&buf))),
            count == 500 ? 201 : 400);
        buf_release(&buf);
    }
    assert_int_equal(drive.core.books.log_count, 500);
}

struct refusal {
    const char *row;
    const char *target;
    const char *message;
};

#define ROW(reference, payee, rest)                                                                \
    "{\"client_reference_id\":\"" reference "\",\"payee_id\":\"" payee "\"," rest "}"
#define REST "\"amount\":1,\"description\":\"d\""

/* clang-format off */
static const struct refusal refusals[] = {
    {"7",                                             "client_reference_id", "is required"},
    {"{\"payee_id\":\"p\"," REST "}",                 "client_reference_id", "is required"},
    {"{\"client_reference_id\":\"r\"," REST "}",      "payee_id",            "is required"},
    {ROW("r", "p", "\"description\":\"d\""),          "amount",              "is required"},
    {ROW("r", "p", "\"amount\":1"),                   "description",         "is required"},
    {ROW("r", "p", "\"amount\":0,\"description\":\"d\""), "amount",          "must be a number"},
    {ROW("r", "p", "\"amount\":1e2,\"description\":\"d\""), "amount",        "must be a number"},
    {ROW("r", "p", "\"amount\":1.001,\"description\":\"d\""), "amount",      "must be a number"},
    {ROW("r", "p", "\"amount\":true,\"description\":\"d\""), "amount",       "must be a number"},
    {ROW("r", "p", REST ",\"currency\":\"usd\""),     "currency",            "is not a supported currency"},
    {ROW("r", "p", REST ",\"payout_date\":\"soon\""), "payout_date",         "is not a date"},
    {ROW("r", "unregistered-1", REST),                "payee_id",            "Payee does not exist"},
    {ROW("r", "inactive-1", REST),                    "payee_id",            "Payee is inactive"},
    {ROW("0123456789012345678901234567890123456789012345678901234567890", "p", REST), "client_reference_id", "is too long"},
};
/* clang-format on */

static void every_refusal_names_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        print_message("%s\n", refusals[i].row);
        assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts",
                                   join("{\"Payments\":[{}]}", refusals[i].row)),
                         400);
        assert_int_equal(number_at("error_details.sub_code"), 1000);
        assert_string_equal(text_at("error_details.errors.0.target"),
                            join("Payments[0].{}", refusals[i].target));
        assert_true(str_starts(str_of(text_at("error_details.errors.0.message")),
                               str_of(refusals[i].message)));
    }
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts", "{\"Payments\":[]}"), 400);
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts", "{"), 400);
    assert_int_equal(drive.core.books.log_count, 0);
}

static void a_cancel_is_received_and_then_performed(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "payee-1"), 201);
    drive_wait_ms(400);
    assert_int_equal(cancel("att_1"), 200);
    assert_true(str_starts(str_of(text_at("result.description")), STR("The request was received")));
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending");
    drive_wait_ms(100);
    assert_int_equal(cancel("att_1"), 200); /* no later for being asked twice */
    drive_wait_ms(399);
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending");
    drive_wait_ms(1);
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Cancelled");
    assert_int_equal(number_at("result.cancel_reason_code"), -1);
    assert_int_equal(entry_at(0)->state, BOOK_CANCELED);
    assert_int_equal(cancel("att_1"), 400);

    assert_int_equal(create("att_2", "late"), 201);
    assert_int_equal(cancel("att_2"), 200);
    drive_wait_ms(500);
    assert_int_equal(status_of("att_2"), 200);
    assert_string_equal(text_at("result.status"), "Transferred");
    assert_int_equal(cancel("att_2"), 400);
    assert_true(answer_has("already transferred"));
}

/* ---- payees ---------------------------------------------------------------------------------- */

static void a_payee_registers_by_its_link(void **state)
{
    (void)state;
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/unregistered-9/status", NULL), 404);
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/payees/registration-link",
                               "{\"payee_id\":\"unregistered-9\",\"redirect_url\":"
                               "\"https://shop.example/done\",\"payee\":{\"type\":\"COMPANY\","
                               "\"contact\":{\"email\":\"firm@example.com\"}}}"),
                     200);
    const char *link = keep("result.registration_link");
    assert_true(strlen(text_at("result.token")) > 0);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/unregistered-9/status", NULL), 200);
    assert_int_equal(number_at("result.status.type"), 0);
    assert_int_equal(create("att_1", "unregistered-9"), 201);
    drive.now_us += DAY_US;
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending Payee");

    assert_int_equal(drive_send(HTTP_GET, link + strlen("https://sandbox.test"), "", NULL), 302);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/unregistered-9/status", NULL), 200);
    assert_int_equal(number_at("result.status.type"), 1);
    assert_string_equal(text_at("result.status.description"), "Active");
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending");
    drive_wait_ms(500);
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Transferred");
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/unregistered-9/details", NULL), 200);
    assert_string_equal(text_at("result.type"), "COMPANY");
    assert_string_equal(text_at("result.contact.email"), "firm@example.com");
    assert_int_equal(mass_send(HTTP_DELETE, PROGRAM "/payees/unregistered-9", NULL), 200);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/unregistered-9/status", NULL), 404);
    assert_int_equal(drive_send(HTTP_GET, "/registration/0123", "", NULL), 404);
}

static void a_payout_to_a_pending_payee_can_be_canceled(void **state)
{
    (void)state;
    assert_int_equal(create("att_1", "pending-1"), 201);
    assert_int_equal(cancel("att_1"), 200);
    drive_wait_ms(500);
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Cancelled");
    assert_int_equal(create("att_3", "pending-1"), 201);
    assert_int_equal(cancel("att_3"), 200); /* on its way when the payee registers */
    assert_int_equal(
        mass_send(HTTP_POST, PROGRAM "/payees/registration-link", "{\"payee_id\":\"pending-1\"}"),
        200);
    const char *link = keep("result.registration_link");
    assert_int_equal(drive_send(HTTP_GET, link + strlen("https://sandbox.test"), "", NULL), 200);
    drive_wait_ms(500);
    assert_int_equal(status_of("att_3"), 200);
    assert_string_equal(text_at("result.status"), "Cancelled");
    assert_int_equal(entry_at(0)->state, BOOK_CANCELED);
    assert_int_equal(create("att_2", "pending-1"), 201);
    drive_wait_ms(500);
    assert_int_equal(status_of("att_2"), 200);
    assert_string_equal(text_at("result.status"), "Transferred");
}

static void payees_have_three_states(void **state)
{
    (void)state;
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/payee-1/status", NULL), 200);
    assert_int_equal(number_at("result.status.type"), 1);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/inactive-1/status", NULL), 200);
    assert_int_equal(number_at("result.status.type"), 99);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/payees/pending-1/status", NULL), 200);
    assert_int_equal(number_at("result.status.type"), 0);
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/payees/registration-link", "{}"), 400);
}

/* ---- access and money ------------------------------------------------------------------------ */

static void everybody_with_a_token_is_let_in(void **state)
{
    (void)state;
    static const char *const basic = "Authorization: Basic Y2xpZW50OnNlY3JldA==";
    assert_int_equal(drive_send(HTTP_POST, "/api/v2/oauth2/token", basic,
                                "grant_type=client_credentials&scope=read+write"),
                     200);
    assert_string_equal(text_at("token_type"), "Bearer");
    assert_int_equal(number_at("expires_in"), 2592000);
    assert_int_equal(drive_send(HTTP_POST, "/api/v2/oauth2/token", "", "grant_type=x"), 401);
    assert_string_equal(text_at("error"), "invalid_client");
    assert_int_equal(drive_send(HTTP_POST, "/api/v2/oauth2/token", basic, "grant_type=x"), 400);
    assert_int_equal(
        drive_send(HTTP_GET, PROGRAM "/balance", "Authorization: Bearer nonsense", NULL), 401);
    assert_string_equal(text_at("error"), "Unauthorized");
    assert_int_equal(mass_send(HTTP_GET, "/v4/programs/forbidden/balance", NULL), 403);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/nothing", NULL), 404);
    /* PayPal's tokens are not Payoneer's. */
    assert_int_equal(
        drive_send(HTTP_POST, "/v1/oauth2/token", basic, "grant_type=client_credentials"), 200);
    assert_int_equal(drive_send(HTTP_GET, PROGRAM "/balance",
                                join("Authorization: Bearer {}", text_at("access_token")), NULL),
                     401);
}

static void the_balance_goes_down_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"payout_balance\":34430}"), 200);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/balance", NULL), 200);
    assert_true(answer_has("{\"balance\":344.30,\"currency\":\"USD\"}"));
    assert_int_equal(create("att_1", "failed-1"), 201);
    assert_int_equal(create("att_2", "payee-1"), 201);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/balance", NULL), 200);
    assert_true(answer_has("\"balance\":0.00,"));
    assert_int_equal(create("att_3", "payee-1"), 400);
    assert_string_equal(text_at("error_description"), "Insufficient funds");
    drive_wait_ms(500);
    assert_int_equal(mass_send(HTTP_GET, PROGRAM "/balance", NULL), 200);
    assert_true(answer_has("\"balance\":172.15,"));
    assert_int_equal(create("att_3", "payee-1"), 201);
    assert_int_equal(create("att_4", "insufficient-1"), 400);
}

static void a_payout_date_is_waited_for(void **state)
{
    (void)state;
    const char *row = row_of("att_1", "payee-1", "1", ",\"payout_date\":\"2026-11-23T00:00:00Z\"");
    assert_int_equal(mass_send(HTTP_POST, PROGRAM "/masspayouts", join("{\"Payments\":[{}]}", row)),
                     201);
    drive.now_us += DAY_US;
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Pending");
    assert_string_equal(text_at("result.scheduled_payout_date"), "2026-11-23T00:00:00Z");
    drive.now_us += DAY_US;
    assert_int_equal(status_of("att_1"), 200);
    assert_string_equal(text_at("result.status"), "Transferred");
    assert_true(answer_has("\"scheduled_payout_date\":null"));
}

static void forced_declines_are_a_refusal_and_a_failure(void **state)
{
    (void)state;
    drive.forced = SCENARIO_SOFT;
    assert_int_equal(create("att_1", "payee-1"), 400);
    assert_string_equal(text_at("error_description"), "Insufficient funds");
    drive.forced = SCENARIO_HARD;
    assert_int_equal(create("att_2", "payee-1"), 201);
    drive_wait_ms(500);
    assert_int_equal(status_of("att_2"), 200);
    assert_string_equal(text_at("result.status"), "Cancelled");
    assert_int_equal(number_at("result.cancel_reason_code"), 10009);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_payout_is_created_and_transferred, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(every_word_has_its_outcome, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(an_unknown_reference_is_2306, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(a_repeated_reference_is_refused_for_ever, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(a_batch_is_all_or_nothing, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(five_hundred_rows_are_the_most, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(every_refusal_names_its_field, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(a_cancel_is_received_and_then_performed, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(a_payee_registers_by_its_link, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(a_payout_to_a_pending_payee_can_be_canceled, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(payees_have_three_states, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(everybody_with_a_token_is_let_in, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(the_balance_goes_down_and_comes_back, drive_setup,
                                        drive_teardown),
        cmocka_unit_test_setup_teardown(a_payout_date_is_waited_for, drive_setup, drive_teardown),
        cmocka_unit_test_setup_teardown(forced_declines_are_a_refusal_and_a_failure, drive_setup,
                                        drive_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
