#include "payment/present.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

struct sample {
    struct store_payment_view payment;
    struct store_attempt_view attempt[3];
    struct store_outcome outcome[3][3];
    struct buf text;
    json_t *json;
};

static int setup(void **state)
{
    static struct sample sample;
    sample = (struct sample){
        .payment =
            {
                .row =
                    {
                        .merchant_id = uuid_new(),
                        .payment_id = uuid_new(),
                        .created_us = 1795169730123456,
                        .amount_minor = 1099,
                        .currency = "EUR",
                        .capture_automatic = true,
                        .reference = STR("order-\"1\""),
                        .try_number = 1,
                        .method_type = STR("card"),
                        .country = STR("DE"),
                        .customer_json = STR("{\"id\":\"c-7\"}"),
                        .metadata_json = STR("{\"cart\":\"77\"}"),
                    },
                .status = PAYMENT_PROCESSING,
                .attempts = sample.attempt,
            },
    };
    for (size_t i = 0; i < ARRAY_LEN(sample.attempt); i++) {
        sample.attempt[i] = (struct store_attempt_view){
            .row =
                {
                    .attempt_id = uuid_new(),
                    .account_id = uuid_new(),
                    .number = (int32_t)i + 1,
                    .operation = OPERATION_SALE,
                    .provider = i == 0 ? STR("paypal") : STR("payoneer"),
                    .decision_json = i == 0 ? STR("{\"rule\":\"default\"}") : STR_NONE,
                    .expected_fee_minor = i == 0 ? 88 : -1,
                    .created_us = 1795169730200000,
                },
            .outcomes = sample.outcome[i],
        };
    }
    buf_init(&sample.text, PRESENT_BYTES_MAX);
    *state = &sample;
    return 0;
}

static int teardown(void **state)
{
    struct sample *sample = *state;
    json_decref(sample->json);
    buf_release(&sample->text);
    return 0;
}

static void add_outcome(struct sample *sample, size_t attempt, enum outcome outcome,
                        const char *reason)
{
    struct store_attempt_view *view = &sample->attempt[attempt];
    if (sample->payment.attempt_count <= attempt)
        sample->payment.attempt_count = attempt + 1;
    sample->outcome[attempt][view->outcome_count] = (struct store_outcome){
        .number = (int32_t)view->outcome_count + 1,
        .outcome = outcome,
        .reason = str_of(reason),
        .facts_json = STR("{}"),
        .fee_minor = -1,
        .created_us = 1795169731000000,
    };
    view->outcome_count++;
}

static const char *text_at(struct sample *sample, const char *path)
{
    const json_t *value = json_path(sample->json, path);
    if (value == NULL)
        fail_msg("no %s in %.*s", path, (int)sample->text.len, sample->text.at);
    return json_is_null(value) ? NULL : json_string_value(value);
}

static int64_t int_at(struct sample *sample, const char *path)
{
    int64_t value = 0;
    if (!json_path_int64(sample->json, path, &value))
        fail_msg("no integer %s in %.*s", path, (int)sample->text.len, sample->text.at);
    return value;
}

static void print(struct sample *sample)
{
    struct error err;
    present_payment(&sample->payment, &sample->text);
    assert_true(buf_is_ok(&sample->text));
    sample->json = json_parse(buf_str(&sample->text), &json_limits_default, &err);
    if (sample->json == NULL)
        fail_msg("%s: %.*s", err.text, (int)sample->text.len, sample->text.at);
}

static void a_success_after_a_failover_shows_both_attempts(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_FAILED, "connect_refused");
    add_outcome(sample, 1, OUTCOME_APPROVED, "ok");
    sample->outcome[1][0].reference = STR("cap-1");
    sample->outcome[1][0].fee_minor = 60;
    sample->payment.status = PAYMENT_SUCCEEDED;
    sample->payment.captured = 1099;
    print(sample);
    assert_string_equal(text_at(sample, "object"), "payment");
    assert_string_equal(text_at(sample, "status"), "succeeded");
    assert_int_equal(strncmp(text_at(sample, "id"), "pay_", 4), 0);
    assert_int_equal(strlen(text_at(sample, "id")), 30);
    assert_int_equal(int_at(sample, "amount"), 1099);
    assert_int_equal(int_at(sample, "amount_captured"), 1099);
    assert_int_equal(int_at(sample, "amount_refunded"), 0);
    assert_string_equal(text_at(sample, "currency"), "EUR");
    assert_string_equal(text_at(sample, "reference"), "order-\"1\"");
    assert_string_equal(text_at(sample, "provider"), "payoneer");
    assert_string_equal(text_at(sample, "attempts.0.status"), "failed");
    assert_string_equal(text_at(sample, "attempts.0.reason"), "connect_refused");
    assert_int_equal(int_at(sample, "attempts.0.expected_fee"), 88);
    assert_null(text_at(sample, "attempts.0.provider_reference"));
    assert_string_equal(text_at(sample, "attempts.1.status"), "approved");
    assert_string_equal(text_at(sample, "attempts.1.provider_reference"), "cap-1");
    assert_int_equal(int_at(sample, "attempts.1.fee"), 60);
    assert_true(json_is_null(json_path(sample->json, "attempts.1.expected_fee")));
    assert_string_equal(text_at(sample, "decision.rule"), "default");
    assert_string_equal(text_at(sample, "created"), "2026-11-20T10:15:30.123Z");
    assert_string_equal(text_at(sample, "metadata.cart"), "77");
    assert_string_equal(text_at(sample, "customer.id"), "c-7");
    assert_string_equal(text_at(sample, "method.type"), "card");
    assert_string_equal(text_at(sample, "capture"), "automatic");
    assert_true(json_is_null(json_path(sample->json, "failure")));
    assert_true(json_is_false(json_path(sample->json, "livemode")));
    assert_null(json_path(sample->json, "next_action"));
}

static void a_decline_says_why(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_DECLINED_HARD, "stolen_card");
    sample->outcome[0][0].code = STR("9520");
    sample->payment.status = PAYMENT_DECLINED;
    print(sample);
    assert_string_equal(text_at(sample, "failure.reason"), "stolen_card");
    assert_string_equal(text_at(sample, "failure.code"), "9520");
    assert_string_equal(text_at(sample, "attempts.0.status"), "declined");
    assert_string_equal(text_at(sample, "attempts.0.decline"), "hard");
    assert_string_equal(text_at(sample, "provider"), "paypal");
    assert_true(str_eq(present_failure_reason(&sample->payment), STR("stolen_card")));
}

static void an_open_attempt_is_processing_then_unknown(void **state)
{
    struct sample *sample = *state;
    sample->payment.attempt_count = 1;
    print(sample);
    assert_string_equal(text_at(sample, "attempts.0.status"), "processing");
    assert_null(text_at(sample, "attempts.0.ended"));
    json_decref(sample->json);
    buf_clear(&sample->text);
    add_outcome(sample, 0, OUTCOME_NONE, "");
    add_outcome(sample, 0, OUTCOME_UNKNOWN, "timeout");
    print(sample);
    assert_string_equal(text_at(sample, "status"), "processing");
    assert_string_equal(text_at(sample, "attempts.0.status"), "unknown");
    assert_string_equal(text_at(sample, "attempts.0.reason"), "timeout");
    assert_null(text_at(sample, "attempts.0.ended"));
    assert_true(json_is_null(json_path(sample->json, "failure")));
}

static void a_late_row_does_not_hide_an_approval(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_UNKNOWN, "timeout");
    add_outcome(sample, 0, OUTCOME_APPROVED, "ok");
    add_outcome(sample, 0, OUTCOME_UNKNOWN, "repeat");
    sample->payment.status = PAYMENT_SUCCEEDED;
    print(sample);
    assert_string_equal(text_at(sample, "attempts.0.status"), "approved");
}

static void a_late_success_does_not_decide_what_the_payment_is(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_DECLINED_SOFT, "insufficient_funds");
    add_outcome(sample, 1, OUTCOME_APPROVED, "");
    add_outcome(sample, 0, OUTCOME_APPROVED, "");
    sample->outcome[0][1].created_us += 1000;
    sample->payment.status = PAYMENT_SUCCEEDED;
    print(sample);
    assert_string_equal(text_at(sample, "provider"), "payoneer");
    assert_string_equal(text_at(sample, "attempts.0.status"), "approved");
}

/* Nor when it is known before the newest attempt is: that was in review meanwhile. */
static void a_late_success_that_is_known_first_does_not_either(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_DECLINED_SOFT, "insufficient_funds");
    add_outcome(sample, 0, OUTCOME_APPROVED, "");
    add_outcome(sample, 1, OUTCOME_UNKNOWN, "timeout");
    add_outcome(sample, 1, OUTCOME_APPROVED, "");
    sample->outcome[1][1].created_us += 1000;
    sample->payment.status = PAYMENT_SUCCEEDED;
    print(sample);
    assert_string_equal(text_at(sample, "provider"), "payoneer");
}

static void a_failed_payment_says_why_whatever_was_approved_later(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_DECLINED_HARD, "do_not_honor");
    add_outcome(sample, 0, OUTCOME_APPROVED, "");
    sample->payment.status = PAYMENT_DECLINED;
    print(sample);
    assert_string_equal(text_at(sample, "failure.reason"), "do_not_honor");
    assert_string_equal(text_at(sample, "attempts.0.status"), "approved");
}

static void an_action_shows_where_the_payer_must_go(void **state)
{
    struct sample *sample = *state;
    add_outcome(sample, 0, OUTCOME_REQUIRES_ACTION, "payer_action");
    sample->outcome[0][0].facts_json = STR(
        "{\"action_expires\":\"1700000000123456\",\"action_url\":\"https://pay.example/3ds?x=1\"}");
    sample->payment.status = PAYMENT_REQUIRES_ACTION;
    print(sample);
    assert_string_equal(text_at(sample, "next_action.type"), "redirect");
    assert_string_equal(text_at(sample, "next_action.url"), "https://pay.example/3ds?x=1");
    assert_string_equal(text_at(sample, "attempts.0.status"), "requires_action");
    assert_string_equal(text_at(sample, "next_action.expires"), "2023-11-14T22:13:20.123Z");
}

static void make_payout(struct sample *sample)
{
    sample->payment.row.is_payout = true;
    sample->payment.row.customer_json =
        STR("{\"type\":\"individual\",\"name\":\"Ada\",\"country\":\"DE\",\"iban_last4\":null}");
    sample->attempt[0].row.operation = OPERATION_PAYOUT;
}

static void a_payout_shows_what_may_be_shown_of_its_beneficiary(void **state)
{
    struct sample *sample = *state;
    make_payout(sample);
    add_outcome(sample, 0, OUTCOME_APPROVED, "approved");
    sample->payment.status = PAYMENT_SUCCEEDED;
    print(sample);
    assert_int_equal(strncmp(text_at(sample, "id"), "pyt_", 4), 0);
    assert_string_equal(text_at(sample, "object"), "payout");
    assert_string_equal(text_at(sample, "status"), "succeeded");
    assert_int_equal(int_at(sample, "amount"), 1099);
    assert_string_equal(text_at(sample, "beneficiary.name"), "Ada");
    assert_null(text_at(sample, "beneficiary.iban_last4"));
    assert_string_equal(text_at(sample, "attempts.0.operation"), "payout");
    assert_string_equal(text_at(sample, "decision.rule"), "default");
    assert_true(json_is_false(json_path(sample->json, "cancel_requested")));
    static const char *const not_there[] = {"customer", "method", "capture", "amount_captured",
                                            "amount_refunded"};
    for (size_t i = 0; i < ARRAY_LEN(not_there); i++)
        assert_null(json_path(sample->json, not_there[i]));
}

static void a_payout_that_came_back_says_why(void **state)
{
    struct sample *sample = *state;
    make_payout(sample);
    add_outcome(sample, 0, OUTCOME_PENDING, "unclaimed");
    sample->payment.status = PAYMENT_UNCLAIMED;
    sample->attempt[0].is_canceled = true;
    print(sample);
    assert_string_equal(text_at(sample, "status"), "unclaimed");
    assert_true(json_is_true(json_path(sample->json, "cancel_requested")));
    assert_true(json_is_null(json_path(sample->json, "failure")));
    json_decref(sample->json);
    buf_clear(&sample->text);
    add_outcome(sample, 0, OUTCOME_FAILED, "returned");
    sample->attempt[0].is_canceled = false;
    sample->payment.status = PAYMENT_RETURNED;
    print(sample);
    assert_string_equal(text_at(sample, "status"), "returned");
    assert_string_equal(text_at(sample, "failure.reason"), "returned");
    assert_string_equal(text_at(sample, "attempts.0.reason"), "returned");
}

static void every_status_prints_as_json(void **state)
{
    struct sample *sample = *state;
    for (int status = PAYMENT_PROCESSING; status < PAYMENT_STATUS_COUNT; status++) {
        for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
            sample->attempt[0].outcome_count = 0;
            add_outcome(sample, 0, (enum outcome)outcome, "why");
            sample->payment.status = (enum payment_status)status;
            print(sample);
            assert_string_equal(text_at(sample, "status"),
                                payment_status_name((enum payment_status)status));
            json_decref(sample->json);
            sample->json = NULL;
            buf_clear(&sample->text);
        }
    }
}

static void empty_texts_print_as_null_or_empty_objects(void **state)
{
    struct sample *sample = *state;
    sample->payment.row.reference = STR_NONE;
    sample->payment.row.customer_json = STR_NONE;
    sample->payment.row.metadata_json = STR_NONE;
    print(sample);
    assert_true(json_is_null(json_path(sample->json, "reference")));
    assert_true(json_is_null(json_path(sample->json, "provider")));
    assert_true(json_is_null(json_path(sample->json, "decision")));
    assert_true(json_is_object(json_path(sample->json, "customer")));
    assert_int_equal(json_array_size(json_path(sample->json, "attempts")), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_success_after_a_failover_shows_both_attempts),
        TEST(a_decline_says_why),
        TEST(an_open_attempt_is_processing_then_unknown),
        TEST(a_late_row_does_not_hide_an_approval),
        TEST(a_late_success_does_not_decide_what_the_payment_is),
        TEST(a_late_success_that_is_known_first_does_not_either),
        TEST(a_failed_payment_says_why_whatever_was_approved_later),
        TEST(an_action_shows_where_the_payer_must_go),
        TEST(a_payout_shows_what_may_be_shown_of_its_beneficiary),
        TEST(a_payout_that_came_back_says_why),
        TEST(every_status_prints_as_json),
        TEST(empty_texts_print_as_null_or_empty_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
