#include "drive_file.h"

#include "providers/sandbox/payouts.h"

#include <fcntl.h>
#include <sys/stat.h>

static int pay_by_paypal(const char *reference, const char *receiver)
{
    struct str body = arena_printf(
        &drive.arena,
        "{\"sender_batch_header\":{\"sender_batch_id\":\"%s\"},\"items\":[{\"recipient_type\":"
        "\"EMAIL\",\"receiver\":\"%s\",\"sender_item_id\":\"%s\",\"amount\":{\"currency\":\"EUR\","
        "\"value\":\"10.00\"}}]}",
        reference, receiver, reference);
    return paypal_send(HTTP_POST, "/v1/payments/payouts", NULL, arena_cstr(&drive.arena, body));
}

static int pay_by_payoneer(const char *reference, const char *payee)
{
    struct str body = arena_printf(
        &drive.arena,
        "{\"Payments\":[{\"client_reference_id\":\"%s\",\"payee_id\":\"%s\","
        "\"amount\":10,\"currency\":\"EUR\",\"description\":\"d\",\"group_id\":\"g\"}]}",
        reference, payee);
    return mass_send(HTTP_POST, "/v4/programs/1/masspayouts", arena_cstr(&drive.arena, body));
}

/* ---- due times and sums ---------------------------------------------------------------------- */

static struct book_entry *add(struct books *books, size_t number, const struct currency *currency)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "%zu", number);
    struct book_entry *entry = books_add_entry(books, str_of(id), NULL);
    entry->provider = SANDBOX_PAYPAL_PAYOUTS;
    entry->account = STR("a");
    entry->currency = currency;
    entry->amount_minor = (int64_t)number + 1;
    entry->fee_minor = 1;
    return entry;
}

/* What must be held, seen without the sums. */
static int64_t held(const struct books *books)
{
    int64_t sum = 0;
    for (size_t i = 0; i < books->log_count; i++) {
        const struct book_entry *entry = books->log[i];
        bool out = entry->state == BOOK_PENDING || entry->state == BOOK_COMPLETED ||
                   entry->state == BOOK_UNCLAIMED || entry->state == BOOK_ON_HOLD;
        sum += out ? entry->amount_minor + entry->fee_minor : 0;
    }
    return sum;
}

/* Random plans at random times, some of them changed on the way: each is taken when it is due. */
static void every_step_is_taken_when_it_is_due(void **state)
{
    (void)state;
    const struct currency *euro = currency_find(STR("EUR"));
    struct books books;
    struct payouts payouts;
    struct error err;
    struct rng rng;
    uint64_t seed;
    const char *given = getenv("SEED");
    rng_fill(&seed, sizeof(seed));
    seed = given ? strtoull(given, NULL, 10) : seed;
    print_message("SEED=%llu make unit M=sandbox T=payouts\n", (unsigned long long)seed);
    rng_seed(&rng, seed);
    assert_true(books_open(&books, NULL, &err));
    payouts_open(&payouts, &books);
    for (int64_t now = 1; now < 3000; now++) {
        enum payout_plan plan = (enum payout_plan)(PAYOUT_PAID + rng_below(&rng, PAYOUT_LATE));
        payouts_begin(&payouts, add(&books, books.log_count, euro), BOOK_PENDING, plan,
                      now + (int64_t)rng_below(&rng, 500));
        if (rng_chance(&rng, 200000)) {
            struct book_entry *entry = books.log[rng_below(&rng, books.log_count)];
            payouts_plan(&payouts, entry, PAYOUT_CANCELED, now + 3);
        }
        if (rng_chance(&rng, 100000)) {
            struct book_entry *entry = books.log[rng_below(&rng, books.log_count)];
            payouts_set(&payouts, entry, BOOK_ON_HOLD, "X", now);
        }
        while (payouts_ripen(&payouts, now, 100, 1 + rng_below(&rng, 10)) > 0) {
        }
        for (size_t i = 0; i < books.log_count; i++) {
            assert_true(books.log[i]->due_us == 0 || books.log[i]->due_us > now);
            assert_true(books.log[i]->step <= PAYOUT_STEP_MAX);
        }
        assert_true(books_commit(&books, &err));
    }
    assert_int_equal(payouts_sum(&payouts, SANDBOX_PAYPAL_PAYOUTS, STR("a"), euro), held(&books));
    assert_int_equal(payouts_sum(&payouts, SANDBOX_PAYPAL_PAYOUTS, STR("b"), euro), 0);
    payouts_close(&payouts);
    books_close(&books);
}

static void no_more_steps_than_asked_are_taken(void **state)
{
    (void)state;
    struct books books;
    struct payouts payouts;
    struct error err;
    assert_true(books_open(&books, NULL, &err));
    payouts_open(&payouts, &books);
    for (size_t i = 0; i < 25; i++) {
        payouts_begin(&payouts, add(&books, i, currency_find(STR("EUR"))), BOOK_PENDING,
                      PAYOUT_PAID, 5);
    }
    assert_int_equal(payouts_ripen(&payouts, 4, 1, 10), 0);
    assert_int_equal(payouts_ripen(&payouts, 5, 1, 10), 10);
    assert_int_equal(payouts_ripen(&payouts, 5, 1, 10), 10);
    assert_int_equal(payouts_ripen(&payouts, 5, 1, 10), 5);
    assert_int_equal(payouts_ripen(&payouts, 5, 1, 10), 0);
    payouts_close(&payouts);
    books_close(&books);
}

static void more_are_due_than_one_line_takes(void **state)
{
    (void)state;
    for (int i = 0; i < 2500; i++) {
        char reference[16];
        (void)snprintf(reference, sizeof(reference), "r%d", i);
        assert_int_equal(pay_by_payoneer(reference, "payee-1"), 201);
    }
    drive_wait_ms(500);
    (void)books_text("?limit=1");
    for (size_t i = 0; i < 2500; i++) {
        assert_int_equal(entry_at(i)->state, BOOK_COMPLETED);
    }
    drive_restart();
    assert_int_equal(entry_at(2499)->state, BOOK_COMPLETED);
}

/* ---- books ----------------------------------------------------------------------------------- */

static void payouts_survive_a_restart(void **state)
{
    (void)state;
    assert_int_equal(drive_send(HTTP_POST, "/settings", "", "{\"payout_ms\":1000}"), 200);
    assert_int_equal(pay_by_paypal("pp_1", "returned@example.com"), 201);
    const char *batch = join("/v1/payments/payouts/{}", keep("batch_header.payout_batch_id"));
    assert_int_equal(pay_by_payoneer("po_1", "payee-1"), 201);
    assert_int_equal(pay_by_payoneer("po_2", "pending-1"), 201);
    drive_wait_ms(800);
    assert_int_equal(pay_by_paypal("pp_2", "receiver@example.com"), 201);
    const char *young = join("/v1/payments/payouts/{}", keep("batch_header.payout_batch_id"));
    assert_int_equal(pay_by_paypal("pp_3", "failed+RISK_DECLINE@example.com"), 201);
    assert_int_equal(pay_by_payoneer("po_3", "payee-1"), 201);
    assert_int_equal(mass_send(HTTP_PUT, "/v4/programs/1/payouts/po_3/cancel", NULL), 200);
    const char *before = books_text("");
    const struct currency *euro = currency_find(STR("EUR"));
    int64_t paypal_sum =
        payouts_sum(&drive.core.payouts, SANDBOX_PAYPAL_PAYOUTS, STR("client"), euro);
    int64_t payoneer_sum =
        payouts_sum(&drive.core.payouts, SANDBOX_PAYONEER_PAYOUTS, STR("client/1"), euro);
    assert_int_equal(paypal_sum, 3060);
    assert_int_equal(payoneer_sum, 3030);

    drive_restart();
    assert_string_equal(books_text(""), before);
    assert_int_equal(payouts_sum(&drive.core.payouts, SANDBOX_PAYPAL_PAYOUTS, STR("client"), euro),
                     paypal_sum);
    assert_int_equal(
        payouts_sum(&drive.core.payouts, SANDBOX_PAYONEER_PAYOUTS, STR("client/1"), euro),
        payoneer_sum);
    assert_int_equal(pay_by_paypal("pp_1", "receiver@example.com"), 400);
    assert_int_equal(pay_by_payoneer("po_1", "payee-1"), 400);
    drive_wait_ms(800); /* its items are settled, but the batch is not complete */
    assert_int_equal(paypal_send(HTTP_GET, young, NULL, NULL), 200);
    assert_string_equal(text_at("batch_header.batch_status"), "PROCESSING");
    assert_string_equal(text_at("items.0.transaction_status"), "SUCCESS");
    drive_wait_ms(200);
    assert_int_equal(paypal_send(HTTP_GET, batch, NULL, NULL), 200);
    assert_string_equal(text_at("items.0.transaction_status"), "RETURNED");
    assert_string_equal(text_at("batch_header.sender_batch_header.sender_batch_id"), "pp_1");
    assert_int_equal(books_find_reference(&drive.core.books, STR("po_1"))->state, BOOK_COMPLETED);
    assert_int_equal(books_find_reference(&drive.core.books, STR("po_2"))->state,
                     BOOK_PAYEE_PENDING);
    assert_int_equal(books_find_reference(&drive.core.books, STR("po_3"))->state, BOOK_CANCELED);
    assert_int_equal(books_find_reference(&drive.core.books, STR("pp_2"))->state, BOOK_COMPLETED);
    assert_str(books_find_reference(&drive.core.books, STR("pp_3"))->code, "RISK_DECLINE");
}

/* A payee that waits is found again by his payouts. */
static void a_pending_payee_survives_a_restart(void **state)
{
    (void)state;
    assert_int_equal(
        mass_send(HTTP_POST, "/v4/programs/1/payees/registration-link", "{\"payee_id\":\"p1\"}"),
        200);
    const char *link = keep("result.registration_link");
    assert_int_equal(pay_by_payoneer("po_1", "p1"), 201);
    drive_restart();
    assert_int_equal(drive_send(HTTP_GET, link + strlen("https://sandbox.test"), "", NULL), 200);
    drive_restart();
    drive_wait_ms(500);
    (void)books_text("");
    assert_int_equal(entry_at(0)->state, BOOK_COMPLETED);
}

static void books_are_found_by_reference_and_invoice(void **state)
{
    (void)state;
    assert_int_equal(pay_by_payoneer("po_1", "payee-1"), 201);
    assert_int_equal(pay_by_payoneer("po_2", "payee-1"), 201);
    assert_int_equal(pay_by_paypal("po_1", "receiver@example.com"), 201);
    for (int round = 0; round < 2; round++) {
        (void)books_text("?reference=po_1");
        assert_int_equal(json_array_size(json_path(drive.json, "entries")), 2);
        assert_string_equal(text_at("entries.0.provider"), "payoneer_payouts");
        assert_string_equal(text_at("entries.1.provider"), "paypal_payouts");
        assert_string_equal(text_at("entries.1.kind"), "payout");
        assert_string_equal(text_at("entries.1.currency"), "EUR");
        (void)books_text("?reference=po_1&provider=paypal_payouts");
        assert_int_equal(json_array_size(json_path(drive.json, "entries")), 1);
        (void)books_text("?invoice=g");
        assert_int_equal(json_array_size(json_path(drive.json, "entries")), 2);
        assert_string_equal(text_at("entries.0.reference"), "po_1");
        (void)books_text("?reference=nothing");
        assert_int_equal(json_array_size(json_path(drive.json, "entries")), 0);
        drive_restart();
    }
}

/* Lines of an older sandbox have one object where there are lists now. */
static void older_lines_are_read(void **state)
{
    (void)state;
    static const char line[] =
        "{\"session\":{\"id\":\"S\",\"provider\":\"payoneer\",\"state\":\"created\",\"units\":[{}]}"
        ",\"entries\":[{\"seq\":1,\"id\":\"E\",\"provider\":\"payoneer\",\"session\":\"S\"}],"
        "\"key\":{\"name\":\"K\",\"object\":\"E\"}}\n";
    int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, line, sizeof(line) - 1), sizeof(line) - 1);
    (void)close(fd);
    drive_restart();
    assert_non_null(books_find_session(&drive.core.books, STR("S"))->first);
    assert_non_null(books_find_key(&drive.core.books, STR("K")));
}

/* ---- control --------------------------------------------------------------------------------- */

static int settle(const char *id, const char *state)
{
    struct str body =
        arena_printf(&drive.arena, "{\"id\":\"%s\",\"state\":\"%s\",\"code\":\"MADE\"}", id, state);
    return drive_send(HTTP_POST, "/settle", "", arena_cstr(&drive.arena, body));
}

/* Every state from every state. */
static void a_payout_is_settled_as_it_may_be(void **state)
{
    (void)state;
    static const enum book_state from[] = {BOOK_PENDING,  BOOK_PAYEE_PENDING, BOOK_UNCLAIMED,
                                           BOOK_ON_HOLD,  BOOK_COMPLETED,     BOOK_BLOCKED,
                                           BOOK_FAILED,   BOOK_RETURNED,      BOOK_REFUNDED,
                                           BOOK_REVERSED, BOOK_CANCELED};
    static const struct {
        const char *word;
        unsigned may; /* bit i: from[i] may */
        enum book_state becomes;
    } to[] = {
        {"completed", 0x0f, BOOK_COMPLETED}, {"canceled", 0x0f, BOOK_CANCELED},
        {"failed", 0x0f, BOOK_FAILED},       {"declined", 0x0f, BOOK_FAILED},
        {"blocked", 0x0f, BOOK_BLOCKED},     {"unclaimed", 0x01, BOOK_UNCLAIMED},
        {"on_hold", 0x01, BOOK_ON_HOLD},     {"returned", 0x1f, BOOK_RETURNED},
        {"refunded", 0x10, BOOK_REFUNDED},   {"reversed", 0x10, BOOK_REVERSED},
        {"pending", 0x00, BOOK_PENDING},     {"held", 0x00, BOOK_HELD},
        {"nonsense", 0x00, BOOK_STATE_NONE},
    };
    assert_int_equal(pay_by_paypal("pp_1", "stuck@example.com"), 201);
    struct book_entry *entry = drive.core.books.log[0];
    const char *id = arena_cstr(&drive.arena, entry->id);
    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        for (size_t j = 0; j < ARRAY_LEN(to); j++) {
            bool may = (to[j].may >> i) & 1;
            entry->state = (int)from[i];
            assert_int_equal(settle(id, to[j].word), may ? 200 : 422);
            assert_int_equal(entry->state, may ? to[j].becomes : from[i]);
            if (may) {
                assert_string_equal(text_at("code"), "MADE");
            }
        }
    }
    assert_int_equal(settle("NOSUCHENTRY", "completed"), 404);
}

static void a_settled_payout_stays_so(void **state)
{
    (void)state;
    assert_int_equal(pay_by_payoneer("po_1", "payee-1"), 201);
    assert_int_equal(settle(arena_cstr(&drive.arena, entry_at(0)->id), "canceled"), 200);
    drive_wait_ms(1000);
    (void)books_text("");
    assert_int_equal(entry_at(0)->state, BOOK_CANCELED);
}

static void reset_forgets_payouts_too(void **state)
{
    (void)state;
    assert_int_equal(drive_send(HTTP_POST, "/settings", "",
                                "{\"payout_ms\":7,\"payout_balance\":5000,\"payout_fee\":\"flat\","
                                "\"program_currency\":\"EUR\"}"),
                     200);
    assert_string_equal(text_at("payout_fee"), "flat");
    assert_string_equal(text_at("program_currency"), "EUR");
    assert_int_equal(pay_by_payoneer("po_1", "payee-1"), 201);
    assert_int_equal(drive_send(HTTP_POST, "/reset", "", NULL), 204);
    assert_int_equal(drive.core.payouts.count, 0);
    assert_int_equal(drive.core.settings.payout_ms, 500);
    assert_int_equal(pay_by_payoneer("po_1", "payee-1"), 201);
    assert_int_equal(payouts_sum(&drive.core.payouts, SANDBOX_PAYONEER_PAYOUTS, STR("client/1"),
                                 currency_find(STR("EUR"))),
                     1010);
    drive_wait_ms(500);
    (void)books_text("");
    assert_int_equal(entry_at(0)->state, BOOK_COMPLETED);
}

static void one_bad_setting_leaves_all_as_they_are(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"payout_ms\":7,\"payout_balance\":-1}",
        "{\"payout_ms\":7,\"payout_fee\":\"free\"}",
        "{\"payout_ms\":7,\"program_currency\":\"usd\"}",
        "{\"payout_ms\":7,\"seed\":\"x\"}",
        "{\"payout_ms\":7,\"nonsense\":1}",
        "{\"payout_ms\":86400001}",
        "[]",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(drive_send(HTTP_POST, "/settings", "", bad[i]), 422);
        assert_int_equal(drive.core.settings.payout_ms, 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_taken_when_it_is_due),
        cmocka_unit_test(no_more_steps_than_asked_are_taken),
        cmocka_unit_test_setup_teardown(more_are_due_than_one_line_takes, setup, teardown),
        cmocka_unit_test_setup_teardown(payouts_survive_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pending_payee_survives_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(books_are_found_by_reference_and_invoice, setup, teardown),
        cmocka_unit_test_setup_teardown(older_lines_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_payout_is_settled_as_it_may_be, setup, teardown),
        cmocka_unit_test_setup_teardown(a_settled_payout_stays_so, setup, teardown),
        cmocka_unit_test_setup_teardown(reset_forgets_payouts_too, setup, teardown),
        cmocka_unit_test_setup_teardown(one_bad_setting_leaves_all_as_they_are, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
