#include "payment/driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ledger/holds.h"
#include "payment/testmethod.h"
#include "router/facts.h"
#include "payment/volumes.h"

enum {
    DECISION_BYTES_MAX = 65536,
    DETAIL_BYTES_MAX = 1024,
    RETRY_AFTER_S = 5, /* about the time that a breaker stays open */
};

struct routing { /* while a decision is made */
    struct route_facts facts;
    struct route_candidate candidate[ROUTE_CANDIDATE_MAX];
    const struct merchant_account *account[ROUTE_CANDIDATE_MAX];
    struct str token[ROUTE_CANDIDATE_MAX];
    size_t count;
    struct route_decision decision;
    struct route_decision asked; /* as the rules said, before adapter and breaker were asked */
};

/* ---- candidates ---- */

static struct str find_name(const struct payment_request *request, struct str name)
{
    for (size_t i = 0; i < request->token_count; i++) {
        if (str_eq(request->token[i].provider, name))
            return request->token[i].token;
    }
    return STR_NONE;
}

/* By the provider's name, else by its family's. */
static struct str find_token(const struct payment_request *request,
                             const struct merchant_account *account)
{
    const struct provider *provider = account->account.provider;
    if (testmethod_is(request->method_type))
        return testmethod_token(request->test_outcome);
    struct str token = find_name(request, account->row.provider);
    if (token.len == 0 && provider != NULL && provider->family != NULL)
        token = find_name(request, str_of(provider->family));
    return token;
}

/*
 * An account that pays out is no candidate for a payment, nor the reverse: not even one that is
 * dropped, or every decision would name them all.
 */
static bool is_of_kind(const struct merchant_account *account, bool is_payout)
{
    const uint32_t pays_out = 1U << OPERATION_PAYOUT;
    const struct provider *provider = account->account.provider;
    if (provider == NULL) /* nobody knows: it is dropped as unusable */
        return true;
    uint32_t operations = provider->capability.operations;
    return (operations & (is_payout ? pays_out : ~pays_out)) != 0;
}

static bool takes_method(const struct merchant_account *account, struct str method)
{
    if (testmethod_is(method) || str_is_empty(str_trim(account->row.methods)))
        return true;
    struct str rest = account->row.methods;
    while (rest.len > 0) {
        if (str_eq(str_cut(&rest, ' '), method))
            return true;
    }
    return false;
}

/* The smaller of two limits where 0 is none. */
static int64_t smaller_limit(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static int64_t rest_left_us(const struct drive *drive, const struct provider_account *account)
{
    return drive->is_order
               ? rests_left_us(drive->payments->rests, &account->account_id, clock_mono_us())
               : 0;
}

static bool has_no_room(const struct drive *drive, const struct provider_account *account)
{
    return admission_is_busy(drive->payments->parts.admission, account) ||
           rest_left_us(drive, account) > 0;
}

static void set_hold(struct route_candidate *candidate, struct str holds)
{
    struct hold hold;
    if (holds.len == 0 || !holds_now(holds, clock_wall_us(), &hold))
        return;
    candidate->disabled = candidate->disabled || hold.kind == HOLD_DISABLED;
    candidate->drained = hold.kind == HOLD_DRAINED;
    candidate->in_maintenance = hold.kind == HOLD_MAINTENANCE;
}

static bool is_held(const struct route_candidate *candidate)
{
    return candidate->disabled || candidate->drained || candidate->in_maintenance;
}

static void add_candidate(struct drive *drive, struct routing *routing,
                          const struct merchant_account *account,
                          const struct payment_request *request, int64_t now_us)
{
    const struct provider *provider = account->account.provider;
    size_t index = routing->count++;
    struct route_candidate *candidate = &routing->candidate[index];
    routing->account[index] = account;
    routing->token[index] = find_token(request, account);
    *candidate = (struct route_candidate){
        .account_id = account->account.account_id,
        .provider = account->row.provider,
        .account_name = account->row.name,
        .disabled = account->row.disabled || !account->usable,
        .has_token = routing->token[index].len > 0 ||
                     (request->asks_payer && provider != NULL && provider->capability.asks_payer),
        .cost = account->cost,
        .month_volume_minor = volumes_read(drive->payments->parts.volumes, account, drive->currency,
                                           drive->started_us),
        .amount_max_minor = account->row.amount_max_minor,
    };
    if (provider == NULL)
        return; /* unusable: disabled already */
    candidate->takes_currency = merchant_account_takes(account, drive->currency);
    candidate->takes_operation = (provider->capability.operations >> drive->operation & 1) != 0;
    candidate->takes_method = request->is_payout || takes_method(account, request->method_type);
    candidate->amount_max_minor =
        smaller_limit(account->row.amount_max_minor, provider->capability.amount_max_minor);
    set_hold(candidate, account->row.holds);
    health_read_for(drive->payments->parts.health, account->health, drive->operation,
                    drive->currency, now_us, &candidate->health);
    candidate->is_busy = has_no_room(drive, &account->account);
}

/* A merchant that comes without rule sets has those of the module. */
static void pick_rules(struct drive *drive)
{
    const struct uuid *payment_id = &drive->committed.payment.row.payment_id;
    if (!rulebook_pick(&drive->merchant->rules, payment_id, &drive->rules))
        drive->rules = (struct rulebook_pick){.rules = drive->payments->parts.rules};
}

static void decide(struct drive *drive, const struct payment_request *request,
                   struct routing *routing, char merchant_text[ID_TEXT_SIZE])
{
    struct route_facts *facts = &routing->facts;
    *facts = (struct route_facts){
        .operation = drive->operation,
        .amount_minor = request->amount_minor,
        .currency = request->currency,
        .method = request->method_type,
        .country = drive->committed.payment.row.country,
        .merchant = id_format(ID_MERCHANT, &drive->merchant->merchant_id, merchant_text),
        .reference = drive->committed.payment.row.reference,
        .customer = request->customer_id,
        .card_brand = request->card_brand,
        .card_country = request->card_country,
        .bin = request->card_bin,
        .beneficiary_country = drive->beneficiary != NULL ? drive->beneficiary->country : STR_NONE,
        .attempt = 1,
        .metadata = request->metadata,
        .metadata_count = request->metadata_count,
        .only_count = request->only_count,
        .never_count = request->never_count,
        .now_us = drive->started_us,
        .rates = drive->payments->parts.rates,
    };
    memcpy(facts->only, request->only, sizeof(facts->only));
    memcpy(facts->never, request->never, sizeof(facts->never));
    int64_t now_us = clock_mono_us();
    for (size_t i = 0; i < drive->merchant->account_count; i++) {
        if (is_of_kind(&drive->merchant->account[i], request->is_payout))
            add_candidate(drive, routing, &drive->merchant->account[i], request, now_us);
    }
    pick_rules(drive);
    route_decide(drive->rules.rules, facts, routing->candidate, routing->count,
                 rng_next(&drive->payments->rng), &routing->decision);
}

/* ---- after the decision: what only adapter and breaker can say ---- */

static void drop_kept(struct route_decision *decision, size_t index, enum route_drop drop)
{
    CHECK(index < decision->kept_count);
    struct route_verdict dropped = decision->verdict[index];
    dropped.drop = drop;
    dropped.probe = false;
    size_t last = decision->kept_count - 1;
    memmove(&decision->verdict[index], &decision->verdict[index + 1],
            (last - index) * sizeof(decision->verdict[0]));
    decision->verdict[last] = dropped;
    decision->kept_count--;
}

static struct drive_candidate make_candidate(struct drive *drive, const struct routing *routing,
                                             const struct route_verdict *verdict)
{
    return (struct drive_candidate){
        .account = routing->account[verdict->candidate],
        .token = arena_str(&drive->arena, routing->token[verdict->candidate]),
        .expected_fee_minor = verdict->fee_known ? verdict->expected_fee_minor : -1,
        .probe = verdict->probe,
    };
}

static bool build_request(struct drive *drive)
{
    struct error err;
    const struct provider *provider = drive->call.account->provider;
    drive->request = (struct provider_request){0};
    drive->sealed_number = 0;
    enum provider_next next =
        provider->next(&drive->call, &drive->facts, &drive->arena, &drive->request, &err);
    drive->has_request = next == PROVIDER_NEXT_SEND;
    drive->refusal = drive->has_request ? STR_NONE : arena_str(&drive->arena, str_of(err.text));
    return drive->has_request;
}

static void start_attempt(struct drive *drive, uint8_t number, uint8_t candidate)
{
    drive->attempt_number = number;
    drive->attempt_candidate = candidate;
    drive->attempt_id = uuid_new();
    drive->facts = (struct provider_facts){0};
    drive_fill_call(drive, &drive->candidate[candidate], &drive->attempt_id);
}

bool drive_take_probe(struct drive *drive, struct drive_candidate *candidate)
{
    int64_t now_us = clock_mono_us();
    if (!candidate->probe || candidate->probe_taken_us != 0)
        return true;
    if (!health_take_probe(drive->payments->parts.health, candidate->account->health, now_us))
        return false;
    candidate->probe_taken_us = now_us;
    return true;
}

static bool is_breaker_open(const struct drive *drive, const struct drive_candidate *candidate)
{
    struct health_view view;
    health_read(drive->payments->parts.health, candidate->account->health, clock_mono_us(), &view);
    return view.state == HEALTH_OPEN;
}

/* A repeated key or a refused write must not keep others from probing. */
void drive_return_probes(struct drive *drive)
{
    for (size_t i = 0; i < drive->candidate_count; i++) {
        struct drive_candidate *candidate = &drive->candidate[i];
        if (candidate->probe_taken_us != 0)
            health_return_probe(candidate->account->health, candidate->probe_taken_us);
        candidate->probe_taken_us = 0;
    }
}

/* From now on the payment counts at this account, and no longer at the one before. */
static void sit(struct drive *drive, const struct drive_candidate *candidate)
{
    struct admission *admission = drive->payments->parts.admission;
    admission_stand(admission, &drive->seat);
    admission_sit(admission, &candidate->account->account, &drive->seat);
    if (drive->is_order)
        rests_try(drive->payments->rests, &candidate->account->account.account_id, clock_mono_us());
}

/* Drop those at the head that cannot be sent to; the request of the first that can be is kept. */
static void settle_first(struct drive *drive, struct routing *routing)
{
    struct route_decision *decision = &routing->decision;
    while (decision->kept_count > 0) {
        drive->candidate[0] = make_candidate(drive, routing, &decision->verdict[0]);
        start_attempt(drive, 1, 0);
        if (!build_request(drive)) {
            drop_kept(decision, 0, ROUTE_REFUSED);
            continue;
        }
        if (!drive_take_probe(drive, &drive->candidate[0]) && decision->kept_count > 1) {
            drop_kept(decision, 0, ROUTE_BREAKER_OPEN);
            continue;
        }
        break; /* the only one: a half-open breaker whose probe another holds is better than nobody
                */
    }
    drive->candidate_count = decision->kept_count;
    for (size_t i = 1; i < decision->kept_count; i++)
        drive->candidate[i] = make_candidate(drive, routing, &decision->verdict[i]);
}

/* ---- nobody is left ---- */

/*
 * Some account that is held back, or that cannot be used now, would have been kept, or would have
 * had to wait for its breaker: whoever can wait has something to wait for.
 */
static bool is_only_disabled(const struct drive *drive, const struct routing *routing)
{
    struct route_candidate candidate[ROUTE_CANDIDATE_MAX];
    struct route_decision decision;
    for (size_t i = 0; i < routing->count; i++) {
        candidate[i] = routing->candidate[i];
        candidate[i].disabled = false;
        candidate[i].drained = false;
        candidate[i].in_maintenance = false;
    }
    route_decide(drive->rules.rules, &routing->facts, candidate, routing->count,
                 routing->decision.draw, &decision);
    for (size_t i = 0; i < decision.count; i++) {
        enum route_drop drop = decision.verdict[i].drop;
        bool would_do =
            drop == ROUTE_KEPT || drop == ROUTE_BREAKER_OPEN || drop == ROUTE_PROVIDER_BUSY;
        if (would_do && is_held(&routing->candidate[decision.verdict[i].candidate]))
            return true;
    }
    return false;
}

/* Until the first of them may have room again. */
static int busy_for_s(const struct drive *drive, const struct routing *routing)
{
    int64_t least_us = INT64_MAX;
    for (size_t i = 0; i < routing->decision.count; i++) {
        const struct route_verdict *verdict = &routing->decision.verdict[i];
        if (verdict->drop != ROUTE_PROVIDER_BUSY)
            continue;
        int64_t left_us = rest_left_us(drive, &routing->account[verdict->candidate]->account);
        least_us = left_us < least_us ? left_us : least_us;
    }
    return (int)((least_us < CLOCK_SECOND_US ? CLOCK_SECOND_US : least_us) / CLOCK_SECOND_US);
}

static void explain_refusal(struct drive *drive, const struct routing *routing)
{
    struct buf detail;
    if (routing->decision.declined.len > 0) {
        drive->problem = MESSAGE_RULE_DECLINED;
        drive->problem_detail =
            arena_printf(&drive->arena, "rule \"" STR_FMT "\": " STR_FMT,
                         STR_ARG(routing->decision.rule), STR_ARG(routing->decision.declined));
        return;
    }
    buf_init(&detail, DETAIL_BYTES_MAX);
    bool is_breaker = false;
    bool is_busy = false;
    for (size_t i = 0; i < routing->decision.count; i++) {
        const struct route_verdict *verdict = &routing->decision.verdict[i];
        const struct route_candidate *candidate = &routing->candidate[verdict->candidate];
        is_breaker = is_breaker || verdict->drop == ROUTE_BREAKER_OPEN;
        is_busy = is_busy || verdict->drop == ROUTE_PROVIDER_BUSY;
        const struct merchant_account *account = routing->account[verdict->candidate];
        const char *why = route_drop_name(verdict->drop);
        if (verdict->drop == ROUTE_DISABLED && !account->usable)
            why = "unusable";
        buf_printf(&detail, "%s" STR_FMT ":" STR_FMT " %s", i == 0 ? "" : ", ",
                   STR_ARG(candidate->provider), STR_ARG(candidate->account_name), why);
        if (verdict->drop == ROUTE_REFUSED)
            buf_printf(&detail, " (" STR_FMT ")", STR_ARG(drive->refusal));
    }
    if (routing->decision.count == 0)
        buf_add_str(&detail, drive->operation == OPERATION_PAYOUT
                                 ? STR("the merchant has no provider account that pays out")
                                 : STR("the merchant has no provider account"));
    drive->problem = is_busy      ? MESSAGE_OVERLOADED
                     : is_breaker ? MESSAGE_NO_HEALTHY_PROVIDER
                                  : MESSAGE_NO_ROUTE;
    bool is_for_now = is_breaker || is_only_disabled(drive, routing);
    drive->retry_after_s = is_busy ? busy_for_s(drive, routing) : is_for_now ? RETRY_AFTER_S : 0;
    if (is_busy)
        admission_count_busy(drive->payments->parts.admission);
    drive->problem_detail = arena_str(&drive->arena, buf_str(&detail));
    buf_release(&detail);
}

/* The same accounts, in the same order: then nothing would have been different. */
static bool is_same_choice(const struct route_decision *a, const struct route_decision *b)
{
    if (a->kept_count != b->kept_count || (a->declined.len > 0) != (b->declined.len > 0))
        return false;
    for (size_t i = 0; i < a->kept_count; i++) {
        if (a->verdict[i].candidate != b->verdict[i].candidate)
            return false;
    }
    return true;
}

/* What the merchant's shadow set would have done with the same payment; nothing is done by it. */
static void print_shadow_set(const struct drive *drive, const struct routing *routing,
                             struct json_out *json)
{
    struct route_decision shadow;
    struct buf hash;
    route_decide(drive->rules.shadow, &routing->facts, routing->candidate, routing->count,
                 routing->decision.draw, &shadow);
    bool is_same = is_same_choice(&routing->asked, &shadow);
    metrics_count(METRIC_SHADOW_DECISIONS, 1, is_same ? STR("same") : STR("different"));
    json_key(json, "shadow_set");
    json_begin_object(json);
    json_put_int(json, "version", drive->rules.shadow_version);
    buf_init(&hash, 64);
    crypto_hex((struct str){(const char *)shadow.rule_set_hash, 32}, &hash);
    json_put_str(json, "rule_set", buf_str(&hash));
    buf_release(&hash);
    json_put_str(json, "rule", shadow.rule);
    if (shadow.declined.len > 0)
        json_put_str(json, "declined", shadow.declined);
    json_key(json, "candidates");
    json_begin_array(json);
    for (size_t i = 0; i < shadow.kept_count; i++) {
        const struct route_candidate *candidate = &routing->candidate[shadow.verdict[i].candidate];
        json_begin_object(json);
        json_put_str(json, "provider", candidate->provider);
        json_put_str(json, "account", candidate->account_name);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_bool(json, "differs", !is_same);
    json_end_object(json);
}

/*
 * What the payment's row does not have, and the rules ask for: so that the same decision can be made
 * again (P6). What they do not ask for is not kept.
 */
static void print_facts(const struct drive *drive, const struct routing *routing,
                        struct json_out *json)
{
    const struct route_facts *given = &routing->facts;
    const struct {
        enum fact fact;
        const char *name;
        struct str text;
    } facts[] = {
        {FACT_CARD_BRAND, "card_brand", given->card_brand},
        {FACT_CARD_COUNTRY, "card_country", given->card_country},
        {FACT_BIN, "bin", given->bin},
        {FACT_BENEFICIARY_COUNTRY, "beneficiary_country", given->beneficiary_country},
    };
    bool is_open = false;
    for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
        if (facts[i].text.len == 0 || (drive->rules.asks >> facts[i].fact & 1) == 0)
            continue;
        if (!is_open) {
            json_key(json, "facts");
            json_begin_object(json);
        }
        is_open = true;
        json_put_str(json, facts[i].name, facts[i].text);
    }
    if (is_open)
        json_end_object(json);
}

/* What the router cannot know of its own decision. */
static void print_more(const struct drive *drive, const struct routing *routing, struct buf *out)
{
    struct json_out json;
    json_out_init(&json, out);
    json_begin_object(&json);
    json_put_int(&json, "version", drive->rules.version);
    if (drive->rules.arm == RULES_ARM_CANARY)
        json_put_bool(&json, "canary", true);
    print_facts(drive, routing, &json);
    if (drive->rules.shadow != NULL)
        print_shadow_set(drive, routing, &json);
    json_end_object(&json);
}

static void keep_decision(struct drive *drive, const struct routing *routing)
{
    struct buf json;
    buf_init(&json, DECISION_BYTES_MAX);
    route_decision_print(&routing->decision, routing->candidate, &json);
    if (drive->rules.version > 0) {
        struct buf more;
        buf_init(&more, DECISION_BYTES_MAX);
        print_more(drive, routing, &more);
        CHECK(buf_is_ok(&json) && buf_is_ok(&more));
        json.len--; /* two objects become one */
        buf_add_char(&json, ',');
        buf_add_str(&json, str_sub(buf_str(&more), 1, SIZE_MAX));
        buf_release(&more);
    }
    CHECK(buf_is_ok(&json));
    drive->decision_json = arena_str(&drive->arena, buf_str(&json));
    buf_release(&json);
    metrics_count(METRIC_ROUTING_DECISIONS, 1, routing->decision.rule,
                  drive->candidate[0].account->row.provider);
}

bool drive_route(struct drive *drive, const struct payment_request *request)
{
    struct routing routing = {.count = 0};
    char merchant_text[ID_TEXT_SIZE];
    if (testmethod_is(request->method_type) &&
        (drive->merchant->livemode || testmethod_token(request->test_outcome).len == 0)) {
        drive->problem = MESSAGE_INVALID_MEMBER;
        drive->problem_detail =
            drive->merchant->livemode
                ? STR("method.type: \"test\" is for test keys only")
                : STR("method.outcome: approved, declined_soft, declined_hard or requires_action");
        return false;
    }
    decide(drive, request, &routing, merchant_text);
    routing.asked = routing.decision;
    settle_first(drive, &routing);
    if (drive->candidate_count == 0) {
        explain_refusal(drive, &routing);
        return false;
    }
    sit(drive, &drive->candidate[0]);
    keep_decision(drive, &routing);
    drive->tries_max = routing.decision.depth_max;
    drive->failover_until_us =
        routing.decision.within_us > 0 ? clock_mono_us() + routing.decision.within_us : 0;
    return true;
}

/* ---- what an attempt is to achieve ---- */

struct orchestrate_candidate drive_core_candidate(const struct drive_candidate *candidate)
{
    const struct provider_capability *capability =
        &candidate->account->account.provider->capability;
    return (struct orchestrate_candidate){
        .replay = (enum orchestrate_replay)capability->replay,
        .can_lookup = capability->lookup_by_reference,
        .key_lifetime_us = capability->key_lifetime_ms * CLOCK_MS_US,
        .settle_us = provider_settle_ms(&candidate->account->account) * CLOCK_MS_US,
        .action_us = capability->action_ms * CLOCK_MS_US,
        .waits_for_us = capability->waits_for_us,
        .hold_us = capability->hold_ms * CLOCK_MS_US,
    };
}

void drive_fill_call(struct drive *drive, const struct drive_candidate *candidate,
                     const struct uuid *attempt_id)
{
    char id[ID_TEXT_SIZE];
    const struct store_payment *row = &drive->committed.payment.row;
    drive->call = (struct provider_call){
        .operation = drive->operation,
        .account = &candidate->account->account,
        .attempt_ref = arena_str(&drive->arena, id_format(ID_ATTEMPT, attempt_id, id)),
        .merchant_ref = row->reference,
        .amount_minor = row->amount_minor,
        .currency = drive->currency,
        .method_type = testmethod_provider_method(row->method_type),
        .token = candidate->token,
        .country = row->country,
        .customer_ref = drive->customer_id,
        .description = drive->description,
        .return_url = drive->return_url,
        .cancel_url = drive->cancel_url,
        .beneficiary = drive->beneficiary,
    };
    bool is_operation = row->operation != OPERATION_NONE;
    drive->call.parent_ref = drive->target.parent_ref;
    drive->call.is_last = drive->target.is_last;
    drive->call.payment_ref = arena_str(
        &drive->arena, is_operation ? id_format(ID_PAYMENT, &row->parent_id, id)
                                    : id_format(drive_id_kind(row), &row->payment_id, id));
}

/* Why an attempt must pass this candidate by, as its reason; NULL: it need not. */
static const char *find_obstacle(struct drive *drive, uint8_t attempt_number,
                                 struct drive_candidate *candidate)
{
    /* The first was chosen when it had room, and a seat there is held. */
    if (attempt_number > 1 && has_no_room(drive, &candidate->account->account))
        return "busy";
    /* The rule gave failover so much time; what is under way is not touched by it. */
    if (attempt_number > 1 && drive->failover_until_us != 0 &&
        clock_mono_us() > drive->failover_until_us)
        return "failover_time_over";
    /* Half-open, and another caller holds its probe: still better than to fail the payment. */
    if (!drive_take_probe(drive, candidate) && is_breaker_open(drive, candidate))
        return "breaker_open";
    return NULL;
}

void drive_prepare(struct drive *drive, const struct orchestrate_action *action,
                   struct orchestrate_prepared *prepared)
{
    bool is_new = action->attempt_number != drive->attempt_number ||
                  action->candidate != drive->attempt_candidate;
    CHECK(action->attempt_number >= 1 && action->attempt_number <= drive->attempt_room);
    struct drive_rows *rows = &drive->rows[action->attempt_number - 1];
    if (is_new) {
        struct drive_candidate *candidate = &drive->candidate[action->candidate];
        start_attempt(drive, action->attempt_number, action->candidate);
        rows->refused_as = find_obstacle(drive, action->attempt_number, candidate);
        if (rows->refused_as != NULL) {
            *prepared = (struct orchestrate_prepared){.refused = true};
            return;
        }
        sit(drive, candidate);
    }
    drive->call.send_number = action->send_number;
    bool is_built = is_new || action->send_number > 1 || !drive->has_request ? build_request(drive)
                                                                             : drive->has_request;
    rows->refused_as = is_built ? NULL : "not_expressible";
    *prepared = (struct orchestrate_prepared){
        .refused = !is_built,
        .moves_money = is_built && drive->request.moves_money,
    };
}
