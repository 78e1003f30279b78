#include "payment/plan.h"

#include "base/error.h"

/* clang-format off */
static const struct plan_step default_steps[] = {
    { "route",     PLAN_ROUTE,     PLAN_ALWAYS },
    { "authorize", PLAN_AUTHORIZE, PLAN_ALWAYS },
    { "capture",   PLAN_CAPTURE,   PLAN_IF_CAPTURE_AUTOMATIC },
};
static const struct plan_step payout_steps[] = {
    { "route",     PLAN_ROUTE,     PLAN_ALWAYS },
    { "pay_out",   PLAN_PAY_OUT,   PLAN_ALWAYS },
};
static const struct plan_step capture_steps[] = {
    { "capture",   PLAN_CAPTURE,   PLAN_ALWAYS },
};
static const struct plan_step void_steps[] = {
    { "void",      PLAN_VOID,      PLAN_ALWAYS },
};
static const struct plan_step refund_steps[] = {
    { "refund",    PLAN_REFUND,    PLAN_ALWAYS },
};
static const struct plan_step reauthorize_steps[] = {
    { "reauthorize", PLAN_REAUTHORIZE, PLAN_ALWAYS },
};
/* clang-format on */

const struct plan plan_default = {
    .name = "default",
    .steps = default_steps,
    .count = ARRAY_LEN(default_steps),
};

const struct plan plan_payout = {
    .name = "payout",
    .steps = payout_steps,
    .count = ARRAY_LEN(payout_steps),
};

static const struct plan plan_capture = {"capture", capture_steps, ARRAY_LEN(capture_steps)};
static const struct plan plan_void = {"void", void_steps, ARRAY_LEN(void_steps)};
static const struct plan plan_reauthorize = {"reauthorize", reauthorize_steps,
                                             ARRAY_LEN(reauthorize_steps)};
static const struct plan plan_refund = {"refund", refund_steps, ARRAY_LEN(refund_steps)};

const struct plan *plan_of(enum operation operation)
{
    static const struct plan *const plans[OPERATION_COUNT] = {
        [OPERATION_SALE] = &plan_default,
        [OPERATION_AUTHORIZE] = &plan_default,
        [OPERATION_CAPTURE] = &plan_capture,
        [OPERATION_VOID] = &plan_void,
        [OPERATION_REFUND] = &plan_refund,
        [OPERATION_PAYOUT] = &plan_payout,
        [OPERATION_REAUTHORIZE] = &plan_reauthorize,
    };
    CHECK(operation > OPERATION_NONE && operation < OPERATION_COUNT);
    return plans[operation];
}

static bool guard_holds(enum plan_guard guard, bool capture_automatic)
{
    switch (guard) {
    case PLAN_ALWAYS:
        return true;
    case PLAN_IF_CAPTURE_AUTOMATIC:
        return capture_automatic;
    case PLAN_IF_CAPTURE_MANUAL:
        return !capture_automatic;
    }
    CHECK(false);
    return false;
}

/* The first step from `from` on whose guard holds; plan->count when there is none. */
static uint8_t find_step(const struct plan *plan, size_t from, bool capture_automatic)
{
    CHECK(plan->count < UINT8_MAX);
    size_t at = from;
    while (at < plan->count && !guard_holds(plan->steps[at].guard, capture_automatic))
        at++;
    return (uint8_t)at;
}

void plan_start(struct plan_position *position, const struct plan *plan)
{
    CHECK(plan->count > 0);
    CHECK(plan->steps[0].guard == PLAN_ALWAYS);
    *position = (struct plan_position){.plan = plan, .step = 0};
}

enum plan_verb plan_verb(const struct plan_position *position)
{
    CHECK(position->step <= position->plan->count);
    if (position->step == position->plan->count)
        return PLAN_END;
    return position->plan->steps[position->step].verb;
}

void plan_advance(struct plan_position *position, bool capture_automatic)
{
    CHECK(position->step < position->plan->count);
    position->step = find_step(position->plan, position->step + 1U, capture_automatic);
}

enum operation plan_operation(const struct plan_position *position, bool capture_automatic)
{
    switch (plan_verb(position)) {
    case PLAN_PAY_OUT:
        return OPERATION_PAYOUT;
    case PLAN_CAPTURE:
        return OPERATION_CAPTURE;
    case PLAN_VOID:
        return OPERATION_VOID;
    case PLAN_REFUND:
        return OPERATION_REFUND;
    case PLAN_REAUTHORIZE:
        return OPERATION_REAUTHORIZE;
    case PLAN_AUTHORIZE:
        break;
    case PLAN_NONE:
    case PLAN_ROUTE:
    case PLAN_END:
        CHECK(false);
    }
    uint8_t next = find_step(position->plan, position->step + 1U, capture_automatic);
    if (next < position->plan->count && position->plan->steps[next].verb == PLAN_CAPTURE)
        return OPERATION_SALE;
    return OPERATION_AUTHORIZE;
}

const char *plan_step_id(const struct plan_position *position)
{
    CHECK(position->step <= position->plan->count);
    return position->step < position->plan->count ? position->plan->steps[position->step].id : "";
}
