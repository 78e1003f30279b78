#include "payment/driver_route.h"

#include <string.h>

#include "base/clock.h"
#include "payment/decision_record.h"

/* Of the request, which is borrowed: what a decision is made of. */
static const struct payment_request *keep_request(struct drive *drive,
                                                  const struct payment_request *from)
{
    struct arena *arena = &drive->arena;
    struct payment_request *kept = ARENA_ARRAY(arena, struct payment_request, 1);
    *kept = (struct payment_request){
        .amount_minor = from->amount_minor,
        .currency = from->currency,
        .is_payout = from->is_payout,
        .capture_automatic = from->capture_automatic,
        .beneficiary = drive->beneficiary,
        .reference = arena_str(arena, from->reference),
        .method_type = arena_str(arena, from->method_type),
        .card_brand = arena_str(arena, from->card_brand),
        .card_country = arena_str(arena, from->card_country),
        .card_bin = arena_str(arena, from->card_bin),
        .test_outcome = arena_str(arena, from->test_outcome),
        .token_count = from->token_count,
        .asks_payer = from->asks_payer,
        .country = arena_str(arena, from->country),
        .customer_id = arena_str(arena, from->customer_id),
        .metadata_count = from->metadata_count,
        .only_count = from->only_count,
        .never_count = from->never_count,
    };
    for (size_t i = 0; i < from->token_count; i++)
        kept->token[i] = (struct payment_token){arena_str(arena, from->token[i].provider),
                                                arena_str(arena, from->token[i].token)};
    for (size_t i = 0; i < from->metadata_count; i++)
        kept->metadata[i] = (struct route_pair){arena_str(arena, from->metadata[i].name),
                                                arena_str(arena, from->metadata[i].value)};
    for (size_t i = 0; i < from->only_count; i++)
        kept->only[i] = arena_str(arena, from->only[i]);
    for (size_t i = 0; i < from->never_count; i++)
        kept->never[i] = arena_str(arena, from->never[i]);
    return kept;
}

/* Dropped for what may be otherwise by then: by its rule, or because it is not well. */
static bool may_be_named_later(const struct facts *facts, const struct route_verdict *verdict)
{
    const struct route_candidate *candidate = &facts->candidate[verdict->candidate];
    const struct merchant_account *account = facts->account[verdict->candidate];
    return account->usable && account->account.provider != NULL && candidate->takes_currency &&
           candidate->takes_operation && candidate->takes_method && candidate->has_token &&
           verdict->drop != ROUTE_KEPT && verdict->drop != ROUTE_REFUSED;
}

void drive_expect_again(struct drive *drive, const struct payment_request *request,
                        const struct routing *routing)
{
    const struct route_decision *decision = &routing->decision;
    if (!rule_set_asks_attempt(drive->rules.rules))
        return;
    drive->again = keep_request(drive, request);
    drive->first_count = drive->candidate_count;
    for (size_t i = decision->kept_count; i < decision->count; i++) {
        if (may_be_named_later(&routing->facts, &decision->verdict[i]))
            drive->candidate[drive->candidate_count++] =
                drive_make_candidate(drive, routing, &decision->verdict[i]);
    }
}

static struct str class_of(enum outcome outcome)
{
    if (outcome == OUTCOME_DECLINED_SOFT)
        return STR("soft");
    return outcome == OUTCOME_DECLINED_HARD ? STR("hard") : STR("failed");
}

static bool was_tried(const struct drive *drive, const struct merchant_account *account)
{
    const struct store_payment_view *view = &drive->committed.payment;
    for (size_t i = 0; i < view->attempt_count; i++) {
        if (uuid_eq(&view->attempts[i].row.account_id, &account->account.account_id))
            return true;
    }
    return false;
}

/* Its place among the candidates that the core knows; candidate_count: it is none. */
static size_t find_candidate(const struct drive *drive, const struct merchant_account *account)
{
    size_t at = 0;
    while (at < drive->candidate_count && drive->candidate[at].account != account)
        at++;
    return at;
}

/* Those that are left, as the core knows them; who cannot be is dropped from the decision. */
static size_t list_candidates(struct drive *drive, struct routing *routing,
                              uint8_t order[ORCHESTRATE_CANDIDATE_MAX])
{
    struct route_decision *decision = &routing->decision;
    size_t count = 0;
    while (count < decision->kept_count) {
        const struct route_verdict *verdict = &decision->verdict[count];
        const struct merchant_account *account = routing->facts.account[verdict->candidate];
        size_t at = find_candidate(drive, account);
        if (was_tried(drive, account) || at == drive->candidate_count) {
            route_decision_drop(decision, count,
                                was_tried(drive, account) ? ROUTE_TRIED : ROUTE_REFUSED);
            continue;
        }
        struct drive_candidate *candidate = &drive->candidate[at];
        candidate->expected_fee_minor = verdict->fee_known ? verdict->expected_fee_minor : -1;
        candidate->probe = verdict->probe;
        order[count++] = (uint8_t)at;
    }
    return count;
}

/* What the first decision gave is an upper bound. */
static void shorten_time(struct drive *drive, int64_t within_us)
{
    int64_t until_us = clock_mono_us() + within_us;
    if (within_us > 0 && (drive->failover_until_us == 0 || until_us < drive->failover_until_us))
        drive->failover_until_us = until_us;
}

const char *drive_decide_again(struct drive *drive, const struct orchestrate_action *action,
                               uint8_t *candidate)
{
    struct routing routing;
    uint8_t order[ORCHESTRATE_CANDIDATE_MAX];
    const struct orchestrate_write_plan *ended = &drive->core.pending;
    CHECK(ended->has_outcome && ended->outcome_attempt_number + 1 == action->attempt_number);
    if (drive_is_time_over(drive)) {
        int nobody = orchestrate_reorder(&drive->core, NULL, 0, 0);
        CHECK(nobody == ORCHESTRATE_NOBODY);
        return DRIVE_TIME_OVER;
    }
    const struct facts_before before = {
        .attempt = action->attempt_number,
        .decline = class_of(ended->outcome),
        .reason = drive_reason(drive, ended),
    };
    drive_decide(drive, drive->again, &before, &routing);
    size_t count = list_candidates(drive, &routing, order);
    uint8_t depth = routing.decision.depth_max;
    int bound = depth > 0 ? action->attempt_number - 1 + depth : 0;
    int chosen =
        orchestrate_reorder(&drive->core, order, count, (uint8_t)(bound < UINT8_MAX ? bound : 0));
    shorten_time(drive, routing.decision.within_us);
    drive_keep_decision(drive, &routing, action->attempt_number,
                        chosen == ORCHESTRATE_NOBODY ? NULL : &drive->candidate[chosen]);
    if (chosen == ORCHESTRATE_NOBODY)
        return routing.decision.declined.len > 0 ? DECISION_RULE_DECLINED : DECISION_NO_ROUTE;
    *candidate = (uint8_t)chosen;
    return NULL;
}
