#include "payment/driver.h"

#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/pack.h"
#include "payment/present.h"

enum {
    KEY_ROUNDS_MAX = 3,
};

/* ---- keys in hand in this worker ---- */

struct drive *drive_find_held(struct payments *payments, const struct drive *drive)
{
    struct drive *held = NULL;
    HASH_FIND(hh, payments->by_key, drive->hash_key, drive->hash_key_len, held);
    return held;
}

void drive_hold_key(struct drive *drive)
{
    struct payments *payments = drive->payments;
    if (drive->is_resumed || drive->is_held || drive_find_held(payments, drive) != NULL)
        return;
    drive->is_held = true;
    HASH_ADD(hh, payments->by_key, hash_key, drive->hash_key_len, drive);
}

void drive_release_key(struct drive *drive)
{
    if (drive->is_held)
        HASH_DEL(drive->payments->by_key, drive);
    drive->is_held = false;
}

static void set_problem(struct drive *drive, enum message problem, int retry_after_s)
{
    drive->problem = problem;
    drive->problem_detail = STR_NONE;
    drive->retry_after_s = retry_after_s;
    if (problem == MESSAGE_KEY_IN_USE || problem == MESSAGE_KEY_REUSED)
        metrics_count(METRIC_IDEMPOTENCY_CONFLICTS, 1,
                      problem == MESSAGE_KEY_REUSED ? STR("reused") : STR("in_use"));
}

static bool is_same_request(const struct drive *drive, const uint8_t fingerprint[32])
{
    return memcmp(drive->committed.payment.row.fingerprint, fingerprint, 32) == 0;
}

static bool is_held_elsewhere_here(struct drive *drive)
{
    const struct drive *held = drive_find_held(drive->payments, drive);
    if (held == NULL || held == drive)
        return false;
    if (is_same_request(drive, held->committed.payment.row.fingerprint))
        set_problem(drive, MESSAGE_KEY_IN_USE, 1);
    else
        set_problem(drive, MESSAGE_KEY_REUSED, 0);
    return true;
}

bool drive_refuse_repeat(struct drive *drive)
{
    if (!is_held_elsewhere_here(drive))
        return false;
    drive_refuse_soon(drive);
    return true;
}

/* ---- keys in the ledger ---- */

static void refuse(struct drive *drive)
{
    drive_reply_problem(drive, drive->problem, drive->problem_detail, NULL, drive->retry_after_s);
    drive_free(drive);
}

static bool has_parked(const struct store_payment_view *payment)
{
    for (size_t i = 0; i < payment->attempt_count; i++) {
        if (payment->attempts[i].parked)
            return true;
    }
    return false;
}

/* Some living worker has it in its hands: the first request is still running. */
static bool is_in_hand(const struct drive *drive, const struct store_payment_view *payment)
{
    const struct payments_parts *parts = &drive->payments->parts;
    if (has_parked(payment) || payment_status_is_final(payment->status) ||
        payment->status == PAYMENT_REVIEW)
        return false;
    if (uuid_eq(&payment->row.writer_id, &parts->writer_id))
        return drive_find_held(drive->payments, drive) != NULL;
    return parts->writer_is_alive != NULL &&
           parts->writer_is_alive(parts->writer_ctx, &payment->row.writer_id);
}

static void payment_loaded(void *ctx, enum store_find found,
                           const struct store_payment_view *payment, const struct error *why)
{
    struct drive *drive = ctx;
    (void)why;
    if (found != STORE_FOUND) {
        set_problem(drive, MESSAGE_OUTCOME_PENDING,
                    1); /* it exists: "nothing was done" would lie */
        refuse(drive);
        return;
    }
    if (payment_status_is_final(payment->status) && ++drive->key_rounds < KEY_ROUNDS_MAX) {
        drive_answer_key(drive); /* it was closed meanwhile: now there is an answer */
        return;
    }
    if (is_in_hand(drive, payment)) {
        set_problem(drive, MESSAGE_KEY_IN_USE, 1);
        refuse(drive);
        return;
    }
    drive_reply_state(drive, payment);
    drive_free(drive);
}

/* What a payment's answer always has is not stored with it. */
static void replay(struct drive *drive, const struct store_key_view *key)
{
    const struct store_answer *answer = &key->answer;
    struct store_payment row = drive->committed.payment.row;
    struct str body;
    struct error err;
    row.payment_id = key->payment_id;
    if (!unpack(answer->body, PRESENT_BYTES_MAX, &drive->arena, &body, &err)) {
        log_error("payment", "cannot read a stored answer", LOG_CSTR("error", err.text),
                  LOG_STR("request_id", drive->request_id));
        set_problem(drive, MESSAGE_OUTCOME_PENDING, 1);
        refuse(drive);
        return;
    }
    metrics_count(METRIC_IDEMPOTENCY_REPLAYS, 1);
    struct payment_reply reply = {
        .status = answer->status,
        .content_type =
            answer->content_type.len > 0 ? answer->content_type : STR("application/json"),
        .body = body,
        .location =
            answer->location.len > 0 ? answer->location : drive_location(&row, &drive->arena),
        .replayed = true,
    };
    drive_reply(drive, &reply);
    drive_free(drive);
}

static void key_loaded(void *ctx, enum store_find found, const struct store_key_view *key,
                       const struct error *why)
{
    struct drive *drive = ctx;
    if (found == STORE_FAILED) {
        log_warn("payment", "cannot look up a key", LOG_CSTR("error", why->text),
                 LOG_STR("request_id", drive->request_id));
        set_problem(drive, MESSAGE_OUTCOME_PENDING, 1);
        refuse(drive);
        return;
    }
    if (found == STORE_ABSENT) {
        if (drive->problem == MESSAGE_NONE) /* taken, and yet not seen: the reader lags */
            set_problem(drive, MESSAGE_OUTCOME_PENDING, 1);
        refuse(drive);
        return;
    }
    if (!is_same_request(drive, key->fingerprint)) {
        set_problem(drive, MESSAGE_KEY_REUSED, 0);
        refuse(drive);
        return;
    }
    if (key->has_answer) {
        replay(drive, key);
        return;
    }
    store_load_payment(drive->payments->parts.store, &drive->merchant->merchant_id,
                       &key->payment_id, STORE_ANY, &drive->arena, payment_loaded, drive);
}

static void key_refused(void *ctx)
{
    refuse(ctx);
}

/* done must not be called from within payment_create_start, so even this waits for the loop. */
void drive_answer_key(struct drive *drive)
{
    if (is_held_elsewhere_here(drive)) {
        if (drive->has_timer)
            loop_timer_release(&drive->timer);
        loop_timer_init(&drive->timer, drive->payments->parts.loop, key_refused, drive);
        drive->has_timer = true;
        loop_timer_start(&drive->timer, 0);
        return;
    }
    store_load_key(drive->payments->parts.store, &drive->merchant->merchant_id,
                   drive->committed.payment.row.key, &drive->arena, key_loaded, drive);
}

/* ---- references ---- */

/* The next try under the reference is a new payment of the same request. */
static void start_next_try(struct drive *drive, int32_t try_number)
{
    drive_open_view(drive, try_number);
    drive_seal_tokens(drive);
    drive_begin(drive);
}

static void reference_loaded(void *ctx, enum store_find found,
                             const struct store_payment_view *payment, const struct error *why)
{
    struct drive *drive = ctx;
    (void)why;
    /* The client was told that nothing was done: so nothing may be begun for it any more. */
    if (drive->done == NULL) {
        drive_free(drive);
        return;
    }
    bool is_over = found == STORE_FOUND &&
                   (payment->status == PAYMENT_DECLINED || payment->status == PAYMENT_FAILED ||
                    payment->status == PAYMENT_CANCELED || payment->status == PAYMENT_RETURNED);
    if (is_over && drive->try_rounds < DRIVE_TRY_MAX && payment->row.try_number < INT32_MAX) {
        drive->try_rounds++;
        start_next_try(drive, payment->row.try_number + 1);
        return;
    }
    if (found == STORE_FOUND)
        drive_reply_problem(drive, MESSAGE_REFERENCE_TAKEN, STR_NONE, &payment->row.payment_id, 0);
    else
        drive_reply_problem(drive, MESSAGE_UNAVAILABLE, STR_NONE, NULL, 1);
    drive_free(drive);
}

void drive_answer_reference(struct drive *drive)
{
    const struct store_payment *row = &drive->committed.payment.row;
    store_load_reference(drive->payments->parts.store, &drive->merchant->merchant_id,
                         store_kind_of(row), row->reference, &drive->arena, reference_loaded,
                         drive);
}
