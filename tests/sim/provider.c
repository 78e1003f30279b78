/*
 * Fake providers: what arrives, what takes effect and when, what is answered, and books of their
 * own.
 *
 * What a provider guarantees, and nothing more:
 *   - a request takes effect, if ever, within `settle` after its arrival, or it was answered
 * "pending"
 *   - a key protects for `key_lifetime` from its first use (replay NONE: never)
 *   - later than `settle` after the last arrival a lookup and a repeat tell the truth (or an error)
 *   - what waits for its payer moves nothing; where it then needs us, a send under a new key
 *     completes it, each new key again: nothing but the core keeps that to one
 */
#include "bugs.h"
#include "sim.h"

struct verdict { /* how a request is treated */
    struct orchestrate_answer answer;
    bool is_lost; /* no answer comes */
    bool resets;  /* lost at once, not by time-out */
};

static struct provider_fake *provider_of(struct world *w, const struct call *call)
{
    return &w->provider[PAYMENT(w, call->payment)->attempt[call->attempt].provider];
}

static struct orchestrate_answer whole(enum outcome outcome)
{
    return (struct orchestrate_answer){
        .left = true,
        .whole = true,
        .outcome = outcome,
        .answers_key = outcome == OUTCOME_FAILED,
    };
}

static enum outcome decide(struct world *w)
{
    if (chance(w, FAULT_DECLINE_SOFT))
        return OUTCOME_DECLINED_SOFT;
    if (chance(w, FAULT_DECLINE_HARD))
        return OUTCOME_DECLINED_HARD;
    if (chance(w, FAULT_FAILED))
        return OUTCOME_FAILED;
    return OUTCOME_APPROVED;
}

/* ---- effects --------------------------------------------------------------------------------- */

/* When it will be held no longer. */
static void draw_hold(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index / ATTEMPT_MAX);
    int64_t after = w->provider[payment->attempt[index % ATTEMPT_MAX].provider].held_for;
    if (!chance(w, FAULT_HOLD_ENDS))
        return;
    if (chance(w, FAULT_HOLD_EARLY)) {
        mark(w, MARK_HOLD_EARLY);
        after = between(w, 0, after);
    } else if (chance(w, FAULT_HOLD_LATE)) {
        mark(w, MARK_HOLD_LATE);
        after += between(w, 0, after / 2);
    }
    world_push(w, w->now + after, SIM_HOLD_END, index, 0);
}

uint32_t hold_of(const struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index);
    uint8_t at = last_attempt(PAYMENT(w, payment->parent));
    if (payment->reversal_of > 0)
        at = (uint8_t)(payment->reversal_of - 1);
    return book_index(payment->parent, at);
}

void provider_hold_end(struct world *w, uint32_t index)
{
    struct book *book = BOOK(w, index);
    uint32_t payment = index / ATTEMPT_MAX;
    const struct attempt_row *attempt = &PAYMENT(w, payment)->attempt[index % ATTEMPT_MAX];
    if (book->is_voided || book->captured >= book->net)
        return;
    mark(w, MARK_HOLD_ENDED);
    if (!attempt->has_final_outcome)
        mark(w, MARK_HOLD_UNSEEN);
    if (PAYMENT(w, payment)->limits.capture_open > 0)
        mark(w, MARK_HOLD_RACED);
    world_trace(w, "book %u: held no longer", index);
    book->hold_ended_at = w->now;
    hint_send(w, index);
}

static void move_hold(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index / ATTEMPT_MAX);
    if (payment->operation == OPERATION_AUTHORIZE)
        draw_hold(w, index);
    else if (payment->operation == OPERATION_CAPTURE)
        BOOK(w, hold_of(w, index / ATTEMPT_MAX))->captured += payment->amount;
    else if (payment->operation == OPERATION_VOID)
        BOOK(w, hold_of(w, index / ATTEMPT_MAX))->is_voided = true;
}

static void take_effect(struct world *w, uint32_t index, enum outcome outcome)
{
    struct book *book = BOOK(w, index);
    book->state = BOOK_DONE;
    book->outcome = outcome;
    if (outcome != OUTCOME_APPROVED)
        return;
    enum operation operation = PAYMENT(w, index / ATTEMPT_MAX)->operation;
    move_hold(w, index);
    if (operation == OPERATION_PAYOUT)
        mark(w, MARK_PAYOUT_PAID);
    else if (operation_is_follow_up(operation))
        mark(w, operation == OPERATION_CAPTURE ? MARK_CAPTURED
                : operation == OPERATION_VOID  ? MARK_VOIDED
                                               : MARK_REFUNDED);
    book->net += PAYMENT(w, index / ATTEMPT_MAX)->amount;
    book->captures++;
    if (book->charged_at == 0)
        book->charged_at = w->now;
}

void provider_say_again(struct world *w, uint32_t index)
{
    for (int64_t after = 1 * SEC; after < 14 * 24 * 3600 * SEC; after *= 8)
        world_push(w, w->now + after, SIM_HINT, index, 0);
}

/* Paid after a person may have said that it was not. */
static void may_be_overtaken(struct world *w, uint32_t index)
{
    const struct payment_row *payment = PAYMENT(w, index / ATTEMPT_MAX);
    const struct attempt_row *attempt = &payment->attempt[index % ATTEMPT_MAX];
    bool is_charge =
        payment->operation == OPERATION_SALE || payment->operation == OPERATION_AUTHORIZE;
    if (!is_charge || attempt->cases == 0 || BOOK(w, index)->outcome != OUTCOME_APPROVED)
        return;
    if (attempt->has_final_outcome)
        mark(w, MARK_CASE_OVERTAKEN);
    BOOK(w, index)->is_late = true;
    provider_say_again(w, index);
}

void provider_effect(struct world *w, uint32_t index)
{
    struct book *book = BOOK(w, index);
    if (book->state == BOOK_ASKED && book->effect_at == w->now) {
        mark(w, MARK_PAYER_CONSENT);
        book->state = BOOK_CONSENT;
        return;
    }
    if ((book->state != BOOK_WORKING && book->state != BOOK_PENDING) || book->effect_at != w->now)
        return;
    if (book->state == BOOK_WORKING)
        mark(w, MARK_LATE_EFFECT);
    else
        mark(w, book->effect == OUTCOME_APPROVED ? MARK_PENDING_APPROVED
                : book->effect == OUTCOME_FAILED ? MARK_PAYOUT_RETURNED
                                                 : MARK_PENDING_DECLINED);
    world_trace(w, "book %u: late %s", index, outcome_name(book->effect));
    take_effect(w, index, book->effect);
    hint_send(w, index);
    may_be_overtaken(w, index);
}

static void start_later(struct world *w, uint32_t index, enum book_state state, int64_t after)
{
    struct book *book = BOOK(w, index);
    bool is_payout = PAYMENT(w, index / ATTEMPT_MAX)->operation == OPERATION_PAYOUT;
    book->state = state;
    book->effect = OUTCOME_APPROVED;
    if (state == BOOK_PENDING && rng_below(&w->rng, 2) == 0)
        book->effect = is_payout ? OUTCOME_FAILED : OUTCOME_DECLINED_HARD; /* it comes back */
    book->effect_at = w->now + after;
    world_push(w, book->effect_at, SIM_EFFECT, index, 0);
}

/* ---- a charge under a key that is new, or no longer known ------------------------------------ */

static struct verdict lose(bool resets)
{
    return (struct verdict){.answer = {.left = true}, .is_lost = true, .resets = resets};
}

static struct verdict say(enum outcome outcome)
{
    return (struct verdict){.answer = whole(outcome)};
}

static struct verdict say_inert(bool has_consent)
{
    struct verdict verdict = say(has_consent ? OUTCOME_PENDING : OUTCOME_REQUIRES_ACTION);
    verdict.answer.is_inert = true;
    verdict.answer.may_continue = has_consent;
    return verdict;
}

static struct verdict ask_payer(struct world *w, uint32_t index)
{
    struct book *book = BOOK(w, index);
    book->state = BOOK_ASKED;
    book->was_asked = true;
    book->pending_word = OUTCOME_REQUIRES_ACTION;
    uint64_t draw = rng_below(&w->rng, 4);
    bool is_soon = draw < 2;
    int64_t last = w->limits.action_us - w->limits.send_window_us - w->limits.action_max_us;
    book->effect_at = w->now + between(w, 0, is_soon ? w->limits.action_us / 4 : 7200 * SEC);
    if (draw == 2 && last > 0) /* at the last moment */
        book->effect_at = w->now + last - between(w, 0, last < 5 * SEC ? last : 5 * SEC);
    if (!chance(w, FAULT_PAYER_AWAY))
        world_push(w, book->effect_at, SIM_EFFECT, index, 0);
    if (chance(w, FAULT_CANCEL_ASKED)) { /* about when the payer consents, or at any time */
        int64_t at = is_soon ? book->effect_at + between(w, 0, 4 * SEC) : w->now;
        world_push(w, at, SIM_CANCEL, PAYMENT(w, index / ATTEMPT_MAX)->order, 0);
    }
    return say_inert(false);
}

/* The request is dropped before the provider looks at the key. */
static bool refused_at_door(struct world *w, enum call_kind kind, struct verdict *verdict)
{
    if (!chance(w, FAULT_DOOR))
        return false;
    *verdict = say(OUTCOME_FAILED);
    verdict->answer.answers_key = false;
    verdict->answer.may_send_again = rng_below(&w->rng, 2) == 0;
    verdict->answer.not_found = kind == CALL_REPEAT && rng_below(&w->rng, 8) == 0;
    return true;
}

static bool dropped_before(struct world *w, enum call_kind kind, struct verdict *verdict)
{
    if (chance(w, FAULT_RESET_BEFORE))
        *verdict = lose(true);
    else if (chance(w, FAULT_HANG_BEFORE))
        *verdict = lose(false);
    else if (chance(w, FAULT_500_BEFORE))
        *verdict = say(OUTCOME_UNKNOWN);
    else
        return refused_at_door(w, kind, verdict);
    return true;
}

/* Of payments that can be looked up: else nobody would ever know. */
static void may_break_word(struct world *w, const struct call *call, enum outcome outcome)
{
    const struct provider_fake *provider = provider_of(w, call);
    enum operation operation = PAYMENT(w, call->payment)->operation;
    bool is_charge = operation == OPERATION_SALE || operation == OPERATION_AUTHORIZE;
    if (outcome == OUTCOME_APPROVED || !is_charge || !provider->can_lookup ||
        provider->replay == REPLAY_NONE || !chance(w, FAULT_LATE_SUCCESS))
        return;
    int64_t at = w->now + between(w, 1 * SEC, 120 * SEC);
    world_push(w, at, SIM_LATE, book_index(call->payment, call->attempt), 0);
}

void provider_late(struct world *w, uint32_t index)
{
    struct book *book = BOOK(w, index);
    if (book->state != BOOK_DONE || book->outcome == OUTCOME_APPROVED)
        return;
    mark(w, MARK_LATE_SUCCESS);
    world_trace(w, "book %u: approved after all", index);
    book->is_late = true;
    take_effect(w, index, OUTCOME_APPROVED);
    provider_say_again(w, index);
}

/*
 * A capture of what is held no longer; a void of it, too, though to one of ours it often says that
 * all is well. (Where nobody looks at cases, always: its sum would be reserved for ever.)
 */
static bool comes_too_late(struct world *w, const struct call *call)
{
    const struct payment_row *payment = PAYMENT(w, call->payment);
    bool is_of_hold =
        payment->operation == OPERATION_CAPTURE || payment->operation == OPERATION_VOID;
    bool is_kind =
        payment->reversal_of > 0 && (!happens(w, FAULT_PERSON) || rng_below(&w->rng, 2) == 0);
    if (!is_of_hold || is_kind || !hold_is_gone(BOOK(w, hold_of(w, call->payment))))
        return false;
    if (payment->operation == OPERATION_CAPTURE)
        mark(w, MARK_CAPTURE_AFTER_HOLD);
    return true;
}

static bool refuses_reversal(struct world *w, uint32_t payment)
{
    return PAYMENT(w, payment)->reversal_of > 0 && happens(w, FAULT_REVERSAL_REFUSED) &&
           rng_chance(&w->rng, w->chance[FAULT_REVERSAL_REFUSED]);
}

static struct verdict execute(struct world *w, const struct call *call, struct book *book)
{
    const struct provider_fake *provider = provider_of(w, call);
    uint32_t index = book_index(call->payment, call->attempt);
    book->key_at = w->now;
    if (call->kind == CALL_REPEAT)
        mark(w, MARK_REPEAT_EXECUTED);
    if (book->state == BOOK_NONE && comes_too_late(w, call)) {
        book->first_answer = OUTCOME_FAILED;
        take_effect(w, index, OUTCOME_FAILED);
        return say(OUTCOME_FAILED);
    }
    book->accepted_at = w->now;
    if (book->state == BOOK_NONE && refuses_reversal(w, call->payment)) {
        book->first_answer = OUTCOME_DECLINED_HARD;
        take_effect(w, index, OUTCOME_DECLINED_HARD);
        return say(OUTCOME_DECLINED_HARD);
    }
    if (chance(w, FAULT_LATE_EFFECT) && provider->replay != REPLAY_NONE) {
        start_later(w, index, BOOK_WORKING, between(w, 0, provider->settle));
        return rng_below(&w->rng, 2) == 0 ? lose(false) : say(OUTCOME_UNKNOWN);
    }
    /* A payout is often decided later. */
    bool is_payout = PAYMENT(w, call->payment)->operation == OPERATION_PAYOUT;
    bool pends = is_payout ? rng_below(&w->rng, 3) == 0 : chance(w, FAULT_PENDING);
    bool acts = !pends && !is_payout &&
                (chance(w, FAULT_ACTION) || (provider->needs_us && rng_below(&w->rng, 12) == 0));
    if (acts && provider->needs_us) {
        book->first_answer = OUTCOME_REQUIRES_ACTION;
        return ask_payer(w, index);
    }
    if (pends || acts) {
        bool is_soon = is_payout && rng_below(&w->rng, 8) != 0;
        book->pending_word = pends ? OUTCOME_PENDING : OUTCOME_REQUIRES_ACTION;
        book->first_answer = book->pending_word;
        start_later(w, index, BOOK_PENDING, between(w, 0, is_soon ? 60 * SEC : 7200 * SEC));
        return say(book->pending_word);
    }
    enum outcome outcome = decide(w);
    take_effect(w, index, outcome);
    hint_send(w, index);
    may_break_word(w, call, outcome);
    book->first_answer = outcome;
    book->mismatch = outcome == OUTCOME_APPROVED && chance(w, FAULT_MISMATCH);
    if (chance(w, FAULT_500_CACHED)) {
        book->first_answer = OUTCOME_UNKNOWN;
        return say(OUTCOME_UNKNOWN);
    }
    struct verdict verdict = say(outcome);
    verdict.answer.amount_mismatch = book->mismatch;
    return verdict;
}

/* The answer to what was done may still be lost. */
static struct verdict answer_or_lose(struct world *w, struct verdict verdict)
{
    if (chance(w, FAULT_RESET_AFTER))
        return lose(true);
    if (chance(w, FAULT_HANG_AFTER))
        return lose(false);
    if (chance(w, FAULT_500_AFTER) || chance(w, FAULT_GARBAGE))
        return say(OUTCOME_UNKNOWN);
    return verdict;
}

/* ---- a key that is known --------------------------------------------------------------------- */

static enum outcome current_word(const struct book *book)
{
    if (book->state == BOOK_PENDING)
        return book->pending_word;
    if (book->state == BOOK_DONE && hold_is_gone(book))
        return OUTCOME_FAILED;
    return book->state == BOOK_DONE ? book->outcome : OUTCOME_UNKNOWN;
}

static struct verdict replay(struct world *w, const struct call *call, struct book *book)
{
    enum orchestrate_replay style = provider_of(w, call)->replay;
    if (style == REPLAY_DUPLICATE) {
        struct verdict verdict = say(rng_below(&w->rng, 2) == 0 ? OUTCOME_UNKNOWN : OUTCOME_FAILED);
        verdict.answer.duplicate = true;
        if (chance(w, FAULT_LIE)) { /* no balance left: the first send took it */
            mark(w, MARK_REPEAT_REFUSED);
            return say(OUTCOME_FAILED);
        }
        mark(w, MARK_DUPLICATE);
        return verdict;
    }
    if (book->state == BOOK_ASKED || book->state == BOOK_CONSENT)
        return say_inert(book->state == BOOK_CONSENT && style == REPLAY_LATEST_STATE);
    if (book->state == BOOK_WORKING) {
        if (!chance(w, FAULT_LIE))
            return say(OUTCOME_UNKNOWN); /* 409, in progress */
        mark(w, MARK_REPEAT_LIED);
        uint64_t draw = rng_below(&w->rng, 3);
        return say(draw == 0   ? OUTCOME_FAILED
                   : draw == 1 ? OUTCOME_DECLINED_SOFT
                               : OUTCOME_DECLINED_HARD);
    }
    bool says_first = style == REPLAY_FIRST_ANSWER && book->first_answer != OUTCOME_NONE;
    struct verdict verdict = say(says_first ? book->first_answer : current_word(book));
    verdict.answer.amount_mismatch = book->mismatch && verdict.answer.outcome == OUTCOME_APPROVED;
    return verdict;
}

static bool key_is_known(const struct world *w, const struct provider_fake *provider,
                         const struct book *book)
{
    if (book->state == BOOK_NONE || provider->replay == REPLAY_NONE)
        return false;
    return provider->key_lifetime == 0 || w->now <= book->key_at + provider->key_lifetime;
}

/* ---- after the payer's consent --------------------------------------------------------------- */

static bool continued_is_known(const struct world *w, const struct provider_fake *provider,
                               const struct call *call, const struct book *book)
{
    if (call->send_number < book->continued)
        return true;
    return call->send_number == book->continued && provider->replay != REPLAY_NONE &&
           (provider->key_lifetime == 0 || w->now <= book->continued_at + provider->key_lifetime);
}

/* A send under a key of its own completes it: a new key does so again. */
static struct verdict go_on(struct world *w, const struct call *call, struct book *book)
{
    const struct provider_fake *provider = provider_of(w, call);
    uint32_t index = book_index(call->payment, call->attempt);
    if (call->kind == CALL_REPEAT)
        mark(w, MARK_PAYER_REPEATED);
    if (continued_is_known(w, provider, call, book)) {
        if (provider->replay == REPLAY_FIRST_ANSWER && book->continued_answer != OUTCOME_NONE)
            return book->continued_answer == OUTCOME_REQUIRES_ACTION ? say_inert(false)
                                                                     : say(book->continued_answer);
        return replay(w, call, book);
    }
    if (book->state == BOOK_ASKED)
        return say_inert(false);
    if (book->state == BOOK_WORKING) { /* another key is at work: this one charges besides */
        book->net += PAYMENT(w, call->payment)->amount;
        return say(OUTCOME_APPROVED);
    }
    if (book->state == BOOK_DONE && book->outcome != OUTCOME_APPROVED)
        return say(book->outcome);
    book->continued = call->send_number;
    book->continued_at = w->now;
    book->continued_answer = OUTCOME_NONE;
    bool is_late = faults_are_on(w) && rng_below(&w->rng, 4) == 0;
    if (book->state == BOOK_CONSENT && is_late && provider->replay != REPLAY_NONE) {
        start_later(w, index, BOOK_WORKING, between(w, 0, provider->settle));
        return rng_below(&w->rng, 2) == 0 ? lose(false) : say(OUTCOME_UNKNOWN);
    }
    if (book->state == BOOK_CONSENT && faults_are_on(w) && rng_below(&w->rng, 8) == 0) {
        mark(w, MARK_PAYER_ASKED_AGAIN);
        book->continued_answer = OUTCOME_REQUIRES_ACTION;
        return ask_payer(w, index);
    }
    enum outcome outcome = book->state == BOOK_DONE ? OUTCOME_APPROVED : decide(w);
    take_effect(w, index, outcome);
    book->continued_answer = outcome;
    return faults_are_on(w) && rng_below(&w->rng, 4) == 0 ? lose(false) : say(outcome);
}

static struct verdict charge(struct world *w, const struct call *call, struct book *book)
{
    struct verdict verdict;
    if (dropped_before(w, call->kind, &verdict)) {
        if (call->kind == CALL_REPEAT && verdict.answer.outcome == OUTCOME_FAILED)
            mark(w, MARK_REPEAT_DOOR);
        return verdict;
    }
    if (call->step == STEP_CONTINUE)
        verdict = go_on(w, call, book);
    else if (key_is_known(w, provider_of(w, call), book))
        verdict = replay(w, call, book);
    else
        verdict = execute(w, call, book);
    if (verdict.is_lost)
        return verdict;
    return answer_or_lose(w, verdict);
}

/* ---- lookup and session ---------------------------------------------------------------------- */

static struct verdict not_found(void)
{
    struct verdict verdict = say(OUTCOME_FAILED);
    verdict.answer.not_found = true;
    verdict.answer.answers_key = false;
    return verdict;
}

static struct verdict look_up(struct world *w, const struct call *call, struct book *book)
{
    const struct provider_fake *provider = provider_of(w, call);
    struct verdict verdict;
    bool may_lie = w->now < book->last_arrival + provider->settle;
    if (dropped_before(w, CALL_LOOKUP, &verdict))
        return answer_or_lose(w, verdict);
    if (book->state == BOOK_PENDING && chance(w, FAULT_UNCLAIMED))
        book->pending_reason++; /* unclaimed, on hold, ... */
    if (may_lie && chance(w, FAULT_LIE)) {
        mark(w, book->state == BOOK_PENDING ? MARK_PENDING_NOT_FOUND : MARK_LOOKUP_LIED);
        if (book->state == BOOK_WORKING && rng_below(&w->rng, 2) == 0)
            return say(rng_below(&w->rng, 2) == 0 ? OUTCOME_DECLINED_SOFT : OUTCOME_FAILED);
        return not_found();
    }
    if (book->state == BOOK_NONE)
        return not_found();
    bool is_hidden = book->state == BOOK_WORKING || (may_lie && chance(w, FAULT_LIE));
    if (book->was_asked && (is_hidden || book->state == BOOK_CONSENT))
        return answer_or_lose(w, say_inert(true)); /* nothing of a send that is at work is seen */
    if (book->state == BOOK_ASKED)
        return answer_or_lose(w, say_inert(false));
    verdict = say(current_word(book));
    verdict.answer.amount_mismatch = book->mismatch && verdict.answer.outcome == OUTCOME_APPROVED;
    return answer_or_lose(w, verdict);
}

/*
 * Only what is accepted and not yet decided can be canceled; of the rest nothing is said that a
 * lookup would not say.
 */
static struct verdict cancel(struct world *w, const struct call *call, struct book *book)
{
    struct verdict verdict;
    if (dropped_before(w, CALL_CANCEL, &verdict))
        return verdict;
    if (book->state == BOOK_NONE)
        return not_found();
    bool is_inert = book->state == BOOK_ASKED || book->state == BOOK_CONSENT;
    if (book->state != BOOK_PENDING && !is_inert) {
        mark(w, MARK_CANCEL_TOO_LATE);
        return answer_or_lose(w, say(book->state == BOOK_DONE && rng_below(&w->rng, 2) == 0
                                         ? current_word(book)
                                         : OUTCOME_UNKNOWN));
    }
    if (rng_below(&w->rng, 4) == 0) /* not in this state, says the provider */
        return answer_or_lose(w, say(OUTCOME_UNKNOWN));
    take_effect(w, book_index(call->payment, call->attempt), OUTCOME_FAILED);
    book->was_canceled = true;
    verdict = answer_or_lose(w, say(OUTCOME_FAILED));
    if (verdict.is_lost || verdict.answer.outcome != OUTCOME_FAILED)
        mark(w, MARK_CANCEL_LOST);
    return verdict;
}

static struct verdict open_session(struct world *w)
{
    struct verdict verdict;
    if (dropped_before(w, CALL_FIRST, &verdict))
        return verdict;
    if (chance(w, FAULT_DECLINE_SOFT))
        return say(OUTCOME_DECLINED_SOFT);
    return answer_or_lose(w, say(OUTCOME_NONE));
}

/* ---- the wire -------------------------------------------------------------------------------- */

static void answer_at(struct world *w, uint32_t index, int64_t at, struct orchestrate_answer answer)
{
    struct call *call = CALL(w, index);
    int64_t latest = call->started_at + w->limits.call_us;
    if (at >= latest) { /* the engine gives up first */
        at = latest;
        answer = (struct orchestrate_answer){.left = true};
    }
    call->answer = answer;
    world_push(w, at, SIM_ANSWER, index, 0);
}

static bool is_down(const struct world *w, const struct provider_fake *provider)
{
    return faults_are_on(w) && w->now >= provider->down_from && w->now < provider->down_to;
}

/* The engine starts a call. Its window was checked; from here on it leaves, unless nothing
 * connects. */
void provider_send(struct world *w, uint32_t index)
{
    struct call *call = CALL(w, index);
    const struct provider_fake *provider = provider_of(w, call);
    bool refuses = is_down(w, provider) && !provider->down_hangs;
    w->send_count++;
    if (refuses || chance(w, FAULT_REFUSE)) {
        narrate_call(w, call, "refused", "none");
        call->answer = (struct orchestrate_answer){.left = false};
        world_push(w, w->now + between(w, 1 * MS, 20 * MS), SIM_ANSWER, index, 0);
        return;
    }
    int64_t delay = provider->latency / 2 + between(w, 0, provider->latency / 4);
    if (chance(w, FAULT_LATE_ARRIVAL)) {
        mark(w, MARK_LATE_ARRIVAL);
        delay = between(w, 0, w->limits.call_us);
    }
    world_push(w, w->now + delay, SIM_ARRIVE, index, 0);
    if (has_bug(SIM_BUG_ENGINE_SENDS_AGAIN) && delay > provider->latency)
        world_push(w, w->now + delay + 1, SIM_ARRIVE, index, 0);
    crash_call(w, index, CRASH_SENT);
}

static void narrate_verdict(const struct world *w, const struct call *call,
                            const struct verdict *verdict, enum book_state before,
                            enum book_state after)
{
    const struct orchestrate_answer *answer = &verdict->answer;
    const char *word = outcome_name(answer->outcome);
    if (verdict->is_lost)
        word = verdict->resets ? "reset" : "hang";
    else if (answer->not_found)
        word = "not_found";
    else if (answer->duplicate)
        word = "duplicate";
    else if (answer->amount_mismatch)
        word = "mismatch";
    else if (answer->outcome == OUTCOME_FAILED && !answer->answers_key)
        word = answer->may_send_again ? "door_again" : "door";
    narrate_call(w, call, word,
                 before != BOOK_NONE     ? "known"
                 : after == BOOK_WORKING ? "late"
                 : after == BOOK_NONE    ? "none"
                 : after == BOOK_DONE    ? "done"
                                         : "waits");
}

void provider_arrive(struct world *w, uint32_t index)
{
    struct call *call = CALL(w, index);
    const struct provider_fake *provider = provider_of(w, call);
    uint32_t at = book_index(call->payment, call->attempt);
    struct book *book = BOOK(w, at);
    struct entry *entry = ENTRY(w, call->entry);
    struct verdict verdict;
    enum book_state before = book->state;
    bool is_again = entry->arrived; /* below the engine: it hears the first answer */
    entry->arrived = true;
    entry->arrived_at = w->now;
    if (is_down(w, provider))
        verdict = lose(false);
    else if (call->kind == CALL_LOOKUP)
        verdict = look_up(w, call, book);
    else if (call->kind == CALL_CANCEL)
        verdict = cancel(w, call, book);
    else if (call->step == STEP_SESSION)
        verdict = open_session(w);
    else
        verdict = charge(w, call, book);
    if (call->kind == CALL_FIRST || call->kind == CALL_REPEAT)
        book->last_arrival = w->now;
    call->pending_reason = book->pending_reason;
    narrate_verdict(w, call, &verdict, before, book->state);
    world_trace(w, "book %u: %s %s arrives: %s%s%s%s", at,
                call->kind == CALL_LOOKUP   ? "lookup"
                : call->kind == CALL_CANCEL ? "cancel"
                : call->kind == CALL_REPEAT ? "repeat"
                                            : "send",
                call->step == STEP_SESSION ? "session" : "charge",
                verdict.is_lost ? "lost" : outcome_name(verdict.answer.outcome),
                verdict.answer.not_found ? " not_found" : "",
                verdict.answer.may_send_again ? " again" : "",
                verdict.answer.answers_key ? " answers_key" : "");
    int64_t back = w->now + provider->latency / 2;
    if (has_bug(SIM_BUG_LEFT_BY_ERROR_CODE) && verdict.resets)
        verdict.answer.left = false;
    if (verdict.is_lost && !verdict.resets)
        back = call->started_at + w->limits.call_us;
    if (is_again)
        return;
    answer_at(w, index, back, verdict.answer);
    crash_call(w, index, CRASH_DONE);
}
