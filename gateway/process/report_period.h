/*
 * report_period.h - hours, days, ISO weeks and months, in UTC. Pure.
 *
 * A span is from its first moment to the next one's, and the spans of a kind leave nothing out.
 */
#ifndef PROCESS_REPORT_PERIOD_H
#define PROCESS_REPORT_PERIOD_H

#include <stdint.h>

#include "base/str.h"

enum {
    REPORT_LABEL_SIZE = 16,
};

enum report_period {
    REPORT_PERIOD_NONE = 0,
    REPORT_HOUR,
    REPORT_DAY,
    REPORT_WEEK, /* from Monday on */
    REPORT_MONTH,
    REPORT_PERIOD_COUNT,
};

struct report_span {
    int64_t from_us; /* since 1970 */
    int64_t to_us;   /* not with it */
};

/* REPORT_PERIOD_NONE: there is no such period. */
enum report_period report_period_find(struct str name);
struct str report_period_name(enum report_period period);
/* That has the moment in it, which is after 1970 has begun and before 9999 ends. */
struct report_span report_span_of(enum report_period period, int64_t us);
struct report_span report_span_next(enum report_period period, const struct report_span *span);
struct report_span report_span_before(enum report_period period, const struct report_span *span);
/* For the name of a file: 2026-11-21T13, 2026-11-21, 2026-W47, 2026-11. */
struct str report_span_label(enum report_period period, const struct report_span *span,
                             char out[REPORT_LABEL_SIZE]);

#endif
