#include "payment/driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/json.h"
#include "base/log.h"
#include "payment/decision_record.h"

/*
 *     claim (a lease in `unresolved`: resolve_queue.c) -> load payment -> load merchant
 *          -> rebuild the attempt -> orchestrate_resume -> one look (repeat, lookup or cancel)
 *          -> close, or put back with a later time
 *
 * What cannot be loaded is left alone: its lease runs out, and someone claims it again. What nobody
 * can be asked about (account gone) is put back, and goes to review after the bound. What a dying
 * worker had claimed is claimed again, too.
 */

/* ---- from rows to the core ---- */

static const struct store_attempt_view *claimed_attempt(const struct drive *drive)
{
    for (size_t i = 0; i < drive->committed.payment.attempt_count; i++) {
        const struct store_attempt_view *attempt = &drive->committed.attempts[i];
        if (uuid_eq(&attempt->row.attempt_id, &drive->claim.attempt_id))
            return attempt;
    }
    return NULL;
}

const struct merchant_account *drive_find_account(const struct merchant *merchant,
                                                  const struct uuid *account_id)
{
    for (size_t i = 0; i < merchant->account_count; i++) {
        const struct merchant_account *account = &merchant->account[i];
        if (uuid_eq(&account->row.account_id, account_id))
            return account->account.provider != NULL ? account : NULL;
    }
    return NULL;
}

static void read_customer(struct drive *drive)
{
    struct error ignored;
    json_t *customer =
        json_parse(drive->committed.payment.row.customer_json, &json_limits_default, &ignored);
    if (customer == NULL)
        return;
    drive->customer_id = arena_str(&drive->arena, json_text(customer, "id"));
    json_decref(customer);
}

static void read_token(struct drive *drive, struct drive_candidate *candidate)
{
    struct error err;
    const struct store_payment *row = &drive->committed.payment.row;
    struct str provider = str_of(candidate->account->account.provider->name);
    if (row->tokens_sealed.len == 0)
        return;
    if (!vault_open_token(&drive->payments->vault, &row->merchant_id, &row->payment_id,
                          row->tokens_sealed, provider, &drive->arena, &candidate->token, &err))
        log_warn("payment", "a token cannot be read", LOG_CSTR("error", err.text));
    if (!row->is_payout)
        return;
    struct provider_beneficiary *beneficiary =
        ARENA_ARRAY(&drive->arena, struct provider_beneficiary, 1);
    if (!vault_open_beneficiary(&drive->payments->vault, &row->merchant_id, &row->payment_id,
                                row->tokens_sealed, &drive->arena, beneficiary, &err))
        log_warn("payment", "a beneficiary cannot be read", LOG_CSTR("error", err.text));
    drive->beneficiary = beneficiary;
}

void drive_read_facts(const struct store_attempt_view *attempt, struct arena *arena,
                      struct provider_facts *known)
{
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        struct provider_facts facts = {0};
        struct error err;
        struct str json = attempt->outcomes[i].facts_json;
        if (json.len <= 2)
            continue;
        if (!provider_facts_parse(json, arena, &facts, &err)) {
            log_warn("payment", "stored facts cannot be read", LOG_CSTR("error", err.text));
            continue;
        }
        for (size_t n = 0; n < facts.count; n++) {
            const struct provider_fact *fact = &facts.fact[n];
            bool is_known = provider_fact_find(known, fact->name).len > 0;
            bool is_for_payer = str_starts(fact->name, STR("action_")); /* and not for us */
            if (!is_for_payer && (is_known || known->count < PROVIDER_FACT_MAX))
                provider_fact_set(known, fact->name, fact->value);
        }
    }
}

static bool was_soft_declined(const struct store_attempt_view *attempt)
{
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        if (attempt->outcomes[i].outcome == OUTCOME_DECLINED_SOFT)
            return true;
    }
    return false;
}

static void read_others(const struct drive *drive, int32_t number,
                        struct orchestrate_resumed *resumed)
{
    const struct store_payment_view *view = &drive->committed.payment;
    resumed->payment_is_final = payment_status_is_final(view->status);
    for (size_t i = 0; i < view->attempt_count; i++) {
        const struct store_attempt_view *other = &view->attempts[i];
        if (other->row.number > number)
            resumed->payment_is_final = true;
        if (other->row.number < number && was_soft_declined(other))
            resumed->soft_declined_before = true;
    }
}

static bool is_mismatch_known(const struct store_attempt_view *attempt)
{
    struct ruling_mismatch mismatch = {0};
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        const struct store_outcome *outcome = &attempt->outcomes[i];
        ruling_mismatch_add(&mismatch, outcome->outcome, str_eq(outcome->reason, STR(DRIVE_TOLD)),
                            str_eq(outcome->reason, STR(DRIVE_MISMATCH)));
    }
    return mismatch.is_known;
}

static void read_attempt(const struct store_attempt_view *attempt,
                         struct orchestrate_attempt *rebuilt)
{
    orchestrate_attempt_begin(rebuilt);
    for (size_t i = 0; i < attempt->send_count; i++)
        orchestrate_attempt_add_send(rebuilt, attempt->sends[i].moves_money,
                                     attempt->sends[i].created_us);
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        const struct store_outcome *outcome = &attempt->outcomes[i];
        orchestrate_attempt_add_outcome(rebuilt, outcome->number, outcome->send_number,
                                        outcome->outcome, outcome->created_us);
    }
}

static bool can_look_up(struct drive *drive, const struct drive_candidate *candidate)
{
    const struct provider *provider = candidate->account->account.provider;
    struct provider_request ignored = {0};
    return candidate->account->usable && provider->build_lookup != NULL &&
           provider->build_lookup(&drive->call, &drive->facts, &drive->arena, &ignored);
}

static bool can_cancel(struct drive *drive, const struct drive_candidate *candidate)
{
    const struct provider *provider = candidate->account->account.provider;
    struct provider_request ignored = {0};
    return drive->claim.is_canceled && candidate->account->usable &&
           provider->build_cancel != NULL &&
           provider->build_cancel(&drive->call, &drive->facts, &drive->arena, &ignored);
}

static bool is_sound(const struct store_attempt_view *attempt)
{
    if (attempt == NULL || attempt->send_count > ORCHESTRATE_SEND_MAX ||
        attempt->row.operation == OPERATION_NONE || attempt->row.number < 1 ||
        attempt->row.number > UINT8_MAX)
        return false;
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        int32_t number = attempt->outcomes[i].number;
        if (number < 1 || number >= INT16_MAX)
            return false;
    }
    return true;
}

/* False: there is nobody to ask. Account or merchant are gone, or of a provider unknown here. */
static bool find_provider(struct drive *drive, const struct store_attempt_view *attempt,
                          struct orchestrate_resumed *resumed)
{
    struct drive_candidate *candidate = &drive->candidate[0];
    drive->currency = currency_find(str_of(drive->committed.payment.row.currency));
    if (operation_is_follow_up(attempt->row.operation) && !drive_read_target(drive))
        return false;
    if (drive->merchant != NULL && drive->currency != NULL)
        candidate->account = drive_find_account(drive->merchant, &attempt->row.account_id);
    if (candidate->account == NULL)
        return false;
    candidate->expected_fee_minor = attempt->row.expected_fee_minor;
    drive->candidate_count = 1;
    read_customer(drive);
    read_token(drive, candidate);
    drive_read_facts(attempt, &drive->arena, &drive->facts);
    drive_fill_call(drive, candidate, &attempt->row.attempt_id);
    const struct store_payment_view *view = &drive->committed.payment;
    if (drive_find_hold(view, attempt, &drive->call.held_ref))
        drive->call.is_superseded = !drive_was_approved_as(attempt, drive->call.held_ref);
    resumed->candidate = drive_core_candidate(candidate);
    resumed->candidate.can_lookup = can_look_up(drive, candidate);
    resumed->candidate.can_cancel = can_cancel(drive, candidate);
    return true;
}

/* What the books of the payment say of what this attempt holds. */
static void read_hold(const struct drive *drive, const struct store_attempt_view *attempt,
                      struct orchestrate_resumed *resumed)
{
    const struct store_payment_view *view = &drive->committed.payment;
    const struct store_late *late = &attempt->late;
    struct str reference = STR_NONE;
    if (late->exists) {
        resumed->is_held = late->held_minor > 0;
        resumed->is_in_use = late->open_minor > 0;
        resumed->hold_ends_us = late->ends_us;
        return;
    }
    if (!drive_find_hold(view, attempt, &reference))
        return; /* what may be held is held by another */
    resumed->is_held = view->authorized > view->captured;
    resumed->is_in_use = view->capture_open > 0;
    resumed->hold_ends_us = view->hold_ends_us;
}

static void hear(struct drive *drive, struct orchestrate_resumed *resumed)
{
    resumed->told = drive->told->outcome;
    drive->answer = (struct drive_answer){
        .attempt_number = drive->attempt_number,
        .outcome = drive->told->outcome,
        .reason = STR(DRIVE_TOLD),
        .reference = drive->told->reference,
        .facts_json = STR("{}"),
        .fee_minor = -1,
        .answered_minor = -1,
    };
}

/* It was recorded because its decision left nobody: ended as whoever had it in hand would have. */
static void read_refusal(struct drive *drive, const struct store_attempt_view *attempt,
                         struct orchestrate_resumed *resumed)
{
    if (attempt->row.number <= 1 || attempt->send_count > 0)
        return;
    const char *refusal = decision_record_refusal(attempt->row.decision_json, NULL);
    drive->rows[attempt - drive->committed.attempts].refused_as = refusal;
    if (refusal != NULL && strcmp(refusal, DECISION_RULE_DECLINED) == 0)
        resumed->soft_declined_before = true;
}

/* Without a provider the core puts it back, later and later, and in the end lets a person look. */
static void resume(struct drive *drive, const struct store_attempt_view *attempt,
                   struct orchestrate_resumed *resumed)
{
    char id[ID_TEXT_SIZE];
    drive->operation = attempt->row.operation;
    drive->attempt_number = (uint8_t)attempt->row.number;
    drive->attempt_id = attempt->row.attempt_id;
    if (!find_provider(drive, attempt, resumed)) {
        drive->answer.reason = STR("nobody_to_ask");
        log_warn("payment", "nobody can be asked about an open attempt; will try again later",
                 LOG_STR("attempt", id_format(ID_ATTEMPT, &drive->claim.attempt_id, id)));
    }
    resumed->attempt_number = drive->attempt_number;
    resumed->tries = drive->claim.tries;
    resumed->unknown_since_us = drive->claim.parked_us;
    resumed->is_canceled = drive->claim.is_canceled;
    resumed->action_expires_us = drive_read_expiry(attempt);
    if (drive->told != NULL)
        hear(drive, resumed);
    resumed->is_recheck = drive->claim.is_recheck;
    resumed->mismatch_is_known = is_mismatch_known(attempt);
    read_hold(drive, attempt, resumed);
    read_others(drive, attempt->row.number, resumed);
    read_refusal(drive, attempt, resumed);
    read_attempt(attempt, &resumed->attempt);
}

static void merchant_loaded(void *ctx, enum merchants_find found, struct merchant *merchant)
{
    struct drive *drive = ctx;
    struct orchestrate_resumed resumed = {0};
    const struct store_attempt_view *attempt = claimed_attempt(drive);
    char id[ID_TEXT_SIZE];
    drive->merchant = merchant; /* held for us */
    if (found == MERCHANTS_UNAVAILABLE || !is_sound(attempt)) {
        log_warn("payment", "an open attempt cannot be read; will try again",
                 LOG_STR("attempt", id_format(ID_ATTEMPT, &drive->claim.attempt_id, id)));
        drive_free(drive);
        return;
    }
    resume(drive, attempt, &resumed);
    CRASH_AT("loaded");
    if (drive->told != NULL && ruling_is_said_before(resumed.attempt.state, drive->told->outcome)) {
        drive->told->written(drive->told->ctx, STORE_FENCED);
        drive_free(drive);
        return;
    }
    orchestrate_resume(&drive->core, &drive->payments->config.limits, drive->operation, &resumed);
    struct orchestrate_event event = {.kind = EVENT_BEGIN};
    drive_step(drive, &event);
}

static void adopt_view(struct drive *drive, const struct store_payment_view *payment)
{
    drive_view_init(drive, payment->attempt_count + 1);
    struct store_attempt_view *attempts = drive->committed.attempts;
    drive->committed.payment = *payment;
    drive->committed.payment.attempts = attempts;
    for (size_t i = 0; i < payment->attempt_count; i++) {
        const struct store_attempt_view *loaded = &payment->attempts[i];
        attempts[i] = *loaded;
        drive_reserve(drive, i, loaded->send_count + 1, loaded->outcome_count + 1);
        if (loaded->send_count > 0)
            memcpy(attempts[i].sends, loaded->sends, loaded->send_count * sizeof(*loaded->sends));
        if (loaded->outcome_count > 0)
            memcpy(attempts[i].outcomes, loaded->outcomes,
                   loaded->outcome_count * sizeof(*loaded->outcomes));
    }
}

static void payment_loaded(void *ctx, enum store_find found,
                           const struct store_payment_view *payment, const struct error *why)
{
    struct drive *drive = ctx;
    if (found != STORE_FOUND) {
        log_warn("payment", "an open attempt's payment cannot be loaded; will try again",
                 LOG_CSTR("error", found == STORE_FAILED ? why->text : "no such payment"));
        drive_free(drive);
        return;
    }
    if (payment->row.archived_us > 0) {
        char id[ID_TEXT_SIZE];
        log_warn("payment",
                 "an attempt of an archived payment is to be looked up: restore it "
                 "(turnpike archive --restore); will try again",
                 LOG_STR("payment", id_format(ID_PAYMENT, &payment->row.payment_id, id)));
        drive_free(drive);
        return;
    }
    adopt_view(drive, payment);
    merchants_load(drive->payments->parts.merchants, &drive->claim.merchant_id, merchant_loaded,
                   drive);
}

static void take_on(struct payments *payments, const struct store_claimed *claimed,
                    const struct drive_told *told)
{
    struct drive *drive = drive_new(payments, NULL);
    drive->is_resumed = true;
    drive->told = told;
    list_add_last(&payments->resolver.looking, &drive->looking);
    payments->resolver.running++;
    drive->claim = *claimed;
    drive->claim.provider = arena_str(&drive->arena, claimed->provider);
    drive->guard_us = payments->resolver.guard_us;
    drive->wall_offset_us -= drive->guard_us + drive->lift_us;
    drive->lift_us = 0; /* it opens nothing */
    store_load_payment(payments->parts.store, &claimed->merchant_id, &claimed->payment_id,
                       STORE_ANY, &drive->arena, payment_loaded, drive);
}

void resolve_take_on(struct payments *payments, const struct store_claimed *claimed)
{
    take_on(payments, claimed, NULL);
}

void resolve_tell(struct payments *payments, const struct store_claimed *attempt,
                  const struct drive_told *told)
{
    take_on(payments, attempt, told);
}
