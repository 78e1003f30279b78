#include "base/error.h"
#include "helpers.h"

static void fail_writes_code_and_text_and_returns_false(void **state)
{
    (void)state;
    struct error err = {0};
    assert_false(fail(&err, ERROR_CONFLICT, "cannot capture %s: already %s", "pay_1", "voided"));
    assert_int_equal(err.code, ERROR_CONFLICT);
    assert_string_equal(err.text, "cannot capture pay_1: already voided");
}

static void long_text_is_truncated_and_terminated(void **state)
{
    (void)state;
    struct error err;
    char text[1000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_false(fail(&err, ERROR_IO, "%s", text));
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_false(fail_prefix(&err, "%s", "reading"));
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_int_equal(memcmp(err.text, "reading: xxx", 12), 0);
    assert_false(fail_prefix(&err, "%s", text));
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

static void control_characters_are_replaced(void **state)
{
    (void)state;
    struct error err;
    assert_false(fail(&err, ERROR_INVALID, "a\r\n\tb\x1b[31m\x7f"));
    assert_string_equal(err.text, "a???b?[31m?");
}

static void text_of_an_error_may_be_quoted_into_itself(void **state)
{
    (void)state;
    struct error err;
    assert_false(fail(&err, ERROR_TIMEOUT, "no answer"));
    assert_false(fail(&err, ERROR_UNAVAILABLE, "cannot connect: %s", err.text));
    assert_string_equal(err.text, "cannot connect: no answer");
    assert_false(fail_prefix(&err, "worker %d", 3));
    assert_string_equal(err.text, "worker 3: cannot connect: no answer");
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void every_code_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < ERROR_COUNT; a++) {
        assert_non_null(error_code_name((enum error_code)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(error_code_name((enum error_code)a),
                                    error_code_name((enum error_code)b));
    }
    assert_string_equal(error_code_name(ERROR_NOT_FOUND), "not_found");
    assert_string_equal(error_code_name(ERROR_COUNT), "unknown");
}

static void break_a_check(void *ctx)
{
    CHECK(ctx != NULL);
}

static void failed_check_aborts(void **state)
{
    (void)state;
    int something = 0;
    assert_true(aborts(break_a_check, NULL));
    assert_false(aborts(break_a_check, &something));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_writes_code_and_text_and_returns_false),
        cmocka_unit_test(long_text_is_truncated_and_terminated),
        cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(text_of_an_error_may_be_quoted_into_itself),
        cmocka_unit_test(every_code_has_a_word_of_its_own),
        cmocka_unit_test(failed_check_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
