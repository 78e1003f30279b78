#include "payment/driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/pack.h"
#include "ledger/posting.h"
#include "payment/decision_record.h"
#include "payment/present.h"
#include "payment/volumes.h"
#include "providers/decline.h"

enum {
    ROW_ROOM_FIRST = 2,
    KEY_FOR_EVER_DAYS = 3650,
};

struct rows { /* of one bundle: the store copies what it needs when the write starts */
    struct store_txn txn;
    struct store_event event;
    struct store_limits limits;
    struct store_limits room; /* of a late authorization */
    struct store_budget budgets[STORE_BUDGET_MAX];
    struct store_final answer;
    struct store_park park;
    struct store_unpark unpark;
    struct store_review review;
    struct store_proof proof;
    struct posting_rows posted;
    struct drive_operation_rows operation;
    int64_t now_us;
    bool has_status;                    /* the event tells one */
    enum payment_status refused_status; /* it may not follow: not written */
};

/* ---- the planned view ---- */

static void view_copy(struct drive *drive, struct drive_view *to, const struct drive_view *from)
{
    struct store_attempt_view *attempts = to->attempts;
    to->payment = from->payment;
    to->payment.attempts = attempts;
    CHECK(from->payment.attempt_count <= drive->attempt_room);
    memcpy(attempts, from->attempts, from->payment.attempt_count * sizeof(*attempts));
}

static void *grow(struct arena *arena, const void *old, size_t *room, size_t wanted, size_t size)
{
    size_t larger = *room < ROW_ROOM_FIRST ? ROW_ROOM_FIRST : *room * 2;
    while (larger < wanted)
        larger *= 2;
    void *rows = arena_alloc(arena, larger * size);
    if (*room > 0)
        memcpy(rows, old, *room * size);
    *room = larger;
    return rows;
}

static void point_at(struct drive_view *view, size_t index, const struct drive_rows *rows)
{
    view->attempts[index].sends = rows->sends;
    view->attempts[index].outcomes = rows->outcomes;
}

void drive_reserve(struct drive *drive, size_t index, size_t send_count, size_t outcome_count)
{
    CHECK(index < drive->attempt_room);
    struct drive_rows *rows = &drive->rows[index];
    if (send_count > rows->send_room)
        rows->sends =
            grow(&drive->arena, rows->sends, &rows->send_room, send_count, sizeof(*rows->sends));
    if (outcome_count > rows->outcome_room)
        rows->outcomes = grow(&drive->arena, rows->outcomes, &rows->outcome_room, outcome_count,
                              sizeof(*rows->outcomes));
    point_at(&drive->committed, index, rows);
    point_at(&drive->planned, index, rows);
}

static void reserve_one(struct drive *drive, const struct store_attempt_view *attempt)
{
    drive_reserve(drive, (size_t)(attempt - drive->planned.attempts), attempt->send_count + 1,
                  attempt->outcome_count + 1);
}

static struct store_attempt_view *planned_attempt(struct drive *drive, int32_t number)
{
    struct store_payment_view *view = &drive->planned.payment;
    for (size_t i = view->attempt_count; i > 0; i--) {
        if (drive->planned.attempts[i - 1].row.number == number)
            return &drive->planned.attempts[i - 1];
    }
    CHECK(false);
    return NULL;
}

/* ---- rows ---- */

static void add_attempt(struct drive *drive, const struct orchestrate_action *action,
                        struct rows *rows)
{
    struct store_payment_view *view = &drive->planned.payment;
    CHECK(view->attempt_count < drive->attempt_room);
    CHECK(drive->attempt_number == action->attempt_number);
    const struct drive_candidate *candidate = &drive->candidate[drive->attempt_candidate];
    struct store_attempt_view *attempt = &drive->planned.attempts[view->attempt_count++];
    *attempt = (struct store_attempt_view){0};
    struct store_attempt *row = &attempt->row;
    row->merchant_id = view->row.merchant_id;
    row->payment_id = view->row.payment_id;
    row->attempt_id = drive->attempt_id;
    row->number = action->attempt_number;
    row->operation = drive->operation;
    row->step = str_of(plan_step_id(&drive->core.plan));
    row->account_id = candidate->account->account.account_id;
    row->provider = str_of(candidate->account->account.provider->name);
    row->amount_minor = view->row.amount_minor;
    memcpy(row->currency, view->row.currency, sizeof(row->currency));
    row->decision_json = drive->rows[row->number - 1].decision_json;
    row->expected_fee_minor = candidate->expected_fee_minor;
    row->created_us = rows->now_us;
    row->writer_id = drive->payments->parts.writer_id;
    /* Without a token each payer is another: nobody's tries count for somebody else. */
    struct str token = candidate->token.len > 0 ? candidate->token : drive->call.attempt_ref;
    vault_hash_token(&drive->payments->vault, &row->merchant_id, token, row->token_hash);
    rows->txn.attempt = row;
}

static int64_t key_valid_until(const struct drive *drive, int64_t created_us)
{
    const struct provider_capability *capability = &drive->call.account->provider->capability;
    if (drive->request.key.len == 0 || capability->replay == PROVIDER_REPLAY_NONE)
        return created_us;
    if (capability->key_lifetime_ms == 0)
        return created_us + KEY_FOR_EVER_DAYS * 24LL * 3600 * CLOCK_SECOND_US;
    return created_us + capability->key_lifetime_ms * CLOCK_MS_US;
}

static void add_send(struct drive *drive, const struct orchestrate_action *action,
                     struct rows *rows)
{
    CHECK(drive->has_request && drive->attempt_number == action->attempt_number);
    struct store_attempt_view *attempt = planned_attempt(drive, action->attempt_number);
    CHECK(attempt->send_count + 1 == action->send_number);
    reserve_one(drive, attempt);
    struct store_send *row = &attempt->sends[attempt->send_count++];
    *row = (struct store_send){
        .merchant_id = attempt->row.merchant_id,
        .attempt_id = attempt->row.attempt_id,
        .number = action->send_number,
        .step = str_of(provider_step_name(drive->request.step)),
        .moves_money = drive->request.moves_money,
        .adapter_version = str_of(drive->call.account->provider->version),
        .provider_key =
            str_eq(drive->request.key, drive->call.attempt_ref) ? STR_NONE : drive->request.key,
        .key_valid_until_us = key_valid_until(drive, rows->now_us),
        .not_after_us = rows->now_us + drive->payments->config.limits.send_window_us,
        .created_us = rows->now_us,
    };
    if (drive->sealed_number != action->send_number)
        drive->body_sealed =
            vault_seal_request(&drive->payments->vault, &row->merchant_id, &row->attempt_id,
                               row->number, &drive->request, &drive->arena);
    drive->sealed_number = action->send_number;
    row->body_sealed = drive->body_sealed;
    rows->txn.send = row;
}

static const char *const cause_reasons[] = {
    [CAUSE_ANSWER] = NULL,
    [CAUSE_PAYER_DID_NOT_ACT] = "payer_did_not_act",
    [CAUSE_CANCELED] = "canceled",
    [CAUSE_NOT_WANTED] = "not_wanted",
};

/* Why, where no answer of a provider says it. */
static struct str own_reason(const struct orchestrate_write_plan *plan, const char *refused_as)
{
    if (plan->announces_repeat)
        return STR("repeat");
    if (plan->needs_review)
        return STR("review");
    if (cause_reasons[plan->cause] != NULL)
        return str_of(cause_reasons[plan->cause]);
    if (plan->outcome == OUTCOME_FAILED && refused_as != NULL)
        return str_of(refused_as);
    return plan->outcome == OUTCOME_FAILED ? STR("not_sent") : STR_NONE;
}

/* The last answer is the one that this row is about. */
static bool is_of_answer(const struct drive *drive, const struct orchestrate_write_plan *plan,
                         const char *refused_as)
{
    const struct drive_answer *answer = &drive->answer;
    bool is_refused =
        answer->outcome == OUTCOME_NONE && plan->outcome == OUTCOME_FAILED && refused_as != NULL;
    return answer->attempt_number == plan->outcome_attempt_number && !plan->announces_repeat &&
           !plan->is_suspect && !is_refused;
}

static struct str find_reason(const struct drive *drive, const struct orchestrate_write_plan *plan,
                              const char *refused_as)
{
    struct str reason = is_of_answer(drive, plan, refused_as) ? drive->answer.reason : STR_NONE;
    return reason.len == 0 || plan->cause != CAUSE_ANSWER ? own_reason(plan, refused_as) : reason;
}

struct str drive_reason(const struct drive *drive, const struct orchestrate_write_plan *plan)
{
    CHECK(!drive->is_resumed && plan->has_outcome);
    return find_reason(drive, plan, drive->rows[plan->outcome_attempt_number - 1].refused_as);
}

static void add_outcome(struct drive *drive, const struct orchestrate_write_plan *plan,
                        struct rows *rows)
{
    struct store_attempt_view *attempt = planned_attempt(drive, plan->outcome_attempt_number);
    reserve_one(drive, attempt);
    struct store_outcome *row = &attempt->outcomes[attempt->outcome_count++];
    *row = (struct store_outcome){
        .merchant_id = attempt->row.merchant_id,
        .attempt_id = attempt->row.attempt_id,
        .number = plan->outcome_number,
        .send_number = plan->outcome_send_number,
        .outcome = plan->outcome,
        .left = plan->left,
        .facts_json = STR("{}"),
        .fee_minor = -1,
        .created_us = rows->now_us,
    };
    const struct drive_answer *answer = &drive->answer;
    const char *refused_as = drive->rows[attempt - drive->planned.attempts].refused_as;
    row->reason = find_reason(drive, plan, refused_as);
    if (is_of_answer(drive, plan, refused_as)) {
        row->code = answer->code;
        row->reference = answer->reference;
        row->facts_json = answer->facts_json;
        row->debug_id = answer->debug_id;
        row->http_status = answer->http_status;
        row->fee_minor = answer->fee_minor;
        row->elapsed_us = answer->elapsed_us;
    }
    if (plan->action_expires_us != 0)
        row->facts_json = drive_add_expiry(drive, row->facts_json, plan->action_expires_us);
    rows->txn.outcome = row;
}

static void post(struct rows *rows, const struct store_attempt *row, int64_t amount_minor,
                 enum posting_phase phase, int64_t fee_minor)
{
    struct posting posting = {
        .phase = phase,
        .merchant_id = row->merchant_id,
        .payment_id = row->payment_id,
        .attempt_id = row->attempt_id,
        .account_id = row->account_id,
        .provider = row->provider,
        .operation = row->operation,
        .amount_minor = amount_minor,
        .fee_minor = fee_minor >= 0 ? fee_minor : row->expected_fee_minor,
        .created_us = rows->now_us,
    };
    memcpy(posting.currency, row->currency, sizeof(posting.currency));
    posting_make(&posting, &rows->posted);
    rows->txn.transfers = rows->posted.transfers;
    rows->txn.transfer_count = rows->posted.count;
}

/*
 * A decline counts against each token that was given for the payment: they are one card's, whichever
 * provider they are for. Test money reaches no network.
 */
static void add_budgets(struct drive *drive, const struct orchestrate_write_plan *plan,
                        struct rows *rows)
{
    const struct store_payment *row = &drive->planned.payment.row;
    const struct drive_answer *answer = &drive->answer;
    bool is_decline =
        plan->outcome == OUTCOME_DECLINED_SOFT || plan->outcome == OUTCOME_DECLINED_HARD;
    if (!is_decline || !row->livemode || row->is_payout ||
        operation_is_follow_up(drive->operation) ||
        answer->attempt_number != plan->outcome_attempt_number)
        return;
    struct decline_told told = decline_tell(rows->txn.outcome->reason, answer->advice);
    for (size_t i = 0; i < drive->candidate_count && rows->txn.budget_count < STORE_BUDGET_MAX;
         i++) {
        struct store_budget *budget = &rows->budgets[rows->txn.budget_count];
        bool is_there = drive->candidate[i].token.len == 0;
        *budget = (struct store_budget){
            .merchant_id = row->merchant_id,
            .most = answer->is_mastercard ? DECLINE_MASTERCARD_MAX : DECLINE_VISA_MAX,
            .forbids = told.forbids,
            .opens = plan->opens_attempt,
            .created_us = rows->now_us,
        };
        vault_hash_token(&drive->payments->vault, &row->merchant_id, drive->candidate[i].token,
                         budget->token_hash);
        for (size_t at = 0; at < rows->txn.budget_count; at++)
            is_there = is_there || memcmp(rows->budgets[at].token_hash, budget->token_hash,
                                          sizeof(budget->token_hash)) == 0;
        rows->txn.budget_count += !is_there;
    }
    rows->txn.budgets = rows->budgets;
}

static void add_transfers(struct drive *drive, const struct orchestrate_write_plan *plan,
                          struct rows *rows)
{
    struct store_payment_view *view = &drive->planned.payment;
    struct store_attempt_view *attempt = planned_attempt(drive, plan->outcome_attempt_number);
    const struct store_attempt *row = &attempt->row;
    const struct store_outcome *outcome = rows->txn.outcome;
    bool is_other = drive->told != NULL && drive->told->amount_minor > 0;
    int64_t amount_minor = is_other ? drive->told->amount_minor : row->amount_minor;
    CHECK(outcome != NULL); /* money is posted only with the outcome that moved it */
    bool is_late = plan->review == REVIEW_LATE_SUCCESS;
    post(rows, row, amount_minor, is_late ? POSTING_LATE : POSTING_WHOLE, outcome->fee_minor);
    volumes_count(drive->payments->parts.volumes, &row->account_id, row->operation, POSTING_WHOLE,
                  amount_minor, row->currency);
    if (row->operation == OPERATION_PAYOUT)
        return; /* nothing to capture, nothing to refund: no limits */
    int64_t captured = row->operation == OPERATION_SALE ? amount_minor : 0;
    rows->limits = (struct store_limits){
        .merchant_id = row->merchant_id,
        .payment_id = view->row.payment_id,
        .create = true,
        .authorized = amount_minor,
        .captured = captured,
    };
    if (row->operation == OPERATION_AUTHORIZE) {
        rows->limits.hold_id = row->attempt_id; /* as posting.h names the transfer */
        rows->limits.hold_reference = outcome->reference;
        rows->limits.hold_ends_us = plan->hold_ends_us;
    }
    if (plan->review == REVIEW_LATE_SUCCESS && drive->told == NULL) { /* for its reversal alone */
        rows->limits.refund_open = captured;
        rows->limits.capture_open = amount_minor - captured;
    }
    memcpy(rows->limits.currency, row->currency, sizeof(rows->limits.currency));
    rows->txn.limits = &rows->limits;
    if (drive_comes_late(plan, row->operation)) { /* see driver_hold.c */
        drive_put_late(&row->attempt_id, &rows->limits, &rows->room);
        rows->txn.room = &rows->room;
        attempt->late = (struct store_late){true, amount_minor, rows->room.capture_open,
                                            rows->room.hold_ends_us};
        return;
    }
    view->authorized += amount_minor;
    view->captured += captured;
    if (view->hold_ends_us == 0)
        view->hold_ends_us = rows->limits.hold_ends_us;
}

/* A late success is undone by the gateway itself, where that can be done. */
static bool can_be_reversed(const struct store_attempt *attempt)
{
    return attempt->operation == OPERATION_SALE || attempt->operation == OPERATION_AUTHORIZE;
}

static void add_review(struct drive *drive, const struct orchestrate_write_plan *plan,
                       struct rows *rows)
{
    const struct store_attempt *row = &planned_attempt(drive, plan->outcome_attempt_number)->row;
    const struct drive_answer *answer = &drive->answer;
    bool is_late = plan->review == REVIEW_LATE_SUCCESS;
    rows->review = (struct store_review){
        .merchant_id = row->merchant_id,
        .review_id = uuid_new(),
        .payment_id = row->payment_id,
        .attempt_id = row->attempt_id,
        .account_id = row->account_id,
        .kind = plan->review,
        .state = is_late && can_be_reversed(row) ? REVIEW_REVERSING : REVIEW_OPEN,
        .operation = row->operation,
        .provider = row->provider,
        .amount_minor = row->amount_minor,
        .answered_minor = -1,
        .detail = answer->reason,
        .created_us = rows->now_us,
    };
    memcpy(rows->review.currency, row->currency, sizeof(row->currency));
    if (plan->review == REVIEW_AMOUNT_MISMATCH && answer->answered_minor >= 0) {
        rows->review.answered_minor = answer->answered_minor;
        memcpy(rows->review.answered_currency, answer->answered_currency,
               sizeof(answer->answered_currency));
    }
    if (!plan->is_suspect)
        rows->review.reference = answer->reference;
    rows->txn.review = &rows->review;
}

/* Whatever was not known of this attempt is known now. */
static void add_proof(struct drive *drive, const struct orchestrate_write_plan *plan,
                      struct rows *rows)
{
    const struct store_attempt *row = &planned_attempt(drive, plan->outcome_attempt_number)->row;
    rows->proof = (struct store_proof){
        .merchant_id = row->merchant_id,
        .payment_id = row->payment_id,
        .attempt_id = row->attempt_id,
        .outcome = plan->outcome,
        .created_us = rows->now_us,
    };
    rows->txn.proof = &rows->proof;
}

static struct str event_data(struct drive *drive, const struct rows *rows)
{
    char id[ID_TEXT_SIZE];
    if (drive->told != NULL)
        return drive->told->data_json;
    if (rows->refused_status != PAYMENT_NONE)
        return arena_printf(&drive->write_arena,
                            "{\"needs_review\":true,\"refused_status\":\"%s\"}",
                            payment_status_name(rows->refused_status));
    if (rows->txn.review == NULL)
        return STR("{}");
    return arena_printf(
        &drive->write_arena, "{\"needs_review\":true,\"review\":\"%s\",\"kind\":\"%s\"}",
        id_format(ID_REVIEW, &rows->review.review_id, id).at, review_kind_name(rows->review.kind));
}

/* Capture, void, refund: what changes at the payment, and the two phases of its transfer. */
static void add_operation(struct drive *drive, const struct orchestrate_write_plan *plan,
                          struct rows *rows)
{
    struct drive_operation_rows *more = &rows->operation;
    if (plan->ends_hold)
        drive_expiry_rows(drive, rows->now_us, more);
    else
        drive_operation_rows(drive, plan, rows->now_us, more);
    if (!more->has_limits)
        return;
    rows->txn.limits = &more->limits;
    if (more->has_room)
        rows->txn.room = &more->room;
    rows->txn.parent = &more->parent;
    if (more->has_hold)
        rows->txn.hold = &more->hold;
    if (!more->has_posting)
        return;
    struct store_payment_view *view = &drive->planned.payment;
    struct store_attempt row = view->attempts[view->attempt_count - 1].row;
    row.payment_id = view->row.parent_id; /* the journal is the payment's */
    post(rows, &row, row.amount_minor, more->phase,
         rows->txn.outcome != NULL ? rows->txn.outcome->fee_minor : -1);
    volumes_count(drive->payments->parts.volumes, &row.account_id, row.operation, more->phase,
                  row.amount_minor, row.currency);
}

static void add_event(struct drive *drive, const struct orchestrate_write_plan *plan,
                      struct rows *rows)
{
    struct store_payment_view *view = &drive->planned.payment;
    rows->event = (struct store_event){
        .merchant_id = view->row.merchant_id,
        .event_id = uuid_new(),
        .payment_id = view->row.payment_id,
        .number = ++view->event_count,
        .step = str_of(plan_step_id(&drive->core.plan)),
        .status = view->status,
        .data_json = event_data(drive, rows),
        .created_us = rows->now_us,
    };
    if (plan->has_outcome) {
        const struct store_attempt_view *attempt =
            planned_attempt(drive, plan->outcome_attempt_number);
        rows->event.attempt_id = attempt->row.attempt_id;
    }
    rows->event.type =
        rows->has_status
            ? arena_printf(&drive->write_arena, STR_FMT ".%s",
                           STR_ARG(store_kind_name(store_kind_of(&view->row))),
                           payment_status_name(view->status))
            : arena_printf(&drive->write_arena, "attempt.%s", outcome_name(plan->outcome));
    rows->txn.events = &rows->event;
    rows->txn.event_count = 1;
}

static void add_answer(struct drive *drive, struct rows *rows)
{
    struct store_payment_view *view = &drive->planned.payment;
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    present_payment(view, &body);
    drive->answer_body = arena_str(&drive->write_arena, buf_str(&body));
    buf_release(&body);
    struct buf small;
    buf_init(&small, 2 * (size_t)PRESENT_BYTES_MAX);
    pack(drive->answer_body, &small);
    struct str packed = arena_str(&drive->write_arena, buf_str(&small));
    buf_release(&small);
    rows->answer = (struct store_final){
        .merchant_id = view->row.merchant_id,
        .payment_id = view->row.payment_id,
        .status = 201,
        .body = packed,
        .created_us = rows->now_us,
    };
    rows->txn.answer = &rows->answer;
}

static void add_queue(struct drive *drive, const struct orchestrate_action *action,
                      struct rows *rows)
{
    const struct orchestrate_write_plan *plan = &action->write;
    if (!plan->parks && !plan->unparks)
        return;
    struct store_attempt_view *attempt = planned_attempt(
        drive, plan->has_outcome ? plan->outcome_attempt_number : drive->core.attempt_number);
    attempt->parked = plan->parks;
    attempt->is_canceled = plan->parks && attempt->is_canceled;
    if (plan->parks) {
        rows->park = (struct store_park){
            .merchant_id = attempt->row.merchant_id,
            .attempt_id = attempt->row.attempt_id,
            .payment_id = attempt->row.payment_id,
            .account_id = attempt->row.account_id,
            .provider = attempt->row.provider,
            .is_canceled = drive->claim.is_canceled,
            .unless_canceled = plan->opens_send,
            .next_us = plan->park_next_us + drive->guard_us - drive->lift_us,
            .tries = plan->park_tries,
            .epoch = drive->claim.epoch,
            .reason = plan->rechecks ? STR(STORE_RECHECK) : drive->answer.reason,
        };
        rows->txn.park = &rows->park;
        return;
    }
    rows->unpark = (struct store_unpark){
        .merchant_id = attempt->row.merchant_id,
        .attempt_id = attempt->row.attempt_id,
        .epoch = drive->claim.epoch,
    };
    rows->txn.unpark = &rows->unpark;
}

/* As the simulator calls it; for logs and crash points. */
static const char *write_name(const struct drive *drive, const struct orchestrate_write_plan *plan)
{
    if (plan->opens_payment)
        return "open";
    if (plan->announces_repeat)
        return "announce";
    if (drive->told != NULL)
        return "tell";
    if (plan->ends_hold)
        return "hold";
    if (drive->is_resumed)
        return "resolve";
    if (plan->opens_attempt)
        return "switch";
    return plan->opens_send ? "record" : "close";
}

static void build_rows(struct drive *drive, const struct orchestrate_action *action,
                       struct rows *rows)
{
    const struct orchestrate_write_plan *plan = &action->write;
    *rows = (struct rows){.now_us = action->now_us + drive->guard_us};
    rows->txn.name = write_name(drive, plan);
    view_copy(drive, &drive->planned, &drive->committed);
    struct store_payment_view *view = &drive->planned.payment;
    view->updated_us = rows->now_us;
    if (plan->opens_payment)
        rows->txn.payment = &view->row;
    if (plan->has_outcome)
        add_outcome(drive, plan, rows);
    enum payment_status status = plan->status;
    if (view->row.is_payout && rows->txn.outcome != NULL && plan->status != PAYMENT_NONE)
        status = drive_payout_status(plan, rows->txn.outcome->reason, drive->claim.is_canceled);
    rows->has_status = status != PAYMENT_NONE && drive_move_status(drive, status);
    rows->refused_status = rows->has_status ? PAYMENT_NONE : status;
    if (plan->has_outcome)
        add_budgets(drive, plan, rows);
    if (plan->opens_attempt)
        add_attempt(drive, action, rows);
    if (plan->opens_send)
        add_send(drive, action, rows);
    if (operation_is_follow_up(drive->operation) || plan->ends_hold)
        add_operation(drive, plan, rows);
    else if (plan->posts_transfers)
        add_transfers(drive, plan, rows);
    if (plan->review != REVIEW_NONE)
        add_review(drive, plan, rows);
    if (drive->is_resumed && plan->has_outcome && outcome_is_final(plan->outcome))
        add_proof(drive, plan, rows);
    if (drive->told != NULL)
        rows->txn.verdict = &drive->told->verdict;
    bool is_old = plan->is_news && view->status == drive->committed.payment.status;
    if (plan->has_event && !is_old)
        add_event(drive, plan, rows);
    add_queue(drive, action, rows);
    if (plan->stores_answer)
        add_answer(drive, rows);
}

/* ---- after the commit ---- */

/* Each attempt once: one that was unknown was told of as such; what was our own doing is not. */
static void tell_outcome(struct drive *drive, const struct store_attempt_view *attempt,
                         const char *refused_as)
{
    struct health *health = drive->payments->parts.health;
    const struct store_outcome *outcome = &attempt->outcomes[attempt->outcome_count - 1];
    bool is_told = refused_as != NULL;
    for (size_t i = 0; i + 1 < attempt->outcome_count; i++)
        is_told = is_told || attempt->outcomes[i].outcome == OUTCOME_UNKNOWN;
    if (!is_told)
        health_outcome(health, health_find(health, &attempt->row.account_id), drive->operation,
                       drive->currency, outcome->outcome, clock_mono_us());
}

/* Payments and payouts that were decided while a canary ran; what was unknown is not told twice. */
static void count_canary(const struct drive *drive, const struct store_attempt_view *attempt,
                         enum outcome outcome)
{
    const struct rulebook_sets *sets = &drive->merchant->rules;
    bool is_unknown = outcome == OUTCOME_UNKNOWN;
    if (sets->canary_number == 0 || drive->rules.rules == NULL ||
        drive->payments->parts.rulebook == NULL)
        return;
    if ((!is_unknown && !outcome_is_final(outcome)) || outcome == OUTCOME_NONE)
        return;
    for (size_t i = 0; i + 1 < attempt->outcome_count; i++) {
        if (attempt->outcomes[i].outcome == OUTCOME_UNKNOWN)
            return;
    }
    struct rulebook_count count = {
        .canary_of = sets->canary_of,
        .canary_number = sets->canary_number,
        .arm = drive->rules.arm,
        .is_approved = outcome == OUTCOME_APPROVED,
        .is_unknown = is_unknown,
        .fee_minor = attempt->row.expected_fee_minor,
        .amount_minor = attempt->row.amount_minor,
    };
    rulebook_count(drive->payments->parts.rulebook, &count);
}

/* It only tells of a decision that named nobody. */
static bool is_left_to_nobody(const struct drive *drive, const struct store_attempt_view *attempt)
{
    const char *refused_as = drive->rows[attempt - drive->planned.payment.attempts].refused_as;
    return refused_as != NULL && (strcmp(refused_as, DECISION_RULE_DECLINED) == 0 ||
                                  strcmp(refused_as, DECISION_NO_ROUTE) == 0);
}

static void count_outcome(struct drive *drive, const struct orchestrate_write_plan *plan)
{
    const struct store_attempt_view *attempt = planned_attempt(drive, plan->outcome_attempt_number);
    const struct store_outcome *outcome = &attempt->outcomes[attempt->outcome_count - 1];
    tell_outcome(drive, attempt, drive->rows[attempt - drive->planned.payment.attempts].refused_as);
    metrics_count(METRIC_ATTEMPTS, 1, attempt->row.provider, str_of(outcome_name(plan->outcome)),
                  outcome->reason);
    if (!is_left_to_nobody(drive, attempt))
        count_canary(drive, attempt, plan->outcome);
    if (drive->is_resumed && outcome_is_final(plan->outcome))
        metrics_count(METRIC_RESOLVED, 1, str_of(outcome_name(plan->outcome)));
    const struct store_attempt_view *next = attempt + 1;
    if (plan->opens_attempt && !is_left_to_nobody(drive, next)) {
        metrics_count(METRIC_FAILOVERS, 1, attempt->row.provider, next->row.provider,
                      outcome->reason);
    }
}

/* What went well is counted, not logged, unless someone asks for every step. */
static void log_state(const struct drive *drive)
{
    char id[ID_TEXT_SIZE];
    const struct store_payment_view *view = &drive->committed.payment;
    bool is_plain = view->row.is_payout /* these end by recovery, as a rule */
                        ? view->status != PAYMENT_REVIEW
                        : !drive->is_resumed && payment_status_is_final(view->status);
    const struct log_field fields[] = {
        LOG_STR("payment_id", id_format(drive_id_kind(&view->row), &view->row.payment_id, id)),
        LOG_CSTR("status", payment_status_name(view->status)),
        LOG_INT("attempts", (int64_t)view->attempt_count),
        LOG_STR("reason", present_failure_reason(view)),
        LOG_STR("request_id", drive->request_id),
    };
    log_write(is_plain ? LOG_DEBUG : LOG_INFO, "payment",
              drive->is_resumed ? "payment resolved" : "payment closed", fields, ARRAY_LEN(fields));
}

static void count_status(const struct store_payment_view *view)
{
    struct str status = str_of(payment_status_name(view->status));
    struct str currency = str_of(view->row.currency);
    if (view->row.operation != OPERATION_NONE)
        metrics_count(METRIC_OPERATIONS, 1, str_of(operation_name(view->row.operation)), status,
                      currency);
    else
        metrics_count(view->row.is_payout ? METRIC_PAYOUTS : METRIC_PAYMENTS, 1, status, currency);
}

/* Nothing that a person could not find in the ledger, but for what the ledger did not take. */
static void complain(const struct drive *drive, const char *what)
{
    char payment[ID_TEXT_SIZE];
    char attempt[ID_TEXT_SIZE];
    const struct store_payment *row = &drive->committed.payment.row;
    log_error("payment", what,
              LOG_STR("payment_id", id_format(drive_id_kind(row), &row->payment_id, payment)),
              LOG_STR("attempt", id_format(ID_ATTEMPT, &drive->attempt_id, attempt)),
              LOG_CSTR("write", write_name(drive, &drive->plan)),
              LOG_CSTR("outcome", outcome_name(drive->plan.outcome)),
              LOG_STR("reference", drive->answer.reference),
              LOG_STR("request_id", drive->request_id));
}

static void take_commit(struct drive *drive)
{
    const struct orchestrate_write_plan *plan = &drive->plan;
    if (plan->has_outcome && plan->outcome != OUTCOME_NONE && !plan->announces_repeat)
        count_outcome(drive, plan);
    view_copy(drive, &drive->committed, &drive->planned);
    if (plan->review == REVIEW_LATE_SUCCESS)
        complain(drive, "approved after its payment had ended, gone on or been canceled");
    if (plan->opens_payment) {
        const struct store_payment *row = &drive->committed.payment.row;
        if (!operation_is_follow_up(drive->operation))
            health_decided(drive->candidate[0].account->health, clock_mono_us());
        drive_hold_key(drive);
        admission_note_opened(drive->payments->parts.admission, &row->merchant_id, row->key);
    }
    if (plan->has_event && !plan->is_news && plan->status != PAYMENT_NONE) {
        count_status(&drive->committed.payment);
        log_state(drive);
    }
}

static void write_done(void *ctx, enum store_result result, const struct store_ticket *ticket,
                       const struct error *why)
{
    struct drive *drive = ctx;
    CRASH_PART(drive->is_writing ? write_name(drive, &drive->plan) : "probe", "answered");
    if (drive->is_writing)
        admission_write_ended(drive->payments->parts.admission, clock_mono_us() - drive->write_us);
    drive->is_writing = false;
    if (ticket != NULL)
        drive->ticket = *ticket;
    if (result == STORE_COMMITTED)
        take_commit(drive);
    else if (result == STORE_ROLLED_BACK || result == STORE_UNKNOWN)
        log_warn("payment", "a write did not commit",
                 LOG_CSTR("write", write_name(drive, &drive->plan)),
                 LOG_CSTR("result", store_result_name(result)),
                 LOG_CSTR("error", why != NULL ? why->text : ""),
                 LOG_STR("request_id", drive->request_id));
    if (result == STORE_LIMIT_EXCEEDED && drive_choose_again(drive))
        return;
    if (result == STORE_FENCED && drive->plan.posts_transfers)
        complain(drive, "an approval was fenced: whoever has the attempt now must find it");
    struct orchestrate_event event = {
        .kind = EVENT_WRITTEN,
        .write = (enum orchestrate_write)result,
    };
    if (drive->told != NULL)
        drive->told->written(drive->told->ctx, result);
    drive_step(drive, &event);
}

void drive_write(struct drive *drive, const struct orchestrate_action *action)
{
    struct rows rows;
    CRASH_PART(write_name(drive, &action->write), "asked");
    drive->write_us = clock_mono_us();
    drive->write_wall_us = clock_wall_us();
    drive->plan = action->write;
    drive->answer_body = STR_NONE;
    arena_reset(&drive->write_arena);
    if (drive->plan.is_suspect) {
        complain(drive,
                 "a write is rolled back again and again; written without the answer's words");
        metrics_count(METRIC_WRITES_SUSPECT, 1, str_of(write_name(drive, &drive->plan)));
    }
    build_rows(drive, action, &rows);
    drive->is_writing = true;
    admission_write_began(drive->payments->parts.admission);
    store_write_start(drive->payments->parts.store, &rows.txn, write_done, drive);
}

void drive_probe(struct drive *drive)
{
    CRASH_AT("probe_asked");
    store_probe_start(drive->payments->parts.store, &drive->ticket, write_done, drive);
}
