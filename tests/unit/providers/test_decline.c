/* Every code that declines has a reason that says what to do, and the network's advice counts more. */
#include "providers/decline.h"

#include "fixture.h"
#include "providers/paypal_codes.h"

static void assert_told(const char *of, const char *reason)
{
    if (decline_reason_find(str_of(reason)) == NULL)
        fail_msg("%s declines for %s, of which decline.c says nothing", of, reason);
}

static void every_code_of_paypal_that_declines_is_explained(void **state)
{
    (void)state;
    for (int table = 0; table < 2; table++) {
        size_t count;
        const struct paypal_code *codes =
            table == 0 ? paypal_issue_all(&count) : paypal_response_all(&count);
        for (size_t i = 0; i < count; i++) {
            struct str code = str_of(codes[i].code);
            const struct paypal_code *found =
                table == 0 ? paypal_issue_find(code) : paypal_response_find(code);
            assert_ptr_equal(found, &codes[i]); /* sorted */
            if (codes[i].meaning == PAYPAL_MEANS_SOFT || codes[i].meaning == PAYPAL_MEANS_HARD)
                assert_told(codes[i].code, codes[i].reason);
        }
    }
}

/* Visa's category 1, Mastercard's 03 and 21: never again; everything else may be tried one day. */
static void only_what_the_issuer_will_never_approve_forbids(void **state)
{
    (void)state;
    const char *const forbidding[] = {"account_closed", "do_not_retry", "invalid_account",
                                      "lost_or_stolen", "pick_up_card"};
    for (size_t i = 0; i < ARRAY_LEN(forbidding); i++) {
        struct decline_told told = decline_tell(str_of(forbidding[i]), STR_NONE);
        assert_true(told.forbids);
        assert_int_not_equal(told.advice, DECLINE_RETRY_LATER);
    }
    const char *const passing[] = {"insufficient_funds", "do_not_honor",    "expired_card",
                                   "declined",           "suspected_fraud", "cvv_failed",
                                   "never_heard_of"};
    for (size_t i = 0; i < ARRAY_LEN(passing); i++)
        assert_false(decline_tell(str_of(passing[i]), STR_NONE).forbids);
}

static void every_advice_of_the_networks_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum decline_advice advice;
        bool forbids;
        bool is_hard;
        int hours;
    } cases[] = {
        {"01", DECLINE_UPDATE_CARD, false, true, 0},
        {"02", DECLINE_RETRY_LATER, false, false, 72},
        {"03", DECLINE_DO_NOT_RETRY, true, true, 0},
        {"04", DECLINE_OTHER_METHOD, false, true, 0},
        {"21", DECLINE_DO_NOT_RETRY, true, true, 0},
        {"24", DECLINE_RETRY_LATER, false, true, 1},
        {"25", DECLINE_RETRY_LATER, false, true, 24},
        {"26", DECLINE_RETRY_LATER, false, true, 48},
        {"27", DECLINE_RETRY_LATER, false, true, 96},
        {"28", DECLINE_RETRY_LATER, false, true, 144},
        {"29", DECLINE_RETRY_LATER, false, true, 192},
        {"30", DECLINE_RETRY_LATER, false, true, 240},
        {"40", DECLINE_OTHER_METHOD, false, true, 0},
        {"41", DECLINE_OTHER_METHOD, false, true, 0},
        {"42", DECLINE_DO_NOT_RETRY, false, true, 0},
        {"43", DECLINE_OTHER_METHOD, false, true, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct decline_code *code = decline_code_find(str_of(cases[i].code));
        struct decline_told told = decline_tell(STR("do_not_honor"), str_of(cases[i].code));
        assert_non_null(code);
        assert_int_equal(code->is_hard, cases[i].is_hard);
        assert_int_equal(told.advice, cases[i].advice);
        assert_int_equal(told.forbids, cases[i].forbids);
        assert_int_equal(told.wait_hours, cases[i].hours);
    }
    assert_null(decline_code_find(STR("99")));
    assert_null(decline_code_find(STR_NONE));
    /* What the issuer's code forbids, no advice allows. */
    assert_true(decline_tell(STR("lost_or_stolen"), STR("24")).forbids);
    assert_int_equal(decline_tell(STR("lost_or_stolen"), STR("24")).advice, DECLINE_DO_NOT_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_paypal_that_declines_is_explained),
        cmocka_unit_test(only_what_the_issuer_will_never_approve_forbids),
        cmocka_unit_test(every_advice_of_the_networks_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
