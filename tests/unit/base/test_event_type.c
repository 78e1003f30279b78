#include "base/event_type.h"

#include <stdio.h>

#include "base/terms.h"
#include "helpers.h"

static bool is_listed(const char *of, const char *what)
{
    char name[EVENT_TYPE_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s.%s", of, what);
    const struct event_type *type = event_type_find(str_of(name));
    if (type == NULL)
        print_message("%s is missing\n", name);
    return type != NULL;
}

/* Of payments no more than they can become; whatever the core says of a payout or an attempt. */
static void whatever_is_written_is_listed(void **state)
{
    (void)state;
    for (int i = PAYMENT_NONE + 1; i < PAYMENT_STATUS_COUNT; i++) {
        bool is_payout_only = i == PAYMENT_UNCLAIMED || i == PAYMENT_RETURNED;
        const char *status = payment_status_name((enum payment_status)i);
        assert_true(is_payout_only || is_listed("payment", status));
        assert_true(i == PAYMENT_AUTHORIZED || is_listed("payout", status));
    }
    static const char *const operations[] = {"capture", "void", "refund"};
    static const char *const statuses[] = {"processing", "succeeded", "declined", "failed",
                                           "review"};
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        for (size_t at = 0; at < ARRAY_LEN(statuses); at++)
            assert_true(is_listed(operations[i], statuses[at]));
    }
    for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
        assert_true(is_listed("attempt", outcome_name((enum outcome)i)));
}

static void names_are_found_once_and_short(void **state)
{
    (void)state;
    size_t count;
    const struct event_type *types = event_type_all(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(event_type_find(str_of(types[i].name)), &types[i]);
        assert_true(str_of(types[i].name).len < EVENT_TYPE_NAME_MAX);
        assert_true(types[i].meaning[0] != '\0');
    }
    assert_null(event_type_find(STR("payment.succeede")));
    assert_null(event_type_find(STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_written_is_listed),
        cmocka_unit_test(names_are_found_once_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
