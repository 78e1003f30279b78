#include "providers/sandbox/words.h"

/* clang-format off */
const char *const sandbox_provider_names[SANDBOX_PROVIDER_COUNT] = {
    [SANDBOX_NONE]             = "",
    [SANDBOX_PAYPAL]           = "paypal",
    [SANDBOX_PAYONEER]         = "payoneer",
    [SANDBOX_PAYPAL_PAYOUTS]   = "paypal_payouts",
    [SANDBOX_PAYONEER_PAYOUTS] = "payoneer_payouts",
};

const char *const sandbox_operation_names[SANDBOX_OP_COUNT] = {
    [SANDBOX_OP_NONE]    = "",
    [SANDBOX_OP_TOKEN]   = "token",
    [SANDBOX_OP_SESSION] = "session",
    [SANDBOX_OP_CHARGE]  = "charge",
    [SANDBOX_OP_CAPTURE] = "capture",
    [SANDBOX_OP_VOID]    = "void",
    [SANDBOX_OP_REFUND]  = "refund",
    [SANDBOX_OP_LOOKUP]  = "lookup",
    [SANDBOX_OP_CANCEL]  = "cancel",
    [SANDBOX_OP_PAYOUT]  = "payout",
    [SANDBOX_OP_OTHER]   = "other",
};

const char *const book_kind_names[BOOK_KIND_COUNT] = {
    [BOOK_NONE]   = "",
    [BOOK_CHARGE] = "charge",
    [BOOK_HOLD]   = "hold",
    [BOOK_VOID]   = "void",
    [BOOK_REFUND] = "refund",
    [BOOK_PAYOUT] = "payout",
};

const char *const book_state_names[BOOK_STATE_COUNT] = {
    [BOOK_STATE_NONE]         = "",
    [BOOK_PENDING]            = "pending",
    [BOOK_DECLINED]           = "declined",
    [BOOK_COMPLETED]          = "completed",
    [BOOK_PARTIALLY_REFUNDED] = "partially_refunded",
    [BOOK_REFUNDED]           = "refunded",
    [BOOK_HELD]               = "held",
    [BOOK_PARTIALLY_CAPTURED] = "partially_captured",
    [BOOK_CAPTURED]           = "captured",
    [BOOK_VOIDED]             = "voided",
    [BOOK_PAYEE_PENDING]      = "payee_pending",
    [BOOK_UNCLAIMED]          = "unclaimed",
    [BOOK_ON_HOLD]            = "on_hold",
    [BOOK_BLOCKED]            = "blocked",
    [BOOK_FAILED]             = "failed",
    [BOOK_RETURNED]           = "returned",
    [BOOK_REVERSED]           = "reversed",
    [BOOK_CANCELED]           = "canceled",
};

const char *const session_state_names[SESSION_STATE_COUNT] = {
    [SESSION_NONE]         = "",
    [SESSION_CREATED]      = "created",
    [SESSION_PAYER_ACTION] = "payer_action",
    [SESSION_APPROVED]     = "approved",
    [SESSION_COMPLETED]    = "completed",
    [SESSION_CANCELED]     = "canceled",
};

const char *const source_kind_names[SOURCE_KIND_COUNT] = {
    [SOURCE_NONE]   = "",
    [SOURCE_CARD]   = "card",
    [SOURCE_WALLET] = "wallet",
};
/* clang-format on */

enum sandbox_provider sandbox_family(enum sandbox_provider provider)
{
    return provider == SANDBOX_PAYPAL_PAYOUTS     ? SANDBOX_PAYPAL
           : provider == SANDBOX_PAYONEER_PAYOUTS ? SANDBOX_PAYONEER
                                                  : provider;
}

enum sandbox_provider sandbox_port_owner(enum sandbox_provider provider)
{
    return provider == SANDBOX_PAYPAL_PAYOUTS ? SANDBOX_PAYPAL : provider;
}

int words_find(const char *const *names, size_t count, struct str word)
{
    for (size_t i = 1; i < count; i++) {
        if (str_eq(str_of(names[i]), word)) {
            return (int)i;
        }
    }
    return 0;
}
