#include "payment/orchestrate_internal.h"

enum {
    WRITE_PAUSE_MAX_US = 1000000,
    WRITE_SUSPECT_AFTER = 20, /* rollbacks in a row: some 15 s */
};

#define BIT(phase) (1u << (phase))

/* clang-format off */
/* Which phases may follow. */
static const uint32_t next_phases[PHASE_COUNT] = {
    [PHASE_NEW]        = BIT(PHASE_PREPARING) | BIT(PHASE_ANNOUNCING) | BIT(PHASE_SENDING) |
                         BIT(PHASE_CLOSING),
    [PHASE_PREPARING]  = BIT(PHASE_PREPARING) | BIT(PHASE_OPENING) | BIT(PHASE_RECORDING) |
                         BIT(PHASE_SWITCHING) | BIT(PHASE_CLOSING),
    [PHASE_OPENING]    = BIT(PHASE_SENDING) | BIT(PHASE_PREPARING) | BIT(PHASE_CLOSING) |
                         BIT(PHASE_PROBING) | BIT(PHASE_ENDED),
    [PHASE_SENDING]    = BIT(PHASE_PREPARING) | BIT(PHASE_CLOSING),
    [PHASE_RECORDING]  = BIT(PHASE_SENDING) | BIT(PHASE_PREPARING) | BIT(PHASE_CLOSING) |
                         BIT(PHASE_PROBING) | BIT(PHASE_WAITING) | BIT(PHASE_ENDED),
    [PHASE_SWITCHING]  = BIT(PHASE_SENDING) | BIT(PHASE_PREPARING) | BIT(PHASE_CLOSING) |
                         BIT(PHASE_PROBING) | BIT(PHASE_WAITING) | BIT(PHASE_ENDED),
    [PHASE_ANNOUNCING] = BIT(PHASE_SENDING) | BIT(PHASE_CLOSING) | BIT(PHASE_PROBING) |
                         BIT(PHASE_WAITING) | BIT(PHASE_ENDED),
    [PHASE_CLOSING]    = BIT(PHASE_PROBING) | BIT(PHASE_WAITING) | BIT(PHASE_ENDED),
    [PHASE_PROBING]    = BIT(PHASE_OPENING) | BIT(PHASE_RECORDING) | BIT(PHASE_SWITCHING) |
                         BIT(PHASE_ANNOUNCING) | BIT(PHASE_CLOSING) | BIT(PHASE_WAITING),
    [PHASE_WAITING]    = BIT(PHASE_RECORDING) | BIT(PHASE_SWITCHING) | BIT(PHASE_ANNOUNCING) |
                         BIT(PHASE_CLOSING) | BIT(PHASE_PROBING),
    [PHASE_ENDED]      = 0,
};

/* Which event a phase waits for; EVENT_DEADLINE may come in any phase in which a client waits. */
static const enum orchestrate_event_kind phase_event[PHASE_COUNT] = {
    [PHASE_NEW]        = EVENT_BEGIN,
    [PHASE_PREPARING]  = EVENT_PREPARED,
    [PHASE_OPENING]    = EVENT_WRITTEN,
    [PHASE_SENDING]    = EVENT_ANSWERED,
    [PHASE_RECORDING]  = EVENT_WRITTEN,
    [PHASE_SWITCHING]  = EVENT_WRITTEN,
    [PHASE_ANNOUNCING] = EVENT_WRITTEN,
    [PHASE_CLOSING]    = EVENT_WRITTEN,
    [PHASE_PROBING]    = EVENT_WRITTEN,
    [PHASE_WAITING]    = EVENT_TIMER,
    [PHASE_ENDED]      = EVENT_KIND_COUNT,
};
/* clang-format on */

void orchestrate_enter(struct orchestrate *o, enum orchestrate_phase phase)
{
    CHECK(o->phase < PHASE_COUNT);
    CHECK((next_phases[o->phase] & BIT(phase)) != 0);
    o->phase = phase;
}

void orchestrate_end(struct orchestrate *o, enum orchestrate_reply reply,
                     struct orchestrate_action *action)
{
    orchestrate_enter(o, PHASE_ENDED);
    action->kind = ACTION_END;
    if (o->client_waits)
        action->reply = reply;
    o->client_waits = false;
}

void orchestrate_put_outcome(struct orchestrate *o, uint8_t send_number, enum outcome outcome,
                             bool left)
{
    CHECK(o->attempt.outcome_count < INT16_MAX);
    o->attempt.outcome_count++;
    o->pending.has_outcome = true;
    o->pending.outcome_attempt_number = o->attempt_number;
    o->pending.outcome_number = o->attempt.outcome_count;
    o->pending.outcome_send_number = send_number;
    o->pending.outcome = outcome;
    o->pending.left = left;
}

enum payment_status orchestrate_status(const struct orchestrate *o, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_APPROVED:
        return o->operation == OPERATION_AUTHORIZE ? PAYMENT_AUTHORIZED : PAYMENT_SUCCEEDED;
    case OUTCOME_REQUIRES_ACTION:
        return PAYMENT_REQUIRES_ACTION;
    case OUTCOME_PENDING:
    case OUTCOME_UNKNOWN:
        return PAYMENT_PROCESSING;
    case OUTCOME_DECLINED_SOFT:
    case OUTCOME_DECLINED_HARD:
        return PAYMENT_DECLINED;
    case OUTCOME_FAILED:
        if (o->is_canceled && o->operation != OPERATION_PAYOUT) /* payouts: as the adapter says */
            return PAYMENT_CANCELED;
        return o->soft_declined ? PAYMENT_DECLINED : PAYMENT_FAILED;
    case OUTCOME_NONE:
    case OUTCOME_COUNT:
        break;
    }
    CHECK(false);
    return PAYMENT_NONE;
}

void orchestrate_put_expiry(struct orchestrate *o, int64_t now_us)
{
    int64_t own_us = o->candidate[o->attempt.candidate].action_us;
    int64_t action_us = o->limits.action_us;
    if (own_us > 0 && own_us < action_us)
        action_us = own_us;
    if (o->action_expires_us == 0)
        o->action_expires_us = now_us + action_us;
    o->pending.action_expires_us = o->action_expires_us;
}

void orchestrate_note_hold_end(struct orchestrate *o, const struct orchestrate_answer *answer,
                               int64_t now_us)
{
    bool is_said = answer->whole && answer->outcome == OUTCOME_APPROVED;
    if (is_said && answer->hold_ends_us > now_us &&
        answer->hold_ends_us <= now_us + ORCHESTRATE_HOLD_MAX_US)
        o->hold_ends_us = answer->hold_ends_us;
}

void orchestrate_watch_hold(struct orchestrate *o, enum outcome outcome, int64_t now_us)
{
    const struct orchestrate_candidate *candidate = &o->candidate[o->attempt.candidate];
    bool is_first = o->operation == OPERATION_AUTHORIZE;
    bool holds = is_first || o->operation == OPERATION_REAUTHORIZE;
    if (outcome != OUTCOME_APPROVED || !holds || candidate->hold_us == 0)
        return;
    o->pending.hold_ends_us = o->hold_ends_us > 0 ? o->hold_ends_us : now_us + candidate->hold_us;
    if (!is_first || HAS_BUG(BUG_HOLD_NOT_WATCHED)) /* the first one's attempt watches it, by any */
        return;
    o->pending.parks = true;
    o->pending.rechecks = true;
    o->pending.unparks = false;
    o->pending.park_next_us = o->pending.hold_ends_us;
}

/* ---- the life of a WRITE --------------------------------------------------------------------- */

/* From whatever phase: a repeated WRITE is dated again, and so are the send or repeat that it
 * allows. */
static void ask_for_write(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    struct orchestrate_attempt *attempt = &o->attempt;
    if (o->pending.opens_send) {
        CHECK(attempt->send_count > 0);
        attempt->send[attempt->send_count - 1].created_us = now_us;
        action->send_number = attempt->send_count;
    }
    if (o->pending.opens_send || o->pending.announces_repeat)
        attempt->last_intent_us = now_us;
    action->kind = ACTION_WRITE;
    action->attempt_number = o->attempt_number;
    action->candidate = attempt->candidate;
    action->now_us = now_us;
    action->write = o->pending;
}

void orchestrate_write(struct orchestrate *o, enum orchestrate_phase phase, int64_t now_us,
                       struct orchestrate_action *action)
{
    o->write_pause_us = o->limits.write_retry_us;
    o->rollback_count = 0;
    orchestrate_enter(o, phase);
    ask_for_write(o, now_us, action);
}

static void ask_for_probe(struct orchestrate *o, enum orchestrate_phase written_phase,
                          struct orchestrate_action *action)
{
    o->resume_phase = written_phase;
    orchestrate_enter(o, PHASE_PROBING);
    action->kind = ACTION_PROBE;
}

/* Pause, then write or probe again. */
static void ask_for_wait(struct orchestrate *o, bool probe_again, struct orchestrate_action *action)
{
    if (!probe_again)
        o->resume_phase = o->phase;
    o->probe_again = probe_again;
    orchestrate_enter(o, PHASE_WAITING);
    action->kind = ACTION_WAIT;
    action->wait_us = o->write_pause_us;
    o->write_pause_us *= 2;
    if (o->write_pause_us > WRITE_PAUSE_MAX_US)
        o->write_pause_us = WRITE_PAUSE_MAX_US;
}

static void committed(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    if (o->phase == PHASE_CLOSING)
        orchestrate_end(o, o->pending_reply, action);
    else if (o->phase == PHASE_ANNOUNCING)
        orchestrate_resume_announced(o, now_us, action);
    else if (o->is_resumed)
        orchestrate_payer_committed(o, now_us, action);
    else
        orchestrate_fresh_committed(o, now_us, action);
}

/* What the WRITE of a resumed attempt allows must not leave any more. */
static bool is_stale(const struct orchestrate *o, int64_t now_us)
{
    if (o->phase == PHASE_ANNOUNCING)
        return !orchestrate_may_repeat(o, now_us);
    return o->phase == PHASE_RECORDING && o->is_resumed &&
           !orchestrate_payer_may_continue(o, now_us);
}

/* A WRITE that was surely not committed. */
static void not_committed(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    if (o->phase == PHASE_OPENING)
        orchestrate_end(o, REPLY_UNAVAILABLE, action);
    else if (is_stale(o, now_us))
        orchestrate_end(o, REPLY_NONE, action); /* another claim, after this one, decides anew */
    else
        ask_for_wait(o, false, action);
}

static void rolled_back(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    if (o->rollback_count < WRITE_SUSPECT_AFTER)
        o->rollback_count++;
    o->pending.is_suspect = o->rollback_count == WRITE_SUSPECT_AFTER;
    not_committed(o, now_us, action);
}

/* The fate of the WRITE of o->phase is known, or is to be asked for. */
static void written(struct orchestrate *o, enum orchestrate_write result, int64_t now_us,
                    struct orchestrate_action *action)
{
    bool opens = o->phase == PHASE_OPENING;
    switch (result) {
    case WRITE_COMMITTED:
        committed(o, now_us, action);
        return;
    case WRITE_UNKNOWN:
        if (HAS_BUG(BUG_COMMIT_UNKNOWN_IS_FAILURE))
            not_committed(o, now_us, action);
        else if (HAS_BUG(BUG_COMMIT_UNKNOWN_IS_SUCCESS))
            committed(o, now_us, action);
        else
            ask_for_probe(o, o->phase, action);
        return;
    case WRITE_KEY_TAKEN:
        orchestrate_end(o, opens ? REPLY_KEY_TAKEN : REPLY_PROCESSING, action);
        return;
    case WRITE_REFERENCE_TAKEN:
        orchestrate_end(o, opens ? REPLY_REFERENCE_TAKEN : REPLY_PROCESSING, action);
        return;
    case WRITE_FENCED: /* somebody else moved this attempt on: it is his */
        if (HAS_BUG(BUG_FENCED_GOES_ON) && !opens) {
            committed(o, now_us, action);
            return;
        }
        orchestrate_end(o, opens ? REPLY_UNAVAILABLE : REPLY_PROCESSING, action);
        return;
    case WRITE_LIMIT_EXCEEDED:
        if (opens) {
            orchestrate_end(o, REPLY_LIMIT_EXCEEDED, action);
            return;
        }
        if (o->phase == PHASE_CLOSING && o->pending.ends_hold) {
            orchestrate_hold_in_use(o, now_us);
            not_committed(o, now_us, action);
            return;
        }
        if (o->phase == PHASE_SWITCHING) {
            orchestrate_fresh_refused(o, now_us, action);
            return;
        }
        /* More than the limits allow, and yet it is so: a person has to see it. */
        if (o->pending.posts_transfers) {
            o->pending.posts_transfers = false;
            o->pending.needs_review = true;
            o->pending.review = REVIEW_OTHER;
        }
        rolled_back(o, now_us, action);
        return;
    case WRITE_ROLLED_BACK:
        rolled_back(o, now_us, action);
        return;
    case WRITE_UNAVAILABLE:
        not_committed(o, now_us, action);
        return;
    case WRITE_RESULT_COUNT:
        break;
    }
    CHECK(false);
}

static void probed(struct orchestrate *o, enum orchestrate_write result, int64_t now_us,
                   struct orchestrate_action *action)
{
    if ((result == WRITE_UNAVAILABLE || result == WRITE_UNKNOWN) &&
        !HAS_BUG(BUG_PROBE_AWAY_IS_FAILURE)) {
        ask_for_wait(o, true, action);
        return;
    }
    orchestrate_enter(o, o->resume_phase);
    written(o, result, now_us, action);
}

static void wait_over(struct orchestrate *o, int64_t now_us, struct orchestrate_action *action)
{
    if (o->probe_again) {
        ask_for_probe(o, o->resume_phase, action);
        return;
    }
    orchestrate_enter(o, o->resume_phase);
    if (is_stale(o, now_us)) {
        orchestrate_end(o, REPLY_NONE, action);
        return;
    }
    ask_for_write(o, now_us, action);
}

/* ---- the client's deadline ------------------------------------------------------------------- */

/* What is known to be stored may be told; while a commit hangs, the same key will tell. */
static void deadline_passed(struct orchestrate *o, struct orchestrate_action *action)
{
    CHECK(o->client_waits);
    CHECK(o->phase != PHASE_NEW && o->phase != PHASE_PREPARING && o->phase != PHASE_ENDED);
    o->client_waits = false;
    action->reply = o->phase == PHASE_SENDING ? REPLY_PROCESSING : REPLY_OUTCOME_PENDING;
    if (HAS_BUG(BUG_DEADLINE_SAYS_FINAL))
        action->reply = REPLY_FINAL;
}

/* ---- public ---------------------------------------------------------------------------------- */

void orchestrate_check_limits(const struct orchestrate_limits *limits)
{
    CHECK(limits->send_window_us > 0);
    CHECK(limits->call_us > 0);
    CHECK(limits->send_window_us + limits->call_us < limits->lease_us);
    CHECK(limits->answer_us < limits->lease_us);
    CHECK(limits->skew_us >= 0);
    CHECK(limits->write_retry_us > 0);
    CHECK(limits->resolve_first_us > 0);
    CHECK(limits->resolve_max_us >= limits->resolve_first_us);
    CHECK(limits->review_after_us > 0);
    CHECK(limits->pending_after_us > 0);
    CHECK(limits->payout_max_us >= limits->resolve_first_us);
    CHECK(limits->payout_after_us > 0);
    CHECK(limits->action_us > 0);
    CHECK(limits->action_max_us > 0);
    CHECK(limits->attempt_max > 0);
}

void orchestrate_init(struct orchestrate *o, const struct orchestrate_limits *limits,
                      enum operation operation, const struct orchestrate_candidate *candidates,
                      size_t candidate_count)
{
    CHECK(candidate_count >= 1);
    CHECK(candidate_count <= ORCHESTRATE_CANDIDATE_MAX);
    CHECK(operation > OPERATION_NONE && operation < OPERATION_COUNT);
    CHECK(candidate_count == 1 || !operation_is_follow_up(operation));
    orchestrate_check_limits(limits);
    *o = (struct orchestrate){
        .operation = operation,
        .client_waits = true,
        .candidate_count = (uint8_t)candidate_count,
        .order_count = (uint8_t)candidate_count,
        .limits = *limits,
    };
    for (size_t i = 0; i < candidate_count; i++) {
        o->candidate[i] = candidates[i];
        o->order[i] = (uint8_t)i;
    }
    plan_start(&o->plan, plan_of(operation));
    if (plan_verb(&o->plan) == PLAN_ROUTE)
        plan_advance(&o->plan,
                     operation == OPERATION_SALE); /* the candidates are known: it is routed */
    CHECK(plan_operation(&o->plan, operation == OPERATION_SALE) == operation);
}

void orchestrate_resume(struct orchestrate *o, const struct orchestrate_limits *limits,
                        enum operation operation, const struct orchestrate_resumed *resumed)
{
    orchestrate_init(o, limits, operation, &resumed->candidate, 1);
    CHECK(resumed->attempt_number >= 1);
    CHECK(resumed->tries >= 0);
    o->is_resumed = true;
    o->client_waits = false;
    o->is_canceled = resumed->is_canceled;
    o->payment_is_final = resumed->payment_is_final;
    o->is_recheck = resumed->is_recheck;
    o->is_held = resumed->is_held;
    o->is_in_use = resumed->is_in_use;
    o->hold_ends_us = resumed->hold_ends_us;
    o->mismatch_is_known = resumed->mismatch_is_known && !HAS_BUG(BUG_TOLD_ASKED_AGAIN);
    o->attempt_number = resumed->attempt_number;
    o->attempt = resumed->attempt;
    o->attempt.candidate = 0;
    o->soft_declined = resumed->soft_declined_before;
    o->tries = resumed->tries;
    o->unknown_since_us = resumed->unknown_since_us;
    o->told = resumed->told;
    o->action_expires_us = resumed->action_expires_us;
}

void orchestrate_cancel(struct orchestrate *o)
{
    o->is_canceled = true;
}

void orchestrate_step(struct orchestrate *o, const struct orchestrate_event *event,
                      struct orchestrate_action *action)
{
    *action = (struct orchestrate_action){.kind = ACTION_NONE};
    CHECK(o->phase < PHASE_COUNT);
    if (event->kind == EVENT_DEADLINE) {
        deadline_passed(o, action);
        return;
    }
    CHECK(event->kind == phase_event[o->phase]);
    switch (o->phase) {
    case PHASE_NEW:
        if (o->is_resumed)
            orchestrate_resume_begin(o, event->now_us, action);
        else
            orchestrate_fresh_begin(o, action);
        return;
    case PHASE_PREPARING:
        if (o->is_resumed)
            orchestrate_payer_prepared(o, event, action);
        else
            orchestrate_fresh_prepared(o, event, action);
        return;
    case PHASE_SENDING:
        if (o->is_resumed)
            orchestrate_resume_answered(o, event, action);
        else
            orchestrate_fresh_answered(o, event, action);
        return;
    case PHASE_OPENING:
    case PHASE_RECORDING:
    case PHASE_SWITCHING:
    case PHASE_ANNOUNCING:
    case PHASE_CLOSING:
        written(o, event->write, event->now_us, action);
        return;
    case PHASE_PROBING:
        probed(o, event->write, event->now_us, action);
        return;
    case PHASE_WAITING:
        wait_over(o, event->now_us, action);
        return;
    case PHASE_ENDED:
    case PHASE_COUNT:
        break;
    }
    CHECK(false);
}
