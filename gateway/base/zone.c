#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    DAY_S = 86400,
    HEADER_BYTES = 44,
    TIME_LIMIT_S = 167 * 3600, /* of a rule's time, RFC 9636 3.3.1 */
    TRANSITION_MAX = 4096,
    TYPE_MAX = 256,
};

enum switch_kind { SWITCH_NONE = 0, SWITCH_MONTH, SWITCH_JULIAN, SWITCH_DAY };

struct switching { /* one day a year */
    enum switch_kind kind;
    int month, week, weekday; /* SWITCH_MONTH: weekday 0 is Sunday, week 5 the last */
    int day;                  /* SWITCH_JULIAN 1 to 365, never 29 February; SWITCH_DAY 0 to 365 */
    int32_t at_s;             /* local time before the switch */
};

struct footer { /* after the last transition */
    bool is_given;
    int32_t standard_s;
    bool has_summer;
    int32_t summer_s;
    struct switching begins, ends;
};

struct zone {
    size_t count;
    const int64_t *at_s;     /* ascending */
    const int32_t *offset_s; /* from that transition on */
    int32_t first_s;         /* before the first */
    struct footer footer;
};

/* ---- the calendar ---------------------------------------------------------------------------- */

/* Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level
 * date algorithms"). */
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = years + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* 0 is Sunday. */
static int weekday_of(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* When it switches in `year`, in seconds of local time. */
static int64_t switch_at(const struct switching *at, int64_t year)
{
    int64_t days = days_of(year, 1, 1);
    if (at->kind == SWITCH_JULIAN)
        days += at->day - 1 + (is_leap(year) && at->day > 59);
    else if (at->kind == SWITCH_DAY)
        days += at->day;
    else {
        days = days_of(year, at->month, 1);
        int64_t next = at->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, at->month + 1, 1);
        days += (at->weekday - weekday_of(days) + 7) % 7 + 7 * (int64_t)(at->week - 1);
        while (days >= next)
            days -= 7;
    }
    return days * DAY_S + at->at_s;
}

static int32_t footer_offset(const struct footer *footer, int64_t at_s)
{
    if (!footer->has_summer)
        return footer->standard_s;
    int64_t year = 0;
    int month = 0;
    int day = 0;
    date_of(floor_div(at_s + footer->standard_s, DAY_S), &year, &month, &day);
    int64_t begins = switch_at(&footer->begins, year) - footer->standard_s;
    int64_t ends = switch_at(&footer->ends, year) - footer->summer_s;
    bool is_summer = begins <= ends ? at_s >= begins && at_s < ends : at_s >= begins || at_s < ends;
    return is_summer ? footer->summer_s : footer->standard_s;
}

/* ---- the footer: a POSIX TZ string ----------------------------------------------------------- */

static bool take_char(struct str *rest, char c)
{
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    *rest = str_sub(*rest, 1, rest->len);
    return true;
}

static bool take_number(struct str *rest, int max, int *out)
{
    size_t digits = 0;
    int value = 0;
    while (digits < rest->len && digits < 4 && rest->at[digits] >= '0' && rest->at[digits] <= '9')
        value = value * 10 + (rest->at[digits++] - '0');
    *rest = str_sub(*rest, digits, rest->len);
    *out = value;
    return digits > 0 && value <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct str *rest, int32_t *out)
{
    bool is_negative = take_char(rest, '-');
    if (!is_negative)
        (void)take_char(rest, '+');
    int part[3] = {0, 0, 0};
    bool ok = take_number(rest, TIME_LIMIT_S / 3600, &part[0]);
    for (int i = 1; ok && i < 3 && take_char(rest, ':'); i++)
        ok = take_number(rest, 59, &part[i]);
    *out = (part[0] * 3600 + part[1] * 60 + part[2]) * (is_negative ? -1 : 1);
    return ok;
}

/* CET, or <+03> */
static bool take_name(struct str *rest)
{
    size_t len = 0;
    if (take_char(rest, '<')) {
        len = str_find_char(*rest, '>', 0);
        if (len == SIZE_MAX)
            return false;
        *rest = str_sub(*rest, len + 1, rest->len);
        return len > 0;
    }
    while (len < rest->len && ((rest->at[len] >= 'A' && rest->at[len] <= 'Z') ||
                               (rest->at[len] >= 'a' && rest->at[len] <= 'z')))
        len++;
    *rest = str_sub(*rest, len, rest->len);
    return len >= 3;
}

static bool take_switch(struct str *rest, struct switching *out)
{
    bool ok = take_char(rest, ',');
    if (ok && take_char(rest, 'M')) {
        out->kind = SWITCH_MONTH;
        ok = take_number(rest, 12, &out->month) && out->month >= 1 && take_char(rest, '.') &&
             take_number(rest, 5, &out->week) && out->week >= 1 && take_char(rest, '.') &&
             take_number(rest, 6, &out->weekday);
    } else if (ok && take_char(rest, 'J')) {
        out->kind = SWITCH_JULIAN;
        ok = take_number(rest, 365, &out->day) && out->day >= 1;
    } else if (ok) {
        out->kind = SWITCH_DAY;
        ok = take_number(rest, 365, &out->day);
    }
    out->at_s = 2 * 3600;
    return ok && (!take_char(rest, '/') || take_time(rest, &out->at_s));
}

/* In a TZ string an offset is what to add to local time: west is positive. */
static bool parse_footer(struct str text, struct footer *footer)
{
    if (text.len == 0)
        return true;
    footer->is_given = true;
    bool ok = take_name(&text) && take_time(&text, &footer->standard_s);
    footer->standard_s = -footer->standard_s;
    if (!ok || text.len == 0)
        return ok;
    footer->has_summer = true;
    footer->summer_s = footer->standard_s + 3600;
    ok = take_name(&text);
    if (ok && text.len > 0 && text.at[0] != ',') {
        ok = take_time(&text, &footer->summer_s);
        footer->summer_s = -footer->summer_s;
    }
    return ok && take_switch(&text, &footer->begins) && take_switch(&text, &footer->ends) &&
           text.len == 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

static uint64_t big_endian(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | (uint8_t)at[i];
    return value;
}

struct counts { /* of one header, RFC 9636 3.1 */
    size_t utc, standard, leap, time, type, chars;
};

static bool read_header(struct str bytes, struct counts *counts)
{
    if (bytes.len < HEADER_BYTES || !str_starts(bytes, STR("TZif")))
        return false;
    const char *at = bytes.at + 20;
    *counts =
        (struct counts){big_endian(at, 4),      big_endian(at + 4, 4),  big_endian(at + 8, 4),
                        big_endian(at + 12, 4), big_endian(at + 16, 4), big_endian(at + 20, 4)};
    return counts->utc <= TYPE_MAX && counts->standard <= TYPE_MAX && counts->leap <= TYPE_MAX &&
           counts->time <= TRANSITION_MAX && counts->type >= 1 && counts->type <= TYPE_MAX &&
           counts->chars <= (size_t)TYPE_MAX * 8;
}

static size_t block_bytes(const struct counts *counts, size_t time_bytes)
{
    return counts->time * (time_bytes + 1) + counts->type * 6 + counts->chars +
           counts->leap * (time_bytes + 4) + counts->standard + counts->utc;
}

static bool read_block(struct str block, const struct counts *counts, struct arena *arena,
                       struct zone *zone)
{
    int64_t *at_s = ARENA_ARRAY(arena, int64_t, counts->time);
    int32_t *offset_s = ARENA_ARRAY(arena, int32_t, counts->time);
    const char *kinds = block.at + counts->time * sizeof(uint64_t);
    const char *types = kinds + counts->time;
    for (size_t i = 0; i < counts->time; i++) {
        at_s[i] = (int64_t)big_endian(block.at + i * 8, 8);
        size_t type = (uint8_t)kinds[i];
        if (type >= counts->type || (i > 0 && at_s[i] <= at_s[i - 1]))
            return false;
        offset_s[i] = (int32_t)big_endian(types + type * 6, 4);
    }
    zone->count = counts->time;
    zone->at_s = at_s;
    zone->offset_s = offset_s;
    zone->first_s = (int32_t)big_endian(types, 4);
    return true;
}

const struct zone *zone_parse(struct str bytes, struct arena *arena, struct error *err)
{
    struct zone *zone = ARENA_NEW(arena, struct zone);
    struct counts counts;
    bool ok = read_header(bytes, &counts) && bytes.at[4] >= '2' &&
              bytes.len >= HEADER_BYTES + block_bytes(&counts, 4);
    if (ok) {
        struct str second = str_sub(bytes, HEADER_BYTES + block_bytes(&counts, 4), bytes.len);
        ok = read_header(second, &counts) && second.len >= HEADER_BYTES + block_bytes(&counts, 8);
        struct str block = ok ? str_sub(second, HEADER_BYTES, second.len) : STR_NONE;
        ok = ok && read_block(block, &counts, arena, zone);
        struct str footer = ok ? str_sub(block, block_bytes(&counts, 8), block.len) : STR_NONE;
        ok = ok && take_char(&footer, '\n') && str_ends(footer, STR("\n")) &&
             parse_footer(str_sub(footer, 0, footer.len - 1), &zone->footer);
    }
    if (!ok) {
        fail(err, ERROR_INVALID, "not a time zone file of version 2 or later");
        return NULL;
    }
    return zone;
}

static bool is_name(struct str name)
{
    if (name.len == 0 || name.len > ZONE_NAME_MAX || name.at[0] < 'A' || name.at[0] > 'Z')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '/' && c != '_' && c != '-' && c != '+')
            return false;
    }
    return true;
}

const struct zone *zone_load(struct str name, struct arena *arena, struct error *err)
{
    char path[ZONE_NAME_MAX + sizeof("/usr/share/zoneinfo/")] = "/usr/share/zoneinfo/";
    size_t root = strlen(path);
    if (!is_name(name)) {
        fail(err, ERROR_INVALID, "no time zone has such a name; write one as in Europe/Berlin");
        return NULL;
    }
    memcpy(path + root, name.at, name.len);
    path[root + name.len] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail(err, errno == ENOENT || errno == ENOTDIR ? ERROR_INVALID : ERROR_IO,
             "cannot find time zone " STR_FMT ": %s", STR_ARG(name), strerror(errno));
        return NULL;
    }
    char *bytes = arena_alloc(arena, ZONE_FILE_BYTES_MAX);
    size_t len = 0;
    ssize_t got = 0;
    while (len < ZONE_FILE_BYTES_MAX &&
           ((got = read(fd, bytes + len, ZONE_FILE_BYTES_MAX - len)) > 0 ||
            (got < 0 && errno == EINTR)))
        len += got > 0 ? (size_t)got : 0;
    int why = errno;
    (void)close(fd);
    if (got < 0) {
        fail(err, why == EISDIR ? ERROR_INVALID : ERROR_IO, "cannot read time zone " STR_FMT ": %s",
             STR_ARG(name), strerror(why));
        return NULL;
    }
    return zone_parse((struct str){bytes, len}, arena, err);
}

int32_t zone_offset_s(const struct zone *zone, int64_t at_s)
{
    if (zone == NULL)
        return 0;
    if (zone->count == 0 || at_s < zone->at_s[0])
        return zone->count == 0 && zone->footer.is_given ? footer_offset(&zone->footer, at_s)
                                                         : zone->first_s;
    size_t low = 0; /* at_s[low] <= at_s */
    size_t high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->at_s[middle] <= at_s)
            low = middle;
        else
            high = middle;
    }
    bool is_last = low == zone->count - 1;
    return is_last && zone->footer.is_given ? footer_offset(&zone->footer, at_s)
                                            : zone->offset_s[low];
}

void zone_read(const struct zone *zone, int64_t at_us, struct zone_moment *moment)
{
    int64_t at_s = floor_div(at_us, 1000000);
    int64_t local_s = at_s + zone_offset_s(zone, at_s);
    int64_t days = floor_div(local_s, DAY_S);
    int64_t year = 0;
    int month = 0;
    int day = 0;
    date_of(days, &year, &month, &day);
    int weekday = weekday_of(days);
    *moment = (struct zone_moment){
        .year = (int32_t)year,
        .month = (uint8_t)month,
        .day = (uint8_t)day,
        .weekday = (uint8_t)(weekday == 0 ? 7 : weekday),
        .minute = (uint16_t)((local_s - days * DAY_S) / 60),
    };
}
