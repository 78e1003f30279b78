#include "payment/governor.h"

#include "base/error.h"

enum {
    PRESSED_MIN = 2,  /* intervals: one alone may be a hiccup of the disk */
    REFUSING_MIN = 2, /* intervals */
    RISE_SHARE = 8,
    RISE_LEAST = 8,
};

void governor_init(struct governor *governor, const struct governor_config *config)
{
    CHECK(config->write_us > 0 && config->lag_us > 0 && config->most > 0);
    *governor = (struct governor){.config = *config, .limit = config->most};
}

void governor_write_began(struct governor *governor, int64_t now_us)
{
    if (governor->writing++ == 0)
        governor->progress_us = now_us;
}

void governor_write_ended(struct governor *governor, int64_t took_us, int64_t now_us)
{
    CHECK(governor->writing > 0);
    governor->writing--;
    governor->progress_us = now_us;
    governor->write_sum_us += took_us;
    governor->write_count++;
}

/* How long writes take: those that ended, or the standstill of those that do not. */
static int64_t write_delay(const struct governor *governor, int64_t now_us)
{
    int64_t mean_us =
        governor->write_count > 0 ? governor->write_sum_us / governor->write_count : 0;
    int64_t still_us = governor->writing > 0 ? now_us - governor->progress_us : 0;
    return mean_us > still_us ? mean_us : still_us;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t pressed_limit(const struct governor *governor, size_t own_count)
{
    size_t wanted = own_count * 1000 / (size_t)governor->pressure_permille;
    size_t calm = governor->config.calm_count;
    if (governor->is_flood)
        calm /= GOVERNOR_FLOOD_SHARE;
    if (governor->crushed_count * GOVERNOR_INTERVAL_MS >= GOVERNOR_PATIENCE_MS)
        calm = smaller(calm, wanted * GOVERNOR_PATIENCE);
    return larger(larger(wanted, calm), GOVERNOR_LIMIT_MIN);
}

void governor_refused(struct governor *governor)
{
    governor->is_refusing = true;
}

static void look_for_flood(struct governor *governor)
{
    bool is_pressed = governor->pressure_permille > 1000;
    if (governor->is_refusing) {
        governor->refusing_count += is_pressed;
        governor->quiet_count = 0;
    } else if (++governor->quiet_count * GOVERNOR_INTERVAL_MS >= GOVERNOR_FLOOD_MS) {
        governor->refusing_count = 0;
    }
    governor->is_refusing = false;
    governor->is_flood = governor->refusing_count >= REFUSING_MIN;
}

void governor_tick(struct governor *governor, size_t own_count, int64_t lag_us, int64_t now_us)
{
    const struct governor_config *config = &governor->config;
    int64_t by_write = write_delay(governor, now_us) * 1000 / config->write_us;
    int64_t by_lag = lag_us * 1000 / config->lag_us;
    governor->pressure_permille = by_write > by_lag ? by_write : by_lag;
    bool is_crushed = governor->pressure_permille > (int64_t)GOVERNOR_PATIENCE * 1000;
    governor->crushed_count = is_crushed ? governor->crushed_count + 1 : 0;
    look_for_flood(governor);
    governor->write_sum_us = 0;
    governor->write_count = 0;
    if (governor->pressure_permille <= 1000) {
        governor->pressed_count = 0;
        governor->limit += governor->limit / RISE_SHARE + RISE_LEAST;
    } else if (++governor->pressed_count >= PRESSED_MIN) {
        governor->limit = pressed_limit(governor, own_count);
    }
    governor->limit = smaller(governor->limit, config->most);
}
