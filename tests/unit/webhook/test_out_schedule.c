/* When a webhook is sent again, and what an answer means. */
#include "webhook/out_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)
#define NOW       (INT64_C(1795000000) * SECOND_US)

static struct out_schedule schedule;

static int make_schedule(void **state)
{
    struct error err;
    (void)state;
    return out_schedule_parse(STR(OUT_SCHEDULE_DEFAULT), &schedule, &err) ? 0 : -1;
}

/* Whoever is away for 76 hours is tried once more after that, whatever the draws. */
static void the_published_schedule_outlives_76_hours(void **state)
{
    (void)state;
    static const int64_t seconds[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, 86400};
    assert_int_equal(schedule.count, ARRAY_LEN(seconds));
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++)
        assert_int_equal(schedule.pause_us[i], seconds[i] * SECOND_US);
    assert_int_equal(out_schedule_total_us(&schedule), 358505 * SECOND_US); /* 99:35:05 */
    assert_true(out_schedule_total_us(&schedule) > 76 * HOUR_US);
}

static void pauses_are_never_shorter_and_at_most_a_tenth_longer(void **state)
{
    (void)state;
    for (int32_t number = 1; number <= (int32_t)schedule.count; number++) {
        int64_t base = schedule.pause_us[number - 1];
        assert_int_equal(out_schedule_pause_us(&schedule, number, 0), base);
        assert_int_equal(out_schedule_pause_us(&schedule, number, UINT32_MAX), base + base / 10);
        int64_t middle = out_schedule_pause_us(&schedule, number, UINT32_MAX / 2);
        assert_true(middle > base && middle < base + base / 10);
    }
    assert_int_equal(out_schedule_pause_us(&schedule, (int32_t)schedule.count + 1, 0), -1);
    assert_int_equal(out_schedule_pause_us(&schedule, INT32_MAX, 0), -1);
}

static void schedules_are_read_or_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"5",
                                      "s",
                                      "5 s",
                                      "5d",
                                      "-5s",
                                      "0s",
                                      "5s,",
                                      "5s 5sm",
                                      "1000001s",
                                      "721h",
                                      "1.5h",
                                      "5S",
                                      "9999999999999999999s"};
    struct out_schedule parsed;
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (out_schedule_parse(str_of(bad[i]), &parsed, &err))
            fail_msg("%s is taken", bad[i]);
    }
    assert_true(out_schedule_parse(STR("  200ms 1s  2m 720h "), &parsed, &err));
    assert_int_equal(parsed.count, 4);
    assert_int_equal(parsed.pause_us[0], 200000);
    assert_int_equal(parsed.pause_us[2], 120 * SECOND_US);
    assert_true(out_schedule_parse(STR_NONE, &parsed, &err)); /* one try */
    assert_int_equal(parsed.count, 0);
    assert_int_equal(out_schedule_pause_us(&parsed, 1, 0), -1);
    assert_true(out_schedule_parse(
        STR("1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s"), &parsed, &err));
    assert_false(out_schedule_parse(
        STR("1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s"), &parsed, &err));
}

static struct out_verdict judge(int status, int64_t retry_after_us, int32_t number)
{
    struct out_answer answer = {
        .status = status, .error = "timeout", .retry_after_us = retry_after_us};
    return out_judge(&schedule, number, &answer, NOW, 0);
}

/* Every status, and no answer, at every try. */
static void only_2xx_is_delivered_and_only_410_disables(void **state)
{
    (void)state;
    const int32_t last = (int32_t)schedule.count + 1;
    for (int status = 0; status <= 999; status = status == 0 ? 200 : status + 1) {
        for (int32_t number = 1; number <= last + 1; number++) {
            struct out_verdict verdict = judge(status, 0, number);
            bool is_delivered = status >= 200 && status < 300;
            bool is_over = status == 410 || number >= last;
            enum hook_state want = is_delivered ? HOOK_DELIVERED
                                   : is_over    ? HOOK_FAILED
                                                : HOOK_WAITING;
            assert_int_equal(verdict.state, want);
            assert_int_equal(verdict.is_gone, status == 410);
            bool asks = status == 429 || status == 502 || status == 503 || status == 504;
            assert_int_equal(verdict.resume_us, asks ? NOW + 5 * SECOND_US : 0);
            if (want == HOOK_WAITING)
                assert_int_equal(verdict.next_us, NOW + schedule.pause_us[number - 1]);
            assert_string_equal(verdict.error, is_delivered   ? ""
                                               : status == 0  ? "timeout"
                                               : status < 400 ? "redirect"
                                                              : "status");
        }
    }
}

static void retry_after_is_honoured_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(judge(503, 20 * SECOND_US, 1).next_us, NOW + 20 * SECOND_US);
    assert_int_equal(judge(503, 20 * SECOND_US, 1).resume_us, NOW + 20 * SECOND_US);
    assert_int_equal(judge(429, 2 * SECOND_US, 1).next_us, NOW + 5 * SECOND_US);
    assert_int_equal(judge(429, 100 * HOUR_US, 1).next_us, NOW + 24 * HOUR_US);
    assert_int_equal(judge(429, 100 * HOUR_US, 1).resume_us, NOW + HOUR_US);
    assert_int_equal(judge(500, 100 * HOUR_US, 1).next_us, NOW + 5 * SECOND_US);
    assert_int_equal(judge(500, 100 * HOUR_US, 1).resume_us, 0);
    assert_int_equal(judge(429, HOUR_US, 11).state, HOOK_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_schedule_outlives_76_hours),
        cmocka_unit_test(pauses_are_never_shorter_and_at_most_a_tenth_longer),
        cmocka_unit_test(schedules_are_read_or_refused),
        cmocka_unit_test(only_2xx_is_delivered_and_only_410_disables),
        cmocka_unit_test(retry_after_is_honoured_within_bounds),
    };
    return cmocka_run_group_tests(tests, make_schedule, NULL);
}
