#include "payment/driver_route.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "payment/no_route.h"
#include "payment/decision_record.h"
#include "payment/testmethod.h"

static bool has_no_room(const struct drive *drive, const struct provider_account *account)
{
    const struct rests *rests = drive->is_order ? drive->payments->rests : NULL;
    return facts_is_busy(drive->payments->parts.admission, rests, account);
}

/* A merchant that comes without rule sets has those of the module. */
static void pick_rules(struct drive *drive)
{
    const struct uuid *payment_id = &drive->committed.payment.row.payment_id;
    if (!rulebook_pick(&drive->merchant->rules, payment_id, &drive->rules))
        drive->rules = (struct rulebook_pick){.rules = drive->payments->parts.rules};
}

void drive_decide(struct drive *drive, const struct payment_request *request,
                  const struct facts_before *before, struct routing *routing)
{
    struct payments *payments = drive->payments;
    const struct facts_source source = {
        .parts = &payments->parts,
        .rests = drive->is_order ? payments->rests : NULL,
        .merchant = drive->merchant,
        .request = request,
        .before = before,
        .at_us = before == NULL ? drive->started_us : drive_wall_us(drive),
        .wall_us = clock_wall_us(),
    };
    facts_lay_out(&source, &routing->facts);
    CHECK(routing->facts.payment.operation == drive->operation);
    route_decide(drive->rules.rules, &routing->facts.payment, routing->facts.candidate,
                 routing->facts.count, rng_next(&payments->rng), &routing->decision);
    routing->asked = routing->decision;
}

/* ---- after the decision: what only adapter and breaker can say ---- */

struct drive_candidate drive_make_candidate(struct drive *drive, const struct routing *routing,
                                            const struct route_verdict *verdict)
{
    return (struct drive_candidate){
        .account = routing->facts.account[verdict->candidate],
        .token = arena_str(&drive->arena, routing->facts.token[verdict->candidate]),
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
        drive->candidate[0] = drive_make_candidate(drive, routing, &decision->verdict[0]);
        start_attempt(drive, 1, 0);
        if (!build_request(drive)) {
            route_decision_drop(decision, 0, ROUTE_REFUSED);
            continue;
        }
        if (!drive_take_probe(drive, &drive->candidate[0]) && decision->kept_count > 1) {
            route_decision_drop(decision, 0, ROUTE_BREAKER_OPEN);
            continue;
        }
        break; /* the only one: a half-open breaker whose probe another holds is better than nobody
                */
    }
    drive->candidate_count = decision->kept_count;
    for (size_t i = 1; i < decision->kept_count; i++)
        drive->candidate[i] = drive_make_candidate(drive, routing, &decision->verdict[i]);
}

/* ---- what is told ---- */

static void refuse(struct drive *drive, const struct routing *routing)
{
    const struct no_route_asked asked = {
        .rules = drive->rules.rules,
        .facts = &routing->facts,
        .decision = &routing->decision,
        .refusal = drive->refusal,
        .rests = drive->is_order ? drive->payments->rests : NULL,
    };
    struct no_route why;
    no_route_find(&asked, &drive->arena, &why);
    if (why.problem == MESSAGE_OVERLOADED)
        admission_count_busy(drive->payments->parts.admission);
    drive->problem = why.problem;
    drive->problem_detail = why.detail;
    drive->retry_after_s = why.retry_after_s;
}

void drive_keep_decision(struct drive *drive, const struct routing *routing, uint8_t number,
                         const struct drive_candidate *chosen)
{
    CHECK(number >= 1 && number <= drive->attempt_room);
    const struct decision_record record = {
        .pick = &drive->rules,
        .facts = &routing->facts,
        .asked = &routing->asked,
        .decision = &routing->decision,
    };
    struct buf json;
    buf_init(&json, 2 * (size_t)DECISION_RECORD_BYTES_MAX);
    enum decision_shadow shadow = decision_record_print(&record, &json);
    CHECK(buf_is_ok(&json));
    drive->rows[number - 1].decision_json = arena_str(&drive->arena, buf_str(&json));
    buf_release(&json);
    if (shadow != DECISION_SHADOW_NONE)
        metrics_count(METRIC_SHADOW_DECISIONS, 1,
                      shadow == DECISION_SHADOW_SAME ? STR("same") : STR("different"));
    if (chosen != NULL)
        metrics_count(METRIC_ROUTING_DECISIONS, 1, routing->decision.rule,
                      chosen->account->row.provider);
}

bool drive_route(struct drive *drive, const struct payment_request *request)
{
    struct routing routing;
    if (testmethod_is(request->method_type) &&
        (drive->merchant->livemode || testmethod_token(request->test_outcome).len == 0)) {
        drive->problem = MESSAGE_INVALID_MEMBER;
        drive->problem_detail =
            drive->merchant->livemode
                ? STR("method.type: \"test\" is for test keys only")
                : STR("method.outcome: approved, declined_soft, declined_hard or requires_action");
        return false;
    }
    pick_rules(drive);
    drive_decide(drive, request, NULL, &routing);
    settle_first(drive, &routing);
    if (drive->candidate_count == 0) {
        refuse(drive, &routing);
        return false;
    }
    sit(drive, &drive->candidate[0]);
    drive_keep_decision(drive, &routing, 1, &drive->candidate[0]);
    drive->tries_max = routing.decision.depth_max;
    drive->failover_until_us =
        routing.decision.within_us > 0 ? clock_mono_us() + routing.decision.within_us : 0;
    drive_expect_again(drive, request, &routing);
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

bool drive_is_time_over(const struct drive *drive)
{
    return drive->failover_until_us != 0 && clock_mono_us() > drive->failover_until_us;
}

/* Why an attempt must pass this candidate by, as its reason; NULL: it need not. */
static const char *find_obstacle(struct drive *drive, uint8_t attempt_number,
                                 struct drive_candidate *candidate)
{
    /* The first was chosen when it had room, and a seat there is held. */
    if (attempt_number > 1 && has_no_room(drive, &candidate->account->account))
        return "busy";
    if (attempt_number > 1 && drive_is_time_over(drive))
        return DRIVE_TIME_OVER;
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
        uint8_t at = action->candidate;
        bool is_again = action->attempt_number > 1 && drive->again != NULL;
        rows->refused_as = is_again ? drive_decide_again(drive, action, &at) : NULL;
        struct drive_candidate *candidate = &drive->candidate[at];
        start_attempt(drive, action->attempt_number, at);
        if (rows->refused_as == NULL)
            rows->refused_as = find_obstacle(drive, action->attempt_number, candidate);
        if (rows->refused_as != NULL) {
            *prepared = (struct orchestrate_prepared){
                .refused = true,
                .declined = strcmp(rows->refused_as, DECISION_RULE_DECLINED) == 0,
            };
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
