#include "payment/driver.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"

enum {
    DEBUG_ID_MAX = 64,
    ID_MAX = 256,
    FACT_MAX = 2048, /* a link may be one */
};

static void send_done(void *ctx, const struct engine_result *result);

/* ---- what came back ----
 *
 * Whatever a provider says and the ledger keeps is printable ASCII of bounded length: one odd byte
 * would make the database refuse the row, and with it the outcome, for ever. An id that was changed
 * is no id, so an odd one is dropped; a word for people is made readable.
 */

static bool is_printable(char c)
{
    return c >= 0x20 && c < 0x7f;
}

static bool is_sound(struct str s, size_t len_max)
{
    size_t at = 0;
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_printable(s.at[i]))
            return false;
    }
    bool is_card = crypto_find_card_number(s, &at, &len) && len == s.len;
    return s.len <= len_max && !is_card;
}

static struct str readable(struct arena *arena, struct str s, size_t len_max)
{
    size_t at = 0;
    size_t len = 0;
    s = str_sub(s, 0, len_max);
    if (s.len == 0 || crypto_find_card_number(s, &at, &len))
        return STR_NONE;
    char *out = arena_alloc(arena, s.len);
    for (size_t i = 0; i < s.len; i++)
        out[i] = is_printable(s.at[i]) ? s.at[i] : '_';
    return (struct str){out, s.len};
}

static void drop_unsound(struct provider_judgement *judgement)
{
    struct provider_facts *facts = &judgement->facts;
    size_t kept = 0;
    if (!is_sound(judgement->reference, ID_MAX))
        judgement->reference = STR_NONE;
    if (!is_sound(judgement->action_url, FACT_MAX))
        judgement->action_url = STR_NONE;
    for (size_t i = 0; i < facts->count; i++) {
        if (is_sound(facts->fact[i].name, ID_MAX) && is_sound(facts->fact[i].value, FACT_MAX))
            facts->fact[kept++] = facts->fact[i];
    }
    facts->count = kept;
}

static bool is_refusal_at_the_door(int status)
{
    return status == 401 || status == 403 || status == 408 || status == 425 || status == 429 ||
           status >= 500;
}

static bool is_mismatch(const struct provider_call *call,
                        const struct provider_judgement *judgement)
{
    bool is_success = judgement->outcome == OUTCOME_APPROVED ||
                      judgement->outcome == OUTCOME_PENDING ||
                      judgement->outcome == OUTCOME_REQUIRES_ACTION;
    return is_success && judgement->has_amount &&
           (judgement->amount_minor != call->amount_minor ||
            strcmp(judgement->currency, call->currency->code) != 0);
}

/* An authorization in the place of another has to have a name: whatever comes later acts on it. */
static bool is_nameless(const struct drive *drive, const struct provider_judgement *judgement)
{
    return drive->operation == OPERATION_REAUTHORIZE && judgement->outcome == OUTCOME_APPROVED &&
           judgement->reference.len == 0;
}

static struct str print_facts(struct drive *drive, const struct provider_judgement *judgement)
{
    struct provider_facts facts = drive->learned;
    if (judgement->action_url.len > 0 && facts.count < PROVIDER_FACT_MAX)
        provider_fact_set(&facts, STR("action_url"), judgement->action_url);
    if (facts.count == 0)
        return STR("{}");
    struct buf json;
    buf_init(&json, VAULT_TEXT_MAX);
    provider_facts_print(&facts, &json);
    struct str kept = buf_is_ok(&json) ? arena_str(&drive->arena, buf_str(&json)) : STR("{}");
    buf_release(&json);
    return kept;
}

static void keep_judgement(struct drive *drive, const struct engine_result *result,
                           const struct provider_judgement *judgement)
{
    struct arena *arena = &drive->arena;
    struct drive_answer *answer = &drive->answer;
    answer->outcome = is_nameless(drive, judgement) ? OUTCOME_UNKNOWN : judgement->outcome;
    answer->code = readable(arena, str_of(judgement->code), PROVIDER_REASON_MAX);
    answer->reason = readable(arena, str_of(judgement->reason), PROVIDER_REASON_MAX);
    if (is_mismatch(&drive->call, judgement)) {
        answer->reason = STR(DRIVE_MISMATCH);
        answer->answered_minor = judgement->amount_minor;
        memcpy(answer->answered_currency, judgement->currency, sizeof(answer->answered_currency));
    }
    answer->reference = arena_str(arena, judgement->reference);
    if (is_nameless(drive, judgement))
        answer->reason = STR("no_reference");
    answer->facts_json = print_facts(drive, judgement);
    answer->advice =
        arena_str(arena, provider_fact_find(&judgement->facts, STR(PROVIDER_FACT_ADVICE)));
    answer->is_mastercard = str_eq_nocase(
        provider_fact_find(&judgement->facts, STR(PROVIDER_FACT_NETWORK)), STR("mastercard"));
    answer->debug_id = readable(arena, result->answer.debug_id, DEBUG_ID_MAX);
    answer->http_status = result->answer.status;
    if (judgement->has_fee && judgement->fee_minor >= 0)
        answer->fee_minor = judgement->fee_minor;
}

/* True when something was not known before. */
static bool learn_facts(struct drive *drive, const struct provider_facts *facts)
{
    bool is_new = false;
    for (size_t i = 0; i < facts->count; i++) {
        struct str name = arena_str(&drive->arena, facts->fact[i].name);
        struct str value = arena_str(&drive->arena, facts->fact[i].value);
        is_new = is_new || !str_eq(provider_fact_find(&drive->facts, name), value);
        provider_fact_set(&drive->facts, name, value);
        provider_fact_set(&drive->learned, name, value);
    }
    return is_new;
}

/* Of a payout that stays pending: what the ledger does not say yet. */
static bool is_news(const struct drive *drive, bool is_new_fact)
{
    const struct store_payment_view *view = &drive->committed.payment;
    if (drive->operation != OPERATION_PAYOUT || view->attempt_count == 0)
        return false;
    const struct store_attempt_view *attempt = &view->attempts[view->attempt_count - 1];
    for (size_t i = attempt->outcome_count; i > 0; i--) {
        const struct store_outcome *outcome = &attempt->outcomes[i - 1];
        if (outcome->outcome == OUTCOME_PENDING)
            return is_new_fact || !str_eq(outcome->reason, drive->answer.reason);
    }
    return false;
}

enum health_event drive_health_event(enum provider_step step, const struct engine_result *result,
                                     const struct provider_judgement *judgement)
{
    if (result->end == ENGINE_NOT_SENT)
        return result->is_ours ? HEALTH_NEUTRAL : HEALTH_NOT_SENT;
    if (result->end == ENGINE_LOST)
        return HEALTH_LOST;
    bool is_unwell = result->answer.status >= 500 || result->answer.status == 429;
    bool is_said = judgement->duplicate || judgement->in_progress;
    bool is_garbage = judgement->outcome == OUTCOME_UNKNOWN && !is_said &&
                      step != PROVIDER_STEP_LOOKUP && step != PROVIDER_STEP_CANCEL;
    return is_unwell || is_garbage ? HEALTH_ERROR : HEALTH_SUCCESS;
}

static void tell_health(struct drive *drive, const struct engine_result *result,
                        const struct provider_judgement *judgement)
{
    char text[PROVIDER_REASON_MAX];
    enum health_event event = drive_health_event(drive->send_step, result, judgement);
    struct str reason = str_of(result->reason);
    if (result->end == ENGINE_ANSWERED) {
        int len = snprintf(text, sizeof(text), "http_%d", result->answer.status);
        reason = (struct str){text, (size_t)len};
    }
    struct payments *payments = drive->payments;
    if (drive->health != NULL)
        health_answered(payments->parts.health, drive->health, event, result->elapsed_us, reason,
                        clock_mono_us(), clock_wall_us());
    drive->health = NULL;
    if (metrics_is_open()) {
        const struct str labels[] = {str_of(drive->call.account->provider->name),
                                     str_of(operation_name(drive->call.operation))};
        metrics_observe_us(metrics_find(METRIC_ATTEMPT_SECONDS, labels, ARRAY_LEN(labels)),
                           result->elapsed_us);
    }
}

/* A provider that turns what is sent away is left alone by those that can wait. */
static void tell_rests(struct drive *drive, const struct engine_result *result)
{
    const struct uuid *account_id = &drive->call.account->account_id;
    bool is_asked = drive->send_kind == SEND_LOOKUP || drive->send_kind == SEND_CANCEL;
    if (is_asked || result->end != ENGINE_ANSWERED)
        return;
    if (result->answer.status == 429)
        rests_turned_away(drive->payments->rests, account_id, result->answer.retry_after_ms,
                          clock_mono_us());
    else
        rests_was_taken(drive->payments->rests, account_id, clock_mono_us());
}

/* ---- going out ---- */

static void answer_unsent(struct drive *drive, const char *why)
{
    drive->answer.reason = str_of(why);
    struct orchestrate_event event = {.kind = EVENT_ANSWERED};
    drive_step(drive, &event);
}

static const char *send_name(const struct drive *drive)
{
    switch (drive->send_kind) {
    case SEND_FIRST:
        return drive->request.step == PROVIDER_STEP_SESSION ? "session" : "charge";
    case SEND_REPEAT:
        return "repeat";
    case SEND_LOOKUP:
        return "lookup";
    case SEND_CANCEL:
        break;
    }
    return "cancel";
}

/* The request is in the drive, and lives there until send_done. */
static void start(struct drive *drive, int64_t not_after_us)
{
    struct payments *payments = drive->payments;
    drive->send_step = drive->request.step;
    drive->request.sent_as = send_name(drive);
    CRASH_PART(drive->request.sent_as, "begun");
    struct drive_candidate *candidate = &drive->candidate[drive->attempt_candidate];
    candidate->probe_taken_us = 0; /* this is the probe */
    drive->health = candidate->account->health;
    if (drive->health != NULL)
        health_sent(drive->health, clock_mono_us());
    admission_send_began(payments->parts.admission);
    drive->send = engine_send_start(payments->parts.engine, drive->call.account, &drive->request,
                                    not_after_us, send_done, drive);
}

static bool build_lookup(struct drive *drive)
{
    const struct provider *provider = drive->call.account->provider;
    drive->request = (struct provider_request){0};
    return provider->build_lookup != NULL &&
           provider->build_lookup(&drive->call, &drive->facts, &drive->arena, &drive->request);
}

static bool build_cancel(struct drive *drive)
{
    const struct provider *provider = drive->call.account->provider;
    drive->request = (struct provider_request){0};
    return provider->build_cancel != NULL &&
           provider->build_cancel(&drive->call, &drive->facts, &drive->arena, &drive->request);
}

static bool build_repeat(struct drive *drive, uint8_t send_number)
{
    const struct store_payment_view *view = &drive->committed.payment;
    for (size_t i = 0; i < view->attempt_count; i++) {
        const struct store_attempt_view *attempt = &view->attempts[i];
        if (attempt->row.number != drive->core.attempt_number)
            continue;
        for (size_t n = 0; n < attempt->send_count; n++) {
            const struct store_send *send = &attempt->sends[n];
            struct error err = {ERROR_INVALID, "no key protects it"};
            if (send->number != send_number)
                continue;
            if (vault_open_request(&drive->payments->vault, &send->merchant_id, &send->attempt_id,
                                   send->number, send->body_sealed, &drive->arena, &drive->request,
                                   &err) &&
                drive->request.key.len > 0)
                return true;
            log_warn("payment", "cannot repeat a send", LOG_STR("attempt", drive->call.attempt_ref),
                     LOG_CSTR("error", err.text));
        }
    }
    return false;
}

/*
 * What was committed may leave for send_window_us after its WRITE was asked for; that counts on
 * after a suspension, which only the wall clock shows.
 */
static int64_t leave_until(const struct drive *drive)
{
    int64_t mono_us = clock_mono_us() - drive->write_us;
    int64_t wall_us = clock_wall_us() - drive->write_wall_us;
    int64_t unseen_us = wall_us > mono_us ? wall_us - mono_us : 0;
    return drive->write_us + drive->payments->config.limits.send_window_us - unseen_us;
}

void drive_send(struct drive *drive, const struct orchestrate_action *action)
{
    int64_t window_us = drive->payments->config.limits.send_window_us;
    drive->send_kind = action->send;
    drive->learned = (struct provider_facts){0};
    drive->lookup_count = 0;
    drive->answer = (struct drive_answer){
        .attempt_number = action->attempt_number,
        .facts_json = STR("{}"),
        .fee_minor = -1,
        .answered_minor = -1,
    };
    bool is_usable = drive->candidate[drive->attempt_candidate].account->usable;
    switch (action->send) {
    case SEND_FIRST:
        CHECK(drive->has_request);
        CHECK(action->attempt_number == drive->attempt_number);
        if (drive->is_resumed && !is_usable)
            answer_unsent(drive, "account_unusable");
        else
            start(drive, leave_until(drive));
        return;
    case SEND_REPEAT:
        if (!is_usable || !build_repeat(drive, action->send_number))
            answer_unsent(drive, is_usable ? "cannot_repeat" : "account_unusable");
        else
            start(drive, leave_until(drive));
        return;
    case SEND_LOOKUP:
        if (!is_usable || !build_lookup(drive))
            answer_unsent(drive, is_usable ? "cannot_look_up" : "account_unusable");
        else
            start(drive, clock_mono_us() + window_us);
        return;
    case SEND_CANCEL:
        if (!is_usable || !build_cancel(drive))
            answer_unsent(drive, is_usable ? "cannot_cancel" : "account_unusable");
        else
            start(drive, clock_mono_us() + window_us);
        return;
    }
}

static void send_done(void *ctx, const struct engine_result *result)
{
    struct drive *drive = ctx;
    const struct provider_account *account = drive->call.account;
    struct provider_judgement judgement = {0};
    struct orchestrate_event event = {.kind = EVENT_ANSWERED};
    CRASH_PART(drive->request.sent_as, "answered");
    drive->send = NULL;
    admission_send_ended(drive->payments->parts.admission);
    drive->answer.elapsed_us += result->elapsed_us;
    event.answer.left = result->left;
    if (result->end == ENGINE_ANSWERED) {
        account->provider->judge(&drive->call, drive->send_step, &result->answer, &drive->arena,
                                 &judgement);
        drop_unsound(&judgement);
        if (result->answer.status == 401)
            engine_forget_token(drive->payments->parts.engine, account);
        bool is_new_fact = learn_facts(drive, &judgement.facts);
        keep_judgement(drive, result, &judgement);
        event.answer.is_news = is_news(drive, is_new_fact);
        event.answer.has_new_facts = is_new_fact;
        event.answer.whole = true;
        event.answer.outcome = is_nameless(drive, &judgement) ? OUTCOME_UNKNOWN : judgement.outcome;
        event.answer.amount_mismatch = is_mismatch(&drive->call, &judgement);
        event.answer.not_found = judgement.not_found;
        event.answer.duplicate = judgement.duplicate;
        event.answer.may_send_again = judgement.may_send_again;
        event.answer.is_inert = judgement.is_inert;
        event.answer.may_continue = judgement.may_continue && drive->send_kind == SEND_LOOKUP;
        event.answer.hold_ends_us = judgement.hold_ends_us;
        event.answer.answers_key = !is_refusal_at_the_door(result->answer.status);
    } else {
        drive->answer.reason = arena_str(&drive->arena, str_of(result->reason));
    }
    tell_health(drive, result, &judgement);
    tell_rests(drive, result);
    bool learned_only = event.answer.whole && judgement.outcome == OUTCOME_NONE &&
                        !judgement.not_found && !judgement.duplicate;
    if (drive->send_kind == SEND_LOOKUP && learned_only &&
        ++drive->lookup_count < DRIVE_LOOKUP_MAX && build_lookup(drive)) {
        start(drive, clock_mono_us() + drive->payments->config.limits.send_window_us);
        return;
    }
    drive_step(drive, &event);
}

void drive_send_stop(struct drive *drive)
{
    if (drive->send == NULL)
        return;
    engine_send_cancel(drive->send);
    drive->send = NULL;
    admission_send_ended(drive->payments->parts.admission);
    if (drive->health != NULL)
        health_answered(drive->payments->parts.health, drive->health, HEALTH_NEUTRAL, 0,
                        STR("canceled"), clock_mono_us(), clock_wall_us());
    drive->health = NULL;
}
