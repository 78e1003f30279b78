/*
 * message.h - every error that a client can be told, in one table: code, HTTP status, title,
 * whether repeating can help. RFC 9457 problem documents are printed from it; docs/api.md and the
 * OpenAPI document are checked against it.
 */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stdbool.h>

#include "base/str.h"

enum message {
    MESSAGE_NONE = 0,
    MESSAGE_MALFORMED_REQUEST,  /* 400 */
    MESSAGE_MALFORMED_JSON,     /* 400 */
    MESSAGE_MALFORMED_CSV,      /* 400 */
    MESSAGE_KEY_MISSING,        /* 400 Idempotency-Key */
    MESSAGE_KEY_MALFORMED,      /* 400 */
    MESSAGE_CURSOR_MALFORMED,   /* 400 */
    MESSAGE_UNAUTHENTICATED,    /* 401 */
    MESSAGE_FORBIDDEN,          /* 403: the key's role may not do this */
    MESSAGE_OWN_APPROVAL,       /* 403: another key must approve */
    MESSAGE_NOT_FOUND,          /* 404 */
    MESSAGE_METHOD_NOT_ALLOWED, /* 405 */
    MESSAGE_KEY_IN_USE,         /* 409: the first request is still running */
    MESSAGE_REFERENCE_TAKEN,    /* 409 */
    MESSAGE_CONFLICT,
    MESSAGE_ARCHIVED,               /* 409 */
    MESSAGE_OVER_LIMIT,             /* 409 */
    MESSAGE_SPANS_CAPTURES,         /* 409 */
    MESSAGE_UNSUPPORTED_MEDIA_TYPE, /* 415 */
    MESSAGE_KEY_REUSED,             /* 422: other body under the key */
    MESSAGE_RETRY_FORBIDDEN,        /* 422: the card must not be tried again */
    MESSAGE_UNKNOWN_MEMBER,         /* 422 */
    MESSAGE_MISSING_MEMBER,         /* 422 */
    MESSAGE_INVALID_MEMBER,         /* 422: type, length, form */
    MESSAGE_INVALID_AMOUNT,         /* 422 */
    MESSAGE_UNKNOWN_CURRENCY,       /* 422 */
    MESSAGE_UNKNOWN_PROVIDER,       /* 422 */
    MESSAGE_INVALID_ROWS,           /* 422: of a batch that was to be refused then */
    MESSAGE_CARD_DATA,              /* 422: something like a card number or CVV was sent */
    MESSAGE_INVALID_RULES,          /* 422: the rule set has errors: `findings` */
    MESSAGE_RULE_DECLINED,          /* 422: the rule that matched declines it; nothing was done */
    MESSAGE_NO_ROUTE,               /* 422: no account can take this payment at all */
    MESSAGE_RATE_LIMITED,           /* 429 */
    MESSAGE_INTERNAL,               /* 500 */
    MESSAGE_OUTCOME_PENDING, /* 503: what this request or its key came to cannot be read now */
    MESSAGE_UNAVAILABLE,     /* 503: ledger away; this request did nothing: others of its key may
                                have */
    MESSAGE_OVERLOADED,      /* 503: likewise */
    MESSAGE_NO_HEALTHY_PROVIDER, /* 503: every suitable account's breaker is open; nothing was done
                                  */
    MESSAGE_COUNT,
};

enum effect {                 /* what has become of the request */
              EFFECT_NONE,    /* it did nothing */
              EFFECT_UNKNOWN, /* it, or the first one under its key, may have done what it asks for */
};

struct message_entry {
    const char *code; /* "unknown_currency" */
    int status;
    const char *title; /* one sentence without stop */
    bool retryable;
    enum effect effect;
    const char *next_step; /* what its reader does now: a whole sentence */
};
const struct message_entry *message_entry(enum message message);

#define MESSAGE_PAGES "/problems" /* where the pages about codes are, on the merchants' listener */
enum {
    MESSAGE_TYPE_SIZE = 96,
};
/* The problem's type: "unknown_currency" -> "/problems/unknown_currency", relative to the address that was asked (RFC 9457
 * section 3.1.1), where the page about it is. */
struct str message_type(struct str code, char out[MESSAGE_TYPE_SIZE]);

/*
 * Print a problem document. detail, param, payment_id and request_id may be empty and are then left
 * out:
 * {"type":"/problems/unknown_currency","title","status","detail","code","param","retryable",
 *  "next_step","payment_id","request_id"}
 */
void message_print(enum message message, struct str detail, struct str param, struct str payment_id,
                   struct str request_id, struct buf *out);

#endif
