#include "payment/status.h"

#include "base/error.h"

/* clang-format off */
static const struct status_change payment_changes[] = {
    {PAYMENT_NONE,            PAYMENT_PROCESSING,      "opened"},
    {PAYMENT_PROCESSING,      PAYMENT_REQUIRES_ACTION, "the provider asks the payer to act"},
    {PAYMENT_PROCESSING,      PAYMENT_AUTHORIZED,      "held"},
    {PAYMENT_PROCESSING,      PAYMENT_SUCCEEDED,       "charged"},
    {PAYMENT_PROCESSING,      PAYMENT_DECLINED,        "the last provider declined"},
    {PAYMENT_PROCESSING,      PAYMENT_FAILED,          "surely nothing was charged"},
    {PAYMENT_PROCESSING,      PAYMENT_CANCELED,        "the merchant's cancel, with nothing moved"},
    {PAYMENT_PROCESSING,      PAYMENT_REVIEW,          "unknown for too long, or of another amount"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_PROCESSING,      "the payer has approved"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_AUTHORIZED,      "held by a provider that goes on by itself"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_SUCCEEDED,       "charged by a provider that goes on by itself"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_DECLINED,        "payer or bank said no"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_FAILED,          "the payer did not act in time"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_CANCELED,        "the merchant's cancel"},
    {PAYMENT_REQUIRES_ACTION, PAYMENT_REVIEW,          "nobody says how it ended"},
    {PAYMENT_AUTHORIZED,      PAYMENT_SUCCEEDED,       "captured"},
    {PAYMENT_AUTHORIZED,      PAYMENT_CANCELED,        "voided, or the hold ran out"},
    {PAYMENT_SUCCEEDED,       PAYMENT_CANCELED,        "taken back, since it was canceled before it was charged"},
    {PAYMENT_REVIEW,          PAYMENT_AUTHORIZED,      "a person, or the provider, says held"},
    {PAYMENT_REVIEW,          PAYMENT_SUCCEEDED,       "a person, or the provider, says charged"},
    {PAYMENT_REVIEW,          PAYMENT_DECLINED,        "a person says declined"},
    {PAYMENT_REVIEW,          PAYMENT_FAILED,          "a person says that nothing was charged"},
    {PAYMENT_REVIEW,          PAYMENT_CANCELED,        "a person says canceled"},
};

static const struct status_change payout_changes[] = {
    {PAYMENT_NONE,            PAYMENT_PROCESSING,      "opened"},
    {PAYMENT_PROCESSING,      PAYMENT_UNCLAIMED,       "it lies with the provider until somebody takes it"},
    {PAYMENT_PROCESSING,      PAYMENT_SUCCEEDED,       "paid out"},
    {PAYMENT_PROCESSING,      PAYMENT_DECLINED,        "refused"},
    {PAYMENT_PROCESSING,      PAYMENT_FAILED,          "surely nothing was paid out"},
    {PAYMENT_PROCESSING,      PAYMENT_CANCELED,        "the provider confirmed the merchant's cancel"},
    {PAYMENT_PROCESSING,      PAYMENT_RETURNED,        "it came back"},
    {PAYMENT_PROCESSING,      PAYMENT_REVIEW,          "unknown for too long, or of another amount"},
    {PAYMENT_UNCLAIMED,       PAYMENT_PROCESSING,      "under way again"},
    {PAYMENT_UNCLAIMED,       PAYMENT_SUCCEEDED,       "taken"},
    {PAYMENT_UNCLAIMED,       PAYMENT_DECLINED,        "refused"},
    {PAYMENT_UNCLAIMED,       PAYMENT_FAILED,          "surely nothing was paid out"},
    {PAYMENT_UNCLAIMED,       PAYMENT_CANCELED,        "the provider confirmed the merchant's cancel"},
    {PAYMENT_UNCLAIMED,       PAYMENT_RETURNED,        "nobody took it"},
    {PAYMENT_UNCLAIMED,       PAYMENT_REVIEW,          "nobody says how it ended"},
    {PAYMENT_REVIEW,          PAYMENT_SUCCEEDED,       "a person, or the provider, says paid out"},
    {PAYMENT_REVIEW,          PAYMENT_DECLINED,        "a person says refused"},
    {PAYMENT_REVIEW,          PAYMENT_FAILED,          "a person says that nothing was paid out"},
    {PAYMENT_REVIEW,          PAYMENT_CANCELED,        "a person says canceled"},
    {PAYMENT_REVIEW,          PAYMENT_RETURNED,        "a person says that it came back"},
};

static const struct status_change operation_changes[] = {
    {PAYMENT_NONE,            PAYMENT_PROCESSING,      "opened, its sum guarded"},
    {PAYMENT_PROCESSING,      PAYMENT_SUCCEEDED,       "done"},
    {PAYMENT_PROCESSING,      PAYMENT_DECLINED,        "refused"},
    {PAYMENT_PROCESSING,      PAYMENT_FAILED,          "surely nothing was done"},
    {PAYMENT_PROCESSING,      PAYMENT_REVIEW,          "unknown for too long, or of another amount"},
    {PAYMENT_REVIEW,          PAYMENT_SUCCEEDED,       "a person, or the provider, says done"},
    {PAYMENT_REVIEW,          PAYMENT_DECLINED,        "a person says refused"},
    {PAYMENT_REVIEW,          PAYMENT_FAILED,          "a person says that nothing was done"},
};

static const struct {
    const struct status_change *change;
    size_t count;
} tables[STATUS_KIND_COUNT] = {
    [STATUS_OF_PAYMENT]   = {payment_changes, ARRAY_LEN(payment_changes)},
    [STATUS_OF_PAYOUT]    = {payout_changes, ARRAY_LEN(payout_changes)},
    [STATUS_OF_OPERATION] = {operation_changes, ARRAY_LEN(operation_changes)},
};
/* clang-format on */

const struct status_change *status_changes(enum status_kind kind, size_t *count)
{
    CHECK(kind < STATUS_KIND_COUNT);
    *count = tables[kind].count;
    return tables[kind].change;
}

bool status_may_follow(enum status_kind kind, enum payment_status from, enum payment_status to)
{
    size_t count;
    const struct status_change *change = status_changes(kind, &count);
    if (from == to && from != PAYMENT_NONE)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (change[i].from == from && change[i].to == to)
            return true;
    }
    return false;
}
