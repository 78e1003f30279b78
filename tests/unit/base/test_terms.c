#include "base/terms.h"
#include "helpers.h"

static void every_name_finds_its_value_and_no_other(void **state)
{
    (void)state;
    for (int i = 1; i < OPERATION_COUNT; i++)
        assert_int_equal(operation_find(str_of(operation_name((enum operation)i))), i);
    for (int i = 1; i < OUTCOME_COUNT; i++)
        assert_int_equal(outcome_find(str_of(outcome_name((enum outcome)i))), i);
    for (int i = 1; i < PAYMENT_STATUS_COUNT; i++)
        assert_int_equal(payment_status_find(str_of(payment_status_name((enum payment_status)i))),
                         i);
    for (int i = 1; i < REVIEW_KIND_COUNT; i++)
        assert_int_equal(review_kind_find(str_of(review_kind_name((enum review_kind)i))), i);
    for (int i = 1; i < REVIEW_STATE_COUNT; i++)
        assert_int_equal(review_state_find(str_of(review_state_name((enum review_state)i))), i);
}

static void unknown_words_are_none(void **state)
{
    (void)state;
    static const char *const words[] = {"", "none", "SALE", "sale ", "approve", "cancelled"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_int_equal(operation_find(str_of(words[i])), OPERATION_NONE);
        assert_int_equal(outcome_find(str_of(words[i])), OUTCOME_NONE);
        assert_int_equal(payment_status_find(str_of(words[i])), PAYMENT_NONE);
        assert_int_equal(review_kind_find(str_of(words[i])), REVIEW_NONE);
        assert_int_equal(review_state_find(str_of(words[i])), REVIEW_STATE_NONE);
    }
    assert_int_equal(operation_find(STR_NONE), OPERATION_NONE);
    assert_int_equal(operation_find(STR("sale\0")), OPERATION_NONE);
}

static void what_may_still_change_is_not_final(void **state)
{
    (void)state;
    int outcome_count = 0;
    int status_count = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        outcome_count += outcome_is_final((enum outcome)i);
    for (int i = 0; i < PAYMENT_STATUS_COUNT; i++)
        status_count += payment_status_is_final((enum payment_status)i);
    assert_int_equal(outcome_count, 4);
    assert_int_equal(status_count, 6);
    assert_false(outcome_is_final(OUTCOME_UNKNOWN));
    assert_false(outcome_is_final(OUTCOME_PENDING));
    assert_false(outcome_is_final(OUTCOME_REQUIRES_ACTION));
    assert_false(payment_status_is_final(PAYMENT_PROCESSING));
    assert_false(payment_status_is_final(PAYMENT_REVIEW));
    assert_false(payment_status_is_final(PAYMENT_UNCLAIMED));
    assert_true(payment_status_is_final(PAYMENT_AUTHORIZED));
    assert_true(payment_status_is_final(PAYMENT_RETURNED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_finds_its_value_and_no_other),
        cmocka_unit_test(unknown_words_are_none),
        cmocka_unit_test(what_may_still_change_is_not_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
