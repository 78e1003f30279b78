#include "payment/driver.h"

/*
 *     authorized -> A -- reauthorized --> B -- reauthorized --> C        payment_limits.hold_reference
 *
 * At the provider the newest is in force: it is captured, voided and looked up, whatever becomes of
 * those before it. What a payment came to is its newest attempt: what was approved of those before it, or
 * after the payment had ended, came late, and is not what the payment is held by. Such an authorization
 * has limits of its own (store.h): it is taken back, and where that is refused and a person accepts it,
 * it is held until its provider lets go of it. No merchant captures it, and nothing that ends the
 * payment's own hold, a capture, a void, its time, touches it; nor the other way round.
 */

static const struct store_outcome *approval(const struct store_attempt_view *attempt)
{
    const struct store_outcome *found = NULL;
    for (size_t i = 0; i < attempt->outcome_count; i++) {
        if (attempt->outcomes[i].outcome == OUTCOME_APPROVED)
            found = &attempt->outcomes[i];
    }
    return found;
}

bool drive_was_approved_as(const struct store_attempt_view *attempt, struct str reference)
{
    const struct store_outcome *own = approval(attempt);
    return own != NULL && str_eq(own->reference, reference);
}

bool drive_find_hold(const struct store_payment_view *payment,
                     const struct store_attempt_view *attempt, struct str *reference)
{
    const struct store_outcome *own = approval(attempt);
    bool is_newest = attempt == &payment->attempts[payment->attempt_count - 1];
    if (attempt->row.operation != OPERATION_AUTHORIZE || own == NULL)
        return false;
    if (!attempt->late.exists && !is_newest)
        return false; /* of before such limits were kept */
    bool is_replaced = !attempt->late.exists && payment->hold_reference.len > 0;
    *reference = is_replaced ? payment->hold_reference : own->reference;
    return true;
}

bool drive_comes_late(const struct orchestrate_write_plan *plan, enum operation operation)
{
    return operation == OPERATION_AUTHORIZE && plan->posts_transfers &&
           plan->review == REVIEW_LATE_SUCCESS && plan->status == PAYMENT_NONE;
}

void drive_put_late(const struct uuid *attempt_id, struct store_limits *limits,
                    struct store_limits *late)
{
    *late = *limits;
    late->payment_id = *attempt_id;
    limits->authorized = limits->captured = limits->capture_open = 0;
    limits->hold_id = (struct uuid){{0}};
    limits->hold_reference = limits->acts_on = STR_NONE;
    limits->hold_ends_us = 0;
}
