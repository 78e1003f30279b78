/*
 * payout_check.h - what the field table of a payout cannot say: members that need or exclude each
 * other, check digits, and the forms of payees' ids.
 *
 *     field_check -> payout_check -> payment_request
 *
 * Each problem names its member. Nothing that a client sent is repeated, so that a problem can be
 * stored with a row of a batch.
 */
#ifndef API_PAYOUT_CHECK_H
#define API_PAYOUT_CHECK_H

#include "api/field.h"

/*
 * Of a body that field_check took. The IBAN is written plain (capitals, no spaces) into it, and the
 * bank's country if it was left out. False: *problem says what is wrong, and with which member.
 */
bool payout_check(json_t *body, struct field_problem *problem) MUST_USE;
/* A beneficiary alone; prefix: "beneficiary". */
bool payout_check_beneficiary(json_t *beneficiary, struct str currency,
                              struct field_problem *problem) MUST_USE;

#endif
