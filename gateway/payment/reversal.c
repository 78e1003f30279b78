#include "payment/driver.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger/review.h"

enum {
    REVERSALS_MAX = 8, /* in this worker's hands */
    CLAIM_ARENA_MAX = 1024 * 1024,
    REVERSAL_ARENA_MAX = DRIVE_ARENA_MAX, /* it reads a payment */
    WAIT_MAX_MS = 60000,
    RETRY_MAX_MS = 3600000,
    ROUNDS_MAX = 8, /* of writing the end: other events come in between */
    COUNT_MS = 5000,
};

struct reversal {
    struct link link;          /* in reversals.running */
    struct payments *payments; /* borrowed */
    struct review_claim claim;
    struct merchant *merchant; /* held; NULL: not loaded yet */
    struct arena arena;
    struct uuid reversal_id; /* the operation; zero: not known */
    struct store_event event;
    unsigned rounds;
};

static void reversal_free(struct reversal *reversal)
{
    list_remove(&reversal->link);
    reversal->payments->reversals.running_count--;
    if (reversal->merchant != NULL)
        merchant_drop(reversal->merchant);
    arena_release(&reversal->arena);
    free(reversal);
}

static int64_t doubled(int64_t first_ms, int32_t times, int64_t max_ms)
{
    for (int32_t i = 0; i < times && first_ms < max_ms; i++)
        first_ms *= 2;
    return first_ms < max_ms ? first_ms : max_ms;
}

static enum operation operation_of(const struct reversal *reversal)
{
    return reversal->claim.operation == OPERATION_AUTHORIZE ? OPERATION_VOID : OPERATION_REFUND;
}

/* ---- how a claim ends ------------------------------------------------------------------------ */

static void put_back_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    (void)found; /* if it was not put back, its lease ends */
    (void)count;
    (void)why;
    reversal_free(ctx);
}

static void put_back(struct reversal *reversal, struct review_end *end, struct str detail)
{
    end->merchant_id = reversal->claim.merchant_id;
    end->review_id = reversal->claim.review_id;
    end->epoch = reversal->claim.epoch;
    end->reversal_id = reversal->reversal_id;
    end->detail = detail;
    review_put_back(reversal->payments->parts.store, end, put_back_done, reversal);
}

/* Nothing is known yet: the same again. */
static void wait_for_it(struct reversal *reversal, struct str why)
{
    int64_t pause_ms =
        doubled(reversal->payments->config.reverse_wait_ms, reversal->claim.waits, WAIT_MAX_MS);
    struct review_end end = {
        .next_us = clock_wall_us() + pause_ms * CLOCK_MS_US,
        .tries = reversal->claim.tries,
        .waits = reversal->claim.waits < INT32_MAX ? reversal->claim.waits + 1 : INT32_MAX,
    };
    put_back(reversal, &end, why);
}

static void give_up(struct reversal *reversal, int32_t tries, struct str why)
{
    char id[ID_TEXT_SIZE];
    struct review_end end = {.gives_up = true, .next_us = clock_wall_us(), .tries = tries};
    log_error("payment", "a late success cannot be reversed: a person must look",
              LOG_STR("review", id_format(ID_REVIEW, &reversal->claim.review_id, id)),
              LOG_INT("tries", tries), LOG_STR("why", why));
    metrics_count(METRIC_DUPLICATES_REVERSED, 1, STR("failed"));
    put_back(reversal, &end, why);
}

/* It surely did not work: another operation, later. */
static void try_again(struct reversal *reversal, struct str why)
{
    const struct payments_config *config = &reversal->payments->config;
    int32_t tries = reversal->claim.tries + 1;
    int64_t pause_ms = doubled(config->reverse_retry_ms, reversal->claim.tries, RETRY_MAX_MS);
    struct review_end end = {
        .next_us = clock_wall_us() + pause_ms * CLOCK_MS_US,
        .tries = tries,
    };
    put_back(reversal, &end, why);
}

/* ---- it worked ------------------------------------------------------------------------------- */

static void load_payment(struct reversal *reversal, store_payment_fn done);
static void note(void *ctx, enum store_find found, const struct store_payment_view *payment,
                 const struct error *why);

static void log_reversed(const struct reversal *reversal)
{
    char payment[ID_TEXT_SIZE];
    char attempt[ID_TEXT_SIZE];
    log_error("payment", "a late success was reversed",
              LOG_STR("payment_id", id_format(ID_PAYMENT, &reversal->claim.payment_id, payment)),
              LOG_STR("attempt", id_format(ID_ATTEMPT, &reversal->claim.attempt_id, attempt)),
              LOG_INT("amount", reversal->claim.amount_minor));
}

static void noted(void *ctx, enum store_result result, const struct store_ticket *ticket,
                  const struct error *why)
{
    struct reversal *reversal = ctx;
    CRASH_AT("reverse_answered");
    (void)ticket;
    (void)why;
    if (result == STORE_FENCED && ++reversal->rounds < ROUNDS_MAX) {
        load_payment(reversal, note); /* another event has come in between */
        return;
    }
    if (result == STORE_COMMITTED) {
        log_reversed(reversal);
        metrics_count(METRIC_DUPLICATES_REVERSED, 1, STR("reversed"));
    }
    reversal_free(reversal); /* else: its lease ends, and the same key says the same */
}

static struct str event_data(struct reversal *reversal)
{
    char review[ID_TEXT_SIZE];
    char operation[ID_TEXT_SIZE];
    enum id_kind kind = operation_of(reversal) == OPERATION_VOID ? ID_VOID : ID_REFUND;
    return arena_printf(
        &reversal->arena,
        "{\"review\":\"%s\",\"operation\":\"%s\",\"reversal\":\"%s\",\"amount\":%lld}",
        id_format(ID_REVIEW, &reversal->claim.review_id, review).at,
        operation_name(operation_of(reversal)),
        id_format(kind, &reversal->reversal_id, operation).at,
        (long long)reversal->claim.amount_minor);
}

static void note(void *ctx, enum store_find found, const struct store_payment_view *payment,
                 const struct error *why)
{
    struct reversal *reversal = ctx;
    (void)why;
    if (found != STORE_FOUND) {
        reversal_free(reversal);
        return;
    }
    int64_t now_us = clock_wall_us();
    struct store_verdict verdict = {
        .merchant_id = reversal->claim.merchant_id,
        .review_id = reversal->claim.review_id,
        .from = REVIEW_REVERSING,
        .to = REVIEW_RESOLVED,
        .epoch = reversal->claim.epoch,
        .outcome = STR("reversed"),
        .reason = STR("late_success"),
        .reversal_id = reversal->reversal_id,
        .created_us = now_us,
    };
    reversal->event = (struct store_event){
        .merchant_id = reversal->claim.merchant_id,
        .event_id = uuid_new(),
        .payment_id = reversal->claim.payment_id,
        .attempt_id = reversal->claim.attempt_id,
        .number = payment->event_count + 1,
        .type = STR("payment.duplicate_reversed"),
        .status = payment->status,
        .data_json = event_data(reversal),
        .created_us = now_us,
    };
    struct store_txn txn = {
        .name = "reverse",
        .events = &reversal->event,
        .event_count = 1,
        .verdict = &verdict,
    };
    CRASH_AT("reverse_asked");
    store_write_start(reversal->payments->parts.store, &txn, noted, reversal);
}

/* ---- the operation --------------------------------------------------------------------------- */

static bool may_pass(const struct payment_reply *reply)
{
    return message_entry(reply->problem)->retryable || reply->retry_after_s > 0;
}

static void judge_operation(struct reversal *reversal, const json_t *body)
{
    struct error ignored;
    enum id_kind kind = operation_of(reversal) == OPERATION_VOID ? ID_VOID : ID_REFUND;
    enum payment_status status = payment_status_find(json_text(body, "status"));
    struct str reason = json_path_text(body, "failure.reason");
    int32_t try_max = (int32_t)reversal->payments->config.reverse_try_max;
    if (!id_parse(kind, json_text(body, "id"), &reversal->reversal_id, &ignored))
        reversal->reversal_id = (struct uuid){{0}};
    switch (ruling_reversal(status, reversal->claim.tries, try_max)) {
    case REVERSAL_DONE:
        load_payment(reversal, note);
        return;
    case REVERSAL_AGAIN:
        try_again(reversal, arena_str(&reversal->arena, reason));
        return;
    case REVERSAL_GIVE_UP:
        give_up(reversal, reversal->claim.tries + 1, arena_str(&reversal->arena, reason));
        return;
    case REVERSAL_WAIT:
        wait_for_it(reversal, status == PAYMENT_REVIEW ? STR("in_review") : STR("processing"));
        return;
    }
    CHECK(false);
}

static void operated(void *ctx, const struct payment_reply *reply)
{
    struct reversal *reversal = ctx;
    struct error err;
    if (reply->problem != MESSAGE_NONE) {
        struct str why = arena_str(&reversal->arena, str_of(message_entry(reply->problem)->code));
        if (may_pass(reply))
            wait_for_it(reversal, why);
        else
            give_up(reversal, reversal->claim.tries, why);
        return;
    }
    json_t *body = json_parse(reply->body, &json_limits_default, &err);
    if (body == NULL)
        wait_for_it(reversal, STR("unreadable"));
    else
        judge_operation(reversal, body);
    json_decref(body);
}

static void operate(struct reversal *reversal)
{
    char text[REVIEW_KEY_SIZE];
    struct payment_operate_request request = {
        .key = review_key(&reversal->claim.attempt_id, reversal->claim.tries + 1, text),
        .operation = operation_of(reversal),
        .payment_id = reversal->claim.payment_id,
        .attempt_id = reversal->claim.attempt_id,
        .metadata_json = STR("{}"),
        .request_id = "reversal",
    };
    crypto_sha256(request.key, request.fingerprint);
    CRASH_AT("reversal_asked");
    payment_operate_start(reversal->payments, reversal->merchant, &request, operated, reversal);
}

/* ---- from the claim to the operation --------------------------------------------------------- */

static void merchant_loaded(void *ctx, enum merchants_find found, struct merchant *merchant)
{
    struct reversal *reversal = ctx;
    reversal->merchant = merchant;
    if (found ==
        MERCHANTS_FOUND) /* also when it is disabled: money that is not its own goes back */
        operate(reversal);
    else
        wait_for_it(reversal, STR("merchant_unavailable"));
}

/* While another attempt may still decide what the payment comes to, nobody knows which one stays. */
static void payment_loaded(void *ctx, enum store_find found,
                           const struct store_payment_view *payment, const struct error *why)
{
    struct reversal *reversal = ctx;
    (void)why;
    if (found != STORE_FOUND)
        wait_for_it(reversal, STR("ledger_unavailable"));
    else if (!payment_status_is_final(payment->status))
        wait_for_it(reversal, STR("payment_open"));
    else
        merchants_load(reversal->payments->parts.merchants, &reversal->claim.merchant_id,
                       merchant_loaded, reversal);
}

static void load_payment(struct reversal *reversal, store_payment_fn done)
{
    store_load_payment(reversal->payments->parts.store, &reversal->claim.merchant_id,
                       &reversal->claim.payment_id, STORE_PAYMENTS, &reversal->arena, done,
                       reversal);
}

static void reversal_start(struct payments *payments, const struct review_claim *claim)
{
    struct reversal *reversal = calloc(1, sizeof(*reversal));
    CHECK(reversal != NULL);
    reversal->payments = payments;
    reversal->claim = *claim;
    arena_init(&reversal->arena, REVERSAL_ARENA_MAX);
    list_add_last(&payments->reversals.running, &reversal->link);
    payments->reversals.running_count++;
    load_payment(reversal, payment_loaded);
}

/* ---- claiming -------------------------------------------------------------------------------- */

static void claimed(void *ctx, enum store_find found, const struct review_claim *claims,
                    size_t count, const struct error *why)
{
    struct payments *payments = ctx;
    struct reversals *reversals = &payments->reversals;
    (void)why;
    reversals->is_claiming = false;
    if (count > 0)
        CRASH_AT("reversal_claimed");
    for (size_t i = 0; found == STORE_FOUND && i < count; i++)
        reversal_start(payments, &claims[i]);
    arena_reset(&reversals->claim_arena);
}

static void counted(void *ctx, enum store_find found, const struct review_tally *tally,
                    const struct error *why)
{
    struct reversals *reversals = &((struct payments *)ctx)->reversals;
    (void)why;
    reversals->is_counting = false;
    if (found != STORE_FOUND)
        return;
    int64_t age_us = tally->oldest_us > 0 ? clock_wall_us() - tally->oldest_us : 0;
    metrics_set(reversals->open, tally->open);
    metrics_set(reversals->reversing, tally->reversing);
    metrics_set(reversals->oldest, age_us > 0 ? age_us : 0);
}

static void count_cases(struct payments *payments)
{
    struct reversals *reversals = &payments->reversals;
    int64_t now_us = clock_mono_us();
    if (reversals->is_counting || now_us < reversals->count_us)
        return;
    reversals->is_counting = true;
    reversals->count_us = now_us + COUNT_MS * CLOCK_MS_US;
    review_count(payments->parts.store, counted, payments);
}

static void claim_run(void *ctx)
{
    struct payments *payments = ctx;
    struct reversals *reversals = &payments->reversals;
    const struct payments_config *config = &payments->config;
    loop_timer_start(&reversals->timer, config->resolve_interval_ms * CLOCK_MS_US);
    if (payments->is_draining || !store_is_connected(payments->parts.store))
        return;
    count_cases(payments);
    if (reversals->is_claiming || reversals->running_count >= REVERSALS_MAX)
        return;
    reversals->is_claiming = true;
    review_claim_start(payments->parts.store, REVERSALS_MAX - (unsigned)reversals->running_count,
                       clock_wall_us(), config->limits.lease_us / CLOCK_MS_US,
                       &reversals->claim_arena, claimed, payments);
}

void reversals_wake(struct payments *payments)
{
    loop_timer_start(&payments->reversals.timer, 0);
}

bool reversals_are_idle(const struct payments *payments)
{
    return payments->reversals.running_count == 0 && !payments->reversals.is_claiming;
}

void reversals_init(struct payments *payments)
{
    static const struct str open[] = {STR_INIT("open")};
    static const struct str reversing[] = {STR_INIT("reversing")};
    struct reversals *reversals = &payments->reversals;
    list_init(&reversals->running);
    arena_init(&reversals->claim_arena, CLAIM_ARENA_MAX);
    reversals->open = metrics_find(METRIC_REVIEWS, open, 1);
    reversals->reversing = metrics_find(METRIC_REVIEWS, reversing, 1);
    reversals->oldest = metrics_find(METRIC_REVIEWS_OLDEST_SECONDS, NULL, 0);
    loop_timer_init(&reversals->timer, payments->parts.loop, claim_run, payments);
    loop_timer_start(&reversals->timer, 0);
}

void reversals_release(struct payments *payments)
{
    struct reversals *reversals = &payments->reversals;
    struct link *next;
    for (struct link *at = reversals->running.next; at != &reversals->running; at = next) {
        next = at->next;
        reversal_free(LIST_OWNER(at, struct reversal, link));
    }
    loop_timer_release(&reversals->timer);
    arena_release(&reversals->claim_arena);
}
