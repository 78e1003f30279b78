/* What follows from a person's answer, and from the end of a reversal: whole tables, no I/O. */
#include "payment/ruling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void only_open_cases_hear_an_answer_that_fits(void **state)
{
    (void)state;
    for (int to = REVIEW_STATE_NONE; to < REVIEW_STATE_COUNT; to++) {
        struct ruling_case about = {
            .state = (enum review_state)to, .kind = REVIEW_OTHER, .operation = OPERATION_SALE};
        enum ruling_step heard = ruling_hear(&about, RULING_ACCEPTED, false);
        assert_int_equal(heard, to == REVIEW_OPEN        ? RULING_GO_ON
                                : to == REVIEW_REVERSING ? RULING_REFUSE_REVERSING
                                                         : RULING_REFUSE_DECIDED);
        if (to == REVIEW_OPEN)
            assert_int_equal(ruling_hear(&about, RULING_CHARGED, false), RULING_REFUSE_UNFIT);
    }
    struct ruling_case capture = {
        .state = REVIEW_OPEN, .kind = REVIEW_AMOUNT_MISMATCH, .operation = OPERATION_CAPTURE};
    assert_int_equal(ruling_hear(&capture, RULING_CHARGED, true), RULING_REFUSE_AMOUNT);
    assert_int_equal(ruling_hear(&capture, RULING_CHARGED, false), RULING_GO_ON);
}

/* docs/payments.md, "Review": which answers each kind of case takes. Only a charge or a hold is reversed. */
static void each_kind_of_case_takes_its_own_answers(void **state)
{
    (void)state;
    for (int kind = REVIEW_NONE; kind < REVIEW_KIND_COUNT; kind++) {
        bool is_open = kind == REVIEW_UNKNOWN_TOO_LONG || kind == REVIEW_PENDING_TOO_LONG ||
                       kind == REVIEW_AMOUNT_MISMATCH;
        bool is_late = kind == REVIEW_LATE_SUCCESS || kind == REVIEW_REVERSAL_FAILED;
        for (int op = OPERATION_NONE + 1; op < OPERATION_COUNT; op++) {
            bool is_charge = op == OPERATION_SALE || op == OPERATION_AUTHORIZE;
            for (int i = RULING_NONE; i < RULING_COUNT; i++) {
                bool is_truth = i == RULING_CHARGED || i == RULING_NOT_CHARGED;
                bool fits = is_open ? is_truth
                                    : kind != REVIEW_NONE &&
                                          (i == RULING_ACCEPTED ||
                                           (i == RULING_REVERSE && is_late && is_charge));
                assert_int_equal(payment_ruling_fits((enum payment_ruling)i, (enum review_kind)kind,
                                                     (enum operation)op),
                                 fits);
            }
        }
    }
}

static void what_the_books_have_is_not_told_again(void **state)
{
    (void)state;
    static const struct {
        enum payment_ruling ruling;
        bool is_final, is_approved;
        enum ruling_step next;
    } rows[] = {
        {RULING_CHARGED, false, false, RULING_TELL},
        {RULING_CHARGED, true, false, RULING_TELL},
        {RULING_CHARGED, true, true, RULING_NOTE},
        {RULING_NOT_CHARGED, false, false, RULING_TELL},
        {RULING_NOT_CHARGED, true, false, RULING_NOTE},
        {RULING_NOT_CHARGED, true, true, RULING_REFUSE_BOOKED},
        {RULING_ACCEPTED, false, false, RULING_NOTE},
        {RULING_ACCEPTED, true, true, RULING_NOTE},
        {RULING_REVERSE, true, true, RULING_NOTE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ruling_attempt attempt = {.is_final = rows[i].is_final,
                                         .is_approved = rows[i].is_approved};
        assert_int_equal(ruling_weigh(rows[i].ruling, &attempt), rows[i].next);
    }
}

static void a_reserve_is_free_only_where_the_charge_is_accepted(void **state)
{
    (void)state;
    const struct ruling_attempt kept = {.is_final = true, .is_approved = true, .is_reserved = true};
    const struct ruling_attempt told = {.is_final = true, .is_approved = true};
    struct ruling_attempt own = kept;
    own.is_own = true;
    for (int kind = REVIEW_NONE; kind < REVIEW_KIND_COUNT; kind++) {
        struct ruling_case about = {
            .state = REVIEW_OPEN, .kind = (enum review_kind)kind, .operation = OPERATION_SALE};
        bool is_late = kind == REVIEW_LATE_SUCCESS || kind == REVIEW_REVERSAL_FAILED;
        assert_int_equal(ruling_frees_reserve(&about, RULING_ACCEPTED, &own), is_late);
        assert_false(ruling_frees_reserve(&about, RULING_ACCEPTED, &kept)); /* beside another */
        assert_false(ruling_frees_reserve(&about, RULING_ACCEPTED, &told));
        assert_false(ruling_frees_reserve(&about, RULING_REVERSE, &kept));
        about.operation = OPERATION_PAYOUT;
        assert_false(ruling_frees_reserve(&about, RULING_ACCEPTED, &kept));
        assert_false(ruling_looks_again(&about, RULING_ACCEPTED));
        about.operation = OPERATION_AUTHORIZE;
        assert_int_equal(ruling_frees_reserve(&about, RULING_ACCEPTED, &kept), is_late);
        assert_int_equal(ruling_looks_again(&about, RULING_ACCEPTED), is_late);
        assert_false(ruling_looks_again(&about, RULING_REVERSE));
    }
}

static void a_final_attempt_hears_only_that_it_was_charged(void **state)
{
    (void)state;
    assert_true(ruling_is_said_before(ATTEMPT_APPROVED, OUTCOME_APPROVED));
    assert_true(ruling_is_said_before(ATTEMPT_FAILED, OUTCOME_FAILED));
    assert_false(ruling_is_said_before(ATTEMPT_FAILED, OUTCOME_APPROVED));
    assert_false(ruling_is_said_before(ATTEMPT_UNKNOWN, OUTCOME_FAILED));
    assert_false(ruling_is_said_before(ATTEMPT_PENDING, OUTCOME_APPROVED));
}

static void a_reversal_is_tried_again_only_when_it_surely_failed(void **state)
{
    (void)state;
    for (int status = PAYMENT_NONE; status < PAYMENT_STATUS_COUNT; status++) {
        enum reversal_step first = ruling_reversal((enum payment_status)status, 0, 3);
        enum reversal_step last = ruling_reversal((enum payment_status)status, 2, 3);
        bool has_failed =
            status == PAYMENT_FAILED || status == PAYMENT_DECLINED || status == PAYMENT_CANCELED;
        if (has_failed) {
            assert_int_equal(first, REVERSAL_AGAIN);
            assert_int_equal(last, REVERSAL_GIVE_UP);
            continue;
        }
        assert_int_equal(first, status == PAYMENT_SUCCEEDED ? REVERSAL_DONE : REVERSAL_WAIT);
        assert_int_equal(last, first);
    }
}

/* t: told to be approved; a: approved by an answer; d: it differs; u: it says nothing. */
static void another_amount_is_known_to_whom_it_was_shown(void **state)
{
    (void)state;
    const struct {
        const char *rows;
        bool is_known;
    } cases[] = {
        {"", false},   {"d", false},  {"ut", false}, {"a", false},  {"da", false},  {"dt", true},
        {"dut", true}, {"utd", true}, {"uad", true}, {"dad", true}, {"ddu", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ruling_mismatch mismatch = {0};
        for (const char *at = cases[i].rows; *at != '\0'; at++)
            ruling_mismatch_add(&mismatch,
                                *at == 't' || *at == 'a' ? OUTCOME_APPROVED : OUTCOME_UNKNOWN,
                                *at == 't', *at == 'd');
        assert_int_equal(mismatch.is_known, cases[i].is_known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_open_cases_hear_an_answer_that_fits),
        cmocka_unit_test(each_kind_of_case_takes_its_own_answers),
        cmocka_unit_test(what_the_books_have_is_not_told_again),
        cmocka_unit_test(a_reserve_is_free_only_where_the_charge_is_accepted),
        cmocka_unit_test(a_final_attempt_hears_only_that_it_was_charged),
        cmocka_unit_test(another_amount_is_known_to_whom_it_was_shown),
        cmocka_unit_test(a_reversal_is_tried_again_only_when_it_surely_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
