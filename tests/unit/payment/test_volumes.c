/* Where a month begins and ends on a wall, over changes of the clock. */
#include "payment/volumes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "base/clock.h"

#include <cmocka.h>

static int64_t time_of(const char *text)
{
    struct error err = {.text = ""};
    int64_t wall_us = 0;
    if (!clock_parse(str_of(text), &wall_us, &err))
        fail_msg("%s: %s", text, err.text);
    return wall_us;
}

static void a_month_is_one_on_the_wall(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *zone, *at; bool is_previous; const char *from, *until; } rows[] = {
        { "UTC", "2026-11-22T12:00:00Z", false, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z" },
        { "UTC", "2026-11-22T12:00:00Z", true, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z" },
        { "UTC", "2026-12-31T23:59:59Z", false, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z" },
        { "UTC", "2027-01-01T00:00:00Z", true, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z" },
        { "UTC", "2028-03-01T00:00:00Z", true, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z" },
        { "Europe/Berlin", "2026-10-31T22:59:59Z", false, "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z" },
        { "Europe/Berlin", "2026-10-31T23:00:00Z", false, "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z" },
        { "Europe/Berlin", "2026-03-15T00:00:00Z", false, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z" },
        { "Europe/Berlin", "2026-04-01T00:00:00Z", true, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z" },
        { "America/New_York", "2026-11-22T12:00:00Z", false, "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z" },
        { "America/New_York", "2026-11-01T03:59:59Z", false, "2026-10-01T04:00:00Z", "2026-11-01T04:00:00Z" },
        { "Asia/Kolkata", "2026-11-30T18:29:59Z", false, "2026-10-31T18:30:00Z", "2026-11-30T18:30:00Z" },
        { "Pacific/Auckland", "2026-09-30T12:00:00Z", false, "2026-09-30T11:00:00Z", "2026-10-31T11:00:00Z" },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena;
        struct error err = {.text = ""};
        int64_t from_us = 0;
        int64_t until_us = 0;
        arena_init(&arena, 2 * ZONE_FILE_BYTES_MAX);
        const struct zone *zone = zone_load(str_of(rows[i].zone), &arena, &err);
        assert_non_null(zone);
        volumes_month(zone, time_of(rows[i].at), rows[i].is_previous, &from_us, &until_us);
        if (from_us != time_of(rows[i].from) || until_us != time_of(rows[i].until)) {
            char a[CLOCK_TEXT_SIZE];
            char b[CLOCK_TEXT_SIZE];
            fail_msg("%s %s: " STR_FMT " to " STR_FMT, rows[i].zone, rows[i].at,
                     STR_ARG(clock_format_ms(from_us, a)), STR_ARG(clock_format_ms(until_us, b)));
        }
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_is_one_on_the_wall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
