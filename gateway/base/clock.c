#include "base/clock.h"

#include <time.h>

#define DAY_SECONDS INT64_C(86400)
/* 0000-01-01T00:00:00Z and the last microsecond of 9999: what four digits of year can show. */
#define WALL_FIRST_US (INT64_C(-62167219200) * CLOCK_SECOND_US)
#define WALL_LAST_US  (INT64_C(253402300800) * CLOCK_SECOND_US - 1)

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * CLOCK_SECOND_US + now.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *month = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static char *put_digits(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

static struct str format(int64_t wall_us, int fraction_digits, char out[CLOCK_TEXT_SIZE])
{
    if (wall_us < WALL_FIRST_US)
        wall_us = WALL_FIRST_US;
    if (wall_us > WALL_LAST_US)
        wall_us = WALL_LAST_US;
    int64_t since_first = wall_us - WALL_FIRST_US; /* never negative, so that division floors */
    int64_t fraction_us = since_first % CLOCK_SECOND_US;
    int64_t seconds = since_first / CLOCK_SECOND_US;
    int64_t year, month, day;
    date_of(seconds / DAY_SECONDS + WALL_FIRST_US / CLOCK_SECOND_US / DAY_SECONDS, &year, &month,
            &day);
    int64_t second_of_day = seconds % DAY_SECONDS;
    char *at = put_digits(out, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, second_of_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, second_of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, second_of_day % 60, 2);
    *at++ = '.';
    at = put_digits(at, fraction_digits == 3 ? fraction_us / 1000 : fraction_us, fraction_digits);
    *at++ = 'Z';
    *at = '\0';
    return (struct str){out, (size_t)(at - out)};
}

struct str clock_format_ms(int64_t wall_us, char out[CLOCK_TEXT_SIZE])
{
    return format(wall_us, 3, out);
}

struct str clock_format_us(int64_t wall_us, char out[CLOCK_TEXT_SIZE])
{
    return format(wall_us, 6, out);
}

static bool take_digits(struct str *rest, size_t count, int64_t *out)
{
    if (rest->len < count)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = rest->at[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *out = value;
    *rest = str_sub(*rest, count, SIZE_MAX);
    return true;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    *rest = str_sub(*rest, 1, SIZE_MAX);
    return true;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool take_date(struct str *rest, int64_t *days)
{
    static const int64_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;
    if (!take_digits(rest, 4, &year) || !take_char(rest, '-') || !take_digits(rest, 2, &month) ||
        !take_char(rest, '-') || !take_digits(rest, 2, &day))
        return false;
    if (month < 1 || month > 12)
        return false;
    int64_t last = month_days[month - 1] + (month == 2 && is_leap(year));
    if (day < 1 || day > last)
        return false;
    *days = days_of(year, month, day);
    return true;
}

/* A fraction has any number of digits; what is finer than a microsecond is cut off. */
static bool take_fraction(struct str *rest, int64_t *fraction_us)
{
    *fraction_us = 0;
    if (!take_char(rest, '.'))
        return true;
    int64_t unit = CLOCK_SECOND_US / 10;
    int64_t digit;
    size_t count = 0;
    for (; take_digits(rest, 1, &digit); count++) {
        *fraction_us += digit * unit;
        unit /= 10;
    }
    return count > 0;
}

static bool take_offset(struct str *rest, int64_t *offset_seconds)
{
    *offset_seconds = 0;
    if (take_char(rest, 'Z') || take_char(rest, 'z'))
        return true;
    bool west = take_char(rest, '-');
    if (!west && !take_char(rest, '+'))
        return false;
    int64_t hours, minutes;
    if (!take_digits(rest, 2, &hours) || !take_char(rest, ':') || !take_digits(rest, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* RFC 3339 section 5.7: second 60 exists only at the end of a UTC month. It counts as the next
 * second. */
static bool may_be_leap_second(int64_t minute_start)
{
    int64_t after = minute_start + 60;
    int64_t year, month, day;
    if (after % DAY_SECONDS != 0)
        return false;
    date_of(after / DAY_SECONDS, &year, &month, &day);
    return day == 1;
}

bool clock_parse(struct str text, int64_t *wall_us, struct error *err)
{
    struct str rest = text;
    int64_t days;
    if (!take_date(&rest, &days))
        goto malformed;
    int64_t seconds = days * DAY_SECONDS;
    int64_t fraction_us = 0;
    if (rest.len > 0) {
        int64_t hour, minute, second, offset_seconds;
        if (!take_char(&rest, 'T') && !take_char(&rest, 't'))
            goto malformed;
        if (!take_digits(&rest, 2, &hour) || !take_char(&rest, ':') ||
            !take_digits(&rest, 2, &minute) || !take_char(&rest, ':') ||
            !take_digits(&rest, 2, &second) || !take_fraction(&rest, &fraction_us) ||
            !take_offset(&rest, &offset_seconds) || rest.len > 0)
            goto malformed;
        if (hour > 23 || minute > 59 || second > 60)
            goto malformed;
        seconds += hour * 3600 + minute * 60 - offset_seconds;
        if (second == 60 && !may_be_leap_second(seconds))
            goto malformed;
        seconds += second;
    }
    *wall_us = seconds * CLOCK_SECOND_US + fraction_us;
    return true;
malformed:
    text = str_sub(text, 0, 40);
    return fail(err, ERROR_INVALID,
                "cannot read time \"" STR_FMT "\": not an RFC 3339 date or date-time",
                STR_ARG(text));
}

bool clock_parse_back(struct str text, int64_t now_us, int64_t *wall_us, struct error *err)
{
    int64_t count = 0;
    char unit = text.len > 1 ? text.at[text.len - 1] : '\0';
    int64_t unit_s = unit == 'd' ? DAY_SECONDS : unit == 'h' ? 3600 : unit == 'm' ? 60 : 0;
    if (unit_s == 0)
        return clock_parse(text, wall_us, err);
    if (!str_to_int64(str_sub(text, 0, text.len - 1), &count) || count < 0 || count > 100000)
        return fail(err, ERROR_INVALID, "cannot read time: not so long ago as 30d, 12h or 5m");
    *wall_us = now_us - count * unit_s * CLOCK_SECOND_US;
    return true;
}
