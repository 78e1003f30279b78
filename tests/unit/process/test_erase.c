/* turnpike erase: what was asked for wrongly is refused, and the remedy named, before anything is touched. */
#include "process/command_erase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* after ours: its macro fail() would hide our function */

enum {
    ARGUMENT_MAX = 24,
};

#define MERCHANT "--merchant=mer_01M83HEAKKE1BTKKZM9DVAN597"
#define PAYMENT  "--payment=pay_01M83HEAKKE1BTKKZM9DVAN597"

/* The arguments of a line, cut at two spaces. */
static bool take(const char *line, struct erase_ask *ask, int *left, struct error *err)
{
    static char text[4096];
    char *argv[ARGUMENT_MAX] = {text};
    int argc = 0;
    (void)snprintf(text, sizeof(text), "%s", line);
    for (char *at = text; at != NULL;) {
        argv[argc++] = at;
        assert_true(argc < ARGUMENT_MAX);
        at = strstr(at, "  ");
        if (at != NULL) {
            *at = '\0';
            at += 2;
        }
    }
    argv[argc] = NULL;
    err->text[0] = '\0';
    bool ok = erase_take(&argc, argv, ask, err);
    *left = argc;
    return ok;
}

static void what_is_missing_or_wrong_is_named_with_its_remedy(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *remedy;
    } cases[] = {
        {"erase", "--merchant ID"},
        {"erase  " PAYMENT "  --reason=why  --by=me", "--merchant ID"},
        {"erase  --merchant=pay_1  " PAYMENT "  --reason=why  --by=me", "begin with mer_"},
        {"erase  " MERCHANT "  --reason=why  --by=me", "--payment ID, --payout ID"},
        {"erase  " MERCHANT "  " PAYMENT "  --customer=a  --reason=why  --by=me", "name one thing"},
        {"erase  " MERCHANT "  --payment=pyt_01M83HEAKKE1BTKKZM9DVAN597  --reason=why  --by=me",
         "begin with pay_"},
        {"erase  " MERCHANT "  --payout=pay_01M83HEAKKE1BTKKZM9DVAN597  --reason=why  --by=me",
         "begin with pyt_"},
        {"erase  " MERCHANT "  --customer=  --reason=why  --by=me", "1 to 254"},
        {"erase  " MERCHANT "  --reference=  --reason=why  --by=me", "1 to 254"},
        {"erase  " MERCHANT "  " PAYMENT "  --by=me", "--reason TEXT"},
        {"erase  " MERCHANT "  " PAYMENT "  --reason=ab  --by=me", "3 to 2000"},
        {"erase  " MERCHANT "  " PAYMENT "  --reason=why", "--by NAME"},
        {"erase  " MERCHANT "  --customer=ada@x.org  --reason=from ada@x.org  --by=me",
         "do not write the customer into them"},
        {"erase  " MERCHANT "  --customer=ada@x.org  --reason=why  --by=ada@x.org",
         "do not write the customer into them"},
        {"erase  --list  --again=file", "exclude each other"},
        {"erase  --again=file  " MERCHANT, "from its file"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct erase_ask ask;
        struct error err;
        int left = 0;
        assert_false(take(cases[i].line, &ask, &left, &err));
        if (strstr(err.text, cases[i].remedy) == NULL)
            fail_msg("%s: %s", cases[i].line, err.text);
    }
}

static void what_is_asked_for_is_understood(void **state)
{
    (void)state;
    struct erase_ask ask;
    struct error err;
    int left = 0;
    assert_true(take("erase  " MERCHANT "  --customer=ada@x.org  --reason=ticket 1  --by=jane"
                     "  --dry-run",
                     &ask, &left, &err));
    assert_int_equal(ask.what, ERASE_NAMED);
    assert_string_equal(ask.named, "customer");
    assert_string_equal(ask.value, "ada@x.org");
    assert_true(ask.is_dry);
    assert_int_equal(left, 1);
    assert_true(take("erase  --list  --json", &ask, &left, &err));
    assert_int_equal(ask.what, ERASE_LIST);
    assert_true(ask.is_json && uuid_is_zero(&ask.merchant_id));
    assert_true(take("erase  --again=file  --database=dbname=x", &ask, &left, &err));
    assert_int_equal(ask.what, ERASE_AGAIN);
    assert_string_equal(ask.database, "dbname=x");
    assert_true(take("erase  --list  --payment=x", &ask, &left, &err));
    assert_int_equal(left, 2); /* what nobody took: command_done names it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_or_wrong_is_named_with_its_remedy),
        cmocka_unit_test(what_is_asked_for_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
