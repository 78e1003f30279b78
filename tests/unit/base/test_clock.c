#include "base/clock.h"
#include "base/rng.h"
#include "helpers.h"

#define WALL_FIRST_US (INT64_C(-62167219200) * CLOCK_SECOND_US)
#define WALL_LAST_US  (INT64_C(253402300800) * CLOCK_SECOND_US - 1)

static void known_times_are_formatted(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_us;
        const char *ms;
        const char *us;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999999Z"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000Z", "2000-02-29T00:00:00.000000Z"},
        {INT64_C(1795256130123456), "2026-11-21T10:15:30.123Z", "2026-11-21T10:15:30.123456Z"},
        {INT64_C(4107542400000000), "2100-03-01T00:00:00.000Z", "2100-03-01T00:00:00.000000Z"},
        {WALL_FIRST_US, "0000-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000000Z"},
        {WALL_LAST_US, "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999999Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999999Z"},
    };
    char out[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_str(clock_format_ms(cases[i].wall_us, out), cases[i].ms);
        assert_str(clock_format_us(cases[i].wall_us, out), cases[i].us);
        assert_string_equal(out, cases[i].us);
    }
}

static void accepted_forms_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t wall_us;
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.000000999999Z", 0},
        {"1970-01-01T00:00:00.0000019Z", 1},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"1970-01-01T01:30:00+01:30", 0},
        {"1969-12-31T18:00:00-06:00", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T23:59:00+23:59", 0},
        {"2000-02-29", INT64_C(951782400000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
        {"2016-12-31T15:59:60-08:00", INT64_C(1483228800000000)},
        {"2026-11-21T10:15:30.123Z", INT64_C(1795256130123000)},
        {"0000-01-01T00:00:00Z", WALL_FIRST_US},
        {"9999-12-31T23:59:59.999999Z", WALL_LAST_US},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        int64_t wall_us = 4711;
        if (!clock_parse(str_of(cases[i].text), &wall_us, &err))
            fail_test("%s: %s", cases[i].text, err.text);
        if (wall_us != cases[i].wall_us)
            fail_test("%s: %lld", cases[i].text, (long long)wall_us);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11",
        "2026-11-21T",
        "2026-11-21 10:15:30Z",
        "2026-11-21T10:15Z",
        "2026-11-21T10:15:30",
        "2026-11-21T10:15:30.Z",
        "2026-11-21T10:15:30,5Z",
        "2026-11-21T10:15:30Zx",
        "2026-11-21Z",
        "2026-11-21T10:15:30+01",
        "2026-11-21T10:15:30+0100",
        "2026-11-21T10:15:30+24:00",
        "2026-11-21T10:15:30+01:60",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:15:60Z",
        "2026-11-30T22:59:60Z",
        "2026-11-21T23:59:60Z",
        "2026-11-30T23:59:61Z",
        "2026-00-21",
        "2026-13-21",
        "2026-11-00",
        "2026-11-31",
        "2026-02-29",
        "1900-02-29",
        "2026-1-21",
        "+2026-11-21",
        "-026-11-21",
        "20261121",
        "12026-11-21",
        "2026-11-21T10:15:30.1-",
        "1795256130",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err;
        int64_t wall_us;
        if (clock_parse(str_of(cases[i]), &wall_us, &err))
            fail_test("accepted: %s", cases[i]);
        assert_int_equal(err.code, ERROR_INVALID);
    }
    struct error err;
    int64_t wall_us;
    assert_false(clock_parse(STR("1970-01-01\0"), &wall_us, &err));
    assert_false(clock_parse(STR_NONE, &wall_us, &err));
}

static void every_day_of_ten_thousand_years_comes_back(void **state)
{
    (void)state;
    char before[CLOCK_TEXT_SIZE] = "";
    for (int64_t wall_us = WALL_FIRST_US; wall_us < WALL_LAST_US;
         wall_us += 86400 * CLOCK_SECOND_US) {
        struct error err;
        char out[CLOCK_TEXT_SIZE];
        int64_t back = 0;
        assert_true(clock_parse(clock_format_us(wall_us, out), &back, &err));
        assert_true(back == wall_us);
        assert_true(strcmp(before, out) < 0);
        memcpy(before, out, sizeof(before));
    }
}

static void random_microseconds_come_back(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 17);
    for (int i = 0; i < 100000; i++) {
        struct error err;
        char out[CLOCK_TEXT_SIZE];
        int64_t back = 0;
        int64_t wall_us =
            WALL_FIRST_US + (int64_t)rng_below(&rng, (uint64_t)(WALL_LAST_US - WALL_FIRST_US));
        assert_true(clock_parse(clock_format_us(wall_us, out), &back, &err));
        assert_true(back == wall_us);
    }
}

static void clocks_run_forward(void **state)
{
    (void)state;
    int64_t before = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_wall_us() > INT64_C(1600000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_are_formatted),
        cmocka_unit_test(accepted_forms_are_read),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(every_day_of_ten_thousand_years_comes_back),
        cmocka_unit_test(random_microseconds_come_back),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
