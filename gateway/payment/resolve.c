#include "payment/driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"

/*
 *     claim (a lease in `unresolved`) -> load payment -> load merchant -> rebuild the attempt
 *          -> orchestrate_resume -> one look (repeat or lookup)
 *          -> close, or put back with a later time
 *
 * What cannot be loaded is left alone: its lease runs out, and someone claims it again. What nobody
 * can be asked about (account gone) is put back, and goes to review after the bound. What a dying
 * worker had claimed is claimed again, too. At most resolve_batch attempts are in hand at once.
 *
 * The core compares stored times with the wall clock, to know when nothing can arrive any more.
 * When that clock jumps forward, what it says is not believed for a while: the core is told the
 * time as it would be without the jump, until the longest settling time has surely passed.
 */

enum {
    BEAT_MS = 1000,
    LOOK_MS = 5000, /* adopt the attempts of the dead, count the backlog */
    STEP_MS = 1500, /* a larger difference between the clocks is a step */
    GUARD_S = 1800,
    CLAIM_ARENA_MAX = 1024 * 1024,
};

/* ---- the clock ---- */

static void watch_clock(struct resolver *resolver)
{
    int64_t mono_us = clock_mono_us();
    int64_t wall_us = clock_wall_us();
    int64_t step_us = (wall_us - resolver->last_wall_us) - (mono_us - resolver->last_mono_us);
    if (resolver->last_mono_us != 0 && step_us > STEP_MS * CLOCK_MS_US) {
        resolver->guard_us += step_us;
        resolver->guard_until_us = mono_us + GUARD_S * CLOCK_SECOND_US;
        log_warn("payment", "the wall clock jumped forward; open outcomes are ended later",
                 LOG_INT("step_ms", step_us / CLOCK_MS_US));
    }
    if (resolver->guard_us != 0 && mono_us > resolver->guard_until_us)
        resolver->guard_us = 0;
    resolver->last_mono_us = mono_us;
    resolver->last_wall_us = wall_us;
}

/*
 * Leases, due times and settling times are compared between hosts, which the database's clock
 * stands for: who is too far from it takes nothing over. False also before the first heartbeat.
 */
static bool clock_is_trusted(const struct payments *payments)
{
    int64_t ahead_us = 0;
    int64_t bound_us = payments->config.limits.skew_us / 2;
    return store_clock_ahead(payments->parts.store, &ahead_us) && ahead_us <= bound_us &&
           ahead_us >= -bound_us;
}

static void compare_clocks(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    int64_t ahead_us = 0;
    bool is_known = store_clock_ahead(payments->parts.store, &ahead_us);
    bool is_off = is_known && !clock_is_trusted(payments);
    if (is_off == resolver->is_clock_off)
        return;
    resolver->is_clock_off = is_off;
    if (is_off)
        log_error("payment",
                  "the clocks of this host and of the database differ; nothing is taken over here",
                  LOG_INT("database_ahead_ms", ahead_us / CLOCK_MS_US));
    else
        log_info("payment", "the clocks of this host and of the database agree again");
}

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

static const struct merchant_account *find_account(const struct merchant *merchant,
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

/* Everything that answers taught, in their order. */
static void read_facts(struct drive *drive, const struct store_attempt_view *attempt)
{
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        struct provider_facts facts = {0};
        struct error err;
        struct str json = attempt->outcomes[i].facts_json;
        if (json.len <= 2)
            continue;
        if (!provider_facts_parse(json, &drive->arena, &facts, &err)) {
            log_warn("payment", "stored facts cannot be read", LOG_CSTR("error", err.text));
            continue;
        }
        for (size_t n = 0; n < facts.count; n++) {
            const struct provider_fact *fact = &facts.fact[n];
            bool is_known = provider_fact_find(&drive->facts, fact->name).len > 0;
            if (!str_eq(fact->name, STR("action_url")) &&
                (is_known || drive->facts.count < PROVIDER_FACT_MAX))
                provider_fact_set(&drive->facts, fact->name, fact->value);
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

static bool is_sound(const struct store_attempt_view *attempt)
{
    if (attempt == NULL || attempt->send_count > ORCHESTRATE_SEND_MAX ||
        (attempt->row.operation != OPERATION_SALE &&
         attempt->row.operation != OPERATION_AUTHORIZE &&
         attempt->row.operation != OPERATION_PAYOUT) ||
        attempt->row.number < 1 || attempt->row.number > UINT8_MAX)
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
    if (drive->merchant != NULL && drive->currency != NULL)
        candidate->account = find_account(drive->merchant, &attempt->row.account_id);
    if (candidate->account == NULL)
        return false;
    candidate->expected_fee_minor = attempt->row.expected_fee_minor;
    drive->candidate_count = 1;
    read_customer(drive);
    read_token(drive, candidate);
    read_facts(drive, attempt);
    drive_fill_call(drive, candidate, &attempt->row.attempt_id);
    resumed->candidate = drive_core_candidate(candidate);
    resumed->candidate.can_lookup = can_look_up(drive, candidate);
    return true;
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
    resumed->is_canceled = drive->committed.payment.status == PAYMENT_CANCELED;
    read_others(drive, attempt->row.number, resumed);
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
    adopt_view(drive, payment);
    merchants_load(drive->payments->parts.merchants, &drive->claim.merchant_id, merchant_loaded,
                   drive);
}

/* ---- claiming ---- */

static void take_on(struct payments *payments, const struct store_claimed *claimed)
{
    struct drive *drive = drive_new(payments, NULL);
    drive->is_resumed = true;
    payments->resolver.running++;
    drive->claim = *claimed;
    drive->guard_us = payments->resolver.guard_us;
    drive->wall_offset_us -= drive->guard_us + drive->lift_us;
    drive->lift_us = 0; /* it opens nothing */
    store_load_payment(payments->parts.store, &claimed->merchant_id, &claimed->payment_id,
                       STORE_ANY, &drive->arena, payment_loaded, drive);
}

static void claim_done(void *ctx, enum store_find found, const struct store_claimed *claimed,
                       size_t count, const struct error *why)
{
    struct payments *payments = ctx;
    (void)why; /* while the ledger is away there is nothing to claim */
    payments->resolver.is_claiming = false;
    watch_clock(&payments->resolver);
    for (size_t i = 0; found == STORE_FOUND && i < count; i++)
        take_on(payments, &claimed[i]);
    arena_reset(&payments->resolver.claim_arena);
}

static void claim_run(void *ctx)
{
    struct payments *payments = ctx;
    struct resolver *resolver = &payments->resolver;
    const struct payments_config *config = &payments->config;
    loop_timer_start(&resolver->claim_timer, config->resolve_interval_ms * CLOCK_MS_US);
    watch_clock(resolver);
    if (payments->is_draining || !clock_is_trusted(payments) || resolver->is_claiming ||
        resolver->running >= config->resolve_batch || !store_is_connected(payments->parts.store))
        return;
    resolver->is_claiming = true;
    store_claim(payments->parts.store, config->resolve_batch - (unsigned)resolver->running,
                clock_wall_us(), config->limits.lease_us / CLOCK_MS_US, &resolver->claim_arena,
                claim_done, payments);
}

/* ---- each second ---- */

static void adopt_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    payments->resolver.is_adopting = false;
    if (found == STORE_FAILED)
        log_warn("payment", "cannot adopt the attempts of the dead", LOG_CSTR("error", why->text));
    else if (count > 0)
        log_info("payment", "attempts of dead writers are taken over", LOG_INT("count", count));
}

static void backlog_done(void *ctx, enum store_find found, int64_t parked, int64_t oldest_us,
                         const struct error *why)
{
    struct payments *payments = ctx;
    (void)why;
    payments->resolver.is_counting = false;
    if (found == STORE_FAILED)
        return;
    int64_t age_us = parked > 0 ? clock_wall_us() - oldest_us : 0;
    metrics_set(payments->resolver.unresolved, parked);
    metrics_set(payments->resolver.unresolved_oldest, age_us > 0 ? age_us / CLOCK_SECOND_US : 0);
}

static void beat_done(void *ctx, enum store_find found, int64_t count, const struct error *why)
{
    struct payments *payments = ctx;
    (void)found;
    (void)count;
    (void)why;
    payments->resolver.is_beating = false;
    compare_clocks(payments);
}

/* Every attempt made here before this moment is final or parked. */
static int64_t find_watermark(struct payments *payments, int64_t now_us)
{
    for (struct link *item = payments->in_hand.next; item != &payments->in_hand;
         item = item->next) {
        const struct drive *drive = LIST_OWNER(item, struct drive, in_hand);
        if (!drive->is_resumed)
            return drive->started_us < now_us ? drive->started_us : now_us;
    }
    return now_us;
}

static void look_around(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    struct store *store = payments->parts.store;
    if (!resolver->is_adopting) {
        resolver->is_adopting = true;
        store_adopt(store, clock_wall_us(), payments->config.dead_after_ms, adopt_done, payments);
    }
    if (!resolver->is_counting) {
        resolver->is_counting = true;
        store_backlog(store, backlog_done, payments);
    }
}

static void beat(struct payments *payments)
{
    int64_t now_us = clock_wall_us();
    int64_t watermark_us = find_watermark(payments, now_us);
    payments->resolver.is_beating = true;
    if (watermark_us > payments->watermark_us)
        payments->watermark_us = watermark_us;
    /* By the database's clock: with our own, a host that is behind would be taken for dead. */
    int64_t ahead_us = 0;
    (void)store_clock_ahead(payments->parts.store, &ahead_us);
    store_heartbeat(payments->parts.store, now_us + ahead_us, watermark_us, beat_done, payments);
}

static void beat_run(void *ctx)
{
    struct payments *payments = ctx;
    struct resolver *resolver = &payments->resolver;
    loop_timer_start(&resolver->beat_timer, BEAT_MS * CLOCK_MS_US);
    watch_clock(resolver);
    if (!store_is_connected(payments->parts.store))
        return;
    if (!resolver->is_beating)
        beat(payments);
    int64_t mono_us = clock_mono_us();
    if (mono_us >= resolver->look_us && clock_is_trusted(payments)) {
        resolver->look_us = mono_us + LOOK_MS * CLOCK_MS_US;
        look_around(payments);
    }
}

void resolver_init(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    arena_init(&resolver->claim_arena, CLAIM_ARENA_MAX);
    resolver->unresolved = metrics_find(METRIC_UNRESOLVED, NULL, 0);
    resolver->unresolved_oldest = metrics_find(METRIC_UNRESOLVED_OLDEST_SECONDS, NULL, 0);
    loop_timer_init(&resolver->claim_timer, payments->parts.loop, claim_run, payments);
    loop_timer_init(&resolver->beat_timer, payments->parts.loop, beat_run, payments);
    loop_timer_start(&resolver->claim_timer, 0);
    loop_timer_start(&resolver->beat_timer, 0);
}

void resolver_release(struct payments *payments)
{
    struct resolver *resolver = &payments->resolver;
    loop_timer_release(&resolver->claim_timer);
    loop_timer_release(&resolver->beat_timer);
    arena_release(&resolver->claim_arena);
}
