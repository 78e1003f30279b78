/*
 * testmethod.h - the payment method "test": an outcome instead of a token, on test keys only.
 *
 * It takes the real way (router, ledger, the test merchant's provider account); the outcome is
 * turned into the token with which every provider's sandbox behaves so.
 */
#ifndef PAYMENT_TESTMETHOD_H
#define PAYMENT_TESTMETHOD_H

#include "base/str.h"

/* "approved" -> "tok_ok", "declined_soft" -> "tok_soft", ...; empty when there is no such outcome.
 */
struct str testmethod_token(struct str outcome);
bool testmethod_is(struct str method_type); /* "test" */
/* What adapters are told: "card". */
struct str testmethod_provider_method(struct str method_type);

#endif
