/*
 * paypal.h - PayPal's Orders v2 and Payments v2, with their token endpoint and notifications.
 *
 *     order: CREATED -------------------------------------> COMPLETED   card, vaulted, capture
 *               |                                              ^
 *               +--> PAYER_ACTION_REQUIRED --payer--> APPROVED-+          wallet, 3D Secure
 *
 * PayPal-Request-Id: the first request under an id makes the object; every later one answers its
 * *current* state with 200, whatever its body says (a different body gets the OLD order). The scope
 * of an id is the account and the type of call. While the first answer has not left: 409
 * PREVIOUS_REQUEST_IN_PROGRESS. Kept 6 hours (orders) or 45 days (payments). A request that failed
 * does not use its id. A declined card is no error: 201, order COMPLETED, its capture DECLINED.
 */
#ifndef SANDBOX_PAYPAL_H
#define SANDBOX_PAYPAL_H

#include "http/route.h"
#include "providers/sandbox/call.h"

#define PAYPAL_TOKEN_PREFIX "A21AA"

enum {
    PAYPAL_PROBLEM_MAX = 16,
    PAYPAL_REQUEST_ID_MAX = 108,
    PAYPAL_TOKEN_LIFE_S = 32400,
    PAYPAL_APPROVAL_S = 10800, /* a payer has so long to approve an order */
};

enum paypal_route {
    PAYPAL_NO_ROUTE = 0,
    PAYPAL_TOKEN,
    PAYPAL_ORDER_CREATE,
    PAYPAL_ORDER_SHOW,
    PAYPAL_ORDER_PATCH,
    PAYPAL_ORDER_CONFIRM,
    PAYPAL_ORDER_AUTHORIZE,
    PAYPAL_ORDER_CAPTURE,
    PAYPAL_HOLD_SHOW,
    PAYPAL_HOLD_CAPTURE,
    PAYPAL_HOLD_REAUTHORIZE,
    PAYPAL_HOLD_VOID,
    PAYPAL_CAPTURE_SHOW,
    PAYPAL_CAPTURE_REFUND,
    PAYPAL_REFUND_SHOW,
    PAYPAL_APPROVE_PAGE, /* the payer's page */
    PAYPAL_APPROVE,      /* what is pressed there */
    PAYPAL_HOOK_CREATE,
    PAYPAL_HOOK_LIST,
    PAYPAL_HOOK_SHOW,
    PAYPAL_HOOK_DELETE,
    PAYPAL_HOOK_EVENTS,
    PAYPAL_HOOK_EVENT,
    PAYPAL_HOOK_RESEND,
    PAYPAL_HOOK_CERTIFICATE, /* anybody's */
    PAYPAL_ROUTE_COUNT,
};
extern const struct route paypal_routes[];
extern const size_t paypal_route_count;

/* A create order without payment source is a session, with one a charge. */
enum sandbox_operation paypal_operation(int route, struct str body);
void paypal_answer(struct call *call);
void paypal_fault_body(struct call *call, int status); /* 429, 500, 503 */

/* paypal_error.c: what is wrong with a request; several details make one error. */
struct paypal_problem {
    struct str field;     /* JSON pointer, PayPal's way */
    struct str value;     /* offending text; may be empty */
    const char *location; /* "body", "path", "header" */
    const char *issue;
};
struct paypal_problems {
    struct paypal_problem problem[PAYPAL_PROBLEM_MAX];
    size_t count;
};
void paypal_add(struct paypal_problems *problems, struct str field, struct str value,
                const char *issue);
/* True when there are problems: the error is written (400 before 422, as PayPal checks syntax
 * first). */
bool paypal_refuse(struct call *call, const struct paypal_problems *problems);
void paypal_error(struct call *call, const char *issue, struct str field, const char *location,
                  struct str value);                    /* one detail */
void paypal_error_plain(struct call *call, int status); /* no details */
int paypal_issue_status(struct str issue);              /* 0: no such issue */
void paypal_add_debug_id(struct call *call);
struct str paypal_debug_id(const struct call *call);

/* paypal_money.c */
struct paypal_digits { /* [-]integer[.fraction] */
    bool negative;
    struct str integer;
    struct str fraction;
};
/* PayPal's pattern: ^((-?[0-9]+)|(-?([0-9]+)?[.][0-9]+))$ */
bool paypal_split(struct str text, struct paypal_digits *digits);
/* NULL, or the issue. */
const char *paypal_convert(struct paypal_digits digits, const struct currency *currency,
                           bool may_be_zero, int64_t *minor);
bool paypal_takes(const struct currency *currency);
unsigned paypal_decimals(const struct currency *currency); /* 0 for HUF, JPY, TWD */
int64_t paypal_step(const struct currency *currency); /* minor units in one of PayPal's smallest */
int64_t paypal_fee(int64_t minor, const struct currency *currency); /* 3.49 % + fixed */
struct str paypal_value(int64_t minor, const struct currency *currency, char out[MONEY_TEXT_SIZE]);
/* Money object at `path` of the body; on false *problems has grown. `pointer` names it in errors.
 */
bool paypal_read_money(struct call *call, const json_t *money, const char *path,
                       const char *pointer, bool may_be_zero, int64_t *minor,
                       const struct currency **currency, struct paypal_problems *problems);

/* paypal_check.c: bodies of create order; sources also of confirm, capture, authorize. */
struct paypal_source {
    enum source_kind kind;
    bool vaulted;
    struct scenario scenario;
    struct str token;
    struct str name;
    struct str number;
    struct str expiry;
    struct str email;
};
void paypal_check_order(struct call *call, struct book_unit units[BOOKS_UNIT_MAX],
                        size_t *unit_count, struct paypal_problems *problems);
void paypal_check_source(struct call *call, struct paypal_source *source,
                         struct paypal_problems *problems);
struct str paypal_brand(struct str number);

/* paypal.c */
bool paypal_authenticate(struct call *call); /* the bearer token's client is call->account */
bool paypal_parse(struct call *call);        /* the body, "" as {}; false: answered */
/* False: answered (bad id, busy). True with *object when it is a repeat, else empty. */
bool paypal_begin(struct call *call, struct str *object);
void paypal_keep_key(struct call *call, struct str object); /* the request did its work */
struct str paypal_key(const struct call *call);             /* PayPal-Request-Id */
bool paypal_wants_all(const struct call *call);             /* Prefer: return=representation */
struct str paypal_new_id(struct call *call);

/* paypal_orders.c, paypal_patch.c, paypal_payments.c */
struct book_session *paypal_find_order(struct call *call); /* param 0; NULL: answered 404 */
void paypal_settle(struct book_entry *entry, struct scenario scenario); /* state and fee */
void paypal_order_create(struct call *call);
void paypal_order_show(struct call *call);
void paypal_order_patch(struct call *call);
void paypal_order_confirm(struct call *call);
void paypal_order_pay(struct call *call); /* authorize, capture */
void paypal_approve_page(struct call *call);
void paypal_approve(struct call *call);
void paypal_hold_show(struct call *call);
void paypal_hold_capture(struct call *call);
void paypal_hold_reauthorize(struct call *call);
void paypal_hold_void(struct call *call);
void paypal_capture_show(struct call *call);
void paypal_capture_refund(struct call *call);
void paypal_refund_show(struct call *call);

/* hook_paypal.c */
void paypal_hook_create(struct call *call);
void paypal_hook_list(struct call *call);
void paypal_hook_show(struct call *call);
void paypal_hook_delete(struct call *call);
void paypal_hook_events(struct call *call);
void paypal_hook_event(struct call *call);
void paypal_hook_resend(struct call *call);
void paypal_hook_certificate(struct call *call);

/* paypal_print.c */
enum paypal_detail {
    PAYPAL_MINIMAL = 0, /* id, status, links */
    PAYPAL_PAYMENTS,    /* an order's payments besides: what capture and authorize answer */
    PAYPAL_ALL,
};
void paypal_print_order(struct call *call, int status, const struct book_session *order,
                        enum paypal_detail detail);
void paypal_print_entry(struct call *call, int status, const struct book_entry *entry, bool all);

#endif
