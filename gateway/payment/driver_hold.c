#include "payment/driver.h"

/*
 *     authorized -> A -- reauthorized --> B -- reauthorized --> C        payment_limits.hold_reference
 *
 * At the provider the newest is in force: it is captured, voided and looked up, whatever becomes of
 * those before it. What a payment came to is its newest attempt: what was approved of those before it
 * came late, is taken back, and is not what the payment is held by.
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
    if (!is_newest || attempt->row.operation != OPERATION_AUTHORIZE || own == NULL)
        return false;
    *reference = payment->hold_reference.len > 0 ? payment->hold_reference : own->reference;
    return true;
}
