#include "providers/decline.h"

/* clang-format off */
static const struct decline_reason reasons[] = {
    {"account_closed",          1, DECLINE_UPDATE_CARD},
    {"account_updated",         3, DECLINE_UPDATE_CARD},
    {"authentication_failed",   3, DECLINE_AUTHENTICATE},
    {"authentication_required", 3, DECLINE_AUTHENTICATE},
    {"avs_failed",              3, DECLINE_UPDATE_CARD},
    {"blocked_by_payee",        4, DECLINE_OTHER_METHOD},
    {"compliance",              4, DECLINE_DO_NOT_RETRY},
    {"cvv_failed",              3, DECLINE_UPDATE_CARD},
    {"declined",                4, DECLINE_RETRY_LATER},
    {"do_not_honor",            4, DECLINE_RETRY_LATER},
    {"do_not_retry",            1, DECLINE_DO_NOT_RETRY},
    {"expired_card",            3, DECLINE_UPDATE_CARD},
    {"insufficient_balance",    4, DECLINE_RETRY_LATER},
    {"insufficient_funds",      2, DECLINE_RETRY_LATER},
    {"invalid_account",         1, DECLINE_UPDATE_CARD},
    {"invalid_token",           3, DECLINE_UPDATE_CARD},
    {"issuer_unavailable",      2, DECLINE_RETRY_LATER},
    {"limit_exceeded",          2, DECLINE_RETRY_LATER},
    {"lost_or_stolen",          1, DECLINE_DO_NOT_RETRY},
    {"not_permitted",           4, DECLINE_OTHER_METHOD},
    {"payer_restricted",        4, DECLINE_OTHER_METHOD},
    {"payment_method_inactive", 4, DECLINE_UPDATE_CARD},
    {"pick_up_card",            1, DECLINE_DO_NOT_RETRY},
    {"processor_unavailable",   2, DECLINE_RETRY_LATER},
    {"restricted_card",         2, DECLINE_OTHER_METHOD},
    {"suspected_fraud",         2, DECLINE_DO_NOT_RETRY},
    {"verification_failed",     3, DECLINE_UPDATE_CARD},
};

static const struct decline_code codes[] = {
    {"01", DECLINE_UPDATE_CARD,  false, true,    0, "new account information is available"},
    {"02", DECLINE_RETRY_LATER,  false, false,  72, "try again later"},
    {"03", DECLINE_DO_NOT_RETRY, true,  true,    0, "do not try again"},
    {"04", DECLINE_OTHER_METHOD, false, true,    0, "token requirements are not fulfilled"},
    {"21", DECLINE_DO_NOT_RETRY, true,  true,    0, "the cardholder stopped recurring payments"},
    {"24", DECLINE_RETRY_LATER,  false, true,    1, "retry after 1 hour"},
    {"25", DECLINE_RETRY_LATER,  false, true,   24, "retry after 24 hours"},
    {"26", DECLINE_RETRY_LATER,  false, true,   48, "retry after 2 days"},
    {"27", DECLINE_RETRY_LATER,  false, true,   96, "retry after 4 days"},
    {"28", DECLINE_RETRY_LATER,  false, true,  144, "retry after 6 days"},
    {"29", DECLINE_RETRY_LATER,  false, true,  192, "retry after 8 days"},
    {"30", DECLINE_RETRY_LATER,  false, true,  240, "retry after 10 days"},
    {"40", DECLINE_OTHER_METHOD, false, true,    0, "a prepaid card that cannot be reloaded"},
    {"41", DECLINE_OTHER_METHOD, false, true,    0, "a virtual card number for a single use"},
    {"42", DECLINE_DO_NOT_RETRY, false, true,    0, "sanctions score above the threshold"},
    {"43", DECLINE_OTHER_METHOD, false, true,    0, "a virtual card number for several uses"},
};
/* clang-format on */

const char *decline_advice_name(enum decline_advice advice)
{
    static const char *const names[DECLINE_ADVICE_COUNT] = {
        [DECLINE_ADVICE_NONE] = "",
        [DECLINE_RETRY_LATER] = "retry_later",
        [DECLINE_UPDATE_CARD] = "update_card",
        [DECLINE_AUTHENTICATE] = "authenticate",
        [DECLINE_OTHER_METHOD] = "other_method",
        [DECLINE_DO_NOT_RETRY] = "do_not_retry",
    };
    CHECK((unsigned)advice < DECLINE_ADVICE_COUNT);
    return names[advice];
}

const struct decline_reason *decline_reason_find(struct str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (str_eq(reason, str_of(reasons[i].reason)))
            return &reasons[i];
    }
    return NULL;
}

const struct decline_code *decline_code_find(struct str code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (str_eq(code, str_of(codes[i].code)))
            return &codes[i];
    }
    return NULL;
}

struct decline_told decline_tell(struct str reason, struct str code)
{
    const struct decline_reason *by_reason = decline_reason_find(reason);
    const struct decline_code *by_code = decline_code_find(code);
    struct decline_told told = {
        .advice = by_reason != NULL ? by_reason->advice : DECLINE_RETRY_LATER,
        .forbids = by_reason != NULL && by_reason->category == 1,
    };
    if (by_code != NULL) {
        told.advice = by_code->advice;
        told.wait_hours = by_code->wait_hours;
        told.forbids = told.forbids || by_code->forbids;
    }
    if (told.forbids && told.advice == DECLINE_RETRY_LATER)
        told.advice = DECLINE_DO_NOT_RETRY;
    return told;
}
