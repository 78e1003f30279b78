/*
 * scenario.h - what is to happen to a charge: decided by the token, the card or a fault, the same
 * in every dialect.
 *
 *     token       PayPal                                   Payoneer Checkout
 *     tok_ok      approved                                 charged | preauthorized
 *     tok_soft    201 with DECLINED, response code 5120    TRY_OTHER_ACCOUNT, DECLINED
 *     tok_hard    201 with DECLINED, response code 9500    ABORT, FRAUD
 *     tok_3ds     PAYER_ACTION_REQUIRED                    pending, STRONG_AUTHENTICATION, redirect
 *     tok_pending PENDING capture                          pending, PENDING
 *     tok_*       approved                                 approved
 *     others      422 TOKEN_ID_NOT_FOUND                   422 INVALID_ACCOUNT
 */
#ifndef SANDBOX_SCENARIO_H
#define SANDBOX_SCENARIO_H

#include "base/str.h"

enum scenario_kind {
    SCENARIO_NONE = 0, /* nothing demanded */
    SCENARIO_APPROVE,
    SCENARIO_SOFT,
    SCENARIO_HARD,
    SCENARIO_ACTION,
    SCENARIO_PENDING,
    SCENARIO_UNKNOWN, /* no such token */
};

struct scenario {
    enum scenario_kind kind;
    const char *code; /* PayPal's processor response code: "0000", "5120", ... */
};

struct scenario scenario_of(enum scenario_kind kind); /* with its usual code */
struct scenario scenario_of_token(struct str token);
/* PayPal's card holder triggers (CCREJECT-IF ...), and a decline number of ours: 4000000000000002.
 */
struct scenario scenario_of_card(struct str holder, struct str number);

#endif
