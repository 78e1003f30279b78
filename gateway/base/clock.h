/*
 * clock.h - the only place that tells time.
 *
 * Durations and deadlines use the monotonic clock; wall time is for display, signatures and stored
 * timestamps. All times are int64 microseconds. The orchestration core never calls this: its driver
 * hands the time in with each event.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum {
    CLOCK_TEXT_SIZE = 32,
};

#define CLOCK_SECOND_US 1000000LL
#define CLOCK_MS_US     1000LL

int64_t clock_mono_us(void);
int64_t clock_wall_us(void); /* since 1970-01-01T00:00:00Z */
/* "2026-11-21T10:15:30.123Z" (milliseconds, UTC) into out; returns out as str. */
struct str clock_format_ms(int64_t wall_us, char out[CLOCK_TEXT_SIZE]);
/* The same with microseconds. */
struct str clock_format_us(int64_t wall_us, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 date-time (Z or numeric offset, optional fraction) or full-date (midnight UTC). */
bool clock_parse(struct str text, int64_t *wall_us, struct error *err) MUST_USE;
/* The same, or "30d", "12h", "5m": so long before now. */
bool clock_parse_back(struct str text, int64_t now_us, int64_t *wall_us,
                      struct error *err) MUST_USE;

#endif
