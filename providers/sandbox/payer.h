/*
 * payer.h - the page on which a payer approves a payment, or does not: what a browser shows behind
 * the links that an order or a charge tells. Looking at it changes nothing; its two buttons are
 * POSTs to the same place.
 */
#ifndef SANDBOX_PAYER_H
#define SANDBOX_PAYER_H

#include "providers/sandbox/call.h"

struct payer_choice {
    const char *label;
    struct str action; /* "?decision=approve" */
};

struct payer_page { /* strings borrowed */
    const char *title;
    struct str amount;
    struct str currency;
    struct str invoice; /* may be empty */
    struct payer_choice accept, refuse;
};

void payer_ask(struct call *call, const struct payer_page *page);
void payer_message(struct call *call, int status, const char *text);

#endif
