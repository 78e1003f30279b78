/*
 * What goes wrong with workers, and who cleans up: crashes, pauses, the sweep that adopts the
 * attempts of writers that seem dead, and the queue of unresolved attempts.
 */
#include "sim.h"

static uint32_t any_worker(struct world *w)
{
    uint32_t start = (uint32_t)rng_below(&w->rng, w->worker_count);
    for (uint32_t i = 0; i < w->worker_count; i++) {
        uint32_t number = (start + i) % w->worker_count;
        if (w->worker[number].is_alive && w->worker[number].paused_until <= w->now)
            return number;
    }
    return NONE;
}

/* ---- the queue ------------------------------------------------------------------------------- */

void recovery_due(struct world *w, uint32_t payment, uint8_t at, uint16_t version)
{
    struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[at];
    struct park_row *park = &attempt->park;
    if (!park->exists || park->version != version)
        return;
    uint32_t worker = any_worker(w);
    if (store_is_down(w) || worker == NONE) {
        store_due(w, payment, at, w->now + 1 * SEC);
        return;
    }
    bool was_claimed = park->lease_until_us != 0;
    if (was_claimed && attempt->last_outcome != NONE &&
        OUTCOME(w, attempt->last_outcome)->announces)
        mark(w, MARK_ADOPTED_REPEAT);
    store_take(w, payment, at);
    if (chance(w, FAULT_CLAIM_LOST)) {
        mark(w, MARK_CLAIM_LOST);
        return;
    }
    world_push_x(w, w->now + between(w, 1 * MS, 30 * MS), SIM_LOADED, payment, at,
                 (uint16_t)worker);
    crash_worker(w, worker, CRASH_CLAIMED);
}

void recovery_loaded(struct world *w, uint32_t payment, uint8_t at, uint32_t worker)
{
    if (!w->worker[worker].is_alive || !PAYMENT(w, payment)->attempt[at].park.exists)
        return;
    world_trace(w, "payment %u: attempt %u claimed by worker %u", payment, at + 1U, worker);
    if (!crash_worker(w, worker, CRASH_LOADED))
        worker_resume(w, worker, payment, at);
}

/* ---- the sweep ------------------------------------------------------------------------------- */

static void note_adopted(struct world *w, uint32_t payment, uint8_t at)
{
    const struct book *book = BOOK(w, book_index(payment, at));
    bool charge_left = false;
    for (uint32_t i = book->first_entry; i != NONE; i = ENTRY(w, i)->next)
        charge_left = charge_left || ENTRY(w, i)->step == STEP_CHARGE;
    if (book->first_entry == NONE)
        mark(w, MARK_ADOPTED_UNSENT);
    else
        mark(w, charge_left ? MARK_ADOPTED_SENT : MARK_ADOPTED_SESSION);
}

void recovery_adopt(struct world *w, uint32_t index)
{
    struct writer *writer = WRITER(w, index);
    const struct worker *worker = &w->worker[writer->worker];
    bool seems_dead = writer->is_dead || (worker->writer == index && worker->paused_until > w->now);
    if (!seems_dead)
        return;
    if (store_is_down(w)) {
        world_push(w, w->now + 1 * SEC, SIM_ADOPT, index, 0);
        return;
    }
    writer->was_adopted = true;
    for (uint32_t i = 0; i < w->payments.count; i++) {
        const struct payment_row *payment = PAYMENT(w, i);
        for (uint8_t at = 0; payment->exists && at < ATTEMPT_MAX; at++) {
            const struct attempt_row *attempt = &payment->attempt[at];
            if (!attempt->exists || attempt->writer != index || !store_may_adopt(w, i, at, index))
                continue;
            note_adopted(w, i, at);
            store_park(w, i, at, false);
            world_trace(w, "payment %u: attempt %u adopted", i, at + 1U);
        }
    }
}

/* ---- disasters ------------------------------------------------------------------------------- */

static void kill_worker(struct world *w, uint32_t number, int64_t reaped_at, int64_t restart_at)
{
    struct worker *worker = &w->worker[number];
    if (!worker->is_alive)
        return;
    world_trace(w, "worker %u dies", number);
    w->crash_count++;
    worker->is_alive = false;
    worker->queue_first = worker->queue_last = NONE;
    WRITER(w, worker->writer)->is_dead = true;
    worker_drop_flights(w, number);
    world_push(w, reaped_at, SIM_ADOPT, worker->writer, 0);
    world_push(w, restart_at, SIM_RESTART, number, 0);
}

void recovery_kill(struct world *w, uint32_t number)
{
    int64_t reaped_at = w->now + between(w, 1 * MS, 200 * MS);
    kill_worker(w, number, reaped_at, reaped_at + between(w, 1 * MS, 200 * MS));
}

void recovery_crash(struct world *w, uint32_t which)
{
    if (which < WORKER_MAX) {
        mark(w, MARK_CRASH_WORKER);
        recovery_kill(w, which);
        return;
    }
    mark(w, MARK_CRASH_HOST);
    int64_t restart_at = w->now + between(w, 100 * MS, 20 * SEC);
    int64_t adopted_at = w->now + w->dead_after; /* by another host, if it comes to that first */
    if (w->host_count == 1 || restart_at < adopted_at)
        adopted_at = restart_at;
    for (uint32_t i = 0; i < w->worker_count; i++)
        if (w->worker[i].host == which - WORKER_MAX)
            kill_worker(w, i, adopted_at, restart_at);
}

void recovery_pause(struct world *w, uint32_t number)
{
    struct worker *worker = &w->worker[number];
    if (!worker->is_alive || worker->paused_until > w->now)
        return;
    /* Half of them wake up while what they have committed may still leave. */
    int64_t longest = rng_below(&w->rng, 2) == 0 ? w->limits.send_window_us : 2 * w->dead_after;
    worker->paused_until = w->now + between(w, 10 * MS, longest);
    world_trace(w, "worker %u is stopped for %lld ms", number,
                (long long)(worker->paused_until - w->now) / 1000);
    world_push(w, w->now + w->dead_after, SIM_ADOPT, worker->writer, 0);
}
