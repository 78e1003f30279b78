/* What needs no database: verdicts, postings, the binary format. */
#include <string.h>

#include "ledger/posting.h"
#include "ledger/value.h"
#include "ledger/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *sqlstate;
    const char *constraint;
    enum sql sql;
    enum verdict_kind kind;
    enum store_result result;
} verdicts[] = {
    {"40001", "", SQL_PAYMENTS, VERDICT_AGAIN, STORE_ROLLED_BACK},
    {"40P01", "", SQL_OPEN, VERDICT_AGAIN, STORE_ROLLED_BACK},
    {"23505", "outcomes_pkey", SQL_OUTCOMES, VERDICT_ROW, STORE_FENCED},
    {"23505", "sends_pkey", SQL_SENDS, VERDICT_ROW, STORE_FENCED},
    {"23505", "events_pkey", SQL_EVENTS, VERDICT_ROW, STORE_FENCED},
    {"23505", "attempts_number_key", SQL_ATTEMPTS, VERDICT_ROW, STORE_FENCED},
    {"23505", "unresolved_pkey", SQL_PARK_NEW, VERDICT_ROW, STORE_FENCED},
    {"23505", "payments_pkey", SQL_PAYMENTS, VERDICT_ROW, STORE_KEY_TAKEN},
    {"23505", "payments_reference_key", SQL_PAYMENTS, VERDICT_ROW, STORE_REFERENCE_TAKEN},
    {"23505", "batches_pkey", SQL_MARK, VERDICT_ALL, STORE_ROLLED_BACK},
    {"23514", "payment_limits_capture_check", SQL_LIMITS_CHANGE, VERDICT_ROW, STORE_LIMIT_EXCEEDED},
    {"23514", "payments_amount_minor_check", SQL_PAYMENTS, VERDICT_ROW, STORE_ROLLED_BACK},
    {"22012", "", SQL_LIMITS_CHANGE, VERDICT_ROW, STORE_LIMIT_EXCEEDED},
    {"22012", "", SQL_ATTEMPTS, VERDICT_ROW, STORE_FENCED},
    {"22012", "", SQL_PARK_AGAIN, VERDICT_ROW, STORE_FENCED},
    {"22012", "", SQL_UNPARK, VERDICT_ROW, STORE_FENCED},
    {"22021", "", SQL_PAYMENTS, VERDICT_ROW, STORE_ROLLED_BACK},
    {"54000", "", SQL_PAYMENTS, VERDICT_ROW, STORE_ROLLED_BACK},
    {"53100", "", SQL_NONE, VERDICT_SERVER, STORE_ROLLED_BACK},
    {"25006", "", SQL_MARK, VERDICT_SERVER, STORE_ROLLED_BACK},
    {"58030", "", SQL_NONE, VERDICT_SERVER, STORE_ROLLED_BACK},
    {"42501", "", SQL_MARK, VERDICT_SERVER, STORE_ROLLED_BACK},
    {"57014", "", SQL_OPEN, VERDICT_ALL, STORE_ROLLED_BACK},
    {"55P03", "", SQL_LIMITS_CHANGE, VERDICT_ALL, STORE_ROLLED_BACK},
    {"XX000", "", SQL_OPEN, VERDICT_ROW, STORE_ROLLED_BACK},
    {"", "", SQL_OPEN, VERDICT_ROW, STORE_ROLLED_BACK},
};
/* clang-format on */

static void every_refusal_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        struct pg_failure why = {.sql = verdicts[i].sql};
        (void)str_copy_to(str_of(verdicts[i].sqlstate), why.sqlstate, sizeof(why.sqlstate));
        (void)str_copy_to(str_of(verdicts[i].constraint), why.constraint, sizeof(why.constraint));
        struct verdict verdict = verdict_of(&why);
        assert_int_equal(verdict.kind, verdicts[i].kind);
        assert_int_equal(verdict.result, verdicts[i].result);
    }
}

/* No refusal may be told as written, or as something that nobody knows. */
static void no_refusal_is_told_as_written(void **state)
{
    (void)state;
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t a = 0; a < 36; a++) {
        for (size_t b = 0; b < 36; b++) {
            struct pg_failure why = {.sql = SQL_OPEN};
            why.sqlstate[0] = digits[a];
            why.sqlstate[1] = digits[b];
            struct verdict verdict = verdict_of(&why);
            assert_true(verdict.result != STORE_COMMITTED && verdict.result != STORE_UNKNOWN &&
                        verdict.result != STORE_UNAVAILABLE);
        }
    }
}

static struct posting posting_of(enum operation operation)
{
    return (struct posting){
        .merchant_id = uuid_new(),
        .payment_id = uuid_new(),
        .attempt_id = uuid_new(),
        .account_id = uuid_new(),
        .provider = STR("paypal"),
        .operation = operation,
        .amount_minor = 1099,
        .currency = "EUR",
        .fee_minor = 88,
        .created_us = 1,
    };
}

/* What each phase of each operation comes to: nothing, or the state of its gross row, and a fee. */
struct posted {
    enum operation operation;
    enum posting_phase phase;
    size_t count;
    enum transfer_state state;
    bool has_own_id; /* the attempt's */
    bool has_pending;
};

static void every_operation_posts_balanced_rows(void **state)
{
    (void)state;
    static const struct posted all[] = {
        {OPERATION_SALE, POSTING_WHOLE, 2, TRANSFER_POSTED, false, false},
        {OPERATION_AUTHORIZE, POSTING_WHOLE, 1, TRANSFER_PENDING, true, false},
        {OPERATION_SALE, POSTING_LATE, 2, TRANSFER_POSTED, false, false},
        {OPERATION_AUTHORIZE, POSTING_LATE, 1, TRANSFER_PENDING, true, false},
        {OPERATION_PAYOUT, POSTING_WHOLE, 2, TRANSFER_POSTED, false, false},
        {OPERATION_CAPTURE, POSTING_OPEN, 1, TRANSFER_PENDING, true, false},
        {OPERATION_CAPTURE, POSTING_CLOSE, 2, TRANSFER_POSTED, false, true},
        {OPERATION_CAPTURE, POSTING_DROP, 1, TRANSFER_VOIDED, false, true},
        {OPERATION_CAPTURE, POSTING_LATE, 2, TRANSFER_POSTED, false, false},
        {OPERATION_REFUND, POSTING_OPEN, 1, TRANSFER_PENDING, true, false},
        {OPERATION_REFUND, POSTING_CLOSE, 1, TRANSFER_POSTED, false, true},
        {OPERATION_REFUND, POSTING_DROP, 1, TRANSFER_VOIDED, false, true},
        {OPERATION_VOID, POSTING_WHOLE, 0, TRANSFER_POSTED, false, false},
    };
    for (size_t n = 0; n < ARRAY_LEN(all); n++) {
        struct posting posting = posting_of(all[n].operation);
        struct posting_rows rows;
        posting.phase = all[n].phase;
        posting_make(&posting, &rows);
        assert_int_equal(rows.count, all[n].count);
        for (size_t i = 0; i < rows.count; i++) {
            const struct store_transfer *row = &rows.transfers[i];
            assert_true(row->amount_minor > 0);
            assert_false(str_eq(row->debit_account, row->credit_account));
            assert_false(str_is_empty(row->debit_account));
            assert_false(str_is_empty(row->credit_account));
            assert_string_equal(row->currency, "EUR");
            assert_int_equal(!uuid_is_zero(&row->pending_id), all[n].has_pending && i == 0);
            assert_int_equal(uuid_eq(&row->transfer_id, &posting.attempt_id),
                             all[n].has_own_id && i == 0);
        }
        assert_true(rows.count == 0 || rows.transfers[0].state == all[n].state);
    }
}

/* Names that docs, the ledger's table and people use. */
static void every_event_has_its_name(void **state)
{
    (void)state;
    static const struct {
        enum operation operation;
        enum posting_phase phase;
        const char *name;
    } all[] = {
        {OPERATION_SALE, POSTING_WHOLE, "sale"},
        {OPERATION_SALE, POSTING_LATE, "sale_late"},
        {OPERATION_AUTHORIZE, POSTING_WHOLE, "authorize"},
        {OPERATION_AUTHORIZE, POSTING_LATE, "authorize_late"},
        {OPERATION_CAPTURE, POSTING_OPEN, "capture_open"},
        {OPERATION_CAPTURE, POSTING_CLOSE, "capture_close"},
        {OPERATION_CAPTURE, POSTING_DROP, "capture_drop"},
        {OPERATION_CAPTURE, POSTING_LATE, "capture_late"},
        {OPERATION_VOID, POSTING_WHOLE, "void"},
        {OPERATION_REFUND, POSTING_OPEN, "refund_open"},
        {OPERATION_REFUND, POSTING_CLOSE, "refund_close"},
        {OPERATION_REFUND, POSTING_DROP, "refund_drop"},
        {OPERATION_REFUND, POSTING_LATE, "refund_late"},
        {OPERATION_PAYOUT, POSTING_WHOLE, "payout"},
        {OPERATION_PAYOUT, POSTING_LATE, "payout"},
        {OPERATION_REAUTHORIZE, POSTING_WHOLE, "reauthorize"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct str name = posting_event_name(posting_event_of(all[i].operation, all[i].phase));
        if (!str_eq(name, str_of(all[i].name)))
            fail_msg("row %zu is " STR_FMT ", wanted %s", i, STR_ARG(name), all[i].name);
    }
    assert_true(str_eq(posting_by_name(POSTING_BY_GATEWAY), STR("gateway")));
    assert_true(str_eq(posting_by_name(POSTING_BY_STORE), STR("gateway")));
    assert_true(str_eq(posting_by_name(POSTING_BY_PERSON), STR("person")));
}

static void a_fee_is_booked_only_when_it_is_one(void **state)
{
    (void)state;
    static const int64_t none[] = {0, -1, INT64_MIN, MONEY_AMOUNT_MAX + 1};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct posting posting = posting_of(OPERATION_SALE);
        struct posting_rows rows;
        posting.fee_minor = none[i];
        posting_make(&posting, &rows);
        assert_int_equal(rows.count, 1);
    }
    struct posting posting = posting_of(OPERATION_SALE);
    struct posting_rows rows;
    posting.provider = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    posting_make(&posting, &rows);
    assert_true(str_ends(rows.transfers[0].debit_account, STR(":pending")));
    assert_true(str_eq(rows.transfers[1].debit_account, STR("fees:payment")));
}

static void arrays_are_written_in_the_binary_format(void **state)
{
    (void)state;
    struct params params;
    params_init(&params);
    params_array_begin(&params, VALUE_INT4, 2);
    params_put_int4(&params, 258);
    params_put_null(&params);
    params_array_end(&params);
    static const uint8_t want[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 23, 0,    0,    0,    2,
                                   0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 1, 2,  0xff, 0xff, 0xff, 0xff};
    assert_int_equal(params.length[0], sizeof(want));
    assert_memory_equal(params.bytes.at, want, sizeof(want));
    params_clear(&params);
    params_array_begin(&params, VALUE_TEXT, 0);
    params_array_end(&params);
    assert_int_equal(params.length[0], 12); /* no dimension, no elements */
    params_null(&params);
    assert_int_equal(params.length[1], -1);
    params_text(&params, STR_NONE);
    assert_int_equal(params.length[2], 0);
    params_release(&params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_has_its_verdict),
        cmocka_unit_test(no_refusal_is_told_as_written),
        cmocka_unit_test(every_operation_posts_balanced_rows),
        cmocka_unit_test(every_event_has_its_name),
        cmocka_unit_test(a_fee_is_booked_only_when_it_is_one),
        cmocka_unit_test(arrays_are_written_in_the_binary_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
