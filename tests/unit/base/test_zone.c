/*
 * test_zone.c - walls in time zones, against the C library's own reading of the same database.
 */
#include "base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h> /* after ours: it defines fail() */

static const char *const names[] = {
    "UTC",          "Europe/Berlin",  "Europe/London",     "Europe/Dublin",   "America/New_York",
    "Asia/Kolkata", "Asia/Kathmandu", "Australia/Sydney",  "America/Nuuk",    "Africa/Casablanca",
    "Asia/Gaza",    "Pacific/Apia",   "America/Sao_Paulo", "Asia/Tehran",     "Pacific/Chatham",
    "Etc/GMT+5",    "Asia/Tokyo",     "America/Havana",    "Africa/El_Aaiun", "Antarctica/Troll",
};

static void walls_are_those_of_the_c_library(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 8 << 20);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct error err = {.text = ""};
        const struct zone *zone = zone_load(str_of(names[i]), &arena, &err);
        assert_non_null(zone);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at_s = -2000000000; at_s < INT64_C(4500000000); at_s += 1234567) {
            time_t at = (time_t)at_s;
            struct tm expected;
            assert_non_null(localtime_r(&at, &expected));
            struct zone_moment moment;
            zone_read(zone, at_s * 1000000 + 999999, &moment);
            bool is_same = moment.year == expected.tm_year + 1900 &&
                           moment.month == expected.tm_mon + 1 && moment.day == expected.tm_mday &&
                           moment.weekday == (expected.tm_wday == 0 ? 7 : expected.tm_wday) &&
                           moment.minute == expected.tm_hour * 60 + expected.tm_min;
            if (!is_same)
                fail_msg("%s at %lld: %d-%d-%d %d weekday %d", names[i], (long long)at_s,
                         moment.year, moment.month, moment.day, moment.minute, moment.weekday);
        }
    }
    arena_release(&arena);
}

static void the_hour_of_a_switch_is_exact(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct error err = {.text = ""};
    const struct zone *berlin = zone_load(STR("Europe/Berlin"), &arena, &err);
    assert_non_null(berlin);
    /* 29 March 2026 and, by the footer, 31 March 2069: 01:00 UTC. */
    static const int64_t springs[] = {INT64_C(1774746000), INT64_C(3131917200)};
    for (size_t i = 0; i < ARRAY_LEN(springs); i++) {
        assert_int_equal(zone_offset_s(berlin, springs[i] - 1), 3600);
        assert_int_equal(zone_offset_s(berlin, springs[i]), 7200);
    }
    struct zone_moment moment;
    zone_read(NULL, 0, &moment);
    assert_int_equal(moment.year, 1970);
    assert_int_equal(moment.weekday, 4);
    arena_release(&arena);
}

static void what_is_no_zone_is_refused(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 8 << 20);
    static const char *const wrong[] = {
        "",       "Europe/Berlim", "Europe", "../../../etc/passwd", "/etc/passwd",
        "berlin", "Europe/../UTC", "A b",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct error err = {.text = ""};
        assert_null(zone_load(str_of(wrong[i]), &arena, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
    arena_release(&arena);
}

static void cut_and_changed_files_are_refused_or_read(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 256 << 20);
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Dublin", "rb");
    assert_non_null(file);
    static char bytes[ZONE_FILE_BYTES_MAX];
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    struct error err = {.text = ""};
    for (size_t cut = 0; cut < len; cut++) { /* no cut file is a whole one */
        char *copy = malloc(cut + 1);
        memcpy(copy, bytes, cut);
        assert_null(zone_parse((struct str){copy, cut}, &arena, &err));
        free(copy);
    }
    for (size_t at = 0; at < len; at++) { /* whatever it says: no crash, an answer */
        char *copy = malloc(len);
        memcpy(copy, bytes, len);
        copy[at] = (char)(copy[at] ^ 0x55);
        const struct zone *zone = zone_parse((struct str){copy, len}, &arena, &err);
        struct zone_moment moment;
        if (zone != NULL)
            zone_read(zone, INT64_C(4000000000000000), &moment);
        free(copy);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walls_are_those_of_the_c_library),
        cmocka_unit_test(the_hour_of_a_switch_is_exact),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(cut_and_changed_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
