#include "process/report_period.h"

#include <stdio.h>

#include "base/clock.h"

#define HOUR_US (3600 * CLOCK_SECOND_US)
#define DAY_US  (24 * HOUR_US)
#define WEEK_US (7 * DAY_US)

enum {
    THURSDAY = 3, /* 1970 began with one: days after its Monday */
};

static const struct str names[REPORT_PERIOD_COUNT] = {
    [REPORT_HOUR] = STR_INIT("hour"),
    [REPORT_DAY] = STR_INIT("day"),
    [REPORT_WEEK] = STR_INIT("week"),
    [REPORT_MONTH] = STR_INIT("month"),
};

enum report_period report_period_find(struct str name)
{
    for (int i = REPORT_HOUR; i < REPORT_PERIOD_COUNT; i++) {
        if (str_eq(name, names[i]))
            return (enum report_period)i;
    }
    return REPORT_PERIOD_NONE;
}

struct str report_period_name(enum report_period period)
{
    CHECK(period > REPORT_PERIOD_NONE && period < REPORT_PERIOD_COUNT);
    return names[period];
}

static int64_t start_of(const char *day)
{
    int64_t us = 0;
    struct error err;
    CHECK(clock_parse(str_of(day), &us, &err));
    return us;
}

static int64_t month_of(int64_t us)
{
    char time[CLOCK_TEXT_SIZE];
    char first[CLOCK_TEXT_SIZE];
    (void)snprintf(first, sizeof(first), "%.7s-01", clock_format_ms(us, time).at);
    return start_of(first);
}

struct report_span report_span_of(enum report_period period, int64_t us)
{
    int64_t from = 0;
    CHECK(us >= 0);
    switch (period) {
    case REPORT_HOUR:
        return (struct report_span){us - us % HOUR_US, us - us % HOUR_US + HOUR_US};
    case REPORT_DAY:
        return (struct report_span){us - us % DAY_US, us - us % DAY_US + DAY_US};
    case REPORT_WEEK:
        from = us - (us + THURSDAY * DAY_US) % WEEK_US;
        return (struct report_span){from, from + WEEK_US};
    case REPORT_MONTH: /* 31 days after the first of a month is always in the next one */
        from = month_of(us);
        return (struct report_span){from, month_of(from + 31 * DAY_US)};
    case REPORT_PERIOD_NONE:
    case REPORT_PERIOD_COUNT:
        break;
    }
    CHECK(false);
    return (struct report_span){0, 0};
}

struct report_span report_span_next(enum report_period period, const struct report_span *span)
{
    return report_span_of(period, span->to_us);
}

struct report_span report_span_before(enum report_period period, const struct report_span *span)
{
    return report_span_of(period, span->from_us - 1);
}

/* A week belongs to the year of its Thursday (ISO 8601). */
static void label_week(int64_t monday_us, char out[REPORT_LABEL_SIZE])
{
    char time[CLOCK_TEXT_SIZE];
    char first[CLOCK_TEXT_SIZE];
    int64_t thursday_us = monday_us + THURSDAY * DAY_US;
    struct str day = clock_format_ms(thursday_us, time);
    (void)snprintf(first, sizeof(first), "%.4s-01-01", day.at);
    (void)snprintf(out, REPORT_LABEL_SIZE, "%.4s-W%02d", day.at,
                   (int)((thursday_us - start_of(first)) / WEEK_US) + 1);
}

struct str report_span_label(enum report_period period, const struct report_span *span,
                             char out[REPORT_LABEL_SIZE])
{
    static const int lengths[REPORT_PERIOD_COUNT] = {
        [REPORT_HOUR] = 13, [REPORT_DAY] = 10, [REPORT_MONTH] = 7};
    char time[CLOCK_TEXT_SIZE];
    if (period == REPORT_WEEK)
        label_week(span->from_us, out);
    else
        (void)snprintf(out, REPORT_LABEL_SIZE, "%.*s", lengths[period],
                       clock_format_ms(span->from_us, time).at);
    return str_of(out);
}
