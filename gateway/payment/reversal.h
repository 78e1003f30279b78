/*
 * reversal.h - late successes are taken back (inside the payment module).
 *
 *     an attempt is approved though its payment had ended, had gone on elsewhere, or was canceled
 *        -> posted, and a case is opened as `reversing` (orchestrate.h, REVIEW_LATE_SUCCESS)
 *
 *     due --claim (lease)--> load the payment --> not decided yet: later
 *                               |
 *                               v
 *                            refund, or void what is only held: an operation under the key
 *                            "reversal:<attempt>:<n>", n = reversals that surely failed + 1
 *              +----------------+--------------------+----------------------+
 *              | succeeded      | not known yet      | surely did not work  | refused for good,
 *              v                v                    v                      v or the last try
 *           resolved,        later, the           later, as n + 1        open: reversal_failed,
 *           event            same key                                    a person must look
 *
 * Never twice: whoever claims the case again asks under the same key, and gets the same operation.
 * Another number is used only once the operation before has surely done nothing. What is held is
 * voided, never captured in order to be refunded.
 */
#ifndef PAYMENT_REVERSAL_H
#define PAYMENT_REVERSAL_H

#include "base/arena.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/metrics.h"

struct payments;

struct reversals {
    struct loop_timer timer;
    struct link running;
    size_t running_count;
    bool is_claiming;
    bool is_counting;
    int64_t count_us; /* monotonic: when to count next */
    struct arena claim_arena;
    struct metrics_series *open;
    struct metrics_series *reversing;
    struct metrics_series *oldest;
};

void reversals_init(struct payments *payments);
void reversals_release(struct payments *payments);
/* Something has become due here: look now. */
void reversals_wake(struct payments *payments);
/* Nothing is in hand. */
bool reversals_are_idle(const struct payments *payments);

#endif
