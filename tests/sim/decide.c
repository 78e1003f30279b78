/*
 * Rules that ask how often, and with what end, a payment was tried before: who is tried next is decided
 * anew before each further attempt. Here a decision is drawn: any providers, in any order, tried before
 * or not; what comes of it is for the core to say, and compared with what the rows say.
 */
#include "sim.h"

static void shuffle(struct world *w, uint8_t *order, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned j = (unsigned)rng_below(&w->rng, i);
        uint8_t swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
}

void decide_first(struct world *w, struct flight *flight)
{
    if (PAYMENT(w, flight->payment)->parent != NONE || !chance(w, FAULT_DECIDED_ANEW))
        return;
    struct orchestrate *core = &flight->core;
    orchestrate_decide_anew(core, (size_t)between(w, 1, core->candidate_count));
    if (rng_below(&w->rng, 2) == 0) {
        core->limits.attempt_max = (uint8_t)between(w, 1, core->limits.attempt_max);
        flight->decision_next.bound = core->limits.attempt_max;
    }
}

static bool was_tried(const struct payment_row *payment, uint8_t provider)
{
    for (uint8_t at = 0; at < ATTEMPT_MAX; at++)
        if (payment->attempt[at].exists && payment->attempt[at].provider == provider)
            return true;
    return false;
}

/* Whom the decision names first of those that no row of the payment has; PROVIDER_MAX: nobody. */
static uint8_t first_untried(const struct world *w, const struct flight *flight,
                             const uint8_t *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t provider = flight->order_of_providers[order[i]];
        if (!was_tried(PAYMENT(w, flight->payment), provider))
            return provider;
    }
    return PROVIDER_MAX;
}

static void note(struct world *w, const struct flight *flight, uint8_t named, uint8_t first,
                 unsigned first_count)
{
    const struct decision_row *decision = &flight->decision_next;
    mark(w, MARK_DECIDED_ANEW);
    if (decision->declines)
        mark(w, MARK_RULES_DECLINED);
    else if (decision->names_nobody)
        mark(w, MARK_DECIDED_NOBODY);
    else if (first != named)
        mark(w, MARK_DECIDED_TRIED);
    for (unsigned i = first_count; i < w->provider_count && !decision->names_nobody; i++)
        if (flight->order_of_providers[i] == named)
            mark(w, MARK_DECIDED_OTHER);
}

uint8_t decide_anew(struct world *w, struct flight *flight)
{
    struct orchestrate *core = &flight->core;
    struct decision_row *decision = &flight->decision_next;
    unsigned first_count = core->order_count;
    unsigned bound_before = core->limits.attempt_max;
    uint8_t tentative = flight->order_of_providers[core->attempt.candidate];
    uint8_t order[PROVIDER_MAX];
    for (unsigned i = 0; i < w->provider_count; i++)
        order[i] = (uint8_t)i;
    shuffle(w, order, w->provider_count);
    unsigned count = (unsigned)between(w, 1, w->provider_count);
    bool is_empty = chance(w, FAULT_RULES_DECLINE);
    decision->declines = is_empty && rng_below(&w->rng, 2) == 0;
    if (is_empty)
        count = 0;
    if (rng_below(&w->rng, 3) == 0)
        decision->bound = (uint8_t)(core->attempt_number + rng_below(&w->rng, 3));
    uint8_t named = first_untried(w, flight, order, count);
    int candidate = orchestrate_reorder(core, order, count, decision->bound);
    decision->names_nobody = candidate == ORCHESTRATE_NOBODY;
    uint8_t chosen = decision->names_nobody ? PROVIDER_MAX : flight->order_of_providers[candidate];
    if (chosen != named)
        world_violation(w, "I10: payment %u attempt %u is of provider %u, its decision names %u",
                        flight->payment, core->attempt_number, chosen, named);
    if (core->limits.attempt_max < bound_before)
        mark(w, MARK_DECIDED_SHORTER);
    note(w, flight, named, count > 0 ? flight->order_of_providers[order[0]] : PROVIDER_MAX,
         first_count);
    return decision->names_nobody ? tentative : chosen;
}

void decide_check(struct world *w, uint32_t index, uint8_t last)
{
    const struct payment_row *payment = PAYMENT(w, index);
    uint8_t bound = UINT8_MAX;
    for (uint8_t at = 0; at <= last; at++) {
        const struct attempt_row *attempt = &payment->attempt[at];
        if (attempt->decision.bound > 0 && attempt->decision.bound < bound)
            bound = attempt->decision.bound;
        if (attempt->decision.names_nobody && (at < last || attempt->send[0].exists))
            world_violation(w, "I10: payment %u went on after its rules had named nobody", index);
        for (uint8_t before = 0; before < at; before++)
            if (payment->attempt[before].provider == attempt->provider)
                world_violation(w, "I10: payment %u was tried twice at provider %u", index,
                                attempt->provider);
    }
    if (last + 1 > bound)
        world_violation(w, "I10: payment %u was tried %u times, its decisions allow %u", index,
                        last + 1U, bound);
}
