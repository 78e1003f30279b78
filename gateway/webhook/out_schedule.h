/*
 * out_schedule.h - when a webhook that was not taken is sent again, and what the answer to a try
 * means. Pure: neither clock nor chance, which are parameters.
 *
 *     try 1 -5 s-> 2 -5 m-> 3 -30 m-> 4 -2 h-> 5 -5 h-> 6 -10 h-> 7 -14 h-> 8 -20 h-> 9 -24 h-> 10
 *           -24 h-> 11 -> failed                                     99 h 35 m after the first
 *
 * That is Standard Webhooks' schedule and one more day: whoever is away for 76 hours has been tried
 * for 75 h 35 m by theirs, and would lose what came first. Each pause is up to a tenth longer, so that
 * what failed together does not come back together; none is ever shorter.
 */
#ifndef WEBHOOK_OUT_SCHEDULE_H
#define WEBHOOK_OUT_SCHEDULE_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "ledger/hooks.h"

enum {
    OUT_PAUSE_MAX = 20,
};
#define OUT_SCHEDULE_DEFAULT "5s 5m 30m 2h 5h 10h 14h 20h 24h 24h"

struct out_schedule {
    int64_t pause_us[OUT_PAUSE_MAX];
    size_t count; /* pauses; one more try */
};

/* "5s 5m 30m 2h": pauses with a unit (ms, s, m, h), separated by spaces. */
bool out_schedule_parse(struct str text, struct out_schedule *schedule, struct error *err) MUST_USE;
/* From the first try to the last, at the least. */
int64_t out_schedule_total_us(const struct out_schedule *schedule);
/* After try `number` (1..), with `draw` of all 2^32; -1: that was the last. */
int64_t out_schedule_pause_us(const struct out_schedule *schedule, int32_t number, uint32_t draw);

struct out_answer {         /* how a try ended */
    int status;             /* 0: no answer, `error` says why */
    const char *error;      /* a word of ours; "" with a status */
    int64_t retry_after_us; /* as the receiver asks; 0: it does not */
};
struct out_verdict {
    enum hook_state state; /* WAITING, DELIVERED, FAILED */
    int64_t next_us;
    const char *error; /* "" when delivered */
    bool is_gone;      /* 410: the endpoint wants no more */
    int64_t resume_us; /* the endpoint is not to be called before; 0: at any time */
};
/*
 * 2xx: delivered, whatever the body. 410: failed, and the endpoint is disabled. Everything else, 3xx
 * included (no redirect is followed): again by the schedule, or failed when that was the last try.
 * 429, 502, 503 and 504 ask for a pause: of the whole endpoint, as long as Retry-After says, at most
 * an hour; the try itself waits for Retry-After, too, at most a day.
 */
struct out_verdict out_judge(const struct out_schedule *schedule, int32_t number,
                             const struct out_answer *answer, int64_t now_us, uint32_t draw);

#endif
