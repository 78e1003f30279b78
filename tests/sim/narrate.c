/*
 * One order in a form that a program can read: what its client asked and was told, what became of each call, where
 * workers passed and died, and how it ended. A line is `@ what name=value ...`, in the order of the events.
 */
#include <stdarg.h>
#include <stdio.h>

#include "sim.h"

enum {
    OFTEN = 10, /* faults of one order: so much more often than among a thousand */
    CHANCE_MOST = 400000,
    CRASH_PASSES = 24,
};

/* PayPal and Payoneer Checkout as their adapters describe them, with the times that trace.mjs sets. */
void narrate_make_real(struct world *w)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        uint64_t often = (uint64_t)w->chance[i] * OFTEN;
        w->chance[i] = often < CHANCE_MOST ? (uint32_t)often : CHANCE_MOST;
    }
    w->merchant_count = 1;
    w->worker_count = 3;
    w->host_count = 1;
    w->provider_count = 2;
    w->provider[0] = (struct provider_fake){
        .replay = REPLAY_LATEST_STATE,
        .can_lookup =
            true, /* when it has answered once; before that it is asked by a repeat first */
        .key_lifetime = 6 * 3600 * SEC,
        .settle = 3 * SEC,
        .latency = 10 * MS};
    w->provider[1] = (struct provider_fake){.replay = REPLAY_DUPLICATE,
                                            .can_lookup = true,
                                            .two_step = true,
                                            .settle = 3 * SEC,
                                            .latency = 10 * MS};
    w->limits.send_window_us = 2 * SEC;
    w->limits.call_us = 1500 * MS;
    w->limits.lease_us = 5 * SEC;
    w->limits.answer_us = 3 * SEC;
    w->limits.resolve_first_us = 200 * MS;
    w->limits.resolve_max_us = 1 * SEC;
    w->limits.attempt_max = 3;
    w->limits.again_max = 1;
    w->crash_every = CRASH_PASSES;
    w->crash_in = between(w, 1, 2L * CRASH_PASSES);
}

void narrate(const struct world *w, const char *format, ...)
{
    va_list args;
    if (!w->plan.is_real)
        return;
    printf("@ ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf(" now=%lld\n", (long long)w->now);
}

void narrate_point(const struct world *w, const char *what, enum crash_point point)
{
    char name[MARK_NAME_MAX];
    if (w->plan.is_real)
        narrate(w, "%s point=%s", what, mark_name((int)MARK_COUNT + (int)point, name));
}

void narrate_call(const struct world *w, const struct call *call, const char *word,
                  const char *effect)
{
    static const char *const kinds[] = {"first", "repeat", "lookup", "cancel"};
    const struct payment_row *payment = PAYMENT(w, call->payment);
    narrate(w, "call payment=%u attempt=%u send=%u provider=%u kind=%s step=%s word=%s effect=%s",
            call->payment, call->attempt + 1U, call->send_number,
            payment->attempt[call->attempt].provider, kinds[call->kind],
            call->step == STEP_SESSION ? "session" : "charge", word, effect);
}

void narrate_end(struct world *w)
{
    for (uint32_t i = 0; i < w->payments.count; i++) {
        const struct payment_row *payment = PAYMENT(w, i);
        if (!payment->exists)
            continue;
        narrate(w, "payment number=%u order=%u key=%u operation=%s amount=%lld status=%s", i,
                payment->order, payment->key, operation_name(payment->operation),
                (long long)payment->amount, payment_status_name(payment->status));
        for (uint8_t at = 0; at < ATTEMPT_MAX; at++) {
            const struct book *book = BOOK(w, book_index(i, at));
            if (payment->attempt[at].exists)
                narrate(w, "book payment=%u attempt=%u provider=%u net=%lld", i, at + 1U,
                        payment->attempt[at].provider, (long long)book->net);
        }
    }
    for (uint32_t i = 0; i < w->orders.count; i++)
        narrate(w, "order number=%u operation=%s amount=%lld reference=%d", i,
                operation_name(ORDER(w, i)->operation), (long long)ORDER(w, i)->amount,
                ORDER(w, i)->has_reference);
    narrate(w, "end violation=%d", w->violation[0] != '\0');
}
