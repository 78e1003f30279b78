/*
 * order_verdict.h - what the driver's answer means for the order that asked: pure.
 *
 *     a payout exists, whatever it comes to        -> BEGUN
 *     it exists, and surely nothing left our hands -> RETRY: again later, as a new try
 *     it exists, and is still being sent           -> WAIT: ask for the same try again, later
 *     nothing was begun, for now                   -> WAIT: the same try again, later
 *     nothing will ever be begun                   -> FAILED
 *
 * A try is followed by another only when every attempt of it failed before its request left, or was
 * turned away by a busy provider: the reasons that say so are listed here. An attempt that its
 * adapter could not express does not count, unless there is no other. What ended for want of an
 * answer (not found, given up) is never tried again: it may still arrive.
 */
#ifndef PAYMENT_ORDER_VERDICT_H
#define PAYMENT_ORDER_VERDICT_H

#include "payment/payment.h"

enum order_verdict_kind {
    ORDER_VERDICT_BEGUN = 0,
    ORDER_VERDICT_RETRY,
    ORDER_VERDICT_WAIT,
    ORDER_VERDICT_FAILED,
};

struct order_verdict {
    enum order_verdict_kind kind;
    bool is_free; /* RETRY: for want of room, at a provider or here: no try of the few it has */
    struct str status; /* final: "succeeded", ...; empty: not yet known */
    struct str reason; /* lives in arena */
    struct str detail;
};

struct order_verdict order_judge(const struct payment_reply *reply, struct arena *arena);
/* Pause before round `count` (0..), doubled each time, half of it drawn from random. */
int64_t order_pause_ms(int64_t first_ms, int64_t most_ms, int32_t count, uint32_t random);

#endif
