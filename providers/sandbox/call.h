/*
 * call.h - one request on its way through a dialect: request in, answer out, no sockets.
 *
 * A dialect changes books, notes what it changed and writes its answer into `body`; core_answer
 * commits the books and only then lets the answer go.
 */
#ifndef SANDBOX_CALL_H
#define SANDBOX_CALL_H

#include "http/server.h"
#include "providers/sandbox/books.h"
#include "providers/sandbox/hooks.h"
#include "providers/sandbox/payouts.h"
#include "providers/sandbox/scenario.h"

enum {
    CALL_HEADER_MAX = 6,
    CALL_ID_MAX = 64,
};

struct sandbox_settings { /* changeable by POST /settings */
    int64_t delay_ms;     /* base latency */
    bool unique_invoices; /* PayPal's account setting: DUPLICATE_INVOICE_ID */
    int64_t payer_ms;     /* a payer has so long to authenticate (Payoneer's 3-D Secure) */
    int64_t payout_ms;    /* a payout takes that long, and as long again for a second step */
    int64_t payout_balance_minor; /* what an account may pay out in each currency, with fees */
    bool payout_fee_is_flat;      /* PayPal: US domestic fees in place of 2 % */
    const struct currency *program_currency; /* Payoneer: of payouts that name none */
};
struct sandbox_settings sandbox_settings_default(int64_t delay_ms);

struct call {
    /* given */
    const struct http_request *req;
    struct arena *arena;
    struct books *books;
    struct payouts *payouts;
    struct hooks *hooks;
    const struct sandbox_settings *settings;
    struct table *busy; /* keys whose first answer has not left yet */
    int64_t now_us;     /* wall clock */
    struct str origin;  /* "https://127.0.0.1:9443", for links */
    enum sandbox_provider provider;
    enum sandbox_operation operation;
    int route;                 /* the dialect's own */
    struct str param[2];       /* of the path */
    enum scenario_kind forced; /* by a fault; SCENARIO_NONE: none */
    /* answer */
    int status;
    struct str content_type;
    struct buf *body; /* borrowed, empty at start */
    struct http_header headers[CALL_HEADER_MAX];
    size_t header_count;
    int64_t hook_first; /* numbers of the webhooks it caused; none when first > last */
    int64_t hook_last;
    struct str busy_name; /* to be released when the answer has left; empty: none */
    /* between a dialect's functions */
    struct str account; /* client id, merchant code */
    json_t *json;       /* owned; the body, when it was parsed */
};

struct str call_header(const struct call *call, const char *name); /* first one; empty: none */
bool call_query(const struct call *call, const char *name, struct str *value); /* not decoded */
/* %XX decoded, in the call's arena; what is no %XX stays as it is. */
struct str call_decode(struct call *call, struct str text);
void call_add_header(struct call *call, struct str name, struct str value);
/* count random characters of `alphabet` (at most 64 of them), in the call's arena. */
struct str call_random(struct call *call, struct str alphabet, size_t count);
/* Credentials of Authorization: Basic; false when absent or malformed. */
bool call_basic(struct call *call, struct str *user, struct str *password) MUST_USE;
/* 302 (303 after a POST) to url, or 200 with a line of text when there is none, or one that is no header value. */
void call_send_payer_on(struct call *call, struct str url);
/* The forced scenario, or the one given. */
struct scenario call_scenario(const struct call *call, struct scenario natural);

#endif
