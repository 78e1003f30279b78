#include "providers/sandbox/payout_plan.h"

#include <string.h>

/* clang-format off */
const char *const payout_plan_names[PAYOUT_PLAN_COUNT] = {
    [PAYOUT_PLAN_NONE]      = "",
    [PAYOUT_PAID]           = "paid",
    [PAYOUT_UNCLAIMED]      = "unclaimed",
    [PAYOUT_UNCONFIRMED]    = "unconfirmed",
    [PAYOUT_CLAIMED]        = "claimed",
    [PAYOUT_RETURNED]       = "returned",
    [PAYOUT_KEPT]           = "kept",
    [PAYOUT_ON_HOLD]        = "on_hold",
    [PAYOUT_RELEASED]       = "released",
    [PAYOUT_BLOCKED]        = "blocked",
    [PAYOUT_FAILED]         = "failed",
    [PAYOUT_DENIED]         = "denied",
    [PAYOUT_SELF]           = "self",
    [PAYOUT_DUPLICATE]      = "duplicate",
    [PAYOUT_ZERO]           = "zero",
    [PAYOUT_REFUNDED]       = "refunded",
    [PAYOUT_REVERSED]       = "reversed",
    [PAYOUT_STOPPED]        = "stopped",
    [PAYOUT_STUCK]          = "stuck",
    [PAYOUT_CANCELED]       = "canceled",
    [PAYOUT_BOUNCED]        = "bounced",
    [PAYOUT_DEACTIVATED]    = "deactivated",
    [PAYOUT_REJECTED]       = "rejected",
    [PAYOUT_LATE]           = "late",
    [PAYOUT_PAYEE_PENDING]  = "payee_pending",
    [PAYOUT_INSUFFICIENT]   = "insufficient",
    [PAYOUT_PAYEE_INACTIVE] = "payee_inactive",
    [PAYOUT_PAYEE_UNKNOWN]  = "payee_unknown",
};

static const struct payout_step steps[PAYOUT_PLAN_COUNT][PAYOUT_STEP_MAX] = {
    [PAYOUT_PAID]        = {{BOOK_COMPLETED, "", false}},
    [PAYOUT_UNCLAIMED]   = {{BOOK_UNCLAIMED, "RECEIVER_UNREGISTERED", false}, {BOOK_RETURNED, NULL, true}},
    [PAYOUT_UNCONFIRMED] = {{BOOK_UNCLAIMED, "RECEIVER_UNCONFIRMED", false}, {BOOK_RETURNED, NULL, true}},
    [PAYOUT_CLAIMED]     = {{BOOK_UNCLAIMED, "RECEIVER_UNREGISTERED", false}, {BOOK_COMPLETED, "", false}},
    [PAYOUT_RETURNED]    = {{BOOK_UNCLAIMED, "RECEIVER_UNREGISTERED", false}, {BOOK_RETURNED, NULL, false}},
    [PAYOUT_KEPT]        = {{BOOK_UNCLAIMED, "RECEIVER_UNREGISTERED", false}, {BOOK_RETURNED, NULL, true}},
    [PAYOUT_ON_HOLD]     = {{BOOK_ON_HOLD, "REGULATORY_PENDING", false}},
    [PAYOUT_RELEASED]    = {{BOOK_ON_HOLD, "REGULATORY_PENDING", false}, {BOOK_COMPLETED, "", false}},
    [PAYOUT_BLOCKED]     = {{BOOK_BLOCKED, "REGULATORY_BLOCKED", false}},
    [PAYOUT_FAILED]      = {{BOOK_FAILED, "RECEIVING_LIMIT_EXCEEDED", false}},
    [PAYOUT_DENIED]      = {{BOOK_FAILED, "RECEIVER_ACCOUNT_INVALID", false}},
    [PAYOUT_SELF]        = {{BOOK_FAILED, "SELF_PAY_NOT_ALLOWED", false}},
    [PAYOUT_DUPLICATE]   = {{BOOK_FAILED, "DUPLICATE_ITEM", false}},
    [PAYOUT_ZERO]        = {{BOOK_FAILED, "ZERO_AMOUNT", false}},
    [PAYOUT_REFUNDED]    = {{BOOK_COMPLETED, "", false}, {BOOK_REFUNDED, NULL, false}},
    [PAYOUT_REVERSED]    = {{BOOK_COMPLETED, "", false}, {BOOK_REVERSED, NULL, false}},
    [PAYOUT_STOPPED]     = {{BOOK_CANCELED, "APPROVER_DENIED", false}},
    [PAYOUT_CANCELED]    = {{BOOK_CANCELED, "", false}},
    [PAYOUT_BOUNCED]     = {{BOOK_COMPLETED, "", false}, {BOOK_RETURNED, "30013", false}},
    [PAYOUT_DEACTIVATED] = {{BOOK_FAILED, "10009", false}},
    [PAYOUT_REJECTED]    = {{BOOK_FAILED, "10005", false}},
    [PAYOUT_LATE]        = {{BOOK_COMPLETED, "", false}},
};

/* The last four digits of a phone number: the range 555-0100 to 555-0199 is nobody's. */
static const struct {
    struct str word;
    enum payout_plan paypal;   /* NONE: the word says nothing there */
    enum payout_plan payoneer;
    struct str digits;
} words[] = {
    {STR_INIT("unclaimed"),    PAYOUT_UNCLAIMED,    PAYOUT_PLAN_NONE,      STR_INIT("0101")},
    {STR_INIT("unconfirmed"),  PAYOUT_UNCONFIRMED,  PAYOUT_PLAN_NONE,      STR_INIT("0102")},
    {STR_INIT("claimed"),      PAYOUT_CLAIMED,      PAYOUT_PLAN_NONE,      STR_INIT("0103")},
    {STR_INIT("returned"),     PAYOUT_RETURNED,     PAYOUT_BOUNCED,        STR_INIT("0104")},
    {STR_INIT("kept"),         PAYOUT_KEPT,         PAYOUT_PLAN_NONE,      STR_INIT("0105")},
    {STR_INIT("onhold"),       PAYOUT_ON_HOLD,      PAYOUT_PLAN_NONE,      STR_INIT("0106")},
    {STR_INIT("released"),     PAYOUT_RELEASED,     PAYOUT_PLAN_NONE,      STR_INIT("0107")},
    {STR_INIT("blocked"),      PAYOUT_BLOCKED,      PAYOUT_PLAN_NONE,      STR_INIT("0108")},
    {STR_INIT("failed"),       PAYOUT_FAILED,       PAYOUT_DEACTIVATED,    STR_INIT("0109")},
    {STR_INIT("denied"),       PAYOUT_DENIED,       PAYOUT_PLAN_NONE,      STR_INIT("0110")},
    {STR_INIT("self"),         PAYOUT_SELF,         PAYOUT_PLAN_NONE,      STR_INIT("0111")},
    {STR_INIT("refunded"),     PAYOUT_REFUNDED,     PAYOUT_PLAN_NONE,      STR_INIT("0112")},
    {STR_INIT("reversed"),     PAYOUT_REVERSED,     PAYOUT_PLAN_NONE,      STR_INIT("0113")},
    {STR_INIT("canceled"),     PAYOUT_STOPPED,      PAYOUT_PLAN_NONE,      STR_INIT("0114")},
    {STR_INIT("stuck"),        PAYOUT_STUCK,        PAYOUT_STUCK,          STR_INIT("0115")},
    {STR_INIT("insufficient"), PAYOUT_INSUFFICIENT, PAYOUT_INSUFFICIENT,   STR_INIT("0116")},
    {STR_INIT("rejected"),     PAYOUT_PLAN_NONE,    PAYOUT_REJECTED,       STR_INIT("")},
    {STR_INIT("late"),         PAYOUT_PLAN_NONE,    PAYOUT_LATE,           STR_INIT("")},
    {STR_INIT("inactive"),     PAYOUT_PLAN_NONE,    PAYOUT_PAYEE_INACTIVE, STR_INIT("")},
    {STR_INIT("pending"),      PAYOUT_PLAN_NONE,    PAYOUT_PAYEE_PENDING,  STR_INIT("")},
    {STR_INIT("unregistered"), PAYOUT_PLAN_NONE,    PAYOUT_PAYEE_UNKNOWN,  STR_INIT("")},
};

static const struct {
    const char *name;
    const char *text;
} reasons[] = {
    {"ACCOUNT_RESTRICTED",          "Restricted account access."},
    {"ACCOUNT_UNCONFIRMED_EMAIL",   "The sender's e-mail address is not confirmed."},
    {"APPROVER_DENIED",             "The approver denied the payout request."},
    {"CLOSED_MARKET",               "Account is not allowed to receive Payouts from other countries."},
    {"CURRENCY_COMPLIANCE",         "Transaction not allowed, due to currency compliance regulations."},
    {"CURRENCY_NOT_SUPPORTED_FOR_RECEIVER", "Recipient's account does not support this currency."},
    {"DUPLICATE_ITEM",              "Duplicate transaction in the batch."},
    {"GAMER_FAILED_COUNTRY_OF_RESIDENCE_CHECK", "Recipient lives in a country that is not allowed to accept this Payouts transaction."},
    {"GAMER_FAILED_FUNDING_SOURCE_CHECK", "Funding source that was selected for this payout is not allowed."},
    {"GAMING_INVALID_PAYMENT_FLOW", "Payment flow is not allowed for gaming merchant accounts."},
    {"INSUFFICIENT_FUNDS",          "Sender does not have sufficient funds. Please add funds and retry."},
    {"INTERNAL_ERROR",              "Internal error occurred during payout request processing."},
    {"NON_HOLDING_CURRENCY",        "Balance not available in the specified currency"},
    {"RECEIVER_ACCOUNT_INVALID",    "Receiver account is invalid"},
    {"RECEIVER_ACCOUNT_LOCKED",     "Recipient's account locked or inactive."},
    {"RECEIVER_COUNTRY_NOT_ALLOWED", "The recipient lives in a country where Payouts are not allowed."},
    {"RECEIVER_UNCONFIRMED",        "Receiver's email or phone is unconfirmed"},
    {"RECEIVER_UNREGISTERED",       "Receiver is unregistered"},
    {"RECEIVER_YOUTH_ACCOUNT",      "The recipient has a youth account."},
    {"RECEIVING_LIMIT_EXCEEDED",    "The amount exceeds what the recipient can receive at this time."},
    {"REFUSED_RECEIVER_REFUSED",    "Recipient refused payout in this currency."},
    {"REGULATORY_BLOCKED",          "Transaction blocked due to regulatory compliance restrictions."},
    {"REGULATORY_PENDING",          "Transaction is pending while it is reviewed for compliance with government regulations."},
    {"RISK_DECLINE",                "Transaction declined due to risk concerns."},
    {"SELF_PAY_NOT_ALLOWED",        "You cannot send a payout to yourself."},
    {"SPENDING_LIMIT_EXCEEDED",     "Exceeded your spending limit."},
    {"TRANSACTION_DECLINED_BY_TRAVEL_RULE", "An error occurred while processing this payout request."},
    {"TRANSACTION_LIMIT_EXCEEDED",  "Payouts request exceeds the limit for this type of transaction."},
    {"UNDEFINED",                   "An error occurred while processing this payout request."},
    {"ZERO_AMOUNT",                 "Provide a valid payment amount."},
};
/* clang-format on */

const struct payout_step *payout_step(enum payout_plan plan, int64_t step)
{
    bool is_within = step >= 0 && step < PAYOUT_STEP_MAX;
    return is_within && steps[plan][step].state != BOOK_STATE_NONE ? &steps[plan][step] : NULL;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The next run of letters; empty at the end. */
static struct str next_run(struct str *rest)
{
    size_t from = 0;
    while (from < rest->len && !is_letter(rest->at[from])) {
        from++;
    }
    size_t to = from;
    while (to < rest->len && is_letter(rest->at[to])) {
        to++;
    }
    struct str run = str_sub(*rest, from, to - from);
    *rest = str_sub(*rest, to, rest->len);
    return run;
}

static enum payout_plan plan_at(enum sandbox_provider provider, size_t i)
{
    return provider == SANDBOX_PAYPAL_PAYOUTS ? words[i].paypal : words[i].payoneer;
}

static enum payout_plan plan_of_phone(enum sandbox_provider provider, struct str phone)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].digits.len > 0 && str_ends(phone, words[i].digits) &&
            plan_at(provider, i) != PAYOUT_PLAN_NONE) {
            return plan_at(provider, i);
        }
    }
    return PAYOUT_PAID;
}

/* "+14155550101", and as PayPal's examples have it, without the +: "1-415-555-0101". */
static bool is_phone(enum sandbox_provider provider, struct str recipient)
{
    bool is_paypal = provider == SANDBOX_PAYPAL_PAYOUTS && recipient.len > 0;
    for (size_t i = 0; i < recipient.len; i++) {
        char c = recipient.at[i];
        is_paypal = is_paypal && ((c >= '0' && c <= '9') || c == '-' || c == ' ');
    }
    return is_paypal || str_starts(recipient, STR("+"));
}

enum payout_plan payout_plan_of(enum sandbox_provider provider, struct str recipient)
{
    struct str rest = recipient;
    if (is_phone(provider, recipient)) {
        return plan_of_phone(provider, recipient);
    }
    rest = str_cut(&rest, '@');
    for (struct str run = next_run(&rest); run.len > 0; run = next_run(&rest)) {
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            if (str_eq_nocase(run, words[i].word) && plan_at(provider, i) != PAYOUT_PLAN_NONE) {
                return plan_at(provider, i);
            }
        }
    }
    return PAYOUT_PAID;
}

const char *payout_reason_of(struct str recipient)
{
    struct str rest = recipient;
    struct str local = str_cut(&rest, '@');
    size_t plus = str_find_char(local, '+', 0);
    struct str wanted = plus == SIZE_MAX ? STR_NONE : str_sub(local, plus + 1, local.len);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (str_eq_nocase(wanted, str_of(reasons[i].name))) {
            return reasons[i].name;
        }
    }
    return NULL;
}

const char *payout_reason_text(struct str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (str_eq(reason, str_of(reasons[i].name))) {
            return reasons[i].text;
        }
    }
    return NULL;
}
