#include "base/money.h"
#include "base/rng.h"
#include "helpers.h"
#include "iso_4217.h"

__extension__ typedef __int128 int128;

static void table_is_sorted_and_without_doubles(void **state)
{
    (void)state;
    size_t count;
    const struct currency *all = currency_all(&count);
    assert_in_range(count, 150, 190);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(all[i].code), 3);
        assert_ptr_equal(currency_find(str_of(all[i].code)), &all[i]);
        assert_int_equal(currency_index(&all[i]), i);
        if (i > 0)
            assert_true(strcmp(all[i - 1].code, all[i].code) < 0);
    }
}

static void numbers_are_those_of_iso_4217(void **state)
{
    (void)state;
    size_t count;
    (void)currency_all(&count);
    assert_int_equal(count, ARRAY_LEN(iso_4217));
    for (size_t i = 0; i < ARRAY_LEN(iso_4217); i++) {
        const struct currency *currency = currency_find(str_of(iso_4217[i].code));
        if (currency == NULL || currency->number != iso_4217[i].number)
            fail_test("%s is not %d", iso_4217[i].code, iso_4217[i].number);
    }
}

static size_t count_exponent(unsigned exponent)
{
    size_t count, found = 0;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++)
        found += all[i].exponent == exponent;
    return found;
}

static void exponents_are_those_of_iso_4217(void **state)
{
    (void)state;
    static const char *const none[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                       "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                       "VND", "VUV", "XAF", "XOF", "XPF"};
    static const char *const three[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
    static const char *const four[] = {"CLF", "UYW"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(currency_find(str_of(none[i]))->exponent, 0);
    for (size_t i = 0; i < ARRAY_LEN(three); i++)
        assert_int_equal(currency_find(str_of(three[i]))->exponent, 3);
    for (size_t i = 0; i < ARRAY_LEN(four); i++)
        assert_int_equal(currency_find(str_of(four[i]))->exponent, 4);
    size_t count;
    (void)currency_all(&count);
    assert_int_equal(count_exponent(0), ARRAY_LEN(none));
    assert_int_equal(count_exponent(3), ARRAY_LEN(three));
    assert_int_equal(count_exponent(4), ARRAY_LEN(four));
    assert_int_equal(count_exponent(2),
                     count - ARRAY_LEN(none) - ARRAY_LEN(three) - ARRAY_LEN(four));
    assert_int_equal(currency_find(STR("EUR"))->number, 978);
    assert_int_equal(currency_find(STR("USD"))->number, 840);
}

static void recent_changes_are_in(void **state)
{
    (void)state;
    static const char *const active[] = {"SLE", "VED", "VES", "ZWG", "XCG",
                                         "MRU", "STN", "BYN", "UYW", "XCD"};
    static const char *const refused[] = {"HRK", "SLL", "VEF", "ZWL", "ANG",  "MRO", "STD",
                                          "LTL", "XAU", "XAG", "XTS", "XXX",  "XDR", "XUA",
                                          "XSU", "XBA", "eur", "EU",  "EURO", "",    "E R"};
    for (size_t i = 0; i < ARRAY_LEN(active); i++)
        assert_non_null(currency_find(str_of(active[i])));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_null(currency_find(str_of(refused[i])));
    assert_null(currency_find(STR("EU\0")));
    assert_null(currency_find(STR_NONE));
}

static void sums_are_checked_at_the_edges(void **state)
{
    (void)state;
    int64_t out = 4711;
    assert_false(money_add(INT64_MAX, 1, &out));
    assert_false(money_add(INT64_MIN, -1, &out));
    assert_false(money_subtract(INT64_MIN, 1, &out));
    assert_false(money_subtract(0, INT64_MIN, &out));
    assert_false(money_subtract(INT64_MAX, -1, &out));
    assert_true(out == 4711);
    assert_true(money_add(INT64_MAX, INT64_MIN, &out));
    assert_true(out == -1);
    assert_true(money_subtract(-1, INT64_MIN, &out));
    assert_true(out == INT64_MAX);
    int64_t sum = 0;
    for (int i = 0; i < 9000; i++)
        assert_true(money_add(sum, MONEY_AMOUNT_MAX, &sum));
}

static void every_mode_rounds_as_it_says_on_both_sides_of_zero(void **state)
{
    (void)state;
    static const struct {
        int64_t amount, numerator, denominator;
        int64_t half_even, half_up, up, down;
    } cases[] = {
        {0, 5, 10, 0, 0, 0, 0},     {1, 5, 10, 0, 1, 1, 0},             /* 0.5 */
        {3, 5, 10, 2, 2, 2, 1},                                         /* 1.5 */
        {5, 5, 10, 2, 3, 3, 2},                                         /* 2.5 */
        {7, 5, 10, 4, 4, 4, 3},                                         /* 3.5 */
        {1, 49, 100, 0, 0, 1, 0},                                       /* 0.49 */
        {1, 51, 100, 1, 1, 1, 0},                                       /* 0.51 */
        {1, 1, 3, 0, 0, 1, 0},                                          /* 0.33 */
        {2, 1, 3, 1, 1, 1, 0},                                          /* 0.67 */
        {10, 1, 1, 10, 10, 10, 10}, {1099, 349, 10000, 38, 38, 39, 38}, /* 38.3551 */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const int64_t expected[] = {
            [MONEY_HALF_EVEN] = cases[i].half_even,
            [MONEY_HALF_UP] = cases[i].half_up,
            [MONEY_UP] = cases[i].up,
            [MONEY_DOWN] = cases[i].down,
        };
        for (int mode = MONEY_HALF_EVEN; mode <= MONEY_DOWN; mode++) {
            for (int signs = 0; signs < 8; signs++) {
                int64_t a = signs & 1 ? -cases[i].amount : cases[i].amount;
                int64_t n = signs & 2 ? -cases[i].numerator : cases[i].numerator;
                int64_t d = signs & 4 ? -cases[i].denominator : cases[i].denominator;
                bool negative = __builtin_popcount((unsigned)signs) % 2 == 1;
                int64_t out = 4711;
                assert_true(money_scale(a, n, d, (enum money_rounding)mode, &out));
                if (out != (negative ? -expected[mode] : expected[mode]))
                    fail_test("case %zu mode %d signs %d: %lld", i, mode, signs, (long long)out);
            }
        }
    }
}

static void scaling_refuses_what_leaves_int64(void **state)
{
    (void)state;
    int64_t out = 4711;
    assert_false(money_scale(INT64_MAX, 2, 1, MONEY_DOWN, &out));
    assert_false(money_scale(INT64_MIN, -1, 1, MONEY_DOWN, &out));
    assert_false(money_scale(INT64_MIN, 1, -1, MONEY_DOWN, &out));
    assert_false(money_scale(INT64_MIN, INT64_MIN, 1, MONEY_DOWN, &out));
    assert_true(out == 4711);
    assert_true(money_scale(INT64_MIN, 1, 1, MONEY_UP, &out));
    assert_true(out == INT64_MIN);
    assert_true(money_scale(INT64_MIN, INT64_MIN, INT64_MIN, MONEY_UP, &out));
    assert_true(out == INT64_MIN);
    assert_true(money_scale(INT64_MAX, INT64_MAX, INT64_MAX, MONEY_HALF_EVEN, &out));
    assert_true(out == INT64_MAX);
    assert_true(money_scale(INT64_MAX, 1, INT64_MIN, MONEY_UP, &out));
    assert_true(out == -1);
    assert_true(money_scale(INT64_MAX, 1, INT64_MIN, MONEY_DOWN, &out));
    assert_true(out == 0);
    /* Beyond the last value by a third, and by half a unit. */
    assert_false(money_scale(INT64_MAX, 4, 3, MONEY_HALF_UP, &out));
    assert_false(money_scale(INT64_MAX, INT64_MAX - 1, INT64_MAX - 2, MONEY_UP, &out));
}

static void rounded_parts_stay_within_one_unit(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 20260101);
    for (int i = 0; i < 300000; i++) {
        int64_t amount = (int64_t)rng_below(&rng, (uint64_t)MONEY_AMOUNT_MAX);
        int64_t denominator = 1 + (int64_t)rng_below(&rng, 1000000);
        int64_t numerator = (int64_t)rng_below(&rng, (uint64_t)denominator + 1);
        int64_t down, up, even, rest;
        if (i % 2 == 1)
            amount = -amount;
        assert_true(money_scale(amount, numerator, denominator, MONEY_DOWN, &down));
        assert_true(money_scale(amount, numerator, denominator, MONEY_UP, &up));
        assert_true(money_scale(amount, numerator, denominator, MONEY_HALF_EVEN, &even));
        assert_true(even == down || even == up);
        assert_true(up - down == 0 || up - down == (amount < 0 ? -1 : 1));
        int128 error = (int128)even * denominator - (int128)amount * numerator;
        assert_true(2 * error <= denominator && -2 * error <= denominator);
        /* A part and what is left of the whole, half even: the halves agree, nothing is made or
         * lost. */
        assert_true(
            money_scale(amount, denominator - numerator, denominator, MONEY_HALF_EVEN, &rest));
        assert_true(even + rest - amount <= 1 && amount - even - rest <= 1);
    }
}

static void amounts_are_formatted_with_exact_digits(void **state)
{
    (void)state;
    static const struct {
        int64_t minor;
        unsigned digits;
        const char *text;
    } cases[] = {
        {1099, 2, "10.99"},
        {5, 3, "0.005"},
        {0, 0, "0"},
        {0, 2, "0.00"},
        {-1, 2, "-0.01"},
        {-100, 2, "-1.00"},
        {1000, 0, "1000"},
        {12345, 4, "1.2345"},
        {INT64_MAX, 0, "9223372036854775807"},
        {INT64_MIN, 0, "-9223372036854775808"},
        {INT64_MIN, 2, "-92233720368547758.08"},
        {INT64_MIN, 18, "-9.223372036854775808"},
        {1, 18, "0.000000000000000001"},
    };
    char out[MONEY_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_str(money_format(cases[i].minor, cases[i].digits, out), cases[i].text);
        assert_string_equal(out, cases[i].text);
    }
}

static void decimal_strings_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned digits;
        bool is_valid;
        int64_t minor;
    } cases[] = {
        {"10.99", 2, true, 1099},
        {"10.9", 2, true, 1090},
        {"10", 2, true, 1000},
        {"-0.01", 2, true, -1},
        {"0010.00", 2, true, 1000},
        {"1000", 0, true, 1000},
        {"9223372036854775807", 0, true, INT64_MAX},
        {"-9223372036854775808", 0, true, INT64_MIN},
        {"92233720368547758.07", 2, true, INT64_MAX},
        {"-92233720368547758.08", 2, true, INT64_MIN},
        {"92233720368547758.08", 2, false, 0},
        {"9223372036854775808", 0, false, 0},
        {"92233720368547759", 2, false, 0},
        {"99999999999999999999999999", 2, false, 0},
        {"10.999", 2, false, 0},
        {"10.990", 2, false, 0},
        {"10.0", 0, false, 0},
        {"10.", 2, false, 0},
        {"10.", 0, false, 0},
        {".99", 2, false, 0},
        {".", 2, false, 0},
        {"", 2, false, 0},
        {"-", 2, false, 0},
        {"-.5", 2, false, 0},
        {"+1", 2, false, 0},
        {" 1", 2, false, 0},
        {"1 ", 2, false, 0},
        {"1e2", 2, false, 0},
        {"1,00", 2, false, 0},
        {"1.0.0", 3, false, 0},
        {"1.-5", 2, false, 0},
        {"--1", 2, false, 0},
        {"0x1", 2, false, 0},
        {"NaN", 2, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = {0};
        int64_t minor = 4711;
        bool is_valid = money_parse(str_of(cases[i].text), cases[i].digits, &minor, &err);
        if (is_valid != cases[i].is_valid || minor != (is_valid ? cases[i].minor : 4711))
            fail_test("%s: %lld", cases[i].text, (long long)minor);
        assert_int_equal(err.code, is_valid ? ERROR_NONE : ERROR_INVALID);
    }
}

static void every_currency_round_trips_through_text(void **state)
{
    (void)state;
    static const int64_t edges[] = {0,
                                    1,
                                    9,
                                    10,
                                    99,
                                    100,
                                    101,
                                    999,
                                    1000,
                                    9999,
                                    10000,
                                    INT32_MAX,
                                    MONEY_AMOUNT_MAX,
                                    INT64_MAX,
                                    INT64_MIN};
    size_t count;
    const struct currency *all = currency_all(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(edges); k++) {
            struct error err;
            char out[MONEY_TEXT_SIZE];
            int64_t back = 4711;
            struct str text = money_format(edges[k], all[i].exponent, out);
            assert_true(money_parse(text, all[i].exponent, &back, &err));
            assert_true(back == edges[k]);
        }
    }
}

static void divide_by_zero(void *ctx)
{
    if (!money_scale(1, 1, 0, MONEY_DOWN, ctx))
        _exit(1);
}

static void dividing_by_zero_is_a_bug(void **state)
{
    (void)state;
    int64_t out;
    assert_true(aborts(divide_by_zero, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sorted_and_without_doubles),
        cmocka_unit_test(numbers_are_those_of_iso_4217),
        cmocka_unit_test(exponents_are_those_of_iso_4217),
        cmocka_unit_test(recent_changes_are_in),
        cmocka_unit_test(sums_are_checked_at_the_edges),
        cmocka_unit_test(every_mode_rounds_as_it_says_on_both_sides_of_zero),
        cmocka_unit_test(scaling_refuses_what_leaves_int64),
        cmocka_unit_test(rounded_parts_stay_within_one_unit),
        cmocka_unit_test(amounts_are_formatted_with_exact_digits),
        cmocka_unit_test(decimal_strings_are_read_strictly),
        cmocka_unit_test(every_currency_round_trips_through_text),
        cmocka_unit_test(dividing_by_zero_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
