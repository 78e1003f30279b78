/*
 * decline.h - what a decline means for the next try: by our reason, and by the network's advice.
 *
 *     the provider's code --(the adapter's table)--> class and reason --(here)--> category, advice
 *     the network's advice code, where it is passed on ------------------------^ counts more
 *
 * The categories are Visa's: 1 the issuer will never approve, 2 it cannot approve now, 3 the data is
 * wrong, 4 anything else. Networks fine whoever tries a card again after category 1 (Mastercard:
 * merchant advice 03 and 21), or too often: 15 times in 30 days at Visa, 35 at Mastercard. What is
 * counted against that, and where, is in gateway/ledger/store.h (struct store_budget).
 *
 * docs/declines.md lists both tables; tests/lint/tables.sh compares.
 */
#ifndef PROVIDERS_DECLINE_H
#define PROVIDERS_DECLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
    DECLINE_DAYS = 30,     /* the networks' window */
    DECLINE_VISA_MAX = 15, /* declines in it, after which nobody tries again; also where the
                               network is not known */
    DECLINE_MASTERCARD_MAX = 35,
};

enum decline_advice {
    DECLINE_ADVICE_NONE = 0,
    DECLINE_RETRY_LATER,  /* "retry_later": the same card may work another day */
    DECLINE_UPDATE_CARD,  /* "update_card": ask for new data of the card */
    DECLINE_AUTHENTICATE, /* "authenticate": the payer must confirm */
    DECLINE_OTHER_METHOD, /* "other_method": this card will not do here */
    DECLINE_DO_NOT_RETRY, /* "do_not_retry" */
    DECLINE_ADVICE_COUNT,
};
const char *decline_advice_name(enum decline_advice advice);

struct decline_reason {
    const char *reason; /* ours, stable: of struct provider_judgement */
    int category;       /* 1..4 */
    enum decline_advice advice;
};
const struct decline_reason *decline_reason_find(struct str reason); /* NULL: not of a decline */

struct decline_code { /* Mastercard's merchant advice codes */
    const char *code;
    enum decline_advice advice;
    bool forbids;   /* never again with this card */
    bool is_hard;   /* no other provider is tried now */
    int wait_hours; /* 0: it does not say */
    const char *meaning;
};
const struct decline_code *decline_code_find(struct str code); /* NULL: unknown */

struct decline_told { /* what a merchant is told */
    enum decline_advice advice;
    int wait_hours;
    bool forbids;
};
/* code: the network's advice; empty: none was passed on. */
struct decline_told decline_tell(struct str reason, struct str code);

#endif
