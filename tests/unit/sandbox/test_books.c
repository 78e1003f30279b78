#include "drive_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SALE                                                                                       \
    "{\"intent\":\"CAPTURE\",\"purchase_units\":[{\"custom_id\":\"att_1\",\"invoice_id\":\"pay "   \
    "\\\"1\\u00e9\","                                                                              \
    "\"amount\":{\"currency_code\":\"HUF\",\"value\":\"1000\"}}],\"payment_source\":{\"card\":{"   \
    "\"vault_id\":\"tok_ok\"}}}"
#define HOLD                                                                                       \
    "{\"intent\":\"AUTHORIZE\",\"purchase_units\":[{\"amount\":{\"currency_code\":\"USD\","        \
    "\"value\":"                                                                                   \
    "\"10.00\"}}],\"payment_source\":{\"card\":{\"vault_id\":\"tok_ok\"}}}"
#define LIST                                                                                       \
    "{\"transactionId\":\"att_2\",\"country\":\"DE\",\"callback\":{},\"customer\":{\"number\":"    \
    "\"1\"},"                                                                                      \
    "\"payment\":{\"amount\":13.00,\"currency\":\"EUR\",\"reference\":\"r\"}}"

static off_t file_size(void)
{
    struct stat status;
    assert_int_equal(stat(file, &status), 0);
    return status.st_size;
}

static void everything_is_known_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k", SALE), 201);
    const char *order = keep("id");
    const char *capture = keep("purchase_units.0.payments.captures.0.id");
    assert_int_equal(paypal_send(HTTP_POST, join("/v2/payments/captures/{}/refund", capture), "r",
                                 "{\"amount\":{\"currency_code\":\"HUF\",\"value\":\"400\"}}"),
                     201);
    const char *refund = keep("id");
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "h", HOLD), 201);
    const char *hold = keep("purchase_units.0.payments.authorizations.0.id");
    assert_int_equal(payoneer_send(HTTP_POST, "/api/lists", LIST), 200);
    const char *list = keep("identification.longId");
    assert_int_equal(
        payoneer_send(HTTP_POST, join("/api/lists/{}/accounts/tok_soft/charge", list), "{}"), 200);
    assert_int_equal(payoneer_send(HTTP_POST, "/api/lists", LIST), 200);
    const char *unused = keep("identification.longId");
    const char *before = books_text("");

    drive_restart();
    assert_string_equal(books_text(""), before);
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k", "{}"), 200);
    assert_string_equal(text_at("id"), order);
    assert_string_equal(text_at("purchase_units.0.invoice_id"), "pay \"1\xc3\xa9");
    assert_string_equal(text_at("purchase_units.0.payments.captures.0.status"),
                        "PARTIALLY_REFUNDED");
    assert_string_equal(text_at("purchase_units.0.payments.refunds.0.id"), refund);
    assert_int_equal(
        paypal_send(HTTP_POST, join("/v2/payments/captures/{}/refund", capture), "r", "{}"), 200);
    assert_string_equal(text_at("id"), refund);
    assert_int_equal(
        paypal_send(HTTP_POST, join("/v2/payments/authorizations/{}/capture", hold), "c", ""), 201);
    assert_int_equal(payoneer_send(HTTP_GET, join("/api/lists/{}", list), NULL), 200);
    assert_string_equal(text_at("status.reason"), "list_used");
    assert_int_equal(
        payoneer_send(HTTP_POST, join("/api/lists/{}/accounts/tok_ok/charge", list), "{}"), 422);
    assert_int_equal(
        payoneer_send(HTTP_POST, join("/api/lists/{}/accounts/tok_ok/charge", unused), "{}"), 200);
}

/* kill -9 may cut the last line anywhere: the change is gone as a whole, and what follows is whole.
 */
static void every_torn_last_line_is_cut_off(void **state)
{
    (void)state;
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 201);
    off_t whole = file_size();
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k2", SALE), 201);
    off_t end = file_size();
    for (off_t cut = end - 1; cut >= whole; cut -= cut - whole > 40 ? 37 : 1) {
        assert_int_equal(truncate(file, cut), 0);
        drive_restart();
        assert_int_equal(file_size(), whole);
        assert_int_equal(drive.core.books.log_count, 1);
        assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 200);
        assert_int_equal(truncate(file, whole), 0);
        assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k2", SALE), 201);
        assert_int_equal(drive.core.books.log_count, 2);
        end = file_size();
        cut = cut < end ? cut : end;
    }
}

static void a_damaged_line_in_the_middle_is_an_error(void **state)
{
    (void)state;
    struct core other;
    struct error err;
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 201);
    int fd = open(file, O_WRONLY);
    assert_int_equal(pwrite(fd, "#", 1, 10), 1);
    (void)close(fd);
    assert_false(core_open(&other, file, 0, "https", &err));
    assert_int_equal(err.code, ERROR_CONFLICT); /* two sandboxes never share a journal */
    core_close(&drive.core);
    assert_false(core_open(&other, file, 0, "https", &err));
    assert_non_null(strstr(err.text, "line 1"));
    assert_int_equal(truncate(file, 0), 0);
    assert_true(core_open(&drive.core, file, 0, "https", &err));
}

static void an_unwritable_place_is_an_error(void **state)
{
    (void)state;
    struct core other;
    struct error err;
    assert_false(core_open(&other, "/nowhere/books", 0, "https", &err));
    assert_non_null(strstr(err.text, "/nowhere/books"));
}

/* A full disk: nothing may be answered that would be forgotten. */
static void a_failed_write_is_no_success(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    int saved = drive.core.books.fd;
    drive.core.books.fd = full;
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 503);
    assert_int_equal(drive_send(HTTP_GET, "/api/lists/x", "", NULL), 503);
    drive.core.books.fd = saved;
    (void)close(full);
    drive_restart();
    assert_int_equal(drive.core.books.log_count, 0);
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 201);
}

static void a_reset_forgets_all_and_empties_the_file(void **state)
{
    (void)state;
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 201);
    assert_int_equal(drive_send(HTTP_POST, "/reset", "", ""), 204);
    assert_int_equal(file_size(), 0);
    assert_int_equal(drive.core.books.log_count, 0);
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 201);
    assert_int_equal(entry_at(0)->seq, 1);
    drive_restart();
    assert_int_equal(drive.core.books.log_count, 1);
}

static void books_are_filtered_and_paged(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", key, SALE), 201);
    }
    assert_int_equal(payoneer_send(HTTP_POST, "/api/lists", LIST), 200);
    assert_int_equal(
        payoneer_send(HTTP_POST,
                      join("/api/lists/{}/accounts/tok_ok/charge", keep("identification.longId")),
                      "{}"),
        200);
    assert_int_equal(drive_send(HTTP_GET, "/books?provider=payoneer", "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(drive.json, "entries")), 1);
    assert_string_equal(text_at("entries.0.reference"), "att_2");
    assert_int_equal(drive_send(HTTP_GET, "/books?reference=att_1", "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(drive.json, "entries")), 5);
    assert_int_equal(drive_send(HTTP_GET, "/books?invoice=none", "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(drive.json, "entries")), 0);
    assert_int_equal(drive_send(HTTP_GET, "/books?since=2&limit=3", "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(drive.json, "entries")), 3);
    int64_t next = 0;
    assert_true(json_path_int64(drive.json, "entries.0.seq", &next));
    assert_int_equal(next, 3);
    assert_true(json_path_int64(drive.json, "next", &next));
    assert_int_equal(next, 5);
    assert_int_equal(drive_send(HTTP_GET, "/books?since=5", "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(drive.json, "entries")), 1);
    assert_true(json_is_null(json_object_get(drive.json, "next")));
    assert_int_equal(drive_send(HTTP_GET, "/books?since=999", "", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(drive.json, "entries")), 0);
}

static void two_hundred_thousand_entries_can_be_shown(void **state)
{
    (void)state;
    struct error err;
    char id[32];
    for (int i = 0; i < 200000; i++) {
        (void)snprintf(id, sizeof(id), "E%d", i);
        struct book_entry *entry = books_add_entry(&drive.core.books, str_of(id), NULL);
        entry->provider = SANDBOX_PAYPAL;
        entry->kind = BOOK_CHARGE;
        entry->state = BOOK_COMPLETED;
        entry->currency = currency_find(STR("EUR"));
        entry->amount_minor = i;
        entry->created_us = drive.now_us;
        assert_true(books_commit(&drive.core.books, &err));
    }
    const char *text = books_text("");
    assert_non_null(strstr(text, "\"id\":\"E199999\""));
    drive_restart();
    assert_int_equal(drive.core.books.log_count, 200000);
}

/* ---- the rest of the control API ------------------------------------------------------------- */

static void requests_are_counted_by_what_they_ask(void **state)
{
    (void)state;
    int64_t count = 0;
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 201);
    assert_int_equal(paypal_send(HTTP_POST, "/v2/checkout/orders", "k1", SALE), 200);
    assert_int_equal(drive_send(HTTP_DELETE, "/api/charges/x", "", NULL), 401);
    assert_int_equal(drive_send(HTTP_GET, "/requests", "", NULL), 200);
    assert_string_equal(text_at("requests.1.operation"), "charge");
    assert_string_equal(text_at("requests.1.path"), "/v2/checkout/orders");
    assert_true(json_path_int64(drive.json, "requests.1.count", &count));
    assert_int_equal(count, 2);
    assert_string_equal(text_at("requests.2.method"), "DELETE");
    assert_string_equal(text_at("requests.2.operation"), "void");
    assert_null(json_path(drive.json, "requests.3"));
}

static void faults_are_added_shown_and_removed(void **state)
{
    (void)state;
    int64_t id = 0;
    assert_int_equal(drive_send(HTTP_POST, "/faults", "",
                                "{\"provider\":\"paypal\",\"operation\":\"charge\",\"kind\":"
                                "\"http_500\",\"share\":0.5,\"count\":10,\"delay_ms\":50}"),
                     201);
    assert_true(json_path_int64(drive.json, "id", &id));
    assert_int_equal(drive_send(HTTP_POST, "/faults", "", "{\"provider\":\"visa\"}"), 422);
    assert_non_null(strstr(text_at("detail"), "paypal"));
    assert_int_equal(drive_send(HTTP_POST, "/faults", "", "x"), 422);
    assert_int_equal(drive_send(HTTP_GET, "/faults", "", NULL), 200);
    assert_string_equal(text_at("faults.0.kind"), "http_500");
    assert_true(answer_has("\"share\":0.500000"));
    assert_null(json_path(drive.json, "faults.1"));
    assert_int_equal(drive_send(HTTP_DELETE, "/faults/77", "", NULL), 404);
    assert_int_equal(drive_send(HTTP_DELETE, "/faults/1", "", NULL), 204);
    assert_int_equal(
        drive_send(HTTP_POST, "/faults", "", "{\"provider\":\"paypal\",\"kind\":\"refuse\"}"), 201);
    assert_int_equal(drive_send(HTTP_DELETE, "/faults", "", NULL), 204);
    assert_int_equal(drive.core.faults.count, 0);
}

static void settings_are_changed_or_refused(void **state)
{
    (void)state;
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"delay_ms\":7}"), 200);
    assert_int_equal(drive.core.settings.delay_ms, 7);
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"delay_ms\":-1}"), 422);
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"delay\":1}"), 422);
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"seed\":1}"), 200);
    assert_int_equal(drive_send(HTTP_GET, "/nothing", "", NULL), 404);
    assert_int_equal(drive_send(HTTP_GET, "/", "", NULL), 200);
}

static void control_is_for_loopback_only(void **state)
{
    (void)state;
    struct http_request req = {
        .method = HTTP_GET, .path = STR("/books"), .host = STR("h"), .peer = "192.0.2.1"};
    core_classify(&drive.core, &req, &drive.arena, SANDBOX_NONE, drive.now_us, &drive.call);
    core_answer(&drive.core, &drive.call);
    assert_int_equal(drive.call.status, 403);
}

static void a_providers_port_knows_its_own_paths_only(void **state)
{
    (void)state;
    static const char *const paths[] = {"/books", "/api/lists/x", "/reset"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct http_request req = {
            .method = HTTP_GET, .path = str_of(paths[i]), .host = STR("h"), .peer = "127.0.0.1"};
        core_classify(&drive.core, &req, &drive.arena, SANDBOX_PAYPAL, drive.now_us, &drive.call);
        core_answer(&drive.core, &drive.call);
        assert_int_equal(drive.call.status, 404);
        assert_int_equal(drive.call.operation, SANDBOX_OP_OTHER);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_is_known_after_a_restart),
        TEST(every_torn_last_line_is_cut_off),
        TEST(a_damaged_line_in_the_middle_is_an_error),
        TEST(an_unwritable_place_is_an_error),
        TEST(a_failed_write_is_no_success),
        TEST(a_reset_forgets_all_and_empties_the_file),
        TEST(books_are_filtered_and_paged),
        TEST(two_hundred_thousand_entries_can_be_shown),
        TEST(requests_are_counted_by_what_they_ask),
        TEST(faults_are_added_shown_and_removed),
        TEST(settings_are_changed_or_refused),
        TEST(control_is_for_loopback_only),
        TEST(a_providers_port_knows_its_own_paths_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
