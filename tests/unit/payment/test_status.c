#include "payment/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
/* The drawings of docs/payments.md, written a second time: every pair. Letters: none, Processing,
   requires Action, aUthorized, Succeeded, Declined, Failed, Canceled, Review, unclaimed (L), returned (B). */
static const char letters[PAYMENT_STATUS_COUNT + 1] = "-PAUSDFCRLB";
static const char *const expected[STATUS_KIND_COUNT][PAYMENT_STATUS_COUNT] = {
    [STATUS_OF_PAYMENT] = {
        [PAYMENT_NONE] = "P", [PAYMENT_PROCESSING] = "PAUSDFCR", [PAYMENT_REQUIRES_ACTION] = "APUSDFCR",
        [PAYMENT_AUTHORIZED] = "USC", [PAYMENT_SUCCEEDED] = "SC", [PAYMENT_DECLINED] = "D", [PAYMENT_FAILED] = "F",
        [PAYMENT_CANCELED] = "C", [PAYMENT_REVIEW] = "RUSDFC", [PAYMENT_UNCLAIMED] = "L", [PAYMENT_RETURNED] = "B",
    },
    [STATUS_OF_PAYOUT] = {
        [PAYMENT_NONE] = "P", [PAYMENT_PROCESSING] = "PLSDFCBR", [PAYMENT_REQUIRES_ACTION] = "A",
        [PAYMENT_AUTHORIZED] = "U", [PAYMENT_SUCCEEDED] = "S", [PAYMENT_DECLINED] = "D", [PAYMENT_FAILED] = "F",
        [PAYMENT_CANCELED] = "C", [PAYMENT_REVIEW] = "RSDFCB", [PAYMENT_UNCLAIMED] = "LPSDFCBR", [PAYMENT_RETURNED] = "B",
    },
    [STATUS_OF_OPERATION] = {
        [PAYMENT_NONE] = "P", [PAYMENT_PROCESSING] = "PSDFR", [PAYMENT_REQUIRES_ACTION] = "A",
        [PAYMENT_AUTHORIZED] = "U", [PAYMENT_SUCCEEDED] = "S", [PAYMENT_DECLINED] = "D", [PAYMENT_FAILED] = "F",
        [PAYMENT_CANCELED] = "C", [PAYMENT_REVIEW] = "RSDF", [PAYMENT_UNCLAIMED] = "L", [PAYMENT_RETURNED] = "B",
    },
};
/* clang-format on */

static void every_pair_is_as_it_is_drawn(void **state)
{
    (void)state;
    for (int kind = 0; kind < STATUS_KIND_COUNT; kind++) {
        for (int from = 0; from < PAYMENT_STATUS_COUNT; from++) {
            for (int to = 0; to < PAYMENT_STATUS_COUNT; to++) {
                bool wanted = strchr(expected[kind][from], letters[to]) != NULL;
                if (status_may_follow((enum status_kind)kind, (enum payment_status)from,
                                      (enum payment_status)to) != wanted)
                    fail_msg("kind %d: %s -> %s", kind,
                             payment_status_name((enum payment_status)from),
                             payment_status_name((enum payment_status)to));
            }
        }
    }
}

static void tables_say_each_thing_once_and_why(void **state)
{
    (void)state;
    for (int kind = 0; kind < STATUS_KIND_COUNT; kind++) {
        size_t count;
        const struct status_change *change = status_changes((enum status_kind)kind, &count);
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(change[i].from, change[i].to);
            assert_true(strlen(change[i].by) > 3);
            assert_null(strpbrk(change[i].by, ":;\n")); /* or it cannot be drawn */
            for (size_t j = 0; j < i; j++)
                assert_false(change[i].from == change[j].from && change[i].to == change[j].to);
        }
    }
}

/* What is told as final is left only by what is done to the payment afterwards. */
static void what_is_final_stays_but_for_what_was_held(void **state)
{
    (void)state;
    for (int kind = 0; kind < STATUS_KIND_COUNT; kind++) {
        size_t count;
        const struct status_change *change = status_changes((enum status_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            if (change[i].from != PAYMENT_NONE && payment_status_is_final(change[i].from))
                assert_true(
                    change[i].from == PAYMENT_AUTHORIZED ||
                    (change[i].from == PAYMENT_SUCCEEDED && change[i].to == PAYMENT_CANCELED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_as_it_is_drawn),
        cmocka_unit_test(tables_say_each_thing_once_and_why),
        cmocka_unit_test(what_is_final_stays_but_for_what_was_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
