#include "payment/no_route.h"

#include "base/clock.h"

enum {
    DETAIL_BYTES_MAX = 1024,
    RETRY_AFTER_S = 5, /* about the time that a breaker stays open */
};

static bool is_held(const struct route_candidate *candidate)
{
    return candidate->disabled || candidate->drained || candidate->in_maintenance;
}

/*
 * Some account that is held back, or that cannot be used now, would have been kept, or would have
 * had to wait for its breaker: whoever can wait has something to wait for.
 */
static bool is_only_disabled(const struct no_route_asked *asked)
{
    const struct facts *facts = asked->facts;
    struct route_candidate candidate[ROUTE_CANDIDATE_MAX];
    struct route_decision decision;
    for (size_t i = 0; i < facts->count; i++) {
        candidate[i] = facts->candidate[i];
        candidate[i].disabled = false;
        candidate[i].drained = false;
        candidate[i].in_maintenance = false;
    }
    route_decide(asked->rules, &facts->payment, candidate, facts->count, asked->decision->draw,
                 &decision);
    for (size_t i = 0; i < decision.count; i++) {
        enum route_drop drop = decision.verdict[i].drop;
        bool would_do =
            drop == ROUTE_KEPT || drop == ROUTE_BREAKER_OPEN || drop == ROUTE_PROVIDER_BUSY;
        if (would_do && is_held(&facts->candidate[decision.verdict[i].candidate]))
            return true;
    }
    return false;
}

/* Until the first of them may have room again. */
static int busy_for_s(const struct no_route_asked *asked)
{
    int64_t least_us = INT64_MAX;
    for (size_t i = 0; i < asked->decision->count; i++) {
        const struct route_verdict *verdict = &asked->decision->verdict[i];
        if (verdict->drop != ROUTE_PROVIDER_BUSY)
            continue;
        int64_t left_us =
            facts_rest_left_us(asked->rests, &asked->facts->account[verdict->candidate]->account);
        least_us = left_us < least_us ? left_us : least_us;
    }
    return (int)((least_us < CLOCK_SECOND_US ? CLOCK_SECOND_US : least_us) / CLOCK_SECOND_US);
}

static bool is_dropped_as(const struct route_decision *decision, enum route_drop drop)
{
    for (size_t i = 0; i < decision->count; i++) {
        if (decision->verdict[i].drop == drop)
            return true;
    }
    return false;
}

/* Each account with its reason. */
static void print_reasons(const struct no_route_asked *asked, struct buf *detail)
{
    const struct facts *facts = asked->facts;
    for (size_t i = 0; i < asked->decision->count; i++) {
        const struct route_verdict *verdict = &asked->decision->verdict[i];
        const struct route_candidate *candidate = &facts->candidate[verdict->candidate];
        const char *why = route_drop_name(verdict->drop);
        if (verdict->drop == ROUTE_DISABLED && !facts->account[verdict->candidate]->usable)
            why = "unusable";
        buf_printf(detail, "%s" STR_FMT ":" STR_FMT " %s", i == 0 ? "" : ", ",
                   STR_ARG(candidate->provider), STR_ARG(candidate->account_name), why);
        if (verdict->drop == ROUTE_REFUSED)
            buf_printf(detail, " (" STR_FMT ")", STR_ARG(asked->refusal));
    }
    if (asked->decision->count == 0)
        buf_add_str(detail, facts->payment.operation == OPERATION_PAYOUT
                                ? STR("the merchant has no provider account that pays out")
                                : STR("the merchant has no provider account"));
}

void no_route_find(const struct no_route_asked *asked, struct arena *arena, struct no_route *out)
{
    const struct route_decision *decision = asked->decision;
    struct buf detail;
    *out = (struct no_route){.problem = MESSAGE_RULE_DECLINED};
    if (decision->declined.len > 0) {
        out->detail = arena_printf(arena, "rule \"" STR_FMT "\": " STR_FMT, STR_ARG(decision->rule),
                                   STR_ARG(decision->declined));
        return;
    }
    bool is_breaker = is_dropped_as(decision, ROUTE_BREAKER_OPEN);
    bool is_busy = is_dropped_as(decision, ROUTE_PROVIDER_BUSY);
    out->problem = is_busy      ? MESSAGE_OVERLOADED
                   : is_breaker ? MESSAGE_NO_HEALTHY_PROVIDER
                                : MESSAGE_NO_ROUTE;
    if (is_busy)
        out->retry_after_s = busy_for_s(asked);
    else if (is_breaker || is_only_disabled(asked))
        out->retry_after_s = RETRY_AFTER_S;
    buf_init(&detail, DETAIL_BYTES_MAX);
    print_reasons(asked, &detail);
    out->detail = arena_str(arena, buf_str(&detail));
    buf_release(&detail);
}
