/*
 * paypal_codes.h - what PayPal's issue codes and card processor codes mean to us.
 *
 * The reasons are ours and stable: merchants see them and rules may name them.
 */
#ifndef PROVIDERS_PAYPAL_CODES_H
#define PROVIDERS_PAYPAL_CODES_H

#include "base/str.h"

enum paypal_meaning {
    PAYPAL_MEANS_NONE = 0,
    PAYPAL_MEANS_FAILED,    /* refused for a reason of ours or of the account: surely did nothing */
    PAYPAL_MEANS_SOFT,      /* declined, another try may work */
    PAYPAL_MEANS_HARD,      /* declined, never again with this instrument */
    PAYPAL_MEANS_ACTION,    /* the payer must act */
    PAYPAL_MEANS_UNKNOWN,   /* another request is at work: the money may have moved */
    PAYPAL_MEANS_DUPLICATE, /* something with this key, invoice or object was done before */
};

struct paypal_code {
    const char *code;
    enum paypal_meaning meaning;
    const char *reason;
};

const struct paypal_code *paypal_issue_all(size_t *count);
const struct paypal_code *paypal_response_all(size_t *count);
const struct paypal_code *paypal_issue_find(struct str code);    /* NULL: not listed */
const struct paypal_code *paypal_response_find(struct str code); /* NULL: not listed */

#endif
