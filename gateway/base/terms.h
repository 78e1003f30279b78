/*
 * terms.h - the words of the field that every module uses: operations, outcomes, payment statuses.
 *
 * Names are stored in the database and shown to merchants: they are never renamed.
 */
#ifndef BASE_TERMS_H
#define BASE_TERMS_H

#include <stdbool.h>

#include "base/str.h"

enum operation {
    OPERATION_NONE = 0,
    OPERATION_SALE,        /* "sale": authorize and capture in one */
    OPERATION_AUTHORIZE,   /* "authorize" */
    OPERATION_CAPTURE,     /* "capture" */
    OPERATION_VOID,        /* "void" */
    OPERATION_REFUND,      /* "refund" */
    OPERATION_PAYOUT,      /* "payout" */
    OPERATION_REAUTHORIZE, /* "reauthorize": another authorization in the place of one */
    OPERATION_COUNT,
};

/* What is known of an attempt or a send (design section 4). */
enum outcome {
    OUTCOME_NONE = 0,
    OUTCOME_APPROVED,        /* "approved": the money moved, or is held */
    OUTCOME_PENDING,         /* "pending": accepted, the provider decides later */
    OUTCOME_REQUIRES_ACTION, /* "requires_action": pending until the payer acts */
    OUTCOME_DECLINED_SOFT,   /* "declined_soft": another try may work */
    OUTCOME_DECLINED_HARD,   /* "declined_hard": never try this instrument again */
    OUTCOME_FAILED,          /* "failed": surely did nothing */
    OUTCOME_UNKNOWN,         /* "unknown": the money may have moved */
    OUTCOME_COUNT,
};

enum payment_status {
    PAYMENT_NONE = 0,
    PAYMENT_PROCESSING,
    PAYMENT_REQUIRES_ACTION,
    PAYMENT_AUTHORIZED,
    PAYMENT_SUCCEEDED,
    PAYMENT_DECLINED,
    PAYMENT_FAILED,
    PAYMENT_CANCELED,
    PAYMENT_REVIEW,
    PAYMENT_UNCLAIMED, /* "unclaimed": paid out, and not yet taken by who should have it */
    PAYMENT_RETURNED,  /* "returned": paid out, and given back */
    PAYMENT_STATUS_COUNT,
};

/* Why a case is in the review queue, and where it stands (docs/operations.md tells what to do). */
enum review_kind {
    REVIEW_NONE = 0,
    REVIEW_UNKNOWN_TOO_LONG, /* "unknown_too_long": nobody says whether money moved */
    REVIEW_PENDING_TOO_LONG, /* "pending_too_long": accepted, and never decided */
    REVIEW_AMOUNT_MISMATCH,  /* "amount_mismatch": the answer speaks of other money */
    REVIEW_LATE_SUCCESS,     /* "late_success": approved after the payment had ended without it */
    REVIEW_REVERSAL_FAILED,  /* "reversal_failed": the same, and it cannot be reversed */
    REVIEW_PROVIDER_REFUND,  /* "provider_refund": the provider gave money back by itself */
    REVIEW_HOLD_OVERDUE,     /* "hold_overdue": held long after its time, or nobody says */
    REVIEW_OTHER,            /* "other" */
    REVIEW_KIND_COUNT,
};

enum review_state {
    REVIEW_STATE_NONE = 0,
    REVIEW_OPEN,      /* "open": waits for a person */
    REVIEW_REVERSING, /* "reversing": the gateway is at it */
    REVIEW_RESOLVED,  /* "resolved" */
    REVIEW_STATE_COUNT,
};

const char *operation_name(enum operation operation);
enum operation operation_find(struct str name); /* OPERATION_NONE when unknown */
/* Capture, void, refund, reauthorize: acts on a payment that is already with a provider. */
bool operation_is_follow_up(enum operation operation);
const char *outcome_name(enum outcome outcome);
enum outcome outcome_find(struct str name);
/* Approved, declined or failed: nothing more is to be learned. */
bool outcome_is_final(enum outcome outcome);
const char *payment_status_name(enum payment_status status);
enum payment_status payment_status_find(struct str name);
bool payment_status_is_final(enum payment_status status); /* authorized counts as final answer */
const char *review_kind_name(enum review_kind kind);
enum review_kind review_kind_find(struct str name); /* REVIEW_NONE when unknown */
const char *review_state_name(enum review_state state);
enum review_state review_state_find(struct str name);

#endif
