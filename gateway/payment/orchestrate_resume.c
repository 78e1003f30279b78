#include "payment/orchestrate_internal.h"

/*
 * Where a provider can be asked in both ways, the looks go repeat, repeat, repeat, lookup, lookup:
 * a provider may answer every repeat with the error it has stored. Two lookups in a row, because
 * the first may come too early to prove anything, and a repeat would put off the settling time
 * again.
 */
enum {
    LOOKS_ROUND = 5,
    LOOKS_REPEATED = 3,
};

static const struct orchestrate_candidate *provider(const struct orchestrate *o)
{
    return &o->candidate[0];
}

int64_t orchestrate_settled_at(const struct orchestrate *o)
{
    if (orchestrate_money_has_arrived(&o->attempt) && !o->was_announced)
        return 0;
    int64_t window_us = o->limits.send_window_us + o->limits.call_us;
    int64_t settle_us = provider(o)->settle_us;
    if (HAS_BUG(BUG_SETTLE_FORGETS_WINDOW))
        window_us = 0;
    if (HAS_BUG(BUG_SETTLE_FORGETS_PROVIDER))
        settle_us = 0;
    return o->attempt.last_intent_us + window_us + settle_us + o->limits.skew_us;
}

static bool is_canceled(const struct orchestrate *o)
{
    return o->is_canceled && !HAS_BUG(BUG_REPEAT_CANCELED);
}

bool orchestrate_may_repeat(const struct orchestrate *o, int64_t now_us)
{
    const struct orchestrate_attempt *attempt = &o->attempt;
    if (is_canceled(o) || (provider(o)->replay == REPLAY_NONE && !HAS_BUG(BUG_REPEAT_WITHOUT_KEY)))
        return false;
    if (orchestrate_last_money_send(attempt) == 0)
        return false;
    if (provider(o)->key_lifetime_us == 0 || HAS_BUG(BUG_REPEAT_AFTER_KEY))
        return true;
    /* A key counts from the first send that may have used it, and the repeat may arrive late. */
    int64_t arrives_us = now_us + o->limits.send_window_us + o->limits.call_us + o->limits.skew_us;
    int64_t used_us = orchestrate_first_of_key(attempt)->created_us;
    if (HAS_BUG(BUG_KEY_FROM_LAST_SEND))
        used_us = attempt->last_intent_us;
    return arrives_us < used_us + provider(o)->key_lifetime_us;
}

/* Told and asked in turn: the answer to the cancel may be lost, and the lookup says how it ended. */
static bool should_cancel(const struct orchestrate *o)
{
    const struct orchestrate_candidate *asked = provider(o);
    return o->is_canceled && asked->can_cancel && (o->tries % 2 == 0 || !asked->can_lookup);
}

static enum orchestrate_send_kind choose_look(const struct orchestrate *o, int64_t now_us,
                                              bool *found)
{
    const struct orchestrate_candidate *asked = provider(o);
    bool may_repeat = orchestrate_may_repeat(o, now_us);
    if (should_cancel(o)) {
        *found = true;
        return SEND_CANCEL;
    }
    if (orchestrate_payer_is_late(o, now_us) && asked->can_lookup)
        may_repeat = false;                  /* it could still complete what is to end */
    if (o->attempt.state == ATTEMPT_PENDING) /* the first answer would say "pending" for ever */
        may_repeat = may_repeat && asked->replay == REPLAY_LATEST_STATE;
    bool prefers_lookup = o->attempt.state == ATTEMPT_PENDING ||
                          asked->replay == REPLAY_DUPLICATE ||
                          o->tries % LOOKS_ROUND >= LOOKS_REPEATED;
    *found = may_repeat || asked->can_lookup;
    if (may_repeat && !(asked->can_lookup && prefers_lookup))
        return SEND_REPEAT;
    return SEND_LOOKUP;
}

/* ---- how a look ends ------------------------------------------------------------------------- */

/* A payout that the provider has accepted, and the merchant does not want back. */
static bool is_patient(const struct orchestrate *o)
{
    return o->operation == OPERATION_PAYOUT && o->attempt.state == ATTEMPT_PENDING &&
           !o->is_canceled;
}

static int64_t back_off(const struct orchestrate *o, int64_t now_us)
{
    int64_t pause_us = o->limits.resolve_first_us;
    int64_t max_us = is_patient(o) ? o->limits.payout_max_us : o->limits.resolve_max_us;
    if (o->action_expires_us > now_us && o->limits.action_max_us < max_us)
        max_us = o->limits.action_max_us; /* somebody sits before a page */
    for (int32_t i = 0; i < o->tries && pause_us < max_us; i++)
        pause_us *= 2;
    return pause_us < max_us ? pause_us : max_us;
}

/* Into CLOSING with what o->pending holds; the status is left alone when the payment has ended. */
static void close_look(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    if (o->payment_is_final) {
        o->pending.status = PAYMENT_NONE;
        o->pending.stores_answer = false;
        o->pending.needs_review = o->pending.needs_review || o->pending.posts_transfers;
        if (o->pending.posts_transfers)
            o->pending.review = REVIEW_LATE_SUCCESS;
    }
    orchestrate_write(o, PHASE_CLOSING, now_us, action);
}

static void put_park(struct orchestrate *o, int64_t next_us)
{
    o->pending.parks = true;
    o->pending.park_next_us = next_us;
    o->pending.park_tries = o->tries + 1;
}

/* The merchant had canceled it, and nobody could stop it any more. */
static bool is_to_be_taken_back(const struct orchestrate *o)
{
    return o->is_canceled && o->told == OUTCOME_NONE &&
           (o->operation == OPERATION_SALE || o->operation == OPERATION_AUTHORIZE);
}

static void finish_for(struct orchestrate *o, enum orchestrate_cause cause, uint8_t send_number,
                       enum outcome outcome, bool left, int64_t now_us,
                       struct orchestrate_action *action)
{
    CHECK(outcome_is_final(outcome));
    o->pending = (struct orchestrate_write_plan){
        .posts_transfers = outcome == OUTCOME_APPROVED && !HAS_BUG(BUG_NOT_POSTED) &&
                           !(HAS_BUG(BUG_TOLD_NOT_POSTED) && o->told != OUTCOME_NONE),
        .has_event = true,
        .status = cause == CAUSE_CANCELED ? PAYMENT_CANCELED : orchestrate_status(o, outcome),
        .cause = cause,
        .stores_answer = true,
        .unparks = o->told == OUTCOME_NONE,
    };
    orchestrate_put_outcome(o, send_number, outcome, left);
    orchestrate_move(&o->attempt, o->attempt.state == ATTEMPT_PLANNED
                                      ? ATTEMPT_ABANDON
                                      : orchestrate_attempt_event(outcome));
    orchestrate_watch_hold(o, outcome, now_us);
    if (outcome == OUTCOME_APPROVED && is_to_be_taken_back(o)) {
        o->pending.needs_review = true;
        o->pending.review = REVIEW_LATE_SUCCESS;
    }
    close_look(o, now_us, action);
}

static void finish(struct orchestrate *o, uint8_t send_number, enum outcome outcome, bool left,
                   int64_t now_us, struct orchestrate_action *action)
{
    finish_for(o, CAUSE_ANSWER, send_number, outcome, left, now_us, action);
}

static void fill_review(struct orchestrate *o, enum review_kind kind)
{
    o->pending = (struct orchestrate_write_plan){
        .has_event = true,
        .status = PAYMENT_REVIEW,
        .unparks = true,
        .needs_review = true,
        .review = kind,
    };
    orchestrate_put_outcome(o, orchestrate_last_money_send(&o->attempt), OUTCOME_UNKNOWN, true);
}

static void review(struct orchestrate *o, enum review_kind kind, int64_t now_us,
                   struct orchestrate_action *action)
{
    fill_review(o, kind);
    close_look(o, now_us, action);
}

static void review_open(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    bool is_pending = o->attempt.state == ATTEMPT_PENDING;
    review(o, is_pending ? REVIEW_PENDING_TOO_LONG : REVIEW_UNKNOWN_TOO_LONG, now_us, action);
}

/* Nothing new is known: look again later, or let a person look. */
static void put_back(struct orchestrate *o, int64_t not_before_us, int64_t now_us,
                     struct orchestrate_action *action)
{
    int64_t bound_us = o->limits.review_after_us;
    if (o->attempt.state == ATTEMPT_PENDING)
        bound_us = o->operation == OPERATION_PAYOUT ? o->limits.payout_after_us
                                                    : o->limits.pending_after_us;
    if (HAS_BUG(BUG_REVIEW_AT_ONCE))
        bound_us = 0;
    if (now_us - o->unknown_since_us >= bound_us && !HAS_BUG(BUG_NEVER_REVIEW)) {
        review_open(o, now_us, action);
        return;
    }
    int64_t next_us = now_us + back_off(o, now_us);
    if (o->action_expires_us > now_us && next_us > o->action_expires_us)
        next_us = o->action_expires_us;
    o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE};
    put_park(o, next_us > not_before_us ? next_us : not_before_us);
    close_look(o, now_us, action);
}

void orchestrate_resume_put_back(struct orchestrate *o, int64_t not_before_us, int64_t now_us,
                                 struct orchestrate_action *action)
{
    put_back(o, not_before_us, now_us, action);
}

void orchestrate_resume_give_up(struct orchestrate *o, enum orchestrate_cause cause, int64_t now_us,
                                struct orchestrate_action *action)
{
    finish_for(o, cause, orchestrate_last_money_send(&o->attempt), OUTCOME_FAILED, true, now_us,
               action);
}

/* The provider has accepted it and decides later. */
static void accepted(struct orchestrate *o, uint8_t send_number, enum outcome outcome, bool is_news,
                     int64_t now_us, struct orchestrate_action *action)
{
    struct orchestrate_send_state *send =
        send_number > 0 ? &o->attempt.send[send_number - 1] : NULL;
    bool is_known = o->attempt.state == ATTEMPT_PENDING && send != NULL && send->outcome == outcome;
    if (is_known && !is_news) {
        put_back(o, now_us, now_us, action);
        return;
    }
    if (o->attempt.state != ATTEMPT_PENDING)
        orchestrate_move(&o->attempt, ATTEMPT_ACCEPT);
    o->pending = (struct orchestrate_write_plan){
        .has_event = true,
        .is_news = is_known,
        .status = orchestrate_status(o, outcome),
    };
    orchestrate_put_outcome(o, send_number, outcome, true);
    if (outcome == OUTCOME_REQUIRES_ACTION)
        orchestrate_put_expiry(o, now_us);
    put_park(o, now_us + back_off(o, now_us));
    close_look(o, now_us, action);
}

/* The key is taken, and the provider named what has it: kept, and asked for at once. */
static void note_owner(struct orchestrate *o, uint8_t send_number, int64_t now_us,
                       struct orchestrate_action *action)
{
    o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE};
    orchestrate_put_outcome(o, send_number, OUTCOME_UNKNOWN, true);
    put_park(o, now_us);
    close_look(o, now_us, action);
}

/* ---- the look -------------------------------------------------------------------------------- */

static void announce(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    o->pending = (struct orchestrate_write_plan){
        .status = PAYMENT_NONE,
        .announces_repeat = true,
    };
    orchestrate_put_outcome(o, orchestrate_last_money_send(&o->attempt), OUTCOME_UNKNOWN, true);
    o->was_announced = true;
    orchestrate_write(o, PHASE_ANNOUNCING, now_us, action);
}

static void send_look(struct orchestrate *o, enum orchestrate_send_kind kind, int64_t now_us,
                      struct orchestrate_action *action)
{
    o->look_us = now_us;
    o->is_canceling = kind == SEND_CANCEL;
    orchestrate_enter(o, PHASE_SENDING);
    action->kind = ACTION_SEND;
    action->send = kind;
    action->attempt_number = o->attempt_number;
    action->send_number = kind == SEND_REPEAT ? orchestrate_last_money_send(&o->attempt) : 0;
    action->not_after_us = now_us + o->limits.send_window_us;
    if (kind == SEND_REPEAT)
        action->not_after_us = o->attempt.last_intent_us + o->limits.send_window_us;
}

static void take_out(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE, .unparks = true};
    orchestrate_write(o, PHASE_CLOSING, now_us, action);
}

/* ---- what is final, and is looked up again ---- */

enum {
    RECHECKS_MAX = 8, /* looks in a row that say nothing */
    REVIEWS_MAX = 64, /* of an attempt whose rows are used up: webhooks make it due again */
    HOLD_PAUSES = 8,  /* the longest of them: this part of the time that a hold is watched on */
};

/* Something is held that its provider holds for a time only. */
static bool watches_hold(const struct orchestrate *o)
{
    return o->attempt.state == ATTEMPT_APPROVED && o->operation == OPERATION_AUTHORIZE &&
           (provider(o)->hold_us > 0 || o->hold_ends_us > 0) && !HAS_BUG(BUG_HOLD_GIVEN_UP);
}

static int64_t hold_end(const struct orchestrate *o)
{
    int64_t end_us = o->hold_ends_us;
    if (end_us == 0)
        end_us = o->attempt.send[0].created_us + provider(o)->hold_us;
    return end_us + o->limits.skew_us;
}

/* Who holds longer than it says, or is away, is asked so much longer. */
static int64_t hold_longer(const struct orchestrate *o)
{
    int64_t hold_us = provider(o)->hold_us;
    return hold_us > o->limits.pending_after_us ? hold_us : o->limits.pending_after_us;
}

/* It doubles: the end is known at most as late as it was late. */
static int64_t hold_pause(const struct orchestrate *o)
{
    int64_t pause_us = o->limits.resolve_first_us;
    int64_t max_us = hold_longer(o) / HOLD_PAUSES;
    for (int32_t i = 0; i < o->tries && pause_us < max_us; i++)
        pause_us *= 2;
    return pause_us < max_us ? pause_us : max_us;
}

static bool is_watched_enough(const struct orchestrate *o, int64_t now_us)
{
    return now_us >= hold_end(o) + hold_longer(o);
}

/* Nobody says that it is held no longer: a person has to find out. */
static void complain_of_hold(struct orchestrate *o)
{
    o->pending = (struct orchestrate_write_plan){
        .status = PAYMENT_NONE,
        .unparks = true,
        .needs_review = true,
        .review = REVIEW_HOLD_OVERDUE,
    };
    orchestrate_put_outcome(o, orchestrate_last_money_send(&o->attempt), OUTCOME_NONE, true);
}

static void watch_longer(struct orchestrate *o, int64_t now_us)
{
    if (is_watched_enough(o, now_us)) {
        complain_of_hold(o);
        return;
    }
    o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE, .rechecks = true};
    put_park(o, now_us + hold_pause(o));
}

void orchestrate_hold_in_use(struct orchestrate *o, int64_t now_us)
{
    if (o->pending.has_outcome) /* it is not written */
        o->attempt.outcome_count--;
    if (HAS_BUG(BUG_HOLD_IN_USE_FORGOTTEN))
        o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE, .unparks = true};
    else
        watch_longer(o, now_us);
}

static void look_later(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    if (watches_hold(o)) {
        watch_longer(o, now_us);
        close_look(o, now_us, action);
        return;
    }
    if (o->tries + 1 >= RECHECKS_MAX) {
        take_out(o, now_us, action);
        return;
    }
    o->pending = (struct orchestrate_write_plan){.status = PAYMENT_NONE, .rechecks = true};
    put_park(o, now_us + back_off(o, now_us));
    close_look(o, now_us, action);
}

/* Believed to have failed, and it has not: the money has moved all the same. */
static void believe(struct orchestrate *o, uint8_t send_number, int64_t now_us,
                    struct orchestrate_action *action)
{
    o->payment_is_final = true; /* it ended, or went on, without this attempt */
    o->pending = (struct orchestrate_write_plan){
        .posts_transfers = true,
        .has_event = true,
        .unparks = o->told == OUTCOME_NONE,
    };
    orchestrate_put_outcome(o, send_number, OUTCOME_APPROVED, true);
    o->attempt.state = ATTEMPT_APPROVED; /* the one thing that overrules what was final */
    close_look(o, now_us, action);
}

/* The provider holds it no longer: whatever was not captured is free again. */
static void end_hold(struct orchestrate *o, uint8_t send_number, int64_t now_us,
                     struct orchestrate_action *action)
{
    o->pending = (struct orchestrate_write_plan){
        .status = PAYMENT_NONE,
        .ends_hold = true,
        .unparks = true,
    };
    orchestrate_put_outcome(o, send_number, OUTCOME_NONE, true);
    orchestrate_write(o, PHASE_CLOSING, now_us, action);
}

/* Still held: until it should have run out. */
static void watch_on(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    int64_t end_us = hold_end(o);
    if (!watches_hold(o) || end_us <= now_us) {
        look_later(o, now_us, action);
        return;
    }
    o->pending = (struct orchestrate_write_plan){
        .status = PAYMENT_NONE, .rechecks = true, .parks = true, .park_next_us = end_us};
    close_look(o, now_us, action);
}

/* It is of another amount than is in the books: a person is asked, and its end is waited for. */
static void ask_and_watch(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    int64_t end_us = hold_end(o);
    fill_review(o, REVIEW_AMOUNT_MISMATCH);
    if (watches_hold(o) && !is_watched_enough(o, now_us)) {
        o->pending.unparks = false;
        o->pending.rechecks = true;
        put_park(o, end_us > now_us ? end_us : now_us + hold_pause(o));
    }
    close_look(o, now_us, action);
}

/* A refusal at the door says nothing of what was asked about. */
static bool says_no(const struct orchestrate_answer *answer)
{
    if (answer->outcome == OUTCOME_FAILED)
        return (answer->answers_key || HAS_BUG(BUG_RECHECK_AT_THE_DOOR)) && !answer->may_send_again;
    return answer->outcome == OUTCOME_DECLINED_SOFT || answer->outcome == OUTCOME_DECLINED_HARD;
}

static void rechecked(struct orchestrate *o, const struct orchestrate_answer *answer,
                      int64_t now_us, struct orchestrate_action *action)
{
    bool was_approved = o->attempt.state == ATTEMPT_APPROVED;
    uint8_t send_number = orchestrate_last_money_send(&o->attempt);
    if (HAS_BUG(BUG_HOLD_ENDS_BY_SILENCE) && was_approved && !answer->whole &&
        o->operation == OPERATION_AUTHORIZE) {
        end_hold(o, send_number, now_us, action);
        return;
    }
    if (answer->whole && answer->not_found && !was_approved) {
        take_out(o, now_us, action);
        return;
    }
    if (!answer->whole || answer->not_found || answer->duplicate) {
        look_later(o, now_us, action);
        return;
    }
    if (answer->amount_mismatch && !(was_approved && o->mismatch_is_known)) {
        ask_and_watch(o, now_us, action);
        return;
    }
    if (answer->outcome == OUTCOME_APPROVED && was_approved && o->operation == OPERATION_AUTHORIZE)
        watch_on(o, now_us, action);
    else if (answer->outcome == OUTCOME_APPROVED && !was_approved)
        believe(o, send_number, now_us, action);
    else if (says_no(answer) && was_approved && o->operation == OPERATION_AUTHORIZE)
        end_hold(o, send_number, now_us, action);
    else if (answer->outcome == OUTCOME_APPROVED || says_no(answer))
        take_out(o, now_us, action);
    else
        look_later(o, now_us, action);
}

/* A person has said what it came to. */
static void hear(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    uint8_t send_number = orchestrate_last_money_send(&o->attempt);
    if (!attempt_is_final(o->attempt.state)) {
        finish(o, send_number, o->told, true, now_us, action);
        return;
    }
    CHECK(o->told == OUTCOME_APPROVED && o->attempt.state != ATTEMPT_APPROVED);
    believe(o, send_number, now_us, action);
}

void orchestrate_resume_begin(struct orchestrate *o, int64_t now_us,
                              struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    bool is_final = attempt_is_final(attempt->state);
    if (o->told != OUTCOME_NONE) {
        hear(o, now_us, action);
        return;
    }
    bool is_hold = attempt->state == ATTEMPT_APPROVED && o->operation == OPERATION_AUTHORIZE;
    bool is_used_up = is_hold && !o->is_held; /* no look could change anything */
    bool can_ask_now = provider(o)->can_lookup && !(is_hold && o->is_in_use);
    /* Whoever put it back thought it open: what is held is watched all the same. */
    o->is_recheck = o->is_recheck || (is_hold && !is_used_up);
    if (is_final && o->is_recheck && can_ask_now && !is_used_up) {
        send_look(o, SEND_LOOKUP, now_us, action);
        return;
    }
    if (is_final && o->is_recheck && is_hold && !is_used_up) {
        look_later(o, now_us, action);
        return;
    }
    if (is_final) { /* its holder finished it after all */
        take_out(o, now_us, action);
        return;
    }
    if (orchestrate_money_cannot_have_moved(attempt)) {
        finish(o, attempt->send_count, OUTCOME_FAILED, attempt->send_count > 0, now_us, action);
        return;
    }
    if (attempt->outcome_count >= ORCHESTRATE_OUTCOME_MAX + REVIEWS_MAX) {
        take_out(o, now_us, action);
        return;
    }
    if (attempt->outcome_count >= ORCHESTRATE_OUTCOME_MAX) {
        review_open(o, now_us, action);
        return;
    }
    bool can_ask = false;
    enum orchestrate_send_kind kind = choose_look(o, now_us, &can_ask);
    o->settled_us = orchestrate_settled_at(o);
    if (!can_ask)
        put_back(o, now_us, now_us, action);
    else if (kind == SEND_REPEAT && !HAS_BUG(BUG_REPEAT_UNANNOUNCED))
        announce(o, now_us, action);
    else
        send_look(o, kind, now_us, action);
}

void orchestrate_resume_announced(struct orchestrate *o, int64_t now_us,
                                  struct orchestrate_action *action)
{
    if (is_canceled(o))
        put_back(o, now_us, now_us, action);
    else
        send_look(o, SEND_REPEAT, now_us, action);
}

/*
 * A definite "no" counts when it tells what became of the key, and when nothing that left before
 * this look can still take effect. A repeat itself is no such thing: this is its answer. Where a
 * known key is refused, a repeat is refused for whatever reason comes first.
 */
static bool is_proof(const struct orchestrate *o, const struct orchestrate_answer *answer)
{
    if (!HAS_BUG(BUG_FINAL_DECLINE_ON_REPLAY) && o->look_us < o->settled_us)
        return false;
    if (o->was_announced && provider(o)->replay == REPLAY_DUPLICATE &&
        !HAS_BUG(BUG_DUPLICATE_IS_PROOF))
        return false;
    if (answer->not_found)
        return !o->was_announced && !o->is_canceling && !o->is_continuing &&
               (o->attempt.state != ATTEMPT_PENDING || HAS_BUG(BUG_NOT_FOUND_WHILE_PENDING));
    if (answer->outcome == OUTCOME_FAILED)
        return (answer->answers_key || HAS_BUG(BUG_DOOR_IS_PROOF)) && !answer->may_send_again;
    return answer->outcome == OUTCOME_DECLINED_SOFT || answer->outcome == OUTCOME_DECLINED_HARD;
}

void orchestrate_resume_answered(struct orchestrate *o, const struct orchestrate_event *event,
                                 struct orchestrate_action *action)
{
    const struct orchestrate_answer *answer = &event->answer;
    int64_t now_us = event->now_us;
    uint8_t send_number = orchestrate_last_money_send(&o->attempt);
    CHECK(answer->left || !answer->whole);
    orchestrate_note_hold_end(o, answer, now_us);
    if (o->is_recheck && attempt_is_final(o->attempt.state)) {
        rechecked(o, answer, now_us, action);
        return;
    }
    if (o->attempt.state == ATTEMPT_SENT)
        orchestrate_move(&o->attempt, ATTEMPT_LOSE_ANSWER); /* whoever sent it first lost it */
    if (HAS_BUG(BUG_CANCEL_UNCONFIRMED) && o->is_canceling) {
        finish(o, send_number, OUTCOME_FAILED, true, now_us, action);
        return;
    }
    if (HAS_BUG(BUG_RESUMED_SILENCE_IS_FAILED) && !answer->whole) {
        finish(o, send_number, OUTCOME_FAILED, true, now_us, action);
        return;
    }
    if (!answer->whole) {
        put_back(o, now_us, now_us, action);
        return;
    }
    if (answer->amount_mismatch && !HAS_BUG(BUG_RESUMED_MISMATCH)) {
        review(o, REVIEW_AMOUNT_MISMATCH, now_us, action);
        return;
    }
    if (answer->duplicate) {
        if (answer->has_new_facts)
            note_owner(o, send_number, now_us, action);
        else
            put_back(o, now_us, now_us, action);
        return;
    }
    enum outcome outcome = answer->not_found ? OUTCOME_FAILED : answer->outcome;
    if (HAS_BUG(BUG_RESUMED_PENDING_IS_APPROVED) && outcome == OUTCOME_PENDING)
        outcome = OUTCOME_APPROVED;
    if (HAS_BUG(BUG_RESUMED_UNKNOWN_IS_FAILED) && outcome == OUTCOME_UNKNOWN) {
        finish(o, send_number, OUTCOME_FAILED, true, now_us, action);
        return;
    }
    switch (outcome) {
    case OUTCOME_APPROVED:
        finish(o, send_number, outcome, true, now_us, action);
        return;
    case OUTCOME_PENDING:
    case OUTCOME_REQUIRES_ACTION:
        if (orchestrate_payer_answered(o, answer, now_us, action))
            return;
        accepted(o, send_number, outcome, answer->is_news, now_us, action);
        return;
    case OUTCOME_DECLINED_SOFT:
    case OUTCOME_DECLINED_HARD:
    case OUTCOME_FAILED:
        if (answer->not_found && orchestrate_payer_answered(o, answer, now_us, action))
            return;
        if (is_proof(o, answer))
            finish(o, send_number, outcome, true, now_us, action);
        else
            put_back(o, orchestrate_settled_at(o) + o->limits.skew_us, now_us,
                     action); /* on any host */
        return;
    case OUTCOME_NONE:
    case OUTCOME_UNKNOWN:
        put_back(o, now_us, now_us, action);
        return;
    case OUTCOME_COUNT:
        break;
    }
    CHECK(false);
}
