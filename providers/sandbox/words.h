/*
 * words.h - the words of the sandbox: providers, operations, kinds and states of its books.
 *
 * Names are shown by the control API and stored in the journal: they are never renamed.
 */
#ifndef SANDBOX_WORDS_H
#define SANDBOX_WORDS_H

#include "base/str.h"

enum sandbox_provider {
    SANDBOX_NONE = 0, /* the control API itself */
    SANDBOX_PAYPAL,
    SANDBOX_PAYONEER,
    SANDBOX_PAYPAL_PAYOUTS,   /* PayPal Payouts v1; on PayPal's port, with its token endpoint */
    SANDBOX_PAYONEER_PAYOUTS, /* Payoneer Mass Payouts v4 */
    SANDBOX_PROVIDER_COUNT,
};

/* What a request asks of a provider; faults and counters are kept by it. */
enum sandbox_operation {
    SANDBOX_OP_NONE = 0,
    SANDBOX_OP_TOKEN,   /* "token": OAuth */
    SANDBOX_OP_SESSION, /* "session": order without payment source, list; moves nothing */
    SANDBOX_OP_CHARGE,  /* "charge": sale or authorization */
    SANDBOX_OP_CAPTURE, /* "capture": of an authorization */
    SANDBOX_OP_VOID,    /* "void": of an authorization */
    SANDBOX_OP_REFUND,  /* "refund" */
    SANDBOX_OP_LOOKUP,  /* "lookup": every GET */
    SANDBOX_OP_CANCEL,  /* "cancel": of a session, of a payout */
    SANDBOX_OP_PAYOUT,  /* "payout": a batch of payouts */
    SANDBOX_OP_OTHER,   /* "other": no such path */
    SANDBOX_OP_COUNT,
};

enum book_kind {
    BOOK_NONE = 0,
    BOOK_CHARGE, /* "charge": money taken; `parent` is the hold when it captured one */
    BOOK_HOLD,   /* "hold": authorization */
    BOOK_VOID,   /* "void": release of `parent`, a hold */
    BOOK_REFUND, /* "refund": of `parent`, a charge */
    BOOK_PAYOUT, /* "payout" */
    BOOK_KIND_COUNT,
};

enum book_state {
    BOOK_STATE_NONE = 0,
    BOOK_PENDING,            /* charge: the provider decides later */
    BOOK_DECLINED,           /* charge, hold: nothing moved */
    BOOK_COMPLETED,          /* charge, void, refund */
    BOOK_PARTIALLY_REFUNDED, /* charge */
    BOOK_REFUNDED,           /* charge, payout */
    BOOK_HELD,               /* hold */
    BOOK_PARTIALLY_CAPTURED, /* hold */
    BOOK_CAPTURED,           /* hold */
    BOOK_VOIDED,             /* hold */
    /* payouts only, besides pending and completed */
    BOOK_PAYEE_PENDING, /* the payee must register first */
    BOOK_UNCLAIMED,     /* the recipient has not taken it yet */
    BOOK_ON_HOLD,       /* under review */
    BOOK_BLOCKED,
    BOOK_FAILED,
    BOOK_RETURNED, /* came back */
    BOOK_REVERSED,
    BOOK_CANCELED,
    BOOK_STATE_COUNT,
};

enum session_state {
    SESSION_NONE = 0,
    SESSION_CREATED,      /* order without source; list not used yet */
    SESSION_PAYER_ACTION, /* the payer must act */
    SESSION_APPROVED,     /* the payer did */
    SESSION_COMPLETED,    /* paid, held or declined; list used */
    SESSION_CANCELED,
    SESSION_STATE_COUNT,
};

enum source_kind {
    SOURCE_NONE = 0,
    SOURCE_CARD,
    SOURCE_WALLET,
    SOURCE_KIND_COUNT,
};

extern const char *const sandbox_provider_names[SANDBOX_PROVIDER_COUNT];
extern const char *const sandbox_operation_names[SANDBOX_OP_COUNT];
extern const char *const book_kind_names[BOOK_KIND_COUNT];
extern const char *const book_state_names[BOOK_STATE_COUNT];
extern const char *const session_state_names[SESSION_STATE_COUNT];
extern const char *const source_kind_names[SOURCE_KIND_COUNT];

/* "paypal" for both of PayPal's APIs: a fault on the family is one on each of them. */
enum sandbox_provider sandbox_family(enum sandbox_provider provider);
/* Whose port it is served on. */
enum sandbox_provider sandbox_port_owner(enum sandbox_provider provider);

/* Index of `word` in names[count], 0 when it is none of them (or the zero word itself). */
int words_find(const char *const *names, size_t count, struct str word);

#endif
