#include "drive.h"

#define LIST_HEAD                                                                                  \
    "{\"transactionId\":\"att_1\",\"country\":\"DE\",\"callback\":{\"returnUrl\":\"https://s/"     \
    "ok\"},"                                                                                       \
    "\"customer\":{\"number\":\"c-1\"},\"payment\":{\"reference\":\"Order 1\","                    \
    "\"invoiceId\":\"pay_1\",\"currency\":"
#define LIST_EUR LIST_HEAD "\"EUR\",\"amount\":13.00}}"
#define LIST_DEFERRED                                                                              \
    LIST_HEAD "\"EUR\",\"amount\":13.00},\"preselection\":{\"deferral\":\"DEFERRED\"}}"

static const char *new_list(const char *body)
{
    assert_int_equal(payoneer_send(HTTP_POST, "/api/lists", body), 200);
    assert_string_equal(text_at("status.reason"), "listed");
    return keep("identification.longId");
}

static int charge(const char *list, const char *token, const char *body)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "/api/lists/%s/accounts/%s/charge", list, token);
    return payoneer_send(HTTP_POST, path, body);
}

/* A charge that is made; its id. */
static const char *charged(const char *list_body)
{
    assert_int_equal(charge(new_list(list_body), "tok_ok", "{}"), 200);
    return keep("identification.longId");
}

static void a_list_is_charged_once(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    assert_int_equal(charge(list, "tok_ok", "{}"), 200);
    const char *id = keep("identification.longId");
    assert_string_equal(text_at("status.code"), "charged");
    assert_string_equal(text_at("interaction.code"), "PROCEED");
    assert_string_equal(text_at("identification.transactionId"), "att_1");
    assert_true(answer_has("\"amount\":13.00"));
    assert_int_equal(charge(list, "tok_ok", "{}"), 422);
    assert_string_equal(text_at("interaction.reason"), "DUPLICATE_OPERATION");
    assert_int_equal(drive.core.books.log_count, 1);
    assert_int_equal(entry_at(0)->request_count, 2);
    assert_int_equal(entry_at(0)->amount_minor, 1300);
    assert_int_equal(entry_at(0)->fee_minor, 127);
    assert_str(entry_at(0)->reference, "att_1");
    assert_str(entry_at(0)->invoice, "pay_1");
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/lists/{}", list), NULL), 200);
    assert_string_equal(text_at("status.code"), "listed");
    assert_string_equal(text_at("status.reason"), "list_used");
    assert_string_equal(text_at("links.charge"), join("https://sandbox.test/api/charges/{}", id));
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/charges/{}", id), NULL), 200);
    assert_string_equal(text_at("status.reason"), "debited");
}

/* clang-format off */
static const struct {
    const char *token;
    const char *status;
    const char *interaction;
    const char *reason;
    int state;
} tokens[] = {
    {"tok_ok",      "charged",  "PROCEED",           "OK",                    BOOK_COMPLETED},
    {"tok_other",   "charged",  "PROCEED",           "OK",                    BOOK_COMPLETED},
    {"tok_soft",    "declined", "TRY_OTHER_ACCOUNT", "DECLINED",              BOOK_DECLINED},
    {"tok_hard",    "declined", "ABORT",             "FRAUD",                 BOOK_DECLINED},
    {"tok_3ds",     "pending",  "PROCEED",           "STRONG_AUTHENTICATION", BOOK_PENDING},
    {"tok_pending", "pending",  "PROCEED",           "PENDING",               BOOK_PENDING},
};
/* clang-format on */

static void tokens_decide_what_happens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        assert_int_equal(charge(new_list(LIST_EUR), tokens[i].token, "{}"), 200);
        assert_string_equal(text_at("status.code"), tokens[i].status);
        assert_string_equal(text_at("interaction.code"), tokens[i].interaction);
        assert_string_equal(text_at("interaction.reason"), tokens[i].reason);
        assert_int_equal(entry_at(i)->state, tokens[i].state);
        assert_int_equal(entry_at(i)->fee_minor, tokens[i].state == BOOK_COMPLETED ? 127 : 0);
    }
}

static void an_unknown_account_leaves_the_list_open(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    assert_int_equal(charge(list, "visa", "{}"), 422);
    assert_string_equal(text_at("interaction.reason"), "INVALID_ACCOUNT");
    assert_int_equal(charge(list, "tok_", "{}"), 422);
    assert_int_equal(drive.core.books.log_count, 0);
    assert_int_equal(charge(list, "tok_ok", "{}"), 200);
}

static void a_declined_charge_uses_the_list_too(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    assert_int_equal(charge(list, "tok_soft", "{}"), 200);
    assert_int_equal(charge(list, "tok_ok", "{}"), 422);
    assert_string_equal(text_at("interaction.reason"), "DUPLICATE_OPERATION");
}

static void a_forced_decline_beats_the_token(void **state)
{
    (void)state;
    drive.forced = SCENARIO_HARD;
    assert_int_equal(charge(new_list(LIST_EUR), "tok_ok", "{}"), 200);
    assert_string_equal(text_at("interaction.reason"), "FRAUD");
}

/* clang-format off */
static const struct {
    const char *currency;
    const char *amount;
    int64_t minor; /* -1: refused */
    const char *printed;
} amounts[] = {
    {"EUR", "13",              1300,  "13.00"},
    {"EUR", "13.5",            1350,  "13.50"},
    {"EUR", "0.01",            1,     "0.01"},
    {"EUR", "13.500",          1350,  "13.50"},
    {"EUR", "13.001",          -1,    NULL},
    {"EUR", "1e2",             -1,    NULL},
    {"EUR", "1.5E1",           -1,    NULL},
    {"EUR", "0",               -1,    NULL},
    {"EUR", "0.00",            -1,    NULL},
    {"EUR", "-5",              -1,    NULL},
    {"EUR", "\"13.00\"",       -1,    NULL},
    {"EUR", "null",            -1,    NULL},
    {"EUR", "9223372036854775808", -1, NULL},
    {"JPY", "100",             100,   "100"},
    {"JPY", "100.0",           100,   "100"},
    {"JPY", "100.5",           -1,    NULL},
    {"KWD", "1.234",           1234,  "1.234"},
    {"KWD", "1.2345",          -1,    NULL},
    {"HUF", "10.50",           1050,  "10.50"},
    {"EUR", "9007199254740.93", 900719925474093, "9007199254740.93"},
    {"XXQ", "1",               -1,    NULL},
    {"eur", "1",               -1,    NULL},
};
/* clang-format on */

static void amounts_are_read_and_printed_exactly(void **state)
{
    (void)state;
    char body[600];
    char printed[64];
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        (void)snprintf(body, sizeof(body), LIST_HEAD "\"%s\",\"amount\":%s}}", amounts[i].currency,
                       amounts[i].amount);
        int status = payoneer_send(HTTP_POST, "/api/lists", body);
        if (status != (amounts[i].minor < 0 ? 400 : 200)) {
            fail_msg("%s %s: %d", amounts[i].currency, amounts[i].amount, status);
        }
        if (status == 400) {
            assert_string_equal(text_at("interaction.reason"), "INVALID_REQUEST");
            continue;
        }
        (void)snprintf(printed, sizeof(printed), "\"amount\":%s,", amounts[i].printed);
        assert_true(answer_has(printed));
        assert_int_equal(charge(keep("identification.longId"), "tok_ok", NULL), 200);
        assert_true(answer_has(printed));
        assert_int_equal(entry_at(drive.core.books.log_count - 1)->amount_minor, amounts[i].minor);
    }
}

static void a_list_needs_its_fields(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{",
        "{}",
        "{\"transactionId\":\"t\",\"country\":\"Germany\",\"callback\":{},\"customer\":{\"number\":"
        "\"1\"},\"payment\":{\"reference\":\"r\",\"currency\":\"EUR\",\"amount\":1}}",
        "{\"transactionId\":\"t\",\"country\":\"DE\",\"customer\":{\"number\":\"1\"},"
        "\"payment\":{\"reference\":\"r\",\"currency\":\"EUR\",\"amount\":1}}",
        "{\"transactionId\":\"t\",\"country\":\"DE\",\"callback\":{},\"customer\":{},"
        "\"payment\":{\"reference\":\"r\",\"currency\":\"EUR\",\"amount\":1}}",
        "{\"transactionId\":\"t\",\"country\":\"DE\",\"callback\":{},\"customer\":{\"number\":"
        "\"1\"},"
        "\"payment\":{\"reference\":\"r\",\"currency\":\"EUR\",\"amount\":1},\"operationType\":"
        "\"X\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(payoneer_send(HTTP_POST, "/api/lists", bad[i]), 400);
        assert_string_equal(text_at("interaction.reason"), "INVALID_REQUEST");
    }
}

static void media_type_and_credentials_are_demanded(void **state)
{
    (void)state;
    assert_int_equal(drive_send(HTTP_POST, "/api/lists",
                                "Authorization: Basic TUVSQ0g6a2V5\nContent-Type: application/json",
                                LIST_EUR),
                     400);
    assert_int_equal(drive_send(HTTP_GET, "/api/lists/x", "", NULL), 401);
    /* MERCH:wrong */
    assert_int_equal(
        drive_send(HTTP_GET, "/api/lists/x", "Authorization: Basic TUVSQ0g6d3Jvbmc=", NULL), 401);
    /* MERCH/key: with an empty password, the older form */
    assert_int_equal(
        drive_send(HTTP_GET, "/api/lists/x", "Authorization: Basic TUVSQ0gva2V5Og==", NULL), 404);
}

static void another_merchant_sees_nothing(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    /* OTHER:key */
    assert_int_equal(drive_send(HTTP_GET, join("/api/lists/{}", list),
                                "Authorization: Basic T1RIRVI6a2V5", NULL),
                     404);
}

static void a_deferred_charge_is_closed_in_parts(void **state)
{
    (void)state;
    const char *hold = charged(LIST_DEFERRED);
    assert_string_equal(text_at("status.code"), "preauthorized");
    assert_int_equal(entry_at(0)->kind, BOOK_HOLD);
    const char *path = join("/api/charges/{}/closing", hold);
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"payment\":{\"amount\":3.00,\"currency\":\"EUR\"}}"),
        200);
    assert_string_equal(text_at("status.reason"), "closed");
    assert_int_equal(entry_at(0)->state, BOOK_PARTIALLY_CAPTURED);
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"payment\":{\"amount\":10.01,\"currency\":\"EUR\"}}"),
        422);
    assert_string_equal(text_at("interaction.reason"), "EXCEEDS_LIMIT");
    assert_int_equal(payoneer_send(HTTP_POST, path, "{\"transactionId\":\"att_1\"}"), 200);
    assert_int_equal(entry_at(2)->amount_minor, 1000);
    assert_int_equal(entry_at(0)->state, BOOK_CAPTURED);
    assert_int_equal(payoneer_send(HTTP_POST, path, "{}"), 422);
    assert_string_equal(text_at("interaction.reason"), "DUPLICATE_OPERATION");
}

static void a_final_closing_ends_the_hold(void **state)
{
    (void)state;
    const char *hold = charged(LIST_DEFERRED);
    assert_int_equal(
        payoneer_send(HTTP_POST, join("/api/charges/{}/closing", hold),
                      "{\"finalOperation\":true,\"payment\":{\"amount\":1,\"currency\":\"EUR\"}}"),
        200);
    assert_int_equal(entry_at(0)->state, BOOK_CAPTURED);
}

static void a_hold_is_canceled_once(void **state)
{
    (void)state;
    const char *hold = charged(LIST_DEFERRED);
    assert_int_equal(payoneer_send(HTTP_DELETE, join("/api/charges/{}", hold), NULL), 200);
    assert_string_equal(text_at("status.reason"), "preauthorization_canceled");
    assert_int_equal(entry_at(1)->kind, BOOK_VOID);
    assert_int_equal(entry_at(1)->amount_minor, 1300);
    assert_int_equal(payoneer_send(HTTP_DELETE, join("/api/charges/{}", hold), NULL), 422);
    assert_int_equal(drive.core.books.log_count, 2);
}

static void a_charge_is_refunded_up_to_its_amount(void **state)
{
    (void)state;
    const char *id = charged(LIST_EUR);
    const char *path = join("/api/charges/{}/payout", id);
    assert_int_equal(payoneer_send(HTTP_DELETE, join("/api/charges/{}", id), NULL), 422);
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"payment\":{\"amount\":9.99,\"currency\":\"EUR\"}}"),
        200);
    assert_string_equal(text_at("status.code"), "paid_out");
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"payment\":{\"amount\":9.99,\"currency\":\"USD\"}}"),
        422);
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"payment\":{\"amount\":3.02,\"currency\":\"EUR\"}}"),
        422);
    assert_int_equal(payoneer_send(HTTP_POST, path, NULL), 200);
    assert_int_equal(entry_at(0)->state, BOOK_REFUNDED);
    assert_int_equal(entry_at(2)->amount_minor, 301);
    assert_int_equal(
        payoneer_send(HTTP_GET, join("/api/payouts/{}", keep("identification.longId")), NULL), 200);
    assert_int_equal(payoneer_send(HTTP_POST, path, NULL), 422);
}

static void a_payout_on_a_hold_cancels_it_in_parts(void **state)
{
    (void)state;
    const char *path = join("/api/charges/{}/payout", charged(LIST_DEFERRED));
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"payment\":{\"amount\":3,\"currency\":\"EUR\"}}"), 200);
    assert_int_equal(entry_at(0)->amount_minor, 1000);
    assert_int_equal(entry_at(0)->state, BOOK_HELD);
    assert_int_equal(payoneer_send(HTTP_POST, path, NULL), 200);
    assert_int_equal(entry_at(0)->state, BOOK_VOIDED);
}

static void the_payer_authenticates(void **state)
{
    (void)state;
    assert_int_equal(charge(new_list(LIST_EUR), "tok_3ds", "{}"), 200);
    const char *id = keep("identification.longId");
    assert_string_equal(text_at("redirect.url"),
                        join("https://sandbox.test/pci/v1/{}/authenticate", id));
    const char *page = join("/pci/v1/{}/authenticate", id);
    assert_int_equal(drive_send(HTTP_GET, page, "", NULL), 200); /* looking changes nothing */
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/charges/{}", id), NULL), 200);
    assert_string_equal(text_at("status.code"), "pending");
    const char *approve = join("/pci/v1/{}/authenticate?decision=approve", id);
    const char *decline = join("/pci/v1/{}/authenticate?decision=decline", id);
    assert_int_equal(drive_send(HTTP_POST, approve, "", NULL), 303);
    assert_int_equal(drive_send(HTTP_POST, decline, "", NULL), 303); /* the first counts */
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/charges/{}", id), NULL), 200);
    assert_string_equal(text_at("status.code"), "charged");
    assert_int_equal(entry_at(0)->fee_minor, 127);
    assert_int_equal(drive_send(HTTP_GET, page, "", NULL), 200);
    assert_int_equal(drive_send(HTTP_GET, "/pci/v1/none/authenticate", "", NULL), 404);
}

static void nobody_authenticates_for_ever(void **state)
{
    (void)state;
    assert_int_equal(charge(new_list(LIST_EUR), "tok_3ds", "{}"), 200);
    const char *id = keep("identification.longId");
    drive.now_us += INT64_C(900) * 1000000;
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/charges/{}", id), NULL), 200);
    assert_string_equal(text_at("status.code"), "pending");
    drive.now_us += 1;
    assert_int_equal(
        drive_send(HTTP_POST, join("/pci/v1/{}/authenticate?decision=approve", id), "", NULL), 303);
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/charges/{}", id), NULL), 200);
    assert_string_equal(text_at("status.code"), "expired");
    assert_string_equal(text_at("interaction.code"), "ABORT");
    assert_int_equal(entry_at(0)->state, BOOK_DECLINED);
}

static void a_canceled_or_old_list_takes_no_charge(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    assert_int_equal(payoneer_send(HTTP_DELETE, join("/api/lists/{}", list), NULL), 200);
    assert_string_equal(text_at("status.reason"), "list_canceled");
    assert_int_equal(charge(list, "tok_ok", "{}"), 422);
    assert_string_equal(text_at("interaction.reason"), "EXPIRED_SESSION");
    list = new_list(LIST_EUR);
    drive.now_us += DAY_US + 1;
    assert_int_equal(charge(list, "tok_ok", "{}"), 422);
    assert_string_equal(text_at("interaction.reason"), "EXPIRED_SESSION");
}

static void a_list_is_updated_until_it_is_used(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    const char *path = join("/api/lists/{}", list);
    assert_int_equal(payoneer_send(HTTP_PUT, path, LIST_HEAD "\"USD\",\"amount\":7}}"), 200);
    assert_int_equal(charge(list, "tok_ok", "{}"), 200);
    assert_int_equal(entry_at(0)->amount_minor, 700);
    assert_int_equal(payoneer_send(HTTP_PUT, path, LIST_EUR), 422);
}

static void a_card_is_charged_by_network(void **state)
{
    (void)state;
    const char *list = new_list(LIST_EUR);
    const char *path = join("/api/lists/{}/VISA/charge", list);
    assert_int_equal(payoneer_send(HTTP_POST, path, "{}"), 422);
    assert_int_equal(
        payoneer_send(HTTP_POST, path, "{\"account\":{\"number\":\"4111111111111111\"}}"), 200);
    assert_string_equal(text_at("status.code"), "charged");
}

static void a_payout_list_pays_out(void **state)
{
    (void)state;
    const char *list = new_list(
        LIST_HEAD "\"EUR\",\"amount\":13.00},\"preselection\":{\"direction\":\"PAYOUT\"}}");
    assert_int_equal(charge(list, "tok_ok", "{}"), 422);
    assert_int_equal(
        payoneer_send(HTTP_POST, join("/api/lists/{}/accounts/tok_ok/payout", list), "{}"), 200);
    assert_string_equal(text_at("status.code"), "paid_out");
    assert_int_equal(entry_at(0)->kind, BOOK_PAYOUT);
}

static void unknown_paths_and_ids_are_not_found(void **state)
{
    (void)state;
    assert_int_equal(payoneer_send(HTTP_GET, "/api/lists/none", NULL), 404);
    assert_int_equal(payoneer_send(HTTP_GET, "/api/charges/none", NULL), 404);
    assert_int_equal(payoneer_send(HTTP_POST, "/api/lists/none/accounts/tok_ok/charge", "{}"), 404);
    assert_int_equal(payoneer_send(HTTP_POST, "/api/charges/none/closing", "{}"), 404);
    assert_int_equal(payoneer_send(HTTP_GET, "/api/nothing", NULL), 404);
    assert_int_equal(payoneer_send(HTTP_PATCH, "/api/lists", "{}"), 404);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, drive_setup, drive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_list_is_charged_once),
        TEST(tokens_decide_what_happens),
        TEST(an_unknown_account_leaves_the_list_open),
        TEST(a_declined_charge_uses_the_list_too),
        TEST(a_forced_decline_beats_the_token),
        TEST(amounts_are_read_and_printed_exactly),
        TEST(a_list_needs_its_fields),
        TEST(media_type_and_credentials_are_demanded),
        TEST(another_merchant_sees_nothing),
        TEST(a_deferred_charge_is_closed_in_parts),
        TEST(a_final_closing_ends_the_hold),
        TEST(a_hold_is_canceled_once),
        TEST(a_charge_is_refunded_up_to_its_amount),
        TEST(a_payout_on_a_hold_cancels_it_in_parts),
        TEST(the_payer_authenticates),
        TEST(nobody_authenticates_for_ever),
        TEST(a_canceled_or_old_list_takes_no_charge),
        TEST(a_list_is_updated_until_it_is_used),
        TEST(a_card_is_charged_by_network),
        TEST(a_payout_list_pays_out),
        TEST(unknown_paths_and_ids_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
