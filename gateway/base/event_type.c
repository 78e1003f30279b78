#include "base/event_type.h"

/* clang-format off */
static const struct event_type types[] = {
    {"payment.processing",       "The outcome is not known yet, or the provider decides later."},
    {"payment.requires_action",  "The payer must act: `next_action` of the payment says where."},
    {"payment.authorized",       "The amount is held."},
    {"payment.succeeded",        "The amount is charged."},
    {"payment.declined",         "Refused by the payer's bank or the provider; nothing is charged."},
    {"payment.failed",           "Nothing is charged, nowhere."},
    {"payment.canceled",         "Nothing is charged, and nothing is held any more."},
    {"payment.review",           "A person must find out what became of it."},
    {"payment.authorization_expired", "What was held is held no longer."},
    {"payment.capture.processing", "A capture was asked for; `data.operation` names it, as in all that follow."},
    {"payment.captured",         "A capture is done."},
    {"payment.capture.failed",   "A capture surely did not happen."},
    {"payment.void.processing",  "A void was asked for."},
    {"payment.voided",           "What was held is let go."},
    {"payment.void.failed",      "A void surely did not happen."},
    {"payment.reauthorize.processing", "Another authorization was asked for."},
    {"payment.reauthorized",     "What is held is held by another authorization, `data.until` then where it is known."},
    {"payment.reauthorize.failed", "A reauthorization surely did not happen: what was held is held as before."},
    {"payment.refund.processing", "A refund was asked for."},
    {"payment.refunded",         "A refund is done."},
    {"payment.refund.failed",    "A refund surely did not happen."},

    {"payment.review_decided",   "A person has decided a case of the review queue; the payment's status stays. `data` says who, what and why."},
    {"payment.duplicate_reversed", "An approval that came after the payment had ended, or had gone on elsewhere, was taken back."},

    {"payout.processing",        "With the provider, or not known yet."},
    {"payout.unclaimed",         "With the provider until the recipient takes it."},
    {"payout.succeeded",         "Paid."},
    {"payout.declined",          "Refused; nothing was paid."},
    {"payout.failed",            "Nothing was paid."},
    {"payout.returned",          "Paid out, and given back."},
    {"payout.canceled",          "Canceled; nothing was paid."},
    {"payout.review",            "A person must find out what became of it."},
    {"payout.requires_action",   "The provider waits for somebody to act."},

    {"payout.review_decided",    "A person has decided a case of the review queue; the payout's status stays."},


    {"capture.processing",       "The outcome of the capture is not known yet."},
    {"capture.succeeded",        "The capture is done."},
    {"capture.declined",         "The capture was refused."},
    {"capture.failed",           "The capture surely did nothing."},
    {"capture.review",           "A person must find out what became of the capture."},
    {"void.processing",          "The outcome of the void is not known yet."},
    {"void.succeeded",           "The void is done."},
    {"void.declined",            "The void was refused."},
    {"void.failed",              "The void surely did nothing."},
    {"void.review",              "A person must find out what became of the void."},
    {"refund.processing",        "The outcome of the refund is not known yet."},
    {"refund.succeeded",         "The refund is done."},
    {"refund.declined",          "The refund was refused."},
    {"refund.failed",            "The refund surely did nothing."},
    {"refund.review",            "A person must find out what became of the refund."},

    {"reauthorize.processing",   "The outcome of the reauthorization is not known yet."},
    {"reauthorize.succeeded",    "The reauthorization is done."},
    {"reauthorize.declined",     "The reauthorization was refused."},
    {"reauthorize.failed",       "The reauthorization surely did nothing."},
    {"reauthorize.review",       "A person must find out what became of the reauthorization."},

    {"attempt.approved",         "An attempt that had ended, or was given up, was approved after all: the payment's status stays, the money is booked."},
    {"attempt.pending",          "Accepted by a provider after the payment had ended."},
    {"attempt.requires_action",  "A provider waits for the payer after the payment had ended."},
    {"attempt.declined_soft",    "An attempt was declined after the payment had ended, or gone on."},
    {"attempt.declined_hard",    "An attempt was declined for good after the payment had ended, or gone on."},
    {"attempt.failed",           "An attempt surely did nothing, after the payment had ended or gone on."},
    {"attempt.unknown",          "Nobody can say what became of an attempt of a payment that has ended."},

    {"report.ready",             "A report was made regularly and lies in its folder. Told to webhook endpoints alone: it is no event of a payment."},
};
/* clang-format on */

const struct event_type *event_type_all(size_t *count)
{
    *count = ARRAY_LEN(types);
    return types;
}

const struct event_type *event_type_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eq(name, str_of(types[i].name)))
            return &types[i];
    }
    return NULL;
}
