#include "bugs.h"
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EVENTS_MAX = 200000,         /* a world that needs more never ends ... */
    EVENTS_PER_ORDER_MAX = 1000, /* ... and so many for each order */
    CANCEL_ASKED_MAX = 20,
};

enum sim_bug sim_bug = SIM_BUG_NONE;

static struct vec *vec_at(struct world *w, size_t i)
{
    struct vec *const vecs[] = {&w->orders,   &w->requests, &w->log,        &w->payments,
                                &w->outcomes, &w->books,    &w->entries,    &w->calls,
                                &w->bundles,  &w->flights,  &w->writers,    &w->transfers,
                                &w->sums,     &w->keys,     &w->references, &w->reviews};
    return i < ARRAY_LEN(vecs) ? vecs[i] : NULL;
}

void world_init(struct world *w, uint64_t *marks)
{
    *w = (struct world){.marks = marks};
    w->orders.size = sizeof(struct order);
    w->requests.size = sizeof(struct request);
    w->log.size = sizeof(struct log_line);
    w->payments.size = sizeof(struct payment_row);
    w->outcomes.size = sizeof(struct outcome_row);
    w->books.size = sizeof(struct book);
    w->entries.size = sizeof(struct entry);
    w->calls.size = sizeof(struct call);
    w->bundles.size = sizeof(struct bundle);
    w->flights.size = sizeof(struct flight);
    w->writers.size = sizeof(struct writer);
    w->reviews.size = sizeof(struct review_row);
    w->transfers.size = sizeof(struct transfer_row);
    w->sums.size = sizeof(struct sums);
    w->keys.size = w->references.size = sizeof(uint32_t);
}

void world_release(struct world *w)
{
    for (size_t i = 0; vec_at(w, i) != NULL; i++)
        free(vec_at(w, i)->item);
    free(w->heap.item);
    *w = (struct world){0};
}

void world_push_x(struct world *w, int64_t at, enum sim_event_kind kind, uint32_t a, uint32_t b,
                  uint16_t x)
{
    heap_push(&w->heap, (struct sim_event){
                            .at = at > w->now ? at : w->now,
                            .kind = (uint16_t)kind,
                            .x = x,
                            .a = a,
                            .b = b,
                        });
}

void world_push(struct world *w, int64_t at, enum sim_event_kind kind, uint32_t a, uint32_t b)
{
    world_push_x(w, at, kind, a, b, 0);
}

void world_violation(struct world *w, const char *format, ...)
{
    if (w->violation[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(w->violation, sizeof(w->violation), format, args);
    va_end(args);
}

void world_trace(const struct world *w, const char *format, ...)
{
    if (!w->trace)
        return;
    va_list args;
    printf("%12.6f  ", (double)w->now / 1e6);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/*
 * The merchant wants a payout back: noted in the row by which its attempt is claimed. While it is in
 * somebody's hand there is none, and he asks again.
 */
static void cancel_payout(struct world *w, uint32_t order, uint32_t index, uint32_t asked)
{
    struct payment_row *payment = PAYMENT(w, index);
    if (payment_status_is_final(payment->status) || payment->status == PAYMENT_REVIEW)
        return;
    uint8_t at = last_attempt(payment);
    const struct park_row *park = &payment->attempt[at].park;
    if (park->is_canceled && park->exists)
        return;
    if (park->exists) {
        if (!w->provider[payment->attempt[at].provider].can_cancel)
            return; /* refused */
        mark(w, MARK_CANCEL_NOTED);
        world_trace(w, "payment %u: cancel of attempt %u noted", index, at + 1U);
        payment->is_canceled = true;
        payment->canceled_at = w->now;
        (void)store_want_back(w, index, at);
        return;
    }
    mark(w, MARK_CANCEL_IN_HAND);
    if (asked < CANCEL_ASKED_MAX)
        world_push(w, w->now + 1 * SEC, SIM_CANCEL, order, asked + 1);
}

/* The merchant cancels: durable at once, and known to whoever holds the payment. */
static void cancel(struct world *w, uint32_t index, uint32_t asked)
{
    const struct order *order = ORDER(w, index);
    uint32_t payment = *store_key(w, order->merchant, order->local, order->key);
    if (payment == 0 || store_is_down(w))
        return;
    payment--;
    if (order->operation == OPERATION_PAYOUT) {
        cancel_payout(w, index, payment, asked);
        return;
    }
    mark(w, MARK_CANCELED);
    world_trace(w, "payment %u: canceled", payment);
    PAYMENT(w, payment)->is_canceled = true;
    PAYMENT(w, payment)->canceled_at = w->now;
    worker_cancel(w, payment);
}

/* What workers hear; false: it is another kind of event. */
static bool dispatch_to_worker(struct world *w, const struct sim_event *event)
{
    switch (event->kind) {
    case SIM_REQUEST:
        worker_request(w, event->a);
        return true;
    case SIM_WRITTEN:
        worker_written(w, event->a);
        return true;
    case SIM_PROBED:
        worker_probed(w, event->a);
        return true;
    case SIM_TIMER:
        worker_timer(w, event->a, event->b);
        return true;
    case SIM_DEADLINE:
        worker_deadline(w, event->a, event->b);
        return true;
    case SIM_ANSWER:
        worker_answer(w, event->a);
        return true;
    case SIM_DUE:
        recovery_due(w, event->a, (uint8_t)event->b, event->x);
        return true;
    case SIM_LOADED:
        recovery_loaded(w, event->a, (uint8_t)event->b, event->x);
        return true;
    case SIM_BEGIN:
        worker_begin(w, event->a, event->b);
        return true;
    default:
        return false;
    }
}

static void dispatch(struct world *w, const struct sim_event *event)
{
    if (dispatch_to_worker(w, event))
        return;
    switch (event->kind) {
    case SIM_CLIENT:
        client_act(w, event->a, event->b);
        return;
    case SIM_GIVE_UP:
        client_lost(w, event->a);
        return;
    case SIM_BATCH:
        store_batch(w, event->a, event->b);
        return;
    case SIM_COMMIT:
        store_commit(w, event->a);
        return;
    case SIM_ARRIVE:
        provider_arrive(w, event->a);
        return;
    case SIM_EFFECT:
        provider_effect(w, event->a);
        return;
    case SIM_CLOCK:
        swarm_step_clock(w, event->a);
        return;
    case SIM_CRASH:
        recovery_crash(w, event->a);
        return;
    case SIM_RESTART:
        worker_boot(w, event->a);
        return;
    case SIM_PAUSE:
        recovery_pause(w, event->a);
        return;
    case SIM_ADOPT:
        recovery_adopt(w, event->a);
        return;
    case SIM_CANCEL:
        cancel(w, event->a, event->b);
        return;
    case SIM_STORE_AWAY:
        store_away(w, event->a * MS);
        return;
    case SIM_LATE:
        provider_late(w, event->a);
        return;
    case SIM_HINT:
        hint_arrive(w, event->a);
        return;
    case SIM_PERSON:
        person_look(w, event->a, event->b);
        return;
    case SIM_DECIDE:
        person_decide(w, event->a, event->x);
        return;
    case SIM_HOLD_END:
        provider_hold_end(w, event->a);
        return;
    case SIM_FAILOVER:
        store_failover(w, event->a * MS, event->b != 0);
        return;
    default:
        CHECK(false);
    }
}

static void reset(struct world *w, const struct world_plan *plan)
{
    for (size_t i = 0; vec_at(w, i) != NULL; i++)
        vec_at(w, i)->count = 0;
    w->heap.count = 0;
    w->heap.seq = 0;
    w->plan = *plan;
    w->order_count = plan->order_count;
    w->now = 0;
    w->hash = 0xcbf29ce484222325u;
    w->event_count = 0;
    w->free_flight = NONE;
    w->store_era = 0;
    w->batch_count = w->kept_batch = 0;
    w->transfer_hash = 0;
    for (int i = 0; i < MERCHANT_MAX; i++)
        w->local_count[i] = 0;
    w->crash_count = w->send_count = w->look_count = 0;
    w->violation[0] = '\0';
    rng_seed(&w->rng, plan->seed);
}

static void mix(struct world *w, uint64_t part)
{
    w->hash = (w->hash ^ part) * 0x100000001b3u;
}

static void mix_event(struct world *w, const struct sim_event *event)
{
    mix(w, (uint64_t)event->at);
    mix(w, (uint64_t)event->kind << 32 | event->x);
    mix(w, (uint64_t)event->a << 32 | event->b);
}

/* How it ended: rows, books, and what clients were told. */
static void mix_end(struct world *w)
{
    for (uint32_t i = 0; i < w->payments.count; i++) {
        const struct payment_row *payment = PAYMENT(w, i);
        mix(w, (uint64_t)payment->status << 32 | (uint32_t)payment->event_count);
        mix(w, (uint64_t)payment->posted);
        mix(w, payment->answer_bytes);
    }
    for (uint32_t i = 0; i < w->books.count; i++)
        mix(w, (uint64_t)BOOK(w, i)->net);
    for (uint32_t i = 0; i < w->log.count; i++)
        mix(w, (uint64_t)LOG(w, i)->told << 32 | (uint64_t)LOG(w, i)->status);
}

static void play(struct world *w)
{
    struct sim_event event;
    uint64_t longest = (uint64_t)w->order_count * EVENTS_PER_ORDER_MAX + EVENTS_MAX;
    while (heap_pop(&w->heap, &event)) {
        CHECK(event.at >= w->now);
        w->now = event.at;
        mix_event(w, &event);
        if (++w->event_count > longest) {
            world_violation(w, "L1: the world does not end: %llu events",
                            (unsigned long long)w->event_count);
            return;
        }
        if (!worker_puts_off(w, &event))
            dispatch(w, &event);
    }
}

void world_run(struct world *w, const struct world_plan *plan)
{
    reset(w, plan);
    swarm_draw(w);
    if (plan->salt != 0)
        rng_seed(&w->rng, plan->seed ^ (plan->salt * 0x9e3779b97f4a7c15u));
    for (uint32_t i = 0; i < WORKER_MAX; i++)
        w->worker[i] = (struct worker){0};
    for (uint32_t i = 0; i < w->worker_count; i++)
        worker_boot(w, i);
    for (uint32_t i = 0; i < plan->order_count; i++)
        client_start(w, vec_add(&w->orders));
    play(w);
    mix_end(w);
}
