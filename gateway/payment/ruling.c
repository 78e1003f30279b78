#include "payment/ruling.h"

#include "base/error.h"
#include "payment/orchestrate_bugs.h"

static bool says_what_happened(enum payment_ruling ruling)
{
    return ruling == RULING_CHARGED || ruling == RULING_NOT_CHARGED;
}

static bool can_be_reversed(enum operation operation)
{
    return operation == OPERATION_SALE || operation == OPERATION_AUTHORIZE;
}

bool payment_ruling_fits(enum payment_ruling ruling, enum review_kind kind,
                         enum operation operation)
{
    switch (kind) {
    case REVIEW_UNKNOWN_TOO_LONG:
    case REVIEW_PENDING_TOO_LONG:
    case REVIEW_AMOUNT_MISMATCH:
        return says_what_happened(ruling);
    case REVIEW_LATE_SUCCESS:
    case REVIEW_REVERSAL_FAILED:
        return ruling == RULING_ACCEPTED ||
               (ruling == RULING_REVERSE && can_be_reversed(operation));
    case REVIEW_PROVIDER_REFUND:
    case REVIEW_HOLD_OVERDUE:
    case REVIEW_OTHER:
        return ruling == RULING_ACCEPTED;
    case REVIEW_NONE:
    case REVIEW_KIND_COUNT:
        break;
    }
    return false;
}

enum ruling_step ruling_hear(const struct ruling_case *about, enum payment_ruling ruling,
                             bool names_amount)
{
    if (about->state == REVIEW_REVERSING)
        return RULING_REFUSE_REVERSING;
    if (about->state != REVIEW_OPEN)
        return RULING_REFUSE_DECIDED;
    if (!payment_ruling_fits(ruling, about->kind, about->operation))
        return RULING_REFUSE_UNFIT;
    if (names_amount && operation_is_follow_up(about->operation))
        return RULING_REFUSE_AMOUNT;
    return RULING_GO_ON;
}

enum ruling_step ruling_weigh(enum payment_ruling ruling, const struct ruling_attempt *attempt)
{
    bool says_charged = ruling == RULING_CHARGED;
    if (!says_what_happened(ruling))
        return RULING_NOTE;
    if (attempt->is_approved && !says_charged)
        return RULING_REFUSE_BOOKED;
    if (attempt->is_final && attempt->is_approved == says_charged)
        return RULING_NOTE; /* it was looked up again: only what is not in the books is news */
    return RULING_TELL;
}

enum outcome ruling_outcome(enum payment_ruling ruling)
{
    CHECK(says_what_happened(ruling));
    return ruling == RULING_CHARGED ? OUTCOME_APPROVED : OUTCOME_FAILED;
}

enum review_state ruling_after(enum payment_ruling ruling)
{
    return ruling == RULING_REVERSE ? REVIEW_REVERSING : REVIEW_RESOLVED;
}

static bool was_late(const struct ruling_case *about)
{
    return about->kind == REVIEW_LATE_SUCCESS || about->kind == REVIEW_REVERSAL_FAILED;
}

bool ruling_frees_reserve(const struct ruling_case *about, enum payment_ruling ruling,
                          const struct ruling_attempt *attempt)
{
    /* A late charge is in the sums of its payment: free, as much more could be refunded of the other. */
    bool is_apart = about->operation == OPERATION_AUTHORIZE || attempt->is_own;
    bool stays = ruling == RULING_ACCEPTED && (is_apart || HAS_BUG(BUG_LATE_SALE_FREED)) &&
                 !HAS_BUG(BUG_RESERVE_KEPT);
    if (HAS_BUG(BUG_RESERVE_FREED_EARLY))
        stays = stays || ruling == RULING_REVERSE;
    return stays && was_late(about) && can_be_reversed(about->operation) && attempt->is_reserved;
}

bool ruling_looks_again(const struct ruling_case *about, enum payment_ruling ruling)
{
    return ruling == RULING_ACCEPTED && was_late(about) &&
           about->operation == OPERATION_AUTHORIZE && !HAS_BUG(BUG_LATE_HOLD_NOT_WATCHED);
}

bool ruling_is_said_before(enum attempt_state state, enum outcome told)
{
    return state == ATTEMPT_APPROVED || (attempt_is_final(state) && told != OUTCOME_APPROVED);
}

void ruling_mismatch_add(struct ruling_mismatch *mismatch, enum outcome outcome, bool is_told,
                         bool names_other_amount)
{
    bool approves = outcome == OUTCOME_APPROVED;
    mismatch->is_approved = mismatch->is_approved || approves;
    mismatch->is_told = mismatch->is_told || (approves && is_told);
    mismatch->was_seen = mismatch->was_seen || names_other_amount;
    mismatch->is_known = mismatch->is_known || (names_other_amount && mismatch->is_approved) ||
                         (mismatch->was_seen && mismatch->is_told);
}

enum reversal_step ruling_reversal(enum payment_status status, int32_t tries, int32_t try_max)
{
    if (status == PAYMENT_SUCCEEDED)
        return REVERSAL_DONE;
    if (status != PAYMENT_FAILED && status != PAYMENT_DECLINED && status != PAYMENT_CANCELED)
        return REVERSAL_WAIT;
    if (HAS_BUG(BUG_REVERSAL_REFUSED_IS_DONE))
        return REVERSAL_DONE;
    return tries + 1 >= try_max && !HAS_BUG(BUG_REVERSAL_FOR_EVER) ? REVERSAL_GIVE_UP
                                                                   : REVERSAL_AGAIN;
}
