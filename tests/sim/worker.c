/*
 * Workers: the driver, as thin as it can be. It does what the core says and comes back with what
 * happened.
 */
#include "bugs.h"
#include "sim.h"

static void step(struct world *w, uint32_t index, const struct orchestrate_event *event);

int64_t worker_wall(const struct world *w, const struct worker *worker)
{
    return w->now + EPOCH_US + w->skew[worker->host];
}

void worker_boot(struct world *w, uint32_t number)
{
    struct worker *worker = &w->worker[number];
    uint32_t writer = vec_add(&w->writers);
    WRITER(w, writer)->worker = number;
    worker->is_alive = true;
    worker->host = (uint8_t)(number % w->host_count);
    worker->incarnation++;
    worker->writer = writer;
    worker->paused_until = 0;
    worker->queue_first = worker->queue_last = NONE;
    worker->batch_is_scheduled = false;
}

/* ---- flights --------------------------------------------------------------------------------- */

uint32_t worker_take_flight(struct world *w, uint32_t worker, uint32_t request, uint32_t payment)
{
    uint32_t index = w->free_flight;
    if (index == NONE)
        index = vec_add(&w->flights);
    else
        w->free_flight = FLIGHT(w, index)->next_free;
    struct flight *flight = FLIGHT(w, index);
    flight->in_use = true;
    flight->generation++;
    flight->worker = worker;
    flight->request = request;
    flight->payment = payment;
    flight->bundle = NONE;
    flight->session_done = false;
    flight->deadline_passed = false;
    flight->is_poisoned = false;
    flight->epoch = 0;
    flight->begun_at = w->now;
    flight->pending_reason = 0;
    flight->was_canceled = false;
    flight->hold_change = 0;
    flight->event_count = 0;
    flight->told = (struct told_case){0};
    flight->is_note = false;
    flight->decision_next = (struct decision_row){0};
    return index;
}

void worker_free_flight(struct world *w, uint32_t index)
{
    struct flight *flight = FLIGHT(w, index);
    CHECK(flight->in_use);
    flight->in_use = false;
    flight->generation++;
    flight->next_free = w->free_flight;
    w->free_flight = index;
}

static bool is_current(const struct world *w, uint32_t index, uint32_t generation)
{
    const struct flight *flight = FLIGHT(w, index);
    return flight->in_use && flight->generation == generation;
}

bool worker_holds(const struct world *w, uint32_t flight, uint32_t generation)
{
    return is_current(w, flight, generation);
}

void worker_drop_flights(struct world *w, uint32_t worker)
{
    for (uint32_t i = 0; i < w->flights.count; i++) {
        struct flight *flight = FLIGHT(w, i);
        if (!flight->in_use || flight->worker != worker)
            continue;
        if (flight->request != NONE)
            client_lost(w, flight->request);
        worker_free_flight(w, i);
    }
}

void worker_cancel(struct world *w, uint32_t payment)
{
    for (uint32_t i = 0; i < w->flights.count; i++) {
        struct flight *flight = FLIGHT(w, i);
        if (flight->in_use && flight->payment == payment)
            orchestrate_cancel(&flight->core);
    }
}

static uint32_t flight_of(struct world *w, const struct sim_event *event)
{
    if (event->kind == SIM_WRITTEN || event->kind == SIM_PROBED) {
        const struct bundle *bundle = BUNDLE(w, event->a);
        return is_current(w, bundle->flight, bundle->generation) ? bundle->flight : NONE;
    }
    if (event->kind == SIM_ANSWER) {
        const struct call *call = CALL(w, event->a);
        return is_current(w, call->flight, call->generation) ? call->flight : NONE;
    }
    bool is_timer =
        event->kind == SIM_TIMER || event->kind == SIM_DEADLINE || event->kind == SIM_BEGIN;
    return is_timer && is_current(w, event->a, event->b) ? event->a : NONE;
}

/* A paused worker sees what happened when it wakes up. */
bool worker_puts_off(struct world *w, const struct sim_event *event)
{
    uint32_t number = NONE;
    if (event->kind == SIM_REQUEST)
        number = REQUEST(w, event->a)->worker;
    else if (event->kind == SIM_BATCH)
        number = event->a;
    else if (event->kind == SIM_DECIDE)
        number = person_worker(event->x);
    else if (event->kind == SIM_LOADED)
        number = event->x;
    else {
        uint32_t flight = flight_of(w, event);
        if (flight != NONE)
            number = FLIGHT(w, flight)->worker;
    }
    if (number == NONE || !w->worker[number].is_alive || w->worker[number].paused_until <= w->now)
        return false;
    world_push_x(w, w->worker[number].paused_until, (enum sim_event_kind)event->kind, event->a,
                 event->b, event->x);
    return true;
}

/* ---- replies --------------------------------------------------------------------------------- */

static void reply_to_client(struct world *w, struct flight *flight, enum told told)
{
    uint32_t request = flight->request;
    flight->request = NONE;
    if (request != NONE && !REQUEST(w, request)->is_closed)
        client_told(w, request, told, flight->payment);
}

/* Design section 5: what the key has. */
static void reply_key_taken(struct world *w, struct flight *flight)
{
    const struct request *request = REQUEST(w, flight->request);
    const struct order *order = ORDER(w, request->order);
    uint32_t holder = *store_key(w, order->merchant, order->local, request->key);
    if (store_is_down(w) || holder == 0) {
        reply_to_client(w, flight, TOLD_OUTCOME_PENDING);
        return;
    }
    holder--;
    const struct payment_row *payment = PAYMENT(w, holder);
    flight->payment = holder;
    if (payment->fingerprint != request->fingerprint && !has_bug(SIM_BUG_FINGERPRINT_IGNORED)) {
        mark(w, MARK_KEY_OTHER_BODY);
        reply_to_client(w, flight, TOLD_OTHER_BODY);
    } else if (payment->has_answer) {
        mark(w, MARK_KEY_REPLAYED);
        reply_to_client(w, flight, TOLD_FINAL);
    } else if (!WRITER(w, payment->writer)->is_dead && !payment->attempt[0].park.exists) {
        mark(w, MARK_KEY_CONFLICT);
        reply_to_client(w, flight, TOLD_CONFLICT);
    } else {
        mark(w, MARK_KEY_PROCESSING);
        reply_to_client(w, flight, TOLD_PROCESSING);
    }
}

static void begin_payment(struct world *w, uint32_t worker, uint32_t request, uint8_t try_number);

/* try n+1 only when try n was finally declined or failed. True when another try was begun. */
static bool begin_next_try(struct world *w, const struct flight *flight)
{
    const struct request *request = REQUEST(w, flight->request);
    const struct order *order = ORDER(w, request->order);
    uint8_t last = 0;
    for (uint8_t i = 1; i <= KEY_MAX; i++)
        if (*store_reference(w, order->merchant, order->local, i) != 0)
            last = i;
    if (store_is_down(w) || last == 0 || last == KEY_MAX)
        return false;
    uint32_t holder = *store_reference(w, order->merchant, order->local, last) - 1;
    enum payment_status status = PAYMENT(w, holder)->status;
    if (status != PAYMENT_DECLINED && status != PAYMENT_FAILED && status != PAYMENT_CANCELED &&
        !(has_bug(SIM_BUG_NEXT_TRY_EARLY) && status == PAYMENT_PROCESSING))
        return false;
    mark(w, MARK_NEXT_TRY);
    begin_payment(w, flight->worker, flight->request, (uint8_t)(last + 1));
    return true;
}

/* 409, and it names the payment that has the reference. */
static void reply_reference_taken(struct world *w, struct flight *flight)
{
    const struct order *order = ORDER(w, REQUEST(w, flight->request)->order);
    for (uint8_t i = 1; i <= KEY_MAX; i++) {
        uint32_t holder = *store_reference(w, order->merchant, order->local, i);
        if (holder != 0)
            flight->payment = holder - 1;
    }
    reply_to_client(w, flight, TOLD_REFERENCE);
}

static void answer_client(struct world *w, uint32_t index, enum orchestrate_reply reply)
{
    struct flight *flight = FLIGHT(w, index);
    switch (reply) {
    case REPLY_FINAL:
        reply_to_client(w, flight, TOLD_FINAL);
        return;
    case REPLY_PROCESSING:
        reply_to_client(w, flight, TOLD_PROCESSING);
        return;
    case REPLY_KEY_TAKEN:
        reply_key_taken(w, flight);
        return;
    case REPLY_REFERENCE_TAKEN:
        mark(w, MARK_REFERENCE_TAKEN);
        if (begin_next_try(w, flight))
            FLIGHT(w, index)->request = NONE;
        else
            reply_reference_taken(w, FLIGHT(w, index));
        return;
    case REPLY_UNAVAILABLE:
        mark(w, MARK_UNAVAILABLE);
        reply_to_client(w, flight, TOLD_UNAVAILABLE);
        return;
    case REPLY_OUTCOME_PENDING:
        reply_to_client(w, flight, TOLD_OUTCOME_PENDING);
        return;
    case REPLY_LIMIT_EXCEEDED:
        reply_to_client(w, flight, TOLD_LIMIT);
        return;
    case REPLY_NONE:
        break;
    }
    CHECK(false);
}

/* False when the worker died before or after it. */
static bool perform_reply(struct world *w, uint32_t index, enum orchestrate_reply reply)
{
    uint32_t generation = FLIGHT(w, index)->generation;
    if (reply == REPLY_NONE || FLIGHT(w, index)->request == NONE)
        return true;
    if (crash_flight(w, index, CRASH_REPLY_BEFORE))
        return false;
    answer_client(w, index, reply);
    if (!is_current(w, index, generation)) /* over the next try that it began */
        return false;
    return !crash_flight(w, index, CRASH_REPLY_AFTER);
}

/* ---- actions --------------------------------------------------------------------------------- */

static void note_write(struct world *w, const struct flight *flight,
                       const struct orchestrate_write_plan *plan)
{
    const struct orchestrate_attempt *attempt = &flight->core.attempt;
    if (plan->is_suspect && flight->is_poisoned)
        mark(w, MARK_POISON_SUSPECTED);
    if (flight->core.is_resumed) {
        if (plan->parks && !plan->has_outcome && flight->core.settled_us > flight->core.look_us)
            mark(w, MARK_PUT_BACK_EARLY);
        if (plan->unparks && !plan->has_outcome)
            mark(w, MARK_TAKEN_OUT);
        if (plan->unparks && flight->core.is_recheck && flight->core.look_us == 0)
            mark(w, MARK_HOLD_USED_UP);
        if (plan->rechecks && attempt->state == ATTEMPT_APPROVED && plan->park_tries > 0 &&
            flight->core.look_us > 0)
            mark(w, MARK_HOLD_WATCHED);
    }
    if (plan->status == PAYMENT_REVIEW && plan->has_outcome)
        mark(w, flight->core.is_resumed ? MARK_REVIEW_TIME : MARK_REVIEW_MISMATCH);
    if (plan->is_news)
        mark(w, MARK_PAYOUT_NEWS);
    if (plan->outcome == OUTCOME_REQUIRES_ACTION)
        mark(w, MARK_ACTION);
    if (plan->outcome == OUTCOME_UNKNOWN && !flight->core.is_resumed)
        mark(w, MARK_UNKNOWN);
    if (plan->opens_send && flight->core.is_resumed)
        mark(w, MARK_PAYER_CONTINUED);
    if (plan->cause == CAUSE_PAYER_DID_NOT_ACT)
        mark(w, MARK_PAYER_LATE);
    if (plan->cause == CAUSE_CANCELED)
        mark(w, MARK_PAYER_CANCELED);
    if (plan->outcome == OUTCOME_NONE && plan->has_outcome && attempt->again_count > 0)
        mark(w, MARK_AGAIN);
    if (plan->opens_attempt && plan->has_outcome) {
        bool had_send = plan->outcome_send_number > 0;
        if (plan->outcome == OUTCOME_DECLINED_SOFT)
            mark(w, MARK_FAILOVER_SOFT);
        else if (had_send && !plan->left)
            mark(w, MARK_FAILOVER_NOT_SENT);
        else if (had_send)
            mark(w, MARK_FAILOVER_SESSION);
    }
}

static void perform_write(struct world *w, uint32_t index, const struct orchestrate_action *action)
{
    uint32_t number = vec_add(&w->bundles);
    struct flight *flight = FLIGHT(w, index);
    const struct worker *worker = &w->worker[flight->worker];
    if (flight->bundle != NONE && BUNDLE(w, flight->bundle)->result == WRITE_ROLLED_BACK &&
        BUNDLE(w, flight->bundle)->is_decided)
        mark(w, MARK_REWRITTEN);
    flight->bundle = number;
    flight->write_asked_at = w->now;
    if (action->write.opens_attempt)
        flight->provider = flight->provider_next;
    *BUNDLE(w, number) = (struct bundle){
        .flight = index,
        .generation = flight->generation,
        .worker = flight->worker,
        .incarnation = worker->incarnation,
        .writer = worker->writer,
        .payment = flight->payment,
        .attempt_number = action->attempt_number,
        .provider = flight->provider,
        .decision = flight->decision_next,
        .send_number = action->send_number,
        .moves_money = flight->moves_money_next,
        .step = flight->step_next,
        .is_resumed = flight->core.is_resumed,
        .now_us = action->now_us,
        .epoch = flight->epoch,
        .event_number = flight->event_count + 1,
        .park_attempt = (uint8_t)(action->attempt_number - 1),
        .pending_reason = flight->pending_reason,
        .was_canceled = flight->was_canceled,
        .told = flight->told,
        .hold_change = flight->hold_change,
        .is_poisoned = flight->is_poisoned,
        .plan = action->write,
    };
    note_write(w, flight, &action->write);
    if (action->write.opens_send && flight->core.is_resumed && chance(w, FAULT_CANCEL_ASKED))
        world_push(w, w->now + between(w, 0, 4 * MS), SIM_CANCEL,
                   PAYMENT(w, flight->payment)->order, 0);
    world_trace(
        w, "payment %u: write%s%s%s%s%s%s%s%s%s outcome %s attempt %u status %s by worker %u",
        flight->payment, action->write.opens_payment ? " payment" : "",
        action->write.opens_attempt ? " attempt" : "", action->write.opens_send ? " send" : "",
        action->write.has_outcome ? " outcome" : "",
        action->write.announces_repeat ? " announce" : "",
        action->write.stores_answer ? " answer" : "", action->write.parks ? " park" : "",
        action->write.unparks ? " unpark" : "", action->write.needs_review ? " review" : "",
        outcome_name(action->write.outcome), action->attempt_number,
        payment_status_name(action->write.status), flight->worker);
    store_write(w, number);
}

/* Whose account at the provider is used. */
static uint8_t account_of(const struct world *w, const struct flight *flight)
{
    uint8_t merchant = PAYMENT(w, flight->payment)->merchant;
    if (has_bug(SIM_BUG_ACCOUNT_OF_OTHERS) && flight->core.is_resumed)
        merchant = (uint8_t)((merchant + 1U) % w->merchant_count);
    return merchant;
}

static void perform_send(struct world *w, uint32_t index, const struct orchestrate_action *action)
{
    uint32_t number = vec_add(&w->calls);
    uint32_t entry_index = vec_add(&w->entries);
    struct flight *flight = FLIGHT(w, index);
    struct call *call = CALL(w, number);
    uint8_t at = (uint8_t)(action->attempt_number - 1);
    *call = (struct call){
        .flight = index,
        .generation = flight->generation,
        .payment = flight->payment,
        .attempt = at,
        .send_number = action->send_number,
        .kind = (enum call_kind)action->send,
        .entry = entry_index,
        .started_at = w->now,
    };
    if (action->send_number > 0)
        call->step = PAYMENT(w, flight->payment)->attempt[at].send[action->send_number - 1].step;
    struct entry *entry = ENTRY(w, entry_index);
    *entry = (struct entry){
        .next = NONE,
        .send_number = action->send_number,
        .kind = call->kind,
        .step = call->step,
        .merchant = account_of(w, flight),
        .begun_at = flight->begun_at,
        .started_at = w->now,
    };
    struct book *book = BOOK(w, book_index(flight->payment, at));
    if (book->last_entry == NONE)
        book->first_entry = entry_index;
    else
        ENTRY(w, book->last_entry)->next = entry_index;
    book->last_entry = entry_index;
    if (crash_call(w, number, CRASH_ASKED))
        return;
    bool is_question = action->send == SEND_LOOKUP || action->send == SEND_CANCEL;
    int64_t asked_at = is_question ? w->now : flight->write_asked_at;
    if (w->now > asked_at + w->limits.send_window_us &&
        !has_bug(SIM_BUG_WINDOW_NOT_KEPT)) { /* the engine's not_after */
        mark(w, MARK_ENGINE_EXPIRED);
        call->answer = (struct orchestrate_answer){.left = false};
        world_push(w, w->now, SIM_ANSWER, number, 0);
        return;
    }
    provider_send(w, number);
}

/* provider->next(): session first where there is one. */
static void prepare(struct world *w, struct flight *flight, const struct orchestrate_action *action,
                    struct orchestrate_event *event)
{
    if (action->send_number == 1)
        flight->session_done = false;
    bool is_resumed = flight->core.is_resumed; /* it goes on after the payer's consent */
    bool is_new = !is_resumed && action->send_number == 1;
    if (is_new && action->attempt_number > 1)
        flight->decision_next = (struct decision_row){0};
    if (is_new && action->attempt_number > 1 && flight->core.is_decided_anew)
        flight->provider_next = decide_anew(w, flight);
    else
        flight->provider_next =
            is_resumed ? flight->provider : flight->order_of_providers[action->candidate];
    bool two_step = w->provider[flight->provider_next].two_step;
    flight->step_next = two_step && !flight->session_done ? STEP_SESSION : STEP_CHARGE;
    if (PAYMENT(w, flight->payment)->parent != NONE)
        flight->step_next = STEP_CHARGE;
    if (is_resumed)
        flight->step_next = STEP_CONTINUE;
    flight->moves_money_next = flight->step_next != STEP_SESSION;
    event->kind = EVENT_PREPARED;
    event->prepared.moves_money = flight->moves_money_next;
    event->prepared.refused = chance(w, FAULT_ADAPTER_REFUSES);
    if (event->prepared.refused)
        mark(w, MARK_ADAPTER_REFUSED);
    if (is_new && flight->decision_next.names_nobody) {
        event->prepared.refused = true;
        event->prepared.declined = flight->decision_next.declines;
    }
}

static void step(struct world *w, uint32_t index, const struct orchestrate_event *first)
{
    struct orchestrate_event event = *first;
    struct orchestrate_action action;
    for (;;) {
        struct flight *flight = FLIGHT(w, index);
        event.now_us = worker_wall(w, &w->worker[flight->worker]);
        uint32_t generation = flight->generation;
        orchestrate_step(&flight->core, &event, &action);
        if (!perform_reply(w, index, action.reply))
            return; /* it died over it */
        CHECK(is_current(w, index, generation));
        flight = FLIGHT(w, index);
        switch (action.kind) {
        case ACTION_NONE:
            return;
        case ACTION_PREPARE:
            event = (struct orchestrate_event){0};
            prepare(w, flight, &action, &event);
            continue;
        case ACTION_WRITE:
            perform_write(w, index, &action);
            return;
        case ACTION_PROBE:
            if (!crash_flight(w, index, CRASH_PROBE_ASKED))
                store_probe(w, flight->bundle);
            return;
        case ACTION_SEND:
            perform_send(w, index, &action);
            return;
        case ACTION_WAIT:
            world_push(w, w->now + action.wait_us, SIM_TIMER, index, flight->generation);
            return;
        case ACTION_END:
            worker_free_flight(w, index);
            return;
        }
    }
}

/* ---- what happened --------------------------------------------------------------------------- */

void worker_written(struct world *w, uint32_t number)
{
    const struct bundle *bundle = BUNDLE(w, number);
    if (!is_current(w, bundle->flight, bundle->generation))
        return;
    if (crash_bundle(w, number, CRASH_ANSWERED))
        return;
    struct orchestrate_event event = {.kind = EVENT_WRITTEN, .write = bundle->result};
    if (bundle->era != w->store_era && !bundle->answer_lost &&
        bundle->result != WRITE_UNAVAILABLE) {
        mark(w, MARK_FAILOVER_ACK_LOST);
        event.write = WRITE_UNKNOWN;
    }
    if (bundle->answer_lost)
        event.write = WRITE_UNKNOWN;
    struct flight *flight = FLIGHT(w, bundle->flight);
    if (event.write == WRITE_COMMITTED && has_event(&bundle->plan))
        flight->event_count = bundle->event_number;
    if (event.write == WRITE_COMMITTED && bundle->plan.stores_answer && flight->deadline_passed)
        mark(w, MARK_FINAL_AFTER_DEADLINE);
    if (event.write == WRITE_FENCED && bundle->told.review != 0)
        mark(w, MARK_CASE_FENCED);
    if (flight->is_note) { /* if it was not noted, he looks at it again */
        worker_free_flight(w, bundle->flight);
        return;
    }
    if (WRITER(w, bundle->writer)->was_adopted) /* paused for so long that others took over */
        mark(w, event.write == WRITE_FENCED ? MARK_ZOMBIE_FENCED : MARK_ZOMBIE_WROTE);
    step(w, bundle->flight, &event);
}

void worker_probed(struct world *w, uint32_t number)
{
    const struct bundle *bundle = BUNDLE(w, number);
    if (!is_current(w, bundle->flight, bundle->generation))
        return;
    if (crash_flight(w, bundle->flight, CRASH_PROBE_ANSWERED))
        return;
    struct orchestrate_event event = {.kind = EVENT_WRITTEN, .write = store_fate(bundle)};
    if (store_is_down(w) || chance(w, FAULT_PROBE_AWAY)) {
        mark(w, MARK_PROBE_AWAY);
        event.write = WRITE_UNAVAILABLE;
    } else if (!bundle->is_decided && has_bug(SIM_BUG_PROBE_DOES_NOT_WAIT)) {
        event.write = WRITE_ROLLED_BACK;
    } else if (!bundle->is_decided) {
        world_push(w, w->now + 200 * MS, SIM_PROBED, number, 0);
        return;
    }
    step(w, bundle->flight, &event);
}

/* An event that says who decided, and why; and the case. */
static void write_note(struct world *w, uint32_t index)
{
    uint32_t number = vec_add(&w->bundles);
    struct flight *flight = FLIGHT(w, index);
    const struct worker *worker = &w->worker[flight->worker];
    uint8_t at = REVIEW(w, flight->told.review - 1)->attempt;
    flight->bundle = number;
    *BUNDLE(w, number) = (struct bundle){
        .flight = index,
        .generation = flight->generation,
        .worker = flight->worker,
        .incarnation = worker->incarnation,
        .writer = worker->writer,
        .payment = flight->payment,
        .attempt_number = (uint8_t)(at + 1),
        .park_attempt = at,
        .now_us = worker_wall(w, worker),
        .event_number = flight->event_count + 1,
        .told = flight->told,
        .is_note = true,
        .plan = {.has_event = !has_bug(SIM_BUG_NOTE_UNHEARD), .status = PAYMENT_NONE},
    };
    store_write(w, number);
}

void worker_begin(struct world *w, uint32_t index, uint32_t generation)
{
    if (is_current(w, index, generation) && FLIGHT(w, index)->is_note)
        write_note(w, index);
    else if (is_current(w, index, generation))
        step(w, index, &(struct orchestrate_event){.kind = EVENT_BEGIN});
}

void worker_timer(struct world *w, uint32_t index, uint32_t generation)
{
    if (is_current(w, index, generation))
        step(w, index, &(struct orchestrate_event){.kind = EVENT_TIMER});
}

void worker_deadline(struct world *w, uint32_t index, uint32_t generation)
{
    if (!is_current(w, index, generation))
        return;
    struct flight *flight = FLIGHT(w, index);
    if (!flight->core.client_waits)
        return;
    flight->deadline_passed = true;
    mark(w, flight->core.phase == PHASE_SENDING ? MARK_DEADLINE_SENDING : MARK_DEADLINE_WRITING);
    step(w, index, &(struct orchestrate_event){.kind = EVENT_DEADLINE});
}

static void note_answer(struct world *w, const struct call *call)
{
    const struct orchestrate_answer *answer = &call->answer;
    bool approved = answer->whole && answer->outcome == OUTCOME_APPROVED;
    bool declined = answer->whole && (answer->outcome == OUTCOME_DECLINED_SOFT ||
                                      answer->outcome == OUTCOME_DECLINED_HARD);
    if (call->kind == CALL_REPEAT && approved)
        mark(w, MARK_REPEAT_APPROVED);
    if (call->kind == CALL_REPEAT && declined)
        mark(w, MARK_REPEAT_DECLINED);
    if (call->kind == CALL_CANCEL && answer->whole && answer->outcome == OUTCOME_FAILED &&
        answer->answers_key)
        mark(w, MARK_CANCEL_CONFIRMED);
    if (call->kind == CALL_LOOKUP && approved)
        mark(w, MARK_LOOKUP_APPROVED);
    if (call->kind == CALL_LOOKUP && answer->not_found)
        mark(w, MARK_LOOKUP_NOT_FOUND);
}

void worker_answer(struct world *w, uint32_t number)
{
    const struct call *call = CALL(w, number);
    if (!is_current(w, call->flight, call->generation))
        return;
    if (crash_call(w, number, CRASH_ANSWERED))
        return;
    struct entry *entry = ENTRY(w, call->entry);
    const struct orchestrate_answer *answer = &call->answer;
    entry->delivered = true;
    entry->delivered_at = w->now;
    entry->whole = answer->whole;
    entry->outcome = answer->outcome;
    entry->not_found = answer->not_found;
    entry->duplicate = answer->duplicate;
    entry->may_send_again = answer->may_send_again;
    entry->answers_key = answer->answers_key;
    entry->mismatch = answer->amount_mismatch;
    entry->is_inert = answer->is_inert;
    note_answer(w, call);
    struct flight *flight = FLIGHT(w, call->flight);
    if (call->step == STEP_SESSION && answer->whole && answer->outcome == OUTCOME_NONE)
        flight->session_done = true;
    /* The driver compares with what the rows say. */
    struct orchestrate_event event = {.kind = EVENT_ANSWERED, .answer = *answer};
    const struct payment_row *payment = PAYMENT(w, call->payment);
    flight->pending_reason = call->pending_reason;
    flight->is_poisoned = flight->is_poisoned || (answer->whole && chance(w, FAULT_POISON));
    event.answer.is_news = payment->operation == OPERATION_PAYOUT && flight->core.is_resumed &&
                           payment->attempt[call->attempt].pending_reason != call->pending_reason;
    step(w, call->flight, &event);
}

/* ---- beginnings ------------------------------------------------------------------------------ */

struct orchestrate_candidate worker_candidate(const struct provider_fake *provider)
{
    return (struct orchestrate_candidate){
        .replay = provider->replay,
        .can_lookup = provider->can_lookup,
        .key_lifetime_us = provider->key_lifetime,
        .settle_us = provider->settle,
        .waits_for_us = provider->needs_us,
        .hold_us = provider->hold,
    };
}

/* The provider that has what is captured, voided or refunded. */
static uint8_t provider_of_parent(const struct world *w, uint32_t parent, uint8_t reversal_of)
{
    const struct payment_row *payment = PAYMENT(w, parent);
    if (reversal_of > 0)
        return payment->attempt[reversal_of - 1].provider;
    return payment->attempt[last_attempt(payment)].provider;
}

static size_t draw_route(struct world *w, struct flight *flight,
                         struct orchestrate_candidate candidates[PROVIDER_MAX])
{
    uint32_t parent = PAYMENT(w, flight->payment)->parent;
    if (parent != NONE) {
        flight->order_of_providers[0] =
            provider_of_parent(w, parent, PAYMENT(w, flight->payment)->reversal_of);
        candidates[0] = worker_candidate(&w->provider[flight->order_of_providers[0]]);
        return 1;
    }
    for (unsigned i = 0; i < w->provider_count; i++)
        flight->order_of_providers[i] = (uint8_t)i;
    for (unsigned i = w->provider_count; i > 1; i--) {
        unsigned j = (unsigned)rng_below(&w->rng, i);
        uint8_t swapped = flight->order_of_providers[i - 1];
        flight->order_of_providers[i - 1] = flight->order_of_providers[j];
        flight->order_of_providers[j] = swapped;
    }
    for (unsigned i = 0; i < w->provider_count; i++) {
        candidates[i] = worker_candidate(&w->provider[flight->order_of_providers[i]]);
    }
    return w->provider_count;
}

static void begin_payment(struct world *w, uint32_t worker, uint32_t request_index,
                          uint8_t try_number)
{
    const struct request *request = REQUEST(w, request_index);
    uint32_t payment_index = vec_add(&w->payments);
    for (int i = 0; i < ATTEMPT_MAX; i++) {
        struct book *book = BOOK(w, vec_add(&w->books));
        book->first_entry = book->last_entry = NONE;
    }
    const struct order *order = ORDER(w, request->order);
    struct payment_row *payment = PAYMENT(w, payment_index);
    payment->order = request->order;
    payment->merchant = order->merchant;
    payment->key = request->key;
    payment->fingerprint = request->fingerprint;
    payment->try_number = try_number;
    payment->request = request_index;
    payment->operation = order->operation;
    payment->amount = order->amount;
    payment->parent = order->parent;
    payment->capture = payment->first_capture = payment->next_capture = NONE;
    payment->reversal_of = order->reversal_of;
    payment->is_unreserved =
        order->reversal_of > 0 &&
        !PAYMENT(w, order->parent)->attempt[order->reversal_of - 1].is_reserved;
    if (order->reversal_of > 0)
        payment->then = operation_then(w, order->parent, (uint8_t)(order->reversal_of - 1));
    if (order->operation == OPERATION_VOID && order->reversal_of == 0) /* all that is left */
        payment->amount = operation_left(&PAYMENT(w, order->parent)->limits, OPERATION_VOID);
    for (int i = 0; i < ATTEMPT_MAX; i++)
        payment->attempt[i].first_outcome = payment->attempt[i].last_outcome = NONE;

    if (payment->amount <= 0 || !operation_choose(w, payment)) {
        client_told(w, request_index, TOLD_LIMIT, payment_index);
        return;
    }
    uint32_t index = worker_take_flight(w, worker, request_index, payment_index);
    struct flight *flight = FLIGHT(w, index);
    struct orchestrate_candidate candidates[PROVIDER_MAX];
    size_t count = draw_route(w, flight, candidates);
    orchestrate_init(&flight->core, &w->limits, payment->operation, candidates, count);
    decide_first(w, flight);
    world_push(w, w->now + w->limits.answer_us, SIM_DEADLINE, index, flight->generation);
    step(w, index, &(struct orchestrate_event){.kind = EVENT_BEGIN});
}

void worker_request(struct world *w, uint32_t index)
{
    const struct request *request = REQUEST(w, index);
    if (request->is_closed)
        return;
    if (!w->worker[request->worker].is_alive)
        client_lost(w, index);
    else
        begin_payment(w, request->worker, index, 1);
}
