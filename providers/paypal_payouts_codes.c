/*
 * PayPal's words for why a payout did not go out, and ours.
 *
 * An item that failed surely moved nothing; declined or failed then only says who can mend it: the
 * recipient (declined), or the sender and PayPal (failed). Hard: not with this recipient, whatever
 * is changed; soft: with other money, amount or time.
 */
#include "providers/paypal_payouts.h"

#define HARD    OUTCOME_DECLINED_HARD
#define SOFT    OUTCOME_DECLINED_SOFT
#define FAILED  OUTCOME_FAILED
#define PENDING OUTCOME_PENDING
#define UNKNOWN OUTCOME_UNKNOWN

/* clang-format off */

/* errors.name of an item. PENDING: said of money that is still on its way. */
static const struct paypal_payouts_code item_codes[] = {
    {"UNDEFINED",                                  1000, FAILED,  "provider_error"},
    {"INSUFFICIENT_FUNDS",                         1002, SOFT,    "insufficient_balance"},
    {"USER_COUNTRY_NOT_ALLOWED",                   1003, FAILED,  "account_setup"},
    {"USER_FUNDING_SOURCE_INELIGIBLE",             1004, FAILED,  "account_setup"},
    {"PENDING_RECIPIENT_NON_HOLDING_CURRENCY_PAYMENT_PREFERENCE",
                                                   1005, PENDING, "pending"},
    {"SELF_PAY_NOT_ALLOWED",                       3004, HARD,    "invalid_payee"},
    {"SENDER_ACCOUNT_LOCKED",                      3014, FAILED,  "account_setup"},
    {"RECEIVER_ACCOUNT_LOCKED",                    3015, HARD,    "payee_inactive"},
    {"SPENDING_LIMIT_EXCEEDED",                    3017, SOFT,    "limit_exceeded"},
    {"ACCOUNT_RESTRICTED",                         3047, FAILED,  "account_setup"},
    {"NEGATIVE_BALANCE",                           3078, SOFT,    "insufficient_balance"},
    {"REFUSED_RECEIVER_REFUSED",                   3107, HARD,    "refused_by_payee"},
    {"RECEIVER_REFUSED",                           3107, HARD,    "refused_by_payee"},
    {"REFUSED_ACTION_DENIED",                      3141, FAILED,  "account_setup"},
    {"REFUSED_ACCESS_DENIED",                      3141, FAILED,  "account_setup"},
    {"RECEIVER_COUNTRY_NOT_ALLOWED",               3148, HARD,    "not_permitted"},
    {"INVALID_EMAIL_ID",                           3501, HARD,    "invalid_payee"},
    {"INVALID_EMAIL",                              3501, HARD,    "invalid_payee"},
    {"SENDER_STATE_RESTRICTED",                    3547, FAILED,  "account_setup"},
    {"RECEIVER_STATE_RESTRICTED",                  3558, HARD,    "not_permitted"},
    {"CLOSED_MARKET",                              3769, HARD,    "not_permitted"},
    {"INTERNAL_ERROR",                             4002, FAILED,  "provider_error"},
    {"ACCOUNT_UNCONFIRMED_EMAIL",                  8304, FAILED,  "account_setup"},
    {"ZERO_AMOUNT",                                8319, FAILED,  "invalid_amount"},
    {"RECEIVING_LIMIT_EXCEEDED",                   8330, SOFT,    "limit_exceeded"},
    {"DUPLICATE_ITEM",                             8331, UNKNOWN, "duplicate"},
    {"RISK_DECLINE",                               9302, HARD,    "risk_declined"},
    {"GAMER_FAILED_COUNTRY_OF_RESIDENCE_CHECK",    9500, HARD,    "not_permitted"},
    {"GAMER_FAILED_FUNDING_SOURCE_CHECK",          9501, FAILED,  "account_setup"},
    {"GAMING_INVALID_PAYMENT_FLOW",                9502, FAILED,  "account_setup"},
    {"TRANSACTION_LIMIT_EXCEEDED",                11711, SOFT,    "limit_exceeded"},
    {"CURRENCY_NOT_SUPPORTED_FOR_RECEIVER",       14159, HARD,    "currency_not_supported"},
    {"CURRENCY_COMPLIANCE",                       14550, HARD,    "compliance"},
    {"REGULATORY_PENDING",                        14763, PENDING, "on_hold"},
    {"REGULATORY_BLOCKED",                        14764, HARD,    "compliance"},
    {"RECEIVER_UNREGISTERED",                     14765, PENDING, "unclaimed"},
    {"RECEIVER_UNCONFIRMED",                      14766, PENDING, "unclaimed"},
    {"RECEIVER_YOUTH_ACCOUNT",                    14767, HARD,    "not_permitted"},
    {"TRANSACTION_DECLINED_BY_TRAVEL_RULE",       14776, HARD,    "compliance"},
    {"POS_LIMIT_EXCEEDED",                        14800, SOFT,    "limit_exceeded"},
    {"UNVERIFIED_RECIPIENT_NOT_SUPPORTED",        14801, HARD,    "payee_unverified"},
    {"NON_HOLDING_CURRENCY",                      14802, FAILED,  "currency_not_supported"},
    {"APPROVER_DENIED",                               0, FAILED,  "refused"},
    {"RECEIVER_ACCOUNT_INVALID",                      0, HARD,    "invalid_payee"},
    {"RECEIVER_ACCOUNT_LOCKED_OR_CLOSED",             0, HARD,    "payee_inactive"},
    {"RECEIVER_ACCOUNT_LIMITATION",                   0, PENDING, "on_hold"},
};

/* name of an error answer; what is not listed is read by its HTTP status. */
static const struct paypal_payouts_code error_codes[] = {
    {"VALIDATION_ERROR",             0, FAILED,  "invalid_request"},
    {"INVALID_REQUEST",              0, FAILED,  "invalid_request"},
    {"SYNC_MODE_NOT_APPLICABLE",     0, FAILED,  "invalid_request"},
    {"USER_BUSINESS_ERROR",          0, FAILED,  "refused"}, /* not the duplicate */
    {"NON_HOLDING_CURRENCY",         0, FAILED,  "currency_not_supported"},
    {"INSUFFICIENT_FUNDS",           0, SOFT,    "insufficient_balance"},
    {"AUTHORIZATION_ERROR",          0, FAILED,  "account_setup"},
    {"NOT_AUTHORIZED",               0, FAILED,  "account_setup"},
    {"REQUIRED_SCOPE_MISSING",       0, FAILED,  "account_setup"},
    {"SENDER_RESTRICTED",            0, FAILED,  "account_setup"},
    {"SENDER_EMAIL_UNCONFIRMED",     0, FAILED,  "account_setup"},
    {"SENDER_LOCKED",                0, FAILED,  "account_setup"},
    {"SENDER_ACCOUNT_UNVERIFIED",    0, FAILED,  "account_setup"},
    {"CIP_NOT_VERIFIED",             0, FAILED,  "account_setup"},
    {"RATE_LIMIT_REACHED",           0, FAILED,  "rate_limited"},
    {"RATE_LIMIT_VALIDATION",        0, FAILED,  "rate_limited"},
    {"RATE_LIMIT_VALIDATION_FAILURES", 0, FAILED, "rate_limited"},
    {"PREVIOUS_REQUEST_IN_PROGRESS", 0, UNKNOWN, "in_progress"},
    {"RESOURCE_CONFLICT",            0, UNKNOWN, "in_progress"},
    {"INTERNAL_ERROR",               0, UNKNOWN, "provider_error"},
    {"INTERNAL_SERVER_ERROR",        0, UNKNOWN, "provider_error"},
    {"REQUEST_TIMEOUT_EXCEEDED",     0, UNKNOWN, "provider_error"},
};

/* clang-format on */

const struct paypal_payouts_code *paypal_payouts_item_code(struct str name)
{
    int64_t number = 0;
    const bool is_number = str_to_int64(name, &number) && number > 0;

    for (size_t i = 0; i < ARRAY_LEN(item_codes); i++) {
        const struct paypal_payouts_code *code = &item_codes[i];
        if (is_number ? code->number == number : str_eq(name, str_of(code->name)))
            return code;
    }
    return NULL;
}

const struct paypal_payouts_code *paypal_payouts_error_code(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(error_codes); i++) {
        if (str_eq(name, str_of(error_codes[i].name)))
            return &error_codes[i];
    }
    return NULL;
}
