/* Archiving: what moves is what stood there when it moved, nothing is half here, and only its own key opens it. */
#include "ledger/archive.h"

#include <string.h>

#include "tests/unit/ledger/fixture.h"

enum { RECORDS = 3 };

static struct {
    struct fixture f;
    struct archive_db *db;
    PGconn *conn;
    struct arena arena;
    struct uuid merchant_id;
    struct rows rows[RECORDS];
} lab;

static const uint8_t seal_key[AEAD_KEY_SIZE] = {1, 2, 3};

static int setup(void **state)
{
    struct error err;
    (void)fixture_new_database(state);
    memset(&lab, 0, sizeof(lab));
    fixture_open(&lab.f);
    arena_init(&lab.arena, 1 << 26);
    lab.merchant_id = uuid_new();
    lab.conn = fixture_connect("postgres");
    lab.db = archive_db_open(fixture_conninfo("turnpike_gateway", fixture_database), &err);
    assert_non_null(lab.db);
    for (size_t i = 0; i < RECORDS; i++) {
        rows_open(&lab.rows[i], &lab.merchant_id);
        assert_int_equal(write_now(&lab.f, &lab.rows[i].txn), STORE_COMMITTED);
        rows_to_close(&lab.rows[i]);
        assert_int_equal(write_now(&lab.f, &lab.rows[i].txn), STORE_COMMITTED);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    archive_db_close(&lab.db);
    arena_release(&lab.arena);
    PQfinish(lab.conn);
    fixture_close(&lab.f);
    return 0;
}

static struct archive_subject *page(size_t *count)
{
    struct error err;
    struct uuid after = {{0}};
    struct archive_subject *subjects = NULL;
    if (!archive_page(lab.db, &lab.merchant_id, &after, clock_wall_us() + CLOCK_SECOND_US,
                      &lab.arena, &subjects, count, &err))
        fail_msg("%s", err.text);
    return subjects;
}

static size_t take(struct archive_file *file, const struct archive_subject *subjects, size_t count)
{
    struct error err;
    size_t taken = 0;
    *file = (struct archive_file){
        .merchant_id = lab.merchant_id,
        .archive_id = uuid_new(),
        .created_us = clock_wall_us(),
        .author = "a test",
        .byte_count = 1,
    };
    if (!archive_take(lab.db, file, subjects, count, &taken, &err))
        fail_msg("%s", err.text);
    return taken;
}

static long count_of(const char *what)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
    return fixture_count(lab.conn, sql);
}

/* Of an archived payment, what opens its record. */
static struct archive_subject find(const struct uuid *id, enum archive_found wanted)
{
    struct error err;
    struct uuid archive_id;
    enum archive_found found;
    struct archive_subject it = {.id = *id};
    if (!archive_find(lab.db, &lab.merchant_id, &it, &archive_id, &found, &err))
        fail_msg("%s", err.text);
    assert_int_equal(found, wanted);
    return it;
}

static void rows_that_changed_since_they_were_read_stay(void **state)
{
    (void)state;
    struct archive_file file;
    size_t count = 0;
    static const char *const changes[] = {
        "UPDATE attempts SET expected_fee_minor = 89",
        "UPDATE outcomes SET facts = '{\"x\":1}'",
        "UPDATE sends SET body_sealed = 'other'",
        "UPDATE payment_limits SET refunded = refunded + 1",
        "DELETE FROM outcomes WHERE number = 2",
    };
    (void)fixture_ask(lab.conn,
                      "INSERT INTO outcomes SELECT (jsonb_populate_record(o, '{\"number\":"
                      "2}')).* FROM outcomes o");
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        const struct archive_subject *subjects = page(&count);
        assert_int_equal(count, RECORDS);
        assert_true(subjects[0].record.len > 0);
        assert_string_equal(fixture_ask(lab.conn, changes[i]), "");
        assert_int_equal(take(&file, subjects, count), 0);
    }
    assert_int_equal(count_of("attempts"), RECORDS);
    assert_int_equal(count_of("archives"), 0);
    assert_int_equal(count_of("payments WHERE archived_at IS NOT NULL"), 0);
    /* One of three has changed: the others move. */
    const struct archive_subject *subjects = page(&count);
    (void)fixture_ask(lab.conn, "UPDATE attempts SET expected_fee_minor = 90 WHERE attempt_id ="
                                " (SELECT attempt_id FROM attempts ORDER BY attempt_id LIMIT 1)");
    assert_int_equal(take(&file, subjects, count), RECORDS - 1);
    assert_int_equal(count_of("attempts"), 1);
    assert_int_equal(count_of("sends"), 1);
    assert_int_equal(count_of("archives WHERE payment_count = 2 AND row_count = 8"), 1);
}

static void what_waits_or_is_asked_for_stays(void **state)
{
    (void)state;
    struct archive_file file;
    size_t count = 0;
    static const char *const obstacles[][2] = {
        {"UPDATE payment_limits SET refund_open = 1", "UPDATE payment_limits SET refund_open = 0"},
        {"UPDATE payment_limits SET authorized = authorized + 1",
         "UPDATE payment_limits SET authorized = authorized - 1"},
        {"UPDATE payments SET livemode = true", "UPDATE payments SET livemode = false"},
        {"UPDATE events SET status = 'processing'", "UPDATE events SET status = 'succeeded'"},
        {"INSERT INTO unresolved (merchant_id, attempt_id, payment_id, account_id, provider, "
         "next_at,"
         " lease_until, epoch, tries, reason, parked_at) SELECT merchant_id, attempt_id, "
         "payment_id,"
         " account_id, provider, now(), now(), 1, 1, 'x', now() FROM attempts",
         "DELETE FROM unresolved"},
    };
    for (size_t i = 0; i < ARRAY_LEN(obstacles); i++) {
        const struct archive_subject *before = page(&count);
        assert_string_equal(fixture_ask(lab.conn, obstacles[i][0]), "");
        const struct archive_subject *subjects = page(&count);
        assert_int_equal(subjects[0].record.len, 0);
        assert_true(subjects[0].obstacle.len > 0);
        assert_int_equal(take(&file, before, count), 0); /* it came while the file was written */
        assert_string_equal(fixture_ask(lab.conn, obstacles[i][1]), "");
    }
    const struct archive_subject *subjects = page(&count);
    assert_int_equal(take(&file, subjects, count), RECORDS);
}

/* The limits of what moved are gone: who loaded the payment before is refused, and writes nothing. */
static void a_refund_that_was_on_its_way_finds_no_limits(void **state)
{
    (void)state;
    struct archive_file file;
    size_t count = 0;
    const struct store_payment *paid = &lab.rows[0].payment;
    const struct archive_subject *subjects = page(&count);
    assert_int_equal(take(&file, subjects, count), RECORDS);
    struct rows refund;
    rows_open(&refund, &lab.merchant_id);
    refund.payment.parent_id = paid->payment_id;
    refund.payment.operation = OPERATION_REFUND;
    refund.attempt.operation = OPERATION_REFUND;
    refund.limits = (struct store_limits){
        .merchant_id = lab.merchant_id,
        .payment_id = paid->payment_id,
        .currency = "EUR",
        .refund_open = 100,
    };
    refund.txn.limits = &refund.limits;
    assert_int_equal(write_now(&lab.f, &refund.txn), STORE_LIMIT_EXCEEDED);
    assert_int_equal(count_of("payments"), RECORDS);
    assert_int_equal(count_of("idempotency"), RECORDS);
    assert_int_equal(count_of("attempts"), 0);
    assert_int_equal(count_of("payment_limits"), 0);
    /* Nor is the key of one that is archived won again. */
    struct rows again;
    rows_open(&again, &lab.merchant_id);
    again.payment.key = str_of(lab.rows[0].key);
    assert_int_equal(write_now(&lab.f, &again.txn), STORE_KEY_TAKEN);
    rows_open(&again, &lab.merchant_id);
    again.payment.reference = str_of(lab.rows[0].reference);
    assert_int_equal(write_now(&lab.f, &again.txn), STORE_REFERENCE_TAKEN);
    assert_int_equal(count_of("payments"), RECORDS);
}

static const char *with_a_row_of_nobody(struct str record)
{
    static char sql[8192];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT jsonb_insert(r, '{outcomes,0}', (r -> 'outcomes' -> 0) ||"
                   " jsonb_build_object('attempt_id', gen_random_uuid())) FROM (SELECT '" STR_FMT
                   "'::jsonb) x (r)",
                   STR_ARG(record));
    const char *made = fixture_ask(lab.conn, sql);
    assert_true(made[0] == '{' && strlen(made) > record.len);
    return made;
}

static void what_comes_back_is_what_went_once(void **state)
{
    (void)state;
    struct error err;
    struct archive_file file;
    size_t count = 0;
    bool was_away = false;
    static const char all[] = "SELECT md5(string_agg(archive_rows(merchant_id, payment_id)::text,"
                              " '' ORDER BY payment_id)) FROM payments";
    char before[64];
    (void)snprintf(before, sizeof(before), "%.63s", fixture_ask(lab.conn, all));
    struct archive_subject *subjects = page(&count);
    assert_int_equal(take(&file, subjects, count), RECORDS);
    assert_int_equal(take(&file, subjects, count), 0); /* twice */
    for (size_t i = 0; i < count; i++) {
        struct archive_subject it = find(&subjects[i].id, ARCHIVE_AWAY);
        assert_memory_equal(it.salt, subjects[i].salt, sizeof(it.salt));
        it.record = subjects[(i + 1) % count].record; /* another payment's */
        assert_false(archive_restore(lab.db, &lab.merchant_id, &it, &was_away, &err));
        it.record = str_of(with_a_row_of_nobody(subjects[i].record));
        assert_false(archive_restore(lab.db, &lab.merchant_id, &it, &was_away, &err));
        it.record = STR("{}");
        assert_false(archive_restore(lab.db, &lab.merchant_id, &it, &was_away, &err));
        it.record = subjects[i].record;
        assert_true(archive_restore(lab.db, &lab.merchant_id, &it, &was_away, &err));
        assert_true(was_away);
        assert_true(archive_restore(lab.db, &lab.merchant_id, &it, &was_away, &err));
        assert_false(was_away);
        (void)find(&subjects[i].id, ARCHIVE_HERE);
    }
    assert_string_equal(fixture_ask(lab.conn, all), before);
    assert_int_equal(count_of("payments WHERE archive_salt IS NOT NULL"), 0);
    struct uuid nobody = uuid_new();
    (void)find(&nobody, ARCHIVE_ABSENT);
}

/* A person corrected the books of it: that is no movement of a provider, before and after. */
static void what_finance_sees_stays_with_corrections_too(void **state)
{
    (void)state;
    struct archive_file file;
    char before[2][64];
    size_t count = 0;
    static const char *const views[] = {
        "SELECT md5(string_agg(v::text, ' ' ORDER BY v::text)) FROM finance.fees_by_provider v",
        "SELECT md5(string_agg(v::text, ' ' ORDER BY v::text)) FROM finance.transfers v",
    };
    assert_string_equal(
        fixture_ask(lab.conn, "INSERT INTO merchants (merchant_id, name, livemode, created_at)"
                              " SELECT merchant_id, 'm', false, now() FROM payments LIMIT 1;"
                              " INSERT INTO finance_access (login, merchant_id)"
                              " SELECT 'postgres', merchant_id FROM merchants"),
        "");
    assert_string_equal(
        fixture_ask(lab.conn,
                    "INSERT INTO transfers SELECT (jsonb_populate_record(t, jsonb_build_object("
                    "'transfer_id', ledger_id(), 'attempt_id', ledger_id(), 'batch_no', 0,"
                    " 'writer_id', '00000000-0000-0000-0000-000000000000', 'debit_account',"
                    " t.credit_account, 'credit_account', t.debit_account))).* FROM transfers t"),
        "");
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        (void)snprintf(before[i], sizeof(before[i]), "%.63s", fixture_ask(lab.conn, views[i]));
    assert_int_equal(strlen(before[0]), 32);
    const struct archive_subject *subjects = page(&count);
    assert_int_equal(take(&file, subjects, count), RECORDS);
    for (size_t i = 0; i < ARRAY_LEN(views); i++)
        assert_string_equal(fixture_ask(lab.conn, views[i]), before[i]);
}

/* Every bit of it, and every one of the four that it is bound to. */
static void a_record_opens_for_its_own_payment_file_and_salt_alone(void **state)
{
    (void)state;
    struct error err;
    size_t count = 0;
    struct archive_subject it = page(&count)[0];
    struct archive_file file = {.merchant_id = lab.merchant_id, .archive_id = uuid_new()};
    struct uuid other = uuid_new();
    struct archive_subject out;
    struct buf sealed;
    buf_init(&sealed, 1 << 20);
    archive_seal(seal_key, &file, &it, &sealed);
#define OPENS(key, merchant, archive)                                                              \
    archive_open(key, merchant, archive, buf_str(&sealed), &lab.arena, &out, &err)
    out = it;
    out.record = STR_NONE;
    assert_true(OPENS(seal_key, &file.merchant_id, &file.archive_id));
    assert_true(str_eq(out.record, it.record));
    assert_null(memmem(sealed.at, sealed.len, "attempts", 8));
    uint8_t other_key[AEAD_KEY_SIZE] = {1, 2, 4};
    assert_false(OPENS(other_key, &file.merchant_id, &file.archive_id));
    assert_false(OPENS(seal_key, &other, &file.archive_id));
    assert_false(OPENS(seal_key, &file.merchant_id, &other));
    out.id = other;
    assert_false(OPENS(seal_key, &file.merchant_id, &file.archive_id));
    out = it;
    out.salt[0] ^= 1;
    assert_false(OPENS(seal_key, &file.merchant_id, &file.archive_id));
    out = it;
    out.hash[0] ^= 1;
    assert_false(OPENS(seal_key, &file.merchant_id, &file.archive_id));
    out = it;
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.at[i] ^= 0x10;
        assert_false(OPENS(seal_key, &file.merchant_id, &file.archive_id));
        sealed.at[i] ^= 0x10;
    }
    for (size_t len = 0; len < sealed.len; len += 7)
        assert_false(archive_open(seal_key, &file.merchant_id, &file.archive_id,
                                  (struct str){sealed.at, len}, &lab.arena, &out, &err));
#undef OPENS
    buf_release(&sealed);
}

static void the_tables_are_changed_by_archiving_alone(void **state)
{
    (void)state;
    PGconn *conn = fixture_connect("turnpike_gateway");
    static const char *const refused[] = {
        "INSERT INTO archives SELECT * FROM archives",
        "UPDATE archives SET author = ''",
        "DELETE FROM archives",
        "DELETE FROM attempts",
        "DELETE FROM outcomes",
        "UPDATE payments SET archived_at = now()",
        "SELECT archive_move(NULL, NULL, NULL, NULL, NULL, NULL)",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_string_equal(fixture_ask(conn, refused[i]), "ERROR 42501");
    PQfinish(conn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_that_changed_since_they_were_read_stay),
        TEST(what_waits_or_is_asked_for_stays),
        TEST(a_refund_that_was_on_its_way_finds_no_limits),
        TEST(what_comes_back_is_what_went_once),
        TEST(what_finance_sees_stays_with_corrections_too),
        TEST(a_record_opens_for_its_own_payment_file_and_salt_alone),
        TEST(the_tables_are_changed_by_archiving_alone),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
