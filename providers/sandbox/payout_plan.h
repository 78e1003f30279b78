/* clang-format off */
/*
 * payout_plan.h - what becomes of a payout, decided when it is made by a word in its recipient.
 *
 *     word          PayPal Payouts                            Payoneer Mass Payouts
 *     (none)        SUCCESS                                   Transferred
 *     unclaimed     UNCLAIMED, after 30 days RETURNED         -
 *     unconfirmed   the same, RECEIVER_UNCONFIRMED            -
 *     claimed       UNCLAIMED, then SUCCESS                   -
 *     returned      UNCLAIMED, then RETURNED                  Transferred, then Cancelled (30013)
 *     kept          UNCLAIMED, cannot be canceled             -
 *     onhold        ONHOLD                                    -
 *     released      ONHOLD, then SUCCESS                      -
 *     blocked       BLOCKED                                   -
 *     failed        FAILED, RECEIVING_LIMIT_EXCEEDED          Cancelled (10009: payee is inactive)
 *     denied        FAILED, RECEIVER_ACCOUNT_INVALID          -
 *     self          FAILED, SELF_PAY_NOT_ALLOWED              -
 *     refunded      SUCCESS, then REFUNDED                    -
 *     reversed      SUCCESS, then REVERSED                    -
 *     canceled      batch CANCELED, item FAILED               -
 *     rejected      -                                         Rejected, with a reason code
 *     late          -                                         Transferred; a cancel comes too late
 *     stuck         PENDING for ever                          Pending for ever
 *     insufficient  422 INSUFFICIENT_FUNDS when made          400 when made
 *     inactive      -                                         400 when made: payee is inactive
 *     pending       -                                         Pending Payee until registered
 *     unregistered  -                                         400 when made: no such payee
 *
 * The word is a run of letters, in either case: unclaimed@example.com, jane.unclaimed7@example.com,
 * UNCLAIMED0001 (a PayPal account), payee-inactive-3. Of an e-mail address the local part counts;
 * "failed+RISK_DECLINE@..." fails for any of PayPal's reasons. In a phone number the last four
 * digits stand for the word, see payout_plan.c.
 */
/* clang-format on */
#ifndef SANDBOX_PAYOUT_PLAN_H
#define SANDBOX_PAYOUT_PLAN_H

#include "providers/sandbox/words.h"

enum {
    PAYOUT_STEP_MAX = 2,
};

enum payout_plan {
    PAYOUT_PLAN_NONE = 0,
    PAYOUT_PAID,
    PAYOUT_UNCLAIMED,
    PAYOUT_UNCONFIRMED,
    PAYOUT_CLAIMED,
    PAYOUT_RETURNED,
    PAYOUT_KEPT,
    PAYOUT_ON_HOLD,
    PAYOUT_RELEASED,
    PAYOUT_BLOCKED,
    PAYOUT_FAILED,
    PAYOUT_DENIED,
    PAYOUT_SELF,
    PAYOUT_DUPLICATE, /* twice in one batch */
    PAYOUT_ZERO,      /* amount */
    PAYOUT_REFUNDED,
    PAYOUT_REVERSED,
    PAYOUT_STOPPED, /* whole batch canceled */
    PAYOUT_STUCK,
    PAYOUT_CANCELED, /* by the sender */
    PAYOUT_BOUNCED,  /* by the bank */
    PAYOUT_DEACTIVATED,
    PAYOUT_REJECTED,
    PAYOUT_LATE,
    PAYOUT_PAYEE_PENDING,
    /* never begun: refused when made */
    PAYOUT_INSUFFICIENT,
    PAYOUT_PAYEE_INACTIVE,
    PAYOUT_PAYEE_UNKNOWN,
    PAYOUT_PLAN_COUNT,
};

struct payout_step {
    enum book_state state; /* BOOK_STATE_NONE: the plan ends */
    const char *code;      /* NULL: the one before stays */
    bool is_slow;          /* 30 days after the step before */
};

extern const char *const payout_plan_names[PAYOUT_PLAN_COUNT];

const struct payout_step *payout_step(enum payout_plan plan, int64_t step); /* NULL: at its end */

/* By the word in the recipient, PAYOUT_PAID without one; `provider` is one of the payout APIs. */
enum payout_plan payout_plan_of(enum sandbox_provider provider, struct str recipient);
/* "RISK_DECLINE" of "failed+risk_decline@example.com", as PayPal writes it; NULL: none. */
const char *payout_reason_of(struct str recipient);
/* PayPal's text for an item's reason; NULL: no such reason. */
const char *payout_reason_text(struct str reason);

#endif
