#include "base/terms.h"

/* clang-format off */
static const struct str operation_names[OPERATION_COUNT] = {
    [OPERATION_NONE]      = STR_INIT("none"),
    [OPERATION_SALE]      = STR_INIT("sale"),
    [OPERATION_AUTHORIZE] = STR_INIT("authorize"),
    [OPERATION_CAPTURE]   = STR_INIT("capture"),
    [OPERATION_VOID]      = STR_INIT("void"),
    [OPERATION_REFUND]    = STR_INIT("refund"),
    [OPERATION_PAYOUT]    = STR_INIT("payout"),
    [OPERATION_REAUTHORIZE] = STR_INIT("reauthorize"),
};

static const struct str outcome_names[OUTCOME_COUNT] = {
    [OUTCOME_NONE]            = STR_INIT("none"),
    [OUTCOME_APPROVED]        = STR_INIT("approved"),
    [OUTCOME_PENDING]         = STR_INIT("pending"),
    [OUTCOME_REQUIRES_ACTION] = STR_INIT("requires_action"),
    [OUTCOME_DECLINED_SOFT]   = STR_INIT("declined_soft"),
    [OUTCOME_DECLINED_HARD]   = STR_INIT("declined_hard"),
    [OUTCOME_FAILED]          = STR_INIT("failed"),
    [OUTCOME_UNKNOWN]         = STR_INIT("unknown"),
};

static const struct str payment_status_names[PAYMENT_STATUS_COUNT] = {
    [PAYMENT_NONE]            = STR_INIT("none"),
    [PAYMENT_PROCESSING]      = STR_INIT("processing"),
    [PAYMENT_REQUIRES_ACTION] = STR_INIT("requires_action"),
    [PAYMENT_AUTHORIZED]      = STR_INIT("authorized"),
    [PAYMENT_SUCCEEDED]       = STR_INIT("succeeded"),
    [PAYMENT_DECLINED]        = STR_INIT("declined"),
    [PAYMENT_FAILED]          = STR_INIT("failed"),
    [PAYMENT_CANCELED]        = STR_INIT("canceled"),
    [PAYMENT_REVIEW]          = STR_INIT("review"),
    [PAYMENT_UNCLAIMED]       = STR_INIT("unclaimed"),
    [PAYMENT_RETURNED]        = STR_INIT("returned"),
};

static const struct str review_kind_names[REVIEW_KIND_COUNT] = {
    [REVIEW_NONE]             = STR_INIT("none"),
    [REVIEW_UNKNOWN_TOO_LONG] = STR_INIT("unknown_too_long"),
    [REVIEW_PENDING_TOO_LONG] = STR_INIT("pending_too_long"),
    [REVIEW_AMOUNT_MISMATCH]  = STR_INIT("amount_mismatch"),
    [REVIEW_LATE_SUCCESS]     = STR_INIT("late_success"),
    [REVIEW_REVERSAL_FAILED]  = STR_INIT("reversal_failed"),
    [REVIEW_PROVIDER_REFUND]  = STR_INIT("provider_refund"),
    [REVIEW_HOLD_OVERDUE]     = STR_INIT("hold_overdue"),
    [REVIEW_OTHER]            = STR_INIT("other"),
};

static const struct str review_state_names[REVIEW_STATE_COUNT] = {
    [REVIEW_STATE_NONE] = STR_INIT("none"),
    [REVIEW_OPEN]       = STR_INIT("open"),
    [REVIEW_REVERSING]  = STR_INIT("reversing"),
    [REVIEW_RESOLVED]   = STR_INIT("resolved"),
};
/* clang-format on */

/* Index 0 is the word for "nothing" and is never found. */
static size_t find_name(const struct str *names, size_t count, struct str name)
{
    for (size_t i = 1; i < count; i++) {
        if (str_eq(names[i], name))
            return i;
    }
    return 0;
}

const char *operation_name(enum operation operation)
{
    CHECK((unsigned)operation < OPERATION_COUNT);
    return operation_names[operation].at;
}

enum operation operation_find(struct str name)
{
    return (enum operation)find_name(operation_names, OPERATION_COUNT, name);
}

bool operation_is_follow_up(enum operation operation)
{
    return operation == OPERATION_CAPTURE || operation == OPERATION_VOID ||
           operation == OPERATION_REFUND || operation == OPERATION_REAUTHORIZE;
}

const char *outcome_name(enum outcome outcome)
{
    CHECK((unsigned)outcome < OUTCOME_COUNT);
    return outcome_names[outcome].at;
}

enum outcome outcome_find(struct str name)
{
    return (enum outcome)find_name(outcome_names, OUTCOME_COUNT, name);
}

bool outcome_is_final(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_APPROVED:
    case OUTCOME_DECLINED_SOFT:
    case OUTCOME_DECLINED_HARD:
    case OUTCOME_FAILED:
        return true;
    case OUTCOME_NONE:
    case OUTCOME_PENDING:
    case OUTCOME_REQUIRES_ACTION:
    case OUTCOME_UNKNOWN:
    case OUTCOME_COUNT:
        return false;
    }
    return false;
}

const char *payment_status_name(enum payment_status status)
{
    CHECK((unsigned)status < PAYMENT_STATUS_COUNT);
    return payment_status_names[status].at;
}

enum payment_status payment_status_find(struct str name)
{
    return (enum payment_status)find_name(payment_status_names, PAYMENT_STATUS_COUNT, name);
}

bool payment_status_is_final(enum payment_status status)
{
    switch (status) {
    case PAYMENT_AUTHORIZED:
    case PAYMENT_SUCCEEDED:
    case PAYMENT_DECLINED:
    case PAYMENT_FAILED:
    case PAYMENT_CANCELED:
    case PAYMENT_RETURNED:
        return true;
    case PAYMENT_NONE:
    case PAYMENT_PROCESSING:
    case PAYMENT_REQUIRES_ACTION:
    case PAYMENT_REVIEW:
    case PAYMENT_UNCLAIMED:
    case PAYMENT_STATUS_COUNT:
        return false;
    }
    return false;
}

const char *review_kind_name(enum review_kind kind)
{
    CHECK((unsigned)kind < REVIEW_KIND_COUNT);
    return review_kind_names[kind].at;
}

enum review_kind review_kind_find(struct str name)
{
    return (enum review_kind)find_name(review_kind_names, REVIEW_KIND_COUNT, name);
}

const char *review_state_name(enum review_state state)
{
    CHECK((unsigned)state < REVIEW_STATE_COUNT);
    return review_state_names[state].at;
}

enum review_state review_state_find(struct str name)
{
    return (enum review_state)find_name(review_state_names, REVIEW_STATE_COUNT, name);
}
