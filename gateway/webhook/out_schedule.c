#include "webhook/out_schedule.h"

#include "base/clock.h"

#define HOUR_US (3600 * CLOCK_SECOND_US)

enum {
    JITTER_SHARE = 10, /* a tenth */
    PAUSE_MAX_H = 30 * 24,
    RESUME_S = 5, /* pause of an endpoint that is overloaded and does not say for how long */
};

static const struct {
    const char *name;
    int64_t us;
} units[] = {
    {"ms", CLOCK_MS_US},
    {"s", CLOCK_SECOND_US},
    {"m", 60 * CLOCK_SECOND_US},
    {"h", HOUR_US},
};

static bool parse_pause(struct str text, int64_t *us)
{
    size_t digits = 0;
    int64_t number = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    if (!str_to_int64(str_sub(text, 0, digits), &number) || number < 1 || number > 1000000)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eq(str_sub(text, digits, SIZE_MAX), str_of(units[i].name))) {
            *us = number * units[i].us;
            return *us <= PAUSE_MAX_H * HOUR_US;
        }
    }
    return false;
}

bool out_schedule_parse(struct str text, struct out_schedule *schedule, struct error *err)
{
    schedule->count = 0;
    while (text.len > 0) {
        struct str part = str_trim(str_cut(&text, ' '));
        if (part.len == 0)
            continue;
        if (schedule->count == OUT_PAUSE_MAX)
            return fail(err, ERROR_INVALID, "more than %d pauses", OUT_PAUSE_MAX);
        if (!parse_pause(part, &schedule->pause_us[schedule->count++]))
            return fail(err, ERROR_INVALID,
                        "\"" STR_FMT "\" is no pause like 500ms, 5s, 30m or 24h (30 days at most)",
                        STR_ARG(part));
    }
    return true;
}

int64_t out_schedule_total_us(const struct out_schedule *schedule)
{
    int64_t total = 0;
    for (size_t i = 0; i < schedule->count; i++)
        total += schedule->pause_us[i];
    return total;
}

int64_t out_schedule_pause_us(const struct out_schedule *schedule, int32_t number, uint32_t draw)
{
    CHECK(number >= 1);
    if ((size_t)number > schedule->count)
        return -1;
    int64_t pause = schedule->pause_us[number - 1];
    /* 30 days in microseconds times 2^32 would not fit: thousandths do. */
    return pause + pause / JITTER_SHARE / 1000 * (int64_t)((uint64_t)draw * 1001 >> 32);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_overloaded(int status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static const char *name_error(const struct out_answer *answer)
{
    if (answer->status == 0)
        return answer->error;
    return answer->status < 400 ? "redirect" : "status";
}

struct out_verdict out_judge(const struct out_schedule *schedule, int32_t number,
                             const struct out_answer *answer, int64_t now_us, uint32_t draw)
{
    struct out_verdict verdict = {.state = HOOK_DELIVERED, .error = ""};
    int64_t pause_us = out_schedule_pause_us(schedule, number, draw);
    if (answer->status >= 200 && answer->status < 300)
        return verdict;
    verdict.state = HOOK_FAILED;
    verdict.error = name_error(answer);
    verdict.is_gone = answer->status == 410;
    if (is_overloaded(answer->status))
        verdict.resume_us =
            now_us + (answer->retry_after_us > 0 ? least(answer->retry_after_us, HOUR_US)
                                                 : RESUME_S * CLOCK_SECOND_US);
    if (verdict.is_gone || pause_us < 0)
        return verdict;
    int64_t asked_us =
        is_overloaded(answer->status) ? least(answer->retry_after_us, 24 * HOUR_US) : 0;
    verdict.state = HOOK_WAITING;
    verdict.next_us = now_us + (asked_us > pause_us ? asked_us : pause_us);
    return verdict;
}
