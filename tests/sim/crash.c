/*
 * Named crash points. How many are passed until a worker dies is drawn, so that passing one costs a
 * subtraction; which one it hits is a matter of what the worker does then. Some stop for a while
 * instead, and wake up when others have taken over.
 */
#include "sim.h"

enum {
    CASE_ONE_IN = 12, /* few cases: at their points they die more often */
};

/* People decide when all else is at rest: here workers die after the end of faults, too. */
static bool is_of_case(enum crash_point point)
{
    int first = (int)CRASH_FIRST_WRITE + (int)CRASH_TELL * CRASH_PART_COUNT;
    return point == CRASH_CASE_READ || ((int)point >= first && (int)point < (int)CRASH_FIRST_SEND);
}

static void die(struct world *w, uint32_t worker, enum crash_point point)
{
    w->marks[(int)MARK_COUNT + (int)point]++;
    narrate_point(w, "crash", point);
    recovery_kill(w, worker);
}

bool crash_worker(struct world *w, uint32_t worker, enum crash_point point)
{
    narrate_point(w, "pass", point);
    if (is_of_case(point) && w->worker[worker].is_alive && happens(w, FAULT_CRASH_POINT) &&
        rng_below(&w->rng, CASE_ONE_IN) == 0) {
        die(w, worker, point);
        return true;
    }
    if (--w->crash_in > 0)
        return false;
    w->crash_in = between(w, 1, 2 * w->crash_every);
    if (!faults_are_on(w) || !w->worker[worker].is_alive)
        return false;
    if (rng_below(&w->rng, 4) == 0) {
        if (happens(w, FAULT_PAUSE_POINT))
            recovery_pause(w, worker);
        return false;
    }
    if (!happens(w, FAULT_CRASH_POINT))
        return false;
    die(w, worker, point);
    return true;
}

bool crash_flight(struct world *w, uint32_t flight, enum crash_point point)
{
    return crash_worker(w, FLIGHT(w, flight)->worker, point);
}

static enum crash_write kind_of_write(const struct bundle *bundle)
{
    if (bundle->plan.opens_payment)
        return CRASH_OPEN;
    if (bundle->plan.announces_repeat)
        return CRASH_ANNOUNCE;
    if (bundle->told.review != 0)
        return bundle->is_note ? CRASH_NOTE : CRASH_TELL;
    if (bundle->plan.ends_hold)
        return CRASH_HOLD;
    if (bundle->is_resumed)
        return CRASH_RESOLVE;
    if (bundle->plan.opens_attempt)
        return CRASH_SWITCH;
    return bundle->plan.opens_send ? CRASH_RECORD : CRASH_CLOSE;
}

bool crash_bundle(struct world *w, uint32_t index, enum crash_part part)
{
    const struct bundle *bundle = BUNDLE(w, index);
    const struct worker *worker = &w->worker[bundle->worker];
    if (!worker->is_alive || worker->incarnation != bundle->incarnation)
        return false;
    int point = (int)CRASH_FIRST_WRITE + (int)kind_of_write(bundle) * CRASH_PART_COUNT + (int)part;
    return crash_worker(w, bundle->worker, (enum crash_point)point);
}

static enum crash_send kind_of_send(const struct call *call)
{
    switch (call->kind) {
    case CALL_FIRST:
        return call->step == STEP_SESSION ? CRASH_SESSION : CRASH_CHARGE;
    case CALL_REPEAT:
        return CRASH_REPEAT;
    case CALL_LOOKUP:
        return CRASH_LOOKUP;
    case CALL_CANCEL:
        break;
    }
    return CRASH_CANCEL;
}

bool crash_call(struct world *w, uint32_t index, enum crash_part part)
{
    const struct call *call = CALL(w, index);
    if (!worker_holds(w, call->flight, call->generation))
        return false;
    int point = (int)CRASH_FIRST_SEND + (int)kind_of_send(call) * CRASH_PART_COUNT + (int)part;
    return crash_flight(w, call->flight, (enum crash_point)point);
}
