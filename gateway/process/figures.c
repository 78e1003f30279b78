#include "process/figures.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum {
    FILE_BYTES_MAX = RATES_BYTES_MAX,
};

static bool read_whole(const char *file, struct buf *text, struct error *err)
{
    char chunk[4096];
    size_t got;
    FILE *in = fopen(file, "re");
    buf_init(text, FILE_BYTES_MAX);
    if (in == NULL) {
        return fail(err, ERROR_IO, "cannot read %s: %s", file, strerror(errno));
    }
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0) {
        buf_add(text, chunk, got);
    }
    bool ok = ferror(in) == 0 && buf_is_ok(text);
    (void)fclose(in);
    return ok || fail(err, ERROR_INVALID, "cannot read %s: it is unreadable or over %d bytes", file,
                      FILE_BYTES_MAX);
}

static void say_where(const char *file, unsigned line, struct error *err)
{
    if (line > 0) {
        (void)fail_prefix(err, "%s:%u", file, line);
    } else {
        (void)fail_prefix(err, "%s", file);
    }
}

struct cost_table *figures_read_fees(const char *file, struct error *err)
{
    struct buf text;
    struct cost_table *table = NULL;
    unsigned line = 0;
    if (read_whole(file, &text, err)) {
        table = cost_table_read(buf_str(&text), &line, err);
        if (table == NULL) {
            say_where(file, line, err);
        }
    }
    buf_release(&text);
    return table;
}

struct rates *figures_read_rates(const char *file, struct error *err)
{
    struct buf text;
    struct rates *rates = NULL;
    unsigned line = 0;
    if (read_whole(file, &text, err)) {
        rates = rates_new(buf_str(&text), &line, err);
        if (rates == NULL) {
            say_where(file, line, err);
        }
    }
    buf_release(&text);
    return rates;
}

bool figures_are_stale(const struct rates *rates, int64_t now_wall_us, char text[256])
{
    char time[CLOCK_TEXT_SIZE];
    if (!rates_is_stale(rates, now_wall_us)) {
        return false;
    }
    (void)snprintf(text, 256,
                   "the rates are of " STR_FMT
                   ", older than they say they may be; fees go on being "
                   "computed with them: write newer ones into rates_file, and reload",
                   STR_ARG(clock_format_ms(rates_time_us(rates), time)));
    return true;
}
