#include "payment/driver.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "payment/idempotency.h"
#include "payment/present.h"

/*
 * Payouts, and payments whose outcome is not known yet, alike:
 *
 *     load the payout --> absent, ended, in review, or of a provider that cannot cancel: refused;
 *       ^    |            one whose provider has not said yet where it is: refused for now
 *       |    |
 *       |    |  its attempt is parked: mark it there (one UPDATE)
 *       |    v
 *       |  marked --> 202; the resolver claims it at once
 *       |
 *       +--- not parked: somebody has it in hand. That ends soon: wait, look again
 *
 * The mark is in the row that is claimed, and by which the attempt ends: the two cannot miss each
 * other. Whoever holds the claim at that moment puts it back as due at once (sql.c, park_again). A
 * parked attempt is never failed over, so a cancel that was noted never meets another attempt.
 *
 * Of a payment the provider is not told (none of them can take a payment back by its key): it is
 * asked what became of it. What has not moved ends canceled; what has is taken back (reversal.h).
 * A payment that is authorized is voided at once, by an operation under a key of its own.
 *
 * What is canceled is never repeated. So a cancel is noted only once the provider can be asked in
 * another way: a lost PayPal payout is first repeated until PayPal names its batch.
 */

enum {
    CANCELING_MAX = 256,
    WAIT_FIRST_MS = 50,
    WAIT_MAX_MS = 1000,
    CANCEL_ARENA_MAX = DRIVE_ARENA_MAX, /* it reads a payment */
    FIND_OUT_S = 5,
};

struct canceling {
    struct link link;
    struct payments *payments; /* borrowed */
    struct merchant *merchant; /* held */
    enum store_kind kind;      /* STORE_PAYMENTS or STORE_PAYOUTS */
    struct uuid payment_id;
    struct uuid operator_key; /* zero: the merchant's own wish */
    struct arena arena;
    struct loop_timer timer;
    int64_t deadline_us; /* monotonic */
    int64_t pause_us;
    payment_done_fn done;
    void *ctx;
    enum message problem; /* for the next tick */
};

static void canceling_release(struct canceling *canceling)
{
    list_remove(&canceling->link);
    canceling->payments->canceling_count--;
    loop_timer_release(&canceling->timer);
    arena_release(&canceling->arena);
    merchant_drop(canceling->merchant);
    free(canceling);
}

static void refuse(struct canceling *canceling, enum message problem, struct str detail,
                   int retry_after_s)
{
    char id[ID_TEXT_SIZE];
    struct payment_reply reply = {
        .status = message_entry(problem)->status,
        .problem = problem,
        .problem_detail = detail,
        .retry_after_s = retry_after_s,
    };
    if (problem != MESSAGE_NOT_FOUND)
        reply.problem_payment = id_format(canceling->kind == STORE_PAYOUTS ? ID_PAYOUT : ID_PAYMENT,
                                          &canceling->payment_id, id);
    canceling->done(canceling->ctx, &reply);
    canceling_release(canceling);
}

static void answer(struct canceling *canceling, int status, const struct store_payment_view *payout)
{
    struct buf body;
    buf_init(&body, PRESENT_BYTES_MAX);
    present_payment(payout, &body);
    struct payment_reply reply = {
        .status = status,
        .content_type = STR("application/json"),
        .body = buf_str(&body),
        .location = drive_location(&payout->row, &canceling->arena),
    };
    canceling->done(canceling->ctx, &reply);
    buf_release(&body);
    canceling_release(canceling);
}

/* ---- looking, marking, looking again ---- */

static void look_soon(struct canceling *canceling)
{
    if (clock_mono_us() + canceling->pause_us >= canceling->deadline_us) {
        refuse(canceling, MESSAGE_CONFLICT, STR("it is being sent at this moment; try again"), 1);
        return;
    }
    loop_timer_start(&canceling->timer, canceling->pause_us);
    canceling->pause_us *= 2;
    if (canceling->pause_us > WAIT_MAX_MS * CLOCK_MS_US)
        canceling->pause_us = WAIT_MAX_MS * CLOCK_MS_US;
}

static void reloaded(void *ctx, enum store_find found, const struct store_payment_view *payout,
                     const struct error *why)
{
    struct canceling *canceling = ctx;
    (void)why;
    if (found == STORE_FOUND)
        answer(canceling, payment_status_is_final(payout->status) ? 200 : 202, payout);
    else
        refuse(canceling, MESSAGE_OUTCOME_PENDING, STR_NONE, 1);
}

static void load(struct canceling *canceling, store_payment_fn done)
{
    arena_reset(&canceling->arena);
    store_load_payment(canceling->payments->parts.store, &canceling->merchant->merchant_id,
                       &canceling->payment_id, canceling->kind, &canceling->arena, done, canceling);
}

static void marked(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct canceling *canceling = ctx;
    (void)why;
    if (found != STORE_FOUND) { /* the answer may be all that was lost */
        refuse(canceling, MESSAGE_OUTCOME_PENDING, STR_NONE, 1);
        return;
    }
    if (count == 0) {
        look_soon(canceling);
        return;
    }
    resolver_wake(canceling->payments);
    load(canceling, reloaded);
}

/* ---- what is authorized is voided ---- */

static void voided(void *ctx, const struct payment_reply *reply)
{
    struct canceling *canceling = ctx;
    if (reply->problem != MESSAGE_NONE) {
        struct str detail = arena_str(&canceling->arena, reply->problem_detail);
        refuse(canceling, reply->problem, detail, reply->retry_after_s);
        return;
    }
    load(canceling, reloaded);
}

/* Whoever asks again asks for the same void: one that failed is not tried again here. */
static void void_it(struct canceling *canceling)
{
    char id[UUID_TEXT_SIZE];
    struct error err;
    struct payment_operate_request request = {
        .operation = OPERATION_VOID,
        .payment_id = canceling->payment_id,
        .reason = STR_NONE,
        .request_id = "cancel",
    };
    request.key = arena_printf(&canceling->arena, "\302\247cancel:%s",
                               uuid_format(&canceling->payment_id, id).at);
    if (!uuid_is_zero(&canceling->operator_key)) {
        struct str key = arena_printf(&canceling->arena, "cancel:%s", id);
        CHECK(idempotency_key_by(&canceling->operator_key, key, &canceling->arena, &request.key,
                                 &err));
    }
    crypto_sha256(request.key, request.fingerprint);
    payment_operate_start(canceling->payments, canceling->merchant, &request, voided, canceling);
}

/* The newest attempt alone: an older one has ended, and is parked at most to be looked up again. */
static const struct store_attempt_view *parked_attempt(const struct store_payment_view *payout)
{
    if (payout->attempt_count == 0)
        return NULL;
    const struct store_attempt_view *newest = &payout->attempts[payout->attempt_count - 1];
    return newest->parked ? newest : NULL;
}

enum way { /* to the provider, but for a repeat */
           WAY_NONE = 0,
           WAY_NOT_YET, /* it has not said where the payout is */
           WAY_KNOWN,
};

static enum way find_way(struct canceling *canceling, const struct store_payment_view *payout,
                         const struct store_attempt_view *attempt)
{
    const struct merchant_account *account =
        drive_find_account(canceling->merchant, &attempt->row.account_id);
    bool can_take_back = account != NULL && account->account.provider->build_cancel != NULL;
    if (account == NULL || (canceling->kind == STORE_PAYOUTS && !can_take_back))
        return WAY_NONE;
    struct arena *arena = &canceling->arena;
    const struct provider *provider = account->account.provider;
    struct provider_facts facts = {0};
    struct provider_request ignored = {0};
    char id[ID_TEXT_SIZE];
    struct provider_call call = {
        .operation = attempt->row.operation,
        .account = &account->account,
        .attempt_ref = arena_str(arena, id_format(ID_ATTEMPT, &attempt->row.attempt_id, id)),
        .merchant_ref = payout->row.reference,
        .amount_minor = attempt->row.amount_minor,
        .currency = currency_find(str_of(attempt->row.currency)),
    };
    drive_read_facts(attempt, arena, &facts);
    bool is_known =
        (can_take_back && provider->build_cancel(&call, &facts, arena, &ignored)) ||
        (provider->build_lookup != NULL && provider->build_lookup(&call, &facts, arena, &ignored));
    return is_known ? WAY_KNOWN : WAY_NOT_YET;
}

static void cancel_parked(struct canceling *canceling, const struct store_payment_view *payout,
                          const struct store_attempt_view *attempt)
{
    switch (find_way(canceling, payout, attempt)) {
    case WAY_NONE:
        refuse(canceling, MESSAGE_CONFLICT,
               arena_printf(&canceling->arena, STR_FMT " cannot cancel it",
                            STR_ARG(attempt->row.provider)),
               0);
        return;
    case WAY_NOT_YET:
        refuse(canceling, MESSAGE_CONFLICT,
               arena_printf(&canceling->arena,
                            "whether " STR_FMT " has it is being found out; try again",
                            STR_ARG(attempt->row.provider)),
               FIND_OUT_S);
        return;
    case WAY_KNOWN:
        store_cancel(canceling->payments->parts.store, &attempt->row.merchant_id,
                     &attempt->row.attempt_id, clock_wall_us(), marked, canceling);
        return;
    }
}

static void loaded(void *ctx, enum store_find found, const struct store_payment_view *payout,
                   const struct error *why)
{
    struct canceling *canceling = ctx;
    (void)why;
    if (found != STORE_FOUND) {
        refuse(canceling, found == STORE_ABSENT ? MESSAGE_NOT_FOUND : MESSAGE_UNAVAILABLE,
               found == STORE_ABSENT ? arena_printf(&canceling->arena, "there is no such " STR_FMT,
                                                    STR_ARG(store_kind_name(canceling->kind)))
                                     : STR_NONE,
               found == STORE_ABSENT ? 0 : 1);
        return;
    }
    if (payout->status == PAYMENT_CANCELED) {
        answer(canceling, 200, payout);
        return;
    }
    if (payout->status == PAYMENT_AUTHORIZED) {
        void_it(canceling);
        return;
    }
    if (payment_status_is_final(payout->status) || payout->status == PAYMENT_REVIEW) {
        refuse(canceling, MESSAGE_CONFLICT,
               arena_printf(&canceling->arena, "its status is \"%s\"",
                            payment_status_name(payout->status)),
               0);
        return;
    }
    const struct store_attempt_view *attempt = parked_attempt(payout);
    if (attempt == NULL)
        look_soon(canceling);
    else
        cancel_parked(canceling, payout, attempt);
}

static void look_run(void *ctx)
{
    struct canceling *canceling = ctx;
    if (canceling->problem != MESSAGE_NONE)
        refuse(canceling, canceling->problem, STR_NONE, 1);
    else
        load(canceling, loaded);
}

/* ---- public ---- */

static void cancel_start(struct payments *payments, struct merchant *merchant, enum store_kind kind,
                         const struct uuid *payment_id, const struct uuid *operator_key,
                         payment_done_fn done, void *ctx)
{
    struct canceling *canceling = calloc(1, sizeof(*canceling));
    CHECK(canceling != NULL);
    bool is_full = payments->canceling_count >= CANCELING_MAX;
    *canceling = (struct canceling){
        .payments = payments,
        .merchant = merchant,
        .kind = kind,
        .payment_id = *payment_id,
        .operator_key = operator_key != NULL ? *operator_key : (struct uuid){{0}},
        .deadline_us = clock_mono_us() + payments->config.limits.answer_us / 2,
        .pause_us = WAIT_FIRST_MS * CLOCK_MS_US,
        .done = done,
        .ctx = ctx,
        .problem = is_full ? MESSAGE_OVERLOADED : MESSAGE_NONE,
    };
    merchant_hold(merchant);
    arena_init(&canceling->arena, CANCEL_ARENA_MAX);
    list_add_last(&payments->canceling, &canceling->link);
    payments->canceling_count++;
    loop_timer_init(&canceling->timer, payments->parts.loop, look_run, canceling);
    loop_timer_start(&canceling->timer, 0);
}

void payout_cancel_start(struct payments *payments, struct merchant *merchant,
                         const struct uuid *payment_id, payment_done_fn done, void *ctx)
{
    cancel_start(payments, merchant, STORE_PAYOUTS, payment_id, NULL, done, ctx);
}

void payment_cancel_start(struct payments *payments, struct merchant *merchant,
                          const struct uuid *payment_id, const struct uuid *operator_key,
                          payment_done_fn done, void *ctx)
{
    cancel_start(payments, merchant, STORE_PAYMENTS, payment_id, operator_key, done, ctx);
}

void driver_cancel_release(struct payments *payments)
{
    struct link *next;
    for (struct link *at = payments->canceling.next; at != &payments->canceling; at = next) {
        next = at->next;
        canceling_release(LIST_OWNER(at, struct canceling, link));
    }
}
