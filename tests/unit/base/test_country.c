/* test_country.c - which two letters are a country. */
#include "helpers.h"

#include "base/country.h"

static void countries_are_the_assigned_ones(void **state UNUSED)
{
    static const char *const none[] = {"ZZ", "AA", "EU", "UK", "AN", "CS",  "SU", "TP", "QM",
                                       "XA", "XX", "de", "D",  "",   "DEU", "D1", "1D", "\303\244"};
    static const char *const some[] = {"DE", "US", "GB", "SS", "BQ", "CW",
                                       "SX", "AX", "ZW", "XK", "AD"};
    size_t count = 0;
    for (char a = 'A'; a <= 'Z'; a++) {
        for (char b = 'A'; b <= 'Z'; b++) {
            char code[2] = {a, b};
            count += country_is_known((struct str){code, 2});
        }
    }
    assert_int_equal(count, 249 + 1); /* ISO 3166-1, and XK */
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        if (country_is_known(str_of(none[i])))
            fail_test("%s is taken for a country", none[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(some); i++)
        assert_true(country_is_known(str_of(some[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(countries_are_the_assigned_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
