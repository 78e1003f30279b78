#include "payment/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/review.h"

/*
 *     load the case --> absent, decided before, or the ruling does not fit: refused
 *          |
 *          +-- charged, not charged --> load the payment: what its books say already is only noted
 *          |          |
 *          |          +---------------> the attempt is taken on like one that is claimed, and ends
 *          |                            as told: outcome, transfers, event, answer and the case,
 *          |                            in one commit, fenced by the outcome's number
 *          +-- accepted, reverse -----> event and case, in one commit, fenced by the event's number;
 *                                       fenced: load again
 *
 * A case is decided once: the commit demands that it is still open, as it was loaded.
 */

enum {
    DECIDE_ARENA_MAX = DRIVE_ARENA_MAX, /* it reads a payment, some times over */
    DECIDE_ROUNDS_MAX = 4,
    DATA_BYTES_MAX = 64 * 1024,
};

static const struct str names[RULING_COUNT] = {
    [RULING_NONE] = STR_INIT("none"),
    [RULING_CHARGED] = STR_INIT("charged"),
    [RULING_NOT_CHARGED] = STR_INIT("not_charged"),
    [RULING_ACCEPTED] = STR_INIT("accepted"),
    [RULING_REVERSE] = STR_INIT("reverse"),
};

struct decision {
    struct link link;            /* in payments.deciding */
    struct payments *payments;   /* borrowed */
    struct payment_decide asked; /* strings in arena */
    struct review_view review;
    struct drive_told told;
    struct store_event event;
    struct arena arena;
    struct loop_timer timer;
    payment_decided_fn done; /* NULL: answered */
    void *ctx;
    unsigned rounds;
    bool is_committed;
    bool is_fenced;
    bool is_unsure;
};

const char *payment_ruling_name(enum payment_ruling ruling)
{
    CHECK((unsigned)ruling < RULING_COUNT);
    return names[ruling].at;
}

enum payment_ruling payment_ruling_find(struct str name)
{
    for (int i = RULING_NONE + 1; i < RULING_COUNT; i++) {
        if (str_eq(names[i], name))
            return (enum payment_ruling)i;
    }
    return RULING_NONE;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void decision_free(struct decision *decision)
{
    list_remove(&decision->link);
    loop_timer_release(&decision->timer);
    arena_release(&decision->arena);
    free(decision);
}

static void answer(struct decision *decision, enum message problem, struct str detail)
{
    payment_decided_fn done = decision->done;
    loop_timer_stop(&decision->timer);
    decision->done = NULL;
    if (done != NULL)
        done(decision->ctx, problem, detail);
}

static void end(struct decision *decision, enum message problem, struct str detail)
{
    answer(decision, problem, detail);
    decision_free(decision);
}

static void deadline_run(void *ctx)
{
    answer(ctx, MESSAGE_OUTCOME_PENDING,
           STR("whether the decision was noted is not known yet: look at the case again"));
}

static void log_decision(const struct decision *decision)
{
    char review[ID_TEXT_SIZE];
    char key[ID_TEXT_SIZE];
    log_info("payment", "a case was decided",
             LOG_STR("review", id_format(ID_REVIEW, &decision->review.review_id, review)),
             LOG_CSTR("kind", review_kind_name(decision->review.kind)),
             LOG_CSTR("outcome", payment_ruling_name(decision->asked.ruling)),
             LOG_STR("key", id_format(ID_KEY, &decision->asked.key_id, key)));
}

static void end_written(struct decision *decision)
{
    if (decision->is_committed) {
        log_decision(decision);
        end(decision, MESSAGE_NONE, STR_NONE);
    } else if (decision->is_unsure) {
        end(decision, MESSAGE_OUTCOME_PENDING,
            STR("whether the decision was noted is not known: look at the case again"));
    } else if (decision->is_fenced) {
        end(decision, MESSAGE_CONFLICT,
            STR("the payment has moved on at this moment: look at the case again"));
    } else {
        end(decision, MESSAGE_UNAVAILABLE, STR_NONE);
    }
}

/* ---- who, what and why ----------------------------------------------------------------------- */

static void put_id(struct json_out *json, const char *key, enum id_kind kind, const struct uuid *id)
{
    char text[ID_TEXT_SIZE];
    json_put_str(json, key, id_format(kind, id, text));
}

static struct str print_data(struct decision *decision)
{
    const struct payment_decide *asked = &decision->asked;
    struct buf text;
    struct json_out json;
    buf_init(&text, DATA_BYTES_MAX);
    json_out_init(&json, &text);
    json_begin_object(&json);
    put_id(&json, "review", ID_REVIEW, &decision->review.review_id);
    json_put_cstr(&json, "kind", review_kind_name(decision->review.kind));
    json_put_cstr(&json, "outcome", payment_ruling_name(asked->ruling));
    if (asked->amount_minor > 0)
        json_put_int(&json, "amount", asked->amount_minor);
    json_put_str(&json, "reason", asked->reason);
    json_put_str(&json, "evidence", asked->evidence);
    json_key(&json, "by");
    json_begin_object(&json);
    put_id(&json, "key", ID_KEY, &asked->key_id);
    json_put_str(&json, "role", asked->role);
    json_end_object(&json);
    json_end_object(&json);
    struct str kept = arena_str(&decision->arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static struct store_verdict make_verdict(const struct decision *decision)
{
    const struct payment_decide *asked = &decision->asked;
    const struct review_view *review = &decision->review;
    return (struct store_verdict){
        .merchant_id = review->merchant_id,
        .review_id = review->review_id,
        .from = REVIEW_OPEN,
        .to = ruling_after(asked->ruling),
        .epoch = review->epoch,
        .key_id = asked->key_id,
        .outcome = str_of(payment_ruling_name(asked->ruling)),
        .reason = asked->reason,
        .evidence = asked->evidence,
        .created_us = clock_wall_us(),
    };
}

/* ---- what an attempt came to ----------------------------------------------------------------- */

static void told_written(void *ctx, enum store_result result)
{
    struct decision *decision = ctx;
    decision->is_committed = decision->is_committed || result == STORE_COMMITTED;
    decision->is_fenced = decision->is_fenced || result == STORE_FENCED;
}

static void told_ended(void *ctx)
{
    end_written(ctx);
}

static void tell(struct decision *decision)
{
    const struct review_view *review = &decision->review;
    struct store_claimed attempt = {
        .merchant_id = review->merchant_id,
        .attempt_id = review->attempt_id,
        .payment_id = review->payment_id,
        .account_id = review->account_id,
        .provider = review->provider,
        .parked_us = review->opened_us,
    };
    decision->told = (struct drive_told){
        .outcome = ruling_outcome(decision->asked.ruling),
        .amount_minor = decision->asked.amount_minor,
        .reference =
            decision->asked.reference.len > 0 ? decision->asked.reference : review->reference,
        .data_json = print_data(decision),
        .verdict = make_verdict(decision),
        .written = told_written,
        .ended = told_ended,
        .ctx = decision,
    };
    resolve_tell(decision->payments, &attempt, &decision->told);
}

/* ---- what moves nothing ---------------------------------------------------------------------- */

static void load(struct decision *decision);

static void note_written(void *ctx, enum store_result result, const struct store_ticket *ticket,
                         const struct error *why)
{
    struct decision *decision = ctx;
    CRASH_AT("note_answered");
    (void)ticket;
    (void)why;
    if (result == STORE_FENCED && ++decision->rounds < DECIDE_ROUNDS_MAX) {
        load(decision); /* another event has come in between, or another decision */
        return;
    }
    decision->is_committed = result == STORE_COMMITTED;
    decision->is_fenced = result == STORE_FENCED;
    decision->is_unsure = result == STORE_UNKNOWN;
    if (decision->is_committed && decision->asked.ruling == RULING_REVERSE)
        reversals_wake(decision->payments);
    end_written(decision);
}

static struct ruling_case case_of(const struct review_view *review)
{
    return (struct ruling_case){
        .state = review->state, .kind = review->kind, .operation = review->operation};
}

/* What the attempt has come to by now. The first approval says whether its sum was reserved. */
static struct ruling_attempt read_attempt(const struct store_payment_view *payment,
                                          const struct uuid *attempt_id)
{
    struct ruling_attempt read = {0};
    for (size_t i = 0; i < payment->attempt_count; i++) {
        const struct store_attempt_view *attempt = &payment->attempts[i];
        if (!uuid_eq(&attempt->row.attempt_id, attempt_id))
            continue;
        read.is_own = i + 1 == payment->attempt_count && (payment->status == PAYMENT_SUCCEEDED ||
                                                          payment->status == PAYMENT_AUTHORIZED);
        for (size_t n = 0; n < attempt->outcome_count; n++) {
            const struct store_outcome *outcome = &attempt->outcomes[n];
            bool is_first = outcome->outcome == OUTCOME_APPROVED && !read.is_approved;
            read.is_final = read.is_final || outcome_is_final(outcome->outcome);
            read.is_approved = read.is_approved || is_first;
            read.is_reserved = read.is_reserved || (is_first && drive_is_reserved(outcome));
        }
    }
    return read;
}

static const struct store_attempt_view *attempt_of(const struct decision *decision,
                                                   const struct store_payment_view *payment)
{
    for (size_t i = 0; i < payment->attempt_count; i++) {
        if (uuid_eq(&payment->attempts[i].row.attempt_id, &decision->review.attempt_id))
            return &payment->attempts[i];
    }
    return NULL;
}

/* The case of a late success that stays: what was reserved for its reversal is free again. */
static bool find_reserve(const struct decision *decision, const struct store_payment_view *payment,
                         struct store_limits *limits)
{
    const struct review_view *review = &decision->review;
    struct ruling_case about = case_of(review);
    struct ruling_attempt attempt = read_attempt(payment, &review->attempt_id);
    bool is_held = review->operation == OPERATION_AUTHORIZE;
    if (!ruling_frees_reserve(&about, decision->asked.ruling, &attempt))
        return false;
    *limits = (struct store_limits){
        .merchant_id = payment->row.merchant_id,
        .payment_id = payment->row.payment_id,
        .capture_open = is_held ? -review->amount_minor : 0,
        .refund_open = is_held ? 0 : -review->amount_minor,
    };
    memcpy(limits->currency, payment->row.currency, sizeof(limits->currency));
    return true;
}

struct accepted { /* what comes with it that a late success stays */
    struct store_limits limits;
    struct store_limits late;
    struct store_park park;
};

static void put_watch(const struct decision *decision, const struct store_attempt_view *attempt,
                      int64_t now_us, struct store_park *park)
{
    *park = (struct store_park){
        .merchant_id = attempt->row.merchant_id,
        .attempt_id = attempt->row.attempt_id,
        .payment_id = attempt->row.payment_id,
        .account_id = attempt->row.account_id,
        .provider = decision->review.provider,
        .next_us = now_us,
        .reason = STR(STORE_RECHECK),
    };
}

static void put_accepted(const struct decision *decision, const struct store_payment_view *payment,
                         int64_t now_us, struct accepted *accepted, struct store_txn *txn)
{
    struct ruling_case about = case_of(&decision->review);
    const struct store_attempt_view *attempt = attempt_of(decision, payment);
    if (attempt == NULL)
        return;
    if (find_reserve(decision, payment, &accepted->limits))
        txn->limits = &accepted->limits;
    if (txn->limits != NULL && attempt->late.exists) {
        drive_put_late(&attempt->row.attempt_id, &accepted->limits, &accepted->late);
        txn->room = &accepted->late;
    }
    if (attempt->parked || !ruling_looks_again(&about, decision->asked.ruling))
        return; /* who is in the queue is looked at */
    put_watch(decision, attempt, now_us, &accepted->park);
    txn->park = &accepted->park;
}

static void note(void *ctx, enum store_find found, const struct store_payment_view *payment,
                 const struct error *why)
{
    struct decision *decision = ctx;
    struct accepted accepted;
    (void)why;
    if (found != STORE_FOUND) {
        end_written(decision);
        return;
    }
    struct store_verdict verdict = make_verdict(decision);
    decision->event = (struct store_event){
        .merchant_id = payment->row.merchant_id,
        .event_id = uuid_new(),
        .payment_id = payment->row.payment_id,
        .attempt_id = decision->review.attempt_id,
        .number = payment->event_count + 1,
        .type = arena_printf(&decision->arena, "%s.review_decided",
                             payment->row.is_payout ? "payout" : "payment"),
        .status = payment->status,
        .data_json = print_data(decision),
        .created_us = verdict.created_us,
    };
    struct store_txn txn = {
        .name = "note",
        .events = &decision->event,
        .event_count = 1,
        .verdict = &verdict,
    };
    put_accepted(decision, payment, verdict.created_us, &accepted, &txn);
    CRASH_AT("note_asked");
    store_write_start(decision->payments->parts.store, &txn, note_written, decision);
}

/* ---- charged, or not ---- */

static void weigh(void *ctx, enum store_find found, const struct store_payment_view *payment,
                  const struct error *why)
{
    struct decision *decision = ctx;
    if (found != STORE_FOUND) {
        end_written(decision);
        return;
    }
    struct ruling_attempt attempt = read_attempt(payment, &decision->review.attempt_id);
    enum ruling_step next = ruling_weigh(decision->asked.ruling, &attempt);
    if (next == RULING_REFUSE_BOOKED)
        end(decision, MESSAGE_CONFLICT,
            STR("the books have it as charged: if it was not, that is a refund"));
    else if (next == RULING_NOTE)
        note(decision, found, payment, why);
    else
        tell(decision);
}

/* ---- from the case to the ruling ------------------------------------------------------------- */

static void refuse_decided(struct decision *decision)
{
    const struct review_view *review = &decision->review;
    struct str detail =
        review->state == REVIEW_REVERSING
            ? STR("it is being reversed; only when that fails it is yours to decide")
            : arena_printf(&decision->arena, "it was decided before: " STR_FMT,
                           STR_ARG(review->outcome));
    end(decision, MESSAGE_CONFLICT, detail);
}

static void load_payment(struct decision *decision, store_payment_fn done)
{
    store_load_payment(decision->payments->parts.store, &decision->review.merchant_id,
                       &decision->review.payment_id, STORE_ANY, &decision->arena, done, decision);
}

static void loaded(void *ctx, enum store_find found, const struct review_view *reviews,
                   size_t count, bool has_more, const struct error *why)
{
    struct decision *decision = ctx;
    (void)count;
    (void)has_more;
    (void)why;
    if (found != STORE_FOUND) {
        end(decision, found == STORE_ABSENT ? MESSAGE_NOT_FOUND : MESSAGE_UNAVAILABLE, STR_NONE);
        return;
    }
    CRASH_AT("case_read");
    decision->review = *reviews;
    enum payment_ruling ruling = decision->asked.ruling;
    struct ruling_case about = case_of(reviews);
    switch (ruling_hear(&about, ruling, decision->asked.amount_minor > 0)) {
    case RULING_REFUSE_DECIDED:
    case RULING_REFUSE_REVERSING:
        refuse_decided(decision);
        return;
    case RULING_REFUSE_UNFIT:
        end(decision, MESSAGE_INVALID_MEMBER,
            arena_printf(&decision->arena, "\"%s\" is no answer to a case of kind %s",
                         payment_ruling_name(ruling), review_kind_name(reviews->kind)));
        return;
    case RULING_REFUSE_AMOUNT:
        end(decision, MESSAGE_INVALID_MEMBER,
            STR("an operation moves what was asked for, or nothing"));
        return;
    case RULING_GO_ON:
    case RULING_REFUSE_BOOKED:
    case RULING_NOTE:
    case RULING_TELL:
        if (ruling == RULING_CHARGED && reviews->operation == OPERATION_REAUTHORIZE &&
            decision->asked.reference.len + reviews->reference.len == 0) {
            end(decision, MESSAGE_INVALID_MEMBER,
                STR("name the new authorization as \"reference\": it is captured or voided from "
                    "then on"));
            return;
        }
        load_payment(decision, weigh);
        return;
    }
    CHECK(false);
}

static void load(struct decision *decision)
{
    review_load(decision->payments->parts.store, &decision->asked.merchant_id,
                &decision->asked.review_id, &decision->arena, loaded, decision);
}

void payment_decide_start(struct payments *payments, const struct payment_decide *asked,
                          payment_decided_fn done, void *ctx)
{
    struct decision *decision = calloc(1, sizeof(*decision));
    CHECK(decision != NULL);
    CHECK(asked->ruling > RULING_NONE && asked->ruling < RULING_COUNT);
    decision->payments = payments;
    arena_init(&decision->arena, DECIDE_ARENA_MAX);
    decision->asked = *asked;
    decision->asked.reference = arena_str(&decision->arena, asked->reference);
    decision->asked.reason = arena_str(&decision->arena, asked->reason);
    decision->asked.evidence = arena_str(&decision->arena, asked->evidence);
    decision->asked.role = arena_str(&decision->arena, asked->role);
    decision->done = done;
    decision->ctx = ctx;
    list_add_last(&payments->deciding, &decision->link);
    loop_timer_init(&decision->timer, payments->parts.loop, deadline_run, decision);
    loop_timer_start(&decision->timer, payments->config.limits.answer_us);
    load(decision);
}

void decide_release(struct payments *payments)
{
    struct link *next;
    for (struct link *at = payments->deciding.next; at != &payments->deciding; at = next) {
        next = at->next;
        decision_free(LIST_OWNER(at, struct decision, link));
    }
}
