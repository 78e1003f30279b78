/*
 * The store: rows that are durable once a batch is committed, and batches that may be rolled back,
 * not go out at all, or end unknown: committed now, later, or never, with the answer lost.
 */
#include "bugs.h"
#include "sim.h"

bool store_is_down(const struct world *w)
{
    return w->now < w->store_down_to;
}

/* ---- the unique indexes ---------------------------------------------------------------------- */

static uint32_t *slot(struct vec *index, uint32_t at)
{
    while (index->count <= at)
        vec_add(index);
    return vec_get(index, at);
}

uint32_t *store_key(struct world *w, uint8_t merchant, uint32_t local, uint8_t key)
{
    CHECK(key < KEY_MAX);
    if (has_bug(SIM_BUG_KEY_WITHOUT_MERCHANT))
        merchant = 0;
    return slot(&w->keys, (local * KEY_MAX + key) * MERCHANT_MAX + merchant);
}

uint32_t *store_reference(struct world *w, uint8_t merchant, uint32_t local, uint8_t try_number)
{
    CHECK(try_number <= KEY_MAX);
    if (has_bug(SIM_BUG_REFERENCE_WITHOUT_MERCHANT))
        merchant = 0;
    return slot(&w->references, (local * (KEY_MAX + 1) + try_number) * MERCHANT_MAX + merchant);
}

/* ---- transactions ---------------------------------------------------------------------------- */

void store_away(struct world *w, int64_t us)
{
    if (w->now + us > w->store_down_to)
        w->store_down_to = w->now + us;
}

/*
 * A replica takes over, or the server starts again. What was acknowledged is there: commits are
 * synchronous. Of what was not, it has a beginning (of the log), or nothing where the log was not
 * flushed. Whoever waits for an answer gets none.
 */
void store_failover(struct world *w, int64_t us, bool loses)
{
    mark(w, loses ? MARK_STORE_CRASH : MARK_FAILOVER);
    world_trace(w, "the store fails over");
    int64_t behind = loses ? 0 : between(w, 0, 6);
    w->store_era++;
    w->kept_batch = w->batch_count > (uint64_t)behind ? w->batch_count - (uint64_t)behind : 0;
    if (loses)
        w->kept_batch = 0;
    store_away(w, us);
}

void store_write(struct world *w, uint32_t index)
{
    struct bundle *bundle = BUNDLE(w, index);
    struct worker *worker = &w->worker[bundle->worker];
    bundle->next = NONE;
    if (worker->queue_last == NONE)
        worker->queue_first = index;
    else
        BUNDLE(w, worker->queue_last)->next = index;
    worker->queue_last = index;
    if (!worker->batch_is_scheduled) {
        worker->batch_is_scheduled = true;
        world_push(w, w->now + 1 * MS, SIM_BATCH, bundle->worker, worker->incarnation);
    }
    crash_bundle(w, index, CRASH_ASKED);
}

static void decide(struct world *w, uint32_t first, enum orchestrate_write result)
{
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next) {
        struct bundle *bundle = BUNDLE(w, i);
        bundle->is_decided = true;
        bundle->decided_at = w->now;
        bundle->result = result;
    }
}

static void tell(struct world *w, uint32_t first, int64_t at)
{
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next)
        world_push(w, at, SIM_WRITTEN, i, 0);
}

static void acknowledge(struct world *w, uint32_t first)
{
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next) {
        BUNDLE(w, i)->answer_lost = false;
        BUNDLE(w, i)->result = WRITE_COMMITTED;
    }
}

static void send_batch(struct world *w, uint32_t first, int64_t done_at)
{
    if (store_is_down(w)) {
        decide(w, first, WRITE_UNAVAILABLE);
        tell(w, first, done_at);
        return;
    }
    if (chance(w, FAULT_ROLLBACK)) {
        decide(w, first, WRITE_ROLLED_BACK);
        tell(w, first, done_at);
        return;
    }
    if (!chance(w, FAULT_COMMIT_UNKNOWN)) {
        world_push(w, done_at, SIM_COMMIT, first, 0);
        return;
    }
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next)
        BUNDLE(w, i)->answer_lost = true;
    tell(w, first, done_at);
    if (rng_below(&w->rng, 2) == 0) {
        mark(w, MARK_COMMIT_LOST);
        decide(w, first, WRITE_ROLLED_BACK);
        if (has_bug(SIM_BUG_ACKNOWLEDGED_UNDURABLE))
            acknowledge(w, first);
        return;
    }
    mark(w, MARK_COMMIT_KEPT);
    int64_t commit_at = w->now;
    if (chance(w, FAULT_COMMIT_LATE)) {
        mark(w, MARK_COMMIT_LATE);
        commit_at = done_at + between(w, 0, 20 * SEC);
    }
    world_push(w, commit_at, SIM_COMMIT, first, 0);
}

/* What is queued goes out as one transaction. */
void store_batch(struct world *w, uint32_t number, uint32_t incarnation)
{
    struct worker *worker = &w->worker[number];
    if (!worker->is_alive || worker->incarnation != incarnation)
        return;
    uint32_t first = worker->queue_first;
    worker->batch_is_scheduled = false;
    worker->queue_first = worker->queue_last = NONE;
    if (first == NONE)
        return;
    int64_t done_at = w->now + between(w, 300, 3 * MS);
    w->batch_count++;
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next) {
        BUNDLE(w, i)->era = w->store_era;
        BUNDLE(w, i)->batch = w->batch_count;
    }
    send_batch(w, first, done_at);
    crash_bundle(w, first, CRASH_SENT);
}

/* ---- one bundle ------------------------------------------------------------------------------ */

static bool outcome_exists(const struct world *w, const struct attempt_row *attempt, int16_t number)
{
    for (uint32_t i = attempt->first_outcome; i != NONE; i = OUTCOME(w, i)->next)
        if (OUTCOME(w, i)->number == number)
            return true;
    return false;
}

/* The guard of the payment's limits. */
static bool fits(struct world *w, const struct payment_row *payment)
{
    const struct limits_row *limits = operation_limits(w, payment);
    int64_t left = operation_left(limits, payment->operation);
    if (payment->reversal_of > 0 && !payment->is_unreserved)
        return true; /* reserved */
    if (has_bug(SIM_BUG_LIMITS_UNGUARDED))
        return true;
    if (payment->amount <= left && operation_has_room(w, payment))
        return true;
    if (payment->amount <= left)
        mark(w, MARK_ROOM_TAKEN);
    mark(w, MARK_LIMIT_EXCEEDED);
    if (payment->amount <= left + limits->capture_open && payment->operation != OPERATION_REFUND &&
        limits->capture_open > 0)
        mark(w, MARK_LIMIT_WHILE_OPEN);
    return false;
}

/* The end of a hold takes off what was read to be left. */
static bool may_end_hold(struct world *w, const struct limits_row *limits,
                         const struct bundle *bundle)
{
    int64_t open = has_bug(SIM_BUG_HOLD_END_UNGUARDED) ? 0 : limits->capture_open;
    bool may = limits->captured + open <= limits->authorized + bundle->hold_change;
    if (!may)
        mark(w, MARK_HOLD_IN_USE);
    return may;
}

/* The checks of the payment's limits. */
static bool limits_allow(struct world *w, const struct bundle *bundle)
{
    const struct payment_row *payment = PAYMENT(w, bundle->payment);
    if (bundle->plan.ends_hold)
        return may_end_hold(w, hold_limits(PAYMENT(w, bundle->payment), bundle->park_attempt),
                            bundle);
    if (payment->parent == NONE)
        return true;
    return bundle->plan.opens_payment ? fits(w, payment) : operation_fits(w, bundle);
}

/* It was adopted, or is looked up again: whoever held it is no longer the one to say. */
static bool is_parked(const struct payment_row *payment)
{
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (payment->attempt[at].exists && payment->attempt[at].park.exists)
            return true;
    return false;
}

/* The unique numbers, in the order in which the rows are written. */
static bool is_fenced(struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    const struct payment_row *payment = PAYMENT(w, bundle->payment);
    const struct attempt_row *opened = &payment->attempt[bundle->attempt_number - 1];
    if (plan->opens_attempt && opened->exists)
        return true;
    if (plan->opens_attempt && bundle->attempt_number > 1 && is_parked(payment))
        return true;
    if (plan->opens_send && opened->send[bundle->send_number - 1].exists)
        return true;
    if (plan->has_outcome && !has_bug(SIM_BUG_OUTCOME_WITHOUT_FENCE) &&
        outcome_exists(w, &payment->attempt[plan->outcome_attempt_number - 1],
                       plan->outcome_number))
        return true;
    if (has_event(plan) && payment->event_count != bundle->event_number - 1)
        return true;
    return plan->stores_answer && payment->has_answer;
}

/* The row of the queue is another's, or a cancel was noted that whoever goes on has not heard of. */
static bool is_taken(const struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    const struct payment_row *payment = PAYMENT(w, bundle->payment);
    const struct park_row *park = &payment->attempt[bundle->park_attempt].park;
    if (plan->parks && (!bundle->is_resumed || bundle->told.review != 0))
        return park->exists; /* a new row; what a person speaks of is in no queue */
    if (!plan->parks && !plan->unparks)
        return false;
    if (!park->exists || park->epoch != bundle->epoch)
        return true;
    bool is_unheard = payment->is_canceled && payment->operation != OPERATION_PAYOUT;
    is_unheard = is_unheard || (park->is_canceled && !bundle->was_canceled);
    return plan->parks && plan->opens_send && is_unheard;
}

/* The unique keys and guards. */
static enum orchestrate_write judge(struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    const struct payment_row *payment = PAYMENT(w, bundle->payment);
    const struct order *order = ORDER(w, payment->order);
    if (bundle->is_poisoned && plan->has_outcome && !plan->is_suspect)
        return WRITE_ROLLED_BACK; /* alone: its neighbours go on */
    if (plan->opens_payment) {
        if (*store_key(w, payment->merchant, order->local, payment->key) != 0)
            return WRITE_KEY_TAKEN;
        if (order->has_reference &&
            *store_reference(w, payment->merchant, order->local, payment->try_number) != 0)
            return WRITE_REFERENCE_TAKEN;
    } else if (!payment->exists) {
        return WRITE_FENCED;
    }
    if (is_fenced(w, bundle))
        return WRITE_FENCED;
    if (!limits_allow(w, bundle))
        return WRITE_LIMIT_EXCEEDED;
    if (bundle->told.review != 0 && !person_may_decide(w, &bundle->told))
        return WRITE_FENCED;
    return is_taken(w, bundle) ? WRITE_FENCED : WRITE_COMMITTED;
}

static void put_outcome(struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    uint32_t index = vec_add(&w->outcomes);
    struct attempt_row *attempt =
        &PAYMENT(w, bundle->payment)->attempt[plan->outcome_attempt_number - 1];
    *OUTCOME(w, index) = (struct outcome_row){
        .next = NONE,
        .number = plan->outcome_number,
        .send_number = plan->outcome_send_number,
        .outcome = plan->outcome,
        .left = plan->left,
        .announces = plan->announces_repeat,
        .is_resumed = bundle->is_resumed,
        .is_told = bundle->told.review != 0,
        .is_mismatch = plan->review == REVIEW_AMOUNT_MISMATCH,
        .created_us = bundle->now_us,
        .committed_at = w->now,
    };
    if (attempt->last_outcome == NONE)
        attempt->first_outcome = index;
    else
        OUTCOME(w, attempt->last_outcome)->next = index;
    attempt->last_outcome = index;
    attempt->outcome_count = plan->outcome_number;
    if (outcome_is_final(plan->outcome))
        attempt->has_final_outcome = true;
    if (plan->outcome == OUTCOME_PENDING)
        attempt->pending_reason = bundle->pending_reason;
    if (plan->action_expires_us != 0)
        attempt->action_expires_us = plan->action_expires_us;
}

void store_transfer(struct world *w, struct transfer_row row)
{
    *TRANSFER(w, vec_add(&w->transfers)) = row;
    w->transfer_hash = transfer_hash(w->transfer_hash, &row);
}

static void post(struct world *w, const struct bundle *bundle, bool is_late)
{
    uint32_t index = bundle->payment;
    uint8_t provider = bundle->provider;
    struct payment_row *payment = PAYMENT(w, index);
    bool goes_out = payment->operation == OPERATION_PAYOUT;
    uint16_t theirs = account_of_provider(provider);
    uint16_t ours = account_of_merchant(payment->merchant);
    if (is_late)
        payment->late_posted += payment->amount;
    else
        payment->posted += payment->amount;
    struct attempt_row *attempt = &payment->attempt[bundle->park_attempt];
    attempt->is_late =
        is_late && payment->operation == OPERATION_AUTHORIZE && !has_bug(SIM_BUG_LATE_HOLD_MIXED);
    if (attempt->is_late)
        payment->late_held += payment->amount;
    struct limits_row *limits = hold_limits(payment, bundle->park_attempt);
    if (!goes_out)
        limits->authorized += payment->amount;
    if (payment->operation == OPERATION_SALE)
        limits->captured += payment->amount;
    if (payment->operation == OPERATION_AUTHORIZE &&
        (attempt->is_late || bundle->park_attempt == last_attempt(payment))) {
        limits->held = payment->amount;
        limits->held_since = w->now;
        limits->held_whole = (uint8_t)(bundle->park_attempt + 1);
    }
    store_transfer(w, (struct transfer_row){
                          .payment = index,
                          .state = payment->operation == OPERATION_AUTHORIZE ? TRANSFER_PENDING
                                                                             : TRANSFER_POSTED,
                          .late = attempt->is_late ? (uint8_t)(bundle->park_attempt + 1) : 0,
                          .debit = goes_out ? ours : theirs,
                          .credit = goes_out ? theirs : ours,
                          .amount = payment->amount,
                      });
}

/* What is to be given back is nobody else's to use. */
static void reserve(struct payment_row *payment, uint8_t at)
{
    struct limits_row *limits = hold_limits(payment, at);
    if (payment->operation != OPERATION_SALE && payment->operation != OPERATION_AUTHORIZE)
        return;
    payment->attempt[at].is_reserved = true;
    if (!payment->attempt[at].is_late)
        payment->reserved += payment->amount;
    if (payment->operation == OPERATION_SALE)
        limits->refund_open += payment->amount;
    else
        limits->capture_open += payment->amount;
}

/* The provider holds it no longer. */
static void end_hold(struct world *w, const struct bundle *bundle)
{
    struct payment_row *payment = PAYMENT(w, bundle->payment);
    bool is_late = payment->attempt[bundle->park_attempt].is_late;
    struct limits_row *limits = hold_limits(payment, bundle->park_attempt);
    mark(w, is_late ? MARK_LATE_HOLD_KNOWN : MARK_HOLD_KNOWN);
    limits->authorized += bundle->hold_change;
    limits->hold_has_ended = true;
    limits->hold_known_at = w->now;
    if (is_late)
        operation_release_late(w, bundle->payment, bundle->park_attempt);
    else
        operation_release(w, bundle->payment, limits->held);
    operation_event(payment, is_late ? PAYMENT_PROCESSING : PAYMENT_NONE);
}

static void put_status(struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    struct payment_row *payment = PAYMENT(w, bundle->payment);
    if (has_event(plan)) {
        payment->event_count = bundle->event_number;
        payment->event_at[bundle->event_number % EVENT_TIMES] = w->now;
    }
    if (has_event(plan) && plan->status != PAYMENT_NONE) {
        payment->status = payment->shown = plan->status;
        payment->final_at = w->now;
    }
    if (plan->stores_answer) {
        payment->has_answer = true;
        payment->answer_status = plan->status;
        payment->answer_bytes = rng_next(&w->rng) | 1;
    }
    if (plan->posts_transfers && payment->parent == NONE)
        post(w, bundle, plan->review == REVIEW_LATE_SUCCESS && plan->status == PAYMENT_NONE);
    if (plan->posts_transfers && plan->review == REVIEW_LATE_SUCCESS) {
        mark(w, plan->status == PAYMENT_NONE ? MARK_LATE_POSTED : MARK_CANCELED_TAKEN_BACK);
        payment->is_taken_back |= plan->status != PAYMENT_NONE;
        if (bundle->told.review == 0)
            reserve(payment, bundle->park_attempt);
        operation_reverse(w, bundle->payment, bundle->park_attempt);
    }
    if (payment->parent != NONE)
        operation_apply(w, bundle);
    if (plan->ends_hold)
        end_hold(w, bundle);
    if (plan->needs_review)
        payment->needs_review = true;
    if (plan->review != REVIEW_NONE)
        person_open(w, bundle->payment, bundle->park_attempt, plan->review);
}

void store_due(struct world *w, uint32_t payment, uint8_t attempt, int64_t at)
{
    struct park_row *park = &PAYMENT(w, payment)->attempt[attempt].park;
    park->version++;
    world_push_x(w, at > w->now ? at : w->now, SIM_DUE, payment, attempt, park->version);
}

static void put_park(struct world *w, const struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    struct park_row *park = &PAYMENT(w, bundle->payment)->attempt[bundle->park_attempt].park;
    if (plan->unparks) {
        park->exists = false;
        return;
    }
    if (!plan->parks)
        return;
    if (!park->exists) {
        park->parked_us = bundle->now_us;
        park->epoch = 0;
    }
    bool is_unheard = park->exists && park->is_canceled && !bundle->was_canceled;
    if (!park->exists)
        park->is_canceled = false;
    park->exists = true;
    park->is_recheck = plan->rechecks;
    park->tries = is_unheard ? 0 : plan->park_tries;
    park->next_us = is_unheard ? park->canceled_us : plan->park_next_us;
    park->lease_until_us = 0;
    if (is_unheard)
        mark(w, MARK_CANCEL_UNHEARD);
    store_due(w, bundle->payment, bundle->park_attempt, park->next_us - EPOCH_US);
}

static void note_others(struct world *w, const struct payment_row *payment,
                        const struct order *order)
{
    for (uint8_t i = 0; i < w->merchant_count; i++)
        if (i != payment->merchant && *store_key(w, i, order->local, payment->key) != 0)
            mark(w, MARK_KEY_OF_OTHERS);
}

static void apply(struct world *w, struct bundle *bundle)
{
    const struct orchestrate_write_plan *plan = &bundle->plan;
    struct payment_row *payment = PAYMENT(w, bundle->payment);
    struct attempt_row *opened = &payment->attempt[bundle->attempt_number - 1];
    if (plan->opens_payment) {
        const struct order *order = ORDER(w, payment->order);
        payment->exists = true;
        payment->opened_at = w->now;
        payment->writer = bundle->writer;
        payment->status = payment->shown = PAYMENT_PROCESSING;
        note_others(w, payment, order);
        *store_key(w, payment->merchant, order->local, payment->key) = bundle->payment + 1;
        if (order->has_reference)
            *store_reference(w, payment->merchant, order->local, payment->try_number) =
                bundle->payment + 1;
    }
    if (plan->opens_attempt) {
        opened->exists = true;
        opened->provider = bundle->provider;
        opened->decision = bundle->decision;
        opened->writer = bundle->writer;
        opened->opened_at = w->now;
        opened->first_outcome = opened->last_outcome = NONE;
    }
    if (plan->opens_send)
        opened->send[bundle->send_number - 1] = (struct send_row){
            .exists = true,
            .moves_money = bundle->moves_money,
            .step = bundle->step,
            .created_us = bundle->now_us,
            .committed_at = w->now,
        };
    if (plan->has_outcome)
        put_outcome(w, bundle);
    put_status(w, bundle);
    if (bundle->told.review != 0)
        person_apply(w, &bundle->told);
    if (bundle->is_resumed && plan->has_outcome && outcome_is_final(plan->outcome))
        person_prove(w, bundle->payment, bundle->park_attempt);
    put_park(w, bundle);
}

static void note_commit(struct world *w, const struct bundle *bundle)
{
    const struct worker *worker = &w->worker[bundle->worker];
    bool is_gone = !worker->is_alive || worker->incarnation != bundle->incarnation;
    if (bundle->result == WRITE_FENCED)
        mark(w, MARK_FENCED);
    if (bundle->result == WRITE_FENCED && bundle->plan.opens_attempt && bundle->attempt_number > 1)
        mark(w, MARK_ADOPTED_FENCED);
    if (bundle->result == WRITE_FENCED && bundle->plan.opens_send && bundle->is_resumed)
        mark(w, MARK_PAYER_FENCED);
    if (is_gone && bundle->result == WRITE_COMMITTED) {
        mark(w, MARK_COMMIT_AFTER_DEATH);
        world_push(w, w->now + 1 * SEC, SIM_ADOPT, bundle->writer, 0);
    }
}

/* The store that it was sent to is no more: the one that took over has it, or has not. */
static bool is_lost(struct world *w, uint32_t first)
{
    const struct bundle *bundle = BUNDLE(w, first);
    if (bundle->era == w->store_era)
        return false;
    bool is_kept = bundle->era + 1 == w->store_era && bundle->batch <= w->kept_batch;
    mark(w, is_kept              ? MARK_FAILOVER_KEPT
            : w->kept_batch == 0 ? MARK_STORE_CRASH_LOST
                                 : MARK_FAILOVER_LOST);
    if (!bundle->answer_lost)
        tell(w, first, w->now);
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next)
        BUNDLE(w, i)->answer_lost = true;
    return !is_kept;
}

/* A whole transaction is given up at its end: a serialization failure. */
static bool is_given_up(struct world *w, uint32_t first)
{
    if (!chance(w, FAULT_SERIALIZATION))
        return false;
    mark(w, MARK_SERIALIZATION);
    if (!BUNDLE(w, first)->answer_lost)
        tell(w, first, w->now + between(w, 50, 1 * MS));
    return true;
}

/*
 * A batch in which a row is refused is rolled back, and its bundles are tried again in smaller ones by
 * whoever hears of it. Nobody does when its answer is lost. A taken key or reference is an answer.
 */
static bool is_refused_unheard(struct world *w, uint32_t first)
{
    for (uint32_t i = first; i != NONE && BUNDLE(w, i)->answer_lost; i = BUNDLE(w, i)->next) {
        enum orchestrate_write result = judge(w, BUNDLE(w, i));
        if (result == WRITE_FENCED || result == WRITE_LIMIT_EXCEEDED || result == WRITE_ROLLED_BACK)
            return true;
    }
    return false;
}

void store_commit(struct world *w, uint32_t first)
{
    if (is_lost(w, first) || is_given_up(w, first) || is_refused_unheard(w, first)) {
        decide(w, first, WRITE_ROLLED_BACK);
        return;
    }
    for (uint32_t i = first; i != NONE; i = BUNDLE(w, i)->next) {
        struct bundle *bundle = BUNDLE(w, i);
        bundle->is_decided = true;
        bundle->decided_at = w->now;
        bundle->result = judge(w, bundle);
        if (bundle->result == WRITE_COMMITTED)
            apply(w, bundle);
        note_commit(w, bundle);
        if (!bundle->answer_lost)
            world_push(w, w->now + between(w, 50, 1 * MS), SIM_WRITTEN, i, 0);
        crash_bundle(w, i, CRASH_DONE);
    }
}

/* The probe waits for a commit that is still running: its answer comes when the fate is known. */
void store_probe(struct world *w, uint32_t index)
{
    world_push(w, w->now + between(w, 1 * MS, 10 * MS), SIM_PROBED, index, 0);
}

enum orchestrate_write store_fate(const struct bundle *bundle)
{
    bool is_refused = bundle->result == WRITE_FENCED || bundle->result == WRITE_LIMIT_EXCEEDED;
    return is_refused ? WRITE_ROLLED_BACK : bundle->result;
}

/* A sweep puts an attempt into the queue. */
void store_park(struct world *w, uint32_t payment, uint8_t attempt, bool is_recheck)
{
    struct park_row *park = &PAYMENT(w, payment)->attempt[attempt].park;
    CHECK(!park->exists);
    *park = (struct park_row){
        .exists = true,
        .next_us = w->now + EPOCH_US,
        .parked_us = w->now + EPOCH_US,
        .version = park->version,
        .is_recheck = is_recheck,
    };
    store_due(w, payment, attempt, w->now + 100 * MS);
}

void store_take(struct world *w, uint32_t payment, uint8_t attempt)
{
    struct park_row *park = &PAYMENT(w, payment)->attempt[attempt].park;
    CHECK(park->exists);
    park->epoch++;
    park->was_canceled = park->is_canceled;
    park->claimed_at = w->now;
    park->lease_until_us = w->now + EPOCH_US + w->limits.lease_us;
    store_due(w, payment, attempt, w->now + w->limits.lease_us);
}

bool store_want_back(struct world *w, uint32_t payment, uint8_t attempt)
{
    struct park_row *park = &PAYMENT(w, payment)->attempt[attempt].park;
    if (!park->exists)
        return false;
    if (park->is_canceled)
        return true;
    park->is_canceled = true;
    park->canceled_us = w->now + EPOCH_US;
    park->tries = 0;
    if (park->next_us > w->now + EPOCH_US)
        park->next_us = w->now + EPOCH_US;
    if (park->lease_until_us == 0)
        store_due(w, payment, attempt, w->now);
    return true;
}

bool store_may_adopt(const struct world *w, uint32_t payment, uint8_t attempt, uint32_t writer)
{
    const struct payment_row *row = PAYMENT(w, payment);
    const struct attempt_row *at = &row->attempt[attempt];
    return row->exists && row->shown != PAYMENT_REVIEW && at->exists && at->writer == writer &&
           !at->has_final_outcome && !at->park.exists;
}
